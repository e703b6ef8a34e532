"""Instalments of two dates a month and a bonus, booked by the close and ordered on the evening of the day on which they come;
debits that fail and are tried again.
"""

from datetime import date as Date
from functools import cache

from tests.days.simulation import simulate_house
from tests.days.small_house import FIRST, THROUGH, house_rows, rows_of
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.flows import FLOW_KINDS
from tsutsumi.demo.house import build_rows
from tsutsumi.demo.series import demo_market
from tsutsumi.ports.paper import PaperBank
from tsutsumi.run.close_day import Closer
from tsutsumi.run.goal_book import GOAL_TABLES
from tsutsumi.run.replay import replay
from tsutsumi.store.database import create_house, transaction
from tsutsumi.store.manifest import lock_house
from tsutsumi.store.rows import insert_rows

YEAR_END = Date(2019, 1, 11)


@cache
def year_rows() -> dict[str, list[dict]]:
    """A house of a year that lives on instalments of 1,000 yen on the 5th and 20th alone; every instrument is bought by amount,
    from 1 yen on: a sleeve of so little cannot buy a whole unit of a fund on an exchange.
    """
    rows = build_rows(demo_market(FIRST, Date(2019, 3, 29)), 12, first=FIRST, through=Date(2019, 3, 29))
    rows |= {name: [] for name in (*GOAL_TABLES, "drawing_terms")}
    rows["events"] = [row for row in rows["events"] if row["kind"] in ("contract_opened", "sleeve_opened", "strategy_changed")]
    plan = {"kind": "instalment", "valid_from_date": FIRST, "amount_yen": 1_000, "day_of_month": 26, "days_of_month": "5;20"}
    rows["plans"] = [plan | {"sleeve_no": row["sleeve_no"]} for row in rows["sleeves"]]
    small = {"minimum_trade_yen": 1, "minimum_instalment_yen": 1_000, "retry_days": 3, "retry_count": 2}
    rows["program_rules"] = [row | small for row in rows["program_rules"]]
    rows["instruments"] = [row | {"order_mode": "amount", "price_base_units": 10_000} for row in rows["instruments"]]
    return rows


def plain_rows() -> dict[str, list[dict]]:
    """The small house without goals."""
    return house_rows() | {name: [] for name in GOAL_TABLES}


def test_two_dates_and_a_bonus_are_booked_alike_in_any_number_of_partitions(tmp_path):
    rows = plain_rows()
    sleeve = next(row["sleeve_no"] for row in rows["events"] if row["kind"] == "sleeve_opened" and row["date"] == FIRST)
    plan = {
        "sleeve_no": sleeve, "kind": "instalment", "valid_from_date": Date(2018, 2, 1), "amount_yen": 20_000, "day_of_month": 26,
        "days_of_month": "5;20", "bonus_months": "3", "bonus_yen": 70_000,
    }
    plans = [row for row in rows["plans"] if row["sleeve_no"] != sleeve]
    booked = {}
    for partitions in (1, 3):
        folder = tmp_path / str(partitions)
        folder.mkdir()
        found = booked.setdefault(partitions, [])
        for result in simulate_house(rows | {"plans": [*plans, plan]}, FIRST, THROUGH, folder, partitions):
            flows = result.flows
            mine = (flows["sleeve_no"] == sleeve) & (flows["kind_code"] == FLOW_KINDS.index("instalment"))
            found += [(result.books.day, int(yen)) for yen in flows["amount_yen"][mine]]
    days = [(Date(2018, 2, 5), 20_000), (Date(2018, 2, 20), 20_000), (Date(2018, 3, 5), 90_000), (Date(2018, 3, 20), 20_000)]
    assert booked[1] == [*((epoch_day(day), yen) for day, yen in days), (epoch_day(Date(2018, 4, 5)), 20_000)]
    assert booked[3] == booked[1]


def test_what_an_instalment_brings_is_ordered_on_the_same_evening(tmp_path):
    booked, idle = 0, []
    for result in simulate_house(plain_rows(), FIRST, THROUGH, tmp_path):
        flows, orders = result.flows, result.orders
        came = set(flows["sleeve_no"][flows["kind_code"] == FLOW_KINDS.index("instalment")].tolist())
        bought = (orders["decided_date"] == result.books.day) & (orders["asked_yen"] > 0)
        ordered = set(orders["sleeve_no"][bought].tolist())
        booked += len(came)
        idle += [(result.books.day, sleeve) for sleeve in sorted(came - ordered)]
    assert booked >= 25 and idle == []


