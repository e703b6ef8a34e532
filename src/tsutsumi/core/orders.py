"""What each sleeve orders tonight (発注判断): stateless, in-flight-aware, cash first. The rules are docs/close.md §8.

One compiled decision per sleeve that needs one: held and in-flight units against the model in force; sales for a rebalance,
for a payout or a fee; purchases with the cash that is surely there on the day they must be paid. The named tuples say what
the kernels share; letters (v, e, t, x) are those of the page.
"""

from collections import namedtuple

import numpy as np
from numba import njit

from tsutsumi.core.drift import breached
from tsutsumi.core.ladder import PLACED, PURCHASE, SALE, least_cash
from tsutsumi.core.wide import mul_div_ceil, mul_div_floor, position_yen

STRATEGY, MODEL, CALENDAR, BREACH, INVEST, PAYOUT, FEE, CLOSING = 1, 2, 3, 4, 5, 6, 7, 8
REASONS = ("", "strategy", "model", "calendar", "breach", "invest", "payout", "fee", "closing")
OPEN = 0
PPM = 1_000_000

SLEEVE_COLUMNS = (
    "status_code", "program_no", "model_no", "cash_yen", "receivable_yen", "payable_yen", "rebalanced_date", "pending_code",
)
ORDER_COLUMNS = ("side_code", "status_code", "instrument_no", "settlement_date", "asked_yen", "asked_units", "filled_yen")
MARKET_COLUMNS = (
    "num", "den", "most_units", "can_order", "stops", "unit_mode", "lot", "limit_price", "limit_den", "pays",
)
RULE_COLUMNS = ("band_absolute_ppm", "band_relative_ppm", "cooldown_days", "minimum_trade_yen", "sale_margin_ppm")
Sleeves = namedtuple("Sleeves", SLEEVE_COLUMNS)
Live = namedtuple("Live", ("first", *ORDER_COLUMNS))                      # first: where each sleeve's live orders begin
Held = namedtuple("Held", ("first", "instrument_no", "held_units"))      # first: where each sleeve's positions begin
Market = namedtuple("Market", MARKET_COLUMNS)
ProgramRules = namedtuple("ProgramRules", RULE_COLUMNS)
Plan = namedtuple("Plan", ("needs", "late", "has_payout", "reserve", "reason", "day"))
Found = namedtuple("Found", ("row", "instrument_no", "side_code", "reason_code", "asked_yen", "asked_units", "limit_price"))
Left = namedtuple("Left", ("rebalanced_date", "pending_code", "breach"))
Scratch = namedtuple("Scratch", (
    "at", "weight", "v", "e", "target", "sellable", "selling", "sold", "sold_first", "bought_yen", "bought_units", "gap", "order",
))


@njit(cache=True)
def _is_stopped(row, held, live, market):
    """Return whether the sleeve holds, or has on order, an instrument whose price is missing or was refused."""
    for p in range(held.first[row], held.first[row + 1]):
        if held.held_units[p] > 0 and market.stops[held.instrument_no[p]]:
            return True
    for o in range(live.first[row], live.first[row + 1]):
        if market.stops[live.instrument_no[o]]:
            return True
    return False


@njit(cache=True)
def _rebalance_due(row, number, sleeves, plan):
    """Return the rebalance that is due whatever the drift: strategy, model, what is pending, calendar; 0 none."""
    reason, pending = plan.reason[number], sleeves.pending_code[row]
    if pending != 0 and reason in (0, CALENDAR):
        return pending
    return reason


@njit(cache=True, error_model="numpy")
def _gather(row, held, live, market, s):
    """Fill v_i, what can still be sold and what is being sold; return Σ v, Σ yen of unpriced purchases, est."""
    total, buying, estimate = np.int64(0), np.int64(0), np.int64(0)
    first = held.first[row]
    for k in range(held.first[row + 1] - first):
        i = held.instrument_no[first + k]
        sale_units, purchase_yen = np.int64(0), np.int64(0)
        for o in range(live.first[row], live.first[row + 1]):
            if live.instrument_no[o] == i and live.status_code[o] == PLACED:
                if live.side_code[o] == SALE:
                    sale_units += live.asked_units[o]
                else:
                    purchase_yen += live.asked_yen[o]
        s.at[k], s.selling[k], s.sellable[k] = i, sale_units, held.held_units[first + k] - sale_units
        s.v[k] = position_yen(s.sellable[k], market.num[i], market.den[i], market.most_units[i]) + purchase_yen
        s.sold[k], s.sold_first[k], s.bought_yen[k], s.bought_units[k] = 0, 0, 0, 0
        total += s.v[k]
        buying += purchase_yen
        estimate += position_yen(sale_units, market.num[i], market.den[i], market.most_units[i])
    return total, buying, estimate


