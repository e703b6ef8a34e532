"""Tables beyond the specification's list, checked when they are there: the instruments' rules and the payouts' promises."""

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.fill_checks import priced_fills
from tests.audit.order_checks import told
from tests.audit.result import Check, found


def instruments(books: Books) -> list[Check]:
    """Order mode, lot and levy of every order; scale, base and currency of every price."""
    export, rules = books.export, told(books, "order_mode", "lot_units", "levy_ppm")
    if rules is None:
        export.notes.append("no table instruments: settlement days, price lags and levies are inferred from the orders")
        return []
    orders = books.orders.filter(col("side") == words.BUY).join(rules, on="i", how="left", maintain_order="left")
    by_units = col("asked_units").fill_null(0) != 0
    wrong = (by_units != (col("order_mode") == words.BY_UNITS)) | (by_units & (col("asked_units") % col("lot_units") != 0))
    bad = orders.filter(wrong.fill_null(True)).select("order_id", "asked_yen", "asked_units", "order_mode", "lot_units")
    checks = [found("instruments: purchases by the order mode, in whole lots", orders.height, bad)]
    sales = priced_fills(books).filter(col("side") == words.SELL).unique("block_id").join(rules, on="i", how="left")
    net = (col("price").cast(pl.Int128) * (10**6 - col("levy_ppm")) // 10**6).cast(pl.Int64)
    bad = sales.filter(net.ne_missing(col("fill_price"))).select("block_id", "price", "levy_ppm", "fill_price", expected=net)
    checks.append(found("instruments: a sale is filled at the price less the levy", sales.height, bad))
    shape = ["price_scale", "price_base_units", "currency"]
    prices = export.table("prices", *shape).drop_nulls("i").join(told(books, *shape), on="i", how="left", suffix="_told")
    bad = prices.filter(pl.any_horizontal(col(column).ne_missing(col(f"{column}_told")) for column in shape))
    bad = bad.select("date", "instrument_id", *shape)
    checks.append(found("instruments: scale, base and currency as in the prices", prices.height, bad))
    return checks


def _cuts(books: Books) -> pl.Series:
    """The business days with an alert that a payout was cut to what the sleeve had."""
    if not books.export.has("alerts", "kind", "b"):
        return pl.Series([], dtype=pl.Int32)
    return books.export.tables["alerts"].filter(col("kind") == words.PAYOUT_CUT)["b"].drop_nulls().unique()


def payouts(books: Books) -> list[Check]:
    """A payout is paid on its promised date, not before it was asked for, and its money is in the flows."""
    export = books.export
    if "payouts" not in export.tables:
        export.notes.append("no table payouts: promised dates are not checked")
        return []
    frame = export.table("payouts", *words.OPTIONAL_TABLES["payouts"].replace("?", "").split())
    closed = export.table("sleeves", "closed_date").select("s", b="b_closed").drop_nulls()
    gone = col("s").is_in(closed["s"].implode())                # what was open at the closing went out with it
    ending = frame.filter(col("kind") == words.TERMINATION)["s"]
    joined = (col("kind") == words.SLEEVE_CLOSE) & col("s").is_in(ending.implode())     # a termination took its place
    broken = col("paid_date").is_null() & (col("promised_date") <= export.date) & ~gone & ~joined
    bad = frame.filter(broken | (col("paid_date") != col("promised_date")))
    bad = bad.select("sleeve_id", "kind", "requested_date", "promised_date", "paid_date")
    checks = [found("payouts: paid on the promised date", frame.height, bad)]
    moved = (col("promised_date") != col("first_promised_date")) & (col("reissue_count") == 0)
    wrong = moved | (col("first_promised_date") < col("requested_date")) | (col("promised_date") < col("requested_date"))
    bad = frame.filter(wrong).select("sleeve_id", "kind", "requested_date", "first_promised_date", "promised_date", "reissue_count")
    checks.append(found("payouts: promised after the request, moved only when counted", frame.height, bad))
    part = col("kind").is_in(words.PAID_IN_PART)
    asked = frame.filter(part).drop_nulls(["s", "b_paid"]).select("s", b="b_paid", paid="amount_yen")
    out = books.flows.filter(part & (col("amount_yen") < 0)).select("s", "b", flow=-col("amount_yen"))
    both = asked.group_by("s", "b").agg(col("paid").sum()).join(
        out.group_by("s", "b").agg(col("flow").sum()), on=["s", "b"], how="full", coalesce=True)
    both = both.join(closed, on=["s", "b"], how="anti")
    cut = col("b").is_in(_cuts(books).implode()) & (col("flow").fill_null(0) < col("paid"))
    bad = both.filter((col("paid").fill_null(0) != col("flow").fill_null(0)) & ~cut.fill_null(False))
    checks.append(found("payouts: the flows pay what was promised", both.height, bad, export))
    return checks + (_drawn(export, frame) if export.has("payouts", "drawn_sleeve_id") else [])


def _drawn(export, frame: pl.DataFrame) -> list[Check]:
    """A drawing that another sleeve pays is of a sleeve of the same contract, and nothing else is paid for another one."""
    owner = export.table("sleeves", "sleeve_id", "contract_id").select("sleeve_id", "contract_id").unique("sleeve_id")
    paid = frame.filter(col("drawn_sleeve_id").is_not_null()).join(owner, on="sleeve_id", how="left")
    paid = paid.join(owner.rename({"sleeve_id": "drawn_sleeve_id", "contract_id": "drawn"}), on="drawn_sleeve_id", how="left")
    same = col("drawn_sleeve_id") == col("sleeve_id")
    bad = paid.filter((col("kind") != "drawing") | same | (col("drawn") != col("contract_id")) | col("drawn").is_null())
    return [found("payouts: a drawing is paid by sleeves of its own contract", paid.height,
                  bad.select("sleeve_id", "kind", "drawn_sleeve_id", "requested_date"))]


def blocks(books: Books) -> list[Check]:
    """Columns of blocks beyond the list: custodian, and what the orders of the block asked."""
    export, checks = books.export, []
    theirs = export.table("blocks", "block_id")
    if export.has("blocks", "custodian_id") and export.has("sleeves", "custodian_id"):
        owners = export.tables["sleeves"].select("s", owner="custodian_id").unique("s")
        owners = books.orders.join(owners, on="s").group_by("block_id").agg(col("owner").first())
        bad = theirs.join(owners, on="block_id").filter(col("owner") != col("custodian_id").fill_null(""))
        checks.append(found("blocks: custodian of their accounts", theirs.height, bad.select("block_id", "custodian_id", "owner")))
    asked = books.orders.group_by("block_id").agg(
        pl.len().alias("orders"), col("asked_units").sum(), col("asked_yen").sum()).join(theirs, on="block_id", suffix="_told")
    for column in ("orders", "asked_units", "asked_yen"):
        if export.has("blocks", column):
            bad = asked.filter(col(column) != col(f"{column}_told").fill_null(0)).select("block_id", column, f"{column}_told")
            checks.append(found(f"blocks: {column} = sum of their orders", theirs.height, bad))
    return checks


CHECKS = (instruments, payouts, blocks)
