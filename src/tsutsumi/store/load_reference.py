"""Reference data and events into the house (登録): each row is taken, already known, or refused with cause and cure.

A key may come again with the same content (already known: nothing happens) but never with another: rules are dated rows that are
not edited, and what a closed day has used stays as it was. Numbers are given in the order of the file.
"""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from sqlalchemy import Connection, select

from tsutsumi.core.refusals import Refusal
from tsutsumi.store.audit import content_hash
from tsutsumi.store.drawing_checks import check_drawing_terms
from tsutsumi.store.fields import Field, Unreadable
from tsutsumi.store.goal_checks import check_gates, check_goal_targets, check_goals
from tsutsumi.store.kinds import KINDS, Kind
from tsutsumi.store.load_checks import (
    check_adjustments,
    check_business_day,
    check_contracts,
    check_plans,
    check_rules,
    check_shares,
)
from tsutsumi.store.load_events import check_events
from tsutsumi.store.load_models import check_versions, load_weights
from tsutsumi.store.manifest import last_day
from tsutsumi.store.order_checks import check_account_orders, check_drawing_orders
from tsutsumi.store.rows import Outcome, Row, chunks, insert_rows, next_number, numbers_of
from tsutsumi.store.surplus_checks import check_surplus_rules
from tsutsumi.store.tables import instruments

Check = Callable[[Connection, list[Row]], list[Refusal]]
CHECKS: dict[str, Check] = {
    "goals": check_goals, "goal_targets": check_goal_targets, "goal_gates": check_gates,
    "splits": check_business_day, "distributions": check_business_day, "model_versions": check_versions,
    "program_rules": check_rules, "contract_fee_terms": check_rules, "fee_adjustments": check_adjustments,
    "program_shares": check_shares, "contracts": check_contracts, "plans": check_plans, "events": check_events,
    "drawing_terms": check_drawing_terms, "surplus_rules": check_surplus_rules,
    "drawing_orders": check_drawing_orders, "account_orders": check_account_orders,
}
MOST_NEAR_IDS = 5000


def load_table(
    connection: Connection, name: str, header: Sequence[str], lines: Sequence[int], rows: Sequence[Sequence[str]], recorded_at: str,
) -> Outcome:
    """Take the rows of a file of one kind (登録ファイルの取込) in the caller's transaction.

    Parameters
    ----------
    connection : Connection
    name : a key of `kinds.KINDS`, as `kind_of(header)` gives it
    header, lines, rows
        The column names, and for each row its line and its texts in the order of the header.
    recorded_at : str

    Returns
    -------
    Outcome
        How many rows were accepted or known already, and the refused ones.
    """
    kind = KINDS[name]
    outcome = Outcome()
    read = _read(connection, kind, header, zip(lines, rows, strict=True), outcome)
    if name == "model_weights":
        load_weights(connection, read, outcome)
    else:
        fresh = _unknown_yet(connection, kind, read, outcome)
        fresh = _after_close(connection, kind, fresh, outcome)
        if name in CHECKS:
            fresh = without(fresh, CHECKS[name](connection, fresh), outcome)
        _insert(connection, name, kind, fresh, recorded_at)
        outcome.accepted, outcome.rows = len(fresh), fresh
    outcome.refused.sort()
    return outcome


def without(rows: list[Row], refused: Iterable[Refusal], outcome: Outcome) -> list[Row]:
    """Return the rows that are not refused, and note the others."""
    refused = list(refused)
    outcome.refused += refused
    lines = {refusal.line for refusal in refused}
    return [row for row in rows if row.line not in lines] if lines else rows


def _read(connection: Connection, kind: Kind, header: Sequence[str], rows: Iterable[tuple], outcome: Outcome) -> list[Row]:
    """Return the rows whose fields can all be read; the public ids become numbers."""
    place = {name: index for index, name in enumerate(header)}
    plain = [one for one in kind.fields if one.of is None]
    references = [one for one in kind.fields if one.of is not None]
    read: list[Row] = []
    for line, texts in rows:
        given = {one.name: texts[place[one.name]].strip() if one.name in place else "" for one in kind.fields}
        row = Row(line, given, {})
        refused = _unprintable(row) or _values(row, plain)
        if refused:
            outcome.refused.append(refused)
        else:
            read.append(row)
    for one in references:
        read = without(read, _resolve(connection, one, read), outcome)
    return read


def _unprintable(row: Row) -> Refusal | None:
    """Refuse a NUL, which no database keeps in a text."""
    name = next((name for name, text in row.given.items() if "\0" in text), None)
    return name and row.refused(name, "it holds a NUL character", "remove it, and look at how the file was made")


