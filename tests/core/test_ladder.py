"""The cash ladder: what can be paid today so that no coming day goes below zero, against a walk over the days."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import rows
from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED, PURCHASE, SALE, SETTLED, payable_now

TODAY = 1_000


def order(side, status, settles, asked=0, filled=0):
    return {"side_code": side, "status_code": status, "settlement_date": TODAY + settles, "asked_yen": asked, "filled_yen": filled}


def payable(cash, *orders, on=0):
    return int(payable_now(np.array([0]), np.array([cash]), np.array([0, len(orders)]), rows("orders", *orders), TODAY + on)[0])


def test_a_purchase_that_must_be_paid_later_holds_its_cash_back():
    assert payable(500, order(PURCHASE, PRICED, 3, asked=9, filled=200)) == 300
    assert payable(500, order(PURCHASE, PLACED, 3, asked=200, filled=9)) == 300


def test_a_priced_sale_counts_from_its_settlement_on_and_an_unpriced_one_never():
    assert payable(500, order(SALE, PRICED, 3, filled=200)) == 500
    assert payable(500, order(SALE, PRICED, 3, filled=200), on=3) == 700
    assert payable(500, order(SALE, PLACED, 3, asked=200), on=9) == 500


def test_the_tightest_day_decides():
    sale, purchase = order(SALE, PRICED, 2, filled=300), order(PURCHASE, PRICED, 4, filled=400)
    assert payable(100, sale, purchase) == 0
    assert payable(100, order(SALE, PRICED, 5, filled=300), purchase) == -300
    assert payable(100, order(SALE, PRICED, 4, filled=300), purchase) == 0, "what comes and what goes on one day meet"


def test_orders_that_are_done_do_not_count():
    assert (
        payable(100, order(PURCHASE, SETTLED, 3, 50, 50), order(PURCHASE, CANCELLED, 3, 50, 50), order(SALE, SETTLED, -1, 0, 9))
        == 100
    )


live = st.tuples(
    st.sampled_from([SALE, PURCHASE]), st.sampled_from([PLACED, PRICED]), st.integers(1, 6), st.integers(0, 90), st.integers(0, 90)
)


@settings(deadline=None, max_examples=150)
@given(st.integers(-50, 300), st.lists(live, max_size=6), st.integers(0, 7))
def test_it_is_the_least_of_the_walk_over_the_days(cash, orders, on):
    def known(t):
        total = cash
        for side, status, settles, asked, filled in orders:
            if settles <= t:
                total += {(SALE, PRICED): filled, (SALE, PLACED): 0, (PURCHASE, PRICED): -filled, (PURCHASE, PLACED): -asked}[
                    side, status
                ]
        return total

    assert payable(cash, *(order(*one) for one in orders), on=on) == min(known(t) for t in range(on, 9))


@pytest.mark.parametrize("picked", [[0, 1, 2], [2], [2, 0]])
def test_each_sleeve_has_its_own_orders(picked):
    orders = rows(
        "orders", order(PURCHASE, PRICED, 1, filled=5), order(PURCHASE, PRICED, 1, filled=7), order(PURCHASE, PRICED, 2, filled=1)
    )
    told = payable_now(np.array(picked), np.array([10, 20, 30]), np.array([0, 1, 1, 3]), orders, TODAY)
    assert told.tolist() == [[5, 20, 22][row] for row in picked]
