"""What the same money could do for all goals of a customer (顧客の配分案): payments, savings within an account, and one pot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date

import numpy as np

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.goals.budget_split import KEPT, Share, Split, best_split, transfers
from tsutsumi.core.goals.options import STEP_YEN
from tsutsumi.core.goals.outlook import Drawing, SavedGoal
from tsutsumi.core.goals.phases import Phase, Timeline
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.priorities import utilities, utility_rows
from tsutsumi.core.goals.shared_budget import Budget, Member, budget_outlook
from tsutsumi.core.units import PPM
from tsutsumi.run.customer_goals import CustomerGoals, FollowedGoal, customer_goals
from tsutsumi.run.dated_rows import in_force
from tsutsumi.store.database import House

MOST_MODELS = 6  # of the pot: more cost time and hardly move it
OWN = "goal "    # before the name of a goal, its own model; no model is called so: ids have no spaces


@dataclass(frozen=True)
class Given:
    """What a goal is given (目標への配分): its yen, why, and the probabilities that follow."""

    yen: int
    reason: str
    probability_ppm: int | None
    floor_ppm: int | None


@dataclass(frozen=True)
class Transfer:
    """Savings that would move between sleeves of one account (振替案)."""

    account_id: str
    from_goal_id: str
    to_goal_id: str
    yen: int


@dataclass(frozen=True)
class CustomerSplit:
    """The goals of a customer and the best split of the same money (顧客の配分案).

    Attributes
    ----------
    payments : of each goal, the yen a month on its plan's days
    left_yen : payments that no plan could take: less than the days of a plan
    savings : of each goal, the savings after transfers, the payments being shared out already
    pot : what one pot would come to, keys of `budget_outlook`; None for fewer than two goals that need money, with `pot_error`
        where it has none
    """

    of: CustomerGoals
    payments: tuple[Given, ...]
    left_yen: int
    savings: tuple[Given, ...]
    transfers: tuple[Transfer, ...]
    pot: Mapping | None
    pot_error: str

    @property
    def changed(self) -> tuple[tuple[FollowedGoal, Given], ...]:
        """The goals whose payment would change."""
        return tuple((one, given) for one, given in zip(self.of.goals, self.payments, strict=True) if given.yen != one.payment_yen)

    @property
    def total_yen(self) -> int:
        """What is paid a month today for the goals whose payments may be moved."""
        return sum(one.payment_yen for one in self.of.goals if not one.fixed)


def split_of(house: House, customer_id: str, date: Date | None = None, with_pot: bool = True) -> CustomerSplit:
    """Return what the same money could do for a customer's goals on a closed day (顧客の配分案); docs/rules/goal-split.md.

    Raises
    ------
    HouseError
        The customer is unknown, or the day is not closed.
    """
    of = customer_goals(house, customer_id, date)
    goals = of.goals
    movable = [k for k, one in enumerate(goals) if not one.fixed]
    split = _split(goals, movable, [goals[k].payment for k in movable], FollowedGoal.ask)
    payments = _given(goals, movable, split, [one.payment_yen for one in goals], FollowedGoal.ask)
    savings, moves = _savings(goals, movable, payments)
    pot, error = _pot(of) if with_pot else (None, "")
    return CustomerSplit(of, payments, split.left_yen, savings, moves, pot, error)


Asked = Callable[[FollowedGoal, bool, np.ndarray], np.ndarray]


def _split(goals: Sequence[FollowedGoal], places: list[int], shares: Sequence[Share], asked: Asked) -> Split:
    """Return the best split among the goals at some places."""
    return best_split(shares, lambda k, essential, yen: asked(goals[places[k]], essential, yen), STEP_YEN)


def _given(goals: Sequence[FollowedGoal], places: list[int], split: Split, today: Sequence[int], asked: Asked) -> tuple[Given, ...]:
    """Return what every goal is given, those that take no part what they have."""
    of = dict(zip(places, zip(split.yen, split.reasons, strict=True), strict=True))
    found = []
    for place, goal in enumerate(goals):
        yen, reason = of.get(place, (today[place], KEPT))
        told = [None if ppm is None else int(asked(goal, essential, np.array([yen]))[0])
                for ppm, essential in ((goal.probability_ppm, False), (goal.floor_ppm, True))]
        found.append(Given(yen, reason, *told))
    return tuple(found)


def _savings(goals: Sequence[FollowedGoal], movable: list[int], paid: tuple[Given, ...]) -> tuple[tuple[Given, ...], tuple]:
    """Return what the savings within each account could do besides, and the transfers that it takes."""
    payment = {goal.goal_no: given.yen for goal, given in zip(goals, paid, strict=True)}

    def asked(goal: FollowedGoal, essential: bool, yen: np.ndarray) -> np.ndarray:
        return goal.ask(essential, payment[goal.goal_no], yen)

    moves: list[Transfer] = []
    found = [replace(given, yen=goal.value_yen, reason=KEPT) for goal, given in zip(goals, paid, strict=True)]
    for account in dict.fromkeys(goals[k].account_id for k in movable):
        places = [k for k in movable if goals[k].account_id == account and not goals[k].stays]
        if len(places) < 2:
            continue
        split = _split(goals, places, [goals[k].savings for k in places], asked)
        told = _given(goals, places, split, [one.value_yen for one in goals], asked)
        before = [goals[k].savings.today_yen for k in places]
        for place in places:
            found[place] = told[place]
        ids = [goals[k].goal_id for k in places]
        moves += [Transfer(account, ids[giver], ids[taker], yen) for giver, taker, yen in transfers(before, split.yen)]
    return tuple(found), tuple(moves)


# ---- one pot


def _pot(of: CustomerGoals) -> tuple[Mapping | None, str]:
    """Return what one pot with all savings and payments would come to, or why it cannot be told."""
    goals = [one for one in of.goals if one.probability_ppm is not None and one.months_ppm > 0]
    goals = [one for one in goals if one.target_yen or one.drawn_yen]
    if len(goals) < 2:
        return None, ""
    timeline = Timeline(of.date)
    try:
        offered = _portfolios(of, goals)
        own = {OWN + one.goal_id: Portfolio.from_simple(one.mean_ppm / PPM, one.risk_ppm / PPM) for one in goals}
        permitted = tuple(offered)
        members = [_member(one, timeline, permitted) for one in goals]
        paid = ((one.monthly_yen + one.drawn_yen, one.target_date) for one in goals)
        phases = tuple(Phase(yen, 0, max(timeline.boundary(until), 1) - 1) for yen, until in paid if yen)
        budget = Budget(of.customer_id, sum(max(one.value_yen, 0) for one in goals), permitted, phases)
        told = budget_outlook(budget, members, timeline, (offered | own).__getitem__)
        return {name: value for name, value in told.items() if name != "choices"}, ""
    except GoalError as error:
        return None, str(error)


def _member(goal: FollowedGoal, timeline: Timeline, permitted: tuple[str, ...]) -> Member:
    """Return a goal as the pot pays for it: an amount on its date, drawings as a sleeve of its own in its own model."""
    essential, wish = utilities(utility_rows(), goal.priority, timeline.today)
    months = max(timeline.boundary(goal.target_date), 1)
    drawn = goal.drawn_yen
    saved = SavedGoal(
        goal.goal_id, OWN + goal.goal_id, permitted, 0, months, goal.target_yen, goal.floor_yen or None, goal.want_ppm / PPM,
        drawings=(Drawing(Phase(drawn, 0, months - 1)),) if drawn else (),
    )
    return Member(saved, wish, essential if goal.floor_yen else None)


def _portfolios(of: CustomerGoals, goals: Sequence[FollowedGoal]) -> dict[str, Portfolio]:
    """Return the models that the pot may hold: on offer to one of the goals' programs, within the lowest limit, by risk."""
    day, rows = epoch_day(of.date), of.rows
    programs, limit = {one.program_no for one in goals}, min(one.most_risk_ppm for one in goals)
    offered = in_force(rows["program_models"], day, "program_no", "model_no")
    models = {model for (program, model), row in offered.items() if program in programs and row["offered"]}
    known = {row["model_no"]: row["model_id"] for row in rows["models"]}
    assumed = in_force(rows["model_assumptions"], day, "model_no")
    laws = sorted({
        (row["risk_ppm"], -row["mean_ppm"], known[number]) for (number,), row in assumed.items()
        if number in models and row["risk_ppm"] <= limit
    })
    best = [law for k, law in enumerate(laws) if k == 0 or law[:2] != laws[k - 1][:2]]
    if not best:
        raise GoalError("no model on offer with assumptions is within what suits the customer: load model_assumptions")
    count = min(len(best), MOST_MODELS)
    chosen = [best[k * (len(best) - 1) // max(count - 1, 1)] for k in range(count)]
    return {name: Portfolio.from_simple(-mean / PPM, risk / PPM) for risk, mean, name in chosen}
