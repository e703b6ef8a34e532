"""Bases in the daily flow (報酬の経過計上): what every sleeve and contract adds to its fee each day, and which periods end.

What it costs is `fee_book`; who pays it is `dues`; the evening's order stands in `charging`. Rules: docs/close.md §7.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import business_day_table, epoch_day, from_epoch_day
from tsutsumi.core.fee_periods import fee_periods
from tsutsumi.core.fee_terms import Terms, rates_in_force
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import length


@cache
def period_end(span: str, align: str, opened: int, start: int) -> int:
    """Return the last day of the fee period that starts on a day (計算期間の末日); days since 1970-01-01."""
    first = start if align == "calendar" else opened
    *_, period = fee_periods(span, align, from_epoch_day(first), from_epoch_day(start))
    return epoch_day(period.end)


@cache
def business_day_count(start: int, end: int) -> int:
    """Return the business days of a period (計算期間の営業日数)."""
    return len(business_day_table(from_epoch_day(start), from_epoch_day(end)))


@dataclass(frozen=True, eq=False)
class TermsInUse:
    """The terms of every contract's present period (適用中の報酬条件): distinct ones, and which is whose, by contract row."""

    terms: tuple[Terms, ...]
    names: tuple[str, ...]
    of_contract: np.ndarray

    def flag(self, test) -> np.ndarray | None:
        """Return which contracts have terms that pass a test, or None if no terms do."""
        found = np.array([bool(test(terms)) for terms in self.terms], bool)
        return found[self.of_contract] if found.any() else None


def terms_in_use(books: Books, rules: Rules) -> TermsInUse:
    """Return the terms that charge each contract (報酬条件): those of the first day of its present period."""
    contracts = books.contracts
    rows = length(contracts)
    if rows == 0:
        return TermsInUse((), (), np.zeros(0, np.int64))
    start, program_no = contracts["period_start_date"], contracts["program_no"]
    first, width = int(start.min()), int(start.max()) - int(start.min()) + 1
    look_up = np.zeros((int(program_no.max()) + 1) * width, np.int64)
    _mark_keys(program_no, start, first, width, look_up)
    found: dict[tuple[str, int], int] = {}
    kept: list[tuple[str, Terms]] = []

    def number(name: str, terms: Terms) -> int:
        if (name, id(terms)) not in found:
            found[name, id(terms)] = len(kept)
            kept.append((name, terms))
        return found[name, id(terms)]

    for k in np.flatnonzero(look_up).tolist():
        program, day = k // width, k % width + first
        look_up[k] = number(*rules.program_terms(program, day))
    of_contract = np.empty(rows, np.int64)
    _look_up_keys(program_no, start, first, width, look_up, of_contract)
    for row in np.flatnonzero(np.isin(contracts["contract_no"], list(rules.own_terms))) if rules.own_terms else ():
        names = ("contract_no", "program_no", "opened_date", "period_start_date")
        of_contract[row] = number(*rules.contract_terms(*(int(contracts[name][row]) for name in names)))
    return TermsInUse(tuple(terms for _, terms in kept), tuple(name for name, _ in kept), of_contract)


@njit(cache=True)
def _mark_keys(program_no, start, first, width, seen):
    """Mark the pairs of program and first day that contracts have."""
    for k in range(start.size):
        seen[program_no[k] * width + (start[k] - first)] = 1


@njit(cache=True)
def _look_up_keys(program_no, start, first, width, look_up, found):
    """Fill in what `look_up` says of each contract's program and first day."""
    for k in range(start.size):
        found[k] = look_up[program_no[k] * width + (start[k] - first)]


def daily_base(books: Books, rules: Rules, used: TermsInUse | None = None) -> np.ndarray:
    """Return each sleeve's base of the day (報酬の基準額): its value, or its value − cash if the terms leave cash out.

    Never below zero: right after a purchase the units, cut to whole yen, can be worth a yen less than what is owed for them.
    """
    sleeves = books.sleeves
    if sleeves["value_yen"].size == 0:
        return np.zeros(0, np.int64)
    excluded = (used or terms_in_use(books, rules)).flag(lambda terms: terms.cash == "excluded")
    if excluded is None:
        return np.maximum(sleeves["value_yen"], 0)
    outside = excluded[contract_rows(books)]
    return np.maximum(sleeves["value_yen"] - np.where(outside, sleeves["cash_yen"], 0), 0)


def set_period_ends(books: Books, rules: Rules) -> None:
    """Write the period end of contracts that have none yet: opened today, or with a period that begins anew."""
    contracts = books.contracts
    rows = np.flatnonzero(contracts["period_end_date"] == 0)
    if rows.size == 0:
        return
    used = terms_in_use(books, rules)
    for k in rows:
        terms = used.terms[used.of_contract[k]]
        opened, start = int(contracts["opened_date"][k]), int(contracts["period_start_date"][k])
        contracts["period_end_date"][k] = period_end(terms.length, terms.align, opened, start)


CALENDAR, BUSINESS, NO_BUSINESS = range(3)  # which days enter the sum of the bases


