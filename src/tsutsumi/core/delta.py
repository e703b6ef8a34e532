"""What changed in the books since yesterday (差分): a closed day is a delta on a monthly snapshot.

Values, time-weighted indices and fee bases move every day for every sleeve, but follow from yesterday's by a rule: only the
value is kept, what is in cash and under way where that moved, and the rows for which the rule does not hold. Live orders follow
from yesterday's and the day's own orders; goals are in the day's own table, whole.
`apply(before, delta(before, after)) == after`, to the byte.
"""

from dataclasses import replace

import numpy as np

from tsutsumi.core.books import FEE_KEY, STATE_TABLES, Books, goals_of, index_books, new_books
from tsutsumi.core.ladder import PRICED
from tsutsumi.core.market import MarketState
from tsutsumi.core.performance import chain_index
from tsutsumi.core.schema import Frame, columns, empty, length, row_in, stack, take
from tsutsumi.core.sorting import sorted_order

KEY_COLUMNS = {
    "positions": ("sleeve_no", "instrument_no"),
    "account_positions": ("account_no", "instrument_no"),
    "contracts": ("contract_no",),
    "orders": ("sleeve_no", "decided_date", "instrument_no"),
    "payouts": ("sleeve_no", "kind_code", "event_no", "first_promised_date", "drawn_sleeve_no"),
    "dues": ("sleeve_no", "charged_date"),
    "fees": FEE_KEY,
    "fee_days": ("contract_no", "start_date"),
    "fee_marks": ("contract_no", "sleeve_no", "component_no", "step_no"),
    "ended": ("contract_no", "sleeve_no"),
    "drawing_states": ("sleeve_no",),
    "debit_states": ("sleeve_no", "kind_code"),
}
ORDER = {
    "account_positions": ("account_no", "instrument_no"),
    "contracts": ("account_no", "contract_no"),
    "dues": ("sleeve_no", "charged_date"),
}
IN_SLEEVE_ORDER = {"positions": ("instrument_no",), "orders": ("decided_date", "instrument_no")}
MONEY_COLUMNS = ("cash_yen", "receivable_yen", "payable_yen")
LEFT_OUT = ("drawing_states",)
MARKET_COLUMNS = ("price", "fx_ppm", "priced_date", "refused_price")


def _rolled(before: Frame, money: Frame, value_yen: np.ndarray, days: int) -> Frame:
    """Return yesterday's sleeves as they are today if nothing but prices and settled money happened to them."""
    rolled = dict(before) | {name: money[name] for name in MONEY_COLUMNS}
    rolled["value_yen"] = value_yen
    rolled["positions_yen"] = value_yen - money["cash_yen"] - money["receivable_yen"] + money["payable_yen"]
    rolled["twr_index"] = chain_index(before["twr_index"], value_yen, np.zeros_like(value_yen), before["value_yen"])
    rolled["base_sum_yen"] = before["base_sum_yen"] + before["value_yen"] * (days - 1) + value_yen
    return rolled


def _rolled_orders(before: Frame, of_day: Frame, sleeve_rank: np.ndarray) -> Frame:
    """Return yesterday's live orders with those of the day in their place: what is settled or cancelled is gone."""
    at = row_in(before, of_day, KEY_COLUMNS["orders"])
    kept = np.ones(length(before), bool)
    kept[at[at >= 0]] = False
    live = of_day["status_code"] <= PRICED
    orders = stack(take(before, kept), take(of_day, live))
    return take(orders, sorted_order(sleeve_rank[orders["sleeve_no"]], orders["decided_date"], orders["instrument_no"]))


def _differs(one: Frame, other: Frame) -> np.ndarray:
    differs = np.zeros(length(one), bool)
    for name in one:
        differs |= one[name] != other[name]
    return differs


