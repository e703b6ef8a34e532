"""The tables: as exact as promised, monotone, continuous, the same bytes always, right on every edge."""

import math

import numpy as np
import pytest

from tsutsumi.app.bench.goals import PORTFOLIOS, random_goals
from tsutsumi.core.goals import atlas as atlas_file
from tsutsumi.core.goals.atlas import atlas
from tsutsumi.core.goals.canonical import exact
from tsutsumi.core.goals.lookup import SHARES, logarithms, probability, quick_below, share_weights
from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.table import build_table, covers

MODELS = [*PORTFOLIOS.values(), (-0.03, 0.3), (0.1, 0.4)]


@pytest.fixture(scope="module")
def tables():
    """Return a table of each model."""
    return {model: build_table(Portfolio(*model)) for model in MODELS}


def goals(model, count, seed=1):
    """Return random goals of a model: now, monthly, target, months."""
    return random_goals(Portfolio(*model), count, np.random.default_rng(seed))


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_the_error_is_at_most_two_hundredths_of_a_percentage_point(tables, model, at_end):
    now, monthly, target, months = goals(model, 120)
    months[:40] = np.arange(40) % 12 + 1  # short and steep too
    told = probability(tables[model], now, monthly, target, months, at_end)
    true = [exact(*figures, *Portfolio(*model).monthly, at_end) for figures in zip(now, monthly, target, months, strict=True)]
    assert np.abs(told - true).max() < 2e-4


def test_short_steep_drawing(tables):
    """Half, a third … of the money is drawn each month, with very little or nothing to be left: each horizon from 1 to 12."""
    for at_end in (False, True):
        months = np.repeat(np.arange(1, 13), 40)
        rate = np.tile(np.linspace(0.7, 1.2, 20), 24)
        target = np.where(np.arange(480) % 2, 0.0, 1e6 * np.exp(np.linspace(-9, -1, 480)))
        drawn = -1e6 / months * rate
        told = probability(tables[0.1, 0.4], 1e6, drawn, target, months, at_end)
        model = Portfolio(0.1, 0.4).monthly
        true = [exact(1e6, c, g, t, *model, at_end) for c, g, t in zip(drawn, target, months, strict=True)]
        assert np.abs(told - true).max() < 2e-4


@pytest.mark.parametrize("model", MODELS)
def test_more_money_more_payment_or_less_target_never_lowers_it(tables, model):
    now, monthly, target, months = goals(model, 100_000, 2)
    table = tables[model]
    rng = np.random.default_rng(3)
    step = np.exp(rng.uniform(-14, -1, now.size))
    for at_end in (False, True):
        here = probability(table, now, monthly, target, months, at_end)
        richer = probability(table, now * (1 + step), monthly, target, months, at_end)
        saver = probability(table, now, monthly + np.abs(monthly) * step, target, months, at_end)
        easier = probability(table, now, monthly, target * (1 - step), months, at_end)
        for better in (richer, saver, easier):
            assert (better < here).sum() == 0


@pytest.mark.parametrize("at_end", [False, True])
def test_it_is_continuous_where_saving_turns_into_drawing(tables, at_end):
    now = 1_000_000.0
    target = np.repeat(now * np.exp(np.linspace(-1, 2, 50)), 3)
    monthly = np.tile([-1e-3, 0.0, 1e-3], 50)
    for months in (2, 12, 120, 600):
        told = probability(tables[0.05, 0.15], now, monthly, target, months, at_end).reshape(50, 3)
        assert np.abs(np.diff(told, axis=1)).max() < 1e-6
        assert (np.diff(told, axis=1) >= 0).all()


def test_a_lump_sum_and_one_month_are_exact(tables):
    model = 0.09, 0.3
    nu, sigma = Portfolio(*model).monthly
    target = 1e6 * np.exp(np.linspace(-2, 3, 101))
    for months in (1, 2, 60, 600):
        true = [below((math.log(1e6 / g) + nu * months) / (sigma * math.sqrt(months))) for g in target]
        assert np.abs(probability(tables[model], 1e6, 0, target, months) - true).max() < 1e-7
    true = [below((math.log(1.1e6 / g) + nu) / sigma) for g in target]
    assert np.abs(probability(tables[model], 1e6, 1e5, target, 1) - true).max() < 3e-8


