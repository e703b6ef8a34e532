"""What is known of one contract: its values and flows by day (評価額・入出金), read from CSV and checked."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from tsutsumi.core.calendar import FIRST_YEAR, LAST_YEAR
from tsutsumi.core.fee_terms import MAX_YEN

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WHOLE_YEN = re.compile(r"[+-]?[0-9]{1,30}")


class FeeInputError(ValueError):
    """The values, flows or dates cannot be used; the text is one line that says where, what, why and what to do."""


@dataclass(frozen=True)
class ValueRow:
    """The value of a day (評価額), cash included; cash_yen is None where it was left out."""

    date: date
    value_yen: int
    cash_yen: int | None = None


@dataclass(frozen=True)
class FlowRow:
    """Money added (増額, above zero) or taken out (一部解約, below zero) on a day."""

    date: date
    amount_yen: int


@dataclass(frozen=True)
class History:
    """One contract as far as it is known: one value for each day from `start` on, and the flows after that day.

    `last` is the last day that matters: the termination, else `--through`.
    """

    start: date
    last: date
    terminated: date | None
    values: tuple[int, ...]
    cash: tuple[int | None, ...]
    flows: tuple[FlowRow, ...]

    def value(self, day: date) -> int:
        """Return the value of a day in yen; a day without a row repeats the last one."""
        return self.values[(day - self.start).days]

    def base(self, day: date, cash: str) -> int:
        """Return the base of a day in yen: the value, or the value less cash (待機資金を除く) if cash is "excluded".

        Raises
        ------
        FeeInputError
            Cash is to be excluded, but was left out or is above the value.
        """
        value = self.value(day)
        if cash == "included":
            return value
        held = self.cash[(day - self.start).days]
        if held is None:
            raise FeeInputError(
                f"values: {day}: cash_yen is left out: the terms exclude cash from the base; add the column to each row"
            )
        if held > value:
            raise FeeInputError(
                f"values: {day}: cash_yen {held:,} is above value_yen {value:,}: the value includes cash; correct it"
            )
        return value - held


def decode(data: bytes, name: str) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark; `name` names it in the error."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeeInputError(
            f"{name}: this is no UTF-8: byte {error.start + 1} cannot be read; save the file as UTF-8"
        ) from None


def read_date(text: str, where: str) -> date:
    """Return a date written as 2026-10-01, within the years of the calendar."""
    try:
        day = date.fromisoformat(text) if ISO_DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise FeeInputError(f"{where}: {text!r} is no date; write one such as 2026-10-01")
    if not FIRST_YEAR < day.year <= LAST_YEAR:
        raise FeeInputError(
            f"{where}: {day} has no known calendar: it covers {FIRST_YEAR + 1} to {LAST_YEAR}; use such a date"
        )
    return day


def read_values(text: str) -> list[ValueRow]:
    """Return the rows of V.csv: date, value_yen and, where given, cash_yen; in the file's order.

    Raises
    ------
    FeeInputError
        The file is empty, a column is missing or unknown, a cell is no date or no whole yen, is negative or above
        10^13 yen, or a date stands twice.

    Examples
    --------
    >>> read_values("date,value_yen\\n2026-10-01,30000000\\n")
    [ValueRow(date=datetime.date(2026, 10, 1), value_yen=30000000, cash_yen=None)]
    """
    rows = []
    for where, day, cells in _rows(text, "values", ("value_yen",), ("cash_yen",)):
        cash = cells.get("cash_yen", "")
        rows.append(
            ValueRow(day, _yen(cells["value_yen"], where), _yen(cash, f"{where} cash_yen") if cash else None),
        )
    return rows


def read_flows(text: str) -> list[FlowRow]:
    """Return the rows of F.csv: date and amount_yen, negative for a reduction (一部解約); in the file's order.

    Raises
    ------
    FeeInputError
        As for `read_values`, but a negative amount is a reduction.

    Examples
    --------
    >>> read_flows("date,amount_yen\\n2026-11-15,-5000000\\n")
    [FlowRow(date=datetime.date(2026, 11, 15), amount_yen=-5000000)]
    """
    rows = _rows(text, "flows", ("amount_yen",), ())
    return [FlowRow(day, _yen(cells["amount_yen"], where, signed=True)) for where, day, cells in rows]


def _rows(text: str, name: str, needed: tuple[str, ...], optional: tuple[str, ...]):
    """Yield (where, date, cells) of each row of a CSV whose columns are known."""
    columns = ("date", *needed, *optional)
    header_text = ",".join(columns)
    if not text.strip():
        raise FeeInputError(f"{name}: the file is empty: it must start with the line {header_text}; write it")
    seen: set[date] = set()
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header: list[str] | None = None
        for row in lines:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            where = f"{name}: line {lines.line_num}"
            if header is None:
                header = _header(cells, where, ("date", *needed), columns)
                continue
            if len(cells) != len(header):
                raise FeeInputError(f"{where}: {len(cells)} cells for {len(header)} columns; write one for each")
            record = dict(zip(header, cells, strict=True))
            day = read_date(record["date"], where)
            if day in seen:
                raise FeeInputError(f"{where}: {day} stands twice: a day has one row; keep the one that is right")
            seen.add(day)
            yield f"{where} ({day})", day, record
    except csv.Error as error:
        raise FeeInputError(f"{name}: this is no CSV: {error}; save the file as plain CSV") from None


def _header(cells: list[str], where: str, needed: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    for column in needed:
        if column not in cells:
            raise FeeInputError(f"{where}: the column {column} is missing; start the file with {','.join(known)}")
    for column in cells:
        if column not in known or cells.count(column) > 1:
            what = "stands twice" if column in known else "is unknown"
            raise FeeInputError(f"{where}: the column {column!r} {what}: known are {', '.join(known)}; remove it")
    return cells


def _yen(text: str, where: str, signed: bool = False) -> int:
    if not WHOLE_YEN.fullmatch(text):
        raise FeeInputError(f"{where}: {text!r} is no whole yen; write digits only, such as 30000000")
    yen = int(text)
    if yen < 0 and not signed:
        raise FeeInputError(f"{where}: {yen:,} yen is negative: a value or cash cannot be; correct it")
    if abs(yen) > MAX_YEN:
        raise FeeInputError(f"{where}: {yen:,} yen is above {MAX_YEN:,}: no contract is that large; correct it")
    return yen


def contract_history(
    values: Iterable[ValueRow],
    flows: Iterable[FlowRow],
    start: date,
    through: date,
    terminated: date | None = None,
) -> History:
    """Return what is known of a contract, one value per day, after checking the rows against its dates.

    Parameters
    ----------
    values, flows : rows in any order, one per date
    start : date
        The first day (運用開始日); its value must have a row of its own. Rows before it are ignored.
    through : date
        The last day known; later rows are ignored.
    terminated : date or None
        The last day of a contract that has ended (契約終了日), inclusive.

    Raises
    ------
    FeeInputError
        The value of the first day is missing, a flow lies before `start` or after `terminated`, or `terminated` is
        later than `through` or before `start`.
    """
    if terminated is not None and terminated > through:
        raise FeeInputError(
            f"--terminated {terminated} is later than --through {through}: that day is not known yet; move --through on"
        )
    if terminated is not None and terminated < start:
        raise FeeInputError(
            f"--terminated {terminated} is before --start {start}: a contract cannot; correct one of them"
        )
    flows = list(flows)
    for flow in flows:
        if flow.date < start or (terminated is not None and flow.date > terminated):
            bound = f"starts on {start}" if flow.date < start else f"ends on {terminated}"
            raise FeeInputError(
                f"flows: {flow.date}: this day is outside the contract: it {bound}; remove the row or correct the dates"
            )
    by_day = {row.date: row for row in values}
    if start not in by_day:
        raise FeeInputError(f"values: {start} is missing: a fee starts with the value of the first day; add that row")
    last = terminated or through
    row = by_day[start]
    held = []
    for n in range((last - start).days + 1):
        row = by_day.get(start + timedelta(days=n), row)
        held.append(row)
    return History(
        start=start,
        last=last,
        terminated=terminated,
        values=tuple(row.value_yen for row in held),
        cash=tuple(row.cash_yen for row in held),
        flows=tuple(sorted((f for f in flows if start < f.date <= last and f.amount_yen), key=lambda f: f.date)),
    )
