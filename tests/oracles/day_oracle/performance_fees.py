"""§7, "Performance fee": the marks, and the fee on what lies above them."""

from datetime import date
from fractions import Fraction

from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.dues import shares, split
from tests.oracles.day_oracle.fee_bases import close_of, value_of
from tests.oracles.day_oracle.fee_terms import components
from tests.oracles.day_oracle.state import MILLION, Contract, Fee, House, Mark
from tests.oracles.fees_oracle import rounded, with_tax


def owners(house: House, contract: Contract) -> list[tuple[int, date]]:
    """Whose mark: of the contract (0), or, if the program's rules say `performance_scope = sleeve`, one per sleeve.
    -> [(sleeve_no or 0, the day it opened)]
    """
    if contract.scope == "contract":
        return [(0, contract.opened_date)]
    return [(sleeve.number, sleeve.opened_date) for sleeve in house.contract_sleeves(contract.number)]


def take_scope(house: House, contract: Contract, day: date) -> None:
    """A change of the scope counts from the evening on which it comes into force: the marks of the former scope end, those of the
    new one begin with the value of that evening.
    """
    scope = house.rules(contract.program_no, day).get("performance_scope", "contract")
    if contract.scope and contract.scope != scope:
        contract.marks.clear()
        contract.scope_date = day
    contract.scope = scope


def start_marks(house: House, contract: Contract, until: date) -> None:
    """It starts with the value of the evening on which the contract (the sleeve) opened, or, when the terms named begin
    later, with the value of the first day of their first period (the last close not after it).

    Reading: the first fee is for the days from there on.
    """
    period = contract.period
    for number, _component in components(period.terms, "performance"):
        for sleeve_no, opened in owners(house, contract):
            start = max(opened, period.terms_date)
            if house.previous is None or period.terms_date <= house.previous:
                start = max(start, contract.scope_date)
            if (number, sleeve_no) not in contract.marks and start <= until:
                value = value_of(close_of(contract, start), sleeve_no)
                contract.marks[number, sleeve_no] = Mark(start, start, Fraction(value))


def moved(component: dict, mark: Fraction, flow: int, after: int) -> Fraction:
    """Above zero it adds; below zero it multiplies by (value after) / (value after − flow), value after = value of `d`, 0 if
    negative (`scaled`; exact, a fraction), or it is subtracted (`subtracted`).
    """
    if flow > 0 or component["mark"] == "subtracted":
        return mark + flow
    after = max(after, 0)
    return mark * Fraction(after, after - flow)


def move_marks(house: House, contract: Contract, day: date) -> None:
    """A flow on `d` (never on the first day) moves it that evening."""
    values = close_of(contract, day)
    for number, component in components(contract.period.terms, "performance"):
        for (component_no, sleeve_no), mark in contract.marks.items():
            if component_no != number or mark.start_date == day or (sleeve_no and sleeve_no not in values):
                continue
            flow = flow_of(house, contract, sleeve_no)
            if flow:
                mark.value = moved(component, mark.value, flow, value_of(values, sleeve_no))


def flow_of(house: House, contract: Contract, sleeve_no: int) -> int:
    """The flow of a contract on `d` is Σ of the external flows of its sleeves, one number; or the sleeve's own. With it goes the
    money of a correction that only the fees see.
    """
    if sleeve_no:
        return house.sleeves[sleeve_no].external + house.today.money.get(sleeve_no, 0)
    return sum(flow_of(house, contract, one.number) for one in house.sleeves.values() if one.contract_no == contract.number)


def stays_without(house: House, sleeve_no: int) -> bool:
    """A closing sleeve of a contract that stays: its own performance fee does not fall due."""
    closing = house.sleeves[sleeve_no].closing if sleeve_no else None
    return closing is not None and closing.kind == "closing"


def fall_due(house: House, contract: Contract, balance: list[Fee], last: date, day: date, *, final: bool) -> list[Fee]:
    """It falls due with the balance fee of every period whose number is a multiple of `every`, for the days since the last
    time it fell due, and at the final fee: profit = value of E (the close of E, or the last before it) − the balance fees in
    arrears charged for that period − mark; the base is the profit, 0 if it is less; fee = base × rate, plus tax by the last
    day, rounded once. A fee row stands there even for 0 yen. If the base is above 0 the mark becomes value − balance fees −
    performance fee of the component.

    Reading: in advance it falls due on the first close `d ≥ E` too; a sleeve that is no longer open at charging, or was not
    yet on E, owes none.
    """
    terms, made = contract.period.terms, []
    now, at_end = close_of(contract, day), close_of(contract, last)
    for number, component in components(terms, "performance"):
        if not final and contract.period.number % component["every"]:
            continue
        for sleeve_no, _opened in owners(house, contract):
            mark = contract.marks.get((number, sleeve_no))
            if mark is None or mark.start_date > last or stays_without(house, sleeve_no):
                continue
            own = sum(fee.parts.get(sleeve_no, 0) if sleeve_no else fee.fee_yen for fee in balance)
            value = value_of(at_end, sleeve_no) - own
            base = max(value - mark.value, Fraction(0))
            yen = rounded(terms, with_tax(terms, base * Fraction(component["rate_ppm"], MILLION), last))
            parts = {sleeve_no: yen} if yen else {}
            if not sleeve_no:
                weights = {one: max(value_of(now, one), 0) for one in now}
                parts = split(house, contract, yen, weights, day)
            made.append(Fee(contract.number, sleeve_no, number, component["name"], "performance", mark.since_date, last,
                            base, yen, day, shares(house, contract, yen, day), parts))
            if base > 0:
                mark.value = Fraction(value - yen)
            mark.since_date = last + ONE_DAY
    return made
