"""The slow close's orders of paying and its surplus: as in the tables of docs/rules, and what its random houses reach."""

import random
import re
from collections import Counter
from datetime import date

import pytest

from tests.cases.fees import parts, whole
from tests.oracles.day_oracle import House, drawings, paying, simulate, surplus, withdrawals
from tests.oracles.day_oracle.promises import open_payout
from tests.oracles.day_oracle.state import Payout
from tests.oracles.random_paying import random_paying_house
from tests.oracles.test_day_oracle_choices import rows_of

EARLY, TODAY, EVE, DUE = date(2026, 1, 5), date(2026, 12, 2), date(2026, 12, 4), date(2026, 12, 7)
CONTRACTS = {1: (1, 2), 2: (3,), 3: (4,), 4: (5,)}
TOGETHER = {1: (1, 2, 3), 2: (4,)}
REASONS = {"期日": surplus.TARGET_DATE, "水準なし": surplus.NO_LEVEL, "循環": surplus.CIRCLE, "閉鎖": surplus.CLOSED,
           "最低積立": surplus.SMALL}


def house_of(contracts: dict[int, tuple[int, ...]], accounts: dict[int, int], there: str, **tables) -> House:
    """A house of sleeves that are worth what a cell says, each in an instrument of its own, at 1 yen a unit."""
    numbers = [number for of in contracts.values() for number in of]
    fund = {"price_scale": 0, "price_base_units": 1, "currency": "JPY", "levy_ppm": 0, "calendar_ids": ""}
    house = House({
        "instruments": [fund | {"instrument_no": number} for number in numbers],
        "contracts": [{"contract_no": no, "account_no": accounts[no], "customer_no": 1, "program_no": 1} for no in contracts],
        "sleeves": [{"sleeve_no": number, "sleeve_id": f"S{number}", "contract_no": no, "model_no": 1}
                    for no, of in contracts.items() for number in of],
        "accounts": [{"account_no": no, "customer_no": 1, "tax_class": ("", "specific", "nisa")[no]}
                     for no in sorted(set(accounts.values()))],
        "program_rules": [{"program_no": 1, "valid_from_date": EARLY, "withdrawal_limit_ppm": 900_000,
                           "minimum_instalment_yen": 10_000}],
        "model_versions": [], "model_weights": [], "events": [], **tables})
    for part in parts(there):
        number, yen, *closing = part.split()
        sleeve = house.sleeves[int(number)]
        sleeve.opened_date, sleeve.value = EARLY, whole(yen.replace("−", "-"))
        sleeve.closing = Payout("closing", sleeve.number, 0, EARLY, DUE, DUE) if closing else None
    return house


def order_rows(cell: str, contract_no: int = 1) -> list[dict]:
    """`listed 3;2 order` as a row of drawing_orders."""
    kind, *more = cell.split()
    names = ";".join(f"S{number}" for number in (more[0] if more and more[0][0].isdigit() else "").split(";") if number)
    return [{"contract_no": contract_no, "valid_from_date": EARLY, "order_kind": kind, "sleeve_ids": names,
             "drawings_kind": more[-1] if more and more[-1] in ("own", "order") else "own"}]


def paid(cell: str) -> dict[int, int]:
    """`1 50,000、2 450,000`"""
    return {int(part.split()[0]): whole(part.split()[1]) for part in parts(cell)}


# ---- the tables


@pytest.mark.parametrize("row", rows_of("drawing-order", "drawing-order"))
def test_a_contract_pays_as_the_table_says(row):
    house = house_of({1: (1, 2, 3)}, {1: 1}, row["残高"], drawing_orders=order_rows(row["順序"]))
    house.goal_rows = {int(one): (whole(target), status) for one, target, status in (part.split() for part in parts(row["目標"]))}
    for number, cost in paid(row["取得費"]).items():
        house.quotes[number].price, house.quotes[number].fx = 1, 1_000_000
        house.sleeves[number].units[number] = house.account_units[1, number] = house.sleeves[number].value
        house.account_cost[1, number] = cost
    payers = [paying.payer(house, sleeve, sleeve.value, TODAY) for sleeve in house.open_sleeves()]
    assert paying.shared(house, payers, whole(row["額"]), TODAY) == paid(row["払う額"])


