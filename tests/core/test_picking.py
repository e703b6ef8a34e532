"""Rows picked and inserted: as numpy does it, for few rows and for many."""

import numpy as np
import pytest

from tsutsumi.core.picking import FEW, insert, pick

COLUMNS = {"account_no": np.int32, "filled_yen": np.int64, "side_code": np.int8, "late": np.bool_}


def columns(rows, seed):
    chance = np.random.default_rng(seed)
    return {name: chance.integers(0, 100, rows).astype(kind) for name, kind in COLUMNS.items()}


@pytest.mark.parametrize("count", [0, 7, FEW - 1, FEW, 3 * FEW])
def test_picked_rows_are_those_of_numpy(count):
    of, rows = columns(2 * FEW, 1), np.random.default_rng(2).integers(0, 2 * FEW, count)
    picked = pick(of, rows)
    for name, column in of.items():
        assert picked[name].dtype == column.dtype
        assert (picked[name] == column[rows]).all()


@pytest.mark.parametrize("wrong", [FEW, FEW + 5, -FEW - 1])
def test_a_row_that_is_not_there_is_an_error_however_many_are_asked_for(wrong):
    rows = np.zeros(2 * FEW, np.int64)
    rows[77] = wrong
    with pytest.raises(IndexError):
        pick(columns(FEW, 3), rows)


@pytest.mark.parametrize(("old", "fresh"), [(0, 3), (9, 0), (1000, 400), (2 * FEW, FEW), (FEW, 2 * FEW)])
def test_inserted_rows_stand_where_numpy_puts_them(old, fresh):
    of, new = columns(old, 4), columns(fresh, 5)
    after = np.sort(np.random.default_rng(6).integers(0, old + 1, fresh))
    merged = insert(of, new, after)
    for name, column in of.items():
        assert merged[name].dtype == column.dtype
        assert (merged[name] == np.insert(column, after, new[name])).all()
