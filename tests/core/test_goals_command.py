"""`tsutsumi goal` and `tsutsumi bench goals`: what they print, what they refuse in one line, and files of goals row by row."""

import json
import math

import polars as pl
import pytest

from tsutsumi.app.cli import run
from tsutsumi.app.cli.goal_batch import COLUMNS, answers
from tsutsumi.core.goals.inverse import need_monthly_yen, need_now_yen
from tsutsumi.core.goals.ladder import one_probability
from tsutsumi.core.goals.portfolio import Portfolio

GOAL = ["--mean", "0.05", "--risk", "0.15", "--now", "1000000", "--monthly", "30000", "--target", "10000000", "--months", "180"]
LUMP_SUM = ["--log", "--mean", "0.05", "--risk", "0.15", "--now", "5000000", "--target", "8000000", "--months", "120"]


def asked(capsys, *words: str) -> tuple[int, str, str]:
    """Run `tsutsumi goal` and return (exit code, stdout, stderr)."""
    code = run(["goal", *words])
    out, err = capsys.readouterr()
    return code, out, err


def changed(option: str, value: str) -> list[str]:
    """Return the words of the goal with another value of one option."""
    words = list(GOAL)
    words[words.index(option) + 1] = value
    return words


def test_the_json_of_a_goal(capsys):
    code, out, err = asked(capsys, *GOAL, "--want", "0.8", "--json")
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert list(answer) == ["probability", "need_monthly_yen", "need_now_yen", "fan", "ladder", "best_dynamic"]
    model = Portfolio.from_simple(0.05, 0.15)
    assert answer["probability"] == answer["best_dynamic"] == round(one_probability(model, 1e6, 3e4, 1e7, 180), 6)
    assert answer["need_monthly_yen"] == need_monthly_yen(model, 1e6, 1e7, 180, 0.8)[0]
    assert answer["need_now_yen"] == need_now_yen(model, 1e6, 3e4, 1e7, 180, 0.8)[0]
    assert [list(row) for row in answer["fan"]] == [["year", "p5", "p25", "p50", "p75", "p95"]] * len(answer["fan"])
    assert answer["fan"][-1]["year"] == 15 and answer["fan"][-1]["p5"] < answer["fan"][-1]["p95"]
    (rung,) = answer["ladder"]
    assert (rung["mean"], rung["risk"], rung["probability"]) == (0.05, 0.15, answer["probability"])
    assert rung["need_monthly_yen"] == answer["need_monthly_yen"]


def test_the_known_lump_sum_and_the_scenarios_beside_it(capsys):
    exact = json.loads(asked(capsys, *LUMP_SUM, "--json")[1])
    assert exact["probability"] == 0.430959 and "need_monthly_yen" not in exact
    paths = json.loads(asked(capsys, *LUMP_SUM, "--json", "--method", "scenarios")[1])
    assert paths["probability"] == pytest.approx(0.430959, abs=0.01)
    assert [row["p50"] for row in exact["fan"]][-1] < 8_000_000 < [row["p75"] for row in exact["fan"]][-1]


def test_what_is_drawn_is_told_what_can_be_drawn_not_what_to_save(capsys):
    words = ("--mean", "0.03", "--risk", "0.08", "--now", "20000000", "--monthly", "-80000", "--target", "0", "--months", "300")
    answer = json.loads(asked(capsys, *words, "--want", "0.8", "--json")[1])
    assert answer["most_drawing_yen"] == 75_850, "of the table in docs/rules/goals.md"
    page = asked(capsys, *words, "--want", "0.855")[1]
    assert "確率 85.5 % で取り崩せる月額" in page and "積立額" not in page
    assert "most_drawing_yen" not in json.loads(asked(capsys, *GOAL, "--want", "0.8", "--json")[1])


def test_options_that_would_be_ignored_and_an_answer_over_its_own_question_are_refused(capsys, tmp_path):
    saved, goals = tmp_path / "saved.toml", tmp_path / "goals.csv"
    saved.write_text("[[goal]]\n")
    goals.write_text("now_yen,monthly_yen,target_yen,months,mean,risk\n1,0,1,12,0.05,0.1\n")
    before = goals.read_bytes()
    batch = ("--goals", goals, "--to")
    asks = ((saved, "--want", "0.9"), (saved, "--now", "5"), (saved, "--at-end"), (*batch, tmp_path / "o.csv", "--want", "0.9"),
            (*batch, goals))
    for words in asks:
        code, _, err = asked(capsys, *map(str, words))
        assert code == 2 and err.count("\n") == 1
    assert goals.read_bytes() == before and sorted(path.name for path in tmp_path.iterdir()) == ["goals.csv", "saved.toml"]