def delta(before: Books, after: Books, orders: Frame) -> dict[str, Frame]:
    """Return the tables that turn the books of the day before into those of the day (差分表).

    Parameters
    ----------
    orders : the table `orders` of the day, which stands beside these tables: every order that the day changed or made
    """
    tables: dict[str, Frame] = {"delta.value": {"value_yen": after.sleeves["value_yen"]}}
    old, sleeves = before.sleeves, after.sleeves
    kept = np.ones(length(sleeves), bool)
    if not np.array_equal(old["sleeve_no"], sleeves["sleeve_no"]):
        kept = np.isin(sleeves["sleeve_no"], old["sleeve_no"])
        tables["delta.sleeves.gone"] = {"sleeve_no": old["sleeve_no"][~np.isin(old["sleeve_no"], sleeves["sleeve_no"])]}
        old = take(old, before.row_of_sleeve[sleeves["sleeve_no"][kept]])
    now = sleeves if kept.all() else take(sleeves, kept)
    moved = np.flatnonzero(_differs({name: old[name] for name in MONEY_COLUMNS}, now))
    tables["delta.money"] = {name: now[name][moved] for name in ("sleeve_no", *MONEY_COLUMNS)}
    changed = np.ones(length(sleeves), bool)
    changed[kept] = _differs(_rolled(old, now, now["value_yen"], after.day - before.day), now)
    tables["delta.sleeves"] = take(sleeves, changed)
    rank = np.full(max(before.row_of_sleeve.size, after.row_of_sleeve.size), -1, np.int64)
    rank[: after.row_of_sleeve.size] = after.row_of_sleeve
    before = replace(before, orders=_rolled_orders(before.orders, orders, rank))
    for table, key in KEY_COLUMNS.items():
        old, new = getattr(before, table), getattr(after, table)
        changed, gone = _table_delta(old, new, key)
        tables[f"delta.{table}"] = changed
        tables[f"delta.{table}.gone"] = gone
    return {name: frame for name, frame in tables.items() if length(frame)}


def _table_delta(old: Frame, new: Frame, key: tuple[str, ...]) -> tuple[Frame, Frame]:
    """Return the new or changed rows, and the keys that are gone."""
    same = length(old) == length(new) and all(np.array_equal(old[name], new[name]) for name in key)
    if same:
        return take(new, _differs(old, new)), {name: old[name][:0] for name in key}
    at = row_in(old, new, key)
    known = at >= 0
    changed = np.ones(length(new), bool)
    if known.any():
        changed[known] = _differs(take(old, at[known]), take(new, known))
    gone = np.ones(length(old), bool)
    gone[at[known]] = False
    return take(new, changed), {name: old[name][gone] for name in key}


def snapshot(books: Books) -> dict[str, Frame]:
    """Return the whole books as tables (全件); a house that has no use for one of `LEFT_OUT` does not store it."""
    frames = {table: getattr(books, table) for table in STATE_TABLES}
    return {f"state.{table}": frame for table, frame in frames.items() if length(frame) or table not in LEFT_OUT}


def market_table(market: MarketState) -> dict[str, Frame]:
    """Return the prices in force as a table, one row per instrument number, and the last FX rates."""
    names = sorted(market.fx)
    rates = {
        "currency": np.array(names, object), "fx_ppm": np.array([market.fx[name][0] for name in names], np.int64),
        "rate_date": np.array([market.fx[name][1] for name in names], np.int64),
    }
    return {"market": {name: getattr(market, name) for name in MARKET_COLUMNS}, "market.fx": rates}


def read_market(tables: dict[str, Frame]) -> MarketState:
    """Return the prices in force from `market_table`."""
    rates = tables["market.fx"]
    fx = {
        str(name): (int(ppm), int(day))
        for name, ppm, day in zip(rates["currency"], rates["fx_ppm"], rates["rate_date"], strict=True)
    }
    return MarketState(*(tables["market"][name] for name in MARKET_COLUMNS), fx)


def _complete(table: str, of: Frame | None) -> Frame:
    """Return a stored table with every column that it has today; what an older program did not know is zero."""
    if of is None:
        return empty(table)
    if of.keys() >= {word.column for word in columns(table)}:
        return of
    whole = empty(table, length(of))
    return {name: of.get(name, column) for name, column in whole.items()}


def from_snapshot(day: int, tables: dict[str, Frame], market: MarketState) -> Books:
    """Return the books from `snapshot` tables."""
    books = new_books(day, market)
    frames = {table: _complete(table, tables.get(f"state.{table}")) for table in STATE_TABLES}
    frames["goals"] = goals_of(tables.get("state.goals"))
    return index_books(Books(day, **frames, market=books.market))


