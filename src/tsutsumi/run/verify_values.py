"""Values and profit (時価と損益の検証): Δ value = Σ external flows + profit, with profit told from what made it.

Profit of a sleeve and day = price moves of what it held + what its fills were worth against their yen + distributions − fees.
Everything is computed from the day's facts and the accepted prices; nothing of the close's valuation is used.
"""

import numpy as np

from tsutsumi.core.flows import DISTRIBUTION, EXTERNAL_LAST, FEE
from tsutsumi.core.ladder import PRICED, SALE
from tsutsumi.core.schema import Frame, length
from tsutsumi.run.verify_check import Bench, Check, Day, Tally

PARTS = {
    "flows": "入出金 external flows", "prices": "値動き price moves", "trades": "約定差 fills against prices",
    "distributions": "分配金 distributions", "fees": "報酬 fees",
}


class Profit:
    """Δ value = Σ (deposits, withdrawals, transfers) + profit, to the yen, per sleeve and day (時価の増減＝入出金＋損益)."""

    def __init__(self, bench: Bench) -> None:
        self.size = max((row["sleeve_no"] for row in bench.reference.tables["sleeves"]), default=0) + 1
        self.worth = np.zeros(self.size, np.int64)
        self.net_flow = np.zeros(self.size, np.int64)
        self.sums = dict.fromkeys(PARTS, 0)
        self.start = self.end = None
        self.tally = Tally(
            "profit", "時価の増減＝入出金＋損益", "change of value = flows + profit",
            "Δ value = Σ (deposits, withdrawals, transfers) + profit, to the yen; fees, tax and distributions are inside profit",
            "運用口×日 sleeves × days", "差額円 yen of difference",
        )
        self.valuation = Tally(
            "valuation", "時価評価", "valuation", "value = Σ floor(units × price × fx / 10^…) + cash + receivables − payables",
            "運用口×日 sleeves × days", "差額円 yen of difference",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        before, after = day.before, day.books
        outside, fees, distributions = self._flows(day)
        paid = self._paid_for_units(day)
        worth = self._worth(day, after)
        moved = self._worth(day, before) - self.worth
        change = self._spread(after.sleeves, "value_yen") - self._spread(before.sleeves, "value_yen")
        trades = worth - self.worth - moved - paid
        self._count(day, change - outside - moved - trades - distributions - fees)
        self._value(day, worth)
        self.net_flow += outside
        numbers = after.sleeves["sleeve_no"]
        for number in numbers[after.sleeves["net_flow_yen"] != self.net_flow[numbers]].tolist():
            self.tally.short(1, f"{day.date}: net flow of sleeve {number} is not the sum of its flows {self.net_flow[number]:,}")
        for name, part in zip(PARTS, (outside, moved, trades, distributions, fees), strict=True):
            self.sums[name] += int(part.sum())
        self.worth = worth
        self.start = int(before.sleeves["value_yen"].sum()) if self.start is None else self.start
        self.end = int(after.sleeves["value_yen"].sum())

    def _spread(self, of: Frame, column: str) -> np.ndarray:
        spread = np.zeros(self.size, np.int64)
        spread[of["sleeve_no"]] = of[column]
        return spread

    def _worth(self, day: Day, books) -> np.ndarray:
        """Return per sleeve what the units of the given books are worth at today's prices."""
        held = np.flatnonzero(books.positions["held_units"])
        worth = np.zeros(self.size, np.int64)
        yen = day.quotes.yen(books.positions["instrument_no"][held], books.positions["held_units"][held])
        np.add.at(worth, books.positions["sleeve_no"][held], yen)
        return worth

    def _flows(self, day: Day) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = tuple(np.zeros(self.size, np.int64) for _ in range(3))
        flows = day.table("flows")
        if flows is not None:
            kinds = flows["kind_code"]
            for total, mask in zip(found, (kinds <= EXTERNAL_LAST, kinds == FEE, kinds == DISTRIBUTION), strict=True):
                np.add.at(total, flows["sleeve_no"][mask], flows["amount_yen"][mask])
        return found

    def _paid_for_units(self, day: Day) -> np.ndarray:
        """Return per sleeve the yen of today's purchases less those of its sales."""
        paid, orders = np.zeros(self.size, np.int64), day.table("orders")
        if orders is not None:
            rows = np.flatnonzero((orders["status_code"] == PRICED) & (orders["priced_date"] == day.books.day))
            sign = np.where(orders["side_code"][rows] == SALE, -1, 1)
            np.add.at(paid, orders["sleeve_no"][rows], orders["filled_yen"][rows] * sign)
        return paid

    def _count(self, day: Day, off: np.ndarray) -> None:
        self.tally.look(length(day.books.sleeves))
        for number in np.flatnonzero(off).tolist():
            self.tally.short(abs(int(off[number])), f"{day.date}: sleeve {number}: {int(off[number]):,} yen cannot be explained")

    def _value(self, day: Day, worth: np.ndarray) -> None:
        sleeves = day.books.sleeves
        numbers = sleeves["sleeve_no"]
        self.valuation.look(numbers.size)
        value = worth[numbers] + sleeves["cash_yen"] + sleeves["receivable_yen"] - sleeves["payable_yen"]
        for row in np.flatnonzero((value != sleeves["value_yen"]) | (worth[numbers] != sleeves["positions_yen"])).tolist():
            found, told = int(value[row]), int(sleeves["value_yen"][row])
            self.valuation.short(abs(found - told) or 1, f"{day.date}: sleeve {numbers[row]}: {told:,} yen, recomputed {found:,}")

    def checks(self) -> list[Check]:
        """Return the checks."""
        parts = "、".join(f"{PARTS[name]} {total:,}" for name, total in self.sums.items())
        self.tally.note(f"{parts}、計 together {sum(self.sums.values()):,}")
        if self.end is not None:
            change = self.end - self.start
            self.tally.note(f"時価の増減 change of value over the whole history {change:,}")
            self.tally.short(abs(change - sum(self.sums.values())), "the parts do not make the change over the whole history")
        return [self.tally.check(), self.valuation.check()]
