"""One budget for several goals by priority (優先順位による配分): essential amounts first, then wishes; exact to the yen.

The same rule shares out payments a month, and savings within an account. The probability is asked of a function, so that what a
split promises is what the close will tell. Rules and cases: docs/rules/goal-split.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import lcm

import numpy as np

from tsutsumi.core.goals.options import first_step

ESSENTIAL, WISH, SHORT, BACK, ENOUGH, NO_USE, NOTHING, KEPT = (
    "essential", "wish", "short", "back", "enough", "no_use", "nothing", "kept",
)
ONE_PERCENT = 10_000
Ask = Callable[[int, bool, np.ndarray], np.ndarray]  # place of the goal, of its essential amount or of all, yen → ppm


@dataclass(frozen=True)
class Share:
    """A goal's share of a budget (配分を受ける目標).

    Attributes
    ----------
    today_yen : what it has today
    want_ppm : the probability that is wanted, of the essential amount and of all of it
    has_essential : whether there is an essential amount
    stays_yen : what it keeps in any case
    least_yen : the smallest share above that (a smaller payment is not taken)
    each_yen : a share is a multiple of it (the days of a month that pay)
    """

    today_yen: int
    want_ppm: int
    has_essential: bool = False
    stays_yen: int = 0
    least_yen: int = 0
    each_yen: int = 1

    def most(self, yen: int) -> int:
        """Return the largest share that may be had of so many yen (取れる最大の額).

        >>> one = Share(30_000, 800_000, least_yen=10_000, each_yen=2)
        >>> one.most(25_001), one.most(9_999)
        (25000, 0)
        """
        fitting = yen // self.each_yen * self.each_yen
        return fitting if fitting >= max(self.least_yen, self.stays_yen) else self.stays_yen


@dataclass(frozen=True)
class Split:
    """A budget shared out (配分): yen by goal, why each has what it has, and the yen that nobody could take."""

    yen: tuple[int, ...]
    reasons: tuple[str, ...]
    left_yen: int = 0


def best_split(shares: Sequence[Share], ask: Ask, step_yen: int) -> Split:
    """Return the best split of what the goals have today, by priority (最良の配分).

    Best: the list of probabilities — of the essential amounts in the order of the goals, then of the wishes — each counted in
    whole percent, and no further than what is wanted, is the greatest from its first place on. Each level takes the smallest whole
    step that reaches what is wanted, or the most that what is left can reach. What is left in the end goes back up to what each
    has today, in order. If today's split is as good, it stays.

    Parameters
    ----------
    shares : the goals, first priority first
    ask : the probability of a goal with a share, which must not fall as the share grows
    step_yen : shares are searched in steps of it

    Returns
    -------
    Split
        `reasons`: essential or wish (the smallest that reaches), short (as near as what was left brings it), back (what was left,
        up to today's), enough (it reaches with what stays), no_use (more would not change a percent), nothing (nothing was left),
        kept (today's split).

    Examples
    --------
    Each yen a month brings twelve. The first goal wants 120,000, of which 60,000 are essential, the second 240,000:

    >>> wants = ((60_000, 120_000), (240_000, 240_000))
    >>> def ask(place, essential, yen):
    ...     return np.where(12 * yen >= wants[place][0 if essential else 1], 1_000_000, 2 * yen)
    >>> goals = Share(0, 800_000, has_essential=True), Share(28_000, 800_000)
    >>> best_split(goals, ask, 1_000)
    Split(yen=(10000, 18000), reasons=('wish', 'back'), left_yen=0)
    """
    today = tuple(one.today_yen for one in shares)
    given = [one.stays_yen for one in shares]
    levels = [(place, True) for place, one in enumerate(shares) if one.has_essential]
    levels += [(place, False) for place in range(len(shares))]
    left, reasons = sum(today) - sum(given), [""] * len(shares)
    for place, essential in levels if left >= 0 else ():
        share, at = shares[place], given[place]
        most = share.most(at + left)
        now, best = (counted(ppm, share.want_ppm) for ppm in ask(place, essential, np.array([at, most])).tolist())
        if now >= share.want_ppm:
            reasons[place] = reasons[place] or ENOUGH
        elif best <= now:
            reasons[place] = reasons[place] or (NO_USE if most > at else NOTHING)
        else:
            given[place] = _least(share, at, most, best, step_yen, partial(ask, place, essential))
            left -= given[place] - at
            reasons[place] = SHORT if best < share.want_ppm else ESSENTIAL if essential else WISH
    left = _give_back(shares, given, reasons, left)

    def reached(yen: Sequence[int]) -> list[int]:
        asked = ((place, int(ask(place, essential, np.array([yen[place]]))[0])) for place, essential in levels)
        return [counted(ppm, shares[place].want_ppm) for place, ppm in asked]

    if left < 0 or reached(given) <= reached(today):
        return Split(today, (KEPT,) * len(shares))
    return Split(tuple(given), tuple(reasons), left)


def counted(ppm: int, want_ppm: int) -> int:
    """Return a probability as it counts (数える確率): in whole percent, cut, and no further than what is wanted.

    >>> counted(799_999, 800_000), counted(855_000, 855_000), counted(999_999, 800_000)
    (790000, 855000, 800000)
    """
    return want_ppm if ppm >= want_ppm else ppm // ONE_PERCENT * ONE_PERCENT


def _least(share: Share, at: int, most: int, ppm: int, step_yen: int, ask: Callable[[np.ndarray], np.ndarray]) -> int:
    """Return the smallest share in whole steps, above `at`, whose probability is at least `ppm`; `most` reaches it."""
    unit = lcm(step_yen, share.each_yen)
    first = -(-max(share.least_yen, at + 1) // unit) * unit
    steps = first_step(
        lambda rows, steps: ask(first + (steps - 1) * unit) >= ppm, np.array([(most - first) // unit + 1]),
    )
    return first + (int(steps[0]) - 1) * unit if steps[0] > 0 else most


def _give_back(shares: Sequence[Share], given: list[int], reasons: list[str], left: int) -> int:
    """Share out what is left: in order up to what each has today, then to the first that may have more; return what stays over."""
    for place, share in enumerate(shares):
        yen = share.most(min(given[place] + left, share.today_yen)) if left > 0 else given[place]
        if yen > given[place]:
            left, given[place], reasons[place] = left - yen + given[place], yen, BACK
    for place, share in enumerate(shares):
        yen = share.most(given[place] + left) if left > 0 and given[place] > share.stays_yen else given[place]
        if yen > given[place]:
            left, given[place] = left - yen + given[place], yen
    return left


def transfers(before: Sequence[int], after: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return what moves from whom to whom (振替): (place that gives, place that gets, yen), in the order of the goals.

    >>> transfers([5, 0, 9], [1, 8, 5])
    [(0, 1, 4), (2, 1, 4)]
    """
    gives = [[place, old - new] for place, (old, new) in enumerate(zip(before, after, strict=True)) if old > new]
    moves = []
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        wanted = new - old
        while wanted > 0 and gives:
            yen = min(wanted, gives[0][1])
            moves.append((gives[0][0], place, yen))
            wanted, gives[0][1] = wanted - yen, gives[0][1] - yen
            if gives[0][1] == 0:
                gives.pop(0)
    return moves
