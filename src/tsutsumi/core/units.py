"""Yen, units and ppm as whole numbers, and the only place that rounds (端数処理).

Everything between an input and a yen is an exact integer or fraction; these functions turn it into whole yen or units.
"""

from collections.abc import Sequence
from fractions import Fraction

PPM = 1_000_000
ROUNDING_MODES = ("down", "up", "half-up", "half-even")  # 切り捨て, 切り上げ, 四捨五入, 最近接偶数への丸め


def rounding_step(quotient: int, remainder: int, denominator: int, mode: int) -> int:
    """Return what rounding adds to a quotient, 0 or 1; `mode` is the place of its name in `ROUNDING_MODES`.

    Plain integers only, so that compiled kernels share this one definition; none of the three is negative, and twice
    the denominator fits the kernel's integers.
    """
    if mode == 0:
        return 0
    if mode == 1:
        return 1 if remainder > 0 else 0
    if mode == 2:
        return 1 if 2 * remainder >= denominator else 0
    return 1 if 2 * remainder + quotient % 2 > denominator else 0


def round_fraction(numerator: int, denominator: int, mode: str) -> int:
    """Return numerator / denominator as a whole number (端数処理).

    Every mode is symmetric about zero, so that a reversal undoes a booking exactly: round(-x) = -round(x).
    `down` (切り捨て) goes toward zero, `up` (切り上げ) away from zero, `half-up` (四捨五入) to the nearest with a half
    away from zero, `half-even` to the nearest with a half to the even neighbour. For a floor use `floor_div`.

    Parameters
    ----------
    numerator, denominator : int
        The exact value; the denominator is above zero.
    mode : "down" | "up" | "half-up" | "half-even"

    Raises
    ------
    ValueError
        The mode is none of the four, or the denominator is not above zero.

    Examples
    --------
    >>> [round_fraction(5, 2, mode) for mode in ROUNDING_MODES]
    [2, 3, 3, 2]
    >>> [round_fraction(-7, 2, mode) for mode in ROUNDING_MODES]
    [-3, -4, -4, -4]
    """
    if mode not in ROUNDING_MODES:
        raise ValueError(f"rounding mode {mode!r} is unknown: use one of {', '.join(ROUNDING_MODES)}")
    if denominator <= 0:
        raise ValueError(f"denominator {denominator} must be above 0: put the sign into the numerator")
    quotient, remainder = divmod(abs(numerator), denominator)
    rounded = quotient + rounding_step(quotient, remainder, denominator, ROUNDING_MODES.index(mode))
    return rounded if numerator >= 0 else -rounded


def round_yen(amount: Fraction, mode: str) -> int:
    """Return an exact amount in whole yen; see `round_fraction` for the modes.

    >>> round_yen(Fraction(2, 3), "down"), round_yen(Fraction(2, 3), "half-up")
    (0, 1)
    """
    return round_fraction(amount.numerator, amount.denominator, mode)


def floor_div(numerator: int, denominator: int) -> int:
    """Return the largest whole number not above numerator / denominator (toward minus infinity).

    >>> floor_div(7, 2), floor_div(-7, 2)
    (3, -4)
    """
    if denominator <= 0:
        raise ValueError(f"denominator {denominator} must be above 0: put the sign into the numerator")
    return numerator // denominator


def largest_remainder(total: int, weights: Sequence[int], tie_keys: Sequence) -> list[int]:
    """Share a total by weights into whole numbers that sum to it exactly (最大剰余法).

    Each share is floor(total x weight / sum of weights); what is left goes, one each, to the largest remainders, a tie
    to the smaller tie key. A weight of zero gets nothing. A negative total is shared as its positive one, negated.

    Parameters
    ----------
    total : int
    weights : sequence of int, none negative
    tie_keys : sequence of the same length
        Distinct keys that can be ordered, so that the result depends on nothing else.

    Raises
    ------
    ValueError
        A weight is negative, the lengths differ, or there is a total but no weight to carry it.

    Examples
    --------
    >>> largest_remainder(100, [1, 1, 1], ["b", "a", "c"])
    [33, 34, 33]
    """
    if len(weights) != len(tie_keys):
        raise ValueError(f"{len(weights)} weights but {len(tie_keys)} tie keys: give one key for each weight")
    if any(weight < 0 for weight in weights):
        raise ValueError("a weight is negative: shares are made by weights of 0 or more")
    whole = sum(weights)
    if whole == 0:
        if total != 0:
            raise ValueError(f"{total} cannot be shared: every weight is 0; name a party that takes it")
        return [0] * len(weights)
    divided = [divmod(abs(total) * weight, whole) for weight in weights]
    shares = [quotient for quotient, _ in divided]
    left = abs(total) - sum(shares)
    order = sorted(range(len(weights)), key=lambda i: (-divided[i][1], tie_keys[i]))
    for i in order[:left]:
        shares[i] += 1
    return shares if total >= 0 else [-share for share in shares]


def percent(ppm: int) -> str:
    """Return parts per million in percent, as short as it is exact (百分率).

    >>> percent(900_000), percent(13_090), percent(-5)
    ('90', '1.309', '-0.0005')
    """
    whole, rest = divmod(abs(ppm), 10_000)
    digits = f".{rest:04d}".rstrip("0").rstrip(".")
    return f"{'-' if ppm < 0 else ''}{whole:,}{digits}"


def whole_percent(ppm: int) -> int:
    """Return a stored probability as it is shown (表示する確率): whole percent, half up; 0 and 100 only where it is certain.

    >>> [whole_percent(ppm) for ppm in (0, 1, 434_999, 435_000, 999_999, 1_000_000)]
    [0, 1, 43, 44, 99, 100]
    """
    if ppm in (0, PPM):
        return ppm * 100 // PPM
    return min(max((ppm + 5_000) // 10_000, 1), 99)


def points(ppm: int) -> str:
    """Return a difference of weights in percentage points, two digits, cut toward zero (ポイント).

    >>> points(52_345), points(-123)
    ('+5.23', '-0.01')
    """
    whole, rest = divmod(abs(ppm), 10_000)
    return f"{'-' if ppm < 0 else '+'}{whole}.{rest // 100:02d}"
