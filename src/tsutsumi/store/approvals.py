"""Changes that two people make (二者承認): one proposes, another approves; what is approved is what was proposed, by its hash."""

import json
import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tsutsumi.store.audit import append, canonical, content_hash
from tsutsumi.store.database import HouseError
from tsutsumi.store.rows import next_number
from tsutsumi.store.tables import approvals


@dataclass(frozen=True)
class Proposal:
    """A proposed change (提案): its number, what it is about, its content and hash; `approved_by` is empty while it is open."""

    approval_no: int
    subject: str
    content: dict
    content_hash: str
    proposed_by: str
    recorded_at: str
    approved_by: str
    approved_at: str


def person(name: str, option: str = "--by") -> str:
    """Return a person's name with one space between its words (氏名), or refuse none.

    >>> person("  田中　 一郎 ")
    '田中 一郎'
    """
    found = " ".join(unicodedata.normalize("NFKC", name).split())
    if not found:
        raise HouseError(f"{option}: nobody is named: give the name of the person")
    return found


def propose(connection: Connection, subject: str, content: dict, by: str, recorded_at: str) -> Proposal:
    """Store a proposal with the hash of its content (提案の登録), with an audit row, in the caller's transaction."""
    number, found = next_number(connection, approvals.c.approval_no), content_hash(content)
    for other in proposals(connection, subject):
        if other.content_hash == found and not other.approved_by:
            raise HouseError(f"proposal {other.approval_no} of {other.proposed_by} is the same and still open: approve that one")
    row = {"approval_no": number, "subject": subject, "content_hash": found, "proposed_by": person(by), "recorded_at": recorded_at}
    connection.execute(approvals.insert(), row | {"approved_by": "", "approved_at": "", "content": canonical(content)})
    append(connection, person(by), "propose", {"proposal": number, "subject": subject, "content_hash": found}, recorded_at)
    return Proposal(number, subject, content, found, person(by), recorded_at, "", "")


def proposals(connection: Connection, prefix: str = "") -> list[Proposal]:
    """Return the proposals whose subject begins with a prefix (提案の一覧), in the order of their number."""
    rows = connection.execute(select(approvals).order_by(approvals.c.approval_no))
    return [_proposal(row) for row in rows if row.subject.startswith(prefix)]


def _proposal(row) -> Proposal:
    content = json.loads(row.content) if row.content else {}
    return Proposal(row.approval_no, row.subject, content, row.content_hash, row.proposed_by, row.recorded_at, row.approved_by,
                    row.approved_at)


def approve(connection: Connection, number: int, by: str, recorded_at: str, hash_seen: str = "") -> Proposal:
    """Mark a proposal as approved and return it (承認), with an audit row, in the caller's transaction; the caller carries it out.

    Parameters
    ----------
    by : another person than the one who proposed
    hash_seen : the hash, or how it begins, of what the approver has read; empty: not given

    Raises
    ------
    HouseError
        There is no such proposal, it is approved already, its proposer approves, or its content is not what was proposed.
    """
    row = connection.execute(select(approvals).where(approvals.c.approval_no == number)).one_or_none()
    if row is None:
        raise HouseError(f"proposal {number} is unknown: see the list (tsutsumi fees proposals HOUSE)")
    found, name = _proposal(row), person(by)
    if found.approved_by:
        raise HouseError(f"proposal {number} was approved by {found.approved_by}: nothing is left to do")
    if person(found.proposed_by).casefold() == name.casefold():
        raise HouseError(f"proposal {number}: {name} proposed it: another person must approve")
    if content_hash(found.content) != found.content_hash:
        raise HouseError(f"proposal {number}: its content is not what was proposed (its hash differs): propose anew")
    if hash_seen and not found.content_hash.startswith(hash_seen.strip().lower()):
        raise HouseError(f"proposal {number}: its hash is {found.content_hash[:16]}…, not {hash_seen}: read it again")
    mine = approvals.c.approval_no == number
    connection.execute(approvals.update().where(mine).values(approved_by=name, approved_at=recorded_at))
    payload = {"proposal": number, "subject": found.subject, "content_hash": found.content_hash, "proposed_by": found.proposed_by}
    append(connection, name, "approve", payload, recorded_at)
    return found
