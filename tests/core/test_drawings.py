"""Regular drawings become payouts in time for their day: the fund needs till 12-16 if asked on 12-07, three days from now.

What each kind of terms draws stands in docs/rules/saving-and-drawing.md; here is how terms meet other payouts, plans and cash.
"""

from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import FIRST, LAST, NONE_APPROVED, books, columns, day, rules, sleeve
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import drop_sleeves
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.drawing_rules import DrawingRule
from tsutsumi.core.drawings import create_drawings, reserve_for_drawings
from tsutsumi.core.plans import plan_dates
from tsutsumi.core.promises import P_DRAWING
from tsutsumi.core.rules import TermDrawing
from tsutsumi.run.drawing_book import DrawingBook

TODAY = "2026-12-02"


def plan(on, amount=100_000, number=1, planned=None):
    return day(on), number, amount, day(planned or on)


def house(**said):
    return books(TODAY, sleeve(1, value_yen=1_000_000, cash_yen=1_000_000, **said.pop("first", {})),
                 sleeve(2, value_yen=1_000_000, cash_yen=1_000_000, model_no=NONE_APPROVED), **said)


def created(*plans, of=None, **said):
    alerts = Alerts()
    after = create_drawings(of or house(), rules(TODAY, drawings=plans, **said), alerts)
    return columns(after.payouts, "sleeve_no", "amount_yen", "promised_date"), [alert.kind for alert in alerts.rows]


def test_a_drawing_is_made_on_the_first_evening_that_could_not_wait_three_more_days():
    assert created(plan("2026-12-16")) == ([], [])
    assert created(plan("2026-12-15")) == ([(1, 100_000, day("2026-12-15"))], [])


def test_where_nothing_must_be_sold_it_is_made_three_days_before():
    assert created(plan("2026-12-08", number=2)) == ([], [])
    assert created(plan("2026-12-07", number=2))[0] == [(2, 100_000, day("2026-12-07"))]


def test_a_drawing_is_made_once_and_bears_no_event():
    made = {"sleeve_no": 1, "kind_code": P_DRAWING, "amount_yen": 100_000, "promised_date": day("2026-12-15"),
            "first_promised_date": day("2026-12-15")}
    assert len(created(plan("2026-12-15"), of=house(payouts=[made]))[0]) == 1
    moved = made | {"promised_date": day("2026-12-21")}
    assert len(created(plan("2026-12-15"), of=house(payouts=[moved]))[0]) == 1, "it is known by its first promised date"
    after = create_drawings(house(), rules(TODAY, drawings=[plan("2026-12-15")]), Alerts())
    assert columns(after.payouts, "event_no", "kind_code", "requested_date") == [(0, P_DRAWING, day(TODAY))]


def test_a_drawing_above_the_limit_is_refused_with_an_alert_and_counts_what_was_made_before():
    assert created(plan("2026-12-15", 900_000)) == ([(1, 900_000, day("2026-12-15"))], [])
    assert created(plan("2026-12-15", 900_001)) == ([], ["drawing_refused"])
    both = created(plan("2026-12-15", 360_001), plan("2026-12-14", 600_000))
    assert both == ([(1, 600_000, day("2026-12-14"))], ["drawing_refused"])
    assert created(plan("2026-12-15", 360_000), plan("2026-12-14", 600_000))[1] == []


def test_only_open_sleeves_that_were_open_before_the_plan_day_draw():
    assert created(plan("2026-12-07", number=9)) == ([], [])
    assert created(plan("2026-12-07"), of=house(first={"status_code": 1})) == ([], [])
    late = house(first={"opened_date": day("2026-12-05")})
    assert created(plan("2026-12-07", planned="2026-12-05"), of=late)[0] == [], "planned on a Saturday, moved to Monday"
    assert len(created(plan("2026-12-07", planned="2026-12-06"), of=late)[0]) == 1


