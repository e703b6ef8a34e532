"""What goals cost (達成確率の計測): the table against shared scenarios, on the same goals, one core, in turn.

The opponent is the best way with paths: 10,000 stored scenarios of each portfolio and horizon, (A, Y) with W_T = W·A + c·Y, counted
for goals sorted by horizon, four bytes a figure, vectorised. Its scenarios, its sorting and all compilation are not timed. Seconds
are of the processor. The error is measured on a sample of the goals against `schedule_probability`, the density of wealth month by
month, which shares neither atlas nor time reversal with the table.
"""

import platform
from collections.abc import Callable
from os import cpu_count
from statistics import median
from time import perf_counter, process_time

import numpy as np
from numba import njit

from tsutsumi.core.goals import atlas as atlas_file
from tsutsumi.core.goals.atlas import annuity
from tsutsumi.core.goals.book import probabilities
from tsutsumi.core.goals.lookup import probability
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.schedule import schedule_probability
from tsutsumi.core.goals.table import GoalTable, build_table

PORTFOLIOS = {"low": (0.02, 0.05), "middle": (0.05, 0.15), "high": (0.09, 0.30)}
MOST_MONTHS, SCENARIOS, SEED = 600, 10_000, 20_260_401
Goals = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def random_goals(portfolio: Portfolio, count: int, rng: np.random.Generator) -> Goals:
    """Return random goals (乱数の目標): money now, payment, target, months; half of them draw.

    Examples
    --------
    >>> now, monthly, target, months = random_goals(Portfolio(0.05, 0.15), 1000, np.random.default_rng(1))
    >>> bool((now >= 0).all()), int((monthly < 0).sum()), bool((months >= 2).all())
    (True, 500, True)
    """
    nu, sigma = portfolio.monthly
    months = rng.integers(2, MOST_MONTHS + 1, count)
    draws = np.arange(count) % 2 == 1
    now = np.exp(rng.uniform(np.log(1e5), np.log(5e7), count))
    now[~draws & (rng.random(count) < 0.1)] = 0
    reversed_sum = np.array([annuity(t + 1, -nu) for t in range(MOST_MONTHS + 1)])[months]
    later_sum = np.array([annuity(t + 1, nu) for t in range(MOST_MONTHS + 1)])[months]
    saved = np.exp(rng.uniform(np.log(1e3), np.log(3e5), count))
    drawn = -now / reversed_sum * np.exp(rng.normal(0, 0.5, count))
    middle = now * np.exp(nu * months) + saved * later_sum
    hoped = middle * np.exp(rng.normal(0, 1.2, count) * sigma * np.sqrt(months))
    left = np.where(rng.random(count) < 0.5, 0.0, now * rng.random(count))
    yen = (now, np.where(draws, drawn, saved), np.where(draws, left, hoped))
    now, monthly, target = (np.trunc(figure) for figure in yen)
    return np.where(draws, np.maximum(now, 1.0), now), monthly, target, months


# ---- the opponent


@njit(cache=True, error_model="numpy")
def _stored(shocks, nu, sigma, grown, summed):
    """Write A and Y of each month of each scenario from its shocks, newest month last."""
    for s in range(shocks.shape[1]):
        a, y = 1.0, 0.0
        for t in range(shocks.shape[0]):
            r = np.exp(nu + sigma * shocks[t, s])
            a, y = a * r, (y + 1.0) * r
            grown[t + 1, s], summed[t + 1, s] = a, y


@njit(cache=True, error_model="numpy")
def _counted(now, monthly, target, months, grown, summed, out):
    """Write the share of scenarios in which each goal is reached."""
    for i in range(out.size):
        w, c, g = np.float32(now[i]), np.float32(monthly[i]), np.float32(target[i])
        a, y = grown[months[i]], summed[months[i]]
        reached = 0
        for s in range(a.size):
            reached += w * a[s] + c * y[s] >= g
        out[i] = reached / a.size


