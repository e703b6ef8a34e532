"""Payments on their day: payouts, dues and closings; a promise is kept, or moved with its cause, and a fee never breaks one."""

import numpy as np
import pytest

from tests.core.build import ETF, FUND, MIXED, NONE_APPROVED, books, columns, day, rules, sleeve
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.flows import DRAWING, FEE, TERMINATION, TRANSFER, WITHDRAWAL, Flows
from tsutsumi.core.journal import Journal, number_entries
from tsutsumi.core.ladder import PLACED, PRICED, PURCHASE, SALE
from tsutsumi.core.payouts import hold_closings, open_needs, pay, ready_to_close, reissue
from tsutsumi.core.promises import (
    LAPSED,
    P_DRAWING,
    P_SLEEVE_CLOSE,
    P_TERMINATION,
    P_TRANSFER,
    P_WITHDRAWAL,
    PAID,
)

TODAY, SOON = "2026-12-14", "2026-12-18"
CLOSING = 1


def payout(number, amount, kind=P_WITHDRAWAL, promised=TODAY, requested="2026-12-02", **said):
    return {"sleeve_no": number, "kind_code": kind, "amount_yen": amount, "promised_date": day(promised), "event_no": 1,
            "first_promised_date": day(promised), "requested_date": day(requested)} | said


def due(number, amount, on=TODAY, charged="2026-12-09"):
    return {"sleeve_no": number, "amount_yen": amount, "due_date": day(on), "charged_date": day(charged)}


def fee(contract, yen, charged="2026-12-09"):
    return {"account_no": 1, "contract_no": contract, "fee_yen": yen, "charged_date": day(charged)}


def held(number, units=5):
    return {"sleeve_no": number, "instrument_no": ETF, "held_units": units, "cost_yen": units}


def run(of, today=TODAY):
    flows, journal, alerts = Flows(), Journal(), Alerts()
    after, payouts, fees = pay(of, rules(today), flows, journal, alerts)
    number_entries(journal.lines())
    told = [(alert.kind, alert.subject_no) for alert in alerts.rows]
    return after, columns(flows.frame(), "sleeve_no", "kind_code", "amount_yen"), payouts, fees, told


def cash(of):
    return dict(columns(of.sleeves, "sleeve_no", "cash_yen"))


# ---- payouts


def test_a_payout_is_paid_on_its_day_and_not_before():
    of = books(TODAY, sleeve(1, cash_yen=500), payouts=[payout(1, 300), payout(1, 100, promised="2026-12-15", event_no=2)])
    after, flows, payouts, _, told = run(of)
    assert cash(after) == {1: 200} and flows == [(1, WITHDRAWAL, -300)] and told == []
    assert columns(payouts, "amount_yen", "status_code", "paid_date") == [(300, PAID, day(TODAY))]
    assert columns(after.payouts, "amount_yen") == [(100,)]


def test_a_payout_never_takes_cash_that_a_later_day_needs():
    paying = {"sleeve_no": 1, "instrument_no": ETF, "side_code": PURCHASE, "settlement_date": day("2026-12-16"), "asked_yen": 201}
    for asked, paid in ((201, False), (200, True)):
        of = books(
            TODAY, sleeve(1, cash_yen=500), positions=[held(1)], orders=[paying | {"asked_yen": asked}], payouts=[payout(1, 300)]
        )
        assert (run(of)[1] == [(1, WITHDRAWAL, -300)]) == paid


def test_the_oldest_request_is_paid_first_and_drawings_last():
    def first(*given):
        of = books(TODAY, sleeve(1, cash_yen=100), positions=[held(1)], payouts=list(given))
        return run(of)[1]

    old, new = payout(1, 71, requested="2026-12-01", event_no=9), payout(1, 72, event_no=2)
    assert first(new, old) == [(1, WITHDRAWAL, -71)]
    lower, higher = payout(1, 73, event_no=3), payout(1, 74, event_no=4)
    assert first(higher, lower) == [(1, WITHDRAWAL, -73)]
    drawing = payout(1, 75, P_DRAWING, event_no=0)
    assert first(drawing, higher) == [(1, WITHDRAWAL, -74)] and first(drawing) == [(1, DRAWING, -75)]


def test_a_payout_that_cannot_be_paid_is_promised_anew_with_its_cause():
    of = books(TODAY, sleeve(1, model_no=2, cash_yen=299), positions=[held(1)], payouts=[payout(1, 300)])
    after, flows, payouts, _, told = run(of)
    assert flows == [] and told == [("promise_reissued", 1)]
    # the ETF: ordered tonight, priced on the 15th, a second sale placed on the 16th settles on the 18th
    assert columns(after.payouts, "promised_date", "first_promised_date", "reissue_count") == [(day("2026-12-18"), day(TODAY), 1)]
    assert columns(payouts, "status_code") == [(0,)]


