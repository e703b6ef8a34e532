"""Columns of the books as rows for the decision, and the orders found as columns again: nothing is lost on the way."""

from types import SimpleNamespace

import numpy as np

from tsutsumi.core.order_records import CASE, FOUND, LIVE, found_orders, live_orders, sleeve_cases


def test_a_live_order_keeps_what_matters_to_the_decision():
    chance = np.random.default_rng(1)
    orders = {name: chance.integers(0, 100, 50).astype(LIVE[name]) for name in LIVE.names}
    live = live_orders(orders | {"custodian_no": np.zeros(50, np.int32)})
    assert all((live[name] == orders[name]).all() for name in LIVE.names)


def test_a_case_is_its_sleeve_with_what_it_owes():
    chance, count = np.random.default_rng(2), 30
    of_sleeve = (
        "cash_yen", "receivable_yen", "payable_yen", "program_no", "model_no", "rebalanced_date", "status_code", "pending_code",
    )
    sleeves = {name: chance.integers(0, 100, count).astype(CASE[name]) for name in of_sleeve}
    books = SimpleNamespace(sleeves=sleeves, offsets=np.cumsum(chance.integers(0, 5, count + 1)))
    orders_of, rows = np.cumsum(chance.integers(0, 3, count + 1)), np.array([3, 4, 17, 29])
    given = {"needs": np.int64, "late": bool, "has_payout": bool, "reserve": np.int64, "reason": np.int8}
    given = {name: chance.integers(0, 2, rows.size).astype(kind) for name, kind in given.items()}
    cases = sleeve_cases(books, orders_of, rows, *given.values())
    assert all((cases[name] == sleeves[name][rows]).all() for name in of_sleeve)
    assert all((cases[name] == column).all() for name, column in given.items())
    assert (cases["row"] == rows).all() and not cases["breach"].any()
    assert (cases["first"] == books.offsets[rows]).all() and (cases["last"] == books.offsets[rows + 1]).all()
    assert (cases["first_order"] == orders_of[rows]).all() and (cases["last_order"] == orders_of[rows + 1]).all()


def test_the_orders_of_every_block_come_out_one_after_the_other():
    found = np.zeros(10, FOUND)
    found["row"], found["asked_yen"], found["side_code"] = np.arange(10), 100 + np.arange(10), np.arange(10) % 2
    orders = found_orders(found, np.array([0, 4, 6]), np.array([2, 0, 3]))
    assert orders["row"].tolist() == [0, 1, 6, 7, 8] and orders["asked_yen"].tolist() == [100, 101, 106, 107, 108]
    assert orders["side_code"].tolist() == [0, 1, 0, 1, 0]
    assert {name: column.dtype for name, column in orders.items()} == {name: FOUND[name] for name in FOUND.names}
