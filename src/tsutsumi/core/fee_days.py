"""The bases of the days (日々の残高の控え) of contracts whose fee is priced day by day: from which day on which base holds.

A row stands for each change of the base within the period that runs; it goes with the period's charge. Rules: docs/close.md §7.
"""

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.schema import Frame, empty, length, take


def day_offsets(fee_days: Frame, contract_no: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the rows of each contract begin and end (`fee_days` are in the order contract, day)."""
    held = fee_days["contract_no"]
    return np.searchsorted(held, contract_no, "left"), np.searchsorted(held, contract_no, "right")


def add_days(books: Books, rows: np.ndarray, day: int, base_yen: np.ndarray) -> Frame:
    """Return the days with one more for the contracts at `rows`: base_yen from `day` on, if it is another than before.

    Parameters
    ----------
    rows : contract rows;  day : not before the last day of any of them;  base_yen : int64 per row
    """
    of, contracts = books.fee_days, books.contracts
    number = contracts["contract_no"][rows]
    first, last = day_offsets(of, number)
    known = last > first
    same = np.zeros(rows.size, bool)
    same[known] = of["base_yen"][last[known] - 1] == base_yen[known]
    rows, number, last, base_yen = rows[~same], number[~same], last[~same], base_yen[~same]
    if rows.size == 0:
        return of
    order = np.argsort(number, kind="stable")
    place = last[order] + np.arange(rows.size)
    fresh = {"account_no": contracts["account_no"][rows][order], "contract_no": number[order],
             "start_date": np.full(rows.size, day), "base_yen": base_yen[order]}
    whole = empty("fee_days", length(of) + rows.size)
    kept = np.ones(length(whole), bool)
    kept[place] = False
    for name, column in whole.items():
        column[kept], column[place] = of[name], fresh[name]
    return whole


def histories(fee_days: Frame, contract_no: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return offsets, days and bases of some contracts, one after the other: contract k has rows offsets[k]..offsets[k + 1]."""
    first, last = day_offsets(fee_days, contract_no)
    counts = last - first
    offsets = np.append(0, np.cumsum(counts))
    at = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - first, counts)
    return offsets, fee_days["start_date"][at], fee_days["base_yen"][at]


def base_sums(offsets: np.ndarray, days: np.ndarray, bases: np.ndarray, last: int) -> np.ndarray:
    """Return per contract the sum of its bases over the days until `last` (日々の残高の合計)."""
    until = np.append(days[1:], 0).astype(np.int64)
    until[offsets[1:] - 1] = last + 1
    return np.add.reduceat((until - days) * bases, offsets[:-1]) if offsets.size > 1 else np.zeros(0, np.int64)


def drop_days(fee_days: Frame, contract_no: np.ndarray) -> Frame:
    """Return the days without those of some contracts."""
    if length(fee_days) == 0 or contract_no.size == 0:
        return fee_days
    gone = np.isin(fee_days["contract_no"], contract_no)
    return take(fee_days, ~gone) if gone.any() else fee_days
