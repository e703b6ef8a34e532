"""A suitability questionnaire (適合性・リスク許容度診断): what it asks, when, for how many points, and what the points allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date

SINGLE, MULTIPLE, NUMBER = "single", "multiple", "number"
CAPACITY, WILLINGNESS, TOTAL = "capacity", "willingness", "total"
LOWER = "lower"
SCORE_WORDS = {CAPACITY: ("余力", "capacity"), WILLINGNESS: ("意向", "willingness"), TOTAL: ("合計", "total")}


class QuestionnaireError(ValueError):
    """A questionnaire or answers that cannot be used: one line of what, where, why and what to do."""


@dataclass(frozen=True)
class Choice:
    """A choice (選択肢), or for a number the band from `from_number` on; `alone`: it excludes every other choice."""

    choice_id: str
    ja: str
    en: str
    points: int
    alone: bool = False
    from_number: int = 0


@dataclass(frozen=True)
class Condition:
    """What an answer must be (条件): one of some choices, or a number within bounds; a question not asked fulfils none."""

    question_id: str
    any_of: tuple[str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True)
class Question:
    """A question (設問): kind single, multiple or number; asked where every condition of `ask_if` is fulfilled."""

    question_id: str
    ja: str
    en: str
    kind: str
    score: str
    weight: int
    choices: tuple[Choice, ...]
    ask_if: tuple[Condition, ...] = ()
    least: int = 0
    most: int = 0
    points_of: str = "sum"


@dataclass(frozen=True)
class RiskClass:
    """A class of the result (区分): from how many points of each score, and the most risk a year that it allows."""

    class_id: str
    ja: str
    en: str
    from_points: Mapping[str, int]
    most_risk_ppm: int


@dataclass(frozen=True)
class Rule:
    """An override or a contradiction (上限・矛盾): where all conditions are fulfilled; an override has the class of its cap."""

    rule_id: str
    ja: str
    en: str
    when: tuple[Condition, ...]
    class_id: str = ""


@dataclass(frozen=True)
class Questionnaire:
    """A version of a questionnaire (診断の版): `combine` is lower (the lower class of the two scores wins) or total."""

    questionnaire_id: str
    valid_from_date: Date
    title_ja: str
    title_en: str
    source: str
    combine: str
    retake_days: int
    questions: tuple[Question, ...]
    classes: tuple[RiskClass, ...]
    overrides: tuple[Rule, ...]
    contradictions: tuple[Rule, ...]

    @property
    def scores(self) -> tuple[str, ...]:
        """The scores that are counted apart."""
        return (CAPACITY, WILLINGNESS) if self.combine == LOWER else (TOTAL,)

    def score_of(self, question: Question) -> str:
        """Return the score that a question counts to."""
        return question.score if self.combine == LOWER else TOTAL

    def place(self, class_id: str) -> int:
        """Return the place of a class, 0 for the most careful one."""
        return next(n for n, one in enumerate(self.classes) if one.class_id == class_id)


def reachable_points(questionnaire: Questionnaire, score: str) -> int:
    """Return which sums of points a score can have (取り得る点数), bit n set where n can be.

    A question under a condition counts as asked or not, whatever the other answers: a sum that is missing here is never reached.

    Examples
    --------
    >>> from datetime import date
    >>> yes_no = (Choice("y", "", "", 3), Choice("n", "", "", 1))
    >>> asked = Question("q", "", "", "single", "capacity", 2, yes_no)
    >>> bin(reachable_points(Questionnaire("x", date(2026, 1, 1), "", "", "", "lower", 90, (asked,), (), (), ()), "capacity"))
    '0b1000100'
    """
    found = 1
    for question in questionnaire.questions:
        if questionnaire.score_of(question) != score:
            continue
        own = _question_points(question)
        after = found if question.ask_if else 0
        points = 0
        while own >> points:
            if own >> points & 1:
                after |= found << points * question.weight
            points += 1
        found = after
    return found


def _question_points(question: Question) -> int:
    """Return the points that the answers to one question can have, before its weight."""
    if question.kind == MULTIPLE and question.points_of == "sum":
        together = 0
        for choice in question.choices:
            if not choice.alone:
                together |= together << choice.points | 1 << choice.points
        alone = [choice for choice in question.choices if choice.alone]
    else:
        together, alone = 0, list(question.choices)
    for choice in alone:
        together |= 1 << choice.points
    return together
