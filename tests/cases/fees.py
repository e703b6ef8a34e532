"""The case tables of docs/rules/balance-fee.md and docs/rules/performance-fee.md."""

import re
import tomllib
from datetime import date
from fractions import Fraction
from importlib.resources import files

from tests.cases import cases
from tsutsumi.core.fee_engine import FeeEntry, fee_schedule
from tsutsumi.core.fee_history import FlowRow, ValueRow, contract_history
from tsutsumi.core.fee_periods import day_count, fee_periods
from tsutsumi.core.fee_terms import Terms, parse_terms

LENGTH = {"月": "month", "四半期": "quarter", "半年": "half-year", "年": "year"}
ALIGN = {"暦": "calendar", "契約日": "contract"}
CHOICES = {  # column: (section, key, {word: value})
    "期間": ("period", "length", LENGTH),
    "起点": ("period", "align", ALIGN),
    "計算方法": ("base", "measure", {"平均残高": "average", "日々の残高": "daily", "期末残高": "closing"}),
    "平均の日": ("base", "days", {"暦日": "calendar", "営業日": "business"}),
    "現金": ("base", "cash", {"含む": "included", "除く": "excluded"}),
    "年日数": ("year", "days", {"365": 365, "366": 366, "実日数": "actual"}),
    "端数": ("rounding", "to", {"切り捨て": "down", "切り上げ": "up", "四捨五入": "half-up", "偶数丸め": "half-even"}),
    "消費税": ("tax", "kind", {"込み": "included", "加算": "added"}),
    "料率の日": (None, "rates_of", {"各日": "day", "期初": "period-start", "期末": "period-end"}),
    "増額": ("advance", "addition", {"請求しない": "none", "追加分のみ": "own", "上乗せ": "stacked"}),
    "返戻": ("advance", "refund", {"なし": "none", "あり": "prorated"}),
}
KINDS = {"請求": "charge", "増額": "addition", "返戻": "refund", "成功": "performance"}
DATED = {"残高", "評価額", "うち現金", "入出金"}
READ_ELSEWHERE = {"事例", "計算", "報酬条件", "料率", "料率の適用", "開始日", "確定日", "契約終了日", "報酬", *DATED}


def whole(text: str) -> int:
    """Return a whole number written with commas."""
    return int(text.replace(",", ""))


def parts(cell: str) -> list[str]:
    """Return what stands between the 、 of a cell; nothing for an empty cell or なし."""
    return [part.strip() for part in cell.split("、") if part.strip() and part.strip() != "なし"]


def dated(cell: str, first: date) -> list[tuple[date, int]]:
    """Return "2026-10-01 25,000,000、..." as (date, yen); without a date, the yen of the first day."""
    pairs = [part.split() for part in parts(cell)]
    return [(date.fromisoformat(pair[0]) if len(pair) > 1 else first, whole(pair[-1])) for pair in pairs]


def ppm(text: str) -> int:
    """Return a percentage such as 1.309% in ppm."""
    rate = Fraction(text.strip().removesuffix("%").strip()) * 10_000
    assert rate.denominator == 1
    return rate.numerator


def tiers(cell: str) -> list[list[int]]:
    """Return "1.2%、50,000,000超 0.95%" as tiers."""
    found = []
    for part in parts(cell):
        floor, _, rate = part.rpartition("超")
        found.append([whole(floor) if floor else 0, ppm(rate)])
    return found


def example(name: str) -> dict:
    """Return a ready-made terms file as a dictionary."""
    return tomllib.loads((files("tsutsumi") / "examples" / "fees" / f"{name}.toml").read_text("utf-8"))


def schedule(terms: Terms, row: dict[str, str]) -> list[FeeEntry]:
    """Return the fee schedule of a row: its values, flows and dates under the terms."""
    start = date.fromisoformat(row["開始日"])
    values = dated(row.get("残高") or row["評価額"], start)
    cash = dict(dated(row.get("うち現金", ""), start))
    ended = row.get("契約終了日")
    history = contract_history(
        [ValueRow(day, yen, cash.get(day)) for day, yen in values],
        [FlowRow(day, yen) for day, yen in dated(row.get("入出金", ""), start)],
        start,
        date.fromisoformat(row["確定日"]),
        date.fromisoformat(ended) if ended else None,
    )
    return fee_schedule(terms, history)


@cases("balance-fee")
def balance_fee(row: dict[str, str]) -> None:
    """Charge the row and compare every entry; a figure without a word is a charge."""
    document = example(row["報酬条件"])
    for column, cell in row.items():
        if column in CHOICES and cell:
            section, key, words = CHOICES[column]
            (document[section] if section else document)[key] = words[cell]
        assert column in CHOICES or column in READ_ELSEWHERE, f"the column {column} is unknown"
    component = document["component"][0]
    if row.get("料率"):
        component["rates"] = [{"from": date(2000, 1, 1), "tiers": tiers(row["料率"])}]
    if row.get("料率の適用") == "全額":
        component["tiering"] = "whole"
    expected = []
    for part in parts(row["報酬"]):
        kind, yen = re.fullmatch(r"(\D*?)\s*([\d,]+)", part).groups()
        expected.append((KINDS[kind or "請求"], whole(yen)))
    assert [(entry.kind, entry.total_yen) for entry in schedule(parse_terms(document), row)] == expected


@cases("fee-period")
def fee_period(row: dict[str, str]) -> None:
    """Compare the first fee periods of a contract."""
    ends = [date.fromisoformat(end) for end in parts(row["期間の終わり"])]
    periods = list(fee_periods(LENGTH[row["期間"]], ALIGN[row["起点"]], date.fromisoformat(row["開始日"]), ends[-1]))
    assert [period.end for period in periods] == ends
    assert [day_count(period.start, period.end) for period in periods] == [whole(days) for days in parts(row["日数"])]


@cases("performance-fee")
def performance_fee(row: dict[str, str]) -> None:
    """Compare the bases and the yen of the performance fees, and the balance charges where the row names them."""
    document = example("quarterly-arrears-average-with-performance")
    balance, performance = document["component"]
    if row["残高報酬"] == "なし":
        document["component"] = [performance]
    performance["rate_ppm"] = ppm(row["成功報酬率"])
    performance["every"] = int(row["何期ごと"])
    performance["mark"] = {"比例": "scaled", "差引": "subtracted"}[row.get("減額のとき", "比例")]
    entries = schedule(parse_terms(document), row)
    fees = [entry for entry in entries if entry.kind == "performance"]
    assert [entry.base for entry in fees] == [Fraction(base.replace(",", "")) for base in parts(row["基準額"])]
    assert [entry.total_yen for entry in fees] == [whole(yen) for yen in parts(row["報酬"])]
    charges = [entry.total_yen for entry in entries if entry.kind == "charge"]
    assert charges == [whole(yen) for yen in parts(row.get("残高報酬の額", ""))]
