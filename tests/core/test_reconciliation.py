"""Σ sleeves against the custodian: what differs, since when, and why it probably does."""

import numpy as np
import pytest

from tests.core.build import BOND, ETF, FUND, books, columns, day, nights, rows, sleeve
from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED
from tsutsumi.core.reconciliation import IN_FLIGHT, MISSING_ACCOUNT, NAMES, ROUNDING, UNKNOWN, holdings_of, reconcile

TODAY = "2026-12-02"


def house(orders=()):
    positions = [(1, FUND, 700), (2, FUND, 300), (2, BOND, 50), (4, FUND, 80), (4, ETF, 0)]
    return books(TODAY, sleeve(1, cash_yen=100), sleeve(2, cash_yen=200), sleeve(4, cash_yen=0), orders=list(orders),
                 positions=[{"sleeve_no": s, "instrument_no": i, "held_units": u} for s, i, u in positions])


OURS = {(1, 0): 300, (1, FUND): 1_000, (1, BOND): 50, (2, FUND): 80}


def theirs(**changed):
    """Our holdings with changes: `a1_i0=5` is instrument 0 of account 1; 0 leaves it out."""
    told = dict(OURS)
    for name, units in changed.items():
        account, instrument = name.split("_")
        told[int(account[1:]), int(instrument[1:])] = units
    return rows("holdings", *({"account_no": a, "instrument_no": i, "units": u} for (a, i), u in sorted(told.items()) if u))


def breaks(of, known=None, **changed):
    return columns(reconcile(of, theirs(**changed), known), *NAMES)


def test_an_account_is_the_sum_of_its_sleeves_and_zeros_are_left_out():
    told = columns(holdings_of(house()), "account_no", "instrument_no", "units")
    assert told == [(*key, units) for key, units in sorted(OURS.items())]
    assert columns(holdings_of(books(TODAY)), "units") == []


def test_equal_books_have_no_break():
    found = reconcile(house(), theirs(), None)
    assert tuple(found) == NAMES and all(column.size == 0 for column in found.values())


def test_every_difference_is_told_whichever_side_has_more():
    assert breaks(house(), a1_i1=900, a2_i3=40, a1_i0=0) == [
        (1, 0, 300, 0, day(TODAY), UNKNOWN), (1, FUND, 1_000, 900, day(TODAY), UNKNOWN), (2, ETF, 0, 40, day(TODAY), UNKNOWN)]


def test_a_break_keeps_its_first_day_as_long_as_it_stands():
    known = reconcile(house(), theirs(a1_i1=900), None)
    later = books("2026-12-04", sleeve(1, cash_yen=300), positions=[{"sleeve_no": 1, "instrument_no": FUND, "held_units": 1_000}])
    since = {row[:2]: row[4] for row in columns(reconcile(later, theirs(a1_i1=950, a1_i2=9), known), *NAMES)}
    assert since[1, FUND] == day(TODAY) and since[1, BOND] == day("2026-12-04")


@pytest.mark.parametrize(("difference", "cause"), [(1, ROUNDING), (-2, ROUNDING), (3, UNKNOWN), (-3, UNKNOWN)])
def test_a_unit_or_a_yen_a_sleeve_is_rounding(difference, cause):
    for name, units in (("a1_i1", 1_000), ("a1_i0", 300)):
        assert breaks(house(), **{name: units - difference})[0][5] == cause


def test_the_difference_of_a_live_order_is_in_flight():
    order = {"sleeve_no": 1, "instrument_no": FUND, "filled_units": 40, "filled_yen": 60, "status_code": PRICED}
    assert breaks(house([order]), a1_i1=960)[0][5] == IN_FLIGHT
    assert breaks(house([order]), a1_i0=360)[0][5] == IN_FLIGHT
    assert breaks(house([order | {"status_code": PLACED, "asked_units": 41}]), a1_i1=1_041)[0][5] == IN_FLIGHT
    assert breaks(house([order | {"status_code": CANCELLED}]), a1_i1=960)[0][5] == UNKNOWN
    assert breaks(house([order]), a1_i2=10)[0][5] == UNKNOWN, "the order is in another instrument"
    assert breaks(house([order]), a2_i1=40)[0][5] == UNKNOWN, "the order is of another account"


def test_an_account_that_we_do_not_have_is_told_as_such():
    assert breaks(house(), a3_i1=5) == [(3, FUND, 0, 5, day(TODAY), MISSING_ACCOUNT)]


@pytest.mark.parametrize("seed", [0, 1])
def test_holdings_of_a_house_are_its_sleeves_added_up(seed):
    for night in nights(seed)[::7]:
        of, total = night.result.books, {}
        account = dict(columns(of.sleeves, "sleeve_no", "account_no"))
        for owner, yen in columns(of.sleeves, "account_no", "cash_yen"):
            total[owner, 0] = total.get((owner, 0), 0) + yen
        for number, instrument, units in columns(of.positions, "sleeve_no", "instrument_no", "held_units"):
            total[account[number], instrument] = total.get((account[number], instrument), 0) + units
        found = columns(holdings_of(of), "account_no", "instrument_no", "units")
        assert found == [(*key, units) for key, units in sorted(total.items()) if units]
        assert reconcile(of, holdings_of(of), None)["ours"].size == 0 and np.array_equal(of.offsets, np.sort(of.offsets))
