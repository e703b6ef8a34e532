"""§7 with the fee specification: what one component costs for some days, exactly, and rounded once."""

from datetime import date
from fractions import Fraction

from tests.oracles.day_oracle.fee_bases import base_of, daily
from tests.oracles.day_oracle.fee_terms import components
from tests.oracles.day_oracle.state import Contract, Period
from tests.oracles.fees_oracle import average_base, closing_base, days_of, mean, pricing_day, year_length, yearly_fee

Exact = list[tuple[int, str, Fraction]]                  # [(component_no, name, exact yen)]


def priced(period: Period, whole: tuple[date, date], first: date, last: date, bases) -> Exact:
    """Σ over the days of T_k(d)(x_d) / Y(d) of every balance component; `bases(day)` gives (low, high): the difference of
    the two is priced. `whole` is the fee period that `rates_of` speaks of.
    """
    found = []
    for number, component in components(period.terms, "balance"):
        total = Fraction(0)
        for day in days_of(first, last):
            low, high = bases(day)
            named = pricing_day(period.terms, day, whole)
            yearly = yearly_fee(period.terms, component, high, named)
            if low:
                yearly -= yearly_fee(period.terms, component, low, named)
            total += yearly / year_length(period.terms, day)
        found.append((number, component["name"], total))
    return found


def arrears_bases(contract: Contract, period: Period, last: date) -> tuple[Fraction, dict[date, Fraction]]:
    """In arrears, from the start of the period to `last`: `average`, `daily` or `closing`. -> (base, bases by day)

    `base_yen` under `daily` is the mean of the daily bases.
    """
    terms, first = period.terms, period.start_date
    by_day = {day: (base_of(terms, values), 0) for day, values in daily(contract, first, last).items()}
    summed, days = {**terms, "base": {"days": "calendar", **terms["base"], "cash": "included"}}, days_of(first, last)
    if terms["base"]["measure"] == "daily":
        bases = {day: row[0] for day, row in by_day.items()}
        return mean(list(bases.values())), bases
    base = {"average": average_base, "closing": closing_base}[terms["base"]["measure"]](summed, by_day, days)
    return base, dict.fromkeys(days, base)


def arrears(contract: Contract, period: Period, last: date) -> tuple[Fraction, Exact]:
    """The base, and the exact amounts; `period-end` is the cut end where a contract ended."""
    base, bases = arrears_bases(contract, period, last)
    dates = period.start_date, last
    return base, priced(period, dates, *dates, lambda day: (Fraction(0), bases[day]))


def advance(period: Period, first: date, low: Fraction, high: Fraction) -> Exact:
    """In advance, from a day to the end of the period: the difference between two bases."""
    return priced(period, (period.start_date, period.end_date), first, period.end_date, lambda _day: (low, high))
