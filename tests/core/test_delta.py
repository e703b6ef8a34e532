"""A day is kept as what changed: applied to the books of the day before, it gives those of the day to the byte."""

from dataclasses import replace

import numpy as np
import pytest

from tests.core.build import BOND, FUND, books, day, market_state, nights, same, sleeve
from tsutsumi.core.delta import apply, delta, from_snapshot, market_table, read_market, snapshot, state_columns
from tsutsumi.core.market import MarketState
from tsutsumi.core.schema import columns, empty, length

ONE, TWO = "2026-12-02", "2026-12-03"


def held(number, instrument, units):
    return {"sleeve_no": number, "instrument_no": instrument, "held_units": units, "cost_yen": units}


def check_round_trip(before, after, orders=None):
    """`orders` are those that the day told of: the rest of a change in live orders must be in the delta itself."""
    of_day = empty("orders") if orders is None else orders
    tables = delta(before, after, of_day)
    for name, table in tables.items():
        assert length(table) > 0, f"{name} is empty"
    again = apply(before, after.day, tables | {"orders": of_day}, after.market)
    assert same(again, after) == []
    return tables


def of_result(night):
    """What is stored of a day: its delta tables and its orders."""
    return {name: table for name, table in night.result.tables.items() if name.startswith("delta.") or name == "orders"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_evening_of_a_house_is_its_delta_on_the_evening_before(seed):
    kinds = set()
    for night in nights(seed):
        told = check_round_trip(night.before, night.result.books, night.result.orders)
        assert not {"delta.orders", "delta.orders.gone"} & set(told), "live orders follow from the orders of the day"
        check_round_trip(night.before, night.result.books)
        stored = of_result(night)
        assert same(apply(night.before, night.result.books.day, stored, night.result.books.market), night.result.books) == []
        kinds |= set(told)
    assert {"delta.sleeves", "delta.positions", "delta.money", "delta.contracts"} <= kinds
    assert seed == 1 or {"delta.sleeves.gone", "delta.payouts.gone"} <= kinds, "no sleeve closed: choose another house"


def test_the_days_of_a_house_build_on_each_other_from_a_snapshot():
    first = nights(0)[20].result.books
    rebuilt = from_snapshot(first.day, snapshot(first), first.market)
    assert same(rebuilt, first) == []
    for night in nights(0)[21:]:
        rebuilt = apply(rebuilt, night.result.books.day, of_result(night), night.result.books.market)
    assert same(rebuilt, nights(0)[-1].result.books) == []


def priced(of: dict, value: int, **more) -> dict:
    return of | {"value_yen": value, "positions_yen": value - of.get("cash_yen", 0)} | more


def test_a_quiet_day_keeps_only_values():
    one = [priced(sleeve(1, cash_yen=100), 1_000, base_sum_yen=5_000), priced(sleeve(4), 500, base_sum_yen=0)]
    # three days on: the index is floor(10^12 × 1,100 / 1,000), the base 5,000 + 2 × 1,000 + 1,100
    two = [priced(one[0], 1_100, base_sum_yen=8_100, twr_index=1_100_000_000_000),
           priced(one[1], 500, base_sum_yen=1_500)]
    before, after = books("2026-12-04", *one, positions=[held(1, FUND, 9)]), books("2026-12-07", *two, positions=[held(1, FUND, 9)])
    assert list(check_round_trip(before, after)) == ["delta.value"]


def test_sleeves_that_closed_and_opened_on_one_day_are_told():
    # sleeve 2 in the middle goes, 3 and 5 come, and what 1 and 4 are worth stays with them
    before = books(ONE, priced(sleeve(1), 10), priced(sleeve(2), 20), priced(sleeve(4), 40),
                   positions=[held(1, FUND, 10), held(2, FUND, 0), held(4, BOND, 40)])
    after = books(TWO, priced(sleeve(1), 11), priced(sleeve(3, cash_yen=33), 33), priced(sleeve(4), 44), priced(sleeve(5), 55),
                  positions=[held(1, FUND, 10), held(3, FUND, 0), held(4, BOND, 40), held(5, FUND, 1), held(5, BOND, 2)])
    tables = check_round_trip(before, after)
    assert tables["delta.sleeves.gone"]["sleeve_no"].tolist() == [2]
    assert {3, 5} <= set(tables["delta.sleeves"]["sleeve_no"].tolist())


def test_the_last_sleeve_can_close_and_the_first_can_open():
    full, none = books(ONE, priced(sleeve(1), 10), positions=[held(1, FUND, 1)]), books(ONE)
    check_round_trip(full, replace(none, day=day(TWO)))
    check_round_trip(none, replace(full, day=day(TWO)))


def test_rows_that_swap_their_keys_are_kept_in_order():
    order = {"instrument_no": FUND, "asked_yen": 5}
    before = books(
        ONE,
        sleeve(1),
        sleeve(3),
        orders=[order | {"sleeve_no": 1, "decided_date": 1}, order | {"sleeve_no": 3, "decided_date": 2}],
        payouts=[{"sleeve_no": 1, "kind_code": 1, "event_no": 7, "amount_yen": 1}],
        dues=[{"sleeve_no": 3, "charged_date": 4}],
    )
    after = books(TWO, sleeve(1), sleeve(3),
                  orders=[order | {"sleeve_no": 1, "decided_date": 2}, order | {"sleeve_no": 1, "decided_date": 3},
                          order | {"sleeve_no": 3, "decided_date": 1, "asked_yen": 6}],
                  payouts=[{"sleeve_no": 1, "kind_code": 1, "event_no": 6, "amount_yen": 1},
                           {"sleeve_no": 1, "kind_code": 1, "event_no": 7, "amount_yen": 2}],
                  dues=[{"sleeve_no": 1, "charged_date": 5}, {"sleeve_no": 3, "charged_date": 4}])
    check_round_trip(before, after)


def test_prices_in_force_are_read_back_as_they_were_written():
    state = market_state()
    state = MarketState(
        state.price + 7, state.fx_ppm + 8, state.priced_date + 9, state.refused_price, {"USD": (155, 3), "EUR": (170, 2)}
    )
    again = read_market(market_table(state))
    assert again.fx == state.fx
    for name in ("price", "fx_ppm", "priced_date", "refused_price"):
        assert (
            np.array_equal(getattr(again, name), getattr(state, name)) and getattr(again, name).dtype == getattr(state, name).dtype
        )


def test_the_state_has_the_columns_of_the_schema():
    assert state_columns()["dues"] == tuple(word.column for word in columns("dues"))
    stored = {name.removeprefix("state.") for name in snapshot(books(ONE))}
    assert set(state_columns()) - {"drawing_states"} == stored, "what no sleeve has a use for is not stored"
    assert set(state_columns()) == {name.removeprefix("state.") for name in snapshot(books(ONE, drawing_states=[{"sleeve_no": 1}]))}
