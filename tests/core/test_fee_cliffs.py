"""Where a fee falls as the balance rises: every fall is told, none that is not."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.fee_cliffs import cliffs
from tsutsumi.core.fee_terms import parse_terms
from tsutsumi.core.units import PPM

DAY = date(2026, 10, 1)


def whole(tiers, tiering: str = "whole", rounding: str = "down"):
    rates = [{"from": date(2020, 1, 1), "tiers": tiers}]
    return parse_terms({
        "name": "whole", "rates_of": "day", "period": {"length": "quarter", "align": "calendar", "timing": "arrears"},
        "base": {"measure": "average", "days": "calendar", "cash": "included"}, "year": {"days": 365},
        "rounding": {"to": rounding}, "tax": {"kind": "included"},
        "component": [{"name": "wrap", "kind": "balance", "tiering": tiering, "rates": rates}],
    })


def yearly(tiers, base: int) -> Fraction:
    """The yearly fee of a whole table, read slowly: a base equal to a floor pays the tier below it."""
    rate = [rate for floor, rate in tiers if base > floor or floor == 0][-1]
    return Fraction(base * rate, PPM)


def test_a_marginal_table_has_none_and_a_rising_rate_neither():
    falling = [[0, 11_000], [10_000_000, 9_000]]
    assert cliffs(whole(falling, "marginal"), DAY) == []
    assert cliffs(whole([[0, 9_000], [10_000_000, 11_000]]), DAY) == []
    assert [cliff.fall_yen for cliff in cliffs(whole(falling), DAY)] == [20_000]


def test_a_rate_of_nothing_is_never_as_much_again():
    (cliff,) = cliffs(whole([[0, 11_000], [10_000_000, 0]]), DAY)
    assert cliff.again_yen is None and cliff.fee_after_yen == 0 and cliff.within(10**12)


def test_near_is_a_tenth_below_the_floor_to_as_much_again():
    (cliff,) = cliffs(whole([[0, 11_000], [10_000_000, 9_000]]), DAY)
    assert [cliff.near(base) for base in (8_999_999, 9_000_000, 10_000_000, 12_222_222, 12_222_223)] == [
        False, True, True, True, False]
    assert [cliff.within(base) for base in (10_000_000, 10_000_001, 12_222_222, 12_222_223)] == [False, True, True, False]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 30_000)), min_size=1, max_size=4, unique_by=lambda row: row[0]),
       st.integers(0, 30_000))
def test_every_fall_is_told_and_as_much_again_is_the_least(rows, first):
    tiers = [[0, first], *([floor, rate] for floor, rate in sorted(rows))]
    told = {cliff.before_yen: cliff for cliff in cliffs(whole(tiers), DAY)}
    for floor, _ in tiers[1:]:
        falls = yearly(tiers, floor + 1) < yearly(tiers, floor)
        assert (floor in told) == falls
        if falls and told[floor].again_yen is not None:
            rate = next(rate for at, rate in tiers if at == floor)
            again = told[floor].again_yen
            assert Fraction(again * rate, PPM) >= yearly(tiers, floor) > Fraction((again - 1) * rate, PPM)


@pytest.mark.parametrize(("rounding", "yen"), [("down", 13), ("up", 14), ("half-up", 13)])
def test_yearly_fees_are_rounded_as_the_terms_say(rounding, yen):
    (cliff,) = cliffs(whole([[0, 13_090], [1_001, 1]], rounding=rounding), DAY)
    assert cliff.fee_before_yen == yen
