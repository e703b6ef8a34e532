"""Generated price histories (生成データ): made of the real US equity and USD/JPY moves and of seeded noise, in whole numbers only.

No free data of Japanese funds can be shipped, so these are drawn: a fund's daily return is

    drift + sum of (load x return of a factor) + own noise,

with the factors "us" (S&P 500 of the previous day's session) and "fx" (USD/JPY), both real, and funds drawn before it. Crises
of the real market are therefore crises of every fund. Noise is the sum of twelve 16-bit numbers of numpy's PCG64 raw stream,
whose bits numpy guarantees; every step floors integers, so the prices are the same on every machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from tsutsumi.core.calendar import epoch_day, next_business_day
from tsutsumi.core.units import PPM
from tsutsumi.demo.price_series import Series

PPB = 1_000_000_000
SUBUNITS = 1_000_000
SEED = 20170104
CALIBRATION_SPAN = "2008-09..2021-11"


@dataclass(frozen=True)
class Recipe:
    """How one fund is drawn: loads in ppm of factors, drift and noise in ppb a day, and the figures that it is calibrated on."""

    code: str
    name_ja: str
    name_en: str
    asset_class: str
    drift_ppb: int
    noise_ppb: int
    loads: dict[str, int]
    calibration: str
    calendar_ids: str = ""
    price_lag_days: int = 0
    settlement_days: int = 3
    levy_ppm: int = 0
    distribution_yen: int = 0
    distribution_months: tuple[int, ...] = ()
    distribution_day: int = 15


RECIPES = (
    Recipe(
        "domestic_equity", "国内株式インデックスファンド", "Japanese equity index fund", "domestic-equity",
        57_000, 8_920_000, {"us": 900_000, "fx": 250_000},
        "Japanese equity ETF: 7.6 %/y, volatility 22.9 %, monthly correlation with US equity 0.82 (0.72 reached)",
    ),
    Recipe(
        "domestic_bond", "国内債券ファンド", "Japanese bond fund", "domestic-bond",
        143_000, 1_616_000, {"domestic_equity": -33_000},
        "10-year JGB: 1.5 %/y, volatility 2.6 %, monthly correlation with Japanese equity -0.29 (-0.23 reached)",
    ),
    Recipe(
        "domestic_reit", "Jリートファンド（毎月決算型）", "J-REIT fund, monthly distributions", "domestic-reit",
        -227_000, 9_750_000, {"domestic_equity": 680_000}, "J-REIT ETF: 4.8 %/y, volatility 21.9 %",
        levy_ppm=3_000, distribution_yen=25, distribution_months=tuple(range(1, 13)),
    ),
    Recipe(
        "developed_bond", "先進国債券ファンド（為替ヘッジなし）", "Developed-market bond fund, unhedged", "foreign-bond",
        86_000, 3_900_000, {"fx": 1_000_000, "us": -60_000}, "US bond ETF in yen: 4.4 %/y, volatility 10.5 %",
        calendar_ids="US;UK", price_lag_days=1,
    ),
    Recipe(
        "emerging_equity", "新興国株式ファンド", "Emerging-market equity fund", "emerging-equity",
        -439_000, 14_770_000, {"us": 1_050_000, "fx": 900_000}, "emerging-market equity ETF in yen: 6.4 %/y, volatility 32.0 %",
        calendar_ids="US;UK;HK", price_lag_days=1, settlement_days=4, levy_ppm=3_000,
    ),
    Recipe(
        "gold", "ゴールドファンド（為替ヘッジなし）", "Gold fund, unhedged", "gold",
        115_000, 10_430_000, {"fx": 1_000_000, "us": -150_000},
        "gold ETF in yen: 5.7 %/y, volatility 18.3 %, monthly correlation with Japanese equity 0.09 (0.20 reached)",
        calendar_ids="US;UK", price_lag_days=1,
    ),
    Recipe(
        "us_reit", "米国リートファンド", "US REIT fund", "foreign-reit",
        133_000, 14_870_000, {"us": 1_250_000, "fx": 1_000_000}, "US REIT ETF in yen: 9.0 %/y, volatility 35.0 %",
        calendar_ids="US", price_lag_days=1,
    ),
    Recipe(
        "domestic_balanced", "国内バランスファンド（年2回決算型）", "Japanese balanced fund, half-yearly distributions", "balanced",
        0, 150_000, {"domestic_bond": 500_000, "domestic_equity": 300_000, "domestic_reit": 200_000},
        "the mix 50 % bond, 30 % equity, 20 % J-REIT of the funds above",
        distribution_yen=50, distribution_months=(3, 9), distribution_day=20,
    ),
)


def noise(seed: int | np.random.SeedSequence, count: int) -> np.ndarray:
    """Return draws of mean 0 and standard deviation 65,536, int64: twelve 16-bit numbers summed (nearly normal).

    >>> draws = noise(7, 20_000)
    >>> round(np.std(draws) / 65_536, 1), abs(np.mean(draws)) < 1_500
    (np.float64(1.0), np.True_)
    """
    raw = np.random.PCG64(seed).random_raw(3 * count).reshape(count, 3)
    chunks = [(raw >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    total = sum(chunk.astype(np.int64).sum(axis=1) for chunk in chunks)
    return total - 6 * 65_535


def returns_ppb(values: np.ndarray) -> np.ndarray:
    """Return the returns from day to day in ppb, int64, floored; the first day has none."""
    level = values.tolist()
    moves = [0, *((now - before) * PPB // before for before, now in zip(level, level[1:], strict=False))]
    return np.array(moves, dtype=np.int64)


def fund_moves(factors: Mapping[str, np.ndarray], draws: Callable[[int], np.ndarray]) -> dict[str, np.ndarray]:
    """Return the daily returns of the generated funds (生成ファンドの日次収益率) in ppb, distributions not taken off.

    Parameters
    ----------
    factors : mapping
        "us" and "fx" -> int64[D], daily returns in ppb.
    draws : function
        Place of a fund in `RECIPES`, from 0 -> its noise, int64[D].
    """
    known = dict(factors)
    for number, recipe in enumerate(RECIPES):
        loaded = sum(load * known[factor] for factor, load in recipe.loads.items()) // PPM
        known[recipe.code] = recipe.drift_ppb + loaded + (recipe.noise_ppb * draws(number) >> 16)
    return {recipe.code: known[recipe.code] for recipe in RECIPES}


def generated_series(days: np.ndarray, factors: Mapping[str, np.ndarray], open_days: Callable[[str], np.ndarray]) -> list[Series]:
    """Return the generated funds over business days.

    Parameters
    ----------
    days : int32[B]
    factors : mapping
        "us" and "fx" -> int64[B], daily returns in ppb.
    open_days : function
        calendar_ids -> bool[B], the days on which a fund with these calendars has a price.
    """
    moves = fund_moves(factors, lambda number: noise(SEED + number, len(days)))
    made = []
    for number, recipe in enumerate(RECIPES):
        distributions = _distribution_days(recipe, days)
        prices = _walk([0, *moves[recipe.code][1:].tolist()], days, distributions)
        made.append(_series(recipe, SEED + number, days, prices, distributions, open_days(recipe.calendar_ids)))
    return made


def _distribution_days(recipe: Recipe, days: np.ndarray) -> dict[int, int]:
    """Return epoch day -> amount: the recipe's day of each of its months, or the next business day; not on the first day."""
    years = range(int(str(np.datetime64(int(days[0]), "D"))[:4]), int(str(np.datetime64(int(days[-1]), "D"))[:4]) + 1)
    nominal = [date(year, month, recipe.distribution_day) for year in years for month in recipe.distribution_months]
    business = [epoch_day(next_business_day(date.fromordinal(day.toordinal() - 1))) for day in nominal]
    return {day: recipe.distribution_yen for day in business if days[0] < day <= days[-1]}


