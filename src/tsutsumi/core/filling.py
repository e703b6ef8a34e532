"""The orders whose price day is today (約定): filled by the custodian's answer, or waiting for the next price."""

from dataclasses import replace

import numpy as np

from tsutsumi.core.allocation import FILL_COLUMNS, fill_of, fill_orders, unit_value
from tsutsumi.core.books import book_fills
from tsutsumi.core.evening import Evening, order_cause
from tsutsumi.core.journal import BY_ORDER, PAYABLE, RECEIVABLE, TRADES, UNITS, YEN
from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED, PURCHASE, SALE
from tsutsumi.core.market import FRESH
from tsutsumi.core.schema import Frame, take


def fill(evening: Evening) -> None:
    """Step 3: the orders whose price day is today."""
    orders, fills, instruments = evening.books.orders, evening.inputs.fills, evening.rules.instruments
    due = np.flatnonzero((orders["status_code"] == PLACED) & (orders["priced_date"] <= evening.books.day))
    fresh = evening.inputs.market.status[orders["instrument_no"][due]] == FRESH
    answer = fill_of(orders, due, fills)
    go = fresh & (answer >= 0)
    if not go.all():
        _wait(evening, due[~go], fresh[~go])
    if not go.any():
        return
    filled, groups, rows = fill_orders(
        orders, due[go], fills, answer[go], evening.inputs.allocated, instruments, evening.books.day
    )
    _check_fill_prices(evening, fills)
    done = filled["status_code"] == PRICED
    live = filled if done.all() else take(filled, done)
    book_fills(evening.books, live, groups, instruments["price_base_units"])
    _post_fills(evening, live)
    for k in np.flatnonzero(filled["status_code"] == CANCELLED):
        name = evening.rules.name("instrument", int(filled["instrument_no"][k]))
        evening.alerts.add("order_cancelled", "sleeve", filled["sleeve_no"][k],
                        f"{name}: nothing was filled at the limit, of a partial fill, or for so small an amount",
                        "nothing: the next close decides anew")
    for name in FILL_COLUMNS:
        orders[name][rows] = filled[name]
    if not done.all():
        evening.books = replace(evening.books, orders=take(orders, orders["status_code"] != CANCELLED))
    evening.changed_orders.append(filled)

def _wait(evening: Evening, rows: np.ndarray, fresh: np.ndarray) -> None:
    """Orders without a price or an answer take the instrument's next price day; settlement moves with it."""
    orders, rules = evening.books.orders, evening.rules
    for k, priced in zip(rows, fresh, strict=True):
        instrument = int(orders["instrument_no"][k])
        nxt = int(rules.timeline.next_instrument_index[instrument, rules.day_index])
        settles = nxt + int(rules.settlement_days[int(orders["side_code"][k]), instrument])
        orders["priced_date"][k], orders["settlement_date"][k] = rules.business_day(nxt), rules.business_day(settles)
        orders["wait_count"][k] += 1
        evening.waited.add(int(orders["sleeve_no"][k]))
        name = rules.name("instrument", instrument)
        if priced:
            evening.alerts.add("fill_missing", "sleeve", orders["sleeve_no"][k],
                            f"the custodian did not answer the order in {name}", "ask the custodian")
        else:
            evening.alerts.add("order_waits", "sleeve", orders["sleeve_no"][k],
                            f"no price of {name} on the price day", "nothing: the order takes the next price")
    evening.changed_orders.append(take(orders, rows))

def _check_fill_prices(evening: Evening, fills: Frame) -> None:
    market, scale = evening.inputs.market, evening.rules.instruments
    names = ("price", "fx_ppm", "instrument_no", "side_code")
    for price, fx, instrument, side in zip(*(fills[name].tolist() for name in names), strict=True):
        told = unit_value(price, fx, int(scale["price_scale"][instrument]), int(scale["price_base_units"][instrument]))
        ours = (market.sell_num, market.sell_den) if side == SALE else (market.num, market.den)
        if told != (int(ours[0][instrument]), int(ours[1][instrument])):
            evening.alerts.add("break", "instrument", instrument, f"the custodian filled at {price} × {fx} ppm, not at our price",
                            "compare the price source with the custodian's")

def _post_fills(evening: Evening, filled: Frame) -> None:
    cause, instrument = order_cause(filled), filled["instrument_no"]
    buy = np.where(filled["side_code"] == PURCHASE, 1, -1)
    units, yen = filled["filled_units"] * buy, filled["filled_yen"] * buy
    ledger = np.where(buy > 0, PAYABLE, RECEIVABLE)
    evening.journal.post(BY_ORDER, filled["account_no"], filled["sleeve_no"], cause,
                      [(UNITS, instrument, units), (TRADES, instrument, -units), (ledger, YEN, -yen), (TRADES, YEN, yen)])

