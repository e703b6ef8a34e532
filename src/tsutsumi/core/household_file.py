"""A household as its file says it (家計ファイル): TOML read and checked, key by key, nothing guessed."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from tsutsumi.core.household import (
    Assumption,
    Correlation,
    Holding,
    HouseholdError,
    Movement,
    Preference,
    Tables,
    total_yen,
)
from tsutsumi.core.household_numbers import number, text_line, yen
from tsutsumi.core.household_tables import MARKETS, pair_key

TOP_KEYS = ("name", "preference", "before", "after", "assumptions", "correlations")
PREFERENCE_KEYS = ("return_pct", "risk_pct", "share_pct")
HOLDING_KEYS = ("name", "class", "value_yen", "cost_pct")
ASSUMPTION_KEYS = ("class", "return_pct", "risk_pct")
CORRELATION_KEYS = ("class", "other_class", "correlation")
OWN_SOURCE = "この家計の前提 the household's own"
MOST_PERCENT = 1_000


@dataclass(frozen=True)
class Household:
    """A household (家計): what it prefers, what it holds, and what is advised; `after` is None where it is to be proposed."""

    name: str
    preference: Preference
    before: tuple[Holding, ...]
    after: tuple[Holding, ...] | None


def decode(data: bytes) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark.

    Raises
    ------
    HouseholdError
        A byte is no UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HouseholdError(f"this is no UTF-8: byte {error.start + 1} cannot be read; save the file as UTF-8") from None


def parse_household(text: str, tables: Tables) -> tuple[Household, Tables]:
    """Return the household of a TOML text, and the tables with its own rows in place of the default ones.

    Parameters
    ----------
    text : str
        [preference], [[before]], and where given [[after]], [[assumptions]] (class, return_pct, risk_pct; a new class may be
        `like` a known one; or one table a class, [assumptions.deposit]) and [[correlations]] (class, other_class, correlation).
        Percent are texts or numbers, read exactly.
    tables : Tables
        From `statute_tables`.

    Raises
    ------
    HouseholdError
        This is no TOML; a key is missing or unknown; a number is no number or out of range; a class is unknown or stands twice
        among the assumptions; there is no holding, or nothing of value; or the sum after is not the sum before.

    Examples
    --------
    >>> from tsutsumi.core.household_tables import statute_tables
    >>> parse_household('name = "x"', statute_tables())
    Traceback (most recent call last):
    ...
    tsutsumi.core.household.HouseholdError: [preference] is missing: it holds return_pct, risk_pct, share_pct; add it
    """
    document = _document(text)
    _known(document, TOP_KEYS, "")
    name = text_line(document["name"], "name") if "name" in document else ""
    preference = _preference(document)
    own = _own_tables(document, tables)
    before = _holdings(document, "before", own)
    after = _holdings(document, "after", own) if "after" in document else None
    if after is not None and total_yen(after) != total_yen(before):
        raise HouseholdError(
            f"after: the sum is {total_yen(after):,} yen, before it is {total_yen(before):,}: advice moves money, it adds none; "
            "make the sums equal"
        )
    return Household(name, preference, before, after), own


def _decimal(text: str) -> Decimal:
    """Return a decimal of the file exactly; what Decimal cannot hold is refused as not a number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("nan")


def _document(text: str) -> Mapping:
    try:
        return tomllib.loads(text, parse_float=_decimal)
    except RecursionError:
        raise HouseholdError("this is no household: its lists are nested too deeply; see tsutsumi advise --help") from None
    except ValueError as error:
        raise HouseholdError(f"this is no TOML: {' '.join(str(error).split())}; correct the file") from None


