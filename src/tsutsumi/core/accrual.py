"""Fees in the daily flow (報酬の経過計上・計上): every sleeve's base adds up each day; the period's fee is charged when it ends.

Balance fee in arrears on the daily average; what it costs is `fees.arrears_average_fees`, the same code as the calculator's.
Rules: docs/close.md §7.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

import numpy as np
from numba import njit

from tsutsumi.core.books import Books, share_columns
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_periods import fee_periods
from tsutsumi.core.fees import arrears_average_fees
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, sort, stack, take
from tsutsumi.core.units import PPM

BALANCE = 1
OPEN, CLOSING = 0, 1


@dataclass(frozen=True)
class Charges:
    """The fees charged on one evening (計上した報酬): fee rows, their split among the parties, and the dues of the sleeves."""

    fees: Frame
    shares: Frame
    dues: Frame


@cache
def period_end(length: str, align: str, opened: int, start: int) -> int:
    """Return the last day of the fee period that starts on a day (計算期間の末日); days since 1970-01-01."""
    *_, period = fee_periods(length, align, from_epoch_day(opened), from_epoch_day(start))
    return epoch_day(period.end)


def daily_base(books: Books, rules: Rules) -> np.ndarray:
    """Return each sleeve's base of the day (報酬の基準額): its value, or its value − cash if the terms leave cash out.

    Never below zero: right after a purchase the units, cut to whole yen, can be worth a yen less than what is owed for them.
    """
    contracts, sleeves = books.contracts, books.sleeves
    if sleeves["value_yen"].size == 0:
        return np.zeros(0, np.int64)
    first = int(contracts["period_start_date"].min())
    width = int(contracts["period_start_date"].max()) - first + 1
    key = contracts["program_no"].astype(np.int64) * width + (contracts["period_start_date"] - first)
    excluded = np.bincount(key) > 0
    for k in np.flatnonzero(excluded).tolist():
        excluded[k] = rules.terms_on(k // width, k % width + first).cash == "excluded"
    if not excluded.any():
        return np.maximum(sleeves["value_yen"], 0)
    outside = excluded[key][_contract_rows(books)]
    return np.maximum(sleeves["value_yen"] - np.where(outside, sleeves["cash_yen"], 0), 0)


def set_period_ends(books: Books, rules: Rules) -> None:
    """Write the period end of contracts that have none yet (opened today)."""
    contracts = books.contracts
    for k in np.flatnonzero(contracts["period_end_date"] == 0):
        opened, start = int(contracts["opened_date"][k]), int(contracts["period_start_date"][k])
        terms = rules.terms_on(int(contracts["program_no"][k]), start)
        contracts["period_end_date"][k] = period_end(terms.length, terms.align, opened, start)


def accrue(books: Books, before: Books, rules: Rules) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sums of bases to charge and those that go on (経過計上), per sleeve row, and which contracts' period ends.

    Days without a close repeat the last one. A period that ends between the last close and this one is cut at its end.

    Returns
    -------
    ending : int64[S], sum of the period that ends;  running : int64[S], sum of the period that goes on
    ends : bool[contracts]
    """
    sleeves, contracts = books.sleeves, books.contracts
    ending, running = np.empty(sleeves["sleeve_no"].size, np.int64), np.empty(sleeves["sleeve_no"].size, np.int64)
    _accrue_pass(
        sleeves["sleeve_no"], _contract_rows(books), before.row_of_sleeve, daily_base(before, rules), daily_base(books, rules),
        sleeves["base_sum_yen"], contracts["period_end_date"], books.day, before.day, ending, running,
    )
    return ending, running, contracts["period_end_date"] <= books.day


@njit(cache=True)
def _accrue_pass(
    sleeve_no, contract_row, row_before, base_before, base_today, base_sum, period_end, day, day_before, ending, running,
):
    gap = day - 1 - day_before
    for k in range(sleeve_no.size):
        row = row_before[sleeve_no[k]] if sleeve_no[k] < row_before.size else -1
        base = base_before[row] if row >= 0 else 0
        end = period_end[contract_row[k]]
        if end > day:
            ending[k], running[k] = 0, base_sum[k] + base * gap + base_today[k]
            continue
        until = min(max(end - day_before, 0), gap)
        ending[k] = base_sum[k] + base * until + (base_today[k] if end == day else 0)
        running[k] = base * (gap - until) + (0 if end == day else base_today[k])


