"""Load → close → save (日次締めの実行): the days of a house closed one after the other, each either closed or not.

The files of a day are durable before its manifest row flips in one transaction; a kill leaves at most files without a row.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date as Date

import numpy as np
from sqlalchemy import select

from tsutsumi.core.allocation import share_partial_fills
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.delta import snapshot
from tsutsumi.core.events import kind_code
from tsutsumi.core.reconciliation import reconcile
from tsutsumi.core.schema import Frame, empty, length
from tsutsumi.ports import BankDebit, Custodian
from tsutsumi.ports.paper import PaperBank, PaperCustodian
from tsutsumi.run.clock import now
from tsutsumi.run.day_run import DayResult, first_books, gather, new_orders, run_day, told_allocations, told_flows
from tsutsumi.run.memory import keep_memory
from tsutsumi.run.reference import MARKET_TABLES, REFERENCE_TABLES, Reference
from tsutsumi.store.correction_rows import pending_states
from tsutsumi.store.database import House, HouseError, reading, transaction
from tsutsumi.store.day_file import day_digest, write_day_file
from tsutsumi.store.day_tables import cut_tables, load_books, load_books_before, load_day
from tsutsumi.store.manifest import DayFile, day_file_name, last_day, lock_house, record_day, remove_orphans
from tsutsumi.store.tables import events as events_table
from tsutsumi.store.tables import metadata

CUSTODIAN_FILE = "custodian.sqlite"
EVENT_COLUMNS = (
    "event_no", "kind", "contract_no", "sleeve_no", "target_sleeve_no", "model_no", "instrument_no", "amount_yen", "units",
    "note",
)


@dataclass
class CloseReport:
    """What a run of closes did (締めの結果): days, orders, alerts by kind, seconds, bytes."""

    days: int = 0
    first: str = ""
    last: str = ""
    orders: int = 0
    alerts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    bytes: int = 0
    breaks: int = 0


def read_reference(house: House, last: Date) -> Reference:
    """Return the reference data of a house for closes up to `last` (基準情報の読み込み)."""
    with reading(house) as connection:
        tables = {
            name: [dict(row._mapping) for row in connection.execute(select(metadata.tables[name]))]
            for name in REFERENCE_TABLES + MARKET_TABLES
        }
        closed = last_day(connection)
        event = connection.execute(select(events_table.c.date).order_by(events_table.c.date).limit(1)).scalar()
    if not tables["instruments"] or not tables["prices"]:
        raise HouseError(f"{house.folder}: no instruments or no prices: load them first (tsutsumi load HOUSE FILE…)")
    if event is None:
        raise HouseError(f"{house.folder}: no events: a house starts with its first contract_opened event; load events first")
    first = min(day for day in (closed, event) if day is not None)
    return Reference(tables, first, last)


class Closer:
    """A house in the middle of its closes: reference, books of the last day, custodian and bank."""

    def __init__(self, house: House, last: Date, custodian: Custodian | None = None, bank: BankDebit | None = None) -> None:
        self.house = house
        self.reference = read_reference(house, last)
        self.custodian = custodian or PaperCustodian(house.folder / CUSTODIAN_FILE)
        self.bank = bank or PaperBank()
        with reading(house) as connection:
            self.last_closed = last_day(connection)
            names = [events_table.c[name] for name in (*EVENT_COLUMNS, "account_no", "customer_no", "date")]
            waiting = select(*names).where(events_table.c.processed_date.is_(None)).order_by(events_table.c.event_no)
            rows = connection.execute(waiting).all()
            self.customers = {row.event_no: row.customer_no for row in rows if row.customer_no}
            self.pending = [(epoch_day(row.date), self._event(row)) for row in rows]
            self.fee_states = pending_states(connection, [row[0] for _, row in self.pending])
        days = self.reference.timeline.days
        self.breaks: Frame = {}
        if self.last_closed is None:
            first = min((day for day, _ in self.pending), default=int(days[0]))
            self.next_index = int(np.searchsorted(days, first))
            self.books = first_books(self.reference, int(days[self.next_index]))
        else:
            self.next_index = self.reference.timeline.index_of(epoch_day(self.last_closed)) + 1
            self.books = load_books(house, self.last_closed)
            self._hand_over(load_day(house, self.last_closed))

    def _event(self, row) -> tuple:
        registry = self.reference.registry
        kind, account = kind_code(row.kind), row.account_no
        if 0 < row.sleeve_no < registry.sleeves["account_no"].size:
            account = int(registry.sleeves["account_no"][row.sleeve_no])
        elif 0 < row.contract_no < registry.contracts["account_no"].size:
            account = int(registry.contracts["account_no"][row.contract_no])
        return (row.event_no, kind, account, row.contract_no, row.sleeve_no, row.target_sleeve_no, row.model_no, row.instrument_no,
                row.amount_yen, row.units, int(bool(row.note.strip())))

    def _hand_over(self, tables: dict[str, Frame]) -> None:
        """Tell the custodian again what the last closed day decided: told twice it changes nothing, untold it was killed."""
        orders, flows = (tables.get(name, empty(name)) for name in ("orders", "flows"))
        day = epoch_day(self.last_closed)
        fills, allocated = tables.get("inputs.fills"), {}
        if fills is not None and (fills["filled_units"] > 0).any():
            before = load_books_before(self.house, self.last_closed)
            allocated = told_allocations(share_partial_fills(before.orders, fills, self.reference.instruments["lot_units"], day))
        self._tell(day, orders, flows, allocated, tables.get("breaks"))

    def _tell(self, day: int, orders: Frame, flows: Frame, allocations: Frame, known: Frame | None) -> None:
        self.custodian.receive(day, new_orders(orders, day), told_flows(flows), allocations)
        self.breaks = reconcile(self.books, self.custodian.holdings(day), known)

    def close_next(self) -> DayResult:
        """Close the next business day and save it; afterwards it is closed for good."""
        day = int(self.reference.timeline.days[self.next_index])
        events = [row for date, row in self.pending if date <= day]
        states = [row for event in events for row in self.fee_states.get(event[0], ())]
        gathered = gather(self.reference, self.books, self.next_index, events, self.bank, self.custodian, states,
                          self.customers)
        result = run_day(self.books, gathered, self.breaks, self.house.partitions)
        self._save(result)
        self.pending = [(date, row) for date, row in self.pending if date > day]
        self.books, self.last_closed = result.books, from_epoch_day(day)
        self.next_index += 1
        self._tell(day, result.orders, result.flows, told_allocations(result.allocated), self.breaks)
        return result

    def _save(self, result: DayResult) -> None:
        """Write the day's files, then flip its manifest row: the only moment at which the day becomes closed."""
        books = result.books
        day = from_epoch_day(books.day)
        inputs = {name: table for name, table in result.tables.items() if name.startswith("inputs.")}
        whole = self.last_closed is None or self.last_closed.month != day.month
        parts = cut_tables(result.tables | (snapshot(books) if whole else {}), self.house.partitions, books)
        files = []
        for number, tables in enumerate(parts):
            name = day_file_name(day, number)
            size, sha = write_day_file(self.house.folder / name, tables)
            files.append(DayFile(number, name, size, sha))
        with transaction(self.house) as connection:
            record_day(connection, day, self.last_closed, files, day_digest(result.tables), day_digest(inputs), len(files),
                       int(whole), sorted(result.processed), now())
        self.bytes_written = sum(file.bytes for file in files)


