"""What would bring a goal back (改善案): pay more, pay once, a later date, another model; where it is more than safe, less of each.

Goals are looked at together, a column of figures at a time. The probability is asked of a function, so that what an option
promises is what the close will tell of the changed goal. Rules and cases: docs/rules/advice-rows.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

KINDS = ("pay_more", "pay_once", "later_date", "change_model", "pay_less")
PAY_MORE, PAY_ONCE, LATER_DATE, CHANGE_MODEL, PAY_LESS = range(len(KINDS))
STEP_YEN = 1_000  # payments are offered in steps of it
MOST_YEN = 10**12  # of a payment: above it nothing is offered
PPM = 1_000_000
LATER_MONTHS = (0, 1, 2, 3, 6, 12, 24, 36, 60, 84, 120)  # looked at first, then the months between two; ten years at most
NO_LIMIT = 1 << 40
COURSE = ("now_yen", "monthly_yen", "target_yen", "months_ppm", "mean_ppm", "risk_ppm")
COLUMNS = ("row", "rank_no", "kind_code", "yen", "model_no", "months", "probability_ppm", "cost_yen")

Columns = dict[str, np.ndarray]
Odds = Callable[..., np.ndarray]  # the six columns of COURSE → the probability as it is stored, in ppm; −1 where there is none
Later = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]  # rows, months later → months_ppm, target_yen


@dataclass(frozen=True, eq=False)
class Offer:
    """The models on offer (提示できるモデル): number, mean and risk of each that has assumptions, and which program offers it.

    Attributes
    ----------
    model_no, mean_ppm, risk_ppm : int64[K]
    offered : bool[programs, K]
    """

    model_no: np.ndarray
    mean_ppm: np.ndarray
    risk_ppm: np.ndarray
    offered: np.ndarray


def stored_ppms(probability: np.ndarray) -> np.ndarray:
    """Return probabilities as they are stored (保存する確率), in ppm; −1 for NaN. `ladder.stored_ppm` of a column.

    Examples
    --------
    >>> stored_ppms(np.array([0.0, 1e-9, 0.430959, 1 - 1e-9, 1.0, np.nan])).tolist()
    [0, 1, 430959, 999999, 1000000, -1]
    """
    told = np.isfinite(probability)
    share = np.where(told, probability, 0.0)
    ppm = np.clip((share * PPM + 0.5).astype(np.int64), 1, PPM - 1)
    ppm = np.where(share <= 0.0, 0, np.where(share >= 1.0, PPM, ppm))
    return np.where(told, ppm, -1)


def first_step(reaches: Callable[[np.ndarray, np.ndarray], np.ndarray], most: np.ndarray) -> np.ndarray:
    """Return for each row the smallest step 1 … most that reaches, −1 if none does (最小の刻み).

    Upward in fours, then halving; what has once been reached stays reached further up.

    Parameters
    ----------
    reaches : rows and their steps → bool
    most : int64, one for each row; below 1 there is nothing to look at

    Examples
    --------
    >>> first_step(lambda rows, steps: steps * 1000 >= np.array([1, 70_000, 9_999_000])[rows], np.array([9, 100, 100])).tolist()
    [1, 70, -1]
    """
    low, high = np.zeros(most.size, np.int64), np.where(most >= 1, 1, -1)
    open_rows = np.flatnonzero(high > 0)
    while open_rows.size:  # upward
        missed = open_rows[~reaches(open_rows, high[open_rows])]
        low[missed] = high[missed]
        done = high[missed] >= most[missed]
        high[missed] = np.where(done, -1, np.minimum(high[missed] * 4, most[missed]))
        open_rows = missed[~done]
    open_rows = np.flatnonzero(high - low > 1)
    while open_rows.size:  # low misses, high reaches
        middle = (low[open_rows] + high[open_rows]) // 2
        found = reaches(open_rows, middle)
        high[open_rows[found]], low[open_rows[~found]] = middle[found], middle[~found]
        open_rows = open_rows[high[open_rows] - low[open_rows] > 1]
    return high


def options(goals: Columns, offer: Offer, odds: Odds, later: Later) -> Columns:
    """Return the options of many goals (改善案), ranked within each goal.

    Parameters
    ----------
    goals : columns of one length
        Those of `COURSE`; `want_ppm`; `probability_ppm` now; `above` (bool: more than safe, else behind); `program_no`, `model_no`;
        `instalment_yen`, `drawing_yen` (the plans whose difference `monthly_yen` is); `least_instalment_yen`, `least_deposit_yen`
        (what the program takes); `most_risk_ppm` (suitability, `NO_LIMIT` where there is none).
    offer : the models with assumptions, and who offers them
    odds : the probability of changed goals
    later : months left and target if the date is moved

    Returns
    -------
    columns `COLUMNS`
        `row` of the goal; `rank_no` from 1: what reaches the want first, then by `cost_yen` a month, then in the order of `KINDS`;
        `yen` a month or once; `model_no` of a change; `months` later; `probability_ppm` after. What is impossible is left out.

    Notes
    -----
    A goal whose own model is beyond its limit is only offered another model: nothing else would be suitable.

    Examples
    --------
    Without risk and interest, 100,000 yen become 220,000 in twelve months with 10,000 a month:

    >>> one = {name: np.array([value]) for name, value in {
    ...     "now_yen": 100_000, "monthly_yen": 5_000, "target_yen": 220_000, "months_ppm": 12_000_000, "mean_ppm": 0, "risk_ppm": 0,
    ...     "want_ppm": 800_000, "probability_ppm": 0, "above": False, "program_no": 0, "model_no": 1, "instalment_yen": 5_000,
    ...     "drawing_yen": 0, "least_instalment_yen": 1_000, "least_deposit_yen": 1_000, "most_risk_ppm": NO_LIMIT}.items()}
    >>> def sure(now, monthly, target, months_ppm, mean_ppm, risk_ppm):
    ...     return np.where(now + monthly * (months_ppm // PPM) >= target, PPM, 0)
    >>> none = Offer(*(np.zeros(0, np.int64) for _ in range(3)), np.zeros((1, 0), bool))
    >>> found = options(one, none, sure, lambda rows, n: (one["months_ppm"][rows] + n * PPM, one["target_yen"][rows]))
    >>> [KINDS[kind] for kind in found["kind_code"]]
    ['later_date', 'pay_more', 'pay_once']
    >>> [found[name].tolist() for name in ("yen", "months", "cost_yen")]
    [[0, 5000, 60000], [12, 0, 0], [0, 5000, 5000]]
    """
    ask = _Ask(goals, odds)
    suitable = goals["risk_ppm"] <= goals["most_risk_ppm"]
    behind, above = np.flatnonzero(suitable & ~goals["above"]), np.flatnonzero(suitable & goals["above"])
    parts = [
        _pay_more(ask, behind), _pay_once(ask, behind), _later_date(ask, behind, later),
        _change_model(ask, offer, suitable), _pay_less(ask, above),
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _ranked(found, goals["want_ppm"])


class _Ask:
    """The goals, and the probability of any of them with some figures changed."""

    def __init__(self, goals: Columns, odds: Odds) -> None:
        self.goals, self.odds = goals, odds

    def ppm(self, rows: np.ndarray, **changed) -> np.ndarray:
        """Return the probability of rows with these columns of the course instead of their own."""
        if rows.size == 0:
            return np.zeros(0, np.int64)
        course = (np.broadcast_to(changed.get(name, self.goals[name][rows]), rows.shape) for name in COURSE)
        return self.odds(*course)

    def of(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return a column of some rows."""
        return self.goals[name][rows].astype(np.int64)

    def reaches(self, rows: np.ndarray, **changed) -> np.ndarray:
        """Return which rows reach their want with these columns."""
        return self.ppm(rows, **changed) >= self.goals["want_ppm"][rows]


def _part(kind: int, rows: np.ndarray, ppm: np.ndarray, yen=0, model_no=0, months=0, cost_yen=0) -> Columns:
    """Return options of one kind as columns."""
    columns = {"kind_code": kind, "yen": yen, "model_no": model_no, "months": months, "probability_ppm": ppm, "cost_yen": cost_yen}
    whole = {name: np.array(np.broadcast_to(column, rows.shape), np.int64) for name, column in columns.items()}
    return {"row": rows.astype(np.int64)} | whole


def _up(yen: np.ndarray) -> np.ndarray:
    """Return yen rounded up to the step."""
    return -(-yen // STEP_YEN) * STEP_YEN


def _pay_more(ask: _Ask, rows: np.ndarray) -> Columns:
    """Offer the smallest payment more a month, in whole steps, that reaches; drawings are cut before instalments are raised."""
    monthly, instalment, drawing = (ask.of(name, rows) for name in ("monthly_yen", "instalment_yen", "drawing_yen"))
    steps = first_step(
        lambda at, steps: ask.reaches(rows[at], monthly_yen=monthly[at] + steps * STEP_YEN),
        (MOST_YEN - instalment) // STEP_YEN,
    )
    yen = steps * STEP_YEN
    least = _up(drawing + ask.of("least_instalment_yen", rows) - instalment)  # an instalment below the least is not taken
    yen = np.where(yen > drawing, np.maximum(yen, least), yen)
    kept = (steps > 0) & (yen <= MOST_YEN - instalment)
    rows, yen, monthly = rows[kept], yen[kept], monthly[kept]
    return _part(PAY_MORE, rows, ask.ppm(rows, monthly_yen=monthly + yen), yen, cost_yen=yen)


def _pay_once(ask: _Ask, rows: np.ndarray) -> Columns:
    """Offer the smallest payment now, in whole steps, that reaches; its cost is spread over the months left, at least one."""
    now = ask.of("now_yen", rows)
    steps = first_step(
        lambda at, steps: ask.reaches(rows[at], now_yen=now[at] + steps * STEP_YEN), np.full(rows.size, MOST_YEN // STEP_YEN),
    )
    yen = np.maximum(steps * STEP_YEN, _up(ask.of("least_deposit_yen", rows)))
    kept = (steps > 0) & (yen <= MOST_YEN)
    rows, yen, now = rows[kept], yen[kept], now[kept]
    cost = -(-yen * PPM // np.maximum(ask.of("months_ppm", rows), PPM))
    return _part(PAY_ONCE, rows, ask.ppm(rows, now_yen=now + yen), yen, cost_yen=cost)


def _later_date(ask: _Ask, rows: np.ndarray, later: Later) -> Columns:
    """Offer the first whole number of months later that reaches: the first of `LATER_MONTHS`, then halving down to the month."""
    high, ppm = np.full(rows.size, -1, np.int64), np.full(rows.size, -1, np.int64)
    low, waiting = np.zeros(rows.size, np.int64), np.arange(rows.size)

    def look(at: np.ndarray, months: np.ndarray) -> np.ndarray:
        left, target = later(rows[at], months)
        return ask.ppm(rows[at], months_ppm=left, target_yen=target)

    for before, months in zip(LATER_MONTHS, LATER_MONTHS[1:], strict=False):
        found = look(waiting, np.full(waiting.size, months, np.int64))
        done = found >= ask.goals["want_ppm"][rows[waiting]]
        high[waiting[done]], low[waiting[done]], ppm[waiting[done]] = months, before, found[done]
        waiting = waiting[~done]
    near = np.flatnonzero(high - low > 1)
    while near.size:
        middle = (low[near] + high[near]) // 2
        found = look(near, middle)
        done = found >= ask.goals["want_ppm"][rows[near]]
        high[near[done]], ppm[near[done]], low[near[~done]] = middle[done], found[done], middle[~done]
        near = near[high[near] - low[near] > 1]
    kept = high > 0
    return _part(LATER_DATE, rows[kept], ppm[kept], months=high[kept])


def _change_model(ask: _Ask, offer: Offer, suitable: np.ndarray) -> Columns:
    """Offer one permitted model: of those that reach the one of least risk, else the best one where it is better than now.

    Every permitted model is looked at: the probability is not monotone in the risk. A goal above is only offered less risk; one
    whose own model is not suitable any model that is, whether better or not.
    """
    goals, count = ask.goals, ask.goals["want_ppm"].size
    chosen, best = np.full((2, count), -1, np.int64)  # places in the offer
    best_ppm, order = np.full(count, -1, np.int64), np.lexsort((offer.model_no, offer.risk_ppm))
    chosen_risk, chosen_ppm = np.full(count, NO_LIMIT, np.int64), np.full(count, -1, np.int64)
    for place in order.tolist():
        risk = int(offer.risk_ppm[place])
        permitted = offer.offered[goals["program_no"], place] & (risk <= goals["most_risk_ppm"])
        permitted &= (goals["model_no"] != offer.model_no[place]) & (~goals["above"] | ~suitable | (risk < goals["risk_ppm"]))
        rows = np.flatnonzero(permitted)
        ppm = ask.ppm(rows, mean_ppm=offer.mean_ppm[place], risk_ppm=risk)
        enough = ppm >= goals["want_ppm"][rows]
        take = enough & ((chosen_risk[rows] > risk) | ((chosen_risk[rows] == risk) & (chosen_ppm[rows] < ppm)))
        chosen[rows[take]], chosen_risk[rows[take]], chosen_ppm[rows[take]] = place, risk, ppm[take]
        take = ppm > best_ppm[rows]
        best[rows[take]], best_ppm[rows[take]] = place, ppm[take]
    helps = ~goals["above"] & (best_ppm > goals["probability_ppm"]) | ~suitable
    place = np.where(chosen >= 0, chosen, np.where(helps, best, -1))
    rows = np.flatnonzero(place >= 0)
    ppm = np.where(chosen >= 0, chosen_ppm, best_ppm)[rows]
    return _part(CHANGE_MODEL, rows, ppm, model_no=offer.model_no[place[rows]])


def _pay_less(ask: _Ask, rows: np.ndarray) -> Columns:
    """Offer the largest payment less a month that still reaches: all of the instalment, or whole steps that leave the least."""
    monthly, instalment = ask.of("monthly_yen", rows), ask.of("instalment_yen", rows)
    stops = (instalment > 0) & ask.reaches(rows, monthly_yen=monthly - instalment)
    most = (instalment - ask.of("least_instalment_yen", rows)) // STEP_YEN
    short = first_step(
        lambda at, steps: ~ask.reaches(rows[at], monthly_yen=monthly[at] - steps * STEP_YEN), np.where(stops, 0, most),
    )
    steps = np.where(short > 0, short - 1, np.maximum(most, 0))
    yen = np.where(stops, instalment, steps * STEP_YEN)
    kept = yen > 0
    rows, yen, monthly = rows[kept], yen[kept], monthly[kept]
    return _part(PAY_LESS, rows, ask.ppm(rows, monthly_yen=monthly - yen), yen, cost_yen=-yen)


def _ranked(found: Columns, want_ppm: np.ndarray) -> Columns:
    """Return the options in their order, with a rank within each goal."""
    falls_short = found["probability_ppm"] < want_ppm[found["row"]]
    order = np.lexsort((found["kind_code"], found["cost_yen"], falls_short, found["row"]))
    ordered = {name: column[order] for name, column in found.items()}
    rows = ordered["row"]
    first = np.searchsorted(rows, rows)
    return {"row": rows, "rank_no": np.arange(rows.size) - first + 1} | {name: ordered[name] for name in COLUMNS[2:]}
