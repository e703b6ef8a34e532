"""How far a sleeve is from its model (乖離), and whether that breaks its band: docs/close.md §8, "breach"."""

from math import gcd

import numpy as np
from numba import njit

from tsutsumi.core.flows import FEE
from tsutsumi.core.wide import MAX, mul_div_ceil, position_yen

DRIFT_PARTS = ("carried", "market", "flow", "fee", "model")


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


@njit(cache=True, error_model="numpy")
def _weight_ppm(yen, total):
    return yen * 1_000_000 // total if total > 0 else 0


@njit(cache=True)
def _units(row, instrument_no, held):
    offsets, instrument, units = held
    for p in range(offsets[row], offsets[row + 1]):
        if instrument[p] == instrument_no:
            return units[p]
    return 0


@njit(cache=True, error_model="numpy")
def _parts(rows, old_rows, at, targets, old_targets, held, old_held, value, old_value, old_rest, fee, prices, old_prices, parts):
    num, den, most = prices
    old_num, old_den, old_most = old_prices
    offsets, instrument, units = old_held
    for k in range(rows.size):
        row, old, i = rows[k], old_rows[k], at[k]
        yen = position_yen(_units(row, i, held), num[i], den[i], most[i])
        now, before_fee = _weight_ppm(yen, value[row]), _weight_ppm(yen, value[row] + fee[row])
        if old < 0:
            parts[k, 2], parts[k, 3] = before_fee - targets[k], now - before_fee
            continue
        moved = old_rest[old]
        for p in range(offsets[old], offsets[old + 1]):
            j = instrument[p]
            moved += position_yen(units[p], num[j], den[j], most[j])
        old_units = _units(old, i, old_held)
        carried = _weight_ppm(position_yen(old_units, old_num[i], old_den[i], old_most[i]), old_value[old])
        market = _weight_ppm(position_yen(old_units, num[i], den[i], most[i]), moved)
        parts[k, 0], parts[k, 1], parts[k, 2] = carried - old_targets[k], market - carried, before_fee - market
        parts[k, 3], parts[k, 4] = now - before_fee, old_targets[k] - targets[k]


def drift_parts(books, before, rows, instrument_no, prices, rules, flows) -> np.ndarray:
    """Return how far an instrument of each sleeve is from its weight, in parts that add up (乖離の要因), in ppm of the sleeve.

    Parameters
    ----------
    rows, instrument_no : int64[n], sleeve rows and an instrument of each
    prices : num, den, most_units of today;  flows : of today

    Returns
    -------
    int64[n, 5], columns `DRIFT_PARTS`
        carried: the distance of the evening before; market: what prices did to it; flow: fills, money in and out; fee; model:
        what a change of the model's weight did. Σ = today's distance, weights floored to whole ppm.
    """
    sleeves, old_sleeves = books.sleeves, before.sleeves
    numbers = sleeves["sleeve_no"][rows]
    known = numbers < before.row_of_sleeve.size
    old_rows = np.where(known, before.row_of_sleeve[np.where(known, numbers, 0)], -1)
    old_models = old_sleeves["model_no"][old_rows] if old_sleeves["model_no"].size else np.zeros(rows.size, np.int32)
    parts = np.zeros((rows.size, len(DRIFT_PARTS)), np.int64)
    _parts(
        rows, old_rows, instrument_no, rules.weights[sleeves["model_no"][rows], instrument_no].astype(np.int64),
        rules.weights_before[old_models, instrument_no].astype(np.int64), _held(books), _held(before), sleeves["value_yen"],
        old_sleeves["value_yen"], old_sleeves["value_yen"] - old_sleeves["positions_yen"], _fees(books, flows),
        (prices["num"], prices["den"], prices["most_units"]), _old_prices(before.market, rules.instruments), parts,
    )
    return parts


def _held(books) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return books.offsets, books.positions["instrument_no"], books.positions["held_units"]


def _fees(books, flows) -> np.ndarray:
    """Return the fees taken today, per sleeve row."""
    fees = np.zeros(books.sleeves["sleeve_no"].size, np.int64)
    taken = (flows["kind_code"] == FEE) & (flows["sleeve_no"] < books.row_of_sleeve.size)
    rows = books.row_of_sleeve[flows["sleeve_no"][taken]]
    np.subtract.at(fees, rows[rows >= 0], flows["amount_yen"][taken][rows >= 0])
    return fees


def _old_prices(market, columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return num, den and the units whose product with num fits, of the prices of the evening before."""
    num, den = [], []
    names = (market.price, market.fx_ppm, columns["price_scale"], columns["price_base_units"])
    for price, fx_ppm, scale, base in zip(*(column.tolist() for column in names), strict=True):
        value, whole = price * fx_ppm, 10**scale * base * 1_000_000
        shared = gcd(value, whole)
        num.append(value // shared)
        den.append(whole // shared)
    num, den = np.array(num, np.int64), np.array(den, np.int64)
    return num, den, MAX // np.maximum(num, 1)
