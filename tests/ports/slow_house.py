"""A small house that trades at random, and keeps its own slow book of every account with exact fractions.

It stands for the mandate side in the tests of a custodian: market, orders, flows, the split of partial fills. All of it
follows from the seed and the fills, so a house begun again gets to the same figures.
"""

from collections import defaultdict
from fractions import Fraction
from math import ceil, floor
from random import Random

import numpy as np

from tests.ports.frames import allocations, flows, market, orders, rows
from tsutsumi.ports import Frame

FUNDS = {
    1: dict(price_base_units=10_000, price=10_000, levy_ppm=3_000, amount_mode=1, lag=0, buys=3, sells=4),
    2: dict(price_base_units=10_000, price=23_456, levy_ppm=0, amount_mode=1, lag=1, buys=5, sells=6),
    3: dict(price_base_units=1, price=2_345, levy_ppm=0, amount_mode=0, lot_units=10, lag=0, buys=2, sells=2),
    4: dict(price_base_units=1, price=9_876, price_scale=2, levy_ppm=0, amount_mode=0, lag=1, buys=3, sells=3),
}


class SlowHouse:
    """Market and closes of a few accounts, day by day (business days are 0, 1, 2 ...)."""

    def __init__(self, seed: int, accounts: int = 6) -> None:
        self.seed, self.accounts = seed, range(1, accounts + 1)
        self.units: dict[tuple[int, int], int] = defaultdict(int)
        self.live: list[dict] = []
        self.trades: list[tuple[int, int, int]] = []  # settlement_date, account_no, yen into cash
        self.flowed: dict[int, int] = defaultdict(int)
        self.distributed: dict[int, int] = defaultdict(int)
        self.sleeve_no = 0

    def market(self, day: int) -> Frame:
        """Return the market of a day, a function of seed and day alone."""
        table = []
        for number, fund in FUNDS.items():
            random = Random(f"market {self.seed} {day} {number}")
            row = {name: value for name, value in fund.items() if name not in ("lag", "buys", "sells")}
            row |= dict(instrument_no=number, price=fund["price"] + random.randrange(-fund["price"] // 10, fund["price"] // 10))
            row |= dict(fx_ppm=150_000_000 + random.randrange(9_999_999)) if number == 4 else {}
            row |= dict(status=int(random.random() < 0.2), buy_settlement_date=day + fund["buys"])
            row |= dict(sell_settlement_date=day + fund["sells"])
            row |= dict(zip(("split_old", "split_new"), random.choice([(1, 2), (3, 2), (10, 7)]), strict=True)) \
                if random.random() < 0.05 else {}
            row |= dict(distribution=random.randrange(1, 90), distribution_per_units=random.choice([1_000, 10_000])) \
                if random.random() < 0.1 else {}
            table.append(row)
        self.today = {row["instrument_no"]: row for row in table}
        return market(day, *table)

    def cash(self, account_no: int, day: int) -> int:
        """Settled yen: flows, settled trades and distributions, nothing else."""
        settled = sum(yen for date, account, yen in self.trades if account == account_no and date <= day)
        return self.flowed[account_no] + self.distributed[account_no] + settled

    def balances(self, day: int) -> dict[tuple[int, int], int]:
        """Return what the custodian must hold, {(account_no, instrument_no): units}, without zeros."""
        kept = {key: units for key, units in self.units.items() if units}
        return kept | {(account, 0): cash for account in self.accounts if (cash := self.cash(account, day))}

    def close(self, day: int, fills: Frame) -> tuple[Frame, Frame, Frame]:
        """Book the day and its fills; return the orders, flows and allocations of the evening."""
        self._change_capital()
        shares = self._book(day, fills)
        return self._decide(day), self._flow(day), allocations(*shares) if shares else {}

    def _change_capital(self) -> None:
        held_before = dict(self.units)
        for (account, number), held in held_before.items():
            fund = self.today[number]
            ratio = Fraction(fund.get("split_new", 1), fund.get("split_old", 1))
            self.units[account, number] = floor(held * ratio)
            per = 10 ** fund.get("price_scale", 0) * fund.get("distribution_per_units", 1)
            self.distributed[account] += floor(
                Fraction(held * fund.get("distribution", 0), per) * Fraction(fund.get("fx_ppm", 1_000_000), 1_000_000)
            )
        split = {number for number, fund in self.today.items() if fund.get("split_new", 1) != fund.get("split_old", 1)}
        self.live = [order for order in self.live if order["instrument_no"] not in split]

    def _book(self, day: int, fills: Frame) -> list[tuple]:
        shares, groups = [], defaultdict(int)
        done = {row[:3]: row[3:] for row in rows(fills, "instrument_no", "side", "placed_date", "filled_units", "settlement_date")}
        left = {key: filled for key, (filled, _) in done.items() if filled > 0}
        for order in [order for order in self.live if self._block(order) in done]:
            self.live.remove(order)
            account, number, side = order["account_no"], order["instrument_no"], order["side"]
            filled, settlement_date = done[self._block(order)]
            given = order["asked_units"]
            if filled >= 0:  # first come, first served: the custodian takes any split that adds up
                given = min(given, left.get(self._block(order), 0))
                left[self._block(order)] = left.get(self._block(order), 0) - given
            if filled > 0 and given:
                shares.append((account, number, side, order["placed_date"], given))
            if filled != 0:
                groups[account, number, side, settlement_date, 0] += given
                groups[account, number, side, settlement_date, 1] += order["asked_yen"]
        for account, number, side, settlement_date, which in groups:
            if which == 0:
                asked = [groups[account, number, side, settlement_date, k] for k in (0, 1)]
                self._trade(account, number, side, settlement_date, *asked)
        return [(*key, sum(s[4] for s in shares if s[:4] == key)) for key in dict.fromkeys(s[:4] for s in shares)]

    def _trade(self, account: int, number: int, side: int, settlement_date: int, units: int, yen: int) -> None:
        fund = self.today[number]
        price = Fraction(fund["price"])
        if side == 0:
            price = Fraction(floor(price * (1 - Fraction(fund["levy_ppm"], 1_000_000))))
        worth = price / 10 ** fund.get("price_scale", 0) / fund["price_base_units"] * Fraction(fund.get("fx_ppm", 10**6), 10**6)
        if side == 0:
            yen = floor(units * worth)
        elif fund["amount_mode"]:
            units = floor(yen / worth)
        else:
            yen = ceil(units * worth)
        self.units[account, number] += units if side else -units
        self.trades.append((settlement_date, account, -yen if side else yen))

    def _decide(self, day: int) -> Frame:
        random, table = Random(f"orders {self.seed} {day}"), []
        spent = defaultdict(int)
        for account in self.accounts:
            for number, fund in FUNDS.items():
                if random.random() < 0.4:
                    continue
                self.sleeve_no += 1
                order = dict(sleeve_no=self.sleeve_no, account_no=account, custodian_no=1, instrument_no=number)
                order |= dict(side=random.randrange(2), placed_date=day + 1, priced_date=day + 1 + fund["lag"])
                order |= dict(settlement_date=day + 9, asked_yen=0, asked_units=0, limit_price=0)
                today = self.today[number]
                limit = today["price"] * today.get("fx_ppm", 1_000_000) * 105 // 100
                free = self.cash(account, day) - spent[account] - sum(
                    order["asked_yen"] for order in self.live if order["account_no"] == account and order["side"]
                ) + sum(min(yen, 0) for date, owner, yen in self.trades if owner == account and date > day)
                if order["side"] == 0:
                    selling = sum(o["asked_units"] for o in self.live if self._key(o) == (account, number, 0))
                    order["asked_units"] = (self.units[account, number] - selling) // random.choice([1, 2, 3])
                elif fund["amount_mode"]:
                    order["asked_yen"] = free // random.choice([3, 4, 7])
                else:
                    cost = Fraction(limit, 10 ** (fund.get("price_scale", 0) + 6)) / fund["price_base_units"]
                    lot = fund.get("lot_units", 1)
                    order |= dict(asked_units=floor(free // 3 / cost) // lot * lot, limit_price=limit)
                    order["asked_yen"] = ceil(order["asked_units"] * cost)
                if order["asked_yen"] + order["asked_units"] > 0:
                    spent[account] += order["asked_yen"] if order["side"] else 0
                    table.append(order)
        self.live += [dict(order) for order in table]
        return orders(day, *table) if table else {}

    def _flow(self, day: int) -> Frame:
        random = Random(f"flows {self.seed} {day}")
        table = [(account, random.randrange(1, 1_000_000), "deposit") for account in self.accounts if random.random() < 0.4]
        for account, yen, _ in table:
            self.flowed[account] += yen
        return flows(*table) if table else {}

    @staticmethod
    def _block(order: dict) -> tuple[int, int, int]:
        return order["instrument_no"], order["side"], order["placed_date"]

    @staticmethod
    def _key(order: dict) -> tuple[int, int, int]:
        return order["account_no"], order["instrument_no"], order["side"]


def run(custodian, house: SlowHouse, days: int, check=None) -> list[bytes]:
    """Close days 0 .. days - 1 from the beginning, whatever the custodian has seen already; return the bytes of all answers."""
    answers = []
    for day in range(days):
        fills = custodian.fills(day, house.market(day))
        custodian.receive(day, *house.close(day, fills))
        answers.append(b"".join(np.ascontiguousarray(values).tobytes() for values in fills.values()))
        if check is not None:
            check(day)
    last = custodian.holdings(days - 1)
    return [*answers, *(values.tobytes() for values in last.values())]
