"""What a saved goal comes to (目標の見通し): probability, needs, fan, ladder of portfolios, best dynamic choice, life of the money.

A saved goal may save, draw, pay bonuses and one-offs, and draw by a rule, in any order. Everything is exact (`schedule`), except
what rests on a floor for every payment of a rule, or on guardrails: that is counted on the stored scenarios.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tsutsumi.core.drawing_rules import DrawingRule
from tsutsumi.core.goals.decumulation import (
    PROPORTIONAL,
    AssetLife,
    asset_life,
    buckets,
    drawn_shares,
    payment_quantiles,
    rule_course,
)
from tsutsumi.core.goals.dynamic import BestPlan, best_plan
from tsutsumi.core.goals.needs import smallest_yen
from tsutsumi.core.goals.phases import MOST_MONTHS, Phase, Timeline, phase_payments, with_once
from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR, Portfolio
from tsutsumi.core.goals.scenarios import SHARES, fan, whole_yen
from tsutsumi.core.goals.schedule import schedule_probability
from tsutsumi.core.units import PPM


@dataclass(frozen=True)
class Drawing:
    """A run of drawings (取り崩し): the wish and, if there is one, the essential amount of each payment, above 0."""

    phase: Phase
    essential_yen: int | None = None


@dataclass(frozen=True)
class RuleDrawing:
    """A rule of drawing from a month to the goal's date (ルールによる取り崩し), and what each payment should reach."""

    rule: DrawingRule
    first_month: int
    floor_yen: int = 0
    essential_floor_yen: int | None = None


@dataclass(frozen=True)
class SavedGoal:
    """A goal in a sleeve of its own (目標).

    Attributes
    ----------
    name, portfolio : of the goal, and of the portfolio that is held
    permitted : names of the portfolios that may be held, calmest first
    months : boundary at which the goal is due
    target_yen, essential_yen : what must be there then: all of the wish, and what is essential (None: no such difference)
    saving : phases of monthly saving; the first one is what `need_monthly_yen` answers for
    extra : phases of bonus payments;  once : (month, amount) of one-offs
    drawings, rule : what is drawn
    bucket_years : years of drawings shown in cash, 0: no buckets
    """

    name: str
    portfolio: str
    permitted: tuple[str, ...]
    now_yen: int
    months: int
    target_yen: int = 0
    essential_yen: int | None = None
    want: float = 0.8
    saving: tuple[Phase, ...] = ()
    extra: tuple[Phase, ...] = ()
    once: tuple[tuple[int, int], ...] = ()
    drawings: tuple[Drawing, ...] = ()
    rule: RuleDrawing | None = None
    bucket_years: int = 0

    @property
    def has_essential(self) -> bool:
        """Whether the essential amount differs from the wish."""
        floors = self.rule is not None and self.rule.essential_floor_yen is not None
        return self.essential_yen is not None or floors or any(one.essential_yen is not None for one in self.drawings)

    def target(self, essential: bool = False) -> int:
        """Return what must be there at the end, in yen of that day."""
        return self.essential_yen if essential and self.essential_yen is not None else self.target_yen

    def payments(self, timeline: Timeline, essential: bool = False, months: int | None = None) -> list[int]:
        """Return the payments of every month to the goal's date (月々の入出金), in whole yen."""
        out = [
            replace(one.phase, amount_yen=-(one.essential_yen if essential and one.essential_yen else one.phase.amount_yen))
            for one in self.drawings
        ]
        paid = phase_payments(timeline, [*self.saving, *self.extra, *out], self.months if months is None else months)
        for month, amount in self.once:
            paid = with_once(paid, amount, month)
        return paid

    def saving_phase(self, timeline: Timeline) -> Phase | None:
        """Return the phase that more or less saving would change, or None where there is no month to save in."""
        drawing = [one.phase.first_month for one in self.drawings] + ([self.rule.first_month] if self.rule else [])
        phase = self.saving[0] if self.saving else None
        if phase is None:
            last = min([self.months, *drawing]) - 1
            phase = Phase(0, 0, last) if last >= 0 else None
        if phase is None or not any(phase_payments(timeline, [replace(phase, amount_yen=1_000_000)], self.months)):
            return None
        return phase

    def saving_level(self, monthly_yen: int, phase: Phase) -> "SavedGoal":
        """Return the goal with another amount in the phase of saving."""
        return replace(self, saving=(replace(phase, amount_yen=monthly_yen), *self.saving[1:]))


