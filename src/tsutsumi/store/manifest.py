"""The manifest of closed days (日次台帳): a day is closed when, and only when, its row is committed.

The files of a day are written first, under `books/YYYY/YYYY-MM-DD.pN.day`; one transaction then names them, marks the events
as processed and adds an audit row. A kill before the commit leaves files without a row (orphans), which the next close removes.
Each row carries a chain hash over the row before it, so that no day can be changed, dropped or swapped unseen.
"""

import fcntl
import json
import os
import re
import socket
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date as Date
from pathlib import Path

from sqlalchemy import Connection, bindparam, func, select

from tsutsumi.store.audit import append, content_hash
from tsutsumi.store.database import BOOKS, House, HouseError, reading
from tsutsumi.store.day_file import verify_day_file
from tsutsumi.store.tables import audit, day_files, days, events

LOCK = "house.lock"
CLOSE = "close"
CURE = "compare the database with a backup"
_OWN_NAME = re.compile(r"\.?\d{4}-\d\d-\d\d\.p\d+\.day(\.partial)?")
_LAST_DAY = select(func.max(days.c.date))
_LAST_ROW = select(days.c.date, days.c.chain_hash).order_by(days.c.date.desc()).limit(1)
_PROCESSED = events.update().where(events.c.event_no == bindparam("number")).values(processed_date=bindparam("day"))
_INSERT_DAY, _INSERT_FILES = days.insert(), day_files.insert()


@dataclass(frozen=True)
class DayFile:
    """One file of a closed day (日次ファイル): partition from 0, name relative to the house, bytes, SHA-256 of its header."""

    partition: int
    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ClosedDay:
    """One row of the manifest (締め済みの日) and its files by partition."""

    date: Date
    previous: Date | None
    digest: str
    chain_hash: str
    partitions: int
    snapshot: int
    inputs_hash: str
    closed_at: str
    bytes: int
    files: tuple[DayFile, ...]


def day_file_name(date: Date, partition: int) -> str:
    """Return the name of a day file, relative to the folder of the house (日次ファイル名).

    >>> day_file_name(Date(2026, 8, 10), 0)
    'books/2026/2026-08-10.p0.day'
    """
    return f"{BOOKS}/{date.year:04d}/{date.isoformat()}.p{partition}.day"


def last_day(connection: Connection) -> Date | None:
    """Return the last closed day (最終締め日); none before the first close."""
    return connection.execute(_LAST_DAY).scalar_one()


def closed_days(connection: Connection, first: Date | None = None, last: Date | None = None) -> list[ClosedDay]:
    """Return the closed days (締め済みの日) from first to last, both included, ascending, each with its files."""
    rows, files = select(days), select(day_files)
    if first is not None:
        rows, files = rows.where(days.c.date >= first), files.where(day_files.c.date >= first)
    if last is not None:
        rows, files = rows.where(days.c.date <= last), files.where(day_files.c.date <= last)
    named = defaultdict(list)
    for file in connection.execute(files.order_by(day_files.c.date, day_files.c.partition)):
        named[file.date].append(DayFile(file.partition, file.name, file.bytes, file.sha256))
    return [
        ClosedDay(
            row.date, row.previous_date, row.digest, row.chain_hash, row.partitions, row.snapshot, row.inputs_hash, row.closed_at,
            row.bytes, tuple(named[row.date]),
        )
        for row in connection.execute(rows.order_by(days.c.date))
    ]


