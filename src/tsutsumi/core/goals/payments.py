"""Payments that are not the same every month (増える積立・賞与月・月の途中): each turned into a question that a table answers.

Measured against the exact law, in percentage points, beside the table's own: growing payments and a part of a month 0.001,
bonus months 0.05 at 15 % volatility, 0.15 at 30 %.
"""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.atlas import SHARES, annuity
from tsutsumi.core.goals.inverse import chance
from tsutsumi.core.goals.lookup import BY_ITSELF, WRONG, columns, first_share, probability, read_law, sure_answer
from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR, GoalError, Portfolio
from tsutsumi.core.goals.schedule import schedule_probability
from tsutsumi.core.goals.table import MOST_MONTHS, PLACES, GoalTable

SHORT = 12  # full months below which a part of a month is summed finely
FINE_STEP, FINE_NODES = 0.05, 241  # of a standard normal, ± 6
GAUSS_PLACES, GAUSS_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


def deflated(portfolio: Portfolio, growth: float) -> Portfolio:
    """Return the portfolio in money of today where payments or prices grow by `growth` a year (実質の前提).

    A payment that grows each month by (1 + growth)^(1/12) is the same every month once all money is divided by (1 + growth)^t; the
    drift falls by ln(1 + growth). A target in money of today stays as it is, one of then is divided by (1 + growth)^(T/12).

    Raises
    ------
    GoalError
        The growth is −100 % or less, or no number.

    Examples
    --------
    >>> round(deflated(Portfolio(0.05, 0.15), 0.02).mu, 6)  # 0.05 − ln 1.02
    0.030197
    """
    if not math.isfinite(growth) or growth <= -1:
        raise GoalError(f"growth {growth!r}: give a yearly rate above −1, such as 0.02")
    return Portfolio(portfolio.mu - math.log1p(growth), portfolio.vol)


def target_of_today(target_yen, months, growth: float):
    """Return a target in money of then as money of today (目標額の現在価値): G / (1 + growth)^(T/12).

    Examples
    --------
    >>> round(float(target_of_today(10_404, 24, 0.02)))  # 10,404 / 1.02²
    10000
    """
    return np.asarray(target_yen) / (1 + growth) ** (np.asarray(months) / MONTHS_A_YEAR)


