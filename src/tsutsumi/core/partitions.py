"""Partitions (分割): the books of a subset of accounts, closed alone, and their results put together again.

Everything of one account is in one partition. Only the sums of the blocks and the shares of partial fills are of the house.
"""

from dataclasses import replace

import numpy as np

from tsutsumi.core.books import FEE_KEY, STATE_TABLES, Books, index_books
from tsutsumi.core.schema import Frame, empty, sort, stack, take
from tsutsumi.core.sorting import sorted_order

PAYOUT_ORDER = ("account_no", "sleeve_no", "kind_code", "event_no", "first_promised_date", "drawn_sleeve_no")


def canonical(books: Books) -> Books:
    """Return the books with every table in its one order: the same whatever way they were made."""
    frames = {
        "payouts": sort(books.payouts, *PAYOUT_ORDER),
        "dues": sort(books.dues, "sleeve_no", "charged_date"),
        "fees": sort(books.fees, *FEE_KEY),
        "fee_days": sort(books.fee_days, "contract_no", "start_date"),
        "fee_marks": sort(books.fee_marks, "contract_no", "sleeve_no", "component_no", "step_no"),
        "ended": sort(books.ended, "contract_no", "sleeve_no"),
        "goals": sort(books.goals, "goal_no"),
        "drawing_states": sort(books.drawing_states, "sleeve_no"),
        "debit_states": sort(books.debit_states, "sleeve_no", "kind_code"),
    }
    return replace(books, **frames)


def partition_of(account_no: np.ndarray, homes: np.ndarray, count: int) -> np.ndarray:
    """Return the partition of each account (分割先): its number mod count, or that of the account that it is closed with.

    >>> partition_of(np.array([1, 2, 3, 4]), np.array([0, 1, 1]), 2).tolist()
    [1, 1, 1, 0]
    """
    home = account_no.astype(np.int64)
    known = home < homes.size
    home[known] = homes[home[known]]
    return home % count


def part_of(books: Books, number: int, count: int, homes: np.ndarray) -> Books:
    """Return the books of the accounts of one partition; `homes` as in `Rules`."""
    if count == 1:
        return books
    frames = {table: take(frame, partition_of(frame["account_no"], homes, count) == number)
              for table in STATE_TABLES if table != "positions" for frame in [getattr(books, table)]}
    owner = books.sleeves["account_no"][books.row_of_sleeve[books.positions["sleeve_no"]]]
    frames["positions"] = take(books.positions, partition_of(owner, homes, count) == number)
    return index_books(replace(books, **frames))


def part_of_events(events: Frame, account_no: np.ndarray, number: int, count: int, homes: np.ndarray) -> Frame:
    """Return the events of a partition; an event without a known account belongs to partition 0."""
    return events if count == 1 else take(events, partition_of(account_no, homes, count) == number)


def merge(parts: list[Books]) -> Books:
    """Return one set of books from those of all partitions."""
    if len(parts) == 1:
        return canonical(parts[0])
    first = parts[0]
    frames = {}
    sleeves = sort(stack(*(part.sleeves for part in parts)), "account_no", "contract_no", "sleeve_no")
    rank = np.full(int(sleeves["sleeve_no"].max(initial=0)) + 1, -1, np.int64)
    rank[sleeves["sleeve_no"]] = np.arange(sleeves["sleeve_no"].size)
    for table in STATE_TABLES:
        frames[table] = stack(empty(table), *(getattr(part, table) for part in parts))
    frames["sleeves"] = sleeves
    positions, orders = frames["positions"], frames["orders"]
    frames["positions"] = take(positions, sorted_order(rank[positions["sleeve_no"]], positions["instrument_no"]))
    frames["orders"] = take(
        orders, sorted_order(rank[orders["sleeve_no"]], orders["decided_date"], orders["instrument_no"])
    )
    frames["account_positions"] = sort(frames["account_positions"], "account_no", "instrument_no")
    frames["contracts"] = sort(frames["contracts"], "account_no", "contract_no")
    return canonical(index_books(replace(first, **frames)))
