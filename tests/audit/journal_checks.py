"""The journal: entries that sum to zero, books that are its sum on every day, every flow and fill in it."""

import polars as pl
from polars import col

from tests.audit import words
from tests.audit.books import Books
from tests.audit.result import Check, found


def lines(books: Books) -> pl.DataFrame:
    return books.export.table("journal", "entry_id", "date", "sleeve_id", "ledger_account", "asset", "quantity")


def entries(books: Books) -> list[Check]:
    journal = lines(books)
    sums = journal.group_by("entry_id", "asset").agg(col("quantity").cast(pl.Int128).sum()).filter(col("quantity") != 0)
    days = journal.group_by("entry_id").agg(dates=col("date").n_unique()).filter(col("dates") > 1)
    own = col("ledger_account").is_in((words.CASH, words.RECEIVABLE, words.PAYABLE, words.UNITS))
    nobody = journal.filter(own & col("sleeve_id").is_null()).select("entry_id", "ledger_account", "quantity")
    mixed = journal.filter(own & ((col("ledger_account") == words.UNITS) == (col("asset") == words.YEN)))
    mixed = mixed.select("entry_id", "ledger_account", "asset")
    empty = journal.filter(col("quantity") == 0).select("entry_id", "ledger_account", "asset")
    return [
        found("journal: every entry sums to zero per asset", journal.height, sums),
        found("journal: one date per entry", journal.height, days),
        found("journal: lines of a sleeve's books name the sleeve", journal.height, nobody),
        found("journal: yen in the money ledgers, instruments in units", journal.height, mixed),
        found("journal: no line of nothing", journal.height, empty),
    ]


def _booked(books: Books, ledger: str) -> pl.DataFrame:
    own = lines(books).filter(col("ledger_account") == ledger).drop_nulls(["s", "b"])
    return own.select("s", "i", "b", move="quantity")


def balances(books: Books) -> list[Check]:
    """Σ of a money ledger up to each day = the exported values; a debt is a negative balance."""
    checks = []
    values = books.export.table("values", "cash_yen", "receivable_yen", "payable_yen").drop_nulls(["s", "b"]).unique(["s", "b"])
    ledgers = ((words.CASH, "cash_yen", 1), (words.RECEIVABLE, "receivable_yen", 1), (words.PAYABLE, "payable_yen", -1))
    for ledger, column, sign in ledgers:
        balance = books.running(books.grid, _booked(books, ledger).drop("i"), "balance")
        both = balance.join(values.select("s", "b", column), on=["s", "b"], how="inner", maintain_order="left")
        bad = both.filter((sign * col("balance")).ne_missing(col(column)))
        checks.append(found(f"journal: sum of {ledger} = values.{column} on every day", both.height, bad, books.export))
    units = _booked(books, words.UNITS).filter(col("b") <= books.export.b_last).group_by("s", "i").agg(col("move").sum())
    held = books.export.table("positions", "held_units").drop_nulls(["s", "i"]).select("s", "i", "held_units")
    both = units.join(held, on=["s", "i"], how="full", coalesce=True)
    bad = both.filter(col("move").fill_null(0) != col("held_units").fill_null(0))
    checks.append(found("journal: sum of units = positions", both.height, bad, books.export))
    return checks


def moves(books: Books) -> list[Check]:
    """Day by day and ledger by ledger, the journal moves what flows, fills and settlements say."""
    checks, last = [], books.export.b_last
    ledgers = ((words.CASH, books.cash_moves, 1), (words.RECEIVABLE, books.receivable_moves, 1),
               (words.PAYABLE, books.payable_moves, -1))
    for ledger, mine, sign in ledgers:
        mine = mine.filter(col("b") <= last).group_by("s", "b").agg(rebuilt=sign * col("move").sum())
        booked = _booked(books, ledger).group_by("s", "b").agg(journal=col("move").sum())
        both = mine.join(booked, on=["s", "b"], how="full", coalesce=True)
        bad = both.filter(col("rebuilt").fill_null(0) != col("journal").fill_null(0))
        checks.append(found(f"journal: {ledger} moved as flows and orders say, day by day", both.height, bad, books.export))
    mine = books.unit_moves.filter(col("b") <= last)
    booked = _booked(books, words.UNITS).group_by("s", "i", "b").agg(journal=col("move").sum())
    both = mine.join(booked, on=["s", "i", "b"], how="full", coalesce=True)
    bad = both.filter(col("units").fill_null(0) != col("journal").fill_null(0))
    checks.append(found("journal: units moved as fills say, day by day", both.height, bad, books.export))
    return checks


def kinds(books: Books) -> list[Check]:
    """Where the other side of an entry is named by a kind of flow, it is the flows of that kind."""
    journal = lines(books).filter(col("asset") == words.YEN)
    used = journal.filter(col("ledger_account").is_in(words.FLOW_KINDS))["ledger_account"].unique().to_list()
    flows = books.flows.group_by("s", "b", "kind").agg(flow=col("amount_yen").sum())
    absent = sorted(set(flows["kind"].unique().to_list()) - set(used))
    if absent:
        names = ", ".join(absent)
        books.export.notes.append(f"the journal has no ledger account {names}: flows of that kind are checked in sum only")
    sides = journal.filter(col("ledger_account").is_in(words.FLOW_KINDS)).group_by("s", "b", kind="ledger_account")
    sides = sides.agg(journal=-col("quantity").sum())
    both = flows.filter(col("kind").is_in(used)).join(sides, on=["s", "b", "kind"], how="full", coalesce=True)
    bad = both.filter(col("flow").fill_null(0) != col("journal").fill_null(0))
    return [found("journal: every flow is there by its kind", both.height, bad, books.export)]


CHECKS = (entries, balances, moves, kinds)
