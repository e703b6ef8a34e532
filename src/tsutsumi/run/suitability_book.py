"""Suitability in a house (適合性の記録): an assessment is recorded and sets the contract's limit; its history; retakes over all."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date as Date

from sqlalchemy import Connection

from tsutsumi.core.questionnaire import Questionnaire, QuestionnaireError
from tsutsumi.core.questionnaire_file import parse_answers, parse_questionnaire
from tsutsumi.core.retakes import Change, Take, changes, limit_day, raised_from
from tsutsumi.core.suitability import Assessment, Judgement, assess
from tsutsumi.run.clock import day_in_japan
from tsutsumi.run.suitability_models import judged_offer
from tsutsumi.store.approvals import person
from tsutsumi.store.assessment_rows import (
    Kept,
    keep_assessment,
    keep_questionnaire,
    kept_assessments,
    limit_days,
    version_on,
    versions_of,
)
from tsutsumi.store.audit import canonical
from tsutsumi.store.database import House, HouseError, reading, transaction
from tsutsumi.store.load_reference import load_table
from tsutsumi.store.manifest import last_day, lock_house
from tsutsumi.store.rows import next_number, numbers_of
from tsutsumi.store.tables import assessments, contracts


@dataclass(frozen=True)
class Recorded:
    """An assessment that was recorded (判定の登録結果), and the lower one that it raised as a retake.

    `new` is False where the same one was the last already.
    """

    contract_id: str
    kept: Kept
    assessment: Assessment
    judged: tuple[Judgement, ...]
    new: bool
    raised: Kept | None


@dataclass(frozen=True)
class Entry:
    """One assessment of a contract's history (履歴の一回): what changed since the one before, and the lower result that it raised.

    `intact`: the recorded result is what the recorded answers give by the recorded version.
    """

    kept: Kept
    assessment: Assessment
    intact: bool
    changes: tuple[Change, ...]
    raised: Kept | None


@dataclass(frozen=True)
class Raise:
    """A result that a retake raised (やり直しで上がった判定)."""

    contract_id: str
    kept: Kept
    lowest: Kept

    @property
    def days(self) -> int:
        """How many days after the lowest result."""
        return (self.kept.date - self.lowest.date).days


@dataclass(frozen=True)
class Adviser:
    """The assessments of one adviser (担当者別): how many, how many of them retakes, how many of those raised the result."""

    made_by: str
    assessments: int
    retakes: int
    raised: int


@dataclass(frozen=True)
class Retakes:
    """The retakes of a house (やり直しの一覧): contracts assessed, those assessed again and how often, raises, advisers."""

    contracts: int
    again: tuple[tuple[str, int], ...]
    raised: tuple[Raise, ...]
    advisers: tuple[Adviser, ...]


def record_assessment(
    house: House, contract_id: str, answers: str, by: str, recorded_at: str, content: str = "", stored_id: str = "",
    approved_by: str = "",
) -> Recorded:
    """Record the answers of a contract's customer (判定の登録), and the limit that follows from the next free day on.

    The limit is a row of `contract_limits` from max(date of the answers, last closed day) + 1 on, or the first day after it that
    has no row yet. The same answers of the same day again change nothing.

    Parameters
    ----------
    answers : the text of the answers' file
    by : who assessed
    recorded_at : the moment, from `run/clock.py`; its day in Japan is the date where the answers have none
    content : the text of the questionnaire's file; it is stored if its version is new
    stored_id : a stored questionnaire, where there is no content; else the one that the answers name
    approved_by : who approved a new version

    Raises
    ------
    HouseError, QuestionnaireError
        The contract or questionnaire is unknown, a newer version is in force, the date is in the future or before the last
        assessment, an answer does not fit, or a later limit is there already; nothing is written then.
    """
    name = person(by)
    given, named, dated = parse_answers(answers)
    today = day_in_japan(recorded_at)
    day = dated or today
    with lock_house(house.folder, "suitability"), transaction(house) as connection:
        number = _contract(connection, contract_id, house)
        closed = last_day(connection)
        if day > max(today, closed or today):
            raise HouseError(f"answers: date {day} is in the future: write the day on which the customer answered")
        asked = _asked(connection, content, stored_id or named, named, day)
        found = assess(asked, given)
        key = (asked.questionnaire_id, asked.valid_from_date, day, canonical(given))
        earlier = kept_assessments(connection, number)
        if earlier and (last := earlier[-1]) and (last.questionnaire_id, last.valid_from_date, last.date, last.answers) == key:
            return _recorded(connection, contract_id, earlier, found, False)
        if earlier and earlier[-1].date > day:
            raise HouseError(f"contract {contract_id}: it was assessed on {earlier[-1].date}, after {day}: "
                             "what is older would undo what is newer; correct the date of the answers")
        if content:
            keep_questionnaire(connection, asked, content, name, _approver(approved_by, name), recorded_at)
        since = _free_day(connection, contract_id, number, day, closed)
        kept = Kept(
            next_number(connection, assessments.c.assessment_no), number, *key[:2], day, key[3], found.points, found.class_id,
            found.most_risk_ppm, since, name, recorded_at,
        )
        keep_assessment(connection, kept, contract_id)
        _write_limit(connection, contract_id, kept)
        return _recorded(connection, contract_id, [*earlier, kept], found, True)


def _recorded(connection: Connection, contract_id: str, rows: list[Kept], found: Assessment, new: bool) -> Recorded:
    """Return the last of a contract's assessments with the models on offer from its first day on."""
    kept, raised = rows[-1], _raised(rows, versions_of(connection))[-1]
    judged = judged_offer(connection, kept.contract_no, kept.limit_from_date, found)
    return Recorded(contract_id, kept, found, judged, new, raised)


