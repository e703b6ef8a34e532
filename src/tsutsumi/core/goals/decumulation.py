"""What a rule of drawing comes to (取り崩しの見通し): payments, probabilities, how long the money lasts.

The rules are those of `tsutsumi.core.drawing_rules`, which pays the real yen; here are their laws. A rule that takes a share of
what is there (percentage, term, annuity, Merton) makes every payment lognormal: it never ruins, and all of it has a closed form. A
fixed amount is a schedule: `schedule_course`. Guardrails, and a floor for every payment, are counted on the stored scenarios.
Payments are at the start of each month.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from tsutsumi.core.drawing_rules import MOST_MONTHS, DrawingRule, next_payment_yen, next_share
from tsutsumi.core.goals.normal import below, probit
from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR, GoalError, Portfolio
from tsutsumi.core.goals.scenarios import PATHS, SHARES, monthly_factors, stored_ranks, whole_yen
from tsutsumi.core.goals.schedule import NO_RISK, schedule_course
from tsutsumi.core.units import PPM

PROPORTIONAL = ("fixed-percentage", "fixed-term", "annuity", "merton")


def drawn_shares(rule: DrawingRule, months: int) -> np.ndarray:
    """Return float64[months], the share of the value that each payment takes (取り崩し割合の列): percentage, term, annuity, Merton.

    Raises
    ------
    GoalError
        The rule does not take a share of what is there.

    Examples
    --------
    >>> [round(share, 6) for share in drawn_shares(DrawingRule("fixed-term"), 4).tolist()]
    [0.25, 0.333333, 0.5, 1.0]
    """
    if rule.kind not in PROPORTIONAL:
        raise GoalError(f"drawing rule {rule.kind}: it takes no share of what is there; use {', '.join(PROPORTIONAL)}")
    return np.array([float(next_share(rule, left)) for left in range(months, 0, -1)])


def merton_rate(mu: float, vol: float, safe: float, impatience: float, aversion: float) -> float:
    """Return Merton's rate ν of consumption (マートンの消費率), a year.

    ν = (ρ − (1 − γ)(r + (μ − r)² / (2 γ σ²))) / γ. Spending W·ν / (1 − e^(−νT)) over T years is the annuity at the rate ν, so that
    `DrawingRule("annuity", rate_ppm)` with 12·(e^(ν/12) − 1) pays it: `merton_rule`.

    Parameters
    ----------
    mu, vol : drift and risk a year of what is risky
    safe : r, the return without risk
    impatience : ρ;  aversion : γ > 0, relative risk aversion; at 1 the rate is ρ

    Examples
    --------
    >>> round(merton_rate(0.05, 0.15, 0.01, 0.02, 3.0), 6)
    0.021235
    """
    if not (vol > 0 and aversion > 0):
        raise GoalError("Merton's rule: risk and aversion are above 0; correct them")
    reward = safe + (mu - safe) ** 2 / (2 * aversion * vol**2)
    return (impatience - (1 - aversion) * reward) / aversion


def merton_share(mu: float, vol: float, safe: float, aversion: float) -> float:
    """Return the risky share that Merton's rule holds (マートンの危険資産比率): (μ − r) / (γ σ²).

    >>> round(merton_share(0.05, 0.15, 0.01, 3.0), 6)
    0.592593
    """
    if not (vol > 0 and aversion > 0):
        raise GoalError("Merton's rule: risk and aversion are above 0; correct them")
    return (mu - safe) / (aversion * vol**2)


def merton_rule(mu: float, vol: float, safe: float, impatience: float, aversion: float) -> DrawingRule:
    """Return Merton's rule as an annuity in whole ppm (マートン型の取り崩し).

    >>> merton_rule(0.05, 0.15, 0.01, 0.02, 3.0).rate_ppm
    21253
    """
    nominal = MONTHS_A_YEAR * math.expm1(merton_rate(mu, vol, safe, impatience, aversion) / MONTHS_A_YEAR)
    return DrawingRule("annuity", rate_ppm=whole_yen(nominal * PPM))


def payment_law(mu: float, vol: float, now: float, shares: np.ndarray, wait: int = 0, first: float = 1.0):
    """Return (mean of ln payment, sd of ln payment) of each month's payment under a rule that takes shares (取り崩し額の分布).

    ln(payment k) = ln(q_k · W0 · Π(1 − q_j)) + months·(mu − vol²/2)/12 ± vol·√(months/12), months = wait + k (the first one of
    length `first`).

    Parameters
    ----------
    wait : whole months before the first payment
    """
    shares = np.asarray(shares, dtype=np.float64)
    kept = np.concatenate(([1.0], np.cumprod(1.0 - shares)[:-1]))
    months = np.maximum(np.arange(wait, wait + shares.size) - (1.0 - first), 0.0)
    with np.errstate(divide="ignore"):
        mean = np.log(shares * kept * now) + (mu - 0.5 * vol * vol) * months / MONTHS_A_YEAR
    return mean, vol * np.sqrt(months / MONTHS_A_YEAR)


def payment_probability(mu, vol, now, shares, floor: float, wait: int = 0, first: float = 1.0) -> np.ndarray:
    """Return the probability of each month that its payment reaches a floor (毎月の取り崩し額が下限以上の確率), closed form.

    Examples
    --------
    Of 1,200 over 12 months without return the 7th payment is 100·e^(−vol²/2·6/12) in the median: Φ(−0.01 / (0.2·√0.5)).

    >>> chances = payment_probability(0.0, 0.2, 1_200, drawn_shares(DrawingRule("fixed-term"), 12), 100)
    >>> float(chances[0]), round(float(chances[6]), 6)
    (1.0, 0.471814)
    """
    mean, sd = payment_law(mu, vol, now, shares, wait, first)
    if floor <= 0:
        return np.ones(mean.size)
    known, line = sd < 1e-12, math.log(floor)
    return np.array([
        float(middle >= line - 1e-12) if certain else below((middle - line) / wide)
        for middle, wide, certain in zip(mean, sd, known, strict=True)
    ])


def payment_quantiles(mu, vol, now, shares, wanted=SHARES, wait: int = 0, first: float = 1.0) -> np.ndarray:
    """Return float64[months, wanted], quantiles of each month's payment (取り崩し額の分位点), closed form.

    >>> round(float(payment_quantiles(0.0, 0.0, 1_200, drawn_shares(DrawingRule("fixed-term"), 12))[5, 2]), 9)
    100.0
    """
    mean, sd = payment_law(mu, vol, now, shares, wait, first)
    away = np.array([probit(share, 1.0 - share) for share in wanted])
    return np.exp(mean[:, None] + sd[:, None] * away)


def end_probability(mu, vol, now, shares, target: float) -> float:
    """Return the probability that a rule which takes shares leaves the target at the end (終了時の達成確率), closed form.

    W at the end = W0·Π(1 − q)·A, lognormal. Nothing is ever ruined: with target 0 it is 1.

    >>> end_probability(0.03, 0.15, 10_000_000, [0.05 / 12] * 240, 0)
    1.0
    """
    shares = np.asarray(shares, dtype=np.float64)
    if target <= 0:
        return 1.0
    kept = float(np.prod(1.0 - shares)) * now
    if kept <= 0:
        return 0.0
    years = shares.size / MONTHS_A_YEAR
    gain = math.log(kept / target) + (mu - 0.5 * vol * vol) * years
    return float(gain >= -1e-12) if vol < NO_RISK or years == 0 else below(gain / (vol * math.sqrt(years)))


@dataclass(frozen=True)
class AssetLife:
    """How many payments the money makes (資産寿命, 月数): at the mean return, and in the worst 5 %, half and 95 % of outcomes.

    None: it lasts longer than the payments that were given.
    """

    mean: int | None
    p5: int | None
    p50: int | None
    p95: int | None


def asset_life(mu, vol, now, payments, at_end=False, first=1.0) -> AssetLife:
    """Return how many months the money lasts (資産寿命) under a schedule of payments; exact.

    Parameters
    ----------
    mu, vol, now, payments, at_end, first : see `tsutsumi.core.goals.schedule.schedule_probability`
        Give payments further than anybody asks, such as 100 years: what lasts through all of them is None.

    Examples
    --------
    Without return 1,000 makes ten payments of 100, whatever is asked:

    >>> asset_life(0.0, 0.0, 1_000, [-100] * 24)
    AssetLife(mean=10, p5=10, p50=10, p95=10)
    """
    counts = [_first_below(schedule_course(mu, 0.0, now, payments, 0.0, at_end, first).alive, at_end, 0.5)]
    alive = schedule_course(mu, vol, now, payments, 0.0, at_end, first).alive
    counts += [_first_below(alive, at_end, 1.0 - share) for share in (0.05, 0.50, 0.95)]
    return AssetLife(*counts)


def _first_below(alive: np.ndarray, at_end: bool, share: float) -> int | None:
    """Return how many payments are made before the chance of no ruin falls to a share; the schedule's extra month is not one."""
    made = alive[1:] if at_end else alive[:-1]
    fallen = np.flatnonzero(made <= share + 1e-12) if share > 0 else np.flatnonzero(made <= 1e-12)
    return int(fallen[0]) if fallen.size else None


