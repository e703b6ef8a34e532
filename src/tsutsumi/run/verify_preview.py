"""Preview equals charge (試算＝計上): every fee that the close charged, computed again for its contract alone.

The close prices the whole book in columns; a preview on a screen, an explanation and `tsutsumi fees` price one contract from its
values and flows, in fractions. Here both stand beside each other for every contract and every period of the house's life.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date as Date

import numpy as np

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import FEE_KINDS
from tsutsumi.core.fee_engine import FeeEntry, fee_schedule
from tsutsumi.core.fee_history import FlowRow, ValueRow, contract_history
from tsutsumi.core.fee_terms import FeeTermsError, Terms
from tsutsumi.core.flows import EXTERNAL_LAST
from tsutsumi.core.schema import take
from tsutsumi.run.fee_terms_book import FeeTermsBook
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, rows_of


@dataclass
class Life:
    """What is known of a contract for its fees (報酬計算の資料): values, bases and flows by day, and the fees charged."""

    program_no: int
    opened: int
    values: dict[int, tuple[int, int]] = field(default_factory=dict)
    flows: dict[int, int] = field(default_factory=dict)
    fees: dict[tuple, int] = field(default_factory=dict)
    ended: int = 0

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


class FeePreview:
    """Every fee of the close = the fee that the calculator gives for the same values (報酬の試算＝計上)."""

    def __init__(self, bench: Bench) -> None:
        self.book, self.contract_of = bench.reference.fee_terms, bench.reference.registry.sleeves["contract_no"]
        self.by_sleeve = {row["program_no"] for row in bench.reference.tables["program_rules"]
                          if row.get("performance_scope") == "sleeve"}
        self.lives: dict[int, Life] = {}
        self.day = 0
        self.tally = Tally(
            "fee_preview", "報酬の試算＝計上", "preview = charge",
            "every fee that was charged is what the calculator gives for the contract alone, from the same values and flows",
            "報酬明細 fees", "差額円 yen of difference",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        books, contracts = day.books, day.books.contracts
        for number, program, opened in rows_of(contracts, "contract_no", "program_no", "opened_date"):
            self.lives.setdefault(number, Life(program, opened))
        sleeves = books.sleeves
        values: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        excluded = {number: self._terms(number).cash == "excluded" for number in set(sleeves["contract_no"].tolist())}
        for contract, value, cash in rows_of(sleeves, "contract_no", "value_yen", "cash_yen"):
            values[contract][0] += value
            values[contract][1] += max(value - (cash if excluded[contract] else 0), 0)
        for number in contracts["contract_no"].tolist():
            self.lives[number].values[books.day] = tuple(values[number]) if number in values else (0, 0)
        self._flows(day)
        fees = day.table("fees")
        if fees is not None:
            fresh = take(fees, fees["charged_date"] == books.day)
            names = ("contract_no", "sleeve_no", "component_no", "kind_code", "start_date", "end_date", "fee_yen")
            for contract, sleeve, component, kind, start, end, yen in rows_of(fresh, *names):
                self.lives[contract].fees[sleeve, component, FEE_KINDS[kind], start, end, kind] = yen
        ending = np.setdiff1d(day.before.contracts["contract_no"], contracts["contract_no"]).tolist()
        for number in ending:
            self.lives[number].ended = day.before.day
        self.day = books.day

    def _terms(self, number: int) -> Terms:
        life = self.lives[number]
        return self.book.contract_terms(number, life.program_no, life.opened, life.opened)[1]

    def _flows(self, day: Day) -> None:
        flows = day.table("flows")
        for sleeve, kind, yen in () if flows is None else rows_of(flows, "sleeve_no", "kind_code", "amount_yen"):
            life = self.lives.get(int(self.contract_of[sleeve]))
            if kind <= EXTERNAL_LAST and life is not None and not life.ended:
                life.flows[day.books.day] = life.flows.get(day.books.day, 0) + yen

    def checks(self) -> list[Check]:
        """Return the check."""
        changed = 0
        for number, life in self.lives.items():
            terms = life.changed_terms(self.book, number, self.day)
            if len(terms) > 1 or (terms[0].performance and life.program_no in self.by_sleeve):
                changed += 1
                continue
            self._compare(number, life, terms[0])
        if changed:
            self.tally.note(f"契約 contracts whose terms changed, or with a mark per sleeve, left out: {changed:,}")
        return [self.tally.check()]

    def _compare(self, number: int, life: Life, terms: Terms) -> None:
        try:
            told = self._told(life, terms)
        except FeeTermsError as error:
            self.tally.short(1, f"contract {number}: {error}")
            return
        charged: dict[tuple, list[int]] = defaultdict(list)
        for (_, component, kind, start, end, _), yen in life.fees.items():
            charged[terms.components[component].name, kind, start, end].append(yen)
        self.tally.look(len(life.fees))
        for key in told.keys() | charged.keys():
            ours, theirs = sorted(charged.get(key, [])), sorted(told.get(key, []))
            if ours != theirs:
                name, kind, start, end = key
                span = f"{from_epoch_day(start)} to {from_epoch_day(end)}"
                amount = abs(sum(ours) - sum(theirs)) or 1
                self.tally.short(amount, f"contract {number}: {name}, {kind}, {span}: charged {ours}, previewed {theirs}")

    def _told(self, life: Life, terms: Terms) -> dict[tuple, list[int]]:
        told: dict[tuple, list[int]] = defaultdict(list)
        for entry in life.schedule(terms, self.day):
            for name, yen in entry.components.items():
                told[name, entry.kind, _number(entry.start), _number(entry.end)].append(yen)
        return told


def _number(day: Date) -> int:
    return (day - Date(1970, 1, 1)).days
