"""The probability of a goal with any schedule of monthly payments (任意の入出金の達成確率), exact: the reference of other ways.

Bonus months, one-off payments, growth, saving and then drawing, drawing only, saving that stops half way: all are one array of
payments. W ← (W·keep + c)·R at the start of each month, or W ← W·R·keep + c at its end; ln R is normal with mean
(mu − vol²/2)/12 and variance vol²/12. W + c < 0 is ruin and stays failure, whatever comes later. Success: W at the end ≥ target.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from tsutsumi.core.goals.density import REACH, mass_below, pay, quantile
from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.portfolio import GoalError

MONTHS = 12
NO_RISK = 1e-5  # a yearly risk below it counts as none
NEGLIGIBLE = 1e-4  # money below this share of the next payment in makes no difference


@dataclass(frozen=True)
class Course:
    """What a schedule comes to (見通し).

    Attributes
    ----------
    probability : W at the end reaches the target and was never ruined
    alive : float64[n + 1], the probability of no ruin after the payment of each month; the last: after the last payment
    quantiles : float64[asked months, asked shares], wealth at the end of those months, 0 where ruined
    """

    probability: float
    alive: np.ndarray
    quantiles: np.ndarray


def schedule_probability(mu, vol, now, payments, target=0.0, at_end=False, first=1.0, keep=None) -> float:
    """Return the probability that money lasts and reaches its target (達成確率) with any schedule of payments.

    Parameters
    ----------
    mu, vol : float
        Drift and risk a year: E[W after a year] = W·e^mu, sd of the log-return.
    now : float
        Wealth today, in any unit that the payments share.
    payments : sequence of float, one a month
        In (+) or out (−), at the start of each month, or with `at_end` at its end.
    target : float
        What must be there after the last month; 0: it is enough that the money lasts.
    first : float
        Length of the first month, 0 < first ≤ 1, where the goal does not start on the first of a month.
    keep : sequence of float, optional
        Share of wealth that stays when a share of it is drawn each month (定率取り崩し), just before the payment.

    Raises
    ------
    GoalError
        A number is not finite, risk is negative, wealth is negative, or `first` or `keep` is out of its range.

    Examples
    --------
    A lump sum has a closed form, Φ((ln(5/8) + (0.05 − 0.15²/2)·10) / (0.15·√10)):

    >>> round(schedule_probability(0.05, 0.15, 5_000_000, [0] * 120, 8_000_000), 6)
    0.430959

    Without risk and return, 12 payments of 10 make 120, and a drawing of 130 from 120 is ruin:

    >>> [schedule_probability(0.0, 0.0, 0, [10] * 12, goal) for goal in (120, 121)]
    [1.0, 0.0]
    >>> schedule_probability(0.0, 0.0, 0, [10] * 12 + [-130, 500])
    0.0
    """
    return schedule_course(mu, vol, now, payments, target, at_end, first, keep).probability


def schedule_course(
    mu, vol, now, payments, target=0.0, at_end=False, first=1.0, keep=None, months=(), shares=()
) -> Course:
    """Return the probability, the chance of no ruin month by month, and quantiles of wealth (分位点) at the end of given months.

    Parameters
    ----------
    mu, vol, now, payments, target, at_end, first, keep : see `schedule_probability`
    months : ascending ints, 1 to the number of payments
    shares : floats between 0 and 1: the share of all outcomes, ruined ones as 0, that the quantile is not below

    Examples
    --------
    The median of a lump sum after a year is W·e^(mu − vol²/2):

    >>> course = schedule_course(0.05, 0.20, 100, [0] * 12, months=[12], shares=[0.5])
    >>> round(float(course.quantiles[0, 0]), 6) == round(100 * math.exp(0.03), 6)
    True
    """
    paid = checked_payments(mu, vol, now, payments, target, first)
    kept = np.ones(paid.size) if keep is None else np.asarray(keep, dtype=np.float64)
    if kept.size != paid.size or not ((kept >= 0) & (kept <= 1)).all():
        raise GoalError("keep: one share between 0 and 1 for each payment")
    if at_end:  # W ← W·R·keep + c, then the next month: the same law with every payment a month later
        paid, kept = np.append(0.0, paid), np.append(1.0, kept)
    else:
        paid, kept = np.append(paid, 0.0), np.append(kept, 1.0)
    drift = np.full(paid.size - 1, (mu - 0.5 * vol * vol) / MONTHS)
    if drift.size:
        drift[0] *= first
    asked = np.asarray(months, dtype=np.int64)
    wanted = np.asarray(shares, dtype=np.float64)
    if vol < NO_RISK:
        result = _certain(float(now), paid, kept, drift, max(float(target), 0.0), at_end, asked)
        return Course(result[0], result[1], np.repeat(result[2][:, None], wanted.size, axis=1))
    sd = np.full(paid.size - 1, vol / math.sqrt(MONTHS))
    if sd.size:
        sd[0] *= math.sqrt(first)
    return Course(*_course(float(now), paid, kept, drift, sd, max(float(target), 0.0), at_end, asked, wanted))


def checked_payments(mu, vol, now, payments, target, first) -> np.ndarray:
    """Return the payments as an array, or refuse what is no goal."""
    paid = np.asarray(payments, dtype=np.float64)
    if not (np.isfinite([mu, vol, now, target]).all() and np.isfinite(paid).all()):
        raise GoalError("a number is not finite: give drift, risk, wealth, target and payments as ordinary numbers")
    if vol < 0:
        raise GoalError(f"risk {vol} is negative: give 0 or more")
    if now < 0:
        raise GoalError(f"wealth {now} is negative: give 0 or more")
    if not 0 < first <= 1:
        raise GoalError(f"first month {first}: its length is above 0 and at most 1")
    return paid


@njit(cache=True, error_model="numpy")
def _certain(now, paid, kept, drift, target, at_end, asked):
    """Return (probability, alive, wealth at the end of the asked months) without risk."""
    wealth, alive, told = now, np.ones(paid.size), np.zeros(asked.size)
    ruined, place = False, 0
    for t in range(paid.size):
        while place < asked.size and asked[place] < t:
            place += 1
        here = place < asked.size and asked[place] == t and t > 0
        if here and not at_end:
            told[place] = wealth
        wealth = wealth * kept[t] + paid[t]
        if ruined or wealth < -1e-9 * abs(paid[t]):
            ruined, wealth = True, 0.0
        wealth = max(wealth, 0.0)
        alive[t] = 0.0 if ruined else 1.0
        if here and at_end:
            told[place] = wealth
        if t < drift.size:
            wealth *= math.exp(drift[t])
    reached = not ruined and wealth >= target * (1.0 - 1e-12)
    return (1.0 if reached else 0.0), alive, told


@njit(cache=True, error_model="numpy")
def _bottoms(paid, kept, drift, sd, target, told):
    """Return for each month ln of the wealth after its payment below which money makes no difference to what is asked."""
    floor = np.inf
    if told:  # quantiles too: what is left below a thousandth of the smallest drawing counts as nothing
        floor = -np.inf
        for t in range(paid.size):
            if paid[t] < 0.0:
                floor = min(floor, math.log(-1e-3 * paid[t])) if floor > -np.inf else math.log(-1e-3 * paid[t])
    bottoms = np.full(paid.size, np.inf)
    line = math.log(target) if target > 0.0 else np.inf  # of the next thing that asks for money
    wide = 0.0
    for t in range(paid.size - 1, -1, -1):
        bottoms[t] = min(floor, line - (REACH + 0.5) * math.sqrt(wide))
        if paid[t] > 0.0:
            line, wide = math.log(NEGLIGIBLE * paid[t]), 0.0
        elif paid[t] < 0.0:
            line, wide = math.log(-paid[t]), 0.0
        if kept[t] == 0.0:
            line = line if paid[t] != 0.0 else np.inf
        elif line < np.inf:
            line -= math.log(kept[t])
        if t > 0:
            line, wide = line - drift[t - 1], wide + sd[t - 1] ** 2
    return bottoms


@njit(cache=True, error_model="numpy")
def _course(now, paid, kept, drift, sd, target, at_end, asked, shares):
    """Return (probability, alive, quantiles) by the recursion of the density."""
    alive, told = np.zeros(paid.size), np.zeros((asked.size, shares.size))
    bottoms = _bottoms(paid, kept, drift, sd, target, asked.size > 0)
    points, masses, atom = _start(now * kept[0] + paid[0])
    alive[0] = masses.sum() + atom
    last, place, even = paid.size - 1, 0, np.bool_(True)
    for t in range(1, paid.size):
        centres = points + drift[t - 1]
        while place < asked.size and asked[place] < t:
            place += 1
        if place < asked.size and asked[place] == t:
            gone = 1.0 - masses.sum() - atom
            for k in range(shares.size):
                told[place, k] = quantile(centres, masses, sd[t - 1], gone + atom, shares[k])
                if at_end:
                    told[place, k] = max(told[place, k] * kept[t] + paid[t], 0.0) if shares[k] > gone else 0.0
        if kept[t] == 0.0:
            atom, centres, masses = atom + masses.sum(), np.zeros(0), np.zeros(0)
        else:
            centres = centres + math.log(kept[t])
        if t == last:
            return _reached(centres, masses, sd[t - 1], atom, paid[t], target, alive, told)
        if centres.size == 0:
            ruined = atom if paid[t] < 0.0 else 0.0
            points, masses, atom = _from_nothing(atom, paid[t])
            even = np.bool_(True)
        else:
            points, masses, even, atom, ruined = pay(centres, masses, sd[t - 1], even, atom, paid[t], bottoms[t], sd[t])
        alive[t] = max(alive[t - 1] - ruined, 0.0)
    return (alive[0] if now * kept[0] + paid[0] >= target else 0.0), alive, told


@njit(cache=True, error_model="numpy")
def _start(wealth):
    """Return the law of a known wealth after the first payment: a point, an atom at 0, or nothing after ruin."""
    if wealth > 0.0:
        return np.array([math.log(wealth)]), np.ones(1), 0.0
    return np.zeros(0), np.zeros(0), (1.0 if wealth == 0.0 else 0.0)


@njit(cache=True, error_model="numpy")
def _from_nothing(atom, payment):
    """Return the law after a payment where all that is left is an atom at 0."""
    if payment > 0.0 and atom > 0.0:
        return np.array([math.log(payment)]), np.array([atom]), 0.0
    return np.zeros(0), np.zeros(0), (atom if payment == 0.0 else 0.0)


@njit(cache=True, error_model="numpy")
def _reached(centres, masses, sd, atom, payment, target, alive, told):
    """Return (probability, alive, quantiles) after the last payment."""
    everybody = masses.sum() + atom
    lasts = everybody
    if payment < 0.0:
        lasts = masses.sum() - mass_below(centres, masses, sd, math.log(-payment))
    alive[alive.size - 1] = min(max(lasts, 0.0), 1.0)
    wanted = target - payment
    if wanted <= 0.0:
        return min(everybody, 1.0), alive, told
    success = 0.0
    for i in range(centres.size):
        success += masses[i] * below((centres[i] - math.log(wanted)) / sd)
    return min(max(success, 0.0), 1.0), alive, told
