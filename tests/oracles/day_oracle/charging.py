"""§7: fees, balance, arrears. The formula itself is the one of the fee oracle, which the published cases check."""

import tomllib
from datetime import date
from fractions import Fraction
from functools import cache

from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.money import largest_remainder
from tests.oracles.day_oracle.state import MILLION, Contract, Fee, House, Sleeve
from tests.oracles.fees_oracle import MONTHS, arrears_charge, calendar_end, contract_end, days_of, tiers_in_force


@cache
def read_terms(text: str) -> dict:
    """The terms file; anything that this oracle does not price is an error."""
    terms = tomllib.loads(text)
    balance = all(one["kind"] == "balance" and one.get("tiering", "marginal") == "marginal" for one in terms["component"])
    base = terms["base"]["measure"] == "average" and terms["base"].get("days", "calendar") == "calendar"
    if not balance or not base or terms["period"]["timing"] != "arrears" or terms.get("rates_of", "day") != "day":
        raise NotImplementedError("only balance fees in arrears, marginal, on the average of calendar days, rates of the day")
    terms["base"].setdefault("days", "calendar")
    return terms


def terms_in_force(house: House, contract: Contract, day: date) -> dict:
    """The terms that the program's rules name on a day. Those of the first day of a period hold for the whole period."""
    name = house.rules(contract.program_no, day)["fee_terms_id"]
    rows = [row for row in house.tables["fee_terms"] if row["fee_terms_id"] == name and row["valid_from_date"] <= day]
    return read_terms(max(rows, key=lambda row: row["valid_from_date"])["terms_toml"])


def period_end(terms: dict, contract: Contract) -> date:
    """E: calendar: ends with the calendar period; contract: counted from the first day."""
    months = MONTHS[terms["period"]["length"]]
    if terms["period"]["align"] == "contract":
        return contract_end(contract.opened_date, months * (contract.periods + 1))
    return calendar_end(contract.period_start, months)


def record_close(house: House, contract: Contract, day: date) -> None:
    """The values of the open sleeves of a contract on a close."""
    values = {sleeve.number: (sleeve.value, sleeve.cash) for sleeve in house.contract_sleeves(contract.number)}
    contract.closes.append((day, values))


def daily(contract: Contract, first: date, last: date) -> dict[date, dict[int, tuple[int, int]]]:
    """{calendar day: {sleeve: (value, cash)}}: of that day's close, or of the last close before it."""
    found = {}
    for day in days_of(first, last):
        before = [values for closed, values in contract.closes if closed <= day]
        found[day] = before[-1]
    return found


def own_base(terms: dict, row: tuple[int, int]) -> int:
    """Values, or values − cash if the terms exclude cash; never below zero per sleeve."""
    return max(row[0] if terms["base"]["cash"] == "included" else row[0] - row[1], 0)


def shares(house: House, contract: Contract, fee: int, day: date) -> dict[int, int]:
    """The `share_ppm` rows of the latest `valid_from_date` not after `charged_date`, floor each, remainder to the program's
    `remainder_company`.
    """
    rows = [row for row in house.tables.get("program_shares", [])
            if row["program_no"] == contract.program_no and row["valid_from_date"] <= day]
    latest = max((row["valid_from_date"] for row in rows), default=None)
    found = {row["company_no"]: fee * row["share_ppm"] // MILLION for row in rows if row["valid_from_date"] == latest}
    rest = house.rules(contract.program_no, day)["remainder_company_no"]
    found[rest] = found.get(rest, 0) + fee - sum(found.values())
    return found


def sleeve_parts(house: House, contract: Contract, terms: dict, by_day: dict, fee: int, day: date) -> dict[int, int]:
    """Split to the contract's sleeves (open at charging; those that are closing only if all are) with weights = Σ of their
    daily base over the period, component by component, by largest remainder (`instrument_no` 0 in the tie); all zero: the
    first sleeve.
    """
    sleeves = house.contract_sleeves(contract.number)
    open_now = [sleeve.number for sleeve in sleeves if sleeve.is_active] or [sleeve.number for sleeve in sleeves]
    totals = {number: 0 for number in open_now}
    for values in by_day.values():
        for number in open_now:
            if number in values:
                totals[number] += own_base(terms, values[number])
    weighed = [(totals[number], number, None) for number in open_now]
    if not open_now or fee == 0:
        return {}
    if not any(weight for weight, _, _ in weighed):
        return {open_now[0]: fee}
    parts = largest_remainder(fee, weighed, 0, day)
    return {number: part for number, part in zip(open_now, parts, strict=True) if part}


def charge(house: House, contract: Contract, terms: dict, last: date, day: date, kind: str) -> None:
    """The fee of the period is charged with the days up to E; `charged_date = d`; `due_date` = the `collection_days`-th
    business day after `d`; a final fee is due on `n(d)`. A contract's base on a calendar day is the sum of its sleeves'.
    """
    by_day = daily(contract, contract.period_start, last)
    summed = {one: (sum(own_base(terms, row) for row in values.values()), 0) for one, values in by_day.items()}
    made = arrears_charge(terms, summed, contract.period_start, last)
    wait = 1 if kind == "final" else house.rules(contract.program_no, day)["collection_days"]
    for name, fee in made["components"].items():
        parts = sleeve_parts(house, contract, terms, by_day, fee, day)
        record = Fee(contract.number, name, kind, contract.period_start, last, Fraction(made["base_yen"]), fee, day,
                     house.dates.after(day, wait), shares(house, contract, fee, day), parts, dict(parts))
        if not parts:
            record.collected_date = day                  # nothing to collect
        house.fees.append(record)
    contract.period_start, contract.periods = last + ONE_DAY, contract.periods + 1


def charge_periods(house: House, day: date) -> None:
    """On the first close `d ≥ E` (E = period end) the fee of the period is charged."""
    for contract in house.contracts.values():
        if not contract.opened_date or contract.closed_date:
            continue
        record_close(house, contract, day)
        while not contract.final_charged:
            terms = terms_in_force(house, contract, contract.period_start)
            last = period_end(terms, contract)
            if last > day:
                break
            charge(house, contract, terms, last, day, "charge")


def charge_final(house: House, contract: Contract, day: date) -> None:
    """A termination charges the final fee of the contract that evening (period end = `d`), due `n(d)`."""
    contract.final_charged = True
    if contract.period_start <= day:
        charge(house, contract, terms_in_force(house, contract, contract.period_start), day, day, "final")


def accrued(house: House, sleeve: Sleeve, day: date) -> int:
    """The fee accrued so far (floor of Σ base so far × top tier rate in force (§7) / (10^6 × 365), the sleeve's own base).

    "Top tier rate": the highest rate of the table in force, Σ over components, without tax.
    """
    contract = house.contracts[sleeve.contract_no]
    if contract.period_start > day:
        return 0
    terms = terms_in_force(house, contract, contract.period_start)
    rate = sum(max(rate for _floor, rate in tiers_in_force(one, day)) for one in terms["component"])
    total = 0
    for place, (closed, values) in enumerate(contract.closes):
        until = contract.closes[place + 1][0] if place + 1 < len(contract.closes) else day + ONE_DAY
        days = (until - max(closed, contract.period_start)).days
        if days > 0 and sleeve.number in values:
            total += own_base(terms, values[sleeve.number]) * days
    return total * rate // (MILLION * 365)
