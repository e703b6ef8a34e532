"""What customers, banks and committees did today (イベント): checked at the door, booked in order. Rules: docs/close.md §5.

A refused event changes nothing and becomes an alert with cause and cure; the others go on.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books, account_place, add_position, index_books, order_offsets
from tsutsumi.core.debits import Debits
from tsutsumi.core.fee_states import corrected_yen, in_force, restored
from tsutsumi.core.flows import CORRECTION, DEPOSIT, FLOW_KINDS, INSTALMENT, Flows
from tsutsumi.core.journal import BY_EVENT, CASH, LEDGERS, UNITS, YEN, Journal
from tsutsumi.core.journal import CORRECTION as CORRECTION_LEDGER
from tsutsumi.core.ladder import payable_now
from tsutsumi.core.promises import P_SLEEVE_CLOSE, P_TERMINATION, P_TRANSFER, P_WITHDRAWAL, Promiser, available, new_payout
from tsutsumi.core.refusals import Refused
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, frame, length, sort, stack, take
from tsutsumi.core.units import PPM, percent
from tsutsumi.core.wide import mul_div_ceil, mul_div_floor

EVENT_KINDS = (
    "", "contract_opened", "sleeve_opened", "deposit", "instalment", "withdrawal", "transfer", "strategy_changed",
    "sleeve_closed", "terminated", "correction", "debit_failed", "fee_deposit", "fee_corrected", "instalment_skipped",
)
OPEN, CLOSING, NOT_OPEN = 0, 1, 9
INDEX_START = 10**12


@dataclass
class Door:
    """The books while the day's events are booked one by one."""

    books: Books
    rules: Rules
    flows: Flows
    journal: Journal
    alerts: Alerts
    money_in: np.ndarray
    strategy_changed: np.ndarray
    order_offsets: np.ndarray
    reshape: bool = False
    debits: Debits = field(init=False)
    fee_events: frozenset[int] = frozenset()  # events that bring a state of fees
    fee_corrections: dict[int, int] = field(default_factory=dict)

    def promiser(self) -> Promiser:
        """Return who promises dates on the books of the moment; no event touches the live orders."""
        return Promiser(self.books, self.rules, self.order_offsets)

    def row(self, sleeve_no: int) -> int:
        """Return the row of an open or closing sleeve, or refuse."""
        row_of = self.books.row_of_sleeve
        row = int(row_of[sleeve_no]) if 0 < sleeve_no < row_of.size else -1
        if row < 0 or self.books.sleeves["status_code"][row] == NOT_OPEN:
            raise Refused(f"{self.rules.name('sleeve', sleeve_no)} is not open", "open it first, or name the right sleeve")
        return row

    def open_row(self, sleeve_no: int) -> int:
        """Return the row of an open sleeve that is not closing, or refuse."""
        row = self.row(sleeve_no)
        if self.books.sleeves["status_code"][row] != OPEN:
            raise Refused(f"{self.rules.name('sleeve', sleeve_no)} is closing", "wait for its end, or open a new sleeve")
        return row

    def rule(self, row: int, name: str) -> int:
        """Return a program rule in force for a sleeve row."""
        return int(self.rules.programs[name][self.books.sleeves["program_no"][row]])

    def add_payout(self, row: int, event: dict, kind: int, amount: int, promised: int) -> None:
        """Add one payout and its promise."""
        payout = new_payout(self.books, row, event["event_no"], kind, amount, promised, event["target_sleeve_no"])
        self.books = replace(self.books, payouts=stack(self.books.payouts, payout))


def book_events(
    books: Books, rules: Rules, events: Frame, flows: Flows, journal: Journal, alerts: Alerts, fee_states: Frame | None = None,
    debits: Frame | None = None,
) -> tuple[Books, dict]:
    """Return the books after the day's events, and what the evening must know of them.

    Returns
    -------
    books : with new sleeves and contracts in their place (positions follow with `add_layout`)
    marks : reshape (bool), strategy_changed (set of sleeve_no), refused (set of event_no), fee_corrections (contract_no → yen)
    """
    door, states = _open_door(books, rules, events, flows, journal, alerts), fee_states or empty("fee_states")
    door.debits = Debits(books.debit_states, debits or empty("debit_states"), books.day)
    door.fee_events = frozenset(states["event_no"].tolist())
    refused, names = set(), list(events)
    for values in zip(*(events[name].tolist() for name in names), strict=True):
        event = dict(zip(names, values, strict=True))
        kind = EVENT_KINDS[event["kind_code"]]
        try:
            _check_references(door, event)
            HANDLERS.get(kind, _unknown)(door, event)
        except Refused as refusal:
            refused.add(event["event_no"])
            subject = ("event", event["event_no"]) if event["event_no"] > 0 else ("sleeve", event["sleeve_no"])
            alerts.add("event_refused", *subject, f"{kind}: {refusal.cause}", refusal.cure)
    states = in_force(states, door.fee_corrections)
    door.books = replace(restored(door.books, states), debit_states=door.debits.after(door.books, alerts))
    changed = set(door.books.sleeves["sleeve_no"][door.strategy_changed].tolist())
    fees = {"fee_corrections": door.fee_corrections, "fee_states": states}
    return _shut_door(door), fees | {"reshape": door.reshape, "strategy_changed": changed, "refused": refused}


