"""Where a rebalance aims (リバランスの狙い): inside the band instead of at the target, by the program's setting."""

from numba import njit

from tsutsumi.core.rebalance_band import SCRATCH_ROWS, band_trades, limits_of_band
from tsutsumi.core.rebalance_level import DONE

ROOM = 6 + SCRATCH_ROWS  # rows of numbers, as wide as a sleeve and its cash, that aiming needs


@njit(cache=True, error_model="numpy")
def aim_inside(count, worth, cash, rule, market, cash_weight, s, room):
    """Aim at the band instead of the target (許容幅までのリバランス): cash is the first position; what cannot be ordered stays.

    Where that cannot be done within the limits, the targets stay what they are.
    """
    of = room[:, : count + 1]
    weights, held, target, low, high, trade = of[0], of[1], of[2], of[3], of[4], of[5]
    weights[0], held[0] = cash_weight, cash
    for k in range(count):
        weights[k + 1], held[k + 1] = s[k].weight, s[k].v
    if limits_of_band(worth, weights, rule.band_absolute_ppm, rule.band_relative_ppm, target, low, high) != DONE:
        return
    for k in range(count):
        if not market[s[k].at].can_order:
            low[k + 1] = high[k + 1] = s[k].v
    if band_trades(held, target, low, high, 0, rule.rebalance_fraction_ppm, of[6:], trade) == DONE:
        for k in range(count):
            s[k].target, s[k].e = s[k].v + trade[k + 1], -trade[k + 1]
