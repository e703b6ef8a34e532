"""The terms of a fee (報酬条件): what the TOML says, checked key by key, as one frozen value.

The meaning of every key is in docs/rules/balance-fee.md and docs/rules/performance-fee.md. A key is required where it
is read, accepted where it has no effect, and refused if nobody knows it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tsutsumi.core.units import PPM, ROUNDING_MODES

MAX_YEN = 10**13
MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
CONSUMPTION_TAX = (  # (from, percent): 消費税法 as amended; the local part is inside
    (date(1997, 4, 1), 5),
    (date(2014, 4, 1), 8),
    (date(2019, 10, 1), 10),
)
ARREARS_MEASURES = ("average", "daily", "closing")
MEASURES = (*ARREARS_MEASURES, "opening")
SECTIONS = {
    "period": ("length", "align", "timing"),
    "base": ("measure", "days", "cash"),
    "year": ("days",),
    "rounding": ("to", "average"),
    "tax": ("kind",),
    "advance": ("addition", "refund"),
}
TOP_KEYS = ("name", "rates_of", *SECTIONS, "component")
COMPONENT_KEYS = ("name", "kind", "tiering", "rates", "rate_ppm", "every", "mark")


class FeeTermsError(ValueError):
    """The terms cannot be used; the text is one line that says where, what, why and what to do."""


@dataclass(frozen=True)
class RateRow:
    """One dated rate table (料率表): marginal tiers of (floor_yen, rate_ppm a year), in force from a date on."""

    from_date: date
    tiers: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Component:
    """One part of the fee (報酬の内訳), rounded by itself; the fields of the other kind are empty."""

    name: str
    kind: str
    tiering: str
    rates: tuple[RateRow, ...]
    rate_ppm: int
    every: int
    mark: str


@dataclass(frozen=True)
class Terms:
    """The terms of a fee (報酬条件); a choice that nothing reads may be None."""

    name: str
    rates_of: str
    length: str
    align: str
    timing: str
    measure: str | None
    days: str | None
    cash: str | None
    year_days: int | str | None
    rounding: str
    average: str
    tax: str
    addition: str | None
    refund: str | None
    components: tuple[Component, ...]
    warnings: tuple[str, ...] = ()

    @property
    def balance(self) -> tuple[Component, ...]:
        """The components on the balance (残高報酬)."""
        return tuple(c for c in self.components if c.kind == "balance")

    @property
    def performance(self) -> tuple[Component, ...]:
        """The components on the profit (成功報酬)."""
        return tuple(c for c in self.components if c.kind == "performance")


def rates_in_force(component: Component, day: date) -> RateRow:
    """Return the rate row of a day: the one with the latest `from` that is not after it.

    Raises
    ------
    FeeTermsError
        Every row starts after the day.
    """
    rows = [row for row in component.rates if row.from_date <= day]
    if not rows:
        first = component.rates[0].from_date
        raise FeeTermsError(
            f"terms: component {component.name!r}: no rates in force on {day}: the first row is from {first}; "
            "add the row that was in force on that day"
        )
    return rows[-1]


def consumption_tax_percent(day: date) -> int:
    """Return the consumption tax rate (消費税率), percent: 5 from 1997-04-01, 8 from 2014-04-01, 10 from 2019-10-01.

    >>> consumption_tax_percent(date(2019, 9, 30)), consumption_tax_percent(date(2019, 10, 1))
    (8, 10)
    """
    rates = [percent for since, percent in CONSUMPTION_TAX if since <= day]
    if not rates:
        raise FeeTermsError(
            f"terms: tax: no consumption tax rate is known on {day}: they start on {CONSUMPTION_TAX[0][0]}; "
            'write tax-in rates and kind = "included"'
        )
    return rates[-1]


def parse_terms(source: str | Mapping) -> Terms:
    """Return the terms (報酬条件) written in TOML, or in a mapping of the same shape, after checking every key.

    Parameters
    ----------
    source : str or mapping
        The TOML text, or what a TOML or JSON reader made of it (a date may be the text "2026-10-01").

    Returns
    -------
    Terms
        `warnings` holds a line for each choice that is allowed but unwise.

    Raises
    ------
    FeeTermsError
        A key is missing or unknown, a value is none of its choices, tiers do not ascend from 0, two rate rows bear
        one date, a number is no whole number, is negative or above 10^13 yen, or two choices contradict each other.

    Examples
    --------
    >>> parse_terms('name = "x"')
    Traceback (most recent call last):
    ...
    tsutsumi.core.fee_terms.FeeTermsError: terms: [period] is missing: it holds length, align, timing; add it
    """
    document = _document(source)
    _known(document, TOP_KEYS, "")
    return _terms(document)


def _terms(document: Mapping) -> Terms:
    """Return the checked terms of a document whose top keys are known."""
    name = _text(document, "name", "")
    rates_of = _choice(document, "rates_of", ("day", "period-start", "period-end"), "", default="day")
    period = _section(document, "period", True)
    timing = _choice(period, "timing", ("arrears", "advance"), "[period] ")
    components = _components(document, timing)
    has_balance = any(c.kind == "balance" for c in components)
    in_advance = timing == "advance" and has_balance
    base = _section(document, "base", has_balance)
    measure = _choice(base, "measure", MEASURES, "[base] ", needed=has_balance)
    if has_balance and (measure == "opening") != (timing == "advance"):
        fitting = "opening" if timing == "advance" else ", ".join(ARREARS_MEASURES)
        raise _bad("[base] measure", f"{measure!r} does not go with timing = {timing!r}", f"use {fitting}")
    rounding = _section(document, "rounding", True)
    advance = _section(document, "advance", in_advance)
    return Terms(
        name=name,
        rates_of=rates_of,
        length=_choice(period, "length", tuple(MONTHS), "[period] "),
        align=_choice(period, "align", ("calendar", "contract"), "[period] "),
        timing=timing,
        measure=measure,
        days=_choice(base, "days", ("calendar", "business"), "[base] ", needed=has_balance and measure == "average"),
        cash=_choice(base, "cash", ("included", "excluded"), "[base] ", needed=has_balance),
        year_days=_choice(
            _section(document, "year", has_balance), "days", (365, 366, "actual"), "[year] ", has_balance
        ),
        rounding=_choice(rounding, "to", ROUNDING_MODES, "[rounding] "),
        average=_choice(rounding, "average", ("none", "down"), "[rounding] ", default="none"),
        tax=_choice(_section(document, "tax", True), "kind", ("included", "added"), "[tax] "),
        addition=_choice(advance, "addition", ("none", "own", "stacked"), "[advance] ", needed=in_advance),
        refund=_choice(advance, "refund", ("none", "prorated"), "[advance] ", needed=in_advance),
        components=components,
        warnings=tuple(_whole_warning(c) for c in components if c.kind == "balance" and c.tiering == "whole"),
    )


def _bad(where: str, what: str, cure: str) -> FeeTermsError:
    return FeeTermsError(f"terms: {where}: {what}; {cure}")


def _document(source: str | Mapping) -> Mapping:
    """Return the mapping of a TOML text, or the mapping itself."""
    if not isinstance(source, str):
        return source
    if not source.strip():
        raise FeeTermsError("terms: the file is empty: it must hold the terms; write them (docs/rules/balance-fee.md)")
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise FeeTermsError(f"terms: this is no TOML: {error}; correct that place") from None


def _known(table: Mapping, keys: tuple[str, ...], where: str) -> None:
    """Refuse a key that nobody knows."""
    for key in table:
        if key not in keys:
            raise FeeTermsError(f"terms: {where}{key}: this key is unknown: known are {', '.join(keys)}; remove it")


def _section(document: Mapping, name: str, needed: bool) -> Mapping:
    """Return a section with known keys; an empty one if it is absent and not needed."""
    keys = SECTIONS[name]
    if name not in document:
        if needed:
            raise FeeTermsError(f"terms: [{name}] is missing: it holds {', '.join(keys)}; add it")
        return {}
    section = document[name]
    if not isinstance(section, Mapping):
        raise _bad(f"[{name}]", "this must be a section", f"write [{name}] and its keys below it")
    _known(section, keys, f"[{name}] ")
    return section


def _choice(table: Mapping, key: str, choices: tuple, where: str, needed: bool = True, default=None):
    """Return one of a closed set of values."""
    if key not in table:
        if default is not None or not needed:
            return default
        raise FeeTermsError(f"terms: {where}{key} is missing: it decides the fee; add one of {_list(choices)}")
    value = table[key]
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise _bad(f"{where}{key}", f"{value!r} is unknown", f"use one of {_list(choices)}")
    return value


def _list(choices: tuple) -> str:
    return ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices)


def _text(table: Mapping, key: str, where: str) -> str:
    if key not in table:
        raise FeeTermsError(f"terms: {where}{key} is missing: it names what is charged; add a text")
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise _bad(f"{where}{key}", f"{value!r} is no text", "write a name in quotes")
    return value


def _whole(value: object, where: str, lowest: int, highest: int, unit: str) -> int:
    """Return a whole number within its range."""
    if type(value) is not int:
        raise _bad(where, f"{value!r} is no whole number", f"write whole {unit} without a decimal point")
    if value < lowest:
        raise _bad(where, f"{value} is {'negative' if value < 0 else 'too small'}", f"write {lowest:,} or more {unit}")
    if value > highest:
        raise _bad(where, f"{value:,} {unit} is too much", f"write {highest:,} {unit} at most")
    return value


def _date(value: object, where: str) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, datetime) or not isinstance(value, date):
        raise _bad(where, f"{value!r} is no date", "write a date such as 2026-10-01, without quotes and without a time")
    return value


def _components(document: Mapping, timing: str) -> tuple[Component, ...]:
    """Return the checked components; their names differ, since each has its own yen."""
    tables = document.get("component")
    if tables is None or tables == []:
        raise FeeTermsError("terms: [[component]] is missing: nothing would be charged; add one or several")
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise _bad("component", "this must be a list of tables", "write [[component]] with two brackets")
    components = tuple(_component(table, number, timing) for number, table in enumerate(tables, 1))
    names = [c.name for c in components]
    for name in names:
        if names.count(name) > 1:
            raise _bad(f"component {name!r}", "two components bear this name", "give each its own")
    return components


def _component(table: Mapping, number: int, timing: str) -> Component:
    where = f"component {number} "
    _known(table, COMPONENT_KEYS, where)
    name = _text(table, "name", where)
    where = f"component {name!r}: "
    kind = _choice(table, "kind", ("balance", "performance"), where)
    on_balance = kind == "balance"
    tiering = _choice(table, "tiering", ("marginal", "whole"), where, default="marginal")
    if on_balance and tiering == "whole" and timing == "advance":
        raise _bad(f"{where}tiering", "'whole' does not go with timing = 'advance'", 'use "marginal"')
    for key in ("rates",) if on_balance else ("rate_ppm", "every"):
        if key not in table:
            raise FeeTermsError(f"terms: {where}{key} is missing: a {kind} component is priced by it; add it")
    return Component(
        name=name,
        kind=kind,
        tiering=tiering,
        rates=_rates(table["rates"], where) if "rates" in table else (),
        rate_ppm=_whole(table.get("rate_ppm", 0), f"{where}rate_ppm", 0, PPM, "ppm"),
        every=_whole(table.get("every", 1), f"{where}every", 1, MAX_YEN, "periods"),
        mark=_choice(table, "mark", ("scaled", "subtracted"), where, needed=not on_balance),
    )


def _rates(rows: object, where: str) -> tuple[RateRow, ...]:
    """Return the rate rows by date, each date once."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise _bad(f"{where}rates", "there is no dated row", "write [[component.rates]] with from and tiers")
    found: dict[date, RateRow] = {}
    for row in rows:
        _known(row, ("from", "tiers"), f"{where}rates ")
        for key in ("from", "tiers"):
            if key not in row:
                raise FeeTermsError(f"terms: {where}rates {key} is missing: a rate row needs it; add it")
        since = _date(row["from"], f"{where}rates from")
        if since in found:
            raise _bad(f"{where}rates", f"two rows are from {since}", "keep the one that is right")
        found[since] = RateRow(since, _tiers(row["tiers"], f"{where}rates from {since}: tiers"))
    return tuple(found[since] for since in sorted(found))


