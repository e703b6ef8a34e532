"""Rows of the fees table: refunds below zero, the tax rates inside, what was paid of each."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_fee_engine import arrears
from tsutsumi.core.fee_rows import fee_row, merged, open_keys, paid_by_row, tax_weights

DAY = date(2026, 1, 5)


def record(**more) -> dict:
    """A row of the exported table."""
    own = {
        "contract_id": "K1", "sleeve_id": None, "component": "fee", "kind": "charge", "start_date": DAY, "end_date": DAY,
        "fee_yen": 1000, "charged_date": DAY, "collected_date": None, "share_bank_yen": 600, "share_asset_am_yen": 400,
        "share_none_yen": None, "base_yen": 5, "fee_terms_id": "x",
    }
    return own | more


def row(**more):
    """The same, read."""
    return fee_row(record(**more), "wrap", "bank", None)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_refund_counts_below_zero_whatever_its_sign_in_the_table(sign):
    refund = row(kind="refund", fee_yen=sign * 1000, share_bank_yen=sign * 600, share_asset_am_yen=sign * 400)
    assert (refund.fee_yen, refund.shares) == (-1000, (("asset_am", -400), ("bank", -600)))
    assert row().shares == (("asset_am", 400), ("bank", 600)), "a company whose share is null has none"


def test_rows_of_one_key_become_one():
    one, other = row(), row(collected_date=DAY)
    assert [(both.fee_yen, both.shares, both.collected_date) for both in merged([one, other])] == [
        (2000, (("asset_am", 800), ("bank", 1200)), None),
    ]
    assert len(merged([one, row(component="other")])) == 2
    assert merged([other, row(collected_date=DAY + timedelta(1))])[0].collected_date == DAY + timedelta(1)


@pytest.mark.parametrize(
    ("choices", "kind", "start", "end", "weights"),
    [
        ((), "charge", date(2019, 9, 1), date(2019, 9, 30), ((8, 1),)),
        ((), "charge", date(2019, 9, 30), date(2019, 10, 1), ((8, 1), (10, 1))),
        ((("tax/kind", "added"),), "charge", date(2019, 8, 15), date(2019, 11, 14), ((8, 47 * 108), (10, 45 * 110))),
        ((("rates_of", "period-start"),), "charge", date(2019, 9, 30), date(2019, 10, 1), ((8, 1),)),
        ((("rates_of", "period-end"),), "charge", date(2019, 9, 30), date(2019, 10, 1), ((10, 1),)),
        ((), "performance", date(2018, 10, 1), date(2019, 10, 1), ((10, 1),)),
        ((), "refund", date(2014, 3, 1), date(2014, 4, 30), ((5, 31), (8, 30))),
    ],
)
def test_the_rates_inside_are_those_that_priced_the_fee(choices, kind, start, end, weights):
    assert tax_weights(arrears(*choices), kind, start, end) == weights


def test_an_amount_by_rate_is_the_whole_amount():
    fee = fee_row(record(start_date=date(2019, 9, 30), end_date=date(2019, 10, 2)), "wrap", "bank", arrears())
    by_rate = fee.by_rate(1000)
    assert sum(by_rate.values()) == 1000 and by_rate[8] * 2 == by_rate[10]


def test_open_is_what_is_charged_and_not_collected():
    rows = [row(), row(component="b", collected_date=DAY), row(component="c", charged_date=DAY + timedelta(1))]
    assert open_keys(rows, DAY) == {rows[0].key}
    assert open_keys(rows, DAY + timedelta(1)) == {rows[0].key, rows[2].key}
    assert open_keys(rows, DAY - timedelta(1)) == set()


@st.composite
def histories(draw):
    """A contract whose fees are collected with or without credit, as the close does it, and the flows of its sleeves."""
    rows, credit, paid = [], 0, 0
    for number in range(draw(st.integers(0, 8))):
        day = DAY + timedelta(days=10 * number)
        yen, component = draw(st.integers(0, 5000)), draw(st.sampled_from("ab"))
        if draw(st.booleans()):
            rows.append(row(kind="refund", fee_yen=yen, charged_date=day, collected_date=day, component=component))
            credit += yen
            continue
        used = min(credit, yen)
        credit -= used
        if draw(st.integers(0, 3)) or number == 0:
            rows.append(row(fee_yen=yen, charged_date=day, collected_date=day, component=component))
            paid += yen - used
        else:
            credit += used  # not collected yet, the credit is kept
            rows.append(row(fee_yen=yen, charged_date=day, component=component))
    out = draw(st.integers(0, credit))  # paid out at the end of the contract
    return rows, paid - out


@settings(max_examples=200)
@given(histories())
def test_what_was_paid_of_each_row_sums_to_the_flows(history):
    rows, flows = history
    paid, difference = paid_by_row(rows, flows, DAY + timedelta(days=999))
    assert (sum(paid.values()), difference) == (flows, 0)
    for fee in rows:
        assert min(fee.fee_yen, 0) <= paid.get(fee.key, 0) <= max(fee.fee_yen, 0)


def test_the_oldest_refund_is_used_first_and_what_nobody_explains_is_a_difference():
    rows = [
        row(collected_date=DAY), row(kind="refund", fee_yen=300, component="late", charged_date=DAY + timedelta(2)),
        row(kind="refund", fee_yen=200, component="early", charged_date=DAY + timedelta(1)),
    ]
    until = DAY + timedelta(3)
    paid, difference = paid_by_row(rows, 700, until)
    assert [paid.get(fee.key, 0) for fee in rows] == [1000, -100, -200] and difference == 0
    assert paid_by_row(rows, 400, until)[1] == -100, "100 yen less than all refunds explain"
    assert paid_by_row(rows, 1100, until)[1] == 100, "100 yen more than was ever charged"
    assert paid_by_row(rows, 0, DAY - timedelta(1)) == ({}, 0)
