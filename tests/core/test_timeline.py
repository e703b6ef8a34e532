"""The dates of an order against published cases and a day-by-day count."""

from datetime import date

import numpy as np
import pytest
from holidays import NYSE, country_holidays
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.calendar import business_days, epoch_day, from_epoch_day
from tsutsumi.core.timeline import build_timeline, split_calendar_ids

FIRST, LAST = epoch_day(date(2026, 9, 1)), epoch_day(date(2027, 2, 26))
ALL_COUNTRY, SP500, ETF, DOMESTIC = 1, 2, 3, 4
SELL_SETTLEMENT_DAYS = {ALL_COUNTRY: 4, SP500: 3, ETF: 2, DOMESTIC: 3}
INSTRUMENTS = {"calendar_ids": ["", "US;UK;HK", "US", "", ""], "price_lag_days": np.array([0, 1, 1, 0, 0])}
YEARS = range(2026, 2028)
CALENDARS = {
    "US": {epoch_day(d) for d in NYSE(years=YEARS)},
    "UK": {epoch_day(d) for d in country_holidays("GB", subdiv="ENG", years=YEARS)},
    "HK": {epoch_day(d) for d in country_holidays("HK", years=YEARS)},
}


@pytest.fixture(scope="module")
def timeline():
    return build_timeline(FIRST, LAST, INSTRUMENTS, CALENDARS, set())


def dates_of(timeline, instrument_no, placed):
    """Return the priced day and the day of the money of a sale placed on a day."""
    b = timeline.index_of(epoch_day(placed))
    priced = timeline.priced_index[instrument_no, b]
    return tuple(from_epoch_day(timeline.days[k]) for k in (priced, priced + SELL_SETTLEMENT_DAYS[instrument_no]))


def test_over_the_autumn_holidays_a_foreign_fund_is_priced_on_the_24th(timeline):
    ordered = date(2026, 9, 18)
    assert dates_of(timeline, ALL_COUNTRY, ordered) == (date(2026, 9, 24), date(2026, 9, 30))
    assert dates_of(timeline, SP500, ordered) == (date(2026, 9, 24), date(2026, 9, 29))


def test_an_order_on_thanksgiving_becomes_one_of_the_27th(timeline):
    thanksgiving = timeline.index_of(epoch_day(date(2026, 11, 26)))
    assert not timeline.orderable[ALL_COUNTRY, thanksgiving]
    assert timeline.priced_index[ALL_COUNTRY, thanksgiving] == -1
    evening = timeline.first_orderable_index[ALL_COUNTRY, thanksgiving - 1]
    assert evening == thanksgiving
    placed = from_epoch_day(timeline.days[evening + 1])
    assert placed == date(2026, 11, 27)
    assert dates_of(timeline, ALL_COUNTRY, placed) == (date(2026, 11, 30), date(2026, 12, 4))


@pytest.mark.parametrize(("day", "money"), [(28, date(2026, 12, 30)), (29, date(2027, 1, 4))])
def test_a_listed_fund_settles_two_days_later_over_the_year_end(timeline, day, money):
    traded = date(2026, 12, day)
    assert dates_of(timeline, ETF, traded) == (traded, money)


@pytest.mark.parametrize(("day", "money"), [(25, date(2026, 12, 30)), (28, date(2027, 1, 4))])
def test_a_domestic_fund_pays_on_its_fourth_business_day(timeline, day, money):
    ordered = date(2026, 12, day)
    assert dates_of(timeline, DOMESTIC, ordered) == (ordered, money)


def test_the_days_are_the_business_days_and_can_be_found(timeline):
    assert [from_epoch_day(d) for d in timeline.days] == business_days(from_epoch_day(FIRST), from_epoch_day(LAST))
    assert [timeline.index_of(int(d)) for d in timeline.days] == list(range(len(timeline.days)))


@pytest.mark.parametrize("day", [date(2026, 9, 22), date(2026, 8, 31), date(2027, 3, 1)])
def test_a_day_that_is_not_in_the_table_is_refused_by_name(timeline, day):
    with pytest.raises(ValueError, match=str(day)):
        timeline.index_of(epoch_day(day))


def test_the_yen_is_never_ordered(timeline):
    assert timeline.instrument_day[0].all() and not timeline.orderable[0].any()
    assert (timeline.priced_index[0] == -1).all() and (timeline.first_orderable_index[0] == -1).all()


def test_a_no_order_day_still_has_a_price():
    placed = epoch_day(date(2026, 10, 7))
    table = build_timeline(FIRST, LAST, INSTRUMENTS, CALENDARS, {(DOMESTIC, placed)})
    b = table.index_of(placed)
    assert table.instrument_day[DOMESTIC, b] and not table.orderable[DOMESTIC, b]
    assert table.first_orderable_index[DOMESTIC, b - 1] == b
    assert table.next_instrument_index[DOMESTIC, b - 1] == b
    assert table.orderable[ETF, b]


def test_beyond_the_table_there_is_no_answer(timeline):
    last = len(timeline.days) - 1
    assert timeline.priced_index[SP500, last] == -1
    assert timeline.next_instrument_index[SP500, last] == -1
    assert timeline.first_orderable_index[SP500, last] == -1


def test_the_tables_cannot_be_written(timeline):
    with pytest.raises(ValueError, match="read-only"):
        timeline.orderable[1, 0] = True


def test_a_calendar_without_holidays_is_refused_by_name():
    with pytest.raises(ValueError, match="'HK'.*load its holidays"):
        build_timeline(FIRST, LAST, INSTRUMENTS, {}, set())


def test_a_span_without_business_days_is_refused():
    with pytest.raises(ValueError, match="2026-09-19 to 2026-09-23 holds no business day"):
        build_timeline(epoch_day(date(2026, 9, 19)), epoch_day(date(2026, 9, 23)), INSTRUMENTS, CALENDARS, set())


def test_a_negative_lag_is_refused():
    with pytest.raises(ValueError, match="price_lag_days -1"):
        build_timeline(FIRST, LAST, {"calendar_ids": ["", ""], "price_lag_days": np.array([0, -1])}, {}, set())


def test_calendar_ids_do_not_depend_on_order_or_blanks():
    assert split_calendar_ids("US; UK") == split_calendar_ids("UK;US;") == ("UK", "US")


@given(
    closed=st.sets(st.integers(FIRST, LAST)),
    barred=st.sets(st.integers(FIRST, LAST)),
    lag=st.integers(0, 4),
)
def test_the_tables_equal_a_count_day_by_day(closed, barred, lag):
    instruments = {"calendar_ids": ["", "X"], "price_lag_days": np.array([0, lag])}
    table = build_timeline(FIRST, LAST, instruments, {"X": closed}, {(1, day) for day in barred})
    days = table.days.tolist()
    own = [b for b, day in enumerate(days) if day not in closed]
    can = [b for b in own if days[b] not in barred]
    for b in range(len(days)):
        from_b = [k for k in own if k >= b]
        assert table.instrument_day[1, b] == (b in own)
        assert table.orderable[1, b] == (b in can)
        assert table.priced_index[1, b] == (from_b[lag] if b in can and len(from_b) > lag else -1)
        assert table.next_instrument_index[1, b] == next((k for k in own if k > b), -1)
        assert table.first_orderable_index[1, b] == next((k - 1 for k in can if k > b), -1)
