"""Events at the door: what each kind does to the books, and what is refused, with its cause and its cure.

Of src/tsutsumi/core/events.py, and of src/tsutsumi/core/door.py and src/tsutsumi/core/exits.py, which it calls.
"""

import numpy as np
import pytest

from tests.core.build import (
    ALL_ETF,
    BOND,
    ETF,
    FUND,
    MIXED,
    NONE_APPROVED,
    books,
    columns,
    day,
    event,
    nights,
    rows,
    rules,
    same,
    sleeve,
)
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.door import LEAST_ROOM, Growing
from tsutsumi.core.events import EVENT_KINDS, book_events, kind_code
from tsutsumi.core.flows import CORRECTION, DEPOSIT, INSTALMENT, Flows
from tsutsumi.core.journal import Journal, number_entries
from tsutsumi.core.ladder import PRICED, PURCHASE, SALE
from tsutsumi.core.promises import P_SLEEVE_CLOSE, P_TERMINATION, P_TRANSFER, P_WITHDRAWAL

TODAY = "2026-12-02"
OPEN, CLOSING = 0, 1
PAYOUT = ("sleeve_no", "kind_code", "amount_yen", "event_no", "target_sleeve_no")


def house(**tables):
    """Sleeves 1 to 3 of account 1 and 4 of account 2, each worth 1,000,000 of which 400,000 in cash; 3 is closing."""
    worth = {"value_yen": 1_000_000, "positions_yen": 600_000, "cash_yen": 400_000}
    sleeves = [sleeve(number, **worth, status_code=CLOSING if number == 3 else OPEN) for number in (1, 2, 3, 4)]
    positions = [{"sleeve_no": number, "instrument_no": FUND, "held_units": 600, "cost_yen": 900} for number in (1, 2, 3, 4)]
    return books(TODAY, *sleeves, **({"positions": positions} | tables))


def book(of, *events, **said):
    flows, journal, alerts = Flows(), Journal(), Alerts()
    after, marks = book_events(of, rules(TODAY, **said), rows("events", *events), flows, journal, alerts)
    lines = number_entries(journal.lines())  # raises if an entry does not balance
    return after, marks, columns(flows.frame(), "sleeve_no", "kind_code", "amount_yen", "event_no"), lines, alerts.rows


def cash(of):
    return dict(columns(of.sleeves, "sleeve_no", "cash_yen"))


# ---- what is booked


def test_money_comes_in_as_cash_with_a_flow_and_an_entry():
    after, marks, flows, lines, alerts = book(house(), event(7, "deposit", sleeve_no=1, amount_yen=100_000),
                                              event(0, "instalment", sleeve_no=2, amount_yen=10_000))
    assert cash(after) == {1: 500_000, 2: 410_000, 3: 400_000, 4: 400_000} and alerts == [] and marks["refused"] == set()
    assert flows == [(1, DEPOSIT, 100_000, 7), (2, INSTALMENT, 10_000, 0)]
    assert sorted(columns(lines, "sleeve_no", "quantity")) == [(1, -100_000), (1, 100_000), (2, -10_000), (2, 10_000)]
    assert not marks["reshape"]


def test_a_withdrawal_becomes_a_payout_with_its_promise_and_no_money_moves_today():
    after, _, flows, lines, alerts = book(house(), event(7, "withdrawal", sleeve_no=1, amount_yen=300_000, target_sleeve_no=2))
    assert columns(after.payouts, *PAYOUT) == [(1, P_WITHDRAWAL, 300_000, 7, 0)]
    promised = (day(TODAY), day("2026-12-11"), day("2026-12-11"))
    assert columns(after.payouts, "requested_date", "promised_date", "first_promised_date") == [promised]
    assert cash(after)[1] == 400_000 and flows == [] and lines["quantity"].size == 0 and alerts == []


