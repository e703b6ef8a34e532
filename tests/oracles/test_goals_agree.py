"""`tsutsumi goal` and walks with every payment played agree; more money is never less likely to be enough."""

import random

import numpy as np
import pytest

from tests.oracles.goals_asked import PRINTED, WORST, cases, probabilities, single
from tests.oracles.goals_oracle import (
    Goal,
    Portfolio,
    better,
    exact,
    frequencies,
    plays_out,
    random_goal,
    random_portfolio,
)

PORTFOLIOS = [(600, 0.30), (600, 0.15), (480, 0.25), (360, 0.08), (240, 0.02), (120, 0.30), (60, 0.005), (24, 0.18)]  # months, vol
WALKS, FUZZ_WALKS = 200_000, 10_000_000
GOALS, FUZZ_GOALS = 8, 40


def differences(portfolio: Portfolio, goals: list[Goal], found: list[float], walks: int, seed: int) -> tuple[list[str], str]:
    """-> the goals that differ by more than 0.1 percentage point and four standard errors; the worst of all in a line"""
    expected, errors = frequencies(portfolio, goals, walks, seed)
    gaps = np.abs(np.array(found) - expected)
    wrong = [
        f"{portfolio} {goal}: walks {expected[n]:.6f} ± {errors[n]:.6f}, told {found[n]:.6f}"
        for n, goal in enumerate(goals)
        if gaps[n] > WORST + 4 * errors[n] + PRINTED
    ]
    worst = int(np.argmax(gaps))
    told = f"worst {gaps[worst]:.6f} (error {errors[worst]:.6f}) at {goals[worst]} on {portfolio}; mean {gaps.mean():.6f}"
    return wrong, f"{told}; largest in errors {np.max((gaps - PRINTED) / errors):.2f}"


# --------------------------------------------------------------------------------------------------- the oracle with itself
def test_the_compiled_walks_win_as_often_as_those_in_plain_python():
    rng = random.Random(5)
    pairs = 512
    for seed in range(4):
        portfolio = random_portfolio(rng)
        goals = [random_goal(rng, portfolio, 24, at_end=bool(n % 2)) for n in range(12)]
        found, _errors = frequencies(portfolio, goals, 2 * 2 * pairs, seed)
        chance = np.random.Generator(np.random.SFC64(seed))
        months = max(goal.months for goal in goals)
        blocks = [chance.standard_normal((months, pairs)) for _ in range(2)]
        mean, deviation = portfolio.monthly
        walks = [[mean + sign * deviation * z for z in block[:, n]] for block in blocks for n in range(pairs) for sign in (1, -1)]
        for n, goal in enumerate(goals):
            assert found[n] == sum(plays_out(goal, walk) for walk in walks) / len(walks), goal


def test_the_walks_agree_with_the_normal_law_where_it_is_enough():
    rng = random.Random(6)
    checked = 0
    for seed in range(6):
        portfolio = random_portfolio(rng)
        goals = [random_goal(rng, portfolio, 3, at_end=bool(n % 2)) for n in range(60)]
        goals = [goal for goal in goals if exact(portfolio, goal) is not None]
        found, errors = frequencies(portfolio, goals, 100_000, seed)
        for n, goal in enumerate(goals):
            assert abs(found[n] - exact(portfolio, goal)) < 4.5 * errors[n], (portfolio, goal, found[n], exact(portfolio, goal))
        checked += len(goals)
    assert checked > 150


def test_the_walks_of_a_lump_sum_have_the_published_probability():
    assert abs(exact(Portfolio(0.05, 0.15, log=True), Goal(5_000_000, 0, 8_000_000, 120)) - 0.430959) < 5e-7


# ------------------------------------------------------------------------------------------------------------------- walks
@pytest.mark.parametrize("number", range(len(PORTFOLIOS)))
def test_a_batch_agrees_with_walks(number, tmp_path):
    portfolio, goals = cases(100 + number, GOALS, *PORTFOLIOS[number])
    found = probabilities([(portfolio, goal) for goal in goals], tmp_path)
    wrong, _worst = differences(portfolio, goals, found, WALKS, number)
    assert wrong == []


