"""The close as a function: twice the same, nothing given is changed, a broken invariant stops it; the steps on a small house.

Names core/evening.py, core/filling.py and core/deciding.py: the parts of the day.
"""

from dataclasses import replace

import numpy as np
import pytest

from tests.core.build import (
    BOND,
    ETF,
    FUND,
    books,
    columns,
    day,
    event,
    instruments,
    nights,
    rows,
    rules,
    same,
    sleeve,
    weights,
)
from tests.core.test_partitions import differences
from tsutsumi.core.allocation import form_blocks, share_partial_fills
from tsutsumi.core.books import STATE_TABLES, add_layout
from tsutsumi.core.day import Inputs, close
from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED, PURCHASE, SALE, SETTLED
from tsutsumi.core.market import initial_market, market_of_day
from tsutsumi.core.orders import CALENDAR, INVEST, MODEL
from tsutsumi.core.schema import take
from tsutsumi.run.day_run import run_day

YESTERDAY, TODAY = "2026-12-01", "2026-12-02"
PRICES = {FUND: 10_000, BOND: 10_000, ETF: 1_000}


def kept(of):
    """The books as values that no later writing reaches."""
    return replace(of, **{table: {name: column.copy() for name, column in getattr(of, table).items()} for table in STATE_TABLES})


# ---- a function


@pytest.mark.parametrize("seed", [0, 1])
def test_a_day_closed_twice_gives_the_same_and_leaves_what_it_was_given(seed):
    for night in nights(seed)[3::9]:
        before, events = kept(night.before), {name: column.copy() for name, column in night.gathered.inputs.events.items()}
        assert differences(run_day(night.before, night.gathered, {}), night.result) == []
        assert same(night.before, before) == [], f"house {seed}: the books of the day before were written to"
        assert all(np.array_equal(events[name], night.gathered.inputs.events[name]) for name in events)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_in_which_the_custodian_answers_does_not_matter(seed):
    tried = 0
    for night in nights(seed):
        fills, allocated = night.gathered.inputs.fills, night.gathered.inputs.allocated
        if fills["price"].size > 3:
            backwards = {"fills": take(fills, np.arange(fills["price"].size)[::-1]),
                         "allocated": take(allocated, np.arange(allocated["units"].size)[::-1])}
            again = run_day(night.before, replace(night.gathered, inputs=replace(night.gathered.inputs, **backwards)), {})
            assert differences(again, night.result) == []
            tried += 1
        if tried == 8:
            break
    assert tried > 3


def test_events_of_different_accounts_can_come_in_any_order():
    tried = 0
    for night in nights(1):
        events, inputs = night.gathered.inputs.events, night.gathered.inputs
        if np.unique(events["account_no"]).size > 2:
            order = np.argsort(-events["account_no"].astype(np.int64), kind="stable")  # of one account they keep their order
            again = run_day(night.before, replace(night.gathered, inputs=replace(inputs, events=take(events, order))), {})
            assert [name for name in differences(again, night.result) if not name.startswith("inputs.")] == []
            tried += 1
        if tried == 6:
            break
    assert tried > 2


# ---- a small house


def market(on, prices, state=None, splits=None):
    force = rules(on)
    start = initial_market(instruments()) if state is None else state
    return market_of_day(force.day, force.day_index, force.timeline, instruments(), start, prices, {}, splits or {})


def house(*sleeves, **tables):
    """Books of yesterday with a row for whatever is held, wanted or on order, and yesterday's prices."""
    of = add_layout(books(YESTERDAY, *sleeves, **tables), weights())
    worth = np.zeros(of.sleeves["sleeve_no"].size, np.int64)
    price = np.array([0, 1, 1, 1_000])
    np.add.at(worth, of.row_of_sleeve[of.positions["sleeve_no"]], of.positions["held_units"] * price[of.positions["instrument_no"]])
    of.sleeves["positions_yen"] = worth
    of.sleeves["value_yen"] = worth + of.sleeves["cash_yen"] + of.sleeves["receivable_yen"] - of.sleeves["payable_yen"]
    return replace(of, market=market(YESTERDAY, PRICES).state)