def test_the_limit_of_withdrawals_counts_todays_money_and_what_was_asked_before():
    def accepted(amount, *before, **tables):
        return book(house(**tables), *before, event(7, "withdrawal", sleeve_no=1, amount_yen=amount))[1]["refused"] == set()

    assert accepted(900_000) and not accepted(900_001)
    assert accepted(990_000, event(6, "deposit", sleeve_no=1, amount_yen=100_000))
    assert not accepted(990_001, event(6, "deposit", sleeve_no=1, amount_yen=100_000))
    earlier = event(6, "withdrawal", sleeve_no=1, amount_yen=200_000)
    assert accepted(720_000, earlier) and not accepted(720_001, earlier)
    due = [{"sleeve_no": 1, "amount_yen": 100_000}, {"sleeve_no": 2, "amount_yen": 500_000}]
    assert accepted(810_000, dues=due) and not accepted(810_001, dues=due)


def test_a_transfer_keeps_its_target():
    after, *_ = book(house(), event(7, "transfer", sleeve_no=1, target_sleeve_no=2, amount_yen=50_000))
    assert columns(after.payouts, *PAYOUT) == [(1, P_TRANSFER, 50_000, 7, 2)]


def test_contracts_and_sleeves_open_in_their_places():
    after, marks, *_ = book(house(), event(1, "contract_opened", contract_no=4), event(2, "sleeve_opened", sleeve_no=5),
                            event(3, "deposit", sleeve_no=5, amount_yen=100_000))
    assert after.sleeves["sleeve_no"].tolist() == [1, 2, 3, 4, 5] and marks["reshape"] and marks["refused"] == set()
    names = ("account_no", "contract_no", "model_no", "status_code", "opened_date", "twr_index", "cash_yen")
    assert columns(after.sleeves, *names)[-1] == (2, 4, MIXED, OPEN, day(TODAY), 10**12, 100_000)
    names = ("contract_no", "status_code", "opened_date", "period_start_date", "period_end_date")
    assert columns(after.contracts, *names)[-1] == (4, OPEN, day(TODAY), day(TODAY), 0)


def test_a_sleeve_that_opens_before_others_keeps_every_position_with_its_owner():
    of = books(TODAY, sleeve(1), sleeve(4), positions=[{"sleeve_no": n, "instrument_no": FUND, "held_units": n} for n in (1, 4)])
    after, marks, *_ = book(of, event(2, "sleeve_opened", sleeve_no=2))
    assert after.sleeves["sleeve_no"].tolist() == [1, 2, 4] and marks["reshape"]
    assert columns(after.positions, "sleeve_no", "held_units") == [(1, 1), (4, 4)] and after.offsets.tolist() == [0, 1, 1, 2]


def test_a_sleeve_that_was_to_open_and_was_refused_leaves_no_trace():
    after, marks, *_ = book(house(), event(2, "sleeve_opened", sleeve_no=5))
    assert marks["refused"] == {2} and same(after, house()) == []


def test_a_strategy_changes_tonight():
    after, marks, *_ = book(house(), event(7, "strategy_changed", sleeve_no=2, model_no=ALL_ETF))
    assert dict(columns(after.sleeves, "sleeve_no", "model_no"))[2] == ALL_ETF
    assert marks["strategy_changed"] == {2} and marks["reshape"]


def test_a_sleeve_that_closes_is_promised_its_whole_cash():
    after, *_ = book(house(), event(7, "sleeve_closed", sleeve_no=1, target_sleeve_no=2))
    assert columns(after.payouts, *PAYOUT) == [(1, P_SLEEVE_CLOSE, 0, 7, 2)]
    assert dict(columns(after.sleeves, "sleeve_no", "status_code"))[1] == CLOSING
    # sold on the 2nd, priced on the 4th, settled three days later, and a day for the fee
    assert after.payouts["promised_date"].tolist() == [day("2026-12-10")]


