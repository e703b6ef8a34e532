"""`tsutsumi advice --customer` from end to end: all goals of a customer, the split of payments, and what a close makes of it."""

import json
import shutil
from datetime import date as Date

import numpy as np
import pytest
from sqlalchemy import select

from tests.app.advised_house import rows, told
from tests.days.small_house import FIRST, house_rows
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.goal_dates import months_left_ppm
from tsutsumi.core.goals.priorities import utility_rows
from tsutsumi.core.goals.within import odds
from tsutsumi.run import customer_split
from tsutsumi.run.close_day import close_through
from tsutsumi.run.goal_book import GOAL_TABLES
from tsutsumi.store.database import create_house, open_house, transaction
from tsutsumi.store.day_tables import load_books, load_day
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import advice_answers, model_assumptions, models, plans, program_models

SETUP, EARLY, TOLD, NEXT = Date(2018, 1, 12), Date(2018, 1, 24), Date(2018, 1, 31), Date(2018, 2, 1)
CUSTOMER, SLEEVES = "C000013", (12, 13, 14)      # 12 and 13 on one account, 14 on another, of another program
TWICE, EMPTY = {"days_of_month": "5;20", "bonus_months": "6;12", "bonus_yen": 60_000}, {
    "days_of_month": "", "bonus_months": "", "bonus_yen": 0}


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A house in which one customer has three goals and two plans, closed to the day that is looked at."""
    folder = tmp_path_factory.mktemp("split") / "house"
    house = create_house(folder, partitions=2)
    with transaction(house) as connection:
        for name, of in house_rows().items():
            kept = [row for row in of if name not in ("plans", "drawing_terms") or row["sleeve_no"] not in SLEEVES]
            if name not in GOAL_TABLES and kept:
                insert_rows(connection, name, kept)
    close_through(house, SETUP)
    books = load_books(house, SETUP)
    value = {sleeve: int(books.sleeves["value_yen"][books.row_of_sleeve[sleeve]]) for sleeve in SLEEVES}
    goals = (  # goal_no, sleeve, priority, wish and essential above the value, years, kind
        (1, 12, 2, 6_000_000, 3_000_000, 8, "nominal"), (2, 13, 1, 8_000_000, 5_000_000, 10, "real"),
        (3, 14, 3, 2_000_000, 0, 12, "nominal"),
    )
    with transaction(house) as connection:
        offered = sorted({row.model_no for row in connection.execute(select(program_models))})
        insert_rows(connection, "goals", [
            {"goal_no": number, "goal_id": f"G{number:03}", "sleeve_no": sleeve, "name": f"目標 {number}", "priority": priority}
            for number, sleeve, priority, *_ in goals
        ])
        insert_rows(connection, "goal_targets", [
            {"goal_no": number, "valid_from_date": Date(2018, 1, 15), "target_yen": value[sleeve] + wish, "target_kind": kind,
             "target_date": Date(2018 + years, 3, 31), "inflation_ppm": 10_000, "want_ppm": 800_000,
             "floor_yen": value[sleeve] + floor if floor else 0} for number, sleeve, _, wish, floor, years, kind in goals
        ])
        insert_rows(connection, "model_assumptions", [
            {"model_no": model, "valid_from_date": FIRST, "mean_ppm": 15_000 + 2_000 * k, "risk_ppm": 30_000 + 9_000 * k}
            for k, model in enumerate(offered)
        ])
        insert_rows(connection, "plans", [
            {"sleeve_no": sleeve, "kind": "instalment", "valid_from_date": Date(2018, 1, 15), "amount_yen": yen, "day_of_month": 26}
            | more for sleeve, yen, more in ((12, 90_000, EMPTY), (13, 15_000, TWICE))
        ])
    close_through(house, TOLD)
    house.engine.dispose()
    return folder


@pytest.fixture
def folder(closed, tmp_path):
    """A copy of the closed house."""
    shutil.copytree(closed, tmp_path / "house")
    return tmp_path / "house"


@pytest.fixture(autouse=True)
def utilities_of_then(monkeypatch):
    """The table of priorities is in force from 2020 on, the house lives in 2018."""
    earlier = [row | {"valid_from_date": FIRST} for row in utility_rows()]
    monkeypatch.setattr(customer_split, "utility_rows", lambda: earlier)


def seen(capsys, folder, *words: str) -> dict:
    """Return what `tsutsumi advice --customer --json` says."""
    code, out, err = told(capsys, folder, "--customer", CUSTOMER, *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def added(folder, name: str, *new: dict) -> None:
    """Insert rows."""
    house = open_house(folder)
    with transaction(house) as connection:
        insert_rows(connection, name, new)
    house.engine.dispose()


def on_day(folder, day: Date) -> dict[str, dict]:
    """Return the day's rows of the goals by goal_id, closing the house to it."""
    house = open_house(folder)
    close_through(house, day)
    table = load_day(house, day)["goals"]
    house.engine.dispose()
    found = [{name: int(column[k]) for name, column in table.items()} for k in range(table["goal_no"].size)]
    return {f"G{row['goal_no']:03}": row for row in found}


