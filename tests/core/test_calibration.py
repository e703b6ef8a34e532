"""Told against came true: by hand, against other formulas, and with goals that move together."""

import csv
import json
from collections import Counter
from datetime import date
from math import sqrt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from tests.days.small_house import THROUGH, make_house
from tsutsumi.app.cli import run
from tsutsumi.app.cli.calibration_picture import picture
from tsutsumi.app.cli.screen import WIDTH, width
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.calibration import calibration, clustered_ppm, student_bound, wilson_ppm
from tsutsumi.core.goal_dates import months_left_ppm
from tsutsumi.demo.calibration import simulated_calibration
from tsutsumi.demo.real_series import sp500
from tsutsumi.run.calibration import Uncounted, house_calibration
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import gather_house
from tsutsumi.store.database import open_house

PICTURE = Path(__file__).parents[2] / "docs" / "rules" / "goals-calibration.svg"

pairs = st.lists(st.tuples(st.integers(0, 1_000_000), st.booleans()), min_size=1, max_size=60)


@given(pairs)
def test_every_goal_is_in_one_band_and_the_score_is_its_parts(rows):
    told, true = [ppm for ppm, _ in rows], [came for _, came in rows]
    report = calibration(told, true)
    assert report.count == len(rows) == sum(band.count for band in report.bands)
    assert sum(band.true_count for band in report.bands) == sum(true)
    by_band = Counter(min(ppm // 100_000, 9) for ppm in told)
    assert {band.from_ppm // 100_000: band.count for band in report.bands} == by_band
    brier = sum((ppm / 1e6 - came) ** 2 for ppm, came in rows) / len(rows)
    assert abs(report.brier_ppm - brier * 1e6) <= 1
    within = 0.0
    for band in report.bands:
        mine = [(ppm / 1e6, came) for ppm, came in rows if min(ppm // 100_000, 9) == band.from_ppm // 100_000]
        mean, share = sum(ppm for ppm, _ in mine) / len(mine), sum(came for _, came in mine) / len(mine)
        within += sum((ppm - mean) ** 2 - 2 * (ppm - mean) * (came - share) for ppm, came in mine) / len(rows)
    whole = report.reliability_ppm - report.resolution_ppm + report.uncertainty_ppm + within * 1e6
    assert abs(whole - report.brier_ppm) <= 4


@given(st.integers(1, 5_000), st.data())
def test_the_interval_is_wilsons(count, data):
    true = data.draw(st.integers(0, count))
    share, z = true / count, 1.96
    middle, half = share + z * z / (2 * count), z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    low, high = wilson_ppm(true, count)
    turn = 1 + z * z / count
    assert abs(low - max((middle - half) / turn * 1e6, 0)) <= 1.01 and abs(high - min((middle + half) / turn * 1e6, 1e6)) <= 1.01
    assert low <= true * 1_000_000 // count <= high


def test_what_is_no_report_is_refused():
    with pytest.raises(ValueError, match="1 told, 0"):
        calibration([1], [])
    with pytest.raises(ValueError, match="not between"):
        calibration([1_000_001], [True])
    assert calibration([], []).count == 0


def test_students_bound_is_that_of_its_law():
    for freedom in (3, 4, 9, 19, 49, 99, 499):
        assert float(student_bound(freedom)) == pytest.approx(student.ppf(0.975, freedom), abs=0.012)


@given(st.lists(st.tuples(st.integers(1, 300), st.floats(0, 1)), min_size=2, max_size=12))
def test_the_interval_by_paths_is_wilsons_of_the_goals_that_stand_for_themselves(rows):
    counts, trues = [count for count, _ in rows], [round(count * share) for count, share in rows]
    paths, whole, share = len(rows), sum(counts), sum(trues) / sum(counts)
    variance = paths / (paths - 1) * sum((true - share * count) ** 2 for true, count in zip(trues, counts, strict=True)) / whole**2
    told = paths if share in (0, 1) else whole if variance < 1e-15 else share * (1 - share) / variance
    n, z = min(told * (1.96 / float(student_bound(paths - 1))) ** 2, whole), 1.96
    middle, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = clustered_ppm(trues, counts)
    assert low == pytest.approx(max((middle - half) / (1 + z * z / n) * 1e6, 0), abs=2)
    assert high == pytest.approx(min((middle + half) / (1 + z * z / n) * 1e6, 1e6), abs=2)
    assert low <= share * 1e6 + 1 and high >= share * 1e6 - 1


def test_where_goals_of_a_path_move_together_the_interval_by_paths_is_right_and_that_by_goals_is_not():
    chance = np.random.Generator(np.random.PCG64(4))
    by_paths = by_goals = 0
    for _ in range(400):
        shares, counts = chance.beta(3.2, 0.8, 60), chance.integers(5, 80, 60)  # 80 % in the mean, far apart
        trues = chance.binomial(counts, shares)
        low, high = clustered_ppm(trues.tolist(), counts.tolist())
        by_paths += low <= 800_000 <= high
        low, high = wilson_ppm(int(trues.sum()), int(counts.sum()))
        by_goals += low <= 800_000 <= high
    assert 0.92 <= by_paths / 400 <= 0.98, "a 95 % interval"
    assert by_goals / 400 < 0.6, "too narrow"


def test_one_path_says_nothing_and_many_say_how_far_single_ones_lie_apart():
    (band,) = calibration([850_000] * 50, [True] * 40 + [False] * 10, [7] * 50).bands
    assert (band.low_ppm, band.high_ppm, band.path_count, band.path_low_ppm) == (0, 1_000_000, 1, None)
    path = np.repeat(np.arange(11), 20)
    true = np.concatenate([np.arange(20) < 10 + place for place in range(11)])  # 50 %, 55 %, … 100 %
    report = calibration(np.full(220, 850_000), true, path)
    assert (report.bands[0].path_low_ppm, report.bands[0].path_high_ppm) == (550_000, 950_000) and report.path_count == 11
    assert calibration(np.full(219, 850_000), true[1:], path[1:]).bands[0].path_low_ppm == 600_000, "a path of 19 goals is none"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The small house, closed to its last day."""
    opened = open_house(make_house(tmp_path_factory.mktemp("calibration") / "house"))
    close_through(opened, THROUGH)
    yield opened
    opened.engine.dispose()


def test_a_house_is_held_against_its_own_export(house):
    goals = gather_house(house, THROUGH)["goals"].to_dicts()
    ended = {row["goal_id"]: row["probability_ppm"] == 1_000_000 for row in goals if row["months_ppm"] == 0}
    first, last = {}, {}
    for row in sorted(goals, key=lambda row: row["date"]):
        last[row["goal_id"]] = row["date"]
        if row["months_ppm"] > 0 and row["probability_ppm"] is not None:
            first.setdefault(row["goal_id"], row["probability_ppm"])
    known = [name for name in ended if name in first]
    reports, left = house_calibration(house)
    begun = reports[0]
    assert begun.years == 0 and begun.report == calibration([first[name] for name in known], [ended[name] for name in known])
    running = [name for name in first if name not in ended and last[name] == THROUGH]
    assert left.running_count == len(running) and left.changed_count == 0
    assert left.running_count + left.closed_count + begun.report.count == len(first), "every goal that was told is somewhere"


def goal_day(day: date, *rows: tuple, values: tuple = (5, 5, 5, 5, 5), closing: int = 0) -> tuple:
    """Return a closed day whose goals are told (number, target, date, status, probability, value), with books of five sleeves."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    names = ("goal_no", "target_yen", "target_date", "status_code", "probability_ppm", "value_yen")
    table = {name: np.array([epoch_day(one) if name == "target_date" else one for one in column])
             for name, column in zip(names, columns, strict=True)}
    table["months_ppm"] = np.array([months_left_ppm(epoch_day(day), end) for end in table["target_date"].tolist()])
    table["sleeve_no"] = table["goal_no"]
    status = np.array([number == closing for number in range(1, 6)], np.int8)
    sleeves = {"status_code": status, "value_yen": np.array(values)}
    return day, {"goals": table}, SimpleNamespace(row_of_sleeve=np.array([-1, 0, 1, 2, 3, 4]), sleeves=sleeves)


def lived(monkeypatch, days) -> None:
    """Let a house have had these days: date, tables, books."""
    books = {day: of for day, _, of in days}
    monkeypatch.setattr("tsutsumi.run.calibration.goal_days", lambda house: ((day, of.get("goals")) for day, of, _ in days))
    monkeypatch.setattr("tsutsumi.run.calibration.load_books", lambda house, day: books[day])


def test_a_goal_is_told_at_its_horizons_and_anew_when_its_target_changes(monkeypatch):
    """Goal 1 comes true; 2 was told 90 % of half the money, then 20 % of all; 3 ends untold, with money enough; 4 has none."""
    end, money = date(2026, 6, 14), 1_000  # a Sunday
    days = [
        goal_day(date(2022, 1, 4), (1, money, end, 0, 700_000, 5), (2, money // 2, end, 0, 900_000, 5)),
        goal_day(date(2023, 6, 14), (1, money, end, 0, 710_000, 5), (2, money, end, 3, 200_000, 5)),
        goal_day(date(2025, 6, 13), (1, money, end, 0, 720_000, 5), (2, money, end, 3, 300_000, 5), (3, 0, end, 0, 600_000, 5)),
        goal_day(date(2025, 6, 16), (1, money, end, 0, 990_000, 5), (3, money, end, 4, -1, 5), (4, 0, end, 0, 100_000, 5)),
        goal_day(date(2025, 6, 17), (3, money, end, 0, 610_000, 5)),
        goal_day(date(2026, 6, 15), (1, money, end, 0, 1_000_000, money), (2, money, end, 3, 0, money - 1),
                 (3, money, end, 4, -1, money), (4, 0, end, 3, 0, 0)),
    ]
    lived(monkeypatch, days)
    reports, left = house_calibration(None)
    begun, one, three, five, ten = (told.report for told in reports)
    assert begun == calibration([700_000, 200_000, 610_000, 100_000], [True, False, True, False])
    assert one == calibration([720_000, 300_000], [True, False])
    assert three == calibration([710_000, 200_000], [True, False])
    assert five.count == ten.count == 0
    assert left == Uncounted(0, 0, 2), "the targets of 2 and 3 changed"


def test_money_that_ran_out_did_not_come_true_and_a_closed_sleeve_is_no_word(monkeypatch):
    """On the date: 1 is there; 2 has no money and is no longer followed; 3 is closing; 4 got another date; 5 runs on."""
    end, late = date(2026, 6, 15), date(2027, 6, 15)
    before = [(number, 0, end, 0, 100_000 * number, 5) for number in (1, 2, 3, 4)] + [(5, 0, late, 0, 500_000, 5)]
    days = [
        goal_day(date(2026, 1, 5), *before),
        goal_day(date(2026, 6, 15), (1, 0, end, 0, 1_000_000, 5), (5, 0, late, 0, 500_000, 5), values=(5, 0, 5, 0, 5), closing=3),
    ]
    targets = [{"goal_no": number, "valid_from_date": date(2025, 1, 6)} for number in range(1, 6)]
    targets.append({"goal_no": 4, "valid_from_date": date(2026, 3, 2)})
    lived(monkeypatch, days)
    monkeypatch.setattr("tsutsumi.run.calibration.rows_of", lambda house, *names: {"goal_targets": targets})
    reports, left = house_calibration(None)
    assert reports[0].report == calibration([100_000, 200_000], [True, False])
    assert left == Uncounted(running_count=1, closed_count=1, changed_count=1)


def test_the_command(house, capsys, tmp_path):
    assert run(["calibration", "--simulate", "200", "--years", "10", "--json", "--svg", str(tmp_path / "c.svg"),
                "--to", str(tmp_path / "c.csv")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["years_before"] for one in told["crises"]] == [0, 1, 3, 5, 10, None] and told["lognormal"][0]["count"] == 200
    assert told["sample"][0]["count"] == 200 * 100 and told["sample"][0]["path_count"] == 100
    with (tmp_path / "c.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    bands = [(world, one["years_before"], band) for world, reports in told.items() for one in reports for band in one["bands"]]
    said = [{"world": world, "years_before": years} | band for world, years, band in bands]
    written = [{name: "" if value is None else str(value) for name, value in row.items()} for row in said]
    assert written == rows and len(rows) > 100
    assert all(band["gap_ppm"] == band["true_ppm"] - band["told_ppm"] for _, _, band in bands)
    assert (tmp_path / "c.svg").read_text(encoding="utf-8").startswith("<svg")
    assert run(["calibration", "--simulate", "60", "--years", "4"]) == 0
    page = capsys.readouterr().out
    assert run(["calibration", str(house.folder)]) == 0
    own = capsys.readouterr().out
    assert "見本の相場" in page and "この家" in own and max(map(width, (page + own).splitlines())) <= WIDTH
    assert run(["calibration", str(house.folder), "--to", str(tmp_path / "no" / "c.csv")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert run(["calibration", str(house.folder), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["not_counted"]) == {"running_count", "closed_count", "changed_count"}
    for wrong in ([], ["--simulate", "0"], ["--simulate", "5", "--years", "1"], [str(house.folder), "--simulate", "5"]):
        assert run(["calibration", *wrong]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_without_the_packages_of_the_real_figures_the_other_worlds_are_told(capsys, monkeypatch):
    from tsutsumi.demo.market_paths import real_months

    for known in (real_months, sp500):
        known.cache_clear()
    monkeypatch.setattr("tsutsumi.demo.real_series.find_spec", lambda name: None)
    assert run(["calibration", "--simulate", "40", "--json"]) == 1
    said = capsys.readouterr()
    assert list(json.loads(said.out)) == ["lognormal", "crises"]
    assert len(said.err.strip().splitlines()) == 1 and "pip install --no-deps skfolio" in said.err
    assert run(["calibration", "--simulate", "40"]) == 1
    assert "lognormal: 2 経路" in capsys.readouterr().out


def share(ppm: int) -> str:
    return f"{ppm / 10_000:.1f}"


@pytest.mark.fuzz
def test_the_picture_and_the_table_of_the_page_are_those_of_the_code():
    found = simulated_calibration(10_000, 20, 1).worlds
    assert PICTURE.read_text(encoding="utf-8") == picture(found)
    page = (PICTURE.parent / "goals.md").read_text(encoding="utf-8")
    bands = {world: reports[0].report.bands for world, reports in found.items()}
    for k, band in enumerate(bands["sample"]):
        cells = [f"{10 * k} – {10 * k + 10}", share(band.told_ppm)]
        cells += [share(bands[world][k].true_ppm) for world in ("lognormal", "crises", "known")]
        cells.append(f"{share(band.true_ppm)}（{share(band.low_ppm)} – {share(band.high_ppm)}）")
        cells += [share(bands["sample_path"][k].true_ppm), f"{share(band.path_low_ppm)} – {share(band.path_high_ppm)}"]
        assert f"| {' | '.join(cells)} |" in page, cells
