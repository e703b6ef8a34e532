"""What a wanted probability needs (必要な積立額・追加額・目標額・期間): whole yen or months, searched on the probability itself."""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.canonical import exact
from tsutsumi.core.goals.lookup import BY_ITSELF, WRONG, columns, first_share, place_goal, read_law, sure_answer
from tsutsumi.core.goals.normal import probit
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.table import MOST_MONTHS, PLACES, SHARES, GoalTable, empty_tables

PAYMENT, TOP_UP, TARGET, DRAWING = 0, 1, 2, 3
MOST_YEN = 1 << 53
NONE = -1


@njit(cache=True, error_model="numpy")
def chance(now, monthly, target, months, nu, sigma, at_end, scale, moments, bend, covered):
    """Return the probability of one goal, from the table where it covers the months, else exactly; of no goal at all 0 or 1."""
    answer = sure_answer(now, monthly, target, months, at_end)
    if answer == WRONG:
        return 1.0 if target <= 0.0 else 0.0
    if answer != BY_ITSELF:
        return answer
    if months >= covered.shape[1] or not covered[0, months]:
        return exact(now, monthly, target, months, nu, sigma, at_end)
    draws = monthly < 0.0
    row = (covered.shape[1] if draws else 0) + months
    position, ratio = place_goal(now, monthly, target, at_end, scale[2 * row], scale[2 * row + 1])
    first = row * SHARES + first_share(position)
    return read_law(position, math.log(ratio), draws, moments, 2 * first, bend, PLACES * first, PLACES)


@njit(cache=True, error_model="numpy")
def _asked(kind, yen, now, monthly, target, months, nu, sigma, at_end, want, scale, moments, bend, covered):
    """Return how far the goal is above what is wanted, in probits; for a target or a drawing, how far below."""
    if kind == PAYMENT:
        monthly = yen
    elif kind == TOP_UP:
        now = now + yen
    elif kind == TARGET:
        target = yen
    else:
        monthly = -yen
    p = chance(now, monthly, target, months, nu, sigma, at_end, scale, moments, bend, covered)
    gap = probit(p, 1.0 - p) - probit(want, 1.0 - want)
    return gap if kind <= TOP_UP else (-gap if gap != 0.0 else -1e-300)


@njit(cache=True, error_model="numpy")
def _first_yen(kind, now, monthly, target, months, nu, sigma, at_end, want, scale, moments, bend, covered):
    """Return the smallest yen ≥ 0 at which `_asked` is not negative (for a target or drawing: above 0), or NONE below 2^53."""
    low, high = 0, int(max(now, abs(monthly), abs(target), 1.0) / max(months, 1)) + 1
    below = _asked(kind, 0.0, now, monthly, target, months, nu, sigma, at_end, want, scale, moments, bend, covered)
    if below >= 0.0:
        return 0
    above = _asked(kind, float(high), now, monthly, target, months, nu, sigma, at_end, want, scale, moments, bend, covered)
    while above < 0.0:
        low, below, high = high, above, 4 * high
        if high > MOST_YEN:
            return NONE
        above = _asked(kind, float(high), now, monthly, target, months, nu, sigma, at_end, want, scale, moments, bend, covered)
    turn = 0
    while high - low > 1:
        middle = low + (high - low) // 2
        if above - below < 12.0 and turn % 4 < 3:  # a probit is nearly straight; ends beyond it tell nothing
            middle = min(max(low + int((high - low) * (-below / (above - below))), low + 1), high - 1)
        turn += 1
        at = _asked(kind, float(middle), now, monthly, target, months, nu, sigma, at_end, want, scale, moments, bend, covered)
        if at < 0.0:
            low, below = middle, at
            above = above * 0.5 if turn % 2 and above > 1e-6 else above
        else:
            high, above = middle, at
            below = below * 0.5 if turn % 2 and below < -1e-6 else below
    return high


@njit(cache=True, nogil=True, error_model="numpy")
def _search(kind, now, monthly, target, months, nu, sigma, at_end, want, scale, moments, bend, covered, out):
    """Write the yen that each goal needs; NONE if no yen will do."""
    for i in range(out.size):
        out[i] = _first_yen(
            kind, now[i], monthly[i], target[i], months[i], nu, sigma, at_end, want[i], scale, moments, bend, covered
        )
        if kind > TOP_UP and out[i] >= 0:
            out[i] -= 1


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(now, monthly, target, limit, nu, sigma, at_end, want, scale, moments, bend, covered, lasting, out):
    """Write the first month (or the last, if `lasting`) at which the goal has what is wanted."""
    for i in range(out.size):
        out[i] = NONE
        for months in range(limit + 1):
            p = chance(now[i], monthly[i], target[i], months, nu, sigma, at_end, scale, moments, bend, covered)
            if p >= want[i]:
                out[i] = months
            if (p >= want[i]) != lasting:
                break


