"""Goals, assumptions, gates and suitability limits in force on a day (目標の規則の読み込み), as dense columns by number."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from datetime import date as Date

import numpy as np

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.drawing_rules import rule_of
from tsutsumi.core.goals.options import NO_LIMIT
from tsutsumi.core.plans import numbers
from tsutsumi.core.rules import INSTALMENT, GoalRules
from tsutsumi.core.units import PPM
from tsutsumi.run.dated_rows import in_force
from tsutsumi.run.fee_terms_book import Rows

GATES = {
    "contract_ppm": 800_000, "right_low_ppm": 800_000, "right_high_ppm": 950_000, "alert_ppm": 650_000, "hysteresis_ppm": 50_000,
}
GOAL_TABLES = ("goals", "goal_targets", "model_assumptions", "goal_gates", "contract_limits")
MOST_TARGET_YEN = 10**15  # what a target may become by inflation


def target_of_then(target_yen: int, kind: str, inflation_ppm: int, since: int, date: int) -> int:
    """Return a target in yen of its date (将来の金額に直した目標額): real, × (1 + inflation)^(days / 365.25), half up.

    Never more than 10^15 yen, which no goal reaches.

    >>> target_of_then(1_000_000, "real", 20_000, 0, 3_653), target_of_then(1_000_000, "nominal", 20_000, 0, 3_653)
    (1219027, 1000000)
    """
    if kind != "real" or target_yen == 0:
        return target_yen
    return min(int(target_yen * (1 + inflation_ppm / PPM) ** ((date - since) / 365.25) + 0.5), MOST_TARGET_YEN)


def a_month(plan: Mapping) -> int:
    """Return what a plan moves in a month (計画の月額): its amount on each of its days, and a twelfth of a year's bonuses, cut.

    >>> twice = {"amount_yen": 1_000, "days_of_month": "5;20", "bonus_months": "6;12", "bonus_yen": 50}
    >>> a_month({"amount_yen": 10_000}), a_month(twice)
    (10000, 2008)
    """
    return plan["amount_yen"] * days_a_month(plan) + bonus_a_month(plan)


def days_a_month(plan: Mapping) -> int:
    """Return on how many days of a month a plan moves its amount (月の計画日の数).

    >>> days_a_month({"days_of_month": "5;20"}), days_a_month({})
    (2, 1)
    """
    return max(len(numbers(plan.get("days_of_month", ""))), 1)


def bonus_a_month(plan: Mapping) -> int:
    """Return what the bonuses of a plan bring a month (賞与の月割り): a twelfth of a year's, cut; nothing of a plan that pauses.

    >>> bonus_a_month({"amount_yen": 1_000, "bonus_months": "6;12", "bonus_yen": 50}), bonus_a_month({"amount_yen": 0})
    (8, 0)
    """
    return plan.get("bonus_yen", 0) * len(numbers(plan.get("bonus_months", ""))) // 12 if plan["amount_yen"] else 0


class GoalBook:
    """The goals of a house with their dated rules (目標の規則)."""

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        self.tables = {name: tables.get(name, ()) for name in GOAL_TABLES}
        self.plans, self.sleeves = tables["plans"], _size(tables["sleeves"], "sleeve_no")
        self.sizes = {key: _size(tables[f"{key[:-3]}s"], key) for key in ("program_no", "model_no", "contract_no")}
        self.in_use = bool(self.tables["goals"] or self.tables["contract_limits"])
        self.terms = tables.get("drawing_terms", ())
        dated = [*self.plans, *self.terms, *(row for name in GOAL_TABLES[1:] for row in self.tables[name])]
        changes = {epoch_day(row["valid_from_date"]) for row in dated}
        changes |= {epoch_day(row["until_date"]) + 1 for row in self.terms if row["until_date"]}
        self.changes = sorted(changes) if self.in_use else []
        self._known: dict[int, GoalRules] = {}

    def on(self, day: int, day_before: int) -> GoalRules | None:
        """Return the rules of goals in force on a day, and the limits of the business day before; None where there are none."""
        if not self.in_use:
            return None
        today, before = self._state(day), self._state(day_before)
        return replace(today, risk_before_ppm=before.risk_ppm, most_risk_before_ppm=before.most_risk_ppm)

    def _state(self, day: int) -> GoalRules:
        number = bisect_right(self.changes, day)
        if number not in self._known:
            self._known = {number: self._state_on(day)} | dict(list(self._known.items())[-1:])
        return self._known[number]

    def _state_on(self, day: int) -> GoalRules:
        targets = in_force(self.tables["goal_targets"], day, "goal_no")
        rows = [
            (goal["goal_no"], goal["sleeve_no"], self._target(target, target["target_date"]), epoch_day(target["target_date"]),
             target["want_ppm"], self._target(target, target["target_date"], "floor_yen"))
            for goal in self.tables["goals"] if (target := targets.get((goal["goal_no"],))) is not None
        ]
        names = ("goal_no", "sleeve_no", "target_yen", "target_date", "want_ppm", "floor_yen")
        goals = {name: np.array([row[k] for row in sorted(rows)], np.int64) for k, name in enumerate(names)}
        money = {"instalment": np.zeros(self.sleeves, np.int64), "drawing": np.zeros(self.sleeves, np.int64)}
        days, bonus, on_terms = np.ones(self.sleeves, np.int64), np.zeros(self.sleeves, np.int64), np.zeros(self.sleeves, bool)
        for (sleeve, kind), row in in_force(self.plans, day, "sleeve_no", "kind").items():
            money[kind][sleeve] = a_month(row)
            if kind == INSTALMENT:
                days[sleeve], bonus[sleeve] = days_a_month(row), bonus_a_month(row)
        on_terms[[row["sleeve_no"] for row in self.terms if may_still_draw(row, day)]] = True
        for (sleeve,), row in in_force(self.terms, day, "sleeve_no").items():
            if rule_of(row) is None and may_still_draw(row, day):
                money["drawing"][sleeve] = 0  # a pause by terms: the drawing plan does not count
        assumed = in_force(self.tables["model_assumptions"], day, "model_no")
        mean = _dense(assumed, "mean_ppm", 0, self.sizes["model_no"])
        risk = _dense(assumed, "risk_ppm", -1, self.sizes["model_no"])
        gates = in_force(self.tables["goal_gates"], day, "program_no")
        limits = in_force(self.tables["contract_limits"], day, "contract_no")
        limit = _dense(limits, "most_risk_ppm", NO_LIMIT, self.sizes["contract_no"])
        return GoalRules(
            goals, money["instalment"], money["drawing"], mean, risk,
            {name: _dense(gates, name, default, self.sizes["program_no"]) for name, default in GATES.items()}, limit, risk, limit,
            lambda numbers, dates: np.array([
                self._target(targets[number,], date) for number, date in zip(numbers.tolist(), dates, strict=True)
            ], np.int64), days, bonus, on_terms,
        )

    def _target(self, row: Mapping, date: Date | int, name: str = "target_yen") -> int:
        """Return the target of a row, or its essential amount, in yen of a date."""
        day = date if isinstance(date, int) else epoch_day(date)
        since = epoch_day(row["valid_from_date"])
        return target_of_then(row[name], row["target_kind"], row["inflation_ppm"], since, day)


def may_still_draw(terms: Mapping, day: int) -> bool:
    """Return whether the last day of a row of terms has not passed (取り崩し条件の行が終わっていないか)."""
    return terms["until_date"] is None or epoch_day(terms["until_date"]) >= day


def _size(rows: Rows, number: str) -> int:
    return 1 + max((row[number] for row in rows), default=0)


def _dense(rows: Mapping[tuple[int], Mapping], name: str, default: int, size: int) -> np.ndarray:
    column = np.full(size, default, np.int64)
    for (number,), row in rows.items():
        column[number] = row[name]
    return column
