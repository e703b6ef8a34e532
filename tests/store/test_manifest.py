"""A day is closed when its row is there; a changed, dropped or swapped one is found; what a kill leaves is removed."""

import multiprocessing
import os
import shutil
import signal
from datetime import date

import numpy as np
import pytest
from sqlalchemy import select

from tsutsumi.store.database import HouseError, create_house, reading, transaction
from tsutsumi.store.day_file import write_day_file
from tsutsumi.store.manifest import (
    DayFile,
    closed_days,
    day_file_name,
    last_day,
    lock_house,
    record_day,
    remove_orphans,
    verify_chain,
)
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import audit, day_files, days, events

DAYS = [date(2026, 8, 10), date(2026, 8, 12), date(2026, 8, 13), date(2026, 8, 14)]
MOMENT = "2026-08-14T12:00:00+00:00"


def write(house, day, partitions=2):
    files = []
    for partition in range(partitions):
        name = day_file_name(day, partition)
        size, found = write_day_file(house.folder / name, {"t": {"a": np.arange(5) + day.day + partition}}, durable=False)
        files.append(DayFile(partition, name, size, found))
    return files


def close(house, day, previous, partitions=2, event_nos=()):
    files = write(house, day, partitions)
    with transaction(house) as connection:
        return record_day(connection, day, previous, files, f"digest {day}", "inputs", partitions, 1, event_nos, MOMENT)


@pytest.fixture
def closed(house):
    for previous, day in zip([None, *DAYS], DAYS, strict=False):
        close(house, day, previous)
    return house


def test_closed_days_are_told_with_their_files(closed):
    with reading(closed) as connection:
        rows = closed_days(connection)
        assert (last_day(connection), [row.date for row in rows]) == (DAYS[-1], DAYS)
        assert [row.date for row in closed_days(connection, DAYS[1], DAYS[2])] == DAYS[1:3]
    assert [file.name for file in rows[0].files] == ["books/2026/2026-08-10.p0.day", "books/2026/2026-08-10.p1.day"]
    assert rows[0].bytes == sum(file.bytes for file in rows[0].files) and rows[1].previous == DAYS[0]
    assert verify_chain(closed) == [] and remove_orphans(closed) == []


def test_the_chain_depends_on_nothing_but_the_days(closed, tmp_path):
    other = create_house(tmp_path / "other")
    chain = [close(other, day, previous) for previous, day in zip([None, *DAYS], DAYS, strict=False)]
    with reading(closed) as connection:
        assert [row.chain_hash for row in closed_days(connection)] == chain


def test_a_close_marks_its_events(house):
    insert_rows(house, "events", [{"event_no": n, "event_id": f"e{n}", "date": DAYS[0], "kind": "deposit"} for n in (1, 2, 3)])
    close(house, DAYS[0], None, event_nos=[np.int64(1), 3])
    with reading(house) as connection:
        marks = connection.execute(select(events.c.processed_date).order_by(events.c.event_no)).scalars().all()
        assert marks == [DAYS[0], None, DAYS[0]]
        assert '"event_count":2' in connection.execute(select(audit.c.payload)).scalar_one()


def test_a_close_that_fails_leaves_no_trace(house):
    with pytest.raises(ZeroDivisionError), transaction(house) as connection:
        record_day(connection, DAYS[0], None, write(house, DAYS[0]), "d", "i", 2, 1, [], MOMENT)
        raise ZeroDivisionError
    with reading(house) as connection:
        assert last_day(connection) is None and connection.execute(audit.select()).all() == []
    assert remove_orphans(house) == [day_file_name(DAYS[0], 0), day_file_name(DAYS[0], 1)]


@pytest.mark.parametrize(("day", "previous"), [(DAYS[3], DAYS[1]), (DAYS[2], None), (DAYS[2], DAYS[2]), (DAYS[0], DAYS[2])])
def test_a_day_that_does_not_follow_is_refused(house, day, previous):
    for before, one in zip([None, *DAYS], DAYS[:3], strict=False):
        close(house, one, before)
    with pytest.raises(HouseError, match="the last closed day is 2026-08-13"):
        close(house, day, previous)


def test_a_missing_partition_is_refused(house):
    with pytest.raises(HouseError, match="2 partitions, but files of 0"), transaction(house) as connection:
        record_day(connection, DAYS[0], None, write(house, DAYS[0])[:1], "d", "i", 2, 1, [], MOMENT)