def test_a_contract_ends_with_all_its_sleeves_also_one_that_was_closing_into_another():
    first = event(7, "sleeve_closed", sleeve_no=1, target_sleeve_no=2)
    after, _, _, _, alerts = book(house(), first, event(8, "terminated", contract_no=1))
    assert columns(after.payouts, *PAYOUT) == [(1, P_TERMINATION, 0, 8, 0), (2, P_TERMINATION, 0, 8, 0)] and alerts == []
    assert len(set(after.payouts["promised_date"])) == 1
    assert columns(after.sleeves, "status_code") == [(CLOSING,), (CLOSING,), (CLOSING,), (OPEN,)]
    assert columns(after.contracts, "status_code") == [(CLOSING,), (OPEN,), (OPEN,)]


def test_a_sleeve_that_is_paid_today_does_not_join_the_end_of_its_contract():
    leaving = {"sleeve_no": 1, "kind_code": P_SLEEVE_CLOSE, "event_no": 3, "pay_date": day(TODAY)}
    after, *_ = book(house(payouts=[leaving]), event(8, "terminated", contract_no=1))
    assert columns(after.payouts, "sleeve_no", "kind_code") == [(1, P_SLEEVE_CLOSE), (2, P_TERMINATION)]


def test_a_contract_without_a_sleeve_ends_at_once_and_never_opens_again():
    after, *_ = book(house(), event(1, "contract_opened", contract_no=4), event(2, "terminated", contract_no=4))
    assert 4 not in after.contracts["contract_no"] and columns(after.ended, "contract_no", "sleeve_no") == [(4, 0)]
    again, marks, *_ = book(after, event(3, "contract_opened", contract_no=4))
    assert marks["refused"] == {3} and 4 not in again.contracts["contract_no"]


def test_a_correction_of_yen_moves_cash_both_ways():
    noted = {"sleeve_no": 1, "note_count": 1}
    after, _, flows, *_ = book(
        house(), event(7, "correction", amount_yen=5, **noted), event(8, "correction", amount_yen=-9, **noted)
    )
    assert cash(after)[1] == 399_996 and flows == [(1, CORRECTION, 5, 7), (1, CORRECTION, -9, 8)]


def test_a_correction_of_yen_never_takes_what_is_spoken_for():
    payable = {"sleeve_no": 1, "instrument_no": FUND, "side_code": PURCHASE, "status_code": PRICED, "filled_yen": 150_000,
               "settlement_date": day("2026-12-04")}
    for amount, refused in ((-250_000, set()), (-250_001, {7})):
        of = house(orders=[payable])
        assert book(of, event(7, "correction", sleeve_no=1, note_count=1, amount_yen=amount))[1]["refused"] == refused


def test_units_that_go_take_their_share_of_both_costs_and_units_that_come_have_none():
    # 200 of 600: a third of 900 yen; the account: ceil(900 × 4 × 10,000 / 2,400) hundredths, times what is left
    of = house()
    noted = {"sleeve_no": 1, "instrument_no": FUND, "note_count": 1}
    after, *_ = book(of, event(7, "correction", units=-200, **noted))
    assert columns(after.positions, "held_units", "cost_yen")[0] == (400, 600)
    # account 1 holds 1,800 units for 2,700 yen: 15,000 a 10,000; 1,600 are left
    assert columns(after.account_positions, "account_no", "held_units", "tax_cost_yen")[0] == (1, 1_600, 2_400)
    after, *_ = book(after, event(8, "correction", units=50, **noted))
    assert columns(after.positions, "held_units", "cost_yen")[0] == (450, 600)
    assert columns(after.account_positions, "held_units", "tax_cost_yen")[0] == (1_650, 2_400)


def test_units_of_an_instrument_not_held_before_get_their_rows():
    after, marks, _, lines, alerts = book(house(), event(7, "correction", sleeve_no=1, instrument_no=ETF, units=5, note_count=1))
    assert alerts == [] and marks["reshape"]
    assert (1, ETF, 5) in columns(after.positions, "sleeve_no", "instrument_no", "held_units")
    assert (1, ETF, 5) in columns(after.account_positions, "account_no", "instrument_no", "held_units")
    assert sorted(columns(lines, "instrument_no", "quantity")) == [(ETF, -5), (ETF, 5)]


