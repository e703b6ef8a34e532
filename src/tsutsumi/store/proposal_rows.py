"""Advice on a household's money as it was given (家計への提案の記録): rows are only added, each with its hash and an audit row."""

import json
from dataclasses import dataclass
from datetime import date as Date

from sqlalchemy import Connection, select

from tsutsumi.store.audit import append, canonical, content_hash
from tsutsumi.store.database import HouseError
from tsutsumi.store.rows import insert_rows, next_number
from tsutsumi.store.tables import proposals


@dataclass(frozen=True)
class KeptProposal:
    """A proposal as it was recorded (記録された提案): its number, of which customer, the day it was given, all its figures."""

    proposal_no: int
    customer_no: int
    date: Date
    content: dict
    content_hash: str
    made_by: str
    recorded_at: str


def keep_proposal(
    connection: Connection, customer_no: int, customer_id: str, date: Date, content: dict, by: str, recorded_at: str
) -> tuple[KeptProposal, bool]:
    """Store a proposal with its audit row (提案の記録), in the caller's transaction, and return it and whether it is new.

    The same figures for the same customer on the same day are kept once.
    """
    found = content_hash(content)
    for other in kept_proposals(connection, customer_no):
        if (other.date, other.content_hash) == (date, found):
            return other, False
    kept = KeptProposal(next_number(connection, proposals.c.proposal_no), customer_no, date, content, found, by, recorded_at)
    insert_rows(connection, "proposals", [vars(kept) | {"content": canonical(content)}])
    told = {"proposal_no": kept.proposal_no, "customer_id": customer_id, "date": str(date), "content_hash": found}
    told |= {name: content[name] for name in ("total_yen", "gain_yen", "precise_gain_yen", "fee_yen")}
    append(connection, by, "household advice", told, recorded_at)
    return kept, True


def kept_proposals(connection: Connection, customer_no: int) -> list[KeptProposal]:
    """Return the proposals of a customer in the order of their days (提案の一覧).

    Raises
    ------
    HouseError
        What is stored is not what was recorded: its hash differs.
    """
    rows = connection.execute(select(proposals).where(proposals.c.customer_no == customer_no))
    return [_read(row) for row in sorted(rows, key=lambda row: (row.date, row.proposal_no))]


def _read(row) -> KeptProposal:
    try:
        content = json.loads(row.content)
    except ValueError:
        content = None
    if content_hash(content) != row.content_hash:
        why = "its content is not what was recorded (its hash differs)"
        raise HouseError(f"proposal {row.proposal_no}: {why}: compare with a backup")
    return KeptProposal(row.proposal_no, row.customer_no, row.date, content, row.content_hash, row.made_by, row.recorded_at)
