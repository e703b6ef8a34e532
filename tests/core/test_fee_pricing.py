"""Slices and pieces: they cut a base without loss, and their sum does not depend on where it is cut."""

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_fee_engine import arrears
from tsutsumi.core.fee_pricing import base_runs, price, price_daily, segments, slices, working

TIERS = ((0, 13090), (30_000_000, 12155), (100_000_000, 9350), (500_000_000, 6545))
bases = st.fractions(min_value=0, max_value=10**9, max_denominator=366)


@given(bases, bases)
def test_slices_cut_the_base_without_loss_or_overlap(one, other):
    low, high = sorted((one, other))
    parts = list(slices(TIERS, "marginal", low, high))
    assert sum(yen for yen, _ in parts) == high - low
    assert all(yen > 0 for yen, _ in parts)


@given(bases, bases)
def test_a_base_priced_in_two_steps_pays_what_it_pays_in_one(one, other):
    low, high = sorted((one, other))
    (run,) = segments(arrears(), arrears().components[0], *[date(2026, 10, 1), date(2026, 12, 31)] * 2)
    run = type(run)(run.first, run.last, TIERS, 10, 365)

    def cost(below: Fraction, above: Fraction) -> Fraction:
        return working("x", price([run], "marginal", below, above), "down").exact

    assert cost(Fraction(0), low) + cost(low, high) == cost(Fraction(0), high)


@given(st.lists(st.integers(0, 10**9), min_size=92, max_size=92))
def test_equal_days_priced_one_by_one_or_together_cost_the_same(days):
    runs = segments(arrears(), arrears().components[0], *[date(2026, 10, 1), date(2026, 12, 31)] * 2)
    together = working("x", price_daily(runs, "marginal", sorted(days), date(2026, 10, 1)), "down")
    assert together.exact == Fraction(sum(days) * 36500, 365 * 10**6)
    assert sum(yen * count for yen, count in base_runs(days)) == sum(days)


def test_a_run_of_days_ends_where_the_table_the_tax_or_the_length_of_the_year_changes():
    rates = [{"from": since, "tiers": [[0, 1]]} for since in (date(2000, 1, 1), date(2019, 11, 1), date(2020, 2, 29))]
    terms = arrears(("tax/kind", "added"), ("year/days", "actual"), ("component/0/rates", rates))
    first, last = date(2019, 9, 1), date(2020, 2, 29)
    runs = segments(terms, terms.components[0], first, last, first, last)
    assert [(str(run.first), run.days, run.tax_percent, run.year_days) for run in runs] == [
        ("2019-09-01", 30, 8, 365),
        ("2019-10-01", 31, 10, 365),
        ("2019-11-01", 61, 10, 365),
        ("2020-01-01", 59, 10, 366),
        ("2020-02-29", 1, 10, 366),
    ]