def test_units_on_sale_cannot_be_corrected_away():
    selling = {"sleeve_no": 1, "instrument_no": FUND, "side_code": SALE, "asked_units": 500}
    for units, refused in ((-100, set()), (-101, {7})):
        of = house(orders=[selling])
        event_of = event(7, "correction", sleeve_no=1, instrument_no=FUND, units=units, note_count=1)
        assert book(of, event_of)[1]["refused"] == refused


def test_a_failed_debit_is_an_alert_and_no_money():
    after, marks, flows, lines, alerts = book(house(), event(0, "debit_failed", sleeve_no=1, amount_yen=30_000))
    assert same(after, house()) == [] and flows == [] and lines["quantity"].size == 0 and marks["refused"] == set()
    assert [(alert.kind, alert.subject_kind, alert.subject_no) for alert in alerts] == [("debit_failed", "sleeve", 1)]
    assert "30,000" in alerts[0].cause


# ---- what is refused

NOTED = {"note_count": 1}
REFUSED = [
    ("", {"sleeve_no": 1}, "kind of this event is unknown", "use one of contract_opened"),
    ("deposit", {"sleeve_no": 99, "amount_yen": 10**6}, "sleeve_no 99 is not registered", "register it first"),
    ("deposit", {"sleeve_no": -1, "amount_yen": 10**6}, "sleeve_no -1 is not registered", "register it first"),
    ("deposit", {"sleeve_no": 0, "amount_yen": 10**6}, "is not open", "open it first"),
    ("deposit", {"sleeve_no": 5, "amount_yen": 10**6}, "is not open", "open it first"),
    ("deposit", {"sleeve_no": 3, "amount_yen": 10**6}, "is closing", "wait for its end"),
    ("deposit", {"sleeve_no": 1, "contract_no": 2, "amount_yen": 10**6}, "belongs to", "name its own contract"),
    ("deposit", {"sleeve_no": 1, "amount_yen": 99_999}, "below the program's minimum_deposit_yen of 100,000", "return the money"),
    ("instalment", {"sleeve_no": 1, "amount_yen": 9_999}, "minimum_instalment_yen of 10,000", "return the money"),
    ("withdrawal", {"sleeve_no": 1, "amount_yen": 900_001}, "above 90 % of the 1,000,000 yen", "close the sleeve instead"),
    ("withdrawal", {"sleeve_no": 1, "amount_yen": 0}, "yen available", "ask for less"),
    ("withdrawal", {"sleeve_no": 1, "amount_yen": -5}, "yen available", "ask for less"),
    ("withdrawal", {"sleeve_no": 3, "amount_yen": 5}, "is closing", "wait for its end"),
    ("transfer", {"sleeve_no": 1, "target_sleeve_no": 99, "amount_yen": 5}, "target_sleeve_no 99", "register"),
    ("transfer", {"sleeve_no": 1, "target_sleeve_no": 0, "amount_yen": 5}, "not another sleeve", "name another open sleeve"),
    ("transfer", {"sleeve_no": 1, "target_sleeve_no": 1, "amount_yen": 5}, "not another sleeve", "name another open sleeve"),
    ("transfer", {"sleeve_no": 1, "target_sleeve_no": 4, "amount_yen": 5}, "not another sleeve", "name another open sleeve"),
    ("transfer", {"sleeve_no": 1, "target_sleeve_no": 3, "amount_yen": 5}, "is closing", "wait for its end"),
    ("transfer", {"sleeve_no": 1, "target_sleeve_no": 2, "amount_yen": 900_001}, "above 90 %", "ask for less"),
    ("strategy_changed", {"sleeve_no": 1, "model_no": 99}, "model_no 99 is not registered", "register it first"),
    ("strategy_changed", {"sleeve_no": 1, "model_no": 0}, "is not on offer", "choose a model on offer"),
    ("strategy_changed", {"sleeve_no": 1, "model_no": NONE_APPROVED}, "no approved version", "approve a version first"),
    ("strategy_changed", {"sleeve_no": 3, "model_no": ALL_ETF}, "is closing", "wait for its end"),
    ("sleeve_closed", {"sleeve_no": 4}, "the last open one of its contract", "terminate the contract instead"),
    ("sleeve_closed", {"sleeve_no": 3}, "is closing", "wait for its end"),
    ("sleeve_closed", {"sleeve_no": 1, "target_sleeve_no": 4}, "not another sleeve", "name another open sleeve"),
    ("sleeve_opened", {"sleeve_no": 1}, "unknown or was opened before", "register the sleeve"),
    ("sleeve_opened", {"sleeve_no": 5}, "is not open", "open the contract first"),
    ("contract_opened", {"contract_no": 1}, "unknown or was opened before", "register the contract"),
    ("contract_opened", {"contract_no": 99}, "contract_no 99 is not registered", "register it first"),
    ("terminated", {"contract_no": 4}, "is not open or ends already", "name an open contract"),
    ("correction", {"sleeve_no": 1, "amount_yen": 5}, "without a note", "say in `note`"),
    ("correction", {"sleeve_no": 1, **NOTED}, "not one of yen and units", "give an amount"),
    ("correction", {"sleeve_no": 1, "amount_yen": 5, "instrument_no": FUND, "units": 1, **NOTED}, "not one of", "give an amount"),
    ("correction", {"sleeve_no": 1, "amount_yen": -400_001, **NOTED}, "-400,001 yen meets 400,000", "sell first"),
    ("correction", {"sleeve_no": 1, "instrument_no": FUND, "units": -601, **NOTED}, "-601 units meets 600", "correct less"),
    ("correction", {"sleeve_no": 1, "instrument_no": BOND, "units": -1, **NOTED}, "-1 units meets 0", "correct less"),
    ("correction", {"sleeve_no": 1, "units": 1, **NOTED}, "is unknown", "name a registered instrument"),
    ("correction", {"sleeve_no": 1, "instrument_no": 99, "units": 1, **NOTED}, "instrument_no 99", "register it first"),
    ("correction", {"sleeve_no": 5, "amount_yen": 1, **NOTED}, "is not open", "open it first"),
]


