"""A slow, plain reading of the conventions of goals, to check fast tables against: walks with every payment played.

Three readings of the same sentences, from the plainest to the widest:

- `exact`: one and two months, and money without payments, from the normal law alone (no chance);
- `plays_out`: one goal on one walk, in plain Python, each sentence quoted;
- `frequencies`: many goals of one portfolio on millions of shared walks, compiled, with standard errors.

A walk is played together with its mirror (every shock with the other sign): a pair counts as one trial in the errors.
`random_portfolio` and `random_goal` draw what the tests ask. Money is whole yen in a goal and a float on a walk.
"""

import math
import random
from dataclasses import dataclass

import numpy as np
from numba import njit

BLOCK_PAIRS = 512
QUADRILLION = 10**15  # nobody asks about more
RUINED = -math.inf
WIDEST = 9.0  # standard deviations; beyond them lies 1e-19


@dataclass(frozen=True)
class Portfolio:
    """Expected yearly simple return and its standard deviation; `log` gives drift and volatility directly."""

    mean: float
    risk: float
    log: bool = False

    @property
    def drift(self) -> float:
        """mu = ln(1+m)"""
        return self.mean if self.log else math.log(1 + self.mean)

    @property
    def vol(self) -> float:
        """vol² = ln(1 + (s/(1+m))²)"""
        return self.risk if self.log else math.sqrt(math.log(1 + (self.risk / (1 + self.mean)) ** 2))

    @property
    def monthly(self) -> tuple[float, float]:
        """A month's log-return ~ N((mu − vol²/2)/12, vol²/12). -> its mean and standard deviation"""
        return (self.drift - self.vol**2 / 2) / 12, self.vol / math.sqrt(12)


@dataclass(frozen=True)
class Goal:
    """One sleeve of money: what is there, what is paid (drawn, if negative) each month, what is wanted, and when."""

    now_yen: int
    monthly_yen: int
    target_yen: int
    months: int
    at_end: bool = False


# ---------------------------------------------------------------------------------------------------------- plain Python
def plays_out(goal: Goal, log_returns: list[float]) -> bool:
    """Whether the goal is reached on one walk."""
    money = float(goal.now_yen)
    for month in range(goal.months):
        growth = math.exp(log_returns[month])
        if goal.at_end:
            money = money * growth + goal.monthly_yen  # "(or the end, by option)"
            if money < 0:
                return False
        else:
            money = money + goal.monthly_yen  # "Payment c at the start of each month: W ← (W + c)·R. c < 0 draws."
            if money < 0:
                return False  # "W + c < 0 is ruin: failure."
            money = money * growth
    return money >= goal.target_yen  # "Success: W_T ≥ G (G = 0: the money lasts)."


def certain(portfolio: Portfolio, goal: Goal) -> bool:
    """"Risk 0 is deterministic": the one walk that there is."""
    return plays_out(goal, [portfolio.drift / 12] * goal.months)


# --------------------------------------------------------------------------------------------------- without any chance
def below(z: float) -> float:
    """P(a standard normal < z), exact in both tails."""
    return math.erfc(-z / math.sqrt(2)) / 2


def reached(portfolio: Portfolio, money: float, wanted: float, months: int = 1) -> float:
    """P(money · R ≥ wanted) after so many months without payments."""
    if money < 0:
        return 0.0
    if wanted <= 0:
        return 1.0
    if money == 0:
        return 0.0
    mean, deviation = portfolio.monthly
    return below((math.log(money / wanted) + mean * months) / (deviation * math.sqrt(months)))


def one_month(portfolio: Portfolio, money: float, goal: Goal) -> float:
    """P(success) one month before the end."""
    if goal.at_end:
        return reached(portfolio, money, goal.target_yen - goal.monthly_yen)
    return reached(portfolio, money + goal.monthly_yen, goal.target_yen)


