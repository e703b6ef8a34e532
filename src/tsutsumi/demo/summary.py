"""The figures at the end of the demo (デモの集計), all from the exported tables of the house."""

from datetime import date as Date

import polars as pl

from tsutsumi.core.performance import INDEX_START
from tsutsumi.core.units import whole_percent
from tsutsumi.demo.build import DemoSettings
from tsutsumi.demo.report import GOAL_STATUSES, pick_story, story_lines
from tsutsumi.run.close_day import CloseReport
from tsutsumi.run.export import gather_house
from tsutsumi.run.history import rows_of
from tsutsumi.store.database import House
from tsutsumi.store.day_tables import load_books
from tsutsumi.store.tables import metadata

IN, OUT = ("deposit", "instalment"), ("withdrawal", "drawing", "termination")


def demo_summary(house: House, settings: DemoSettings, report: CloseReport, times: list[tuple[str, int]], last: Date) -> dict:
    """Return what `demo_report` prints; the keys are described there."""
    tables = gather_house(house, last)
    rows = rows_of(house, *(table.name for table in metadata.sorted_tables if table.name not in ("audit", "days", "day_files")))
    dates = tables["values"]["date"]
    slowest = max(times, key=lambda pair: pair[1], default=("–", 0))
    usual = sorted(milliseconds for _, milliseconds in times)
    summary = {
        "house": str(house.folder), "first_date": str(dates.min()), "last_date": str(last),
        "days_count": dates.n_unique(), "customers_count": len(rows["customers"]), "contracts_count": len(rows["contracts"]),
        "sleeves_count": tables["sleeves"].height, "prices_count": tables["prices"].height, "events_count": len(rows["events"]),
        "total_milliseconds": int(report.seconds * 1000),
        "day_milliseconds": {"median": usual[len(usual) // 2] if usual else 0, "slowest": slowest[1], "slowest_date": slowest[0]},
        "programs": _programs(house, tables, rows, last), "orders": _orders(tables), "alerts": _alerts(tables),
        "sources": _sources(tables, rows), "gaps": _gaps(tables),
    }
    summary |= _fees(tables, rows) | {"checks": _checks(tables, report)} | _goals(tables, last)
    story = _story(tables, rows, last)
    return summary | ({"story": story} if story else {})


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum() or 0)


def _programs(house: House, tables: dict[str, pl.DataFrame], rows, last: Date) -> list[dict]:
    sleeves, books = tables["sleeves"], load_books(house, last)
    flows = tables["flows"].join(sleeves.select("sleeve_id", "program_id"), on="sleeve_id")
    values = tables["values"].filter(pl.col("date") == last).join(sleeves.select("sleeve_id", "program_id"), on="sleeve_id")
    numbers = {row["program_id"]: row["program_no"] for row in rows["programs"]}
    result = []
    for row in rows["programs"]:
        own = flows.filter(pl.col("program_id") == row["program_id"])
        money_in = _sum(own.filter(pl.col("kind").is_in(IN)), "amount_yen")
        money_out = -_sum(own.filter(pl.col("kind").is_in(OUT)), "amount_yen")
        value = _sum(values.filter(pl.col("program_id") == row["program_id"]), "value_yen")
        contracts = sleeves.filter(pl.col("program_id") == row["program_id"])
        indices = sorted(books.sleeves["twr_index"][books.sleeves["program_no"] == numbers[row["program_id"]]].tolist())
        returns = [index // (INDEX_START // 1_000_000) - 1_000_000 for index in indices]
        result.append({
            "name": row["name"], "name_en": row["name_en"], "contracts_count": contracts["contract_id"].n_unique(),
            "open_contracts_count": contracts.filter(pl.col("closed_date").is_null())["contract_id"].n_unique(),
            "value_yen": value, "money_in_yen": money_in, "money_out_yen": money_out, "profit_yen": value + money_out - money_in,
            "twr_lowest_ppm": returns[0] if returns else None, "twr_middle_ppm": returns[len(returns) // 2] if returns else None,
            "twr_highest_ppm": returns[-1] if returns else None,
        })
    return result


def _orders(tables: dict[str, pl.DataFrame]) -> dict:
    orders = tables["orders"]
    reasons = orders.group_by("reason").len().sort("len", descending=True)
    return {
        "count": orders.height, "buys_yen": _sum(orders.filter(pl.col("side") == "buy"), "filled_yen"),
        "sells_yen": _sum(orders.filter(pl.col("side") == "sell"), "filled_yen"), "blocks_count": tables["blocks"].height,
        "cancelled_count": orders.filter(pl.col("status") == "cancelled").height,
        "reasons": [{"reason": reason, "count": count} for reason, count in reasons.iter_rows()],
    }


def _fees(tables: dict[str, pl.DataFrame], rows) -> dict:
    fees = tables["fees"]
    parties = []
    for company in rows["companies"]:
        column = f"share_{company['company_id']}_yen"
        if column in fees.columns:
            parties.append({"name": company["name"], "name_en": company["name_en"], "fee_yen": _sum(fees, column)})
    return {"fees": parties, "fees_charged_yen": _sum(fees, "fee_yen")}


def _checks(tables: dict[str, pl.DataFrame], report: CloseReport) -> dict:
    payouts = tables["payouts"].filter(pl.col("paid_date").is_not_null())
    journal = tables["journal"].group_by("entry_id", "asset").agg(pl.col("quantity").sum())
    kept = payouts.filter(pl.col("paid_date") == pl.col("promised_date"))
    return {
        "breaks_count": max(tables["breaks"].height, report.breaks), "journal_difference_yen": _sum(journal, "quantity"),
        "payouts_count": payouts.height, "payouts_kept_count": kept.height,
        "reissued_count": payouts.filter(pl.col("reissue_count") > 0).height,
    }


def _goals(tables: dict[str, pl.DataFrame], last: Date) -> dict:
    goals, advice = tables["goals"], tables["advice"]
    if goals.height == 0:
        return {}
    ended, now = goals.filter(pl.col("months_ppm") == 0), goals.filter((pl.col("date") == last) & (pl.col("months_ppm") > 0))
    counts = dict(now.group_by("status").len().iter_rows())
    advised = advice.join(now.select("goal_id"), on="goal_id", how="semi").sort("date", "goal_id")
    return {"goals": {
        "statuses": [{"status": status, "count": counts.get(status, 0)} for status in GOAL_STATUSES],
        "ended_count": ended.height, "came_true_count": ended.filter(pl.col("probability_ppm") > 0).height,
        "advice_count": advice.select("date", "goal_id").unique().height,
        "goal_id": advised["goal_id"][-1] if advised.height else "",
    }}


def _goals_of(goals: pl.DataFrame, rows) -> list[dict]:
    names = {row["goal_id"]: row["name"] for row in rows["goals"]}
    told = goals.filter(pl.col("probability_ppm").is_not_null()).sort("goal_id")
    return [
        {"name": names[row["goal_id"]], "percent": whole_percent(row["probability_ppm"]), "target_yen": row["target_yen"],
         "target_date": str(row["target_date"])}
        for row in told.iter_rows(named=True)
    ]


def _alerts(tables: dict[str, pl.DataFrame]) -> list[dict]:
    counts = tables["alerts"].group_by("kind").len().sort("kind")
    return [{"kind": kind, "count": count} for kind, count in counts.iter_rows()]


def _sources(tables: dict[str, pl.DataFrame], rows) -> list[dict]:
    date = pl.col("date")
    spans = tables["prices"].group_by("instrument_id").agg(pl.len(), date.min().alias("first"), date.max().alias("last"))
    known = {row[0]: row[1:] for row in spans.iter_rows()}
    return [
        {
            "instrument_id": row["instrument_id"], "name": row["name"], "real": not row["data_source"].startswith("generated"),
            "prices_count": known[row["instrument_id"]][0], "first_date": str(known[row["instrument_id"]][1]),
            "last_date": str(known[row["instrument_id"]][2]), "provenance": row["data_source"],
        }
        for row in rows["instruments"]
        if row["instrument_id"] in known
    ]


def _gaps(tables: dict[str, pl.DataFrame]) -> list[dict]:
    kinds = {"price_missing": "missing", "price_refused": "refused", "calendar_holiday": "holiday", "fx_missing": "missing"}
    found = tables["alerts"].filter(pl.col("kind").is_in(list(kinds))).sort("date")
    return [
        {"date": str(row["date"]), "kind": kinds[row["kind"]], "instruments": row["subject_id"], "note": row["cause"]}
        for row in found.iter_rows(named=True)
    ]


def _story(tables: dict[str, pl.DataFrame], rows, last: Date) -> dict | None:
    customer_no = pick_story(rows)
    customer = next(row for row in rows["customers"] if row["customer_no"] == customer_no)
    sleeves = tables["sleeves"].filter(pl.col("customer_id") == customer["customer_id"])
    if sleeves.height == 0:
        return None
    own = pl.col("sleeve_id").is_in(sleeves["sleeve_id"].to_list())
    flows = tables["flows"].filter(own)
    money_in = _sum(flows.filter(pl.col("kind").is_in(IN)), "amount_yen")
    money_out = -_sum(flows.filter(pl.col("kind").is_in(OUT)), "amount_yen")
    value = _sum(tables["values"].filter(own & (pl.col("date") == last)), "value_yen")
    names = {row["program_id"]: row["name"] for row in rows["programs"]}
    sleeve, day = _worth_explaining(tables, sleeves, last)
    return {
        "customer_id": customer["customer_id"], "name": customer["name"], "kana": customer["kana"],
        "age": _age(customer["birth_date"], last), "note": customer["note"],
        "programs": "・".join(names[program] for program in sleeves["program_id"].unique().sort()),
        "lines": story_lines(rows, customer_no, last), "money_in_yen": money_in, "money_out_yen": money_out, "value_yen": value,
        "profit_yen": value + money_out - money_in, "sleeve_id": sleeve, "explain_date": str(day),
        "goals": _goals_of(tables["goals"].filter(own & (pl.col("date") == last)), rows),
    }


def _worth_explaining(tables: dict[str, pl.DataFrame], sleeves: pl.DataFrame, last: Date) -> tuple[str, Date]:
    """Return a sleeve and a day on which it was filled and money moved, so that the explanation shows something."""
    ids = sleeves.filter(pl.col("closed_date").is_null())["sleeve_id"].to_list() or sleeves["sleeve_id"].to_list()
    fills = tables["orders"].filter(pl.col("sleeve_id").is_in(ids) & pl.col("filled_yen").is_not_null())
    days = fills.group_by("sleeve_id", "priced_date").len().rename({"priced_date": "date"})
    moved = days.join(tables["flows"].select("sleeve_id", "date").unique(), on=["sleeve_id", "date"], how="semi")
    best = (moved if moved.height else days).sort(["len", "date", "sleeve_id"], descending=[True, True, False])
    return (best["sleeve_id"][0], best["date"][0]) if best.height else (ids[0], last)


def _age(born: Date | None, on: Date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day)) if born else 0