def shut(of, *events, prices=PRICES, fills=(), splits=None, distributions=None, **force):
    answers = rows("block_fills", *fills)
    told = market(TODAY, prices, of.market, splits)
    allocated = share_partial_fills(of.orders, answers, instruments()["lot_units"], day(TODAY))
    return close(
        of, rules(TODAY, **force), Inputs(told, rows("events", *events), answers, allocated, splits or {}, distributions or {})
    )


def live(instrument, side, **said):
    plain = {"sleeve_no": 1, "instrument_no": instrument, "side_code": side, "custodian_no": 4, "decided_date": day("2026-11-30"),
             "placed_date": day(YESTERDAY), "priced_date": day(TODAY), "settlement_date": day("2026-12-04")}
    return plain | said


def answer(instrument, side, price, **said):
    plain = {"custodian_no": 4, "instrument_no": instrument, "side_code": side, "placed_date": day(YESTERDAY), "price": price,
             "fx_ppm": 1_000_000, "filled_units": -1, "settlement_date": day("2026-12-04")}
    return plain | said


def told(closed):
    return [(alert.kind, alert.subject_kind, alert.subject_no) for alert in closed.alerts]


def orders(closed, *names):
    return columns(closed.orders, "instrument_no", "status_code", *names)


def test_an_order_is_filled_today_and_settles_on_its_day():
    of = house(sleeve(1, cash_yen=500_000), orders=[live(FUND, PURCHASE, asked_yen=250_000)])
    closed = shut(of, fills=[answer(FUND, PURCHASE, 12_500)], prices=PRICES | {FUND: 12_500})
    assert (FUND, PRICED, 200_000, 250_000) in orders(closed, "filled_units", "filled_yen")
    assert columns(closed.books.sleeves, "cash_yen", "payable_yen", "positions_yen", "value_yen") == [
        (500_000, 250_000, 250_000, 500_000)
    ]
    assert told(closed) == []
    # the index: 500,000 of 500,000; the price of the purchase is not a gain
    assert columns(closed.books.sleeves, "twr_index", "net_flow_yen") == [(10**12, 0)]


def test_what_settles_today_is_cash_before_anything_else():
    of = house(
        sleeve(1, receivable_yen=300_000),
        payouts=[
            {
                "sleeve_no": 1,
                "kind_code": 1,
                "event_no": 1,
                "amount_yen": 300_000,
                "promised_date": day(TODAY),
                "requested_date": day(YESTERDAY),
            }
        ],
        orders=[live(FUND, SALE, status_code=PRICED, filled_yen=300_000, settlement_date=day(TODAY))],
    )
    closed = shut(of)
    assert orders(closed) == [(FUND, SETTLED)] and columns(closed.flows, "amount_yen") == [(-300_000,)]
    assert columns(closed.books.sleeves, "cash_yen", "value_yen") == [(0, 0)] and closed.books.orders["sleeve_no"].size == 0


def test_an_order_without_a_price_takes_the_next_one_and_its_settlement_moves():
    of = house(sleeve(1, cash_yen=500_000), orders=[live(FUND, PURCHASE, asked_yen=250_000)])
    closed = shut(of, prices={BOND: 10_000, ETF: 1_000})
    assert orders(closed, "priced_date", "settlement_date", "wait_count") == [
        (FUND, PLACED, day("2026-12-03"), day("2026-12-07"), 1)
    ]
    assert told(closed) == [("order_waits", "sleeve", 1)]
    closed = shut(of)
    assert orders(closed, "priced_date", "wait_count")[0] == (FUND, PLACED, day("2026-12-03"), 1)
    assert told(closed) == [("fill_missing", "sleeve", 1)]


