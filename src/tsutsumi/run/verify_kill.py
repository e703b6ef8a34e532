"""Killed and resumed (強制終了と再開の検証): the last days of the house are closed again in a copy, by processes that are killed.

The copy stands as the house stood some days ago: reference data, events not yet taken, closed days, the custodian as it was. A
child process closes on and is killed (SIGKILL) at a random moment, again and again; the last one ends the work. Each day must
come out with the chain hash of the house, which vouches for the bytes of every file.
"""

import random
import signal
import subprocess
import sys
import time
from datetime import date as Date
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, func, select

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.schema import Frame
from tsutsumi.ports.paper import PaperCustodian
from tsutsumi.run.verify_check import Bench, Check, Tally
from tsutsumi.run.verify_custodian import CUSTODIAN_FILE, copy_custodian
from tsutsumi.store.database import House, HouseError, create_house, reading, transaction
from tsutsumi.store.day_file import verify_day_file
from tsutsumi.store.manifest import CLOSE, ClosedDay, closed_days
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import audit, day_files, days, events, metadata

DAYS_AGAIN, DAYS_PER_KILL = 8, 6
MOST_SECONDS = 600
LOOK_SECONDS = 0.001
MOST_RANDOM_SECONDS = 0.02
MOMENTS = ("file", "row", "any")    # a file of the next day lies there; a day's row has just flipped; any time
CHILD = (
    "import sys, datetime, pathlib;"
    "from tsutsumi.store.database import open_house;"
    "from tsutsumi.run.close_day import close_through;"
    "close_through(open_house(pathlib.Path(sys.argv[1])), datetime.date.fromisoformat(sys.argv[2]))"
)
NOT_COPIED = ("meta", "days", "day_files", "audit", "events")


def cut_row(rows: list[ClosedDay], kills: int) -> ClosedDay | None:
    """Return the closed day after which the copy begins (切り戻す日): some days before the last; none for a single day."""
    count = max(DAYS_AGAIN, DAYS_PER_KILL * kills)
    return rows[-1 - min(count, len(rows) - 1)] if len(rows) > 1 else None


def house_as_of(bench: Bench, cut: ClosedDay, custodian: Path) -> House:
    """Return a copy of the house as it stood at the end of a closed day (その日の状態の写し), in the folder of the bench."""
    folder = bench.folder / "killed"
    copy = create_house(folder, partitions=bench.house.partitions)
    with reading(bench.house) as source, transaction(copy) as target:
        for table in metadata.sorted_tables:
            if table.name not in NOT_COPIED:
                _copy(source, target, select(table), table.name)
        for table in (days, day_files):
            _copy(source, target, select(table).where(table.c.date <= cut.date), table.name)
        closed = source.execute(select(func.count()).select_from(days).where(days.c.date <= cut.date)).scalar_one()
        closes = select(audit.c.audit_no).where(audit.c.action == CLOSE).order_by(audit.c.audit_no)
        last = source.execute(closes.offset(closed - 1).limit(1)).scalar_one_or_none() or 0
        _copy(source, target, select(audit).where(audit.c.audit_no <= last), "audit")
        insert_rows(target, "events", _events(source, cut.date))
    known = [row for row in bench.days if row.date <= cut.date]
    start = max(number for number, row in enumerate(known) if row.snapshot)
    for row in known[start:]:
        for file in row.files:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.name).write_bytes((bench.house.folder / file.name).read_bytes())
    copy_custodian(custodian, folder / CUSTODIAN_FILE)
    return copy


def _copy(source: Connection, target: Connection, query, name: str) -> None:
    insert_rows(target, name, [dict(row._mapping) for row in source.execute(query)])


def _events(source: Connection, cut: Date) -> list[dict]:
    """Return the events that were taken; those taken after the cut wait for the day on which they were."""
    rows = [dict(row._mapping) for row in source.execute(select(events).where(events.c.processed_date.is_not(None)))]
    return [row | {"date": row["processed_date"], "processed_date": None} if row["processed_date"] > cut else row for row in rows]


