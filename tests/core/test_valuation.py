"""The value of a sleeve against Python's own integers, also where units × price pass 2^63, and who must be looked at tonight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import nights
from tsutsumi.core.valuation import most_units, value_sleeves

BANDS = {
    "band_absolute_ppm": np.array([0, 50_000]),
    "band_relative_ppm": np.array([0, 0]),
    "minimum_trade_yen": np.array([0, 10_000]),
}


def value(held, cash=0, receivable=0, payable=0, num=(1, 1, 1), den=(1, 1, 1), weights=((0, 0, 0), (0, 500_000, 500_000))):
    """One sleeve that holds `held` units of instruments 1, 2, …"""
    one = {"program_no": 1, "model_no": 1, "cash_yen": cash, "receivable_yen": receivable, "payable_yen": payable}
    sleeves = {name: np.array([number], np.int64) for name, number in one.items()}
    positions = {"instrument_no": np.arange(1, len(held) + 1, dtype=np.int32), "held_units": np.array(held, np.int64)}
    prices = {"num": np.array(num, np.int64), "den": np.array(den, np.int64)}
    prices["most_units"] = most_units(prices["num"])
    told = value_sleeves(np.array([0, len(held)]), positions, sleeves, prices, np.array(weights, np.int32), BANDS)
    return tuple(column[0] for column in told)


def test_each_position_is_cut_to_whole_yen():
    # 999 units at 12,345 a 10,000: 1,233.27; twice 1,233, not 2,466.5
    assert value((999, 999), cash=10, receivable=5, payable=3, num=(1, 2_469, 2_469), den=(1, 2_000, 2_000))[:2] == (2_466, 2_478)


def test_a_value_below_zero_is_told_as_it_is():
    assert value((1, 0), payable=3)[:2] == (1, -2)


def test_products_beyond_sixty_three_bits_are_exact():
    # 10^15 units of a foreign fund: 123,456,789.01 a 10,000 units at 157.25 yen: units × num is far above 2^63
    num, den = 12_345_678_901 * 15_725, 10**2 * 10_000 * 10**2
    units = 10**12 + 7
    assert units * num > 2**63
    assert value((units, 0), num=(1, num, 1), den=(1, den, 1))[0] == units * num // den


amounts = st.integers(0, 10**12)


@settings(deadline=None, max_examples=120)
@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 10**15), st.integers(1, 10**9)), min_size=1, max_size=4),
    amounts,
    amounts,
)
def test_the_value_is_that_of_pythons_integers(held, cash, payable):
    held = [(units, num, max(den, units * num // 10**12 + 1)) for units, num, den in held]  # within the range of a position
    units, num, den = zip(*held, strict=True)
    count = len(held) + 1
    positions, whole, _ = value(units, cash, 0, payable, (1, *num), (1, *den), np.zeros((2, count), np.int32))
    assert positions == sum(u * n // d for u, n, d in held)
    assert whole == positions + cash - payable


@pytest.mark.parametrize(("held", "cash", "payable", "look"), [
    ((500_000, 500_000), 0, 0, False), ((549_999, 450_001), 0, 0, False), ((550_000, 450_000), 0, 0, True),
    ((500_000, 500_000), 9_999, 0, False), ((500_000, 500_000), 10_000, 0, True), ((500_000, 500_000), 0, 1, True),
    ((0, 0), 0, 0, False),
])
def test_a_sleeve_is_looked_at_for_drift_for_cash_and_for_debt(held, cash, payable, look):
    assert value(held, cash, 0, payable)[2] == look


def test_the_cash_that_a_model_wants_is_no_reason_to_look():
    wants = ((0, 0, 0), (50_000, 475_000, 475_000))
    assert not value((475_000, 475_000), 50_000, weights=wants)[2]
    assert value((475_000, 475_000), 62_000, weights=wants)[2]


@pytest.mark.parametrize("seed", [0, 1])
def test_every_sleeve_of_a_house_is_worth_the_sum_of_its_parts(seed):
    for night in nights(seed)[::6]:
        of, market = night.result.books, night.gathered.inputs.market
        worth = dict.fromkeys(of.sleeves["sleeve_no"].tolist(), 0)
        for number, i, units in zip(
            *(of.positions[name].tolist() for name in ("sleeve_no", "instrument_no", "held_units")), strict=True
        ):
            worth[number] += units * int(market.num[i]) // int(market.den[i])
        assert of.sleeves["positions_yen"].tolist() == list(worth.values())
        own = of.sleeves["positions_yen"] + of.sleeves["cash_yen"] + of.sleeves["receivable_yen"] - of.sleeves["payable_yen"]
        assert np.array_equal(own, of.sleeves["value_yen"])
