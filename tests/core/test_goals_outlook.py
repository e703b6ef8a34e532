"""What a saved goal comes to: the parts agree with the exact schedule, needs are to the yen, phases are phases."""

from dataclasses import replace
from datetime import date

import pytest

from tsutsumi.core.drawing_rules import DrawingRule
from tsutsumi.core.goals.outlook import (
    Drawing,
    RuleDrawing,
    SavedGoal,
    can_draw_yen,
    life,
    need_monthly_yen,
    need_now_yen,
    outlook,
    probability,
    six,
)
from tsutsumi.core.goals.phases import Phase, Timeline
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.schedule import schedule_probability
from tsutsumi.core.goals.shared_budget import Budget, Member, budget_outlook, due_month, price_yen

START, BEGUN = Timeline(date(2026, 10, 1)), Timeline(date(2026, 10, 16))
LADDER = {"calm": Portfolio(0.015, 0.04), "middle": Portfolio(0.03, 0.1), "wild": Portfolio(0.05, 0.18)}
NAMES = tuple(LADDER)

SAVING = SavedGoal("home", "middle", NAMES, 1_000_000, 120, 6_000_000, 4_000_000, saving=(Phase(30_000, 0, 119),))
RETIREMENT = SavedGoal(
    "retirement", "wild", NAMES[1:], 3_000_000, 240, 1_000_000, saving=(Phase(50_000, 0, 119, (), 20_000),),
    extra=(Phase(100_000, 0, 119, (6, 12)),), once=((60, -500_000),), drawings=(Drawing(Phase(80_000, 120, 239), 50_000),),
)  # fmt: skip
TERM = SavedGoal("term", "calm", NAMES, 24_000_000, 240, rule=RuleDrawing(DrawingRule("fixed-term"), 0, 80_000, 60_000))


def test_a_goal_of_phases_is_the_schedule_of_their_payments():
    paid = RETIREMENT.payments(START)
    assert paid[0] == 50_000 and paid[2] == 150_000 and paid[12] == 51_000 and paid[60] == 55_204 - 500_000 and paid[120] == -80_000
    portfolio = LADDER["wild"]
    assert probability(RETIREMENT, START, portfolio) == schedule_probability(0.05, 0.18, 3_000_000, paid, 1_000_000)
    least = RETIREMENT.payments(START, essential=True)
    assert least[120] == -50_000 and least[:120] == paid[:120]
    assert probability(RETIREMENT, START, portfolio, True) == schedule_probability(0.05, 0.18, 3_000_000, least, 1_000_000)


def test_a_month_that_has_begun_is_shorter_and_its_payment_was_made():
    paid = SAVING.payments(BEGUN)
    assert paid[:2] == [0, 30_000]
    right = schedule_probability(0.03, 0.1, 1_000_000, paid, 6_000_000, first=16 / 31)
    assert probability(SAVING, BEGUN, LADDER["middle"]) == right


@pytest.mark.parametrize("goal", [SAVING, RETIREMENT, replace(SAVING, saving=())], ids=["saving", "retirement", "nothing yet"])
@pytest.mark.parametrize("timeline", [START, BEGUN, Timeline(date(2026, 10, 16), at_end=True)])
def test_needs_are_the_smallest_to_the_yen(goal, timeline):
    portfolio = LADDER["wild"]
    monthly, extra = need_monthly_yen(goal, timeline, portfolio), need_now_yen(goal, timeline, portfolio)
    phase = goal.saving_phase(timeline)
    for less, enough in ((1, False), (0, True)):
        if monthly >= less:
            assert (probability(goal.saving_level(monthly - less, phase), timeline, portfolio) >= goal.want) is enough
        if extra >= less:
            richer = replace(goal, now_yen=goal.now_yen + extra - less)
            assert (probability(richer, timeline, portfolio) >= goal.want) is enough


def test_the_largest_drawing_is_to_the_yen():
    goal = replace(RETIREMENT, saving=(), extra=(), once=(), now_yen=12_000_000)
    most = can_draw_yen(goal, START, LADDER["middle"])
    level = [replace(goal, drawings=(Drawing(replace(goal.drawings[0].phase, amount_yen=most + one)),)) for one in (0, 1)]
    assert probability(level[0], START, LADDER["middle"]) >= goal.want > probability(level[1], START, LADDER["middle"])
    assert can_draw_yen(SAVING, START, LADDER["middle"]) is None
    hopeless = replace(goal, now_yen=0, target_yen=10**9)
    assert can_draw_yen(hopeless, START, LADDER["middle"]) == 0


def test_there_is_nothing_to_save_where_drawing_has_begun():
    drawing = SavedGoal("d", "calm", NAMES, 1_000_000, 12, drawings=(Drawing(Phase(10_000, 0, 11)),))
    assert need_monthly_yen(drawing, START, LADDER["calm"]) is None
    assert need_monthly_yen(TERM, START, LADDER["calm"]) is None


