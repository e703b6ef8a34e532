"""Surplus rules of the sample house (見本の余剰の振替): whose first goal has enough, and who save on toward the next one."""

from collections.abc import Iterator, Sequence

from tsutsumi.demo.life import Sleeve, month_after
from tsutsumi.demo.programs import Life, recorded

MONTHS = 6                              # after the later of the two sleeves opened
ONE_OF = 4                              # of the contracts that could have a rule
LEAST_LEVEL_YEN = 100_000
ENDS_AFTER = 12                         # months, of the rules that end
WAYS = (                                # level kind, what is passed on, least transfer, whether it ends
    ("target", "instalments", 10_000, False), ("yen", "both", 10_000, False), ("yen", "excess", 50_000, False),
    ("target", "both", 20_000, True),
)


def surplus_rows(sleeves: Sequence[Sleeve], rows: dict[str, list[dict]], life: Life) -> dict[str, list[dict]]:
    """Return the rows of `surplus_rules`, and `goal_targets` with the goals that their customers made smaller (余剰の登録行).

    Parameters
    ----------
    rows : goals and goal_targets as `demo.goals.goal_rows` made them
    """
    goal_of = {row["sleeve_no"]: row["goal_no"] for row in rows["goals"]}
    first_target = {row["goal_no"]: row for row in rows["goal_targets"] if row["target_yen"]}
    rules, smaller = [], []
    for place, (one, other) in enumerate(list(_pairs(sleeves))[::ONE_OF]):
        level, kind, least, ends = WAYS[place % len(WAYS)]
        since = month_after(max(one.opened, other.opened), MONTHS)
        target = first_target.get(goal_of.get(one.number, 0))
        if since > life.through:
            continue
        if target is None or target["target_date"] <= since:
            level = "yen"
        yen = max(one.first_paid_yen, LEAST_LEVEL_YEN)
        told = {"sleeve_no": one.number, "source": "顧客の申込み（見本）"}
        rule = told | {"level_kind": level, "level_yen": yen if level == "yen" else 0, "surplus_kind": kind, "minimum_yen": least}
        rules.append(rule | {"valid_from_date": since, "to_sleeve_no": other.number, "recorded_at": recorded(since)})
        if level == "target":
            more = {"valid_from_date": since, "target_yen": yen, "target_kind": "nominal", "inflation_ppm": 0, "floor_yen": 0}
            smaller.append(target | more | {"source": "目標額の見直し", "recorded_at": recorded(since)})
        end = month_after(since, ENDS_AFTER)
        if ends and end <= life.through:
            rules.append(rule | {"valid_from_date": end, "to_sleeve_no": 0, "recorded_at": recorded(end)})
    return {"surplus_rules": rules, "goal_targets": rows["goal_targets"] + smaller}


def _pairs(sleeves: Sequence[Sleeve]) -> Iterator[tuple[Sleeve, Sleeve]]:
    """Yield a saving sleeve and another one of each contract that has both to the end."""
    for contract in dict.fromkeys(sleeve.contract for sleeve in sorted(sleeves, key=lambda one: one.number)):
        staying = sorted(contract.open_sleeves(), key=lambda one: one.number) if contract.ended is None else []
        saving = [one for one in staying if (plan := one.plans.get("instalment")) and plan[max(plan)][0]]
        if saving and len(staying) > 1:
            yield saving[0], next(one for one in staying if one is not saving[0])