def test_certain_is_certain_and_nothing_else_is(tables):
    table = tables[0.05, 0.15]
    rows = [
        (100, 10, 0, 12, 1.0), (100, 0, -5, 12, 1.0), (100, -101, 0, 12, 0.0), (0, -1, 0, 12, 0.0), (100, -100, 0, 1, 1.0),
        (100, -100, 0, 2, 0.0), (100, 5, 100, 0, 1.0), (100, 5, 101, 0, 0.0),
    ]
    *figures, expected = (np.array(column) for column in zip(*rows, strict=True))
    assert probability(table, *figures).tolist() == expected.tolist()
    assert probability(table, 0, 100, [100, 101], 1, True).tolist() == [1.0, 0.0], "the only payment comes at the end"
    hopeless, safe = probability(table, [1, 1e14], 1, [1e14, 1], 12)
    assert 0 < hopeless < 1e-7 and 1 - 1e-7 < safe < 1


def test_what_is_no_goal_has_no_probability(tables):
    rows = [(0, 0, 1, 12), (-1, 5, 1, 12), (math.nan, 0, 1, 12), (1, math.inf, 1, 12), (1, 0, math.nan, 12)]
    rows += [(1, 0, 1, -1), (1, 0, 1, 9_999)]
    assert np.isnan(probability(tables[0.05, 0.15], *(np.array(column) for column in zip(*rows, strict=True)))).all()
    with pytest.raises(ValueError, match="whole"):
        probability(tables[0.05, 0.15], 1, 1, 1, 12.0)
    for months in (0, 2_401, 12.0, True):
        with pytest.raises(ValueError, match="months"):
            build_table(Portfolio(0.05, 0.15), months)


def test_beyond_the_table_a_goal_is_computed_by_itself():
    model = Portfolio(0.05, 0.15)
    short, wild = build_table(model, 24), build_table(Portfolio(0.1, 2.0), 120)
    assert probability(short, 1e6, 1e4, 4e6, [24, 240])[1] == exact(1e6, 1e4, 4e6, 240, *model.monthly, False)
    assert not covers(120, *wild.portfolio.monthly) and not wild.covered[0, 120]
    assert probability(wild, 1e6, 1e4, 2e6, 120)[0] == exact(1e6, 1e4, 2e6, 120, *wild.portfolio.monthly, False)
    assert not covers(2, 3.1 / 2, 0.1) and not covers(600, 0.0, 3.3 / math.sqrt(600)) and covers(1_200, 0.003, 0.04)
    calm = build_table(Portfolio(0.05, 0.0), 12)
    assert probability(calm, 100, 0, [105, 106], 12).tolist() == [1.0, 0.0]


def test_long_horizons_from_the_atlas():
    model = Portfolio(0.03, 0.1)
    table = build_table(model, 1_200)
    assert table.covered[0, 1_200]
    told = probability(table, 1e6, [3e3, -2e3], [3e7, 0], 1_200)
    assert np.abs(told - [exact(1e6, c, g, 1_200, *model.monthly, False) for c, g in ((3e3, 3e7), (-2e3, 0.0))]).max() < 2e-4


def test_the_same_arguments_give_the_same_bytes():
    first, again = (build_table(Portfolio(0.05, 0.15), 120) for _ in range(2))
    for name in ("scale", "moments", "bend", "covered"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    kept = atlas().tobytes()
    atlas_file._made.cache_clear()
    assert atlas().tobytes() == kept


def test_small_parts():
    x = np.linspace(-8, 8, 4_001)
    assert max(abs(quick_below(v) - below(v)) for v in x if abs(v) < 5.5) < 1e-9
    figures = np.exp(np.linspace(-300, 300, 1_001))
    out = np.empty(figures.size)
    logarithms(figures.copy(), figures.size, out)
    assert np.allclose(out, np.log(figures), rtol=1e-14, atol=1e-15)
    for position in np.linspace(0, SHARES - 1, 500):
        weights = share_weights(position)
        assert abs(sum(weights)) < 2 and all(map(math.isfinite, weights))
