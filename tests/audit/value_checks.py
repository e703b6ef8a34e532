"""Values: no gap from opening to closing, every part rebuilt, Δ value = external flows + profit, cash and ladder never negative."""

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.result import Check, found

PARTS = (("cash", "cash_yen"), ("receivable", "receivable_yen"), ("payable", "payable_yen"), ("positions", "positions_yen"))


def rows_without_gap(books: Books) -> list[Check]:
    values = books.export.table("values", "date", "sleeve_id").drop_nulls(["s", "b"])
    once = values.select("s", "b").unique()
    twice = values.group_by("s", "b").len().filter(col("len") > 1)
    return [
        found("values: a row on every business day of an open sleeve", books.grid.height,
              books.grid.join(once, on=["s", "b"], how="anti"), books.export),
        found("values: no row before the opening or after the closing", values.height,
              once.join(books.grid, on=["s", "b"], how="anti").sort("s", "b"), books.export),
        found("values: one row per sleeve and day", values.height, twice, books.export),
    ]


def parts_rebuilt(books: Books) -> list[Check]:
    values, checks = books.values, []
    for mine, theirs in PARTS:
        bad = values.filter(col(mine).ne_missing(col(theirs))).select("s", "b", exported=theirs, rebuilt=mine)
        checks.append(found(f"values: {theirs} rebuilt", values.height, bad, books.export))
    total = col("positions_yen") + col("cash_yen") + col("receivable_yen") - col("payable_yen")
    bad = values.filter(total.ne_missing(col("value_yen"))).select("s", "b", "value_yen", parts=total)
    checks.append(found("values: value = positions + cash + receivable - payable", values.height, bad, books.export))
    size = books.largest_product
    checks.append(Check("values: units x price x fx fit in 128 bits", books.holdings.height, int(size >= 2**126)))
    return checks


def never_negative(books: Books) -> list[Check]:
    values = books.values
    columns = ["positions_yen", "cash_yen", "receivable_yen", "payable_yen"]
    bad = values.filter(pl.min_horizontal("cash", *columns) < 0).select("s", "b", "cash", *columns)
    units = books.holdings.filter(col("units") < 0).select("s", "i", "b", "units")
    return [found("values: no part below zero on any day", values.height, bad, books.export),
            found("units: never below zero on any day", books.holdings.height, units, books.export)]


def change_of_value(books: Books) -> list[Check]:
    """The exported change of value against external flows and the profit rebuilt from prices, fills and internal flows."""
    def per_day(frame: pl.DataFrame, name: str) -> pl.DataFrame:
        return frame.group_by("s", "b").agg(col("move").sum().alias(name))

    external = books.flows.filter(col("kind").is_in(words.EXTERNAL)).select("s", "b", move="amount_yen")
    internal = books.flows.filter(~col("kind").is_in(words.EXTERNAL)).select("s", "b", move="amount_yen")
    sign = pl.when(col("side") == words.SELL).then(1).otherwise(-1)
    fills = books.fills.select("s", b="b_priced", move=sign * col("filled_yen"))
    days = books.state.select("s", "b", "positions")
    for frame, name in ((external, "flows"), (internal, "internal"), (fills, "traded")):
        days = days.join(per_day(frame, name), on=["s", "b"], how="left", maintain_order="left")
    days = days.with_columns(col("flows", "internal", "traded").fill_null(0))
    before = col("positions").shift(1).over("s").fill_null(0)
    days = days.with_columns(profit=col("positions") - before + col("traded") + col("internal"))
    days = days.join(books.values.select("s", "b", "value_yen"), on=["s", "b"], how="left", maintain_order="left")
    first = col("b") == col("b").first().over("s")
    days = days.with_columns(change=col("value_yen") - pl.when(first).then(0).otherwise(col("value_yen").shift(1).over("s")))
    days = days.drop_nulls("change")
    bad = days.filter(col("change") != col("flows") + col("profit")).select("s", "b", "change", "flows", "profit")
    checks = [found("values: change = external flows + profit", days.height, bad, books.export)]
    if books.export.has("values", "profit_yen"):
        total = days.with_columns(rebuilt=col("profit").cum_sum().over("s"))
        total = total.join(books.values.select("s", "b", "profit_yen"), on=["s", "b"])
        bad = total.filter(col("rebuilt").ne_missing(col("profit_yen"))).select("s", "b", "profit_yen", "rebuilt")
        checks.append(found("values: profit_yen since opening", total.height, bad, books.export))
    return checks


def ladder(books: Books) -> list[Check]:
    """Every evening, for every settlement date ahead: cash + known sales - known and asked purchases up to it is not negative."""
    orders = books.orders.drop_nulls(["s", "b_decided", "b_priced", "b_settlement"])
    end = pl.min_horizontal(col("b_settlement"), pl.lit(books.export.b_last + 1, dtype=pl.Int32))
    known = orders.filter("filled").select(
        "s", t="b_settlement", b="b_priced", to=end,
        yen=pl.when(col("side") == words.SELL).then(col("filled_yen")).otherwise(-col("filled_yen")))
    until = pl.min_horizontal(col("b_priced"), end)
    asked = orders.filter(col("side") == words.BUY).select(
        "s", t="b_settlement", b="b_decided", to=until, yen=-col("asked_yen").fill_null(0))
    legs = pl.concat([known, asked]).filter(col("to") > col("b"))
    days = legs.with_columns(b=pl.int_ranges("b", "to", dtype=pl.Int32)).explode("b").drop("to")
    steps = days.group_by("s", "b", "t").agg(col("yen").sum()).sort("s", "b", "t")
    steps = steps.with_columns(sum=col("yen").cum_sum().over("s", "b"))
    steps = steps.join(books.state.select("s", "b", "cash"), on=["s", "b"], how="left", maintain_order="left")
    bad = steps.filter(col("cash").fill_null(0) + col("sum") < 0)
    bad = bad.select("s", "b", col("t").alias("b_settlement"), cash_then=col("cash").fill_null(0) + col("sum"))
    return [found("ladder: no settlement date ahead with negative cash", steps.height, bad, books.export)]


CHECKS = (rows_without_gap, parts_rebuilt, never_negative, change_of_value, ladder)
