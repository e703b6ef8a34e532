"""The probability of many goals (達成確率の一括計算) from tables: two roots, a logarithm and a cubic in two directions each."""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.atlas import PLACE_LOW, PLACE_STEP, PLACES, SHARES
from tsutsumi.core.goals.canonical import canonical, exact
from tsutsumi.core.goals.table import MOST_MONTHS, GoalTable

ONE_TABLE_CHUNK, CHUNK = 1 << 12, 1 << 17  # goals that are put in order together
FINE, FAR = 64, 5.5  # nodes of Φ per unit; how far a law is told: 2e-8 from 0 and 1
_NODES = [i / FINE - FAR for i in range(int(2 * FAR * FINE) + 1)]
_BELOW = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in _NODES])
_DENSITY = np.array([math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in _NODES])
BY_ITSELF, WRONG = -1.0, -2.0  # an answer that is no probability: not from a table; no goal at all
LN2, HALF_ROOT_BITS = math.log(2.0), 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)


FUSED = {"contract"}  # a·b + c in one step; the order of the steps stays


def _share_polynomials() -> np.ndarray:
    """Return the first three of the four weights of w in each cell as polynomials of the place in the cell, constant first.

    Inside, those of the cubic through four nodes; at both ends of one whose slope is zero, as that of the law is.
    """
    cubic = [[0, -1 / 3, 1 / 2, -1 / 6], [1, -1 / 2, -1, 1 / 2], [0, 1, 1 / 2, -1 / 2]]
    flat = [[0, 0, 3, -5 / 2, 1 / 2], [0, 0, -3 / 4, 1, -1 / 4], [0, 0, 1 / 9, -1 / 6, 1 / 18]]
    flat = [[1, *(-sum(row[k] for row in flat) for k in range(1, 5))], *flat]
    mirrored = [[sum(row[k] * math.comb(k, n) * (-1) ** n for k in range(n, 5)) for n in range(5)] for row in flat[::-1]]
    cells = [flat[:3], *([[*row, 0] for row in cubic] for _ in range(SHARES - 3)), mirrored[:3]]
    return np.array(cells, np.float64).reshape(-1)


_SHARE = _share_polynomials()


@njit(cache=True, inline="always", error_model="numpy", fastmath=FUSED)
def quick_below(x):
    """Return Φ(x) from its nearest node and three derivatives: to 3e-10; beyond ± 5.5 that of ± 5.5.

    Examples
    --------
    >>> round(quick_below(1.0), 6), quick_below(-9.0) == quick_below(-12.0) < 1e-7, quick_below(12.0) < 1.0
    (0.841345, True, True)
    """
    x = min(max(x, -FAR), FAR)
    i = int((x + FAR) * FINE + 0.5)
    node = i * (1.0 / FINE) - FAR
    d = x - node
    return _BELOW[np.uint64(i)] + _DENSITY[np.uint64(i)] * d * (1.0 - d * (0.5 * node - d * (node * node - 1.0) * (1.0 / 6.0)))


@njit(cache=True, inline="always", error_model="numpy")
def first_share(position):
    """Return the first of the four nodes of w around a place, w · (SHARES − 1)."""
    return min(max(int(position) - 1, 0), SHARES - 4)


@njit(cache=True, inline="always", error_model="numpy", fastmath=FUSED)
def share_weights(position):
    """Return the first three of the four weights of w; the last is what is left to 1.

    Examples
    --------
    >>> share_weights(3.0), share_weights(0.0), share_weights(SHARES - 1.0)  # on a node nothing else counts
    ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    """
    i = min(int(position), SHARES - 2)
    p = position - i
    k, one = np.uint64(15 * i), np.uint64(1)
    w0 = (((_SHARE[k + np.uint64(4)] * p + _SHARE[k + np.uint64(3)]) * p + _SHARE[k + np.uint64(2)]) * p + _SHARE[k + one]) * p
    w0 += _SHARE[k]
    k += np.uint64(5)
    w1 = (((_SHARE[k + np.uint64(4)] * p + _SHARE[k + np.uint64(3)]) * p + _SHARE[k + np.uint64(2)]) * p + _SHARE[k + one]) * p
    w1 += _SHARE[k]
    k += np.uint64(5)
    w2 = (((_SHARE[k + np.uint64(4)] * p + _SHARE[k + np.uint64(3)]) * p + _SHARE[k + np.uint64(2)]) * p + _SHARE[k + one]) * p
    return w0, w1, w2 + _SHARE[k]


