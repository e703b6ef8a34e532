"""The books: settlements, fills, costs, splits, distributions and the layout, with figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import BOND, ETF, FUND, MIXED, books, columns, day, rows, same, sleeve, weights
from tsutsumi.core.books import (
    RARE,
    account_place,
    add_layout,
    book_fills,
    copy_books,
    distribute,
    drop_sleeves,
    index_books,
    insert_orders,
    order_offsets,
    settle,
    share_columns,
    split_units,
)
from tsutsumi.core.ladder import PLACED, PRICED, PURCHASE, SALE, SETTLED

TODAY = "2026-12-02"
BASE = np.array([1, 10_000, 10_000, 1])


def held(number, instrument, units, cost=0):
    return {"sleeve_no": number, "instrument_no": instrument, "held_units": units, "cost_yen": cost}


def fills(*given):
    names = ("sleeve_no", "instrument_no", "side_code", "filled_units", "filled_yen")
    return rows("orders", *(dict(zip(names, row, strict=True)) for row in given))


def groups(*given):
    names = ("account_no", "instrument_no", "side_code", "units", "yen")
    return {name: np.array(column, np.int64) for name, column in zip(names, zip(*given, strict=True), strict=True)}


def positions(of):
    return columns(of.positions, "sleeve_no", "instrument_no", "held_units", "cost_yen")


def accounts(of):
    return columns(of.account_positions, "account_no", "instrument_no", "held_units", "tax_cost_yen")


@pytest.mark.parametrize("many", [0, 20_000], ids=["two threads", "one thread"])
def test_a_sale_takes_its_share_of_the_cost_and_purchases_of_a_day_are_averaged_first(monkeypatch, many):
    monkeypatch.setattr("tsutsumi.core.books.MANY", many)
    # held 1,000 for 1,500 yen; bought 500 for 800, then sold 400 of 1,500: floor(2,300 × 400 / 1,500) = 613
    house = books(TODAY, sleeve(1), positions=[held(1, FUND, 1_000, 1_500)])
    book_fills(house, fills((1, FUND, PURCHASE, 500, 800), (1, FUND, SALE, 400, 640)),
               groups((1, FUND, PURCHASE, 500, 800), (1, FUND, SALE, 400, 640)), BASE)
    assert positions(house) == [(1, FUND, 1_100, 2_300 - 613)]
    # the account: ceil(2,300 × 10,000 / 1,500) = 15,334 a 10,000 units, ceil(15,334 × 1,100 / 10,000) = 1,687
    assert accounts(house) == [(1, FUND, 1_100, 1_687)]
    assert columns(house.sleeves, "cash_yen", "receivable_yen", "payable_yen") == [(0, 640, 800)]


def test_the_tax_cost_of_an_account_covers_all_its_sleeves():
    house = books(TODAY, sleeve(1), sleeve(3), positions=[held(1, FUND, 3_000, 3_000), held(3, FUND, 1_000, 2_000)])
    book_fills(house, fills((1, FUND, SALE, 3_000, 4_500)), groups((1, FUND, SALE, 3_000, 4_500)), BASE)
    assert positions(house) == [(1, FUND, 0, 0), (3, FUND, 1_000, 2_000)]
    # 5,000 for 4,000: 12,500 a 10,000 units; 1,000 are left: 1,250 in the account, 2,000 in the sleeve
    assert accounts(house) == [(1, FUND, 1_000, 1_250)]


def test_a_holding_sold_out_leaves_no_cost():
    house = books(TODAY, sleeve(1), positions=[held(1, ETF, 7, 1_000)])
    book_fills(house, fills((1, ETF, SALE, 7, 999)), groups((1, ETF, SALE, 7, 999)), BASE)
    assert positions(house) == [(1, ETF, 0, 0)] and accounts(house) == [(1, ETF, 0, 0)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**10)), min_size=1, max_size=6), st.data())
def test_costs_never_go_below_zero_and_profit_adds_up_over_a_life(bought, data):
    house = books(TODAY, sleeve(1), positions=[held(1, FUND, 0)])
    paid, got, taken = 0, 0, 0
    for units, yen in bought:
        book_fills(house, fills((1, FUND, PURCHASE, units, yen)), groups((1, FUND, PURCHASE, units, yen)), BASE)
        cost = int(house.positions["cost_yen"][0])
        sold = data.draw(st.integers(0, int(house.positions["held_units"][0])))
        if sold:
            book_fills(house, fills((1, FUND, SALE, sold, sold)), groups((1, FUND, SALE, sold, sold)), BASE)
        paid, got, taken = paid + yen, got + sold, taken + cost - int(house.positions["cost_yen"][0])
        assert house.positions["cost_yen"][0] >= 0 and house.account_positions["tax_cost_yen"][0] >= 0
    assert paid == taken + house.positions["cost_yen"][0], "what was paid is in the cost of sales or still in the book"
    assert columns(house.sleeves, "payable_yen", "receivable_yen") == [(paid, got)]
    assert house.positions["held_units"][0] == house.account_positions["held_units"][0]


def live(number, side, yen, settles, status=PRICED):
    return {"sleeve_no": number, "instrument_no": FUND, "side_code": side, "status_code": status, "filled_yen": yen,
            "settlement_date": day(settles)}


def test_what_settles_today_moves_to_cash_and_the_rest_waits():
    orders = [live(1, SALE, 70, "2026-12-02"), live(1, PURCHASE, 30, "2026-12-01"), live(1, SALE, 5, "2026-12-03"),
              live(2, SALE, 9, "2026-12-02", PLACED)]
    house = books(TODAY, sleeve(1, cash_yen=100, receivable_yen=75, payable_yen=30), sleeve(2), orders=orders)
    after, settled = settle(house)
    assert columns(after.sleeves, "cash_yen", "receivable_yen", "payable_yen") == [(140, 5, 0), (0, 0, 0)]
    assert columns(settled, "filled_yen", "status_code") == [(70, SETTLED), (30, SETTLED)]
    assert columns(after.orders, "filled_yen", "status_code") == [(5, PRICED), (9, PLACED)]


def test_a_split_floors_the_units_of_the_account_and_keeps_the_costs():
    # 2 for 3: 5 + 4 of account 1: floor(9 × 2 / 3) = 6 over 3.33 and 2.67: 3 and 3; 1 of account 2 becomes 0 and loses its cost
    house = books(TODAY, sleeve(1), sleeve(2), sleeve(4),
                  positions=[held(1, FUND, 5, 50), held(1, BOND, 8, 8), held(2, FUND, 4, 40), held(4, FUND, 1, 10)])
    at, change = split_units(house, FUND, 3, 2)
    assert positions(house) == [(1, FUND, 3, 50), (1, BOND, 8, 8), (2, FUND, 3, 40), (4, FUND, 0, 0)]
    assert accounts(house) == [(1, FUND, 6, 90), (1, BOND, 8, 8), (2, FUND, 0, 0)]
    assert (at.tolist(), change.tolist()) == ([0, 1, 2], [-2, -1, -1])


def test_a_distribution_floors_the_yen_of_the_account_and_shares_them_by_units():
    # 7.5 yen a 10 units on 15 + 5: floor(20 × 75 / 100) = 15 over 11.25 and 3.75
    house = books(
        TODAY, sleeve(1, cash_yen=1), sleeve(2), sleeve(4), positions=[held(1, FUND, 15), held(2, FUND, 5), held(4, FUND, 1)]
    )
    at, yen = distribute(house, FUND, 75, 100)
    assert (at.tolist(), yen.tolist()) == ([0, 1, 2], [11, 4, 0])
    assert columns(house.sleeves, "cash_yen") == [(12,), (4,), (0,)]


def test_a_group_is_shared_alone():
    shares = share_columns(np.array([0, 2, 3, 6]), np.array([10, 7, 2]), np.array([1, 1, 5, 0, 1, 1]), np.arange(1, 7), 0, 20_000)
    assert shares[:2].tolist() == [5, 5] and shares[2] == 7 and shares[3:].tolist() == [0, 1, 1]


def test_the_layout_has_a_row_for_what_is_held_on_order_or_wanted_and_no_other():
    house = books(TODAY, sleeve(1), sleeve(4, model_no=2), positions=[held(1, ETF, 5, 50), held(4, FUND, 0, 0)],
                  orders=[live(4, SALE, 1, TODAY) | {"instrument_no": BOND}])
    after = add_layout(house, weights())
    assert positions(after) == [(1, FUND, 0, 0), (1, BOND, 0, 0), (1, ETF, 5, 50), (4, BOND, 0, 0), (4, ETF, 0, 0)]
    assert after.offsets.tolist() == [0, 3, 5]
    assert accounts(after) == [(1, FUND, 0, 0), (1, BOND, 0, 0), (1, ETF, 5, 50), (2, FUND, 0, 0), (2, BOND, 0, 0), (2, ETF, 0, 0)]
    assert same(add_layout(after, weights()), after) == [], "a layout made twice is the same"


def test_a_copy_can_be_written_to_without_touching_the_books_before():
    house = books(TODAY, sleeve(1, cash_yen=5), positions=[held(1, FUND, 10, 10)],
                  payouts=[{"sleeve_no": 1, "kind_code": 1, "amount_yen": 3}], dues=[{"sleeve_no": 1, "amount_yen": 2}])
    kept, copy = books(TODAY, sleeve(1, cash_yen=5), positions=[held(1, FUND, 10, 10)],
                       payouts=[{"sleeve_no": 1, "kind_code": 1, "amount_yen": 3}], dues=[{"sleeve_no": 1, "amount_yen": 2}]), None
    copy = copy_books(house, day("2026-12-03"))
    owners = {"account_no", "contract_no", "sleeve_no", "instrument_no", "program_no"}
    for table in ("sleeves", "positions", "account_positions", "contracts", "payouts", "dues", "fees"):
        for name, column in getattr(copy, table).items():
            if name in RARE:
                with pytest.raises(ValueError, match="read-only"):
                    column += 1
            elif name not in owners:
                column += 1
    assert same(house, kept) == [] and copy.day == house.day + 1


def test_new_orders_come_into_the_order_of_the_sleeves():
    old = [live(1, SALE, 1, TODAY), live(4, SALE, 2, TODAY)]
    house = books(TODAY, sleeve(1), sleeve(2), sleeve(4), sleeve(5), orders=old)
    fresh = rows("orders", *(live(number, PURCHASE, 10 + number, TODAY, PLACED) for number in (1, 2, 5)))
    merged = insert_orders(house, fresh, np.array([0, 1, 3]), order_offsets(house))
    assert columns(merged, "sleeve_no", "filled_yen") == [(1, 1), (1, 11), (2, 12), (4, 2), (5, 15)]
    assert order_offsets(house).tolist() == [0, 1, 1, 2, 2]


def test_a_sleeve_closes_only_when_nothing_is_left_in_it():
    empty_one = books(TODAY, sleeve(1), sleeve(2), positions=[held(1, FUND, 0), held(2, FUND, 4)])
    left = drop_sleeves(empty_one, np.array([True, False]))
    assert left.sleeves["sleeve_no"].tolist() == [2] and positions(left) == [(2, FUND, 4, 0)] and left.offsets.tolist() == [0, 1]
    assert left.row_of_sleeve[[1, 2]].tolist() == [-1, 0]
    for name in ("cash_yen", "receivable_yen", "payable_yen"):
        with pytest.raises(ValueError, match=name):
            drop_sleeves(books(TODAY, sleeve(1, **{name: 1})), np.array([True]))
    with pytest.raises(ValueError, match="units or live orders"):
        drop_sleeves(empty_one, np.array([False, True]))
    with pytest.raises(ValueError, match="units or live orders"):
        drop_sleeves(books(TODAY, sleeve(1), orders=[live(1, SALE, 0, TODAY, PLACED)]), np.array([True]))


def test_the_index_finds_every_sleeve_and_its_positions():
    house = books(TODAY, sleeve(3), sleeve(5), positions=[held(3, FUND, 1), held(3, BOND, 2), held(5, FUND, 3)])
    assert house.row_of_sleeve.tolist() == [-1, -1, -1, 0, -1, 1] and house.offsets.tolist() == [0, 2, 3]
    assert same(index_books(house), house) == []
    assert MIXED == house.sleeves["model_no"][0]


pairs = st.sets(st.tuples(st.integers(1, 30), st.integers(1, 6)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=60)
@given(pairs, st.randoms(use_true_random=False))
def test_the_row_of_an_account_and_instrument_is_found_in_any_order(keys, random):
    table = sorted(keys)
    of = rows("account_positions", *({"account_no": a, "instrument_no": i} for a, i in table))
    wanted = [random.choice(table) for _ in range(30)]
    found = account_place(of, *(np.array([pair[k] for pair in wanted]) for k in (0, 1)))
    assert [table[k] for k in found] == wanted
