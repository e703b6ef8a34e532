"""A rebalance to the band, part of the way or nowhere (core/rebalance_aim.py), by hand: a unit of the two funds is a yen."""

from tests.core.build import BOND, ETF, FUND, day, weights
from tests.core.test_orders import CALENDAR, TODAY, bought, evening, house, market, sold
from tsutsumi.core.ladder import PURCHASE
from tsutsumi.core.orders import BREACH, INVEST, STRATEGY

LONG_AGO = day(TODAY) - 400
# worth 1,000,000: cash 50,000 (5 %), fund 600,000 (50 %), bond 350,000 (45 %); bands of 5 points: fund 450,001 to 549,999,
# bond 400,001 to 499,999, cash 1 to 99,999
DRIFTED = {"cash": 50_000, "fund": 600_000, "bond": 350_000, "rebalanced_date": LONG_AGO}


def test_to_the_target_is_what_a_rebalance_is_without_a_setting():
    assert evening(house(**DRIFTED))[0] == [sold(FUND, 100_000, BREACH)]
    assert evening(house(**DRIFTED), rebalance_fraction_ppm=1_000_000)[0] == [sold(FUND, 100_000, BREACH)]


def test_to_the_edge_sells_just_enough():
    # sell the fund to 549,999 (50,001), buy the bond to 400,001 (50,001): the cash stays what it is
    orders, (rebalanced, pending, breach) = evening(house(**DRIFTED), rebalance_fraction_ppm=0)
    assert orders == [sold(FUND, 50_001, BREACH)] and (rebalanced, pending, breach) == (day(TODAY), 0, FUND)


def test_half_way_from_the_edge_to_the_target():
    # limits half way: fund at most 549,999 − floor(49,999 / 2) = 525,000; bond at least 400,001 + floor(49,999 / 2) = 425,000
    assert evening(house(**DRIFTED), rebalance_fraction_ppm=500_000)[0] == [sold(FUND, 75_000, BREACH)]


def test_a_switch_of_the_strategy_goes_to_the_target_whatever_the_setting():
    assert evening(house(**DRIFTED), reason=STRATEGY, rebalance_fraction_ppm=0)[0] == [sold(FUND, 100_000, STRATEGY)]


def test_the_calendar_goes_to_the_band_too_and_leaves_what_is_inside():
    inside = {"cash": 50_000, "fund": 530_000, "bond": 420_000, "rebalanced_date": LONG_AGO}
    assert evening(house(**inside), reason=CALENDAR, rebalance_fraction_ppm=0)[0] == []
    assert evening(house(**inside), reason=CALENDAR)[0] == [sold(FUND, 30_000, CALENDAR)]


def test_cash_above_its_band_goes_where_most_is_missing():
    # the bond lacks 110,001 to its edge; cash gives 50,001 and the fund 10,001 to theirs, the other 49,999 come half and half from
    # what is then as far above its target: 35,001 of the fund. Bought is what there is above the cash target: 100,000
    rich = {"cash": 150_000, "fund": 560_000, "bond": 290_000, "rebalanced_date": LONG_AGO}
    orders, left = evening(house(**rich), rebalance_fraction_ppm=0)
    assert orders == [sold(FUND, 35_001, BREACH), bought(BOND, 100_000, BREACH)] and left[2] == FUND


def test_what_cannot_be_ordered_stays_and_a_band_that_cannot_be_met_leaves_the_target():
    on = market(can_order=[False, True, False, True])
    # the bond stays at 350,000: with it cash 99,999 and fund 549,999 at most are 999,998 in all, less than there is
    assert evening(house(**DRIFTED), on=on, rebalance_fraction_ppm=0)[0] == [sold(FUND, 100_000, BREACH)]
    near = {"cash": 60_000, "fund": 560_000, "bond": 380_000, "rebalanced_date": LONG_AGO}
    assert evening(house(**near), on=on, rebalance_fraction_ppm=0)[0] == [sold(FUND, 10_001, BREACH)]


def test_by_the_flow_alone_neither_drift_nor_calendar_sells():
    for reason in (0, CALENDAR):
        orders, left = evening(house(**DRIFTED), reason=reason, rebalance_fraction_ppm=-1)
        assert orders == [] and left == (LONG_AGO, 0, 0)
    assert evening(house(**DRIFTED, pending_code=BREACH), rebalance_fraction_ppm=-1) == ([], (LONG_AGO, 0, 0))
    assert evening(house(**DRIFTED), reason=STRATEGY, rebalance_fraction_ppm=-1)[0] == [sold(FUND, 100_000, STRATEGY)]
    assert evening(house(**DRIFTED | {"cash": 250_000}), rebalance_fraction_ppm=-1)[0] == [bought(BOND, 190_000)]


# ---- with the tax in mind: a stretch of 1 % of 1,000,000 is 10,000 yen, so 3 % of tax weigh as much as 30,000 yen from the target


