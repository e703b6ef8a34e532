"""Which price is in force: every way in which a price can be absent or wrong, and the yen of a unit."""

from datetime import date
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.market import FRESH, HOLIDAY, MISSING, REFUSED, MarketState, initial_market, market_of_day
from tsutsumi.core.timeline import build_timeline

FIRST, LAST = epoch_day(date(2026, 9, 1)), epoch_day(date(2026, 12, 30))
LIMIT = 350_000
A, B, USD, LONE = 1, 2, 3, 4  # two Japanese funds, a dollar ETF of the US calendar, the only fund of the UK calendar


def frame(**columns):
    count = len(columns["currency"])
    plain = {"price_scale": 0, "price_base_units": 10_000, "levy_ppm": 0, "daily_move_limit_ppm": LIMIT, "price_lag_days": 0}
    filled = {name: np.full(count, value) for name, value in plain.items()}
    return {**filled, "calendar_ids": [""] * count, **columns}


HOUSE = frame(
    currency=["JPY", "JPY", "JPY", "USD", "JPY"],
    calendar_ids=["", "", "", "US", "UK"],
    price_scale=np.array([0, 0, 0, 2, 0]),
    price_base_units=np.array([1, 10_000, 10_000, 1, 10_000]),
    levy_ppm=np.array([0, 0, 3_000, 0, 0]),
    instrument_id=["JPY", "japan-equity", "japan-bond", "us-etf", "uk-fund"],
)
HOLIDAYS = {"US": {epoch_day(date(2026, 11, 26))}, "UK": {epoch_day(date(2026, 12, 28))}}
TIMELINE = build_timeline(FIRST, LAST, HOUSE, HOLIDAYS, set())
PRICES = {A: 15_000, B: 9_000, USD: 40_025, LONE: 20_000}
FX = {"USD": 157_250_000}


def close(state, b, prices, fx=FX, splits=None, house=HOUSE, timeline=TIMELINE, **more):
    return market_of_day(int(timeline.days[b]), b, timeline, house, state, prices, fx, splits or {}, **more)


@pytest.fixture
def opened():
    """The state after a first day on which everything was priced."""
    return close(initial_market(HOUSE), 0, PRICES).state


def kinds(market):
    return [(alert["kind"], alert["subject_kind"], alert["subject_no"]) for alert in market.alerts]


def test_a_first_price_is_accepted_and_gives_the_yen_of_a_unit():
    market = close(initial_market(HOUSE), 0, PRICES)
    assert market.status.tolist() == [FRESH] * 5 and market.alerts == []
    yen = 1_000_000
    assert market.price_rows == [(A, 15_000, yen), (B, 9_000, yen), (USD, 40_025, 157_250_000), (LONE, 20_000, yen)]
    assert (market.num.tolist()[:3], market.den.tolist()[:3]) == ([1, 3, 9], [1, 2, 10])
    assert Fraction(int(market.num[USD]), int(market.den[USD])) == Fraction("400.25") * Fraction("157.25")
    assert [array.dtype for array in (market.num, market.sell_den, market.price, market.fx_ppm)] == [np.int64] * 4
    assert market.status.dtype == np.int8 and market.state.priced_date.tolist() == [0] + [int(TIMELINE.days[0])] * 4


