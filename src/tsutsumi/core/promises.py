"""Promises (約束): when the cash of a payout will surely be there. Rules: docs/close.md §6."""

import numpy as np

from tsutsumi.core.books import Books, order_offsets
from tsutsumi.core.ladder import PLACED, PURCHASE, SALE
from tsutsumi.core.rules import Rules

P_WITHDRAWAL, P_DRAWING, P_TRANSFER, P_SLEEVE_CLOSE, P_TERMINATION = 1, 2, 3, 4, 5
PAYOUT_KINDS = ("", "withdrawal", "drawing", "transfer", "sleeve_close", "termination")
OPEN, PAID, LAPSED = 0, 1, 2
LATE_DAYS = 20


class Promiser:
    """Computes promised dates from the books of an evening; see docs/close.md §6."""

    def __init__(self, books: Books, rules: Rules, offsets: np.ndarray | None = None) -> None:
        """Take the books of the moment; `offsets` are their `order_offsets`, if these are known already."""
        self.books, self.rules = books, rules
        self.order_offsets = order_offsets(books) if offsets is None else offsets

    def _positions(self, row: int) -> tuple[list[int], list[int]]:
        first, last = (int(self.books.offsets[min(row + k, self.books.offsets.size - 1)]) for k in (0, 1))
        positions = self.books.positions
        return positions["instrument_no"][first:last].tolist(), positions["held_units"][first:last].tolist()

    def _orders(self, row: int) -> list[tuple[int, int, int, int, int]]:
        last_row = self.order_offsets.size - 1
        first, last = int(self.order_offsets[min(row, last_row)]), int(self.order_offsets[min(row + 1, last_row)])
        orders = self.books.orders
        names = ("instrument_no", "side_code", "status_code", "priced_date", "settlement_date")
        return list(zip(*(orders[name][first:last].tolist() for name in names), strict=True))

    def instruments(self, row: int) -> list[int]:
        """Return the instruments of a sleeve: units > 0, a live order, or a weight above zero."""
        instruments, units = self._positions(row)
        held = {i for i, u in zip(instruments, units, strict=True) if u > 0}
        weights = self.rules.weights[self.books.sleeves["model_no"][row]]
        return sorted(held | {order[0] for order in self._orders(row)} | set((np.flatnonzero(weights[1:] > 0) + 1).tolist()))

    def withdrawal(self, row: int, day_index: int) -> int:
        """Return the promised date of a withdrawal or transfer requested on a day: time for a second sale."""
        rules = self.rules
        instruments = self.instruments(row)
        priced = max((rules.priced_index(i, day_index) for i in instruments), default=day_index)
        bought = [order[3] for order in self._orders(row) if order[1] == PURCHASE]
        if bought:
            priced = max(priced, int(np.searchsorted(rules.timeline.days, max(bought))))
        return rules.business_day(max((rules.settles_index(i, priced, SALE) for i in instruments), default=day_index + 1))

    def closing(self, row: int, day_index: int) -> int:
        """Return the promised date of the closing of one sleeve: everything sold and settled, and a day for the fee."""
        rules = self.rules
        instruments, units = self._positions(row)
        evenings = {i: day_index for i, u in zip(instruments, units, strict=True) if u > 0}
        last = day_index
        for instrument, side, status, priced, settlement in self._orders(row):
            evening = evenings.get(instrument, day_index)
            if side == PURCHASE and status == PLACED:
                evening = max(evening, int(np.searchsorted(rules.timeline.days, priced)))
            evenings[instrument] = evening
            last = max(last, int(np.searchsorted(rules.timeline.days, settlement)))
        last = max([last] + [rules.settles_index(i, e, SALE) for i, e in evenings.items()])
        payouts = self.books.payouts
        mine = (payouts["sleeve_no"] == self.books.sleeves["sleeve_no"][row]) & (payouts["kind_code"] < P_SLEEVE_CLOSE)
        return max(rules.business_day(last + 1), int(payouts["promised_date"][mine].max(initial=0)))


def payout_row(
    books: Books, row: int, event_no: int, kind: int, amount: int, promised: int, target: int = 0, drawn: int = 0
) -> tuple[int, ...]:
    """Return the columns of one open payout requested today; `drawn` is the sleeve whose drawing another one pays."""
    sleeves = books.sleeves
    account, contract, sleeve = (int(sleeves[name][row]) for name in ("account_no", "contract_no", "sleeve_no"))
    return account, contract, sleeve, event_no, kind, amount, books.day, promised, promised, 0, target, 0, OPEN, 0, drawn


def spare_yen(books: Books) -> np.ndarray:
    """Return per sleeve row what is not spoken for (充当できる残高): value − open payouts, closings apart − dues."""
    spare, payouts, dues = books.sleeves["value_yen"].astype(np.int64), books.payouts, books.dues
    plain = payouts["kind_code"] < P_SLEEVE_CLOSE
    np.subtract.at(spare, books.row_of_sleeve[payouts["sleeve_no"][plain]], payouts["amount_yen"][plain])
    np.subtract.at(spare, books.row_of_sleeve[dues["sleeve_no"]], dues["amount_yen"])
    return spare
