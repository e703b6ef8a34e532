"""Exact quotients (商と余り) of many rows at once: what a bracket table gives for each base, and the one rounding.

Compiled. A numerator is held in two words of 64 bits; every row of a call has the same denominator, so it is divided by
multiplying with the reciprocal of that denominator (Möller and Granlund, "Improved Division by Invariant Integers", 2011,
algorithm 4), which is exact. Callers keep numerators below 2^126, denominators and quotients below 2^62. An array of one
element holds for every row.
"""

import numpy as np
from numba import njit

from tsutsumi.core.units import rounding_step
from tsutsumi.core.wide import _product_high, mul_div_mod

WORD = 64
ZERO, ONE = np.uint64(0), np.uint64(1)
_rounding_step = njit(rounding_step)


def divider(denominator: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return (denominator shifted to fill a word, the shift, its reciprocal): what a division multiplies with (逆数)."""
    shift = WORD - denominator.bit_length()
    wide = denominator << shift
    return np.uint64(wide), np.uint64(shift), np.uint64((2**128 - 1) // wide - 2**WORD)


@njit(cache=True, inline="always")
def _divided(high, low, by):
    """Return quotient and remainder of (high x 2^64 + low) / denominator; the quotient is below 2^64."""
    wide, shift, reciprocal = by
    top = (high << shift) | (low >> (np.uint64(WORD) - shift))  # the shift is 2 or more: a denominator is below 2^62
    bottom = low << shift
    product = reciprocal * top
    rest = product + bottom
    quotient = _product_high(reciprocal, top) + top + ONE
    if rest < product:
        quotient += ONE
    remainder = bottom - quotient * wide
    if remainder > rest:
        quotient -= ONE
        remainder += wide
    if remainder >= wide:
        quotient += ONE
        remainder -= wide
    return np.int64(quotient), np.int64(remainder >> shift)


@njit(cache=True, inline="always")
def _plus_product(top, bottom, a, b):
    """Return the two words of top x 2^64 + bottom + a x b."""
    product = a * b
    bottom += product
    top += _product_high(a, b)
    if bottom < product:
        top += ONE
    return top, bottom


@njit(cache=True)
def _plus_fee(top, bottom, s, scale, first, last, runs, table):
    """Add the numerator of the base s / scale over the days first..last to two words."""
    floors, origins, slopes, upper, lower = table
    firsts, lasts = runs
    b = floors.size - 1
    while b > 0 and s <= floors[b] * scale:
        b -= 1
    over = np.uint64(s - origins[b] * scale)
    for r in range(firsts.size):
        days = min(last, lasts[r]) - max(first, firsts[r]) + 1
        if days <= 0:
            continue
        top, bottom = _plus_product(top, bottom, over * np.uint64(days), slopes[r, b])
        if b > 0:
            count = np.uint64(days * scale)
            top, bottom = _plus_product(top, bottom, lower[r, b], count)
            top += upper[r, b] * count
    return top, bottom


@njit(cache=True, nogil=True, error_model="numpy")
def between(rows, low, high, scale, first, last, runs, table, by, whole, rest):
    """Write quotient and remainder of fee(high / scale) - fee(low / scale) of some rows (差額の商と余り); no `low` is 0."""
    from_zero = low.size == 0
    for i in rows:
        m = scale[0 if scale.size == 1 else i]
        start = first[0 if first.size == 1 else i]
        end = last[0 if last.size == 1 else i]
        top, bottom = _plus_fee(ZERO, ZERO, high[i], m, start, end, runs, table)
        if not from_zero:
            less_top, less_bottom = _plus_fee(ZERO, ZERO, low[i], m, start, end, runs, table)
            if bottom < less_bottom:
                top -= ONE
            top -= less_top
            bottom -= less_bottom
        whole[i], rest[i] = _divided(top, bottom, by)


@njit(cache=True, inline="always")
def row_on(offsets, days, contract, day):
    """Return the row of a contract that holds on a day: the last one that is not after it."""
    low, high = offsets[contract], offsets[contract + 1]
    while high - low > 1:
        middle = (low + high) // 2
        if days[middle] <= day:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, inline="always")
def _next_bracket(floors, b, s):
    """Return the bracket that holds s, looked for from b on."""
    while b > 0 and s <= floors[b]:
        b -= 1
    while b + 1 < floors.size and s > floors[b + 1]:
        b += 1
    return b


@njit(cache=True, nogil=True, error_model="numpy")
def over_days(rows, contracts, offsets, days, bases, first, last, runs, table, by, whole, rest):
    """Write quotient and remainder of the fee on each day's own base (日々の残高の商と余り) of some rows.

    Row i prices the contract contracts[i]; its base bases[j] holds from days[j] to the day before its next one. What lies in one
    bracket and run is added up as it comes, day after day, and priced together.
    """
    floors, origins, slopes, upper, lower = table
    lasts = runs[1]
    for i in rows:
        top, bottom = ZERO, ZERO
        day, end = first[0 if first.size == 1 else i], last[0 if last.size == 1 else i]
        j, stop = row_on(offsets, days, contracts[i], day), offsets[contracts[i] + 1]
        r = 0
        while lasts[r] < day:
            r += 1
        b = _next_bracket(floors, 0, bases[j])
        over, held = np.int64(0), np.int64(0)
        while day <= end:
            held_until = min(end, np.int64(days[j + 1]) - 1) if j + 1 < stop else end
            until = min(held_until, lasts[r])
            over += (bases[j] - origins[b]) * (until - day + 1)
            held += until - day + 1
            day = until + 1
            j += 1 if until == held_until else 0
            next_run = r + (1 if until == lasts[r] else 0)
            next_b = _next_bracket(floors, b, bases[j]) if day <= end else b
            if next_run != r or next_b != b or day > end:
                top, bottom = _plus_product(top, bottom, np.uint64(over), slopes[r, b])
                top, bottom = _plus_product(top, bottom, lower[r, b], np.uint64(held))
                top += upper[r, b] * np.uint64(held)
                over, held, r, b = np.int64(0), np.int64(0), next_run, next_b
        whole[i], rest[i] = _divided(top, bottom, by)


@njit(cache=True, nogil=True, error_model="numpy")
def most_base(contracts, offsets, days, bases, first):
    """Return the largest base that some contracts ever had (最大の基準額), or what is wrong: -1, -2, -3.

    -1: no base on the first day; -2: days out of order; -3: a base below 0.
    """
    most = np.int64(0)
    for i in range(contracts.size):
        j, stop = offsets[contracts[i]], offsets[contracts[i] + 1]
        if j < 0 or j >= stop or stop > days.size or days[j] > first[0 if first.size == 1 else i]:
            return np.int64(-1)
        before = np.int64(days[j]) - 1
        for k in range(j, stop):
            if days[k] <= before:
                return np.int64(-2)
            if bases[k] < 0:
                return np.int64(-3)
            before = np.int64(days[k])
            most = max(most, bases[k])
    return most


@njit(cache=True, nogil=True, error_model="numpy")
def rounded(rows, whole, rest, denominator, mode, yen):
    """Write whole + rest / denominator in whole yen (端数処理) for some rows; `mode` as in `units.rounding_step`."""
    for i in rows:
        yen[i] = whole[i] + _rounding_step(whole[i], rest[i], denominator, mode)


@njit(cache=True, nogil=True, error_model="numpy")
def scaled(rows, whole, rest, denominator, factor, divisor, mode, yen):
    """Write (whole + rest / denominator) x factor / divisor in whole yen (係数を掛けて端数処理) for some rows.

    The product is c + (d + e / denominator) / divisor. For the half: what 2d lacks to the divisor is a whole number, and only
    a lack of 1 can be made up by 2e / denominator, which is below 2.
    """
    for i in rows:
        below = denominator[0 if denominator.size == 1 else i]
        by = divisor[0 if divisor.size == 1 else i]
        times = factor[0 if factor.size == 1 else i]
        if times == 1:
            c, e = whole[i] // by, rest[i]
            d = whole[i] - c * by
        else:
            c, d = mul_div_mod(whole[i], times, by)
            more, e = mul_div_mod(rest[i], times, below)
            carry = (d + more) // by
            d += more - carry * by
            c += carry
        if mode == 0:
            yen[i] = c
        elif mode == 1:
            yen[i] = c + (1 if d > 0 or e > 0 else 0)
        else:
            lack = by - 2 * d
            if lack == 1:
                lack = below - 2 * e
            elif lack == 0:
                lack = -e
            yen[i] = c + (1 if lack < 0 or (lack == 0 and (mode == 2 or c % 2 == 1)) else 0)
