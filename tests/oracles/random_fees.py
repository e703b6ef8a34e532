"""Random fee terms of every variation for `random_house`, the switches of contracts, and the debits that fail."""

import random
from datetime import date, timedelta

from tests.oracles.day_oracle.money import WRAP, splitmix64
from tests.oracles.random_market import MILLION, ONE_DAY, RECORDED

TERMS = """name = "random"
rates_of = "{rates_of}"
[period]
length = "{length}"
align = "{align}"
timing = "{timing}"
[base]
measure = "{measure}"
days = "{days}"
cash = "{cash}"
[year]
days = {year}
[rounding]
to = "{to}"
average = "{average}"
[tax]
kind = "{tax}"
[advance]
addition = "{addition}"
refund = "{refund}"
"""
BALANCE = """[[component]]
name = "{name}"
kind = "balance"
tiering = "{tiering}"
[[component.rates]]
from = {changed}
tiers = [[0, {later}]]
[[component.rates]]
from = 2010-01-01
tiers = [[0, {first}], [{floor}, {second}]]
"""
PERFORMANCE = """[[component]]
name = "{name}"
kind = "performance"
rate_ppm = {rate}
every = {every}
mark = "{mark}"
"""
SHAPES = ("b", "b", "bb", "bb", "bbb", "bp", "bp", "bp", "pb", "bbp", "bpp", "p")   # balance and performance, in their order


class PaperFailures:
    """The debits that the paper bank refuses, as {(sleeve_no, date)}: by a hash of seed, day and sleeve."""

    def __init__(self, failure_ppm: int, seed: int = 0) -> None:
        self.failure_ppm, self.seed = failure_ppm, seed

    def __contains__(self, debit: tuple[int, date]) -> bool:
        sleeve_no, day = debit
        start = splitmix64((splitmix64(self.seed) + (day - date(1970, 1, 1)).days) % WRAP)
        return splitmix64((start + sleeve_no) % WRAP) % MILLION < self.failure_ppm


def make_terms(rng: random.Random, tables: dict, days: list[date]) -> None:
    """2 to 4 terms files; a later version of one keeps its components, but nothing else. In some houses fees are dear."""
    tables["fee_terms"], dear = [], rng.choice([1, 1, 1, 1, 12])
    for no in range(1, rng.randint(2, 4) + 1):
        shape = rng.choice(SHAPES)
        changes = [rng.choice(days)] if rng.random() < 0.4 else []
        for since in [days[0] - 60 * ONE_DAY, *changes]:
            text = random_terms(rng, days, shape, dear)
            tables["fee_terms"].append({"fee_terms_id": f"F{no}", "valid_from_date": since, "terms_toml": text,
                                        "recorded_at": RECORDED})


def random_terms(rng: random.Random, days: list[date], shape: str, dear: int) -> str:
    """One terms file; the rates of a balance component change once inside the window."""
    timing = rng.choice(["arrears", "advance"])
    text = TERMS.format(
        rates_of=rng.choice(["day", "day", "period-start", "period-end"]), timing=timing,
        length=rng.choice(["month", "month", "month", "quarter", "quarter", "half-year", "year"]),
        align=rng.choice(["calendar", "contract"]), days=rng.choice(["calendar", "business"]),
        measure="opening" if timing == "advance" else rng.choice(["average", "average", "daily", "closing"]),
        cash=rng.choice(["included", "included", "excluded"]), year=rng.choice(["365", "366", '"actual"']),
        to=rng.choice(["down", "up", "half-up", "half-even"]), average=rng.choice(["none", "down"]),
        tax=rng.choice(["included", "added"]), addition=rng.choice(["none", "own", "stacked"]),
        refund=rng.choice(["none", "prorated", "prorated"]))
    for place, kind in enumerate(shape):
        name, rate = ("mandate", "wrap", "advice")[place], dear * rng.randint(5_000, 15_000)
        if kind == "p":
            text += PERFORMANCE.format(name=name, rate=rng.choice([110_000, 165_000, 200_000]),
                                       every=rng.choice([1, 1, 2, 2, 3, 4]), mark=rng.choice(["scaled", "subtracted"]))
        else:
            text += BALANCE.format(name=name, first=rate, floor=rng.choice([100_000, 1_000_000, 3_000_000]), second=rate * 2 // 3,
                                   changed=rng.choice(days).isoformat(), later=rate * 9 // 10,
                                   tiering="whole" if timing == "arrears" and rng.random() < 0.2 else "marginal")
    return text