def two_months(portfolio: Portfolio, goal: Goal) -> float:
    """E of the last month over the law of the first: it grows with the first return, so only its rise is integrated."""
    mean, deviation = portfolio.monthly
    start = goal.now_yen if goal.at_end else goal.now_yen + goal.monthly_yen
    if start < 0:
        return 0.0

    def after(z: float) -> float:
        money = start * math.exp(mean + deviation * z) + (goal.monthly_yen if goal.at_end else 0)
        return one_month(portfolio, money, goal) if money >= 0 else 0.0

    def crossing(level: float) -> float:
        low, high = -WIDEST, WIDEST
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if after(middle) < level else (low, middle)
        return high

    low, high = crossing(1e-14), crossing(1 - 1e-14)
    if high - low < 1e-9:
        return below(-high)
    panels = 4000
    width = (high - low) / panels
    total = 0.0
    for n in range(panels + 1):
        z = low + n * width
        weight = 1 if n in (0, panels) else 4 if n % 2 else 2
        total += weight * after(z) * math.exp(-z * z / 2)
    upper = below(-high) if after(high) > 0.5 else 0.0
    return total * width / 3 / math.sqrt(2 * math.pi) + upper


def exact(portfolio: Portfolio, goal: Goal) -> float | None:
    """P(success) without chance, where the normal law alone gives it; None elsewhere."""
    if goal.monthly_yen == 0:
        return reached(portfolio, goal.now_yen, goal.target_yen, goal.months)
    if goal.months == 1:
        return one_month(portfolio, goal.now_yen, goal)
    return two_months(portfolio, goal) if goal.months == 2 else None


# ------------------------------------------------------------------------------------------------------------- many walks
@njit(cache=True)
def play(returns, now, monthly, target, months, at_end, money, won):
    """Play goals on walks: `returns[month, walk]` are factors; `money[goal, walk]` is overwritten, `won` is filled."""
    for goal in range(now.size):
        money[goal, :] = now[goal]
    for month in range(returns.shape[0]):
        growth = returns[month]
        for goal in range(now.size):
            if month >= months[goal]:
                continue
            pay = monthly[goal]
            row = money[goal]
            if at_end[goal]:
                for walk in range(growth.size):
                    left = row[walk] * growth[walk] + pay
                    row[walk] = left if left >= 0.0 else RUINED
            else:
                for walk in range(growth.size):
                    invested = row[walk] + pay
                    row[walk] = invested * growth[walk] if invested >= 0.0 else RUINED
    for goal in range(now.size):
        for walk in range(returns.shape[1]):
            won[goal, walk] = money[goal, walk] >= target[goal]


class Walks:
    """The goals of one portfolio as arrays, and the room to play a block of walks, and then their mirrors, on them."""

    def __init__(self, portfolio: Portfolio, goals: list[Goal], width: int = BLOCK_PAIRS):
        self.mean, self.deviation = portfolio.monthly
        kinds = {"now_yen": float, "monthly_yen": float, "target_yen": float, "months": int, "at_end": bool}
        self.columns = [np.array([getattr(goal, name) for goal in goals], dtype=kind) for name, kind in kinds.items()]
        self.growth = np.empty((max(goal.months for goal in goals), width))
        self.money = np.empty((len(goals), width))
        self.won = np.empty((len(goals), width), dtype=np.uint8)

    def wins(self, shocks: np.ndarray) -> np.ndarray:
        """-> how often each goal wins, 0 to 2, on the standard normal shocks[month, walk] and on their mirror"""
        np.multiply(shocks, self.deviation, out=self.growth)
        self.growth += self.mean
        np.exp(self.growth, out=self.growth)
        play(self.growth, *self.columns, self.money, self.won)
        first = self.won.astype(np.int64)
        np.divide(math.exp(2 * self.mean), self.growth, out=self.growth)  # exp(mean − deviation·z)
        play(self.growth, *self.columns, self.money, self.won)
        return first + self.won


def frequencies(portfolio: Portfolio, goals: list[Goal], walks: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """-> P(success) of each goal over so many shared walks, and its standard error (never below 1/walks)"""
    chance = np.random.Generator(np.random.SFC64(seed))
    table = Walks(portfolio, goals)
    shocks = np.empty_like(table.growth)
    blocks = max(2, math.ceil(walks / (2 * BLOCK_PAIRS)))
    total = np.zeros(len(goals))
    squares = np.zeros(len(goals))
    for _ in range(blocks):
        chance.standard_normal(out=shocks)
        pairs = table.wins(shocks)
        total += pairs.sum(axis=1)
        squares += (pairs**2).sum(axis=1)
    count = blocks * BLOCK_PAIRS
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0) / count)
    return mean / 2, np.maximum(spread / 2, 1 / (2 * count))


