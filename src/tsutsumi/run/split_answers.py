"""What a customer answers to the split of the payments (配分案への回答): kept with who and when; accepted, it becomes dated plans.

As with an option of advice, what is written is what the close reads anyway: a row of `plans` for every goal whose payment changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta

from sqlalchemy import Connection

from tsutsumi.core.rules import INSTALMENT
from tsutsumi.run.advice_list import ACCEPTED, SPLIT
from tsutsumi.run.customer_goals import FollowedGoal
from tsutsumi.run.customer_split import CustomerSplit, split_of
from tsutsumi.store.approvals import person
from tsutsumi.store.audit import append
from tsutsumi.store.database import House, HouseError, transaction
from tsutsumi.store.kinds import MOST_YEN
from tsutsumi.store.load_reference import load_table
from tsutsumi.store.manifest import lock_house
from tsutsumi.store.tables import advice_answers

PLAN = ("day_of_month", "days_of_month", "bonus_months", "bonus_yen")


@dataclass(frozen=True)
class SplitAnswered:
    """An answer to a split (配分案への回答の結果); `new` is False where the same answer was there: then nothing was written."""

    split: CustomerSplit
    answer: str
    new: bool
    made_by: str
    recorded_at: str
    effective_date: Date


def answer_split(
    house: House, customer_id: str, said: str, by: str, recorded_at: str, note: str = "", date: Date | None = None,
) -> SplitAnswered:
    """Keep the answer to the split of a customer's payments, and write its plans if it is accepted (配分案への回答).

    Each goal whose payment changes gets an answer of kind `split` and, if accepted, a row of `plans` from the day after the last
    closed one: the same days of the month and bonuses, another amount.

    Parameters
    ----------
    said : "accepted" or "declined"
    by : who answers, or who wrote it down
    recorded_at : the moment, from `run/clock.py`
    date : the closed day of the split that was read; if a later day is closed, nothing is done

    Raises
    ------
    HouseError
        The customer is unknown, another day was read, it was answered otherwise, the split changes nothing, or a plan is refused:
        one line of what, why and what to do; nothing is written then.
    """
    name, what = person(by), f"customer {customer_id}: split"
    with lock_house(house.folder, "advice"):
        split = split_of(house, customer_id, with_pot=False)
        day = split.of.date
        if date is not None and date != day:
            raise HouseError(f"{what}: that of {date} is superseded, {day} is the last closed day: read that one and answer it")
        known = [row for row in split.of.rows["advice_answers"] if row["kind"] == SPLIT and row["date"] == day]
        if known:
            return _known(what, split, known[0], said)
        if not split.changed:
            raise HouseError(f"{what}: on {day} no other split of the payments is better: there is nothing to answer")
        since = day + timedelta(days=1)
        with transaction(house) as connection:
            if said == ACCEPTED:
                _write_plans(connection, what, split, since, recorded_at)
            rows = [{"goal_no": goal.goal_no, "date": day, "kind": SPLIT, "answer": said, "effective_date": since, "made_by": name,
                     "recorded_at": recorded_at, "note": note.strip()} for goal, _ in split.changed]
            connection.execute(advice_answers.insert(), rows)
            told = {"customer_id": customer_id, "date": str(day), "kind": SPLIT, "effective_date": str(since), "note": note.strip(),
                    "payments": [{"goal_id": goal.goal_id, "before_yen": goal.payment_yen, "after_yen": given.yen}
                                 for goal, given in split.changed]}
            append(connection, name, f"advice {said}", told, recorded_at)
    return SplitAnswered(split, said, True, name, recorded_at, since)


def _known(what: str, split: CustomerSplit, row: Mapping, said: str) -> SplitAnswered:
    """Return the answer that is there if it is the same; refuse another one."""
    if row["answer"] != said:
        told = f"it was {row['answer']} by {row['made_by']} at {row['recorded_at']}"
        raise HouseError(f"{what} of {split.of.date}: {told}: it is answered otherwise: wait for the next close")
    return SplitAnswered(split, said, False, row["made_by"], row["recorded_at"], row["effective_date"])


def _write_plans(connection: Connection, what: str, split: CustomerSplit, since: Date, recorded_at: str) -> None:
    """Write the plans as `load` would, with all its checks."""
    rows = [_plan_row(what, goal, given.yen, since) for goal, given in split.changed]
    texts = [tuple(row.values()) for row in rows]
    outcome = load_table(connection, "plans", tuple(rows[0]), range(1, len(rows) + 1), texts, recorded_at)
    if outcome.accepted != len(rows):
        why = outcome.refused[0] if outcome.refused else "a plan of that day is there already"
        raise HouseError(f"{what}: plans: {why}: mend that first; nothing was written")


def _plan_row(what: str, goal: FollowedGoal, yen: int, since: Date) -> dict[str, str]:
    """Return a plan with another amount as a file would say it; one that begins anew has no bonus."""
    plan = goal.plan or {"day_of_month": 26}
    amount = yen // goal.payment.each_yen
    if amount > MOST_YEN:
        raise HouseError(f"{what}: {amount:,} yen is more than a plan may move: give at most {MOST_YEN:,}")
    kept = {name: plan.get(name, "") for name in PLAN}
    if not plan.get("amount_yen"):
        kept |= {"bonus_months": "", "bonus_yen": 0}
    row = {"sleeve_id": goal.sleeve_id, "kind": INSTALMENT, "valid_from_date": str(since), "amount_yen": str(amount)}
    return row | {name: str(value or ("0" if name == "bonus_yen" else "")) for name, value in kept.items()}
