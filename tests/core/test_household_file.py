"""A household's file: numbers read exactly however they are written, and every mistake refused in one line that says where."""

from fractions import Fraction
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.household import HouseholdError
from tsutsumi.core.household_file import decode, parse_household
from tsutsumi.core.household_numbers import number, shown, text_line, yen
from tsutsumi.core.household_tables import statute_tables

TABLES = statute_tables()
EXAMPLE = (files("tsutsumi") / "examples" / "advice" / "retired-employee.toml").read_text("utf-8")
HELD = '[[before]]\nname = "x"\nclass = "deposit"\nvalue_yen = 100\ncost_pct = "0"\n'
SAID = '[preference]\nreturn_pct = "5"\nrisk_pct = "20"\nshare_pct = "50"\n'
SMALL = SAID + HELD


def read(text: str):
    """Return the household and the tables of a TOML text."""
    return parse_household(text, TABLES)


def refusal(text: str) -> str:
    """Return the one line that refuses a TOML text."""
    with pytest.raises(HouseholdError) as told:
        read(text)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_the_example_is_the_article():
    household, _ = read(EXAMPLE)
    assert [row.value_yen for row in household.before] == [10**7, 2 * 10**7, 10**7, 2 * 10**7, 3 * 10**7, 10**7]
    assert sum(row.value_yen for row in household.after) == 10**8
    assert household.preference.share_pct == 50


@pytest.mark.parametrize("written", ['"0.2"', "0.2", '" 0.20 "', "2e-1", '"+0.2"', "0.20"])
def test_a_percentage_is_read_exactly_however_it_is_written(written):
    assert read(SMALL.replace('cost_pct = "0"', f"cost_pct = {written}"))[0].before[0].cost_pct == Fraction(1, 5)


@pytest.mark.parametrize("written", ["5", '"5"', "5.0"])
def test_a_whole_percentage_may_be_a_number_or_a_text(written):
    assert read(SMALL.replace('return_pct = "5"', f"return_pct = {written}"))[0].preference.return_pct == 5


def test_without_after_the_advice_is_to_be_proposed_and_a_name_may_be_left_out():
    household, tables = read(SMALL)
    assert (household.after, household.name) == (None, "") and tables == TABLES


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("value_yen = 100", "value_yen = -1", "before 1: value_yen: -1 yen is negative"),
        ("value_yen = 100", 'value_yen = "100"', "no whole yen"),
        ("value_yen = 100", "value_yen = 1e2", "no whole yen"),
        ("value_yen = 100", "value_yen = true", "no whole yen"),
        ("value_yen = 100", "value_yen = 0", "worth 0 yen together"),
        ("value_yen = 100", f"value_yen = {10**18 + 1}", "above 1,000,000,000,000,000,000"),
        ("value_yen = 100", f"value_yen = 0x{'f' * 9000}", "above"),
        ("value_yen = 100", f"value_yen = {'9' * 5000}", "no TOML"),
        ("value_yen = 100", "", "before 1: value_yen is missing"),
        ('"deposit"', '"gold"', "before 1: class: 'gold' is unknown: known are"),
        ('"deposit"', "7", "class: a name is missing"),
        ('name = "x"', 'name = ""', "before 1: name: a name is missing"),
        ('name = "x"', 'name = "a\\nb"', "more than one line"),
        ('name = "x"', f'name = "{"x" * 201}"', "too long"),
        ('name = "x"', 'name = "x"\ncolour = "red"', "before 1: colour: this key is unknown"),
        ('name = "x"', 'name = "x"\n"a\\nb" = 1', "this key is unknown"),
        ('cost_pct = "0"', 'cost_pct = "-0.1"', "before 1: cost_pct: -0.1 is out of range"),
        ('cost_pct = "0"', 'cost_pct = "100.01"', "out of range"),
        ('cost_pct = "0"', 'cost_pct = "1%"', "no number"),
        ('cost_pct = "0"', 'cost_pct = "１"', "no number"),
        ('cost_pct = "0"', 'cost_pct = "1/3"', "no number"),
        ('cost_pct = "0"', "cost_pct = nan", "no number"),
        ('cost_pct = "0"', "cost_pct = inf", "no number"),
        ('cost_pct = "0"', "cost_pct = 1e999999999", "no number"),
        ('cost_pct = "0"', f"cost_pct = 0.{'1' * 40}", "no number"),
        ('cost_pct = "0"', f"cost_pct = 0x{'f' * 9000}", "no number"),
        ('cost_pct = "0"', "cost_pct = false", "no number"),
        ('cost_pct = "0"', "cost_pct = [1]", "no number"),
        ('share_pct = "50"', 'share_pct = "0"', "[preference] share_pct: 0 is out of range"),
        ('share_pct = "50"', 'share_pct = "101"', "out of range"),
        ('share_pct = "50"', "", "[preference] share_pct is missing"),
        ('return_pct = "5"', 'return_pct = "-5"', "out of range"),
        ('risk_pct = "20"', "risk_pct = 0", "out of range"),
        (SAID, "", "[preference] is missing"),
        (SAID, "preference = 5\n", "write [preference] with one bracket"),
        (HELD, "", "before: there is no holding"),
        (SMALL, f"before = []\n{SAID}", "before: there is no holding"),
        (SMALL, f"before = 5\n{SAID}", "write [[before]] with two brackets"),
        ("[[before]]", "[before]", "write [[before]] with two brackets"),
        (SMALL, f"{SMALL}[[after]]\nname='y'\nclass='deposit'\nvalue_yen=99\ncost_pct=0\n", "the sum is 99 yen, before it is 100"),
        (SMALL, f"after = []\n{SMALL}", "after: there is no holding"),
        (SMALL, f"colour = 1\n{SMALL}", "colour: this key is unknown"),
        (SMALL, f"name = 7\n{SMALL}", "name: a name is missing"),
        (SMALL, f"a = {'[' * 3000}{']' * 3000}\n{SMALL}", "nested too deeply"),
        ("[preference]", "[preference", "this is no TOML"),
        (HELD, HELD.replace('name = "x"', 'name = "x"\nname = "y"'), "this is no TOML"),
    ],
    ids=lambda value: value[:24],
)
def test_a_mistake_is_refused_in_one_line_that_says_where(old, new, says):
    assert old in SMALL
    assert says in refusal(SMALL.replace(old, new, 1))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("[[assumptions]]\nclass = 'deposit'\nreturn_pct = 1", "assumptions 1: risk_pct is missing"),
        ("[[assumptions]]\nclass = 'deposit'\nreturn_pct = 1\nrisk_pct = -1", "out of range"),
        ("[[assumptions]]\nclass = 'a'\nreturn_pct = 1\nrisk_pct = 1\nlike = 'b'", "like: 'b' is unknown"),
        ("[[assumptions]]\nclass = 'a'\nreturn_pct = 1\nrisk_pct = 1\n" * 2, "a stands twice"),
        ("[[assumptions]]\nclass = 'a'\nreturn_pct = 1\nrisk_pct = 1\nvol = 3", "vol: this key is unknown"),
        ("[[correlations]]\nclass = 'deposit'\nother_class = 'domestic-bond'\ncorrelation = 0", "none of the four markets"),
        ("[[correlations]]\nclass = 'domestic-bond'\nother_class = 'domestic-bond'\ncorrelation = 1", "on both sides"),
        ("[[correlations]]\nclass = 'domestic-bond'\nother_class = 'foreign-bond'\ncorrelation = 2", "out of range"),
        (
            "[[correlations]]\nclass = 'domestic-bond'\nother_class = 'foreign-bond'\ncorrelation = 0\n"
            "[[correlations]]\nclass = 'foreign-bond'\nother_class = 'domestic-bond'\ncorrelation = 0",
            "domestic-bond and foreign-bond stands twice",
        ),
    ],
)
def test_a_mistake_in_the_own_rows_is_refused(rows, says):
    assert says in refusal(f"{SMALL}{rows}\n")


