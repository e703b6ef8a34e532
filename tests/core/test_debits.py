"""core/debits.py and run/debits.py: retries, skips, and what people are told of them."""

from dataclasses import replace
from datetime import date

from tests.cases.debit_retries import FailingBank, one_day, opening, reference
from tests.core.build import books, columns, day, event, sleeve
from tests.core.test_events import book, house
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.debits import RETRY, SKIP, Debits
from tsutsumi.core.schema import empty, frame

SINCE = date(2026, 5, 25)
FIFTH = {"valid_from_date": SINCE, "amount_yen": 10_000, "days_of_month": "5"}
STANDING = ("sleeve_no", "kind_code", "amount_yen", "due_date", "try_count")


def closes(of, bank, state=None, begin=1, end=30, said=None):
    """Close the days of June 2026 from begin to end; returns the books and the alerts by day."""
    state, told = state or opening(), {}
    for number in range(day(f"2026-06-{begin:02}"), day(f"2026-06-{end:02}") + 1):
        if number in of.timeline.days:
            state, alerts = one_day(of, state, number, bank, (said or {}).get(number, []))
            told |= {number: alerts} if alerts else {}
    return state, told


def test_the_alert_names_the_retry_and_the_last_failure_asks_for_a_call():
    bank = FailingBank({day("2026-06-05"), day("2026-06-10"), day("2026-06-15")})
    state, told = closes(reference([FIFTH], 3, 2), bank)
    texts = [(alerts[0].cause, alerts[0].cure) for alerts in told.values()]
    assert list(told) == sorted(bank.failing)
    assert texts[0] == ("the debit of 10,000 yen failed", "nothing: retry 1 is on 2026-06-10")
    assert texts[1] == ("the debit of 10,000 yen failed", "nothing: retry 2 is on 2026-06-15")
    assert texts[2][0].endswith("the last of 2 retries") and texts[2][1].startswith("call the customer")
    assert columns(state.debit_states, *STANDING) == []


def test_a_retry_stands_until_its_day_and_holds_its_yen():
    of, bank = reference([FIFTH], 3, 2), FailingBank({day("2026-06-05")})
    state, _ = closes(of, bank, end=9)
    assert columns(state.debit_states, *STANDING) == [(1, RETRY, 10_000, day("2026-06-10"), 1)]
    state, told = closes(of, bank, state, 10, 30)
    assert columns(state.debit_states, *STANDING) == [] and told == {}
    assert bank.asked == [(day("2026-06-05"), 1, 10_000, 0), (day("2026-06-10"), 1, 10_000, 1)]


def test_two_debits_of_a_sleeve_that_fail_together_are_one_retry_of_their_sum():
    """The 31st of May, a Sunday, under the first row moves to the 1st of June, on which the second row has its own day."""
    plans = [{"valid_from_date": SINCE, "amount_yen": 4_000, "days_of_month": "31"},
             {"valid_from_date": date(2026, 6, 1), "amount_yen": 6_000, "days_of_month": "1"}]
    bank = FailingBank({day("2026-06-01")})
    state, told = closes(reference(plans, 3, 1), bank, end=3)
    assert [amount for _, _, amount, _ in bank.asked] == [4_000, 6_000] and len(told[day("2026-06-01")]) == 2
    assert columns(state.debit_states, *STANDING) == [(1, RETRY, 10_000, day("2026-06-04"), 1)]


def test_a_plan_that_came_in_later_takes_the_place_of_a_retry():
    """Before the retry of the 10th another plan is loaded, with a day on the 9th."""
    bank = FailingBank({day("2026-06-05")})
    state, _ = closes(reference([FIFTH], 3, 2), bank, end=8)
    more = {"valid_from_date": date(2026, 6, 9), "amount_yen": 7_000, "days_of_month": "9"}
    state, told = closes(reference([FIFTH, more], 3, 2), bank, state, 9, 30)
    assert [(on, amount) for on, _, amount, _ in bank.asked] == [(day("2026-06-05"), 10_000), (day("2026-06-09"), 7_000)]
    assert [alert.cause for alert in told[day("2026-06-09")]] == ["the retry of 10,000 yen is not made: a plan day comes first"]
    assert columns(state.debit_states, *STANDING) == [] and list(told) == [day("2026-06-09")]


