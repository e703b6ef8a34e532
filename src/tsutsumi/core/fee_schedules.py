"""The schedules of fees of a whole book (報酬の一括計算): every charge, addition, refund and performance fee of many contracts.

The columnar twin of `fee_engine.fee_schedule`, equal to it entry by entry, to the yen. All contracts of one call have the same
terms; what differs (first days, ends, values, flows) is a column. It may be charged in one go or day by day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice

import numpy as np
from numba import njit

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_book import price_between, price_daily
from tsutsumi.core.fee_flows import ADDITION, REFUND, Running, flow_steps
from tsutsumi.core.fee_histories import NEVER, BusinessDays, Histories, amounts_on, sums_over
from tsutsumi.core.fee_marks import Marks
from tsutsumi.core.fee_periods import fee_periods
from tsutsumi.core.fee_terms import MAX_YEN, Terms

CHARGE, PERFORMANCE = 0, 3
KINDS = {CHARGE: "charge", ADDITION: "addition", REFUND: "refund", PERFORMANCE: "performance"}
EVERY_DAY = np.zeros(0, np.int64)
FEW_PERIODS = 4
LONGEST = 400  # no period ends so many days after one of its own


@dataclass(frozen=True, eq=False)
class FeeLines:
    """Entries of many schedules (報酬明細), one a row; of one contract they stand in the order in which they arise.

    `contract` is the number in the histories, `kind` a key of `KINDS`, `first` and `last` the days priced, `yen` one array a
    component that is priced, by its name.
    """

    contract: np.ndarray
    kind: np.ndarray
    first: np.ndarray
    last: np.ndarray
    yen: dict[str, np.ndarray]


class BookSchedule:
    """The contracts of one terms file on their way through the fee periods (計算期間の進行).

    Parameters
    ----------
    terms : Terms
    histories : Histories
        May hold more days than are charged: what lies after is not read.
    contracts : int64 array, optional
        Which contracts of the histories; all of them if left out.
    """

    def __init__(self, terms: Terms, histories: Histories, contracts: np.ndarray | None = None) -> None:
        self.terms, self.numbers = terms, np.arange(histories.start.size) if contracts is None else contracts
        moved = bool(terms.performance) or terms.timing == "advance"
        self.known = known = histories if contracts is None else histories.taken(contracts, terms.cash == "excluded", moved)
        self.values = known.offsets, known.days, known.value_yen
        self.bases = known.offsets, known.days, known.base_yen(terms.cash if terms.balance else "included")
        self.periods = _Periods(terms, known.start)
        self.number = np.zeros(known.start.size, np.int64)
        self.start, self.end = known.start.copy(), self.periods.table[self.periods.of, 0]
        self.is_open = np.zeros(known.start.size, bool)
        self.running = Running.before(known)
        self.marks = [Marks(terms, component, known) for component in terms.performance]
        self.mark_flow = self.running.next_flow.copy()

    def charge(self, through: date) -> list[FeeLines]:
        """Return what falls due up to a day, inclusive, that was not charged before (計上), and carry the contracts on.

        Raises
        ------
        FeeTermsError
            No rates are in force on a day that is priced.
        """
        day = epoch_day(through)
        last = np.minimum(self.known.ended, day)
        lines: list[FeeLines] = []
        rows = np.flatnonzero(self.start <= last)
        if rows.size == 0:
            return lines
        self.business = BusinessDays(int(self.known.start.min()), day + LONGEST)
        while rows.size:
            if self.terms.balance and self.terms.timing == "advance":
                lines.extend(self._advance(rows, last))
            rows = rows[(self.end[rows] <= last[rows]) | (self.known.ended[rows] <= day)]
            end = np.minimum(self.end, self.known.ended)
            charged = np.zeros(self.known.start.size, np.int64)
            if self.terms.balance and self.terms.timing == "arrears" and rows.size:
                lines.append(self._arrears(rows, end[rows]))
                charged[rows] = sum(lines[-1].yen.values())
            lines.extend(self._performance(rows, end, charged))
            rows = self._go_on(rows, last)
        return lines

    def _go_on(self, rows: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Begin the next period of some rows; return those whose next period has begun by `last`."""
        self.periods.grow(int(self.number.max()) + 2)
        state = self.number, self.start, self.end, self.is_open
        return _next_periods(rows, *state, self.known.ended, last, self.periods.of, self.periods.table)

    def _lines(self, kind, rows: np.ndarray, first: np.ndarray, last: np.ndarray, prices: dict[str, np.ndarray]) -> FeeLines:
        return FeeLines(self.numbers[rows], np.broadcast_to(np.int8(kind), rows.shape), first, last, prices)

    def _named(self, prices: list[np.ndarray]) -> dict[str, np.ndarray]:
        return {component.name: yen for component, yen in zip(self.terms.balance, prices, strict=True)}

    def _arrears(self, rows: np.ndarray, end: np.ndarray) -> FeeLines:
        """Return the charges of periods in arrears (後取り) that end on `end`."""
        terms, start = self.terms, self.start[rows]
        days = start, end, start, end
        if terms.measure == "daily":
            prices = price_daily(terms, *days, *self.bases, contracts=rows, most_yen=MAX_YEN)
        elif terms.measure == "closing":
            open_day = self.business.before(end + 1)
            prices = price_between(terms, *days, 0, amounts_on(rows, np.where(open_day >= start, open_day, end), *self.bases))
        else:
            counts = self.business.counts if terms.days == "business" else EVERY_DAY
            sums, entered = sums_over(rows, start, end, *self.bases, counts, self.business.first)
            prices = price_between(terms, *days, 0, sums, entered)
        return self._lines(CHARGE, rows, start, end, self._named(prices))

    def _advance(self, rows: np.ndarray, last: np.ndarray) -> Iterator[FeeLines]:
        """Yield the charges of periods in advance (前取り) that have begun, then what flowed since."""
        fresh = rows[~self.is_open[rows]]
        start, end = self.start[fresh], self.end[fresh]
        day = np.maximum(self.known.start[fresh], self.business.before(start))
        opening = amounts_on(fresh, day, *self.bases)
        self.running.open(fresh, opening)
        self.is_open[fresh] = True
        yield self._lines(CHARGE, fresh, start, end, self._named(price_between(self.terms, start, end, start, end, 0, opening)))
        until = np.minimum(self.end, last)
        late_from = np.maximum(self.known.start, self.business.before(self.end + 1))
        ending = (self.known.ended == until) & (until < self.end)
        steps = flow_steps(self.terms, self.known, self.running, rows, until, self.end, late_from, ending)
        if steps.contract.size:
            start, end = self.start[steps.contract], self.end[steps.contract]
            prices = price_between(self.terms, steps.first, end, start, end, steps.low_yen, steps.high_yen)
            yield self._lines(steps.kind, steps.contract, steps.first, end, self._named(prices))

    def _performance(self, rows: np.ndarray, end: np.ndarray, charged: np.ndarray) -> Iterator[FeeLines]:
        """Yield the performance fees (成功報酬) of the periods that end, component by component."""
        if not self.marks or rows.size == 0:
            return
        value = amounts_on(np.arange(end.size), end, *self.values) - charged
        for marks in self.marks:
            seen = marks.move(rows, self.mark_flow, end)
            due = rows[((self.number[rows] + 1) % marks.component.every == 0) | (end[rows] == self.known.ended[rows])]
            since = marks.since[due]
            yen = marks.fall_due(due, end[due], value[due])
            yield self._lines(PERFORMANCE, due, since, end[due], {marks.component.name: yen})
        self.mark_flow[rows] = seen


