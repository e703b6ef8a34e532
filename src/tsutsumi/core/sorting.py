"""The order of rows by several columns (並べ替え): the compiled twin of `numpy.lexsort`, many times as fast on many rows.

Columns are packed side by side into 64-bit words, so that a sort by eight narrow columns is a sort by two or three numbers;
the words are sorted digit by digit (radix), which keeps the order of equal rows.
"""

import numpy as np
from numba import njit

FEW = 2_000
DIGIT = 11


@njit(cache=True)
def _sort_by_word(word, order, bits):
    """Sort `order` by word[order], digit by digit; equal words keep their order."""
    rows, buckets = order.size, 1 << DIGIT
    keys, keys_after, order_after = np.empty(rows, np.uint64), np.empty(rows, np.uint64), np.empty(rows, np.int64)
    for k in range(rows):
        keys[k] = word[order[k]]
    for shift in range(0, bits, DIGIT):
        counts = np.zeros(buckets, np.int64)
        for k in range(rows):
            counts[(keys[k] >> np.uint64(shift)) & np.uint64(buckets - 1)] += 1
        if counts[(keys[0] >> np.uint64(shift)) & np.uint64(buckets - 1)] == rows:
            continue
        place = np.int64(0)
        for bucket in range(buckets):
            place, counts[bucket] = place + counts[bucket], place
        for k in range(rows):
            bucket = (keys[k] >> np.uint64(shift)) & np.uint64(buckets - 1)
            keys_after[counts[bucket]], order_after[counts[bucket]] = keys[k], order[k]
            counts[bucket] += 1
        keys, keys_after, order, order_after = keys_after, keys, order_after, order
    return order


@njit(cache=True)
def _pack(word, column, low, shift):
    for k in range(column.size):
        word[k] |= np.uint64(column[k] - low) << np.uint64(shift)


def _words(columns: list[np.ndarray]) -> list[tuple[np.ndarray, int]]:
    """Return the columns packed into words of at most 64 bits, the last columns first, each word with its number of bits."""
    words: list[tuple[np.ndarray, int]] = []
    used = 64
    for column in reversed(columns):
        low = column.min()
        bits = (int(column.max()) - int(low)).bit_length()
        if bits == 0:
            continue
        if used + bits > 64:
            words.append((np.zeros(column.size, np.uint64), 0))
            used = 0
        _pack(words[-1][0], column, low, used)
        used += bits
        words[-1] = (words[-1][0], used)
    return words


def is_sorted(*columns: np.ndarray) -> bool:
    """Return whether the rows are already in the order of the columns."""
    equal = np.ones(max(columns[0].size - 1, 0), bool)
    for column in columns:
        if (equal & (column[1:] < column[:-1])).any():
            return False
        equal &= column[1:] == column[:-1]
    return True


def sorted_order(*columns: np.ndarray) -> np.ndarray:
    """Return int64[n]: the rows in the order of the columns, the first one foremost; equal rows keep their order.

    >>> sorted_order(np.array([2, 1, 2]), np.array([5, 9, 4])).tolist()
    [1, 2, 0]
    """
    rows = columns[0].size
    if rows < FEW:
        return np.lexsort(columns[::-1])
    order = np.arange(rows)
    for word, bits in _words(list(columns)):
        order = _sort_by_word(word, order, bits)
    return order
