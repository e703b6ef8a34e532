"""A house in which contracts and customers pay by an order, through changes of the order: nothing is paid twice, nothing is lost.

A retired customer draws from growth, paid by the steady sleeve first; another contract draws by terms, each by what it has.
"""

import random
from collections import defaultdict
from datetime import date as Date

import pytest

from tests.audit.export_audit import audit
from tests.days.small_house import chain
from tests.days.still_house import closed_with_pauses, passes
from tests.store.files import FILES
from tsutsumi.core.calendar import business_days, epoch_day
from tsutsumi.core.promises import P_DRAWING, PAID
from tsutsumi.core.schema import empty
from tsutsumi.run.explain import explain
from tsutsumi.run.export import export_house, gather_house
from tsutsumi.run.replay import replay

FIRST, LAST = Date(2026, 8, 3), Date(2027, 4, 30)
SLEEVES = {"steady": "k1", "growth": "k1", "free": "k2", "one": "k3", "two": "k3"}
MODELS = {"steady": "calm", "one": "calm"}
PLAN_YEN, DRAWN_FROM = 100_000, Date(2026, 9, 15)
ORDERS = """\
contract_id,valid_from_date,order_kind,sleeve_ids,drawings_kind
k1,2026-08-03,listed,steady,order
k1,2026-12-11,listed,steady,own
k1,2027-01-13,least_tax,,order
k1,2027-03-12,above_target,growth,order
k3,2026-08-03,proportional,,order
"""
EVENTS = """\
w1,2026-10-05,withdrawal,,k1,,,300000
w2,2026-11-04,withdrawal,,,,c1,2000000
w3,2026-11-10,withdrawal,,,a1,,150000
w4,2026-11-11,withdrawal,,k1,,,99000000
w5,2026-11-12,withdrawal,,,,c1,99000000
w6,2026-12-01,withdrawal,growth,,,,50000
w7,2026-12-01,withdrawal,,k1,,,400000
"""


def navs() -> str:
    """Shares that wander and a bond that creeps."""
    chance, prices, lines = random.Random(5), {"eq": 10_000, "bond": 10_000}, ["date,fund_code,nav_yen"]
    for day in business_days(FIRST, LAST):
        lines += [f"{day},{fund},{price}" for fund, price in prices.items()]
        prices["eq"] = prices["eq"] * (10_000 + chance.randint(-90, 95)) // 10_000
        prices["bond"] = prices["bond"] * (10_000 + chance.randint(-12, 15)) // 10_000
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Customer c1 with a specific and a NISA account, customer c2 with one contract of two sleeves."""
    contracts = {"k1": ("a1", "c1"), "k2": ("a2", "c1"), "k3": ("a3", "c2")}
    yen = {"steady": 900_000, "growth": 4_000_000, "free": 2_000_000, "one": 2_000_000, "two": 1_000_000}
    events = [f"open-{name},{FIRST},contract_opened,,{name},,,0" for name in contracts]
    for name, contract in SLEEVES.items():
        events += [f"open-{name},{FIRST},sleeve_opened,{name},{contract},,,0", f"pay-{name},{FIRST},deposit,{name},,,,{yen[name]}"]
    lines = {
        "customers": ["customer_id,name", "c1,見本", "c2,見本"],
        "accounts": ["account_id,customer_id,custodian_id,tax_class", "a1,c1,custodian,specific", "a2,c1,custodian,nisa",
                     "a3,c2,custodian,general"],
        "contracts": ["contract_id,account_id,customer_id,program_id",
                      *(f"{name},{account},{customer},wrap" for name, (account, customer) in contracts.items())],
        "sleeves": ["sleeve_id,contract_id,name,model_id",
                    *(f"{name},{of},,{MODELS.get(name, 'growth')}" for name, of in SLEEVES.items())],
        "model_versions": ["model_id,version,effective_date,proposed_by,approved_by",
                           *(f"{name},1,2020-01-01,tanaka,suzuki" for name in ("calm", "growth"))],
        "model_weights": ["model_id,version,instrument_id,child_model_id,weight_ppm", "growth,1,eq,,800000", "growth,1,JPY,,200000",
                          "calm,1,bond,,900000", "calm,1,JPY,,100000"],
        "program_models": ["program_id,model_id,valid_from_date,offered",
                           *(f"wrap,{name},2020-01-01,true" for name in ("calm", "growth"))],
        "instruments": ["instrument_id,name,price_scale,price_base_units,sell_settlement_days", "eq,株式,0,10000,4",
                        "bond,債券,0,10000,2"],
        "models": ["model_id,name,manager_id", "growth,成長,manager", "calm,安定,manager"],
        "plans": ["sleeve_id,kind,valid_from_date,amount_yen,day_of_month", f"growth,drawing,2026-09-01,{PLAN_YEN},15"],
        "drawing_terms": ["sleeve_id,valid_from_date,rule_kind,day_of_month,rate_ppm", "one,2026-09-01,fixed-percentage,20,60000"],
        "goals": ["goal_id,sleeve_id", "g1,growth", "g2,steady"],
        "goal_targets": ["goal_id,valid_from_date,target_yen,target_date", "g1,2026-08-03,3000000,2036-09-01",
                         "g2,2026-08-03,0,2040-09-01"],
        "model_assumptions": ["model_id,valid_from_date,mean_ppm,risk_ppm", "growth,2026-08-03,50000,150000",
                              "calm,2026-08-03,10000,30000"],
        "account_orders": ["customer_id,valid_from_date,tax_classes", "c1,2026-08-03,nisa;specific"],
        "drawing_orders": ORDERS.splitlines(),
        "events": ["event_id,date,kind,sleeve_id,contract_id,account_id,customer_id,amount_yen", *events, *EVENTS.splitlines()],
    }
    shared = {name: FILES[name] for name in ("companies", "programs", "fee_terms", "program_rules", "program_shares")}
    return shared | {name: "\n".join(rows) + "\n" for name, rows in lines.items()} | {"nav": navs()}


def closed(folder, partitions: int, *pauses: Date):
    """Return the house closed to its last day, with pauses after some days, and the result of every close."""
    return closed_with_pauses(folder, files(), LAST, partitions, pauses)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The house in one partition."""
    house, results = closed(tmp_path_factory.mktemp("orders"), 1)
    yield house, results
    house.engine.dispose()


