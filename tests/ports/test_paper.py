"""The paper twins against the bodies of their protocols, and what only they promise: kills, problems, hashes."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.ports.bank_body import BankBody
from tests.ports.custodian_body import CustodianBody
from tests.ports.frames import NOTHING, balances, flows, market, orders, rows
from tests.ports.slow_house import SlowHouse, run
from tsutsumi.ports.paper import PaperBank, PaperCustodian

KILLED = 9
DAYS, PARTIAL = 9, 400_000
CHILD = """
import os, sys
from pathlib import Path
from tests.ports.slow_house import SlowHouse, run
from tsutsumi.ports.paper import PaperCustodian

left = int(sys.argv[2])

def trace(frame, event, arg):
    if f"{os.sep}ports{os.sep}paper" not in frame.f_code.co_filename:
        return None
    global left
    left -= event in ("line", "return")
    if left == 0:
        os._exit(9)
    return trace

sys.settrace(trace)
custodian = PaperCustodian(Path(sys.argv[1]), partial_fill_ppm=int(sys.argv[4]))
run(custodian, SlowHouse(seed=9), int(sys.argv[3]))
sys.settrace(None)
print(left)
"""


class TestPaperCustodian(CustodianBody):
    def open(self, path, **options):
        return PaperCustodian(path, **options)

    def test_cash_and_units_below_zero_are_noted(self, custodian):
        custodian.fills(1, market(1, {}))
        custodian.receive(1, orders(1, dict(asked_yen=10_000_001), dict(side=0, sleeve_no=2, account_no=2, asked_units=5)), {}, {})
        custodian.fills(2, market(2, {}))
        custodian.receive(2, {}, flows((3, -7, "withdrawal")), {})
        custodian.fills(5, market(5, {}))
        assert rows(custodian.problems(), "date", "kind", "account_no", "instrument_no", "units") == [
            (2, "negative_cash", 3, 0, -7), (2, "negative_units", 2, 1, -5), (5, "negative_cash", 1, 0, -1),
        ]

    def test_two_processes_see_each_other(self, tmp_path):
        one, other = PaperCustodian(tmp_path / "c"), PaperCustodian(tmp_path / "c")
        one.fills(1, market(1, {}))
        other.receive(1, {}, flows((1, 5, "deposit")), {})
        assert balances(one.holdings(1)) == {(1, 0): 5}

    def test_three_days_are_answered_after_a_reopening(self, custodian, tmp_path):
        for day in (1, 2, 3):
            custodian.fills(day, market(day, {}))
            custodian.receive(day, {}, flows((1, day, "deposit")), {})
        custodian.fills(4, market(4, {}))
        again = PaperCustodian(tmp_path / "custodian")
        assert [balances(again.holdings(day))[1, 0] for day in (2, 3, 4)] == [10_000_003, 10_000_006, 10_000_006]
        with pytest.raises(ValueError, match="last days only"):
            again.holdings(1)

    def test_the_market_must_have_what_is_needed(self, custodian, tmp_path):
        custodian.fills(1, market(1, {}))
        custodian.receive(1, orders(1, dict(asked_yen=10_000)), {}, {})
        whole = market(2, {})
        for wrong, cause in (
            (market(2, dict(instrument_no=2)), "no row for them"),
            (market(2, dict(buy_settlement_date=1)), "before it"),
            ({name: values for name, values in whole.items() if name != "levy_ppm"}, "no column levy_ppm"),
        ):
            with pytest.raises(ValueError, match=cause):
                custodian.fills(2, wrong)
        assert len(custodian.fills(2, whole)["price"]) == 1

    def test_a_file_of_another_version_is_refused(self, custodian, tmp_path):
        custodian._ledger._connection.execute("PRAGMA user_version = 99")
        custodian.close()
        with pytest.raises(ValueError, match="version 99"):
            PaperCustodian(tmp_path / "custodian")

    def test_killed_at_any_line_and_asked_again_nothing_is_lost_or_doubled(self, tmp_path):
        kill_and_resume(tmp_path, kills=10, seed=1)

    @pytest.mark.kill
    def test_killed_at_any_line_many_times(self, tmp_path):
        kill_and_resume(tmp_path, kills=100, seed=2)


def child(path: Path, lines: int, days: int) -> subprocess.CompletedProcess:
    """Run a house in another process that ends without goodbye when that many lines of the paper custodian have run."""
    words = [sys.executable, "-c", CHILD, str(path), str(lines), str(days), str(PARTIAL)]
    return subprocess.run(words, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."})


def kill_and_resume(tmp_path: Path, kills: int, seed: int) -> None:
    """Kill at random lines; the house begins again from day 0 on the same file and must get to the same bytes."""
    whole = run(PaperCustodian(tmp_path / "whole", PARTIAL), SlowHouse(seed=9), DAYS)
    counted = child(tmp_path / "counted", 10**9, DAYS)
    assert counted.returncode == 0, counted.stderr
    lines = 10**9 - int(counted.stdout)
    random = Random(seed)
    for kill in range(kills):
        path = tmp_path / f"killed{kill}"
        at = random.randrange(1, lines)
        assert child(path, at, DAYS).returncode == KILLED, f"line {at} of {lines}"
        house, custodian = SlowHouse(seed=9), PaperCustodian(path, PARTIAL)
        assert run(custodian, house, DAYS) == whole, f"killed at line {at} of {lines}"
        assert balances(custodian.holdings(DAYS - 1)) == house.balances(DAYS - 1)
        custodian.close()


def test_a_fill_changes_nothing_when_it_fails_half_way(tmp_path, monkeypatch):
    """An error at any step of a call leaves file and memory as before it."""
    custodian = PaperCustodian(tmp_path / "c")
    custodian.fills(1, market(1, {}))
    custodian.receive(1, orders(1, dict(asked_yen=10_000)), flows((1, 10_000, "deposit")), {})
    before = balances(custodian.holdings(1))
    for step in ("take_due", "holders", "trade", "remove", "store_fills", "_write_positions"):
        with monkeypatch.context() as patch:
            patch.setattr(type(custodian._ledger), step, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                custodian.fills(2, market(2, dict(distribution=1)))
        assert balances(custodian.holdings(1)) == before
    custodian.fills(2, market(2, {}))
    custodian.receive(2, *NOTHING)
    assert balances(custodian.holdings(2)) == {(1, 0): 10_000, (1, 1): 10_000}


class TestPaperBank(BankBody):
    def open(self, **options):
        return PaperBank(**options)

    def test_about_the_promised_share_fails_and_others_on_another_day(self):
        due = {"sleeve_no": np.arange(1, 100_001), "amount_yen": np.full(100_000, 10_000)}
        one, next_day, other_seed = (PaperBank(seed=seed).collect(day, due)["ok"] for seed, day in ((0, 1), (0, 2), (1, 1)))
        assert all(400 < (ok == 0).sum() < 600 for ok in (one, next_day, other_seed))
        assert ((one == 0) & (next_day == 0)).sum() < 20 and ((one == 0) & (other_seed == 0)).sum() < 20

    def test_a_sleeve_fails_alike_alone_and_among_others(self):
        due = {"sleeve_no": np.arange(1, 1_001), "amount_yen": np.full(1_000, 10_000)}
        ok = PaperBank(failure_ppm=300_000).collect(5, due)["ok"]
        alone = [PaperBank(failure_ppm=300_000).collect(5, {name: values[k : k + 1] for name, values in due.items()})["ok"][0]
                 for k in range(50)]
        assert alone == ok[:50].tolist()
