"""Rows picked out of columns and put into them (行の取り出しと差し込み): compiled, and by two threads, for frames of many rows."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

FEW = 20_000    # rows below which numpy is as fast
MANY = 500_000  # rows from which a second thread earns its place


@njit(cache=True, nogil=True)
def _pick(column, rows, picked):
    for k in range(rows.size):
        picked[k] = column[rows[k]]


@njit(cache=True, nogil=True)
def _put(values, rows, column):
    for k in range(rows.size):
        column[rows[k]] = values[k]


def each(work: Callable[[str], np.ndarray], names: Iterable[str], rows: int, many: int = MANY) -> dict[str, np.ndarray]:
    """Return what `work` makes of each column, by name (列ごとの作業): two columns at once from `many` rows on."""
    names = list(names)
    if rows < many:
        return {name: work(name) for name in names}
    with ThreadPoolExecutor(2) as threads:
        return dict(zip(names, threads.map(work, names), strict=True))


def pick(columns: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return every column at the row numbers `rows` (行の取り出し), copied; a number outside the columns is an IndexError.

    >>> pick({"yen": np.array([5, 7, 9])}, np.array([2, 0]))["yen"].tolist()
    [9, 5]
    """
    if rows.size < FEW or rows.min() < 0 or rows.max() >= min(column.size for column in columns.values()):
        return {name: column.take(rows) for name, column in columns.items()}

    def picked(name: str) -> np.ndarray:
        values = np.empty(rows.size, columns[name].dtype)
        _pick(columns[name], rows, values)
        return values

    return each(picked, columns, rows.size)


def insert(columns: dict[str, np.ndarray], fresh: dict[str, np.ndarray], after: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns with fresh rows among them (行の差し込み), row k behind the first `after[k]` old ones; `after` ascends.

    >>> insert({"yen": np.array([5, 7])}, {"yen": np.array([6, 8])}, np.array([1, 2]))["yen"].tolist()
    [5, 6, 7, 8]
    """
    old = next(iter(columns.values())).size
    place = after + np.arange(after.size)
    known = np.ones(old + after.size, bool)
    known[place] = False
    kept = np.flatnonzero(known)

    def merged(name: str) -> np.ndarray:
        values = np.empty(known.size, columns[name].dtype)
        _put(columns[name], kept, values)
        _put(fresh[name], place, values)
        return values

    return each(merged, columns, known.size)
