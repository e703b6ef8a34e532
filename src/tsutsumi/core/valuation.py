"""Books × prices → yen per sleeve (時価評価), and in the same pass: which sleeves need a decision tonight.

One compiled pass over the positions: value = Σ floor(units × num / den), then the drift of a sleeve without anything in
flight against its band and its cash against its target, so that only the sleeves that need it go on to `orders.py`.
"""

import numpy as np
from numba import njit, prange

from tsutsumi.core.drift import is_breach
from tsutsumi.core.wide import MAX, divide_known, position_yen, reciprocals

BLOCK = 4_096  # sleeves that one thread takes at a time


@njit(cache=True, error_model="numpy")
def _value_block(
    begin, end, offsets, instrument, units, program, model, cash, receivable, payable, num, den, reciprocal, most_units, weights,
    band_absolute, band_relative, minimum_trade, positions_yen, value_yen, attention,
):
    """Value the sleeves begin..end."""
    width = np.int64(0)
    for row in range(begin, end):
        width = max(width, offsets[row + 1] - offsets[row])
    yen = np.empty(width, np.int64)
    for row in range(begin, end):
        first, count = offsets[row], offsets[row + 1] - offsets[row]
        total = np.int64(0)
        for k in range(count):
            i = instrument[first + k]
            if units[first + k] <= most_units[i]:
                yen[k] = divide_known(units[first + k] * num[i], den[i], reciprocal[i])
            else:
                yen[k] = position_yen(units[first + k], num[i], den[i], most_units[i])
            total += yen[k]
        positions_yen[row] = total
        value = total + cash[row] + receivable[row] - payable[row]
        value_yen[row] = value
        free = value - total
        rule, at = program[row], model[row]
        look = free - value * weights[at, 0] // 1_000_000 >= minimum_trade[rule] or free < 0
        if not look and value > 0:
            for k in range(count):
                weight = weights[at, instrument[first + k]]
                if is_breach(yen[k], value, weight, band_absolute[rule], band_relative[rule]):
                    look = True
                    break
        attention[row] = look


@njit(cache=True, parallel=True, error_model="numpy")
def _value_blocks(
    offsets, instrument, units, program, model, cash, receivable, payable, num, den, reciprocal, most_units, weights, band_absolute,
    band_relative, minimum_trade, positions_yen, value_yen, attention,
):
    """Value all sleeves, blocks of them at once; the result is the same for any number of threads."""
    rows = cash.size
    for block in prange((rows + BLOCK - 1) // BLOCK):
        _value_block(
            block * BLOCK, min(rows, (block + 1) * BLOCK), offsets, instrument, units, program, model, cash, receivable, payable,
            num, den, reciprocal, most_units, weights, band_absolute, band_relative, minimum_trade, positions_yen, value_yen,
            attention,
        )


def most_units(num: np.ndarray) -> np.ndarray:
    """Return per instrument the largest number of units whose product with `num` fits 63 bits."""
    return MAX // np.maximum(num, 1)


def value_sleeves(offsets, positions, sleeves, prices, weights, programs):
    """Return positions_yen, value_yen and attention (whether `orders.decide` must look) of every sleeve.

    Parameters
    ----------
    offsets : int64[S+1]
        Where each sleeve's positions begin.
    positions : instrument_no, held_units
    sleeves : program_no, model_no, cash_yen, receivable_yen, payable_yen
    prices : num, den, most_units
        Per instrument; see docs/close.md §2.
    weights : int32[models, instruments]
        Weights in force; column 0 is the cash target.
    programs : band_absolute_ppm, band_relative_ppm, minimum_trade_yen

    Returns
    -------
    positions_yen, value_yen : int64[S];  attention : bool[S]
        value = positions + cash + receivable − payable (時価評価額). Each position is cut to whole yen (切捨て).
    """
    rows = sleeves["cash_yen"].size
    positions_yen, value_yen, attention = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.bool_)
    columns = (
        offsets, positions["instrument_no"], positions["held_units"], sleeves["program_no"], sleeves["model_no"],
        sleeves["cash_yen"], sleeves["receivable_yen"], sleeves["payable_yen"], prices["num"], prices["den"],
        reciprocals(prices["den"]), prices["most_units"], weights, programs["band_absolute_ppm"], programs["band_relative_ppm"],
        programs["minimum_trade_yen"], positions_yen, value_yen, attention,
    )
    if rows <= BLOCK:  # threads would cost more than they bring
        _value_block(0, rows, *columns)
    else:
        _value_blocks(*columns)
    return positions_yen, value_yen, attention
