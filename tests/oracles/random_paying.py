"""Random houses in which contracts and customers pay by an order and sleeves pass on their surplus, on top of `random_choices`.

Drawing orders of every kind that change, account orders, goals, rules of surplus in chains; withdrawals that name a contract, an
account or a customer, often on the day on which something else happens. The houses of `random_house` and `random_choices` stay as
they are: these are a family of their own.
"""

import random
from datetime import date, timedelta

from tests.oracles.random_choices import business_days, random_choices_house
from tests.oracles.random_market import ONE_DAY, RECORDED

ORDERS = ("proportional", "listed", "listed", "above_target", "above_target", "least_tax")
TAX_CLASSES = ("specific", "general", "nisa")
BUSY = ("terminated", "sleeve_closed", "deposit", "withdrawal", "transfer")


def random_paying_house(rng: random.Random) -> dict:
    """-> {tables, first, through, bank_failures}"""
    case = random_choices_house(rng)
    tables, days = case["tables"], business_days(case)
    money = deposits(tables)
    join_customers(rng, tables)
    for row in tables["program_rules"]:
        row["lot_rounding"] = rng.choice(["down", "down", "down", "nearest"])
    make_more_plans(rng, tables, days, money)
    make_goals(rng, tables, days, money)
    make_orders(rng, tables, days)
    make_surplus(rng, tables, days, money)
    make_withdrawals(rng, tables, days, money)
    return case


def join_customers(rng: random.Random, tables: dict) -> None:
    """More customers have several accounts, of other tax classes."""
    for before, account in zip(tables["accounts"][:-1], tables["accounts"][1:], strict=True):
        if rng.random() < 0.4:
            account["customer_no"] = before["customer_no"]
            account["tax_class"] = rng.choice(TAX_CLASSES)
    owner = {row["account_no"]: row["customer_no"] for row in tables["accounts"]}
    for contract in tables["contracts"]:
        contract["customer_no"] = owner[contract["account_no"]]


def deposits(tables: dict) -> dict[int, int]:
    """{sleeve: its first deposit}"""
    found: dict[int, int] = {}
    for event in tables["events"]:
        if event["kind"] == "deposit" and event["amount_yen"] > 0:
            found.setdefault(event["sleeve_no"], event["amount_yen"])
    return found


def some_days(rng: random.Random, days: list[date], most: int) -> list[date]:
    """Days from which a row is in force, the first often long before the first close."""
    first = [days[0] - 30 * ONE_DAY] if rng.random() < 0.7 else []
    return sorted({*first, *(rng.choice(days) for _ in range(rng.randint(0, most)))})


def make_more_plans(rng: random.Random, tables: dict, days: list[date], money: dict[int, int]) -> None:
    """More sleeves save and draw; drawings that are more than one sleeve can pay, some of them changed later."""
    known = {(row["sleeve_no"], row["kind"]) for row in tables["plans"]}
    for sleeve in tables["sleeves"]:
        number = sleeve["sleeve_no"]
        for kind, chance in (("instalment", 0.4), ("drawing", 0.4)):
            if (number, kind) in known or rng.random() > chance:
                continue
            named, since = rng.choice([1, 5, 10, 15, 26, 31]), days[0].replace(day=1)
            for begin in [since] + [rng.choice(days)] * (rng.random() < 0.4):
                amount = rng.choice([6_000, 20_000, 50_000])
                if kind == "drawing" and rng.random() < 0.5:
                    amount = money.get(number, 100_000) * rng.choice([30, 70, 150]) // 100
                row = {"sleeve_no": number, "kind": kind, "valid_from_date": begin, "amount_yen": amount, "day_of_month": named}
                if begin == since or begin > since:
                    tables["plans"].append(row)
    unique = {(row["sleeve_no"], row["kind"], row["valid_from_date"]): row for row in tables["plans"]}
    tables["plans"] = list(unique.values())


