"""Payments month by month: phases equal what is written out by hand, whole yen, months that have begun."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.goals.phases import Phase, Timeline, grown_yen, phase_payments, target_then_yen, with_once
from tsutsumi.core.goals.portfolio import GoalError
from tsutsumi.core.units import round_yen

phases = st.builds(
    Phase, st.integers(-10**6, 10**6), st.integers(-24, 40), st.integers(40, 90),
    st.lists(st.integers(1, 12), max_size=3, unique=True).map(tuple), st.integers(-50_000, 100_000), st.integers(-12, 30),
)  # fmt: skip
days = st.dates(date(2024, 1, 1), date(2030, 12, 31))


def written_out(today: date, at_end: bool, phase: Phase, months: int) -> list[int]:
    """Return the payments of a phase, month after month, each sentence a line."""
    paid = []
    for month in range(months):
        year, calendar_month = divmod(today.year * 12 + today.month - 1 + month, 12)
        due = phase.first_month <= month <= phase.last_month
        due = due and (not phase.calendar_months or calendar_month + 1 in phase.calendar_months)
        due = due and not (month == 0 and today.day > 1 and not at_end)
        years = max(0, (month - phase.since_month) // 12)
        amount = Fraction(phase.amount_yen)
        for _ in range(years):
            amount *= Fraction(10**6 + phase.growth_ppm, 10**6)
        paid.append(round_yen(amount, "half-up") if due else 0)
    return paid


@given(days, st.booleans(), st.lists(phases, max_size=3), st.integers(1, 80))
def test_phases_are_what_is_written_out_by_hand(today, at_end, several, months):
    found = phase_payments(Timeline(today, at_end), several, months)
    assert found == [sum(column) for column in zip(*(written_out(today, at_end, one, months) for one in several), strict=True)] or (
        not several and found == [0] * months
    )


def test_the_first_month_is_what_is_left_of_it():
    assert Timeline(date(2026, 10, 1)).first_length == 1.0
    assert Timeline(date(2026, 10, 31)).first_length == pytest.approx(1 / 31)
    assert Timeline(date(2024, 2, 29)).first_length == pytest.approx(1 / 29)


def test_a_goal_of_the_last_day_of_a_month_is_due_when_the_month_is_over():
    timeline = Timeline(date(2026, 10, 15))
    assert timeline.boundary(date(2026, 12, 31)) == 3 == timeline.boundary(date(2027, 1, 1))
    assert timeline.boundary(date(2028, 2, 28)) == 16 and timeline.boundary(date(2028, 2, 29)) == 17


def test_one_offs_fall_into_their_month():
    assert with_once([1, 1], 5, 0) == [6, 1] and with_once([1, 1], 5, 2) == [1, 1]


def test_amounts_grow_exactly_and_are_rounded_once():
    assert grown_yen(100_000, 15_000, 3) == 104_568  # 104,567.8
    assert grown_yen(100_000, 15_000, -2) == 100_000
    assert target_then_yen(1_000_000, -10_000, 18) == 985_050  # 990,000 x 0.995


def test_what_is_no_phase_is_refused():
    with pytest.raises(GoalError, match="before it starts"):
        Phase(1, 5, 4)
    with pytest.raises(GoalError, match="growth"):
        Phase(1, 0, 4, growth_ppm=-1_000_000)
