"""One day from its inputs to its tables (一日の実行): gather what came in, close every partition, put the parts together.

Nothing here writes: `close_day.py` saves what this returns, `replay.py` compares it with what was saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tsutsumi.core.alerts import Alert
from tsutsumi.core.allocation import merge_blocks, share_partial_fills
from tsutsumi.core.books import FEE_KEY, Books, add_layout, new_books
from tsutsumi.core.day import Closed, Inputs, close
from tsutsumi.core.delta import KEY_COLUMNS, delta, market_table
from tsutsumi.core.events import kind_code
from tsutsumi.core.flows import DISTRIBUTION
from tsutsumi.core.journal import number_entries
from tsutsumi.core.market import initial_market, market_of_day
from tsutsumi.core.partitions import merge, part_of, part_of_events
from tsutsumi.core.reconciliation import CAUSES as BREAK_CAUSES
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, frame, length, sort, stack, take
from tsutsumi.core.surplus import pass_on
from tsutsumi.core.units import PPM
from tsutsumi.core.withdrawals import share_withdrawals
from tsutsumi.ports import FILL_TYPES, BankDebit, Custodian
from tsutsumi.run.debits import fee_debits, plan_debits
from tsutsumi.run.reference import Reference

ALERT_COLUMNS = ("kind", "subject_kind", "subject_no", "cause", "cure")


@dataclass(frozen=True, eq=False)
class Gathered:
    """What came in for a day (当日の入力): everything that a replay needs, as tables."""

    rules: Rules
    inputs: Inputs
    tables: dict[str, Frame]


@dataclass(frozen=True, eq=False)
class DayResult:
    """A closed day, not yet saved: books, tables of the day, and which events are done."""

    books: Books
    tables: dict[str, Frame]
    processed: set[int]
    alerts: list[Alert]
    orders: Frame
    flows: Frame
    allocated: Frame


def first_books(reference: Reference, day: int) -> Books:
    """Return the empty books of the evening before the first close."""
    return new_books(day - 1, initial_market(reference.instruments))


def custodian_market(rules: Rules, inputs: Inputs, distributions: dict[int, tuple[int, int]]) -> Frame:
    """Return what the custodian must know of the day's market; `ports.MARKET_COLUMNS`."""
    instruments, market, days = rules.instruments, inputs.market, rules.timeline.days
    size = market.status.size
    sells, buys = (days[rules.day_index + rules.settlement_days[side]] for side in (0, 1))
    table = {
        "instrument_no": np.arange(size), "status": market.status, "price": market.price, "fx_ppm": market.fx_ppm,
        "amount_mode": instruments["amount_mode"], "buy_settlement_date": buys, "sell_settlement_date": sells,
        "split_old": np.ones(size, np.int64), "split_new": np.ones(size, np.int64),
        "distribution": np.zeros(size, np.int64), "distribution_per_units": np.ones(size, np.int64),
    }
    table |= {name: instruments[name] for name in ("price_scale", "price_base_units", "levy_ppm", "lot_units")}
    for number, (old, new) in inputs.splits.items():
        table["split_old"][number], table["split_new"][number] = old, new
    for number, (amount, per_units) in distributions.items():
        table["distribution"][number], table["distribution_per_units"][number] = amount, per_units
    return take(table, np.arange(1, size))


