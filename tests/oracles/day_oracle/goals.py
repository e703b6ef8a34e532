"""§10: the rows of goals of an evening, as far as the order of paying and surplus look at them: targets, and zones.

The probability is that of `goal_oracle`; nothing of the close is taken.
"""

from datetime import date

from tests.oracles import goal_oracle
from tests.oracles.day_oracle.drawings import asked, coming, terms_in_force
from tests.oracles.day_oracle.paying import order_of, payers_tonight, shared
from tests.oracles.day_oracle.plans import bonus_of_year, days_of, plan_in_force
from tests.oracles.day_oracle.state import House, Sleeve

MANY = 100  # ladders to keep


def target_in_force(house: House, sleeve_no: int, day: date) -> dict | None:
    """The row of `goal_targets` with the latest `valid_from_date ≤ d` of the sleeve's goal."""
    numbers = {row["goal_no"] for row in house.tables.get("goals", []) if row["sleeve_no"] == sleeve_no}
    return goal_oracle.in_force([row for row in house.tables.get("goal_targets", []) if row["goal_no"] in numbers], day)


def worth(sleeve: Sleeve) -> int:
    """value_yen, not below 0."""
    return max(sleeve.value, 0)


def planned(house: House, sleeve: Sleeve, kind: str, day: date) -> int:
    """Of the plan in force on d: amount × number of its days, and a twelfth of a year's bonuses (floored; of a plan with an
    amount).
    """
    row = plan_in_force(house, sleeve.number, kind, day)
    return row["amount_yen"] * len(days_of(row)) + bonus_of_year(row) // 12 if row and row["amount_yen"] else 0


def draws(house: House, sleeve: Sleeve, there: int, day: date) -> int:
    """What a sleeve draws a month. On terms, in place of its drawing plan: nothing if the row is a pause; else what the next plan
    day of that row in the next 100 days, a payout already or not, would draw of the evening's value (not below 0), or as the
    drawing plan says where none comes.
    """
    row = terms_in_force(house, sleeve.number, day)
    if row is None:
        return planned(house, sleeve, "drawing", day)
    if row["rule_kind"] == "fixed-amount" and row["amount_yen"] == 0:
        return 0
    ahead = [part for _due, parts in coming(house, sleeve, day, 100, made=True) for part in parts if part.row is row]
    return asked(house, sleeve, ahead[0], there) if ahead else planned(house, sleeve, "drawing", day)


def monthly_draw(house: House, sleeve: Sleeve, day: date) -> int:
    """Where the whole contract pays, Σ of what its sleeves, open and not closing, draw a month (next drawings of Σ max(value_yen,
    0)), at most Σ `most` of `D = value_yen`, is shared by the order as tonight; what a sleeve would pay is what it draws.
    """
    payers = payers_tonight(house, sleeve, day, worth)
    there = sum(one.there for one in payers)
    if order_of(house, sleeve.contract_no, day)["drawings_kind"] == "own":
        return draws(house, sleeve, there, day)
    whole = sum(draws(house, one.sleeve, there, day) for one in payers)
    return shared(house, payers, min(whole, sum(one.most for one in payers)), day).get(sleeve.number, 0)


def course(house: House, sleeve: Sleeve, target: dict, monthly: int, day: date) -> dict:
    """Money, payment, target, months left and law of an evening. Reading: a model without assumptions in force cannot be told."""
    rows = [row for row in house.tables.get("model_assumptions", []) if row["model_no"] == sleeve.model_no]
    law = goal_oracle.in_force(rows, day) or {"mean_ppm": None, "risk_ppm": None}
    return {
        "value_yen": sleeve.value, "monthly_yen": monthly, "target_yen": goal_oracle.target_of(target),
        "months_ppm": goal_oracle.months_left(day, target["target_date"]), "mean_ppm": law["mean_ppm"], "risk_ppm": law["risk_ppm"],
    }


def status_of(house: House, sleeve: Sleeve, found: dict, before: str | None, day: date) -> str:
    """The zone, or `none` where the goal is not told; from the zone of the close before (a goal that had none: anew)."""
    if found["risk_ppm"] is None or goal_oracle.beyond(found):
        return "none"
    rows = [row for row in house.tables.get("goal_gates", [])
            if row["program_no"] == house.contracts[sleeve.contract_no].program_no]
    gates = goal_oracle.GATES | {name: value for name, value in (goal_oracle.in_force(rows, day) or {}).items()
                                 if name in goal_oracle.GATES}
    return goal_oracle.zone_of(None if before == "none" else before, goal_oracle.chance_of(found), gates)


def follow(house: House, day: date) -> None:
    """Followed is a goal with a target in force whose `target_date > y`, of a sleeve that is open and not closing and has
    `value_yen > 0` or a `monthly` that is not 0; it has a row of this evening.
    """
    rows: dict[int, tuple[int, str]] = {}
    for number in sorted(row["sleeve_no"] for row in house.tables.get("goals", [])):
        sleeve, target = house.sleeves[number], target_in_force(house, number, day)
        if not target or not sleeve.is_active or (house.previous and target["target_date"] <= house.previous):
            continue
        monthly = planned(house, sleeve, "instalment", day) - monthly_draw(house, sleeve, day)
        if sleeve.value > 0 or monthly:
            found, before = course(house, sleeve, target, monthly, day), house.goal_rows.get(number, (0, None))[1]
            rows[number] = found["target_yen"], status_of(house, sleeve, found, before, day)
            house.today.goals[number] = (found["target_yen"], monthly, rows[number][1])
    house.goal_rows = rows
    if goal_oracle.ladder.cache_info().currsize > MANY:
        goal_oracle.ladder.cache_clear()
