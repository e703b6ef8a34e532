"""The terms file: what is required, what is accepted, and that every mistake is refused in one clear line."""

from copy import deepcopy
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from tests.cases.fees import example
from tsutsumi.core.fee_terms import FeeTermsError, consumption_tax_percent, parse_terms, rates_in_force

ARREARS = "quarterly-arrears-average-with-performance"
ADVANCE = "quarterly-advance-opening-two-parts"
EXAMPLES = sorted(path.name for path in (files("tsutsumi") / "examples" / "fees").iterdir())


def changed(name: str, *changes: tuple) -> dict:
    """Return an example with keys set, or removed where the value is ...; a key is a path such as "base/days"."""
    document = deepcopy(example(name))
    for path, value in changes:
        *outer, key = [int(part) if part.isdigit() else part for part in path.split("/")]
        table = document
        for part in outer:
            table = table[part]
        if value is ...:
            del table[key]
        else:
            table[key] = value
    return document


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_ready_made_file_is_read_without_a_warning(name):
    text = (files("tsutsumi") / "examples" / "fees" / name).read_text("utf-8")
    assert "# Source: " in text
    assert parse_terms(text).warnings == ()


def test_every_ready_made_file_has_a_case_in_the_rules():
    rules = Path(__file__).parents[2] / "docs" / "rules"
    text = "".join((rules / name).read_text("utf-8") for name in ("balance-fee.md", "performance-fee.md"))
    assert [name for name in EXAMPLES if name.removesuffix(".toml") not in text] == []


def test_the_defaults_are_day_marginal_and_none():
    terms = parse_terms(changed(ARREARS, ("rates_of", ...), ("component/0/tiering", ...), ("rounding/average", ...)))
    assert (terms.rates_of, terms.components[0].tiering, terms.average) == ("day", "marginal", "none")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *[
            (ARREARS, path)
            for path in (
                "name period period/length period/align period/timing base base/measure base/days base/cash year "
                "year/days rounding rounding/to tax tax/kind component component/0/name component/0/kind "
                "component/0/rates component/0/rates/0/from component/0/rates/0/tiers component/1/rate_ppm "
                "component/1/every component/1/mark"
            ).split()
        ],
        *[(ADVANCE, path) for path in ("advance", "advance/addition", "advance/refund", "base/measure", "base/cash")],
    ],
)
def test_a_missing_key_is_refused_by_its_name(name, path):
    with pytest.raises(FeeTermsError, match=rf"{path.split('/')[-1]}.* is missing"):
        parse_terms(changed(name, (path, ...)))


@pytest.mark.parametrize("measure", ["daily", "closing"])
def test_the_days_of_the_average_are_needed_for_the_average_only(measure):
    assert parse_terms(changed(ARREARS, ("base/measure", measure), ("base/days", ...))).days is None


def test_a_performance_fee_alone_needs_neither_base_nor_year():
    document = changed(ARREARS, ("component/0", ...), ("base", ...), ("year", ...))
    assert parse_terms(document).balance == ()
    assert parse_terms({**document, "period": {**document["period"], "timing": "advance"}}).addition is None


def test_keys_without_effect_under_the_other_choices_are_accepted():
    advance = {"addition": "own", "refund": "none"}
    assert parse_terms(changed(ARREARS, ("advance", advance), ("component/0/rate_ppm", 5), ("component/0/every", 2)))
    assert parse_terms(changed(ADVANCE, ("base/days", "business"), ("rounding/average", "down")))


