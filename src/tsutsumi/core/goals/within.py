"""The probability of goals on any day (日々の達成確率): what is left of the month first, without a payment, then full months.

The months come from `book.probabilities`; a part of a month is the mean over its growth.
"""

import math

import numpy as np
from numba import njit

from tsutsumi.core.goals.book import monthly_model, probabilities
from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.options import stored_ppms

PPM = 1_000_000
SHORT = 12  # full months below which the part is summed finely
FINE = np.arange(-120, 121) * 0.05  # of a standard normal, ± 6
FINE_WEIGHTS = np.exp(-FINE**2 / 2) * 0.05 / math.sqrt(2 * math.pi)
MOST_ASKED = 1 << 20  # probabilities at a time: it bounds the memory
GAUSS, GAUSS_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
GAUSS_WEIGHTS = GAUSS_WEIGHTS / GAUSS_WEIGHTS.sum()


@njit(cache=True, error_model="numpy")
def _last_month(now, monthly, target, months, part, nu, sigma, nodes, weights, out):
    """Write the probability of goals with no full month left after the part, or with one whose payment is drawn at its start.

    With no time left the goal is reached or not: there is money, and not less than the target.
    """
    for i in range(out.size):
        drift, spread = nu[i] * part[i], sigma[i] * math.sqrt(part[i])
        if months[i] == 0:
            if target[i] <= 0.0 or now[i] <= 0.0 or spread == 0.0:
                out[i] = 1.0 if now[i] > 0.0 and now[i] * math.exp(drift) >= target[i] else 0.0
            else:
                out[i] = below((math.log(now[i] / target[i]) + drift) / spread)
            continue
        out[i] = 0.0
        for k in range(nodes.size):
            need = max(target[i], 0.0) * math.exp(-nu[i] - sigma[i] * nodes[k]) - monthly[i]
            out[i] += weights[k] * below((math.log(now[i] / need) + drift) / spread)


@njit(cache=True, error_model="numpy")
def _mean(told, weights, out):
    """Write the weighted mean of each goal, node by node: the sum of a goal does not depend on who stands beside it."""
    for i in range(out.size):
        total = 0.0
        for k in range(weights.size):
            total += weights[k] * told[k, i]
        out[i] = min(max(total, 0.0), 1.0)


def _spread(now, monthly, target, months, part, nu, sigma, mean, risk, nodes, weights):
    """Return the mean over the growth of the part of a month, at nodes of the standard normal; so many goals at a time."""
    out, size, count = np.empty(now.size), max(1, MOST_ASKED // nodes.size), nodes.size
    for start in range(0, now.size, size):
        some = slice(start, start + size)
        grown = now[some] * np.exp(nu[some] * part[some] + np.outer(nodes, sigma[some] * np.sqrt(part[some])))
        told = probabilities(grown.ravel(), *(np.tile(column[some], count) for column in (monthly, target, months, mean, risk)))
        _mean(told.reshape(grown.shape), weights, out[some])
    return out


def probabilities_within(now_yen, monthly_yen, target_yen, months_ppm, mean, risk) -> np.ndarray:
    """Return the probability of goals seen from any day (月の途中からの達成確率), each with its own portfolio.

    The money grows for the part of a month that `months_ppm` has beyond its full months, then the full months come with a payment
    at the start of each. Over the part the mean is taken by 5 nodes of Gauss and Hermite; of a goal of less than a year by 241
    nodes, ± 6 deviations; of no full month by the normal law.

    Parameters
    ----------
    now_yen, monthly_yen, target_yen : int arrays;  months_ppm : int array, months × 10^6
    mean, risk : float arrays, a year's simple return and its standard deviation

    Returns
    -------
    float64 array; NaN for what is no goal (no money and no payment, more than 2,400 months)

    Examples
    --------
    A lump sum over 120 months, and over 120 and a half:

    >>> probabilities_within([5_000_000] * 2, [0] * 2, [8_000_000] * 2, [120_000_000, 120_500_000], [0.05] * 2, [0.15] * 2).round(4)
    array([0.4266, 0.4282])
    """
    now, monthly, target, mean, risk = (np.asarray(column, np.float64) for column in (now_yen, monthly_yen, target_yen, mean, risk))
    months_ppm = np.asarray(months_ppm, np.int64)
    months, part = months_ppm // PPM, (months_ppm % PPM) / PPM
    nu, sigma, _ = monthly_model(mean, risk, False)
    out = np.empty(now.size)
    whole = (part == 0) & (months > 0) | (now == 0) & (months > 0)
    sure = ~whole & (months > 0) & (sigma == 0)
    last = ~whole & ~sure & ((months == 0) | (months == 1) & (monthly < 0))
    fine = ~whole & ~sure & ~last & (months < SHORT)
    columns = (now, monthly, target, months, part, nu, sigma, mean, risk)
    for chosen, way in ((whole, None), (sure, None), (last, FINE), (fine, FINE), (~(whole | sure | last | fine), GAUSS)):
        if not chosen.any():
            continue
        some = [column[chosen] for column in columns]
        if way is None:
            grown = some[0] * np.exp(some[5] * some[4]) if chosen is sure else some[0]
            out[chosen] = probabilities(grown, *some[1:4], *some[7:])
        elif chosen is last:
            made = np.empty(some[0].size)
            _last_month(*some[:7], FINE, FINE_WEIGHTS, made)
            out[chosen] = np.clip(made, 0.0, 1.0)
        else:
            out[chosen] = _spread(*some, way, FINE_WEIGHTS if way is FINE else GAUSS_WEIGHTS)
    return out


def odds(now_yen, monthly_yen, target_yen, months_ppm, mean_ppm, risk_ppm) -> np.ndarray:
    """Return the probability of goals as it is stored (保存する達成確率): ppm, half up; −1 for what is no goal.

    Parameters
    ----------
    now_yen, monthly_yen, target_yen, months_ppm, mean_ppm, risk_ppm : int arrays of one length;  a negative value counts as 0

    Examples
    --------
    >>> one = [np.array([figure]) for figure in (5_000_000, 0, 8_000_000, 120_000_000, 50_000, 150_000)]
    >>> odds(*one).tolist()
    [426647]
    """
    mean, risk = (np.asarray(column, np.int64) / PPM for column in (mean_ppm, risk_ppm))
    now = np.maximum(np.asarray(now_yen, np.int64), 0)
    now, monthly, target, months, mean, risk = np.broadcast_arrays(now, monthly_yen, target_yen, months_ppm, mean, risk)
    return stored_ppms(probabilities_within(now, monthly, target, months, mean, risk))