def test_a_fill_at_another_price_than_ours_is_a_break_and_is_booked_as_told():
    of = house(sleeve(1, cash_yen=500_000), orders=[live(FUND, PURCHASE, asked_yen=250_000)])
    closed = shut(of, fills=[answer(FUND, PURCHASE, 12_500)])
    assert told(closed) == [("break", "instrument", FUND)]
    assert (FUND, PRICED, 200_000) in orders(closed, "filled_units")


def test_an_order_that_got_nothing_is_cancelled_and_decided_anew():
    of = house(sleeve(1, cash_yen=200_000, model_no=2), orders=[live(ETF, PURCHASE, asked_yen=105_001, asked_units=100)])
    closed = shut(of, fills=[answer(ETF, PURCHASE, 1_000, filled_units=0)])
    assert told(closed) == [("order_cancelled", "sleeve", 1)]
    assert orders(closed, "asked_units") == [(ETF, CANCELLED, 100), (ETF, PLACED, 190)]


def test_a_split_cancels_unpriced_orders_and_changes_units_but_not_costs():
    of = house(sleeve(1, cash_yen=1_000), orders=[live(FUND, SALE, asked_units=100), live(BOND, SALE, asked_units=7)],
               positions=[{"sleeve_no": 1, "instrument_no": i, "held_units": 1_000, "cost_yen": 900} for i in (FUND, BOND)])
    closed = shut(of, prices=PRICES | {FUND: 5_000}, splits={FUND: (1, 2)}, fills=[answer(BOND, SALE, 10_000)])
    assert (FUND, CANCELLED) in orders(closed) and (BOND, PRICED) in orders(closed)
    assert ("order_cancelled", "sleeve", 1) in told(closed)
    held = columns(closed.books.positions, "instrument_no", "held_units", "cost_yen")
    assert (FUND, 2_000, 900) in held and (BOND, 993, 894) in held
    assert columns(closed.books.sleeves, "value_yen", "twr_index") == [(3_000, 10**12)]


def test_a_distribution_is_cash_of_today_and_profit_not_money_from_outside():
    of = house(sleeve(1, cash_yen=1_000), positions=[{"sleeve_no": 1, "instrument_no": FUND, "held_units": 1_000, "cost_yen": 900}])
    closed = shut(of, distributions={FUND: (3, 10)})
    assert columns(closed.books.sleeves, "cash_yen", "net_flow_yen", "twr_index") == [(1_300, 0, 1_150_000_000_000)]


def test_money_that_comes_in_is_ordered_tonight_for_the_days_of_the_timeline():
    closed = shut(house(sleeve(1)), event(7, "deposit", sleeve_no=1, amount_yen=1_000_000))
    names = ("side_code", "reason_code", "asked_yen", "placed_date", "priced_date", "settlement_date", "custodian_no")
    placed = day("2026-12-03")
    assert orders(closed, *names) == [
        (FUND, PLACED, PURCHASE, INVEST, 500_000, placed, day("2026-12-04"), day("2026-12-08"), 4),
        (BOND, PLACED, PURCHASE, INVEST, 450_000, placed, placed, day("2026-12-07"), 4)]
    assert columns(closed.books.sleeves, "net_flow_yen", "twr_index") == [(1_000_000, 10**12)] and closed.processed == {7}
    assert columns(closed.blocks, "instrument_no", "asked_yen") == [(FUND, 500_000), (BOND, 450_000)]


def test_nothing_is_ordered_for_a_day_on_which_it_cannot_be():
    deposit = event(7, "deposit", sleeve_no=1, amount_yen=1_000_000)
    closed = shut(house(sleeve(1)), deposit, no_order_days=[(FUND, day("2026-12-03"))])
    assert [row[0] for row in orders(closed)] == [BOND]
    closed = shut(house(sleeve(1)), deposit, prices={FUND: 10_000, ETF: 1_000})
    assert [row[0] for row in orders(closed)] == [FUND], "without a price tonight nothing is bought"


