"""`tsutsumi advise` and the slow oracle agree, figure by figure; what it proposes is worth what it says."""

import copy
import random
import re
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracles.advice_oracle import (
    advice,
    aversion,
    cut,
    figures,
    precise_risk,
    precise_utility,
    random_household,
    rough_risk,
    to_toml,
    total_yen,
    utility,
    written,
)
from tests.oracles.asked import answer, asked, refused

CASES, FUZZ_CASES = 200, 10_000
FEE_SHARES = ["20", "20", "10", "50", "100", "33", "12.5"]
FIGURES = ["return_pct", "risk_pct", "worst_pct", "utility"]
PLAIN = re.compile(r"-?\d+(\.\d+)?")


def holding(kind: str, value_yen: int, cost: str = "0", name: str = "") -> dict:
    """One row of a household."""
    return {"name": name or kind, "class": kind, "value_yen": value_yen, "cost_pct": cost}


ARTICLE = {
    "name": "Retired employee",
    "preference": {"return_pct": "5", "risk_pct": "20", "share_pct": "50"},
    "before": [
        holding("single-stock", 10_000_000), holding("foreign-equity", 20_000_000, "0.6"),
        holding("domestic-equity", 10_000_000, "0.2"), holding("foreign-bond", 20_000_000, "1"),
        holding("deposit", 30_000_000), holding("government-bond-retail", 10_000_000),
    ],
    "after": [
        holding("domestic-equity", 20_000_000, "0.2"), holding("foreign-equity", 20_000_000, "0.2"),
        holding("government-bond-retail", 30_000_000), holding("deposit", 30_000_000),
    ],
}  # fmt: skip


def file_of(household: dict, folder) -> str:
    """The path of a household written as a file."""
    path = folder / "household.toml"
    path.write_text(to_toml(household), encoding="utf-8")
    return str(path)


def same(expected: Fraction, found: object) -> bool:
    """Whether a figure is the decimal string of a fraction; a zero at the end of a rounded one is its writer's choice."""
    if not (isinstance(found, str) and PLAIN.fullmatch(found)):
        return False
    finite = Fraction(written(expected)) == expected
    return found == written(expected) if finite else Fraction(found) == Fraction(written(expected))


def difference(household: dict, fee_share: str | None, folder) -> str | None:
    """What is told otherwise than by the oracle, with the household in full."""
    argv = ["advise", file_of(household, folder), "--json"] + (["--fee-share", fee_share] if fee_share else [])
    found, expected = answer(*argv), advice(household, fee_share or "20")
    wrong = [name for name in ("total_yen", "gain_yen", "fee_yen") if found[name] != expected[name] or type(found[name]) is not int]
    wrong += [name for name in ("lambda", "gain_pct") if not same(expected[name], found[name])]
    for side in ("before", "after"):
        wrong += [f"{side}.{name}" for name in FIGURES if not same(expected[side][name], found[side][name])]
    if not wrong:
        return None
    told = {name: found[name] if "." not in name else found[name.split(".")[0]][name.split(".")[1]] for name in wrong}
    return f"{to_toml(household)}\nfee share {fee_share}\ntold {told}\noracle {expected}"


# -------------------------------------------------------------------------------------------------------------- the oracle
def test_the_oracle_knows_the_article():
    found = advice(ARTICLE)
    assert [found["before"][name] for name in FIGURES] == [Fraction(text) for text in ("1.66", "11.5", "-21.34", "0.006875")]
    assert [found["after"][name] for name in FIGURES] == [Fraction(text) for text in ("1.92", "8", "-14.08", "1.12")]
    assert (found["lambda"], found["gain_pct"]) == (Fraction("0.0125"), Fraction("1.113125"))
    assert (found["total_yen"], found["gain_yen"], found["fee_yen"]) == (100_000_000, 1_113_125, 222_625)


def test_the_oracle_knows_the_precise_figures_of_the_article():
    assert round(precise_risk(ARTICLE["before"]), 2) == 8.71 and round(precise_risk(ARTICLE["after"]), 2) == 7.25
    assert round(precise_utility(ARTICLE["before"], ARTICLE["preference"]), 3) == 0.712
    assert round(precise_utility(ARTICLE["after"], ARTICLE["preference"]), 3) == 1.263


