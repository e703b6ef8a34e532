"""What advice on a household's money is worth (助言の価値): the rough method, in exact fractions of percent.

Rough on purpose: risks are added as if everything fell at once, so the risk is too large rather than too small. The precise
figures (`household_precise`) stand beside it, never instead of it. Percent units throughout: 5 means 5 % a year.

The article's own household, all its figures (10 and 20 of the wealth in equity products, 0.2 % cost after the advice):

>>> from tsutsumi.core.household_file import parse_household
>>> from tsutsumi.core.household_tables import statute_tables
>>> from importlib.resources import files
>>> text = (files("tsutsumi") / "examples" / "advice" / "retired-employee.toml").read_text("utf-8")
>>> household, tables = parse_household(text, statute_tables())
>>> aversion = risk_aversion(household.preference)
>>> before = rough_figures(household.before, tables, aversion)
>>> after = rough_figures(household.after, tables, aversion)
>>> [decimal_text(x) for x in (aversion, before.return_pct, before.risk_pct, before.worst_pct, before.utility)]
['0.0125', '1.66', '11.5', '-21.34', '0.006875']
>>> [decimal_text(x) for x in (after.return_pct, after.risk_pct, after.worst_pct, after.utility)]
['1.92', '8', '-14.08', '1.12']
>>> gain_pct = after.utility - before.utility
>>> decimal_text(gain_pct), whole_yen(100_000_000, gain_pct), fee_yen(100_000_000, gain_pct, Fraction(20))
('1.113125', 1113125, 222625)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tsutsumi.core.units import round_fraction, round_yen

PER_CENT = Fraction(1, 100)
PLACES = 12


class HouseholdError(ValueError):
    """The household, a table or an option cannot be used; one line says where, what, why and what to do."""


@dataclass(frozen=True)
class Holding:
    """One asset of the household (保有資産): a free name, its class, its value, its yearly running cost (運用管理費用)."""

    name: str
    class_name: str
    value_yen: int
    cost_pct: Fraction


@dataclass(frozen=True)
class Preference:
    """What the customer said (リスクに対する考え): share_pct of the wealth in an asset of this return and risk."""

    return_pct: Fraction
    risk_pct: Fraction
    share_pct: Fraction


@dataclass(frozen=True)
class Assumption:
    """What is assumed of a class (前提): expected return (期待収益率) and standard deviation (リスク), % a year."""

    class_name: str
    ja: str
    en: str
    return_pct: Fraction
    risk_pct: Fraction
    valid_from_date: date | None
    source: str
    verified: bool


@dataclass(frozen=True)
class Movement:
    """How a class moves with the four markets (値動き): shares of the markets, and whether the rest of its risk is its own."""

    class_name: str
    markets: tuple[tuple[str, Fraction], ...]
    own: bool
    valid_from_date: date | None
    source: str
    verified: bool


@dataclass(frozen=True)
class Correlation:
    """How two of the four markets move together (相関係数), from −1 to 1."""

    class_name: str
    other_class: str
    correlation: Fraction
    valid_from_date: date | None
    source: str
    verified: bool


@dataclass(frozen=True)
class Product:
    """A product that a proposal may buy (商品): the name and yearly cost of one row of the products table."""

    class_name: str
    ja: str
    en: str
    cost_pct: Fraction
    valid_from_date: date | None
    source: str
    verified: bool


@dataclass(frozen=True)
class Tables:
    """Every row that is in force for one household (前提表); `products` holds the cheapest of each class."""

    assumptions: dict[str, Assumption]
    movements: dict[str, Movement]
    correlations: dict[tuple[str, str], Correlation]
    products: dict[str, Product]

    def net_pct(self, class_name: str, cost_pct: Fraction) -> Fraction:
        """Return the expected return of a class after a cost, % a year (費用控除後の期待収益率)."""
        return self.assumptions[class_name].return_pct - cost_pct

    def risk_pct(self, class_name: str) -> Fraction:
        """Return the standard deviation of a class, % a year."""
        return self.assumptions[class_name].risk_pct


@dataclass(frozen=True)
class Rough:
    """The rough figures of a list of holdings, percent a year: return (期待収益率), risk (リスク), utility (効用)."""

    return_pct: Fraction
    risk_pct: Fraction
    utility: Fraction

    @property
    def worst_pct(self) -> Fraction:
        """The worst case of a year (最悪の場合の目安): return − 2 × risk."""
        return self.return_pct - 2 * self.risk_pct


def risk_aversion(preference: Preference) -> Fraction:
    """Return the risk aversion (リスク拒否度) λ = R / (2 · s · σ²), per percent; s is the share as a number, 0.5 for 50 %.

    With it the share of the preferred asset that maximises R·x − λ·σ²·x² is s, what the customer said.

    >>> risk_aversion(Preference(Fraction(5), Fraction(20), Fraction(50)))
    Fraction(1, 80)
    """
    share = preference.share_pct * PER_CENT
    return preference.return_pct / (2 * share * preference.risk_pct**2)


def total_yen(holdings: Sequence[Holding]) -> int:
    """Return the sum of the holdings in yen (金融資産の合計)."""
    return sum(holding.value_yen for holding in holdings)


def weights(holdings: Sequence[Holding]) -> list[Fraction]:
    """Return the share of each holding in their sum (構成比), as numbers that sum to 1; the sum is above zero."""
    whole = total_yen(holdings)
    return [Fraction(holding.value_yen, whole) for holding in holdings]


def rough_figures(holdings: Sequence[Holding], tables: Tables, aversion: Fraction) -> Rough:
    """Return the rough figures (ざっくりした計算) of holdings whose sum is above zero.

    return = Σ weight · (class return − cost); risk = Σ weight · class risk, as if nothing ever offset anything;
    utility U = return − λ · risk². Exact; nothing is rounded.
    """
    pairs = list(zip(holdings, weights(holdings), strict=True))
    gained = sum((w * tables.net_pct(h.class_name, h.cost_pct) for h, w in pairs), Fraction(0))
    risk = sum((w * tables.risk_pct(h.class_name) for h, w in pairs), Fraction(0))
    return Rough(gained, risk, gained - aversion * risk**2)


def whole_yen(total: int, pct: Fraction) -> int:
    """Return a percentage of a total in whole yen, cut toward zero (円未満切り捨て).

    >>> whole_yen(999, Fraction(1, 3)), whole_yen(999, Fraction(-1, 3))
    (3, -3)
    """
    return round_yen(total * pct * PER_CENT, "down")


def fee_yen(total: int, gain_pct: Fraction, share_pct: Fraction) -> int:
    """Return the fee for advice (助言の報酬): share × the exact gain of the first year, cut to whole yen; 0 without a gain.

    >>> fee_yen(100_000_000, Fraction("1.113125"), Fraction(20)), fee_yen(100, Fraction(-1), Fraction(20))
    (222625, 0)
    """
    return max(0, whole_yen(total, gain_pct * share_pct * PER_CENT))


def shared_yen(total: int, parts_pct: Sequence[Fraction]) -> list[int]:
    """Return the yen of parts (内訳) that add up exactly to the whole yen of their sum.

    Each part is the running total after it, cut toward zero, less the running total before it: the cut yen stay with
    the part in which they are made up, and no part is a whole yen away from its exact amount.

    >>> shared_yen(100, [Fraction("1.5"), Fraction("1.5"), Fraction("0.9")])
    [1, 2, 0]
    """
    running, before, shares = Fraction(0), 0, []
    for part in parts_pct:
        running += part
        after = whole_yen(total, running)
        shares.append(after - before)
        before = after
    return shares


def decimal_text(number: Fraction) -> str:
    """Return a number in decimals: exact where they end, else half-even at 12 of them, all 12 written.

    >>> [decimal_text(Fraction(*pair)) for pair in ((-2134, 100), (8, 1), (1, 8), (2, 3), (-1, 3))]
    ['-21.34', '8', '0.125', '0.666666666667', '-0.333333333333']
    """
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest > 1:
        scaled = round_fraction(number.numerator * 10**PLACES, number.denominator, "half-even")
        return point_text(scaled, PLACES)
    places = max(twos, fives)
    return point_text(number.numerator * 10**places // number.denominator, places)


def point_text(scaled: int, places: int) -> str:
    """Return a whole number of the last decimal place as decimals, every place written.

    >>> point_text(-5, 3), point_text(12, 0)
    ('-0.005', '12')
    """
    digits = str(abs(scaled)).rjust(places + 1, "0")
    cut = len(digits) - places
    return f"{'-' if scaled < 0 else ''}{digits[:cut]}{'.' + digits[cut:] if places else ''}"
