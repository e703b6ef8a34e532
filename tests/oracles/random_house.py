"""Random small houses for the close: reference data, markets, rules, customers and events of every kind, as rows of the tables.

`random_house(rng)` gives `tables`, `first`, `through` and `bank_failures`: what `day_oracle.simulate` takes. No debit fails
unless it is asked for. All values are in valid ranges and most instructions can be carried out; some events are bad on
purpose, and some prices are wrong or late (`random_market`).
"""

import random
from datetime import date

from tests.oracles.fees_oracle import contract_end, is_business_day
from tests.oracles.random_fees import PaperFailures, make_adjustments, make_switches, make_terms
from tests.oracles.random_market import MILLION, ONE_DAY, RECORDED, make_instruments, make_market


def random_house(rng: random.Random, *, failing_bank: bool = False) -> dict:
    """-> {tables, first, through, bank_failures}"""
    days = window(rng)
    tables = {"companies": [{"company_no": no, "company_id": f"C{no}", "name": f"会社{no}", "name_en": f"Company {no}"}
                            for no in range(1, 6)]}
    make_instruments(rng, tables, days)
    crash = make_market(rng, tables, days)
    make_models(rng, tables, days)
    make_terms(rng, tables, days)
    make_programs(rng, tables, days)
    make_customers(rng, tables, rng.randint(3, 5) if len(days) > 200 else rng.randint(8, 12))
    make_plans(rng, tables, days)
    make_events(rng, tables, days, crash)
    make_switches(rng, tables)
    failures = PaperFailures(rng.choice([100_000, 300_000]) if failing_bank else 0, rng.randint(0, 9))
    make_adjustments(rng, tables, days)
    make_saving(rng, tables, days)
    return {"tables": tables, "first": days[0], "through": days[-1], "bank_failures": failures}


def window(rng: random.Random) -> list[date]:
    """40 to 160 business days over New Year and Golden Week, or over one of them, or more than a year; a quarter end is always
    inside.
    """
    year = rng.randint(2019, 2026)
    kind = rng.choice(["long", "long", "new year", "golden week", "years"])
    if kind == "years":
        day, count = date(year - 1, 12, 1) + rng.randint(0, 330) * ONE_DAY, rng.randint(275, 310)
    elif kind == "golden week":
        day, count = date(year, 3, 1) + rng.randint(0, 25) * ONE_DAY, rng.randint(45, 80)
    else:
        day = date(year, 11, 20) + rng.randint(0, 24) * ONE_DAY
        count = rng.randint(125, 160) if kind == "long" else rng.randint(40, 70)
    days = []
    while len(days) < count:
        if is_business_day(day):
            days.append(day)
        day += ONE_DAY
    return days