def _check_references(door: Door, event: dict) -> None:
    """Refuse an event that names what is not registered, or a sleeve and a contract that do not belong together."""
    registry = door.rules.registry
    sizes = {
        "contract_no": registry.contracts["account_no"].size, "sleeve_no": registry.sleeves["contract_no"].size,
        "target_sleeve_no": registry.sleeves["contract_no"].size, "model_no": door.rules.weights.shape[0],
        "instrument_no": door.rules.weights.shape[1],
    }
    for name, size in sizes.items():
        if not 0 <= event[name] < size:
            raise Refused(f"{name} {event[name]} is not registered", "register it first, or name the right one")
    owner = int(registry.sleeves["contract_no"][event["sleeve_no"]])
    if event["sleeve_no"] and event["contract_no"] not in (0, owner):
        names = [door.rules.name(kind, number) for kind, number in (("sleeve", event["sleeve_no"]), ("contract", owner))]
        cause = f"{names[0]} belongs to {names[1]}, not to {door.rules.name('contract', event['contract_no'])}"
        raise Refused(cause, "name its own contract")


def _open_door(books: Books, rules: Rules, events: Frame, flows: Flows, journal: Journal, alerts: Alerts) -> Door:
    """Make room for the sleeves and contracts that may open today: rows that are not open yet."""
    registry = rules.registry
    kinds = events["kind_code"]
    wanted = np.unique(events["sleeve_no"][kinds == EVENT_KINDS.index("sleeve_opened")])
    wanted = wanted[(wanted > 0) & (wanted < registry.sleeves["contract_no"].size)]
    wanted = wanted[~np.isin(wanted, books.sleeves["sleeve_no"]) & ~np.isin(wanted, books.ended["sleeve_no"])]
    room = empty("sleeves", wanted.size)
    room["sleeve_no"][:] = wanted
    for name in ("contract_no", "account_no", "program_no", "model_no"):
        room[name][:] = registry.sleeves[name][wanted]
    room["status_code"][:], room["twr_index"][:] = NOT_OPEN, INDEX_START
    contracts = np.unique(events["contract_no"][kinds == EVENT_KINDS.index("contract_opened")])
    contracts = contracts[(contracts > 0) & (contracts < registry.contracts["account_no"].size)]
    ended = books.ended["contract_no"][books.ended["sleeve_no"] == 0]
    contracts = contracts[~np.isin(contracts, books.contracts["contract_no"]) & ~np.isin(contracts, ended)]
    more = empty("contracts", contracts.size)
    more["contract_no"][:], more["status_code"][:] = contracts, NOT_OPEN
    for name in ("account_no", "program_no"):
        more[name][:] = registry.contracts[name][contracts]
    sleeves = stack(books.sleeves, room)
    row_of = np.full(int(sleeves["sleeve_no"].max(initial=0)) + 1, -1, np.int64)
    row_of[sleeves["sleeve_no"]] = np.arange(length(sleeves))
    offsets = np.append(books.offsets, np.full(wanted.size, books.offsets[-1]))
    books = replace(books, sleeves=sleeves, contracts=stack(books.contracts, more), row_of_sleeve=row_of, offsets=offsets)
    rows = length(sleeves)
    money_in = np.zeros(rows, np.int64)
    return Door(books, rules, flows, journal, alerts, money_in, np.zeros(rows, bool), order_offsets(books), wanted.size > 0)


def _shut_door(door: Door) -> Books:
    books = door.books
    opened = books.sleeves["status_code"] != NOT_OPEN
    sleeves = sort(take(books.sleeves, opened), "account_no", "contract_no", "sleeve_no")
    kept = books.contracts["status_code"] != NOT_OPEN
    contracts = sort(take(books.contracts, kept), "account_no", "contract_no")
    if not door.reshape:
        return replace(books, sleeves=sleeves, contracts=contracts, offsets=books.offsets[: length(sleeves) + 1])
    books = replace(books, sleeves=sleeves, contracts=contracts)
    positions = books.positions
    row_of = index_books(replace(books, positions=empty("positions"))).row_of_sleeve
    order = np.lexsort((positions["instrument_no"], row_of[positions["sleeve_no"]]))
    return index_books(replace(books, positions=take(positions, order)))


