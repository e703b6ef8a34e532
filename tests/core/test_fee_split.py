"""Tiered shares and monthly fees between companies: bounds, versions, and what moves."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.fee_split import (
    Segment,
    calendar_balances,
    fixed_moves,
    in_force,
    part_and_owed,
    rate_parts,
    share_of_balance,
    share_of_fee,
    tier_moves,
    versions,
)

MARCH = date(2018, 3, 1), date(2018, 3, 31)
LADDERS = st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**6)), min_size=1, max_size=5, unique_by=lambda tier: tier[0])


def tier(company: str, rate: int, floor: int = 0, **more) -> dict:
    """A row of share_tiers."""
    own = {"kind": "fee", "measure": "program", "base": "average", "year_days": "365", "paid_by_id": ""}
    return own | {"valid_from_date": MARCH[0], "company_id": company, "floor_yen": floor, "rate_ppm": rate} | more


def segment(rows: list[dict], fees: dict, balances: dict) -> Segment:
    """All of March; balances are the same on every day."""
    return Segment(*MARCH, rows, fees, {name: [yen] * 31 for name, yen in balances.items()})


@given(st.integers(0, 10**12), st.integers(1, 10**13), LADDERS)
def test_a_share_lies_between_the_lowest_and_the_highest_rate(fee, balance, ladder):
    tiers = sorted(({0: 0} | dict(ladder)).items())
    share = share_of_fee(Fraction(fee), Fraction(balance), tiers)
    rates = [rate for _, rate in tiers]
    assert fee * min(rates) <= share * 10**6 <= fee * max(rates)


@given(LADDERS, st.lists(st.integers(0, 10**13), min_size=2, max_size=6))
def test_a_share_of_the_balance_never_falls_while_the_balance_grows(ladder, balances):
    tiers = sorted(ladder)
    parts = [share_of_balance(Fraction(balance), tiers, Fraction(31, 365)) for balance in sorted(balances)]
    assert parts == sorted(parts) and parts[0] >= 0
    assert share_of_balance(Fraction(-5), tiers, Fraction(1)) == 0


def test_a_balance_below_the_first_floor_has_no_share():
    assert share_of_fee(Fraction(1000), Fraction(500), [(1000, 500_000)]) == 0
    assert share_of_fee(Fraction(1000), Fraction(0), [(1000, 500_000)]) == 0
    assert share_of_balance(Fraction(500), [(1000, 500_000)], Fraction(1)) == 0


@given(st.dictionaries(st.sampled_from([5, 8, 10]), st.fractions(-(10**6), 10**6, max_denominator=1000), max_size=3))
def test_rates_sum_to_the_amount_cut_once(exact):
    parts = dict(rate_parts(exact))
    total = sum(exact.values(), Fraction(0))
    assert sum(parts.values()) == int(total)
    assert all(abs(parts.get(percent, 0) - exact[percent]) < 3 for percent in exact)
    assert rate_parts({percent: -yen for percent, yen in exact.items()}) == tuple((p, -yen) for p, yen in parts.items())


@given(st.integers(-(10**12), 10**12))
def test_a_part_is_never_negative_and_what_is_owed_is_not_hidden(net):
    part, owed = part_and_owed(net)
    assert part >= 0 and owed >= 0 and part - owed == net and 0 in (part, owed)


@settings(max_examples=100)
@given(st.lists(st.dates(date(2018, 1, 1), date(2018, 4, 30)), max_size=6))
def test_versions_cover_every_day_once_with_the_rows_in_force(starts):
    rows = [{"valid_from_date": day, "number": number} for number, day in enumerate(starts)]
    runs = versions(rows, *MARCH)
    days = [start + timedelta(days=n) for start, end, _ in runs for n in range((end - start).days + 1)]
    assert days == [MARCH[0] + timedelta(days=n) for n in range(31)]
    for start, end, found in runs:
        assert found == in_force(rows, start) == in_force(rows, end)


def test_a_day_without_a_close_has_the_balance_of_the_last_one():
    closes = [(date(2018, 2, 28), {"a": 1}), (date(2018, 3, 2), {"a": 2, "b": 5})]
    assert calendar_balances(closes, date(2018, 3, 1), date(2018, 3, 4)) == {"a": [1, 2, 2, 2], "b": [0, 5, 5, 5]}
    assert calendar_balances([], *MARCH) == {}


def test_what_a_company_would_pay_itself_does_not_move():
    fees = {"bank": {8: Fraction(1000)}}
    rows = [tier("bank", 500_000), tier("manager", 400_000, paid_by_id="manager"), tier("manager", 300_000)]
    (move,) = tier_moves("wrap", [segment(rows, fees, {"bank": 10})], "bank", 8)
    assert (move.company_id, move.payer_id, move.yen, move.by_rate) == ("manager", "bank", 300, ((8, 300),))
    assert fixed_moves("wrap", [{"company_id": "bank", "per": "program", "amount_yen": 5, "paid_by_id": ""}], 3, "bank", 8) == []


def test_ladders_of_one_company_and_payer_are_cut_together():
    fees = {"bank": {10: Fraction(1001)}}
    rows = [tier("manager", 500_000), tier("manager", 500_000, measure="own"), tier("manager", 500_000, measure="distributor")]
    (move,) = tier_moves("wrap", [segment(rows, fees, {"bank": 10})], "bank", 10)
    assert move.yen == 1001, "500.5 twice; of its own sales the manager has none"


def test_a_segment_without_rows_or_fees_moves_nothing():
    assert tier_moves("wrap", [segment([], {"bank": {8: Fraction(9)}}, {"bank": 1})], "bank", 8) == []
    assert tier_moves("wrap", [segment([tier("manager", 500_000)], {}, {})], "bank", 8) == []
    assert tier_moves("wrap", [segment([tier("manager", 0)], {"bank": {8: Fraction(9)}}, {"bank": 1})], "bank", 8) == []


@pytest.mark.parametrize(
    ("per", "kind", "count", "yen"), [("program", "fixed_program", 1, 110), ("contract", "fixed_contract", 7, 770)],
)
def test_a_monthly_fee_is_once_or_once_a_contract(per, kind, count, yen):
    rows = [{"company_id": "platform", "per": per, "amount_yen": 110, "paid_by_id": "broker"}]
    (move,) = fixed_moves("wrap", rows, 7, "bank", 10)
    assert (move.kind, move.payer_id, move.count, move.by_rate) == (kind, "broker", count, ((10, yen),))
