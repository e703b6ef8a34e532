"""The rule of the largest remainder, as a test of a finished sharing."""

import polars as pl
from polars import col


def badly_shared(frame: pl.DataFrame, group: list[str], total: str, weight: str, share: str) -> pl.DataFrame:
    """The rows whose share is not the pro-rata part rounded down, or that plus one by the order of remainders (ties are free)."""
    wide = pl.Int128
    frame = frame.with_columns(_all=col(weight).sum().over(group).cast(wide)).filter(col("_all") > 0)
    part = col(total).cast(wide) * col(weight)
    frame = frame.with_columns(_extra=col(share) - (part // col("_all")).cast(pl.Int64), _rest=part % col("_all"))
    left_out = pl.when(col("_extra") == 0).then(col("_rest")).max().over(group)
    taken = pl.when(col("_extra") == 1).then(col("_rest")).min().over(group)
    frame = frame.with_columns(_order=(left_out > taken).fill_null(False))
    sums = col(share).sum().over(group) != col(total)
    bad = frame.filter(~col("_extra").is_between(0, 1) | col("_order") | sums)
    return bad.drop("_all", "_extra", "_rest", "_order")
