"""§3.1 to §3.3 and §4: settlement, splits, distributions and fills."""

from datetime import date

from tests.oracles.day_oracle.market import since_last_close
from tests.oracles.day_oracle.money import ceiling, denominator, largest_remainder
from tests.oracles.day_oracle.state import MILLION, House, Order


def settle(house: House, day: date) -> None:
    """Every order with `status = priced` and `settlement_date ≤ d`: a sale moves its `filled_yen` from receivable to
    cash, a purchase from payable out of cash; `status = settled`.
    """
    for sleeve in house.open_sleeves():
        for order in list(sleeve.live):
            if order.status == "priced" and order.settlement_date <= day:
                sleeve.cash += order.filled_yen if order.side == "sell" else -order.filled_yen
                order.status = "settled"
                sleeve.live.remove(order)


def holders(held: dict, number: int, account_no: int, house: House) -> list[int]:
    """The sleeves of an account that hold an instrument."""
    return [no for (no, instrument), units in sorted(held.items())
            if instrument == number and units > 0 and house.sleeves[no].account_no == account_no]


def split(house: House, row: dict, held: dict, day: date) -> None:
    """Account units `U' = floor(U × new / old)`, shared to sleeves by largest remainder with weights `units`; costs
    unchanged (0 where no unit is left); unpriced orders in the instrument (both sides) are `cancelled`, with an alert; the
    sleeve counts as one whose order had to wait.
    """
    number, old, new = row["instrument_no"], row["old_units"], row["new_units"]
    for account_no, instrument in sorted(house.account_units):
        units = house.account_units[account_no, instrument]
        if instrument != number or units == 0:
            continue
        house.account_units[account_no, number] = units * new // old
        owners = holders(held, number, account_no, house)
        shares = largest_remainder(units * new // old, [(held[no, number], no, None) for no in owners], number, day)
        for no, share in zip(owners, shares, strict=True):
            house.sleeves[no].units[number] = share
            if share == 0:
                house.sleeves[no].cost[number] = 0
        if house.account_units[account_no, number] == 0:
            house.account_cost[account_no, number] = 0
    for sleeve in house.open_sleeves():
        for order in list(sleeve.live):
            if order.instrument_no == number and order.status == "placed":
                cancel(house, order)
                sleeve.waited = True


def distribute(house: House, row: dict, held: dict, day: date) -> None:
    """Account yen `= floor(U × amount × fx_ppm / (10^amount_scale × per_units × 10^6))`, shared to sleeves by largest
    remainder with weights `units`; flow `distribution`; cash of the same day.

    `fx_ppm` as in force with the instrument's price, yen: 10^6; `amount_scale` is the instrument's `price_scale`.
    """
    number = row["instrument_no"]
    fx = MILLION if house.instruments[number]["currency"] == "JPY" else house.quotes[number].fx
    below = 10 ** house.instruments[number]["price_scale"] * row["per_units"] * MILLION
    for account_no in sorted({house.sleeves[no].account_no for no, instrument in held if instrument == number}):
        owners = holders(held, number, account_no, house)
        if not owners:
            continue
        whole = sum(held[no, number] for no in owners) * row["amount"] * fx // below
        shares = largest_remainder(whole, [(held[no, number], no, None) for no in owners], number, day)
        for no, share in zip(owners, shares, strict=True):
            house.move_cash(day, house.sleeves[no], "distribution", share)


def held_now(house: House) -> dict[tuple[int, int], int]:
    """{(sleeve, instrument): units}"""
    return {(sleeve.number, number): units for sleeve in house.open_sleeves() for number, units in sleeve.units.items()}


def corporate_actions(house: House, day: date) -> None:
    """Distributions, then splits of `d` (and of days without a close since `y`), both on the units held at the end of `y`."""
    for row in since_last_close(house, "distributions", day):
        distribute(house, row, held_now(house), day)
    for row in since_last_close(house, "splits", day):
        split(house, row, held_now(house), day)


def wait(house: House, order: Order, day: date) -> None:
    """No accepted price on `priced_date` `d`: the order waits; its `priced_date` becomes the next instrument day after
    `d` and `settlement_date` moves with it.
    """
    order.priced_date = house.dates.next_instrument_day(order.instrument_no, day)
    order.settlement_date = house.dates.settlement_date(order.instrument_no, order.priced_date, order.side)
    order.waits += 1
    house.sleeves[order.sleeve_no].waited = True
    house.alert("order_waits", order.sleeve_no)


def over_limit(house: House, order: Order) -> bool:
    """It is a limit order: if `price × fx_ppm > limit` it is cancelled."""
    quote = house.quotes[order.instrument_no]
    return order.limit_price > 0 and quote.price * quote.fx > order.limit_price


def cancel(house: House, order: Order) -> None:
    """`status = cancelled`, alert."""
    order.status = "cancelled"
    house.sleeves[order.sleeve_no].live.remove(order)
    house.alert("order_cancelled", order.sleeve_no)


def fill(house: House, day: date) -> None:
    """Orders with `status = placed`, `priced_date = d`, instrument fresh, and a custodian fill (here: always).

    Group: (account, instrument, side, priced date). Purchases of a day before its sales.
    """
    groups: dict[tuple, list[Order]] = {}
    for sleeve in house.open_sleeves():
        for order in list(sleeve.live):
            if order.status != "placed" or order.priced_date != day:
                continue
            if house.quotes[order.instrument_no].status != "fresh":
                wait(house, order, day)
            elif over_limit(house, order):
                cancel(house, order)
            else:
                groups.setdefault((order.side, order.account_no, order.instrument_no), []).append(order)
    for side, account_no, number in sorted(groups):      # "buy" comes before "sell"
        (buy if side == "buy" else sell)(house, account_no, number, groups[side, account_no, number], day)


def sell(house: House, account_no: int, number: int, orders: list[Order], day: date) -> None:
    """Price used `= floor(price × (10^6 − levy_ppm) / 10^6)`; yen `Y = floor(U × num / den)` with that price; yen to
    sleeves with weights `units`. Sleeve: `cost −= floor(cost × u / held)`, then `held −= u`.
    Account: `c = ceil(tax_cost × base / H)`, `tax_cost = ceil(c × (H − U) / base)`, `base = price_base_units`.
    """
    row, quote = house.instruments[number], house.quotes[number]
    price = quote.price * (MILLION - row["levy_ppm"]) // MILLION
    whole = sum(order.asked_units for order in orders)
    proceeds = whole * price * quote.fx // denominator(house, number)
    weights = [(order.asked_units, order.sleeve_no, order.decided_date) for order in orders]
    for order, share in zip(orders, largest_remainder(proceeds, weights, number, day), strict=True):
        order.filled_units, order.filled_yen, order.status = order.asked_units, share, "priced"
        sleeve = house.sleeves[order.sleeve_no]
        sleeve.cost[number] -= sleeve.cost[number] * order.filled_units // sleeve.units[number]
        sleeve.units[number] -= order.filled_units
    key, base = (account_no, number), row["price_base_units"]
    unit_cost = ceiling(house.account_cost[key] * base, house.account_units[key])
    house.account_units[key] -= whole
    house.account_cost[key] = ceiling(unit_cost * house.account_units[key], base)


def buy(house: House, account_no: int, number: int, orders: list[Order], day: date) -> None:
    """By amount: `Y = A`, units `U = floor(A × den / num)`, to sleeves with weights `asked_yen`; if `U = 0` the orders of
    the group are `cancelled`, with an alert, and no yen move.
    By units: `Y = ceil(U × num / den)`, yen to sleeves with weights `units`.
    Sleeve: `held += u`, `cost += y`; account: `tax_cost += Y`.
    """
    num, den = house.quotes[number].price * house.quotes[number].fx, denominator(house, number)
    by_units = house.instruments[number]["order_mode"] == "units"
    if by_units:
        asked = [(order.asked_units, order.sleeve_no, order.decided_date) for order in orders]
        units = [weight for weight, _, _ in asked]
        paid = largest_remainder(ceiling(sum(units) * num, den), asked, number, day)
    else:
        asked = [(order.asked_yen, order.sleeve_no, order.decided_date) for order in orders]
        paid = [weight for weight, _, _ in asked]
        units = largest_remainder(sum(paid) * den // num, asked, number, day)
        if not any(units):
            for order in orders:
                cancel(house, order)
            return
    for order, bought, cost in zip(orders, units, paid, strict=True):
        order.filled_units, order.filled_yen, order.status = bought, cost, "priced"
        sleeve = house.sleeves[order.sleeve_no]
        sleeve.units[number] = sleeve.units.get(number, 0) + bought
        sleeve.cost[number] = sleeve.cost.get(number, 0) + cost
    key = (account_no, number)
    house.account_units[key] = house.account_units.get(key, 0) + sum(units)
    house.account_cost[key] = house.account_cost.get(key, 0) + sum(paid)
