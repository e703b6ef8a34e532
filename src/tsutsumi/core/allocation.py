"""Blocks and fills: one order per custodian, instrument and side; what it fills comes back to the sleeves (一括発注と約定配分).

Yen of a fill are fixed per account × instrument × side × price day; what is left by flooring is shared by largest remainder,
so that Σ allocations = block, in units and in yen, always. The rules are docs/close.md §4.
"""

from math import gcd

import numpy as np
from numba import njit

from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED, PURCHASE, SALE
from tsutsumi.core.schema import Frame, empty, length, stack, take
from tsutsumi.core.sorting import sorted_order
from tsutsumi.core.units import PPM
from tsutsumi.core.wide import MAX, mul_div_ceil, mul_div_floor, mul_div_mod, share_group, tie

ALL = -1
DATES = 100_001  # above the number of any day
FILL_COLUMNS = ("status_code", "filled_units", "filled_yen", "fill_price", "fx_ppm", "settlement_date")


def block_key(custodian_no, instrument_no, side_code, placed_date) -> np.ndarray:
    """Return one int64 per row that names the block of an order: custodian, instrument, side, placed date."""
    key = custodian_no.astype(np.int64) * 200_001 + instrument_no
    return (key * 2 + side_code) * DATES + placed_date


def form_blocks(orders: Frame) -> Frame:
    """Return one row per block of tonight's orders (一括注文): Σ units and Σ yen asked, gross per side.

    A sale of one customer is never crossed with a purchase of another (the law forbids it by default).
    """
    if length(orders) == 0:
        return empty("blocks")
    names = ("custodian_no", "instrument_no", "side_code", "placed_date")
    order = sorted_order(*(orders[name] for name in names))
    starts = np.flatnonzero(np.diff(block_key(*(orders[name][order] for name in names)), prepend=-1))
    first = order[starts]
    blocks = {name: orders[name][first] for name in names}
    for name in ("asked_units", "asked_yen"):
        blocks[name] = np.add.reduceat(orders[name][order], starts)
    return blocks


def merge_blocks(parts: list[Frame]) -> Frame:
    """Return the blocks of all partitions as one (パーティションの合算): the only global sum of a day."""
    return form_blocks(stack(empty("blocks"), *parts))


