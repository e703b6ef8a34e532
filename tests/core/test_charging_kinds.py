"""Every kind of fee in the close, evening by evening, against the calculator: one contract, random values and flows, all terms."""

import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from tests.core.build import books, day, rules, sleeve
from tests.oracles.fee_histories import random_terms
from tsutsumi.core.adjustments import Step
from tsutsumi.core.calendar import business_days, from_epoch_day
from tsutsumi.core.charging import charge
from tsutsumi.core.dues import FEE_KINDS
from tsutsumi.core.fee_engine import fee_schedule
from tsutsumi.core.fee_history import FlowRow, ValueRow, contract_history
from tsutsumi.core.fee_periods import fee_periods
from tsutsumi.core.fee_terms import FeeTermsError, parse_terms
from tsutsumi.core.flows import DEPOSIT, WITHDRAWAL
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.schema import frame
from tsutsumi.core.units import round_yen

NO_FINAL = np.zeros(0, np.int64)


@dataclass
class Told:
    """What a run of evenings charged, and the history that it was charged on."""

    fees: list[tuple] = field(default_factory=list)
    values: list[ValueRow] = field(default_factory=list)
    flows: list[FlowRow] = field(default_factory=list)
    credit: int = 0
    dues: int = 0


def evenings(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1) if first + timedelta(days=n) in OPEN]


OPEN = set(business_days(date(2026, 11, 2), date(2027, 4, 30)))


def run(terms, values: dict, flows: dict, last: date, ends: bool, scope: int = 0, steps: tuple[Step, ...] = ()) -> Told:
    """Close the evenings of one contract with one sleeve; `values` are (value, cash) by day, the sleeve opens on the first."""
    first, told = min(values), Told()
    state = books(str(first), sleeve(1, opened_date=day(str(first))))
    state.contracts["opened_date"][:] = state.contracts["period_start_date"][:] = day(str(first))
    state.contracts["period_end_date"][:] = state.contracts["period_count"][:] = 0
    before = replace(state, day=state.day - 1, sleeves={name: column[:0] for name, column in state.sleeves.items()},
                     contracts={name: column[:0] for name, column in state.contracts.items()}, row_of_sleeve=np.full(2, -1))
    for today in evenings(first, last):
        rule = rules(str(today), program={"performance_sleeve": scope}, program_terms=lambda program, on: ("terms", terms),
                     fee_steps=lambda program, on: steps)
        value, cash = values[today]
        flow = flows.get(today, 0)
        rows = [(1, 1, DEPOSIT if flow > 0 else WITHDRAWAL, flow, 1, 0)] if flow else []
        now = replace(state, day=day(str(today)), sleeves={name: column.copy() for name, column in state.sleeves.items()},
                      contracts={name: column.copy() for name, column in state.contracts.items()})
        now.sleeves["value_yen"][:], now.sleeves["cash_yen"][:] = value, cash
        final = NO_FINAL
        if ends and today == last:
            now = replace(now, payouts=frame("payouts", [(1, 1, 1, 9, P_TERMINATION, 0, day(str(today)), 0, 0, 0, 0, 0, 0, 0, 0)]))
            now.sleeves["status_code"][:] = now.contracts["status_code"][:] = 1
            final = np.array([0])
        state, charges = charge(now, before, rule, final, frame("flows", rows))
        names = ("component_no", "kind_code", "start_date", "end_date", "base_yen", "fee_yen")
        for component, kind, start, end, base, yen in zip(*(charges.fees[name].tolist() for name in names), strict=True):
            span = from_epoch_day(start), from_epoch_day(end)
            told.fees.append((terms.components[component].name, FEE_KINDS[kind], *span, base, yen))
        told.values.append(ValueRow(today, value, cash))
        told.flows += [FlowRow(today, flow)] if flow and today > first else []
        before = state
    told.credit, told.dues = int(state.contracts["credit_yen"].sum()), int(state.dues["amount_yen"].sum())
    return told


