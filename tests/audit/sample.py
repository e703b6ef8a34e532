"""The hand-made sample: three contracts' worth of cases in six weeks around a year's end, and how it is written to a folder."""

from datetime import date
from pathlib import Path

import polars as pl

from tests.audit.small_house import Fund, House, Order
from tests.audit.tables import columns_of
from tests.audit.words import OPTIONAL_COLUMNS, OPTIONAL_TABLES, TABLES

# Business days, written out by hand: no 12-31 to 1-3, no 2025-01-13 (Coming of Age Day).
DECEMBER = (16, 17, 18, 19, 20, 23, 24, 25, 26, 27, 30)
JANUARY = (6, 7, 8, 9, 10, 14, 15, 16, 17, 20, 21, 22, 23, 24, 27, 28, 29, 30, 31)
DAYS = [date(2024, 12, day) for day in DECEMBER] + [date(2025, 1, day) for day in JANUARY]
LAST = date(2025, 1, 24)
AMERICAN_HOLIDAYS = (date(2024, 12, 25), date(2025, 1, 9), date(2025, 1, 20))
MISSING = date(2024, 12, 20)  # no price of the yen fund: an order waits
SPLIT = date(2025, 1, 15)
PAYOUTS = (
    ("A1", "transfer", 250_000, "2024-12-20", "2025-01-06"),
    ("A1", "withdrawal", 300_000, "2025-01-08", "2025-01-20"),
    ("B1", "termination", None, "2025-01-14", "2025-01-22"),
)

TERMS = """
name = "Quarterly, in arrears"
[period]
length = "quarter"
align = "calendar"
timing = "arrears"
[base]
measure = "average"
days = "calendar"
cash = "included"
[year]
days = 365
[rounding]
to = "down"
[tax]
kind = "included"
[[component]]
name = "mandate"
kind = "balance"
[[component.rates]]
from = 2020-01-01
tiers = [[0, 13090], [3_000_000, 12155]]
[[component]]
name = "wrap"
kind = "balance"
[[component.rates]]
from = 2020-01-01
tiers = [[0, 4400]]
"""
RULES = {"mandate": [(0, 13090), (3_000_000, 12155)], "wrap": [(0, 4400)]}