def paid(results) -> list[tuple]:
    """(sleeve, drawn for, kind, yen, first promised, paid, reissued, event) of every payout that was paid."""
    names = ("sleeve_no", "drawn_sleeve_no", "kind_code", "amount_yen", "first_promised_date", "paid_date", "reissue_count",
             "event_no", "status_code")
    every, found = list(SLEEVES), []
    for result in results:
        payouts = result.tables.get("payouts", empty("payouts"))
        for sleeve, drawn, *rest, status in zip(*(payouts[name].tolist() for name in names), strict=True):
            if status == PAID:
                found.append((every[sleeve - 1], every[(drawn or sleeve) - 1], *rest))
    return found


def test_every_drawing_is_paid_once_on_its_day_whoever_pays(run):
    drawn, who = defaultdict(int), defaultdict(set)
    for sleeve, of, kind, yen, promised, on, reissued, _ in paid(run[1]):
        assert on == promised and reissued == 0
        if kind == P_DRAWING:
            drawn[of, promised] += yen
            who[of, promised].add(sleeve)
    mine = sorted(on for of, on in drawn if of == "growth")
    assert len(mine) == 8 and mine[0] == epoch_day(DRAWN_FROM) and {drawn["growth", on] for on in mine} == {PLAN_YEN}
    payers = [who["growth", on] for on in mine]
    assert payers[:2] == [{"steady"}] * 2 and {"growth"} in payers and payers[-1] == {"growth"}
    assert all(who[of, on] == {"one", "two"} for of, on in drawn if of == "one"), "each by what it has"


