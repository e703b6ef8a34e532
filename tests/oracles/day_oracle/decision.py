"""§8: the decision, per sleeve."""

from datetime import date

from tests.oracles.day_oracle.aims import Position, aimed, sale_cost_ppm
from tests.oracles.day_oracle.drawings import drawings_ahead
from tests.oracles.day_oracle.dues import pressing
from tests.oracles.day_oracle.fee_bases import accrued
from tests.oracles.day_oracle.lots import Line, nearest
from tests.oracles.day_oracle.money import ceiling, denominator, lowest, numerator, payable, receivable, weights, yen
from tests.oracles.day_oracle.state import MILLION, House, Order, Sleeve


class View:
    """What a sleeve looks like on the evening: all amounts in yen, prices in force."""

    def __init__(self, house: House, sleeve: Sleeve, day: date) -> None:
        self.house, self.sleeve, self.day = house, sleeve, day
        self.rules = house.rules_of(sleeve, day)
        self.weights = weights(house, sleeve.model_no, day)
        live = {order.instrument_no for order in sleeve.live if order.status == "placed"}
        self.numbers = sorted(set(sleeve.held()) | live | {number for number in self.weights if number > 0})
        # S_i = asked_units of unpriced sales, B_i = asked_yen of unpriced purchases
        self.selling = {number: 0 for number in self.numbers}
        self.buying = {number: 0 for number in self.numbers}
        for order in sleeve.unpriced("sell"):
            self.selling[order.instrument_no] += order.asked_units
        for order in sleeve.unpriced("buy"):
            self.buying[order.instrument_no] += order.asked_yen
        self.left = {number: sleeve.units.get(number, 0) - self.selling[number] for number in self.numbers}
        # v_i = yen(held_i − S_i) + B_i; est = Σ yen(S_i)
        self.v = {number: self.yen(number, self.left[number]) + self.buying[number] for number in self.numbers}
        self.est = sum(self.yen(number, self.selling[number]) for number in self.numbers)
        # needs = open payouts that are not closings + unpaid dues (those to be debited from the bank apart)
        self.dues = pressing(house, sleeve, day)
        self.needs = sum(payout.amount for payout in sleeve.payouts) + sum(due.unpaid[sleeve.number] for due in self.dues)
        # free = cash + receivable − payable − Σ B_i − needs
        self.free = sleeve.cash + receivable(sleeve) - payable(sleeve) - sum(self.buying.values()) - self.needs
        self.V = max(0, sum(self.v.values()) + self.free + self.est)       # if V < 0 use 0
        self.t = {number: self.V * self.weights.get(number, 0) // MILLION for number in self.numbers}
        self.t_cash = self.V * self.weights.get(0, 0) // MILLION
        self.sales: dict[int, tuple[int, str]] = {}
        self.lots: dict[int, int] = {}                   # to be traded, of instruments whose targets are whole lots

    def yen(self, number: int, units: int) -> int:
        """`yen` uses the price without levy."""
        return yen(self.house, number, units)

    def e(self, number: int) -> int:
        """`e_i = v_i − t_i`, after the sales decided so far."""
        return self.v[number] - self.t[number]

    def can_order(self, number: int) -> bool:
        """`n(d)` orderable and the instrument neither missing nor refused on d (and it has a price at all)."""
        quote = self.house.quotes[number]
        orderable = self.house.dates.is_orderable(number, self.house.dates.next(self.day))
        return orderable and quote.status in ("fresh", "holiday") and quote.price is not None

    def sell(self, number: int, units: int, reason: str) -> int:
        """One order per sleeve and instrument and evening; the reason of the rule that sold first. -> yen(units)"""
        sold, reason = self.sales.get(number, (0, reason))
        self.sales[number] = (sold + units, reason)
        self.left[number] -= units
        self.v[number] = self.yen(number, self.left[number]) + self.buying[number]
        return self.yen(number, units)


def is_breach(view: View) -> bool:
    """For some `i`: `|v_i × 10^6 − V × w_i| ≥ V × band_absolute_ppm`, or (`band_relative_ppm > 0`, `w_i > 0`)
    `|v_i × 10^6 − V × w_i| × 10^6 ≥ V × w_i × band_relative_ppm`; V > 0, and `e_j > 0` for some `j`, and `free ≥ 0` (a
    payout above the band is no breach). It counts if `d − rebalanced_date ≥ cooldown_days` (a sleeve never rebalanced: always).
    """
    since = view.sleeve.rebalanced_date
    if view.V <= 0 or view.free < 0 or not any(view.e(number) > 0 for number in view.numbers):
        return False
    if since and (view.day - since).days < view.rules["cooldown_days"]:
        return False
    for number in view.numbers:
        weight = view.weights.get(number, 0)
        off = abs(view.v[number] * MILLION - view.V * weight)
        relative = view.rules["band_relative_ppm"]
        if off >= view.V * view.rules["band_absolute_ppm"]:
            return True
        if relative > 0 and weight > 0 and off * MILLION >= view.V * weight * relative:
            return True
    return False


def is_calendar_day(view: View) -> bool:
    """d is the first business day of one of the program's `rebalance_months`."""
    months = [int(month) for month in view.rules["rebalance_months"].split(";") if month]
    return view.day.month in months and view.house.dates.roll(view.day.replace(day=1)) == view.day


def rebalance_reason(view: View) -> str:
    """In this order of precedence: strategy, model, pending (keeps the earlier reason), calendar, breach."""
    house, sleeve = view.house, view.sleeve
    if sleeve.strategy_date == view.day:
        return "strategy"
    # the weights in force for its model on d differ from those on y, sleeve open at y
    if house.previous and sleeve.opened_date < view.day and weights(house, sleeve.model_no, house.previous) != view.weights:
        return "model"
    if sleeve.pending:
        return "pending"
    if view.rules.get("rebalance_kind") == "flow":       # neither calendar nor breach rebalances
        return ""
    if is_calendar_day(view):
        return "calendar"
    return "breach" if is_breach(view) else ""


def forget(view: View) -> None:
    """`rebalance_kind = flow`: what was pending of calendar and breach is forgotten."""
    if view.rules.get("rebalance_kind") == "flow" and view.sleeve.pending in ("calendar", "breach"):
        view.sleeve.pending = ""


def aim(view: View, reason: str) -> None:
    """A rebalance by `calendar` or `breach` (pending or not) of a program with `rebalance_kind = band` or `tax` does not aim at
    `t_i`: then for the rest of this evening `t_i = v_i + trade_i`. Cash is the first position (held `V − Σ v_i`, weight `w_JPY`),
    its target takes what flooring leaves of V. Reading: the cash target `t_c` of the purchases stays.
    """
    if reason not in ("calendar", "breach") or view.rules.get("rebalance_kind") not in ("band", "tax"):
        return
    cash = Position(view.V - sum(view.v.values()), view.weights.get(0, 0), view.V - sum(view.t.values()), True)
    positions = [cash]
    for number in view.numbers:
        one = Position(view.v[number], view.weights.get(number, 0), view.t[number], view.can_order(number))
        one.sale_cost_ppm = sale_cost_ppm(view.house, view.sleeve, number, view.day, view.yen)
        positions.append(one)
    trades = aimed(positions, view.V, view.rules)
    if trades is not None:
        for number, trade in zip(view.numbers, trades[1:], strict=True):
            view.t[number] = view.v[number] + trade


def whole_targets(view: View, reason: str) -> None:
    """With `lot_rounding = nearest` the targets of instruments bought by units become whole lots. A lot is
    `ceil(lot_units × num / den)` yen, held are `(held_i − S_i + Σ asked_units of unpriced purchases) / lot_units` lots (floored),
    the budget is Σ `max(t_i, 0)`, of what stays its lots in yen in its place. Staying is what cannot be ordered, and without a
    rebalance what is above its target; without a rebalance nothing is sold. None within the budget: the targets stay.
    """
    house = view.house
    numbers = [number for number in view.numbers if house.instruments[number]["order_mode"] == "units"]
    if view.rules.get("lot_rounding") != "nearest" or not numbers:
        return
    lines, staying = {}, []
    for number in numbers:
        if not view.can_order(number) or (not reason and view.e(number) > 0):
            staying.append(number)                       # its lots are in the budget and take as much of it
            continue
        lot = house.instruments[number]["lot_units"]
        coming = sum(order.asked_units for order in view.sleeve.unpriced("buy") if order.instrument_no == number)
        held, yen_of_lot = (view.left[number] + coming) // lot, ceiling(lot * numerator(house, number), denominator(house, number))
        fewest = max(held - view.left[number] // lot, 0) if reason else held       # what is not there yet cannot be sold
        lines[number] = Line(yen_of_lot, held, view.t[number], fewest)
    budget = sum(max(line.target, 0) for line in lines.values())
    found = nearest(list(lines.values()), budget, view.rules["minimum_trade_yen"])
    if not found:
        return
    yen = [line.lot_yen for line in lines.values()]      # of equally near ones those of the fewest yen, then the fewest first lots
    best = min(found, key=lambda way: (sum(one * price for one, price in zip(way, yen, strict=True)), way))
    for number, lots in zip(lines, best, strict=True):
        view.lots[number] = lots - lines[number].held
        view.t[number] = view.v[number] + view.lots[number] * lines[number].lot_yen
    for number in staying:
        view.lots[number], view.t[number] = 0, view.v[number]


def rebalance_sales(view: View, reason: str) -> None:
    """For each `i` with `e_i > 0`: if `w_i = 0`: all `held_i − S_i`; else if `e_i ≥ minimum_trade_yen`:
    `min(held_i − S_i, floor(e_i × den / num))`, rounded down to the lot. Only instruments that can be ordered.
    """
    for number in view.numbers:
        over = view.e(number)
        if over <= 0 or view.left[number] <= 0 or not view.can_order(number):
            continue
        units = 0
        if view.weights.get(number, 0) == 0:
            units = view.left[number]
        elif over >= view.rules["minimum_trade_yen"]:
            lot, whole = view.house.instruments[number]["lot_units"], view.lots.get(number, 0)
            units = min(view.left[number], over * denominator(view.house, number) // numerator(view.house, number))
            units -= units % lot
            if whole:                                    # a sale is of so many lots
                units = min(view.left[number], -whole * lot)
        if units > 0:
            view.sell(number, units, reason)


def is_blocked(view: View) -> bool:
    """Some instrument with something to sell and `e_i ≥ minimum_trade` (or `e_i > 0`, `w_i = 0`) could not be ordered."""
    for number in view.numbers:
        over = view.e(number)
        much = over >= view.rules["minimum_trade_yen"] or (over > 0 and view.weights.get(number, 0) == 0)
        if much and view.left[number] > 0 and not view.can_order(number):
            return True
    return False


def shortfall(view: View) -> bool:
    """Margin `m = sale_margin_ppm` if every open need was made on `d`, else `min(6 m, 500,000)`. Triggered if
    `free + floor(est × (10^6 − floor(m / 2)) / 10^6) < 0` (m here the program's `sale_margin_ppm`). Then
    `N = −(free + floor(est × (10^6 − m) / 10^6))`, `x = max(ceil(N × 10^6 / (10^6 − m)), minimum_trade_yen)`, less
    `Σ yen(units)` of the sales of a rebalance decided above. -> triggered
    """
    own = view.rules["sale_margin_ppm"]
    if view.free + view.est * (MILLION - own // 2) // MILLION >= 0:
        return False
    sleeve, day = view.sleeve, view.day
    made = [payout.requested_date for payout in sleeve.payouts] + [due.charged_date for due in view.dues]
    margin = own if all(one == day for one in made) else min(6 * own, 500_000)
    missing = -(view.free + view.est * (MILLION - margin) // MILLION)
    rest = max(ceiling(missing * MILLION, MILLION - margin), view.rules["minimum_trade_yen"])
    rest -= sum(view.yen(number, units) for number, (units, _reason) in view.sales.items())
    sell_most_overweight(view, rest, "payout" if sleeve.payouts else "fee")
    return True


def sell_most_overweight(view: View, rest: int, reason: str) -> None:
    """Instruments in order of `e_i` descending (after the sales above; ties by instrument_no): first pass takes
    `min(x, e_i)` where `e_i > 0`, second pass (same order) takes `min(x, v_i)`, `v_i` and `e_i` always of what is left,
    `yen(held_i − S_i − sold) + B_i`; each as units `min(left of held_i − S_i, ceil(take × den / num))` rounded up to the
    lot (at most what is left), and `x` falls by `yen(units)`. Reading: only instruments that can be ordered.
    """
    ranked = sorted((number for number in view.numbers if view.can_order(number)), key=lambda number: (-view.e(number), number))
    for amount in (view.e, lambda number: view.v[number]):
        for number in ranked:
            take = min(rest, amount(number))
            if rest <= 0 or take <= 0 or view.left[number] <= 0:
                continue
            lot = view.house.instruments[number]["lot_units"]
            units = min(view.left[number], ceiling(take * denominator(view.house, number), numerator(view.house, number)))
            units = min(view.left[number], ceiling(units, lot) * lot)
            rest -= view.sell(number, units, reason)


def limit_price(view: View, number: int) -> int:
    """`floor(price_in_force × fx_ppm_in_force × (10^6 + order_margin_ppm) / 10^6)`."""
    return numerator(view.house, number) * (MILLION + view.house.instruments[number]["order_margin_ppm"]) // MILLION


def whole_lots(view: View, number: int, amount: int, most: int | None) -> tuple[int, int, int]:
    """k is the largest multiple of the lot whose cost at the limit plus 1 yen is ≤ b; `asked_yen` = cost at the limit + 1.
    No more than `most` units where given.

    -> (units, asked_yen, limit)
    """
    limit, lot = limit_price(view, number), view.house.instruments[number]["lot_units"]
    units = (amount - 1) * denominator(view.house, number) // limit    # ceil(k × limit / den) ≤ b'  <=>  k × limit ≤ b' × den
    units -= units % lot
    units = units if most is None else min(units, most)
    return units, ceiling(units * limit, denominator(view.house, number)) + 1, limit


def purchases(view: View, reason: str) -> list[Order]:
    """Budget `= min(A − reserve, free − max(t_c, reserve))`; gaps `g_i = t_i − v_i` descending (ties by instrument_no):
    `b = min(g_i, budget)`; stop at the first `b < minimum_trade_yen`; an amount that buys no unit at the price in force is
    not ordered: next instrument.
    """
    house, sleeve, day, orders = view.house, view.sleeve, view.day, []
    can = [number for number in view.numbers if view.weights.get(number, 0) > 0 and view.can_order(number)]
    if not can:
        return []
    reserve = drawings_ahead(house, sleeve, day) + accrued(house, sleeve, day)
    # the earliest buy settlement among the instruments with weight > 0 that can be ordered (none: no purchase)
    pay = min(house.dates.settles(number, day, "buy") for number in can)
    budget = min(lowest(sleeve, pay) - view.needs - reserve, view.free - max(view.t_cash, reserve))
    if budget < view.rules["minimum_trade_yen"]:
        return []
    # not sold this evening and no unpriced sale
    gaps = [(view.v[number] - view.t[number], number) for number in can
            if number not in view.sales and view.selling[number] == 0]
    for less, number in sorted(gaps):
        amount = min(-less, budget)
        if amount < view.rules["minimum_trade_yen"] or amount <= 0:
            break
        order = new_order(view, number, "buy", reason or "invest")
        order.asked_yen = amount
        if house.instruments[number]["order_mode"] == "units":
            # in whole lots: at most so many, paid at the limit from the whole budget, not from the gap alone
            most = view.lots[number] * house.instruments[number]["lot_units"] if number in view.lots else None
            order.asked_units, order.asked_yen, order.limit_price = whole_lots(view, number, budget if most else amount, most)
            if order.asked_units == 0:
                continue                                 # 0: next instrument
        elif amount * denominator(house, number) < numerator(house, number):
            continue
        budget -= order.asked_yen
        orders.append(order)
    return orders


def new_order(view: View, number: int, side: str, reason: str) -> Order:
    """Placed on `n(d)`."""
    dates, placed = view.house.dates, view.house.dates.next(view.day)
    priced = dates.priced_date(number, placed)
    return Order(view.sleeve.number, view.sleeve.account_no, number, side, reason, view.day, placed, priced,
                 dates.settlement_date(number, priced, side))


def orders_of(view: View) -> list[Order]:
    """The orders of one sleeve that is not stopped."""
    sleeve, bought = view.sleeve, []
    if sleeve.closing:                                   # sell `held_i − S_i` of every instrument that can be ordered; nothing else
        for number in view.numbers:
            if view.left[number] > 0 and view.can_order(number):
                view.sell(number, view.left[number], "closing")
    else:
        forget(view)
        reason = rebalance_reason(view)
        if reason:
            if reason == "pending":
                reason = sleeve.pending
            else:
                sleeve.rebalanced_date = view.day        # not when it merely continues as pending
            aim(view, reason)
            sleeve.pending = reason if is_blocked(view) else ""    # after the aim, before the lots
        whole_targets(view, reason)
        if reason:
            rebalance_sales(view, reason)
        if not shortfall(view):
            bought = purchases(view, reason)
    sold = []
    for number, (units, why) in sorted(view.sales.items()):
        order = new_order(view, number, "sell", why)
        order.asked_units = units
        sold.append(order)
    return sold + bought


def decide(house: House, sleeve: Sleeve, day: date) -> None:
    """Skipped (no order) if the sleeve is stopped; `pending` is set when the sleeve was stopped on an evening of a rebalance
    by strategy, model or calendar (which sets `rebalanced_date` too).

    Reading: in the order of precedence, so a calendar evening of a sleeve that is pending is one of the pending rebalance.
    """
    view = View(house, sleeve, day)
    if sleeve.number in house.today.stopped:
        forget(view)
        reason = "" if sleeve.closing else rebalance_reason(view)
        if reason in ("strategy", "model", "calendar"):
            sleeve.pending, sleeve.rebalanced_date = reason, day
        return
    for order in orders_of(view):
        sleeve.live.append(order)
        house.orders.append(order)