def gather(
    reference: Reference, books: Books, day_index: int, events: list[tuple], bank: BankDebit, custodian: Custodian,
    fee_states: Sequence[tuple] = (), customers: Mapping[int, int] | None = None,
) -> Gathered:
    """Return the inputs of a day: market, events with today's debits, and the custodian's fills.

    Parameters
    ----------
    books : of the day closed before;  events : rows of the events frame, by number
    fee_states : rows of `fee_states`: what the events that correct fees go on from
    customers : event_no → customer_no, of the withdrawals that name a customer alone
    """
    rules = reference.rules_on(day_index)
    day = rules.day
    prices, fx = dict(reference.prices.get(day, ())), dict(reference.fx.get(day, ()))
    splits = {number: (old, new) for number, old, new in reference.splits.get(day, ())}
    told = {number: (amount, per_units) for number, amount, per_units in reference.distributions.get(day, ())}
    between = reference.fx_between(books.day if length(books.sleeves) else 0, day)
    market = market_of_day(day, day_index, reference.timeline, reference.instruments, books.market, prices, fx, splits, between)
    said = frame("events", events)
    collected, debits = plan_debits(reference, rules, books, said, bank)
    transfers, collected, moved = pass_on(books, rules, collected)
    debits = stack(debits, moved)
    tiers = reference.order_book.tiers(said, customers or {}, kind_code("withdrawal"), day)
    said = share_withdrawals(books, rules, transfers, said, tiers)
    everything = stack(transfers, said, collected, fee_debits(rules, books, bank))
    inputs = Inputs(market, everything, {}, {}, splits, _yen_distributions(reference, market, told), debits=debits)
    answered = custodian.fills(day, custodian_market(rules, inputs, told))
    fills = {("side_code" if name == "side" else name): column for name, column in answered.items()}
    allocated = share_partial_fills(books.orders, fills, reference.instruments["lot_units"], day)
    states = frame("fee_states", list(fee_states))
    inputs = replace(inputs, fills=fills, allocated=allocated, fee_states=states)
    tables = {"inputs.events": everything, "inputs.fills": fills} | _market_tables(prices, fx, between, splits, told)
    tables |= {"inputs.fee_states": states} if fee_states else {}
    tables |= {"inputs.debits": debits} if length(debits) else {}
    return Gathered(rules, inputs, tables)


def regather(reference: Reference, books: Books, day_index: int, tables: dict[str, Frame]) -> Gathered:
    """Return the inputs of a closed day from its stored tables (再実行の入力): nothing outside is asked."""
    rules = reference.rules_on(day_index)
    pairs = {name: tables.get(f"inputs.{name}", {}) for name in ("prices", "fx", "fx_between", "splits", "distributions")}
    rows = {name: list(zip(*(column.tolist() for column in of.values()), strict=True)) if of else [] for name, of in pairs.items()}
    prices, fx = dict(rows["prices"]), dict(rows["fx"])
    between = {currency: (ppm, date) for currency, ppm, date in rows["fx_between"]}
    splits = {number: (old, new) for number, old, new in rows["splits"]}
    told = {number: (amount, per_units) for number, amount, per_units in rows["distributions"]}
    market = market_of_day(
        rules.day, day_index, reference.timeline, reference.instruments, books.market, prices, fx, splits, between
    )
    events = tables.get("inputs.events", empty("events"))
    none = {("side_code" if name == "side" else name): np.zeros(0, kind) for name, kind in FILL_TYPES.items()}
    fills = tables.get("inputs.fills", none)
    allocated = share_partial_fills(books.orders, fills, reference.instruments["lot_units"], rules.day)
    states, debits = (tables.get(f"inputs.{name}", empty(of)) for name, of in (("fee_states",) * 2, ("debits", "debit_states")))
    inputs = Inputs(market, events, fills, allocated, splits, _yen_distributions(reference, market, told), states, debits)
    kept = {name: of for name, of in tables.items() if name.startswith("inputs.")}
    return Gathered(rules, inputs, kept)


def _market_tables(prices, fx, between, splits, told) -> dict[str, Frame]:
    tables = {
        "inputs.prices": _table(("instrument_no", "price"), sorted(prices.items())),
        "inputs.splits": _table(("instrument_no", "old_units", "new_units"), sorted((n, *v) for n, v in splits.items())),
        "inputs.distributions": _table(("instrument_no", "amount", "per_units"), sorted((n, *v) for n, v in told.items())),
        "inputs.fx": _table(("currency", "fx_ppm"), sorted(fx.items())),
        "inputs.fx_between": _table(("currency", "fx_ppm", "date"), sorted((c, *v) for c, v in between.items())),
    }
    return {name: table for name, table in tables.items() if table}