def probability(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio, essential: bool = False) -> float:
    """Return the probability of a goal on a portfolio (達成確率).

    Examples
    --------
    The lump sum of 5,000,000 that should become 8,000,000 in ten years:

    >>> from datetime import date
    >>> goal = SavedGoal("house", "A", ("A",), 5_000_000, 120, 8_000_000)
    >>> round(probability(goal, Timeline(date(2026, 10, 1)), Portfolio(0.05, 0.15)), 6)
    0.430959
    """
    paid, target, mine = goal.payments(timeline, essential), goal.target(essential), (portfolio.mu, portfolio.vol)
    first = timeline.first_length
    if goal.rule is None:
        return schedule_probability(*mine, goal.now_yen, paid, target, timeline.at_end, first)
    drawn = goal.rule
    floor = drawn.essential_floor_yen if essential and drawn.essential_floor_yen is not None else drawn.floor_yen
    length = goal.months - drawn.first_month
    if drawn.rule.kind in PROPORTIONAL and floor == 0:
        return schedule_probability(*mine, goal.now_yen, paid, target, timeline.at_end, first, _kept(goal))
    saved = paid[: drawn.first_month]
    return rule_course(*mine, goal.now_yen, drawn.rule, length, floor, target, saved, first, payments=False).reaches_floor


def _kept(goal: SavedGoal) -> np.ndarray | None:
    """Return the share of wealth that stays each month under the goal's rule, if it takes shares."""
    if goal.rule is None or goal.rule.rule.kind not in PROPORTIONAL:
        return None
    shares = drawn_shares(goal.rule.rule, goal.months - goal.rule.first_month)
    return np.concatenate((np.ones(goal.rule.first_month), 1.0 - shares))


