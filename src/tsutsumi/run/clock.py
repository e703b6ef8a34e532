"""The only clock (時計): everything below takes the moment as a text, so that a day is closed again with the same bytes."""

from datetime import UTC, datetime, timedelta
from datetime import date as Date

JAPAN = timedelta(hours=9)  # ahead of UTC, all year


def now() -> str:
    """Return this moment in UTC, ISO 8601, whole seconds (記録時刻).

    >>> len(now()), now()[-6:]
    (25, '+00:00')
    """
    return datetime.now(UTC).isoformat(timespec="seconds")


def day_in_japan(moment: str) -> Date:
    """Return the day in Japan of a moment in UTC (日本の日付).

    >>> day_in_japan("2026-03-31T15:00:00+00:00")
    datetime.date(2026, 4, 1)
    """
    return (datetime.fromisoformat(moment) + JAPAN).date()
