"""Which funds and which days a demo can use (共通期間), and what part each fund can play (役割) by how much it moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import log, sqrt

from tsutsumi.core.calendar import business_day_table, epoch_day, from_epoch_day
from tsutsumi.core.market import within_limit
from tsutsumi.demo.price_series import Series, cut

LEAST_FUNDS = 4
LEAST_COVERAGE_PERCENT = 60
LATEST_END_DAYS = 60
DAILY_MOVE_LIMIT_PPM = 350_000
ROLES = (("cash-like", 1.5), ("defensive", 6.0), ("income", 14.0), ("growth", 28.0), ("aggressive", float("inf")))


@dataclass(frozen=True, eq=False)
class CommonWindow:
    """The days that the chosen funds share (共通期間).

    Attributes
    ----------
    first, last : int
        Epoch days, both business days.
    series : list of Series
        The chosen funds, cut to the window.
    left_out : list of (code, why)
    note : str
        How the window was chosen.
    """

    first: int
    last: int
    series: list[Series]
    left_out: list[tuple[str, str]]
    note: str


@dataclass(frozen=True)
class Role:
    """The part of a fund in a model (役割): cash-like, defensive, income, growth or aggressive, and what was measured."""

    kind: str
    volatility_percent: float


def common_window(series: Sequence[Series], through: date | None = None) -> CommonWindow:
    """Return the funds that are long enough and the days that they share (共通期間).

    The longest window runs from the earliest first price to the latest last one, or to `through`. A fund with prices on
    less than 60 % of its business days, or whose prices end more than 60 days before its end, is left out, with the
    reason. If fewer than four would remain, length and end are measured on the fourth best instead. The window starts on
    the first day on which all chosen funds have a price, and ends with the first of their last prices.

    Raises
    ------
    ValueError
        Fewer than four funds have prices, or no four of them share a day.
    """
    latest = epoch_day(through) if through else max((int(one.dates[-1]) for one in series if len(one.dates)), default=0)
    reasons: dict[str, str] = {}
    trimmed = [cut(one, 0, latest) for one in series]
    priced = [one for one in trimmed if len(one.dates)]
    reasons |= {one.code: f"no price up to {from_epoch_day(latest)}" for one in trimmed if not len(one.dates)}
    if len(priced) < LEAST_FUNDS:
        what = f"{len(priced)} fund(s) have prices up to {from_epoch_day(latest)}, {LEAST_FUNDS} are needed"
        raise ValueError(f"demo: {what}: give more NAV files, or a later --through")
    in_time, end = _in_time(priced, reasons)
    chosen, longest = _covering(in_time, end, reasons)
    shared = set.intersection(*(set(one.dates.tolist()) for one in chosen))
    first = min(shared) if shared else max(int(one.dates[0]) for one in chosen)
    last = min(end, *(int(one.dates[-1]) for one in chosen))
    if first >= last:
        codes = ", ".join(one.code for one in chosen)
        raise ValueError(f"demo: the funds {codes} share no two days: give NAV files of funds that lived at the same time")
    short = [one.code for one in chosen if int(one.dates[-1]) == last]
    ending = "all of them end on the last day" if len(short) == len(chosen) else f"{', '.join(short)} end(s) first"
    span = f"{from_epoch_day(first)} to {from_epoch_day(last)}"
    note = f"{span}: {len(chosen)} funds have prices from the first day, {ending}; the longest window has {longest:,} business days"
    left_out = [(one.code, reasons[one.code]) for one in series if one.code in reasons]
    return CommonWindow(first, last, [cut(one, first, last) for one in chosen], left_out, note)


def _in_time(priced: list[Series], reasons: dict[str, str]) -> tuple[list[Series], int]:
    """Return the funds whose prices reach the end, and that end: the latest, or the fourth latest if too few reach it."""
    ends = sorted((int(one.dates[-1]) for one in priced), reverse=True)
    end = ends[0]
    if sum(own >= end - LATEST_END_DAYS for own in ends) < LEAST_FUNDS:
        end = ends[LEAST_FUNDS - 1]
    in_time = []
    for one in priced:
        own = int(one.dates[-1])
        if own >= end - LATEST_END_DAYS:
            in_time.append(one)
            continue
        reasons[one.code] = (
            f"its prices end on {from_epoch_day(own)}, {end - own} days before {from_epoch_day(end)} (at most {LATEST_END_DAYS})"
        )
    return in_time, end


def _covering(in_time: list[Series], end: int, reasons: dict[str, str]) -> tuple[list[Series], int]:
    """Return the funds that cover 60 % of the longest window, or of the fourth best fund's days if too few do."""
    counts = {one.code: int((one.dates <= end).sum()) for one in in_time}
    longest = len(business_day_table(from_epoch_day(min(int(one.dates[0]) for one in in_time)), from_epoch_day(end)))
    whole, whose = longest, "of the longest window"
    if sum(count * 100 >= whole * LEAST_COVERAGE_PERCENT for count in counts.values()) < LEAST_FUNDS:
        whole, whose = sorted(counts.values(), reverse=True)[LEAST_FUNDS - 1], "of the fourth longest fund"
    chosen = []
    for one in in_time:
        count = counts[one.code]
        if count * 100 >= whole * LEAST_COVERAGE_PERCENT and count:
            chosen.append(one)
            continue
        share = f"{count:,} of the {whole:,} days {whose} ({count * 100 // max(whole, 1)} %)"
        reasons[one.code] = f"its prices cover {share}, below {LEAST_COVERAGE_PERCENT} %"
    if len(chosen) < LEAST_FUNDS:
        what = f"only {len(chosen)} fund(s) have prices up to {from_epoch_day(end)}, {LEAST_FUNDS} are needed"
        raise ValueError(f"demo: {what}: give NAV files of funds that lived at the same time")
    return chosen, longest


def volatility_percent(one: Series) -> float:
    """Return the annual volatility in percent (年率リスク) of the log returns, distributions added back.

    A price that a close would refuse (beyond 35 %, not confirmed by the next one) is left out. Statistics, not money:
    floats are fine. The returns are annualised by their own frequency, so that weekly prices measure the same.
    """
    paid = {day: amount * one.price_base_units / per_units for day, amount, per_units in one.distributions}
    returns, before, refused, carried, dates = [], 0, 0, 0.0, []
    for day, price in zip(one.dates.tolist(), one.prices.tolist(), strict=True):
        carried += paid.get(day, 0.0)
        near = within_limit(price, before, DAILY_MOVE_LIMIT_PPM) if before else True
        if price <= 0 or not (near or (refused and within_limit(price, refused, DAILY_MOVE_LIMIT_PPM))):
            refused = max(price, 0)
            continue
        if before:
            returns.append(log((price + carried) / before))
        dates.append(day)
        before, refused, carried = price, 0, 0.0
    if len(returns) < 2:
        return 0.0
    mean = sum(returns) / len(returns)
    variance = sum((value - mean) ** 2 for value in returns) / (len(returns) - 1)
    years = (dates[-1] - dates[0]) / 365.25
    return 100 * sqrt(variance * len(returns) / years)


def roles(series: Sequence[Series]) -> dict[str, Role]:
    """Return code -> role of each fund (役割) by its measured volatility over the days given; cut them to the window first."""
    measured = {}
    for one in series:
        volatility = volatility_percent(one)
        kind = next(kind for kind, below in ROLES if volatility < below)
        measured[one.code] = Role(kind, round(volatility, 2))
    return measured