def apply(before: Books, day: int, tables: dict[str, Frame], market: MarketState) -> Books:
    """Return the books of `day` from those of the day before and the day's tables: its delta tables and `orders`."""
    frames = {"sleeves": _apply_sleeves(before, day, tables), "goals": goals_of(tables.get("goals"))}
    numbers = frames["sleeves"]["sleeve_no"]
    sleeve_rank = np.full(max(int(numbers.max(initial=0)) + 1, before.row_of_sleeve.size), -1, np.int64)
    sleeve_rank[numbers] = np.arange(numbers.size)
    before = replace(before, orders=_rolled_orders(before.orders, tables.get("orders", empty("orders")), sleeve_rank))
    for table, key in KEY_COLUMNS.items():
        old = getattr(before, table)
        changed, gone = tables.get(f"delta.{table}"), tables.get(f"delta.{table}.gone")
        if changed is None and gone is None:
            frames[table] = old
            continue
        changed = None if changed is None else _complete(table, changed)
        frames[table] = _apply_table(table, old, changed, gone, key, sleeve_rank)
    return index_books(Books(day, **frames, market=market))


def _apply_sleeves(before: Books, day: int, tables: dict[str, Frame]) -> Frame:
    sleeves = before.sleeves
    gone = tables.get("delta.sleeves.gone")
    if gone is not None:
        sleeves = take(sleeves, ~np.isin(sleeves["sleeve_no"], gone["sleeve_no"]))
    row_of = np.full(int(sleeves["sleeve_no"].max(initial=0)) + 1, -1, np.int64)
    row_of[sleeves["sleeve_no"]] = np.arange(length(sleeves))
    money = {name: sleeves[name].copy() for name in MONEY_COLUMNS}
    moved = tables.get("delta.money", {})
    for name in MONEY_COLUMNS if moved else ():
        money[name][row_of[moved["sleeve_no"]]] = moved[name]
    changed = tables.get("delta.sleeves")
    fresh = None if changed is None else ~np.isin(changed["sleeve_no"], sleeves["sleeve_no"])
    value = tables["delta.value"]["value_yen"] if "delta.value" in tables else np.zeros(0, np.int64)
    if fresh is not None and fresh.any():
        names = ("account_no", "contract_no", "sleeve_no")
        everyone = {name: np.concatenate([sleeves[name], changed[name][fresh]]) for name in names}
        order = sorted_order(*(everyone[name] for name in names))
        value_of = np.empty(order.size, np.int64)
        value_of[order] = value
        rolled = _rolled(sleeves, money, value_of[: length(sleeves)], day - before.day)
        whole = take(stack(rolled, take(changed, fresh)), order)
    else:
        whole = {name: column.copy() for name, column in _rolled(sleeves, money, value, day - before.day).items()}
    if changed is not None:
        row_of = np.full(int(whole["sleeve_no"].max(initial=0)) + 1, -1, np.int64)
        row_of[whole["sleeve_no"]] = np.arange(length(whole))
        for name, column in changed.items():
            whole[name][row_of[changed["sleeve_no"]]] = column
    return whole


def _apply_table(table: str, old: Frame, changed: Frame | None, gone: Frame | None, key: tuple[str, ...], sleeve_rank) -> Frame:
    drop = np.zeros(length(old), bool)
    for part in (changed, gone):
        if part is not None and length(part):
            at = row_in(old, part, key)
            drop[at[at >= 0]] = True
    whole = stack(take(old, ~drop), changed) if changed is not None else take(old, ~drop)
    if table in IN_SLEEVE_ORDER:
        by = [sleeve_rank[whole["sleeve_no"]], *(whole[name] for name in IN_SLEEVE_ORDER[table])]
    else:
        by = [whole[name] for name in ORDER.get(table, key)]
    return take(whole, sorted_order(*by))


def state_columns() -> dict[str, tuple[str, ...]]:
    """Return the columns of every table of the books."""
    return {table: tuple(word.column for word in columns(table)) for table in STATE_TABLES}