# ------------------------------------------------------------------------------------------------------ what may be asked
def random_portfolio(rng: random.Random, vol: float | None = None) -> Portfolio:
    """A volatility of 0.5 % to 30 % (both ends often), a drift of -2 % to 12 %; rounded as a table of assumptions is."""
    vol = vol or rng.choice([0.005, 0.30, *[math.exp(rng.uniform(math.log(0.005), math.log(0.30))) for _ in range(4)]])
    mean = round(math.expm1(rng.uniform(-0.02, 0.12)), 5)
    return Portfolio(mean, round((1 + mean) * math.sqrt(math.expm1(vol * vol)), 5))


def random_months(rng: random.Random, most: int) -> int:
    """A horizon: the first months often, then evenly by its logarithm or by its length, and the longest."""
    styles = [rng.choice([1, 2, 3]), round(math.exp(rng.uniform(0, math.log(most)))), rng.randint(1, most), most]
    return min(most, rng.choice([styles[0], styles[1], styles[1], styles[2], styles[2], styles[2], styles[3]]))


def random_goal(rng: random.Random, portfolio: Portfolio, most_months: int = 600, at_end: bool = False) -> Goal:
    """A goal of any kind: mostly one that may go either way, so near its middle that chance decides."""
    months = random_months(rng, most_months)
    mean, _ = portfolio.monthly
    grown = math.exp(mean * months)
    saved = sum(math.exp(mean * month) for month in range(1, months + 1))
    drawn = saved / grown
    luck = math.exp(rng.gauss(0, 0.8) * portfolio.vol * math.sqrt(months / 12))
    now = 10 ** rng.uniform(3, 9)
    kind = rng.choice(["lump", "saving", "saving", "from nothing", "drawing", "drawing", "last", "last", "any", "any"])
    if kind == "lump":
        pay, target = 0.0, now * grown * luck
    elif kind in ("saving", "from nothing"):
        now, size = (now, now / saved) if kind == "saving" else (0.0, now)
        pay = size * 10 ** rng.choice([rng.uniform(-1, 1), rng.uniform(-5, 5)])
        target = (now * grown + pay * saved) * luck
    elif kind == "drawing":
        part = rng.choice([rng.random(), rng.random(), 10 ** rng.uniform(-6, 0), 1 - 10 ** rng.uniform(-6, 0)])
        pay, target = -now / drawn * part, now * (1 - part) * grown * luck
    elif kind == "last":
        pay, target = -now / drawn / luck, 0.0
    else:
        now, target = rng.choice([0.0, 10 ** rng.uniform(0, 12)]), rng.choice([0.0, 10 ** rng.uniform(0, 13)])
        pay = rng.choice([-1, 1]) * 10 ** rng.uniform(0, 10)
    now_yen, monthly_yen = round(now), round(pay)
    if now_yen == 0:
        monthly_yen = abs(monthly_yen) or 1
    return Goal(now_yen, monthly_yen, min(round(target), QUADRILLION), months, at_end)


def better(rng: random.Random, goal: Goal) -> Goal:
    """The same goal with more money now, a higher payment or a lower target: never less likely."""
    step = rng.choice([1, 10, 1_000, 10_000, 0])
    now, pay, target = goal.now_yen, goal.monthly_yen, goal.target_yen
    part = 10 ** rng.uniform(-5, 0.5)
    which = rng.choice(["now", "monthly", "target"])
    if which == "now":
        now += max(1, step or round(part * max(now, abs(pay))))
    elif which == "monthly":
        pay += max(1, rng.choice([step, -pay]) or round(part * max(abs(pay), now / goal.months)))
    else:
        target -= min(target, max(1, step or round(part * target)))
    return Goal(now, pay, target, goal.months, goal.at_end)
