"""Plan days (積立日・取り崩し日): a day of each month, or its last day if it is shorter, moved to the next business day."""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
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


def month_number(day: int) -> int:
    """Return the month of a day, counted through (通算の月): a year later is 12 more.

    >>> from datetime import date
    >>> month_number(epoch_day(date(2027, 2, 1))) - month_number(epoch_day(date(2026, 12, 31)))
    2
    """
    date = from_epoch_day(day)
    return date.year * 12 + date.month


@dataclass(frozen=True)
class PlanRow:
    """A dated row of a plan (積立・取り崩しの計画の行).

    Attributes
    ----------
    since : its first day, in days since 1970-01-01
    amount_yen : what each plan day moves; 0 is a pause (休止), of the bonus too
    days : the days of the month, ascending
    bonus_months : the months of the bonus (ボーナス月)
    bonus_yen : what the first plan day of such a month moves besides
    """

    since: int
    amount_yen: int
    days: tuple[int, ...]
    bonus_months: frozenset[int] = frozenset()
    bonus_yen: int = 0


def numbers(text: str) -> tuple[int, ...]:
    """Return the whole numbers of a list with semicolons, ascending (番号の並び).

    >>> numbers("20;5"), numbers("")
    ((5, 20), ())
    """
    return tuple(sorted(int(part) for part in text.split(";") if part.strip()))


def plan_amounts(
    row: PlanRow, first: int, last: int, without: Callable[[int], bool] | None = None,
) -> list[tuple[int, int, int]]:
    """Return (plan day, business day, yen) of what a row of a plan moves from first to last (計画の実行日と金額).

    Each of its days moves amount_yen, and the first of them in a bonus month bonus_yen besides. Days that come to the same
    business day are one amount; of them the earliest plan day is told.

    Parameters
    ----------
    row : PlanRow
    first, last : int
        The plan days asked for, both included: a day counts by its date before it is moved.
    without : callable, optional
        Whether a plan day does not count (terms of drawing are in force on it), each by itself.

    Returns
    -------
    list of (int, int, int)
        Ascending. Empty for a pause.

    Examples
    --------
    In June 2026 the 5th is a Friday and the 20th a Saturday, moved to Monday the 22nd; June is a bonus month:

    >>> from datetime import date
    >>> row = PlanRow(0, 10_000, (5, 20), frozenset({6}), 50_000)
    >>> found = plan_amounts(row, epoch_day(date(2026, 6, 1)), epoch_day(date(2026, 7, 6)))
    >>> [(str(from_epoch_day(moved)), amount) for _, moved, amount in found]
    [('2026-06-05', 60000), ('2026-06-22', 10000), ('2026-07-06', 10000)]
    """
    if not row.amount_yen:
        return []
    found: dict[int, tuple[int, int]] = {}
    for number, day_of_month in enumerate(row.days):
        for planned, moved in plan_dates(first, last, day_of_month):
            if without and without(planned):
                continue
            bonus = row.bonus_yen if number == 0 and from_epoch_day(planned).month in row.bonus_months else 0
            earliest, amount = found.get(moved, (planned, 0))
            found[moved] = min(earliest, planned), amount + row.amount_yen + bonus
    return sorted((planned, moved, amount) for moved, (planned, amount) in found.items())
