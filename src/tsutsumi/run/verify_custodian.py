"""The books against the custodian (口座管理機関との突合の検証), on every day.

The custodian's own book is made a second time, from the first day on, out of the orders and flows that the closes told it; the
paper custodian is written from docs/close.md alone. Its executions must be those that were booked, and its accounts the sums of
the sleeves. The custodian of the house is asked for the last day.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from tsutsumi.core.allocation import share_partial_fills
from tsutsumi.core.schema import Frame, empty, length
from tsutsumi.ports.paper import PaperCustodian
from tsutsumi.run.day_run import custodian_market, new_orders, regather, told_allocations, told_flows
from tsutsumi.run.verify_books import account_balances
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, rows_of

CUSTODIAN_FILE = "custodian.sqlite"
FILL_NAMES = (
    "custodian_no", "instrument_no", "side_code", "placed_date", "priced_date", "settlement_date", "price", "fx_ppm",
    "filled_units",
)


def copy_custodian(source: Path, target: Path) -> None:
    """Copy a custodian's file as it stands, with what lies in its log (写し)."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


class Custodians:
    """Σ sleeves per account = the custodian's account, units and yen, on every day (口座＝運用口の合計)."""

    def __init__(self, bench: Bench, cut: int = 0) -> None:
        """`cut`: the day at whose end a copy of the second custodian is kept, as `cut_file`."""
        self.bench, self.cut, self.cut_file = bench, cut, bench.folder / "custodian-cut.sqlite"
        self.file = bench.folder / "custodian-again.sqlite"
        self.custodian = PaperCustodian(self.file)
        self.breaks = self.breaks_checked = 0
        self.last: Day | None = None
        self.holdings: Frame = {}
        self.tally = Tally(
            "custodian", "口座管理機関との一致", "Σ sleeves = the custodian's account",
            "Σ sleeves of an account = the custodian's account, units and yen, on every day of the history",
            "口座残高×日 balances of accounts × days", "不一致 breaks",
        )
        self.fills = Tally(
            "executions", "約定の再現", "executions made again",
            "the orders and flows of every day, told to a second custodian, give the executions that were booked",
            "約定 executions", "不一致 differences",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        reference, number = self.bench.reference, day.books.day
        gathered = regather(reference, day.before, reference.timeline.index_of(number), day.tables)
        told = day.table("inputs.distributions")
        paid = {} if told is None else {i: (a, p) for i, a, p in rows_of(told, "instrument_no", "amount", "per_units")}
        answered = self.custodian.fills(number, custodian_market(gathered.rules, gathered.inputs, paid))
        self._compare_fills(day, answered)
        tell(self.custodian, day, gathered.inputs.allocated)
        self.holdings = self.custodian.holdings(number)
        self._compare(day, self.holdings, "the second custodian")
        breaks = day.table("breaks")
        self.breaks += 0 if breaks is None else length(breaks)
        self.breaks_checked += 1
        if number == self.cut:
            copy_custodian(self.file, self.cut_file)
        self.last = day

    def _compare_fills(self, day: Day, answered: Frame) -> None:
        booked = day.table("inputs.fills")
        ours = set() if booked is None else set(rows_of(booked, *FILL_NAMES))
        theirs = set(rows_of({"side_code": answered["side"], **answered}, *FILL_NAMES))
        self.fills.look(len(ours | theirs))
        for row in sorted(ours ^ theirs):
            whose = "booked" if row in ours else "answered"
            self.fills.short(1, f"{day.date}: {dict(zip(FILL_NAMES, row, strict=True))} was only {whose}")

    def _compare(self, day: Day, holdings: Frame, who: str) -> None:
        names = ("account_no", "instrument_no", "units")
        ours = dict(zip(names, account_balances(day.books), strict=True))
        self.tally.look(length(ours))
        if all(np.array_equal(ours[name], holdings[name]) for name in names):
            return
        mine, theirs = ({row[:2]: row[2] for row in rows_of(of, *names)} for of in (ours, holdings))
        for key in sorted(key for key in mine.keys() | theirs.keys() if mine.get(key, 0) != theirs.get(key, 0)):
            what = "yen" if key[1] == 0 else f"units of instrument {key[1]}"
            told = f"sleeves {mine.get(key, 0):,} {what}, {who} {theirs.get(key, 0):,}"
            self.tally.short(1, f"{day.date}: account {key[0]}: {told}")

    def _ask_the_house(self) -> None:
        """Compare the last day with the custodian of the house itself, on a copy of its file."""
        source, last = self.bench.house.folder / CUSTODIAN_FILE, self.last
        if last is None:
            return
        if not source.is_file():
            self.tally.short(1, f"{source}: the custodian's file is missing: restore it from a backup")
            return
        copy = self.bench.folder / "custodian-last.sqlite"
        copy_custodian(source, copy)
        custodian = PaperCustodian(copy)
        try:
            fills = last.tables.get("inputs.fills")
            lots = self.bench.reference.instruments["lot_units"]
            allocated = share_partial_fills(last.before.orders, fills, lots, last.books.day) if fills else None
            tell(custodian, last, allocated)  # a kill may have come between the close and this; told twice it changes nothing
            self._compare(last, custodian.holdings(last.books.day), "the custodian")
        except ValueError as error:
            self.tally.short(1, f"the custodian of the house does not know {last.date}: {error}")
        finally:
            custodian.close()

    def checks(self) -> list[Check]:
        """Return the checks."""
        self._ask_the_house()
        problems = self.custodian.problems()
        self.custodian.close()
        for date, kind, account in zip(problems["date"].tolist(), problems["kind"], problems["account_no"].tolist(), strict=True):
            self.tally.short(1, f"day {date}: account {account}: {kind} at the custodian")
        if not self.tally.figure:
            self.tally.short(self.breaks, f"{self.breaks:,} breaks were found by the closes, and none here")
        self.tally.note(f"締めの突合で見つかった差異 breaks found by the closes {self.breaks:,}（{self.breaks_checked:,} 日 days）")
        return [self.tally.check(), self.fills.check()]


def tell(custodian: PaperCustodian, day: Day, allocated: Frame | None) -> None:
    """Tell a custodian what the close of a day decided and booked (発注・入出金の再通知)."""
    orders, flows = (day.tables.get(name, empty(name)) for name in ("orders", "flows"))
    shared = {} if allocated is None else told_allocations(allocated)
    custodian.receive(day.books.day, new_orders(orders, day.books.day), told_flows(flows), shared)

