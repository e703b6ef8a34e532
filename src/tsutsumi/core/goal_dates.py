"""Months between days (残り月数): full months by the calendar, and the rest of one by days."""

import calendar
from datetime import date as Date
from functools import cache

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.units import PPM


def moved_date(date: Date, months: int) -> Date:
    """Return a date some whole months later (何か月後の日): the same day of the month, or its last day.

    Examples
    --------
    >>> moved_date(Date(2031, 8, 31), 6), moved_date(Date(2031, 8, 10), 17)
    (datetime.date(2032, 2, 29), datetime.date(2033, 1, 10))
    """
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return Date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


@cache
def months_left_ppm(day: int, target: int) -> int:
    """Return the months from a day to a target date × 10^6 (残り月数), cut; 0 from the target date on. Days since 1970-01-01.

    n full months, the most for which the day n months later is not after the target; then the days left over of the days of the
    month that begins there.

    Examples
    --------
    From 10 January to 25 March: two months, then 15 of the 31 days to 10 April.

    >>> months_left_ppm(epoch_day(Date(2026, 1, 10)), epoch_day(Date(2026, 3, 25)))
    2483870
    """
    if target <= day:
        return 0
    first, last = from_epoch_day(day), from_epoch_day(target)
    months = (last.year - first.year) * 12 + last.month - first.month
    if moved_date(first, months) > last:
        months -= 1
    start, end = epoch_day(moved_date(first, months)), epoch_day(moved_date(first, months + 1))
    return months * PPM + (target - start) * PPM // (end - start)
