"""§5, "Who pays first": the order of a contract, and how an amount is shared over its sleeves."""

from dataclasses import dataclass
from datetime import date

from tests.oracles.day_oracle.aims import sale_cost_ppm
from tests.oracles.day_oracle.money import largest_remainder, yen
from tests.oracles.day_oracle.promises import needs
from tests.oracles.day_oracle.state import MILLION, House, Sleeve

WITHOUT_A_ROW = {"order_kind": "proportional", "sleeve_ids": "", "drawings_kind": "own"}


@dataclass
class Payer:
    """A sleeve that pays: its `D`, 0 if below, and `most`."""

    sleeve: Sleeve
    there: int
    most: int


def order_of(house: House, contract_no: int, day: date) -> dict:
    """The row of `drawing_orders` with the latest `valid_from_date ≤ d`; without one it is `proportional`, `own`."""
    rows = [row for row in house.tables.get("drawing_orders", [])
            if row["contract_no"] == contract_no and row["valid_from_date"] <= day]
    return max(rows, key=lambda row: row["valid_from_date"]) if rows else WITHOUT_A_ROW


def payer(house: House, sleeve: Sleeve, there: int, day: date) -> Payer:
    """`most = floor(D × withdrawal_limit_ppm / 10^6)`, the limit in force on `d`."""
    there = max(there, 0)
    return Payer(sleeve, there, there * house.rules_of(sleeve, day)["withdrawal_limit_ppm"] // MILLION)


def payers_tonight(house: House, sleeve: Sleeve, day: date, worth=None) -> list[Payer]:
    """Who pays the drawings of a sleeve: itself, or with `drawings_kind = order` of the row in force on the evening all sleeves of
    its contract that are open and not closing. `D` = value − open payouts that are not closings − dues, or what `worth` gives.
    """
    paying = [sleeve]
    if order_of(house, sleeve.contract_no, day)["drawings_kind"] == "order":
        paying = [one for one in house.contract_sleeves(sleeve.contract_no) if one.is_active]
    return [payer(house, one, worth(one) if worth else one.value - needs(house, one), day) for one in paying]


def shared(house: House, payers: list[Payer], amount: int, day: date) -> dict[int, int]:
    """An amount `A ≤ Σ most` over the sleeves of a contract, by its order. -> {sleeve: yen above 0}

    `proportional`: largest remainder (`instrument_no` 0, day `d`) with weights `most`. The others one after the other, each what
    is still asked, in all at most its `most`.
    """
    row = order_of(house, payers[0].sleeve.contract_no, day) if payers else WITHOUT_A_ROW
    if amount <= 0:
        return {}
    if row["order_kind"] == "proportional":
        weighed = [(one.most, one.sleeve.number, None) for one in payers]
        parts = largest_remainder(amount, weighed, 0, day)
        return {one.sleeve.number: part for one, part in zip(payers, parts, strict=True) if part}
    given, rest = {one.sleeve.number: 0 for one in payers}, amount
    for one, most in turns(house, payers, row, day):
        part = min(rest, most, one.most - given[one.sleeve.number])
        given[one.sleeve.number] += part
        rest -= part
    return {number: part for number, part in given.items() if part}


def turns(house: House, payers: list[Payer], row: dict, day: date) -> list[tuple[Payer, int]]:
    """[(who pays, up to how much this time)] one after the other."""
    if row["order_kind"] == "least_tax":                 # by ascending `c`, then by number
        return [(one, one.most) for one in sorted(payers, key=lambda one: (cost_of(house, one.sleeve, day), one.sleeve.number))]
    named = [name for name in row["sleeve_ids"].split(";") if name]
    ids = {sleeve["sleeve_no"]: sleeve["sleeve_id"] for sleeve in house.tables["sleeves"]}

    def place(one: Payer) -> tuple:
        """`listed`: the sleeves of `sleeve_ids` in that order, then the others by number."""
        name = ids[one.sleeve.number]
        return named.index(name) if name in named else len(named), one.sleeve.number

    listed = [(one, one.most) for one in sorted(payers, key=place)]
    return listed if row["order_kind"] == "listed" else above_target(house, payers) + listed


def above_target(house: House, payers: list[Payer]) -> list[tuple[Payer, int]]:
    """Of the sleeves with a goal that has a row at `y`: first, by `D − target_yen` of that row descending (ties by number), each
    with `target_yen > 0` and `D > target_yen` up to `D − target_yen`; then, in the same order, those whose status at `y` was
    `above`, up to `most`.
    """
    known = [(one, *house.goal_rows[one.sleeve.number]) for one in payers if one.sleeve.number in house.goal_rows]
    ranked = sorted(known, key=lambda row: (row[1] - row[0].there, row[0].sleeve.number))
    first = [(one, one.there - target) for one, target, _status in ranked if 0 < target < one.there]
    return first + [(one, one.most) for one, _target, status in ranked if status == "above"]


def cost_of(house: House, sleeve: Sleeve, day: date) -> int:
    """`c = floor(Σ yen_i × cost_i / Σ yen_i)` over what the sleeve holds, 0 of nothing, `yen_i` of its own units and `cost_i` the
    sale cost (§8) of the account's holding, both at the prices in force.
    """
    def worth(number: int, units: int) -> int:
        return yen(house, number, units)

    held = [(worth(number, sleeve.units[number]), sale_cost_ppm(house, sleeve, number, day, worth)) for number in sleeve.held()]
    whole = sum(one for one, _cost in held)
    return sum(one * cost for one, cost in held) // whole if whole else 0
