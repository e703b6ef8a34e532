"""Files into a house (取込): each file is recognised by its header, its rows are taken, known already, or refused.

All files of one command are one transaction, in the order in which they need each other, whatever the order they are named in.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date as Date
from fractions import Fraction
from pathlib import Path

from sqlalchemy import Connection

from tsutsumi.core.refusals import Refusal
from tsutsumi.ports.nav_files import HEADERS, NavFile, nav_kind, parse_nav_file
from tsutsumi.ports.table_files import TableFile, nearest_header, read_table_file
from tsutsumi.store import audit
from tsutsumi.store.database import House, HouseError, transaction
from tsutsumi.store.kinds import KINDS, kind_of
from tsutsumi.store.load_models import drop_unweighted
from tsutsumi.store.load_prices import (
    PriceRow,
    RateRow,
    load_prices,
    load_rates,
    price_before,
    priced_instruments,
    split_ratios,
)
from tsutsumi.store.load_reference import load_table
from tsutsumi.store.manifest import lock_house
from tsutsumi.store.rows import Outcome

UNKNOWN = "unknown"
KNOWN_HEADERS = {name: kind.header for name, kind in KINDS.items()} | HEADERS
ORDER = {name: place for place, name in enumerate([*KINDS, "fx", "price", "nav", "association", UNKNOWN])}
ORDER |= {name: ORDER["splits"] + 0.5 for name in ("fx", "price", "nav", "association")}  # after instruments and splits


@dataclass(frozen=True)
class FileReport:
    """What became of one file (ファイルごとの取込結果)."""

    path: Path
    kind: str
    accepted: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True)
class LoadReport:
    """What became of every file, in the order in which they were named (取込結果)."""

    files: list[FileReport]

    @property
    def accepted(self) -> int:
        """Rows taken."""
        return sum(file.accepted for file in self.files)

    @property
    def known(self) -> int:
        """Rows that were there already, word for word."""
        return sum(file.known for file in self.files)

    @property
    def refused(self) -> int:
        """Rows not taken."""
        return sum(len(file.refused) for file in self.files)


def load_files(
    house: House, paths: Iterable[Path], recorded_at: str, actor: str = "load", replace_prices: bool = False,
) -> LoadReport:
    """Take files of reference data, prices and events into a house (ファイルの取込).

    Parameters
    ----------
    house : House
    paths : CSV or Parquet files; the kinds and their columns are in `store/kinds.py` and `ports/nav_files.py`
    recorded_at : str
        The moment, from `run/clock.py`.
    actor : str
        Who is written into the audit log.
    replace_prices : bool
        True lets a price take the place of another one of a day that is still open.

    Raises
    ------
    HouseError
        A file cannot be read, another process is at work in the house, or the database refuses; then nothing is kept.
    """
    paths = [Path(path) for path in paths]
    tables, hashes = [], []
    for path in paths:
        try:
            hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
            tables.append(read_table_file(path))
        except OSError as error:
            raise HouseError(f"{path}: cannot be read: {error.strerror}: name a CSV or Parquet file; nothing was loaded") from error
    kinds = [_kind(table) for table in tables]
    reports: list[FileReport] = []
    taken: dict[int, Outcome] = {}
    with lock_house(house.folder, "load"), transaction(house) as connection:
        for place in sorted(range(len(paths)), key=lambda place: ORDER[kinds[place]]):
            outcome = taken[place] = _load(connection, tables[place], kinds[place], recorded_at, replace_prices)
        _drop_unweighted(connection, [taken[place] for place, kind in enumerate(kinds) if kind == "model_versions"])
        for place, path in enumerate(paths):
            outcome = taken[place]
            reports.append(FileReport(path, kinds[place], outcome.accepted, outcome.known, outcome.refused))
            audit.append(connection, actor, "load", _payload(reports[-1], hashes[place], outcome), recorded_at)
    return LoadReport(reports)


def _payload(report: FileReport, sha256: str, outcome: Outcome) -> dict:
    counts = {"accepted": report.accepted, "known": report.known, "refused": len(report.refused)}
    replaced = {"replaced": outcome.replaced} if outcome.replaced else {}
    return {"file": report.path.name, "sha256": sha256, "kind": report.kind} | counts | replaced


def _kind(table: TableFile) -> str:
    kind = nav_kind(table.header)
    return kind if kind != UNKNOWN else kind_of(table.header) or UNKNOWN


def _load(connection: Connection, table: TableFile, kind: str, recorded_at: str, replace_prices: bool) -> Outcome:
    if kind == UNKNOWN and not table.header:
        return Outcome(refused=list(table.refused))
    if kind == UNKNOWN:
        why = f"its header {','.join(table.header)[:120]!r} is none that can be loaded"
        return Outcome(refused=[Refusal(1, table.path.name, why, nearest_header(table.header, KNOWN_HEADERS))])
    if kind in KINDS:
        outcome = load_table(connection, kind, table.header, table.lines, table.rows, recorded_at)
        outcome.refused = sorted([*table.refused, *outcome.refused])
        return outcome
    if kind == "fx":
        found = parse_nav_file(table)
        rates = [RateRow(line, *row) for line, row in zip(found.lines, found.fx, strict=True)]
        return _with(found, load_rates(connection, rates, table.path.name, recorded_at, replace_prices))
    return _load_prices(connection, table, kind, recorded_at, replace_prices)


def _with(found: NavFile, outcome: Outcome) -> Outcome:
    """Add what the file itself repeated or had refused."""
    outcome.known += found.duplicate_count
    outcome.refused += found.refused
    return outcome


def _load_prices(connection: Connection, table: TableFile, kind: str, recorded_at: str, replace_prices: bool) -> Outcome:
    """Read the prices beside what the house knows (decimals, the last price before the file, splits), then store them."""
    known = priced_instruments(connection)
    by_number = split_ratios(connection)
    unit = {name: 1 if kind == "price" else 10**one.price_scale for name, one in known.items()}  # one of the file, as stored

    def before(code: str, day: Date) -> tuple[Date, Fraction] | None:
        stored = price_before(connection, known[code].instrument_no, day) if code in known else None
        return stored and (stored[0], Fraction(stored[1], unit[code]))

    scales = {name: one.price_scale for name, one in known.items()}
    splits = {name: by_number[one.instrument_no] for name, one in known.items() if one.instrument_no in by_number}
    found = parse_nav_file(table, scales, before, splits)
    rows = [
        PriceRow(line, row.date, row.code, row.price * unit.get(row.code, 1), (row.distribution or 0) * unit.get(row.code, 1))
        for line, row in zip(found.lines, found.rows, strict=True)
    ]
    return _with(found, load_prices(connection, rows, known, table.path.name, recorded_at, replace_prices))


def _drop_unweighted(connection: Connection, outcomes: list[Outcome]) -> None:
    """Take back the versions that got no weights by the end of the command."""
    keys = {(row.values["model_no"], row.values["version"]) for outcome in outcomes for row in outcome.rows}
    bare = drop_unweighted(connection, keys)
    for outcome in outcomes:
        rows = [row for row in outcome.rows if (row.values["model_no"], row.values["version"]) in bare]
        cure = "load its model_weights in the same command"
        names = [f"model {row.given['model_id']} version {row.given['version']}" for row in rows]
        refused = [row.refused(name, "it has no weights", cure) for name, row in zip(names, rows, strict=True)]
        outcome.accepted -= len(refused)
        outcome.refused = sorted([*outcome.refused, *refused])
