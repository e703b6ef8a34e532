"""Random houses that make use of what a program may choose and of terms of drawing, on top of those of `random_house`.

Rebalances of every kind with fractions and stretches, whole lots, tax classes, terms of drawing of every rule, scopes and ways of
collection that change, corrections of past fees. The houses of `random_house` stay as they are: these are a family of their own.
"""

import random
from datetime import date, timedelta

from tests.oracles.day_oracle.drawings import merton
from tests.oracles.random_house import random_house
from tests.oracles.random_market import ONE_DAY, RECORDED

RULES = ("fixed-amount", "fixed-percentage", "fixed-term", "annuity", "guardrails", "guardrails", "merton")


def random_choices_house(rng: random.Random) -> dict:
    """-> {tables, first, through, bank_failures}"""
    case = random_house(rng, failing_bank=True)
    tables, days = case["tables"], business_days(case)
    for row in tables["accounts"]:
        row["tax_class"] = rng.choice(["specific", "specific", "general", "nisa"])
    choose_rebalances(rng, tables, days)
    make_drawing_terms(rng, tables, days)
    make_corrections(rng, tables, days)
    return case


def business_days(case: dict) -> list[date]:
    """The days with a row of prices."""
    return sorted({row["date"] for row in case["tables"]["prices"] if case["first"] <= row["date"] <= case["through"]})


def choose_rebalances(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Every row of rules chooses anew; bands are narrow and rests short, so that much is rebalanced; some rows come later."""
    for row in list(tables["program_rules"]):
        if rng.random() < 0.5:
            since = rng.choice(days[10:])
            known = {one["valid_from_date"] for one in tables["program_rules"] if one["program_no"] == row["program_no"]}
            if since not in known:
                tables["program_rules"].append({**row, "valid_from_date": since})
    for row in tables["program_rules"]:
        row |= {
            "rebalance_kind": rng.choice(["target", "band", "band", "tax", "tax", "flow"]),
            "rebalance_fraction_ppm": rng.choice([0, 0, 250_000, 333_333, 500_000, 1_000_000]),
            "rebalance_stretch_ppm": rng.choice([1, 1_000, 10_000, 77_777, 500_000]),
            "lot_rounding": rng.choice(["down", "nearest"]),
            "band_absolute_ppm": rng.choice([5_000, 10_000, 20_000, 30_001, 50_000]),
            "band_relative_ppm": rng.choice([0, 0, 50_000, 123_457, 300_000]), "cooldown_days": rng.choice([1, 2, 5, 20]),
            "rebalance_months": rng.choice(["", "1;4;7;10", "1;2;3;4;5;6;7;8;9;10;11;12"]),
            "performance_scope": rng.choice(["contract", "sleeve"]), "collection_kind": rng.choice(["cash", "cash", "deposit"]),
        }


def make_drawing_terms(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Of half of the sleeves one to three rows of terms, some with an end, some a pause; some of sleeves with a plan of drawing."""
    tables["drawing_terms"] = []
    for sleeve in tables["sleeves"]:
        if rng.random() < 0.5:
            continue
        named = rng.choice([26, 5, 10, 31, 28, 30, 1, 20])
        for since in sorted({rng.choice(days) - rng.randint(0, 40) * ONE_DAY for _ in range(rng.choice([1, 1, 2, 3]))}):
            row = {
                "sleeve_no": sleeve["sleeve_no"], "valid_from_date": since, "rule_kind": rng.choice(RULES),
                "day_of_month": rng.choice([named, named, rng.choice([1, 29, 31, 15])]), "until_date": None, "amount_yen": 0,
                "rate_ppm": 0, "timing": rng.choice(["start", "end"]), "band_ppm": rng.choice([0, 20_000, 200_000]),
                "step_ppm": rng.choice([50_000, 100_000]), "rise_ppm": rng.choice([0, 20_000, 33_333]), "drift_ppm": 0,
                "risk_ppm": 0, "safe_ppm": 0, "impatience_ppm": 0, "aversion_ppm": 0, "source": "", "recorded_at": RECORDED,
            }
            tables["drawing_terms"].append(row | numbers_of(rng, row["rule_kind"], since))


def numbers_of(rng: random.Random, kind: str, since: date) -> dict:
    """The numbers that a rule needs, from careful to reckless."""
    until = since + timedelta(days=rng.choice([35, 70, 140, 400, 3_650]))
    if kind in ("fixed-term", "annuity"):
        return {"until_date": until, "rate_ppm": rng.choice([0, 1, 36_000, 120_000]) if kind == "annuity" else 0}
    found: dict = {"until_date": until} if rng.random() < 0.25 else {}
    if kind == "fixed-amount":
        return found | {"amount_yen": rng.choice([0, 7_000, 50_000, 50_000, 5_000_000])}
    if kind == "merton":
        return found | worthwhile(rng)
    return found | {"rate_ppm": rng.choice([30_000, 40_000, 77_777, 400_000])}


def worthwhile(rng: random.Random) -> dict:
    """Numbers of Merton's rule that pay something; others are refused when they are loaded."""
    while True:
        row = {
            "drift_ppm": rng.choice([20_000, 50_000, 70_000]), "risk_ppm": rng.choice([100_000, 150_000, 333_333]),
            "safe_ppm": rng.choice([0, 10_000]), "impatience_ppm": rng.choice([0, 20_000, 90_000]),
            "aversion_ppm": rng.choice([500_000, 1_000_000, 3_000_000, 7_777_777]),
        }
        if merton(row) > 0:
            return row


def make_corrections(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Amounts of past fees that are charged or given back, some twice an evening, some of contracts that are not open; half of them
    with the fee state of a right past.
    """
    for contract in tables["contracts"]:
        for _ in range(rng.choice([0, 0, 1, 2])):
            on, amount = rng.choice(days), rng.choice([1, 37, 4_321, 60_000]) * rng.choice([1, -1])
            for yen in [amount] + [rng.choice([-amount, 2 * amount])] * (rng.random() < 0.25):
                number = len(tables["events"]) + 1
                tables["events"].append({
                    **tables["events"][0], "event_no": number, "event_id": f"E{number}", "date": on, "kind": "fee_corrected",
                    "contract_no": contract["contract_no"], "sleeve_no": 0, "amount_yen": yen,
                    "note": "" if rng.random() < 0.05 else "late",
                    "fee_state": fee_state(rng, tables, contract["contract_no"], days, on) if rng.random() < 0.5 else None})


def fee_state(rng: random.Random, tables: dict, contract_no: int, days: list[date], on: date) -> dict:
    """What was wrong with the past of a contract's fees, from some day before on."""
    sleeves = [row["sleeve_no"] for row in tables["sleeves"] if row["contract_no"] == contract_no and rng.random() < 0.7]
    before = [day for day in days if day < on] or [on]
    return {
        "since": rng.choice(before[-rng.choice([1, 10, 60]):]), "money": rng.random() < 0.5,
        "values": {number: rng.choice([-3_000_000, -20_000, 1, 7_777, 250_000]) for number in sleeves},
        **{name: rng.choice([0, 0, rng.randint(-99_999, 99_999)]) for name in ("deposits", "marks", "running", "uncharged")},
    }
