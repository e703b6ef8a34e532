"""Fills by their formulas, shares by largest remainder, blocks as the sum of their orders, fill prices against the prices."""

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.result import Check, found
from tests.audit.shares import badly_shared

GROUP = ["a", "i", "side", "b_priced"]
SELLING = col("side") == words.SELL
BY_AMOUNT = ~SELLING & (col("asked_units").fill_null(0) == 0)


def priced_fills(books: Books) -> pl.DataFrame:
    """Every fill with its block's fill_price and the price row of its price day."""
    blocks = books.export.table("blocks", "block_id", "fill_price").select("block_id", "fill_price").unique("block_id")
    fills = books.fills.join(blocks, on="block_id", how="left", maintain_order="left")
    rows = books.price_rows.rename({"b": "b_priced"})
    fills = fills.join(rows, on=["i", "b_priced"], how="left", maintain_order="left")
    return fills.with_columns(by_amount=BY_AMOUNT, group=pl.struct(GROUP).rank("dense"))


def formulas(books: Books) -> list[Check]:
    """Sale: yen floored; purchase by amount: units floored; purchase by units: yen rounded up. Per account and price day."""
    fills = priced_fills(books)
    groups = fills.group_by("group").agg(
        col(*GROUP, "by_amount", "fx", "den").first(), col("fill_price").first(),
        prices=col("fill_price").n_unique(), modes=col("by_amount").n_unique(),
        units=col("filled_units").sum(), yen=col("filled_yen").sum(), asked=col("asked_yen").sum())
    num = col("fill_price").cast(pl.Int128) * col("fx")
    units, yen, den = col("units").cast(pl.Int128), col("yen").cast(pl.Int128), col("den")
    right = (
        pl.when(SELLING).then(yen == units * num // den)
        .when(col("by_amount")).then((yen == col("asked")) & (units == yen * den // num))
        .otherwise(yen == (units * num + den - 1) // den)
    )
    bad = groups.filter(~right.fill_null(False) | (col("prices") > 1) | (col("modes") > 1))
    bad = bad.select(*GROUP, "units", "yen", "asked", "fill_price")
    checks = [found("fills: units and yen of an account and price day by their formula", groups.height, bad, books.export)]
    totals = fills.join(groups.select("group", "units", "yen"), on="group", how="left", maintain_order="left")
    by_units, by_yen = totals.filter(~col("by_amount")), totals.filter("by_amount")
    bad = pl.concat([badly_shared(by_units, ["group"], "yen", "filled_units", "filled_yen"),
                     badly_shared(by_yen, ["group"], "units", "asked_yen", "filled_units")])
    shown = ["order_id", "asked_yen", "asked_units", "filled_units", "filled_yen"]
    checks.append(found("fills: shared to the orders by largest remainder", fills.height, bad.select(shown)))
    return checks


def against_the_order(books: Books) -> list[Check]:
    """An amount purchase pays what it asked; others fill at most what they asked, and a unit purchase pays at most its limit."""
    fills = books.fills.with_columns(by_amount=BY_AMOUNT)
    wrong = (
        pl.when("by_amount").then(col("filled_yen") != col("asked_yen"))
        .when(SELLING).then(col("filled_units") > col("asked_units"))
        .otherwise((col("filled_units") > col("asked_units")) | (col("filled_yen") > col("asked_yen")))
    )
    bad = fills.filter(wrong.fill_null(True)).select("order_id", "asked_yen", "asked_units", "filled_units", "filled_yen")
    return [found("fills: within what the order asked", fills.height, bad)]


def block_sums(books: Books) -> list[Check]:
    blocks = books.export.table("blocks", *words.TABLES["blocks"].replace("?", "").split())
    checks = [found("blocks: one row per block_id", blocks.height, blocks.group_by("block_id").len().filter(col("len") > 1))]
    orders = books.orders
    sums = orders.group_by("block_id").agg(
        col("i", "side", "b_placed").first(), same=pl.struct("i", "side", "b_placed").n_unique(),
        dates=pl.struct("b_priced", "b_settlement").filter(col("status") != words.CANCELLED).n_unique(),
        filled=col("filled").any(), sum_units=col("filled_units").sum(), sum_yen=col("filled_yen").sum())
    mixed = sums.filter((col("same") > 1) | (col("dates") > 1)).select("block_id")
    checks.append(found("blocks: orders of one instrument, side, placed, price and settlement day", sums.height, mixed))
    both = blocks.join(sums, on="block_id", how="full", coalesce=True, suffix="_orders")
    lost = both.filter(col("same").is_null() | col("instrument_id").is_null())
    checks.append(found("blocks: every block has orders, every order a block", both.height, lost.select("block_id")))
    both = both.join(lost.select("block_id"), on="block_id", how="anti")
    head = both.filter(col("i").ne_missing(col("i_orders")) | (col("side") != col("side_orders"))
                       | col("b_placed").ne_missing(col("b_placed_orders")))
    checks.append(found("blocks: instrument, side and day as in their orders", both.height, head.select("block_id")))
    filled = col("units").is_not_null() & (col("units") == col("sum_units")) & (col("yen") == col("sum_yen"))
    empty = (col("units").fill_null(0) == 0) & (col("yen").fill_null(0) == 0) & col("fill_price").is_null()
    right = pl.when("filled").then(filled & (col("fill_price") > 0)).otherwise(empty)
    bad = both.filter(~right.fill_null(False)).select("block_id", "units", "sum_units", "yen", "sum_yen", "fill_price")
    checks.append(found("blocks: units and yen = sum of their orders, empty until the fill", both.height, bad))
    return checks


def block_keys(books: Books) -> list[Check]:
    """One block per custodian, instrument, side and placed day; without custodians in the export, per account."""
    orders, owner = books.orders, "a"
    if books.export.has("sleeves", "custodian_id"):
        owner = "custodian_id"
        custodians = books.export.tables["sleeves"].select("s", "custodian_id").unique("s")
        orders = orders.join(custodians, on="s", how="left", maintain_order="left")
        mixed = orders.group_by("block_id").agg(custodians=col(owner).n_unique()).filter(col("custodians") > 1)
        checks = [found("blocks: one custodian", orders["block_id"].n_unique(), mixed)]
    else:
        books.export.notes.append("no custodian_id in sleeves: blocks are checked per account, not per custodian")
        checks = []
    keys = orders.group_by(owner, "i", "side", "b_placed").agg(blocks=col("block_id").n_unique())
    bad = keys.filter(col("blocks") > 1)
    checks.append(found("blocks: one per owner, instrument, side and placed day", keys.height, bad, books.export))
    return checks


def fill_prices(books: Books) -> list[Check]:
    """A purchase is filled at the price; a sale at the price less one levy (ppm) per instrument, floored."""
    rows = priced_fills(books).unique("block_id").drop_nulls(["fill_price", "price"])
    purchases = rows.filter(~SELLING)
    bad = purchases.filter(col("fill_price") != col("price")).select("block_id", "fill_price", "price")
    checks = [found("blocks: a purchase is filled at the price", purchases.height, bad)]
    sales = rows.filter(SELLING)
    above = sales.filter(col("fill_price") > col("price")).select("block_id", "fill_price", "price")
    checks.append(found("blocks: a sale is filled at most at the price", sales.height, above))
    price, paid = col("price").cast(pl.Int128), col("fill_price").cast(pl.Int128)
    # floor(price × (10^6 − levy) / 10^6) = paid  ⟺  at_least ≤ levy ≤ at_most
    at_most = 10**6 - (paid * 10**6 + price - 1) // price
    at_least = 10**6 - ((paid + 1) * 10**6 - 1) // price
    sales = sales.with_columns(at_least=at_least.cast(pl.Int64).clip(lower_bound=0), at_most=at_most.cast(pl.Int64))
    levies = sales.group_by("i").agg(pl.len(), at_least=col("at_least").max(), at_most=col("at_most").min())
    bad = levies.filter(col("at_least") > col("at_most")).drop("len")
    checks.append(found("blocks: one levy explains every sale of an instrument", sales.height, bad, books.export))
    return checks


CHECKS = (formulas, against_the_order, block_sums, block_keys, fill_prices)
