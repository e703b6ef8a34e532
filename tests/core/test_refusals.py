"""A refused row says where, what, why and what to do; one that is of the whole file names no line."""

from tsutsumi.core.refusals import Refusal


def test_a_refusal_is_one_line_that_begins_with_its_place():
    assert str(Refusal(3, "price", "0 is not above zero", "give the published price")) == (
        "line 3: price: 0 is not above zero: give the published price")
    assert str(Refusal(0, "prices.csv", "no column `date`", "add it")) == "prices.csv: no column `date`: add it"


def test_refusals_are_sorted_by_their_line():
    rows = [Refusal(10, "b", "", ""), Refusal(2, "c", "", ""), Refusal(2, "a", "", "")]
    assert [(row.line, row.what) for row in sorted(rows)] == [(2, "a"), (2, "c"), (10, "b")]
