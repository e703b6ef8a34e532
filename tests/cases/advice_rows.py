"""The case tables of docs/rules/advice-rows.md: the options of a goal in their order, and the plans after an accepted one."""

import re

import numpy as np

from tests.cases import cases
from tests.cases.fees import ppm, whole
from tsutsumi.core.goal_advice import plans_after
from tsutsumi.core.goals.book import probabilities
from tsutsumi.core.goals.options import COLUMNS, KINDS, NO_LIMIT, Offer, options, stored_ppms

PPM = 1_000_000
MODEL = re.compile(r"(\w) ([\d.]+%)/([\d.]+%)")
WORDS = {"多く積む": 0, "一度に": 1, "先へ": 2, "モデル": 3, "少なく積む": 4}


def odds(now, monthly, target, months_ppm, mean_ppm, risk_ppm):
    """Return the engine's probability of goals of whole months."""
    return stored_ppms(probabilities(now, monthly, target, np.asarray(months_ppm // PPM, np.int64), mean_ppm / PPM, risk_ppm / PPM))


@cases("goal-options")
def goal_options(row: dict[str, str]) -> None:
    """Compare the options, their order and the probability after each."""
    models = [(name, ppm(mean), ppm(risk)) for name, mean, risk in MODEL.findall(row["モデル"])]
    names, means, risks = zip(*models, strict=True)
    offer = Offer(np.arange(1, len(names) + 1), np.array(means), np.array(risks), np.ones((1, len(names)), bool))
    own = names.index(row["いま"])
    figures = {
        "now_yen": whole(row["現在"]), "instalment_yen": whole(row["積立"]), "drawing_yen": whole(row["取崩し"]),
        "target_yen": whole(row["目標"]), "months_ppm": whole(row["月数"]) * PPM, "want_ppm": ppm(row["希望"]), "model_no": own + 1,
        "mean_ppm": means[own], "risk_ppm": risks[own], "program_no": 0, "least_instalment_yen": 10_000,
        "least_deposit_yen": 10_000, "most_risk_ppm": ppm(row["上限"]) if row["上限"] else NO_LIMIT,
    }
    goal = {name: np.array([value]) for name, value in figures.items()}
    goal["monthly_yen"] = goal["instalment_yen"] - goal["drawing_yen"]
    course = ("now_yen", "monthly_yen", "target_yen", "months_ppm", "mean_ppm", "risk_ppm")
    goal["probability_ppm"] = odds(*(goal[name] for name in course))
    goal["above"] = np.array([row["いまの位置"] == "余裕"])
    found = options(goal, offer, odds, lambda rows, months: (goal["months_ppm"][rows] + months * PPM, goal["target_yen"][rows]))
    told = []
    for option in zip(*(found[name].tolist() for name in COLUMNS), strict=True):
        one = dict(zip(COLUMNS, option, strict=True))
        size = {0: f"{one['yen']:,}", 1: f"{one['yen']:,}", 2: str(one["months"]), 4: f"{one['yen']:,}"}
        what = next(word for word, code in WORDS.items() if code == one["kind_code"])
        told.append(f"{what} {size.get(one['kind_code']) or names[one['model_no'] - 1]}（{one['probability_ppm'] / 10_000:.4f}%）")
    assert f"{goal['probability_ppm'][0] / 10_000:.4f}%" == row["確率"]
    assert "、".join(told) == ("" if row["案"] == "なし" else row["案"])


@cases("advice-plans")
def advice_plans(row: dict[str, str]) -> None:
    """Compare the plans after an accepted option; an empty cell is a refusal."""
    before = whole(row["積立"]), whole(row["取崩し"])
    found = plans_after(KINDS[WORDS[row["案"]]], whole(row["円"]), *before)
    expected = (whole(row["新しい積立"]), whole(row["新しい取崩し"])) if row["新しい積立"] else None
    assert found == expected
