"""Several goals on one budget: the published tables, one goal, two dates by integration, levels, and what is refused."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_goals_dynamic import LADDER, frontier
from tsutsumi.core.goals.dynamic import best_plan
from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.pot_course import regions
from tsutsumi.core.goals.priorities import DatedGoal, SharedPlan, shared_plan, utilities
from tsutsumi.core.goals.wealth_grid import Grid, Worth


def yearly(goals, now, years) -> SharedPlan:
    """Return the plan with yearly steps and no payments."""
    return shared_plan(frontier(15), now, [0] * years, goals, every=1, month_years=1.0)


def expected(goals, plan) -> float:
    """Return the expected utility that the probabilities add up to."""
    total = 0.0
    for goal, chances in zip(goals, plan.fulfilled, strict=True):
        before = 0.0
        for (_, utility), chance in zip(goal.levels, chances, strict=True):
            total, before = total + (utility - before) * chance, utility
    return total


@pytest.mark.parametrize(
    ("first", "second", "utility", "chances"),
    [(1000, 1000, 1175, (0.894, 0.281)), (1000, 2000, 1875, (0.119, 0.878)), (1000, 3000, 2785, (0.012, 0.924)),
     (2000, 1000, 2117, (0.970, 0.178)), (2000, 3000, 2916, (0.294, 0.776))],
)  # fmt: skip
def test_two_goals_as_published(first, second, utility, chances):
    goals = [DatedGoal(5, ((100, first),)), DatedGoal(10, ((150, second),))]
    plan = yearly(goals, 100, 10)
    assert abs(plan.utility / utility - 1) < 0.01
    assert np.abs(np.ravel(plan.fulfilled) - chances).max() < 0.005
    assert expected(goals, plan) == pytest.approx(plan.utility, rel=1e-3)


def test_seven_goals_as_published():
    terms = zip((5, 8, 10, 11, 17, 22, 24), (25, 17, 15, 80, 50, 60, 130), (1000, 2500, 500, 1500, 300, 3000, 2000), strict=True)
    goals = [DatedGoal(t, ((cost, use),)) for t, cost, use in terms]
    plan = yearly(goals, 30, 24)
    assert abs(plan.utility / 5445 - 1) < 0.01
    assert np.abs(np.ravel(plan.fulfilled) - (0.047, 0.991, 0.212, 0.032, 0.020, 0.763, 0.235)).max() < 0.005
    assert expected(goals, plan) == pytest.approx(plan.utility, rel=1e-3)


GOALS = [
    DatedGoal(13, ((4e5, 100), (6e5, 130))), DatedGoal(24, ((1e6, 300),)), DatedGoal(24, ((2e5, 20), (5e5, 60))),
    DatedGoal(47, ((8e5, 250), (2e6, 400))),
]  # fmt: skip


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("first", [1.0, 0.4])
def test_probabilities_add_up_to_the_expected_utility_with_payments_levels_and_shared_dates(at_end, first):
    plan = shared_plan(LADDER, 3e5, [3e4] * 36 + [-1e4] * 11, GOALS, at_end, first)
    assert expected(GOALS, plan) == pytest.approx(plan.utility, rel=2e-3)
    for chances in plan.fulfilled:
        assert list(chances) == sorted(chances, reverse=True)


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("paid", [[2e4] * 30, [-2e4] * 30, [2e4] * 15 + [-1e4] * 15])
def test_one_goal_is_the_best_plan(at_end, paid):
    plan = shared_plan(LADDER, 8e5, paid, [DatedGoal(30, ((7e5, 5.0),))], at_end)
    best = best_plan(LADDER, 8e5, paid, 7e5, at_end)
    assert plan.utility / 5 == pytest.approx(best.probability, abs=5e-4)
    assert plan.fulfilled[0][0] == pytest.approx(best.probability, abs=2e-3)
    assert plan.first_index == best.first_index


def test_a_goal_that_is_always_taken_and_then_another_one_by_integration():
    portfolio = Portfolio(0.05, 0.2)
    plan = shared_plan([portfolio], 100, [0] * 24, [DatedGoal(12, ((60, 1000.0),)), DatedGoal(24, ((45, 1.0),))])
    drift, shocks = 0.05 - 0.02, np.linspace(-8, 8, 20_001)
    wealth = 100 * np.exp(drift + 0.2 * shocks)
    left = np.where(wealth >= 60, wealth - 60, wealth)
    second = np.array([below((math.log(one / 45) + drift) / 0.2) if one > 0 else 0.0 for one in left])
    chance = float((second * np.exp(-(shocks**2) / 2)).sum() * (shocks[1] - shocks[0]) / math.sqrt(2 * math.pi))
    assert plan.fulfilled[0][0] == pytest.approx(below((math.log(100 / 60) + drift) / 0.2), abs=1e-4)
    assert plan.fulfilled[1][0] == pytest.approx(chance, abs=1e-3)


def test_a_goal_of_today_is_paid_before_anything_else():
    plan = shared_plan(LADDER, 100, [0] * 12, [DatedGoal(0, ((40, 1.0), (100, 5.0))), DatedGoal(12, ((70, 3.0),))])
    assert plan.fulfilled[0] == (1.0, 1.0) and plan.fulfilled[1] == (0.0,) and plan.utility == pytest.approx(5.0)
    plan = shared_plan(LADDER, 100, [0] * 12, [DatedGoal(0, ((40, 1.0), (100, 3.0))), DatedGoal(12, ((40, 3.0),))])
    assert plan.fulfilled[0] == pytest.approx((1.0, 0.0)) and plan.fulfilled[1][0] > 0.99


@settings(max_examples=15, deadline=None)
@given(st.floats(1e5, 2e6), st.floats(1e5, 2e6), st.floats(1, 1000), st.floats(1, 1000), st.floats(0, 5e5))
def test_more_money_is_never_less_useful(first, second, use, other, extra):
    goals = [DatedGoal(12, ((first, use),)), DatedGoal(30, ((second, other),))]
    plan = shared_plan(LADDER[1:3], 6e5, [2e4] * 30, goals)
    richer = shared_plan(LADDER[1:3], 6e5 + extra, [2e4] * 30, goals)
    assert richer.utility >= plan.utility - 1e-3 * (use + other)
    assert plan.utility <= use + other + 1e-3 * (use + other)


def test_a_change_of_mind_is_found_between_two_nodes():
    grid = Grid(0.0, 0.1, 11)
    worth = Worth(np.vstack((np.full(11, 0.42), grid.points)), np.zeros(2), [[], []])
    edges, ways = regions(grid, worth, np.array([0] * 5 + [1] * 6))
    assert ways.tolist() == [0, 1] and edges[1] == pytest.approx(0.42)


ROWS = [
    {"valid_from_date": date(2020, 1, 1), "priority": "1", "essential_utility": "8", "wish_utility": "10"},
    {"valid_from_date": date(2026, 4, 1), "priority": "1", "essential_utility": "16", "wish_utility": "20"},
]


def test_the_utilities_in_force_are_taken():
    assert utilities(ROWS, 1, date(2026, 3, 31)) == (8.0, 10.0)
    assert utilities(ROWS, 1, date(2026, 4, 1)) == (16.0, 20.0)
    for priority, on in ((2, date(2026, 4, 1)), (1, date(2019, 12, 31))):
        with pytest.raises(GoalError, match="no utility"):
            utilities(ROWS, priority, on)


@pytest.mark.parametrize(
    ("goals", "why"),
    [
        ([], "0 goals"), ([DatedGoal(1, ((1, 1),))] * 11, "11 goals"), ([DatedGoal(13, ((1, 1),))], "outside"),
        ([DatedGoal(-1, ((1, 1),))], "outside"), ([DatedGoal(1, ())], "above 0"), ([DatedGoal(1, ((0, 1),))], "above 0"),
        ([DatedGoal(1, ((1, math.nan),))], "above 0"), ([DatedGoal(1, ((2, 1), (1, 2)))], "rise"),
        ([DatedGoal(1, ((1, 2), (2, 2)))], "rise"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(goals, why):
    with pytest.raises(GoalError, match=why):
        shared_plan(LADDER, 100, [0] * 12, goals)
    with pytest.raises(GoalError, match="no portfolio"):
        shared_plan([], 100, [0] * 12, [DatedGoal(1, ((1, 1),))])
