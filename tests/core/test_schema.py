"""The check at every boundary: one wrong type, range, length, column or key is named and stops the day."""

import numpy as np
import pytest

from tests.core.build import columns as told
from tests.core.build import nights, rows
from tsutsumi.core.books import STATE_TABLES
from tsutsumi.core.schema import COLUMNS, check, columns, empty, frame, length, sort, stack, take, vocabulary


def sleeves():
    return rows(
        "sleeves",
        {"account_no": 1, "contract_no": 1, "sleeve_no": 1, "cash_yen": 5},
        {"account_no": 1, "contract_no": 1, "sleeve_no": 2},
        {"account_no": 2, "contract_no": 3, "sleeve_no": 1},
    )


def test_a_right_frame_passes_as_it_is():
    of = sleeves()
    assert check("sleeves", of) is of
    for table in COLUMNS:
        assert length(check(table, empty(table))) == 0


def test_the_books_of_a_house_pass_every_evening():
    for night in nights(0):
        for table in STATE_TABLES:
            check(table, getattr(night.result.books, table))


@pytest.mark.parametrize(("column", "values", "cause"), [
    ("cash_yen", np.array([1, 2, 3], np.int32), "sleeves.cash_yen: int32"),
    ("account_no", np.array([1, 1, 2], np.int64), "sleeves.account_no: int64"),
    ("cash_yen", np.array([1.0, 2.0, 3.0]), "float64"),
    ("cash_yen", np.array([1, 2], np.int64), r"int64\(2,\) where int64\(3,\)"),
    ("cash_yen", np.array([0, -1, 0], np.int64), "sleeves.cash_yen: -1 in row 1 is outside 0..1000000000000"),
    ("cash_yen", np.array([0, 0, 10**12 + 1], np.int64), "1000000000001 in row 2"),
    ("value_yen", np.array([-(10**12) - 1, 0, 0], np.int64), "in row 0 is outside -1000000000000"),
    ("sleeve_no", np.array([1, 1, 1], np.int32), "row 1 is not after the row before"),
    ("sleeve_no", np.array([2, 1, 1], np.int32), "row 1 is not after the row before"),
    ("account_no", np.array([1, 2, 1], np.int32), "row 2 is not after the row before"),
])
def test_what_is_wrong_is_named_with_its_column_and_row(column, values, cause):
    with pytest.raises(ValueError, match=cause):
        check("sleeves", sleeves() | {column: values})


@pytest.mark.parametrize("edge", [0, 10**12])
def test_the_edges_of_a_range_are_inside(edge):
    check("sleeves", sleeves() | {"cash_yen": np.full(3, edge, np.int64)})


def test_a_missing_or_a_foreign_column_is_refused():
    short, long = sleeves(), sleeves() | {"note": np.zeros(3)}
    del short["cash_yen"]
    for of in (short, long):
        with pytest.raises(ValueError, match="are expected"):
            check("sleeves", of)
    del long["cash_yen"]
    with pytest.raises((ValueError, KeyError)):
        check("sleeves", long)


def test_rows_are_taken_stacked_and_sorted_with_every_column():
    of = sleeves()
    assert told(take(of, np.array([2, 0])), "account_no", "sleeve_no") == [(2, 1), (1, 1)]
    assert told(take(of, of["account_no"] == 1), "sleeve_no") == [(1,), (2,)]
    both = stack(empty("sleeves"), take(of, np.array([2])), take(of, np.array([0, 1])))
    assert told(sort(both, "account_no", "contract_no", "sleeve_no"), *COLUMNS["sleeves"].split()) == told(
        of, *COLUMNS["sleeves"].split()
    )
    assert all(both[word.column].dtype == word.dtype for word in columns("sleeves"))
    copy = take(of, np.arange(3))
    copy["cash_yen"][0] = 99
    assert of["cash_yen"][0] == 5, "rows that were taken are copies"


def test_a_frame_from_rows_has_the_types_of_the_vocabulary():
    of = frame("fee_shares", [(1, 0, 2, 1, 3, 4, 5)])
    assert {name: column.dtype for name, column in of.items()} == {name: vocabulary()[name].dtype for name in of}
    with pytest.raises(ValueError):
        frame("fee_shares", [(1, 2, 3, 4)])
    with pytest.raises(OverflowError):
        frame("fee_shares", [(2**31, 0, 2, 1, 3, 4, 5)])
