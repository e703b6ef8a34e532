"""Promised dates on a small timeline: the fund is priced a day after the order and settles three days later, the others sooner."""

import pytest

from tests.core.build import ALL_ETF, BOND, ETF, FUND, MIXED, NONE_APPROVED, books, columns, day, rules, sleeve
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.ladder import PLACED, PRICED, PURCHASE, SALE
from tsutsumi.core.promises import P_SLEEVE_CLOSE, P_WITHDRAWAL, Promiser, payout_row, spare_yen
from tsutsumi.core.schema import frame

TODAY = "2026-12-02"


def house(today, model=MIXED, orders=(), payouts=(), **units):
    numbers = {"fund": FUND, "bond": BOND, "etf": ETF}
    positions = [{"sleeve_no": 1, "instrument_no": numbers[name], "held_units": held} for name, held in units.items()]
    return books(today, sleeve(1, model_no=model), positions=positions, orders=[{"sleeve_no": 1} | row for row in orders],
                 payouts=[{"sleeve_no": 1} | row for row in payouts])


def promised(today, model=MIXED, closing=False, no_order_days=(), **said):
    force = rules(today, no_order_days=no_order_days)
    promiser = Promiser(house(today, model, **said), force)
    return str(from_epoch_day((promiser.closing if closing else promiser.withdrawal)(0, force.day_index)))


@pytest.mark.parametrize(("today", "expected"), [
    ("2026-12-02", "2026-12-11"),  # priced on the 4th; a second sale placed on the 7th, priced on the 8th, settles on the 11th
    ("2026-12-28", "2027-01-08"),  # priced on 12-30; placed on 01-04, priced on the 5th
    ("2026-12-29", "2027-01-12"),  # priced on 01-04; placed on the 5th, priced on the 6th; 01-11 is a holiday
])
def test_a_withdrawal_has_time_for_a_second_sale(today, expected):
    assert promised(today) == expected
    assert promised(today, NONE_APPROVED, fund=1) == expected, "what is held counts as what the model wants"
    assert promised(today, ALL_ETF, fund=1, etf=5) == expected


def test_the_slowest_instrument_decides_and_what_is_not_held_does_not_count():
    assert promised(TODAY, ALL_ETF) == promised(TODAY, ALL_ETF, fund=0) == "2026-12-08"
    assert promised(TODAY, NONE_APPROVED) == "2026-12-03", "nothing to sell: the next business day"


def test_a_day_without_orders_moves_the_promise():
    assert promised(TODAY, no_order_days={(FUND, day("2026-12-03"))}) == "2026-12-14"
    # the second sale cannot be placed on the 7th: placed on the 8th, priced on the 9th
    assert promised(TODAY, no_order_days={(FUND, day("2026-12-07"))}) == "2026-12-14"
    # an order can be placed on the 3rd, and it takes the price of the 4th even where none can be placed then
    assert promised(TODAY, no_order_days={(FUND, day("2026-12-04"))}) == "2026-12-11"


def test_a_purchase_under_way_is_waited_for():
    buying = {"instrument_no": ETF, "side_code": PURCHASE, "priced_date": day("2026-12-09"), "settlement_date": day("2026-12-11")}
    assert promised(TODAY, ALL_ETF, orders=[buying]) == "2026-12-14"
    assert promised(TODAY, ALL_ETF, orders=[buying | {"side_code": SALE}]) == "2026-12-08"


def test_a_closing_is_promised_for_the_day_after_everything_has_settled():
    assert promised(TODAY, closing=True, etf=5) == "2026-12-08"  # placed and priced on the 3rd, settled on the 7th
    assert promised(TODAY, closing=True, fund=5, etf=5) == "2026-12-10"
    assert promised(TODAY, closing=True) == "2026-12-03", "nothing held: the weights of the model do not count"
    assert promised("2026-12-29", closing=True, etf=5) == "2027-01-06"  # priced on the 30th, settled on 01-05


def test_a_closing_waits_for_live_orders():
    buying = {"instrument_no": ETF, "side_code": PURCHASE, "priced_date": day("2026-12-04"), "settlement_date": day("2026-12-08")}
    assert promised(TODAY, closing=True, orders=[buying | {"status_code": PLACED}]) == "2026-12-10"
    assert promised(TODAY, closing=True, orders=[buying | {"status_code": PRICED}]) == "2026-12-09"
    selling = {"instrument_no": ETF, "side_code": SALE, "status_code": PRICED, "settlement_date": day("2026-12-15")}
    assert promised(TODAY, closing=True, orders=[selling]) == "2026-12-16"


def test_a_closing_keeps_the_payouts_that_were_promised_before():
    payout = {"kind_code": P_WITHDRAWAL, "promised_date": day("2026-12-21")}
    assert promised(TODAY, closing=True, etf=5, payouts=[payout]) == "2026-12-21"
    assert promised(TODAY, closing=True, etf=5, payouts=[payout | {"kind_code": P_SLEEVE_CLOSE}]) == "2026-12-08"


def test_the_instruments_of_a_sleeve_are_held_wanted_or_on_order():
    of = house(TODAY, ALL_ETF, fund=0, orders=[{"instrument_no": BOND}])
    assert Promiser(of, rules(TODAY)).instruments(0) == [BOND, ETF]


def test_a_payout_starts_open_with_one_promise():
    of = house(TODAY)
    payout = frame("payouts", [payout_row(of, 0, 7, P_WITHDRAWAL, 500, day("2026-12-11"), 2)])
    names = ("account_no", "contract_no", "sleeve_no", "event_no", "amount_yen", "requested_date", "promised_date",
             "first_promised_date", "target_sleeve_no", "reissue_count", "status_code", "paid_date")
    dates = (day(TODAY), day("2026-12-11"), day("2026-12-11"))
    assert columns(payout, *names) == [(1, 1, 1, 7, 500, *dates, 2, 0, 0, 0)]


def test_what_is_available_is_the_value_less_what_was_promised_and_charged():
    of = books(
        TODAY,
        sleeve(1, value_yen=1_000),
        sleeve(2, value_yen=7_000),
        payouts=[
            {"sleeve_no": 1, "kind_code": P_WITHDRAWAL, "amount_yen": 100},
            {"sleeve_no": 2, "kind_code": 1, "amount_yen": 9},
            {"sleeve_no": 1, "kind_code": P_SLEEVE_CLOSE, "amount_yen": 5_000},
        ],
        dues=[{"sleeve_no": 1, "amount_yen": 30}],
    )
    assert spare_yen(of).tolist() == [870, 6_991]
