"""The probability of every goal of the house (全目標の達成確率): any number of goals and portfolios, in bounded memory.

A portfolio with many goals gets a table, a stack of tables at a time; the goals of the others are read from the atlas directly,
two microseconds each. Both ways take the same steps on the same figures, so a goal's probability does not depend on who stands
beside it. What the atlas does not cover is computed month by month.
"""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.atlas import COLUMNS, NODES, SHARES, annuity, atlas, atlas_at
from tsutsumi.core.goals.canonical import NO_RISK
from tsutsumi.core.goals.lookup import (
    BY_ITSELF,
    WRONG,
    columns,
    finish,
    first_share,
    logarithms,
    look_up_all,
    place_goal,
    read_law,
    sure_answer,
)
from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR
from tsutsumi.core.goals.table import blend, cell, covers, empty_tables, fill_table, lump_sum

GOALS_A_MONTH = 4  # a table pays from so many goals per month of its length
FEW_GOALS = 1_000  # so many touch but a part of the atlas
STACK_BYTES = 1 << 28  # of tables held at a time
BYTES_A_MONTH = 2 * (SHARES * (2 * 8 + (COLUMNS - 2) * 4) + 16) + 1


@njit(cache=True, error_model="numpy")
def _pairs(mean, risk, which):
    """Number the different pairs in the order of their first goal, −1 where a figure is not finite; return the first goals."""
    bits = 10
    slots = np.full(1 << bits, -1, np.int64)
    first = np.empty(64, np.int64)
    count = 0
    both = np.empty(2)
    words = both.view(np.uint64)
    for i in range(mean.size):
        both[0], both[1] = mean[i] + 0.0, risk[i] + 0.0
        if not (abs(both[0]) + abs(both[1]) < math.inf):
            which[i] = -1
            continue
        mixed = (words[0] * np.uint64(0x9E3779B97F4A7C15)) ^ (words[1] * np.uint64(0xC2B2AE3D27D4EB4F))
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        at = np.int64(mixed >> np.uint64(64 - bits))
        while slots[at] >= 0 and (mean[first[slots[at]]] != mean[i] or risk[first[slots[at]]] != risk[i]):
            at = (at + 1) & ((1 << bits) - 1)
        if slots[at] < 0:
            if count == first.size:
                first = np.append(first, first)
            slots[at], first[count] = count, i
            count += 1
        which[i] = slots[at]
        if 2 * count > slots.size:
            bits += 2
            slots = _spread(mean, risk, first[:count], bits)
    return first[:count].copy()


@njit(cache=True, error_model="numpy")
def _spread(mean, risk, first, bits):
    """Return a larger hash table of the same pairs."""
    slots = np.full(1 << bits, -1, np.int64)
    both = np.empty(2)
    words = both.view(np.uint64)
    for k in range(first.size):
        both[0], both[1] = mean[first[k]] + 0.0, risk[first[k]] + 0.0
        mixed = (words[0] * np.uint64(0x9E3779B97F4A7C15)) ^ (words[1] * np.uint64(0xC2B2AE3D27D4EB4F))
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        at = np.int64(mixed >> np.uint64(64 - bits))
        while slots[at] >= 0:
            at = (at + 1) & ((1 << bits) - 1)
        slots[at] = k
    return slots