def test_what_will_be_drawn_within_sixty_days_is_not_invested():
    plans = [plan("2026-12-15", 10), plan("2027-01-29", 20), plan("2027-02-01", 40), plan("2027-01-15", 80, number=2)]
    assert day("2027-01-31") == day(TODAY) + 60
    made = {"sleeve_no": 1, "kind_code": P_DRAWING, "amount_yen": 10, "first_promised_date": day("2026-12-15")}
    assert reserve_for_drawings(house(), rules(TODAY, drawings=plans)).tolist() == [30, 80]
    assert reserve_for_drawings(house(payouts=[made]), rules(TODAY, drawings=plans)).tolist() == [20, 80]


# ---- by terms

SHARE, RAILS = DrawingRule("fixed-percentage", rate_ppm=120_000), DrawingRule("guardrails", rate_ppm=120_000)


def terms(on, rule=SHARE, number=1, planned=None, since="2026-11-03", left=0):
    """A coming drawing; 12 % a year is 1 % a month."""
    return TermDrawing(day(on), number, day(planned or on), day(since), left, rule)


def by_terms(*coming, of=None, plans=(), **said):
    alerts = Alerts()
    after = create_drawings(of or house(), rules(TODAY, drawings=plans, drawing_terms=coming, **said), alerts)
    return columns(after.payouts, "sleeve_no", "amount_yen", "promised_date"), [alert.kind for alert in alerts.rows], after


def test_terms_are_made_into_a_payout_on_the_evening_on_which_a_plan_would_be():
    assert by_terms(terms("2026-12-16"))[0] == []
    assert by_terms(terms("2026-12-15"))[0] == [(1, 10_000, day("2026-12-15"))]
    assert by_terms(terms("2026-12-15"), of=house(first={"status_code": 1}))[0] == []
    assert by_terms(terms("2026-12-15"), of=house(first={"opened_date": day("2026-12-15")}))[0] == []


def test_terms_are_made_once_whatever_the_value_does_then():
    made = {"sleeve_no": 1, "kind_code": P_DRAWING, "amount_yen": 9_000, "first_promised_date": day("2026-12-15")}
    assert by_terms(terms("2026-12-15"), of=house(payouts=[made]))[0] == [(1, 9_000, 0)]


def test_terms_draw_from_what_open_payouts_and_dues_leave():
    asked = {"sleeve_no": 1, "kind_code": 1, "event_no": 7, "amount_yen": 300_000, "promised_date": day("2026-12-20")}
    due = {"sleeve_no": 1, "amount_yen": 100_000, "charged_date": day("2026-12-01"), "due_date": day("2026-12-04")}
    found = by_terms(terms("2026-12-15"), of=house(payouts=[asked], dues=[due]))[0]
    assert (1, 6_000, day("2026-12-15")) in found


def test_the_earlier_of_two_business_days_is_taken_off_before_the_later():
    found, told, _ = by_terms(terms("2026-12-15"), terms("2026-12-14"))
    assert found == [(1, 10_000, day("2026-12-14")), (1, 9_900, day("2026-12-15"))] and told == []


def test_what_comes_to_one_business_day_is_one_payout_of_the_sum():
    plans = [plan("2026-12-14", 50_000, planned="2026-12-12")]  # a Saturday
    found, told, _ = by_terms(terms("2026-12-14", planned="2026-12-13"), plans=plans)
    assert found == [(1, 59_500, day("2026-12-14"))] and told == [], "1 % of what the plan leaves"
    after = by_terms(terms("2026-12-14"), plans=[plan("2026-12-14", 895_000, planned="2026-12-12")])
    assert after[0] == [(1, 896_050, day("2026-12-14"))] and after[1] == []
    over = by_terms(terms("2026-12-14"), plans=[plan("2026-12-14", 900_500, planned="2026-12-12")])
    assert over[0] == [(1, 900_000, day("2026-12-14"))] and over[1] == ["drawing_cut"]
    two = created(plan("2026-12-14", 30, planned="2026-12-12"), plan("2026-12-14", 40))
    assert two == ([(1, 70, day("2026-12-14"))], []), "two rows of a plan too"


