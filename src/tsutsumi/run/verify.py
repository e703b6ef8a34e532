"""Every promise of a house, checked on what it stored, with a figure for each (検証): `tsutsumi verify`.

The days are walked once, from the first, and every check looks at each; then days are closed again, and a copy of the last days
is closed by processes that are killed. Nothing is written into the house.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as Date
from pathlib import Path

from sqlalchemy import func, select

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.delta import from_snapshot, read_market
from tsutsumi.core.partitions import canonical
from tsutsumi.run.close_day import read_reference
from tsutsumi.run.day_run import first_books
from tsutsumi.run.replay import replay
from tsutsumi.run.verify_books import AccountBooks, Deltas, JournalBooks, JournalSums, Snapshots
from tsutsumi.run.verify_check import Bench, Check, Day, Progress, Tally
from tsutsumi.run.verify_custodian import Custodians
from tsutsumi.run.verify_fees import FeeCoverage, FeeShares
from tsutsumi.run.verify_kill import Killed, day_number
from tsutsumi.run.verify_money import Events, Ladder, Promises
from tsutsumi.run.verify_preview import FeePreview
from tsutsumi.run.verify_quotes import no_quotes
from tsutsumi.run.verify_shares import Allocations, Blocks, Capital
from tsutsumi.run.verify_values import Profit
from tsutsumi.store import audit
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_file import day_digest
from tsutsumi.store.day_tables import read_closed_day, roll, whole_books, with_market
from tsutsumi.store.manifest import ClosedDay, closed_days, lock_house, verify_chain
from tsutsumi.store.tables import audit as audit_table
from tsutsumi.store.tables import events

FEW_DAYS = 130      # up to here every day is closed again
EVERY = 11          # beyond it the first, the last, each month's last, and every 11th
PARTITIONS = (2, 3, 8)
PARTITION_DAYS = 12
CHECKS = (
    JournalSums, JournalBooks, AccountBooks, Profit, Blocks, Allocations, Capital, Ladder, Promises, Events, FeeShares,
    FeeCoverage, FeePreview, Snapshots, Deltas,
)


def verify_house(house: House, progress: Progress | None = None, all_days: bool = False, kills: int = 2) -> list[Check]:
    """Return every promise of a house with its figure (検証); the house is held meanwhile, and not changed.

    Parameters
    ----------
    house : House
    progress : called with what is done, its number, and how many there are
    all_days : close every day again, however many there are
    kills : how many processes are killed in the copy; 0 leaves this check out

    Raises
    ------
    HouseError
        Nothing is closed yet, or another process is at work in the house.
    """
    progress = progress or (lambda what, done, total: None)
    with lock_house(house.folder, "verify"), tempfile.TemporaryDirectory(prefix="tsutsumi-verify-") as folder:
        with reading(house) as connection:
            rows = closed_days(connection)
            names = (events.c.event_no, events.c.date, events.c.processed_date)
            taken = [dict(row._mapping) for row in connection.execute(select(*names).order_by(events.c.event_no))]
        if not rows:
            raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
        bench = Bench(house, read_reference(house, rows[-1].date), taken, rows, Path(folder))
        checks = [_chain(bench, progress)]
        killed = Killed(bench, kills)
        custodians = Custodians(bench, day_number(killed.cut))
        checks += _walk(bench, custodians, progress)
        checks += _replays(bench, all_days, progress)
        progress("強制終了と再開 kills", 0, 1)
        checks += killed.run(custodians.cut_file, custodians.holdings)
        progress("強制終了と再開 kills", 1, 1)
    return checks


def _chain(bench: Bench, progress: Progress) -> Check:
    """The manifest, its files and the audit log are as they were written (日次台帳・監査証跡)."""
    progress("台帳と監査証跡 manifest and audit", 0, 1)
    tally = Tally(
        "chain", "台帳・ファイル・監査証跡", "manifest, files and audit log",
        "every file gives its hash, every day follows from the day before, the audit log knows every close",
        "日 days",
    )
    with reading(bench.house) as connection:
        problems = verify_chain(bench.house) + audit.verify(connection)
        rows = connection.execute(select(func.count()).select_from(audit_table)).scalar_one()
    tally.look(len(bench.days))
    for problem in problems:
        tally.short(1, problem)
    files = [file for row in bench.days for file in row.files]
    size = sum(file.bytes for file in files)
    tally.note(f"ファイル files {len(files):,}（{size:,} バイト bytes）、監査行 audit rows {rows:,}")
    progress("台帳と監査証跡 manifest and audit", 1, 1)
    return tally.check()


class Digests:
    """The tables of a day, as stored, give the digests in its row (日のダイジェスト)."""

    def __init__(self, bench: Bench) -> None:
        self.tally = Tally(
            "digests", "保存表＝台帳のダイジェスト", "stored tables give the digests",
            "the tables and the inputs of a day, read back, give the digests that were written when it was closed", "日 days",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        tables = {name: of for name, of in day.tables.items() if not name.startswith("state.")}
        inputs = {name: of for name, of in tables.items() if name.startswith("inputs.")}
        self.tally.look(1)
        if (day_digest(tables), day_digest(inputs)) != (day.row.digest, day.row.inputs_hash):
            self.tally.short(1, f"{day.date}: the tables are not those that were closed")

    def checks(self) -> list[Check]:
        """Return the check."""
        return [self.tally.check()]


@dataclass
class _Guarded:
    """A check that may stumble over damaged data: it stops alone and says so, the others go on."""

    check: object
    stopped: str = ""

    def add(self, day: Day) -> None:
        if self.stopped:
            return
        try:
            self.check.add(day)
        except Exception as error:  # damaged data can fail in any way
            self.stopped = f"{day.date}: {type(error).__name__}: {error}"

    def checks(self, halted: str) -> list[Check]:
        stopped = self.stopped or halted
        for tally in vars(self.check).values():
            if isinstance(tally, Tally) and stopped:
                tally.stopped = stopped
        try:
            return self.check.checks()
        except Exception as error:
            tally = next(tally for tally in vars(self.check).values() if isinstance(tally, Tally))
            tally.stopped = stopped or f"{type(error).__name__}: {error}"
            return [tally.check()]


def _walk(bench: Bench, custodians: Custodians, progress: Progress) -> list[Check]:
    """Show every day to every check, and return what they found."""
    guarded = [_Guarded(check) for check in (custodians, *(make(bench) for make in CHECKS), Digests(bench))]
    halted = ""
    try:
        for number, day in enumerate(_days(bench), 1):
            for check in guarded:
                check.add(day)
            progress("各日の帳簿 books of every day", number, len(bench.days))
    except (HouseError, ValueError, LookupError) as error:
        halted = str(error)
    return [found for check in guarded for found in check.checks(halted)]


def _days(bench: Bench) -> Iterator[Day]:
    """Yield every closed day with the books before it and at its end; the deltas make them, from the first day on."""
    books: Books | None = None
    quotes = no_quotes(bench.reference.tables["instruments"])
    for row in bench.days:
        tables = read_closed_day(bench.house, row)
        before = books if books is not None else first_books(bench.reference, epoch_day(row.date))
        books = _first(row, tables) if books is None else roll(before, row.date, tables)
        quotes = quotes.next(tables.get("prices"), tables.get("inputs.splits"))
        yield Day(row, tables, before, books, quotes)


def _first(row: ClosedDay, tables: dict) -> Books:
    return canonical(from_snapshot(epoch_day(row.date), whole_books(tables), read_market(with_market(tables))))


def chosen_days(rows: list[ClosedDay], all_days: bool) -> list[Date]:
    """Return the days to close again (再実行する日): all of a few; else first, last, each month's last, and every 11th."""
    dates = [row.date for row in rows]
    if all_days or len(dates) <= FEW_DAYS:
        return dates
    month_ends = [one for one, after in zip(dates, dates[1:], strict=False) if one.month != after.month]
    return sorted({dates[0], dates[-1], *month_ends, *dates[::EVERY]})


