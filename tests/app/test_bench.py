"""`tsutsumi bench close`: SQL and the product agree row by row, and the figures are all there. Nothing here is timed."""

import csv
import json
import sys

import numpy as np
import pytest

from tsutsumi.app.bench.baseline import RESULTS, SqlClose, load_duckdb
from tsutsumi.app.bench.book import build_book
from tsutsumi.app.bench.close import close_steps, differences
from tsutsumi.app.cli import run
from tsutsumi.core.schema import check

CONTRACTS = 2_000
FIGURES = {
    "contracts", "sleeves", "positions", "new_orders", "trading_ppm", "rounds", "cores", "baseline", "seconds", "baseline_seconds",
    "ratio", "differences", "peak_bytes", "steps", "baseline_steps", "full_day_seconds", "full_day_steps", "bytes_written",
    "journal_bytes", "snapshot_bytes", "bytes_ratio", "rows_per_second",
}


@pytest.fixture(scope="module")
def book():
    """Return a small synthetic book."""
    return build_book(CONTRACTS)


def test_the_book_is_an_ordinary_day(book):
    """1.3 sleeves per contract, 8 funds each and some a ninth, orders of every age under way, the frames of the product."""
    sleeves, orders = book.before.sleeves, book.before.orders
    assert sleeves["sleeve_no"].size == CONTRACTS * 13 // 10
    assert set(np.diff(book.before.offsets).tolist()) == {8, 9}
    assert set(orders["status_code"].tolist()) == {0, 1} and np.unique(orders["decided_date"]).size >= 4
    for table in ("sleeves", "positions", "account_positions", "contracts", "orders", "payouts"):
        check(table, getattr(book.arrived, table))


def test_sql_and_the_product_agree(book):
    """Not one row of any table differs; a changed one is found."""
    ours, _ = close_steps(book)
    sql = SqlClose(load_duckdb(), book)
    sql.run()
    assert differences(ours, sql.result) == 0
    new = ours["orders"]["decided_date"] == book.rules.day
    reasons = set(ours["orders"]["reason_code"][new].tolist())
    assert reasons == {4, 5, 6}, "the day has a breach, cash to invest and a payout"
    for table, (_source, _key, columns) in RESULTS.items():
        name = columns.split()[-1]
        changed = ours[table] | {name: ours[table][name].copy()}
        changed[name][-1] += 1
        assert differences(ours | {table: changed}, sql.result) == 1, f"{table}.{name}"


def test_the_command(tmp_path, capsys):
    """All figures as JSON, no difference to the product's own day either, and one line in the record."""
    record = tmp_path / "results.csv"
    command = ["bench", "close", "--contracts", str(CONTRACTS), "--rounds", "1", "--json", "--record", str(record)]
    assert run(command) == 0
    figures = json.loads(capsys.readouterr().out)
    assert FIGURES <= set(figures) and figures["differences"] == 0
    assert sum(figures["steps"].values()) == pytest.approx(figures["seconds"])
    (row,) = csv.DictReader(record.read_text(encoding="utf-8").splitlines())
    assert row["contracts"] == str(CONTRACTS) and row["differences"] == "0"


def test_bad_use(monkeypatch, capsys):
    """Too few contracts, or no DuckDB: exit code 2 and one line that says what to do."""
    assert run(["bench", "close", "--contracts", "5"]) == 2
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert run(["bench", "close", "--contracts", "100"]) == 2
    assert "tsutsumi[bench]" in capsys.readouterr().err