@pytest.mark.parametrize(
    "path",
    ["colour", "base/colour", "period/colour", "advance", "component/0/colour", "component/0/rates/0/until"],
)
def test_an_unknown_key_is_refused_by_its_name(path):
    value = {"colour": "red"} if path == "advance" else "red"
    key = "colour" if path == "advance" else path.split("/")[-1]
    with pytest.raises(FeeTermsError, match=rf"{key}: this key is unknown"):
        parse_terms(changed(ARREARS, (path, value)))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("rates_of", "month-end", "use one of"),
        ("period/length", "week", "use one of"),
        ("base/measure", "opening", "does not go with timing = 'arrears'"),
        ("base", "average", r"must be a section"),
        ("year/days", 360, "use one of"),
        ("year/days", "365", "use one of"),
        ("year/days", 365.0, "use one of"),
        ("rounding/to", "nearest", "use one of"),
        ("name", "", "no text"),
        ("component", [], "nothing would be charged"),
        ("component", {"name": "x"}, "two brackets"),
        ("component/1/name", "mandate fee", "two components"),
        ("component/0/kind", "flat", "use one of"),
        ("component/1/every", 0, "too small"),
        ("component/1/every", True, "no whole number"),
        ("component/1/rate_ppm", -1, "negative"),
        ("component/1/rate_ppm", 1_000_001, "too much"),
        ("component/0/rates", [], "no dated row"),
        ("component/0/rates/0/from", "soon", "no date"),
        ("component/0/rates/0/from", datetime(2020, 1, 1), "no date"),
        ("component/0/rates/0/tiers", [], "no tier"),
        ("component/0/rates/0/tiers", [[0, 13090, 1]], "no pair"),
        ("component/0/rates/0/tiers", [0, 13090], "no pair"),
        ("component/0/rates/0/tiers", [[1, 13090]], "not 0"),
        ("component/0/rates/0/tiers", [[0, 13090], [30, 1], [30, 2]], "must ascend"),
        ("component/0/rates/0/tiers", [[0, 13090], [30, 1], [20, 2]], "must ascend"),
        ("component/0/rates/0/tiers", [[0, 1.309]], "no whole number"),
        ("component/0/rates/0/tiers", [[0, -13090]], "negative"),
        ("component/0/rates/0/tiers", [[0, 13090], [-5, 1]], "negative"),
        ("component/0/rates/0/tiers", [[0, 13090], [10**15, 1]], "too much"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(path, value, says):
    with pytest.raises(FeeTermsError, match=says) as refused:
        parse_terms(changed(ARREARS, (path, value)))
    assert "\n" not in str(refused.value)


def test_two_rows_with_one_date_are_refused_and_their_order_in_the_file_does_not_matter():
    row = {"from": date(2019, 1, 1), "tiers": [[0, 1]]}
    document = changed(ARREARS)
    document["component"][0]["rates"].append(row)
    component = parse_terms(document).components[0]
    assert [rates_in_force(component, day).tiers[0][1] for day in (date(2019, 12, 31), date(2020, 1, 1))] == [1, 6600]
    with pytest.raises(FeeTermsError, match="no rates in force on 2018-12-31"):
        rates_in_force(component, date(2018, 12, 31))
    document["component"][0]["rates"].append({**row, "from": "2019-01-01"})
    with pytest.raises(FeeTermsError, match="two rows are from 2019-01-01"):
        parse_terms(document)


def test_in_advance_the_base_is_the_opening_and_the_tiers_are_marginal():
    with pytest.raises(FeeTermsError, match="use opening"):
        parse_terms(changed(ADVANCE, ("base/measure", "average")))
    with pytest.raises(FeeTermsError, match="does not go with timing"):
        parse_terms(changed(ADVANCE, ("component/1/tiering", "whole")))


def test_whole_tiers_are_read_with_a_warning():
    (warning,) = parse_terms(changed(ARREARS, ("component/0/tiering", "whole"))).warnings
    assert "falls behind a floor" in warning


@pytest.mark.parametrize("text", ["", " \n", "name = ", "name = 'x'\nname = 'y'", "a = [[[", "\x00"])
def test_a_text_that_is_no_terms_file_is_refused(text):
    with pytest.raises(FeeTermsError, match="terms: (the file is empty|this is no TOML)"):
        parse_terms(text)


@pytest.mark.parametrize(
    ("day", "percent"), [("1997-04-01", 5), ("2014-03-31", 5), ("2014-04-01", 8), ("2019-10-01", 10)]
)
def test_the_consumption_tax_changes_on_its_dates(day, percent):
    assert consumption_tax_percent(date.fromisoformat(day)) == percent


def test_a_day_before_the_known_consumption_tax_is_refused():
    with pytest.raises(FeeTermsError, match="no consumption tax rate"):
        consumption_tax_percent(date(1997, 3, 31))
