"""What is known of many contracts (契約群の残高と入出金), column by column, and the bases that their fees are priced on.

The columnar twin of `fee_history.History`: values run by run (from which day on which amount holds), flows by day.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from tsutsumi.core.calendar import LAST_YEAR, business_day_table, epoch_day, from_epoch_day
from tsutsumi.core.fee_quotients import row_on
from tsutsumi.core.fee_terms import MAX_YEN

NEVER = 2**31 - 1  # the end of a contract that has none
TOUCHED = 32  # contracts whose rows are on their way from memory at the same time
FAULTS = {
    1: "a contract has no value on its first day, or its rows are not in the order of their days, each day once",
    2: f"an amount is below 0, above {MAX_YEN:,} yen, or cash above its value",
    3: "a flow lies outside its contract, or the flows are not in the order of their days, each day once",
    4: "a contract ends before its first day",
}


@dataclass(frozen=True, eq=False)
class Histories:
    """Many contracts as far as they are known (契約の履歴); days count from 1970-01-01, amounts are whole yen.

    Attributes
    ----------
    start, ended : int64, one a contract
        The first day; the last day of one that ended, else `NEVER`.
    offsets, days, value_yen, cash_yen : int64, int32, int64, int64 or None
        Contract k has the rows offsets[k] .. offsets[k + 1] - 1, by day, the first on its first day; each holds until the next.
        The value includes the cash, which may be left out where no terms exclude it.
    flow_offsets, flow_days, flow_yen : int64, int32, int64
        Money added (above zero) or taken out, by day, each day once; those of the first day are not read.
    """

    start: np.ndarray
    ended: np.ndarray
    offsets: np.ndarray
    days: np.ndarray
    value_yen: np.ndarray
    cash_yen: np.ndarray | None
    flow_offsets: np.ndarray
    flow_days: np.ndarray
    flow_yen: np.ndarray

    def __post_init__(self) -> None:
        for name, column in vars(self).items():
            kind = np.int32 if name in ("days", "flow_days") else np.int64
            if column is not None and (column.dtype != kind or not column.flags.c_contiguous):
                raise ValueError(f"histories: {name} is {column.dtype}: give {kind.__name__} in one piece of memory")
        cash = np.zeros_like(self.value_yen) if self.cash_yen is None else self.cash_yen
        sizes = {self.start.size, self.ended.size, self.offsets.size - 1, self.flow_offsets.size - 1}
        rows = {self.days.size, self.value_yen.size, cash.size}
        if len(sizes) > 1 or len(rows) > 1 or self.flow_days.size != self.flow_yen.size:
            raise ValueError("histories: the columns of the contracts, of their values or of their flows differ in length")
        fault = _fault(self.start, self.offsets, self.days, self.value_yen, cash, MAX_YEN)
        fault = fault or _fault_of_flows(self.start, self.ended, self.flow_offsets, self.flow_days, self.flow_yen, MAX_YEN)
        if fault:
            raise ValueError(f"histories: {FAULTS[fault]}")

    def taken(self, contracts: np.ndarray, with_cash: bool, with_flows: bool) -> "Histories":
        """Return some contracts alone, side by side (一部の契約), so that what is done with them reads memory in order.

        Cash and flows are left out where nothing reads them.
        """
        offsets = _taken_offsets(contracts, self.offsets)
        days, value, _ = _taken(contracts, self.offsets, offsets, self.days, self.value_yen)
        cash = None
        if with_cash and self.cash_yen is not None:
            cash = _taken(contracts, self.offsets, offsets, self.days, self.cash_yen)[1]
        flow_offsets, flows = np.zeros(contracts.size + 1, np.int64), (self.flow_days[:0], self.flow_yen[:0])
        if with_flows:
            flow_offsets = _taken_offsets(contracts, self.flow_offsets)
            flows = _taken(contracts, self.flow_offsets, flow_offsets, self.flow_days, self.flow_yen)[:2]
        columns = self.start[contracts], self.ended[contracts], offsets, days, value, cash, flow_offsets, *flows
        part = object.__new__(Histories)  # what was checked as a whole is not checked again
        for name, column in zip(vars(self), columns, strict=True):
            object.__setattr__(part, name, column)
        return part

    def base_yen(self, cash: str) -> np.ndarray:
        """Return the bases (計算基準額): the values, or the values less cash if `cash` is "excluded".

        Raises
        ------
        ValueError
            Cash is to be excluded, but was left out.
        """
        if cash != "excluded":
            return self.value_yen
        if self.cash_yen is None:
            raise ValueError("histories: cash_yen is left out: the terms exclude cash from the base; give the column")
        return self.value_yen - self.cash_yen


@njit(cache=True, nogil=True)
def _fault(start, offsets, days, value, cash, most):
    """Return what is wrong with the values, 0 if nothing is."""
    for k in range(start.size):
        first, stop = offsets[k], offsets[k + 1]
        if first < 0 or first >= stop or stop > days.size or days[first] != start[k]:
            return 1
        for j in range(first, stop):
            if j > first and days[j] <= days[j - 1]:
                return 1
            if not 0 <= cash[j] <= value[j] <= most:
                return 2
    return 0


@njit(cache=True, nogil=True)
def _fault_of_flows(start, ended, offsets, days, yen, most):
    """Return what is wrong with the flows and the ends, 0 if nothing is."""
    for k in range(start.size):
        if ended[k] < start[k]:
            return 4
        first, stop = offsets[k], offsets[k + 1]
        if first < 0 or first > stop or stop > days.size:
            return 3
        for j in range(first, stop):
            if days[j] < start[k] or days[j] > ended[k] or (j > first and days[j] <= days[j - 1]):
                return 3
            if not -most <= yen[j] <= most:
                return 2
    return 0


@njit(cache=True, nogil=True)
def _taken_offsets(contracts, offsets):
    """Return the offsets of some contracts side by side."""
    taken = np.zeros(contracts.size + 1, np.int64)
    for i in range(contracts.size):
        taken[i + 1] = taken[i] + offsets[contracts[i] + 1] - offsets[contracts[i]]
    return taken


@njit(cache=True, nogil=True)
def _taken(contracts, offsets, offsets_taken, days, yen):
    """Return the rows of some contracts side by side, days and yen, and a number that says nothing.

    They lie far apart: the ends of a few contracts' rows are read first, all at once, so that the memory is waited for once.
    """
    days_taken, yen_taken = np.empty(offsets_taken[-1], days.dtype), np.empty(offsets_taken[-1], yen.dtype)
    touched = np.int64(0)
    for some in range(0, contracts.size, TOUCHED):
        until = min(some + TOUCHED, contracts.size)
        for i in range(some, until):
            first, stop = offsets[contracts[i]], offsets[contracts[i] + 1]
            if first < stop:
                touched ^= days[first] ^ yen[first] ^ yen[stop - 1]
        for i in range(some, until):
            at = offsets[contracts[i]] - offsets_taken[i]
            for j in range(offsets_taken[i], offsets_taken[i + 1]):
                days_taken[j], yen_taken[j] = days[at + j], yen[at + j]
    return days_taken, yen_taken, touched


class BusinessDays:
    """The business days (営業日) of a span as tables by day: how many lie before it, and the last one before it."""

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        last = min(last, epoch_day(from_epoch_day(0).replace(year=LAST_YEAR, month=12, day=31)))
        table = business_day_table(from_epoch_day(first), from_epoch_day(last)).astype(np.int64)
        self.days = np.arange(first, last + 2)
        self.counts = np.searchsorted(table, self.days)
        self.lasts = np.append(-NEVER, table)[self.counts]

    def before(self, days: np.ndarray) -> np.ndarray:
        """Return the last business day strictly before each day (前営業日); far in the past if the span holds none."""
        return self.lasts[np.minimum(days - self.first, self.lasts.size - 1)]


@njit(cache=True, nogil=True)
def amounts_on(contracts, day, offsets, days, yen):
    """Return what each of some contracts had on a day of its own (指定日の残高).

    >>> rows = np.array([0, 2]), np.array([10, 20], np.int32), np.array([500, 700])
    >>> amounts_on(np.array([0, 0]), np.array([19, 20]), *rows)
    array([500, 700])
    """
    found = np.empty(contracts.size, np.int64)
    for i in range(contracts.size):
        found[i] = yen[row_on(offsets, days, contracts[i], day[i])]
    return found


@njit(cache=True, nogil=True)
def sums_over(contracts, first, last, offsets, days, yen, counts, counted_from):
    """Return the sums of each contract's daily amounts over days of its own, and how many entered (残高の合計と日数).

    Every day enters if `counts` is empty; else those that it counts (how many of them lie before each day from `counted_from`
    on), or every day where none of them is one.

    >>> rows = np.array([0, 2]), np.array([10, 20], np.int32), np.array([500, 700])
    >>> sums, entered = sums_over(np.array([0]), np.array([18]), np.array([22]), *rows, np.zeros(0, np.int64), 0)
    >>> int(sums[0]), int(entered[0])  # 2 days of 500, 3 of 700
    (3100, 5)
    """
    sums, entered = np.empty(contracts.size, np.int64), np.empty(contracts.size, np.int64)
    for i in range(contracts.size):
        start, end = first[i], last[i] + 1
        some = counts.size > 0 and counts[end - counted_from] > counts[start - counted_from]
        entered[i] = counts[end - counted_from] - counts[start - counted_from] if some else end - start
        row, stop = row_on(offsets, days, contracts[i], start), offsets[contracts[i] + 1]
        total, day = np.int64(0), start
        while day < end:
            until = min(np.int64(days[row + 1]), end) if row + 1 < stop else end
            held = counts[until - counted_from] - counts[day - counted_from] if some else until - day
            total += yen[row] * held
            day, row = until, row + 1
        sums[i] = total
    return sums, entered
