"""What a change of fee terms would mean (報酬条件の変更計画): every contract touched, and the yen of the last four quarters.

What was charged stands beside what the proposed terms would have charged on the same values and flows, as if the change had taken
effect with the first period that counts in the four quarters. Nothing is written. Rules: docs/rules/fee-plan.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta

from sqlalchemy import select

from tsutsumi.core.accrual import period_end
from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day, from_epoch_day, is_business_day
from tsutsumi.core.dues import CORRECTION
from tsutsumi.core.fee_cliffs import Cliff, cliffs
from tsutsumi.core.fee_terms import RateRow, Terms, rates_in_force
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.run.close_day import read_reference
from tsutsumi.run.fee_correction import Known, read_known
from tsutsumi.run.fee_facts import Past
from tsutsumi.run.fee_proposals import TermsChange, check_change
from tsutsumi.run.fee_rerun import FeeLine, Rerun, days_from, fee_lines_of, shifts_of
from tsutsumi.run.fee_terms_book import FeeTermsBook
from tsutsumi.run.reference import Reference
from tsutsumi.run.verify_check import rows_of
from tsutsumi.store.correction_rows import NAV, Fact
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import load_books
from tsutsumi.store.tables import metadata

QUARTERS = 4
ALWAYS = Date(1950, 1, 1)
Sums = dict[tuple[str, str], int]
Opened = dict[int, tuple[int, int]]  # contract_no → program_no, first day


@dataclass(frozen=True)
class PlannedContract:
    """One contract touched (対象契約): from when the change counts, and its fees by (component, kind), refunds below zero."""

    contract_id: str
    program_id: str
    effective_date: Date
    base_yen: int
    charged: Sums
    proposed: Sums
    cliffs: tuple[Cliff, ...] = ()

    @property
    def charged_yen(self) -> int:
        """What was charged."""
        return sum(self.charged.values())

    @property
    def proposed_yen(self) -> int:
        """What the proposed terms would have charged."""
        return sum(self.proposed.values())

    @property
    def difference_yen(self) -> int:
        """Proposed − charged."""
        return self.proposed_yen - self.charged_yen


@dataclass(frozen=True)
class FeePlan:
    """The plan of a change (変更計画): `first_date`..`last_date` are the quarters compared, at most four."""

    change: TermsChange
    first_date: Date
    last_date: Date
    contracts: tuple[PlannedContract, ...]
    cliffs: tuple[Cliff, ...]
    warnings: tuple[str, ...]

    @property
    def charged_yen(self) -> int:
        """What was charged to all contracts touched."""
        return sum(of.charged_yen for of in self.contracts)

    @property
    def proposed_yen(self) -> int:
        """What they would have been charged."""
        return sum(of.proposed_yen for of in self.contracts)

    def by_kind(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return (component, kind) → yen charged, and proposed (要素・種類別の計)."""
        found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for of in self.contracts:
            for place, side in enumerate((of.charged, of.proposed)):
                for key, yen in side.items():
                    found[key][place] += yen
        return {key: tuple(yen) for key, yen in sorted(found.items())}


def last_quarters(closed: Iterable[Date], count: int = QUARTERS) -> tuple[Date, Date]:
    """Return the first and last day of the last calendar quarters that are charged to their end (直近の四半期).

    A quarter is, when the first business day on or after its last day is closed. The first day is not before the first closed one.

    Raises
    ------
    HouseError
        No quarter is.

    Examples
    --------
    2027-06-30 is a business day; 2027-12-31 is none, the next one is 2028-01-04:

    >>> [str(day) for day in last_quarters([Date(2026, 8, 3), Date(2027, 6, 30)])]
    ['2026-08-03', '2027-06-30']
    >>> [str(day) for day in last_quarters([Date(2020, 1, 6), Date(2027, 12, 30)])]
    ['2026-10-01', '2027-09-30']
    """
    days = sorted(closed)
    end = _quarter_end(days[-1])
    while _first_close(end) > days[-1]:
        end = _quarter_end(end, -1)
    if end < days[0]:
        raise HouseError(f"no quarter is charged to its end yet: the house is closed from {days[0]} to {days[-1]}: close on first")
    first = _quarter_end(end, -count) + timedelta(days=1)
    return max(first, days[0]), end


