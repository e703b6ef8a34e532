"""§5: the events of a day. A handler returns the cause of a refusal, or nothing."""

from datetime import date

from tests.oracles.day_oracle import dues, plans, surplus
from tests.oracles.day_oracle.fee_corrections import apply_states
from tests.oracles.day_oracle.money import ceiling, lowest
from tests.oracles.day_oracle.promises import closing_promise, open_payout, over_withdrawal_limit, promise
from tests.oracles.day_oracle.state import House, Payout, Sleeve


def contract_opened(house: House, event: dict, day: date) -> str | None:
    """The contract (registered before) becomes open on `d`; its fee period starts."""
    contract = house.contracts.get(event["contract_no"])
    if contract is None:
        return "no such contract"
    if contract.opened_date:
        return "opened before"
    contract.opened_date = day
    return None


def sleeve_opened(house: House, event: dict, day: date) -> str | None:
    """The sleeve opens with its model; contract open. Reading: a contract that is being terminated opens no sleeve."""
    sleeve = house.sleeves.get(event["sleeve_no"])
    if sleeve is None or event["contract_no"] not in (0, sleeve.contract_no):
        return "no such sleeve, or not of this contract"
    contract = house.contracts[sleeve.contract_no]
    if not contract.opened_date or contract.terminated_date:
        return "contract not open"
    if sleeve.opened_date:
        return "opened before"
    sleeve.opened_date = day
    return None


def sleeve_of(house: House, event: dict) -> Sleeve | None:
    """References must exist, belong together, and be open."""
    sleeve = house.sleeves.get(event["sleeve_no"])
    if sleeve is None or event["contract_no"] not in (0, sleeve.contract_no) or not sleeve.is_open:
        return None
    return sleeve


def target_of(house: House, event: dict, sleeve: Sleeve) -> Sleeve | None:
    """Another sleeve of the same account that is open and not closing."""
    target = house.sleeves.get(event["target_sleeve_no"])
    if target is None or target is sleeve or not target.is_active or target.account_no != sleeve.account_no:
        return None
    return target


def put_in(house: House, sleeve: Sleeve, kind: str, amount: int, day: date) -> str | None:
    """cash += amount. Sleeve open and not closing; at least `minimum_deposit_yen` or `minimum_instalment_yen`."""
    if not sleeve.is_active or amount <= 0 or amount < house.rules_of(sleeve, day)[f"minimum_{kind}_yen"]:
        return "closing, or below the minimum"
    house.move_cash(day, sleeve, kind, amount)
    sleeve.money_in += amount
    return None


def money_in(house: House, event: dict, day: date) -> str | None:
    """`deposit`, `instalment`."""
    sleeve = sleeve_of(house, event)
    return put_in(house, sleeve, event["kind"], event["amount_yen"], day) if sleeve else "sleeve not open"


def planned_instalment(house: House, sleeve: Sleeve, amount: int, day: date) -> None:
    """An instalment of a plan; refused like any other. Of a sleeve that has enough it comes into the end of its rule."""
    if put_in(house, surplus.comes_into(house, sleeve, amount, day), "instalment", amount, day):
        house.alert("event_refused", sleeve.number)


def money_out(house: House, event: dict, day: date) -> str | None:
    """`withdrawal`: refused if the sleeve is closing, or above the limit. `transfer`: as withdrawal, paid into another
    sleeve of the same account that is open and not closing.
    """
    sleeve = sleeve_of(house, event)
    if sleeve is None or not sleeve.is_active or event["amount_yen"] <= 0:
        return "sleeve not open, closing, or no amount"
    target_no = 0
    if event["kind"] == "transfer":
        target = target_of(house, event, sleeve)
        if target is None:
            return "no such target"
        target_no = target.number
    if over_withdrawal_limit(house, sleeve, event["amount_yen"], day):
        return "above the withdrawal limit: close the sleeve instead"
    promised = promise(house, sleeve, day, day)
    open_payout(house, sleeve, Payout(event["kind"], sleeve.number, event["amount_yen"], day, promised, promised, target_no,
                                      event_no=event["event_no"]))
    return None


def strategy_changed(house: House, event: dict, day: date) -> str | None:
    """The sleeve (open, not closing) changes its model; rebalance this evening. The model must be one that the program offers."""
    sleeve = sleeve_of(house, event)
    if sleeve is None or not sleeve.is_active:
        return "sleeve not open, or closing"
    key = (house.contracts[sleeve.contract_no].program_no, event["model_no"])
    rows = [row for row in house.tables["program_models"]
            if (row["program_no"], row["model_no"]) == key and row["valid_from_date"] <= day]
    if not rows or not max(rows, key=lambda row: row["valid_from_date"])["offered"]:
        return "model not on offer"
    sleeve.model_no, sleeve.strategy_date = event["model_no"], day
    return None


def close(house: House, sleeves: list[Sleeve], kind: str, day: date, target_no: int = 0) -> None:
    """The sleeves close together, with one promise."""
    promised = closing_promise(house, sleeves, day)
    for sleeve in sleeves:
        if sleeve.closing:
            sleeve.closing.lapsed_date = day             # a closing that a termination takes over
        sleeve.closing = Payout(kind, sleeve.number, 0, day, promised, promised, target_no)
        house.payouts.append(sleeve.closing)


def sleeve_closed(house: House, event: dict, day: date) -> str | None:
    """Sells all; on the promised date all cash goes to the target or to the customer; a contract keeps at least one other
    sleeve that is open and not closing, else "terminate the contract".
    """
    sleeve = sleeve_of(house, event)
    if sleeve is None or not sleeve.is_active:
        return "sleeve not open, or closing"
    if event["target_sleeve_no"] and target_of(house, event, sleeve) is None:
        return "no such target"
    if not any(other.is_active and other is not sleeve for other in house.contract_sleeves(sleeve.contract_no)):
        return "terminate the contract"
    close(house, [sleeve], "closing", day, event["target_sleeve_no"])
    return None