class Killed:
    """Killed at any instruction and started again, a day is either not closed or closed (強制終了と再開)."""

    def __init__(self, bench: Bench, kills: int) -> None:
        self.bench, self.kills = bench, kills
        self.cut = cut_row(bench.days, kills)
        self.draws = random.Random()
        self.tally = Tally(
            "kills", "強制終了と再開", "killed and resumed",
            "killed at any instruction and started again, a day is either not closed or closed; nothing is lost or doubled",
            "締め直した日 days closed again",
        )

    def run(self, custodian: Path, holdings: Frame) -> list[Check]:
        """Return the check; `custodian` is the custodian's file as it was at the cut, `holdings` what it holds at the end."""
        if self.cut is None or self.kills < 1:
            self.tally.note("1日しか締めていない、または --kills 0 one closed day only, or no kills asked for")
            return [self.tally.check()]
        if not custodian.is_file():
            self.tally.stopped = "the custodian could not be made again (see executions)"
            return [self.tally.check()]
        try:
            copy = house_as_of(self.bench, self.cut, custodian)
            self._kill(copy)
            self._end(copy, holdings)
            copy.engine.dispose()
        except (HouseError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            self.tally.stopped = str(error)
        return [self.tally.check()]

    def _kill(self, copy: House) -> None:
        """Start the close again and again; kill each after it has closed some days more."""
        wanted = sum(row.date > self.cut.date for row in self.bench.days)
        done, places = 0, []
        for number in range(self.kills):
            begun = self._closed_count(copy)
            target = begun + self.draws.randrange(max(1, (wanted - begun) // (self.kills - number)))
            child = self._start(copy)
            try:
                self._wait(copy, child, target, self.draws.choice(MOMENTS))
            finally:
                child.kill()
                child.communicate()
            if child.returncode == -signal.SIGKILL:
                done += 1
                places.append(self._closed_count(copy))
            self._compare(copy, f"after kill {number + 1}")
        self.tally.note(f"強制終了 kills {done:,}／{self.kills:,}、そのとき締まっていた日数 days closed by then {places}")
        if not done:
            self.tally.short(1, "no process could be killed in time: run it again, or ask for more kills")

    def _wait(self, copy: House, child: subprocess.Popen, target: int, moment: str) -> None:
        """Wait until the child has closed up to `target` days and the moment of the next has come, or it has ended."""
        books, start, begun = copy.books, time.monotonic(), self._closed_count(copy)
        named = {Path(file.name).name for row in closed_rows(copy) for file in row.files}
        standing = sum(path.name in named for path in books.glob("*/*"))
        while child.poll() is None and time.monotonic() - start < MOST_SECONDS:
            closed, files = self._closed_count(copy), len(list(books.glob("*/*")))
            under_way = files > standing + (closed - begun) * copy.partitions
            if closed >= target and moment == "file" and under_way:
                return
            if closed > target and moment == "row":
                return
            if closed >= target and moment == "any" and files > standing:
                per_day = (time.monotonic() - start) / (closed - begun + 1)
                time.sleep(self.draws.random() * min(per_day, MOST_RANDOM_SECONDS))
                return
            time.sleep(LOOK_SECONDS)

    def _closed_count(self, copy: House) -> int:
        """Return how many days after the cut are closed."""
        with reading(copy) as connection:
            return connection.execute(select(func.count()).select_from(days).where(days.c.date > self.cut.date)).scalar_one()

    def _start(self, copy: House) -> subprocess.Popen:
        command = [sys.executable, "-c", CHILD, str(copy.folder), str(self.bench.days[-1].date)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _end(self, copy: House, holdings: Frame) -> None:
        child = self._start(copy)
        _, errors = child.communicate(timeout=MOST_SECONDS)
        if child.returncode:
            self.tally.short(1, f"it could not be resumed: {errors.decode(errors='replace').strip().splitlines()[-1:]}")
        closed = self._compare(copy, "after it was resumed")
        missing = len([row for row in self.bench.days if row.date > self.cut.date]) - closed
        self.tally.look(closed)
        self.tally.short(missing, f"{missing} days were not closed after all")
        named = {file.name for row in closed_rows(copy) for file in row.files}
        left = [path for path in copy.books.glob("*/*") if path.relative_to(copy.folder).as_posix() not in named]
        self.tally.short(len(left), f"files without a day were left behind: {[path.name for path in left]}")
        if not missing:
            self._ask_custodian(copy, holdings)

    def _ask_custodian(self, copy: House, holdings: Frame) -> None:
        """The custodian, too, was told everything once."""
        custodian = PaperCustodian(copy.folder / CUSTODIAN_FILE)
        found = custodian.holdings(epoch_day(self.bench.days[-1].date))
        custodian.close()
        if not all(np.array_equal(column, holdings.get(name)) for name, column in found.items()):
            self.tally.short(1, "after the kills the custodian holds other balances")

    def _compare(self, copy: House, when: str) -> int:
        """Each closed day is a day of the house, whole: same chain hash, and every file as the manifest says."""
        of_house = {row.date: row for row in self.bench.days}
        closed = [row for row in closed_rows(copy) if row.date > self.cut.date]
        for row in closed:
            one = of_house.get(row.date)
            if one is None or (row.digest, row.chain_hash) != (one.digest, one.chain_hash):
                self.tally.short(1, f"{when}: {row.date} came out with other bytes")
            for file in row.files:
                try:
                    if verify_day_file(copy.folder / file.name) != file.sha256:
                        self.tally.short(1, f"{when}: {file.name} is not the file that was closed")
                except HouseError as error:
                    self.tally.short(1, f"{when}: {error}")
        self._compare_events(copy, when)
        return len(closed)

    def _compare_events(self, copy: House, when: str) -> None:
        """Events are marked as done exactly for the days that are closed."""
        last = closed_rows(copy)[-1].date
        told = {row["event_no"]: row["processed_date"] for row in self.bench.events if row["processed_date"] is not None}
        with reading(copy) as connection:
            marks = {row[0]: row[1] for row in connection.execute(select(events.c.event_no, events.c.processed_date))}
        wrong = [number for number, day in told.items() if marks.get(number) != (day if day <= last else None)]
        self.tally.short(len(wrong), f"{when}: events {wrong[:5]} are not marked as the house marks them")


def closed_rows(house: House) -> list[ClosedDay]:
    """Return the closed days of a house, ascending."""
    with reading(house) as connection:
        return closed_days(connection)


def day_number(row: ClosedDay | None) -> int:
    """Return the day of a row as a number, 0 for none."""
    return 0 if row is None else epoch_day(row.date)
