"""What is in force on the day: dates of orders by index, and the names that people read."""

import pytest

from tests.core.build import BOND, ETF, FUND, day, registry, rules
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.ladder import PURCHASE, SALE
from tsutsumi.core.rules import Registry


def test_the_day_and_the_one_after_it_skip_what_is_no_business_day():
    force = rules("2026-12-30")
    assert (force.day, force.next_day) == (day("2026-12-30"), day("2027-01-04"))
    assert force.business_day(force.day_index) == force.day and force.business_day(force.day_index + 2) == day("2027-01-05")


@pytest.mark.parametrize(("instrument", "side", "priced", "settles"), [
    (FUND, SALE, "2026-12-04", "2026-12-09"), (FUND, PURCHASE, "2026-12-04", "2026-12-08"),
    (BOND, SALE, "2026-12-03", "2026-12-07"), (ETF, PURCHASE, "2026-12-03", "2026-12-07"),
])
def test_an_order_is_placed_tomorrow_priced_after_its_lag_and_settles_by_its_side(instrument, side, priced, settles):
    force = rules("2026-12-02")
    at = (force.priced_index(instrument, force.day_index), force.settles_index(instrument, force.day_index, side))
    assert [str(from_epoch_day(force.business_day(index))) for index in at] == [priced, settles]


def test_the_first_evening_is_the_one_before_an_orderable_day():
    force = rules("2026-12-02", no_order_days={(BOND, day("2026-12-03")), (BOND, day("2026-12-04"))})
    assert force.business_day(force.priced_index(BOND, force.day_index)) == day("2026-12-07")
    assert force.business_day(force.settles_index(BOND, force.day_index, SALE)) == day("2026-12-09")


def test_people_read_public_ids_and_a_number_where_there_is_none():
    of = registry()
    named = Registry(of.sleeves, of.contracts, of.accounts, {"sleeve": ["", "S-0001", ""]})
    force = rules("2026-12-02", registry=named)
    assert force.name("sleeve", 1) == "S-0001"
    assert [force.name("sleeve", number) for number in (0, 2, 3, -1)] == ["sleeve 0", "sleeve 2", "sleeve 3", "sleeve -1"]
    assert force.name("model", 1) == "model 1"
