"""The rules of docs/rules/suitability.md counted again, slowly and from the file's own words: one answer, one point at a time."""

import itertools
from collections.abc import Iterator


def fulfilled(condition: dict, taken: dict) -> bool:
    """Return whether a condition holds for the answers that were asked for."""
    if condition["question"] not in taken:
        return False
    answer = taken[condition["question"]]
    if isinstance(answer, int):
        return answer in range(condition.get("at_least", 0), condition.get("at_most", 10**6) + 1)
    chosen = [answer] if isinstance(answer, str) else answer
    return len([one for one in chosen if one in condition["any_of"]]) > 0


def fits(question: dict, answer: object) -> bool:
    """Return whether an answer can be one to a question."""
    if question["kind"] == "number":
        return isinstance(answer, int) and not isinstance(answer, bool) and question["least"] <= answer <= question["most"]
    known = {choice["id"]: choice for choice in question["choices"]}
    if question["kind"] == "single":
        return isinstance(answer, str) and answer in known
    if not isinstance(answer, list) or not answer or any(one not in known for one in answer) or len(set(answer)) != len(answer):
        return False
    return len(answer) == 1 or not any(known[one].get("alone") for one in answer)


def points_of(question: dict, answer: object) -> int:
    """Return the points of an answer, added up one by one, as often as the weight says."""
    if question["kind"] == "number":
        each = [[choice["points"] for choice in question["choices"] if answer >= choice["from"]].pop()]
    else:
        chosen = [answer] if isinstance(answer, str) else answer
        each = [choice["points"] for choice in question["choices"] for one in chosen if one == choice["id"]]
        if question.get("points_of") == "highest":
            each = [sorted(each)[-1]]
    total = 0
    for _ in range(question.get("weight", 1)):
        for points in each:
            total += points
    return total


def counted(document: dict, answers: dict) -> dict | None:
    """Return the result of answers (points and class by score, caps, class, most risk, flags); None where they are refused."""
    both = document["settings"]["combine"] == "lower"
    taken, points = {}, {"capacity": 0, "willingness": 0} if both else {"total": 0}
    for question in document["questions"]:
        name = question["id"]
        asked = all(fulfilled(condition, taken) for condition in question.get("ask_if", []))
        if asked != (name in answers) or (asked and not fits(question, answers[name])):
            return None
        if asked:
            taken[name] = answers[name]
            points[question["score"] if both else "total"] += points_of(question, answers[name])
    if any(name not in taken for name in answers):
        return None
    names = [one["id"] for one in document["classes"]]
    reached = {}
    for score, found in points.items():
        for one in document["classes"]:
            start = one["from_points"]
            if found >= (start if isinstance(start, int) else start[score]):
                reached[score] = one["id"]
    won = names[min(names.index(one) for one in reached.values())]
    caps = [rule for rule in document["overrides"] if all(fulfilled(condition, taken) for condition in rule["when"])]
    for rule in caps:
        while names.index(won) > names.index(rule["class"]):
            won = names[names.index(won) - 1]
    flags = [rule["id"] for rule in document["contradictions"] if all(fulfilled(condition, taken) for condition in rule["when"])]
    risk = next(one["most_risk_ppm"] for one in document["classes"] if one["id"] == won)
    return {"points": points, "reached": reached, "caps": [rule["id"] for rule in caps], "class": won, "risk": risk, "flags": flags}


def possible(question: dict) -> list:
    """Return every answer to a question; of a number, the borders of its bands and of its range."""
    ids = [choice["id"] for choice in question["choices"]] if question["kind"] != "number" else []
    if question["kind"] == "single":
        return ids
    if question["kind"] == "multiple":
        some = [list(chosen) for n in range(1, len(ids) + 1) for chosen in itertools.combinations(ids, n)]
        return [chosen for chosen in some if fits(question, chosen)]
    starts = [choice["from"] for choice in question["choices"]]
    around = {number + step for number in [*starts, question["most"]] for step in (-1, 0, 1)}
    return sorted(number for number in around if fits(question, number))


def every_answer(document: dict, taken: dict | None = None, at: int = 0) -> Iterator[dict]:
    """Yield every set of answers that the questionnaire takes."""
    taken = taken or {}
    if at == len(document["questions"]):
        yield taken
        return
    question = document["questions"][at]
    if not all(fulfilled(condition, taken) for condition in question.get("ask_if", [])):
        yield from every_answer(document, taken, at + 1)
        return
    for answer in possible(question):
        yield from every_answer(document, taken | {question["id"]: answer}, at + 1)


def risen(takes: list[tuple[int, int, int]]) -> list[bool]:
    """Return for (day, risk, days) of assessments whether a retake raised each: any lower one within so many days before it."""
    return [
        any(takes[n][1] < risk and takes[n][0] in range(day - days, day + 1) for n in range(place))
        for place, (day, risk, days) in enumerate(takes)
    ]