def _model(source: GoalTable | Portfolio) -> tuple:
    """Return ν, σ and the flat arrays of a table; of a portfolio a table that covers nothing."""
    if isinstance(source, GoalTable):
        arrays, portfolio = (source.scale, source.moments, source.bend, source.covered), source.portfolio
    else:
        arrays, portfolio = empty_tables(1, 0), source
    scale, moments, bend, covered = arrays
    return *portfolio.monthly, (scale.reshape(-1), moments.reshape(-1), bend.reshape(-1), covered)


def _solve(kind: int, source, now_yen, monthly_yen, target_yen, months, want, at_end: bool) -> np.ndarray:
    now, monthly, target, wanted, horizon = columns(now_yen, monthly_yen, target_yen, want, months)
    _check_want(wanted)
    nu, sigma, arrays = _model(source)
    out = np.empty(horizon.size, np.int64)
    _search(kind, now, monthly, target, horizon, nu, sigma, at_end, wanted, *arrays, out)
    return out


def _check_want(want: np.ndarray) -> None:
    if not ((want > 0) & (want < 1)).all():
        raise GoalError("want: a wanted probability lies between 0 and 1, such as 0.8; certainty cannot be bought")


def need_monthly_yen(source: GoalTable | Portfolio, now_yen, target_yen, months, want, at_end: bool = False) -> np.ndarray:
    """Return the smallest whole-yen payment a month, ≥ 0, with P ≥ want (必要積立額).

    Parameters
    ----------
    source : GoalTable or Portfolio
        A table answers fast (about 2 µs a goal); a portfolio is computed month by month.
    now_yen, target_yen, months, want : arrays or numbers

    Returns
    -------
    int64 array
        Yen; −1 if no payment will do (0 months).

    Raises
    ------
    GoalError
        `want` is not between 0 and 1.

    Examples
    --------
    >>> need_monthly_yen(Portfolio(0.0, 0.0), 100_000, 220_000, 12, 0.5)
    array([10000])
    """
    return _solve(PAYMENT, source, now_yen, 0, target_yen, months, want, at_end)


def need_now_yen(source: GoalTable | Portfolio, now_yen, monthly_yen, target_yen, months, want, at_end: bool = False) -> np.ndarray:
    """Return the smallest whole yen to add to the money now, ≥ 0, with P ≥ want (必要な追加入金額); as `need_monthly_yen`.

    Examples
    --------
    >>> need_now_yen(Portfolio(0.0, 0.0), 100_000, 5_000, 220_000, 12, 0.5)
    array([60000])
    """
    return _solve(TOP_UP, source, now_yen, monthly_yen, target_yen, months, want, at_end)


def reachable_target_yen(source: GoalTable | Portfolio, now_yen, monthly_yen, months, want, at_end: bool = False) -> np.ndarray:
    """Return the largest whole-yen target with P ≥ want (到達可能な目標額); −1 if even nothing left is too much.

    Examples
    --------
    >>> reachable_target_yen(Portfolio(0.0, 0.0), 100_000, 5_000, 12, 0.5)
    array([160000])
    """
    return _solve(TARGET, source, now_yen, monthly_yen, 0, months, want, at_end)


def drawable_yen(source: GoalTable | Portfolio, now_yen, target_yen, months, want, at_end: bool = False) -> np.ndarray:
    """Return the largest whole-yen drawing a month with P ≥ want (取崩し可能額); −1 if not even 0.

    Examples
    --------
    >>> drawable_yen(Portfolio(0.0, 0.0), 120_000, 0, 12, 0.9)
    array([10000])
    """
    return _solve(DRAWING, source, now_yen, 0, target_yen, months, want, at_end)


def _months(lasting: bool, source, now_yen, monthly_yen, target_yen, want, at_end: bool, limit: int) -> np.ndarray:
    if not 0 <= limit <= MOST_MONTHS:
        raise ValueError(f"limit {limit!r}: 0 to {MOST_MONTHS} months")
    now, monthly, target, wanted, _ = columns(now_yen, monthly_yen, target_yen, want, 0)
    _check_want(wanted)
    nu, sigma, arrays = _model(source)
    out = np.empty(now.size, np.int64)
    _scan(now, monthly, target, limit, nu, sigma, at_end, wanted, *arrays, lasting, out)
    return out


def need_months(
    source: GoalTable | Portfolio, now_yen, monthly_yen, target_yen, want, at_end: bool = False, limit: int = 600
) -> np.ndarray:
    """Return the first number of months, 0 to `limit`, with P ≥ want (必要な期間); −1 if there is none.

    Examples
    --------
    >>> need_months(Portfolio(0.0, 0.0), 100_000, 10_000, 125_000, 0.5)
    array([3])
    """
    return _months(False, source, now_yen, monthly_yen, target_yen, want, at_end, limit)


def lasting_months(
    source: GoalTable | Portfolio, now_yen, monthly_yen, target_yen, want, at_end: bool = False, limit: int = 600
) -> np.ndarray:
    """Return how many months the money lasts with P ≥ want (資産寿命): the last before the first that fails, at most `limit`.

    Examples
    --------
    >>> lasting_months(Portfolio(0.0, 0.0), 100_000, -10_000, 0, 0.9)
    array([10])
    """
    return _months(True, source, now_yen, monthly_yen, target_yen, want, at_end, limit)
