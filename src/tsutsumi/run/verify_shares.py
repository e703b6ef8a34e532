"""Blocks, fills and what is shared of them (一括注文・約定配分の検証), recomputed in plain whole numbers from docs/close.md §4."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from tsutsumi.core.flows import DISTRIBUTION
from tsutsumi.core.journal import SPLIT as SPLIT_LEDGER
from tsutsumi.core.journal import UNITS
from tsutsumi.core.ladder import CANCELLED, PLACED, PRICED, SALE
from tsutsumi.run.verify_books import WIDTH, account_units
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, rows_of
from tsutsumi.run.verify_quotes import PPM

BLOCK = ("custodian_no", "instrument_no", "side_code", "placed_date")
ORDER = ("account_no", "sleeve_no", "decided_date", "asked_units", "asked_yen", "filled_units", "filled_yen", "status_code")
ALL = -1
MASK = 2**64 - 1


def tie_of(sleeve_no: int, instrument_no: int, day: int) -> int:
    """Return the tie-break of the largest remainder (端数の順位): splitmix64, all mod 2^64.

    >>> tie_of(1, 2, 3) == tie_of(1, 2, 3), tie_of(1, 2, 3) != tie_of(2, 2, 3)
    (True, True)
    """
    z = ((sleeve_no * 1_000_003 + instrument_no) * 1_000_003 + day + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def shares(total: int, weights: list[int], ranks: list[tuple]) -> list[int]:
    """Return a total shared by largest remainder (最大剰余法); equal remainders go by rank ascending.

    >>> shares(10, [1, 1, 1], [(3,), (1,), (2,)])
    [3, 4, 3]
    """
    whole = sum(weights)
    if not whole:
        return [total, *[0] * (len(weights) - 1)]
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda k: (-(total * weights[k] % whole), ranks[k]))
    for k in order[: total - sum(parts)]:
        parts[k] += 1
    return parts


@dataclass(slots=True)
class _Order:
    """One order of a fill: what was asked and what it got."""

    account_no: int
    sleeve_no: int
    decided: int
    asked_units: int
    asked_yen: int
    units: int
    yen: int
    status: int


class Blocks:
    """Σ orders of a block = block, gross per side; every block that was answered is booked as answered (一括注文＝注文の合計)."""

    def __init__(self, bench: Bench) -> None:
        self.orders = self.fills = 0
        self.tally = Tally(
            "blocks", "一括注文＝注文の合計", "blocks are the sum of their orders",
            "Σ orders of a block = block, in units and yen, buys and sells apart; what the custodian filled is what sleeves got",
            "一括注文と約定 blocks and fills",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        orders = day.table("orders")
        if orders is not None:
            self._asked(day, orders)
        fills = day.table("inputs.fills")
        if fills is not None:
            self._filled(day, fills, orders)

    def _asked(self, day: Day, orders) -> None:
        asked: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
        tonight = orders["decided_date"] == day.books.day
        for row in rows_of({name: orders[name][tonight] for name in (*BLOCK, "asked_units", "asked_yen")},
                           *BLOCK, "asked_units", "asked_yen"):
            self.orders += 1
            asked[row[:4]][0] += row[4]
            asked[row[:4]][1] += row[5]
        blocks = day.table("blocks")
        told = {} if blocks is None else {row[:4]: list(row[4:]) for row in rows_of(blocks, *BLOCK, "asked_units", "asked_yen")}
        self.tally.look(len(told))
        for key in asked.keys() | told.keys():
            if asked.get(key) != told.get(key):
                self.tally.short(1, f"{day.date}: block {key}: orders ask {asked.get(key)}, the block says {told.get(key)}")

    def _filled(self, day: Day, fills, orders) -> None:
        waiting, booked = _waiting(day), defaultdict(list)
        if orders is not None:
            done = (orders["status_code"] == CANCELLED) | (
                (orders["status_code"] == PRICED) & (orders["priced_date"] == day.books.day))
            names = (*BLOCK, *ORDER)
            for row in rows_of({name: orders[name][done] for name in names}, *names):
                booked[row[:4]].append(_Order(*row[4:]))
        for row in rows_of(fills, *BLOCK, "filled_units"):
            key, told = row[:4], row[4]
            self.fills += 1
            self.tally.look(1)
            if len(booked[key]) != waiting.get(key, 0):
                self.tally.short(1, f"{day.date}: block {key}: {waiting.get(key, 0)} orders waited, {len(booked[key])} are booked")
            num, den = day.quotes.unit(key[1])
            for wrong in _wrong_fill(booked[key], told, num, den):
                self.tally.short(1, f"{day.date}: block {key}: {wrong}")

    def checks(self) -> list[Check]:
        """Return the check."""
        self.tally.note(f"注文 orders {self.orders:,}、約定した一括注文 fills {self.fills:,}")
        return [self.tally.check()]


def _waiting(day: Day) -> dict[tuple, int]:
    """Return how many orders of each block stood placed on the evening before."""
    waiting: dict[tuple, int] = defaultdict(int)
    before = day.before.orders
    for row in rows_of({name: before[name][before["status_code"] == PLACED] for name in BLOCK}, *BLOCK):
        waiting[row] += 1
    return waiting


def _wrong_fill(orders: list[_Order], told: int, num: int, den: int) -> list[str]:
    """Return what is wrong with the fill of one block; an amount that buys no unit, the account over, is cancelled."""
    wrong = []
    if told == ALL:
        for order in orders:
            got, asked = (order.units, order.asked_units) if order.asked_units else (order.yen, order.asked_yen)
            if order.status == PRICED and got != asked:
                wrong.append(f"all was filled, sleeve {order.sleeve_no} asked {asked:,} and got {got:,}")
            amount = sum(of.asked_yen for of in orders if of.account_no == order.account_no)
            if order.status == CANCELLED and asked and (order.asked_units or amount * den // num):
                wrong.append(f"all was filled, the order of sleeve {order.sleeve_no} was cancelled")
        return wrong
    if sum(order.units for order in orders) != told:
        wrong.append(f"{told:,} units were filled, the sleeves got {sum(order.units for order in orders):,}")
    return wrong + [f"sleeve {order.sleeve_no} got more than it asked" for order in orders if order.units > order.asked_units]


class Allocations:
    """Units and yen of a fill per account, and its shares to sleeves, by the formulas of docs/close.md §4 (約定配分)."""

    def __init__(self, bench: Bench) -> None:
        self.tally = Tally(
            "allocations", "約定配分＝規則どおり", "allocations follow the rule",
            "yen and units of a fill are fixed per account, instrument, side and price day, at the accepted price; its sleeves get"
            " their share by largest remainder, so that Σ sleeves = account", "約定の組 groups of fills",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        orders = day.table("orders")
        if orders is None:
            return
        mine = (orders["status_code"] == PRICED) & (orders["priced_date"] == day.books.day)
        names = ("instrument_no", "side_code", "fill_price", "fx_ppm", *ORDER)
        groups: dict[tuple, list[_Order]] = defaultdict(list)
        for row in rows_of({name: orders[name][mine] for name in names}, *names):
            groups[row[4], *row[:4]].append(_Order(*row[4:]))
        self.tally.look(len(groups))
        if len({key[:3] for key in groups}) != len(groups):
            self.tally.short(1, f"{day.date}: one account, instrument and side was filled at two prices")
        for (account, instrument, side, price, fx), of in groups.items():
            for wrong in self._wrong(day, instrument, side, price, fx, of):
                self.tally.short(1, f"{day.date}: account {account}, instrument {instrument}, side {side}: {wrong}")

    def _wrong(self, day: Day, instrument: int, side: int, price: int, fx: int, of: list[_Order]) -> list[str]:
        scale, base, levy = day.quotes.terms[instrument]
        accepted = day.quotes.price.get(instrument, 0)
        accepted = accepted * (PPM - levy) // PPM if side == SALE else accepted
        wrong = []
        if (price, fx) != (accepted, day.quotes.fx_ppm.get(instrument)):
            wrong.append(f"filled at {price} × {fx}, the accepted price is {accepted} × {day.quotes.fx_ppm.get(instrument)}")
        num, den = price * fx, 10**scale * base * PPM
        ranks = [(tie_of(order.sleeve_no, instrument, day.books.day), order.sleeve_no, order.decided) for order in of]
        if side != SALE and not any(order.asked_units for order in of):
            asked = [order.asked_yen for order in of]
            units = shares(sum(asked) * den // num, asked, ranks)
            expected = list(zip(units, asked, strict=True))
        else:
            units = [order.units for order in of]
            total = sum(units) * num // den if side == SALE else -(-sum(units) * num // den)
            expected = list(zip(units, shares(total, units, ranks), strict=True))
        if [(order.units, order.yen) for order in of] != expected:
            wrong.append(f"(units, yen) of the sleeves are {[(order.units, order.yen) for order in of]}, by the rule {expected}")
        return wrong

    def checks(self) -> list[Check]:
        """Return the check."""
        return [self.tally.check()]


class Capital:
    """Distributions and splits per account, and their shares to sleeves, by docs/close.md §3 (分配金・分割)."""

    def __init__(self, bench: Bench) -> None:
        self.yen = self.splits = 0
        self.tally = Tally(
            "capital", "分配金・分割＝規則どおり", "distributions and splits follow the rule",
            "a distribution is fixed per account on the units of the evening before, a split likewise; sleeves share by largest"
            " remainder", "口座×権利 accounts × rights",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        paid, changed = day.table("inputs.distributions"), day.table("inputs.splits")
        if paid is None and changed is None:
            return
        key, units = account_units(day.before)
        expected: dict[tuple[int, int], int] = {}
        booked = _flows(day)
        for instrument, amount, per_units in rows_of(paid, "instrument_no", "amount", "per_units") if paid is not None else []:
            den = 10 ** day.quotes.terms[instrument][0] * per_units * PPM
            num = amount * day.quotes.fx_ppm.get(instrument, PPM)
            held = [(int(k) // WIDTH, int(u)) for k, u in zip(key, units, strict=True) if k % WIDTH == instrument]
            expected = {account: count * num // den for account, count in held if count * num >= den}
            self.yen += sum(expected.values())
            self._compare(day, f"distribution of {instrument}", instrument, expected, booked.get(instrument, {}))
        if changed is None:
            return
        booked = _split_lines(day)
        for instrument, old, new in rows_of(changed, "instrument_no", "old_units", "new_units"):
            held = [(int(k) // WIDTH, int(u)) for k, u in zip(key, units, strict=True) if k % WIDTH == instrument]
            expected = {account: count * new // old - count for account, count in held if count * new // old != count}
            self.splits += len(held)
            self._compare(day, f"split of {instrument}", instrument, expected, booked.get(instrument, {}), (old, new))

    def _compare(self, day: Day, what: str, instrument: int, expected: dict, booked: dict, split: tuple = ()) -> None:
        self.tally.look(len(expected))
        for account in expected.keys() | booked.keys():
            of = booked.get(account, {})
            if sum(of.values()) != expected.get(account, 0):
                told = f"{sum(of.values()):,} booked, {expected.get(account, 0):,} by the rule"
                self.tally.short(1, f"{day.date}: {what}, account {account}: {told}")
                continue
            held = _held(day, account, instrument)
            ranks = [(tie_of(sleeve, instrument, day.books.day), sleeve) for sleeve in held]
            whole = sum(held.values())
            total = whole * split[1] // split[0] if split else expected.get(account, 0)
            parts = shares(total, list(held.values()), ranks)
            rule = {sleeve: part - (held[sleeve] if split else 0) for sleeve, part in zip(held, parts, strict=True)}
            if {sleeve: amount for sleeve, amount in rule.items() if amount} != of:
                self.tally.short(1, f"{day.date}: {what}, account {account}: sleeves got {of}, by the rule {rule}")

    def checks(self) -> list[Check]:
        """Return the check."""
        self.tally.note(f"分配金 distributions {self.yen:,} 円 yen、分割した口座 accounts with a split {self.splits:,}")
        return [self.tally.check()]


def _held(day: Day, account: int, instrument: int) -> dict[int, int]:
    """Return the units of the sleeves of an account in an instrument on the evening before, by sleeve."""
    books = day.before
    sleeves = books.sleeves["sleeve_no"][books.sleeves["account_no"] == account]
    of = books.positions
    rows = np.flatnonzero((of["instrument_no"] == instrument) & (of["held_units"] > 0) & np.isin(of["sleeve_no"], sleeves))
    return dict(zip(of["sleeve_no"][rows].tolist(), of["held_units"][rows].tolist(), strict=True))


def _nested(rows: list[tuple[int, int, int, int]]) -> dict[int, dict[int, dict[int, int]]]:
    """Return instrument -> account -> sleeve -> amount."""
    found: dict[int, dict[int, dict[int, int]]] = {}
    for instrument, account, sleeve, amount in rows:
        of = found.setdefault(instrument, {}).setdefault(account, {})
        of[sleeve] = of.get(sleeve, 0) + amount
    return found


def _flows(day: Day) -> dict[int, dict[int, dict[int, int]]]:
    flows = day.table("flows")
    if flows is None:
        return {}
    mine = flows["kind_code"] == DISTRIBUTION
    names = ("instrument_no", "account_no", "sleeve_no", "amount_yen")
    return _nested(rows_of({name: flows[name][mine] for name in names}, *names))


def _split_lines(day: Day) -> dict[int, dict[int, dict[int, int]]]:
    journal = day.table("journal")
    if journal is None:
        return {}
    entries = journal["entry_no"][journal["ledger_code"] == SPLIT_LEDGER]
    mine = (journal["ledger_code"] == UNITS) & np.isin(journal["entry_no"], entries)
    names = ("instrument_no", "account_no", "sleeve_no", "quantity")
    return _nested(rows_of({name: journal[name][mine] for name in names}, *names))