def chance(row: dict, monthly_yen: int, target: str, day: Date = TOLD) -> int:
    """Return the probability of a row of the close with another payment a month."""
    course = row["value_yen"], monthly_yen, row[target], months_left_ppm(epoch_day(day), row["target_date"])
    return int(odds(*(np.array([figure]) for figure in (*course, row["mean_ppm"], row["risk_ppm"])))[0])


def test_all_goals_stand_by_priority_with_what_the_close_told(capsys, closed):
    found, stored = seen(capsys, closed), on_day(closed, TOLD)
    assert [goal["goal_id"] for goal in found["goals"]] == ["G002", "G001", "G003"] and found["date"] == str(TOLD)
    for goal in found["goals"]:
        row = stored[goal["goal_id"]]
        same = ("probability_ppm", "value_yen", "monthly_yen", "target_yen", "floor_yen")
        assert {name: goal[name] for name in same} == {name: row[name] for name in same}
        assert goal["floor_ppm"] == (row["floor_ppm"] if row["floor_ppm"] >= 0 else None) and goal["fixed"] == ""
    assert [goal["payment_yen"] for goal in found["goals"]] == [30_000, 90_000, 0] and found["total_yen"] == 120_000


def test_the_split_is_of_the_same_money_by_priority_and_keeps_what_it_says(capsys, closed):
    found, stored = seen(capsys, closed), on_day(closed, TOLD)
    first, second, third = found["goals"]
    assert sum(goal["split"]["yen"] for goal in found["goals"]) + found["left_yen"] == 120_000 and found["changed_count"] >= 2
    for goal in found["goals"]:
        row, monthly = stored[goal["goal_id"]], goal["monthly_yen"] - goal["payment_yen"] + goal["split"]["yen"]
        assert goal["split"]["probability_ppm"] == chance(row, monthly, "target_yen")
        assert goal["split"]["floor_ppm"] == (chance(row, monthly, "floor_yen") if goal["floor_yen"] else None)
        assert goal["split"]["ja"] and "yen a month" in goal["split"]["en"]
    assert first["floor_ppm"] < 800_000 <= first["split"]["floor_ppm"], "the first essential amount reaches what is wanted"
    assert first["split"]["yen"] % 2 == 0 and first["split"]["yen"] > 30_000
    assert third["split"]["yen"] == 0 or third["split"]["yen"] >= 1_000
    lines = told(capsys, closed, "--customer", CUSTOMER)[1]
    assert "同じ毎月 120,000 円の配分" in lines and "円に（" in lines and "--accept split" in lines and "必要額" in lines


def test_savings_move_within_an_account_only_and_the_pot_is_shown_beside(capsys, closed):
    found = seen(capsys, closed)
    accounts = {goal["goal_id"]: goal["account_id"] for goal in found["goals"]}
    for move in found["transfers"]:
        assert accounts[move["from_goal_id"]] == accounts[move["to_goal_id"]] == move["account_id"] and move["yen"] > 0
    for account in set(accounts.values()):
        mine = [goal for goal in found["goals"] if goal["account_id"] == account]
        assert sum(goal["with_transfers"]["yen"] for goal in mine) == sum(goal["value_yen"] for goal in mine)
    pot = found["pot"]
    assert found["pot_error"] == "" and [row["name"] for row in pot["goals"]] == ["G002", "G001", "G003"]
    for row, goal in zip(pot["goals"], found["goals"], strict=True):
        assert (row["essential_probability"] is None) == (goal["floor_yen"] == 0)
        assert row["essential_probability"] is None or row["essential_probability"] >= row["probability"]
    assert "ひとつの財布" in told(capsys, closed, "--customer", CUSTOMER)[1]