def weighed(fund_cost, bond_cost=0, **said):
    setting = {"rebalance_fraction_ppm": 0, "rebalance_stretch_ppm": 10_000}
    return evening(house(**DRIFTED), costs=(fund_cost, bond_cost, 0), **setting, **said)[0]


def test_without_a_cost_the_rebalance_goes_to_the_target():
    assert weighed(0) == [sold(FUND, 100_000, BREACH)]


def test_a_tax_leaves_the_fund_above_its_target_and_the_others_below():
    # distances: fund x + 30,000, bond and cash x each, in all 0: x = -10,000; the fund keeps 520,000
    assert weighed(30_000) == [sold(FUND, 80_000, BREACH)]


def test_the_band_is_kept_whatever_the_tax():
    # 8 %: x = -26,667 would leave the fund at 553,333, outside; 549,999 is the last yen inside
    assert weighed(80_000) == [sold(FUND, 50_001, BREACH)]
    assert weighed(1_000_000) == [sold(FUND, 50_001, BREACH)]


def test_a_cost_of_what_is_bought_costs_nothing():
    assert weighed(0, bond_cost=80_000) == [sold(FUND, 100_000, BREACH)]


def test_a_switch_of_the_strategy_does_not_ask_for_the_tax():
    assert weighed(80_000, reason=STRATEGY) == [sold(FUND, 100_000, STRATEGY)]


def test_by_tax_what_cannot_be_ordered_stays_and_the_others_go_part_of_the_way():
    # the bond stays at 420,000; half way the fund may keep 525,000 and the cash 75,000: levelled, both end 15,000 above target
    on, drifted = market(can_order=[False, True, False, True]), {"cash": 20_000, "fund": 560_000, "bond": 420_000}
    settings = {"rebalance_fraction_ppm": 500_000, "rebalance_stretch_ppm": 10_000}
    orders, (_, pending, _) = evening(house(**drifted, rebalanced_date=LONG_AGO), on=on, **settings)
    assert orders == [sold(FUND, 45_000, BREACH)] and pending == 0


def test_a_program_of_flows_alone_does_not_remember_the_calendar_of_an_evening_on_which_a_price_stopped_it():
    stopped = market(can_order=[False, True, True, True], stops=[False, True, False, False])
    orders, (rebalanced, pending, _) = evening(house(**DRIFTED), reason=CALENDAR, on=stopped, rebalance_fraction_ppm=-1)
    assert orders == [] and (rebalanced, pending) == (LONG_AGO, 0)
    orders, (rebalanced, pending, _) = evening(house(**DRIFTED), reason=CALENDAR, on=stopped)
    assert orders == [] and (rebalanced, pending) == (day(TODAY), CALENDAR)


# ---- whole lots: ten units of 1,000 yen, 10,500 at the limit


def lots(weight, nearest, reason=0, **holds):
    model = weights(m1=[1_000_000 - weight, 0, 0, weight])
    return evening(house(rebalanced_date=LONG_AGO, **holds), reason=reason, weights=model, lots_nearest=nearest)[0]


def test_a_purchase_reaches_the_nearest_lots_if_there_is_cash_for_the_limit():
    # 2 % of 1,000,000 are two lots; 20,000 yen at the limit are one. The fund cannot be bought today: its 50,000 are there
    on, of = market(can_order=[False, False, True, True]), house(cash=1_000_000)
    model = weights(m1=[930_000, 50_000, 0, 20_000])
    assert evening(of, weights=model, on=on)[0] == [(ETF, PURCHASE, INVEST, 10_501, 10)]
    assert evening(of, weights=model, on=on, lots_nearest=1)[0] == [(ETF, PURCHASE, INVEST, 21_001, 20)]
    # without it the cash keeps its own target
    assert lots(20_000, 1, cash=1_000_000) == [(ETF, PURCHASE, INVEST, 10_501, 10)]


def test_a_rebalance_sells_down_to_the_nearest_lots_within_the_target():
    # seven lots for a target of 45,000: four are 5,000 below; rounding the sale of 25,000 down would leave five
    assert lots(45_000, 0, CALENDAR, cash=930_000, etf=70) == [sold(ETF, 20, CALENDAR)]
    assert lots(45_000, 1, CALENDAR, cash=930_000, etf=70) == [sold(ETF, 30, CALENDAR)]


def test_without_a_rebalance_nothing_is_sold_for_the_sake_of_lots():
    assert lots(45_000, 1, cash=930_000, etf=70) == []


def test_what_cannot_be_ordered_keeps_its_lots_and_the_rebalance_waits_for_it():
    on = market(can_order=[False, True, True, False])
    of = house(rebalanced_date=LONG_AGO, cash=930_000, etf=70)
    for weight, reason in ((45_000, CALENDAR), (0, STRATEGY)):  # a strategy without it leaves none behind
        model = weights(m1=[1_000_000 - weight, 0, 0, weight])
        orders, (_, pending, _) = evening(of, reason=reason, weights=model, on=on, lots_nearest=1)
        assert orders == [] and pending == reason
