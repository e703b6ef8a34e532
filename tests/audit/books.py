"""The books rebuilt from flows, orders, prices and unit changes, day by day, without a look at the exported values."""

from functools import cached_property

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.tables import Export

WIDE = pl.Int128
CHUNK = 2_000_000
FILLED = (col("filled_units").fill_null(0) != 0) | (col("filled_yen").fill_null(0) != 0)


def wide(name: str) -> pl.Expr:
    return col(name).cast(WIDE)


class Books:
    def __init__(self, export: Export):
        self.export = export

    @cached_property
    def lives(self) -> pl.DataFrame:
        """s, b0, b1: first and last business day with a value row, of sleeves open at some time up to the exported date."""
        sleeves = self.export.table("sleeves", "sleeve_id", "opened_date", "closed_date")
        last = col("b_closed").fill_null(self.export.b_last).clip(upper_bound=self.export.b_last)
        lives = sleeves.filter(col("b_opened").is_not_null()).select("s", b0="b_opened", b1=last.cast(pl.Int32))
        return lives.unique("s").filter(col("b0") <= col("b1")).sort("s")

    @cached_property
    def grid(self) -> pl.DataFrame:
        """s, b: every day on which a sleeve must have a value."""
        days = self.lives.select("s", b=pl.int_ranges("b0", col("b1") + 1, dtype=pl.Int32))
        return days.explode("b").sort("s", "b")

    @cached_property
    def orders(self) -> pl.DataFrame:
        orders = self.export.table("orders", *words.TABLES["orders"].replace("?", "").split())
        accounts = self.export.table("sleeves", "account_id").select("s", "a").unique("s")
        return orders.join(accounts, on="s", how="left", maintain_order="left").with_columns(filled=FILLED)

    @cached_property
    def fills(self) -> pl.DataFrame:
        return self.orders.filter("filled").drop_nulls(["s", "i", "b_priced", "b_settlement", "filled_units", "filled_yen"])

    @cached_property
    def flows(self) -> pl.DataFrame:
        return self.export.table("flows", "date", "sleeve_id", "kind", "amount_yen").drop_nulls(["s", "b", "amount_yen"])

    def _signed(self, side: str, sign: int, day: str) -> pl.DataFrame:
        chosen = self.fills.filter(col("side") == side)
        return chosen.select("s", col(day).alias("b"), (sign * col("filled_yen")).alias("move"))

    @cached_property
    def cash_moves(self) -> pl.DataFrame:
        flows = self.flows.select("s", "b", move="amount_yen")
        return pl.concat([flows, self._signed(words.SELL, 1, "b_settlement"), self._signed(words.BUY, -1, "b_settlement")])

    @cached_property
    def receivable_moves(self) -> pl.DataFrame:
        return pl.concat([self._signed(words.SELL, 1, "b_priced"), self._signed(words.SELL, -1, "b_settlement")])

    @cached_property
    def payable_moves(self) -> pl.DataFrame:
        return pl.concat([self._signed(words.BUY, 1, "b_priced"), self._signed(words.BUY, -1, "b_settlement")])

    @cached_property
    def unit_changes(self) -> pl.DataFrame:
        """s, i, b, kind, place, units: units that move without an order (splits, corrections), entry by entry, as booked."""
        schema = {"s": pl.Int32, "i": pl.Int32, "b": pl.Int32, "kind": pl.String, "place": pl.UInt32, "units": pl.Int64}
        empty = pl.DataFrame(schema=schema)
        if not self.export.has("journal", "entry_id", "ledger_account", "quantity", "s", "i", "b"):
            return empty
        journal = self.export.tables["journal"].with_row_index("place").filter(col("i").is_not_null())
        kinds = journal.filter(col("ledger_account").is_in(words.UNIT_CHANGES))
        kinds = kinds.select("entry_id", kind="ledger_account").unique("entry_id")
        lines = journal.filter(col("ledger_account") == words.UNITS).join(kinds, on="entry_id")
        changes = lines.group_by("s", "i", "b", "kind", "entry_id").agg(col("place").min(), units=col("quantity").sum())
        return pl.concat([empty, changes.drop_nulls(["s", "b"]).select(empty.columns)])

    @cached_property
    def unit_moves(self) -> pl.DataFrame:
        """s, i, b, units: net change of the units of a day."""
        sign = pl.when(col("side") == words.SELL).then(-1).otherwise(1)
        fills = self.fills.select("s", "i", b="b_priced", units=sign * col("filled_units"))
        moves = pl.concat([fills, self.unit_changes.select("s", "i", "b", "units")])
        return moves.group_by("s", "i", "b").agg(col("units").sum()).sort("s", "i", "b")

    @cached_property
    def holdings(self) -> pl.DataFrame:
        """s, i, b, to, units: units held from the close of b to the day before `to`."""
        moves = self.unit_moves.filter(col("b") <= self.export.b_last).join(self.lives, on="s", maintain_order="left")
        held = moves.with_columns(
            units=col("units").cum_sum().over("s", "i"),
            to=col("b").shift(-1).over("s", "i").fill_null(col("b1") + 1),
        )
        return held.select("s", "i", "b", "to", "units")

    @cached_property
    def leaving(self) -> set[int]:
        """c: contracts that end on the next business day: on the exported evening, the eve, all of their closings are ready, and
        the final fee is charged. Without the table of payouts nobody knows their day: then all that are ready.
        """
        export, last = self.export, self.export.b_last
        live = self.orders.filter(col("status").is_in([*words.UNFILLED, words.PRICED]))["s"]
        held = self.holdings.filter((col("units") != 0) & (col("to") > last))["s"]
        busy = col("s").is_in(pl.concat([live, held]).implode())
        contracts = export.table("sleeves", "sleeve_id", "contract_id").select("s", "c", "b_closed").unique("s")
        if export.has("payouts", "kind", "promised_date", "paid_date"):
            ending = (col("kind") == words.TERMINATION) & col("paid_date").is_null()
            ready = export.tables["payouts"].filter(ending).join(contracts, on="s", how="left")
            ready = ready.with_columns(late=busy | (col("promised_date") > export.calendar.days[last + 1]))
        else:
            closing = self.orders.filter(col("reason") == words.CLOSING)["s"]
            ready = contracts.filter(col("b_closed").is_null()).with_columns(late=busy | ~col("s").is_in(closing.implode()))
        return set(ready.group_by("c").agg(col("late").any()).filter(~col("late"))["c"])

    @cached_property
    def price_rows(self) -> pl.DataFrame:
        """i, b, price, fx, den: yen = floor(units × price × fx / den). A split without a price of its day scales the last."""
        prices = self.export.table("prices", *words.TABLES["prices"].split()).drop_nulls(["i", "b", "price", "fx_ppm"])
        units = prices.select("price_scale", "price_base_units").unique()
        den = [10 ** max(0, scale or 0) * (base or 1) * 10**6 for scale, base in units.iter_rows()]
        prices = prices.join(units.with_columns(den=pl.Series(den, dtype=WIDE)), on=["price_scale", "price_base_units"])
        rows = prices.select("i", "b", "price", fx="fx_ppm", den="den").unique(["i", "b"]).sort("b", "i")
        if not self.export.has("splits", "b", "i", "old_units", "new_units"):
            return rows
        splits = self.export.tables["splits"].drop_nulls(["i", "b"]).filter(col("b") <= self.export.b_last).sort("b")
        splits = splits.join(rows, on=["i", "b"], how="anti").sort("b")
        scaled = splits.join_asof(rows, on="b", by="i", strategy="backward", check_sortedness=False).drop_nulls("price")
        price = (wide("price") * col("old_units") // col("new_units")).cast(pl.Int64)
        return pl.concat([rows, scaled.with_columns(price=price).select(rows.columns)]).sort("b", "i")

    @cached_property
    def price_grid(self) -> pl.DataFrame:
        """i, b, num, den for every business day from an instrument's first price to the exported date."""
        rows = self.price_rows.with_columns(num=wide("price") * col("fx"))
        rows = rows.sort("i", "b").with_columns(to=col("b").shift(-1).over("i").fill_null(self.export.b_last + 1))
        rows = rows.with_columns(b=pl.int_ranges("b", "to", dtype=pl.Int32)).filter(col("b").list.len() > 0)
        return rows.select("i", "b", "num", "den").explode("b")

    @cached_property
    def position_values(self) -> pl.DataFrame:
        """s, b, positions: Σ of the floored position values, for days with units."""
        held = self.holdings.filter((col("units") != 0) & (col("to") > col("b")))
        held = held.with_columns(chunk=(col("to") - col("b")).cast(pl.Int64).cum_sum() // CHUNK)
        parts = []
        for part in held.partition_by("chunk", include_key=False):
            days = part.with_columns(b=pl.int_ranges("b", "to", dtype=pl.Int32)).explode("b").drop("to")
            days = days.join(self.price_grid, on=["i", "b"])
            parts.append(days.group_by("s", "b").agg(positions=(wide("units") * col("num") // col("den")).cast(pl.Int64).sum()))
        empty = pl.DataFrame(schema={"s": pl.Int32, "b": pl.Int32, "positions": pl.Int64})
        return pl.concat([empty, *parts]).group_by("s", "b").agg(col("positions").sum())

    def running(self, days: pl.DataFrame, moves: pl.DataFrame, name: str) -> pl.DataFrame:
        daily = moves.group_by("s", "b").agg(col("move").sum().alias(name))
        joined = days.join(daily, on=["s", "b"], how="left", maintain_order="left")
        return joined.with_columns(col(name).fill_null(0).cum_sum().over("s"))

    @cached_property
    def state(self) -> pl.DataFrame:
        """s, b, cash, receivable, payable, positions: one row per day of the grid."""
        days = self.running(self.grid, self.cash_moves, "cash")
        days = self.running(days, self.receivable_moves, "receivable")
        days = self.running(days, self.payable_moves, "payable")
        days = days.join(self.position_values, on=["s", "b"], how="left", maintain_order="left")
        return days.with_columns(col("positions").fill_null(0))

    @cached_property
    def values(self) -> pl.DataFrame:
        """The exported values beside the rebuilt state, for rows that are in both."""
        values = self.export.table("values", *words.TABLES["values"].split()).drop_nulls(["s", "b"]).unique(["s", "b"])
        return self.state.join(values.drop("sleeve_id", "date"), on=["s", "b"], how="inner", maintain_order="left")

    @cached_property
    def largest_product(self) -> int:
        """The largest units × price × fx of the history, to be sure that 128 bits hold it."""
        units = max((abs(int(value)) for value in self.holdings.select(col("units").min().alias("a"), col("units").max()).row(0)
                     if value is not None), default=0)
        rows = self.price_rows.select(col("price").abs().max(), col("fx").abs().max()).row(0)
        return units * int(rows[0] or 0) * int(rows[1] or 0)

    def yen_at(self, frame: pl.DataFrame, b: int, units: str) -> pl.DataFrame:
        """`frame` (with i) and the value of `units` at the price in force on business day b, as `yen` (null without a price)."""
        prices = self.price_grid.filter(col("b") == b).drop("b")
        joined = frame.join(prices, on="i", how="left", maintain_order="left")
        return joined.with_columns(yen=(wide(units) * col("num") // col("den")).cast(pl.Int64)).drop("num", "den")
