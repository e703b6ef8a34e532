"""Suitability agrees with a slow count of the file's own words, on random questionnaires, every answer and many wrong ones."""

import json
import random
from datetime import date, timedelta

import pytest

from tests.oracles.suitability_oracle import counted, every_answer, possible, risen
from tsutsumi.core.questionnaire import QuestionnaireError
from tsutsumi.core.questionnaire_file import parse_answers, parse_questionnaire
from tsutsumi.core.retakes import Take, changes, raised_from
from tsutsumi.core.suitability import assess

CASES, FUZZ_CASES, MOST_ANSWERS = 120, 4_000, 400


class Case:
    """A random questionnaire as plain tables, and as the text of its file."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = random.Random(seed)
        both = rng.random() < 0.7
        self.questions = []
        for n in range(rng.randint(2, 5)):
            self.questions.append(self.question(n))
        scores = ("capacity", "willingness") if both else ("total",)
        count, step = rng.randint(1, 4), rng.randint(1, 8)
        starts = {score: [0, *sorted(rng.sample(range(1, 2 + count * step), count - 1))] for score in scores}
        risks = sorted(rng.sample(range(0, 400_000), count))
        self.document = {
            "id": f"q{seed}", "valid_from_date": date(2026, 1, 1), "title_ja": "診断", "title_en": "test", "source": "試験",
            "settings": {"combine": "lower" if both else "total", "retake_days": rng.randint(0, 100)}, "questions": self.questions,
            "classes": [
                {"id": f"c{n}", "text_ja": "区分", "text_en": "class", "most_risk_ppm": risks[n],
                 "from_points": {score: starts[score][n] for score in scores} if both else starts["total"][n]}
                for n in range(count)
            ],
        }
        self.document["overrides"] = [self.rule(f"o{n}") | {"class": f"c{rng.randrange(count)}"} for n in range(rng.randint(0, 3))]
        self.document["contradictions"] = [self.rule(f"x{n}") for n in range(rng.randint(0, 2))]
        self.text = toml(self.document)

    def question(self, n: int) -> dict:
        """Return a question that may depend on the former ones; the first two count to different scores."""
        rng, kind = self.rng, self.rng.choice(("single", "multiple", "number"))
        score = ("capacity", "willingness")[n] if n < 2 else rng.choice(("capacity", "willingness"))
        found = {"id": f"q{n}", "text_ja": "設問", "text_en": "question", "kind": kind, "score": score}
        if rng.random() < 0.5:
            found["weight"] = rng.randint(0, 3)
        if self.questions and n > 1 and rng.random() < 0.6:
            found["ask_if"] = [self.condition() for _ in range(rng.randint(1, 2))]
        size = rng.randint(1, 3)
        if kind == "number":
            starts = sorted(rng.sample(range(0, 60), size))
            choices = [{"from": start, "points": rng.randint(0, 5)} for start in starts]
            return found | {"least": starts[0], "most": starts[-1] + rng.randint(0, 9), "choices": choices}
        choices = [{"id": f"a{k}", "text_ja": "答", "text_en": "answer", "points": rng.randint(0, 5)} for k in range(size)]
        if kind == "multiple":
            found["points_of"] = rng.choice(("sum", "highest"))
            choices = [one | {"alone": rng.random() < 0.3} for one in choices]
        return found | {"choices": choices}

    def condition(self) -> dict:
        """Return a condition on one of the questions so far."""
        rng = self.rng
        of = rng.choice(self.questions)
        if of["kind"] != "number":
            ids = [choice["id"] for choice in of["choices"]]
            return {"question": of["id"], "any_of": rng.sample(ids, rng.randint(1, len(ids)))}
        low = rng.randint(of["least"], of["most"])
        bounds = rng.choice(({"at_least": low}, {"at_most": low}, {"at_least": low, "at_most": rng.randint(low, of["most"])}))
        return {"question": of["id"]} | bounds

    def rule(self, name: str) -> dict:
        """Return a rule with one or two conditions."""
        when = [self.condition() for _ in range(self.rng.randint(1, 2))]
        return {"id": name, "text_ja": "規則", "text_en": "rule", "when": when}

    def wrong(self, answers: dict) -> dict:
        """Return answers with one thing changed, mostly to something that cannot be."""
        rng, found = self.rng, dict(answers)
        name = rng.choice([question["id"] for question in self.questions])
        what = rng.randrange(4)
        if what == 0:
            found.pop(name, None)
        elif what == 1:
            found[name] = rng.choice(("a0", "a9", ["a0"], ["a0", "a0"], ["a1", "a0", "a2"], [], 0, 30, 99, -1))
        elif what == 2:
            found["q9"] = "a0"
        else:
            found[name] = rng.choice(possible(next(one for one in self.questions if one["id"] == name)))
        return found


def toml(table: dict) -> str:
    """Return tables as TOML, inner ones in braces."""
    return "\n".join(f"{name} = {_value(value)}" for name, value in table.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value) if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def told(asked, answers: dict) -> dict | None:
    """Return a result in the words of the slow count, its trace added up."""
    try:
        found = assess(asked, parse_answers(toml({"answers": answers}))[0])
    except QuestionnaireError:
        return None
    for score, points in found.score_points.items():
        assert sum(step.points for step in found.steps if step.score == score) == points
    lowered = [cap.class_id for cap in found.caps if cap.lowered]
    assert found.class_id == (lowered[-1] if lowered else found.class_before_caps)
    return {
        "points": dict(found.score_points), "reached": dict(found.score_classes), "caps": [cap.rule_id for cap in found.caps],
        "class": found.class_id, "risk": found.most_risk_ppm, "flags": [name for name, _, _ in found.flags],
    }


def agree(seed: int) -> str:
    """Compare one questionnaire on its answers and on wrong ones; return how it ended."""
    case = Case(seed)
    every = list(every_answer(case.document))
    reached = {counted(case.document, answers)["class"] for answers in every}
    try:
        asked = parse_questionnaire(case.text)
    except QuestionnaireError as error:
        assert "no answers lead to it" in str(error)
        assert str(error).split(":")[0].removeprefix("class ") not in reached
        return "refused"
    chosen = case.rng.sample(every, min(len(every), MOST_ANSWERS))
    for answers in chosen:
        assert told(asked, answers) == counted(case.document, answers) is not None
    for answers in chosen[:60]:
        wrong = case.wrong(answers)
        assert told(asked, wrong) == counted(case.document, wrong)
    results = [assess(asked, answers) for answers in chosen[:20]]
    for before, after in zip(results, results[1:], strict=False):
        moved = changes(before, after)
        assert sum(change.after_points - change.before_points for change in moved) == after.points - before.points
    return "compared"


def test_random_questionnaires_agree_on_every_answer():
    ended = [agree(seed) for seed in range(CASES)]
    assert ended.count("compared") > CASES // 4


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(4))
def test_many_random_questionnaires_agree(part):
    for seed in range(CASES + part, CASES + FUZZ_CASES, 4):
        agree(seed)


def test_retakes_agree_on_random_histories():
    rng, flagged = random.Random(7), 0
    for _ in range(2_000):
        days = sorted(rng.randint(0, 300) for _ in range(rng.randint(1, 8)))
        takes = [(day, rng.randint(1, 5) * 10_000, rng.choice((0, 1, 30, 90))) for day in days]
        found = raised_from([Take(date(2026, 1, 1) + timedelta(days=day), risk, near) for day, risk, near in takes])
        assert [place is not None for place in found] == risen(takes)
        for n, place in enumerate(found):
            if place is not None:
                flagged += 1
                day, _, near = takes[n]
                assert takes[place][1] == min(risk for other, risk, _ in takes[:n] if day - other <= near)
    assert flagged > 500