@njit(cache=True)
def _descending(keys, at, count, order):
    """Fill `order` with 0..count−1 by keys descending, ties by instrument number."""
    for k in range(count):
        j = k
        while j > 0:
            other = order[j - 1]
            if keys[other] > keys[k] or (keys[other] == keys[k] and at[other] < at[k]):
                break
            order[j] = other
            j -= 1
        order[j] = k


@njit(cache=True, error_model="numpy")
def _sell(k, units, market, s):
    """Sell more of one instrument: v_i and e_i are of what is left. Returns yen(units)."""
    i = s.at[k]
    num, den, most = market.num[i], market.den[i], market.most_units[i]
    before = position_yen(s.sellable[k] - s.sold[k], num, den, most)
    s.sold[k] += units
    gone = before - position_yen(s.sellable[k] - s.sold[k], num, den, most)
    s.v[k] -= gone
    s.e[k] -= gone
    return position_yen(units, num, den, most)


@njit(cache=True, error_model="numpy")
def _rebalance_sales(count, market, minimum_trade, s):
    """Sell what is above target; return the yen sold, and whether something to be sold could not be ordered."""
    yen, blocked = np.int64(0), False
    for k in range(count):
        i = s.at[k]
        if s.e[k] <= 0 or s.sellable[k] <= 0 or (s.weight[k] != 0 and s.e[k] < minimum_trade):
            continue
        if not market.can_order[i]:
            blocked = True
            continue
        units = s.sellable[k]
        if s.weight[k] != 0:
            units = min(units, mul_div_floor(s.e[k], market.den[i], market.num[i]))
            units -= units % market.lot[i]
        yen += _sell(k, units, market, s)
        s.sold_first[k] = units
    return yen, blocked


@njit(cache=True, error_model="numpy")
def _shortfall_sales(x, count, market, s):
    """Sell x yen more: first what is most above its target, then whatever is there, in the same order."""
    _descending(s.e, s.at, count, s.order)
    for second in range(2):
        for place in range(count):
            k = s.order[place]
            i = s.at[k]
            left = s.sellable[k] - s.sold[k]
            take = min(x, s.v[k] if second else s.e[k])
            if take <= 0 or left <= 0 or not market.can_order[i]:
                continue
            units = min(left, mul_div_ceil(take, market.den[i], market.num[i]))
            over = units % market.lot[i]
            if over > 0:
                units = min(left, units + market.lot[i] - over)
            x -= _sell(k, units, market, s)


@njit(cache=True, error_model="numpy")
def _purchases(budget, count, market, minimum_trade, s):
    """Buy the most underweight first with the budget."""
    for k in range(count):
        s.gap[k] = s.target[k] - s.v[k]
    _descending(s.gap, s.at, count, s.order)
    for place in range(count):
        k = s.order[place]
        i = s.at[k]
        b = min(s.gap[k], budget)
        if b < minimum_trade or b <= 0:
            return
        if not market.can_order[i] or s.sold[k] > 0 or s.selling[k] > 0:
            continue
        if market.unit_mode[i]:
            units = mul_div_floor(b - 1, market.limit_den[i], market.limit_price[i])
            units -= units % market.lot[i]
            if units == 0:
                continue
            s.bought_units[k] = units
            s.bought_yen[k] = mul_div_ceil(units, market.limit_price[i], market.limit_den[i]) + 1
        elif mul_div_floor(b, market.den[i], market.num[i]) > 0:
            s.bought_yen[k] = b
        budget -= s.bought_yen[k]


