"""Each table of the open format (エクスポートの各表), from the gathered days of a house; columns are those of docs/data.md."""

import numpy as np
import polars as pl

from tsutsumi.core.alerts import alert_kinds
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.delta import KEY_COLUMNS
from tsutsumi.core.flows import EXTERNAL_LAST, FLOW_KINDS
from tsutsumi.core.journal import BY_DISTRIBUTION, BY_EVENT, BY_FEE, BY_ORDER, BY_PAYOUT, BY_SETTLEMENT, CAUSES, LEDGERS
from tsutsumi.core.ladder import CANCELLED, PRICED, PURCHASE, SETTLED
from tsutsumi.core.orders import REASONS
from tsutsumi.core.performance import INDEX_START, money_weighted_ppm
from tsutsumi.core.promises import PAYOUT_KINDS
from tsutsumi.core.reconciliation import CAUSES as BREAK_CAUSES
from tsutsumi.run.gathering import SIDES, VALUE_COLUMNS, Gathering, block_id, coded, day_column, event_word, order_id

ORDER_STATUS = ("placed", "priced", "settled", "cancelled")


def sleeves_table(g: Gathering) -> pl.DataFrame:
    """Return who each sleeve belongs to, and when it opened and closed."""
    contracts = {row["contract_no"]: row for row in g.rows["contracts"]}
    custodians = {row["account_no"]: row["custodian_no"] for row in g.rows["accounts"]}
    rows = []
    for row in g.rows["sleeves"]:
        number, contract = row["sleeve_no"], contracts[row["contract_no"]]
        if number not in g.opened:
            continue
        rows.append({
            "sleeve_id": row["sleeve_id"], "contract_id": g.ids["contracts"][row["contract_no"]],
            "account_id": g.ids["accounts"][contract["account_no"]], "customer_id": g.ids["customers"][contract["customer_no"]],
            "custodian_id": g.ids["companies"][custodians[contract["account_no"]]],
            "program_id": g.ids["programs"][contract["program_no"]], "model_id": g.ids["models"][g.model[number]],
            "opened_date": g.opened[number], "closed_date": g.closed.get(number, 0), "name": row["name"],
        })
    names = ("sleeve_id", "contract_id", "account_id", "customer_id", "custodian_id", "program_id", "model_id")
    schema = dict.fromkeys(names, pl.String)
    schema |= {"opened_date": pl.Int64, "closed_date": pl.Int64, "name": pl.String}
    return pl.DataFrame(rows, schema=schema).with_columns(day_column(pl.col("opened_date")), day_column(pl.col("closed_date")))


def prices_table(g: Gathering) -> pl.DataFrame:
    """Return every price that was accepted, with the FX rate used."""
    instruments = {row["instrument_no"]: row for row in g.rows["instruments"]}

    def of(name: str, kind) -> pl.Expr:
        values = {number: row[name] for number, row in instruments.items()}
        return pl.col("instrument_no").replace_strict(values, default=None, return_dtype=kind).alias(name)

    return g.fact("prices", ("instrument_no", "price", "fx_ppm")).select(
        "date", g.named("instruments", pl.col("instrument_no")).alias("instrument_id"), "price", of("price_scale", pl.Int64),
        of("price_base_units", pl.Int64), of("currency", pl.String), "fx_ppm",
    )


def values_table(g: Gathering) -> pl.DataFrame:
    """Return the value of every sleeve on every business day since it opened, with a last row of zero on the day it closed."""
    numbers = np.concatenate([part["sleeve_no"] for _, part in g.values])
    days = np.repeat(np.array([day for day, _ in g.values], np.int32), [part["sleeve_no"].size for _, part in g.values])
    names = np.empty(max(g.ids["sleeves"], default=0) + 1, object)
    for number, name in g.ids["sleeves"].items():
        names[number] = name
    columns = {name: np.concatenate([part[name] for _, part in g.values]) for name in VALUE_COLUMNS}
    ids = pl.Series(names[numbers].tolist(), dtype=pl.String)
    return pl.DataFrame({"date": pl.Series(days).cast(pl.Date), "sleeve_id": ids} | columns)


