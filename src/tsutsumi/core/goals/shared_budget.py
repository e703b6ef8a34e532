"""Several saved goals on one budget (共有予算): one pot pays for dated goals, and buys drawing goals a sleeve of their own.

A goal of an amount costs that amount on its date. A goal of drawings costs, on the day they start, what its own sleeve then needs
for the drawings to last with the wanted probability in its own portfolio; from then on the sleeve is on its own. Its probability is
that of being funded times that of lasting.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from tsutsumi.core.goals.outlook import SavedGoal, choice_rows, need_now_yen, probability, six
from tsutsumi.core.goals.phases import Phase, Timeline, phase_payments, with_once
from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR, GoalError, Portfolio
from tsutsumi.core.goals.priorities import DatedGoal, shared_plan
from tsutsumi.core.goals.scenarios import whole_yen
from tsutsumi.core.units import PPM


@dataclass(frozen=True)
class Member:
    """A goal on a budget (共有予算の目標), and the utility of its wish and of its essential amount (None: there is none)."""

    goal: SavedGoal
    wish_utility: float
    essential_utility: float | None = None


@dataclass(frozen=True)
class Budget:
    """A budget that goals share (共有予算): what is there, what comes in and goes out, and the portfolios it may be invested in."""

    name: str
    now_yen: int
    permitted: tuple[str, ...]
    phases: tuple[Phase, ...] = ()
    once: tuple[tuple[int, int], ...] = ()

    def payments(self, timeline: Timeline, months: int) -> list[int]:
        """Return the payments of every month (月々の入出金), in whole yen."""
        paid = phase_payments(timeline, self.phases, months)
        for month, amount in self.once:
            paid = with_once(paid, amount, month)
        return paid


def due_month(goal: SavedGoal) -> int:
    """Return the boundary at which a goal is paid for: its date, or the start of its first drawing."""
    return min([goal.months, *(max(one.phase.first_month, 0) for one in goal.drawings)])


def price_yen(goal: SavedGoal, timeline: Timeline, portfolio: Portfolio, essential: bool = False) -> tuple[int, float]:
    """Return (price, probability) of a goal on the day it is paid for (目標の値段): an amount, or a sleeve that lasts as wanted.

    Raises
    ------
    GoalError
        No price makes the drawings last with the wanted probability.

    Examples
    --------
    Without risk and return twelve drawings of 100,000 cost 1,200,000, a year ahead of which nothing is needed:

    >>> from tsutsumi.core.goals.outlook import Drawing
    >>> goal = SavedGoal("rent", "A", ("A",), 0, 24, drawings=(Drawing(Phase(100_000, 12, 23)),))
    >>> price_yen(goal, Timeline(date(2026, 10, 1)), Portfolio(0.0, 0.0))
    (1200000, 1.0)
    """
    if not goal.drawings:
        return goal.target(essential), 1.0
    start = due_month(goal)
    years, months = divmod(timeline.today.month - 1 + start, MONTHS_A_YEAR)
    later = replace(timeline, today=date(timeline.today.year + years, months + 1, 1)) if start else timeline
    drawings = []
    for one in goal.drawings:
        amount = one.essential_yen if essential and one.essential_yen else one.phase.amount_yen
        moved = replace(one.phase, amount_yen=amount, first_month=one.phase.first_month - start,
                        last_month=one.phase.last_month - start, since_month=one.phase.since_month - start)
        drawings.append(replace(one, phase=moved, essential_yen=None))
    sleeve = replace(goal, now_yen=0, months=goal.months - start, target_yen=goal.target(essential), essential_yen=None,
                     drawings=tuple(drawings))
    price = need_now_yen(sleeve, later, portfolio)
    if price is None:
        raise GoalError(f"no amount makes its drawings last with a probability of {goal.want:g}: lower `want`")
    return price, probability(replace(sleeve, now_yen=price), later, portfolio)


def budget_outlook(budget: Budget, members: list[Member], timeline: Timeline, portfolio_of: Callable[[str], Portfolio]) -> dict:
    """Return what a budget and its goals come to (共有予算の見通し).

    Keys: `name`, `utility` (expected), `portfolio` (to hold now), `goals`, `choices`. Of each goal: `name`, `budget`, `month`,
    `price_yen`, `essential_price_yen`, `probability` (of the wish), `essential_probability` (of at least the essential amount); of
    one without a price `name`, `budget`, `error`, and the others share the budget without it.
    """
    dated, rows = [], []
    for member in members:
        row: dict = {"name": member.goal.name, "budget": budget.name}
        rows.append(row)
        try:
            levels, row["lasts"] = _levels(member, timeline, portfolio_of)
        except GoalError as error:
            row["error"] = str(error)
            continue
        dated.append(DatedGoal(due_month(member.goal), levels))
        least = int(levels[0][0]) if len(levels) > 1 else None
        row |= {"month": dated[-1].month, "price_yen": int(levels[-1][0]), "essential_price_yen": least}
    told = {"name": budget.name, "utility": None, "portfolio": None, "goals": rows, "choices": None}
    if not dated:
        return told
    paid = budget.payments(timeline, max(goal.month for goal in dated))
    portfolios = [portfolio_of(name) for name in budget.permitted]
    plan = shared_plan(portfolios, budget.now_yen, paid, dated, timeline.at_end, timeline.first_length)
    for row, chances in zip((row for row in rows if "error" not in row), plan.fulfilled, strict=True):
        lasts = row.pop("lasts")
        row["probability"] = six(chances[-1] * lasts[-1])
        least = chances[-1] * lasts[-1] + (chances[0] - chances[-1]) * lasts[0]
        row["essential_probability"] = six(least) if len(lasts) > 1 else None
    told |= {"utility": whole_yen(plan.utility * PPM) / PPM, "portfolio": budget.permitted[plan.first_index]}
    return told | {"choices": choice_rows(plan.choices, budget.permitted)}


def _levels(member: Member, timeline: Timeline, portfolio_of) -> tuple[tuple[tuple[float, float], ...], list[float]]:
    """Return the (price, utility) of each level of a goal, cheapest first, and how surely each lasts once it is paid for."""
    goal = member.goal
    portfolio = portfolio_of(goal.portfolio) if goal.drawings else None
    price, lasts = price_yen(goal, timeline, portfolio)
    if price == 0:
        raise GoalError("it costs nothing: give an amount or drawings")
    if member.essential_utility is None or not goal.has_essential:
        return ((float(price), member.wish_utility),), [lasts]
    least, least_lasts = price_yen(goal, timeline, portfolio, essential=True)
    return ((float(least), member.essential_utility), (float(price), member.wish_utility)), [least_lasts, lasts]