def previewed(terms, told: Told, first: date, last: date, ends: bool) -> list[tuple]:
    """The same from the calculator."""
    history = contract_history(told.values, told.flows, first, last, last if ends else None)
    found = []
    for entry in fee_schedule(terms, history):
        for name, yen in entry.components.items():
            found.append((name, entry.kind, entry.start, entry.end, max(entry.base.numerator // entry.base.denominator, 0), yen))
    return found


def random_life(seed: int) -> SimpleNamespace:
    chance = random.Random(seed)
    while True:
        try:
            period = {"length": chance.choice(["month", "quarter", "half-year"]), "align": chance.choice(["calendar", "contract"]),
                      "timing": chance.choice(["arrears", "advance"])}
            terms = parse_terms(random_terms(chance, period, date(2026, 11, 2), date(2027, 6, 30)))
        except FeeTermsError:
            continue
        if all(row.from_date <= date(2026, 11, 1) for c in terms.balance for row in c.rates[:1]):
            break
    first = chance.choice(evenings(date(2026, 11, 4), date(2026, 12, 30)))
    last = chance.choice(evenings(first, date(2027, 4, 12)))
    value, values, flows = chance.choice([0, 50_000, 30_000_000, 10**11]), {}, {}
    for today in evenings(first, last):
        value = value * chance.randint(900_000, 1_100_000) // 1_000_000
        if today > first and chance.random() < 0.12:
            flow = chance.choice([1, -1]) * chance.randint(0, value // 2 + 10_000)
            flow = max(flow, -value)
            value, flows[today] = value + flow, flow
        values[today] = value, value * chance.randint(0, 1_000) // 1_000
    return SimpleNamespace(terms=terms, first=first, last=last, values=values, flows=flows, ends=chance.random() < 0.5)


@pytest.mark.parametrize("scope", [0, 1], ids=["mark of the contract", "mark of the sleeve"])
@pytest.mark.parametrize("first_seed", [0, 40, *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in (80, 120))])
def test_the_close_charges_what_the_calculator_says(first_seed, scope):
    kinds = set()
    for seed in range(first_seed, first_seed + 40):
        life = random_life(seed)
        told = run(life.terms, life.values, life.flows, life.last, life.ends, scope)
        expected = previewed(life.terms, told, life.first, life.last, life.ends)
        assert sorted(told.fees) == sorted(expected), f"seed {seed}, {life.terms.name}"
        owed = sum(-fee[-1] if fee[1] == "refund" else fee[-1] for fee in told.fees)
        assert told.dues - told.credit == owed, f"seed {seed}: what is due and what is in credit is what was charged"
        kinds |= {fee[1] for fee in told.fees}
    assert kinds == {"charge", "addition", "refund", "performance"}


STEPS = (
    Step(1, "campaign", factor_ppm=333_333, from_date=day("2026-11-02"), to_date=day("2026-11-30"), until_date=day("2026-12-31")),
    Step(2, "deposit_step", threshold=1, factor_ppm=900_000), Step(2, "deposit_step", threshold=10**8, factor_ppm=700_000),
    Step(3, "maximum", amount_yen=500_000), Step(4, "minimum", amount_yen=3_650),
)


def mean_deposit(first: date, start: date, flows: dict, opening: int) -> int:
    """The mean of the net deposits at the last three month-ends before a day, written slowly."""
    totals = []
    for month in (date(2027, m, 1) if m < 11 else date(2026, m, 1) for m in (12, 1, 2, 3, 4)):
        if first < month <= start:  # the month before this one ended after the opening
            totals.append(opening + sum(yen for on, yen in flows.items() if first < on < month))
    totals = totals[-3:]
    return sum(totals) // len(totals) if totals else 0


def adjusted(terms, kind: str, start: date, end: date, exact: Fraction, first: date, period_start: date, mean: int) -> int:
    """What the steps make of an amount, written slowly from the page."""
    if first <= date(2026, 11, 30) and period_start <= date(2026, 12, 31):
        exact = exact * 333_333 / 1_000_000
    exact *= Fraction(7, 10) if mean >= 10**8 else Fraction(9, 10) if mean >= 1 else 1
    if kind == "charge":
        years = Fraction(0)
        for n in range((end - start).days + 1):
            on = start + timedelta(days=n)
            years += Fraction(1, int(terms.year_days) if terms.year_days != "actual" else 365)  # no leap year among the days
            assert on.year in (2026, 2027)
        exact = max(min(exact, 500_000 * years), 3_650 * years)
    return round_yen(exact, terms.rounding)


@pytest.mark.parametrize("first_seed", [200, *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in (230, 260))])
def test_every_step_changes_the_exact_amount_before_its_one_rounding(first_seed):
    cut = 0
    for seed in range(first_seed, first_seed + 30):
        life = random_life(seed)
        plain = run(life.terms, life.values, life.flows, life.last, life.ends)
        history = contract_history(plain.values, plain.flows, life.first, life.last, life.last if life.ends else None)
        opening = random.Random(seed).choice([0, 5_000, 10**9])
        told = run(life.terms, life.values, life.flows | ({life.first: opening} if opening else {}), life.last, life.ends, 0, STEPS)
        expected, periods = [], list(fee_periods(life.terms.length, life.terms.align, life.first, life.last))
        for entry in fee_schedule(life.terms, history):
            period = next(period for period in periods if period.start <= entry.start <= period.end)
            mean = mean_deposit(life.first, period.start, life.flows, opening)
            for part in entry.workings:
                if entry.kind != "performance":
                    args = entry.start, entry.end, part.exact, life.first, period.start, mean
                    expected.append((part.component, entry.kind, entry.start, adjusted(life.terms, entry.kind, *args)))
                    cut += expected[-1][-1] < part.yen
        charged = [(name, kind, start, yen) for name, kind, start, _, _, yen in told.fees if kind != "performance"]
        assert sorted(charged) == sorted(expected), f"seed {seed}, {life.terms.name}"
    assert cut > 10
