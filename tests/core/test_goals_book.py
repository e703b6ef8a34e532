"""A whole book of goals with any number of portfolios: the same answer as one by one, whoever stands beside it."""

import numpy as np
import pytest

from tsutsumi.app.bench.goals import random_goals
from tsutsumi.core.goals import atlas as atlas_file
from tsutsumi.core.goals import book as book_file
from tsutsumi.core.goals.book import BYTES_A_MONTH, STACK_BYTES, probabilities, stacks
from tsutsumi.core.goals.canonical import exact
from tsutsumi.core.goals.lookup import probability
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.table import build_table, empty_tables


def goals(count, seed=1, model=(0.05, 0.15)):
    """Return random goals: now, monthly, target, months."""
    return random_goals(Portfolio(*model), count, np.random.default_rng(seed))


@pytest.mark.parametrize("at_end", [False, True])
def test_many_goals_of_one_portfolio_are_those_of_its_table(at_end):
    columns = goals(20_000)
    table = build_table(Portfolio.from_simple(0.05, 0.15))
    told = probabilities(*columns, 0.05, 0.15, at_end)
    assert told.tobytes() == probability(table, *columns, at_end).tobytes()


def test_few_goals_read_from_the_atlas_give_the_same_bytes_as_a_table():
    columns = goals(3_000)
    table = build_table(Portfolio(0.05, 0.15))
    whole = probability(table, *columns)
    parts = [probabilities(*(column[at : at + 50] for column in columns), 0.05, 0.15, log=True) for at in range(0, 3_000, 50)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_a_few_goals_make_only_the_nodes_that_they_touch_and_tell_the_same_bytes():
    rng = np.random.default_rng(9)
    columns = goals(40, 3)
    models = rng.uniform(-0.02, 0.08, 40), rng.uniform(0.0, 0.3, 40)
    whole = atlas_file.atlas().copy()
    told = probabilities(*columns, *models)
    atlas_file._made.cache_clear()
    assert probabilities(*columns, *models).tobytes() == told.tobytes()
    made = atlas_file._made()[2]
    assert 0 < made.sum() < made.size // 2
    wanted = rng.random(made.shape) < 0.05
    assert atlas_file.atlas_at(wanted)[wanted].tobytes() == whole[wanted].tobytes()


def test_a_mixed_book_is_answered_in_its_order_whoever_stands_beside():
    """Portfolios of many goals, of few and of one, mixed; tables held two at a time give the same as all at once."""
    now, monthly, target, months = goals(30_000, 2)
    months = months % 60 + 2
    rng = np.random.default_rng(4)
    models = np.array([(0.01, 0.03), (0.03, 0.08), (0.05, 0.15), (0.07, 0.22)])[rng.integers(0, 4, now.size)]
    rare = rng.random(now.size) < 0.02
    models[rare] = np.column_stack([rng.uniform(-0.02, 0.1, rare.sum()), rng.uniform(0.01, 0.4, rare.sum())])
    told = probabilities(now, monthly, target, months, models[:, 0], models[:, 1])
    for model in np.unique(models[~rare], axis=0):
        these = (models == model).all(axis=1)
        table = build_table(Portfolio.from_simple(*map(float, model)), 61)
        expected = probability(table, now[these], monthly[these], target[these], months[these])
        assert np.abs(told[these] - expected).max() < 1e-12
    for i in np.flatnonzero(rare)[:100]:
        model = Portfolio.from_simple(*map(float, models[i])).monthly
        assert told[i] == pytest.approx(exact(now[i], monthly[i], target[i], months[i], *model, False), abs=2e-4)
    order = rng.permutation(now.size)
    again = probabilities(now[order], monthly[order], target[order], months[order], models[order, 0], models[order, 1])
    assert again.tobytes() == told[order].tobytes()


def test_tables_are_held_a_stack_at_a_time(monkeypatch):
    columns = goals(20_000, 3)
    mean = np.where(np.arange(20_000) % 3, 0.05, 0.03)
    whole = probabilities(*columns, mean, 0.15)
    monkeypatch.setattr(book_file, "STACK_BYTES", 1)
    assert probabilities(*columns, mean, 0.15).tobytes() == whole.tobytes()


def test_a_stack_keeps_within_its_bytes():
    longest = np.array([600] * 200 + [12] * 100)
    found = stacks(np.arange(300), longest)
    assert sorted(np.concatenate(found).tolist()) == list(range(300))
    assert all(len(stack) * BYTES_A_MONTH * (longest[stack].max() + 1) <= STACK_BYTES for stack in found)
    assert sum(array.nbytes for array in empty_tables(1, 600)) == pytest.approx(BYTES_A_MONTH * 601, rel=0.01)


def test_thousands_of_portfolios_and_their_hash():
    count = 20_000
    now, monthly, target, months = goals(count, 5)
    rng = np.random.default_rng(6)
    mean, risk = rng.uniform(0.0, 0.1, count), rng.uniform(0.01, 0.3, count)
    mean[1::2], risk[1::2] = mean[::2], risk[::2]
    told = probabilities(now, monthly, target, months, mean, risk)
    for i in rng.integers(0, count, 40):
        model = Portfolio.from_simple(float(mean[i]), float(risk[i])).monthly
        assert told[i] == pytest.approx(exact(now[i], monthly[i], target[i], months[i], *model, False), abs=2e-4)


def test_bad_rows_keep_their_place():
    mean = np.array([0.05, np.nan, -1.0, 0.05, 0.05, 0.05, 0.05])
    risk = np.array([0.15, 0.15, 0.15, -0.1, np.inf, 0.0, 0.15])
    now = np.array([1.0, 1, 1, 1, 1, 1, 0])
    told = probabilities(now, 0.0, 1.0, 12, mean, risk)
    assert np.isnan(told).tolist() == [False, True, True, True, True, False, True]
    assert told[5] == 1.0 and told[0] == pytest.approx(0.6, abs=0.1)
    assert np.isnan(probabilities([1, 1], 0, 1, 12, [np.nan, 0.05], 0.1)).tolist() == [True, False]
    assert probabilities(np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.int64), np.empty(0), np.empty(0)).size == 0


def test_risk_zero_wild_risk_and_the_year_2200():
    told = probabilities(100, [0, 0, -10, 1], [105, 106, 0, 1], [12, 12, 11, 2_400], [0.05, 0.05, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0])
    assert told[:3].tolist() == [1.0, 0.0, 0.0] and 0 < told[3] < 1
