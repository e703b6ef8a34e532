"""A house closed in memory from the rows of its tables: for comparisons day by day."""

from collections.abc import Callable, Iterator
from datetime import date as Date
from pathlib import Path

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.events import kind_code
from tsutsumi.ports.paper import PaperBank, PaperCustodian
from tsutsumi.run.day_run import DayResult, first_books, gather, new_orders, run_day, told_allocations, told_flows
from tsutsumi.run.reference import MARKET_TABLES, REFERENCE_TABLES, Reference


def event_row(row: dict, reference: Reference) -> tuple:
    """Return an event of the relational table as a row of the events frame."""
    registry, account = reference.registry, row.get("account_no", 0)
    sleeve, contract = row.get("sleeve_no", 0), row.get("contract_no", 0)
    if 0 < sleeve < registry.sleeves["account_no"].size:
        account = int(registry.sleeves["account_no"][sleeve])
    elif 0 < contract < registry.contracts["account_no"].size:
        account = int(registry.contracts["account_no"][contract])
    numbers = ("target_sleeve_no", "model_no", "instrument_no", "amount_yen", "units")
    values = (row.get(name, 0) or 0 for name in numbers)
    return (row["event_no"], kind_code(row["kind"]), account, contract, sleeve, *values, int(bool((row.get("note") or "").strip())))


def simulate_house(
    tables: dict[str, list[dict]], first: Date, through: Date, folder: Path, partitions: int = 1, partial_fill_ppm: int = 0,
    bank: PaperBank | None = None, fee_states: Callable[[Books, list[int]], list[tuple]] | None = None,
) -> Iterator[DayResult]:
    """Yield the result of every close from first to through, with a custodian that fills and a bank that never fails, or one
    that is given; `fee_states` gives the rows that the events of a day, by their numbers, let fees go on from.
    """
    rows = {name: tables.get(name, []) for name in REFERENCE_TABLES + MARKET_TABLES}
    reference = Reference(rows, first, through)
    custodian = PaperCustodian(folder / "custodian.sqlite", partial_fill_ppm)
    days = reference.timeline.days
    waiting = sorted((row for row in tables["events"]), key=lambda row: row["event_no"])
    customers = {row["event_no"]: row["customer_no"] for row in waiting if row.get("customer_no")}
    books, index = first_books(reference, epoch_day(first)), int(np.searchsorted(days, epoch_day(first)))
    while int(days[index]) <= epoch_day(through):
        day = int(days[index])
        today = [event_row(row, reference) for row in waiting if epoch_day(row["date"]) <= day]
        waiting = [row for row in waiting if epoch_day(row["date"]) > day]
        states = fee_states(books, [row[0] for row in today]) if fee_states else []
        gathered = gather(reference, books, index, today, bank or PaperBank(failure_ppm=0), custodian, states, customers)
        result = run_day(books, gathered, {}, partitions)
        custodian.receive(day, new_orders(result.orders, day), told_flows(result.flows), told_allocations(result.allocated))
        yield result
        books, index = result.books, index + 1
    custodian.close()
