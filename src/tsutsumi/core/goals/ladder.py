"""The permitted portfolios side by side (ポートフォリオの比較): which reaches the goal best, which of least risk suffices."""

from collections.abc import Sequence
from dataclasses import dataclass

from tsutsumi.core.goals.canonical import exact
from tsutsumi.core.goals.inverse import need_monthly_yen
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.refusal import checked_goal


@dataclass(frozen=True)
class Rung:
    """One permitted portfolio (一段): its probability and, if asked, the payment that a wanted probability needs."""

    portfolio: Portfolio
    probability: float
    need_monthly_yen: int | None


def one_probability(
    portfolio: Portfolio, now_yen: float, monthly_yen: float, target_yen: float, months: int, at_end: bool = False
) -> float:
    """Return the probability of one goal (目標達成確率), month by month: to 2e-8, no table needed.

    Raises
    ------
    GoalError
        It is no goal: see `refusal`.

    Examples
    --------
    >>> round(one_probability(Portfolio(0.05, 0.15), 5_000_000, 0, 8_000_000, 120), 6)
    0.430959
    """
    goal = checked_goal(now_yen, monthly_yen, target_yen, months)
    return exact(*goal, *portfolio.monthly, at_end)


def ladder(
    portfolios: Sequence[Portfolio], now_yen: float, monthly_yen: float, target_yen: float, months: int, at_end: bool = False,
    want: float | None = None,
) -> list[Rung]:
    """Return every permitted portfolio with its probability (達成確率の比較), in the order given.

    The probability does not rise with the risk, nor fall: it has a peak, so every rung is looked at.

    Parameters
    ----------
    portfolios : those that the mandate and the customer's suitability permit
    now_yen, monthly_yen, target_yen, months, at_end : the goal, as in `one_probability`
    want : float, optional
        Also tell the smallest payment that reaches it.

    Examples
    --------
    >>> rungs = ladder([Portfolio(0.0, 0.0), Portfolio(0.05, 0.15)], 5_000_000, 0, 8_000_000, 120)
    >>> [round(rung.probability, 6) for rung in rungs]
    [0.0, 0.430959]
    """
    found = []
    for portfolio in portfolios:
        chance = one_probability(portfolio, now_yen, monthly_yen, target_yen, months, at_end)
        need = None if want is None else int(need_monthly_yen(portfolio, now_yen, target_yen, months, want, at_end)[0])
        found.append(Rung(portfolio, chance, need))
    return found


def best(rungs: Sequence[Rung]) -> Rung:
    """Return the rung of the highest probability (最も達成しやすい段); of equals the one of least risk.

    Examples
    --------
    >>> best(ladder([Portfolio(0.05, 0.15), Portfolio(0.0, 0.0)], 5_000_000, 0, 8_000_000, 120)).portfolio.vol
    0.15
    """
    return min(rungs, key=lambda rung: (-rung.probability, rung.portfolio.vol))


def least_risk(rungs: Sequence[Rung], want: float) -> Rung | None:
    """Return the rung of least risk whose probability suffices (足りる中で最もリスクの低い段), or None.

    Examples
    --------
    >>> rungs = ladder([Portfolio(0.05, 0.15), Portfolio(0.0, 0.0)], 5_000_000, 0, 5_000_000, 120)
    >>> least_risk(rungs, 0.8).portfolio.vol
    0.0
    """
    enough = [rung for rung in rungs if rung.probability >= want]
    return min(enough, key=lambda rung: (rung.portfolio.vol, -rung.probability)) if enough else None


def shown_percent(probability: float) -> int:
    """Return the probability as it is shown (表示する確率): whole percent, half up; 0 and 100 only where it is certain.

    Examples
    --------
    >>> [shown_percent(p) for p in (0.0, 0.0001, 0.4350, 0.9999, 1.0)]
    [0, 1, 44, 99, 100]
    """
    if probability in (0.0, 1.0):
        return int(probability) * 100
    return min(max(int(probability * 100 + 0.5), 1), 99)


def stored_ppm(probability: float) -> int:
    """Return the probability as it is stored (保存する確率), in ppm, half up; 0 and 1,000,000 only where it is certain.

    Examples
    --------
    >>> [stored_ppm(p) for p in (0.0, 1e-9, 0.430959, 1 - 1e-9, 1.0)]
    [0, 1, 430959, 999999, 1000000]
    """
    if probability in (0.0, 1.0):
        return int(probability) * 1_000_000
    return min(max(int(probability * 1_000_000 + 0.5), 1), 999_999)