def _contract_opened(door: Door, event: dict) -> None:
    contracts = door.books.contracts
    at = np.flatnonzero(contracts["contract_no"] == event["contract_no"])
    if at.size == 0 or contracts["status_code"][at[0]] != NOT_OPEN:
        cause = f"{door.rules.name('contract', event['contract_no'])} is unknown or was opened before"
        raise Refused(cause, "register the contract, then open it once")
    contracts["status_code"][at[0]] = OPEN
    contracts["opened_date"][at[0]] = contracts["period_start_date"][at[0]] = door.books.day


def _sleeve_opened(door: Door, event: dict) -> None:
    sleeves, contracts = door.books.sleeves, door.books.contracts
    row_of, number = door.books.row_of_sleeve, event["sleeve_no"]
    row = int(row_of[number]) if 0 < number < row_of.size else -1
    if row < 0 or sleeves["status_code"][row] != NOT_OPEN:
        cause = f"{door.rules.name('sleeve', number)} is unknown or was opened before"
        raise Refused(cause, "register the sleeve, then open it once")
    contract = contracts["contract_no"] == sleeves["contract_no"][row]
    if not (contracts["status_code"][contract] == OPEN).any():
        raise Refused(f"{door.rules.name('contract', int(sleeves['contract_no'][row]))} is not open", "open the contract first")
    sleeves["status_code"][row], sleeves["opened_date"][row] = OPEN, door.books.day
    door.reshape = True


def _money_in(door: Door, event: dict, flow_kind: int, least: str) -> None:
    row = door.open_row(event["sleeve_no"])
    amount, least_yen = event["amount_yen"], door.rule(row, least)
    if amount <= 0 or amount < least_yen:
        cause = f"{amount:,} yen is below the program's {least} of {least_yen:,}"
        raise Refused(cause, "return the money and ask for a larger amount")
    _book_money(door, row, event, flow_kind)


def _book_money(door: Door, row: int, event: dict, flow_kind: int) -> None:
    """Put the yen of an event into a sleeve's cash."""
    sleeves, amount = door.books.sleeves, event["amount_yen"]
    sleeves["cash_yen"][row] += amount
    door.money_in[row] += amount
    account, sleeve = int(sleeves["account_no"][row]), event["sleeve_no"]
    door.flows.add(account, sleeve, flow_kind, amount, event["event_no"])
    origin = LEDGERS.index(FLOW_KINDS[flow_kind])
    door.journal.post(BY_EVENT, account, sleeve, event["event_no"], [(CASH, YEN, amount), (origin, YEN, -amount)])


def _deposit(door: Door, event: dict) -> None:
    _money_in(door, event, DEPOSIT, "minimum_deposit_yen")


def _fee_deposit(door: Door, event: dict) -> None:
    """Money from the customer's own account for a fee: it comes in as a deposit and pays the due of today."""
    row, amount = door.row(event["sleeve_no"]), event["amount_yen"]
    if amount <= 0:
        raise Refused(f"{amount:,} yen is no amount", "give the yen that came in")
    _book_money(door, row, event, DEPOSIT)


def _instalment(door: Door, event: dict) -> None:
    _money_in(door, door.debits.comes_in(door.books, event), INSTALMENT, "minimum_instalment_yen")


def _out(door: Door, event: dict, kind: int) -> None:
    row = door.open_row(event["sleeve_no"])
    limit, amount = door.rule(row, "withdrawal_limit_ppm"), event["amount_yen"]
    there = available(door.books, row, int(door.money_in[row]))
    if amount <= 0 or amount * PPM > limit * max(there, 0):
        sleeve = door.rules.name("sleeve", event["sleeve_no"])
        cause = f"{amount:,} yen is above {percent(limit)} % of the {there:,} yen available in {sleeve}"
        raise Refused(cause, "close the sleeve instead, or ask for less")
    promised = door.promiser().withdrawal(row, door.rules.day_index)
    door.add_payout(row, event, kind, amount, promised)


def _withdrawal(door: Door, event: dict) -> None:
    if not event["sleeve_no"]:  # of a contract or a customer, and not shared over sleeves
        raise Refused(f"{event['amount_yen']:,} yen is above what all sleeves can pay", "terminate the contract, or ask for less")
    _out(door, event | {"target_sleeve_no": 0}, P_WITHDRAWAL)


