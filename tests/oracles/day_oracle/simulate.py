"""§3: the close of one day, and the days from first to through."""

from datetime import date

from tests.oracles.day_oracle import books, charging, decision, drawings, events, goals, market, promises, surplus, withdrawals
from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.money import lowest, payable, receivable, yen
from tests.oracles.day_oracle.state import Day, House, Sleeve


def simulate(tables: dict[str, list[dict]], first: date, through: date, *, bank_failures=frozenset(), opening_hook=None) -> House:
    """Closes every house business day from first to through.

    `tables`: rows of the relational tables by name; `bank_failures`: {(sleeve_no, date)} of instalments that fail;
    `opening_hook(house)` is called before the first close.
    """
    house = House(tables, bank_failures)
    if opening_hook:
        opening_hook(house)
    day = first
    while day <= through:
        if house.dates.is_business(day):
            close(house, day)
        day += ONE_DAY
    return house


def close(house: House, day: date) -> Day:
    """One day, in the order of §3. Reading: which contracts end tonight is found before the fees; drawings come after them."""
    house.today = house.days[day] = Day()
    for sleeve in house.sleeves.values():
        sleeve.value_before = sleeve.value
        sleeve.money_in, sleeve.external, sleeve.waited = 0, 0, False
    house.saving = {sleeve.number for sleeve in house.open_sleeves() if sleeve.is_active}
    house.waiting = withdrawals.events_of(house, surplus.judge(house, day), day)     # before the close, by the books of y
    market.accept_prices(house, day)
    books.settle(house, day)
    books.corporate_actions(house, day)
    books.fill(house, day)
    events.process(house, day)
    house.today.retries, house.today.skips = dict(house.retries), set(house.skips)
    promises.pay(house, day)
    for sleeve in house.sleeves.values():
        if sleeve.is_open or sleeve.closed_date == day:
            value_sleeve(house, sleeve)
    house.today.stopped = {sleeve.number for sleeve in house.open_sleeves() if is_stopped(house, sleeve)}
    promises.reissue_moved(house, day)                   # before step 7
    ending = promises.ready_closings(house, day)
    charging.charge(house, day, ending)
    drawings.drawings(house, day)
    for sleeve in house.open_sleeves():
        decision.decide(house, sleeve, day)
    goals.follow(house, day)
    record_positions(house, day)
    house.previous = day
    return house.today


def value_sleeve(house: House, sleeve: Sleeve) -> None:
    """Per position `yen(held_units)` with the price in force; sleeve `value = positions + cash + receivable − payable`.
    `index' = floor(index × (value − F) / value_y)` if `value_y > 0` and `value − F ≥ 0`, else unchanged.
    """
    positions = sum(yen(house, number, sleeve.units[number]) for number in sleeve.held())
    coming, going = receivable(sleeve), payable(sleeve)
    sleeve.value = positions + sleeve.cash + coming - going
    house.today.values[sleeve.number] = (positions, sleeve.cash, coming, going, sleeve.value)
    if sleeve.value_before > 0 and sleeve.value - sleeve.external >= 0:
        sleeve.index = sleeve.index * (sleeve.value - sleeve.external) // sleeve.value_before
    house.today.indices[sleeve.number] = sleeve.index


def is_stopped(house: House, sleeve: Sleeve) -> bool:
    """`missing` and `refused` stop the sleeves that hold the instrument (units > 0, or a live order in it); before its
    first price it stops nobody.
    """
    numbers = set(sleeve.held()) | {order.instrument_no for order in sleeve.live}
    return any(house.quotes[number].status in ("missing", "refused") and house.quotes[number].price is not None
               for number in numbers)


def record_positions(house: House, day: date) -> None:
    """The state of the evening: units and cost, per sleeve and per account; dues and credits."""
    for due in house.all_dues:
        for number, part in due.unpaid.items():
            house.today.dues[due.contract_no, number, due.charged_date] = (due.due_date, part)
    for contract in house.contracts.values():
        if contract.opened_date and not contract.closed_date:
            house.today.credits[contract.number] = contract.credit
    house.today.drawing_states = {sleeve.number: house.drawing_states[sleeve.number] for sleeve in house.open_sleeves()
                                  if sleeve.number in house.drawing_states}
    for number in [number for number in house.stays if not house.sleeves[number].is_active]:
        del house.stays[number]                          # when the sleeve is closing
    house.today.stays = {number: reason for number, (reason, _since) in sorted(house.stays.items())}
    for sleeve in house.open_sleeves():
        house.today.payouts += [(one.sleeve_no, one.kind, one.amount, one.requested_date, one.promised_date, one.target_sleeve_no,
                                 one.event_no, one.drawn_no) for one in sleeve.payouts]
        house.today.ladder_low[sleeve.number] = lowest(sleeve, day)
        for number, units in sorted(sleeve.units.items()):
            if units or sleeve.cost.get(number, 0):
                house.today.positions[sleeve.number, number] = (units, sleeve.cost.get(number, 0))
    for key, units in sorted(house.account_units.items()):
        if units or house.account_cost.get(key, 0):
            house.today.account_positions[key] = (units, house.account_cost.get(key, 0))