@njit(cache=True, error_model="numpy")
def _budget(row, number, free, worth, count, sleeves, live, market, plan, cash_weight, s):
    """Return the yen that can be invested: surely there on the earliest day of payment, beside needs and reserve."""
    pay = np.int64(0)
    for k in range(count):
        i = s.at[k]
        if s.weight[k] > 0 and market.can_order[i] and (pay == 0 or market.pays[i] < pay):
            pay = market.pays[i]
    if pay == 0:
        return np.int64(0)
    sure = least_cash(
        sleeves.cash_yen[row], live.first[row], live.first[row + 1], pay, live.side_code, live.status_code,
        live.settlement_date, live.asked_yen, live.filled_yen,
    )
    reserve = plan.reserve[number]
    return min(sure - plan.needs[number] - reserve, free - max(mul_div_floor(worth, cash_weight, PPM), reserve))


@njit(cache=True, error_model="numpy")
def _raise_cash(number, free, estimate, gone, count, margin, minimum_trade, market, plan, s):
    """Sell for a payout or a fee where known and expected cash fall short; return whether they do."""
    if free + mul_div_floor(estimate, PPM - margin // 2, PPM) >= 0:
        return False
    if plan.late[number]:
        margin = min(6 * margin, 500_000)
    lack = -(free + mul_div_floor(estimate, PPM - margin, PPM))
    x = max(mul_div_ceil(lack, PPM, PPM - margin), minimum_trade) - gone
    if x > 0:
        _shortfall_sales(x, count, market, s)
    return True


@njit(cache=True, error_model="numpy")
def _decide_open(row, number, count, held, live, sleeves, market, rules, weights, plan, left, s):
    """Decide for an open sleeve: rebalance, then cash to raise or cash to invest; return the rebalance of the evening."""
    total, buying, estimate = _gather(row, held, live, market, s)
    r, m = sleeves.program_no[row], sleeves.model_no[row]
    minimum_trade = rules.minimum_trade_yen[r]
    free = sleeves.cash_yen[row] + sleeves.receivable_yen[row] - sleeves.payable_yen[row] - buying - plan.needs[number]
    worth = max(total + free + estimate, 0)
    above = False
    for k in range(count):
        s.weight[k] = weights[m, s.at[k]]
        s.target[k] = mul_div_floor(worth, s.weight[k], PPM)
        s.e[k] = s.v[k] - s.target[k]
        above = above or s.e[k] > 0
    rebalance, last = _rebalance_due(row, number, sleeves, plan), sleeves.rebalanced_date[row]
    if rebalance == 0 and above and free >= 0 and (last == 0 or plan.day - last >= rules.cooldown_days[r]):
        breach = breached(count, s.at, s.v, s.weight, worth, rules.band_absolute_ppm[r], rules.band_relative_ppm[r])
        if breach != 0:
            rebalance = BREACH
            left.breach[number] = breach
    gone = np.int64(0)
    if rebalance != 0:
        gone, blocked = _rebalance_sales(count, market, minimum_trade, s)
        if sleeves.pending_code[row] == 0 or plan.reason[number] in (STRATEGY, MODEL):
            left.rebalanced_date[number] = plan.day
        left.pending_code[number] = rebalance if blocked else 0
    if not _raise_cash(number, free, estimate, gone, count, rules.sale_margin_ppm[r], minimum_trade, market, plan, s):
        budget = _budget(row, number, free, worth, count, sleeves, live, market, plan, weights[m, 0], s)
        if budget >= minimum_trade:
            _purchases(budget, count, market, minimum_trade, s)
    return rebalance


@njit(cache=True, error_model="numpy")
def _decide_closing(row, count, held, live, market, s):
    """Sell all that a closing sleeve has and is not selling yet."""
    _gather(row, held, live, market, s)
    for k in range(count):
        if s.sellable[k] > 0 and market.can_order[s.at[k]]:
            s.sold[k] = s.sold_first[k] = s.sellable[k]
    return CLOSING


@njit(cache=True)
def _write(row, number, count, rebalance, market, plan, found, written, s):
    """Write the orders of one sleeve; a sale bears the reason of the rule that sold first. Returns the orders written."""
    for k in range(count):
        i = s.at[k]
        if s.sold[k] > 0:
            reason = rebalance
            if s.sold_first[k] == 0:
                reason = PAYOUT if plan.has_payout[number] else FEE
            found.side_code[written], found.reason_code[written] = SALE, reason
            found.asked_yen[written], found.asked_units[written], found.limit_price[written] = 0, s.sold[k], 0
        elif s.bought_yen[k] > 0:
            found.side_code[written], found.reason_code[written] = PURCHASE, rebalance if rebalance != 0 else INVEST
            found.asked_yen[written], found.asked_units[written] = s.bought_yen[k], s.bought_units[k]
            found.limit_price[written] = market.limit_price[i] if s.bought_units[k] > 0 else 0
        else:
            continue
        found.row[written], found.instrument_no[written] = row, i
        written += 1
    return written


@njit(cache=True)
def _scratch(width):
    """Return the working columns of one sleeve of at most `width` positions."""
    return Scratch(
        np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64),
        np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64),
        np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64),
        np.zeros(width, np.int64),
    )