def probability_from_within(
    table: GoalTable, now_yen, monthly_yen, target_yen, months, part, at_end: bool = False
) -> np.ndarray:
    """Return the probability of goals seen from within a month (月の途中からの達成確率).

    The money now grows for `part` of a month without a payment; then come `months` full months with theirs.

    Parameters
    ----------
    table : GoalTable
    now_yen, monthly_yen, target_yen : arrays or numbers
    months : int array or int
        Full months after the part, 0 to 2,400.
    part : float array or number
        What is left of this month, 0 to 1, of each goal.
    at_end : bool

    Returns
    -------
    float64 array
        The mean over the part's growth: of a goal of a year or more by 5 nodes of Gauss and Hermite, of a shorter one by 241 nodes;
        of one full month by the mean over that month's growth, because ruin is a sharp edge there.

    Raises
    ------
    GoalError
        The part is not between 0 and 1.

    Examples
    --------
    >>> from tsutsumi.core.goals.table import build_table
    >>> table = build_table(Portfolio(0.05, 0.15), 120)
    >>> float(probability_from_within(table, 5_000_000, 0, 8_000_000, 119, 1.0)[0].round(5))  # the whole month: 120 months
    0.43096
    """
    now, monthly, target, horizon = columns(now_yen, monthly_yen, target_yen, months)
    parts = np.ascontiguousarray(np.broadcast_to(np.asarray(part, np.float64), horizon.shape))
    if not ((parts >= 0) & (parts <= 1)).all():
        raise GoalError(f"part {part!r}: give what is left of the month, 0 to 1")
    nu, sigma = table.portfolio.monthly
    if sigma == 0 or (np.ndim(part) == 0 and part == 0):
        return probability(table, now * np.exp(nu * parts), monthly, target, horizon, at_end)
    arrays = table.scale.reshape(-1), table.moments.reshape(-1), table.bend.reshape(-1), table.covered
    out = np.empty(horizon.size)
    weights = GAUSS_WEIGHTS / GAUSS_WEIGHTS.sum()
    _within(now, monthly, target, horizon, nu, sigma, parts, at_end, GAUSS_PLACES, weights, *arrays, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _within(now, monthly, target, months, nu, sigma, parts, at_end, places, weights, scale, moments, bend, covered, out):
    """Write the probability of each goal after a part of a month."""
    for i in range(out.size):
        t, total, part = months[i], 0.0, parts[i]
        drift, spread = nu * part, sigma * math.sqrt(part)
        if sure_answer(now[i], monthly[i], target[i], t, at_end) == WRONG:
            out[i] = math.nan
            continue
        if now[i] == 0.0 or part == 0.0:
            out[i] = chance(now[i], monthly[i], target[i], t, nu, sigma, at_end, scale, moments, bend, covered)
            continue
        if t == 0:
            out[i] = below((math.log(now[i] / target[i]) + drift) / spread) if target[i] > 0.0 else 1.0
            continue
        if t >= SHORT:
            for k in range(places.size):
                grown = now[i] * math.exp(drift + spread * places[k])
                total += weights[k] * chance(grown, monthly[i], target[i], t, nu, sigma, at_end, scale, moments, bend, covered)
            out[i] = min(max(total, 0.0), 1.0)
            continue
        for k in range(FINE_NODES):
            g = (k - FINE_NODES // 2) * FINE_STEP
            weight = math.exp(-0.5 * g * g) * FINE_STEP / math.sqrt(2.0 * math.pi)
            if t == 1 and monthly[i] < 0.0 and not at_end:
                need = max(target[i], 0.0) * math.exp(-nu - sigma * g) - monthly[i]
                total += weight * below((math.log(now[i] / need) + drift) / spread)
            else:
                grown = now[i] * math.exp(drift + spread * g)
                total += weight * chance(grown, monthly[i], target[i], t, nu, sigma, at_end, scale, moments, bend, covered)
        out[i] = min(max(total, 0.0), 1.0)


def probability_with_bonus(
    table: GoalTable, now_yen, monthly_yen, bonus_yen, target_yen, months, bonus_months: tuple[int, ...], at_end: bool = False
) -> np.ndarray:
    """Return the probability of goals with bonus months (賞与月のある達成確率): another `bonus_yen` in some months of each year.

    Mean and variance of the logarithm are moved from the even payments of the same share to the true ones as those of a lognormal
    of equal first two moments; the rest of the law, the bend of the probit, is that of the even payments.

    Parameters
    ----------
    table : GoalTable
    now_yen, monthly_yen, bonus_yen, target_yen : arrays or numbers
        Payment and bonus both ≥ 0 (saving) or both ≤ 0 (drawing).
    months : int array or int
    bonus_months : tuple of int
        0 for the first month of the goal and each twelfth after it, up to 11.
    at_end : bool

    Raises
    ------
    GoalError
        A bonus month is not 0 to 11, or payment and bonus go opposite ways.

    Examples
    --------
    >>> from tsutsumi.core.goals.table import build_table
    >>> calm = build_table(Portfolio(0.0, 0.0), 12)
    >>> probability_with_bonus(calm, 0, 10, 5, [130, 131], 12, (5, 11))  # 12 × 10 + 2 × 5
    array([1., 0.])
    """
    if any(month not in range(MONTHS_A_YEAR) for month in bonus_months):
        raise GoalError(f"bonus months {bonus_months!r}: give 0 to 11, 0 for the first month of the goal")
    now, monthly, bonus, target, horizon = columns(now_yen, monthly_yen, bonus_yen, target_yen, months)
    if (monthly * bonus < 0).any():
        raise GoalError("bonus: payment and bonus go opposite ways; give both as saving or both as drawing")
    has_bonus = np.zeros(MONTHS_A_YEAR, bool)
    has_bonus[list(bonus_months)] = True
    arrays = table.scale.reshape(-1), table.moments.reshape(-1), table.bend.reshape(-1), table.covered
    out = np.empty(horizon.size)
    nu, sigma = table.portfolio.monthly
    _bonus(now, monthly, bonus, target, horizon, nu, sigma, at_end, has_bonus, *arrays, out)
    for i in np.flatnonzero(out == BY_ITSELF):
        paid = monthly[i] + bonus[i] * has_bonus[np.arange(horizon[i]) % MONTHS_A_YEAR]
        out[i] = schedule_probability(table.portfolio.mu, table.portfolio.vol, now[i], paid, target[i], at_end)
    return out


@njit(cache=True, error_model="numpy")
def _weights(now, monthly, bonus, target, months, at_end, has_bonus, weights):
    """Write the weight of each Q_j, j = 1 … T, and return x: the goal is X = Σ weight·Q_j against x, as in `canonical.py`."""
    way = -1.0 if monthly + bonus < 0.0 else 1.0
    for j in range(1, months + 1):
        if way > 0.0:
            k = months - 1 - j if at_end else months - j
        else:
            k = j - 1 if at_end else j
        inside = 0 <= k < months
        weights[j] = way * (monthly + (bonus if has_bonus[k % 12] else 0.0)) if inside else 0.0
    edge = months - 1 if at_end else 0
    paid = monthly + (bonus if has_bonus[edge % 12] else 0.0)
    if way > 0.0:
        weights[months] += now
        return target - paid if at_end else target
    weights[months] += max(target, 0.0)
    return now if at_end else now + paid


@njit(cache=True, error_model="numpy")
def _lognormal(weights, even, months, nu, sigma):
    """Return mean and variance of ln of a lognormal with the first two moments of X; `even`, if ≥ 0, for all weights before T."""
    first, second = math.exp(nu + 0.5 * sigma * sigma), math.exp(2.0 * nu + 2.0 * sigma * sigma)
    mean, square = weights[months], weights[months] ** 2
    for j in range(months, 0, -1):
        mean, square = mean * first, square * second
        if j > 1:
            more = even if even >= 0.0 else weights[j - 1]
            square += 2.0 * more * mean + more * more
            mean += more
    variance = math.log(square / mean**2)
    return math.log(mean) - 0.5 * variance, variance


@njit(cache=True, nogil=True, error_model="numpy")
def _bonus(now, monthly, bonus, target, months, nu, sigma, at_end, has_bonus, scale, moments, bend, covered, out):
    """Write the probability of each goal with bonus months; BY_ITSELF where the table does not cover it, NaN for no goal."""
    weights, own, reach = np.empty(MOST_MONTHS + 1), np.empty(8), covered.shape[1]
    for i in range(out.size):
        t, total = months[i], monthly[i] + bonus[i]
        out[i] = sure_answer(now[i], total, target[i], t, at_end)
        if out[i] == WRONG or t == 0:
            out[i] = math.nan if out[i] == WRONG else out[i]
            continue
        x = _weights(now[i], monthly[i], bonus[i], target[i], t, at_end, has_bonus, weights)
        draws = total < 0.0
        if x <= 0.0:
            out[i] = 1.0 if not draws or (x == 0.0 and weights[1 : t + 1].sum() == 0.0) else 0.0
            continue
        drift, paid = (-nu if draws else nu), 0.0
        for j in range(1, t):
            paid += weights[j] * math.exp(drift * j)
        money = weights[t] * math.exp(drift * t)
        if money + paid == 0.0:
            out[i] = 1.0 if draws else 0.0
            continue
        if t >= reach or not covered[0, t]:
            out[i] = BY_ITSELF
            continue
        root = math.sqrt(paid)
        position = (SHARES - 1) * root / (math.sqrt(money) + root)
        row = (reach if draws else 0) + t
        first = row * SHARES + first_share(position)
        for place in range(8):
            own[place] = moments[2 * first + place]
        if t > 2:
            mean, variance = _lognormal(weights, -1.0, t, drift, sigma)
            even_mean, even_variance = _lognormal(weights, paid / annuity(t, drift), t, drift, sigma)
            for place in range(0, 8, 2):
                own[place] += mean - even_mean
                own[place + 1] *= math.sqrt(variance / even_variance)
        out[i] = read_law(position, math.log(x / (money + paid)), draws, own, 0, bend, PLACES * first, PLACES)
