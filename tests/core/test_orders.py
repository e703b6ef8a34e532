"""The decision of one evening, worked out by hand: units of the two funds are worth a yen each, those of the ETF 1,000 yen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import ALL_ETF, BOND, ETF, FUND, books, day, rules, sleeve, weights
from tsutsumi.core.books import order_offsets
from tsutsumi.core.ladder import PLACED, PRICED, PURCHASE, SALE
from tsutsumi.core.orders import BREACH, CALENDAR, CLOSING, FEE, INVEST, MODEL, PAYOUT, STRATEGY, decide

TODAY = "2026-12-02"
PAYS = day("2026-12-08")
CLOSING_STATUS = 1
MODELS = weights()


def market(**changed):
    """Prices of an evening: columns per instrument, row 0 is yen."""
    plain = {
        "num": [1, 1, 1, 1_000], "den": [1, 1, 1, 1], "lot": [1, 1, 1, 10], "limit_price": [1, 1, 1, 1_050_000_000],
        "limit_den": [1, 1, 1, 1_000_000], "pays": [0, PAYS, PAYS, PAYS], "can_order": [False, True, True, True],
        "stops": [False] * 4, "unit_mode": [False, False, False, True],
    }
    columns = {name: np.array(values) for name, values in (plain | changed).items()}
    return columns | {"most_units": (2**63 - 1) // columns["num"]}


def house(cash=0, fund=0, bond=0, etf=0, orders=(), **said):
    positions = [{"sleeve_no": 1, "instrument_no": i, "held_units": units, "cost_yen": units}
                 for i, units in ((FUND, fund), (BOND, bond), (ETF, etf))]
    return books(TODAY, sleeve(1, cash_yen=cash, **said), positions=positions, orders=[{"sleeve_no": 1} | row for row in orders])


def buying(instrument, yen, settles=PAYS, status=PLACED):
    return {"instrument_no": instrument, "side_code": PURCHASE, "asked_yen": yen, "filled_yen": yen * (status == PRICED),
            "settlement_date": settles, "status_code": status}


def selling(instrument, units, settles=PAYS, status=PLACED):
    return {"instrument_no": instrument, "side_code": SALE, "asked_units": units, "filled_yen": units * (status == PRICED),
            "settlement_date": settles, "status_code": status}


def evening(of, needs=0, late=False, has_payout=True, reserve=0, reason=0, on=None, weights=None, costs=(0, 0, 0), **program):
    """The orders as (instrument, side, reason, yen, units), and what is left in the sleeve: rebalanced_date, pending, breach."""
    columns = (np.array([value]) for value in (0, needs, late, has_payout and needs > 0, reserve, reason))
    force = rules(TODAY, program=program, weights=MODELS if weights is None else weights)
    orders, *left = decide(of, order_offsets(of), force, on or market(), *columns, np.array(costs, np.int64))
    names = ("instrument_no", "side_code", "reason_code", "asked_yen", "asked_units")
    return list(zip(*(orders[name].tolist() for name in names), strict=True)), tuple(int(column[0]) for column in left)


def bought(instrument, yen, reason=INVEST):
    return instrument, PURCHASE, reason, yen, 0


def sold(instrument, units, reason):
    return instrument, SALE, reason, 0, units


# ---- cash to invest


def test_new_cash_is_invested_in_the_model_but_for_its_cash_weight():
    assert evening(house(cash=1_000_000)) == ([bought(FUND, 500_000), bought(BOND, 450_000)], (0, 0, 0))


def test_the_most_underweight_comes_first_and_takes_what_there_is():
    # worth 900,000 with gaps of 30,000 and 105,000 less; 75,000 above the cash target
    of = house(cash=120_000, fund=420_000, bond=360_000, rebalanced_date=day(TODAY) - 1)
    assert evening(of)[0] == [bought(FUND, 30_000), bought(BOND, 45_000)]
    of = house(cash=120_000, fund=480_000, bond=300_000, rebalanced_date=day(TODAY) - 1)
    assert evening(of)[0] == [bought(BOND, 75_000)]


def test_needs_lower_the_targets_and_the_reserve_is_not_invested():
    of = house(cash=300_000, fund=400_000, bond=300_000)
    assert evening(of)[0] == [bought(FUND, 100_000), bought(BOND, 150_000)]
    assert evening(of, needs=100_000)[0] == [bought(FUND, 50_000), bought(BOND, 105_000)]
    assert evening(of, reserve=120_000)[0] == [bought(FUND, 30_000), bought(BOND, 150_000)]


def test_what_is_below_the_minimum_trade_stays_in_cash():
    of = house(cash=300_000, fund=400_000, bond=300_000)
    assert evening(of, reserve=140_000)[0] == [bought(FUND, 10_000), bought(BOND, 150_000)]
    assert evening(of, reserve=140_001)[0] == [bought(BOND, 150_000)]
    assert evening(of, reserve=290_001)[0] == []
    assert evening(of, reserve=290_000)[0] == [bought(BOND, 10_000)]


def test_equal_gaps_go_to_the_lower_number_first():
    even = weights(m1=[0, 500_000, 500_000, 0])
    assert evening(house(cash=100_000), reserve=40_000, weights=even)[0] == [bought(FUND, 50_000), bought(BOND, 10_000)]


def test_what_is_under_way_counts_and_is_not_bought_twice():
    of = house(cash=300_000, fund=400_000, bond=300_000, orders=[buying(FUND, 100_000)])
    assert evening(of)[0] == [bought(BOND, 150_000)]
    of = house(cash=1_000_000, orders=[buying(FUND, 500_000), buying(BOND, 450_000)])
    assert evening(of)[0] == []


def test_only_cash_that_is_there_on_the_day_of_payment_is_spent():
    for settles, spent in ((PAYS, [bought(FUND, 100_000), bought(BOND, 150_000)]), (PAYS + 1, [bought(BOND, 100_000)])):
        of = house(cash=100_000, fund=400_000, bond=300_000, receivable_yen=200_000,
                   orders=[selling(ETF, 200_000, settles, PRICED)])
        assert evening(of)[0] == spent
    # a purchase that must be paid later still takes its cash
    of = house(cash=250_000, fund=400_000, bond=300_000, payable_yen=180_000, receivable_yen=230_000,
               orders=[selling(ETF, 230_000, PAYS + 9, PRICED), buying(ETF, 180_000, PAYS + 3, PRICED)])
    assert evening(of)[0] == [bought(BOND, 70_000)]


def test_a_sale_that_is_not_priced_yet_is_no_cash():
    assert evening(house(fund=500_000, bond=400_000, orders=[selling(FUND, 100_000)]))[0] == []


def test_nothing_is_bought_that_cannot_be_ordered_or_is_being_sold():
    of = house(cash=1_000_000)
    assert evening(of, on=market(can_order=[False, False, True, True]))[0] == [bought(BOND, 450_000)]
    of = house(cash=900_000, fund=100_000, orders=[selling(FUND, 1)])
    assert [order[0] for order in evening(of)[0]] == [BOND]


def test_an_amount_that_buys_no_unit_leaves_its_budget_to_the_next():
    # one unit of the fund costs 600,000 yen: its gap of 500,000 buys none
    of, dear = house(cash=1_000_000), market(num=[1, 600_000, 1, 1_000])
    assert evening(of, on=dear)[0] == [bought(BOND, 450_000)]
    assert evening(of, on=market(num=[1, 500_000, 1, 1_000]))[0][0] == bought(FUND, 500_000)


def test_units_are_bought_in_whole_lots_at_the_limit_and_a_yen_beside():
    # the limit is 1,050 yen: 950 units cost 997,500 at most, and the odd yen of the group may fall on this sleeve
    for cash, units in ((1_000_000, 950), (997_501, 950), (997_500, 940)):
        of = house(cash=cash, model_no=ALL_ETF)
        assert evening(of)[0] == [(ETF, PURCHASE, INVEST, units * 1_050 + 1, units)]
    assert evening(house(cash=10_500, model_no=ALL_ETF))[0] == []
    assert evening(house(cash=10_501, model_no=ALL_ETF))[0] == [(ETF, PURCHASE, INVEST, 10_501, 10)]


# ---- rebalancing


def test_a_rebalance_sells_what_is_above_its_target_and_buys_with_known_cash_only():
    of = house(cash=50_000, fund=600_000, bond=350_000)
    assert evening(of) == ([sold(FUND, 100_000, BREACH)], (day(TODAY), 0, FUND))
    of = house(cash=150_000, fund=550_000, bond=300_000)
    assert evening(of)[0] == [sold(FUND, 50_000, BREACH), bought(BOND, 100_000, BREACH)]


def test_a_breach_waits_for_the_cooldown():
    for days, sells in ((19, False), (20, True)):
        of = house(cash=50_000, fund=600_000, bond=350_000, rebalanced_date=day(TODAY) - days)
        orders, (rebalanced, _, breach) = evening(of)
        assert bool(orders) == sells and bool(breach) == sells and rebalanced == day(TODAY) - (0 if sells else days)


def test_nothing_above_its_target_is_no_breach():
    assert evening(house(cash=600_000, fund=200_000, bond=200_000))[1] == (0, 0, 0)


def test_an_instrument_that_left_the_model_is_sold_whole_whatever_its_size_and_lot():
    of = house(cash=50_000, fund=500_000, bond=450_000, etf=7)
    assert evening(of, reason=STRATEGY, minimum_trade_yen=100_000)[0] == [sold(ETF, 7, STRATEGY)]


def test_sales_of_a_rebalance_are_at_least_the_minimum_and_whole_lots_rounded_down():
    half, of = weights(m1=[0, 500_000, 0, 500_000]), house(fund=25_000, etf=75)
    assert evening(of, reason=MODEL, weights=half)[0] == [sold(ETF, 20, MODEL)]
    assert evening(of, reason=MODEL, weights=half, minimum_trade_yen=25_000)[0] == [sold(ETF, 20, MODEL)]
    assert evening(of, reason=MODEL, weights=half, minimum_trade_yen=25_001)[0] == []


def test_a_rebalance_that_could_not_order_is_pending_and_keeps_its_reason():
    closed, of = market(can_order=[False, False, True, True]), house(cash=50_000, fund=600_000, bond=350_000)
    assert evening(of, reason=CALENDAR, on=closed) == ([], (day(TODAY), CALENDAR, 0))
    later = house(cash=50_000, fund=600_000, bond=350_000, pending_code=CALENDAR, rebalanced_date=day(TODAY) - 1)
    assert evening(later) == ([sold(FUND, 100_000, CALENDAR)], (day(TODAY) - 1, 0, 0))
    assert evening(later, on=closed) == ([], (day(TODAY) - 1, CALENDAR, 0))
    changed = house(cash=50_000, fund=600_000, bond=350_000, pending_code=BREACH, rebalanced_date=day(TODAY) - 1)
    assert evening(changed, reason=STRATEGY) == ([sold(FUND, 100_000, STRATEGY)], (day(TODAY), 0, 0))


def test_a_stopped_sleeve_orders_nothing_and_remembers_its_rebalance():
    stop = market(stops=[False, True, False, False])
    of = house(cash=1_000_000, fund=1)
    assert evening(of, on=stop) == ([], (0, 0, 0))
    assert evening(of, reason=MODEL, on=stop) == ([], (day(TODAY), MODEL, 0))
    assert evening(house(cash=1_000_000, orders=[buying(FUND, 5)]), on=stop)[0] == [], "a live order stops as a holding does"
    assert evening(house(cash=1_000_000), on=stop)[0] != [], "what is not held stops nobody"


# ---- cash to raise


def test_a_shortfall_sells_with_a_margin_first_what_is_above_its_target():
    # worth 8,500,000 without the payout: 750,000 and 675,000 above the targets; 1,000,000 / 0.95, rounded up
    of = house(fund=5_000_000, bond=4_500_000)
    assert evening(of, needs=1_000_000)[0] == [sold(FUND, 750_000, PAYOUT), sold(BOND, 302_632, PAYOUT)]
    assert evening(of, needs=1_000_000, has_payout=False)[0] == [sold(FUND, 750_000, FEE), sold(BOND, 302_632, FEE)]


def test_a_need_that_is_still_open_is_raised_with_six_times_the_margin_at_most_a_half():
    of = house(fund=5_000_000, bond=4_500_000)
    # 1,000,000 / 0.7 = 1,428,571.4: both excesses, then 3,572 more of the fund
    assert evening(of, needs=1_000_000, late=True)[0] == [sold(FUND, 753_572, PAYOUT), sold(BOND, 675_000, PAYOUT)]
    # 6 × 10 % is cut to 50 %: 2,000,000, of which 575,000 beyond the excesses
    assert evening(of, needs=1_000_000, late=True, sale_margin_ppm=100_000)[0] == [
        sold(FUND, 1_325_000, PAYOUT), sold(BOND, 675_000, PAYOUT)]


def test_expected_cash_of_earlier_sales_counts_less_half_the_margin():
    for units, sells in ((1_025_642, False), (1_025_641, True)):  # × 0.975 = 1,000,000.95 and 999,999.975
        of = house(fund=6_000_000, bond=4_500_000, orders=[selling(FUND, units)])
        assert bool(evening(of, needs=1_000_000)[0]) == sells
    # short: 1,000,000 − 969,000 = 31,000; / 0.95 = 32,631.6
    of = house(fund=6_000_000, bond=4_500_000, orders=[selling(FUND, 1_020_000)])
    assert sum(order[4] for order in evening(of, needs=1_000_000)[0]) == 32_632
    assert sum(order[4] for order in evening(of, needs=1_000_000, minimum_trade_yen=50_000)[0]) == 50_000


def test_nothing_is_bought_while_cash_is_short():
    of = house(cash=100_000, fund=900_000, bond=0)
    orders = evening(of, needs=200_000, reason=MODEL)[0]
    assert [order[1] for order in orders] == [SALE], "the bond is far below its target, and still"
    assert bought(BOND, 31_000, MODEL) in evening(of, needs=20_000, reason=MODEL)[0]


def test_lots_of_a_shortfall_are_rounded_up_but_never_above_what_is_there():
    etf_only = {"weights": weights(m1=[0, 0, 0, 1_000_000]), "minimum_trade_yen": 1}
    assert evening(house(etf=75), needs=1_000, **etf_only)[0] == [sold(ETF, 10, PAYOUT)]
    assert evening(house(etf=75), needs=10_000, **etf_only)[0] == [sold(ETF, 20, PAYOUT)]
    assert evening(house(etf=75), needs=69_000, **etf_only)[0] == [sold(ETF, 75, PAYOUT)]
    assert evening(house(etf=75, orders=[selling(ETF, 70)]), needs=100_000, **etf_only)[0] == [sold(ETF, 5, PAYOUT)]


def test_the_sales_of_a_rebalance_count_toward_the_shortfall_and_keep_its_reason():
    # 40,000 short asks 42,106; the rebalance sells 120,000 anyway
    of = house(cash=10_000, fund=600_000, bond=400_000)
    assert evening(of, needs=50_000, reason=STRATEGY)[0] == [sold(FUND, 120_000, STRATEGY)]


def test_a_closing_sleeve_sells_all_that_it_is_not_selling_yet_and_buys_nothing():
    of = house(cash=900_000, fund=500, bond=70, etf=3, status_code=CLOSING_STATUS, orders=[selling(FUND, 100)])
    assert evening(of)[0] == [sold(FUND, 400, CLOSING), sold(BOND, 70, CLOSING), sold(ETF, 3, CLOSING)]
    assert evening(of, on=market(can_order=[False, True, False, True]))[0] == [sold(FUND, 400, CLOSING), sold(ETF, 3, CLOSING)]


# ---- whatever comes

units_held = st.tuples(*(st.integers(0, 3_000_000) for _ in range(2)), st.integers(0, 3_000))


@settings(deadline=None, max_examples=150)
@given(units_held, st.integers(0, 2_000_000), st.integers(0, 3_000_000), st.integers(0, 100_000), st.booleans(),
       st.sampled_from([0, STRATEGY, CALENDAR]), st.sampled_from([0, 1, 300_000]))
def test_no_decision_spends_what_is_not_there_or_sells_what_is_not_held(held, cash, needs, reserve, late, reason, under_way):
    orders = [buying(FUND, min(under_way, cash)), selling(BOND, min(held[1], under_way))]
    of = house(cash, *held, orders=orders)
    third = weights(m1=[40_000, 320_000, 320_000, 320_000])
    found, _ = evening(of, needs=needs, late=late, reserve=reserve, reason=reason, weights=third)
    assert len({order[0] for order in found}) == len(found), "two orders in one instrument on one evening"
    free = {FUND: held[0], BOND: held[1] - min(held[1], under_way), ETF: held[2]}
    spent = 0
    for instrument, side, _, yen, units in found:
        if side == SALE:
            assert 0 < units <= free[instrument]
        else:
            spent += yen
            assert yen >= 9_000 and units % (10 if instrument == ETF else 1) == 0
    if spent:
        assert spent <= cash - min(under_way, cash) - needs - reserve


@pytest.mark.parametrize("sleeves", [1, 5])
def test_each_sleeve_is_decided_alone(sleeves):
    numbers = range(1, sleeves + 1)
    of = books(TODAY, *(sleeve(number, cash_yen=200_000 * number) for number in numbers),
               positions=[{"sleeve_no": number, "instrument_no": i} for number in numbers for i in (FUND, BOND)])
    zeros = np.zeros(sleeves, np.int64)
    orders, *_ = decide(
        of, order_offsets(of), rules(TODAY), market(), np.arange(sleeves), zeros, zeros > 0, zeros > 0, zeros, zeros
    )
    assert list(zip(orders["row"].tolist(), orders["asked_yen"].tolist(), strict=True)) == [
        (number - 1, yen * number) for number in numbers for yen in (100_000, 90_000)]
