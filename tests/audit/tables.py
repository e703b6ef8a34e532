"""Reads an exported folder: a frame per table, dates as business-day numbers, ids as dense numbers; a bad cell is a difference."""

from datetime import date, timedelta
from pathlib import Path

import holidays
import numpy as np
import polars as pl

from tests.audit import words
from tests.audit.result import Check, found


class Missing(Exception):
    """A table or column that a check needs is not in the export."""


class Calendar:
    """The business days of a house from `first` to `last`, numbered from 0."""

    def __init__(self, first: date, last: date):
        public = holidays.country_holidays("JP", years=range(first.year, last.year + 1))
        self.first = first
        self.days, self.number = [], np.full((last - first).days + 1, -1, dtype=np.int32)
        for offset in range((last - first).days + 1):
            day = first + timedelta(offset)
            closed = day.weekday() >= 5 or day in public or (day.month, day.day) in ((12, 31), (1, 1), (1, 2), (1, 3))
            if not closed:
                self.number[offset] = len(self.days)
                self.days.append(day)
        self.frame = pl.DataFrame({"b": range(len(self.days)), "day": self.days}, schema={"b": pl.Int32, "day": pl.Date})

    def numbers(self, dates: pl.Series) -> pl.Series:
        """The number of each date, null for an empty date or one that is no business day."""
        offsets = dates.cast(pl.Int32) - (self.first - date(1970, 1, 1)).days
        inside = (offsets >= 0) & (offsets < len(self.number))
        table = pl.Series(self.number)
        taken = table.gather(pl.select(pl.when(inside).then(offsets)).to_series())
        return pl.select(pl.when(taken >= 0).then(taken)).to_series()

    def next_numbers(self, dates: pl.Series) -> pl.Series:
        """The number of each date, or of the next business day."""
        return self.frame["day"].search_sorted(dates, side="left").cast(pl.Int32)

    def on_or_after(self, day: date) -> int:
        while self.number[(day - self.first).days] < 0:
            day += timedelta(1)
        return int(self.number[(day - self.first).days])


def columns_of(text: str) -> dict[str, tuple[str, bool]]:
    """{"closed_date": ("date", True)} from "closed_date?": the type of a column and whether it may be empty."""
    columns = {}
    for word in text.split():
        name = word.rstrip("?")
        if name == "date" or name.endswith("_date"):
            kind = "date"
        elif name.endswith(words.TEXT_ENDS) or name in words.TEXTS:
            kind = "text"
        else:
            kind = "number"
        columns[name] = (kind, word.endswith("?"))
    return columns


def read(folder: Path, name: str) -> pl.DataFrame | None:
    if (folder / f"{name}.parquet").exists():
        return pl.read_parquet(folder / f"{name}.parquet")
    if (folder / f"{name}.csv").exists():
        return pl.read_csv(folder / f"{name}.csv", infer_schema=False)
    return None


def typed(column: pl.Series, kind: str) -> tuple[pl.Series, pl.Series]:
    """The column in its type, and a mask of the cells that are not of that type."""
    wrong = pl.Series([False]).new_from_index(0, len(column))
    if kind == "date":
        if column.dtype == pl.String:
            cast = column.str.to_date("%Y-%m-%d", strict=False)
        elif column.dtype.is_integer():
            cast = column.cast(pl.Int32).cast(pl.Date)
        else:
            cast = column.cast(pl.Date, strict=False)
    elif kind == "number":
        cast = column.cast(pl.Int64, strict=False)
        if column.dtype.is_float() or column.dtype == pl.Boolean:
            wrong = column.is_not_null()
    else:
        cast = column.cast(pl.String)
    return cast, wrong | (cast.is_null() & column.is_not_null())


