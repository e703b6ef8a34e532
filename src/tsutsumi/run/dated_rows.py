"""Dated rows (日付のある行): which of them is in force on a day."""

from collections.abc import Iterable

from tsutsumi.core.calendar import epoch_day


def in_force(rows: Iterable[dict], day: int, *key: str) -> dict[tuple, dict]:
    """Return the row in force of each key (適用中の行): the one with the latest valid_from_date not after the day.

    >>> from datetime import date
    >>> rows = [{"program_no": 1, "valid_from_date": date(2026, 4, 1)}, {"program_no": 1, "valid_from_date": date(2026, 5, 1)}]
    >>> {key: str(row["valid_from_date"]) for key, row in in_force(rows, epoch_day(date(2026, 4, 30)), "program_no").items()}
    {(1,): '2026-04-01'}
    """
    found: dict[tuple, dict] = {}
    for row in rows:
        if epoch_day(row["valid_from_date"]) > day:
            continue
        name = tuple(row[part] for part in key)
        if name not in found or row["valid_from_date"] > found[name]["valid_from_date"]:
            found[name] = row
    return found