def test_a_payout_of_a_sleeve_with_nothing_left_is_cut_to_its_cash():
    of = books(TODAY, sleeve(1, cash_yen=299), positions=[held(1, 0)], payouts=[payout(1, 300)])
    after, flows, payouts, _, told = run(of)
    assert cash(after) == {1: 0} and flows == [(1, WITHDRAWAL, -299)] and told == [("payout_cut", 1)]
    assert columns(payouts, "amount_yen", "status_code") == [(299, PAID)] and after.payouts["sleeve_no"].size == 0
    waiting = {"sleeve_no": 1, "instrument_no": ETF, "side_code": SALE, "settlement_date": day(SOON)}
    of = books(TODAY, sleeve(1, cash_yen=299), payouts=[payout(1, 300)], orders=[waiting])
    assert run(of)[4] == [("promise_reissued", 1)], "a live order is something left"


def test_a_transfer_reaches_its_target_or_the_customer():
    given = payout(1, 300, P_TRANSFER, target_sleeve_no=2)
    after, flows, *_ = run(books(TODAY, sleeve(1, cash_yen=500), sleeve(2), payouts=[given]))
    assert flows == [(1, TRANSFER, -300), (2, TRANSFER, 300)] and cash(after) == {1: 200, 2: 300}
    after, flows, _, _, told = run(books(TODAY, sleeve(1, cash_yen=500), sleeve(2, status_code=CLOSING), payouts=[given]))
    assert flows == [(1, WITHDRAWAL, -300)] and cash(after) == {1: 200, 2: 0} and told == [("target_closed", 2)]
    _, flows, _, _, told = run(books(TODAY, sleeve(1, cash_yen=500), payouts=[given]))
    assert flows == [(1, WITHDRAWAL, -300)] and told == [("target_closed", 2)]


# ---- dues


def test_a_due_is_collected_from_all_sleeves_of_its_contract_or_from_none():
    dues, fees = [due(1, 60), due(2, 40), due(4, 5)], [fee(1, 100), fee(3, 5)]
    after, flows, _, collected, _ = run(books(TODAY, sleeve(1, cash_yen=60), sleeve(2, cash_yen=40), sleeve(4, cash_yen=9),
                                              dues=dues, fees=fees))
    assert sorted(flows) == [(1, FEE, -60), (2, FEE, -40), (4, FEE, -5)] and after.dues["sleeve_no"].size == 0
    assert columns(collected, "contract_no", "collected_date") == [(1, day(TODAY)), (3, day(TODAY))]
    after, flows, _, collected, _ = run(books(TODAY, sleeve(1, cash_yen=60), sleeve(2, cash_yen=39), sleeve(4, cash_yen=9),
                                              dues=dues, fees=fees))
    assert flows == [(4, FEE, -5)] and columns(after.dues, "sleeve_no") == [(1,), (2,)]
    assert columns(after.fees, "contract_no", "collected_date") == [(1, 0)]


def test_a_due_waits_for_its_day_and_the_oldest_is_first():
    dues = [due(1, 60, charged="2026-12-10"), due(1, 70, charged="2026-12-08"), due(1, 1, on="2026-12-15", charged="2026-12-11")]
    after, flows, *_ = run(books(TODAY, sleeve(1, cash_yen=100), dues=dues))
    assert flows == [(1, FEE, -70)] and columns(after.dues, "amount_yen") == [(60,), (1,)]


def test_a_fee_never_takes_promised_cash():
    for promised, paid in ((70, True), (71, False)):
        of = books(
            TODAY, sleeve(1, cash_yen=100), positions=[held(1)], payouts=[payout(1, promised, promised=SOON)], dues=[due(1, 30)]
        )
        assert bool(run(of)[1]) == paid
    # a sale that settles in time carries the promise; one that settles a day later does not
    for settles, paid in ((SOON, True), ("2026-12-21", False)):
        sale = {"sleeve_no": 1, "instrument_no": ETF, "side_code": SALE, "status_code": PRICED, "filled_yen": 50,
                "settlement_date": day(settles)}
        of = books(TODAY, sleeve(1, cash_yen=100, receivable_yen=50), orders=[sale], dues=[due(1, 30)],
                   payouts=[payout(1, 120, promised=SOON)])
        assert bool(run(of)[1]) == paid
    of = books(TODAY, sleeve(1, cash_yen=100), dues=[due(1, 30)], payouts=[payout(1, 99, P_SLEEVE_CLOSE, promised=SOON)])
    assert run(of)[1] == [(1, FEE, -30)], "a closing promises whatever is left"