def make_switches(rng: random.Random, tables: dict) -> None:
    """Terms of a contract's own: from its opening on, or from an anniversary; two rows that begin together, or one after the
    other.
    """
    opened = {event["contract_no"]: event["date"] for event in tables["events"] if event["kind"] == "contract_opened"}
    names = sorted({row["fee_terms_id"] for row in tables["fee_terms"]})
    tables["contract_fee_terms"] = []
    for contract_no, day in sorted(opened.items()):
        dates = set()
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 2, 3])):
            dates.add(day + timedelta(days=rng.choice([-400, -30, 0, 1, 100, 200, 330, 364, 365, 366])))
        tables["contract_fee_terms"] += [
            {"contract_no": contract_no, "valid_from_date": since, "fee_terms_id": rng.choice(names)} for since in sorted(dates)]


def make_adjustments(rng: random.Random, tables: dict, days: list[date]) -> None:
    """Of most programs, one or two sets of steps in any order, a group first; families, some of which part."""
    tables["fee_adjustments"], tables["fee_groups"] = [], []
    for program in tables["programs"]:
        if rng.random() < 0.2:
            continue
        for since in sorted({days[0] - 60 * ONE_DAY, rng.choice(days)}):
            kinds = rng.sample(["long_holding", "deposit_step", "campaign", "minimum", "maximum"], rng.randint(1, 4))
            for number, kind in enumerate((["group"] if rng.random() < 0.7 else []) + kinds, start=1):
                component = rng.choice(["", "", "", "", "mandate", "wrap"])
                for place, row in enumerate(alternatives(rng, kind, days), start=1):
                    tables["fee_adjustments"].append({
                        "program_no": program["program_no"], "valid_from_date": since, "step_no": number, "row_no": place,
                        "kind": kind, "component": component, "threshold": 0, "factor_ppm": MILLION, "amount_yen": 0,
                        "from_date": None, "to_date": None, "until_date": None, "source": "", **row})
    for contract in tables["contracts"]:
        for since in [days[0]] + [rng.choice(days)] * (rng.random() < 0.3):
            tables["fee_groups"].append({"contract_no": contract["contract_no"], "valid_from_date": since, "kind": "family",
                                         "group_id": rng.choice(["", "G1", "G1", "G1", "G1", "G2"])})
    tables["fee_groups"] = list({(row["contract_no"], row["valid_from_date"]): row for row in tables["fee_groups"]}.values())


def alternatives(rng: random.Random, kind: str, days: list[date]) -> list[dict]:
    """The rows of one step."""
    if kind == "group":
        return [{}]
    if kind in ("minimum", "maximum"):
        return [{"amount_yen": rng.choice([1_000, 10_000, 40_000])}]
    factors = [{"factor_ppm": rng.choice([0, 333_333, 500_000, 900_000, 1_200_000])} for _ in range(rng.randint(1, 3))]
    if kind == "campaign":
        dates = [{"from_date": days[2], "to_date": rng.choice(days[2:9]), "until_date": rng.choice(days[5:])} for _ in factors]
        return [{**row, **when, "threshold": place} for place, (row, when) in enumerate(zip(factors, dates, strict=True))]
    thresholds = {"long_holding": [1, 2, 3], "deposit_step": [0, 400_000, 3_000_000]}[kind]
    return [{**row, "threshold": threshold} for row, threshold in zip(factors, rng.sample(thresholds, len(factors)), strict=True)]