def entering_days(books: Books, rules: Rules, used: TermsInUse) -> np.ndarray:
    """Return per contract which days enter the base's sum: all, business days, or all for want of one; empty: all everywhere."""
    business = used.flag(lambda terms: terms.measure == "average" and terms.days == "business")
    if business is None:
        return np.zeros(0, np.int8)
    contracts, code = books.contracts, np.where(business, BUSINESS, CALENDAR).astype(np.int8)
    for row in np.flatnonzero(business):
        start, end = int(contracts["period_start_date"][row]), int(contracts["period_end_date"][row])
        if business_day_count(start, end) == 0:
            code[row] = NO_BUSINESS
    return code


def accrue(
    books: Books, before: Books, rules: Rules, used: TermsInUse, contract_of: np.ndarray, base_before: np.ndarray,
    base_today: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sums of bases to charge and those that go on (経過計上), per sleeve row, and which contracts' period ends.

    Days without a close repeat the last one. A period that ends between the last close and this one is cut at its end.

    Parameters
    ----------
    contract_of : contract row of each sleeve;  base_before, base_today : int64, base of the sleeves of `before` and of `books`

    Returns
    -------
    ending : int64[S], sum of the period that ends;  running : int64[S], sum of the period that goes on
    ends : bool[contracts]
    """
    sleeves, contracts = books.sleeves, books.contracts
    ending, running = np.empty(sleeves["sleeve_no"].size, np.int64), np.empty(sleeves["sleeve_no"].size, np.int64)
    _accrue_pass(
        sleeves["sleeve_no"], contract_of, before.row_of_sleeve, base_before, base_today, sleeves["base_sum_yen"],
        contracts["period_end_date"], entering_days(books, rules, used), books.day, before.day, ending, running,
    )
    return ending, running, contracts["period_end_date"] <= books.day


@njit(cache=True)
def _accrue_pass(
    sleeve_no, contract_row, row_before, base_before, base_today, base_sum, period_end, enter, day, day_before, ending, running,
):
    gap = day - 1 - day_before
    for k in range(sleeve_no.size):
        row = row_before[sleeve_no[k]] if sleeve_no[k] < row_before.size else -1
        base = base_before[row] if row >= 0 else 0
        end = period_end[contract_row[k]]
        code = enter[contract_row[k]] if enter.size else CALENDAR
        days = 0 if code == BUSINESS else gap
        if end > day:
            ending[k], running[k] = 0, base_sum[k] + base * days + base_today[k]
            continue
        until = min(max(end - day_before, 0), days)
        ending[k] = base_sum[k] + base * until + (base_today[k] if end == day else 0)
        running[k] = (base * (days - until) if code == CALENDAR else 0) + (0 if end == day else base_today[k])


def carry_closed(books: Books, before: Books, rules: Rules, closed: np.ndarray) -> dict[int, int]:
    """Add the bases of sleeves that close today to those of their contracts (終了した運用口の基準額).

    Parameters
    ----------
    closed : bool, sleeve rows;  before : the books of the last close, with the values that its fees saw

    Returns
    -------
    contract_no → Σ base of the days after a period end that lies before today: of the new period
    """
    contracts, number = books.contracts, books.sleeves["contract_no"][closed]
    row_of = {int(contract): k for k, contract in enumerate(contracts["contract_no"])}
    at = np.array([row_of[int(contract)] for contract in number], np.int64)
    gap, enter = books.day - 1 - before.day, entering_days(books, rules, terms_in_use(books, rules))
    base = daily_base(before, rules)[before.row_of_sleeve[books.sleeves["sleeve_no"][closed]]]
    if enter.size:
        base = np.where(enter[at] == BUSINESS, 0, base)
    until = np.clip(contracts["period_end_date"][at].astype(np.int64) - before.day, 0, gap)
    np.add.at(contracts["closed_base_sum_yen"], at, books.sleeves["base_sum_yen"][closed] + base * until)
    if enter.size:
        base = np.where(enter[at] == CALENDAR, base, 0)
    carried: dict[int, int] = {}
    for contract, yen in zip(number.tolist(), (base * (gap - until)).tolist(), strict=True):
        carried[contract] = carried.get(contract, 0) + yen
    return carried


def contract_rows(books: Books) -> np.ndarray:
    """Return the row of each sleeve's contract; both are in the order account ▸ contract."""
    sleeves, contracts = books.sleeves, books.contracts
    rows = np.empty(sleeves["contract_no"].size, np.int64)
    _walk(sleeves["account_no"], sleeves["contract_no"], contracts["account_no"], contracts["contract_no"], rows)
    return rows


@njit(cache=True)
def _walk(account, contract, accounts, contracts, rows):
    at = 0
    for k in range(rows.size):
        while at < accounts.size and (accounts[at] != account[k] or contracts[at] != contract[k]):
            at += 1
        if at == accounts.size:
            raise ValueError("fees: a sleeve has no contract, or the books are not in the order account, contract, sleeve")
        rows[k] = at


def accrued_rates(used: TermsInUse, day: int) -> np.ndarray:
    """Return per contract the highest rate in force today, Σ over balance components, without tax; in advance 0 (経過報酬の率)."""
    return np.array([top_rate_ppm(terms, day) for terms in used.terms], np.int64)[used.of_contract]


def top_rate_ppm(terms: Terms, day: int) -> int:
    """Return the highest rate of the tables in force on a day, Σ over balance components in arrears, without tax (最高料率)."""
    today = from_epoch_day(day)
    known = [component for component in terms.balance if component.rates[0].from_date <= today]
    rates = [max(rate for _, rate in rates_in_force(component, today).tiers) for component in known]
    return sum(rates) if terms.timing == "arrears" else 0
