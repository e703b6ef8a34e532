"""How fees that were computed again came about (再計算の計算過程): their lines as a clerk would do them by hand."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day, previous_business_day
from tsutsumi.core.dues import END_REFUND
from tsutsumi.core.fee_engine import Basis, FeeEntry, fee_schedule
from tsutsumi.core.fee_history import ValueRow, contract_history
from tsutsumi.core.fee_lines import fee_lines
from tsutsumi.core.fee_pricing import Piece, price, segments, working
from tsutsumi.core.fee_terms import Terms, consumption_tax_percent
from tsutsumi.core.schema import Frame
from tsutsumi.run.fee_rerun import FeeLine, Rerun
from tsutsumi.run.verify_check import rows_of

LANGUAGES = ("ja", "en")


@dataclass
class Story:
    """What the fees of one contract were computed from (計算の材料): its bases by day, with and without cash."""

    program_no: int = 0
    opened: int = 0
    bases: dict[int, tuple[int, int]] = field(default_factory=dict)
    lines: list[tuple[FeeLine, int]] = field(default_factory=list)  # each with the first day of its period


class Narrator:
    """A rerun that remembers what its fees came from (計算過程つきの再計算)."""

    def __init__(self, rerun: Rerun) -> None:
        self.rerun = rerun
        self.stories: dict[int, Story] = defaultdict(Story)
        self._see(rerun.before)

    def add(self, tables: dict[str, Frame], books: Books) -> None:
        """Take in one closed day."""
        rerun, known = self.rerun, len(self.rerun.lines)
        names = ("contract_no", "period_start_date", "period_end_date")
        running = {number: (start, end) for number, start, end in rows_of(rerun.before.contracts, *names)}
        rerun.add(tables, books)
        self._see(rerun.before)
        fresh = {number: start for number, start, _ in rows_of(rerun.before.contracts, *names)}
        for line in rerun.lines[known:]:
            start, end = running.get(line.contract_no, (0, 0))
            if line.kind == "charge":
                start = line.start
            elif not (line.start <= end and line.end >= start):
                start = min(fresh.get(line.contract_no, line.start), line.start)
            self.stories[line.contract_no].lines.append((line, start))

    def _see(self, books: Books) -> None:
        sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for number, value, cash in rows_of(books.sleeves, "contract_no", "value_yen", "cash_yen"):
            sums[number][0] += max(value, 0)
            sums[number][1] += max(value - cash, 0)
        for number, program, opened in rows_of(books.contracts, "contract_no", "program_no", "opened_date"):
            story = self.stories[number]
            story.program_no, story.opened = program, opened
            story.bases[books.day] = tuple(sums[number])

    def explained(self, contract_no: int, wanted: Iterable[FeeLine]) -> list[dict]:
        """Return the arithmetic (計算過程) of some fees of a contract: kind, dates, yen, and the lines of each language."""
        wanted, story, found = set(wanted), self.stories[contract_no], []
        for group in _groups(story.lines):
            if not wanted & {line for line, _ in group}:
                continue
            line, period = group[0]
            terms = self.rerun.book.contract_terms(contract_no, story.program_no, story.opened, period)[1]
            entry = self._entry(contract_no, story, terms, [line for line, _ in group], period)
            yen = sum(line.fee_yen for line, _ in group)
            told = {language: fee_lines(entry, terms, language) for language in LANGUAGES}
            if yen != entry.total_yen:
                told["ja"].append(f"  調整後 {yen:,}円")
                told["en"].append(f"  after adjustments {yen:,} yen")
            found.append({"kind": line.kind, "start_date": str(entry.start), "end_date": str(entry.end), "fee_yen": yen} | told)
        return found

    def _entry(self, contract_no: int, story: Story, terms: Terms, lines: Sequence[FeeLine], period: int) -> FeeEntry:
        line = lines[0]
        if line.kind == "performance":
            return self._performance(contract_no, terms, line)
        if terms.timing == "arrears":
            return _arrears(story, terms, line)
        return _advance(story, terms, line, period)

    def _performance(self, contract_no: int, terms: Terms, line: FeeLine) -> FeeEntry:
        key = contract_no, line.sleeve_no, line.component_no, line.start, line.end
        value, charge, mark, profit = next(row[5:] for row in self.rerun.crystallised if row[:5] == key)
        component, day = terms.components[line.component_no], from_epoch_day(line.end)
        base = max(Fraction(profit), Fraction(0))
        tax = consumption_tax_percent(day) if terms.tax == "added" else 0
        part = working(component.name, [Piece(base, component.rate_ppm, 0, 0, tax)], terms.rounding)
        basis = Basis("performance", day=day, value_yen=value, charge_yen=charge, mark=Fraction(mark))
        return FeeEntry("performance", from_epoch_day(line.start), day, base, basis, (part,))


def _groups(lines: Sequence[tuple[FeeLine, int]]) -> list[list[tuple[FeeLine, int]]]:
    """Return the lines in groups that are one entry of a schedule: the components of a balance fee together, others alone."""
    groups: dict[tuple, list[tuple[FeeLine, int]]] = defaultdict(list)
    for line, period in lines:
        alone = (line.sleeve_no, line.component_no) if line.kind == "performance" else ()
        groups[line.kind_code, line.start, line.end, alone].append((line, period))
    return [sorted(group, key=lambda pair: pair[0].component_no) for group in groups.values()]


def _arrears(story: Story, terms: Terms, line: FeeLine) -> FeeEntry:
    """Return the charge of a period in arrears, of exactly its days: the calculator's own, on a contract that lived these days."""
    alone = replace(terms, components=terms.balance, cash="included", length="year", align="contract")
    known, place = sorted(story.bases), 1 if terms.cash == "excluded" else 0
    at = int(np.searchsorted(known, line.start, side="right")) - 1
    first = story.bases[known[at]][place] if at >= 0 else story.bases[known[0]][place]
    rows = [ValueRow(from_epoch_day(line.start), first)]
    rows += [ValueRow(from_epoch_day(day), story.bases[day][place]) for day in known if line.start < day <= line.end]
    start, end = from_epoch_day(line.start), from_epoch_day(line.end)
    return fee_schedule(alone, contract_history(rows, [], start, end, end))[0]


def _advance(story: Story, terms: Terms, line: FeeLine, period: int) -> FeeEntry:
    """Return a charge, addition or refund in advance: the price of the base between two amounts of the running base."""
    running, low = 0, 0
    for other, of in story.lines:
        if of != period or other.kind not in ("charge", "addition", "refund") or other.component_no != line.component_no:
            continue
        before = running
        running += -other.base_yen if other.kind == "refund" else other.base_yen
        if other == line:
            low = running if line.kind == "refund" else before if line.kind == "addition" and terms.addition == "stacked" else 0
    first, last, start = (from_epoch_day(day) for day in (line.start, line.end, period))
    between, parts = (Fraction(low), Fraction(low + line.base_yen)), []
    for component in terms.balance:
        runs = segments(terms, component, first, last, start, last)
        parts.append(working(component.name, price(runs, component.tiering, *between), terms.rounding))
    if line.kind == "charge":
        basis = Basis("opening", day=max(from_epoch_day(story.opened), previous_business_day(first)))
    elif line.kind == "addition":
        basis = Basis("added", day=first)
    else:
        basis = Basis("ended" if line.kind_code == END_REFUND else "reduced", day=from_epoch_day(line.start - 1))
    return FeeEntry(line.kind, first, last, Fraction(line.base_yen), basis, tuple(parts))
