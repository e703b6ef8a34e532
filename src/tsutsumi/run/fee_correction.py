"""Late corrections of fees (報酬の訂正): every contract concerned priced again, and one difference each, booked by the next close.

Closed days stay as they are. What was charged too little or too much comes as an event `fee_corrected` of the next open business
day; the period that runs goes on from the state that the right past would have led to. Rules: docs/rules/fee-correction.md.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import select

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.dues import CORRECTION
from tsutsumi.core.fee_states import MONEY, VALUE, fee_state, sleeve_rows
from tsutsumi.run.close_day import read_reference
from tsutsumi.run.fee_correction_file import read_corrections, registered
from tsutsumi.run.fee_facts import Past
from tsutsumi.run.fee_lives import leaving
from tsutsumi.run.fee_rerun import FeeLine, Rerun, days_from, fee_lines_of, shifts_of
from tsutsumi.run.fee_workings import Narrator
from tsutsumi.run.reference import Reference
from tsutsumi.run.verify_check import rows_of
from tsutsumi.store import audit
from tsutsumi.store.correction_rows import EVENT_KIND, NAV, START_DATE, Booking, Fact, keep_corrections, known_facts
from tsutsumi.store.database import House, HouseError, reading, transaction
from tsutsumi.store.day_tables import load_books
from tsutsumi.store.manifest import closed_days, lock_house
from tsutsumi.store.tables import events, fee_corrections

MOST_EXPLAINED = 500
MOST_DAYS_IN_FORCE = 31  # a price that is in force longer without another is looked for no further back


@dataclass(frozen=True)
class Change:
    """One fee before and after (訂正前・訂正後): None where there is no such fee; a refund is below zero."""

    component: str
    kind: str
    start_date: Date
    end_date: Date
    sleeve_no: int
    old_yen: int | None
    new_yen: int | None


@dataclass(frozen=True)
class ContractCorrection:
    """What a contract's fees were wrong by (契約ごとの訂正): `difference_yen` is charged, below zero it is given back.

    `charged_yen` and `right_yen` are of the days that were computed again. `outside`: the contract has ended, the amount is to be
    settled outside. `earlier_yen`: corrections that came before.
    `running`: the period that runs goes on from another state. `before`, `after`: the arithmetic of what changed, of the
    `MOST_EXPLAINED` contracts that move most.
    """

    contract_no: int
    contract_id: str
    correction_ids: tuple[str, ...]
    charged_yen: int
    earlier_yen: int
    right_yen: int
    outside: bool
    running: bool
    changes: tuple[Change, ...]
    states: tuple[tuple, ...] = ()
    before: tuple[dict, ...] = ()
    after: tuple[dict, ...] = ()

    @property
    def difference_yen(self) -> int:
        """The one amount that is posted."""
        return self.right_yen - self.charged_yen - self.earlier_yen


@dataclass(frozen=True)
class CorrectionReport:
    """What became of a file of corrections (訂正の結果)."""

    new_ids: tuple[str, ...]
    known_ids: tuple[str, ...]
    booked_date: Date | None = None
    first_date: Date | None = None  # of the days that were computed again
    contracts: tuple[ContractCorrection, ...] = ()


@dataclass
class Known:
    """What the house knows before a correction (訂正前の状態)."""

    house: House
    last: Date
    closed: tuple[Date, ...]
    facts: list[Fact]
    batches: dict[str, str]                                         # correction_id → its batch
    hashes: dict[str, str]                                          # correction_id → what its file said
    earlier: dict[int, int] = field(default_factory=dict)           # contract_no → yen of events
    touched: dict[int, set[str]] = field(default_factory=dict)      # contract_no → batches
    pending: set[int] = field(default_factory=set)                  # contracts with an event that no close has booked


def read_known(house: House) -> Known:
    """Return the corrections, and the events that book them, that a house knows (登録済みの訂正)."""
    with reading(house) as connection:
        closed = tuple(row.date for row in closed_days(connection))
        if not closed:
            raise HouseError(f"{house.folder}: no day is closed yet: there is nothing to correct")
        rows = list(connection.execute(select(fee_corrections)))
        known = Known(house, closed[-1], closed, known_facts(connection), {row.correction_id: row.batch_hash for row in rows},
                      {row.correction_id: row.content_hash for row in rows})
        batches = set(known.batches.values())
        for row in connection.execute(select(events).where(events.c.kind == EVENT_KIND)):
            if row.content_hash in batches:  # one that was loaded by hand is a matter of its own
                known.earlier[row.contract_no] = known.earlier.get(row.contract_no, 0) + row.amount_yen
                known.touched.setdefault(row.contract_no, set()).add(row.content_hash)
                known.pending |= {row.contract_no} if row.processed_date is None else set()
    return known


def correct_file(house: House, path: Path, by: str, recorded_at: str) -> CorrectionReport:
    """Correct the fees of a house by a file (報酬の訂正): compute, and store the events that the next close books.

    Sending the same file twice changes nothing.

    Raises
    ------
    HouseError
        A row cannot be taken, a correction_id is known with other content, or another process is at work in the house.
    """
    path = Path(path)
    with lock_house(house.folder, "fees correct"):
        known = read_known(house)
        books = load_books(house, known.last)
        reference = read_reference(house, known.last)
        rows = read_corrections(path, registered(house, books, known.closed, Past(known.facts, reference).starts))
        for fact, said in rows:
            if known.hashes.get(fact.correction_id, said) != said:
                raise HouseError(f"{path.name}: correction_id: {fact.correction_id!r} is known with other content: a correction is "
                                 "never edited; correct again under an id of its own; nothing was corrected")
        fresh = [(fact, said) for fact, said in rows if fact.correction_id not in known.hashes]
        old_ids = tuple(fact.correction_id for fact, _ in rows if fact.correction_id in known.hashes)
        if not fresh:
            return CorrectionReport((), old_ids)
        first, found = compute(known, reference, books, [fact for fact, _ in fresh])
        booked = from_epoch_day(reference.timeline.days[reference.timeline.index_of(epoch_day(known.last)) + 1])
        report = CorrectionReport(tuple(fact.correction_id for fact, _ in fresh), old_ids, booked, first, tuple(found))
        _store(known, report, fresh, by, recorded_at, hashlib.sha256(path.read_bytes()).hexdigest(), path.name)
    return report


def _store(known: Known, report: CorrectionReport, fresh: list, by: str, recorded_at: str, sha256: str, name: str) -> None:
    batch = audit.content_hash(sorted(report.new_ids))
    bookings = [
        Booking(f"{EVENT_KIND}:{of.contract_id}:{batch[:16]}", of.contract_no, of.difference_yen,
                "訂正 " + " ".join(of.correction_ids), of.states)
        for of in report.contracts if of.difference_yen or of.states
    ]
    payload = {
        "file": name, "sha256": sha256, "corrections": list(report.new_ids), "booked_date": str(report.booked_date),
        "contracts": len(bookings), "difference_yen": sum(of.amount_yen for of in bookings),
    }
    with transaction(known.house) as connection:
        keep_corrections(connection, fresh, bookings, batch, report.booked_date, by, recorded_at)
        audit.append(connection, by, "correct_fees", payload, recorded_at)


def compute(known: Known, reference: Reference, books: Books, facts: list[Fact]) -> tuple[Date | None, list[ContractCorrection]]:
    """Return the first day that is computed again, and what every contract concerned was charged wrong by; nothing is stored.

    Parameters
    ----------
    books : of the last closed day;  facts : the new corrections
    """
    concerned = _concerned(known, reference, facts)
    contracts = frozenset(concerned)
    if not contracts:
        return None, []
    first, before = _earlier(known, reference, contracts, facts)
    old, new = Past(before, reference), Past([*before, *facts], reference)
    shifts = [shifts_of(known.house, past, reference) for past in (old, new)]
    runs: list[Narrator] = []
    charged: dict[int, list[FeeLine]] = defaultdict(list)
    for eve, tables, today in days_from(known.house, first, known.last):
        if not runs:
            runs = [Narrator(Rerun(reference, reference.fee_terms, contracts, eve, today.day, past, shift))
                    for past, shift in zip((old, new), shifts, strict=True)]
        for run in runs:
            run.add(tables, today)
        for line in fee_lines_of(tables.get("fees"), today.day, contracts):
            if line.kind_code < CORRECTION:
                charged[line.contract_no].append(line)
    names = {row["contract_no"]: row["contract_id"] for row in reference.tables["contracts"]}
    alive = set(books.contracts["contract_no"].tolist()) - leaving(books)
    found = [
        _corrected(known, books, number, names[number], tuple(sorted(concerned[number])), charged[number], runs, number in alive)
        for number in sorted(contracts)
    ]
    return first or known.closed[0], _explained(found, runs)


def _explained(found: list[tuple[ContractCorrection, set, set]], runs: list[Narrator]) -> list[ContractCorrection]:
    """Return the corrections with the arithmetic of those that move most (計算過程), before and after."""
    moved = sorted((of for of, _, _ in found if of.changes), key=lambda of: (-abs(of.difference_yen), of.contract_no))
    chosen = {of.contract_no for of in moved[:MOST_EXPLAINED]}
    return [
        replace(of, **{name: tuple(run.explained(of.contract_no, lines))
                       for name, run, lines in zip(("before", "after"), runs, sides, strict=True)})
        if of.contract_no in chosen else of for of, *sides in found
    ]


def _corrected(
    known: Known, books: Books, number: int, name: str, ids: tuple[str, ...], charged: list[FeeLine], runs: list[Narrator],
    alive: bool,
) -> tuple[ContractCorrection, set, set]:
    """Return what one contract was charged wrong by, and which fees are no more, or new."""
    old, new = ([line for line, _ in run.stories[number].lines] for run in runs)
    paid = sum(line.signed_yen for line in charged)
    if number not in known.touched and not _same(old, charged, known.facts):
        told = f"charged {paid:,} yen, computed again {sum(line.signed_yen for line in old):,}"
        raise HouseError(f"{known.house.folder}: the fees of {name} cannot be computed again: {told}: run tsutsumi verify; "
                         "nothing was corrected")
    changes, gone, come = _changes(runs, number, old, new)
    states: tuple[tuple, ...] = ()
    if alive:
        right = runs[1].rerun.before
        state = fee_state(right, number)
        if state != fee_state(books, number) or number in known.pending:
            states = tuple(state)
        states += tuple(sleeve_rows(books, VALUE, _other_values(books, right, number)))
        mine = books.sleeves["sleeve_no"][books.sleeves["contract_no"] == number].tolist()
        added = runs[1].rerun.past.added
        states += tuple(sleeve_rows(books, MONEY, {sleeve: -added[sleeve] for sleeve in mine if added.get(sleeve)}))
    found = ContractCorrection(
        number, name, ids, paid, known.earlier.get(number, 0), sum(line.signed_yen for line in new), not alive, bool(states),
        tuple(changes), states,
    )
    return found, gone, come


def _same(old: list[FeeLine], charged: list[FeeLine], facts: list[Fact]) -> bool:
    """Tell whether the fees computed again are those charged; a correction that moved a base, but no yen, left no trace."""
    plain = (sorted((*line.key, line.charged, line.fee_yen, 0 if facts else line.base_yen) for line in of) for of in (old, charged))
    return next(plain) == next(plain)


def _other_values(books: Books, right: Books, number: int) -> dict[int, int]:
    """Return the sleeves of a contract whose value of the last close should have been another."""
    mine = right.sleeves["contract_no"] == number
    pairs = zip(right.sleeves["sleeve_no"][mine].tolist(), right.sleeves["value_yen"][mine].tolist(), strict=True)
    return {sleeve: yen for sleeve, yen in pairs if yen != books.sleeves["value_yen"][books.row_of_sleeve[sleeve]]}


def _changes(runs: list[Narrator], number: int, old: list[FeeLine], new: list[FeeLine]) -> tuple[list[Change], set, set]:
    """Return the fees that are not the same before and after, and which lines these are on either side."""
    sides: list[dict[tuple, list[FeeLine]]] = [defaultdict(list), defaultdict(list)]
    for side, lines in zip(sides, (old, new), strict=True):
        for line in lines:
            side[line.key].append(line)
    changes, gone, come = [], set(), set()
    for key in sorted(sides[0].keys() | sides[1].keys(), key=lambda key: (key[3], key[4], key[2], key[1], key[0])):
        was, is_now = sides[0].get(key, []), sides[1].get(key, [])
        if [line.fee_yen for line in was] == [line.fee_yen for line in is_now]:
            continue
        told = [sum(line.signed_yen for line in lines) if lines else None for lines in (was, is_now)]
        story = runs[1 if is_now else 0].stories[number]
        run, line = (runs[1], is_now[0]) if is_now else (runs[0], was[0])
        period = next(start for other, start in story.lines if other == line)
        terms = run.rerun.book.contract_terms(number, story.program_no, story.opened, period)[1]
        dates = from_epoch_day(line.start), from_epoch_day(line.end)
        changes.append(Change(terms.components[line.component_no].name, line.kind, *dates, line.sleeve_no, *told))
        gone |= set(was)
        come |= set(is_now)
    return changes, gone, come


def _concerned(known: Known, reference: Reference, facts: list[Fact]) -> dict[int, set[str]]:
    """Return contract_no → ids of the corrections that concern it: those of its own, of prices that it held, of its fee group."""
    found: dict[int, set[str]] = defaultdict(set)
    for fact in facts:
        if fact.kind != NAV:
            found[fact.contract_no].add(fact.correction_id)
    prices = [fact for fact in facts if fact.kind == NAV]
    if prices:
        _holders(known, reference, prices, found)
    groups: dict[str, set[int]] = defaultdict(set)
    for row in reference.tables.get("fee_groups", ()):
        if row["group_id"]:
            groups[row["group_id"]].add(row["contract_no"])
    grown = True
    while grown:
        grown = False
        for members in groups.values():
            ids = set().union(*(found[number] for number in members & found.keys()))
            for number in members if ids else ():
                grown = grown or not ids <= found[number]
                found[number] |= ids
    return dict(found)


def _holders(known: Known, reference: Reference, facts: list[Fact], found: dict[int, set[str]]) -> None:
    """Note the contracts that held a corrected instrument while its wrong price was in force."""
    contract_of = reference.registry.sleeves["contract_no"]
    waiting = sorted(facts, key=lambda fact: fact.date)
    active: dict[int, set[str]] = {}
    for _, tables, books in days_from(known.house, waiting[0].date, known.last):
        accepted = tables.get("prices")
        for instrument in [] if not accepted else accepted["instrument_no"].tolist():
            active.pop(instrument, None)
        while waiting and epoch_day(waiting[0].date) <= books.day:
            fact = waiting.pop(0)
            active.setdefault(fact.instrument_no, set()).add(fact.correction_id)
        for instrument, ids in active.items():
            held = (books.positions["instrument_no"] == instrument) & (books.positions["held_units"] > 0)
            for number in np.unique(contract_of[books.positions["sleeve_no"][held]]).tolist():
                found[number] |= ids
        if not active and not waiting:
            return


def _earlier(known: Known, reference: Reference, contracts: frozenset[int], facts: list[Fact]) -> tuple[Date | None, list[Fact]]:
    """Return the day from which to compute again, and the known corrections that count on its way.

    Those that are the contracts' own or moved something of theirs, whenever they were; and every price of these days: what it
    moved by less than a yen can make one together with another.
    """
    batches = set().union(*(known.touched.get(number, set()) for number in contracts))
    chosen = {fact.correction_id for fact in known.facts
              if fact.contract_no in contracts or (fact.kind == NAV and known.batches[fact.correction_id] in batches)}
    while True:
        before = [fact for fact in known.facts if fact.correction_id in chosen]
        first = _first_day(known, contracts, [*before, *facts], Past([*before, *facts], reference))
        since = None if first is None else first - timedelta(days=MOST_DAYS_IN_FORCE)
        fresh = {fact.correction_id for fact in known.facts if fact.kind == NAV and (since is None or fact.date >= since)} - chosen
        if not fresh:
            return first, before
        chosen |= fresh


def _first_day(known: Known, contracts: Iterable[int], facts: list[Fact], past: Past) -> Date | None:
    """Return the day from which to compute again: the first that is corrected, or the start of a period that ran on it."""
    days = [fact.date for fact in facts] + [fact.new_date for fact in facts if fact.kind == START_DATE]
    days += [from_epoch_day(old) for number, (old, _) in past.starts.items() if number in set(contracts)]
    first = min(days)
    eves = [day for day in known.closed if day < first]
    if not eves:
        return None
    books = load_books(known.house, eves[-1])
    mine = np.isin(books.contracts["contract_no"], list(contracts))
    starts = [start for (start,) in rows_of({"start": books.contracts["period_start_date"][mine]}, "start")]
    return from_epoch_day(min([epoch_day(first), *starts]))
