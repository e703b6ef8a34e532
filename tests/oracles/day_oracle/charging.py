"""§7: what a contract is charged on an evening: in arrears, in advance, and the end of the contract."""

from datetime import date
from fractions import Fraction

from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.dues import owe, shares, split
from tests.oracles.day_oracle.fee_adjustments import adjusted, times_factors
from tests.oracles.day_oracle.fee_amounts import Exact, advance, arrears
from tests.oracles.day_oracle.fee_bases import base_of, close_of, daily, days_that_enter, own_base, record_close
from tests.oracles.day_oracle.fee_terms import components, in_advance, period_from
from tests.oracles.day_oracle.performance_fees import fall_due, flow_of, move_marks, start_marks, take_scope
from tests.oracles.day_oracle.state import Contract, Fee, House, Period
from tests.oracles.fees_oracle import rounded


def rows(house: House, contract: Contract, kind: str, dates: tuple[date, date], base: Fraction, exact: Exact, weights: dict,
         day: date) -> list[Fee]:
    """The rows of one charge, addition or refund, each component rounded by itself. A refund is a credit: it has no parts."""
    made = []
    for number, name, amount in exact:
        yen = rounded(contract.period.terms, amount)
        parts = {} if kind.startswith("refund") else split(house, contract, yen, weights, day)
        made.append(Fee(contract.number, 0, number, name, kind, *dates, base, yen, day, shares(house, contract, yen, day), parts))
    return made


def charge_arrears(house: House, contract: Contract, last: date, day: date) -> list[Fee]:
    """Balance fee in arrears: the fee of the period is charged with the days up to E, with weights = Σ of their daily base
    over the days that entered the average.
    """
    period = contract.period
    if in_advance(period.terms) or not components(period.terms, "balance"):
        return []
    base, exact = arrears(contract, period, last)
    exact = adjusted(house, contract, exact, last, day)
    by_day, weights = daily(contract, period.start_date, last), {}
    for one in days_that_enter(house, period, period.start_date, last):
        for number, row in by_day[one].items():
            weights[number] = weights.get(number, 0) + own_base(period.terms, row)
    return rows(house, contract, "charge", (period.start_date, last), base, exact, weights, day)


def bases_of(contract: Contract, day: date) -> dict[int, int]:
    """In advance and for additions: their base of `d`."""
    return {number: own_base(contract.period.terms, row) for number, row in close_of(contract, day).items()}


def begin(house: House, contract: Contract, day: date) -> list[Fee]:
    """On the first close `d ≥ s` the period is charged to its full end on the opening base: in the contract's first period
    today's base, later the base of the last business day before `s`, that is of `y`. The opening base starts the running
    base. A new period forgets what was uncharged.
    """
    period = contract.period
    period.begun, period.uncharged = True, 0
    if period.number == 1:                               # the marks of other terms end with them
        contract.marks.clear()
    start_marks(house, contract, period.start_date)
    if not in_advance(period.terms):
        return []
    first = period.start_date == contract.opened_date
    period.running = base_of(period.terms, close_of(contract, day if first else house.previous))
    exact = advance(period, period.start_date, Fraction(0), period.running)
    exact = adjusted(house, contract, exact, period.end_date, day)
    dates = (period.start_date, period.end_date)
    return rows(house, contract, "charge", dates, period.running, exact, bases_of(contract, day), day)


def add(house: House, contract: Contract, amount: int, day: date) -> list[Fee]:
    """Above zero an addition for `d`..E (`own`: from tier 1; `stacked`: between the running base and running base + flow; the
    running base grows; `none`: nothing is charged, the amount is kept as uncharged).
    """
    period = contract.period
    mode = period.terms["advance"]["addition"]
    if mode == "none":
        period.uncharged += amount
        return []
    low = Fraction(0) if mode == "own" else period.running
    period.running += amount
    exact = times_factors(house, contract, advance(period, day, low, low + amount))
    return rows(house, contract, "addition", (day, period.end_date), Fraction(amount), exact, bases_of(contract, day), day)


def refund(house: House, contract: Contract, kind: str, amount: Fraction, day: date) -> list[Fee]:
    """`prorated`: a refund for `d + 1`..E of the part of the running base above what is left, if it is more than 0 and
    `d < E`, and the running base falls; `none`: nothing. Reading: an end without a running base gives no row either.
    """
    period = contract.period
    if period.terms["advance"]["refund"] == "none":
        return []
    amount, high = min(amount, period.running), period.running
    period.running -= amount
    if amount <= 0 or day >= period.end_date:
        return []
    exact = times_factors(house, contract, advance(period, day + ONE_DAY, period.running, high))
    return rows(house, contract, kind, (day + ONE_DAY, period.end_date), amount, exact, {}, day)


