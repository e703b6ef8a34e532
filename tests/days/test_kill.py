"""Killed at any instruction and started again (強制終了と再開): the house comes out with the same bytes as one never killed."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from tests.days.killer import MOMENTS
from tests.days.small_house import THROUGH, chain, make_house, rows_of
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.reconciliation import holdings_of
from tsutsumi.ports.paper import PaperCustodian
from tsutsumi.run.close_day import CUSTODIAN_FILE, close_through
from tsutsumi.store import audit
from tsutsumi.store.database import open_house, reading
from tsutsumi.store.day_tables import load_books
from tsutsumi.store.manifest import verify_chain
from tsutsumi.store.tables import events

KILLER = Path(__file__).with_name("killer.py")
PER_DAY = {"write-torn": 1, "fsync": 2, "rename": 1, "remove": 0, "house": 1, "custodian": 2}
AHEAD_DAYS = 5
MOST_SECONDS = 120


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """A house with nothing closed, to be copied, and one closed to the end without a kill."""
    folder = tmp_path_factory.mktemp("kill")
    make_house(folder / "new")
    shutil.copytree(folder / "new", folder / "reference")
    close_through(open_house(folder / "reference"), THROUGH)
    return folder / "new", folder / "reference"


class Victim:
    """A house that is closed by processes that are killed, and the house that it must become."""

    def __init__(self, folder: Path, reference: Path) -> None:
        self.folder, self.reference = folder, reference
        house = open_house(reference)
        self.wanted = chain(house)
        with reading(house) as connection:
            self.taken = {row.event_no: row.processed_date for row in connection.execute(select(events))}
        house.engine.dispose()

    def start(self, moment: str, nth: int) -> subprocess.Popen:
        command = [sys.executable, str(KILLER), moment, str(nth), str(self.folder), str(THROUGH)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def kill_at(self, moment: str, nth: int) -> None:
        child = self.start(moment, nth)
        _, errors = child.communicate(timeout=MOST_SECONDS)
        assert child.returncode == -signal.SIGKILL, f"{moment} {nth}: {errors.decode()}"
        self.check()

    def kill_within(self, seconds: float) -> None:
        """Kill at a random moment, so many seconds after the first file of a day has come."""
        child, before = self.start("none", 0), len(self.files())
        begun = time.monotonic()
        while child.poll() is None and len(self.files()) <= before and time.monotonic() - begun < MOST_SECONDS:
            time.sleep(0.001)
        time.sleep(seconds)
        child.kill()
        _, errors = child.communicate(timeout=MOST_SECONDS)
        assert child.returncode == -signal.SIGKILL, f"it ended by itself: {errors.decode()}"
        self.check()

    def files(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.glob("books/*/*")}

    def check(self) -> int:
        """Every day is closed or not, never half: the closed ones are those of the reference; return how many."""
        house = open_house(self.folder)
        closed = chain(house)
        assert closed == self.wanted[: len(closed)]
        assert verify_chain(house) == []
        with reading(house) as connection:
            assert audit.verify(connection) == []
            marks = {row.event_no: row.processed_date for row in connection.execute(select(events))}
        last = closed[-1][0] if closed else None
        assert marks == {number: day if day and last and day <= last else None for number, day in self.taken.items()}
        if closed:
            load_books(house, last)
        house.engine.dispose()
        return len(closed)

    def finish(self) -> None:
        """Resume to the end, and compare everything with the reference."""
        child = self.start("none", 0)
        _, errors = child.communicate(timeout=MOST_SECONDS)
        assert child.returncode == 0, errors.decode()
        assert self.check() == len(self.wanted)
        house = open_house(self.folder)
        assert self.files() == {file.name for row in rows_of(house) for file in row.files}, "orphans were left behind"
        held = [holdings(self.folder), holdings(self.reference), holdings_of(load_books(house, THROUGH))]
        for other in held[1:]:
            assert all(np.array_equal(held[0][name], other[name]) for name in other)
        house.engine.dispose()


def holdings(folder: Path) -> dict[str, np.ndarray]:
    """Return what the custodian of a house holds on the last day."""
    custodian = PaperCustodian(folder / CUSTODIAN_FILE)
    found = custodian.holdings(epoch_day(THROUGH))
    custodian.close()
    return found


def draw(draws: random.Random, moment: str) -> int:
    """Return which moment of a kind to die at: some days ahead of where the process begins."""
    kind = next(kind for kind in PER_DAY if moment.startswith(kind))
    return draws.randint(1, max(1, PER_DAY[kind] * AHEAD_DAYS))


def test_a_house_killed_ten_times_comes_out_the_same(houses, tmp_path):
    """One kill at each kind of moment, and one at any time; a torn or renamed file is followed by a kill at its removal."""
    shutil.copytree(houses[0], tmp_path / "house")
    victim, draws = Victim(tmp_path / "house", houses[1]), random.Random(20)
    order = [moment for moment in MOMENTS if moment not in ("remove-after", "fsync-after")]
    order.insert(order.index("remove-before"), order.pop(order.index("rename-after")))
    for moment in order:
        victim.kill_at(moment, draw(draws, moment))
    victim.kill_within(draws.random() * 0.1)
    victim.finish()


@pytest.mark.kill
@pytest.mark.parametrize("seed", range(20))
def test_a_house_killed_at_random_moments_comes_out_the_same(houses, tmp_path, seed):
    """Ten kills of one house at moments that the seed draws; twenty seeds make two hundred kills."""
    shutil.copytree(houses[0], tmp_path / "house")
    victim, draws = Victim(tmp_path / "house", houses[1]), random.Random(seed)
    after = ""
    for _ in range(10):
        orphan = after in ("write-torn", "fsync-before", "fsync-after", "rename-before", "rename-after", "house-commit-before")
        moment = draws.choice([name for name in (*MOMENTS, "any") if orphan or not name.startswith("remove")])
        if moment == "any":
            victim.kill_within(draws.random() * 0.1)
        else:
            victim.kill_at(moment, draw(draws, moment))
        after = moment
    victim.finish()
