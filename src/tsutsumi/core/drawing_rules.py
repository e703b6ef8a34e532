"""How much the next drawing pays (取り崩しルール), from the value of the day: exact integers and fractions, cut to whole yen.

`fixed-amount` (定額): the same yen each month. `fixed-percentage` (定率): a share of the value. `fixed-term` (期間指定): the value
over the months left. `annuity` (年金式, VPW): the level payment that would use the value up at an assumed rate. `guardrails`
(ガードレール): the last payment, reviewed once a year and changed where it left its band. `merton` (マートン): the constant share
of the value that Merton's rule consumes for ever. None pays more than there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from tsutsumi.core.units import PPM, round_fraction, round_yen

KINDS = ("fixed-amount", "fixed-percentage", "fixed-term", "annuity", "guardrails", "merton")
NUMBERS = (
    "amount_yen", "rate_ppm", "band_ppm", "step_ppm", "rise_ppm", "drift_ppm", "risk_ppm", "safe_ppm", "impatience_ppm",
    "aversion_ppm",
)
MONTHS = 12
MOST_MONTHS = 1_200
LEAST_RATE_PPM, MOST_RATE_PPM = -500_000, 12_000_000


@dataclass(frozen=True)
class DrawingRule:
    """A rule of drawing (取り崩しルール).

    Attributes
    ----------
    kind : one of `KINDS`
    amount_yen : fixed-amount: the payment of a month
    rate_ppm : a year, a twelfth of it each month. fixed-percentage: share of the value. annuity: the assumed return. guardrails:
        the share of the value that the first year pays
    at_end : annuity: payments at the end of each month, not at its start
    band_ppm : guardrails: how far the rate may leave `rate_ppm`, as a share of it; 200,000 is ±20 %
    step_ppm : guardrails: by how much a payment that left the band is cut or raised
    rise_ppm : guardrails: the yearly rise of the payment with prices, before the band is looked at
    drift_ppm, risk_ppm : merton: μ and σ of what is risky, a year, of the logarithm (mu and vol of `tsutsumi goal`)
    safe_ppm : merton: r, the return without risk
    impatience_ppm : merton: ρ
    aversion_ppm : merton: γ, relative risk aversion; 3,000,000 is 3
    """

    kind: str
    amount_yen: int = 0
    rate_ppm: int = 0
    at_end: bool = False
    band_ppm: int = 200_000
    step_ppm: int = 100_000
    rise_ppm: int = 0
    drift_ppm: int = 0
    risk_ppm: int = 0
    safe_ppm: int = 0
    impatience_ppm: int = 0
    aversion_ppm: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no rule."""
        if self.kind not in KINDS:
            raise ValueError(f"drawing rule {self.kind!r} is unknown: use one of {', '.join(KINDS)}")
        for name in NUMBERS:
            if type(getattr(self, name)) is not int:
                raise ValueError(f"drawing rule {self.kind}: {name} {getattr(self, name)!r} is no whole number: give an int")
        if self.amount_yen < 0 or (self.kind == "fixed-amount" and self.amount_yen == 0):
            raise ValueError(f"drawing rule {self.kind}: amount_yen {self.amount_yen}: give the yen of a month, above 0")
        least = LEAST_RATE_PPM if self.kind == "annuity" else 0
        if not least <= self.rate_ppm <= MOST_RATE_PPM:
            raise ValueError(f"drawing rule {self.kind}: rate_ppm {self.rate_ppm} is outside {least:,} to {MOST_RATE_PPM:,} a year")
        if not (0 <= self.band_ppm < PPM and 0 <= self.step_ppm < PPM and -PPM < self.rise_ppm):
            raise ValueError(f"drawing rule {self.kind}: band and step lie between 0 and below 1,000,000 ppm; correct them")
        if self.kind == "merton":
            if self.risk_ppm <= 0 or self.aversion_ppm <= 0:
                raise ValueError("drawing rule merton: risk_ppm and aversion_ppm are above 0; correct them")
            if merton_share_of_year(self) <= 0:
                raise ValueError("drawing rule merton: with these settings it would pay nothing; raise impatience_ppm")


