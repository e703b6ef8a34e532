"""What a rebalance is worth after tax (税を考えたリバランス): trades that weigh the distance to the target against their cost.

One dual search in whole numbers per sleeve: at a common level every position knows its trade, a clipped soft threshold; the level
is found where the trades add up to the flow.
"""

import numpy as np
from numba import njit

from tsutsumi.core.rebalance_level import (
    CROSSED,
    DONE,
    MOST_YEN,
    OUT_OF_RANGE,
    OUT_OF_REACH,
    UNEVEN,
    hand_out,
    is_beyond,
    pour,
    refuse,
    sleeve_offsets,
    whole_column,
)
from tsutsumi.core.wide import MAX, divide_known, mul_div_ceil, mul_div_floor

PPM = 1_000_000
PERCENT_PPM = 10_000
MOST_RATIO = 1_000_000  # between the stretches of one sleeve
BASE, LEAST, MOST, TO_BUY, TO_SELL, STEP = range(6)  # the rows of the scratch


@njit(cache=True, inline="always", error_model="numpy")
def _moved(level, stretch, widest, reciprocal, fits):
    """Return floor(level × stretch / widest), without a division where the product fits."""
    return divide_known(level * stretch, widest, reciprocal) if fits else mul_div_floor(level, stretch, widest)


@njit(cache=True, error_model="numpy")
def _trades_at(level, stretch, widest, reciprocal, fits, scratch, trade):
    """Fill the trade of each position at a level; return their sum and the stretch of those that move with the level."""
    total, moving = np.int64(0), np.int64(0)
    for k in range(stretch.size):
        bought = scratch[BASE, k] + _moved(level + scratch[TO_BUY, k], stretch[k], widest, reciprocal, fits)
        sold = scratch[BASE, k] + _moved(level + scratch[TO_SELL, k], stretch[k], widest, reciprocal, fits)
        wish = max(bought, min(sold, 0))
        yen = min(max(wish, scratch[LEAST, k]), scratch[MOST, k])
        trade[k] = yen
        total += yen
        moving += stretch[k] * np.int64((wish != 0) & (yen == wish))
    return total, moving


@njit(cache=True, error_model="numpy")
def _next_level(upward, stretch, widest, scratch, trade):
    """Return the nearest level, above or below, at which some position trades another yen."""
    best, found = np.int64(0), False
    for k in range(stretch.size):
        if trade[k] == scratch[MOST if upward else LEAST, k]:
            continue
        yen = trade[k] + 1 if upward else trade[k]
        level = mul_div_ceil(yen - scratch[BASE, k], widest, stretch[k]) - scratch[TO_BUY if yen > 0 else TO_SELL, k]
        level -= 0 if upward else 1
        if not found or (level < best) == upward:
            best, found = level, True
    return best


@njit(cache=True, error_model="numpy")
def _search(flow, bound, top, stretch, widest, scratch, trade):
    """Find the level at which the trades add up to the flow; Newton steps inside a bracket, the last yen to the largest trades."""
    reciprocal, fits = np.uint64(2**64 - 1) // np.uint64(widest), top < MAX // widest
    low, high, level = -bound, bound, np.int64(0)
    raised = scratch[STEP, : stretch.size]
    while True:
        total, moving = _trades_at(level, stretch, widest, reciprocal, fits, scratch, trade)
        rest = flow - total
        if rest == 0:
            return
        step = mul_div_floor(min(abs(rest), 4 * MOST_YEN), widest, moving) if moving > 0 else np.int64(-1)
        low, high = (level, high) if rest > 0 else (low, level)
        if rest > 0 and (step == 0 or high - low == 1):
            above, _ = _trades_at(level + 1, stretch, widest, reciprocal, fits, scratch, raised)
            if above > flow:
                break
        if step < 0:
            level = _next_level(rest > 0, stretch, widest, scratch, trade)
        else:
            level += max(step, 1) if rest > 0 else -step - 1
        if level <= low or level >= high:
            level = low + (high - low) // 2
    for k in range(stretch.size):
        raised[k] -= trade[k]
    hand_out(rest, raised, trade)


