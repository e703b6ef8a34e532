"""The market of the demo: real figures as published, generated ones the same everywhere, flaws where they are said to be."""

import hashlib
import subprocess
import sys
from datetime import date

import numpy as np
import pytest

from tsutsumi.core.calendar import epoch_day, is_business_day
from tsutsumi.core.market import FRESH, MISSING, REFUSED, initial_market, market_of_day
from tsutsumi.core.timeline import build_timeline
from tsutsumi.demo.calendars import calendar_holidays_rows, holiday_dates
from tsutsumi.demo.common_window import roles, volatility_percent
from tsutsumi.demo.real_series import sp500, usd_jpy
from tsutsumi.demo.series import FIRST_DATE, LAST_DATE, demo_market

REAL = {"us_equity", "us_equity_usd", "us_equity_tse"}
CALIBRATED_ON = {
    "domestic_equity": (7.6, 22.9), "domestic_bond": (1.5, 2.6), "domestic_reit": (4.8, 21.9), "developed_bond": (4.4, 10.5),
    "emerging_equity": (6.4, 32.0), "gold": (5.7, 18.3), "us_reit": (9.0, 35.0),
}


@pytest.fixture(scope="module")
def market():
    return demo_market()


@pytest.fixture(scope="module")
def clean():
    return {one.code: one for one in demo_market(flaws=False).series}


def price_on(one, day):
    return int(one.prices[np.flatnonzero(one.dates == epoch_day(day))[0]])


def test_there_are_eleven_funds_each_with_its_origin(market):
    assert len(market.series) == len({one.code for one in market.series}) == 11
    assert {one.code for one in market.series if one.real} == REAL
    for one in market.series:
        assert one.provenance.startswith("real: " if one.real else "generated: seed 2017")
        assert one.dates.dtype == np.int32 and one.prices.dtype == np.int64 and (one.prices > 0).all()
        assert (np.diff(one.dates) > 0).all() and one.dates[0] == epoch_day(FIRST_DATE)


def test_the_published_figures_are_read_exactly():
    days, ppm = usd_jpy()
    assert ppm[days.tolist().index(epoch_day(date(2026, 10, 30)))] == 157_250_269  # 175.68 / 1.1172 = 157.25026...
    sessions, cents = sp500()
    assert cents[sessions.tolist().index(epoch_day(date(2022, 12, 28)))] == 378_322


def test_skfolio_is_read_without_being_imported():
    code = "import sys; from tsutsumi.demo.series import demo_market; demo_market(); assert 'skfolio' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_yen_fund_is_index_times_rate_by_hand(clean):
    start, end = date(2017, 1, 4), date(2020, 3, 24)
    sessions, cents = sp500()
    days, ppm = usd_jpy()
    index = dict(zip(sessions.tolist(), cents.tolist(), strict=True))
    rate = dict(zip(days.tolist(), ppm.tolist(), strict=True))
    first = index[epoch_day(date(2017, 1, 3))] * rate[epoch_day(start)]
    later = index[epoch_day(date(2020, 3, 23))] * rate[epoch_day(end)]
    assert price_on(clean["us_equity"], start) == 10_000
    assert price_on(clean["us_equity"], end) == (2 * 10_000 * later + first) // (2 * first)
    assert price_on(clean["us_equity_usd"], end) == (index[epoch_day(date(2020, 3, 23))] + 5) // 10


def test_prices_stand_only_on_business_days_that_no_calendar_closes(market):
    closed = holiday_dates(FIRST_DATE, LAST_DATE)
    for one in market.series:
        days = {date.fromordinal(int(day) + date(1970, 1, 1).toordinal()) for day in one.dates}
        assert all(is_business_day(day) for day in days)
        for calendar_id in filter(None, one.calendar_ids.split(";")):
            assert not days & closed[calendar_id]


def test_the_dollar_rate_has_no_row_where_the_ecb_had_none(market):
    (fx,) = market.fx
    assert epoch_day(date(2019, 12, 26)) not in fx.dates and epoch_day(date(2019, 12, 27)) in fx.dates
    assert np.diff(fx.dates).max() <= 12


def test_generated_prices_are_the_same_on_every_machine(clean):
    digest = hashlib.sha256()
    for code in ("domestic_balanced", "domestic_bond", "domestic_equity", "domestic_reit"):
        digest.update(code.encode() + clean[code].dates.astype("<i4").tobytes() + clean[code].prices.astype("<i8").tobytes())
    assert digest.hexdigest() == "f20068263a41bf0aa4a07c65547187cea43272a6db3d1273b87a1b92e7cb3d73"


def test_generated_funds_move_as_their_provenance_says(clean):
    for code, (per_year, volatility) in CALIBRATED_ON.items():
        one = clean[code]
        assert f"{per_year} %/y" in one.provenance and f"volatility {volatility} %" in one.provenance
        assert volatility_percent(one) == pytest.approx(volatility, rel=0.02)
        paid = sum(amount for _, amount, _ in one.distributions)
        years = (one.dates[-1] - one.dates[0]) / 365.25
        assert ((one.prices[-1] + paid) / one.prices[0]) ** (1 / years) - 1 == pytest.approx(per_year / 100, abs=0.01)


