"""The cash ladder (資金繰り) of a sleeve: what is surely in cash on each coming day.

L(t) = cash + receivables settling ≤ t − payables settling ≤ t − purchases not yet priced settling ≤ t. A sale that is not
priced counts nothing: its yen are not known. The rule that no day of it goes below zero is what keeps every promise.
"""

import numpy as np
from numba import njit

PLACED, PRICED, SETTLED, CANCELLED = 0, 1, 2, 3
SALE, PURCHASE = 0, 1


@njit(cache=True)
def least_cash(cash, first, last, day, side, status, settlement, asked_yen, filled_yen):
    """Return min L(t) over t ≥ day for the orders first..last of one sleeve: the most that can be paid out on `day`."""
    least = _cash_on(cash, first, last, day, side, status, settlement, asked_yen, filled_yen)
    for o in range(first, last):
        if settlement[o] > day and status[o] <= PRICED and side[o] == PURCHASE:
            cash_then = _cash_on(cash, first, last, settlement[o], side, status, settlement, asked_yen, filled_yen)
            least = min(least, cash_then)
    return least


@njit(cache=True, inline="always")
def _cash_on(cash, first, last, day, side, status, settlement, asked_yen, filled_yen):
    """Return L(day)."""
    known = cash
    for o in range(first, last):
        if settlement[o] > day or status[o] > PRICED:
            continue
        if status[o] == PLACED:
            if side[o] == PURCHASE:
                known -= asked_yen[o]
        elif side[o] == PURCHASE:
            known -= filled_yen[o]
        else:
            known += filled_yen[o]
    return known


@njit(cache=True)
def _least_cash_rows(rows, cash, offsets, day, side, status, settlement, asked_yen, filled_yen, least):
    for k in range(rows.size):
        row = rows[k]
        least[k] = least_cash(cash[row], offsets[row], offsets[row + 1], day, side, status, settlement, asked_yen, filled_yen)


def payable_now(rows, cash_yen, offsets, orders, day):
    """Return for the sleeves at `rows` the most that can be paid today without any later day going below zero.

    Parameters
    ----------
    rows : int64[n], cash_yen : int64[S], offsets : int64[S+1]
        `offsets` says where each sleeve's live orders begin in `orders`.
    orders : side_code, status_code, settlement_date, asked_yen, filled_yen
    day : int
    """
    least = np.empty(rows.size, np.int64)
    _least_cash_rows(
        rows, cash_yen, offsets, day, orders["side_code"], orders["status_code"], orders["settlement_date"],
        orders["asked_yen"], orders["filled_yen"], least,
    )
    return least


@njit(cache=True)
def sure_cash(case, day, live):
    """Return min L(t) over t ≥ day (docs/close.md §6): the cash that is surely there from a day on."""
    least = _case_cash_on(case, day, live)
    for o in range(case.first_order, case.last_order):
        if live[o].settlement_date > day and live[o].side_code == PURCHASE:
            least = min(least, _case_cash_on(case, live[o].settlement_date, live))
    return least


@njit(cache=True)
def _case_cash_on(case, day, live):
    """Return L(day)."""
    cash = case.cash_yen
    for o in range(case.first_order, case.last_order):
        if live[o].settlement_date > day:
            continue
        if live[o].side_code == PURCHASE:
            cash -= live[o].asked_yen if live[o].status_code == PLACED else live[o].filled_yen
        elif live[o].status_code != PLACED:
            cash += live[o].filled_yen
    return cash
