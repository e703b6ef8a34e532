"""Yesterday's books + what happened → units, cash and cost of every sleeve (帳簿).

The books are arrays: sleeves in the order account ▸ contract ▸ sleeve; positions in that order, then by instrument, with an
offset per sleeve; rows with zero units stand from the moment a model is attached, so that a close does not change the shape.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numba import njit

from tsutsumi.core.ladder import PRICED, PURCHASE, SALE, SETTLED
from tsutsumi.core.market import MarketState
from tsutsumi.core.picking import each, insert
from tsutsumi.core.schema import Frame, columns, empty, length, sort, stack, take
from tsutsumi.core.wide import mul_div_ceil, mul_div_floor, share_group, tie


@dataclass(frozen=True)
class Books:
    """The state at the end of a day (締め後の帳簿); frames by `schema.COLUMNS`. `market` = prices in force."""

    day: int
    sleeves: Frame
    positions: Frame
    account_positions: Frame
    contracts: Frame
    orders: Frame
    payouts: Frame
    dues: Frame
    fees: Frame
    fee_days: Frame
    fee_marks: Frame
    ended: Frame
    goals: Frame
    drawing_states: Frame
    debit_states: Frame
    market: MarketState
    offsets: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    row_of_sleeve: np.ndarray = field(default_factory=lambda: np.full(1, -1, np.int64))


MANY = 20_000  # fills from which a second thread earns its place
MANY_COPIED = 4_000_000  # rows from which copies do
STATE_TABLES = (
    "sleeves", "positions", "account_positions", "contracts", "orders", "payouts", "dues", "fees", "fee_days", "fee_marks",
    "ended", "goals", "drawing_states", "debit_states",
)
FEE_KEY = ("contract_no", "sleeve_no", "component_no", "kind_code", "start_date")  # what is one fee
RARE = (
    "running_base_yen", "uncharged_yen", "credit_yen", "net_deposit_yen", "month_end_count", "month_end_1_yen", "month_end_2_yen",
    "month_end_3_yen", "mean_deposit_yen",
)
OWNERS = frozenset({"account_no", "contract_no", "sleeve_no", "instrument_no", "program_no"})


def new_books(day: int, market: MarketState) -> Books:
    """Return books without any sleeve."""
    return Books(day, *(empty(table) for table in STATE_TABLES), market)


def index_books(books: Books) -> Books:
    """Return the books with `offsets` and `row_of_sleeve` made from their frames."""
    sleeve_no = books.sleeves["sleeve_no"]
    rows = sleeve_no.size
    row_of = np.full(int(sleeve_no.max(initial=0)) + 1, -1, np.int64)
    row_of[sleeve_no] = np.arange(rows)
    position_rows = row_of[books.positions["sleeve_no"]]
    offsets = np.searchsorted(position_rows, np.arange(rows + 1)).astype(np.int64)
    return replace(books, offsets=offsets, row_of_sleeve=row_of)


def copy_books(books: Books, day: int) -> Books:
    """Return books of `day` that may be written to, with the content of `books`.

    Columns that say who a row belongs to are never written to and stay shared; so do the orders, of which `settle` makes new ones.
    Those of contracts that few evenings change are shared too, and locked: who writes to them takes a copy first (`schema.own`).
    """
    frames = {table: _copied(getattr(books, table)) for table in STATE_TABLES if table != "orders"}
    for name in RARE:
        frames["contracts"][name].flags.writeable = False
    return replace(books, day=day, **frames)


def goals_of(facts: Frame | None) -> Frame:
    """Return the goals of the books from the day's table `goals` (目標の状態): it is written whole every day.

    What an older program did not know is zero, a probability is not told.
    """
    names = [word.column for word in columns("goals")]
    if facts is None or facts.keys() >= set(names):
        return empty("goals") if facts is None else {name: facts[name] for name in names}
    whole = empty("goals", length(facts))
    whole["floor_ppm"][:] = -1
    return {name: facts.get(name, whole[name]) for name in names}


def _copied(of: Frame) -> Frame:
    return each(lambda name: of[name] if name in OWNERS or name in RARE else of[name].copy(), of, length(of), MANY_COPIED)


def order_offsets(books: Books) -> np.ndarray:
    """Return int64[S+1]: where each sleeve's live orders begin (`orders` are in the order of the sleeves)."""
    offsets = np.zeros(length(books.sleeves) + 1, np.int64)
    _count_orders(books.row_of_sleeve, books.orders["sleeve_no"], offsets)
    return offsets


