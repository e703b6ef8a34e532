"""`tsutsumi advice` from end to end: advice of a close, its answer, and what the next close makes of it."""

import json
import shutil
from datetime import date as Date

import numpy as np
import pytest
from sqlalchemy import delete, select

from tests.app.advised_house import rows, told
from tests.days.small_house import FIRST, house_rows
from tsutsumi.app.cli.screen import WIDTH, width
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.goal_dates import months_left_ppm
from tsutsumi.core.goals.options import KINDS
from tsutsumi.core.goals.within import odds
from tsutsumi.run.advice_list import READ
from tsutsumi.run.close_day import close_through
from tsutsumi.run.goal_book import GOAL_TABLES
from tsutsumi.run.replay import replay
from tsutsumi.store import audit
from tsutsumi.store.database import create_house, open_house, reading, transaction
from tsutsumi.store.day_tables import load_books, load_day, read_closed_day
from tsutsumi.store.manifest import closed_days
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import (
    advice_answers,
    events,
    goal_targets,
    model_assumptions,
    models,
    plans,
    program_models,
    sleeves,
)

TOLD, NEXT, AFTER = Date(2018, 1, 31), Date(2018, 2, 1), Date(2018, 2, 2)
MEANS, RISKS = (10_000, 25_000, 40_000, 55_000, 65_000), (20_000, 60_000, 110_000, 150_000, 190_000)


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A small house with a goal on every sleeve that opened by then, closed to the day of the advice."""
    folder = tmp_path_factory.mktemp("advice") / "house"
    house = create_house(folder, partitions=2)
    with transaction(house) as connection:
        for name, of in house_rows().items():
            if name not in GOAL_TABLES:
                insert_rows(connection, name, of)
    close_through(house, Date(2018, 1, 12))
    books = load_books(house, Date(2018, 1, 12))
    dice = np.random.default_rng(1)
    with transaction(house) as connection:
        mine = books.sleeves["sleeve_no"].tolist()
        models = sorted({row.model_no for row in connection.execute(select(program_models))})
        insert_rows(connection, "goals", [
            {"goal_no": k + 1, "goal_id": f"G{k + 1:03}", "sleeve_no": sleeve, "name": f"目標 {k + 1}"}
            for k, sleeve in enumerate(mine)
        ])
        value = books.sleeves["value_yen"]
        insert_rows(connection, "goal_targets", [
            {"goal_no": k + 1, "valid_from_date": Date(2018, 1, 15), "target_kind": "real" if k % 3 == 0 else "nominal",
             "target_yen": int(value[k] * dice.uniform(0.9, 2.5)) + 1_000_000,
             "target_date": Date(2018 + int(dice.integers(3, 20)), 3, 31), "inflation_ppm": 10_000, "want_ppm": 800_000}
            for k in range(len(mine))
        ])
        insert_rows(connection, "model_assumptions", [
            {"model_no": model, "valid_from_date": FIRST, "mean_ppm": MEANS[k % 5], "risk_ppm": RISKS[k % 5]}
            for k, model in enumerate(models)
        ])
    close_through(house, TOLD)
    house.engine.dispose()
    return folder


@pytest.fixture
def folder(closed, tmp_path):
    """A copy of the closed house."""
    shutil.copytree(closed, tmp_path / "house")
    return tmp_path / "house"


def listed(capsys, folder, *words: str) -> dict:
    """Return what `tsutsumi advice --json` lists."""
    code, out, err = told(capsys, folder, *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def offered(capsys, folder, kind: str, **wanted) -> dict:
    """Return an open goal with its option of a kind."""
    for goal in listed(capsys, folder)["advice"]:
        for option in goal["options"]:
            if option["kind"] == kind and all(option[name] == value for name, value in wanted.items()):
                return {name: value for name, value in goal.items() if name != "options"} | {"option": option}
    pytest.fail(f"no goal is offered {kind}")


def accepted(capsys, folder, kind: str, **wanted) -> dict:
    """Accept an option of a kind and return the goal."""
    goal = offered(capsys, folder, kind, **wanted)
    code, out, err = told(capsys, folder, "--accept", goal["goal_id"], "--kind", kind, "--by", " 田中　一郎 ", "--note", "電話")
    assert (code, err) == (0, "") and goal["goal_id"] in out
    return goal


def close(folder, day: Date) -> None:
    """Close the house to a day."""
    house = open_house(folder)
    close_through(house, day)
    house.engine.dispose()


def goal_row(folder, day: Date, goal_id: str) -> dict:
    """Return the day's row of a goal."""
    house = open_house(folder)
    table, number = load_day(house, day)["goals"], int(goal_id[1:])
    row = int(np.flatnonzero(table["goal_no"] == number)[0])
    house.engine.dispose()
    return {name: int(column[row]) for name, column in table.items()}


