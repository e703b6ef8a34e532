"""GOALS.toml (目標ファイル): portfolios, budgets and goals, checked key by key; a bad goal is a row, the others are read.

Every key is described in docs/rules/goal-file.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tsutsumi.app.cli.goal_parts import (
    Common,
    check_portfolio,
    drawings_of,
    due_months,
    one_offs,
    permitted_names,
    phases,
    rule_drawing,
    targets,
    want_of,
)
from tsutsumi.app.cli.toml_keys import Keys
from tsutsumi.core.goals.outlook import SavedGoal
from tsutsumi.core.goals.phases import MOST_MONTHS, Timeline
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.priorities import MOST_GOALS, utilities
from tsutsumi.core.goals.shared_budget import Budget, Member


@dataclass(frozen=True)
class BadGoal:
    """A goal that cannot be computed (計算できない目標), and why."""

    name: str
    error: str


@dataclass(frozen=True)
class GoalFile:
    """What a GOALS.toml says (目標ファイルの内容).

    Attributes
    ----------
    name : of the customer, or empty
    timeline, inflation_ppm, want : of every goal that says nothing else
    portfolios : name → model, calmest first
    goals : in the order of the file: goals with a sleeve of their own, members of budgets as (budget, member), bad ones
    budgets : by name
    errors : of portfolios and budgets
    """

    name: str
    timeline: Timeline
    inflation_ppm: int
    want: float
    portfolios: dict[str, Portfolio]
    goals: tuple[SavedGoal | tuple[str, Member] | BadGoal, ...]
    budgets: dict[str, Budget]
    errors: tuple[str, ...]


def parse_goals(source: Mapping, utility_rows: list[Mapping]) -> GoalFile:
    """Return the checked contents of a GOALS.toml (目標ファイルの読み取り).

    Parameters
    ----------
    source : what a TOML reader made of the file
    utility_rows : the dated table of priorities

    Raises
    ------
    GoalError
        What concerns every goal is wrong: today, a top key, no goal, no portfolio.

    Examples
    --------
    >>> from datetime import date
    >>> parse_goals({"today": date(2026, 10, 1)}, [])
    Traceback (most recent call last):
    ...
    tsutsumi.core.goals.portfolio.GoalError: the file: it holds no goal: write one or several [[goal]]
    """
    top = Keys(source, "the file")
    rows = top.tables("goal")
    if not rows:
        raise GoalError("the file: it holds no goal: write one or several [[goal]]")
    today = top.day("today", why="the values are those of a day")
    timeline = Timeline(today, top.choice("timing", ("start", "end"), "start") == "end")
    common = Common(timeline, top.ppm("inflation", 0), want_of(top, 0.8), {}, (), {}, {}, {}, utility_rows)
    name = top.text("name", "")
    _portfolios(top, common)
    for keys in top.tables("budget"):
        _named(keys, "budget", common.budgets, common.broken_budgets, lambda one: _budget(one, common))
    top.close()
    goals = [_goal_or_error(keys, number, common) for number, keys in enumerate(rows, 1)]
    seen: set[str] = set()
    for place, goal in enumerate(goals):
        title = goal[1].goal.name if isinstance(goal, tuple) else goal.name
        if title in seen and not isinstance(goal, BadGoal):
            goals[place] = BadGoal(title, f"goal {title!r}: two goals bear this name: give each its own")
        seen.add(title)
    goals = _crowded(goals)
    errors = (*common.broken.values(), *common.broken_budgets.values())
    return GoalFile(name, timeline, common.inflation_ppm, common.want, common.portfolios, tuple(goals), common.budgets, errors)


def _named(keys: Keys, kind: str, good: dict, broken: dict, read) -> None:
    """Put what a table describes under its name, or its error."""
    name = f"{kind} {len(good) + len(broken) + 1}"
    try:
        name = keys.text("name", why=f"goals refer to a {kind} by it")
        keys.where = f"{kind} {name!r}"
        if name in good or name in broken:
            raise GoalError(f"{keys.where}: two bear this name: give each its own")
        good[name] = read(keys)
    except GoalError as error:
        broken[name] = str(error)
        good.pop(name, None)


def _portfolios(top: Keys, common: Common) -> None:
    """Read the portfolios, calmest first; the permitted ones are those that do not say otherwise."""
    read: dict[str, tuple[Portfolio, bool]] = {}
    for keys in top.tables("portfolio"):
        _named(keys, "portfolio", read, common.broken, _portfolio)
    if not read and not common.broken:
        raise GoalError("the file: it holds no portfolio: write one or several [[portfolio]] with mean and risk")
    calmest = sorted(read, key=lambda name: (read[name][0].vol, read[name][0].mu))
    common.portfolios |= {name: read[name][0] for name in calmest}
    common.permitted = tuple(name for name in calmest if read[name][1])


def _portfolio(keys: Keys) -> tuple[Portfolio, bool]:
    """Return a model and whether it is permitted where a goal does not say."""
    permitted = keys.flag("permitted", True)
    why = "a portfolio is computed by its assumptions, mean and risk (or mu and vol)"
    try:
        if keys.has("mu") or keys.has("vol"):
            model = Portfolio(keys.number("mu", why=why), keys.number("vol", why=why))
        else:
            model = Portfolio.from_simple(keys.number("mean", why=why), keys.number("risk", why=why))
    except GoalError as error:
        raise GoalError(str(error) if str(error).startswith(keys.where) else f"{keys.where}: {error}") from None
    keys.close()
    return model, permitted


def _budget(keys: Keys, common: Common) -> Budget:
    """Return a budget that goals share."""
    budget = Budget(
        keys.text("name"), keys.yen("now_yen", 0), permitted_names(keys, common),
        (*phases(keys, "saving", common, MOST_MONTHS), *phases(keys, "bonus", common, MOST_MONTHS)),
        one_offs(keys, common, MOST_MONTHS),
    )
    keys.close()
    if budget.now_yen == 0 and not budget.phases and not budget.once:
        raise GoalError(f"{keys.where}: no money and no payment: give now_yen or [[budget.saving]]")
    return budget


def _goal_or_error(keys: Keys, number: int, common: Common) -> SavedGoal | tuple[str, Member] | BadGoal:
    """Return a goal, or why it cannot be computed."""
    name = f"goal {number}"
    keys.where = name
    try:
        name = keys.text("name", why="a goal is known by it")
        keys.where = f"goal {name!r}"
        return _member(keys, name, common) if keys.has("budget") else _own_goal(keys, name, common)
    except GoalError as error:
        return BadGoal(name, str(error))


def _own_goal(keys: Keys, name: str, common: Common) -> SavedGoal:
    """Return a goal with a sleeve of its own."""
    held = keys.text("portfolio", why="its money is invested in one")
    check_portfolio(keys, "portfolio", held, common)
    permitted = permitted_names(keys, common)
    now = keys.yen("now_yen", 0)
    keys.whole("priority", 1, 1, 10)
    drawings, rule_keys = drawings_of(keys, common), keys.section("rule")
    months = due_months(keys, common, drawings)
    target, essential = targets(keys, common, months, needed=not drawings and rule_keys is None)
    goal = SavedGoal(
        name, held, permitted, now, months, target, essential, want_of(keys, common.want),
        phases(keys, "saving", common, months), phases(keys, "bonus", common, months), one_offs(keys, common, months), drawings,
        None if rule_keys is None else rule_drawing(rule_keys, common, months, common.portfolios[held]),
        keys.whole("bucket_years", 0, 0, 50),
    )
    keys.close()
    if goal.rule is not None and drawings:
        raise GoalError(f"{keys.where}: it draws fixed amounts and by a rule: keep one of them")
    if now == 0 and not any(payment > 0 for payment in goal.payments(common.timeline)):
        raise GoalError(f"{keys.where}: no money and no payment: give now_yen, [[goal.saving]] or [[goal.once]]")
    return goal


def _member(keys: Keys, name: str, common: Common) -> tuple[str, Member]:
    """Return a goal on a budget and the budget's name."""
    budget = keys.text("budget")
    if budget in common.broken_budgets:
        raise GoalError(f"{keys.where}: {common.broken_budgets[budget]}")
    if budget not in common.budgets:
        raise GoalError(f"{keys.where}: budget names {budget!r}: no budget bears this name; add it or correct the name")
    drawings = drawings_of(keys, common)
    months = due_months(keys, common, drawings)
    target, essential = targets(keys, common, months, needed=not drawings)
    held = keys.text("portfolio", "" if not drawings else common.budgets[budget].permitted[0])
    if held:
        check_portfolio(keys, "portfolio", held, common)
    goal = SavedGoal(name, held, (held,), 0, months, target, essential, want_of(keys, common.want), drawings=drawings)
    priority = keys.whole("priority", 1, 1, 10)
    least, most = utilities(common.utilities, priority, common.timeline.today) if not keys.has("utility") else (None, None)
    wish = keys.number("utility", most)
    least = keys.number("essential_utility", least) if goal.has_essential else None
    keys.close()
    if not wish > 0 or (least is not None and not 0 < least < wish):
        raise GoalError(f"{keys.where}: utility {wish}, essential_utility {least}: above 0, the essential one smaller; correct")
    if goal.has_essential and least is None:
        raise GoalError(f"{keys.where}: essential_utility is missing: an essential amount has a utility of its own; add it")
    return budget, Member(goal, wish, least)


def _crowded(goals: list) -> list:
    """Return the goals, those above the most that a budget can hold as bad ones."""
    counts: dict[str, int] = {}
    for place, goal in enumerate(goals):
        if isinstance(goal, tuple):
            counts[goal[0]] = counts.get(goal[0], 0) + 1
            if counts[goal[0]] > MOST_GOALS:
                name, full = goal[1].goal.name, f"budget {goal[0]!r} holds {MOST_GOALS} goals already"
                goals[place] = BadGoal(name, f"goal {name!r}: {full}: open another budget")
    return goals
