"""What the decision reads and writes as rows of one kind (発注判断の行): a kernel takes a row as it would a number.

A case is a sleeve to be decided on; a live order is what of an order matters to it; found are tonight's orders, before they
have their dates. The columns of the books are made into rows, and the rows found into columns, in one compiled pass each.
"""

import numpy as np
from numba import njit

from tsutsumi.core.schema import length

CASE = np.dtype([  # a sleeve to be decided on, where its positions and live orders lie, what is due, and what is left of it
    ("row", "i8"), ("first", "i8"), ("last", "i8"), ("first_order", "i8"), ("last_order", "i8"), ("cash_yen", "i8"),
    ("receivable_yen", "i8"), ("payable_yen", "i8"), ("needs", "i8"), ("reserve", "i8"), ("program_no", "i4"), ("model_no", "i4"),
    ("rebalanced_date", "i4"), ("breach", "i4"), ("status_code", "i1"), ("pending_code", "i1"), ("reason", "i1"), ("late", "?"),
    ("has_payout", "?"),
], align=True)
LIVE = np.dtype([
    ("asked_yen", "i8"), ("asked_units", "i8"), ("filled_yen", "i8"), ("instrument_no", "i4"), ("settlement_date", "i4"),
    ("side_code", "i1"), ("status_code", "i1"),
], align=True)
MARKET = np.dtype([
    ("num", "i8"), ("den", "i8"), ("reciprocal", "u8"), ("most_units", "i8"), ("lot", "i8"), ("limit_price", "i8"),
    ("limit_den", "i8"), ("pays", "i8"), ("can_order", "?"), ("stops", "?"), ("unit_mode", "?"),
], align=True)
RULES = np.dtype([(name, "i8") for name in (
    "band_absolute_ppm", "band_relative_ppm", "cooldown_days", "minimum_trade_yen", "sale_margin_ppm", "rebalance_fraction_ppm",
    "rebalance_stretch_ppm", "lots_nearest",
)])
FOUND = np.dtype([
    ("row", "i8"), ("asked_yen", "i8"), ("asked_units", "i8"), ("limit_price", "i8"), ("instrument_no", "i4"), ("side_code", "i1"),
    ("reason_code", "i1"),
], align=True)
LINE = np.dtype([(name, "i8") for name in (  # a position of the sleeve in hand
    "at", "weight", "v", "e", "target", "sellable", "selling", "sold", "sold_first", "bought_yen", "bought_units", "key", "order",
    "coming", "lots", "in_lots",
)])


@njit(cache=True)
def _fill_cases(
    cases, rows, offsets, order_offsets, needs, late, has_payout, reserve, reason, cash, receivable, payable, program, model,
    rebalanced, status, pending,
):
    for k in range(rows.size):
        case, row = cases[k], rows[k]
        case.row, case.first, case.last = row, offsets[row], offsets[row + 1]
        case.first_order, case.last_order = order_offsets[row], order_offsets[row + 1]
        case.needs, case.reserve, case.reason, case.late, case.has_payout = needs[k], reserve[k], reason[k], late[k], has_payout[k]
        case.cash_yen, case.receivable_yen, case.payable_yen = cash[row], receivable[row], payable[row]
        case.program_no, case.model_no, case.rebalanced_date = program[row], model[row], rebalanced[row]
        case.status_code, case.pending_code, case.breach = status[row], pending[row], 0


def sleeve_cases(books, order_offsets, rows, needs, late, has_payout, reserve, reason) -> np.ndarray:
    """Return a case per sleeve at `rows` (判断の対象); the other arguments are columns of the cases, see `orders.decide`."""
    cases, sleeves = np.empty(rows.size, CASE), books.sleeves
    names = (
        "cash_yen", "receivable_yen", "payable_yen", "program_no", "model_no", "rebalanced_date", "status_code", "pending_code",
    )
    _fill_cases(
        cases, rows, books.offsets, order_offsets, needs, late, has_payout, reserve, reason, *(sleeves[name] for name in names)
    )
    return cases


@njit(cache=True)
def _fill_live(live, asked_yen, asked_units, filled_yen, instrument, settlement, side, status):
    for k in range(live.size):
        order = live[k]
        order.asked_yen, order.asked_units, order.filled_yen = asked_yen[k], asked_units[k], filled_yen[k]
        order.instrument_no, order.settlement_date = instrument[k], settlement[k]
        order.side_code, order.status_code = side[k], status[k]


def live_orders(orders) -> np.ndarray:
    """Return the live orders as rows (生きている注文)."""
    live = np.empty(length(orders), LIVE)
    _fill_live(live, *(orders[name] for name in LIVE.names))
    return live


@njit(cache=True)
def _spread(found, first, written, row, asked_yen, asked_units, limit_price, instrument, side, reason):
    place = np.int64(0)
    for block in range(written.size):
        for k in range(first[block], first[block] + written[block]):
            order = found[k]
            row[place], asked_yen[place], asked_units[place] = order.row, order.asked_yen, order.asked_units
            limit_price[place], instrument[place] = order.limit_price, order.instrument_no
            side[place], reason[place] = order.side_code, order.reason_code
            place += 1


def found_orders(found, first, written) -> dict[str, np.ndarray]:
    """Return the orders found as columns (今夜の注文): block b wrote `written[b]` of them from `first[b]` on."""
    rows = int(written.sum())
    columns = {name: np.empty(rows, FOUND[name]) for name in FOUND.names}
    _spread(found, first, written, *columns.values())
    return columns