def payments_on_path(rule: DrawingRule, value_yen: int, growth) -> list[tuple[int, int]]:
    """Return (payment, value left) of each month on a path of growth factors (取り崩し予定表), in whole yen.

    The payment is that of the daily close (`next_payment_yen`); the value grows by the factor and is rounded to the yen.

    Parameters
    ----------
    rule : DrawingRule
    value_yen : int
    growth : sequence of float, one factor a month; `mean_growth` gives that of the mean

    Examples
    --------
    >>> payments_on_path(DrawingRule("fixed-term"), 1_000, [1.0, 1.1, 1.0])
    [(333, 667), (333, 367), (367, 0)]
    """
    rows, last = [], None
    for month, factor in enumerate(growth):
        review = month > 0 and month % MONTHS_A_YEAR == 0
        last = next_payment_yen(rule, value_yen, min(len(growth) - month, MOST_MONTHS), last, review)
        value_yen = whole_yen((value_yen - last) * float(factor))
        rows.append((last, value_yen))
    return rows


def mean_growth(portfolio: Portfolio, months: int, first: float = 1.0) -> list[float]:
    """Return the growth of the mean in each month (期待成長率): e^(mu/12).

    >>> [round(factor, 6) for factor in mean_growth(Portfolio(0.12, 0.2), 2)]
    [1.01005, 1.01005]
    """
    return [math.exp(portfolio.mu * (first if month == 0 else 1.0) / MONTHS_A_YEAR) for month in range(months)]