def promised(folder, goal: dict, *changed: str) -> int:
    """Return the probability on the evening of the advice with what the answer has changed since; all else of that evening."""
    day = Date.fromisoformat(goal["date"])
    old, new = goal_row(folder, day, goal["goal_id"]), goal_row(folder, NEXT, goal["goal_id"])
    of = old | {name: new[name] for name in changed}
    months = months_left_ppm(epoch_day(day), of["target_date"])
    course = (of["value_yen"], of["monthly_yen"], of["target_yen"], months, of["mean_ppm"], of["risk_ppm"])
    return int(odds(*(np.array([figure]) for figure in course))[0])


def test_every_option_of_the_list_keeps_what_it_promises(capsys, folder):
    content = listed(capsys, folder)
    kinds = {option["kind"] for goal in content["advice"] for option in goal["options"]}
    assert kinds >= {"pay_more", "pay_once", "later_date", "change_model"} and content["open_count"] == len(content["advice"]) > 10
    for goal in content["advice"]:
        assert [option["rank"] for option in goal["options"]] == list(range(1, len(goal["options"]) + 1))
        assert {option["state"] for option in goal["options"]} == {"unread"}
        for option in goal["options"]:
            assert option["probability_ppm"] >= 800_000 or option["kind"] == "change_model"
            assert option["yen"] % 1_000 == 0 or option["kind"] == "pay_less"
    out = told(capsys, folder)[1]
    assert "未回答 open" in out and "--accept" in out


def test_paying_more_is_in_force_from_the_next_day_and_the_probability_moves_as_told(capsys, folder):
    goal = accepted(capsys, folder, "pay_more")
    before = goal_row(folder, TOLD, goal["goal_id"])
    (row,) = rows(folder, plans, plans.c.sleeve_no == before["sleeve_no"], plans.c.valid_from_date == NEXT)
    close(folder, NEXT)
    after = goal_row(folder, NEXT, goal["goal_id"])
    assert after["monthly_yen"] == before["monthly_yen"] + goal["option"]["yen"]
    assert row.amount_yen in (goal["option"]["yen"] + before["monthly_yen"], -before["monthly_yen"] - goal["option"]["yen"])
    assert promised(folder, goal, "monthly_yen") == goal["option"]["probability_ppm"] and after["payment_ppm"] > 0
    (kept,) = rows(folder, advice_answers)
    said = kept.kind, kept.answer, kept.made_by, kept.note, kept.effective_date
    assert said == ("pay_more", "accepted", "田中 一郎", "電話", NEXT)
    assert goal["goal_id"] not in [one["goal_id"] for one in listed(capsys, folder)["advice"] if one["date"] == goal["date"]]
    every = listed(capsys, folder, "--all")["advice"]
    mine = next(one for one in every if (one["goal_id"], one["date"]) == (goal["goal_id"], goal["date"]))
    states = {one["kind"]: one["state"] for one in mine["options"]}
    assert states.pop("pay_more") == "accepted" and set(states.values()) <= {"set_aside"}


def test_a_change_of_model_is_booked_by_the_next_close(capsys, folder):
    goal = accepted(capsys, folder, "change_model")
    (row,) = rows(folder, events, events.c.kind == "strategy_changed", events.c.date == NEXT)
    close(folder, NEXT)
    house = open_house(folder)
    books = load_books(house, NEXT)
    house.engine.dispose()
    assert books.sleeves["model_no"][books.row_of_sleeve[row.sleeve_no]] == row.model_no
    assert promised(folder, goal, "mean_ppm", "risk_ppm") == goal["option"]["probability_ppm"]
    assert goal_row(folder, NEXT, goal["goal_id"])["assumption_ppm"] > 0


