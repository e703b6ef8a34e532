"""Price files (基準価額ファイル): what a file of fund prices or exchange rates says, row by row, without a house.

Four shapes, known by their header: `date,instrument_id,price` · `date,fund_code,nav_yen` · `date,usd_jpy`, one column for each
currency, yen per unit · that of the fund association (投資信託協会), one fund a file, its code in the file name:
`年月日,基準価額(円),純資産総額(百万円),分配金(円),決算期`. A row is refused for a date or number that cannot be read, a day without
a close, a second price for one fund and day, or a jump of 20 times or more, which is taken for a wrong unit.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from tsutsumi.core.calendar import is_business_day
from tsutsumi.core.refusals import Refusal
from tsutsumi.core.units import round_fraction
from tsutsumi.ports.table_files import TableFile, nearest_header, read_table_file

WRONG_UNIT_FACTOR = 20
HIGHEST_PRICE = 9 * 10**15
HIGHEST_FX_PPM = 9 * 10**12
FX_DECIMALS = 6
Last = tuple[Date, int | Fraction]
HEADERS = {
    "price": ("date", "instrument_id", "price"),
    "nav": ("date", "fund_code", "nav_yen"),
    "association": ("年月日", "基準価額(円)", "純資産総額(百万円)", "分配金(円)", "決算期"),
    "fx": ("date", "usd_jpy"),
}
_ASSOCIATION = re.compile(r"年月日,基準価額(\(円\))?,純資産総額(\(百万円\))?,分配金(\(円\))?,決算期")
_FX_COLUMN = re.compile(r"([a-z]{3})_jpy")
_JAPANESE_DATE = re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_WHOLE = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_FUND_CODE = re.compile(r"(?<![0-9A-Z])(?=[A-Z]*[0-9])[0-9A-Z]{8}(?![0-9A-Z])")


class NavRow(NamedTuple):
    """One accepted price: of kind `price` at the instrument's price_scale, else whole yen; the distribution in yen, if any."""

    date: Date
    code: str
    price: int
    distribution: int | None


class FxRow(NamedTuple):
    """One accepted exchange rate: yen per unit of the currency × 10^6."""

    date: Date
    currency: str
    fx_ppm: int


@dataclass(frozen=True)
class NavFile:
    """What a price file says (基準価額ファイル).

    Attributes
    ----------
    kind : "price" | "nav" | "association" | "fx" | "unknown"
    rows : list of NavRow (date, code, price, distribution)
    fx : list of FxRow (date, currency, fx_ppm)
    lines : the line of each row of `rows`, or of `fx`
    refused : list of Refusal
    duplicate_count : int
        Rows that repeat an earlier one word for word.
    """

    kind: str
    rows: list[NavRow] = field(default_factory=list)
    fx: list[FxRow] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    duplicate_count: int = 0


class Unreadable(ValueError):
    """A field that is not what its column says: what, why, cure."""


def nav_kind(header: Sequence[str]) -> str:
    """Return which shape of price file a header is (ファイルの種別), or `unknown`.

    >>> nav_kind(["date", "usd_jpy", "eur_jpy"]), nav_kind(["年月日", "基準価額(円)", "純資産総額(百万円)", "分配金(円)", "決算期"])
    ('fx', 'association')
    """
    names = tuple(header)
    if names in (HEADERS["price"], HEADERS["nav"]):
        return "price" if names == HEADERS["price"] else "nav"
    if _ASSOCIATION.fullmatch(",".join(names)):
        return "association"
    rates = names[1:]
    if names[:1] == ("date",) and rates and len(set(rates)) == len(rates) and all(map(_FX_COLUMN.fullmatch, rates)):
        return "fx"
    return "unknown"


def read_nav_file(path: Path) -> NavFile:
    """Return what a price file says (基準価額ファイルの読み込み), without a house: prices of kind `price` as whole numbers."""
    return parse_nav_file(read_table_file(path))


