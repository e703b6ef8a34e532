"""Invoices between companies: the tax once per rate, who bills whom, registration numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_fee_rows import row
from tsutsumi.core.fee_invoices import check_digit, is_registration_id, issuer_of, month_invoices, tax_inside
from tsutsumi.core.fee_split import Move
from tsutsumi.core.fee_statements import Month, charges_of

MONTH = date(2026, 1, 1), date(2026, 1, 31)
NUMBER = "T7000012050002"


def invoices(rows, moves=(), issuers=(), month=MONTH) -> list:
    """The invoices of a month in which the rows were charged."""
    return month_invoices(*month, charges_of(Month(*month, (), rows, moves)), moves, issuers)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_one_check_digit_of_ten_is_right(digits):
    right = [first for first in "0123456789" if is_registration_id(f"T{first}{digits}")]
    assert right == [str(check_digit(digits))] and right != ["0"]


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 11), st.integers(1, 8))
def test_a_digit_mistyped_by_less_than_nine_is_found(digits, place, step):
    other = str((int(digits[place]) + step) % 10)
    if abs(int(other) - int(digits[place])) % 9:
        assert check_digit(digits[:place] + other + digits[place + 1:]) != check_digit(digits)


WRONG = ("", "T", "T1234567890123", "T700001205000２", "T70000120500021", " T7000012050002", "T-000012050002")


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_number_is_none(text):
    assert not is_registration_id(text)


@given(st.integers(-(10**13), 10**13), st.sampled_from([8, 10]))
def test_the_tax_inside_is_symmetric_and_within_a_yen(yen, percent):
    tax = tax_inside(yen, percent, "down")
    assert tax == -tax_inside(-yen, percent, "down") and abs(tax * (100 + percent) - yen * percent) < 100 + percent
    assert tax_inside(yen, percent, "up") - tax in (-1, 0, 1)


def test_the_distributor_is_billed_and_bills_itself_nothing():
    (invoice,) = invoices([row(), row(component="b")])
    assert (invoice.invoice_id, invoice.issuer_id, invoice.recipient_id) == ("2026-01_asset_am_bank", "asset_am", "bank")
    assert [(line.component, line.amount_yen) for line in invoice.lines] == [("b", 400), ("fee", 400)]
    assert (invoice.amount_yen, invoice.tax_yen, invoice.rates[0].net_yen) == (800, 72, 728)


def test_a_move_is_billed_to_its_payer():
    move = Move("wrap", "fixed_program", "platform", "broker", 1, ((10, 1100),))
    (invoice,) = invoices([], [move])
    assert (invoice.issuer_id, invoice.recipient_id, invoice.amount_yen, invoice.tax_yen) == ("platform", "broker", 1100, 100)


def test_more_refunds_than_fees_make_a_return_invoice_and_nothing_makes_none():
    refund = row(kind="refund", fee_yen=1000, share_bank_yen=0, share_asset_am_yen=1000)
    fee = row(share_bank_yen=0, share_asset_am_yen=1000)
    (invoice,) = invoices([refund])
    assert (invoice.kind, invoice.amount_yen, invoice.tax_yen) == ("return", -1000, -90)
    (both,) = invoices([refund, fee])
    assert [line.amount_yen for line in both.lines] == [1000, -1000] and (both.amount_yen, both.tax_yen) == (0, 0)
    assert invoices([row(fee_yen=600, share_asset_am_yen=0)]) == []


@pytest.mark.parametrize(
    ("month", "number", "qualified"),
    [((date(2026, 1, 1), date(2026, 1, 31)), NUMBER, True), ((date(2023, 9, 1), date(2023, 9, 30)), NUMBER, False),
     ((date(2027, 1, 1), date(2027, 1, 31)), "", False)],
)
def test_the_number_in_force_at_the_month_s_end_qualifies_from_october_2023(month, number, qualified):
    issuers = [
        {"company_id": "asset_am", "valid_from_date": date(2020, 1, 1), "registration_id": NUMBER, "rounding": "up"},
        {"company_id": "asset_am", "valid_from_date": date(2027, 1, 31), "registration_id": "", "rounding": "down"},
    ]
    fee = row(start_date=month[0], end_date=month[1], charged_date=month[1], share_bank_yen=999, share_asset_am_yen=1)
    (invoice,) = invoices([fee], issuers=issuers, month=month)
    assert (invoice.registration_id, invoice.qualified, invoice.tax_yen) == (number, qualified, 1 if number else 0)
    assert issuer_of(issuers, "bank", month[1]) == ("", "down") == issuer_of(issuers, "asset_am", date(2019, 12, 31))