def test_a_later_date_is_a_new_target_and_a_real_one_keeps_what_it_buys(capsys, folder):
    for goal in [one for one in listed(capsys, folder)["advice"] if any(row["kind"] == "later_date" for row in one["options"])][:6]:
        option = next(row for row in goal["options"] if row["kind"] == "later_date")
        assert told(capsys, folder, "--accept", goal["goal_id"], "--kind", "later_date", "--by", "tanaka")[0] == 0
        old, new = sorted(rows(folder, goal_targets, goal_targets.c.goal_no == int(goal["goal_id"][1:])),
                          key=lambda row: row.valid_from_date)
        months = (new.target_date.year - old.target_date.year) * 12 + new.target_date.month - old.target_date.month
        assert months == option["months"] and new.valid_from_date == NEXT and new.target_kind == old.target_kind
        assert new.target_yen == old.target_yen or old.target_kind == "real"
    close(folder, NEXT)
    for answer in rows(folder, advice_answers):
        goal_id = f"G{answer.goal_no:03}"
        goal, option = next((goal, one) for goal in listed(capsys, folder, "--all")["advice"] if goal["goal_id"] == goal_id
                            for one in goal["options"] if one["kind"] == "later_date" and one["state"] == "accepted")
        again = promised(folder, goal, "target_yen", "target_date")
        assert again == pytest.approx(option["probability_ppm"], abs=2)  # a real target is rounded to yen again
        assert goal_row(folder, NEXT, goal_id)["assumption_ppm"] > 0


def test_a_payment_once_is_waited_for_until_the_deposit_has_come(capsys, folder):
    goal = accepted(capsys, folder, "pay_once")
    yen, sleeve = goal["option"]["yen"], goal_row(folder, TOLD, goal["goal_id"])["sleeve_no"]
    assert listed(capsys, folder)["waiting_count"] == 1 and "入金待ち" in told(capsys, folder)[1]
    house = open_house(folder)
    with transaction(house) as connection:
        number = len(list(connection.execute(select(events)))) + 1
        whole = {"contract_no": 0, "target_sleeve_no": 0, "model_no": 0, "instrument_no": 0, "units": 0, "note": "",
                 "processed_date": None, "content_hash": "", "recorded_at": "", "kind": "deposit", "sleeve_no": sleeve}
        insert_rows(connection, "events", [
            {"event_no": number + k, "event_id": f"paid-{k}", "date": NEXT, "amount_yen": amount} | whole
            for k, amount in enumerate((max(yen - 1_000_000, 1), 1))
        ])
    house.engine.dispose()
    close(folder, NEXT)
    assert listed(capsys, folder)["waiting_count"] == 1  # not all of it, and a deposit below the least is refused
    house = open_house(folder)
    with transaction(house) as connection:
        row = {"event_no": number + 9, "event_id": "paid-9", "date": AFTER, "amount_yen": yen} | whole
        insert_rows(connection, "events", [row])
    house.engine.dispose()
    close(folder, AFTER)
    assert listed(capsys, folder)["waiting_count"] == 0


def test_answering_twice_changes_nothing_and_otherwise_is_refused(capsys, folder):
    goal = accepted(capsys, folder, "pay_more")
    before = [rows(folder, table) for table in (advice_answers, plans, audit.audit)]
    words = ("--accept", goal["goal_id"], "--kind", "pay_more", "--by", "suzuki")
    code, out, err = told(capsys, folder, *words)
    assert (code, err) == (0, "") and "Answered already" in out
    for other in (("--decline", goal["goal_id"], "--kind", "pay_more"), ("--accept", goal["goal_id"], "--kind", "pay_once")):
        code, out, err = told(capsys, folder, *other, "--by", "suzuki")
        assert code == 2 and out == "" and err.count("\n") == 1
        assert "answered otherwise: pay_more was accepted by 田中 一郎" in err or "was not offered" in err
    assert [rows(folder, table) for table in (advice_answers, plans, audit.audit)] == before


def test_declined_advice_waits_no_longer_and_changes_nothing(capsys, folder):
    goal = offered(capsys, folder, "pay_more")
    before = rows(folder, plans), rows(folder, events), rows(folder, goal_targets)
    assert told(capsys, folder, "--decline", goal["goal_id"], "--by", "tanaka", "--note", "様子を見る")[0] == 0
    assert before == (rows(folder, plans), rows(folder, events), rows(folder, goal_targets))
    assert goal["goal_id"] not in [one["goal_id"] for one in listed(capsys, folder)["advice"]]
    mine = [one for one in listed(capsys, folder, "--all")["advice"] if one["goal_id"] == goal["goal_id"]][-1]
    assert {option["state"] for option in mine["options"]} == {"declined"}
    code, _, err = told(capsys, folder, "--decline", goal["goal_id"], "--by", "tanaka")
    assert code == 2 and "no option waits for an answer" in err


