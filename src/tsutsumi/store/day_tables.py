"""The tables of a closed day, read back from its files (締め日の読み出し): the day's facts, and the books of any day."""

from collections.abc import Collection, Mapping
from datetime import date as Date

import numpy as np

from tsutsumi.core.books import STATE_TABLES, Books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.delta import apply, from_snapshot, read_market
from tsutsumi.core.partitions import canonical
from tsutsumi.core.schema import Frame, empty
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_file import read_day_file
from tsutsumi.store.manifest import ClosedDay, closed_days


def cut_tables(tables: dict[str, Frame], count: int, books: Books) -> list[dict[str, Frame]]:
    """Return the tables of a day cut into `count` files by account (ファイル分割); tables without accounts go to the first."""
    if count == 1:
        return [tables]
    account_of = np.zeros(books.row_of_sleeve.size, np.int64)
    account_of[books.sleeves["sleeve_no"]] = books.sleeves["account_no"]
    parts: list[dict[str, Frame]] = [{} for _ in range(count)]
    for name, table in tables.items():
        owner = table.get("account_no")
        if owner is None and name in ("delta.value", "state.positions", "delta.positions"):
            owner = books.sleeves["account_no"] if name == "delta.value" else account_of[table["sleeve_no"]]
        if owner is None or name.startswith("inputs.") or name.endswith(".gone"):
            parts[0][name] = table
            continue
        for number in range(count):
            chosen = np.flatnonzero(owner % count == number)
            if chosen.size:
                parts[number][name] = {column: values[chosen] for column, values in table.items()} | {"row": chosen}
    return parts


def join_tables(parts: list[dict[str, Frame]]) -> dict[str, Frame]:
    """Return the tables of a day from its files: the rows in the order that they had."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        pieces = [part[name] for part in parts if name in part]
        if "row" not in pieces[0]:
            joined[name] = pieces[0]
            continue
        order = np.argsort(np.concatenate([piece["row"] for piece in pieces]), kind="stable")
        joined[name] = {c: np.concatenate([piece[c] for piece in pieces])[order] for c in pieces[0] if c != "row"}
    return joined


def read_closed_day(house: House, day: ClosedDay, only: Mapping[str, Collection[str]] | None = None) -> dict[str, Frame]:
    """Return all tables of a closed day (締め日の表), or those that are wanted: `only`, table → columns."""
    if only is not None and len(day.files) > 1:
        only = {table: (*names, "row") for table, names in only.items()}
    return join_tables([read_day_file(house.folder / file.name, only=only) for file in day.files])


def load_day(house: House, day: Date) -> dict[str, Frame]:
    """Return all tables of a closed day by its date."""
    with reading(house) as connection:
        rows = closed_days(connection, day, day)
    if not rows:
        raise HouseError(f"{house.folder}: {day} is not closed: close it first, or choose a closed business day")
    return read_closed_day(house, rows[0])


def whole_books(tables: dict[str, Frame]) -> dict[str, Frame]:
    """Return the snapshot tables of a day, an empty one where nothing was there (全件表)."""
    return {f"state.{table}": tables.get(f"state.{table}", empty(table)) for table in STATE_TABLES}


def _from_snapshot(house: House, row: ClosedDay) -> Books:
    tables = read_closed_day(house, row)
    return from_snapshot(epoch_day(row.date), whole_books(tables), read_market(with_market(tables)))


def with_market(tables: dict[str, Frame]) -> dict[str, Frame]:
    """Return the tables with an empty FX table where no rate was known."""
    none = {"currency": np.zeros(0, object), "fx_ppm": np.zeros(0, np.int64), "rate_date": np.zeros(0, np.int64)}
    return {"market.fx": none} | tables


def load_books(house: House, day: Date) -> Books:
    """Return the books of a closed day (帳簿の復元): the last snapshot before it, and the deltas since."""
    with reading(house) as connection:
        rows = closed_days(connection, last=day)
    if not rows or rows[-1].date != day:
        raise HouseError(f"{house.folder}: {day} is not closed: close it first, or choose a closed business day")
    start = max(number for number, row in enumerate(rows) if row.snapshot)
    books = _from_snapshot(house, rows[start])
    for row in rows[start + 1 :]:
        books = roll(books, row.date, read_closed_day(house, row))
    return canonical(books)


def load_books_before(house: House, day: Date) -> Books:
    """Return the books of the day closed before a closed day."""
    with reading(house) as connection:
        rows = closed_days(connection, day, day)
    if not rows or rows[0].previous is None:
        raise HouseError(f"{house.folder}: nothing was closed before {day}")
    return load_books(house, rows[0].previous)


def roll(books: Books, day: Date, tables: dict[str, Frame]) -> Books:
    """Return the books of `day` from those of the day before and the day's tables."""
    return canonical(apply(books, epoch_day(day), tables, read_market(with_market(tables))))
