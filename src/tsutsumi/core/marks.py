"""High-water marks (ハイウォーターマーク): of each performance component, of the contract or of each of its sleeves.

A mark is kept as the steps that made it, exact: mark = mark × after_yen / before_yen + amount_yen, step after step; a first
step has after_yen = 0. A deposit adds to the last step, a withdrawal that scales is a step of its own. Rules: docs/close.md §7.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tsutsumi.core.accrual import TermsInUse
from tsutsumi.core.books import Books
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, frame, length, row_in, sort, stack, take
from tsutsumi.core.sorting import sorted_order

KEY = ("contract_no", "sleeve_no", "component_no")
STEP = ("start_date", "after_yen", "before_yen", "amount_yen")


@dataclass(frozen=True, eq=False)
class Owners:
    """Whose marks there are (基準の持ち主), in the order of their key: contract row, sleeve row (-1: the contract), component."""

    contract_row: np.ndarray
    sleeve_row: np.ndarray
    component: np.ndarray
    keys: Frame

    def of(self, per_contract: np.ndarray, per_sleeve: np.ndarray) -> np.ndarray:
        """Return one figure per owner, of its contract or of its sleeve."""
        if per_sleeve.size == 0:
            return per_contract[self.contract_row]
        return np.where(self.sleeve_row < 0, per_contract[self.contract_row], per_sleeve[self.sleeve_row])


def mark_owners(books: Books, rules: Rules, used: TermsInUse, contract_of: np.ndarray) -> Owners:
    """Return every owner of a mark (成功報酬の対象): each performance component of each contract, or of each of its sleeves."""
    contracts, sleeves = books.contracts, books.sleeves
    charged = used.flag(lambda terms: bool(terms.performance))
    if charged is None:
        nobody = np.zeros(0, np.int64)
        return Owners(nobody, nobody, nobody, dict.fromkeys(KEY, nobody))
    by_sleeve = rules.programs["performance_sleeve"][contracts["program_no"]] > 0
    whole = np.flatnonzero(charged & ~by_sleeve)
    own = np.flatnonzero((charged & by_sleeve)[contract_of])
    contract_row = np.concatenate([whole, contract_of[own]])
    sleeve_row = np.concatenate([np.full(whole.size, -1), own])
    places = [[k for k, c in enumerate(terms.components) if c.kind == "performance"] for terms in used.terms]
    counts = np.array([len(of) for of in places], np.int64)[used.of_contract[contract_row]] if places else np.zeros(0, np.int64)
    at = np.repeat(np.arange(contract_row.size), counts)
    chosen = [places[number] for number in used.of_contract[contract_row].tolist()]
    component = np.array([k for of in chosen for k in of], np.int64)
    contract_row, sleeve_row = contract_row[at], sleeve_row[at]
    number = np.where(sleeve_row < 0, 0, sleeves["sleeve_no"][sleeve_row]) if sleeves["sleeve_no"].size else np.zeros(at.size, int)
    keys = {"contract_no": contracts["contract_no"][contract_row], "sleeve_no": number, "component_no": component}
    order = sorted_order(*keys.values()) if at.size else at
    return Owners(contract_row[order], sleeve_row[order], component[order], take(keys, order))


class Marks:
    """The marks of one evening (今夜の基準): started, moved by flows, read when a fee falls due. Only what moves is touched."""

    def __init__(self, books: Books, used: TermsInUse, owners: Owners) -> None:
        self.books, self.used, self.owners = books, used, owners
        table = books.fee_marks
        firsts = np.flatnonzero(table["step_no"] == 0)
        self.counts = np.diff(np.append(firsts, length(table)))
        self.first = np.full(owners.component.size, -1)
        if firsts.size and self.first.size:
            at = row_in(take({name: table[name] for name in KEY}, firsts), owners.keys, KEY)
            self.first[at >= 0] = firsts[at[at >= 0]]
            self.count = np.where(at >= 0, self.counts[at], 0)
        else:
            self.count = np.zeros(self.first.size, np.int64)
        self.touched: dict[int, list[tuple]] = {}
        self.created: set[int] = set()

    def _steps(self, k: int) -> list[tuple]:
        """Return the steps of an owner, to be written to."""
        if k not in self.touched:
            rows = slice(self.first[k], self.first[k] + self.count[k])
            self.touched[k] = list(zip(*(self.books.fee_marks[name][rows].tolist() for name in STEP), strict=True))
        return self.touched[k]

    def missing(self) -> np.ndarray:
        """Return the owners that have no mark yet."""
        none = self.first < 0
        none[list(self.touched)] = False
        return np.flatnonzero(none)

    def create(self, chosen: np.ndarray, value_today: np.ndarray, value_before: np.ndarray, terms_begin: bool = False) -> None:
        """Start marks (基準の開始) with the value of their first day.

        Parameters
        ----------
        chosen : owners;  value_today, value_before : int64 per owner
        terms_begin : the first day is that of the contract's period, else today; a sleeve of today starts today anyway
        """
        owners, books = self.owners, self.books
        for k in chosen.tolist():
            start = int(books.contracts["period_start_date"][owners.contract_row[k]]) if terms_begin else books.day
            if owners.sleeve_row[k] >= 0 and books.sleeves["opened_date"][owners.sleeve_row[k]] == books.day:
                start = books.day
            value = value_today[k] if start == books.day else value_before[k]
            self.touched[k] = [(start, 0, 1, int(value))]
            if start == books.day:
                self.created.add(k)

    def move(self, flow_yen: np.ndarray, value_today: np.ndarray) -> None:
        """Move the marks by the flows of the day (入出金による基準の移動); both are int64 per owner."""
        for k in np.flatnonzero(flow_yen).tolist():
            if k in self.created:
                continue
            steps, flow = self._steps(k), int(flow_yen[k])
            start, after, before, amount = steps[-1]
            terms = self.used.terms[self.used.of_contract[self.owners.contract_row[k]]]
            if flow > 0 or terms.components[int(self.owners.component[k])].mark == "subtracted":
                steps[-1] = (start, after, before, amount + flow)
            else:
                value = max(int(value_today[k]), 0)
                steps.append((start, value, value - flow, 0))

    def read(self, k: int) -> tuple[int, Fraction]:
        """Return the first day that an owner's next fee is for, and its mark, exact (基準)."""
        mark = Fraction(0)
        steps = self._steps(k)
        for _start, after, before, amount in steps:
            mark = mark * Fraction(after, before) + amount
        return steps[0][0], mark

    def fallen_due(self, k: int, start: int, mark_yen: int | None) -> None:
        """Begin the next span on `start`, with a new mark after a fee (利益確定); None leaves the mark (損失の繰越)."""
        steps = self._steps(k) if mark_yen is None else [(start, 0, 1, mark_yen)]
        self.touched[k] = [(start, *step[1:]) for step in steps]

    def frame(self) -> Frame:
        """Return the marks of those who still have one, as the books keep them."""
        table, owners = self.books.fee_marks, self.owners
        kept = np.zeros(length(table), bool)
        for_all = np.ones(owners.component.size, bool)
        for_all[list(self.touched)] = False
        for first, count in zip(self.first[for_all].tolist(), self.count[for_all].tolist(), strict=True):
            kept[first : first + count] = True
        rows = []
        for k, steps in self.touched.items():
            account = int(self.books.contracts["account_no"][owners.contract_row[k]])
            key = tuple(int(owners.keys[name][k]) for name in KEY)
            rows += [(account, *key, number, *step) for number, step in enumerate(steps)]
        if not rows and kept.all():
            return table
        return sort(stack(take(table, kept), frame("fee_marks", rows)), *KEY, "step_no")


def flows_by(numbers: np.ndarray, owner: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Return int64 per number: the sum of the amounts of that owner (入出金の合計); an owner who is none of them is left out."""
    total = np.zeros(numbers.size, np.int64)
    if owner.size and numbers.size:
        row_of = np.full(max(int(numbers.max()), int(owner.max())) + 1, -1, np.int64)
        row_of[numbers] = np.arange(numbers.size)
        at = row_of[owner]
        np.add.at(total, at[at >= 0], amount[at >= 0])
    return total
