"""Whole units of a rebalance (口数・株数への丸め): lots within a budget, as near to the targets as whole lots can be.

An exact search in whole numbers per sleeve. Each position takes the allowed lots just below or above its target; a price on the
budget (the dual of a knapsack) says which, and what the budget leaves open a branch and bound settles, from the largest lots to the
smallest. It ends after a fixed number of nodes, so that no sleeve can hold up the others.
"""

import numpy as np
from numba import njit

from tsutsumi.core.rebalance_level import (
    CROSSED,
    DONE,
    MOST_YEN,
    OUT_OF_RANGE,
    OVER_BUDGET,
    refuse,
    sleeve_offsets,
    whole_column,
)
from tsutsumi.core.wide import MAX

ONE = 1 << 16  # the price of a yen of the budget is told in parts of this
MOST_NODES = 20_000
NONE = -1  # no such lots

LOT = np.dtype([(name, "i8") for name in (  # of a position of the sleeve in hand; then, of a place in the order of decision
    "step", "below", "above", "worth", "least", "lots",
    "order", "rest_spent", "rest_bound", "rest_near", "rest_target", "spent", "bound", "cost", "down", "up", "chosen",
)])


@njit(cache=True)
def _allowed_below(lots, held, step, lowest, highest, sells_out):
    """Return the most lots, at most so many, that may be held: as many as now, or a trade of at least `step` away; NONE if none."""
    lots = min(lots, highest)
    if held <= lots < held + step:
        lots = held
    elif held - step < lots < held:
        lots = held - step
        if lots < 0 and sells_out:
            lots = np.int64(0)
    return lots if lots >= lowest else np.int64(NONE)


@njit(cache=True)
def _allowed_above(lots, held, step, lowest, highest, sells_out):
    """Return the fewest lots, at least so many, that may be held; NONE if none."""
    lots = max(lots, lowest)
    if held - step < lots <= held and not (sells_out and lots == 0):
        lots = held
    elif held < lots < held + step:
        lots = held + step
    return lots if lots <= highest else np.int64(NONE)


@njit(cache=True)
def _descending(count, s):
    """Fill `order` with 0..count−1 by `worth` descending, ties to the lower place."""
    for k in range(count):
        j = k
        while j > 0 and s[s[j - 1].order].worth < s[k].worth:
            s[j].order = s[j - 1].order
            j -= 1
        s[j].order = k


