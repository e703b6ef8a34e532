"""The columnar close and the slow oracle, day by day, on random houses: every yen, unit, order, flow, fee and promise."""

import random
from collections import Counter

import pytest

from tests.days import fee_agreement as fees_of
from tests.days import paying_agreement as paying
from tests.days.simulation import simulate_house
from tests.oracles.day_oracle.simulate import simulate
from tests.oracles.random_choices import random_choices_house
from tests.oracles.random_house import random_house
from tests.oracles.random_paying import random_paying_house
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.debits import RETRY, SKIP
from tsutsumi.core.flows import FLOW_KINDS
from tsutsumi.core.orders import REASONS
from tsutsumi.ports.paper import PaperBank


def our_values(books) -> dict:
    names = ("positions_yen", "cash_yen", "receivable_yen", "payable_yen", "value_yen")
    columns = zip(*(books.sleeves[name].tolist() for name in names), strict=True)
    return dict(zip(books.sleeves["sleeve_no"].tolist(), columns, strict=True))


def our_positions(books) -> dict:
    names = ("sleeve_no", "instrument_no", "held_units", "cost_yen")
    rows = zip(*(books.positions[name].tolist() for name in names), strict=True)
    return {(sleeve, instrument): (units, cost) for sleeve, instrument, units, cost in rows if units or cost}


def our_accounts(books) -> dict:
    names = ("account_no", "instrument_no", "held_units", "tax_cost_yen")
    rows = zip(*(books.account_positions[name].tolist() for name in names), strict=True)
    return {(account, instrument): (units, cost) for account, instrument, units, cost in rows if units or cost}


def our_decisions(result) -> list:
    mine = result.orders["decided_date"] == result.books.day
    names = ("sleeve_no", "instrument_no", "side_code", "reason_code", "asked_yen", "asked_units")
    rows = zip(*(result.orders[name][mine].tolist() for name in names), strict=True)
    return sorted((s, i, ("sell", "buy")[side], REASONS[reason], *asked) for s, i, side, reason, *asked in rows)


def their_decisions(house, day) -> list:
    return sorted((o.sleeve_no, o.instrument_no, o.side, o.reason, o.asked_yen, o.asked_units)
                  for o in house.orders if o.decided_date == day)


def our_standing(books) -> tuple[dict, set]:
    """Return the retries that stand by sleeve, and the sleeves whose skip waits."""
    names = ("sleeve_no", "kind_code", "due_date", "amount_yen", "try_count")
    rows = list(zip(*(books.debit_states[name].tolist() for name in names), strict=True))
    retries = {sleeve: (from_epoch_day(due), amount, number) for sleeve, kind, due, amount, number in rows if kind == RETRY}
    return retries, {sleeve for sleeve, kind, *_ in rows if kind == SKIP}


def our_drawing_states(books) -> dict:
    """Return {sleeve: (last_yen, review_date)} of the guardrails."""
    names = ("sleeve_no", "last_yen", "review_date")
    rows = zip(*(books.drawing_states[name].tolist() for name in names), strict=True)
    return {sleeve: (last, from_epoch_day(review)) for sleeve, last, review in rows}


STATUS = ("placed", "priced", "settled", "cancelled")


def our_final_orders(last: dict) -> list:
    return sorted(
        (s, i, str(from_epoch_day(decided)), STATUS[status], *(str(from_epoch_day(d)) for d in dates), units, yen, asked)
        for (s, decided, i), (status, *dates, units, yen, asked) in last.items() if STATUS[status] != "cancelled"
    )


def their_final_orders(house) -> list:
    return sorted(
        (o.sleeve_no, o.instrument_no, str(o.decided_date), o.status, str(o.priced_date), str(o.settlement_date), o.filled_units,
         o.filled_yen, o.asked_units)
        for o in house.orders if o.status != "cancelled"
    )


def remember_orders(last: dict, orders) -> None:
    key = ("sleeve_no", "decided_date", "instrument_no")
    names = ("status_code", "priced_date", "settlement_date", "filled_units", "filled_yen", "asked_units")
    keys, values = (zip(*(orders[name].tolist() for name in group), strict=True) for group in (key, names))
    last |= dict(zip(keys, values, strict=True))


