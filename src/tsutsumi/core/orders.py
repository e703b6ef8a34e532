"""What each sleeve orders tonight (発注判断): stateless, in-flight-aware, cash first. The rules are docs/close.md §8.

One compiled decision per sleeve that needs one: held and in-flight units against the model in force; sales for a rebalance,
for a payout or a fee; purchases with the cash that is surely there on the day they must be paid. The record types say
what the kernels share; letters (v, e, t, x) are those of the page.
"""

import numpy as np
from numba import njit, prange

from tsutsumi.core.drift import is_breach
from tsutsumi.core.ladder import PLACED, PURCHASE, SALE, sure_cash
from tsutsumi.core.order_records import FOUND, LINE, MARKET, RULES, found_orders, live_orders, sleeve_cases
from tsutsumi.core.rebalance_aim import ROOM, aim_at_lots, aim_inside
from tsutsumi.core.rebalance_lots import LOT
from tsutsumi.core.schema import records
from tsutsumi.core.wide import divide_known, mul_div_ceil, mul_div_floor, ppm_floor, reciprocals

STRATEGY, MODEL, CALENDAR, BREACH, INVEST, PAYOUT, FEE, CLOSING = 1, 2, 3, 4, 5, 6, 7, 8
REASONS = ("", "strategy", "model", "calendar", "breach", "invest", "payout", "fee", "closing")
OPEN = 0
PPM = 1_000_000
BLOCK = 2_048  # sleeves that one thread takes at a time
NO_COST = np.zeros(1, np.int64)


@njit(cache=True, error_model="numpy")
def _yen(units, quote):
    """Return yen(units) with the price in force."""
    if units <= quote.most_units:
        return divide_known(units * quote.num, quote.den, quote.reciprocal)
    return mul_div_floor(units, quote.num, quote.den)


@njit(cache=True)
def _is_stopped(case, instrument_no, held_units, live, market):
    """Return whether the sleeve holds, or has on order, an instrument whose price is missing or was refused."""
    for p in range(case.first, case.last):
        if held_units[p] > 0 and market[instrument_no[p]].stops:
            return True
    for o in range(case.first_order, case.last_order):
        if market[live[o].instrument_no].stops:
            return True
    return False


@njit(cache=True)
def _rebalance_due(case, rule):
    """Return the rebalance that is due whatever the drift: strategy, model, what is pending, calendar; 0 none.

    A program that rebalances by flows alone has none by calendar, and forgets what is pending of calendar or breach.
    """
    flows_only = rule.rebalance_fraction_ppm < 0
    if flows_only and case.pending_code in (CALENDAR, BREACH):
        case.pending_code = 0
    if case.pending_code != 0 and case.reason in (0, CALENDAR):
        return case.pending_code
    return np.int64(0) if flows_only and case.reason == CALENDAR else np.int64(case.reason)


@njit(cache=True, error_model="numpy")
def _gather(case, instrument_no, held_units, live, market, s):
    """Fill v_i, what can still be sold and what is being sold; return Σ v, Σ yen of unpriced purchases, est."""
    total, buying, estimate = np.int64(0), np.int64(0), np.int64(0)
    first_order = case.first_order
    while first_order < case.last_order and live[first_order].status_code != PLACED:
        first_order += 1
    for k in range(case.last - case.first):
        i = instrument_no[case.first + k]
        sale_units, purchase_yen, coming = np.int64(0), np.int64(0), np.int64(0)
        for o in range(first_order, case.last_order):
            if live[o].instrument_no == i and live[o].status_code == PLACED:
                if live[o].side_code == SALE:
                    sale_units += live[o].asked_units
                else:
                    purchase_yen += live[o].asked_yen
                    coming += live[o].asked_units
        s[k].at, s[k].selling, s[k].sellable = i, sale_units, held_units[case.first + k] - sale_units
        s[k].v = _yen(s[k].sellable, market[i]) + purchase_yen
        s[k].sold, s[k].sold_first, s[k].bought_yen, s[k].bought_units = 0, 0, 0, 0
        s[k].coming, s[k].lots, s[k].in_lots = coming, 0, 0
        total += s[k].v
        buying += purchase_yen
        if sale_units > 0:
            estimate += _yen(sale_units, market[i])
    return total, buying, estimate


@njit(cache=True)
def _descending(count, s):
    """Fill `order` with 0..count−1 by `key` descending, ties by instrument number."""
    for k in range(count):
        j = k
        while j > 0:
            other = s[j - 1].order
            if s[other].key > s[k].key or (s[other].key == s[k].key and s[other].at < s[k].at):
                break
            s[j].order = other
            j -= 1
        s[j].order = k


