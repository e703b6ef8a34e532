"""The fee tables of the open format (報酬の各表): what was charged, what is still due, how performance fees came, the terms."""

import polars as pl

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import FEE_KINDS
from tsutsumi.core.fee_terms import Terms
from tsutsumi.run.fee_terms_book import FeeTermsBook
from tsutsumi.run.gathering import Gathering, coded, day_column
from tsutsumi.store.correction_rows import EVENT_KIND, NAV

KEYS = ["contract_no", "sleeve_no", "component_no", "kind_code", "start_date"]


def fees_table(g: Gathering) -> pl.DataFrame:
    """Return every fee charged, with the share of each company; a refund stands above zero, its kind says so."""
    names = (*KEYS, "end_date", "base_yen", "fee_yen", "charged_date", "collected_date", "program_no")
    fees = g.fact("fees", names).unique(KEYS, keep="last", maintain_order=True)
    shares = g.fact("fee_shares", (*KEYS, "company_no", "share_yen"))
    shares = shares.unique([*KEYS, "company_no"], keep="last", maintain_order=True)
    companies = sorted(shares["company_no"].unique().to_list())
    for company in companies:
        own = shares.filter(pl.col("company_no") == company).select(*KEYS, pl.col("share_yen").alias(_share(g, company)))
        fees = fees.join(own, on=KEYS, how="left")
    terms = terms_of_fees(g, fees)
    component = [of.components[number].name for (_, of), number in zip(terms, fees["component_no"].to_list(), strict=True)]
    fees = fees.with_columns(
        pl.Series("component", component, dtype=pl.String), pl.Series("fee_terms_id", [name for name, _ in terms], dtype=pl.String),
    )
    return fees.select(
        g.named("contracts", pl.col("contract_no")).alias("contract_id"), "component",
        coded(pl.col("kind_code"), FEE_KINDS).alias("kind"),
        *(day_column(pl.col(name)).alias(name) for name in ("start_date", "end_date")), "base_yen", "fee_yen",
        *(day_column(pl.col(name)).alias(name) for name in ("charged_date", "collected_date")),
        *(pl.col(_share(g, company)).fill_null(0) for company in companies), "fee_terms_id",
        pl.when(pl.col("sleeve_no") > 0).then(g.named("sleeves", pl.col("sleeve_no"))).alias("sleeve_id"),
    )


def _share(g: Gathering, company: int) -> str:
    return f"share_{g.ids['companies'][company]}_yen"


def terms_of_fees(g: Gathering, fees: pl.DataFrame) -> list[tuple[str, Terms]]:
    """Return (fee_terms_id, terms) of each fee row: those of the first day of its period (適用した報酬条件)."""
    book, opened = FeeTermsBook(g.rows), {}
    rows = fees.select("contract_no", "program_no", "start_date", "charged_date", "end_date").rows()
    for contract, _, start, *_ in rows:
        opened[contract] = min(start, opened.get(contract, start))
    found = []
    for contract, program, start, charged, _ in rows:
        name, terms = book.contract_terms(contract, program, opened[contract], min(start, charged))
        found.append((name, terms))
    return found


def dues_table(g: Gathering) -> pl.DataFrame:
    """Return what is charged and not collected on the exported date (未徴収の報酬), with its age in days since it was due."""
    frame = pl.DataFrame({name: column for name, column in g.books.dues.items()})
    age = (pl.lit(g.books.day) - pl.col("due_date").cast(pl.Int64)).clip(lower_bound=0)
    return frame.select(
        day_column(pl.lit(g.books.day)).alias("date"), g.named("contracts", pl.col("contract_no")).alias("contract_id"),
        g.named("sleeves", pl.col("sleeve_no")).alias("sleeve_id"),
        *(day_column(pl.col(name)).alias(name) for name in ("charged_date", "due_date")), "amount_yen", age.alias("age_days"),
    )


def crystallisations_table(g: Gathering) -> pl.DataFrame:
    """Return how each performance fee came (利益確定表): value, mark, profit, fee, the mark after it, the loss carried forward."""
    texts = ("mark", "profit", "mark_after")
    numbers = ("contract_no", "sleeve_no", "component_no", "start_date", "end_date", "value_yen", "charge_yen", "fee_yen",
               "loss_carried_yen")
    if "crystallisations" in g.facts:
        frame = pl.concat(g.facts["crystallisations"])
    else:
        frame = pl.DataFrame(schema=dict.fromkeys(numbers, pl.Int64) | dict.fromkeys(texts, pl.String) | {"date": pl.Date})
    return frame.select(
        "date", g.named("contracts", pl.col("contract_no")).alias("contract_id"),
        pl.when(pl.col("sleeve_no") > 0).then(g.named("sleeves", pl.col("sleeve_no"))).alias("sleeve_id"),
        *(day_column(pl.col(name)).alias(name) for name in ("start_date", "end_date")), "value_yen", "charge_yen", "mark", "profit",
        "fee_yen", "mark_after", "loss_carried_yen",
    )