def test_a_due_twenty_days_late_is_carried_by_the_sleeves_that_can():
    for on, flows_of in (("2026-11-25", []), ("2026-11-24", [(1, FEE, -75), (2, FEE, -25)])):
        of = books(TODAY, sleeve(1, cash_yen=75), sleeve(2, cash_yen=30), dues=[due(1, 20, on), due(2, 80, on)], fees=[fee(1, 100)])
        after, flows, _, collected, _ = run(of)
        assert sorted(flows) == flows_of and collected["fee_yen"].size == len(flows_of) // 2
        assert after.dues["sleeve_no"].size == 2 - len(flows_of)
    of = books(TODAY, sleeve(1, cash_yen=69), sleeve(2, cash_yen=30), dues=[due(1, 20, "2026-11-02"), due(2, 80, "2026-11-02")])
    after, flows, *_ = run(of)
    assert flows == [] and columns(after.dues, "amount_yen") == [(20,), (80,)], "together they cannot pay all of it"


# ---- closings


def test_a_closing_pays_its_dues_then_its_whole_cash_and_other_payouts_lapse():
    ends = payout(1, 0, P_TERMINATION, pay_date=day(TODAY))
    of = books(TODAY, sleeve(1, cash_yen=500, status_code=CLOSING), dues=[due(1, 120, on=SOON)], fees=[fee(1, 120)],
               payouts=[ends, payout(1, 80, promised=SOON, event_no=2)])
    after, flows, payouts, collected, told = run(of)
    assert flows == [(1, FEE, -120), (1, TERMINATION, -380)] and cash(after) == {1: 0} and told == []
    assert sorted(columns(payouts, "kind_code", "amount_yen", "status_code")) == [
        (P_WITHDRAWAL, 80, LAPSED), (P_TERMINATION, 380, PAID)]
    assert after.payouts["sleeve_no"].size == 0 and columns(collected, "fee_yen") == [(120,)]


def test_a_fee_that_the_cash_of_a_closing_cannot_carry_is_cut():
    ends = payout(1, 0, P_TERMINATION, pay_date=day(TODAY))
    of = books(TODAY, sleeve(1, cash_yen=50, status_code=CLOSING), dues=[due(1, 120, on=SOON)], payouts=[ends],
               fees=[fee(1, 100), fee(1, 20) | {"component_no": 1}])
    _, flows, payouts, collected, told = run(of)
    assert flows == [(1, FEE, -50)] and told == [("fee_shortfall", 1)]
    assert sum(collected["fee_yen"]) == 50 and columns(payouts, "amount_yen") == [(0,)]


def test_a_closing_goes_into_its_target_if_that_is_still_open():
    ends = payout(1, 0, P_SLEEVE_CLOSE, pay_date=day(TODAY), target_sleeve_no=2)
    after, flows, *_ = run(books(TODAY, sleeve(1, cash_yen=500, status_code=CLOSING), sleeve(2), payouts=[ends]))
    assert flows == [(1, TRANSFER, -500), (2, TRANSFER, 500)] and cash(after) == {1: 0, 2: 500}
    of = books(TODAY, sleeve(1, cash_yen=500, status_code=CLOSING), sleeve(2, status_code=CLOSING), payouts=[ends])
    after, flows, _, _, told = run(of)
    assert flows == [(1, TERMINATION, -500)] and told == [("target_closed", 2)]


def test_a_closing_is_ready_when_all_is_sold_and_settled_on_the_eve_of_its_date():
    def ready(*sleeves, **tables):
        of = books(TODAY, *sleeves, **tables)
        return of.payouts["sleeve_no"][ready_to_close(of, rules(TODAY))].tolist()

    closing = sleeve(1, cash_yen=5, status_code=CLOSING)
    ends = payout(1, 0, P_SLEEVE_CLOSE, promised="2026-12-15")
    assert ready(closing, payouts=[ends]) == [1]
    assert ready(closing, payouts=[ends | {"promised_date": day("2026-12-16")}]) == []
    assert ready(closing, payouts=[ends], positions=[held(1, 1)]) == []
    assert ready(closing, payouts=[ends], orders=[{"sleeve_no": 1, "instrument_no": ETF, "status_code": PRICED}]) == []
    assert ready(closing, payouts=[ends | {"pay_date": day("2026-12-15")}]) == [], "it has its day already"
    both = [payout(number, 0, P_TERMINATION, promised="2026-12-15") for number in (1, 2)]
    other = sleeve(2, status_code=CLOSING)
    assert ready(closing, other, payouts=both) == [1, 2]
    assert ready(closing, other, payouts=both, positions=[held(2, 1)]) == [], "a contract ends with all its sleeves"


