"""What is assumed for a household (前提表): dated rows of the folder `statute`, and the one that is in force of each.

A row holds from its `valid_from_date` until a later row of the same key. `verified` is 1 where the figure was read at the named
source, 0 where it is second hand and must be checked before it is shown to a customer.
"""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.resources import files

from tsutsumi.core.household import Assumption, Correlation, HouseholdError, Movement, Product, Tables
from tsutsumi.core.household_numbers import DIGITS, number, text_line

MARKETS = ("domestic-bond", "foreign-bond", "domestic-equity", "foreign-equity")
ARTICLE, GPIF = "article", "gpif"
SETS = {ARTICLE: ("advice_assumptions",), GPIF: ("advice_assumptions", "market_assumptions")}
PRODUCT_COLUMNS = ("class", "ja", "en", "cost_pct", "valid_from_date", "source", "verified")
SAFE_CLASS = "government-bond-retail"

Row = dict[str, str]


@cache
def statute_rows(name: str) -> tuple[Row, ...]:
    """Return the rows of one table of the folder `statute`, in the file's order."""
    text = files("tsutsumi").joinpath("statute", f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text, newline="")))


def in_force(rows: Iterable[Row], key: Callable[[Row], object], as_of: date | None) -> list[Row]:
    """Return the row of each key that is in force (有効な行) on a day: the latest that has begun; without a day the latest.

    >>> rows = [{"k": "a", "valid_from_date": "2020-01-01"}, {"k": "a", "valid_from_date": "2024-01-01"}]
    >>> [row["valid_from_date"] for row in in_force(rows, lambda row: row["k"], date(2023, 12, 31))]
    ['2020-01-01']
    """
    newest: dict[object, Row] = {}
    for row in rows:
        begun = as_of is None or date.fromisoformat(row["valid_from_date"]) <= as_of
        if begun and row["valid_from_date"] >= newest.get(key(row), row)["valid_from_date"]:
            newest[key(row)] = row
    return list(newest.values())


def statute_tables(chosen: str = ARTICLE, as_of: date | None = None, products: Iterable[Row] | None = None) -> Tables:
    """Return the rows in force (有効な前提), before a household's own rows replace any of them.

    Parameters
    ----------
    chosen : "article" | "gpif"
        The article's rows; or GPIF's returns and risks for the four markets, the article's for every other class.
    as_of : date or None
        The day; without one the latest rows.
    products : rows of the products table, or None for the one of the folder
        From `product_rows`. Of each class the cheapest row in force is taken, of equal ones the first.

    Raises
    ------
    HouseholdError
        The set is unknown, or no assumption, correlation or product is in force on the day.

    Examples
    --------
    >>> tables = statute_tables()
    >>> tables.assumptions["single-stock"].risk_pct, tables.correlations["domestic-equity", "foreign-equity"].correlation
    (Fraction(35, 1), Fraction(643, 1000))
    >>> statute_tables("gpif").assumptions["domestic-equity"].risk_pct
    Fraction(1157, 50)
    """
    if chosen not in SETS:
        raise HouseholdError(f"--assumptions: {chosen!r} is unknown: use one of {', '.join(SETS)}")
    assumed: dict[str, Assumption] = {}
    for name in SETS[chosen]:
        assumed |= {row["class"]: _assumption(row) for row in in_force(statute_rows(name), _class, as_of)}
    correlated = [_correlation(row) for row in in_force(statute_rows("market_correlations"), _pair, as_of)]
    sold = statute_rows("advice_products") if products is None else products
    dated = in_force(sold, lambda row: (row["class"], row["ja"]), as_of)
    tables = Tables(
        assumptions=assumed,
        movements=_movements(in_force(statute_rows("advice_markets"), lambda row: (row["class"], row["market_class"]), as_of)),
        correlations={pair_key(row.class_name, row.other_class): row for row in correlated},
        products=_cheapest(dated),
    )
    every = [row for name in SETS[chosen] for row in statute_rows(name)], statute_rows("market_correlations"), sold
    kinds = zip(("assumptions", "correlations", "products"), (assumed, correlated, tables.products), every, strict=True)
    for what, found, rows in kinds:
        if not found:
            first = min((row["valid_from_date"] for row in rows), default="")
            told = f"the first row starts on {first}; use that day or a later one" if first else "there is no row; give some"
            raise HouseholdError(f"--date: no {what} are in force on {as_of}: {told}")
    return tables


