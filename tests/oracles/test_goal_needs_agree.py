"""`tsutsumi goal`: needs to the yen, certain goals by arithmetic, the fan, bad input, files of goals."""

import math
import random
from decimal import Decimal, getcontext

import polars as pl
import pytest

from tests.oracles.asked import asked, refused
from tests.oracles.goals_asked import COLUMNS, PRINTED, WORST, batch, cases, probabilities, row, single
from tests.oracles.goals_oracle import Goal, Portfolio, certain, frequencies, random_goal, random_portfolio

getcontext().prec = 60


# ----------------------------------------------------------------------------------------------------------------- needs
def with_more(goal: Goal, **changed: int) -> Goal:
    """The goal with some of its amounts replaced."""
    return Goal(**(vars(goal) | changed))


def needs(seed: int) -> tuple[Portfolio, Goal, float]:
    """-> a saving goal and a wanted probability"""
    rng = random.Random(seed)
    portfolio = random_portfolio(rng)
    goal = random_goal(rng, portfolio, 420, at_end=rng.random() < 0.3)
    while goal.target_yen < 10_000 or goal.monthly_yen < 0:
        goal = random_goal(rng, portfolio, 420, at_end=goal.at_end)
    return portfolio, goal, rng.choice([0.5, 0.65, 0.8, 0.9, 0.95, round(rng.uniform(0.02, 0.98), 3)])


def check_need(portfolio: Portfolio, goal: Goal, want: float, name: str, need: int, walks: int) -> None:
    """`need` is the smallest whole yen that reaches the wish: told so again by the command, and by walks."""
    start = 0 if name == "monthly_yen" else goal.now_yen

    def told(extra: int) -> float:
        return single(portfolio, with_more(goal, **{name: start + extra}), want)["probability"]

    def may_be_asked(extra: int) -> bool:
        return bool(start + extra or (goal.now_yen if name == "monthly_yen" else goal.monthly_yen))

    case = (portfolio, goal, want, name, need)
    assert isinstance(need, int) and need >= 0, case
    if may_be_asked(need):
        assert told(need) >= want - PRINTED, case
    if need >= 1 and may_be_asked(need - 1):
        assert told(need - 1) <= want + PRINTED, case
    if need >= 1_000:
        assert told(need - need // 100) < want, case
    if may_be_asked(need):
        (reached,), (error,) = frequencies(portfolio, [with_more(goal, **{name: start + need})], walks, 1)
        assert reached >= want - WORST - 4 * error, case
    if need >= 2:
        (missed,), (error,) = frequencies(portfolio, [with_more(goal, **{name: start + need - 1})], walks, 2)
        assert missed <= want + WORST + 4 * error, case


@pytest.mark.parametrize("seed", range(600, 606))
def test_needs_are_the_smallest_whole_yen(seed):
    portfolio, goal, want = needs(seed)
    found = single(portfolio, goal, want)
    check_need(portfolio, goal, want, "monthly_yen", found["need_monthly_yen"], 50_000)
    check_need(portfolio, goal, want, "now_yen", found["need_now_yen"], 50_000)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(610, 670))
def test_many_needs_are_the_smallest_whole_yen(seed):
    portfolio, goal, want = needs(seed)
    found = single(portfolio, goal, want)
    check_need(portfolio, goal, want, "monthly_yen", found["need_monthly_yen"], 100_000)
    check_need(portfolio, goal, want, "now_yen", found["need_now_yen"], 100_000)


def test_a_drawing_goal_needs_no_payment_only_money():
    portfolio, goal = Portfolio(0.03, 0.1), Goal(1_000_000, -50_000, 0, 240)
    found = single(portfolio, goal, 0.9)
    assert found["need_monthly_yen"] == 0
    check_need(portfolio, goal, 0.9, "now_yen", found["need_now_yen"], 50_000)


# ---------------------------------------------------------------------------------------------------------------- risk 0
def certain_need(mean: str, goal: Goal) -> tuple[int, int]:
    """-> smallest payment and extra money that are enough at a certain return, in 60 digits"""
    growth = (1 + Decimal(mean)) ** (Decimal(1) / 12)
    grown = growth**goal.months
    saved = sum(growth**month for month in range(1, goal.months + 1)) / (growth if goal.at_end else 1)
    tiny = Decimal(10) ** -40

    def up(amount: Decimal) -> int:
        return max(0, math.ceil(amount - tiny))

    monthly = (goal.target_yen - goal.now_yen * grown) / saved
    return up(monthly), up((goal.target_yen - goal.monthly_yen * saved) / grown - goal.now_yen)


def test_risk_0_is_certain(tmp_path):
    rng = random.Random(700)
    asks = []
    for mean in (0.0, 0.03, 0.05, -0.02, 0.11):
        portfolio = Portfolio(mean, 0.0)
        asks += [(portfolio, random_goal(rng, Portfolio(mean, 0.05))) for _ in range(30)]
    asks += [
        (Portfolio(0.0, 0.0), Goal(1_200, -100, 0, 12)), (Portfolio(0.0, 0.0), Goal(1_199, -100, 0, 12)),
        (Portfolio(0.0, 0.0), Goal(0, 100, 1_200, 12)), (Portfolio(0.0, 0.0), Goal(0, 100, 1_201, 12)),
        (Portfolio(0.0, 0.0), Goal(5, 0, 5, 600)), (Portfolio(0.0, 0.0), Goal(5, 0, 6, 600)),
    ]  # fmt: skip
    found = probabilities(asks, tmp_path)
    assert [(ask, one) for ask, one in zip(asks, found, strict=True) if one != certain(*ask)] == []
    assert {0.0, 1.0} == set(found)


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("mean", ["0", "0.05", "-0.01"])
def test_needs_at_risk_0_are_arithmetic(mean, at_end):
    rng = random.Random(710)
    for _ in range(6):
        goal = Goal(rng.randint(0, 2_000_000), rng.randint(1, 50_000), rng.randint(1, 50_000_000), rng.randint(1, 480), at_end)
        found = single(Portfolio(float(mean), 0.0), goal)
        assert (found["need_monthly_yen"], found["need_now_yen"]) == certain_need(mean, goal), (mean, goal)
        assert found["probability"] == certain(Portfolio(float(mean), 0.0), goal), (mean, goal)