def price_flow(house: House, contract: Contract, day: date) -> list[Fee]:
    """A flow on `d` is priced after a period charged on `d`; below zero it first cancels what is uncharged of this period,
    then at most the running base; the flows of the opening day are part of its base.
    """
    flow = flow_of(house, contract, 0)
    if not in_advance(contract.period.terms) or day == contract.opened_date or flow == 0:
        return []
    if flow > 0:
        return add(house, contract, flow, day)
    cancelled = min(contract.period.uncharged, -flow)
    contract.period.uncharged -= cancelled
    return refund(house, contract, "refund", Fraction(-flow - cancelled), day)


def end(house: House, contract: Contract, last: date, day: date, *, final: bool) -> list[Fee]:
    """The balance fee in arrears up to the last day, then the performance fees that fall due with it."""
    balance = charge_arrears(house, contract, last, day)
    return balance + fall_due(house, contract, balance, last, day, final=final)


def until_today(house: House, contract: Contract, day: date) -> list[Fee]:
    """The periods that have begun since the last close, and those that ended before today. Periods follow each other without
    a gap.
    """
    made = []
    while True:
        if not contract.period.begun:
            made += begin(house, contract, day)
        last = contract.period.end_date
        if last >= day:
            return made
        made += end(house, contract, last, day, final=False)
        contract.period = period_from(house, contract, last + ONE_DAY)


def charge_contract(house: House, contract: Contract, day: date, *, final: bool) -> None:
    """One contract on one evening. If E < d, the flow of `d` moves the mark after it fell due; else before. A contract that
    ends on `d < E` is refunded (`prorated`) for `d + 1`..E on its running base, after the flow of `d`.
    """
    if contract.period is None:
        contract.period = period_from(house, contract, contract.opened_date)
    take_scope(house, contract, day)
    made = until_today(house, contract, day)
    period = contract.period
    start_marks(house, contract, day)
    move_marks(house, contract, day)
    made += price_flow(house, contract, day)
    if final or period.end_date == day:
        made += end(house, contract, day, day, final=final)
    if final:
        contract.final_date = day
        if in_advance(period.terms):
            made += refund(house, contract, "refund at the end", period.running, day)
        for fee in made:
            fee.final = True
    made += corrected(house, contract, day)
    owe(house, contract, made, day)
    if period.end_date == day and not final:
        contract.period = period_from(house, contract, day + ONE_DAY)


def corrected(house: House, contract: Contract, day: date) -> list[Fee]:
    """"Late corrections": the amount is charged last on that evening: above zero a fee of kind `correction`, below zero a refund,
    component 0, start = end = `d`, base 0, split to the sleeves by their base of `d`; all of a contract's amounts of one evening
    are one row. Reading: of 0 yen there is no row.
    """
    amount = house.today.corrected.get(contract.number, 0)
    if amount == 0:
        return []
    parts = split(house, contract, amount, bases_of(contract, day), day) if amount > 0 else {}
    kind = "correction" if amount > 0 else "refund of a correction"
    return [Fee(contract.number, 0, 0, "correction", kind, day, day, Fraction(0), abs(amount), day,
                shares(house, contract, abs(amount), day), parts, final=contract.final_date == day)]


def ends_tonight(house: House, contract: Contract, day: date, *, final: bool) -> list[tuple[Contract, Period, date]]:
    """[(contract, period, last day)] of every period that is charged to its end on an evening."""
    period, found = contract.period or period_from(house, contract, contract.opened_date), []
    while period.end_date < day:
        found.append((contract, period, period.end_date))
        period = period_from(house, contract, period.end_date + ONE_DAY, period)
    return [*found, (contract, period, day)] if final or period.end_date == day else found


def charge(house: House, day: date, ending: set[int]) -> None:
    """Fees of all open contracts; after the evening of the final fee there are none."""
    contracts = [one for one in house.contracts.values() if one.opened_date and not one.closed_date and not one.final_date]
    house.tonight = []
    for contract in contracts:
        record_close(house, contract, day)
        before = contract.deposits[-1][1] if contract.deposits else 0
        contract.deposits.append((day, before + flow_of(house, contract, 0)))
        house.tonight += ends_tonight(house, contract, day, final=contract.number in ending)
    for contract in contracts:
        charge_contract(house, contract, day, final=contract.number in ending)
