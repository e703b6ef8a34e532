"""The schedule of fees (報酬の計算) of one contract: charges, additions, refunds and performance fees, in order.

Pure and exact: the same call previews a fee on a screen, charges it in the daily close and answers the command.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from tsutsumi.core.calendar import business_days, previous_business_day
from tsutsumi.core.fee_history import History
from tsutsumi.core.fee_periods import Period, fee_periods
from tsutsumi.core.fee_pricing import Piece, Working, base_runs, price, price_daily, segments, working
from tsutsumi.core.fee_terms import Component, Terms, consumption_tax_percent

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Basis:
    """Where a base comes from (計算基準額の根拠), for the explanation; what does not apply is empty.

    `runs` are (yen, days) that entered a mean; `day` is the one day whose value was taken; `value_yen`, `charge_yen`
    and `mark` are those of a performance fee.
    """

    kind: str
    runs: tuple[tuple[int, int], ...] = ()
    day: date | None = None
    value_yen: int = 0
    charge_yen: int = 0
    mark: Fraction = Fraction(0)


@dataclass(frozen=True)
class FeeEntry:
    """One line of the schedule (報酬明細): what was priced, from when to when (both days count), and its yen."""

    kind: str
    start: date
    end: date
    base: Fraction
    basis: Basis
    workings: tuple[Working, ...]

    @property
    def components(self) -> dict[str, int]:
        """The yen of each component, by name."""
        return {part.component: part.yen for part in self.workings}

    @property
    def total_yen(self) -> int:
        """The sum of the components; a refund is positive, its kind says so."""
        return sum(part.yen for part in self.workings)

    def as_json(self) -> dict:
        """Return the entry with plain values; the base is an exact text such as "92231/3"."""
        return {
            "kind": self.kind,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "base_yen": str(self.base),
            "components": self.components,
            "total_yen": self.total_yen,
        }


def fee_schedule(terms: Terms, history: History) -> list[FeeEntry]:
    """Return every fee entry (報酬明細) of a contract as far as it is known, in the order of the days it arises.

    A component is round( sum over the days d of the period of T_k(d)(x_d) / Y(d) ): T the yearly fee of base x_d under
    the table in force on day k(d), Y the length of the year, rounded once as `[rounding] to` says (docs/rules).

    Parameters
    ----------
    terms : Terms
        From `parse_terms`.
    history : History
        From `contract_history`; values in whole yen for every day from the first to the last known one.

    Returns
    -------
    list of FeeEntry
        In arrears (後取り) a period is charged if its end, or the end of the contract, is known. In advance (前取り) it
        is charged if it has started, to its whole end, and additions, reductions and the termination follow.
        Performance fees (成功報酬) follow the charge of the period in which they fall due.

    Raises
    ------
    FeeTermsError
        No rates are in force on a day that is priced.
    FeeInputError
        Cash is to be excluded but is left out or above the value.

    See Also
    --------
    docs/rules/balance-fee.md, docs/rules/performance-fee.md : the cases.  tsutsumi.core.fees : an example that runs.
    """
    if terms.balance and terms.cash == "excluded":
        for n in range(len(history.values)):
            history.base(history.start + n * ONE_DAY, "excluded")
    marks = Marks(terms, history)
    entries: list[FeeEntry] = []
    uncharged: list[tuple[date, Fraction]] = []
    for period in fee_periods(terms.length, terms.align, history.start, history.last):
        charges: list[FeeEntry] = []
        if terms.balance and terms.timing == "advance":
            entries.extend(_advance(terms, history, period, uncharged))
        elif terms.balance and _known_end(history, period):
            charges.append(_arrears(terms, history, period))
        entries.extend(charges)
        entries.extend(marks.due(period, sum(charge.total_yen for charge in charges)))
    return entries


def _known_end(history: History, period: Period) -> date | None:
    """Return the period's end, cut where the contract ended, if that day is known."""
    if period.end <= history.last:
        return period.end
    return history.terminated


def _arrears(terms: Terms, history: History, period: Period) -> FeeEntry:
    """Return the charge of a period in arrears (後取り)."""
    end = _known_end(history, period)
    bases = [history.base(period.start + n * ONE_DAY, terms.cash) for n in range((end - period.start).days + 1)]
    base, basis = _arrears_base(terms, bases, period.start, end)
    parts = []
    for component in terms.balance:
        runs = segments(terms, component, period.start, end, period.start, end)
        if terms.measure == "daily":
            pieces = price_daily(runs, component.tiering, bases, period.start)
        else:
            pieces = price(runs, component.tiering, Fraction(0), base)
        parts.append(working(component.name, pieces, terms.rounding))
    return FeeEntry("charge", period.start, end, base, basis, tuple(parts))


