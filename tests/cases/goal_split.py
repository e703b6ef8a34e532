"""The case tables of docs/rules/goal-split.md: the state of an essential amount, the split of a budget by priority, transfers."""

import re
from dataclasses import replace

import numpy as np

from tests.cases import cases
from tests.cases.drawing_order import TODAY, order_of, parts
from tests.cases.fees import ppm, whole
from tests.core.build import books, day, rules, sleeve
from tests.core.test_goal_status import goal_rules
from tsutsumi.core.drawing_rules import DrawingRule
from tsutsumi.core.drawings import drawn_a_month
from tsutsumi.core.goal_status import AT_RISK, NO_FLOOR, SAFE, floor_states
from tsutsumi.core.goals.budget_split import Share, best_split, transfers
from tsutsumi.core.goals.within import odds
from tsutsumi.core.rules import TermDrawing

PPM = 1_000_000
STATES = {"なし": NO_FLOOR, "足りている": SAFE, "危うい": AT_RISK}
REASONS = {
    "必要額": "essential", "希望額": "wish", "近づける": "short", "戻した": "back", "足りている": "enough", "変わらない": "no_use",
    "残りなし": "nothing", "今日のまま": "kept",
}
DEFAULTS = {"現在": "0", "必要": "0", "希望": "0", "月数": "12", "積立": "0", "望み": "80%", "最低": "1", "日": "1", "残す": "0"}
PART = re.compile(r"(\w+?) ([\d,.]+%?)")


def goals_of(cell: str) -> list[dict[str, int]]:
    """Return goals written like `希望 1,200,000・月数 12・積立 30,000／…`, first priority first."""
    found = []
    for text in cell.split("／"):
        given = DEFAULTS | dict(PART.findall(text))
        assert set(given) == set(DEFAULTS), f"unknown words in {text}"
        found.append({name: ppm(said) if said.endswith("%") else whole(said) for name, said in given.items()})
    return found


@cases("goal-floor-states")
def goal_floor_states(row: dict[str, str]) -> None:
    """Compare tonight's state of an essential amount."""
    gates = {"right_low_ppm": np.array([ppm(row["順調の下限"])]), "hysteresis_ppm": np.array([ppm(row["戻す余裕"])])}
    told = ppm(row["確率"]) if row["確率"] else -1
    state = floor_states(np.array([STATES[row["前の締め"]]]), np.array([whole(row["必要額"])]), np.array([told]), gates)
    assert state.tolist() == [STATES[row["今夜"]]]


def asked(goals: list[dict[str, int]], mean: int, risk: int, savings: bool = False, drawn: tuple[int, ...] = ()):
    """Return the probability of a goal with a payment a month, or with savings; `drawn`: what each draws a month."""
    def ask(place: int, essential: bool, yen: np.ndarray) -> np.ndarray:
        goal = goals[place]
        target = goal["必要"] if essential else goal["希望"]
        now, monthly = (yen, goal["積立"]) if savings else (goal["現在"], yen - drawn[place] if drawn else yen)
        return np.maximum(odds(np.atleast_1d(now), monthly, target, goal["月数"] * PPM, mean, risk), 0)

    return ask


@cases("goal-split")
def goal_split(row: dict[str, str]) -> None:
    """Compare the yen a month of each goal, why, and the probabilities that follow."""
    goals, (mean, risk) = goals_of(row["目標（先の順）"]), map(ppm, row["前提"].split("/"))
    check(goals, asked(goals, mean, risk), row["配分"])


def check(goals: list[dict[str, int]], ask, expected: str) -> None:
    """Split what is paid and compare it with a cell."""
    shares = [
        Share(goal["積立"], goal["望み"], goal["必要"] > 0, goal["残す"], goal["最低"] * goal["日"], goal["日"]) for goal in goals
    ]
    split = best_split(shares, ask, 1_000)
    told = []
    for place, goal in enumerate(goals):
        yen = np.array([split.yen[place]])
        levels = [essential for essential in (True, False) if not essential or goal["必要"]]
        chances = "・".join(f"{ask(place, essential, yen)[0] / 10_000:.2f}%" for essential in levels)
        reason = next(word for word, code in REASONS.items() if code == split.reasons[place])
        told.append(f"{split.yen[place]:,} {reason}（{chances}）")
    left = f"、余り {split.left_yen:,}" if split.left_yen else ""
    assert "／".join(told) + left == expected
    assert sum(split.yen) + split.left_yen == sum(goal["積立"] for goal in goals)


@cases("goal-drawn")
def goal_drawn(row: dict[str, str]) -> None:
    """Compare what each sleeve draws a month as its goal counts it, and the split of the payments beside it."""
    has = {int(number): whole(yen) for number, yen in parts(row["残高"])}
    of = books(TODAY, *(sleeve(number, contract_no=1, value_yen=yen) for number, yen in has.items()))
    plans, terms = np.zeros(6, np.int64), []
    for number, word, figure in parts(row["取り崩し"]):
        if word == "計画":
            plans[int(number)] = whole(figure)
            continue
        assert word == "定率"
        on, rule = day(TODAY) + 20, DrawingRule("fixed-percentage", rate_ppm=whole(figure))
        terms.append(TermDrawing(on, int(number), on, day(TODAY) - 90, 0, rule))
    force = rules(TODAY, goals=replace(goal_rules(), drawing_yen=plans), drawing_terms=tuple(terms),
                  drawing_orders={1: order_of(row["順序"])})
    drawn = drawn_a_month(of, force, np.array(sorted(has))).tolist()
    found = [f"{number} {yen:,}" for number, yen in zip(sorted(has), drawn, strict=True) if yen]
    assert found == row["払う額"].split("、")
    goals = [goal | {"現在": has[number]} for number, goal in enumerate(goals_of(row["目標（先の順）"]), 1)]
    check(goals, asked(goals, 0, 0, drawn=tuple(drawn)), row["配分"])


@cases("goal-transfers")
def goal_transfers(row: dict[str, str]) -> None:
    """Compare what moves between the sleeves of an account."""
    goals, (mean, risk) = goals_of(row["目標（先の順）"]), map(ppm, row["前提"].split("/"))
    shares = [Share(goal["現在"], goal["望み"], goal["必要"] > 0, goal["残す"]) for goal in goals]
    split = best_split(shares, asked(goals, mean, risk, savings=True), 1_000)
    moves = transfers([goal["現在"] for goal in goals], split.yen)
    told = "、".join(f"{giver + 1} → {taker + 1} {yen:,}" for giver, taker, yen in moves)
    assert told == ("" if row["振替"] == "なし" else row["振替"])
    assert sum(split.yen) == sum(goal["現在"] for goal in goals)
