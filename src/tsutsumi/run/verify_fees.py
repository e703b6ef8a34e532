"""Fees (報酬の検証): each is split without a rest, every contract is charged for every day of its life exactly once, and what was
collected is what was charged."""

from collections import defaultdict

import numpy as np

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.flows import FEE
from tsutsumi.core.schema import length, take
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, rows_of

KEY = ("contract_no", "component_no", "end_date")


class FeeShares:
    """Σ shares of the parties = fee; Σ fees charged = Σ fees collected + Σ dues still open (報酬配分・徴収)."""

    def __init__(self, bench: Bench) -> None:
        self.contract_of = {row["sleeve_no"]: row["contract_no"] for row in bench.reference.tables["sleeves"]}
        self.charged: dict[tuple, int] = {}
        self.cut = self.cut_count = self.shared = 0
        self.collected: dict[int, int] = defaultdict(int)
        self.dues: dict[int, int] = {}
        self.tally = Tally(
            "fee_shares", "報酬配分の合計＝報酬", "shares of the parties = fee",
            "every fee is split among the parties without a rest, and collected once, or still due", "報酬明細 fees",
            "差額円 yen of difference",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        fees, shares = day.table("fees"), day.table("fee_shares")
        split: dict[tuple, int] = defaultdict(int)
        for *key, yen in [] if shares is None else rows_of(shares, *KEY, "share_yen"):
            split[tuple(key)] += yen
        for *key, yen, charged in [] if fees is None else rows_of(fees, *KEY, "fee_yen", "charged_date"):
            self._fee(day, tuple(key), yen, charged, split)
        for key in split:
            self.tally.short(abs(split[key]), f"{day.date}: shares of {key} without a fee")
        self._money(day)

    def _fee(self, day: Day, key: tuple, yen: int, charged: int, split: dict[tuple, int]) -> None:
        contract, component, end = key
        name = f"{day.date}: contract {contract}, component {component}, period to {from_epoch_day(end)}"
        if charged == day.books.day:
            self.tally.look(1)
            if key in self.charged:
                self.tally.short(yen, f"{name}: charged a second time")
            parties = split.pop(key, 0)
            self.shared += parties
            self.tally.short(abs(parties - yen), f"{name}: fee {yen:,}, shares {parties:,}")
            self.charged[key] = yen
        elif yen != self.charged.get(key):
            cut = self.charged.get(key, 0) - yen
            if cut < 0:
                self.tally.short(-cut, f"{name}: it grew after it was charged")
            self.cut, self.cut_count = self.cut + cut, self.cut_count + 1
            self.charged[key] = yen

    def _money(self, day: Day) -> None:
        flows = day.table("flows")
        for sleeve, kind, yen in [] if flows is None else rows_of(flows, "sleeve_no", "kind_code", "amount_yen"):
            if kind == FEE:
                self.collected[self.contract_of[sleeve]] -= yen
        self.dues = defaultdict(int)
        for contract, yen in rows_of(day.books.dues, "contract_no", "amount_yen"):
            self.dues[contract] += yen

    def checks(self) -> list[Check]:
        """Return the check."""
        owed: dict[int, int] = defaultdict(int)
        for (contract, *_), yen in self.charged.items():
            owed[contract] += yen
        for contract in owed.keys() | self.collected.keys() | self.dues.keys():
            left = owed[contract] - self.collected[contract] - self.dues.get(contract, 0)
            told = f"charged {owed[contract]:,}, collected {self.collected[contract]:,}, due {self.dues.get(contract, 0):,}"
            self.tally.short(abs(left), f"contract {contract}: {told}")
        self.tally.note(f"計上 charged {sum(owed.values()) + self.cut:,} 円 yen、徴収 collected {sum(self.collected.values()):,}、"
                        f"未徴収 due {sum(self.dues.values()):,}、配分 shared {self.shared:,}")
        if self.cut_count:
            self.tally.note(f"終了時に現金まで減額 cut to the cash at a closing: {self.cut_count:,} fees, {self.cut:,} 円 yen")
        return [self.tally.check()]


class FeeCoverage:
    """Every day of a contract's life lies in exactly one charged period or in the one that runs (報酬の計上もれ・重複なし)."""

    def __init__(self, bench: Bench) -> None:
        self.periods: dict[int, dict[tuple[int, int], list[int]]] = defaultdict(dict)
        self.opened: dict[int, int] = {}
        self.left: dict[int, int] = {}
        self.running: dict[int, tuple[int, int]] = {}
        self.served: set[int] = set()
        self.day = 0
        self.tally = Tally(
            "fee_coverage", "報酬の計上もれ・重複なし", "every contract day is charged once",
            "every contract is charged for every calendar day of its life exactly once; today's days run in the open period",
            "契約×日 contracts × calendar days", "もれ・重複日 days missed or doubled",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        contracts = day.books.contracts
        numbers = contracts["contract_no"]
        if not np.array_equal(numbers, day.before.contracts["contract_no"]):
            for number in np.setdiff1d(numbers, day.before.contracts["contract_no"]).tolist():
                self.opened[number] = day.books.day
            for number in np.setdiff1d(day.before.contracts["contract_no"], numbers).tolist():
                self.left[number] = day.before.day
        self.served |= set(np.unique(day.books.sleeves["contract_no"]).tolist())
        fees = day.table("fees")
        if fees is not None:
            today = take(fees, fees["charged_date"] == day.books.day)
            for contract, component, start, end in rows_of(today, "contract_no", "component_no", "start_date", "end_date"):
                self.periods[contract].setdefault((start, end), []).append(component)
        self.running = {row[0]: row[1:] for row in rows_of(contracts, "contract_no", "period_start_date", "period_end_date")}
        self.day = day.books.day

    def checks(self) -> list[Check]:
        """Return the check."""
        for contract, opened in self.opened.items():
            if contract in self.left and contract not in self.served:
                continue  # it ended without ever having a sleeve
            last = self.left.get(contract, self.day)
            self.tally.look(last - opened + 1)
            following = opened
            for (start, end), components in sorted(self.periods[contract].items()):
                if start != following:
                    self._short(contract, following, start)
                if sorted(components) != list(range(len(components))):
                    self._short(contract, start, end + 1)
                following = end + 1
            start, end = self.running.get(contract, (following, following))
            if contract in self.left and following != last + 1:
                self._short(contract, following, last + 1)
            if contract not in self.left and (start != following or (start <= last and end <= last)):
                self._short(contract, following, max(start, last + 1))
        count = sum(len(of) for of in self.periods.values())
        self.tally.note(f"契約 contracts {len(self.opened):,}（終了 ended {len(self.left):,}）、計算期間 periods charged {count:,}")
        return [self.tally.check()]

    def _short(self, contract: int, first: int, until: int) -> None:
        days = abs(until - first) or 1
        self.tally.short(days, f"contract {contract}: {days} days from {from_epoch_day(min(first, until))} missed or charged twice")


class FeeBase:
    """The base of every fee is the daily average of the contract's values, summed anew from the books (報酬の基準額).

    Two sums run beside each other, with cash and without it; the terms of a period's first day say which one counts.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        size = 2, max((row["contract_no"] for row in bench.reference.tables["contracts"]), default=0) + 1
        self.total = np.zeros(size, np.int64)     # Σ daily base up to the end of the day before
        self.base = np.zeros(size, np.int64)      # base of the day before
        self.charged = np.zeros(size, np.int64)   # Σ daily base up to the end of the last charged period
        self.tally = Tally(
            "fee_base", "報酬の基準額＝日々の時価の平均", "fee base = daily average of values",
            "the base of a fee is the sum of the contract's daily values over the period, each calendar day once, by its days",
            "報酬明細 fees", "差額円 yen of difference",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        gap = day.books.day - day.before.day
        today, fees = self._base(day), day.table("fees")
        if fees is not None:
            fees = take(fees, fees["charged_date"] == day.books.day)
            self._compare(day, fees, gap, today)
        self.total += self.base * (gap - 1) + today
        self.base = today

    def _compare(self, day: Day, fees, gap: int, today: np.ndarray) -> None:
        """A period that ends between two closes takes the value of the earlier one for the days until its end."""
        self.tally.look(length(fees))
        rows = sorted(set(rows_of(fees, "end_date", "start_date", "contract_no", "program_no", "base_yen")))
        for end, start, contract, program, base in rows:
            until = self.total[:, contract] + self.base[:, contract] * min(end - day.before.day, gap - 1)
            until += today[:, contract] if end == day.books.day else 0
            which = int(self.bench.reference.terms_on(program, start).cash == "excluded")
            expected = int(until[which] - self.charged[which, contract]) // (end - start + 1)
            told = f"{expected:,} by the values, {base:,} charged"
            self.tally.short(abs(expected - base), f"{day.date}: contract {contract}, {from_epoch_day(start)}: {told}")
            self.charged[:, contract] = until

    def _base(self, day: Day) -> np.ndarray:
        sleeves, base = day.books.sleeves, np.zeros(self.total.shape, np.int64)
        for row, value in enumerate((sleeves["value_yen"], sleeves["value_yen"] - sleeves["cash_yen"])):
            np.add.at(base[row], sleeves["contract_no"], np.maximum(value, 0))
        return base

    def checks(self) -> list[Check]:
        """Return the check."""
        return [self.tally.check()]
