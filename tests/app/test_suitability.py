"""`tsutsumi suitability`, without a house and in one: what it prints, what it keeps, and the one line of a refusal."""

import json
import shutil
from datetime import date as Date

import pytest

from tests.app.suitable_house import CAREFUL, CLOSED, FOLDER, HIGHER, NAV, QUESTIONS, answers, fill, write
from tests.store.files import load
from tsutsumi.app.cli import run
from tsutsumi.app.cli.screen import WIDTH, width
from tsutsumi.app.cli.suitability_page import MOST_SHOWN, recheck_lines, retakes_lines
from tsutsumi.core.suitability import ModelRisk, judge
from tsutsumi.run.close_day import close_through
from tsutsumi.run.suitability_book import Raise, Retakes, history
from tsutsumi.run.suitability_models import Checked, Holding, Recheck
from tsutsumi.store.database import create_house, open_house, reading
from tsutsumi.store.day_tables import load_day
from tsutsumi.store.tables import assessments, contract_limits

SAMPLE = [str(FOLDER / "risk-tolerance.toml"), str(FOLDER / "answers.toml")]


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A house closed to 4 August 2026."""
    folder = tmp_path_factory.mktemp("suitability") / "house"
    fill(create_house(folder)).engine.dispose()
    return folder


@pytest.fixture
def folder(closed, tmp_path):
    """A copy of the closed house, beside it a questionnaire and answers."""
    shutil.copytree(closed, tmp_path / "house")
    write(tmp_path, "questions.toml", QUESTIONS)
    for name, day, changed in (("a", "2026-09-01", {}), ("b", "2026-09-05", CAREFUL), ("c", "2026-09-09", HIGHER)):
        write(tmp_path, f"{name}.toml", answers(day, changed))
    return tmp_path


def told(capsys, *words: str) -> tuple[int, str, str]:
    """Run `tsutsumi suitability` and return (exit code, stdout, stderr)."""
    capsys.readouterr()
    code = run(["suitability", *words])
    out, err = capsys.readouterr()
    return code, out, err


def content(capsys, folder, *words: str, code: int = 0) -> dict:
    """Return what it prints with --json."""
    found, out, err = told(capsys, str(folder / "house"), *words, "--json")
    assert (found, err) == (code, "")
    return json.loads(out)


def assess(capsys, folder, name: str, by: str = "yamada", contract: str = "k1") -> dict:
    """Record the answers of a file."""
    files = ("--answers", str(folder / f"{name}.toml"), "--questionnaire", str(folder / "questions.toml"))
    return content(capsys, folder, "--contract", contract, *files, "--by", by)


def stored(folder) -> list:
    """Return the recorded assessments and limits."""
    house = open_house(folder / "house")
    with reading(house) as connection:
        found = [tuple(row) for table in (assessments, contract_limits) for row in connection.execute(table.select())]
    house.engine.dispose()
    return found


# ---- without a house


def test_a_result_without_a_house_tells_every_reason(capsys):
    code, out, err = told(capsys, *SAMPLE, "--models", str(FOLDER / "models.csv"))
    assert (code, err) == (0, "")
    assert "\n    52: 3 点 3 points\n" in out and "    投資信託 funds: 2 点 2 points\n" in out
    assert "余力 capacity: 15 点 points → 成長 growth" in out and "結果 result: バランス balanced" in out
    assert "○ mix: リスク 11.5 % は上限 12 % 以内" in out and "× growth: リスク 16.5 % は上限 12 % を超える" in out
    found = json.loads(told(capsys, *SAMPLE, "--models", str(FOLDER / "models.csv"), "--json")[1])
    assert sum(step["points"] for step in found["steps"]) == found["points"] == sum(found["score_points"].values()) == 27
    assert [one["permitted"] for one in found["models"]] == [True, True, False]


@pytest.mark.parametrize(("models", "says"), [
    ("model_id,name\na,b\n", "models, line 1: the header has no risk_ppm"), ("", "line 1: the header has no model_id"),
    ("risk_ppm\n1\n", "the header has no model_id"), ("model_id,risk_ppm\na,1.5\n", "models, line 2"),
    ("model_id,risk_ppm\na,1\n\na,2\n", "line 4: model a stands twice"), ("model_id,risk_ppm\na,10000001\n", "models, line 2"),
    ("model_id,risk_ppm\na,1,2\n", "models, line 2"), ("model_id,risk_ppm\n,5\n", "models, line 2"),
])
def test_models_that_cannot_be_read_are_one_line(capsys, tmp_path, models, says):
    code, out, err = told(capsys, *SAMPLE, "--models", write(tmp_path, "models.csv", models))
    assert (code, out) == (2, "") and err.count("\n") == 1 and says in err


def test_an_empty_risk_is_not_known_and_does_not_suit(capsys, tmp_path):
    path = write(tmp_path, "models.csv", "name, risk_ppm ,model_id\nA, ,a\nB, 120000,b\n")
    found = json.loads(told(capsys, *SAMPLE, "--models", path, "--json")[1])["models"]
    assert [(one["model_id"], one["permitted"]) for one in found] == [("a", False), ("b", True)]


# ---- in a house


def test_answers_are_recorded_and_the_next_close_and_the_check_see_the_limit(capsys, folder):
    found = assess(capsys, folder, "b")
    result = found["new"], found["class"], found["most_risk_ppm"], found["limit_from_date"]
    assert result == (True, "stable", 70_000, "2026-09-06")
    assert [(one["model_id"], one["permitted"]) for one in found["models"]] == [("mix", False), ("growth", False)]
    before = stored(folder)
    assert not assess(capsys, folder, "b")["new"] and stored(folder) == before and len(before) == 2
    house = open_house(folder / "house")
    load(house, nav=NAV.replace("2026-08-03", "2026-09-04").replace("2026-08-04", "2026-09-07"))
    close_through(house, Date(2026, 9, 7))
    alerts = load_day(house, Date(2026, 9, 7))["alerts"]
    alarmed = [number for kind, number in zip(alerts["kind"], alerts["subject_no"].tolist(), strict=True) if kind == "unsuitable"]
    assert sorted(alarmed) == [1, 2]  # s1 and s2
    house.engine.dispose()
    code, out, err = told(capsys, str(folder / "house"), "--recheck")
    assert (code, err) == (1, "") and "超えている契約 beyond the limit 1" in out and "（s1）" in out and "（s2）" in out
    checked = content(capsys, folder, "--recheck", code=1)
    assert (checked["date"], checked["checked_count"], checked["violation_count"]) == ("2026-09-07", 1, 2)
    assert checked["without_limit"] == ["k2"] and checked["violations"][0]["contract_id"] == "k1"
    assert checked["contracts"][0]["models"][0]["why_en"] == "risk 11.5 % is above 7 %"


def test_nothing_beyond_a_limit_is_done(capsys, folder):
    code, out, _ = told(capsys, str(folder / "house"), "--recheck")
    assert code == 0 and "上限のない契約 without a limit 2" in out
    assert content(capsys, folder, "--recheck")["violations"] == []


def test_a_model_without_a_stated_risk_is_a_line_of_its_own_and_no_violation(capsys, tmp_path):
    risks = "model_id,valid_from_date,mean_ppm,risk_ppm\nmix,2026-07-01,25000,115000\n"
    limits = "contract_id,valid_from_date,most_risk_ppm\nk1,2026-08-04,200000\n"
    house = fill(create_house(tmp_path / "house"), model_assumptions=risks, contract_limits=limits)
    alerts = load_day(house, CLOSED).get("alerts", {"kind": []})
    assert "unsuitable" not in list(alerts["kind"])  # the close says the same
    house.engine.dispose()
    code, out, err = told(capsys, str(tmp_path / "house"), "--recheck")
    assert (code, err) == (0, "") and "beyond the limit 0" in out and "of no stated risk 1" in out
    assert "判定できない契約 not told, contract k1" in out and "？ growth" in out and "×" not in out
    found = content(capsys, tmp_path, "--recheck")
    assert (found["violation_count"], found["untold_count"], found["violations"]) == (0, 1, [])
    assert [(one["model_id"], one["permitted"], one["sleeve_ids"]) for one in found["untold"]] == [("growth", None, ["s1"])]
    assert [one["permitted"] for one in found["contracts"][0]["models"]] == [True, None]


def test_the_history_shows_the_moves_and_the_flag(capsys, folder):
    house = str(folder / "house")
    assert "no assessment is recorded" in told(capsys, house, "--contract", "k1")[1]
    for name in "abc":
        assess(capsys, folder, name)
    code, out, err = told(capsys, house, "--contract", "k1")
    assert (code, err) == (0, "") and "判定 assessments 3" in out and "（12 % → 7 %）" in out
    assert "2割まで up to a fifth → 1割まで up to a tenth（6 → 4 点 points）" in out
    assert "raised by a retake: 2026-09-05 7 %（yamada）→ 18 %、4 日後 days later" in out and "backup" not in out
    shown = out + told(capsys, house, "--retakes")[1] + told(capsys, house, "--recheck")[1]
    assert max(map(width, shown.splitlines())) <= WIDTH
    found = content(capsys, folder, "--contract", "k1")
    assert (found["flagged"], [one["moved_ppm"] for one in found["assessments"]]) == (1, [None, -50_000, 110_000])
    assert found["assessments"][2]["raised_from"]["days"] == 4 and found["assessments"][2]["steps"]


def test_a_record_that_was_changed_is_shown(capsys, folder):
    assess(capsys, folder, "a")
    house = open_house(folder / "house")
    with house.engine.begin() as connection:
        connection.execute(assessments.update().values(points=99))
    assert history(house, "k1")[0].kept.points == 99
    house.engine.dispose()
    assert "compare with a backup" in told(capsys, str(folder / "house"), "--contract", "k1")[1]


def test_headquarters_sees_who_raised_results(capsys, folder):
    assert "contracts assessed 0" in told(capsys, str(folder / "house"), "--retakes")[1]
    assess(capsys, folder, "b", "tanaka")
    assess(capsys, folder, "c", "sato")
    assess(capsys, folder, "c", "sato", "k2")
    code, out, _ = told(capsys, str(folder / "house"), "--retakes")
    assert code == 0 and "！ k1 2026-09-09 担当 by sato: 2026-09-05 7 %（tanaka）→ 18 %" in out and "sato: 2 / 1 / 1" in out
    found = content(capsys, folder, "--retakes")
    assert (found["contracts"], found["again"]) == (2, [{"contract_id": "k1", "assessments": 2}])
    assert [one["made_by"] for one in found["flagged"]] == ["sato"]
    assert found["advisers"][1] == {"made_by": "tanaka", "assessments": 1, "retakes": 0, "raised": 0}


@pytest.mark.parametrize(("words", "says"), [
    ((), "give one of them"), (("--contract", "k1", "--retakes"), "give one of them"), (("--by", "x"), "give one of them"),
    (("--retakes", "--answers", "a.toml"), "--answers belongs to --contract"),
    (("--contract", "k1", "--by", "x"), "belong to --answers FILE"),
    (("--contract", "k1", "--answers", "a.toml"), "questionnaire 'risk-tolerance' is not stored"),
    (("--contract", "k1", "--answers", "a.toml", "--questionnaire", "questions.toml"), "nobody is named"),
    (("--contract", "k1", "--answers", "no.toml", "--by", "x"), "cannot be read"),
    (("--contract", "k1", "--answers", "a.toml", "--by", "x", "--questionnaire", "no.toml"), "cannot be read"),
    (("--contract", "k9"), "contract 'k9' is unknown"), (("--recheck", "--models", "a.toml"), "--models belongs to"),
])
def test_what_cannot_be_done_in_a_house_is_one_line_and_changes_nothing(capsys, folder, monkeypatch, words, says):
    monkeypatch.chdir(folder)
    if "not stored" in says:
        words = (*words, "--by", "x")
    code, out, err = told(capsys, "house", *words)
    assert (code, out) == (2, "") and err.count("\n") == 1 and says in err and stored(folder) == []


def test_a_folder_that_is_no_house_and_missing_answers_are_one_line(capsys, tmp_path):
    for words, says in (((str(tmp_path), "--retakes"), "no house here"), ((SAMPLE[0],), "the answers are missing")):
        code, out, err = told(capsys, *words)
        assert (code, out) == (2, "") and err.count("\n") == 1 and says in err


def test_a_retake_that_raises_the_result_is_flagged_as_it_is_recorded(capsys, folder):
    assert assess(capsys, folder, "b")["raised_from"] is None
    raised = assess(capsys, folder, "c", "sato")["raised_from"]
    assert (raised["made_by"], raised["most_risk_ppm"], raised["days"]) == ("yamada", 70_000, 4)
    files = ("--answers", str(folder / "c.toml"), "--by", "sato")
    out = told(capsys, str(folder / "house"), "--contract", "k1", *files)[1]
    assert "同じ判定が記録済み" in out and "！ やり直しで上がりました raised by a retake: 2026-09-05 7 %（yamada）→ 18 %" in out


def test_long_lists_are_cut_and_say_so(capsys, folder):
    assess(capsys, folder, "b")
    assess(capsys, folder, "c")
    house = open_house(folder / "house")
    low, high = (one.kept for one in history(house, "k1"))
    house.engine.dispose()
    raised = tuple(Raise(f"k{n}", high, low) for n in range(MOST_SHOWN + 3))
    assert "  ほか 3 件は --json に。 3 more: --json." in retakes_lines(Retakes(60, (), raised, ()))
    held = (Holding(("s1",), judge([ModelRisk("m", "", 2)], 1)[0]),)
    beyond = tuple(Checked(f"k{n}", 1, Date(2026, 9, 1), "", held) for n in range(MOST_SHOWN + 1))
    assert "  ほか 1 件は --json に。 1 more: --json." in recheck_lines(Recheck(Date(2026, 9, 1), beyond, ()))
