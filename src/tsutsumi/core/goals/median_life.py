"""How long the money lasts if every month earned its median return (資産寿命): a table of each law, then one search per goal.

With the growth g of a month, n payments of c, each at the start of its month, are made in full if c·(1 + 1/g + … + 1/g^(n−1)) is
not more than what is there. The sums belong to the law alone. Rules: docs/close.md §10.
"""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np

from tsutsumi.core.units import PPM, round_yen

MOST_MONTHS = 1_200
PARTS = 10**12  # of a month's growth: twelve decimals
LAWS = 512  # whose sums are kept


def median_growth(mean_ppm: int, risk_ppm: int) -> float:
    """Return what a median month makes of one yen (中央値の月の伸び), to twelve decimals, half up.

    ((1 + m) / √(1 + (r / (1 + m))²))^(1/12), m and r the yearly mean and risk: the median of the lognormal year.

    Parameters
    ----------
    mean_ppm : above −10^6;  risk_ppm : 0 or more

    Examples
    --------
    The second is 1.126825, a little less than 1.01 to the power of 12, to the power of 1/12.

    >>> median_growth(0, 0), median_growth(126_825, 0), median_growth(50_000, 150_000)
    (1.0, 1.009999997749, 1.003229270438)
    """
    year = 1 + mean_ppm / PPM
    spread = risk_ppm / PPM / year
    growth = math.pow(year / math.sqrt(1 + spread * spread), 1 / 12)
    return round_yen(Fraction(growth) * PARTS, "half-up") / PARTS


@lru_cache(LAWS)
def payment_sums(mean_ppm: int, risk_ppm: int) -> np.ndarray:
    """Return float64[1,201], what 1, 2, … payments of one yen need now (年金現価): a_1 = 1, a_n = 1 + a_(n−1) / g.

    Examples
    --------
    >>> payment_sums(0, 0)[:3].tolist(), payment_sums(0, 0).size
    ([1.0, 2.0, 3.0], 1201)
    """
    growth, sums = median_growth(mean_ppm, risk_ppm), [1.0]
    for _ in range(MOST_MONTHS):
        sums.append(1 + sums[-1] / growth)
    return np.array(sums)


def median_lives(now_yen, drawn_yen, mean_ppm, risk_ppm) -> np.ndarray:
    """Return how many months the money of goals lasts at the median return (資産寿命, 月数); −1 beyond 1,200 or without end.

    The most n with a_n ≤ now / drawn, in double precision: so many payments are made in full, the first of them at once.

    Parameters
    ----------
    now_yen : int array, a negative value counts as 0;  drawn_yen : int array, above 0, each month
    mean_ppm, risk_ppm : int arrays, a year's simple return and its standard deviation

    Examples
    --------
    Without return 1,000 makes ten payments of 100, and 999 nine; 120,000,000 makes 1,200, 120,100,000 more than are counted:

    >>> now = np.array([1_000, 999, 99, 120_000_000, 120_100_000])
    >>> median_lives(now, np.array([100, 100, 100, 100_000, 100_000]), np.zeros(5, int), np.zeros(5, int)).tolist()
    [10, 9, 0, 1200, -1]
    """
    ratio = np.maximum(now_yen, 0) / np.asarray(drawn_yen)
    laws, law = np.unique((np.asarray(mean_ppm, np.int64) << 32) + np.asarray(risk_ppm, np.int64), return_inverse=True)
    months = np.zeros(ratio.size, np.int64)
    for place, both in enumerate(laws.tolist()):
        some = law == place
        months[some] = np.searchsorted(payment_sums(both >> 32, both & 0xFFFF_FFFF), ratio[some], side="right")
    return np.where(months > MOST_MONTHS, -1, months)