def test_guardrails_go_on_from_the_books_and_leave_other_sleeves_alone():
    kept = [{"account_no": 1, "sleeve_no": 2, "last_yen": 5, "review_date": day("2026-11-07")}]
    after = by_terms(terms("2026-12-15", RAILS), of=house(drawing_states=kept))[2]
    assert columns(after.drawing_states, "account_no", "sleeve_no", "last_yen", "review_date") == [
        (1, 1, 10_000, day("2026-12-15")), (1, 2, 5, day("2026-11-07")),
    ]
    again = by_terms(terms("2026-12-07", RAILS, 2, since="2026-11-01"), of=house(drawing_states=kept))
    assert again[0] == [(2, 5, day("2026-12-07"))] and columns(again[2].drawing_states, "last_yen") == [(5,)]
    moved = terms("2026-12-14", RAILS, planned="2026-12-12")
    assert columns(by_terms(moved)[2].drawing_states, "review_date") == [(day("2026-12-12"),)], "the day before it is moved"


def test_the_state_of_guardrails_ends_with_its_sleeve():
    empty = {"value_yen": 0, "cash_yen": 0}
    kept = [{"account_no": 1, "sleeve_no": number, "last_yen": 5, "review_date": day("2026-11-07")} for number in (1, 2)]
    of = books(TODAY, sleeve(1, **empty), sleeve(2, **empty), drawing_states=kept)
    assert drop_sleeves(of, np.array([True, False])).drawing_states["sleeve_no"].tolist() == [2]


def test_what_terms_would_draw_tonight_within_sixty_days_is_not_invested():
    coming = [terms(on) for on in ("2026-12-15", "2027-01-29", "2027-02-01")] + [
        terms("2027-01-15", DrawingRule("fixed-term"), 2, left=2), terms("2027-01-29", RAILS, 2)]
    asked = {"sleeve_no": 2, "kind_code": 1, "event_no": 7, "amount_yen": 200_000, "promised_date": day("2026-12-20")}
    due = {"sleeve_no": 2, "amount_yen": 100_000, "charged_date": day("2026-12-01"), "due_date": day("2026-12-04")}
    of = house(payouts=[asked], dues=[due])
    assert reserve_for_drawings(of, rules(TODAY, drawing_terms=coming)).tolist() == [20_000, 350_000 + 7_000]


ROWS = st.tuples(st.integers(0, 200), st.integers(0, 400) | st.none(), st.integers(1, 31), st.sampled_from((0, 1)))


@settings(deadline=None, max_examples=60)
@given(st.lists(ROWS, min_size=1, max_size=3, unique_by=lambda row: row[0]))
def test_the_plan_day_decides_which_row_of_terms_counts_and_how_many_are_left(given_rows):
    rows = [{"sleeve_no": 1, "valid_from_date": FIRST + timedelta(days=since), "rule_kind": "fixed-amount", "day_of_month": of,
             "until_date": None if length is None else FIRST + timedelta(days=since + length), "amount_yen": yen}
            for since, length, of, yen in given_rows]
    book, expected = DrawingBook(rows, epoch_day(FIRST), epoch_day(LAST)), []
    for number in range(epoch_day(FIRST), epoch_day(LAST) + 1):
        today = date(1970, 1, 1) + timedelta(days=number)
        begun = [row for row in rows if row["valid_from_date"] <= today]
        row = max(begun, key=lambda row: row["valid_from_date"], default=None)
        in_force = row is not None and (row["until_date"] is None or today <= row["until_date"])
        assert book.in_force(1, number) == in_force and not book.in_force(2, number)
        found = plan_dates(number, number, row["day_of_month"]) if in_force and row["amount_yen"] else []
        for planned, moved in found:
            left = len(plan_dates(planned, epoch_day(row["until_date"]), row["day_of_month"])) if row["until_date"] else 0
            expected.append((moved, planned, epoch_day(row["valid_from_date"]), left))
    assert [(one.date, one.planned_date, one.since_date, one.months_left) for one in book.drawings] == expected