def test_paying_at_the_end_of_the_month_is_worth_less(capsys):
    start, end = (json.loads(asked(capsys, *GOAL, *more, "--json")[1])["probability"] for more in ([], ["--at-end"]))
    assert end < start


def test_people_read_whole_percent_and_never_certainty(capsys):
    code, out, _ = asked(capsys, *GOAL, "--want", "0.8")
    assert code == 0 and "目標達成確率 probability  42 %" in out and "必要な積立額" in out
    assert "probability  99 %" in asked(capsys, *changed("--target", "1"))[1]
    assert "probability  100 %" in asked(capsys, *changed("--target", "0"))[1]
    assert "probability  1 %" in asked(capsys, *changed("--target", "9e13"))[1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (changed("--mean", "nan"), "mean nan"), (changed("--mean", "-1"), "mean -1"), (changed("--mean", "five"), "--mean"),
        (changed("--risk", "-0.1"), "risk -0.1"), (changed("--months", "0"), "months 0"), (changed("--months", "-5"), "months -5"),
        (changed("--months", "1.5"), "months 1.5"), (changed("--months", "nan"), "months nan"), (changed("--now", "-1"), "now -1"),
        (changed("--now", "nan"), "now nan"), (changed("--target", "inf"), "target inf"),
        (GOAL[:4] + GOAL[8:], "no money and no payment"),
        (GOAL[2:], "--mean missing"), ([], "--mean --risk --target --months missing"), ([*GOAL, "--want", "1"], "want"),
        ([*GOAL, "--want", "nan"], "want"), ([*GOAL, "--method", "dice"], "--method"), (["--goals", "x.csv"], "belong together"),
        ([*GOAL, "--goals", "x.csv", "--to", "y.csv"], "belong together"), (["G.toml", *GOAL], "not both"),
    ],
)
def test_bad_input_is_refused_in_one_line(capsys, words, reason):
    code, out, err = asked(capsys, *words)
    assert code == 2 and out == "" and reason in err
    assert err.startswith("tsutsumi goal: ") and err.count("\n") == 1


ROWS = [
    ("a", "5000000", "0", "8000000", "120", "0.05", "0.15", "", ""),
    ("b", "0", "0", "8000000", "120", "0.05", "0.15", None, "no money and no payment"),
    ("c", "abc", "0", "8000000", "120", "0.05", "0.15", None, "now_yen 'abc' is no number"),
    ("d", "5000000", "", "8000000", "120", "0.05", "0.15", None, "monthly_yen is missing"),
    ("e", "5000000", "0", "8000000", "0", "0.05", "0.15", None, "months 0"),
    ("f", "5000000", "0", "8000000", "12.5", "0.05", "0.15", None, "months 12.5"),
    ("g", "5000000", "0", "8000000", "12", "-1", "0.15", None, "mean -1"),
    ("h", "5000000", "0", "8000000", "12", "0.05", "-0.1", None, "risk -0.1"),
    ("i", "5000000", "0", "8000000", "12", "nan", "0.1", None, "mean 'nan'"),
    ("j", "-5", "10", "8000000", "12", "0.05", "0.1", None, "now -5"),
    ("k", "5000000", "0", "1e99", "12", "0.05", "0.1", None, "target"),
    ("l", " 1000000", "-5000 ", "0", "1200", "0.03", "0.1", "", ""),
    ("m", "1000000", "-5000", "0", "12", "0.03", "0", "", ""),
]


@pytest.fixture
def frame() -> pl.DataFrame:
    """Return rows of which some are no goal, as text, with a column that is not ours."""
    return pl.DataFrame([row[:7] for row in ROWS], schema=["name", *COLUMNS], orient="row")


def check_rows(done: pl.DataFrame) -> None:
    """Every row keeps its place and has either a probability or a reason."""
    assert done["name"].to_list() == [row[0] for row in ROWS]
    for row, probability, error in zip(ROWS, done["probability"], done["error"], strict=True):
        if row[7] is None:
            assert probability is None and row[8] in error, row
        else:
            model = Portfolio.from_simple(float(row[5]), float(row[6]))
            assert error is None
            assert probability == pytest.approx(one_probability(model, *map(float, row[1:5])), abs=2e-4)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_a_file_of_goals_keeps_its_rows(tmp_path, capsys, frame, ending, to):
    source, target = tmp_path / f"goals.{ending}", tmp_path / f"answer.{to}"
    frame.write_csv(source) if ending == "csv" else frame.write_parquet(source)
    code, out, err = asked(capsys, "--goals", str(source), "--to", str(target), "--json")
    assert code == 1 and json.loads(out) == {"goals": 13, "errors": 10} and err.count("\n") == 1
    check_rows(pl.read_csv(target, infer_schema_length=None) if to == "csv" else pl.read_parquet(target))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({source.name, target.name})
    good = frame.filter(pl.col("name").is_in(["a", "m"]))
    good.write_csv(source) if ending == "csv" else good.write_parquet(source)
    assert asked(capsys, "--goals", str(source), "--to", str(target))[0] == 0
    answered = pl.read_csv(target) if to == "csv" else pl.read_parquet(target)
    assert answered["error"].null_count() == 2 and answered["probability"].null_count() == 0


