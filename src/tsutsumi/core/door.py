"""The door (受付): the books while the day's events are booked one by one, with room for what opens today.

Rules: docs/close.md §5. What each event does is in `events` and `exits`.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books, index_books, order_offsets
from tsutsumi.core.debits import Debits
from tsutsumi.core.flows import Flows
from tsutsumi.core.journal import Journal
from tsutsumi.core.promises import P_SLEEVE_CLOSE, Promiser, payout_row, spare_yen
from tsutsumi.core.refusals import Refused
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, columns, empty, length, sort, stack, take

OPEN, CLOSING, NOT_OPEN = 0, 1, 9
INDEX_START = 10**12
LEAST_ROOM = 64


class Growing:
    """A frame to which rows come one at a time (追記する表); what stands is copied only when its room doubles."""

    def __init__(self, table: str, of: Frame) -> None:
        self.names, self.of, self.room = [word.column for word in columns(table)], of, of

    def add(self, row: tuple[int, ...]) -> Frame:
        """Return the rows so far with one more, in the order of the columns; frames returned before stay as they are."""
        count, room = length(self.of), length(self.room)
        if count == room:
            more = max(room, LEAST_ROOM)
            self.room = {name: np.concatenate([column, np.zeros(more, column.dtype)]) for name, column in self.of.items()}
        for name, value in zip(self.names, row, strict=True):
            self.room[name][count] = value
        self.of = {name: column[: count + 1] for name, column in self.room.items()}
        return self.of


@dataclass
class Door:
    """The books while the day's events are booked one by one; what an event asks is found without a look at all rows."""

    books: Books
    rules: Rules
    flows: Flows
    journal: Journal
    alerts: Alerts
    money_in: np.ndarray
    strategy_changed: np.ndarray
    order_offsets: np.ndarray
    standing: int  # rows of sleeves that stood before today, by account; what may open today follows
    reshape: bool = False
    debits: Debits = field(init=False)
    fee_events: frozenset[int] = frozenset()  # events that bring a state of fees
    fee_corrections: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.payouts = Growing("payouts", self.books.payouts)

    @cached_property
    def spare_yen(self) -> np.ndarray:
        """What is not spoken for in each sleeve, before today's money in (払出しに使える額): kept up by `add_payout`."""
        return spare_yen(self.books)

    @cached_property
    def row_of_contract(self) -> np.ndarray:
        """The row of each contract by its number, -1 for one that the books do not know (契約の行)."""
        numbers = self.books.contracts["contract_no"]
        row_of = np.full(self.rules.registry.contracts["account_no"].size, -1, np.int64)
        row_of[numbers] = np.arange(numbers.size)
        return row_of

    def contract_row(self, contract_no: int) -> int:
        """Return the row of a contract, or -1."""
        return int(self.row_of_contract[contract_no]) if 0 < contract_no < self.row_of_contract.size else -1

    def sleeve_rows(self, contract_no: int) -> np.ndarray:
        """Return the rows of a contract's sleeves, ascending (契約の運用口)."""
        account_no = self.books.sleeves["account_no"]
        account = int(self.rules.registry.contracts["account_no"][contract_no])
        first, last = np.searchsorted(account_no[: self.standing], [account, account + 1])
        rows = np.concatenate([np.arange(first, last), np.arange(self.standing, account_no.size)])
        return rows[self.books.sleeves["contract_no"][rows] == contract_no]

    def promiser(self) -> Promiser:
        """Return who promises dates on the books of the moment; no event touches the live orders."""
        return Promiser(self.books, self.rules, self.order_offsets)

    def row(self, sleeve_no: int) -> int:
        """Return the row of an open or closing sleeve, or refuse."""
        row_of = self.books.row_of_sleeve
        row = int(row_of[sleeve_no]) if 0 < sleeve_no < row_of.size else -1
        if row < 0 or self.books.sleeves["status_code"][row] == NOT_OPEN:
            raise Refused(f"{self.rules.name('sleeve', sleeve_no)} is not open", "open it first, or name the right sleeve")
        return row

    def open_row(self, sleeve_no: int) -> int:
        """Return the row of an open sleeve that is not closing, or refuse."""
        row = self.row(sleeve_no)
        if self.books.sleeves["status_code"][row] != OPEN:
            raise Refused(f"{self.rules.name('sleeve', sleeve_no)} is closing", "wait for its end, or open a new sleeve")
        return row

    def rule(self, row: int, name: str) -> int:
        """Return a program rule in force for a sleeve row."""
        return int(self.rules.programs[name][self.books.sleeves["program_no"][row]])

    def add_payout(self, row: int, event: dict, kind: int, amount: int, promised: int) -> None:
        """Add one payout and its promise."""
        if self.payouts.of is not self.books.payouts:
            self.payouts = Growing("payouts", self.books.payouts)
        if kind < P_SLEEVE_CLOSE:
            self.spare_yen[row] -= amount
        payout = payout_row(self.books, row, event["event_no"], kind, amount, promised, event["target_sleeve_no"])
        self.books = replace(self.books, payouts=self.payouts.add(payout))


