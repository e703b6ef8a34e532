"""Whole lots: as near as the MILP solver and as trying all, never above the budget, minimum trades kept."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.day_oracle.lots import Line, nearest
from tests.oracles.rebalancing_oracle import nearest_lots, tried_lots
from tsutsumi.core.rebalance_lots import whole_units

YEN = 10**12


def sleeve(rng, kept=0.0):
    """Return lot prices, held lots, targets and budget of a random sleeve of exchange-traded funds; some sell out a position."""
    n = int(rng.integers(6, 11))
    worth = int(np.exp(rng.uniform(np.log(10**5), np.log(10**7))))
    weight = rng.dirichlet(np.ones(n) * rng.choice([1, 3, 10]))
    if rng.random() < 0.3:
        weight[int(rng.integers(n))] = 0
        weight /= weight.sum()
    lot = rng.integers(1_500, 35_001, n)
    drifted = rng.dirichlet(np.maximum(weight, 0.02) * 30) * rng.uniform(0.6, 1)
    return lot, (worth * drifted / lot).astype(np.int64), rng.multinomial(worth, weight), worth - int(worth * kept)


def distance(lot, held, trade, target):
    return int(abs((held + trade) * lot - target).sum())


def gaps(seed, count, minimums, kept=0.0):
    """Return how much further from the targets than the solver, in parts of the budget, over random sleeves."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(count):
        lot, held, target, budget = sleeve(rng, kept)
        minimum = int(rng.choice(minimums))
        best = nearest_lots(lot, held, target, budget, minimum)
        if best is None:
            with pytest.raises(ValueError, match="no lots"):
                whole_units(lot, held, target, budget, minimum)
            continue
        trade = whole_units(lot, held, target, budget, minimum)
        assert ((held + trade) * lot).sum() <= budget and (held + trade >= 0).all()
        assert ((trade == 0) | (abs(trade) * lot >= minimum) | ((target == 0) & (held + trade == 0))).all()
        found.append((distance(lot, held, trade, target) - best) / budget)
    assert len(found) > 0.9 * count and min(found) >= 0
    return np.array(found)


@pytest.mark.parametrize(("seed", "minimums", "count"), [
    (1, [0], 35), (2, [5_000, 10_000, 30_000, 100_000], 35), pytest.param(1, [0], 600, marks=pytest.mark.fuzz),
    pytest.param(2, [5_000, 10_000, 30_000, 100_000], 600, marks=pytest.mark.fuzz),
])
def test_lots_are_as_near_as_the_solver_finds_them(seed, minimums, count):
    found = gaps(seed, count, minimums)
    assert (found == 0).mean() >= 0.97 and found.mean() <= 0.0001


def test_where_the_targets_are_far_above_the_budget_lots_are_nearly_as_near():
    # many ways to leave the same yen out: the search ends at its last node
    assert gaps(3, 40, [0], kept=0.02).mean() <= 0.0001


few = st.tuples(st.integers(1, 9), st.integers(0, 4), st.integers(0, 20), st.integers(0, 3), st.integers(0, 6))


@settings(deadline=None, max_examples=300)
@given(st.lists(few, min_size=1, max_size=4), st.integers(0, 60), st.integers(0, 15))
def test_no_lots_are_nearer_of_all_that_may_be_held(rows, budget, minimum):
    lot, held, target, lowest, room = (np.array(column) for column in zip(*rows, strict=True))
    best = tried_lots(lot.tolist(), held.tolist(), target.tolist(), budget, minimum, lowest.tolist(), (lowest + room).tolist())
    if best is None:
        with pytest.raises(ValueError, match="no lots"):
            whole_units(lot, held, target, budget, minimum, lowest, lowest + room)
        return
    trade = whole_units(lot, held, target, budget, minimum, lowest, lowest + room)
    assert distance(lot, held, trade, target) == best
    after = held + trade
    assert (after * lot).sum() <= budget and (lowest <= after).all() and (after <= lowest + room).all()
    assert ((trade == 0) | (abs(trade) * lot >= minimum) | ((target == 0) & (after == 0))).all()


def test_many_sleeves_are_each_sleeve_alone():
    rng = np.random.default_rng(5)
    many = [sleeve(rng) for _ in range(300)]
    offsets = np.append(0, np.cumsum([lot.size for lot, *_ in many]))
    columns = [np.concatenate([one[k] for one in many]) for k in range(3)]
    budgets, minimums = np.array([one[3] for one in many]), rng.choice([0, 3_000], 300)
    together = whole_units(*columns, budgets, minimums, offsets=offsets)
    for s, one in enumerate(many):
        assert whole_units(*one, int(minimums[s])).tolist() == together[offsets[s] : offsets[s + 1]].tolist()
    assert whole_units(*columns, budgets, minimums, offsets=offsets).tolist() == together.tolist()


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), st.sampled_from([0, 20_000]), st.integers(1, 10**5))
def test_a_larger_budget_never_leaves_the_lots_further_away(seed, minimum, more):
    lot, held, target, budget = sleeve(np.random.default_rng(seed))
    before, after = (whole_units(lot, held, target, yen, minimum) for yen in (budget, budget + more))
    assert distance(lot, held, after, target) <= distance(lot, held, before, target)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), st.sampled_from([0, 20_000]), st.integers(2, 1_000))
