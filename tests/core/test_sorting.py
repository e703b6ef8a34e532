"""The compiled sort against numpy's: every length, every width, and equal rows in their order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.sorting import FEW, is_sorted, sorted_order


def random_columns(seed, rows, spans):
    rng = np.random.default_rng(seed)
    return [rng.integers(low, high, rows, np.int64, endpoint=True) for low, high in spans]


@pytest.mark.parametrize("rows", [1, 2, FEW - 1, FEW, FEW + 1, 3 * FEW])
@pytest.mark.parametrize("spans", [
    [(0, 3)], [(-5, 5), (0, 1)], [(5, 5), (7, 7)], [(0, 2**40), (0, 2**40)], [(-(2**62), 2**62), (0, 1)],
    [(0, 1), (-(2**63), 2**63 - 1)], [(0, 2)] * 9, [(0, 2**11), (10**12, 10**12 + 2**30), (-1, 0), (0, 2**25)],
])
def test_rows_come_in_the_order_of_the_columns_and_equal_ones_keep_theirs(rows, spans):
    columns = random_columns(rows, rows, spans)
    assert np.array_equal(sorted_order(*columns), np.lexsort(columns[::-1]))


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64])
def test_narrow_columns_are_sorted_as_wide_ones(kind):
    rng = np.random.default_rng(1)
    first, second = rng.integers(-100, 100, 2 * FEW).astype(kind), rng.integers(0, 50, 2 * FEW).astype(np.int32)
    assert np.array_equal(sorted_order(first, second), np.lexsort((second, first)))


def test_no_rows_are_in_order():
    assert sorted_order(np.zeros(0, np.int64), np.zeros(0, np.int32)).tolist() == [] and is_sorted(np.zeros(0, np.int64))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_what_is_sorted_is_known_as_sorted(rows):
    columns = [np.array([row[k] for row in rows], np.int64) for k in (0, 1)]
    assert is_sorted(*columns) == (rows == sorted(rows))
    order = sorted_order(*columns)
    assert is_sorted(*(column[order] for column in columns)) and sorted(order.tolist()) == list(range(len(rows)))
