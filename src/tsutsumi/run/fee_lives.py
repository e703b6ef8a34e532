"""What each contract's fees were computed from (報酬計算の資料), from the closed days: values, bases, flows, fees charged."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import CORRECTION, FEE_KINDS
from tsutsumi.core.fee_engine import FeeEntry, fee_schedule
from tsutsumi.core.fee_history import FlowRow, ValueRow, contract_history
from tsutsumi.core.fee_terms import Terms
from tsutsumi.core.flows import EXTERNAL_LAST
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.schema import Frame, take
from tsutsumi.run.fee_facts import Past
from tsutsumi.run.fee_terms_book import FeeTermsBook
from tsutsumi.run.verify_check import rows_of


def leaving(books: Books) -> set[int]:
    """Return the contracts that were charged to their end this evening and are paid out tomorrow (翌営業日に払い出す契約)."""
    payouts = books.payouts
    return set(payouts["contract_no"][(payouts["kind_code"] == P_TERMINATION) & (payouts["pay_date"] > books.day)].tolist())


@dataclass
class Life:
    """What is known of a contract for its fees (報酬計算の資料): values, bases and flows by day, and the fees charged."""

    program_no: int
    opened: int
    values: dict[int, tuple[int, int]] = field(default_factory=dict)
    flows: dict[int, int] = field(default_factory=dict)
    fees: dict[tuple, int] = field(default_factory=dict)
    ended: int = 0
    running: int = 0

    def begin_on(self, old: int, new: int) -> None:
        """Let the contract begin on another day than the one that the books know (開始日の訂正)."""
        if new < old:
            self.values[new] = self.values[old]
            self.flows.pop(old, None)
        self.flows = {day: yen for day, yen in self.flows.items() if day > new}
        self.opened = new

    def schedule(self, terms: Terms, through: int) -> list[FeeEntry]:
        """Return what one contract with this history is charged (報酬明細); cash is what the base leaves out."""
        through = from_epoch_day(self.ended or through)
        profit = bool(terms.performance)
        rows = [
            ValueRow(from_epoch_day(day), value if profit else base, value - base if profit else 0)
            for day, (value, base) in self.values.items()
        ]
        flows = [FlowRow(from_epoch_day(day), yen) for day, yen in self.flows.items() if not self.ended or day <= self.ended]
        opened, ended = from_epoch_day(self.opened), from_epoch_day(self.ended) if self.ended else None
        return fee_schedule(terms, contract_history(rows, flows, opened, through, ended))

    def changed_terms(self, book: FeeTermsBook, contract_no: int, through: int) -> list[Terms]:
        """Return the distinct terms that were in force at the start of a charged period or of the contract, in order."""
        starts = sorted({self.opened} | {key[3] for key in self.fees if key[2] == "charge" and key[3] <= through})
        found: list[Terms] = []
        for start in starts:
            terms = book.contract_terms(contract_no, self.program_no, self.opened, start)[1]
            if not found or found[-1] is not terms:
                found.append(terms)
        return found


class Lives:
    """The lives of all contracts, or of those named, day by day (契約の履歴)."""

    def __init__(
        self, book: FeeTermsBook, contract_of_sleeve: np.ndarray, only: Iterable[int] | None = None, past: Past | None = None
    ) -> None:
        self.book, self.contract_of, self.only = book, contract_of_sleeve, None if only is None else frozenset(only)
        self.past = past
        self.of: dict[int, Life] = {}
        self.known: set[int] = set()
        self.day = 0

    def add(self, tables: dict[str, Frame], books: Books) -> None:
        """Take in one day: its tables, and the books at its end."""
        contracts = books.contracts
        numbers = set(contracts["contract_no"].tolist())
        for number in self.known - numbers:
            self.of[number].ended = self.day
        for number, program, opened, start in rows_of(contracts, "contract_no", "program_no", "opened_date", "period_start_date"):
            if self.only is None or number in self.only:
                self.of.setdefault(number, Life(program, opened)).running = start
        self.known = numbers & self.of.keys()
        seen = None if self.past is None else self.past.look(tables, books)
        self._values(books, books.sleeves["value_yen"] + (0 if seen is None else seen.value_yen))
        parts = [part for part in (tables.get("flows"), seen and seen.flows) if part]
        for sleeve, kind, yen in (row for part in parts for row in rows_of(part, "sleeve_no", "kind_code", "amount_yen")):
            life = self.of.get(int(self.contract_of[sleeve]))
            if kind <= EXTERNAL_LAST and life is not None and not life.ended:
                life.flows[books.day] = life.flows.get(books.day, 0) + yen
        fees = tables.get("fees")
        if fees:
            fresh = take(fees, fees["charged_date"] == books.day)
            names = ("contract_no", "sleeve_no", "component_no", "kind_code", "start_date", "end_date", "fee_yen")
            for contract, sleeve, component, kind, start, end, yen in rows_of(fresh, *names):
                if contract in self.of and kind < CORRECTION:
                    self.of[contract].fees[sleeve, component, FEE_KINDS[kind], start, end, kind] = yen
        self.day = books.day
        for number in leaving(books) & self.known:
            self.of[number].ended = books.day

    def _values(self, books: Books, value_yen: np.ndarray) -> None:
        values: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        excluded = {number: self.terms(number).cash == "excluded" for number in self.known}
        owners = rows_of(books.sleeves, "contract_no", "cash_yen")
        for (contract, cash), value in zip(owners, value_yen.tolist(), strict=True):
            if contract in self.known:
                values[contract][0] += value
                values[contract][1] += max(value - (cash if excluded[contract] else 0), 0)
        for number in self.known:
            self.of[number].values[books.day] = tuple(values[number]) if number in values else (0, 0)

    def terms(self, number: int) -> Terms:
        """Return the terms that a contract began with."""
        life = self.of[number]
        return self.book.contract_terms(number, life.program_no, life.opened, life.opened)[1]
