"""Goals in the open format (目標と改善案のエクスポート): how each stood on every business day and why, and what was advised."""

import polars as pl

from tsutsumi.core.goal_status import FLOOR_STATUSES, NO_FLOOR, NONE, PARTS, STATUSES
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
        pl.when(pl.col("floor_yen") > 0).then(pl.col("floor_yen")).cast(pl.Int64).alias("floor_yen"),
        pl.when(pl.col("floor_ppm") >= 0).then(pl.col("floor_ppm")).cast(pl.Int64).alias("floor_ppm"),
        pl.when(pl.col("floor_code") != NO_FLOOR).then(coded(pl.col("floor_code"), FLOOR_STATUSES)).alias("floor_status"),
        pl.when(pl.col("asset_life_months") >= 0).then(pl.col("asset_life_months")).cast(pl.Int64).alias("asset_life_months"),
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


def surplus_rules_table(g: Gathering) -> pl.DataFrame:
    """Return the dated rules by which a sleeve that has enough passes on its surplus (余剰の振替ルール)."""
    ids, rows = g.ids["sleeves"], sorted(g.rows["surplus_rules"], key=lambda row: (row["sleeve_no"], row["valid_from_date"]))
    schema = {"sleeve_id": pl.String, "valid_from_date": pl.Date, "level_kind": pl.String, "level_yen": pl.Int64}
    schema |= {"to_sleeve_id": pl.String, "surplus_kind": pl.String, "minimum_yen": pl.Int64}
    schema |= {"source": pl.String, "recorded_at": pl.String}
    told = [
        row | {"sleeve_id": ids[row["sleeve_no"]], "to_sleeve_id": ids.get(row["to_sleeve_no"]),
               "level_yen": row["level_yen"] if row["level_kind"] == "yen" else None}
        for row in rows
    ]
    return pl.DataFrame([{name: row[name] for name in schema} for row in told], schema=schema)


def drawing_orders_table(g: Gathering) -> pl.DataFrame:
    """Return the dated rules of which sleeves of a contract pay first (払出しの順序)."""
    return _dated(g, "drawing_orders", "contract", "order_kind", "sleeve_ids", "drawings_kind")


def account_orders_table(g: Gathering) -> pl.DataFrame:
    """Return the dated rules of which accounts of a customer pay first (口座の順序)."""
    return _dated(g, "account_orders", "customer", "tax_classes")


def _dated(g: Gathering, table: str, of: str, *names: str) -> pl.DataFrame:
    """Return the dated rows of a table of texts, by whose they are and from when."""
    ids, key = g.ids[f"{of}s"], f"{of}_no"
    schema = {f"{of}_id": pl.String, "valid_from_date": pl.Date} | dict.fromkeys((*names, "source", "recorded_at"), pl.String)
    rows = [row | {f"{of}_id": ids[row[key]]} for row in sorted(g.rows[table], key=lambda row: (row[key], row["valid_from_date"]))]
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
