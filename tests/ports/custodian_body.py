"""What every custodian must do: inherit the class and say how to open yours, and the tests run for it.

`docs/close.md` §3 and §4 are the rules, `tsutsumi.ports.Custodian` is the protocol.
"""

import pytest

from tests.ports.frames import NOTHING, allocations, balances, flows, market, orders, rows, same
from tests.ports.slow_house import SlowHouse, run
from tsutsumi.ports import ALLOCATION_COLUMNS, FILL_TYPES, HOLDING_TYPES, Custodian

SALE, PURCHASE = 0, 1
FILL = ("instrument_no", "side", "placed_date", "priced_date", "settlement_date", "price", "filled_units")


class CustodianBody:
    """Inherit; define `open`, and `partial_fill_ppm` support if your custodian fills partly."""

    def open(self, path, **options) -> Custodian:
        raise NotImplementedError

    @pytest.fixture
    def custodian(self, tmp_path) -> Custodian:
        """A custodian whose account 1 has 10,000,000 yen and nothing else, at the end of day 0."""
        custodian = self.open(tmp_path / "custodian")
        custodian.fills(0, market(0, {}))
        custodian.receive(0, {}, flows((1, 10_000_000, "deposit")), {})
        return custodian

    def bought(self, custodian: Custodian, asked_yen: int, fund: dict | None = None) -> dict[tuple[int, int], int]:
        """Order on day 1, fill on day 2 with the fund's terms; return the balances of day 2."""
        custodian.fills(1, market(1, fund or {}))
        custodian.receive(1, orders(1, dict(asked_yen=asked_yen)), {}, {})
        custodian.fills(2, market(2, fund or {}))
        custodian.receive(2, *NOTHING)
        return balances(custodian.holdings(2))

    # ---- figures by hand

    @pytest.mark.parametrize(
        ("yen", "price", "units"),
        [(30_000, 12_345, 24_301), (10_000, 5_100, 19_607), (10_000, 10_069, 9_931), (10_000, 8_163, 12_250)],
    )
    def test_a_purchase_by_amount_takes_the_amount_and_floors_the_units(self, custodian, yen, price, units):
        assert self.bought(custodian, yen, dict(price=price)) == {(1, 0): 10_000_000, (1, 1): units}
        for day in (3, 4, 5):
            custodian.fills(day, market(day, {}))
            custodian.receive(day, *NOTHING)
            assert balances(custodian.holdings(day))[1, 0] == (10_000_000 if day < 5 else 10_000_000 - yen)

    def test_a_redemption_levy_lowers_the_price_of_a_sale(self, custodian):
        assert self.bought(custodian, 1_500_000, dict(price=15_000, levy_ppm=3_000))[1, 1] == 1_000_000
        custodian.fills(3, market(3, {}))
        custodian.receive(3, orders(3, dict(side=SALE, asked_units=1_000_000)), {}, {})
        fills = custodian.fills(4, market(4, dict(price=15_000, levy_ppm=3_000)))
        custodian.receive(4, *NOTHING)
        assert rows(fills, *FILL) == [(1, SALE, 4, 4, 7, 14_955, -1)]
        assert balances(custodian.holdings(4)) == {(1, 0): 10_000_000}
        for day in (5, 6, 7):
            custodian.fills(day, market(day, {}))
            custodian.receive(day, *NOTHING)
        assert balances(custodian.holdings(7)) == {(1, 0): 10_000_000 - 1_500_000 + 1_495_500}

    def test_a_purchase_by_units_rounds_the_yen_up_and_one_group_has_one_sum(self, custodian):
        dollar = dict(amount_mode=0, price=3_335, price_scale=2, price_base_units=1, fx_ppm=150_123_456)
        custodian.fills(1, market(1, dollar))
        two = [dict(sleeve_no=sleeve, asked_units=units, asked_yen=40_000) for sleeve, units in ((1, 3), (2, 4))]
        custodian.receive(1, orders(1, *two), {}, {})
        custodian.fills(2, market(2, dollar))
        custodian.receive(2, *NOTHING)
        for day in (3, 4, 5):
            custodian.fills(day, market(day, {}))
            custodian.receive(day, *NOTHING)
        assert balances(custodian.holdings(5)) == {(1, 0): 10_000_000 - 35_047, (1, 1): 7}  # 15,021 + 20,027 would be 35,048

    def test_orders_of_two_evenings_with_one_price_day_are_one_sum(self, custodian):
        for day, status in ((1, 0), (2, 1), (3, 0)):
            fills = custodian.fills(day, market(day, dict(price=12_345, status=status)))
            custodian.receive(day, orders(day, dict(asked_yen=100)) if day < 3 else {}, {}, {})
        assert rows(fills, *FILL) == [(1, 1, 2, 3, 6, 12_345, -1), (1, 1, 3, 3, 6, 12_345, -1)]
        assert balances(custodian.holdings(3))[1, 1] == 162  # 200 yen: 162.008; 81 + 81 from 81.004 each

    # ---- prices and limits

    def test_a_missing_price_waits_for_the_next_and_settlement_moves(self, custodian):
        custodian.fills(1, market(1, {}))
        custodian.receive(1, orders(1, dict(asked_yen=10_000)), {}, {})
        for day in (2, 3):
            assert rows(custodian.fills(day, market(day, dict(status=day))), *FILL) == []
            custodian.receive(day, *NOTHING)
            assert balances(custodian.holdings(day)) == {(1, 0): 10_000_000}
        fills = custodian.fills(4, market(4, dict(price=20_000)))
        assert rows(fills, *FILL) == [(1, PURCHASE, 2, 4, 7, 20_000, -1)]

    def test_a_unit_purchase_over_its_limit_is_cancelled_whole(self, custodian):
        etf = dict(amount_mode=0, price_base_units=1, price=1_050)
        both = [dict(sleeve_no=sleeve, asked_units=10, asked_yen=10_500, limit_price=1_050_000_000) for sleeve in (1, 2)]
        for start, price, filled, held in ((1, 1_051, 0, None), (3, 1_050, -1, 20)):
            custodian.fills(start, market(start, etf))
            custodian.receive(start, orders(start, *both), {}, {})
            fills = custodian.fills(start + 1, market(start + 1, etf | dict(price=price)))
            custodian.receive(start + 1, *NOTHING)
            assert rows(fills, *FILL) == [(1, PURCHASE, start + 1, start + 1, start + 4, price, filled)]
            assert balances(custodian.holdings(start + 1)).get((1, 1)) == held

    # ---- splits and distributions

    def test_a_split_changes_units_and_cancels_what_has_no_price(self, custodian, tmp_path):
        etf = dict(amount_mode=0, price_base_units=1, price=1_000, lot_units=10)
        custodian.fills(1, market(1, etf))
        custodian.receive(1, orders(1, dict(asked_units=105, asked_yen=105_000)), {}, {})
        custodian.fills(2, market(2, etf))
        later = dict(priced_date=5, asked_units=15)
        custodian.receive(2, orders(2, later | dict(side=SALE), later | dict(asked_units=30, limit_price=1_000_000_001)), {}, {})
        assert balances(custodian.holdings(2))[1, 1] == 105
        custodian.fills(3, market(3, etf | dict(split_old=2, split_new=3)))
        custodian.receive(3, *NOTHING)
        assert balances(custodian.holdings(3))[1, 1] == 157  # 157.5
        custodian = self.open(tmp_path / "custodian")  # what was cancelled stays so
        custodian.fills(4, market(4, etf))
        custodian.receive(4, *NOTHING)
        fills = custodian.fills(5, market(5, etf | dict(price=600)))
        custodian.receive(5, *NOTHING)
        assert rows(fills, *FILL) == []
        assert balances(custodian.holdings(5))[1, 1] == 157

    def test_a_distribution_is_on_the_units_of_the_day_before(self, custodian):
        fund = dict(price=12_345)
        custodian.fills(1, market(1, fund))
        custodian.receive(1, orders(1, dict(asked_yen=30_000)), {}, {})
        custodian.fills(2, market(2, fund | dict(distribution=55)))  # bought today: nothing yet
        custodian.receive(2, *NOTHING)
        assert balances(custodian.holdings(2)) == {(1, 0): 10_000_000, (1, 1): 24_301}
        custodian.fills(3, market(3, fund | dict(distribution=55, split_new=2)))
        assert balances(custodian.holdings(3)) == {(1, 0): 10_000_133, (1, 1): 48_602}  # 133.66 on 24,301, not on the new units

    # ---- again, and out of order

    def test_asked_again_answers_the_same_bytes(self, custodian):
        custodian.fills(1, market(1, {}))
        custodian.receive(1, orders(1, dict(asked_yen=10_000)), {}, {})
        fills = custodian.fills(2, market(2, {}))
        assert {name: values.dtype for name, values in fills.items()} == FILL_TYPES
        assert same(fills, custodian.fills(2, market(2, dict(price=20_000))))
        custodian.receive(2, *NOTHING)
        held = custodian.holdings(2)
        assert {name: values.dtype for name, values in held.items()} == HOLDING_TYPES
        custodian.fills(3, market(3, dict(distribution=100)))
        assert same(fills, custodian.fills(2, market(2, {}))) and same(held, custodian.holdings(2))

    def test_received_again_is_ignored_in_any_order_and_other_content_refused(self, custodian):
        custodian.fills(1, market(1, {}))
        two = [dict(sleeve_no=sleeve, asked_yen=10_000) for sleeve in (1, 2)]
        money = [(1, 5, "deposit"), (1, -3, "fee")]
        for order in (1, -1):
            custodian.receive(1, orders(1, *two[::order]), flows(*money[::order]), {})
        assert balances(custodian.holdings(1)) == {(1, 0): 10_000_002}
        with pytest.raises(ValueError, match="other content"):
            custodian.receive(1, orders(1, *two[:1]), flows(*money), {})
        assert balances(custodian.holdings(1)) == {(1, 0): 10_000_002}

    def test_a_lost_message_and_an_unknown_day_are_refused(self, custodian):
        with pytest.raises(ValueError, match="ask for its fills first"):
            custodian.receive(1, *NOTHING)
        custodian.fills(2, market(2, {}))
        with pytest.raises(ValueError, match="never received"):
            custodian.fills(3, market(3, {}))
        with pytest.raises(ValueError, match="never asked"):
            custodian.fills(1, market(1, {}))
        with pytest.raises(ValueError, match="last days only"):
            custodian.holdings(1)

    @pytest.mark.parametrize(
        ("row", "cause"),
        [(dict(side=2), "cannot be"), (dict(placed_date=1), "cannot be"), (dict(asked_units=-1), "cannot be"),
         (dict(priced_date=1), "cannot be"), (dict(asked_yen=9), "second order"), (dict(sleeve_no=2, limit_price=9), "two limits"),
         (dict(sleeve_no=2, priced_date=9), "two priced dates")],
    )
    def test_an_order_that_cannot_be_is_refused_and_changes_nothing(self, custodian, row, cause):
        custodian.fills(1, market(1, {}))
        with pytest.raises(ValueError, match=cause):
            custodian.receive(1, orders(1, dict(asked_yen=10_000), row), flows((1, 77, "deposit")), {})
        assert balances(custodian.holdings(1)) == {(1, 0): 10_000_000}
        custodian.receive(1, *NOTHING)
        assert rows(custodian.fills(2, market(2, {})), *FILL) == []

    # ---- partial fills

    def test_a_partial_fill_is_whole_lots_and_waits_for_its_split(self, tmp_path):
        custodian = self.open(tmp_path / "custodian", partial_fill_ppm=1_000_000)
        etf = dict(amount_mode=0, price_base_units=1, price=1_001, lot_units=10)
        custodian.fills(1, market(1, etf))
        asked = [dict(sleeve_no=k, account_no=k, asked_units=40, asked_yen=50_000) for k in (1, 2)]
        custodian.receive(1, orders(1, *asked), flows((1, 99_999, "deposit"), (2, 99_999, "deposit")), {})
        (row,) = rows(custodian.fills(2, market(2, etf)), *FILL)
        filled = row[-1]
        assert 10 <= filled < 80 and filled % 10 == 0
        first = min(filled, 40)
        for wrong in ({}, allocations((1, 1, 1, 2, filled - 1)), allocations((1, 1, 1, 2, filled), (3, 1, 1, 2, 10)),
                      allocations((1, 1, 1, 2, first), (2, 1, 1, 2, filled - first), (2, 1, 0, 2, 10)),
                      allocations((1, 1, 1, 2, 41), (2, 1, 1, 2, filled - 41))):
            with pytest.raises(ValueError, match="allocations"):
                custodian.receive(2, {}, {}, wrong)
        shares = allocations((1, 1, 1, 2, first), *([(2, 1, 1, 2, filled - first)] if filled > 40 else []))
        assert tuple(shares) == ALLOCATION_COLUMNS
        custodian.receive(2, {}, {}, shares)
        held = balances(custodian.holdings(2))
        assert (held[1, 1], held.get((2, 1), 0)) == (first, filled - first)
        for day in (3, 4, 5):
            assert rows(custodian.fills(day, market(day, etf)), *FILL) == []  # the rest has lapsed
            custodian.receive(day, *NOTHING)
        assert balances(custodian.holdings(5))[1, 0] == 99_999 - first * 1_001

    def test_a_full_block_beside_a_partial_one_is_in_the_same_sum(self, tmp_path):
        custodian = self.open(tmp_path / "custodian", partial_fill_ppm=1_000_000)
        etf = dict(amount_mode=0, price_base_units=1, price=3_334, price_scale=2, fx_ppm=150_123_456)
        for day, status, units in ((1, 0, 1), (2, 1, 2)):
            custodian.fills(day, market(day, etf | dict(status=status)))
            custodian.receive(day, orders(day, dict(asked_units=units)), flows((1, 10_000, "deposit")), {})
        fills = custodian.fills(3, market(3, etf))
        assert rows(fills, "placed_date", "filled_units") == [(2, -1), (3, 1)]  # one lot cannot be filled partly
        custodian.receive(3, {}, {}, allocations((1, 1, PURCHASE, 3, 1)))
        assert balances(custodian.holdings(3)) == {(1, 0): 20_000, (1, 1): 2}
        for day in (4, 5, 6):
            custodian.fills(day, market(day, etf))
            custodian.receive(day, *NOTHING)
        assert balances(custodian.holdings(6)) == {(1, 0): 20_000 - 10_011, (1, 1): 2}  # 10,010.23; 5,006 each would be 10,012

    # ---- many random days

    @pytest.mark.parametrize("partial_fill_ppm", [0, 500_000])
    def test_a_random_house_agrees_with_its_slow_book_every_day(self, tmp_path, partial_fill_ppm):
        custodian, house = self.open(tmp_path / "custodian", partial_fill_ppm=partial_fill_ppm), SlowHouse(seed=7)

        def check(day: int) -> None:
            held = balances(custodian.holdings(day))
            assert held == house.balances(day)
            flowed, distributed = sum(house.flowed.values()), sum(house.distributed.values())
            settled = sum(yen for date, _, yen in house.trades if date <= day)
            assert sum(units for (_, number), units in held.items() if number == 0) == flowed + settled + distributed

        run(custodian, house, days=80, check=check)
        assert len(house.trades) > 300 and sum(house.distributed.values()) > 0

    def test_it_goes_on_where_it_stood_after_every_reopening(self, tmp_path):
        whole = run(self.open(tmp_path / "whole", partial_fill_ppm=300_000), SlowHouse(seed=8), days=12)
        for days in range(1, 13):
            again = run(self.open(tmp_path / "parts", partial_fill_ppm=300_000), SlowHouse(seed=8), days=days)
        assert again == whole
