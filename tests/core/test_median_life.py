"""Asset life at the median return: month by month in exact fractions, and by what must be so."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.goals.decumulation import asset_life
from tsutsumi.core.goals.median_life import MOST_MONTHS, median_growth, median_lives, payment_sums
from tsutsumi.core.goals.portfolio import Portfolio

NOW, DRAWN = st.integers(0, 10**9), st.integers(1_000, 10**7)
MEAN, RISK = st.integers(-200_000, 300_000), st.integers(0, 600_000)


def life(now, drawn, mean=0, risk=0):
    return int(median_lives(np.array([now]), np.array([drawn]), np.array([mean]), np.array([risk]))[0])


@given(NOW, DRAWN, MEAN, RISK)
def test_month_by_month_the_last_payment_is_there_and_the_next_is_not(now, drawn, mean, risk):
    """In exact fractions; a yen in 10^12 is what double precision may take from a tie."""
    made, growth = life(now, drawn, mean, risk), Fraction(median_growth(mean, risk))
    money, near = Fraction(now), Fraction(now + drawn, 10**9)
    for _ in range(MOST_MONTHS + 1 if made < 0 else made):
        assert money >= drawn - near
        money, near = (money - drawn) * growth, near * max(growth, 1)
        money, near = Fraction(int(money * 10**9), 10**9), Fraction(int(near * 10**9) + 2, 10**9)
    assert made < 0 or money < drawn + near


@given(NOW, DRAWN, MEAN, RISK, st.integers(0, 10**6), st.integers(0, 100_000))
def test_more_money_and_a_better_mean_never_shorten_it_and_more_drawn_never_lengthens_it(now, drawn, mean, risk, more, better):
    def months(*of):
        told = life(*of)
        return MOST_MONTHS + 1 if told < 0 else told

    first = months(now, drawn, mean, risk)
    assert months(now + more, drawn, mean, risk) >= first >= months(now, drawn + more, mean, risk)
    assert months(now, drawn, mean + better, risk) >= first >= months(now, drawn, mean, risk + better)


def test_the_growth_is_that_of_the_median_year():
    held = Portfolio.from_simple(0.05, 0.15)
    assert abs(median_growth(50_000, 150_000) - np.exp(held.monthly[0])) < 1e-12
    assert payment_sums(-999_999, 100_000_000)[-1] == np.inf and life(10**15, 1, -999_999, 100_000_000) == 13


def test_many_goals_of_several_laws_are_told_each_as_alone():
    dice = np.random.default_rng(5)
    columns = (dice.integers(-1_000, 10**8, 300), dice.integers(1_000, 10**6, 300),
               dice.choice([-20_000, 0, 30_000, 60_000], 300), dice.choice([0, 80_000, 200_000], 300))
    assert median_lives(*columns).tolist() == [life(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    assert median_lives(*(column[:0] for column in columns)).tolist() == []


def test_without_risk_it_is_the_exact_life_of_the_schedule():
    held = Portfolio.from_simple(0.03, 0.0)
    assert life(10_000_000, 60_000, 30_000) == asset_life(held.mu, held.vol, 10_000_000, [-60_000] * 1_201).p50