def _tiers(tiers: object, where: str) -> tuple[tuple[int, int], ...]:
    """Return tiers of (floor_yen, rate_ppm) that ascend from 0."""
    if not isinstance(tiers, list | tuple) or not tiers:
        raise _bad(where, "there is no tier", "write [[0, rate_ppm], [floor_yen, rate_ppm], ...]")
    pairs = []
    for tier in tiers:
        if not isinstance(tier, list | tuple) or len(tier) != 2:
            raise _bad(where, f"{tier!r} is no pair", "write [floor_yen, rate_ppm]")
        pairs.append((_whole(tier[0], where, 0, MAX_YEN, "yen"), _whole(tier[1], where, 0, PPM, "ppm")))
    if pairs[0][0] != 0:
        raise _bad(where, f"the first floor is {pairs[0][0]:,} yen, not 0", "start with [0, rate_ppm]")
    for (lower, _), (upper, _) in zip(pairs, pairs[1:], strict=False):
        if upper <= lower:
            raise _bad(
                where, f"floor {upper:,} follows {lower:,}: floors must ascend", "sort the tiers, each floor once"
            )
    return tuple(pairs)


def _whole_warning(component: Component) -> str:
    return (
        f"terms: component {component.name!r}: tiering = 'whole': the whole base pays the rate of one tier, so the fee "
        "falls behind a floor with a lower rate; marginal tiers never do that"
    )
