"""The closed days of a house, one after the other (履歴): each day's facts and the books at its end."""

from collections.abc import Iterator
from datetime import date as Date

from sqlalchemy import select

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.delta import from_snapshot, read_market
from tsutsumi.core.partitions import canonical
from tsutsumi.core.schema import Frame
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import read_closed_day, roll, whole_books, with_market
from tsutsumi.store.manifest import closed_days
from tsutsumi.store.tables import metadata

NAMED = {
    "sleeves": ("sleeve_no", "sleeve_id"), "contracts": ("contract_no", "contract_id"), "accounts": ("account_no", "account_id"),
    "customers": ("customer_no", "customer_id"), "programs": ("program_no", "program_id"), "models": ("model_no", "model_id"),
    "instruments": ("instrument_no", "instrument_id"), "companies": ("company_no", "company_id"),
    "events": ("event_no", "event_id"), "goals": ("goal_no", "goal_id"),
}


def walk(house: House, through: Date | None = None) -> Iterator[tuple[Date, dict[str, Frame], Books]]:
    """Yield date, tables of the day and the books at its end, for every closed day up to `through`, ascending.

    Raises
    ------
    HouseError
        Nothing is closed yet, or `through` is not a closed day.
    """
    with reading(house) as connection:
        days = closed_days(connection, last=through)
    if not days:
        raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
    if through is not None and days[-1].date != through:
        raise HouseError(f"{house.folder}: {through} is not a closed business day: the last one before it is {days[-1].date}")
    books: Books | None = None
    for row in days:
        tables = read_closed_day(house, row)
        if books is None:
            books = canonical(from_snapshot(epoch_day(row.date), whole_books(tables), read_market(with_market(tables))))
        else:
            books = roll(books, row.date, tables)
        yield row.date, tables, books


def rows_of(house: House, *names: str) -> dict[str, list[dict]]:
    """Return the rows of relational tables by name (関係表の行)."""
    with reading(house) as connection:
        return {name: [dict(row._mapping) for row in connection.execute(select(metadata.tables[name]))] for name in names}


def ids_of(rows: dict[str, list[dict]]) -> dict[str, dict[int, str]]:
    """Return number → public id for every named table among the rows; instrument 0 is JPY."""
    found = {
        table: {row[number]: row[text] for row in rows[table]} for table, (number, text) in NAMED.items() if table in rows
    }
    if "instruments" in found:
        found["instruments"][0] = "JPY"
    return found
