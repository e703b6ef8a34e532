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
from tsutsumi.store.day_tables import load_books, read_closed_day, roll, whole_books, with_market
from tsutsumi.store.manifest import ClosedDay, closed_days


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
    reference = read_reference(house, rows[-1].date)
    counts = sorted(set(partitions))
    report = ReplayReport()
    for number, (row, before) in enumerate(_with_books(house, reference, rows, chosen), 1):
        report.replayed.extend(_again(house, reference, row, before, counts))
        if progress:
            progress(number, len(chosen))
    return report


def _with_books(
    house: House, reference: Reference, rows: list[ClosedDay], chosen: set[Date]
) -> Iterator[tuple[ClosedDay, Books | str]]:
    """Yield the chosen days with the books before each: rolled on from the day before, else loaded from the last snapshot.

    Books that cannot be read come as the text that says why.
    """
    books: Books | None = None
    for row in rows:
        if row.date not in chosen:
            books = None
            continue
        try:
            if row.previous is None:
                books = first_books(reference, epoch_day(row.date))
            elif books is None or books.day != epoch_day(row.previous):
                books = load_books(house, row.previous)
        except (HouseError, ValueError, LookupError) as error:
            books = None
            yield row, f"the books before it cannot be read: {error}"
            continue
        yield row, books
        books = _after(house, row, books)


def _after(house: House, row: ClosedDay, books: Books) -> Books | None:
    """Return the stored books at the end of a day, none where its files cannot be read."""
    try:
        tables = read_closed_day(house, row)
        if row.previous is None:
            return canonical(from_snapshot(epoch_day(row.date), whole_books(tables), read_market(with_market(tables))))
        return roll(books, row.date, tables)
    except (HouseError, ValueError, LookupError):
        return None


def _again(house: House, reference: Reference, row: ClosedDay, before: Books | str, counts: list[int]) -> Iterator[Replayed]:
    """Yield one day closed again, once for each number of partitions."""
    if isinstance(before, str):
        yield from (Replayed(row.date, count, row.digest, "", before) for count in counts)
        return
    try:
        tables = read_closed_day(house, row)
        gathered = regather(reference, before, reference.timeline.index_of(epoch_day(row.date)), tables)
        stored = _after(house, row, before)
    except (HouseError, ValueError, LookupError) as error:
        yield from (Replayed(row.date, count, row.digest, "", f"its inputs cannot be read: {error}") for count in counts)
        return
    for count in counts:
        try:
            result = run_day(before, gathered, tables.get("breaks", {}), count)
        except (ValueError, LookupError, ArithmeticError) as error:
            yield Replayed(row.date, count, row.digest, "", f"it cannot be closed again: {error}")
            continue
        problem = "" if stored is not None and same_books(stored, result.books) else "the stored books are not those made again"
        yield Replayed(row.date, count, row.digest, day_digest(result.tables), problem)


def same_books(one: Books, other: Books) -> bool:
    """Return whether two sets of books hold the same rows in every table, to the byte (帳簿の一致)."""
    return one.day == other.day and all(_same(getattr(one, table), getattr(other, table)) for table in STATE_TABLES)


def _same(one: Frame, other: Frame) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(column, other[name]) for name, column in one.items())