def parse_nav_file(
    table: TableFile, scales: Mapping[str, int] | None = None, before: Callable[[str, Date], Last | None] | None = None,
    splits: Mapping[str, Sequence[tuple[Date, Fraction]]] | None = None,
) -> NavFile:
    """Return what a table of prices says (基準価額の読み取り).

    Parameters
    ----------
    table : TableFile
    scales : instrument_id -> price_scale
        For kind `price`: a price with a decimal point is in the currency's unit and becomes price × 10^scale, exactly; one without
        is taken as it is, already scaled. An instrument that is not named has scale 0.
    before : function of a code and a day
        The day and price of the last row known before that day, in the unit of the file, or none.
    splits : code -> (day, old units / new units), ascending: they explain a jump
    """
    kind = nav_kind(table.header)
    found = NavFile(kind, refused=list(table.refused))
    if kind == "unknown":
        if table.header:
            why = f"its header {','.join(table.header)[:120]!r} is none of a file of prices"
            found.refused.append(Refusal(1, table.path.name, why, nearest_header(table.header, HEADERS)))
        return found
    if kind == "fx":
        return _fx_file(table, found)
    known = scales or {}
    only = fund_code(table.path, known) if kind == "association" else None
    fields = {
        "price": lambda row: (iso_date(row[0]), scaled_price(row[2], known.get(row[1].strip(), 0)), None),
        "nav": lambda row: (iso_date(row[0]), whole_yen(row[2]), None),
        "association": lambda row: (japanese_date(row[0]), whole_yen(row[1]), _distribution(row[3])),
    }[kind]
    prices = _Prices(found, before or (lambda code, day: None), splits or {})
    for line, row in zip(table.lines, table.rows, strict=True):
        prices.take(line, row[1].strip() if only is None else only, fields, row)
    return prices.finished()


def fund_code(path: Path, known: Collection[str] = ()) -> str:
    """Return the fund of an association file (協会コード): the name of the file, or an 8-character code in it, a known one first.

    >>> fund_code(Path("nav_0331418A_20260810.csv")), fund_code(Path("topix.csv"))
    ('0331418A', 'topix')
    """
    codes = _FUND_CODE.findall(path.stem)
    named = [code for code in (path.stem, *codes) if code in known]
    undated = [code for code in codes if not re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])", code)]
    return next(iter((*named, *undated, *codes, path.stem)))


# ---- one field


def iso_date(text: str) -> Date:
    """Return the date of `2026-08-10`."""
    return _date(text, _ISO_DATE, "2026-08-10")


def japanese_date(text: str) -> Date:
    """Return the date of `2026年08月10日`."""
    return _date(text, _JAPANESE_DATE, "2026年08月10日")


def _date(text: str, pattern: re.Pattern, example: str) -> Date:
    match = pattern.fullmatch(text.strip())
    try:
        if match:
            return Date(*map(int, match.groups()))
    except ValueError:
        pass  # the 31st of a short month: no date either
    raise Unreadable("the date", f"{text!r} is no date" if text.strip() else "it is missing", f"write it like {example}")


def whole_yen(text: str) -> int:
    """Return a NAV (基準価額) in whole yen, above zero."""
    return _positive(text, "the NAV", 0)


def scaled_price(text: str, scale: int) -> int:
    """Return a price at a scale: `12.34` at scale 2 is 1234, and so is `1234`."""
    return _positive(text, "the price", scale)


def _positive(text: str, what: str, scale: int) -> int:
    text = text.strip()
    if _WHOLE.fullmatch(text):
        number = int(text)
    elif _NUMBER.fullmatch(text):
        whole, _, decimals = text.partition(".")
        if len(decimals.rstrip("0")) > scale:
            why = f"has more than the {scale} decimals of its instrument" if scale else "is not a whole number"
            raise Unreadable(what, f"{text} {why}", "give it as it was published")
        number = int(whole + decimals[:scale].ljust(scale, "0")) if decimals else int(whole)
    else:
        raise Unreadable(what, f"{text!r} is no number" if text else "it is missing", "give it as it was published, in digits 0-9")
    if number <= 0:
        raise Unreadable(what, f"{text} is not above zero", "give it as it was published; leave the row out if there was none")
    if number > HIGHEST_PRICE:
        raise Unreadable(what, f"{text} is above {HIGHEST_PRICE:,}", "check its unit")
    return number