def test_terms_draw_of_all_that_the_contract_has_and_are_shared_by_it(run):
    every, looked = list(SLEEVES), 0
    for result in run[1]:
        books, payouts = result.books, result.books.payouts
        made = (payouts["kind_code"] == P_DRAWING) & (payouts["requested_date"] == books.day)
        mine = [k for k in range(made.size) if made[k] and every[payouts["sleeve_no"][k] - 1] in ("one", "two")]
        if not mine:
            continue
        there = {}
        for name in ("one", "two"):
            number = every.index(name) + 1
            there[name] = int(books.sleeves["value_yen"][books.row_of_sleeve[number]])
            others = [k for k in range(made.size) if payouts["sleeve_no"][k] == number and k not in mine]
            there[name] -= int(payouts["amount_yen"][others].sum()) if others else 0
            there[name] -= int(books.dues["amount_yen"][books.dues["sleeve_no"] == number].sum())
        asked = sum(there.values()) * 60_000 // 12_000_000
        parts = {every[payouts["sleeve_no"][k] - 1]: int(payouts["amount_yen"][k]) for k in mine}
        most = {name: yen * 900_000 // 1_000_000 for name, yen in there.items()}
        assert sum(parts.values()) == asked
        assert all(abs(parts[name] - asked * most[name] / sum(most.values())) < 1 for name in parts)
        looked += 1
    assert looked == 8


def test_a_withdrawal_of_a_contract_or_customer_is_paid_in_full_or_refused_in_full(run):
    house, results = run
    numbers, of_event = {}, defaultdict(dict)
    tables = gather_house(house, LAST)
    for row in tables["payouts"].filter(tables["payouts"]["kind"] == "withdrawal").iter_rows(named=True):
        assert row["sleeve_id"] not in of_event[row["event_id"]]
        of_event[row["event_id"]][row["sleeve_id"]] = row["amount_yen"]
        numbers[row["event_id"]] = row["requested_date"]
    asked = {line.split(",")[0]: int(line.rsplit(",", 1)[1]) for line in EVENTS.splitlines()}
    assert {event: sum(parts.values()) for event, parts in of_event.items()} == {
        event: yen for event, yen in asked.items() if event not in ("w4", "w5")}
    assert set(of_event["w1"]) == {"steady"}
    assert set(of_event["w2"]) == {"free", "steady"} and of_event["w2"]["free"] > 1_500_000, "the NISA account first, to its limit"
    assert of_event["w7"].keys() == {"steady", "growth"} and numbers["w7"] == Date(2026, 12, 1)
    refused = tables["alerts"].filter(tables["alerts"]["kind"] == "event_refused")
    assert refused["subject_id"].to_list() == ["w4", "w5"] and "all sleeves" in refused["cause"][0]
    drawn = tables["payouts"].filter(tables["payouts"]["drawn_sleeve_id"].is_not_null())
    assert set(drawn["kind"].to_list()) == {"drawing"} and drawn.height > 10
    assert tables["drawing_orders"]["contract_id"].to_list() == ["k1"] * 4 + ["k3"]
    assert tables["account_orders"]["tax_classes"].to_list() == ["nisa;specific"]


def test_a_goal_counts_what_its_own_sleeve_would_pay(run):
    goals = gather_house(run[0], LAST)["goals"]
    first = goals.filter(goals["date"] == Date(2026, 9, 1)).sort("goal_id")
    assert first["monthly_yen"].to_list() == [0, -PLAN_YEN], "the steady sleeve pays"
    last = goals.filter(goals["date"] == Date(2026, 12, 14)).sort("goal_id")
    assert last["monthly_yen"].to_list() == [-PLAN_YEN, 0], "each its own"
    assert first["asset_life_months"][0] is None and 0 < first["asset_life_months"][1] < 12
    assert last["asset_life_months"][0] > 12 and last["asset_life_months"][1] is None


def test_a_drawing_is_explained_by_its_plan_its_terms_or_the_sleeve_that_it_is_of(run):
    house, _ = run
    told = {}
    days = {"steady": Date(2026, 9, 15), "growth": Date(2027, 3, 15), "one": Date(2026, 9, 24), "two": Date(2026, 9, 24)}
    for name, day in days.items():
        (line,) = [line for line in explain(house, name, day).lines if line.what.endswith("drawing")]
        assert line.yen < 0 and explain(house, name, day).difference_yen == 0
        told[name] = line.how
    by_terms = "条件による（定率） by its terms: fixed-percentage"
    assert told["growth"] == "計画による by the plan" and told["one"] == by_terms
    assert "運用口 growth の取り崩しを契約の順序で払う" in told["steady"] and "by the plan" in told["steady"]
    assert "運用口 one の取り崩しを" in told["two"] and by_terms in told["two"]


def test_partitions_pauses_and_replays_give_the_same_days(run, tmp_path):
    house, results = run
    other, again = closed(tmp_path, 3, Date(2026, 10, 9), Date(2027, 1, 13))
    assert [row[:3] for row in chain(other)] == [row[:3] for row in chain(house)] and len(again) == len(results)
    other.engine.dispose()
    chosen = list(business_days(Date(2026, 11, 2), Date(2026, 11, 13))) + list(business_days(Date(2027, 1, 6), Date(2027, 1, 18)))
    assert replay(house, chosen, partitions=(1, 3)).differences == []


def test_the_house_keeps_every_promise_when_it_is_verified_and_audited(run, tmp_path):
    passes(run[0])
    export_house(run[0], LAST, tmp_path)
    assert not audit(tmp_path).differences
