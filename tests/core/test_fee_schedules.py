"""The schedules of a whole book: equal to the slow oracle and to the engine of one contract, entry by entry.

Also of core/fee_histories.py, core/fee_flows.py and core/fee_marks.py, which carry the state from period to period.
"""

import random
from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import pytest

from tests.core.fee_columns import columns, entries, random_contracts, some_days, without_base
from tests.core.test_fee_engine import advance, arrears, performance
from tests.oracles.fees_oracle import charges
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.fee_engine import fee_schedule
from tsutsumi.core.fee_flows import Running
from tsutsumi.core.fee_histories import BusinessDays, Histories
from tsutsumi.core.fee_history import FlowRow, ValueRow, contract_history
from tsutsumi.core.fee_marks import Marks
from tsutsumi.core.fee_schedules import BookSchedule, book_schedule
from tsutsumi.core.fee_terms import parse_terms

BLOCKS, CASES, FUZZ_CASES = 8, 160, 8_000
START, THROUGH = date(2026, 1, 5), date(2026, 12, 31)


def disagreement(seed: int) -> str | None:
    """Return what is not the same for a random book: the oracle, the columns at once, the columns in parts."""
    rng = random.Random(seed)
    contracts = random_contracts(rng)
    terms, known, through = parse_terms(contracts[0]["terms"]), columns(contracts), contracts[0]["through"]
    found = entries(book_schedule(terms, known, through), len(contracts))
    for number, contract in enumerate(contracts):
        expected = without_base(charges(**contract))
        if found[number] != expected:
            first = next((pair for pair in zip(expected, found[number], strict=False) if pair[0] != pair[1]), "the length")
            return f"seed {seed}, contract {number} of {contract}: oracle and columns: {first}"
    schedule, parts = BookSchedule(terms, known), []
    for day in some_days(rng, contracts[0]["start"], through):
        parts += schedule.charge(day)
    if entries(parts, len(contracts)) != found:
        return f"seed {seed}: charged in parts, the book owes something else"
    some = np.array(sorted(rng.sample(range(len(contracts)), rng.randint(0, len(contracts)))), np.int64)
    chosen = entries(book_schedule(terms, known, through, some), len(contracts))
    if chosen != [found[k] if k in some else [] for k in range(len(contracts))]:
        return f"seed {seed}: some contracts alone owe something else"
    return None


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_random_book_owes_what_the_oracle_says_at_once_and_in_parts(block):
    for seed in range(block, CASES, BLOCKS):
        assert not (found := disagreement(seed)), found


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(40))
def test_many_random_books_owe_what_the_oracle_says(block):
    for seed in range(10**6 + block, 10**6 + FUZZ_CASES, 40):
        assert not (found := disagreement(seed)), found


def one(values: dict, flows: dict | None = None, ended: date | None = None, start: date = START) -> dict:
    """Return one contract; days are written as texts."""
    return {
        "values": [(date.fromisoformat(day), yen, 0) for day, yen in values.items()], "start": start, "terminated": ended,
        "flows": [(date.fromisoformat(day), yen) for day, yen in (flows or {}).items()],
    }


def owed_by_the_engine(terms, contract: dict, through: date = THROUGH) -> list[dict]:
    """Return the entries of one contract in exact fractions."""
    rows = [ValueRow(*row) for row in contract["values"]]
    flows = [FlowRow(*flow) for flow in contract["flows"]]
    history = contract_history(rows, flows, contract["start"], through, contract["terminated"])
    return without_base([entry.as_json() for entry in fee_schedule(terms, history)])