def _arrears_base(terms: Terms, bases: list[int], start: date, end: date) -> tuple[Fraction, Basis]:
    """Return the base of a period in arrears: average (平均残高), mean of its days, or closing (期末残高)."""
    open_days = business_days(start, end) if terms.days == "business" or terms.measure == "closing" else []
    if terms.measure == "closing":
        day = open_days[-1] if open_days else end
        return Fraction(bases[(day - start).days]), Basis("closing", day=day)
    if terms.measure == "average" and terms.days == "business" and open_days:
        entering = [bases[(day - start).days] for day in open_days]
    else:
        entering = bases
    base = Fraction(sum(entering), len(entering))
    if terms.measure == "average" and terms.average == "down":
        base = Fraction(base.numerator // base.denominator)
    return base, Basis(terms.measure, runs=tuple(base_runs(entering)))


def _advance(terms: Terms, history: History, period: Period, uncharged: list[tuple[date, Fraction]]) -> Iterator[FeeEntry]:
    """Yield the entries of a period in advance (前取り): its charge, then its flows, then the end of the contract.

    `uncharged` holds the additions that no charge has priced yet; those up to the opening day are in the opening.
    """
    day = max(history.start, previous_business_day(period.start))
    running = Fraction(history.base(day, terms.cash))
    yield _advance_entry(terms, period, "charge", period.start, (Fraction(0), running), Basis("opening", day=day))
    uncharged[:] = [(added, amount) for added, amount in uncharged if added > day]
    for flow in history.flows:
        if not period.start <= flow.date <= period.end:
            continue
        amount = Fraction(abs(flow.amount_yen))
        if flow.amount_yen > 0 and terms.addition == "none":
            uncharged.append((flow.date, amount))
        elif flow.amount_yen > 0:
            low = running if terms.addition == "stacked" else Fraction(0)
            yield _advance_entry(
                terms, period, "addition", flow.date, (low, low + amount), Basis("added", day=flow.date)
            )
            running += amount
        else:
            cancelled = _cancel(uncharged, amount)
            taken = min(amount - cancelled, running) if terms.refund == "prorated" else Fraction(0)
            if taken and flow.date < period.end:
                basis = Basis("reduced", day=flow.date)
                yield _advance_entry(terms, period, "refund", flow.date + ONE_DAY, (running - taken, running), basis)
            running -= taken
    ended = history.terminated
    if terms.refund == "prorated" and running and ended is not None and period.start <= ended < period.end:
        yield _advance_entry(
            terms, period, "refund", ended + ONE_DAY, (Fraction(0), running), Basis("ended", day=ended)
        )


def _cancel(uncharged: list[tuple[date, Fraction]], amount: Fraction) -> Fraction:
    """Take an amount off the additions that were never charged, the latest first; return what was taken."""
    left = amount
    while left and uncharged:
        added, there = uncharged.pop()
        part = min(there, left)
        left -= part
        if there > part:
            uncharged.append((added, there - part))
    return amount - left


def _advance_entry(
    terms: Terms, period: Period, kind: str, first: date, between: tuple[Fraction, Fraction], basis: Basis
) -> FeeEntry:
    """Return the price of the base between two amounts from a day to the whole end of the period."""
    low, high = between
    parts = []
    for component in terms.balance:
        runs = segments(terms, component, first, period.end, period.start, period.end)
        parts.append(working(component.name, price(runs, component.tiering, low, high), terms.rounding))
    return FeeEntry(kind, first, period.end, high - low, basis, tuple(parts))


class Marks:
    """The high-water marks (ハイウォーターマーク) of the performance components, moved by flows and by fees."""

    def __init__(self, terms: Terms, history: History):
        first = Fraction(history.values[0]) if history.values else Fraction(0)
        self.terms, self.history = terms, history
        self.marks = {component.name: first for component in terms.performance}
        self.starts = {component.name: history.start for component in terms.performance}
        self.flows_seen = 0

    def due(self, period: Period, charge_yen: int) -> list[FeeEntry]:
        """Return the performance fees (成功報酬) that fall due with a period.

        The base is the value of the last day, less the balance charge of the period in arrears, over the mark. After a
        fee the component's mark is the value after it; a loss leaves it.
        """
        end = _known_end(self.history, period)
        if end is None:
            return []
        self._move(end)
        value = self.history.value(end)
        entries = []
        for component in self.terms.performance:
            if period.number % component.every == 0 or end == self.history.terminated:
                entries.append(self._entry(component, end, value, charge_yen))
        for entry in entries:
            name = entry.workings[0].component
            self.starts[name] = end + ONE_DAY
            if entry.base > 0:
                self.marks[name] = Fraction(value - charge_yen - entry.total_yen)
        return entries

    def _entry(self, component: Component, end: date, value: int, charge_yen: int) -> FeeEntry:
        mark = self.marks[component.name]
        base = max(Fraction(0), value - charge_yen - mark)
        tax = consumption_tax_percent(end) if self.terms.tax == "added" else 0
        part = working(component.name, [Piece(base, component.rate_ppm, 0, 0, tax)], self.terms.rounding)
        basis = Basis("performance", day=end, value_yen=value, charge_yen=charge_yen, mark=mark)
        return FeeEntry("performance", self.starts[component.name], end, base, basis, (part,))

    def _move(self, end: date) -> None:
        """Move every mark by the flows up to a day: a deposit adds, a withdrawal scales or subtracts."""
        flows = self.history.flows
        while self.flows_seen < len(flows) and flows[self.flows_seen].date <= end:
            flow = flows[self.flows_seen]
            self.flows_seen += 1
            after = self.history.value(flow.date)
            for component in self.terms.performance:
                if flow.amount_yen > 0 or component.mark == "subtracted":
                    self.marks[component.name] += flow.amount_yen
                else:
                    self.marks[component.name] *= Fraction(after, after - flow.amount_yen)
