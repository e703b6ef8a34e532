"""Who must be told what today (警告): rows with cause and cure. An error is a row; it never stops the others."""

from dataclasses import dataclass


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