@njit(cache=True, error_model="numpy")
def _decide_rows(rows, held, live, sleeves, market, rules, weights, plan, found, left, width):
    """Decide for each sleeve row in `rows`; returns the number of orders written to `found`."""
    s, written = _scratch(width), 0
    for number in range(rows.size):
        row = rows[number]
        count = held.first[row + 1] - held.first[row]
        pending, is_open = sleeves.pending_code[row], sleeves.status_code[row] == OPEN
        left.rebalanced_date[number], left.pending_code[number] = sleeves.rebalanced_date[row], pending
        left.breach[number] = 0
        if _is_stopped(row, held, live, market):
            due = _rebalance_due(row, number, sleeves, plan)
            if is_open and due != 0:
                left.pending_code[number] = due
                if pending == 0 or plan.reason[number] in (STRATEGY, MODEL):
                    left.rebalanced_date[number] = plan.day
            continue
        if is_open:
            rebalance = _decide_open(row, number, count, held, live, sleeves, market, rules, weights, plan, left, s)
        else:
            rebalance = _decide_closing(row, count, held, live, market, s)
        written = _write(row, number, count, rebalance, market, plan, found, written, s)
    return written


def decide(books, offsets_of_orders, rules, market, rows, needs, late, has_payout, reserve, reason_in):
    """Return tonight's orders (発注) and what the decision leaves in the sleeves.

    Parameters
    ----------
    books : Books (sleeves, positions, orders in the order of the sleeves)
    offsets_of_orders : int64[S+1]
    rules : Rules in force;  market : `MARKET_COLUMNS` per instrument
    rows : int64[n], the sleeves that need a decision
    needs, late, has_payout, reserve, reason_in : columns of n
        Yen of open payouts and dues; whether one is older than today; whether one is a payout; yen not to be invested;
        the rebalance that is due anyway (0 none).

    Returns
    -------
    orders : frame without dates (row, instrument_no, side_code, reason_code, asked_yen, asked_units, limit_price)
    rebalanced_date, pending_code, breach : columns of n; `breach` is the instrument that broke its band (0 none)

    See Also
    --------
    docs/close.md §8 : the rules.  tests/days/test_oracle_agrees.py : the same, decided slowly by other code.
    """
    widths = books.offsets[rows + 1] - books.offsets[rows]
    capacity, n = int(widths.sum()), rows.size
    kinds = (np.int64, np.int32, np.int8, np.int8, np.int64, np.int64, np.int64)
    found = Found(*(np.empty(capacity, kind) for kind in kinds))
    left = Left(np.empty(n, np.int32), np.empty(n, np.int8), np.empty(n, np.int32))
    written = _decide_rows(
        rows, Held(books.offsets, books.positions["instrument_no"], books.positions["held_units"]),
        Live(offsets_of_orders, *(books.orders[name] for name in ORDER_COLUMNS)),
        Sleeves(*(books.sleeves[name] for name in SLEEVE_COLUMNS)), Market(*(market[name] for name in MARKET_COLUMNS)),
        ProgramRules(*(rules.programs[name] for name in RULE_COLUMNS)), rules.weights,
        Plan(needs, late, has_payout, reserve, reason_in, books.day), found, left, max(int(widths.max(initial=1)), 1),
    )
    return {name: column[:written] for name, column in zip(Found._fields, found, strict=True)}, *left
