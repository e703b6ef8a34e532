"""The books against the journal (帳簿と仕訳の検証): every entry sums to zero, the books are the sum of the journal, on every day.

Also: the account's book is the sum of its sleeves, a snapshot is what the deltas say, and what did not change was not written.
"""

import numpy as np

from tsutsumi.core.books import STATE_TABLES, Books
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.delta import KEY_COLUMNS, from_snapshot, read_market
from tsutsumi.core.journal import CASH, LEDGERS, PAYABLE, RECEIVABLE, UNITS
from tsutsumi.core.partitions import canonical
from tsutsumi.core.schema import Frame, length, take
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, grouped, rows_of, totals
from tsutsumi.store.day_tables import whole_books, with_market

WIDTH = 100_001
MONEY = {CASH: ("cash_yen", 1), RECEIVABLE: ("receivable_yen", 1), PAYABLE: ("payable_yen", -1)}


class JournalSums:
    """Every entry of the journal sums to zero per currency and per instrument (貸借一致)."""

    def __init__(self, bench: Bench) -> None:
        self.entries = 0
        self.tally = Tally(
            "journal_sums", "仕訳の貸借一致", "journal entries sum to zero",
            "every journal entry sums to zero per currency and per instrument", "仕訳明細 journal lines", "不一致 unbalanced",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        journal = day.table("journal")
        if journal is None:
            return
        self.tally.look(length(journal))
        numbers = np.unique(journal["entry_no"])
        self.entries += numbers.size
        order, starts = grouped(journal, "entry_no", "instrument_no")
        sums = np.add.reduceat(journal["quantity"][order], starts)
        for row in order[starts[np.flatnonzero(sums)]].tolist():
            entry, asset = int(journal["entry_no"][row]), int(journal["instrument_no"][row])
            self.tally.short(1, f"{day.date}: entry {entry} does not sum to zero in asset {asset}")
        if numbers.size and (numbers[0] != 1 or numbers[-1] != numbers.size):
            self.tally.short(1, f"{day.date}: entries are numbered up to {numbers[-1]}, there are {numbers.size}")

    def checks(self) -> list[Check]:
        """Return the check."""
        self.tally.note(f"仕訳 entries {self.entries:,}")
        return [self.tally.check()]


class JournalBooks:
    """Cash, receivables, payables and units of every sleeve are the sum of the journal, on every day (帳簿＝仕訳の累計).

    By induction: the books begin empty, and each day they change by exactly what the journal of the day says.
    """

    def __init__(self, bench: Bench) -> None:
        self.tally = Tally(
            "journal_books", "帳簿＝仕訳の累計", "the books are the sum of the journal",
            "units and cash of every sleeve are the sum of the journal on every day", "残高×日 balances × days",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        before, after, tally = day.before, day.books, self.tally
        journal = day.table("journal")
        for ledger, (column, sign) in MONEY.items():
            tally.look(length(after.sleeves))
            keys = [after.sleeves["sleeve_no"], before.sleeves["sleeve_no"]]
            amounts = [after.sleeves[column], -before.sleeves[column]]
            self._compare(day, LEDGERS[ledger], keys, amounts, self._lines(journal, ledger), sign)
        tally.look(length(after.positions))
        keys = [_position_key(of.positions) for of in (after, before)]
        amounts = [after.positions["held_units"], -before.positions["held_units"]]
        self._compare(day, "units", keys, amounts, self._lines(journal, UNITS), 1)

    def _lines(self, journal: Frame | None, ledger: int) -> Frame | None:
        return None if journal is None else take(journal, journal["ledger_code"] == ledger)

    def _compare(self, day: Day, what: str, keys: list, amounts: list, lines: Frame | None, sign: int) -> None:
        keys = [key.astype(np.int64) for key in keys]
        if np.array_equal(*keys):  # the shape did not change: only what moved is looked at
            moved = amounts[0] + amounts[1]
            rows = np.flatnonzero(moved)
            keys, amounts = [keys[0][rows]], [moved[rows]]
        if lines is not None:
            keys.append(_position_key(lines) if what == "units" else lines["sleeve_no"].astype(np.int64))
            amounts.append(-sign * lines["quantity"])
        key, total = totals(np.concatenate(keys), np.concatenate(amounts))
        for number, difference in zip(key[total != 0].tolist(), total[total != 0].tolist(), strict=True):
            subject = f"sleeve {number // WIDTH}, instrument {number % WIDTH}" if what == "units" else f"sleeve {number}"
            self.tally.short(1, f"{day.date}: {what} of {subject} moved by {difference:,} more than the journal says")

    def checks(self) -> list[Check]:
        """Return the check."""
        return [self.tally.check()]


def _position_key(of: Frame) -> np.ndarray:
    return of["sleeve_no"].astype(np.int64) * WIDTH + of["instrument_no"]


def account_units(books: Books) -> tuple[np.ndarray, np.ndarray]:
    """Return account × WIDTH + instrument, ascending, and the units of all its sleeves together, zeros left out."""
    positions = books.positions
    owner = books.sleeves["account_no"][books.row_of_sleeve[positions["sleeve_no"]]].astype(np.int64)
    key, units = totals(owner * WIDTH + positions["instrument_no"], positions["held_units"])
    return key[units != 0], units[units != 0]


def account_balances(books: Books) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return account, instrument (0: settled yen) and the balance of all its sleeves together, zeros left out, ascending."""
    key, units = account_units(books)
    cash_key, cash = totals(books.sleeves["account_no"].astype(np.int64) * WIDTH, books.sleeves["cash_yen"])
    key, total = totals(np.concatenate([cash_key, key]), np.concatenate([cash, units]))
    return key[total != 0] // WIDTH, key[total != 0] % WIDTH, total[total != 0]


class AccountBooks:
    """The account's own book (units and legal cost) holds what its sleeves hold together, on every day (口座＝運用口の合計)."""

    def __init__(self, bench: Bench) -> None:
        self.tally = Tally(
            "account_books", "口座帳簿＝運用口の合計", "the account's book is the sum of its sleeves",
            "the book of an account, by which tax is computed, has the units of its sleeves on every day",
            "口座銘柄×日 positions of accounts × days",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        own = day.books.account_positions
        kept = own["held_units"] != 0
        key, units = account_units(day.books)
        self.tally.look(key.size)
        keys = np.concatenate([key, own["account_no"][kept].astype(np.int64) * WIDTH + own["instrument_no"][kept]])
        key, total = totals(keys, np.concatenate([units, -own["held_units"][kept]]))
        for number, difference in zip(key[total != 0].tolist(), total[total != 0].tolist(), strict=True):
            subject = f"account {number // WIDTH}, instrument {number % WIDTH}"
            self.tally.short(1, f"{day.date}: {subject}: the sleeves hold {difference:,} units more than the account")

    def checks(self) -> list[Check]:
        """Return the check."""
        return [self.tally.check()]


class Snapshots:
    """A monthly snapshot is what the deltas of all days before it make of the first books (全件＝差分の累計)."""

    def __init__(self, bench: Bench) -> None:
        self.count = 0
        self.tally = Tally(
            "snapshots", "月次全件＝差分の累計", "snapshots are the sum of the deltas",
            "the books written whole are those that the deltas make, to the byte", "行 rows",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        if not day.row.snapshot or day.row.previous is None:
            return
        self.count += 1
        market = read_market(with_market(day.tables))
        whole = canonical(from_snapshot(epoch_day(day.date), whole_books(day.tables), market))
        for table in STATE_TABLES:
            one, other = getattr(whole, table), getattr(day.books, table)
            self.tally.look(length(one))
            same = length(one) == length(other) and all(np.array_equal(one[name], other[name]) for name in one)
            if not same:
                self.tally.short(1, f"{day.date}: table {table} of the snapshot is not what the deltas say")

    def checks(self) -> list[Check]:
        """Return the check."""
        self.tally.note(f"全件保存日 snapshots {self.count:,}")
        return [self.tally.check()]


class Deltas:
    """What did not change is not written again (変わらない残高は書かない)."""

    def __init__(self, bench: Bench) -> None:
        self.standing = self.written = 0
        self.bytes: dict[int, list[int]] = {0: [], 1: []}
        self.tally = Tally(
            "deltas", "変わらない行は書かない", "unchanged positions are not rewritten",
            "a closed day keeps what changed: no row of it stands as it stood the day before", "差分行 rows written",
            "不要な行 needless rows",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        self.bytes[day.row.snapshot].append(day.row.bytes)
        self.standing += length(day.books.positions)
        for table, key in KEY_COLUMNS.items():
            changed = day.table(f"delta.{table}")
            if changed is None:
                continue
            self.tally.look(length(changed))
            self.written += length(changed) if table == "positions" else 0
            names = tuple(changed)
            before = getattr(day.before, table)
            maybe = np.isin(before[key[0]], changed[key[0]])
            stood = set(rows_of(take(before, maybe), *names))
            for row in rows_of(changed, *names):
                if row in stood:
                    self.tally.short(1, f"{day.date}: {table} {dict(zip(names, row, strict=True))} was written without a change")

    def checks(self) -> list[Check]:
        """Return the check."""
        tally, standing = self.tally, max(self.standing, 1)
        tally.note(f"保有行の書込率 positions written {self.written:,} / {self.standing:,} ({self.written * 100 // standing} %)")
        plain, whole = (sum(sizes) // len(sizes) if sizes else 0 for sizes in (self.bytes[0], self.bytes[1]))
        tally.note(f"差分日の平均 bytes of a delta day {plain:,}、全件日の平均 of a snapshot day {whole:,}")
        return [tally.check()]
