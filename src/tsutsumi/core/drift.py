"""How far a sleeve is from its model (乖離), and whether that breaks its band: docs/close.md §8, "breach"."""

import numpy as np
from numba import njit

from tsutsumi.core.flows import FEE
from tsutsumi.core.wide import mul_div_ceil


@njit(cache=True, inline="always", error_model="numpy")
def is_breach(value, total, weight, band_absolute, band_relative):
    """Return whether |v × 10^6 − V × w| reaches the absolute band (of V) or the relative band (of V × w)."""
    aim = total * weight
    distance = abs(value * 1_000_000 - aim)
    if distance >= total * band_absolute:
        return True
    return band_relative > 0 and weight > 0 and distance >= mul_div_ceil(aim, band_relative, 1_000_000)


@njit(cache=True, error_model="numpy")
def breached(count, at, values, weights, total, band_absolute, band_relative):
    """Return the first instrument of a sleeve outside its band (許容乖離幅), 0 if there is none."""
    if total > 0:
        for k in range(count):
            if is_breach(values[k], total, weights[k], band_absolute, band_relative):
                return at[k]
    return np.int64(0)


def _weight_ppm(yen: int, total: int) -> int:
    return yen * 1_000_000 // total if total > 0 else 0


def drift_parts(books, before, row: int, instrument_no: int, prices, rules, flows) -> dict[str, int]:
    """Return how far an instrument of a sleeve is from its weight, in parts that add up (乖離の要因), in ppm of the sleeve.

    carried: the distance of the evening before; market: what prices did to it; flow: fills, money in and out; fee; model:
    what a change of the model's weight did. Σ = today's distance, weights floored to whole ppm.
    """
    sleeves = books.sleeves
    sleeve, model = int(sleeves["sleeve_no"][row]), int(sleeves["model_no"][row])
    target = int(rules.weights[model, instrument_no])
    num, den = int(prices["num"][instrument_no]), int(prices["den"][instrument_no])
    fee = -int(flows["amount_yen"][(flows["sleeve_no"] == sleeve) & (flows["kind_code"] == FEE)].sum())
    value = int(sleeves["value_yen"][row])
    held = _units(books, row, instrument_no) * num // den
    now, before_fee = _weight_ppm(held, value), _weight_ppm(held, value + fee)
    old_row = int(before.row_of_sleeve[sleeve]) if sleeve < before.row_of_sleeve.size else -1
    if old_row < 0:
        return {"carried": 0, "market": 0, "flow": before_fee - target, "fee": now - before_fee, "model": 0}
    old_target = int(rules.weights_before[int(before.sleeves["model_no"][old_row]), instrument_no])
    old_units, old_price = _units(before, old_row, instrument_no), int(before.market.price[instrument_no])
    first, last = int(before.offsets[old_row]), int(before.offsets[old_row + 1])
    cash = int(before.sleeves["value_yen"][old_row]) - int(before.sleeves["positions_yen"][old_row])
    moved = sum(
        int(u) * int(prices["num"][i]) // int(prices["den"][i])
        for i, u in zip(before.positions["instrument_no"][first:last], before.positions["held_units"][first:last], strict=True)
    )
    old_yen = _old_yen(before, rules, instrument_no, old_units, old_price)
    carried = _weight_ppm(old_yen, int(before.sleeves["value_yen"][old_row]))
    market = _weight_ppm(old_units * num // den, moved + cash)
    return {
        "carried": carried - old_target, "market": market - carried, "flow": before_fee - market, "fee": now - before_fee,
        "model": old_target - target,
    }


def _units(books, row: int, instrument_no: int) -> int:
    part = slice(int(books.offsets[row]), int(books.offsets[row + 1]))
    return int(books.positions["held_units"][part][books.positions["instrument_no"][part] == instrument_no].sum())


def _old_yen(before, rules, instrument_no: int, units: int, price: int) -> int:
    columns = rules.instruments
    whole = 10 ** int(columns["price_scale"][instrument_no]) * int(columns["price_base_units"][instrument_no]) * 1_000_000
    return units * price * int(before.market.fx_ppm[instrument_no]) // whole