@pytest.mark.fuzz
@pytest.mark.parametrize("number", range(len(PORTFOLIOS)))
def test_a_batch_agrees_with_ten_million_walks(number, tmp_path):
    portfolio, goals = cases(200 + number, FUZZ_GOALS, *PORTFOLIOS[number])
    found = probabilities([(portfolio, goal) for goal in goals], tmp_path)
    wrong, worst = differences(portfolio, goals, found, FUZZ_WALKS, number)
    print(worst)
    assert wrong == [], worst


@pytest.mark.parametrize("many", [1, pytest.param(120, marks=pytest.mark.fuzz)])
def test_short_goals_and_lump_sums_agree_with_the_normal_law(many, tmp_path):
    rng = random.Random(300 + many)
    asks = []
    for _ in range(30 if many == 1 else 1):
        portfolio = random_portfolio(rng)
        goals = [random_goal(rng, portfolio, rng.choice([2, 600])) for _ in range(20 * many)]
        asks += [(portfolio, goal) for goal in goals if exact(portfolio, goal) is not None][: 2 * many]
    found = probabilities(asks, tmp_path)
    wrong = [(ask, exact(*ask), one) for ask, one in zip(asks, found, strict=True) if abs(exact(*ask) - one) > WORST + PRINTED]
    assert len(asks) > 50 and wrong == []


@pytest.mark.parametrize("at_end", [False, True])
def test_one_goal_agrees_with_walks(at_end):
    rng = random.Random(400 + at_end)
    for seed in range(5):
        portfolio = random_portfolio(rng)
        goals = [random_goal(rng, portfolio, 240, at_end) for _ in range(3)]
        found = [single(portfolio, goal)["probability"] for goal in goals]
        wrong, _worst = differences(portfolio, goals, found, 100_000, seed)
        assert wrong == []


@pytest.mark.fuzz
@pytest.mark.parametrize("at_end", [False, True])
def test_many_single_goals_agree_with_walks(at_end):
    rng = random.Random(450 + at_end)
    for seed in range(8):
        portfolio = random_portfolio(rng)
        goals = [random_goal(rng, portfolio, 300, at_end) for _ in range(10)]
        found = [single(portfolio, goal)["probability"] for goal in goals]
        wrong, _worst = differences(portfolio, goals, found, 1_000_000, seed)
        assert wrong == []


def test_one_goal_asked_alone_is_told_as_in_a_batch(tmp_path):
    portfolio, goals = cases(470, 40, 600)
    together = probabilities([(portfolio, goal) for goal in goals], tmp_path)
    for goal, probability in list(zip(goals, together, strict=True))[:10]:
        assert abs(single(portfolio, goal)["probability"] - probability) <= WORST, goal


def test_a_lump_sum_has_the_published_probability():
    found = single(Portfolio(0.05, 0.15, log=True), Goal(5_000_000, 0, 8_000_000, 120))
    assert abs(found["probability"] - 0.430959) <= 1e-6


# -------------------------------------------------------------------------------------------------------------- monotone
def pairs_of(rng: random.Random, portfolios: int, pairs: int) -> list[tuple[Portfolio, Goal, Goal]]:
    """-> goals, each with one that is never less likely, on so many portfolios"""
    known = [random_portfolio(rng) for _ in range(portfolios)]
    found = []
    for n in range(pairs):
        portfolio = known[n % portfolios]
        goal = random_goal(rng, portfolio)
        found.append((portfolio, goal, better(rng, goal)))
    return found


def falling(pairs: list[tuple[Portfolio, Goal, Goal]], folder) -> list:
    """-> the pairs where more money is told to be less likely to be enough, in the six digits told"""
    asks = [(portfolio, goal) for portfolio, *both in pairs for goal in both]
    found = probabilities(asks, folder)
    both = zip(pairs, found[::2], found[1::2], strict=True)
    return [(pair, before, after) for pair, before, after in both if after < before]


def test_more_money_is_never_less_likely_to_be_enough(tmp_path):
    pairs = pairs_of(random.Random(500), 5, 2_000)
    assert sum(goal != richer for _, goal, richer in pairs) > 1_500
    assert falling(pairs, tmp_path) == []


def test_more_money_is_never_less_likely_to_be_enough_on_rare_portfolios(tmp_path):
    assert falling(pairs_of(random.Random(501), 40, 80), tmp_path) == []


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(10))
def test_more_money_is_never_less_likely_to_be_enough_in_many_pairs(block, tmp_path):
    assert falling(pairs_of(random.Random(510 + block), 10, 10_000), tmp_path) == []
