"""Simulated goals: played again month by month, told one by one, and in worlds where the answer is known."""

from pathlib import Path

import numpy as np
import pytest

from tsutsumi.core.calibration import calibration
from tsutsumi.core.goals.within import odds
from tsutsumi.demo.calibration import (
    CALM,
    CRISIS,
    PATHS,
    TO_CALM,
    TO_CRISIS,
    goal_models,
    measured,
    path_note,
    simulated_calibration,
    surprises,
)
from tsutsumi.demo.goals import COST_PPM, assumption
from tsutsumi.demo.market_paths import model_growth
from tsutsumi.demo.models import PLANS
from tsutsumi.demo.simulated_goals import lived, made_goals, told_of
from tsutsumi.run.calibration import EVERY_MONTH, HORIZONS

PAGE = (Path(__file__).parents[2] / "docs" / "rules" / "goals.md").read_text(encoding="utf-8")


def chance(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.fixture(scope="module")
def worlds():
    """The worlds of a house of 4,000 goals over 20 years."""
    return simulated_calibration(4_000, 20, 3).worlds


def test_goals_are_played_month_by_month_and_told_as_on_a_day_that_closes():
    made, growth = made_goals(60, 240, 3, chance(8)), np.exp(chance(9).normal(0.002, 0.04, (2, 240, 3)))
    path, mean, risk = np.arange(60) % 2, np.array([10_000, 20_000, 40_000]), np.array([30_000, 90_000, 170_000])
    monthly = np.arange(60) < 40
    expected = {years: [] for years in (*HORIZONS, EVERY_MONTH)}
    for k in range(60):
        money, gone, said = float(made.now_yen[k]), False, {}
        for month in range(made.months[k]):
            left = int(made.months[k]) - month
            columns = ([int(money)], [made.monthly_yen[k]], [made.target_yen[k]], [left * 10**6])
            if left % 12 == 0 or month == 0 or monthly[k]:
                told = 0 if gone else max(int(odds(*columns, [mean[made.model[k]]], [risk[made.model[k]]])[0]), 0)
                said |= {left: told}
            money += made.monthly_yen[k]
            gone |= money < 0
            money *= growth[path[k], made.start[k] + month, made.model[k]]
        true = not gone and money >= made.target_yen[k]
        for years in HORIZONS:
            asked = int(made.months[k]) if years == 0 else 12 * years
            expected[years] += [(said[asked], true, path[k])] if asked in said else []
        expected[EVERY_MONTH] += [(told, true, path[k]) for told in said.values()] if monthly[k] else []
    reports = told_of([lived(made, path, growth, mean, risk, monthly)])
    assert [one.report for one in reports] == [calibration(*zip(*rows, strict=True)) for rows in expected.values()]
    outcomes = {true for rows in expected.values() for _, true, _ in rows}
    assert outcomes == {True, False} and all(expected.values()), "something came true, something did not, at every horizon"


def test_goals_are_of_every_kind_and_live_within_the_market():
    made = made_goals(3_000, 240, 15, chance(1))
    assert (made.months >= 12).all() and (made.start + made.months <= 240).all() and set(made.model.tolist()) == set(range(15))
    for kind in (made.monthly_yen < 0, made.monthly_yen > 0, made.monthly_yen == 0):
        assert 900 < kind.sum() < 1_100
    assert ((made.target_yen == 0) == (made.monthly_yen < 0)).all()
    offered = [PLANS[place].model_id for place in goal_models()]
    assert "goal-grow" in offered and "premium-core-1" not in offered and len(offered) == 15


def test_in_the_lognormal_world_what_is_told_comes_true(worlds):
    report = worlds["lognormal"][0].report
    assert report.count == 4_000 and report.path_count == 200 and len(report.bands) == 10
    assert sum(band.holds for band in report.bands) >= 8, "95 % intervals: one band in twenty falls outside by chance"
    assert report.reliability_ppm < 1_500


def test_with_the_right_assumptions_the_markets_of_the_sample_keep_what_is_told(worlds):
    report = worlds["known"][0].report
    assert report.path_count == PATHS and report.count == 4_000 * PATHS
    assert sum(band.holds for band in report.bands) >= 8 and report.reliability_ppm < 1_000
    assert worlds["sample"][0].report.reliability_ppm > 2 * report.reliability_ppm, "wrong assumptions cost more than the shape"


def test_one_path_is_one_of_many_and_far_more_uncertain_than_its_goals_say(worlds):
    one, pool = worlds["sample_path"][0].report, worlds["sample"][0].report
    assert one.path_count == 1 and {(band.low_ppm, band.high_ppm) for band in one.bands} == {(0, 1_000_000)}
    assert [band.told_ppm for band in one.bands] == [band.told_ppm for band in pool.bands], "when it begins, all are told the same"
    for band in pool.bands[3:8]:
        assert band.path_high_ppm - band.path_low_ppm > 5 * (band.high_ppm - band.low_ppm) / 2
        assert band.low_ppm > band.path_low_ppm and band.high_ppm < band.path_high_ppm


def test_every_month_is_told_once_of_every_goal(worlds):
    for reports in worlds.values():
        assert reports[-1].years == EVERY_MONTH
    months = {world: reports[-1].report.count for world, reports in worlds.items()}
    made = made_goals(4_000, 240, 15, np.random.Generator(np.random.PCG64(np.random.SeedSequence((3, 1)))))
    assert set(months.values()) == {int(made.months.sum())}


def test_the_same_seed_gives_the_same_report_and_another_another():
    once = simulated_calibration(120, 12, 5, paths=12)
    assert simulated_calibration(120, 12, 5, paths=12) == once and once.left_out == ""
    assert simulated_calibration(120, 12, 6, paths=12) != once


def test_the_world_of_crises_has_the_same_mean_and_spread_and_fatter_tails():
    months = surprises("crises", 4_000, 240, chance(1)).ravel()
    assert abs(months.mean()) < 0.01 and abs(months.std() - 1) < 0.01
    assert ((months - months.mean()) ** 4).mean() > 4, "a normal law has 3"
    share = TO_CRISIS / (TO_CRISIS + TO_CALM)
    assert abs(share * CRISIS[0] + (1 - share) * CALM[0]) < 1e-3


def test_mean_and_risk_are_measured_as_the_method_reads_them():
    mean, risk = 0.031, 0.14
    variance = np.log1p((risk / (1 + mean)) ** 2) / 12
    months = np.exp(np.log1p(mean) / 12 - variance / 2 + np.sqrt(variance) * chance(2).standard_normal((400, 240, 1)))
    found = measured(months)
    assert found.mean_ppm[0] == pytest.approx(31_000, abs=1_500) and found.risk_ppm[0] == pytest.approx(140_000, rel=0.01)


def test_the_page_says_which_assumptions_were_off_and_how_far():
    found = measured(model_growth(PATHS, 240, 1, COST_PPM))
    for model, stated, brought in (("goal-keep", "0.0 %", "2.4 %"), ("goal-grow", "2.2 %", "0.9 %")):
        place = [plan.model_id for plan in PLANS].index(model)
        means = (assumption(PLANS[place].level)[0], found.mean_ppm[place])
        assert tuple(f"{ppm / 10_000:.1f} %" for ppm in means) == (stated, brought)
        assert stated in PAGE and brought in PAGE


def test_the_months_of_the_one_path_are_named():
    assert "2002-12 – 2022-11" in path_note(20) and "repeated" not in path_note(20)
    assert "1999-02 – 2022-11" in path_note(40) and "repeated" in path_note(40)