def next_payment_yen(
    rule: DrawingRule, value_yen: int, months_left: int | None = None, last_yen: int | None = None, review: bool = False
) -> int:
    """Return the next payment of a drawing rule (次回の取り崩し額) in whole yen.

    fixed-amount: amount. fixed-percentage: value × rate / 12. fixed-term: value / n. annuity, with i = rate / 12: value ×
    i / (1 − (1 + i)⁻ⁿ), divided by 1 + i if paid at the start of the month; value / n where i = 0. guardrails: first value ×
    rate / 12; then the last payment; at a review last × (1 + rise), times (1 − step) if twelve of it are more than
    rate × (1 + band) of the value, times (1 + step) if they are less than rate × (1 − band). merton: value × ν / 12,
    ν = (ρ − (1 − γ)(r + (μ − r)² / (2 γ σ²))) / γ, exact.

    Parameters
    ----------
    rule : DrawingRule
    value_yen : int
        What is there before the payment, ≥ 0.
    months_left : int
        n, this payment counted; needed for fixed-term and annuity, 1 to 1,200.
    last_yen : int, optional
        The payment of the month before; guardrails.
    review : bool
        Whether a year has passed since the first payment or the last review; guardrails.

    Returns
    -------
    int
        Cut to the yen (切り捨て), once; never above `value_yen`. The last month of a term or of an annuity pays everything.

    Raises
    ------
    ValueError
        The value is no whole number of yen from 0 on, or months_left is missing or out of range.

    Examples
    --------
    >>> next_payment_yen(DrawingRule("fixed-amount", amount_yen=100_000), 60_000)
    60000
    >>> next_payment_yen(DrawingRule("fixed-percentage", rate_ppm=40_000), 10_000_000)
    33333
    >>> next_payment_yen(DrawingRule("fixed-term"), 10_000_000, months_left=7)
    1428571

    At 12 % a year i is 1 %: of 1,000,000 over two months, 1,000,000 × 0.01 × 1.01 / (1.01² − 1) = 502,487.56:

    >>> next_payment_yen(DrawingRule("annuity", rate_ppm=120_000), 1_000_000, months_left=2)
    502487

    40,000 a month is 6 % of 8,000,000, above 4.8 %: it is cut by a tenth. Of 9,600,000 it is 5 %, within ±20 % of 4.2 %:

    >>> rails = DrawingRule("guardrails", rate_ppm=40_000)
    >>> next_payment_yen(rails, 8_000_000, last_yen=40_000, review=True)
    36000
    >>> next_payment_yen(DrawingRule("guardrails", rate_ppm=42_000), 9_600_000, last_yen=40_000, review=True)
    40000

    With γ = 1 Merton's share is ρ, whatever the market: 3 % a year of 10,000,000.

    >>> merton = DrawingRule("merton", drift_ppm=50_000, risk_ppm=150_000, impatience_ppm=30_000, aversion_ppm=1_000_000)
    >>> next_payment_yen(merton, 10_000_000)
    25000
    """
    if type(value_yen) is not int or value_yen < 0:
        raise ValueError(f"value_yen {value_yen!r}: give whole yen, 0 or more")
    if rule.kind in ("fixed-term", "annuity") and not (type(months_left) is int and 1 <= months_left <= MOST_MONTHS):
        raise ValueError(f"drawing rule {rule.kind}: months_left {months_left!r}: give the payments left, 1 to {MOST_MONTHS:,}")
    if rule.kind == "fixed-amount":
        return min(rule.amount_yen, value_yen)
    if rule.kind == "guardrails":
        return min(_guarded(rule, value_yen, last_yen, review), value_yen)
    share = next_share(rule, months_left)
    return round_fraction(value_yen * share.numerator, share.denominator, "down")