def make_goals(rng: random.Random, tables: dict, days: list[date], money: dict[int, int]) -> None:
    """Most sleeves have a goal; targets near what is there, of either kind, some that end, some of 0 yen or that change; models
    without risk, with some, or without assumptions; gates of some programs.
    """
    for name in ("goals", "goal_targets", "model_assumptions", "goal_gates"):
        tables[name] = []
    for sleeve in tables["sleeves"]:
        if rng.random() < 0.2:
            continue
        number = len(tables["goals"]) + 1
        tables["goals"].append({"goal_no": number, "goal_id": f"G{number}", "sleeve_no": sleeve["sleeve_no"], "name": "",
                                "priority": 1})
        for since in some_days(rng, days, 2):
            near = money.get(sleeve["sleeve_no"], 500_000) * rng.choice([20, 60, 90, 100, 110, 160]) // 100
            ends = rng.choice(days[5:]) if rng.random() < 0.3 else days[-1] + timedelta(days=rng.randint(1, 600))
            tables["goal_targets"].append({
                "goal_no": number, "valid_from_date": since, "target_yen": rng.choice([near, near, near, 0]),
                "target_kind": rng.choice(["nominal", "real"]), "target_date": max(ends, since + ONE_DAY),
                "inflation_ppm": rng.choice([0, 20_000]), "want_ppm": 800_000, "floor_yen": 0, "source": "",
                "recorded_at": RECORDED})
    for model in tables["models"]:
        for since in some_days(rng, days, 1):
            tables["model_assumptions"].append({
                "model_no": model["model_no"], "valid_from_date": since, "mean_ppm": rng.choice([0, 30_000, 60_000]),
                "risk_ppm": rng.choice([0, 0, 50_000, 150_000]), "source": "", "recorded_at": RECORDED})
    for program in tables["programs"]:
        for since in some_days(rng, days, 1) if rng.random() < 0.5 else []:
            tables["goal_gates"].append({
                "program_no": program["program_no"], "valid_from_date": since, "contract_ppm": 800_000, "right_low_ppm": 600_000,
                "right_high_ppm": rng.choice([700_000, 900_000]), "alert_ppm": 400_000,
                "hysteresis_ppm": rng.choice([0, 30_000, 100_000]), "source": "", "recorded_at": RECORDED})