@pytest.mark.parametrize(("words", "says"), [
    (("--accept", "G999", "--kind", "pay_more", "--by", "x"), "goal 'G999' is unknown"),
    (("--accept", "GOAL", "--by", "x"), "--kind is missing"),
    (("--accept", "GOAL", "--kind", "pay_more"), "nobody is named"),
    (("--accept", "GOAL", "--kind", "pay_more", "--by", "x", "--date", "2018-01-04"), "superseded by that of"),
    (("--accept", "GOAL", "--kind", "pay_more", "--by", "x", "--date", "2018-01-16"), "no advice was given on 2018-01-16"),
    (("--accept", "GOAL", "--kind", "pay_more", "--by", "x", "--date", "soon"), "is no date"),
    (("--accept", "GOAL", "--kind", "pay_less", "--by", "x"), "pay_less was not offered"),
    (("--kind", "pay_more"), "belong to --accept GOAL or --decline GOAL"),
    (("--all", "--goal", "GOAL"), "give one of them"),
    (("--goal", "G999"), "goal 'G999' is unknown"),
])
def test_what_cannot_be_done_is_one_line_and_changes_nothing(capsys, closed, words, says):
    goal = offered(capsys, closed, "pay_more", state="unread")
    code, out, err = told(capsys, closed, *(goal["goal_id"] if word == "GOAL" else word for word in words))
    assert (code, out) == (2, "") and err.count("\n") == 1 and says in err
    assert rows(closed, advice_answers) == []


def test_a_plan_already_loaded_for_later_is_not_undone_behind_its_back(capsys, folder):
    goal = offered(capsys, folder, "pay_more")
    sleeve = goal_row(folder, TOLD, goal["goal_id"])["sleeve_no"]
    house = open_house(folder)
    with transaction(house) as connection:
        later = {"sleeve_no": sleeve, "valid_from_date": Date(2018, 2, 20), "amount_yen": 70_000}
        insert_rows(connection, "plans", [later | {"kind": kind} for kind in ("instalment", "drawing")])
    house.engine.dispose()
    code, _, err = told(capsys, folder, "--accept", goal["goal_id"], "--kind", "pay_more", "--by", "x")
    assert code == 2 and "plans has a row from 2018-02-20 on that would undo it" in err
    assert rows(folder, advice_answers) == []


def test_one_goal_with_everything(capsys, closed):
    goal = offered(capsys, closed, "change_model")
    shown = listed(capsys, closed, "--goal", goal["goal_id"])
    row = goal_row(closed, TOLD, goal["goal_id"])
    assert shown["parts"] == {name: row[name] for name in ("market_ppm", "payment_ppm", "time_ppm", "assumption_ppm")}
    assert shown["probability_ppm"] == row["probability_ppm"] and shown["value_yen"] == row["value_yen"]
    permitted = [rung for rung in shown["ladder"] if rung["permitted"]]
    assert shown["best_dynamic_ppm"] >= max(rung["probability_ppm"] for rung in permitted) - 300
    own = next(rung for rung in shown["ladder"] if rung["model_id"] == shown["model_id"])
    assert own["probability_ppm"] == row["probability_ppm"]
    assert [rung["risk_ppm"] for rung in shown["ladder"]] == sorted(rung["risk_ppm"] for rung in shown["ladder"])
    assert shown["fan"][0]["p50"] == row["value_yen"] and shown["fan"][-1]["p5"] < shown["fan"][-1]["p95"]
    for option in shown["options"]:
        assert option["kind"] in KINDS
    out = told(capsys, closed, "--goal", goal["goal_id"])[1]
    assert goal["goal_id"] in out and "達成確率" in out and "best with a yearly choice" in out