# ------------------------------------------------------------------------------------------------------------------- fan
def test_the_fan_is_ordered_and_widens_with_the_law():
    portfolio, goal = Portfolio(0.05, 0.15, log=True), Goal(5_000_000, 0, 8_000_000, 120)
    fan = single(portfolio, goal)["fan"]
    assert {"year", "p5", "p25", "p50", "p75", "p95"} <= set(fan[0]) and fan[-1]["year"] == 10
    mean, deviation = portfolio.monthly
    for one in fan:
        assert one["p5"] <= one["p25"] <= one["p50"] <= one["p75"] <= one["p95"], one
        months = 12 * one["year"]
        for name, z in {"p5": -1.644854, "p25": -0.674490, "p50": 0.0, "p75": 0.674490, "p95": 1.644854}.items():
            right = goal.now_yen * math.exp(mean * months + z * deviation * math.sqrt(months))
            assert abs(one[name] / right - 1) < 0.1, (one, name, right)


# -------------------------------------------------------------------------------------------------------------- bad input
GOOD = {"mean": "0.05", "risk": "0.15", "now": "1000000", "monthly": "30000", "target": "10000000", "months": "180"}


@pytest.mark.parametrize(
    "changed",
    [
        {"months": "0"}, {"months": "-12"}, {"months": "nan"}, {"months": "1.5"}, {"risk": "-0.1"}, {"risk": "nan"},
        {"risk": "inf"}, {"mean": "nan"}, {"mean": "-1"}, {"mean": "-1.5"}, {"mean": "inf"}, {"now": "0", "monthly": "0"},
        {"now": "nan"}, {"monthly": "nan"}, {"target": "nan"}, {"now": "abc"}, {"want": "nan"}, {"want": "1.5"}, {"want": "-0.1"},
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2(changed):
    good = ["goal", *(f"--{name}={value}" for name, value in GOOD.items()), "--json"]
    assert asked(*good)[0] == 0
    assert refused("goal", *(f"--{name}={value}" for name, value in (GOOD | changed).items()))


def test_a_missing_option_or_file_is_one_line_and_exit_2(tmp_path):
    assert asked("goal", "--help")[0] == 0
    for left_out in ("mean", "risk", "target", "months"):
        assert refused("goal", *(f"--{name}={value}" for name, value in GOOD.items() if name != left_out))
    assert refused("goal", "--goals", str(tmp_path / "none.csv"), "--to", str(tmp_path / "out.csv"))
    for left_out in COLUMNS:
        named = [name for name in COLUMNS if name != left_out]
        (tmp_path / "short.csv").write_text(",".join(named) + "\n" + ",".join("1" for _ in named) + "\n")
        assert refused("goal", "--goals", str(tmp_path / "short.csv"), "--to", str(tmp_path / "out.csv"))


BAD_ROWS = [
    {"months": 0}, {"months": -1}, {"risk": -0.1}, {"risk": "nan"}, {"mean": "nan"}, {"mean": -1}, {"now_yen": 0, "monthly_yen": 0},
    {"months": ""}, {"now_yen": ""}, {"mean": ""}, {"target_yen": "abc"}, {"risk": "inf"},
]  # fmt: skip


def test_a_bad_row_keeps_its_place_and_the_others_are_done(tmp_path):
    portfolio, goals = cases(800, len(BAD_ROWS) + 1, 240)
    good = [row(portfolio, goal) for goal in goals]
    asks = [one for pair in zip(good, [good[0] | bad for bad in BAD_ROWS], strict=False) for one in pair] + good[-1:]
    answers = batch(asks, tmp_path, expected_status=1)
    for n, one in enumerate(answers):
        if n % 2:
            assert one["probability"] == "" and len(one["error"]) > 5, one
        else:
            assert 0 <= float(one["probability"]) <= 1 and not one.get("error"), one
    clean = batch(good, tmp_path)
    assert [one["probability"] for one in answers[::2]] == [one["probability"] for one in clean]


def test_parquet_says_the_same_as_csv(tmp_path):
    portfolio, goals = cases(810, 30, 360)
    rows = [row(portfolio, goal) for goal in goals]
    source, target = tmp_path / "goals.parquet", tmp_path / "answers.parquet"
    pl.DataFrame([*rows, rows[0] | {"mean": math.nan}]).write_parquet(source)
    assert asked("goal", "--goals", str(source), "--to", str(target))[0] == 1
    found = pl.read_parquet(target)
    assert found.height == len(rows) + 1 and found["probability"][-1] is None and found["error"][-1]
    expected = [float(one["probability"]) for one in batch(rows, tmp_path)]
    assert found["probability"][:-1].to_list() == pytest.approx(expected, abs=1e-6)
