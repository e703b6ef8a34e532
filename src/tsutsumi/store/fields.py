"""One column of a file of reference data (登録ファイルの列): its name, the table's column, how its words are read, its default.

Files carry public ids, the tables their numbers: a column `customer_id` of a file becomes `customer_no`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as Date

from sqlalchemy import Table

from tsutsumi.core.calendar import FIRST_YEAR, LAST_YEAR
from tsutsumi.core.fee_invoices import is_registration_id
from tsutsumi.core.fee_terms import FeeTermsError, parse_terms

MOST_YEN = 10**12
PPM = 1_000_000
EARLIEST_BIRTH = 1850
_ID = re.compile(r"[^\s,;]{1,64}")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Unreadable(ValueError):
    """A field that is not what its column says: why, cure."""


@dataclass(frozen=True)
class Field:
    """One column of a file (列): its name, the table's column, how it is read, its default (none = it must be there)."""

    name: str
    column: str
    read: Callable[[str], object]
    default: str | None = None
    of: Table | None = None  # a reference: the table that gives the number

    @property
    def required(self) -> bool:
        """Whether a file must have the column."""
        return self.default is None


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise Unreadable(f"{text!r} is no id" if text else "it is missing", "give 1 to 64 characters: no space, comma, semicolon")
    return text


def _named(text: str) -> str:
    if not text:
        raise Unreadable("it is missing", "fill it in")
    return text


def day_since(first_year: int) -> Callable[[str], Date]:
    """Return a reader of dates from a year on (日付の読み取り)."""
    def read(text: str) -> Date:
        try:
            day = Date.fromisoformat(text) if _DATE.fullmatch(text) else None
        except ValueError:
            day = None  # the 31st of a short month: no date either
        if day is None:
            raise Unreadable(f"{text!r} is no date" if text else "it is missing", "write it like 2026-08-10")
        if not first_year <= day.year <= LAST_YEAR:
            raise Unreadable(f"{text} is out of range", f"give a year from {first_year} to {LAST_YEAR}")
        return day

    return read


def _whole_between(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            why = f"{text!r} is no whole number" if text else "it is missing"
            raise Unreadable(why, f"give a whole number, {low:,} to {high:,}")
        if not low <= int(text) <= high:
            raise Unreadable(f"{text} is out of range", f"give {low:,} to {high:,}")
        return int(text)

    return read


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise Unreadable(f"{text!r} is unknown" if text else "it is missing", f"use one of {', '.join(choices)}")
        return text

    return read


def _matching(pattern: str, example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise Unreadable(f"{text!r} cannot be read", f"write it like {example}")
        return text

    return read


def as_flag(text: str) -> bool:
    """Return true or false as a file writes it (真偽)."""
    return _one_of(("true", "false", "1", "0"))(text.lower()) in ("true", "1")


def as_terms(text: str) -> str:
    """Return the text of fee terms that can be read (報酬条件), or say what is wrong with it."""
    try:
        parse_terms(text)
    except FeeTermsError as error:
        raise Unreadable(str(error), "mend the terms") from error
    return text


def as_registration(text: str) -> str:
    """Return a registration number of invoices (登録番号), or nothing."""
    if text and not is_registration_id(text):
        raise Unreadable(f"{text!r} is no registration number", "write T, the check digit and twelve digits, like T7000012050002")
    return text


# ---- the fields


def ident(name: str) -> Field:
    """Return the public id of a row."""
    return Field(name, name, _id)


def text(name: str, default: str | None = "") -> Field:
    """Return a text that may be empty; with default None it must be there."""
    return Field(name, name, str if default is not None else _named, default)


def day(name: str) -> Field:
    """Return a date that must be there."""
    return Field(name, name, day_since(FIRST_YEAR))


def maybe_day(name: str) -> Field:
    """Return a date that may be left out."""
    return Field(name, name, lambda given: day_since(FIRST_YEAR)(given) if given else None, "")


def whole(name: str, low: int, high: int, default: int | None = None) -> Field:
    """Return a whole number in a range."""
    return Field(name, name, _whole_between(low, high), None if default is None else str(default))


def choice(name: str, *choices: str, default: str | None = None) -> Field:
    """Return one of several words."""
    return Field(name, name, _one_of(choices), default)


def matching(name: str, pattern: str, example: str, default: str | None = "") -> Field:
    """Return a text of a pattern."""
    return Field(name, name, _matching(pattern, example), default)


def reference(name: str, of: Table, default: str | None = None) -> Field:
    """Return the public id of a row of another table; empty is 0 where a default is given."""
    return Field(name, name.removesuffix("_id") + "_no", _id if default is None else str, default, of)