class _Periods:
    """The ends of the fee periods (計算期間の末日) of contracts with any first days; each first day is computed once."""

    def __init__(self, terms: Terms, first: np.ndarray) -> None:
        self.terms, low = terms, int(first.min(initial=0))
        known = np.flatnonzero(np.bincount(first - low)) if first.size else first
        row_of = np.zeros(int(known.max(initial=0)) + 1, np.int64)
        row_of[known] = np.arange(known.size)
        self.of, self.starts = row_of[first - low], (known + low).tolist()
        self.table = np.zeros((known.size, 0), np.int64)
        self.grow(FEW_PERIODS)

    def grow(self, count: int) -> None:
        """Hold the ends of so many periods at least."""
        if count > self.table.shape[1]:
            count = max(count, 2 * self.table.shape[1])
            ends = [_first_ends(self.terms.length, self.terms.align, start, count) for start in self.starts]
            self.table = np.array(ends, np.int64).reshape(-1, count)


@njit(cache=True, nogil=True)
def _next_periods(rows, number, start, end, is_open, ended, last, of, table):
    """Begin the next period of some contracts that have not ended; return those whose next one has begun by `last`."""
    begun = np.empty(rows.size, np.int64)
    count = 0
    for i in rows:
        number[i] += 1
        start[i] = end[i] + 1 if end[i] < ended[i] else NEVER
        end[i] = table[of[i], number[i]]
        is_open[i] = False
        if start[i] <= last[i]:
            begun[count] = i
            count += 1
    return begun[:count]


@lru_cache(maxsize=2048)
def _first_ends(length: str, align: str, start: int, count: int) -> tuple[int, ...]:
    """Return the last days of the first fee periods of a contract."""
    return tuple(epoch_day(period.end) for period in islice(fee_periods(length, align, from_epoch_day(start), date.max), count))


def book_schedule(terms: Terms, histories: Histories, through: date, contracts: np.ndarray | None = None) -> list[FeeLines]:
    """Return every fee entry of many contracts (報酬明細の一括計算) as far as they are known; see `BookSchedule`.

    See Also
    --------
    tsutsumi.core.fee_engine.fee_schedule : the same for one contract, with the workings of each entry.

    Examples
    --------
    3.65 % a year is 1/10,000 a day: 10 million pay 1,000 a day. One contract from 1 June 2026 (day 20605), one from the 11th on:

    >>> from tsutsumi.core.fee_terms import parse_terms
    >>> terms = parse_terms('''
    ... name = "monthly, in arrears, on the closing value"
    ... period = { length = "month", align = "calendar", timing = "arrears" }
    ... base = { measure = "closing", cash = "included" }
    ... year = { days = 365 }
    ... rounding = { to = "down" }
    ... tax = { kind = "included" }
    ... component = [{ name = "fee", kind = "balance", rates = [{ from = 2020-01-01, tiers = [[0, 36500]] }] }]
    ... ''')
    >>> start, rows = np.array([20605, 20615]), np.array([0, 1, 2])
    >>> value, none = np.full(2, 10_000_000), np.zeros(0, np.int64)
    >>> never, no_day = np.full(2, NEVER), none.astype(np.int32)
    >>> known = Histories(start, never, rows, start.astype(np.int32), value, None, rows * 0, no_day, none)
    >>> [(line.contract.tolist(), line.yen["fee"].tolist()) for line in book_schedule(terms, known, date(2026, 7, 31))]
    [([0, 1], [30000, 20000]), ([0, 1], [31000, 31000])]
    """
    return BookSchedule(terms, histories, contracts).charge(through)
