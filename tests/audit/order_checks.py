"""Orders: dates, status, empty cells, life of the sleeve, one order per sleeve, instrument and evening."""

import numpy as np
import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.result import Check, found

SHOWN = ["order_id", "side", "decided_date", "placed_date", "priced_date", "settlement_date", "status"]


def words_and_keys(books: Books) -> list[Check]:
    orders = books.orders
    known = (*words.UNFILLED, words.PRICED, words.SETTLED, words.CANCELLED)
    strange = ~col("side").is_in((words.BUY, words.SELL)) | ~col("status").is_in(known)
    twice = orders.group_by("order_id").len().filter(col("len") > 1)
    evening = orders.group_by("s", "i", "b_decided").agg(pl.len(), sides=col("side").n_unique())
    reasons = pl.when(col("side") == words.BUY).then(col("reason").is_in((*words.REBALANCE, *words.ONLY_BUYS)))
    reasons = reasons.otherwise(col("reason").is_in((*words.REBALANCE, *words.ONLY_SALES)))
    return [
        found("orders: a reason of its side", orders.height, orders.filter(~reasons).select("order_id", "side", "reason")),
        found("orders: known side and status", orders.height, orders.filter(strange).select("order_id", "side", "status")),
        found("orders: one row per order_id", orders.height, twice),
        found("orders: no purchase and sale of one instrument in one evening", evening.height,
              evening.filter(col("sides") > 1).drop("len"), books.export),
        found("orders: one order per sleeve, instrument and evening", evening.height,
              evening.filter(col("len") > 1).drop("sides"), books.export),
    ]


def dates(books: Books) -> list[Check]:
    orders, export = books.orders, books.export
    early = (col("b_priced") < col("b_placed")) | (col("b_settlement") < col("b_priced"))
    lives = export.table("sleeves", "opened_date", "closed_date").select("s", "b_opened", "b_closed").unique("s")
    inside = orders.join(lives, on="s", how="left", maintain_order="left")
    over = pl.when(col("status") == words.CANCELLED).then("b_priced").otherwise("b_settlement")
    closed = (col("b_closed") <= col("b_decided")) | (col("b_closed") < over)
    outside = inside.filter(col("b_opened").is_null() | (col("b_decided") < col("b_opened")) | closed)
    return [
        found("orders: placed on the business day after the decision", orders.height,
              orders.filter(col("b_placed").ne_missing(col("b_decided") + 1)).select(SHOWN)),
        found("orders: placed, priced and settled in this order", orders.height, orders.filter(early).select(SHOWN)),
        found("orders: inside the life of the sleeve", orders.height, outside.select(SHOWN)),
    ]


def told(books: Books, *columns: str) -> pl.DataFrame | None:
    """What the table instruments says, or nothing if it is not in the export."""
    if not books.export.has("instruments", "i", *columns):
        return None
    return books.export.tables["instruments"].drop_nulls("i").unique("i").select("i", *columns)


def settlement_days(books: Books) -> list[Check]:
    """The business days from pricing to settlement are one number per instrument and side: as told, else the commonest."""
    orders = books.orders.drop_nulls(["i", "b_priced", "b_settlement"]).with_columns(days=col("b_settlement") - col("b_priced"))
    rules = told(books, "buy_settlement_days", "sell_settlement_days")
    if rules is None:
        commonest = orders.group_by("i", "side").agg(rule=col("days").mode().min())
        orders = orders.join(commonest, on=["i", "side"], maintain_order="left")
    else:
        rule = pl.when(col("side") == words.SELL).then("sell_settlement_days").otherwise("buy_settlement_days")
        orders = orders.join(rules, on="i", how="left", maintain_order="left").with_columns(rule=rule)
    bad = orders.filter(col("days").ne_missing(col("rule"))).select(*SHOWN, "days", "rule")
    return [found("orders: settlement days of an instrument and side are constant", orders.height, bad)]


def _custodian_was_late(books: Books, orders: pl.DataFrame) -> pl.Series:
    """Whether an alert `fill_missing` lies between the placing and the pricing of each order."""
    if not books.export.has("alerts", "kind", "b"):
        return pl.Series([False]).new_from_index(0, orders.height)
    alerts = books.export.tables["alerts"].filter(col("kind") == words.FILL_MISSING)
    days = alerts["b"].drop_nulls().unique().sort().to_numpy()
    until, before = (np.searchsorted(days, orders[column].to_numpy()) for column in ("b_priced", "b_placed"))
    return pl.Series(until > before)


