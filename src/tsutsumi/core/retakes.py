"""A customer's assessments one after the other (診断のやり直し): changes, results raised by a retake, first days of limits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta

from tsutsumi.core.suitability import Assessment, Step


@dataclass(frozen=True)
class Take:
    """One assessment of a contract (一回の診断): its day, its result, and within how many days a rise is flagged."""

    date: Date
    most_risk_ppm: int
    retake_days: int


@dataclass(frozen=True)
class Change:
    """What changed on one question (設問ごとの変化): both answers as they are told, and the points of each."""

    question_id: str
    text_ja: str
    text_en: str
    before_ja: str
    before_en: str
    after_ja: str
    after_en: str
    before_points: int
    after_points: int


def raised_from(takes: Sequence[Take]) -> list[int | None]:
    """Return for each assessment the place of the lower result that a retake raised (やり直しで上がった診断), None where none.

    An assessment is compared with the lowest result of the earlier ones of the last `retake_days` days, its own setting, the day
    on the border included; of several equally low ones the latest is named. Compared by the risk limit, in ppm, so that versions
    with other classes compare as well.

    Parameters
    ----------
    takes : in the order in which they were recorded, dates not descending

    Examples
    --------
    >>> days = (Date(2026, 1, 1), Date(2026, 3, 1), Date(2026, 4, 2))
    >>> raised_from([Take(day, ppm, 90) for day, ppm in zip(days, (70_000, 60_000, 70_000))])
    [None, None, 1]
    >>> raised_from([Take(day, ppm, 31) for day, ppm in zip(days, (70_000, 60_000, 70_000))])
    [None, None, None]
    """
    found: list[int | None] = []
    for place, take in enumerate(takes):
        near = [n for n in range(place) if (take.date - takes[n].date).days <= take.retake_days]
        lowest = min(near, key=lambda n: (takes[n].most_risk_ppm, -n), default=None)
        found.append(lowest if lowest is not None and takes[lowest].most_risk_ppm < take.most_risk_ppm else None)
    return found


def changes(before: Assessment, after: Assessment) -> tuple[Change, ...]:
    """Return the questions whose answer or points changed between two assessments (回答の変化), as the later one orders them.

    The points of all changes add up to the difference of the total points. A question that only one of the two versions has was
    not asked in the other; those that only the former has stand last.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from tsutsumi.core.questionnaire_file import parse_answers, parse_questionnaire
    >>> from tsutsumi.core.suitability import assess
    >>> folder = files("tsutsumi") / "examples" / "suitability"
    >>> asked = parse_questionnaire((folder / "risk-tolerance.toml").read_text("utf-8"))
    >>> given = parse_answers((folder / "answers.toml").read_text("utf-8"))[0]
    >>> (one,) = changes(assess(asked, given), assess(asked, given | {"loss": "30"}))
    >>> one.question_id, one.before_en, one.after_en, one.after_points - one.before_points
    ('loss', 'up to a fifth', 'three tenths and more', 4)
    """
    old = {step.question.question_id: step for step in before.steps}
    new = {step.question.question_id: step for step in after.steps}
    found = []
    for name in [*new, *(name for name in old if name not in new)]:
        was, now = old.get(name), new.get(name)
        if (_answer(was), _points(was)) != (_answer(now), _points(now)):
            question = (now or was).question
            told = (*_told(was), *_told(now))
            found.append(Change(name, question.ja, question.en, *told, _points(was), _points(now)))
    return tuple(found)


def limit_day(answered: Date, closed: Date | None, taken: Collection[Date]) -> tuple[Date, Date | None]:
    """Return from which day a result limits a contract (上限の初日), and the last later row that would undo it, or None.

    The day after the answers and after the last closed day, whichever is later; while that day has a row already, the day after it.

    Parameters
    ----------
    answered : the day of the answers
    closed : the last closed day, None before the first
    taken : the first days of the limits that the contract has

    Examples
    --------
    >>> day = Date(2026, 11, 20)
    >>> [str(one) for one in limit_day(day, Date(2026, 11, 24), [])], limit_day(day, None, [Date(2026, 11, 21)])[0].day
    (['2026-11-25', 'None'], 22)
    """
    since = max(answered, closed or answered) + timedelta(days=1)
    while since in taken:
        since += timedelta(days=1)
    return since, max((day for day in taken if day > since), default=None)


def _answer(step: Step | None) -> object:
    return step.answer if step else None


def _points(step: Step | None) -> int:
    return step.points if step else 0


def _told(step: Step | None) -> tuple[str, str]:
    return (step.answer_ja, step.answer_en) if step and step.asked else ("質問なし", "not asked")
