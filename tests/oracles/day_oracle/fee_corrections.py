"""§7, "Late corrections": the fee state that comes with an event, and the money that only the fees see.

Here a state says what was wrong with the past: from a day on, the values of some sleeves and the net deposits; and by how much
marks, the running base and what is uncharged differ. The histories of the contract are put right by it; all goes on from them.
`Applied` tells what that makes of the sums and rows that another way of keeping books holds in their place.
"""

from dataclasses import dataclass
from datetime import date

from tests.oracles.day_oracle.fee_bases import base_of, daily, days_that_enter, own_base
from tests.oracles.day_oracle.fee_terms import components, in_advance
from tests.oracles.day_oracle.state import Contract, House


@dataclass
class Applied:
    """What a state changed at the end of `y`, in yen."""

    contract_no: int
    values: dict[int, int]                   # {sleeve: the value that the fees should have seen at y}
    money: dict[int, int]                    # {sleeve: a flow of d that only the fees see}
    base_sums: dict[int, int]                # {sleeve: by how much the sum of its bases differs}, in arrears
    day_bases: dict[date, int]               # {day of the period: base of the contract}
    marks: int                               # by how much each mark differs
    running: int
    uncharged: int
    deposits: int
    month_ends: list[bool]                   # of the last three: whether their net deposits differ, the latest first


def apply_states(house: House, day: date) -> None:
    """The state takes the place of the contract's own with the event (step 4; of several events of a day the last counts)."""
    for number, (event_no, state) in sorted(house.today.states.items()):
        contract = house.contracts[number]
        if contract.closes and contract.period:
            house.applied[event_no] = put_right(house, contract, state)


def put_right(house: House, contract: Contract, state: dict) -> Applied:
    """From a day of the period that runs on (or of `y`, if it has not begun) the past is what the state says.

    Reading: no sleeve is valued below zero, and what runs in advance does not fall below zero.
    """
    period, until = contract.period, contract.closes[-1][0]
    since = min(max(state["since"], period.start_date), until)
    before = daily(contract, period.start_date, until) if period.start_date <= until else {}
    shifts = {}
    for sleeve_no, yen in state["values"].items():
        worth = [values[sleeve_no][0] for closed, values in contract.closes if closed >= since and sleeve_no in values]
        if worth and sleeve_no in contract.closes[-1][1]:
            shifts[sleeve_no] = max(yen, min(0, -min(worth)))
    contract.closes = [(closed, shifted(values, shifts) if closed >= since else values) for closed, values in contract.closes]
    contract.deposits = [(closed, net + state["deposits"] * (closed >= since)) for closed, net in contract.deposits]
    after = daily(contract, period.start_date, until) if period.start_date <= until else {}
    runs = in_advance(period.terms) and bool(components(period.terms, "balance"))
    running = max(state["running"], -int(period.running)) if runs else 0
    uncharged = max(state["uncharged"], -period.uncharged) if runs else 0
    period.running += running
    period.uncharged += uncharged
    for mark in contract.marks.values():
        mark.value += state["marks"]
    money = {sleeve_no: -yen for sleeve_no, yen in shifts.items() if state["money"] and yen}
    house.today.money |= money
    month_ends = [closed for closed, _net in contract.deposits if (closed.year, closed.month) < (until.year, until.month)
                  and house.dates.next(closed).month != closed.month]
    return Applied(
        contract.number, {sleeve_no: contract.closes[-1][1][sleeve_no][0] for sleeve_no in shifts}, money,
        changed_sums(house, contract, before, after), {one: int(base_of(period.terms, values)) for one, values in after.items()},
        state["marks"], running, uncharged, state["deposits"], [end >= since for end in reversed(month_ends[-3:])])


def shifted(values: dict[int, tuple[int, int]], shifts: dict[int, int]) -> dict[int, tuple[int, int]]:
    """The values of a close, some of them higher or lower; the cash is what it was."""
    return {number: (value + shifts.get(number, 0), cash) for number, (value, cash) in values.items()}


def changed_sums(house: House, contract: Contract, before: dict, after: dict) -> dict[int, int]:
    """{sleeve: by how much the sum of its bases of the days that enter differs}, in arrears."""
    terms, found = contract.period.terms, {}
    if in_advance(terms) or not after:
        return found
    for one in days_that_enter(house, contract.period, min(after), max(after)):
        for number, row in after[one].items():
            found[number] = found.get(number, 0) + own_base(terms, row) - own_base(terms, before[one][number])
    return found