def _replays(bench: Bench, all_days: bool, progress: Progress) -> list[Check]:
    """Close days again: the same digest, whatever the number of partitions."""
    chosen = chosen_days(bench.days, all_days)
    few = chosen[:: max(1, len(chosen) // PARTITION_DAYS)] + chosen[-1:]
    again = Tally(
        "replay", "再実行のダイジェスト", "days closed again",
        "the same inputs give the same bytes: a day closed again has the digest of the manifest", "日 days",
    )
    parts = Tally(
        "partitions", "分割しても同じ", "partitions give the same",
        "any number of partitions gives the same digest of every table", "日×分割数 days × partition counts",
    )
    for tally, dates, counts, what in (
        (again, chosen, (1,), "再実行 days closed again"), (parts, few, PARTITIONS, "分割 partitions"),
    ):
        report = replay(bench.house, dates, counts, lambda done, total, what=what: progress(what, done, total))
        tally.look(len(report.replayed))
        for one in report.differences:
            why = one.problem or f"digest {one.found[:12]}…, stored {one.stored[:12]}…"
            tally.short(1, f"{one.date} in {one.partitions}: {why}")
    again.note(f"締め済み closed {len(bench.days):,} 日 days のうち再実行 of which closed again {len(chosen):,}")
    parts.note(f"分割数 partitions {', '.join(map(str, PARTITIONS))}、{len(set(few)):,} 日 days")
    return [again.check(), parts.check()]
