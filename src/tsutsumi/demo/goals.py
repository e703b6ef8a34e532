"""Goals of the sample house (見本の目標): what the money of a sleeve is for, what its models are assumed to bring, what suits whom.

Assumptions follow from the mix of roles of each model by simple round figures: they are samples, not forecasts.
"""

from collections.abc import Sequence
from datetime import date

from tsutsumi.demo.life import Sleeve, month_after
from tsutsumi.demo.models import LEVELS, PLANS, WHOLE
from tsutsumi.demo.people import Draws
from tsutsumi.demo.programs import FUND_WRAP, GOAL_WRAP, PROGRAMS, ROBO, Life, recorded

SOURCE = "見本の前提（役割ごとの概数） sample figures by role"
MEANS_PPM = (2_000, 8_000, 22_000, 48_000, 58_000)      # by role: cash-like, defensive, income, growth, aggressive
RISKS_PPM = (3_000, 30_000, 80_000, 170_000, 220_000)
TOGETHER_PPM = 850_000                                  # of the sum of the risks: they do not fall together
COST_PPM = 10_000                                       # fees off the mean
CORE_LEVEL = 6                                          # a model of models counts as one of this level
WITH_GOAL_PER_MILLE = {GOAL_WRAP: 1000, ROBO: 350, FUND_WRAP: 150}
YEARS = {"車の買替え": (2, 6), "旅行": (1, 4), "教育資金": (8, 16), "住宅資金": (5, 10), "老後資金": (12, 30)}
OTHER_YEARS = (5, 15)
ROUND_YEN = 100_000
REAL_PER_MILLE, INFLATION_PPM = 300, 10_000
LIMITED_PER_MILLE = 150
GATES = {
    "contract_ppm": 800_000, "right_low_ppm": 800_000, "right_high_ppm": 950_000, "alert_ppm": 650_000, "hysteresis_ppm": 50_000,
}
WANTS_PPM = (700_000, 800_000, 800_000, 900_000)
PRIORITIES = {"住宅資金": 1, "教育資金": 1, "老後資金": 2, "車の買替え": 3, "旅行": 4}
OTHER_PRIORITY = 3
WITH_FLOOR_PER_MILLE, FLOOR_PERCENTS = 400, (50, 60, 70, 80)


def assumption(level: int) -> tuple[int, int]:
    """Return mean and risk a year of a mix of roles (モデルの前提), in ppm: means less cost, risks added up and cut for diversity.

    >>> assumption(4)
    (21780, 97452)
    """
    mix = LEVELS[level or CORE_LEVEL]
    mean = sum(tenths * ppm for tenths, ppm in zip(mix, MEANS_PPM, strict=True)) // WHOLE - COST_PPM
    risk = sum(tenths * ppm for tenths, ppm in zip(mix, RISKS_PPM, strict=True)) // WHOLE
    return mean, risk * TOGETHER_PPM // 1_000_000


def goal_rows(sleeves: Sequence[Sleeve], life: Life, seed: int) -> dict[str, list[dict]]:
    """Return the rows of goals, their targets, the models' assumptions, gates and limits (目標の登録行)."""
    draws, floors, told = Draws(seed, 9), Draws(seed, 10), {"source": SOURCE, "recorded_at": recorded(life.first)}
    rows: dict[str, list[dict]] = {"goals": [], "goal_targets": []}
    for sleeve in sorted(sleeves, key=lambda one: one.number):
        chosen = draws.chance(WITH_GOAL_PER_MILLE.get(sleeve.contract.program_no, 0))
        if not chosen:
            continue
        number = len(rows["goals"]) + 1
        rows["goals"].append({
            "goal_no": number, "goal_id": f"G{number:06d}", "sleeve_no": sleeve.number, "name": sleeve.name,
            "priority": next((first for word, first in PRIORITIES.items() if word in sleeve.name), OTHER_PRIORITY),
        })
        target = _target(sleeve, draws)
        target["floor_yen"] = _floor(target["target_yen"], floors)
        rows["goal_targets"].append({"goal_no": number} | target | {"recorded_at": recorded(sleeve.opened)})
    rows["model_assumptions"] = [
        {"model_no": number, "valid_from_date": life.first, "mean_ppm": assumption(plan.level)[0],
         "risk_ppm": assumption(plan.level)[1]} | told
        for number, plan in enumerate(PLANS, 1)
    ]
    rows["goal_gates"] = [
        {"program_no": number, "valid_from_date": life.first} | GATES | told for number in range(1, len(PROGRAMS) + 1)
    ]
    return rows | {"contract_limits": _limits(sleeves, draws)}


def _target(sleeve: Sleeve, draws: Draws) -> dict:
    """Return a target that the sleeve's money and plan may reach: what they pay in, and something on top."""
    least, most = next((years for word, years in YEARS.items() if word in sleeve.name), OTHER_YEARS)
    months = 12 * draws.between(least, most) + draws.between(0, 11)
    plan = sleeve.plans.get("instalment", {})
    monthly = plan[min(plan)][0] if plan else 0
    draws_money = "drawing" in sleeve.plans
    money = max(sleeve.first_paid_yen, ROUND_YEN) + monthly * months
    share = draws.between(75, 100 + months // 10)
    target = 0 if draws_money else max(money * share // 100 // ROUND_YEN, 1) * ROUND_YEN
    real = draws.chance(REAL_PER_MILLE)
    return {
        "valid_from_date": sleeve.opened, "target_yen": target, "target_kind": "real" if real else "nominal",
        "target_date": month_after(date(sleeve.opened.year, sleeve.opened.month, 1), months),
        "inflation_ppm": INFLATION_PPM if real else 0, "want_ppm": draws.pick(WANTS_PPM), "floor_yen": 0,
        "source": "契約時の目標設定",
    }


def _floor(target_yen: int, draws: Draws) -> int:
    """Return the essential amount of some targets, in round yen below them."""
    if not draws.chance(WITH_FLOOR_PER_MILLE):
        return 0
    floor = target_yen * draws.pick(FLOOR_PERCENTS) // 100 // ROUND_YEN * ROUND_YEN
    return floor if floor < target_yen else 0


def _limits(sleeves: Sequence[Sleeve], draws: Draws) -> list[dict]:
    """Return what suits some customers: at least the risk of the model that they began with."""
    rows = []
    for contract in dict.fromkeys(sleeve.contract for sleeve in sorted(sleeves, key=lambda one: one.number)):
        if draws.chance(LIMITED_PER_MILLE):
            risk = max(assumption(PLANS[sleeve.first_model_no - 1].level)[1] for sleeve in contract.sleeves)
            rows.append({
                "contract_no": contract.number, "valid_from_date": contract.opened, "most_risk_ppm": risk + 5_000,
                "source": "適合性診断（見本）", "recorded_at": recorded(contract.opened),
            })
    return rows