def _contract(connection: Connection, contract_id: str, house: House) -> int:
    number = numbers_of(connection, contracts, [contract_id]).get(contract_id)
    if number is None:
        raise HouseError(f"contract {contract_id!r} is unknown in {house.folder}: correct the id, or load contracts first")
    return number


def _approver(approved_by: str, by: str) -> str:
    """Return who approved a version, or nobody; it is another person than the one who records it."""
    name = person(approved_by, "--approved-by") if approved_by else ""
    if name.casefold() == by.casefold():
        raise HouseError(f"--approved-by: {name} records the questionnaire: another person must approve it")
    return name


def _asked(connection: Connection, content: str, wanted: str, named: str, day: Date) -> Questionnaire:
    """Return the questionnaire that was answered: the file's, or the stored version in force on the day."""
    if not content and not wanted:
        raise HouseError("--questionnaire is missing: name its file or a stored id, or write questionnaire = \"…\" in the answers")
    asked = parse_questionnaire(content) if content else version_on(connection, wanted, day)
    found, since = asked.questionnaire_id, asked.valid_from_date
    if named not in ("", found):
        raise QuestionnaireError(f"answers: they are to {named}, the questionnaire is {found}; name the file that was answered")
    if since > day:
        raise HouseError(f"questionnaire {found}: it is in force from {since}, the answers are of {day}: "
                         "use the version of that day, or correct the date")
    newer = [other for _, other in versions_of(connection, found) if since < other <= day] if content else []
    if newer:
        raise HouseError(f"questionnaire {found}: the version of {since} was followed by that of {max(newer)}: "
                         f"assess with that one (--questionnaire {found})")
    return asked


def _free_day(connection: Connection, contract_id: str, number: int, day: Date, closed: Date | None) -> Date:
    """Return the first day without a limit of its own; refuse where a later one would undo what is recorded."""
    since, later = limit_day(day, closed, limit_days(connection, number))
    if later is not None:
        raise HouseError(f"contract {contract_id}: contract_limits has a row from {later} on that would undo that of {since}: "
                         "load the limit that suits the customer, with a later date (tsutsumi load)")
    return since