@njit(cache=True, inline="always", error_model="numpy", fastmath=FUSED)
def standardised(log_ratio, w0, w1, w2, moments, at):
    """Return y = (ln x − mean) / deviation, both between four shares whose moments begin at `moments[at]`."""
    w3 = 1.0 - w0 - w1 - w2
    k, two, four, six = np.uint64(at), np.uint64(2), np.uint64(4), np.uint64(6)
    mean = w0 * moments[k] + w1 * moments[k + two] + w2 * moments[k + four] + w3 * moments[k + six]
    k += np.uint64(1)
    return (log_ratio - mean) / (w0 * moments[k] + w1 * moments[k + two] + w2 * moments[k + four] + w3 * moments[k + six])


@njit(cache=True, inline="always", error_model="numpy", fastmath=FUSED)
def bent(y, w0, w1, w2, bend, to, stride):
    """Return the probit of the law at y: four rows begin at `bend[to]`, `stride` apart; beyond their ends the bend stays."""
    p = min(max((y - PLACE_LOW) * (1.0 / PLACE_STEP), 0.0), PLACES - 1.0)
    j = min(max(int(p) - 1, 0), PLACES - 4)
    p -= j + 1
    a, b, c = p + 1.0, p - 1.0, p - 2.0
    v0, v1, v2, v3 = -p * b * c * (1.0 / 6.0), a * b * c * 0.5, -a * p * c * 0.5, a * p * b * (1.0 / 6.0)
    k, row, one, two, three = np.uint64(to + j), np.uint64(stride), np.uint64(1), np.uint64(2), np.uint64(3)
    r0 = v0 * bend[k] + v1 * bend[k + one] + v2 * bend[k + two] + v3 * bend[k + three]
    k += row
    r1 = v0 * bend[k] + v1 * bend[k + one] + v2 * bend[k + two] + v3 * bend[k + three]
    k += row
    r2 = v0 * bend[k] + v1 * bend[k + one] + v2 * bend[k + two] + v3 * bend[k + three]
    k += row
    r3 = v0 * bend[k] + v1 * bend[k + one] + v2 * bend[k + two] + v3 * bend[k + three]
    return y + (w0 * r0 + w1 * r1 + w2 * r2 + (1.0 - w0 - w1 - w2) * r3)


@njit(cache=True, error_model="numpy")
def read_law(position, log_ratio, draws, moments, at, bend, to, stride):
    """Return the probability from a law: four of its rows begin at `moments[at]` and, `stride` apart, at `bend[to]`.

    Parameters
    ----------
    position : float
        w · (SHARES − 1), from 0 to SHARES − 1; the first row is that of `first_share`.
    log_ratio : float
        ln x − ln(a·Ã + b·S̃).
    draws : bool
        A drawing is reached below x, a saving above it.
    """
    w0, w1, w2 = share_weights(position)
    y = bent(standardised(log_ratio, w0, w1, w2, moments, at), w0, w1, w2, bend, to, stride)
    return quick_below(y if draws else -y)


@njit(cache=True, inline="always", error_model="numpy")
def sure_answer(now, monthly, target, months, at_end):
    """Return 0 or 1 where there is no chance in it, WRONG for what is no goal, else BY_ITSELF (確定した答え).

    Wrong: money below zero or nothing at all, a figure that is not finite, months below 0 or above 2,400.
    """
    if not (now >= 0.0 and abs(now) + abs(monthly) + abs(target) < math.inf) or (now == 0.0 and monthly == 0.0):
        return WRONG
    if months < 0 or months > MOST_MONTHS:
        return WRONG
    if months == 0:
        return 1.0 if now >= target else 0.0
    a, _, x = canonical(now, monthly, target, at_end)
    if monthly >= 0.0:
        nothing = a == 0.0 and months == 1  # the only payment comes at the end
        return 1.0 if x <= 0.0 else (0.0 if nothing else BY_ITSELF)
    if x < 0.0 or (x == 0.0 and (a > 0.0 or months > 1)):
        return 0.0
    return 1.0 if a == 0.0 and months == 1 else BY_ITSELF


