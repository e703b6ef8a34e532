"""Advice on goals and what became of it (改善案の一覧): the rows of the closed days, beside what customers answered."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta

import numpy as np
from sqlalchemy import Connection, select

from tsutsumi.core.books import Books
from tsutsumi.core.goal_status import STATUSES
from tsutsumi.core.goals.options import KINDS, PAY_MORE, PAY_ONCE
from tsutsumi.run.advice_plans import TABLES, AdvicePlans
from tsutsumi.run.history import ids_of, rows_of
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import load_books, load_day, read_closed_day
from tsutsumi.store.manifest import closed_days
from tsutsumi.store.tables import advice_answers, events

ACCEPTED, DECLINED = "accepted", "declined"
SPLIT = "split"  # the kind of an answer to the split of all payments of a customer
STATUS_NONE = "none"  # the probability could not be told
UNREAD, SUPERSEDED, SET_ASIDE, CLOSED, WAITING = "unread", "superseded", "set_aside", "closed", "waiting"
COLUMNS = ("goal_no", "rank_no", "kind_code", "amount_yen", "model_no", "months_count", "probability_ppm", "monthly_cost_yen")
READ = {"advice": COLUMNS, "goals": ("goal_no", "status_code")}  # of every closed day, and nothing else
ROWS = ("goals", "sleeves", "contracts", "customers", "models", *TABLES)
URGENCY = ("alert", "below", "none", "right", "above", CLOSED)  # how a goal stands, the most urgent first


@dataclass(frozen=True)
class Option:
    """One option of advice (改善案の一つ) and its answer.

    `state`: unread, accepted, declined, waiting (accepted, the deposit has not arrived), set_aside (another one was accepted),
    superseded (by newer advice, or by a change of the goal's zone) or closed (the sleeve is, or the goal came to its date).
    `cut_yen`: of an unread pay_more, how much of `yen` would be drawn less a month, by the plan of tonight; the rest is paid more.
    """

    rank: int
    kind: str
    yen: int
    model_id: str
    months: int
    probability_ppm: int
    cost_yen: int
    cut_yen: int = 0
    state: str = UNREAD
    made_by: str = ""
    recorded_at: str = ""
    note: str = ""
    effective_date: Date | None = None


@dataclass(frozen=True)
class GoalAdvice:
    """The advice of one day on one goal (目標の改善案): whose, how the goal stands now, and the options in their order."""

    date: Date
    goal_no: int
    goal_id: str
    name: str
    sleeve_no: int
    sleeve_id: str
    customer_id: str
    customer: str
    status: str
    probability_ppm: int | None
    options: tuple[Option, ...]

    @property
    def open(self) -> bool:
        """Whether an answer is still wanted."""
        return any(option.state == UNREAD for option in self.options)

    @property
    def waiting(self) -> bool:
        """Whether a deposit is waited for."""
        return any(option.state == WAITING for option in self.options)


def most_urgent_first(rows: Iterable[GoalAdvice]) -> list[GoalAdvice]:
    """Return advice by how the goals stand, the furthest behind first, and in the same zone from the newest on (急ぐ順)."""
    return sorted(rows, key=lambda row: (URGENCY.index(row.status), -row.date.toordinal()))


class AdviceBook:
    """The goals of a house at the end of its last closed day, and the advice that they were given."""

    def __init__(self, house: House) -> None:
        self.house, self.rows = house, rows_of(house, *ROWS)
        self.ids = ids_of(self.rows)
        self.goals, self.sleeves, self.contracts, self.customers = (
            {row[f"{table[:-1]}_no"]: row for row in self.rows[table]} for table in ROWS[:4]
        )
        self.number_of = {row["goal_id"]: row["goal_no"] for row in self.rows["goals"]}
        with reading(house) as connection:
            self.days = closed_days(connection)
            self.answers = _answers(connection)
            self.splits = {  # the last split that was accepted, by goal
                number: date for (number, date), of in sorted(self.answers.items()) if SPLIT in of and of[SPLIT].answer == ACCEPTED
            }
            self.deposits = _deposits(connection)
        if not self.days:
            raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
        self.date = self.days[-1].date
        self.plans = AdvicePlans(self.rows, self.date + timedelta(days=1))
        self.books: Books = load_books(house, self.date)
        self.place = {number: row for row, number in enumerate(self.books.goals["goal_no"].tolist())}
        self.changed: dict[int, Date] = {}  # the day on which each goal came into the zone that it is in
        self.given = self._given()
        self.newest: dict[int, Date] = {}
        for number, day in sorted(self.given):
            self.newest[number] = day

    def goal_no(self, goal_id: str) -> int:
        """Return the number of a goal, or refuse an unknown one."""
        if goal_id not in self.number_of:
            raise HouseError(f"goal {goal_id!r} is unknown: name a goal_id of the list (tsutsumi advice {self.house.folder} --all)")
        return self.number_of[goal_id]

    def latest(self, goal_no: int) -> Date | None:
        """Return the day of the last advice on a goal, or None."""
        return self.newest.get(goal_no)

    def stands(self, goal_no: int, date: Date) -> bool:
        """Whether the advice of a day is the latest on its goal, and the goal's zone and payments are what they were then."""
        since = self.changed.get(goal_no, date), self.splits.get(goal_no, Date.min)
        return self.latest(goal_no) == date and since[0] <= date and since[1] < date

    def every(self) -> list[GoalAdvice]:
        """Return all advice of all closed days (全改善案), by goal and day."""
        return [self._advice(number, day) for number, day in sorted(self.given)]

    def waiting(self) -> list[GoalAdvice]:
        """Return the advice that waits for an answer or for money (回答・入金待ちの案), the most urgent first."""
        return most_urgent_first(row for row in self.every() if row.open or row.waiting)

    def of_goal(self, goal_no: int) -> GoalAdvice | None:
        """Return the latest advice on a goal, or None."""
        return self._advice(goal_no, self.newest[goal_no]) if goal_no in self.newest else None

    def is_open(self, sleeve_no: int) -> bool:
        """Whether a sleeve is open and not closing."""
        row = int(self.books.row_of_sleeve[sleeve_no]) if 0 < sleeve_no < self.books.row_of_sleeve.size else -1
        return row >= 0 and int(self.books.sleeves["status_code"][row]) == 0

    def _given(self) -> dict[tuple[int, Date], list[Option]]:
        """Return (goal, day) → options by rank, of every closed day; notes when the goals changed their zone."""
        found: dict[tuple[int, Date], list[Option]] = defaultdict(list)
        zone: dict[int, int] = {}
        for day in self.days:
            tables = read_closed_day(self.house, day, READ)
            table, goals = tables.get("advice", {}), tables.get("goals", {})
            for goal, status in zip(goals["goal_no"].tolist(), goals["status_code"].tolist(), strict=True) if goals else ():
                if zone.get(goal) != status:
                    zone[goal], self.changed[goal] = status, day.date
            rows = zip(*(table[name].tolist() for name in COLUMNS), strict=True) if table else ()
            for goal, rank, kind, yen, model, months, ppm, cost in rows:
                option = Option(rank, KINDS[kind], yen, self.ids["models"].get(model, ""), months, ppm, cost)
                found[goal, day.date].append(option)
        return {key: sorted(options, key=lambda option: option.rank) for key, options in found.items()}

    def standing_words(self, goal_no: int) -> dict:
        """Return whose a goal is, and how it stands at the end of the last closed day."""
        goal = self.goals[goal_no]
        sleeve = self.sleeves[goal["sleeve_no"]]
        customer = self.customers[self.contracts[sleeve["contract_no"]]["customer_no"]]
        row, status, probability = self.place.get(goal_no), CLOSED, None
        if row is not None:
            status = STATUSES[int(self.books.goals["status_code"][row])]
            probability = None if status == STATUS_NONE else int(self.books.goals["probability_ppm"][row])
        return {"goal_id": goal["goal_id"], "name": goal["name"], "sleeve_id": sleeve["sleeve_id"],
                "customer": customer["name"], "customer_id": customer["customer_id"],
                "status": status, "probability_ppm": probability}

    def _advice(self, goal_no: int, date: Date) -> GoalAdvice:
        goal, options, answers = self.goals[goal_no], self.given[goal_no, date], self.answers.get((goal_no, date), {})
        taken = any(answer.answer == ACCEPTED for answer in answers.values())
        told = tuple(self._answered(option, answers.get(option.kind), goal, date, taken) for option in options)
        return GoalAdvice(date, goal_no, sleeve_no=goal["sleeve_no"], options=told, **self.standing_words(goal_no))

    def _answered(self, option: Option, answer, goal: dict, date: Date, taken: bool) -> Option:
        """Return an option with its state."""
        sleeve = goal["sleeve_no"]
        if answer is None:
            followed = self.is_open(sleeve) and goal["goal_no"] in self.place
            state = UNREAD if self.stands(goal["goal_no"], date) else SUPERSEDED
            state = SET_ASIDE if taken else state if followed else CLOSED
            cut = self.plans.drawing_yen(self.sleeves[sleeve]) if state == UNREAD and option.kind == KINDS[PAY_MORE] else 0
            return replace(option, state=state, cut_yen=min(cut, option.yen))
        state = answer.answer
        if state == ACCEPTED and option.kind == KINDS[PAY_ONCE] and self.is_open(sleeve):
            state = ACCEPTED if self._paid(sleeve, answer.effective_date) >= option.yen else WAITING
        return replace(option, state=state, made_by=answer.made_by, recorded_at=answer.recorded_at, note=answer.note,
                       effective_date=answer.effective_date)

    def _paid(self, sleeve_no: int, since: Date) -> int:
        """Return the yen deposited into a sleeve from a day on, as the closes booked them: a refused deposit does not count."""
        told = [(day, event) for day, event in self.deposits.get(sleeve_no, ()) if day >= since]
        total = 0
        for day in sorted({day for day, _ in told}):
            flows = load_day(self.house, day).get("flows", {})
            if flows:
                total += int(np.sum(flows["amount_yen"][np.isin(flows["event_no"], [event for on, event in told if on == day])]))
        return total


def _answers(connection: Connection) -> dict[tuple[int, Date], dict[str, object]]:
    """Return (goal, day of the advice) → kind → answer."""
    found: dict[tuple[int, Date], dict[str, object]] = defaultdict(dict)
    for row in connection.execute(select(advice_answers)):
        found[row.goal_no, row.date][row.kind] = row
    return found


def _deposits(connection: Connection) -> dict[int, list[tuple[Date, int]]]:
    """Return the deposits that a close has seen, (day, event) by sleeve; none where no goal ever waited for one."""
    asked = select(advice_answers.c.goal_no).where(advice_answers.c.kind == KINDS[PAY_ONCE], advice_answers.c.answer == ACCEPTED)
    if connection.execute(asked).first() is None:
        return {}
    columns = events.c.sleeve_no, events.c.processed_date, events.c.event_no
    found: dict[int, list[tuple[Date, int]]] = defaultdict(list)
    for row in connection.execute(select(*columns).where(events.c.kind == "deposit", events.c.processed_date.is_not(None))):
        found[row.sleeve_no].append((row.processed_date, row.event_no))
    return found