def test_own_rows_replace_the_default_ones_and_add_classes():
    text = SMALL.replace('"deposit"', '"my-firm"') + (
        "[[assumptions]]\nclass = 'my-firm'\nreturn_pct = 6\nrisk_pct = 40\nlike = 'single-stock'\nsource = 'the customer'\n"
        "[[assumptions]]\nclass = 'domestic-equity'\nreturn_pct = '-1.5'\nrisk_pct = 18\n"
        "[[assumptions]]\nclass = 'savings-plan'\nreturn_pct = 1\nrisk_pct = 3\nlike = 'deposit'\n"
        "[[correlations]]\nclass = 'foreign-equity'\nother_class = 'domestic-equity'\ncorrelation = '0.8'\n"
    )
    household, tables = read(text)
    assert household.before[0].class_name == "my-firm"
    firm, equity = tables.assumptions["my-firm"], tables.assumptions["domestic-equity"]
    assert (firm.risk_pct, firm.source, firm.valid_from_date) == (40, "the customer", None)
    assert (equity.return_pct, equity.ja) == (Fraction(-3, 2), "国内株式")
    assert tables.movements["my-firm"].markets == TABLES.movements["single-stock"].markets
    assert (tables.movements["savings-plan"].markets, tables.movements["savings-plan"].own) == ((), True)
    assert tables.correlations["domestic-equity", "foreign-equity"].correlation == Fraction(4, 5)
    assert TABLES.assumptions["domestic-equity"].return_pct == 5, "the default rows stay as they are"


def test_own_rows_may_be_a_table_for_each_class():
    listed = read(f"{SMALL}[[assumptions]]\nclass = 'deposit'\nreturn_pct = 1\nrisk_pct = 0\n")
    assert read(f"{SMALL}[assumptions.deposit]\nreturn_pct = 1\nrisk_pct = 0\n") == listed
    for wrong in ("[assumptions]\nclass = 'deposit'\n", "[assumptions.deposit]\nclass = 'deposit'\n"):
        assert "write [[assumptions]] with two brackets" in refusal(SMALL + wrong)


def test_a_file_is_utf_8_with_or_without_a_mark():
    assert decode("名前".encode("utf-8-sig")) == decode("名前".encode()) == "名前"
    for encoding in ("cp932", "utf-16"):
        with pytest.raises(HouseholdError, match="no UTF-8: byte"):
            decode("名前".encode(encoding))


@given(st.decimals(min_value=-100, max_value=1000, places=6))
def test_a_number_says_what_was_written(written):
    assert number(f"{written:f}", "x", -100, 1000) == number(written, "x", -100, 1000) == Fraction(written)


def test_yen_and_names_have_their_ends():
    assert yen(10**18, "x") == 10**18 and yen(0, "x") == 0 and text_line(" あ ", "x") == "あ"


@pytest.mark.parametrize(
    ("figure", "text"),
    [(Fraction(0), "0"), (Fraction(-1, 3), "≈-0.333333"), (Fraction(10**7, 3), "≈3,333,333.333333"), (Fraction(-5, 2), "-2.5"),
     (Fraction(1, 10**7), "≈0"), (Fraction(-1, 10**7), "≈0"), (Fraction(10**9), "1,000,000,000")],
)
def test_a_page_marks_what_is_rounded(figure, text):
    assert shown(figure) == text
