"""How every goal stands tonight (目標の状態): its probability, its zone, why the probability moved, what is not suitable.

A goal is followed from the first evening on which its sleeve has money or a payment until its target date. The probability is the
close's of the day: value, plans, months left, assumptions of the model in force. Rules: docs/close.md §10.
"""

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books
from tsutsumi.core.drawings import drawn_a_month
from tsutsumi.core.goal_dates import months_left_ppm
from tsutsumi.core.goals.median_life import median_lives
from tsutsumi.core.goals.within import odds
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, length, take
from tsutsumi.core.units import percent, points, whole_percent

RIGHT, ABOVE, BELOW, IN_ALERT, NONE = range(5)
STATUSES = ("right", "above", "below", "alert", "none")
ZONES = np.array([IN_ALERT, BELOW, RIGHT, ABOVE], np.int8)  # from bad to good
ZONE_OF = np.array([2, 3, 1, 0, -1])  # by status
PARTS = ("market_ppm", "payment_ppm", "time_ppm", "assumption_ppm")
NO_FLOOR, SAFE, AT_RISK = range(3)
FLOOR_STATUSES = ("none", "safe", "at_risk")


def months_left(day: int, target_date: np.ndarray) -> np.ndarray:
    """Return the months left of many goals × 10^6 (残り月数); see `goal_dates`."""
    dates, at = np.unique(target_date, return_inverse=True)
    return np.array([months_left_ppm(day, int(date)) for date in dates], np.int64)[at]


def followed(books: Books, before: Books, rules: Rules) -> tuple[Frame, np.ndarray]:
    """Return the goals that are followed tonight with their course (追跡中の目標), and the row of each in `rules.goals.goals`.

    Those with a target in force whose date lies after the last close, of a sleeve that is open and not closing and has a value
    above zero or a payment.
    """
    of = rules.goals.goals
    sleeve = of["sleeve_no"]
    row = np.where(sleeve < books.row_of_sleeve.size, books.row_of_sleeve[np.minimum(sleeve, books.row_of_sleeve.size - 1)], -1)
    kept = np.flatnonzero((row >= 0) & (of["target_date"] > before.day))
    row = row[kept]
    monthly = rules.goals.instalment_yen[sleeve[kept]] - drawn_a_month(books, rules, sleeve[kept])
    value = books.sleeves["value_yen"][row]
    active = (books.sleeves["status_code"][row] == 0) & ((value > 0) | (monthly != 0))
    kept, row = kept[active], row[active]
    facts = empty("goal_facts", kept.size)
    for name in ("goal_no", "sleeve_no", "target_yen", "target_date", "floor_yen"):
        facts[name][:] = of[name][kept]
    facts["account_no"][:], facts["value_yen"][:] = books.sleeves["account_no"][row], value[active]
    facts["monthly_yen"][:] = monthly[active]
    model = books.sleeves["model_no"][row]
    facts["mean_ppm"][:], facts["risk_ppm"][:] = rules.goals.mean_ppm[model], np.maximum(rules.goals.risk_ppm[model], 0)
    facts["months_ppm"][:] = months_left(books.day, facts["target_date"])
    order = np.argsort(facts["goal_no"], kind="stable")
    return take(facts, order), kept[order]


def zones(before: np.ndarray, probability: np.ndarray, gates: Frame) -> np.ndarray:
    """Return the zone of each goal (区分), 0 alert, 1 below, 2 right, 3 above, with hysteresis; `before` −1: it had none.

    A zone is left downward where the probability is under its lower edge: alert_ppm, right_low_ppm, and right_high_ppm −
    hysteresis + 1 for `above`; upward where it reaches the upper edge: alert_ppm + hysteresis, right_low_ppm + hysteresis,
    right_high_ppm + 1. Without a zone before the hysteresis is 0. More than one edge may be passed on an evening.

    Examples
    --------
    >>> gates = {"alert_ppm": 650_000, "right_low_ppm": 800_000, "right_high_ppm": 950_000, "hysteresis_ppm": 50_000}
    >>> gates = {name: np.full(5, ppm) for name, ppm in gates.items()}
    >>> zones(np.array([-1, 1, 1, 2, 3]), np.array([820_000, 820_000, 850_000, 799_999, 901_000]), gates).tolist()
    [2, 1, 2, 1, 3]
    """
    known = before >= 0
    hysteresis = np.where(known, gates["hysteresis_ppm"], 0)
    up = np.stack([gates["alert_ppm"] + hysteresis, gates["right_low_ppm"] + hysteresis, gates["right_high_ppm"] + 1])
    down = np.stack([gates["alert_ppm"], gates["right_low_ppm"], gates["right_high_ppm"] + 1 - hysteresis])
    zone = np.where(known, before, 0)
    for edge in range(3):
        zone = np.where((zone == edge) & (probability >= up[edge]), edge + 1, zone)
    for edge in (2, 1, 0):
        zone = np.where((zone == edge + 1) & (probability < down[edge]), edge, zone)
    return zone


