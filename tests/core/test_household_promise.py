"""The record of advice, complete enough to be kept, and what came of it later."""

import json
from fractions import Fraction
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_household import TABLES, households, preferences
from tsutsumi.core.household import HouseholdError, decimal_text
from tsutsumi.core.household_advice import advise
from tsutsumi.core.household_file import Household, parse_household
from tsutsumi.core.household_promise import LaterValues, promised_against_realised
from tsutsumi.core.household_record import as_record
from tsutsumi.core.household_tables import statute_tables

TEXT = (files("tsutsumi") / "examples" / "advice" / "retired-employee.toml").read_text("utf-8")
ADVICE = advise(*parse_household(TEXT, statute_tables()))
PROPOSED = advise(*parse_household(TEXT.split("# Leave out")[0], statute_tables()))
RECORD = json.loads(json.dumps(as_record(ADVICE)))
MILLION = 10**6


def later(days: int = 365, before: int = 100 * MILLION, after: int = 100 * MILLION) -> LaterValues:
    """Return later values whose sums are given, all in the first holding."""
    return LaterValues(days, [before, 0, 0, 0, 0, 0], [after, 0, 0, 0, 0])


def test_the_record_holds_every_row_that_was_used_with_its_day_and_source():
    classes = [row["class"] for row in RECORD["assumptions"]]
    assert classes == ["single-stock", "foreign-bond", "domestic-equity", "foreign-equity", "deposit", "government-bond-retail"]
    for name in ("assumptions", "movements", "correlations"):
        assert all(row["source"] and row["valid_from_date"] >= "2020-01-01" and "verified" in row for row in RECORD[name])
    assert len(RECORD["correlations"]) == 6 and RECORD["products"] == []
    assert [row["class"] for row in as_record(PROPOSED)["products"]] == ["domestic-equity", "government-bond-retail"]
    assert as_record(PROPOSED)["is_proposal"] and not RECORD["is_proposal"]


@given(households, preferences)
def test_the_figures_can_be_computed_again_from_the_record_alone(held, said):
    record = as_record(advise(Household("", said, held, None), TABLES))
    table = {row["class"]: row for row in record["assumptions"]}
    said_again = {key: Fraction(text) for key, text in record["preference"].items()}
    aversion = said_again["return_pct"] / (2 * said_again["share_pct"] / 100 * said_again["risk_pct"] ** 2)
    assert decimal_text(aversion) == record["lambda"]
    utilities = []
    for side in (record["before"], record["after"]):
        total = sum(row["value_yen"] for row in side["holdings"])
        gained = risk = Fraction(0)
        for row in side["holdings"]:
            gained += Fraction(row["value_yen"], total) * (Fraction(table[row["class"]]["return_pct"]) - Fraction(row["cost_pct"]))
            risk += Fraction(row["value_yen"], total) * Fraction(table[row["class"]]["risk_pct"])
        assert (decimal_text(gained), decimal_text(risk)) == (side["return_pct"], side["risk_pct"])
        utilities.append(gained - aversion * risk**2)
    assert decimal_text(utilities[1] - utilities[0]) == record["gain_pct"]


def test_a_year_that_came_as_promised():
    told = promised_against_realised(RECORD, later(before=101_660_000, after=101_920_000))
    assert told["before"] == {
        "promised_pct": "1.66", "promised_yen": 1_660_000, "realised_pct": "1.66", "realised_yen": 1_660_000,
        "within_two_risks": True, "within_two_precise_risks": True,
    }
    assert told["promised_difference_yen"] == told["realised_difference_yen"] == 260_000
    assert (told["promised_gain_yen"], told["promised_risk_part_yen"]) == (1_113_125, 853_125)


@pytest.mark.parametrize(
    ("after", "rough", "precise"),
    [
        (85_920_000, True, False),  # −14.08 %: 2 × 8 below 1.92, the bound itself
        (85_919_999, False, False),
        (87_420_000, True, True),  # −12.58 %: 14.5 below, within 2 × 7.2509
        (117_920_000, True, False),
        (117_920_001, False, False),
    ],
)
def test_a_year_is_within_two_risks_or_not(after, rough, precise):
    told = promised_against_realised(RECORD, later(after=after))["after"]
    assert (told["within_two_risks"], told["within_two_precise_risks"]) == (rough, precise)


def test_a_part_of_a_year_promises_its_part_and_risk_grows_with_the_root_of_time():
    told = promised_against_realised(RECORD, later(days=73))
    assert (told["before"]["promised_pct"], told["promised_difference_yen"]) == ("0.332", 52_000)
    quarter = {**RECORD, "after": {**RECORD["after"], "return_pct": "0", "risk_pct": "10", "precise_risk_pct": "10"}}
    four_years = later(days=4 * 365, after=60 * MILLION)  # −40 %: 2 × 10 × √4
    assert promised_against_realised(quarter, four_years)["after"]["within_two_risks"]
    four_years = later(days=4 * 365, after=60 * MILLION - 1)
    assert not promised_against_realised(quarter, four_years)["after"]["within_two_risks"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (LaterValues(0, [0] * 6, [0] * 5), "0 is no number of days"),
        (LaterValues(True, [0] * 6, [0] * 5), "no number of days"),
        (LaterValues(365, [0] * 5, [0] * 5), "before: 5 values for 6 holdings"),
        (LaterValues(365, [0] * 6, [0] * 6), "after: 6 values for 5 holdings"),
        (LaterValues(365, [0] * 6, [0, 0, -1, 0, 0]), "after 3: -1 is no whole yen"),
        (LaterValues(365, [0] * 6, [0, 0, "1", 0, 0]), "after 3: '1' is no whole yen"),
    ],
)
def test_later_values_that_cannot_be_compared_are_refused(values, says):
    with pytest.raises(HouseholdError, match=says):
        promised_against_realised(RECORD, values)


@given(households, preferences, st.integers(1, 4000))
def test_what_came_is_told_to_the_yen(held, said, days):
    record = as_record(advise(Household("", said, held, None), TABLES))
    values = LaterValues(days, *([row["value_yen"] * 2 for row in record[side]["holdings"]] for side in ("before", "after")))
    told = promised_against_realised(record, values)
    assert told["before"]["realised_pct"] == told["after"]["realised_pct"] == "100"
    assert told["realised_difference_yen"] == 0
    assert abs(told["promised_gain_yen"] - told["promised_difference_yen"] - told["promised_risk_part_yen"]) <= 1