@contextmanager
def closing(house: House, last: Date) -> Iterator[Closer]:
    """Hold the house and give its closer; orphans of a kill are removed first."""
    with lock_house(house.folder), _custodian_file(house):
        remove_orphans(house)
        closer = Closer(house, last)
        try:
            yield closer
        finally:
            close = getattr(closer.custodian, "close", None)
            if close:
                close()


@contextmanager
def _custodian_file(house: House) -> Iterator[None]:
    """Turn what the file of the paper custodian refuses into one line; the days closed so far stay closed."""
    try:
        yield
    except sqlite3.Error as error:
        path = house.folder / CUSTODIAN_FILE
        raise HouseError(f"{path}: refused: {error}: free space, or restore it from a backup, then close again") from error


def close_through(house: House, through: Date, progress: Callable[[int, int, DayResult], None] | None = None) -> CloseReport:
    """Close every business day that is not closed yet, up to and including `through` (日次締め).

    Parameters
    ----------
    progress : called after each day with its number, the number of days, and its result
    """
    keep_memory()
    report, begun = CloseReport(), time.perf_counter()
    with closing(house, through) as closer:
        days = closer.reference.timeline.days
        last = int(np.searchsorted(days, epoch_day(through), side="right"))
        total = max(last - closer.next_index, 0)
        for number in range(total):
            result = closer.close_next()
            date = str(from_epoch_day(result.books.day))
            report.first, report.last = report.first or date, date
            report.days += 1
            report.orders += int((result.orders["decided_date"] == result.books.day).sum())
            report.bytes += closer.bytes_written
            for alert in result.alerts:
                report.alerts[alert.kind] = report.alerts.get(alert.kind, 0) + 1
            if progress:
                progress(number + 1, total, result)
            report.breaks += length(closer.breaks) if closer.breaks else 0
    report.seconds = time.perf_counter() - begun
    return report

