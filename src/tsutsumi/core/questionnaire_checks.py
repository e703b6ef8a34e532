"""What the parts of a questionnaire must be to one another (診断の整合性): ids, branches, bands, classes."""

from collections.abc import Iterable, Mapping

from tsutsumi.core.questionnaire import (
    LOWER,
    NUMBER,
    Condition,
    Question,
    Questionnaire,
    QuestionnaireError,
    RiskClass,
    reachable_points,
)


def check_questionnaire(of: Questionnaire) -> None:
    """Refuse a questionnaire that cannot work (診断の検査), naming the question or class and the cure.

    Raises
    ------
    QuestionnaireError
        An id stands twice; bands or classes do not ascend; a condition asks for what is not there; a branch leads to a later
        question or in a circle; a score has no question; a class cannot be reached by any answers.
    """
    for what, ids in (
        ("question", [one.question_id for one in of.questions]), ("class", [one.class_id for one in of.classes]),
        ("override", [one.rule_id for one in of.overrides]), ("contradiction", [one.rule_id for one in of.contradictions]),
    ):
        _once(what, ids)
    known = {question.question_id: question for question in of.questions}
    for question in of.questions:
        _check_choices(question)
        for condition in question.ask_if:
            _check_condition(condition, known, f"question {question.question_id}, ask_if")
    _check_branches(of.questions)
    for rule in (*of.overrides, *of.contradictions):
        kind = "override" if rule.class_id else "contradiction"
        for condition in rule.when:
            _check_condition(condition, known, f"{kind} {rule.rule_id}, when")
        if rule.class_id and rule.class_id not in {one.class_id for one in of.classes}:
            names = ", ".join(one.class_id for one in of.classes)
            raise QuestionnaireError(f"override {rule.rule_id}: class {rule.class_id} is unknown; use one of {names}")
    for score in of.scores:
        if not any(of.score_of(question) == score for question in of.questions):
            raise QuestionnaireError(
                f"questions: none counts to {score}, but the lower of the two scores decides; add one, or set combine = \"total\""
            )
    _check_classes(of)


def _once(what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise QuestionnaireError(f"{what} {one}: the id stands twice; give each {what} an id of its own")
        seen.add(one)


def _check_choices(question: Question) -> None:
    where = f"question {question.question_id}"
    if question.kind != NUMBER:
        _once(f"{where}, choice", [choice.choice_id for choice in question.choices])
        return
    starts = [choice.from_number for choice in question.choices]
    if question.least > question.most:
        raise QuestionnaireError(f"{where}: least {question.least:,} is above most {question.most:,}; correct one of them")
    if starts[0] != question.least:
        raise QuestionnaireError(f"{where}: the first choice is from {starts[0]:,}, least is {question.least:,}; make them equal")
    for before, after in zip(starts, starts[1:], strict=False):
        if after <= before:
            raise QuestionnaireError(f"{where}: from {after:,} follows from {before:,}: it must ascend; sort the choices")
    if starts[-1] > question.most:
        raise QuestionnaireError(f"{where}: from {starts[-1]:,} is above most {question.most:,}; no answer is there: take it out")


def _check_condition(condition: Condition, known: Mapping[str, Question], where: str) -> None:
    asked = known.get(condition.question_id)
    if asked is None:
        raise QuestionnaireError(f"{where}: question {condition.question_id} is unknown; correct the id")
    low, high = condition.at_least, condition.at_most
    if asked.kind != NUMBER:
        if low is not None or high is not None or not condition.any_of:
            raise QuestionnaireError(f"{where}: question {asked.question_id} has choices; name some with any_of alone")
        ids = [choice.choice_id for choice in asked.choices]
        for one in condition.any_of:
            if one not in ids:
                raise QuestionnaireError(
                    f"{where}: choice {one!r} is unknown to question {asked.question_id}; use one of {', '.join(ids)}"
                )
        return
    if condition.any_of or (low is None and high is None):
        raise QuestionnaireError(f"{where}: question {asked.question_id} is a number; give at_least, at_most or both, no any_of")
    lowest, highest = asked.least if low is None else low, asked.most if high is None else high
    if max(lowest, asked.least) > min(highest, asked.most):
        raise QuestionnaireError(
            f"{where}: no answer to question {asked.question_id} ({asked.least:,} to {asked.most:,}) is within "
            f"{lowest:,} to {highest:,}; correct the bounds"
        )


def _check_branches(questions: tuple[Question, ...]) -> None:
    places = {question.question_id: place for place, question in enumerate(questions)}
    asks = {question.question_id: [one.question_id for one in question.ask_if] for question in questions}
    for question in questions:
        for other in asks[question.question_id]:
            if places[other] < places[question.question_id]:
                continue
            circle = _way(asks, other, question.question_id)
            if circle:
                shown = " → ".join([question.question_id, *circle])
                raise QuestionnaireError(f"question {question.question_id}: ask_if is circular: {shown}; take one branch out")
            raise QuestionnaireError(
                f"question {question.question_id}: ask_if looks at {other}, which is asked later; put {other} before it"
            )


def _way(asks: Mapping[str, list[str]], start: str, end: str) -> list[str]:
    """Return the questions on a way along the branches, or none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop()
        if way[-1] == end:
            return way
        fresh = [one for one in asks[way[-1]] if one not in seen]
        seen.update(fresh)
        ways += [[*way, one] for one in fresh]
    return []


def _check_classes(of: Questionnaire) -> None:
    if not of.classes:
        raise QuestionnaireError("classes: there is none; write [[classes]], the careful one first")
    for before, after in zip(of.classes, of.classes[1:], strict=False):
        for score in of.scores:
            if after.from_points[score] <= before.from_points[score]:
                raise QuestionnaireError(
                    f"class {after.class_id}: from_points of {score} {after.from_points[score]} follow "
                    f"{before.from_points[score]}: "
                    "they must ascend; sort or correct the classes"
                )
        if after.most_risk_ppm <= before.most_risk_ppm:
            raise QuestionnaireError(
                f"class {after.class_id}: most_risk_ppm {after.most_risk_ppm:,} follows {before.most_risk_ppm:,}: "
                "it must ascend; sort or correct the classes"
            )
    reached = []
    for score in of.scores:
        points = reachable_points(of, score)
        lowest = (points & -points).bit_length() - 1
        if of.classes[0].from_points[score] > lowest:
            raise QuestionnaireError(
                f"class {of.classes[0].class_id}: from_points of {score} {of.classes[0].from_points[score]}: answers can have "
                f"{lowest} points and no class; start the first class at {lowest} or less"
            )
        reached.append(_places(of.classes, score, points))
    found = {min(a, b) for a in reached[0] for b in reached[1]} if of.combine == LOWER else reached[0]
    top = max(found)
    found |= {min(of.place(rule.class_id), top) for rule in of.overrides}
    for place, one in enumerate(of.classes):
        if place not in found:
            starts = ", ".join(f"{score} {one.from_points[score]}" for score in of.scores)
            most = ", ".join(f"{score} {reachable_points(of, score).bit_length() - 1}" for score in of.scores)
            raise QuestionnaireError(
                f"class {one.class_id}: no answers lead to it (from_points {starts}; the most points are {most}); "
                "lower its from_points or take it out"
            )


def _places(classes: tuple[RiskClass, ...], score: str, points: int) -> set[int]:
    """Return the places of the classes that some points of a score fall into."""
    starts = [one.from_points[score] for one in classes]
    found = set()
    for place, start in enumerate(starts):
        width = starts[place + 1] - start if place + 1 < len(starts) else points.bit_length() + 1
        if points >> start & ((1 << width) - 1):
            found.add(place)
    return found
