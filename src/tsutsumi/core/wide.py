"""Compiled integer arithmetic (整数演算) for the kernels: the twins of `units.py` for rows by the million.

Every product that could pass 2^63 goes through 128 bits; nothing here is a float. All arguments are non-negative.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

MAX = np.iinfo(np.int64).max
ROOT = 3_037_000_500  # two numbers below it have a product below 2^63


@intrinsic
def _product_high(_context, a, b):
    """Upper 64 bits of the 128-bit product of two uint64: one instruction of the processor."""

    def generate(_context, builder, _signature, arguments):
        wide, word = ir.IntType(128), ir.IntType(64)
        product = builder.mul(*(builder.zext(number, wide) for number in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)

    return types.uint64(types.uint64, types.uint64), generate


@njit(cache=True, error_model="numpy")
def _digit(high, low, divisor):
    """Quotient below 2^32 and remainder of (high · 2^32 + low) / divisor, for high < divisor and 2^63 ≤ divisor < 2^64."""
    top, bottom = divisor >> np.uint64(32), divisor & np.uint64(0xFFFFFFFF)
    digit = min(high // top, np.uint64(0xFFFFFFFF))
    rest = high - digit * top
    while rest <= np.uint64(0xFFFFFFFF) and digit * bottom > ((rest << np.uint64(32)) | low):
        digit -= np.uint64(1)
        rest += top
    return digit, ((high << np.uint64(32)) | low) - digit * divisor


@njit(cache=True, error_model="numpy")
def _long_division(high, low, c):
    """Quotient and remainder of (high · 2^64 + low) / c, for high < c < 2^63: two digits of 32 bits, as by hand (Knuth's D)."""
    shift = np.uint64(0)
    while (c << shift) < np.uint64(0x8000000000000000):
        shift += np.uint64(1)
    divisor = c << shift
    rest = (high << shift) | (low >> (np.uint64(64) - shift))  # shift is above 0, since c is below 2^63
    low = low << shift
    first, rest = _digit(rest, low >> np.uint64(32), divisor)
    second, rest = _digit(rest, low & np.uint64(0xFFFFFFFF), divisor)
    return (first << np.uint64(32)) | second, rest >> shift


@njit(cache=True, error_model="numpy")
def mul_div_mod(a, b, c):
    """Return floor(a × b / c) and the remainder, exact for 0 ≤ a, b and 0 < c < 2^63; the quotient must be below 2^63."""
    if a == 0 or b == 0:
        return np.int64(0), np.int64(0)
    if (a < ROOT and b < ROOT) or a <= MAX // b:
        product = np.uint64(a) * np.uint64(b)
        quotient = product // np.uint64(c)
        return np.int64(quotient), np.int64(product - quotient * np.uint64(c))
    high = _product_high(np.uint64(a), np.uint64(b))
    if high >= np.uint64(c):
        raise OverflowError("a quotient above 2^63: a price, an amount or a number of units is out of range")
    quotient, remainder = _long_division(high, np.uint64(a) * np.uint64(b), np.uint64(c))
    if quotient > np.uint64(MAX):
        raise OverflowError("a quotient above 2^63: a price, an amount or a number of units is out of range")
    return np.int64(quotient), np.int64(remainder)


@njit(cache=True, error_model="numpy")
def mul_div_floor(a, b, c):
    """Return floor(a × b / c) (切捨て)."""
    return mul_div_mod(a, b, c)[0]


@njit(cache=True, error_model="numpy")
def mul_div_ceil(a, b, c):
    """Return ceil(a × b / c) (切上げ)."""
    quotient, remainder = mul_div_mod(a, b, c)
    return quotient + (1 if remainder > 0 else 0)


@njit(cache=True, inline="always", error_model="numpy")
def position_yen(units, num, den, most_units):
    """Return floor(units × num / den); `most_units` is the largest number of units whose product fits 63 bits."""
    if units <= most_units:
        return np.int64(np.uint64(units) * np.uint64(num) // np.uint64(den))
    return mul_div_floor(units, num, den)


@njit(cache=True, inline="always", error_model="numpy")
def ppm_floor(amount, ppm):
    """Return floor(amount × ppm / 10^6) for 0 ≤ amount, ppm."""
    if amount < ROOT and ppm < ROOT:
        return np.int64(np.uint64(amount * ppm) // np.uint64(1_000_000))
    return mul_div_floor(amount, ppm, 1_000_000)


@njit(cache=True)
def mix(number):
    """Return splitmix64 of a number: an even, well-mixed order that favours nobody over many days."""
    z = np.uint64(number) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def tie(sleeve_no, instrument_no, day):
    """Return the tie-break of the largest remainder (端数配分の順序) of a sleeve, an instrument and a day."""
    key = np.uint64(sleeve_no) * np.uint64(1000003) + np.uint64(instrument_no)
    return mix(key * np.uint64(1000003) + np.uint64(day))


@njit(cache=True, error_model="numpy")
def share_group(total, weights, ties, shares):
    """Share `total` by largest remainder (最大剰余法) into `shares`; order of equal remainders: ties ascending, then position.

    shares_i = floor(total × weights_i / Σ weights); what is left goes one each to the largest remainders. Σ shares = total.
    """
    n = weights.size
    weight_sum = np.int64(0)
    for k in range(n):
        weight_sum += weights[k]
    if n == 1:
        shares[0] = total
        return
    left = total
    if weight_sum == 0:
        for k in range(n):
            shares[k] = 0
        shares[0] = total
        return
    remainders = np.empty(n, np.int64)
    for k in range(n):
        shares[k], remainders[k] = mul_div_mod(total, weights[k], weight_sum)
        left -= shares[k]
    taken = np.zeros(n, np.bool_)
    for _ in range(left):
        best = -1
        for k in range(n):
            if taken[k]:
                continue
            if best < 0 or remainders[k] > remainders[best] or (remainders[k] == remainders[best] and ties[k] < ties[best]):
                best = k
        taken[best] = True
        shares[best] += 1


def reciprocals(den: np.ndarray) -> np.ndarray:
    """Return floor((2^64 − 1) / den) per divisor: what `divide_known` multiplies with."""
    return np.uint64(2**64 - 1) // den.astype(np.uint64)


@njit(cache=True, inline="always")
def divide_known(number, den, reciprocal):
    """Return floor(number / den) for 0 ≤ number < 2^63 without dividing: the product is at most 1 too low, the rest tells."""
    quotient = _product_high(np.uint64(number), reciprocal)
    if np.uint64(number) - quotient * np.uint64(den) >= np.uint64(den):
        quotient += np.uint64(1)
    return np.int64(quotient)
