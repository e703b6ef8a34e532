"""The fees of a whole book (報酬の一括計算): what many contracts owe under one terms file, exact, column by column.

Every choice that the terms can make is priced, equal to `fee_engine.fee_schedule` of each contract to the yen. In advance at
1.32 % and 1.1 % above 30 million: a quarter of 20 and of 120 million; then the refund of 5 out of 20 million for 46 days:

>>> from datetime import date
>>> from tsutsumi.core.fee_terms import parse_terms
>>> terms = parse_terms('''
... name = "quarterly, in advance"
... period = { length = "quarter", align = "calendar", timing = "advance" }
... base = { measure = "opening", cash = "included" }
... year = { days = 365 }
... rounding = { to = "down" }
... tax = { kind = "included" }
... advance = { addition = "stacked", refund = "prorated" }
... component = [{ name = "fee", kind = "balance", rates = [{ from = 2020-01-01, tiers = [[0, 13200], [30_000_000, 11000]] }] }]
... ''')
>>> quarter = date(2026, 10, 1), date(2026, 12, 31)
>>> price_between(terms, *quarter, *quarter, 0, np.array([20_000_000, 120_000_000]))
[array([ 66542, 349347])]
>>> price_between(terms, date(2026, 11, 16), quarter[1], *quarter, np.array([15_000_000]), np.array([20_000_000]))
[array([8317])]

A day or a divisor may be one for all rows or an array of one a row. Each row is what it would be alone.
"""

from collections.abc import Sequence

import numpy as np

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_amounts import (
    Factor,
    History,
    Ratio,
    amounts,
    histories,
    lower_amounts,
    narrow_numbers,
    ratio_of,
    whole_numbers,
)
from tsutsumi.core.fee_brackets import Brackets, brackets
from tsutsumi.core.fee_pricing import Segment
from tsutsumi.core.fee_quotients import between, divider, over_days, rounded, scaled
from tsutsumi.core.fee_runs import Days, Span, day_numbers, run_groups, span_of
from tsutsumi.core.fee_terms import CONSUMPTION_TAX, Component, Terms, consumption_tax_percent
from tsutsumi.core.units import PPM, ROUNDING_MODES, round_fraction


def price_between(
    terms: Terms, first: Days, last: Days, period_start: Days, period_end: Days,
    low_yen: np.ndarray | int, high_yen: np.ndarray, divisor: int | np.ndarray = 1, factor: Factor = None,
) -> list[np.ndarray]:
    """Return what the base between two amounts costs over some days (残高報酬), of many contracts at once.

    Each component: round( sum over the days d of first..last of (T_k(d)(high / divisor) - T_k(d)(low / divisor)) / Y(d) ).
    A charge is priced from 0; an addition on top of what is there, or a refund, between two amounts.

    Parameters
    ----------
    terms : Terms
        Any; its balance components are priced, its rounding, tax, year and rates_of are read.
    first, last : date or int array
        The days priced, both included, 1 to 366 of them.
    period_start, period_end : date or int array
        The whole fee period, for rates_of; in arrears the cut end where a contract ended.
    low_yen : int64 array, or 0
        From 0 to high_yen; 0 where tiering is "whole".
    high_yen : int64 array, one a row
    divisor : int or int64 array
        The amounts count 1/divisor yen: the sum of the bases of m days with m gives their average. With average = "down"
        high / divisor is cut to whole yen first (low must be 0 then).
    factor : array or pair, optional
        What multiplies the exact amount before it is rounded: an int64 array of ppm, one a row, or (numerator, denominator),
        each a whole number or an int64 array of one a row.

    Returns
    -------
    list of int64 arrays
        Yen, one array a component, in the order of `terms.balance`.

    Raises
    ------
    ValueError
        An amount is negative, low lies above high, an array is not int64, or the days, the divisor or the factor make no sense.
    FeeTermsError
        No rates are in force on a day that is priced.

    See Also
    --------
    tsutsumi.core.fee_engine.fee_schedule : the same for one contract, in fractions, explained by `fee_lines`.
    """
    high, scale = amounts(high_yen, "high_yen"), whole_numbers(divisor, high_yen.size, 1, "divisor")
    low = lower_amounts(low_yen, high)
    span = span_of(high.size, first, last, period_start, period_end)
    if terms.average == "down" and (scale > 1).any():
        if low.size:
            raise ValueError("low_yen: with average = 'down' a divided amount is cut first: it has no price above a low; give 0")
        high, scale = high // scale, np.array([1])
    most, most_scale = int(high.max(initial=0)), int(scale.max(initial=1))
    ratio = ratio_of(factor, high.size, scale)
    prices = []
    for component in terms.balance:
        if component.tiering == "whole" and low.size:
            raise ValueError(f"component {component.name!r}: whole tiers have no price between two amounts: give low_yen = 0")
        price = _Price(terms, high.size, ratio)
        for rows, runs in run_groups(terms, component, span, high.size):
            line = brackets(component, runs)
            if price.fits and line.fits(most, span.most_days, most_scale):
                price.take(rows, line, between, low, high, scale, span.first, span.last, *_compiled(line, runs))
            else:
                price.take_exactly(rows, line, [_between_exactly(line, runs, span, low, high, scale, k) for k in rows.tolist()])
        prices.append(price.yen)
    return prices


