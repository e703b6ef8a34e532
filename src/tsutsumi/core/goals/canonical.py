"""Every goal of a fixed portfolio is one question (目標の標準形): is a·Q_T + b·(Q_1 + … + Q_{T−1}) at most, or at least, x?

The months are independent and alike, so their order may be turned round. With R a month's growth, W the money now, c the payment, G
the target, d = −c a drawing:

| goal | Q | a | b | x | reached if |
| --- | --- | --- | --- | --- | --- |
| saving, start of the month | R | W + c | c | G | X ≥ x |
| saving, end of the month | R | W | c | G − c | X ≥ x |
| drawing, start of the month | 1/R | G | d | W − d | X ≤ x |
| drawing, end of the month | 1/R | G + d | d | W | X ≤ x |

Drawing needs no watch for ruin: who is below zero on the way and only draws ends below zero, so W_T ≥ G ≥ 0 says that too. A target
below zero counts as zero: the money must last. b = 0 is a lump sum, a = 0 money that only has to last: edges, not exceptions.
"""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.atlas import annuity
from tsutsumi.core.goals.law import before_last_month, shares
from tsutsumi.core.goals.normal import below

NO_RISK = 1e-9  # a month's deviation below it is none
LEAST, MOST = 1e-300, 1.0 - 2.0**-53  # a probability that is not certain
TIE = 1e-13  # of the end value of a sure path: what rounding may have taken from a goal that is met exactly


@njit(cache=True, inline="always", error_model="numpy")
def canonical(now, monthly, target, at_end):
    """Return a, b, x of a goal; b ≥ 0. The goal draws if `monthly` < 0; then Q = 1/R.

    Examples
    --------
    >>> canonical(100.0, 10.0, 500.0, False), canonical(100.0, -10.0, 50.0, True)
    ((110.0, 10.0, 500.0), (60.0, 10.0, 100.0))
    """
    if monthly >= 0.0:
        return (now, monthly, target - monthly) if at_end else (now + monthly, monthly, target)
    least = max(target, 0.0)
    return (least - monthly, -monthly, now) if at_end else (least, -monthly, now + monthly)


@njit(cache=True, error_model="numpy")
def sure_path(a, b, nu, months):
    """Return a·e^{νT} + b·S̃, the end value of a path without chance.

    Examples
    --------
    >>> sure_path(100.0, 10.0, 0.0, 12)
    210.0
    """
    return (a * math.exp(nu * months) if a > 0.0 else 0.0) + (b * annuity(months, nu) if b > 0.0 else 0.0)


@njit(cache=True, error_model="numpy")
def exact(now, monthly, target, months, nu, sigma, at_end):
    """Return the probability of one goal (達成確率), month by month by `law.py`: to 2e-8.

    Parameters
    ----------
    now, monthly, target : float
        Yen; `monthly` below 0 draws.
    months : int
        0 or more; at 0 the goal is reached or not.
    nu, sigma : float
        Mean and standard deviation of a month's log-return; 0 for the latter is a path without chance.
    at_end : bool
        Pay at the end of each month, not at its start.

    Returns
    -------
    float
        0 or 1 if and only if that is certain.

    Examples
    --------
    Five million, no payment, eight million in ten years at 5 % and 15 % (`Portfolio(0.05, 0.15)`): Φ(−0.173886)

    >>> round(exact(5e6, 0.0, 8e6, 120, 0.05 / 12 - 0.15**2 / 24, 0.15 / 12**0.5, False), 6)
    0.430959
    """
    if months == 0:
        return 1.0 if now >= target else 0.0
    draws = monthly < 0.0
    a, b, x = canonical(now, monthly, target, at_end)
    drift = -nu if draws else nu
    if draws and (x < 0.0 or (x == 0.0 and (a > 0.0 or (b > 0.0 and months > 1)))):
        return 0.0
    if draws and a == 0.0 and months == 1:
        return 1.0
    if not draws and x <= 0.0:
        return 1.0
    if sigma < NO_RISK:
        value = sure_path(a, b, drift, months)
        return 1.0 if (value * (1.0 - TIE) <= x if draws else value * (1.0 + TIE) >= x) else 0.0
    if a == 0.0 and (b == 0.0 or months == 1):
        return 0.0
    if b == 0.0 or months == 1:
        y = (math.log(x) - math.log(a) - drift * months) / (sigma * math.sqrt(months))
        return min(max(below(y if draws else -y), LEAST), MOST)
    ratio = np.array([math.log(a) - math.log(b) if a > 0.0 else -math.inf])
    u, mass, size = before_last_month(months, drift, sigma, ratio)
    lower, upper = shares(math.log(x) - math.log(b), drift, sigma, u[0], mass[0], size[0])
    return min(max(lower if draws else upper, LEAST), MOST)
