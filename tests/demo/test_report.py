"""The end of a demo run: every figure of the summary is printed, in both languages, and no line is wider than the terminal."""

import io
import re
from datetime import date

import pytest
from rich.console import Console

from tsutsumi.demo.house import build_rows
from tsutsumi.demo.life import REFUSED_NOTES
from tsutsumi.demo.report import demo_report, pick_story, story_lines
from tsutsumi.demo.series import FIRST_DATE, LAST_DATE, demo_market

PROGRAM = {
    "name": "見本ファンドラップ", "name_en": "Sample Fund Wrap", "contracts_count": 180, "open_contracts_count": 150,
    "value_yen": 3_123_456_789, "money_in_yen": 2_900_000_000, "money_out_yen": 400_000_000, "profit_yen": 623_456_789,
    "twr_lowest_ppm": -31_234, "twr_middle_ppm": 120_000, "twr_highest_ppm": 451_234,
}
STORY = {
    "customer_id": "C000034", "name": "見本 花子", "kana": "ミホン ハナコ", "age": 51, "note": "教育資金と老後資金を分けて運用",
    "programs": "見本ファンドラップ", "sleeve_id": "S000012",
    "lines": [{"date": "2019-01-04", "text": "入金", "text_en": "paid in"}],
    "money_in_yen": 10_000_000, "money_out_yen": 1, "value_yen": 12_000_000, "profit_yen": 2_000_001, "explain_date": "2022-12-28",
    "goals": [{"name": "教育資金", "percent": 83, "target_yen": 15_500_000, "target_date": "2031-04-01"}],
}
GOALS = {
    "statuses": [{"status": "right", "count": 1_204}, {"status": "above", "count": 0}, {"status": "alert", "count": 77}],
    "ended_count": 31, "came_true_count": 23, "advice_count": 452, "goal_id": "G000009",
}
SUMMARY = {
    "house": "demo house", "first_date": "2017-01-04", "last_date": "2022-12-28", "days_count": 1_461, "customers_count": 500,
    "contracts_count": 589, "sleeves_count": 813, "prices_count": 15_678, "events_count": 3_572, "total_milliseconds": 61_234,
    "day_milliseconds": {"median": 41, "slowest": 310, "slowest_date": "2020-03-13"}, "programs": [PROGRAM, PROGRAM],
    "orders": {
        "count": 123_456, "buys_yen": 5_000_000_001, "sells_yen": 3_000_000_002, "blocks_count": 9_003, "cancelled_count": 4,
        "reasons": [{"reason": "invest", "count": 100_005}],
    },
    "fees": [{"name": "見本銀行", "name_en": "Sample Bank", "fee_yen": 1_234_567}], "fees_charged_yen": 1_234_567,
    "checks": {
        "breaks_count": 0, "journal_difference_yen": 0, "payouts_count": 701, "payouts_kept_count": 701, "reissued_count": 4,
    },
    "alerts": [{"kind": "event_refused", "count": 6}],
    "sources": [
        {"instrument_id": "gold", "name": "ゴールドファンド", "real": False, "prices_count": 1_389, "first_date": "2017-01-04",
         "last_date": "2021-11-05", "provenance": "generated: seed 1"},
        {"instrument_id": "us_equity", "name": "米国株式", "real": True, "prices_count": 1_414, "first_date": "2017-01-04",
         "last_date": "2022-12-28", "provenance": "real: S&P 500"},
    ],
    "gaps": [{"date": f"2020-10-{day:02d}", "kind": "missing", "instruments": "gold", "note": ""} for day in range(1, 16)],
    "goals": GOALS, "story": STORY,
}


def printed(summary: dict, language: str = "ja", width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(demo_report(summary, language))
    return console.file.getvalue()


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("width", [80, 120])
def test_every_figure_is_printed(language, width):
    text = printed(SUMMARY, language, width)
    for figure in (
        "6,246,913,578", "1,461", "589", "813", "61.2", "310", "3,123,456,789", "+623,456,789", "2,900,000,000", "+21.49 %",
        "-3.12 %", "+45.12 %", "123,456", "5,000,000,001", "3,000,000,002", "9,003", "1,234,567", "100.00 % (701 / 701)",
        "invest 100,005", "event_refused 6", "2021-11-05", "seed 1", "S&P 500", "2020-10-12", "見本 花子", "C000034", "12,000,000",
        "+20.00 %", "1,281", "1,204", "77", "31", "23", "452", "G000009", "83 %", "15,500,000", "2031-04-01",
    ):
        assert figure in text, figure
    assert "2020-10-13" not in text
    assert text.startswith("見本の家 sample house" if language == "ja" else "sample house 見本の家")


def test_commands_are_ready_to_paste():
    text = printed(SUMMARY, width=120)
    assert "tsutsumi explain 'demo house' S000012 --date 2022-12-28" in text
    assert "tsutsumi advice 'demo house' --goal G000009" in text
    assert "tsutsumi advice" not in printed(SUMMARY | {"goals": None}, width=120)
    commands = re.findall(r"^ +(tsutsumi .*?)  #", text[text.index("Next:"):], flags=re.M)
    assert [command.split()[1] for command in commands] == ["verify", "export", "bench"]


def test_what_fell_short_is_marked():
    bad = {"breaks_count": 2, "journal_difference_yen": 0, "payouts_count": 3, "payouts_kept_count": 2, "reissued_count": 0}
    text = printed(SUMMARY | {"checks": bad, "fees_charged_yen": 1, "gaps": [], "alerts": [], "story": None})
    assert text.count("✗") == 2 and "66.66 % (2 / 3)" in text and "≠" in text


def test_no_programs_money_or_payouts_is_no_error():
    empty = {key: 0 for key in PROGRAM if key.endswith(("_yen", "_count"))} | dict.fromkeys(
        ("twr_lowest_ppm", "twr_middle_ppm", "twr_highest_ppm")
    )
    none = {"breaks_count": 0, "journal_difference_yen": 0, "payouts_count": 0, "payouts_kept_count": 0, "reissued_count": 0}
    assert "–" in printed(SUMMARY | {"programs": [PROGRAM | empty], "checks": none})


def test_the_story_is_of_one_who_stayed_and_did_much():
    rows = build_rows(demo_market(), first=FIRST_DATE, through=LAST_DATE)
    number = pick_story(rows)
    contracts = {row["contract_no"] for row in rows["contracts"] if row["customer_no"] == number}
    sleeves = {row["sleeve_no"] for row in rows["sleeves"] if row["contract_no"] in contracts}
    own = [row for row in rows["events"] if row["contract_no"] in contracts]
    kinds = {row["kind"] for row in own}
    assert len(sleeves) > 1 and "strategy_changed" in kinds and not kinds & {"terminated", "sleeve_closed"}
    assert any(row["sleeve_no"] in sleeves and row["amount_yen"] for row in rows["plans"])
    assert not any(row["note"] in REFUSED_NOTES for row in own)
    lines = story_lines(rows, number)
    assert len(lines) <= 14 and all("None" not in line["text"] + line["text_en"] for line in lines)
    days = [line["date"] for line in lines if line["date"] != "…"]
    assert days == sorted(days)
    early = story_lines(rows, number, through=date(2018, 1, 1), limit=100)
    assert 0 < len(early) < len(story_lines(rows, number, limit=100))