EARLIER = {"払出し": "withdrawal", "入金": "deposit", "終了": "sleeve_closed", "解約": "terminated"}
NAMED = {"契約": "contract_no", "口座": "account_no", "顧客": "customer_no"}


@pytest.mark.parametrize("row", rows_of("drawing-order", "withdrawal-shares"))
def test_a_withdrawal_that_names_no_sleeve_is_shared_as_the_table_says(row):
    orders = [one for part in parts(row["契約の順序"]) for one in order_rows(part.partition(" ")[2], int(part.split()[0]))]
    house = house_of(CONTRACTS, {1: 1, 2: 1, 3: 2, 4: 2}, row["残高"], drawing_orders=orders, account_orders=[
        {"customer_no": 1, "valid_from_date": EARLY, "tax_classes": row["口座の順序"]}] if row["口座の順序"] else [])
    blank = {"date": TODAY, "contract_no": 0, "account_no": 0, "customer_no": 0, "sleeve_no": 0, "amount_yen": 0}
    for number, part in enumerate(parts(row["先の指図"]), start=1):
        kind, *more = part.split()
        said = {"contract_no": 1} if kind == "解約" else {"sleeve_no": int(more[0]), "amount_yen": whole((more[1:] or ["0"])[0])}
        house.tables["events"].append(blank | said | {"event_no": number, "kind": EARLIER[kind]})
    name, number = row["あて先"].split()
    house.tables["events"].append(blank | {NAMED[name]: int(number), "amount_yen": whole(row["額"]), "event_no": 9,
                                           "kind": "withdrawal"})
    mine = [event for event in withdrawals.events_of(house, [], TODAY) if event["event_no"] == 9]
    assert {event["sleeve_no"]: event["amount_yen"] for event in mine} == (
        {0: whole(row["額"])} if row["払う額"] == "不受理" else paid(row["払う額"]))


def drawing_tables(cell: str) -> dict:
    """`1 計画 100,000`, `1 定率 120,000`, `1 定額 140,000`"""
    tables: dict = {"plans": [], "drawing_terms": []}
    for number, kind, yen in (part.split() for part in parts(cell)):
        row = {"sleeve_no": int(number), "valid_from_date": date(2026, 11, 20), "day_of_month": DUE.day, "until_date": None,
               "kind": "drawing", "amount_yen": whole(yen), "rate_ppm": whole(yen),
               "rule_kind": "fixed-amount" if kind == "定額" else "fixed-percentage"}
        tables["plans" if kind == "計画" else "drawing_terms"].append(row)
    return tables


@pytest.mark.parametrize("row", rows_of("drawing-order", "drawn-together"))
def test_a_contract_draws_as_the_table_says(row):
    house = house_of({1: (1, 2)}, {1: 1}, row["残高"], drawing_orders=order_rows(row["順序"]), **drawing_tables(row["取り崩し"]))
    drawings.drawings(house, EVE)
    wanted = [re.fullmatch(r"(\d+) ([\d,]+)(?:（(\d+)）)?", part).groups() for part in parts(row["払出し"])]
    assert [(one.sleeve_no, one.amount, one.drawn_no, one.promised_date) for one in house.payouts] == [
        (int(number), whole(yen), int(drawn or 0), DUE) for number, yen, drawn in wanted]
    assert [kind for kind, _ in house.today.alerts] == ([row["警告"]] if row["警告"] else [])


def surplus_tables(row: dict) -> dict:
    """`1→2 1,000,000 both` and `1 1,000,000 2030-03-31`"""
    rules = []
    for one, to, level, kind in (re.fullmatch(r"(\d+)→(\d+) (\S+) (\S+)", part).groups() for part in parts(row["ルール"])):
        rules.append({"sleeve_no": int(one), "valid_from_date": EARLY, "level_kind": "target" if level == "目標" else "yen",
                      "level_yen": 0 if level == "目標" else whole(level), "to_sleeve_no": int(to), "surplus_kind": kind,
                      "minimum_yen": 50_000})
    aims = [part.split() for part in parts(row["目標"])]
    return {
        "surplus_rules": rules, "goals": [{"goal_no": int(one), "sleeve_no": int(one)} for one, *_ in aims],
        "goal_targets": [{"goal_no": int(one), "valid_from_date": EARLY, "target_yen": whole(yen),
                          "target_date": date.fromisoformat(until)} for one, yen, until in aims]}


