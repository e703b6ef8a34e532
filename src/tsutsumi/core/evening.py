"""The books of one evening on their way through the steps (一夜の帳簿): what each step changed, gathered for the day."""

from dataclasses import dataclass, field, replace

import numpy as np

from tsutsumi.core.accrual import carry_closed
from tsutsumi.core.alerts import Alert, Alerts
from tsutsumi.core.allocation import form_blocks
from tsutsumi.core.books import (
    FEE_KEY,
    STATE_TABLES,
    Books,
    add_layout,
    copy_books,
    distribute,
    drop_sleeves,
    goals_of,
    settle,
    split_units,
)
from tsutsumi.core.charging import charge
from tsutsumi.core.delta import KEY_COLUMNS
from tsutsumi.core.dues import fee_shares
from tsutsumi.core.events import book_events
from tsutsumi.core.fee_days import drop_days
from tsutsumi.core.fee_states import money_for_fees, with_last_values
from tsutsumi.core.flows import DISTRIBUTION, Flows, external_flow
from tsutsumi.core.goal_advice import advise
from tsutsumi.core.goal_status import behind_cause, tell_goals, tell_unsuitable
from tsutsumi.core.journal import BY_DISTRIBUTION, BY_SETTLEMENT, BY_SPLIT, CASH, PAYABLE, RECEIVABLE, SPLIT, UNITS, YEN, Journal
from tsutsumi.core.journal import DISTRIBUTION as DISTRIBUTION_LEDGER
from tsutsumi.core.ladder import CANCELLED, PLACED, SALE
from tsutsumi.core.market import FRESH, HOLIDAY, MarketDay
from tsutsumi.core.orders import MODEL, STRATEGY
from tsutsumi.core.payouts import hold_closings, pay, ready_to_close, reissue
from tsutsumi.core.performance import chain_index
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, check, empty, length, stack, take
from tsutsumi.core.sorting import sorted_order
from tsutsumi.core.valuation import most_units, value_sleeves


@dataclass(frozen=True, eq=False)
class Inputs:
    """What came in for a day (当日の入力): the market's verdict, events, fills of the custodian, shares of partial fills."""

    market: MarketDay
    events: Frame
    fills: Frame
    allocated: Frame
    splits: dict[int, tuple[int, int]] = field(default_factory=dict)
    distributions: dict[int, tuple[int, int]] = field(default_factory=dict)
    fee_states: Frame = field(default_factory=lambda: empty("fee_states"))
    debits: Frame = field(default_factory=lambda: empty("debit_states"))


@dataclass(frozen=True, eq=False)
class Closed:
    """The result of a close (締めの結果): the books, and the facts of the day."""

    books: Books
    orders: Frame
    blocks: Frame
    flows: Frame
    journal: Frame
    fees: Frame
    fee_shares: Frame
    crystallisations: Frame
    payouts: Frame
    goals: Frame
    advice: Frame
    alerts: list[Alert]
    processed: set[int]
    reshaped: bool