def test_of_1000_yen_twice_a_month_nothing_lies_idle_over_a_year(tmp_path):
    booked, waited, since, least = 0, [], {}, 1_000
    for result in simulate_house(year_rows(), FIRST, YEAR_END, tmp_path):
        flows, orders, day = result.flows, result.orders, result.books.day
        mine = flows["kind_code"] == FLOW_KINDS.index("instalment")
        assert set(flows["amount_yen"][mine].tolist()) <= {1_000}
        since |= {sleeve: day for sleeve in flows["sleeve_no"][mine].tolist() if sleeve not in since}
        booked += int(mine.sum())
        bought = orders["decided_date"] == day
        for sleeve in set(orders["sleeve_no"][bought & (orders["asked_yen"] > 0)].tolist()) & since.keys():
            waited.append(day - since.pop(sleeve))
            least = min(least, int(orders["asked_yen"][bought & (orders["sleeve_no"] == sleeve)].sum()))
    assert booked >= 400 and not since and waited == [0] * booked
    assert least >= 800, "what is not ordered is the model's cash, and what is below the least trade"


def skip(rows: dict[str, list[dict]], day: Date) -> dict[str, list[dict]]:
    """The rows with an event by which every sleeve skips its next instalment."""
    names = ("contract_no", "target_sleeve_no", "model_no", "instrument_no", "account_no", "customer_no", "amount_yen", "units")
    blank = {**dict.fromkeys(names, 0), "note": "", "content_hash": "", "recorded_at": "", "processed_date": None}
    first = max(row["event_no"] for row in rows["events"]) + 1
    more = [blank | {"event_no": first + k, "event_id": f"skip-{k}", "date": day, "kind": "instalment_skipped",
                     "sleeve_no": row["sleeve_no"]} for k, row in enumerate(rows["sleeves"])]
    return rows | {"events": [*rows["events"], *more]}


def close_all(folder, partitions: int, *until: Date):
    """Close a house with a bank at which every third debit fails, by one process after the other."""
    house = create_house(folder, partitions=partitions)
    with transaction(house) as connection:
        for name, rows in skip(year_rows(), Date(2018, 3, 8)).items():
            insert_rows(connection, name, rows)
    failed = collected = 0
    for last in until:
        with lock_house(house.folder):
            closer = Closer(house, last, bank=PaperBank(failure_ppm=333_333))
            while closer.reference.timeline.days[closer.next_index] <= epoch_day(last):
                result = closer.close_next()
                failed += sum(alert.kind == "debit_failed" for alert in result.alerts)
                due = closer.books.debit_states["due_date"]
                assert (due[due > 0] > result.books.day).all()
                collected += int((result.flows["kind_code"] == FLOW_KINDS.index("instalment")).sum())
            closer.custodian.close()
    return house, (failed, collected)


def test_retries_and_skips_are_the_same_in_any_number_of_partitions_after_a_new_start_and_in_a_replay(tmp_path):
    end = Date(2018, 4, 27)
    one, numbers = close_all(tmp_path / "one", 1, end)
    two, again = close_all(tmp_path / "two", 3, Date(2018, 2, 7), Date(2018, 3, 9), Date(2018, 3, 22), end)
    assert numbers == again and min(numbers) > 20
    assert [row.digest for row in rows_of(one)] == [row.digest for row in rows_of(two)]
    report = replay(two, partitions=(1, 3))
    assert report.differences == [] and len(report.replayed) > 100
    one.engine.dispose()
    two.engine.dispose()


def test_a_skipped_plan_day_brings_nothing_and_a_retry_comes_three_business_days_after(tmp_path):
    rows, came = skip(year_rows(), Date(2018, 3, 8)), {}
    for result in simulate_house(rows, FIRST, Date(2018, 4, 27), tmp_path, bank=PaperBank(failure_ppm=333_333)):
        mine = result.flows["kind_code"] == FLOW_KINDS.index("instalment")
        if mine.any():
            came[str(from_epoch_day(result.books.day))] = int(mine.sum())
    plan_days = {"2018-02-05", "2018-02-20", "2018-03-05", "2018-04-05", "2018-04-20"}
    retries = {"2018-02-08", "2018-02-14", "2018-02-23", "2018-02-28", "2018-03-08", "2018-03-13", "2018-04-10", "2018-04-13"}
    assert "2018-03-20" not in came and plan_days <= came.keys()
    assert {day for day in came if "2018-02" <= day < "2018-04-20"} <= plan_days | retries
    assert sum(came.get(day, 0) for day in retries) >= 5
