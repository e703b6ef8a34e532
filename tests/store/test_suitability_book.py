"""Suitability in a house, on both databases: what is recorded, the limit that follows, history, retakes, the check of all."""

import json
import re
from datetime import date as Date
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.app.suitable_house import CAREFUL, CLOSED, HIGHER, QUESTIONS, answers, fill
from tests.store.files import load
from tsutsumi.core.questionnaire import QuestionnaireError
from tsutsumi.run.close_day import close_through
from tsutsumi.run.suitability_book import history, record_assessment, retakes
from tsutsumi.run.suitability_models import recheck
from tsutsumi.store import audit
from tsutsumi.store.database import HouseError, reading, transaction
from tsutsumi.store.tables import assessments, contract_limits, questionnaires

DATA_PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
MOMENT = "2026-09-30T16:00:00+00:00"  # 1 October in Japan
TABLES = (questionnaires, assessments, contract_limits, audit.audit)


@pytest.fixture
def filled(house):
    """A house closed to 4 August 2026."""
    return fill(house)


def record(house, day="2026-09-01", changed=None, by="山田 太郎", contract="k1", **more):
    """Record answers; the questionnaire is the file unless another is named."""
    named = more if {"content", "stored_id"} & more.keys() else {"content": QUESTIONS} | more
    return record_assessment(house, contract, answers(day, changed), by, MOMENT, **named)


def rows(house, table):
    """Return the rows of a table as dicts."""
    with reading(house) as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def test_an_assessment_is_kept_with_its_answers_and_sets_the_limit(filled):
    found = record(filled, by=" 山田　太郎 ", approved_by="suzuki")
    assert found.new and [(one.model.model_id, one.permitted) for one in found.judged] == [("mix", True), ("growth", False)]
    (kept,), (limit,), (version,) = (rows(filled, table) for table in (assessments, contract_limits, questionnaires))
    assert (kept["contract_no"], kept["questionnaire_id"], kept["valid_from_date"]) == (1, "risk-tolerance", Date(2026, 7, 1))
    assert json.loads(kept["answers"])["experience"] == ["funds"] and len(json.loads(kept["answers"])) == 8
    assert (kept["points"], kept["class_id"], kept["most_risk_ppm"], kept["made_by"]) == (27, "balanced", 120_000, "山田 太郎")
    assert (limit["valid_from_date"], limit["most_risk_ppm"]) == (Date(2026, 9, 2), 120_000) and "2026-09-01" in limit["source"]
    assert kept["limit_from_date"] == limit["valid_from_date"] and version["approved_by"] == "suzuki"
    assert version["content"] == QUESTIONS and version["recorded_by"] == "山田 太郎"
    told = [row for row in rows(filled, audit.audit) if row["actor"] == "山田 太郎"]
    assert [row["action"] for row in told] == ["questionnaire", "assessment"]
    assert json.loads(told[1]["payload"])["contract_id"] == "k1"
    with reading(filled) as connection:
        assert audit.verify(connection) == []


@pytest.mark.parametrize(("day", "starts"), [
    ("2026-07-15", "2026-08-05"), ("2026-08-04", "2026-08-05"), ("2026-08-05", "2026-08-06"), ("", "2026-10-02"),
])
def test_the_limit_starts_after_the_answers_and_after_the_last_closed_day(filled, day, starts):
    assert record(filled, day).kept.limit_from_date == Date.fromisoformat(starts)


def test_a_house_without_a_closed_day_takes_the_day_after_the_answers(house):
    assert record(fill(house, None), "2026-07-15").kept.limit_from_date == Date(2026, 7, 16)


def test_the_same_answers_again_change_nothing_and_others_of_the_day_take_the_next_free_day(filled):
    first = record(filled)
    before = [rows(filled, table) for table in TABLES]
    again = record(filled, by="suzuki")
    assert not again.new and again.kept == first.kept and [rows(filled, table) for table in TABLES] == before
    assert [str(record(filled, changed=one, stored_id="").kept.limit_from_date) for one in (CAREFUL, HIGHER)] == [
        "2026-09-03", "2026-09-04"
    ]


