"""Questionnaires and assessments in the house (診断の版と判定の登録): rows are only added, each with an audit row."""

from dataclasses import dataclass
from datetime import date as Date

from sqlalchemy import Connection, select

from tsutsumi.core.questionnaire import Questionnaire
from tsutsumi.core.questionnaire_file import parse_questionnaire
from tsutsumi.store.audit import append, content_hash
from tsutsumi.store.database import HouseError
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import assessments, contract_limits, questionnaires


@dataclass(frozen=True)
class Kept:
    """An assessment as it was recorded (記録された判定): of which contract, by which version, the answers, the result, by whom."""

    assessment_no: int
    contract_no: int
    questionnaire_id: str
    valid_from_date: Date
    date: Date
    answers: str
    points: int
    class_id: str
    most_risk_ppm: int
    limit_from_date: Date
    made_by: str
    recorded_at: str


def kept_assessments(connection: Connection, contract_no: int | None = None) -> list[Kept]:
    """Return the assessments of a contract, or of all, in the order in which they were recorded (判定の一覧)."""
    query = select(assessments).order_by(assessments.c.assessment_no)
    if contract_no is not None:
        query = query.where(assessments.c.contract_no == contract_no)
    return [Kept(**row._mapping) for row in connection.execute(query)]


def versions_of(connection: Connection, questionnaire_id: str | None = None) -> dict[tuple[str, Date], Questionnaire]:
    """Return the versions of a questionnaire, or of all (診断の版), by id and first day."""
    query = select(questionnaires).order_by(questionnaires.c.questionnaire_id, questionnaires.c.valid_from_date)
    if questionnaire_id is not None:
        query = query.where(questionnaires.c.questionnaire_id == questionnaire_id)
    rows = connection.execute(query)
    return {(row.questionnaire_id, row.valid_from_date): parse_questionnaire(row.content) for row in rows}


def version_on(connection: Connection, questionnaire_id: str, day: Date) -> Questionnaire:
    """Return the stored version in force on a day (適用中の版).

    Raises
    ------
    HouseError
        No version is stored, or none is in force yet.
    """
    known = versions_of(connection, questionnaire_id)
    starts = [since for _, since in known]
    if not known:
        stored = connection.execute(select(questionnaires.c.questionnaire_id).distinct()).scalars()
        names = ", ".join(sorted(stored)) or "none"
        cure = f"name its file (--questionnaire FILE) or a stored one ({names})"
        raise HouseError(f"questionnaire {questionnaire_id!r} is not stored: {cure}")
    if min(starts) > day:
        raise HouseError(f"questionnaire {questionnaire_id}: its first version is in force from {min(starts)}, not on {day}: "
                         "correct the date of the answers, or name an earlier version's file")
    return known[questionnaire_id, max(since for since in starts if since <= day)]


def keep_questionnaire(
    connection: Connection, asked: Questionnaire, content: str, by: str, approved_by: str, recorded_at: str,
) -> bool:
    """Store a version of a questionnaire (診断の版の登録) and return whether it is new; what is stored is never edited.

    Raises
    ------
    HouseError
        The same version is stored with another meaning (a comment may differ).
    """
    name, since = asked.questionnaire_id, asked.valid_from_date
    earlier = versions_of(connection, name).get((name, since))
    if earlier == asked:
        return False
    if earlier is not None:
        raise HouseError(f"questionnaire {name}, version of {since}: it is stored with other content and is never edited: "
                         "give the changed one a later valid_from_date")
    row = {"questionnaire_id": name, "valid_from_date": since, "content": content, "recorded_by": by, "approved_by": approved_by,
           "recorded_at": recorded_at}
    insert_rows(connection, "questionnaires", [row])
    told = {"questionnaire_id": name, "valid_from_date": str(since), "content_hash": content_hash(content)}
    told |= {"approved_by": approved_by}
    append(connection, by, "questionnaire", told, recorded_at)
    return True


def keep_assessment(connection: Connection, kept: Kept, contract_id: str) -> None:
    """Store an assessment with its audit row (判定の登録), in the caller's transaction."""
    insert_rows(connection, "assessments", [vars(kept)])
    dated = ("valid_from_date", "date", "limit_from_date")
    told = {name: str(value) if name in dated else value for name, value in vars(kept).items() if name != "contract_no"}
    told |= {"contract_id": contract_id}
    append(connection, kept.made_by, "assessment", told, kept.recorded_at)


def limit_days(connection: Connection, contract_no: int) -> set[Date]:
    """Return the first days of the limits of a contract (上限の初日)."""
    mine = contract_limits.c.contract_no == contract_no
    return set(connection.execute(select(contract_limits.c.valid_from_date).where(mine)).scalars())
