"""The paper custodian's file and memory (台帳): balances, live orders, unsettled trades, answers given.

One SQLite file (WAL, synchronous NORMAL). Every change happens inside `Ledger.call`, one transaction: a process killed at
any instruction leaves the file as it was before the call or as it is after it. A power cut may take back the last calls,
whole ones; it never leaves half of one. The memory mirrors the file and is read anew when a call fails or when another
process has written.
"""

import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tsutsumi.ports import FILL_TYPES, HOLDING_TYPES, Frame

FILE_VERSION = 1
KEPT_DAYS = 2  # days whose changes can be taken back: holdings answers for one day more
SCHEMA = f"""
BEGIN;
CREATE TABLE IF NOT EXISTS days (date INTEGER PRIMARY KEY, fills BLOB NOT NULL, received TEXT, units_before BLOB);
CREATE TABLE IF NOT EXISTS positions (
    slot INTEGER PRIMARY KEY, account_no INTEGER NOT NULL, instrument_no INTEGER NOT NULL, units INTEGER NOT NULL,
    UNIQUE (account_no, instrument_no));
CREATE TABLE IF NOT EXISTS orders (
    custodian_no INTEGER, instrument_no INTEGER, side INTEGER, placed_date INTEGER, sleeve_no INTEGER,
    account_no INTEGER NOT NULL, priced_date INTEGER NOT NULL, asked_yen INTEGER NOT NULL, asked_units INTEGER NOT NULL,
    limit_price INTEGER NOT NULL, PRIMARY KEY (custodian_no, instrument_no, side, placed_date, sleeve_no)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS in_flight (
    settlement_date INTEGER, account_no INTEGER, instrument_no INTEGER, side INTEGER, priced_date INTEGER,
    units INTEGER NOT NULL, yen INTEGER NOT NULL,
    PRIMARY KEY (settlement_date, account_no, instrument_no, side, priced_date)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS awaiting (
    custodian_no INTEGER, instrument_no INTEGER, side INTEGER, placed_date INTEGER, priced_date INTEGER NOT NULL,
    settlement_date INTEGER NOT NULL, price INTEGER NOT NULL, fx_ppm INTEGER NOT NULL, price_scale INTEGER NOT NULL,
    price_base_units INTEGER NOT NULL, amount_mode INTEGER NOT NULL, filled_units INTEGER NOT NULL,
    PRIMARY KEY (custodian_no, instrument_no, side, placed_date)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS problems (
    date INTEGER, kind TEXT, account_no INTEGER, instrument_no INTEGER, units INTEGER NOT NULL,
    PRIMARY KEY (date, kind, account_no, instrument_no)) WITHOUT ROWID;
PRAGMA user_version = {FILE_VERSION};
COMMIT;
"""
REMOVE_BLOCK = "DELETE FROM orders WHERE custodian_no = ? AND instrument_no = ? AND side = ? AND placed_date = ?"


class Block(NamedTuple):
    """What is executed as one (一括注文)."""

    custodian_no: int
    instrument_no: int
    side: int
    placed_date: int


@dataclass(slots=True)
class Order:
    """One sleeve's order inside a block (注文), not yet filled."""

    sleeve_no: int
    account_no: int
    priced_date: int
    asked_yen: int
    asked_units: int
    limit_price: int


class Deal(NamedTuple):
    """How a block was executed (約定条件); `filled_units` as in the fills."""

    priced_date: int
    settlement_date: int
    price: int
    fx_ppm: int
    price_scale: int
    price_base_units: int
    amount_mode: int
    filled_units: int