def prices() -> dict[tuple[str, date], tuple[int, int]]:
    rows = {}
    for index, day in enumerate(DAYS):
        if day != MISSING:
            rows["JAPAN", day] = (12_345 + index * 37 % 101 - 7 * index, 1_000_000)
        if day not in AMERICAN_HOLIDAYS:
            price = 30_011 + index * 53 % 211
            rows["AMERICA", day] = (price if day < SPLIT else price // 3, 155_000_000 + index * 12_345)
    return rows


def sleeve(contract: str, account: str, customer: str, opened: str, closed: str | None = None) -> dict:
    return {
        "contract_id": contract,
        "account_id": account,
        "customer_id": customer,
        "program_id": "P1",
        "model_id": "M1",
        "opened_date": date.fromisoformat(opened),
        "closed_date": date.fromisoformat(closed) if closed else None,
        "custodian_id": "K1",
    }


def at(text: str) -> date:
    return date.fromisoformat(text)


def house() -> House:
    funds = {"JAPAN": Fund("JAPAN", levy=3_000), "AMERICA": Fund("AMERICA", scale=2, base=1, currency="USD", settle=2)}
    sleeves = {
        "A1": sleeve("CA", "AA", "UA", "2024-12-16"),
        "A2": sleeve("CA", "AA", "UA", "2024-12-16"),
        "A3": sleeve("CA", "AA", "UA", "2025-01-06"),
        "B1": sleeve("CB", "AB", "UB", "2024-12-17", "2025-01-22"),
    }
    flows = [
        (at("2024-12-16"), "A1", "deposit", 3_000_000),
        (at("2024-12-16"), "A2", "deposit", 1_234_567),
        (at("2024-12-17"), "B1", "deposit", 5_000_000),
        (at("2024-12-26"), "A2", "instalment", 30_000),
        (at("2025-01-06"), "A1", "transfer", -250_000),
        (at("2025-01-06"), "A3", "transfer", 250_000),
        (at("2025-01-20"), "A1", "withdrawal", -300_000),
        (at("2025-01-22"), "B1", "termination", None),
    ]
    orders = [
        Order("A1", "JAPAN", "buy", at("2024-12-16"), yen=1_500_001),
        Order("A2", "JAPAN", "buy", at("2024-12-16"), yen=700_003),
        Order("A1", "AMERICA", "buy", at("2024-12-16"), yen=1_100_000, units=21),
        Order("A2", "AMERICA", "buy", at("2024-12-16"), yen=420_000, units=8),
        Order("B1", "JAPAN", "buy", at("2024-12-17"), yen=3_000_000),
        Order("B1", "AMERICA", "buy", at("2024-12-17"), yen=1_600_000, units=30),
        Order("B1", "JAPAN", "buy", at("2024-12-18"), yen=100_000),
        Order("A2", "JAPAN", "buy", at("2024-12-26"), yen=30_000),
        Order("A3", "JAPAN", "buy", at("2025-01-06"), yen=200_000),
        Order("A1", "JAPAN", "sell", at("2025-01-08"), units=200_007, reason="payout"),
        Order("A2", "JAPAN", "sell", at("2025-01-08"), units=10_003, reason="breach"),
        Order("A1", "AMERICA", "sell", at("2025-01-10"), units=3, reason="breach"),
        Order("B1", "AMERICA", "sell", at("2025-01-08"), units=4, reason="fee"),
        Order("A1", "JAPAN", "sell", at("2025-01-21"), units=50_001, reason="breach"),
        Order("A3", "AMERICA", "buy", at("2025-01-24"), yen=16_000, units=1),
        Order("A2", "JAPAN", "buy", at("2025-01-22"), yen=22_222),
    ]
    ends = {"CA": [at("2024-12-31")], "CB": [at("2024-12-31"), at("2025-01-21")]}
    made = House(
        DAYS,
        funds,
        prices(),
        sleeves,
        orders,
        flows,
        [(at("2024-12-24"), "JAPAN", 53, 10_000)],
        [(SPLIT, "AMERICA", 1, 3)],
        TERMS,
        RULES,
        ends,
    )
    return made


def build() -> dict[str, list[dict]]:
    """The tables of the sample export. The last sales of the contract that ends take what a first run shows to be left."""
    first = house()
    first.sleeves["B1"]["closed_date"] = None
    first.flows = [row for row in first.flows if row[2] != "termination"]
    first.fee_ends["CB"] = first.fee_ends["CB"][:1]
    first.run(at("2025-01-15"))
    made = house()
    left = {fund: first.units["B1", fund] for fund in ("JAPAN", "AMERICA")}
    last = [Order("B1", fund, "sell", at("2025-01-15"), units=units, reason="closing") for fund, units in left.items()]
    made.orders += last
    made.__post_init__()
    tables = made.run(LAST)
    tables["goals"] = [{"date": LAST, "goal_id": "G1", "sleeve_id": "A2", "probability_ppm": 815_000,
                        "target_yen": 900_000, "floor_yen": 500_000, "floor_ppm": 930_000, "floor_status": "safe",
                        "value_yen": 400_000, "monthly_yen": -10_000, "mean_ppm": 30_000, "risk_ppm": 80_000,
                        "asset_life_months": 41}]
    tables["goals"].append(tables["goals"][0] | {"goal_id": "G2", "sleeve_id": "A3", "floor_yen": None, "floor_ppm": None,
                                                 "floor_status": None})
    tables["alerts"] = [{"date": MISSING, "kind": "price_missing", "cause": "no row", "cure": "load the price", "status": "open"}]
    for block in tables["blocks"]:
        orders = [order for order in tables["orders"] if order["block_id"] == block["block_id"]]
        asked = {column: sum(order[column] or 0 for order in orders) for column in ("asked_units", "asked_yen")}
        block |= {"custodian_id": "K1", "orders": len(orders), **asked}
    tables["instruments"] = [
        {
            "instrument_id": fund.name,
            "order_mode": "amount" if fund.currency == "JPY" else "units",
            "lot_units": 1,
            "price_scale": fund.scale,
            "price_base_units": fund.base,
            "currency": fund.currency,
            "price_lag_days": fund.lag,
            "buy_settlement_days": fund.settle,
            "sell_settlement_days": fund.settle,
            "levy_ppm": fund.levy,
        }
        for fund in made.funds.values()
    ]
    tables["payouts"] = [
        {
            "sleeve_id": sleeve,
            "kind": kind,
            "amount_yen": amount,
            "requested_date": at(asked),
            "first_promised_date": at(paid),
            "promised_date": at(paid),
            "paid_date": at(paid),
            "reissue_count": 0,
            "drawn_sleeve_id": None,
        }
        for sleeve, kind, amount, asked, paid in PAYOUTS
    ]
    return tables


def write(tables: dict[str, list[dict]], folder: Path, form: str = "parquet") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        known = columns_of(TABLES.get(name) or OPTIONAL_TABLES[name]) | columns_of(OPTIONAL_COLUMNS.get(name, ""))
        columns = list(rows[0]) if rows else list(known)
        types = {"date": pl.Date, "text": pl.String, "number": pl.Int64}
        frame = pl.DataFrame(rows, schema={column: types[known.get(column, ("number",))[0]] for column in columns}, orient="row")
        if form == "csv":
            frame.write_csv(folder / f"{name}.csv")
        else:
            frame.write_parquet(folder / f"{name}.parquet")
    return folder
