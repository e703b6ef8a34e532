"""Typed keys of a TOML table (設定ファイルの項目): each reader returns a checked value or says where, what, why and what to do.

A table is read key by key and then closed: a key that nobody asked for is refused.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tsutsumi.core.goals.portfolio import GoalError
from tsutsumi.core.units import PPM

MOST_YEN = 10**13
_NEEDED = object()


def document(path: Path) -> Mapping:
    """Return what a TOML file says, its numbers with a point as exact decimals.

    Raises
    ------
    GoalError
        The file cannot be read, is no UTF-8 or no TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise GoalError(f"{str(path)!r} cannot be read: {error.strerror or error}; check the path") from None
    except UnicodeDecodeError as error:
        raise GoalError(f"{str(path)!r} is no UTF-8 text at byte {error.start}: save it as UTF-8") from None
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise GoalError(f"{str(path)!r} is no TOML: {error}; correct that place") from None


class Keys:
    """The keys of one table (表の項目): `where` names it in every message."""

    def __init__(self, table: object, where: str):
        """Take a table, or refuse what is none."""
        if not isinstance(table, Mapping):
            raise GoalError(f"{where}: this must be a table: write its keys below a line in brackets")
        self.table, self.where, self.asked = table, where, set()

    def _value(self, key: str, default: object, why: str) -> object:
        self.asked.add(key)
        if key in self.table:
            return self.table[key]
        if default is _NEEDED:
            raise GoalError(f"{self.where}: {key} is missing: {why}; add it")
        return default

    def _bad(self, key: str, value: object, advice: str) -> GoalError:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        return GoalError(f"{self.where}: {key} is {shown}: {advice}")

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key in self.table:
            if key not in self.asked:
                known = ", ".join(sorted(self.asked))
                raise GoalError(f"{self.where}: {key} is unknown here: known are {known}; correct or remove it")

    def has(self, key: str) -> bool:
        """Return whether the table holds a key."""
        self.asked.add(key)
        return key in self.table

    def text(self, key: str, default: object = _NEEDED, why: str = "it names the row") -> str:
        """Return a text that is not empty."""
        value = self._value(key, default, why)
        if value is default:
            return value
        if not isinstance(value, str) or not value.strip():
            raise self._bad(key, value, "write a text in quotes")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: object = _NEEDED, why: str = "it decides the result") -> str:
        """Return one of a closed set of texts."""
        value = self._value(key, default, why)
        if value is not default and value not in choices:
            raise self._bad(key, value, f"use one of {', '.join(choices)}")
        return value

    def yen(self, key: str, default: object = _NEEDED, least: int = 0, why: str = "an amount is needed") -> int:
        """Return whole yen between `least` and 10^13."""
        value = self._value(key, default, why)
        if value is default:
            return value
        if type(value) is not int:
            raise self._bad(key, value, "write whole yen without a decimal point")
        if not least <= value <= MOST_YEN:
            raise self._bad(key, value, f"write {least:,} to {MOST_YEN:,} yen")
        return value

    def whole(self, key: str, default: object = _NEEDED, least: int = 0, most: int = 100, why: str = "a number is needed") -> int:
        """Return a whole number within its range."""
        value = self._value(key, default, why)
        if value is not default and (type(value) is not int or not least <= value <= most):
            raise self._bad(key, value, f"write a whole number from {least} to {most}")
        return value

    def number(self, key: str, default: object = _NEEDED, why: str = "a number is needed") -> float:
        """Return a finite number as it enters a model: a mean, a risk, a probability."""
        value = self._value(key, default, why)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
            raise self._bad(key, value, "write a finite number, such as 0.05 for 5 %")
        return float(value)

    def ppm(self, key: str, default: object = _NEEDED, why: str = "a yearly rate is needed") -> int:
        """Return a rate in whole ppm; 0.02 is 20,000."""
        value = self._value(key, default, why)
        if value is default:
            return value
        self.number(key)
        scaled = Decimal(value) * PPM
        if scaled != scaled.to_integral_value() or abs(scaled) > 10 * PPM:
            raise self._bad(key, value, "write a rate such as 0.02 for 2 %, with six decimals at most")
        return int(scaled)

    def day(self, key: str, default: object = _NEEDED, why: str = "a date is needed") -> date:
        """Return a date."""
        value = self._value(key, default, why)
        if value is default:
            return value
        if isinstance(value, datetime) or not isinstance(value, date):
            raise self._bad(key, value, "write a date such as 2036-10-01, without quotes and without a time")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key, default, "")
        if not isinstance(value, bool):
            raise self._bad(key, value, "write true or false")
        return value

    def names(self, key: str) -> tuple[str, ...] | None:
        """Return a list of different texts, or None where the key is left out."""
        value = self._value(key, None, "")
        if value is None:
            return None
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise self._bad(key, value, 'write a list of names, such as ["安定", "成長"]')
        if len(set(value)) != len(value):
            raise self._bad(key, value, "a name stands twice; keep it once")
        return tuple(value)

    def calendar_months(self, key: str) -> tuple[int, ...]:
        """Return months of the year, 1 to 12."""
        value = self._value(key, _NEEDED, "it says which months of the year have the payment")
        good = isinstance(value, list) and value and all(type(one) is int and 1 <= one <= 12 for one in value)
        if not good or len(set(value)) != len(value):
            raise self._bad(key, value, "write months of the year, such as [6, 12]")
        return tuple(value)

    def tables(self, key: str) -> list["Keys"]:
        """Return the tables of a list of tables; an empty list where the key is left out."""
        value = self._value(key, [], "")
        if not isinstance(value, list):
            raise self._bad(key, type(value).__name__, f"write [[{key}]] with two brackets")
        many = len(value) > 1
        return [Keys(one, f"{self.where}: {key}{f' {number}' if many else ''}") for number, one in enumerate(value, 1)]

    def section(self, key: str) -> "Keys | None":
        """Return a table, or None where it is left out."""
        value = self._value(key, None, "")
        return None if value is None else Keys(value, f"{self.where}: {key}")