def test_the_preferred_share_is_the_one_that_the_utility_prefers():
    preference = {"return_pct": "5", "risk_pct": "20", "share_pct": "35"}
    sides = [[holding("domestic-equity", share), holding("deposit", 100 - share)] for share in range(101)]
    assert max(range(101), key=lambda share: utility(sides[share], preference)) == 35


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"), (Fraction(8), "8"), (Fraction(100), "100"), (Fraction(-1067, 50), "-21.34"),
        (Fraction(1, 1024), "0.0009765625"), (Fraction(1, 3), "0.333333333333"),
        (Fraction(-2, 3), "-0.666666666667"), (Fraction(1, 10**14), "0.00000000000001"),
        (Fraction(1, 3 * 10**13), "0"), (Fraction(12, 5), "2.4"),
    ],
)  # fmt: skip
def test_decimal_strings(value, text):
    assert written(value) == text


# ----------------------------------------------------------------------------------------------------------------- agreed
def test_the_article_comes_out_to_the_last_figure(tmp_path):
    assert not (found := difference(ARTICLE, None, tmp_path)), found
    assert not (found := difference(ARTICLE, "20", tmp_path)), found


@pytest.mark.parametrize("block", range(4))
def test_random_households_agree(block, tmp_path):
    for seed in range(block, CASES, 4):
        rng = random.Random(seed)
        assert not (found := difference(random_household(rng), rng.choice(FEE_SHARES), tmp_path)), f"seed {seed}\n{found}"


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(20))
def test_many_random_households_agree(block, tmp_path):
    for seed in range(10**6 + block, 10**6 + FUZZ_CASES, 20):
        rng = random.Random(seed)
        assert not (found := difference(random_household(rng), rng.choice(FEE_SHARES), tmp_path)), f"seed {seed}\n{found}"


def test_bad_advice_is_worth_less_than_nothing_and_costs_nothing(tmp_path):
    worse = ARTICLE | {"before": ARTICLE["after"], "after": ARTICLE["before"]}
    assert not (found := difference(worse, "20", tmp_path)), found
    found = answer("advise", file_of(worse, tmp_path), "--json")
    assert (found["gain_yen"], found["fee_yen"], found["gain_pct"]) == (-1_113_125, 0, "-1.113125")


def test_a_negative_gain_is_cut_towards_zero(tmp_path):
    worse = ARTICLE | {"before": [holding("deposit", 999)], "after": [holding("deposit", 999, "0.15")]}
    found = answer("advise", file_of(worse, tmp_path), "--json")
    assert (found["gain_pct"], found["gain_yen"], found["fee_yen"]) == ("-0.15", -1, 0)


def test_the_precise_figures_stand_beside(tmp_path):
    rng = random.Random(40)
    for household in [ARTICLE, *(random_household(rng) for _ in range(40))]:
        found = answer("advise", file_of(household, tmp_path), "--json")
        for side in ("before", "after"):
            risk, value = precise_risk(household[side]), precise_utility(household[side], household["preference"])
            assert float(found[side]["precise_risk_pct"]) == pytest.approx(risk, rel=1e-4, abs=1e-4), to_toml(household)
            assert float(found[side]["precise_utility"]) == pytest.approx(value, rel=1e-4, abs=1e-4), to_toml(household)
            assert float(found[side]["precise_risk_pct"]) <= float(rough_risk(household[side])) + 1e-4


def test_the_page_says_what_the_advice_is_worth(tmp_path):
    status, out, _err = asked("advise", file_of(ARTICLE, tmp_path))
    assert status == 0 and "1,113,125" in out and "222,625" in out