def _quarter_end(day: Date, quarters: int = 0) -> Date:
    """Return the last day of the quarter of a day, or of one that many quarters later."""
    month = day.year * 12 + -(-day.month // 3) * 3 + 3 * quarters
    return Date(month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _first_close(day: Date) -> Date:
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def counted_on(line: FeeLine) -> int:
    """Return the day that puts a fee into a quarter (帰属日): in arrears the period's last day, in advance the day it was charged.

    >>> counted_on(FeeLine(1, 0, 0, 1, 100, 190, 0, 0, 193)), counted_on(FeeLine(1, 0, 0, 1, 100, 190, 0, 0, 102))
    (190, 102)
    """
    return min(line.end, max(line.start, line.charged))


def as_if_in_force(terms: Terms, day: Date) -> Terms:
    """Return terms with the tables of a day alone, in force always (適用開始日の料率)."""
    components = tuple(
        replace(component, rates=(RateRow(ALWAYS, rates_in_force(component, day).tiers),)) if component.kind == "balance"
        else component for component in terms.components
    )
    return replace(terms, components=components)


class ProposedBook(FeeTermsBook):
    """The terms of a house as if a change had come earlier (変更後の報酬条件), for each contract from a day of its own on."""

    def __init__(self, tables: Mapping, name: str, terms: Terms, since: dict[int, int]) -> None:
        super().__init__(tables)
        self.name, self.proposed, self.since = name, terms, since
        self.programs: dict[int, int] = {}  # programs whose contracts are all charged by it, and from which day on

    def program_terms(self, program_no: int, day: int) -> tuple[str, Terms]:
        """Return (fee_terms_id, terms) that charge a program's contracts on a day."""
        if day >= self.programs.get(program_no, day + 1):
            return self.name, self.proposed
        return super().program_terms(program_no, day)

    def contract_terms(self, contract_no: int, program_no: int, opened: int, day: int) -> tuple[str, Terms]:
        """Return (fee_terms_id, terms) of a contract for the period that begins on a day."""
        if contract_no in self.since and day >= self.since[contract_no]:
            return self.name, self.proposed
        return super().contract_terms(contract_no, program_no, opened, day)


def fee_plan(house: House, change: TermsChange) -> FeePlan:
    """Return the plan of a change of fee terms (報酬条件の変更計画).

    Raises
    ------
    HouseError
        The change cannot be made, or no quarter is charged to its end yet.
    """
    known = read_known(house)
    with reading(house) as connection:
        terms = check_change(connection, change)
        program_rules = [dict(row._mapping) for row in connection.execute(select(metadata.tables["program_rules"]))]
    first, last = last_quarters(known.closed)
    reference, books = read_reference(house, known.last), load_books(house, known.last)
    tables = reference.tables | {"program_rules": program_rules}
    touched = _touched(change, terms, tables, reference.fee_terms, books)
    simulated = as_if_in_force(terms, change.valid_from_date)
    found = cliffs(terms, change.valid_from_date)
    notes = [*terms.warnings, *_later_rates(terms, change.valid_from_date)]
    if not touched:
        return FeePlan(change, first, last, (), tuple(found), tuple(notes))
    names = ("contract_no", "program_no", "opened_date")
    opened = {number: (program, day) for number, program, day in rows_of(books.contracts, *names)}
    sides = _priced(known, reference, change, simulated, set(touched), (first, last), opened)
    bases = _bases(books, simulated.cash == "excluded")
    names = {row["contract_no"]: (row["contract_id"], row["program_no"]) for row in tables["contracts"]}
    programs = {row["program_no"]: row["program_id"] for row in tables["programs"]}
    contracts = [
        PlannedContract(
            names[number][0], programs[names[number][1]], from_epoch_day(start), bases.get(number, 0),
            *(dict(side.get(number, {})) for side in sides),
            tuple(cliff for cliff in found if cliff.near(bases.get(number, 0))),
        )
        for number, start in sorted(touched.items())
    ]
    return FeePlan(change, first, last, tuple(contracts), tuple(found), tuple(notes))


def _later_rates(terms: Terms, day: Date) -> list[str]:
    """Tell the rate tables that take over after the change: the plan does not have them."""
    return [
        f"{component.name}: {row.from_date} からの料率は計画に含まれません the rates from then on are not in the plan"
        for component in terms.balance for row in component.rates if row.from_date > day
    ]


def _touched(change: TermsChange, terms: Terms, tables: Mapping, book: FeeTermsBook, books: Books) -> dict[int, int]:
    """Return contract_no → first day of the first period that the change counts for, of every contract that lives on."""
    changed = dict(tables)
    head = {"valid_from_date": change.valid_from_date, "fee_terms_id": change.fee_terms_id}
    if change.terms_toml:
        changed["fee_terms"] = [*tables["fee_terms"], head | {"terms_toml": change.terms_toml}]
    program = next((row["program_no"] for row in tables["programs"] if row["program_id"] == change.program_id), 0)
    if program:
        rows = [row for row in tables["program_rules"]
                if row["program_no"] == program and row["valid_from_date"] <= change.valid_from_date]
        changed["program_rules"] = [*tables["program_rules"], max(rows, key=lambda row: row["valid_from_date"]) | head]
    after = FeeTermsBook(changed)
    leaving = set(books.payouts["contract_no"][books.payouts["kind_code"] == P_TERMINATION].tolist())
    day, found = epoch_day(change.valid_from_date), {}
    names = ("contract_no", "program_no", "opened_date", "period_end_date")
    for number, of_program, opened, end in rows_of(books.contracts, *names):
        start = end + 1
        while start < day:
            mine = book.contract_terms(number, of_program, opened, start)[1]
            start = period_end(mine.length, mine.align, opened, start) + 1
        who = number, of_program, opened, start
        if number not in leaving and _version(book, *who) != _version(after, *who):
            found[number] = start
    return found


def _version(book: FeeTermsBook, contract_no: int, program_no: int, opened: int, start: int) -> tuple[str, Date]:
    """Return which dated row of fee_terms counts for a period (適用される版)."""
    name = book.contract_terms(contract_no, program_no, opened, start)[0]
    return name, max(row["valid_from_date"] for row in book.tables["fee_terms"]
                     if row["fee_terms_id"] == name and epoch_day(row["valid_from_date"]) <= start)


def _bases(books: Books, without_cash: bool) -> dict[int, int]:
    """Return contract_no → the base of the last close (直近の基準額)."""
    found: dict[int, int] = defaultdict(int)
    for number, value, cash in rows_of(books.sleeves, "contract_no", "value_yen", "cash_yen"):
        found[number] += max(value - (cash if without_cash else 0), 0)
    return found


def _since(reference: Reference, eve: Books | None, touched: set[int], first: int) -> dict[int, int]:
    """Return from which period on each contract is charged by the proposal (変更を当てはめる初日), 0 for always.

    In arrears it is the period that runs on the eve of the first quarter, for it ends within; in advance the next one.
    """
    since = dict.fromkeys(touched, 0)
    names = ("contract_no", "program_no", "opened_date", "period_start_date", "period_end_date")
    for number, program, opened, start, end in [] if eve is None else rows_of(eve.contracts, *names):
        if number in touched:
            timing = reference.fee_terms.contract_terms(number, program, opened, start)[1].timing
            since[number] = start if timing == "arrears" and end >= first else end + 1
    return since


def _priced(
    known: Known, reference: Reference, change: TermsChange, terms: Terms, touched: set[int], quarters: tuple[Date, Date],
    opened: Opened,
) -> list[dict[int, Sums]]:
    """Return contract_no → sums by component and kind, as charged and as proposed (計上額と変更後の額)."""
    eves = [day for day in known.closed if day < quarters[0]]
    since = _since(reference, load_books(known.house, eves[-1]) if eves else None, touched, epoch_day(quarters[0]))
    days = [from_epoch_day(day - 1) for day in since.values() if day] + [quarters[0]]  # a period may begin on the evening before
    facts, start = _facts(known, touched, min(days))
    book = ProposedBook(reference.tables, change.fee_terms_id, terms, since)
    own = _own(reference, book, since, opened, epoch_day(quarters[0]))
    mates = _mates(reference, touched)
    corrected = frozenset(number for number in touched if number in known.touched)
    runs: list[Rerun] = []
    charged: list[FeeLine] = []
    for eve, tables, books in days_from(known.house, start, _first_close(quarters[1])):
        if not runs:
            for terms_of, members, extra in ((book, mates, own), (reference.fee_terms, _mates(reference, corrected), ())):
                past = Past(facts, reference)
                shifts = shifts_of(known.house, past, reference)
                runs.append(Rerun(reference, terms_of, members, eve, books.day, past, shifts, extra))
        runs[0].add(tables, books)
        if corrected:
            runs[1].add(tables, books)
        charged += [line for line in fee_lines_of(tables.get("fees"), books.day, frozenset(touched) - corrected)
                    if line.kind_code < CORRECTION]
    charged += [line for line in runs[1].lines if line.contract_no in corrected]
    proposed = [line for line in runs[0].lines if line.contract_no in touched]
    sides = ((reference.fee_terms, charged), (book, proposed))
    return [_sums(terms_of, lines, opened, quarters) for terms_of, lines in sides]


def _facts(known: Known, touched: set[int], start: Date) -> tuple[list[Fact], Date]:
    """Return the corrections that the books do not hold yet on the evening before a day, and a day early enough for all of them."""
    while True:
        mine = [fact for fact in known.facts if fact.booked_date >= start and (fact.kind == NAV or fact.contract_no in touched)]
        first = min([start, *(fact.date for fact in mine), *(fact.new_date for fact in mine if fact.new_date)])
        if first == start:
            return mine, start
        start = first


def _mates(reference: Reference, contracts: Iterable[int]) -> set[int]:
    """Return contracts with all of their fee groups: what a group saves is shared among them (合算の相手)."""
    members: dict[str, set[int]] = defaultdict(set)
    for row in reference.tables.get("fee_groups", ()):
        members[row["group_id"]].add(row["contract_no"])
    members.pop("", None)
    found = set(contracts)
    while True:
        grown = found.union(*(of for of in members.values() if of & found))
        if grown == found:
            return found
        found = grown


def _own(reference: Reference, book: ProposedBook, since: dict[int, int], opened: Opened, first: int) -> set[int]:
    """Return the contracts whose terms must be asked for one by one; of the others the program answers (個別に見る契約)."""
    by_program: dict[int, set[int]] = defaultdict(set)
    for number, day in since.items():
        by_program[opened[number][0]].add(day)
    for program, days in by_program.items():
        days = days - {0} or {first}
        if len(days) == 1 and max(days) <= first:
            book.programs[program] = max(days)
    return {number for number in since if number in reference.fee_terms.own or opened[number][0] not in book.programs}


def _sums(book: FeeTermsBook, lines: list[FeeLine], opened: Opened, quarters: tuple[Date, Date]) -> dict[int, Sums]:
    """Return contract_no → (component, kind) → yen of the fees that count in the quarters, refunds below zero."""
    begun = {(line.contract_no, line.end): line.start for line in lines if line.kind == "charge"}
    found: dict[int, Sums] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        if quarters[0] <= from_epoch_day(counted_on(line)) <= quarters[1]:
            day = begun.get((line.contract_no, line.end), line.end if line.kind == "performance" else line.start)
            program, since = opened[line.contract_no]
            terms = book.contract_terms(line.contract_no, program, since, day)[1]
            found[line.contract_no][terms.components[line.component_no].name, line.kind] += line.signed_yen
    return found