@njit(cache=True, error_model="numpy")
def _pour_equal(held, target, flow, sale_cost, purchase_cost, stretch, scratch, trade):
    """Fill the trades where every position is equally patient: their levels are yen, and a cost is a zone of rest."""
    count = held.size
    for k in range(count):
        scratch[TO_BUY, k] = target[k] - held[k] - purchase_cost[k] * stretch // PERCENT_PPM
        scratch[TO_SELL, k] = target[k] - held[k] + sale_cost[k] * stretch // PERCENT_PPM
    return pour(flow, scratch[TO_BUY, :count], scratch[TO_SELL, :count], scratch[LEAST, :count], scratch[MOST, :count], trade)


@njit(cache=True, error_model="numpy")
def tax_trades(held, target, low, high, flow, sale_cost, purchase_cost, stretch, scratch, trade):
    """Fill the trades of one sleeve after tax; return a code. See `tax_aware`; `scratch` is int64[6, width or more]."""
    if is_beyond(flow):
        return OUT_OF_RANGE
    least_sum, most_sum, reach, dearest = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    widest, narrowest = np.int64(1), np.int64(MOST_YEN)
    for k in range(held.size):
        if is_beyond(held[k]) or is_beyond(target[k]) or is_beyond(low[k]) or is_beyond(high[k]):
            return OUT_OF_RANGE
        cheaper, dearer = min(sale_cost[k], purchase_cost[k]), max(sale_cost[k], purchase_cost[k])
        if cheaper < 0 or dearer > PPM:
            return OUT_OF_RANGE
        if low[k] > high[k]:
            return CROSSED
        if stretch[k] < 1 or stretch[k] > MOST_YEN:
            return UNEVEN
        scratch[LEAST, k], scratch[MOST, k] = low[k] - held[k], high[k] - held[k]
        least_sum += scratch[LEAST, k]
        most_sum += scratch[MOST, k]
        reach = max(reach, max(target[k] - low[k], high[k] - target[k]))
        dearest, widest, narrowest = max(dearest, dearer), max(widest, stretch[k]), min(narrowest, stretch[k])
    if widest > MOST_RATIO * narrowest:
        return UNEVEN
    if flow < least_sum or flow > most_sum:
        return OUT_OF_REACH
    if flow == least_sum or flow == most_sum:
        for k in range(held.size):
            trade[k] = scratch[LEAST if flow == least_sum else MOST, k]
        return DONE
    if widest == narrowest:
        return _pour_equal(held, target, flow, sale_cost, purchase_cost, widest, scratch, trade)
    dearest = dearest * widest // PERCENT_PPM
    bound = (reach + 2) * (widest // narrowest + 1) + dearest
    turns = (bound + dearest) // widest + 1  # whole turns of the widest stretch lift each level above zero: a floor is a quotient
    for k in range(held.size):
        scratch[BASE, k] = target[k] - held[k] - turns * stretch[k]
        scratch[TO_BUY, k] = turns * widest - purchase_cost[k] * widest // PERCENT_PPM
        scratch[TO_SELL, k] = turns * widest + sale_cost[k] * widest // PERCENT_PPM
    _search(flow, bound, bound + turns * widest + dearest, stretch, widest, scratch, trade)
    return DONE


@njit(cache=True)
def _tax_of_sleeves(offsets, held, target, low, high, flow, sale_cost, purchase_cost, stretch, scratch, trade, codes):
    for s in range(offsets.size - 1):
        at = slice(offsets[s], offsets[s + 1])
        codes[s] = tax_trades(
            held[at], target[at], low[at], high[at], flow[s], sale_cost[at], purchase_cost[at], stretch[at], scratch, trade[at]
        )


@njit(cache=True, error_model="numpy")
def _tax_rates(value, cost, rate, tax):
    for k in range(value.size):
        gain = value[k] - cost[k]
        tax[k] = mul_div_floor(rate[k], gain, value[k]) if gain > 0 and value[k] > 0 else 0


def sale_tax_ppm(value_yen, tax_cost_yen, rate_ppm) -> np.ndarray:
    """Return the tax on each yen sold (売却 1 円あたりの税), in ppm: floor(rate × max(value − cost, 0) / value).

    Under the average cost of the tax law every unit of a position has the same gain. A loss is taxed at 0; in NISA the rate is 0.

    Parameters
    ----------
    value_yen, tax_cost_yen : int[P], the account's position at today's price and its legal average cost
    rate_ppm : int or int[P], 203,150 in a specified account (20.315 %), 0 in NISA

    Returns
    -------
    int64[P]

    Raises
    ------
    ValueError
        A number is not whole, a value or a cost is negative, or a rate is not between 0 and 1,000,000.

    Examples
    --------
    Bought for 600, worth 1,000: 40 % of a sale is gain, taxed at 20.315 %: 8.126 %.

    >>> sale_tax_ppm(np.array([1_000, 1_000]), np.array([600, 1_200]), 203_150).tolist()
    [81260, 0]
    """
    count = np.asarray(value_yen).size
    names = {"value_yen": value_yen, "tax_cost_yen": tax_cost_yen, "rate_ppm": rate_ppm}
    value, cost, rate = (whole_column(name, values, count) for name, values in names.items())
    if count and (min(value.min(), cost.min(), rate.min()) < 0 or rate.max() > PPM):
        raise ValueError("tax of a sale: values and costs are 0 or more, rates 0 to 1,000,000 ppm")
    tax = np.empty(count, np.int64)
    _tax_rates(value, cost, rate, tax)
    return tax


def tax_aware(
    held_yen, target_yen, low_yen, high_yen, flow_yen, sale_cost_ppm, purchase_cost_ppm, stretch_yen, offsets=None
) -> np.ndarray:
    """Return the trades that weigh the distance to the target against taxes and costs (税を考えたリバランス).

    Minimises, with Σ trade = F and low ≤ held + trade ≤ high,

        Σ [ (held + trade − target)² × 1 % / (2 × stretch) + sale × sale cost + purchase × purchase cost ].

    `stretch` says how patient a position is: a distance of `stretch` yen pulls as hard as a cost of 1 %. So where the tax is 8 %,
    a sale for its own sake begins only beyond 8 stretches above the target, and stops there. Whole yen: each trade is the exact
    one at the common level, rounded down; the yen that are left go one each to the largest trades that the level would raise.

    Parameters
    ----------
    held_yen, target_yen, low_yen, high_yen : int[P], each within ±10^12; low = high = held: cannot be traded
    flow_yen : int or int[S]
    sale_cost_ppm, purchase_cost_ppm : int or int[P], 0 to 1,000,000: taxes (`sale_tax_ppm`), levies, spreads
    stretch_yen : int or int[P], 1 to 10^12, within one sleeve at most a million times the smallest
    offsets : int[S + 1], where each sleeve's positions begin; None: one sleeve

    Returns
    -------
    int64[P] : yen to buy (> 0) or sell (< 0)

    Raises
    ------
    ValueError
        Not whole, out of range, low above high, or Σ low ≤ Σ held + flow ≤ Σ high does not hold.

    Examples
    --------
    Both sides are 200 away from the target. A tax of 8 % weighs as much as 8 × 10 = 80 yen, and a sale pulls from two sides:
    80 / 2 = 40 yen are left undone. Without a tax the rebalance goes to the target.

    >>> to = [np.array(yen) for yen in ([700, 300], [500, 500], [0, 0], [1_000, 1_000])]
    >>> tax_aware(*to, 0, np.array([80_000, 0]), 0, 10).tolist(), tax_aware(*to, 0, 0, 0, 10).tolist()
    ([-160, 160], [-200, 200])
    """
    positions = np.asarray(held_yen).size
    offsets = sleeve_offsets(offsets, positions)
    names = {"held_yen": held_yen, "target_yen": target_yen, "low_yen": low_yen, "high_yen": high_yen}
    columns = [whole_column(name, values, positions) for name, values in names.items()]
    flow = whole_column("flow_yen", flow_yen, offsets.size - 1)
    names = {"sale_cost_ppm": sale_cost_ppm, "purchase_cost_ppm": purchase_cost_ppm, "stretch_yen": stretch_yen}
    costs = [whole_column(name, values, positions) for name, values in names.items()]
    trade, codes = np.zeros(positions, np.int64), np.zeros(offsets.size - 1, np.int64)
    scratch = np.empty((STEP + 1, int(np.diff(offsets).max(initial=1))), np.int64)
    _tax_of_sleeves(offsets, *columns, flow, *costs, scratch, trade, codes)
    refuse(codes, "rebalance after tax")
    return trade
