"""The schedules of fees of a whole book (報酬の一括計算): every charge, addition, refund and performance fee of many contracts.

The columnar twin of `fee_engine.fee_schedule`, equal to it entry by entry, to the yen. All contracts of one call have the same
terms; what differs (first days, ends, values, flows) is a column. It may be charged in one go or day by day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_book import price_between, price_daily
from tsutsumi.core.fee_flows import ADDITION, REFUND, Running, flow_steps
from tsutsumi.core.fee_histories import NEVER, BusinessDays, Histories, amounts_on, sums_over
from tsutsumi.core.fee_marks import Marks
from tsutsumi.core.fee_periods import fee_periods
from tsutsumi.core.fee_terms import Terms

CHARGE, PERFORMANCE = 0, 3
KINDS = {CHARGE: "charge", ADDITION: "addition", REFUND: "refund", PERFORMANCE: "performance"}
EVERY_DAY = np.zeros(0, np.int64)
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
        With bases less cash if the terms exclude it. May hold more days than are charged: what lies after is not read.
    contracts : int64 array, optional
        Which contracts of the histories; all of them if left out.
    """

    def __init__(self, terms: Terms, histories: Histories, contracts: np.ndarray | None = None) -> None:
        every = np.arange(histories.start.size)
        self.terms, self.histories = terms, histories
        self.contracts = every if contracts is None else np.ascontiguousarray(contracts, np.int64)
        self.first, self.ended = histories.start[self.contracts], histories.ended[self.contracts]
        self.values = histories.offsets, histories.days, histories.value_yen
        self.bases = histories.offsets, histories.days, histories.base_yen
        self.periods = _Periods(terms, self.first)
        self.number = np.zeros(self.contracts.size, np.int64)
        self.start, self.end = self.first.copy(), self.periods.ends(self.number)
        self.is_open = np.zeros(self.contracts.size, bool)
        self.running = Running.before(histories, self.contracts)
        self.marks = [Marks(terms, component, histories, self.contracts) for component in terms.performance]
        self.mark_flow = self.running.next_flow.copy()

    def charge(self, through: date) -> list[FeeLines]:
        """Return what falls due up to a day, inclusive, that was not charged before (計上), and carry the contracts on.

        Raises
        ------
        FeeTermsError
            No rates are in force on a day that is priced.
        """
        day = epoch_day(through)
        last = np.minimum(self.ended, day)
        lines: list[FeeLines] = []
        rows = np.flatnonzero(self.start <= last)
        if rows.size == 0:
            return lines
        self.business = BusinessDays(int(self.first.min()), day + LONGEST)
        while rows.size:
            if self.terms.balance and self.terms.timing == "advance":
                lines.extend(self._advance(rows, last))
            rows = rows[(self.end[rows] <= last[rows]) | (self.ended[rows] <= day)]
            end = np.minimum(self.end, self.ended)
            charged = np.zeros(self.contracts.size, np.int64)
            if self.terms.balance and self.terms.timing == "arrears" and rows.size:
                lines.append(self._arrears(rows, end[rows]))
                charged[rows] = sum(lines[-1].yen.values())
            lines.extend(self._performance(rows, end, charged))
            rows = self._go_on(rows, last)
        return lines

    def _go_on(self, rows: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Begin the next period of some rows; return those whose next period has begun by `last`."""
        self.number[rows] += 1
        self.start[rows] = np.where(self.end[rows] < self.ended[rows], self.end[rows] + 1, NEVER)
        self.end[rows] = self.periods.ends(self.number[rows], rows)
        self.is_open[rows] = False
        return rows[self.start[rows] <= last[rows]]

    def _lines(self, kind, rows: np.ndarray, first: np.ndarray, last: np.ndarray, prices: dict[str, np.ndarray]) -> FeeLines:
        return FeeLines(self.contracts[rows], np.broadcast_to(np.int8(kind), rows.shape), first, last, prices)

    def _named(self, prices: list[np.ndarray]) -> dict[str, np.ndarray]:
        return {component.name: yen for component, yen in zip(self.terms.balance, prices, strict=True)}

    def _arrears(self, rows: np.ndarray, end: np.ndarray) -> FeeLines:
        """Return the charges of periods in arrears (後取り) that end on `end`."""
        terms, start, contracts = self.terms, self.start[rows], self.contracts[rows]
        days = start, end, start, end
        if terms.measure == "daily":
            prices = price_daily(terms, *days, *self.bases, contracts=contracts)
        elif terms.measure == "closing":
            open_day = self.business.before(end + 1)
            prices = price_between(terms, *days, 0, amounts_on(contracts, np.where(open_day >= start, open_day, end), *self.bases))
        else:
            counts = self.business.counts if terms.days == "business" else EVERY_DAY
            sums, entered = sums_over(contracts, start, end, *self.bases, counts, self.business.first)
            prices = price_between(terms, *days, 0, sums, entered)
        return self._lines(CHARGE, rows, start, end, self._named(prices))

    def _advance(self, rows: np.ndarray, last: np.ndarray) -> Iterator[FeeLines]:
        """Yield the charges of periods in advance (前取り) that have begun, then what flowed since."""
        fresh = rows[~self.is_open[rows]]
        start, end = self.start[fresh], self.end[fresh]
        day = np.maximum(self.first[fresh], self.business.before(start))
        opening = amounts_on(self.contracts[fresh], day, *self.bases)
        self.running.open(fresh, opening)
        self.is_open[fresh] = True
        yield self._lines(CHARGE, fresh, start, end, self._named(price_between(self.terms, start, end, start, end, 0, opening)))
        until = np.minimum(self.end, last)
        late_from = np.maximum(self.first, self.business.before(self.end + 1))
        ending = (self.ended == until) & (until < self.end)
        steps = flow_steps(self.terms, self.histories, self.contracts, self.running, rows, until, self.end, late_from, ending)
        if steps.row.size:
            start, end = self.start[steps.row], self.end[steps.row]
            prices = price_between(self.terms, steps.first, end, start, end, steps.low_yen, steps.high_yen)
            yield self._lines(steps.kind, steps.row, steps.first, end, self._named(prices))

    def _performance(self, rows: np.ndarray, end: np.ndarray, charged: np.ndarray) -> Iterator[FeeLines]:
        """Yield the performance fees (成功報酬) of the periods that end, component by component."""
        if not self.marks or rows.size == 0:
            return
        value = amounts_on(self.contracts, end, *self.values) - charged
        for marks in self.marks:
            marks.move(rows, self.mark_flow, end)
            due = rows[((self.number[rows] + 1) % marks.component.every == 0) | (end[rows] == self.ended[rows])]
            since = marks.since[due]
            yen = marks.fall_due(due, end[due], value[due])
            yield self._lines(PERFORMANCE, due, since, end[due], {marks.component.name: yen})
        self._pass_flows(rows, end)

    def _pass_flows(self, rows: np.ndarray, end: np.ndarray) -> None:
        """Let the marks read on after the flows up to `end`."""
        known = self.histories
        while rows.size:
            at, contracts = self.mark_flow[rows], self.contracts[rows]
            rows = rows[at < known.flow_offsets[contracts + 1]]
            rows = rows[known.flow_days[self.mark_flow[rows]] <= end[rows]]
            self.mark_flow[rows] += 1


class _Periods:
    """The ends of the fee periods (計算期間の末日) of contracts with any first days; each first day is computed once."""

    def __init__(self, terms: Terms, first: np.ndarray) -> None:
        low = int(first.min(initial=0))
        known = np.flatnonzero(np.bincount(first - low)) if first.size else first
        row_of = np.zeros(int(known.max(initial=0)) + 1, np.int64)
        row_of[known] = np.arange(known.size)
        self.of = row_of[first - low]
        starts = [from_epoch_day(day) for day in (known + low).tolist()]
        self.found = [fee_periods(terms.length, terms.align, start, date.max) for start in starts]
        self.table = np.zeros((known.size, 0), np.int64)

    def ends(self, number: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the last day of the period with a number, from 0 on, of each of some contracts."""
        while self.table.shape[1] <= number.max(initial=-1):
            column = np.array([[epoch_day(next(periods).end)] for periods in self.found], np.int64).reshape(-1, 1)
            self.table = np.hstack([self.table, column])
        return self.table[self.of[rows], number]


def book_schedule(terms: Terms, histories: Histories, through: date, contracts: np.ndarray | None = None) -> list[FeeLines]:
    """Return every fee entry of many contracts (報酬明細の一括計算) as far as they are known; see `BookSchedule`."""
    return BookSchedule(terms, histories, contracts).charge(through)