def test_a_new_version_of_a_model_and_the_calendar_are_reasons_to_rebalance():
    held = [
        {"sleeve_no": 1, "instrument_no": i, "held_units": units, "cost_yen": units}
        for i, units in ((FUND, 500_000), (BOND, 450_000))
    ]
    of = house(sleeve(1, cash_yen=50_000), positions=held)
    closed = shut(of, weights=weights(m1=[50_000, 480_000, 470_000, 0]), weights_before=weights())
    assert orders(closed, "reason_code", "asked_units") == [(FUND, PLACED, MODEL, 20_000)]
    of = house(sleeve(1, cash_yen=50_000, rebalanced_date=day(YESTERDAY)),
               positions=[held[0] | {"held_units": 520_000}, held[1] | {"held_units": 430_000}])
    assert orders(shut(of)) == [], "two points off are within the band"
    closed = shut(of, rebalance_today=np.array([False, True]))
    assert orders(closed, "reason_code", "asked_units") == [(FUND, PLACED, CALENDAR, 20_000)]


def test_a_breach_is_told_with_its_parts():
    held = [
        {"sleeve_no": 1, "instrument_no": i, "held_units": units, "cost_yen": units}
        for i, units in ((FUND, 600_000), (BOND, 350_000))
    ]
    closed = shut(house(sleeve(1, cash_yen=50_000), positions=held))
    assert told(closed) == [("drift", "sleeve", 1)] and "carried" in closed.alerts[0].cause and "10.00" in closed.alerts[0].cause


# ---- what must not leave


def test_a_broken_invariant_stops_the_day_before_anything_leaves():
    short = house(sleeve(1, cash_yen=10, payable_yen=100),
                  orders=[live(FUND, PURCHASE, status_code=PRICED, filled_yen=100, settlement_date=day(TODAY))])
    given = kept(short)
    with pytest.raises(ValueError, match="sleeves.cash_yen: -90 in row 0 is outside"):
        shut(short)
    assert same(short, given) == []


def test_accounts_out_of_order_stop_the_day():
    two = house(sleeve(1), sleeve(4))
    with pytest.raises(ValueError, match="account_positions: row 1 is not after the row before"):
        shut(replace(two, account_positions=take(two.account_positions, np.arange(two.account_positions["account_no"].size)[::-1])))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_evening_of_a_house_keeps_its_invariants(seed):
    for night in nights(seed):
        of, orders_of = night.result.books, night.result.orders
        units = {}
        account = dict(columns(of.sleeves, "sleeve_no", "account_no"))
        for number, instrument, held in columns(of.positions, "sleeve_no", "instrument_no", "held_units"):
            units[account[number], instrument] = units.get((account[number], instrument), 0) + held
        for owner, instrument, held in columns(of.account_positions, "account_no", "instrument_no", "held_units"):
            assert units.get((owner, instrument), 0) == held, "the account is the sum of its sleeves"
        priced = of.orders["status_code"] == PRICED
        for side, name in ((SALE, "receivable_yen"), (PURCHASE, "payable_yen")):
            mine = priced & (of.orders["side_code"] == side)
            assert of.orders["filled_yen"][mine].sum() == of.sleeves[name].sum()
        assert set(of.orders["status_code"]) <= {PLACED, PRICED}
        fresh = take(orders_of, orders_of["decided_date"] == of.day)
        assert set(fresh["placed_date"]) <= {night.gathered.rules.next_day}
        assert (fresh["priced_date"] >= fresh["placed_date"]).all() and (fresh["settlement_date"] >= fresh["priced_date"]).all()
        blocks = form_blocks(fresh)
        stored = night.result.tables.get("blocks", blocks)
        assert columns(stored, "instrument_no", "asked_yen", "asked_units") == columns(
            blocks, "instrument_no", "asked_yen", "asked_units"
        )