def test_a_sale_is_priced_after_its_levy_floored():
    market = close(initial_market(HOUSE), 0, {**PRICES, B: 9_001})
    assert Fraction(int(market.sell_num[B]), int(market.sell_den[B])) == Fraction(9_001 * 997_000 // 1_000_000, 10_000)
    assert (market.sell_num[A], market.sell_den[A]) == (market.num[A], market.den[A])


def test_a_single_absent_price_is_missing_and_the_last_stays(opened):
    market = close(opened, 1, {B: 9_001, USD: 40_000, LONE: 20_000})
    assert market.status.tolist() == [FRESH, MISSING, FRESH, FRESH, FRESH]
    assert kinds(market) == [("price_missing", "instrument", A)]
    cause = market.alerts[0]["cause"]
    assert "japan-equity" in cause and "2026-09-02" in cause and "15,000 JPY of 2026-09-01" in cause
    assert market.price[A] == 15_000 and market.state.priced_date[A] == TIMELINE.days[0]


def test_a_silent_calendar_is_a_holiday_with_one_alert(opened):
    market = close(opened, 1, {USD: 40_000, LONE: 20_000})
    assert market.status.tolist() == [FRESH, HOLIDAY, HOLIDAY, FRESH, FRESH]
    assert kinds(market) == [("calendar_holiday", "calendar", A)]


def test_the_only_fund_of_a_calendar_in_a_larger_house_is_missing(opened):
    market = close(opened, 1, {A: 15_000, B: 9_000, USD: 40_000})
    assert market.status[LONE] == MISSING and kinds(market) == [("price_missing", "instrument", LONE)]


def test_a_fund_alone_in_the_house_has_a_holiday():
    house = frame(currency=["JPY", "JPY"])
    timeline = build_timeline(FIRST, LAST, house, {}, set())
    first = close(initial_market(house), 0, {1: 10_000}, house=house, timeline=timeline)
    second = close(first.state, 1, {}, house=house, timeline=timeline)
    assert second.status[1] == HOLIDAY and kinds(second) == [("calendar_holiday", "calendar", 1)]


def test_a_refused_row_shows_that_the_calendar_is_not_silent(opened):
    market = close(opened, 1, {A: 0, USD: 40_000, LONE: 20_000})
    assert market.status.tolist()[:3] == [FRESH, REFUSED, MISSING]


def test_a_known_holiday_expects_no_price(opened):
    b = TIMELINE.index_of(epoch_day(date(2026, 11, 26)))
    market = close(opened, b, {A: 15_000, B: 9_000, LONE: 20_000})
    assert market.status[USD] == HOLIDAY and market.alerts == [] and market.price[USD] == 40_025


@pytest.mark.parametrize("price", [41_000, 90_000, 0])
def test_a_row_on_a_holiday_of_the_calendar_is_not_looked_at(opened, price):
    b = TIMELINE.index_of(epoch_day(date(2026, 11, 26)))
    market = close(opened, b, {**PRICES, USD: price})
    assert market.status[USD] == HOLIDAY and market.price[USD] == 40_025 and market.alerts == []


@pytest.mark.parametrize("price", [0, -1])
def test_a_price_of_zero_or_below_is_refused(opened, price):
    market = close(opened, 1, {**PRICES, A: price})
    assert market.status[A] == REFUSED and market.price[A] == 15_000 and market.state.refused_price[A] == 0
    assert kinds(market) == [("price_refused", "instrument", A)] and "not above 0" in market.alerts[0]["cause"]


@pytest.mark.parametrize(("price", "status"), [(20_250, FRESH), (20_251, REFUSED), (9_750, FRESH), (9_749, REFUSED)])
def test_a_move_of_exactly_the_limit_is_accepted(opened, price, status):
    market = close(opened, 1, {**PRICES, A: price})
    assert market.status[A] == status
    assert market.price[A] == (price if status == FRESH else 15_000)


def test_the_second_day_confirms_a_refused_price(opened):
    first = close(opened, 1, {**PRICES, A: 6_000})
    assert first.status[A] == REFUSED and first.state.refused_price[A] == 6_000
    cause = first.alerts[0]["cause"]
    assert "6,000 JPY" in cause and "-60.0 %" in cause and "35.0 %" in cause and "15,000 JPY of 2026-09-01" in cause
    second = close(first.state, 2, {**PRICES, A: 6_100})
    assert second.status[A] == FRESH and second.price[A] == 6_100 and second.state.refused_price[A] == 0


def test_a_refused_price_that_was_an_error_leaves_no_trace(opened):
    first = close(opened, 1, {**PRICES, A: 1_500_000})
    second = close(first.state, 2, {**PRICES, A: 15_100})
    assert second.status[A] == FRESH and second.price[A] == 15_100 and second.state.refused_price[A] == 0


def test_a_refused_price_waits_over_a_day_without_a_row_but_not_over_a_zero(opened):
    refused = close(opened, 1, {**PRICES, A: 6_000}).state
    silent = close(refused, 2, {B: 9_000, USD: 40_000, LONE: 20_000}).state
    assert close(silent, 3, {**PRICES, A: 6_100}).status[A] == FRESH
    zero = close(refused, 2, {**PRICES, A: 0}).state
    assert close(zero, 3, {**PRICES, A: 6_100}).status[A] == REFUSED


def test_a_stale_price_is_judged_against_the_last_accepted_one_however_old(opened):
    later = close(opened, 40, {**PRICES, A: 20_251})
    assert later.status[A] == REFUSED and "2026-09-01" in later.alerts[0]["cause"]


@pytest.mark.parametrize(("day", "status"), [(date(2026, 9, 8), FRESH), (date(2026, 9, 9), MISSING)])
def test_a_rate_is_carried_seven_days_and_not_eight(opened, day, status):
    market = close(opened, TIMELINE.index_of(epoch_day(day)), {**PRICES, USD: 41_000}, fx={})
    assert market.status[USD] == status
    assert market.price[USD] == (41_000 if status == FRESH else 40_025)
    expected = [] if status == FRESH else [("fx_missing", "instrument", USD)]
    assert kinds(market) == expected


def test_a_rate_between_two_closes_counts_from_its_own_date(opened):
    between = {"USD": (150_000_000, epoch_day(date(2026, 9, 6)))}
    market = close(opened, TIMELINE.index_of(epoch_day(date(2026, 9, 9))), PRICES, fx={}, fx_between=between)
    assert market.status[USD] == FRESH and market.fx_ppm[USD] == 150_000_000


def test_an_older_rate_does_not_replace_a_newer_one(opened):
    market = close(opened, 1, PRICES, fx={}, fx_between={"USD": (100_000_000, int(TIMELINE.days[0]) - 1)})
    assert market.fx_ppm[USD] == 157_250_000 and market.state.fx["USD"][1] == TIMELINE.days[0]


def test_a_rate_that_never_came_is_told(opened):
    market = close(initial_market(HOUSE), 0, PRICES, fx={})
    assert market.status[USD] == MISSING and "there never was one" in market.alerts[0]["cause"]
    assert (market.num[USD], market.den[USD]) == (0, 1)


def test_a_rate_of_zero_is_told_and_the_last_is_carried(opened):
    market = close(opened, 1, PRICES, fx={"USD": 0})
    assert kinds(market) == [("fx_missing", "currency", USD)]
    assert market.status[USD] == FRESH and market.fx_ppm[USD] == 157_250_000


def test_a_price_that_is_not_fresh_keeps_its_own_rate(opened):
    market = close(opened, 1, {A: 15_000, B: 9_000, LONE: 20_000}, fx={"USD": 160_000_000})
    assert market.status[USD] == MISSING and market.fx_ppm[USD] == 157_250_000
    assert market.state.fx["USD"] == (160_000_000, TIMELINE.days[1])


def test_a_split_scales_the_last_price_before_it_is_compared(opened):
    market = close(opened, 1, {**PRICES, A: 5_100}, splits={A: (1, 3)})
    assert market.status[A] == FRESH and market.price[A] == 5_100
    silent = close(opened, 1, {B: 9_000, USD: 40_025, LONE: 20_000}, splits={B: (1, 7), A: (1, 7)})
    assert silent.status[A] == MISSING and silent.price[A] == 15_000 // 7
    assert silent.status[B] == REFUSED, "9,000 is no longer within the limit of 1,285"


def test_a_split_leaves_a_price_that_waits_for_its_confirmation(opened):
    refused = close(opened, 1, {**PRICES, A: 6_000}).state
    market = close(refused, 2, {**PRICES, A: 2_000}, splits={A: (1, 3)})
    assert market.status[A] == REFUSED and close(market.state, 3, {**PRICES, A: 2_000}).status[A] == FRESH


def test_a_split_without_units_is_a_broken_invariant(opened):
    with pytest.raises(ValueError, match="the split of instrument 1 is 1:0"):
        close(opened, 1, PRICES, splits={A: (1, 0)})


def test_before_its_first_price_an_instrument_is_missing_without_an_alert():
    market = close(initial_market(HOUSE), 0, {A: 15_000, B: 9_000, USD: 40_025})
    assert market.status[LONE] == MISSING and market.alerts == []
    assert (market.num[LONE], market.den[LONE], market.price[LONE]) == (0, 1, 0)
    christmas = TIMELINE.index_of(epoch_day(date(2026, 12, 28)))
    assert close(market.state, christmas, {A: 15_000, B: 9_000, USD: 40_025}).status[LONE] == MISSING


def test_a_refused_first_row_is_told():
    market = close(initial_market(HOUSE), 0, {**PRICES, LONE: 0})
    assert market.status[LONE] == REFUSED and "it has no price yet" in market.alerts[0]["cause"]


def test_a_row_of_an_instrument_that_nobody_registered_is_told_and_stops_nobody(opened):
    market = close(opened, 1, {**PRICES, 9: 100})
    assert market.status.tolist() == [FRESH] * 5 and kinds(market) == [("price_refused", "instrument", 9)]


def test_a_unit_value_beyond_64_bits_is_refused_by_name():
    house = frame(currency=["JPY", "USD"], instrument_id=["JPY", "huge"])
    with pytest.raises(ValueError, match=r"huge \(instrument 1\) does not fit 64 bits: price 999999999999999989"):
        close(initial_market(house), 0, {1: 999_999_999_999_999_989}, house=house, timeline=TIMELINE)


def test_the_index_must_belong_to_the_day(opened):
    with pytest.raises(ValueError, match="index 1 is 2026-09-02, not 2026-09-01"):
        market_of_day(int(TIMELINE.days[0]), 1, TIMELINE, HOUSE, opened, PRICES, FX, {})


def test_every_alert_names_cause_and_cure(opened):
    market = close(opened, 9, {A: 0, USD: 41_000, LONE: 99_000, 9: 1}, fx={"USD": -1})
    assert len(market.alerts) == 6
    for alert in market.alerts:
        assert set(alert) == {"kind", "subject_kind", "subject_no", "cause", "cure"} and alert["cause"] and alert["cure"]


amounts = st.integers(-5, 60_000)


@given(
    last=st.integers(1, 60_000), refused=st.sampled_from([0, 5_000, 40_000]), received=st.none() | amounts,
    ppm=st.integers(1, 300_000_000), units=st.integers(0, 10**9), age=st.integers(0, 12), has_rate=st.booleans(),
    split=st.sampled_from([None, (1, 3), (7, 2)]),
)
def test_the_rule_read_slowly_gives_the_same(last, refused, received, ppm, units, age, has_rate, split):
    b = 20
    day = int(TIMELINE.days[b])
    state = MarketState(
        np.array([1, 15_000, 9_000, last, 20_000]), np.array([10**6, 10**6, 10**6, 155 * 10**6, 10**6]),
        np.full(5, day - 3, dtype=np.int32), np.array([0, 0, 0, refused, 0]), {"USD": (155 * 10**6, day - age)},
    )
    rows = {no: price for no, price in {**PRICES, USD: received}.items() if price is not None}
    market = close(state, b, rows, fx={"USD": ppm} if has_rate else {}, splits={USD: split} if split else {})
    old, new = split or (1, 1)
    last = floor(Fraction(last * old, new))
    status, price, rate = FRESH, last, 155 * 10**6
    today = ppm if has_rate else (155 * 10**6 if age <= 7 else None)
    near = [] if received is None else [abs(received - r) <= Fraction(35, 100) * r for r in (last, refused)]
    if received is None:
        status = MISSING
    elif today is None:
        status = MISSING
    elif received <= 0 or not (near[0] or (refused and near[1] and Fraction(last, 20) < received < last * 20)):
        status = REFUSED
    else:
        price, rate = received, today
    assert (market.status[USD], market.price[USD], market.fx_ppm[USD]) == (status, price, rate)
    exact = units * Fraction(price, 100) * Fraction(rate, 10**6)
    assert units * int(market.num[USD]) // int(market.den[USD]) == floor(exact)
    assert np.gcd(market.num, market.den).tolist() == [1] * 5
    assert market.state.refused_price[USD] == (received if status == REFUSED and received > 0 else
                                               0 if status in (FRESH, REFUSED) else refused)