def terminated(house: House, event: dict, day: date) -> str | None:
    """All its sleeves close (one that is to be paid today apart; one that was closing already joins, without its target);
    final fee; all cash to the customer. A contract without a sleeve ends at once.
    """
    contract = house.contracts.get(event["contract_no"])
    if contract is None or not contract.opened_date or contract.terminated_date:
        return "contract not open, or being terminated"
    contract.terminated_date = day
    sleeves = [sleeve for sleeve in house.contract_sleeves(contract.number) if sleeve.payment_date is None]
    if sleeves:
        close(house, sleeves, "termination", day)
    else:
        contract.closed_date = day
    return None


def correction(house: House, event: dict, day: date) -> str | None:
    """A booked difference of today (sign free), never more than `payable_now` (§6) of cash or the units that are not on
    sale; needs `note`; kind `correction` in flows for yen. Units that go take their share of the cost of both books as a
    sale does, units that come have no cost.
    """
    sleeve = sleeve_of(house, event)
    amount, number, units = event["amount_yen"], event["instrument_no"], event["units"]
    if sleeve is None or not event["note"] or bool(amount) == bool(units):
        return "sleeve not open, no note, or not one of amount and units"
    if sleeve.payment_date == day:
        return "its closing is paid today"
    if amount:
        if amount < 0 and -amount > lowest(sleeve, day):
            return "more than payable_now"
        house.move_cash(day, sleeve, "correction", amount)
        return None
    on_sale = sum(order.asked_units for order in sleeve.unpriced("sell") if order.instrument_no == number)
    if number not in house.instruments or (units < 0 and -units > sleeve.units.get(number, 0) - on_sale):
        return "no such instrument, or more than the units that are not on sale"
    key, base = (sleeve.account_no, number), house.instruments[number]["price_base_units"]
    held, all_held = sleeve.units.get(number, 0), house.account_units.get(key, 0)
    sleeve.cost.setdefault(number, 0)
    house.account_cost.setdefault(key, 0)
    if units < 0:
        sleeve.cost[number] -= sleeve.cost[number] * -units // held
        unit_cost = ceiling(house.account_cost[key] * base, all_held)
        house.account_cost[key] = ceiling(unit_cost * (all_held + units), base)
    sleeve.units[number] = held + units
    house.account_units[key] = all_held + units
    return None


def debit_failed(house: House, event: dict, day: date) -> str | None:
    """A failed debit is an event of kind `debit_failed` (sleeve, amount): an alert, no money, also of a sleeve that is not open."""
    sleeve = house.sleeves.get(event["sleeve_no"])
    if sleeve is None or event["amount_yen"] <= 0:
        return "no such sleeve, or no amount"
    house.alert("debit_failed", sleeve.number)
    return None


def instalment_skipped(house: House, event: dict, day: date) -> str | None:
    """Sleeve open and not closing; refused while an earlier skip waits, and on the plan day that it takes. Of a sleeve that an
    event of `d` closes it is refused, but the bank is not asked on `d`.
    """
    sleeve = sleeve_of(house, event)
    if sleeve is None or sleeve.number in house.skips or not (sleeve.is_active or sleeve.number in house.saving):
        return "sleeve not open, or skipped already"
    house.skips.add(sleeve.number)
    return None if sleeve.is_active else "sleeve closing"


def fee_corrected(house: House, event: dict, day: date) -> str | None:
    """What past fees were wrong by is charged or given back this evening; needs `note`; refused of a contract that was never open
    or has no sleeve; of one that has ended, or is paid out today, an alert `fee_shortfall` (above zero) or `fee_credit`.

    Reading: one that has ended is one of which no sleeve is open, or whose last close was that of its end.
    """
    contract, amount = house.contracts.get(event["contract_no"]), event["amount_yen"]
    if contract is None or not contract.opened_date or not event["note"]:
        return "contract never open, or no note"
    if contract.closed_date or contract.final_date:
        if amount:
            house.alert("fee_shortfall" if amount > 0 else "fee_credit", contract.number)
        return None
    if not house.contract_sleeves(contract.number):
        return "no sleeve"
    if not amount and not event.get("fee_state"):
        return "nothing to correct"
    house.today.corrected[contract.number] = house.today.corrected.get(contract.number, 0) + amount
    if event.get("fee_state"):
        house.today.states[contract.number] = event["event_no"], event["fee_state"]
    return None


HANDLERS = {
    "contract_opened": contract_opened, "sleeve_opened": sleeve_opened, "deposit": money_in, "instalment": money_in,
    "withdrawal": money_out, "transfer": money_out, "strategy_changed": strategy_changed, "sleeve_closed": sleeve_closed,
    "terminated": terminated, "correction": correction, "debit_failed": debit_failed,
    "instalment_skipped": instalment_skipped, "fee_corrected": fee_corrected,
}


def process(house: House, day: date) -> None:
    """Events of `d`, transfers of surplus first, then in the order of their number, then the instalments of the plans and the
    fees that the bank debits. A refused event changes nothing and
    gives an alert. An event dated on a day without a close is processed at the next close.
    """
    for number, reason in house.excess_stays:
        surplus.stays(house, number, reason)
    for event in house.waiting:
        if event["event_no"] > 0:
            house.done_events.add(event["event_no"])
        else:
            surplus.goes(house, event["sleeve_no"])
        handler = HANDLERS.get(event["kind"])
        if handler is None or handler(house, event, day):
            house.alert("event_refused", event["event_no"])
    apply_states(house, day)
    plans.instalments(house, day, planned_instalment)
    dues.debit(house, day)
