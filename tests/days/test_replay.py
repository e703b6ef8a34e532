"""Closed days closed again, held by one process, and written to a full disk (再実行・排他・容量不足)."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import date as Date

import pytest
from sqlalchemy import update

from tests.days.small_house import THROUGH, chain, make_house, rows_of
from tsutsumi.core.calendar import epoch_day
from tsutsumi.ports.paper_ledger import Ledger
from tsutsumi.run.close_day import close_through, read_reference
from tsutsumi.run.day_run import regather, run_day
from tsutsumi.run.replay import replay
from tsutsumi.run.verify import FEW_DAYS, chosen_days, verify_house
from tsutsumi.store import day_file
from tsutsumi.store.database import HouseError, open_house, transaction
from tsutsumi.store.day_file import day_digest
from tsutsumi.store.day_tables import load_books, read_closed_day
from tsutsumi.store.manifest import lock_house
from tsutsumi.store.tables import days as days_table

SHORT = Date(2018, 1, 31)


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """The small house, closed to the end in one process."""
    folder = make_house(tmp_path_factory.mktemp("replay") / "house")
    close_through(open_house(folder), THROUGH)
    return folder


@pytest.fixture
def house(closed, tmp_path):
    """A copy of the closed house, to be damaged."""
    shutil.copytree(closed, tmp_path / "house")
    opened = open_house(tmp_path / "house")
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def closed_a_month(tmp_path_factory):
    """The small house, closed for its first month."""
    folder = make_house(tmp_path_factory.mktemp("month") / "house")
    close_through(open_house(folder), SHORT)
    return folder


@pytest.fixture
def month(closed_a_month, tmp_path):
    """A copy of the house closed for a month, to be damaged."""
    shutil.copytree(closed_a_month, tmp_path / "month")
    opened = open_house(tmp_path / "month")
    yield opened
    opened.engine.dispose()


def by_key(house, **options) -> dict:
    return {check.key: check for check in verify_house(house, **{"kills": 0} | options)}


def test_days_closed_again_have_the_same_digest_in_any_number_of_partitions(house):
    counts = (1, 2, 8)
    report = replay(house, partitions=counts)
    assert len(report.replayed) == len(rows_of(house)) * len(counts)
    assert report.differences == []
    assert replay(house, [Date(2018, 2, 20), THROUGH], partitions=(64,)).differences == [], "more partitions than accounts"


def test_some_days_are_replayed_from_the_last_snapshot(house):
    chosen = [rows_of(house)[number].date for number in (0, 7, 8, 40)]
    seen = []
    report = replay(house, chosen, progress=lambda done, total: seen.append((done, total)))
    assert [(one.date, one.same) for one in report.replayed] == [(date, True) for date in chosen]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(HouseError, match="not a closed day"):
        replay(house, [Date(2018, 1, 6)])


def test_a_custodian_with_another_price_is_told_once_in_any_number_of_partitions(house):
    row = next(row for row in rows_of(house) if "inputs.fills" in read_closed_day(house, row))
    reference = read_reference(house, THROUGH)
    before, tables = load_books(house, row.previous), read_closed_day(house, row)
    fills = {name: column.copy() for name, column in tables["inputs.fills"].items()}
    fills["price"][0] += 1
    gathered = regather(reference, before, reference.timeline.index_of(epoch_day(row.date)), tables | {"inputs.fills": fills})
    results = [run_day(before, gathered, {}, count) for count in (1, 8)]
    assert [alert.kind for alert in results[0].alerts].count("break") == 1
    assert day_digest(results[0].tables) == day_digest(results[1].tables)


def test_a_house_cut_into_three_files_a_day_comes_out_the_same(closed, tmp_path):
    folder = make_house(tmp_path / "three", partitions=3)
    house = open_house(folder)
    close_through(house, SHORT)
    digests = [(row.date, row.digest, row.inputs_hash) for row in rows_of(house)]
    assert digests == [(row.date, row.digest, row.inputs_hash) for row in rows_of(open_house(closed)) if row.date <= SHORT]
    assert {len(row.files) for row in rows_of(house)} == {3}
    assert replay(house, partitions=(1, 3)).differences == []
    assert [check.key for check in verify_house(house, kills=0) if check.passed is False] == []


def test_verify_passes_every_check_on_the_small_house_and_changes_nothing(house):
    def content() -> dict:
        kept = {path: path.read_bytes() for path in sorted(house.books.glob("*/*"))}
        return kept | {"chain": chain(house), "custodian": (house.folder / "custodian.sqlite").read_bytes()}

    before = content()
    checks = verify_house(house, kills=1)
    assert [(check.key, check.details) for check in checks if check.passed is not True] == []
    assert all(check.checked > 0 and check.figure == 0 for check in checks)
    assert content() == before


def test_verify_says_what_it_could_not_check(tmp_path):
    house = open_house(make_house(tmp_path / "house"))
    with pytest.raises(HouseError, match="no day is closed yet"):
        verify_house(house)
    close_through(house, Date(2018, 1, 4))
    checks = {check.key: check for check in verify_house(house)}
    assert checks["promises"].passed is None and checks["kills"].passed is None
    assert [key for key, check in checks.items() if check.passed is False] == []


def test_a_byte_changed_in_a_day_file_is_found(month):
    path = month.folder / rows_of(month)[9].files[0].name
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    checks = by_key(month)
    assert checks["chain"].passed is False and path.name in checks["chain"].details[1]
    assert checks["digests"].passed is False


def test_a_day_file_that_is_gone_is_found(month):
    (month.folder / rows_of(month)[9].files[0].name).unlink()
    checks = by_key(month)
    assert checks["chain"].passed is False and "No such file" in " ".join(checks["chain"].details)
    stopped = [check for check in checks.values() if check.details and "stopped" in check.details[0]]
    assert len(stopped) > 10, "the checks that could not go on say so"
    assert all(check.passed is False for check in stopped)


def test_a_manifest_row_that_was_changed_is_found(month):
    changed = rows_of(month)[9].date
    with transaction(month) as connection:
        connection.execute(update(days_table).where(days_table.c.date == changed).values(digest="0" * 64))
    checks = by_key(month)
    assert [checks[key].passed for key in ("chain", "digests", "replay", "profit")] == [False, False, False, True]


def test_a_dropped_last_day_is_found(month):
    last = rows_of(month)[-1].date
    with transaction(month) as connection:
        connection.execute(days_table.delete().where(days_table.c.date == last))
    assert by_key(month)["chain"].passed is False


def test_two_closes_at_once_the_second_says_who_holds_the_house(tmp_path):
    folder = make_house(tmp_path / "house")
    command = [sys.executable, "-m", "tsutsumi.app.cli", "close", str(folder), "--through", "2018-01-10"]
    with lock_house(folder):
        second = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert second.returncode == 2
    assert f"close (process {os.getpid()} on " in second.stderr and "wait until it ends" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    house = open_house(folder)
    assert rows_of(house) == []
    with lock_house(folder, "close"), pytest.raises(HouseError, match="is at work"):
        verify_house(house)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_day_unclosed_and_the_next_run_closes_it(closed, tmp_path, monkeypatch, call):
    house = open_house(make_house(tmp_path / "house"))
    close_through(house, Date(2018, 1, 12))
    before, real = chain(house), getattr(os, call)

    def full(target, *args):
        if call == "write" and len(args[0]) < 500:
            return real(target, *args)      # the note in the lock
        if call == "write":
            real(target, args[0][:400])     # half of it still fitted
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(day_file.os, call, full)
    with pytest.raises(HouseError, match="2018-01-15.*No space left on device.*close again"):
        close_through(house, SHORT)
    monkeypatch.undo()
    assert chain(house) == before
    assert not list(house.books.glob("*/*2018-01-15*")) and not list(house.books.glob("*/.*"))
    close_through(house, SHORT)
    assert chain(house) == [row for row in chain(open_house(closed)) if row[0] <= SHORT]


def test_a_full_disk_under_the_custodian_is_one_line_and_the_next_run_goes_on(closed, tmp_path, monkeypatch):
    house = open_house(make_house(tmp_path / "house"))
    close_through(house, Date(2018, 1, 12))

    def full(self, digest):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Ledger, "store_received", full)
    with pytest.raises(HouseError, match="custodian.sqlite: refused: database or disk is full: free space"):
        close_through(house, SHORT)
    monkeypatch.undo()
    close_through(house, SHORT)
    assert chain(house) == [row for row in chain(open_house(closed)) if row[0] <= SHORT]


def test_the_days_closed_again_are_chosen_by_a_rule(house):
    rows = rows_of(house)
    assert chosen_days(rows, False) == [row.date for row in rows]
    many = rows * 3
    assert len(many) > FEW_DAYS
    some = chosen_days(many, False)
    assert len(some) < len(rows) and {rows[0].date, rows[-1].date, Date(2018, 1, 31), Date(2018, 2, 28)} <= set(some)
    assert len(chosen_days(many, True)) == len(many)
