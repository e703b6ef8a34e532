"""The exact probability of any schedule of payments: closed forms, random walks, and what must hold for every goal."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.goals.density import mass_below, quantile
from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.portfolio import GoalError
from tsutsumi.core.goals.schedule import schedule_course, schedule_probability

PATHS = 200_000


def walked(mu, vol, now, payments, target=0.0, at_end=False, first=1.0, keep=None, seed=1) -> float:
    """Return the share of random walks that reach the goal, every sentence of the convention in a line."""
    chance = np.random.default_rng(seed)
    wealth, alive = np.full(PATHS, float(now)), np.ones(PATHS, bool)
    for month, payment in enumerate(payments):
        length = first if month == 0 else 1.0
        shocks = chance.standard_normal(PATHS // 2)
        shocks = np.concatenate((shocks, -shocks))
        growth = np.exp((mu - vol**2 / 2) / 12 * length + vol * math.sqrt(length / 12) * shocks)
        kept = 1.0 if keep is None else keep[month]
        wealth = wealth * growth * kept + payment if at_end else wealth * kept + payment
        alive &= wealth >= 0
        wealth = np.where(alive, wealth, 0.0)
        if not at_end:
            wealth = wealth * growth
    return float((alive & (wealth >= target)).mean())


WALKS = {
    "saving": (0.05, 0.15, 1e6, [3e4] * 180, 1e7, False, 1.0),
    "saving from nothing": (0.07, 0.25, 0, [3e4] * 120, 5e6, False, 1.0),
    "drawing to the end": (0.05, 0.15, 1e7, [-6e4] * 240, 0, False, 1.0),
    "drawing at the end of months, begun month": (0.05, 0.15, 1e7, [-5e4] * 240, 0, True, 0.4),
    "saving, then drawing": (0.04, 0.10, 0, [3e4] * 240 + [-6e4] * 240, 0, False, 1.0),
    "saving, then drawing, with something left": (0.04, 0.10, 0, [3e4] * 240 + [-6e4] * 240, 1e6, True, 0.3),
    "bonus months": (0.06, 0.20, 2e6, ([2e4] * 5 + [1.2e5]) * 40, 2e7, False, 0.1),
    "drawing, then saving: ruin is not forgiven": (0.05, 0.20, 1e7, [-8e4] * 120 + [3e4] * 120, 3e6, False, 1.0),
    "in and out every other month": (0.05, 0.25, 1e6, [3e4, -2.5e4] * 120, 1e6, False, 1.0),
    "nothing, then a legacy, then drawing": (0.07, 0.22, 1e6, [0] * 60 + [5e6] + [-5e4] * 180, 0, False, 1.0),
    "saving that stops half way": (0.05, 0.18, 1e6, [4e4] * 90 + [0] * 90, 8e6, False, 1.0),
    "growing saving": (0.05, 0.15, 0, [2e4 * 1.03 ** (m // 12) for m in range(240)], 1e7, False, 1.0),
    "hardly any risk": (0.02, 0.02, 1e7, [-5e4] * 245, 0, False, 1.0),
    "much risk, fifty years": (0.09, 0.30, 1e7, [-6e4] * 600, 0, False, 1.0),
    "one large one-off": (0.05, 0.15, 5e6, [0] * 59 + [-5e6] + [0] * 60, 1e6, False, 1.0),
}


@pytest.mark.parametrize("name", WALKS)
def test_the_density_agrees_with_walks(name):
    exact, counted = schedule_probability(*WALKS[name]), walked(*WALKS[name])
    assert abs(exact - counted) < 4.5 * math.sqrt(exact * (1 - exact) / PATHS) + 1e-5, (exact, counted)


def test_a_share_drawn_each_month_after_saving_agrees_with_walks():
    keep = [1.0] * 60 + [1 - 0.05 / 12] * 120
    goal = (0.05, 0.15, 1e6, [3e4] * 60 + [0] * 120, 2e6, False, 0.5, keep)
    assert abs(schedule_probability(*goal) - walked(*goal)) < 0.005


def test_a_lump_sum_has_its_closed_form():
    assert abs(schedule_probability(0.05, 0.15, 5e6, [0] * 120, 8e6) - 0.430959) < 5e-7
    for first in (1.0, 0.5, 0.03):
        years = (119 + first) / 12
        right = below((math.log(5 / 8) + (0.05 - 0.15**2 / 2) * years) / (0.15 * math.sqrt(years)))
        assert abs(schedule_probability(0.05, 0.15, 5e6, [0] * 120, 8e6, first=first) - right) < 1e-9


def test_a_ruin_is_not_made_good_by_later_money():
    right = below((math.log(100 / 90) + (0.05 - 0.02) / 12) / (0.2 / math.sqrt(12)))
    assert abs(schedule_probability(0.05, 0.2, 100, [0, -90, 10**6, 0]) - right) < 1e-9


def test_drawing_everything_is_no_ruin_and_one_more_yen_is():
    assert schedule_probability(0.05, 0.2, 100, [-100, 0, 50], 10) > 0.99
    assert schedule_probability(0.05, 0.2, 100, [-101, 0, 50], 10) == 0.0
    assert schedule_probability(0.05, 0.2, 0, [0] * 12) == 1.0
    assert schedule_probability(0.05, 0.2, 0, [0] * 12, 1) == 0.0


def test_no_month_is_certain():
    assert [schedule_probability(0.05, 0.2, 100, [], goal) for goal in (100, 101)] == [1.0, 0.0]


def test_no_risk_is_arithmetic():
    assert schedule_probability(0.0, 0.0, 1_200, [-100] * 12) == 1.0
    assert schedule_probability(0.0, 0.0, 1_199, [-100] * 12) == 0.0
    assert schedule_probability(math.log(1.01) * 12, 0.0, 0, [100, 100], 203.01 - 1e-6) == 1.0
    assert schedule_probability(0.0, 0.0, 100, [0, 0], 25, keep=[0.5, 0.5]) == 1.0
    assert schedule_probability(0.0, 0.0, 100, [0, 0], 26, keep=[0.5, 0.5]) == 0.0


def test_a_share_drawn_has_its_closed_form_and_never_ruins():
    keep = [1 - 0.06 / 12] * 240
    kept = 3e7 * (1 - 0.06 / 12) ** 240
    right = below((math.log(kept / 1e7) + (0.04 - 0.005) * 20) / (0.1 * math.sqrt(20)))
    assert abs(schedule_probability(0.04, 0.1, 3e7, [0] * 240, 1e7, keep=keep) - right) < 1e-9
    assert schedule_probability(0.04, 0.1, 3e7, [0] * 240, 0, keep=keep) == pytest.approx(1.0, abs=1e-9)
    assert schedule_probability(0.04, 0.1, 3e7, [0] * 12, 0, keep=[0.5] * 11 + [0.0]) == pytest.approx(1.0, abs=1e-9)
    assert schedule_probability(0.04, 0.1, 3e7, [0] * 12, 1, keep=[0.5] * 11 + [0.0]) == 0.0


schedules = st.builds(
    lambda seed, months, kind: np.random.default_rng(seed).normal((3e4, -3e4, 0.0)[kind], (1e3, 1e3, 5e4)[kind], months),
    st.integers(0, 10**6), st.integers(1, 60), st.integers(0, 2),
)
markets = st.tuples(st.floats(-0.02, 0.1), st.sampled_from([0.0, 0.005, 0.03, 0.1, 0.2, 0.3]))
money = st.floats(0, 1e7)
more = st.floats(0, 1e6)


@settings(max_examples=60, deadline=None)
@given(markets, money, schedules, money, st.booleans(), st.sampled_from([1.0, 0.3]), more)
def test_more_money_is_never_less_likely_to_be_enough(market, now, paid, goal, at_end, first, extra):
    found = schedule_probability(*market, now, paid, goal, at_end, first)
    assert 0.0 <= found <= 1.0
    assert schedule_probability(*market, now + extra, paid, goal, at_end, first) >= found - 1e-7
    assert schedule_probability(*market, now, paid + extra / 10, goal, at_end, first) >= found - 1e-7
    assert schedule_probability(*market, now, paid, goal + extra, at_end, first) <= found + 1e-7


@settings(max_examples=40, deadline=None)
@given(markets, money, schedules, money)
def test_the_unit_of_money_does_not_matter_and_the_end_of_a_month_is_the_start_of_the_next(market, now, paid, goal):
    found = schedule_probability(*market, now, paid, goal)
    assert schedule_probability(*market, now / 1e4, paid / 1e4, goal / 1e4) == pytest.approx(found, abs=1e-7)
    later = schedule_probability(*market, now, paid, goal, True)
    if paid[-1] == 0 or goal + max(0, -paid[-1]) == 0:
        return
    again = schedule_probability(*market, now, [0, *paid[:-1]], max(goal - paid[-1], -paid[-1], 0.0))
    assert later == pytest.approx(again, abs=1e-7)


def test_the_chance_of_no_ruin_falls_month_by_month_and_ends_at_the_probability():
    paid = [-5e4] * 120
    course = schedule_course(0.04, 0.15, 5e6, paid)
    assert course.alive.size == 121 and (np.diff(course.alive) <= 1e-12).all()
    assert course.alive[-1] == pytest.approx(course.probability, abs=1e-9)
    for month in (40, 90, 119):
        assert course.alive[month] == pytest.approx(schedule_probability(0.04, 0.15, 5e6, paid[: month + 1]), abs=1e-7)


@pytest.mark.parametrize("at_end", [False, True])
def test_a_quantile_is_reached_as_often_as_it_says(at_end):
    paid = [2e4] * 60 + [-3e4] * 60
    course = schedule_course(0.05, 0.2, 2e6, paid, at_end=at_end, months=[12, 60, 100, 120], shares=[0.05, 0.5, 0.95])
    for month, row in zip([12, 60, 100, 120], course.quantiles, strict=True):
        for share, value in zip([0.05, 0.5, 0.95], row, strict=True):
            if value > 0:
                found = schedule_probability(0.05, 0.2, 2e6, paid[:month], float(value), at_end)
                assert found == pytest.approx(1 - share, abs=1e-6)


def test_ruined_outcomes_count_as_nothing_even_when_money_comes_later():
    course = schedule_course(0.0, 0.2, 1_000, [-100] * 12 + [500] * 12, at_end=True, months=[24], shares=[0.05, 0.5, 0.95])
    assert course.probability < 0.1 and course.quantiles[0, 1] == 0.0


def test_the_mass_and_the_quantile_of_a_mixture_are_inverse():
    centres, weights = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert mass_below(centres, weights, 0.1, 0.5) == pytest.approx(0.5, abs=1e-6)
    assert quantile(centres, weights, 0.1, 0.0, 0.25) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"mu": math.nan}, "not finite"), ({"vol": math.inf}, "not finite"), ({"payments": [1, math.nan]}, "not finite"),
        ({"vol": -0.1}, "negative"), ({"now": -1}, "negative"), ({"first": 0}, "first month"), ({"first": 1.5}, "first month"),
        ({"keep": [0.5]}, "keep"), ({"keep": [0.5, 1.5]}, "keep"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_goal_is_refused(changed, why):
    goal = {"mu": 0.05, "vol": 0.1, "now": 100, "payments": [1, 1]} | changed
    with pytest.raises(GoalError, match=why):
        schedule_probability(**goal)
