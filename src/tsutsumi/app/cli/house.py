"""`tsutsumi init` and `tsutsumi load`: a house is made, and filled from files."""

import getpass
import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.run import clock
from tsutsumi.run.loading import FileReport, LoadReport, load_files
from tsutsumi.store import audit
from tsutsumi.store.database import HouseError, create_house, open_house, transaction

SHOWN_REFUSALS = 10


def init(
    house: Path, *, database: str | None = None, partitions: int = 1, json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make a new, empty house in a folder (ハウスの新設).

    Example: `tsutsumi init my-house`

    Parameters
    ----------
    house
        The folder; it is made if it is missing.
    database
        A `postgresql://user@host/name` URL of an empty database; without it, an SQLite file inside the folder.
    partitions
        Into how many files by account the books of a day are cut.
    json
        Print the result as JSON.
    """
    try:
        made = create_house(house, database, partitions)
        with transaction(made) as connection:
            audit.append(connection, user_name(), "init", {"partitions": partitions}, clock.now())
    except HouseError as error:
        return told("init", error, json)
    backend = made.engine.dialect.name
    if json:
        print(json_text.dumps({"house": str(house), "database": backend, "partitions": partitions}, ensure_ascii=False))
    else:
        print(f"{house}: a new house ({backend}). Next: tsutsumi load {house} FILE…")
    return DONE


def load(
    house: Path, *files: Path, replace_prices: Annotated[bool, Parameter(name="--replace", negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Load reference data, prices and events into a house (取込); each file is recognised by its header.

    Example: `tsutsumi load my-house customers.csv contracts.csv nav_0331418A.csv`

    CSV in UTF-8 or CP932, or Parquet. Rows that are known already are skipped, rows that cannot be taken are listed with
    line, cause and cure, and all others are kept. Exit code 1 if a row was refused.

    Parameters
    ----------
    house
        The folder of the house.
    files
        One or more files, in any order.
    replace_prices
        Let a price take the place of another one, if its day is still open.
    json
        Print the result as JSON.
    """
    try:
        if not files:
            raise HouseError(f"{house}: no file was named: name one or more CSV or Parquet files")
        report = load_files(open_house(house), files, clock.now(), user_name(), replace_prices)
    except HouseError as error:
        return told("load", error, json)
    print(json_text.dumps(_content(report), ensure_ascii=False) if json else "\n".join(_lines(report)))
    return FELL_SHORT if report.refused else DONE


def user_name() -> str:
    """Return the name of the user of this system, for the audit log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "unknown user"


def _content(report: LoadReport) -> dict:
    files = [
        {"file": str(file.path), "kind": file.kind, "accepted": file.accepted, "known": file.known}
        | {"refused": [refusal._asdict() for refusal in file.refused]}
        for file in report.files
    ]
    return {"accepted": report.accepted, "known": report.known, "refused": report.refused, "files": files}


def _lines(report: LoadReport) -> list[str]:
    lines = []
    for file in report.files:
        counts = f"{file.accepted:,} accepted, {file.known:,} known already, {len(file.refused):,} refused"
        lines.append(f"{file.path}: {file.kind}: {counts}")
        lines += _refusals(file)
    return lines


def _refusals(file: FileReport) -> list[str]:
    shown = [f"  {file.path.name}: {refusal}" for refusal in file.refused[:SHOWN_REFUSALS]]
    left = len(file.refused) - len(shown)
    return shown + ([f"  … and {left:,} more (all of them with --json)"] if left else [])
