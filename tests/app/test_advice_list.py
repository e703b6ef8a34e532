"""The list of advice: in which order what waits for an answer stands."""

from datetime import date as Date

from tsutsumi.run.advice_list import GoalAdvice, most_urgent_first


def advice(number: int, status: str, day: int) -> GoalAdvice:
    """Return the advice of a day of January 2018 on a goal that stands in a zone."""
    return GoalAdvice(Date(2018, 1, day), number, f"G{number}", "教育資金", number, f"S{number}", "C1", "見本", status, 700_000, ())


def test_the_furthest_behind_stand_first_and_in_the_same_zone_the_newest():
    rows = [
        advice(1, "above", 9), advice(2, "below", 8), advice(3, "alert", 3), advice(4, "right", 7), advice(5, "none", 1),
        advice(6, "alert", 5), advice(7, "below", 30), advice(8, "closed", 31),
    ]
    assert [row.goal_no for row in most_urgent_first(rows)] == [6, 3, 7, 2, 5, 4, 1, 8]


def test_advice_of_one_day_in_one_zone_keeps_the_order_of_the_goals():
    rows = [advice(number, "below", 8) for number in (4, 7, 9)]
    assert [row.goal_no for row in most_urgent_first(iter(rows))] == [4, 7, 9]
