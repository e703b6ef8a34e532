"""The best probability if the portfolio may be chosen again every year (動的選択の達成確率), and which one to hold at which wealth.

Backward from the end (Das, Ostrov, Radhakrishnan and Srivastav 2020, with monthly payments and ruin inside the year):
V at the end = 1 where W ≥ target; a month back E[V(W·R)] for every portfolio by itself; at a choice the largest of them; before a
payment V(W + c), and 0 where a drawing is more than there is. Yearly steps with yearly payments are `month_years=1, every=1`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR, GoalError, Portfolio
from tsutsumi.core.goals.schedule import checked_payments
from tsutsumi.core.goals.wealth_grid import (
    Grid,
    Months,
    Worth,
    before_payment,
    best_of,
    full,
    grid_over,
    repeated,
    sides,
)

FAR = 6.0  # standard deviations of the way to a month that the grid covers
NEGLIGIBLE = 1e-4  # money below this share of the next payment in makes no difference


@dataclass(frozen=True)
class Choice:
    """Which portfolio to hold from a month on (選択表の一行), by the wealth then, before the payment of that month's start.

    Attributes
    ----------
    month : months from now
    from_wealth : ascending lower ends; the first is 0
    portfolio_index : places in the list of portfolios, one for each lower end
    """

    month: int
    from_wealth: tuple[float, ...]
    portfolio_index: tuple[int, ...]


@dataclass(frozen=True)
class BestPlan:
    """The best reachable probability, the portfolio to hold now, and the table of choices (動的選択の結果)."""

    probability: float
    first_index: int
    choices: tuple[Choice, ...]

    def portfolio_at(self, month: int, wealth: float) -> int:
        """Return the place of the portfolio that the table holds in a month at a wealth: a what-if (仮定計算)."""
        row = [choice for choice in self.choices if choice.month <= month][-1]
        return row.portfolio_index[max(0, int(np.searchsorted(row.from_wealth, wealth, side="right")) - 1)]


def best_plan(
    portfolios: Sequence[Portfolio], now, payments, target=0.0, at_end=False, first=1.0,
    every: int = MONTHS_A_YEAR, month_years: float = 1 / MONTHS_A_YEAR,
) -> BestPlan:
    """Return the best probability with a choice among portfolios every year (動的計画法), and the table of choices.

    Parameters
    ----------
    portfolios : sequence of Portfolio
        The permitted ones, in any order. Of two that are equally good the calmer is chosen.
    now, payments, target, at_end, first : see `tsutsumi.core.goals.schedule.schedule_probability`
    every : int
        Months between two choices; the first is now.
    month_years : float
        Length of a step in years; 1 for yearly payments.

    Raises
    ------
    GoalError
        There is no portfolio, or a number is not finite or out of range.

    Examples
    --------
    With one portfolio there is nothing to choose: Φ((ln(5/8) + (0.05 − 0.15²/2)·10) / (0.15·√10)):

    >>> round(best_plan([Portfolio(0.05, 0.15)], 5_000_000, [0] * 120, 8_000_000).probability, 6)
    0.430959

    A calm portfolio that surely suffices is held to the end, whatever the other promises:

    >>> plan = best_plan([Portfolio(0.07, 0.20), Portfolio(0.01, 0.0)], 100, [0] * 24, 102)
    >>> plan.probability, plan.first_index, plan.portfolio_at(12, 95)
    (1.0, 1, 0)
    """
    paid = checked_payments(0.0, 0.0, now, payments, target, first)
    order = sorted(range(len(portfolios)), key=lambda k: (portfolios[k].vol, -portfolios[k].mu, k))
    ranked = [portfolios[k] for k in order]
    if not ranked:
        raise GoalError("no portfolio to choose from: permit at least one")
    paid = np.append(0.0, paid) if at_end else np.append(paid, 0.0)
    start, goal = float(now) + paid[0], max(float(target), 0.0)
    if start < 0:
        return BestPlan(0.0, order[0], (Choice(0, (0.0,), (order[0],)),))
    grid = _grid(ranked, float(now), paid, goal, month_years)
    worth, choices = last_worth(grid, paid[-1], goal), []
    ordinary = Months(grid, ranked, month_years)
    shorter = Months(grid, ranked, month_years * first) if first < 1 else ordinary
    for month in range(paid.size - 2, -1, -1):
        if worth.nothing.size == 1:
            worth = repeated(worth, len(ranked))
        worth = (shorter if month == 0 else ordinary).back(worth)
        if month % every == 0:
            worth, choice, at_nothing = best_of(grid, worth)
            choices.append(choice_row(grid, month, choice, at_nothing, order, 0.0 if at_end else paid[month]))
        if month > 0:
            worth = before_payment(grid, worth, paid[month])
    probability = float(np.clip(value_at(grid, worth, start).max(), 0.0, 1.0))
    rows = tuple(reversed(choices)) or (Choice(0, (0.0,), (order[0],)),)
    return BestPlan(probability, _held(rows[0], float(now)), rows)


def _held(row: Choice, wealth: float) -> int:
    """Return the portfolio of a row of the table at a wealth."""
    return BestPlan(0.0, 0, (row,)).portfolio_at(row.month, wealth)


def last_worth(grid: Grid, payment: float, target: float) -> Worth:
    """Return the worth after the last month: 1 where W + payment reaches the target, a jump and nothing else."""
    wanted = max(target, 0.0) - payment
    if wanted <= 0.0:
        return Worth(np.ones((1, grid.count)), np.ones(1), [[]])
    return Worth(np.zeros((1, grid.count)), np.zeros(1), [[(math.log(wanted), 1.0)]])


def value_at(grid: Grid, worth: Worth, wealth: float) -> np.ndarray:
    """Return the worth at one wealth, one figure for each portfolio."""
    if wealth <= 0.0:
        return worth.nothing if wealth == 0.0 else np.zeros(worth.nothing.size)
    place = math.log(wealth)
    if abs(place - grid.low - grid.step * int((place - grid.low) / grid.step + 0.5)) < 1e-9 * grid.step:
        return full(grid, worth)[:, int((place - grid.low) / grid.step + 0.5)]
    return sides(grid, worth, place)[1]


def choice_row(grid: Grid, month: int, choice: np.ndarray, at_nothing: int, order: list[int], payment: float) -> Choice:
    """Return the row of the table: runs of equal choices, their lower ends half way between two nodes, before the payment."""
    changes = np.flatnonzero(np.diff(choice)) + 1
    ends = np.exp(grid.points[changes] - 0.5 * grid.step) - payment
    runs = [(0.0, order[int(choice[0])])]
    if payment >= 0 and at_nothing != int(choice[0]):
        runs = [(0.0, order[at_nothing]), (max(math.exp(grid.low) - payment, 0.0), order[int(choice[0])])]
    for end, node in zip(ends.tolist(), changes.tolist(), strict=True):
        if end <= 0.0:  # below it nobody can be: the payment alone brings more
            runs = [(0.0, order[int(choice[node])])]
        else:
            runs.append((end, order[int(choice[node])]))
    return Choice(month, tuple(end for end, _ in runs), tuple(index for _, index in runs))


def _grid(portfolios: Sequence[Portfolio], now: float, paid: np.ndarray, target: float, years: float) -> Grid:
    """Return the grid over every wealth after a payment that can be met and where something is undecided."""
    low, high = wealth_range(portfolios, now, paid, target, years)
    start = now + paid[0]
    return grid_over(portfolios, low, high, years, math.log(start) if start > 0 else None)


def wealth_range(portfolios, now: float, paid: np.ndarray, target: float, years: float) -> tuple[float, float]:
    """Return the lowest and highest ln W after a payment that matter: reachable, and neither hopeless nor certain."""
    steps = np.arange(paid.size)
    ways = [((p.mu - p.vol**2 / 2) * years * steps, FAR * p.vol * np.sqrt(years * steps)) for p in portfolios]
    money_in, money_out = np.maximum(paid, 0.0), np.maximum(-paid, 0.0)
    most, least = np.zeros(paid.size), np.full(paid.size, np.inf)
    for mean, wide in ways:
        lucky, unlucky = np.exp(mean + wide), np.exp(mean - wide)
        most = np.maximum(most, now * lucky + _added(money_in, lucky))
        least = np.minimum(least, now * unlucky + _added(money_in, unlucky) - _added(money_out, lucky))
    drift, wide = max((p.mu - p.vol**2 / 2) * years for p in portfolios), max(FAR * p.vol * math.sqrt(years) for p in portfolios)
    bottoms, line, gone = np.full(paid.size, np.inf), np.inf, 0
    for t in range(paid.size - 1, -1, -1):
        bottoms[t] = line - drift * gone - wide * math.sqrt(gone)
        wanted = max(target, 0.0) - paid[t] if t == paid.size - 1 else -paid[t]
        if wanted > 0:
            line, gone = math.log(wanted), 0
        elif wanted < 0 and t < paid.size - 1:
            line, gone = math.log(-NEGLIGIBLE * wanted), 0
        gone += 1
    lows = np.maximum(np.log(np.maximum(least, 1e-300)), bottoms)[:-1]
    highs = np.log(np.maximum(most, 1e-300))[:-1]
    counted = np.isfinite(lows) & (highs > -600)
    if not counted.any():
        middle = math.log(max(now + paid[0], 1.0))
        return middle - 1.0, middle + 1.0
    return float(lows[counted].min()) - wide - abs(drift), float(highs[counted].max()) + wide + abs(drift)


def _added(payments: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """Return Σ payments[s]·growth[t − s] over s ≤ t for every t."""
    return np.convolve(payments, growth)[: payments.size]
