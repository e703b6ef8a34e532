"""Rules of drawing in whole yen: fractions by hand, the whole of the money over a term, and what is refused."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.drawing_rules import KINDS, DrawingRule, merton_share_of_year, next_payment_yen, next_share, rule_of
from tsutsumi.core.goals.decumulation import merton_rate

values = st.integers(0, 10**13)
lefts = st.integers(1, 480)


def paid_through(rule: DrawingRule, value: int, months: int) -> list[int]:
    """Return the payments of a rule while nothing grows."""
    payments = []
    for month in range(months):
        payments.append(next_payment_yen(rule, value, months - month))
        value -= payments[-1]
    return payments


@given(values, st.integers(1, 10**7))
def test_a_fixed_amount_never_pays_more_than_there_is(value, amount):
    assert next_payment_yen(DrawingRule("fixed-amount", amount_yen=amount), value) == min(amount, value)


@given(values, st.integers(0, 12_000_000))
def test_a_percentage_is_a_twelfth_of_the_year_cut_to_the_yen(value, rate):
    rule = DrawingRule("fixed-percentage", rate_ppm=rate)
    assert next_payment_yen(rule, value) == value * rate // 12_000_000


@given(values, lefts)
def test_a_term_pays_everything_in_level_payments(value, months):
    payments = paid_through(DrawingRule("fixed-term"), value, months)
    assert sum(payments) == value and max(payments) - min(payments) <= 1


@settings(max_examples=50)
@given(values, lefts, st.integers(-100_000, 200_000), st.booleans())
def test_an_annuity_is_the_payment_whose_present_value_is_the_value(value, months, rate, at_end):
    rule = DrawingRule("annuity", rate_ppm=rate, at_end=at_end)
    growth = 1 + Fraction(rate, 12_000_000)
    worth = sum(1 / growth ** (month + at_end) for month in range(months))
    exact = value / worth
    payment = next_payment_yen(rule, value, months)
    assert payment == min(exact.numerator // exact.denominator, value)


@given(values, st.integers(-100_000, 200_000))
def test_the_last_payment_of_an_annuity_pays_everything(value, rate):
    assert next_payment_yen(DrawingRule("annuity", rate_ppm=rate), value, 1) == value


def test_an_annuity_at_its_own_return_is_level():
    value, growth, payments = Fraction(10**12), Fraction(1_003, 1_000), []
    for left in range(240, 0, -1):
        payment = value * next_share(DrawingRule("annuity", rate_ppm=36_000), left)
        payments.append(payment)
        value = (value - payment) * growth
    assert len(set(payments)) == 1 and value == 0


@given(values, st.integers(1, 10**7), st.integers(10_000, 100_000), st.integers(0, 300_000), st.integers(0, 300_000))
def test_the_guardrails_hold_the_rate_within_a_step_of_the_band(value, last, rate, band, step):
    rule = DrawingRule("guardrails", rate_ppm=rate, band_ppm=band, step_ppm=step)
    payment = next_payment_yen(rule, value, last_yen=last, review=True)
    yearly = Fraction(12 * last * 10**6)
    if yearly > value * Fraction(rate * (10**6 + band), 10**6):
        assert payment == min(last * (10**6 - step) // 10**6, value)
    elif yearly < value * Fraction(rate * (10**6 - band), 10**6):
        assert payment == min(last * (10**6 + step) // 10**6, value)
    else:
        assert payment == min(last, value)
    assert next_payment_yen(rule, value, last_yen=last) == min(last, value)
    assert next_payment_yen(rule, value) == value * rate // 12_000_000


def test_the_guardrails_rise_with_prices_before_the_band_is_looked_at():
    rule = DrawingRule("guardrails", rate_ppm=40_000, rise_ppm=20_000)
    assert next_payment_yen(rule, 12_000_000, last_yen=40_000, review=True) == 40_800
    assert next_payment_yen(rule, 10_150_000, last_yen=40_000, review=True) == 36_720  # 489,600 > 4.8 % of 10,150,000


@given(st.sampled_from(KINDS), st.integers(0, 10**9), lefts, st.integers(1, 10**6))
def test_no_rule_pays_more_than_there_is_or_less_than_nothing(kind, value, months, last):
    merton = {"risk_ppm": 150_000, "impatience_ppm": 15_000_000, "aversion_ppm": 1_000_000} if kind == "merton" else {}
    rule = DrawingRule(kind, amount_yen=last, rate_ppm=12_000_000, **merton)
    for review in (False, True):
        assert 0 <= next_payment_yen(rule, value, months, last, review) <= value


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"kind": "bucket"}, "unknown"), ({"amount_yen": 0}, "above 0"), ({"amount_yen": -1}, "above 0"),
        ({"amount_yen": 1.5}, "whole number"), ({"kind": "annuity", "rate_ppm": -500_001}, "outside"),
        ({"kind": "fixed-percentage", "rate_ppm": -1}, "outside"), ({"kind": "fixed-percentage", "rate_ppm": True}, "whole number"),
        ({"kind": "guardrails", "band_ppm": 1_000_000}, "band"), ({"kind": "guardrails", "step_ppm": -1}, "band"),
        ({"kind": "merton", "aversion_ppm": 1_000_000}, "above 0"), ({"kind": "merton", "risk_ppm": 100_000}, "above 0"),
        ({"kind": "merton", "risk_ppm": 100_000, "aversion_ppm": 1_000_000}, "pay nothing"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_rule_is_refused(changed, why):
    with pytest.raises(ValueError, match=why):
        DrawingRule(**({"kind": "fixed-amount", "amount_yen": 1} | changed))


@pytest.mark.parametrize("value", [-1, 1.0, "1", True])
def test_a_value_is_whole_yen(value):
    with pytest.raises(ValueError, match="whole yen"):
        next_payment_yen(DrawingRule("fixed-amount", amount_yen=1), value)


@pytest.mark.parametrize("months", [None, 0, -1, 1_201, 1.0])
@pytest.mark.parametrize("kind", ["fixed-term", "annuity"])
def test_a_term_has_payments_left(kind, months):
    with pytest.raises(ValueError, match="months_left"):
        next_payment_yen(DrawingRule(kind), 100, months)


@given(st.integers(-50_000, 150_000), st.integers(10_000, 400_000), st.integers(0, 30_000), st.integers(1, 80_000),
       st.integers(1, 10**7))
def test_mertons_share_is_the_rate_of_the_outlook(drift, risk, safe, impatience, aversion):
    settings = {"drift_ppm": drift, "risk_ppm": risk, "safe_ppm": safe, "impatience_ppm": impatience, "aversion_ppm": aversion}
    rate = merton_rate(*(value / 10**6 for value in settings.values()))
    if rate <= 1e-9:
        return
    rule = DrawingRule("merton", **settings)
    assert math.isclose(merton_share_of_year(rule), rate, rel_tol=1e-6, abs_tol=1e-9)
    exact = 10**9 * min(merton_share_of_year(rule) / 12, 1)
    assert next_payment_yen(rule, 10**9) == exact.numerator // exact.denominator


def test_a_row_of_drawing_terms_is_a_rule_or_a_pause():
    assert rule_of({"rule_kind": "fixed-amount", "amount_yen": 0}) is None
    late = rule_of({"rule_kind": "annuity", "rate_ppm": 36_000, "timing": "end"})
    assert late == DrawingRule("annuity", rate_ppm=36_000, at_end=True)
