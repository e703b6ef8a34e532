"""Ask `tsutsumi goal` about goals: a file of them, or one; and goals to ask about."""

import csv
import random

from tests.oracles.asked import answer, asked
from tests.oracles.goals_oracle import Goal, Portfolio, random_goal, random_portfolio

COLUMNS = ["now_yen", "monthly_yen", "target_yen", "months", "mean", "risk"]
WORST = 0.001  # the promise: 0.1 percentage point
PRINTED = 0.5000001e-6  # six digits


def row(portfolio: Portfolio, goal: Goal) -> dict:
    """A goal as a row of a batch file."""
    return {
        "now_yen": goal.now_yen, "monthly_yen": goal.monthly_yen, "target_yen": goal.target_yen,
        "months": goal.months, "mean": portfolio.mean, "risk": portfolio.risk,
    }  # fmt: skip


def batch(rows: list[dict], folder, expected_status: int = 0) -> list[dict]:
    """Ask for a file of goals; the answer has the same rows in the same order."""
    source, target = folder / "goals.csv", folder / "answers.csv"
    with source.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    status, _out, err = asked("goal", "--goals", str(source), "--to", str(target))
    assert status == expected_status, err
    with target.open(newline="") as file:
        answers = list(csv.DictReader(file))
    assert [[one[name] for name in COLUMNS[:4]] for one in answers] == [[str(one[name]) for name in COLUMNS[:4]] for one in rows]
    return answers


def probabilities(asks: list[tuple[Portfolio, Goal]], folder) -> list[float]:
    """-> `probability` of each goal, in a batch"""
    found = [float(one["probability"]) for one in batch([row(*ask) for ask in asks], folder)]
    assert all(0 <= one <= 1 for one in found)
    return found


def options(portfolio: Portfolio, goal: Goal, want: float = 0.8) -> list[str]:
    """A goal as the options of the command."""
    argv = ["goal", f"--mean={portfolio.mean!r}", f"--risk={portfolio.risk!r}", f"--now={goal.now_yen}"]
    argv += [f"--monthly={goal.monthly_yen}", f"--target={goal.target_yen}", f"--months={goal.months}", f"--want={want}"]
    return argv + ["--at-end"] * goal.at_end + ["--log"] * portfolio.log + ["--json"]


def single(portfolio: Portfolio, goal: Goal, want: float = 0.8) -> dict:
    """-> the JSON of one goal"""
    return answer(*options(portfolio, goal, want))


def cases(seed: int, goals: int, most_months: int, vol: float | None = None) -> tuple[Portfolio, list[Goal]]:
    """-> one portfolio and goals on it"""
    rng = random.Random(seed)
    portfolio = random_portfolio(rng, vol)
    return portfolio, [random_goal(rng, portfolio, most_months) for _ in range(goals)]