def test_a_stored_version_is_used_by_its_id_and_the_one_of_the_day_counts(filled):
    record(filled)
    later = QUESTIONS.replace("2026-07-01", "2026-09-02").replace("retake_days = 90", "retake_days = 5")
    record(filled, "2026-09-02", content=later)
    found = record(filled, "2026-09-03", CAREFUL, stored_id="risk-tolerance")
    assert found.kept.valid_from_date == Date(2026, 9, 2) and found.assessment.questionnaire.retake_days == 5
    first = record(filled, "2026-09-02", contract="k2", stored_id="risk-tolerance")
    assert first.kept.valid_from_date == Date(2026, 9, 2)
    load(filled, customers="customer_id,name\nc3,高橋\n", accounts="account_id,customer_id,custodian_id\na3,c3,custodian\n",
         contracts="contract_id,account_id,customer_id,program_id\nk3,a3,c3,wrap\n")
    other = record(filled, "2026-09-01", contract="k3", stored_id="risk-tolerance")
    assert other.kept.valid_from_date == Date(2026, 7, 1) and len(rows(filled, questionnaires)) == 2


@pytest.mark.parametrize(("more", "says"), [
    ({"contract": "k9"}, "contract 'k9' is unknown"),
    ({"by": "  "}, "nobody is named"),
    ({"approved_by": "山田 太郎"}, "another person must approve"),
    ({"day": "2026-10-02"}, "date 2026-10-02 is in the future"),
    ({"day": "2026-06-30"}, "in force from 2026-07-01, the answers are of 2026-06-30"),
    ({"stored_id": "other"}, "questionnaire 'other' is not stored: .*\\(none\\)"),
    ({"content": QUESTIONS.replace('id = "risk-tolerance"', 'id = "other"')}, "answers: they are to risk-tolerance"),
    ({"changed": {"age": 5}}, "question age: 5 is no answer"),
])
def test_what_cannot_be_recorded_is_refused_and_writes_nothing(filled, more, says):
    before = [rows(filled, table) for table in TABLES]
    with pytest.raises((HouseError, QuestionnaireError), match=says):
        record(filled, **more)
    assert [rows(filled, table) for table in TABLES] == before


def test_what_would_undo_something_newer_is_refused_and_writes_nothing(filled):
    record(filled)
    load(filled, contract_limits="contract_id,valid_from_date,most_risk_ppm\nk1,2026-09-20,70000\n")
    before = [rows(filled, table) for table in TABLES]
    for day, changed, says in (
        ("2026-08-31", HIGHER, "it was assessed on 2026-09-01, after 2026-08-31"),
        ("2026-09-05", HIGHER, "contract_limits has a row from 2026-09-20 on that would undo that of 2026-09-06"),
    ):
        with pytest.raises(HouseError, match=says):
            record(filled, day, changed)
    with pytest.raises(HouseError, match="stored with other content and is never edited"):
        record(filled, "2026-09-25", content=QUESTIONS.replace("most_risk_ppm = 180_000", "most_risk_ppm = 190_000"))
    assert [rows(filled, table) for table in TABLES] == before
    assert record(filled, "2026-09-25", content=f"# 注記だけ\n{QUESTIONS}").new and len(rows(filled, questionnaires)) == 1
    record(filled, "2026-09-26", content=QUESTIONS.replace("2026-07-01", "2026-09-26"))
    for day in ("2026-09-26", "2026-09-27"):
        with pytest.raises(HouseError, match="the version of 2026-07-01 was followed by that of 2026-09-26"):
            record(filled, day)


def test_the_history_tells_what_changed_and_flags_a_result_raised_by_a_retake(filled):
    for day, changed in (("2026-08-10", {}), ("2026-08-20", CAREFUL), ("2026-08-30", {}), ("2026-09-09", HIGHER)):
        record(filled, day, changed)
    found = history(filled, "k1")
    assert [one.kept.class_id for one in found] == ["balanced", "stable", "balanced", "growth"]
    assert [one.raised and str(one.raised.date) for one in found] == [None, None, "2026-08-20", "2026-08-20"]
    assert [[change.question_id for change in one.changes] for one in found] == [[], *[["loss", "aim"]] * 3]
    for before, after in zip(found, found[1:], strict=False):
        moved = sum(change.after_points - change.before_points for change in after.changes)
        assert moved == after.kept.points - before.kept.points
    assert all(one.intact for one in found) and history(filled, "k2") == []
    with pytest.raises(HouseError, match="contract 'k9' is unknown"):
        history(filled, "k9")