def _distribution(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not _WHOLE.fullmatch(text):
        raise Unreadable("the distribution", f"{text!r} is not a whole number of yen", "give it as published, or leave it empty")
    return int(text)


def fx_ppm(text: str) -> int:
    """Return yen per unit × 10^6; decimals beyond the sixth are rounded, a half to the even neighbour.

    >>> fx_ppm("105.6384"), fx_ppm("0.1234565"), fx_ppm("0.1234575")
    (105638400, 123456, 123458)
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise Unreadable("the rate", f"{text!r} is no number" if text else "it is missing", "give yen per unit, in digits 0-9")
    whole, _, decimals = text.partition(".")
    exact = int(whole + decimals.ljust(FX_DECIMALS, "0"))
    number = round_fraction(exact, 10 ** max(len(decimals) - FX_DECIMALS, 0), "half-even")
    if not 0 < number <= HIGHEST_FX_PPM:
        raise Unreadable("the rate", f"{text} is out of range", "give yen per unit of the currency, above zero")
    return number


# ---- the rows of a file


class _Prices:
    """Takes the rows of a file one by one: each is accepted, a duplicate, or refused."""

    def __init__(
        self, found: NavFile, before: Callable[[str, Date], Last | None], splits: Mapping[str, Sequence[tuple[Date, Fraction]]],
    ):
        self.found, self.before, self.splits = found, before, splits
        self.last: dict[str, Last | None] = {}
        self.seen: dict[tuple[str, Date], tuple[int, int | None]] = {}
        self.duplicates = 0

    def take(self, line: int, code: str, fields: Callable[[list[str]], tuple[Date, int, int | None]], row: list[str]) -> None:
        try:
            if not code:
                raise Unreadable("the fund", "its code is missing", "give the code of the fund")
            day, price, distribution = fields(row)
            self._check_open(day)
            if self._is_duplicate(code, day, price, distribution):
                self.duplicates += 1
                return
            self._check_unit(code, day, price)
        except Unreadable as error:
            what, why, cure = error.args
            self.found.refused.append(Refusal(line, f"{what} of {code}" if code else what, why, cure))
            return
        self.seen[code, day] = (price, distribution)
        self.last[code] = (day, price)
        self.found.rows.append(NavRow(day, code, price, distribution))
        self.found.lines.append(line)

    def _check_open(self, day: Date) -> None:
        try:
            if is_business_day(day):
                return
        except ValueError as error:
            raise Unreadable("the date", str(error), "check the year") from error
        raise Unreadable("the date", f"{day} is no business day: no close on that day", "leave the row out, or mend its date")

    def _is_duplicate(self, code: str, day: Date, price: int, distribution: int | None) -> bool:
        earlier = self.seen.get((code, day))
        if earlier is None or earlier == (price, distribution):
            return earlier is not None
        raise Unreadable("the price", f"the file has another one for {day}: {earlier[0]}, now {price}", "keep the right row only")

    def _check_unit(self, code: str, day: Date, price: int) -> None:
        if code not in self.last:
            self.last[code] = self.before(code, day)
        if self.last[code] is None:
            return
        last_day, last = self.last[code]
        expected = last
        for split_day, ratio in self.splits.get(code, ()):
            if last_day < split_day <= day:
                expected *= ratio
        if price >= WRONG_UNIT_FACTOR * expected or price * WRONG_UNIT_FACTOR <= expected:
            why = f"{price} after {last} on {last_day}: {WRONG_UNIT_FACTOR} times or more apart (wrong unit?)"
            raise Unreadable("the price", why, "give it in the unit of the rows before; register a split first")

    def finished(self) -> NavFile:
        found = self.found
        return NavFile(found.kind, found.rows, found.fx, found.lines, sorted(found.refused), self.duplicates)


def _fx_file(table: TableFile, found: NavFile) -> NavFile:
    currencies = [name[:3].upper() for name in table.header[1:]]
    seen: dict[tuple[str, Date], int] = {}
    last: dict[str, tuple[Date, int]] = {}
    duplicates = 0
    for line, row in zip(table.lines, table.rows, strict=True):
        for currency, text in zip(currencies, row[1:], strict=True):
            try:
                day, rate = iso_date(row[0]), fx_ppm(text)
                earlier = seen.get((currency, day))
                if earlier == rate:
                    duplicates += 1
                    continue
                _check_rate(day, rate, earlier, last.get(currency))
            except Unreadable as error:
                what, why, cure = error.args
                found.refused.append(Refusal(line, f"{what} of {currency}", why, cure))
                continue
            seen[currency, day] = rate
            last[currency] = (day, rate)
            found.fx.append(FxRow(day, currency, rate))
            found.lines.append(line)
    return NavFile(found.kind, fx=found.fx, lines=found.lines, refused=sorted(found.refused), duplicate_count=duplicates)


def _check_rate(day: Date, rate: int, earlier: int | None, last: tuple[Date, int] | None) -> None:
    if earlier is not None:
        raise Unreadable("the rate", f"the file has another one for {day}: {earlier} ppm, now {rate}", "keep the right row only")
    if last is not None and (rate >= WRONG_UNIT_FACTOR * last[1] or rate * WRONG_UNIT_FACTOR <= last[1]):
        why = f"{rate} ppm after {last[1]} on {last[0]}: {WRONG_UNIT_FACTOR} times or more apart (wrong unit?)"
        raise Unreadable("the rate", why, "give yen per unit of the currency, as in the rows before")
