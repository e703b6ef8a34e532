"""The arithmetic that a page shows: each figure of the article with its numbers in."""

from fractions import Fraction
from importlib.resources import files

from hypothesis import given

from tests.core.test_household import TABLES, households, preferences
from tsutsumi.core.household_advice import advise
from tsutsumi.core.household_file import Household, parse_household
from tsutsumi.core.household_lines import (
    aversion_formula,
    bare,
    fee_formula,
    gain_formulas,
    precise_formulas,
    rough_formulas,
)
from tsutsumi.core.household_tables import statute_tables

TEXT = (files("tsutsumi") / "examples" / "advice" / "retired-employee.toml").read_text("utf-8")
ADVICE = advise(*parse_household(TEXT, statute_tables()))


def test_every_figure_of_the_article_has_its_formula_with_numbers_in():
    before, after = (rough_formulas(side, ADVICE.tables, ADVICE.aversion) for side in (ADVICE.before, ADVICE.after))
    assert aversion_formula(ADVICE).text() == "5 ÷ (2 × 0.5 × 20²) = 0.0125"
    assert [formula.text() for formula in before] == [
        "10% × (5 − 0) + 20% × (0 − 1) + 10% × (5 − 1) + 20% × (5 − 0.2) = 1.66 %",
        "10% × 35 + 20% × 10 + 10% × 20 + 20% × 20 = 11.5 %",
        "1.66 − 2 × 11.5 = -21.34 %",
        "1.66 − 0.0125 × 11.5² = 0.006875 %",
    ]
    assert [formula.text() for formula in after][2:] == ["1.92 − 2 × 8 = -14.08 %", "1.92 − 0.0125 × 8² = 1.12 %"]
    assert [formula.text() for formula in precise_formulas(ADVICE.after, ADVICE.tables, ADVICE.aversion)] == [
        "4² + 4² + 2 × 0.643 × 4 × 4 = 52.576",
        "√52.576 ≈ 7.250931 %",
        "1.92 − 0.0125 × 52.576 = 1.2628 %",
    ]
    assert [formula.text() for formula in gain_formulas(ADVICE)] == [
        "1.12 − 0.006875 = 1.113125 %",
        "100,000,000 × 1.113125 % = 1,113,125 円",
        "1.2628 − 0.711675 = 0.551125 %",
        "100,000,000 × 0.551125 % = 551,125 円",
    ]
    assert fee_formula(ADVICE).text() == "1,113,125 × 20 % = 222,625 円"


def test_a_negative_figure_stands_in_brackets():
    assert bare(Fraction(-1, 80)) == "(-0.0125)"
    worse = advise(*parse_household(TEXT.replace("[[before]]", "[[was]]").replace("[[after]]", "[[before]]")
                                    .replace("[[was]]", "[[after]]"), statute_tables()))
    assert fee_formula(worse).text() == "0 = 0 円"
    assert gain_formulas(worse)[1].text() == "100,000,000 × (-1.113125) % = -1,113,125 円"


@given(households, preferences)
def test_the_terms_of_the_precise_formula_are_the_variance(held, said):
    """Terms of squares, pairs and own risk: as exposures exact, not as shown, they sum to what is shown as their sum."""
    advice = advise(Household("", said, held, held), TABLES)
    variance, risk, utility = precise_formulas(advice.before, TABLES, advice.aversion)
    assert variance.result == advice.before.precise.variance
    assert risk.result == advice.before.precise.risk_pct and utility.result == advice.before.precise.utility
    held_markets = sum(1 for term in variance.terms if term.endswith("²"))
    assert sum(1 for term in variance.terms if term.startswith("2 ×")) == held_markets * (held_markets - 1) // 2
