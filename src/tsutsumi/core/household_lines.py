"""The arithmetic of advice in words and figures (計算過程), so that a customer can follow every figure with a pocket calculator.

Each line is a formula with its numbers in; long sums come as terms, for a page to break where it likes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tsutsumi.core.household import PER_CENT, Holding, Tables, weights
from tsutsumi.core.household_advice import Advice, Side
from tsutsumi.core.household_numbers import shown
from tsutsumi.core.household_precise import exposures
from tsutsumi.core.household_tables import MARKETS, pair_key


@dataclass(frozen=True)
class Formula:
    """One figure with its arithmetic (算式): its names, the terms of the sum, and the result."""

    ja: str
    en: str
    terms: tuple[str, ...]
    result: Fraction
    unit: str = "%"

    def text(self) -> str:
        """Return the arithmetic as one line, the rounded figure marked by ≈."""
        return f"{' + '.join(self.terms)} {equals(self.result)}{' ' + self.unit if self.unit else ''}"


def equals(number: Fraction) -> str:
    """Return a figure behind its sign of equality.

    >>> equals(Fraction("1.66")), equals(Fraction(2, 3))
    ('= 1.66', '≈ 0.666667')
    """
    text = shown(number)
    return f"≈ {text[1:]}" if text.startswith("≈") else f"= {text}"


def bare(number: Fraction) -> str:
    """Return a figure within a formula, in brackets where it is negative: the sign is then read as a sign.

    >>> bare(Fraction(-1)), bare(Fraction(1, 2))
    ('(-1)', '0.5')
    """
    return f"({shown(number)})" if number < 0 else shown(number)


def aversion_formula(advice: Advice) -> Formula:
    """Return how λ comes from what the customer said (リスク拒否度の計算)."""
    said = advice.household.preference
    share = shown(said.share_pct * PER_CENT)
    text = f"{shown(said.return_pct)} ÷ (2 × {share} × {shown(said.risk_pct)}²)"
    return Formula("リスク拒否度 λ", "risk aversion", (text,), advice.aversion, "")


def rough_formulas(side: Side, tables: Tables, aversion: Fraction) -> list[Formula]:
    """Return the arithmetic of the rough figures of a side (ざっくりした計算): return, risk, worst case, utility."""
    rough = side.rough
    held = _weighted(side.holdings)
    returns = [f"{share}% × ({_return(h, tables)} − {shown(h.cost_pct)})" for h, share in held if _earns(h, tables)]
    risks = [f"{share}% × {shown(tables.risk_pct(h.class_name))}" for h, share in held if tables.risk_pct(h.class_name)]
    worst = f"{bare(rough.return_pct)} − 2 × {shown(rough.risk_pct)}"
    utility = f"{bare(rough.return_pct)} − {shown(aversion)} × {shown(rough.risk_pct)}²"
    return [
        Formula("期待収益率", "expected return", tuple(returns) or ("0",), rough.return_pct),
        Formula("リスク", "risk", tuple(risks) or ("0",), rough.risk_pct),
        Formula("最悪の場合の目安", "worst case", (worst,), rough.worst_pct),
        Formula("効用 U", "utility", (utility,), rough.utility),
    ]


def _weighted(holdings: Sequence[Holding]) -> list[tuple[Holding, str]]:
    """Return the holdings of any value with their share in percent, as shown."""
    return [(h, shown(100 * w, 4)) for h, w in zip(holdings, weights(holdings), strict=True) if w]


def _earns(holding: Holding, tables: Tables) -> bool:
    return bool(tables.assumptions[holding.class_name].return_pct or holding.cost_pct)


def _return(holding: Holding, tables: Tables) -> str:
    return shown(tables.assumptions[holding.class_name].return_pct)


def precise_formulas(side: Side, tables: Tables, aversion: Fraction) -> list[Formula]:
    """Return the arithmetic of the precise figures of a side (精密な計算): variance, risk, utility.

    Each market's risk squared, twice each pair with its correlation, and the sum of the own risks squared.
    """
    common = dict.fromkeys(MARKETS, Fraction(0))
    own = Fraction(0)
    for holding, weight in zip(side.holdings, weights(side.holdings), strict=True):
        parts, alone = exposures(holding, tables)
        own += weight**2 * alone
        for market, risk in parts.items():
            common[market] += weight * risk
    held = [market for market in MARKETS if common[market]]
    terms = [f"{shown(common[market], 4)}²" for market in held]
    for n, first in enumerate(held):
        for second in held[n + 1 :]:
            together = bare(tables.correlations[pair_key(first, second)].correlation)
            terms.append(f"2 × {together} × {shown(common[first], 4)} × {shown(common[second], 4)}")
    if own:
        terms.append(f"{shown(own, 4)}")
    precise = side.precise
    utility = f"{bare(precise.return_pct)} − {shown(aversion)} × {shown(precise.variance)}"
    return [
        Formula("分散 σ²", "variance", tuple(terms) or ("0",), precise.variance, ""),
        Formula("リスク σ", "risk", (f"√{shown(precise.variance)}",), precise.risk_pct),
        Formula("効用 U", "utility", (utility,), precise.utility),
    ]


def gain_formulas(advice: Advice) -> list[Formula]:
    """Return the arithmetic of the gain (助言の価値の計算), in % and in yen before the cut, rough and precise."""
    found = []
    pairs = (
        ("助言の価値", "worth of the advice", advice.after.rough.utility, advice.before.rough.utility),
        ("精密な計算では", "precisely", advice.after.precise.utility, advice.before.precise.utility),
    )
    for ja, en, after, before in pairs:
        gain = after - before
        found.append(Formula(ja, en, (f"{bare(after)} − {bare(before)}",), gain))
        money = gain * PER_CENT * advice.total_yen
        found.append(Formula("金額にして", "in yen a year", (f"{advice.total_yen:,} × {bare(gain)} %",), money, "円"))
    return found


def fee_formula(advice: Advice) -> Formula:
    """Return the arithmetic of the fee (報酬の計算) before the cut; without a gain there is none."""
    money = advice.gain_pct * PER_CENT * advice.total_yen
    if money <= 0:
        return Formula("報酬", "fee", ("0",), Fraction(0), "円")
    text = f"{shown(money)} × {shown(advice.fee_share_pct)} %"
    return Formula("報酬", "fee", (text,), money * advice.fee_share_pct * PER_CENT, "円")
