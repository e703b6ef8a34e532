"""What advice is worth, roughly: the article's figures, λ as the share that is best, cuts toward zero, parts that add up."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.household import (
    Holding,
    Preference,
    decimal_text,
    fee_yen,
    risk_aversion,
    rough_figures,
    shared_yen,
    total_yen,
    weights,
    whole_yen,
)
from tsutsumi.core.household_tables import statute_tables

TABLES = statute_tables()
CLASSES = sorted(TABLES.assumptions)
percents = st.decimals(min_value=0, max_value=5, places=2).map(Fraction)
rows = st.builds(Holding, st.just("x"), st.sampled_from(CLASSES), st.integers(0, 10**15), percents)
households = st.lists(rows, min_size=1, max_size=8).map(tuple).filter(lambda held: total_yen(held) > 0)
preferences = st.builds(
    Preference,
    st.decimals(min_value="0.1", max_value=10, places=1).map(Fraction),
    st.decimals(min_value=1, max_value=40, places=1).map(Fraction),
    st.decimals(min_value=1, max_value=100, places=1).map(Fraction),
)
signed = st.fractions(min_value=-100, max_value=100, max_denominator=10**6)


@given(preferences)
def test_the_share_that_the_customer_named_is_the_best_one(said):
    """U(x) = R·x − λ·σ²·x² falls on both sides of x = s."""
    aversion, share = risk_aversion(said), said.share_pct * Fraction(1, 100)

    def utility(x: Fraction) -> Fraction:
        return said.return_pct * x - aversion * (said.risk_pct * x) ** 2

    for away in (Fraction(1, 1000), Fraction(1, 7)):
        assert utility(share) > utility(share + away) and utility(share) > utility(share - away)


@given(households)
def test_weights_sum_to_one_and_a_row_of_zero_yen_changes_nothing(held):
    assert sum(weights(held)) == 1
    nothing = Holding("nothing", "single-stock", 0, Fraction(3))
    assert rough_figures((*held, nothing), TABLES, Fraction(1)) == rough_figures(held, TABLES, Fraction(1))


@given(households, preferences, st.integers(2, 1000))
def test_the_figures_do_not_depend_on_the_size_of_the_household(held, said, times):
    larger = tuple(Holding(h.name, h.class_name, h.value_yen * times, h.cost_pct) for h in held)
    aversion = risk_aversion(said)
    assert rough_figures(larger, TABLES, aversion) == rough_figures(held, TABLES, aversion)


@given(households, preferences)
def test_two_holdings_of_one_class_and_cost_are_worth_the_same_as_one(held, said):
    first = held[0]
    half = first.value_yen // 2
    split = (Holding("a", first.class_name, half, first.cost_pct),
             Holding("b", first.class_name, first.value_yen - half, first.cost_pct), *held[1:])
    aversion = risk_aversion(said)
    assert rough_figures(split, TABLES, aversion) == rough_figures(held, TABLES, aversion)


@given(st.integers(1, 10**15), st.lists(signed, max_size=12))
def test_the_parts_add_up_to_the_cut_total_and_none_is_a_yen_away(total, parts):
    shares = shared_yen(total, parts)
    assert sum(shares) == whole_yen(total, sum(parts, Fraction(0)))
    assert all(abs(own - total * part * Fraction(1, 100)) < 2 for own, part in zip(shares, parts, strict=True))
    if all(part >= 0 for part in parts):
        assert all(abs(own - total * part * Fraction(1, 100)) < 1 for own, part in zip(shares, parts, strict=True))


@given(st.integers(1, 10**15), signed)
def test_yen_are_cut_toward_zero_and_a_loss_bears_no_fee(total, gain):
    exact = total * gain * Fraction(1, 100)
    cut = whole_yen(total, gain)
    assert abs(cut) <= abs(exact) < abs(cut) + 1 and whole_yen(total, -gain) == -cut
    fee = fee_yen(total, gain, Fraction(20))
    assert fee == 0 if gain <= 0 else fee <= exact * Fraction(1, 5) < fee + 1


def test_the_fee_is_a_share_of_the_exact_gain_not_of_the_cut_one():
    assert fee_yen(1199, Fraction(1, 2), Fraction(17)) == 1  # 5.995 yen x 17 % = 1.019; 5 yen x 17 % would be 0.85
    assert fee_yen(100, Fraction(1), Fraction(0)) == 0 and fee_yen(100, Fraction(1), Fraction(100)) == 1


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(8), "8"),
        (Fraction(-2134, 100), "-21.34"),
        (Fraction(1, 2**20), "0.00000095367431640625"),
        (Fraction(-1, 80), "-0.0125"),
        (Fraction(10, 3), "3.333333333333"),
        (Fraction(2, 3), "0.666666666667"),
        (Fraction(-2, 3), "-0.666666666667"),
        (Fraction(10**15) + Fraction(1, 3), "1000000000000000.333333333333"),
        (Fraction(1, 3 * 10**13), "0.000000000000"),
        (Fraction(9, 10) / 9 + Fraction(1, 3 * 10**13), "0.100000000000"),
    ],
)
def test_decimals_are_exact_where_they_end_and_have_twelve_places_else(number, text):
    assert decimal_text(number) == text


@given(st.fractions(max_denominator=10**9))
def test_decimals_say_the_number_again(number):
    told = Fraction(decimal_text(number))
    ends = 10**40 % number.denominator == 0
    assert told == number if ends else abs(told - number) <= Fraction(1, 2 * 10**12)
