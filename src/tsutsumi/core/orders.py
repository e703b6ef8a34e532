"""What each sleeve orders tonight (発注判断): stateless, in-flight-aware, cash first. The rules are docs/close.md §8.

One compiled decision per sleeve that needs one: held and in-flight units against the model in force; sales for a rebalance,
for a payout or a fee; purchases with the cash that is surely there on the day they must be paid.
"""

import numpy as np
from numba import njit

from tsutsumi.core.ladder import PLACED, PURCHASE, SALE, least_cash
from tsutsumi.core.valuation import is_breach, position_yen
from tsutsumi.core.wide import mul_div_ceil, mul_div_floor

STRATEGY, MODEL, CALENDAR, BREACH, INVEST, PAYOUT, FEE, CLOSING = 1, 2, 3, 4, 5, 6, 7, 8
REASONS = ("", "strategy", "model", "calendar", "breach", "invest", "payout", "fee", "closing")
OPEN, CLOSING_STATUS = 0, 1


@njit(cache=True, error_model="numpy")
def _gather(first, last, orders_first, orders_last, instrument, units, at, market, side, status, order_instrument, asked_yen,
            asked_units, v, sellable, selling):
    """Fill v_i (held and in flight, in yen), what can still be sold, what is being sold; return Σ v, Σ in-flight purchases, est."""
    num, den, most = market
    total, buying, estimate = np.int64(0), np.int64(0), np.int64(0)
    for k in range(last - first):
        i = instrument[first + k]
        sale_units, purchase_yen = np.int64(0), np.int64(0)
        for o in range(orders_first, orders_last):
            if order_instrument[o] == i and status[o] == PLACED:
                if side[o] == SALE:
                    sale_units += asked_units[o]
                else:
                    purchase_yen += asked_yen[o]
        sellable[k] = units[first + k] - sale_units
        selling[k] = sale_units
        v[k] = position_yen(sellable[k], num[i], den[i], most[i]) + purchase_yen
        at[k] = i
        total += v[k]
        buying += purchase_yen
        estimate += position_yen(sale_units, num[i], den[i], most[i])
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
def _rebalance_sales(count, at, v, excess, sellable, weight, can_order, lot, market, minimum_trade, sold):
    """Sell what is above target; return the yen sold and whether something that should be sold could not be ordered."""
    num, den, most = market
    yen, blocked = np.int64(0), False
    for k in range(count):
        if excess[k] <= 0 or sellable[k] <= 0:
            continue
        i = at[k]
        if weight[k] != 0 and excess[k] < minimum_trade:
            continue
        if not can_order[i]:
            blocked = True
            continue
        if weight[k] == 0:
            sold[k] = sellable[k]
        else:
            sold[k] = min(sellable[k], mul_div_floor(excess[k], den[i], num[i]))
            sold[k] -= sold[k] % lot[i]
        yen += position_yen(sold[k], num[i], den[i], most[i])
        _sell_down(k, i, v, excess, sellable, sold, 0, market)
    return yen, blocked


@njit(cache=True, inline="always", error_model="numpy")
def _sell_down(k, i, v, excess, sellable, sold, sold_before, market):
    """Write what is left of v_i and e_i after more of instrument i was sold: v_i = yen(left) + what is being bought."""
    num, den, most = market
    left = position_yen(sellable[k] - sold[k], num[i], den[i], most[i])
    gone = position_yen(sellable[k] - sold_before, num[i], den[i], most[i]) - left
    v[k] -= gone
    excess[k] -= gone


@njit(cache=True, error_model="numpy")
def _shortfall_sales(x, count, at, v, excess, sellable, can_order, lot, market, sold, order):
    """Sell x yen more: first what is most above its target, then whatever is there, in the same order."""
    num, den, most = market
    _descending(excess, at, count, order)
    for second in range(2):
        for position in range(count):
            k = order[position]
            i = at[k]
            if x <= 0:
                return
            left = sellable[k] - sold[k]
            if left <= 0 or not can_order[i] or (second == 0 and excess[k] <= 0):
                continue
            take = min(x, excess[k]) if second == 0 else min(x, v[k])
            if take <= 0:
                continue
            more = min(left, mul_div_ceil(take, den[i], num[i]))
            over = more % lot[i]
            if over > 0:
                more = min(left, more + lot[i] - over)
            before = sold[k]
            sold[k] += more
            _sell_down(k, i, v, excess, sellable, sold, before, market)
            x -= position_yen(more, num[i], den[i], most[i])