class Ledger:
    """The custodian's books in memory, written through to one file.

    Attributes
    ----------
    blocks : dict of Block to list of Order
        Live orders (未約定注文).
    awaiting : dict of Block to Deal
        Executed today, waiting for the split to accounts (配分待ち).
    last_date : int or None
        The day of the last `fills`.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, FILE_VERSION):
            raise ValueError(f"{path}: paper custodian file of version {version}, this program reads {FILE_VERSION}")
        if version == 0:
            self._connection.executescript(SCHEMA)
        self._load()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # ---- one call = one transaction

    @contextmanager
    def call(self) -> Iterator[None]:
        """Run what is inside as one transaction; when it fails, file and memory are as before it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self.refresh()
            yield
            self._write_positions()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._load()
            raise

    def refresh(self) -> None:
        """Read the file anew if another process has written to it."""
        if self._connection.execute("PRAGMA data_version").fetchone()[0] != self._data_version:
            self._load()

    def _load(self) -> None:
        query = self._connection.execute
        self._data_version = query("PRAGMA data_version").fetchone()[0]
        recent = query("SELECT date, units_before FROM days ORDER BY date DESC LIMIT ?", (KEPT_DAYS + 1,)).fetchall()
        self._recent = [date for date, _ in recent]
        self.last_date = self._recent[0] if recent else None
        self._before: dict[int, dict[int, int]] = {
            date: dict(np.frombuffer(blob, np.int64).reshape(-1, 2).tolist()) for date, blob in recent if blob is not None
        }
        self._slots: dict[tuple[int, int], int] = {}
        self._keys, self._units = array("q"), array("q")
        self._of_instrument: dict[int, list[int]] = {}
        self._changed: set[int] = set()
        self._sorted: np.ndarray | None = None
        for account_no, instrument_no, units in query("SELECT account_no, instrument_no, units FROM positions ORDER BY slot"):
            self._units[self._new_slot(account_no, instrument_no)] = units
        self.blocks: dict[Block, list[Order]] = {}
        for row in query("SELECT * FROM orders"):
            self.blocks.setdefault(Block(*row[:4]), []).append(Order(*row[4:]))
        self.awaiting = {Block(*row[:4]): Deal(*row[4:]) for row in query("SELECT * FROM awaiting")}
        self._in_flight: dict[int, list[tuple[int, int]]] = {}
        for settlement_date, account_no, yen in query("SELECT settlement_date, account_no, yen FROM in_flight"):
            self._in_flight.setdefault(settlement_date, []).append((account_no, yen))

    # ---- balances

    def _new_slot(self, account_no: int, instrument_no: int) -> int:
        slot = self._slots[account_no, instrument_no] = len(self._units)
        self._keys.append(account_no << 32 | instrument_no)
        self._units.append(0)
        self._of_instrument.setdefault(instrument_no, []).append(slot)
        self._sorted = None
        return slot

    def add(self, account_no: int, instrument_no: int, change: int) -> int:
        """Change a balance (instrument 0: yen) on the last day and return what it is now."""
        slot = self._slots.get((account_no, instrument_no))
        if slot is None:
            slot = self._new_slot(account_no, instrument_no)
        held = self._units[slot]
        self._before[self.last_date].setdefault(slot, held)
        self._changed.add(slot)
        self._units[slot] = held + change
        return held + change

    def holders(self, instrument_no: int) -> list[tuple[int, int]]:
        """Return (account_no, units) of all accounts that hold the instrument (保有口座)."""
        keys, units = self._keys, self._units
        return [(keys[slot] >> 32, units[slot]) for slot in self._of_instrument.get(instrument_no, ()) if units[slot]]

    def _write_positions(self) -> None:
        if not self._changed:
            return
        keys, units = self._keys, self._units
        rows = [(slot, keys[slot] >> 32, keys[slot] & 0xFFFFFFFF, units[slot]) for slot in sorted(self._changed)]
        self._connection.executemany(
            "INSERT INTO positions VALUES (?, ?, ?, ?) ON CONFLICT (slot) DO UPDATE SET units = excluded.units", rows
        )
        before = np.array(list(self._before[self.last_date].items()), np.int64).tobytes()
        self._connection.execute("UPDATE days SET units_before = ? WHERE date = ?", (before, self.last_date))
        self._changed.clear()

    def holdings(self, day: int) -> Frame:
        """Return the balances (残高) at the end of one of the last days; see `Custodian.holdings`."""
        if day not in self._recent:
            kept = ", ".join(str(date) for date in sorted(self._recent)) or "none yet"
            raise ValueError(f"holdings of day {day}: this custodian can answer for its last days only ({kept})")
        keys, units = np.frombuffer(self._keys, np.int64), np.frombuffer(self._units, np.int64).copy()
        for later in self._recent[: self._recent.index(day)]:  # newest first
            for slot, held in self._before[later].items():
                units[slot] = held
        if self._sorted is None:
            self._sorted = np.argsort(keys)
        filled = self._sorted[units[self._sorted] != 0]
        columns = (keys[filled] >> 32, keys[filled] & 0xFFFFFFFF, units[filled])
        return {name: values.astype(kind) for (name, kind), values in zip(HOLDING_TYPES.items(), columns, strict=True)}

    # ---- days

    def answer(self, day: int) -> Frame | None:
        """Return the fills that were answered for a day, None if it was never asked."""
        row = self._connection.execute("SELECT fills FROM days WHERE date = ?", (day,)).fetchone()
        if row is None:
            return None
        table = np.frombuffer(row[0], np.int64).reshape(-1, len(FILL_TYPES))
        return {name: table[:, k].astype(kind) for k, (name, kind) in enumerate(FILL_TYPES.items())}

    def received(self, day: int) -> str | None:
        """Return the hash of what was received for a day, None if nothing was."""
        row = self._connection.execute("SELECT received FROM days WHERE date = ?", (day,)).fetchone()
        return row and row[0]

    def open_day(self, day: int) -> None:
        """Begin a day (日付繰越): from here every change belongs to it."""
        self._recent = [day, *self._recent][: KEPT_DAYS + 1]
        self.last_date = day
        self._before = {date: self._before.get(date, {}) for date in self._recent[:KEPT_DAYS]}
        self._connection.execute("INSERT INTO days VALUES (?, ?, NULL, ?)", (day, b"", b""))
        if len(self._recent) > KEPT_DAYS:
            self._connection.execute("UPDATE days SET units_before = NULL WHERE date = ?", (self._recent[KEPT_DAYS],))

    def store_fills(self, rows: list[tuple]) -> None:
        """Keep the answer of the last day."""
        self._connection.execute(
            "UPDATE days SET fills = ? WHERE date = ?", (np.array(rows, np.int64).tobytes(), self.last_date)
        )

    def store_received(self, digest: str) -> None:
        """Keep the hash of what the close of the last day told."""
        self._connection.execute("UPDATE days SET received = ? WHERE date = ?", (digest, self.last_date))

    # ---- orders and trades

    def place(self, block: Block, orders: list[Order]) -> None:
        """Take a new block of orders (発注)."""
        self.blocks[block] = orders
        self._connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*block, o.sleeve_no, o.account_no, o.priced_date, o.asked_yen, o.asked_units, o.limit_price) for o in orders],
        )

    def remove(self, blocks: list[Block]) -> None:
        """Forget blocks that are filled or lapsed."""
        for block in blocks:
            del self.blocks[block]
        self._connection.executemany(REMOVE_BLOCK, blocks)

    def wait(self, block: Block, deal: Deal) -> None:
        """Keep an executed block until the close tells how it was shared out (配分待ち)."""
        self.awaiting[block] = deal
        self._connection.execute("INSERT INTO awaiting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*block, *deal))

    def clear_awaiting(self) -> None:
        """Forget the blocks that waited: they are shared out."""
        self.awaiting.clear()
        self._connection.execute("DELETE FROM awaiting")

    def trade(self, trades: list[tuple[int, int, int, int, int, int, int]]) -> None:
        """Keep trades until they settle (未受渡).

        Rows of (settlement_date, account_no, instrument_no, side, priced_date, units, yen); yen is what the settlement
        adds to the account's cash.
        """
        for settlement_date, account_no, _, _, _, _, yen in trades:
            self._in_flight.setdefault(settlement_date, []).append((account_no, yen))
        self._connection.executemany("INSERT INTO in_flight VALUES (?, ?, ?, ?, ?, ?, ?)", trades)

    def take_due(self, day: int) -> list[tuple[int, int]]:
        """Remove and return (account_no, yen) of all trades that settle by a day (受渡)."""
        dates = sorted(date for date in self._in_flight if date <= day)
        due = [entry for date in dates for entry in self._in_flight.pop(date)]
        if due:
            self._connection.execute("DELETE FROM in_flight WHERE settlement_date <= ?", (day,))
        return due

    # ---- problems

    def note_problem(self, kind: str, account_no: int, instrument_no: int, units: int) -> None:
        """Keep what must not be, for `problems`."""
        row = (self.last_date, kind, account_no, instrument_no, units)
        self._connection.execute("INSERT OR REPLACE INTO problems VALUES (?, ?, ?, ?, ?)", row)

    def problems(self) -> Frame:
        """Return the problems noted so far (異常): date, kind, account_no, instrument_no, units."""
        rows = self._connection.execute("SELECT * FROM problems ORDER BY date, kind, account_no, instrument_no").fetchall()
        columns = list(zip(*rows, strict=True)) or [()] * 5
        kinds = (np.int32, np.str_, np.int32, np.int32, np.int64)
        names = ("date", "kind", "account_no", "instrument_no", "units")
        return {name: np.array(values, kind) for name, kind, values in zip(names, kinds, columns, strict=True)}
