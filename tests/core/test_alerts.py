"""Alerts and flows: rows that are gathered over an evening, in any order, and what counts as money from outside."""

import numpy as np

from tests.core.build import columns, day, nights, rows
from tsutsumi.core.alerts import Alert, Alerts
from tsutsumi.core.flows import CORRECTION, DEPOSIT, DISTRIBUTION, DRAWING, FEE, FLOW_KINDS, TERMINATION, Flows, external_flow
from tsutsumi.core.journal import LEDGERS


def test_alerts_have_one_order_whatever_the_order_in_which_they_came():
    alerts = Alerts()
    alerts.add("price_missing", "instrument", np.int32(3), "b", "x")
    alerts.add("drift", "sleeve", 9, "b", "x")
    alerts.add("drift", "sleeve", 2, "b", "x")
    alerts.add("drift", "sleeve", 2, "a", "x")
    assert [(alert.kind, alert.subject_no, alert.cause) for alert in sorted(alerts.rows)] == [
        ("drift", 2, "a"), ("drift", 2, "b"), ("drift", 9, "b"), ("price_missing", 3, "b")]
    assert Alert("drift", "sleeve", 2, "a", "x") in alerts.rows and type(alerts.rows[0].subject_no) is int


def test_every_alert_of_a_house_says_about_whom_why_and_what_to_do():
    kinds = set()
    for seed in (0, 1, 2):
        for night in nights(seed):
            assert night.result.alerts == sorted(night.result.alerts)
            for alert in night.result.alerts:
                assert alert.kind and alert.subject_kind and alert.cause and alert.cure
                kinds.add(alert.kind)
    assert {"event_refused", "price_missing", "debit_failed", "drift"} <= kinds
    page = {
        "price_missing",
        "price_refused",
        "calendar_holiday",
        "fx_missing",
        "order_waits",
        "order_cancelled",
        "partial_fill",
        "fill_missing",
        "event_refused",
        "debit_failed",
        "promise_reissued",
        "drawing_refused",
        "fee_shortfall",
        "break",
        "drift",
        "target_closed",
        "payout_cut",
    }
    assert kinds <= page, "an alert that docs/close.md §9 does not name"


def test_flows_are_rows_and_columns_and_zero_columns_are_left_out():
    flows = Flows()
    assert flows.frame()["amount_yen"].size == 0
    flows.add_columns(np.array([1, 2]), np.array([4, 5]), DISTRIBUTION, np.array([0, 7]), 3)
    flows.add(1, 4, DEPOSIT, 100, 9)
    names = ("account_no", "sleeve_no", "kind_code", "amount_yen", "event_no", "instrument_no")
    assert sorted(columns(flows.frame(), *names)) == [(1, 4, DEPOSIT, 100, 9, 0), (2, 5, DISTRIBUTION, 7, 0, 3)]


def test_fees_and_distributions_are_profit_and_everything_else_is_from_outside():
    given = [{"sleeve_no": 2, "kind_code": kind, "amount_yen": 10**kind} for kind in range(1, len(FLOW_KINDS))]
    gone = [{"sleeve_no": 1, "kind_code": TERMINATION, "amount_yen": -5}, {"sleeve_no": 99, "kind_code": DEPOSIT, "amount_yen": 5}]
    total = external_flow(rows("flows", *given, *gone), np.array([-1, -1, 1]), 2)
    assert total.tolist() == [
        0,
        sum(10**kind for kind in range(1, len(FLOW_KINDS)) if FLOW_KINDS[kind] not in ("fee", "distribution")),
    ]
    assert (FEE, DISTRIBUTION, CORRECTION) == tuple(FLOW_KINDS.index(name) for name in ("fee", "distribution", "correction"))


def test_every_flow_but_a_transfer_has_a_ledger_of_its_name():
    assert {kind for kind in FLOW_KINDS[1:] if kind not in LEDGERS} == {"transfer"}
    assert LEDGERS[LEDGERS.index(FLOW_KINDS[DRAWING])] == "drawing" and day("1970-01-02") == 1
