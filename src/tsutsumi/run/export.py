"""The open format (エクスポート): every table of a house up to a date, one file each, ids as people know them.

Columns are those of the specification and some more; amounts are whole yen, dates ISO, nothing is rounded on the way out.
"""

from collections.abc import Callable
from datetime import date as Date
from pathlib import Path

import polars as pl

from tsutsumi.run.export_fees import (
    contract_fee_terms_table,
    crystallisations_table,
    dues_table,
    fee_adjustments_table,
    fee_corrections_table,
    fee_terms_table,
    fees_table,
    program_fee_terms_table,
)
from tsutsumi.run.export_goals import (
    account_orders_table,
    advice_table,
    drawing_orders_table,
    goals_table,
    surplus_rules_table,
)
from tsutsumi.run.export_tables import (
    account_positions_table,
    alerts_table,
    blocks_table,
    breaks_table,
    distributions_table,
    flows_table,
    instruments_table,
    journal_table,
    orders_table,
    payouts_table,
    performance_table,
    positions_table,
    prices_table,
    sleeves_table,
    splits_table,
    values_table,
)
from tsutsumi.run.gathering import Gathering
from tsutsumi.run.history import walk
from tsutsumi.store.database import House, HouseError

BUILDERS: dict[str, Callable[[Gathering], pl.DataFrame]] = {
    "sleeves": sleeves_table, "prices": prices_table, "values": values_table, "positions": positions_table,
    "account_positions": account_positions_table, "flows": flows_table, "orders": orders_table, "blocks": blocks_table,
    "fees": fees_table, "journal": journal_table, "goals": goals_table, "advice": advice_table,
    "alerts": alerts_table, "payouts": payouts_table, "breaks": breaks_table, "distributions": distributions_table,
    "splits": splits_table, "performance": performance_table,
    "instruments": instruments_table, "fee_terms": fee_terms_table, "contract_fee_terms": contract_fee_terms_table,
    "program_fee_terms": program_fee_terms_table, "fee_adjustments": fee_adjustments_table,
    "dues": dues_table, "crystallisations": crystallisations_table, "fee_corrections": fee_corrections_table,
    "surplus_rules": surplus_rules_table, "drawing_orders": drawing_orders_table, "account_orders": account_orders_table,
}


def gather_house(house: House, through: Date) -> dict[str, pl.DataFrame]:
    """Return every table of the open format up to a date (全表)."""
    gathering = Gathering(house)
    for date, tables, books in walk(house, through):
        gathering.add(date, tables, books)
    return {name: BUILDERS[name](gathering) for name in BUILDERS}


def export_house(house: House, through: Date, folder: Path, file_format: str = "parquet") -> dict[str, int]:
    """Write every table of the open format into a folder (エクスポート) and return rows by table.

    Raises
    ------
    HouseError
        The date is not closed, the format is unknown, or the folder cannot be written.
    """
    if file_format not in ("parquet", "csv"):
        raise HouseError(f"export: format {file_format!r} is unknown: use parquet or csv")
    tables = gather_house(house, through)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in tables.items():
            path = folder / f"{name}.{file_format}"
            frame.write_parquet(path) if file_format == "parquet" else frame.write_csv(path)
    except OSError as error:
        raise HouseError(f"{folder}: cannot be written: {error.strerror}: choose another folder or free space") from error
    return {name: frame.height for name, frame in tables.items()}

