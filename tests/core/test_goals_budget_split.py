"""The split of a budget by priority against every split there is, looked at one by one; and what it must never do."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.goals.budget_split import Share, best_split, counted, transfers
from tsutsumi.core.goals.within import odds

STEP = 1_000


@st.composite
def budgets(draw):
    """Goals with payments in whole steps, and for each level a probability that never falls as the payment grows."""
    count = draw(st.integers(1, 3))
    today = [draw(st.integers(0, 5)) * STEP for _ in range(count)]
    most = sum(today) // STEP
    shares, laws = [], []
    for yen in today:
        stays = draw(st.sampled_from([0, 0, 0, min(yen, STEP)]))
        shares.append(Share(
            yen, draw(st.sampled_from([500_000, 800_000, 855_000])), draw(st.booleans()), stays,
            draw(st.sampled_from([0, 1, 3])) * STEP, draw(st.sampled_from([1, 1, 2, 2 * STEP])),
        ))
        ppm = st.integers(0, 1_000_000)
        laws.append([sorted(draw(st.lists(ppm, min_size=most + 1, max_size=most + 1))) for _ in range(2)])
    return shares, laws


def asked(laws):
    """Return the probability by whole steps."""
    return lambda place, essential, yen: np.array(laws[place][0 if essential else 1])[yen // STEP]


def told(shares, ask, yen) -> list[int]:
    """Return how a split counts: essential amounts in order, then wishes."""
    levels = [(k, True) for k, one in enumerate(shares) if one.has_essential] + [(k, False) for k in range(len(shares))]
    return [counted(int(ask(k, essential, np.array([yen[k]]))[0]), shares[k].want_ppm) for k, essential in levels]


def every_split(shares):
    """Yield every split in whole steps that the plans could pay, and today's."""
    total = sum(one.today_yen for one in shares)
    yield tuple(one.today_yen for one in shares)
    ways = [
        [yen for yen in range(0, total + 1, STEP)
         if yen == one.stays_yen or yen >= max(one.least_yen, one.stays_yen) and yen % one.each_yen == 0]
        for one in shares
    ]
    yield from (way for way in product(*ways) if sum(way) <= total)


@settings(max_examples=300, deadline=None)
@given(budgets())
def test_no_split_is_better(budget):
    shares, laws = budget
    ask = asked(laws)
    split = best_split(shares, ask, STEP)
    assert told(shares, ask, split.yen) == max(told(shares, ask, way) for way in every_split(shares))


@settings(max_examples=200, deadline=None)
@given(budgets())
def test_the_money_is_the_same_and_nobody_gets_less_than_a_plan_takes(budget):
    shares, laws = budget
    ask = asked(laws)
    split, today = best_split(shares, ask, STEP), tuple(one.today_yen for one in shares)
    assert sum(split.yen) + split.left_yen == sum(today) and split.left_yen >= 0
    if split.yen == today and set(split.reasons) == {"kept"}:
        return
    assert told(shares, ask, split.yen) > told(shares, ask, today), "a change must be worth it"
    for one, yen in zip(shares, split.yen, strict=True):
        assert yen == one.stays_yen or yen >= max(one.least_yen, one.stays_yen) and yen % one.each_yen == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(500_000, 9_000_000), st.integers(0, 100), st.integers(0, 60_000)),
                min_size=2, max_size=4), st.integers(1, 200))
def test_by_the_law_of_goals_it_is_never_worse_than_today(goals, months):
    def ask(place, essential, yen):
        now, target, floor, _ = goals[place]
        aim = target * floor // 100 if essential else target
        return np.maximum(odds(np.atleast_1d(now), yen, aim, months * 1_000_000, 30_000, 90_000), 0)

    shares = [Share(paid, 800_000, floor > 0) for _, _, floor, paid in goals]
    split, today = best_split(shares, ask, STEP), [one.today_yen for one in shares]
    assert sum(split.yen) == sum(today) and told(shares, ask, split.yen) >= told(shares, ask, today)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6))
def test_transfers_make_the_one_from_the_other(pairs):
    before, after = [one for one, _ in pairs], [other for _, other in pairs]
    if pairs:
        after[-1] = max(after[-1] + sum(before) - sum(after), 0)
    moves = transfers(before, after)
    left = list(before)
    for giver, taker, yen in moves:
        assert yen > 0 and giver != taker
        left[giver] -= yen
        left[taker] += yen
    assert left == after or sum(before) != sum(after)
