"""Which rates price which rows (適用料率): the runs of days that many rows share, whatever days each of them has.

A `Days` value is one date for every row or an array of days since 1970-01-01, one a row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_pricing import Segment, segments
from tsutsumi.core.fee_terms import CONSUMPTION_TAX, Component, Terms

MOST_DAYS = 366
Days = date | np.ndarray


def day_numbers(days: Days) -> np.ndarray:
    """Return days as int64 since 1970-01-01: one element for a date, else one a row.

    >>> day_numbers(date(1970, 1, 2)), day_numbers(np.array([3, 4], np.int32))
    (array([1]), array([3, 4]))
    """
    return np.array([epoch_day(days)]) if isinstance(days, date) else np.ascontiguousarray(days, np.int64)


@dataclass(frozen=True, eq=False)
class Span:
    """The days that each row prices, and the fee period around them (計算日数と計算期間); int64, one element or one a row."""

    first: np.ndarray
    last: np.ndarray
    period_start: np.ndarray
    period_end: np.ndarray

    @property
    def most_days(self) -> int:
        """The longest of them."""
        return int((self.last - self.first).max(initial=0)) + 1


def span_of(rows: int, first: Days, last: Days, period_start: Days, period_end: Days) -> Span:
    """Return the days of so many rows, or refuse days that are not those of a fee period.

    Raises
    ------
    ValueError
        A row has no day or more than 366, or days outside its period; or an array is not one a row.
    """
    span = Span(*map(day_numbers, (first, last, period_start, period_end)))
    if any(days.size not in (1, rows) for days in vars(span).values()):
        raise ValueError(f"first, last, period_start, period_end: give a date, or one day for each of the {rows} rows")
    wrong = (span.first < span.period_start) | (span.last < span.first) | (span.period_end < span.last)
    wrong = wrong | (span.last - span.first >= MOST_DAYS)
    if wrong.any():
        k = int(wrong.argmax())
        first, last, start, end = (from_epoch_day(days[0 if days.size == 1 else k]) for days in vars(span).values())
        raise ValueError(
            f"{first} to {last} of the period {start} to {end}: a row prices 1 to {MOST_DAYS} days within its period; "
            "price period by period"
        )
    return span


def run_groups(terms: Terms, component: Component, span: Span, rows: int) -> Iterator[tuple[np.ndarray, list[Segment]]]:
    """Yield (rows, runs): rows that share their rate tables and taxes, and the runs of days from their first to their last.

    With rates_of = "day" that is every row; else the rows whose k(d) lies between the same two changes of rates or tax.
    """
    if rows == 0:
        return
    everyone = np.arange(rows)
    fixed = {"day": None, "period-start": span.period_start, "period-end": span.period_end}[terms.rates_of]
    if fixed is None:
        yield everyone, _runs(terms, component, span, None, everyone)
        return
    changes = [row.from_date for row in component.rates]
    if terms.tax == "added":
        changes += [since for since, _ in CONSUMPTION_TAX]
    group = np.searchsorted(sorted(map(epoch_day, changes)), fixed, side="right")
    if group.size == 1:
        yield everyone, _runs(terms, component, span, fixed[0], everyone)
        return
    for number in np.flatnonzero(np.bincount(group)).tolist():
        members = np.flatnonzero(group == number)
        yield members, _runs(terms, component, span, fixed[members[0]], members)


def _runs(terms: Terms, component: Component, span: Span, fixed: int | None, rows: np.ndarray) -> list[Segment]:
    """Return the runs from the first to the last day that some rows price."""
    first, last = (days if days.size == 1 else days[rows] for days in (span.first, span.last))
    first, last = from_epoch_day(first.min()), from_epoch_day(last.max())
    period = (first, last) if fixed is None else (from_epoch_day(fixed),) * 2
    return segments(terms, component, first, last, *period)
