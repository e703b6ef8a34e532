"""Fees: shares, collection, the chain of periods, bases from the values, and the fee itself when the terms are known."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.fee_terms import History, Terms
from tests.audit.named_terms import NamedTerms
from tests.audit.result import Check, found

KEY = ["contract_id", "component"]


class FeeBooks:
    """What the fee checks need beside the books: histories of contracts and sleeves, and the terms of each contract."""

    def __init__(self, books: Books, terms_file: Path | None):
        self.books, self.export = books, books.export
        self.one = Terms(terms_file.read_text(encoding="utf-8")) if terms_file else None

    @cached_property
    def fees(self) -> pl.DataFrame:
        fees = self.export.table("fees", *words.TABLES["fees"].replace("?", "").split())
        return fees.sort(*KEY, "start_date")

    @cached_property
    def charges(self) -> pl.DataFrame:
        return self.fees.filter(col("kind") == words.CHARGE).drop_nulls(["c", "start_date", "end_date", "base_yen", "fee_yen"])

    @cached_property
    def sleeves(self) -> pl.DataFrame:
        sleeves = self.export.table("sleeves", "contract_id", "program_id", "opened_date", "closed_date")
        return sleeves.drop_nulls("opened_date").unique("s")

    @cached_property
    def corrections(self) -> dict[str, list[tuple[date, str]]]:
        """contract_id -> (booked, kind) of the late corrections that changed its fees: what the values say is not all."""
        found: dict[str, list[tuple[date, str]]] = {}
        if self.export.has("fee_corrections", "kind", "booked_date", "contract_ids"):
            for row in self.export.tables["fee_corrections"].drop_nulls("contract_ids").iter_rows(named=True):
                for contract in filter(None, row["contract_ids"].split(";")):
                    found.setdefault(contract, []).append((row["booked_date"], row["kind"]))
        return found

    def is_corrected(self, row: dict) -> bool:
        """Whether the period of a fee ran when a correction of its contract was booked: its base holds the correction."""
        return any(row["start_date"] <= booked <= row["charged_date"] for booked, _ in self.corrections.get(row["contract_id"], ()))

    def restarted(self) -> set[str]:
        """The contracts whose first day was corrected: their periods went on from another day."""
        return {contract for contract, of in self.corrections.items() if any(kind == words.FIRST_DAY for _, kind in of)}

    def is_business(self, day: date) -> bool:
        return int(self.export.calendar.number[(day - self.export.calendar.first).days]) >= 0

    def _histories(self, key: str, excluded: bool) -> dict[int, History]:
        values = self.export.table("values", "date", "value_yen", "cash_yen").drop_nulls(["s", "b", "value_yen", "cash_yen"])
        yen = (col("value_yen") - col("cash_yen")).clip(lower_bound=0) if excluded else col("value_yen")
        values = values.join(self.sleeves.select("s", "c"), on="s").group_by(key, "date").agg(yen=yen.sum())
        lists = values.sort(key, "date").group_by(key, maintain_order=True).agg("date", "yen")
        return {row[0]: History(row[1], row[2]) for row in lists.iter_rows()}

    @cached_property
    def contracts(self) -> dict[bool, dict[int, History]]:
        return {excluded: self._histories("c", excluded) for excluded in (False, True)}

    def of_sleeves(self, excluded: bool) -> dict[int, History]:
        return self._histories("s", excluded)

    @cached_property
    def named(self) -> NamedTerms:
        firsts = dict(self.sleeves.group_by("c").agg(col("opened_date").min()).iter_rows())
        firsts |= dict(self.charges.group_by("c").agg(col("start_date").min()).iter_rows())
        charged = {}
        if "fee_terms_id" in self.fees.columns:
            rows = self.charges.select("c", "start_date", "fee_terms_id").drop_nulls()
            charged = {(c, start): name for c, start, name in rows.iter_rows()}
        return NamedTerms(self.export, dict(self.sleeves.select("c", "program_id").unique("c").iter_rows()), firsts, charged)

    def terms(self, contract: int, start: date) -> Terms | None:
        """The terms in force on the first day of the period."""
        return self.one or self.named.terms(contract, start)

    def by_terms(self) -> Iterator[tuple[dict, Terms]]:
        for row in self.charges.iter_rows(named=True):
            terms = self.terms(row["c"], row["start_date"])
            if self.is_corrected(row):
                continue
            if terms and terms.arrears and terms.components.get(row["component"], {}).get("kind") == "balance":
                yield row, terms


def shares(fees: FeeBooks) -> list[Check]:
    frame = fees.fees
    columns = frame.select(words.SHARE_COLUMN).columns
    absent = [] if columns or not frame.height else ["share_<company_id>_yen"]
    checks = [Check("fees: a column for every party's share", frame.height, len(absent), tuple(absent))]
    if columns:
        total = pl.sum_horizontal(col(column).fill_null(0) for column in columns)
        lowest = pl.min_horizontal(col(column).fill_null(0) for column in columns)
        bad = frame.filter((total != col("fee_yen")) | (lowest < 0)).select(*KEY, "start_date", "fee_yen", shares=total)
        checks.append(found("fees: sum of shares = fee, no share below zero", frame.height, bad))
    bad = frame.filter((col("fee_yen") < 0) | (col("base_yen") < 0)).select(*KEY, "start_date", "base_yen", "fee_yen")
    checks.append(found("fees: base and fee not below zero", frame.height, bad))
    return checks


def collection(fees: FeeBooks) -> list[Check]:
    """Σ fee flows of a contract and day = −Σ fees collected, less what was refunded by then and set off against them.

    A sleeve that closes pays its part at once: such a part may be ahead of its fee until the others have paid theirs.
    """
    export, frame = fees.export, fees.fees
    refund = col("kind").is_in(words.REFUNDS)
    whole = pl.coalesce("collected_yen", "fee_yen") if "collected_yen" in frame.columns else col("fee_yen")
    taken = frame.drop_nulls("b_collected").with_columns(yen=pl.when(refund).then(0).otherwise(whole))
    taken = taken.with_columns(credit=pl.when(refund).then(whole).otherwise(0))
    due = taken.group_by("c", b="b_collected").agg(fees=col("yen").sum(), credit=col("credit").sum())
    flows = fees.books.flows.filter(col("kind") == "fee").join(fees.sleeves.select("s", "c", "b_closed"), on="s", how="left")
    early = pl.when(col("b") == col("b_closed")).then(-col("amount_yen")).otherwise(0)
    paid = flows.with_columns(early=early).group_by("c", "b").agg(flows=-col("amount_yen").sum(), early=col("early").sum())
    both = due.join(paid, on=["c", "b"], how="full", coalesce=True).sort("c", "b")
    both = both.with_columns(col("fees", "flows", "early", "credit").fill_null(0))
    both = both.with_columns(ahead=(col("flows") - col("fees")).cum_sum().over("c"), early=col("early").cum_sum().over("c"),
                             credit=col("credit").cum_sum().over("c"))
    unpaid = frame.filter(col("b_collected").is_null()).select("c").unique().with_columns(unpaid=pl.lit(True))
    both = both.join(unpaid, on="c", how="left", maintain_order="left")
    last = (col("b") == col("b").max().over("c")) & col("unpaid").is_null()
    bad = both.filter((col("ahead") < -col("credit")) | (col("ahead") > col("early")) | (last & (col("ahead") > 0)))
    bad = bad.select("c", "b", "fees", "flows")
    checks = [found("fees: collected = fee flows, per contract and day", both.height, bad, export)]
    if "collected_yen" in frame.columns:
        bad = taken.filter(col("collected_yen").fill_null(col("fee_yen")) != col("fee_yen"))
        bad = bad.filter((col("collected_yen") > col("fee_yen")) | ~col("b_collected").is_in(_shortfalls(fees).implode()))
        bad = bad.select(*KEY, "fee_yen", "collected_yen")
        checks.append(found("fees: cut only with an alert of the shortfall", taken.height, bad))
    bad = frame.filter(col("b_collected") < col("b_charged")).select(*KEY, "charged_date", "collected_date")
    checks.append(found("fees: collected on or after the charge", frame.height, bad))
    return checks


def _shortfalls(fees: FeeBooks) -> pl.Series:
    """The business days with an alert that a last fee was cut to the cash."""
    if not fees.export.has("alerts", "kind", "b"):
        return pl.Series([], dtype=pl.Int32)
    return fees.export.tables["alerts"].filter(col("kind") == words.FEE_SHORTFALL)["b"].drop_nulls().unique()


def _first_closing_orders(fees: FeeBooks) -> dict[int, date]:
    """The evening on which each sleeve began to sell for its closing."""
    closing = fees.books.orders.filter(col("reason") == words.CLOSING).drop_nulls("s")
    return dict(closing.group_by("s").agg(col("decided_date").min()).iter_rows())


def _bounds(fee: int, weights: dict[int, int], closing: set[int]) -> dict[int, tuple[int, int]]:
    """The least and the most that each sleeve may pay; closing sleeves pay only if all of them are closing."""
    bounds = {}
    for payers in ({s: weight for s, weight in weights.items() if s not in closing} or weights, weights):
        total = sum(payers.values())
        for s in weights if total else ():
            low, rest = divmod(fee * payers.get(s, 0), total)
            known = bounds.get(s, (low, low + int(rest > 0)))
            bounds[s] = min(known[0], low), max(known[1], low + int(rest > 0))
        if not closing & set(weights):
            break
    return bounds


def split_to_sleeves(fees: FeeBooks) -> list[Check]:
    """The fee flows of a sleeve are within a yen per fee of its part, by its base over the period."""
    histories: dict[bool, dict[int, History]] = {}
    flows = fees.books.flows.filter(col("kind") == "fee").group_by("s", "b").agg(col("amount_yen").sum())
    paid = {(s, b): -yen for s, b, yen in flows.iter_rows()}
    members: dict[int, list[tuple]] = {}
    for s, c, opened, closed in fees.sleeves.sort("s").select("s", "c", "opened_date", "closed_date").iter_rows():
        members.setdefault(c, []).append((s, opened, closed))
    due: dict[tuple[int, int], list[int]] = {}
    skipped, selling, short = set(), _first_closing_orders(fees), set(_shortfalls(fees))
    refunds = fees.fees.filter(col("kind").is_in(words.REFUNDS) & (col("fee_yen") > 0))
    credit_from = dict(refunds.group_by("c").agg(col("charged_date").min()).iter_rows())   # set off against later fees
    early: dict[int, list[tuple[int, int]]] = {}
    for c, s, b in fees.sleeves.drop_nulls("b_closed").select("c", "s", "b_closed").iter_rows():
        early.setdefault(c, []).append((s, b))
    for row in fees.fees.drop_nulls(["c", "b_collected", "charged_date", "start_date", "end_date"]).iter_rows(named=True):
        terms, c, b, charged = fees.terms(row["c"], row["start_date"]), row["c"], row["b_collected"], row["charged_date"]
        excluded = bool(terms and terms.excluded)
        if excluded not in histories:
            histories[excluded] = fees.of_sleeves(excluded)
        here = [(s, closed) for s, opened, closed in members[c]
                if s in histories[excluded] and opened <= charged and (closed is None or closed > charged)]
        weights = {s: histories[excluded][s].total(row["start_date"], row["end_date"]) for s, _ in here}
        closing = {s for s, closed in here if closed and not paid.get((s, b)) or s in selling and selling[s] <= charged}
        bounds = _bounds(row["fee_yen"], weights, closing)
        parted = b in short or (row["collected_date"] - charged).days > words.SHARED_ANEW_AFTER or any(
            paid.get((s, day)) for s, day in early.get(c, ()) if row["b_charged"] < day < b)
        other = row["kind"] != words.CHARGE or fees.is_corrected(row) or credit_from.get(c, date.max) <= charged
        if not bounds or parted or other or (terms and (terms.business or not terms.arrears)):
            skipped.add((c, b))
            continue
        for s, (low, high) in bounds.items():
            known = due.get((s, b), (0, 0, c))
            due[s, b] = known[0] + low, known[1] + high, c
    due = {key: part for key, part in due.items() if (part[2], key[1]) not in skipped}
    told = ((sleeve, day, paid.get((sleeve, day), 0), low, high) for (sleeve, day), (low, high, _) in due.items())
    bad = [row for row in told if not row[3] <= row[2] <= row[4]]
    schema = {"s": pl.Int32, "b": pl.Int32, "paid": pl.Int64, "at_least": pl.Int64, "at_most": pl.Int64}
    name = "fees: a sleeve pays its part by its base, within a yen per fee"
    return [found(name, len(due), pl.DataFrame(bad, schema=schema, orient="row"), fees.export)]


def chain(fees: FeeBooks) -> list[Check]:
    """Periods without gap or overlap, from the opening to the end of the contract, charged on the first close of their last day."""
    export, charges = fees.export, fees.charges.filter(~col("contract_id").is_in(fees.restarted()))
    expected = col("end_date").shift(1).over(KEY) + pl.duration(days=1)
    bad = charges.filter((col("start_date") != expected) | (col("end_date") < col("start_date")))
    shown = [*KEY, "start_date", "end_date", "charged_date"]
    checks = [found("fees: periods follow each other without gap or overlap", charges.height, bad.select(shown))]
    contracts = fees.sleeves.group_by("c").agg(
        opened=col("opened_date").min(), opened_last=col("opened_date").max(), closed=col("closed_date").max(),
        open=col("closed_date").is_null().any(), b_closed=col("b_closed").max())
    ends = charges.group_by("c", *KEY).agg(col("start_date").min(), col("end_date").max(), col("charged_date").max())
    ends = ends.join(contracts, on="c", how="left")
    at_first = col("start_date") == col("start_date").min().over("c")   # a component of terms that were changed begins with them
    late = ends.filter(at_first & (col("start_date") > col("opened"))).select(*KEY, "start_date", "opened")
    checks.append(found("fees: the first period starts with the contract", ends.height, late))
    at_last = col("end_date") == col("end_date").max().over("c")        # and ends with them
    leaving = col("c").is_in(list(fees.books.leaving))
    gone = ends.filter((~col("open") | leaving) & (col("charged_date") >= col("end_date")) & at_last)
    gone = gone.with_columns(b_closed=pl.when(leaving).then(export.b_last + 1).otherwise("b_closed").cast(pl.Int32))
    eve = export.calendar.frame.select(b_closed=col("b") + 1, eve="day")
    gone = gone.join(eve, on="b_closed", how="left")
    bad = gone.filter(col("end_date").ne_missing(col("eve"))).select(*KEY, "end_date", "closed")
    checks.append(found("fees: the last period ends on the eve of the contract's closing", gone.height, bad))
    business = export.calendar.frame["day"]
    in_advance = col("charged_date") < col("end_date")
    dated = charges.drop_nulls("charged_date").with_columns(due=pl.when(in_advance).then("start_date").otherwise("end_date"))
    dated = dated.with_columns(first=business.gather(business.search_sorted(dated["due"])))
    bad = dated.filter(col("first") != col("charged_date")).select(*shown, expected="first")
    checks.append(found("fees: charged on the first close on or after the end", dated.height, bad))
    told = pl.when(col("kind").is_in(words.REFUNDS)).then(col("charged_date") + pl.duration(days=1)).otherwise("charged_date")
    bad = fees.fees.filter(col("start_date") > told).select("kind", *shown)
    checks.append(found("fees: no charge before its period starts, a refund from the next day on", fees.fees.height, bad))
    return checks


def bases(fees: FeeBooks) -> list[Check]:
    """base_yen = floor of the mean over start..end; without terms, of values with or without cash, whichever fits."""
    bad, rows = [], 0
    for row in fees.charges.iter_rows(named=True):
        terms = fees.terms(row["c"], row["start_date"])
        start, end = row["start_date"], row["end_date"]
        if terms and not (terms.arrears and terms.components.get(row["component"], {}).get("kind") == "balance") or end < start:
            continue
        if fees.is_corrected(row):
            continue
        rows += 1
        empty = History([], [])
        if terms:
            base, _ = terms.bases(fees.contracts[terms.excluded].get(row["c"], empty), start, end, fees.is_business)
            fitting = [base.numerator // base.denominator]
        else:
            days = (end - start).days + 1
            fitting = [fees.contracts[excluded].get(row["c"], empty).total(start, end) // days for excluded in (False, True)]
        if row["base_yen"] not in fitting:
            bad.append((row["contract_id"], row["component"], str(start), row["base_yen"], fitting[0]))
    schema = {"contract_id": pl.String, "component": pl.String, "start_date": pl.String, "base_yen": pl.Int64, "rebuilt": pl.Int64}
    if rows < fees.fees.height:
        other = fees.fees.height - rows
        why = "are no balance charges in arrears, or of a period that was corrected"
        fees.export.notes.append(f"{other:,} fee rows {why}: base and fee not recomputed")
    return [found("fees: base_yen from the values", rows, pl.DataFrame(bad, schema=schema, orient="row"))]


def by_the_terms(fees: FeeBooks) -> list[Check]:
    """The fee recomputed, the ends of the periods, and no period left out."""
    bad, rows, adjusted, short = [], 0, 0, set(_shortfalls(fees))
    for row, terms in fees.by_terms():
        rows += 1
        if fees.named.is_adjusted(row["c"], row["start_date"]):
            adjusted += 1
            continue
        start, end = row["start_date"], row["end_date"]
        history = fees.contracts[terms.excluded].get(row["c"], History([], []))
        fee = terms.fee(row["component"], terms.bases(history, start, end, fees.is_business)[1], start, end)
        if fee != row["fee_yen"] and not (row["fee_yen"] < fee and row["b_collected"] in short):
            bad.append((row["contract_id"], row["component"], str(start), row["fee_yen"], fee))
    schema = {"contract_id": pl.String, "component": pl.String, "start_date": pl.String, "fee_yen": pl.Int64, "rebuilt": pl.Int64}
    if not rows:
        fees.export.notes.append("no fee terms given: fees are not recomputed from their bases")
        return []
    if adjusted:
        fees.export.notes.append(f"{adjusted:,} fee rows are of programs with adjustments: fee not recomputed")
    checks = [found("fees: fee_yen by the terms", rows - adjusted, pl.DataFrame(bad, schema=schema, orient="row"))]
    schema = {"contract_id": pl.String, "component": pl.String, "end_date": pl.String, "expected": pl.String}
    odd = list(_wrong_periods(fees))
    bad = pl.DataFrame(odd, schema=schema, orient="row")
    return [*checks, found("fees: every period of the terms that is over is charged", rows, bad)]


def _wrong_periods(fees: FeeBooks) -> Iterator[tuple[str, str, str, str]]:
    """Every balance component of every contract in arrears: the ends that are charged against the ends by the terms."""
    ends: dict[tuple[int, str], list[tuple[date, date]]] = {}
    for row in fees.charges.iter_rows(named=True):
        ends.setdefault((row["c"], row["component"]), []).append((row["start_date"], row["end_date"]))
    firsts = dict(fees.charges.group_by("c").agg(col("start_date").min()).iter_rows())
    export, calendar = fees.export, fees.export.calendar
    contracts = fees.sleeves.filter(col("opened_date") <= export.date).group_by("c", "contract_id").agg(
        opened=col("opened_date").min(), closed=col("b_closed").max(), open=col("closed_date").is_null().any())
    for c, contract_id, opened, b_closed, is_open in contracts.sort("c").iter_rows():
        first = firsts.get(c, opened)
        terms = fees.terms(c, first)
        if not terms or not terms.arrears or contract_id in fees.restarted():
            continue
        if c in fees.books.leaving:
            is_open, b_closed = False, export.b_last + 1
        final = None if is_open or b_closed is None else calendar.days[b_closed - 1]
        expected = _expected_ends(_same_ends(fees, c, first), final, export.date,
                                  lambda day: calendar.days[calendar.on_or_after(day)])
        changed = expected.pop()
        for name, component in terms.components.items():
            if component["kind"] != "balance":
                continue
            have = [end for start, end in sorted(ends.get((c, name), [])) if changed is None or start < changed]
            for index in range(max(len(have), len(expected))):
                mine = expected[index] if index < len(expected) else None
                theirs = have[index] if index < len(have) else None
                if mine != theirs:
                    yield contract_id, name, str(theirs), str(mine)
                    break


def _same_ends(fees: FeeBooks, contract: int, first: date) -> Iterator[date]:
    """The ends of a contract's periods, for as long as its terms have the same periods and components."""
    terms, start = fees.terms(contract, first), first
    for end in terms.period_ends(first):
        if not terms.is_like(fees.terms(contract, start)):
            return
        yield end
        start = end + timedelta(1)


def _expected_ends(ends: Iterator[date], final: date | None, now: date, close_on: Callable[[date], date]) -> list[date | None]:
    """The ends charged by now; last of all the first day by other terms, or None."""
    expected: list[date | None] = []
    for end in ends:
        end = min(end, final) if final else end
        if end > now or close_on(end) > now:
            return [*expected, None]
        expected.append(end)
        if end == final:
            return [*expected, None]
    return [*expected, expected[-1] + timedelta(1)]


def checks(books: Books, terms_file: Path | None):
    fees = FeeBooks(books, terms_file)
    return [(check.__name__, lambda check=check: check(fees))
            for check in (shares, collection, split_to_sleeves, chain, bases, by_the_terms)]

