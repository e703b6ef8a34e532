"""The yearly certificate: it adds up, line by line, and what nobody explains is a difference."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings

from tests.core.test_fee_rows import DAY, histories, row
from tsutsumi.core.fee_certificates import Issuer, contract_certificate

YEAR = date(2026, 1, 1), date(2026, 12, 31)
ISSUER = Issuer("bank", "T7000012050002", "down")


def certificate(before, after, paid):
    """The certificate of 2026."""
    return contract_certificate("K1", "wrap", *YEAR, before, after, paid, ISSUER)


@settings(max_examples=200)
@given(histories())
def test_opening_charged_paid_and_closing_add_up(history):
    rows, flows = history
    made = certificate([], rows, (0, flows))
    assert (made.paid_yen, made.difference_yen, made.tax_yen) == (flows, 0, sum(tax for _, _, tax in made.rates))
    for line in made.lines:
        assert line.opening_yen + line.charged_yen - line.refunded_yen + line.cut_yen - line.paid_yen == line.closing_yen
        assert line.paid_yen == sum(yen for _, yen, _ in line.by_rate) == line.collected_yen - line.set_off_yen
    assert sum(line.charged_yen for line in made.lines) == sum(fee.fee_yen for fee in rows if fee.kind == "charge")
    assert all(tax == int(yen / 11) or abs(yen) > 10**15 for _, yen, tax in made.rates)


@settings(max_examples=100)
@given(histories())
def test_a_year_ends_where_the_next_begins(history):
    rows, flows = history
    moved = [replace(fee, charged_date=fee.charged_date - timedelta(days=400)) for fee in rows]
    moved = [replace(fee, collected_date=fee.collected_date and fee.collected_date - timedelta(days=400)) for fee in moved]
    earlier = contract_certificate("K1", "wrap", date(2024, 1, 1), date(2025, 12, 31), [], moved, (0, flows), ISSUER)
    made = certificate(moved, moved, (flows, flows))
    assert made.paid_yen == 0
    assert {line.component: line.opening_yen for line in made.lines} == {line.component: line.closing_yen for line in earlier.lines}
    assert all(line.opening_yen == line.closing_yen for line in made.lines)


def test_a_cut_is_of_the_year_in_which_it_was_cut():
    old = row(charged_date=date(2025, 12, 30))
    new = replace(old, fee_yen=700, collected_date=DAY)
    (line,) = certificate([old], [new], (0, 700)).lines
    assert (line.opening_yen, line.cut_yen, line.paid_yen, line.closing_yen) == (1000, -300, 700, 0)


def test_flows_that_no_fee_explains_are_a_difference():
    made = certificate([], [row(collected_date=DAY)], (0, 1100))
    assert (made.paid_yen, made.flow_yen, made.difference_yen) == (1000, 1100, 100)
    assert certificate([], [], (0, 5)).difference_yen == 5


def test_two_rates_stand_apart():
    two = replace(row(collected_date=DAY), weights=((8, 1), (10, 1)))
    (line,) = certificate([], [two], (0, 1000)).lines
    assert line.by_rate == ((8, 500, 37), (10, 500, 45)) and line.tax_yen == 82
