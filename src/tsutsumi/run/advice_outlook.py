"""One goal with everything (目標の見通し): why it changed, permitted models, the best yearly choice, the fan, options now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date

import numpy as np

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.goal_advice import later_of, offer_of, option_table, standing
from tsutsumi.core.goals.decumulation import asset_life
from tsutsumi.core.goals.dynamic import best_plan
from tsutsumi.core.goals.ladder import stored_ppm
from tsutsumi.core.goals.median_life import MOST_MONTHS, median_lives
from tsutsumi.core.goals.options import KINDS, NO_LIMIT, PAY_MORE, Offer
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.scenarios import fan
from tsutsumi.core.goals.within import odds
from tsutsumi.core.rules import Rules
from tsutsumi.core.units import PPM
from tsutsumi.run.advice_list import STATUS_NONE, AdviceBook, GoalAdvice, Option
from tsutsumi.run.close_day import read_reference
from tsutsumi.store.database import House, HouseError
from tsutsumi.store.day_tables import load_day

PARTS = ("market_ppm", "payment_ppm", "time_ppm", "assumption_ppm")


@dataclass(frozen=True)
class GoalOutlook:
    """Everything about one goal at the end of the last closed day (一つの目標の見通し).

    Attributes
    ----------
    untold : why there is no probability: assumptions (the model has none in force) or range (months or money are outside what
        can be told); empty where it is told
    parts : why the probability changed since the day before, ppm
    ladder : the permitted models and the one held, calmest first: model_id, mean_ppm, risk_ppm, probability_ppm, permitted
    best_dynamic_ppm, best_dynamic_model_id : if the model may be chosen anew every year among the permitted ones, and the first
    asset_life_months : how long the drawing of a goal goes on, if it draws: at the median return of every month, in the worst 5 %,
        half and 95 % of outcomes; None is more than 1,200 months
    fan : percentiles of the value by year
    surplus_from : the sleeves whose surplus comes into this one by a rule in force: nothing above foresees it
    options : what could be done now, as it would be advised tonight
    advice : the latest advice that was given, with its answers
    """

    date: Date
    goal_id: str
    name: str
    sleeve_id: str
    customer_id: str
    customer: str
    status: str
    probability_ppm: int | None
    untold: str
    want_ppm: int
    parts: Mapping[str, int]
    value_yen: int
    monthly_yen: int
    target_yen: int
    target_date: Date
    months: float
    model_id: str
    most_risk_ppm: int | None
    ladder: tuple[Mapping, ...]
    best_dynamic_ppm: int | None
    best_dynamic_model_id: str
    asset_life_months: Mapping[str, int | None] | None
    fan: list[dict] | None
    surplus_from: tuple[str, ...]
    options: tuple[Option, ...]
    advice: GoalAdvice | None


def goal_outlook(house: House, goal_id: str) -> GoalOutlook:
    """Return everything about one goal (一つの目標の見通し), with the rules in force at the end of the last closed day.

    Raises
    ------
    HouseError
        The goal is unknown, or not followed: its sleeve is not open, or no target is in force.
    """
    book = AdviceBook(house)
    number = book.goal_no(goal_id)
    if number not in book.place:
        raise HouseError(f"goal {goal_id}: it is not followed on {book.date}: its sleeve is not open, or it has no target in force")
    reference = read_reference(house, book.date)
    rules = reference.rules_on(reference.timeline.index_of(epoch_day(book.date)))
    goals = standing(book.books, rules, np.array([book.place[number]]))
    goal = {name: column[0].item() for name, column in goals.items()}
    told = book.standing_words(number)
    offer, known = offer_of(rules), told["status"] != STATUS_NONE
    ladder = _ladder(book, goals, goal, offer) if known else []
    found = option_table(goals, offer, later_of(goals, rules)) if known else {}
    best, first = _best(goal, ladder) if known else (None, "")
    return GoalOutlook(
        book.date, **told, untold="" if known else "range" if rules.goals.risk_ppm[goal["model_no"]] >= 0 else "assumptions",
        want_ppm=goal["want_ppm"], parts=_parts(book, number),
        **{name: goal[name] for name in ("monthly_yen", "target_yen")}, value_yen=goal["now_yen"],
        target_date=from_epoch_day(goal["target_date"]), months=goal["months_ppm"] / PPM,
        model_id=book.ids["models"][goal["model_no"]],
        most_risk_ppm=None if goal["most_risk_ppm"] == NO_LIMIT else goal["most_risk_ppm"], ladder=tuple(ladder),
        best_dynamic_ppm=best, best_dynamic_model_id=first,
        asset_life_months=_life(goal) if known and goal["monthly_yen"] < 0 else None, fan=_fan(goal) if known else None,
        surplus_from=_givers(book, rules, goal["sleeve_no"]),
        options=tuple(_options(book, found, goal["drawing_yen"])), advice=book.of_goal(number),
    )


def _parts(book: AdviceBook, goal_no: int) -> dict[str, int]:
    """Return why the probability changed on the last closed day, in ppm."""
    table = load_day(book.house, book.date)["goals"]
    row = int(np.flatnonzero(table["goal_no"] == goal_no)[0])
    return {name: int(table[name][row]) for name in PARTS}


def _ladder(book: AdviceBook, goals, goal: Mapping, offer: Offer) -> list[dict]:
    """Return the permitted models and the one that is held, calmest first."""
    own = (goal["mean_ppm"], goal["risk_ppm"])
    rungs = {goal["model_no"]: (*own, own[1] <= goal["most_risk_ppm"])}
    for place in np.flatnonzero(offer.offered[goal["program_no"]] & (offer.risk_ppm <= goal["most_risk_ppm"])).tolist():
        model = int(offer.model_no[place])
        rungs.setdefault(model, (int(offer.mean_ppm[place]), int(offer.risk_ppm[place]), True))
    course = [goals[name] for name in ("now_yen", "monthly_yen", "target_yen", "months_ppm")]
    rows = []
    for model, (mean, risk, permitted) in sorted(rungs.items(), key=lambda rung: (rung[1][1], rung[0])):
        ppm = int(odds(*course, np.array([mean]), np.array([risk]))[0])
        rows.append({"model_id": book.ids["models"][model], "mean_ppm": mean, "risk_ppm": risk, "probability_ppm": ppm,
                     "permitted": permitted})
    return rows


def _payments(goal: Mapping) -> tuple[list[int], float]:
    """Return the payments of the months left, and the length of the first one: a part of a month has no payment."""
    months, part = divmod(goal["months_ppm"], PPM)
    return ([0] if part else []) + [goal["monthly_yen"]] * months, part / PPM if part else 1.0


def _best(goal: Mapping, ladder: list[dict]) -> tuple[int | None, str]:
    """Return the best probability with a yearly choice among the permitted models, and the model to hold first."""
    rungs = [rung for rung in ladder if rung["permitted"]]
    payments, first = _payments(goal)
    if not rungs or not payments:
        return None, ""
    portfolios = [Portfolio.from_simple(rung["mean_ppm"] / PPM, rung["risk_ppm"] / PPM) for rung in rungs]
    plan = best_plan(portfolios, goal["now_yen"], payments, goal["target_yen"], first=first)
    return stored_ppm(plan.probability), rungs[plan.first_index]["model_id"]


def _fan(goal: Mapping) -> list[dict]:
    """Return the percentiles of the value by year on the model that is held."""
    held = Portfolio.from_simple(goal["mean_ppm"] / PPM, goal["risk_ppm"] / PPM)
    payments, first = _payments(goal)
    return fan(held.mu, held.vol, goal["now_yen"], payments, first=first)


def _life(goal: Mapping) -> dict[str, int | None]:
    """Return how many months the drawing goes on, with its spread (資産寿命): the first is what the close tells."""
    held = Portfolio.from_simple(goal["mean_ppm"] / PPM, goal["risk_ppm"] / PPM)
    now, monthly = goal["now_yen"], goal["monthly_yen"]
    median = int(median_lives(*(np.array([figure]) for figure in (now, -monthly, goal["mean_ppm"], goal["risk_ppm"])))[0])
    spread = asset_life(held.mu, held.vol, now, [monthly] * (MOST_MONTHS + 1))
    return {"median_return": None if median < 0 else median, "p5": spread.p5, "p50": spread.p50, "p95": spread.p95}


def _givers(book: AdviceBook, rules: Rules, sleeve_no: int) -> tuple[str, ...]:
    """Return the sleeves whose rule of surplus names a sleeve (余剰を渡す運用口)."""
    if rules.surplus is None:
        return ()
    givers = rules.surplus["sleeve_no"][rules.surplus["to_sleeve_no"] == sleeve_no]
    return tuple(book.sleeves[number]["sleeve_id"] for number in givers.tolist())


def _options(book: AdviceBook, found: Mapping[str, np.ndarray], drawing_yen: int) -> list[Option]:
    """Return options as they are listed."""
    names = ("rank_no", "kind_code", "yen", "model_no", "months", "probability_ppm", "cost_yen")
    rows = zip(*(found[name].tolist() for name in names), strict=True) if found else ()
    return [Option(rank, KINDS[kind], yen, book.ids["models"].get(model, ""), months, ppm, cost,
                   min(yen, drawing_yen) if kind == PAY_MORE else 0, state="")
            for rank, kind, yen, model, months, ppm, cost in rows]
