"""Σ sleeves against the custodian's account, every day (突合): each break with its age and its probable cause."""

import numpy as np
from numba import njit

from tsutsumi.core.books import Books
from tsutsumi.core.ladder import PLACED, PRICED
from tsutsumi.core.schema import Frame

UNKNOWN, IN_FLIGHT, ROUNDING, MISSING_ACCOUNT = range(4)
CAUSES = ("unknown", "in_flight", "rounding", "missing_account")
NAMES = ("account_no", "instrument_no", "ours", "theirs", "since_date", "cause_code")


def holdings_of(books: Books) -> Frame:
    """Return account_no, instrument_no (0 = cash), units of all accounts, sorted, zeros left out: Σ of their sleeves."""
    sleeves, positions = books.sleeves, books.positions
    width = int(positions["instrument_no"].max(initial=0)) + 1
    rows = np.count_nonzero(positions["held_units"]) + sleeves["account_no"].size
    account, instrument, units = np.empty(rows, np.int32), np.empty(rows, np.int32), np.empty(rows, np.int64)
    found = _sum_accounts(
        sleeves["account_no"], sleeves["cash_yen"], books.offsets, positions["instrument_no"], positions["held_units"], width,
        account, instrument, units,
    )
    return {"account_no": account[:found], "instrument_no": instrument[:found], "units": units[:found]}


@njit(cache=True)
def _sum_accounts(owner, cash, offsets, held_instrument, held_units, width, account, instrument, units):
    """Add up the sleeves of each account, which lie together; return the number of rows that are not zero."""
    total, used = np.zeros(width, np.int64), np.zeros(width, np.bool_)
    found, first = 0, 0
    while first < owner.size:
        last = first
        while last < owner.size and owner[last] == owner[first]:
            total[0] += cash[last]
            for p in range(offsets[last], offsets[last + 1]):
                total[held_instrument[p]] += held_units[p]
                used[held_instrument[p]] = True
            last += 1
        used[0] = True
        for i in range(width):
            if not used[i]:
                continue
            if total[i] != 0:
                account[found], instrument[found], units[found] = owner[first], i, total[i]
                found += 1
            total[i], used[i] = 0, False
        first = last
    return found


def reconcile(books: Books, holdings: Frame, known: Frame | None) -> Frame:
    """Return the breaks between the books and the custodian's holdings of the same day (差異).

    Parameters
    ----------
    books : the closed books;  holdings : account_no, instrument_no, units at the end of that day
    known : the breaks of the day before; a break that stood then keeps its first day

    Returns
    -------
    account_no, instrument_no, ours, theirs, since_date, cause_code (`CAUSES`)
        in_flight: the difference is that of a live order; rounding: at most one unit or yen per sleeve.
    """
    ours = holdings_of(books)
    keys = [part["account_no"].astype(np.int64) * 100_001 + part["instrument_no"] for part in (ours, holdings)]
    if np.array_equal(*keys) and np.array_equal(ours["units"], holdings["units"]):
        return {name: np.zeros(0, np.int64) for name in NAMES}
    key = np.union1d(*keys)
    figures = []
    for part, own in zip((ours, holdings), keys, strict=True):
        column = np.zeros(key.size, np.int64)
        column[np.searchsorted(key, own)] = part["units"]
        figures.append(column)
    differs = np.flatnonzero(figures[0] != figures[1])
    before = {}
    if known is not None:
        before = dict(zip(zip(known["account_no"].tolist(), known["instrument_no"].tolist(), strict=True),
                          known["since_date"].tolist(), strict=True))
    rows = []
    for k in differs:
        account, instrument = int(key[k] // 100_001), int(key[k] % 100_001)
        mine, theirs = int(figures[0][k]), int(figures[1][k])
        rows.append((account, instrument, mine, theirs, before.get((account, instrument), books.day),
                     _cause(books, account, instrument, mine - theirs)))
    return {name: np.array(column, np.int64) for name, column in zip(NAMES, zip(*rows, strict=True), strict=True)}


def _cause(books: Books, account: int, instrument: int, difference: int) -> int:
    orders, sleeves = books.orders, books.sleeves
    if not (sleeves["account_no"] == account).any():
        return MISSING_ACCOUNT
    live = (orders["account_no"] == account) & np.isin(orders["status_code"], (PLACED, PRICED))
    column = "filled_yen" if instrument == 0 else "filled_units"
    if instrument:
        live &= orders["instrument_no"] == instrument
    for name in (column, "asked_units", "asked_yen"):
        if (orders[name][live] == abs(difference)).any():
            return IN_FLIGHT
    if abs(difference) <= int((sleeves["account_no"] == account).sum()):
        return ROUNDING
    return UNKNOWN
