"""§7, "Adjustments": what the dated rows of a program do to a charge before its one rounding."""

from datetime import date
from fractions import Fraction

from tests.oracles.day_oracle.fee_amounts import Exact, arrears_bases, priced
from tests.oracles.day_oracle.fee_terms import anniversary, in_advance
from tests.oracles.day_oracle.state import MILLION, Contract, House, Period
from tests.oracles.fees_oracle import days_of, rounded, year_length

FACTORS = ("long_holding", "deposit_step", "campaign")


def rows_in_force(house: House, contract: Contract, period: Period, component: str) -> list[list[dict]]:
    """The rows of `fee_adjustments` of the contract's program with the latest `valid_from_date` ≤ the first day of the period,
    of a component (the one named, else every balance component), by ascending `step_no`; rows of one number are alternatives.
    """
    rows = [row for row in house.tables.get("fee_adjustments", [])
            if row["program_no"] == contract.program_no and row["valid_from_date"] <= period.start_date]
    latest = max((row["valid_from_date"] for row in rows), default=None)
    rows = [row for row in rows if row["valid_from_date"] == latest and row["component"] in ("", component)]
    return [[row for row in rows if row["step_no"] == step] for step in sorted({row["step_no"] for row in rows})]


def mean_deposit(house: House, contract: Contract, first: date) -> int:
    """The floored mean of the contract's cumulative net deposits (Σ flows) at the last up to three month-ends (last close of a
    month, not before the opening) before that day, 0 without any.
    """
    ends = [net for day, net in contract.deposits if day < first and house.dates.next(day).month != day.month][-3:]
    return sum(ends) // len(ends) if ends else 0


def applies(house: House, contract: Contract, period: Period, row: dict) -> bool:
    """`long_holding`: the n-th anniversary of the opening lies before the first day of the period; `deposit_step`: `threshold`
    ≤ the mean of the deposits; `campaign`: of a contract opened within `from_date`..`to_date` whose period begins on or before
    `until_date`.
    """
    if row["kind"] == "long_holding":
        return anniversary(contract.opened_date, row["threshold"]) < period.start_date
    if row["kind"] == "deposit_step":
        return row["threshold"] <= mean_deposit(house, contract, period.start_date)
    return row["from_date"] <= contract.opened_date <= row["to_date"] and period.start_date <= row["until_date"]


def factor(house: House, contract: Contract, period: Period, rows: list[dict]) -> Fraction:
    """factor_ppm / 10^6 of the highest `threshold` that applies; of none, 1."""
    found = [row for row in rows if row["kind"] in FACTORS and applies(house, contract, period, row)]
    return Fraction(max(found, key=lambda row: row["threshold"])["factor_ppm"], MILLION) if found else Fraction(1)


def times_factors(house: House, contract: Contract, exact: Exact) -> Exact:
    """Additions and refunds are multiplied by the same factors (long_holding, deposit_step, campaign)."""
    made = []
    for number, name, amount in exact:
        for rows in rows_in_force(house, contract, contract.period, name):
            amount *= factor(house, contract, contract.period, rows)
        made.append((number, name, amount))
    return made


def adjusted(house: House, contract: Contract, exact: Exact, last: date, day: date) -> Exact:
    """A charge from the start of the period to `last`. In the end A is at least 0."""
    period, made = contract.period, []
    for number, name, amount in exact:
        for rows in rows_in_force(house, contract, period, name):
            amount = step(house, contract, number, amount, rows, last, day)
        made.append((number, name, max(amount, Fraction(0))))
    return made


def step(house: House, contract: Contract, number: int, amount: Fraction, rows: list[dict], last: date, day: date) -> Fraction:
    """`minimum`, `maximum`: A = max / min of A and Σ over the days of amount_yen / Y(d); `group`: A = f − its share."""
    period, kind = contract.period, rows[0]["kind"]
    if kind == "group":
        return amount if in_advance(period.terms) else grouped(house, contract, number, amount, last, day)
    if kind in ("minimum", "maximum"):
        yearly = [Fraction(rows[0]["amount_yen"], year_length(period.terms, one)) for one in days_of(period.start_date, last)]
        return (max if kind == "minimum" else min)(amount, sum(yearly))
    return amount * factor(house, contract, period, rows)


def group_of(house: House, contract: Contract, day: date) -> str:
    """The `fee_groups` row in force on `d` (an empty group is none)."""
    rows = [row for row in house.tables.get("fee_groups", [])
            if row["contract_no"] == contract.number and row["valid_from_date"] <= day]
    return max(rows, key=lambda row: row["valid_from_date"])["group_id"] if rows else ""


def grouped(house: House, contract: Contract, number: int, amount: Fraction, last: date, day: date) -> Fraction:
    """Of the contracts of the program with the same group that are charged on this evening by the same terms for the same days,
    at least two: own fees f = A rounded, G = the rounded fee of the sum of their bases (day by day for `daily`), saving = max(Σ
    f − G, 0), shared by largest remainder with weights f (ties by contract number), A = f − its share.
    """
    own, group = contract.period, group_of(house, contract, day)
    members = sorted(
        (other.number, other, period) for other, period, end in house.tonight
        if group and group_of(house, other, day) == group and other.program_no == contract.program_no
        and period.terms is own.terms and period.terms_id == own.terms_id and (period.start_date, end) == (own.start_date, last))
    if len(members) < 2:
        return amount
    whole, fees = dict.fromkeys(days_of(own.start_date, last), Fraction(0)), {}
    for other_no, other, period in members:
        _base, bases = arrears_bases(other, period, last)
        fees[other_no] = fee_of(own, number, bases, last)
        whole = {one: whole[one] + bases[one] for one in whole}
    saving = max(sum(fees.values()) - fee_of(own, number, whole, last), 0)
    return Fraction(fees[contract.number] - saved(saving, fees)[contract.number])


def fee_of(period: Period, number: int, bases: dict[date, Fraction], last: date) -> int:
    """The rounded fee of one component on bases by day."""
    exact = priced(period, (period.start_date, last), period.start_date, last, lambda day: (Fraction(0), bases[day]))
    return next(rounded(period.terms, amount) for one, _name, amount in exact if one == number)


def saved(saving: int, fees: dict[int, int]) -> dict[int, int]:
    """Shared by largest remainder with weights f (ties by contract number)."""
    whole = sum(fees.values())
    if not whole:
        return dict.fromkeys(fees, 0)
    shares = {number: saving * fee // whole for number, fee in fees.items()}
    ranked = sorted(fees, key=lambda number: (-(saving * fees[number] % whole), number))
    for number in ranked[: saving - sum(shares.values())]:
        shares[number] += 1
    return shares
