"""Performance fees of one evening (成功報酬の確定): profit over the high-water mark, the fee, and the mark after it.

A row of the crystallisation table says for each owner of a mark how the fee came, and which loss is carried forward.
"""

from fractions import Fraction

import numpy as np

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import PERFORMANCE
from tsutsumi.core.fee_book import price_performance
from tsutsumi.core.marks import Marks, flows_by, mark_owners
from tsutsumi.core.schema import Frame

OPEN = 0
COLUMNS = ("contract_no", "sleeve_no", "component_no", "start_date", "end_date", "value_yen", "charge_yen", "mark", "profit",
           "fee_yen", "mark_after", "loss_carried_yen")


class Crystallisation:
    """The marks of an evening, and the performance fees that fall due on them; `evening` is a `charging.FeeEvening`."""

    def __init__(self, evening) -> None:
        self.evening, self.table = evening, []
        self.look()

    def look(self) -> None:
        """Take the owners of marks by the terms in use, with their values of today and of the last close."""
        evening = self.evening
        books, before = evening.books, evening.before.sleeves
        owners = mark_owners(books, evening.rules, evening.used, evening.contract_of)
        self.marks = Marks(books, evening.used, owners)
        if owners.component.size == 0:
            self.today = self.last = np.zeros(0, np.int64)
            return
        value = books.sleeves["value_yen"]
        numbers = books.contracts["contract_no"], books.sleeves["sleeve_no"]
        self.today = owners.of(evening.per_contract(value), value)
        self.last = owners.of(flows_by(numbers[0], before["contract_no"], before["value_yen"]),
                              flows_by(numbers[1], before["sleeve_no"], before["value_yen"]))

    def begin_terms(self, begun: np.ndarray) -> None:
        """Start anew the marks of contracts whose terms begin (`begun`, per contract row), with the value of that day."""
        if self.today.size:
            self.marks.create(np.flatnonzero(begun[self.marks.owners.contract_row]), self.today, self.last, terms_begin=True)

    def begin(self) -> None:
        """Start what has no mark yet: it opened today."""
        if self.today.size:
            self.marks.create(self.marks.missing(), self.today, self.last)

    def flow(self, per_contract: np.ndarray, per_sleeve: np.ndarray) -> None:
        """Move the marks by the day's flows."""
        if self.today.size:
            self.marks.move(self.marks.owners.of(per_contract, per_sleeve), self.today)

    def fall_due(self, ended: np.ndarray, final: np.ndarray, end: np.ndarray, today: bool) -> None:
        """Charge the performance fees of the contracts whose period ended (`ended`), or that end for good (`final`).

        Parameters
        ----------
        ended, final, end : per contract row;  today : whether their last day is the day of this close
        """
        owners, contracts = self.marks.owners, self.evening.books.contracts
        due, chosen = ended[owners.contract_row], []
        due[self.marks.missing()] = False  # a sleeve that opened today has no mark yet, and owes nothing for the days before
        for k in np.flatnonzero(due).tolist():
            row = int(owners.contract_row[k])
            every = self._component(k).every
            if not (final[row] or contracts["period_count"][row] % every == 0) or contracts["period_start_date"][row] > end[row]:
                continue
            if owners.sleeve_row[k] >= 0 and contracts["status_code"][row] == OPEN and self._closing(k):
                continue  # the sleeve closes, the contract stays
            chosen.append(k)
        if chosen:
            self._charge(chosen, end, self.today if today else self.last)

    def _component(self, k: int):
        used = self.evening.used
        return used.terms[used.of_contract[self.marks.owners.contract_row[k]]].components[int(self.marks.owners.component[k])]

    def _closing(self, k: int) -> bool:
        return self.evening.books.sleeves["status_code"][self.marks.owners.sleeve_row[k]] != OPEN

    def _charge(self, chosen: list[int], end: np.ndarray, value: np.ndarray) -> None:
        owners, used, bills = self.marks.owners, self.evening.used, self.evening.bills
        charges = owners.of(bills.balance, bills.balance_parts)
        groups: dict[tuple, list[tuple[int, Fraction, Fraction]]] = {}
        for k in chosen:
            start, mark = self.marks.read(k)
            profit = int(value[k]) - int(charges[k]) - mark
            row, component = int(owners.contract_row[k]), int(owners.component[k])
            key = int(used.of_contract[row]), component, start, int(end[row]), owners.sleeve_row[k] >= 0
            groups.setdefault(key, []).append((k, mark, profit))
        for (number, component, start, until, by_sleeve), members in groups.items():
            terms = used.terms[number]
            num, den = ([getattr(profit, name) for _, _, profit in members] for name in ("numerator", "denominator"))
            kind = np.int64 if max(map(abs, num)) < 2**62 and max(den) < 2**62 else object
            of, day = terms.components[component], from_epoch_day(until)
            yen = price_performance(terms, of, day, np.array(num, kind), np.array(den, kind))
            base = np.array([max(profit.numerator // profit.denominator, 0) for _, _, profit in members], np.int64)
            at = np.array([k for k, _, _ in members])
            if by_sleeve:
                bills.add_to_sleeves(component, owners.sleeve_row[at], (start, until), base, yen)
            else:
                weights = np.maximum(self.evening.books.sleeves["value_yen"], 0)
                bills.add(PERFORMANCE, component, owners.contract_row[at], (start, until), base, yen, weights)
            for (k, mark, profit), fee in zip(members, yen.tolist(), strict=True):
                after = int(value[k]) - int(charges[k]) - fee if profit > 0 else None
                self.marks.fallen_due(k, until + 1, after)
                key = tuple(int(owners.keys[name][k]) for name in ("contract_no", "sleeve_no", "component_no"))
                loss = max(-profit.numerator // profit.denominator, 0) if profit < 0 else 0
                told = (str(mark), str(profit), fee, str(mark if after is None else after), loss)
                self.table.append((*key, start, until, int(value[k]), int(charges[k]), *told))

    def rows(self) -> Frame:
        """Return the crystallisation table of the evening (利益確定表); marks and profits are exact texts such as "92231/3"."""
        if not self.table:
            return {}
        columns = dict(zip(COLUMNS, zip(*sorted(self.table), strict=True), strict=True))
        texts = ("mark", "profit", "mark_after")
        return {name: np.array(column, object if name in texts else np.int64) for name, column in columns.items()}