def test_lots_do_not_depend_on_the_scale(seed, minimum, scale):
    lot, held, target, budget = sleeve(np.random.default_rng(seed))
    larger = whole_units(lot * scale, held, target * scale, budget * scale, minimum * scale)
    assert whole_units(lot, held, target, budget, minimum).tolist() == larger.tolist()


def test_what_fits_together_beats_what_is_wanted_most():
    # a yen for the lot of 6 brings more than one for the lot of 10, but only one fits; one cheap lot less makes room for a dear one
    assert whole_units([6, 10], [0, 0], [5, 8], 10).tolist() == [0, 1]
    assert whole_units([350, 15], [0, 0], [340, 60], 400).tolist() == [1, 3]


def test_a_lot_that_is_half_of_the_sleeve_is_bought_and_the_others_make_room():
    # one lot of 621,460 leaves 447,131 open, two are 174,329 too many: 34 lots of 5,155 less pay for it, and the first is sold out
    lot, held, target = [949, 621_460, 5_155], [132, 0, 185], [0, 1_068_591, 656_986]
    assert whole_units(lot, held, target, 1_725_577, 1_000).tolist() == [-132, 2, -92]


def test_half_a_yen_nearer_is_nearer():
    assert whole_units([1_000_001], [0], [500_001], 1_000_001).tolist() == [1]
    assert whole_units([1_000_001], [0], [500_000], 1_000_001).tolist() == [0]


@pytest.mark.parametrize("seed", range(60))
def test_of_lots_equally_near_the_fewest_yen_count_and_then_the_fewest_of_the_first(seed):
    rng = random.Random(seed)
    lines = []
    for _ in range(rng.randint(1, 4)):
        lot, held = rng.choice([30, 50, 50, 100]), rng.randint(0, 6)
        target = rng.choice([0, *(10 * rng.randint(1, 40),) * 6])
        lines.append(Line(lot, held, target, held if held * lot <= target and rng.random() < 0.3 else 0))
    budget, minimum = sum(line.target for line in lines), rng.choice([1, 60, 150])
    names = ("lot_yen", "held", "target", "fewest")
    lot, held, target, fewest = (np.array([getattr(line, name) for line in lines]) for name in names)
    found = nearest(lines, budget, minimum)
    if not found:
        with pytest.raises(ValueError, match="no lots"):
            whole_units(lot, held, target, budget, minimum, fewest)
        return
    best = min(found, key=lambda lots: ((np.array(lots) * lot).sum(), lots))
    assert (held + whole_units(lot, held, target, budget, minimum, fewest)).tolist() == best


def test_limits_keep_sales_and_purchases_out():
    lot, held, target = np.array([10, 10, 10]), np.array([5, 5, 0]), np.array([20, 20, 60])
    assert whole_units(lot, held, target, 100).tolist() == [-3, -3, 6]
    assert whole_units(lot, held, target, 120, lowest_lots=held).tolist() == [0, 0, 2]
    assert whole_units(lot, held, target, 100, highest_lots=held).tolist() == [-3, -3, 0]


def test_what_is_not_wanted_may_be_sold_out_below_the_minimum():
    assert whole_units([10, 10], [3, 0], [0, 100], 100, minimum_trade_yen=50).tolist() == [-3, 10]
    assert whole_units([10, 10], [3, 0], [10, 100], 110, minimum_trade_yen=50).tolist() == [0, 8]


def test_the_largest_amounts_do_not_overflow():
    lot = np.array([1, YEN, 7, YEN // 2, 3])
    for target in ([YEN, 0, 0, 0, 0], [0, YEN, 0, 0, 0], [YEN // 5] * 5, [1, YEN - 2, 0, 0, 1]):
        for budget in (0, 1, YEN // 3, YEN):
            for minimum in (0, 1, YEN):
                trade = whole_units(lot, np.zeros(5, int), np.array(target), budget, minimum)
                assert (trade >= 0).all() and (trade * lot).sum() <= budget
                assert ((trade == 0) | (trade * lot >= minimum)).all()
    assert whole_units([1, 1], [YEN, 0], [0, YEN], YEN).tolist() == [-YEN, YEN]


@pytest.mark.parametrize(("change", "message"), [
    ({"lot_yen": [0, 5]}, "out of range"), ({"held_lots": [-1, 0]}, "out of range"), ({"budget_yen": -1}, "out of range"),
    ({"target_yen": [YEN, 1]}, "out of range"), ({"held_lots": [YEN, 0]}, "out of range"),
    ({"minimum_trade_yen": -1}, "out of range"),
    ({"lowest_lots": 3, "highest_lots": 2}, "lower limit"), ({"held_lots": [0.5, 1]}, "whole numbers"),
    ({"lowest_lots": 30}, "no lots"), ({"lowest_lots": YEN}, "no lots"), ({"minimum_trade_yen": 50, "budget_yen": 9}, "no lots"),
])
def test_what_cannot_be_done_is_refused(change, message):
    given = {"lot_yen": [5, 5], "held_lots": [1, 1], "target_yen": [5, 5], "budget_yen": 10}
    assert whole_units(**given).tolist() == [0, 0]
    with pytest.raises(ValueError, match=message):
        whole_units(**given | change)


def test_no_position_needs_no_lots():
    assert whole_units([], [], [], 0).size == 0
