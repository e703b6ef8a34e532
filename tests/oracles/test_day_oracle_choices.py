"""The slow close's aims, lots and terms of drawing: as in the tables of docs/rules, against trying everything; what they reach."""

import random
from collections import Counter
from datetime import date
from itertools import product
from types import SimpleNamespace

import pytest

from tests.cases.fees import parts, ppm, whole
from tests.oracles.day_oracle import drawings
from tests.oracles.day_oracle.aims import Position, band_trades, set_limits, tax_trades
from tests.oracles.day_oracle.lots import Line, may_be, nearest
from tests.oracles.day_oracle.simulate import simulate
from tests.oracles.day_oracle.state import Sleeve
from tests.oracles.random_choices import RULES as DRAWING_RULES
from tests.oracles.random_choices import random_choices_house
from tests.oracles.rebalancing_oracle import every_trade
from tests.test_cases import RULES, tables

MOST_YEN = 10**12


def rows_of(page: str, name: str) -> list:
    """The rows of the tables of a name on a page."""
    found = tables((RULES / f"{page}.md").read_text("utf-8"))
    return [pytest.param(row, id=f"{line}") for of, _, rows in found if of == name for line, row in rows]


def column(row: dict, name: str, read=whole) -> list[int]:
    """The numbers of a cell."""
    return [read(part) for part in parts(row[name])]


def positions(held, target, low, high, costs=None) -> list[Position]:
    """Positions with their limits."""
    costs = costs or [0] * len(held)
    return [Position(h, 0, t, True, a, b, c) for h, t, a, b, c in zip(held, target, low, high, costs, strict=True)]


# ---- the tables


@pytest.mark.parametrize("row", rows_of("rebalancing", "band-limits"))
def test_limits_are_those_of_the_table(row):
    worth, weights, target = whole(row["評価額"]), column(row, "配分", ppm), column(row, "目標")
    rules = {"band_absolute_ppm": ppm(row["絶対幅"]), "band_relative_ppm": ppm(row["相対幅"]), "rebalance_fraction_ppm": 0}
    found = [Position(0, weight, aim, True) for weight, aim in zip(weights, target, strict=True)]
    for one in found:
        set_limits(one, worth, rules)
    assert [one.low for one in found] == column(row, "下限") and [one.high for one in found] == column(row, "上限")


