"""Balance fees in arrears (残高報酬・後取り): what a period costs on the bases that it had, with the program's adjustments.

Rules: docs/close.md §7, "Balance fee in arrears", "Adjustments".
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from tsutsumi.core.adjustments import Priced, Step, adjusted_fees, factors, wants_fractions
from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.fee_book import price_between, price_daily
from tsutsumi.core.fee_days import base_sums, histories
from tsutsumi.core.fee_terms import Terms
from tsutsumi.core.fees import average_days
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame


@dataclass(frozen=True)
class PeriodBases:
    """The bases of some contracts over one period (計算期間の基準額): run by run if priced daily, else a sum and its divisor."""

    terms: Terms
    start: int
    end: int
    total: np.ndarray
    divisor: int
    history: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def base_yen(self) -> np.ndarray:
        """The base of each, a mean cut to whole yen."""
        return self.total // self.divisor

    def prices(self, terms: Terms, factor) -> list[np.ndarray]:
        """Return the fee of each balance component of `terms`; `factor` multiplies before the rounding."""
        dates = from_epoch_day(self.start), from_epoch_day(self.end)
        if self.history is not None:
            return price_daily(terms, *dates, *dates, *self.history, factor=factor)
        return price_between(terms, *dates, *dates, 0, self.total, self.divisor, factor=factor)

    def of_one(self, k: int) -> dict:
        """Return the base of contract k as an exact fraction, or day by day."""
        if self.history is None:
            base = Fraction(int(self.total[k]), self.divisor)
            return {"base": Fraction(base.numerator // base.denominator) if self.terms.average == "down" else base}
        offsets, days, bases = self.history
        own = slice(int(offsets[k]), int(offsets[k + 1]))
        lengths = np.diff(np.append(days[own], self.end + 1))
        return {"daily": tuple(np.repeat(bases[own], lengths).tolist())}


def period_bases(books: Books, terms: Terms, rows: np.ndarray, span: tuple[int, int], total: np.ndarray, point: np.ndarray):
    """Return the bases of the contracts at `rows` over a period, as its terms measure them (基準額の測り方).

    Parameters
    ----------
    span : first and last day;  total : Σ of the bases of the days that enter, per contract row
    point : base of the period's last business day, per contract row
    """
    start, end = span
    if terms.measure == "daily":
        history = histories(books.fee_days, books.contracts["contract_no"][rows])
        return PeriodBases(terms, start, end, base_sums(*history, end), end - start + 1, history)
    if terms.measure == "closing":
        return PeriodBases(terms, start, end, point[rows], 1)
    return PeriodBases(terms, start, end, total[rows], average_days(terms, from_epoch_day(start), from_epoch_day(end)))


def arrears_fees(books: Books, rules: Rules, rows: np.ndarray, bases: PeriodBases) -> list[np.ndarray]:
    """Return the fee of each balance component of the contracts at `rows` for a period, adjusted (調整後の残高報酬)."""
    programs = books.contracts["program_no"][rows]
    steps = {program: rules.fee_steps(program, bases.start) for program in np.unique(programs).tolist()}
    if not any(steps.values()):
        return bases.prices(bases.terms, None)
    prices = [np.zeros(rows.size, np.int64) for _ in bases.terms.balance]
    for program, of in steps.items():
        at = np.flatnonzero(programs == program)
        part = _part(bases, at)
        for k, component in enumerate(bases.terms.balance):
            if wants_fractions(of):
                prices[k][at] = _one_by_one(books, rules, rows[at], part, component, of)
                continue
            alone = replace(bases.terms, components=(component,))
            prices[k][at] = part.prices(alone, contract_factors(books, rows[at], bases.start, of, component.name))[0]
    return prices


def contract_factors(books: Books, rows: np.ndarray, start: int, steps: tuple[Step, ...], component: str):
    """Return what multiplies a component's fee, per contract row, as numerator and denominator; None for nothing (調整率)."""
    contracts: Frame = books.contracts
    opened, mean = contracts["opened_date"][rows].astype(np.int64), contracts["mean_deposit_yen"][rows]
    numerator, denominator = factors(steps, component, opened, np.full(rows.size, start), mean)
    return None if denominator == 1 else (numerator, denominator)


def _part(bases: PeriodBases, at: np.ndarray) -> PeriodBases:
    """Return the bases of some of the contracts."""
    if bases.history is None:
        return replace(bases, total=bases.total[at])
    offsets, days, of = bases.history
    counts = (offsets[1:] - offsets[:-1])[at]
    fresh = np.append(0, np.cumsum(counts))
    rows = np.arange(fresh[-1]) - np.repeat(fresh[:-1] - offsets[:-1][at], counts)
    return replace(bases, total=bases.total[at], history=(fresh, days[rows], of[rows]))


def _one_by_one(books: Books, rules: Rules, rows: np.ndarray, bases: PeriodBases, component, steps) -> np.ndarray:
    names = ("contract_no", "opened_date", "mean_deposit_yen")
    charges = [
        Priced(contract, opened, bases.start, bases.end, mean, group=rules.fee_groups.get(contract, ""), **bases.of_one(k))
        for k, (contract, opened, mean) in enumerate(zip(*(books.contracts[name][rows].tolist() for name in names), strict=True))
    ]
    return np.array(adjusted_fees(bases.terms, component, steps, charges), np.int64)
