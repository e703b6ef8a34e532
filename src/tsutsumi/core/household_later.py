"""What the holdings of a record of advice are worth later (その後の評価額), and how each of them is known.

A holding is valued by what was given for it, else by what the house's sleeves of the customer earned, else it stays as it was.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from tsutsumi.core.household import HouseholdError
from tsutsumi.core.household_numbers import DIGITS, MOST_DIGITS, yen
from tsutsumi.core.household_promise import SIDES, LaterValues

COLUMNS = ("side", "place", "value_yen")
GIVEN, MANAGED, UNCHANGED, UNKNOWN = "given", "managed", "unchanged", "unknown"
MOST_PLACES = 6  # digits


@dataclass(frozen=True)
class LaterValue:
    """What one holding is worth later (その後の評価額) and how that is known; None and "unknown" where it is not."""

    side: str
    place: int
    name: str
    class_name: str
    value_yen: int
    later_yen: int | None
    known_kind: str


def given_values(text: str) -> dict[tuple[str, int], int]:
    """Return the later values of a CSV text (その後の評価額の表): columns side (before or after), place (from 1), value_yen.

    Raises
    ------
    HouseholdError
        A column is missing or unknown, a line cannot be read, or a holding stands twice.

    Examples
    --------
    >>> given_values("side,place,value_yen\\nbefore,1,9800000\\n")
    {('before', 1): 9800000}
    """
    where, found = "--values", {}
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if reader.fieldnames is None or sorted(reader.fieldnames) != sorted(COLUMNS):
            raise HouseholdError(f"{where}: the first line must be {','.join(COLUMNS)}; write these columns")
        for row in reader:
            side, place, value = _cells(row, f"{where}: line {reader.line_num}")
            if (side, place) in found:
                raise HouseholdError(f"{where}: line {reader.line_num}: {side} {place} stands twice; write each holding once")
            found[side, place] = value
    except csv.Error as error:
        raise HouseholdError(f"{where}: this is no CSV: {error}; save the file as plain CSV") from None
    return found


def _cells(row: Mapping, where: str) -> tuple[str, int, int]:
    if None in row or None in row.values():
        raise HouseholdError(f"{where}: it has another number of cells than the first line; write one for each column")
    side, place, value = (row[name].strip() for name in COLUMNS)
    if side not in SIDES:
        raise HouseholdError(f"{where}: side {side[:40]!r} is unknown: write before or after")
    if not place or not set(place) <= set(DIGITS) or len(place) > MOST_PLACES:
        raise HouseholdError(f"{where}: place {place[:40]!r} is no number of a holding; write 1 for the first of its side")
    whole = set(value.removeprefix("-")) <= set(DIGITS) and 0 < len(value) <= MOST_DIGITS and value != "-"
    return side, int(place), yen(int(value) if whole else value, where)


def later_values(
    record: Mapping, growth: Fraction | None, given: Mapping[tuple[str, int], int]
) -> tuple[LaterValue, ...]:
    """Return what every holding of a record is worth later (その後の評価額), both sides in the order of the record.

    given: as it was given, whatever the holding. managed: of the side after, a holding at risk (risk_pct above 0) is what the
    house manages for the customer: floor(value × growth). unchanged: a holding without risk, deposits and the like, keeps its
    value; what it yields is not counted. unknown: everything else, above all what was held before and given up since.

    Parameters
    ----------
    record : what `household_record.as_record` returned, or its JSON
    growth : later value of one yen in the house's sleeves of the customer, costs and fees off; None where they held nothing
    given : from `given_values`

    Raises
    ------
    HouseholdError
        A value was given for a holding that the record does not have.

    Examples
    --------
    >>> fund = {"name": "fund", "class": "world-equity", "value_yen": 1_000_003, "risk_pct": "20"}
    >>> cash = {"name": "bank", "class": "deposit", "value_yen": 500_000, "risk_pct": "0"}
    >>> record = {"before": {"holdings": [fund, cash]}, "after": {"holdings": [fund, cash]}}
    >>> [(one.later_yen, one.known_kind) for one in later_values(record, Fraction(11, 10), {})]
    [(None, 'unknown'), (500000, 'unchanged'), (1100003, 'managed'), (500000, 'unchanged')]
    """
    places = {(side, place) for side in SIDES for place in range(1, len(record[side]["holdings"]) + 1)}
    for side, place in given:
        if (side, place) not in places:
            most = len(record[side]["holdings"])
            raise HouseholdError(f"--values: {side} {place}: the proposal has {most} holdings there; correct the place")
    found = []
    for side in SIDES:
        for place, row in enumerate(record[side]["holdings"], 1):
            later, known = _later(row, side, growth, given.get((side, place)))
            found.append(LaterValue(side, place, row["name"], row["class"], row["value_yen"], later, known))
    return tuple(found)


def _later(row: Mapping, side: str, growth: Fraction | None, given: int | None) -> tuple[int | None, str]:
    if given is not None:
        return given, GIVEN
    if Fraction(row["risk_pct"]) == 0 or row["value_yen"] == 0:
        return row["value_yen"], UNCHANGED
    if side == "after" and growth is not None:
        return row["value_yen"] * growth.numerator // growth.denominator, MANAGED
    return None, UNKNOWN


def as_later(days: int, values: tuple[LaterValue, ...]) -> LaterValues:
    """Return the values as `promised_against_realised` takes them: None for a side with a holding that is not known."""
    sides = {side: [one.later_yen for one in values if one.side == side] for side in SIDES}
    return LaterValues(days, *(None if None in sides[side] else sides[side] for side in SIDES))
