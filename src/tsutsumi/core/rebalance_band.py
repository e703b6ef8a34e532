"""How far a rebalance goes (リバランスの戻し方): to the edge of the band, part of the way to the target, or by the flow alone."""

import numpy as np
from numba import njit

from tsutsumi.core.rebalance_level import (
    CROSSED,
    DONE,
    OFF_WEIGHT,
    OUT_OF_RANGE,
    is_beyond,
    pour,
    refuse,
    sleeve_offsets,
    whole_column,
)
from tsutsumi.core.wide import mul_div_ceil, ppm_floor

PPM = 1_000_000
SCRATCH_ROWS = 3


@njit(cache=True, error_model="numpy")
def limits_of_band(worth, weight, absolute, relative, target, low, high):
    """Fill the target and the limits of one sleeve's positions from its weights; return a code. See `band_limits`."""
    if worth < 0 or is_beyond(worth) or absolute < 0 or absolute > PPM or relative < 0 or relative > PPM:
        return OUT_OF_RANGE
    left, weights = worth, np.int64(0)
    for k in range(weight.size):
        if weight[k] < 0 or weight[k] > PPM:
            return OUT_OF_RANGE
        weights += weight[k]
        target[k] = ppm_floor(worth, weight[k])
        left -= target[k]
    if weights != PPM:
        return OFF_WEIGHT
    target[0] += left
    for k in range(weight.size):
        aim = worth * weight[k]
        reach = worth * absolute
        if relative > 0 and weight[k] > 0:
            reach = min(reach, mul_div_ceil(aim, relative, PPM))
        low[k] = min(max((aim - reach) // PPM + 1, 0), target[k])
        high[k] = max((aim + reach - 1) // PPM, target[k]) if weight[k] > 0 else target[k]
    return DONE


@njit(cache=True, error_model="numpy")
def band_trades(held, target, low, high, flow, fraction, scratch, trade):
    """Fill the trades of one sleeve to its band; return a code. See `to_band`; `scratch` is int64[3, width or more]."""
    count = held.size
    gap, least, most = scratch[0, :count], scratch[1, :count], scratch[2, :count]
    if is_beyond(flow) or fraction < 0 or fraction > PPM:
        return OUT_OF_RANGE
    lack, excess = np.int64(0), np.int64(0)
    for k in range(count):
        if is_beyond(held[k]) or is_beyond(target[k]) or is_beyond(low[k]) or is_beyond(high[k]):
            return OUT_OF_RANGE
        if low[k] > high[k]:
            return CROSSED
        aim = min(max(target[k], low[k]), high[k])
        gap[k] = aim - held[k]
        least[k] = low[k] + ppm_floor(aim - low[k], fraction) - held[k]
        most[k] = high[k] - ppm_floor(high[k] - aim, fraction) - held[k]
        lack += max(least[k], 0)
        excess += max(-most[k], 0)
    more_to_buy = excess + flow >= lack
    for k in range(count):
        if more_to_buy:
            least[k] = min(max(least[k], 0), most[k])
        else:
            most[k] = max(min(most[k], 0), least[k])
    return pour(flow, gap, gap, least, most, trade)


@njit(cache=True, error_model="numpy")
def flow_trades(held, target, flow, scratch, trade):
    """Fill the trades of one sleeve that place its flow alone; return a code. See `flow_only`; `scratch` as for `band_trades`."""
    count = held.size
    gap, least, most = scratch[0, :count], scratch[1, :count], scratch[2, :count]
    if is_beyond(flow):
        return OUT_OF_RANGE
    for k in range(count):
        if is_beyond(held[k]) or is_beyond(target[k]):
            return OUT_OF_RANGE
        gap[k] = target[k] - held[k]
        least[k] = 0 if flow >= 0 else -max(held[k], 0)
        most[k] = max(flow, 0)
    return pour(flow, gap, gap, least, most, trade)


@njit(cache=True)
def _limits_of_sleeves(offsets, worth, weight, absolute, relative, target, low, high, codes):
    for s in range(offsets.size - 1):
        at = slice(offsets[s], offsets[s + 1])
        codes[s] = limits_of_band(worth[s], weight[at], absolute[s], relative[s], target[at], low[at], high[at])


@njit(cache=True)
def _band_of_sleeves(offsets, held, target, low, high, flow, fraction, scratch, trade, codes):
    for s in range(offsets.size - 1):
        at = slice(offsets[s], offsets[s + 1])
        codes[s] = band_trades(held[at], target[at], low[at], high[at], flow[s], fraction[s], scratch, trade[at])


@njit(cache=True)
def _flow_of_sleeves(offsets, held, target, flow, scratch, trade, codes):
    for s in range(offsets.size - 1):
        at = slice(offsets[s], offsets[s + 1])
        codes[s] = flow_trades(held[at], target[at], flow[s], scratch, trade[at])


def band_limits(worth_yen, weight_ppm, band_absolute_ppm, band_relative_ppm=0, offsets=None):
    """Return what each position should be worth and between which yen it is inside its band (許容乖離幅の上下限).

    target = floor(worth × weight / 10^6), the yen that flooring leaves go to the first position (cash, where it has one).
    A value breaks the band where |value × 10^6 − worth × weight| reaches worth × absolute, or worth × weight × relative / 10^6
    (docs/close.md §8); the limits are the last whole yen inside. They always hold the target; what the model does not want
    (weight 0) has no band, it is sold out.

    Parameters
    ----------
    worth_yen : int or int[S], the value of a sleeve after its flow, 0 to 10^12
    weight_ppm : int[P], 1,000,000 in each sleeve;  band_absolute_ppm, band_relative_ppm : int or int[S], 0: no relative band
    offsets : int[S + 1], where each sleeve's positions begin; None: one sleeve

    Returns
    -------
    target_yen, low_yen, high_yen : int64[P]

    Raises
    ------
    ValueError
        A number is not whole or out of range, or the weights of a sleeve are not 1,000,000 in all.

    Examples
    --------
    5 points of 1,000,000 yen are 50,000 yen; at the edge itself the band is broken.

    >>> [column.tolist() for column in band_limits(1_000_000, np.array([100_000, 400_000, 500_000]), 50_000)]
    [[100000, 400000, 500000], [50001, 350001, 450001], [149999, 449999, 549999]]
    """
    positions = np.asarray(weight_ppm).size
    offsets = sleeve_offsets(offsets, positions)
    target, low, high = (np.zeros(positions, np.int64) for _ in range(3))
    sleeves = offsets.size - 1
    codes = np.zeros(sleeves, np.int64)
    columns = {"worth_yen": worth_yen, "band_absolute_ppm": band_absolute_ppm, "band_relative_ppm": band_relative_ppm}
    worth, absolute, relative = (whole_column(name, values, sleeves) for name, values in columns.items())
    weight = whole_column("weight_ppm", weight_ppm, positions)
    _limits_of_sleeves(offsets, worth, weight, absolute, relative, target, low, high, codes)
    refuse(codes, "limits of a band")
    return target, low, high


def to_band(held_yen, target_yen, low_yen, high_yen, flow_yen=0, fraction_ppm=0, offsets=None) -> np.ndarray:
    """Return the trades that bring every position inside its band with the least turnover (許容幅までのリバランス).

    The band is narrowed first: low' = low + floor((target − low) × fraction / 10^6), high' likewise from above; fraction 0 is the
    edge, 1,000,000 the target itself. With B = Σ (low' − held)+, S = Σ (held − high')+ and the net flow F,

        turnover = Σ |trade| = 2 × max(B, S + F) − F,   Σ trade = F,   low' ≤ held + trade ≤ high'.

    What is outside moves to its edge; the yen that this leaves or lacks go where the gap to the target is largest (`pour`). Nothing
    is bought to be sold. A position that cannot be traded is given low = high = held. Cash may be a position like any other.

    Parameters
    ----------
    held_yen, target_yen, low_yen, high_yen : int[P], each within ±10^12; a target outside its limits is moved to the nearer one
    flow_yen : int or int[S], yen that come in (> 0) or go out (< 0);  fraction_ppm : int or int[S]
    offsets : int[S + 1], where each sleeve's positions begin; None: one sleeve

    Returns
    -------
    int64[P] : yen to buy (> 0) or sell (< 0)

    Raises
    ------
    ValueError
        Not whole, out of range, low above high, or Σ low' ≤ Σ held + flow ≤ Σ high' does not hold.

    Examples
    --------
    Bands of 45 to 55, 25 to 35, 15 to 25; the first is 5 above its edge, the third 3 below its own: sell 5, buy 3 and 2 more where
    the gap is largest. A turnover of 10 instead of 20 to the target.

    >>> to_band(*np.array([[60, 28, 12], [50, 30, 20], [45, 25, 15], [55, 35, 25]])).tolist()
    [-5, 0, 5]
    >>> to_band(*np.array([[60, 28, 12], [50, 30, 20], [45, 25, 15], [55, 35, 25]]), fraction_ppm=1_000_000).tolist()
    [-10, 2, 8]
    """
    positions = np.asarray(held_yen).size
    offsets = sleeve_offsets(offsets, positions)
    names = {"held_yen": held_yen, "target_yen": target_yen, "low_yen": low_yen, "high_yen": high_yen}
    columns = [whole_column(name, values, positions) for name, values in names.items()]
    sleeves = offsets.size - 1
    flow, fraction = whole_column("flow_yen", flow_yen, sleeves), whole_column("fraction_ppm", fraction_ppm, sleeves)
    trade, codes = np.zeros(positions, np.int64), np.zeros(sleeves, np.int64)
    _band_of_sleeves(offsets, *columns, flow, fraction, _scratch(offsets), trade, codes)
    refuse(codes, "rebalance to the band")
    return trade


def flow_only(held_yen, target_yen, flow_yen, offsets=None) -> np.ndarray:
    """Return the trades that place a flow and do nothing else (入出金だけで寄せるリバランス).

    F > 0: purchases only, where most is missing; F < 0: sales only, where most is too much, none beyond what is held. Minimises
    Σ (held + trade − target)² with Σ trade = F over whole yen. Targets need not add up to held + flow.

    Parameters
    ----------
    held_yen, target_yen : int[P], each within ±10^12;  flow_yen : int or int[S];  offsets : int[S + 1]; None: one sleeve

    Returns
    -------
    int64[P] : yen to buy (> 0) or sell (< 0)

    Raises
    ------
    ValueError
        Not whole, out of range, or more is to go out than is held.

    Examples
    --------
    10 yen come in; the gaps are −10, 7 and 13: levelled, 8 to the third and 2 to the second leave gaps of 5 and 5.

    >>> flow_only(np.array([60, 28, 12]), np.array([50, 35, 25]), 10).tolist()
    [0, 2, 8]
    >>> flow_only(np.array([60, 28, 12]), np.array([50, 35, 25]), -20).tolist()
    [-18, -2, 0]
    """
    positions = np.asarray(held_yen).size
    offsets = sleeve_offsets(offsets, positions)
    held, target = whole_column("held_yen", held_yen, positions), whole_column("target_yen", target_yen, positions)
    flow = whole_column("flow_yen", flow_yen, offsets.size - 1)
    trade, codes = np.zeros(positions, np.int64), np.zeros(offsets.size - 1, np.int64)
    _flow_of_sleeves(offsets, held, target, flow, _scratch(offsets), trade, codes)
    refuse(codes, "placing a flow")
    return trade


def _scratch(offsets: np.ndarray) -> np.ndarray:
    """Return the room that a kernel needs for the widest sleeve."""
    return np.empty((SCRATCH_ROWS, int(np.diff(offsets).max(initial=1))), np.int64)
