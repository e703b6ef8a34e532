"""Told against came true in a simulated house (模擬の家の検証): the same goals in worlds that differ in one thing each.

`lognormal`: markets that follow the method's own law, so that what differs is its computing. `crises`: invented ones of the same
mean and spread of a month, in which calm and crisis follow each other, with fat tails and bad months that cluster: a hard test of
the shape. `known`: the sample's markets, told with the mean and the risk that they have: what differs besides is the shape of real
months. `sample`: the same markets, told with the assumptions that the sample house states: what differs besides is the
assumptions. `sample_path`: one of these markets, in the real order of its months: what one house sees.
"""

from dataclasses import dataclass

import numpy as np

from tsutsumi.core.units import PPM
from tsutsumi.demo.goals import COST_PPM, WITH_GOAL_PER_MILLE, assumption
from tsutsumi.demo.market_paths import model_growth, span_as_it_was
from tsutsumi.demo.models import PLANS
from tsutsumi.demo.simulated_goals import Goals, lived, made_goals, told_of
from tsutsumi.run.calibration import Told

PATHS = 100
AT_ONCE = 10          # paths: it bounds the memory
GOALS_A_HISTORY = 20  # of the worlds whose months are drawn at once
TO_CRISIS, TO_CALM = 0.03, 0.25               # a month's chance to change
CALM, CRISIS = (0.0839, 0.8413), (-0.7, 1.7)  # mean and spread of a month in spreads: 0 and 1 over the long run
TAIL_FREEDOM = 6                              # of Student's law of a month's surprise


@dataclass(frozen=True, eq=False)
class Assumed:
    """What is told of models (モデルの前提): a year's mean and risk in ppm, by place."""

    mean_ppm: np.ndarray
    risk_ppm: np.ndarray


@dataclass(frozen=True)
class Simulated:
    """The reports of a simulated house by world (模擬の家の結果), and why some worlds could not be simulated, or nothing."""

    worlds: dict[str, list[Told]]
    left_out: str = ""


def goal_models() -> list[int]:
    """Return the places of the models that a goal of the sample house can have (目標のあるモデル)."""
    return [place for place, plan in enumerate(PLANS) if any(program in WITH_GOAL_PER_MILLE for program, _, _ in plan.programs)]


def simulated_calibration(goals: int, years: int, seed: int, paths: int = PATHS) -> Simulated:
    """Return the report of a simulated house by world (模擬の家の検証): the same goals, other months or other assumptions.

    Parameters
    ----------
    goals : at least 1;  years : length of a market, 2 to 50;  seed : the same seed gives the same report
    paths : of the sample's markets, each lived through by every goal

    Returns
    -------
    Simulated
        Without the packages that hold the real figures, the worlds that need none, and what to install.

    Raises
    ------
    ValueError
        A number is out of range.
    """
    if goals < 1 or not 2 <= years <= 50:
        raise ValueError(f"--simulate {goals} --years {years}: give at least 1 goal and 2 to 50 years")
    life, places = years * 12, goal_models()
    made = made_goals(goals, life, len(places), _chance(seed, 1))
    pairs = [assumption(PLANS[place].level) for place in places]
    stated = Assumed(*(np.array(column, np.int64) for column in zip(*pairs, strict=True)))
    histories, found = -(-goals // GOALS_A_HISTORY), {}
    for number, world in enumerate(("lognormal", "crises")):
        found[world] = _in_histories(made, stated, surprises(world, histories, life, _chance(seed, 2, number)))
    try:
        growth = model_growth(paths, life, seed, COST_PPM)[:, :, places]
    except ValueError as error:
        return Simulated(found, str(error))
    for world, assumed, some in (
        ("known", measured(growth[1:]), growth[1:]), ("sample", stated, growth[1:]), ("sample_path", stated, growth[:1]),
    ):
        found[world] = _on_paths(made, assumed, some)
    return Simulated(found)


def path_note(years: int) -> str:
    """Return which months `sample_path` lives through (一つの経路の期間), in both languages."""
    first, last = span_as_it_was(years * 12)
    months = f"{first:%Y-%m} – {last:%Y-%m}"
    again = "" if (last.year - first.year) * 12 + last.month - first.month + 1 == years * 12 else "、足りない分は繰り返し repeated"
    return f"一つの経路: {months} の実際の順{again} sample_path: the real months in their order"


def _chance(*seeds: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seeds)))


def measured(growth: np.ndarray) -> Assumed:
    """Return the mean and the risk of a year that models have on markets (実際の期待収益率とリスク), as the method reads them.

    mu = 12 × mean, vol² = 12 × variance of a month's log growth; mean = e^(mu + vol²/2) − 1, risk = (1 + mean) √(e^vol² − 1); cut
    to whole ppm.

    Examples
    --------
    Months of + 2 % and − 1 % in turn: mu 5.85 %, vol 5.17 %.

    >>> assumed = measured(np.tile([1.02, 0.99], 60).reshape(1, 120, 1))
    >>> assumed.mean_ppm.tolist(), assumed.risk_ppm.tolist()
    ([61677], [54932])
    """
    logs = np.log(growth).reshape(-1, growth.shape[2])
    variance = 12 * logs.var(axis=0)
    mean = np.exp(12 * logs.mean(axis=0) + variance / 2) - 1
    risk = (1 + mean) * np.sqrt(np.expm1(variance))
    return Assumed(*((figure * PPM).astype(np.int64) for figure in (mean, risk)))


def surprises(world: str, histories: int, months: int, chance: np.random.Generator) -> np.ndarray:
    """Return the surprises of every history and month (月々の予想外の動き): mean 0 and spread 1 over the long run.

    Parameters
    ----------
    world : "lognormal" or "crises"
    """
    if world == "lognormal":
        return chance.standard_normal((histories, months))
    state = chance.random(histories) < TO_CRISIS / (TO_CRISIS + TO_CALM)
    found = np.empty((histories, months))
    for month in range(months):
        draw = chance.standard_t(TAIL_FREEDOM, histories) * np.sqrt((TAIL_FREEDOM - 2) / TAIL_FREEDOM)
        found[:, month] = np.where(state, CRISIS[0] + CRISIS[1] * draw, CALM[0] + CALM[1] * draw)
        state = np.where(state, chance.random(histories) >= TO_CALM, chance.random(histories) < TO_CRISIS)
    return found


def _in_histories(made: Goals, assumed: Assumed, surprise: np.ndarray) -> list[Told]:
    """Return the report of markets that bring what is told: some goals a history, all models of it surprised alike."""
    mean, risk = assumed.mean_ppm / PPM, assumed.risk_ppm / PPM
    variance = np.log1p((risk / (1 + mean)) ** 2) / 12
    growth = np.exp(np.log1p(mean) / 12 - variance / 2 + np.sqrt(variance) * surprise[:, :, None])
    path, monthly = np.arange(made.count) // GOALS_A_HISTORY, np.ones(made.count, bool)
    return told_of([lived(made, path, growth, assumed.mean_ppm, assumed.risk_ppm, monthly)])


def _on_paths(made: Goals, assumed: Assumed, growth: np.ndarray) -> list[Told]:
    """Return the report of markets that every goal lives through; of every month on one of them, the next goal on the next."""
    place, samples = np.arange(made.count), []
    for paths in np.split(np.arange(len(growth)), range(AT_ONCE, len(growth), AT_ONCE)):
        path = np.repeat(paths, made.count)
        monthly = np.tile(place, paths.size) % len(growth) == path
        samples.append(lived(made.repeated(paths.size), path, growth, assumed.mean_ppm, assumed.risk_ppm, monthly))
    return told_of(samples)
