"""Rows into tables (行の登録): numbers for ids, many rows at once, and what a load found."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Column, Connection, Table, func, select

from tsutsumi.core.refusals import Refusal
from tsutsumi.store.database import House, HouseError, transaction
from tsutsumi.store.tables import metadata

CHUNK = 500
INSERT_ROWS = 20_000


@dataclass
class Outcome:
    """What became of the rows of one file (取込結果): accepted, already known, refused; the rows taken; replaced prices."""

    accepted: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)
    rows: list["Row"] = field(default_factory=list)
    replaced: list[list] = field(default_factory=list)


@dataclass(slots=True)
class Row:
    """One row that could be read (行): its line, what the file says by column, and what goes into the table."""

    line: int
    given: dict[str, str]
    values: dict[str, object]

    def refused(self, what: str, why: str, cure: str) -> Refusal:
        """Return this row as a refused one."""
        return Refusal(self.line, what, why, cure)


def insert_rows(target: House | Connection, table_name: str, rows: Sequence[dict]) -> int:
    """Insert rows whose numbers are given already (番号付きの登録) and return how many; nothing is validated but the columns.

    Parameters
    ----------
    target : House (one transaction of its own) or Connection (the caller's)
    table_name : str
    rows : dicts with the same keys each, columns of the table; the columns left out take their defaults

    Raises
    ------
    HouseError
        The table or a column is unknown, or the rows have different keys.
    """
    table = metadata.tables.get(table_name)
    if table is None:
        raise HouseError(f"table {table_name!r} is unknown: use one of {', '.join(metadata.tables)}")
    if not rows:
        return 0
    names = rows[0].keys()
    unknown = names - table.columns.keys()
    if unknown:
        raise HouseError(f"table {table_name}: column {sorted(unknown)[0]!r} is unknown: use {', '.join(table.columns.keys())}")
    if any(row.keys() != names for row in rows):
        raise HouseError(f"table {table_name}: the rows have different columns: give every row {', '.join(names)}")
    if isinstance(target, House):
        with transaction(target) as connection:
            return insert_rows(connection, table_name, rows)
    for first in range(0, len(rows), INSERT_ROWS):
        _insert(target, table, rows[first:first + INSERT_ROWS])
    return len(rows)


def _insert(connection: Connection, table: Table, rows: Sequence[dict]) -> None:
    if connection.dialect.name != "postgresql" or len(rows) < CHUNK:
        connection.execute(table.insert(), list(rows))
        return
    names = list(rows[0])
    cursor = connection.connection.cursor()
    columns = ", ".join(f'"{name}"' for name in names)
    with cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:  # many times the speed of INSERT
        for row in rows:
            copy.write_row([row[name] for name in names])


def chunks(values: Iterable, size: int = CHUNK) -> Iterator[list]:
    """Yield the values in lists of at most `size`, as a query takes them."""
    values = list(values)
    for first in range(0, len(values), size):
        yield values[first:first + size]


def numbers_of(connection: Connection, table: Table, ids: Iterable[str]) -> dict[str, int]:
    """Return the numbers of public ids (番号): the first column of a table for its second; unknown ids are left out."""
    number, public = list(table.columns)[:2]
    found: dict[str, int] = {}
    for part in chunks(sorted(set(ids))):
        found.update((row[1], row[0]) for row in connection.execute(select(number, public).where(public.in_(part))))
    return found


def next_number(connection: Connection, column: Column) -> int:
    """Return the number after the highest given one, from 1 (次の番号)."""
    return (connection.execute(select(func.max(column))).scalar_one() or 0) + 1
