"""Versions of models and their weights (モデルの版と構成比): approved by a second person, exactly 100 %, no model in itself."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date as Date

from sqlalchemy import Connection, select, update

from tsutsumi.core.refusals import Refusal
from tsutsumi.store.audit import content_hash
from tsutsumi.store.rows import Outcome, Row, chunks, insert_rows
from tsutsumi.store.tables import model_versions, model_weights

WHOLE_PPM = 1_000_000
Key = tuple[int, int]
CIRCLE = ("the model would hold itself, through the models in it", "take one of them out")


def check_versions(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse a version that its proposer approved (自己承認)."""
    return [
        row.refused("approved_by", f"{row.given['approved_by']} proposed it too", "let a second person approve it")
        for row in rows if row.values["approved_by"] == row.values["proposed_by"]
    ]


def load_weights(connection: Connection, rows: list[Row], outcome: Outcome) -> None:
    """Take the weights of versions, each version whole or not at all, a held model before its holder (構成比の取込)."""
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        for name in ("instrument", "child_model"):
            if not row.given[f"{name}_id"]:
                row.values[f"{name}_no"] = None
        groups[row.values["model_no"], row.values["version"]].append(row)
    effective = _effective(connection, groups)
    also = "; a line of the file was refused, see there" if outcome.refused else ""
    for key in [key for key in groups if key not in effective]:
        cure = "load it with model_versions, in the same command or before"
        _refuse(groups.pop(key), "the version is not registered, or was refused", cure, outcome)
    waiting = sorted(groups, key=lambda key: (effective[key], key))
    while waiting:
        below = {key: _below(groups[key], effective[key], waiting, effective) for key in waiting}
        done = [key for key in waiting if not below[key]]
        for key in done:
            _take(connection, key, groups[key], effective[key], also, outcome)
        if not done:
            done = [key for key in waiting if key in _reached(key, below)]
            for key in done:
                _refuse(groups[key], *CIRCLE, outcome)
        waiting = [key for key in waiting if key not in set(done)]


def _below(group: list[Row], day: Date, waiting: list[Key], effective: dict[Key, Date]) -> set[Key]:
    """Return the versions still waiting that this one would hold from its day on."""
    children = {row.values["child_model_no"] for row in group} - {None}
    return {key for key in waiting if key[0] in children and effective[key] <= day} if children else set()


def _reached(start: Key, below: dict[Key, set[Key]]) -> set[Key]:
    """Return every version that can be reached from one, downwards."""
    reached: set[Key] = set()
    waiting = [start]
    while waiting:
        fresh = below[waiting.pop()] - reached
        reached |= fresh
        waiting += fresh
    return reached


def _refuse(group: list[Row], why: str, cure: str, outcome: Outcome) -> None:
    what = f"model {group[0].given['model_id']} version {group[0].given['version']}"
    outcome.refused += [row.refused(what, why, cure) for row in group]


def _take(connection: Connection, key: Key, group: list[Row], effective: Date, also: str, outcome: Outcome) -> None:
    stored = _stored(connection, [key])
    if key in stored and stored[key] == sorted(_line(row.values) for row in group):
        outcome.known += len(group)
        return
    problem = _problem(connection, key, group, key in stored, effective, also)
    if problem:
        _refuse(group, *problem, outcome)
    else:
        _insert(connection, key, group, effective)
        outcome.accepted += len(group)


