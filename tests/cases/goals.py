"""The case tables of docs/rules/goals.md."""

import numpy as np
import pytest

from tests.cases import cases
from tests.cases.fees import whole
from tsutsumi.core.goals.inverse import (
    drawable_yen,
    lasting_months,
    need_monthly_yen,
    need_months,
    need_now_yen,
    reachable_target_yen,
)
from tsutsumi.core.goals.ladder import one_probability, shown_percent, stored_ppm
from tsutsumi.core.goals.lookup import probability
from tsutsumi.core.goals.median_life import median_lives
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.schedule import schedule_probability
from tsutsumi.core.goals.table import build_table

ANSWERS = {
    "毎月の積立額": need_monthly_yen, "いまの追加入金": need_now_yen, "届く目標額": reachable_target_yen,
    "毎月の取崩額": drawable_yen, "期間": need_months, "資産寿命": lasting_months,
}


def share(text: str) -> float:
    """Return a percentage such as 4.8790% as a number."""
    return float(text.removesuffix("%")) / 100


def portfolio(row: dict[str, str]) -> Portfolio:
    """Return the portfolio of a row: simple figures, or those of the logarithm where the row says so."""
    make = Portfolio if row.get("前提") == "対数" else Portfolio.from_simple
    return make(share(row["期待収益率"]), share(row["リスク"]))


@cases("goal-model")
def model(row: dict[str, str]) -> None:
    """Compare drift and volatility."""
    made = portfolio(row)
    assert (f"{made.mu:.4%}", f"{made.vol:.4%}") == (row["対数の期待収益率"], row["対数のリスク"])


@cases("goal-probability")
def chance(row: dict[str, str]) -> None:
    """Compare the exact law with the row, then the table and the density of wealth with the exact law."""
    made, at_end = portfolio(row), row.get("支払") == "月末"
    now, monthly, target, months = (whole(row[name]) for name in ("現在", "毎月", "目標", "月数"))
    exact = one_probability(made, now, monthly, target, months, at_end)
    assert f"{shown_percent(exact)}%" == row["表示"]
    assert stored_ppm(exact) == whole(row["保存 ppm"])
    assert probability(build_table(made, months), now, monthly, target, months, at_end)[0] == pytest.approx(exact, abs=2e-4)
    assert schedule_probability(made.mu, made.vol, now, [monthly] * months, target, at_end) == pytest.approx(exact, abs=1e-6)


@cases("goal-need")
def need(row: dict[str, str]) -> None:
    """Compare what a wanted probability needs; an empty cell is what is asked for."""
    known = [whole(row[name]) for name in ("現在", "毎月", "目標", "月数") if row[name]]
    assert ANSWERS[row["何が"]](portfolio(row), *known, share(row["希望する確率"]))[0] == whole(row["答え"])


@cases("goal-asset-life")
def asset_life(row: dict[str, str]) -> None:
    """Compare how long a monthly drawing goes on at the median return; an empty cell is beyond 1,200 months."""
    law = [round(share(row[name]) * 1_000_000) for name in ("期待収益率", "リスク")]
    columns = [np.array([number]) for number in (whole(row["評価額"]), whole(row["毎月の取崩額"]), *law)]
    told = row["資産寿命（か月）"]
    assert median_lives(*columns).tolist() == [whole(told) if told else -1]
