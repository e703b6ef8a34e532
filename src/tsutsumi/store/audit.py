"""The audit log (監査証跡): who did what and when, each row bound to the one before by its hash; rows are only added."""

import hashlib
import json

from sqlalchemy import Connection, select

from tsutsumi.store.tables import audit

_LAST = select(audit.c.audit_no, audit.c.hash).order_by(audit.c.audit_no.desc()).limit(1)
_INSERT = audit.insert()


def canonical(content: object) -> str:
    """Return content as JSON with one spelling: sorted keys, no spaces (正規形), so that equal content has equal hashes.

    >>> canonical({"b": 1, "a": "口座"})
    '{"a":"口座","b":1}'
    """
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def content_hash(content: object) -> str:
    """Return the SHA-256 of the canonical form (内容ハッシュ).

    >>> content_hash({"a": 1})[:8]
    '015abd7f'
    """
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def append(connection: Connection, actor: str, action: str, payload: dict, recorded_at: str) -> str:
    """Add one row to the audit log (監査証跡の追記) in the caller's transaction and return its hash."""
    last = connection.execute(_LAST).one_or_none()
    number, previous = (last.audit_no + 1, last.hash) if last else (1, "")
    text = canonical(payload)
    found = content_hash([number, recorded_at, actor, action, text, previous])
    row = {"audit_no": number, "recorded_at": recorded_at, "actor": actor, "action": action, "payload": text}
    connection.execute(_INSERT, row | {"previous_hash": previous, "hash": found})
    return found


def verify(connection: Connection) -> list[str]:
    """Return every break of the audit log (監査証跡の検証): a row missing, moved or changed. None = intact up to its last row."""
    problems, previous, expected = [], "", 1
    cure = "compare with a backup"
    for row in connection.execute(select(audit).order_by(audit.c.audit_no)):
        where = f"audit row {row.audit_no}"
        if row.audit_no != expected:
            problems.append(f"{where}: row {expected} should come here: rows were removed or inserted; {cure}")
        if row.previous_hash != previous:
            problems.append(f"{where}: it does not follow the row before it: a row was changed, removed or swapped; {cure}")
        if row.hash != content_hash([row.audit_no, row.recorded_at, row.actor, row.action, row.payload, row.previous_hash]):
            problems.append(f"{where}: its content does not give its hash: it was changed after it was written; {cure}")
        previous, expected = row.hash, row.audit_no + 1
    return problems
