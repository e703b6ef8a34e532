"""After tax: never worse than the QP solver, water-filling without costs, nothing sold that is not worth its tax."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.rebalancing_oracle import distance_and_cost, nearest_after_tax
from tsutsumi.core.rebalance_band import flow_only, to_band
from tsutsumi.core.rebalance_tax import sale_tax_ppm, tax_aware

MILLION, YEN = 1_000_000, 10**12


def sleeve(rng, most_yen=10**8, equal=None):
    """Return the arguments of a random sleeve: held, target, low, high, flow, sale and purchase cost, stretch."""
    n = int(rng.integers(2, 11))
    worth = int(np.exp(rng.uniform(np.log(10**5), np.log(most_yen))))
    flow = int(worth * rng.choice([0, rng.uniform(-0.3, 0.3)]))
    held, target = (rng.multinomial(yen, rng.dirichlet(np.ones(n) * 3)) for yen in (worth - flow, worth))
    low, high = np.zeros(n, np.int64), np.full(n, YEN)
    for k in np.flatnonzero(rng.random(n) < 0.3):  # some bounds, some that cannot be traded
        low[k], high[k] = sorted(int(held[k] * part) for part in rng.choice([0.5, 0.9, 1, 1, 1.2], 2))
    cost = held * rng.uniform(0.4, 1.4, n)
    sale = sale_tax_ppm(held, cost.astype(np.int64), np.where(rng.random(n) < 0.3, 0, 203_150)) + rng.integers(0, 3_000, n)
    stretch = np.maximum(worth * rng.uniform(0.005, 0.1, n), 1).astype(np.int64)
    equal = rng.random() < 0.3 if equal is None else equal
    return held, target, low, high, flow, sale, rng.integers(0, 5_000, n), np.full(n, stretch[0]) if equal else stretch


def feasible(rng, count, most_yen=10**8):
    """Return that many sleeves whose flow can be placed."""
    found = []
    while len(found) < count:
        given = sleeve(rng, most_yen)
        held, _, low, high, flow = given[:5]
        if low.sum() <= held.sum() + flow <= high.sum():
            found.append(given)
    return found


def test_the_solver_finds_nothing_better():
    for number, (held, target, low, high, flow, *costs) in enumerate(feasible(np.random.default_rng(3), 300)):
        trade = tax_aware(held, target, low, high, flow, *costs)
        assert trade.sum() == flow and (low <= held + trade).all() and (held + trade <= high).all()
        ours = distance_and_cost(trade, target - held, *costs)
        assert ours <= nearest_after_tax(held, target, low, high, flow, *costs) * (1 + 1e-6) + 1, number


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.sampled_from([10**5, 10**8, YEN // 4]))
def test_at_one_level_no_position_would_trade_another_yen(seed, most_yen):
    # the marginal cost of a yen more, and of a yen less, of every two positions, exactly; the last yen may be one off
    held, target, low, high, flow, sale, purchase, stretch = feasible(np.random.default_rng(seed), 1, most_yen)[0]
    trade = tax_aware(held, target, low, high, flow, sale, purchase, stretch)
    rising, falling = [], []
    for k, x in enumerate(trade.tolist()):
        one = Fraction(10_000, int(stretch[k]))
        pull = (x + int(held[k] - target[k])) * one
        slack = 2 * max(one, Fraction(10_000, int(stretch.max())))
        if held[k] + x < high[k]:
            rising.append(pull + (int(purchase[k]) if x >= 0 else -int(sale[k])) + slack)
        if held[k] + x > low[k]:
            falling.append(pull + (int(purchase[k]) if x > 0 else -int(sale[k])) - slack)
    assert not rising or not falling or min(rising) >= max(falling)


def test_many_sleeves_are_each_sleeve_alone():
    many = feasible(np.random.default_rng(4), 300, YEN // 4)
    offsets = np.append(0, np.cumsum([one[0].size for one in many]))
    columns = [np.concatenate([one[k] for one in many]) for k in (0, 1, 2, 3, 5, 6, 7)]
    flows = np.array([one[4] for one in many])
    together = tax_aware(*columns[:4], flows, *columns[4:], offsets)
    for s, one in enumerate(many):
        assert tax_aware(*one).tolist() == together[offsets[s] : offsets[s + 1]].tolist()
    assert tax_aware(*columns[:4], flows, *columns[4:], offsets).tolist() == together.tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_without_costs_and_equally_patient_it_is_water_filling(seed, stretch):
    held, target, low, high, flow, *_ = feasible(np.random.default_rng(seed), 1)[0]
    target = target.clip(low, high)
    trade = tax_aware(held, target, low, high, flow, 0, 0, stretch)
    if target.sum() == held.sum() + flow:
        assert trade.tolist() == to_band(held, target, low, high, flow, MILLION).tolist()
    buys = tax_aware(held, target, held, np.full(held.size, YEN), abs(flow), 0, 0, stretch)
    assert buys.tolist() == flow_only(held, target, abs(flow)).tolist()


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 1_000, 10**7]))
def test_more_flow_never_buys_less_of_anything(seed, more):
    held, target, low, high, flow, *costs = feasible(np.random.default_rng(seed), 1)[0]
    more = min(more, int((high - held).sum()) - flow)
    before, after = tax_aware(held, target, low, high, flow, *costs), tax_aware(held, target, low, high, flow + more, *costs)
    assert (before <= after).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 1_000))
def test_sleeves_of_another_scale_trade_in_scale_but_for_the_last_yen(seed, scale):
    held, target, low, high, flow, *costs, stretch = feasible(np.random.default_rng(seed), 1)[0]
    high = np.minimum(high, 10**9)
    trade = tax_aware(held, target, low, high, flow, *costs, stretch)
    larger = tax_aware(held * scale, target * scale, low * scale, high * scale, flow * scale, *costs, stretch * scale)
    assert abs(larger - trade * scale).max() <= 3 * scale


def test_a_dearer_sale_is_smaller_and_in_nisa_it_goes_to_the_target():
    held, target = np.array([8_000, 1_000, 1_000]), np.array([6_000, 2_000, 2_000])
    none, most = np.zeros(3, int), np.full(3, 99_999)
    sold = [-int(tax_aware(held, target, none, most, 0, np.array([rate, 0, 0]), 0, 100)[0]) for rate in range(0, 250_000, 10_000)]
    assert sold == sorted(sold, reverse=True) and sold[0] == 2_000 and sold[-1] < 1_000
    # two of three share what is bought: the pull of the sale's side counts 1, that of the others one half
    assert sold[3] == 2_000 - 200


def test_of_two_alike_the_one_without_a_gain_is_sold():
    held, none, most = np.array([1_000, 1_000, 0]), np.zeros(3, int), np.full(3, 9_999)
    tax = sale_tax_ppm(held, np.array([500, 1_100, 0]), 203_150)
    assert tax.tolist() == [101_575, 0, 0]
    assert tax_aware(held, np.array([800, 800, 0]), none, most, -400, tax, 0, 10).tolist() == [-150, -250, 0]


@pytest.mark.parametrize(("value", "cost", "rate", "expected"), [
    (1_000, 600, 203_150, 81_260), (1_000, 1_000, 203_150, 0), (1_000, 1_001, 203_150, 0), (0, 5, 203_150, 0),
    (3, 2, 203_150, 67_716), (1_000, 600, 0, 0), (YEN, 0, MILLION, MILLION),
])
def test_the_tax_of_a_yen_sold(value, cost, rate, expected):
    assert sale_tax_ppm([value], [cost], rate).tolist() == [expected]


def test_the_largest_amounts_do_not_overflow():
    n = 64
    held, target = np.array([YEN, 0] * (n // 2)), np.array([0, YEN] * (n // 2))
    low, high = np.full(n, -YEN), np.full(n, YEN)
    for stretch in (YEN, 1, np.resize([1, MILLION], n), np.resize([YEN, MILLION], n)):
        for flow in (0, YEN, -YEN, 1):
            trade = tax_aware(held, target, low, high, flow, MILLION, MILLION, stretch)
            assert trade.sum() == flow and (low <= held + trade).all() and (held + trade <= high).all()
    assert tax_aware(held, target, low, high, 0, 0, 0, 1).tolist() == [-YEN, YEN] * (n // 2)


@pytest.mark.parametrize(("change", "message"), [
    ({"low_yen": [11, 0]}, "lower limit"), ({"flow_yen": 99}, "cannot be placed"), ({"stretch_yen": 0}, "stretch"),
    ({"sale_cost_ppm": MILLION + 1}, "out of range"), ({"purchase_cost_ppm": -1}, "out of range"),
    ({"stretch_yen": [1, MILLION + 1]}, "million times"),
    ({"held_yen": [5, YEN + 1]}, "out of range"), ({"target_yen": [0.5, 1]}, "whole numbers"),
])
def test_what_cannot_be_done_is_refused(change, message):
    given = {
        "held_yen": [5, 5], "target_yen": [5, 5], "low_yen": [0, 0], "high_yen": [10, 10], "flow_yen": 0, "sale_cost_ppm": 0,
        "purchase_cost_ppm": 0, "stretch_yen": 1,
    }
    assert tax_aware(**given).tolist() == [0, 0]
    with pytest.raises(ValueError, match=message):
        tax_aware(**given | change)


def test_a_tax_needs_values_and_rates_in_range():
    for value, cost, rate in ((-1, 0, 0), (1, -1, 0), (1, 0, MILLION + 1), (1, 0, -1)):
        with pytest.raises(ValueError, match="tax of a sale"):
            sale_tax_ppm([value], [cost], rate)
    assert sale_tax_ppm([], [], 0).size == 0
