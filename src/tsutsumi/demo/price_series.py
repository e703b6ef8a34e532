"""What a price history is (価格系列): the prices of one fund with its terms of dealing, and where they come from."""

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Series:
    """The prices of one instrument (基準価額・価格の系列), with the terms under which it is dealt.

    Attributes
    ----------
    code, name_ja, name_en, asset_class, currency : str
    price_scale, price_base_units : int
        A price p means p / 10^price_scale of the currency per price_base_units units.
    kind : "fund" | "etf"
    real : bool
        True: the prices follow from published figures; False: generated.
    provenance : str
        Source, or seed and calibration, and every flaw that was put in.
    dates : int32[N]
        Epoch days, ascending, business days of the house.
    prices : int64[N]
    distributions : list of (epoch day, amount at price_scale, per units)
        The price of that day is already lower by the amount (分配落ち).
    calendar_ids, order_mode, lot_units, price_lag_days, buy_settlement_days, sell_settlement_days, levy_ppm
        As in the table `instruments`.
    """

    code: str
    name_ja: str
    name_en: str
    asset_class: str
    currency: str
    price_scale: int
    price_base_units: int
    kind: str
    real: bool
    provenance: str
    dates: np.ndarray
    prices: np.ndarray
    distributions: list[tuple[int, int, int]] = field(default_factory=list)
    calendar_ids: str = ""
    order_mode: str = "amount"
    lot_units: int = 1
    price_lag_days: int = 0
    buy_settlement_days: int = 3
    sell_settlement_days: int = 3
    levy_ppm: int = 0


@dataclass(frozen=True, eq=False)
class FxSeries:
    """The rates of one currency (為替レート): yen per unit x 10^6 on each date."""

    currency: str
    real: bool
    provenance: str
    dates: np.ndarray
    fx_ppm: np.ndarray


@dataclass(frozen=True)
class Gap:
    """A business day inside the span of funds on which they have no price, or a wrong one (欠測).

    Attributes
    ----------
    day : int
        Epoch day.
    codes : tuple of str
        The funds concerned.
    common : bool
        True: every fund whose span holds the day lacks it (two funds at least); False: some have a price.
    note : str
        What is known about it.
    """

    day: int
    codes: tuple[str, ...]
    common: bool
    note: str = ""


def cut(one: Series, first: int, last: int) -> Series:
    """Return a series between two epoch days, both included."""
    kept = (one.dates >= first) & (one.dates <= last)
    distributions = [row for row in one.distributions if first <= row[0] <= last]
    return replace(one, dates=one.dates[kept], prices=one.prices[kept], distributions=distributions)
