"""One table for all portfolios (全ポートフォリオ共通の表): the law of `law.py` over drift, volatility, months, share and place.

The law of X / (a·Ã + b·S̃), Ã = e^{νT}, S̃ = Σ_{k<T} e^{νk}, depends only on κ = ν·T, σ_T = σ·√T, the months T (weakly: smooth in
1/T) and the share of the payments, w = √(b·S̃) / (√(a·Ã) + √(b·S̃)). So one atlas serves every portfolio and horizon: cubic
interpolation in κ, σ_T and 1/T costs at most 0.005 percentage point. Kept at each node: the mean and standard deviation of the
logarithm, scaled by σ_T² and σ_T, and probit(P) − y for a row of y = (ln x − mean) / deviation, which is a small, smooth figure.
"""

import math
from functools import cache

import numpy as np
from numba import njit

from tsutsumi.core.goals.law import before_last_month, moments, shares
from tsutsumi.core.goals.normal import probit

MONTHS = np.array([2, 3, 4, 6, 8, 14, 26, 60])  # nodes of T
NARROW = 4  # the first so many nodes serve T < 14 only, where κ and σ_T are small
DRIFT_END, SPREAD_STEP, SPREAD_COUNT = 9, 0.25, 14  # κ = −9 … 9; σ_T = 0.06, 0.25, 0.5 … 3.25
LEAST_SPREAD = 0.06
NARROW_DRIFT, NARROW_SPREAD = 3.0, 1.0  # how far κ and σ_T may go where T < 14
WIDE_MONTHS = 14
SHARES = 17  # nodes of w, 0 … 1
PLACE_LOW, PLACE_STEP, PLACES = -5.0, 0.4, 30  # nodes of y
FARTHEST = 7.5  # a probit beyond it is below what the law carries
COLUMNS = 2 + PLACES  # mean / σ_T², deviation / σ_T, probit − y
NODES = (MONTHS.size, 2 * DRIFT_END + 1, SPREAD_COUNT)


@njit(cache=True, error_model="numpy")
def drift_node(i):
    """Return κ of the i-th node."""
    return float(i - DRIFT_END)


@njit(cache=True, error_model="numpy")
def spread_node(i):
    """Return σ_T of the i-th node."""
    return SPREAD_STEP * i if i else LEAST_SPREAD


@njit(cache=True, error_model="numpy")
def annuity(months, nu):
    """Return S̃ = Σ_{k=1}^{T−1} e^{νk} (年金終価の係数).

    Examples
    --------
    >>> annuity(4, 0.0), round(annuity(3, 0.1), 6)  # e^0.1 + e^0.2
    (3.0, 2.326574)
    """
    if abs(nu) < 1e-12:
        return float(months - 1)
    return math.exp(nu) * math.expm1(nu * (months - 1)) / math.expm1(nu)


@njit(cache=True, error_model="numpy")
def _node(months, drift, spread, out):
    """Write the node (SHARES × COLUMNS) of one κ, σ_T and T."""
    nu, sigma = drift / months, spread / math.sqrt(months)
    level = math.log(annuity(months, nu))
    out[0] = 0.0
    out[0, 1] = 1.0  # nothing but a lump sum: lognormal
    odds, ratios = np.empty(SHARES - 1), np.empty(SHARES - 1)
    for k in range(SHARES - 1):
        w = (k + 1) / (SHARES - 1)
        odds[k] = 2.0 * math.log((1.0 - w) / w) if w < 1.0 else -math.inf
        ratios[k] = odds[k] + level - drift
    u, mass, size = before_last_month(months, nu, sigma, ratios)
    for k in range(SHARES - 1):
        mean, deviation = moments(nu, sigma, u[k], mass[k], size[k])
        reference = level + (math.log1p(math.exp(odds[k])) if odds[k] > -math.inf else 0.0)
        out[k + 1, 0] = (mean - reference) / spread**2
        out[k + 1, 1] = deviation / spread
        for i in range(PLACES):
            y = PLACE_LOW + PLACE_STEP * i
            lower, upper = shares(mean + deviation * y, nu, sigma, u[k], mass[k], size[k])
            out[k + 1, 2 + i] = min(max(probit(lower, upper), -FARTHEST), FARTHEST) - y


@njit(cache=True, error_model="numpy")
def _fill(nodes, months, wanted, made):
    """Write the nodes that are wanted, that a goal may touch, and that are not made yet."""
    node = np.zeros((SHARES, COLUMNS))
    for t in range(months.size):
        for i in range(nodes.shape[1]):
            for j in range(nodes.shape[2]):
                if not wanted[t, i, j] or made[t, i, j]:
                    continue
                made[t, i, j] = True
                drift, spread = drift_node(i), spread_node(j)
                if t < NARROW and (abs(drift) > NARROW_DRIFT + 1.0 or spread > NARROW_SPREAD + SPREAD_STEP):
                    continue
                _node(months[t], drift, spread, node)
                for share in range(SHARES):
                    for place in range(COLUMNS):
                        nodes[t, i, j, share, place] = np.float32(node[share, place])


@cache
def _made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nodes made so far in a program's life, the same to be read only, and which they are."""
    nodes = np.zeros((*NODES, SHARES, COLUMNS), np.float32)
    shown = nodes.view()
    shown.setflags(write=False)
    return nodes, shown, np.zeros(NODES, np.bool_)


def atlas_at(wanted: np.ndarray) -> np.ndarray:
    """Return the atlas with the nodes that are wanted (必要な節だけの表); the others may still be empty.

    A few goals touch a few nodes: theirs are made in a moment, each once in a program's life.

    Parameters
    ----------
    wanted : bool, by T, κ and σ_T, as `NODES` says
    """
    nodes, shown, made = _made()
    _fill(nodes, MONTHS, wanted, made)
    return shown


def atlas() -> np.ndarray:
    """Return the atlas (共通の表): float32, by T, κ, σ_T, w, column; made once in a program's life, in about a second."""
    return atlas_at(np.ones(NODES, np.bool_))
