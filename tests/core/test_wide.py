"""128-bit products and largest remainders against Python's own integers."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.units import largest_remainder
from tsutsumi.core.wide import mix, mul_div_ceil, mul_div_floor, mul_div_mod, position_yen, share_group, tie

MAX = 2**63 - 1
sixty_three_bits = st.one_of(st.integers(0, MAX), st.integers(0, 10**6), st.integers(MAX - 3, MAX), st.just(2**32))
divisors = st.one_of(st.integers(1, MAX), st.integers(1, 10**7), st.integers(MAX - 3, MAX))
weight_lists = st.lists(st.integers(0, 10**15), min_size=1, max_size=9)


def shared(total, weights, ties):
    shares = np.full(len(weights), -7, np.int64)
    share_group(total, np.array(weights, np.int64), np.array(ties, np.uint64), shares)
    return shares.tolist()


@settings(deadline=None, max_examples=400)
@given(sixty_three_bits, sixty_three_bits, divisors)
def test_a_product_over_a_divisor_is_that_of_pythons_integers_or_is_refused(a, b, c):
    quotient, remainder = divmod(a * b, c)
    if quotient > MAX:
        for function in (mul_div_mod, mul_div_floor, mul_div_ceil):
            with pytest.raises(OverflowError, match="out of range"):
                function(a, b, c)
        return
    assert tuple(int(part) for part in mul_div_mod(a, b, c)) == (quotient, remainder)
    assert mul_div_floor(a, b, c) == quotient
    if quotient < MAX:
        assert mul_div_ceil(a, b, c) == -(-a * b // c)


@pytest.mark.parametrize(("a", "b", "c", "expected"), [
    (MAX, MAX, MAX, (MAX, 0)), (MAX, 2, 2, (MAX, 0)), (MAX, MAX - 1, MAX, (MAX - 1, 0)), (2**62, 3, 2**62, (3, 0)),
    (2**32, 2**32, 2**33 + 1, (2**64 // (2**33 + 1), 2**64 % (2**33 + 1))), (0, MAX, 1, (0, 0)), (MAX, 0, MAX, (0, 0)),
])
def test_the_edges_of_sixty_three_bits_are_exact(a, b, c, expected):
    assert tuple(int(part) for part in mul_div_mod(a, b, c)) == expected


def test_long_divisions_are_exact_where_an_estimated_digit_must_be_corrected():
    # divisors whose upper half is small beside the lower, and dividends just below a multiple: the estimate is one or two too high
    rng, long_ones = random.Random(7), 0
    for _ in range(20_000):
        c = rng.choice([2**62, 2**61, 2**40, 2**33, 2**32]) + rng.choice([2**32 - 1, 2**31 + 1, rng.getrandbits(40), 1, -1])
        a, b = (
            c - rng.choice([0, 1, 2, rng.getrandbits(32) % c]),
            rng.choice([rng.getrandbits(63), c - 1, 2**63 - 1 - rng.getrandbits(20)]),
        )
        expected = divmod(a * b, c)
        if expected[0] <= MAX:
            assert tuple(int(part) for part in mul_div_mod(a, b, c)) == expected, (a, b, c)
            long_ones += a * b > MAX
    assert long_ones > 15_000


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**15), st.integers(1, 9 * 10**18), st.integers(1, 10**18))
def test_the_short_way_of_a_position_and_the_long_one_agree(units, num, den):
    exact = units * num // den
    if exact > MAX:
        return
    assert position_yen(units, num, den, MAX // num) == exact
    assert position_yen(units, num, den, 0) == exact


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**12), weight_lists, st.randoms(use_true_random=False))
def test_shares_are_those_of_the_largest_remainder_whatever_the_order(total, weights, random):
    if sum(weights) == 0:
        weights[0] = 1
    ties = random.sample(range(2**63, 2**63 + 10_000), len(weights))
    shares = shared(total, weights, ties)
    assert shares == largest_remainder(total, weights, ties) and sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - total * weight) < sum(weights), "not within one of the exact share"
    order = random.sample(range(len(weights)), len(weights))
    again = shared(total, [weights[k] for k in order], [ties[k] for k in order])
    assert again == [shares[k] for k in order]


def test_equal_ties_go_to_the_earlier_row_and_no_weight_at_all_to_the_first():
    assert shared(5, [1, 1, 1], [7, 7, 7]) == [2, 2, 1]
    assert shared(5, [1, 1, 1], [9, 7, 8]) == [1, 2, 2]
    assert shared(8, [0, 0, 0], [9, 7, 8]) == [8, 0, 0]
    assert shared(8, [0], [1]) == [8]
    assert shared(0, [3, 4], [1, 2]) == [0, 0]


def python_mix(number):
    """splitmix64, as its author wrote it."""
    z = (number + 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def test_the_mix_is_splitmix64_as_published():
    # the first three outputs of the generator seeded with 0: its state grows by the golden gamma each time
    gamma = 0x9E3779B97F4A7C15
    assert [int(mix(np.uint64(gamma * k % 2**64))) for k in range(3)] == [
        0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F,
    ]


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 2 * 10**9), st.integers(0, 100_000), st.integers(0, 100_000))
def test_the_tie_break_is_the_one_of_the_page(sleeve, instrument, on):
    assert int(tie(sleeve, instrument, on)) == python_mix(((sleeve * 1_000_003 + instrument) * 1_000_003 + on) % 2**64)


def test_the_tie_break_favours_nobody_over_many_days():
    # two equal sleeves share an odd yen on 4,000 days: a fair coin stays within 5 standard deviations (158) of 2,000
    for one, other in ((1, 2), (10, 1_000_010), (7, 8)):
        won = sum(int(tie(one, 3, on)) < int(tie(other, 3, on)) for on in range(20_000, 24_000))
        assert abs(won - 2_000) < 160
    # and who wins today says nothing about tomorrow
    first = [int(tie(1, 3, on)) < int(tie(2, 3, on)) for on in range(20_000, 24_000)]
    repeats = sum(a == b for a, b in zip(first[:-1], first[1:], strict=True))
    assert abs(repeats - 2_000) < 160
    # five sleeves, an odd yen a day: each takes about a fifth
    counts = np.zeros(5, int)
    for on in range(20_000, 24_000):
        counts += shared(1, [1] * 5, [int(tie(sleeve, 9, on)) for sleeve in range(1, 6)])
    assert counts.sum() == 4_000 and abs(counts - 800).max() < 130