def price_daily(
    terms: Terms, first: Days, last: Days, period_start: Days, period_end: Days,
    offsets: np.ndarray, days: np.ndarray, bases_yen: np.ndarray, factor: Factor = None, contracts: np.ndarray | None = None,
    most_yen: int | None = None,
) -> list[np.ndarray]:
    """Return the fee on each day's own base (日々の残高に対する報酬) of many contracts, their bases given run by run.

    Each component: round( sum over the days d of first..last of T_k(d)(x_d) / Y(d) ).

    Parameters
    ----------
    terms, first, last, period_start, period_end, factor
        As for `price_between`.
    offsets : int64 array
        Contract k has the rows offsets[k] .. offsets[k + 1] - 1.
    days : int32 array
        The day (since 1970-01-01) from which on a row's base holds, ascending within a contract, the first not after the first
        day priced; what lies after the last day is not priced.
    bases_yen : int64 array
        The base from that day on, to the day before the contract's next row.
    contracts : int64 array, optional
        The contract that each result is of, in place of all of them in order: nothing is copied for a part of a book.
    most_yen : int, optional
        A limit that no base passes, of rows that are known to be in order: they are not checked again.

    Returns
    -------
    list of int64 arrays
        Yen, one array a component, in the order of `terms.balance`.

    Raises
    ------
    ValueError
        A contract has no base on the first day, rows out of order or a negative base; or as for `price_between`.

    Examples
    --------
    A quarter of 46 days at 25 million and 46 at 35 million: 25m x 1.309 % x 46/365 + (30m x 1.309 % + 5m x 1.2155 %) x 46/365:

    >>> from datetime import date
    >>> from tsutsumi.core.fee_terms import parse_terms
    >>> terms = parse_terms('''
    ... name = "quarterly, in arrears, day by day"
    ... period = { length = "quarter", align = "calendar", timing = "arrears" }
    ... base = { measure = "daily", cash = "included" }
    ... year = { days = 365 }
    ... rounding = { to = "down" }
    ... tax = { kind = "included" }
    ... component = [{ name = "fee", kind = "balance", rates = [{ from = 2020-01-01, tiers = [[0, 13090], [30_000_000, 12155]] }] }]
    ... ''')
    >>> quarter, offsets = (date(2026, 10, 1), date(2026, 12, 31)), np.array([0, 2])
    >>> days, bases = np.array([20727, 20773], np.int32), np.array([25_000_000, 35_000_000])
    >>> price_daily(terms, *quarter, *quarter, offsets, days, bases)
    [array([98392])]
    """
    contracts = np.arange(offsets.size - 1) if contracts is None else np.ascontiguousarray(contracts, np.int64)
    span = span_of(contracts.size, first, last, period_start, period_end)
    history, most = histories(offsets, days, bases_yen, contracts, span.first, most_yen)
    ratio = ratio_of(factor, contracts.size, np.array([1]))
    prices = []
    for component in terms.balance:
        price = _Price(terms, contracts.size, ratio)
        for rows, runs in run_groups(terms, component, span, contracts.size):
            line = brackets(component, runs)
            if price.fits and line.fits(most, span.most_days):
                price.take(rows, line, over_days, contracts, *history, span.first, span.last, *_compiled(line, runs))
            else:
                price.take_exactly(rows, line, [_daily_exactly(line, runs, span, history, contracts, k) for k in rows.tolist()])
        prices.append(price.yen)
    return prices


