"""The fee of a base as a line with bends (料率の折れ線): one whole-number table instead of tiers, days, years and tax.

Between two floors the exact fee of a day grows evenly with the base, so it is (constant + (base - origin) x slope) / denominator
with whole numbers alone. `fee_pricing` sums the same pieces one contract at a time; here a whole book shares one table.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, lcm

import numpy as np

from tsutsumi.core.fee_pricing import Segment
from tsutsumi.core.fee_terms import Component
from tsutsumi.core.units import PPM

WORD = 64
NARROW, WIDE = 62, 126  # bits of what compiled code holds in one word and in two, a bit or two kept free


@dataclass(frozen=True)
class Brackets:
    """The fee of a day in run r (折れ線): T_r(x) / Y_r = (constant_rb + (x - origin_b) x slope_rb) / denominator, exact.

    b is the bracket that holds x: above floor_b, up to and with the next floor; a base of 0 is in the first.
    """

    floors: tuple[int, ...]
    origins: tuple[int, ...]
    slopes: tuple[tuple[int, ...], ...]
    constants: tuple[tuple[int, ...], ...]
    denominator: int

    def numerator(self, s: int, days: Sequence[int], scale: int = 1) -> int:
        """Return the numerator (分子) of the base s / scale over so many days in each run; its denominator is scale x ours."""
        b = max(bisect_left(self.floors, -(-s // scale)) - 1, 0)
        over = s - scale * self.origins[b]
        runs = zip(days, self.constants, self.slopes, strict=True)
        return sum(n * (scale * constants[b] + over * slopes[b]) for n, constants, slopes in runs)

    def fits(self, most: int, days: int, scale: int = 1) -> bool:
        """Tell whether compiled code can price bases up to most / scale over so many days: two words and yen in one."""
        slope, constant = (max(max(row) for row in rows) for rows in (self.slopes, self.constants))
        top = days * (scale * constant + most * slope)
        narrow = max(slope, self.denominator, self.floors[-1] * scale, most * days, days * scale, top // self.denominator)
        return top.bit_length() <= WIDE and narrow.bit_length() <= NARROW

    def table(self) -> tuple[np.ndarray, ...]:
        """Return floors, origins (int64[b]), slopes, and the constants' upper and lower words (uint64[r, b])."""
        upper = [[constant >> WORD for constant in row] for row in self.constants]
        lower = [[constant & (2**WORD - 1) for constant in row] for row in self.constants]
        bends = (np.array(column, np.int64) for column in (self.floors, self.origins))
        return (*bends, *(np.array(rows, np.uint64) for rows in (self.slopes, upper, lower)))


def brackets(component: Component, runs: Sequence[Segment]) -> Brackets:
    """Return the fee of one day in each of some runs of days (日々の折れ線), over one denominator.

    A day with tax t and year Y weighs (100 + t) x L / Y, L the common multiple of the years; what the slopes and the
    denominator share is cancelled.

    Examples
    --------
    92 days at 1.1 % a year: 1,100,000 x 1.1 % x 92/365 = 3,049.86:

    >>> from datetime import date
    >>> component = Component("fee", "balance", "marginal", (), 0, 1, "")
    >>> line = brackets(component, [Segment(date(2026, 10, 1), date(2026, 12, 31), ((0, 11_000),), 0, 365)])
    >>> line.numerator(1_100_000, [92]) // line.denominator
    3049
    """
    years = lcm(*(run.year_days for run in runs))
    floors = sorted({floor for run in runs for floor, _ in run.tiers})
    weights = [(100 + run.tax_percent) * (years // run.year_days) for run in runs]
    slopes = [[weight * _rate(run, floor) for floor in floors] for weight, run in zip(weights, runs, strict=True)]
    common = gcd(PPM * 100 * years, *(slope for row in slopes for slope in row))
    slopes = [[slope // common for slope in row] for row in slopes]
    if component.tiering == "whole":
        origins, constants = [0] * len(floors), [[0] * len(floors)] * len(runs)
    else:
        origins, constants = floors, [_sums(floors, row) for row in slopes]
    frozen = (tuple(map(tuple, rows)) for rows in (slopes, constants))
    return Brackets(tuple(floors), tuple(origins), *frozen, PPM * 100 * years // common)


def _rate(run: Segment, floor: int) -> int:
    """Return the rate of the tier that starts at or below a floor."""
    return [rate for start, rate in run.tiers if start <= floor][-1]


def _sums(floors: list[int], slopes: list[int]) -> list[int]:
    """Return what the brackets below each floor cost together."""
    sums = [0]
    for below, above, slope in zip(floors, floors[1:], slopes, strict=False):
        sums.append(sums[-1] + (above - below) * slope)
    return sums