def _contract_rows(books: Books) -> np.ndarray:
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


def charge(
    books: Books, before: Books, rules: Rules, final: np.ndarray, carried: Mapping[int, int] = MappingProxyType({})
) -> tuple[Books, Charges]:
    """Return the books with today's accrual, and the fees charged tonight (報酬の計上).

    Parameters
    ----------
    final : int64, rows of `payouts` (terminations) whose contract ends today
        Their contracts are charged to today, due on the next business day.
    carried : contract_no → yen
        Bases of sleeves that closed today, of the days after a period end that lies before today: of the new period.

    Returns
    -------
    books : `base_sum_yen`, fee periods, dues and uncollected fees brought forward;  charges : what is new tonight
    """
    set_period_ends(books, rules)
    ending, running, ends = accrue(books, before, rules)
    contracts, sleeves = books.contracts, books.sleeves
    closed_sum = contracts["closed_base_sum_yen"].copy()
    contracts["closed_base_sum_yen"][ends] = 0
    for contract, yen in carried.items():
        contracts["closed_base_sum_yen"][contracts["contract_no"] == contract] += yen
    parts = []
    if ends.any():
        due = _due_date(rules, contracts["program_no"])
        parts.append(_charge_contracts(books, rules, np.flatnonzero(ends), ending, closed_sum, contracts["period_end_date"], due))
        contracts["period_start_date"][ends] = contracts["period_end_date"][ends] + 1
        contracts["period_end_date"][ends] = 0
        set_period_ends(books, rules)
    sleeves["base_sum_yen"][:] = running
    finals = np.unique(books.payouts["contract_no"][final][books.payouts["kind_code"][final] == P_TERMINATION])
    at = np.flatnonzero(np.isin(contracts["contract_no"], finals) & (contracts["period_start_date"] <= books.day))
    if at.size:
        end = np.full(contracts["contract_no"].size, books.day, np.int32)
        due = np.full(end.size, rules.next_day, np.int32)
        parts.append(_charge_contracts(books, rules, at, running, contracts["closed_base_sum_yen"], end, due))
    charges = Charges(
        stack(empty("fees"), *(part.fees for part in parts)), stack(empty("fee_shares"), *(part.shares for part in parts)),
        stack(empty("dues"), *(part.dues for part in parts)),
    )
    dues = _merge_dues(stack(books.dues, charges.dues))
    hurried = np.isin(dues["contract_no"], finals)
    dues["due_date"][hurried] = np.minimum(dues["due_date"][hurried], rules.next_day)
    return replace(books, dues=dues, fees=stack(books.fees, charges.fees)), charges


def _merge_dues(dues: Frame) -> Frame:
    """Return one due per sleeve and evening: a contract charged twice on one evening owes the sum."""
    dues = sort(dues, "sleeve_no", "charged_date")
    if dues["sleeve_no"].size < 2:
        return dues
    same = (np.diff(dues["sleeve_no"]) == 0) & (np.diff(dues["charged_date"]) == 0)
    starts = np.flatnonzero(np.append(True, ~same))
    merged = take(dues, starts)
    merged["amount_yen"] = np.add.reduceat(dues["amount_yen"], starts)
    merged["due_date"] = np.minimum.reduceat(dues["due_date"], starts)
    return merged


def _due_date(rules: Rules, program_no: np.ndarray) -> np.ndarray:
    """Return the n-th business day after today (徴収予定日), n of the program."""
    return rules.timeline.days[rules.day_index + rules.programs["collection_days"][program_no]]


