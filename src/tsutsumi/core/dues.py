"""Who pays a fee and who gets it (報酬の負担と配分): to the contract's sleeves, less what was refunded, and to the parties.

Rules: docs/close.md §7, "Who pays", "Parties".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tsutsumi.core.books import Books, share_columns
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, own, sort, stack, take
from tsutsumi.core.units import PPM

CHARGE, ADDITION, REFUND, PERFORMANCE, END_REFUND, CORRECTION, CORRECTION_REFUND = range(1, 8)
FEE_KINDS = ("", "charge", "addition", "refund", "performance", "refund", "correction", "correction_refund")
CREDITS = (REFUND, END_REFUND, CORRECTION_REFUND)  # what is given back: above zero in its row, set off against what is owed next
CREDIT_WORDS = frozenset(FEE_KINDS[kind] for kind in CREDITS)
OPEN = 0


@dataclass
class Bills:
    """What an evening charges (今夜の計上): fee rows, their split among the parties, and what each sleeve owes of it.

    `owed` is int64 per sleeve row; `balance` the yen of balance fees in arrears per contract row, `balance_parts` per sleeve row.
    """

    books: Books
    rules: Rules
    contract_of: np.ndarray
    owed: np.ndarray = field(init=False)
    balance: np.ndarray = field(init=False)
    balance_parts: np.ndarray = field(init=False)
    fees: list[Frame] = field(default_factory=list)
    shares: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owed = np.zeros(self.contract_of.size, np.int64)
        self.begin()

    def begin(self) -> None:
        """Begin with the fees of another period: what was charged of the balance so far is of the one before."""
        self.balance_parts = np.zeros(self.contract_of.size, np.int64)
        self.balance = np.zeros(self.books.contracts["contract_no"].size, np.int64)

    def add(self, kind: int, component: int, rows: np.ndarray, dates: tuple[int, int], base_yen, yen, weights: np.ndarray) -> None:
        """Charge one component to contracts (計上), to be paid by their sleeves.

        Parameters
        ----------
        rows : contract rows;  dates : first and last day priced;  base_yen, yen : int64 per row
        weights : int64 per sleeve row: what the sleeves of a contract pay in proportion to
        """
        self._row(kind, component, rows, 0, dates, base_yen, yen)
        if kind in CREDITS:
            own(self.books.contracts, "credit_yen")
            np.add.at(self.books.contracts["credit_yen"], rows, yen)
            return
        parts = sleeve_parts(self.books, self.contract_of, rows, yen, weights)
        self.owed += parts
        if kind == CHARGE:
            self.balance[rows] += yen
            self.balance_parts += parts

    def add_to_sleeves(self, component: int, sleeve_rows: np.ndarray, dates: tuple[int, int], base_yen, yen) -> None:
        """Charge a performance fee that belongs to one sleeve each (運用口ごとの成功報酬)."""
        numbers = self.books.sleeves["sleeve_no"][sleeve_rows]
        self._row(PERFORMANCE, component, self.contract_of[sleeve_rows], numbers, dates, base_yen, yen)
        np.add.at(self.owed, sleeve_rows, yen)

    def correct(self, corrections: Mapping[int, int], weights: np.ndarray) -> None:
        """Charge contracts what their past fees were wrong by (報酬の訂正): contract_no → yen, below zero it is given back."""
        if not corrections:
            return
        day, numbers = self.books.day, self.books.contracts["contract_no"]
        yen = np.array([corrections.get(number, 0) for number in numbers.tolist()], np.int64)
        for kind, sign in (CORRECTION, 1), (CORRECTION_REFUND, -1):
            rows = np.flatnonzero(sign * yen > 0)
            if rows.size:
                self.add(kind, 0, rows, (day, day), 0, sign * yen[rows], weights)

    def _row(self, kind: int, component: int, rows: np.ndarray, sleeve_no, dates: tuple[int, int], base_yen, yen) -> None:
        contracts = self.books.contracts
        part = empty("fees", rows.size)
        for name in ("account_no", "contract_no", "program_no"):
            part[name][:] = contracts[name][rows]
        part["sleeve_no"][:], part["component_no"][:], part["kind_code"][:] = sleeve_no, component, kind
        part["start_date"][:], part["end_date"][:] = dates
        part["base_yen"][:], part["fee_yen"][:], part["charged_date"][:] = base_yen, yen, self.books.day
        if kind in CREDITS:
            part["collected_date"][:] = self.books.day
        self.fees.append(part)
        for program in np.unique(part["program_no"]).tolist():
            self.shares.append(fee_shares(take(part, part["program_no"] == program), self.rules))


def sleeve_parts(books: Books, contract_of: np.ndarray, rows: np.ndarray, yen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return per sleeve row its part of its contract's fee (報酬の運用口負担), by largest remainder.

    Closing sleeves pay only if there is no other.

    Parameters
    ----------
    contract_of : contract row of each sleeve row;  rows, yen : contract rows and what they owe;  weights : per sleeve row
    """
    sleeves, contracts = books.sleeves, books.contracts
    owed = np.zeros(contracts["contract_no"].size, np.int64)
    owed[rows] = yen
    member = owed[contract_of] > 0
    open_now = sleeves["status_code"] == OPEN
    has_open = np.zeros(owed.size, bool)
    has_open[contract_of[open_now]] = True
    member &= open_now | ~has_open[contract_of]
    at = np.flatnonzero(member)
    starts = np.flatnonzero(np.diff(contract_of[at], prepend=-1))
    parts = np.zeros(sleeves["sleeve_no"].size, np.int64)
    totals = owed[contract_of[at[starts]]]
    parts[at] = share_columns(np.append(starts, at.size), totals, weights[at], sleeves["sleeve_no"][at], 0, books.day)
    missing = np.setdiff1d(rows[yen > 0], contract_of[at])
    if missing.size:
        raise ValueError(f"fees: contract {contracts['contract_no'][missing[0]]} owes a fee but has no sleeve")
    return parts