def test_a_goal_that_is_drawn_on_shows_how_long_it_lasts_with_its_spread(capsys, folder):
    house = open_house(folder)
    before = load_day(house, TOLD)["goals"]
    some = np.flatnonzero((before["value_yen"] > 1_000_000) & (before["monthly_yen"] == 0) & (before["probability_ppm"] >= 0))[:5]
    with transaction(house) as connection:
        insert_rows(connection, "plans", [
            {"sleeve_no": int(before["sleeve_no"][row]), "kind": "drawing", "valid_from_date": NEXT,
             "amount_yen": int(before["value_yen"][row]) // (40 * (k + 1)), "day_of_month": 26}
            for k, row in enumerate(some.tolist())
        ])
    house.engine.dispose()
    close(folder, NEXT)
    for number in before["goal_no"][some].tolist():
        goal, told_of = f"G{number:03}", goal_row(folder, NEXT, f"G{number:03}")
        assert told_of["monthly_yen"] < 0 < told_of["asset_life_months"]
        life = listed(capsys, folder, "--goal", goal)["asset_life_months"]
        most = [1_201 if life[name] is None else life[name] for name in ("p5", "p50", "p95")]
        assert life["median_return"] == told_of["asset_life_months"] and most == sorted(most) and most[0] < most[1]
        assert abs(most[1] - life["median_return"]) <= 2 + most[1] // 4, "median months are no median course, but near it"
        page = told(capsys, folder, "--goal", goal)[1]
        assert f"median {life['median_return']:,} か月" in page and f"worst 5 % {life['p5']:,} か月" in page
    other = f"G{int(before['goal_no'][np.flatnonzero(before['monthly_yen'] == 0)[-1]]):03}"
    assert listed(capsys, folder, "--goal", other)["asset_life_months"] is None
    assert "資産寿命" not in told(capsys, folder, "--goal", other)[1]


def test_limits_cap_the_options_and_the_best_yearly_choice(capsys, folder):
    goal = offered(capsys, folder, "change_model")
    house = open_house(folder)
    with transaction(house) as connection:
        sleeve = goal_row(folder, TOLD, goal["goal_id"])["sleeve_no"]
        contract = connection.execute(select(sleeves.c.contract_no).where(sleeves.c.sleeve_no == sleeve)).scalar_one()
        limit = {"contract_no": contract, "valid_from_date": NEXT, "most_risk_ppm": 60_000, "source": "試験"}
        insert_rows(connection, "contract_limits", [limit])
    house.engine.dispose()
    changed = told(capsys, folder, "--accept", goal["goal_id"], "--kind", "change_model", "--by", "x")
    close(folder, NEXT)
    shown = listed(capsys, folder, "--goal", goal["goal_id"])
    assert shown["most_risk_ppm"] == 60_000
    assert all(rung["risk_ppm"] <= 60_000 for rung in shown["ladder"] if rung["permitted"])
    risks = {rung["model_id"]: rung["risk_ppm"] for rung in shown["ladder"]}
    assert all(risks[option["model_id"]] <= 60_000 for option in shown["options"] if option["model_id"])
    assert changed[0] == (2 if "beyond what is suitable" in changed[2] else 0)


def test_the_list_reads_of_every_day_only_what_it_needs(closed):
    house = open_house(closed)
    with reading(house) as connection:
        days = closed_days(connection)
    told_on = 0
    for day in days:
        some, whole = read_closed_day(house, day, READ), read_closed_day(house, day)
        assert set(some) == set(whole) & set(READ)
        for name, frame in some.items():
            assert set(frame) == set(READ[name])
            assert all(np.array_equal(column, whole[name][of]) for of, column in frame.items())
            told_on += name == "advice"
    house.engine.dispose()
    assert told_on >= 1 and len(days[-1].files) == 2


def test_advice_has_the_same_bytes_in_any_number_of_partitions_and_again(closed):
    house = open_house(closed)
    report = replay(house, [Date(2018, 1, 15), Date(2018, 1, 24), TOLD], (1, 2, 3))
    assert len(report.replayed) == 9 and report.differences == []
    told_on = [day for day in (Date(2018, 1, 15), Date(2018, 1, 16), TOLD) if "advice" in load_day(house, day)]
    house.engine.dispose()
    assert Date(2018, 1, 15) in told_on


def test_every_page_fits_on_a_screen_and_says_whose_goal_it_is(capsys, folder):
    goal = listed(capsys, folder)["advice"][-1]
    customer = goal["customer_id"]
    accepted(capsys, folder, "pay_more")
    for words in ((), ("--all",), ("--goal", goal["goal_id"]), ("--customer", customer)):
        code, out, _ = told(capsys, folder, *words)
        wide = [line for line in out.splitlines() if width(line) > WIDTH and not line.startswith("  tsutsumi")]
        assert code == 0 and wide == [] and customer in out


def test_a_goal_whose_model_has_no_assumptions_says_so_and_what_to_do(capsys, folder):
    goal = listed(capsys, folder)["advice"][0]["goal_id"]
    model = listed(capsys, folder, "--goal", goal)["model_id"]
    house = open_house(folder)
    with transaction(house) as connection:
        number = connection.execute(select(models.c.model_no).where(models.c.model_id == model)).scalar_one()
        connection.execute(delete(model_assumptions).where(model_assumptions.c.model_no == number))
    house.engine.dispose()
    close(folder, NEXT)
    found, page = listed(capsys, folder, "--goal", goal), told(capsys, folder, "--goal", goal)[1]
    assert (found["status"], found["untold"], found["probability_ppm"], found["ladder"], found["fan"]) == (
        "none", "assumptions", None, [], None)
    assert "算出できません：モデルに適用中の前提がありません" in page and "提示できるモデル" not in page
    assert told(capsys, folder, "--customer", found["customer_id"])[0] == 0
