"""The price of a base over some days (料率計算): exact pieces that the engine sums and the explanation prints.

A piece is one slice of the base at one rate over one run of days. What is charged is the sum of the pieces, rounded
once; nothing else adds to it, so the printed arithmetic is the arithmetic.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from tsutsumi.core.fee_periods import day_count
from tsutsumi.core.fee_terms import CONSUMPTION_TAX, Component, Terms, consumption_tax_percent, rates_in_force
from tsutsumi.core.units import PPM, round_yen

Tiers = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Segment:
    """A run of days with one rate table, one consumption tax rate (percent, 0 if included) and one year length."""

    first: date
    last: date
    tiers: Tiers
    tax_percent: int
    year_days: int

    @property
    def days(self) -> int:
        """The days of the run, both ends counted."""
        return day_count(self.first, self.last)


@dataclass(frozen=True)
class Piece:
    """amount x rate x days / year, and tax: one line of the arithmetic; days = 0: the rate is not a yearly one."""

    amount: Fraction
    rate_ppm: int
    days: int
    year_days: int
    tax_percent: int

    @property
    def exact(self) -> Fraction:
        """The yen of this piece, not rounded."""
        yen = self.amount * self.rate_ppm * (100 + self.tax_percent) / (PPM * 100)
        return yen * Fraction(self.days, self.year_days) if self.days else yen


@dataclass(frozen=True)
class Working:
    """One component of a charge (内訳): its pieces and their sum, rounded once (端数処理)."""

    component: str
    pieces: tuple[Piece, ...]
    exact: Fraction
    yen: int


def working(component: str, pieces: Iterable[Piece], rounding: str) -> Working:
    """Return the sum of pieces, rounded once in the mode of the terms."""
    pieces = tuple(pieces)
    exact = sum((piece.exact for piece in pieces), Fraction(0))
    return Working(component, pieces, exact, round_yen(exact, rounding))


def segments(
    terms: Terms, component: Component, first: date, last: date, period_start: date, period_end: date
) -> list[Segment]:
    """Return the days first..last as runs of one rate table, tax rate and year length.

    With k(d) = d, the period's first day or its last day, as `rates_of` says: the rate table and the consumption tax
    are those of k(d), the length of the year is always that of d itself.

    Raises
    ------
    FeeTermsError
        A day k(d) has no rates in force, or no known consumption tax where the tax is to be added.
    """
    fixed = {"day": None, "period-start": period_start, "period-end": period_end}[terms.rates_of]
    starts = {first}
    if fixed is None:
        changes = [row.from_date for row in component.rates]
        if terms.tax == "added":
            changes += [since for since, _ in CONSUMPTION_TAX]
        starts.update(day for day in changes if first < day <= last)
    if terms.year_days == "actual":
        new_years = (date(year, 1, 1) for year in range(first.year + 1, last.year + 1))
        starts.update(day for day in new_years if day <= last)
    ordered = sorted(starts)
    ends = [day - timedelta(days=1) for day in ordered[1:]] + [last]
    found = []
    for start, end in zip(ordered, ends, strict=True):
        day = fixed or start
        tax = consumption_tax_percent(day) if terms.tax == "added" else 0
        found.append(Segment(start, end, rates_in_force(component, day).tiers, tax, _year_days(terms, start)))
    return found


def _year_days(terms: Terms, day: date) -> int:
    if terms.year_days != "actual":
        return int(terms.year_days)
    return day_count(date(day.year, 1, 1), date(day.year, 12, 31))


def slices(tiers: Tiers, tiering: str, low: Fraction, high: Fraction) -> Iterator[tuple[Fraction, int]]:
    """Yield (yen, rate_ppm) of the base between low and high: what lies in each tier (段階料率).

    `marginal`: each slice pays the rate of its own tier. `whole`: the whole base pays the rate of the tier that holds
    its last yen, so a base equal to a floor still pays the tier below it; low is then 0.

    Examples
    --------
    >>> tiers = ((0, 13090), (30_000_000, 12155))
    >>> [(int(yen), rate) for yen, rate in slices(tiers, "marginal", Fraction(0), Fraction(40_000_000))]
    [(30000000, 13090), (10000000, 12155)]
    >>> [(int(yen), rate) for yen, rate in slices(tiers, "whole", Fraction(0), Fraction(30_000_000))]
    [(30000000, 13090)]
    """
    ceilings = [floor for floor, _ in tiers[1:]] + [None]
    for (floor, rate), ceiling in zip(tiers, ceilings, strict=True):
        below = max(low, Fraction(floor))
        above = high if ceiling is None else min(high, Fraction(ceiling))
        if above <= below:
            continue
        if tiering == "marginal":
            yield above - below, rate
        elif above == high:
            yield high - low, rate


def price(runs: Sequence[Segment], tiering: str, low: Fraction, high: Fraction) -> list[Piece]:
    """Return the pieces of the base between low and high over runs of days: T_k(d) / Y(d) of each day, summed."""
    return [
        Piece(yen, rate, run.days, run.year_days, run.tax_percent)
        for run in runs
        for yen, rate in slices(run.tiers, tiering, low, high)
    ]


def price_daily(runs: Sequence[Segment], tiering: str, bases: Sequence[int], start: date) -> list[Piece]:
    """Return the pieces of each day's own base (日々の残高); equal days in a row are one piece per tier.

    `bases` holds the base of each day from `start` on.
    """
    pieces = []
    for run in runs:
        offset = (run.first - start).days
        for base, days in base_runs(bases[offset : offset + run.days]):
            for yen, rate in slices(run.tiers, tiering, Fraction(0), Fraction(base)):
                pieces.append(Piece(yen, rate, days, run.year_days, run.tax_percent))
    return pieces


def base_runs(bases: Iterable[int]) -> list[tuple[int, int]]:
    """Return equal neighbours as (base, days).

    >>> base_runs([10, 10, 12, 10])
    [(10, 2), (12, 1), (10, 1)]
    """
    runs: list[tuple[int, int]] = []
    for base in bases:
        if runs and runs[-1][0] == base:
            runs[-1] = (base, runs[-1][1] + 1)
        else:
            runs.append((base, 1))
    return runs
