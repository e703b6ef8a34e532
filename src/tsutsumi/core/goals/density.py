"""The law of wealth month by month (資産の分布): mixtures of normal densities of ln W, without sampling and without a fixed grid.

After a month's return, ln W is a mixture Σ wᵢ N(cᵢ, sd²) over centres cᵢ, beside an atom at W = 0. The next payment moves every
point, the next return makes a mixture again: ∫ f(x) φ(y − x'(x)) dx by the trapezoid rule, which is spectrally exact because f and
φ are both as smooth as a normal density. Two grids keep it so. Money in: equal steps of x before the payment (ln(eˣ + c) brings
points nearer, so the next kernel looks wider). Money out: equal steps of z = ln(eˣ − d) after it, with the density found at
x = ln(e^z + d), so that the edge of ruin lies at z = −∞ and cuts nothing.
"""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.normal import ROOT_TAU, below

REACH = 6.6  # standard deviations of one month beyond which a density counts as nothing: 4e-11
FINE = 0.65  # step of the grids in standard deviations of one month
LEAST = 1e-16  # a centre that weighs less is dropped at both ends
MOST_POINTS = 4_000_000


@njit(cache=True, error_model="numpy")
def _spread(centres, weights, sd, low, step, count):
    """Return the mixture's density at low + step·j, each centre spread over the grid by a recurrence of products."""
    density = np.zeros(count)
    ratio = step / sd
    decay = math.exp(-ratio * ratio)
    for i in range(centres.size):
        first = max(0, int((centres[i] - low) / step - REACH / ratio))
        last = min(count - 1, int((centres[i] - low) / step + REACH / ratio) + 1)
        away = (low + first * step - centres[i]) / sd
        height = weights[i] * math.exp(-0.5 * away * away)
        growth = math.exp(-ratio * (away + 0.5 * ratio))
        for j in range(first, last + 1):
            density[j] += height
            height *= growth
            growth *= decay
    return density / (sd * ROOT_TAU)


@njit(cache=True, error_model="numpy")
def _read(centres, weights, sd, even, points):
    """Return the mixture's density at ascending points; `even` says that the centres have equal steps."""
    density = np.zeros(points.size)
    start, count = 0, centres.size
    ratio = (centres[1] - centres[0]) / sd if count > 1 else 1.0
    decay = math.exp(-ratio * ratio)
    for j in range(points.size):
        while start < count and centres[start] < points[j] - REACH * sd:
            start += 1
        if start == count:
            break
        away = (centres[start] - points[j]) / sd
        total = 0.0
        if even:
            height, growth = math.exp(-0.5 * away * away), math.exp(-ratio * (away + 0.5 * ratio))
            for i in range(start, min(count, start + int((REACH - away) / ratio) + 1)):
                total += weights[i] * height
                height *= growth
                growth *= decay
        else:
            for i in range(start, count):
                away = (centres[i] - points[j]) / sd
                if away > REACH:
                    break
                total += weights[i] * math.exp(-0.5 * away * away)
        density[j] = total
    return density / (sd * ROOT_TAU)


@njit(cache=True, error_model="numpy")
def mass_below(centres, weights, sd, x):
    """Return the mixture's mass below ln W = x."""
    total = 0.0
    for i in range(centres.size):
        if centres[i] > x + (REACH + 1.0) * sd:
            break
        total += weights[i] * below((x - centres[i]) / sd)
    return total


@njit(cache=True, error_model="numpy")
def _trimmed(centres, weights):
    """Return centres and weights without the negligible ones at both ends."""
    first, last = 0, centres.size
    while first < last and weights[first] < LEAST:
        first += 1
    while last > first and weights[last - 1] < LEAST:
        last -= 1
    return centres[first:last].copy(), weights[first:last].copy()


@njit(cache=True, error_model="numpy")
def _equal_steps(low, high, step):
    """Return low, low + step, … to high or just above."""
    count = int((high - low) / step) + 2
    if count > MOST_POINTS:
        raise ValueError("the risk is too small for this horizon's payments: give 0 instead")
    return low + step * np.arange(count)


@njit(cache=True, error_model="numpy")
def pay(centres, weights, sd, even, atom, payment, bottom, next_sd):
    """Return (ln W after the payment, masses, whether in equal steps, atom at 0, ruined mass).

    Parameters
    ----------
    centres, weights, sd, even, atom : the law before the payment: the mixture, and the mass at W = 0
    payment : money in (+) or out (−); W + payment < 0 is ruin and leaves the law
    bottom : ln W after the payment below which money makes no difference any more; that mass joins the atom
    next_sd : sd of the month that follows
    """
    step = FINE * min(sd, next_sd)
    low, high = centres[0] - REACH * sd, centres[-1] + REACH * sd
    if payment > 0.0:
        points = _equal_steps(low, high, step)
        masses = step * _spread(centres, weights, sd, low, step, points.size)
        points = np.log(np.exp(points) + payment)
        if atom > 0.0:
            points = np.concatenate((np.array([math.log(payment)]), points))
            masses = np.concatenate((np.array([atom]), masses))
        points, masses = _trimmed(points, masses)
        return points, masses, False, 0.0, 0.0
    drawn, ruined, cut = -payment, 0.0, 0.0
    if drawn > 0.0:
        edge = math.log(drawn)
        cut = mass_below(centres, weights, sd, edge)
        atom, ruined = 0.0, atom + cut
        low = math.log(math.exp(low) - drawn) if low > edge else -np.inf
        high = math.log(math.exp(high) - drawn) if high > edge else -np.inf
    if high <= bottom:
        return np.zeros(0), np.zeros(0), True, atom + weights.sum() - cut, ruined
    points = _equal_steps(max(low, bottom), high, step)
    if drawn == 0.0:
        masses = step * _spread(centres, weights, sd, points[0], step, points.size)
    else:
        kept = np.exp(points)
        masses = step * _read(centres, weights, sd, even, np.log(kept + drawn)) * (kept / (kept + drawn))
    if bottom > low:  # what no node holds
        atom += weights.sum() - cut - masses.sum()
    points, masses = _trimmed(points, masses)
    return points, masses, True, atom, ruined


@njit(cache=True, error_model="numpy")
def quantile(centres, weights, sd, at_zero, share):
    """Return the wealth that a share of the whole mass does not exceed; `at_zero` is the mass at 0 or ruined."""
    wanted = share - at_zero
    if wanted <= 0.0 or centres.size == 0:
        return 0.0
    low, high = centres[0] - REACH * sd, centres[-1] + REACH * sd
    if wanted >= weights.sum():
        return math.exp(high)
    summed = np.cumsum(weights)
    for _ in range(60):
        middle = 0.5 * (low + high)
        first = np.searchsorted(centres, middle - REACH * sd)
        mass = summed[first - 1] if first > 0 else 0.0
        for i in range(first, centres.size):
            if centres[i] > middle + REACH * sd:
                break
            mass += weights[i] * below((middle - centres[i]) / sd)
        if mass < wanted:
            low = middle
        else:
            high = middle
        if high - low < 1e-12:
            break
    return math.exp(0.5 * (low + high))
