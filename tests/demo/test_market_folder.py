"""A folder of price files: odd days, gaps, CP932, unknown files, funds of different spans; and the window that they share."""

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.export_audit import audit
from tsutsumi.app.cli import run
from tsutsumi.core.calendar import business_days, epoch_day
from tsutsumi.demo.common_window import common_window, roles, volatility_percent
from tsutsumi.demo.market_folder import gaps_of, read_market_folder
from tsutsumi.demo.price_series import Series
from tsutsumi.run.export import export_house
from tsutsumi.store.database import open_house, reading
from tsutsumi.store.manifest import closed_days

DAYS = business_days(date(2015, 1, 5), date(2017, 12, 29))


def wave(code, days, size=100):
    """Return the price of a fund on each day: up and down by `size`."""
    return [(day, code, 10_000 + size * (day.toordinal() * 7 % 5 - 2)) for day in days]


def write_nav(path, rows):
    path.write_text("date,fund_code,nav_yen\n" + "".join(f"{day},{code},{price}\n" for day, code, price in rows), encoding="utf-8")


def a_series(code, days, prices=None):
    numbers = np.array([epoch_day(day) for day in days], dtype=np.int32)
    values = np.array(prices if prices is not None else [row[2] for row in wave(code, days)], dtype=np.int64)
    return Series(code, code, code, code, "JPY", 0, 10_000, "fund", True, "test", numbers, values)


@pytest.fixture
def folder(tmp_path):
    rows = [row for code in ("bond", "stock", "reit") for row in wave(code, DAYS)]
    write_nav(tmp_path / "nav.csv", rows)
    return tmp_path


def write_association(path, days):
    lines = [f"{d.year}年{d.month:02}月{d.day:02}日,{10_000 + d.day},{1_234},{30 if d.day == 15 else ''},\r\n" for d in days]
    text = "年月日,基準価額(円),純資産総額(百万円),分配金(円),決算期\r\n" + "".join(lines)
    path.write_bytes(text.encode("cp932"))


def test_files_of_several_shapes_make_one_market(folder):
    write_association(folder / "0331418A.csv", DAYS)
    (folder / "fx.csv").write_text("date,usd_jpy\n2015-01-05,119.8723\n2015-01-03,120.5\n", encoding="utf-8")
    market = read_market_folder(folder)
    assert [one.code for one in market.series] == ["0331418A", "bond", "reit", "stock"]
    assert market.left_out == [] and market.refused == [] and market.gaps == []
    japanese = market.series[0]
    assert japanese.provenance == "real: given in 0331418A.csv" and len(japanese.dates) == len(DAYS)
    assert japanese.distributions and all(row[1:] == (30, 10_000) for row in japanese.distributions)
    (fx,) = market.fx
    assert (fx.currency, fx.fx_ppm.tolist()) == ("USD", [120_500_000, 119_872_300])


