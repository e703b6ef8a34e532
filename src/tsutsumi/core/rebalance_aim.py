"""Where a rebalance aims (リバランスの狙い): at the band, or where the tax is worth it, not at the target; in whole lots."""

import numpy as np
from numba import njit

from tsutsumi.core.rebalance_band import SCRATCH_ROWS, band_trades, limits_of_band
from tsutsumi.core.rebalance_level import DONE
from tsutsumi.core.rebalance_lots import lot_trades
from tsutsumi.core.rebalance_tax import STEP, tax_trades
from tsutsumi.core.wide import mul_div_ceil, ppm_floor

ROOM = 9 + max(SCRATCH_ROWS, STEP + 1)  # rows of numbers, as wide as a sleeve and its cash, that aiming needs


@njit(cache=True, error_model="numpy")
def aim_inside(count, worth, cash, rule, market, cash_weight, sale_cost, s, room):
    """Aim at the band instead of the target (許容幅までのリバランス): cash is the first position; what cannot be ordered stays.

    With a stretch (税を考えたリバランス) the trades are those that are worth their tax, inside the band. Where it cannot be done
    within the limits, the targets stay what they are.

    Parameters
    ----------
    sale_cost : int64, ppm of each position's sale, of the sleeve; read only with a stretch
    """
    n = count + 1
    weights, held, target, low, high, trade = room[0, :n], room[1, :n], room[2, :n], room[3, :n], room[4, :n], room[5, :n]
    weights[0], held[0] = cash_weight, cash
    for k in range(count):
        weights[k + 1], held[k + 1] = s[k].weight, s[k].v
    if limits_of_band(worth, weights, rule.band_absolute_ppm, rule.band_relative_ppm, target, low, high) != DONE:
        return
    by_tax = rule.rebalance_stretch_ppm > 0
    if by_tax:  # band_trades narrows the limits itself
        for k in range(n):
            low[k] += ppm_floor(target[k] - low[k], rule.rebalance_fraction_ppm)
            high[k] -= ppm_floor(high[k] - target[k], rule.rebalance_fraction_ppm)
    for k in range(count):
        if not market[s[k].at].can_order:
            low[k + 1] = high[k + 1] = s[k].v
    if by_tax:
        cost, none, stretch = room[6, :n], room[7, :n], room[8, :n]
        for k in range(n):
            cost[k], none[k], stretch[k] = sale_cost[k - 1] if k else 0, 0, max(ppm_floor(worth, rule.rebalance_stretch_ppm), 1)
        code = tax_trades(held, target, low, high, np.int64(0), cost, none, stretch, room[9:], trade)
    else:
        code = band_trades(held, target, low, high, np.int64(0), rule.rebalance_fraction_ppm, room[9:], trade)
    if code == DONE:
        for k in range(count):
            s[k].target, s[k].e = s[k].v + trade[k + 1], -trade[k + 1]


@njit(cache=True, error_model="numpy")
def aim_at_lots(count, may_sell, rule, market, s, room, lots):
    """Round the targets of what is bought by units to whole lots (口数へのそろえ), as near to them together as lots can be.

    What cannot be ordered stays; without a rebalance nothing is sold, and what is above its target stays too. The budget is what
    the targets and what stays are worth together. Where no lots keep within it, the targets stay what they are.
    """
    lot, held, target, lowest, highest, trade, line = room[0], room[1], room[2], room[3], room[4], room[5], room[6]
    n, budget = 0, np.int64(0)
    for k in range(count):
        quote = market[s[k].at]
        if not quote.unit_mode or quote.num <= 0:
            continue
        line[n], lot[n] = k, mul_div_ceil(quote.lot, quote.num, quote.den)
        held[n], target[n] = (s[k].sellable + s[k].coming) // quote.lot, max(s[k].target, 0)
        stays = not quote.can_order or (not may_sell and s[k].e > 0)
        lowest[n] = held[n] if stays or not may_sell else max(held[n] - s[k].sellable // quote.lot, 0)
        highest[n] = held[n] if stays else target[n] // lot[n] + held[n] + rule.minimum_trade_yen // lot[n] + 2
        budget += held[n] * lot[n] if stays else target[n]
        n += 1
    if n == 0:
        return
    code = lot_trades(lot[:n], held[:n], target[:n], lowest[:n], highest[:n], budget, rule.minimum_trade_yen, lots, trade[:n])
    if code == DONE:
        for j in range(n):
            k = line[j]
            s[k].lots, s[k].in_lots = trade[j], 1
            s[k].target, s[k].e = s[k].v + trade[j] * lot[j], -trade[j] * lot[j]
