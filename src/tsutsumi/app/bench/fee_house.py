"""The synthetic house of the fee benchmark (報酬計測の合成帳簿): terms of every kind and N contracts that are charged by them.

The day is 2019-12-31: the end of a calendar quarter and year. The consumption tax of 2019-10-01 and a change of rates lie inside
what is priced, and what is paid in advance reaches into a leap year. Values, flows and ends are the same for the same N.
"""

from datetime import date, timedelta
from itertools import cycle

import numpy as np

from tsutsumi.core.calendar import business_day_table, epoch_day
from tsutsumi.core.fee_histories import NEVER, Histories
from tsutsumi.core.fee_terms import Terms, parse_terms
from tsutsumi.core.units import ROUNDING_MODES

THROUGH = date(2019, 12, 31)
COMMON_STARTS = date(2019, 10, 1), date(2019, 9, 17), date(2019, 11, 1), date(2019, 8, 30)
FIRST_START, LAST_START = date(2019, 8, 1), date(2019, 12, 20)
OLD_RATES = [[0, 13_090], [30_000_000, 12_155], [100_000_000, 9_350], [500_000_000, 6_545]]
NEW_RATES = [[0, 13_200], [20_000_000, 12_100], [100_000_000, 9_900], [1_000_000_000, 5_500]]
FLAT_RATES = [[0, 5_500]]
SHAPES = (  # measure, days that enter, cut of the average, tiering, additions, refunds, performance components
    ("average", "calendar", "none", "marginal", "", "", ()),
    ("average", "business", "none", "marginal", "", "", ()),
    ("average", "calendar", "down", "marginal", "", "", ()),
    ("average", "business", "down", "whole", "", "", ()),
    ("average", "calendar", "none", "whole", "", "", ()),
    ("average", "calendar", "none", "marginal", "", "", ("scaled",)),
    ("daily", "calendar", "none", "marginal", "", "", ()),
    ("daily", "calendar", "none", "whole", "", "", ("subtracted",)),
    ("closing", "calendar", "none", "marginal", "", "", ()),
    ("closing", "calendar", "none", "whole", "", "", ("subtracted",)),
    ("opening", "calendar", "none", "marginal", "own", "prorated", ()),
    ("opening", "calendar", "none", "marginal", "stacked", "prorated", ()),
    ("opening", "calendar", "none", "marginal", "none", "prorated", ()),
    ("opening", "calendar", "none", "marginal", "stacked", "none", ()),
    ("opening", "calendar", "none", "marginal", "own", "prorated", ("scaled",)),
    ("", "", "", "", "", "", ("scaled", "subtracted")),
)
VARIANTS = (  # period, alignment, cash, tax, year, whose rates
    ("quarter", "calendar", "included", "included", 365, "day"),
    ("month", "calendar", "excluded", "added", "actual", "day"),
    ("quarter", "contract", "included", "added", "actual", "period-end"),
    ("month", "contract", "included", "added", 366, "period-start"),
)
SEED = 20_191_231
ENDED, WITH_FLOWS, MOST_FLOWS, OTHER_ROWS = 30, 350, 3, 5  # per mille, per mille, flows, days with a value of their own


def house_terms() -> list[Terms]:
    """Return the terms files (報酬条件一式): every shape in every variant, the modes of rounding in turn.

    >>> terms = house_terms()
    >>> len(terms), sorted({file.rounding for file in terms}), sorted({len(file.components) for file in terms})
    (64, ['down', 'half-even', 'half-up', 'up'], [1, 2, 3])
    """
    modes = cycle((*ROUNDING_MODES, ROUNDING_MODES[0]))
    pairs = [(shape, variant) for shape in SHAPES for variant in VARIANTS]
    return [parse_terms(_document(number, *pair, next(modes))) for number, pair in enumerate(pairs)]


def _document(number: int, shape: tuple, variant: tuple, rounding: str) -> dict:
    """Return one terms file, as a TOML reader would."""
    measure, days, average, tiering, addition, refund, marks = shape
    length, align, cash, tax, year, rates_of = variant
    if measure == "opening" and (length, align) == ("quarter", "contract"):
        length = "year"  # paid in advance, into the leap year
    balance = _balance_components(number, tiering) if measure else []
    document = {
        "name": f"terms {number + 1}", "rates_of": rates_of, "tax": {"kind": tax},
        "period": {"length": length, "align": align, "timing": "advance" if measure == "opening" else "arrears"},
        "rounding": {"to": rounding, "average": average or "none"},
        "component": [*balance, *map(_performance_component, range(len(marks)), marks)],
    }
    if measure:
        document |= {"base": {"measure": measure, "days": days, "cash": cash}, "year": {"days": year}}
    if addition:
        document["advance"] = {"addition": addition, "refund": refund}
    return document


