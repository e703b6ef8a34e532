"""Tonight's orders (発注の決定): who must be looked at, what they may order, and what they do order, with its dates."""

from dataclasses import replace

import numpy as np

from tsutsumi.core.accrual import accrued_rates
from tsutsumi.core.books import insert_orders, order_offsets
from tsutsumi.core.drawings import create_drawings, reserve_for_drawings
from tsutsumi.core.drift import DRIFT_PARTS, drift_parts
from tsutsumi.core.evening import Evening
from tsutsumi.core.ladder import PURCHASE
from tsutsumi.core.market import FRESH, HOLIDAY
from tsutsumi.core.orders import CALENDAR
from tsutsumi.core.orders import decide as decide_orders
from tsutsumi.core.payouts import open_needs
from tsutsumi.core.sale_costs import sale_costs
from tsutsumi.core.schema import Frame, empty, length, take
from tsutsumi.core.units import PPM, points


def decide(evening: Evening, look: np.ndarray) -> None:
    """Step 8: drawings, then the orders of every sleeve that needs a decision; promises moved by the market."""
    books, rules = evening.books, evening.rules
    known, quotes = length(books.payouts), (evening.inputs.market.price, evening.inputs.market.fx_ppm)
    evening.books = books = create_drawings(books, rules, evening.alerts, quotes)
    evening.changed_payouts.append(take(books.payouts, np.arange(known, length(books.payouts))))
    sleeves = books.sleeves
    market = _order_market(evening)
    needs, late, has_payout = open_needs(books, rules)
    reason = np.zeros(look.size, np.int8)
    calendar = rules.rebalance_today[sleeves["program_no"]]
    reason[calendar] = CALENDAR
    for sleeve, why in evening.reasons.items():
        row = books.row_of_sleeve[sleeve]
        if row >= 0:
            reason[row] = why
    evening.order_offsets = offsets = order_offsets(books)
    look |= (needs > 0) | (reason > 0) | (sleeves["pending_code"] > 0) | (sleeves["status_code"] > 0) | (np.diff(offsets) > 0)
    rows = np.flatnonzero(look)
    reserve = reserve_for_drawings(books, rules, quotes)[rows] + _accrued(evening, rows)
    found, rebalanced, pending, breach = decide_orders(
        books, offsets, rules, market, rows, needs[rows], late[rows], has_payout[rows], reserve, reason[rows],
        sale_costs(books, rules, market, rows),
    )
    sleeves["rebalanced_date"][rows], sleeves["pending_code"][rows] = rebalanced, pending
    left = np.flatnonzero(breach)
    evening.breaches = rows[left], breach[left].astype(np.int64)
    _place(evening, found)

def _order_market(evening: Evening) -> dict[str, np.ndarray]:
    """Return per instrument what an order tonight needs to know."""
    rules, market = evening.rules, evening.inputs.market
    columns, nxt = rules.instruments, rules.day_index + 1
    known = (market.status == FRESH) | (market.status == HOLIDAY)
    can_order = rules.timeline.orderable[:, nxt] & known
    priced = rules.timeline.priced_index[:, nxt]
    pays = rules.timeline.days[np.minimum(priced + rules.settlement_days[PURCHASE], rules.timeline.days.size - 1)]
    quotes = zip(market.price.tolist(), market.fx_ppm.tolist(), columns["order_margin_ppm"].tolist(), strict=True)
    limit = [price * fx * (PPM + margin) // PPM for price, fx, margin in quotes]
    scale = [10 ** int(s) * int(b) * PPM for s, b in zip(columns["price_scale"], columns["price_base_units"], strict=True)]
    stops = ~known & (market.state.priced_date > 0)
    return evening.prices | {
        "can_order": can_order, "stops": stops, "unit_mode": columns["amount_mode"] == 0,
        "lot": columns["lot_units"].astype(np.int64), "limit_price": np.array(limit, np.int64),
        "limit_den": np.array(scale, np.int64), "pays": np.where(can_order, pays, 0),
    }


def tell_drift(evening: Evening) -> None:
    """Tell which sleeves left their band tonight, and what moved them since yesterday."""
    rows, instruments = evening.breaches
    if rows.size == 0:
        return
    sleeves = evening.books.sleeves
    parts = drift_parts(
        evening.books, evening.before, rows, instruments, evening.prices, evening.rules, evening.flows.frame()
    )
    columns = (sleeves["sleeve_no"][rows], instruments, sleeves["model_no"][rows])
    for sleeve, instrument, model, ppm in zip(*(column.tolist() for column in (*columns, parts)), strict=True):
        told = ", ".join(f"{name} {points(part)}" for name, part in zip(DRIFT_PARTS, ppm, strict=True))
        names = evening.rules.name("instrument", instrument), evening.rules.name("model", model)
        cause = f"{names[0]} left its band around {names[1]}: points {told}"
        evening.alerts.add("drift", "sleeve", sleeve, cause, "nothing: tonight's orders bring it back")


def _place(evening: Evening, found: Frame) -> None:
    """Give tonight's orders their dates and put them among the live ones."""
    books, rules = evening.books, evening.rules
    rows, instrument, side = found["row"], found["instrument_no"], found["side_code"]
    orders = empty("orders", rows.size)
    for name in ("instrument_no", "side_code", "reason_code", "asked_yen", "asked_units", "limit_price"):
        orders[name][:] = found[name]
    for name in ("account_no", "sleeve_no"):
        orders[name][:] = books.sleeves[name][rows]
    priced = rules.timeline.priced_index[instrument, rules.day_index + 1]
    orders["custodian_no"][:] = rules.registry.accounts["custodian_no"][orders["account_no"]]
    orders["decided_date"][:], orders["placed_date"][:] = rules.day, rules.next_day
    orders["priced_date"][:] = rules.timeline.days[priced]
    orders["settlement_date"][:] = rules.timeline.days[priced + rules.settlement_days[side, instrument]]
    evening.new_orders = orders
    evening.books = replace(books, orders=insert_orders(books, orders, rows, evening.order_offsets))

def _accrued(evening: Evening, rows: np.ndarray) -> np.ndarray:
    """Return the fee that each sleeve at `rows` has run up so far, at the highest rate of the table (経過報酬の概算)."""
    rate = accrued_rates(evening.fee_terms, evening.rules.day)[evening.contract_of[rows]]
    base = evening.books.sleeves["base_sum_yen"][rows]
    return base // (PPM * 365) * rate + base % (PPM * 365) * rate // (PPM * 365)
