"""The one place that rounds, against exact fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsutsumi.core.units import ROUNDING_MODES, floor_div, largest_remainder, round_fraction, round_yen

numerators = st.integers(min_value=-(10**30), max_value=10**30)
denominators = st.integers(min_value=1, max_value=10**20)


@pytest.mark.parametrize(
    ("numerator", "down", "up", "half_up", "half_even"),
    [
        (0, 0, 0, 0, 0),
        (1, 0, 1, 0, 0),
        (2, 0, 1, 1, 0),
        (3, 0, 1, 1, 1),
        (4, 1, 1, 1, 1),
        (6, 1, 2, 2, 2),
        (10, 2, 3, 3, 2),
    ],
)
def test_quarters_round_as_the_modes_say_on_both_sides_of_zero(numerator, down, up, half_up, half_even):
    expected = [down, up, half_up, half_even]
    assert [round_fraction(numerator, 4, mode) for mode in ROUNDING_MODES] == expected
    assert [round_fraction(-numerator, 4, mode) for mode in ROUNDING_MODES] == [-yen for yen in expected]


@given(numerators, denominators)
def test_every_mode_stays_within_its_distance(numerator, denominator):
    exact = Fraction(numerator, denominator)
    assert 0 <= abs(exact) - abs(round_yen(exact, "down")) < 1
    assert 0 <= abs(round_yen(exact, "up")) - abs(exact) < 1
    assert abs(round_yen(exact, "half-up") - exact) <= Fraction(1, 2)
    assert round_yen(exact, "half-even") == round(exact)
    assert floor_div(numerator, denominator) <= exact < floor_div(numerator, denominator) + 1


def test_an_unknown_mode_and_a_bad_denominator_are_refused():
    with pytest.raises(ValueError, match="nearest"):
        round_fraction(1, 2, "nearest")
    for bad in (0, -2):
        with pytest.raises(ValueError, match="above 0"):
            round_fraction(1, bad, "down")
        with pytest.raises(ValueError, match="above 0"):
            floor_div(1, bad)


@given(numerators, st.lists(st.integers(min_value=0, max_value=10**15), min_size=1, max_size=8), st.randoms())
def test_shares_sum_to_the_total_and_do_not_depend_on_the_order(total, weights, random):
    if sum(weights) == 0:
        weights[0] = 1
    parties = list(enumerate(weights))
    shares = dict(zip(range(len(weights)), largest_remainder(total, weights, range(len(weights))), strict=True))
    assert sum(shares.values()) == total
    for i, weight in parties:
        assert abs(shares[i] - Fraction(total * weight, sum(weights))) < 1
        assert weight or shares[i] == 0
    random.shuffle(parties)
    again = largest_remainder(total, [weight for _, weight in parties], [i for i, _ in parties])
    assert {i: share for (i, _), share in zip(parties, again, strict=True)} == shares


def test_a_tie_goes_to_the_smaller_key():
    assert largest_remainder(5, [1, 1, 1, 1], [3, 1, 2, 0]) == [1, 1, 1, 2]
    assert largest_remainder(-5, [1, 1, 1, 1], [3, 1, 2, 0]) == [-1, -1, -1, -2]


def test_sharing_refuses_what_it_cannot_share():
    assert largest_remainder(0, [0, 0], [1, 2]) == [0, 0]
    assert largest_remainder(0, [], []) == []
    for weights, keys, word in [([0, 0], [1, 2], "every weight"), ([1, -1], [1, 2], "negative"), ([1], [], "key")]:
        with pytest.raises(ValueError, match=word):
            largest_remainder(1, weights, keys)
