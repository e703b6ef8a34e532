"""The normal distribution (正規分布) in compiled code: the share below a value, and the value below which a share lies."""

import math

from numba import njit

ROOT_HALF = 0.7071067811865476  # sqrt(1/2)
ROOT_TAU = 2.5066282746310002  # sqrt(2 pi)
FAR = 38.5  # beyond it no double remains


@njit(cache=True, error_model="numpy")
def below(x):
    """Return Φ(x), the share of a standard normal at or below x (累積分布).

    Examples
    --------
    >>> round(below(0.0), 6), round(below(1.0), 6), round(below(-1.959964), 6)
    (0.5, 0.841345, 0.025)
    """
    return 0.5 * math.erfc(-x * ROOT_HALF)


@njit(cache=True, error_model="numpy")
def probit(lower, upper):
    """Return x with Φ(x) = lower (パーセント点); upper = 1 − lower is given beside it, so that both tails are exact.

    Acklam's rational start (relative error 1e-9 of the literature) and one step of Halley: 1e-15. Shares too small for a
    double end at ±38.5.

    Examples
    --------
    >>> round(probit(0.841344746, 0.158655254), 6), abs(probit(0.5, 0.5)), probit(0.0, 1.0)
    (1.0, 0.0, -38.5)
    """
    share = min(lower, upper)
    if share <= 1e-300:
        return -FAR if lower < upper else FAR
    if share > 0.02425:
        d = share - 0.5
        r = d * d
        top = -3.969683028665376e01 * r + 2.209460984245205e02
        top = ((top * r - 2.759285104469687e02) * r + 1.383577518672690e02) * r - 3.066479806614716e01
        low = -5.447609879822406e01 * r + 1.615858368580409e02
        low = ((low * r - 1.556989798598866e02) * r + 6.680131188771972e01) * r - 1.328068155288572e01
        x = (top * r + 2.506628277459239) * d / (low * r + 1.0)
    else:
        z = math.sqrt(-2.0 * math.log(share))
        top = -7.784894002430293e-03 * z - 3.223964580411365e-01
        top = ((top * z - 2.400758277161838) * z - 2.549732539343734) * z + 4.374664141464968
        low = (7.784695709041462e-03 * z + 3.224671290700398e-01) * z + 2.445134137142996
        x = (top * z + 2.938163982698783) / ((low * z + 3.754408661907416) * z + 1.0)
    step = (below(x) - share) * ROOT_TAU * math.exp(0.5 * x * x)
    x -= step / (1.0 + 0.5 * x * step)
    return x if lower < upper else -x
