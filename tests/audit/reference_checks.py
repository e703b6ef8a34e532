"""Sleeves, prices, goals and flows: consistent by themselves, and with the life of each sleeve."""

import math
from bisect import bisect_right
from functools import cache
from itertools import accumulate

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.result import Check, found
from tests.audit.shares import badly_shared


def sleeves(books: Books) -> list[Check]:
    export = books.export
    frame = export.table("sleeves", *words.TABLES["sleeves"].replace("?", "").split())
    checks = [found("sleeves: one row per sleeve_id", frame.height, frame.group_by("sleeve_id").len().filter(col("len") > 1))]
    owners = (("contract_id", "account_id"), ("contract_id", "customer_id"), ("contract_id", "program_id"),
              ("account_id", "customer_id"))
    if export.has("sleeves", "custodian_id"):
        owners += (("account_id", "custodian_id"),)
    for one, other in owners:
        bad = frame.group_by(one).agg(col(other).n_unique().alias("different")).filter(col("different") > 1)
        checks.append(found(f"sleeves: one {other} per {one}", frame.height, bad))
    bad = frame.filter(col("closed_date") < col("opened_date")).select("sleeve_id", "opened_date", "closed_date")
    checks.append(found("sleeves: closed on or after the opening", frame.height, bad))
    closed = frame.filter(col("closed_date") <= export.date).select("s", b="b_closed")
    last = closed.join(export.table("values", "value_yen").select("s", "b", "value_yen"), on=["s", "b"], how="left")
    bad = last.filter(col("value_yen").ne_missing(0))
    checks.append(found("sleeves: value 0 on the closing day", closed.height, bad, export))
    held = books.holdings.join(closed.rename({"b": "b_closed"}), on="s")
    bad = held.filter((col("to") > col("b_closed")) & (col("units") != 0)).select("s", "i", "b_closed", "units")
    checks.append(found("sleeves: no units on the closing day", closed.height, bad, export))
    return checks


def prices(books: Books) -> list[Check]:
    frame = books.export.table("prices", *words.TABLES["prices"].split())
    key = ["date", "instrument_id"]
    rest = ["price", "currency", "fx_ppm"]
    yen = (col("currency") == words.YEN) & (col("fx_ppm") != 10**6)
    positive = (col("price") <= 0) | (col("fx_ppm") <= 0) | (col("price_scale") < 0) | (col("price_base_units") <= 0)
    rates = frame.group_by("date", "currency").agg(rates=col("fx_ppm").n_unique()).filter(col("rates") > 1)
    fixed = frame.group_by("instrument_id").agg(col("price_scale", "price_base_units", "currency").n_unique())
    fixed = fixed.filter(pl.max_horizontal("price_scale", "price_base_units", "currency") > 1)
    return [
        found("prices: one row per instrument and day", frame.height, frame.group_by(key).len().filter(col("len") > 1)),
        found("prices: price, fx and base above zero", frame.height, frame.filter(positive).select(*key, *rest)),
        found("prices: fx_ppm of a yen instrument is 1,000,000", frame.height, frame.filter(yen).select(*key, *rest)),
        found("prices: one fx_ppm per currency and day", frame.height, rates),
        found("prices: scale, base and currency of an instrument never change", frame.height, fixed),
    ]


def goals(books: Books) -> list[Check]:
    frame = books.export.table("goals", "date", "goal_id", "sleeve_id", "probability_ppm")
    bad = frame.filter((col("probability_ppm") < 0) | (col("probability_ppm") > 10**6))
    twice = frame.group_by("date", "goal_id", "sleeve_id").len().filter(col("len") > 1)
    checks = [found("goals: probability between 0 and 1,000,000", frame.height, bad.select("date", "goal_id", "probability_ppm")),
              found("goals: one row per goal and day", frame.height, twice)]
    checks += _floors(frame) if books.export.has("goals", "floor_ppm") else []
    return checks + ([_lives(frame, books.export)] if books.export.has("goals", "asset_life_months") else [])


def _floors(frame: pl.DataFrame) -> list[Check]:
    """The essential amount: told where the goal is and it has one, no less likely than the whole, and with a state."""
    part, ppm, status = col("floor_yen").is_not_null(), col("floor_ppm"), col("floor_status")
    rules = {
        "told where the goal is": ppm.is_not_null() != (part & col("probability_ppm").is_not_null()),
        "no less likely than the whole": part & (ppm < col("probability_ppm")),
        "above zero and below the target": part & ((col("floor_yen") <= 0) | (col("floor_yen") >= col("target_yen"))),
        "with a state": (ppm.is_not_null() & status.is_null())
        | (status.is_not_null() & (~part | ~status.is_in(["safe", "at_risk"]))),
    }
    return [found(f"goals: an essential amount is {name}", frame.height, frame.filter(bad).select("date", "goal_id", "floor_yen",
                  "floor_ppm", "floor_status")) for name, bad in rules.items()]