@lru_cache(maxsize=10_000)
def next_share(rule: DrawingRule, months_left: int | None) -> Fraction:
    """Return the share of the value that the next payment takes (取り崩し割合), exact, at most 1: all but amounts and guardrails.

    >>> next_share(DrawingRule("fixed-term"), 4), next_share(DrawingRule("annuity", rate_ppm=120_000), 1)
    (Fraction(1, 4), Fraction(1, 1))
    """
    if rule.kind == "fixed-percentage":
        return min(Fraction(rule.rate_ppm, MONTHS * PPM), Fraction(1))
    if rule.kind == "merton":
        return min(merton_share_of_year(rule) / MONTHS, Fraction(1))
    if rule.kind == "fixed-term" or rule.rate_ppm == 0:
        return Fraction(1, months_left)
    top, bottom = MONTHS * PPM + rule.rate_ppm, MONTHS * PPM  # 1 + i = top / bottom
    grown, plain = top**months_left, bottom**months_left
    share = Fraction(rule.rate_ppm * grown, bottom * (grown - plain))
    return min(share if rule.at_end else share * Fraction(bottom, top), Fraction(1))


def merton_share_of_year(rule: DrawingRule) -> Fraction:
    """Return Merton's rate ν of consumption (マートンの消費率), a year, exact: the `merton_rate` of `core.goals.decumulation`.

    ν = (ρ − (1 − γ)(r + (μ − r)² / (2 γ σ²))) / γ.

    Of μ 5 %, σ 15 %, r 1 %, ρ 2 %, γ 3: (0.02 + 2 × (0.01 + 0.0016 / 0.135)) / 3 = 43 / 2025, that is 2.1235 % a year.

    >>> merton_share_of_year(DrawingRule("merton", drift_ppm=50_000, risk_ppm=150_000, safe_ppm=10_000, impatience_ppm=20_000,
    ...                                  aversion_ppm=3_000_000))
    Fraction(43, 2025)
    """
    names = ("drift_ppm", "risk_ppm", "safe_ppm", "impatience_ppm", "aversion_ppm")
    drift, risk, safe, impatience, aversion = (Fraction(getattr(rule, name), PPM) for name in names)
    reward = safe + (drift - safe) ** 2 / (2 * aversion * risk**2)
    return (impatience - (1 - aversion) * reward) / aversion


def rule_of(row: Mapping) -> DrawingRule | None:
    """Return the rule of a row of `drawing_terms` (取り崩し条件の行); None is a pause: a fixed amount of 0.

    >>> rule_of({"rule_kind": "fixed-amount", "amount_yen": 0}) is None
    True
    >>> rule_of({"rule_kind": "fixed-percentage", "rate_ppm": 40_000}).rate_ppm
    40000
    """
    if row["rule_kind"] == "fixed-amount" and not row["amount_yen"]:
        return None
    at_end = row.get("timing", "start") == "end"
    return DrawingRule(row["rule_kind"], at_end=at_end, **{name: row[name] for name in NUMBERS if name in row})


def _guarded(rule: DrawingRule, value_yen: int, last_yen: int | None, review: bool) -> int:
    """Return the payment of the guardrails before it is held against what there is."""
    if last_yen is None:
        return round_yen(Fraction(value_yen * rule.rate_ppm, MONTHS * PPM), "down")
    if not review:
        return last_yen
    payment = Fraction(last_yen * (PPM + rule.rise_ppm), PPM)
    if payment * MONTHS * PPM * PPM > value_yen * rule.rate_ppm * (PPM + rule.band_ppm):
        payment = payment * (PPM - rule.step_ppm) / PPM
    elif payment * MONTHS * PPM * PPM < value_yen * rule.rate_ppm * (PPM - rule.band_ppm):
        payment = payment * (PPM + rule.step_ppm) / PPM
    return round_yen(payment, "down")