def test_what_is_no_price_file_is_named_and_left_out(folder):
    write_association(folder / "0331418A.csv", DAYS)
    (folder / "readme.md").write_text("# about\n", encoding="utf-8")
    (folder / "customers.csv").write_text("customer_id,name\n1,a\n", encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe\xfd")
    (folder / "old").mkdir()
    (folder / ".hidden").write_text("x", encoding="utf-8")
    left_out = dict(read_market_folder(folder).left_out)
    assert set(left_out) == {"readme.md", "customers.csv", "picture.png", "old"}
    assert "customer_id" in left_out["customers.csv"] and all(left_out.values())


def test_odd_days_and_bad_rows_are_refused_by_line(folder):
    rows = wave("gold", DAYS[:300])
    rows[10:10] = [(date(2015, 1, 17), "gold", 10_000), (date(2015, 1, 1), "gold", 10_000), ("2015-13-01", "gold", 10_000)]
    rows.append((DAYS[300], "gold", -5))
    write_nav(folder / "odd.csv", rows)
    market = read_market_folder(folder)
    assert [(row.file, row.line) for row in market.refused] == [("odd.csv", 12), ("odd.csv", 13), ("odd.csv", 14), ("odd.csv", 305)]
    assert len(market.series[1].dates) == 300 and all(row.why and row.cure for row in market.refused)


def test_two_files_that_disagree_keep_the_first_figure_and_say_so(folder):
    write_nav(folder / "more.csv", wave("gold", DAYS))
    write_nav(folder / "x.csv", [(DAYS[0], "gold", wave("gold", DAYS)[0][2]), (DAYS[1], "gold", 9_999)])
    market = read_market_folder(folder)
    (refused,) = market.refused
    assert refused.file == "x.csv" and "more.csv gave" in refused.why and "9,999" in refused.why
    gold = next(one for one in market.series if one.code == "gold")
    assert gold.prices[1] != 9_999


def test_gaps_tell_a_silent_day_from_a_single_missing_price(folder):
    silent, single = DAYS[20], DAYS[40]
    rows = [row for code in ("bond", "stock", "reit") for row in wave(code, DAYS) if row[0] != silent]
    write_nav(folder / "nav.csv", rows)
    write_nav(folder / "gold.csv", [row for row in wave("gold", DAYS) if row[0] not in (silent, single)])
    market = read_market_folder(folder)
    assert market.gap_counts() == (1, 1)
    common, alone = market.gaps
    assert (common.day, common.common, len(common.codes)) == (epoch_day(silent), True, 4)
    assert (alone.day, alone.common, alone.codes) == (epoch_day(single), False, ("gold",))


def test_fewer_than_four_funds_are_refused_with_what_was_found(folder):
    (folder / "notes.txt").write_text("hello\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"3 fund\(s\) \(bond, reit, stock\).*notes.txt.*at least 4 funds"):
        read_market_folder(folder)
    with pytest.raises(ValueError, match="is not a folder"):
        read_market_folder(folder / "nowhere")


def test_five_funds_of_different_spans_share_a_window():
    spans = {"a": (0, 700), "b": (50, 700), "c": (200, 690), "d": (0, 700), "late": (500, 700)}
    window = common_window([a_series(code, DAYS[slice(*span)]) for code, span in spans.items()])
    assert [one.code for one in window.series] == ["a", "b", "c", "d"]
    assert (window.first, window.last) == (epoch_day(DAYS[200]), epoch_day(DAYS[689]))
    ((code, why),) = window.left_out
    assert code == "late" and "200 of the 700 days" in why and "28 %" in why
    assert all(one.dates[0] == window.first and one.dates[-1] == window.last for one in window.series)
    assert "c end(s) first" in window.note


def test_a_fund_that_ended_long_before_the_others_is_left_out():
    series = [a_series(code, DAYS[:700]) for code in "abcd"] + [a_series("closed", DAYS[:600])]
    window = common_window(series)
    assert [one.code for one in window.series] == list("abcd") and window.left_out[0][0] == "closed"
    assert "days before" in window.left_out[0][1]
    through = common_window(series, DAYS[590])
    assert len(through.series) == 5 and through.last == epoch_day(DAYS[590]) and through.left_out == []


def test_with_four_funds_none_is_left_out_for_its_length():
    spans = {"a": (0, 700), "b": (350, 700), "c": (0, 500), "d": (300, 730)}
    window = common_window([a_series(code, DAYS[slice(*span)]) for code, span in spans.items()])
    assert len(window.series) == 4 and (window.first, window.last) == (epoch_day(DAYS[350]), epoch_day(DAYS[499]))


def test_one_very_long_fund_does_not_drive_out_the_others():
    old = business_days(date(1990, 1, 4), date(2017, 12, 29))
    series = [a_series("old", old)] + [a_series(code, DAYS) for code in ("b", "c", "d", "e", "f")]
    window = common_window(series)
    assert len(window.series) == 6 and window.left_out == [] and window.first == epoch_day(DAYS[0])


def test_the_window_starts_on_a_day_on_which_all_have_prices():
    series = [a_series(code, DAYS) for code in "abc"] + [a_series("d", [DAYS[0], *DAYS[3:]])]
    series[0] = a_series("a", DAYS[1:])
    assert common_window(series).first == epoch_day(DAYS[3])


def test_funds_that_never_lived_together_are_refused():
    series = [a_series(code, DAYS[at : at + 20]) for code, at in (("a", 0), ("b", 20), ("c", 0), ("d", 20))]
    with pytest.raises(ValueError, match="share no two days"):
        common_window(series)
    with pytest.raises(ValueError, match="0 fund.s. have prices up to 2014-12-30, 4 are needed"):
        common_window(series, date(2014, 12, 30))


@pytest.mark.parametrize(
    ("size", "kind"), [(4, "cash-like"), (10, "defensive"), (30, "income"), (60, "growth"), (250, "aggressive")]
)
def test_a_role_follows_the_measured_volatility(size, kind):
    one = a_series("x", DAYS, [row[2] for row in wave("x", DAYS, size)])
    assert roles([one])["x"].kind == kind


def test_a_price_100_times_too_large_does_not_change_a_role():
    good = a_series("x", DAYS)
    bad = good.prices.copy()
    bad[300] *= 100
    assert volatility_percent(a_series("x", DAYS, bad)) == pytest.approx(volatility_percent(good), rel=0.02)


def test_a_fund_without_moves_or_with_one_price_has_no_volatility():
    assert volatility_percent(a_series("x", DAYS, [10_000] * len(DAYS))) == 0
    assert volatility_percent(a_series("x", DAYS[:1])) == 0


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 400)), min_size=4, max_size=8))
def test_a_window_holds_four_funds_with_prices_on_both_ends_or_says_why_not(spans):
    series = [a_series(f"f{n}", DAYS[start : start + length]) for n, (start, length) in enumerate(spans)]
    try:
        window = common_window(series)
    except ValueError as error:
        assert "share no two days" in str(error) or "are needed" in str(error)
        return
    assert len(window.series) >= 4 and window.first < window.last
    assert {one.code for one in window.series} | {code for code, _ in window.left_out} == {one.code for one in series}
    assert all(one.dates[0] == window.first and one.dates[-1] == window.last for one in window.series)
    assert gaps_of(window.series) == []


@pytest.mark.slow
@pytest.mark.skipif("TSUTSUMI_MARKET_DIR" not in os.environ, reason="TSUTSUMI_MARKET_DIR names no folder of NAV files")
def test_a_house_closes_every_day_on_the_folder_of_the_environment(tmp_path, capsys):
    folder = Path(os.environ["TSUTSUMI_MARKET_DIR"])
    window = common_window(read_market_folder(folder).series)
    assert len(window.series) >= 4 and len(roles(window.series)) == len(window.series)
    assert run(["demo", str(tmp_path / "house"), "--market", str(folder), "--customers", "60", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    checks = told["checks"]
    assert (checks["breaks_count"], checks["journal_difference_yen"]) == (0, 0)
    assert checks["payouts_kept_count"] == checks["payouts_count"] > 0
    house = open_house(tmp_path / "house")
    with reading(house) as connection:
        last = closed_days(connection)[-1].date
    export_house(house, last, tmp_path / "export")
    house.engine.dispose()
    result = audit(tmp_path / "export")
    assert [(check.name, check.examples) for check in result.checks if check.differences] == []
    assert sum(check.rows for check in result.checks) > 100_000