def _lives(frame: pl.DataFrame, export) -> Check:
    """The asset life: payments made in full at the median return, of goals that are told and drawn on, up to 1,200.

    A day on which no goal of the house has one, though some should, was closed by a program that did not keep it: a note.
    """
    course = ("value_yen", "monthly_yen", "mean_ppm", "risk_ppm")
    asked = col("probability_ppm").is_not_null() & (col("monthly_yen") < 0)
    lives = [made_in_full(*row) if told else None for told, *row in frame.select(asked, *course).iter_rows()]
    frame = frame.with_columns(ours=pl.Series(lives, dtype=pl.Int64))
    kept = (col("asset_life_months").is_not_null() | col("ours").is_null().all()).any().over("date")
    if before := frame.filter(~kept)["date"].n_unique():
        export.notes.append(f"no goal has an asset life on {before:,} days, closed before it was kept: not checked on these")
    bad = frame.filter(kept & ~col("ours").eq_missing(col("asset_life_months")))
    return found("goals: the asset life is that of the median return", frame.filter(kept).height,
                 bad.select("date", "goal_id", "asset_life_months", "ours"))


def made_in_full(value_yen: int, monthly_yen: int, mean_ppm: int, risk_ppm: int) -> int | None:
    """How many payments the money makes; none above 1,200."""
    ratio, sums = max(value_yen, 0) / -monthly_yen, sums_of(mean_ppm, risk_ppm)
    return None if sums[-1] <= ratio else bisect_right(sums, ratio)


@cache
def sums_of(mean_ppm: int, risk_ppm: int) -> list[float]:
    """What 1, 2, … 1,201 payments of one yen need now, at the median return of a month to twelve decimals."""
    year = 1 + mean_ppm / 10**6
    growth = math.floor((year / math.hypot(1, risk_ppm / 10**6 / year)) ** (1 / 12) * 10**12 + 0.5) / 10**12
    return list(accumulate(range(1200), lambda needed, _: 1 + needed / growth, initial=1.0))


def flows(books: Books) -> list[Check]:
    export = books.export
    frame = export.table("flows", "date", "sleeve_id", "kind", "amount_yen")
    kind, amount = col("kind"), col("amount_yen")
    wrong = ~kind.is_in(words.FLOW_KINDS) | (amount == 0)
    wrong = wrong | (kind.is_in((*words.MONEY_IN, "distribution")) & (amount < 0)) | (kind.is_in(words.MONEY_OUT) & (amount > 0))
    shown = ["date", "sleeve_id", "kind", "amount_yen"]
    checks = [found("flows: known kind, amount with the sign of its kind", frame.height, frame.filter(wrong).select(shown))]
    lives = export.table("sleeves", "opened_date", "closed_date").select("s", "b_opened", "b_closed").unique("s")
    inside = frame.join(lives, on="s", how="left", maintain_order="left")
    bad = inside.filter(col("b_opened").is_null() | (col("b") < col("b_opened")) | (col("b") > col("b_closed")))
    checks.append(found("flows: inside the life of the sleeve", frame.height, bad.select(shown)))
    if export.has("flows", "instrument_id"):
        bad = frame.filter((kind == "distribution") != col("instrument_id").is_not_null()).select(*shown, "instrument_id")
        checks.append(found("flows: an instrument where it is a distribution", frame.height, bad))
    owners = export.table("sleeves", "account_id").select("s", "a").unique("s")
    moved = frame.filter(kind == "transfer").join(owners, on="s", how="left")
    sums = moved.group_by("a", "b").agg(sum=amount.sum())
    checks.append(found("flows: transfers of an account and day sum to zero", sums.height, sums.filter(col("sum") != 0), export))
    return checks


def held_before(books: Books, days: pl.DataFrame) -> pl.DataFrame:
    """`days` (with i and b) beside every sleeve that held units of i at the end of the business day before b: s, a, units."""
    owners = books.export.table("sleeves", "account_id").select("s", "a").unique("s")
    held = books.holdings.filter(col("units") != 0).rename({"b": "from"})
    joined = days.join(held, on="i").filter((col("from") < col("b")) & (col("to") >= col("b")))
    return joined.drop("from", "to").join(owners, on="s", how="left")


