"""Who pays first: whatever the order, the parts are the whole and nobody pays more than it may; the cases stand in docs/rules."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import books, columns, day, event, rows, rules, sleeve
from tsutsumi.core import goal_status
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.drawing_order import ABOVE, ORDER_KINDS, Payers
from tsutsumi.core.drawings import create_drawings, reserve_for_drawings
from tsutsumi.core.events import kind_code
from tsutsumi.core.promises import P_DRAWING, spare_yen
from tsutsumi.core.rules import DrawingOrder
from tsutsumi.core.schema import empty
from tsutsumi.core.units import PPM
from tsutsumi.core.withdrawals import share_withdrawals

TODAY = "2026-12-02"
QUOTES = np.array([1, 10_000, 10_000, 1]), np.full(4, PPM)
YEN = st.integers(-10**6, 10**9)


def test_the_zone_above_is_the_one_that_goals_are_told_in():
    assert goal_status.STATUSES[ABOVE] == "above" and ABOVE == goal_status.ABOVE


@settings(deadline=None, max_examples=120)
@given(st.lists(YEN, min_size=1, max_size=5), st.sampled_from(ORDER_KINDS), st.permutations([1, 2, 3, 4, 5]), st.integers(0, 5),
       st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 4)), max_size=5), st.integers(0, PPM))
def test_the_parts_are_the_whole_and_nobody_pays_more_than_it_may(has, kind, order, named, targets, share):
    goals = [{"account_no": 1, "sleeve_no": at, "goal_no": at, "target_yen": yen, "status_code": status}
             for at, (yen, status) in enumerate(targets, 1)]
    of = books(TODAY, *(sleeve(1) | {"sleeve_no": at, "value_yen": yen} for at, yen in enumerate(has, 1)), goals=goals)
    payers = Payers(of, rules(TODAY, drawing_orders={1: DrawingOrder(kind, tuple(order[:named]))}), spare_yen(of), [1], QUOTES)
    amount = payers.most_of(1) * share // PPM
    parts = payers.share(1, amount)
    assert sum(yen for _, yen in parts) == amount
    assert all(0 < yen <= payers.most_yen(row) == max(int(of.sleeves["value_yen"][row]), 0) * 9 // 10 for row, yen in parts)
    assert sorted(row for row, _ in parts) == [row for row, _ in parts] and len({row for row, _ in parts}) == len(parts)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 10**7), min_size=5, max_size=5), st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 3)),
                                                                          max_size=4))
def test_what_is_shared_is_taken_by_the_door_or_the_whole_is_refused(has, asked):
    of = books("2026-12-01", *(sleeve(number, value_yen=yen) for number, yen in enumerate(has, 1)))
    tiers = {number: ([[1]], [[1, 2]], [[1, 2], [3, 4]], [[3, 4], [1, 2]])[way] for number, (_, way) in enumerate(asked, 1)}
    told = rows("events", *(event(number, "withdrawal", amount_yen=yen) for number, (yen, _) in enumerate(asked, 1)))
    told = told if asked else empty("events")
    made = share_withdrawals(of, rules(TODAY), empty("events"), told, tiers)
    left = dict(enumerate(has, 1))
    for number, sleeve_no, yen in columns(made, "event_no", "sleeve_no", "amount_yen"):
        if sleeve_no:
            assert yen * 10 <= left[sleeve_no] * 9, "the door looks at what is left"
            left[sleeve_no] -= yen
        else:
            assert yen > sum(max(rest, 0) * 9 // 10 for at, rest in left.items() if of.sleeves["contract_no"][at - 1] in {
                one for tier in tiers[number] for one in tier})
    whole = {number: sum(yen for other, yen in columns(made, "event_no", "amount_yen") if other == number) for number in tiers}
    assert whole == {number: yen for number, (yen, _) in enumerate(asked, 1)}


def test_events_without_a_withdrawal_to_share_stay_as_they_are():
    told = rows("events", event(1, "withdrawal", sleeve_no=1, amount_yen=5))
    assert share_withdrawals(books("2026-12-01", sleeve(1)), rules(TODAY), empty("events"), told, {}) is told
    assert told["kind_code"].tolist() == [kind_code("withdrawal")]


def plan(on: str, number: int, yen: int) -> tuple:
    return (day(on), number, yen, day(on))


def test_what_the_contract_pays_is_reserved_where_it_would_be_paid_from():
    of = books(TODAY, sleeve(1, value_yen=1_000_000), sleeve(2, value_yen=500_000), sleeve(3, value_yen=70_000))
    plans = [plan("2026-12-20", 1, 300_000), plan("2027-01-20", 1, 300_000), plan("2027-01-20", 3, 10_000)]
    told = rules(TODAY, drawings=plans, drawing_orders={1: DrawingOrder("listed", (2,), True)})
    assert reserve_for_drawings(of, told).tolist() == [150_000, 450_000, 10_000]
    assert reserve_for_drawings(of, rules(TODAY, drawings=plans)).tolist() == [600_000, 0, 10_000]
    more = [*plans, plan("2027-01-25", 2, 9_000_000)]
    assert reserve_for_drawings(of, rules(TODAY, drawings=more, drawing_orders=told.drawing_orders)).tolist() == [
        900_000, 450_000, 10_000], "at most what they may pay"


def test_a_drawing_that_was_made_is_not_made_again_when_the_order_changes():
    of = books(TODAY, sleeve(1, value_yen=1_000_000), sleeve(2, value_yen=500_000))
    plans, orders = [plan("2026-12-07", 1, 100_000), plan("2026-12-07", 2, 50_000)], {1: DrawingOrder("listed", (2,), True)}
    made = {"sleeve_no": 2, "kind_code": P_DRAWING, "amount_yen": 100_000, "promised_date": day("2026-12-07"),
            "first_promised_date": day("2026-12-07"), "drawn_sleeve_no": 1}
    with_one = books(TODAY, sleeve(1, value_yen=1_000_000), sleeve(2, value_yen=500_000), payouts=[made])
    names = ("sleeve_no", "amount_yen", "drawn_sleeve_no")
    both = create_drawings(of, rules(TODAY, drawings=plans, drawing_orders=orders), Alerts()).payouts
    assert columns(both, *names) == [(2, 100_000, 1), (2, 50_000, 0)]
    own = create_drawings(with_one, rules(TODAY, drawings=plans), Alerts()).payouts
    assert columns(own, *names) == [(2, 100_000, 1), (2, 50_000, 0)], "the second sleeve's own is still to come"