def _check_target(door: Door, event: dict) -> None:
    target, account_of = event["target_sleeve_no"], door.rules.registry.sleeves["account_no"]
    account = door.books.sleeves["account_no"][door.row(event["sleeve_no"])]
    if target == event["sleeve_no"] or not 0 < target < account_of.size or account_of[target] != account:
        raise Refused("the target is not another sleeve of the same account", "name another open sleeve of the account")
    door.open_row(target)


def _transfer(door: Door, event: dict) -> None:
    _check_target(door, event)
    _out(door, event, P_TRANSFER)


def _strategy_changed(door: Door, event: dict) -> None:
    row, model = door.open_row(event["sleeve_no"]), event["model_no"]
    sleeves, offered = door.books.sleeves, door.rules.offered
    if not (0 < model < offered.shape[1]) or not offered[sleeves["program_no"][row], model]:
        names = door.rules.name("model", model), door.rules.name("sleeve", event["sleeve_no"])
        raise Refused(f"{names[0]} is not on offer in the program of {names[1]}", "choose a model on offer")
    if not door.rules.weights[model].any():
        raise Refused(f"{door.rules.name('model', model)} has no approved version in force", "approve a version first")
    sleeves["model_no"][row] = model
    door.strategy_changed[row] = True
    door.reshape = True


def _sleeve_closed(door: Door, event: dict) -> None:
    row = door.open_row(event["sleeve_no"])
    if event["target_sleeve_no"]:
        _check_target(door, event)
    sleeves = door.books.sleeves
    others = (sleeves["contract_no"] == sleeves["contract_no"][row]) & (sleeves["status_code"] == OPEN)
    if others.sum() < 2:
        sleeve = door.rules.name("sleeve", event["sleeve_no"])
        raise Refused(f"{sleeve} is the last open one of its contract", "terminate the contract instead")
    sleeves["status_code"][row] = CLOSING
    door.add_payout(row, event, P_SLEEVE_CLOSE, 0, door.promiser().closing(row, door.rules.day_index))


def _terminated(door: Door, event: dict) -> None:
    contracts, sleeves = door.books.contracts, door.books.sleeves
    at = np.flatnonzero(contracts["contract_no"] == event["contract_no"])
    if at.size == 0 or contracts["status_code"][at[0]] != OPEN:
        raise Refused(f"{door.rules.name('contract', event['contract_no'])} is not open or ends already", "name an open contract")
    payouts = door.books.payouts
    own = (payouts["contract_no"] == event["contract_no"]) & (payouts["kind_code"] == P_SLEEVE_CLOSE)
    own &= payouts["pay_date"] != door.books.day
    leaving = payouts["sleeve_no"][(payouts["kind_code"] == P_SLEEVE_CLOSE) & ~own]
    rows = np.flatnonzero((sleeves["contract_no"] == event["contract_no"]) & (sleeves["status_code"] <= CLOSING))
    rows = rows[~np.isin(sleeves["sleeve_no"][rows], leaving)]
    contracts["status_code"][at[0]] = CLOSING if rows.size else NOT_OPEN
    if rows.size == 0:
        ended = frame("ended", [(int(contracts["account_no"][at[0]]), event["contract_no"], 0, door.books.day)])
        door.books = replace(door.books, ended=stack(door.books.ended, ended))
        return
    sleeves["status_code"][rows] = CLOSING
    door.books = replace(door.books, payouts=take(payouts, ~own))
    promiser = door.promiser()
    promised = max(promiser.closing(int(row), door.rules.day_index) for row in rows)
    for row in rows:
        door.add_payout(int(row), event | {"target_sleeve_no": 0}, P_TERMINATION, 0, promised)


def _correction(door: Door, event: dict) -> None:
    row = door.row(event["sleeve_no"])
    if not event["note_count"]:
        raise Refused("a correction without a note", "say in `note` why the books differ")
    payouts = door.books.payouts
    if ((payouts["sleeve_no"] == event["sleeve_no"]) & (payouts["pay_date"] == door.books.day)).any():
        raise Refused("the sleeve is paid out and closed today", "correct the books of another sleeve of the account")
    amount = event["amount_yen"]
    if bool(amount) == bool(event["units"]):
        raise Refused("not one of yen and units is given", "give an amount, or an instrument and units")
    if event["units"]:
        _correct_units(door, event, row)
        return
    sleeves = door.books.sleeves
    offsets = door.order_offsets
    sure = int(payable_now(np.array([row]), sleeves["cash_yen"], offsets, door.books.orders, door.books.day)[0])
    if sure + amount < 0:
        cause = f"a correction of {amount:,} yen meets {sure:,} yen of cash that is not spoken for"
        raise Refused(cause, "sell first, or correct less")
    sleeves["cash_yen"][row] += amount
    account, sleeve = int(sleeves["account_no"][row]), event["sleeve_no"]
    door.flows.add(account, sleeve, CORRECTION, amount, event["event_no"])
    door.journal.post(BY_EVENT, account, sleeve, event["event_no"], [(CASH, YEN, amount), (CORRECTION_LEDGER, YEN, -amount)])


