"""What a sale costs: the tax of the account's average cost and the levy, with figures worked out by hand."""

from datetime import date

import numpy as np
import pytest

from tests.core.build import BOND, ETF, FUND, books, rules, sleeve
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.sale_costs import sale_costs, sale_tax_rate_ppm

TODAY = "2026-12-02"
MARKET = {"num": np.array([1, 1, 3, 1_000]), "den": np.array([1, 1, 2, 1])}
MARKET |= {"most_units": (2**63 - 1) // MARKET["num"]}


def held(number, instrument, units, cost):
    return {"sleeve_no": number, "instrument_no": instrument, "held_units": units, "cost_yen": cost}


def costs(of, rows=(0, 1), rates=(0, 203_150, 203_150), levy=(0, 0, 0, 0), stretch=10_000):
    force = rules(TODAY, program={"rebalance_stretch_ppm": stretch}, tax_rate_ppm=np.array(rates))
    force.instruments["levy_ppm"] = np.array(levy)
    return sale_costs(of, force, MARKET, np.array(rows)).tolist()


def two_sleeves(first_cost=600, second_cost=400):
    return books(TODAY, sleeve(1), sleeve(3), positions=[held(1, FUND, 1_000, first_cost), held(1, BOND, 2_000, 4_000),
                                                         held(3, FUND, 1_000, second_cost), held(3, ETF, 5, 0)])


def test_the_gain_is_the_accounts_whatever_the_sleeve_paid():
    # 2,000 units of the fund for 1,000 yen, worth 2,000: half is gain; the bond is worth 3,000, bought for 4,000; the ETF was free
    assert costs(two_sleeves()) == [101_575, 0, 101_575, 203_150]


def test_the_levy_comes_on_top_and_no_sale_costs_more_than_it_brings():
    assert costs(two_sleeves(), levy=(0, 3_000, 3_000, 900_000)) == [104_575, 3_000, 104_575, 1_000_000]


def test_the_rate_is_the_accounts():
    assert costs(two_sleeves(), rates=(0, 0, 203_150)) == [0, 0, 0, 0]


def test_the_ratio_is_cut():
    # a third of 300 is gain … floor(203,150 × 100 / 300) = 67,716
    of = books(TODAY, sleeve(1), positions=[held(1, FUND, 300, 200)])
    assert costs(of, rows=(0,)) == [67_716]


def test_only_sleeves_that_are_decided_on_and_ask_for_it_are_told():
    assert costs(two_sleeves(), rows=(1,)) == [0, 0, 101_575, 203_150]
    assert costs(two_sleeves(), stretch=0) == [0]


@pytest.mark.parametrize(("tax_class", "on", "rate"), [
    ("specific", date(2013, 12, 31), 101_470), ("specific", date(2014, 1, 1), 203_150), ("general", date(2026, 4, 1), 203_150),
    ("nisa", date(2026, 4, 1), 0), ("specific", date(2012, 12, 31), 100_000), ("specific", date(2002, 12, 31), 0),
])
def test_the_rate_in_force(tax_class, on, rate):
    assert sale_tax_rate_ppm(tax_class, epoch_day(on)) == rate
