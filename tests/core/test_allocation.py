"""Blocks and fills: what goes out is the sum of the sleeves, and what comes back goes to the sleeves to the last unit and yen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import BOND, ETF, FUND, columns, day, instruments, nights, rows
from tsutsumi.core.allocation import fill_of, fill_orders, form_blocks, is_purchase, merge_blocks, share_partial_fills, unit_value
from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED, PURCHASE, SALE
from tsutsumi.core.schema import empty, stack, take

TODAY = day("2026-12-02")
KEY = ("custodian_no", "instrument_no", "side_code", "placed_date")


def order(sleeve, instrument, side, **said):
    plain = {"account_no": 1 + (sleeve > 3), "sleeve_no": sleeve, "instrument_no": instrument, "side_code": side, "custodian_no": 4,
             "decided_date": TODAY - 2, "placed_date": TODAY - 1, "priced_date": TODAY, "settlement_date": TODAY + 2}
    return plain | said


def fill(instrument, side, price, units=-1, **said):
    return {"custodian_no": 4, "instrument_no": instrument, "side_code": side, "placed_date": TODAY - 1, "priced_date": TODAY,
            "settlement_date": TODAY + 5, "price": price, "fx_ppm": 1_000_000, "filled_units": units} | said


def filled(orders, fills, **scale):
    of, answers = rows("orders", *orders), rows("block_fills", *fills)
    allocated = share_partial_fills(of, answers, instruments()["lot_units"], TODAY)
    due = np.arange(len(orders))
    return fill_orders(of, due, answers, fill_of(of, due, answers), allocated, instruments(**scale), TODAY)


def test_a_block_is_the_sum_of_its_orders_and_a_sale_never_meets_a_purchase():
    orders = rows(
        "orders", order(1, FUND, PURCHASE, asked_yen=300), order(4, FUND, SALE, asked_units=70),
        order(2, FUND, PURCHASE, asked_yen=200), order(5, BOND, PURCHASE, asked_yen=50),
        order(3, FUND, PURCHASE, asked_yen=9, custodian_no=5), order(3, FUND, PURCHASE, asked_yen=11, placed_date=TODAY),
    )
    blocks = columns(form_blocks(orders), *KEY, "asked_units", "asked_yen")
    assert sorted(blocks) == sorted([
        (4, FUND, SALE, TODAY - 1, 70, 0), (4, FUND, PURCHASE, TODAY - 1, 0, 500), (4, FUND, PURCHASE, TODAY, 0, 11),
        (4, BOND, PURCHASE, TODAY - 1, 0, 50), (5, FUND, PURCHASE, TODAY - 1, 0, 9),
    ])
    parts = [form_blocks(take(orders, np.arange(6) % 3 == part)) for part in range(3)]
    assert columns(merge_blocks(parts), *KEY, "asked_units", "asked_yen") == blocks
    assert columns(form_blocks(rows("orders")), *KEY) == []


def test_an_answer_finds_the_orders_of_its_block_alone():
    orders = rows(
        "orders", order(1, FUND, PURCHASE), order(2, FUND, SALE), order(3, BOND, SALE), order(4, FUND, PURCHASE, custodian_no=5)
    )
    answers = rows("block_fills", fill(FUND, SALE, 1), fill(BOND, PURCHASE, 1), fill(FUND, PURCHASE, 1))
    assert fill_of(orders, np.arange(4), answers).tolist() == [2, 0, -1, -1]
    assert fill_of(orders, np.array([1]), rows("block_fills")).tolist() == [-1]


@pytest.mark.parametrize("seed", range(20))
def test_every_order_finds_the_answer_to_its_block_among_many_days_and_custodians(seed):
    chance, names = np.random.default_rng(seed), ("custodian_no", "instrument_no", "side_code", "placed_date")
    blocks = [(c, i, s, TODAY - d) for c in range(1, 4) for i in range(1, 9) for s in range(2) for d in range(1, 5)]
    chance.shuffle(blocks)
    answered = [tuple(block) for block in blocks[: chance.integers(1, 100)]]
    asked = chance.integers(0, len(blocks), 300)
    orders = empty("orders", 300)
    for name, column in zip(names, zip(*(blocks[k] for k in asked), strict=True), strict=True):
        orders[name][:] = column
    answers = rows("block_fills", *(fill(i, s, 100, custodian_no=c, placed_date=d) for c, i, s, d in answered))
    row_of = {block: row for row, block in enumerate(answered)}
    due = np.flatnonzero(chance.random(300) < 0.7)
    assert fill_of(orders, due, answers).tolist() == [row_of.get(tuple(blocks[asked[k]]), -1) for k in due]


def test_a_purchase_by_amount_floors_the_units_of_the_account_and_shares_them():
    # 10,001 + 5,001 yen at 12,345 yen a 10,000 units: floor(15,002 × 10,000 / 12,345) = 12,152; by amount 8,101.06 and 4,050.9
    given = [order(1, FUND, PURCHASE, asked_yen=10_001), order(2, FUND, PURCHASE, asked_yen=5_001)]
    orders, groups, _ = filled(given, [fill(FUND, PURCHASE, 12_345)])
    assert columns(groups, "account_no", "instrument_no", "side_code", "units", "yen") == [(1, FUND, PURCHASE, 12_152, 15_002)]
    assert columns(orders, "sleeve_no", "filled_units", "filled_yen") == [(1, 8_101, 10_001), (2, 4_051, 5_001)]
    assert set(orders["status_code"]) == {PRICED} and set(orders["settlement_date"]) == {TODAY + 5}
    assert set(orders["fill_price"]) == {12_345} and is_purchase(orders).all()


def test_a_sale_floors_the_yen_of_the_account_and_a_unit_purchase_rounds_them_up():
    # 3 + 4 units at 3,333 a 10,000 units: floor(2.3331) = 2; by units 0.857 and 1.143: the odd yen to the larger remainder
    orders, groups, _ = filled(
        [order(1, BOND, SALE, asked_units=3), order(2, BOND, SALE, asked_units=4)], [fill(BOND, SALE, 3_333)]
    )
    assert columns(groups, "units", "yen") == [(7, 2)]
    assert columns(orders, "sleeve_no", "filled_units", "filled_yen") == [(1, 3, 1), (2, 4, 1)]
    # 10 + 20 units of an ETF at 33.33 yen: ceil(999.9) = 1,000; 333.3 and 666.7 yen
    given = [order(1, ETF, PURCHASE, asked_units=10, asked_yen=400), order(2, ETF, PURCHASE, asked_units=20, asked_yen=800)]
    orders, groups, _ = filled(given, [fill(ETF, PURCHASE, 3_333)], price_scale=[0, 0, 0, 2])
    assert columns(groups, "units", "yen") == [(30, 1_000)]
    assert columns(orders, "sleeve_no", "filled_units", "filled_yen") == [(1, 10, 333), (2, 20, 667)]


def test_accounts_sides_and_instruments_are_priced_apart_and_purchases_come_first():
    given = [order(4, FUND, SALE, asked_units=5), order(1, FUND, SALE, asked_units=5), order(1, BOND, PURCHASE, asked_yen=7)]
    orders, groups, at = filled(given, [fill(FUND, SALE, 15_000), fill(BOND, PURCHASE, 10_000)])
    assert columns(groups, "account_no", "instrument_no", "side_code", "units", "yen") == [
        (1, BOND, PURCHASE, 7, 7), (1, FUND, SALE, 5, 7), (2, FUND, SALE, 5, 7),
    ]
    assert at.tolist() == [2, 1, 0] and orders["sleeve_no"].tolist() == [1, 1, 4]


def test_an_amount_that_buys_no_unit_is_cancelled_and_no_yen_move():
    given = [order(1, FUND, PURCHASE, asked_yen=1), order(2, FUND, PURCHASE, asked_yen=1), order(4, FUND, PURCHASE, asked_yen=5)]
    orders, groups, _ = filled(given, [fill(FUND, PURCHASE, 50_000)])  # 5 yen a unit
    assert columns(orders, "sleeve_no", "status_code", "filled_units", "filled_yen") == [
        (1, CANCELLED, 0, 0), (2, CANCELLED, 0, 0), (4, PRICED, 1, 5),
    ]
    assert columns(groups, "account_no", "units", "yen") == [(2, 1, 5)]


def test_an_answer_of_nothing_cancels_every_order_of_the_block():
    given = [order(1, ETF, PURCHASE, asked_units=10, asked_yen=9), order(4, ETF, PURCHASE, asked_units=10, asked_yen=9)]
    orders, groups, _ = filled(given, [fill(ETF, PURCHASE, 100, units=0)])
    assert set(orders["status_code"]) == {CANCELLED} and not orders["filled_yen"].any() and groups["units"].size == 0


def test_a_partial_fill_is_shared_in_whole_lots_and_what_got_nothing_is_cancelled():
    # 50 of 100 units: 5 lots over 6, 3, 1 lots asked: 3.0, 1.5, 0.5 → 3 and 1 and 0, one more by the tie
    given = [order(1, ETF, SALE, asked_units=60), order(2, ETF, SALE, asked_units=30), order(4, ETF, SALE, asked_units=10)]
    orders, groups, _ = filled(given, [fill(ETF, SALE, 100, units=50)])
    got = dict(columns(orders, "sleeve_no", "filled_units"))
    assert got[1] == 30 and sorted((got[2], got[4])) in ([0, 20], [10, 10]) and sum(got.values()) == 50
    for sleeve, status in columns(orders, "sleeve_no", "status_code"):
        assert status == (PRICED if got[sleeve] else CANCELLED)
    assert sum(groups["units"]) == 50 and sum(groups["yen"]) == 5_000


lots = st.lists(st.integers(1, 50), min_size=1, max_size=8)


@settings(deadline=None, max_examples=80)
@given(lots, st.integers(0, 10_000), st.integers(0, 1_000))
def test_partial_fills_are_whole_lots_pro_rata_never_above_what_was_asked(asked, permille, on):
    offered = sum(asked) * permille // 10_000 * 10
    of = rows("orders", *(order(k + 1, ETF, SALE, asked_units=10 * n) for k, n in enumerate(asked)))
    fills = rows("block_fills", fill(ETF, SALE, 100, units=offered))
    shares = share_partial_fills(of, fills, instruments()["lot_units"], TODAY + on)
    assert shares["units"].sum() == offered and (shares["units"] % 10 == 0).all()
    assert (shares["units"] >= 0).all() and (shares["units"] <= of["asked_units"]).all()
    exact = of["asked_units"] * offered
    assert (abs(shares["units"] * sum(asked) * 10 - exact) < 10 * sum(asked) * 10).all(), "not within a lot of pro rata"
    swapped = take(of, np.arange(len(asked))[::-1])
    again = share_partial_fills(swapped, fills, instruments()["lot_units"], TODAY + on)
    assert sorted(columns(again, "sleeve_no", "units")) == sorted(columns(shares, "sleeve_no", "units"))


def test_only_placed_orders_of_partly_filled_blocks_are_shared():
    orders = rows("orders", order(1, ETF, SALE, asked_units=10), order(2, ETF, SALE, asked_units=10, status_code=PRICED),
                  order(4, FUND, SALE, asked_units=10))
    fills = rows("block_fills", fill(ETF, SALE, 100, units=10), fill(FUND, SALE, 100), fill(BOND, SALE, 100, units=5))
    assert columns(share_partial_fills(orders, fills, instruments()["lot_units"], TODAY), "sleeve_no", "units") == [(1, 10)]


def test_a_unit_value_is_exact_in_lowest_terms_or_refused():
    assert unit_value(12_345, 1_000_000, 0, 10_000) == (2_469, 2_000)
    assert unit_value(40_025, 157_250_000, 2, 1) == (40_025 * 15_725 // 625, 10**4 // 625)
    with pytest.raises(ValueError, match="check the price's unit"):
        unit_value(9 * 10**15, 8_999_999_999_999, 0, 1)


@pytest.mark.parametrize("seed", [0, 1])
def test_allocations_of_every_evening_of_a_house_are_their_blocks(seed):
    kinds = set()
    for night in nights(seed):
        fills, orders = night.gathered.inputs.fills, night.result.orders
        done = take(orders, (orders["priced_date"] == night.result.books.day) & (orders["status_code"] == PRICED))
        before = take(night.before.orders, night.before.orders["status_code"] == PLACED)
        for key in zip(*(fills[name].tolist() for name in KEY), strict=True):
            mine = np.logical_and.reduce([done[name] == part for name, part in zip(KEY, key, strict=True)])
            asked = np.logical_and.reduce([before[name] == part for name, part in zip(KEY, key, strict=True)])
            row = np.logical_and.reduce([fills[name] == part for name, part in zip(KEY, key, strict=True)])
            told = int(fills["filled_units"][row][0])
            by_amount = key[2] == PURCHASE and night.reference.instruments["amount_mode"][key[1]]
            if told >= 0:
                assert done["filled_units"][mine].sum() == told
            elif by_amount and mine.any():
                assert (
                    done["filled_yen"][mine].sum()
                    == before["asked_yen"][asked & np.isin(before["sleeve_no"], done["sleeve_no"][mine])].sum()
                )
            elif mine.any():
                assert done["filled_units"][mine].sum() == before["asked_units"][asked].sum()
            kinds.add((key[2], bool(by_amount), told >= 0))
    assert {(SALE, False, False), (PURCHASE, True, False)} <= kinds
    assert seed == 0 or any(partial for *_, partial in kinds)


def test_stacking_parts_of_a_block_in_any_order_gives_the_same_block():
    one, two = (form_blocks(rows("orders", order(k, FUND, PURCHASE, asked_yen=k))) for k in (1, 4))
    assert columns(merge_blocks([two, one]), "asked_yen") == columns(merge_blocks([one, two]), "asked_yen") == [(5,)]
    assert columns(form_blocks(stack(one, two)), "asked_yen") == [(5,)]