def test_a_mark_too_long_for_a_word_stays_exact():
    """A withdrawal every week: numerator and denominator grow to hundreds of digits; a fee makes the mark short again."""
    days = [date(2026, 1, 5).fromordinal(date(2026, 1, 5).toordinal() + 7 * n) for n in range(1, 50)]
    values, value = {"2026-01-05": 98_765_432_101}, 98_765_432_101
    flows = {}
    for n, day in enumerate(days):
        taken = 1_000_003 + 7_919 * n
        value += (-1) ** n * 1_234_567_891 - taken
        values[day.isoformat()], flows[day.isoformat()] = value, -taken
    emptied = {day: 7 - 10**13 for day in ("2026-01-12", "2026-01-19", "2026-01-26")}  # the market lifts 7 yen to 10^13 again
    nearly_nothing = one({"2026-01-05": 100} | dict.fromkeys(emptied, 7), emptied)
    contracts = [one(values, flows), one(values | {"2026-06-30": value // 2}, flows), one({"2026-01-05": 5}), nearly_nothing]
    for every in (1, 3):
        for rounding in ("down", "up", "half-up", "half-even"):
            terms = performance(("component/0/every", every), ("rounding/to", rounding), ("tax/kind", "added"))
            found = entries(book_schedule(terms, columns(contracts), THROUGH), 4)
            assert found == [owed_by_the_engine(terms, contract) for contract in contracts]
    marks = Marks(terms, terms.performance[0], columns(contracts))
    rows, late = np.arange(4), np.full(4, epoch_day(THROUGH))
    marks.move(rows, columns(contracts).flow_offsets[:-1], late)
    assert set(marks.wide) == {0, 1, 3} and marks.wide[3] == 100 * Fraction(7, 10**13) ** 3
    marks.fall_due(rows, late, np.array([2**61, 10**11, 5, 7]))
    assert marks.wide == {} and marks.den.tolist() == [1, 1, 1, 1]


def test_an_addition_that_nobody_paid_for_is_cancelled_before_anything_is_refunded():
    """Additions on the day that the next opening is taken from, and on the weekend after it."""
    terms = advance(("advance/addition", "none"), ("advance/refund", "prorated"))
    flows = {"2026-01-30": 700, "2026-01-31": 3_000_000, "2026-02-10": -4_000_000, "2026-02-20": -1}
    values = {"2026-01-05": 10_000_000, "2026-01-31": 13_000_000, "2026-02-10": 9_000_000}
    contracts = [one(values, flows), one(values, flows, ended=date(2026, 2, 20)), one(values, ended=date(2026, 2, 28))]
    found = entries(book_schedule(terms, columns(contracts), THROUGH), 3)
    assert found == [owed_by_the_engine(terms, contract) for contract in contracts]
    assert [entry["kind"] for entry in found[1]] == ["charge", "charge", "refund", "refund", "refund"]


def test_flows_of_the_first_day_are_the_base():
    for terms in (advance(), performance()):
        contract = one({"2026-01-05": 10_000_000, "2026-12-31": 11_000_000}, {"2026-01-05": 10_000_000, "2026-01-06": 5})
        known = columns([contract])
        assert Running.before(known).next_flow.tolist() == [1]
        assert entries(book_schedule(terms, known, THROUGH), 1) == [owed_by_the_engine(terms, contract)]


def test_nothing_is_owed_by_nobody_and_before_the_first_day():
    known = columns([one({"2026-01-05": 10_000_000})])
    assert book_schedule(arrears(), known, date(2026, 1, 4)) == []
    assert entries(book_schedule(arrears(), known, THROUGH, np.zeros(0, np.int64)), 1) == [[]]
    assert book_schedule(arrears(), columns([]), THROUGH) == []


def test_business_days_before_a_day():
    days = BusinessDays(epoch_day(date(2026, 1, 1)), epoch_day(date(2026, 1, 31)))
    asked = np.array([epoch_day(date(2026, 1, day)) for day in (1, 5, 6, 13)])
    expected = [epoch_day(date(2026, 1, day)) for day in (5, 9)]
    assert days.before(asked)[2:].tolist() == expected and (days.before(asked)[:2] < days.first).all()
    far = BusinessDays(epoch_day(date(2099, 12, 1)), epoch_day(date(2100, 6, 1)))
    assert far.before(np.array([epoch_day(date(2100, 5, 1))])).tolist() == [epoch_day(date(2099, 12, 30))]


def test_cash_left_out_is_refused_where_the_terms_exclude_it():
    known = replace(columns([one({"2026-01-05": 10_000_000})]), cash_yen=None)
    assert len(book_schedule(arrears(), known, THROUGH)) == 4
    for contracts in (None, np.array([0])):
        with pytest.raises(ValueError, match="cash_yen is left out"):
            book_schedule(arrears(("base/cash", "excluded")), known, THROUGH, contracts)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("days", [20459, 20457], "each day once"),
        ("days", [20459, 20459], "each day once"),
        ("start", [20457], "no value on its first"),
        ("offsets", [0, 0], "no value on its first"),
        ("offsets", [0, 3], "no value on its first"),
        ("value_yen", [-1, 5], "below 0"),
        ("value_yen", [10**13 + 1, 5], "above"),
        ("cash_yen", [11, 0], "cash above"),
        ("flow_yen", [10**13 + 1], "above"),
        ("flow_days", [20457], "outside its contract"),
        ("flow_offsets", [0, 2], "outside its contract"),
        ("ended", [20458], "outside its contract"),
        ("ended", [20457], "before its first day"),
        ("ended", [20500, 20500], "differ in length"),
        ("cash_yen", [1], "differ in length"),
    ],
)
def test_columns_that_do_not_fit_are_refused(column, value, text):
    good = {
        "start": [20458], "ended": [20500], "offsets": [0, 2], "days": [20458, 20470], "value_yen": [10, 20],
        "cash_yen": [10, 0], "flow_offsets": [0, 1], "flow_days": [20470], "flow_yen": [10],
    }
    kinds = {"days": np.int32, "flow_days": np.int32}
    built = {name: np.array(part, kinds.get(name, np.int64)) for name, part in good.items()}
    Histories(**built)
    with pytest.raises(ValueError, match=text):
        Histories(**built | {column: np.array(value, kinds.get(column, np.int64))})
    with pytest.raises(ValueError, match="in one piece"):
        Histories(**built | {column: np.array(value, object)})
