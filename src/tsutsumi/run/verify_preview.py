"""Preview equals charge (試算＝計上): every fee that the close charged, computed again for its contract alone.

The close prices the whole book in columns; a preview on a screen, an explanation and `tsutsumi fees` price one contract from its
values and flows, in fractions. Here both stand beside each other for every contract and every period of the house's life.
"""

from collections import defaultdict

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_terms import FeeTermsError, Terms
from tsutsumi.run.fee_facts import Past
from tsutsumi.run.fee_lives import Life, Lives
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, rows_of
from tsutsumi.store.correction_rows import automatic_events, known_facts
from tsutsumi.store.database import reading


class FeePreview:
    """Every fee of the close = the fee that the calculator gives for the same values (報酬の試算＝計上)."""

    def __init__(self, bench: Bench) -> None:
        tables = bench.reference.tables
        with reading(bench.house) as connection:
            facts, self.automatic = known_facts(connection, bench.days[-1].date), automatic_events(connection)
        past = Past(facts, bench.reference) if facts else None
        self.starts = past.starts if past else {}
        self.corrected: dict[int, int] = {}
        self.lives = Lives(bench.reference.fee_terms, bench.reference.registry.sleeves["contract_no"], past=past)
        self.by_sleeve = {row["program_no"] for row in tables["program_rules"] if row.get("performance_scope") == "sleeve"}
        self.adjusted = {row["program_no"] for row in tables.get("fee_adjustments", ())}
        self.tally = Tally(
            "fee_preview", "報酬の試算＝計上", "preview = charge",
            "every fee that was charged is what the calculator gives for the contract alone, from the same values and flows",
            "報酬明細 fees", "差額円 yen of difference",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        self.lives.add(day.tables, day.books)
        events = day.table("inputs.events")
        for number, contract, yen in [] if events is None else rows_of(events, "event_no", "contract_no", "amount_yen"):
            if number in self.automatic:
                self.corrected[contract] = self.corrected.get(contract, 0) + yen

    def checks(self) -> list[Check]:
        """Return the check."""
        apart = 0
        for number, (old, new) in self.starts.items():
            self.lives.of[number].begin_on(old, new)
        for number, life in self.lives.of.items():
            terms = life.changed_terms(self.lives.book, number, self.lives.day)
            changed = len(terms) > 1 or self._changes(number, life, terms[0])
            if changed or life.program_no in self.adjusted or (terms[0].performance and life.program_no in self.by_sleeve):
                apart += 1
                continue
            self._compare(number, life, terms[0])
        if apart:
            self.tally.note(f"契約 contracts with changed or adjusted terms, or with a mark per sleeve, left out: {apart:,}")
        return [self.tally.check()]

    def _changes(self, number: int, life: Life, terms: Terms) -> bool:
        """Return whether the period that runs has other terms than those charged so far."""
        began = 0 < life.running <= (life.ended or self.lives.day)
        return began and self.lives.book.contract_terms(number, life.program_no, life.opened, life.running)[1] is not terms

    def _compare(self, number: int, life: Life, terms: Terms) -> None:
        try:
            told = self._told(life, terms)
        except FeeTermsError as error:
            self.tally.short(1, f"contract {number}: {error}")
            return
        charged: dict[tuple, list[int]] = defaultdict(list)
        for (_, component, kind, start, end, _), yen in life.fees.items():
            charged[terms.components[component].name, kind, start, end].append(yen)
        self.tally.look(len(life.fees))
        other = any(sorted(charged.get(key, [])) != sorted(told.get(key, [])) for key in told.keys() | charged.keys())
        if self.lives.past is not None and (other or number in self.corrected):
            self._compare_sum(number, life, told)
            return
        for key in told.keys() | charged.keys():
            ours, theirs = sorted(charged.get(key, [])), sorted(told.get(key, []))
            if ours != theirs:
                name, kind, start, end = key
                span = f"{from_epoch_day(start)} to {from_epoch_day(end)}"
                amount = abs(sum(ours) - sum(theirs)) or 1
                self.tally.short(amount, f"contract {number}: {name}, {kind}, {span}: charged {ours}, previewed {theirs}")

    def _compare_sum(self, number: int, life: Life, told: dict[tuple, list[int]]) -> None:
        """Where corrections moved fees: all that was charged and the corrections are what the right past gives (訂正後の合計)."""
        right = sum(-sum(of) if key[1] == "refund" else sum(of) for key, of in told.items())
        charged = sum(-yen if key[2] == "refund" else yen for key, yen in life.fees.items())
        corrected = self.corrected.get(number, 0)
        text = f"contract {number}: charged {charged:,}, corrected by {corrected:,}, by the corrected past {right:,}"
        self.tally.short(abs(charged + corrected - right), text)

    def _told(self, life: Life, terms: Terms) -> dict[tuple, list[int]]:
        told: dict[tuple, list[int]] = defaultdict(list)
        for entry in life.schedule(terms, self.lives.day):
            for name, yen in entry.components.items():
                told[name, entry.kind, epoch_day(entry.start), epoch_day(entry.end)].append(yen)
        return told

