"""What a contract owes for the service (報酬): of one contract with its whole history, or of the whole book at once.

One contract: `fee_schedule` in `fee_engine`, explained by `fee_lines`. The book, under any terms: `fee_book`, compiled, equal
to the former to the yen; in arrears on the average by `arrears_average_fees` below. A month of 1 million yen at 1.1 %, both
ways (1,000,000 x 1.1 % x 30/365 = 904.10; cut each day it would be 900):

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

from datetime import date

import numpy as np

from tsutsumi.core.calendar import business_day_table
from tsutsumi.core.fee_book import price_between
from tsutsumi.core.fee_periods import day_count
from tsutsumi.core.fee_terms import MAX_YEN, Terms


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
    tsutsumi.core.fee_book : every other choice of the terms, for many contracts.
    """
    _check(base_sum_yen, days, terms, start, end)
    prices = price_between(terms, start, end, start, end, 0, base_sum_yen, divisor=days)
    return {component.name: yen for component, yen in zip(terms.balance, prices, strict=True)}


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
