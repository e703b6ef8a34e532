"""`tsutsumi goal --goals FILE --to OUT`: the probability of every goal of a file, row by row, however many there are."""

import json as json_text
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.core.goals.book import probabilities
from tsutsumi.core.goals.portfolio import GoalError
from tsutsumi.core.goals.refusal import MOST_YEN, row_refusal

COLUMNS = ("now_yen", "monthly_yen", "target_yen", "months", "mean", "risk")
ROWS = 2_000_000  # held at a time
MOST_MONTHS_ASKED = float(1 << 40)  # a larger figure is refused before it is made whole


def goal_batch(goals: Path, to: Path, log: bool = False, at_end: bool = False, json: bool = False) -> int:
    """Write the rows of a file with their probability (目標達成確率の一括計算) and return the exit code.

    Parameters
    ----------
    goals : CSV or Parquet with the columns now_yen, monthly_yen, target_yen, months, mean, risk; others are kept
    to : CSV or Parquet; appears whole or not at all
    log : mean and risk are drift and volatility
    at_end : payments at the end of each month
    json : print the counts as JSON

    Returns
    -------
    int
        0 done; 1 some rows are no goal: their `probability` is empty and `error` says why; 2 the file cannot be used.
    """
    counted = {"goals": 0, "errors": 0}
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        if to.exists() and goals.exists() and to.samefile(goals):
            raise GoalError(f"--to {to} is the file of goals itself: name another file for the answer")
        rows = _scan(goals)
        schema = dict(rows.collect_schema())
        missing = [name for name in COLUMNS if name not in schema]
        if missing:
            raise GoalError(f"{goals}: no column {', '.join(missing)}; a file of goals has {', '.join(COLUMNS)}")

        def answered(*_asked) -> Iterator[pl.DataFrame]:
            for batch in rows.collect_batches(chunk_size=ROWS, maintain_order=True):
                done = answers(batch, log, at_end)
                counted["goals"] += done.height
                counted["errors"] += done.height - done["error"].null_count()
                yield done

        out = register_io_source(answered, schema=schema | {"probability": pl.Float64, "error": pl.String})
        _sink(out, to, part)
        os.replace(part, to)
    except (GoalError, OSError, pl.exceptions.PolarsError) as error:
        return told("goal", GoalError(_line(error, goals)), json)
    finally:
        part.unlink(missing_ok=True)
    if json:
        print(json_text.dumps(counted))
    else:
        print(f"目標 goals {counted['goals']:,} ・ 誤りのある行 rows with an error {counted['errors']:,} → {to}")
    if counted["errors"]:
        print(f"tsutsumi goal: {counted['errors']:,} rows are no goal; the column error of {to} says why", file=sys.stderr)
    return FELL_SHORT if counted["errors"] else DONE


def _line(error: Exception, goals: Path) -> str:
    """Return what is wrong in one line, with the file's name."""
    if isinstance(error, GoalError):
        return str(error)
    text = " ".join((getattr(error, "strerror", None) or str(error)).split())
    if "utf-8" in text:
        text = "not UTF-8; save it as CSV UTF-8"
    if isinstance(error, FileNotFoundError):
        text = "No such file; check the path"
    if "empty CSV" in text:
        text = f"it is empty; a file of goals has {', '.join(COLUMNS)}"
    if "more fields" in text:
        text = "a row has more fields than the header; write figures without commas"
    return f"{getattr(error, 'filename', None) or goals}: {text}"


def _scan(path: Path) -> pl.LazyFrame:
    """Return the rows of a file, to be read a part at a time; of a CSV as text, so that a bad figure is a bad row."""
    if path.suffix.lower() == ".parquet":
        return pl.scan_parquet(path, glob=False)
    if path.suffix.lower() == ".csv":
        return pl.scan_csv(path, infer_schema=False, glob=False)
    raise GoalError(f"{path}: a file of goals ends with .csv or .parquet")


def _sink(rows: pl.LazyFrame, to: Path, part: Path) -> None:
    """Write the rows beside where they belong."""
    if not to.parent.is_dir():
        raise GoalError(f"{to}: there is no folder {to.parent}; make it first")
    if to.suffix.lower() == ".parquet":
        rows.sink_parquet(part)
    elif to.suffix.lower() == ".csv":
        rows.sink_csv(part)
    else:
        raise GoalError(f"{to}: the answer ends with .csv or .parquet")


def answers(rows: pl.DataFrame, log: bool, at_end: bool) -> pl.DataFrame:
    """Return the same rows with `probability` and `error` (確率と誤り); one of the two is empty in every row.

    Examples
    --------
    >>> rows = pl.DataFrame({"now_yen": [5_000_000, 0], "monthly_yen": [0, 0], "target_yen": [8_000_000, 1], "months": [120, 12],
    ...                      "mean": [0.05, 0.05], "risk": [0.15, 0.15]})
    >>> answers(rows, True, False)["probability"].round(6).to_list()
    [0.430959, None]
    """
    figures = {name: _figures(rows[name]) for name in COLUMNS}
    months = figures["months"]
    usable = (months >= 1) & (months < MOST_MONTHS_ASKED) & (months == np.trunc(months))
    for name in COLUMNS[:3]:
        usable &= np.abs(figures[name]) <= MOST_YEN
    asked = np.where(usable, months, -1).astype(np.int64)
    yen = [figures[name] for name in COLUMNS[:3]]
    probability = probabilities(*yen, asked, figures["mean"], figures["risk"], at_end, log)
    wrong = np.flatnonzero(np.isnan(probability))
    error = pl.repeat(None, rows.height, dtype=pl.String, eager=True).alias("error")
    if wrong.size:
        told_rows = [{name: rows[name][int(i)] for name in COLUMNS} for i in wrong]
        reasons = [_reason(row, {name: figures[name][i] for name in COLUMNS}, log) for row, i in zip(told_rows, wrong, strict=True)]
        error = error.scatter(wrong, reasons)
    return rows.with_columns(pl.Series("probability", probability).fill_nan(None), error)


def _figures(column: pl.Series) -> np.ndarray:
    """Return a column as numbers, NaN for what is none."""
    if column.dtype == pl.String:
        column = column.str.strip_chars()
    return column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()


def _reason(given: dict, figures: dict, log: bool) -> str:
    """Return why a row is no goal: a figure that is none, else what `row_refusal` says."""
    for name in COLUMNS:
        if given[name] is None or given[name] == "":
            return f"{name} is missing: give a number"
        if isinstance(given[name], str) and np.isnan(figures[name]):
            return f"{name} {given[name]!r} is no number: write it in digits, such as 0.05 or 30000"
    return row_refusal(*(float(figures[name]) for name in COLUMNS), log)
