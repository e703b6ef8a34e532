"""Told against came true (達成確率の検証): of all goals that were told 80 %, how many came true.

By band of ten points: how many, what was told in the mean, how many came true with a 95 % interval; and the Brier score, the
mean square of told − came true, in its three parts: reliability (what calibration costs), resolution, uncertainty.

Goals that lived through one market fall together, so that thousands of them may say no more than one. Where several markets
(paths) were lived, the interval counts paths: Wilson's, of as many goals as would vary so much if each stood for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np

from tsutsumi.core.units import PPM

BANDS = 10
Z = Fraction(196, 100)  # 95 %
SCALE = 10**24
ADDED = 1_000_000        # squares of ppm added up at a time: their sum stays within int64
LEAST_GOALS, LEAST_PATHS = 20, 10  # of a band on a path, and such paths, for the spread of single paths


@dataclass(frozen=True)
class Band:
    """Ten points of told probability (確率帯), all shares in ppm.

    Attributes
    ----------
    low_ppm, high_ppm : the 95 % interval of `true_ppm`, by paths if there are several, else as if each goal stood for itself
    path_count : on how many paths the goals of the band lived
    path_low_ppm, path_high_ppm : what came true on single paths, the lowest and the highest tenth left out; of paths with 20 goals
        or more of the band; None with fewer than ten of them
    """

    from_ppm: int
    to_ppm: int
    count: int
    told_ppm: int
    true_count: int
    true_ppm: int
    low_ppm: int
    high_ppm: int
    path_count: int
    path_low_ppm: int | None
    path_high_ppm: int | None

    @property
    def gap_ppm(self) -> int:
        """How far more came true than was told (信頼度のずれ); below 0: less."""
        return self.true_ppm - self.told_ppm

    @property
    def holds(self) -> bool:
        """Whether what was told lies within the interval of what came true."""
        return self.low_ppm <= self.told_ppm <= self.high_ppm


@dataclass(frozen=True)
class Calibration:
    """The report (検証の結果): bands with at least one goal, and the Brier score with its parts, in ppm; on how many paths.

    brier = reliability − resolution + uncertainty + within: the last is what the spread of the told within a band adds.
    """

    count: int
    path_count: int
    bands: tuple[Band, ...]
    brier_ppm: int
    reliability_ppm: int
    resolution_ppm: int
    uncertainty_ppm: int


def wilson_ppm(true_count: int, count: int) -> tuple[int, int]:
    """Return Wilson's 95 % interval of a share (ウィルソンの信頼区間), in ppm, outward to whole ones.

    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)

    >>> wilson_ppm(80, 100), wilson_ppm(0, 10), wilson_ppm(10, 10)
    ((711169, 866635), (0, 277541), (722459, 1000000))
    """
    return _wilson(Fraction(true_count, count), Fraction(count))


def _wilson(share: Fraction, count: Fraction) -> tuple[int, int]:
    square = Z * Z
    turn = 1 + square / count
    inner = square * (share * (1 - share) / count + square / (4 * count * count))
    root = Fraction(isqrt(inner.numerator * SCALE // inner.denominator), isqrt(SCALE))
    middle = share + square / (2 * count)
    low, high = (middle - root) / turn * PPM, (middle + root) / turn * PPM
    return max(low.__floor__(), 0), min(high.__ceil__(), PPM)


def student_bound(freedom: int) -> Fraction:
    """Return the 97.5 % bound of Student's law (t 分布の 97.5 % 点) by Cornish and Fisher's series of four terms.

    Within 0.01 from 2 degrees of freedom on but for 2 itself (4.28 for 4.30).

    >>> [f"{student_bound(freedom).__float__():.3f}" for freedom in (5, 10, 50, 1_000)]
    ['2.570', '2.228', '2.009', '1.962']
    """
    z, n = Z, freedom
    return (
        z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )


def clustered_ppm(true_counts: Sequence[int], counts: Sequence[int]) -> tuple[int, int]:
    """Return the 95 % interval of a share that counts paths (経路を単位とする信頼区間), in ppm, outward to whole ones.

    Of J paths with n_j goals, t_j of which came true, the share is p = Σ t_j / Σ n_j, its variance by paths

        v = J / (J − 1) × Σ (t_j − p n_j)² / (Σ n_j)²,

    and n = p (1 − p) / v × (z / t)², with Student's t of J − 1, is how many goals that stand for themselves vary so much: at most
    Σ n_j; J × (z / t)² where all or none came true. The interval is Wilson's of p and n. One path tells nothing: 0 to 100 %.

    Parameters
    ----------
    true_counts, counts : by path, of paths with at least one goal

    Source
    ------
    Korn and Graubard, Survey Methodology 24 (1998); Dean and Pagano, Journal of Survey Statistics and Methodology 3 (2015).

    Examples
    --------
    Four paths of 100 goals, all or none of which came true: v = 4 / 3 × 7,500 / 400² = 0.0625, 0.1875 / v = 3 goals, with Student's
    t of 3 (3.18) 1.14 goals. And 400 goals on 400 paths, next to Wilson's of 400 goals:

    >>> clustered_ppm([100, 100, 100, 0], [100] * 4)
    (130930, 983537)
    >>> clustered_ppm([1] * 300 + [0] * 100, [1] * 400), wilson_ppm(300, 400)
    ((705121, 790083), (705322, 789922))
    """
    paths, whole, true = len(counts), sum(counts), sum(true_counts)
    if paths < 2:
        return 0, PPM
    share = Fraction(true, whole)
    apart = sum((one * whole - true * count) ** 2 for one, count in zip(true_counts, counts, strict=True))
    if share in (0, 1):
        told = Fraction(paths)
    elif apart == 0:
        told = Fraction(whole)
    else:
        told = share * (1 - share) * whole**4 * (paths - 1) / (paths * apart)
    return _wilson(share, min(told * (Z / student_bound(paths - 1)) ** 2, Fraction(whole)))


def calibration(told_ppm: Sequence[int], came_true: Sequence[bool], path: Sequence[int] | None = None) -> Calibration:
    """Return what was told against what came true (達成確率の検証).

    Parameters
    ----------
    told_ppm : 0 to 1,000,000, of each goal;  came_true : of the same goals
    path : which market each lived through, from 0; without it all of them one, and the intervals count goals

    Returns
    -------
    Calibration
        Band k holds what was told from k × 10 % to below (k + 1) × 10 %, the last one 100 % too. Shares half up.

    Raises
    ------
    ValueError
        The columns differ in length, or a probability is out of range.

    Examples
    --------
    Told 80 % four times, three came true; told 20 % once, it did not:

    >>> report = calibration([800_000] * 4 + [200_000], [True, True, True, False, False])
    >>> [(band.from_ppm, band.count, band.told_ppm, band.true_ppm) for band in report.bands]
    [(200000, 1, 200000, 0), (800000, 4, 800000, 750000)]

    Brier: (3 × 0.04 + 0.64 + 0.04) / 5 = 0.16. Reliability (4 × 0.0025 + 0.04) / 5 = 0.01; of 0.6 that came true in all,
    uncertainty 0.24, resolution (4 × 0.0225 + 0.36) / 5 = 0.09.

    >>> report.brier_ppm, report.reliability_ppm, report.resolution_ppm, report.uncertainty_ppm
    (160000, 10000, 90000, 240000)
    """
    told, true = np.asarray(told_ppm, np.int64), np.asarray(came_true, bool)
    paths = np.zeros(told.size, np.int64) if path is None else np.asarray(path, np.int64)
    if not told.size == true.size == paths.size:
        raise ValueError(f"calibration: {told.size} told, {true.size} that came true or not: give both of every goal")
    if told.size == 0:
        return Calibration(0, 0, (), 0, 0, 0, 0)
    if told.min() < 0 or told.max() > PPM:
        raise ValueError("calibration: a probability is not between 0 and 1,000,000 ppm")
    number = np.minimum(told * BANDS // PPM, BANDS - 1)
    size = int(paths.max()) + 1
    counts = np.bincount(number * size + paths, minlength=BANDS * size).reshape(BANDS, size)
    trues = np.bincount((number * size + paths)[true], minlength=BANDS * size).reshape(BANDS, size)
    sums = [int(told[number == k].sum()) for k in range(BANDS)]
    rows = [(k, sums[k], trues[k][counts[k] > 0].tolist(), counts[k][counts[k] > 0].tolist()) for k in range(BANDS)]
    bands = tuple(_band(*row, path is not None) for row in rows if row[3])
    overall = Fraction(int(true.sum()), told.size)
    off = told - PPM * true
    squares = sum(int(np.dot(some, some)) for some in np.split(off, range(ADDED, off.size, ADDED)))
    reliability, resolution = Fraction(0), Fraction(0)
    for _, summed, came, of in filter(lambda row: row[3], rows):
        share = Fraction(sum(came), sum(of))
        reliability += sum(of) * (Fraction(summed, sum(of) * PPM) - share) ** 2
        resolution += sum(of) * (share - overall) ** 2
    figures = (Fraction(squares, PPM * PPM) / told.size, reliability / told.size, resolution / told.size, overall * (1 - overall))
    return Calibration(told.size, np.unique(paths).size, bands, *(_ppm(figure) for figure in figures))


def _ppm(share: Fraction) -> int:
    return (share * PPM + Fraction(1, 2)).__floor__()


def _band(number: int, told_sum: int, trues: list[int], counts: list[int], by_path: bool) -> Band:
    count, true = sum(counts), sum(trues)
    step = PPM // BANDS
    span = clustered_ppm(trues, counts) if by_path else wilson_ppm(true, count)
    return Band(
        number * step, (number + 1) * step, count, _ppm(Fraction(told_sum, count * PPM)), true, _ppm(Fraction(true, count)), *span,
        len(counts), *_single_paths(trues, counts),
    )


def _single_paths(trues: list[int], counts: list[int]) -> tuple[int | None, int | None]:
    """Return the shares of the paths at a tenth and at nine tenths of their order, each nearest to the end of its side."""
    shares = sorted(Fraction(true, count) for true, count in zip(trues, counts, strict=True) if count >= LEAST_GOALS)
    if len(shares) < LEAST_PATHS:
        return None, None
    left_out = len(shares) // 10
    return _ppm(shares[left_out]), _ppm(shares[-1 - left_out])
