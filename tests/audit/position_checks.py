"""Positions and account positions on the exported date: units, values, costs rebuilt from fills; sleeves against accounts."""

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.result import Check, found


def dated(books: Books) -> list[Check]:
    checks = []
    for table, keys in (("positions", ["sleeve_id", "instrument_id"]), ("account_positions", ["account_id", "instrument_id"])):
        frame = books.export.table(table, "date", *keys)
        bad = frame.filter(col("date") != books.export.date).select("date", *keys)
        checks.append(found(f"{table}: dated on the exported date", frame.height, bad))
        twice = frame.group_by(keys).len().filter(col("len") > 1)
        checks.append(found(f"{table}: one row per key", frame.height, twice))
    return checks


def held_now(books: Books) -> pl.DataFrame:
    """s, i, units on the exported date, rebuilt."""
    return books.unit_moves.filter(col("b") <= books.export.b_last).group_by("s", "i").agg(col("units").sum())


def units_and_values(books: Books) -> list[Check]:
    export = books.export
    positions = export.table("positions", *words.TABLES["positions"].split()).drop_nulls(["s", "i"])
    both = held_now(books).join(positions.select("s", "i", "held_units"), on=["s", "i"], how="full", coalesce=True)
    bad = both.filter(col("units").fill_null(0) != col("held_units").fill_null(0))
    bad = bad.select("s", "i", "held_units", rebuilt="units")
    checks = [found("positions: held_units = sum of fills", both.height, bad, export)]
    valued = books.yen_at(positions.select("s", "i", "held_units", "value_yen", "cost_yen"), export.b_last, "held_units")
    yen = pl.when(col("held_units") == 0).then(0).otherwise(col("yen"))
    bad = valued.filter(yen.ne_missing(col("value_yen"))).select("s", "i", "value_yen", rebuilt="yen")
    checks.append(found("positions: value_yen at the price in force", positions.height, bad, export))
    values = export.table("values", "positions_yen").filter(col("b") == export.b_last).select("s", "positions_yen")
    totals = positions.group_by("s").agg(col("value_yen").sum()).join(values, on="s", how="full", coalesce=True)
    bad = totals.filter(col("value_yen").fill_null(0) != col("positions_yen").fill_null(0))
    checks.append(found("positions: sum of value_yen = values.positions_yen", totals.height, bad, export))
    return checks


def accounts(books: Books) -> list[Check]:
    export = books.export
    theirs = export.table("account_positions", *words.TABLES["account_positions"].split()).drop_nulls("a")
    owners = export.table("sleeves", "account_id").select("s", "a").unique("s")
    mine = held_now(books).join(owners, on="s").group_by("a", "i").agg(col("units").sum())
    securities = theirs.drop_nulls("i").select("a", "i", "held_units")
    both = mine.join(securities, on=["a", "i"], how="full", coalesce=True)
    bad = both.filter(col("units").fill_null(0) != col("held_units").fill_null(0))
    checks = [found("account_positions: held_units = sum of fills", both.height, bad, export)]
    sleeves = export.table("positions", "held_units").drop_nulls(["s", "i"]).join(owners, on="s")
    summed = sleeves.group_by("a", "i").agg(sleeves=col("held_units").sum())
    both = summed.join(securities, on=["a", "i"], how="full", coalesce=True)
    bad = both.filter(col("sleeves").fill_null(0) != col("held_units").fill_null(0))
    checks.append(found("account_positions: sum of sleeves = account, units", both.height, bad, export))
    money = theirs.filter(col("instrument_id") == words.YEN).select("a", account="held_units")
    if money.height:
        cash = export.table("values", "cash_yen").filter(col("b") == export.b_last).join(owners, on="s")
        both = cash.group_by("a").agg(sleeves=col("cash_yen").sum()).join(money, on="a", how="full", coalesce=True)
        bad = both.filter(col("account").fill_null(0) != col("sleeves").fill_null(0))
        checks.append(found("account_positions: sum of sleeves = account, cash", both.height, bad, export))
    return checks


