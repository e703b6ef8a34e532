"""Suitability: the sample questionnaire by hand, caps, flags, and what is refused."""

from importlib.resources import files

import pytest

from tsutsumi.core import questionnaire_checks
from tsutsumi.core.questionnaire import QuestionnaireError
from tsutsumi.core.questionnaire_file import parse_answers, parse_questionnaire
from tsutsumi.core.suitability import assess

FOLDER = files("tsutsumi") / "examples" / "suitability"
TEXT = (FOLDER / "risk-tolerance.toml").read_text("utf-8")
ANSWERS = dict(parse_answers((FOLDER / "answers.toml").read_text("utf-8"))[0])


@pytest.mark.parametrize(("changed", "result", "caps", "flags"), [
    ({}, "balanced", [], []),
    ({"loss": "30", "aim": "most"}, "growth", [], []),
    ({"loss": "30", "aim": "most", "age": 75, "income": "rising"}, "stable", ["age-75"], []),
    ({"loss": "none", "aim": "most"}, "deposit-like", ["no-loss"], ["no-loss-most-return"]),
])
def test_the_result_is_the_lower_class_and_caps_only_lower_it(changed, result, caps, flags):
    found = assess(parse_questionnaire(TEXT), ANSWERS | changed)
    assert found.class_id == result
    assert ([cap.rule_id for cap in found.caps], [flag[0] for flag in found.flags]) == (caps, flags)
    assert sum(step.points for step in found.steps) == found.points == sum(found.score_points.values())


@pytest.mark.parametrize(("changed", "told"), [
    ({"age": None}, "question age: None is no answer"), ({"aim": "x"}, "question aim: choice 'x' is unknown"),
    ({"experience": ["bonds"]}, "question fall: it is answered but not asked"), ({"other": 1}, "other is no question"),
    ({"experience": ["none", "funds"]}, "question experience: none excludes every other choice"),
])
def test_answers_that_cannot_be_are_refused(changed, told):
    with pytest.raises(QuestionnaireError, match=told):
        assess(parse_questionnaire(TEXT), ANSWERS | changed)


def test_a_missing_answer_is_refused():
    with pytest.raises(QuestionnaireError, match="question loss: the answer is missing; choose one of none, 10, 20, 30"):
        assess(parse_questionnaire(TEXT), {name: given for name, given in ANSWERS.items() if name != "loss"})


@pytest.mark.parametrize(("old", "new", "told"), [
    ("capacity = 15, willingness = 14", "capacity = 99, willingness = 99", "class growth: no answers lead to it"),
    ("capacity = 11, willingness = 9", "capacity = 6, willingness = 9", "class balanced: from_points of capacity 6 follow 6"),
    ('ask_if = [{ question = "experience", any_of = ["funds", "shares"] }]',
     'ask_if = [{ question = "aim", any_of = ["most"] }]', "question fall: ask_if looks at aim, which is asked later"),
    ('ask_if = [{ question = "experience", any_of = ["funds", "shares"] }]',
     'ask_if = [{ question = "fall", any_of = ["sold"] }]', "question fall: ask_if is circular: fall → fall"),
])
def test_a_questionnaire_that_cannot_work_is_refused(old, new, told):
    assert old in TEXT and questionnaire_checks
    with pytest.raises(QuestionnaireError, match=told):
        parse_questionnaire(TEXT.replace(old, new, 1))
