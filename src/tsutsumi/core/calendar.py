"""Which days are business days (営業日) in Japan.

A business day is not a Saturday, not a Sunday, not a national holiday (国民の祝日, also 振替休日, 国民の休日) and none
of 12-31, 1-1, 1-2, 1-3. Holidays follow the law as the `holidays` package computes it, from 1949 to 2099; the equinoxes
(春分の日, 秋分の日) are official only for the coming year, later ones are the astronomical forecast.

This is the calendar of banks and funds. The Tokyo exchange was shut on 2020-10-01, a business day here: keep it apart.
"""

from datetime import date, timedelta
from functools import cache, lru_cache

import numpy as np
from holidays.countries import Japan

FIRST_YEAR, LAST_YEAR = 1949, 2099
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
YEAR_END_DAYS = ((12, 31), (1, 1), (1, 2), (1, 3))


def epoch_day(day: date) -> int:
    """Return the days since 1970-01-01, the form of a date in the book's arrays.

    >>> epoch_day(date(1970, 1, 2)), epoch_day(date(2026, 5, 20))
    (1, 20593)
    """
    return day.toordinal() - EPOCH_ORDINAL


def from_epoch_day(number: int) -> date:
    """Return the date of a number of days since 1970-01-01.

    >>> from_epoch_day(20593)
    datetime.date(2026, 5, 20)
    """
    return date.fromordinal(int(number) + EPOCH_ORDINAL)


@cache
def national_holidays(year: int) -> dict[date, str]:
    """Return the national holidays (国民の祝日・休日) of a year with their Japanese names.

    Raises
    ------
    ValueError
        The year lies outside 1949..2099, where the law or the equinox forecast ends.

    Examples
    --------
    2026-09-22 lies between two holidays, so it is one itself:

    >>> national_holidays(2026)[date(2026, 9, 22)]
    '国民の休日'
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        known = f"{FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(f"calendar: {year} has no known holidays: the computed ones are {known}; change the date")
    table = Japan(years=year, expand=False, language="ja")
    return {day: table[day] for day in sorted(table)}


@cache
def _business_days_of(year: int) -> tuple[date, ...]:
    """Return every business day of a year, ascending."""
    closed = national_holidays(year)
    days = (date.fromordinal(n) for n in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1))
    return tuple(d for d in days if d.weekday() < 5 and d not in closed and (d.month, d.day) not in YEAR_END_DAYS)


@cache
def _business_day_set(year: int) -> frozenset[date]:
    return frozenset(_business_days_of(year))


def is_business_day(day: date) -> bool:
    """Tell whether a day is a business day (営業日).

    >>> [is_business_day(date(2026, 9, d)) for d in (18, 19, 22, 24)]
    [True, False, False, True]
    """
    return day in _business_day_set(day.year)


def next_business_day(day: date) -> date:
    """Return the first business day strictly after a day (翌営業日).

    >>> next_business_day(date(2026, 9, 18)), next_business_day(date(2026, 12, 30))
    (datetime.date(2026, 9, 24), datetime.date(2027, 1, 4))
    """
    day += timedelta(days=1)
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def previous_business_day(day: date) -> date:
    """Return the last business day strictly before a day (前営業日).

    >>> previous_business_day(date(2026, 1, 1)), previous_business_day(date(2026, 1, 6))
    (datetime.date(2025, 12, 30), datetime.date(2026, 1, 5))
    """
    day -= timedelta(days=1)
    while not is_business_day(day):
        day -= timedelta(days=1)
    return day


@lru_cache(maxsize=4096)
def _business_days(first: date, last: date) -> tuple[date, ...]:
    years = range(first.year, last.year + 1)
    return tuple(d for year in years for d in _business_days_of(year) if first <= d <= last)


def business_days(first: date, last: date) -> list[date]:
    """Return the business days from first to last, both ends included; none if last lies before first.

    >>> business_days(date(2026, 9, 18), date(2026, 9, 25))
    [datetime.date(2026, 9, 18), datetime.date(2026, 9, 24), datetime.date(2026, 9, 25)]
    """
    return list(_business_days(first, last))


@lru_cache(maxsize=1024)
def business_day_table(first: date, last: date) -> np.ndarray:
    """Return the business days from first to last, both included, as a read-only array of int32 epoch days.

    >>> business_day_table(date(2026, 9, 18), date(2026, 9, 24))
    array([20714, 20720], dtype=int32)
    """
    table = np.array([epoch_day(d) for d in _business_days(first, last)], dtype=np.int32)
    table.setflags(write=False)
    return table