def price_performance(terms: Terms, component: Component, end: Days, profit_num: np.ndarray, profit_den: np.ndarray) -> np.ndarray:
    """Return the performance fee (成功報酬) on many profits: round( max(0, profit) x rate x (1 + tax) ), tax of the day `end`.

    Parameters
    ----------
    terms, component
        The terms and one of their performance components.
    end : date or int array
        The last day of what falls due.
    profit_num, profit_den : arrays
        The profit of each contract over its mark, exact: numerator (below zero: a loss) and denominator (above zero), int64
        or, where they do not fit, object arrays of Python's whole numbers.

    Returns
    -------
    int64 array
        Yen; 0 for a loss.

    Examples
    --------
    11 % of 1,000,000 and of a third of it; a loss pays nothing:

    >>> from datetime import date
    >>> from types import SimpleNamespace as Some
    >>> terms, component = Some(tax="included", rounding="down"), Some(rate_ppm=110_000)
    >>> price_performance(terms, component, date(2026, 12, 31), np.array([1_000_000, 1_000_000, -5]), np.array([1, 3, 1]))
    array([110000,  36666,      0])
    """
    rates, unit = component.rate_ppm * (100 + _taxes(terms, day_numbers(end))), PPM * 100
    fees = np.zeros(profit_num.size, np.int64)
    narrow = narrow_numbers(profit_num) & narrow_numbers(profit_den)
    top, bottom = profit_num[narrow].astype(np.int64), profit_den[narrow].astype(np.int64)
    if bottom.size and bottom.min() < 1:
        raise ValueError("profit_den: a denominator is not above 0: put the sign into the numerator")
    whole, rest = np.divmod(np.maximum(top, 0), bottom)
    rows, mode = np.arange(whole.size), ROUNDING_MODES.index(terms.rounding)
    scaled(rows, whole, rest, bottom, rates if rates.size == 1 else rates[narrow], np.array([unit]), mode, whole)
    fees[narrow] = whole
    for k in np.flatnonzero(~narrow).tolist():
        fees[k] = round_fraction(max(int(profit_num[k]), 0) * _of(rates, k), int(profit_den[k]) * unit, terms.rounding)
    return fees


def _taxes(terms: Terms, days: np.ndarray) -> np.ndarray:
    """Return the consumption tax that is added on each day, percent; 0 if it is included."""
    if terms.tax != "added" or days.size == 0:
        return np.zeros(days.size, np.int64)
    consumption_tax_percent(from_epoch_day(days.min()))  # refuses a day before the first rate
    known = np.searchsorted([epoch_day(since) for since, _ in CONSUMPTION_TAX], days, side="right") - 1
    return np.array([percent for _, percent in CONSUMPTION_TAX])[known]


class _Price:
    """The price of one component, group by group: exact quotients, times a ratio, in whole yen."""

    def __init__(self, terms: Terms, rows: int, ratio: Ratio):
        self.rounding, self.ratio = terms.rounding, ratio
        self.yen, self.rest = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self.fits = ratio[1].dtype != object

    def take(self, rows: np.ndarray, line: Brackets, kernel, *inputs) -> None:
        """Price some rows by a kernel."""
        kernel(rows, *inputs, divider(line.denominator), self.yen, self.rest)
        mode, plain = ROUNDING_MODES.index(self.rounding), all(part.size == 1 and part[0] == 1 for part in self.ratio)
        if plain:
            rounded(rows, self.yen, self.rest, line.denominator, mode, self.yen)
        else:
            scaled(rows, self.yen, self.rest, np.array([line.denominator]), *self.ratio, mode, self.yen)

    def take_exactly(self, rows: np.ndarray, line: Brackets, numerators: list[int]) -> None:
        """Price some rows by their numerators, in Python's whole numbers: what compiled code would not hold."""
        times, by = (np.broadcast_to(part, self.yen.size)[rows].tolist() for part in self.ratio)
        for k, numerator, over, under in zip(rows.tolist(), numerators, times, by, strict=True):
            self.yen[k] = round_fraction(numerator * over, line.denominator * under, self.rounding)


def _compiled(line: Brackets, runs: Sequence[Segment]) -> tuple:
    """Return the runs and the table of a line as kernels read them."""
    firsts, lasts = zip(*((epoch_day(run.first), epoch_day(run.last)) for run in runs), strict=True)
    return (np.array(firsts), np.array(lasts)), line.table()


def _days_in(runs: Sequence[Segment], first: int, last: int) -> list[int]:
    """Return the days of first..last that lie in each run."""
    return [max(0, min(last, epoch_day(run.last)) - max(first, epoch_day(run.first)) + 1) for run in runs]


def _of(column: np.ndarray, row: int) -> int:
    return int(column[0 if column.size == 1 else row])


def _between_exactly(line: Brackets, runs: Sequence[Segment], span: Span, low, high, scale, row: int) -> int:
    """Return the numerator of one row of `price_between`."""
    days, m = _days_in(runs, _of(span.first, row), _of(span.last, row)), _of(scale, row)
    return line.numerator(int(high[row]), days, m) - (line.numerator(int(low[row]), days, m) if low.size else 0)


def _daily_exactly(line: Brackets, runs: Sequence[Segment], span: Span, history: History, contracts: np.ndarray, row: int) -> int:
    """Return the numerator of one row of `price_daily`."""
    offsets, days, bases = history
    first, last, contract = _of(span.first, row), _of(span.last, row), contracts[row]
    rows = range(int(offsets[contract]), int(offsets[contract + 1]))
    total = 0
    for j in rows:
        until = min(last, int(days[j + 1]) - 1) if j + 1 < rows.stop else last
        total += line.numerator(int(bases[j]), _days_in(runs, max(first, int(days[j])), until))
    return total
