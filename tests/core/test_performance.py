"""How well a sleeve did: the index chained by hand, and the money-weighted return of a simple year."""

from datetime import date

import numpy as np
import pytest

from tests.core.build import columns, nights
from tsutsumi.core.flows import external_flow
from tsutsumi.core.performance import INDEX_START, chain_index, money_weighted_ppm


def chain(index, value, flow, before):
    return int(chain_index(np.array([index]), np.array([value]), np.array([flow]), np.array([before]))[0])


def test_the_index_is_chained_day_by_day_and_flows_do_not_move_it():
    # +10 %, then a deposit of 500 and +1 %, then a withdrawal of 600 and −50 %
    one = chain(INDEX_START, 1_100, 0, 1_000)
    two = chain(one, 1_611, 500, 1_100)
    three = chain(two, 205, -600, 1_611)
    assert (one, two) == (1_100_000_000_000, 1_111_000_000_000)
    assert three == 1_111_000_000_000 * 805 // 1_611


def test_the_index_is_floored_and_stays_where_nothing_was_invested():
    assert chain(INDEX_START, 1, 0, 3) == 333_333_333_333
    assert chain(7, 1_000, 1_000, 0) == 7 and chain(7, 5, 0, -3) == 7
    assert chain(7, 0, 10, 100) == 7, "worth below zero without the flow: unchanged"
    assert chain(INDEX_START, 0, 0, 100) == 0, "all is lost"


def test_a_product_beyond_sixty_three_bits_is_exact():
    assert chain(10**15, 9 * 10**11, 0, 10**11 * 3) == 3 * 10**15


def test_the_index_before_is_not_written_to():
    before = np.array([INDEX_START])
    chain_index(before, np.array([2]), np.array([0]), np.array([1]))
    assert before.tolist() == [INDEX_START]


def test_twelve_percent_a_year_is_twelve_percent_a_year():
    start, end = date(2025, 1, 1), date(2026, 1, 1)
    assert money_weighted_ppm([start], [100_000], end, 112_000) == 120_000
    # 50,000 more on 2025-07-02, half a year (182 of 365 days) before the end, at the same rate
    later = 50_000 * 1.12 ** (183 / 365)
    assert money_weighted_ppm([start, date(2025, 7, 2)], [100_000, 50_000], end, round(112_000 + later)) == pytest.approx(
        120_000, abs=10
    )
    assert money_weighted_ppm([start, date(2025, 7, 2)], [100_000, -50_000], end, round(112_000 - later)) == pytest.approx(
        120_000, abs=15
    )
    assert money_weighted_ppm([start], [100_000], end, 88_000) == -120_000


@pytest.mark.parametrize(("amounts", "value"), [([], 0), ([100], 0), ([], 100), ([-5], 100)])
def test_no_rate_is_told_where_none_exists(amounts, value):
    assert money_weighted_ppm([date(2025, 1, 1)] * len(amounts), amounts, date(2026, 1, 1), value) is None


def test_a_gain_of_one_day_can_be_too_large_to_tell_as_a_year():
    """Twice the money in a day is 2^365 − 1 a year: no table holds that; what a table holds is told."""
    assert money_weighted_ppm([date(2025, 1, 1)], [100_000], date(2025, 1, 2), 200_000) is None
    assert 10**17 < money_weighted_ppm([date(2025, 1, 1)], [100_000], date(2026, 1, 1), 9 * 10**16) < 2**63


@pytest.mark.parametrize("seed", [0, 1])
def test_profit_of_a_house_is_value_less_money_from_outside(seed):
    """net_flow_yen of each sleeve is the sum of its flows since it opened; only prices, fees and distributions make profit."""
    money = {}
    for night in nights(seed):
        of = night.result.books
        outside = external_flow(night.result.flows, of.row_of_sleeve, of.sleeves["sleeve_no"].size)
        for number, yen in zip(of.sleeves["sleeve_no"].tolist(), outside.tolist(), strict=True):
            money[number] = money.get(number, 0) + yen
        assert all(money[number] == yen for number, yen in columns(of.sleeves, "sleeve_no", "net_flow_yen"))
