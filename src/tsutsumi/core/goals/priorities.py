"""Several goals on one budget (複数目標): which to fulfil at each date, how to invest until then, and how likely each one is.

One pot of money serves dated goals, each with an essential and perhaps a wish amount. At its date a goal is fulfilled in full, to
the essential amount, or not at all; then the money is invested on. The policy maximises the sum of the utilities of what is done
(Das, Ostrov, Radhakrishnan and Srivastav 2022); the state is the month and the wealth only. Utilities come from priorities by a
dated table. Probabilities: the law of wealth is carried forward under that policy. A payment on the day of a goal comes after it
(start of month) or before it (end of month), as for a single goal.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from itertools import product

import numpy as np

from tsutsumi.core.goals.dynamic import FAR, NEGLIGIBLE, Choice, choice_row, value_at
from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR, GoalError, Portfolio
from tsutsumi.core.goals.pot_course import Decision, Pot, regions
from tsutsumi.core.goals.schedule import checked_payments
from tsutsumi.core.goals.wealth_grid import Grid, Months, Worth, before_payment, best_of, grid_over, repeated

MOST_GOALS = 10
FINE, FINE_YEAR = 0.4, 0.25  # step of the grid in the calmest portfolio's standard deviations of a month, of a longer step


@dataclass(frozen=True)
class DatedGoal:
    """A goal in a shared pot (共有予算の目標): the month it is due, and (cost, utility) of each level, cheapest first."""

    month: int
    levels: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class SharedPlan:
    """What the best policy comes to (共有予算の結果).

    Attributes
    ----------
    utility : expected sum of the utilities of what is fulfilled
    fulfilled : for each goal, for each of its levels, the probability that it is fulfilled at that level or a higher one
    first_index : place of the portfolio to hold now
    choices : the table of portfolios by month and wealth, after the goals of that month
    """

    utility: float
    fulfilled: tuple[tuple[float, ...], ...]
    first_index: int
    choices: tuple[Choice, ...]


def utilities(rows: Iterable[Mapping], priority: int, on: date) -> tuple[float, float]:
    """Return the utilities of the essential and the wish amount of a priority (優先順位の効用) by the table in force on a day.

    Parameters
    ----------
    rows : mappings with `valid_from_date` (date), `priority`, `essential_utility`, `wish_utility`
    priority : int, 1 is the first
    on : date

    Raises
    ------
    GoalError
        No row of the priority is in force.

    Examples
    --------
    >>> row = {"valid_from_date": date(2026, 4, 1), "priority": 1, "essential_utility": 900, "wish_utility": 1200}
    >>> utilities([row], 1, date(2026, 10, 1))
    (900.0, 1200.0)
    """
    known = [row for row in rows if int(row["priority"]) == priority and row["valid_from_date"] <= on]
    if not known:
        raise GoalError(f"priority {priority}: no utility is in force on {on}; use a priority of the table or add a row to it")
    row = max(known, key=lambda row: row["valid_from_date"])
    return float(row["essential_utility"]), float(row["wish_utility"])


def utility_rows() -> list[Mapping]:
    """Return the dated table of priorities that ships (優先順位の効用表).

    >>> utilities(utility_rows(), 2, date(2026, 10, 1))
    (1024.0, 1280.0)
    """
    text = files("tsutsumi").joinpath("core/goals/priorities.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return [row | {"valid_from_date": date.fromisoformat(row["valid_from_date"])} for row in rows]


def shared_plan(
    portfolios: Sequence[Portfolio], now, payments, goals: Sequence[DatedGoal], at_end=False, first=1.0,
    every: int = MONTHS_A_YEAR, month_years: float = 1 / MONTHS_A_YEAR,
) -> SharedPlan:
    """Return the best policy for several goals on one budget (複数目標の最適化) and the probability of each goal and level.

    Parameters
    ----------
    portfolios, now, payments, at_end, first, every, month_years : see `tsutsumi.core.goals.dynamic.best_plan`
        `payments` reach to the last goal at least; later ones are not read.
    goals : sequence of DatedGoal
        Up to 10; several may share a month.

    Raises
    ------
    GoalError
        No goal or more than 10, a month outside the payments, a cost or utility that is not positive, or what `best_plan` refuses.

    Examples
    --------
    100 now, without risk and return; of two goals of 60 the more useful one is chosen, and 40 is left for nothing:

    >>> calm = [Portfolio(0.0, 0.0)]
    >>> plan = shared_plan(calm, 100, [0] * 24, [DatedGoal(12, ((60, 1),)), DatedGoal(24, ((60, 3),))])
    >>> plan.utility, plan.fulfilled
    (3.0, ((0.0,), (1.0,)))
    """
    _check(goals, len(payments))
    months = max(goal.month for goal in goals)
    paid = checked_payments(0.0, 0.0, now, payments[:months], 0.0, first)
    paid = np.append(0.0, paid) if at_end else np.append(paid, 0.0)
    order = sorted(range(len(portfolios)), key=lambda k: (portfolios[k].vol, -portfolios[k].mu, k))
    ranked = [portfolios[k] for k in order]
    grid = _grid(ranked, float(now), paid, goals, month_years)
    pot = Pot(grid, Months(grid, ranked, month_years), Months(grid, ranked, month_years * first), paid, at_end)
    scale = sum(goal.levels[-1][1] for goal in goals)
    worth = Worth(np.zeros((1, grid.count)), np.zeros(1), [[]])
    decisions: dict[int, list[Decision]] = {}
    picked: dict[int, tuple[np.ndarray, int]] = {}
    choices = []
    for month in range(months, -1, -1):
        if month < months:
            worth = pot.month(month).back(worth if worth.nothing.size > 1 else repeated(worth, len(ranked)))
            if month % every == 0:
                worth, choice, at_nothing = best_of(grid, worth, scale)
                picked[month] = choice, at_nothing
                choices.append(choice_row(grid, month, choice, at_nothing, order, 0.0 if at_end else paid[month]))
            if not at_end:
                worth = before_payment(grid, worth, paid[month])
        due = [place for place, goal in enumerate(goals) if goal.month == month]
        if due:
            worth, decisions[month] = _decided(grid, worth, goals, due, scale)
        if at_end:
            worth = before_payment(grid, worth, paid[month])
    fulfilled = pot.fulfilled(float(now), len(ranked), decisions, picked, [len(goal.levels) for goal in goals])
    rows = tuple(reversed(choices)) or (Choice(0, (0.0,), (order[0],)),)
    held = rows[0].portfolio_index[max(0, int(np.searchsorted(rows[0].from_wealth, float(now), side="right")) - 1)]
    return SharedPlan(float(value_at(grid, worth, float(now)).max()), fulfilled, held, rows)


def _check(goals: Sequence[DatedGoal], months: int) -> None:
    """Refuse goals that cannot be planned."""
    if not 1 <= len(goals) <= MOST_GOALS:
        raise GoalError(f"{len(goals)} goals on one budget: give 1 to {MOST_GOALS}")
    for number, goal in enumerate(goals, 1):
        if not 0 <= goal.month <= months:
            raise GoalError(f"goal {number}: month {goal.month} is outside the {months} months of payments: move its date")
        costs = [cost for cost, _ in goal.levels]
        worths = [utility for _, utility in goal.levels]
        if not costs or not all(math.isfinite(value) and value > 0 for value in costs + worths):
            raise GoalError(f"goal {number}: every cost and utility is a number above 0; correct {goal.levels}")
        if costs != sorted(set(costs)) or worths != sorted(set(worths)):
            raise GoalError(f"goal {number}: costs and utilities rise from the essential to the wish amount; correct {goal.levels}")


def _ways(goals: Sequence[DatedGoal], due: list[int]) -> list[tuple[float, float, dict[int, int]]]:
    """Return (cost, utility, {goal: level}) of every way to treat the goals of a day that no other way beats, cheapest first.

    Level 0 is the cheapest; a goal that is not named is not fulfilled.
    """
    ways: list[tuple[float, float, dict[int, int]]] = [(0.0, 0.0, {})]
    for place in due:
        options = [(0.0, 0.0, {}), *((cost, use, {place: level}) for level, (cost, use) in enumerate(goals[place].levels))]
        every = [(cost + more, use + also, taken | added) for (cost, use, taken), (more, also, added) in product(ways, options)]
        ways, best = [], -1.0
        for way in sorted(every, key=lambda way: (way[0], -way[1])):
            if way[1] > best:
                best = way[1]
                ways.append(way)
    return ways


def _decided(grid: Grid, worth: Worth, goals, due: list[int], scale: float) -> tuple[Worth, list[Decision]]:
    """Return the worth before the goals of a day, and what is decided at which wealth, for each portfolio held."""
    ways = _ways(goals, due)
    rows, decisions = [], []
    for k in range(worth.nothing.size):
        held = Worth(worth.values[k : k + 1], worth.nothing[k : k + 1], [worth.jumps[k]])
        each = [_fulfilling(grid, held, cost, use) for cost, use, _ in ways]
        stacked = Worth(
            np.concatenate([one.values for one in each]), np.concatenate([one.nothing for one in each]),
            [one.jumps[0] for one in each],
        )
        best, choice, at_nothing = best_of(grid, stacked, scale)
        rows.append(best)
        decisions.append(Decision(*regions(grid, stacked, choice), at_nothing, ways))
    joined = Worth(
        np.concatenate([row.values for row in rows]), np.concatenate([row.nothing for row in rows]), [row.jumps[0] for row in rows]
    )
    return joined, decisions


def _fulfilling(grid: Grid, held: Worth, cost: float, utility: float) -> Worth:
    """Return utility + V(W − cost) where W reaches the cost, 0 elsewhere."""
    if cost == 0.0:
        return held
    left = before_payment(grid, replace(held), -cost)
    edge = math.log(cost)
    return Worth(left.values, left.nothing, [[*left.jumps[0], (edge, utility)]])


def _grid(portfolios: Sequence[Portfolio], now: float, paid: np.ndarray, goals, years: float) -> Grid:
    """Return the grid over every wealth that can be met and with which any later goal can be hoped for."""
    if not portfolios:
        raise GoalError("no portfolio to choose from: permit at least one")
    steps = np.arange(paid.size)
    drifts = [(p.mu - p.vol**2 / 2) * years for p in portfolios]
    widths = [FAR * p.vol * math.sqrt(years) for p in portfolios]
    drift, wide = max(drifts), max(widths)
    growth = np.exp(np.maximum(drift, 0.0) * steps + wide * np.sqrt(steps))
    most = now * growth + np.convolve(np.maximum(paid, 0.0), growth)[: paid.size]
    lines = [(goal.month, math.log(cost)) for goal in goals for cost, _ in goal.levels]
    lines += [(t, math.log(-payment)) for t, payment in enumerate(paid) if payment < 0]
    lines += [(t, math.log(NEGLIGIBLE * payment)) for t, payment in enumerate(paid) if payment > 0]
    hopeful = [line - max(drift, 0.0) * month - wide * math.sqrt(month) for month, line in lines]
    low = min(hopeful) - wide - abs(drift)
    high = max(math.log(max(float(most.max()), 1e-300)), low + 0.1) + wide + abs(drift)
    return grid_over(portfolios, low, high, years, math.log(now) if now > 0 else None, FINE if years < 0.5 else FINE_YEAR)
