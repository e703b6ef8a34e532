"""The precise figures beside the rough ones (精密な計算): what offsets what, by correlations of the four markets.

Every asset is exposure to the four markets plus a risk of its own. Variances are exact fractions; only a square root is rounded,
to 12 decimals, by whole numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import isqrt

from tsutsumi.core.household import PER_CENT, PLACES, Holding, HouseholdError, Tables, rough_figures, weights
from tsutsumi.core.household_tables import MARKETS, SAFE_CLASS, pair_key


@dataclass(frozen=True)
class Precise:
    """The precise figures of a list of holdings, percent a year: variance (分散, percent²), risk (リスク), utility (効用)."""

    return_pct: Fraction
    variance: Fraction
    utility: Fraction

    @property
    def risk_pct(self) -> Fraction:
        """The standard deviation √variance, exact where it ends within 12 decimals, else rounded there."""
        return square_root(self.variance)

    @property
    def worst_pct(self) -> Fraction:
        """The worst case of a year (最悪の場合の目安): return − 2 × risk."""
        return self.return_pct - 2 * self.risk_pct


@dataclass(frozen=True)
class BestShare:
    """How much of the wealth would best be at risk (最適なリスク資産の割合), % of the wealth, and the utility it would bring."""

    share_pct: Fraction
    utility: Fraction


def square_root(number: Fraction) -> Fraction:
    """Return √number (平方根) to the nearest 12th decimal, a half to the even one; exact where it ends by then.

    >>> square_root(Fraction(64)), square_root(Fraction(1, 4))
    (Fraction(8, 1), Fraction(1, 2))
    >>> float(square_root(Fraction(2))) == 1.414213562373
    True
    """
    scale = 10**PLACES
    top, bottom = number.numerator * scale**2, number.denominator
    root = isqrt(top // bottom)
    middle = (2 * root + 1) ** 2 * bottom
    if 4 * top > middle or (4 * top == middle and root % 2 == 1):
        root += 1
    return Fraction(root, scale)


def precise_figures(holdings: Sequence[Holding], tables: Tables, aversion: Fraction) -> Precise:
    """Return the precise figures (精密な計算) of holdings whose sum is above zero: σ² = e′Σe + Σ own², U = return − λ·σ².

    See `exposures` for e and the own risks; Σ holds 1 and the correlations, e being in percent of risk already. The expected
    returns and risks of the classes are those of the rough method, so that the two differ by diversification alone.

    Raises
    ------
    HouseholdError
        The correlations contradict each other, so that some mix would have a variance below zero.
    """
    check_correlations(tables)
    shares = list(zip(holdings, weights(holdings), strict=True))
    variance = _variance(shares, tables)
    gained = rough_figures(holdings, tables, aversion).return_pct
    return Precise(gained, variance, gained - aversion * variance)


def exposures(holding: Holding, tables: Tables) -> tuple[dict[str, Fraction], Fraction]:
    """Return (risk from each market in percent, variance of its own) of a holding, as if it were the whole wealth.

    A fund of markets: its risk is split over them by share × their risk, nothing is its own. A single stock: the risk of its
    market (at most its own whole risk), the rest its own, 35² = 20² + 28.7². A class that moves with no market: all its own.

    >>> from tsutsumi.core.household_tables import statute_tables
    >>> exposures(Holding("a stock", "single-stock", 1, Fraction(0)), statute_tables())
    ({'domestic-equity': Fraction(20, 1)}, Fraction(825, 1))
    """
    risk = tables.risk_pct(holding.class_name)
    movement = tables.movements.get(holding.class_name)
    if movement is None or not movement.markets:
        return {}, risk**2
    parts = {market: share * tables.risk_pct(market) * PER_CENT for market, share in movement.markets}
    if movement.own:
        common = sum(parts.values(), Fraction(0))
        kept = min(common, risk)
        scaled = {market: part * kept / common for market, part in parts.items()} if common else {}
        return scaled, risk**2 - kept**2
    whole = sum(parts.values(), Fraction(0))
    if whole == 0:
        return {}, risk**2
    return {market: risk * part / whole for market, part in parts.items()}, Fraction(0)


def best_share(
    holdings: Sequence[Holding], tables: Tables, aversion: Fraction, precise: bool = False
) -> BestShare | None:
    """Return the best share of risky assets (最適なリスク資産の割合), their mix and the safe rest being as they are.

    Risky: a class whose risk is above zero. With m and ρ the net return and risk of the risky part as if it were the whole
    wealth, and b the net return of the rest (of retail government bonds where nothing is safe): share = (m − b) / (2·λ·ρ²), from
    0 to 1, and U = share·m + (1 − share)·b − λ·share²·ρ². None where nothing is risky.
    """
    pairs = list(zip(holdings, weights(holdings), strict=True))
    risky = [(h, w) for h, w in pairs if tables.risk_pct(h.class_name) > 0]
    share = sum((w for _, w in risky), Fraction(0))
    if share == 0:
        return None
    gained = sum((w * tables.net_pct(h.class_name, h.cost_pct) for h, w in risky), Fraction(0)) / share
    rest = [(h, w) for h, w in pairs if tables.risk_pct(h.class_name) == 0]
    if share < 1:
        safe = sum((w * tables.net_pct(h.class_name, h.cost_pct) for h, w in rest), Fraction(0)) / (1 - share)
    else:
        safe = tables.net_pct(SAFE_CLASS, Fraction(0))
    if precise:
        variance = _variance([(h, w / share) for h, w in risky], tables)
    else:
        variance = sum((w / share * tables.risk_pct(h.class_name) for h, w in risky), Fraction(0)) ** 2
    if variance == 0:
        best = Fraction(1 if gained > safe else 0)
    else:
        best = min(Fraction(1), max(Fraction(0), (gained - safe) / (2 * aversion * variance)))
    return BestShare(100 * best, best * gained + (1 - best) * safe - aversion * best**2 * variance)


def _variance(shares: Sequence[tuple[Holding, Fraction]], tables: Tables) -> Fraction:
    """Return e′Σe + Σ own² of holdings with their weights, in percent²."""
    common = dict.fromkeys(MARKETS, Fraction(0))
    variance = Fraction(0)
    for holding, weight in shares:
        parts, own = exposures(holding, tables)
        variance += weight**2 * own
        for market, risk in parts.items():
            common[market] += weight * risk
    for first in MARKETS:
        for second in MARKETS:
            variance += common[first] * common[second] * _correlation(first, second, tables)
    return variance


def _correlation(first: str, second: str, tables: Tables) -> Fraction:
    return Fraction(1) if first == second else tables.correlations[pair_key(first, second)].correlation


def check_correlations(tables: Tables) -> None:
    """Refuse correlations that contradict each other: some mix of the markets would have a variance below zero.

    Every principal minor of Σ is zero or above exactly where there is no such mix.
    """
    for size in range(2, len(MARKETS) + 1):
        for chosen in combinations(MARKETS, size):
            matrix = [[_correlation(first, second, tables) for second in chosen] for first in chosen]
            if determinant(matrix) < 0:
                raise HouseholdError(
                    f"correlations: those of {', '.join(chosen)} contradict each other: some mix would have a negative variance; "
                    "bring them nearer to 0"
                )


def determinant(matrix: Sequence[Sequence[Fraction]]) -> Fraction:
    """Return the determinant (行列式) of a square matrix of exact numbers, by its first row.

    >>> determinant([[Fraction(1), Fraction(2)], [Fraction(3), Fraction(4)]])
    Fraction(-2, 1)
    """
    if len(matrix) == 1:
        return matrix[0][0]
    return sum((sign * matrix[0][n] * determinant(rest) for n, sign, rest in _minors(matrix)), Fraction(0))


def _minors(matrix: Sequence[Sequence[Fraction]]) -> Iterator[tuple[int, int, list[list[Fraction]]]]:
    """Yield (column, sign, matrix without the first row and that column)."""
    for n in range(len(matrix)):
        yield n, -1 if n % 2 else 1, [[*row[:n], *row[n + 1 :]] for row in matrix[1:]]
