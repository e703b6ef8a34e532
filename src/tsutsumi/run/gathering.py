"""All days of a house as tables (集約): the facts and values of every day, and how codes and numbers become words and ids."""

from datetime import date as Date

import numpy as np
import polars as pl

from tsutsumi.core.books import Books
from tsutsumi.core.schema import Frame
from tsutsumi.run.history import ids_of, rows_of
from tsutsumi.store.database import House

VALUE_COLUMNS = ("positions_yen", "cash_yen", "receivable_yen", "payable_yen", "value_yen")
REFERENCE = (
    "sleeves", "contracts", "accounts", "customers", "programs", "models", "instruments", "companies", "events", "program_rules",
    "fee_terms", "contract_fee_terms", "fee_adjustments", "fee_corrections", "goals", "surplus_rules", "drawing_orders",
    "account_orders",
)
SIDES = ("sell", "buy")
FACTS = (
    "prices", "flows", "orders", "blocks", "fees", "fee_shares", "journal", "alerts", "payouts", "breaks", "inputs.splits",
    "inputs.distributions", "crystallisations", "goals", "advice",
)


class Gathering:
    """The tables of all days, put together while the days are walked."""

    def __init__(self, house: House) -> None:
        self.rows = rows_of(house, *REFERENCE)
        self.ids = ids_of(self.rows)
        self.facts: dict[str, list[pl.DataFrame]] = {}
        self.values: list[tuple[int, Frame]] = []
        self.opened: dict[int, int] = {}
        self.closed: dict[int, int] = {}
        self.model: dict[int, int] = {}
        self.known = np.zeros(0, np.int32)
        self.books: Books | None = None

    def add(self, date: Date, tables: dict[str, Frame], books: Books) -> None:
        """Take in one day."""
        for name in FACTS:
            if name in tables:
                columns = tables[name].items()
                frame = pl.DataFrame({key: values.tolist() if values.dtype == object else values for key, values in columns})
                self.facts.setdefault(name, []).append(frame.with_columns(pl.lit(date).alias("date")))
        numbers = books.sleeves["sleeve_no"]
        gone = np.setdiff1d(self.known, numbers) if self.known.size else self.known
        for sleeve in gone.tolist():
            self.closed[sleeve] = books.day
        fresh = np.setdiff1d(numbers, self.known)
        for sleeve in fresh.tolist():
            self.opened[sleeve] = int(books.sleeves["opened_date"][books.row_of_sleeve[sleeve]])
        self.model |= dict(zip(numbers.tolist(), books.sleeves["model_no"].tolist(), strict=True))
        part = {"sleeve_no": np.concatenate([numbers, gone])}
        zeros = np.zeros(gone.size, np.int64)
        part |= {name: np.concatenate([books.sleeves[name], zeros]) for name in VALUE_COLUMNS}
        self.values.append((books.day, part))
        if "inputs.distributions" in tables:
            fx = books.market.fx_ppm[tables["inputs.distributions"]["instrument_no"]]
            self.facts["inputs.distributions"][-1] = self.facts["inputs.distributions"][-1].with_columns(pl.Series("fx_ppm", fx))
        self.known, self.books = numbers, books

    def named(self, table: str, numbers: pl.Expr) -> pl.Expr:
        """Return the public ids of a column of numbers."""
        return numbers.replace_strict(self.ids[table], default=None, return_dtype=pl.String)

    def fact(self, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
        """Return all rows of a fact table, or an empty one with the given columns."""
        if name in self.facts:
            frame = pl.concat(self.facts[name], how="diagonal_relaxed")  # an older program had fewer columns
            return frame.with_columns(pl.lit(None, pl.Int64).alias(column) for column in columns if column not in frame.columns)
        return pl.DataFrame(schema={column: pl.Int64 for column in columns} | {"date": pl.Date})


def day_column(numbers: pl.Expr) -> pl.Expr:
    """Return dates from days since 1970-01-01; 0 is none."""
    return pl.when(numbers > 0).then(numbers.cast(pl.Int32).cast(pl.Date)).otherwise(None)


def coded(column: pl.Expr, words: tuple[str, ...]) -> pl.Expr:
    """Return the words of a column of codes."""
    return column.cast(pl.Int64).replace_strict(dict(enumerate(words)), default=None, return_dtype=pl.String)


def event_word(gathering: Gathering, number: pl.Expr, date: pl.Expr) -> pl.Expr:
    """Return the event_id of an event's number; below 0 `surplus_S000123_2026-11`: whose surplus it is, and of which month."""
    sleeve, month = (-number).cast(pl.Int64) // 12, (-number).cast(pl.Int64) % 12 + 1
    year = date.dt.year().cast(pl.Int64) - (month > date.dt.month()).cast(pl.Int64)  # of December, paid in January
    words = [pl.lit("surplus"), gathering.named("sleeves", sleeve),
             pl.concat_str([year.cast(pl.String), month.cast(pl.String).str.zfill(2)], separator="-")]
    return pl.when(number < 0).then(pl.concat_str(words, separator="_")).otherwise(gathering.named("events", number))


def order_id(gathering: Gathering, decided: str = "decided_date") -> pl.Expr:
    """Return `2026-11-20_S000123_us_equity`: one order per sleeve, instrument and evening."""
    return pl.concat_str(
        [day_column(pl.col(decided)).cast(pl.String), gathering.named("sleeves", pl.col("sleeve_no")),
         gathering.named("instruments", pl.col("instrument_no"))], separator="_",
    )


def block_id(gathering: Gathering) -> pl.Expr:
    """Return `2026-11-24_custodian_us_equity_buy`."""
    return pl.concat_str(
        [day_column(pl.col("placed_date")).cast(pl.String), gathering.named("companies", pl.col("custodian_no")),
         gathering.named("instruments", pl.col("instrument_no")), coded(pl.col("side_code"), SIDES)], separator="_",
    )
