"""The past as it should have been for the fees (訂正後の過去): other prices, money that came or went, other first days.

Only what the fees see is corrected, and only on the days that were closed when the correction came: units, orders and payments
stay, and from the day that books it on the books count as they are. Rules: docs/rules/fee-correction.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.flows import CORRECTION
from tsutsumi.core.schema import Frame, empty, frame
from tsutsumi.core.units import PPM
from tsutsumi.run.reference import Reference
from tsutsumi.run.verify_check import rows_of
from tsutsumi.store.correction_rows import FLOW, NAV, START_DATE, Fact

NEVER = 2**31 - 1


@dataclass(frozen=True)
class Seen:
    """What the corrections change of one evening (訂正による差): yen per row of the sleeves, and flows."""

    value_yen: np.ndarray
    flows: Frame


class Past:
    """Corrections applied to closed days, in their order (訂正の適用); of one price the later correction counts."""

    def __init__(self, facts: Iterable[Fact], reference: Reference) -> None:
        self.reference = reference
        self.prices: dict[int, dict[int, tuple[int, int]]] = {}  # day → instrument_no → (price, the day whose close books it)
        self.money: list[tuple[int, int, int]] = []
        self.starts: dict[int, tuple[int, int]] = {}  # contract_no → (the first day that the books know, the right one)
        for fact in facts:
            day, booked = epoch_day(fact.date), NEVER if fact.booked_date is None else epoch_day(fact.booked_date)
            if fact.kind == NAV:
                self.prices.setdefault(day, {})[fact.instrument_no] = fact.price, booked
            elif fact.kind == FLOW:  # from the day that books it on, the books hold the money themselves
                self.money += [(day, fact.sleeve_no, fact.amount_yen), (booked, fact.sleeve_no, -fact.amount_yen)]
            elif fact.kind == START_DATE:
                first = self.starts.get(fact.contract_no, (day, 0))[0]
                self.starts[fact.contract_no] = first, epoch_day(fact.new_date)
        self.money.sort()
        self.in_force: dict[int, tuple[int, int]] = {}
        self.added: dict[int, int] = {}
        self.next_money = 0

    def look(self, tables: dict[str, Frame], books: Books) -> Seen:
        """Return what the corrections change of a closed day (訂正による差); days come in order, from before the first one on."""
        self._prices_of(tables, books.day)
        value = np.zeros(books.sleeves["sleeve_no"].size, np.int64)
        for instrument, (price, _) in self.in_force.items():
            self._revalue(books, instrument, price, value)
        accounts, rows = self.reference.registry.sleeves["account_no"], []
        while self.next_money < len(self.money) and self.money[self.next_money][0] <= books.day:
            _, sleeve, yen = self.money[self.next_money]
            self.added[sleeve] = self.added.get(sleeve, 0) + yen
            rows.append((int(accounts[sleeve]), sleeve, CORRECTION, yen, 0, 0))
            self.next_money += 1
        for sleeve, yen in self.added.items():
            row = int(books.row_of_sleeve[sleeve]) if sleeve < books.row_of_sleeve.size else -1
            if row >= 0:
                value[row] += yen
        return Seen(value, frame("flows", rows) if rows else empty("flows"))

    def _prices_of(self, tables: dict[str, Frame], day: int) -> None:
        """Take the corrected prices that come into force today; one ends where the house accepted another price."""
        accepted = tables.get("prices")
        for instrument in [] if not accepted else accepted["instrument_no"].tolist():
            self.in_force.pop(instrument, None)
        splits = tables.get("inputs.splits")
        for instrument, old, new in [] if not splits else rows_of(splits, "instrument_no", "old_units", "new_units"):
            if instrument in self.in_force:
                price, booked = self.in_force[instrument]
                self.in_force[instrument] = price * old // new, booked
        self.in_force = {number: of for number, of in (self.in_force | self.prices.get(day, {})).items() if day < of[1]}

    def _revalue(self, books: Books, instrument: int, price: int, value: np.ndarray) -> None:
        """Add floor(units × right price) − floor(units × price in force) of every position in an instrument."""
        positions, known = books.positions, self.reference.instruments
        rows = np.flatnonzero((positions["instrument_no"] == instrument) & (positions["held_units"] > 0))
        fx, wrong = int(books.market.fx_ppm[instrument]), int(books.market.price[instrument])
        den = 10 ** int(known["price_scale"][instrument]) * int(known["price_base_units"][instrument]) * PPM
        of = books.row_of_sleeve[positions["sleeve_no"][rows]].tolist()
        for row, units in zip(of, positions["held_units"][rows].tolist(), strict=True):
            value[row] += value_difference(units, wrong * fx, price * fx, den)


def value_difference(units: int, booked: int, right: int, den: int) -> int:
    """Return what a position was valued too low by, in yen (評価額の差): each value is floored by itself.

    >>> value_difference(1_234_567, 10_321, 10_123, 10_000)
    -24444
    """
    return units * right // den - units * booked // den
