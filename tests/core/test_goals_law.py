"""The exact law of a goal: against known values, paths of its own, another method, and on every edge."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.goals.canonical import canonical, exact, sure_path
from tsutsumi.core.goals.law import before_last_month, moments, shares
from tsutsumi.core.goals.normal import below, probit
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.schedule import schedule_probability

MIDDLE = Portfolio(0.05, 0.15)


def chance(now, monthly, target, months, portfolio=MIDDLE, at_end=False):
    """Return the exact probability of one goal."""
    return exact(float(now), float(monthly), float(target), months, *portfolio.monthly, at_end)


def by_paths(now, monthly, target, months, portfolio, at_end, paths=100_000):
    """Return the share of random paths that reach the goal, walked month by month as the rule says."""
    nu, sigma = portfolio.monthly
    rng = np.random.default_rng(20_260_401)
    wealth, alive = np.full(paths, float(now)), np.ones(paths, bool)
    for _ in range(months):
        growth = np.exp(nu + sigma * rng.standard_normal(paths))
        wealth = wealth * growth + monthly if at_end else (wealth + monthly) * growth
        alive &= wealth >= 0
    return (alive & (wealth >= target)).mean()


def test_the_known_lump_sum():
    assert round(chance(5_000_000, 0, 8_000_000, 120), 6) == 0.430959


def test_simple_figures_become_the_lognormal_year_of_that_mean_and_deviation():
    model = Portfolio.from_simple(0.06, 0.2)
    mean = math.exp(model.mu)
    assert mean == pytest.approx(1.06)
    assert mean * math.sqrt(math.expm1(model.vol**2)) == pytest.approx(0.2)
    assert model.monthly[0] * 12 == pytest.approx(model.mu - model.vol**2 / 2)


@pytest.mark.parametrize(
    ("mean", "risk"),
    [(-1.0, 0.1), (-2.0, 0.1), (0.05, -0.01), (math.nan, 0.1), (0.05, math.inf), ("5 %", 0.1), (True, 0.1), (0.05, None)],
)
def test_what_is_no_portfolio_is_refused(mean, risk):
    with pytest.raises(GoalError, match="mean|risk"):
        Portfolio.from_simple(mean, risk)


def test_drift_and_volatility_are_checked_too():
    for mu, vol in ((math.nan, 0.1), (0.1, -0.1), (0.1, "x")):
        with pytest.raises(GoalError):
            Portfolio(mu, vol)


@given(st.floats(-37, 37))
def test_probit_undoes_below(x):
    lower, upper = below(x), below(-x)
    assert probit(lower, upper) == pytest.approx(x, abs=1e-9)


GOALS = [
    (1_000_000, 30_000, 6_000_000, 120, 0.05, 0.15),
    (0, 20_000, 1_000_000, 40, 0.03, 0.3),
    (10_000_000, -60_000, 0, 240, 0.04, 0.12),
    (10_000_000, -60_000, 3_000_000, 100, 0.04, 0.2),
    (1_000_000, -240_000, 0, 4, 0.05, 0.4),
    (1_000_000, -480_000, 10_000, 2, 0.05, 0.4),
    (3_000_000, 1_000, 3_000_000, 12, 0.0, 0.05),
]


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("goal", GOALS)
def test_it_agrees_with_paths_of_its_own(goal, at_end):
    *figures, mu, vol = goal
    model = Portfolio(mu, vol)
    told, counted = chance(*figures, model, at_end), by_paths(*figures, model, at_end)
    assert told == pytest.approx(counted, abs=5 * math.sqrt(0.25 / 100_000))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0, 100, 1_000]), st.floats(-60, 100), st.floats(0, 20_000), st.integers(1, 90), st.floats(-0.05, 0.12),
    st.floats(0.01, 0.45), st.booleans(),
)
def test_it_agrees_with_the_density_of_wealth(now, monthly, target, months, mu, vol, at_end):
    if now == 0 and monthly <= 0:
        return
    model = Portfolio(mu, vol)
    other = schedule_probability(mu, vol, now, [monthly] * months, target, at_end)
    assert chance(now, monthly, target, months, model, at_end) == pytest.approx(other, abs=2e-7)


def test_drawing_reads_time_backwards():
    assert canonical(100.0, -10.0, 0.0, False) == (0.0, 10.0, 90.0)
    assert canonical(100.0, -10.0, -50.0, False) == (0.0, 10.0, 90.0), "a target below zero: the money must last"
    assert sure_path(0.0, 10.0, 0.0, 1) == 0.0


def test_edges():
    assert chance(0, -10, 0, 12) == 0.0, "nothing to draw from"
    assert chance(100, -101, 0, 1) == 0.0, "ruin at once"
    assert chance(100, -100, 0, 1) == 1.0, "the last yen may be drawn"
    assert chance(100, -100, 0, 2) == 0.0
    assert chance(100, -100, 0, 1, at_end=True) == pytest.approx(below(MIDDLE.monthly[0] / MIDDLE.monthly[1]), abs=1e-12)
    assert chance(100, 1, 0, 12) == chance(100, 1, -5, 12) == chance(100, 0, 0, 12) == 1.0
    assert chance(0, 100, 100, 1, at_end=True) == 1.0, "the last payment alone is the target"
    assert chance(0, 100, 101, 1, at_end=True) == 0.0
    assert [chance(100, 5, target, 0) for target in (100, 101)] == [1.0, 0.0], "no time left: it is there or not"
    assert 0 < chance(1, 1, 1e12, 2) < 1e-200 or chance(1, 1, 1e12, 2) == 1e-300, "hopeless is not certain"
    assert 1 - 1e-15 < chance(1e12, 1, 1, 2) < 1


def test_no_risk_is_certain_either_way_and_met_exactly_is_met():
    sure = Portfolio.from_simple(0.05, 0)
    assert chance(1_000_000, 0, 1_050_000, 12, sure) == 1.0
    assert chance(1_000_000, 0, 1_050_001, 12, sure) == 0.0
    flat = Portfolio(0.0, 0.0)
    assert [chance(0, 10_000, target, 12, flat) for target in (120_000, 120_001)] == [1.0, 0.0]
    assert [chance(now, -10_000, 0, 12, flat) for now in (120_000, 119_999)] == [1.0, 0.0]
    assert [chance(now, -10_000, 5, 12, flat, True) for now in (120_005, 120_004)] == [1.0, 0.0]


@pytest.mark.parametrize("vol", [1e-7, 1e-4, 0.001, 1.0, 3.0])
def test_tiny_and_wild_volatility_agree_with_a_lump_sum_and_with_the_density(vol):
    model = Portfolio(0.03, vol)
    y = (math.log(1.1) - (0.03 - vol**2 / 2) * 4) / (vol * 2)
    assert chance(100, 0, 110, 48, model) == pytest.approx(below(-y), abs=1e-12)
    near = sure_path(101.0, 1.0, model.monthly[0], 48) * math.exp(0.1 * vol)
    if vol >= 0.001:
        other = schedule_probability(0.03, vol, 100, [1] * 48, near)
        assert chance(100, 1, near, 48, model) == pytest.approx(other, abs=1e-6)
    else:
        assert 0.3 < chance(100, 1, near, 48, model) < 0.5


def test_more_than_fifty_years_and_huge_ratios():
    assert chance(1_000_000, 1_000, 1, 1_200) > 0.999
    assert chance(1e12, 1, 1e12, 120) == pytest.approx(chance(1e12, 0, 1e12, 120), abs=1e-9)
    assert chance(1, 1e12, 1e14, 120) == pytest.approx(chance(0, 1e12, 1e14, 120), abs=1e-9)


def test_the_law_is_a_law():
    """Weights add up to one, the mean of the end value is the sum of the expected ones, shares rise."""
    nu, sigma = MIDDLE.monthly
    ratios = np.array([2.0, 0.0, -math.inf])
    u, mass, size = before_last_month(60, nu, sigma, ratios)
    growth = math.exp(nu + sigma**2 / 2)
    for k, ratio in enumerate(np.exp(ratios)):
        assert mass[k, : size[k]].sum() == pytest.approx(1, abs=1e-9)
        mean = (mass[k, : size[k]] * np.exp(u[k, : size[k]])).sum() * growth
        assert mean == pytest.approx(ratio * growth**60 + sum(growth**j for j in range(1, 60)), rel=1e-8)
        centre, deviation = moments(nu, sigma, u[k], mass[k], size[k])
        told = [shares(centre + deviation * y, nu, sigma, u[k], mass[k], size[k])[0] for y in (-3, -1, 0, 1, 3)]
        assert told == sorted(told) and told[0] < 0.01 and told[-1] > 0.99