@njit(cache=True)
def _count_orders(row_of_sleeve, sleeve_no, offsets):
    for k in range(sleeve_no.size):
        offsets[row_of_sleeve[sleeve_no[k]] + 1] += 1
    for row in range(1, offsets.size):
        offsets[row] += offsets[row - 1]


def insert_orders(books: Books, fresh: Frame, rows: np.ndarray, offsets: np.ndarray) -> Frame:
    """Return the live orders with those decided tonight, in the order of the sleeves, then by decided date and instrument.

    Parameters
    ----------
    fresh : orders in the order of the sleeves and instruments;  rows : their sleeve rows;  offsets : `order_offsets(books)`
    """
    return insert(books.orders, fresh, offsets[rows + 1])


def add_layout(books: Books, weights: np.ndarray) -> Books:
    """Return the books with a position row for every instrument that a sleeve holds, has on order, or should hold.

    Parameters
    ----------
    weights : int32[models, instruments]
        Weights in force; a row stands where the weight of the sleeve's model is above zero.
    """
    width = np.int64(weights.shape[1])
    sleeves, positions = books.sleeves, books.positions
    row_of = index_books(replace(books, positions=empty("positions"))).row_of_sleeve
    kept = (positions["held_units"] > 0) | (positions["cost_yen"] > 0)  # a purchase may have cost yen and brought no unit
    held = kept & (row_of[positions["sleeve_no"]] >= 0)
    keys = [row_of[positions["sleeve_no"][held]] * width + positions["instrument_no"][held]]
    keys.append(row_of[books.orders["sleeve_no"]] * width + books.orders["instrument_no"])
    for model in np.unique(sleeves["model_no"]):
        members = np.flatnonzero(sleeves["model_no"] == model)
        wanted = np.flatnonzero(weights[model, 1:] > 0) + 1
        keys.append((members[:, None] * width + wanted[None, :]).ravel())
    key = np.unique(np.concatenate(keys))
    fresh = empty("positions", key.size)
    fresh["sleeve_no"], fresh["instrument_no"] = sleeves["sleeve_no"][key // width], (key % width).astype(np.int32)
    place = np.searchsorted(key, keys[0])
    fresh["held_units"][place], fresh["cost_yen"][place] = positions["held_units"][held], positions["cost_yen"][held]
    account_of = sleeves["account_no"][key // width].astype(np.int64)
    return index_books(replace(books, positions=fresh, account_positions=_with_account_rows(books, account_of * width + key % width,
                                                                                         width)))


def _with_account_rows(books: Books, wanted: np.ndarray, width: np.int64) -> Frame:
    old = books.account_positions
    old_key = old["account_no"].astype(np.int64) * width + old["instrument_no"]
    key = np.union1d(wanted, old_key)
    fresh = empty("account_positions", key.size)
    fresh["account_no"], fresh["instrument_no"] = (key // width).astype(np.int32), (key % width).astype(np.int32)
    place = np.searchsorted(key, old_key)
    fresh["held_units"][place], fresh["tax_cost_yen"][place] = old["held_units"], old["tax_cost_yen"]
    return fresh


def settle(books: Books) -> tuple[Books, Frame]:
    """Return the books after the settlements due by today (受渡), and the orders that settled.

    A sale's yen go from receivable to cash, a purchase's from cash out of payable. Writes into the books given.
    """
    orders, sleeves = books.orders, books.sleeves
    due = (orders["status_code"] == PRICED) & (orders["settlement_date"] <= books.day)
    settled = take(orders, due)
    settled["status_code"][:] = SETTLED
    _settle_rows(
        books.row_of_sleeve[settled["sleeve_no"]], settled["side_code"], settled["filled_yen"], sleeves["cash_yen"],
        sleeves["receivable_yen"], sleeves["payable_yen"],
    )
    return replace(books, orders=take(orders, ~due)), settled


@njit(cache=True)
def _settle_rows(rows, side, yen, cash, receivable, payable):
    for k in range(rows.size):
        if side[k] == SALE:
            receivable[rows[k]] -= yen[k]
            cash[rows[k]] += yen[k]
        else:
            payable[rows[k]] -= yen[k]
            cash[rows[k]] -= yen[k]


@njit(cache=True, nogil=True)
def _apply_fills(rows, instrument, side, units, yen, offsets, held_instrument, held_units, cost_yen, receivable, payable):
    for k in range(rows.size):
        p = offsets[rows[k]]
        while held_instrument[p] != instrument[k]:
            p += 1
        if side[k] == PURCHASE:
            held_units[p] += units[k]
            cost_yen[p] += yen[k]
            payable[rows[k]] += yen[k]
        else:
            if units[k] > 0:
                cost_yen[p] -= mul_div_floor(cost_yen[p], units[k], held_units[p])
            held_units[p] -= units[k]
            receivable[rows[k]] += yen[k]


@njit(cache=True, error_model="numpy", nogil=True)
def _apply_groups(place, side, units, yen, base, held_units, tax_cost_yen):
    for k in range(place.size):
        p = place[k]
        if side[k] == PURCHASE:
            held_units[p] += units[k]
            tax_cost_yen[p] += yen[k]
        elif units[k] > 0:
            unit_cost = mul_div_ceil(tax_cost_yen[p], base[k], held_units[p])
            held_units[p] -= units[k]
            tax_cost_yen[p] = mul_div_ceil(unit_cost, held_units[p], base[k])


def book_fills(books: Books, filled: Frame, groups: Frame, base_units: np.ndarray) -> None:
    """Write fills (約定) into sleeves and accounts: units now, yen as receivable or payable until the settlement date.

    Sleeve cost: a sale takes floor(cost × sold / held). Account cost (総平均法に準ずる方法): unit cost rounded up and carried.
    `filled` and `groups` have purchases first, so that what is bought on a day is averaged before what is sold on it.
    """
    if filled["sleeve_no"].size < MANY:
        _book_sleeves(books, filled)
        _book_accounts(books.account_positions, groups, base_units)
        return
    with ThreadPoolExecutor(1) as beside:  # the two sides share nothing
        accounts = beside.submit(_book_accounts, books.account_positions, groups, base_units)
        _book_sleeves(books, filled)
        accounts.result()


def _book_sleeves(books: Books, filled: Frame) -> None:
    sleeves, positions = books.sleeves, books.positions
    _apply_fills(
        books.row_of_sleeve[filled["sleeve_no"]], filled["instrument_no"], filled["side_code"], filled["filled_units"],
        filled["filled_yen"], books.offsets, positions["instrument_no"], positions["held_units"], positions["cost_yen"],
        sleeves["receivable_yen"], sleeves["payable_yen"],
    )


def _book_accounts(accounts: Frame, groups: Frame, base_units: np.ndarray) -> None:
    _apply_groups(
        account_place(accounts, groups["account_no"], groups["instrument_no"]), groups["side_code"], groups["units"], groups["yen"],
        base_units[groups["instrument_no"]].astype(np.int64), accounts["held_units"], accounts["tax_cost_yen"],
    )


def account_place(accounts: Frame, account_no: np.ndarray, instrument_no: np.ndarray) -> np.ndarray:
    """Return the rows of `account_positions` of the given accounts and instruments; fastest if these ascend."""
    places = np.empty(account_no.size, np.int64)
    _find(accounts["account_no"], accounts["instrument_no"], account_no, instrument_no, places)
    return places


@njit(cache=True, nogil=True)
def _find(account, instrument, wanted_account, wanted_instrument, places):
    """Fill in the first row not before each wanted one, going on from the one before with doubling steps."""
    low = 0
    for k in range(places.size):
        a, i = wanted_account[k], wanted_instrument[k]
        if low > 0 and (account[low - 1] > a or (account[low - 1] == a and instrument[low - 1] >= i)):
            low = 0
        high, step = low, 16
        while high < account.size and (account[high] < a or (account[high] == a and instrument[high] < i)):
            low, high, step = high + 1, high + step, 2 * step
        high = min(high, account.size)
        while low < high:
            middle = (low + high) // 2
            if account[middle] < a or (account[middle] == a and instrument[middle] < i):
                low = middle + 1
            else:
                high = middle
        places[k] = low


@njit(cache=True)
def _share_groups(starts, totals, weights, sleeve, instrument_no, day, shares):
    for g in range(starts.size - 1):
        first, last = starts[g], starts[g + 1]
        ties = np.empty(last - first, np.uint64)
        for k in range(first, last):
            ties[k - first] = tie(sleeve[k], instrument_no, day)
        share_group(totals[g], weights[first:last], ties, shares[first:last])


def share_columns(starts, totals, weights, sleeve_no, instrument_no: int, day: int) -> np.ndarray:
    """Return each group's total shared to its rows by largest remainder (端数配分); group g is rows starts[g]..starts[g+1]."""
    shares = np.zeros(sleeve_no.size, np.int64)
    _share_groups(starts, totals, weights, sleeve_no, instrument_no, day, shares)
    return shares


def _holders(books: Books, instrument_no: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the position rows that hold an instrument, where each account begins, its account row, and their sleeve rows."""
    positions = books.positions
    rows = np.flatnonzero((positions["instrument_no"] == instrument_no) & (positions["held_units"] > 0))
    sleeve_rows = books.row_of_sleeve[positions["sleeve_no"][rows]]
    account = books.sleeves["account_no"][sleeve_rows]
    starts = np.flatnonzero(np.diff(account, prepend=-1))
    number = np.full(starts.size, instrument_no, np.int32)
    return rows, np.append(starts, rows.size), account_place(books.account_positions, account[starts], number), sleeve_rows


def split_units(books: Books, instrument_no: int, old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Write a split (分割) into the books; return sleeve rows and the change of their units.

    Account units become floor(U × new / old), shared to its sleeves by largest remainder; costs stay, except where nothing is left.
    """
    rows, starts, place, sleeve_rows = _holders(books, instrument_no)
    accounts, positions = books.account_positions, books.positions
    units = positions["held_units"][rows]
    accounts["held_units"][place] = [int(u) * new // old for u in accounts["held_units"][place]]
    shares = np.zeros(rows.size, np.int64)
    _share_groups(starts, accounts["held_units"][place], units, positions["sleeve_no"][rows], instrument_no, books.day, shares)
    positions["held_units"][rows] = shares
    positions["cost_yen"][rows[shares == 0]] = 0
    accounts["tax_cost_yen"][place[accounts["held_units"][place] == 0]] = 0
    return sleeve_rows, shares - units


def distribute(books: Books, instrument_no: int, num: int, den: int) -> tuple[np.ndarray, np.ndarray]:
    """Write a distribution (分配金) into cash; return sleeve rows and yen.

    Account yen = floor(U × num / den), shared to its sleeves by largest remainder with their units as weights.
    """
    rows, starts, place, sleeve_rows = _holders(books, instrument_no)
    totals = np.array([int(u) * num // den for u in books.account_positions["held_units"][place]], np.int64)
    shares = np.zeros(rows.size, np.int64)
    positions = books.positions
    _share_groups(starts, totals, positions["held_units"][rows], positions["sleeve_no"][rows], instrument_no, books.day, shares)
    np.add.at(books.sleeves["cash_yen"], sleeve_rows, shares)
    return sleeve_rows, shares


def add_position(books: Books, line: Frame, account: int) -> Books:
    """Return the books with one more position in its place (保有行の追加), and a row of its account: later events see it too."""
    positions, accounts = stack(books.positions, line), books.account_positions
    rows = books.row_of_sleeve[positions["sleeve_no"]]
    order = np.lexsort((positions["instrument_no"], rows))
    offsets = np.append(0, np.cumsum(np.bincount(rows, minlength=length(books.sleeves)))).astype(np.int64)
    instrument = int(line["instrument_no"][0])
    if not ((accounts["account_no"] == account) & (accounts["instrument_no"] == instrument)).any():
        held = empty("account_positions", 1)
        held["account_no"][0], held["instrument_no"][0] = account, instrument
        accounts = sort(stack(accounts, held), "account_no", "instrument_no")
    return replace(books, positions=take(positions, order), offsets=offsets, account_positions=accounts)


def add_sleeves(books: Books, opened: Frame) -> Books:
    """Return the books with new sleeves in their place; positions come with `add_layout`."""
    return replace(books, sleeves=sort(stack(books.sleeves, opened), "account_no", "contract_no", "sleeve_no"))


def drop_sleeves(books: Books, closed: np.ndarray) -> Books:
    """Return the books without the closed sleeves (a mask); their positions must be zero.

    Raises
    ------
    ValueError
        A sleeve that still has units, cash or anything under way: a bug, and the day stops before anything is saved.
    """
    gone = take(books.sleeves, closed)
    for name in ("cash_yen", "receivable_yen", "payable_yen"):
        if gone[name].any():
            raise ValueError(f"books: sleeve {gone['sleeve_no'][gone[name] != 0][0]} closes with {name} that is not zero")
    position_gone = closed[books.row_of_sleeve[books.positions["sleeve_no"]]]
    if books.positions["held_units"][position_gone].any() or np.isin(books.orders["sleeve_no"], gone["sleeve_no"]).any():
        raise ValueError("books: a sleeve closes with units or live orders")
    kept = take(books.drawing_states, ~np.isin(books.drawing_states["sleeve_no"], gone["sleeve_no"]))
    positions = take(books.positions, ~position_gone)
    return index_books(replace(books, sleeves=take(books.sleeves, ~closed), positions=positions, drawing_states=kept))
