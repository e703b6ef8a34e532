"""Small books and rules for the tests of the core, one dict a row, what is not said is zero; and the evenings of random houses."""

import random
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.days.simulation import event_row
from tests.oracles.random_house import random_house
from tsutsumi.core.books import STATE_TABLES, Books, index_books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.fee_terms import Terms, parse_terms
from tsutsumi.core.market import MarketState
from tsutsumi.core.rules import Registry, Rules
from tsutsumi.core.schema import COLUMNS, Frame, empty, frame
from tsutsumi.core.timeline import build_timeline
from tsutsumi.ports.paper import PaperBank, PaperCustodian
from tsutsumi.run.day_run import DayResult, Gathered, first_books, gather, new_orders, run_day, told_allocations, told_flows
from tsutsumi.run.reference import MARKET_TABLES, REFERENCE_TABLES, Reference

FIRST, LAST = date(2026, 11, 2), date(2027, 4, 30)
FUND, BOND, ETF = 1, 2, 3  # two funds bought by amount, 10,000 units a price; an ETF bought by units in lots of 10
MIXED, ALL_ETF, NONE_APPROVED = 1, 2, 3  # models: 50 % fund, 45 % bond, 5 % cash; the ETF alone; one without weights
TERMS = """name = "small"
rates_of = "day"
[period]
length = "month"
align = "calendar"
timing = "arrears"
[base]
measure = "average"
days = "calendar"
cash = "{cash}"
[year]
days = 365
[rounding]
to = "down"
average = "none"
[tax]
kind = "included"
[[component]]
name = "wrap"
kind = "balance"
tiering = "marginal"
[[component.rates]]
from = 2010-01-01
tiers = [[0, 10000]]
"""


def day(text: str) -> int:
    """A date as the books have it."""
    return epoch_day(date.fromisoformat(text))


def rows(table: str, *given: dict) -> Frame:
    """A frame of a table; a column that a row does not say is zero."""
    names = COLUMNS[table].split()
    unknown = {name for row in given for name in row} - set(names)
    assert not unknown, unknown
    return frame(table, [tuple(row.get(name, 0) for name in names) for row in given])


def columns(of: Frame, *names: str) -> list[tuple]:
    """The rows of some columns, for comparisons."""
    return list(zip(*(of[name].tolist() for name in names), strict=True))


def instruments(**changed) -> Frame:
    plain = {
        "price_scale": [0, 0, 0, 0], "price_base_units": [1, 10_000, 10_000, 1], "lot_units": [1, 1, 1, 10],
        "order_margin_ppm": [0, 0, 0, 50_000], "price_lag_days": [0, 1, 0, 0], "levy_ppm": [0] * 4, "amount_mode": [1, 1, 1, 0],
        "buy_settlement_days": [0, 2, 2, 2], "sell_settlement_days": [0, 3, 2, 2], "daily_move_limit_ppm": [350_000] * 4,
    }
    texts = {"currency": ["JPY"] * 4, "instrument_id": ["JPY", "fund", "bond", "etf"], "calendar_ids": [""] * 4}
    return {name: np.array(values, np.int64) for name, values in (plain | changed).items() if name not in texts} | {
        name: changed.get(name, values) for name, values in texts.items()
    }


def weights(**changed) -> np.ndarray:
    """The weights in force; `weights(m2=[0, 1_000_000, 0, 0])` changes the row of model 2."""
    table = np.zeros((4, 4), np.int32)
    table[MIXED], table[ALL_ETF] = [50_000, 500_000, 450_000, 0], [0, 0, 0, 1_000_000]
    for name, row in changed.items():
        table[int(name[1:])] = row
    return table


@cache
def terms(cash: str = "included") -> Terms:
    """1 % a year, tax included, monthly in arrears on the daily average."""
    return parse_terms(TERMS.format(cash=cash))


def registry(sleeves: int = 6) -> Registry:
    """Sleeves 1, 2 of contract 1 and 3 of contract 2 are of account 1; 4 of contract 3 and 5 of contract 4 of account 2."""
    contract = np.array([0, 1, 1, 2, 3, 4][:sleeves], np.int32)
    account = np.array([0, 1, 1, 2, 2], np.int32)
    size = np.ones(contract.size, np.int32)
    of_sleeves = {"contract_no": contract, "account_no": account[contract], "program_no": size, "model_no": size * MIXED}
    of_contracts = {"account_no": account, "program_no": np.ones(account.size, np.int32)}
    return Registry(of_sleeves, of_contracts, {"custodian_no": np.array([0, 4, 4], np.int32)})


def rules(
    today: str, *, program: dict | None = None, no_order_days=(), drawings=(), shares=None, cash="included", **changed
) -> Rules:
    """The rules in force on a day; `changed` are fields of `Rules`."""
    columns_of = instruments(**changed.pop("instruments", {}))
    timeline = build_timeline(epoch_day(FIRST), epoch_day(LAST), columns_of, {}, set(no_order_days))
    plain = {
        "band_absolute_ppm": 50_000, "band_relative_ppm": 0, "cooldown_days": 20, "minimum_trade_yen": 10_000,
        "minimum_deposit_yen": 100_000, "minimum_instalment_yen": 10_000, "withdrawal_limit_ppm": 900_000,
        "sale_margin_ppm": 50_000, "collection_days": 3, "remainder_company_no": 1, "performance_sleeve": 0,
        "rebalance_fraction_ppm": 1_000_000, "rebalance_stretch_ppm": 0, "lots_nearest": 0,
        "collection_deposit": 0,
    } | (program or {})
    table = changed.pop("weights", weights())
    fields = {
        "instruments": columns_of, "weights": table, "weights_before": table, "rebalance_today": np.zeros(2, bool),
        "programs": {name: np.array([0, value], np.int64) for name, value in plain.items()},
        "offered": np.array([[False] * 4, [False, True, True, True]]), "program_terms": lambda program, on: ("small", terms(cash)),
        "shares": shares or {}, "registry": registry(),
        "drawings": {name: np.array([row[k] for row in drawings], np.int64)
                     for k, name in enumerate(("date", "sleeve_no", "amount_yen", "planned_date"))},
        "settlement_days": np.stack([columns_of["sell_settlement_days"], columns_of["buy_settlement_days"]]),
    } | changed
    return Rules(timeline, timeline.index_of(day(today)), **fields)


