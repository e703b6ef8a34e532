"""The law of a goal's end value (将来資産の分布), month by month: exact to seven digits for any months, drift and volatility.

Every goal of a fixed portfolio asks about X = a·Q_T + b·(Q_1 + … + Q_{T−1}), Q_k the k-th power of chance: the product of k
independent months exp(ν + σ·g) (see `canonical.py`). With V_1 = (a/b)·q and V_{n+1} = q·(V_n + 1), X = b·V_T. So the density of
ln V is carried from month to month on a lattice of step 0.75 σ: a month is softplus, u = ln(1 + V), then a normal of width σ. All
that is summed is smooth on that scale, so the plain sum is exact to exp(−π²/0.75²) = 2e-8. The last month is summed as Φ, not as a
density, so the probability itself needs no interpolation.
"""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.normal import ROOT_TAU, below

STEP = 0.75  # of the lattice, in σ
TAPS = 20  # of a month's kernel: ± 7.5 σ
BLOCK = 4  # lattice points that are carried on together
WIDE = TAPS + BLOCK  # taps of a block
REACH = 8.4  # of a start, in σ
LEAST = 1e-16  # a weight below it is dropped
STARTS = 25  # nodes of the first month: ± 9 σ


@njit(cache=True, inline="always", error_model="numpy")
def softplus(z):
    """Return ln(1 + e^z) without overflow."""
    return z + math.log1p(math.exp(-z)) if z > 0.0 else math.log1p(math.exp(z))


@njit(cache=True, error_model="numpy")
def _tap_scales():
    """Return exp(−(t·STEP)²/2) · STEP / sqrt(2π) for each tap t."""
    scales = np.empty(TAPS)
    for t in range(TAPS):
        scales[t] = math.exp(-0.5 * (t * STEP) ** 2) * STEP / ROOT_TAU
    return scales


