"""A small house with everything in it (小さな家): forty customers, sixty business days, and events of every kind."""

from datetime import date as Date
from pathlib import Path

from tsutsumi.demo.house import build_rows
from tsutsumi.demo.series import demo_market
from tsutsumi.store.database import create_house, reading, transaction
from tsutsumi.store.manifest import ClosedDay, closed_days
from tsutsumi.store.rows import insert_rows

FIRST, THROUGH, KNOWN = Date(2018, 1, 4), Date(2018, 4, 6), Date(2018, 6, 29)
SPLIT_FUND = 4
_ROWS: dict[int, dict[str, list[dict]]] = {}


def house_rows(customers: int = 40) -> dict[str, list[dict]]:
    """Return the rows of every table: the demo's, and events of the kinds that so short a life lacks."""
    if customers not in _ROWS:
        rows = build_rows(demo_market(FIRST, KNOWN), customers, first=FIRST, through=KNOWN)
        _add_events(rows)
        rows["splits"] = [{
            "instrument_no": SPLIT_FUND, "date": Date(2018, 2, 20), "old_units": 10, "new_units": 11, "recorded_at": "2018-02-16",
        }]
        _ROWS[customers] = rows
    return _ROWS[customers]


def _add_events(rows: dict[str, list[dict]]) -> None:
    """Add a withdrawal, a transfer, a closing, terminations, corrections, and a strategy change that is refused."""
    paid: dict[int, int] = {}
    for row in rows["events"]:
        if row["kind"] == "deposit" and row["date"] < Date(2018, 1, 20) and row["amount_yen"] >= 1_000_000:
            paid[row["sleeve_no"]] = paid.get(row["sleeve_no"], 0) + row["amount_yen"]
    contract_of = {row["sleeve_no"]: row["contract_no"] for row in rows["sleeves"]}
    members: dict[int, list[int]] = {}
    for sleeve in sorted(paid):
        members.setdefault(contract_of[sleeve], []).append(sleeve)
    pairs = [sleeves for sleeves in members.values() if len(sleeves) > 1]
    singles = [sleeves[0] for sleeves in members.values() if len(sleeves) == 1]
    (one, other), (ending, staying) = pairs[0][:2], pairs[1][:2]

    def event(day: Date, kind: str, sleeve: int = 0, **more) -> None:
        number, contract = len(rows["events"]) + 1, more.pop("contract_no", contract_of.get(sleeve, 0))
        names = ("target_sleeve_no", "model_no", "instrument_no", "account_no", "customer_no", "amount_yen", "units")
        values = dict.fromkeys(names, 0) | {"note": "試験 test"} | more
        rows["events"].append({
            "event_no": number, "event_id": f"test-{number}", "date": day, "kind": kind, "contract_no": contract,
            "sleeve_no": sleeve, "content_hash": "", "recorded_at": str(day), "processed_date": None, **values,
        })

    event(Date(2018, 2, 5), "withdrawal", singles[0], amount_yen=paid[singles[0]] // 5)
    event(Date(2018, 2, 5), "transfer", one, target_sleeve_no=other, amount_yen=paid[one] // 4)
    event(Date(2018, 2, 9), "terminated", contract_no=contract_of[singles[1]])
    event(Date(2018, 2, 13), "sleeve_closed", ending, target_sleeve_no=staying)
    event(Date(2018, 2, 27), "withdrawal", singles[2], amount_yen=paid[singles[2]] // 2)
    event(Date(2018, 3, 1), "correction", singles[3], amount_yen=1_234)
    event(Date(2018, 3, 5), "strategy_changed", singles[4], model_no=999)
    event(Date(2018, 3, 6), "withdrawal", 9_999, amount_yen=10_000)
    last = max(row["sleeve_no"] for row in rows["events"] if row["kind"] == "sleeve_opened" and row["date"] < Date(2018, 3, 1))
    event(Date(2018, 3, 7), "terminated", contract_no=contract_of[last])


def make_house(folder: Path, partitions: int = 1, customers: int = 40) -> Path:
    """Make the house in a folder, with nothing closed, and return the folder."""
    house = create_house(folder, partitions=partitions)
    with transaction(house) as connection:
        for name, rows in house_rows(customers).items():
            insert_rows(connection, name, rows)
    house.engine.dispose()
    return folder


def rows_of(house) -> list[ClosedDay]:
    """Return the closed days of an open house, ascending."""
    with reading(house) as connection:
        return closed_days(connection)


def chain(house) -> list[tuple]:
    """Return what must be the same in two runs: digests, inputs and chain of every closed day."""
    return [(row.date, row.digest, row.inputs_hash, row.chain_hash, row.snapshot, row.bytes) for row in rows_of(house)]
