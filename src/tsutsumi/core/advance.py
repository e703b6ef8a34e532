"""Balance fees in advance (残高報酬・前取り): the period's charge on its opening base, then what flows in and out of it.

The running base is the opening base and every flow that was charged or refunded since. Rules: docs/close.md §7.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from tsutsumi.core.accrual import TermsInUse
from tsutsumi.core.adjustments import Priced, adjusted_fees, wants_fractions
from tsutsumi.core.arrears import contract_factors
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import ADDITION, CHARGE, END_REFUND, REFUND, Bills
from tsutsumi.core.fee_book import price_between
from tsutsumi.core.fee_terms import Component, Terms
from tsutsumi.core.schema import own


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

    def __post_init__(self) -> None:
        own(self.bills.books.contracts, "running_base_yen", "uncharged_yen")

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
            span, base, at = (since, until), (high - low)[group], rows[group]
            if not any(self.bills.rules.fee_steps(program, begun) for program in np.unique(contracts["program_no"][at]).tolist()):
                prices = price_between(terms, *days, low[group], high[group])
            else:
                between = low[group], high[group]
                prices = [self._adjusted(terms, component, at, span, begun, *between, kind) for component in terms.balance]
            for component, yen in zip(balance_numbers(terms), prices, strict=True):
                self.bills.add(kind, component, at, span, base, yen, self.weights)

    def _adjusted(self, terms: Terms, component: Component, rows, span, begun: int, low, high, kind: int) -> np.ndarray:
        """Price one component with the program's factors; a charge with a bound is priced one by one (調整後の報酬)."""
        bills, books = self.bills, self.bills.books
        programs = books.contracts["program_no"][rows]
        prices, alone = np.zeros(rows.size, np.int64), replace(terms, components=(component,))
        days = [from_epoch_day(day) for day in (*span, begun, span[1])]
        for program in np.unique(programs).tolist():
            at, steps = np.flatnonzero(programs == program), bills.rules.fee_steps(program, begun)
            if kind == CHARGE and wants_fractions(steps):
                names = ("contract_no", "opened_date", "mean_deposit_yen")
                known = zip(*(books.contracts[name][rows[at]].tolist() for name in names), high[at].tolist(), strict=True)
                charges = [Priced(number, opened, *span, mean, Fraction(base)) for number, opened, mean, base in known]
                prices[at] = adjusted_fees(terms, component, steps, charges)
            else:
                factor = contract_factors(books, rows[at], begun, steps, component.name)
                prices[at] = price_between(alone, *days, low[at], high[at], factor=factor)[0]
        return prices
