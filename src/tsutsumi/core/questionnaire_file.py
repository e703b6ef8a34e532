"""A questionnaire as its file says it (診断ファイル): TOML read and checked key by key, refused with the cure."""

import tomllib
from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime

from tsutsumi.core.questionnaire import (
    CAPACITY,
    LOWER,
    MULTIPLE,
    NUMBER,
    SINGLE,
    TOTAL,
    WILLINGNESS,
    Choice,
    Condition,
    Question,
    Questionnaire,
    QuestionnaireError,
    RiskClass,
    Rule,
)
from tsutsumi.core.questionnaire_checks import check_questionnaire

PPM = 1_000_000
MOST_POINTS, MOST_WEIGHT, MOST_NUMBER, MOST_QUESTIONS, MOST_CHOICES = 100, 10, 10**13, 100, 30
NEEDED = object()


class Part:
    """One table of the file (表): read key by key, then closed, so that a key that nobody asked for is refused."""

    def __init__(self, table: object, where: str):
        """Take a table, or refuse what is none."""
        if not isinstance(table, Mapping):
            raise QuestionnaireError(f"{where}: this must be a table; write its keys below a line in brackets")
        self.table, self.where, self.asked = table, where, set()

    def refused(self, key: str, why: str, cure: str) -> QuestionnaireError:
        """Return the refusal of a key."""
        return QuestionnaireError(f"{self.where}: {key} {why}; {cure}")

    def value(self, key: str, default: object = NEEDED) -> object:
        """Return a value, or its default."""
        self.asked.add(key)
        if key in self.table:
            return self.table[key]
        if default is NEEDED:
            raise self.refused(key, "is missing", "add it")
        return default

    def text(self, key: str, default: object = NEEDED) -> str:
        """Return one line of text that is not empty."""
        found = self.value(key, default)
        if key not in self.table:
            return found
        if not isinstance(found, str) or not found.strip() or len(found) > 500 or not found.isprintable():
            raise self.refused(key, "is no line of text", "write one line in quotes")
        return found.strip()

    def ident(self, key: str) -> str:
        """Return an id: 1 to 64 characters without space, comma, semicolon."""
        found = self.text(key)
        if len(found) > 64 or any(letter.isspace() or letter in ",;=" for letter in found):
            raise self.refused(key, f"{found[:64]!r} is no id", "give 1 to 64 characters: no space, comma, semicolon, equals sign")
        return found

    def whole(self, key: str, low: int, high: int, default: object = NEEDED) -> int:
        """Return a whole number in a range."""
        found = self.value(key, default)
        if key in self.table and (type(found) is not int or not low <= found <= high):
            raise self.refused(key, f"{_shown(found)} is no whole number from {low:,} to {high:,}", "correct it")
        return found

    def choice(self, key: str, words: tuple[str, ...], default: object = NEEDED) -> str:
        """Return one of some words."""
        found = self.value(key, default)
        if found not in words:
            raise self.refused(key, f"{_shown(found)} is unknown", f"use one of {', '.join(words)}")
        return found

    def flag(self, key: str) -> bool:
        """Return true or false; false where it is left out."""
        found = self.value(key, False)
        if not isinstance(found, bool):
            raise self.refused(key, f"{_shown(found)} is neither", "write true or false")
        return found

    def day(self, key: str) -> Date:
        """Return a date."""
        found = self.value(key)
        if isinstance(found, datetime) or not isinstance(found, Date):
            raise self.refused(key, f"{_shown(found)} is no date", "write it like 2026-10-01, without quotes")
        return found

    def parts(self, key: str) -> list[Mapping]:
        """Return the tables of a list."""
        found = self.value(key, [])
        if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
            raise self.refused(key, "is no list of tables", f"write [[{key}]] with two brackets, or [{{ … }}]")
        return found

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key in self.table:
            if key not in self.asked:
                raise self.refused(_shown(key), "is unknown", f"known are {', '.join(sorted(self.asked))}; remove or correct it")


def _shown(value: object) -> str:
    text = ascii(value) if not str(value).isprintable() else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def document(text: str, what: str) -> Mapping:
    """Return what a TOML text says (文書), its fractions as texts, so that none is taken for a number."""
    try:
        return tomllib.loads(text, parse_float=str)
    except RecursionError:
        raise QuestionnaireError(f"{what}: its lists are nested too deeply; see tsutsumi suitability --help") from None
    except ValueError as error:
        raise QuestionnaireError(f"{what}: this is no TOML: {' '.join(str(error).split())}; correct the file") from None


def parse_questionnaire(text: str) -> Questionnaire:
    """Return the questionnaire of a TOML text (診断ファイルの読取り), checked.

    Parameters
    ----------
    text : str
        id, valid_from_date, title_ja, title_en, source, [settings], [[questions]], [[classes]], [[overrides]],
        [[contradictions]]: docs/rules/suitability.md.

    Raises
    ------
    QuestionnaireError
        No TOML; a key is missing, unknown or out of range; an id stands twice; a branch leads to a later question, in a circle
        or to nothing; points do not ascend; a class is never reached.

    Examples
    --------
    >>> parse_questionnaire('id = "x"')
    Traceback (most recent call last):
    ...
    tsutsumi.core.questionnaire.QuestionnaireError: questionnaire: valid_from_date is missing; add it
    """
    top = Part(document(text, "questionnaire"), "questionnaire")
    found_id, since = top.ident("id"), top.day("valid_from_date")
    title_ja, title_en, source = (top.text(key) for key in ("title_ja", "title_en", "source"))
    settings = Part(top.value("settings", {}), "[settings]")
    combine = settings.choice("combine", (LOWER, TOTAL), LOWER)
    retake_days = settings.whole("retake_days", 0, 3660, 90)
    settings.close()
    questions = tuple(_question(row, n) for n, row in enumerate(top.parts("questions"), 1))
    scores = (CAPACITY, WILLINGNESS) if combine == LOWER else (TOTAL,)
    classes = tuple(_class(row, n, scores) for n, row in enumerate(top.parts("classes"), 1))
    overrides = tuple(_rule(row, f"override {n}", True) for n, row in enumerate(top.parts("overrides"), 1))
    contradictions = tuple(_rule(row, f"contradiction {n}", False) for n, row in enumerate(top.parts("contradictions"), 1))
    top.close()
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise QuestionnaireError(f"questions: there are {len(questions)}; write 1 to {MOST_QUESTIONS} [[questions]]")
    found = Questionnaire(
        found_id, since, title_ja, title_en, source, combine, retake_days, questions, classes, overrides, contradictions,
    )
    check_questionnaire(found)
    return found