@pytest.mark.parametrize(("kind", "said", "cause", "cure"), REFUSED, ids=[f"{k}-{c[:24]}" for k, _, c, _ in REFUSED])
def test_a_refused_event_changes_nothing_and_says_why_and_what_to_do(kind, said, cause, cure):
    after, marks, flows, lines, alerts = book(house(), event(7, kind, **said))
    assert same(after, house()) == [] and flows == [] and lines["quantity"].size == 0
    assert marks["refused"] == {7} and marks["strategy_changed"] == set()
    assert [(alert.kind, alert.subject_kind, alert.subject_no) for alert in alerts] == [("event_refused", "event", 7)]
    assert cause in alerts[0].cause and cure in alerts[0].cure


def test_a_refusal_does_not_stop_the_events_after_it():
    deposits = [event(number, "deposit", sleeve_no=number, amount_yen=10**5) for number in (1, 99, 2)]
    after, marks, *_ = book(house(), *deposits)
    assert cash(after)[1] == cash(after)[2] == 500_000 and marks["refused"] == {99}


def test_events_are_booked_in_the_order_of_their_rows():
    money, out = event(1, "deposit", sleeve_no=1, amount_yen=100_000), event(2, "withdrawal", sleeve_no=1, amount_yen=990_000)
    assert book(house(), money, out)[1]["refused"] == set()
    assert book(house(), out, money)[1]["refused"] == {2}


