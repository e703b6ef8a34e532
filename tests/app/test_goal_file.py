"""`tsutsumi goal GOALS.toml`: the examples, the JSON, the page, and every kind of bad input."""

import json
from pathlib import Path

import pytest

import tsutsumi
from tsutsumi.app.cli.goal_file import goal_file, utility_rows
from tsutsumi.app.cli.goal_page import goal_page
from tsutsumi.core.goals.scenarios import fan
from tsutsumi.core.goals.schedule import schedule_probability

EXAMPLES = sorted((Path(tsutsumi.__file__).parent / "examples" / "goals").glob("*.toml"))
GOOD = """
today = 2026-10-01
[[portfolio]]
name = "A"
mu = 0.05
vol = 0.15
[[goal]]
name = "house"
portfolio = "A"
now_yen = 5_000_000
target_yen = 8_000_000
date = 2036-10-01
"""


def asked(tmp_path, capsys, text: str) -> tuple[int, dict | None, str]:
    """Return exit code, JSON and standard error of a file with a text."""
    path = tmp_path / "goals.toml"
    path.write_text(text, encoding="utf-8")
    code = goal_file(path, json=True)
    told = capsys.readouterr()
    return code, json.loads(told.out) if told.out else None, told.err


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_done(path, capsys):
    assert goal_file(path, json=True) == 0
    told = capsys.readouterr()
    content = json.loads(told.out)
    assert told.err == "" and content["errors"] == []
    for goal in content["goals"]:
        assert 0 < goal["probability"] < 1, goal["name"]
        if goal["essential_probability"] is not None:
            assert goal["probability"] <= goal["essential_probability"] < 1
    page = "\n".join(goal_page(content))
    assert all(goal["name"] in page for goal in content["goals"]) and "None" not in page and "nan" not in page
    assert max(len(line) for line in page.splitlines()) < 120


def test_the_published_case_comes_out_of_a_file(capsys):
    path = next(path for path in EXAMPLES if path.stem == "published-case")
    goal_file(path, json=True)
    double, five, ten = json.loads(capsys.readouterr().out)["goals"]
    assert abs(double["best_dynamic"] - 0.6702) < 0.002 and double["best_dynamic_portfolio"] == "P13"
    assert abs(double["probability"] - 0.5011) < 1e-3
    assert abs(five["probability"] - 0.894) < 0.005 and abs(ten["probability"] - 0.281) < 0.005


def test_the_json_of_a_goal(tmp_path, capsys):
    code, content, err = asked(tmp_path, capsys, GOOD)
    (goal,) = content["goals"]
    assert (code, err) == (0, "") and content["today"] == "2026-10-01" and content["want"] == 0.8
    assert goal["probability"] == 0.430959
    assert goal["fan"] == fan(0.05, 0.15, 5_000_000, [0] * 120)
    need = goal["need_monthly_yen"]
    assert schedule_probability(0.05, 0.15, 5_000_000, [need] * 120, 8_000_000) >= 0.8
    assert schedule_probability(0.05, 0.15, 5_000_000, [need - 1] * 120, 8_000_000) < 0.8
    assert schedule_probability(0.05, 0.15, 5_000_000 + goal["need_now_yen"], [0] * 120, 8_000_000) >= 0.8
    assert goal["ladder"] == [{"name": "A", "probability": 0.430959, "need_monthly_yen": need}]
    assert abs(goal["best_dynamic"] - 0.430959) < 2e-6