class Evening:
    """One evening: the books so far, and what happened in it. `day.py` calls the steps in their order."""

    def __init__(self, before: Books, rules: Rules, inputs: Inputs) -> None:
        self.books, self.before, self.rules, self.inputs = copy_books(before, rules.day), before, rules, inputs
        self.flows, self.journal, self.alerts = Flows(), Journal(), Alerts()
        self.changed_orders: list[Frame] = []
        self.changed_payouts: list[Frame] = []
        self.new_orders = empty("orders")
        self.fees, self.fee_shares, self.processed = [], [], set()
        self.reasons: dict[int, int] = {}
        self.waited: set[int] = set()
        self.carried: dict[int, int] = {}
        self.fee_corrections: dict[int, int] = {}
        self.fee_before, self.fee_money = before, empty("flows")  # what only the fees see: values of the last close, flows
        self.breaches = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.reshape = False

    def settle(self) -> None:
        """Step 1: what settles today."""
        self.books, settled = settle(self.books)
        if length(settled):
            self.changed_orders.append(settled)
            sale, cause = settled["side_code"] == SALE, order_cause(settled)
            yen, ledger = np.where(sale, settled["filled_yen"], -settled["filled_yen"]), np.where(sale, RECEIVABLE, PAYABLE)
            self.journal.post(BY_SETTLEMENT, settled["account_no"], settled["sleeve_no"], cause,
                              [(CASH, YEN, yen), (ledger, YEN, -yen)])

    def distribute_and_split(self) -> None:
        """Step 2: distributions, then splits, on the units held at the end of the day before."""
        sleeves = self.books.sleeves
        for instrument, (num, den) in sorted(self.inputs.distributions.items()):
            rows, yen = distribute(self.books, instrument, num, den)
            account, sleeve = sleeves["account_no"][rows], sleeves["sleeve_no"][rows]
            self.flows.add_columns(account, sleeve, DISTRIBUTION, yen, instrument)
            self.journal.post(BY_DISTRIBUTION, account, sleeve, instrument, [(CASH, YEN, yen), (DISTRIBUTION_LEDGER, YEN, -yen)])
        for instrument, (old, new) in sorted(self.inputs.splits.items()):
            self.cancel_unpriced(instrument)
            rows, change = split_units(self.books, instrument, old, new)
            self.journal.post(BY_SPLIT, sleeves["account_no"][rows], sleeves["sleeve_no"][rows], instrument,
                              [(UNITS, instrument, change), (SPLIT, instrument, -change)])

    def cancel_unpriced(self, instrument: int) -> None:
        """Cancel the orders of an instrument that splits: what they asked for is of before; tonight decides anew."""
        orders = self.books.orders
        gone = (orders["instrument_no"] == instrument) & (orders["status_code"] == PLACED)
        cancelled = take(orders, gone)
        cancelled["status_code"][:] = CANCELLED
        for sleeve in cancelled["sleeve_no"].tolist():
            self.waited.add(sleeve)
            cause = f"{self.rules.name('instrument', instrument)} splits: the order was for units of before"
            self.alerts.add("order_cancelled", "sleeve", sleeve, cause, "nothing: tonight decides anew")
        if gone.any():
            self.changed_orders.append(cancelled)
            self.books = replace(self.books, orders=take(orders, ~gone))

    def book_events(self) -> None:
        """Step 4: the day's events, in their order."""
        known = self.books.payouts["event_no"].size
        told, states, debits = self.inputs.events, self.inputs.fee_states, self.inputs.debits
        self.books, marks = book_events(self.books, self.rules, told, self.flows, self.journal, self.alerts, states, debits)
        self.processed = {number for number in self.inputs.events["event_no"].tolist() if number > 0}
        self.reasons = dict.fromkeys(marks["strategy_changed"], STRATEGY)
        self.reshape, self.fee_corrections = marks["reshape"], marks["fee_corrections"]
        states = marks["fee_states"]
        self.fee_before, self.fee_money = with_last_values(self.before, states), money_for_fees(states)
        if self.books.payouts["event_no"].size != known:
            self.changed_payouts.append(take(self.books.payouts, self.books.payouts["requested_date"] == self.books.day))

    def pay(self) -> None:
        """Step 5: payouts, dues and closings whose day has come."""
        asked = dict(zip(_fee_keys(self.books.fees), self.books.fees["fee_yen"].tolist(), strict=True))
        self.books, payouts, collected = pay(self.books, self.rules, self.flows, self.journal, self.alerts)
        for k, key in enumerate(_fee_keys(collected)):
            if collected["fee_yen"][k] != asked[key]:  # cut to the cash of a closing: the parties' shares follow
                self.fee_shares.append(fee_shares(take(collected, np.array([k])), self.rules))
        self.changed_payouts.append(payouts)
        self.fees.append(collected)
        closed = payouts["sleeve_no"][payouts["pay_date"] == self.books.day]
        if closed.size:
            self._drop(closed)

    def _drop(self, closed: np.ndarray) -> None:
        """Take closed sleeves out; what they added to the fee base stays with their contract."""
        books = self.books
        mask = np.isin(books.sleeves["sleeve_no"], closed)
        self.carried = carry_closed(books, self.fee_before, self.rules, mask)
        gone = take(books.sleeves, mask)
        books = drop_sleeves(books, mask)
        done = ~np.isin(books.contracts["contract_no"], books.sleeves["contract_no"]) & (books.contracts["status_code"] == 1)
        parts = [books.ended]
        for part, sleeve_no in ((gone, gone["sleeve_no"]), (take(books.contracts, done), 0)):
            rows = empty("ended", length(part))
            rows["account_no"][:], rows["contract_no"][:] = part["account_no"], part["contract_no"]
            rows["sleeve_no"][:], rows["closed_date"][:] = sleeve_no, books.day
            parts.append(rows)
        days = drop_days(books.fee_days, books.contracts["contract_no"][done])
        self.books = replace(books, contracts=take(books.contracts, ~done), ended=stack(*parts), fee_days=days)
        self.reshape = True

    def shape(self) -> None:
        """Give every sleeve a position row for what its model wants, when sleeves or weights changed."""
        rules = self.rules
        moved = (rules.weights != rules.weights_before).any(axis=1)
        if moved.any():
            sleeves = self.books.sleeves
            for sleeve in sleeves["sleeve_no"][moved[sleeves["model_no"]] & (sleeves["opened_date"] < self.books.day)].tolist():
                self.reasons.setdefault(sleeve, MODEL)
        self.reshape = self.reshape or bool(moved.any())
        if self.reshape:
            self.books = add_layout(self.books, rules.weights)

    def value(self) -> np.ndarray:
        """Step 6: value every sleeve; returns which sleeves the decision must look at."""
        market = self.inputs.market
        self.prices = {"num": market.num, "den": market.den, "most_units": most_units(market.num)}
        sleeves = self.books.sleeves
        sleeves["positions_yen"], sleeves["value_yen"], look = value_sleeves(
            self.books.offsets, self.books.positions, sleeves, self.prices, self.rules.weights, self.rules.programs
        )
        return look

    def charge(self) -> None:
        """Step 7: accrue and charge fees; contracts that are ready to end are charged to today."""
        stopped = self._stopped()
        waited = np.isin(self.books.sleeves["sleeve_no"], np.array(sorted(self.waited), np.int64))
        if stopped.any() or waited.any():
            self.changed_payouts.append(reissue(self.books, self.rules, stopped, waited, self.alerts))
        ready = ready_to_close(self.books, self.rules)
        self.changed_payouts.append(hold_closings(self.books, self.rules, ready, stopped, self.alerts))
        flows, fee_before = stack(self.flows.frame(), self.fee_money), self.fee_before
        self.books, charges = charge(self.books, fee_before, self.rules, ready, flows, self.carried, self.fee_corrections)
        self.crystallisations = charges.crystallisations
        self.fee_terms, self.contract_of = charges.used, charges.contract_of
        self.books.payouts["pay_date"][ready] = self.rules.next_day
        self.changed_payouts.append(take(self.books.payouts, ready))
        self.fees.append(charges.fees)
        self.fee_shares.append(charges.shares)

    def _stopped(self) -> np.ndarray:
        """Return which sleeves hold, or have on order, an instrument whose price is missing or was refused."""
        books, market = self.books, self.inputs.market
        stops = (market.status != FRESH) & (market.status != HOLIDAY) & (market.state.priced_date > 0)
        stopped = np.zeros(length(books.sleeves), bool)
        if stops.any():
            held = stops[books.positions["instrument_no"]] & (books.positions["held_units"] > 0)
            stopped[books.row_of_sleeve[books.positions["sleeve_no"][held]]] = True
            stopped[books.row_of_sleeve[books.orders["sleeve_no"][stops[books.orders["instrument_no"]]]]] = True
        return stopped

    def finish(self) -> Closed:
        """Step 10: performance; everything checked before it leaves."""
        books, before = self.books, self.before
        sleeves, flows = books.sleeves, self.flows.frame()
        rows = length(sleeves)
        outside = external_flow(flows, books.row_of_sleeve, rows)
        value_before = np.zeros(rows, np.int64)
        known = np.flatnonzero(sleeves["opened_date"] < books.day)
        value_before[known] = before.sleeves["value_yen"][before.row_of_sleeve[sleeves["sleeve_no"][known]]]
        sleeves["twr_index"] = chain_index(sleeves["twr_index"], sleeves["value_yen"], outside, value_before)
        sleeves["net_flow_yen"] += outside
        books, goals, advice = self._tell_goals(replace(books, market=self.inputs.market.state), outside)
        for table in STATE_TABLES:
            check(table, getattr(books, table))
        changed = stack(empty("orders"), *self.changed_orders, self.new_orders)
        payouts = stack(empty("payouts"), *self.changed_payouts)
        return Closed(
            books, _last_of(changed, "sleeve_no", "decided_date", "instrument_no"), form_blocks(self.new_orders), flows,
            self.journal.lines(), _last_of(stack(empty("fees"), *self.fees), *FEE_KEY),
            stack(empty("fee_shares"), *self.fee_shares), self.crystallisations,
            _last_of(payouts, *KEY_COLUMNS["payouts"]), goals, advice, sorted(self.alerts.rows), self.processed, self.reshape,
        )

    def _tell_goals(self, books: Books, outside: np.ndarray) -> tuple[Books, Frame, Frame]:
        """Return the books with tonight's goals, the goals with why they moved, and the advice of the evening."""
        if self.rules.goals is None:
            return replace(books, goals=empty("goals")), empty("goal_facts"), empty("advice")
        facts, worse, wants, want_ppm = tell_goals(books, self.before, self.rules, outside, self.alerts)
        books = replace(books, goals=goals_of(facts))
        advice, said = advise(books, self.rules, np.flatnonzero(wants))
        for k in np.flatnonzero(worse).tolist():
            cure = said.get(int(facts["goal_no"][k]), "nothing that the program offers reaches it: talk with the customer")
            cause = behind_cause(facts, k, int(want_ppm[k]), self.rules)
            self.alerts.add("goal_behind", "sleeve", facts["sleeve_no"][k], cause, cure)
        tell_unsuitable(books, self.before, self.rules, self.alerts)
        return books, facts, advice


def _fee_keys(fees: Frame) -> list[tuple]:
    """Return what each fee row is: contract, sleeve, component, kind and first day."""
    return list(zip(*(fees[name].tolist() for name in FEE_KEY), strict=True))


def order_cause(orders: Frame) -> np.ndarray:
    """Return the number that names an order within its sleeve: the evening it was decided, and its instrument."""
    return orders["decided_date"].astype(np.int64) * 100_001 + orders["instrument_no"]


def _last_of(of: Frame, *key: str) -> Frame:
    """Return the last row of each key, sorted by it: what a row was at the end of the day."""
    rows = length(of)
    if rows == 0:
        return of
    order = sorted_order(*(of[name] for name in key))
    last = np.ones(rows, bool)
    same = np.ones(rows - 1, bool)
    for name in key:
        ordered = of[name][order]
        same &= ordered[1:] == ordered[:-1]
    last[:-1] = ~same
    return take(of, order[last])
