"""The case tables of docs/rules/rebalancing.md."""

from collections.abc import Callable

import numpy as np

from tests.cases import cases
from tests.cases.fees import parts, ppm, whole
from tsutsumi.core.rebalance_band import band_limits, flow_only, to_band
from tsutsumi.core.rebalance_level import MOST_YEN
from tsutsumi.core.rebalance_lots import whole_units
from tsutsumi.core.rebalance_tax import sale_tax_ppm, tax_aware


def column(cell: str, read: Callable[[str], int] = whole) -> np.ndarray:
    """Return the numbers between the 、 of a cell."""
    return np.array([read(part) for part in parts(cell)], np.int64)


@cases("band-limits")
def limits_of_a_band(row: dict[str, str]) -> None:
    """Compare target and limits of each position."""
    found = band_limits(whole(row["評価額"]), column(row["配分"], ppm), ppm(row["絶対幅"]), ppm(row["相対幅"]))
    assert [yen.tolist() for yen in found] == [column(row[name]).tolist() for name in ("目標", "下限", "上限")]


@cases("to-band")
def trades_to_a_band(row: dict[str, str]) -> None:
    """Compare the trades, their sum with the flow, and the turnover with the table and the formula."""
    held, target, low, high = (column(row[name]) for name in ("保有", "目標", "下限", "上限"))
    flow, fraction = whole(row["入出金"]), ppm(row["戻す割合"])
    trade = to_band(held, target, low, high, flow, fraction)
    assert trade.tolist() == column(row["売買"]).tolist()
    low, high = low + (target.clip(low, high) - low) * fraction // 10**6, high - (high - target.clip(low, high)) * fraction // 10**6
    below, above = np.maximum(low - held, 0).sum(), np.maximum(held - high, 0).sum()
    assert abs(trade).sum() == whole(row["売買高"]) == 2 * max(below, above + flow) - flow and trade.sum() == flow


@cases("flow-only")
def trades_of_a_flow(row: dict[str, str]) -> None:
    """Compare the trades that place a flow."""
    trade = flow_only(column(row["保有"]), column(row["目標"]), whole(row["入出金"]))
    assert trade.tolist() == column(row["売買"]).tolist()


@cases("sale-tax")
def tax_of_a_sale(row: dict[str, str]) -> None:
    """Compare the tax on each yen sold."""
    found = sale_tax_ppm([whole(row["評価額"])], [whole(row["取得費"])], ppm(row["税率"]))
    assert found.tolist() == [ppm(row["1 円あたりの税"])]


@cases("tax-aware")
def trades_after_tax(row: dict[str, str]) -> None:
    """Compare the trades that weigh distance against costs, without limits but no position below zero."""
    held, target = column(row["保有"]), column(row["目標"])
    costs = [column(row["売る費用"], ppm), column(row["買う費用"], ppm), column(row["1 % に見合うずれ"])]
    trade = tax_aware(held, target, np.zeros_like(held), np.full_like(held, MOST_YEN), whole(row["入出金"]), *costs)
    assert trade.tolist() == column(row["売買"]).tolist()


@cases("whole-units")
def trades_in_whole_units(row: dict[str, str]) -> None:
    """Compare the lots and how far from the targets they leave the sleeve, within the budget."""
    lot, held, target = (column(row[name]) for name in ("1 口の値段", "保有口数", "目標"))
    limits = [column(row[name]) for name in ("最低口数", "最高口数") if name in row]
    trade = whole_units(lot, held, target, whole(row["予算"]), whole(row["最低売買金額"]), *limits)
    assert trade.tolist() == column(row["売買口数"]).tolist()
    yen = (held + trade) * lot
    assert abs(yen - target).sum() == whole(row["差の合計"]) and yen.sum() <= whole(row["予算"])
