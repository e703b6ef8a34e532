"""Closed days closed again from what was stored (再実行): same inputs, same bytes, for any number of partitions.

Nothing outside is asked and nothing is written: the inputs of a day lie in its files, the books before it in those of the days
before. The digest of every table made again must be the one in the manifest.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date as Date

import numpy as np

from tsutsumi.core.books import STATE_TABLES, Books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.delta import from_snapshot, read_market
from tsutsumi.core.partitions import canonical
from tsutsumi.core.schema import Frame
from tsutsumi.run.close_day import read_reference
from tsutsumi.run.day_run import first_books, regather, run_day
from tsutsumi.run.reference import Reference
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_file import day_digest
from tsutsumi.store.day_tables import read_closed_day, roll, whole_books, with_market
from tsutsumi.store.manifest import ClosedDay, closed_days

UNREADABLE = (HouseError, ValueError, LookupError, ArithmeticError, TypeError)    # what damaged data may raise


@dataclass(frozen=True)
class Replayed:
    """One day closed again (再実行した日): in how many partitions, the digest stored and the one found, and what went wrong."""

    date: Date
    partitions: int
    stored: str
    found: str
    problem: str = ""

    @property
    def same(self) -> bool:
        """Whether the day came out with the same bytes."""
        return self.stored == self.found and not self.problem


@dataclass(frozen=True)
class ReplayReport:
    """What a replay found (再実行の結果)."""

    replayed: list[Replayed] = field(default_factory=list)

    @property
    def differences(self) -> list[Replayed]:
        """The days that did not come out the same."""
        return [one for one in self.replayed if not one.same]


def replay(
    house: House, days: Iterable[Date] | None = None, partitions: Iterable[int] = (1,),
    progress: Callable[[int, int], None] | None = None,
) -> ReplayReport:
    """Close stored days again, in each number of partitions, and compare their digests with the manifest (再実行).

    Parameters
    ----------
    days : dates that are closed; all closed days if left out
    partitions : in how many partitions each day is closed again
    progress : called after each day with its number and the number of days

    Raises
    ------
    HouseError
        Nothing is closed yet, or a date is not a closed day.
    """
    with reading(house) as connection:
        rows = closed_days(connection)
    if not rows:
        raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
    chosen = {row.date for row in rows} if days is None else set(days)
    unknown = chosen - {row.date for row in rows}
    if unknown:
        raise HouseError(f"{house.folder}: {min(unknown)} is not a closed day: choose days from {rows[0].date} to {rows[-1].date}")
    shelf = _Shelf(house, read_reference(house, rows[-1].date), rows)
    counts, report = sorted(set(partitions)), ReplayReport()
    numbers = [number for number, row in enumerate(rows) if row.date in chosen]
    for done, number in enumerate(numbers, 1):
        report.replayed.extend(_again(shelf, number, counts))
        if progress:
            progress(done, len(numbers))
    return report


class _Shelf:
    """The stored books of a house, taken forward from day to day, or from the last snapshot where that is nearer."""

    def __init__(self, house: House, reference: Reference, rows: list[ClosedDay]) -> None:
        self.house, self.reference, self.rows = house, reference, rows
        self.books: Books | None = None
        self.at = -1

    def before(self, number: int) -> Books:
        """Return the books of the evening before the day of a row."""
        if number == 0:
            return first_books(self.reference, epoch_day(self.rows[0].date))
        start = max(k for k in range(number) if self.rows[k].snapshot)
        if self.books is None or not start <= self.at < number:
            self.books, self.at = self._snapshot(start, read_closed_day(self.house, self.rows[start])), start
        for k in range(self.at + 1, number):
            self.after(k, self.books, read_closed_day(self.house, self.rows[k]))
        return self.books

    def after(self, number: int, before: Books, tables: dict[str, Frame]) -> Books:
        """Return the stored books at the end of the day of a row, and keep them."""
        books = self._snapshot(0, tables) if number == 0 else roll(before, self.rows[number].date, tables)
        self.books, self.at = books, number
        return books

    def _snapshot(self, number: int, tables: dict[str, Frame]) -> Books:
        market = read_market(with_market(tables))
        return canonical(from_snapshot(epoch_day(self.rows[number].date), whole_books(tables), market))


def _again(shelf: _Shelf, number: int, counts: list[int]) -> Iterator[Replayed]:
    """Yield one day closed again, once for each number of partitions."""
    row, reference = shelf.rows[number], shelf.reference
    try:
        before = shelf.before(number)
        tables = read_closed_day(shelf.house, row)
        gathered = regather(reference, before, reference.timeline.index_of(epoch_day(row.date)), tables)
        stored = shelf.after(number, before, tables)
    except UNREADABLE as error:
        shelf.books = None
        yield from (Replayed(row.date, count, row.digest, "", f"what was stored cannot be read: {error}") for count in counts)
        return
    for count in counts:
        try:
            result = run_day(before, gathered, tables.get("breaks", {}), count)
        except UNREADABLE as error:
            yield Replayed(row.date, count, row.digest, "", f"it cannot be closed again: {error}")
            continue
        problem = "" if same_books(stored, result.books) else "the stored books are not those made again"
        yield Replayed(row.date, count, row.digest, day_digest(result.tables), problem)


def same_books(one: Books, other: Books) -> bool:
    """Return whether two sets of books hold the same rows in every table, to the byte (帳簿の一致)."""
    return one.day == other.day and all(_same(getattr(one, table), getattr(other, table)) for table in STATE_TABLES)


def _same(one: Frame, other: Frame) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(column, other[name]) for name, column in one.items())
