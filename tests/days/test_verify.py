"""Each check of `tsutsumi verify` finds its own kind of damage (検証の検証): one figure of one day is changed, it falls short."""

import json
import tempfile
from dataclasses import replace
from datetime import date as Date
from pathlib import Path

import numpy as np
import pytest

from tests.days.small_house import THROUGH, make_house
from tsutsumi.app.cli.verify import verify
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.flows import DISTRIBUTION, FEE
from tsutsumi.core.ladder import PRICED, PURCHASE, SALE
from tsutsumi.core.promises import PAID
from tsutsumi.run.close_day import close_through, read_reference
from tsutsumi.run.verify import Digests, _days
from tsutsumi.run.verify_books import AccountBooks, Deltas, JournalBooks, JournalSums, Snapshots
from tsutsumi.run.verify_check import Bench, Tally
from tsutsumi.run.verify_custodian import Custodians
from tsutsumi.run.verify_fees import FeeCoverage, FeeShares
from tsutsumi.run.verify_money import Events, Ladder, Promises
from tsutsumi.run.verify_preview import FeePreview
from tsutsumi.run.verify_quotes import Quotes
from tsutsumi.run.verify_shares import Allocations, Blocks, Capital
from tsutsumi.run.verify_values import Profit
from tsutsumi.store.database import open_house, reading
from tsutsumi.store.manifest import closed_days
from tsutsumi.store.tables import events

BOOKS = ("sleeves", "positions", "account_positions", "contracts", "orders", "payouts", "dues", "fees")


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """The bench and the days of the small house."""
    folder = tmp_path_factory.mktemp("verify")
    house = open_house(make_house(folder / "house"))
    close_through(house, THROUGH)
    with reading(house) as connection:
        rows = closed_days(connection)
        taken = [dict(row._mapping) for row in connection.execute(events.select())]
    bench = Bench(house, read_reference(house, THROUGH), taken, rows, folder)
    return bench, list(_days(bench))


def first(table: str, **wanted):
    """Return what finds the first row of a table, on any day, with the wanted values; `day` stands for the day itself."""
    def find(day):
        of = getattr(day.books, table, None) if table in BOOKS and "in_table" not in wanted else day.table(table)
        if of is None or not len(next(iter(of.values()))):
            return None
        mask = np.ones(len(next(iter(of.values()))), bool)
        for name, value in wanted.items():
            if name != "in_table":
                mask &= of[name] == (day.books.day if value == "day" else value)
        rows = np.flatnonzero(mask)
        return int(rows[0]) if rows.size else None
    return find


def damaged(day, table: str, row: int, column: str, change: int):
    """Return the day with one figure of a fact table changed."""
    of = {name: values.copy() for name, values in day.tables[table].items()}
    of[column][row] += change
    return replace(day, tables=day.tables | {table: of})


def misbooked(day, table: str, row: int, column: str, change: int):
    """Return the day with one figure of its books changed."""
    of = {name: values.copy() for name, values in getattr(day.books, table).items()}
    of[column][row] += change
    return replace(day, books=replace(day.books, **{table: of}))


def run(history, make, change=None):
    """Return the checks of one kind over all days, the first day that `change` takes being changed by it."""
    bench, days = history
    check, done = make(replace(bench, folder=Path(tempfile.mkdtemp(dir=bench.folder)))), False
    for day in days:
        if change is not None and not done:
            other = change(day)
            if other is not None:
                day, done = other, True
        check.add(day)
    assert done or change is None, "nothing was changed"
    return {one.key: one for one in check.checks()}


