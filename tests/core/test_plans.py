"""Plan days: the end of a short month, and the next business day, also over New Year and Golden Week."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import day
from tsutsumi.core.calendar import epoch_day, from_epoch_day, is_business_day
from tsutsumi.core.plans import plan_dates


@pytest.mark.parametrize(("month", "day_of_month", "planned", "moved"), [
    ("2026-02", 31, "2026-02-28", "2026-03-02"),  # a Saturday
    ("2028-02", 30, "2028-02-29", "2028-02-29"),  # a leap year
    ("2026-04", 31, "2026-04-30", "2026-04-30"),
    ("2026-12", 31, "2026-12-31", "2027-01-04"),  # the year's end, then a weekend
    ("2027-01", 1, "2027-01-01", "2027-01-04"),
    ("2026-05", 3, "2026-05-03", "2026-05-07"),  # a holiday on a Sunday moves to Wednesday the 6th
    ("2026-06", 26, "2026-06-26", "2026-06-26"),
])
def test_a_plan_day_is_the_named_day_or_the_months_last_moved_to_a_business_day(month, day_of_month, planned, moved):
    first = day(f"{month}-01")
    assert plan_dates(first, first + 30, day_of_month)[0] == (day(planned), day(moved))


def test_the_day_before_it_is_moved_decides_whether_it_counts():
    # planned Saturday 02-28, moved to Monday 03-02
    assert plan_dates(day("2026-02-28"), day("2026-02-28"), 31) == [(day("2026-02-28"), day("2026-03-02"))]
    assert plan_dates(day("2026-03-01"), day("2026-03-30"), 31) == []
    assert plan_dates(day("2026-03-02"), day("2026-03-01"), 2) == []


@settings(deadline=None, max_examples=80)
@given(st.dates(date(2015, 1, 1), date(2040, 1, 1)), st.integers(0, 800), st.integers(1, 31))
def test_there_is_one_plan_day_a_month_never_moved_back_or_over_a_business_day(first, days, day_of_month):
    found = plan_dates(epoch_day(first), epoch_day(first) + days, day_of_month)
    months = [from_epoch_day(planned).strftime("%Y-%m") for planned, _ in found]
    assert months == sorted(set(months))
    inside = [first + timedelta(days=n) for n in range(days + 1)]
    expected = [d for d in inside if d.day == day_of_month or ((d + timedelta(days=1)).day == 1 and d.day < day_of_month)]
    assert [from_epoch_day(planned) for planned, _ in found] == expected
    for planned, moved in found:
        between = [from_epoch_day(number) for number in range(planned, moved)]
        assert is_business_day(from_epoch_day(moved)) and not any(is_business_day(d) for d in between)
