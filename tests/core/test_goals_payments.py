"""Growing payments, bonus months and a goal seen from within a month: against the exact law of any schedule."""

import math

import numpy as np
import pytest

from tsutsumi.core.goals.lookup import probability
from tsutsumi.core.goals.payments import deflated, probability_from_within, probability_with_bonus, target_of_today
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.schedule import schedule_probability
from tsutsumi.core.goals.table import build_table

MU, VOL = 0.05, 0.15
GOALS = [  # now, monthly, target, months
    (1_000_000, 30_000, 6_000_000, 120), (0, 20_000, 900_000, 41), (10_000_000, -60_000, 0, 240),
    (10_000_000, -60_000, 4_000_000, 100), (1_000_000, -240_000, 0, 4), (1_000_000, -300_000, 10_000, 3),
    (1_000_000, -980_000, 500, 1), (1_000_000, -1_000_000, 0, 1),
    (1_000_000, 50_000, 1_300_000, 5), (1_000_000, 0, 1_300_000, 24),
]


@pytest.fixture(scope="module")
def table():
    """Return the table of one portfolio."""
    return build_table(Portfolio(MU, VOL))


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("growth", [0.02, -0.01])
def test_growing_payments_are_even_ones_in_money_of_today(growth, at_end):
    real = build_table(deflated(Portfolio(MU, VOL), growth))
    for now, monthly, target, months in GOALS:
        paid = [monthly * (1 + growth) ** ((k + at_end) / 12) for k in range(months)]
        told = probability(real, now, monthly, target_of_today(target, months, growth), months, at_end)[0]
        assert told == pytest.approx(schedule_probability(MU, VOL, now, paid, target, at_end), abs=1e-4)
    for bad in (-1.0, math.nan):
        with pytest.raises(GoalError, match="growth"):
            deflated(Portfolio(MU, VOL), bad)


@pytest.mark.parametrize("part", [0.03, 0.5, 1.0])
@pytest.mark.parametrize("at_end", [False, True])
def test_within_a_month(table, part, at_end):
    now, monthly, target, months = (np.array(column) for column in zip(*GOALS, strict=True))
    told = probability_from_within(table, now, monthly, target, months, part, at_end)
    for goal, chance in zip(GOALS, told, strict=True):
        w, c, g, t = goal
        assert chance == pytest.approx(schedule_probability(MU, VOL, w, [0, *[c] * t], g, at_end, first=part), abs=2e-4), goal


def test_within_the_last_month_and_on_its_edges(table):
    told = probability_from_within(table, 100, 0, [110, 0, -5], 0, 0.5)
    assert told[0] == pytest.approx(schedule_probability(MU, VOL, 100, [0], 110, first=0.5), abs=1e-9)
    assert told[1:].tolist() == [1.0, 1.0]
    assert probability_from_within(table, 100, 5, 130, 24, 0)[0] == probability(table, 100, 5, 130, 24)[0]
    assert probability_from_within(table, 0, 5, 130, 24, 0.7)[0] == pytest.approx(probability(table, 0, 5, 130, 24)[0], abs=1e-12)
    assert np.isnan(probability_from_within(table, [0, -1, 1], [0, 1, math.nan], 1, 12, 0.5)).all()
    sure = build_table(Portfolio(0.0, 0.0), 12)
    assert probability_from_within(sure, 100, 5, [160, 161], 12, 0.5).tolist() == [1.0, 0.0]
    for part in (-0.1, 1.1, math.nan):
        with pytest.raises(GoalError, match="part"):
            probability_from_within(table, 1, 1, 1, 12, part)


@pytest.mark.parametrize("at_end", [False, True])
def test_bonus_months(table, at_end):
    now, monthly, target, months = (np.array(column) for column in zip(*GOALS, strict=True))
    told = probability_with_bonus(table, now, monthly * 0.7, monthly * 1.8, target, months, (5, 11), at_end)
    for goal, chance in zip(GOALS, told, strict=True):
        w, c, g, t = goal
        paid = [c * 0.7 + (c * 1.8 if k % 12 in (5, 11) else 0) for k in range(t)]
        assert chance == pytest.approx(schedule_probability(MU, VOL, w, paid, g, at_end), abs=1e-3), goal


def test_bonus_edges(table):
    even = probability(table, 1e6, 3e4, 5e6, 120)
    assert probability_with_bonus(table, 1e6, 3e4, 0, 5e6, 120, (5,))[0] == pytest.approx(even[0], abs=1e-9)
    only = probability_with_bonus(table, 0, 0, 300_000, 1_000_000, [3, 36], (5, 11))
    assert only[0] == 0.0 and only[1] == pytest.approx(
        schedule_probability(MU, VOL, 0, [300_000 if k % 12 in (5, 11) else 0 for k in range(36)], 1_000_000), abs=2e-3
    )
    short = build_table(Portfolio(MU, VOL), 12)
    assert probability_with_bonus(short, 1e6, 3e4, 1e5, 5e6, 120, (5,))[0] == schedule_probability(
        MU, VOL, 1e6, [3e4 + (1e5 if k % 12 == 5 else 0) for k in range(120)], 5e6
    )
    assert probability_with_bonus(table, 100, -10, -90, 0, [1, 2], (0,)).tolist() == [1.0, 0.0]
    assert np.isnan(probability_with_bonus(table, 0, 0, 0, 1, 12, ()))
    with pytest.raises(GoalError, match="bonus months"):
        probability_with_bonus(table, 1, 1, 1, 1, 12, (12,))
    with pytest.raises(GoalError, match="opposite"):
        probability_with_bonus(table, 1, 1, -1, 1, 12, (5,))
