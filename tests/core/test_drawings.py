"""Regular drawings become payouts in time for their day: the fund needs till 12-16 if asked on 12-07, three days from now."""

from tests.core.build import NONE_APPROVED, books, columns, day, rules, sleeve
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.drawings import create_drawings, reserve_for_drawings
from tsutsumi.core.promises import P_DRAWING

TODAY = "2026-12-02"


def plan(date, amount=100_000, number=1, planned=None):
    return day(date), number, amount, day(planned or date)


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
