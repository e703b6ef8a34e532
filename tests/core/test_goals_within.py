"""Goals on any day: the part of a month first; closed forms, a seeded simulation, and the same bits whoever stands beside."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from tsutsumi.core.goals.within import odds, probabilities_within

BOOK = 4_000


def law(mean, risk):
    """Mean and standard deviation of a month's log-return."""
    variance = math.log(1 + (risk / (1 + mean)) ** 2)
    return (math.log(1 + mean) - variance / 2) / 12, math.sqrt(variance / 12)


def book():
    """Goals of every kind: parts of a month, short ones, saving and drawing, without money."""
    draws = np.random.default_rng(7)
    short = draws.random(BOOK) < 0.4
    months = np.where(short, draws.integers(0, 14_000_000, BOOK), draws.integers(14_000_000, 420_000_000, BOOK))
    model = draws.integers(0, 6, BOOK)
    now = np.where(draws.random(BOOK) < 0.1, 0, draws.integers(1, 30_000_000, BOOK))
    return [now, draws.integers(-50_000, 100_000, BOOK), draws.integers(0, 40_000_000, BOOK), months,
            (20_000 + 3_000 * model) / 1e6, (30_000 * model) / 1e6]


@pytest.mark.parametrize("months_ppm", [1, 500_000, 999_999, 1_000_001, 1_500_000, 11_250_000, 12_750_000, 240_033_333])
def test_a_lump_sum_is_the_normal_law_on_any_day(months_ppm):
    nu, sigma = law(0.04, 0.12)
    months = months_ppm / 1e6
    target = 3_000_000 * math.exp(nu * months + 0.4 * sigma * math.sqrt(months))
    closed = NormalDist().cdf((math.log(3_000_000 / target) + nu * months) / (sigma * math.sqrt(months)))
    assert probabilities_within([3_000_000], [0], [target], [months_ppm], [0.04], [0.12])[0] == pytest.approx(closed, abs=2e-4)


@pytest.mark.parametrize(("now", "monthly", "target", "months_ppm"), [
    (300_000, 40_000, 1_000_000, 16_400_000), (900_000, -50_000, 0, 18_700_000), (200_000, 30_000, 400_000, 6_500_000),
    (120_000, -100_000, 20_000, 1_300_000), (400_000, -50_000, 0, 8_200_000),
])
def test_payments_after_a_part_of_a_month_agree_with_a_simulation(now, monthly, target, months_ppm):
    nu, sigma = law(0.05, 0.2)
    draws, part = np.random.default_rng(3), months_ppm % 1_000_000 / 1e6
    paths = now * np.exp(nu * part + sigma * math.sqrt(part) * draws.standard_normal(400_000))
    for _ in range(months_ppm // 1_000_000):
        paths = np.where(paths + monthly >= 0, paths + monthly, -math.inf) * np.exp(nu + sigma * draws.standard_normal(paths.size))
    share = (paths >= target).mean()
    told = probabilities_within([now], [monthly], [target], [months_ppm], [0.05], [0.2])[0]
    assert 0.02 < share < 0.98 and told == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / paths.size) + 1e-3)


@pytest.mark.parametrize("parts", [2, 3, 400])
def test_a_goal_has_the_same_bits_whoever_stands_beside_it(parts):
    columns = book()
    whole, cut = probabilities_within(*columns), np.empty(BOOK)
    for number in range(parts):
        cut[number::parts] = probabilities_within(*(column[number::parts] for column in columns))
    assert whole.tobytes() == cut.tobytes()


def test_without_risk_the_part_of_a_month_only_grows():
    grown = 1_000_000 * 1.12 ** (1.5 / 12)  # half a month, then one month with its payment
    money = int(grown + 10_000 * 1.12 ** (1 / 12))
    assert odds(*(np.array([n]) for n in (1_000_000, 10_000, money, 1_500_000, 120_000, 0))).tolist() == [1_000_000]
    assert odds(*(np.array([n]) for n in (1_000_000, 10_000, money + 1, 1_500_000, 120_000, 0))).tolist() == [0]


def test_money_below_zero_counts_as_none_and_what_is_no_goal_is_not_told():
    assert odds(*(np.array([n]) for n in (-5, 0, 100, 0, 0, 0))).tolist() == [0]
    assert odds(*(np.array([n]) for n in (0, 0, 100, 12_000_000, 10_000, 10_000))).tolist() == [-1]
