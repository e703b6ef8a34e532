"""Later values of a record of advice: where each comes from, by hand; and a side that is not known is told as promised only."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_household_promise import RECORD, later
from tsutsumi.core.household import HouseholdError
from tsutsumi.core.household_later import as_later, given_values, later_values
from tsutsumi.core.household_promise import LaterValues, promised_against_realised

HEAD = "side,place,value_yen\n"
BEFORE = {("before", place): yen for place, yen in ((1, 9_000_000), (2, 20_500_000), (3, 10_400_000), (4, 20_900_000))}


def test_the_article_with_a_growth_of_five_per_cent():
    """After: 20 + 20 million at risk grow to 42, 60 million stay. Before: 60.8 million as given, 40 million of deposits stay."""
    values = later_values(RECORD, Fraction(21, 20), BEFORE)
    assert [(one.later_yen, one.known_kind) for one in values if one.side == "after"] == [
        (21_000_000, "managed"), (21_000_000, "managed"), (20_000_000, "unchanged"), (30_000_000, "unchanged"),
        (10_000_000, "unchanged"),
    ]
    assert [one.known_kind for one in values if one.side == "before"] == ["given"] * 4 + ["unchanged"] * 2
    told = promised_against_realised(RECORD, as_later(365, values))
    assert (told["before"]["realised_yen"], told["after"]["realised_yen"]) == (800_000, 2_000_000)
    assert (told["promised_difference_yen"], told["realised_difference_yen"]) == (260_000, 1_200_000)


def test_what_is_not_known_is_not_compared():
    told = promised_against_realised(RECORD, as_later(365, later_values(RECORD, Fraction(21, 20), {})))
    assert told["before"] == {
        "promised_pct": "1.66", "promised_yen": 1_660_000, "realised_pct": None, "realised_yen": None,
        "within_two_risks": None, "within_two_precise_risks": None,
    }
    assert told["after"]["realised_yen"] == 2_000_000 and told["realised_difference_yen"] is None
    assert told["promised_difference_yen"] == 260_000
    nothing = promised_against_realised(RECORD, as_later(1, later_values(RECORD, None, {})))
    assert nothing["after"]["realised_yen"] is None
    assert promised_against_realised(RECORD, LaterValues(365, None, later().after_yen))["after"]["realised_yen"] == 0


def test_without_risk_before_nothing_needs_to_be_given():
    held = {"before": {"holdings": [row for row in RECORD["before"]["holdings"] if row["risk_pct"] == "0"]}}
    values = later_values(held | {"after": RECORD["after"]}, Fraction(1), {})
    assert as_later(10, values).before_yen == [30_000_000, 10_000_000]


@given(st.integers(0, 10**15), st.integers(0, 10**13), st.integers(1, 10**13))
def test_a_managed_value_is_cut_to_whole_yen(yen, index, start):
    side = {"holdings": [{"name": "x", "class": "world-equity", "value_yen": yen, "risk_pct": "20"}]}
    (one,) = (one for one in later_values({"before": side, "after": side}, Fraction(index, start), {}) if one.side == "after")
    assert one.later_yen <= Fraction(yen * index, start) < one.later_yen + 1 or yen == one.later_yen == 0


def test_given_values_are_read_and_win():
    found = given_values(f"{HEAD}after, 1 ,5\nbefore,6,0\n")
    assert found == {("after", 1): 5, ("before", 6): 0}
    values = later_values(RECORD, Fraction(2), found)
    assert [(one.later_yen, one.known_kind) for one in values if (one.side, one.place) in found] == [(0, "given"), (5, "given")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the first line must be"),
        ("side,place\n", "the first line must be"),
        (f"{HEAD}during,1,5\n", "line 2: side 'during' is unknown"),
        (f"{HEAD}before,0x1,5\n", "place '0x1' is no number"),
        (f"{HEAD}before,,5\n", "place '' is no number"),
        (f"{HEAD}before,1234567,5\n", "is no number"),
        (f"{HEAD}before,1,5.5\n", "'5.5' is no whole yen"),
        (f"{HEAD}before,1,\n", "is no whole yen"),
        (f"{HEAD}before,1,-5\n", "-5 yen is negative"),
        (f"{HEAD}before,1\n", "another number of cells"),
        (f"{HEAD}before,1,5,6\n", "another number of cells"),
        (f"{HEAD}before,1,5\nbefore,01,6\n", "line 3: before 1 stands twice"),
        (f'{HEAD}before,1,"5\n', "no CSV"),
    ],
)
def test_values_that_cannot_be_read_are_refused(text, says):
    with pytest.raises(HouseholdError, match=says):
        given_values(text)


@pytest.mark.parametrize("key", [("before", 7), ("after", 6), ("after", 0)])
def test_a_value_of_no_holding_is_refused(key):
    with pytest.raises(HouseholdError, match=f"{key[0]} {key[1]}: the proposal has"):
        later_values(RECORD, None, {key: 1})
