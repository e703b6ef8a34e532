"""What a sale of a position costs (売却の費用): the tax on its gain under the account's average cost, and the redemption levy.

Only programs that rebalance with the tax in mind ask for it (docs/close.md §8, docs/rules/rebalancing.md).
"""

import csv
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np
from numba import njit

from tsutsumi.core.books import Books, account_place
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.rules import Rules
from tsutsumi.core.wide import mul_div_floor, position_yen

PPM = 1_000_000


@cache
def _rates() -> tuple[tuple[str, int, int], ...]:
    """Return (tax class, first day, ppm) of the statute, by date."""
    text = files("tsutsumi").joinpath("statute", "sale_tax_rates.csv").read_text(encoding="utf-8")
    rows = sorted(csv.DictReader(text.splitlines()), key=lambda row: row["valid_from_date"])
    first = [epoch_day(date.fromisoformat(row["valid_from_date"])) for row in rows]
    return tuple((row["tax_class"], since, int(row["rate_ppm"])) for row, since in zip(rows, first, strict=True))


@cache
def sale_tax_rate_ppm(tax_class: str, day: int) -> int:
    """Return the rate of tax on the gain of a sale (譲渡益の税率), in ppm, in force on a day; 0 before the first row of the table.

    Source: statute/sale_tax_rates.csv.

    >>> sale_tax_rate_ppm("specific", epoch_day(date(2026, 4, 1))), sale_tax_rate_ppm("nisa", epoch_day(date(2026, 4, 1)))
    (203150, 0)
    """
    known = [rate for name, first, rate in _rates() if name == tax_class and first <= day]
    return known[-1] if known else 0


@njit(cache=True, error_model="numpy")
def _fill_costs(rows, place, instrument, account_units, tax_cost, rate, num, den, most_units, levy, cost):
    for k in range(rows.size):
        i, units = instrument[rows[k]], account_units[place[k]]
        value = position_yen(units, num[i], den[i], most_units[i])
        gain = value - tax_cost[place[k]]
        tax = mul_div_floor(rate[k], gain, value) if gain > 0 and value > 0 else np.int64(0)
        cost[rows[k]] = min(tax + levy[i], PPM)


def sale_costs(books: Books, rules: Rules, market: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Return ppm of the yen of a sale that tax and levy take, per position (売却の費用率), of the sleeves that ask for it.

    floor(rate × max(value − cost, 0) / value) + levy, at most 1,000,000: value and cost are the account's, whose average cost the
    tax law counts, at the prices in force. Positions of other programs hold 0; without such a program the column has one row.

    Parameters
    ----------
    market : num, den, most_units per instrument;  rows : int64, sleeve rows to be decided on
    """
    sleeves, positions, accounts = books.sleeves, books.positions, books.account_positions
    asking = rows[rules.programs["rebalance_stretch_ppm"][sleeves["program_no"][rows]] > 0]
    if asking.size == 0:
        return np.zeros(1, np.int64)
    counts = books.offsets[asking + 1] - books.offsets[asking]
    of = np.repeat(asking, counts)
    at = np.repeat(books.offsets[asking] - np.append(0, np.cumsum(counts)[:-1]), counts) + np.arange(of.size)
    account_no = sleeves["account_no"][of]
    cost = np.zeros(positions["held_units"].size, np.int64)
    _fill_costs(
        at, account_place(accounts, account_no, positions["instrument_no"][at]), positions["instrument_no"], accounts["held_units"],
        accounts["tax_cost_yen"], rules.tax_rate_ppm[account_no], market["num"], market["den"], market["most_units"],
        rules.instruments["levy_ppm"], cost,
    )
    return cost