def replayed(rows, bases: dict[int, int] | None) -> dict[tuple[int, int], int]:
    """The cost of each (owner, i) after moves sorted by day: a purchase adds its yen, a sale takes its part.

    Corrected units go as in a sale and come without cost. With `bases` (price_base_units by i) the tax law's average: unit cost
    per base rounded up, then the cost of the rest rounded up.
    """
    held: dict[tuple[int, int], int] = {}
    cost: dict[tuple[int, int], int] = {}
    for owner, i, rank, units, yen in rows:
        key = (owner, i)
        have, paid = held.get(key, 0), cost.get(key, 0)
        held[key] = have + units
        if rank == 1:
            cost[key] = paid + yen
        elif held[key] <= 0:
            cost[key] = 0
        elif rank in (2, 3) and units < 0 and bases is None:
            cost[key] = paid - paid * -units // have
        elif rank in (2, 3) and units < 0:
            unit_cost = -(-paid * bases[i] // have)
            cost[key] = -(-unit_cost * held[key] // bases[i])
        else:
            cost[key] = paid
    return cost


def _moves(books: Books) -> pl.DataFrame:
    """s, a, i, b, rank, decided, units, yen: splits (0), purchases (1), sales (2), corrections (3) of a day in this order.

    `decided` of a correction is its place in the journal: they are booked one after the other.
    """
    owners = books.export.table("sleeves", "account_id").select("s", "a").unique("s")
    selling = col("side") == words.SELL
    fills = books.fills.select(
        "s", "a", "i", b="b_priced", rank=pl.when(selling).then(2).otherwise(1), decided=col("b_decided").cast(pl.Int64),
        units=pl.when(selling).then(-col("filled_units")).otherwise(col("filled_units")), yen="filled_yen")
    rank = pl.when(col("kind") == "split").then(0).otherwise(3)
    zero = pl.lit(0, dtype=pl.Int64)
    others = books.unit_changes.join(owners, on="s")
    others = others.select("s", "a", "i", "b", rank=rank, decided=col("place").cast(pl.Int64), units="units", yen=zero)
    return pl.concat([fills, others]).filter(col("b") <= books.export.b_last)


def costs(books: Books) -> list[Check]:
    export, moves, checks = books.export, _moves(books), []
    prices = export.table("prices", "price_base_units").drop_nulls("i").unique("i")
    bases = dict(zip(prices["i"].to_list(), prices["price_base_units"].to_list(), strict=True))
    of_sleeves = moves.sort("s", "i", "b", "rank", "decided").select("s", "i", "rank", "units", "yen")
    alone = pl.when(col("rank") == 3).then("decided")
    grouped = moves.group_by("a", "i", "b", "rank", alone=alone).agg(col("units").sum(), col("yen").sum())
    of_accounts = grouped.sort("a", "i", "b", "rank", "alone").select("a", "i", "rank", "units", "yen")
    for table, column, owner, rows, base in (("positions", "cost_yen", "s", of_sleeves, None),
                                             ("account_positions", "tax_cost_yen", "a", of_accounts, bases)):
        theirs = export.table(table, "held_units", column).drop_nulls([owner, "i"])
        rebuilt = replayed(rows.iter_rows(), base)
        keys = list(rebuilt)
        mine = pl.DataFrame({owner: [k[0] for k in keys], "i": [k[1] for k in keys], "rebuilt": [rebuilt[k] for k in keys]},
                            schema={owner: pl.Int32, "i": pl.Int32, "rebuilt": pl.Int64})
        both = theirs.select(owner, "i", column).join(mine, on=[owner, "i"], how="full", coalesce=True)
        bad = both.filter(col(column).fill_null(0) != col("rebuilt").fill_null(0))
        checks.append(found(f"{table}: {column} rebuilt", both.height, bad.select(owner, "i", column, "rebuilt"), export))
        bad = theirs.filter((col(column) < 0) | ((col("held_units") == 0) & (col(column) != 0)))
        bad = bad.select(owner, "i", column)
        checks.append(found(f"{table}: {column} at least 0, and 0 without units", theirs.height, bad, export))
    return checks


CHECKS = (dated, units_and_values, accounts, costs)
