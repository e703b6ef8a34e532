"""Shared scenarios: the same bytes everywhere, close to the exact law; and the fan, which is exact."""

import hashlib
import math

import numpy as np
import pytest

from tsutsumi.core.goals.scenarios import PATHS, fan, monthly_factors, probability_by_scenarios, stored_ranks, whole_yen
from tsutsumi.core.goals.schedule import schedule_probability


def test_the_stored_scenarios_are_the_same_bytes_everywhere():
    ranks = stored_ranks(600)
    assert ranks.dtype == np.uint16 and ranks.shape == (600, PATHS)
    digest = hashlib.sha256(ranks.astype("<u2").tobytes()).hexdigest()
    assert digest == "34197946019c9cd524be31e755237425065b579224976dbef33246d56f48aa26"
    assert not ranks.flags.writeable


def test_every_month_draws_each_stratum_once_and_longer_ones_begin_with_the_shorter():
    ranks = stored_ranks(700)
    assert (np.sort(ranks, axis=1) == np.arange(PATHS)).all()
    assert (ranks[:600] == stored_ranks(600)).all()


def test_a_month_has_the_mean_and_the_risk_of_the_portfolio():
    factors = np.log(monthly_factors(0.06, 0.2))
    assert factors.mean() == pytest.approx((0.06 - 0.02) / 12, abs=1e-9)
    assert factors.std() == pytest.approx(0.2 / math.sqrt(12), rel=1e-5)


def test_months_are_independent_of_each_other():
    shocks = np.log(monthly_factors(0.0, 1.0))[stored_ranks(60).astype(int)]
    correlations = np.corrcoef(shocks)[np.triu_indices(60, 1)]
    assert np.abs(correlations).max() < 4.5 / math.sqrt(PATHS)
    assert math.sqrt((correlations**2).mean()) < 1.1 / math.sqrt(PATHS)


GOALS = [
    (0.05, 0.15, 5e6, [0] * 120, 8e6, False, 1.0),
    (0.05, 0.15, 1e6, [3e4] * 180, 1e7, False, 1.0),
    (0.04, 0.10, 0, [3e4] * 480, 4e7, True, 0.4),
    (0.05, 0.20, 1e7, [-6e4] * 240, 0, False, 1.0),
    (0.04, 0.10, 0, [3e4] * 240 + [-6e4] * 240, 0, False, 0.1),
    (0.03, 0.30, 1e6, ([2e4] * 5 + [1e5]) * 60, 2e7, True, 1.0),
]


@pytest.mark.parametrize("goal", GOALS)
def test_the_scenarios_are_close_to_the_exact_probability(goal):
    assert abs(probability_by_scenarios(*goal) - schedule_probability(*goal)) < 0.006


def test_a_lump_sum_needs_no_luck():
    errors = [
        probability_by_scenarios(0.05, 0.15, 100, [0] * months, goal) - schedule_probability(0.05, 0.15, 100, [0] * months, goal)
        for months in (1, 12, 60, 240, 480) for goal in (80, 110, 150, 250)
    ]
    assert math.sqrt(sum(error**2 for error in errors) / len(errors)) < 0.0008


def test_the_fan_of_a_lump_sum_has_its_closed_form():
    rows = fan(0.05, 0.15, 5_000_000, [0] * 130)
    assert [row["year"] for row in rows] == [*range(11), 130 / 12]
    for row in rows[1:]:
        for name, z in {"p5": -1.6448536, "p25": -0.6744898, "p50": 0.0, "p75": 0.6744898, "p95": 1.6448536}.items():
            years = row["year"]
            right = 5_000_000 * math.exp((0.05 - 0.15**2 / 2) * years + 0.15 * math.sqrt(years) * z)
            assert abs(row[name] - right) < 2 + right * 1e-6


def test_the_fan_agrees_with_the_scenarios():
    paid = [30_000] * 120 + [-60_000] * 120
    exact = fan(0.05, 0.15, 3_000_000, paid)
    factors, ranks = monthly_factors(0.05, 0.15), stored_ranks(240)
    wealth = np.full(PATHS, 3_000_000.0)
    for month, payment in enumerate(paid):
        wealth = np.where(wealth + payment >= 0, (wealth + payment) * factors[ranks[month]], -np.inf)
        if (month + 1) % 12 == 0:
            row = exact[(month + 1) // 12]
            for name, share in (("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95)):
                counted = max(float(np.quantile(wealth, share)), 0.0)
                assert abs(row[name] - counted) < 0.02 * counted + 60_000, row


def test_the_fan_is_ordered_and_counts_ruin_as_nothing():
    rows = fan(0.02, 0.2, 5_000_000, [-60_000] * 120)
    for row in rows:
        assert 0 <= row["p5"] <= row["p25"] <= row["p50"] <= row["p75"] <= row["p95"]
        assert all(type(row[name]) is int for name in ("p5", "p25", "p50", "p75", "p95"))
    assert rows[-1]["p5"] == 0 and rows[-1]["p95"] > 0
    assert fan(0.02, 0.2, 5_000_000, []) == [{"year": 0} | dict.fromkeys(("p5", "p25", "p50", "p75", "p95"), 5_000_000)]


def test_a_figure_is_shown_in_whole_yen():
    assert [whole_yen(value) for value in (0.5, 1.49, -0.5, 1e13 + 0.25)] == [1, 1, -1, 10**13]