def fee_terms_table(g: Gathering) -> pl.DataFrame:
    """Return the fee terms in their dated versions."""
    latest = {row["fee_terms_id"]: row["program_no"] for row in g.rows["program_rules"]}
    program = {terms: g.ids["programs"][number] for terms, number in latest.items()}
    return pl.DataFrame([row | {"program_id": program.get(row["fee_terms_id"])} for row in g.rows["fee_terms"]])


def fee_corrections_table(g: Gathering) -> pl.DataFrame:
    """Return the late corrections that were booked (報酬の訂正), with the contracts whose fees they changed."""
    touched: dict[tuple[str, str], list[str]] = {}
    for row in g.rows["events"]:
        if row["kind"] == EVENT_KIND:
            for word in row["note"].split():
                touched.setdefault((row["content_hash"], word), []).append(g.ids["contracts"][row["contract_no"]])
    rows = [
        {name: row[name] for name in ("correction_id", "kind", "date")}
        | {"instrument_id": g.ids["instruments"][row["instrument_no"]] if row["kind"] == NAV else None}
        | {"contract_id": g.ids["contracts"].get(row["contract_no"]), "sleeve_id": g.ids["sleeves"].get(row["sleeve_no"])}
        | {name: row[name] or None for name in ("price", "amount_yen")}
        | {name: row[name] for name in ("new_date", "note", "made_by", "recorded_at", "booked_date")}
        | {"contract_ids": ";".join(sorted(touched.get((row["batch_hash"], row["correction_id"]), [])))}
        for row in sorted(g.rows["fee_corrections"], key=lambda row: row["correction_no"])
        if row["booked_date"] <= from_epoch_day(g.books.day)
    ]
    schema = {"correction_id": pl.String, "kind": pl.String, "date": pl.Date}
    schema |= dict.fromkeys(("instrument_id", "contract_id", "sleeve_id"), pl.String)
    schema |= {"price": pl.Int64, "amount_yen": pl.Int64, "new_date": pl.Date}
    schema |= dict.fromkeys(("note", "made_by", "recorded_at"), pl.String) | {"booked_date": pl.Date, "contract_ids": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def contract_fee_terms_table(g: Gathering) -> pl.DataFrame:
    """Return the contracts with terms of their own (契約ごとの報酬条件), each row with the date from which it may take effect."""
    schema = {"contract_id": pl.String, "valid_from_date": pl.Date, "fee_terms_id": pl.String}
    given = g.rows["contract_fee_terms"]
    rows = [(g.ids["contracts"][row["contract_no"]], row["valid_from_date"], row["fee_terms_id"]) for row in given]
    return pl.DataFrame(rows, schema=schema, orient="row")


def program_fee_terms_table(g: Gathering) -> pl.DataFrame:
    """Return the fee terms that the rules of each program name, by the date of the rules (プログラムの報酬条件)."""
    schema = {"program_id": pl.String, "valid_from_date": pl.Date, "fee_terms_id": pl.String}
    given = sorted(g.rows["program_rules"], key=lambda row: (row["program_no"], row["valid_from_date"]))
    rows = [(g.ids["programs"][row["program_no"]], row["valid_from_date"], row["fee_terms_id"]) for row in given]
    return pl.DataFrame(rows, schema=schema, orient="row")


def fee_adjustments_table(g: Gathering) -> pl.DataFrame:
    """Return the adjustments of each program's fees (報酬の調整), as they were loaded."""
    numbers, dates = ("threshold", "factor_ppm", "amount_yen"), ("from_date", "to_date", "until_date")
    schema = {"program_id": pl.String, "valid_from_date": pl.Date, "step_no": pl.Int64, "row_no": pl.Int64}
    schema |= dict.fromkeys(("kind", "component"), pl.String) | dict.fromkeys(numbers, pl.Int64)
    schema |= dict.fromkeys(dates, pl.Date) | {"source": pl.String}
    rows = [{name: row[name] for name in schema if name != "program_id"} | {"program_id": g.ids["programs"][row["program_no"]]}
            for row in g.rows["fee_adjustments"]]
    return pl.DataFrame(rows, schema=schema, orient="row").sort("program_id", "valid_from_date", "step_no", "row_no")