@njit(cache=True, error_model="numpy")
def _base(centre):
    """Return the first lattice index of a month's kernel around a centre."""
    whole = int(centre)
    return whole - (1 if whole > centre else 0) - (TAPS // 2 - 1)


@njit(cache=True, error_model="numpy")
def _weigh(centre, base, scales, row):
    """Write the TAPS weights of a month, from the lattice index `base` on; the centre in lattice steps."""
    far = (base - centre) * STEP
    weight, ratio = math.exp(-0.5 * far * far), math.exp(-far * STEP)
    for t in range(TAPS):
        row[t] = weight * scales[t]
        weight *= ratio


@njit(cache=True, error_model="numpy")
def _first(nu, sigma, log_ratio, u, mass):
    """Write u = ln(1 + V_1) and its weights for one start; they are STARTS nodes of a normal."""
    for j in range(STARTS):
        g = (j - STARTS // 2) * STEP
        u[j] = softplus(log_ratio + nu + sigma * g)
        mass[j] = math.exp(-0.5 * g * g) * STEP / ROOT_TAU


@njit(cache=True, error_model="numpy")
def _keep(spare, first, size, mass):
    """Copy the weights that count into whole blocks of `mass`; return their first block and the number of blocks."""
    low, high = 0, size
    while low < high and spare[low] < LEAST:
        low += 1
    while high > low and spare[high - 1] < LEAST:
        high -= 1
    block = (first + low) // BLOCK
    ahead = first + low - block * BLOCK
    count = (ahead + high - low + BLOCK - 1) // BLOCK
    for i in range(count * BLOCK):
        from_low = i - ahead
        mass[i] = spare[low + from_low] if 0 <= from_low < high - low else 0.0
    return block, count


@njit(cache=True, error_model="numpy")
def _second(nu, sigma, scales, u, mass, spare):
    """Spread the first month's nodes of one start onto the lattice, in place; return its first block and their number."""
    step, row = sigma * STEP, np.empty(TAPS)
    first, last = 1 << 60, -(1 << 60)
    for j in range(STARTS):
        base = _base((u[j] + nu) / step)
        first, last = min(first, base), max(last, base + TAPS)
    for i in range(last - first):
        spare[i] = 0.0
    for j in range(STARTS):
        centre = (u[j] + nu) / step
        base = _base(centre)
        _weigh(centre, base, scales, row)
        for t in range(TAPS):
            spare[base - first + t] += mass[j] * row[t]
    return _keep(spare, first, last - first, mass)


@njit(cache=True, error_model="numpy")
def _rows(nu, sigma, scales, block, rows):
    """Write the kernels of the points of a block, all from one lattice index on; return that index."""
    step = sigma * STEP
    base = 0
    for k in range(BLOCK):
        centre = (softplus((block * BLOCK + k) * step) + nu) / step
        if k == 0:
            base = _base(centre)
        ahead = min(_base(centre) - base, BLOCK - 1)
        for t in range(WIDE):
            rows[k, t] = 0.0
        _weigh(centre, base + ahead, scales, rows[k, ahead:])
    return base


@njit(cache=True, error_model="numpy")
def _carry(mass, count, rows, bases, first, spare):
    """Add what each block becomes to `spare`, which begins at the lattice index `first`."""
    wide = rows.shape[2]
    for q in range(count):
        out, row, at = spare[bases[q] - first :], rows[q], BLOCK * q
        a, b, c, d = mass[at], mass[at + 1], mass[at + 2], mass[at + 3]
        for t in range(wide):
            out[t] += a * row[0, t] + b * row[1, t] + c * row[2, t] + d * row[3, t]


@njit(cache=True, error_model="numpy")
def _month(nu, sigma, scales, mass, block, count, spare, rows, bases):
    """Carry every start one month on, in place; starts whose blocks overlap share the kernel's rows."""
    lowest = block[0]
    for k in range(block.size):
        lowest = min(lowest, block[k])
    known_from, known_to = 0, 0
    for k in range(block.size):
        start, stop = block[k] - lowest, block[k] + count[k] - lowest
        if stop < known_from or start >= known_to:
            known_from, known_to = start, start
        for q in range(start, known_from):
            bases[q] = _rows(nu, sigma, scales, lowest + q, rows[q])
        for q in range(known_to, stop):
            bases[q] = _rows(nu, sigma, scales, lowest + q, rows[q])
        known_from, known_to = min(known_from, start), max(known_to, stop)
        first, length = bases[start], bases[stop - 1] + WIDE - bases[start]
        for i in range(length):
            spare[i] = 0.0
        _carry(mass[k], count[k], rows[start:], bases[start:], first, spare)
        block[k], count[k] = _keep(spare, first, length, mass[k])


@njit(cache=True, error_model="numpy")
def _room(months, nu, sigma):
    """Return the most lattice points that one start takes."""
    wide = 2.0 * REACH * math.sqrt(months) / STEP + 0.5 * sigma * months / STEP
    return int(wide) + 4 * TAPS + STARTS


@njit(cache=True, error_model="numpy")
def before_last_month(months, nu, sigma, log_ratios):
    """Return where ln(1 + V) of the month before the last lies, and with which weight, for each start.

    Parameters
    ----------
    months : int
        T, at least 2.
    nu, sigma : float
        Mean and standard deviation of a month's log-return of Q; sigma > 0.
    log_ratios : float array
        ln(a/b) of each start, in falling order; −inf for a = 0.

    Returns
    -------
    u, mass : float arrays, one row a start
    size : int array
        How many of each row count.
    """
    starts, step = log_ratios.size, sigma * STEP
    room = _room(months, nu, sigma)
    u, mass, size = np.empty((starts, room)), np.empty((starts, room)), np.full(starts, STARTS, np.int64)
    for k in range(starts):
        _first(nu, sigma, log_ratios[k], u[k], mass[k])
    if months == 2:
        return u, mass, size
    block, scales, spare = np.empty(starts, np.int64), _tap_scales(), np.empty(room)
    for k in range(starts):
        block[k], size[k] = _second(nu, sigma, scales, u[k], mass[k], spare)
    lowest, end = block[0], block[0]
    for k in range(starts):
        lowest, end = min(lowest, block[k]), max(end, block[k] + size[k])
    apart = end - lowest + starts * room // BLOCK
    rows, bases = np.empty((apart, BLOCK, WIDE)), np.empty(apart, np.int64)
    for _ in range(months - 3):
        _month(nu, sigma, scales, mass, block, size, spare, rows, bases)
    for k in range(starts):
        size[k] *= BLOCK
        for j in range(size[k]):
            u[k, j] = softplus((block[k] * BLOCK + j) * step)
    return u, mass, size


@njit(cache=True, error_model="numpy")
def moments(nu, sigma, u, mass, size):
    """Return the mean and standard deviation of ln V_T from the month before the last."""
    total, mean, spread = 0.0, 0.0, 0.0
    for j in range(size):
        total += mass[j]
        mean += mass[j] * u[j]
    mean /= total
    for j in range(size):
        spread += mass[j] * (u[j] - mean) ** 2
    return mean + nu, math.sqrt(spread / total + sigma * sigma)


@njit(cache=True, error_model="numpy")
def shares(log_x, nu, sigma, u, mass, size):
    """Return P(ln V_T ≤ log_x) and P(ln V_T > log_x) from the month before the last."""
    lower, upper = 0.0, 0.0
    for j in range(size):
        d = (log_x - u[j] - nu) / sigma
        if d > REACH:
            lower += mass[j]
        elif d < -REACH:
            upper += mass[j]
        else:
            tail = below(-abs(d))
            lower += mass[j] * (tail if d < 0.0 else 1.0 - tail)
            upper += mass[j] * (1.0 - tail if d < 0.0 else tail)
    total = lower + upper
    return lower / total, upper / total
