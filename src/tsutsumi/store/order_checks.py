"""What rows of the orders of paying must be (払出しの順序の整合性): sleeves of the contract itself, each named once."""

from sqlalchemy import Connection, select

from tsutsumi.core.drawing_order import LEAST_TAX, LISTED, PROPORTIONAL
from tsutsumi.core.refusals import Refusal
from tsutsumi.store.rows import Row, chunks
from tsutsumi.store.tables import sleeves


def check_drawing_orders(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse an order of sleeves that are not of the contract, that are named twice, or that the rule does not use (順序の矛盾)."""
    contracts = _contracts(connection, {name for row in rows for name in _named(row, "sleeve_ids")})
    found = (_problem(row, contracts) for row in rows)
    return [refusal for refusal in found if refusal is not None]


def check_account_orders(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse tax classes that are named twice (税区分の重複)."""
    return [
        row.refused("tax_classes", f"{row.values['tax_classes']} names one of them twice", "name each once")
        for row in rows if len(set(_named(row, "tax_classes"))) < len(_named(row, "tax_classes"))
    ]


def _named(row: Row, column: str) -> list[str]:
    return [part.strip() for part in row.values[column].split(";") if part.strip()]


def _problem(row: Row, contracts: dict[str, int]) -> Refusal | None:
    kind, named = row.values["order_kind"], _named(row, "sleeve_ids")
    if kind == LISTED and not named:
        return row.refused("sleeve_ids", "an order that is listed names sleeves, and none is named", "write them like S2;S1")
    if kind in (PROPORTIONAL, LEAST_TAX) and named:
        return row.refused("sleeve_ids", f"{row.values['sleeve_ids']!r} has no meaning for {kind}", "leave it empty, or use listed")
    if len(set(named)) < len(named):
        return row.refused("sleeve_ids", f"{row.values['sleeve_ids']} names one of them twice", "name each once")
    for name in named:
        if contracts.get(name) != row.values["contract_no"]:
            why = f"{name} is no sleeve of {row.given['contract_id']}" if name in contracts else f"{name!r} is unknown in sleeves"
            return row.refused("sleeve_ids", why, "name sleeves of the contract itself; load sleeves first")
    return None


def _contracts(connection: Connection, names: set[str]) -> dict[str, int]:
    """Return the contract of each sleeve by its id."""
    found: dict[str, int] = {}
    for part in chunks(sorted(names)):
        query = select(sleeves.c.sleeve_id, sleeves.c.contract_no).where(sleeves.c.sleeve_id.in_(part))
        found.update(tuple(row) for row in connection.execute(query))
    return found
