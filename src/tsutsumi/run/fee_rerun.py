"""The fees of some contracts, computed again evening by evening (報酬の再計算): on a corrected past, or by other terms.

The close's own step of the fees (`core/charging.py`) runs over the closed days, on their values and flows; nothing else of a day
is closed again, and nothing is written. Without a correction and with the terms of the house it charges what the close charged.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date as Date

import numpy as np

from tsutsumi.core.accrual import carry_closed
from tsutsumi.core.books import STATE_TABLES, Books, index_books, new_books
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.charging import charge
from tsutsumi.core.delta import from_snapshot, read_market
from tsutsumi.core.dues import CREDITS, FEE_KINDS
from tsutsumi.core.fee_days import drop_days
from tsutsumi.core.fee_states import CONTRACT_COLUMNS
from tsutsumi.core.flows import EXTERNAL_LAST
from tsutsumi.core.partitions import canonical
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.schema import Frame, empty, sort, stack, take
from tsutsumi.run.fee_facts import Past
from tsutsumi.run.fee_terms_book import FeeTermsBook
from tsutsumi.run.reference import Reference
from tsutsumi.run.verify_check import rows_of
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import load_books, read_closed_day, roll, whole_books, with_market
from tsutsumi.store.manifest import closed_days

FEE_NAMES = (
    "contract_no", "sleeve_no", "component_no", "kind_code", "start_date", "end_date", "base_yen", "fee_yen", "charged_date",
)


@dataclass(frozen=True)
class FeeLine:
    """One fee as it was charged, or would have been (報酬の一行); `fee_yen` is above zero, the kind gives its sign."""

    contract_no: int
    sleeve_no: int
    component_no: int
    kind_code: int
    start: int
    end: int
    base_yen: int
    fee_yen: int
    charged: int

    @property
    def kind(self) -> str:
        """The word of the kind."""
        return FEE_KINDS[self.kind_code]

    @property
    def signed_yen(self) -> int:
        """What it adds to what the customer pays: a refund is below zero."""
        return -self.fee_yen if self.kind_code in CREDITS else self.fee_yen

    @property
    def key(self) -> tuple:
        """What it is the fee of, whoever computed it."""
        return self.sleeve_no, self.component_no, self.kind, self.start, self.end


def fee_lines_of(fees: Frame | None, day: int, contracts: frozenset[int]) -> list[FeeLine]:
    """Return the fees of some contracts that were charged on a day, as they were then (計上された報酬)."""
    rows = [] if not fees else rows_of(fees, *FEE_NAMES)
    return [FeeLine(*row) for row in rows if row[-1] == day and row[0] in contracts]


def days_from(house: House, first: Date | None, last: Date) -> Iterator[tuple[Books | None, dict[str, Frame], Books]]:
    """Yield (books before, tables, books) of the closed days from `first` (None: the first of the house) to `last`, ascending.

    The books before the first day of the house are None.
    """
    with reading(house) as connection:
        days = closed_days(connection, last=last)
    if not days:
        raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
    at = next((place for place, row in enumerate(days) if first is None or row.date >= first), len(days))
    before = load_books(house, days[at - 1].date) if at else None
    for row in days[at:]:
        tables = read_closed_day(house, row)
        if before is None:
            books = canonical(from_snapshot(epoch_day(row.date), whole_books(tables), read_market(with_market(tables))))
        else:
            books = roll(before, row.date, tables)
        yield before, tables, books
        before = books


@dataclass
class Shift:
    """A contract that begins on another day (開始日の訂正): the day that the books know, the right one, and its first evening."""

    old: int
    new: int
    contracts: Frame = field(default_factory=dict)
    sleeves: Frame = field(default_factory=dict)
    flows: Frame = field(default_factory=dict)


class Rerun:
    """The fees of some contracts on their way through the closed days (報酬の再計算)."""

    def __init__(
        self, reference: Reference, book: FeeTermsBook, contracts: Iterable[int], before: Books | None, first: int,
        past: Past | None = None, shifts: dict[int, Shift] | None = None, own: Iterable[int] = (),
    ) -> None:
        """Begin on the evening before the day `first`.

        Parameters
        ----------
        book : the terms;  contracts : whose fees;  before : the books of that evening, None before the first day of the house
        past : what closed days should have known;  shifts : contract_no → another first day
        own : contracts whose terms `book.contract_terms` knows better than `book.program_terms`
        """
        self.reference, self.book, self.contracts, self.past = reference, book, frozenset(contracts), past
        self.own, self.shifts = frozenset(book.own) | frozenset(own), shifts or {}
        wanted = np.array(sorted(self.contracts), np.int64)
        self.wanted = np.zeros(int(wanted.max(initial=0)) + 1, bool)
        self.wanted[wanted] = True
        market = None if before is None else before.market
        self.before = new_books(first - 1, market) if before is None else self._cut(before)
        self.lines: list[FeeLine] = []
        self.crystallised: list[tuple] = []
        self.held: dict[int, Frame] = {}

    def _mine(self, contract_no: np.ndarray) -> np.ndarray:
        known = contract_no < self.wanted.size
        return known & self.wanted[np.where(known, contract_no, 0)]

    def _cut(self, books: Books) -> Books:
        """Return the books of the chosen contracts with what their fees need."""
        kept = {name: take(getattr(books, name), self._mine(getattr(books, name)["contract_no"]))
                for name in ("sleeves", "contracts", "payouts", "fee_days", "fee_marks")}
        none = {name: empty(name) for name in STATE_TABLES if name not in kept}
        return index_books(replace(books, **none, **kept))

    def add(self, tables: dict[str, Frame], books: Books) -> None:
        """Take in one closed day: its tables, and the books at its end."""
        rules = self.reference.rules_on(self.reference.timeline.index_of(books.day))
        rules = replace(rules, program_terms=self.book.program_terms, contract_terms=self.book.contract_terms, own_terms=self.own)
        seen = None if self.past is None else self.past.look(tables, books)
        today, flows = self._cut(books), self._flows(tables, seen)
        if seen is not None:
            self._revalue(today, seen.value_yen[self._mine(books.sleeves["contract_no"])])
        for number, shift in self.shifts.items():
            today, flows = self._shifted(number, shift, today, flows)
        today, carried = self._carry(today, rules)
        ends = (today.payouts["kind_code"] == P_TERMINATION) & (today.payouts["pay_date"] > today.day)
        after, charges = charge(today, self.before, rules, np.flatnonzero(ends), flows, carried)
        self.lines += fee_lines_of(charges.fees, today.day, self.contracts)
        names = ("contract_no", "sleeve_no", "component_no", "start_date", "end_date", "value_yen", "charge_yen", "mark", "profit")
        self.crystallised += rows_of(charges.crystallisations, *names) if charges.crystallisations else []
        self.before = replace(after, dues=empty("dues"), fees=empty("fees"), payouts=empty("payouts"))

    def _revalue(self, today: Books, more: np.ndarray) -> None:
        """Correct the values of the sleeves, or refuse corrections that take out of one more than there was."""
        value = today.sleeves["value_yen"]
        value += more
        short = np.flatnonzero((value < 0) & (more < 0))
        if short.size:
            sleeve = int(today.sleeves["sleeve_no"][short[0]])
            name = self.reference.registry.names["sleeve"][sleeve]
            raise HouseError(f"{name}: with the corrections its value on {from_epoch_day(today.day)} would be "
                             f"{int(value[short[0]]):,} yen: correct the amounts; nothing was corrected")

    def _flows(self, tables: dict[str, Frame], seen) -> Frame:
        contract_of, given = self.reference.registry.sleeves["contract_no"], tables.get("flows")
        flows = empty("flows") if not given else take(given, given["kind_code"] <= EXTERNAL_LAST)
        if seen is not None:
            flows = stack(flows, seen.flows)
        return take(flows, self._mine(contract_of[flows["sleeve_no"]]))

    def _carry(self, today: Books, rules) -> tuple[Books, dict[int, int]]:
        """Return the books of today with the state that the fees had last night, and what closed sleeves carry over."""
        before = self.before
        ended = {name: column.copy() for name, column in before.contracts.items()}
        closed = ~np.isin(before.sleeves["sleeve_no"], today.sleeves["sleeve_no"])
        carried = {}
        if closed.any():
            carried = carry_closed(replace(before, day=today.day, contracts=ended), before, rules, closed)
        contracts, sleeves = today.contracts, today.sleeves
        row_of = {number: row for row, number in enumerate(ended["contract_no"].tolist())}
        at = np.array([row_of.get(number, -1) for number in contracts["contract_no"].tolist()], np.int64)
        known = at >= 0
        for name in CONTRACT_COLUMNS:
            if name != "opened_date":
                contracts[name][~known] = 0
            contracts[name][known] = ended[name][at[known]]
        contracts["credit_yen"] = np.zeros_like(contracts["credit_yen"])
        contracts["period_start_date"][~known] = contracts["opened_date"][~known]
        numbers = sleeves["sleeve_no"]
        inside = numbers < before.row_of_sleeve.size
        place = np.where(inside, before.row_of_sleeve[np.where(inside, numbers, 0)], -1)
        sums = before.sleeves["base_sum_yen"]
        sleeves["base_sum_yen"][:] = np.where(place >= 0, sums[place], 0) if sums.size else 0
        gone = ended["contract_no"][~np.isin(ended["contract_no"], contracts["contract_no"])]
        return replace(today, fee_days=drop_days(before.fee_days, gone), fee_marks=before.fee_marks), carried

    def _shifted(self, number: int, shift: Shift, today: Books, flows: Frame) -> tuple[Books, Frame]:
        """Return a day on which a contract is not there yet, or there already, as its right first day has it."""
        contract_of, fresh = self.reference.registry.sleeves["contract_no"], number not in self.before.contracts["contract_no"]
        mine = contract_of[flows["sleeve_no"]] == number
        if today.day < shift.new:  # it begins later: its money waits for its first day
            self.held[number] = stack(self.held.get(number, empty("flows")), take(flows, mine))
            others = (take(of, of["contract_no"] != number) for of in (today.sleeves, today.contracts))
            return index_books(replace(today, **dict(zip(("sleeves", "contracts"), others, strict=True)))), take(flows, ~mine)
        if shift.new <= today.day < shift.old:
            today = replace(today, contracts=sort(stack(today.contracts, _copied(shift.contracts)), "account_no", "contract_no"),
                            sleeves=sort(stack(today.sleeves, _copied(shift.sleeves)), "account_no", "contract_no", "sleeve_no"))
            today = index_books(today)
        elif today.day == shift.old:
            flows = take(flows, ~mine)
        if fresh and number in today.contracts["contract_no"]:
            flows = stack(flows, self.held.pop(number, empty("flows")), shift.flows or empty("flows"))
            today.contracts["opened_date"][today.contracts["contract_no"] == number] = shift.new
        opened, own = today.sleeves["opened_date"], today.sleeves["contract_no"] == number
        opened[own & (opened <= max(shift.old, shift.new))] = shift.new
        return today, flows


def _copied(of: Frame) -> Frame:
    return {name: column.copy() for name, column in of.items()}


def shifts_of(house: House, past: Past, reference: Reference) -> dict[int, Shift]:
    """Return the contracts that begin on another day, with the first evening that the books know of them (開始日の訂正)."""
    found = {}
    for number, (old, new) in past.starts.items():
        if old == new:
            continue
        shift = found[number] = Shift(old, new)
        if new < old:
            day = from_epoch_day(old)
            _, tables, books = next(days_from(house, day, day))
            flows = tables.get("flows") or empty("flows")
            mine = reference.registry.sleeves["contract_no"][flows["sleeve_no"]] == number
            shift.contracts = take(books.contracts, books.contracts["contract_no"] == number)
            shift.sleeves = take(books.sleeves, books.sleeves["contract_no"] == number)
            shift.flows = take(flows, mine & (flows["kind_code"] <= EXTERNAL_LAST))
    return found