@njit(cache=True, error_model="numpy")
def _sell(k, units, market, s):
    """Sell more of one instrument: v_i and e_i are of what is left. Returns yen(units)."""
    quote = market[s[k].at]
    before = _yen(s[k].sellable - s[k].sold, quote)
    s[k].sold += units
    gone = before - _yen(s[k].sellable - s[k].sold, quote)
    s[k].v -= gone
    s[k].e -= gone
    return _yen(units, quote)


@njit(cache=True, error_model="numpy")
def _sells(line, minimum_trade):
    """Return whether a rebalance has something of this position to sell."""
    return line.e > 0 and line.sellable > 0 and (line.weight == 0 or line.e >= minimum_trade)


@njit(cache=True, error_model="numpy")
def _is_blocked(count, market, minimum_trade, s):
    """Return whether something that a rebalance has to sell cannot be ordered."""
    for k in range(count):
        if _sells(s[k], minimum_trade) and not market[s[k].at].can_order:
            return True
    return False


@njit(cache=True, error_model="numpy")
def _rebalance_sales(count, market, minimum_trade, s):
    """Sell what is above target; return the yen sold."""
    yen = np.int64(0)
    for k in range(count):
        i = s[k].at
        if not _sells(s[k], minimum_trade) or not market[i].can_order:
            continue
        units = s[k].sellable
        if s[k].weight != 0:
            most = -s[k].lots * market[i].lot if s[k].in_lots else mul_div_floor(s[k].e, market[i].den, market[i].num)
            units = min(units, most)
            units -= units % market[i].lot
        yen += _sell(k, units, market, s)
        s[k].sold_first = units
    return yen


@njit(cache=True, error_model="numpy")
def _shortfall_sales(x, count, market, s):
    """Sell x yen more: first what is most above its target, then whatever is there, in the same order."""
    for k in range(count):
        s[k].key = s[k].e
    _descending(count, s)
    for second in range(2):
        for place in range(count):
            k = s[place].order
            i = s[k].at
            left = s[k].sellable - s[k].sold
            take = min(x, s[k].v if second else s[k].e)
            if take <= 0 or left <= 0 or not market[i].can_order:
                continue
            units = min(left, mul_div_ceil(take, market[i].den, market[i].num))
            over = units % market[i].lot
            if over > 0:
                units = min(left, units + market[i].lot - over)
            x -= _sell(k, units, market, s)


@njit(cache=True, error_model="numpy")
def _purchases(budget, count, market, minimum_trade, s):
    """Buy the most underweight first with the budget."""
    for k in range(count):
        s[k].key = s[k].target - s[k].v
    _descending(count, s)
    for place in range(count):
        k = s[place].order
        i = s[k].at
        b = min(s[k].key, budget)
        if b < minimum_trade or b <= 0:
            return
        if not market[i].can_order or s[k].sold > 0 or s[k].selling > 0:
            continue
        if market[i].unit_mode:
            pays = budget if s[k].in_lots else b  # of whole lots the limit's margin may come from beyond the gap
            units = mul_div_floor(pays - 1, market[i].limit_den, market[i].limit_price)
            units -= units % market[i].lot
            if s[k].in_lots:
                units = min(units, s[k].lots * market[i].lot)
            if units == 0:
                continue
            s[k].bought_units = units
            s[k].bought_yen = mul_div_ceil(units, market[i].limit_price, market[i].limit_den) + 1
        elif mul_div_floor(b, market[i].den, market[i].num) > 0:
            s[k].bought_yen = b
        budget -= s[k].bought_yen


@njit(cache=True, error_model="numpy")
def _budget(case, free, worth, count, live, market, cash_weight, s):
    """Return the yen that can be invested: surely there on the earliest day of payment, beside needs and reserve."""
    pay = np.int64(0)
    for k in range(count):
        i = s[k].at
        if s[k].weight > 0 and market[i].can_order and (pay == 0 or market[i].pays < pay):
            pay = market[i].pays
    if pay == 0:
        return np.int64(0)
    sure = sure_cash(case, pay, live)
    return min(sure - case.needs - case.reserve, free - max(mul_div_floor(worth, cash_weight, PPM), case.reserve))