@pytest.mark.parametrize("row", rows_of("surplus", "surplus"))
def test_surplus_goes_where_the_table_says(row):
    day = date.fromisoformat(row["日"])
    house = house_of(TOGETHER, {1: 1, 2: 2}, row["残高"], **surplus_tables(row))
    for number, yen in paid(row["予定"]).items():
        open_payout(house, house.sleeves[number], Payout("withdrawal", number, yen, EARLY, DUE, DUE))
    moves = surplus.judge(house, day)
    assert [f"{move['sleeve_no']}→{move['target_sleeve_no']} {move['amount_yen']:,}" for move in moves] == parts(row["振替"])
    for number, reason in house.excess_stays:
        surplus.stays(house, number, reason)
    into = [f"{surplus.comes_into(house, house.sleeves[int(number)], whole(yen), day).number} {yen}"
            for number, yen in (part.split() for part in parts(row["積立"]))]
    assert into == parts(row["積立の入る運用口"])
    wanted = [(int(part.split()[0]), REASONS[part.split()[1]]) for part in parts(row["残る理由"])]
    assert [(number, reason) for number, (reason, _since) in sorted(house.stays.items())] == sorted(wanted)
    assert len(house.today.alerts) == len(wanted)


# ---- what the random houses reach


def count(case: dict, house: House, found: Counter) -> None:
    """What happens in a house, by the names that the test asks for."""
    contract_of = {number: sleeve.contract_no for number, sleeve in house.sleeves.items()}
    classes = {row["account_no"]: row["tax_class"] for row in case["tables"]["accounts"]}
    paid_by: dict[int, list[Payout]] = {}
    for one in house.payouts:
        paid_by.setdefault(one.event_no, []).append(one)
        kind = paying.order_of(house, contract_of[one.sleeve_no], one.requested_date)["order_kind"]
        found["drawn", kind] += one.drawn_no > 0
        found["surplus", "kept" if one.paid_date and not one.paid_yen else "paid" if one.paid_date else "open"] += one.event_no < 0
    refused = {number for _day, kind, number in house.alerts if kind == "event_refused"}
    for event in case["tables"]["events"]:
        if event["kind"] == "withdrawal" and not event["sleeve_no"]:
            sleeves = [one.sleeve_no for one in paid_by.get(event["event_no"], [])]
            contracts = {contract_of[number] for number in sleeves}
            name = next(name for name in ("contract_no", "account_no", "customer_no") if event[name])
            found[name, "refused" if event["event_no"] in refused else "paid"] += 1
            found["contracts", min(len(contracts), 3)] += 1
            found["classes", len({classes[house.contracts[number].account_no] for number in contracts})] += 1
            for number in contracts:
                kind = paying.order_of(house, number, event["date"])["order_kind"]
                found["shared", kind] += sum(contract_of[one] == number for one in sleeves) > 1
    for day, record in house.days.items():
        found["passed"] += len(record.passed)
        found["passed", "far"] += sum(end != surplus.rule_of(house, own, day)["to_sleeve_no"] for own, end, _yen in record.passed)
        found.update(("stays", reason) for reason in record.stays.values())
        found.update(("goal", status) for _target, _monthly, status in record.goals.values())


@pytest.mark.fuzz
def test_random_houses_pay_in_every_way():
    """Every order shares withdrawals and drawings; contracts and accounts pay in turn; surplus goes far, stays, and is kept."""
    found: Counter = Counter()
    for seed in range(5000, 5012):
        case = random_paying_house(random.Random(seed))
        count(case, simulate(**case), found)
    names = ["passed", ("passed", "far"), ("surplus", "kept"), ("surplus", "paid")]
    names += [("contracts", 2), ("contracts", 3), ("classes", 2)]
    names += [(name, how) for name in ("contract_no", "account_no", "customer_no") for how in ("paid", "refused")]
    names += [(name, kind) for name in ("shared", "drawn") for kind in ("proportional", "listed", "above_target", "least_tax")]
    names += [("stays", reason) for reason in REASONS.values()]
    names += [("goal", status) for status in ("above", "right", "below", "alert", "none")]
    assert [name for name in names if not found[name]] == []
