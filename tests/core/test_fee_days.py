"""The bases of the days of contracts priced day by day: kept run by run, read back day by day."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import books, columns, day, sleeve
from tsutsumi.core.arrears import period_bases
from tsutsumi.core.fee_days import add_days, base_sums, drop_days, histories
from tsutsumi.core.fee_terms import parse_terms

ROWS = np.array([0, 1])
FIRST = day("2026-12-01")


def two_contracts():
    return books("2026-12-01", sleeve(1), sleeve(4))  # contracts 1 and 3


def test_a_day_is_written_down_only_where_the_base_changes():
    of = two_contracts()
    for on, bases in ((0, [10, 7]), (1, [10, 8]), (4, [11, 8])):
        of = replace(of, fee_days=add_days(of, ROWS, FIRST + on, np.array(bases)))
    assert columns(of.fee_days, "contract_no", "start_date", "base_yen") == [
        (1, FIRST, 10), (1, FIRST + 4, 11), (3, FIRST, 7), (3, FIRST + 1, 8)]
    offsets, days, bases = histories(of.fee_days, np.array([1, 3]))
    assert offsets.tolist() == [0, 2, 4] and base_sums(offsets, days, bases, FIRST + 5).tolist() == [4 * 10 + 2 * 11, 7 + 5 * 8]
    assert columns(drop_days(of.fee_days, np.array([1])), "contract_no") == [(3,), (3,)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_what_was_written_down_reads_back_as_it_was(steps):
    of, on, known = two_contracts(), FIRST, {0: [], 1: []}
    for gap, *bases in steps:
        of = replace(of, fee_days=add_days(of, ROWS, on, np.array(bases)))
        for k in (0, 1):
            known[k] += [bases[k]] * gap
        on += gap
    offsets, days, bases = histories(of.fee_days, np.array([1, 3]))
    assert base_sums(offsets, days, bases, on - 1).tolist() == [sum(known[0]), sum(known[1])]
    terms = parse_terms({
        "name": "daily", "period": {"length": "month", "align": "calendar", "timing": "arrears"},
        "base": {"measure": "daily", "cash": "included"}, "year": {"days": 365}, "rounding": {"to": "down"},
        "tax": {"kind": "included"},
        "component": [{"name": "fee", "kind": "balance", "rates": [{"from": "2020-01-01", "tiers": [[0, 10_000]]}]}],
    })
    bases = period_bases(of, terms, ROWS, (FIRST, on - 1), np.zeros(2, np.int64), np.zeros(2, np.int64))
    assert [bases.of_one(k)["daily"] for k in (0, 1)] == [tuple(known[0]), tuple(known[1])]