@njit(cache=True, error_model="numpy")
def _purchases(budget, count, at, v, target, sold, selling, can_order, unit_mode, lot, limit_price, limit_den, market,
               minimum_trade, bought_yen, bought_units, gaps, order):
    """Buy the most underweight first with the budget."""
    for k in range(count):
        gaps[k] = target[k] - v[k]
    _descending(gaps, at, count, order)
    for position in range(count):
        k = order[position]
        i = at[k]
        b = min(gaps[k], budget)
        if b < minimum_trade or b <= 0:
            return
        if not can_order[i] or sold[k] > 0 or selling[k] > 0:
            continue
        if not unit_mode[i]:
            if mul_div_floor(b, market[1][i], market[0][i]) > 0:
                bought_yen[k] = b
                budget -= b
            continue
        units = mul_div_floor(b - 1, limit_den[i], limit_price[i])
        units -= units % lot[i]
        if units > 0:
            bought_units[k] = units
            bought_yen[k] = mul_div_ceil(units, limit_price[i], limit_den[i]) + 1
            budget -= bought_yen[k]


@njit(cache=True, error_model="numpy")
def _decide_rows(rows, offsets, instrument, units, sleeve, order_offsets, order, market, rule, weights, plan, out, width):
    """Decide for each sleeve row in `rows`; see `decide` for the columns of the tuples. Returns the number of orders."""
    status, program, model, cash, receivable, payable, rebalanced, pending = sleeve
    side, order_status, order_instrument, settlement, asked_yen, asked_units, filled_yen = order
    num, den, most, can_order, stops, unit_mode, lot, limit_price, limit_den, pays = market
    band_absolute, band_relative, cooldown, minimum_trade, sale_margin = rule
    needs, late, has_payout, reserve, reason_in, day = plan
    o_row, o_instrument, o_side, o_reason, o_yen, o_units, o_limit, new_rebalanced, new_pending, drift_of = out
    trio = (num, den, most)
    v, excess, target = np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64)
    sellable, selling, sold = np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64)
    bought_yen, bought_units, gaps = np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64)
    at, weight, place = np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64)
    written = 0
    for number in range(rows.size):
        row = rows[number]
        first, count = offsets[row], offsets[row + 1] - offsets[row]
        of, ol = order_offsets[row], order_offsets[row + 1]
        new_rebalanced[number], new_pending[number], drift_of[number] = rebalanced[row], pending[row], 0
        stopped = False
        for p in range(first, first + count):
            stopped = stopped or (units[p] > 0 and stops[instrument[p]])
        for o in range(of, ol):
            stopped = stopped or stops[order_instrument[o]]
        reason = reason_in[number]
        if reason == 0 or (pending[row] != 0 and reason == CALENDAR):
            reason = pending[row] if pending[row] != 0 else reason
        if stopped:
            if status[row] == OPEN and reason != 0:
                new_pending[number] = reason
                if pending[row] == 0 or reason_in[number] in (STRATEGY, MODEL):
                    new_rebalanced[number] = day
            continue
        total, buying, estimate = _gather(first, first + count, of, ol, instrument, units, at, trio, side, order_status,
                                          order_instrument, asked_yen, asked_units, v, sellable, selling)
        for k in range(count):
            sold[k], bought_yen[k], bought_units[k] = 0, 0, 0
        rebalance, short, budget_reason = reason, False, INVEST
        if status[row] != OPEN:
            for k in range(count):
                if sellable[k] > 0 and can_order[at[k]]:
                    sold[k] = sellable[k]
            rebalance, sale_reason = CLOSING, CLOSING
        else:
            r, m = program[row], model[row]
            free = cash[row] + receivable[row] - payable[row] - buying - needs[number]
            worth = max(total + free + estimate, 0)
            breach, above = np.int64(0), False
            for k in range(count):
                weight[k] = weights[m, at[k]]
                target[k] = mul_div_floor(worth, weight[k], 1_000_000)
                excess[k] = v[k] - target[k]
                above = above or excess[k] > 0
                if breach == 0 and worth > 0 and is_breach(v[k], worth, weight[k], band_absolute[r], band_relative[r]):
                    breach = at[k]
            if rebalance == 0 and above and free >= 0 and breach != 0 and (rebalanced[row] == 0 or day - rebalanced[row] >= cooldown[r]):
                rebalance = BREACH
                drift_of[number] = breach
            gone, blocked = np.int64(0), False
            if rebalance != 0:
                gone, blocked = _rebalance_sales(count, at, v, excess, sellable, weight, can_order, lot, trio, minimum_trade[r],
                                                 sold)
                if pending[row] == 0 or reason_in[number] in (STRATEGY, MODEL):
                    new_rebalanced[number] = day
                new_pending[number] = rebalance if blocked else 0
                budget_reason = rebalance
            margin = sale_margin[r]
            short = free + mul_div_floor(estimate, 1_000_000 - margin // 2, 1_000_000) < 0
            sale_reason = rebalance if rebalance != 0 else (PAYOUT if has_payout[number] else FEE)
            if short:
                if late[number]:
                    margin = min(6 * margin, 500_000)
                lack = -(free + mul_div_floor(estimate, 1_000_000 - margin, 1_000_000))
                x = max(mul_div_ceil(lack, 1_000_000, 1_000_000 - margin), minimum_trade[r]) - gone
                for k in range(count):
                    gaps[k] = sold[k]
                if x > 0:
                    _shortfall_sales(x, count, at, v, excess, sellable, can_order, lot, trio, sold, place)
            else:
                target_cash = mul_div_floor(worth, weights[m, 0], 1_000_000)
                pay = np.int64(0)
                for k in range(count):
                    if weight[k] > 0 and can_order[at[k]] and (pay == 0 or pays[at[k]] < pay):
                        pay = pays[at[k]]
                if pay > 0:
                    sure = _least_from(cash[row], of, ol, pay, side, order_status, settlement, asked_yen, filled_yen)
                    budget = min(sure - needs[number] - reserve[number], free - max(target_cash, reserve[number]))
                    if budget >= minimum_trade[r]:
                        _purchases(budget, count, at, v, target, sold, selling, can_order, unit_mode, lot, limit_price,
                                   limit_den, trio, minimum_trade[r], bought_yen, bought_units, gaps, place)
        for k in range(count):
            if sold[k] > 0:
                why = sale_reason
                if short and status[row] == OPEN and rebalance != 0 and gaps[k] == 0:
                    why = PAYOUT if has_payout[number] else FEE
                o_row[written], o_instrument[written], o_side[written], o_reason[written] = row, at[k], SALE, why
                o_yen[written], o_units[written], o_limit[written] = 0, sold[k], 0
                written += 1
            elif bought_yen[k] > 0:
                o_row[written], o_instrument[written], o_side[written], o_reason[written] = row, at[k], PURCHASE, budget_reason
                o_yen[written], o_units[written] = bought_yen[k], bought_units[k]
                o_limit[written] = limit_price[at[k]] if bought_units[k] > 0 else 0
                written += 1
    return written


@njit(cache=True)
def _least_from(cash, first, last, pay, side, status, settlement, asked_yen, filled_yen):
    """Return min L(t) over t ≥ pay."""
    return least_cash(cash, first, last, pay, side, status, settlement, asked_yen, filled_yen)


def decide(books, offsets_of_orders, rules, market, rows, needs, late, has_payout, reserve, reason_in):
    """Return tonight's orders (発注) and what the decision leaves in the sleeves.

    Parameters
    ----------
    books : Books (sleeves, positions, orders in the order of the sleeves)
    offsets_of_orders : int64[S+1]
    rules : Rules in force;  market : num, den, most_units, can_order, stops (bool per instrument), limit_price, limit_den, pays
    rows : int64[n], the sleeves that need a decision
    needs, late, has_payout, reserve, reason_in : columns of n
        Yen of open payouts and dues; whether one is older than today; whether one is a payout; yen not to be invested;
        the rebalance that is due anyway (0 none).

    Returns
    -------
    orders : frame without dates (row, instrument_no, side_code, reason_code, asked_yen, asked_units, limit_price)
    rebalanced_date, pending_code, breach : columns of n; `breach` is the instrument that broke its band (0 none)
    """
    sleeves, orders, programs = books.sleeves, books.orders, rules.programs
    n = rows.size
    widths = books.offsets[rows + 1] - books.offsets[rows]
    capacity = int(widths.sum())
    out = tuple(np.empty(capacity, dtype) for dtype in (np.int64, np.int32, np.int8, np.int8, np.int64, np.int64, np.int64))
    left = (np.empty(n, np.int32), np.empty(n, np.int8), np.empty(n, np.int32))
    written = _decide_rows(
        rows, books.offsets, books.positions["instrument_no"], books.positions["held_units"],
        tuple(sleeves[name] for name in ("status_code", "program_no", "model_no", "cash_yen", "receivable_yen", "payable_yen",
                                         "rebalanced_date", "pending_code")),
        offsets_of_orders,
        tuple(orders[name] for name in ("side_code", "status_code", "instrument_no", "settlement_date", "asked_yen", "asked_units",
                                        "filled_yen")),
        tuple(market[name] for name in ("num", "den", "most_units", "can_order", "stops", "unit_mode", "lot", "limit_price",
                                        "limit_den", "pays")),
        tuple(programs[name] for name in ("band_absolute_ppm", "band_relative_ppm", "cooldown_days", "minimum_trade_yen",
                                          "sale_margin_ppm")),
        rules.weights, (needs, late, has_payout, reserve, reason_in, books.day), out + left, max(int(widths.max(initial=1)), 1),
    )
    names = ("row", "instrument_no", "side_code", "reason_code", "asked_yen", "asked_units", "limit_price")
    return {name: column[:written] for name, column in zip(names, out, strict=True)}, *left
