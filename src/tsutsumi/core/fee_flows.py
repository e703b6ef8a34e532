"""What money that comes in or goes out costs under a fee in advance (前取りの増額・一部解約): the running base of many contracts.

The running base is the opening base and every flow that was charged or refunded since; an addition that nobody is charged for
waits until the next opening holds it. The columnar twin of the flows in `fee_engine`.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from tsutsumi.core.fee_histories import Histories
from tsutsumi.core.fee_terms import Terms

ADDITION, REFUND = 1, 2
NONE, OWN, STACKED = 0, 1, 2
ADDITIONS = {"none": NONE, "own": OWN, "stacked": STACKED}


@dataclass(frozen=True, eq=False)
class Running:
    """The running bases (計算基準額の推移), one a contract: the base, the uncharged additions, and the next flow of each.

    `late_yen` are the uncharged additions that the next period's opening will not hold yet; the others are `early_yen`.
    """

    base_yen: np.ndarray
    early_yen: np.ndarray
    late_yen: np.ndarray
    next_flow: np.ndarray

    @classmethod
    def before(cls, histories: Histories) -> "Running":
        """Return the state of contracts before their first period: their next flow is the first after their first day."""
        next_flow = histories.flow_offsets[:-1].copy()
        held = next_flow < histories.flow_offsets[1:]
        next_flow[held] += histories.flow_days[next_flow[held]] <= histories.start[held]
        zeros = (np.zeros(next_flow.size, np.int64) for _ in range(3))
        return cls(*zeros, next_flow)

    def open(self, rows: np.ndarray, base_yen: np.ndarray) -> None:
        """Begin a period with its opening base (期初の計算基準額): what it does not hold stays uncharged."""
        self.base_yen[rows], self.early_yen[rows], self.late_yen[rows] = base_yen, self.late_yen[rows], 0


@dataclass(frozen=True, eq=False)
class Steps:
    """What flows made of the running bases (増減の明細): contract, kind, first day priced, and the amounts before and after."""

    contract: np.ndarray
    kind: np.ndarray
    first: np.ndarray
    low_yen: np.ndarray
    high_yen: np.ndarray


def flow_steps(
    terms: Terms, histories: Histories, running: Running, rows: np.ndarray,
    until: np.ndarray, period_end: np.ndarray, late_from: np.ndarray, ending: np.ndarray,
) -> Steps:
    """Return the additions and refunds (増額・返戻) of some contracts up to a day, and carry their running bases on.

    Parameters
    ----------
    terms : Terms
        In advance: `addition` and `refund` are read.
    running, until, period_end, late_from, ending : one a contract
        Its state, changed here; the last day whose flows are known, not after the period's end; the period's end;
        the day from which the next opening is taken; whether the contract ends on `until`, before the period does.
    rows : int64 array
        Which contracts.

    Returns
    -------
    Steps
        In the order of `rows`, those of one contract by day, the refund of its end last. A flow with nothing to price gives none.
    """
    size = rows.size + int((histories.flow_offsets[rows + 1] - running.next_flow[rows]).sum())
    columns = (np.empty(size, np.int64), np.empty(size, np.int8), *(np.empty(size, np.int64) for _ in range(3)))
    state = running.base_yen, running.early_yen, running.late_yen, running.next_flow
    flows = histories.flow_offsets, histories.flow_days, histories.flow_yen
    choices = ADDITIONS[terms.addition], terms.refund == "prorated"
    count = _walk(rows, state, flows, until, period_end, late_from, ending, choices, columns)
    return Steps(*(column[:count] for column in columns))


@njit(cache=True, nogil=True)
def _put(columns, count, row, kind, first, low, high):
    rows, kinds, firsts, lows, highs = columns
    rows[count], kinds[count], firsts[count], lows[count], highs[count] = row, kind, first, low, high
    return count + 1


@njit(cache=True, nogil=True)
def _walk(rows, state, flows, until, period_end, late_from, ending, choices, columns):
    base, early, late, next_flow = state
    offsets, days, yen = flows
    addition, prorated = choices
    count = 0
    for i in rows:
        stop, j = offsets[i + 1], next_flow[i]
        while j < stop and days[j] <= until[i]:
            day, amount = np.int64(days[j]), yen[j]
            j += 1
            if amount > 0 and addition == NONE:
                if day > late_from[i]:
                    late[i] += amount
                else:
                    early[i] += amount
            elif amount > 0:
                low = base[i] if addition == STACKED else 0
                count = _put(columns, count, i, ADDITION, day, low, low + amount)
                base[i] += amount
            elif amount < 0:
                left = -amount
                cancelled = min(late[i], left)
                late[i] -= cancelled
                left -= cancelled
                cancelled = min(early[i], left)
                early[i] -= cancelled
                taken = min(left - cancelled, base[i]) if prorated else 0
                if taken > 0 and day < period_end[i]:
                    count = _put(columns, count, i, REFUND, day + 1, base[i] - taken, base[i])
                base[i] -= taken
        next_flow[i] = j
        if ending[i] and prorated and base[i] > 0:
            count = _put(columns, count, i, REFUND, until[i] + 1, 0, base[i])
    return count