def test_a_changed_record_does_not_pass_as_the_result_of_its_answers(filled):
    record(filled)
    with transaction(filled) as connection:
        connection.execute(assessments.update().values(most_risk_ppm=180_000, class_id="growth"))
    assert [one.intact for one in history(filled, "k1")] == [False]
    for answer in ("{", "{}"):
        with transaction(filled) as connection:
            connection.execute(assessments.update().values(answers=answer))
        with pytest.raises(HouseError, match="assessment 1: its answers do not fit its questionnaire: .* with a backup"):
            history(filled, "k1")


def test_headquarters_sees_the_retakes_of_all_contracts_by_adviser(filled):
    record(filled, "2026-08-10", CAREFUL, "tanaka")
    record(filled, "2026-08-11", {}, "sato")
    record(filled, "2026-08-10", HIGHER, "tanaka", "k2")
    record(filled, "2026-08-20", CAREFUL, "tanaka", "k2")
    found = retakes(filled)
    assert (found.contracts, found.again) == (2, (("k1", 2), ("k2", 2)))
    (one,) = found.raised
    assert (one.contract_id, one.kept.made_by, one.lowest.made_by, one.days) == ("k1", "sato", "tanaka", 1)
    assert [(one.made_by, one.assessments, one.retakes, one.raised) for one in found.advisers] == [
        ("sato", 1, 1, 1), ("tanaka", 3, 1, 0),
    ]


def test_the_check_of_all_tells_which_models_are_beyond_the_limit_of_the_closed_day(house):
    limits = "contract_id,valid_from_date,most_risk_ppm\nk1,2026-08-04,120000\nk1,2026-08-05,200000\n"
    found = recheck(fill(house, contract_limits=limits))
    assert (found.date, found.without_limit) == (CLOSED, ("k2",))
    (one,) = found.contracts
    assert [(held.sleeve_ids, held.judgement.model.model_id, held.judgement.permitted) for held in one.holdings] == [
        (("s2",), "mix", True), (("s1",), "growth", False),
    ]
    assert found.beyond == (one,) and "16.5 %" in one.beyond[0].judgement.why_ja and one.most_risk_ppm == 120_000


def test_a_model_whose_risk_nobody_stated_is_told_apart_as_the_close_does(house):
    risks = "model_id,valid_from_date,mean_ppm,risk_ppm\ngrowth,2026-08-05,40000,165000\nmix,2026-07-01,25000,115000\n"
    limits = "contract_id,valid_from_date,most_risk_ppm\nk1,2026-08-04,200000\n"
    found = recheck(fill(house, model_assumptions=risks, contract_limits=limits))
    assert found.beyond == () and found.untold == found.contracts
    (held,) = found.contracts[0].untold
    assert held.judgement.model.model_id == "growth" and "not known" in held.judgement.why_en


def test_a_sleeve_that_is_closing_is_not_checked(house):
    limits = "contract_id,valid_from_date,most_risk_ppm\nk1,2026-08-04,70000\n"
    fill(house, None, contract_limits=limits)
    more = "event_id,date,kind,sleeve_id,target_sleeve_id\ne9,2026-08-04,sleeve_closed,s2,s1\n"
    assert load(house, events=more).refused == 0
    close_through(house, CLOSED)
    (one,) = recheck(house).contracts
    assert [held.sleeve_ids for held in one.holdings] == [("s1",)]


@pytest.mark.parametrize("table", (questionnaires, assessments), ids=str)
def test_the_data_page_describes_every_column(table):
    (section,) = (part for part in DATA_PAGE.split("\n## ") if part.startswith(f"house: {table.name} — "))
    assert re.findall(r"^\| (\w+) \|", section, re.MULTILINE) == ["列", *table.columns.keys()]


def test_a_house_without_a_closed_day_cannot_be_checked(house):
    with pytest.raises(HouseError, match="no day is closed yet"):
        recheck(fill(house, None))
