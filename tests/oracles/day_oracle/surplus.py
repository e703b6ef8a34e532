"""§5, "Surplus": what a sleeve that has enough passes on, judged before the close by the books of `y`."""

from dataclasses import dataclass
from datetime import date

from tests.oracles.day_oracle.goals import target_in_force
from tests.oracles.day_oracle.promises import needs
from tests.oracles.day_oracle.state import MILLION, House, Sleeve
from tests.oracles.goal_oracle import target_of

CLOSED, CIRCLE, SMALL, TARGET_DATE, NO_LEVEL = "closed", "circle", "least instalment", "target date", "no level"


@dataclass
class Verdict:
    """What is judged of a sleeve with a rule: its level (none: 0), what it can spare, and where its surplus would go."""

    rule: dict
    level: int
    spare: int
    full: bool = False
    end: int = 0                             # the end of the rule of a full sleeve
    reason: str = ""                         # why its surplus stays


def rule_of(house: House, sleeve_no: int, day: date) -> dict | None:
    """The row of `surplus_rules` with the latest `valid_from_date ≤ d`, none if that row has no `to_sleeve_id`."""
    rows = [row for row in house.tables.get("surplus_rules", [])
            if row["sleeve_no"] == sleeve_no and row["valid_from_date"] <= day]
    row = max(rows, key=lambda row: row["valid_from_date"]) if rows else None
    return row if row and row["to_sleeve_no"] else None


def level_of(house: House, rule: dict, day: date) -> int:
    """`level_yen` (`yen`), or the target in force on `d` of the sleeve's goal (in yen of the target date; a target of 0, or none,
    is no level).
    """
    if rule["level_kind"] == "yen":
        return rule["level_yen"]
    target = target_in_force(house, rule["sleeve_no"], day)
    return target_of(target) if target else 0


def judge(house: House, day: date) -> list[dict]:
    """Everything by the books of `y` and the rules in force on `d`. -> the transfers of surplus, by sleeve number"""
    house.verdicts = {}
    for sleeve in house.open_sleeves():                  # at y
        rule = rule_of(house, sleeve.number, day)
        if rule and sleeve.is_active:
            spare, level = sleeve.value - needs(house, sleeve), level_of(house, rule, day)
            house.verdicts[sleeve.number] = Verdict(rule, level, spare)
    for number, verdict in house.verdicts.items():
        has_come(house, number, verdict, day)
    for number, verdict in house.verdicts.items():
        if verdict.full:
            verdict.end, verdict.reason = end_of(house, number, verdict)
    forget_other_rules(house, day)
    return excess(house, day)


def has_come(house: House, number: int, verdict: Verdict, day: date) -> None:
    """A sleeve is full if it has a rule with a level, its goal's `target_date` (if the level is a target) lies after `d`, and
    `spare ≥ level`. It stays what it is if the target date has come (and `spare ≥ level`) or the target has no amount.
    """
    if not verdict.level:
        verdict.reason = NO_LEVEL
    elif verdict.spare >= verdict.level:
        by_target = verdict.rule["level_kind"] == "target"
        if by_target and target_in_force(house, number, day)["target_date"] <= day:
            verdict.reason = TARGET_DATE
        else:
            verdict.full = True


def end_of(house: House, number: int, verdict: Verdict) -> tuple[int, str]:
    """The end of a sleeve's rule: its `to_sleeve`, and as long as the sleeve reached is full, the `to_sleeve` of that one. Not if
    the end is not open, or is closing, at `y`, or is of another account, or if the chain comes back to a sleeve that it met.
    -> (the end, why not)
    """
    met, reached = [number], verdict.rule["to_sleeve_no"]
    while reached not in met:
        met.append(reached)
        next_one = house.verdicts.get(reached)
        if not next_one or not next_one.full:
            end = house.sleeves[reached]
            there = end.is_active and end.account_no == house.sleeves[number].account_no
            return reached, "" if there else CLOSED
        reached = next_one.rule["to_sleeve_no"]
    return 0, CIRCLE


def forget_other_rules(house: House, day: date) -> None:
    """What was told is forgotten on the first close on which another rule (or none) is in force."""
    for number, (_reason, since) in list(house.stays.items()):
        rule = rule_of(house, number, day)
        if not rule or rule["valid_from_date"] != since:
            del house.stays[number]


def excess(house: House, day: date) -> list[dict]:
    """`excess`, `both`: if `d` is the first business day of its month: of every sleeve that is full with `spare − level ≥
    minimum_yen`, an event `transfer` of `min(spare − level, floor(spare × withdrawal_limit_ppm / 10^6))` to the end, if that is
    above 0; before all other events of `d`, in sleeve order. Its number is −(12 × the number of the sleeve + month of `d` − 1).

    Reading: of a target whose date has come the same must be above the level; of a target without an amount it is told every time.
    """
    found: list[dict] = []
    house.excess_stays = []
    if house.dates.roll(day.replace(day=1)) != day:
        return found
    for number, verdict in sorted(house.verdicts.items()):
        sleeve, over = house.sleeves[number], verdict.spare - verdict.level
        if verdict.rule["surplus_kind"] == "instalments" or (verdict.level and over < verdict.rule["minimum_yen"]):
            continue
        amount = min(over, verdict.spare * house.rules_of(sleeve, day)["withdrawal_limit_ppm"] // MILLION)
        if not (verdict.full or verdict.reason) or (verdict.level and amount <= 0):
            continue
        if verdict.reason:
            house.excess_stays.append((number, verdict.reason))
            continue
        found.append({"event_no": event_no(number, day), "date": day, "kind": "transfer", "contract_no": 0, "sleeve_no": number,
                      "target_sleeve_no": verdict.end, "amount_yen": amount})
    return found


def event_no(number: int, day: date) -> int:
    """−(12 × the number of the sleeve whose rule it is + month of `d` − 1)"""
    return -(12 * number + day.month - 1)


def stays(house: House, number: int, reason: str) -> None:
    """Told by an alert `surplus_stays` of the sleeve when the reason is another one than that told last, once."""
    since = house.verdicts[number].rule["valid_from_date"]
    if house.stays.get(number) != (reason, since):
        house.stays[number] = reason, since
        house.alert("surplus_stays", number)


def goes(house: House, number: int) -> None:
    """What was told is forgotten when surplus of the sleeve goes again."""
    house.stays.pop(number, None)


def comes_into(house: House, sleeve: Sleeve, amount: int, day: date) -> Sleeve:
    """`instalments`, `both`: an instalment of a plan (its bonus with it) or a retry of one that the bank has collected on `d` from
    a sleeve that is full comes into the end. It stays if the amount is below the `minimum_instalment_yen` in force of the end's
    program, and also if the end has closed, or begun to close, by an event of `d` before it. Of several reasons the first counts.
    """
    verdict = house.verdicts.get(sleeve.number)
    if verdict is None or verdict.rule["surplus_kind"] == "excess" or not (verdict.full or verdict.reason):
        return sleeve
    reason, end = verdict.reason, house.sleeves.get(verdict.end)
    if not reason and amount < house.rules_of(end, day)["minimum_instalment_yen"]:
        reason = SMALL
    if not reason and not end.is_active:
        reason = CLOSED
    if reason:
        stays(house, sleeve.number, reason)
        return sleeve
    goes(house, sleeve.number)
    house.today.passed.append((sleeve.number, end.number, amount))
    return end
