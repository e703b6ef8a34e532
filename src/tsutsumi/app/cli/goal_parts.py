"""The parts of a goal in a GOALS.toml (目標の項目): dates, amounts, runs of saving and drawing, one-offs, rules of drawing."""

from collections.abc import Mapping
from dataclasses import dataclass

from tsutsumi.app.cli.toml_keys import MOST_YEN, Keys
from tsutsumi.core.drawing_rules import DrawingRule
from tsutsumi.core.goals.decumulation import merton_rule
from tsutsumi.core.goals.outlook import Drawing, RuleDrawing
from tsutsumi.core.goals.phases import MOST_MONTHS, Phase, Timeline, target_then_yen
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.shared_budget import Budget

RULES = ("fixed-percentage", "fixed-term", "annuity", "merton", "guardrails")
INFLATION = "inflation"


@dataclass
class Common:
    """What every goal of a file may refer to."""

    timeline: Timeline
    inflation_ppm: int
    want: float
    portfolios: dict[str, Portfolio]
    permitted: tuple[str, ...]
    broken: dict[str, str]
    budgets: dict[str, Budget]
    broken_budgets: dict[str, str]
    utilities: list[Mapping]


def want_of(keys: Keys, default: float) -> float:
    """Return the wanted probability, above 0 and below 1."""
    want = keys.number("want", default)
    if not 0.0 < want < 1.0:
        raise GoalError(f"{keys.where}: want is {want:g}: write a probability above 0 and below 1, such as 0.8")
    return want


def permitted_names(keys: Keys, common: Common) -> tuple[str, ...]:
    """Return the names of the permitted portfolios, calmest first."""
    named = keys.names("permitted")
    for name in named or ():
        check_portfolio(keys, "permitted", name, common)
    names = common.permitted if named is None else named
    if not names:
        raise GoalError(f"{keys.where}: no portfolio is permitted: permit one, or name it in `permitted`")
    return tuple(name for name in common.portfolios if name in names)


def check_portfolio(keys: Keys, key: str, name: str, common: Common) -> None:
    """Refuse the name of a portfolio that is unknown or broken."""
    if name in common.broken:
        raise GoalError(f"{keys.where}: {key}: {common.broken[name]}")
    if name not in common.portfolios:
        raise GoalError(f"{keys.where}: {key} names {name!r}: no portfolio bears this name; add it or correct the name")


def due_months(keys: Keys, common: Common, drawings: tuple[Drawing, ...]) -> int:
    """Return the boundary at which the goal is due: its date, or the end of its last drawing."""
    last = max((one.phase.last_month for one in drawings), default=None)
    due = keys.day("date", None)
    if due is None:
        if last is None or last >= MOST_MONTHS:
            raise GoalError(f"{keys.where}: date is missing: a goal is due on a day; add it")
        return last + 1
    months = common.timeline.boundary(due)
    if not 1 <= months <= MOST_MONTHS:
        raise GoalError(f"{keys.where}: date {due} is not within the 100 years after {common.timeline.today}: correct it")
    late = [one for one in drawings if one.phase.first_month >= months]
    if late:
        raise GoalError(f"{keys.where}: drawing starts on or after the goal's date {due}: move one of them")
    return months


def targets(keys: Keys, common: Common, months: int, needed: bool) -> tuple[int, int | None]:
    """Return the target and the essential target in yen of the goal's date."""
    why = "a goal needs an amount, or drawings"
    target = keys.yen("target_yen", **({} if needed else {"default": 0}), least=1 if needed else 0, why=why)
    essential = keys.yen("essential_yen", None)
    if essential is not None and not essential < target:
        raise GoalError(f"{keys.where}: essential_yen {essential:,} is not below target_yen {target:,}: correct one of them")
    if keys.choice("target_in", ("then", "today"), "then") == "today":
        target = target_then_yen(target, common.inflation_ppm, months)
        essential = None if essential is None else target_then_yen(essential, common.inflation_ppm, months)
    return target, essential


def _growth(keys: Keys, common: Common, first: int) -> tuple[int, int]:
    """Return (growth in ppm a year, month from which full years count)."""
    if keys.table.get("growth") == INFLATION:
        keys.asked.add("growth")
        return common.inflation_ppm, 0
    return keys.ppm("growth", 0), max(first, 0)


