"""Bases in the daily flow: which day adds what, and periods that end between two closes."""

import pytest

from tests.core.build import books, day, rules, sleeve
from tsutsumi.core.accrual import accrue, contract_rows, daily_base, period_end, set_period_ends, terms_in_use


def worth(number, value, base=0, cash=0, **said):
    return sleeve(number, value_yen=value, cash_yen=cash, positions_yen=value - cash, base_sum_yen=base, **said)


def test_a_period_ends_with_its_month_or_on_the_day_of_the_contract():
    opened = day("2026-11-17")
    assert period_end("month", "calendar", opened, day("2026-12-01")) == day("2026-12-31")
    assert period_end("month", "calendar", opened, opened) == day("2026-11-30")
    assert period_end("month", "contract", opened, opened) == day("2026-12-16")
    assert period_end("quarter", "calendar", opened, opened) == day("2026-12-31")
    assert period_end("year", "contract", opened, opened) == day("2027-11-16")


def test_a_contract_without_a_period_end_gets_that_of_its_terms():
    of = books("2026-12-02", sleeve(1), sleeve(4))
    of.contracts["period_end_date"][:] = [0, day("2027-01-15")]
    set_period_ends(of, rules("2026-12-02"))
    assert of.contracts["period_end_date"].tolist() == [day("2026-12-31"), day("2027-01-15")]


def test_the_base_is_the_value_with_or_without_cash_and_never_below_zero():
    of = books("2026-12-02", worth(1, 1_000, cash=300), worth(4, -2), worth(5, 50, cash=80))
    assert daily_base(of, rules("2026-12-02")).tolist() == [1_000, 0, 50]
    assert daily_base(of, rules("2026-12-02", cash="excluded")).tolist() == [700, 0, 0]
    assert daily_base(books("2026-12-02"), rules("2026-12-02")).tolist() == []


def accrued(of, before, rule):
    return accrue(of, before, rule, terms_in_use(of, rule), contract_rows(of), daily_base(before, rule), daily_base(of, rule))


def sums(today, before_day, end, base=0, before_value=1_000, value=2_000):
    """(sum of the ending period, sum of the running one, whether one ends)."""
    of, before = books(today, worth(1, value, base)), books(before_day, worth(1, before_value))
    of.contracts["period_end_date"][:] = day(end)
    told = accrued(of, before, rules(today))
    return tuple(column[0] for column in told)


@pytest.mark.parametrize(("today", "before", "end", "expected"), [
    ("2026-12-02", "2026-12-01", "2026-12-31", (0, 7 + 2_000, False)),
    ("2026-12-07", "2026-12-04", "2026-12-31", (0, 7 + 2 * 1_000 + 2_000, False)),  # Saturday and Sunday repeat Friday
    ("2026-12-07", "2026-12-04", "2026-12-07", (7 + 2 * 1_000 + 2_000, 0, True)),  # the last day is today's close
    ("2026-12-07", "2026-12-04", "2026-12-06", (7 + 2 * 1_000, 2_000, True)),
    ("2026-12-07", "2026-12-04", "2026-12-05", (7 + 1_000, 1_000 + 2_000, True)),
    ("2027-01-04", "2026-12-30", "2026-12-31", (7 + 1_000, 3 * 1_000 + 2_000, True)),  # New Year
])
def test_every_calendar_day_adds_the_base_of_its_close_or_of_the_last(today, before, end, expected):
    assert sums(today, before, end, base=7) == expected


def test_a_sleeve_of_today_adds_only_today():
    of, before = books("2026-12-07", worth(1, 500), worth(2, 30)), books("2026-12-04", worth(1, 400))
    ending, running, ends = accrued(of, before, rules("2026-12-07"))
    assert running.tolist() == [2 * 400 + 500, 30] and ending.tolist() == [0, 0] and not ends.any()