def test_saving_and_drawing_of_a_file_are_the_payments_that_they_say(tmp_path, capsys):
    text = GOOD.replace("2026-10-01", "2026-10-16").replace("date = 2036-10-01", "") + """
[[goal.saving]]
end = 2028-03-31
monthly_yen = 30_000
growth = 0.10
[[goal.bonus]]
months = [12]
amount_yen = 70_000
[[goal.once]]
date = 2027-01-20
amount_yen = -1_000
[[goal.drawing]]
start = 2028-04-01
end = 2028-12-31
monthly_yen = 100_000
"""
    _, content, _ = asked(tmp_path, capsys, text.replace("8_000_000", "4_000_000"))
    paid = [0, 30_000, 100_000, 29_000, *[30_000] * 8, 33_000, 33_000, 103_000, *[33_000] * 3, *[-100_000] * 8, -30_000]
    assert content["goals"][0]["months"] == len(paid) == 27
    right = schedule_probability(0.05, 0.15, 5_000_000, paid, 4_000_000, first=16 / 31)
    assert content["goals"][0]["probability"] == pytest.approx(right, abs=5e-7)


def test_a_target_in_todays_yen_grows_with_inflation(tmp_path, capsys):
    text = "inflation = 0.02\n" + GOOD + 'target_in = "today"\nessential_yen = 5_000_000\n'
    _, content, _ = asked(tmp_path, capsys, text)
    assert content["goals"][0]["target_yen"] == 9_751_955  # 8,000,000 x 1.02^10
    assert content["goals"][0]["essential_probability"] > content["goals"][0]["probability"]


