"""Who must be told what today (警告): rows with cause and cure. An error is a row; it never stops the others."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@cache
def alert_kinds() -> dict[str, dict[str, str]]:
    """Return every kind of alert with its Japanese name, usual cause and cure (警告の種類): `alert_kinds.csv`.

    >>> alert_kinds()["drift"]["ja"]
    '許容幅からの乖離'
    """
    text = files("tsutsumi").joinpath("alert_kinds.csv").read_text(encoding="utf-8")
    return {row["kind"]: row for row in csv.DictReader(text.splitlines())}


@dataclass(frozen=True, order=True)
class Alert:
    """One alert: what kind, about whom, why, and what to do."""

    kind: str
    subject_kind: str
    subject_no: int
    cause: str
    cure: str


class Alerts:
    """The alerts of one day."""

    def __init__(self) -> None:
        self.rows: list[Alert] = []

    def add(self, kind: str, subject_kind: str, subject_no: int, cause: str, cure: str) -> None:
        """Add one alert."""
        self.rows.append(Alert(kind, subject_kind, int(subject_no), cause, cure))