def distributions(books: Books) -> list[Check]:
    export = books.export
    paid = books.flows.filter(col("kind") == "distribution")
    holders = books.holdings.filter(col("units") > 0).select("s", "to", start="b")
    days = paid.select("s", "b", "amount_yen").unique().join(holders, on="s")
    days = days.filter((col("start") < col("b")) & (col("to") >= col("b")))
    bad = paid.join(days, on=["s", "b"], how="anti").select("s", "b", "amount_yen")
    checks = [found("distributions: only to a sleeve that held units the evening before", paid.height, bad, export)]
    if not export.has("distributions", "i", "b", "amount", "per_units"):
        export.notes.append("no table distributions: amounts of distributions are not recomputed")
        return checks
    rows = export.tables["distributions"].drop_nulls(["i", "b"]).filter(col("b") <= export.b_last)
    fx = col("fx_ppm") if "fx_ppm" in rows.columns else pl.lit(None, dtype=pl.Int64)
    rows = rows.select("i", "b", "amount", "per_units", own_fx=fx).with_row_index("n").sort("b")
    rows = rows.join_asof(books.price_rows.drop("price"), on="b", by="i", strategy="backward", check_sortedness=False)
    scales = export.table("prices", "price_scale").drop_nulls("i").unique("i").select("i", "price_scale")
    rows = rows.join(scales, on="i")
    pairs = rows.select("price_scale", "per_units").iter_rows()
    below = pl.Series([10**scale * per * 10**6 for scale, per in pairs], dtype=pl.Int128)
    rows = rows.with_columns(below=below, above=col("amount").cast(pl.Int128) * pl.coalesce("own_fx", "fx"))
    held = held_before(books, rows.select("n", "i", "b", "above", "below"))
    due = held.group_by("a", "i", "b", "n").agg(col("units").sum(), col("above", "below").first())
    due = due.with_columns(due=(col("units").cast(pl.Int128) * col("above") // col("below")).cast(pl.Int64))
    owners = export.table("sleeves", "account_id").select("s", "a").unique("s")
    paid = paid.join(owners, on="s", how="left")
    key = ["a", "i", "b"] if export.has("flows", "instrument_id") else ["a", "b"]
    both = due.group_by(key).agg(col("due").sum()).join(
        paid.group_by(key).agg(paid=col("amount_yen").sum()), on=key, how="full", coalesce=True)
    bad = both.filter(col("due").fill_null(0) != col("paid").fill_null(0))
    checks.append(found("distributions: paid = floor of units x amount, per account", both.height, bad, export))
    if len(key) == 3:
        single = due.filter(pl.len().over("a", "i", "b") == 1).select("a", "i", "b", "due")
        shared = held.select("s", "a", "i", "b", "units").join(single, on=["a", "i", "b"])
        sums = paid.group_by("s", "i", "b").agg(paid=col("amount_yen").sum())
        shared = shared.join(sums, on=["s", "i", "b"], how="left").with_columns(col("paid").fill_null(0))
        bad = badly_shared(shared, ["a", "i", "b"], "due", "units", "paid").select("s", "i", "b", "due", "units", "paid")
        checks.append(found("distributions: shared by largest remainder", shared.height, bad, export))
    return checks


def splits(books: Books) -> list[Check]:
    export = books.export
    changes = books.unit_changes.filter(col("kind") == "split")
    if not export.has("splits", "i", "b", "old_units", "new_units"):
        export.notes.append(f"no table splits: {changes.height:,} unit changes by splits are taken from the journal")
        return []
    rows = export.tables["splits"].drop_nulls(["i", "b"]).filter(col("b") <= export.b_last)
    rows = rows.select("i", "b", "old_units", "new_units").filter(pl.len().over("i", "b") == 1)
    crossed = books.fills.join(rows, on="i").filter((col("b_decided") < col("b")) & (col("b") <= col("b_priced")))
    crossed = crossed.select("order_id", "decided_date", "priced_date")
    held = held_before(books, rows)
    after = col("units").sum().over("a", "i", "b").cast(pl.Int128) * col("new_units") // col("old_units")
    held = held.with_columns(after=after.cast(pl.Int64))
    held = held.join(changes.select("s", "i", "b", change="units"), on=["s", "i", "b"], how="left")
    held = held.with_columns(now=col("units") + col("change").fill_null(0))
    sums = held.group_by("a", "i", "b").agg(col("after").first(), col("now").sum())
    known = export.tables["splits"].select("i", "b")
    strange = changes.join(known, on=["i", "b"], how="anti").select("s", "i", "b", "units")
    lost = sums.filter(col("after") != col("now"))
    return [
        found("splits: units of an account = floor of units x new / old", sums.height, lost, export),
        found("splits: shared by largest remainder", held.height,
              badly_shared(held, ["a", "i", "b"], "after", "units", "now").select("s", "i", "b", "units", "now"), export),
        found("splits: orders that wait are cancelled", books.fills.height, crossed),
        found("splits: no unit change without a split", changes.height, strange, export),
    ]


CHECKS = (sleeves, prices, goals, flows, distributions, splits)
