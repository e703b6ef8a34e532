"""The month-end settlement, the statement and the invoices agree with the slow one on random programs, and add up to the yen."""

import random
from datetime import date, timedelta
from fractions import Fraction

import pytest

from tests.oracles.fee_split_oracle import days_of, settled, shared, version_on
from tsutsumi.core.fee_invoices import month_invoices, tax_inside
from tsutsumi.core.fee_rows import FeeRow
from tsutsumi.core.fee_split import Segment, calendar_balances, fixed_moves, in_force, tier_moves, versions
from tsutsumi.core.fee_statements import Month, charges_of, month_statement

COMPANIES = ("bank", "broker", "ifa", "manager", "platform")
CASES, FUZZ_CASES = 150, 20_000


class Case:
    """A random month of one program."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = random.Random(seed)
        self.first = date(rng.choice((2019, 2020)), rng.randint(1, 12), 1)
        self.last = (self.first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        self.days = days_of(self.first, self.last)
        self.distributors = rng.sample(COMPANIES, rng.randint(1, 3))
        self.remainder = rng.choice(COMPANIES)
        self.contracts = rng.randint(0, 50)
        top = 10 ** rng.randint(1, 12)
        closes = [self.first - timedelta(days=2), *(day for day in self.days if rng.random() < 0.6)]
        self.closes = [
            (day, {name: rng.choice((0, rng.randint(0, top), top)) for name in self.distributors}) for day in closes
        ]
        names = rng.sample(COMPANIES, rng.randint(0, 3))
        self.flat = [(name, rng.randint(0, 10**6 // len(names))) for name in names]
        self.tiers = [row for _ in range(rng.randint(0, 5)) for row in self.ladder(top)]
        self.fixed = [
            {"valid_from_date": self.since(), "company_id": rng.choice(COMPANIES), "per": rng.choice(("program", "contract")),
             "amount_yen": rng.choice((0, 110, rng.randint(1, 10**6))), "paid_by_id": rng.choice(("", *COMPANIES))}
            for _ in range(rng.randint(0, 3))
        ]
        self.rows = [self.fee(number) for number in range(rng.randint(0, 12))]

    def since(self) -> date:
        return self.rng.choice((date(2018, 1, 1), self.first, self.rng.choice(self.days)))

    def ladder(self, top: int) -> list[dict]:
        rng = self.rng
        own = {
            "valid_from_date": self.since(), "company_id": rng.choice(COMPANIES), "kind": rng.choice(("fee", "balance")),
            "measure": rng.choice(("program", "distributor", "own")), "base": rng.choice(("average", "closing")),
            "year_days": rng.choice(("365", "366", "actual")), "paid_by_id": rng.choice(("", *COMPANIES)),
        }
        floors = sorted({rng.choice((0, 0, 1)), *(rng.randint(0, top) for _ in range(rng.randint(0, 3)))})
        known = {(*own.values(), row["floor_yen"]) for row in getattr(self, "tiers", ())}
        return [
            own | {"floor_yen": floor, "rate_ppm": rng.choice((0, 10**6, rng.randint(0, 600_000)))}
            for floor in floors if (*own.values(), floor) not in known
        ]

    def fee(self, number: int) -> FeeRow:
        rng = self.rng
        yen = rng.choice((0, 1, rng.randint(0, 10**4), rng.randint(0, 10**9)))
        kind = rng.choice(("charge", "addition", "performance", "refund"))
        signed = -yen if kind == "refund" else yen
        start = self.first - timedelta(days=rng.randint(0, 100))
        weights = rng.choice((((8, 1),), ((10, 1),), ((8, rng.randint(1, 90)), (10, rng.randint(1, 90)))))
        charged = rng.choice(self.days)
        return FeeRow(
            (f"K{number}", "fee", kind, start, charged), f"K{number}", "wrap", rng.choice(self.distributors),
            rng.choice(("mandate", "wrap")), kind, charged, rng.choice((None, charged)), signed,
            tuple(sorted(shared(signed, self.flat, self.remainder).items())), weights,
        )

    def moves(self) -> list:
        segments = []
        for start, end, rows in versions(self.tiers, self.first, self.last):
            fees: dict[str, dict[int, Fraction]] = {}
            for row in self.rows:
                if start <= row.charged_date <= end:
                    of = fees.setdefault(row.distributor_id, {})
                    for percent, yen in row.by_rate(row.fee_yen).items():
                        of[percent] = of.get(percent, Fraction(0)) + yen
            segments.append(Segment(start, end, rows, fees, calendar_balances(self.closes, start, end)))
        moves = tier_moves("wrap", segments, self.remainder, 10)
        return moves + fixed_moves("wrap", in_force(self.fixed, self.first), self.contracts, self.remainder, 10)

    def slowly(self) -> dict:
        known = [(day, yen) for day, yen in self.closes]
        balances = {
            name: {day: [yen[name] for when, yen in known if when <= day][-1] for day in self.days} for name in self.distributors
        }
        fees = [(row.charged_date, row.distributor_id, row.fee_yen) for row in self.rows]
        return settled(self.first, self.last, fees, balances, self.tiers, self.fixed, self.contracts, self.remainder)


def unique_ladders(case: Case) -> bool:
    """Whether no two rows have one key, as in the table."""
    keys = [tuple(value for name, value in row.items() if name != "rate_ppm") for row in case.tiers]
    fixed = [tuple(value for name, value in row.items() if name != "amount_yen") for row in case.fixed]
    return len(set(keys)) == len(keys) and len(set(fixed)) == len(fixed)


def compare(seed: int) -> None:
    """One month: the moves equal the slow ones; parts, lines and invoices sum to the fees and to one another."""
    case = Case(seed)
    if not unique_ladders(case):
        return
    moves = case.moves()
    found: dict[tuple, int] = {}
    for move in moves:
        key = (move.kind, move.company_id, move.payer_id)
        found[key] = found.get(key, 0) + move.yen
    found = {key: yen for key, yen in found.items() if yen}  # 0 yen can still move between two tax rates
    assert found == case.slowly(), f"seed {seed}"
    month = Month(case.first, case.last, (), case.rows, moves)
    statement, charges = month_statement(month), charges_of(month)
    total = sum(row.fee_yen for row in case.rows)
    assert (statement.fee_yen, statement.difference_yen) == (total, 0), f"seed {seed}"
    assert sum(part.part_yen - part.owed_yen for part in statement.parts) == total
    assert all(part.part_yen >= 0 and part.owed_yen >= 0 and not (part.part_yen and part.owed_yen) for part in statement.parts)
    groups: dict[tuple, list] = {}
    for line in statement.lines:
        groups.setdefault((line.program_id, line.component, line.kind, line.fee_yen), []).append(line.share_yen)
    assert all(sum(shares) == key[3] for key, shares in groups.items()), f"seed {seed}"
    invoices = month_invoices(case.first, case.last, charges, moves, ())
    part = {one.company_id: one.share_yen + one.moved_yen for one in statement.parts}
    for company in COMPANIES:
        collected = sum(row.fee_yen for row in case.rows if row.distributor_id == company)
        issued = sum(invoice.amount_yen for invoice in invoices if invoice.issuer_id == company)
        billed = sum(invoice.amount_yen for invoice in invoices if invoice.recipient_id == company)
        assert part.get(company, 0) == collected + issued - billed, f"seed {seed}: {company}"
    for invoice in invoices:
        for rate in invoice.rates:
            assert rate.amount_yen == sum(line.amount_yen for line in invoice.lines if line.tax_percent == rate.tax_percent)
            assert rate.tax_yen == tax_inside(rate.amount_yen, rate.tax_percent, "down") == rate.amount_yen - rate.net_yen


@pytest.mark.parametrize("block", range(5))
def test_random_months_agree(block):
    for seed in range(block, CASES, 5):
        compare(seed)


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(50))
def test_many_random_months_agree(block):
    for seed in range(10**6 + block, 10**6 + FUZZ_CASES, 50):
        compare(seed)


def test_the_random_months_hold_what_matters():
    cases = [case for case in map(Case, range(CASES)) if unique_ladders(case)]
    slow = [case.slowly() for case in cases]
    kinds = {key[0] for moves in slow for key in moves}
    assert len(cases) > CASES * 0.8 and kinds == {"tier_fee", "tier_balance", "fixed_program", "fixed_contract"}
    assert any(yen < 0 for moves in slow for yen in moves.values()), "more refunds than fees"
    changing = [case for case in cases if case.tiers and version_on(case.tiers, case.first) != version_on(case.tiers, case.last)]
    assert len(changing) > 10
