"""What rules of drawing come to: closed forms against counted scenarios, whole yen on a path, how long the money lasts."""

import math

import numpy as np
import pytest

from tsutsumi.core.drawing_rules import DrawingRule
from tsutsumi.core.goals.decumulation import (
    asset_life,
    buckets,
    drawn_shares,
    end_probability,
    mean_growth,
    merton_rate,
    merton_rule,
    merton_share,
    payment_probability,
    payment_quantiles,
    payments_on_path,
    rule_course,
)
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.schedule import schedule_probability

RULES = {
    "percentage": DrawingRule("fixed-percentage", rate_ppm=50_000),
    "term": DrawingRule("fixed-term"),
    "annuity": DrawingRule("annuity", rate_ppm=30_000),
    "merton": merton_rule(0.05, 0.15, 0.01, 0.02, 3.0),
}
MARKET = (0.04, 0.12)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("first", [1.0, 0.4])
def test_the_payments_of_a_share_are_lognormal(name, first):
    months, now = 180, 2e7
    shares = drawn_shares(RULES[name], months)
    course = rule_course(*MARKET, now, RULES[name], months, first=first)
    exact = payment_quantiles(*MARKET, now, shares, first=first)
    assert course.payments[1:] == pytest.approx(exact[1:], rel=0.02)
    assert course.lasts > 0.9999
    chances = payment_probability(*MARKET, now, shares, 80_000, first=first)
    counted = rule_course(*MARKET, now, RULES[name], months, floor=80_000, first=first, payments=False).reaches_floor
    assert counted <= chances.min() + 0.01
    assert payment_probability(*MARKET, now, shares, 0).tolist() == [1.0] * months


@pytest.mark.parametrize("name", RULES)
def test_what_is_left_at_the_end_is_lognormal_and_nothing_is_ruined(name):
    months, now, target = 180, 2e7, 9e6
    shares = drawn_shares(RULES[name], months)
    exact = end_probability(*MARKET, now, shares, target)
    assert exact == pytest.approx(schedule_probability(*MARKET, now, [0] * months, target, keep=1 - shares), abs=1e-7)
    counted = rule_course(*MARKET, now, RULES[name], months, target=target, payments=False).reaches_floor
    assert counted == pytest.approx(exact, abs=0.004)
    assert end_probability(*MARKET, now, shares, 0) == 1.0
    assert (exact == 0.0) == (name != "percentage")


def test_merton_by_hand():
    # r + (mu - r)^2 / (2 g vol^2) = 0.01 + 0.0016 / 0.135 = 0.0218519; (0.02 + 2 x that) / 3
    assert merton_rate(0.05, 0.15, 0.01, 0.02, 3.0) == pytest.approx((0.02 + 2 * (0.01 + 0.0016 / 0.135)) / 3)
    assert merton_rate(0.05, 0.15, 0.01, 0.02, 1.0) == pytest.approx(0.02)
    assert merton_share(0.05, 0.15, 0.01, 3.0) == pytest.approx(0.04 / (3 * 0.0225))
    nu, years = merton_rate(0.05, 0.15, 0.01, 0.02, 3.0), 15
    shares = drawn_shares(RULES["merton"], 12 * years)
    assert shares[0] == pytest.approx((1 - math.exp(-nu / 12)) / (1 - math.exp(-nu * years)), rel=1e-4)
    for risk, aversion in ((0.0, 3.0), (0.15, 0.0)):
        with pytest.raises(GoalError, match="above 0"):
            merton_rate(0.05, risk, 0.01, 0.02, aversion)
        with pytest.raises(GoalError, match="above 0"):
            merton_share(0.05, risk, 0.01, aversion)


def test_a_rule_after_saving_counts_as_the_exact_schedule_does():
    saved, rule = [50_000] * 120, RULES["percentage"]
    keep = np.concatenate((np.ones(120), 1 - drawn_shares(rule, 120)))
    exact = schedule_probability(*MARKET, 1e6, saved + [0] * 120, 6e6, keep=keep)
    counted = rule_course(*MARKET, 1e6, rule, 120, target=6e6, saved=saved, payments=False).reaches_floor
    assert counted == pytest.approx(exact, abs=0.008)