def _named(part: Part, kind: str) -> tuple[str, str, str]:
    """Return id and both texts, and name the table by its id from then on."""
    found = part.ident("id")
    part.where = f"{kind} {found}"
    return found, part.text("text_ja"), part.text("text_en")


def _question(row: Mapping, n: int) -> Question:
    part = Part(row, f"question {n}")
    found, ja, en = _named(part, "question")
    kind = part.choice("kind", (SINGLE, MULTIPLE, NUMBER))
    score = part.choice("score", (CAPACITY, WILLINGNESS))
    weight = part.whole("weight", 0, MOST_WEIGHT, 1)
    least, most = (part.whole(key, 0, MOST_NUMBER) if kind == NUMBER else 0 for key in ("least", "most"))
    points_of = part.choice("points_of", ("sum", "highest"), "sum") if kind == MULTIPLE else "sum"
    rows = part.parts("choices")
    if not 1 <= len(rows) <= MOST_CHOICES:
        raise part.refused("choices", f"are {len(rows)}", f"write 1 to {MOST_CHOICES} [[questions.choices]]")
    choices = tuple(_choice(one, f"{part.where}, choice {n}", kind) for n, one in enumerate(rows, 1))
    asked = tuple(_condition(one, f"{part.where}, ask_if {n}") for n, one in enumerate(part.parts("ask_if"), 1))
    part.close()
    return Question(found, ja, en, kind, score, weight, choices, asked, least, most, points_of)


def _choice(row: Mapping, where: str, kind: str) -> Choice:
    part = Part(row, where)
    points = part.whole("points", 0, MOST_POINTS)
    if kind == NUMBER:
        start = part.whole("from", 0, MOST_NUMBER)
        part.close()
        return Choice(str(start), "", "", points, False, start)
    found, ja, en = part.ident("id"), part.text("text_ja"), part.text("text_en")
    alone = part.flag("alone") if kind == MULTIPLE else False
    part.close()
    return Choice(found, ja, en, points, alone)


def _condition(row: Mapping, where: str) -> Condition:
    part = Part(row, where)
    question, words = part.ident("question"), part.value("any_of", [])
    if not isinstance(words, list) or not all(isinstance(one, str) for one in words):
        raise part.refused("any_of", f"{_shown(words)} is no list of choices", 'write any_of = ["yes"]')
    bounds = [part.whole(key, 0, MOST_NUMBER, None) for key in ("at_least", "at_most")]
    part.close()
    return Condition(question, tuple(words), *bounds)


def _class(row: Mapping, n: int, scores: tuple[str, ...]) -> RiskClass:
    part = Part(row, f"class {n}")
    found, ja, en = _named(part, "class")
    given = part.value("from_points")
    most_points = MOST_POINTS * MOST_WEIGHT * MOST_QUESTIONS * MOST_CHOICES
    if isinstance(given, Mapping):
        inner = Part(given, f"{part.where}, from_points")
        starts = {score: inner.whole(score, 0, most_points) for score in scores}
        inner.close()
    else:
        starts = dict.fromkeys(scores, part.whole("from_points", 0, most_points))
    most = part.whole("most_risk_ppm", 0, PPM)
    part.close()
    return RiskClass(found, ja, en, starts, most)


def _rule(row: Mapping, where: str, caps: bool) -> Rule:
    part = Part(row, where)
    found, ja, en = _named(part, where.split()[0])
    rows = part.parts("when")
    if not rows:
        raise part.refused("when", "has no condition", "write when = [{ question = …, any_of = […] }]")
    when = tuple(_condition(one, f"{part.where}, when {n}") for n, one in enumerate(rows, 1))
    capped = part.ident("class") if caps else ""
    part.close()
    return Rule(found, ja, en, when, capped)


def parse_answers(text: str) -> tuple[Mapping[str, object], str, Date | None]:
    """Return the answers of a TOML text (回答ファイルの読取り), the questionnaire that it names ("" none) and its date (None none).

    Examples
    --------
    >>> parse_answers('questionnaire = "risk"\\n[answers]\\nage = 52')
    ({'age': 52}, 'risk', None)
    """
    top = Part(document(text, "answers"), "answers")
    named = top.ident("questionnaire") if "questionnaire" in top.table else ""
    day = top.day("date") if "date" in top.table else None
    given = top.value("answers")
    top.asked |= {"date", "questionnaire"}
    top.close()
    if not isinstance(given, Mapping):
        raise QuestionnaireError("answers: this must be a table; write [answers] and below it a line for each question")
    return given, named, day