def drop_unweighted(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    """Remove those of the versions that have no weights, and return them (構成比のない版の取消)."""
    keys = set(keys)
    bare = keys - set(_stored(connection, keys))
    for model, version in bare:
        connection.execute(
            model_versions.delete().where(model_versions.c.model_no == model, model_versions.c.version == version)
        )
    return bare


def _line(values: dict) -> tuple:
    instrument, child = values["instrument_no"], values["child_model_no"]
    return (-1 if instrument is None else instrument, -1 if child is None else child, values["weight_ppm"])


def _stored(connection: Connection, keys: Iterable[Key]) -> dict[Key, list[tuple]]:
    found: dict[Key, list[tuple]] = defaultdict(list)
    for part in chunks({model for model, _ in keys}):
        for row in connection.execute(select(model_weights).where(model_weights.c.model_no.in_(part))).mappings():
            found[row["model_no"], row["version"]].append(_line(row))
    return {key: sorted(lines) for key, lines in found.items()}


def _effective(connection: Connection, keys: Iterable[Key]) -> dict[Key, Date]:
    found = {}
    for part in chunks({model for model, _ in keys}):
        for row in connection.execute(select(model_versions).where(model_versions.c.model_no.in_(part))):
            found[row.model_no, row.version] = row.effective_date
    return found


def _problem(
    connection: Connection, key: Key, group: list[Row], weighted: bool, effective: Date, also: str,
) -> tuple[str, str] | None:
    """Return why a version's weights cannot be taken, and what to do."""
    if weighted:
        return "it has other weights already", "a version is never edited: register the next version"
    if any((row.values["instrument_no"] is None) == (row.values["child_model_no"] is None) for row in group):
        return "a line names both an instrument and a model, or none", "give one of instrument_id (JPY for cash) and child_model_id"
    held = [_line(row.values)[:2] for row in group]
    if len(set(held)) != len(held):
        return "it names an instrument or a model twice", "add the two lines up"
    total = sum(row.values["weight_ppm"] for row in group)
    if total != WHOLE_PPM:
        return f"its weights sum to {total:,} ppm, not {WHOLE_PPM:,} (100 %){also}", "mend the weights; cash is instrument_id JPY"
    children = {row.values["child_model_no"]: row.given["child_model_id"] for row in group if row.given["child_model_id"]}
    missing = sorted(children[model] for model in children.keys() - _in_force(connection, set(children), effective))
    if missing:
        return f"model {missing[0]} in it has no weights in force on {effective}", "load that model's version before, or with it"
    if children and _holds_itself(connection, key, set(children), effective):
        return CIRCLE
    return None


def _in_force(connection: Connection, models: set[int], day: Date) -> set[int]:
    """Return those of the models that have weights in force on a day."""
    keys = [(model, 0) for model in models]
    weighted = _stored(connection, keys)
    return {key[0] for key, since in _effective(connection, keys).items() if key in weighted and since <= day}


def _holds_itself(connection: Connection, key: Key, children: set[int], effective: Date) -> bool:
    """Tell whether, on some day from the version's on, the model can be reached from its children."""
    history: dict[int, list[tuple[Date, int]]] = defaultdict(list)
    for row in connection.execute(select(model_versions)):
        history[row.model_no].append((row.effective_date, row.version))
    held: dict[Key, set[int]] = defaultdict(set)
    for row in connection.execute(select(model_weights).where(model_weights.c.child_model_no.is_not(None))):
        held[row.model_no, row.version].add(row.child_model_no)
    held[key] = children
    for day in sorted({day for versions in history.values() for day, _ in versions if day >= effective}):
        in_force = {
            model: (model, max(version for version in versions if version[0] <= day)[1])
            for model, versions in history.items() if min(versions)[0] <= day
        }
        below = {one: {in_force[model] for model in held[one] if model in in_force} for one in in_force.values()}
        if key in below and key in _reached(key, below):
            return True
    return False


def _insert(connection: Connection, key: Key, group: list[Row], effective: Date) -> None:
    """Store the weights of a version in the order of the file, and the hash of what was approved."""
    insert_rows(connection, model_weights.name, [row.values | {"line": line} for line, row in enumerate(group, start=1)])
    held = sorted([row.given["instrument_id"], row.given["child_model_id"], row.values["weight_ppm"]] for row in group)
    found = content_hash([group[0].given["model_id"], key[1], str(effective), held])
    where = (model_versions.c.model_no == key[0]) & (model_versions.c.version == key[1])
    connection.execute(update(model_versions).where(where).values(content_hash=found))
