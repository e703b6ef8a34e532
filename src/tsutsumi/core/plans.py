"""Plan days (積立日・取り崩し日): a day of each month, the month's last day if it is shorter, moved to the next business day."""

import calendar
from datetime import date as Date
from functools import cache

from tsutsumi.core.calendar import epoch_day, from_epoch_day, is_business_day, next_business_day

LOOK_AHEAD_DAYS = 60


@cache
def _moved(year: int, month: int, day_of_month: int) -> tuple[int, int]:
    """Return the planned day of a month and the business day it is moved to."""
    planned = Date(year, month, min(day_of_month, calendar.monthrange(year, month)[1]))
    return epoch_day(planned), epoch_day(planned if is_business_day(planned) else next_business_day(planned))


def plan_dates(day: int, day_of_month: int, since: int, until: int | None = None, with_planned: bool = False) -> list:
    """Return the coming business days of a plan after `day` (計画日), planned on or after `since`.

    Without `until`: those within 60 calendar days, at least the next one. With it: those planned until then.

    >>> from datetime import date
    >>> start = epoch_day(date(2026, 1, 30))
    >>> [str(from_epoch_day(d)) for d in plan_dates(start, 31, start)]
    ['2026-02-02', '2026-03-02', '2026-03-31']
    """
    start = from_epoch_day(max(day, since))
    year, month = start.year, start.month
    if until is None or day > since:
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    found = []
    while True:
        planned, moved = _moved(year, month, day_of_month)
        if until is not None and planned > until:
            return found
        if moved > day and planned >= since:
            if until is None and found and moved > day + LOOK_AHEAD_DAYS:
                return found
            found.append((planned, moved) if with_planned else moved)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
