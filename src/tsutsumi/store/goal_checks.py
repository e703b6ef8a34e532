"""What goals must be to one another and to their rules (目標の整合性), before they are taken in."""

from sqlalchemy import Connection, select

from tsutsumi.core.refusals import Refusal
from tsutsumi.store.rows import Row, chunks
from tsutsumi.store.tables import goals


def check_goals(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse a second goal of a sleeve (一つの運用口に二つの目標)."""
    taken: dict[int, str] = {}
    for part in chunks({row.values["sleeve_no"] for row in rows}):
        query = select(goals.c.sleeve_no, goals.c.goal_id).where(goals.c.sleeve_no.in_(part))
        taken.update(tuple(row) for row in connection.execute(query))
    refused = []
    for row in rows:
        sleeve, name = row.values["sleeve_no"], row.values["goal_id"]
        if taken.setdefault(sleeve, name) != name:
            cure = "give each goal a sleeve of its own, or the goal a new target (goal_targets)"
            refused.append(row.refused("sleeve_id", f"{row.given['sleeve_id']} has goal {taken[sleeve]} already", cure))
    return refused


def check_goal_targets(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse a target whose date is not after its first day, or whose essential part is not below it (目標の矛盾)."""
    refused = []
    for row in rows:
        since, date = row.values["valid_from_date"], row.values["target_date"]
        if date <= since:
            why = f"{date} is not after {since}, the day on which the target comes into force"
            refused.append(row.refused("target_date", why, "give a later date"))
        elif row.values["floor_yen"] and not row.values["target_yen"]:
            why = f"money that only has to last has no essential amount, it says {row.values['floor_yen']:,} yen"
            refused.append(row.refused("floor_yen", why, "give 0, or what is to be left as target_yen"))
        elif row.values["floor_yen"] >= row.values["target_yen"] > 0:
            why = f"the essential {row.values['floor_yen']:,} yen are not below the target of {row.values['target_yen']:,}"
            refused.append(row.refused("floor_yen", why, "give the whole amount as target_yen, 0 if all of it is essential"))
    return refused


def check_gates(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse gates that are not in their order (区分の境の順)."""
    names = ("alert_ppm", "right_low_ppm", "right_high_ppm")
    return [
        row.refused("right_low_ppm", "alert, right low, right high are not ascending", "give alert <= right low <= right high")
        for row in rows if [row.values[name] for name in names] != sorted(row.values[name] for name in names)
    ]
