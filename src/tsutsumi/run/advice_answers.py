"""What a customer answers to advice (改善案への回答): kept with who and when, and carried out by the next close where accepted.

Accepting writes what the close reads anyway: a dated row of `plans` or `goal_targets`, or an event. Nothing is invented: a payment
that must come first is waited for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta

from sqlalchemy import Connection, select

from tsutsumi.core.calendar import epoch_day, next_business_day
from tsutsumi.core.goal_advice import plans_after
from tsutsumi.core.goal_dates import moved_date
from tsutsumi.core.rules import DRAWING, INSTALMENT
from tsutsumi.run.advice_list import ACCEPTED, SUPERSEDED, UNREAD, AdviceBook, GoalAdvice, Option
from tsutsumi.run.advice_plans import changed_plan
from tsutsumi.run.goal_book import a_month, target_of_then
from tsutsumi.store.approvals import person
from tsutsumi.store.audit import append
from tsutsumi.store.database import House, HouseError, transaction
from tsutsumi.store.kinds import KINDS, MOST_YEN
from tsutsumi.store.load_reference import load_table
from tsutsumi.store.manifest import lock_house
from tsutsumi.store.tables import advice_answers, metadata, models


@dataclass(frozen=True)
class Answered:
    """An answer that was given (回答の結果): to what, whether it is new, from which day it counts, and the tables written."""

    advice: GoalAdvice
    option: Option
    answer: str
    new: bool
    made_by: str
    recorded_at: str
    effective_date: Date
    written: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    """What is being answered, by whom, in which transaction."""

    connection: Connection
    book: AdviceBook
    advice: GoalAdvice
    option: Option
    by: str
    recorded_at: str

    @property
    def next_date(self) -> Date:
        """The day after the last closed one: the first that may still be changed."""
        return self.book.date + timedelta(days=1)

    @property
    def source(self) -> str:
        """Where what is written comes from."""
        return f"改善案 advice {self.advice.goal_id} {self.advice.date} {self.option.kind}（{self.by}）"

    @property
    def what(self) -> str:
        """How a refusal begins."""
        return f"goal {self.advice.goal_id}: {self.option.kind}"

    def refused(self, why: str, cure: str) -> HouseError:
        """Return the refusal of this answer."""
        return HouseError(f"{self.what}: {why}: {cure}")


def answer(
    house: House, goal_id: str, kind: str | None, said: str, by: str, recorded_at: str, note: str = "", date: Date | None = None,
) -> list[Answered]:
    """Keep the answer to options of advice, and have the next close carry out what is accepted (改善案への回答).

    Parameters
    ----------
    goal_id, kind : of the option; without a kind every one that waits for an answer
    said : "accepted" or "declined"
    by : who answers, or who wrote it down
    recorded_at : the moment, from `run/clock.py`
    date : the day of the advice that was read; if there is newer advice, nothing is done

    Returns
    -------
    list of Answered
        One for each option; `new` is False where the same answer was there already: then nothing was written for it.

    Raises
    ------
    HouseError
        The goal or option is unknown, nothing waits, it was answered otherwise, newer advice exists, the sleeve is closed, or it
        cannot be carried out: one line of what, why and what to do; nothing is written then.
    """
    name = person(by)
    with lock_house(house.folder, "advice"):
        book = AdviceBook(house)
        asked = [_found(book, goal_id, one, date) for one in ([kind] if kind else _open_kinds(book, goal_id))]
        with transaction(house) as connection:
            tasks = [_Task(connection, book, advice, option, name, recorded_at) for advice, option in asked]
            return [_answer(task, said, note.strip()) for task in tasks]


def _answer(task: _Task, said: str, note: str) -> Answered:
    """Keep the answer to one option."""
    advice, option, known = task.advice, task.option, _known(task, said)
    if known is not None:
        return Answered(advice, option, said, False, known.made_by, known.recorded_at, known.effective_date, ())
    since, written = CARRIED_OUT[option.kind](task) if said == ACCEPTED else (task.next_date, ())
    row = {"goal_no": advice.goal_no, "date": advice.date, "kind": option.kind, "answer": said, "effective_date": since,
           "made_by": task.by, "recorded_at": task.recorded_at, "note": note}
    task.connection.execute(advice_answers.insert(), row)
    told = {"goal_id": advice.goal_id, "date": str(advice.date), "kind": option.kind, "yen": option.yen,
            "model_id": option.model_id, "months": option.months, "effective_date": str(since), "written": list(written),
            "note": note}
    append(task.connection, task.by, f"advice {said}", told, task.recorded_at)
    return Answered(advice, option, said, True, task.by, task.recorded_at, since, tuple(written))


def _open_kinds(book: AdviceBook, goal_id: str) -> list[str]:
    """Return the options of the latest advice on a goal that wait for an answer (未回答の案), or refuse where there is none."""
    advice = book.of_goal(book.goal_no(goal_id))
    kinds = [option.kind for option in advice.options if option.state == UNREAD] if advice else []
    if not kinds:
        cure = f"see the list (tsutsumi advice {book.house.folder} --all)"
        raise HouseError(f"goal {goal_id}: no option waits for an answer: {cure}")
    return kinds


def _found(book: AdviceBook, goal_id: str, kind: str, date: Date | None) -> tuple[GoalAdvice, Option]:
    """Return the advice and the option that is answered, or say why there is none."""
    number = book.goal_no(goal_id)
    sleeve = book.goals[number]["sleeve_no"]
    if not book.is_open(sleeve):
        named = book.sleeves[sleeve]["sleeve_id"]
        raise HouseError(f"goal {goal_id}: its sleeve {named} is closed, closing or not open yet: nothing is left to advise")
    latest = book.latest(number)
    if latest is None:
        raise HouseError(f"goal {goal_id}: no advice was given on it: see the list (tsutsumi advice {book.house.folder})")
    if date is not None and date > latest:
        raise HouseError(f"goal {goal_id}: no advice was given on {date}, the last is of {latest}: read that and answer it")
    if date is not None and date != latest:
        raise HouseError(f"goal {goal_id}: the advice of {date} is {SUPERSEDED} by that of {latest}: read that and answer it")
    advice = book.of_goal(number)
    if advice is None:
        raise HouseError(f"goal {goal_id}: nothing was offered: no payment, date or permitted model reaches it")
    if not book.stands(number, latest):
        split = book.splits.get(number, Date.min)
        what = f"a split of the customer's payments was accepted ({split})" if split >= latest else (
            f"the goal's zone has changed ({book.changed[number]})")
        why = f"since the advice of {latest} {what}"
        raise HouseError(f"goal {goal_id}: {why}: look at it as it stands (tsutsumi advice {book.house.folder} --goal {goal_id})")
    for option in advice.options:
        if option.kind == kind:
            return advice, option
    offered = ", ".join(option.kind for option in advice.options)
    raise HouseError(f"goal {goal_id}: {kind} was not offered on {advice.date}: answer one of {offered}")


def _known(task: _Task, said: str):
    """Return the answer that is there already if it is the same; refuse where the goal was answered otherwise."""
    mine = (advice_answers.c.goal_no == task.advice.goal_no) & (advice_answers.c.date == task.advice.date)
    rows = {row.kind: row for row in task.connection.execute(select(advice_answers).where(mine))}
    own = rows.get(task.option.kind)
    if own is not None and own.answer == said:
        return own
    taken = next((row for row in rows.values() if row.answer == ACCEPTED), None)
    against = own or taken
    if against is not None:
        what = f"{against.kind} was {against.answer} by {against.made_by} at {against.recorded_at}"
        raise task.refused(f"the advice of {task.advice.date} is answered otherwise: {what}", "wait for the next advice")
    return None


# ---- carrying it out: (first day that it counts, tables written)


def _plans(task: _Task) -> tuple[Date, list[str]]:
    """Pay more or less a month: the plans with other amounts from the next day on."""
    sleeve = task.book.sleeves[task.advice.sleeve_no]
    plan_of = {kind: task.book.plans.plan(sleeve, kind) for kind in (INSTALMENT, DRAWING)}
    before = tuple(a_month(plan) for plan in plan_of.values())
    after = plans_after(task.option.kind, task.option.yen, *before)
    if after is None:
        cure = "load the plan that the customer wants (tsutsumi load)"
        raise task.refused(f"{task.option.yen:,} yen less than {before[0]:,} yen a month would be below zero", cure)
    for plan, old, new in zip(plan_of.values(), before, after, strict=True):
        if new != old:
            _change_plan(task, plan, new)
    return task.next_date, ["plans"]


def _pay_once(task: _Task) -> tuple[Date, list[str]]:
    """Nothing is booked that has not come: the deposit is waited for."""
    return task.next_date, []


def _change_model(task: _Task) -> tuple[Date, list[str]]:
    """Give the next close a change of strategy, if the model is still offered and suitable."""
    day, option = next_business_day(task.book.date), task.option
    sleeve = task.book.sleeves[task.advice.sleeve_no]
    contract = task.book.contracts[sleeve["contract_no"]]
    number = task.connection.execute(select(models.c.model_no).where(models.c.model_id == option.model_id)).scalar_one()
    of_program = {"program_no": contract["program_no"], "model_no": number}
    offered = in_force(task.connection, "program_models", day, of_program)
    if offered is None or not offered["offered"]:
        raise task.refused(f"model {option.model_id} is no longer offered on {day}", "wait for the next advice")
    limit = in_force(task.connection, "contract_limits", day, {"contract_no": contract["contract_no"]})
    assumed = in_force(task.connection, "model_assumptions", day, {"model_no": number})
    if limit is not None and (assumed is None or assumed["risk_ppm"] > limit["most_risk_ppm"]):
        why = f"model {option.model_id} is beyond what is suitable: risk at most {limit['most_risk_ppm']:,} ppm"
        raise task.refused(why, "wait for the next advice, or assess the customer anew")
    row = {"event_id": f"advice-{task.advice.goal_no}-{task.advice.date}", "date": str(day), "kind": "strategy_changed",
           "sleeve_id": sleeve["sleeve_id"], "model_id": option.model_id, "note": task.source}
    _write(task, "events", row)
    return day, ["events"]


def _later_date(task: _Task) -> tuple[Date, list[str]]:
    """Move the date of the goal; everything else of its target stays: a real one is told in yen of the day it counts from."""
    target = in_force(task.connection, "goal_targets", task.next_date, {"goal_no": task.advice.goal_no})
    if target is None:
        raise task.refused(f"no target is in force on {task.next_date}", "load goal_targets")
    _refuse_later(task, "goal_targets", {"goal_no": task.advice.goal_no})
    moved = moved_date(target["target_date"], task.option.months)
    days = epoch_day(target["valid_from_date"]), epoch_day(task.next_date)
    for name in ("target_yen", "floor_yen"):
        target[name] = target_of_then(target[name], target["target_kind"], target["inflation_ppm"], *days)
    row = _as_file("goal_targets", target, {"goal_id": task.advice.goal_id})
    _write(task, "goal_targets", row | {"valid_from_date": str(task.next_date), "target_date": str(moved), "source": task.source})
    return task.next_date, ["goal_targets"]


CARRIED_OUT = {
    "pay_more": _plans, "pay_once": _pay_once, "later_date": _later_date, "change_model": _change_model, "pay_less": _plans,
}


def _change_plan(task: _Task, plan: Mapping, yen: int) -> None:
    """Write the plan with another amount a month from the next day on; the day of the month and all else stay."""
    kind = plan["kind"]
    _refuse_later(task, "plans", {"sleeve_no": task.advice.sleeve_no, "kind": kind})
    changed = changed_plan(plan, yen)
    if changed["amount_yen"] > MOST_YEN:
        raise task.refused(f"{changed['amount_yen']:,} yen is more than a plan may move", f"give at most {MOST_YEN:,}")
    sleeve_id = task.book.sleeves[task.advice.sleeve_no]["sleeve_id"]
    row = _as_file("plans", changed, {"sleeve_id": sleeve_id})
    _write(task, "plans", row | {"valid_from_date": str(task.next_date)})


def _refuse_later(task: _Task, name: str, key: Mapping[str, object]) -> None:
    """Refuse where a row is loaded already that would undo what is accepted, or stands on its day."""
    table = metadata.tables[name]
    query = select(table.c.valid_from_date).where(*(table.c[column] == value for column, value in key.items()))
    later = [day for (day,) in task.connection.execute(query) if day >= task.next_date]
    if later:
        cure = f"load the row of {name} that the customer wants, with a later date (tsutsumi load)"
        raise task.refused(f"{name} has a row from {min(later)} on that would undo it", cure)


def in_force(connection: Connection, name: str, day: Date, key: Mapping[str, object]) -> dict | None:
    """Return the row of a dated table in force for a key on a day (適用中の行), or None."""
    table = metadata.tables[name]
    query = select(table).where(table.c.valid_from_date <= day, *(table.c[name] == value for name, value in key.items()))
    row = connection.execute(query.order_by(table.c.valid_from_date.desc()).limit(1)).one_or_none()
    return None if row is None else dict(row._mapping)


def _as_file(kind: str, row: Mapping, ids: Mapping[str, str]) -> dict[str, str]:
    """Return a stored row as a file would say it; a column that is not there takes its default."""
    said = {one.name: row[one.column] for one in KINDS[kind].fields if one.of is None and one.column in row}
    return {name: "" if value is None else str(value) for name, value in said.items()} | dict(ids)


def _write(task: _Task, kind: str, row: Mapping[str, str]) -> None:
    """Write one row as `load` would, with all its checks."""
    fields = {one.name for one in KINDS[kind].fields}
    said = {name: value for name, value in row.items() if name in fields}
    outcome = load_table(task.connection, kind, tuple(said), [1], [tuple(said.values())], task.recorded_at)
    if outcome.accepted != 1:
        why = outcome.refused[0] if outcome.refused else "the same row is there already"
        raise task.refused(f"{kind}: {why}", "mend that first; nothing was written")
