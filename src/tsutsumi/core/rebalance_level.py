"""The common level (水位) of a rebalance: how yen that come in or go out are poured over positions, exact to the yen.

Water-filling: each position has a gap to its target and may move between two bounds; the yen go where the gap is largest until
the gaps are level. Everything is a whole number. Each way of rebalancing has a kernel for one sleeve, which returns a code and
never fails, and a function over many sleeves that lie one behind the other (offsets), which refuses what a code says.
What the ways mean, with tables: docs/rules/rebalancing.md.
"""

import numpy as np
from numba import njit

DONE, CROSSED, OUT_OF_REACH, OUT_OF_RANGE, UNEVEN, OFF_WEIGHT, OVER_BUDGET = range(7)
MOST_YEN = 10**12
CAUSES = {
    CROSSED: "a lower limit is above its upper limit: give limits with low <= high",
    OUT_OF_REACH: "the flow cannot be placed within the limits: these, or the targets, must make room for held + flow",
    OUT_OF_RANGE: f"a number is out of range: yen to {MOST_YEN:,}, ppm 0 to 1,000,000, a lot from 1 yen, lots and budget from 0",
    UNEVEN: "a stretch is not 1 to 10^12 yen, or above a million times the smallest of its sleeve: bring them nearer",
    OFF_WEIGHT: "the weights are not 1,000,000 ppm in all: give cash the rest",
    OVER_BUDGET: "no lots that may be held keep within the budget: raise it, or allow more to be sold",
}


@njit(cache=True)
def is_beyond(yen):
    """Return whether an amount is larger than the kernels are made for: 10^12 yen, either sign."""
    return yen > MOST_YEN or yen < -MOST_YEN


@njit(cache=True)
def hand_out(rest, steps, trade):
    """Give `rest` yen, one each, to the largest trades among those with a step (端数の配分); ties to the lower place."""
    for _ in range(rest):
        best, size = 0, np.int64(-1)
        for k in range(trade.size):
            if steps[k] != 0 and abs(trade[k]) > size:
                best, size = k, abs(trade[k])
        steps[best] = 0
        trade[best] += 1


@njit(cache=True, error_model="numpy")
def _next_level(upward, to_buy, to_sell, least, most, trade):
    """Return the nearest level, above or below, at which a position begins to move, where none is moving."""
    best, found = np.int64(0), False
    for k in range(trade.size):
        if trade[k] == (most[k] if upward else least[k]):
            continue
        bought = trade[k] >= 0 if upward else trade[k] > 0
        edge = trade[k] - (to_buy[k] if bought else to_sell[k])
        if not found or (edge < best) == upward:
            best, found = edge, True
    return best


@njit(cache=True, error_model="numpy")
def pour(flow, to_buy, to_sell, least, most, trade):
    """Fill `trade` with the whole yen that add up to the flow and leave the gaps most level (water-filling); return a code.

    At a level a position trades to_buy + level if that is a purchase, to_sell + level if that is a sale, within its bounds;
    to_buy = to_sell is the gap to the target, to_sell − to_buy ≥ 0 a zone in which it rests. The trades are those of the highest
    level whose sum is not above the flow; the few yen that are left go one each to the largest trades that the next level would
    raise. So, without zones, Σ (gap − trade)² is the least over all whole numbers least ≤ trade ≤ most with Σ trade = flow.
    Newton steps on the level inside a bracket. `most` is used up as scratch.
    """
    low, high, low_sum, high_sum = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for k in range(trade.size):
        low_sum += least[k]
        high_sum += most[k]
        low = min(low, least[k] - to_sell[k])
        high = max(high, most[k] - to_buy[k])
    if flow < low_sum or flow > high_sum:
        return OUT_OF_REACH
    level = np.int64(0)
    while True:
        total, rising, falling = np.int64(0), np.int64(0), np.int64(0)
        for k in range(trade.size):
            bought, sold = to_buy[k] + level, to_sell[k] + level
            wish = max(bought, min(sold, 0))
            yen = min(max(wish, least[k]), most[k])
            rising += (wish >= least[k]) & (wish < most[k]) & ((bought >= 0) | (sold < 0))
            falling += (wish > least[k]) & (wish <= most[k]) & ((bought > 0) | (sold <= 0))
            trade[k] = yen
            total += yen
        rest = flow - total
        if 0 <= rest < max(rising, 1):
            break
        low, high = (level + 1, high) if rest > 0 else (low, level - 1)
        moving = rising if rest > 0 else falling
        level = level + rest // moving if moving > 0 else _next_level(rest > 0, to_buy, to_sell, least, most, trade)
        if level < low or level > high:
            level = low + (high - low) // 2
    if rest > 0:
        for k in range(trade.size):
            bought, sold = to_buy[k] + level + 1, to_sell[k] + level + 1
            most[k] = min(max(max(bought, min(sold, 0)), least[k]), most[k]) - trade[k]
        hand_out(rest, most, trade)
    return DONE


def whole_column(name: str, values, count: int) -> np.ndarray:
    """Return int64[count] of whole numbers, one number standing for all; refuses what is not whole.

    Always an array that may be written to: the kernels are then compiled for one kind of columns only.

    >>> whole_column("flow_yen", 5, 3).tolist()
    [5, 5, 5]
    """
    column = np.asarray(values)
    if column.size and not np.can_cast(column.dtype, np.int64):
        raise ValueError(f"{name} is {column.dtype}: give whole numbers (yen, lots, ppm)")
    if column.ndim > 1 or (column.ndim == 1 and column.size != count):
        raise ValueError(f"{name} has the shape {column.shape}: give one number or {count:,} of them")
    return np.require(np.broadcast_to(column, count), np.int64, ["C", "W"])


def sleeve_offsets(offsets, positions: int) -> np.ndarray:
    """Return int64[S + 1], where each sleeve's positions begin; None is one sleeve. Refuses gaps and steps back.

    >>> sleeve_offsets(None, 3).tolist()
    [0, 3]
    """
    if offsets is None:
        return np.array([0, positions], np.int64)
    offsets = whole_column("offsets", offsets, np.asarray(offsets).size)
    if offsets.size == 0 or offsets[0] != 0 or offsets[-1] != positions or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets must rise from 0 to the {positions:,} positions: they say where each sleeve begins and ends")
    return offsets


def refuse(codes: np.ndarray, what: str) -> None:
    """Raise ValueError for the first sleeve that a kernel could not do, with the cause; nothing if all are done."""
    if codes.any():
        first = int(np.argmax(codes != DONE))
        raise ValueError(f"{what}, sleeve {first} of {codes.size:,}: {CAUSES[int(codes[first])]}")