def _asked(facts: Frame, courses: list[tuple[np.ndarray, dict[str, np.ndarray]]]) -> list[np.ndarray]:
    """Return the probability of each goal by several courses (達成確率), in one look-up; −1 where it is not asked or not told.

    Parameters
    ----------
    courses : which goals are asked, and the columns that stand instead of tonight's
    """
    names = ("value_yen", "monthly_yen", "target_yen", "months_ppm", "mean_ppm", "risk_ppm")
    parts = [[changed.get(name, facts[name])[asked] for name in names] for asked, changed in courses]
    told = odds(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    found, at = [], 0
    for asked, _ in courses:
        ppm = np.full(asked.size, -1, np.int64)
        ppm[asked] = told[at : at + np.count_nonzero(asked)]
        at += np.count_nonzero(asked)
        found.append(ppm)
    return found


def _told(facts: Frame, old: Frame, flow: np.ndarray, known: np.ndarray, had_told: np.ndarray, day: int) -> None:
    """Write tonight's probability, that of the essential amount, the asset life, and why the first moved (変化の内訳).

    Parameters
    ----------
    known : bool, the model has assumptions;  had_told : bool, `old` has a probability
    """
    both, months = known & had_told, {"months_ppm": old["months_ppm"]}
    assumed = {name: old[name] for name in ("target_yen", "mean_ppm", "risk_ppm")}
    tonight, market, payment, time, floor = _asked(facts, [
        (known, {}), (both, assumed | months | {"value_yen": facts["value_yen"] - flow, "monthly_yen": old["monthly_yen"]}),
        (both, assumed | months), (both, assumed | {"months_ppm": months_left(day, old["target_date"])}),
        (known & (facts["floor_yen"] > 0), {"target_yen": facts["floor_yen"]}),
    ])
    facts["probability_ppm"][:], facts["floor_ppm"][:] = tonight, np.where(tonight >= 0, floor, -1)
    facts["asset_life_months"][:] = -1
    _tell_lives(facts, np.flatnonzero((tonight >= 0) & (facts["monthly_yen"] < 0)))
    between = (np.maximum(ppm, 0) for ppm in (market, payment, time))  # without money and payment nothing is reached
    steps = [old["probability_ppm"].astype(np.int64), *between, tonight]
    for name, one, other in zip(PARTS, steps, steps[1:], strict=False):
        facts[name][:] = np.where(both & (tonight >= 0), other - one, 0)


def _tell_lives(facts: Frame, drawing: np.ndarray) -> None:
    """Write how long the money of the goals that are drawn on lasts at the median return (資産寿命)."""
    value, monthly, mean, risk = (facts[name][drawing] for name in ("value_yen", "monthly_yen", "mean_ppm", "risk_ppm"))
    facts["asset_life_months"][drawing] = median_lives(value, -monthly, mean, risk)


def tell_goals(
    books: Books, before: Books, rules: Rules, flow: np.ndarray, alerts: Alerts
) -> tuple[Frame, np.ndarray, np.ndarray, np.ndarray]:
    """Return the facts of tonight's goals (目標の状態) by goal number, and what follows from them.

    Parameters
    ----------
    flow : int64 per sleeve row, external flow of the day

    Returns
    -------
    facts : the table `goals` of the day
    worse : bool, fell into `below` or `alert` tonight;  wants : bool, its zone changed, or it begins short of what is wanted
    want_ppm : int64, what is wanted of each
    """
    facts, rows = followed(books, before, rules)
    if rows.size == 0:
        return facts, np.zeros(0, bool), np.zeros(0, bool), np.zeros(0, np.int64)
    sleeve_rows = books.row_of_sleeve[facts["sleeve_no"]]
    program = books.sleeves["program_no"][sleeve_rows]
    gates = {name: column[program] for name, column in rules.goals.gates.items()}
    known_model = rules.goals.risk_ppm[books.sleeves["model_no"][sleeve_rows]] >= 0
    old, had = _yesterday(facts, before)
    had_told = had & (old["status_code"] != NONE)
    _told(facts, old, flow[sleeve_rows], known_model, had_told, books.day)
    probability = facts["probability_ppm"].astype(np.int64)
    told = probability >= 0
    zone = zones(np.where(had_told, ZONE_OF[old["status_code"]], -1), probability, gates)
    facts["status_code"][:] = np.where(told, ZONES[zone], NONE)
    was = np.where(had_told, ZONE_OF[old["status_code"]], 4)
    fresh = ~had & told
    worse, changed = told & ~fresh & (zone < np.minimum(was, 2)), told & (zone != was)
    ended = facts["months_ppm"] == 0
    for k in np.flatnonzero(~told & ~(had & ~had_told)).tolist():
        _say_untold(facts, k, known_model[k], books, rules, alerts)
    for k in np.flatnonzero(ended).tolist():
        _say_ended(facts, k, rules, alerts)
    for k in np.flatnonzero(fresh & ~ended & (probability < gates["contract_ppm"])).tolist():
        cause = f"{_named(facts, k, rules)} begins at {whole_percent(int(probability[k]))} %, the gate is "
        cause += f"{percent(int(gates['contract_ppm'][k]))} %"
        alerts.add("goal_gate", "sleeve", facts["sleeve_no"][k], cause, "see the advice on it with the customer before it goes on")
    _tell_floors(facts, np.where(had, old["floor_code"], NO_FLOOR), gates, rules, alerts)
    want = rules.goals.goals["want_ppm"][rows]
    wants = changed & ~ended & ((zone != 2) | fresh & (probability < want))
    return facts, worse & ~ended, wants, want


def floor_states(before: np.ndarray, floor_yen: np.ndarray, floor_ppm: np.ndarray, gates: Frame) -> np.ndarray:
    """Return the state of each essential amount (必要額の状態): 0 none, 1 safe, 2 at risk; `before` that of the last close.

    At risk below `right_low_ppm`; once at risk safe again from `right_low_ppm + hysteresis_ppm` on; kept while it is not told.

    Examples
    --------
    >>> gates = {"right_low_ppm": np.full(6, 800_000), "hysteresis_ppm": np.full(6, 50_000)}
    >>> told = np.array([799_999, 849_999, 849_999, 850_000, -1, 900_000])
    >>> floor_states(np.array([1, 2, 0, 2, 2, 1]), np.array([1, 1, 1, 1, 1, 0]), told, gates).tolist()
    [2, 2, 1, 1, 2, 0]
    """
    edge = gates["right_low_ppm"] + np.where(before == AT_RISK, gates["hysteresis_ppm"], 0)
    state = np.where(floor_ppm < 0, before, np.where(floor_ppm < edge, AT_RISK, SAFE))
    return np.where(floor_yen > 0, state, NO_FLOOR)


def _tell_floors(facts: Frame, before: np.ndarray, gates: Frame, rules: Rules, alerts: Alerts) -> None:
    """Write the state of the essential amounts, and tell which fell below the gate tonight (必要額の警告)."""
    facts["floor_code"][:] = floor_states(before, facts["floor_yen"], facts["floor_ppm"], gates)
    fell = (facts["floor_code"] == AT_RISK) & (before == SAFE) & (facts["floor_ppm"] >= 0) & (facts["months_ppm"] > 0)
    for k in np.flatnonzero(fell).tolist():
        cause = f"{_named(facts, k, rules)}: its essential {int(facts['floor_yen'][k]):,} yen stand at "
        cause += f"{whole_percent(int(facts['floor_ppm'][k]))} %, the gate is {percent(int(gates['right_low_ppm'][k]))} %"
        alerts.add("floor_at_risk", "sleeve", facts["sleeve_no"][k], cause,
                   "look at all goals of the customer together (tsutsumi advice HOUSE --customer)")


def behind_cause(facts: Frame, k: int, want_ppm: int, rules: Rules) -> str:
    """Return why a goal's alert is raised (原因): the probability, what is wanted, and the parts of its move."""
    words = ("market", "payment", "time", "assumptions")
    moved = ", ".join(f"{word} {points(int(facts[name][k]))}" for word, name in zip(words, PARTS, strict=True))
    shown = whole_percent(int(facts["probability_ppm"][k]))
    return f"{_named(facts, k, rules)} stands at {shown} %, wanted {percent(want_ppm)} %: points since the last close {moved}"


def _yesterday(facts: Frame, before: Books) -> tuple[Frame, np.ndarray]:
    """Return each goal's row of the last close with the months it had left then, and whether it has one."""
    old, numbers = before.goals, facts["goal_no"]
    at = np.searchsorted(old["goal_no"], numbers)
    at = np.minimum(at, max(length(old) - 1, 0))
    had = old["goal_no"][at] == numbers if length(old) else np.zeros(numbers.size, bool)
    rows = take(old, at) if length(old) else empty("goals", numbers.size)
    return rows | {"months_ppm": months_left(before.day, rows["target_date"])}, had


def _named(facts: Frame, k: int, rules: Rules) -> str:
    return f"goal {rules.name('goal', int(facts['goal_no'][k]))}"


def _say_untold(facts: Frame, k: int, known_model: bool, books: Books, rules: Rules, alerts: Alerts) -> None:
    model = int(books.sleeves["model_no"][books.row_of_sleeve[facts["sleeve_no"][k]]])
    why = "its months and money are outside what can be told" if known_model else "its model has no assumptions in force"
    cure = "mend goal_targets and plans" if known_model else f"load model_assumptions for {rules.name('model', model)}"
    cause = f"{_named(facts, k, rules)} has no probability: {why}"
    alerts.add("goal_untold", "sleeve", facts["sleeve_no"][k], cause, cure)


def _say_ended(facts: Frame, k: int, rules: Rules, alerts: Alerts) -> None:
    value, target = int(facts["value_yen"][k]), int(facts["target_yen"][k])
    told = f"{value:,} yen for a target of {target:,}" if target else f"{value:,} yen are left"
    reached = "reached" if value > 0 and value >= target else "not reached"
    alerts.add("goal_ended", "sleeve", facts["sleeve_no"][k], f"{_named(facts, k, rules)} came to its date: {told}: {reached}",
               "ask the customer what comes next: a new target, or close the sleeve")


def tell_unsuitable(books: Books, before: Books, rules: Rules, alerts: Alerts) -> None:
    """Tell which sleeves hold a model beyond what suits the customer (適合性の点検): once while it lasts."""
    of, sleeves, old = rules.goals, books.sleeves, before.sleeves
    over = of.risk_ppm[sleeves["model_no"]] > of.most_risk_ppm[sleeves["contract_no"]]
    over &= sleeves["status_code"] == 0
    for row in np.flatnonzero(over).tolist():
        sleeve, contract = int(sleeves["sleeve_no"][row]), int(sleeves["contract_no"][row])
        at = int(before.row_of_sleeve[sleeve]) if sleeve < before.row_of_sleeve.size else -1
        limit = int(of.most_risk_ppm[contract])
        if at >= 0 and of.risk_before_ppm[old["model_no"][at]] > of.most_risk_before_ppm[contract]:
            continue
        model = int(sleeves["model_no"][row])
        cause = f"model {rules.name('model', model)} has a risk of {percent(int(of.risk_ppm[model]))} % a year; what suits the "
        cause += f"customer is at most {percent(limit)} %"
        alerts.add("unsuitable", "sleeve", sleeve, cause, "change the model, or assess the customer anew")
