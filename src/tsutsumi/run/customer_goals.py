"""The followed goals of one customer on a closed day (顧客の目標): in order of priority, with what each could be given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Date

import numpy as np
from sqlalchemy import Connection, select

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.goal_dates import months_left_ppm
from tsutsumi.core.goal_status import NONE, STATUSES
from tsutsumi.core.goals.budget_split import Share
from tsutsumi.core.goals.within import odds
from tsutsumi.core.promises import spare_yen
from tsutsumi.core.rules import DRAWING, INSTALMENT, GoalRules
from tsutsumi.core.units import PPM
from tsutsumi.run.dated_rows import in_force
from tsutsumi.run.goal_book import GoalBook, a_month, bonus_a_month, days_a_month, may_still_draw
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import load_books
from tsutsumi.store.manifest import last_day
from tsutsumi.store.rows import chunks
from tsutsumi.store.tables import metadata

UNTOLD, ENDED, UNSUITABLE, LATER_PLAN, ANSWERED = "untold", "ended", "unsuitable", "later_plan", "answered"
OF_ALL = ("models", "model_assumptions", "programs", "program_rules", "program_models", "goal_gates")


@dataclass(frozen=True)
class FollowedGoal:
    """A goal as it stands (目標の状態), and what of it may be moved.

    Attributes
    ----------
    floor_yen, floor_ppm : the essential amount in yen of the target date and its probability; 0 and None without one
    plan : the row of `plans` of its instalments in force, empty without one
    payment_yen : what the plan moves a month on its days, bonuses apart
    drawn_yen : what its sleeve draws a month: by its plan or terms, or what it pays tonight where the whole contract pays
    fixed : why its payment stays as it is: untold, ended, unsuitable, later_plan (a plan that begins later is loaded), answered
        (accepted advice is not carried out yet); empty: it may be moved
    stays : its savings stay where they are: what is drawn of them would change with them
    surplus_from : the sleeves whose surplus comes into its own by a rule in force: no probability foresees it
    payment, savings : its share of the payments, and of the savings of its account
    """

    goal_no: int
    goal_id: str
    name: str
    priority: int
    sleeve_no: int
    sleeve_id: str
    contract_id: str
    account_id: str
    program_no: int
    model_id: str
    most_risk_ppm: int
    status: str
    probability_ppm: int | None
    floor_ppm: int | None
    want_ppm: int
    value_yen: int
    monthly_yen: int
    target_yen: int
    floor_yen: int
    target_date: Date
    months_ppm: int
    mean_ppm: int
    risk_ppm: int
    plan: Mapping
    payment_yen: int
    drawn_yen: int
    fixed: str
    stays: bool
    surplus_from: tuple[str, ...]
    payment: Share
    savings: Share

    def ask(self, essential: bool, payment_yen=None, savings_yen=None) -> np.ndarray:
        """Return the probability with other payments a month or savings (達成確率), as the close would tell it; nothing is 0."""
        now = np.atleast_1d(np.asarray(self.value_yen if savings_yen is None else savings_yen, np.int64))
        paid = np.asarray(self.payment_yen if payment_yen is None else payment_yen, np.int64)
        target = self.floor_yen if essential else self.target_yen
        monthly = self.monthly_yen - self.payment_yen + paid
        return np.maximum(odds(now, monthly, target, self.months_ppm, self.mean_ppm, self.risk_ppm), 0)


@dataclass(frozen=True)
class CustomerGoals:
    """The followed goals of a customer on a closed day (顧客の目標), first priority first; `last`: it is the last closed day."""

    date: Date
    last: bool
    customer_id: str
    name: str
    goals: tuple[FollowedGoal, ...]
    rows: Mapping[str, list[dict]]


def customer_goals(house: House, customer_id: str, date: Date | None = None) -> CustomerGoals:
    """Return the followed goals of a customer (顧客の目標) at the end of a closed day, the last one unless it is said.

    Order: priority, then the earlier target date, then the goal that was registered first.

    Raises
    ------
    HouseError
        The customer is unknown, or the day is not closed.
    """
    with reading(house) as connection:
        last = last_day(connection)
        if last is None:
            raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
        rows = _rows(connection, customer_id, house)
    day = date or last
    books = load_books(house, day)
    rules = GoalBook(rows).on(epoch_day(day), epoch_day(day))
    goals = [] if rules is None else _followed(books, rules, rows, day, day == last)
    order = sorted(goals, key=lambda one: (one.priority, one.target_date, one.goal_no))
    return CustomerGoals(day, day == last, customer_id, rows["customers"][0]["name"], tuple(order), rows)


def _rows(connection: Connection, customer_id: str, house: House) -> dict[str, list[dict]]:
    """Return the rows that belong to a customer, and the rules of all."""

    def of(name: str, column: str, values: Iterable) -> list[dict]:
        table = metadata.tables[name]
        found = (connection.execute(select(table).where(table.c[column].in_(part))) for part in chunks(set(values)))
        return [dict(row._mapping) for part in found for row in part]

    rows = {"customers": of("customers", "customer_id", [customer_id])}
    if not rows["customers"]:
        cure = "name a customer_id of the house (customer_id of the table sleeves of tsutsumi export)"
        raise HouseError(f"customer {customer_id!r} is unknown in {house.folder}: {cure}")
    rows["contracts"] = of("contracts", "customer_no", [rows["customers"][0]["customer_no"]])
    contracts = [row["contract_no"] for row in rows["contracts"]]
    rows |= {name: of(name, "contract_no", contracts) for name in ("sleeves", "contract_limits", "drawing_orders")}
    sleeves = [row["sleeve_no"] for row in rows["sleeves"]]
    rows |= {name: of(name, "sleeve_no", sleeves) for name in ("goals", "plans", "drawing_terms", "surplus_rules")}
    rows |= {name: of(name, "goal_no", [row["goal_no"] for row in rows["goals"]]) for name in ("goal_targets", "advice_answers")}
    accounts = [row["account_no"] for row in rows["contracts"]]
    every = {name: [dict(row._mapping) for row in connection.execute(select(metadata.tables[name]))] for name in OF_ALL}
    return rows | every | {"accounts": of("accounts", "account_no", accounts)}


def _followed(books: Books, rules: GoalRules, rows: Mapping[str, list[dict]], date: Date, last: bool) -> list[FollowedGoal]:
    """Return the goals that have a row in the books of a day."""
    by = {name: {row[f"{name[:-1]}_no"]: row for row in rows[name]} for name in ("goals", "sleeves", "contracts", "models")}
    accounts = {row["account_no"]: row["account_id"] for row in rows["accounts"]}
    day = epoch_day(date)
    program_rules = in_force(rows["program_rules"], day, "program_no")
    plans = in_force(rows["plans"], day, "sleeve_no", "kind")
    later = {row["sleeve_no"] for row in rows["plans"] if row["kind"] == INSTALMENT and row["valid_from_date"] > date}
    answered = {row["goal_no"] for row in rows["advice_answers"] if row["answer"] == "accepted" and row["effective_date"] > date}
    stay, rules_of_surplus = _staying(rows, date), in_force(rows["surplus_rules"], day, "sleeve_no")
    givers = [(row["to_sleeve_no"], by["sleeves"][number]["sleeve_id"]) for (number,), row in sorted(rules_of_surplus.items())]
    place = {number: k for k, number in enumerate(rules.goals["goal_no"].tolist())}
    free, found = spare_yen(books), []
    for row, number in enumerate(books.goals["goal_no"].tolist()):
        goal = by["goals"].get(number)
        if goal is None or number not in place:
            continue
        sleeve = by["sleeves"][goal["sleeve_no"]]
        contract = by["contracts"][sleeve["contract_no"]]
        at = int(books.row_of_sleeve[goal["sleeve_no"]])
        facts = {name: int(column[row]) for name, column in books.goals.items()}
        of = {name: int(rules.goals[name][place[number]]) for name in ("want_ppm", "floor_yen")}
        months, limit = months_left_ppm(day, facts["target_date"]), int(rules.most_risk_ppm[contract["contract_no"]])
        fixed = (
            UNTOLD if facts["status_code"] == NONE else ENDED if months == 0 else UNSUITABLE if facts["risk_ppm"] > limit
            else ANSWERED if last and number in answered else LATER_PLAN if last and goal["sleeve_no"] in later else ""
        )
        rule, plan = program_rules[contract["program_no"],], plans.get((goal["sleeve_no"], INSTALMENT), {})
        payment, savings = _shares(facts, of, plan, rule, int(free[at]))
        one = FollowedGoal(
            **{name: goal[name] for name in ("goal_no", "goal_id", "name", "priority", "sleeve_no")}, **of,
            sleeve_id=sleeve["sleeve_id"], contract_id=contract["contract_id"], account_id=accounts[contract["account_no"]],
            program_no=contract["program_no"], model_id=by["models"][int(books.sleeves["model_no"][at])]["model_id"],
            most_risk_ppm=limit, status=STATUSES[facts["status_code"]], months_ppm=months, fixed=fixed, plan=plan,
            probability_ppm=None if fixed == UNTOLD else facts["probability_ppm"], floor_ppm=None,
            **{name: facts[name] for name in ("value_yen", "monthly_yen", "target_yen", "mean_ppm", "risk_ppm")},
            target_date=from_epoch_day(facts["target_date"]), payment_yen=payment.today_yen, payment=payment, savings=savings,
            drawn_yen=max((a_month(plan) if plan else 0) - facts["monthly_yen"], 0), stays=goal["sleeve_no"] in stay,
            surplus_from=tuple(name for to, name in givers if to == goal["sleeve_no"]),
        )
        if fixed != UNTOLD and one.floor_yen:
            one = _with_floor(one)
        found.append(one)
    return found


def _with_floor(goal: FollowedGoal) -> FollowedGoal:
    """Return a goal with the probability of its essential amount."""
    return FollowedGoal(**vars(goal) | {"floor_ppm": int(goal.ask(True)[0])})


def _staying(rows: Mapping[str, list[dict]], date: Date) -> set[int]:
    """Return the sleeves whose savings stay where they are: those on terms, and those that pay for all drawings of a contract.

    What they draw follows from what they have.
    """
    day = epoch_day(date)
    on_terms = {row["sleeve_no"] for row in rows["drawing_terms"] if may_still_draw(row, day)}
    plans = [row for row in rows["plans"] if row["kind"] == DRAWING]
    planned = [*in_force(plans, day, "sleeve_no").values(), *(row for row in plans if row["valid_from_date"] > date)]
    drawn = on_terms | {row["sleeve_no"] for row in planned if row["amount_yen"]}
    orders = in_force(rows["drawing_orders"], day, "contract_no")
    together = {number for (number,), row in orders.items() if row["drawings_kind"] == "order"}
    drawing = together & {row["contract_no"] for row in rows["sleeves"] if row["sleeve_no"] in drawn}
    return on_terms | {row["sleeve_no"] for row in rows["sleeves"] if row["contract_no"] in drawing}


def _shares(facts: Mapping, of: Mapping, plan: Mapping, rule: Mapping, free: int) -> tuple[Share, Share]:
    """Return a goal's share of the payments, and of the savings of its account.

    A payment with bonuses never stops, they would stop with it. What may leave is what a withdrawal may take.
    """
    days = days_a_month(plan)
    paid = plan.get("amount_yen", 0) * days
    bonus = bonus_a_month(plan) if plan else 0
    least = rule["minimum_instalment_yen"] * days
    wants = of["want_ppm"], of["floor_yen"] > 0
    payment = Share(paid, *wants, stays_yen=min(least, paid) if bonus else 0, least_yen=least, each_yen=days)
    leaves = max(free, 0) * rule["withdrawal_limit_ppm"] // PPM
    value = max(facts["value_yen"], 0)
    return payment, Share(value, *wants, stays_yen=max(value - leaves, 0))
