"""To the band and by the flow alone: the turnover of the LP solver, the limits of the close, whole yen that add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.rebalancing_oracle import every_trade, least_turnover
from tsutsumi.core.drift import is_breach
from tsutsumi.core.rebalance_band import band_limits, flow_only, to_band

MILLION, YEN = 1_000_000, 10**12


def sleeves(seed, count, most_yen=10**8):
    """Return offsets and columns of random sleeves of 1 to 12 positions, bands 1 to 9 points and some absolute, with flows."""
    rng = np.random.default_rng(seed)
    offsets = np.append(0, np.cumsum(rng.integers(1, 13, count)))
    columns = []
    for _, n in zip(range(count), np.diff(offsets), strict=True):
        worth = int(np.exp(rng.uniform(0, np.log(most_yen))))
        weight = rng.multinomial(MILLION, rng.dirichlet(np.ones(n)))
        target, low, high = band_limits(worth, weight, int(rng.integers(10_000, 90_000)), int(rng.choice([0, 200_000])))
        flow = int(worth * rng.choice([0, rng.uniform(-0.4, 0.4)]))
        held = rng.multinomial(worth - flow, rng.dirichlet(np.maximum(weight / MILLION, 1e-6) * rng.choice([5, 50, 500])))
        columns.append((held, target, low, high, flow, int(rng.choice([0, MILLION, rng.integers(1, MILLION)]))))
    held, target, low, high, flow, fraction = zip(*columns, strict=True)
    return offsets, [np.concatenate(part) for part in (held, target, low, high)], np.array(flow), np.array(fraction)


def narrowed(target, low, high, fraction):
    return low + (target - low) * fraction // MILLION, high - (high - target) * fraction // MILLION


def test_turnover_is_that_of_the_solver_and_of_the_formula_in_every_case():
    offsets, columns, flows, fractions = sleeves(1, 400)
    trades = to_band(*columns, flows, fractions, offsets)
    for s, (flow, fraction) in enumerate(zip(flows.tolist(), fractions.tolist(), strict=True)):
        at = slice(offsets[s], offsets[s + 1])
        held, target, low, high = (column[at] for column in columns)
        low, high = narrowed(target, low, high, fraction)
        trade = trades[at]
        assert trade.sum() == flow and (low <= held + trade).all() and (held + trade <= high).all()
        below, above = np.maximum(low - held, 0).sum(), np.maximum(held - high, 0).sum()
        turnover = abs(trade).sum()
        assert turnover == 2 * max(below, above + flow) - flow == least_turnover(held, low, high, flow), s


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(*[st.integers(0, 9)] * 2, st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=4),
    st.integers(-8, 8), st.sampled_from([0, 400_000, MILLION]),
)
def test_of_all_trades_with_the_least_turnover_the_gaps_are_most_level(rows, flow, fraction):
    held, target, down, up = (np.array(column) for column in zip(*rows, strict=True))
    low, high = target - down, target + up
    inner_low, inner_high = narrowed(target, low, high, fraction)
    if not inner_low.sum() <= held.sum() + flow <= inner_high.sum():
        with pytest.raises(ValueError, match="sleeve 0 of 1: the flow cannot be placed"):
            to_band(held, target, low, high, flow, fraction)
        return
    trade = to_band(held, target, low, high, flow, fraction)
    every = np.array(list(every_trade((inner_low - held).tolist(), (inner_high - held).tolist(), flow)))
    turnover = abs(every).sum(axis=1)
    assert abs(trade).sum() == turnover.min() and trade.sum() == flow
    fewest = every[turnover == turnover.min()]
    assert ((held + trade - target) ** 2).sum() == ((held + fewest - target) ** 2).sum(axis=1).min()


def test_many_sleeves_are_each_sleeve_alone():
    offsets, columns, flows, fractions = sleeves(2, 300, YEN)
    together, by_flow = to_band(*columns, flows, fractions, offsets), flow_only(*columns[:2], flows, offsets)
    for s in range(flows.size):
        at = slice(offsets[s], offsets[s + 1])
        alone = [column[at] for column in columns]
        assert to_band(*alone, int(flows[s]), int(fractions[s])).tolist() == together[at].tolist()
        assert flow_only(*alone[:2], int(flows[s])).tolist() == by_flow[at].tolist()
    assert to_band(*columns, flows, fractions, offsets).tolist() == together.tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 1_000))
def test_sleeves_of_another_scale_trade_in_scale_but_for_the_last_yen(seed, scale):
    offsets, columns, flows, _ = sleeves(seed, 5, 10**7)
    trade = to_band(*columns, flows, 0, offsets)
    larger = to_band(*(column * scale for column in columns), flows * scale, 0, offsets)
    assert abs(larger - trade * scale).max() <= scale


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([0, 300_000]), st.integers(0, 1_000), st.sampled_from([0, 1, 2, 50, 1_000]))
def test_more_flow_never_buys_less_of_anything(seed, fraction, share, more):
    offsets, (held, target, low, high), _, _ = sleeves(seed, 5, 10**7)
    ends = [np.add.reduceat(limit - held, offsets[:-1]) for limit in narrowed(target, low, high, fraction)]
    flows = [ends[0] + (ends[1] - ends[0]) * min(part, 1_000) // 1_000 for part in (share, share + more)]
    before, after = (to_band(held, target, low, high, flow, fraction, offsets) for flow in flows)
    assert (before <= after).all()
    of_sleeves = np.add.reduceat(held, offsets[:-1])
    flows = [of_sleeves * (2 * min(part, 1_000) - 1_000) // 1_000 for part in (share, share + more)]
    before, after = (flow_only(held, target, flow, offsets) for flow in flows)
    assert (before <= after).all()


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, YEN), st.lists(st.integers(0, 100), min_size=1, max_size=9).filter(any), st.integers(1, MILLION),
    st.integers(0, MILLION), st.integers(-3, 3),
)
def test_the_limits_are_the_last_yen_that_the_close_calls_inside(worth, parts, absolute, relative, near):
    weight = np.array(parts) * MILLION // sum(parts)
    weight[-1] += MILLION - weight.sum()
    target, low, high = band_limits(worth, weight, absolute, relative)
    assert target.sum() == worth and (low <= target).all() and (target <= high).all() and (low >= 0).all()
    assert (target[1:] == worth * weight[1:] // MILLION).all()
    for k in np.flatnonzero((weight > 0) & (target == worth * weight // MILLION)):  # cash may hold a few yen more
        for value in (low[k] + near, high[k] + near):
            if value >= 0 and value != target[k]:
                assert (not is_breach(value, worth, weight[k], absolute, relative)) == (low[k] <= value <= high[k])
    assert (high[weight == 0] == target[weight == 0]).all()


def test_cash_takes_the_yen_that_flooring_leaves_and_what_is_not_wanted_is_sold_out():
    target, low, high = band_limits(100, np.array([0, 333_333, 666_667]), 50_000)
    assert (target.tolist(), low.tolist(), high.tolist()) == ([1, 33, 66], [0, 29, 62], [1, 38, 71])


def test_a_position_that_cannot_be_traded_stays_and_the_others_make_room():
    held, target = np.array([600, 300, 100]), np.array([400, 400, 200])
    assert to_band(held, target, np.array([600, 350, 0]), np.array([600, 450, 999])).tolist() == [0, 50, -50]
    assert to_band(held, target, np.array([600, 0, 0]), np.array([600, 999, 999]), 200).tolist() == [0, 100, 100]


def test_the_fraction_leads_from_the_edge_to_the_target():
    held, target = np.array([700_000, 300_000]), np.array([500_000, 500_000])
    low, high = np.array([400_000, 400_000]), np.array([600_000, 600_000])
    fractions = np.array([0, 250_000, 500_000, MILLION])
    every = to_band(*(np.tile(column, 4) for column in (held, target, low, high)), 0, fractions, np.arange(5) * 2)
    assert every.reshape(4, 2)[:, 0].tolist() == [-100_000, -125_000, -150_000, -200_000]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, YEN), st.integers(0, YEN)), min_size=1, max_size=12), st.integers(-MILLION, MILLION))
def test_a_flow_alone_only_buys_or_only_sells_where_the_gap_is_largest(rows, share):
    held, target = (np.array(column) for column in zip(*rows, strict=True))
    whole = YEN if share > 0 else min(int(held.sum()), YEN)
    flow = whole * share // MILLION if share > 0 else -(whole * -share // MILLION)
    trade = flow_only(held, target, flow)
    assert trade.sum() == flow and (trade * np.sign(flow) >= 0).all() and (held + trade >= 0).all()
    gap = target - held - trade
    if flow > 0 and (trade > 0).any():
        assert gap.max() <= gap[trade > 0].min() + 1
    sellable = held + trade > 0
    if flow < 0 and sellable.any() and (trade < 0).any():
        assert gap[sellable].min() >= gap[trade < 0].max() - 1


def test_the_largest_amounts_do_not_overflow():
    held, target = np.array([YEN, 0] * 50), np.array([0, YEN] * 50)
    assert to_band(held, target, target, target).tolist() == [-YEN, YEN] * 50
    assert flow_only(held, target, YEN).tolist() == [0, YEN // 50] * 50
    assert band_limits(YEN, np.array([0, MILLION]), MILLION, MILLION)[2].tolist() == [0, 2 * YEN - 1]


@pytest.mark.parametrize(("change", "message"), [
    ({"low_yen": [11, 0]}, "lower limit is above"), ({"held_yen": [YEN + 1, 0]}, "out of range"),
    ({"flow_yen": 99}, "cannot be placed"), ({"flow_yen": -YEN - 1}, "out of range"),
    ({"fraction_ppm": MILLION + 1}, "out of range"), ({"fraction_ppm": -1}, "out of range"),
    ({"held_yen": [0.5, 1]}, "whole numbers"), ({"target_yen": [1]}, "one number or 2"), ({"offsets": [0, 1]}, "offsets"),
])
def test_what_cannot_be_done_is_refused(change, message):
    given = {"held_yen": [5, 5], "target_yen": [5, 5], "low_yen": [0, 0], "high_yen": [10, 10]}
    assert to_band(**given).tolist() == [0, 0]
    with pytest.raises(ValueError, match=message):
        to_band(**given | change)


def test_more_than_is_held_cannot_go_out_and_weights_are_whole():
    with pytest.raises(ValueError, match="sleeve 1 of 2: the flow cannot be placed"):
        flow_only([5, 5], [0, 0], [-5, -6], [0, 1, 2])
    with pytest.raises(ValueError, match="1,000,000 ppm in all"):
        band_limits(100, [MILLION - 1], 1)
    for weight, absolute in (([-1, MILLION + 1], 1), ([MILLION], -1), ([MILLION], MILLION + 1)):
        with pytest.raises(ValueError, match="out of range"):
            band_limits(100, weight, absolute)
