"""§8, "aim" and docs/rules/rebalancing.md: how far a rebalance by calendar or breach goes back, in whole yen."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from tests.oracles.day_oracle.money import ceiling
from tests.oracles.day_oracle.state import MILLION, House, Sleeve

PERCENT = 10_000                             # 1 % in ppm


@dataclass
class Position:
    """One position of an aim, cash first; what it may be worth in the end."""

    held: int
    weight: int
    target: int
    can_order: bool
    low: int = 0
    high: int = 0
    sale_cost_ppm: int = 0

    @property
    def gap(self) -> int:
        """What is missing to the target."""
        return self.target - self.held

    @property
    def least(self) -> int:
        """The trade that brings it to its lower limit."""
        return self.low - self.held

    @property
    def most(self) -> int:
        """The trade that brings it to its upper limit."""
        return self.high - self.held


@cache
def tax_rates() -> list[dict]:
    """The dated rates of the tax on gains, of the statute that comes with the software."""
    text = files("tsutsumi").joinpath("statute", "sale_tax_rates.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def tax_rate_ppm(house: House, sleeve: Sleeve, day: date) -> int:
    """`rate` that of the account's tax class in force on d."""
    account = next(row for row in house.tables["accounts"] if row["account_no"] == sleeve.account_no)
    rows = [row for row in tax_rates()
            if row["tax_class"] == account["tax_class"] and date.fromisoformat(row["valid_from_date"]) <= day]
    return int(max(rows, key=lambda row: row["valid_from_date"])["rate_ppm"]) if rows else 0


def sale_cost_ppm(house: House, sleeve: Sleeve, number: int, day: date, yen) -> int:
    """`floor(rate × max(value − tax_cost, 0) / value) + levy_ppm` (at most 10^6) of the account's holding at the price in force.
    Reading: a holding that is worth nothing bears the levy alone.
    """
    key = (sleeve.account_no, number)
    value, cost = yen(number, house.account_units.get(key, 0)), house.account_cost.get(key, 0)
    tax = tax_rate_ppm(house, sleeve, day) * max(value - cost, 0) // value if value > 0 else 0
    return min(tax + house.instruments[number]["levy_ppm"], MILLION)