PORTFOLIO_B = '[[portfolio]]\nname = "B"\n'
BAD = {
    "unknown key": (GOOD + "colour = 1", "colour is unknown"),
    "missing date": (GOOD.replace("date = 2036-10-01", ""), "date is missing"),
    "missing amount": (GOOD.replace("target_yen = 8_000_000", ""), "target_yen is missing"),
    "missing portfolio": (GOOD.replace('portfolio = "A"', ""), "portfolio is missing"),
    "unknown portfolio": (GOOD.replace('portfolio = "A"', 'portfolio = "Z"'), "no portfolio bears this name"),
    "past date": (GOOD.replace("date = 2036-10-01", "date = 2026-10-01"), "not within"),
    "far date": (GOOD.replace("date = 2036-10-01", "date = 2236-10-01"), "not within"),
    "date is a text": (GOOD.replace("date = 2036-10-01", 'date = "2036-10-01"'), "date"),
    "negative money": (GOOD.replace("now_yen = 5_000_000", "now_yen = -1"), "write 0 to"),
    "no whole yen": (GOOD.replace("now_yen = 5_000_000", "now_yen = 5e6"), "whole yen"),
    "yen that is nan": (GOOD.replace("now_yen = 5_000_000", "now_yen = nan"), "whole yen"),
    "nothing there and nothing paid": (GOOD.replace("now_yen = 5_000_000", ""), "no money and no payment"),
    "want of 1": (GOOD + "want = 1.0", "below 1"),
    "want that is nan": (GOOD + "want = nan", "finite"),
    "essential above wish": (GOOD + "essential_yen = 9_000_000", "not below"),
    "priority 11": (GOOD + "priority = 11", "from 1 to 10"),
    "permitted nobody": (GOOD + "permitted = []", "list of names"),
    "permitted twice": (GOOD + 'permitted = ["A", "A"]', "twice"),
    "saving that has ended": (GOOD + "[[goal.saving]]\nmonthly_yen = 1\nend = 2026-09-30", "it ended"),
    "saving that ends before it starts": (
        GOOD + "[[goal.saving]]\nmonthly_yen = 1\nstart = 2027-02-01\nend = 2027-01-01", "before it starts"
    ),
    "saving after the goal": (GOOD + "[[goal.saving]]\nmonthly_yen = 1\nstart = 2037-01-01", "on or after"),
    "saving without an amount": (GOOD + "[[goal.saving]]\nend = 2027-01-01", "monthly_yen is missing"),
    "growth in too many digits": (GOOD + "[[goal.saving]]\nmonthly_yen = 1\ngrowth = 0.01234567", "six decimals"),
    "growth that is nan": (GOOD + "[[goal.saving]]\nmonthly_yen = 1\ngrowth = nan", "finite"),
    "bonus in month 13": (GOOD + "[[goal.bonus]]\namount_yen = 1\nmonths = [13]", "months of the year"),
    "one-off in the past": (GOOD + "[[goal.once]]\namount_yen = 1\ndate = 2026-09-30", "not between"),
    "one-off after the goal": (GOOD + "[[goal.once]]\namount_yen = 1\ndate = 2036-10-01", "not between"),
    "drawing without an end": (
        GOOD.replace("date = 2036-10-01", "") + "[[goal.drawing]]\nmonthly_yen = 1", "end is missing"
    ),
    "drawing after the goal": (GOOD + "[[goal.drawing]]\nmonthly_yen = 1\nstart = 2036-10-01", "drawing starts"),
    "rule of no kind": (GOOD + '[goal.rule]\nkind = "bucket"', "use one of"),
    "rule without a rate": (GOOD + '[goal.rule]\nkind = "annuity"', "rate is missing"),
    "rule and drawing": (GOOD + '[goal.rule]\nkind = "fixed-term"\n[[goal.drawing]]\nmonthly_yen = 1', "keep one"),
    "rule at the end of months": ('timing = "end"\n' + GOOD + '[goal.rule]\nkind = "fixed-term"', "start of months"),
    "rule with a wrong rate": (GOOD + '[goal.rule]\nkind = "fixed-percentage"\nrate = -0.1', "outside"),
    "budget of nobody": (GOOD.replace('portfolio = "A"', 'budget = "c"'), "no budget bears this name"),
    "portfolio without assumptions": (GOOD.replace("mu = 0.05\nvol = 0.15", ""), "mean is missing"),
    "portfolio with one of two": (GOOD.replace("vol = 0.15", ""), "vol is missing"),
    "negative risk": (GOOD.replace("vol = 0.15", "vol = -0.1"), "negative"),
    "risk that is nan": (GOOD.replace("vol = 0.15", "vol = nan"), "finite"),
    "mean of -100 %": (GOOD.replace("mu = 0.05\nvol = 0.15", "mean = -1.0\nrisk = 0.1"), "100 %"),
    "both ways of assumptions": (GOOD.replace("vol = 0.15", "vol = 0.15\nmean = 0.05"), "mean is unknown"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_goal_is_a_row_with_its_error_and_the_others_are_done(name, tmp_path, capsys):
    text, why = BAD[name]
    good = '\n[[portfolio]]\nname = "ok"\nmu = 0.03\nvol = 0.1\n[[goal]]\nname = "other"\nportfolio = "ok"\npermitted = ["ok"]\n'
    code, content, err = asked(tmp_path, capsys, text + good + "now_yen = 1_000\ntarget_yen = 1_000\ndate = 2030-01-01\n")
    bad, other = content["goals"][0], content["goals"][-1]
    assert code == 1 and why in bad["error"] and set(bad) == {"name", "error"}
    assert 0 < other["probability"] < 1
    assert "\n" not in bad["error"] and f"tsutsumi goal: {bad['error']}\n" in err
    assert err.count("\n") == len({*content["errors"], *(row["error"] for row in content["goals"] if "error" in row)})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no goal"), ("today = 2026-10-01", "no goal"), ("today = ", "no TOML"),
        (GOOD.replace("today = 2026-10-01", ""), "today"),
        (GOOD.replace("today = 2026-10-01", 'today = "1 Oct"'), "today"), ("colour = 1\n" + GOOD, "colour"), ("goal = 1", "goal"),
        ("want = 0\n" + GOOD, "want"), ("inflation = nan\n" + GOOD, "inflation"), ('timing = "noon"\n' + GOOD, "timing"),
        (GOOD[: GOOD.index("[[portfolio]]")] + GOOD[GOOD.index("[[goal]]") :], "no portfolio"),
    ],
)  # fmt: skip
def test_what_concerns_every_goal_is_one_line_and_exit_2(text, why, tmp_path, capsys):
    code, content, err = asked(tmp_path, capsys, text)
    assert code == 2 and set(content) == {"error"} and why in err and err.count("\n") == 1