def test_numbers_in_parquet_are_read_as_they_are(frame):
    numbers = frame.select(pl.col(name).str.strip_chars().cast(pl.Float64, strict=False) for name in COLUMNS)
    numbers = numbers.with_columns(pl.col("months").fill_nan(None).cast(pl.Int64))
    done = answers(numbers, False, False)
    assert done["probability"].is_null().to_list() == [row[7] is None and row[0] != "f" for row in ROWS]
    assert "now_yen is missing" in done["error"][2] and "mean nan" in done["error"][8]
    late = answers(numbers.head(1), True, True)["probability"][0]
    assert late == pytest.approx(one_probability(Portfolio(0.05, 0.15), 5_000_000, 0, 8_000_000, 120), abs=2e-6)


def test_an_empty_file_and_an_order_of_many_parts(tmp_path, capsys, monkeypatch):
    source, target = tmp_path / "goals.csv", tmp_path / "answer.parquet"
    source.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    assert asked(capsys, "--goals", str(source), "--to", str(target))[0] == 0
    assert pl.read_parquet(target).columns == [*COLUMNS, "probability", "error"]
    monkeypatch.setattr("tsutsumi.app.cli.goal_batch.ROWS", 1_000)
    same = {"monthly_yen": 0, "target_yen": 15_000, "months": 12, "mean": 0.0, "risk": 0.1}
    rows = pl.DataFrame({"now_yen": range(1, 30_001), **same})
    rows.write_parquet(tmp_path / "many.parquet")
    assert asked(capsys, "--goals", str(tmp_path / "many.parquet"), "--to", str(target))[0] == 0
    done = pl.read_parquet(target)
    assert done.drop("probability", "error").equals(rows) and done["probability"].is_sorted()


@pytest.mark.parametrize(
    ("name", "text", "to", "reason"),
    [
        ("goals.csv", "now_yen,months\n1,2\n", "a.csv", "no column monthly_yen, target_yen, mean, risk"),
        ("goals.csv", "", "a.csv", "goals.csv"), ("goals.parquet", "no parquet", "a.csv", "goals.parquet"),
        ("goals.csv", ",".join(COLUMNS) + "\n1,000,000,0,1,12,0.05,0.1\n", "a.csv", "more fields"),
        ("goals.csv", ",".join(COLUMNS) + "\n1,0,1,12,0.05,0.1\n", "a.xlsx", ".csv or .parquet"),
        ("goals.csv", ",".join(COLUMNS) + "\n1,0,1,12,0.05,0.1\n", "no/folder/a.csv", "there is no folder"),
        ("goals.txt", "x", "a.csv", ".csv or .parquet"), ("goals.csv", None, "a.csv", "No such file"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_nothing(tmp_path, capsys, name, text, to, reason):
    source = tmp_path / name
    if text is not None:
        source.write_text(text, encoding="utf-8")
    code, out, err = asked(capsys, "--goals", str(source), "--to", str(tmp_path / to))
    assert code == 2 and out == "" and reason in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ([name] if text is not None else [])


def test_japanese_in_another_encoding_is_refused(tmp_path, capsys):
    source = tmp_path / "goals.csv"
    source.write_bytes(("名前," + ",".join(COLUMNS) + "\n山田,1,0,1,12,0.05,0.1\n").encode("cp932"))
    code, _, err = asked(capsys, "--goals", str(source), "--to", str(tmp_path / "a.csv"))
    assert code == 2 and "UTF-8" in err


def test_the_bench(capsys):
    """All figures are there and hang together; how fast it is, is not a test."""
    assert run(["bench", "goals", "--goals", "900", "--rounds", "1", "--sample", "9", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"goals_per_second", "baseline_goals_per_second", "ratio", "worst_error_pp", "table_build_seconds"} <= set(figures)
    assert len(figures["table_build_seconds"]) == 3 and figures["sample"] == 9
    assert figures["ratio"] == pytest.approx(figures["goals_per_second"] / figures["baseline_goals_per_second"])
    assert 0 < figures["worst_error_pp"] < 0.02 < figures["baseline_worst_error_pp"] < 5
    assert all(math.isfinite(value) for value in figures.values() if isinstance(value, float))
    assert run(["bench", "goals", "--goals", "300", "--rounds", "1", "--sample", "3"]) == 0
    assert "件/秒" in capsys.readouterr().out
    assert run(["bench", "goals", "--goals", "2"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