@pytest.mark.parametrize("row", [row for row in rows_of("rebalancing", "to-band") if row.values[0]["入出金"] == "0"])
def test_trades_to_the_band_are_those_of_the_table(row):
    held, target, low, high = (column(row, name) for name in ("保有", "目標", "下限", "上限"))
    fraction = ppm(row["戻す割合"])
    low = [a + max(t - a, 0) * fraction // 10**6 for a, t in zip(low, target, strict=True)]
    high = [b - max(b - t, 0) * fraction // 10**6 for b, t in zip(high, target, strict=True)]
    assert band_trades(positions(held, target, low, high)) == column(row, "売買")


def plain(row: dict) -> bool:
    """As in the close: no flow, no cost of a purchase, everything equally patient."""
    free = set(column(row, "買う費用", ppm)) == {0} and len(set(column(row, "1 % に見合うずれ"))) == 1
    return row["入出金"] == "0" and free


@pytest.mark.parametrize("row", [row for row in rows_of("rebalancing", "tax-aware") if plain(row.values[0])])
def test_trades_after_tax_are_those_of_the_table(row):
    held, target, costs = column(row, "保有"), column(row, "目標"), column(row, "売る費用", ppm)
    found = positions(held, target, [0] * len(held), [MOST_YEN] * len(held), costs)
    assert tax_trades(found, column(row, "1 % に見合うずれ")[0]) == column(row, "売買")


@pytest.mark.parametrize("row", [row for row in rows_of("rebalancing", "whole-units") if "最高口数" not in row.values[0]])
def test_lots_are_those_of_the_table(row):
    lot, held, target = (column(row, name) for name in ("1 口の値段", "保有口数", "目標"))
    lines = [Line(p, h, t, 0) for p, h, t in zip(lot, held, target, strict=True)]
    found = nearest(lines, whole(row["予算"]), whole(row["最低売買金額"]))
    assert [h + trade for h, trade in zip(held, column(row, "売買口数"), strict=True)] in found


@pytest.mark.parametrize("row", rows_of("saving-and-drawing", "drawing-terms"))
def test_terms_draw_what_the_table_says(row):
    said = dict(part.split("=") for part in row["設定"].split(";") if part)
    numbers = {name: text if name == "timing" else int(text) for name, text in said.items()}
    until = date.fromisoformat(row["最後の日"]) if row["最後の日"] else None
    terms = {"band_ppm": 200_000, "step_ppm": 100_000, "rise_ppm": 0, "rate_ppm": 0, "amount_yen": 0, "timing": "start",
             "safe_ppm": 0, **numbers, "sleeve_no": 2, "rule_kind": row["条件"], "day_of_month": 7, "until_date": until,
             "valid_from_date": date.fromisoformat(row["効き始め"])}
    alerts, states = [], {}
    if row["前回"]:
        last, since = row["前回"].split()
        states[2] = whole(last), date.fromisoformat(since)
    house = SimpleNamespace(
        tables={"drawing_terms": [terms]}, drawing_states=states, rules_of=lambda *_: {"withdrawal_limit_ppm": 900_000},
        alert=lambda kind, _: alerts.append(kind), dues=lambda _: [])
    sleeve, named = Sleeve(2, 1, 1, 1, opened_date=date(2020, 1, 1), value=whole(row["残高"])), date(2026, 12, 7)
    found = [part for part in drawings.parts_of(house, sleeve, named.replace(day=1)) if part.named == named]
    assert (drawings.by_terms(house, sleeve, found, named) if found else 0) == whole(row["額"])
    assert alerts == ([row["警告"]] if row["警告"] else [])
    assert not row["起点"] or states[2] == (whole(row["額"]), date.fromisoformat(row["起点"]))


# ---- trying everything


def small_positions(rng: random.Random) -> list[Position]:
    """Two to four positions of a few yen, whose limits can be met."""
    while True:
        count = rng.randint(2, 4)
        held = [rng.randint(0, 12) for _ in range(count)]
        target = [rng.randint(0, 12) for _ in range(count - 1)]
        target.append(sum(held) - sum(target))
        low = [max(0, t - rng.randint(0, 5)) for t in target]
        high = [t + rng.randint(0, 5) for t in target]
        if rng.random() < 0.3:
            low[0] = high[0] = held[0]
        if target[-1] >= 0 and sum(low) <= sum(held) <= sum(high):
            return positions(held, target, low, high, [rng.choice([0, 20_000, 81_260, 500_000]) for _ in held])


def squares(found: list[Position], trade) -> int:
    return sum((one.gap - yen) ** 2 for one, yen in zip(found, trade, strict=True))


def after_tax(found: list[Position], trade, stretch: int) -> int:
    sales = sum(max(-yen, 0) * (one.sale_cost_ppm * stretch // 10_000) for one, yen in zip(found, trade, strict=True))
    return squares(found, trade) + 2 * sales


@pytest.mark.parametrize("seed", range(40))
def test_no_other_trades_are_better(seed):
    rng = random.Random(seed)
    found, stretch = small_positions(rng), rng.randint(1, 9)
    least, most = [one.least for one in found], [one.most for one in found]
    best = min((sum(map(abs, trade)), squares(found, trade)) for trade in every_trade(least, most, 0))
    trade = band_trades(found)
    assert sum(trade) == 0 and all(low <= yen <= high for low, yen, high in zip(least, trade, most, strict=True))
    assert (sum(map(abs, trade)), squares(found, trade)) == best
    best = min(after_tax(found, trade, stretch) for trade in every_trade(least, most, 0))
    trade = tax_trades(found, stretch)
    assert sum(trade) == 0 and all(low <= yen <= high for low, yen, high in zip(least, trade, most, strict=True))
    assert after_tax(found, trade, stretch) == best


@pytest.mark.parametrize("seed", range(40))
def test_every_nearest_choice_of_lots_is_found(seed):
    rng = random.Random(seed)
    lines = []
    for _ in range(rng.randint(1, 3)):
        held = rng.randint(0, 5)
        lines.append(Line(rng.choice([3, 5, 7, 10]), held, rng.randint(0, 40), rng.choice([0, 0, held])))
    budget, minimum = sum(line.target for line in lines) + rng.choice([0, 0, -10]), rng.choice([1, 6, 15])
    ways = product(*([lots for lots in range(30) if may_be(line, lots, minimum)] for line in lines))
    told = [(sum(abs(n * line.lot_yen - line.target) for n, line in zip(way, lines, strict=True)), list(way)) for way in ways
            if sum(n * line.lot_yen for n, line in zip(way, lines, strict=True)) <= budget]
    least = min((distance for distance, _ in told), default=None)
    found = nearest(lines, budget, minimum)
    assert bool(found) == bool(told)
    if told:
        best = min((sum(n * line.lot_yen for n, line in zip(way, lines, strict=True)), way) for far, way in told if far == least)
        assert best[1] in found and all((least, way) in told for way in found)


# ---- what the random houses reach


@pytest.mark.fuzz
def test_the_houses_of_choices_reach_everything():
    found, reasons = Counter(), Counter()
    for seed in range(2000, 2016):
        case = random_choices_house(random.Random(seed))
        house = simulate(**case)
        for order in house.orders:
            rules = house.rules_of(house.sleeves[order.sleeve_no], order.decided_date)
            reasons[order.reason, rules["rebalance_kind"], rules["lot_rounding"], order.side] += 1
        found.update(kind for _day, kind, _number in house.alerts)
        found.update(fee.kind for fee in house.fees)
        for applied in house.applied.values():
            found.update(name for name in ("values", "money", "running", "uncharged") if getattr(applied, name))
            found["sums"] += any(applied.base_sums.values())
            terms = house.contracts[applied.contract_no].period.terms
            found["by the day"] += terms["base"]["measure"] == "daily" and bool(applied.day_bases)
            found["marks"] += bool(applied.marks) and any(one["kind"] == "performance" for one in terms["component"])
            found["month ends"] += bool(applied.deposits) and any(applied.month_ends)
        for payout in house.payouts:
            row = drawings.terms_in_force(house, payout.sleeve_no, payout.promised_date)
            found["drawn", row["rule_kind"] if row and payout.kind == "drawing" else payout.kind] += 1
        for before, after in zip(list(house.days.values())[:-1], list(house.days.values())[1:], strict=True):
            for sleeve, state in after.drawing_states.items():
                known = before.drawing_states.get(sleeve)
                found["rails"] += known is not None and known != state
                found["review"] += known is not None and known[1] != state[1]
    kinds = [(reason, kind, side) for reason in ("breach", "calendar") for kind in ("target", "band", "tax")
             for side in ("buy", "sell")]
    lots = [(kind, lots) for kind in ("target", "band", "tax", "flow") for lots in ("down", "nearest")]
    assert not set(kinds) - {(reason, kind, side) for reason, kind, _lots, side in reasons}
    assert not set(lots) - {key[1:3] for key in reasons}
    assert not [key for key in reasons if key[0] in ("breach", "calendar") and key[1] == "flow"]
    names = [("drawn", rule) for rule in DRAWING_RULES]
    names += ["drawing_cut", "drawing_refused", "correction", "refund of a correction", "fee_credit", "rails", "review",
              "values", "money", "running", "uncharged", "sums", "by the day", "marks", "month ends"]
    assert [name for name in names if not found[name]] == []