def make_orders(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Of most contracts one to three orders of every kind, of their drawings too; of most customers the order of their accounts."""
    tables["drawing_orders"], tables["account_orders"] = [], []
    for contract in tables["contracts"]:
        names = [row["sleeve_id"] for row in tables["sleeves"] if row["contract_no"] == contract["contract_no"]]
        for since in some_days(rng, days, 2):
            kind = rng.choice(ORDERS)
            least = {"listed": 1, "above_target": 0}.get(kind)
            named = [] if least is None else rng.sample(names, rng.randint(least, len(names)))
            tables["drawing_orders"].append({
                "contract_no": contract["contract_no"], "valid_from_date": since, "order_kind": kind, "sleeve_ids": ";".join(named),
                "drawings_kind": rng.choice(["own", "order", "order"]), "source": "", "recorded_at": RECORDED})
    for customer in sorted({row["customer_no"] for row in tables["accounts"]}):
        for since in some_days(rng, days, 1):
            classes = rng.sample(TAX_CLASSES, rng.randint(0, 3))
            tables["account_orders"].append({"customer_no": customer, "valid_from_date": since, "tax_classes": ";".join(classes),
                                             "source": "", "recorded_at": RECORDED})


def make_surplus(rng: random.Random, tables: dict, days: list[date], money: dict[int, int]) -> None:
    """Rules of most sleeves of an account with others: chains, a few circles, levels near what is there, ends; a few lead to
    another account.
    """
    tables["surplus_rules"] = []
    account_of = {row["contract_no"]: row["account_no"] for row in tables["contracts"]}
    accounts = {row["sleeve_no"]: account_of[row["contract_no"]] for row in tables["sleeves"]}
    for number, account in accounts.items():
        others = [other for other in accounts if other != number and accounts[other] == account]
        if not others or rng.random() < 0.3:
            continue
        after = [other for other in others if other > number] or others
        for since in some_days(rng, days, 2):
            by_target = rng.random() < 0.4
            level = money.get(number, 500_000) * rng.choice([1, 30, 60, 80, 95, 100, 120]) // 100
            to = rng.choice([after[0], after[0], rng.choice(others), rng.choice(others), 0])
            tables["surplus_rules"].append({
                "sleeve_no": number, "valid_from_date": since, "level_kind": "target" if by_target else "yen",
                "level_yen": 0 if by_target else level, "to_sleeve_no": rng.choice(list(accounts)) if rng.random() < 0.03 else to,
                "surplus_kind": rng.choice(["instalments", "excess", "both", "both"]),
                "minimum_yen": rng.choice([1, 10_000, 10_000, 50_000]), "source": "", "recorded_at": RECORDED})
    tables["surplus_rules"] = [row for row in tables["surplus_rules"] if row["to_sleeve_no"] != row["sleeve_no"]]
    for row in tables["program_rules"]:
        row["minimum_instalment_yen"] = rng.choice([5_000, 5_000, 15_000, 40_000])


# --------------------------------------------------------------------------------------------------------------- events
def make_withdrawals(rng: random.Random, tables: dict, days: list[date], money: dict[int, int]) -> None:
    """Withdrawals that name no sleeve, from one yen to far too much, often on a busy day, in any place among its events."""
    for event in tables["events"]:
        event |= {"account_no": 0, "customer_no": 0}
    blank = {**tables["events"][0], "contract_no": 0, "sleeve_no": 0}
    found = [(event["date"], event["event_no"], event) for event in tables["events"]]
    contract_of = {row["sleeve_no"]: row["contract_no"] for row in tables["sleeves"]}
    firsts = [day for before, day in zip(days[11:-1], days[12:], strict=True) if before.month != day.month]
    for contract in tables["contracts"]:
        sleeves = [number for number, of in contract_of.items() if of == contract["contract_no"]]
        busy = [event["date"] for event in tables["events"] if event["kind"] in BUSY
                and (event["sleeve_no"] in sleeves or event["contract_no"] == contract["contract_no"])]
        for _ in range(rng.choice([0, 1, 2, 4])):
            on = rng.choice(rng.choice([of for of in (busy, busy, firsts, days[12:]) if of]))
            whole = sum(money.get(number, 0) for number in sleeves)
            name = rng.choice(["contract_no", "contract_no", "account_no", "customer_no", "customer_no"])
            asked = [{name: contract[name], "amount_yen": amount(rng, whole)}]
            if rng.random() < 0.3:
                asked.append({**asked[0], "amount_yen": amount(rng, whole)})
            if rng.random() < 0.3:
                yen, kind = rng.choice([9_000, 40_000, whole // 5]), rng.choice(["deposit", "withdrawal"])
                asked.append({"kind": kind, "sleeve_no": rng.choice(sleeves), "amount_yen": yen})
            if rng.random() < 0.15:
                asked.insert(0, {"kind": "sleeve_closed", "sleeve_no": rng.choice(sleeves)})
            for one in asked:
                place = rng.choice([event["event_no"] for event in tables["events"] if event["date"] == on] or [0])
                event = {**blank, "date": on, "kind": "withdrawal", "amount_yen": 0, "note": "", **one}
                found.append((on, place + rng.choice([-0.5, 0.5]), event))
    found.sort(key=lambda row: row[:2])
    tables["events"] = [{**event, "event_no": no, "event_id": f"E{no}"} for no, (_, _, event) in enumerate(found, start=1)]


def amount(rng: random.Random, whole: int) -> int:
    """From one yen to more than there is."""
    return max(1, whole * rng.choice([0, 1, 5, 10, 25, 25, 50, 70, 85, 500]) // 100) + rng.randint(0, 99)
