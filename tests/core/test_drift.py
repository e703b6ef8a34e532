"""How far a sleeve is from its model: the edges of a band, and where a distance comes from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import BOND, FUND, books, market_state, nights, rows, rules, sleeve, weights
from tsutsumi.core.drift import DRIFT_PARTS, breached, drift_parts, is_breach
from tsutsumi.core.flows import DEPOSIT, FEE
from tsutsumi.core.market import MarketState
from tsutsumi.core.schema import empty

MILLION = 1_000_000


@pytest.mark.parametrize(("value", "expected"), [
    (550_000, True), (549_999, False), (450_000, True), (450_001, False), (500_000, False), (549_900, False),
])
def test_five_points_off_trades_and_less_does_not(value, expected):
    assert is_breach(value, MILLION, 500_000, 50_000, 0) == expected


@pytest.mark.parametrize(("value", "expected"), [(120_000, True), (119_999, False), (80_000, True), (80_001, False)])
def test_the_relative_band_is_measured_on_the_weight(value, expected):
    # a fifth of 10 % is two points; the absolute band of five is far away
    assert is_breach(value, MILLION, 100_000, 50_000, 200_000) == expected
    assert not is_breach(value, MILLION, 100_000, 50_000, 0)


def test_what_the_model_does_not_want_has_no_relative_band():
    assert not is_breach(1, MILLION, 0, 50_000, 200_000) and is_breach(50_000, MILLION, 0, 50_000, 200_000)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, MILLION), st.integers(1, MILLION), st.integers(0, MILLION))
def test_the_band_is_exact_for_every_size(value, total, weight, absolute, relative):
    distance = abs(value * MILLION - total * weight)
    expected = distance >= total * absolute or (relative > 0 and weight > 0 and distance * MILLION >= total * weight * relative)
    assert is_breach(value, total, weight, absolute, relative) == expected


def test_the_first_instrument_outside_its_band_is_told_and_nothing_of_a_sleeve_without_worth():
    at, share = np.array([4, 7, 9]), np.array([400_000, 300_000, 300_000])
    assert breached(3, at, np.array([400_000, 350_000, 250_000]), share, MILLION, 50_000, 0) == 7
    assert breached(3, at, np.array([400_000, 349_999, 250_001]), share, MILLION, 50_000, 0) == 0
    assert breached(2, at, np.array([400_000, 300_000, 0]), share, MILLION, 50_000, 0) == 0
    assert breached(3, at, np.array([5, 5, 5]), share, 0, 50_000, 0) == 0


def state(fund, bond):
    price = np.array([1, fund, bond, 1_000])
    return MarketState(price, np.full(4, MILLION), market_state().priced_date, market_state().refused_price, {})


def house(cash, fund, bond, prices, **said):
    worth = cash + fund * prices[0] // 10_000 + bond * prices[1] // 10_000
    of = books("2026-12-02", sleeve(1, cash_yen=cash, value_yen=worth, positions_yen=worth - cash, **said),
               positions=[{"sleeve_no": 1, "instrument_no": FUND, "held_units": fund},
                          {"sleeve_no": 1, "instrument_no": BOND, "held_units": bond}])
    object.__setattr__(of, "market", state(*prices))
    return of


def parts_of(after, before, instrument=FUND, flows=None, prices=(10_000, 10_000), **changed):
    num = np.array([1, prices[0], prices[1], 1_000])
    now = {"num": num, "den": np.array([1, 10_000, 10_000, 1]), "most_units": (2**63 - 1) // num}
    told = drift_parts(
        after, before, np.array([0]), np.array([instrument]), now, rules("2026-12-02", **changed), flows or empty("flows")
    )
    return dict(zip(DRIFT_PARTS, told[0].tolist(), strict=True))


def test_a_price_alone_is_the_market():
    # 50,000 each in the fund and in cash; the fund rises by a fifth: 60,000 of 110,000 are 54.5454 %
    before, after = house(50_000, 50_000, 0, (10_000, 10_000)), house(50_000, 50_000, 0, (12_000, 10_000))
    assert parts_of(after, before, prices=(12_000, 10_000)) == {"carried": 0, "market": 45_454, "flow": 0, "fee": 0, "model": 0}


def test_money_that_comes_in_is_a_flow_and_what_was_there_is_carried():
    before, after = house(40_000, 60_000, 0, (10_000, 10_000)), house(60_000, 60_000, 0, (10_000, 10_000))
    told = rows("flows", {"account_no": 1, "sleeve_no": 1, "kind_code": DEPOSIT, "amount_yen": 20_000})
    assert parts_of(after, before, flows=told) == {"carried": 100_000, "market": 0, "flow": -100_000, "fee": 0, "model": 0}


def test_a_fee_is_told_apart_from_the_flow():
    before, after = house(50_000, 50_000, 0, (10_000, 10_000)), house(30_000, 50_000, 0, (10_000, 10_000))
    told = rows("flows", {"account_no": 1, "sleeve_no": 1, "kind_code": FEE, "amount_yen": -20_000})
    assert parts_of(after, before, flows=told) == {"carried": 0, "market": 0, "flow": 0, "fee": 125_000, "model": 0}


def test_a_new_weight_is_the_model():
    of = house(50_000, 50_000, 0, (10_000, 10_000))
    parts = parts_of(of, of, weights=weights(m1=[50_000, 300_000, 650_000, 0]), weights_before=weights())
    assert parts == {"carried": 0, "market": 0, "flow": 0, "fee": 0, "model": 200_000}


def test_a_sleeve_of_today_has_only_flow_and_fee():
    after = house(50_000, 50_000, 0, (10_000, 10_000))
    before = books("2026-12-01")
    object.__setattr__(before, "market", state(10_000, 10_000))
    assert parts_of(after, before, BOND) == {"carried": 0, "market": 0, "flow": -450_000, "fee": 0, "model": 0}


@pytest.mark.parametrize("seed", [0, 1])
def test_the_parts_add_up_to_the_distance_of_the_evening(seed):
    checked = 0
    for night in nights(seed)[1::4]:
        books_of, market, rules_of = night.result.books, night.gathered.inputs.market, night.gathered.rules
        positions = books_of.positions
        at = books_of.row_of_sleeve[positions["sleeve_no"]]
        prices = {"num": market.num, "den": market.den, "most_units": (2**63 - 1) // np.maximum(market.num, 1)}
        if at.size == 0:
            continue
        parts = drift_parts(
            books_of, night.before, at, positions["instrument_no"].astype(np.int64), prices, rules_of, night.result.flows
        )
        for k, row in enumerate(at.tolist()):
            i, value = int(positions["instrument_no"][k]), int(books_of.sleeves["value_yen"][row])
            yen = int(positions["held_units"][k]) * int(market.num[i]) // int(market.den[i])
            weight = yen * MILLION // value if value > 0 else 0
            assert parts[k].sum() == weight - rules_of.weights[books_of.sleeves["model_no"][row], i]
            checked += 1
    assert checked > 200