def test_a_kind_has_one_code_and_an_unknown_one_none():
    assert [kind_code(kind) for kind in EVENT_KINDS] == list(range(15)) and kind_code("no such kind") == 0


def test_a_sleeve_that_ended_never_opens_again():
    ended = [{"account_no": 2, "contract_no": 4, "sleeve_no": 5, "closed_date": day("2026-12-01")}]
    _, marks, *_ = book(house(ended=ended), event(1, "contract_opened", contract_no=4), event(2, "sleeve_opened", sleeve_no=5))
    assert marks["refused"] == {2}


def test_random_houses_accept_and_refuse_events_of_most_kinds():
    done, refused = set(), set()
    for seed in (0, 1, 2):
        for night in nights(seed):
            no = {alert.subject_no for alert in night.result.alerts if alert.kind == "event_refused"}
            for number, kind in columns(night.gathered.inputs.events, "event_no", "kind_code"):
                (refused if number in no else done).add(EVENT_KINDS[kind])
    assert done >= {"contract_opened", "sleeve_opened", "deposit", "withdrawal", "transfer", "strategy_changed", "correction"}
    assert len(refused) >= 4 and np.array(sorted(refused)).size == len(refused)


def test_units_that_a_correction_brought_are_seen_by_a_withdrawal_after_it():
    """The ETF takes nine days to settle: with its units in the sleeve the money is promised later."""
    slow = {"instruments": {"sell_settlement_days": [0, 3, 2, 9]}}
    correction = event(1, "correction", sleeve_no=1, instrument_no=ETF, units=10, note_count=1)
    withdrawal = event(9, "withdrawal", sleeve_no=1, amount_yen=100_000)
    with_etf, without = book(house(), correction, withdrawal, **slow), book(house(), withdrawal, **slow)
    assert with_etf[1]["refused"] == without[1]["refused"] == set()
    assert with_etf[0].payouts["promised_date"][0] > without[0].payouts["promised_date"][0]
    assert columns(with_etf[0].positions, "sleeve_no", "instrument_no", "held_units")[:2] == [(1, FUND, 600), (1, ETF, 10)]


def test_payouts_that_come_one_by_one_stand_in_their_order_and_what_was_returned_before_stays():
    growing = Growing("payouts", house(payouts=[{"sleeve_no": 4, "amount_yen": 5}]).payouts)
    seen = []
    for number in range(1, 3 * LEAST_ROOM):
        row = (1, 1, 2, number, P_WITHDRAWAL, 10 * number, *(0,) * 9)
        seen.append(growing.add(row))
    for count, of in enumerate(seen, 2):
        assert of["event_no"].tolist() == [0, *range(1, count)] and of["amount_yen"][0] == 5
    assert seen[-1]["amount_yen"][1:].tolist() == [10 * number for number in range(1, 3 * LEAST_ROOM)]


def test_a_day_with_many_ends_and_withdrawals_is_as_one_event_at_a_time():
    asked = [event(number, "withdrawal", sleeve_no=1 + number % 2, amount_yen=1_000 * number) for number in range(1, 30)]
    ends = [event(40, "sleeve_closed", sleeve_no=1, target_sleeve_no=2), event(41, "withdrawal", sleeve_no=2, amount_yen=50_000),
            event(42, "terminated", contract_no=1), event(43, "withdrawal", sleeve_no=4, amount_yen=70_000)]
    after, marks, *_ = book(house(), *asked, *ends)
    told = columns(after.payouts, "sleeve_no", "kind_code", "amount_yen", "event_no")
    assert told[:29] == [(1 + number % 2, P_WITHDRAWAL, 1_000 * number, number) for number in range(1, 30)]
    assert told[29:] == [(2, P_WITHDRAWAL, 50_000, 41), *((number, P_TERMINATION, 0, 42) for number in (1, 2)),
                         (4, P_WITHDRAWAL, 70_000, 43)]
    assert marks["refused"] == set()
