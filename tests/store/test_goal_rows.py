"""Files of goals: what goes in, and what is refused at the door."""

from datetime import date

import pytest

from tests.store.files import FILES, load, refusals
from tsutsumi.core.calendar import epoch_day
from tsutsumi.run.goal_book import GOAL_TABLES, GoalBook, a_month, target_of_then
from tsutsumi.run.history import rows_of

GOALS = "goal_id,sleeve_id,name,priority\ng1,s1,老後,1\ng2,s2,学費,2\n"
TARGETS = (
    "goal_id,valid_from_date,target_yen,target_kind,target_date,inflation_ppm,want_ppm,floor_yen\n"
    "g1,2026-09-01,20000000,real,2046-09-01,10000,800000,5000000\ng2,2026-09-01,0,nominal,2036-09-01,0,900000,0\n"
)
ASSUMED = "model_id,valid_from_date,mean_ppm,risk_ppm,source\ngrowth,2026-09-01,50000,150000,sample\n"
GATES = (
    "program_id,valid_from_date,contract_ppm,right_low_ppm,right_high_ppm,alert_ppm,hysteresis_ppm\n"
    "wrap,2026-09-01,700000,700000,900000,500000,40000\n"
)
WHOLE = {"goals": GOALS, "goal_targets": TARGETS, "model_assumptions": ASSUMED, "goal_gates": GATES}


@pytest.fixture
def filled(house):
    """A house with the reference data of the tests."""
    assert refusals(load(house, **FILES)) == []
    return house


def test_goals_go_in_once_and_are_in_force_from_their_day(filled):
    report = load(filled, **WHOLE)
    assert refusals(report) == [] and report.accepted == 6 and load(filled, **WHOLE).known == 6
    book = GoalBook(rows_of(filled, *GOAL_TABLES, "plans", "sleeves", "programs", "models", "contracts"))
    first = epoch_day(date(2026, 9, 1))
    goals, before = book.on(first, first - 1), book.on(first - 1, first - 4)
    assert goals.goals["want_ppm"].tolist() == [800_000, 900_000] and goals.gates["alert_ppm"].max() == 650_000
    assert goals.gates["alert_ppm"][1] == 500_000
    assert goals.goals["target_yen"].tolist() == [int(20_000_000 * 1.01 ** (7305 / 365.25) + 0.5), 0]
    assert goals.risk_ppm.max() == 150_000 and (goals.risk_ppm == -1).any(), "a model without assumptions"
    assert goals.instalment_yen.tolist() == [0, 30_000, 0, 0]
    assert before.goals["goal_no"].size == 0 and before.gates["alert_ppm"][1] == 650_000
    assert goals.goals["floor_yen"].tolist() == [int(5_000_000 * 1.01 ** (7305 / 365.25) + 0.5), 0]


def test_a_pause_by_terms_means_no_drawing_whatever_the_plan_says(filled):
    plan = "sleeve_id,kind,valid_from_date,amount_yen\ns2,drawing,2026-09-01,50000\n"
    terms = "sleeve_id,valid_from_date,rule_kind,amount_yen,until_date\n"
    terms += "s2,2026-09-05,fixed-amount,0,2026-09-20\ns2,2026-10-01,fixed-amount,0,\ns2,2026-11-01,fixed-amount,30000,\n"
    assert refusals(load(filled, **WHOLE, plans=plan, drawing_terms=terms)) == []
    book = GoalBook(rows_of(filled, *GOAL_TABLES, "plans", "drawing_terms", "sleeves", "programs", "models", "contracts"))

    def drawn(*day: int) -> int:
        today = epoch_day(date(2026, *day))
        return book.on(today, today).drawing_yen.max()

    assert [drawn(9, 4), drawn(9, 5), drawn(9, 20), drawn(9, 21), drawn(10, 1), drawn(11, 1)] == [50_000, 0, 0, 50_000, 0, 50_000]


@pytest.mark.parametrize(("files", "says"), [
    ({"goals": GOALS.replace("g2,s2", "g2,s1")}, "s1 has goal g1 already"),
    ({"goals": GOALS.replace("g2,s2", "g2,s9")}, "'s9' is unknown in sleeves"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("2036-09-01", "2026-09-01")}, "2026-09-01 is not after 2026-09-01"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("5000000", "20000000")}, "are not below the target"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("900000,0", "900000,1")}, "only has to last"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("900000", "1000000")}, "1000000 is out of range"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("800000", "0")}, "0 is out of range"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("20000000", "-1")}, "-1 is out of range"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("real", "true")}, "'true' is unknown"),
    ({"goals": GOALS, "goal_targets": TARGETS.replace("g2", "g3")}, "'g3' is unknown in goals"),
    ({"model_assumptions": ASSUMED.replace("150000", "-1")}, "-1 is out of range"),
    ({"model_assumptions": ASSUMED.replace("50000,1", "-1000000,1")}, "-1000000 is out of range"),
    ({"goal_gates": GATES.replace("500000", "700001")}, "not ascending"),
])
def test_what_cannot_be_is_refused_with_its_reason(filled, files, says):
    found = refusals(load(filled, **files))
    assert len(found) == 1 and says in found[0], found


def test_a_target_of_any_inflation_stays_a_number_of_the_books():
    assert target_of_then(10**12, "real", 1_000_000, 0, 80_000) == 10**15
    assert target_of_then(10**12, "real", -500_000, 0, 80_000) == 0


def test_a_plan_of_many_days_is_a_month_of_all_of_them():
    assert a_month({"amount_yen": 0, "bonus_yen": 50_000, "bonus_months": "6;12", "days_of_month": ""}) == 0, "a pause"
    assert a_month({"amount_yen": 5_000, "bonus_yen": 50_000, "bonus_months": "6;12", "days_of_month": "10;25"}) == 18_333