def need_monthly_yen(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio) -> int | None:
    """Return the smallest monthly saving that reaches the wanted probability (必要積立額), or None: no month, or out of reach."""
    phase = goal.saving_phase(timeline)
    if phase is None:
        return None
    asked = goal.target_yen + sum(-payment for payment in goal.payments(timeline) if payment < 0)
    guess = max(1_000, asked // max(1, phase.last_month - phase.first_month + 1))
    return smallest_yen(lambda yen: probability(goal.saving_level(yen, phase), timeline, portfolio), goal.want, guess)


def need_now_yen(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio) -> int | None:
    """Return the smallest extra today that reaches the wanted probability (必要追加額), or None: out of reach."""
    asked = goal.target_yen + sum(-payment for payment in goal.payments(timeline) if payment < 0)

    def of(yen: int) -> float:
        return probability(replace(goal, now_yen=goal.now_yen + yen), timeline, portfolio)

    return smallest_yen(of, goal.want, max(1_000, asked // 2))


def can_draw_yen(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio) -> int | None:
    """Return the largest monthly drawing that keeps the wanted probability (取り崩し可能額), or None: nothing is drawn.

    It is the amount of the first run of drawings; the others stay.
    """
    if not goal.drawings:
        return None
    first, *others = goal.drawings

    def falls_short(yen: int) -> float:
        level = replace(first, phase=replace(first.phase, amount_yen=yen), essential_yen=None)
        return 1.0 - probability(replace(goal, drawings=(level, *others)), timeline, portfolio)

    too_much = smallest_yen(falls_short, math.nextafter(1.0 - goal.want, 1.0), max(1_000, first.phase.amount_yen))
    return None if too_much is None else max(0, too_much - 1)


def life(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio) -> AssetLife | None:
    """Return how long the money lasts (資産寿命) if the last run of drawings went on; None: no fixed amounts are drawn."""
    if not goal.drawings or goal.rule is not None:
        return None
    *others, last = goal.drawings
    endless = replace(last, phase=replace(last.phase, last_month=MOST_MONTHS))
    paid = replace(goal, drawings=(*others, endless)).payments(timeline, months=MOST_MONTHS)
    return asset_life(portfolio.mu, portfolio.vol, goal.now_yen, paid, timeline.at_end, timeline.first_length)


def rule_payments(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio) -> list[dict] | None:
    """Return the percentiles of the monthly payment in each year of a rule (取り崩し額の分位点), whole yen; None without a rule.

    The first payment of each year. Closed form where the rule takes shares and nothing is saved before, else by scenarios.
    """
    if goal.rule is None:
        return None
    drawn, length, first = goal.rule, goal.months - goal.rule.first_month, timeline.first_length
    saved = goal.payments(timeline)[: drawn.first_month]
    if drawn.rule.kind in PROPORTIONAL and not any(saved):
        shares = drawn_shares(drawn.rule, length)
        rows = payment_quantiles(portfolio.mu, portfolio.vol, goal.now_yen, shares, SHARES, drawn.first_month, first)
    else:
        rows = rule_course(portfolio.mu, portfolio.vol, goal.now_yen, drawn.rule, length, 0, 0, saved, first).payments
    names = [f"p{int(100 * share + 0.5)}" for share in SHARES]
    return [
        {"year": month // MONTHS_A_YEAR + 1} | {name: whole_yen(value) for name, value in zip(names, rows[month], strict=True)}
        for month in range(0, length, MONTHS_A_YEAR)
    ]


def goal_fan(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio) -> list[dict] | None:
    """Return the fan of percentiles of a goal (扇形図); None under guardrails, whose wealth has no law here."""
    if goal.rule is not None and goal.rule.rule.kind not in PROPORTIONAL:
        return None
    paid = goal.payments(timeline)
    mine = (portfolio.mu, portfolio.vol, goal.now_yen, paid)
    return fan(*mine, timeline.at_end, timeline.first_length, _kept(goal))


def dynamic(goal: SavedGoal, timeline: Timeline, portfolios: list[Portfolio]) -> BestPlan | None:
    """Return the best plan with a yearly choice among the permitted portfolios (動的選択); None under a rule of drawing."""
    if goal.rule is not None:
        return None
    paid = goal.payments(timeline)
    return best_plan(portfolios, goal.now_yen, paid, goal.target_yen, timeline.at_end, timeline.first_length)


def bucket_view(goal: SavedGoal, timeline: Timeline) -> tuple[int, int] | None:
    """Return (cash, invested) of the bucket view (バケット), or None where the goal asks for none."""
    return buckets(goal.now_yen, goal.payments(timeline), goal.bucket_years) if goal.bucket_years else None


Finder = Callable[[str], Portfolio]


def outlook(goal: SavedGoal, timeline: Timeline, portfolio_of: Finder) -> dict:
    """Return everything about a goal (目標の見通し) as one dictionary, money in whole yen, probabilities to six digits.

    Keys: `name`, `portfolio`, `months`, `want`, `target_yen`, `probability`, `essential_probability`, `need_monthly_yen`,
    `need_now_yen`, `can_draw_yen`, `ladder` (name, probability, need_monthly_yen), `best_dynamic`, `best_dynamic_portfolio`,
    `best_dynamic_choices`, `asset_life_months`, `payments`, `buckets_yen`, `fan`. What does not apply is None.
    """
    held = portfolio_of(goal.portfolio)
    rungs = {name: _rung(goal, timeline, name, portfolio_of(name)) for name in dict.fromkeys((goal.portfolio, *goal.permitted))}
    ladder = [rungs[name] for name in goal.permitted]
    plan = dynamic(goal, timeline, [portfolio_of(name) for name in goal.permitted])
    lasting, view = life(goal, timeline, held), bucket_view(goal, timeline)
    return {
        "name": goal.name,
        "portfolio": goal.portfolio,
        "months": goal.months,
        "want": goal.want,
        "target_yen": goal.target_yen,
        "probability": rungs[goal.portfolio]["probability"],
        "essential_probability": six(probability(goal, timeline, held, essential=True)) if goal.has_essential else None,
        "need_monthly_yen": rungs[goal.portfolio]["need_monthly_yen"],
        "need_now_yen": need_now_yen(goal, timeline, held),
        "can_draw_yen": can_draw_yen(goal, timeline, held),
        "ladder": ladder,
        "best_dynamic": None if plan is None else six(plan.probability),
        "best_dynamic_portfolio": None if plan is None else goal.permitted[plan.first_index],
        "best_dynamic_choices": None if plan is None else choice_rows(plan.choices, goal.permitted),
        "asset_life_months": None if lasting is None else lasting.__dict__.copy(),
        "payments": rule_payments(goal, timeline, held),
        "buckets_yen": None if view is None else {"cash": view[0], "invested": view[1]},
        "fan": goal_fan(goal, timeline, held),
    }


def _rung(goal: SavedGoal, timeline: Timeline, name: str, portfolio: Portfolio) -> dict:
    """Return a rung of the ladder: a portfolio, the probability on it, and the saving that it would need."""
    reached, need = probability(goal, timeline, portfolio), need_monthly_yen(goal, timeline, portfolio)
    return {"name": name, "probability": six(reached), "need_monthly_yen": need}


def choice_rows(choices, names: tuple[str, ...]) -> list[dict]:
    """Return the table of choices (選択表): for each year the portfolio by the wealth then, from the lower end in whole yen."""
    return [
        {
            "month": choice.month,
            "bands": [
                {"from_yen": whole_yen(low), "portfolio": names[place]}
                for low, place in zip(choice.from_wealth, choice.portfolio_index, strict=True)
            ],
        }
        for choice in choices
    ]


def six(share: float) -> float:
    """Return a probability to six digits (確率、小数六桁), 0 or 1 only where it is certain.

    >>> six(0.43095908), six(1.0), six(0.99999999), six(1e-9)
    (0.430959, 1.0, 0.999999, 1e-06)
    """
    if not 0.0 < share < 1.0:
        return min(max(share, 0.0), 1.0)
    return min(max(whole_yen(share * PPM), 1), PPM - 1) / PPM
