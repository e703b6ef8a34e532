"""Numbers and names as a household's file writes them, read exactly, and as a page shows them (数の読取りと表示)."""

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

from tsutsumi.core.household import HouseholdError, decimal_text, point_text
from tsutsumi.core.units import round_fraction

DIGITS = "0123456789"
DECIMALS = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,18})?")
MOST_DIGITS, MOST_YEN, MOST_LETTERS = 18, 10**18, 200


def number(value: object, where: str, low: int, high: int, above: bool = False) -> Fraction:
    """Return a number of a file exactly, within its range; `above`: the lowest itself is refused.

    Written as a text ("0.2"), a whole number (5) or a decimal (0.2), which the reader of the file keeps in decimals.

    Raises
    ------
    HouseholdError
        It is no number, has more than 15 digits before or 18 after the point, or is out of range.

    Examples
    --------
    >>> [str(number(value, "x", 0, 100)) for value in ("0.2", 5, Decimal("0.20"))]
    ['1/5', '5', '1/5']
    """
    exact = _exact(value, where)
    if exact < low or exact > high or (above and exact == low):
        bounds = f"above {low}" if above else f"{low} or more"
        raise HouseholdError(f"{where}: {decimal_text(exact)} is out of range; write a number {bounds} and {high} at most")
    return exact


def _exact(value: object, where: str) -> Fraction:
    if isinstance(value, str) and DECIMALS.fullmatch(value.strip()):
        return Fraction(value.strip())
    if type(value) is int and abs(value) < 10**MOST_DIGITS:
        return Fraction(value)
    if isinstance(value, Decimal) and value.is_finite():
        _, digits, exponent = value.as_tuple()
        if len(digits) <= 2 * MOST_DIGITS and abs(exponent) <= MOST_DIGITS:
            return Fraction(value)
    raise HouseholdError(f"{where}: {_shown(value)} is no number of percent; write one such as \"0.2\"")


def yen(value: object, where: str) -> int:
    """Return an amount in whole yen, 0 or more.

    Raises
    ------
    HouseholdError
        It is no whole number, is negative, or is above 10^18.
    """
    if type(value) is not int:
        raise HouseholdError(f"{where}: {_shown(value)} is no whole yen; write digits only, such as 10_000_000")
    if value < 0:
        raise HouseholdError(f"{where}: {_shown(value)} yen is negative: a holding cannot be; correct it")
    if value > MOST_YEN:
        raise HouseholdError(f"{where}: the yen are above {MOST_YEN:,}: no household is that large; correct it")
    return value


def text_line(value: object, where: str) -> str:
    """Return a name: one line of text that is not empty, 200 letters at most, without control characters."""
    if not isinstance(value, str) or not value.strip():
        raise HouseholdError(f"{where}: a name is missing; write a text in quotes")
    if len(value) > MOST_LETTERS or any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
        raise HouseholdError(f"{where}: the name is too long or has more than one line; write {MOST_LETTERS} letters at most")
    return value.strip()


def _shown(value: object) -> str:
    """Return a value as a message shows it: one line, 40 letters at most."""
    if type(value) is int and abs(value) >= 10**MOST_DIGITS:
        return "a number so large"
    text = repr(value) if isinstance(value, str) else " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:40]}…"


def shown(exact: Fraction, places: int = 6) -> str:
    """Return a figure as a page shows it: exact where it ends by the last place, else ≈ and rounded half-even there.

    >>> shown(Fraction("-21.34")), shown(Fraction(2, 3)), shown(Fraction(1, 3), 2), shown(Fraction(1_113_125))
    ('-21.34', '≈0.666667', '≈0.33', '1,113,125')
    """
    scaled = exact * 10**places
    ends = scaled.denominator == 1
    text = point_text(round_fraction(scaled.numerator, scaled.denominator, "half-even"), places)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, rest = digits.partition(".")
    rest = rest.rstrip("0")
    return f"{'' if ends else '≈'}{sign}{int(whole):,}{'.' + rest if rest else ''}"
