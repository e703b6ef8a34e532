"""What to change in a household (提案): one step after the other, each with its reason and its own gain, none that does not help.

In this order, each change of a holding made only if it raises the utility of what the former steps left:

1. a single stock → the cheapest product of its market;
2. a fund whose cost is above the threshold → the cheapest product of its class, if that costs less (not where its class brings no
   return even then and the third step takes it);
3. a holding that has a cost and brings no return after it → retail government bonds;
4. while more is at risk than the customer said, the holding with the least return for its risk → retail government bonds, until the
   risky share is at most the preferred one. The preferred share is an upper bound: money in deposits is never moved into risk.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from tsutsumi.core.household import (
    PER_CENT,
    Holding,
    Preference,
    Product,
    Tables,
    risk_aversion,
    rough_figures,
    total_yen,
)
from tsutsumi.core.household_numbers import shown
from tsutsumi.core.household_tables import SAFE_CLASS

COST_THRESHOLD_PCT = Fraction(1, 2)


@dataclass(frozen=True)
class Step:
    """One change (提案の一段): what moves where, why in a sentence of either language, and its gain in % of the wealth a year."""

    kind: str
    holding: Holding
    product: Product
    value_yen: int
    reason_ja: str
    reason_en: str
    gain_pct: Fraction


@dataclass(frozen=True)
class Proposal:
    """What is proposed (提案): the holdings after every step, and the steps; without a step they are the holdings before."""

    after: tuple[Holding, ...]
    steps: tuple[Step, ...]


Reason = Callable[["Bench", Holding, Product, int], tuple[str, str]]


class Bench:
    """The holdings as the steps so far have left them (作業台); `take` changes them if that raises the utility."""

    def __init__(self, holdings: tuple[Holding, ...], tables: Tables, aversion: Fraction):
        self.rows: list[Holding] = list(holdings)
        self.tables, self.aversion = tables, aversion
        self.steps: list[Step] = []

    def utility(self, rows: list[Holding]) -> Fraction:
        """Return the rough utility of holdings."""
        return rough_figures(rows, self.tables, self.aversion).utility

    def moved(self, place: int, product: Product, value_yen: int) -> list[Holding]:
        """Return the holdings with some yen of one of them in a product, merged where the product is held already."""
        rows, old = list(self.rows), self.rows[place]
        bought = Holding(product.ja, product.class_name, value_yen, product.cost_pct)
        left = replace(old, value_yen=old.value_yen - value_yen)
        rows[place : place + 1] = [left] if left.value_yen else []
        for n, row in enumerate(rows):
            if row is not left and (row.name, row.class_name, row.cost_pct) == (product.ja, product.class_name, product.cost_pct):
                rows[n] = replace(row, value_yen=row.value_yen + value_yen)
                return rows
        rows.insert(place if left.value_yen == 0 else len(rows), bought)
        return rows

    def gain(self, place: int, product: Product, value_yen: int) -> Fraction:
        """Return what a change would add to the utility, % a year."""
        return self.utility(self.moved(place, product, value_yen)) - self.utility(self.rows)

    def take(self, kind: str, holding: Holding, product: Product | None, value_yen: int, reason: Reason) -> bool:
        """Make a change and keep its step if it raises the utility; return whether it did."""
        place = next((n for n, row in enumerate(self.rows) if row is holding), None)
        if place is None or product is None or value_yen == 0:
            return False
        gain = self.gain(place, product, value_yen)
        if gain <= 0:
            return False
        ja, en = reason(self, holding, product, value_yen)
        self.steps.append(Step(kind, holding, product, value_yen, ja, en, gain))
        self.rows = self.moved(place, product, value_yen)
        return True


def propose(
    before: tuple[Holding, ...],
    preference: Preference,
    tables: Tables,
    threshold_pct: Fraction = COST_THRESHOLD_PCT,
) -> Proposal:
    """Return what to change (提案), by the four steps above; the gains of the steps add up to the whole gain exactly.

    Parameters
    ----------
    before : tuple of Holding
        What the household holds; the sum is above zero.
    preference : Preference
        Gives λ, and the share that may be at risk at most.
    tables : Tables
        The rows in force; a step whose product is not in `products` is left out.
    threshold_pct : Fraction
        A fund above this yearly cost is replaced; 0.5 unless said (the article's author: above 0.5 % a year, say no).

    Returns
    -------
    Proposal
        Risky is a class whose risk is above zero; the utility is the rough one.

    Examples
    --------
    Ten million in one stock, at λ = 0.0125: 5 − 0.0125 × 35² = −10.3125; an index fund at 0.2 %: 4.8 − 0.0125 × 20² = −0.2;
    more is at risk than the preferred half, so half of it goes to retail government bonds: 2.4 − 0.0125 × 10² = 1.15.

    >>> from tsutsumi.core.household import decimal_text
    >>> from tsutsumi.core.household_tables import statute_tables
    >>> stock = Holding("a stock", "single-stock", 10_000_000, Fraction(0))
    >>> said = Preference(Fraction(5), Fraction(20), Fraction(50))
    >>> proposal = propose((stock,), said, statute_tables())
    >>> [(step.kind, decimal_text(step.gain_pct)) for step in proposal.steps]
    [('single-stock', '10.1125'), ('risky-share', '1.35')]
    >>> [(holding.class_name, holding.value_yen) for holding in proposal.after]
    [('domestic-equity', 5000000), ('government-bond-retail', 5000000)]
    """
    bench = Bench(before, tables, risk_aversion(preference))
    _single_stocks(bench)
    _costly_funds(bench, threshold_pct)
    _no_return(bench)
    _risky_share(bench, preference)
    return Proposal(tuple(bench.rows), tuple(bench.steps))


def _each(bench: Bench, chosen: Callable[[Holding], bool]) -> list[Holding]:
    """Return the holdings that a step looks at, as they are now; each is found again by identity."""
    return [row for row in bench.rows if row.value_yen and chosen(row)]


def _stock_market(tables: Tables, class_name: str) -> str | None:
    """Return the market of a class that is one stock, a market and a risk of its own; None for any other class."""
    movement = tables.movements.get(class_name)
    return movement.markets[0][0] if movement and movement.own and movement.markets else None


def _single_stocks(bench: Bench) -> None:
    for holding in _each(bench, lambda row: _stock_market(bench.tables, row.class_name) is not None):
        product = bench.tables.products.get(_stock_market(bench.tables, holding.class_name))
        bench.take("single-stock", holding, product, holding.value_yen, _stock_reason)


def _costly_funds(bench: Bench, threshold_pct: Fraction) -> None:
    for holding in _each(bench, lambda row: row.cost_pct > threshold_pct):
        product = bench.tables.products.get(holding.class_name)
        if product is not None and product.cost_pct < holding.cost_pct and not _belongs_to_step_3(bench, holding, product):
            bench.take("cost", holding, product, holding.value_yen, _cost_reason)


def _belongs_to_step_3(bench: Bench, holding: Holding, product: Product) -> bool:
    """Return whether even the cheapest product brings no return and the third step will take the holding."""
    safe = bench.tables.products.get(SAFE_CLASS)
    if safe is None or bench.tables.net_pct(holding.class_name, product.cost_pct) > 0:
        return False
    place = next(n for n, row in enumerate(bench.rows) if row is holding)
    return bench.gain(place, safe, holding.value_yen) > 0


def _no_return(bench: Bench) -> None:
    product = bench.tables.products.get(SAFE_CLASS)
    for holding in _each(bench, lambda row: row.cost_pct > 0 and bench.tables.net_pct(row.class_name, row.cost_pct) <= 0):
        bench.take("no-return", holding, product, holding.value_yen, _no_return_reason)


def _risky_share(bench: Bench, preference: Preference) -> None:
    """Move what is too much at risk, the holding with the least return for its risk first, ties in the order of the holdings."""
    product = bench.tables.products.get(SAFE_CLASS)
    if product is None or bench.tables.risk_pct(SAFE_CLASS) > 0:
        return
    allowed = preference.share_pct * PER_CENT * total_yen(bench.rows)
    refused: list[Holding] = []

    def reason(bench: Bench, holding: Holding, product: Product, value_yen: int) -> tuple[str, str]:
        return _share_reason(bench, holding, product, value_yen, preference)

    while True:
        risky = _each(bench, lambda row: bench.tables.risk_pct(row.class_name) > 0)
        excess = total_yen(risky) - allowed.numerator // allowed.denominator
        open_rows = [row for row in risky if not any(row is kept for kept in refused)]
        if excess <= 0 or not open_rows:
            return
        holding = min(open_rows, key=lambda row: _reward(bench.tables, row))
        if not bench.take("risky-share", holding, product, min(excess, holding.value_yen), reason):
            refused.append(holding)


def _reward(tables: Tables, holding: Holding) -> Fraction:
    """Return what a risky holding brings for each percent of its risk (リスク1%当たりの収益), over the safe class."""
    safe = tables.net_pct(SAFE_CLASS, tables.products[SAFE_CLASS].cost_pct)
    return (tables.net_pct(holding.class_name, holding.cost_pct) - safe) / tables.risk_pct(holding.class_name)


# ---- the sentences


def _share(bench: Bench, value_yen: int) -> str:
    """Return yen as a share of the wealth in percent, two decimals at most."""
    return shown(Fraction(100 * value_yen, total_yen(bench.rows)), 2)


def _stock_reason(bench: Bench, holding: Holding, product: Product, value_yen: int) -> tuple[str, str]:
    share, old = _share(bench, value_yen), shown(bench.tables.risk_pct(holding.class_name))
    new, cost = shown(bench.tables.risk_pct(product.class_name)), shown(product.cost_pct)
    return (
        f"「{holding.name}」は資産の{share}%を一つの会社に預けています（リスク{old}%）。"
        f"{product.ja}（リスク{new}%、費用{cost}%）に替えると、同じ市場に投資したまま、その会社だけのリスクがなくなります。",
        f"“{holding.name}” leaves {share} % of the wealth with one company (risk {old} %); {product.en} (risk {new} %, "
        f"cost {cost} %) keeps the market and drops the risk of that one company.",
    )


def _cost_reason(bench: Bench, holding: Holding, product: Product, value_yen: int) -> tuple[str, str]:
    old, new = shown(holding.cost_pct), shown(product.cost_pct)
    return (
        f"「{holding.name}」の費用は年{old}%です。同じ種類で最も費用の低い{product.ja}（年{new}%）に替えると、その差がそのまま手元に残ります。",
        f"“{holding.name}” costs {old} % a year; {product.en} of the same class costs {new} %, and the difference stays with you.",
    )


def _no_return_reason(bench: Bench, holding: Holding, product: Product, value_yen: int) -> tuple[str, str]:
    cost, gained = shown(holding.cost_pct), shown(bench.tables.assumptions[holding.class_name].return_pct)
    return (
        f"「{holding.name}」は、年{cost}%の費用を払っても期待できる収益率が{gained}%で、費用に見合いません。{product.ja}に替えます。",
        f"“{holding.name}” costs {cost} % a year for an expected return of {gained} %, which does not pay; "
        f"it goes to {product.en}.",
    )


def _share_reason(
    bench: Bench, holding: Holding, product: Product, value_yen: int, preference: Preference
) -> tuple[str, str]:
    risky = sum(row.value_yen for row in bench.rows if bench.tables.risk_pct(row.class_name) > 0)
    now, wanted, moved = _share(bench, risky), shown(preference.share_pct), _share(bench, value_yen)
    return (
        f"リスクのある資産が{now}%あり、お考えの{wanted}%を超えています。リスクの割に収益の見込めない「{holding.name}」から"
        f"{moved}%分を{product.ja}に移します。",
        f"{now} % of the wealth is at risk, more than the {wanted} % that you said; {moved} % of it, from “{holding.name}”, "
        f"goes to {product.en}.",
    )
