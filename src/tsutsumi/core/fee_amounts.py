"""What a book's fees are priced from (計算の入力): amounts, histories and factors as compiled code reads them, or refused."""

import numpy as np

from tsutsumi.core.fee_brackets import NARROW
from tsutsumi.core.fee_quotients import most_base
from tsutsumi.core.units import PPM

NOTHING = np.zeros(0, np.int64)
Factor = np.ndarray | tuple[int | np.ndarray, int | np.ndarray] | None
Ratio = tuple[np.ndarray, np.ndarray]
History = tuple[np.ndarray, np.ndarray, np.ndarray]  # offsets, days, bases
HISTORY_FAULTS = {
    1: "days: a contract has no base on its first day: its first row must not be later than that; add the row",
    2: "days: the rows of a contract are not in the order of their days, each day once; sort them",
    3: "bases_yen: a base is below 0: it cannot be; correct it",
}


def amounts(yen: np.ndarray, name: str) -> np.ndarray:
    """Return yen of 0 or more in one piece of memory (金額); `name` names the array in the error.

    Raises
    ------
    ValueError
        The array is not int64, or an amount is negative.
    """
    if yen.dtype != np.int64:
        raise ValueError(f"{name} is {yen.dtype}, not int64: money is whole yen; convert it exactly")
    if yen.size and yen.min() < 0:
        raise ValueError(f"{name}: an amount is below 0: a base cannot be; correct it")
    return np.ascontiguousarray(yen)


def lower_amounts(low_yen: np.ndarray | int, high: np.ndarray) -> np.ndarray:
    """Return the lower amounts (差額の下側), one a row, or an empty array if they are all the number 0.

    Raises
    ------
    ValueError
        There is not one for each row, or one lies above its higher amount.
    """
    if np.ndim(low_yen) == 0:
        if low_yen == 0:
            return NOTHING
        low_yen = np.full(high.size, low_yen)
    low = amounts(low_yen, "low_yen")
    if low.size != high.size or (low > high).any():
        raise ValueError("low_yen: give one for each high_yen, and none above it")
    return low


def whole_numbers(numbers: int | np.ndarray, rows: int, least: int, name: str) -> np.ndarray:
    """Return whole numbers (整数) as an int64 array of one element, or of one a row.

    Raises
    ------
    ValueError
        A number is not whole, below `least` or above 62 bits, or the array is not one a row.
    """
    array = np.ascontiguousarray(np.atleast_1d(numbers))
    if array.dtype != np.int64 or array.size not in (1, rows) or not ((array >= least) & (array < 2**NARROW)).all():
        raise ValueError(f"{name}: give a whole number from {least} to 2^{NARROW}, or an int64 array of them, one a row")
    return array


def ratio_of(factor: Factor, rows: int, scale: np.ndarray) -> Ratio:
    """Return what multiplies the quotients (係数), numerator and denominator, the divisor of the amounts in the latter.

    A denominator that compiled code would not hold is an object array of Python's whole numbers.

    >>> ratio_of(np.array([900_000, 1_000_000]), 2, np.array([92]))
    (array([ 900000, 1000000]), array([92000000]))
    """
    top, bottom = (1, 1) if factor is None else factor if isinstance(factor, tuple) else (factor, PPM)
    top, bottom = whole_numbers(top, rows, 0, "factor"), whole_numbers(bottom, rows, 1, "factor")
    if int(bottom.max(initial=1)) * int(scale.max(initial=1)) >= 2**NARROW:
        bottom = bottom.astype(object)
    return top, bottom * scale


def histories(
    offsets: np.ndarray, days: np.ndarray, bases: np.ndarray, contracts: np.ndarray, first: np.ndarray,
    most_yen: int | None = None,
) -> tuple[History, int]:
    """Return run-length histories (残高の推移) as kernels read them, and the largest base of the contracts priced.

    With `most_yen`, a limit that no base passes, the rows of the contracts are known to be in order and are not read.

    Raises
    ------
    ValueError
        The arrays do not fit together, or a contract priced has no base on its first day, rows out of order or a negative base.
    """
    if bases.dtype != np.int64 or days.size != bases.size or offsets.size == 0:
        raise ValueError("bases_yen: give int64 yen, one for each of the days, and the offsets of every contract")
    if contracts.size and not 0 <= contracts.min() <= contracts.max() < offsets.size - 1:
        raise ValueError(f"contracts: one of them is none of the {offsets.size - 1} that the offsets tell")
    history = np.ascontiguousarray(offsets, np.int64), np.ascontiguousarray(days, np.int32), np.ascontiguousarray(bases)
    most = int(most_base(contracts, *history, first)) if most_yen is None else most_yen
    if most < 0:
        raise ValueError(HISTORY_FAULTS[-most])
    return history, most


def narrow_numbers(numbers: np.ndarray) -> np.ndarray:
    """Return which whole numbers compiled code can hold (62 bits)."""
    limit = 2**NARROW
    if numbers.dtype == object:
        return np.fromiter((-limit < number < limit for number in numbers), bool, numbers.size)
    return (numbers > -limit) & (numbers < limit)