def positions_table(g: Gathering) -> pl.DataFrame:
    """Return what each sleeve holds on the exported date."""
    books = g.books
    market, rows = books.market, {row["instrument_no"]: row for row in g.rows["instruments"]}
    held = np.flatnonzero(books.positions["held_units"] > 0)
    part = {name: column[held] for name, column in books.positions.items()}
    value = [
        int(units) * int(market.price[i]) * int(market.fx_ppm[i])
        // (10 ** rows[i]["price_scale"] * rows[i]["price_base_units"] * 1_000_000)
        for units, i in zip(part["held_units"], part["instrument_no"].tolist(), strict=True)
    ]
    frame = pl.DataFrame(part).with_columns(pl.Series("value_yen", value, dtype=pl.Int64), pl.lit(books.day).alias("day"))
    return frame.select(
        day_column(pl.col("day")).alias("date"), g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"),
        g.named("instruments", pl.col("instrument_no")).alias("instrument_id"), "held_units", "value_yen", "cost_yen",
    )


def account_positions_table(g: Gathering) -> pl.DataFrame:
    """Return what each account holds on the exported date, with its cost under the tax law."""
    frame = pl.DataFrame(g.books.account_positions).filter(pl.col("held_units") > 0)
    classes = {row["account_no"]: row["tax_class"] for row in g.rows["accounts"]}
    return frame.select(
        day_column(pl.lit(g.books.day)).alias("date"), g.named("accounts", pl.col("account_no")).alias("account_id"),
        g.named("instruments", pl.col("instrument_no")).alias("instrument_id"), "held_units", "tax_cost_yen",
        pl.col("account_no").replace_strict(classes, default="", return_dtype=pl.String).alias("tax_class"),
    )


def flows_table(g: Gathering) -> pl.DataFrame:
    """Return all money in and out of sleeves."""
    return g.fact("flows", ("sleeve_no", "kind_code", "amount_yen", "event_no", "instrument_no")).select(
        "date", g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"), coded(pl.col("kind_code"), FLOW_KINDS).alias("kind"),
        "amount_yen", event_word(g, pl.col("event_no"), pl.col("date")).alias("event_id"),
        pl.when(pl.col("instrument_no") > 0).then(g.named("instruments", pl.col("instrument_no"))).alias("instrument_id"),
    )


def _last_orders(g: Gathering) -> pl.DataFrame:
    names = ("sleeve_no", "decided_date", "instrument_no", "side_code", "reason_code", "custodian_no", "placed_date", "priced_date",
             "settlement_date", "asked_yen", "asked_units", "filled_units", "filled_yen", "fill_price", "status_code")
    return g.fact("orders", names).unique(["sleeve_no", "decided_date", "instrument_no"], keep="last", maintain_order=True)


def orders_table(g: Gathering) -> pl.DataFrame:
    """Return every order in its state on the exported date; what is not filled yet is null."""
    filled = pl.col("status_code").is_in([PRICED, SETTLED])
    amount = (pl.col("side_code") == PURCHASE) & (pl.col("asked_units") == 0)
    return _last_orders(g).select(
        order_id(g).alias("order_id"), block_id(g).alias("block_id"), g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"),
        g.named("instruments", pl.col("instrument_no")).alias("instrument_id"), coded(pl.col("side_code"), SIDES).alias("side"),
        coded(pl.col("reason_code"), REASONS).alias("reason"),
        *(day_column(pl.col(name)).alias(name) for name in ("decided_date", "placed_date")),
        *(pl.when(pl.col("status_code") != CANCELLED).then(day_column(pl.col(name))).otherwise(None).alias(name)
          for name in ("priced_date", "settlement_date")),
        pl.when(pl.col("side_code") == PURCHASE).then(pl.col("asked_yen")).otherwise(None).alias("asked_yen"),
        pl.when(amount).then(None).otherwise(pl.col("asked_units")).alias("asked_units"),
        pl.when(filled).then(pl.col("filled_units")).otherwise(None).alias("filled_units"),
        pl.when(filled).then(pl.col("filled_yen")).otherwise(None).alias("filled_yen"),
        coded(pl.col("status_code"), ORDER_STATUS).alias("status"),
    )