def test_a_fixed_amount_counted_is_the_exact_schedule():
    rule = DrawingRule("fixed-amount", amount_yen=100_000)
    exact = schedule_probability(*MARKET, 1.8e7, [-100_000] * 240)
    assert rule_course(*MARKET, 1.8e7, rule, 240, payments=False).lasts == pytest.approx(exact, abs=0.008)


def test_guardrails_pay_longer_than_a_fixed_amount_and_less_when_markets_fall():
    rails = DrawingRule("guardrails", rate_ppm=60_000)
    course = rule_course(*MARKET, 2e7, rails, 300)
    fixed = rule_course(*MARKET, 2e7, DrawingRule("fixed-amount", amount_yen=100_000), 300, payments=False)
    assert course.lasts > fixed.lasts + 0.1
    assert course.payments[0] == pytest.approx([100_000] * 5)
    assert course.payments[-1, 0] < course.payments[-1, 2] < course.payments[-1, 4]


def test_guardrails_on_one_path_pay_what_the_daily_close_pays():
    rule = DrawingRule("guardrails", rate_ppm=60_000, rise_ppm=10_000)
    growth = [0.985] * 30 + [1.02] * 60
    wealth, last, paid = 20_000_000.0, 0.0, []
    for month, factor in enumerate(growth):
        if month == 0:
            last = wealth * 0.06 / 12
        elif month % 12 == 0:
            last *= 1.01
            last *= 0.9 if last * 12 > wealth * 0.06 * 1.2 else 1.1 if last * 12 < wealth * 0.06 * 0.8 else 1.0
        paid.append(min(last, wealth))
        wealth = (wealth - paid[-1]) * factor
    found = [payment for payment, _ in payments_on_path(rule, 20_000_000, growth)]
    assert len({round(payment, -2) for payment in paid}) > 4
    assert found == pytest.approx(paid, abs=8)


def test_a_term_on_the_path_of_the_mean_pays_everything():
    rows = payments_on_path(DrawingRule("fixed-term"), 10_000_000, mean_growth(Portfolio(0.03, 0.1), 24, 0.5))
    assert rows[-1][1] == 0 and all(rows[i + 1][0] >= rows[i][0] for i in range(23))
    assert rows[0] == (416_666, 9_595_321)  # 9,583,334 x e^(0.03 / 24) = 9,595,320.7


def test_how_long_the_money_lasts():
    life = asset_life(0.03, 0.12, 10_000_000, [-60_000] * 1_200)
    assert life.p5 < life.p50 < life.p95 or life.p95 is None
    for name, share in (("p5", 0.05), ("p50", 0.5)):
        months = getattr(life, name)
        through = 1 - schedule_probability(0.03, 0.12, 10_000_000, [-60_000] * (months + 1))
        before = 1 - schedule_probability(0.03, 0.12, 10_000_000, [-60_000] * months)
        assert before < share <= through + 1e-9
    money, months = 10_000_000.0, 0
    while money >= 60_000:
        money, months = (money - 60_000) * math.exp(0.03 / 12), months + 1
    assert life.mean == months
    assert asset_life(0.05, 0.1, 10_000_000, [-10_000] * 1_200).mean is None
    assert asset_life(0.0, 0.0, 1_000, [-100] * 24, at_end=True).p50 == 10


def test_buckets_hold_what_falls_due_and_no_more_than_there_is():
    assert buckets(10_000_000, [50_000] * 12 + [-100_000] * 100, 2) == (1_200_000, 8_800_000)
    assert buckets(500_000, [-100_000] * 100, 2) == (500_000, 0)


def test_a_rule_without_shares_is_refused_where_shares_are_needed():
    with pytest.raises(GoalError, match="no share"):
        drawn_shares(DrawingRule("guardrails", rate_ppm=1), 12)