def _walk(moves: list[int], days: np.ndarray, distributions: dict[int, int]) -> np.ndarray:
    """Return the prices: 10,000 on the first day, each move applied, each distribution taken off, rounded half up."""
    worth = 10_000 * SUBUNITS
    prices = []
    for day, move in zip(days.tolist(), moves, strict=True):
        worth = worth * (PPB + move) // PPB - distributions.get(day, 0) * SUBUNITS
        prices.append((worth + SUBUNITS // 2) // SUBUNITS)
    return np.array(prices, dtype=np.int64)


def _series(
    recipe: Recipe, seed: int, days: np.ndarray, prices: np.ndarray, distributions: dict[int, int], kept: np.ndarray
) -> Series:
    loads = ", ".join(f"{factor} {load / PPM:+.3f}" for factor, load in recipe.loads.items())
    made_of = f"loads on {loads}" + (" (us, fx: the real moves)" if "us" in recipe.loads or "fx" in recipe.loads else "")
    return Series(
        recipe.code, recipe.name_ja, recipe.name_en, recipe.asset_class, "JPY", 0, 10_000, "fund", False,
        f"generated: seed {seed}, calibrated on {recipe.calibration} ({CALIBRATION_SPAN}); {made_of}",
        days[kept], prices[kept], [(day, amount, 10_000) for day, amount in sorted(distributions.items())],
        calendar_ids=recipe.calendar_ids, price_lag_days=recipe.price_lag_days, levy_ppm=recipe.levy_ppm,
        buy_settlement_days=recipe.settlement_days, sell_settlement_days=recipe.settlement_days,
    )