FACTS = [
    (JournalSums, "journal_sums", "journal", {}, "quantity", 1),
    (JournalBooks, "journal_books", "journal", {"ledger_code": 0}, "quantity", 1),
    (JournalBooks, "journal_books", "journal", {"ledger_code": 3}, "quantity", -1),
    (Profit, "profit", "flows", {}, "amount_yen", 1),
    (Profit, "profit", "flows", {"kind_code": FEE}, "amount_yen", 1),
    (Profit, "profit", "flows", {"kind_code": DISTRIBUTION}, "amount_yen", -1),
    (Profit, "profit", "orders", {"status_code": PRICED, "priced_date": "day"}, "filled_yen", 1),
    (Blocks, "blocks", "blocks", {}, "asked_yen", 1),
    (Blocks, "blocks", "orders", {"decided_date": "day", "side_code": PURCHASE}, "asked_yen", -1),
    (Blocks, "blocks", "orders", {"status_code": PRICED, "side_code": SALE, "priced_date": "day"}, "filled_units", 1),
    (Allocations, "allocations", "orders", {"status_code": PRICED, "side_code": SALE, "priced_date": "day"}, "filled_yen", 1),
    (Allocations, "allocations", "orders", {"status_code": PRICED, "side_code": PURCHASE, "priced_date": "day"}, "filled_units", 1),
    (Allocations, "allocations", "orders", {"status_code": PRICED, "priced_date": "day"}, "fill_price", 1),
    (Capital, "capital", "flows", {"kind_code": DISTRIBUTION}, "amount_yen", 1),
    (Capital, "capital", "journal", {"ledger_code": 7}, "entry_no", 1),
    (Promises, "promises", "payouts", {"status_code": PAID}, "paid_date", 1),
    (Promises, "promises", "payouts", {"status_code": PAID}, "amount_yen", -1),
    (Events, "events", "inputs.events", {}, "event_no", 1),
    (FeeShares, "fee_shares", "fee_shares", {}, "share_yen", 1),
    (FeeShares, "fee_shares", "flows", {"kind_code": FEE}, "amount_yen", -1),
    (FeeCoverage, "fee_coverage", "fees", {"charged_date": "day"}, "start_date", 1),
    (FeeCoverage, "fee_coverage", "fees", {"charged_date": "day"}, "end_date", -1),
    (FeePreview, "fee_preview", "fees", {"charged_date": "day"}, "fee_yen", 1),
    (Snapshots, "snapshots", "state.sleeves", {}, "cash_yen", 1),
    (Digests, "digests", "prices", {}, "price", 1),
    (Custodians, "custodian", "orders", {"decided_date": "day", "side_code": SALE}, "asked_units", -1),
    (Custodians, "executions", "inputs.fills", {}, "price", 1),
]


@pytest.mark.parametrize("make, key, table, wanted, column, change", FACTS, ids=[f"{f[1]}-{f[2]}-{f[4]}" for f in FACTS])
def test_a_fact_that_is_wrong_by_one_is_found(history, make, key, table, wanted, column, change):
    find = first(table, in_table=True, **wanted)

    def one(day):
        row = find(day)
        if row is None or (table == "state.sleeves" and day.row.previous is None):
            return None
        return damaged(day, table, row, column, change)

    check = run(history, make, one)[key]
    assert check.passed is False and check.figure > 0 and check.details


STATE = [
    (JournalBooks, "journal_books", "sleeves", "cash_yen", 1),
    (JournalBooks, "journal_books", "sleeves", "payable_yen", 1),
    (JournalBooks, "journal_books", "positions", "held_units", 1),
    (AccountBooks, "account_books", "account_positions", "held_units", 1),
    (Profit, "valuation", "sleeves", "value_yen", 1),
    (Profit, "profit", "sleeves", "value_yen", 1),
    (Profit, "profit", "sleeves", "net_flow_yen", 1),
    (Ladder, "ladder", "sleeves", "cash_yen", -(10**9)),
    (Ladder, "ladder", "orders", "asked_yen", 10**9),
    (Custodians, "custodian", "sleeves", "cash_yen", 1),
    (Custodians, "custodian", "positions", "held_units", 1),
]