def test_what_payments_cannot_do_transfers_may(capsys, folder):
    old = on_day(folder, TOLD)["G002"]
    added(folder, "goal_targets", {
        "goal_no": 2, "valid_from_date": NEXT, "target_yen": old["value_yen"] + 15_000_000, "target_kind": "nominal",
        "target_date": Date(2028, 3, 31), "inflation_ppm": 0, "want_ppm": 800_000, "floor_yen": old["value_yen"] + 12_000_000,
        "source": "試験",
    })
    on_day(folder, NEXT)
    found = seen(capsys, folder)
    (move,) = found["transfers"]
    assert (move["from_goal_id"], move["to_goal_id"], move["account_id"]) == ("G001", "G002", found["goals"][0]["account_id"])
    first, second, third = found["goals"]
    assert first["with_transfers"]["yen"] == first["value_yen"] + move["yen"]
    assert second["with_transfers"]["yen"] == second["value_yen"] - move["yen"]
    assert third["with_transfers"]["yen"] == third["value_yen"], "another account"
    assert first["with_transfers"]["floor_ppm"] > first["split"]["floor_ppm"]
    assert second["with_transfers"]["floor_ppm"] >= 800_000
    code, out, _ = told(capsys, folder, "--customer", CUSTOMER)
    assert code == 0 and f"G001 目標 1 → G002 目標 2 {move['yen']:,} 円" in out


def test_an_accepted_split_is_in_force_from_the_next_day_and_the_close_tells_what_was_promised(capsys, folder):
    before = seen(capsys, folder)
    code, out, err = told(capsys, folder, "--customer", CUSTOMER, "--accept", "split", "--by", " 田中　一郎 ", "--note", "面談",
                          "--date", str(TOLD))
    assert (code, err) == (0, "") and "受諾 accepted" in out and f"{NEXT} から" in out
    written = {row.sleeve_no: row for row in rows(folder, plans, plans.c.valid_from_date == NEXT, plans.c.sleeve_no.in_(SLEEVES))}
    stored, after = on_day(folder, TOLD), on_day(folder, NEXT)
    changed = [goal for goal in before["goals"] if goal["split"]["yen"] != goal["payment_yen"]]
    assert len(written) == len(changed) == before["changed_count"]
    for goal in changed:
        old, new, row = stored[goal["goal_id"]], after[goal["goal_id"]], written[int(goal["sleeve_id"][1:])]
        days = 2 if row.days_of_month else 1
        assert row.amount_yen * days == goal["split"]["yen"] and new["monthly_yen"] - old["monthly_yen"] == (
            goal["split"]["yen"] - goal["payment_yen"])
        assert goal["split"]["probability_ppm"] == chance(old, new["monthly_yen"], "target_yen")
    assert (written[13].days_of_month, written[13].bonus_months, written[13].bonus_yen) == ("5;20", "6;12", 60_000)
    kept = rows(folder, advice_answers)
    assert {(row.kind, row.answer, row.made_by, row.note, row.date, row.effective_date) for row in kept} == {
        ("split", "accepted", "田中 一郎", "面談", TOLD, NEXT)}
    assert {f"G{row.goal_no:03}" for row in kept} == {goal["goal_id"] for goal in changed}


