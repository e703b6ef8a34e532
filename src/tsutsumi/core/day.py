"""close(): yesterday's books + today's market, events and fills + the rules in force → today's books and what happened.

The one file that knows the order of the steps (docs/close.md §3). It is a function: no clock, no chance, no files.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from tsutsumi.core import orders as deciding
from tsutsumi.core.accrual import charge, daily_base
from tsutsumi.core.alerts import Alert, Alerts
from tsutsumi.core.allocation import FILL_COLUMNS, fill_of, fill_orders, form_blocks, unit_value
from tsutsumi.core.books import (
    Books,
    add_layout,
    book_fills,
    copy_books,
    distribute,
    drop_sleeves,
    insert_orders,
    order_offsets,
    settle,
    split_units,
)
from tsutsumi.core.drawings import create_drawings, reserve_for_drawings
from tsutsumi.core.events import book_events
from tsutsumi.core.flows import DISTRIBUTION, Flows, external_flow
from tsutsumi.core.journal import (
    BY_DISTRIBUTION,
    BY_ORDER,
    BY_SETTLEMENT,
    BY_SPLIT,
    CASH,
    PAYABLE,
    RECEIVABLE,
    SPLIT,
    TRADES,
    UNITS,
    YEN,
    Journal,
)
from tsutsumi.core.journal import DISTRIBUTION as DISTRIBUTION_LEDGER
from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED, PURCHASE, SALE
from tsutsumi.core.market import FRESH, HOLIDAY, MarketDay
from tsutsumi.core.payouts import hold_closings, open_needs, pay, ready_to_close, reissue
from tsutsumi.core.performance import chain_index
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, check, empty, length, stack, take
from tsutsumi.core.units import PPM
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
    payouts: Frame
    alerts: list[Alert]
    processed: set[int]
    reshaped: bool


def close(before: Books, rules: Rules, inputs: Inputs) -> Closed:
    """Return the books and the facts of a business day (日次締め).

    Same inputs, same bytes. Partitions are subsets of accounts: the result of the whole is the results of the parts.
    """
    evening = _Evening(copy_books(before, rules.day), before, rules, inputs)
    evening.settle()
    evening.distribute_and_split()
    evening.fill()
    evening.book_events()
    evening.pay()
    evening.shape()
    look = evening.value()
    evening.charge()
    evening.decide(look)
    return evening.finish()


class _Evening:
    """The books of one evening on their way through the steps."""

    def __init__(self, books: Books, before: Books, rules: Rules, inputs: Inputs) -> None:
        self.books, self.before, self.rules, self.inputs = books, before, rules, inputs
        self.flows, self.journal, self.alerts = Flows(), Journal(), Alerts()
        self.changed_orders: list[Frame] = []
        self.changed_payouts: list[Frame] = []
        self.fees, self.fee_shares, self.processed = [], [], set()
        self.reasons: dict[int, int] = {}
        self.waited: set[int] = set()
        self.reshape = False

    def settle(self) -> None:
        """Step 1: what settles today."""
        self.books, settled = settle(self.books)
        if length(settled):
            self.changed_orders.append(settled)
            sale = settled["side_code"] == SALE
            cause = _order_cause(settled)
            for part, ledger in ((take(settled, sale), RECEIVABLE), (take(settled, ~sale), PAYABLE)):
                yen = part["filled_yen"] if ledger == RECEIVABLE else -part["filled_yen"]
                self.journal.post(BY_SETTLEMENT, part["account_no"], part["sleeve_no"], cause[sale == (ledger == RECEIVABLE)],
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
            self._cancel_unpriced(instrument)
            rows, change = split_units(self.books, instrument, old, new)
            self.journal.post(BY_SPLIT, sleeves["account_no"][rows], sleeves["sleeve_no"][rows], instrument,
                              [(UNITS, instrument, change), (SPLIT, instrument, -change)])

    def _cancel_unpriced(self, instrument: int) -> None:
        """Cancel the orders of an instrument that splits: what they asked for is of before; tonight decides anew."""
        orders = self.books.orders
        gone = (orders["instrument_no"] == instrument) & (orders["status_code"] == PLACED)
        cancelled = take(orders, gone)
        cancelled["status_code"][:] = CANCELLED
        for sleeve in cancelled["sleeve_no"].tolist():
            self.waited.add(sleeve)
            self.alerts.add("order_cancelled", "sleeve", sleeve, f"instrument {instrument} splits: the order was for units of before",
                            "nothing: tonight decides anew")
        if gone.any():
            self.changed_orders.append(cancelled)
            self.books = replace(self.books, orders=take(orders, ~gone))

    def fill(self) -> None:
        """Step 3: the orders whose price day is today."""
        orders, fills, instruments = self.books.orders, self.inputs.fills, self.rules.instruments
        due = np.flatnonzero((orders["status_code"] == PLACED) & (orders["priced_date"] <= self.books.day))
        fresh = self.inputs.market.status[orders["instrument_no"][due]] == FRESH
        answer = fill_of(orders, due, fills)
        go = fresh & (answer >= 0)
        if not go.all():
            self._wait(due[~go], fresh[~go])
        if not go.any():
            return
        filled, groups, order = fill_orders(
            take(orders, due[go]), fills, answer[go], self.inputs.allocated, instruments, self.books.day
        )
        self._check_fill_prices(fills)
        done = filled["status_code"] == PRICED
        live = filled if done.all() else take(filled, done)
        book_fills(self.books, live, groups, instruments["price_base_units"])
        self._post_fills(live)
        for k in np.flatnonzero(filled["status_code"] == CANCELLED):
            self.alerts.add("order_cancelled", "sleeve", filled["sleeve_no"][k],
                            f"instrument {filled['instrument_no'][k]}: nothing was filled at the limit or of a partial fill",
                            "nothing: the next close decides anew")
        for name in FILL_COLUMNS:
            orders[name][due[go][order]] = filled[name]
        if not done.all():
            self.books = replace(self.books, orders=take(orders, orders["status_code"] != CANCELLED))
        self.changed_orders.append(filled)

    def _wait(self, rows: np.ndarray, fresh: np.ndarray) -> None:
        """Orders without a price or an answer take the instrument's next price day; settlement moves with it."""
        orders, rules = self.books.orders, self.rules
        for k, priced in zip(rows, fresh, strict=True):
            instrument = int(orders["instrument_no"][k])
            nxt = int(rules.timeline.next_instrument_index[instrument, rules.day_index])
            settles = nxt + int(rules.settlement_days[int(orders["side_code"][k]), instrument])
            orders["priced_date"][k], orders["settlement_date"][k] = rules.business_day(nxt), rules.business_day(settles)
            orders["wait_count"][k] += 1
            self.waited.add(int(orders["sleeve_no"][k]))
            if priced:
                self.alerts.add("fill_missing", "sleeve", orders["sleeve_no"][k],
                                f"the custodian did not answer the order in instrument {instrument}", "ask the custodian")
            else:
                self.alerts.add("order_waits", "sleeve", orders["sleeve_no"][k],
                                f"no price of instrument {instrument} on the price day", "nothing: the order takes the next price")
        self.changed_orders.append(take(orders, rows))

    def _check_fill_prices(self, fills: Frame) -> None:
        market, scale = self.inputs.market, self.rules.instruments
        names = ("price", "fx_ppm", "instrument_no", "side_code")
        for price, fx, instrument, side in zip(*(fills[name].tolist() for name in names), strict=True):
            told = unit_value(price, fx, int(scale["price_scale"][instrument]), int(scale["price_base_units"][instrument]))
            ours = (market.sell_num, market.sell_den) if side == SALE else (market.num, market.den)
            if told != (int(ours[0][instrument]), int(ours[1][instrument])):
                self.alerts.add("break", "instrument", instrument, f"the custodian filled at {price} × {fx} ppm, not at our price",
                                "compare the price source with the custodian's")

    def _post_fills(self, filled: Frame) -> None:
        cause, instrument = _order_cause(filled), filled["instrument_no"]
        buy = np.where(filled["side_code"] == PURCHASE, 1, -1)
        units, yen = filled["filled_units"] * buy, filled["filled_yen"] * buy
        ledger = np.where(buy > 0, PAYABLE, RECEIVABLE)
        self.journal.post(BY_ORDER, filled["account_no"], filled["sleeve_no"], cause,
                          [(UNITS, instrument, units), (TRADES, instrument, -units), (ledger, YEN, -yen), (TRADES, YEN, yen)])

    def book_events(self) -> None:
        """Step 4: the day's events, in their order."""
        known = self.books.payouts["event_no"].size
        self.books, marks = book_events(self.books, self.rules, self.inputs.events, self.flows, self.journal, self.alerts)
        self.processed = set(self.inputs.events["event_no"].tolist()) - {0}
        self.reasons = dict.fromkeys(marks["strategy_changed"], deciding.STRATEGY)
        self.reshape = marks["reshape"]
        if self.books.payouts["event_no"].size != known:
            self.changed_payouts.append(take(self.books.payouts, self.books.payouts["requested_date"] == self.books.day))

    def pay(self) -> None:
        """Step 5: payouts, dues and closings whose day has come."""
        self.books, payouts, collected = pay(self.books, self.rules, self.flows, self.journal, self.alerts)
        self.changed_payouts.append(payouts)
        self.fees.append(collected)
        closed = payouts["sleeve_no"][payouts["pay_date"] == self.books.day]
        if closed.size:
            self._drop(closed)

    def _drop(self, closed: np.ndarray) -> None:
        """Take closed sleeves out; what they added to the fee base stays with their contract."""
        books = self.books
        mask = np.isin(books.sleeves["sleeve_no"], closed)
        contract_of = {int(c): k for k, c in enumerate(books.contracts["contract_no"])}
        at = np.array([contract_of[int(c)] for c in books.sleeves["contract_no"][mask]], np.int64)
        gap = books.day - 1 - self.before.day
        np.add.at(books.contracts["closed_base_sum_yen"], at, books.sleeves["base_sum_yen"][mask])
        old = self.before.row_of_sleeve[books.sleeves["sleeve_no"][mask]]
        np.add.at(books.contracts["closed_base_sum_yen"], at, daily_base(self.before, self.rules)[old] * gap)
        books = drop_sleeves(books, mask)
        done = ~np.isin(books.contracts["contract_no"], books.sleeves["contract_no"]) & (books.contracts["status_code"] == 1)
        self.books = replace(books, contracts=take(books.contracts, ~done))
        self.reshape = True

    def shape(self) -> None:
        """Give every sleeve a position row for what its model wants, when sleeves or weights changed."""
        rules = self.rules
        moved = (rules.weights != rules.weights_before).any(axis=1)
        if moved.any():
            sleeves = self.books.sleeves
            for sleeve in sleeves["sleeve_no"][moved[sleeves["model_no"]] & (sleeves["opened_date"] < self.books.day)].tolist():
                self.reasons.setdefault(sleeve, deciding.MODEL)
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
        self._reissue()
        ready = ready_to_close(self.books, self.rules)
        self.changed_payouts.append(hold_closings(self.books, self.rules, ready, self.alerts))
        self.books, charges = charge(self.books, self.before, self.rules, ready)
        self.books.payouts["pay_date"][ready] = self.rules.next_day
        self.changed_payouts.append(take(self.books.payouts, ready))
        self.fees.append(charges.fees)
        self.fee_shares.append(charges.shares)

    def decide(self, look: np.ndarray) -> None:
        """Step 8: drawings, then the orders of every sleeve that needs a decision; promises moved by the market."""
        books, rules = self.books, self.rules
        self.books = books = create_drawings(books, rules, self.alerts)
        sleeves = books.sleeves
        market = self._order_market()
        needs, late, has_payout = open_needs(books)
        reason = np.zeros(look.size, np.int8)
        calendar = rules.rebalance_today[sleeves["program_no"]]
        reason[calendar] = deciding.CALENDAR
        for sleeve, why in self.reasons.items():
            row = books.row_of_sleeve[sleeve]
            if row >= 0:
                reason[row] = why
        self.order_offsets = offsets = order_offsets(books)
        look |= (needs > 0) | (reason > 0) | (sleeves["pending_code"] > 0) | (sleeves["status_code"] > 0) | (np.diff(offsets) > 0)
        rows = np.flatnonzero(look)
        reserve = reserve_for_drawings(books, rules) + _accrued(books, rules)
        found, rebalanced, pending, breach = deciding.decide(
            books, offsets, rules, market, rows, needs[rows], late[rows], has_payout[rows], reserve[rows], reason[rows]
        )
        sleeves["rebalanced_date"][rows], sleeves["pending_code"][rows] = rebalanced, pending
        self._alert_drift(rows, breach)
        self._place(found)

    def _order_market(self) -> dict[str, np.ndarray]:
        """Return per instrument what an order tonight needs to know."""
        rules, market = self.rules, self.inputs.market
        columns, nxt = rules.instruments, rules.day_index + 1
        known = (market.status == FRESH) | (market.status == HOLIDAY)
        can_order = rules.timeline.orderable[:, nxt] & known
        priced = rules.timeline.priced_index[:, nxt]
        pays = rules.timeline.days[np.minimum(priced + rules.settlement_days[PURCHASE], rules.timeline.days.size - 1)]
        quotes = zip(market.price.tolist(), market.fx_ppm.tolist(), columns["order_margin_ppm"].tolist(), strict=True)
        limit = [price * fx * (PPM + margin) // PPM for price, fx, margin in quotes]
        scale = [10 ** int(s) * int(b) * PPM for s, b in zip(columns["price_scale"], columns["price_base_units"], strict=True)]
        stops = ~known & (market.state.priced_date > 0)
        return self.prices | {
            "can_order": can_order, "stops": stops, "unit_mode": columns["amount_mode"] == 0,
            "lot": columns["lot_units"].astype(np.int64), "limit_price": np.array(limit, np.int64), "limit_den": np.array(scale, np.int64), "pays": np.where(can_order, pays, 0),
        }

    def _alert_drift(self, rows: np.ndarray, breach: np.ndarray) -> None:
        sleeves = self.books.sleeves
        for k in np.flatnonzero(breach):
            self.alerts.add("drift", "sleeve", sleeves["sleeve_no"][rows[k]],
                            f"instrument {breach[k]} left its band around model {sleeves['model_no'][rows[k]]}",
                            "nothing: tonight's orders bring it back")

    def _place(self, found: Frame) -> None:
        """Give tonight's orders their dates and put them among the live ones."""
        books, rules = self.books, self.rules
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
        self.new_orders = orders
        self.books = replace(books, orders=insert_orders(books, orders, rows, self.order_offsets))

    def _reissue(self) -> None:
        """Promise anew where market data stopped a sleeve or made its orders wait."""
        books, market = self.books, self.inputs.market
        if length(books.payouts) == 0:
            return
        stops = (market.status != FRESH) & (market.status != HOLIDAY) & (market.state.priced_date > 0)
        waited = np.isin(books.sleeves["sleeve_no"], np.array(sorted(self.waited), np.int64))
        stopped = np.zeros(waited.size, bool)
        if stops.any():
            held = stops[books.positions["instrument_no"]] & (books.positions["held_units"] > 0)
            stopped[books.row_of_sleeve[books.positions["sleeve_no"][held]]] = True
            stopped[books.row_of_sleeve[books.orders["sleeve_no"][stops[books.orders["instrument_no"]]]]] = True
        if stopped.any() or waited.any():
            self.changed_payouts.append(reissue(books, self.rules, stopped, waited, self.alerts))

    def finish(self) -> Closed:
        """Step 10: performance; everything checked before it leaves."""
        books, before = self.books, self.before
        sleeves, flows = books.sleeves, self.flows.frame()
        rows = length(sleeves)
        kept = np.isin(flows["sleeve_no"], sleeves["sleeve_no"])  # a sleeve that closed today is gone
        outside = external_flow(take(flows, kept), books.row_of_sleeve, rows)
        value_before = np.zeros(rows, np.int64)
        known = np.flatnonzero(sleeves["opened_date"] < books.day)
        value_before[known] = before.sleeves["value_yen"][before.row_of_sleeve[sleeves["sleeve_no"][known]]]
        sleeves["twr_index"] = chain_index(sleeves["twr_index"], sleeves["value_yen"], outside, value_before)
        sleeves["net_flow_yen"] += outside
        for table in ("sleeves", "positions", "account_positions", "contracts", "orders", "payouts", "dues", "fees"):
            check(table, getattr(books, table))
        books = replace(books, market=self.inputs.market.state)
        changed = stack(empty("orders"), *self.changed_orders, self.new_orders)
        payouts = stack(empty("payouts"), *self.changed_payouts)
        return Closed(
            books, _last_of(changed, "sleeve_no", "decided_date", "instrument_no"), form_blocks(self.new_orders), flows,
            self.journal.lines(), _last_of(stack(empty("fees"), *self.fees), "contract_no", "component_no", "end_date"),
            stack(empty("fee_shares"), *self.fee_shares),
            _last_of(payouts, "sleeve_no", "event_no", "first_promised_date"), sorted(self.alerts.rows), self.processed,
            self.reshape,
        )


def _order_cause(orders: Frame) -> np.ndarray:
    """Return the number that names an order within its sleeve: the evening it was decided, and its instrument."""
    return orders["decided_date"].astype(np.int64) * 100_001 + orders["instrument_no"]


def _accrued(books: Books, rules: Rules) -> np.ndarray:
    """Return the fee that each sleeve has run up so far, at the rate of the first tier (経過報酬の概算)."""
    rate = rules.top_rate_ppm[books.sleeves["program_no"]]
    return books.sleeves["base_sum_yen"] // (PPM * 365) * rate + books.sleeves["base_sum_yen"] % (PPM * 365) * rate // (PPM * 365)


def _last_of(of: Frame, *key: str) -> Frame:
    """Return the last row of each key, sorted by it: what a row was at the end of the day."""
    rows = length(of)
    if rows == 0:
        return of
    order = np.lexsort([np.arange(rows), *(of[name] for name in reversed(key))])
    last = np.ones(rows, bool)
    same = np.ones(rows - 1, bool)
    for name in key:
        same &= of[name][order][1:] == of[name][order][:-1]
    last[:-1] = ~same
    return take(of, order[last])