@pytest.mark.parametrize("make, key, table, column, change", STATE, ids=[f"{s[1]}-{s[2]}-{s[3]}" for s in STATE])
def test_a_balance_that_is_wrong_is_found(history, make, key, table, column, change):
    wanted = {"side_code": PURCHASE, "status_code": 0} if table == "orders" else {}
    find = first(table, **wanted)
    late = epoch_day(Date(2018, 2, 1))

    def one(day):
        row = find(day)
        return None if row is None or day.books.day < late else misbooked(day, table, row, column, change)

    check = run(history, make, one)[key]
    assert check.passed is False and check.figure > 0 and check.details


def test_a_row_that_did_not_change_but_was_written_is_found(history):
    def one(day):
        rows = day.tables.get("delta.positions")
        if rows is None or not len(day.before.positions["sleeve_no"]):
            return None
        extra = {name: np.append(values, day.before.positions[name][0]) for name, values in rows.items()}
        return replace(day, tables=day.tables | {"delta.positions": extra})

    assert run(history, Deltas, one)["deltas"].figure == 1


def test_an_event_that_was_never_taken_is_found(history):
    bench, days = history
    late = {"event_no": 10**6, "date": Date(2018, 2, 1), "processed_date": None}
    check = run((replace(bench, events=[*bench.events, late]), days), Events)["events"]
    assert check.figure == 1 and "never taken" in check.details[-1]


def test_a_payout_that_vanishes_unpaid_is_found(history):
    def one(day):
        payouts = day.table("payouts")
        if payouts is None or not (payouts["status_code"] == PAID).any():
            return None
        return replace(day, tables={name: of for name, of in day.tables.items() if name != "payouts"})

    check = run(history, Promises, one)["promises"]
    assert check.passed is False and "lost" in " ".join(check.details)


def test_every_check_holds_where_nothing_is_wrong(history):
    makes = {fact[0] for fact in FACTS} | {state[0] for state in STATE} | {Deltas}
    found = {key: check for make in makes for key, check in run(history, make).items()}
    assert {key: check.details for key, check in found.items() if not check.passed} == {}


def test_quotes_follow_splits_and_prices():
    quotes = Quotes({1: 10_001}, {1: 10**6}, {1: (0, 10_000, 3_000), 2: (2, 1, 0)})
    split = {"instrument_no": np.array([1]), "old_units": np.array([1]), "new_units": np.array([2])}
    assert quotes.next(None, split).price == {1: 5_000}
    accepted = {"instrument_no": np.array([2]), "price": np.array([3_335]), "fx_ppm": np.array([150_123_456])}
    later = quotes.next(accepted, None)
    assert later.yen(np.array([2, 1, 2]), np.array([7, 10_000, 10**15])).tolist() == [
        35_046, 10_001, 10**15 * 3_335 * 150_123_456 // 10**8,
    ]


def test_a_tally_without_anything_to_look_at_says_nothing():
    assert Tally("a", "あ", "a", "p", "件 items").check().passed is None
    stopped = Tally("a", "あ", "a", "p", "件 items", stopped="damaged").check()
    assert stopped.passed is False and "damaged" in stopped.details[0]


def test_the_command_prints_a_table_or_json_and_tells_by_its_exit_code(history, capsys):
    bench, _ = history
    assert verify(bench.house.folder, kills=0) == 0
    shown = capsys.readouterr().out
    assert "口座管理機関との一致" in shown and "Σ sleeves = the custodian's account" in shown
    assert "検査の対象がありません there was nothing to check" in shown
    assert shown.strip().endswith("対象なし nothing to check 1、否 fell short 0")
    assert verify(bench.house.folder, kills=0, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is True and {check["key"]: check["passed"] for check in told["checks"]}["kills"] is None
    assert verify(bench.house.folder, kills=-1) == 2
    assert verify(bench.folder / "nowhere") == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_the_command_exits_with_1_if_something_falls_short(history, capsys):
    bench, _ = history
    file = bench.house.folder / bench.days[-1].files[0].name
    kept = file.read_bytes()
    try:
        file.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert verify(bench.house.folder, kills=0) == 1
    finally:
        file.write_bytes(kept)
    assert "否 short" in capsys.readouterr().out
