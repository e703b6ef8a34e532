"""The best yearly choice: the published tables, one portfolio, walks under the table of choices, and what must always hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.goals.dynamic import best_plan
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.schedule import schedule_probability
from tsutsumi.core.goals.wealth_grid import Grid, Months, Worth, best_of, fast_length, full, sides

MEANS = np.array([0.0493, 0.0770, 0.0886])
COVARIANCE = np.array([[0.0017, -0.0017, -0.0021], [-0.0017, 0.0396, 0.0309], [-0.0021, 0.0309, 0.0392]])


def frontier(count: int, low: float = 0.0526, high: float = 0.0886) -> list[Portfolio]:
    """Return portfolios equally spaced in their mean on the frontier of the published means and covariance."""
    inverse, ones = np.linalg.inv(COVARIANCE), np.ones(3)
    a, b, c = ones @ inverse @ ones, ones @ inverse @ MEANS, MEANS @ inverse @ MEANS
    means = np.linspace(low, high, count)
    return [Portfolio(float(m), math.sqrt((a * m * m - 2 * b * m + c) / (a * c - b * b))) for m in means]


def published(portfolios, payments, target=200.0) -> float:
    """Return the best probability with yearly steps: 100 now, the first payment after a year."""
    return best_plan(portfolios, 100, [0, *payments], target, every=1, month_years=1.0).probability


def test_the_base_case_comes_out():
    plan = best_plan(frontier(15), 100, [0] * 10, 200, every=1, month_years=1.0)
    assert abs(plan.probability - 0.6702) < 0.002 and abs(plan.probability - 0.67015) < 5e-5
    held = frontier(15)[plan.first_index]
    assert abs(held.mu - 0.08346) < 1e-4 and abs(held.vol - 0.1688) < 1e-4
    fixed = max(schedule_probability(p.mu, p.vol, 100, [0] * 120, 200) for p in frontier(15))
    assert abs(fixed - 0.5011) < 1e-4


def test_monthly_steps_without_payments_are_the_yearly_ones():
    assert best_plan(frontier(15), 100, [0] * 120, 200).probability == pytest.approx(published(frontier(15), [0] * 9), abs=2e-5)


@pytest.mark.parametrize(("count", "right"), [(5, 0.6668), (10, 0.6695), (20, 0.6704), (40, 0.6707)])
def test_more_portfolios_as_published(count, right):
    assert abs(published(frontier(count), [0] * 9) - right) < 0.001


@pytest.mark.parametrize(
    ("payment", "right"),
    [(-1, 0.6105), (-5, 0.3866), (-10, 0.1813), (-15, 0.0711), (-20, 0.0242),
     (1, 0.7305), (2, 0.7902), (3, 0.8479), (4, 0.9014), (5, 0.9463)],
)  # fmt: skip
def test_payments_as_published(payment, right):
    assert abs(published(frontier(15), [payment] * 9) - right) < 0.001


@pytest.mark.parametrize(
    ("saved", "right"),
    list(zip(range(0, 45, 5), (0.1276, 0.2578, 0.4201, 0.5860, 0.7344, 0.8538, 0.9381, 0.9841, 0.9978), strict=True)),
)
def test_retirement_as_published(saved, right):
    paid = [saved * 1.03**t for t in range(1, 16)] + [-50 * 1.03**t for t in range(16, 30)]
    assert abs(published(frontier(15), paid, 50 * 1.03**30) - right) < 0.001


LADDER = [Portfolio(0.005 + 0.4 * vol, vol) for vol in (0.03, 0.07, 0.12, 0.2)]
KINDS = {
    "saving": (1e6, [3e4] * 120, 6e6),
    "drawing": (1e7, [-7e4] * 180, 0),
    "saving, then drawing": (0, [3e4] * 120 + [-7e4] * 120, 0),
    "bonus months, begun month": (1e6, ([1e4] * 5 + [8e4]) * 10, 4e6),
    "drawing, then saving": (3e6, [-4e4] * 60 + [4e4] * 60, 3e6),
    "one large one-off": (5e6, [0] * 59 + [-5e6] + [0] * 60, 1e6),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("at_end", [False, True])
def test_walks_that_follow_the_table_reach_the_best_probability(name, at_end):
    now, paid, target = KINDS[name]
    plan = best_plan(LADDER, now, paid, target, at_end)
    chance, paths = np.random.default_rng(7), 60_000
    wealth, alive = np.full(paths, float(now)), np.ones(paths, bool)
    held = np.zeros(paths, int)
    drift = np.array([(p.mu - p.vol**2 / 2) / 12 for p in LADDER])
    sd = np.array([p.vol / math.sqrt(12) for p in LADDER])
    for month, payment in enumerate(paid):
        if month % 12 == 0:
            row = plan.choices[month // 12]
            assert row.month == month
            held = np.array(row.portfolio_index)[np.searchsorted(row.from_wealth, wealth, side="right") - 1]
        growth = np.exp(drift[held] + sd[held] * chance.standard_normal(paths))
        wealth = wealth * growth + payment if at_end else (wealth + payment)
        alive &= wealth >= 0
        wealth = np.where(alive, wealth if at_end else wealth * growth, 0.0)
    counted = (alive & (wealth >= target)).mean()
    assert abs(counted - plan.probability) < 4.5 * math.sqrt(counted * (1 - counted) / paths) + 1e-3


schedules = st.builds(
    lambda seed, months, kind: np.random.default_rng(seed).normal((3e4, -3e4, 0.0)[kind], (1e3, 1e3, 5e4)[kind], months),
    st.integers(0, 10**6), st.integers(1, 30), st.integers(0, 2),
)
risks = st.sampled_from([0.0, 0.02, 0.1, 0.25])
money = st.floats(0, 3e6)


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.02, 0.08), risks, money, schedules, money, st.booleans(), st.sampled_from([1.0, 0.3]))
def test_one_portfolio_is_the_exact_schedule(mu, vol, now, paid, target, at_end, first):
    found = best_plan([Portfolio(mu, vol)], now, paid, target, at_end, first).probability
    assert found == pytest.approx(schedule_probability(mu, vol, now, paid, target, at_end, first), abs=5e-4)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.08), risks), min_size=1, max_size=3), money, schedules, money, st.floats(0, 3e5))
def test_a_choice_is_never_worse_than_the_best_fixed_one_and_more_money_never_hurts(markets, now, paid, target, extra):
    portfolios = [Portfolio(*market) for market in markets]
    found = best_plan(portfolios, now, paid, target).probability
    fixed = max(schedule_probability(*market, now, paid, target) for market in markets)
    assert found >= fixed - 5e-4
    assert best_plan(portfolios, now + extra, paid, target).probability >= found - 5e-4
    assert best_plan(portfolios, now, paid, target + extra).probability <= found + 5e-4
    assert best_plan(portfolios[:1], now, paid, target).probability <= found + 5e-4


def test_what_is_certain_is_held_and_what_is_behind_takes_risk():
    portfolios = [Portfolio(0.07, 0.20), Portfolio(0.01, 0.0)]
    plan = best_plan(portfolios, 100, [0] * 36, 102)
    assert plan.probability == 1.0 and plan.first_index == 1
    assert plan.portfolio_at(24, 101.5) == 1 and plan.portfolio_at(24, 80) == 0


def test_the_first_choice_is_the_calmest_of_equally_good_ones():
    portfolios = [Portfolio(0.05, 0.2), Portfolio(0.05, 0.1)]
    assert best_plan(portfolios, 0, [0] * 12, 10).first_index == 1
    assert best_plan(portfolios, 10, [-11] * 12).first_index == 1
    assert best_plan(portfolios, 10, [], 10).probability == 1.0


def test_fifty_years_of_saving_and_drawing_among_fifteen():
    plan = best_plan(frontier(15), 1e6, [4e4] * 300 + [-1.5e5] * 300)
    fixed = max(schedule_probability(p.mu, p.vol, 1e6, [4e4] * 300 + [-1.5e5] * 300) for p in frontier(5))
    assert len(plan.choices) == 50 and fixed < plan.probability < fixed + 0.3


def test_no_portfolio_and_no_number_are_refused():
    with pytest.raises(GoalError, match="no portfolio"):
        best_plan([], 100, [0], 100)
    with pytest.raises(GoalError, match="not finite"):
        best_plan([Portfolio(0.05, 0.1)], math.nan, [0], 100)


# ---- the grid


def test_a_jump_is_carried_exactly_and_the_month_has_the_right_mean():
    grid = Grid(-1.0, 0.004, 500)
    calm, wild = Portfolio(0.06, 0.05), Portfolio(0.06, 0.2)
    law = Months(grid, [calm, wild], 1 / 12)
    end = Worth(np.zeros((2, 500)), np.zeros(2), [[(0.0, 1.0)], [(0.0, 1.0)]])
    worth = law.back(end)
    for row, portfolio in zip(full(grid, worth), (calm, wild), strict=True):
        right = schedule_probability(portfolio.mu, portfolio.vol, 1.0, [0], 1.0)
        assert row[250] == pytest.approx(right, abs=1e-9)
    masses = np.zeros((2, 500))
    masses[:, 250] = 1.0
    later, _ = law.forth(masses, np.zeros(2))
    assert later.sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-9)
    assert later @ np.exp(grid.points) == pytest.approx([math.exp(0.005)] * 2, rel=1e-6)


def test_the_best_of_two_keeps_the_jump_of_the_better_one():
    grid = Grid(0.0, 0.01, 100)
    worth = Worth(np.vstack((np.full(100, 0.6), np.zeros(100))), np.array([0.6, 0.0]), [[], [(0.5, 1.0)]])
    best, choice, at_nothing = best_of(grid, worth)
    assert (choice[:50] == 0).all() and (choice[51:] == 1).all() and at_nothing == 0
    under, over = sides(grid, best, 0.5)
    assert (under[0], over[0]) == (pytest.approx(0.6), pytest.approx(1.0))


def test_lengths_of_transforms_have_small_factors_only():
    for least in (1, 7, 97, 1_000, 4_097):
        length = fast_length(least)
        for factor in (2, 3, 5):
            while length % factor == 0:
                length //= factor
        assert length == 1 and least <= fast_length(least) < 2 * least + 1
