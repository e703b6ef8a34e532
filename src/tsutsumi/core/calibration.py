"""Told against came true (達成確率の検証): of all goals that were told 80 %, how many came true.

By band of ten points: how many, what was told in the mean, how many came true with Wilson's interval; and the Brier score, the
mean square of told − came true, in its three parts: reliability (what calibration costs), resolution, uncertainty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from tsutsumi.core.units import PPM

BANDS = 10
Z_SQUARE = Fraction(196, 100) ** 2  # 95 %
SCALE = 10**24


@dataclass(frozen=True)
class Band:
    """Ten points of told probability (確率帯), all shares in ppm; `low` and `high` are Wilson's 95 % interval of `true_ppm`."""

    from_ppm: int
    to_ppm: int
    count: int
    told_ppm: int
    true_count: int
    true_ppm: int
    low_ppm: int
    high_ppm: int

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
    """The report (検証の結果): bands with at least one goal, and the Brier score with its parts, in ppm.

    brier = reliability − resolution + uncertainty + within: the last is what the spread of the told within a band adds.
    """

    count: int
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
    share, turn = Fraction(true_count, count), 1 + Z_SQUARE / count
    inner = Z_SQUARE * (share * (1 - share) / count + Z_SQUARE / (4 * count * count))
    root = Fraction(isqrt(inner.numerator * SCALE // inner.denominator), isqrt(SCALE))
    middle = share + Z_SQUARE / (2 * count)
    low, high = (middle - root) / turn * PPM, (middle + root) / turn * PPM
    return max(low.__floor__(), 0), min(high.__ceil__(), PPM)


def calibration(told_ppm: Sequence[int], came_true: Sequence[bool]) -> Calibration:
    """Return what was told against what came true (達成確率の検証).

    Parameters
    ----------
    told_ppm : 0 to 1,000,000, of each goal;  came_true : of the same goals

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
    if len(told_ppm) != len(came_true):
        raise ValueError(f"calibration: {len(told_ppm)} told, {len(came_true)} that came true or not: give both of every goal")
    if any(not 0 <= ppm <= PPM for ppm in told_ppm):
        raise ValueError("calibration: a probability is not between 0 and 1,000,000 ppm")
    pairs: list[list[tuple[int, bool]]] = [[] for _ in range(BANDS)]
    for ppm, true in zip(told_ppm, came_true, strict=True):
        pairs[min(int(ppm) * BANDS // PPM, BANDS - 1)].append((int(ppm), bool(true)))
    bands = tuple(_band(k, rows) for k, rows in enumerate(pairs) if rows)
    count = len(told_ppm)
    if count == 0:
        return Calibration(0, (), 0, 0, 0, 0)
    overall = Fraction(sum(map(bool, came_true)), count)
    brier = sum(Fraction((ppm - PPM * true) ** 2, PPM * PPM) for rows in pairs for ppm, true in rows) / count
    reliability, resolution = Fraction(0), Fraction(0)
    for rows in filter(None, pairs):
        told, true = Fraction(sum(ppm for ppm, _ in rows), len(rows) * PPM), Fraction(sum(one for _, one in rows), len(rows))
        reliability += len(rows) * (told - true) ** 2
        resolution += len(rows) * (true - overall) ** 2
    figures = (brier, reliability / count, resolution / count, overall * (1 - overall))
    return Calibration(count, bands, *(_ppm(figure) for figure in figures))


def _ppm(share: Fraction) -> int:
    return (share * PPM + Fraction(1, 2)).__floor__()


def _band(number: int, rows: list[tuple[int, bool]]) -> Band:
    count, true = len(rows), sum(one for _, one in rows)
    told = Fraction(sum(ppm for ppm, _ in rows), count * PPM)
    step = PPM // BANDS
    return Band(number * step, (number + 1) * step, count, _ppm(told), true, _ppm(Fraction(true, count)), *wilson_ppm(true, count))