@njit(cache=True, error_model="numpy")
def _neighbours(lot, held, target, lowest, highest, minimum, s):
    """Fill the allowed lots around each target, what the dearer of them is worth, and the least; return whether all have some.

    More lots than the first above the target are farther and dearer, and so is that one where it is no nearer than the one below.
    """
    for k in range(lot.size):
        sells_out = target[k] == 0
        step = max((minimum + lot[k] - 1) // lot[k], 1)
        floor = target[k] // lot[k]
        below = _allowed_below(floor, held[k], step, lowest[k], highest[k], sells_out)
        above = _allowed_above(floor + 1, held[k], step, lowest[k], highest[k], sells_out)
        if below == NONE and above == NONE:
            return False
        s[k].step, s[k].below, s[k].above, s[k].worth = step, below, above, NONE
        s[k].least = _allowed_above(lowest[k], held[k], step, lowest[k], highest[k], sells_out) * lot[k]
        if below != NONE and above != NONE:
            nearer = 2 * target[k] - (below + above) * lot[k]
            if nearer > 0:
                s[k].worth = max(nearer * ONE // ((above - below) * lot[k]), 1)
            else:
                s[k].above = NONE
    return True


@njit(cache=True, error_model="numpy")
def _first_lots(lot, target, budget, s):
    """Take the lots below the targets, and those above where these are worth most and fit; return the price and the distance.

    Worth: how much nearer each yen of the step brings the position. The price of the budget is the worth of the first step that
    does not fit; 0: all that is wanted fits, nothing can be better; ONE: not even the lots below fit.
    """
    spent = np.int64(0)
    for k in range(lot.size):
        s[k].lots = s[k].below if s[k].below != NONE else s[k].above
        spent += s[k].lots * lot[k]
    if spent > budget:
        return np.int64(ONE), np.int64(4 * MOST_YEN)
    _descending(lot.size, s)
    price, distance = np.int64(0), np.int64(0)
    for place in range(lot.size):
        k = s[place].order
        if s[k].worth > 0:
            more = (s[k].above - s[k].lots) * lot[k]
            if spent + more <= budget:
                s[k].lots = s[k].above
                spent += more
            elif price == 0:
                price = s[k].worth
        distance += abs(s[k].lots * lot[k] - target[k])
    return price, distance


@njit(cache=True, inline="always")
def _bound(lots, lot, target, price):
    """Return what lots count for in the search: their distance to the target and the price of the yen that they take."""
    return abs(lots * lot - target) * ONE + price * (lots * lot)


@njit(cache=True, error_model="numpy")
def _order_of_decision(lot, target, price, s):
    """Decide on the largest lots first: the smallest come last and fill the budget; fill what is spent, counted, left open and
    wanted at least from each place on.
    """
    count = lot.size
    for k in range(count):
        s[k].worth = lot[k]
    _descending(count, s)
    s[count].rest_spent, s[count].rest_bound, s[count].rest_near, s[count].rest_target = 0, 0, 0, 0
    for place in range(count - 1, -1, -1):
        k = s[place].order
        lots = s[k].below if s[k].below != NONE else s[k].above
        least, near = _bound(lots, lot[k], target[k], price), abs(lots * lot[k] - target[k])
        if s[k].above != NONE:
            least = min(least, _bound(s[k].above, lot[k], target[k], price))
            near = min(near, abs(s[k].above * lot[k] - target[k]))
        s[place].rest_bound = s[place + 1].rest_bound + least
        s[place].rest_near = s[place + 1].rest_near + near
        s[place].rest_target = s[place + 1].rest_target + target[k]
        s[place].rest_spent = s[place + 1].rest_spent + s[k].least


@njit(cache=True, error_model="numpy")
def _is_cheaper(lot, spent, s):
    """Return whether the lots that the search has chosen come before those kept, which are as near: they cost less, or as much with
    fewer lots of the first position that differs.
    """
    for place in range(lot.size):
        s[s[place].order].worth = s[place].chosen
        spent -= s[place].lots * lot[place]
    if spent != 0:
        return spent < 0
    for k in range(lot.size):
        if s[k].worth != s[k].lots:
            return s[k].worth < s[k].lots
    return False


@njit(cache=True, error_model="numpy")
def _branch(lot, held, target, lowest, highest, budget, price, best, s):
    """Search lots as near to the targets as `best` or nearer, depth first, each position from its nearest lots outward."""
    last, place, nodes = lot.size - 1, 0, 0
    s[0].spent, s[0].bound, s[0].cost = 0, 0, 0
    s[0].down, s[0].up = s[s[0].order].below, s[s[0].order].above
    while place >= 0 and nodes < MOST_NODES + 8 * lot.size:
        k = s[place].order
        downward = np.int64(MAX) if s[place].down == NONE else _bound(s[place].down, lot[k], target[k], price)
        upward = np.int64(MAX) if s[place].up == NONE else _bound(s[place].up, lot[k], target[k], price)
        goes_down, bound = downward <= upward, min(downward, upward)
        if bound == MAX or s[place].bound + bound + s[place + 1].rest_bound > best * ONE + price * budget:
            place -= 1
            continue
        nodes += 1
        lots, sells_out = s[place].down if goes_down else s[place].up, target[k] == 0
        spent, cost = s[place].spent + lots * lot[k], s[place].cost + abs(lots * lot[k] - target[k])
        if max(cost + s[place + 1].rest_near, cost + spent + s[place + 1].rest_target - budget) > best:
            if goes_down:  # fewer lots are farther, and each yen that is left is a yen of some distance
                s[place].down = NONE
            else:
                s[place].up = NONE
            continue
        over = spent + s[place + 1].rest_spent - budget
        if goes_down:
            lower = lots - max((over + lot[k] - 1) // lot[k], 1)
            s[place].down = _allowed_below(lower, held[k], s[k].step, lowest[k], highest[k], sells_out) if lower >= 0 else NONE
        else:
            s[place].up = NONE
        if over > 0:
            continue
        s[place].chosen = lots
        if place == last and goes_down:
            s[place].down = NONE  # fewer lots are farther
        if place < last:
            place += 1
            s[place].spent, s[place].bound, s[place].cost = spent, s[place - 1].bound + bound, cost
            s[place].down, s[place].up = s[s[place].order].below, s[s[place].order].above
        elif cost < best or (cost == best and _is_cheaper(lot, spent, s)):
            best = cost
            for p in range(lot.size):
                s[s[p].order].lots = s[p].chosen


@njit(cache=True, error_model="numpy")
def lot_trades(lot, held, target, lowest, highest, budget, minimum, s, trade):
    """Fill the lots that one sleeve trades; return a code. See `whole_units`; `s` is LOT[width + 1 or more]."""
    if budget < 0 or minimum < 0 or budget > MOST_YEN or minimum > MOST_YEN:
        return OUT_OF_RANGE
    wanted, least = np.int64(0), np.int64(0)
    for k in range(lot.size):
        if lot[k] < 1 or lot[k] > MOST_YEN or held[k] < 0 or held[k] > MOST_YEN // lot[k] or target[k] < 0 or lowest[k] < 0:
            return OUT_OF_RANGE
        wanted += min(target[k], MOST_YEN + 1)
        if wanted > MOST_YEN:
            return OUT_OF_RANGE
        if lowest[k] > highest[k]:
            return CROSSED
        if lowest[k] > MOST_YEN // lot[k]:
            return OVER_BUDGET
    if not _neighbours(lot, held, target, lowest, highest, minimum, s):
        return OVER_BUDGET
    for k in range(lot.size):
        least += s[k].least
    if least > budget:
        return OVER_BUDGET
    price, best = _first_lots(lot, target, budget, s)
    if price > 0:
        _order_of_decision(lot, target, price, s)
        _branch(lot, held, target, lowest, highest, budget, price, best, s)
    for k in range(lot.size):
        trade[k] = s[k].lots - held[k]
    return DONE


@njit(cache=True)
def _lots_of_sleeves(offsets, lot, held, target, lowest, highest, budget, minimum, scratch, trade, codes):
    for s in range(offsets.size - 1):
        at = slice(offsets[s], offsets[s + 1])
        codes[s] = lot_trades(
            lot[at], held[at], target[at], lowest[at], highest[at], budget[s], minimum[s], scratch, trade[at]
        )


def whole_units(
    lot_yen, held_lots, target_yen, budget_yen, minimum_trade_yen=0, lowest_lots=0, highest_lots=MOST_YEN, offsets=None
) -> np.ndarray:
    """Return the trades in whole lots that come nearest to the targets within the budget (口数・株数への丸め).

    Minimises Σ |lots × lot_yen − target| over whole lots with Σ lots × lot_yen ≤ budget: the cash left is never below zero. With a
    minimum trade (最低売買金額) a position is not traded, or for at least that much; what has the target 0 may be sold out whatever
    it is worth. Of lots that are equally near those count that cost the fewest yen, then those with the fewest of the first
    position. The search is exact; where it would take more than 20,000 nodes the best so far is taken (docs/rules/rebalancing.md:
    practically only where the targets together are far above the budget, so give targets that add up to it).

    Parameters
    ----------
    lot_yen : int[P], the yen of one lot, 1 or more: for purchases by limit at the limit, so that the budget holds
    held_lots : int[P], whole lots;  target_yen : int[P], 0 or more, 10^12 at most in a sleeve
    budget_yen : int or int[S], what all lots together may cost: held + flow − cash to be kept
    minimum_trade_yen : int or int[S]
    lowest_lots, highest_lots : int or int[P], lots to hold; lowest = held: no sale, highest = held: no purchase
    offsets : int[S + 1], where each sleeve's positions begin; None: one sleeve

    Returns
    -------
    int64[P] : lots to buy (> 0) or sell (< 0)

    Raises
    ------
    ValueError
        Not whole, out of range, or no allowed lots keep within the budget.

    Examples
    --------
    Lots of 30 and of 20 yen for targets of 50 and 50: 1 and 3 lots are 20 + 10 away, 2 and 2 lots 10 + 10. With a minimum trade of
    50 yen, 1 and 2 lots are left as they are: two more of the first would be 40 away, three more of the second 50.

    >>> whole_units(np.array([30, 20]), np.array([0, 0]), np.array([50, 50]), 100).tolist()
    [2, 2]
    >>> whole_units(np.array([30, 20]), np.array([1, 2]), np.array([50, 50]), 100, minimum_trade_yen=50).tolist()
    [0, 0]
    """
    positions = np.asarray(lot_yen).size
    offsets = sleeve_offsets(offsets, positions)
    sleeves = offsets.size - 1
    of_positions = {"lot_yen": lot_yen, "held_lots": held_lots, "target_yen": target_yen}
    of_positions |= {"lowest_lots": lowest_lots, "highest_lots": highest_lots}
    columns = [whole_column(name, values, positions) for name, values in of_positions.items()]
    of_sleeves = {"budget_yen": budget_yen, "minimum_trade_yen": minimum_trade_yen}
    columns += [whole_column(name, values, sleeves) for name, values in of_sleeves.items()]
    trade, codes = np.zeros(positions, np.int64), np.zeros(sleeves, np.int64)
    scratch = np.zeros(int(np.diff(offsets).max(initial=0)) + 1, LOT)
    _lots_of_sleeves(offsets, *columns, scratch, trade, codes)
    refuse(codes, "rebalance in whole units")
    return trade
