"""The options of a goal: each reaches what is wanted, one step less does not, and none is beyond what is suitable."""

import numpy as np
import pytest

from tsutsumi.core.goals.book import probabilities
from tsutsumi.core.goals.ladder import one_probability, stored_ppm
from tsutsumi.core.goals.options import (
    CHANGE_MODEL,
    COLUMNS,
    KINDS,
    LATER_DATE,
    NO_LIMIT,
    PAY_LESS,
    PAY_MORE,
    PAY_ONCE,
    STEP_YEN,
    Offer,
    first_step,
    options,
    stored_ppms,
)
from tsutsumi.core.goals.portfolio import Portfolio

PPM = 1_000_000
NEAR = 150  # ppm between the tables and the exact law
OFFER = Offer(
    np.array([1, 2, 3, 4, 5]), np.array([5_000, 20_000, 35_000, 50_000, 60_000]),
    np.array([10_000, 50_000, 90_000, 150_000, 220_000]), np.array([[True] * 5, [True, False, True, True, False]]),
)


def odds(now, monthly, target, months_ppm, mean_ppm, risk_ppm):
    """Return the engine's probability of goals of whole months."""
    months = np.asarray(months_ppm // PPM, np.int64)
    return stored_ppms(probabilities(now, monthly, target, months, mean_ppm / PPM, risk_ppm / PPM))


def goals_of(seed: int, count: int = 120, **changed) -> dict[str, np.ndarray]:
    """Return random goals, savers and a few who draw, some of them above."""
    dice = np.random.default_rng(seed)
    model = dice.integers(0, 5, count)
    instalment = dice.integers(0, 80, count) * 1_000 + dice.integers(0, 2, count) * 500
    drawing = np.where(dice.random(count) < 0.15, dice.integers(1, 60, count) * 1_000, 0)
    goals = {
        "now_yen": dice.integers(0, 6_000_000, count), "target_yen": dice.integers(1, 160, count) * 100_000,
        "months_ppm": dice.integers(1, 300, count) * PPM, "want_ppm": dice.integers(500, 951, count) * 1_000,
        "mean_ppm": OFFER.mean_ppm[model], "risk_ppm": OFFER.risk_ppm[model], "model_no": OFFER.model_no[model],
        "program_no": dice.integers(0, 2, count), "instalment_yen": instalment, "drawing_yen": drawing,
        "monthly_yen": instalment - drawing, "least_instalment_yen": np.full(count, 10_000),
        "least_deposit_yen": np.full(count, 10_000), "most_risk_ppm": dice.choice([60_000, 100_000, 160_000, NO_LIMIT], count),
    } | changed
    goals["probability_ppm"] = odds(*(goals[name] for name in ("now_yen", "monthly_yen", "target_yen", "months_ppm", "mean_ppm",
                                                               "risk_ppm")))
    goals["above"] = goals["probability_ppm"] >= goals["want_ppm"]
    return goals


def later_of(goals):
    """Return how months left and target move with the date, of a target in yen of then."""
    return lambda rows, months: (goals["months_ppm"][rows] + months * PPM, goals["target_yen"][rows])


def rows_of(found) -> list[dict]:
    """Return options as rows."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*(found[name].tolist() for name in COLUMNS), strict=True)]


def changed(goal: dict, option: dict, step: int = 0) -> dict:
    """Return a goal after an option, or after one that is `step` steps smaller (a negative one: larger)."""
    kind, yen, months = option["kind_code"], option["yen"] - step * STEP_YEN, option["months"] - step
    after = dict(goal)
    if kind == PAY_MORE:
        after["monthly_yen"] += yen
    elif kind == PAY_LESS:
        after["monthly_yen"] -= yen
    elif kind == PAY_ONCE:
        after["now_yen"] += yen
    elif kind == LATER_DATE:
        after["months_ppm"] += months * PPM
    else:
        place = int(np.flatnonzero(OFFER.model_no == option["model_no"])[0])
        after |= {"mean_ppm": int(OFFER.mean_ppm[place]), "risk_ppm": int(OFFER.risk_ppm[place])}
    return after


def exact_ppm(goal: dict) -> int:
    """Return the probability of one goal month by month, without any table."""
    if goal["now_yen"] == 0 and goal["monthly_yen"] == 0:
        return 0 if goal["target_yen"] > 0 else PPM
    portfolio = Portfolio.from_simple(goal["mean_ppm"] / PPM, goal["risk_ppm"] / PPM)
    months = goal["months_ppm"] // PPM
    return stored_ppm(one_probability(portfolio, goal["now_yen"], goal["monthly_yen"], goal["target_yen"], months))


def goal_at(goals, row: int) -> dict:
    """Return one goal as plain values."""
    return {name: column[row].item() for name, column in goals.items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_each_option_reaches_the_want_and_one_step_less_does_not(seed):
    goals = goals_of(seed)
    found = rows_of(options(goals, OFFER, odds, later_of(goals)))
    counts = dict.fromkeys(range(len(KINDS)), 0)
    for option in found:
        kind, goal = option["kind_code"], goal_at(goals, option["row"])
        after = exact_ppm(changed(goal, option))
        counts[kind] += 1
        assert abs(after - option["probability_ppm"]) <= NEAR
        if kind == CHANGE_MODEL:
            continue
        assert option["probability_ppm"] >= goal["want_ppm"], "the option reaches"
        least = least_of(goal, kind)
        if kind == LATER_DATE:
            assert option["months"] == 1 or exact_ppm(changed(goal, option, 1)) < goal["want_ppm"] + NEAR
        elif kind in (PAY_MORE, PAY_ONCE) and option["yen"] > least:
            assert exact_ppm(changed(goal, option, 1)) < goal["want_ppm"] + NEAR
        elif kind == PAY_LESS and option["yen"] + STEP_YEN <= goal["instalment_yen"] - goal["least_instalment_yen"]:
            assert exact_ppm(changed(goal, option, -1)) < goal["want_ppm"] + NEAR
    assert min(counts.values()) >= 8, counts


def least_of(goal: dict, kind: int) -> int:
    """Return the smallest payment that the program takes, rounded up to the step."""
    if kind == PAY_ONCE:
        return goal["least_deposit_yen"]
    return -(-(goal["drawing_yen"] + goal["least_instalment_yen"] - goal["instalment_yen"]) // STEP_YEN) * STEP_YEN


@pytest.mark.parametrize("seed", [3, 4])
def test_what_is_not_offered_is_out_of_reach_or_not_permitted(seed):
    goals = goals_of(seed)
    found = options(goals, OFFER, odds, later_of(goals))
    offered = {(row["row"], row["kind_code"]) for row in rows_of(found)}
    for row in range(goals["want_ppm"].size):
        goal = goal_at(goals, row)
        unsuitable = goal["risk_ppm"] > goal["most_risk_ppm"]
        for kind in (PAY_MORE, PAY_ONCE, LATER_DATE, PAY_LESS):
            if (row, kind) in offered:
                assert goal["above"] == (kind == PAY_LESS) and not unsuitable
            elif kind in (PAY_MORE, PAY_ONCE) and not goal["above"] and not unsuitable:
                most = {"kind_code": kind, "yen": 10**12 - 10**9, "months": 0}
                assert exact_ppm(changed(goal, most)) < goal["want_ppm"]
            elif kind == LATER_DATE and not goal["above"] and not unsuitable:
                for months in (1, 7, 50, 120):
                    assert exact_ppm(changed(goal, {"kind_code": kind, "yen": 0, "months": months})) < goal["want_ppm"] + NEAR


def test_the_model_is_the_calmest_that_suffices_else_the_best_that_helps_and_never_beyond_the_limit():
    goals = goals_of(5, 300)
    found = [row for row in rows_of(options(goals, OFFER, odds, later_of(goals))) if row["kind_code"] == CHANGE_MODEL]
    chosen = {row["row"]: row for row in found}
    kinds = set()
    for row in range(goals["want_ppm"].size):
        goal = goal_at(goals, row)
        unsuitable = goal["risk_ppm"] > goal["most_risk_ppm"]
        rungs = []
        for place in range(OFFER.model_no.size):
            risk, number = int(OFFER.risk_ppm[place]), int(OFFER.model_no[place])
            allowed = OFFER.offered[goal["program_no"], place] and risk <= goal["most_risk_ppm"] and number != goal["model_no"]
            if allowed and (risk < goal["risk_ppm"] or not goal["above"] or unsuitable):
                after = changed(goal, {"kind_code": CHANGE_MODEL, "yen": 0, "months": 0, "model_no": number})
                ppm = odds(*(np.array([after[name]]) for name in ("now_yen", "monthly_yen", "target_yen", "months_ppm", "mean_ppm",
                                                                  "risk_ppm")))
                rungs.append((risk, -int(ppm[0]), number))
        enough = sorted(rung for rung in rungs if -rung[1] >= goal["want_ppm"])
        best = min(rungs, key=lambda rung: (rung[1], rung[0]), default=None)
        if enough:
            expected, kind = enough[0], "suffices"
        elif best and (unsuitable or (not goal["above"] and -best[1] > goal["probability_ppm"])):
            expected, kind = best, "helps"
        else:
            expected, kind = None, "none"
        kinds.add((kind, unsuitable))
        told = chosen.get(row)
        assert (told and (told["model_no"], told["probability_ppm"])) == (expected and (expected[2], -expected[1]))
    assert len(kinds) >= 5


def test_more_risk_is_not_always_better_so_a_calmer_model_may_be_the_best():
    """A goal nearly reached: the calm model keeps what the wild one may lose."""
    goals = goals_of(1, 1, now_yen=np.array([5_000_000]), target_yen=np.array([5_010_000]), months_ppm=np.array([12 * PPM]),
                     want_ppm=np.array([950_000]), mean_ppm=np.array([60_000]), risk_ppm=np.array([220_000]),
                     model_no=np.array([5]), instalment_yen=np.array([0]), drawing_yen=np.array([0]), monthly_yen=np.array([0]),
                     most_risk_ppm=np.array([NO_LIMIT]), program_no=np.array([0]))
    (change,) = [row for row in rows_of(options(goals, OFFER, odds, later_of(goals))) if row["kind_code"] == CHANGE_MODEL]
    assert change["model_no"] < 5 and change["probability_ppm"] > goals["probability_ppm"][0]


def test_the_rank_is_what_reaches_then_what_costs_least_then_a_fixed_order():
    goals = goals_of(6, 200)
    found = rows_of(options(goals, OFFER, odds, later_of(goals)))
    for row in {option["row"] for option in found}:
        mine = [option for option in found if option["row"] == row]
        want, months = int(goals["want_ppm"][row]), int(goals["months_ppm"][row])
        assert [option["rank_no"] for option in mine] == list(range(1, len(mine) + 1))
        keys = [(option["probability_ppm"] < want, option["cost_yen"], option["kind_code"]) for option in mine]
        assert keys == sorted(keys)
        for option in mine:
            cost = {PAY_MORE: option["yen"], PAY_LESS: -option["yen"], PAY_ONCE: -(-option["yen"] * PPM // max(months, PPM))}
            assert option["cost_yen"] == cost.get(option["kind_code"], 0)


def test_the_options_of_a_goal_do_not_depend_on_who_stands_beside_it():
    goals = goals_of(7, 60)
    together = options(goals, OFFER, odds, later_of(goals))
    for row in range(0, 60, 7):
        alone = {name: column[row : row + 1] for name, column in goals.items()}
        mine = together["row"] == row
        apart = options(alone, OFFER, odds, later_of(alone))
        for name in COLUMNS[1:]:
            assert apart[name].tolist() == together[name][mine].tolist(), name


def test_drawings_are_cut_before_instalments_are_raised_and_the_programs_least_is_kept():
    base = {name: np.array([value]) for name, value in {
        "now_yen": 0, "target_yen": 120_000, "months_ppm": 12 * PPM, "want_ppm": 800_000, "mean_ppm": 0, "risk_ppm": 0,
        "model_no": 9, "program_no": 0, "least_instalment_yen": 10_000, "least_deposit_yen": 50_000, "most_risk_ppm": NO_LIMIT,
        "probability_ppm": 0, "above": False}.items()}

    def more(now: int, instalment: int, drawing: int) -> list[int]:
        goals = base | {name: np.array([value]) for name, value in (
            ("now_yen", now), ("instalment_yen", instalment), ("drawing_yen", drawing), ("monthly_yen", instalment - drawing))}
        return [row["yen"] for row in rows_of(options(goals, OFFER, odds, later_of(goals))) if row["kind_code"] == PAY_MORE]

    assert more(60_000, 0, 0) == [10_000]  # 5,000 would do; the program takes 10,000
    assert more(60_000, 4_500, 0) == [6_000]  # 1,000 would do; with 6,000 the plan is 10,500
    assert more(180_000, 0, 10_000) == [5_000]  # the drawing falls to 5,000; nothing is paid in
    assert more(60_000, 0, 10_000) == [20_000]  # the drawing ends, and an instalment of at least 10,000 begins
    assert more(60_000, 20_000, 16_000) == [1_000]


def test_an_instalment_may_end_or_keep_the_least_never_less():
    base = {name: np.array([value]) for name, value in {
        "target_yen": 1_200_000, "months_ppm": 12 * PPM, "want_ppm": 800_000, "mean_ppm": 0, "risk_ppm": 0, "model_no": 9,
        "program_no": 0, "drawing_yen": 0, "least_instalment_yen": 10_000, "least_deposit_yen": 1, "most_risk_ppm": NO_LIMIT,
        "probability_ppm": PPM, "above": True}.items()}

    def less(now: int, instalment: int) -> list[int]:
        goals = base | {name: np.array([value]) for name, value in (
            ("now_yen", now), ("instalment_yen", instalment), ("monthly_yen", instalment))}
        return [row["yen"] for row in rows_of(options(goals, OFFER, odds, later_of(goals)))]

    assert less(1_200_000, 12_500) == [12_500]  # nothing more is needed
    assert less(1_140_000, 20_000) == [10_000]  # 5,000 would do, 10,000 is the least
    assert less(1_140_000, 10_500) == []
    assert less(0, 130_000) == [30_000]


def test_steps_are_found_one_by_one_as_a_walk_finds_them():
    dice = np.random.default_rng(8)
    edges, most = dice.integers(-5, 3_000, 400), dice.integers(-2, 2_500, 400)
    walked = [next((step for step in range(1, top + 1) if step >= edge), -1) for edge, top in zip(edges, most, strict=True)]
    assert first_step(lambda rows, steps: steps >= edges[rows], most).tolist() == walked


def test_nothing_asked_is_nothing_offered():
    goals = {name: column[:0] for name, column in goals_of(1, 1).items()}
    found = options(goals, OFFER, odds, later_of(goals))
    assert list(found) == list(COLUMNS) and all(column.size == 0 for column in found.values())
