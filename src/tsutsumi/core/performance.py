"""How well a sleeve did (運用成績): the time-weighted index chained every day, profit in yen, the money-weighted return."""

import numpy as np
from numba import njit

from tsutsumi.core.wide import mul_div_floor

INDEX_START = 10**12
MOST_YEARLY_RATE = 10**12  # a gain of one day, a year long, can be beyond every number that a table holds


@njit(cache=True)
def _chain(index, value, flow, before):
    for k in range(index.size):
        worth = value[k] - flow[k]
        if before[k] > 0 and worth >= 0:
            index[k] = mul_div_floor(index[k], worth, before[k])


def chain_index(index: np.ndarray, value_yen: np.ndarray, flow_yen: np.ndarray, value_before_yen: np.ndarray) -> np.ndarray:
    """Return the time-weighted index (時間加重収益率の指数) of each sleeve after today.

    index' = floor(index × (value − flow) / value before), flows at the end of the day; unchanged where there was no value.
    Starts at 10^12; the return since the start is index / 10^12 − 1.
    """
    index = index.copy()
    _chain(index, value_yen, flow_yen, value_before_yen)
    return index


def money_weighted_ppm(dates, amounts_yen, value_date, value_yen: int) -> int | None:
    """Return the money-weighted return (金額加重収益率) a year in ppm, or None where none exists or it is above 10^12.

    The rate at which deposits and withdrawals grow to today's value (XIRR, days / 365); solved by a library, shown as ppm.

    Parameters
    ----------
    dates : list of dates;  amounts_yen : money into the sleeve positive, out negative;  value_date, value_yen : today
    """
    from pyxirr import InvalidPaymentsError, xirr

    try:
        rate = xirr([*dates, value_date], [*(-amount for amount in amounts_yen), value_yen])
    except InvalidPaymentsError:
        return None
    return None if rate is None or rate > MOST_YEARLY_RATE else round(rate * 1_000_000)
