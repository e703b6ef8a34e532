"""Fees (報酬の検証): each is split without a rest, every contract is charged for every day of its life exactly once, and what was
collected is what was charged."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from tsutsumi.core.books import FEE_KEY
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import CHARGE, CREDITS, FEE_KINDS
from tsutsumi.core.fee_states import CONTRACT, CONTRACT_COLUMNS
from tsutsumi.core.flows import FEE
from tsutsumi.core.schema import take
from tsutsumi.run.fee_lives import leaving
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, rows_of

KEY = FEE_KEY


class FeeShares:
    """Σ shares of the parties = fee; Σ fees charged = Σ fees collected + Σ dues still open (報酬配分・徴収)."""

    def __init__(self, bench: Bench) -> None:
        self.contract_of = {row["sleeve_no"]: row["contract_no"] for row in bench.reference.tables["sleeves"]}
        self.charged: dict[tuple, int] = {}
        self.cut = self.cut_count = self.shared = 0
        self.collected: dict[int, int] = defaultdict(int)
        self.dues: dict[int, int] = {}
        self.credits: dict[int, int] = {}
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
        contract, _, component, kind, start = key
        name = f"{day.date}: contract {contract}, component {component}, {FEE_KINDS[kind]} from {from_epoch_day(start)}"
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
            parties = split.pop(key, 0)
            self.shared += parties - self.charged.get(key, 0)
            self.tally.short(abs(parties - yen), f"{name}: cut to {yen:,}, shares {parties:,}")
            self.charged[key] = yen

    def _money(self, day: Day) -> None:
        flows = day.table("flows")
        for sleeve, kind, yen in [] if flows is None else rows_of(flows, "sleeve_no", "kind_code", "amount_yen"):
            if kind == FEE:
                self.collected[self.contract_of[sleeve]] -= yen
        self.dues = defaultdict(int)
        for contract, yen in rows_of(day.books.dues, "contract_no", "amount_yen"):
            self.dues[contract] += yen
        self.credits = dict(rows_of(day.books.contracts, "contract_no", "credit_yen"))

    def checks(self) -> list[Check]:
        """Return the check."""
        owed: dict[int, int] = defaultdict(int)
        for (contract, _, _, kind, _), yen in self.charged.items():
            owed[contract] += -yen if kind in CREDITS else yen
        for contract in owed.keys() | self.collected.keys() | self.dues.keys():
            left = owed[contract] - self.collected[contract] - self.dues.get(contract, 0) + self.credits.get(contract, 0)
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
        self.charged_on: dict[tuple[int, int, int], int] = {}
        self.restarts: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        self.opened: dict[int, int] = {}
        self.left: dict[int, int] = {}
        self.leaving: set[int] = set()
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
            today = take(fees, (fees["charged_date"] == day.books.day) & (fees["kind_code"] == CHARGE))
            for contract, component, start, end in rows_of(today, "contract_no", "component_no", "start_date", "end_date"):
                self.periods[contract].setdefault((start, end), []).append(component)
                self.charged_on[contract, start, end] = day.books.day
        self._restarted(day)
        self.running = {row[0]: row[1:] for row in rows_of(contracts, "contract_no", "period_start_date", "period_end_date")}
        self.day, self.leaving = day.books.day, leaving(day.books)

    def _restarted(self, day: Day) -> None:
        """Note the contracts whose first day was corrected today (開始日の訂正): their periods go on from another day."""
        states = day.table("inputs.fee_states")
        if states is None:
            return
        before = {row[0]: row[1] for row in rows_of(day.before.contracts, "contract_no", "opened_date")}
        places = [CONTRACT_COLUMNS.index(name) for name in ("opened_date", "period_start_date", "period_end_date")]
        told: dict[int, dict[int, int]] = defaultdict(dict)
        for contract, kind, place, value in rows_of(states, "contract_no", "kind_code", "step_no", "amount_yen"):
            if kind == CONTRACT and place in places:
                told[contract][place] = value
        for contract, of in told.items():
            if of[places[0]] != before.get(contract):
                self.restarts[contract].append((day.books.day, day.before.day, of[places[1]], of[places[2]]))

    def _chains(self, contract: int, opened: int) -> Iterator[tuple[int, list[tuple[tuple[int, int], list[int]]]]]:
        """Yield (first day, charged periods): one chain, or one more after each correction of the first day."""
        charged, restarts = sorted(self.periods[contract].items()), self.restarts.get(contract, [])
        days = [day for day, *_ in restarts]
        for place in range(len(restarts) + 1):
            mine = [of for of in charged if bisect_right(days, self.charged_on[contract, *of[0]]) == place]
            first = opened
            if place:  # in advance the period that ran on the eve is charged already
                _, eve, start, end = restarts[place - 1]
                ahead = any(until > eve >= self.charged_on[contract, since, until] for (since, until), _ in charged)
                first = end + 1 if ahead else start
            yield first, mine

    def checks(self) -> list[Check]:
        """Return the check."""
        for contract, opened in self.opened.items():
            if contract in self.left and contract not in self.served:
                continue  # it ended without ever having a sleeve
            charged, last = self.periods[contract], self.left.get(contract, self.day)
            ended = contract in self.left or contract in self.leaving
            if not charged and ended:
                continue  # a contract without a balance fee, or one that ended on the evening it opened
            self.tally.look(last - opened + 1)
            for following, periods in self._chains(contract, opened):
                for (start, end), components in periods:
                    if start != following:
                        self._short(contract, following, start)
                    if len(set(components)) != len(components):
                        self._short(contract, start, end + 1)
                    following = end + 1
            start, end = self.running.get(contract, (following, following))
            if ended and following <= last:
                self._short(contract, following, last + 1)
            if not ended and charged and following not in (start, end + 1):
                self._short(contract, following, max(start, last + 1))
        count = sum(len(of) for of in self.periods.values())
        self.tally.note(f"契約 contracts {len(self.opened):,}（終了 ended {len(self.left):,}）、計算期間 periods charged {count:,}")
        return [self.tally.check()]

    def _short(self, contract: int, first: int, until: int) -> None:
        days = abs(until - first) or 1
        self.tally.short(days, f"contract {contract}: {days} days from {from_epoch_day(min(first, until))} missed or charged twice")