@njit(cache=True, inline="always", error_model="numpy")
def place_goal(now, monthly, target, at_end, grown, paid_up):
    """Return where a goal stands: w · (SHARES − 1) and x / (a·Ã + b·S̃); `grown` is Ã and `paid_up` S̃."""
    a, b, x = canonical(now, monthly, target, at_end)
    money, paid = a * grown, b * paid_up
    root = math.sqrt(paid)
    return (SHARES - 1) * root / (math.sqrt(money) + root), x / (money + paid)


@njit(cache=True, error_model="numpy")
def logarithms(ratio, count, out):
    """Write ln of each positive figure of a block: exponent and fraction by their bits, the fraction by atanh: to 1e-15.

    Examples
    --------
    >>> out = np.empty(2)
    >>> logarithms(np.array([2.0, 0.1]), 2, out)
    >>> bool(np.allclose(out, np.log([2.0, 0.1]), rtol=1e-15))
    True
    """
    bits = ratio.view(np.int64)
    for i in range(count):
        exponent = (bits[i] - HALF_ROOT_BITS) >> 52
        bits[i] -= exponent << 52
        out[i] = exponent
    for i in range(count):
        s = (ratio[i] - 1.0) / (ratio[i] + 1.0)
        z = s * s
        series = 1 / 11 + z * (1 / 13 + z * (1 / 15 + z * (1 / 17)))
        out[i] = out[i] * LN2 + 2.0 * s * (1.0 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * series)))))


@njit(cache=True, error_model="numpy")
def _collect(begin, now, monthly, target, months, at_end, tables, scale, covered, out, at, row, ratio, position):
    """Answer what is sure and gather goals that a table answers, a chunk at most; return where to go on and how many."""
    i, count = begin, 0
    reach = covered.shape[1]
    while i < out.size and count < at.size:
        table = tables[i] if tables.size else 0
        if table >= 0:
            out[i] = sure_answer(now[i], monthly[i], target[i], months[i], at_end)
            if out[i] == BY_ITSELF and months[i] < reach and covered[table, months[i]]:
                draws = monthly[i] < 0.0
                r = (table * 2 + (1 if draws else 0)) * reach + months[i]
                k = np.uint64(2 * r)
                position[count], ratio[count] = place_goal(now[i], monthly[i], target[i], at_end, scale[k], scale[k + np.uint64(1)])
                at[count], row[count] = (~i if draws else i), r
                count += 1
        i += 1
    return i, count


@njit(cache=True, error_model="numpy")
def _order(row, count, ends, order):
    """Write the goals in the order of their rows in the tables, so that a row is fetched once; `ends` has one more than rows."""
    ends[:] = 0
    for k in range(count):
        ends[np.uint64(row[k] + 1)] += 1
    for r in range(1, ends.size):
        ends[r] += ends[r - 1]
    for k in range(count):
        r = np.uint64(row[k])
        order[np.uint64(ends[r])] = k
        ends[r] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def look_up_all(now, monthly, target, months, at_end, tables, scale, moments, bend, covered, out):
    """Write the probability of each goal whose table is here; BY_ITSELF if the table does not cover it, WRONG if it is no goal.

    `tables` names each goal's table, −1 for none here; an empty array means the first for all. `scale`, `moments` and `bend` are
    those of the tables, one after another and flat; `covered` has one row a table.
    """
    chunk = min(CHUNK if covered.shape[0] > 1 else ONE_TABLE_CHUNK, out.size)
    at, row, order = np.empty(chunk, np.int64), np.empty(chunk, np.int32), np.empty(chunk, np.int32)
    ratio, position, log_ratio = np.empty(chunk), np.empty(chunk), np.empty(chunk)
    places, first = np.empty((chunk, 4)), np.empty(chunk, np.int64)
    ends = np.empty(2 * covered.size + 1, np.int32)
    i = 0
    while i < out.size:
        i, count = _collect(i, now, monthly, target, months, at_end, tables, scale, covered, out, at, row, ratio, position)
        logarithms(ratio, count, log_ratio)
        _order(row, count, ends, order)
        _standardise(order, count, position, log_ratio, row, moments, places, first)
        _bend(count, places, first, bend)
        for n in range(count):
            k = at[np.uint64(order[n])]
            y = places[n, 3]
            out[np.uint64(~k if k < 0 else k)] = quick_below(y if k < 0 else -y)