def market_state(count: int = 4) -> MarketState:
    zeros = np.zeros(count, np.int64)
    return MarketState(zeros.copy(), zeros.copy(), zeros.astype(np.int32), zeros.copy(), {})


def sleeve(number: int, **said) -> dict:
    """A row of an open sleeve as `registry` knows it."""
    of = registry().sleeves
    plain = {name: int(of[name][number]) for name in ("account_no", "contract_no", "program_no", "model_no")}
    return {"sleeve_no": number, "opened_date": day("2026-11-02"), "twr_index": 10**12, **plain, **said}


def books(today: str, *sleeves: dict, **tables: list[dict]) -> Books:
    """Books of an evening: the sleeves given, their contracts (since 2026-11-02), and the account rows of their positions."""
    owner = {row["sleeve_no"]: row for row in sleeves}
    contracts, totals = {}, {}
    for row in sorted(sleeves, key=lambda row: (row["account_no"], row["contract_no"])):
        contracts[row["contract_no"]] = {"account_no": row["account_no"], "contract_no": row["contract_no"], "program_no": 1,
                                         "opened_date": day("2026-11-02"), "period_start_date": day("2026-12-01"),
                                         "period_end_date": day("2026-12-31"), "period_count": 1}
    for row in tables.get("positions", []):
        key = (owner[row["sleeve_no"]]["account_no"], row["instrument_no"])
        units, cost = totals.get(key, (0, 0))
        totals[key] = (units + row.get("held_units", 0), cost + row.get("cost_yen", 0))
    accounts = [{"account_no": account, "instrument_no": instrument, "held_units": units, "tax_cost_yen": cost}
                for (account, instrument), (units, cost) in sorted(totals.items())]
    given = {"sleeves": list(sleeves), "contracts": list(contracts.values()), "account_positions": accounts} | tables
    for table in ("orders", "payouts", "dues"):
        given[table] = [{"account_no": owner[row["sleeve_no"]]["account_no"]}
                        | ({} if table == "orders" else {"contract_no": owner[row["sleeve_no"]]["contract_no"]}) | row
                        for row in given.get(table, [])]
    frames = {table: rows(table, *given[table]) if given.get(table) else empty(table) for table in STATE_TABLES}
    return index_books(Books(day(today), **frames, market=market_state()))


def event(number: int, kind: str, **said) -> dict:
    """A row of the events frame."""
    return {"event_no": number, "kind_code": EVENT_KINDS.index(kind) if kind in EVENT_KINDS else 0, **said}


@dataclass(frozen=True)
class Night:
    """One evening of a random house: what the close was given and what it gave."""

    before: Books
    gathered: Gathered
    result: DayResult
    reference: Reference
    index: int


def partial_fills(seed: int) -> int:
    """Every second house has a custodian that fills only a part."""
    return 400_000 if seed % 2 else 0


@cache
def nights(seed: int) -> tuple[Night, ...]:
    """Every evening of a random house, closed in one piece."""
    case, found = random_house(random.Random(seed), failing_bank=True), []
    tables = case["tables"]
    reference = Reference({name: tables.get(name, []) for name in REFERENCE_TABLES + MARKET_TABLES}, case["first"], case["through"])
    days = reference.timeline.days
    state, index = first_books(reference, epoch_day(case["first"])), int(np.searchsorted(days, epoch_day(case["first"])))
    waiting = sorted(tables["events"], key=lambda row: row["event_no"])
    with TemporaryDirectory() as folder:
        custodian = PaperCustodian(Path(folder) / "custodian.sqlite", partial_fills(seed))
        while int(days[index]) <= epoch_day(case["through"]):
            today = int(days[index])
            given = [event_row(row, reference) for row in waiting if epoch_day(row["date"]) <= today]
            waiting = [row for row in waiting if epoch_day(row["date"]) > today]
            gathered = gather(reference, state, index, given, PaperBank(failure_ppm=100_000), custodian)
            result = run_day(state, gathered, {})
            told = told_flows(result.flows), told_allocations(result.allocated)
            custodian.receive(today, new_orders(result.orders, today), *told)
            found.append(Night(state, gathered, result, reference, index))
            state, index = result.books, index + 1
        custodian.close()
    return tuple(found)


def same(one: Books, other: Books) -> list[str]:
    """The columns in which two sets of books differ, types and order of rows too; none if they are the same."""
    found = [] if one.day == other.day else ["day"]
    for table in STATE_TABLES:
        left, right = getattr(one, table), getattr(other, table)
        found += [f"{table}: columns"] if list(left) != list(right) else []
        found += [f"{table}.{name}" for name in left
                  if left[name].dtype != right[name].dtype or not np.array_equal(left[name], right[name])]
    found += [name for name in ("offsets", "row_of_sleeve") if not np.array_equal(getattr(one, name), getattr(other, name))]
    return found
