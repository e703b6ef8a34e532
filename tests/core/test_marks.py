"""High-water marks step by step: exact fractions, moved by flows, new after a fee, carried after a loss (core/crystallising.py)."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.core.build import books, columns, day, rules, sleeve
from tsutsumi.core.accrual import contract_rows, terms_in_use
from tsutsumi.core.fee_terms import parse_terms
from tsutsumi.core.marks import Marks, flows_by, mark_owners

TODAY = "2026-12-10"


def terms(mark="scaled"):
    part = {"kind": "performance", "rate_ppm": 100_000, "every": 4, "mark": mark}
    return parse_terms({"name": "t", "period": {"length": "quarter", "align": "calendar", "timing": "arrears"},
                        "rounding": {"to": "down"}, "tax": {"kind": "included"}, "component": [{"name": "p", **part}]})


def marks(of, scope=0, mark="scaled", on=TODAY):
    rule = rules(on, program={"performance_sleeve": scope}, program_terms=lambda program, day: ("t", terms(mark)))
    used = terms_in_use(of, rule)
    return Marks(of, used, mark_owners(of, rule, used, contract_rows(of)))


def evening(of, values, flows, **said):
    """Start what has no mark, then let the flows move them; values and flows are one a mark."""
    found = marks(of, **said)
    found.create(found.missing(), np.array(values), np.array(values))
    found.move(np.array(flows), np.array(values))
    return replace(of, fee_marks=found.frame(), day=of.day + 1), found


def test_a_mark_starts_with_the_value_and_flows_of_its_first_day_are_in_it():
    of, found = evening(books(TODAY, sleeve(1)), [1_000], [1_000])
    assert found.read(0) == (day(TODAY), 1_000)
    assert columns(of.fee_marks, "sleeve_no", "after_yen", "before_yen", "amount_yen") == [(0, 0, 1, 1_000)]


@pytest.mark.parametrize(("mark", "expected"), [("scaled", Fraction(1_200 * 880, 1_100) + 50), ("subtracted", 1_200 - 220 + 50)])
def test_a_withdrawal_scales_or_is_subtracted_and_a_deposit_adds(mark, expected):
    of, _ = evening(books(TODAY, sleeve(1)), [1_200], [0], mark=mark)
    of, _ = evening(of, [880], [-220], mark=mark)
    of, found = evening(of, [930], [50], mark=mark)
    assert found.read(0)[1] == expected


def test_a_mark_is_exact_whatever_the_fractions():
    of, expected = evening(books(TODAY, sleeve(1)), [1_000_003], [0])[0], Fraction(1_000_003)
    for value, flow in ((999_983, -7), (999_979, -11), (500_009, -499_970)):
        of, found = evening(of, [value], [flow])
        expected *= Fraction(value, value - flow)
        assert found.read(0)[1] == expected
    assert of.fee_marks["step_no"].tolist() == [0, 1, 2, 3]


def test_after_a_fee_the_mark_is_new_and_after_a_loss_it_stays():
    of, found = evening(books(TODAY, sleeve(1)), [1_000], [0])
    found.fallen_due(0, day("2027-01-01"), None)
    assert found.read(0) == (day("2027-01-01"), 1_000)
    found.fallen_due(0, day("2027-04-01"), 1_080)
    assert found.read(0) == (day("2027-04-01"), 1_080)


def test_each_sleeve_has_a_mark_of_its_own_where_the_program_says_so_and_it_goes_with_the_sleeve():
    of, found = evening(books(TODAY, sleeve(1), sleeve(2)), [100, 200], [0, 0], scope=1)
    assert columns(of.fee_marks, "sleeve_no", "amount_yen") == [(1, 100), (2, 200)]
    left = books("2026-12-11", sleeve(2))
    of, found = evening(replace(left, fee_marks=of.fee_marks), [190], [-10], scope=1)
    assert columns(of.fee_marks, "sleeve_no", "step_no") == [(2, 0), (2, 1)] and found.read(0)[1] == Fraction(200 * 190, 200)


def test_flows_are_summed_by_owner_and_those_of_nobody_left_out():
    assert flows_by(np.array([3, 1]), np.array([1, 3, 1, 9]), np.array([5, 7, -2, 100])).tolist() == [7, 3]
    assert flows_by(np.array([3]), np.zeros(0, int), np.zeros(0, int)).tolist() == [0]