def blocks_table(g: Gathering) -> pl.DataFrame:
    """Return every block: what it was filled with, null until the fill."""
    filled = pl.col("status_code").is_in([PRICED, SETTLED])
    keys = ["custodian_no", "instrument_no", "side_code", "placed_date"]
    return _last_orders(g).group_by(keys, maintain_order=True).agg(
        pl.when(filled.any()).then(pl.col("filled_units").filter(filled).sum()).alias("units"),
        pl.when(filled.any()).then(pl.col("filled_yen").filter(filled).sum()).alias("yen"),
        pl.col("fill_price").filter(filled).first(), pl.col("asked_units").sum(), pl.col("asked_yen").sum(),
        pl.len().alias("orders"),
    ).select(
        block_id(g).alias("block_id"), g.named("instruments", pl.col("instrument_no")).alias("instrument_id"),
        coded(pl.col("side_code"), SIDES).alias("side"), day_column(pl.col("placed_date")).alias("placed_date"), "units", "yen",
        "fill_price", g.named("companies", pl.col("custodian_no")).alias("custodian_id"), "asked_units", "asked_yen", "orders",
    )


def journal_table(g: Gathering) -> pl.DataFrame:
    """Return every line of the journal; `asset` is JPY or an instrument, `event_id` says what caused the entry."""
    names = ("entry_no", "entry_sleeve_no", "sleeve_no", "ledger_code", "instrument_no", "quantity", "cause_code", "cause_no")
    journal = g.fact("journal", names)
    cause, number = pl.col("cause_code"), pl.col("cause_no")
    by_order = cause.is_in([BY_ORDER, BY_SETTLEMENT])
    order = pl.concat_str([
        day_column(number // 100_001).cast(pl.String), g.named("sleeves", pl.col("entry_sleeve_no")),
        g.named("instruments", (number % 100_001)),
    ], separator="_")
    sleeve, date = g.named("sleeves", pl.col("entry_sleeve_no")), pl.col("date").cast(pl.String)
    event = event_word(g, number, pl.col("date"))
    instrument = pl.concat_str([coded(cause, CAUSES), g.named("instruments", number), date], separator="_")
    word = (
        pl.when(by_order).then(order)
        .when(cause.is_in([BY_EVENT, BY_PAYOUT]) & event.is_not_null()).then(event)
        .when(cause == BY_EVENT).then(pl.concat_str([pl.lit("instalment"), sleeve, date], separator="_"))
        .when(cause == BY_PAYOUT).then(pl.concat_str([pl.lit("drawing"), sleeve, date], separator="_"))
        .when(cause == BY_FEE).then(pl.concat_str([pl.lit("fee"), sleeve, day_column(number).cast(pl.String)], separator="_"))
        .when(cause >= BY_DISTRIBUTION).then(instrument)
    )
    return journal.select(
        pl.concat_str([date, pl.col("entry_no").cast(pl.String)], separator="-").alias("entry_id"), "date",
        g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"), coded(pl.col("ledger_code"), LEDGERS).alias("ledger_account"),
        g.named("instruments", pl.col("instrument_no")).alias("asset"), "quantity", word.alias("event_id"),
    )


def alerts_table(g: Gathering) -> pl.DataFrame:
    """Return every alert; the subject as its public id where it has one."""
    if "alerts" not in g.facts:
        names = ("kind", "subject_kind", "subject_id", "cause", "cure", "status", "kind_ja", "cause_ja", "cure_ja")
        return pl.DataFrame(schema={"date": pl.Date} | dict.fromkeys(names, pl.String))
    alerts = pl.concat(g.facts["alerts"])
    subject = pl.col("subject_no").cast(pl.String)
    for kind, table in (("sleeve", "sleeves"), ("instrument", "instruments"), ("contract", "contracts"), ("event", "events"),
                        ("account", "accounts"), ("goal", "goals")):
        named = g.named(table, pl.col("subject_no"))
        subject = pl.when((pl.col("subject_kind") == kind) & named.is_not_null()).then(named).otherwise(subject)
    told = ["cause", "cure", pl.lit("open").alias("status")]
    for name, column in (("ja", "kind_ja"), ("cause_ja", "cause_ja"), ("cure_ja", "cure_ja")):
        words = {kind: row[name] for kind, row in alert_kinds().items()}
        told.append(pl.col("kind").replace_strict(words, default="", return_dtype=pl.String).alias(column))
    return alerts.select("date", "kind", "subject_kind", subject.alias("subject_id"), *told)


def payouts_table(g: Gathering) -> pl.DataFrame:
    """Return every payout with the date promised first, the date in force, and the day it was paid."""
    names = ("sleeve_no", "kind_code", "event_no", "amount_yen", "requested_date", "first_promised_date", "promised_date",
             "paid_date", "reissue_count", "target_sleeve_no", "drawn_sleeve_no")
    payouts = g.fact("payouts", names).with_columns(pl.col("drawn_sleeve_no").fill_null(0))
    last = payouts.unique(list(KEY_COLUMNS["payouts"]), keep="last", maintain_order=True)
    return last.select(
        g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"), coded(pl.col("kind_code"), PAYOUT_KINDS).alias("kind"),
        "amount_yen",
        *(day_column(pl.col(n)).alias(n) for n in ("requested_date", "first_promised_date", "promised_date", "paid_date")),
        "reissue_count", event_word(g, pl.col("event_no"), day_column(pl.col("requested_date"))).alias("event_id"),
        g.named("sleeves", pl.col("target_sleeve_no")).alias("target_sleeve_id"),
        g.named("sleeves", pl.col("drawn_sleeve_no")).alias("drawn_sleeve_id"),
    )


def breaks_table(g: Gathering) -> pl.DataFrame:
    """Return every break with the custodian: on the close after the day it concerns."""
    names = ("account_no", "instrument_no", "ours", "theirs", "since_date", "cause_code")
    return g.fact("breaks", names).select(
        "date", g.named("accounts", pl.col("account_no")).alias("account_id"),
        g.named("instruments", pl.col("instrument_no")).alias("asset"), "ours", "theirs",
        day_column(pl.col("since_date")).alias("since_date"), coded(pl.col("cause_code"), BREAK_CAUSES).alias("cause"),
    )


def distributions_table(g: Gathering) -> pl.DataFrame:
    """Return the distributions paid: amount at the instrument's price scale for `per_units` units, with the FX rate used."""
    frame = g.fact("inputs.distributions", ("instrument_no", "amount", "per_units", "fx_ppm"))
    instrument = g.named("instruments", pl.col("instrument_no")).alias("instrument_id")
    return frame.select("date", instrument, "amount", "per_units", "fx_ppm")


def splits_table(g: Gathering) -> pl.DataFrame:
    """Return the splits: old_units become new_units."""
    frame = g.fact("inputs.splits", ("instrument_no", "old_units", "new_units"))
    return frame.select("date", g.named("instruments", pl.col("instrument_no")).alias("instrument_id"), "old_units", "new_units")


def instruments_table(g: Gathering) -> pl.DataFrame:
    """Return the instruments and where their prices come from."""
    return pl.DataFrame(g.rows["instruments"]).drop("instrument_no")


def performance_table(g: Gathering) -> pl.DataFrame:
    """Return how each open sleeve did since it opened: time- and money-weighted return, net flow and profit in yen."""
    sleeves = g.books.sleeves
    flows = g.fact("flows", ("sleeve_no", "kind_code", "amount_yen")).filter(pl.col("kind_code") <= EXTERNAL_LAST)
    paid: dict[int, tuple[list, list]] = {}
    for sleeve, date, amount in flows.select("sleeve_no", "date", "amount_yen").iter_rows():
        dates, amounts = paid.setdefault(sleeve, ([], []))
        dates.append(date)
        amounts.append(amount)
    today, rows = from_epoch_day(g.books.day), []
    names = ("sleeve_no", "twr_index", "net_flow_yen", "value_yen")
    for sleeve, index, net, value in zip(*(sleeves[name].tolist() for name in names), strict=True):
        dates, amounts = paid.get(sleeve, ([], []))
        mwr = money_weighted_ppm(dates, amounts, today, value) if dates and dates[0] < today else None
        rows.append((today, g.ids["sleeves"][sleeve], index // (INDEX_START // 1_000_000) - 1_000_000, mwr, net, value - net))
    schema = {"date": pl.Date, "sleeve_id": pl.String}
    schema |= dict.fromkeys(("twr_ppm", "mwr_ppm", "net_flow_yen", "profit_yen"), pl.Int64)
    return pl.DataFrame(rows, schema=schema, orient="row")