def flip(house):
    path = house.folder / day_file_name(DAYS[1], 1)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def swap_files(house):
    one, other = (house.folder / day_file_name(day, 0) for day in DAYS[1:3])
    one.rename(one.with_suffix(".x"))
    other.rename(one)
    one.with_suffix(".x").rename(other)


def change(table, day, **values):
    def apply(house):
        with transaction(house) as connection:
            connection.execute(table.update().where(table.c.date == day).values(**values))

    return apply


def drop(*dropped, tables=(days, day_files)):
    def apply(house):
        with transaction(house) as connection:
            for table in tables:
                connection.execute(table.delete().where(table.c.date.in_(dropped)))

    return apply


def swap_rows(house):
    with transaction(house) as connection:
        for table in (days, day_files):
            for before, after in ((DAYS[1], date(2000, 1, 1)), (DAYS[2], DAYS[1]), (date(2000, 1, 1), DAYS[2])):
                connection.execute(table.update().where(table.c.date == before).values(date=after))


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (flip, "2026-08-12.p1.day: something was written after|2026-08-12.p1.day: column"),
        (swap_files, "2026-08-12.p0.day: a whole day file, but not the one that was closed"),
        (lambda house: (house.folder / day_file_name(DAYS[1], 0)).unlink(), "2026-08-12.p0.day: a closed day cannot be read"),
        (change(days, DAYS[1], digest="x"), "day 2026-08-12: its chain hash does not follow"),
        (change(days, DAYS[1], inputs_hash="x"), "day 2026-08-12: its chain hash"),
        (change(days, DAYS[1], chain_hash="x"), "day 2026-08-12: its chain hash"),
        (change(days, DAYS[1], bytes=1), "day 2026-08-12: its bytes"),
        (change(day_files, DAYS[1], sha256="x"), "2026-08-12.p0.day: a whole day file, but not"),
        (drop(DAYS[1]), "day 2026-08-13: it follows 2026-08-12, the row before is 2026-08-10"),
        (drop(DAYS[1], tables=(days,)), "day 2026-08-12: files are named for it, but it has no row"),
        (drop(DAYS[1], tables=(day_files,)), "day 2026-08-12: 2 partitions, but 0 files"),
        (drop(DAYS[0]), "day 2026-08-12: it follows 2026-08-10, the row before is None"),
        (drop(DAYS[3]), "day 2026-08-14: the audit log knows a close that the manifest lacks"),
        (swap_rows, "day 2026-08-12: it follows 2026-08-12"),
    ],
)
def test_damage_is_found(closed, damage, line):
    damage(closed)
    problems = verify_chain(closed)
    assert any(part in problem for part in line.split("|") for problem in problems), problems


def test_a_day_dropped_with_its_audit_row_breaks_the_audit_log(closed):
    from tsutsumi.store.audit import verify

    drop(DAYS[1])(closed)
    with transaction(closed) as connection:
        connection.execute(audit.delete().where(audit.c.audit_no == 2))
        assert verify(connection)


def test_only_day_files_without_a_row_are_removed(closed):
    orphans = [day_file_name(date(2026, 8, 17), n) for n in (0, 1)] + ["books/2026/.2026-08-17.p2.day.partial"]
    kept = ["books/2026/notes.txt", "books/2026/2026-08-17.day", "books/2026/2026-08-17.p0.day.bak"]
    for name in orphans + kept:
        (closed.folder / name).write_bytes(b"x")
    assert sorted(remove_orphans(closed)) == sorted(orphans)
    assert all((closed.folder / name).exists() for name in kept) and verify_chain(closed) == []
    shutil.rmtree(closed.books)
    assert remove_orphans(closed) == []


def hold(folder, ready, end):
    with lock_house(folder):
        ready.set()
        end.wait(20)


def test_two_closes_at_once_are_refused_until_the_first_dies(tmp_path):
    context = multiprocessing.get_context("fork")
    ready, end = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, ready, end))
    other.start()
    assert ready.wait(20)
    with pytest.raises(HouseError, match=rf"close \(process {other.pid} on .*is at work in this house: wait"), lock_house(tmp_path):
        raise AssertionError("two closes at once")
    os.kill(other.pid, signal.SIGKILL)
    other.join(20)
    with lock_house(tmp_path, "load"), pytest.raises(HouseError, match=rf"load \(process {os.getpid()}"), lock_house(tmp_path):
        raise AssertionError("two closes at once")
    with lock_house(tmp_path):
        pass


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path):
    with pytest.raises(HouseError, match="cannot be opened"), lock_house(tmp_path / "none"):
        raise AssertionError("no folder")
