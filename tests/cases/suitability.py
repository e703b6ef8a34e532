"""The case tables of docs/rules/suitability.md: results, refusals, models, the first day of a limit, retakes, files."""

import re
from datetime import date as Date
from importlib.resources import files

import pytest

from tests.cases import cases
from tests.cases.fees import ppm
from tsutsumi.core.questionnaire import QuestionnaireError
from tsutsumi.core.questionnaire_file import parse_answers, parse_questionnaire
from tsutsumi.core.retakes import Take, limit_day, raised_from
from tsutsumi.core.suitability import Assessment, ModelRisk, assess, judge

FOLDER = files("tsutsumi") / "examples" / "suitability"
TEXT = (FOLDER / "risk-tolerance.toml").read_text("utf-8")
ANSWERS = dict(parse_answers((FOLDER / "answers.toml").read_text("utf-8"))[0])


def assessed(changed: str) -> Assessment:
    """Return the result of the sample's answers with some changed: `name=value`, `name=a;b`, `name=` (none)."""
    given = dict(ANSWERS)
    for name, value in (one.split("=") for one in changed.split()):
        many = name == "experience"
        given[name] = value.split(";") if many else int(value) if value.isdigit() and name in ("age", "reserve") else value
        if not value:
            del given[name]
    return assess(parse_questionnaire(TEXT), given)


@cases("suitability-results")
def suitability_results(row: dict[str, str]) -> None:
    """Compare points, classes, caps, result and contradictions."""
    found = assessed(row["変えた回答"])
    name = {one.class_id: one.ja for one in found.questionnaire.classes}
    for score, word in (("capacity", "余力"), ("willingness", "意向")):
        assert found.score_points[score] == int(row[word]) == sum(step.points for step in found.steps if step.score == score)
        assert name[found.score_classes[score]] == row[f"{word}の区分"]
    assert " ".join(cap.rule_id for cap in found.caps) == row["上限"]
    assert (found.result.ja, found.most_risk_ppm) == (row["結果"], ppm(row["リスクの上限"]))
    assert " ".join(flag for flag, _, _ in found.flags) == row["矛盾"]


@cases("suitability-refused")
def suitability_refused(row: dict[str, str]) -> None:
    """Compare how answers are refused."""
    with pytest.raises(QuestionnaireError, match=re.escape(row["断り"])):
        assessed(row["変えた回答"])


@cases("suitability-models")
def suitability_models(row: dict[str, str]) -> None:
    """Compare whether a model suits, and why."""
    (found,) = judge([ModelRisk("m", "", ppm(row["リスク"]) if row["リスク"] else None)], ppm(row["上限"]))
    assert ("○" if found.permitted else "×", found.why_ja) == (row["可否"], row["理由"])


@cases("suitability-limit-days")
def suitability_limit_days(row: dict[str, str]) -> None:
    """Compare the first day of a limit, and the row that would undo it."""
    closed = Date.fromisoformat(row["最後に締めた日"]) if row["最後に締めた日"] else None
    taken = [Date.fromisoformat(day) for day in row["登録済みの上限"].split()]
    since, later = limit_day(Date.fromisoformat(row["回答の日"]), closed, taken)
    assert (str(since), str(later or "")) == (row["初日"], row["上書きする行"])


@cases("suitability-retakes")
def suitability_retakes(row: dict[str, str]) -> None:
    """Compare which assessment each one raised."""
    takes = [one.split() for one in row["判定"].split("、")]
    found = raised_from([Take(Date.fromisoformat(day), ppm(limit), int(row["日数"])) for day, limit in takes])
    assert "、".join("—" if place is None else str(place + 1) for place in found) == row["もとになった判定"]


@cases("suitability-files")
def suitability_files(row: dict[str, str]) -> None:
    """Compare how a questionnaire is refused."""
    assert row["もとの字"] in TEXT
    with pytest.raises(QuestionnaireError, match=re.escape(row["断り"])):
        parse_questionnaire(TEXT.replace(row["もとの字"], row["変えた字"], 1))
