"""The small house with agreements between its companies (会社間の取決め): tiers, monthly fees, fees in advance, refunds."""

from copy import deepcopy
from datetime import date as Date
from pathlib import Path

from tests.days.small_house import house_rows
from tsutsumi.core.calendar import is_business_day, next_business_day
from tsutsumi.demo.programs import BANK, BROKER, FUND_WRAP, GOAL_WRAP, IFA, MANAGER, PLATFORM, PREMIUM, ROBO, SECOND_MANAGER, TRUST
from tsutsumi.store.database import create_house, transaction
from tsutsumi.store.rows import insert_rows

THROUGH = Date(2018, 5, 31)
MONTHS = ("2018-01", "2018-02", "2018-03", "2018-04", "2018-05")
ADVANCE = """name = "monthly, in advance, refunded by the day"
rates_of = "day"
[period]
length = "month"
align  = "calendar"
timing = "advance"
[base]
measure = "opening"
cash    = "included"
[year]
days = 365
[rounding]
to = "down"
[tax]
kind = "included"
[advance]
addition = "own"
refund   = "prorated"
[[component]]
name = "advisory"
kind = "balance"
  [[component.rates]]
  from  = 2017-04-01
  tiers = [[0, 9900], [1_000_000, 4950]]
[[component]]
name = "wrap"
kind = "balance"
  [[component.rates]]
  from  = 2017-04-01
  tiers = [[0, 3300]]
[[component]]
name = "performance"
kind = "performance"
rate_ppm = 55000
every = 1
mark  = "scaled"
"""
TERMS_IN_ADVANCE = ("robo-balance", "premium-two-part")
OF_THE_BROKER = range(1, 20)  # fund wrap contracts that the broker sells instead of the bank


def fee_house_rows() -> dict[str, list[dict]]:
    """Return the rows of the small house, with the agreements and the fee terms of this one."""
    rows = deepcopy(house_rows())
    for row in rows["fee_terms"]:
        if row["fee_terms_id"] in TERMS_IN_ADVANCE:
            row["terms_toml"] = ADVANCE
    for row in rows["program_rules"]:
        row["performance_scope"] = "sleeve" if row["program_no"] == PREMIUM else "contract"
    contracts = {row["contract_no"] for row in rows["contracts"] if row["program_no"] == FUND_WRAP} & set(OF_THE_BROKER)
    for row in rows["contract_parties"]:
        if row["function"] == "A" and row["contract_no"] in contracts:
            row["company_no"] = BROKER
    # without a row of its own a contract is sold by its program's distributor
    robo = {row["contract_no"] for row in rows["contracts"] if row["program_no"] == ROBO}
    rows["contract_parties"] = [row for row in rows["contract_parties"] if row["contract_no"] not in robo]
    rows["events"] += reductions(rows)
    rows["share_tiers"] = tier_rows()
    rows["share_fixed"] = fixed_rows()
    rows["invoice_issuers"] = [
        {"company_no": MANAGER, "valid_from_date": Date(2018, 1, 1), "registration_id": "T7000012050002", "rounding": "down"},
        {"company_no": TRUST, "valid_from_date": Date(2018, 1, 1), "registration_id": "", "rounding": "half-up"},
        {"company_no": PLATFORM, "valid_from_date": Date(2018, 4, 1), "registration_id": "T9000000000000", "rounding": "up"},
    ]
    return rows


