"""Told against came true: by hand, against other formulas, and in worlds where the answer is known."""

import csv
import json
from collections import Counter
from datetime import date
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.days.small_house import THROUGH, make_house
from tsutsumi.app.cli import run
from tsutsumi.app.cli.calibration_page import picture
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.calibration import calibration, wilson_ppm
from tsutsumi.core.goal_dates import months_left_ppm
from tsutsumi.run.calibration import CALM, CRISIS, TO_CALM, TO_CRISIS, _surprises, house_calibration, simulated_calibration
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


def test_in_the_lognormal_world_what_is_told_comes_true():
    report = simulated_calibration(6_000, 20, 3)["lognormal"][0].report
    assert report.count == 6_000 and len(report.bands) == 10
    assert sum(band.holds for band in report.bands) >= 8, "95 % intervals: one band in twenty falls outside by chance"
    assert report.reliability_ppm < 1_500
    assert simulated_calibration(300, 12, 5) == simulated_calibration(300, 12, 5)


def test_the_world_of_crises_has_the_same_mean_and_spread_and_fatter_tails():
    chance = np.random.Generator(np.random.PCG64(1))
    months = _surprises("crises", 4_000, 240, chance).ravel()
    assert abs(months.mean()) < 0.01 and abs(months.std() - 1) < 0.01
    assert ((months - months.mean()) ** 4).mean() > 4, "a normal law has 3"
    share = TO_CRISIS / (TO_CRISIS + TO_CALM)
    assert abs(share * CRISIS[0] + (1 - share) * CALM[0]) < 1e-3


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
    first = {}
    for row in sorted(goals, key=lambda row: row["date"]):
        if row["months_ppm"] > 0 and row["probability_ppm"] is not None:
            first.setdefault(row["goal_id"], row["probability_ppm"])
    known = [name for name in ended if name in first]
    begun = house_calibration(house)[0]
    assert begun.years == 0 and begun.report == calibration([first[name] for name in known], [ended[name] for name in known])


def goal_day(day: date, *rows: tuple) -> tuple:
    """Return a closed day whose goals are told: number, target, target date, status, probability, value."""
    columns = list(zip(*rows, strict=True))
    names = ("goal_no", "target_yen", "target_date", "status_code", "probability_ppm", "value_yen")
    table = {name: np.array([epoch_day(one) if name == "target_date" else one for one in column])
             for name, column in zip(names, columns, strict=True)}
    table["months_ppm"] = np.array([months_left_ppm(epoch_day(day), end) for end in table["target_date"].tolist()])
    return day, {"goals": table}, None


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
    monkeypatch.setattr("tsutsumi.run.calibration.walk", lambda house: iter(days))
    begun, one, three, five, ten = (told.report for told in house_calibration(None))
    assert begun == calibration([700_000, 200_000, 610_000, 100_000], [True, False, True, False])
    assert one == calibration([720_000, 300_000], [True, False])
    assert three == calibration([710_000, 200_000], [True, False])
    assert five.count == ten.count == 0


def test_the_command(house, capsys, tmp_path):
    assert run(["calibration", "--simulate", "200", "--years", "10", "--json", "--svg", str(tmp_path / "c.svg"),
                "--to", str(tmp_path / "c.csv")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["years_before"] for one in told["crises"]] == [0, 1, 3, 5, 10] and told["lognormal"][0]["count"] == 200
    with (tmp_path / "c.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    bands = [(world, one["years_before"], band) for world, reports in told.items() for one in reports for band in one["bands"]]
    said = [{"world": world, "years_before": years} | band for world, years, band in bands]
    assert [{name: str(value) for name, value in row.items()} for row in said] == rows and len(rows) > 20
    assert all(band["gap_ppm"] == band["true_ppm"] - band["told_ppm"] for _, _, band in bands)
    assert (tmp_path / "c.svg").read_text(encoding="utf-8").startswith("<svg")
    assert run(["calibration", str(house.folder)]) == 0 and "この家" in capsys.readouterr().out
    for wrong in ([], ["--simulate", "0"], ["--simulate", "5", "--years", "1"], [str(house.folder), "--simulate", "5"]):
        assert run(["calibration", *wrong]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_picture_of_the_page_is_that_of_the_code():
    assert PICTURE.read_text(encoding="utf-8") == picture(simulated_calibration(10_000, 20, 1))