@njit(cache=True, error_model="numpy")
def _use(which, months, counts, longest):
    """Count each portfolio's goals and its longest horizon."""
    for i in range(which.size):
        if which[i] >= 0:
            counts[which[i]] += 1
            longest[which[i]] = max(longest[which[i]], months[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up_few(now, monthly, target, months, at_end, which, few, nu, sigma, nodes, out):
    """Write the probability of each goal of a portfolio without a table, read from the atlas; BY_ITSELF and WRONG as elsewhere."""
    at, weights, law = np.empty(3, np.int64), np.empty((3, 4)), np.empty((4, COLUMNS), np.float32)
    bend, moments = law.reshape(law.size), np.empty(8)
    ratio, log_ratio = np.empty(1), np.empty(1)
    for i in range(out.size):
        k = which[i]
        if k < 0 or not few[k]:
            if k < 0:
                out[i] = WRONG
            continue
        out[i] = sure_answer(now[i], monthly[i], target[i], months[i], at_end)
        if out[i] != BY_ITSELF or sigma[k] < NO_RISK or not covers(months[i], nu[k], sigma[k]):
            continue
        draws, t = monthly[i] < 0.0, months[i]
        drift, spread = (-nu[k] if draws else nu[k]), sigma[k] * math.sqrt(t)
        position, ratio[0] = place_goal(now[i], monthly[i], target[i], at_end, math.exp(drift * t), annuity(t, drift))
        logarithms(ratio, 1, log_ratio)
        if t == 1:
            lump_sum(law)
        else:
            cell(t, drift * t, spread, at, weights)
            blend(nodes, at, weights, first_share(position), law)
        for r in range(4):
            moments[2 * r], moments[2 * r + 1] = law[r, 0] * spread**2, law[r, 1] * spread
        out[i] = read_law(position, log_ratio[0], draws, moments, 0, bend, 2, COLUMNS)


@njit(cache=True, error_model="numpy")
def _touch(months, nu, sigma, wanted):
    """Mark the nodes of the atlas that a horizon of a portfolio is read from, whichever way the goal goes."""
    if months < 2 or sigma < NO_RISK or not covers(months, nu, sigma):
        return
    at, weights = np.empty(3, np.int64), np.empty((3, 4))
    for drift in (nu, -nu):
        cell(months, drift * months, sigma * math.sqrt(months), at, weights)
        wanted[at[0] : at[0] + 4, at[1] : at[1] + 4, at[2] : at[2] + 4] = True


@njit(cache=True, error_model="numpy")
def _touch_all(months, which, few, longest, nu, sigma, wanted):
    """Mark the nodes that goals without tables touch, and those of the tables."""
    for n in range(which.size):
        if which[n] >= 0 and few[which[n]]:
            _touch(months[n], nu[which[n]], sigma[which[n]], wanted)
    for k in range(nu.size):
        if not few[k]:
            for t in range(2, longest[k] + 1):
                _touch(t, nu[k], sigma[k], wanted)


def _nodes(months, which, few, longest, nu, sigma) -> np.ndarray:
    """Return the atlas for some goals: for a few of them only what they touch."""
    if months.size > FEW_GOALS:
        return atlas()
    wanted = np.zeros(NODES, np.bool_)
    _touch_all(months, which, few, longest, nu, sigma, wanted)
    return atlas_at(wanted)


def monthly_model(mean: np.ndarray, risk: np.ndarray, log: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ν and σ of a month for each portfolio, and whether it is a portfolio: mean above −1 and risk not negative.

    Parameters
    ----------
    mean, risk : float arrays
        Yearly simple mean and standard deviation; with `log`, drift and volatility.

    Examples
    --------
    >>> nu, sigma, right = monthly_model(np.array([0.05, -1.0]), np.array([0.15, 0.1]), False)
    >>> [float(round(figure, 6)) for figure in (nu[0], sigma[0])], right.tolist()
    ([0.003224, 0.041031], [True, False])
    """
    if log:
        right = risk >= 0
        mu, vol = mean, np.where(right, risk, 0.0)
    else:
        right = (mean > -1) & (risk >= 0)
        safe = np.where(right, mean, 0.0)
        mu, vol = np.log1p(safe), np.sqrt(np.log1p((np.where(right, risk, 0.0) / (1 + safe)) ** 2))
    return (mu - vol**2 / 2) / MONTHS_A_YEAR, vol / math.sqrt(MONTHS_A_YEAR), right


def probabilities(now_yen, monthly_yen, target_yen, months, mean, risk, at_end: bool = False, log: bool = False) -> np.ndarray:
    """Return the probability of every goal of a book (目標達成確率の一括計算), each with its own portfolio.

    Parameters
    ----------
    now_yen, monthly_yen, target_yen : array or number
        Money now, ≥ 0; payment a month, below 0 draws; target, at most 0 if the money only has to last.
    months : int array or int
        0 to 2,400.
    mean, risk : array or number
        Yearly simple mean and standard deviation, fees off; with `log`, drift and volatility.
    at_end : bool
        Pay at the end of each month.
    log : bool

    Returns
    -------
    float64 array
        Not rounded, in the order of the goals; NaN for what is no goal (see `lookup.probability`) or no portfolio.

    Notes
    -----
    Beside the columns and the result at most 12 bytes a goal and 270 MB of tables, however many portfolios there are.

    Examples
    --------
    >>> probabilities(5_000_000, 0, 8_000_000, 120, [0.05, 0.05, 0.05], [0.15, 0.0, -1.0], log=True).round(6)
    array([0.430959, 1.      ,      nan])
    """
    *yen, mean, risk, horizon = columns(now_yen, monthly_yen, target_yen, mean, risk, months)
    out, which = np.empty(horizon.size), np.empty(horizon.size, np.int32)
    if not out.size:
        return out
    first = _pairs(mean, risk, which)
    nu, sigma, right = monthly_model(mean[first], risk[first], log)
    if not right.all():
        which = np.append(np.where(right, np.arange(right.size), -1), -1).astype(np.int32)[which]
    counts, longest = np.zeros(first.size, np.int64), np.zeros(first.size, np.int64)
    _use(which, horizon, counts, longest)
    longest = np.clip(longest, 1, 600)
    few = (counts < GOALS_A_MONTH * longest) | (sigma < NO_RISK)
    nodes = _nodes(horizon, which, few, longest, nu, sigma)
    _look_up_few(*yen, horizon, at_end, which, few, nu, sigma, nodes, out)
    for stack in stacks(np.flatnonzero(~few), longest):
        arrays = empty_tables(len(stack), int(longest[stack].max()))
        places = np.full(first.size + 1, -1, np.int32)  # the last for what has no portfolio
        for place, pair in enumerate(stack):
            fill_table(nodes, nu[pair], sigma[pair], *(array[place] for array in arrays))
            places[pair] = place
        scale, moments, bend, covered = arrays
        look_up_all(*yen, horizon, at_end, places[which], scale.reshape(-1), moments.reshape(-1), bend.reshape(-1), covered, out)
    finish(*yen, horizon, nu, sigma, at_end, which, out)
    return out


def stacks(pairs: np.ndarray, longest: np.ndarray) -> list[np.ndarray]:
    """Return the portfolios that get tables in groups (表を同時に持つ組), each within STACK_BYTES; the longest horizons first.

    Examples
    --------
    >>> [stack.tolist() for stack in stacks(np.array([0, 2]), np.array([120, 1, 600]))]
    [[2, 0]]
    """
    order = pairs[np.argsort(-longest[pairs], kind="stable")]
    found, at = [], 0
    while at < order.size:
        size = max(1, STACK_BYTES // (BYTES_A_MONTH * (int(longest[order[at]]) + 1)))
        found.append(order[at : at + size])
        at += size
    return found