def _balance_components(number: int, tiering: str) -> list[dict]:
    """Return one to three balance components; the second has marginal tiers under any first, the third is flat."""
    rows = [{"from": date(2015, 4, 1), "tiers": OLD_RATES}, {"from": date(2019, 11, 1), "tiers": NEW_RATES}]
    some = [("mandate", tiering, rows), ("wrap", "marginal", rows[:1]), ("custody", "marginal", [rows[0] | {"tiers": FLAT_RATES}])]
    return [{"name": name, "kind": "balance", "tiering": kind, "rates": rates} for name, kind, rates in some[: 1 + number // 3 % 3]]


def _performance_component(number: int, mark: str) -> dict:
    return {"name": f"performance {number + 1}", "kind": "performance", "rate_ppm": 110_000, "every": 1 + number, "mark": mark}


def build_house(contracts: int, terms: list[Terms]) -> tuple[np.ndarray, Histories]:
    """Return the terms number of each contract and what is known of them all (合成契約).

    Where a fee is priced day by day a contract has a value on every business day, else on `OTHER_ROWS` days, and on the days of
    its flows; `WITH_FLOWS` per mille of the contracts have one to three flows, `ENDED` per mille have ended.
    """
    rng = np.random.default_rng(SEED)
    number = rng.integers(0, len(terms), contracts)
    start = _starts(rng, contracts)
    through = epoch_day(THROUGH)
    ended = np.where(rng.integers(0, 1000, contracts) < ENDED, rng.integers(start, through + 1), NEVER)
    last = np.minimum(ended, through)
    level = np.clip(np.exp(rng.normal(16.6, 1.3, contracts)), 100_000, 10**12).astype(np.int64)
    flow_offsets, flow_days, flow_yen = _flows(rng, start, last, level)
    daily = np.array([file.measure == "daily" for file in terms])[number]
    contract, days = _value_days(rng, start, last, daily, flow_offsets, flow_days)
    value = level[contract] // 1000 * rng.integers(930, 1090, contract.size)
    value += _flowed(contract, days, flow_offsets, flow_days, flow_yen)
    excluded = np.array([file.cash == "excluded" for file in terms])[number][contract]
    cash = np.where(excluded, value // 1000 * rng.integers(0, 90, value.size), 0)
    offsets = np.append(0, np.cumsum(np.bincount(contract, minlength=contracts)))
    return number, Histories(start, ended, offsets, days.astype(np.int32), value, cash, flow_offsets, flow_days, flow_yen)


def _starts(rng: np.random.Generator, contracts: int) -> np.ndarray:
    """Return the first days: four of five on a common one, the others on any business day."""
    any_day = business_day_table(FIRST_START, LAST_START).astype(np.int64)
    common = np.array([epoch_day(day) for day in COMMON_STARTS])[rng.integers(0, len(COMMON_STARTS), contracts)]
    return np.where(rng.integers(0, 5, contracts) > 0, common, any_day[rng.integers(0, any_day.size, contracts)])


def _flows(rng: np.random.Generator, start: np.ndarray, last: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return offsets, days and yen: up to three flows of 1 to 29 % of the level each, up or down."""
    count = np.where(rng.integers(0, 1000, start.size) < WITH_FLOWS, rng.integers(1, MOST_FLOWS + 1, start.size), 0)
    contract = np.repeat(np.arange(start.size), count)
    contract, days = _distinct(contract, rng.integers(start[contract], last[contract] + 1))
    yen = level[contract] // 100 * rng.integers(1, 30, contract.size) * rng.choice([-1, 1], contract.size)
    return np.append(0, np.cumsum(np.bincount(contract, minlength=start.size))), days.astype(np.int32), yen


def _value_days(rng, start, last, daily, flow_offsets, flow_days) -> tuple[np.ndarray, np.ndarray]:
    """Return contract and day of every value row, by contract and day."""
    everyone, of_flow = np.arange(start.size), np.repeat(np.arange(start.size), np.diff(flow_offsets))
    open_days = business_day_table(FIRST_START, THROUGH + timedelta(days=1)).astype(np.int64)
    low, high = np.searchsorted(open_days, start), np.searchsorted(open_days, last, side="right")
    days_of = np.where(daily, high - low, 0)
    each = np.repeat(everyone, days_of)
    every_day = open_days[np.arange(each.size) - np.repeat(np.cumsum(days_of) - days_of, days_of) + low[each]]
    some = np.repeat(np.flatnonzero(~daily), OTHER_ROWS)
    contract = np.concatenate([everyone, of_flow, each, some])
    days = np.concatenate([start, flow_days, every_day, rng.integers(start[some], last[some] + 1)])
    return _distinct(contract, days)


def _distinct(contract: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each contract and day once, in order."""
    keys = np.unique(contract * 2**20 + days)
    return keys // 2**20, keys % 2**20


def _flowed(contract, days, flow_offsets, flow_days, flow_yen) -> np.ndarray:
    """Return what has flowed into each contract up to each day, after its first day."""
    of_flow = np.repeat(np.arange(flow_offsets.size - 1), np.diff(flow_offsets))
    sums = np.append(0, np.cumsum(flow_yen))
    seen = np.searchsorted(of_flow * 2**20 + flow_days, contract * 2**20 + days, side="right")
    return sums[seen] - sums[flow_offsets[contract]]
