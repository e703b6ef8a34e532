"""What surplus rules must be (余剰の振替ルールの整合性): within one account, from a level that is known, in no circle."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date as Date

from sqlalchemy import Connection, select

from tsutsumi.core.refusals import Refusal
from tsutsumi.store.rows import Row, chunks
from tsutsumi.store.tables import contracts, goal_targets, goals, sleeves, surplus_rules

Known = dict[int, list[tuple[Date, int]]]  # sleeve → (from when, to which sleeve), ascending


def check_surplus_rules(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse rules that lead nowhere, to themselves, to another account, in a circle, or have no level (余剰の振替ルールの矛盾)."""
    going = [row for row in rows if row.values["to_sleeve_no"]]
    accounts = _accounts(connection, {row.values[name] for row in going for name in ("sleeve_no", "to_sleeve_no")})
    targets = _targets(connection, {row.values["sleeve_no"] for row in going if row.values["level_kind"] == "target"})
    refused = [refusal for row in going if (refusal := _problem(row, accounts, targets))]
    lines = {refusal.line for refusal in refused}
    kept = [row for row in rows if row.line not in lines]
    while found := _circles(connection, kept, accounts):
        refused += found
        lines = {refusal.line for refusal in found}
        kept = [row for row in kept if row.line not in lines]
    return refused


def _problem(row: Row, accounts: dict[int, int], targets: dict[int, list[tuple[Date, int]]]) -> Refusal | None:
    values, given = row.values, row.given
    sleeve, to, since = values["sleeve_no"], values["to_sleeve_no"], values["valid_from_date"]
    if sleeve == to:
        return row.refused("to_sleeve_id", f"{given['sleeve_id']} would pass on to itself", "name another sleeve of the account")
    if accounts[sleeve] != accounts[to]:
        why = f"{given['to_sleeve_id']} is of another account than {given['sleeve_id']}"
        return row.refused("to_sleeve_id", why, "name a sleeve of the same account")
    if values["level_kind"] == "yen":
        cure = "give the yen above which it is surplus, or level_kind target"
        return None if values["level_yen"] else row.refused("level_yen", "a level in yen needs an amount, and it is missing", cure)
    if values["level_yen"]:
        return row.refused("level_yen", f"{given['level_yen']!r} has no meaning for the level target", "leave it empty, or use yen")
    if sleeve not in targets:
        why = f"{given['sleeve_id']} has no goal, and so no level"
        return row.refused("level_kind", why, "load goals and goal_targets first, or give a level in yen")
    amount = next((yen for day, yen in reversed(targets[sleeve]) if day <= since), 0)
    if not amount:
        why = f"the goal of {given['sleeve_id']} has no amount in force on {since}"
        return row.refused("level_kind", why, "load goal_targets with an amount first, or give a level in yen")
    return None


def _accounts(connection: Connection, numbers: set[int]) -> dict[int, int]:
    """Return the account of each sleeve."""
    found: dict[int, int] = {}
    joined = select(sleeves.c.sleeve_no, contracts.c.account_no).join(contracts, contracts.c.contract_no == sleeves.c.contract_no)
    for part in chunks(sorted(numbers)):
        found.update(tuple(row) for row in connection.execute(joined.where(sleeves.c.sleeve_no.in_(part))))
    return found


def _targets(connection: Connection, numbers: set[int]) -> dict[int, list[tuple[Date, int]]]:
    """Return the dated target amounts of each sleeve that has a goal, ascending."""
    found: dict[int, list[tuple[Date, int]]] = {}
    joined = select(goals.c.sleeve_no, goal_targets.c.valid_from_date, goal_targets.c.target_yen)
    joined = joined.join(goal_targets, goal_targets.c.goal_no == goals.c.goal_no, isouter=True)
    for part in chunks(sorted(numbers)):
        for sleeve, day, yen in connection.execute(joined.where(goals.c.sleeve_no.in_(part))):
            found.setdefault(sleeve, []).extend([(day, yen)] if day else [])
    return {sleeve: sorted(rows) for sleeve, rows in found.items()}


def _circles(connection: Connection, rows: list[Row], accounts: dict[int, int]) -> list[Refusal]:
    """Refuse the rules of a file that lead back to their own sleeve on a day on which they are in force (循環)."""
    known = _known(connection, {accounts[row.values["sleeve_no"]] for row in rows if row.values["to_sleeve_no"]})
    for row in rows:
        known[row.values["sleeve_no"]].append((row.values["valid_from_date"], row.values["to_sleeve_no"]))
    for of in known.values():
        of.sort()
    refused = []
    for row in rows:
        sleeve, since = row.values["sleeve_no"], row.values["valid_from_date"]
        until = next((day for day, _ in known[sleeve] if day > since), Date.max)
        for day in _days_of_change(known, sleeve, since, until) if row.values["to_sleeve_no"] else ():
            if sleeve in _walk(known, sleeve, day):
                why = f"on {day} it would lead back to {row.given['sleeve_id']} by way of {row.given['to_sleeve_id']}"
                refused.append(row.refused("to_sleeve_id", why, "let the last sleeve of the chain keep what it gets"))
                break
    return refused


def _known(connection: Connection, numbers: set[int]) -> Known:
    """Return the rules that the house has for the sleeves of some accounts."""
    found: Known = defaultdict(list)
    joined = select(surplus_rules.c.sleeve_no, surplus_rules.c.valid_from_date, surplus_rules.c.to_sleeve_no)
    joined = joined.join(sleeves, sleeves.c.sleeve_no == surplus_rules.c.sleeve_no)
    joined = joined.join(contracts, contracts.c.contract_no == sleeves.c.contract_no)
    for part in chunks(sorted(numbers)):
        for sleeve, day, to in connection.execute(joined.where(contracts.c.account_no.in_(part))):
            found[sleeve].append((day, to))
    return found


def _days_of_change(known: Known, sleeve: int, since: Date, until: Date) -> list[Date]:
    """Return the days within a rule's force on which some rule of the sleeves that it ever leads to begins."""
    met, open_ones = {sleeve}, [sleeve]
    while open_ones:
        fresh = {to for _, to in known.get(open_ones.pop(), ())} - met - {0}
        met |= fresh
        open_ones += fresh
    return sorted({since} | {day for one in met for day, _ in known.get(one, ()) if since <= day < until})


def _walk(known: Known, sleeve: int, day: Date) -> Iterator[int]:
    """Yield the sleeves to which a rule leads on a day, as far as one that was met before."""
    met, at = {sleeve}, sleeve
    while at := next((to for since, to in reversed(known.get(at, ())) if since <= day), 0):
        yield at
        if at in met:
            return
        met.add(at)
