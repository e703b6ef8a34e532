"""Fee periods: they follow each other without a gap, and a short month shortens one period only."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.fee_periods import day_count, fee_periods
from tsutsumi.core.fee_terms import MONTHS

dates = st.dates(min_value=date(1990, 1, 1), max_value=date(2060, 12, 31))


@given(st.sampled_from(list(MONTHS)), st.sampled_from(["calendar", "contract"]), dates, st.integers(0, 1500))
def test_periods_follow_each_other_and_cover_the_last_day(length, align, start, days):
    last = start + timedelta(days=days)
    periods = list(fee_periods(length, align, start, last))
    assert periods[0].start == start and periods[-1].start <= last <= periods[-1].end
    assert [p.number for p in periods] == list(range(1, len(periods) + 1))
    for before, after in zip(periods, periods[1:], strict=False):
        assert after.start == before.end + timedelta(days=1)
    longest = {1: 31, 3: 92, 6: 184, 12: 366}[MONTHS[length]]
    assert all(1 <= day_count(p.start, p.end) <= longest for p in periods)


@given(st.sampled_from(list(MONTHS)), dates)
def test_a_calendar_period_ends_with_its_month(length, start):
    (period,) = fee_periods(length, "calendar", start, start)
    after = period.end + timedelta(days=1)
    assert after.day == 1 and (after.month - 1) % MONTHS[length] == 0


@pytest.mark.parametrize(
    ("length", "start", "ends"),
    [
        ("month", date(2028, 1, 31), ["2028-02-29", "2028-03-30", "2028-04-30", "2028-05-30"]),
        ("month", date(2026, 1, 1), ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("month", date(2026, 1, 30), ["2026-02-28", "2026-03-29", "2026-04-29"]),
        ("quarter", date(2026, 11, 30), ["2027-02-28", "2027-05-29", "2027-08-29"]),
        ("half-year", date(2026, 8, 31), ["2027-02-28", "2027-08-30"]),
        ("year", date(2024, 2, 29), ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-28", "2029-02-28"]),
    ],
)
def test_a_contract_period_ends_before_the_same_date_or_on_the_last_day_of_a_month_that_lacks_it(length, start, ends):
    periods = fee_periods(length, "contract", start, date.fromisoformat(ends[-1]))
    assert [period.end.isoformat() for period in periods] == ends


def test_no_period_starts_before_the_contract():
    assert list(fee_periods("month", "calendar", date(2026, 5, 2), date(2026, 5, 1))) == []