def stored_scenarios(portfolio: Portfolio, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return A and Y of 10,000 scenarios for each month to 600 (共有シナリオ): what one yen now, and one a month, become."""
    grown = np.ones((MOST_MONTHS + 1, SCENARIOS), np.float32)
    summed = np.zeros((MOST_MONTHS + 1, SCENARIOS), np.float32)
    _stored(rng.standard_normal((MOST_MONTHS, SCENARIOS)), *portfolio.monthly, grown, summed)
    return grown, summed


# ---- the measurement


def measure(goals: int, rounds: int, sample: int, tell: Callable[[str], None] = lambda text: None) -> dict:
    """Return the figures of `tsutsumi bench goals` (計測結果).

    Parameters
    ----------
    goals : how many, over three portfolios
    rounds : how often each side answers all of them; the median counts
    sample : how many goals are checked against the exact law
    tell : called with what is being done
    """
    tell("compilation and the atlas")
    probability(build_table(Portfolio(0.0, 0.1), 12), 1, 0, 1, 12)
    atlas_file._made.cache_clear()
    begun = process_time()
    atlas_file.atlas()
    figures = {"goals": goals, "rounds": rounds, "cores": cpu_count(), "machine": platform.machine()}
    figures |= {"baseline": f"{SCENARIOS:,} shared scenarios, sorted by months", "atlas_seconds": process_time() - begun}
    builds, books = {}, []
    for number, (name, model) in enumerate(PORTFOLIOS.items()):
        tell(f"portfolio {name}")
        rng = np.random.default_rng((SEED, number))
        portfolio = Portfolio(*model)
        begun = process_time()
        table = build_table(portfolio, MOST_MONTHS)
        builds[name] = process_time() - begun
        asked = random_goals(portfolio, max(goals * (number + 1) // 3 - goals * number // 3, 1), rng)
        scenarios = stored_scenarios(portfolio, rng)
        books.append((portfolio, asked, *_timed(table, asked, scenarios, rounds)))
    ours, theirs = ([sum(lap) for lap in zip(*(book[side] for book in books), strict=True)] for side in (2, 3))
    tell("the exact law of a sample")
    count = sum(book[1][0].size for book in books)
    figures |= {
        "goals_per_second": count / median(ours), "baseline_goals_per_second": count / median(theirs),
        "ratio": median(b / a for a, b in zip(ours, theirs, strict=True)), "table_build_seconds": builds,
        "book_seconds": _book_seconds([book[:2] for book in books]), **_errors(books, sample),
    }
    return figures


def _timed(table: GoalTable, asked: Goals, scenarios: tuple[np.ndarray, np.ndarray], rounds: int) -> tuple:
    """Return the seconds of both sides in each round, then both sides' answers in the order of the goals."""
    order = np.argsort(asked[3], kind="stable")
    in_order = [np.ascontiguousarray(column[order]) for column in asked]
    counted = np.empty(order.size)
    _counted(*(column[:1] for column in in_order), *scenarios, counted[:1])
    ours, theirs = [], []
    for _ in range(rounds):
        begun = process_time()
        found = probability(table, *asked)
        ours.append(process_time() - begun)
        begun = process_time()
        _counted(*in_order, *scenarios, counted)
        theirs.append(process_time() - begun)
    by_paths = np.empty(order.size)
    by_paths[order] = counted
    return ours, theirs, found, by_paths


def _book_seconds(books: list[tuple[Portfolio, Goals]]) -> float:
    """Return the seconds of the clock for all goals at once, mixed as in a house, the tables included."""
    sizes = [asked[0].size for _, asked in books]
    mixed = np.random.default_rng(SEED).permutation(sum(sizes))
    columns = [np.concatenate([asked[k] for _, asked in books])[mixed] for k in range(4)]
    models = [np.repeat([getattr(portfolio, name) for portfolio, _ in books], sizes)[mixed] for name in ("mu", "vol")]
    probabilities(*(column[:10] for column in (*columns, *models)), log=True)
    begun = perf_counter()
    probabilities(*columns, *models, log=True)
    return perf_counter() - begun


def _errors(books: list, sample: int) -> dict:
    """Return the worst and mean error of both sides on a sample, in percentage points."""
    ours, theirs = [], []
    for number, (portfolio, asked, _, _, found, by_paths) in enumerate(books):
        rng = np.random.default_rng((SEED, 9, number))
        for i in rng.integers(0, found.size, max(sample // len(books), 1)):
            now, monthly, target, months = (column[i] for column in asked)
            exact = schedule_probability(portfolio.mu, portfolio.vol, now, np.full(months, monthly), target)
            ours.append(abs(found[i] - exact) * 100)
            theirs.append(abs(by_paths[i] - exact) * 100)
    return {
        "sample": len(ours), "worst_error_pp": float(max(ours)), "mean_error_pp": float(np.mean(ours)),
        "baseline_worst_error_pp": float(max(theirs)), "baseline_mean_error_pp": float(np.mean(theirs)),
    }
