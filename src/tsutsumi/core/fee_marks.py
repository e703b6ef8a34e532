"""The high-water marks of many contracts (契約群のハイウォーターマーク): exact fractions, in compiled code while they are short.

A deposit adds to a mark; a withdrawal multiplies it by (value after) / (value before), or is subtracted; after a fee the mark is
the value after it. The columnar twin of `fee_engine.Marks`. A fraction that would not fit 62 bits goes on in Python's numbers.
"""

from fractions import Fraction

import numpy as np
from numba import njit

from tsutsumi.core.fee_book import price_performance
from tsutsumi.core.fee_brackets import NARROW
from tsutsumi.core.fee_histories import Histories, amounts_on
from tsutsumi.core.fee_quotients import row_on
from tsutsumi.core.fee_terms import Component, Terms

LIMIT = 2**NARROW - 1


class Marks:
    """The marks of one performance component (基準額), one a contract; they start with the value of the first day."""

    def __init__(self, terms: Terms, component: Component, histories: Histories) -> None:
        self.terms, self.component, self.histories = terms, component, histories
        self.since = histories.start.copy()
        self.num, self.den = histories.value_yen[histories.offsets[:-1]], np.ones(self.since.size, np.int64)
        self.wide: dict[int, Fraction] = {}

    def move(self, rows: np.ndarray, next_flow: np.ndarray, until: np.ndarray) -> np.ndarray:
        """Move the marks of some contracts by their flows (入出金による移動); return the first flow after them, for each of `rows`.

        Parameters
        ----------
        rows : int64 array
            Which contracts.
        next_flow, until : one a contract
            The first flow, and the last day whose flows move the mark.
        """
        known = self.histories
        flows = known.flow_offsets, known.flow_days, known.flow_yen
        values = known.offsets, known.days, known.value_yen
        long = np.zeros(self.since.size, bool)
        long[list(self.wide)] = True
        seen = np.empty(rows.size, np.int64)
        scaled = self.component.mark == "scaled"
        _moved(rows, next_flow, until, flows, values, scaled, self.num, self.den, long, seen)
        at = np.flatnonzero(long[rows])
        for i, last in zip(rows[at].tolist(), seen[at].tolist(), strict=True):
            self.wide[i] = self._moved_exactly(i, int(next_flow[i]), last)
        return seen

    def _moved_exactly(self, row: int, flow: int, last: int) -> Fraction:
        """Return the mark of a contract moved by the flows from one to before another, whatever its length."""
        known = self.histories
        num, den = self._parts(row)
        amounts, contract = known.flow_yen[flow:last].tolist(), np.full(last - flow, row)
        days = known.flow_days[flow:last].astype(np.int64)
        values = amounts_on(contract, days, known.offsets, known.days, known.value_yen).tolist()
        for amount, after in zip(amounts, values, strict=True):
            if amount > 0 or self.component.mark == "subtracted":
                num += amount * den
            elif amount < 0:
                num, den = num * after, den * (after - amount)
        return Fraction(num, den)

    def _parts(self, row: int) -> tuple[int, int]:
        """Return numerator and denominator of the mark of a contract."""
        if row in self.wide:
            return self.wide[row].as_integer_ratio()
        return int(self.num[row]), int(self.den[row])

    def fall_due(self, rows: np.ndarray, end: np.ndarray, value_yen: np.ndarray) -> np.ndarray:
        """Return the performance fees (成功報酬) of some contracts, and set their marks (利益確定); a loss leaves its mark.

        Parameters
        ----------
        rows : int64 array
        end, value_yen : one for each of `rows`
            The last day, and its value less the balance fee of the period in arrears.
        """
        num, den = self.num[rows], self.den[rows]
        long = np.abs(value_yen) > LIMIT // den
        long[np.isin(rows, list(self.wide))] = True
        top = np.where(long, 0, value_yen) * den - num
        fees = price_performance(self.terms, self.component, end, np.where(long, 0, top), den)
        gained = (top > 0) & ~long
        at = np.flatnonzero(long)
        if at.size:
            marks = [Fraction(*self._parts(row)) for row in rows[at].tolist()]
            profits = [int(value) - mark for value, mark in zip(value_yen[at], marks, strict=True)]
            parts = (np.array([getattr(p, name) for p in profits], object) for name in ("numerator", "denominator"))
            fees[at] = price_performance(self.terms, self.component, end[at], *parts)
            gained[at] = [profit > 0 for profit in profits]
        for row in rows[at[gained[at]]].tolist():
            self.wide.pop(row, None)
        self.num[rows[gained]], self.den[rows[gained]] = (value_yen - fees)[gained], 1
        self.since[rows] = end + 1
        return fees


@njit(cache=True)
def _greatest(a, b):
    """Return the greatest common divisor."""
    while b:
        a, b = b, a % b
    return a


@njit(cache=True, nogil=True)
def _moved(rows, next_flow, until, flows, values, scaled, num, den, long, seen):
    """Move marks by flows and tell the flows after them; a mark that would not fit is left and told in `long`."""
    flow_offsets, flow_days, flow_yen = flows
    offsets, days, value = values
    for k in range(rows.size):
        i = rows[k]
        top, bottom, j = num[i], den[i], next_flow[i]
        stop = flow_offsets[i + 1]
        while not long[i] and j < stop and flow_days[j] <= until[i]:
            amount = flow_yen[j]
            if amount > 0 or not scaled:
                long[i] = abs(amount) > LIMIT // bottom or abs(top + amount * bottom) > LIMIT
                top += amount * bottom
            elif amount < 0:
                after = value[row_on(offsets, days, i, flow_days[j])]
                before = after - amount
                common = _greatest(before, after)
                after, before = after // common, before // common
                common = _greatest(before, abs(top))
                top, before = top // common, before // common
                common = _greatest(bottom, after)
                bottom, after = bottom // common, after // common
                long[i] = (after > 0 and abs(top) > LIMIT // after) or bottom > LIMIT // before
                top, bottom = top * after, bottom * before
            j += 1
        if not long[i]:
            num[i], den[i] = top, bottom
        while j < stop and flow_days[j] <= until[i]:
            j += 1
        seen[k] = j
