"""Goals told and goals that came true (達成確率の検証): of a house's own closed days, and of a simulated house.

The simulated house has many short histories, so that the outcomes do not all hang on one market: in each, some goals of every
kind live for up to 20 years on the same months. Two worlds: `lognormal`, in which the engine is exact but for its computing, and
`crises`, in which calm and crisis follow each other with fat tails and bad months that cluster, at the same mean and spread of a
month: what the reader sees there beyond the first world is the error of the model.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as Date

import numpy as np

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.calibration import Calibration, calibration
from tsutsumi.core.goal_dates import moved_date
from tsutsumi.core.goal_status import NONE
from tsutsumi.core.goals.within import odds
from tsutsumi.core.units import PPM
from tsutsumi.run.history import walk
from tsutsumi.store.database import House

HORIZONS = (0, 1, 3, 5, 10)  # years before the date; 0: when the goal began
TOLD_COLUMNS = ("goal_no", "target_yen", "target_date", "status_code", "probability_ppm", "months_ppm", "value_yen")
WORLDS = ("lognormal", "crises")
GOALS_A_HISTORY = 20
MODELS = ((8_000, 30_000), (15_000, 60_000), (24_000, 95_000), (33_000, 140_000), (40_000, 180_000))  # mean, risk of a year, ppm
TO_CRISIS, TO_CALM = 0.03, 0.25             # a month's chance to change
CALM, CRISIS = (0.0839, 0.8413), (-0.7, 1.7)  # mean and spread of a month in spreads: 0 and 1 over the long run
TAIL_FREEDOM = 6                            # of Student's law of a month's surprise


@dataclass(frozen=True)
class Told:
    """What was told of goals at one horizon (告知時点), and its report."""

    years: int
    report: Calibration


def house_calibration(house: House) -> list[Told]:
    """Return the report of a house's own goals that came to their date (自社の目標の検証), by years before it.

    A goal is told at a horizon on the last closed day not after its date moved back so many years; at 0 on its first day. What was
    told of another target (money or date) is no word on this one: a goal whose target changed begins anew. It came true if it has
    money on its date, and not less than its target.
    """
    told: dict[tuple[int, int, int], list[tuple[Date, int]]] = {}
    samples: dict[int, list[tuple[int, bool]]] = {years: [] for years in HORIZONS}
    for day, tables, _ in walk(house):
        goals = tables.get("goals")
        if not goals:
            continue
        for number, target, date, status, ppm, months, value in zip(*(goals[name].tolist() for name in TOLD_COLUMNS), strict=True):
            if months > 0:
                if status != NONE:
                    told.setdefault((number, target, date), []).append((day, ppm))
                continue
            for years, known in _at_horizons(from_epoch_day(date), told.pop((number, target, date), [])):
                samples[years].append((known, value > 0 and value >= target))
    return [Told(years, calibration(*_columns(rows))) for years, rows in samples.items()]


def _columns(rows: list[tuple[int, bool]]) -> tuple[list[int], list[bool]]:
    return [ppm for ppm, _ in rows], [true for _, true in rows]


def _at_horizons(date: Date, told: list[tuple[Date, int]]) -> Iterable[tuple[int, int]]:
    """Return (years, what was told then) of a goal that came to its date."""
    for years in HORIZONS:
        known = told[:1] if years == 0 else [row for row in told if row[0] <= moved_date(date, -12 * years)][-1:]
        if known:
            yield years, known[0][1]


def simulated_calibration(goals: int, years: int, seed: int) -> dict[str, list[Told]]:
    """Return the report of a simulated house in both worlds (模擬の家の検証): the same goals, other months.

    Parameters
    ----------
    goals : at least 1;  years : length of a history, 2 to 50;  seed : the same seed gives the same report

    Raises
    ------
    ValueError
        A number is out of range.
    """
    if goals < 1 or not 2 <= years <= 50:
        raise ValueError(f"--simulate {goals} --years {years}: give at least 1 goal and 2 to 50 years")
    found = {}
    for number, world in enumerate(WORLDS):
        chance = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 1))))
        made = _made(goals, years * 12, chance)
        surprises = _surprises(world, -(-goals // GOALS_A_HISTORY), years * 12, np.random.Generator(
            np.random.PCG64(np.random.SeedSequence((seed, 2, number)))))
        found[world] = _played(made, surprises)
    return found


def _made(goals: int, life: int, chance: np.random.Generator) -> dict[str, np.ndarray]:
    """Return goals of every kind: lump sums, saving, drawing; their targets around what their money may become."""
    start = chance.integers(0, max(life - 24, 1), goals)
    months = np.minimum(chance.integers(12, life + 1, goals), life - start)
    model = chance.integers(0, len(MODELS), goals)
    kind = chance.integers(0, 3, goals)  # lump, saving, drawing
    now = np.where(kind == 1, chance.integers(0, 30, goals), chance.integers(10, 300, goals)) * 100_000
    monthly = np.where(kind == 1, chance.integers(1, 100, goals) * 1_000, 0)
    monthly = np.where(kind == 2, -(now * chance.uniform(0.4, 1.3, goals) / months).astype(np.int64), monthly)
    reach = (now + np.maximum(monthly, 0) * months) * np.exp(chance.uniform(-0.5, 0.6, goals) * np.sqrt(months / 120))
    target = np.where(kind == 2, 0, reach.astype(np.int64))
    mean, risk = (np.array([model_of[k] for model_of in MODELS])[model] for k in (0, 1))
    return {"start": start, "months": months, "now": now, "monthly": monthly, "target": target, "mean": mean, "risk": risk}


def _surprises(world: str, histories: int, months: int, chance: np.random.Generator) -> np.ndarray:
    """Return the surprises of every month of every history: mean 0 and spread 1 over the long run."""
    if world == "lognormal":
        return chance.standard_normal((months, histories))
    state = chance.random(histories) < TO_CRISIS / (TO_CRISIS + TO_CALM)
    found = np.empty((months, histories))
    for month in range(months):
        draw = chance.standard_t(TAIL_FREEDOM, histories) * np.sqrt((TAIL_FREEDOM - 2) / TAIL_FREEDOM)
        found[month] = np.where(state, CRISIS[0] + CRISIS[1] * draw, CALM[0] + CALM[1] * draw)
        state = np.where(state, chance.random(histories) >= TO_CALM, chance.random(histories) < TO_CRISIS)
    return found


def _played(made: dict[str, np.ndarray], surprises: np.ndarray) -> list[Told]:
    """Return what was told of the goals and what came true, their money played month by month."""
    goals = made["now"].size
    history = np.arange(goals) // GOALS_A_HISTORY
    mean, risk = made["mean"] / PPM, made["risk"] / PPM
    variance = np.log1p((risk / (1 + mean)) ** 2) / 12
    drift, spread = np.log1p(mean) / 12 - variance / 2, np.sqrt(variance)
    money, alive, true = made["now"].astype(np.float64), np.ones(goals, bool), np.zeros(goals, bool)
    samples: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {years: [] for years in HORIZONS}
    end = made["start"] + made["months"]
    for month in range(surprises.shape[0] + 1):
        done = end == month
        true[done] = (alive & (money >= made["target"]))[done]
        running = (made["start"] <= month) & (month < end)
        for years in HORIZONS:
            asked = made["start"] == month if years == 0 else running & (end - month == 12 * years)
            if asked.any():
                samples[years].append((np.flatnonzero(asked), _told(made, money, alive, end - month, asked)))
        if month == surprises.shape[0]:
            break
        paid = money + made["monthly"]
        alive &= ~running | (paid >= 0)
        grown = np.maximum(paid, 0) * np.exp(drift + spread * surprises[month][history])
        money = np.where(running, grown, money)
    reports = []
    for years, parts in samples.items():
        at = np.concatenate([rows for rows, _ in parts]) if parts else np.zeros(0, np.int64)
        ppm = np.concatenate([told for _, told in parts]) if parts else np.zeros(0, np.int64)
        reports.append(Told(years, calibration(ppm.tolist(), true[at].tolist())))
    return reports


def _told(made, money, alive, left, asked) -> np.ndarray:
    """Return what the close would tell of the goals asked for: 0 of those whose money has run out."""
    columns = (made["monthly"], made["target"], left * PPM, made["mean"], made["risk"])
    ppm = odds(money[asked].astype(np.int64), *(column[asked] for column in columns))
    return np.where(alive[asked], np.maximum(ppm, 0), 0)
