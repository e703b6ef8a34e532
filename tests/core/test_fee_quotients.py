"""Exact quotients: compiled division and rounding against Python's own whole numbers; also of core/fee_brackets.py."""

import random
from datetime import date
from fractions import Fraction

import numpy as np
import pytest

from tsutsumi.core.fee_brackets import Brackets, brackets
from tsutsumi.core.fee_pricing import Segment, price
from tsutsumi.core.fee_quotients import between, divider, most_base, rounded, row_on, scaled
from tsutsumi.core.fee_terms import Component
from tsutsumi.core.units import ROUNDING_MODES, round_fraction

NOTHING, ONES = np.zeros(0, np.int64), np.array([1])
EDGES = [1, 2, 3, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**61, 2**62 - 1]
RUNS = (np.array([0]), np.array([0]))


def quotients(slope: int, constant: int, denominator: int, amounts: list[int]) -> list[tuple[int, int]]:
    """Return quotient and remainder of (constant + amount x slope) / denominator of each amount, compiled."""
    line = Brackets((0, 1), (0, 1), ((0, slope),), ((0, constant),), denominator)
    high, whole, rest = np.array(amounts) + 1, np.empty(len(amounts), np.int64), np.empty(len(amounts), np.int64)
    day = np.array([0])
    between(np.arange(high.size), NOTHING, high, ONES, day, day, RUNS, line.table(), divider(denominator), whole, rest)
    return list(zip(whole.tolist(), rest.tolist(), strict=True))


def test_a_numerator_of_two_words_is_divided_exactly():
    rng = random.Random(1)
    for _ in range(3_000):
        denominator = rng.choice([rng.choice(EDGES), rng.randint(1, 2 ** rng.randint(1, 62) - 1)])
        slope = rng.choice([0, rng.choice(EDGES), rng.randrange(2 ** rng.randint(1, 62))])
        room = denominator * (2**62 - 1)
        amount = max(1, min(rng.choice([rng.choice(EDGES), rng.randrange(2**61)]), room // max(slope, 1) // 2))
        whole = rng.choice([rng.randrange(2**61), rng.randrange(1000), 2**61 - 1])
        near = [rng.randrange(denominator), 0, denominator - 1]
        constant = max(0, min(whole * denominator + rng.choice(near), room // 2))
        found = quotients(slope, constant, denominator, [0, amount])
        expected = [(0, 0), divmod(constant + amount * slope, denominator)]
        assert found == expected, (slope, constant, denominator, amount)


def test_a_bracket_holds_what_lies_above_its_floor_up_to_the_next():
    runs = [Segment(date(2026, 1, 1), date(2026, 1, 1), ((0, 1_000_000), (100, 500_000), (200, 0)), 0, 365)]
    for tiering, yearly in (("marginal", [0, 99, 100, 100.5, 150, 150]), ("whole", [0, 99, 100, 50.5, 100, 0])):
        line = brackets(Component("c", "balance", tiering, (), 0, 1, ""), runs)
        for base, fee in zip((0, 99, 100, 101, 200, 201), yearly, strict=True):
            assert Fraction(line.numerator(base, [365]), line.denominator) == Fraction(fee)
            pieces = price(runs, tiering, Fraction(0), Fraction(base))
            assert Fraction(line.numerator(base, [1]), line.denominator) == sum((p.exact for p in pieces), Fraction(0))
            for scale in (2, 366):
                for s in (base * scale, max(0, base * scale - 1), base * scale + 1):
                    exact = sum((p.exact for p in price(runs, tiering, Fraction(0), Fraction(s, scale))), Fraction(0))
                    assert Fraction(line.numerator(s, [1], scale), line.denominator * scale) == exact


def test_a_table_tells_when_its_numbers_grow_too_long():
    line = brackets(
        Component("c", "balance", "marginal", (), 0, 1, ""),
        [Segment(date(2026, 1, 1), date(2026, 12, 31), ((0, 13_090), (10**13, 999_999)), 10, 365)],
    )
    assert line.fits(10**13 * 366, 366, 366)
    assert not line.fits(2**62, 1) and not line.fits(1, 1, 2**62) and not line.fits(2**60, 366)


@pytest.mark.parametrize("mode", ROUNDING_MODES)
def test_every_mode_rounds_as_units_does_times_any_factor(mode):
    """On exact halves, one unit beside them, and anywhere, with denominators and factors of every length."""
    rng = random.Random(2)
    number, rows = ROUNDING_MODES.index(mode), np.arange(1)
    for _ in range(4_000):
        bits = rng.choice([1, 2, 4, 10, 30, 60])
        denominator = rng.randint(1, 2**bits)
        whole, rest = rng.choice([rng.randrange(5), rng.randrange(2**40)]), rng.randrange(denominator)
        rest = rng.choice([rest, denominator // 2, max(0, denominator // 2 - 1), 0])
        yen = np.empty(1, np.int64)
        rounded(rows, np.array([whole]), np.array([rest]), denominator, number, yen)
        assert yen[0] == round_fraction(whole * denominator + rest, denominator, mode)
        factor, divisor = rng.choice([(1, rng.randint(1, 9)), (rng.randrange(9), rng.randint(1, 9)),
                                      (rng.randrange(10**12), 10**12), (rng.randrange(10**6), 10**6)])  # fmt: skip
        parts = (np.array([part]) for part in (whole, rest, denominator, factor, divisor))
        scaled(rows, *parts, number, yen)
        assert yen[0] == round_fraction((whole * denominator + rest) * factor, denominator * divisor, mode)


def test_rows_of_a_contract_are_found_and_their_faults_told():
    offsets, days = np.array([0, 3, 4]), np.array([5, 8, 20, 1], np.int32)
    assert [row_on(offsets, days, 0, day) for day in (0, 5, 7, 8, 19, 20, 99)] == [0, 0, 0, 1, 1, 2, 2]
    assert row_on(offsets, days, 1, 50) == 3
    bases, both = np.array([7, 9, 3, 4]), np.array([0, 1])
    assert most_base(both, offsets, days, bases, np.array([5])) == 9
    assert most_base(np.array([1]), offsets, days, bases, np.array([5])) == 4
    assert most_base(both, offsets, days, bases, np.array([5, 0])) == -1
    assert most_base(both, offsets, np.array([5, 8, 8, 1], np.int32), bases, np.array([5])) == -2
    assert most_base(both, offsets, days, np.array([7, 9, -1, 4]), np.array([5])) == -3
    assert most_base(both, np.array([0, 3, 5]), days, bases, np.array([5])) == -1