def _charge_contracts(books, rules, rows, sums, closed_sum, end_date, due_date) -> Charges:
    """Charge the contracts at `rows` for period_start_date .. end_date on the sums of their sleeves' bases."""
    contracts, sleeve_contract = books.contracts, _contract_rows(books)
    total = closed_sum.copy()
    np.add.at(total, sleeve_contract, sums)
    keys = np.stack([contracts[name][rows] for name in ("program_no", "period_start_date")] + [end_date[rows]], axis=1)
    fees, shares = [], []
    parts = []
    for program, start, end in np.unique(keys, axis=0).tolist():
        group = rows[(keys == (program, start, end)).all(axis=1)]
        days, terms = end - start + 1, rules.terms_on(program, start)
        amounts = arrears_average_fees(total[group], days, terms, from_epoch_day(start), from_epoch_day(end))
        for number, yen in enumerate(amounts.values()):
            part = _fee_rows(contracts, group, program, number, (start, end, books.day), total[group] // days, yen)
            fees.append(part)
            shares.append(fee_shares(part, rules))
            owed = np.zeros(total.size, np.int64)
            owed[group] = yen
            parts.append(_split_dues(books, group, sleeve_contract, sums, owed, due_date))
    return Charges(stack(empty("fees"), *fees), stack(empty("fee_shares"), *shares), _merge_dues(stack(empty("dues"), *parts)))


def _fee_rows(contracts: Frame, group, program: int, number: int, dates, base_yen, yen) -> Frame:
    part = empty("fees", group.size)
    for name in ("account_no", "contract_no"):
        part[name][:] = contracts[name][group]
    part["program_no"][:], part["component_no"][:], part["kind_code"][:] = program, number, BALANCE
    part["start_date"][:], part["end_date"][:], part["charged_date"][:] = dates
    part["base_yen"][:], part["fee_yen"][:] = base_yen, yen
    return part


def split_among_parties(fee_yen: np.ndarray, shares: list[tuple[int, int]], remainder_company_no: int) -> dict[int, np.ndarray]:
    """Return company_no → yen (報酬配分): floor(fee × share) each, what is left to the remainder company; Σ = fee.

    >>> {k: v.tolist() for k, v in split_among_parties(np.array([10_001]), [(2, 333_333), (3, 333_333)], 4).items()}
    {2: [3333], 3: [3333], 4: [3335]}
    """
    split = {company: fee_yen * ppm // PPM for company, ppm in shares}
    left = fee_yen - sum(split.values(), np.zeros_like(fee_yen))
    split[remainder_company_no] = split.get(remainder_company_no, 0) + left
    return split


def fee_shares(part: Frame, rules: Rules) -> Frame:
    """Return the split of fee rows of one program among its parties (報酬配分), by the shares in force."""
    if part["fee_yen"].size == 0:
        return empty("fee_shares")
    program = int(part["program_no"][0])
    remainder = int(rules.programs["remainder_company_no"][program])
    rows = []
    for company, yen in split_among_parties(part["fee_yen"], rules.shares.get(program, []), remainder).items():
        share = empty("fee_shares", yen.size)
        for name in ("contract_no", "component_no", "end_date"):
            share[name][:] = part[name]
        share["company_no"][:], share["share_yen"][:] = company, yen
        rows.append(share)
    return stack(*rows)


def _split_dues(books: Books, rows, sleeve_contract, sums, owed, due_date) -> Frame:
    """Share each contract's fee to its sleeves by the bases that made it; closing sleeves only if there is no other."""
    sleeves, contracts = books.sleeves, books.contracts
    member = np.isin(sleeve_contract, rows)
    has_open = np.zeros(owed.size, bool)
    has_open[sleeve_contract[sleeves["status_code"] == OPEN]] = True
    member &= (sleeves["status_code"] == OPEN) | ~has_open[sleeve_contract]
    at = np.flatnonzero(member)
    starts = np.flatnonzero(np.diff(sleeve_contract[at], prepend=-1))
    totals = owed[sleeve_contract[at[starts]]]
    amounts = share_columns(np.append(starts, at.size), totals, sums[at], sleeves["sleeve_no"][at], 0, books.day)
    keep = amounts > 0
    dues = empty("dues", int(keep.sum()))
    for name in ("account_no", "contract_no", "sleeve_no"):
        dues[name][:] = sleeves[name][at[keep]]
    dues["charged_date"][:], dues["due_date"][:] = books.day, due_date[sleeve_contract[at[keep]]]
    dues["amount_yen"][:] = amounts[keep]
    missing = np.setdiff1d(rows[owed[rows] > 0], sleeve_contract[at])
    if missing.size:
        raise ValueError(f"fees: contract {contracts['contract_no'][missing[0]]} owes a fee but has no sleeve")
    return dues