@njit(cache=True, error_model="numpy")
def _standardise(order, count, position, log_ratio, row, moments, places, first):
    """Write the weights and y of each goal, and where its law begins."""
    for n in range(count):
        k = np.uint64(order[n])
        w0, w1, w2 = share_weights(position[k])
        first[n] = row[k] * SHARES + first_share(position[k])
        places[n, 0], places[n, 1], places[n, 2] = w0, w1, w2
        places[n, 3] = standardised(log_ratio[k], w0, w1, w2, moments, 2 * first[n])


@njit(cache=True, error_model="numpy")
def _bend(count, places, first, bend):
    """Turn y into the probit of the law, in place."""
    for n in range(count):
        w0, w1, w2, y = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
        places[n, 3] = bent(y, w0, w1, w2, bend, PLACES * first[n], PLACES)


@njit(cache=True, nogil=True, error_model="numpy")
def finish(now, monthly, target, months, nu, sigma, at_end, which, out):
    """Compute what is BY_ITSELF, month by month, and turn WRONG into NaN; `which` names each goal's nu and sigma, or is empty."""
    for i in range(out.size):
        if out[i] == BY_ITSELF:
            k = which[i] if which.size else 0
            out[i] = exact(now[i], monthly[i], target[i], months[i], nu[k], sigma[k], at_end)
        elif out[i] == WRONG:
            out[i] = math.nan


def columns(*figures) -> tuple[np.ndarray, ...]:
    """Return yen columns as float64 and, last, the months as int64, all of one length, contiguous and not to be written to.

    So the kernels are compiled for one kind of columns, whoever made them.

    Raises
    ------
    ValueError
        A column has another length, or months that are not whole.

    Examples
    --------
    >>> columns([1, 2], 0, 12)
    (array([1., 2.]), array([0., 0.]), array([12, 12]))
    """
    *yen, months = np.broadcast_arrays(*(np.atleast_1d(np.asarray(figure)) for figure in figures))
    if months.dtype.kind not in "iu":
        raise ValueError(f"months are {months.dtype}: give whole numbers")
    return *(_read_only(column, np.float64) for column in yen), _read_only(months, np.int64)


def _read_only(column: np.ndarray, dtype) -> np.ndarray:
    view = np.ascontiguousarray(column, dtype).view()
    view.flags.writeable = False
    return view


def probability(table: GoalTable, now_yen, monthly_yen, target_yen, months, at_end: bool = False) -> np.ndarray:
    """Return the probability of every goal of one portfolio (目標達成確率).

    P(W_T ≥ G), W ← (W + c)·R each month, failure where W + c < 0.

    Parameters
    ----------
    table : GoalTable
    now_yen, monthly_yen, target_yen : array or number
        Money now, ≥ 0; payment a month, below 0 draws; target, at most 0 if the money only has to last.
    months : int array or int
        0 to 2,400; beyond the table or the atlas a goal is computed by itself, month by month.
    at_end : bool
        Pay at the end of each month.

    Returns
    -------
    float64 array
        Not rounded; exactly 0 or 1 if and only if that is certain; NaN for what is no goal: no money and no payment, money below 0,
        a figure that is not finite, months out of range.

    Examples
    --------
    >>> from tsutsumi.core.goals.portfolio import Portfolio
    >>> from tsutsumi.core.goals.table import build_table
    >>> probability(build_table(Portfolio(0.05, 0.15), 120), 5_000_000, 0, 8_000_000, 120).round(6)
    array([0.430959])
    """
    now, monthly, target, horizon = columns(now_yen, monthly_yen, target_yen, months)
    out = np.empty(now.size)
    none = np.empty(0, np.int32)
    look_up_all(
        now, monthly, target, horizon, at_end, none, table.scale.reshape(-1), table.moments.reshape(-1), table.bend.reshape(-1),
        table.covered, out,
    )
    nu, sigma = table.portfolio.monthly
    finish(now, monthly, target, horizon, np.array([nu]), np.array([sigma]), at_end, none, out)
    return out
