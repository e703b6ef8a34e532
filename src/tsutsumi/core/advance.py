"""Balance fees in advance (残高報酬・前取り): the period's charge on its opening base, then what flows in and out of it.

The running base is the opening base and every flow that was charged or refunded since. Rules: docs/close.md §7.
"""

from dataclasses import dataclass

import numpy as np

from tsutsumi.core.accrual import TermsInUse
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import ADDITION, CHARGE, END_REFUND, REFUND, Bills
from tsutsumi.core.fee_book import price_between
from tsutsumi.core.fee_terms import Terms


def balance_numbers(terms: Terms) -> list[int]:
    """Return the places of the balance components among all components of the terms (報酬要素の順番)."""
    return [number for number, component in enumerate(terms.components) if component.kind == "balance"]


@dataclass
class Prepayment:
    """The contracts that pay in advance (前取りの契約) on one evening.

    `rows` are contract rows; `weights` per sleeve row, the bases of today: what the sleeves pay in proportion to.
    """

    bills: Bills
    used: TermsInUse
    rows: np.ndarray
    weights: np.ndarray

    def charge(self, rows: np.ndarray, opening: np.ndarray) -> None:
        """Charge the periods that begin tonight (期初の計上) on their opening base; `opening` is per contract row."""
        contracts = self.bills.books.contracts
        contracts["running_base_yen"][rows], contracts["uncharged_yen"][rows] = opening[rows], 0
        self._price(CHARGE, rows, np.zeros(rows.size, np.int64), opening[rows], contracts["period_start_date"][rows])

    def flow(self, flow_yen: np.ndarray) -> None:
        """Price what flowed in and out today (増額・一部解約); `flow_yen` is per contract row."""
        rows = self.rows[flow_yen[self.rows] > 0]
        for choice in ("own", "stacked", "none"):
            chosen = rows[[self._terms(row).addition == choice for row in rows]] if rows.size else rows
            self._add(chosen, flow_yen[chosen], choice)
        rows = self.rows[flow_yen[self.rows] < 0]
        if rows.size:
            self._reduce(rows, -flow_yen[rows])

    def _terms(self, row: int) -> Terms:
        return self.used.terms[self.used.of_contract[row]]

    def _add(self, rows: np.ndarray, amount: np.ndarray, choice: str) -> None:
        contracts = self.bills.books.contracts
        if choice == "none":
            contracts["uncharged_yen"][rows] += amount
            return
        low = contracts["running_base_yen"][rows] if choice == "stacked" else np.zeros(rows.size, np.int64)
        self._price(ADDITION, rows, low, low + amount, np.full(rows.size, self.bills.books.day))
        contracts["running_base_yen"][rows] += amount

    def _reduce(self, rows: np.ndarray, amount: np.ndarray) -> None:
        contracts, day = self.bills.books.contracts, self.bills.books.day
        cancelled = np.minimum(contracts["uncharged_yen"][rows], amount)
        contracts["uncharged_yen"][rows] -= cancelled
        prorated = np.array([self._terms(row).refund == "prorated" for row in rows])
        running = contracts["running_base_yen"][rows]
        taken = np.where(prorated, np.minimum(amount - cancelled, running), 0)
        some = (taken > 0) & (contracts["period_end_date"][rows] > day)
        self._price(REFUND, rows[some], (running - taken)[some], running[some], np.full(int(some.sum()), day + 1))
        contracts["running_base_yen"][rows] = running - taken

    def end(self, rows: np.ndarray) -> None:
        """Refund what the contracts that end tonight paid for the days after it (契約終了の返戻)."""
        contracts, day = self.bills.books.contracts, self.bills.books.day
        refunded = np.array([self._terms(row).refund == "prorated" for row in rows], bool)
        rows = rows[refunded & (contracts["running_base_yen"][rows] > 0) & (contracts["period_end_date"][rows] > day)]
        self._price(END_REFUND, rows, np.zeros(rows.size, np.int64), contracts["running_base_yen"][rows],
                    np.full(rows.size, day + 1))

    def _price(self, kind: int, rows: np.ndarray, low: np.ndarray, high: np.ndarray, first: np.ndarray) -> None:
        """Charge the base between low and high from the day `first` to the end of each contract's period."""
        contracts = self.bills.books.contracts
        start, end = contracts["period_start_date"][rows], contracts["period_end_date"][rows]
        keys = np.stack([self.used.of_contract[rows], start, end, first], axis=1)
        for number, begun, until, since in np.unique(keys, axis=0).tolist():
            group = (keys == (number, begun, until, since)).all(axis=1)
            terms, days = self.used.terms[number], [from_epoch_day(day) for day in (since, until, begun, until)]
            prices = price_between(terms, *days, low[group], high[group])
            for component, yen in zip(balance_numbers(terms), prices, strict=True):
                self.bills.add(kind, component, rows[group], (since, until), (high - low)[group], yen, self.weights)