def _write_limit(connection: Connection, contract_id: str, kept: Kept) -> None:
    """Write the limit as `load` would, with all its checks."""
    source = f"適合性の判定 {kept.date} {kept.questionnaire_id} {kept.class_id}（{kept.made_by}、判定 {kept.assessment_no}）"
    row = (contract_id, str(kept.limit_from_date), str(kept.most_risk_ppm), source)
    header = ("contract_id", "valid_from_date", "most_risk_ppm", "source")
    outcome = load_table(connection, "contract_limits", header, [1], [row], kept.recorded_at)
    if outcome.accepted != 1:
        why = outcome.refused[0] if outcome.refused else "the same row is there already"
        raise HouseError(f"contract {contract_id}: contract_limits: {why}: mend that first; nothing was written")


# ---- what was recorded


def history(house: House, contract_id: str) -> list[Entry]:
    """Return the assessments of a contract in their order (判定の履歴), each with what changed since the one before.

    Raises
    ------
    HouseError
        The contract is unknown, or recorded answers can no longer be read.
    """
    with reading(house) as connection:
        rows = kept_assessments(connection, _contract(connection, contract_id, house))
        versions = versions_of(connection)
    lowest, found = _raised(rows, versions), []
    before: Assessment | None = None
    for row, low in zip(rows, lowest, strict=True):
        again = _again(versions[row.questionnaire_id, row.valid_from_date], row)
        intact = (again.points, again.class_id, again.most_risk_ppm) == (row.points, row.class_id, row.most_risk_ppm)
        found.append(Entry(row, again, intact, changes(before, again) if before else (), low))
        before = again
    return found


def _again(asked: Questionnaire, row: Kept) -> Assessment:
    """Return what the recorded answers give by the recorded version."""
    try:
        return assess(asked, json.loads(row.answers))
    except ValueError as error:  # no JSON, or answers that the version does not take
        raise HouseError(f"assessment {row.assessment_no}: its answers do not fit its questionnaire: {error}: "
                         "compare the database with a backup") from None


def retakes(house: House) -> Retakes:
    """Return who was assessed again, and which results a retake raised (やり直しの一覧), over all contracts and per adviser."""
    with reading(house) as connection:
        rows, versions = kept_assessments(connection), versions_of(connection)
        ids = {number: name for name, number in _ids(connection).items()} if rows else {}
    of: dict[int, list[Kept]] = defaultdict(list)
    for row in rows:
        of[row.contract_no].append(row)
    raised, counts = [], defaultdict(lambda: [0, 0, 0])
    for number, mine in of.items():
        for place, (row, low) in enumerate(zip(mine, _raised(mine, versions), strict=True)):
            count = counts[row.made_by]
            for at, true in enumerate((True, place > 0, low is not None)):
                count[at] += true
            if low is not None:
                raised.append(Raise(ids[number], row, low))
    again = tuple(sorted((ids[number], len(mine)) for number, mine in of.items() if len(mine) > 1))
    raised.sort(key=lambda one: (one.contract_id, one.kept.assessment_no))
    order = sorted(counts, key=lambda name: (-counts[name][2], -counts[name][1], name))
    return Retakes(len(of), again, tuple(raised), tuple(Adviser(name, *counts[name]) for name in order))


def _ids(connection: Connection) -> dict[str, int]:
    return {row.contract_id: row.contract_no for row in connection.execute(contracts.select())}


def _raised(rows: list[Kept], versions: dict[tuple[str, Date], Questionnaire]) -> list[Kept | None]:
    """Return for each assessment of one contract the lower one that it raised, or None."""
    takes = [
        Take(row.date, row.most_risk_ppm, versions[row.questionnaire_id, row.valid_from_date].retake_days) for row in rows
    ]
    return [None if place is None else rows[place] for place in raised_from(takes)]