def our_flows(result) -> list:
    rows = zip(*(result.flows[name].tolist() for name in ("sleeve_no", "kind_code", "amount_yen")), strict=True)
    return summed((sleeve, FLOW_KINDS[kind], amount) for sleeve, kind, amount in rows)


def summed(flows) -> list:
    """Return flows with the fee components of a sleeve and day as one: they are one due."""
    fees, others = Counter(), []
    for sleeve, kind, amount in flows:
        if kind == "fee":
            fees[sleeve] += amount
        else:
            others.append((sleeve, kind, amount))
    return sorted(others + [(sleeve, "fee", amount) for sleeve, amount in fees.items()])


def compare(seed: int, folder, case: dict | None = None) -> None:
    """Close one random house both ways and compare every evening."""
    case = case or random_house(random.Random(seed), failing_bank=True)
    house, failures = simulate(**case), case["bank_failures"]
    charged, last = fees_of.Charged(), {}
    bank = PaperBank(failures.failure_ppm, failures.seed)
    right = fees_of.RightPast(house)
    for result in simulate_house(case["tables"], case["first"], case["through"], folder, bank=bank, fee_states=right.rows):
        books, day = result.books, from_epoch_day(result.books.day)
        theirs, where = house.days[day], f"seed {seed}, {day}"
        flows = summed((sleeve, kind, amount) for date, sleeve, kind, amount in house.flows if date == day)
        charged.remember(result.tables)
        assert charged_on(charged.fees, books.day) == charged_on(fees_of.their_fees(house), books.day), f"{where}: fees"
        assert our_flows(result) == flows, f"{where}: flows"
        assert fees_of.our_dues(books) == fees_of.their_dues(theirs), f"{where}: dues"
        assert fees_of.our_credits(books) == fees_of.their_credits(theirs), f"{where}: credits"
        assert our_standing(books) == (theirs.retries, theirs.skips), f"{where}: retries and skips"
        assert our_drawing_states(books) == theirs.drawing_states, f"{where}: states of drawings"
        assert not (difference := paying.disagreement(theirs, result)), f"{where}: {difference}"
        open_values = {s: v for s, v in theirs.values.items() if s in our_values(books) or any(v)}
        assert our_values(books) == open_values, f"{where}: values"
        assert our_positions(books) == theirs.positions, f"{where}: positions"
        assert our_accounts(books) == theirs.account_positions, f"{where}: account positions"
        assert our_decisions(result) == their_decisions(house, day), f"{where}: decisions"
        remember_orders(last, result.orders)
        indices = {s: i for s, i in theirs.indices.items() if s in our_values(books)}
        assert dict(zip(books.sleeves["sleeve_no"].tolist(), books.sleeves["twr_index"].tolist(), strict=True)) == indices, where
    assert charged.fees == fees_of.their_fees(house), f"seed {seed}: fees in the end, with the days of their collection"
    assert charged.cuts == fees_of.their_cuts(house), f"seed {seed}: fees that a closing cut"
    assert charged.shares == fees_of.their_shares(house), f"seed {seed}: shares of the parties"
    assert our_final_orders(last) == their_final_orders(house), f"seed {seed}: orders in the end"


def charged_on(fees: dict, day: int) -> dict:
    """Return the fees that were charged on a day, without the day of their collection."""
    return {key: values[:-1] for key, values in fees.items() if values[3] == day}


MORE = [pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(3, 12)]


@pytest.mark.parametrize("seed", [*range(3), *MORE, 22, 32, 92])
def test_the_close_equals_the_slow_oracle(seed, tmp_path):
    compare(seed, tmp_path)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_the_close_equals_the_slow_oracle_on_many_houses(seed, tmp_path):
    compare(seed, tmp_path)


CHOICES = [2001, 2010, 2011, 2012, *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(2020, 2140))]


@pytest.mark.parametrize("seed", CHOICES)
def test_the_close_equals_the_slow_oracle_whatever_a_program_chooses(seed, tmp_path):
    compare(seed, tmp_path, random_choices_house(random.Random(seed)))


PAYING = [5023, 5027, 5028, *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in (*range(5030, 5180), 5287))]


@pytest.mark.parametrize("seed", PAYING)
def test_the_close_equals_the_slow_oracle_whoever_pays_first(seed, tmp_path):
    compare(seed, tmp_path, random_paying_house(random.Random(seed)))
