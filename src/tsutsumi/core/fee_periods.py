"""The fee periods (報酬計算期間) of a contract: aligned to the calendar or to the contract's first day."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from tsutsumi.core.fee_terms import MONTHS


@dataclass(frozen=True)
class Period:
    """One whole fee period (計算期間); both ends count. `number` starts at 1 with the contract's first period."""

    number: int
    start: date
    end: date


def day_count(first: date, last: date) -> int:
    """Return the days from first to last, both ends counted (両端入れ).

    >>> day_count(date(2026, 5, 20), date(2026, 6, 30))
    42
    """
    return (last - first).days + 1


def fee_periods(length: str, align: str, start: date, last: date) -> Iterator[Period]:
    """Yield the whole fee periods (計算期間) that start on or before a day, from the contract's first day on.

    A calendar-aligned period ends with its calendar month, quarter, half-year or year, so the first one may be short.
    A contract-aligned one is counted from the first day S: the n-th ends the day before the same date n lengths later
    or, in a month that lacks that date, on the month's last day (民法143条2項). Always counted from S, so that a short
    month shortens one period only.

    Parameters
    ----------
    length : "month" | "quarter" | "half-year" | "year"
    align : "calendar" | "contract"
    start, last : date

    Examples
    --------
    >>> [str(p.end) for p in fee_periods("month", "contract", date(2026, 1, 31), date(2026, 4, 1))]
    ['2026-02-28', '2026-03-30', '2026-04-30']
    >>> [str(p.end) for p in fee_periods("quarter", "calendar", date(2026, 5, 20), date(2026, 7, 1))]
    ['2026-06-30', '2026-09-30']
    """
    months = MONTHS[length]
    number, first = 1, start
    while first <= last:
        end = _calendar_end(first, months) if align == "calendar" else _contract_end(start, months * number)
        yield Period(number, first, end)
        number, first = number + 1, end + timedelta(days=1)


def _calendar_end(day: date, months: int) -> date:
    """Return the end of the calendar period that a day lies in; the year is cut into equal lengths."""
    month = -(-day.month // months) * months
    return date(day.year, month, calendar.monthrange(day.year, month)[1])


def _contract_end(start: date, months: int) -> date:
    """Return the last day of so many months counted from a first day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    month += 1
    last = calendar.monthrange(year, month)[1]
    if start.day > last:
        return date(year, month, last)
    return date(year, month, start.day) - timedelta(days=1)
