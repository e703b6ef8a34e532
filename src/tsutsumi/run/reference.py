"""Reference data of a house, read once and turned into the rules in force on any day (適用規則の読み込み).

`tables` are the rows of the relational tables by name; what is in force on a day is built once per change and kept.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date as Date
from functools import cached_property, partial

import numpy as np

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.models import flatten
from tsutsumi.core.plans import PlanRow, numbers, plan_amounts
from tsutsumi.core.rules import DRAWING, INSTALMENT, Registry, Rules
from tsutsumi.core.sale_costs import sale_tax_rate_ppm
from tsutsumi.core.schema import Frame
from tsutsumi.core.timeline import Timeline, build_timeline, split_calendar_ids
from tsutsumi.core.units import PPM
from tsutsumi.run.dated_rows import in_force
from tsutsumi.run.drawing_book import DrawingBook
from tsutsumi.run.drawing_order_book import ORDER_TABLES, DrawingOrderBook
from tsutsumi.run.fee_terms_book import FeeTermsBook, Rows
from tsutsumi.run.goal_book import GOAL_TABLES, GoalBook
from tsutsumi.run.surplus_book import SurplusBook

INSTRUMENT_NUMBERS = (
    "price_scale", "price_base_units", "lot_units", "order_margin_ppm", "price_lag_days", "buy_settlement_days",
    "sell_settlement_days", "levy_ppm", "daily_move_limit_ppm",
)
PROGRAM_NUMBERS = (
    "band_absolute_ppm", "band_relative_ppm", "cooldown_days", "minimum_trade_yen", "minimum_deposit_yen",
    "minimum_instalment_yen", "withdrawal_limit_ppm", "sale_margin_ppm", "collection_days", "remainder_company_no",
)
SETTINGS = ("performance_sleeve", "collection_deposit", "rebalance_stretch_ppm", "lots_nearest", "retry_days", "retry_count")
DAYS_AHEAD = 400
DRAWINGS_AHEAD = 100
REFERENCE_TABLES = (
    "instruments", "calendar_holidays", "no_order_days", "models", "model_versions", "model_weights", "programs", "program_rules",
    "program_models", "program_shares", "fee_terms", "contract_fee_terms", "fee_adjustments", "fee_groups",
    "accounts", "contracts", "sleeves", "plans", "drawing_terms", "surplus_rules", *ORDER_TABLES, *GOAL_TABLES,
)
MARKET_TABLES = ("prices", "fx_rates", "distributions", "splits")


def _by_day(rows: Iterable[dict], *names: str) -> dict[int, list[tuple]]:
    found = defaultdict(list)
    for row in rows:
        found[epoch_day(row["date"])].append(tuple(row[name] for name in names))
    return found


def _at_closes(by_day: dict[int, list[tuple]], days: np.ndarray, both: Callable[[tuple, tuple], tuple]) -> dict[int, list[tuple]]:
    """Return rows at the first business day on or after their own; two of one instrument there become one."""
    found: dict[int, dict[int, tuple]] = defaultdict(dict)
    for day in sorted(by_day):
        at = int(np.searchsorted(days, day))
        if at == days.size:
            continue
        rows = found[int(days[at])]
        for instrument, *pair in by_day[day]:
            rows[instrument] = both(rows[instrument], tuple(pair)) if instrument in rows else tuple(pair)
    return {day: [(instrument, *pair) for instrument, pair in sorted(rows.items())] for day, rows in found.items()}


def _add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Return two amounts per units as one: a/p + b/q = (a × q + b × p) / (p × q)."""
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def _multiply(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Return two splits, one after the other, as one."""
    return one[0] * other[0], one[1] * other[1]


class Reference:
    """The reference data of one house, for closes between two days."""

    def __init__(self, tables: Mapping[str, Rows], first: Date, last: Date) -> None:
        self.tables = tables
        rows = tables["instruments"]
        self.instruments = _instruments(rows)
        named = {name for text in self.instruments["calendar_ids"] for name in split_calendar_ids(text)}
        holidays: dict[str, set[int]] = {name: set() for name in named}
        for row in tables["calendar_holidays"]:
            holidays.setdefault(row["calendar_id"], set()).add(epoch_day(row["date"]))
        closed = {(row["instrument_no"], epoch_day(row["date"])) for row in tables["no_order_days"]}
        self.timeline: Timeline = build_timeline(epoch_day(first), epoch_day(last) + DAYS_AHEAD, self.instruments, holidays, closed)
        self.settlement_days = np.stack([self.instruments[f"{side}_settlement_days"] for side in ("sell", "buy")]).astype(np.int64)
        self.registry = _registry(tables)
        self.prices = _by_day(tables["prices"], "instrument_no", "price")
        self.fx = _by_day(tables["fx_rates"], "currency", "fx_ppm")
        self.fx_days = sorted(self.fx)
        days = self.timeline.days
        self.distributions = _at_closes(_by_day(tables["distributions"], "instrument_no", "amount", "per_units"), days, _add)
        self.splits = _at_closes(_by_day(tables["splits"], "instrument_no", "old_units", "new_units"), days, _multiply)
        self.fee_terms, self.goal_book = FeeTermsBook(tables), GoalBook(tables)
        self.surplus_book, self.order_book = SurplusBook(tables.get("surplus_rules", ())), DrawingOrderBook(tables)
        self.drawing_book = DrawingBook(tables.get("drawing_terms", ()), int(days[0]), int(days[-1]))
        named = _names(tables["accounts"], "account_no", "tax_class")
        self.tax_classes, self.tax_class_of = np.unique(np.array(named, str), return_inverse=True)
        self.in_force: dict[int, dict] = {}
        self._groups: dict[int, tuple] = {}
        self._sleeves_on: dict[int, set[int]] = {}
        self._group_days = sorted({epoch_day(row["valid_from_date"]) for row in tables.get("fee_groups", ())})

    @cached_property
    def changes(self) -> list[int]:
        """The days on which some rule changes, ascending."""
        days = {epoch_day(row["effective_date"]) for row in self.tables["model_versions"]}
        for table in ("program_rules", "program_models", "program_shares"):
            days |= {epoch_day(row["valid_from_date"]) for row in self.tables[table]}
        return sorted(days)

    def rules_on(self, day_index: int) -> Rules:
        """Return the rules in force on a business day, by its index in the timeline."""
        day = int(self.timeline.days[day_index])
        state = self._state(day)
        before = self._state(int(self.timeline.days[day_index - 1])) if day_index else state
        terms, goals = self.fee_terms, self.goal_book.on(day, int(self.timeline.days[max(day_index - 1, 0)]))
        return Rules(
            self.timeline, day_index, self.instruments, state["weights"], before["weights"], state["programs"], state["offered"],
            self._rebalance_today(day_index, state), terms.program_terms, state["shares"], self._drawings(day), self.registry,
            self.settlement_days, terms.contract_terms, frozenset(terms.own), terms.steps, *self._groups_on(day),
            self._tax_rates(day), goals, self.drawing_book.coming(day, DRAWINGS_AHEAD), self.surplus_book.on(day, goals),
            self.order_book.on(day),
        )

    def _tax_rates(self, day: int) -> np.ndarray:
        """Return the rate of tax on the gain of a sale of each account (譲渡益の税率), in ppm."""
        return np.array([sale_tax_rate_ppm(name, day) for name in self.tax_classes], np.int64)[self.tax_class_of]

    def _groups_on(self, day: int) -> tuple[dict[int, str], np.ndarray]:
        """Return the fee group of each contract in force on a day, and the account that each account is closed with."""
        rows = self.tables.get("fee_groups", ())
        if not rows:
            return {}, np.zeros(0, np.int64)
        number = bisect_right(self._group_days, day)
        if number not in self._groups:
            accounts = self.registry.contracts["account_no"]
            latest = in_force(rows, day, "contract_no")
            groups = {contract: row["group_id"] for (contract,), row in latest.items() if row["group_id"]}
            homes = np.arange(self.registry.accounts["custodian_no"].size)
            for contract, group in groups.items():  # joined step by step: an account in two groups joins both
                mine = [accounts[other] for other, of in groups.items() if of == group]
                joined = np.unique(homes[[accounts[contract], *mine]])
                homes[np.isin(homes, joined)] = joined.min()
            self._groups[number] = groups, homes
        return self._groups[number]

    def _state(self, day: int) -> dict:
        number = bisect_right(self.changes, day)
        if number not in self.in_force:
            self.in_force[number] = self._state_on(day)
        return self.in_force[number]

    def _state_on(self, day: int) -> dict:
        programs = 1 + max((row["program_no"] for row in self.tables["programs"]), default=0)
        models = 1 + max((row["model_no"] for row in self.tables["models"]), default=0)
        columns = {name: np.zeros(programs, np.int64) for name in PROGRAM_NUMBERS}
        months: dict[int, set[int]] = {}
        columns |= {name: np.zeros(programs, np.int64) for name in SETTINGS}
        columns["rebalance_fraction_ppm"] = np.full(programs, PPM, np.int64)
        for program, row in in_force(self.tables["program_rules"], day, "program_no").items():
            for name in PROGRAM_NUMBERS:
                columns[name][program[0]] = row[name]
            months[program[0]] = {int(month) for month in row["rebalance_months"].replace(";", ",").split(",") if month.strip()}
            kind = row.get("rebalance_kind", "target")
            fraction = {"target": PPM, "flow": -1}.get(kind, row.get("rebalance_fraction_ppm", PPM))
            columns["rebalance_fraction_ppm"][program[0]] = fraction
            columns["rebalance_stretch_ppm"][program[0]] = row["rebalance_stretch_ppm"] if kind == "tax" else 0
            columns["lots_nearest"][program[0]] = row.get("lot_rounding") == "nearest"
            columns["performance_sleeve"][program[0]] = row.get("performance_scope") == "sleeve"
            columns["collection_deposit"][program[0]] = row.get("collection_kind") == "deposit"
            for name in ("retry_days", "retry_count"):
                columns[name][program[0]] = row.get(name, 0)
        offered = np.zeros((programs, models), bool)
        for (program, model), row in in_force(self.tables["program_models"], day, "program_no", "model_no").items():
            offered[program, model] = row["offered"]
        latest = in_force(self.tables["program_shares"], day, "program_no")
        shares = defaultdict(list)
        for row in self.tables["program_shares"]:
            known = latest.get((row["program_no"],))
            if known and row["share_ppm"] and row["valid_from_date"] == known["valid_from_date"]:
                shares[row["program_no"]].append((row["company_no"], row["share_ppm"]))
        return {
            "programs": columns, "months": months, "offered": offered,
            "shares": {program: sorted(rows) for program, rows in shares.items()},
            "weights": self._weights(day, models),
        }

    def _weights(self, day: int, models: int) -> np.ndarray:
        lines = defaultdict(list)
        for row in self.tables["model_weights"]:
            lines[row["model_no"], row["version"]].append((row["instrument_no"], row["child_model_no"], row["weight_ppm"]))
        approved = [row for row in self.tables["model_versions"] if row["approved_by"]]
        chosen = {}
        for row in sorted(approved, key=lambda row: (row["effective_date"], row["version"])):
            if epoch_day(row["effective_date"]) <= day:
                chosen[row["model_no"]] = lines[row["model_no"], row["version"]]
        weights = np.zeros((models, self.instruments["lot_units"].size), np.int32)
        for model in chosen:
            for instrument, ppm in flatten(model, chosen).items():
                weights[model, instrument] = ppm
        return weights

    def _rebalance_today(self, day_index: int, state: dict) -> np.ndarray:
        today = from_epoch_day(self.timeline.days[day_index])
        first = day_index == 0 or from_epoch_day(self.timeline.days[day_index - 1]).month != today.month
        flags = np.zeros(state["offered"].shape[0], bool)
        for program, months in state["months"].items():
            flags[program] = first and today.month in months
        return flags

    @cached_property
    def _plans(self) -> dict[str, dict[int, list[PlanRow]]]:
        """kind → sleeve_no → its rows, ascending."""
        plans: dict[str, dict] = {INSTALMENT: defaultdict(list), DRAWING: defaultdict(list)}
        for row in sorted(self.tables["plans"], key=lambda row: row["valid_from_date"]):
            days = numbers(row.get("days_of_month", "")) or (row["day_of_month"],)
            months, bonus = frozenset(numbers(row.get("bonus_months", ""))), row.get("bonus_yen", 0)
            plan = PlanRow(epoch_day(row["valid_from_date"]), row["amount_yen"], days, months, bonus)
            plans[row["kind"]][row["sleeve_no"]].append(plan)
        return plans

    def _planned(self, kind: str, by_terms: Callable[[int, int], bool] | None = None) -> dict[int, list[tuple[int, int, int]]]:
        """Business day → [(sleeve_no, amount_yen, plan day)] of the plans of a kind, within the timeline, by sleeve.

        Without the plan days on which `by_terms` (sleeve_no, plan day) holds.
        """
        found = defaultdict(list)
        first, last = int(self.timeline.days[0]), int(self.timeline.days[-1])
        for sleeve, versions in sorted(self._plans[kind].items()):
            for number, row in enumerate(versions):
                until = versions[number + 1].since - 1 if number + 1 < len(versions) else last
                without = partial(by_terms, sleeve) if by_terms else None
                for planned, date, amount in plan_amounts(row, max(first, row.since), min(until, last), without):
                    found[date].append((sleeve, amount, planned))
        return found

    @cached_property
    def instalments(self) -> dict[int, list[tuple[int, int, int]]]:
        """Business day → [(sleeve_no, amount_yen, plan day)] of the instalment plans."""
        return self._planned(INSTALMENT)

    def instalment_sleeves(self, day: int) -> set[int]:
        """Return the sleeves with an instalment on a business day (積立日の運用口)."""
        if day not in self._sleeves_on:
            self._sleeves_on[day] = {sleeve for sleeve, _, _ in self.instalments.get(day, ())}
        return self._sleeves_on[day]

    def instalment_paused(self, sleeve_no: int, day: int) -> bool:
        """Return whether a sleeve's instalments are paused on a day (積立の休止): the row in force moves nothing."""
        rows = [row for row in self._plans[INSTALMENT].get(sleeve_no, ()) if row.since <= day]
        return not rows or not rows[-1].amount_yen

    @cached_property
    def drawings(self) -> list[tuple[int, int, int, int]]:
        """(business day, sleeve_no, amount_yen, plan day) of the drawing plans, ascending; not while terms are in force."""
        planned = self._planned(DRAWING, self.drawing_book.in_force)
        return sorted((date, *row) for date, rows in planned.items() for row in rows)

    def _drawings(self, day: int) -> Frame:
        """Return the drawings of the next 100 days."""
        names = ("date", "sleeve_no", "amount_yen", "planned_date")
        rows = self.drawings[bisect_right(self.drawings, (day + 1,)) : bisect_right(self.drawings, (day + DRAWINGS_AHEAD + 1,))]
        columns = zip(*rows, strict=True) if rows else ((),) * len(names)
        return {name: np.array(column, np.int64) for name, column in zip(names, columns, strict=True)}

    def fx_between(self, after: int, before: int) -> dict[str, tuple[int, int]]:
        """Return currency → (fx_ppm, day) of the latest rates strictly between two days."""
        latest = {}
        for day in self.fx_days[bisect_right(self.fx_days, after):]:
            if day >= before:
                break
            latest |= {currency: (ppm, day) for currency, ppm in self.fx[day]}
        return latest


def _instruments(rows: Rows) -> Frame:
    size = 1 + max((row["instrument_no"] for row in rows), default=0)
    columns: Frame = {name: np.zeros(size, np.int64) for name in INSTRUMENT_NUMBERS}
    texts = {name: [""] * size for name in ("instrument_id", "currency", "calendar_ids")}
    texts["currency"][0], texts["instrument_id"][0] = "JPY", "JPY"
    columns["amount_mode"] = np.ones(size, np.int64)
    columns["price_base_units"][0] = columns["lot_units"][0] = 1
    for row in rows:
        number = row["instrument_no"]
        for name in INSTRUMENT_NUMBERS:
            columns[name][number] = row[name]
        for name in texts:
            texts[name][number] = row[name]
        columns["amount_mode"][number] = row["order_mode"] == "amount"
    return columns | texts


def _registry(tables: Mapping[str, Rows]) -> Registry:
    accounts = _dense(tables["accounts"], "account_no", ("custodian_no",))
    contracts = _dense(tables["contracts"], "contract_no", ("account_no", "program_no"))
    sleeves = _dense(tables["sleeves"], "sleeve_no", ("contract_no", "model_no"))
    for name in ("account_no", "program_no"):
        sleeves[name] = contracts[name][sleeves["contract_no"]]
    kinds = ("sleeve", "contract", "model", "instrument", "goal")
    names = {kind: _names(tables.get(f"{kind}s", ()), f"{kind}_no", f"{kind}_id") for kind in kinds}
    return Registry(sleeves, contracts, accounts, names)


def _names(rows: Rows, number: str, name: str) -> list[str]:
    names = [""] * (1 + max((row[number] for row in rows), default=0))
    for row in rows:
        names[row[number]] = row.get(name, "")
    return names


def _dense(rows: Rows, key: str, names: tuple[str, ...]) -> Frame:
    size = 1 + max((row[key] for row in rows), default=0)
    columns = {name: np.zeros(size, np.int32) for name in names}
    at = np.array([row[key] for row in rows], np.int64)
    for name in names:
        columns[name][at] = [row[name] for row in rows]
    return columns