def record_day(
    connection: Connection, date: Date, previous: Date | None, files: Iterable[DayFile], digest: str, inputs_hash: str,
    partitions: int, snapshot: int, processed_event_nos: Iterable[int], recorded_at: str, actor: str = "close",
) -> str:
    """Close a day (日次の確定) in the caller's one transaction and return its chain hash.

    Inserts the day and its files, marks the events as processed and appends one audit row.

    Parameters
    ----------
    connection : Connection
        Of `database.transaction(house)`; the files are already on the disk.
    date, previous : date
        The day, and the day closed before it (none for the first).
    files : DayFile, one for each partition 0 .. partitions - 1
    digest, inputs_hash : str
        `day_digest` of the tables of the day; hash of everything that the close read.
    snapshot : int
        1 if the files hold the whole books, 0 if they hold what changed.
    processed_event_nos : whole numbers
    recorded_at : str

    Raises
    ------
    HouseError
        Another day than `previous` is the last one, the day is not after it, or a partition has no file or two.
    """
    files = sorted(files, key=lambda file: file.partition)
    last = connection.execute(_LAST_ROW).one_or_none()
    if (last.date if last else None) != previous or (previous is not None and date <= previous):
        found = last.date if last else "none"
        raise HouseError(f"close {date}: the last closed day is {found}, not {previous}: another close was here; run it again")
    if [file.partition for file in files] != list(range(partitions)):
        given = ", ".join(str(file.partition) for file in files)
        raise HouseError(f"close {date}: {partitions} partitions, but files of {given or 'none'}: give one file for each partition")
    chain = _chain(last.chain_hash if last else "", date, previous, digest, inputs_hash, partitions, snapshot, files)
    size = sum(file.bytes for file in files)
    connection.execute(_INSERT_DAY, {
        "date": date, "previous_date": previous, "digest": digest, "chain_hash": chain, "partitions": partitions,
        "snapshot": int(snapshot), "inputs_hash": inputs_hash, "closed_at": recorded_at, "bytes": size,
    })
    connection.execute(_INSERT_FILES, [
        {"date": date, "partition": file.partition, "name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in files
    ])
    marks = [{"number": int(number), "day": date} for number in processed_event_nos]
    if marks:
        connection.execute(_PROCESSED, marks)
    append(connection, actor, CLOSE, {"date": str(date), "chain_hash": chain, "event_count": len(marks)}, recorded_at)
    return chain


def verify_chain(house: House) -> list[str]:
    """Return every break of the manifest, its files and its chain (日次台帳の検証); none: every day is as it was written."""
    problems: list[str] = []
    previous, chain = None, ""
    with reading(house) as connection:
        rows = closed_days(connection)
        audited = list(connection.execute(select(audit.c.payload).where(audit.c.action == CLOSE)).scalars())
        named = set(connection.execute(select(day_files.c.date).distinct()).scalars())
    for row in rows:
        where = f"day {row.date}"
        if row.previous != previous:
            problems.append(f"{where}: it follows {row.previous}, the row before is {previous}: a day was dropped or moved; {CURE}")
        problems += _file_problems(house.folder, row)
        expected = _chain(chain, row.date, row.previous, row.digest, row.inputs_hash, row.partitions, row.snapshot, row.files)
        if row.chain_hash != expected:
            problems.append(f"{where}: its chain hash does not follow from the day before and its own content: {CURE}")
        previous, chain = row.date, row.chain_hash
    dropped = named - {row.date for row in rows}
    problems += [f"day {date}: files are named for it, but it has no row: a day was dropped; {CURE}" for date in sorted(dropped)]
    return problems + _audit_problems(rows, audited)


def remove_orphans(house: House) -> list[str]:
    """Remove the day files that no row names, as a kill leaves them, and return their names (孤立ファイルの削除).

    Only files named like day files are touched. The caller holds the lock of the house.
    """
    with reading(house) as connection:
        known = set(connection.execute(select(day_files.c.name)).scalars())
    removed = []
    for path in sorted(house.books.glob("*/*")):
        name = path.relative_to(house.folder).as_posix()
        if name not in known and _OWN_NAME.fullmatch(path.name):
            path.unlink()
            removed.append(name)
    return removed


@contextmanager
def lock_house(folder: Path, task: str = "close") -> Iterator[None]:
    """Hold a house for one process (排他ロック); the system lets go of it if the process dies.

    Raises
    ------
    HouseError
        Another process holds it; the line names that process.
    """
    path = Path(folder) / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise HouseError(f"{path}: cannot be opened: {error.strerror}: name the folder of a house that you may write to") from error
    try:
        _take(descriptor, path, task)
        yield
    finally:
        os.close(descriptor)  # lets go of the lock


def _take(descriptor: int, path: Path, task: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{task} (process {os.getpid()} on {socket.gethostname()})".encode())
    except BlockingIOError as error:
        holder = os.read(descriptor, 500).decode(errors="replace").strip() or "another process"
        raise HouseError(f"{path.parent}: {holder} is at work in this house: wait until it ends, then run again") from error
    except OSError as error:
        raise HouseError(f"{path}: cannot be written: {error.strerror}: free space or mend the folder, then run again") from error


def _chain(
    before: str, date: Date, previous: Date | None, digest: str, inputs_hash: str, partitions: int, snapshot: int,
    files: Iterable[DayFile],
) -> str:
    """Return the chain hash: the chain before, the row's own content and the hash of every file."""
    named = [[file.partition, file.name, file.bytes, file.sha256] for file in files]
    return content_hash([before, str(date), str(previous), digest, inputs_hash, partitions, int(snapshot), named])


def _file_problems(folder: Path, row: ClosedDay) -> list[str]:
    problems = []
    if [file.partition for file in row.files] != list(range(row.partitions)):
        problems.append(f"day {row.date}: {row.partitions} partitions, but {len(row.files)} files are named: {CURE}")
    if row.bytes != sum(file.bytes for file in row.files):
        problems.append(f"day {row.date}: its bytes are not the sum of its files': {CURE}")
    for file in row.files:
        path = folder / file.name
        try:
            found = verify_day_file(path)
        except HouseError as error:
            problems.append(str(error))
            continue
        if found != file.sha256 or path.stat().st_size != file.bytes:
            problems.append(f"{path}: a whole day file, but not the one that was closed: restore it from a backup, then verify")
    return problems


def _audit_problems(rows: list[ClosedDay], payloads: list[str]) -> list[str]:
    """Return the days that the audit log knows otherwise, so that a dropped last day is seen too."""
    problems, told = [], set()
    for payload in payloads:
        try:
            content = json.loads(payload)
            told.add((content["date"], content["chain_hash"]))
        except (KeyError, TypeError, ValueError):
            problems.append(f"audit: {payload[:80]!r} is no close: the row was changed; {CURE}")
    here = {(str(row.date), row.chain_hash) for row in rows}
    problems += [f"day {day}: the audit log does not know this close: {CURE}" for day, _ in sorted(here - told)]
    return problems + [f"day {day}: the audit log knows a close that the manifest lacks: {CURE}" for day, _ in sorted(told - here)]
