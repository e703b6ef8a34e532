"""Goals in the open format (目標と改善案のエクスポート): how each stood on every business day and why, and what was advised."""

import polars as pl

from tsutsumi.core.goal_status import NONE, PARTS, STATUSES
from tsutsumi.core.goals.options import KINDS
from tsutsumi.core.schema import columns
from tsutsumi.run.gathering import Gathering, coded, day_column


def goals_table(g: Gathering) -> pl.DataFrame:
    """Return the probability of every goal on every business day (達成確率), null where none can be told, and why it moved."""
    facts = g.fact("goals", tuple(word.column for word in columns("goal_facts")))
    return facts.select(
        "date", g.named("goals", pl.col("goal_no")).alias("goal_id"), g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"),
        pl.when(pl.col("status_code") != NONE).then(pl.col("probability_ppm")).cast(pl.Int64).alias("probability_ppm"),
        coded(pl.col("status_code"), STATUSES).alias("status"), *(pl.col(name).cast(pl.Int64) for name in PARTS),
        *(pl.col(name).cast(pl.Int64) for name in ("value_yen", "monthly_yen", "target_yen")),
        day_column(pl.col("target_date")).alias("target_date"),
        *(pl.col(name).cast(pl.Int64) for name in ("months_ppm", "mean_ppm", "risk_ppm")),
    )


def advice_table(g: Gathering) -> pl.DataFrame:
    """Return every option that was advised (改善案), by day, goal and rank."""
    advice = g.fact("advice", tuple(word.column for word in columns("advice")))
    return advice.select(
        "date", g.named("goals", pl.col("goal_no")).alias("goal_id"), g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"),
        pl.col("rank_no").cast(pl.Int64).alias("rank"), coded(pl.col("kind_code"), KINDS).alias("kind"),
        pl.col("amount_yen").alias("yen"),
        pl.when(pl.col("model_no") > 0).then(g.named("models", pl.col("model_no"))).alias("model_id"),
        pl.col("months_count").cast(pl.Int64).alias("months"), pl.col("probability_ppm").cast(pl.Int64), "monthly_cost_yen",
    )
