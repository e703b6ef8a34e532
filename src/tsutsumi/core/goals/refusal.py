"""Why something is no goal (受け付けない理由): one line, the same for a single goal and for a row of a file."""

import math

from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.table import MOST_MONTHS

MOST_YEN = 1e15


def refusal(now_yen, monthly_yen, target_yen, months) -> str:
    """Return why these figures are no goal, or nothing if they are one (目標の点検).

    Parameters
    ----------
    now_yen, monthly_yen, target_yen, months : numbers, or None where one is missing

    Examples
    --------
    >>> refusal(0, 0, 1_000_000, 120)
    'no money and no payment: give money now or a payment a month'
    >>> refusal(1_000_000, 0, 2_000_000, 0)
    'months 0: give 1 to 2400, whole'
    >>> refusal(1_000_000, 0, 2_000_000, 12)
    ''
    """
    for name, value in (("now", now_yen), ("monthly", monthly_yen), ("target", target_yen), ("months", months)):
        if value is None or not math.isfinite(value):
            return f"{name} {'is missing' if value is None else f'{value} is no number'}: give a number"
        if name != "months" and abs(value) > MOST_YEN:
            return f"{name} {value:.0f} is too large: at most {MOST_YEN:.0f} yen"
    if months != int(months) or not 1 <= months <= MOST_MONTHS:
        return f"months {months:g}: give 1 to {MOST_MONTHS}, whole"
    if now_yen < 0:
        return f"now {now_yen:.0f} is negative: give the money now, 0 or more"
    if now_yen == 0 and monthly_yen == 0:
        return "no money and no payment: give money now or a payment a month"
    return ""


def checked_goal(now_yen, monthly_yen, target_yen, months) -> tuple[float, float, float, int]:
    """Return a goal as numbers, or say what is wrong with it (目標の点検).

    Raises
    ------
    GoalError
        See `refusal`.

    Examples
    --------
    >>> checked_goal(1_000_000, -10_000, 0, 120)
    (1000000.0, -10000.0, 0.0, 120)
    """
    reason = refusal(now_yen, monthly_yen, target_yen, months)
    if reason:
        raise GoalError(reason)
    return float(now_yen), float(monthly_yen), float(target_yen), int(months)


def row_refusal(now_yen, monthly_yen, target_yen, months, mean, risk, log: bool = False) -> str:
    """Return why a row of a file is no goal, or nothing (行の点検): the figures of the portfolio too.

    Examples
    --------
    >>> row_refusal(1_000_000, 0, 2_000_000, 12, 0.05, -0.1)
    'risk -0.1 is negative: give the yearly standard deviation, 0 or more'
    """
    reason = refusal(now_yen, monthly_yen, target_yen, months)
    if reason:
        return reason
    for name, value in (("mean", mean), ("risk", risk)):
        if value is None:
            return f"{name} is missing: give a number"
    try:
        Portfolio(mean, risk) if log else Portfolio.from_simple(mean, risk)
    except GoalError as error:
        return str(error)
    return ""