def test_the_same_answer_again_changes_nothing_and_another_is_refused(capsys, folder):
    words = ("--customer", CUSTOMER, "--by", "tanaka")
    assert told(capsys, folder, *words, "--accept", "split")[0] == 0
    before = rows(folder, advice_answers), rows(folder, plans)
    code, out, _ = told(capsys, folder, *words, "--accept", "split")
    assert code == 0 and "Answered already" in out and (rows(folder, advice_answers), rows(folder, plans)) == before
    code, _, err = told(capsys, folder, *words, "--decline", "split")
    assert code == 2 and "accepted by tanaka" in err and err.count("\n") == 1
    assert {goal["fixed"] for goal in seen(capsys, folder)["goals"]} >= {"answered"}


def test_a_declined_split_is_kept_and_writes_no_plan(capsys, folder):
    plans_before = rows(folder, plans)
    code, out, _ = told(capsys, folder, "--customer", CUSTOMER, "--decline", "split", "--by", "tanaka", "--json")
    assert code == 0 and json.loads(out)["answer"] == "declined" and rows(folder, plans) == plans_before
    assert {row.answer for row in rows(folder, advice_answers)} == {"declined"}
    assert all(goal["fixed"] == "" for goal in seen(capsys, folder)["goals"])


def test_options_of_before_the_split_are_old(capsys, folder):
    code, out, _ = told(capsys, folder, "--all", "--json")
    mine = [one for one in json.loads(out)["advice"] if any(option["state"] == "unread" for option in one["options"])]
    assert code == 0 and {one["goal_id"] for one in mine} >= {"G001"}
    assert told(capsys, folder, "--customer", CUSTOMER, "--accept", "split", "--by", "x")[0] == 0
    every = json.loads(told(capsys, folder, "--all", "--json")[1])["advice"]
    changed = {f"G{row.goal_no:03}" for row in rows(folder, advice_answers)}
    states = {option["state"] for one in every if one["goal_id"] in changed for option in one["options"]}
    assert states <= {"superseded", "set_aside"} and states
    kind = mine[0]["options"][0]["kind"]
    goal = next(one["goal_id"] for one in mine if one["goal_id"] in changed)
    code, _, err = told(capsys, folder, "--accept", goal, "--kind", kind, "--by", "x")
    assert code == 2 and "split" in err


def test_a_goal_beyond_what_suits_keeps_its_payment_and_the_pot_keeps_within_the_limit(capsys, folder):
    found = seen(capsys, folder)
    contract = next(row["contract_no"] for row in house_rows()["sleeves"] if row["sleeve_no"] == 12)
    added(folder, "contract_limits", {"contract_no": contract, "valid_from_date": NEXT, "most_risk_ppm": 35_000, "source": "試験"})
    on_day(folder, NEXT)
    again = seen(capsys, folder)
    beyond = [goal for goal in again["goals"] if goal["contract_id"] == found["goals"][1]["contract_id"]]
    assert beyond and all(goal["fixed"] == "unsuitable" and goal["split"]["yen"] == goal["payment_yen"] for goal in beyond)
    assert all(goal["with_transfers"]["yen"] == goal["value_yen"] for goal in beyond)
    names = {row.model_no: row.model_id for row in rows(folder, models)}
    risks = {names[row.model_no]: row.risk_ppm for row in rows(folder, model_assumptions)}
    assert again["pot"] is None or risks[again["pot"]["portfolio"]] <= 35_000
    assert "適合性の上限を超えている" in told(capsys, folder, "--customer", CUSTOMER)[1]


def test_an_earlier_closed_day_can_be_looked_at_but_not_answered(capsys, closed):
    found = seen(capsys, closed, "--date", str(EARLY))
    assert found["date"] == str(EARLY) and len(found["goals"]) == 3
    code, _, err = told(capsys, closed, "--customer", CUSTOMER, "--date", str(EARLY), "--accept", "split", "--by", "x")
    assert code == 2 and "superseded" in err and "--accept split" not in told(
        capsys, closed, "--customer", CUSTOMER, "--date", str(EARLY))[1]


def test_a_plan_that_begins_later_fixes_a_payment(capsys, folder):
    added(folder, "plans", {"sleeve_no": 13, "kind": "instalment", "valid_from_date": Date(2018, 3, 1), "amount_yen": 20_000,
                            "day_of_month": 26} | EMPTY)
    found = {goal["goal_id"]: goal for goal in seen(capsys, folder)["goals"]}
    assert found["G002"]["fixed"] == "later_plan" and found["G002"]["split"]["yen"] == 30_000