def share_partial_fills(orders: Frame, fills: Frame, lot_units: np.ndarray, day: int) -> Frame:
    """Return what each order gets of the blocks that were filled only in part (一部約定の配分).

    Whole lots are shared pro rata to the units asked, floor first, the rest by largest remainder; never more than asked.

    Parameters
    ----------
    orders : live orders of the whole house
    fills : custodian_no, instrument_no, side_code, placed_date, filled_units (-1: all that was asked)
    lot_units : int64 per instrument

    Returns
    -------
    account_no, sleeve_no, instrument_no, decided_date, side_code, placed_date, units
        One row per order of such a block; 0 units: nothing came.
    """
    names = ("account_no", "sleeve_no", "instrument_no", "decided_date", "side_code", "placed_date")
    result = [{name: orders[name][:0] for name in names} | {"units": np.zeros(0, np.int64)}]
    waiting = np.flatnonzero(orders["status_code"] == PLACED)
    key = block_key(*(orders[name][waiting] for name in ("custodian_no", "instrument_no", "side_code", "placed_date")))
    keys = block_key(*(fills[name] for name in ("custodian_no", "instrument_no", "side_code", "placed_date")))
    for number in np.flatnonzero(fills["filled_units"] != ALL):
        rows = waiting[key == keys[number]]
        if rows.size == 0:
            continue
        of = take(orders, rows)
        lot = int(lot_units[of["instrument_no"][0]])
        lots = int(fills["filled_units"][number]) // lot
        units = _share_lots(lots, of["asked_units"] // lot, of, day) * lot
        result.append({name: of[name] for name in names} | {"units": units})
    return {name: np.concatenate([part[name] for part in result]) for name in result[0]}


def _share_lots(lots: int, asked: np.ndarray, of: Frame, day: int) -> np.ndarray:
    """Share whole lots by largest remainder over any number of orders; a vectorised twin of `wide.share_group`."""
    total = int(asked.sum())
    if total == 0 or lots <= 0:
        return np.zeros(asked.size, np.int64)
    lots = min(lots, total)
    shares, remainders = _floors(lots, asked, total)
    ties = np.array([tie(s, i, day) for s, i in zip(of["sleeve_no"], of["instrument_no"], strict=True)], np.uint64)
    order = np.lexsort((of["decided_date"], of["sleeve_no"], ties, -remainders))
    shares[order[: lots - int(shares.sum())]] += 1
    return shares


@njit(cache=True)
def _floors(total, weights, weight_sum):
    shares, remainders = np.empty(weights.size, np.int64), np.empty(weights.size, np.int64)
    for k in range(weights.size):
        shares[k], remainders[k] = mul_div_mod(total, weights[k], weight_sum)
    return shares, remainders


@njit(cache=True, error_model="numpy")
def _fill_groups(starts, account, sleeve, instrument, side, decided, asked_yen, units, num, den, unit_mode, day, filled_units,
                 filled_yen, group_units, group_yen):
    """Price each group (account, instrument, side) and share it to its orders."""
    for g in range(starts.size - 1):
        first, last = starts[g], starts[g + 1]
        n = last - first
        total_units, total_yen = np.int64(0), np.int64(0)
        for k in range(first, last):
            total_units += units[k]
            total_yen += asked_yen[k]
        by_units = side[first] == SALE or unit_mode[first]
        if side[first] == SALE:
            total_yen = mul_div_floor(total_units, num[first], den[first])
        elif by_units:
            total_yen = mul_div_ceil(total_units, num[first], den[first])
        else:
            total_units = mul_div_floor(total_yen, den[first], num[first])
        group_units[g], group_yen[g] = total_units, total_yen
        if n == 1:
            filled_units[first], filled_yen[first] = total_units, total_yen
            continue
        ties = np.empty(n, np.uint64)
        for k in range(n):
            ties[k] = tie(sleeve[first + k], instrument[first], day)
        if by_units:
            for k in range(first, last):  # slices would bring their error texts into the compiled code
                filled_units[k] = units[k]
            share_group(total_yen, units[first:last], ties, filled_yen[first:last])
        else:
            for k in range(first, last):
                filled_yen[k] = asked_yen[k]
            share_group(total_units, asked_yen[first:last], ties, filled_units[first:last])


def unit_value(price: int, fx_ppm: int, price_scale: int, price_base_units: int) -> tuple[int, int]:
    """Return num, den of a unit: yen(u) = floor(u × num / den); see docs/close.md §2.

    >>> unit_value(12_345, 1_000_000, 0, 10_000)
    (2469, 2000)
    """
    num, den = price * fx_ppm, 10**price_scale * price_base_units * PPM
    common = gcd(num, den)
    if num // common > MAX:
        raise ValueError(f"price {price} × fx {fx_ppm} ppm does not fit 63 bits: check the price's unit")
    return num // common, den // common


def fill_of(orders: Frame, rows: np.ndarray, fills: Frame) -> np.ndarray:
    """Return for each order at `rows` the row of `fills` that answers its block (約定回答); -1 if there is none."""
    if length(fills) == 0:
        return np.full(rows.size, -1)
    names = ("custodian_no", "instrument_no", "side_code", "placed_date")
    keys = block_key(*(fills[name] for name in names))
    by_key, answer = np.argsort(keys), np.empty(rows.size, np.int64)
    most = int(fills["custodian_no"].max()), int(fills["instrument_no"].max())
    first = np.full((most[0] + 1, most[1] + 1, 2), -1)  # the earliest block of each custodian, instrument and side
    for number in by_key[::-1].tolist():
        first[tuple(int(fills[name][number]) for name in names[:3])] = number
    following = np.full(keys.size, -1)  # the next block of the same three
    following[by_key[:-1]] = np.where(np.diff(keys[by_key] // DATES) == 0, by_key[1:], -1)
    _find_answers(*(orders[name] for name in names), rows, first, following, fills["placed_date"], answer)
    return answer


@njit(cache=True)
def _find_answers(custodian, instrument, side, placed, rows, first, following, placed_of, answer):
    for k in range(rows.size):
        row = rows[k]
        number = np.int64(-1)
        if custodian[row] < first.shape[0] and instrument[row] < first.shape[1]:
            number = first[custodian[row], instrument[row], side[row]]
        while number >= 0 and placed_of[number] != placed[row]:
            number = following[number]
        answer[k] = number


def fill_orders(
    orders: Frame, rows: np.ndarray, fills: Frame, answer: np.ndarray, allocated: Frame, instruments: Frame, day: int
) -> tuple[Frame, Frame, np.ndarray]:
    """Return the due orders with what they got (約定), one row per account group, and which row of `orders` each of them is.

    Parameters
    ----------
    orders : orders (see `schema`)
    rows : int64, those that are due
        Placed, priced today, their instrument fresh, their block answered by the custodian.
    fills : block_fills
        Price and FX used by the custodian (a sale's price after its levy); `filled_units` 0: nothing, -1: all.
    answer : int64, the row of `fills` of each order, from `fill_of`
    allocated : units of partly filled blocks, from `share_partial_fills`
    instruments : price_scale, price_base_units, amount_mode
    day : int

    Returns
    -------
    due : the orders at `rows`, sorted by side (purchases first), account, instrument; status priced or cancelled. Only
        `FILL_COLUMNS` were written to.
    groups : account_no, instrument_no, side_code, units, yen
        What the account's books get; Σ orders of a group = the group. A sale's yen are floored, an amount purchase's units
        are floored, a unit purchase's yen are rounded up.
    order : int64, the row of `orders` of each of them
    """
    names = ("account_no", "instrument_no", "sleeve_no", "decided_date")
    order = sorted_order(-orders["side_code"][rows], *(orders[name][rows] for name in names))
    place, order = answer[order], rows[order]
    due = take(orders, order)
    values = [
        unit_value(int(p), int(f), int(instruments["price_scale"][i]), int(instruments["price_base_units"][i]))
        for p, f, i in zip(fills["price"], fills["fx_ppm"], fills["instrument_no"], strict=True)
    ]
    num, den = (np.array([value[k] for value in values], np.int64)[place] for k in (0, 1))
    due["fill_price"], due["fx_ppm"] = fills["price"][place], fills["fx_ppm"][place]
    due["settlement_date"] = fills["settlement_date"][place]
    units = _units_allotted(due, allocated)
    whole = fills["filled_units"][place] == ALL
    units = np.where(whole, due["asked_units"], units)
    unit_mode = (instruments["amount_mode"] == 0)[due["instrument_no"]]
    none = (units == 0) & ((due["side_code"] == SALE) | unit_mode)
    due["status_code"] = np.where(none, CANCELLED, PRICED).astype(np.int8)
    if none.any():
        live = take(due, ~none)
        done, groups = _price_groups(live, units[~none], num[~none], den[~none], unit_mode[~none], day)
        due["filled_units"][~none], due["filled_yen"][~none] = done
    else:
        (due["filled_units"], due["filled_yen"]), groups = _price_groups(due, units, num, den, unit_mode, day)
    return due, _without_empty_purchases(due, groups), order


def _without_empty_purchases(due: Frame, groups: Frame) -> Frame:
    """Cancel the orders of a group whose amount bought no unit (買付口数 0): no yen move; return the other groups."""
    empty_handed = (groups["units"] == 0) & (groups["side_code"] == PURCHASE)
    if empty_handed.any():
        keys = [part["account_no"].astype(np.int64) * 100_001 + part["instrument_no"] for part in (due, take(groups, empty_handed))]
        nothing = np.isin(keys[0], keys[1]) & (due["side_code"] == PURCHASE)
        due["status_code"][nothing] = CANCELLED
        due["filled_yen"][nothing] = 0
        groups = take(groups, ~empty_handed)
    return groups


def _units_allotted(due: Frame, allocated: Frame) -> np.ndarray:
    """Return per due order the units it was allotted of a partly filled block; 0 where nothing stands."""
    units = np.zeros(length(due), np.int64)
    if length(allocated):
        rows = zip(*(allocated[name].tolist() for name in ("sleeve_no", "instrument_no", "decided_date", "units")), strict=True)
        given = {(s, i, d): u for s, i, d, u in rows}
        keys = zip(*(due[name].tolist() for name in ("sleeve_no", "instrument_no", "decided_date")), strict=True)
        units[:] = [given.get(key, 0) for key in keys]
    return units


def _price_groups(live: Frame, units, num, den, unit_mode, day: int) -> tuple[tuple[np.ndarray, np.ndarray], Frame]:
    rows = length(live)
    change = np.ones(rows, bool)
    for name in ("side_code", "account_no", "instrument_no"):
        column = live[name]
        change[1:] &= column[1:] == column[:-1]
    change[1:] = ~change[1:]
    starts = np.append(np.flatnonzero(change), rows)
    filled_units, filled_yen = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    group_units, group_yen = np.zeros(starts.size - 1, np.int64), np.zeros(starts.size - 1, np.int64)
    _fill_groups(
        starts, live["account_no"], live["sleeve_no"], live["instrument_no"], live["side_code"], live["decided_date"],
        live["asked_yen"], units, num, den, unit_mode, day, filled_units, filled_yen, group_units, group_yen,
    )
    first = starts[:-1]
    groups = {name: live[name][first] for name in ("account_no", "instrument_no", "side_code")}
    groups |= {"units": group_units, "yen": group_yen}
    return (filled_units, filled_yen), groups


def is_purchase(orders: Frame) -> np.ndarray:
    """Return which orders buy."""
    return orders["side_code"] == PURCHASE