def price_lag(books: Books) -> list[Check]:
    """Days with a price from placing to pricing: lag + 1 (as told, else the commonest), less the days on which a price was missing.

    A price on a day on which no order of the instrument was ever placed or priced may be one of a holiday: it is not counted.
    """
    fills = books.fills
    priced = books.export.table("prices", "price").drop_nulls(["i", "b"]).select("i", "b").unique()
    keyed = fills.join(priced, left_on=["i", "b_priced"], right_on=["i", "b"], how="anti").select(SHOWN)
    checks = [found("orders: a price of its own day for every fill", fills.height, keyed)]
    used = pl.concat([books.orders.select("i", b="b_placed"), fills.select("i", b="b_priced")]).unique()
    both = fills.with_columns(eve=col("b_placed") - 1)
    for days, name in ((priced, "seen"), (priced.join(used, on=["i", "b"], how="semi"), "sure")):
        ranked = days.sort("i", "b").with_columns(rank=pl.int_range(1, pl.len() + 1).over("i")).sort("b")
        for day, sign in (("eve", -1), ("b_priced", 1)):
            numbers = ranked.select("i", col("b").alias(day), (sign * col("rank")).alias(f"{name}{day}"))
            both = both.sort(day).join_asof(numbers, on=day, by="i", strategy="backward", check_sortedness=False)
        both = both.with_columns((col(f"{name}eve").fill_null(0) + col(f"{name}b_priced").fill_null(0)).alias(name))
    both = both.with_columns(at_most=col("b_priced") - col("b_placed") + 1, excused=_custodian_was_late(books, both))
    rules = told(books, "price_lag_days")
    if rules is None:
        rules = both.group_by("i").agg(rule=col("seen").mode().min())
    else:
        rules = rules.select("i", rule=col("price_lag_days") + 1)
    both = both.join(rules, on="i", how="left", maintain_order="left")
    bad = both.filter(((col("sure") > col("rule")) & ~col("excused")) | (col("at_most") < col("rule")))
    checks.append(found("orders: price lag of an instrument is constant", fills.height, bad.select(*SHOWN, "seen", "rule")))
    return checks


def status(books: Books) -> list[Check]:
    orders, now = books.orders, books.export.b_last
    state = col("status")
    right = (
        (state.is_in(words.UNFILLED) & ~col("filled") & (col("b_priced") > now))
        | ((state == words.PRICED) & col("filled") & (col("b_priced") <= now) & (col("b_settlement") > now))
        | ((state == words.SETTLED) & col("filled") & (col("b_settlement") <= now))
        | ((state == words.CANCELLED) & ~col("filled"))
    )
    bad = orders.filter(~right.fill_null(False)).select(SHOWN)
    return [found("orders: status fits the fill and the dates", orders.height, bad)]


def cells(books: Books) -> list[Check]:
    """Sales and unit purchases ask units, amount purchases yen; filled cells are empty until the fill and not negative."""
    orders = books.orders
    units, yen = col("asked_units").fill_null(0), col("asked_yen").fill_null(0)
    buying = col("side") == words.BUY
    asked = pl.when(buying).then(yen <= 0).otherwise(units <= 0) | (units < 0) | (yen < 0)
    filled = (col("filled_units").fill_null(0) < 0) | (col("filled_yen").fill_null(0) < 0)
    undated = (col("status") != words.CANCELLED) & (col("priced_date").is_null() | col("settlement_date").is_null())
    half = col("filled") & (col("filled_units").is_null() | col("filled_yen").is_null())
    early = col("status").is_in(words.UNFILLED) & (col("filled_units").is_not_null() | col("filled_yen").is_not_null())
    shown = ["order_id", "side", "asked_yen", "asked_units", "filled_units", "filled_yen", "status"]
    return [
        found("orders: what is asked is above zero", orders.height, orders.filter(asked).select(shown)),
        found("orders: dated unless cancelled", orders.height, orders.filter(undated).select(SHOWN)),
        found("orders: filled cells empty until the fill", orders.height, orders.filter(filled | half | early).select(shown)),
    ]


CHECKS = (words_and_keys, dates, settlement_days, price_lag, status, cells)
