"""Goals of a house over its days: probabilities as the exact law tells them, parts that add up, what is advised."""

import polars as pl
import pytest

from tests.days.small_house import THROUGH, make_house
from tsutsumi.core.goals.ladder import one_probability
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import gather_house
from tsutsumi.store.database import open_house


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The open format of the small house at its last day."""
    house = open_house(make_house(tmp_path_factory.mktemp("goals") / "house"))
    close_through(house, THROUGH)
    yield gather_house(house, THROUGH)
    house.engine.dispose()


def test_every_followed_goal_has_a_row_on_every_business_day(tables):
    goals, values = tables["goals"], tables["values"]
    assert goals.height > 500 and goals.select("date", "goal_id").is_duplicated().sum() == 0
    money = values.filter(pl.col("value_yen") > 0).select("date", "sleeve_id", "value_yen")
    joined = goals.filter(pl.col("value_yen") > 0).join(money, on=["date", "sleeve_id"], how="left", suffix="_of_sleeve")
    assert (joined["value_yen"] == joined["value_yen_of_sleeve"]).all()


def test_whole_months_agree_with_the_exact_law(tables):
    whole = tables["goals"].filter((pl.col("months_ppm") % 1_000_000 == 0) & (pl.col("months_ppm") > 0)).unique("goal_id")
    assert whole.height > 5
    for row in whole.iter_rows(named=True):
        portfolio = Portfolio.from_simple(row["mean_ppm"] / 1e6, row["risk_ppm"] / 1e6)
        exact = one_probability(portfolio, row["value_yen"], row["monthly_yen"], row["target_yen"], row["months_ppm"] // 1_000_000)
        assert abs(exact * 1e6 - row["probability_ppm"]) <= 1_000


def test_the_parts_add_up_from_day_to_day(tables):
    moved = tables["goals"].sort("goal_id", "date").with_columns(
        change=pl.col("probability_ppm").diff().over("goal_id"),
        parts=pl.sum_horizontal("market_ppm", "payment_ppm", "time_ppm", "assumption_ppm"),
    )
    assert moved.filter(pl.col("change").is_not_null() & (pl.col("change") != pl.col("parts"))).is_empty()
    assert (moved["market_ppm"] != 0).any() and (moved["time_ppm"] != 0).any() and (moved["payment_ppm"] != 0).any()


def test_advice_is_ranked_and_within_what_suits(tables):
    advice = tables["advice"]
    assert advice.height > 20
    first = advice.group_by("date", "goal_id").agg(pl.col("rank").sort(), pl.col("kind").n_unique().alias("kinds"))
    assert all(ranks == list(range(1, len(ranks) + 1)) for ranks in first["rank"].to_list())
    assert (first["kinds"] == first["rank"].list.len()).all()
    assert advice.filter((pl.col("kind") == "pay_more") & (pl.col("yen") % 1_000 != 0)).is_empty()
    told = tables["goals"].select("date", "goal_id").with_columns(followed=True)
    assert advice.join(told, on=["date", "goal_id"], how="left")["followed"].all()