def open_door(
    books: Books, rules: Rules, sleeves_to_open: np.ndarray, contracts_to_open: np.ndarray, flows: Flows, journal: Journal,
    alerts: Alerts,
) -> Door:
    """Make room for the sleeves and contracts that may open today (開設の準備): rows that are not open yet."""
    registry = rules.registry
    wanted = np.unique(sleeves_to_open)
    wanted = wanted[(wanted > 0) & (wanted < registry.sleeves["contract_no"].size)]
    wanted = wanted[~np.isin(wanted, books.sleeves["sleeve_no"]) & ~np.isin(wanted, books.ended["sleeve_no"])]
    room = empty("sleeves", wanted.size)
    room["sleeve_no"][:] = wanted
    for name in ("contract_no", "account_no", "program_no", "model_no"):
        room[name][:] = registry.sleeves[name][wanted]
    room["status_code"][:], room["twr_index"][:] = NOT_OPEN, INDEX_START
    contracts = np.unique(contracts_to_open)
    contracts = contracts[(contracts > 0) & (contracts < registry.contracts["account_no"].size)]
    ended = books.ended["contract_no"][books.ended["sleeve_no"] == 0]
    contracts = contracts[~np.isin(contracts, books.contracts["contract_no"]) & ~np.isin(contracts, ended)]
    more = empty("contracts", contracts.size)
    more["contract_no"][:], more["status_code"][:] = contracts, NOT_OPEN
    for name in ("account_no", "program_no"):
        more[name][:] = registry.contracts[name][contracts]
    sleeves = stack(books.sleeves, room)
    row_of = np.full(int(sleeves["sleeve_no"].max(initial=0)) + 1, -1, np.int64)
    row_of[sleeves["sleeve_no"]] = np.arange(length(sleeves))
    offsets = np.append(books.offsets, np.full(wanted.size, books.offsets[-1]))
    books = replace(books, sleeves=sleeves, contracts=stack(books.contracts, more), row_of_sleeve=row_of, offsets=offsets)
    rows = length(sleeves)
    money_in = np.zeros(rows, np.int64)
    changed, standing = np.zeros(rows, bool), rows - wanted.size
    return Door(books, rules, flows, journal, alerts, money_in, changed, order_offsets(books), standing, wanted.size > 0)


def shut_door(door: Door) -> Books:
    """Return the books in their order again, without the rows that did not open (受付の終わり)."""
    books = door.books
    opened = books.sleeves["status_code"] != NOT_OPEN
    sleeves = sort(take(books.sleeves, opened), "account_no", "contract_no", "sleeve_no")
    kept = books.contracts["status_code"] != NOT_OPEN
    contracts = sort(take(books.contracts, kept), "account_no", "contract_no")
    if not door.reshape:
        return replace(books, sleeves=sleeves, contracts=contracts, offsets=books.offsets[: length(sleeves) + 1])
    books = replace(books, sleeves=sleeves, contracts=contracts)
    positions = books.positions
    row_of = index_books(replace(books, positions=empty("positions"))).row_of_sleeve
    order = np.lexsort((positions["instrument_no"], row_of[positions["sleeve_no"]]))
    return index_books(replace(books, positions=take(positions, order)))
