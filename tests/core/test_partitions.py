"""A house closed in parts is the house closed whole: books, tables of the day and alerts, to the byte."""

from dataclasses import replace

import numpy as np
import pytest

from tests.core.build import FUND, books, columns, event, nights, rows, same, sleeve
from tsutsumi.core.partitions import canonical, merge, part_of, part_of_events
from tsutsumi.core.schema import take
from tsutsumi.run.day_run import run_day

NO_HOMES = np.zeros(0, np.int64)


def differences(one, other):
    """The tables and columns in which two results of a day differ."""
    found = sorted(set(one.tables) ^ set(other.tables))
    for table in set(one.tables) & set(other.tables):
        left, right = one.tables[table], other.tables[table]
        found += [f"{table}.{name}" for name in left if not np.array_equal(left[name], right[name])]
    return found + same(one.books, other.books) + ([] if one.processed == other.processed else ["processed"])


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_day_closed_in_parts_is_the_day_closed_whole(seed, count):
    for night in nights(seed)[2 :: 13 if seed else 8]:
        parts = run_day(night.before, night.gathered, {}, count)
        assert differences(parts, night.result) == [], f"house {seed}, day {night.result.books.day}"


def test_the_days_on_which_the_layout_changes_are_the_same_in_parts():
    reshaped = [
        night for night in nights(0) if len(night.before.positions["sleeve_no"]) != len(night.result.books.positions["sleeve_no"])
    ]
    assert len(reshaped) > 4
    for night in reshaped[:6]:
        assert differences(run_day(night.before, night.gathered, {}, 3), night.result) == []


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_parts_put_together_are_the_whole(count):
    for night in nights(2)[::10]:
        whole = night.result.books
        parts = [part_of(whole, number, count, NO_HOMES) for number in range(count)]
        assert same(merge(parts), whole) == []
        assert same(merge(parts[::-1]), whole) == [], "the order of the parts matters"
        for number, part in enumerate(parts):
            for table in ("sleeves", "account_positions", "contracts", "orders", "payouts", "dues", "fees", "ended"):
                assert (getattr(part, table)["account_no"] % count == number).all()
        assert sum(part.positions["sleeve_no"].size for part in parts) == whole.positions["sleeve_no"].size


def test_a_partition_without_accounts_is_empty_and_does_no_harm():
    house = books("2026-12-02", sleeve(1), positions=[{"sleeve_no": 1, "instrument_no": FUND, "held_units": 5}])
    assert part_of(house, 0, 2, NO_HOMES).sleeves["sleeve_no"].size == 0
    assert same(merge([part_of(house, number, 2, NO_HOMES) for number in range(2)]), house) == []


def test_each_event_goes_to_the_partition_of_its_account_and_an_unknown_one_to_the_first():
    events = rows("events", *(event(number, "deposit") for number in range(1, 7)))
    accounts = np.array([0, 1, 2, 3, 4, 5])
    assert [columns(part_of_events(events, accounts, number, 2, NO_HOMES), "event_no") for number in range(2)] == [
        [(1,), (3,), (5,)], [(2,), (4,), (6,)],
    ]
    assert part_of_events(events, accounts, 0, 1, NO_HOMES) is events
    together = np.array([0, 1, 2, 3, 1])  # account 4 shares the tiers of account 1
    assert columns(part_of_events(events, accounts, 1, 2, together), "event_no") == [(2,), (4,), (5,), (6,)]


def test_the_canonical_order_is_one_whatever_way_the_books_were_made():
    evenings = (night.result.books for night in nights(2))
    whole = max(evenings, key=lambda of: min(of.payouts["sleeve_no"].size, of.fees["fee_yen"].size))
    mixed = {
        table: take(getattr(whole, table), np.arange(getattr(whole, table)["account_no"].size)[::-1])
        for table in ("payouts", "dues", "fees", "ended")
    }
    assert whole.payouts["sleeve_no"].size > 1 and whole.fees["fee_yen"].size > 1
    assert same(canonical(replace(whole, **mixed)), whole) == []