def test_a_goal_that_draws_by_terms_raises_its_instalment_not_a_plan_that_does_not_count(capsys, folder):
    added(folder, "plans", {"sleeve_no": 13, "kind": "drawing", "valid_from_date": Date(2018, 1, 15), "amount_yen": 50_000,
                            "day_of_month": 26} | EMPTY)
    added(folder, "drawing_terms", {"sleeve_no": 13, "valid_from_date": Date(2018, 1, 15), "rule_kind": "fixed-amount",
                                    "day_of_month": 26, "until_date": None, "amount_yen": 0, "source": "試験"})
    before = on_day(folder, NEXT)["G002"]
    assert before["monthly_yen"] == 40_000, "a pause means no drawing"
    every = json.loads(told(capsys, folder, "--all", "--json")[1])["advice"]
    option = next(one for goal in every if goal["goal_id"] == "G002" for one in goal["options"] if one["kind"] == "pay_more")
    assert option["state"] == "unread" and option["probability_ppm"] >= 800_000
    assert told(capsys, folder, "--accept", "G002", "--kind", "pay_more", "--by", "x")[0] == 0
    after = on_day(folder, Date(2018, 2, 2))["G002"]
    assert after["monthly_yen"] == 40_000 + option["yen"]


def test_where_surplus_comes_in_the_pages_say_that_it_is_not_foreseen(capsys, folder):
    rule = {"sleeve_no": 12, "to_sleeve_no": 13, "level_kind": "yen", "level_yen": 10_000_000, "surplus_kind": "both",
            "minimum_yen": 10_000, "source": "試験"}
    giver = next(goal["sleeve_id"] for goal in seen(capsys, folder)["goals"] if goal["goal_id"] == "G001")
    added(folder, "surplus_rules", rule | {"valid_from_date": Date(2018, 2, 2)})
    before = told(capsys, folder, "--goal", "G002")[1]
    assert "余剰" not in before + told(capsys, folder, "--customer", CUSTOMER)[1], "not in force yet"
    added(folder, "surplus_rules", rule | {"valid_from_date": TOLD})
    for words in (("--goal", "G002"), ("--customer", CUSTOMER)):
        out = told(capsys, folder, *words)[1]
        assert f"{giver} から" in out and "余剰を見込んでいません" in out and f"surplus of {giver}" in out
    assert [goal["surplus_from"] for goal in seen(capsys, folder)["goals"]] == [[giver], [], []]
    told_of = json.loads(told(capsys, folder, "--goal", "G002", "--json")[1])
    assert told_of["surplus_from"] == [giver] and "余剰" not in told(capsys, folder, "--goal", "G001")[1]
    assert told_of["probability_ppm"] == on_day(folder, TOLD)["G002"]["probability_ppm"], "the figures stay"


@pytest.mark.parametrize(("words", "says"), [
    (("--customer", "C999999"), "customer 'C999999' is unknown"),
    (("--customer", CUSTOMER, "--all"), "do not belong to --customer"),
    (("--customer", CUSTOMER, "--accept", "G001", "--by", "x"), "write --accept split"),
    (("--customer", CUSTOMER, "--accept", "split"), "nobody is named"),
    (("--customer", CUSTOMER, "--by", "x"), "belong to --accept"),
    (("--customer", CUSTOMER, "--accept", "split", "--decline", "split", "--by", "x"), "write --accept split"),
    (("--customer", CUSTOMER, "--date", "2018-01-27"), "2018-01-27 is not closed"),
    (("--customer", CUSTOMER, "--date", "soon"), "'soon' is no date"),
    (("--customer", "C000001", "--accept", "split", "--by", "x"), "nothing to answer"),
])
def test_bad_use_is_one_clear_line(capsys, closed, words, says):
    code, _, err = told(capsys, closed, *words)
    assert code == 2 and says in err and err.count("\n") == 1


def test_a_customer_without_goals_has_an_empty_page(capsys, closed):
    code, out, _ = told(capsys, closed, "--customer", "C000001")
    assert code == 0 and "追っている目標はありません" in out
