"""The advice to one household (助言): the figures before and after, the gain, the fee, and the parts that add up to it."""

from dataclasses import dataclass
from fractions import Fraction

from tsutsumi.core.household import (
    Assumption,
    Holding,
    HouseholdError,
    Movement,
    Product,
    Rough,
    Tables,
    fee_yen,
    risk_aversion,
    rough_figures,
    shared_yen,
    total_yen,
    whole_yen,
)
from tsutsumi.core.household_file import Household
from tsutsumi.core.household_numbers import shown
from tsutsumi.core.household_precise import BestShare, Precise, best_share, precise_figures
from tsutsumi.core.household_proposal import COST_THRESHOLD_PCT, Step, propose

FEE_SHARE_PCT = Fraction(20)
FEE_DUE = ("once", "yearly")


@dataclass(frozen=True)
class Side:
    """One side of the comparison (相談前・相談後): holdings, rough figures, precise figures, best shares by either."""

    holdings: tuple[Holding, ...]
    rough: Rough
    precise: Precise
    rough_best: BestShare | None
    precise_best: BestShare | None


@dataclass(frozen=True)
class Part:
    """A part of the gain (価値の内訳): its kind, a sentence in either language, its gain in % a year and in whole yen."""

    kind: str
    reason_ja: str
    reason_en: str
    gain_pct: Fraction
    gain_yen: int
    step: Step | None


@dataclass(frozen=True)
class Advice:
    """The advice (助言) and everything that it was made of."""

    household: Household
    tables: Tables
    aversion: Fraction
    before: Side
    after: Side
    parts: tuple[Part, ...]
    fee_share_pct: Fraction
    fee_due: str
    cost_threshold_pct: Fraction

    @property
    def total_yen(self) -> int:
        """The wealth in yen (金融資産の合計)."""
        return total_yen(self.before.holdings)

    @property
    def gain_pct(self) -> Fraction:
        """U(after) − U(before) by the rough method, % of the wealth a year (助言の価値)."""
        return self.after.rough.utility - self.before.rough.utility

    @property
    def precise_gain_pct(self) -> Fraction:
        """The same by the precise method."""
        return self.after.precise.utility - self.before.precise.utility

    @property
    def gain_yen(self) -> int:
        """The gain in whole yen a year, cut toward zero."""
        return whole_yen(self.total_yen, self.gain_pct)

    @property
    def precise_gain_yen(self) -> int:
        """The precise gain in whole yen a year, cut toward zero."""
        return whole_yen(self.total_yen, self.precise_gain_pct)

    @property
    def fee_yen(self) -> int:
        """The fee in whole yen (助言の報酬), charged once or each year as `fee_due` says; 0 without a gain."""
        return fee_yen(self.total_yen, self.gain_pct, self.fee_share_pct)


def advise(
    household: Household,
    tables: Tables,
    fee_share_pct: Fraction = FEE_SHARE_PCT,
    fee_due: str = "once",
    cost_threshold_pct: Fraction = COST_THRESHOLD_PCT,
) -> Advice:
    """Return what the advice is worth (助言の価値): U(after) − U(before), rough and precise, with its parts.

    Parameters
    ----------
    household, tables : from `parse_household`
        Where `after` is None it is proposed, and the parts are the steps of the proposal. Where it is given the parts are two:
        what the expected return after costs adds, and what the lower risk adds. Either way their yen add up to `gain_yen`.
    fee_share_pct : Fraction
        The fee as a share of the first year's gain, from 0 to 100.
    fee_due : "once" | "yearly"
    cost_threshold_pct : Fraction
        A fund above this yearly cost is replaced by a proposal.

    Raises
    ------
    HouseholdError
        `fee_due` is unknown, or correlations contradict each other.
    """
    if fee_due not in FEE_DUE:
        raise HouseholdError(f"--fee-due: {fee_due!r} is unknown: use one of {', '.join(FEE_DUE)}")
    aversion = risk_aversion(household.preference)
    before = _side(household.before, tables, aversion)
    if household.after is None:
        proposal = propose(household.before, household.preference, tables, cost_threshold_pct)
        after = _side(proposal.after, tables, aversion)
        found = [(s.kind, s.reason_ja, s.reason_en, s.gain_pct, s) for s in proposal.steps]
    else:
        after = _side(household.after, tables, aversion)
        found = _two_parts(before.rough, after.rough, aversion)
    yen = shared_yen(total_yen(household.before), [part[3] for part in found])
    parts = tuple(Part(*part[:4], gain_yen=own, step=part[4]) for part, own in zip(found, yen, strict=True))
    return Advice(household, tables, aversion, before, after, parts, fee_share_pct, fee_due, cost_threshold_pct)


def _side(holdings: tuple[Holding, ...], tables: Tables, aversion: Fraction) -> Side:
    return Side(
        holdings,
        rough_figures(holdings, tables, aversion),
        precise_figures(holdings, tables, aversion),
        best_share(holdings, tables, aversion),
        best_share(holdings, tables, aversion, precise=True),
    )


def _two_parts(before: Rough, after: Rough, aversion: Fraction) -> list[tuple[str, str, str, Fraction, None]]:
    """Return the parts of a gain whose advice is given: expected return after costs, and risk."""
    returns = [shown(side.return_pct) for side in (before, after)]
    risks = [shown(side.risk_pct) for side in (before, after)]
    return [
        (
            "return",
            f"費用を引いた期待収益率が{returns[0]}%から{returns[1]}%になります。",
            f"The expected return after costs goes from {returns[0]} % to {returns[1]} %.",
            after.return_pct - before.return_pct,
            None,
        ),
        (
            "risk",
            f"リスクが{risks[0]}%から{risks[1]}%になります。",
            f"The risk goes from {risks[0]} % to {risks[1]} %.",
            aversion * (before.risk_pct**2 - after.risk_pct**2),
            None,
        ),
    ]


def used_classes(advice: Advice) -> list[str]:
    """Return the classes that the figures rest on: those held before or after, then the markets that these move with."""
    held = [row.class_name for row in (*advice.before.holdings, *advice.after.holdings)]
    moved = [advice.tables.movements[name] for name in held if name in advice.tables.movements]
    return list(dict.fromkeys([*held, *(market for row in moved for market, _ in row.markets)]))


def used_assumptions(advice: Advice) -> list[Assumption]:
    """Return the assumption rows that the figures rest on (使った前提)."""
    return [advice.tables.assumptions[name] for name in used_classes(advice)]


def used_movements(advice: Advice) -> list[Movement]:
    """Return how the classes that are held move with the markets (使った値動きの前提)."""
    return [advice.tables.movements[name] for name in used_classes(advice) if name in advice.tables.movements]


def used_products(advice: Advice) -> list[Product]:
    """Return the products that the proposal buys (提案した商品), each once."""
    return list(dict.fromkeys(part.step.product for part in advice.parts if part.step is not None))
