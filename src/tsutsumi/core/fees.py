"""What a contract owes for the service (報酬): of one contract with its whole history, or of the whole book at once.

One contract: `fee_schedule` in `fee_engine`, explained by `fee_lines`. The book in arrears on the average:
`arrears_average_fees` below, compiled, equal to the former to the yen. A month of 1 million yen at 1.1 %, both ways
(1,000,000 x 1.1 % x 30/365 = 904.10; cut each day it would be 900):

>>> from tsutsumi.core.fee_engine import fee_schedule
>>> from tsutsumi.core.fee_history import ValueRow, contract_history
>>> from tsutsumi.core.fee_terms import parse_terms
>>> terms = parse_terms('''
... name = "monthly, in arrears, on the average, flat"
... period = { length = "month", align = "calendar", timing = "arrears" }
... base = { measure = "average", days = "calendar", cash = "included" }
... year = { days = 365 }
... rounding = { to = "down" }
... tax = { kind = "included" }
... component = [{ name = "fee", kind = "balance", rates = [{ from = 2020-01-01, tiers = [[0, 11000]] }] }]
... ''')
>>> june = date(2026, 6, 1), date(2026, 6, 30)
>>> [entry.total_yen for entry in fee_schedule(terms, contract_history([ValueRow(june[0], 1_000_000)], [], *june))]
[904]
>>> arrears_average_fees(np.array([30 * 1_000_000, 30 * 2_000_000]), 30, terms, *june)
{'fee': array([ 904, 1808])}
"""

from dataclasses import dataclass
from datetime import date
from math import gcd, lcm

import numba
import numpy as np

from tsutsumi.core.calendar import business_day_table
from tsutsumi.core.fee_periods import day_count
from tsutsumi.core.fee_pricing import Segment, segments
from tsutsumi.core.fee_terms import MAX_YEN, Component, Terms
from tsutsumi.core.units import PPM, ROUNDING_MODES, rounding_step

_rounding_step = numba.njit(rounding_step)


def average_days(terms: Terms, start: date, end: date) -> int:
    """Return the days that enter the average (平均残高の日数) of a period: all, or its business days if it has any.

    Examples
    --------
    From a Thursday to the Tuesday after it, 6 days, 4 of them business days:

    >>> from types import SimpleNamespace
    >>> period = date(2026, 6, 25), date(2026, 6, 30)
    >>> [average_days(SimpleNamespace(days=days), *period) for days in ("calendar", "business")]
    [6, 4]
    """
    days = day_count(start, end)
    return (len(business_day_table(start, end)) or days) if terms.days == "business" else days