def test_a_file_that_cannot_be_read_is_one_line_and_exit_2(tmp_path, capsys):
    (tmp_path / "latin.toml").write_bytes(b"name = \"\xe9\"")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "latin.toml"):
        assert goal_file(path) == 2
        told = capsys.readouterr()
        assert told.out == "" and told.err.startswith("tsutsumi goal: ") and told.err.count("\n") == 1


SHARED = GOOD[: GOOD.index("[[goal]]")] + """
[[budget]]
name = "home"
now_yen = 1_000_000
[[budget.saving]]
monthly_yen = 20_000
[[goal]]
name = "a"
budget = "home"
date = 2030-10-01
target_yen = 1_500_000
"""


def test_goals_share_a_budget_by_priority_or_by_utility(tmp_path, capsys):
    second = '[[goal]]\nname = "b"\nbudget = "home"\ndate = 2030-10-01\ntarget_yen = 1_500_000\n'
    _, content, _ = asked(tmp_path, capsys, SHARED + "priority = 2\n" + second + "priority = 1\n")
    low, high = content["goals"]
    assert high["probability"] > low["probability"] and content["budgets"][0]["portfolio"] == "A"
    _, content, _ = asked(tmp_path, capsys, SHARED + "utility = 3\n" + second + "utility = 2.5\n")
    assert content["goals"][0]["probability"] > content["goals"][1]["probability"]


def test_bad_members_of_a_budget_are_rows_and_the_others_share_it(tmp_path, capsys):
    for text, why in (
        (SHARED + 'essential_yen = 1\nutility = 2\n', "essential_utility"), (SHARED + "utility = -1\n", "utility"),
        (SHARED + "now_yen = 1\n", "now_yen is unknown"), (SHARED.replace("now_yen = 1_000_000", "now_yen = 1.5"), "whole yen"),
        (SHARED.replace('name = "home"\n', 'name = "home"\npermitted = ["Z"]\n'), "no portfolio bears this name"),
    ):  # fmt: skip
        code, content, _ = asked(tmp_path, capsys, text)
        assert code == 1 and why in content["goals"][0]["error"], why
    many = SHARED + "".join(
        f'[[goal]]\nname = "g{n}"\nbudget = "home"\ndate = 2028-10-01\ntarget_yen = 100_000\n' for n in range(10)
    )
    code, content, _ = asked(tmp_path, capsys, many)
    assert code == 1 and "10 goals already" in content["goals"][10]["error"] and "probability" in content["goals"][9]


def test_two_goals_or_portfolios_of_one_name_are_told(tmp_path, capsys):
    goal = GOOD[GOOD.index("[[goal]]") :]
    code, content, _ = asked(tmp_path, capsys, GOOD + goal)
    assert code == 1 and "probability" in content["goals"][0] and "bear this name" in content["goals"][1]["error"]
    code, content, _ = asked(tmp_path, capsys, GOOD.replace("[[goal]]", '[[portfolio]]\nname = "A"\nmu = 0.1\nvol = 0.1\n[[goal]]'))
    assert code == 1 and "bear this name" in content["goals"][0]["error"]


def test_the_page_shows_a_bad_goal_and_rounds_to_whole_percent(tmp_path, capsys):
    path = tmp_path / "goals.toml"
    path.write_text('name = "Yamada"\n' + GOOD + '[[goal]]\nname = "broken"\n', encoding="utf-8")
    assert goal_file(path) == 1
    told = capsys.readouterr()
    assert "Yamada" in told.out and "43 %" in told.out and "0.43" not in told.out
    assert "計算できません" in told.out and "broken" in told.err


def test_the_utilities_that_ship_halve_from_priority_to_priority():
    rows = utility_rows()
    assert [int(row["priority"]) for row in rows] == list(range(1, 11))
    for first, second in zip(rows, rows[1:], strict=False):
        assert int(first["wish_utility"]) == 2 * int(second["wish_utility"])
        assert 0 < int(first["essential_utility"]) < int(first["wish_utility"])
