"""Prices in force (採用価格), told from the accepted prices and splits of each day alone, and what units are worth at them.

Written from docs/close.md §2 in plain whole numbers and from nothing else: the checks value the books with this.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

import numpy as np

from tsutsumi.core.schema import Frame

PPM = 1_000_000
MOST = 2**63 - 1


@dataclass(frozen=True)
class Quotes:
    """Price and FX in force by instrument number (採用価格・為替); instruments without a price are absent.

    `terms`: instrument -> (price_scale, price_base_units, levy_ppm).
    """

    price: Mapping[int, int]
    fx_ppm: Mapping[int, int]
    terms: Mapping[int, tuple[int, int, int]]

    def next(self, accepted: Frame | None, splits: Frame | None) -> "Quotes":
        """Return the quotes of the next day: a split scales the old price (floored), an accepted price takes its place."""
        price, fx = dict(self.price), dict(self.fx_ppm)
        for number, old, new in _rows(splits, "instrument_no", "old_units", "new_units"):
            if number in price:
                price[number] = price[number] * old // new
        for number, value, ppm in _rows(accepted, "instrument_no", "price", "fx_ppm"):
            price[number], fx[number] = value, ppm
        return Quotes(price, fx, self.terms)

    def unit(self, instrument_no: int, levied: bool = False) -> tuple[int, int]:
        """Return num, den: yen(u) = floor(u x num / den); `levied`: with the price of a sale.

        >>> Quotes({1: 12_345}, {1: PPM}, {1: (0, 10_000, 3_000)}).unit(1, levied=True)
        (12307000000, 10000000000)
        """
        scale, base, levy = self.terms[instrument_no]
        price = self.price.get(instrument_no, 0)
        price = price * (PPM - levy) // PPM if levied else price
        return price * self.fx_ppm.get(instrument_no, PPM), 10**scale * base * PPM

    def yen(self, instrument_no: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Return the yen of each position (時価), each cut to whole yen."""
        worth = np.zeros(units.size, np.int64)
        for number in np.unique(instrument_no).tolist():
            rows = np.flatnonzero(instrument_no == number)
            num, den = self.unit(number)
            shared = gcd(num, den) or 1
            num, den = num // shared, den // shared
            of = units[rows]
            if num * int(of.max()) <= MOST and den <= MOST:
                worth[rows] = of * num // den
            else:
                worth[rows] = [count * num // den for count in of.tolist()]
        return worth


def no_quotes(instruments: list[dict]) -> Quotes:
    """Return the quotes before the first close, from the rows of the table `instruments`."""
    names = ("price_scale", "price_base_units", "levy_ppm")
    return Quotes({}, {}, {row["instrument_no"]: tuple(row[name] for name in names) for row in instruments})


def _rows(of: Frame | None, *names: str) -> list[tuple]:
    return [] if not of else list(zip(*(of[name].tolist() for name in names), strict=True))