def _table(names: tuple[str, ...], rows: list[tuple]) -> Frame:
    if not rows:
        return {}
    columns = zip(*rows, strict=True)
    return {
        name: np.array(column, object) if isinstance(column[0], str) else np.array(column, np.int64)
        for name, column in zip(names, columns, strict=True)
    }


def _yen_distributions(reference: Reference, market, told: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Return instrument → (num, den): yen of a distribution = floor(units × num / den)."""
    scale = reference.instruments["price_scale"]
    return {
        number: (amount * int(market.fx_ppm[number]), 10 ** int(scale[number]) * per_units * PPM)
        for number, (amount, per_units) in told.items()
        if amount > 0
    }


def event_accounts(events: Frame, rules: Rules) -> np.ndarray:
    """Return the account of each event by its sleeve or contract; 0 where neither is known."""
    registry = rules.registry
    account = events["account_no"].copy()
    for name, of in (("sleeve_no", registry.sleeves), ("contract_no", registry.contracts)):
        known = (account == 0) & (events[name] > 0) & (events[name] < of["account_no"].size)
        account[known] = of["account_no"][events[name][known]]
    return account


def close_partitions(books: Books, gathered: Gathered, count: int) -> list[Closed]:
    """Return the closes of all partitions, one after the other."""
    inputs, rules = gathered.inputs, gathered.rules
    accounts, states, debits = event_accounts(inputs.events, rules), inputs.fee_states, inputs.debits
    parts = []
    for number in range(count):
        events = part_of_events(inputs.events, accounts, number, count, rules.homes)
        of = replace(inputs, events=events, fee_states=part_of_events(states, states["account_no"], number, count, rules.homes),
                     debits=part_of_events(debits, debits["account_no"], number, count, rules.homes))
        parts.append(close(part_of(books, number, count, rules.homes), rules, of))
    return parts


def _laid_out(parts: list[Closed], rules: Rules) -> list[Books]:
    """Return the books of all parts, in the layout of the day: made anew in every part if it was in one (保有行の配置)."""
    if not any(part.reshaped for part in parts):
        return [part.books for part in parts]
    return [part.books if part.reshaped else add_layout(part.books, rules.weights) for part in parts]


def _alerts_of(parts: list[Closed]) -> list[Alert]:
    """Return the alerts of all parts; what is said of an instrument is said once, however many parts hold it."""
    found = [alert for part in parts for alert in part.alerts]
    of_instruments = {alert for alert in found if alert.subject_kind == "instrument"}
    return [alert for alert in found if alert.subject_kind != "instrument"] + list(of_instruments)


def run_day(books: Books, gathered: Gathered, breaks: Frame, count: int = 1) -> DayResult:
    """Close a day over `count` partitions and return its books and tables: the same for any count.

    Parameters
    ----------
    books : of the day before, in canonical order;  breaks : of the reconciliation of the day before
    """
    parts = close_partitions(books, gathered, count)
    after = merge(_laid_out(parts, gathered.rules))
    market = gathered.inputs.market
    alerts = [Alert(row["kind"], row["subject_kind"], row["subject_no"], row["cause"], row["cure"]) for row in market.alerts]
    alerts = sorted(alerts + _break_alerts(breaks, books, gathered.rules) + _alerts_of(parts))
    orders = _joined([part.orders for part in parts], "sleeve_no", "decided_date", "instrument_no")
    by = ("account_no", "sleeve_no", "kind_code", "event_no", "instrument_no", "amount_yen")
    flows = _joined([part.flows for part in parts], *by)
    tables = delta(books, after, orders) | market_table(market.state) | gathered.tables
    tables |= {
        "orders": orders, "flows": flows, "blocks": merge_blocks([part.blocks for part in parts]),
        "journal": number_entries(stack(empty("journal"), *(part.journal for part in parts))),
        "fees": _joined([part.fees for part in parts], *FEE_KEY),
        "fee_shares": _joined([part.fee_shares for part in parts], *FEE_KEY, "company_no"),
        "payouts": _joined([part.payouts for part in parts], *KEY_COLUMNS["payouts"]),
        "goals": _joined([part.goals for part in parts], "goal_no"),
        "advice": _joined([part.advice for part in parts], "goal_no", "rank_no"),
        "prices": frame("prices", market.price_rows), "breaks": breaks, "alerts": alert_table(alerts),
    }
    tables["crystallisations"] = _crystallised([part.crystallisations for part in parts if part.crystallisations])
    processed = set().union(*(part.processed for part in parts))
    tables = {name: table for name, table in tables.items() if table and length(table)}
    return DayResult(after, tables, processed, alerts, orders, flows, gathered.inputs.allocated)


def _joined(parts: list[Frame], *names: str) -> Frame:
    return sort(stack(*parts), *names)


def _crystallised(parts: list[Frame]) -> Frame:
    """Return the crystallisation tables of all parts as one, by contract, sleeve and component."""
    if not parts:
        return {}
    whole = stack(*parts)
    return take(whole, np.lexsort([whole[name] for name in ("component_no", "sleeve_no", "contract_no")]))


def _break_alerts(breaks: Frame, books: Books, rules: Rules) -> list[Alert]:
    """Return one alert per break with the custodian that was new at the last close (新しい差異); its age is in `breaks`."""
    alerts = []
    for account, instrument, ours, theirs, since, cause in zip(*(breaks[name].tolist() for name in breaks), strict=True):
        if since == books.day:
            what = rules.name("instrument", instrument) if instrument else "cash"
            told = f"{what}: the sleeves have {ours:,}, the custodian {theirs:,}; probable cause: {BREAK_CAUSES[cause]}"
            cure = "find the missing event or fill; book a correction if there is none"
            alerts.append(Alert("break", "account", account, told, cure))
    return alerts


def alert_table(alerts: list[Alert]) -> Frame:
    """Return alerts as a table with text columns."""
    if not alerts:
        return {}
    columns = {name: np.array([getattr(alert, name) for alert in alerts], object) for name in ALERT_COLUMNS}
    columns["subject_no"] = np.array([alert.subject_no for alert in alerts], np.int64)
    return columns


def new_orders(orders: Frame, day: int) -> Frame:
    """Return the orders decided on a day, as the custodian wants them (`ports.ORDER_COLUMNS`)."""
    chosen = take(orders, orders["decided_date"] == day)
    names = (
        "sleeve_no", "account_no", "custodian_no", "instrument_no", "placed_date", "priced_date", "settlement_date", "asked_yen",
        "asked_units", "limit_price",
    )
    return {name: chosen[name] for name in names} | {"side": chosen["side_code"]}


def told_flows(flows: Frame) -> Frame:
    """Return the flows that the custodian must be told (`ports.FLOW_COLUMNS`): all but distributions."""
    told = take(flows, flows["kind_code"] != DISTRIBUTION)
    return {"account_no": told["account_no"], "amount_yen": told["amount_yen"], "kind": told["kind_code"]}


def told_allocations(allocated: Frame) -> Frame:
    """Return the shares of partial fills by account (`ports.ALLOCATION_COLUMNS`)."""
    allocated = take(allocated, allocated["units"] > 0)  # of a block that lapsed, nothing is shared
    if length(allocated) == 0:
        return {}
    names = ("account_no", "instrument_no", "side_code", "placed_date")
    rows = sort(allocated, *names)
    change = np.ones(length(rows), bool)
    change[1:] = np.any([rows[name][1:] != rows[name][:-1] for name in names], axis=0)
    starts = np.flatnonzero(change)
    told = {name: rows[name][starts] for name in names} | {"units": np.add.reduceat(rows["units"], starts)}
    told["side"] = told.pop("side_code")
    return told
