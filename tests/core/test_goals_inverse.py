"""What a wanted probability needs, and the permitted portfolios side by side: smallest whole yen, checked on both sides."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.app.bench.goals import random_goals
from tsutsumi.core.goals.inverse import (
    drawable_yen,
    lasting_months,
    need_monthly_yen,
    need_months,
    need_now_yen,
    reachable_target_yen,
)
from tsutsumi.core.goals.ladder import best, ladder, least_risk, one_probability, shown_percent, stored_ppm
from tsutsumi.core.goals.lookup import probability
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.refusal import checked_goal, refusal, row_refusal
from tsutsumi.core.goals.table import build_table

MIDDLE = Portfolio(0.05, 0.15)


@pytest.fixture(scope="module")
def table():
    """Return the table of the middle portfolio."""
    return build_table(MIDDLE)


@pytest.mark.parametrize("at_end", [False, True])
def test_whole_yen_are_the_smallest_that_do(table, at_end):
    now, monthly, target, months = random_goals(MIDDLE, 3_000, np.random.default_rng(7))
    want = np.random.default_rng(8).uniform(0.05, 0.95, now.size)

    def chance(w, c, g):
        return np.where((w == 0) & (c == 0), g <= 0, probability(table, w, c, g, months, at_end))

    needed = need_monthly_yen(table, now, target, months, want, at_end)
    assert (chance(now, needed, target) >= want).all()
    assert ((chance(now, np.maximum(needed - 1, 0), target) < want) | (needed == 0)).all()
    more = need_now_yen(table, now, monthly, target, months, want, at_end)
    assert (chance(now + more, monthly, target) >= want).all()
    assert ((chance(now + np.maximum(more - 1, 0), monthly, target) < want) | (more == 0)).all()
    reached = reachable_target_yen(table, now, monthly, months, want, at_end)
    some = reached >= 0
    assert some.any() and not some.all()
    assert (chance(now, monthly, reached) >= want)[some].all() and (chance(now, monthly, reached + 1) < want).all()
    drawn = drawable_yen(table, now, np.minimum(target, now / 2), months, want, at_end)
    some = (drawn >= 0) & ((now > 0) | (drawn > 0))
    left = np.minimum(target, now / 2)
    assert (chance(now, -drawn, left) >= want)[some].all() and (chance(now, -drawn - 1, left) < want)[drawn >= 0].all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3_000_000), st.integers(0, 20_000_000), st.integers(1, 240), st.floats(0.05, 0.95))
def test_a_portfolio_without_a_table_needs_the_same_to_a_few_hundredths(now, target, months, want):
    yen = int(need_monthly_yen(MIDDLE, now, target, months, want)[0])
    if now or yen:
        assert one_probability(MIDDLE, now, yen, target, months) >= want
    if yen and (now or yen > 1):
        assert one_probability(MIDDLE, now, yen - 1, target, months) < want


def test_months(table):
    assert need_months(MIDDLE, 1_000, 10, 1_000, 0.9)[0] == 0
    needed = need_months(table, 1_000_000, 30_000, 5_000_000, 0.8)[0]
    chances = probability(table, 1_000_000, 30_000, 5_000_000, np.array([needed - 1, needed]))
    assert chances[0] < 0.8 <= chances[1]
    assert need_months(table, 1_000_000, 0, 10**12, 0.8)[0] == -1
    lasting = lasting_months(table, 10_000_000, -60_000, 0, 0.8)[0]
    chances = probability(table, 10_000_000, -60_000, 0, np.array([lasting, lasting + 1]))
    assert chances[0] >= 0.8 > chances[1]
    assert lasting_months(table, 10_000_000, -1, 0, 0.8, limit=24)[0] == 24
    with pytest.raises(ValueError, match="limit"):
        need_months(table, 1, 1, 1, 0.5, limit=9_999)


def test_edges_of_needs():
    sure = Portfolio(0.0, 0.0)
    assert need_monthly_yen(sure, 0, 120_001, 12, 0.5)[0] == 10_001
    assert need_monthly_yen(MIDDLE, 0, 0, 12, 0.9)[0] == 0
    assert need_monthly_yen(MIDDLE, 5, 6, 0, 0.9)[0] == -1, "no month is left to pay in"
    assert need_now_yen(sure, 0, -10_000, 0, 12, 0.9)[0] == 120_000
    assert reachable_target_yen(sure, 0, -1, 12, 0.9)[0] == -1
    for want in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(GoalError, match="want"):
            need_monthly_yen(MIDDLE, 0, 1, 12, want)


def test_the_ladder_has_a_peak():
    """More risk is not always better nor worse: of five portfolios the middle one is."""
    rungs = ladder(
        [Portfolio(mu, vol) for mu, vol in ((0.01, 0.02), (0.03, 0.06), (0.045, 0.12), (0.055, 0.2), (0.06, 0.3))],
        5_000_000, 20_000, 11_000_000, 180, want=0.8,
    )
    chances = [rung.probability for rung in rungs]
    top = chances.index(max(chances))
    assert 0 < top < 4 and best(rungs) is rungs[top]
    enough = [rung.portfolio.vol for rung in rungs if rung.probability >= 0.5]
    assert least_risk(rungs, 0.99) is None and least_risk(rungs, 0.5).portfolio.vol == min(enough)
    for rung in rungs:
        assert one_probability(rung.portfolio, 5_000_000, rung.need_monthly_yen, 11_000_000, 180) >= 0.8
    assert ladder([MIDDLE], 1, 0, 1, 12)[0].need_monthly_yen is None


@given(st.floats(0, 1))
def test_what_is_shown_is_certain_only_where_it_is(chance):
    percent, ppm = shown_percent(chance), stored_ppm(chance)
    assert (percent in (0, 100)) == (ppm in (0, 1_000_000)) == (chance in (0.0, 1.0))
    assert abs(percent / 100 - chance) <= 0.01 and abs(ppm / 1e6 - chance) <= 1e-6


BAD = [
    ((None, 0, 1, 12), "now is missing"), ((1, math.nan, 1, 12), "monthly nan"), ((1, 0, math.inf, 12), "target inf"),
    ((1, 0, 1, 0), "months 0"), ((1, 0, 1, -3), "months -3"), ((1, 0, 1, 1.5), "months 1.5"), ((1, 0, 1, 2_401), "months 2401"),
    ((-1, 5, 1, 12), "now -1 is negative"), ((0, 0, 1, 12), "no money and no payment"), ((1e16, 0, 1, 12), "too large"),
]


@pytest.mark.parametrize(("goal", "reason"), BAD)
def test_what_is_no_goal_is_refused_with_a_reason(goal, reason):
    assert reason in refusal(*goal) and reason in row_refusal(*goal, 0.05, 0.1)
    assert "\n" not in refusal(*goal)
    with pytest.raises(GoalError, match=reason.split()[0]):
        checked_goal(*goal)


def test_rows_are_refused_for_their_portfolio_too():
    goal = (1, 0, 1, 12)
    assert row_refusal(*goal, 0.05, 0.1) == row_refusal(*goal, -3.0, 0.1, log=True) == ""
    assert "mean" in row_refusal(*goal, -1.0, 0.1) and "risk" in row_refusal(*goal, 0.05, -0.1)
    assert "mean is missing" in row_refusal(*goal, None, 0.1) and "risk nan" in row_refusal(*goal, 0.05, math.nan)
