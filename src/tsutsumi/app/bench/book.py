"""The synthetic book (合成帳簿): a house of N contracts in the middle of an ordinary week, the same for the same N.

1.3 sleeves per contract, each with 8 of 40 yen funds and 2 % cash; every tenth account has two contracts; 1 % of the sleeves
hold one fund outside their model. The product closes five days of it, so that orders of every age are under way; on each day
money comes into 2.5 % of the sleeves, 1 % leave their band, 0.4 % are to pay out. The sixth day, a Monday, is what is timed.

What is left out so that set-based SQL can say the same day: unit and lot purchases, cash limits, holidays, stops, closings,
splits, distributions, relative bands, and the end of a fee period.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from tsutsumi.core.allocation import ALL, share_partial_fills
from tsutsumi.core.books import STATE_TABLES, Books, add_layout, index_books, new_books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.day import Inputs, close
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.ladder import PLACED, SALE
from tsutsumi.core.market import MarketDay, initial_market, market_of_day
from tsutsumi.core.partitions import canonical
from tsutsumi.core.performance import INDEX_START
from tsutsumi.core.promises import P_WITHDRAWAL
from tsutsumi.core.rules import Registry, Rules
from tsutsumi.core.schema import Frame, empty, length, stack, take
from tsutsumi.core.units import PPM
from tsutsumi.run.reference import Reference

SEED = 20_260_615
INSTRUMENTS, MODELS, HELD, PROGRAMS = 40, 20, 8, 2
FIRST, OPENED = date(2026, 6, 5), date(2026, 4, 1)  # the evening before the week; the day on which everything was opened
DAYS = 5                                            # closed by the product before the timed day
COOLDOWN = 20
MONEY_IN, BREACHES, PAYOUTS = 25, 10, 4             # per mille of the sleeves and day
TERMS = """name = "bench"
rates_of = "day"
[period]
length = "quarter"
align = "calendar"
timing = "arrears"
[base]
measure = "average"
days = "calendar"
cash = "included"
[year]
days = 365
[rounding]
to = "down"
[tax]
kind = "included"
[[component]]
name = "fee"
kind = "balance"
[[component.rates]]
from = 2020-01-01
tiers = [[0, RATE]]
"""


@dataclass(frozen=True, eq=False)
class Book:
    """A synthetic book on the morning of the timed day (計測日の朝の帳簿).

    Attributes
    ----------
    contracts : int
    before : Books
        As the day before left them.
    arrived : Books
        The same with today's deposits and withdrawals booked: where the compared steps begin.
    rules : Rules
    inputs : Inputs
        Of the timed day; its events are those deposits and withdrawals.
    """

    contracts: int
    before: Books
    arrived: Books
    rules: Rules
    inputs: Inputs


def build_book(contracts: int) -> Book:
    """Return the synthetic book of N contracts (合成帳簿).

    Parameters
    ----------
    contracts : int, at least 10
    """
    random = np.random.default_rng(SEED)
    reference = _reference(random)
    start = reference.timeline.index_of(epoch_day(FIRST))
    registry, nominal = _registry(random, contracts)
    first = replace(reference.rules_on(start), registry=registry)
    market = _market(random, reference, start, initial_market(reference.instruments))
    cohort = random.integers(0, 1000, nominal.size)
    books = _first_books(random, first, market, nominal, cohort)
    for number in range(1, DAYS + 1):
        rules = replace(reference.rules_on(start + number), registry=registry)
        market = _market(random, reference, start + number, books.market)
        books = _arrive(books, rules.day, *_money(nominal, cohort, number - 1))
        books = canonical(close(books, rules, _inputs(rules, market, books, empty("events"))).books)
    rules = replace(reference.rules_on(start + DAYS + 1), registry=registry)
    market = _market(random, reference, start + DAYS + 1, books.market)
    money = _money(nominal, cohort, DAYS)
    arrived = _arrive(books, rules.day, *money)
    return Book(contracts, books, arrived, rules, _inputs(rules, market, books, _events(books, *money)))


# ---- reference data


def _reference(random: np.random.Generator) -> Reference:
    early = date(2020, 1, 1)
    numbers = range(1, INSTRUMENTS + 1)
    models = range(1, MODELS + 1)
    program = {
        "valid_from_date": early, "band_relative_ppm": 0, "cooldown_days": COOLDOWN, "rebalance_months": "",
        "minimum_deposit_yen": 10_000, "minimum_instalment_yen": 5_000, "withdrawal_limit_ppm": 900_000, "sale_margin_ppm": 50_000,
        "collection_days": 3, "remainder_company_no": 1,
    }
    tables = {name: [] for name in (
        "calendar_holidays", "no_order_days", "accounts", "contracts", "sleeves", "plans", "prices", "fx_rates", "distributions",
        "splits",
    )}
    tables |= {
        "instruments": [_instrument(number) for number in numbers],
        "models": [{"model_no": number} for number in models],
        "model_versions": [
            {"model_no": number, "version": 1, "effective_date": early, "approved_by": "bench"} for number in models
        ],
        "model_weights": [row for number in models for row in _weights(random, number)],
        "programs": [{"program_no": number} for number in range(1, PROGRAMS + 1)],
        "program_rules": [
            program | {"program_no": number, "fee_terms_id": f"F{number}", "band_absolute_ppm": 40_000 + 10_000 * number,
                       "minimum_trade_yen": 10_000 * number}
            for number in range(1, PROGRAMS + 1)
        ],
        "program_models": [
            {"program_no": p, "model_no": m, "valid_from_date": early, "offered": 1} for p in range(1, PROGRAMS + 1) for m in models
        ],
        "program_shares": [{"program_no": 1, "company_no": 2, "valid_from_date": early, "share_ppm": 500_000}],
        "fee_terms": [
            {"fee_terms_id": f"F{number}", "valid_from_date": early, "terms_toml": TERMS.replace("RATE", f"{13 - 2 * number}000")}
            for number in range(1, PROGRAMS + 1)
        ],
    }
    return Reference(tables, date(2026, 5, 1), date(2026, 7, 31))


def _instrument(number: int) -> dict:
    """A yen fund; every fourth is priced a day later, every eighth has a levy."""
    return {
        "instrument_no": number, "instrument_id": f"I{number}", "currency": "JPY", "price_scale": 0, "price_base_units": 10_000,
        "order_mode": "amount", "lot_units": 1, "order_margin_ppm": 50_000, "price_lag_days": int(number % 4 == 0),
        "buy_settlement_days": 2 + number % 3, "sell_settlement_days": 2 + number % 2,
        "levy_ppm": 3_000 * (number % 8 == 0), "calendar_ids": "", "daily_move_limit_ppm": 350_000,
    }


def _weights(random: np.random.Generator, model: int) -> list[dict]:
    """Return the lines of a model: 2 % cash, 8 funds of about 12 %."""
    chosen = np.sort(random.choice(INSTRUMENTS, HELD, replace=False)) + 1
    ppm = 122_500 + random.integers(-60_000, 60_000, HELD)
    ppm[-1] += 980_000 - ppm.sum()
    if ppm[-1] < 60_000:  # what the last fund lacks comes from the largest
        ppm[ppm.argmax()] -= 100_000
        ppm[-1] += 100_000
    lines = [(0, 20_000), *zip(chosen.tolist(), ppm.tolist(), strict=True)]
    return [
        {"model_no": model, "version": 1, "instrument_no": number, "child_model_no": None, "weight_ppm": weight}
        for number, weight in lines
    ]


def _registry(random: np.random.Generator, contracts: int) -> tuple[Registry, np.ndarray]:
    """Return who belongs to what, and how much each sleeve is meant to be worth."""
    number = np.arange(contracts)
    account = number - number // 10 - (number % 10 == 9)
    sleeves_of = np.where(number % 10 < 3, 2, 1)
    contract = np.repeat(number, sleeves_of)
    program = random.integers(1, PROGRAMS + 1, contracts)
    model = random.integers(1, MODELS + 1, contract.size)
    accounts = int(account[-1]) + 1
    columns = {"contract_no": contract + 1, "account_no": account[contract] + 1, "program_no": program[contract], "model_no": model}
    registry = Registry(
        _dense(columns), _dense({"account_no": account + 1, "program_no": program}),
        _dense({"custodian_no": 1 + np.arange(accounts) % 2}),
    )
    nominal = 300_000 + random.integers(0, 3_000_000, contract.size) * random.integers(1, 10, contract.size)
    return registry, nominal


def _dense(columns: Frame) -> Frame:
    """Return columns by number: row 0 is a dummy."""
    return {name: np.append(0, column).astype(np.int32) for name, column in columns.items()}


# ---- the first evening


def _first_books(random: np.random.Generator, rules: Rules, market: MarketDay, nominal: np.ndarray, cohort: np.ndarray) -> Books:
    """Return books on target: every position within 1.5 % of its aim, but for those that leave their band this week."""
    registry = rules.registry
    books = replace(new_books(rules.day, market.state), sleeves=_sleeves(rules, nominal, cohort), contracts=_contracts(rules))
    books = add_layout(index_books(books), rules.weights)
    positions = _with_strangers(random, books)
    row = positions["sleeve_no"] - 1
    instrument = positions["instrument_no"]
    weight = rules.weights[registry.sleeves["model_no"][positions["sleeve_no"]], instrument].astype(np.int64)
    weight = np.where(weight == 0, 10_000, weight * random.integers(985_000, 1_015_000, row.size) // PPM)
    first = np.append(True, np.diff(row) > 0)
    weight += 80_000 * (first & (cohort[row] >= 200) & (cohort[row] < 200 + BREACHES * (DAYS + 1)))
    yen = nominal[row] * weight // PPM
    positions["held_units"] = yen * market.den[instrument] // market.num[instrument]
    positions["cost_yen"] = yen * random.integers(700_000, 1_100_000, row.size) // PPM
    books = index_books(replace(books, positions=positions, account_positions=_accounts(positions, registry)))
    worth = positions["held_units"] * market.num[instrument] // market.den[instrument]
    sleeves = books.sleeves
    sleeves["positions_yen"][:] = np.add.reduceat(worth, books.offsets[:-1])
    sleeves["value_yen"][:] = sleeves["positions_yen"] + sleeves["cash_yen"]
    sleeves["base_sum_yen"][:] = sleeves["value_yen"] * (rules.day - epoch_day(OPENED) + 1)
    return books


def _sleeves(rules: Rules, nominal: np.ndarray, cohort: np.ndarray) -> Frame:
    sleeves = empty("sleeves", nominal.size)
    for name in ("account_no", "contract_no", "program_no", "model_no"):
        sleeves[name][:] = rules.registry.sleeves[name][1:]
    sleeves["sleeve_no"][:] = np.arange(nominal.size) + 1
    sleeves["opened_date"][:], sleeves["twr_index"][:] = epoch_day(OPENED), INDEX_START
    sleeves["cash_yen"][:] = nominal * 19_000 // PPM
    sleeves["net_flow_yen"][:] = nominal
    leaving = np.clip((cohort - 200) // BREACHES, 0, DAYS)
    day = rules.timeline.days[rules.day_index + 1 + leaving]
    sleeves["rebalanced_date"][:] = np.where((cohort >= 200) & (cohort < 200 + BREACHES * (DAYS + 1)), day - COOLDOWN, 0)
    return sleeves


def _contracts(rules: Rules) -> Frame:
    of = rules.registry.contracts
    contracts = empty("contracts", of["account_no"].size - 1)
    for name in ("account_no", "program_no"):
        contracts[name][:] = of[name][1:]
    contracts["contract_no"][:] = np.arange(length(contracts)) + 1
    contracts["opened_date"][:] = contracts["period_start_date"][:] = epoch_day(OPENED)
    contracts["period_end_date"][:] = epoch_day(date(2026, 6, 30))
    return contracts


def _with_strangers(random: np.random.Generator, books: Books) -> Frame:
    """Return the positions with one more row, of a fund outside its model, in 1 % of the sleeves."""
    width = np.int64(INSTRUMENTS + 1)
    sleeves = length(books.sleeves)
    lucky = np.sort(random.choice(sleeves, sleeves // 100, replace=False))
    key = books.row_of_sleeve[books.positions["sleeve_no"]] * width + books.positions["instrument_no"]
    key = np.union1d(key, lucky * width + random.integers(1, INSTRUMENTS + 1, lucky.size))
    positions = empty("positions", key.size)
    positions["sleeve_no"][:], positions["instrument_no"][:] = books.sleeves["sleeve_no"][key // width], key % width
    return positions


def _accounts(positions: Frame, registry: Registry) -> Frame:
    """Return the books of the accounts: the sums of their sleeves."""
    width = np.int64(INSTRUMENTS + 1)
    key = registry.sleeves["account_no"][positions["sleeve_no"]] * width + positions["instrument_no"]
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    accounts = empty("account_positions", starts.size)
    accounts["account_no"][:], accounts["instrument_no"][:] = key[order[starts]] // width, key[order[starts]] % width
    accounts["held_units"][:] = np.add.reduceat(positions["held_units"][order], starts)
    accounts["tax_cost_yen"][:] = np.add.reduceat(positions["cost_yen"][order], starts)
    return accounts


# ---- what happens on a day


def _market(random: np.random.Generator, reference: Reference, day_index: int, state) -> MarketDay:
    """Return a day's market: every price moves by at most 0.6 %."""
    move = random.integers(-6_000, 6_000, INSTRUMENTS)
    start = 8_000 + random.integers(0, 22_000, INSTRUMENTS)
    last = np.where(state.priced_date[1:] > 0, state.price[1:], start)
    prices = dict(enumerate((last + last * move // PPM).tolist(), start=1))
    day = int(reference.timeline.days[day_index])
    return market_of_day(day, day_index, reference.timeline, reference.instruments, state, prices, {}, {})


def _money(nominal: np.ndarray, cohort: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return sleeve numbers and yen of a day's deposits, and of its withdrawals."""
    paid_in = np.flatnonzero(cohort // MONEY_IN == number)
    paid_out = np.flatnonzero((cohort >= 300) & ((cohort - 300) // PAYOUTS == number))
    deposits = np.maximum(nominal[paid_in] * (10_000 + paid_in % 5 * 10_000) // PPM, 30_000)
    return paid_in + 1, deposits, paid_out + 1, nominal[paid_out] // 10


def _arrive(books: Books, day: int, paid_in, deposits, paid_out, withdrawals) -> Books:
    """Return the books with the day's money in cash and its withdrawals among the open payouts."""
    cash = books.sleeves["cash_yen"].copy()
    cash[books.row_of_sleeve[paid_in]] += deposits
    payouts = empty("payouts", paid_out.size)
    rows = books.row_of_sleeve[paid_out]
    for name in ("account_no", "contract_no", "sleeve_no"):
        payouts[name][:] = books.sleeves[name][rows]
    payouts["event_no"][:] = np.arange(paid_out.size) + 1
    payouts["kind_code"][:], payouts["amount_yen"][:] = P_WITHDRAWAL, withdrawals
    payouts["requested_date"][:], payouts["promised_date"][:], payouts["first_promised_date"][:] = day, day + 14, day + 14
    return canonical(replace(books, sleeves=books.sleeves | {"cash_yen": cash}, payouts=stack(books.payouts, payouts)))


def _events(books: Books, paid_in, deposits, paid_out, withdrawals) -> Frame:
    """Return the same money as events: the deposits, then the withdrawals."""
    events = empty("events", paid_in.size + paid_out.size)
    events["event_no"][:] = 1_000_000 + np.arange(length(events))
    events["kind_code"][: paid_in.size] = EVENT_KINDS.index("deposit")
    events["kind_code"][paid_in.size :] = EVENT_KINDS.index("withdrawal")
    events["sleeve_no"][:] = np.concatenate([paid_in, paid_out])
    events["amount_yen"][:] = np.concatenate([deposits, withdrawals])
    rows = books.row_of_sleeve[events["sleeve_no"]]
    events["account_no"][:], events["contract_no"][:] = books.sleeves["account_no"][rows], books.sleeves["contract_no"][rows]
    return events


def _inputs(rules: Rules, market: MarketDay, books: Books, events: Frame) -> Inputs:
    """Return the inputs of a day on which the custodian fills every block whole."""
    orders, columns = books.orders, rules.instruments
    names = ("custodian_no", "instrument_no", "side_code", "placed_date")
    due = take(orders, (orders["status_code"] == PLACED) & (orders["priced_date"] <= rules.day))
    _, first = np.unique(np.stack([due[name] for name in names]), axis=1, return_index=True)
    fills = empty("block_fills", first.size)
    for name in (*names, "priced_date", "settlement_date"):
        fills[name][:] = due[name][first]
    instrument = fills["instrument_no"]
    levy = np.where(fills["side_code"] == SALE, columns["levy_ppm"][instrument], 0)
    fills["price"][:] = market.price[instrument] * (PPM - levy) // PPM
    fills["fx_ppm"][:], fills["filled_units"][:] = PPM, ALL
    return Inputs(market, events, fills, share_partial_fills(orders, fills, columns["lot_units"], rules.day))


def frames_of(books: Books) -> dict[str, Frame]:
    """Return the tables of the books by name."""
    return {table: getattr(books, table) for table in STATE_TABLES}
