"""Fees in advance, evening by evening (core/advance.py): credits, who pays what flowed in, switches of the terms."""

from dataclasses import replace

import numpy as np

from tests.core.build import books, columns, day, rules, sleeve
from tsutsumi.core.charging import charge
from tsutsumi.core.fee_terms import parse_terms
from tsutsumi.core.flows import DEPOSIT, WITHDRAWAL
from tsutsumi.core.schema import frame

TERMS = {
    "name": "advance", "period": {"length": "month", "align": "calendar", "timing": "advance"},
    "base": {"measure": "opening", "cash": "included"}, "year": {"days": 365}, "rounding": {"to": "down"},
    "tax": {"kind": "included"}, "advance": {"addition": "own", "refund": "prorated"},
    "component": [{"name": "fee", "kind": "balance", "rates": [{"from": "2020-01-01", "tiers": [[0, 36_500]]}]}],
}  # 0.01 % a day


def house(today, *values, opened="2026-12-01", end=0, **said):
    of = books(today, *(sleeve(number, value_yen=value, positions_yen=value, opened_date=day(opened)) for number, value in values))
    of.contracts["opened_date"][:] = of.contracts["period_start_date"][:] = day(opened)
    of.contracts["period_end_date"][:] = day(end) if end else 0
    for name, value in said.items():
        of.contracts[name][:] = value
    return of


def evening(of, before, today, flows=(), terms=TERMS, **changed):
    parsed = parse_terms(terms)
    rule = rules(today, program_terms=lambda program, on: ("advance", parsed), **changed)
    return charge(of, before, rule, np.zeros(0, np.int64), frame("flows", [(1, *flow, 1, 0) for flow in flows]))


def test_a_refund_is_set_off_against_what_is_owed_next_and_the_rest_stays():
    # 10 days of 1,000,000: 0.01 % a day = 1,000 a day
    of = house("2026-12-21", (1, 2_000_000), end="2026-12-31", running_base_yen=3_000_000)
    before = house("2026-12-18", (1, 3_000_000))
    after, charges = evening(of, before, "2026-12-21", [(1, WITHDRAWAL, -1_000_000)])
    assert columns(charges.fees, "kind_code", "start_date", "end_date", "base_yen", "fee_yen", "collected_date") == [
        (3, day("2026-12-22"), day("2026-12-31"), 1_000_000, 1_000, day("2026-12-21"))]
    assert columns(after.contracts, "running_base_yen", "credit_yen") == [(2_000_000, 1_000)] and after.dues["amount_yen"].size == 0
    of = replace(after, day=day("2026-12-22"), contracts={name: column.copy() for name, column in after.contracts.items()})
    later, charges = evening(of, after, "2026-12-22", [(1, DEPOSIT, 500_000)])
    # 10 days of 500,000 = 500: all of it is set off, 500 of the credit are left
    assert charges.fees["fee_yen"].tolist() == [500] and charges.fees["collected_date"].tolist() == [day("2026-12-22")]
    assert later.dues["amount_yen"].size == 0 and later.contracts["credit_yen"].tolist() == [500]


def test_a_credit_is_taken_off_the_parts_of_the_sleeves_in_proportion():
    of = house("2027-01-04", (1, 1_000_000), (2, 3_000_000), end="2026-12-31", credit_yen=1_000)
    before = house("2026-12-30", (1, 1_000_000), (2, 3_000_000), end="2026-12-31")
    after, charges = evening(of, before, "2027-01-04")
    # January on the 4,000,000 of 30 December: 31 days = 12,400, parts 3,100 and 9,300, less 250 and 750
    assert charges.fees["fee_yen"].tolist() == [12_400] and after.contracts["credit_yen"].tolist() == [0]
    assert columns(after.dues, "sleeve_no", "amount_yen") == [(1, 2_850), (2, 8_550)]


def test_the_first_day_s_money_is_the_base_and_no_addition():
    of = house("2026-12-01", (1, 1_000_000))
    nothing = replace(of, day=of.day - 1, sleeves={name: column[:0] for name, column in of.sleeves.items()},
                      contracts={name: column[:0] for name, column in of.contracts.items()}, row_of_sleeve=np.full(2, -1))
    after, charges = evening(of, nothing, "2026-12-01", [(1, DEPOSIT, 1_000_000)])
    assert columns(charges.fees, "kind_code", "base_yen", "fee_yen") == [(1, 1_000_000, 3_100)]
    assert after.contracts["net_deposit_yen"].tolist() == [1_000_000]