class Export:
    """The tables of an export. `s`, `i`, `a`, `c` number sleeves, instruments, accounts, contracts; `b…` number business days."""

    def __init__(self, folder: Path, date_text: str | None = None):
        self.folder = Path(folder)
        self.checks: list[Check] = []
        self.notes: list[str] = []
        self.tables: dict[str, pl.DataFrame] = {}
        for name, text in (words.TABLES | words.OPTIONAL_TABLES).items():
            self._load(name, text)
        self._calendar(date_text)
        self._numbers()
        for name in self.tables:
            self._dates(name)
        self.checks = self._one_per_table()

    def _one_per_table(self) -> list[Check]:
        """What was found while reading, put together: one check per table."""
        together: dict[str, list[Check]] = {}
        for check in self.checks:
            together.setdefault(check.name.split(":")[0], []).append(check)
        merged = []
        for name, checks in together.items():
            examples = tuple(f"{check.name}: {example}" for check in checks for example in check.examples)
            rows, differences = max(check.rows for check in checks), sum(check.differences for check in checks)
            merged.append(Check(f"{name}: columns, cells, ids and dates", rows, differences, examples))
        return merged

    def _load(self, name: str, text: str) -> None:
        frame = read(self.folder, name)
        if frame is None:
            if name not in words.OPTIONAL_TABLES:
                self.checks.append(Check(f"{name}: the file is there", 0, 1, (f"no {name}.parquet or {name}.csv",)))
            return
        wanted = columns_of(text)
        absent = [column for column in wanted if column not in frame.columns]
        shown = (", ".join(absent),) if absent else ()
        self.checks.append(Check(f"{name}: the columns are there", frame.height, len(absent), shown))
        wanted |= columns_of(words.OPTIONAL_COLUMNS.get(name, ""))
        if name == "fees":
            wanted |= {column: ("number", True) for column in frame.select(f"{words.SHARE_COLUMN}").columns}
        bad = []
        for column, (kind, empty) in wanted.items():
            if column not in frame.columns:
                continue
            cells, wrong = typed(frame[column], kind)
            wrong = wrong if empty else wrong | cells.is_null()
            if wrong.any():
                values = frame[column].filter(wrong).cast(pl.String, strict=False)
                bad.append(pl.DataFrame({"column": [column] * len(values), "cell": values}))
            frame = frame.with_columns(cells.alias(column))
        empty_frame = pl.DataFrame(schema={"column": pl.String, "cell": pl.String})
        self.checks.append(found(f"{name}: cells typed and not empty", frame.height, pl.concat([empty_frame, *bad])))
        self.tables[name] = frame

    def _calendar(self, date_text: str | None) -> None:
        days = [frame[column] for name, frame in self.tables.items() for column in frame.columns
                if frame[column].dtype == pl.Date and name not in words.OPTIONAL_TABLES and frame[column].count()]
        if not days:
            raise Missing("no table with dates")
        limits = (date(1980, 1, 1), date(2150, 1, 1))
        first = max(min(day.min() for day in days), limits[0])
        last = min(max(day.max() for day in days), limits[1])
        if date_text:
            self.date = date.fromisoformat(date_text)
        else:
            values = self.tables.get("values")
            self.date = (values["date"].max() if values is not None and "date" in values.columns else None) or last
            self.date = max(first, min(self.date, limits[1]))
        self.calendar = Calendar(min(first, self.date) - timedelta(15), max(last, self.date) + timedelta(40))
        self.b_last = self.calendar.on_or_after(self.date)

    def _numbers(self) -> None:
        self.ids: dict[str, pl.Series] = {}
        for short, table, column in (("s", "sleeves", "sleeve_id"), ("i", "prices", "instrument_id"),
                                     ("a", "sleeves", "account_id"), ("c", "sleeves", "contract_id")):
            frame = self.tables.get(table)
            known = frame[column].drop_nulls() if frame is not None and column in frame.columns else pl.Series([], dtype=pl.String)
            self.ids[short] = known.unique().sort()
            index = pl.DataFrame({column: self.ids[short]}).with_row_index(short).with_columns(pl.col(short).cast(pl.Int32))
            for name, frame in self.tables.items():
                if column not in frame.columns:
                    continue
                if name in ("instruments", "contract_fee_terms"):     # what was registered and never used
                    self.tables[name] = frame.join(index, on=column, how="left", maintain_order="left")
                    continue
                frame = frame.join(index, on=column, how="left", maintain_order="left")
                strange = frame.filter(pl.col(column).is_not_null() & pl.col(short).is_null() & (pl.col(column) != words.YEN))
                self.checks.append(found(f"{name}: {column} known in {table}", frame.height, strange.select(column)))
                self.tables[name] = frame
        journal = self.tables.get("journal")
        if journal is not None and "asset" in journal.columns:
            index = pl.DataFrame({"asset": self.ids["i"]}).with_row_index("i").with_columns(pl.col("i").cast(pl.Int32))
            journal = journal.join(index, on="asset", how="left", maintain_order="left")
            strange = journal.filter(pl.col("i").is_null() & (pl.col("asset") != words.YEN))
            strange = strange.select("asset")
            self.checks.append(found("journal: asset is JPY or known in prices", journal.height, strange))
            self.tables["journal"] = journal

    def _dates(self, name: str) -> None:
        frame, bad, rows = self.tables[name], [], 0
        for column in [column for column in frame.columns if frame[column].dtype == pl.Date]:
            rolled = name in ("splits", "distributions")
            number = self.calendar.next_numbers(frame[column]) if rolled else self.calendar.numbers(frame[column])
            short = "b" if column == "date" else "b_" + column.removesuffix("_date")
            frame = frame.with_columns(number.alias(short))
            rows += frame[column].count()
            wrong = pl.lit(False)
            if f"{name}.{column}" not in words.ANY_DAY:
                wrong = pl.col(short).is_null()
            if f"{name}.{column}" not in words.FUTURE:
                wrong = wrong | (pl.col(column) > self.date)
            strange = frame.filter(pl.col(column).is_not_null() & wrong)
            bad.append(strange.select(pl.lit(column).alias("column"), pl.col(column).alias("date")))
        self.tables[name] = frame
        if bad:
            self.checks.append(found(f"{name}: dates are business days up to the exported one", rows, pl.concat(bad)))

    def has(self, name: str, *columns: str) -> bool:
        return name in self.tables and all(column in self.tables[name].columns for column in columns)

    def table(self, name: str, *columns: str) -> pl.DataFrame:
        """The frame of a table that must be there with these columns."""
        if name not in self.tables:
            raise Missing(f"table {name} is not in the export")
        absent = [column for column in columns if column not in self.tables[name].columns]
        if absent:
            raise Missing(f"{name} has no column {', '.join(absent)}")
        return self.tables[name]

    def readable(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Numbers back to public ids and dates."""
        names = {"s": "sleeve_id", "i": "instrument_id", "a": "account_id", "c": "contract_id"}
        for column in frame.columns:
            if column in names:
                if names[column] in frame.columns:
                    frame = frame.drop(column)
                else:
                    frame = frame.with_columns(self.ids[column].gather(frame[column]).alias(column)).rename({column: names[column]})
            elif column == "b" or column.startswith("b_"):
                name = "date" if column == "b" else column[2:] + "_date"
                if name in frame.columns:
                    frame = frame.drop(column)
                else:
                    day = self.calendar.frame["day"].gather(frame[column])
                    frame = frame.with_columns(day.alias(column)).rename({column: name})
        return frame