def reductions(rows: dict[str, list[dict]]) -> list[dict]:
    """Return events that make refunds: withdrawals from contracts charged in advance, and the end of two of them."""
    sold = {row["contract_no"] for row in rows["contracts"] if row["program_no"] in (ROBO, PREMIUM)}
    contract_of = {row["sleeve_no"]: row["contract_no"] for row in rows["sleeves"] if row["contract_no"] in sold}
    ended = {row["contract_no"] for row in rows["events"] if row["kind"] == "terminated"}
    paid: dict[int, int] = {}
    for row in rows["events"]:
        known = row["kind"] == "deposit" and row["sleeve_no"] in contract_of and row["date"] < Date(2018, 4, 1)
        if known and contract_of[row["sleeve_no"]] not in ended:
            paid[row["sleeve_no"]] = paid.get(row["sleeve_no"], 0) + row["amount_yen"]
    most = sorted(paid, key=lambda sleeve: (-paid[sleeve], sleeve))[:8]
    asked = [(Date(2018, 4, 3 + 2 * place), "withdrawal", sleeve, paid[sleeve] // 3) for place, sleeve in enumerate(most[:6])]
    asked += [(Date(2018, 5, 7), "terminated", sleeve, 0) for sleeve in most[5:8]]
    first = 1 + max(row["event_no"] for row in rows["events"])
    return [
        {
            "event_no": number, "event_id": f"fees-{number}", "date": next_day(day), "kind": kind,
            "contract_no": contract_of[sleeve] if kind == "terminated" else 0, "sleeve_no": 0 if kind == "terminated" else sleeve,
            "target_sleeve_no": 0, "model_no": 0, "instrument_no": 0, "account_no": 0, "customer_no": 0,
            "amount_yen": yen, "units": 0, "note": "試験 test", "content_hash": "",
            "recorded_at": "2018-03-30", "processed_date": None,
        }
        for number, (day, kind, sleeve, yen) in enumerate(asked, first)
    ]


def next_day(day: Date) -> Date:
    """Return the day itself if it is a business day, else the next one."""
    return day if is_business_day(day) else next_business_day(day)


def tier_rows() -> list[dict]:
    """Return the rows of `share_tiers`: of the fee and of the balance, by program, by distributor, of the own sales; a change."""
    def ladder(program: int, since: Date, company: int, kind: str, tiers: list[tuple[int, int]], **more) -> list[dict]:
        own = {"measure": "program", "base": "average", "year_days": "365", "paid_by_no": 0, "source": "覚書（試験）"} | more
        head = {"program_no": program, "valid_from_date": since, "company_no": company, "kind": kind}
        return [head | own | {"floor_yen": floor, "rate_ppm": rate, "recorded_at": "2017-12-01"} for floor, rate in tiers]

    first, later = Date(2018, 1, 1), Date(2018, 4, 10)
    return [
        *ladder(FUND_WRAP, first, MANAGER, "fee", [(0, 10_000), (200_000_000, 50_000)], measure="distributor"),
        *ladder(FUND_WRAP, first, BROKER, "fee", [(0, 30_000)], measure="own"),
        *ladder(ROBO, first, SECOND_MANAGER, "balance", [(0, 1_500), (5_000_000, 1_000)], paid_by_no=BROKER),
        *ladder(GOAL_WRAP, first, PLATFORM, "fee", [(0, 20_000), (3_000_000, 70_000)], base="closing"),
        *ladder(GOAL_WRAP, later, PLATFORM, "fee", [(0, 90_000)]),
        *ladder(GOAL_WRAP, later, IFA, "balance", [(0, 200)], year_days="actual"),
    ]


def fixed_rows() -> list[dict]:
    """Return the rows of `share_fixed`: per program, per contract, one that is more than the payer's part, one that ends."""
    def row(program: int, since: Date, company: int, per: str, yen: int, payer: int = 0) -> dict:
        own = {"amount_yen": yen, "paid_by_no": payer, "source": "覚書（試験）", "recorded_at": "2017-12-01"}
        return {"program_no": program, "valid_from_date": since, "company_no": company, "per": per} | own

    first = Date(2018, 1, 1)
    return [
        row(FUND_WRAP, first, PLATFORM, "program", 11_000, BANK), row(FUND_WRAP, Date(2018, 4, 1), PLATFORM, "program", 0, BANK),
        row(ROBO, first, PLATFORM, "contract", 110, BROKER), row(PREMIUM, Date(2018, 2, 2), TRUST, "contract", 330),
    ]


def make_fee_house(folder: Path, partitions: int = 1) -> Path:
    """Make the house in a folder, with nothing closed, and return the folder."""
    house = create_house(folder, partitions=partitions)
    with transaction(house) as connection:
        for name, rows in fee_house_rows().items():
            insert_rows(connection, name, rows)
    house.engine.dispose()
    return folder
