"""Business days against published counts, dates and the equinox formula."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.calendar import (
    business_day_table,
    business_days,
    epoch_day,
    from_epoch_day,
    is_business_day,
    national_holidays,
    next_business_day,
    previous_business_day,
)

days = st.dates(min_value=date(1950, 1, 1), max_value=date(2098, 12, 31))


@pytest.mark.parametrize(
    ("year", "count"),
    [(2019, 241), (2020, 243), (2021, 245), (2024, 245), (2025, 243), (2026, 242), (2027, 244), (2028, 245)],
)
def test_a_year_has_its_published_number_of_business_days(year, count):
    assert len(business_days(date(year, 1, 1), date(year, 12, 31))) == count


def test_a_day_between_two_holidays_is_closed():
    assert next_business_day(date(2026, 9, 18)) == date(2026, 9, 24)


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 12, 28), date(2026, 12, 29)),
        (date(2026, 12, 30), date(2027, 1, 4)),
        (date(2025, 12, 30), date(2026, 1, 5)),
    ],
)
def test_the_year_end_is_closed_from_the_31st_to_the_3rd(day, following):
    assert next_business_day(day) == following
    assert previous_business_day(following) == day


def test_the_first_business_days_of_a_quarter():
    assert next_business_day(date(2025, 12, 31)) == date(2026, 1, 5)
    assert previous_business_day(date(2026, 1, 1)) == date(2025, 12, 30)
    assert next_business_day(date(2026, 12, 31)) == date(2027, 1, 4)


def test_nine_business_days_after_the_first_of_the_quarter():
    first = next_business_day(date(2026, 9, 30))
    day = first
    for _ in range(9):
        day = next_business_day(day)
    assert (first, day) == (date(2026, 10, 1), date(2026, 10, 15))


@pytest.mark.parametrize(("order", "count", "paid"), [(25, 4, date(2026, 12, 30)), (28, 4, date(2027, 1, 4))])
def test_a_fund_pays_on_its_fourth_business_day_the_order_day_being_the_first(order, count, paid):
    assert business_days(date(2026, 12, order), date(2027, 1, 31))[count - 1] == paid


def test_the_day_of_the_exchange_outage_is_a_business_day():
    assert is_business_day(date(2020, 10, 1))


def test_the_moved_holidays_of_the_olympic_years_and_of_the_accession():
    assert national_holidays(2021)[date(2021, 7, 23)] == "スポーツの日"
    assert is_business_day(date(2021, 10, 11))
    assert not any(is_business_day(date(2019, 4, 27) + timedelta(days=n)) for n in range(10))


def test_the_equinoxes_follow_the_formula_to_2099():
    for year in range(1980, 2100):
        n = year - 1980
        spring = date(year, 3, (20_843_100 + 242_194 * n) // 1_000_000 - n // 4)
        autumn = date(year, 9, (23_248_800 + 242_194 * n) // 1_000_000 - n // 4)
        names = national_holidays(year)
        assert (names[spring].startswith("春分の日"), names[autumn].startswith("秋分の日")) == (True, True)


def test_a_year_without_a_calendar_is_refused():
    with pytest.raises(ValueError, match="1949 to 2099"):
        is_business_day(date(2100, 1, 4))
    with pytest.raises(ValueError, match="1949 to 2099"):
        business_days(date(1948, 1, 1), date(1948, 2, 1))


@given(days)
def test_next_and_previous_are_the_neighbours_of_a_day(day):
    after, before = next_business_day(day), previous_business_day(day)
    assert before < day < after
    assert business_days(before, after) == [before, *([day] if is_business_day(day) else []), after]


@given(days, st.integers(min_value=-3, max_value=800))
def test_the_table_equals_the_list(day, length):
    last = day + timedelta(days=length)
    table = business_day_table(day, min(last, date(2099, 12, 31)))
    assert table.dtype == np.int32 and not table.flags.writeable
    assert [from_epoch_day(n) for n in table] == business_days(day, min(last, date(2099, 12, 31)))


@given(days)
def test_epoch_days_go_there_and_back(day):
    assert from_epoch_day(epoch_day(day)) == day
    assert np.datetime64(day, "D").astype(int) == epoch_day(day)