def set_off(books: Books, contract_of: np.ndarray, owed: np.ndarray) -> np.ndarray:
    """Return what the sleeves owe after the credit of their contracts (返戻との相殺); the credit falls by what was used."""
    contracts = books.contracts
    credit = contracts["credit_yen"]
    if not credit.any():
        return owed
    total = np.zeros(credit.size, np.int64)
    np.add.at(total, contract_of, owed)
    used = np.minimum(total, credit)
    at = np.flatnonzero((used[contract_of] > 0) & (owed > 0))
    starts = np.flatnonzero(np.diff(contract_of[at], prepend=-1))
    totals = used[contract_of[at[starts]]]
    taken = share_columns(np.append(starts, at.size), totals, owed[at], books.sleeves["sleeve_no"][at], 0, books.day)
    left = owed.copy()
    left[at] -= taken
    contracts["credit_yen"] = credit - used
    return left


def dues_of(books: Books, contract_of: np.ndarray, owed: np.ndarray, due_date: np.ndarray) -> Frame:
    """Return one due per sleeve that owes something tonight (徴収予定); `due_date` is per contract row."""
    at = np.flatnonzero(owed > 0)
    dues = empty("dues", at.size)
    for name in ("account_no", "contract_no", "sleeve_no"):
        dues[name][:] = books.sleeves[name][at]
    dues["charged_date"][:], dues["due_date"][:], dues["amount_yen"][:] = books.day, due_date[contract_of[at]], owed[at]
    return dues


def book_bills(books: Books, bills: Bills, due_date: np.ndarray, finals: np.ndarray, next_day: int) -> tuple[Books, Frame]:
    """Return the books with tonight's dues and open fees, and tonight's fee rows (徴収予定の登録).

    Parameters
    ----------
    due_date : per contract row;  finals : contract numbers that end tonight: what they are charged is due on `next_day`
    """
    contracts = books.contracts
    ending = np.isin(contracts["contract_no"], finals)
    due_date = np.where(ending, next_day, due_date)
    fresh = dues_of(books, bills.contract_of, set_off(books, bills.contract_of, bills.owed), due_date)
    dues = sort(stack(books.dues, fresh), "sleeve_no", "charged_date")
    fees = stack(empty("fees"), *bills.fees)
    settled = (fees["fee_yen"] == 0) | ~np.isin(fees["contract_no"], fresh["contract_no"])  # of 0 yen, or set off
    fees["collected_date"][settled] = books.day
    return replace(books, dues=dues, fees=stack(books.fees, take(fees, fees["collected_date"] == 0))), fees


# ---- the parties


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
        for name in ("contract_no", "sleeve_no", "component_no", "kind_code", "start_date"):
            share[name][:] = part[name]
        share["company_no"][:], share["share_yen"][:] = company, yen
        rows.append(share)
    return stack(*rows)