def buckets(value_yen: int, payments_yen, years: int) -> tuple[int, int]:
    """Return (cash, invested) of the bucket view (バケット表示): the payments of the next years in cash, the rest invested.

    A layer of reporting: probabilities are those of the whole.

    >>> buckets(10_000_000, [-100_000] * 240, 3)
    (3600000, 6400000)
    """
    due = -sum(min(payment, 0) for payment in payments_yen[: years * MONTHS_A_YEAR])
    cash = min(value_yen, due)
    return cash, value_yen - cash


@dataclass(frozen=True)
class RuleCourse:
    """What a rule comes to on the stored scenarios (取り崩しルールの見通し).

    Attributes
    ----------
    lasts : share of scenarios in which every payment was made in full
    reaches_floor : share in which every payment reached the floor and the end value the target
    payments : float64[months, shares], quantiles of each month's payment; empty if not asked for
    """

    lasts: float
    reaches_floor: float
    payments: np.ndarray


def rule_course(
    mu, vol, now, rule: DrawingRule, months: int, floor=0.0, target=0.0, saved=(), first=1.0, payments: bool = True
) -> RuleCourse:
    """Return what a rule comes to (取り崩しルールの見通し) by counting the stored scenarios; payments before it may be given.

    Parameters
    ----------
    floor : what every payment must reach
    target : what must be left after the last month
    saved : sequence of float
        Payments of the months before the rule starts, as in `schedule_probability`; ruin there is failure.
    payments : bool
        Whether the quantiles of the payments are wanted; without them it is several times faster.

    Examples
    --------
    Without risk the guardrails of 4 % on 1,200,000 pay 4,000 a month, then raise it by a tenth where 20 % too little is drawn:

    >>> course = rule_course(0.0, 0.0, 1_200_000, DrawingRule("guardrails", rate_ppm=40_000), 24, floor=4_000)
    >>> course.lasts, course.reaches_floor, float(course.payments[23, 2])
    (1.0, 1.0, 4000.0)
    """
    before = np.asarray(saved, dtype=np.float64)
    shares = drawn_shares(rule, months) if rule.kind in PROPORTIONAL else np.zeros(months)
    terms = np.array([rule.amount_yen, rule.rate_ppm / PPM, rule.band_ppm / PPM, rule.step_ppm / PPM, rule.rise_ppm / PPM])
    kind = ("fixed-amount", "guardrails").index(rule.kind) if rule.kind not in PROPORTIONAL else 2
    paid = np.empty((months if payments else 0, PATHS))
    lasts, reached = _walks(
        stored_ranks(before.size + months), monthly_factors(mu, vol, first), monthly_factors(mu, vol), float(now), before,
        shares, kind, terms, float(floor), float(target), paid,
    )
    return RuleCourse(_share(lasts, vol), _share(reached, vol), np.quantile(paid, SHARES, axis=1).T if payments else paid)


