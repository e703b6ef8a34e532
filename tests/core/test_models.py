"""Model portfolios that hold models: exact on the way down, whole ppm at the end, and nothing without an approval."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import nights
from tsutsumi.core.models import flatten

MILLION = 1_000_000


def test_a_plain_model_is_its_lines_cash_under_zero_and_zeros_left_out():
    assert flatten(1, {1: [(0, None, 50_000), (7, None, 950_000), (8, None, 0)]}) == {0: 50_000, 7: 950_000}
    assert flatten(1, {1: [(7, None, 400_000), (7, None, 600_000)]}) == {7: MILLION}, "two lines of one instrument"


def test_a_model_of_models_multiplies_exactly_three_levels_down():
    # 500,001 × 333,333 × 999,999 / 10^12 = 166,666.67 ppm of instrument 5: floored step by step it would be 166,665
    lines = {1: [(None, 2, 500_001), (9, None, 499_999)], 2: [(None, 3, 333_333), (9, None, 666_667)],
             3: [(5, None, 999_999), (9, None, 1)]}
    exact = Fraction(500_001 * 333_333 * 999_999, MILLION**2)
    assert exact - exact // 1 > Fraction(1, 2), "its fraction is the larger one, so it gets the odd ppm"
    assert flatten(1, lines) == {5: 166_667, 9: 833_333}


def test_the_last_ppm_go_to_the_largest_fractions_and_ties_to_the_lower_number():
    # a third of three equal instruments: 333,333.0 each of 999,999 and cash 1: nothing is left to share
    even = {1: [(None, 2, MILLION)], 2: [(7, None, 333_333), (5, None, 333_333), (6, None, 333_334)]}
    assert flatten(1, even) == {5: 333_333, 6: 333_334, 7: 333_333}
    # halves of odd weights: .5 each, one ppm to share, to the lower number
    halves = {1: [(None, 2, 500_000), (9, None, 500_000)], 2: [(8, None, 333_333), (4, None, 666_667)]}
    assert flatten(1, halves) == {4: 333_334, 8: 166_666, 9: 500_000}
    # .7 and .3: the larger fraction, whatever the number
    parts = {1: [(None, 2, 100_000), (9, None, 900_000)], 2: [(4, None, 300_003), (8, None, 699_997)]}
    assert flatten(1, parts) == {4: 30_000, 8: 70_000, 9: 900_000}


def test_a_circle_is_refused_and_a_model_held_twice_is_not_one():
    with pytest.raises(ValueError, match="model 1 holds itself .* take the circle out"):
        flatten(1, {1: [(None, 2, MILLION)], 2: [(None, 1, MILLION)]})
    with pytest.raises(ValueError, match="model 2 holds itself"):
        flatten(1, {1: [(None, 2, MILLION)], 2: [(None, 2, MILLION)]})
    diamond = {
        1: [(None, 2, 500_000), (None, 3, 500_000)],
        2: [(None, 4, MILLION)],
        3: [(None, 4, MILLION)],
        4: [(7, None, MILLION)],
    }
    assert flatten(1, diamond) == {7: MILLION}


def test_a_model_without_an_approved_version_is_refused_by_name():
    with pytest.raises(ValueError, match="model 2 has no approved version in force but is held by .*1.*: approve one first"):
        flatten(1, {1: [(None, 2, MILLION)]})


def weights_of(draw, numbers):
    cuts = sorted(draw(st.lists(st.integers(0, MILLION), min_size=len(numbers) - 1, max_size=len(numbers) - 1)))
    return [high - low for low, high in zip([0, *cuts], [*cuts, MILLION], strict=True)]


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_weights_are_a_million_together_and_within_one_of_the_exact_ones(data):
    leaves = {model: list(zip(range(6), weights_of(data.draw, range(6)), strict=True)) for model in (2, 3, 4)}
    top = weights_of(data.draw, (2, 3, 4))
    lines = {model: [(i, None, ppm) for i, ppm in of] for model, of in leaves.items()}
    lines[1] = [(None, model, ppm) for model, ppm in zip((2, 3, 4), top, strict=True)]
    flat = flatten(1, lines)
    assert sum(flat.values()) == MILLION
    for i in range(6):
        exact = sum(Fraction(ppm * dict(leaves[model])[i], MILLION) for model, ppm in zip((2, 3, 4), top, strict=True))
        assert abs(flat.get(i, 0) - exact) < 1
    assert flatten(1, {model: of[::-1] for model, of in lines.items()}) == flat, "the order of the lines matters"


def test_a_version_that_is_not_approved_is_not_in_force():
    unapproved = 0
    for seed in range(6):
        tables, weights = nights(seed)[0].reference.tables, nights(seed)[-1].gathered.rules.weights
        assert set(weights[1:].sum(axis=1)) <= {0, MILLION}
        approved = {(row["model_no"], row["version"]) for row in tables["model_versions"] if row["approved_by"]}
        unapproved += len(tables["model_versions"]) - len(approved)
        for model in range(1, weights.shape[0]):
            versions = {version for number, version in approved if number == model}
            lines = [row for row in tables["model_weights"] if row["model_no"] == model and row["version"] in versions]
            if all(row["instrument_no"] is not None for row in lines):
                offered = [{row["instrument_no"]: row["weight_ppm"] for row in lines if row["version"] == v} for v in versions]
                assert {i: int(ppm) for i, ppm in enumerate(weights[model]) if ppm} in offered
    assert unapproved > 0