def _known(table: Mapping, keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise HouseholdError(f"{where}{_label(key)}: this key is unknown: known are {', '.join(keys)}; remove or correct it")


def _label(key: str) -> str:
    """Return a key as one line of a message."""
    return " ".join(ascii(key)[1:-1].split())[:40] if not key.isprintable() else key[:40]


def _needed(table: Mapping, keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if key not in table:
            raise HouseholdError(f"{where}{key} is missing; add it")


def _rows(document: Mapping, key: str) -> list[Mapping]:
    """Return the tables of a list such as [[before]], or say that it is none."""
    rows = document.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise HouseholdError(f"{key}: this must be a list of tables; write [[{key}]] with two brackets")
    return rows


def _assumption_rows(document: Mapping) -> list[Mapping]:
    """Return the own assumptions: a list of tables, or one table a class, [assumptions.deposit]."""
    found = document.get("assumptions", [])
    if isinstance(found, Mapping) and all(isinstance(row, Mapping) and "class" not in row for row in found.values()):
        return [{"class": name, **row} for name, row in found.items()]
    return _rows(document, "assumptions")


def _preference(document: Mapping) -> Preference:
    table = document.get("preference")
    if table is None:
        raise HouseholdError(f"[preference] is missing: it holds {', '.join(PREFERENCE_KEYS)}; add it")
    if not isinstance(table, Mapping):
        raise HouseholdError("preference: this must be one table; write [preference] with one bracket")
    _known(table, PREFERENCE_KEYS, "[preference] ")
    _needed(table, PREFERENCE_KEYS, "[preference] ")
    most = {"return_pct": MOST_PERCENT, "risk_pct": MOST_PERCENT, "share_pct": 100}
    return Preference(**{key: number(table[key], f"[preference] {key}", 0, most[key], above=True) for key in PREFERENCE_KEYS})


def _holdings(document: Mapping, side: str, tables: Tables) -> tuple[Holding, ...]:
    rows = _rows(document, side)
    if not rows:
        raise HouseholdError(f"{side}: there is no holding; write a [[{side}]] for each thing that the household holds")
    holdings = tuple(_holding(row, f"{side} {n}: ", tables) for n, row in enumerate(rows, 1))
    if total_yen(holdings) == 0:
        raise HouseholdError(f"{side}: the holdings are worth 0 yen together: there is nothing to advise on; correct value_yen")
    return holdings


def _holding(row: Mapping, where: str, tables: Tables) -> Holding:
    _known(row, HOLDING_KEYS, where)
    _needed(row, HOLDING_KEYS, where)
    return Holding(
        name=text_line(row["name"], f"{where}name"),
        class_name=_class(row["class"], f"{where}class", tables.assumptions),
        value_yen=yen(row["value_yen"], f"{where}value_yen"),
        cost_pct=number(row["cost_pct"], f"{where}cost_pct", 0, 100),
    )


def _class(value: object, where: str, known: Mapping) -> str:
    name = text_line(value, where)
    if name not in known:
        raise HouseholdError(f"{where}: {name!r} is unknown: known are {', '.join(known)}; use one, or add it to [[assumptions]]")
    return name


def _own_tables(document: Mapping, tables: Tables) -> Tables:
    """Return the tables with the household's own rows, each class or pair once."""
    assumed, moved, paired = dict(tables.assumptions), dict(tables.movements), dict(tables.correlations)
    seen: set[object] = set()
    for n, row in enumerate(_assumption_rows(document), 1):
        where = f"assumptions {n}: "
        own, movement = _own_assumption(row, where, tables)
        _once(own.class_name, seen, where)
        assumed[own.class_name] = own
        if movement is not None:
            moved[own.class_name] = movement
    for n, row in enumerate(_rows(document, "correlations"), 1):
        where = f"correlations {n}: "
        own = _own_correlation(row, where)
        key = pair_key(own.class_name, own.other_class)
        _once(key, seen, where)
        paired[key] = own
    return replace(tables, assumptions=assumed, movements=moved, correlations=paired)


def _once(key: object, seen: set, where: str) -> None:
    if key in seen:
        shown = key if isinstance(key, str) else " and ".join(key)
        raise HouseholdError(f"{where}{shown} stands twice; keep the row that is right")
    seen.add(key)


def _own_assumption(row: Mapping, where: str, tables: Tables) -> tuple[Assumption, Movement | None]:
    """Return a row of [[assumptions]], and how its class moves where the row says that it is like another."""
    _known(row, (*ASSUMPTION_KEYS, "like", "source"), where)
    _needed(row, ASSUMPTION_KEYS, where)
    name = text_line(row["class"], f"{where}class")
    former = tables.assumptions.get(name)
    source = text_line(row["source"], f"{where}source") if "source" in row else OWN_SOURCE
    own = Assumption(
        class_name=name,
        ja=former.ja if former else name,
        en=former.en if former else name,
        return_pct=number(row["return_pct"], f"{where}return_pct", -100, MOST_PERCENT),
        risk_pct=number(row["risk_pct"], f"{where}risk_pct", 0, MOST_PERCENT),
        valid_from_date=None,
        source=source,
        verified=True,
    )
    if "like" not in row:
        return own, None
    like = _class(row["like"], f"{where}like", tables.assumptions)
    copied = tables.movements.get(like)
    markets, rest = (copied.markets, copied.own) if copied else ((), True)
    return own, Movement(name, markets, rest, None, f"{source}: like {like}", True)


def _own_correlation(row: Mapping, where: str) -> Correlation:
    _known(row, (*CORRELATION_KEYS, "source"), where)
    _needed(row, CORRELATION_KEYS, where)
    pair = []
    for key in ("class", "other_class"):
        market = text_line(row[key], f"{where}{key}")
        if market not in MARKETS:
            raise HouseholdError(f"{where}{key}: {market!r} is none of the four markets {', '.join(MARKETS)}; use one of them")
        pair.append(market)
    if pair[0] == pair[1]:
        raise HouseholdError(f"{where}{pair[0]} stands on both sides: it moves with itself, always; name two markets")
    source = text_line(row["source"], f"{where}source") if "source" in row else OWN_SOURCE
    return Correlation(*pair, number(row["correlation"], f"{where}correlation", -1, 1), None, source, True)
