"""Goals of a simulated house (模擬の目標): made by chance, told by the engine every month, played on given markets."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from tsutsumi.core.calibration import calibration
from tsutsumi.core.goals.within import odds
from tsutsumi.core.units import PPM
from tsutsumi.run.calibration import EVERY_MONTH, HORIZONS, Told

GONE = -1.0  # the money has run out


class Sample(NamedTuple):
    """What was told, whether it came true, on which path (標本), one a place."""

    told_ppm: np.ndarray
    came_true: np.ndarray
    path: np.ndarray


@dataclass(frozen=True, eq=False)
class Goals:
    """Goals of every kind (模擬の目標), one a place: int64 columns.

    Attributes
    ----------
    start : the month of the market in which it begins;  months : how long it lives
    now_yen, monthly_yen, target_yen : the money at its start, payment at the start of each month (below 0: drawn), target
    model : its place among the models
    """

    start: np.ndarray
    months: np.ndarray
    now_yen: np.ndarray
    monthly_yen: np.ndarray
    target_yen: np.ndarray
    model: np.ndarray

    @property
    def count(self) -> int:
        """How many there are."""
        return self.start.size

    def repeated(self, times: int) -> "Goals":
        """Return all the goals so many times one after the other."""
        columns = (self.start, self.months, self.now_yen, self.monthly_yen, self.target_yen, self.model)
        return Goals(*(np.tile(column, times) for column in columns))


def made_goals(count: int, life: int, models: int, chance: np.random.Generator) -> Goals:
    """Return goals of every kind (模擬の目標の作成): lump sums, saving, drawing; targets around what their money may become.

    Parameters
    ----------
    count : how many;  life : months of the market, within which each lives 12 or more;  models : of how many one is theirs
    """
    start = chance.integers(0, max(life - 24, 1), count)
    months = np.minimum(chance.integers(12, life + 1, count), life - start)
    model = chance.integers(0, models, count)
    kind = chance.integers(0, 3, count)  # lump, saving, drawing
    now = np.where(kind == 1, chance.integers(0, 30, count), chance.integers(10, 300, count)) * 100_000
    monthly = np.where(kind == 1, chance.integers(1, 100, count) * 1_000, 0)
    monthly = np.where(kind == 2, -(now * chance.uniform(0.4, 1.3, count) / months).astype(np.int64), monthly)
    reach = (now + np.maximum(monthly, 0) * months) * np.exp(chance.uniform(-0.5, 0.6, count) * np.sqrt(months / 120))
    return Goals(start, months, now, monthly, np.where(kind == 2, 0, reach.astype(np.int64)), model)


@njit(cache=True, error_model="numpy")
def _lives(start, months, now, monthly, target, model, path, growth, first, money, came_true):
    """Write the money of each goal at the start of each of its months, from `first` of it on, and whether it came true.

    A month: the payment, then the growth of the model on the path. Money that does not cover a drawing is gone for good.
    """
    for k in range(start.size):
        held = now[k]
        for month in range(months[k]):
            money[first[k] + month] = held
            if held == GONE:
                continue
            held += monthly[k]
            held = GONE if held < 0.0 else held * growth[path[k], start[k] + month, model[k]]
        came_true[k] = held != GONE and held >= target[k]


def lived(
    goals: Goals, path: np.ndarray, growth: np.ndarray, mean_ppm: np.ndarray, risk_ppm: np.ndarray, monthly: np.ndarray
) -> list[Sample]:
    """Return what was told of goals and what came true (模擬の目標の告知と結果), for each of `HORIZONS` and of every month.

    The engine is asked as on a day that closes: money in whole yen, the assumptions of the model; 0 where the money has run out.

    Parameters
    ----------
    path : int64 per goal, the market that it lives through;  growth : float64[paths, months, models]
    mean_ppm, risk_ppm : int64 by model, as they are told, whatever the model brings
    monthly : bool per goal, told every month too
    """
    last = np.cumsum(goals.months)
    first = last - goals.months
    money, came_true = np.empty(int(goals.months.sum())), np.zeros(goals.count, np.bool_)
    amounts = (goals.now_yen.astype(np.float64), goals.monthly_yen.astype(np.float64), goals.target_yen.astype(np.float64))
    _lives(goals.start, goals.months, *amounts, goals.model, path, growth, first, money, came_true)
    of = np.repeat(np.arange(goals.count), goals.months)  # the goal of each month
    asked = [first if years == 0 else last[goals.months >= 12 * years] - 12 * years for years in HORIZONS]
    asked.append(np.flatnonzero(monthly[of]))
    rows = np.concatenate(asked)
    goal, held = of[rows], money[rows]
    columns = (goals.monthly_yen[goal], goals.target_yen[goal], (last[goal] - rows) * PPM)
    told = odds(held.astype(np.int64), *columns, mean_ppm[goals.model[goal]], risk_ppm[goals.model[goal]])
    told = np.where(held == GONE, 0, np.maximum(told, 0))
    ends = np.cumsum([part.size for part in asked])[:-1]
    parts = (np.split(column, ends) for column in (told, came_true[goal], path[goal]))
    return [Sample(*columns) for columns in zip(*parts, strict=True)]


def told_of(samples: list[list[Sample]]) -> list[Told]:
    """Return the reports of one or more samples together (模擬の検証), by years before the date, then of every month."""
    return [
        Told(years, calibration(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))
        for years, parts in zip((*HORIZONS, EVERY_MONTH), zip(*samples, strict=True), strict=True)
    ]
