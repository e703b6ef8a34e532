"""The markets that simulated goals live through: on the real path the sample's own prices, on others the same law."""

from datetime import date

import numpy as np
import pytest

from tsutsumi.core.calendar import epoch_day
from tsutsumi.demo import market_paths
from tsutsumi.demo.goals import COST_PPM
from tsutsumi.demo.house import build_rows
from tsutsumi.demo.market_paths import (
    fund_growth,
    model_growth,
    model_weights,
    months_as_they_were,
    months_in_runs,
    real_months,
    span_as_it_was,
)
from tsutsumi.demo.models import PLANS
from tsutsumi.demo.series import FIRST_DATE, LAST_DATE, demo_market


def chance(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_a_month_of_the_real_path_is_what_the_prices_of_the_sample_say():
    months = months_as_they_were(240)
    grown = fund_growth(months, market_paths._own_noise)
    first, last = span_as_it_was(240)
    assert (first, last) == (date(2002, 12, 1), date(2022, 11, 1))
    prices = {one.code: one for one in demo_market(date(2002, 11, 29), date(2022, 11, 30), flaws=False).series}
    ends = [epoch_day(date(2002 + (11 + k) // 12, (11 + k) % 12 + 1, 1)) for k in range(241)]
    for code in ("domestic_equity", "domestic_bond", "us_equity_tse"):  # a price on every business day, no distributions
        one = prices[code]
        at = np.searchsorted(one.dates, ends) - 1  # the last price before each month, and the last of all
        told = one.prices[at[1:]] / one.prices[at[:-1]]
        least = one.prices.min()
        assert np.abs(grown[code] / told - 1).max() < 1.5 / least, code


def test_distributions_stay_in():
    months = months_as_they_were(12)
    grown = fund_growth(months, market_paths._own_noise)["domestic_reit"]
    one = {s.code: s for s in demo_market(date(2021, 11, 30), date(2022, 11, 30), flaws=False).series}["domestic_reit"]
    paid = dict((day, amount) for day, amount, _ in one.distributions)
    held, before = 1.0, one.prices[0]
    for day, price in zip(one.dates[1:].tolist(), one.prices[1:].tolist(), strict=True):
        held *= (price + paid.get(day, 0)) / before
        before = price
    assert len(paid) == 12 and grown.prod() == pytest.approx(held, rel=2e-3)


def test_other_paths_are_runs_of_real_months_of_twelve_on_average():
    whole = real_months().count
    assert whole == 286
    months = np.stack([months_in_runs(240, chance(k)) for k in range(400)])
    assert months.min() == 0 and months.max() == whole - 1
    anew = (np.diff(months, axis=1) % whole) != 1
    assert 1 / anew.mean() == pytest.approx(12, rel=0.05)
    counts = np.bincount(months.ravel(), minlength=whole) * whole / months.size
    assert counts.min() > 0.7 and counts.max() < 1.3, "every real month is lived about as often"
    assert (months_in_runs(240, chance(3)) == months[3]).all()
    assert months_as_they_were(300)[[0, 13, 14, 299]].tolist() == [272, 285, 0, 285], "longer than the figures: they begin again"


def test_weights_are_those_of_the_first_versions_of_the_sample_house():
    codes, weights = model_weights()
    rows = build_rows(demo_market(), 1, first=FIRST_DATE, through=LAST_DATE)
    assert codes == [row["instrument_id"] for row in rows["instruments"]]
    first = [row for row in rows["model_weights"] if row["version"] == 1]
    for number, plan in enumerate(PLANS, 1):
        if plan.level:
            own = {row["instrument_no"]: row["weight_ppm"] for row in first if row["model_no"] == number}
            told = {n: round(weight * 1e6) for n, weight in enumerate(weights[number - 1], 1) if weight}
            assert told == {n: ppm for n, ppm in own.items() if n}
            assert round((1 - weights[number - 1].sum()) * 1e6) == own[0], "the rest is JPY"
    mixed = [plan.model_id for plan in PLANS].index("premium-core-1")
    assert weights[mixed] == pytest.approx(0.75 * weights[1] + 0.25 * weights[16])


def test_models_grow_by_their_funds_less_cost_the_same_for_a_seed_and_otherwise_for_another():
    growth = model_growth(3, 36, 5, COST_PPM)
    assert growth.shape == (4, 36, len(PLANS))
    codes, weights = model_weights()
    grown = fund_growth(months_as_they_were(36), market_paths._own_noise)
    held = [1 - weights[0].sum() + sum(w * grown[code][k] for w, code in zip(weights[0], codes, strict=True)) for k in range(36)]
    assert growth[0, :, 0] == pytest.approx(np.array(held) * (1 - COST_PPM / 12e6))
    assert (model_growth(3, 36, 5, COST_PPM) == growth).all()
    other = model_growth(3, 36, 6, COST_PPM)
    assert (other[0] == growth[0]).all() and (other[1:] != growth[1:]).all(), "the real path hangs on no seed"
    assert len({growth[path].tobytes() for path in range(4)}) == 4


def test_paths_have_the_spread_and_the_falls_of_the_real_months():
    growth = np.log(model_growth(60, 240, 1, 0))
    real, drawn = growth[0], growth[1:]
    assert drawn.std(axis=(0, 1)) == pytest.approx(real.std(axis=0), rel=0.1)
    bold = [plan.model_id for plan in PLANS].index("robo-5")
    scaled = (drawn[:, :, bold] - drawn[:, :, bold].mean()) / drawn[:, :, bold].std()
    assert (scaled**4).mean() > 3.3 and (scaled**3).mean() < -0.2, "fat tails, and to the left"
