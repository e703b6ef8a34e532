"""What a check of a house yields (検証の結果), and the day that the checks look at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date as Date
from pathlib import Path

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.schema import Frame, length
from tsutsumi.run.reference import Reference
from tsutsumi.run.verify_quotes import Quotes
from tsutsumi.store.database import House
from tsutsumi.store.manifest import ClosedDay

EXAMPLES = 3
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Check:
    """One promise, checked (検証項目).

    Attributes
    ----------
    key : str
        Its stable name.
    ja, en : str
        What it is called in both languages.
    promise : str
        What must hold.
    figure : int
        What does not hold, counted in `unit`; 0 = all of it holds.
    unit : str
        Unit of the figure, in both languages.
    checked : int
        How many `of` were looked at.
    of : str
        What was looked at, in both languages.
    passed : bool or None
        None: there was nothing to check, so nothing is said.
    details : tuple of str
        More figures, and the first examples of what fell short.
    """

    key: str
    ja: str
    en: str
    promise: str
    figure: int
    unit: str
    checked: int
    of: str
    passed: bool | None
    details: tuple[str, ...] = ()


@dataclass
class Tally:
    """A check while it is made: what was looked at, what did not hold, and the first examples."""

    key: str
    ja: str
    en: str
    promise: str
    of: str
    unit: str = "差異 differences"
    checked: int = 0
    figure: int = 0
    stopped: str = ""
    notes: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def look(self, count: int) -> None:
        """Count what is looked at."""
        self.checked += int(count)

    def short(self, amount: int, example: str = "") -> None:
        """Count what does not hold; the first examples are kept."""
        self.figure += int(amount)
        if amount and example and len(self.examples) < EXAMPLES:
            self.examples.append(example)

    def note(self, text: str) -> None:
        """Add a figure to the details."""
        self.notes.append(text)

    def check(self) -> Check:
        """Return the check: passed if something was looked at and all of it holds."""
        details = [*self.notes, *self.examples]
        passed = None if self.checked == 0 else self.figure == 0
        if self.figure:
            passed = False
        if self.stopped:
            passed, details = False, [f"止まった stopped: {self.stopped}", *details]
        names = (self.key, self.ja, self.en, self.promise, self.figure, self.unit, self.checked, self.of)
        return Check(*names, passed, tuple(details))


@dataclass(frozen=True, eq=False)
class Day:
    """A closed day as the checks see it (検証する日): its row, its tables, the books before it and at its end."""

    row: ClosedDay
    tables: dict[str, Frame]
    before: Books
    books: Books
    quotes: Quotes

    @property
    def date(self) -> Date:
        """The date."""
        return self.row.date

    def table(self, name: str) -> Frame | None:
        """Return a table of the day, none where it has no rows."""
        found = self.tables.get(name)
        return found if found and length(found) else None


@dataclass(frozen=True, eq=False)
class Bench:
    """What the checks work with (検証の道具): the house, its reference data, its events (event_no, date, processed_date), its
    closed days, and a folder for files that are thrown away."""

    house: House
    reference: Reference
    events: list[dict]
    days: list[ClosedDay]
    folder: Path


def totals(keys: np.ndarray, amounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct keys, ascending, and the sum of the amounts of each.

    >>> [part.tolist() for part in totals(np.array([7, 3, 7]), np.array([10, 5, -4]))]
    [[3, 7], [5, 6]]
    """
    key, place = np.unique(keys, return_inverse=True)
    total = np.zeros(key.size, np.int64)
    np.add.at(total, place, amounts)
    return key, total


def rows_of(of: Frame, *names: str) -> list[tuple]:
    """Return the rows of a frame as tuples of the named columns."""
    return list(zip(*(of[name].tolist() for name in names), strict=True))


def grouped(of: Frame, *names: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows in the order of the named columns, and where in that order each group begins.

    >>> of = {"a": np.array([2, 1, 2]), "b": np.array([5, 5, 5])}
    >>> [part.tolist() for part in grouped(of, "a", "b")]
    [[1, 0, 2], [0, 1]]
    """
    rows = length(of)
    order = np.lexsort([of[name] for name in reversed(names)])
    change = np.ones(rows, bool)
    if rows:
        change[1:] = np.any([np.diff(of[name][order].astype(np.int64)) != 0 for name in names], axis=0)
    return order, np.flatnonzero(change)