def test_a_closing_that_is_not_ready_is_held_and_promised_anew():
    of = books(TODAY, sleeve(1, model_no=NONE_APPROVED, status_code=CLOSING), positions=[held(1, 1)],
               payouts=[payout(1, 0, P_SLEEVE_CLOSE, promised="2026-12-15")])
    alerts = Alerts()
    changed = hold_closings(of, rules(TODAY), np.zeros(0, np.int64), np.zeros(1, bool), alerts)
    # sold tonight: priced on the 15th, settled on the 17th, paid on the 18th
    assert columns(changed, "promised_date", "reissue_count") == [(day("2026-12-18"), 1)]
    assert [alert.kind for alert in alerts.rows] == ["promise_reissued"]
    soon = books(TODAY, sleeve(1, model_no=NONE_APPROVED, status_code=CLOSING), payouts=[payout(1, 0, P_SLEEVE_CLOSE)])
    changed = hold_closings(soon, rules(TODAY), np.zeros(0, np.int64), np.zeros(1, bool), Alerts())
    assert columns(changed, "promised_date") == [(day("2026-12-16"),)], "not before the business day after the next"


# ---- promises that market data moves


@pytest.mark.parametrize(("cash_yen", "stopped", "waited", "expected"), [
    (100, True, False, "2026-12-15"), (50, False, False, "2026-12-15"), (79, True, False, "2026-12-21"),
    (79, False, True, "2026-12-18"), (80, True, True, "2026-12-15"),
])
def test_a_promise_moves_only_where_the_money_is_not_sure(cash_yen, stopped, waited, expected):
    # the ETF: two sales from tonight settle on the 18th; a stopped sleeve starts a day later, on the 15th: the 21st
    of = books(TODAY, sleeve(1, model_no=2, cash_yen=cash_yen), positions=[held(1)], payouts=[payout(1, 80, promised="2026-12-15")])
    alerts = Alerts()
    changed = reissue(of, rules(TODAY), np.array([stopped]), np.array([waited]), alerts)
    assert columns(of.payouts, "promised_date") == [(day(expected),)]
    assert changed["sleeve_no"].size == len(alerts.rows) == (expected != "2026-12-15")


def test_a_promise_that_is_later_already_stays():
    of = books(TODAY, sleeve(1, model_no=2), positions=[held(1)], payouts=[payout(1, 80, promised="2027-01-20")])
    assert reissue(of, rules(TODAY), np.array([True]), np.array([False]), Alerts())["sleeve_no"].size == 0
    assert columns(of.payouts, "promised_date", "reissue_count") == [(day("2027-01-20"), 0)]


def test_all_sleeves_of_a_termination_move_together():
    ends = [payout(number, 0, P_TERMINATION, promised="2026-12-15") for number in (1, 2)]
    of = books(TODAY, sleeve(1, status_code=CLOSING), sleeve(2, status_code=CLOSING), positions=[held(1), held(2)], payouts=ends)
    changed = reissue(of, rules(TODAY), np.array([True, False]), np.array([False, False]), Alerts())
    assert columns(changed, "sleeve_no", "reissue_count") == [(1, 1), (2, 1)] and len(set(of.payouts["promised_date"])) == 1
    assert of.payouts["promised_date"][0] > day("2026-12-15")


def test_needs_are_open_payouts_and_dues_and_late_after_their_first_evening():
    of = books(TODAY, sleeve(1), sleeve(2), sleeve(4),
               payouts=[payout(1, 70, requested=TODAY), payout(1, 0, P_SLEEVE_CLOSE), payout(4, 5)],
               dues=[due(1, 30, charged=TODAY), due(2, 8)])
    needs, late, has_payout = open_needs(of, rules(TODAY))
    assert (needs.tolist(), late.tolist(), has_payout.tolist()) == ([100, 8, 5], [False, True, True], [True, False, True])


def test_no_payment_makes_a_later_day_short():
    # whatever is paid, the ladder of each day stays at or above zero
    for cash_yen in range(0, 400, 50):
        buys = {
            "sleeve_no": 1,
            "instrument_no": FUND,
            "side_code": PURCHASE,
            "settlement_date": day("2026-12-16"),
            "asked_yen": 100,
            "status_code": PLACED,
        }
        of = books(TODAY, sleeve(1, cash_yen=cash_yen + 100, model_no=MIXED), positions=[held(1)], orders=[buys],
                   payouts=[payout(1, 120), payout(1, 90, event_no=2)], dues=[due(1, 60)])
        after, flows, *_ = run(of)
        paid = -sum(amount for *_, amount in flows)
        assert cash(after)[1] >= 100 and paid == cash_yen + 100 - cash(after)[1]
        best = {0: 0, 50: 0, 100: 90, 150: 120, 200: 120, 250: 210, 300: 270, 350: 270}[cash_yen]
        assert paid == best, cash_yen
