"""The month-end statement: who has a line, cuts of older fees, what is open, and that a wrong share is not hidden."""

from dataclasses import replace
from datetime import date

from tests.core.test_fee_rows import row
from tsutsumi.core.dues import FEE_KINDS
from tsutsumi.core.fee_split import Move
from tsutsumi.core.fee_statements import CUT, KIND_WORDS, KINDS, Month, charges_of, month_statement

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)
BEFORE = date(2025, 12, 30)


def test_every_party_has_every_line_of_its_program_and_a_refund_is_below_zero():
    rows = [
        row(), row(component="other", share_bank_yen=1000, share_asset_am_yen=0),
        row(kind="refund", fee_yen=100, share_bank_yen=60, share_asset_am_yen=40),
    ]
    statement = month_statement(Month(FIRST, LAST, (), rows, ()))
    lines = {(line.company_id, line.component, line.kind): (line.count, line.fee_yen, line.share_yen) for line in statement.lines}
    assert lines == {
        ("asset_am", "fee", "charge"): (1, 1000, 400), ("asset_am", "other", "charge"): (1, 1000, 0),
        ("asset_am", "fee", "refund"): (1, -100, -40), ("bank", "fee", "charge"): (1, 1000, 600),
        ("bank", "other", "charge"): (1, 1000, 1000), ("bank", "fee", "refund"): (1, -100, -60),
    }
    assert (statement.fee_yen, statement.difference_yen, statement.closing_yen) == (1900, 0, 1900)


def test_a_fee_of_an_older_month_that_was_cut_stands_as_a_cut():
    old = row(charged_date=BEFORE)
    new = replace(old, fee_yen=700, shares=(("asset_am", 280), ("bank", 420)), collected_date=date(2026, 1, 6))
    month = Month(FIRST, LAST, [old], [new], ())
    (cut,) = charges_of(month)
    assert (cut.kind, cut.fee_yen, dict(cut.shares)) == (CUT, -300, {"asset_am": -120, "bank": -180})
    statement = month_statement(month)
    bank = next(roll for roll in statement.uncollected if roll.company_id == "bank")
    assert (bank.opening_yen, bank.charged_yen, bank.cut_yen, bank.collected_yen, bank.closing_yen) == (600, 0, -180, 420, 0)
    assert statement.difference_yen == 0 and statement.fee_yen == -300


def test_a_quiet_month_still_shows_what_is_open():
    old = row(charged_date=BEFORE)
    statement = month_statement(Month(FIRST, LAST, [old], [old], ()))
    assert statement.lines == () and [roll.closing_yen for roll in statement.uncollected] == [400, 600]
    assert (statement.opening_yen, statement.closing_yen, statement.difference_yen) == (1000, 1000, 0)
    collected = replace(old, collected_date=BEFORE)
    assert month_statement(Month(FIRST, LAST, [collected], [collected], ())).uncollected == ()


def test_a_payer_without_a_share_owes():
    move = Move("wrap", "fixed_program", "platform", "broker", 1, ((10, 500),))
    statement = month_statement(Month(FIRST, LAST, (), [row()], [move]))
    parts = {part.company_id: (part.share_yen, part.moved_yen, part.part_yen, part.owed_yen) for part in statement.parts}
    assert parts == {
        "asset_am": (400, 0, 400, 0), "bank": (600, 0, 600, 0), "broker": (0, -500, 0, 500), "platform": (0, 500, 500, 0),
    }
    assert statement.difference_yen == 0


def test_shares_that_are_not_the_fee_are_a_difference_even_if_they_cancel_out():
    short, long = row(share_bank_yen=590), row(component="b", share_bank_yen=610)
    assert month_statement(Month(FIRST, LAST, (), [short], ())).difference_yen == -10
    assert month_statement(Month(FIRST, LAST, (), [short, long], ())).difference_yen != 0


def test_every_kind_of_fee_that_the_close_charges_has_its_words():
    assert set(KIND_WORDS) == set(KINDS) >= set(FEE_KINDS) - {""}
