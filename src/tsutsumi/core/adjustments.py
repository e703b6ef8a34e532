"""What a program takes off a fee or adds to it (報酬の調整): long holding, deposit steps, campaigns, groups, minimum and maximum.

The steps are data, dated, in an order of their own; each changes the exact amount of a charge before its one rounding. Rules:
docs/close.md §7, cases: docs/rules/fee-adjustments.md.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.fee_pricing import price, price_daily, segments
from tsutsumi.core.fee_terms import Component, Terms
from tsutsumi.core.units import PPM, largest_remainder, round_yen

FACTORS = ("long_holding", "deposit_step", "campaign")
BOUNDS = ("minimum", "maximum")
GROUP = "group"
KINDS = (*FACTORS, *BOUNDS, GROUP)
MOST_FACTORS = 3  # of one component: their denominators, 10^6 each, multiply to what a column holds


@dataclass(frozen=True)
class Step:
    """One row of `fee_adjustments` (調整の一行); dates are days since 1970-01-01, 0 for none; `component` empty: every one."""

    step_no: int
    kind: str
    component: str = ""
    threshold: int = 0
    factor_ppm: int = PPM
    amount_yen: int = 0
    from_date: int = 0
    to_date: int = 0
    until_date: int = 0


def steps_of(steps: tuple[Step, ...], component: str) -> list[list[Step]]:
    """Return the steps that concern a component, by step number; rows of one number are alternatives (段階).

    >>> rows = Step(2, "minimum", "wrap", amount_yen=1_200), Step(1, "long_holding", threshold=2, factor_ppm=800_000)
    >>> [[step.kind for step in of] for of in steps_of(rows, "wrap")], steps_of(rows, "advice") == [[rows[1]]]
    ([['long_holding'], ['minimum']], True)
    """
    found: dict[int, list[Step]] = {}
    for step in steps:
        if step.component in ("", component):
            found.setdefault(step.step_no, []).append(step)
    return [found[number] for number in sorted(found)]


def years_passed(opened: date, day: date) -> int:
    """Return how many anniversaries of the opening lie before a day (経過年数); 29 February: 28 February in other years.

    >>> years_passed(date(2024, 2, 29), date(2026, 2, 28)), years_passed(date(2024, 2, 29), date(2026, 3, 1))
    (1, 2)
    """
    years = day.year - opened.year
    last = 28 if opened.month == 2 and opened.day == 29 and not _leap(day.year) else opened.day
    return max(years if (opened.month, last) < (day.month, day.day) else years - 1, 0)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def factor_ppm(alternatives: list[Step], opened: np.ndarray, start: np.ndarray, mean_deposit: np.ndarray) -> np.ndarray:
    """Return what one step multiplies the amount with (調整率), per contract, in ppm; 10^6 where none of its rows applies.

    Parameters
    ----------
    alternatives : the rows of one step, of one kind
    opened, start : first day of the contract, and of the period;  mean_deposit : mean of the last month-ends' net deposits, yen
    """
    found = np.full(opened.size, PPM, np.int64)
    for step in sorted(alternatives, key=lambda step: step.threshold):
        if step.kind == "long_holding":
            reached = _years(opened, start) >= max(step.threshold, 1)
        elif step.kind == "deposit_step":
            reached = mean_deposit >= step.threshold
        else:
            reached = (opened >= step.from_date) & (opened <= step.to_date) & (start <= step.until_date)
        found[reached] = step.factor_ppm
    return found


def _years(opened: np.ndarray, start: np.ndarray) -> np.ndarray:
    pairs, place = np.unique(np.stack([opened, start], axis=1), axis=0, return_inverse=True)
    years = [years_passed(from_epoch_day(int(one)), from_epoch_day(int(other))) for one, other in pairs]
    return np.array(years, np.int64)[place.ravel()]


def factors(
    steps: tuple[Step, ...], component: str, opened: np.ndarray, start: np.ndarray, mean_deposit: np.ndarray
) -> tuple[np.ndarray, int]:
    """Return numerators and the denominator of all factors of a component (調整率の積); bounds and groups are not in them."""
    numerator, denominator = np.ones(opened.size, np.int64), 1
    for alternatives in steps_of(steps, component):
        if alternatives[0].kind in FACTORS:
            numerator = numerator * factor_ppm(alternatives, opened, start, mean_deposit)
            denominator *= PPM
    return numerator, denominator


@dataclass(frozen=True)
class Priced:
    """A charge to be adjusted (調整する計上): who, the days priced, and its base, daily or one for the period."""

    contract_no: int
    opened: int
    start: int
    end: int
    mean_deposit: int
    base: Fraction = Fraction(0)
    daily: tuple[int, ...] = ()
    group: str = ""


def exact_amount(terms: Terms, component: Component, charge: Priced) -> Fraction:
    """Return the exact amount of a charge before any adjustment (調整前の報酬額)."""
    first, last = from_epoch_day(charge.start), from_epoch_day(charge.end)
    runs = segments(terms, component, first, last, first, last)
    pieces = price_daily(runs, component.tiering, charge.daily, first) if charge.daily else price(
        runs, component.tiering, Fraction(0), charge.base
    )
    return sum((piece.exact for piece in pieces), Fraction(0))


def adjusted_fees(terms: Terms, component: Component, steps: tuple[Step, ...], charges: list[Priced]) -> list[int]:
    """Return the fees of charges that are made on one evening by one program's terms for the same days (調整後の報酬).

    Every step in its order: a factor multiplies, a bound (a yearly amount, by the days of the year) cuts, `group` shares what the
    tiers of the group's whole base save among its members. Rounded once at the end, never below 0.
    """
    exact = [exact_amount(terms, component, charge) for charge in charges]
    for alternatives in steps_of(steps, component.name):
        if alternatives[0].kind == GROUP:
            exact = _grouped(terms, component, charges, exact)
            continue
        exact = [_stepped(terms, component, alternatives, charge, amount) for charge, amount in zip(charges, exact, strict=True)]
    return [round_yen(max(amount, Fraction(0)), terms.rounding) for amount in exact]


def _stepped(terms: Terms, component: Component, alternatives: list[Step], charge: Priced, amount: Fraction) -> Fraction:
    kind = alternatives[0].kind
    if kind in FACTORS:
        columns = (np.array([value]) for value in (charge.opened, charge.start, charge.mean_deposit))
        return amount * int(factor_ppm(alternatives, *columns)[0]) / PPM
    first, last = from_epoch_day(charge.start), from_epoch_day(charge.end)
    runs = segments(terms, component, first, last, first, last)
    bound = sum((Fraction(alternatives[0].amount_yen * run.days, run.year_days) for run in runs), Fraction(0))
    return max(amount, bound) if kind == "minimum" else min(amount, bound)


def _grouped(terms: Terms, component: Component, charges: list[Priced], exact: list[Fraction]) -> list[Fraction]:
    """Return the amounts after the saving of each group (合算による段階): whole yen, the saving shared out exactly."""
    found, members = list(exact), {}
    for place, charge in enumerate(charges):
        if charge.group:
            members.setdefault((charge.group, charge.start, charge.end), []).append(place)
    for places in members.values():
        if len(places) < 2:
            continue
        own = [round_yen(exact[place], terms.rounding) for place in places]
        of = [charges[place] for place in places]
        daily = tuple(sum(bases) for bases in zip(*(charge.daily for charge in of), strict=True))
        first = of[0]
        whole = Priced(0, first.opened, first.start, first.end, 0, sum((charge.base for charge in of), Fraction(0)), daily)
        saving = max(sum(own) - round_yen(exact_amount(terms, component, whole), terms.rounding), 0)
        shares = largest_remainder(saving, own, [charge.contract_no for charge in of]) if saving else [0] * len(own)
        for place, yen, share in zip(places, own, shares, strict=True):
            found[place] = Fraction(yen - share)
    return found


def wants_fractions(steps: tuple[Step, ...]) -> bool:
    """Return whether a bound or a group is among the steps, so that charges are adjusted one by one."""
    return any(step.kind not in FACTORS for step in steps)