# -------------------------------------------------------------------------------------------------------------- proposals
def proposed(household: dict, folder) -> dict:
    """What the command proposes for a household without `after`, its figures checked against each other."""
    asks = copy.deepcopy(household)
    asks.pop("after", None)
    found = answer("advise", file_of(asks, folder), "--json")
    before, case = household["before"], to_toml(asks)
    assert found["total_yen"] == total_yen(before), case
    assert all(same(figure, found["before"][name]) for name, figure in figures(before, household["preference"]).items()), case
    steps = found["steps"]
    assert all(type(step["gain_yen"]) is int and step["gain_yen"] >= 0 and len(step["reason"]) > 10 for step in steps), case
    assert sum(step["gain_yen"] for step in steps) == found["gain_yen"], case
    after = {name: Fraction(found["after"][name]) for name in FIGURES}
    value = after["return_pct"] - aversion(household["preference"]) * after["risk_pct"] ** 2
    gain = Fraction(found["gain_pct"])
    assert abs(after["worst_pct"] - after["return_pct"] + 2 * after["risk_pct"]) < 1e-11, case
    assert float(after["utility"]) == pytest.approx(float(value), rel=1e-8, abs=1e-8), case
    assert abs(gain - after["utility"] + utility(before, household["preference"])) < 3e-12, case
    slack = Fraction(total_yen(before), 10**14) + 1
    assert gain >= 0 and abs(found["gain_yen"] - cut(gain / 100 * total_yen(before))) <= slack, case
    assert abs(found["fee_yen"] - cut(gain / 500 * total_yen(before))) <= slack, case
    assert bool(steps) == (gain > 0), case
    return found


def test_proposals_never_lower_the_utility_and_their_steps_add_up(tmp_path):
    for seed in range(2_000, 2_200):
        proposed(random_household(random.Random(seed)), tmp_path)


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(10))
def test_many_proposals_never_lower_the_utility(block, tmp_path):
    for seed in range(3_000 + block, 6_000, 10):
        proposed(random_household(random.Random(seed)), tmp_path)


def test_what_cannot_be_better_is_left_alone(tmp_path):
    for before in (
        [holding("deposit", 70), holding("domestic-equity", 30)],
        [holding("government-bond-retail", 10**8)],
        [holding("deposit", 50), holding("foreign-equity", 50)],
    ):
        found = proposed(ARTICLE | {"before": before}, tmp_path)
        assert (found["steps"], found["gain_yen"], found["gain_pct"]) == ([], 0, "0")


@pytest.mark.parametrize(
    "bad",
    [
        holding("single-stock", 40_000_000), holding("domestic-equity", 40_000_000, "1.8"),
        holding("foreign-bond", 40_000_000, "1.5"), holding("foreign-equity", 140_000_000, "0.1"),
    ],
    ids=lambda one: f"{one['class']} {one['cost_pct']}",
)  # fmt: skip
def test_what_can_be_better_is_proposed(bad, tmp_path):
    found = proposed(ARTICLE | {"before": [bad, holding("deposit", 60_000_000)]}, tmp_path)
    assert found["gain_yen"] > 0
    if bad["class"] == "foreign-equity":
        assert Decimal(found["after"]["risk_pct"]) <= 10


# -------------------------------------------------------------------------------------------------------------- bad input
def changed(**parts: object) -> dict:
    """The article's household with a part replaced, and its first holding too."""
    household = copy.deepcopy(ARTICLE)
    household["before"][0] |= parts.pop("first", {})
    household["preference"] |= parts.pop("wish", {})
    return household | parts


@pytest.mark.parametrize(
    "household",
    [
        changed(before=[]), changed(before=[], after=[]), changed(before=[holding("deposit", 0)], after=[]),
        changed(first={"value_yen": -1}), changed(first={"value_yen": "ten"}), changed(first={"class": "tulips"}),
        changed(first={"class": ""}), changed(first={"value_yen": 10_000_001}), changed(first={"cost_pct": "much"}),
        changed(first={"cost_pct": "nan"}), changed(wish={"share_pct": "0"}), changed(wish={"share_pct": "100.01"}),
        changed(wish={"share_pct": "-50"}), changed(wish={"share_pct": "half"}), changed(wish={"share_pct": "nan"}),
        changed(wish={"risk_pct": "0"}), changed(preference={}),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2(household, tmp_path):
    assert refused("advise", file_of(household, tmp_path))
    assert refused("advise", file_of(household, tmp_path), "--json")


def test_a_file_that_is_none_is_one_line_and_exit_2(tmp_path):
    assert asked("advise", "--help")[0] == 0
    assert refused("advise", str(tmp_path / "none.toml"))
    (tmp_path / "broken.toml").write_text("[preference\n")
    assert refused("advise", str(tmp_path / "broken.toml"))
    for left_out in ("class", "value_yen"):
        household = copy.deepcopy(ARTICLE)
        del household["before"][2][left_out]
        assert refused("advise", file_of(household, tmp_path))
