"""Double entry: an entry that does not balance stops the day; numbers do not depend on how the house was cut."""

import random

import numpy as np
import pytest

from tests.core.build import FUND, columns, nights
from tsutsumi.core.journal import (
    BY_EVENT,
    BY_ORDER,
    BY_PAYOUT,
    CASH,
    CAUSES,
    DEPOSIT,
    LEDGERS,
    PAYABLE,
    TRADES,
    UNITS,
    YEN,
    Journal,
    number_entries,
)
from tsutsumi.core.schema import empty, stack, take

LINE = ("entry_no", "sleeve_no", "ledger_code", "instrument_no", "quantity")


def posted(*entries):
    journal = Journal()
    for entry in entries:
        journal.post(*entry)
    return journal.lines()


def test_an_entry_is_numbered_and_its_lines_stand_together():
    lines = number_entries(posted(
        (BY_ORDER, 1, 1, 77, [(UNITS, FUND, 10), (TRADES, FUND, -10), (PAYABLE, YEN, -12), (TRADES, YEN, 12)]),
        (BY_EVENT, 2, 4, 5, [(CASH, YEN, 100), (DEPOSIT, YEN, -100)]),
        (BY_EVENT, 1, 1, 6, [(CASH, YEN, 7), (DEPOSIT, YEN, -7)]),
    ))
    assert columns(lines, *LINE) == [
        (1, 1, CASH, YEN, 7), (1, 1, DEPOSIT, YEN, -7), (2, 4, CASH, YEN, 100), (2, 4, DEPOSIT, YEN, -100),
        (3, 1, PAYABLE, YEN, -12), (3, 1, TRADES, YEN, 12), (3, 1, UNITS, FUND, 10), (3, 1, TRADES, FUND, -10),
    ]


@pytest.mark.parametrize("lines", [
    [(CASH, YEN, 100), (DEPOSIT, YEN, -99)],
    [(CASH, YEN, 100)],
    [(UNITS, FUND, 5), (TRADES, YEN, -5)],  # units against yen: the sum of all is zero, that of an asset is not
])
def test_an_entry_that_does_not_balance_per_asset_stops_the_day(lines):
    good = (BY_EVENT, 1, 1, 1, [(CASH, YEN, 9), (DEPOSIT, YEN, -9)])
    with pytest.raises(ValueError, match="entry 2 of sleeve 3 does not sum to zero"):
        number_entries(posted(good, (BY_EVENT, 1, 3, 2, lines)))


def test_two_wrong_entries_do_not_make_up_for_each_other():
    with pytest.raises(ValueError, match="does not sum to zero"):
        number_entries(posted((BY_EVENT, 1, 1, 1, [(CASH, YEN, 5)]), (BY_EVENT, 1, 1, 2, [(CASH, YEN, -5)])))


def test_a_transfer_is_one_entry_over_two_sleeves():
    journal = Journal()
    journal.post(BY_PAYOUT, 1, 1, 9, [(CASH, YEN, -50)])
    with pytest.raises(ValueError, match="does not sum"):
        number_entries(journal.lines())
    journal.post(BY_PAYOUT, 1, 2, 9, [(CASH, YEN, 50)], entry_sleeve_no=1)
    assert columns(number_entries(journal.lines()), "entry_no", "entry_sleeve_no", "sleeve_no", "quantity") == [
        (1, 1, 1, -50), (1, 1, 2, 50)]


def test_columns_are_one_entry_a_row_and_lines_of_zero_are_left_out():
    sleeves, yen = np.array([4, 1, 2], np.int32), np.array([30, 0, 10])
    lines = number_entries(
        posted((BY_EVENT, np.array([2, 1, 1]), sleeves, np.array([7, 7, 8]), [(CASH, YEN, yen), (DEPOSIT, YEN, -yen)]))
    )
    assert columns(lines, *LINE) == [
        (1, 2, CASH, YEN, 10), (1, 2, DEPOSIT, YEN, -10), (2, 4, CASH, YEN, 30), (2, 4, DEPOSIT, YEN, -30)]
    assert number_entries(empty("journal"))["entry_no"].size == 0 and Journal().lines()["entry_no"].size == 0


@pytest.mark.parametrize("seed", [0, 2])
def test_numbers_do_not_depend_on_the_order_in_which_the_lines_come(seed):
    rng, causes = random.Random(seed), set()
    for night in nights(seed)[::5]:
        lines = night.result.tables.get("journal")
        if lines is None:
            continue
        bare = {name: column.copy() for name, column in lines.items()}
        bare["entry_no"][:] = 0
        parts = [take(bare, bare["account_no"] % 3 == part) for part in rng.sample(range(3), 3)]
        shuffled = stack(empty("journal"), *parts)
        again = number_entries(take(shuffled, np.array(rng.sample(range(lines["entry_no"].size), lines["entry_no"].size))))
        assert all(np.array_equal(again[name], lines[name]) for name in lines)
        causes |= {CAUSES[cause] for cause in lines["cause_code"]}
    assert {"event", "order", "settlement", "fee", "payout"} <= causes


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_journal_explains_every_yen_and_unit_of_a_house(seed):
    """Σ lines per sleeve = what the books changed by, for cash, receivable, payable and each instrument."""
    for night in nights(seed):
        before, after, lines = night.before, night.result.books, night.result.tables.get("journal", empty("journal"))
        moved = {}
        for ledger, sleeve, asset, quantity in columns(lines, "ledger_code", "sleeve_no", "instrument_no", "quantity"):
            if LEDGERS[ledger] in ("cash", "receivable", "payable", "units"):
                key = LEDGERS[ledger], sleeve, asset
                moved[key] = moved.get(key, 0) + quantity
        found = {}
        for books, sign in ((before, -1), (after, 1)):
            for name, side in (("cash", 1), ("receivable", 1), ("payable", -1)):
                for sleeve, yen in columns(books.sleeves, "sleeve_no", f"{name}_yen"):
                    found[name, sleeve, 0] = found.get((name, sleeve, 0), 0) + sign * side * yen
            for sleeve, instrument, units in columns(books.positions, "sleeve_no", "instrument_no", "held_units"):
                found["units", sleeve, instrument] = found.get(("units", sleeve, instrument), 0) + sign * units
        assert {key: value for key, value in moved.items() if value} == {key: value for key, value in found.items() if value}