def pair_key(class_name: str, other_class: str) -> tuple[str, str]:
    """Return the key of two markets in the order of `MARKETS`, whichever comes first.

    >>> pair_key("foreign-equity", "domestic-bond")
    ('domestic-bond', 'foreign-equity')
    """
    first, second = sorted((class_name, other_class), key=MARKETS.index)
    return first, second


def product_rows(text: str) -> list[Row]:
    """Return the rows of a house's own products table (取扱商品の表), CSV, after checking every cell.

    Columns: class, ja, en, cost_pct, valid_from_date, source, verified (0 or 1).

    Raises
    ------
    HouseholdError
        A column is missing or unknown, a line has another number of cells, a cost is no number from 0 to 100, a day is no
        date, a class is unknown, a cell that must be filled is empty, or there is no row.
    """
    where = "--products"
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if reader.fieldnames is None or sorted(reader.fieldnames) != sorted(PRODUCT_COLUMNS):
            raise HouseholdError(f"{where}: the first line must be {','.join(PRODUCT_COLUMNS)}; write these columns")
        rows = [_product_row(row, f"{where}: line {reader.line_num}") for row in reader]
    except csv.Error as error:
        raise HouseholdError(f"{where}: this is no CSV: {error}; save the file as plain CSV") from None
    if not rows:
        raise HouseholdError(f"{where}: there is no product; write a line for each")
    return rows


def _product_row(row: dict, where: str) -> Row:
    if None in row or None in row.values():
        raise HouseholdError(f"{where}: it has another number of cells than the first line; write one for each column")
    cells = {column: cell.strip() for column, cell in row.items()}
    known = {found["class"] for found in statute_rows("advice_assumptions")}
    if cells["class"] not in known:
        raise HouseholdError(f"{where}: the class {cells['class']!r} is unknown: known are {', '.join(sorted(known))}")
    for column in ("ja", "en"):
        text_line(cells[column], f"{where}: {column}")
    number(cells["cost_pct"], f"{where}: cost_pct", 0, 100)
    if cells["verified"] not in ("0", "1"):
        raise HouseholdError(f"{where}: verified {cells['verified']!r} is neither 0 nor 1; write 1 if the source was read")
    cells["valid_from_date"] = iso_date(cells["valid_from_date"], f"{where}: valid_from_date").isoformat()
    return cells


def iso_date(text: str, where: str) -> date:
    """Return a date written as 2026-10-01, or say where it is none."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 and set(text) <= {*DIGITS, "-"} else None
    except ValueError:
        day = None
    if day is None:
        raise HouseholdError(f"{where}: {text!r} is no date; write one such as 2026-10-01")
    return day


def _class(row: Row) -> str:
    return row["class"]


def _pair(row: Row) -> tuple[str, str]:
    return pair_key(row["class"], row["other_class"])


def _origin(row: Row) -> dict:
    """Return where a row comes from: its day, its source, and whether the source was read."""
    day = date.fromisoformat(row["valid_from_date"])
    return {"valid_from_date": day, "source": row["source"], "verified": row["verified"] == "1"}


def _assumption(row: Row) -> Assumption:
    figures = Fraction(row["return_pct"]), Fraction(row["risk_pct"])
    return Assumption(row["class"], row["ja"], row["en"], *figures, **_origin(row))


def _correlation(row: Row) -> Correlation:
    return Correlation(row["class"], row["other_class"], Fraction(row["correlation"]), **_origin(row))


def _movements(rows: list[Row]) -> dict[str, Movement]:
    found: dict[str, Movement] = {}
    for row in rows:
        former = found[row["class"]].markets if row["class"] in found else ()
        markets = (*former, (row["market_class"], Fraction(row["share_pct"])))
        found[row["class"]] = Movement(row["class"], markets, row["own_kind"] == "rest", **_origin(row))
    return found


def _cheapest(rows: list[Row]) -> dict[str, Product]:
    found: dict[str, Product] = {}
    for row in rows:
        product = Product(row["class"], row["ja"], row["en"], Fraction(row["cost_pct"]), **_origin(row))
        if row["class"] not in found or product.cost_pct < found[row["class"]].cost_pct:
            found[row["class"]] = product
    return found