def _span(keys: Keys, common: Common, months: int) -> tuple[int, int]:
    """Return the first and last month of a run: from now to the goal's date where nothing is said."""
    start, end = keys.day("start", None), keys.day("end", None)
    if start is not None and end is not None and end < start:
        raise GoalError(f"{keys.where}: it ends on {end}, before it starts on {start}: correct the dates")
    first = 0 if start is None else common.timeline.month(start)
    last = months - 1 if end is None else common.timeline.month(end)
    if last < 0:
        raise GoalError(f"{keys.where}: it ended on {end}, before {common.timeline.today}: remove it or correct the date")
    if end is not None and last >= MOST_MONTHS:
        raise GoalError(f"{keys.where}: end {end} is more than 100 years after {common.timeline.today}: correct it")
    if first > last:
        raise GoalError(f"{keys.where}: it starts on {start}, on or after the goal's date: correct the dates")
    return first, last


def phases(keys: Keys, kind: str, common: Common, months: int) -> tuple[Phase, ...]:
    """Return the phases of saving (every month) or of bonus payments (some months of the year)."""
    phases = []
    for one in keys.tables(kind):
        amount = one.yen("monthly_yen" if kind == "saving" else "amount_yen", why="it is what is paid")
        calendar = one.calendar_months("months") if kind == "bonus" else ()
        first, last = _span(one, common, months)
        growth, since = _growth(one, common, first)
        one.close()
        phases.append(Phase(amount, first, last, calendar, growth, since))
    return tuple(phases)


def one_offs(keys: Keys, common: Common, months: int) -> tuple[tuple[int, int], ...]:
    """Return (month, amount) of the one-offs."""
    found = []
    for one in keys.tables("once"):
        day, amount = one.day("date"), one.yen("amount_yen", least=-MOST_YEN, why="it is what is paid, or drawn if negative")
        one.close()
        month = common.timeline.month(day)
        if day < common.timeline.today or month >= months:
            raise GoalError(f"{one.where}: date {day} is not between {common.timeline.today} and the goal's date: correct it")
        found.append((month, amount))
    return tuple(found)


def drawings_of(keys: Keys, common: Common) -> tuple[Drawing, ...]:
    """Return the runs of drawings; one without an end lasts to the goal's date."""
    found = []
    for one in keys.tables("drawing"):
        amount = one.yen("monthly_yen", least=1, why="it is what is drawn")
        essential = one.yen("essential_monthly_yen", None, least=1)
        if essential is not None and not essential < amount:
            raise GoalError(f"{one.where}: essential_monthly_yen {essential:,} is not below monthly_yen {amount:,}: correct it")
        if not one.has("end") and not keys.has("date"):
            raise GoalError(f"{one.where}: end is missing: drawings end on a day, or the goal has a date; add one")
        first, last = _span(one, common, MOST_MONTHS + 1)
        growth, since = _growth(one, common, first)
        one.close()
        found.append(Drawing(Phase(amount, first, last, (), growth, since), essential))
    return tuple(found)


def rule_drawing(keys: Keys, common: Common, months: int, held: Portfolio) -> RuleDrawing:
    """Return the rule by which a goal draws."""
    if common.timeline.at_end:
        raise GoalError(f'{keys.where}: a rule pays at the start of months: write timing = "start"')
    kind = keys.choice("kind", RULES, why="it is how the money is drawn")
    first = common.timeline.month(keys.day("start", common.timeline.today))
    first = max(first, 1 if common.timeline.today.day > 1 else 0)
    if not first < months:
        raise GoalError(f"{keys.where}: it starts on or after the goal's date: correct one of them")
    try:
        rule = _drawing_rule(keys, kind, held)
    except ValueError as error:
        raise GoalError(str(error) if str(error).startswith(keys.where) else f"{keys.where}: {error}") from None
    floor, essential = keys.yen("floor_yen", 0), keys.yen("essential_floor_yen", None)
    keys.close()
    if essential is not None and not essential < floor:
        raise GoalError(f"{keys.where}: essential_floor_yen {essential:,} is not below floor_yen {floor:,}: correct it")
    return RuleDrawing(rule, first, floor, essential)


def _drawing_rule(keys: Keys, kind: str, held: Portfolio) -> DrawingRule:
    """Return the rule of a kind with its own keys."""
    if kind == "fixed-term":
        return DrawingRule(kind)
    if kind == "merton":
        safe, impatience = keys.number("safe", 0.0), keys.number("impatience", 0.0)
        return merton_rule(held.mu, held.vol, safe, impatience, keys.number("aversion"))
    rate = keys.ppm("rate")
    if kind == "guardrails":
        band, step, rise = keys.ppm("band", 200_000), keys.ppm("step", 100_000), keys.ppm("rise", 0)
        return DrawingRule(kind, rate_ppm=rate, band_ppm=band, step_ppm=step, rise_ppm=rise)
    return DrawingRule(kind, rate_ppm=rate)