def _correct_units(door: Door, event: dict, row: int) -> None:
    """Book a difference of units: a reduction takes its share of cost in both books; an addition comes without cost."""
    books, instrument, units = door.books, event["instrument_no"], event["units"]
    if not 0 < instrument < door.rules.instruments["lot_units"].size:
        raise Refused(f"instrument {instrument} is unknown", "name a registered instrument")
    account = int(books.sleeves["account_no"][row])
    at = np.flatnonzero((books.positions["sleeve_no"] == event["sleeve_no"]) & (books.positions["instrument_no"] == instrument))
    live = (books.orders["sleeve_no"] == event["sleeve_no"]) & (books.orders["instrument_no"] == instrument)
    selling = int(books.orders["asked_units"][live & (books.orders["status_code"] == 0) & (books.orders["side_code"] == 0)].sum())
    held = int(books.positions["held_units"][at].sum())
    if held - selling + units < 0:
        raise Refused(f"a correction of {units:,} units meets {held - selling:,} units free to move", "correct less")
    if at.size == 0:
        line = empty("positions", 1)
        line["sleeve_no"][0], line["instrument_no"][0] = event["sleeve_no"], instrument
        books = add_position(books, line, account)
        at = np.flatnonzero((books.positions["sleeve_no"] == event["sleeve_no"]) & (books.positions["instrument_no"] == instrument))
        door.books, door.reshape = books, True
    place = account_place(books.account_positions, np.array([account]), np.array([instrument]))[0]
    positions, accounts = books.positions, books.account_positions
    if units < 0:
        positions["cost_yen"][at] -= mul_div_floor(positions["cost_yen"][at[0]], -units, max(held, 1))
        base = int(door.rules.instruments["price_base_units"][instrument])
        unit_cost = mul_div_ceil(accounts["tax_cost_yen"][place], base, max(int(accounts["held_units"][place]), 1))
        accounts["tax_cost_yen"][place] = mul_div_ceil(unit_cost, accounts["held_units"][place] + units, base)
    positions["held_units"][at] += units
    accounts["held_units"][place] += units
    door.journal.post(BY_EVENT, account, event["sleeve_no"], event["event_no"],
                      [(UNITS, instrument, units), (CORRECTION_LEDGER, instrument, -units)])


def kind_code(kind: str) -> int:
    """Return the code of a kind of event; 0 for one that nobody knows, which the door refuses."""
    return EVENT_KINDS.index(kind) if kind in EVENT_KINDS else 0


def _unknown(door: Door, event: dict) -> None:
    raise Refused("the kind of this event is unknown", f"use one of {', '.join(EVENT_KINDS[1:])}")


def _debit_failed(door: Door, event: dict) -> None:
    door.alerts.add("debit_failed", "sleeve", event["sleeve_no"], *door.debits.failure(event))


def _instalment_skipped(door: Door, event: dict) -> None:
    row = door.open_row(event["sleeve_no"])
    door.debits.skip(int(door.books.sleeves["account_no"][row]), event["sleeve_no"], door.rules.name("sleeve", event["sleeve_no"]))


def _fee_corrected(door: Door, event: dict) -> None:
    """Charge a contract, or give back, what its past fees were wrong by (報酬の訂正)."""
    yen = corrected_yen(door.books, door.rules, event, event["event_no"] in door.fee_events, door.alerts)
    door.fee_corrections[event["contract_no"]] = door.fee_corrections.get(event["contract_no"], 0) + yen


HANDLERS = {
    "contract_opened": _contract_opened, "sleeve_opened": _sleeve_opened, "deposit": _deposit, "instalment": _instalment,
    "withdrawal": _withdrawal, "transfer": _transfer, "strategy_changed": _strategy_changed, "sleeve_closed": _sleeve_closed,
    "terminated": _terminated, "correction": _correction, "debit_failed": _debit_failed, "fee_deposit": _fee_deposit,
    "fee_corrected": _fee_corrected, "instalment_skipped": _instalment_skipped,
}
