"""Plan days (積立日・取り崩し日): a day of each month, or its last day if it is shorter, moved to the next business day."""

import calendar
from datetime import date as Date
from functools import cache

from tsutsumi.core.calendar import epoch_day, from_epoch_day, is_business_day, next_business_day


@cache
def _moved(year: int, month: int, day_of_month: int) -> tuple[int, int]:
    """Return the planned day of a month and the business day it is moved to."""
    planned = Date(year, month, min(day_of_month, calendar.monthrange(year, month)[1]))
    return epoch_day(planned), epoch_day(planned if is_business_day(planned) else next_business_day(planned))


def plan_dates(first: int, last: int, day_of_month: int) -> list[tuple[int, int]]:
    """Return (plan day, business day it is moved to) of the plan days from first to last (計画日).

    >>> from datetime import date
    >>> days = plan_dates(epoch_day(date(2026, 1, 30)), epoch_day(date(2026, 3, 31)), 31)
    >>> [(str(from_epoch_day(planned)), str(from_epoch_day(moved))) for planned, moved in days]
    [('2026-01-31', '2026-02-02'), ('2026-02-28', '2026-03-02'), ('2026-03-31', '2026-03-31')]
    """
    start, end = from_epoch_day(first), from_epoch_day(last)
    months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    dates = (_moved(month // 12, month % 12 + 1, day_of_month) for month in months)
    return [(planned, moved) for planned, moved in dates if first <= planned <= last]