def test_the_crash_of_2020_is_a_crash_of_every_equity_fund(clean):
    before, after = date(2020, 2, 20), date(2020, 3, 23)
    for code in ("us_equity", "us_equity_tse", "domestic_equity", "emerging_equity", "us_reit"):
        assert price_on(clean[code], after) < 0.8 * price_on(clean[code], before), code


def test_a_distribution_lowers_the_price_of_its_day(clean):
    reit, balanced = clean["domestic_reit"], clean["domestic_balanced"]
    assert len(reit.distributions) == 72 and len(balanced.distributions) == 12
    for one in (reit, balanced):
        drops = []
        for day, amount, per_units in one.distributions:
            at = int(np.flatnonzero(one.dates == day)[0])
            assert per_units == 10_000
            drops.append((one.prices[at] - one.prices[at - 1]) / amount)
        others = np.diff(one.prices).mean()
        assert np.mean(drops) < others


def test_the_flaws_are_where_they_are_said_to_be(market, clean):
    flaws = {gap.codes[0]: gap for gap in market.gaps}
    assert set(flaws) == {"domestic_bond", "gold", "us_equity_tse"}
    flawed = {one.code: one for one in market.series}
    for code in ("domestic_bond", "gold"):
        assert flaws[code].note in flawed[code].provenance and "flaw put in" in flaws[code].note
    assert flaws["domestic_bond"].day not in flawed["domestic_bond"].dates
    assert len(flawed["domestic_bond"].dates) == len(clean["domestic_bond"].dates) - 1
    off = flawed["gold"].prices / clean["gold"].prices
    assert sorted(set(off.tolist())) == [1.0, 100.0] and (off == 100).sum() == 1
    assert epoch_day(date(2020, 10, 1)) == flaws["us_equity_tse"].day not in flawed["us_equity_tse"].dates


def test_a_close_meets_each_flaw_with_its_status(market):
    series = market.series
    instruments = {
        "currency": ["JPY", *(one.currency for one in series)], "calendar_ids": ["", *(one.calendar_ids for one in series)],
        "price_scale": np.array([0, *(one.price_scale for one in series)]),
        "price_base_units": np.array([1, *(one.price_base_units for one in series)]),
        "levy_ppm": np.array([0, *(one.levy_ppm for one in series)]), "daily_move_limit_ppm": np.full(len(series) + 1, 350_000),
        "price_lag_days": np.array([0, *(one.price_lag_days for one in series)]),
    }
    holidays = {name: {epoch_day(day) for day in days} for name, days in holiday_dates(FIRST_DATE, LAST_DATE).items()}
    timeline = build_timeline(epoch_day(FIRST_DATE), epoch_day(LAST_DATE), instruments, holidays, set())
    rows = [dict(zip(one.dates.tolist(), one.prices.tolist(), strict=True)) for one in series]
    rates = dict(zip(market.fx[0].dates.tolist(), market.fx[0].fx_ppm.tolist(), strict=True))
    state, odd = initial_market(instruments), {}
    for b, day in enumerate(timeline.days.tolist()):
        prices = {number: own[day] for number, own in enumerate(rows, start=1) if day in own}
        today = market_of_day(day, b, timeline, instruments, state, prices, {"USD": rates[day]} if day in rates else {}, {})
        state = today.state
        odd |= {(series[alert["subject_no"] - 1].code, day): alert["kind"] for alert in today.alerts}
        open_today = timeline.instrument_day[:, b]
        assert np.isin(today.status[open_today], (FRESH, MISSING, REFUSED)).all(), "no calendar is ever taken for silent"
    kinds = {"domestic_bond": "price_missing", "gold": "price_refused", "us_equity_tse": "price_missing"}
    assert odd == {(gap.codes[0], gap.day): kinds[gap.codes[0]] for gap in market.gaps}


def test_the_roles_of_the_demo_span_from_defensive_to_aggressive(market):
    kinds = {code: role.kind for code, role in roles(market.series).items()}
    assert kinds["domestic_bond"] == "defensive" and kinds["developed_bond"] == kinds["domestic_balanced"] == "income"
    assert kinds["us_equity"] == kinds["gold"] == "growth" and kinds["us_reit"] == kinds["emerging_equity"] == "aggressive"


def test_another_window_can_be_chosen_within_the_figures():
    short = demo_market(date(2008, 9, 1), date(2009, 3, 31), flaws=False)
    assert price_on({one.code: one for one in short.series}["us_equity"], date(2009, 3, 10)) < 6_000
    with pytest.raises(ValueError, match="packaged prices cover .* to 2022-12-29"):
        demo_market(date(2022, 1, 4), date(2023, 1, 31))


def test_a_package_that_is_not_there_is_named_with_its_command(monkeypatch):
    sp500.cache_clear()
    monkeypatch.setattr("tsutsumi.demo.real_series.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install --no-deps skfolio"):
        demo_market(date(2017, 1, 4), date(2017, 2, 28))


def test_the_holidays_abroad_have_names():
    rows = calendar_holidays_rows(date(2018, 12, 1), date(2018, 12, 31))
    assert {"calendar_id": "UK", "date": date(2018, 12, 26), "name": "Boxing Day"} in rows
    assert [row["date"].day for row in rows if row["calendar_id"] == "US"] == [5, 25]