def test_out_of_reach_is_none():
    nowhere = replace(SAVING, rule=RuleDrawing(DrawingRule("fixed-term"), 60), saving=(Phase(1, 0, 59),))
    assert probability(nowhere, START, LADDER["calm"]) == 0.0
    assert need_now_yen(nowhere, START, LADDER["calm"]) is None and need_monthly_yen(nowhere, START, LADDER["calm"]) is None


def test_the_whole_outlook_of_a_goal_agrees_with_its_parts():
    told = outlook(RETIREMENT, START, LADDER.__getitem__)
    assert [rung["name"] for rung in told["ladder"]] == ["middle", "wild"]
    for rung in told["ladder"]:
        assert rung["probability"] == six(probability(RETIREMENT, START, LADDER[rung["name"]]))
        assert rung["need_monthly_yen"] == need_monthly_yen(RETIREMENT, START, LADDER[rung["name"]])
    assert told["probability"] == told["ladder"][1]["probability"] and told["essential_probability"] > told["probability"]
    assert told["best_dynamic"] >= max(rung["probability"] for rung in told["ladder"]) - 2e-4
    assert told["best_dynamic_choices"][0]["bands"][0]["from_yen"] == 0 and len(told["best_dynamic_choices"]) == 20
    assert told["fan"][-1]["year"] == 20 and told["payments"] is None
    assert told["asset_life_months"]["p5"] < told["asset_life_months"]["p50"]


def test_asset_life_goes_on_drawing_after_the_goal():
    rich = replace(RETIREMENT, now_yen=20_000_000)
    lasting = life(rich, START, LADDER["middle"])
    assert lasting.p50 is None or lasting.p50 > 240
    assert life(SAVING, START, LADDER["middle"]) is None and life(TERM, START, LADDER["calm"]) is None


def test_a_rule_with_floors_tells_its_payments_and_both_probabilities():
    told = outlook(TERM, START, LADDER.__getitem__)
    assert told["best_dynamic"] is None and told["need_monthly_yen"] is None and len(told["payments"]) == 20
    assert told["payments"][0]["p5"] == told["payments"][0]["p95"] == 100_000
    assert 0.5 < told["probability"] < told["essential_probability"] < 1.0
    assert told["fan"][-1]["p95"] == 0
    rails = replace(TERM, rule=RuleDrawing(DrawingRule("guardrails", rate_ppm=50_000), 0))
    assert outlook(rails, START, LADDER.__getitem__)["fan"] is None


# ---- a shared budget


RENT = SavedGoal("rent", "calm", ("calm",), 0, 180, drawings=(Drawing(Phase(60_000, 120, 179), 40_000),), want=0.9)


def test_a_drawing_goal_is_priced_as_a_sleeve_that_lasts_as_wanted():
    assert due_month(RENT) == 120 and due_month(SAVING) == 120
    price, lasts = price_yen(RENT, START, LADDER["calm"])
    paid = [-60_000] * 60
    assert lasts == schedule_probability(0.015, 0.04, price, paid) >= 0.9 > schedule_probability(0.015, 0.04, price - 1, paid)
    least, _ = price_yen(RENT, BEGUN, LADDER["calm"], essential=True)
    assert least < price and price_yen(SAVING, START, LADDER["calm"]) == (6_000_000, 1.0)


def test_a_raise_counts_from_where_it_began_not_from_the_start_of_the_sleeve():
    growing = replace(RENT, drawings=(Drawing(Phase(60_000, 120, 179, (), 20_000, 0)),))
    price, _ = price_yen(growing, START, Portfolio(0.0, 0.0))
    assert price == -sum(growing.payments(START))


def test_a_budget_tells_every_goal_and_sets_a_bad_one_aside():
    budget = Budget("home", 2_000_000, NAMES, (Phase(40_000, 0, 1_200),), ((12, -100_000),))
    nothing = SavedGoal("nothing", "", ("",), 0, 24)
    members = [Member(SAVING, 10.0, 6.0), Member(nothing, 1.0), Member(RENT, 5.0, 3.0), Member(replace(SAVING, name="b"), 4.0)]
    told = budget_outlook(budget, members, START, LADDER.__getitem__)
    first, bad, rent, second = told["goals"]
    assert "costs nothing" in bad["error"] and set(bad) == {"name", "budget", "error"}
    assert first["essential_probability"] >= first["probability"] and second["essential_probability"] is None
    assert (first["price_yen"], first["essential_price_yen"], rent["month"]) == (6_000_000, 4_000_000, 120)
    assert rent["probability"] <= 0.901 and told["portfolio"] in NAMES and 0 < told["utility"] < 19
    assert budget.payments(START, 13)[12] == -60_000
    empty = budget_outlook(budget, members[1:2], START, LADDER.__getitem__)
    assert empty["utility"] is None and empty["portfolio"] is None
