"""Withdrawals that name no sleeve (契約・口座・顧客あての払出し): made into one of each sleeve that pays, before the close.

Judged by the books of the day before, so that the close sees ordinary withdrawals only, which its door takes. Rules:
docs/close.md §5.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.drawing_order import Payers
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.promises import spare_yen
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, length, stack, take
from tsutsumi.core.units import PPM, largest_remainder

MONEY_IN = ("deposit", "instalment")
MONEY_OUT = ("withdrawal", "transfer")
Tiers = Sequence[Sequence[int]]  # numbers of contracts: those of the first pay before those of the second


def share_withdrawals(books: Books, rules: Rules, transfers: Frame, events: Frame, tiers: Mapping[int, Tiers]) -> Frame:
    """Return the day's events with each withdrawal of a contract, an account or a customer as one of each sleeve that pays (按分).

    Parameters
    ----------
    books : of the day closed before
    transfers : events that are booked before all others today
    events : events of today, in their order
    tiers : event_no → the contracts that pay, in their order, of the withdrawals that name no sleeve

    Returns
    -------
    events : the same rows; in the place of a withdrawal of several sleeves one row of each that pays, with its number, by sleeve.
        A withdrawal that is more than all of them can pay stays as it was: the door refuses it.
    """
    if not tiers:
        return events
    contracts = {number for of in tiers.values() for tier in of for number in tier}
    day = _Day(books, rules, contracts)
    day.book(transfers)
    parts, first = [], 0
    for row in np.flatnonzero(np.isin(events["event_no"], list(tiers))).tolist():
        before, one = take(events, np.arange(first, row)), take(events, np.arange(row, row + 1))
        day.book(before)
        made = day.shared(one, tiers[int(one["event_no"][0])])
        day.book(made)
        parts += [before, made]
        first = row + 1
    return stack(*parts, take(events, np.arange(first, length(events))))


class _Day:
    """What the sleeves can still pay while the day's events are gone through: never more than the close will find."""

    def __init__(self, books: Books, rules: Rules, contracts: set[int]) -> None:
        self.books, self.rules = books, rules
        there = spare_yen(books)
        self.ample = there.copy()  # with the day's money in: who asks for more than its limit will be refused
        self.payers = Payers(books, rules, there, contracts)

    def book(self, events: Frame) -> None:
        """Take in events: what they may take out is gone, what they may close pays nothing."""
        names = ("kind_code", "contract_no", "sleeve_no", "amount_yen")
        for code, contract, sleeve, amount in zip(*(events[name].tolist() for name in names), strict=True):
            kind = EVENT_KINDS[code]
            if kind == "terminated":
                self.payers.rows[contract] = []
            row = int(self.books.row_of_sleeve[sleeve]) if 0 < sleeve < self.books.row_of_sleeve.size else -1
            if row < 0:
                continue
            if kind == "sleeve_closed":
                self.payers.leave_out(row)
            elif kind in MONEY_IN:
                self.ample[row] += max(amount, 0)
            elif kind in MONEY_OUT and 0 < amount * PPM <= self._limit(row) * max(int(self.ample[row]), 0):
                self.payers.there[row] -= amount

    def _limit(self, row: int) -> int:
        return int(self.rules.programs["withdrawal_limit_ppm"][self.books.sleeves["program_no"][row]])

    def shared(self, event: Frame, tiers: Tiers) -> Frame:
        """Return a withdrawal as one of each sleeve that pays; the withdrawal itself if it is more than all of them can pay."""
        amount, payers, found = int(event["amount_yen"][0]), self.payers, []
        if not 0 < amount <= sum(payers.most_of(number) for tier in tiers for number in tier):
            return event
        for tier in tiers:
            most = [payers.most_of(number) for number in tier]
            part = min(amount, sum(most))
            amount -= part
            shares = largest_remainder(part, most, tier) if part else [0] * len(tier)
            for number, yen in zip(tier, shares, strict=True):
                found += payers.share(number, yen)
        sleeves, rows = self.books.sleeves, np.array(sorted(found, key=lambda one: int(self.books.sleeves["sleeve_no"][one[0]])))
        made = take(event, np.zeros(len(found), np.int64))
        for name in ("account_no", "contract_no", "sleeve_no"):
            made[name][:] = sleeves[name][rows[:, 0]]
        made["amount_yen"][:] = rows[:, 1]
        return made