def _share(count: int, vol: float) -> float:
    """Return a count of scenarios as a probability; under risk none and all are half a scenario short of certain."""
    return count / PATHS if vol < NO_RISK else min(max(count, 0.5), PATHS - 0.5) / PATHS


@njit(cache=True, error_model="numpy")
def _asked(kind, share, terms, wealth, last, month):
    """Return what the rule asks for in a month, before it is held against what there is."""
    if kind == 2:
        return wealth * share
    if kind == 0:
        return terms[0]
    if month == 0:
        return wealth * terms[1] / 12.0
    if month % 12 != 0:
        return last
    payment = last * (1.0 + terms[4])
    if payment * 12.0 > wealth * terms[1] * (1.0 + terms[2]):
        return payment * (1.0 - terms[3])
    if payment * 12.0 < wealth * terms[1] * (1.0 - terms[2]):
        return payment * (1.0 + terms[3])
    return payment


@njit(cache=True, error_model="numpy")
def _walks(ranks, first_factors, factors, now, before, shares, kind, terms, floor, target, paid):
    """Walk every path month by month; fill the payments if asked, return how many last, and how many reach floor and target."""
    paths, close = ranks.shape[1], 1.0 - 1e-9
    wealth, last = np.full(paths, now), np.zeros(paths)
    full, enough = np.ones(paths, np.bool_), np.ones(paths, np.bool_)
    for month in range(before.size + shares.size):
        growth, row, drawing = (first_factors if month == 0 else factors), ranks[month], month - before.size
        for path in range(paths):
            money = wealth[path]
            if drawing < 0:
                money += before[month]
                full[path] = full[path] and money >= 0.0
                money = max(money, 0.0) if full[path] else 0.0
            else:
                asked = _asked(kind, shares[drawing], terms, money, last[path], drawing)
                payment = min(asked, money)
                full[path] = full[path] and payment >= asked * close
                enough[path] = enough[path] and payment >= floor * close
                last[path] = payment
                money -= payment
            wealth[path] = money * growth[row[path]]
        if drawing >= 0 and paid.shape[0] > 0:
            paid[drawing] = last
    lasts, reached = 0, 0
    for path in range(paths):
        lasts += full[path]
        reached += full[path] and enough[path] and wealth[path] >= target * close
    return lasts, reached