def arrears_average_fees(
    base_sum_yen: np.ndarray, days: int, terms: Terms, start: date, end: date
) -> dict[str, np.ndarray]:
    """Return the balance fee in arrears on the average (残高報酬・後取り・平均残高) of one period for many contracts.

    With S the sum of the bases of the days that enter the average and m their number, x = S / m, and for each component
    fee = round( sum over days d of T_k(d)(x) / Y(d) ), exact in integers, rounded once as the terms say.

    Parameters
    ----------
    base_sum_yen : int64 array, one a contract, in yen
        S; from 0 to 10^13 x m.
    days : int
        m, as `average_days` counts it; given so that a caller who summed other days is refused.
    terms : Terms
        In arrears, measure "average"; any tiers, rates_of, year, tax and rounding.
    start, end : date
        The period, both ends included; of a contract that started or ended within, its own first or last day.

    Returns
    -------
    dict of int64 arrays
        Component name to yen, in the order of `base_sum_yen`.

    Raises
    ------
    ValueError
        The terms are of another measure, the days are not those of the period, the array is not int64, or a sum is out
        of range.
    FeeTermsError
        No rates are in force on a day that is priced.

    See Also
    --------
    tsutsumi.core.fee_engine.fee_schedule : the same for one contract, in fractions.

    Notes
    -----
    The fee is a piecewise linear function of S with one denominator D, so one row is one multiplication and one
    division of integers. Where the product would pass 64 bits the row's amount is cut into digits of as many bits as
    fit, and divided digit by digit, as on paper.
    """
    _check(base_sum_yen, days, terms, start, end)
    cut = terms.average == "down"
    sums = np.ascontiguousarray(base_sum_yen)
    mode = ROUNDING_MODES.index(terms.rounding)
    fees = {}
    for component in terms.balance:
        line = _line(component, segments(terms, component, start, end, start, end), 1 if cut else days)
        bits = 64 - (line.denominator + max(line.slopes)).bit_length()
        digits = -(-max(int(sums.max(initial=0)).bit_length(), 1) // bits)
        fees[component.name] = _fees(sums, days if cut else 1, *line.arrays(), line.denominator, bits, digits, mode)
    return fees


def _check(base_sum_yen: np.ndarray, days: int, terms: Terms, start: date, end: date) -> None:
    """Refuse what `arrears_average_fees` cannot price exactly."""
    if terms.timing != "arrears" or terms.measure != "average":
        raise ValueError(f"terms {terms.name!r}: {terms.timing}, {terms.measure}: only arrears on the average fit here")
    if not 1 <= day_count(start, end) <= 366:
        raise ValueError(f"{start} to {end}: a fee period has 1 to 366 days; price it period by period")
    expected = average_days(terms, start, end)
    if days != expected:
        raise ValueError(f"{days} days for {start} to {end}: the average of this period holds {expected}; sum those")
    if base_sum_yen.dtype != np.int64:
        raise ValueError(f"base_sum_yen is {base_sum_yen.dtype}, not int64: money is whole yen; convert it exactly")
    if base_sum_yen.size and not 0 <= int(base_sum_yen.min()) <= int(base_sum_yen.max()) <= MAX_YEN * days:
        raise ValueError(f"base_sum_yen: a sum lies outside 0 to {MAX_YEN * days:,}; refuse that contract's values")


@dataclass(frozen=True)
class _Line:
    """fee(s) = (constant_b + (s - origin_b) x slope_b) / denominator in the bracket b that holds s (折れ線)."""

    lows: list[int]
    origins: list[int]
    slopes: list[int]
    constants: list[int]
    denominator: int

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return lows, origins, slopes, and the constants as quotient and remainder, all int64."""
        parts = [divmod(constant, self.denominator) for constant in self.constants]
        columns = (self.lows, self.origins, self.slopes, [q for q, _ in parts], [r for _, r in parts])
        return tuple(np.array(column, dtype=np.int64) for column in columns)


def _line(component: Component, runs: list[Segment], scale: int) -> _Line:
    """Return the fee of a period as a line with bends at the floors; s counts 1/scale yen of base.

    A run of n days with tax t and year Y weighs n x (100 + t) x L / Y, L the common multiple of the years.
    """
    years = lcm(*(run.year_days for run in runs))
    weights = [run.days * (100 + run.tax_percent) * (years // run.year_days) for run in runs]
    floors = sorted({floor for run in runs for floor, _ in run.tiers})
    slopes = [sum(weight * _rate(run, floor) for weight, run in zip(weights, runs, strict=True)) for floor in floors]
    denominator = PPM * 100 * years * scale
    common = gcd(denominator, *slopes)
    slopes = [slope // common for slope in slopes]
    lows = [floor * scale for floor in floors]
    if component.tiering == "whole":
        return _Line(lows, [0] * len(lows), slopes, [0] * len(lows), denominator // common)
    constants = [0]
    for i in range(1, len(lows)):
        constants.append(constants[-1] + (lows[i] - lows[i - 1]) * slopes[i - 1])
    return _Line(lows, lows, slopes, constants, denominator // common)


def _rate(run: Segment, floor: int) -> int:
    """Return the rate of the tier that starts at or below a floor."""
    return [rate for start, rate in run.tiers if start <= floor][-1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fees(sums, divisor, lows, origins, slopes, whole, rest, denominator, bits, digits, mode):
    """Return round(fee(s // divisor)) of each sum; (denominator + slope) x 2^bits fits 64 bits without sign."""
    fees = np.empty(sums.size, dtype=np.int64)
    unit = np.uint64(denominator)
    width = np.uint64(bits)
    mask = (np.uint64(1) << width) - np.uint64(1)
    for i in range(sums.size):
        s = sums[i] // divisor
        b = lows.size - 1
        while b > 0 and s <= lows[b]:
            b -= 1
        amount = np.uint64(s - origins[b])
        slope = np.uint64(slopes[b])
        quotient = np.uint64(0)
        remainder = np.uint64(0)
        for k in range(digits - 1, -1, -1):
            digit = (amount >> (width * np.uint64(k))) & mask
            part = (remainder << width) + digit * slope
            step = part // unit
            quotient = (quotient << width) + step
            remainder = part - step * unit
        yen = np.int64(quotient) + whole[b]
        left = np.int64(remainder) + rest[b]
        if left >= denominator:
            left -= denominator
            yen += 1
        fees[i] = yen + _rounding_step(yen, left, denominator, mode)
    return fees
