"""Which risk suits a customer (適合性の判定): answers → points → class → most risk, with the reasons; models within it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tsutsumi.core.questionnaire import (
    MULTIPLE,
    NUMBER,
    SCORE_WORDS,
    Choice,
    Condition,
    Question,
    Questionnaire,
    QuestionnaireError,
    RiskClass,
)

PERCENT = 10_000


@dataclass(frozen=True)
class Step:
    """One question of the trace (判定の一行): asked or not, the answer, and the points with their weight."""

    question: Question
    asked: bool
    answer: object
    answer_ja: str
    answer_en: str
    score: str
    points: int
    why_ja: str
    why_en: str


@dataclass(frozen=True)
class Cap:
    """An override that was met (適用された上限): the class that it allows at most, and whether it lowered the result."""

    rule_id: str
    class_id: str
    lowered: bool
    why_ja: str
    why_en: str


@dataclass(frozen=True)
class Assessment:
    """The result of answers (判定): points and class of each score, the class that won, caps, flags, and the most risk a year."""

    questionnaire: Questionnaire
    steps: tuple[Step, ...]
    points: int
    score_points: Mapping[str, int]
    score_classes: Mapping[str, str]
    class_before_caps: str
    caps: tuple[Cap, ...]
    result: RiskClass
    flags: tuple[tuple[str, str, str], ...]

    @property
    def class_id(self) -> str:
        """The class of the result."""
        return self.result.class_id

    @property
    def most_risk_ppm(self) -> int:
        """The most risk a year (sd of the yearly return) that suits, in ppm."""
        return self.result.most_risk_ppm


@dataclass(frozen=True)
class ModelRisk:
    """A model and its risk a year (モデルのリスク); None: nobody has stated it."""

    model_id: str
    name: str
    risk_ppm: int | None


@dataclass(frozen=True)
class Judgement:
    """Whether a model suits, and why (モデルの可否)."""

    model: ModelRisk
    permitted: bool
    why_ja: str
    why_en: str


def percent(ppm: int) -> str:
    """Return a rate in percent, exactly (百分率).

    >>> percent(120_000), percent(125_500), percent(0)
    ('12 %', '12.55 %', '0 %')
    """
    whole, rest = divmod(ppm, PERCENT)
    return f"{whole}{f'.{rest:04}'.rstrip('0') if rest else ''} %"


def assess(questionnaire: Questionnaire, answers: Mapping[str, object]) -> Assessment:
    """Return the result of answers and how it came about (判定).

    points of a question = weight × points of its answer (multiple: the sum, or the highest); the class of a score is the last whose
    from_points are reached; with `lower` the lower class of capacity and willingness wins; each override that is met then lowers
    the result to its class, never raises it. Integers, no rounding.

    Parameters
    ----------
    questionnaire : Questionnaire
        From `questionnaire_file.parse_questionnaire`.
    answers : {question id: choice id | list of choice ids | whole number}

    Raises
    ------
    QuestionnaireError
        An answer is missing, unknown, of the wrong kind or out of range, or a question was answered that is not asked.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from tsutsumi.core.questionnaire_file import parse_answers, parse_questionnaire
    >>> folder = files("tsutsumi") / "examples" / "suitability"
    >>> asked = parse_questionnaire((folder / "risk-tolerance.toml").read_text("utf-8"))
    >>> told = assess(asked, parse_answers((folder / "answers.toml").read_text("utf-8"))[0])
    >>> dict(told.score_points), told.class_id, percent(told.most_risk_ppm)
    ({'capacity': 15, 'willingness': 12}, 'balanced', '12 %')
    """
    known = {question.question_id for question in questionnaire.questions}
    for name in answers:
        if name not in known:
            shown = name if name.isprintable() else ascii(name)
            asked = questionnaire.questionnaire_id
            raise QuestionnaireError(f"answers: {shown[:64]} is no question of {asked}; correct or remove it")
    taken: dict[str, object] = {}
    steps = tuple(_step(questionnaire, question, answers, taken) for question in questionnaire.questions)
    points = {score: sum(step.points for step in steps if step.score == score) for score in questionnaire.scores}
    places = {score: _place(questionnaire.classes, score, found) for score, found in points.items()}
    before = min(places.values())
    caps, place = [], before
    for rule in questionnaire.overrides:
        if all(holds(condition, taken) for condition in rule.when):
            capped = questionnaire.place(rule.class_id)
            caps.append(Cap(rule.rule_id, rule.class_id, capped < place, rule.ja, rule.en))
            place = min(place, capped)
    flags = tuple(
        (rule.rule_id, rule.ja, rule.en) for rule in questionnaire.contradictions
        if all(holds(condition, taken) for condition in rule.when)
    )
    classes = questionnaire.classes
    return Assessment(
        questionnaire, steps, sum(points.values()), points, {score: classes[n].class_id for score, n in places.items()},
        classes[before].class_id, tuple(caps), classes[place], flags,
    )


def holds(condition: Condition, taken: Mapping[str, object]) -> bool:
    """Return whether a condition is fulfilled (条件の成否) by answers to questions that were asked."""
    if condition.question_id not in taken:
        return False
    answer = taken[condition.question_id]
    if isinstance(answer, int):
        low, high = condition.at_least, condition.at_most
        return (low is None or answer >= low) and (high is None or answer <= high)
    return any(one in condition.any_of for one in answer)


def _step(of: Questionnaire, question: Question, answers: Mapping[str, object], taken: dict[str, object]) -> Step:
    failed = next((condition for condition in question.ask_if if not holds(condition, taken)), None)
    where = f"question {question.question_id}"
    score = of.score_of(question)
    if failed is not None:
        why = f"{failed.question_id} が条件に当たらない", f"not asked: {failed.question_id} does not meet its condition"
        if question.question_id in answers:
            raise QuestionnaireError(f"{where}: it is answered but {why[1]}; remove the answer, or correct {failed.question_id}")
        return Step(question, False, None, "—", "—", score, 0, *why)
    if question.question_id not in answers:
        raise QuestionnaireError(f"{where}: the answer is missing; {_cure(question)}")
    answer = _answer(question, answers[question.question_id], where)
    taken[question.question_id] = answer
    if question.kind == NUMBER:
        chosen = [[choice for choice in question.choices if choice.from_number <= answer][-1]]
        told = (f"{answer:,}", f"{answer:,}")
    else:
        chosen = [choice for choice in question.choices if choice.choice_id in answer]
        told = "、".join(choice.ja for choice in chosen), "; ".join(choice.en for choice in chosen)
    counted, how = _counted(question, chosen)
    points = counted * question.weight
    sum_text = f"{how} = {points}" if how != str(points) else how
    return Step(question, True, answer if question.kind == NUMBER else tuple(c.choice_id for c in chosen), *told, score, points,
                f"{sum_text} 点", f"{sum_text} points")


def _counted(question: Question, chosen: list[Choice]) -> tuple[int, str]:
    """Return the points before the weight, and the sum as it is told."""
    each = [choice.points for choice in chosen]
    highest = question.kind == MULTIPLE and question.points_of == "highest"
    counted = max(each) if highest else sum(each)
    how = str(counted) if highest or len(each) == 1 else " + ".join(map(str, each))
    if question.weight != 1:
        how = f"{f'({how})' if '+' in how else how} × {question.weight}"
    return counted, how


def _cure(question: Question) -> str:
    if question.kind == NUMBER:
        return f"write a whole number from {question.least:,} to {question.most:,}"
    names = ", ".join(choice.choice_id for choice in question.choices)
    return f"choose one of {names}" if question.kind != MULTIPLE else f"write a list of some of {names}"


def _answer(question: Question, given: object, where: str) -> object:
    """Return a number, or the chosen ids, as the question asks for them."""
    shown = repr(given) if str(given).isprintable() else ascii(given)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    if question.kind == NUMBER:
        if type(given) is not int or not question.least <= given <= question.most:
            raise QuestionnaireError(f"{where}: {shown} is no answer; {_cure(question)}")
        return given
    many = question.kind == MULTIPLE
    if not isinstance(given, list | tuple if many else str) or not given or (many and not all(isinstance(x, str) for x in given)):
        raise QuestionnaireError(f"{where}: {shown} is no answer; {_cure(question)}")
    chosen = tuple(given) if many else (given,)
    ids = {choice.choice_id: choice for choice in question.choices}
    for one in chosen:
        if one not in ids:
            raise QuestionnaireError(f"{where}: choice {one[:64]!r} is unknown; {_cure(question)}")
    if len(set(chosen)) < len(chosen):
        raise QuestionnaireError(f"{where}: a choice stands twice; name each once")
    alone = next((one for one in chosen if ids[one].alone), None)
    if alone is not None and len(chosen) > 1:
        raise QuestionnaireError(f"{where}: {alone} excludes every other choice; name it alone, or leave it out")
    return chosen


def _place(classes: tuple[RiskClass, ...], score: str, points: int) -> int:
    """Return the place of the last class whose points are reached."""
    return sum(one.from_points[score] <= points for one in classes) - 1


def judge(models: Iterable[ModelRisk], most_risk_ppm: int) -> tuple[Judgement, ...]:
    """Return for each model whether it suits and why (モデルの可否): its risk is at most the limit; an unknown risk never suits.

    >>> [(one.permitted, one.why_en) for one in judge([ModelRisk("m", "", 120_000), ModelRisk("n", "", None)], 150_000)]
    [(True, 'risk 12 % is within 15 %'), (False, 'its risk is not known: load model_assumptions')]
    """
    found = []
    for model in models:
        if model.risk_ppm is None:
            told = False, "リスクが登録されていません（model_assumptions を登録）", "its risk is not known: load model_assumptions"
        elif model.risk_ppm <= most_risk_ppm:
            risk, limit = percent(model.risk_ppm), percent(most_risk_ppm)
            told = True, f"リスク {risk} は上限 {limit} 以内", f"risk {risk} is within {limit}"
        else:
            risk, limit = percent(model.risk_ppm), percent(most_risk_ppm)
            told = False, f"リスク {risk} は上限 {limit} を超える", f"risk {risk} is above {limit}"
        found.append(Judgement(model, *told))
    return tuple(found)


def words_of(score: str) -> tuple[str, str]:
    """Return a score in Japanese and English (点数の名).

    >>> words_of("capacity")
    ('余力', 'capacity')
    """
    return SCORE_WORDS[score]