def set_limits(position: Position, total: int, rules: dict) -> None:
    """`low`, `high`: the last whole yen inside the band; never beyond the target, `high = t` where `w = 0`; both move toward the
    target by `floor(distance × rebalance_fraction_ppm / 10^6)`; `low = high = v_i` of what cannot be ordered.

    Reading: what cannot be ordered does not move.
    """
    weight, target = position.weight, position.target
    if not position.can_order:
        position.low = position.high = position.held
        return
    reach = total * rules["band_absolute_ppm"]
    if rules["band_relative_ppm"] > 0 and weight > 0:
        reach = min(reach, ceiling(total * weight * rules["band_relative_ppm"], MILLION))
    low = min(max((total * weight - reach) // MILLION + 1, 0), target)
    high = max(ceiling(total * weight + reach, MILLION) - 1, target) if weight else target
    fraction = rules["rebalance_fraction_ppm"]
    position.low = low + (target - low) * fraction // MILLION
    position.high = high - (high - target) * fraction // MILLION


def raised(trades: list[int], left: int, may: list[int]) -> list[int]:
    """The last yen one each to the largest trades, of equal ones the first."""
    for place in sorted(may, key=lambda place: (-abs(trades[place]), place))[:left]:
        trades[place] += 1
    return trades


def at_level(level: int, gaps: list[int], bounds: list[tuple[int, int]]) -> list[int]:
    """Every trade as near to its gap less the level as its bounds allow."""
    return [min(max(gap - level, low), high) for gap, (low, high) in zip(gaps, bounds, strict=True)]


def levelled(gaps: list[int], bounds: list[tuple[int, int]], whole: int) -> list[int]:
    """Σ (gap − trade)² least in whole yen with Σ trades = whole: what is still missing is level; the last yen one each to the
    largest trades that the next level would raise. The least level at which the trades are not above the whole, by bisection.
    """
    under, over = min(gap - high for gap, (_, high) in zip(gaps, bounds, strict=True)) - 1, 0
    over = max(gap - low for gap, (low, _) in zip(gaps, bounds, strict=True)) + 1
    while over - under > 1:
        middle = (under + over) // 2
        if sum(at_level(middle, gaps, bounds)) <= whole:
            over = middle
        else:
            under = middle
    trades, next_ones = at_level(over, gaps, bounds), at_level(over - 1, gaps, bounds)
    may = [place for place, trade in enumerate(trades) if next_ones[place] > trade]
    return raised(trades, whole - sum(trades), may)


def band_trades(positions: list[Position]) -> list[int]:
    """The trades of least turnover that bring every position within its limits, Σ trades = 0, and of those the ones nearest to
    the targets. `B = Σ max(0, low − held)`, `S = Σ max(0, held − high)`, turnover `2 × max(B, S)`: of the side that has to do less
    everything is given, what the other side needs more is levelled over those that are not on the first one.
    """
    buys = [max(0, one.least) for one in positions]
    sales = [max(0, -one.most) for one in positions]
    if sum(buys) >= sum(sales):                          # only what is below its limit buys, exactly up to it
        bounds = [(buy, buy) if buy else (min(one.least, 0), min(one.most, 0)) for buy, one in zip(buys, positions, strict=True)]
    else:                                                # only what is above its limit sells, exactly down to it
        bounds = [(-sale, -sale) if sale else (max(one.least, 0), max(one.most, 0))
                  for sale, one in zip(sales, positions, strict=True)]
    return levelled([one.gap for one in positions], bounds, 0)


def next_yen(position: Position, trade: int, stretch: int) -> int:
    """What one yen more than a trade adds to `(held + trade − t)² / 2 + sale × z`, twice; the more the larger the trade is.
    `z = floor(sale cost × stretch / 10^4)` yen: a sale cost of 1 % weighs as much as a distance of `stretch`.
    """
    farther = 2 * (trade - position.gap) + 1
    return farther - 2 * (position.sale_cost_ppm * stretch // PERCENT) if trade < 0 else farther


def given(position: Position, price: int, stretch: int) -> int:
    """The least trade within the limits of which the next yen adds `price` or more."""
    low, high = position.least, position.most
    while low < high:
        middle = (low + high) // 2
        if next_yen(position, middle, stretch) >= price:
            high = middle
        else:
            low = middle + 1
    return low


def tax_trades(positions: list[Position], stretch: int) -> list[int]:
    """Of the trades with Σ trades = 0 within the limits those that minimise Σ `(held + trade − t)² / 2 + sale × z` in whole yen:
    every yen that adds less than a price is given, the last ones at that price one each to the largest trades.
    """
    ends = [next_yen(one, trade, stretch) for one in positions for trade in (one.least, one.most)]
    under, over = min(ends) - 1, max(ends) + 2
    while over - under > 1:                              # the highest price at which the trades are not above 0
        middle = (under + over) // 2
        if sum(given(one, middle, stretch) for one in positions) <= 0:
            under = middle
        else:
            over = middle
    trades = [given(one, under, stretch) for one in positions]
    may = [place for place, one in enumerate(positions)
           if trades[place] < one.most and next_yen(one, trades[place], stretch) == under]
    return raised(trades, -sum(trades), may)


def aimed(positions: list[Position], total: int, rules: dict) -> list[int] | None:
    """The trades of an aim of `rebalance_kind` `band` or `tax`; where the limits cannot be met, none."""
    for position in positions:
        set_limits(position, total, rules)
    if not sum(one.low for one in positions) <= total <= sum(one.high for one in positions):
        return None
    if rules["rebalance_kind"] == "band":
        return band_trades(positions)
    return tax_trades(positions, max(1, total * rules["rebalance_stretch_ppm"] // MILLION))
