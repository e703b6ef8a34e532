"""The common level: whole yen that add up, the least sum of squares, the last yen to the largest trades."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.rebalancing_oracle import every_trade
from tsutsumi.core.rebalance_level import (
    CAUSES,
    DONE,
    OUT_OF_REACH,
    hand_out,
    pour,
    refuse,
    sleeve_offsets,
    whole_column,
)

YEN = 10**12
small = st.tuples(st.integers(-9, 9), st.integers(-4, 3), st.integers(0, 5))
large = st.tuples(st.integers(-YEN, YEN), st.integers(-YEN, YEN), st.integers(0, YEN))
eight_yen = st.lists(st.integers(0, YEN), min_size=8)


def poured(flow, gap, least, most, to_sell=None):
    trade = np.full(len(gap), 77, np.int64)
    columns = (np.array(column, np.int64) for column in (gap, gap if to_sell is None else to_sell, least, most))
    code = pour(flow, *columns, trade)
    return code, trade.tolist()


def squares(trade, gap):
    return sum((x - g) ** 2 for x, g in zip(trade, gap, strict=True))


@settings(deadline=None, max_examples=300)
@given(st.lists(small, min_size=1, max_size=4), st.integers(-20, 20))
def test_no_whole_yen_within_the_bounds_are_nearer_to_the_gaps(rows, flow):
    gap, least, width = zip(*rows, strict=True)
    most = [a + b for a, b in zip(least, width, strict=True)]
    code, trade = poured(flow, gap, least, most)
    if not sum(least) <= flow <= sum(most):
        assert code == OUT_OF_REACH
        return
    assert code == DONE and sum(trade) == flow
    assert all(a <= x <= b for a, x, b in zip(least, trade, most, strict=True))
    assert squares(trade, gap) == min(squares(other, gap) for other in every_trade(least, most, flow))


@settings(deadline=None, max_examples=300)
@given(st.lists(large, min_size=1, max_size=12), st.integers(0, 1_000_000))
def test_no_yen_moved_from_one_to_another_brings_large_gaps_nearer(rows, share):
    # enough for the least of all: the squares are convex and separable
    gap, least, width = zip(*rows, strict=True)
    most = [a + b for a, b in zip(least, width, strict=True)]
    flow = sum(least) + sum(width) * share // 1_000_000
    code, trade = poured(flow, gap, least, most)
    assert code == DONE and sum(trade) == flow
    up = [2 * (x - g) + 1 for x, g, b in zip(trade, gap, most, strict=True) if x < b]
    down = [2 * (x - g) - 1 for x, g, a in zip(trade, gap, least, strict=True) if x > a]
    assert not up or not down or len(gap) == 1 or min(up) >= max(down)


@settings(deadline=None, max_examples=200)
@given(st.lists(large, min_size=2, max_size=8), st.integers(0, 999_999), st.integers(1, YEN), eight_yen)
def test_more_flow_raises_every_trade_and_zones_of_rest_keep_it_so(rows, share, more, zones):
    gap, least, width = zip(*rows, strict=True)
    most = [a + b for a, b in zip(least, width, strict=True)]
    to_sell = [g + zone for g, zone in zip(gap, zones, strict=False)]
    flow = sum(least) + sum(width) * share // 1_000_000
    for extra in (1, min(more, sum(most) - flow)):
        if flow + extra <= sum(most):
            (code, before), (_, after) = (poured(yen, gap, least, most, to_sell) for yen in (flow, flow + extra))
            assert code == DONE and sum(before) == flow and sum(after) == flow + extra
            assert all(a <= b for a, b in zip(before, after, strict=True))


def test_a_zone_of_rest_is_left_only_for_a_level_outside_it():
    # the first would be bought from level 5 on and sold below −5, the second at any level but 0
    assert poured(4, [-5, 0], [-100, -100], [100, 100], to_sell=[5, 0]) == (DONE, [0, 4])
    assert poured(9, [-5, 0], [-100, -100], [100, 100], to_sell=[5, 0]) == (DONE, [2, 7])
    assert poured(-9, [-5, 0], [-100, -100], [100, 100], to_sell=[5, 0]) == (DONE, [-2, -7])


def test_the_yen_left_go_to_the_largest_trades_ties_to_the_lower_place():
    assert poured(10, [5, 5, 5], [0, 0, 0], [99, 99, 99]) == (DONE, [4, 3, 3])
    trade = np.array([3, -9, 8, 9], np.int64)
    hand_out(2, np.array([1, 1, 0, 1]), trade)
    assert trade.tolist() == [3, -8, 8, 10]


def test_no_position_places_no_yen():
    assert poured(0, [], [], []) == (DONE, []) and poured(1, [], [], [])[0] == OUT_OF_REACH


@pytest.mark.parametrize(("values", "count", "message"), [
    ([1.5], 1, "float64"), (np.array([2**63], np.uint64), 1, "uint64"), ([1, 2], 3, "one number or 3"), ([[1]], 1, "shape"),
])
def test_columns_are_whole_and_of_one_length(values, count, message):
    with pytest.raises(ValueError, match=message):
        whole_column("flow_yen", values, count)


@pytest.mark.parametrize("offsets", [[], [0, 2], [1, 3], [0, 2, 1, 3], [[0, 3]]])
def test_offsets_lead_from_the_first_to_the_last_position(offsets):
    with pytest.raises(ValueError, match="offsets"):
        sleeve_offsets(np.array(offsets, np.int64), 3)
    assert sleeve_offsets([0, 0, 3], 3).tolist() == [0, 0, 3] and sleeve_offsets(None, 0).tolist() == [0, 0]


def test_what_a_kernel_could_not_do_is_told_with_the_sleeve_and_the_cause():
    refuse(np.zeros(3, np.int64), "anything")
    for code, cause in CAUSES.items():
        with pytest.raises(ValueError) as told:
            refuse(np.array([DONE, code, OUT_OF_REACH]), "rebalance")
        assert str(told.value) == f"rebalance, sleeve 1 of 3: {cause}"