# --------------------------------------------------------------------------------------------------------------- models
def make_models(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Models with versions, some not approved; the last ones are a model of models and a model of that."""
    count = rng.randint(2, 4)
    tables["models"] = [{"model_no": no, "model_id": f"M{no}", "name": f"モデル{no}", "name_en": f"Model {no}", "manager_no": 2}
                        for no in range(1, count + 3)]
    tables["model_versions"], tables["model_weights"] = [], []
    for no in range(1, count + 3):
        changes = sorted({rng.choice(days[8:]) - rng.randint(0, 2) * ONE_DAY for _ in range(rng.choice([0, 0, 1, 2]))})
        for version, since in enumerate([days[0] - 30 * ONE_DAY, *changes], start=1):
            approved = "" if version > 1 and rng.random() < 0.15 else "b"
            tables["model_versions"].append({
                "model_no": no, "version": version, "effective_date": since, "proposed_by": "a", "approved_by": approved,
                "note": "", "content_hash": "", "recorded_at": RECORDED})
            names = [row["instrument_no"] for row in tables["instruments"]]
            names = list(range(1, count + 1)) if no == count + 1 else [1, count + 1] if no > count else names
            picked = rng.sample(names, min(len(names), rng.randint(2, 5) if no <= count else 2))
            lines = [(name, weight) for name, weight in zip([0, *picked], parts(rng, len(picked)), strict=True) if weight]
            for line, (name, weight) in enumerate(lines, start=1):
                child = no > count and name > 0
                tables["model_weights"].append({
                    "model_no": no, "version": version, "line": line, "instrument_no": None if child else name,
                    "child_model_no": name if child else None, "weight_ppm": weight})


def parts(rng: random.Random, count: int) -> list[int]:
    """Cash first, then `count` weights in ppm; the sum is 1,000,000. Some are odd, so that their products are no whole ppm."""
    cash = rng.choice([0, 0, 20_000, 50_000, 100_000, 200_000])
    odd = rng.choice([0, 0, 1, 3_333])
    cuts = sorted(rng.sample(range(1, (MILLION - cash) // 50_000), count - 1))
    edges = [0, *(cut * 50_000 + odd for cut in cuts), MILLION - cash]
    return [cash] + [high - low for low, high in zip(edges[:-1], edges[1:], strict=True)]


# ------------------------------------------------------------------------------------------------------------- programs
def make_programs(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Programs with dated rules, models on offer, functions and shares; later rules may name other fee terms."""
    terms = sorted({row["fee_terms_id"] for row in tables["fee_terms"]})
    for name in ("programs", "program_rules", "program_models", "program_functions", "program_shares"):
        tables[name] = []
    early = days[0] - 60 * ONE_DAY
    for no in range(1, rng.randint(1, 3) + 1):
        tables["programs"].append({"program_no": no, "program_id": f"P{no}", "name": f"コース{no}", "name_en": f"Program {no}"})
        rules = {
            "program_no": no, "valid_from_date": early, "band_absolute_ppm": rng.choice([30_000, 50_000, 100_000]),
            "band_relative_ppm": rng.choice([0, 200_000, 400_000]), "cooldown_days": rng.choice([5, 20, 40]),
            "rebalance_months": rng.choice(["", "1;4;7;10", "3;5;12"]), "minimum_trade_yen": rng.choice([1, 1_000, 10_000, 20_000]),
            "minimum_deposit_yen": 10_000, "minimum_instalment_yen": 5_000, "withdrawal_limit_ppm": rng.choice([800_000, 900_000]),
            "sale_margin_ppm": rng.choice([20_000, 50_000, 80_000]), "collection_days": rng.randint(1, 5),
            "fee_terms_id": rng.choice(terms), "performance_scope": rng.choice(["contract", "sleeve"]),
            "collection_kind": rng.choice(["cash", "cash", "deposit"]),
            "remainder_company_no": 1, "source": "", "approved_by": "", "recorded_at": RECORDED}
        tables["program_rules"].append(rules)
        if rng.random() < 0.5:
            name = rng.choice([rules["fee_terms_id"], rng.choice(terms)])
            tables["program_rules"].append({**rules, "valid_from_date": rng.choice(days[5:]), "band_absolute_ppm": 40_000,
                                            "cooldown_days": 10, "collection_days": 2, "remainder_company_no": 2,
                                            "fee_terms_id": name})
        for model in tables["models"]:
            row = {"program_no": no, "model_no": model["model_no"], "valid_from_date": early, "offered": True}
            tables["program_models"].append(row)
            if rng.random() < 0.2:
                tables["program_models"].append({**row, "valid_from_date": rng.choice(days[20:]), "offered": False})
        for function, company in (("A", 1), ("B", 4), ("C", 3), ("D", 2)):
            row = {"program_no": no, "function": function, "valid_from_date": early, "company_no": company}
            tables["program_functions"].append(row)
        for since in [early] + ([rng.choice(days)] if rng.random() < 0.4 else []):
            tables["program_shares"] += [
                {"program_no": no, "valid_from_date": since, "company_no": company, "share_ppm": rng.randint(100_000, 333_333)}
                for company in (2, 3)]


# ------------------------------------------------------------------------------------------------------------ customers
def make_customers(rng: random.Random, tables: dict, count: int) -> None:
    """Accounts; several contracts of an account, several sleeves of a contract."""
    for name in ("customers", "accounts", "contracts", "contract_parties", "sleeves"):
        tables[name] = []
    for no in range(1, count + 1):
        customer = max(1, no - rng.choice([0, 0, 1]))
        tables["customers"].append({"customer_no": no, "customer_id": f"K{no}", "name": f"顧客{no}", "kana": "", "birth_date": None,
                                    "note": ""})
        tables["accounts"].append({"account_no": no, "account_id": f"A{no}", "customer_no": customer,
                                   "custodian_no": rng.choice([4, 5]), "tax_class": "specific"})
        for _ in range(rng.choice([1, 1, 2])):
            contract = len(tables["contracts"]) + 1
            tables["contracts"].append({"contract_no": contract, "contract_id": f"T{contract}", "account_no": no,
                                        "customer_no": customer, "program_no": rng.choice(tables["programs"])["program_no"]})
            tables["contract_parties"].append({"contract_no": contract, "function": "A", "company_no": 1})
            for _ in range(rng.choice([1, 2, 2, 3])):
                sleeve = len(tables["sleeves"]) + 1
                tables["sleeves"].append({"sleeve_no": sleeve, "sleeve_id": f"S{sleeve}", "contract_no": contract,
                                          "name": f"運用口{sleeve}", "model_no": rng.choice(tables["models"])["model_no"]})


def make_plans(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Instalments and drawings, some changed or stopped on the first of a month."""
    tables["plans"] = []
    months = sorted({day.replace(day=1) for day in days})
    for sleeve in tables["sleeves"]:
        for kind, chance in (("instalment", 0.45), ("drawing", 0.3)):
            if rng.random() > chance:
                continue
            named = rng.choice([26, 26, 5, 10, 31, 28, 30])
            begin = rng.choice(months[: max(1, len(months) - 2)])
            amount = rng.choice([5_000, 10_000, 30_000, 50_000])
            row = {"sleeve_no": sleeve["sleeve_no"], "kind": kind, "valid_from_date": begin, "amount_yen": amount,
                   "day_of_month": named}
            tables["plans"].append(row)
            if rng.random() < 0.3 and begin < months[-1]:
                later = rng.choice([month for month in months if month > begin])
                tables["plans"].append({**row, "valid_from_date": later, "amount_yen": rng.choice([0, 20_000, 1_000_000])})


def make_saving(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Plans of several days a month, with bonuses; retries of failed debits; instalments that are skipped."""
    several = ["5;20", "10;26", "30;31", "5;10;26", "20;5", "28"]
    chosen = {(row["sleeve_no"], row["kind"]): rng.choice(several) for row in tables["plans"] if rng.random() < 0.4}
    for row in tables["plans"]:
        if named := chosen.get((row["sleeve_no"], row["kind"])):
            row["days_of_month"] = named
        if rng.random() < 0.4:
            row["bonus_months"], row["bonus_yen"] = rng.choice(["6;12", "1;2;3", "4", "12"]), rng.choice([7_000, 40_000])
    for row in tables["program_rules"]:
        if rng.random() < 0.7:
            row["retry_days"], row["retry_count"] = rng.choice([1, 3, 4, 8, 15]), rng.randint(1, 3)
    first, known = len(tables["events"]) + 1, [event for event in tables["events"] if event["kind"] == "sleeve_opened"]
    saving = {row["sleeve_no"] for row in tables["plans"] if row["kind"] == "instalment"}
    told = [event for event in known if event["sleeve_no"] in saving for _ in range(rng.choice([0, 0, 1, 3]))]
    tables["events"] += [
        {**event, "event_no": no, "event_id": f"E{no}", "kind": "instalment_skipped", "date": rng.choice(days)}
        for no, event in enumerate(told, start=first)]


# --------------------------------------------------------------------------------------------------------------- events
def special_days(days: list[date], opened: date) -> list[date]:
    """The opening day; ends and beginnings of calendar months and of periods of the contract, with the days before and after
    holidays.
    """
    ends = [contract_end(opened, months) for months in range(1, 16)]
    found = [opened]
    for day, after in zip(days[:-1], days[1:], strict=True):
        if day.month != after.month or (after - day).days > 3 or any(day <= end < after for end in ends):
            found += [day, after]
    return found


def some_day(rng: random.Random, days: list[date], special: list[date], at: int) -> date:
    """A day from a place on, often a special one."""
    later = [day for day in special if day >= days[at]]
    return rng.choice(later) if later and rng.random() < 0.5 else days[rng.randint(at, len(days) - 1)]


def make_events(rng: random.Random, tables: dict, days: list[date], crash: date | None) -> None:
    """Openings and first deposits, then instructions of every kind, some of them bad; numbered in the order of their dates."""
    found: list[dict] = []
    for contract in tables["contracts"]:
        begin = rng.randint(2, 8) if rng.random() < 0.8 else rng.randint(9, len(days) // 2)
        own = [row for row in tables["sleeves"] if row["contract_no"] == contract["contract_no"]]
        special = special_days(days, days[begin])
        found.append({"date": days[begin], "kind": "contract_opened", "contract_no": contract["contract_no"]})
        for place, sleeve in enumerate(own):
            at = begin if place == 0 or rng.random() < 0.7 else min(len(days) - 5, begin + rng.randint(1, 15))
            first = rng.choice([100_000, 300_000, 1_000_000, 2_500_000, 5_000_000]) + rng.randint(0, 9_999)
            found.append({"date": days[at], "kind": "sleeve_opened", "sleeve_no": sleeve["sleeve_no"]})
            found.append({"date": days[at], "kind": "deposit", "sleeve_no": sleeve["sleeve_no"], "amount_yen": first})
            accounts = {one["contract_no"]: one["account_no"] for one in tables["contracts"]}
            siblings = [row["sleeve_no"] for row in tables["sleeves"] if row is not sleeve
                        and accounts[row["contract_no"]] == contract["account_no"]]
            for _ in range(rng.randint(1, 6)):
                on = some_day(rng, days, special, at) + rng.choice([0, 0, 0, 1]) * ONE_DAY
                found += instruction(rng, tables, sleeve["sleeve_no"], siblings, first, on)
            if crash and crash > days[at] and rng.random() < 0.4:
                for _ in range(rng.randint(1, 2)):
                    found.append({"date": crash - rng.randint(1, 4) * ONE_DAY, "kind": "withdrawal",
                                  "sleeve_no": sleeve["sleeve_no"], "amount_yen": first * rng.randint(60, 88) // 100})
        if rng.random() < 0.35:
            on = some_day(rng, days, special, min(begin + rng.choice([0, 5, 5, 5]), len(days) - 2))
            found.append({"date": on, "kind": "terminated", "contract_no": contract["contract_no"]})
    blank = {"contract_no": 0, "sleeve_no": 0, "target_sleeve_no": 0, "model_no": 0, "instrument_no": 0, "amount_yen": 0,
             "units": 0, "note": "", "content_hash": "", "recorded_at": RECORDED, "processed_date": None}
    found.sort(key=lambda event: event["date"])
    tables["events"] = [{"event_no": no, "event_id": f"E{no}", **blank, **event} for no, event in enumerate(found, start=1)]


def instruction(rng: random.Random, tables: dict, sleeve_no: int, siblings: list[int], money: int, on: date) -> list[dict]:
    """One instruction (or a pair) for a sleeve."""
    kinds = {"deposit": 20, "withdrawal": 22, "transfer": 10, "strategy_changed": 12, "sleeve_closed": 4, "correction": 8,
             "instalment": 4, "debit_failed": 2, "bad": 12}
    kind = rng.choices(list(kinds), weights=list(kinds.values()))[0]
    event = {"date": on, "kind": kind, "sleeve_no": sleeve_no}
    if kind in ("deposit", "instalment"):
        return [{**event, "amount_yen": money * rng.randint(5, 60) // 100 + rng.randint(5_000, 9_999) + 5_000}]
    if kind == "withdrawal":
        return [{**event, "amount_yen": money * rng.choice([3, 10, 25, 50, 85]) // 100 + rng.randint(1, 999)}]
    if kind == "transfer":
        return [{**event, "amount_yen": money * rng.randint(5, 40) // 100 + 1, "target_sleeve_no": rng.choice(siblings or [0])}]
    if kind == "strategy_changed":
        return [{**event, "model_no": rng.choice(tables["models"])["model_no"]}]
    if kind == "sleeve_closed":
        return [{**event, "target_sleeve_no": rng.choice([0, *siblings])}]
    if kind == "correction":
        return correction(rng, tables, event)
    if kind == "debit_failed":
        return [{**event, "amount_yen": 10_000}]
    return [{**event, **bad(rng, money)}]


def correction(rng: random.Random, tables: dict, event: dict) -> list[dict]:
    """Yen or units, up, down, or up and down again; what is more than there is will be refused."""
    note = {**event, "note": "booked difference"}
    number = rng.choice(tables["instruments"])["instrument_no"]
    yen, units = rng.randint(1, 20_000), rng.randint(1, 50)
    return rng.choice([
        [{**note, "amount_yen": yen}],
        [{**note, "amount_yen": yen}, {**note, "amount_yen": -yen + rng.randint(0, 1)}],
        [{**note, "instrument_no": number, "units": units}], [{**note, "instrument_no": number, "units": -units}],
        [{**note, "amount_yen": -yen}],
        [{**note, "instrument_no": number, "units": units}, {**note, "instrument_no": number, "units": -units}],
    ])


def bad(rng: random.Random, money: int) -> dict:
    """Something that must be refused."""
    return rng.choice([
        {"kind": "deposit", "amount_yen": 9_999}, {"kind": "deposit", "amount_yen": 0}, {"kind": "instalment", "amount_yen": 4_999},
        {"kind": "withdrawal", "amount_yen": money * 1000}, {"kind": "withdrawal", "amount_yen": -5},
        {"kind": "transfer", "amount_yen": 1_000, "target_sleeve_no": 9_999}, {"kind": "strategy_changed", "model_no": 9_999},
        {"kind": "deposit", "amount_yen": 50_000, "sleeve_no": 9_999},
        {"kind": "withdrawal", "amount_yen": 1_000, "contract_no": 9_999},
        {"kind": "correction", "amount_yen": 1_000}, {"kind": "correction", "amount_yen": -money * 1000, "note": "too much"},
        {"kind": "correction", "instrument_no": 1, "units": -(10**12), "note": "too much"}, {"kind": "sleeve_opened"},
        {"kind": "sleeve_closed", "target_sleeve_no": 9_999}, {"kind": "no_such_kind"},
    ])
