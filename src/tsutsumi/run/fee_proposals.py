"""A change of fee terms, from proposal to dated row (報酬条件の変更): what it says, whether it can be, and writing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date

from sqlalchemy import Connection, select

from tsutsumi.core.fee_terms import FeeTermsError, Terms, parse_terms
from tsutsumi.store.approvals import Proposal, approve, person, proposals, propose
from tsutsumi.store.database import House, HouseError, reading, transaction
from tsutsumi.store.kinds import KINDS
from tsutsumi.store.load_reference import load_table
from tsutsumi.store.manifest import last_day, lock_house
from tsutsumi.store.tables import companies, fee_terms, program_rules, programs

SUBJECT = "fee_terms "


@dataclass(frozen=True)
class TermsChange:
    """A proposed change (変更案): terms text from a date on, new or a new version; with a program, it is charged by them from then.

    `terms_toml` may be empty where a program goes over to terms that the house knows.
    """

    fee_terms_id: str
    valid_from_date: Date
    terms_toml: str = ""
    program_id: str = ""

    @property
    def content(self) -> dict:
        """What its hash is of."""
        return {"fee_terms_id": self.fee_terms_id, "valid_from_date": str(self.valid_from_date), "terms_toml": self.terms_toml,
                "program_id": self.program_id}

    @property
    def subject(self) -> str:
        """What a list shows."""
        return f"{SUBJECT}{self.fee_terms_id} {self.valid_from_date}" + (f" {self.program_id}" if self.program_id else "")


def change_of(content: Mapping[str, str]) -> TermsChange:
    """Return the change that a stored proposal holds (提案の内容)."""
    return TermsChange(content["fee_terms_id"], Date.fromisoformat(content["valid_from_date"]), content["terms_toml"],
                       content["program_id"])


def check_change(connection: Connection, change: TermsChange) -> Terms:
    """Return the terms that a change brings, or say why it cannot be made (変更案の検査).

    Raises
    ------
    HouseError
        The terms cannot be read, a name is unknown, the date is closed or taken.
    """
    closed = last_day(connection)
    if closed is not None and change.valid_from_date <= closed:
        raise HouseError(f"--from {change.valid_from_date}: the day is closed: give a date after {closed}")
    rows = list(connection.execute(select(fee_terms).where(fee_terms.c.fee_terms_id == change.fee_terms_id)))
    if any(row.valid_from_date == change.valid_from_date for row in rows) and change.terms_toml:
        raise HouseError(f"--from {change.valid_from_date}: {change.fee_terms_id} has a version of that date: give another date")
    known = [row for row in rows if row.valid_from_date <= change.valid_from_date]
    if change.program_id:
        number = connection.execute(select(programs.c.program_no).where(programs.c.program_id == change.program_id)).scalar()
        if number is None:
            raise HouseError(f"--program {change.program_id!r} is unknown: give the program_id of a program of the house")
        rule_dates = [row.valid_from_date for row in _rules(connection, number)]
        if change.valid_from_date in rule_dates:
            raise HouseError(f"--from {change.valid_from_date}: {change.program_id} has rules of that date: give another date")
        if not rule_dates or min(rule_dates) > change.valid_from_date:
            raise HouseError(f"--from {change.valid_from_date}: {change.program_id} has no rules on that day: give a later date")
    elif not known:
        cure = "name the --program that is to be charged by it"
        raise HouseError(f"--terms-id {change.fee_terms_id!r} is unknown on that day: {cure}")
    if not change.terms_toml and not (change.program_id and known):
        raise HouseError(f"--terms is missing: {change.fee_terms_id!r} needs a text of its terms (TOML)")
    text = change.terms_toml or max(known, key=lambda row: row.valid_from_date).terms_toml
    try:
        return parse_terms(text)
    except FeeTermsError as error:
        raise HouseError(str(error)) from error


def propose_change(house: House, change: TermsChange, by: str, recorded_at: str) -> Proposal:
    """Store a change as a proposal (変更の提案); it changes nothing yet."""
    with lock_house(house.folder, "fees propose"), transaction(house) as connection:
        check_change(connection, change)
        return propose(connection, change.subject, change.content, by, recorded_at)


def approve_change(house: House, number: int, by: str, recorded_at: str, hash_seen: str = "") -> tuple[Proposal, list[str]]:
    """Approve a proposal and write its dated rows in the same transaction (変更の承認); return it and the tables written."""
    with lock_house(house.folder, "fees approve"), transaction(house) as connection:
        found, by = approve(connection, number, by, recorded_at, hash_seen), person(by)
        if not found.subject.startswith(SUBJECT):
            raise HouseError(f"proposal {number} is about {found.subject!r}, not about fee terms: approve it where it was proposed")
        change = change_of(found.content)
        check_change(connection, change)
        source = f"提案 proposal {number}（{found.proposed_by}、sha256 {found.content_hash[:16]}）"
        written = []
        if change.terms_toml:
            row = {"fee_terms_id": change.fee_terms_id, "valid_from_date": str(change.valid_from_date),
                   "terms_toml": change.terms_toml, "source": source, "approved_by": by}
            _insert(connection, "fee_terms", row, recorded_at)
            written.append("fee_terms")
        if change.program_id:
            _insert(connection, "program_rules", _rule(connection, change) | {"source": source, "approved_by": by}, recorded_at)
            written.append("program_rules")
    return found, written


def open_changes(house: House) -> tuple[list[Proposal], Date | None]:
    """Return all proposals about fee terms, and the last closed day (提案の一覧)."""
    with reading(house) as connection:
        return proposals(connection, SUBJECT), last_day(connection)


def _rules(connection: Connection, program_no: int) -> Sequence:
    return list(connection.execute(select(program_rules).where(program_rules.c.program_no == program_no)))


def _rule(connection: Connection, change: TermsChange) -> dict[str, str]:
    """Return the rules in force on the day of the change, as a row of a file, with the new terms."""
    number = connection.execute(select(programs.c.program_no).where(programs.c.program_id == change.program_id)).scalar_one()
    rows = [row for row in _rules(connection, number) if row.valid_from_date <= change.valid_from_date]
    row = max(rows, key=lambda row: row.valid_from_date)._mapping
    remainder = select(companies.c.company_id).where(companies.c.company_no == row["remainder_company_no"])
    ids = {"program_id": change.program_id, "remainder_company_id": connection.execute(remainder).scalar_one()}
    said = {one.name: str(ids[one.name] if one.of is not None else row[one.column]) for one in KINDS["program_rules"].fields}
    return said | {"valid_from_date": str(change.valid_from_date), "fee_terms_id": change.fee_terms_id}


def _insert(connection: Connection, kind: str, row: Mapping[str, str], recorded_at: str) -> None:
    """Write one row as `load` would, with all its checks."""
    outcome = load_table(connection, kind, tuple(row), [1], [tuple(row.values())], recorded_at)
    if outcome.accepted != 1:
        why = outcome.refused[0] if outcome.refused else "the same row is there already"
        raise HouseError(f"{kind}: {why}; nothing was written")