def _values(row: Row, fields: Iterable[Field]) -> Refusal | None:
    for one in fields:
        text = row.given[one.name]
        try:
            row.values[one.column] = one.read(text if text or one.required else one.default)
        except Unreadable as error:
            return row.refused(one.name, *error.args)
    return None


def _resolve(connection: Connection, one: Field, rows: list[Row]) -> list[Refusal]:
    """Set the number of a reference in every row; return the rows whose id nobody has."""
    numbers = numbers_of(connection, one.of, {row.given[one.name] for row in rows} - {""})
    if one.of is instruments:
        numbers["JPY"] = 0
    refused, cures = [], {}
    for row in rows:
        text = row.given[one.name]
        if not text and not one.required:
            row.values[one.column] = 0
        elif not text:
            refused.append(row.refused(one.name, "it is missing", "fill it in"))
        elif text not in numbers:
            if text not in cures:
                cures[text] = _near(connection, one, text)
            refused.append(row.refused(one.name, f"{text!r} is unknown in {one.of.name}", cures[text]))
        else:
            row.values[one.column] = numbers[text]
    return refused


def _near(connection: Connection, one: Field, text: str) -> str:
    """Return what to do about an unknown id, with the nearest known one."""
    public = list(one.of.columns)[1]
    known = list(connection.execute(select(public).limit(MOST_NEAR_IDS)).scalars())
    near = get_close_matches(text, known, 1, 0.8)
    return f"did you mean {near[0]}?" if near else f"load {one.of.name} first, or mend the id"


def _unknown_yet(connection: Connection, kind: Kind, rows: list[Row], outcome: Outcome) -> list[Row]:
    """Return the rows whose key is new; a key that comes with other content is refused."""
    columns = [one.column for one in kind.fields]
    stored = _stored(connection, kind, columns, rows)
    fresh: list[Row] = []
    for row in rows:
        key = tuple(row.values[name] for name in kind.key)
        content = tuple(row.values[name] for name in columns)
        earlier = stored.setdefault(key, content)
        if earlier is content:
            fresh.append(row)
        elif earlier == content:
            outcome.known += 1
        else:
            outcome.refused.append(_reused(row, kind, columns, earlier))
    return fresh


def _reused(row: Row, kind: Kind, columns: list[str], earlier: tuple) -> Refusal:
    names = {one.column: one.name for one in kind.fields}
    key = " ".join(row.given[names[name]] for name in kind.key)
    name, before = next((names[name], old) for name, old in zip(columns, earlier, strict=True) if old != row.values[name])
    cure = "give the new row a later date" if kind.dated and len(kind.key) > 1 else "give the new row a key of its own"
    was = f"{name} was {before!r}, now {row.given[name]!r}" if not name.endswith("_id") else f"{name} is now {row.given[name]!r}"
    return row.refused(key, f"the key is taken by other content: {was}", f"a row is never edited; {cure}")


def _stored(connection: Connection, kind: Kind, columns: list[str], rows: list[Row]) -> dict[tuple, tuple]:
    """Return the stored content of every key that begins like a key of the rows."""
    first = kind.table.columns[kind.key[0]]
    query = select(*(kind.table.columns[name] for name in columns))
    places = [columns.index(name) for name in kind.key]
    stored = {}
    for part in chunks({row.values[first.name] for row in rows}):
        for content in connection.execute(query.where(first.in_(part))):
            stored[tuple(content[place] for place in places)] = tuple(content)
    return stored


def _after_close(connection: Connection, kind: Kind, rows: list[Row], outcome: Outcome) -> list[Row]:
    """Refuse the rows dated on or before the last closed day: a closed day would read otherwise when it is replayed."""
    closed = last_day(connection) if kind.dated else None
    if closed is None:
        return rows
    cure = f"give a date after {closed}" + ("; corrections come as events" if kind.dated == "date" else "")
    late = [
        row.refused(kind.dated, f"{row.values[kind.dated]}: the day is closed", cure)
        for row in rows if row.values[kind.dated] <= closed
    ]
    return without(rows, late, outcome)


def _insert(connection: Connection, name: str, kind: Kind, rows: list[Row], recorded_at: str) -> None:
    if not rows:
        return
    number = kind.table.columns[0]
    first = next_number(connection, number) if kind.numbered else 0
    recorded = {"recorded_at": recorded_at} if "recorded_at" in kind.table.columns else {}
    values = []
    for index, row in enumerate(rows):
        row.values.update(recorded)
        if kind.numbered:
            row.values[number.name] = first + index
        if name == "events":
            row.values["content_hash"] = content_hash(row.given)
        values.append(row.values)
    insert_rows(connection, kind.table.name, values)