def test_a_failure_on_the_plan_day_that_took_its_place_begins_anew():
    bank = FailingBank({day("2026-06-05"), day("2026-06-09")})
    state, _ = closes(reference([FIFTH], 3, 2), bank, end=8)
    more = {"valid_from_date": date(2026, 6, 9), "amount_yen": 7_000, "days_of_month": "9"}
    state, told = closes(reference([FIFTH, more], 3, 2), bank, state, 9, 9)
    assert columns(state.debit_states, *STANDING) == [(1, RETRY, 7_000, day("2026-06-12"), 1)] and len(told[day("2026-06-09")]) == 2


def test_no_retry_before_the_next_plan_day_says_so():
    of = reference([FIFTH | {"days_of_month": "5;10"}], 3, 2)
    _, told = closes(of, FailingBank({day("2026-06-05")}))
    assert [alert.cure.partition(":")[0] for alert in told[day("2026-06-05")]] == ["no retry before the next plan day"]


def test_a_failed_fee_of_the_same_sleeve_and_day_is_told_as_ever():
    outcome = frame("debit_states", [(1, 1, RETRY, 10_000, day("2026-06-10"), 1)])
    debits = Debits(empty("debit_states"), outcome, day("2026-06-05"))
    failed = {"event_no": 0, "sleeve_no": 1, "amount_yen": 10_000}
    assert debits.failure(failed | {"event_no": 8})[1].startswith("the next plan day")
    assert debits.failure(failed)[1] == "nothing: retry 1 is on 2026-06-10"
    assert debits.failure(failed | {"amount_yen": 70})[1].startswith("the next plan day")
    assert columns(debits.after(opening(), Alerts()), *STANDING) == [(1, RETRY, 10_000, day("2026-06-10"), 1)]


def test_a_skip_waits_for_its_plan_day_and_is_refused_twice_until_then():
    skip = event(7, "instalment_skipped", sleeve_no=1)
    state, marks, _, _, alerts = book(house(), skip, event(8, "instalment_skipped", sleeve_no=1))
    assert columns(state.debit_states, "account_no", *STANDING) == [(1, 1, SKIP, 0, 0, 0)] and marks["refused"] == {8}
    assert "skipped already" in alerts[0].cause
    again, marks, *_ = book(replace(state, day=state.day), event(9, "instalment_skipped", sleeve_no=1))
    assert marks["refused"] == {9} and columns(again.debit_states, "sleeve_no") == [(1,)]


def test_a_closing_sleeve_keeps_neither_retry_nor_skip():
    retry = {"kind_code": RETRY, "amount_yen": 10_000, "due_date": day("2027-01-20"), "try_count": 1}
    rows = [{"account_no": 1, "sleeve_no": 1} | row for row in (retry, {"kind_code": SKIP})]
    both = house(debit_states=rows)
    assert columns(book(both)[0].debit_states, "kind_code") == [(RETRY,), (SKIP,)]
    after, marks, *_ = book(both, event(3, "sleeve_closed", sleeve_no=1))
    assert marks["refused"] == set() and columns(after.debit_states, "kind_code") == []


def test_a_sleeve_that_is_closing_is_asked_for_nothing():
    bank = FailingBank({day("2026-06-05")})
    of = reference([FIFTH], 3, 2)
    state, _ = closes(of, bank, end=8)
    closing = books("2026-06-08", sleeve(1, opened_date=day("2026-05-01"), status_code=1), sleeve(2, opened_date=day("2026-05-01")))
    closes(of, bank, replace(closing, debit_states=state.debit_states), 9, 30)
    assert len(bank.asked) == 1


def test_a_skipped_sleeve_does_not_skip_for_its_neighbour():
    of, bank = reference([FIFTH, FIFTH | {"sleeve_no": 2, "amount_yen": 3_000}], 3, 2), FailingBank({day("2026-06-05")})
    said = {day("2026-06-02"): [event(7, "instalment_skipped", sleeve_no=1)]}
    state, _ = closes(of, bank, said=said)
    assert bank.asked == [(day("2026-06-05"), 2, 3_000, 0), (day("2026-06-10"), 2, 3_000, 1)]
    assert columns(state.debit_states, *STANDING) == []