@njit(cache=True, error_model="numpy")
def _raise_cash(case, free, estimate, gone, count, rule, market, s):
    """Sell for a payout or a fee where known and expected cash fall short; return whether they do."""
    margin = rule.sale_margin_ppm
    if free + mul_div_floor(estimate, PPM - margin // 2, PPM) >= 0:
        return False
    if case.late:
        margin = min(6 * margin, 500_000)
    lack = -(free + mul_div_floor(estimate, PPM - margin, PPM))
    x = max(mul_div_ceil(lack, PPM, PPM - margin), rule.minimum_trade_yen) - gone
    if x > 0:
        _shortfall_sales(x, count, market, s)
    return True


@njit(cache=True, error_model="numpy")
def _breached(count, worth, rule, s):
    """Return the first instrument outside its band (許容乖離幅), 0 if there is none."""
    if worth > 0:
        for k in range(count):
            if is_breach(s[k].v, worth, s[k].weight, rule.band_absolute_ppm, rule.band_relative_ppm):
                return s[k].at
    return np.int64(0)


@njit(cache=True, error_model="numpy")
def _decide_open(case, instrument_no, held_units, live, market, rule, weight, day, sale_cost, s, room, lots):
    """Decide for an open sleeve: rebalance, then cash to raise or cash to invest; return the rebalance of the evening."""
    count = case.last - case.first
    total, buying, estimate = _gather(case, instrument_no, held_units, live, market, s)
    free = case.cash_yen + case.receivable_yen - case.payable_yen - buying - case.needs
    worth = max(total + free + estimate, 0)
    above = False
    for k in range(count):
        s[k].weight = weight[s[k].at]
        s[k].target = ppm_floor(worth, s[k].weight)
        s[k].e = s[k].v - s[k].target
        above = above or s[k].e > 0
    rebalance, last = _rebalance_due(case, rule), case.rebalanced_date
    rested = (last == 0 or day - last >= rule.cooldown_days) and rule.rebalance_fraction_ppm >= 0
    if rebalance == 0 and above and free >= 0 and rested:
        case.breach = _breached(count, worth, rule, s)
        if case.breach != 0:
            rebalance = BREACH
    if room is not None:  # compiled only where a program aims elsewhere than at its targets
        if rebalance in (CALENDAR, BREACH) and rule.rebalance_fraction_ppm < PPM:
            aim_inside(count, worth, worth - total, rule, market, weight[0], sale_cost[case.first :], s, room)
    gone, blocked = np.int64(0), rebalance != 0 and _is_blocked(count, market, rule.minimum_trade_yen, s)
    if room is not None and rule.lots_nearest:
        aim_at_lots(count, rebalance != 0, rule, market, s, room, lots)
    if rebalance != 0:
        gone = _rebalance_sales(count, market, rule.minimum_trade_yen, s)
        if case.pending_code == 0 or case.reason in (STRATEGY, MODEL):
            case.rebalanced_date = day
        case.pending_code = rebalance if blocked else 0
    if not _raise_cash(case, free, estimate, gone, count, rule, market, s):
        budget = _budget(case, free, worth, count, live, market, weight[0], s)
        if budget >= rule.minimum_trade_yen:
            _purchases(budget, count, market, rule.minimum_trade_yen, s)
    return rebalance


@njit(cache=True, error_model="numpy")
def _decide_closing(case, instrument_no, held_units, live, market, s):
    """Sell all that a closing sleeve has and is not selling yet."""
    _gather(case, instrument_no, held_units, live, market, s)
    for k in range(case.last - case.first):
        if s[k].sellable > 0 and market[s[k].at].can_order:
            s[k].sold = s[k].sellable
            s[k].sold_first = s[k].sellable
    return CLOSING


@njit(cache=True)
def _write(case, rebalance, market, found, written, s):
    """Write the orders of one sleeve; a sale bears the reason of the rule that sold first. Returns the orders written."""
    for k in range(case.last - case.first):
        i, order = s[k].at, found[written]
        if s[k].sold > 0:
            order.side_code, order.reason_code = SALE, rebalance
            if s[k].sold_first == 0:
                order.reason_code = PAYOUT if case.has_payout else FEE
            order.asked_yen, order.asked_units, order.limit_price = 0, s[k].sold, 0
        elif s[k].bought_yen > 0:
            order.side_code, order.reason_code = PURCHASE, rebalance if rebalance != 0 else INVEST
            order.asked_yen, order.asked_units = s[k].bought_yen, s[k].bought_units
            order.limit_price = market[i].limit_price if s[k].bought_units > 0 else 0
        else:
            continue
        order.row, order.instrument_no = case.row, i
        written += 1
    return written


@njit(cache=True, error_model="numpy")
def _decide_cases(cases, instrument_no, held_units, live, market, rules, weights, day, sale_cost, found, s, room, lots):
    """Decide for each case; writes what is left into it and returns the number of orders written to `found`."""
    written, some_stop = 0, False
    for i in range(market.size):
        some_stop = some_stop or market[i].stops
    for number in range(cases.size):
        case = cases[number]
        if some_stop and _is_stopped(case, instrument_no, held_units, live, market):
            due = _rebalance_due(case, rules[case.program_no])
            if case.status_code == OPEN and due != 0:
                if case.pending_code == 0 or case.reason in (STRATEGY, MODEL):
                    case.rebalanced_date = day
                case.pending_code = due
            continue
        if case.status_code == OPEN:
            rule, weight = rules[case.program_no], weights[case.model_no]
            rebalance = _decide_open(case, instrument_no, held_units, live, market, rule, weight, day, sale_cost, s, room, lots)
        else:
            rebalance = _decide_closing(case, instrument_no, held_units, live, market, s)
        written = _write(case, rebalance, market, found, written, s)
    return written


@njit(cache=True, parallel=True, error_model="numpy")
def _decide_blocks(
    cases, instrument_no, held_units, live, market, rules, weights, day, sale_cost, found, firsts, written, scratch, rooms, lots
):
    """Decide for blocks of cases at once, each with its own part of `found`; the result is the same for any number of threads."""
    for block in prange(written.size):
        part, own = cases[block * BLOCK : (block + 1) * BLOCK], found[firsts[block] :]
        columns = instrument_no, held_units, live, market, rules, weights, day, sale_cost, own, scratch[block]
        if rooms is None:
            written[block] = _decide_cases(part, *columns, None, None)
        else:
            written[block] = _decide_cases(part, *columns, rooms[block], lots[block])


def decide(books, offsets_of_orders, rules, market, rows, needs, late, has_payout, reserve, reason_in, sale_cost=NO_COST):
    """Return tonight's orders (発注) and what the decision leaves in the sleeves.

    Parameters
    ----------
    books : Books (sleeves, positions, orders in the order of the sleeves)
    offsets_of_orders : int64[S+1]
    rules : Rules in force;  market : the columns of `MARKET` per instrument
    rows : int64[n], the sleeves that need a decision
    needs, late, has_payout, reserve, reason_in : columns of n
        Yen of open payouts and dues; whether one is older than today; whether one is a payout; yen not to be invested;
        the rebalance that is due anyway (0 none).
    sale_cost : int64[P], ppm of a sale of each position (`sale_costs`); read only of programs that weigh the tax

    Returns
    -------
    orders : frame without dates (row, instrument_no, side_code, reason_code, asked_yen, asked_units, limit_price)
    rebalanced_date, pending_code, breach : columns of n; `breach` is the instrument that broke its band (0 none)

    See Also
    --------
    docs/close.md §8 : the rules.  tests/days/test_oracle_agrees.py : the same, decided slowly by other code.
    """
    cases = sleeve_cases(books, offsets_of_orders, rows, needs, late, has_payout, reserve, reason_in)
    widths = cases["last"] - cases["first"]
    found = np.empty(int(widths.sum()) + 1, FOUND)
    quotes = records(MARKET, market["num"].size, market | {"reciprocal": reciprocals(market["den"])})
    first_found = np.append(0, np.cumsum(widths))[: rows.size : BLOCK]
    written = np.zeros(first_found.size, np.int64)
    width = int(widths.max(initial=1))
    columns = (
        books.positions["instrument_no"], books.positions["held_units"], live_orders(books.orders), quotes,
        records(RULES, rules.programs["sale_margin_ppm"].size, rules.programs), rules.weights, books.day, sale_cost, found,
    )
    scratch, rooms, lots = np.zeros((written.size, width), LINE), None, None
    fraction = rules.programs["rebalance_fraction_ppm"][1:]
    if ((fraction >= 0) & (fraction < PPM)).any() or rules.programs["lots_nearest"].any():
        rooms, lots = np.zeros((written.size, ROOM, width + 1), np.int64), np.zeros((written.size, width + 2), LOT)
    if written.size == 1:  # threads would cost more than they bring
        written[0] = _decide_cases(cases, *columns, scratch[0], *(None if room is None else room[0] for room in (rooms, lots)))
    elif written.size > 1:
        _decide_blocks(cases, *columns, first_found, written, scratch, rooms, lots)
    return found_orders(found, first_found, written), *(cases[name] for name in ("rebalanced_date", "pending_code", "breach"))
