"""Plan days: the end of a short month, and the next business day, also over New Year and Golden Week."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import day
from tsutsumi.core.calendar import epoch_day, from_epoch_day, is_business_day
from tsutsumi.core.plans import PlanRow, plan_amounts, plan_dates
from tsutsumi.run.reference import MARKET_TABLES, REFERENCE_TABLES, Reference


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


@settings(deadline=None, max_examples=60)
@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 400), st.sets(st.integers(1, 31), min_size=1, max_size=4),
    st.sets(st.integers(1, 12), max_size=3),
)
def test_no_yen_of_a_plan_is_lost_when_its_days_meet_and_the_bonus_comes_once_a_month(first, days, named, months):
    last = first + timedelta(days=days)
    row = PlanRow(0, 1_000, tuple(sorted(named)), frozenset(months), 700)
    found = plan_amounts(row, epoch_day(first), epoch_day(last))
    expected = 0
    for day_of_month in named:
        for planned, _ in plan_dates(epoch_day(first), epoch_day(last), day_of_month):
            expected += 1_000 + 700 * (day_of_month == min(named) and from_epoch_day(planned).month in months)
    assert sum(yen for _, _, yen in found) == expected
    moved = [day for _, day, _ in found]
    assert moved == sorted(set(moved))


def test_the_reference_data_follow_a_plan_of_two_dates_with_a_bonus_into_a_pause_and_back():
    tables = {name: [] for name in (*REFERENCE_TABLES, *MARKET_TABLES)}
    plan = {"sleeve_no": 3, "kind": "instalment", "day_of_month": 26}
    plan |= {"days_of_month": "5;20", "bonus_months": "6", "bonus_yen": 50_000}
    tables["plans"] = [
        {**plan, "valid_from_date": date(2026, 5, 21), "amount_yen": 1_000},
        {**plan, "valid_from_date": date(2026, 6, 20), "amount_yen": 0},
        {"sleeve_no": 3, "kind": "instalment", "valid_from_date": date(2026, 8, 1), "amount_yen": 2_000, "day_of_month": 10},
    ]
    found = Reference(tables, date(2026, 5, 1), date(2026, 6, 30)).instalments
    until = {day_: rows for day_, rows in found.items() if day_ <= day("2026-09-30")}
    assert until == {
        day("2026-06-05"): [(3, 51_000, day("2026-06-05"))],
        day("2026-08-10"): [(3, 2_000, day("2026-08-10"))],
        day("2026-09-10"): [(3, 2_000, day("2026-09-10"))],
    }
