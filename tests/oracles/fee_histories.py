"""Random fee terms and contract histories, over everything that the fee specification lets vary."""

import random
from datetime import date, timedelta
from pathlib import Path

TAX_CHANGES = [date(2014, 4, 1), date(2019, 10, 1)]
LEAP_YEARS = [2000, 2004, 2012, 2016, 2020, 2024, 2028, 2040]
FLOORS = [1, 1_000, 1_000_000, 10_000_000, 30_000_000, 50_000_000, 100_000_000, 500_000_000, 10**10, 10**11]
PERIOD_DAYS = {"month": 31, "quarter": 92, "half-year": 184, "year": 366}
NAMES = ["mandate fee", "wrap fee", "投資一任報酬", "performance", "a-b_c", "Fee 3"]
TRILLION = 10**12


def chance(rng: random.Random, percent: int) -> bool:
    """True in so many percent of the calls."""
    return rng.randrange(100) < percent


def day_between(rng: random.Random, first: date, last: date) -> date:
    """A day of a span, both ends included."""
    return first + timedelta(days=rng.randint(0, (last - first).days))


def last_days(year: int, month: int) -> list[date]:
    """The days of a month from the 28th on."""
    first = date(year, month, 28)
    return [day for day in (first + timedelta(days=n) for n in range(4)) if day.month == month]


def random_start(rng: random.Random) -> date:
    """A first day: anywhere, at a month's end, at the turn of a year, in a leap year, before a change of tax."""
    year = rng.randint(1998, 2048) if chance(rng, 25) else rng.randint(2010, 2030)
    style = rng.choice(["any", "any", "month end", "month start", "new year", "golden week", "leap", "tax", "tax"])
    if style == "month end":
        return rng.choice(last_days(year, rng.randint(1, 12)))
    if style == "month start":
        return date(year, rng.randint(1, 12), 1)
    if style == "new year":
        return date(year, 12, 24) + timedelta(days=rng.randint(0, 14))
    if style == "golden week":
        return date(year, 4, 24) + timedelta(days=rng.randint(0, 16))
    if style == "leap":
        year = rng.choice(LEAP_YEARS)
        return rng.choice([date(year, 2, 29), date(year, 1, 1), date(year - 1, 12, 31), date(year, 2, 28)])
    if style == "tax":
        return rng.choice(TAX_CHANGES) - timedelta(days=rng.randint(0, 420))
    return day_between(rng, date(year, 1, 1), date(year, 12, 31))


def random_tiers(rng: random.Random) -> list[list[int]]:
    """One to five tiers, mostly falling, from the floor 0."""
    floors = [0, *sorted(rng.sample(FLOORS, rng.choice([0, 0, 1, 2, 3, 4])))]
    usual = [1, 3_333, 5_500, 6_545, 9_350, 12_155, 13_090, 13_200, 20_000]
    rates = [rng.choice([*usual, rng.choice([0, 8_125]), rng.randint(0, 30_000)]) for _ in floors]
    if chance(rng, 75):
        rates.sort(reverse=True)
    return [list(tier) for tier in zip(floors, rates, strict=True)]


def random_rates(rng: random.Random, start: date, through: date) -> list[dict]:
    """Dated rows in any order: one in force on the first day, others inside the history and after it."""
    dates = {rng.choice([start, start - timedelta(days=1), start - timedelta(days=rng.randint(1, 900))])}
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        dates.add(day_between(rng, start - timedelta(days=40), through + timedelta(days=120)))
    if chance(rng, 30):
        month = day_between(rng, start, through).replace(day=1)
        dates.add(rng.choice([month, month - timedelta(days=1)]))
    rows = [{"from": day, "tiers": random_tiers(rng)} for day in sorted(dates)]
    rng.shuffle(rows)
    return rows


def random_components(rng: random.Random, timing: str, start: date, through: date) -> list[dict]:
    """One to three components; a performance component in about half of the cases."""
    kinds = rng.choice([["balance"], ["balance"], ["balance", "balance"], ["balance"] * 3, ["balance", "performance"],
                        ["balance", "performance"], ["performance", "balance", "balance"], ["performance"],
                        ["balance", "performance", "performance"]])  # fmt: skip
    components = []
    for name, kind in zip(rng.sample(NAMES, len(kinds)), kinds, strict=True):
        one = {"name": name, "kind": kind}
        if kind == "performance":
            one["rate_ppm"] = rng.choice([0, 54_000, 110_000, 200_000, 500_000, rng.randint(1, 300_000)])
            one["every"] = rng.choice([1, 1, 2, 3, 4, 4, 5, 6, 7, 8])
            one["mark"] = rng.choice(["scaled", "scaled", "subtracted"])
        else:
            tierings = ["marginal", None] if timing == "advance" else ["marginal", None, "whole"]
            tiering = rng.choice(tierings)
            one |= {"tiering": tiering} if tiering else {}
            one["rates"] = random_rates(rng, start, through)
        components.append(one)
    return components


def random_terms(rng: random.Random, period: dict, start: date, through: date) -> dict:
    """Terms with every choice drawn; keys without effect under the other choices are there or are left out."""
    timing = period["timing"]
    measure = rng.choice(["average", "average", "daily", "closing"]) if timing == "arrears" else "opening"
    base = {"measure": measure, "cash": rng.choice(["included", "included", "excluded"])}
    if measure == "average" or chance(rng, 50):
        base["days"] = rng.choice(["calendar", "business"])
    rounding = {"to": rng.choice(["down", "down", "up", "half-up", "half-even"])}
    if chance(rng, 50):
        rounding["average"] = rng.choice(["none", "down"])
    terms = {"name": "Random terms"}
    if chance(rng, 75):
        terms["rates_of"] = rng.choice(["day", "period-start", "period-end"])
    terms |= {"period": period, "base": base, "year": {"days": rng.choice([365, 366, "actual", "actual"])}}
    terms |= {"rounding": rounding, "tax": {"kind": rng.choice(["included", "added"])}}
    if timing == "advance" or chance(rng, 30):
        terms["advance"] = {
            "addition": rng.choice(["none", "own", "stacked"]),
            "refund": rng.choice(["none", "prorated", "prorated"]),
        }
    terms["component"] = random_components(rng, timing, start, through)
    return terms


def random_amount(rng: random.Random, terms: dict) -> int:
    """A balance from 0 to 10^12, often on a floor of the terms or one yen beside it."""
    floors = [low for one in terms["component"] for row in one.get("rates", []) for low, _ppm in row["tiers"]]
    style = rng.choice(["small", "retail", "retail", "retail", "rich", "huge", "floor", "edge"])
    if style == "floor" and floors:
        return min(TRILLION, max(0, rng.choice(floors) + rng.choice([-1, 0, 1])))
    if style == "edge":
        return rng.choice([0, TRILLION])
    ranges = {"small": (1, 5_000), "rich": (10**8, 10**10), "huge": (10**10, TRILLION)}
    return rng.randint(*ranges.get(style, (10**5, 2 * 10**8)))


def random_days(rng: random.Random, start: date, through: date) -> list[date]:
    """The days that have a value: every day, weekdays, most weekdays, a few, or the first one alone."""
    style = rng.choice(["every", "weekdays", "weekdays", "most weekdays", "few", "first"])
    keep = {"every": 100, "weekdays": 100, "most weekdays": 80, "few": 5, "first": 0}[style]
    days = {start}
    for number in range((through - start).days + 1):
        day = start + timedelta(days=number)
        if chance(rng, keep) and (style in ("every", "few") or day.weekday() < 5):
            days.add(day)
    return sorted(days)


def random_flows(rng: random.Random, ends: list[date], start: date, last: date) -> list[tuple[date, int]]:
    """Additions and reductions on any day of the contract, often beside the days where something ends."""
    days = set()
    for _ in range(rng.choice([0, 1, 2, 5, 12])):
        day = day_between(rng, start, last)
        if chance(rng, 40):
            day = rng.choice(ends) + timedelta(days=rng.randint(-3, 3))
        if start <= day <= last:
            days.add(day)
    return [(day, rng.choice([1, 1, -1]) * rng.choice([1, rng.randint(1, 10**6), rng.randint(1, 10**8),
             rng.randint(1, 10**8), 10**7, rng.randint(1, 10**11)])) for day in sorted(days)]  # fmt: skip


def random_values(rng: random.Random, terms: dict, start: date, through: date, flows: list) -> list[tuple]:
    """A walk of values with its jumps; the value of a flow day is after the flow. Rows outside the history too."""
    days = set(random_days(rng, start, through))
    days |= {day for day, _amount in flows if chance(rng, 80)}
    amounts = dict(flows)
    value = random_amount(rng, terms)
    flat = chance(rng, 25)
    least, most = rng.choice([(-200, 210), (-50, 90), (-100, 130), (-90, 50)])
    values = []
    for day in sorted(days):
        if day != start and not flat:
            value += value * rng.randint(least, most) // 10_000
        if day != start:
            value += amounts.get(day, 0)
        if chance(rng, 2) or (chance(rng, 8) and not flat):
            value = random_amount(rng, terms)
        value = min(TRILLION, max(0, value))
        values.append((day, value))
    if chance(rng, 20):
        values.insert(0, (start - timedelta(days=rng.randint(1, 9)), random_amount(rng, terms)))
    if chance(rng, 20):
        values.append((through + timedelta(days=rng.randint(1, 9)), random_amount(rng, terms)))
    if chance(rng, 5):
        rng.shuffle(values)
    return with_cash(rng, values, needed=terms["base"]["cash"] == "excluded")


def with_cash(rng: random.Random, values: list[tuple], needed: bool) -> list[tuple]:
    """(date, value_yen, cash_yen): cash from nothing to the whole value; left out only where it is not needed."""
    if not needed and chance(rng, 60):
        return [(day, value, None) for day, value in values]
    return [(day, value, rng.choice([0, value, rng.randint(0, value), value // 50])) for day, value in values]


def with_half_yen(rng: random.Random, terms: dict, values: list[tuple]) -> list[tuple]:
    """Change terms and values so that each day's fee ends in half a yen: an odd number of days is a tie to round."""
    terms["year"]["days"] = rng.choice([365, 366])
    terms["tax"]["kind"] = "included"
    for one in terms["component"]:
        for row in one.get("rates", []):
            row["tiers"] = [[0, 2 * rng.randrange(15_000) + 1]]
    value = terms["year"]["days"] * 500_000 * (2 * rng.randrange(2_000) + 1)
    return [(day, value, 0) for day, _value, _cash in values]


def month_ends(start: date, last: date) -> list[date]:
    """The days where a period can end: ends of months, and the days before the start day's date."""
    days = [start + timedelta(days=number) for number in range((last - start).days + 1)]
    after = timedelta(days=1)
    return [day for day in days if (day + after).day in (1, start.day)] or [last]


def random_case(rng: random.Random) -> dict:
    """-> terms, values [(date, value_yen, cash_yen or None)], start, through, terminated or None, flows"""
    start = random_start(rng)
    length = rng.choice(["month", "month", "quarter", "quarter", "half-year", "year"])
    longest = 3_300 if chance(rng, 4) else 800
    through = start + timedelta(days=rng.randint(0, min(longest, rng.choice([1, 3, 6, 10]) * PERIOD_DAYS[length])))
    ends = month_ends(start, through)
    if chance(rng, 25):
        through = max(start, rng.choice(ends) + timedelta(days=rng.randint(-1, 1)))
    terminated = None
    if chance(rng, 45):
        near = rng.choice(ends) + timedelta(days=rng.randint(-2, 2))
        terminated = rng.choice([day_between(rng, start, through), start, through, near, near])
        terminated = min(through, max(start, terminated))
    align = rng.choice(["calendar", "contract"])
    period = {"length": length, "align": align, "timing": rng.choice(["arrears", "advance"])}
    terms = random_terms(rng, period, start, through)
    flows = random_flows(rng, ends, start, terminated or through)
    values = random_values(rng, terms, start, through, flows)
    if chance(rng, 6):
        values = with_half_yen(rng, terms, values)
    return {"terms": terms, "values": values, "start": start, "through": through, "terminated": terminated, "flows": flows}


def toml_value(value) -> str:
    """One TOML value."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(one) for one in value) + "]"
    return value.isoformat() if isinstance(value, date) else str(value)


def toml_text(table: dict, path: str = "") -> str:
    """A table as TOML: its keys first, then its tables and arrays of tables."""
    plain, below = [], []
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            below.append(f"\n[{name}]\n" + toml_text(value, name))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            below += [f"\n[[{name}]]\n" + toml_text(one, name) for one in value]
        else:
            plain.append(f"{key} = {toml_value(value)}\n")
    return "".join(plain + below)


def values_text(values: list[tuple]) -> str:
    """V.csv; without the cash column where no row has cash."""
    if all(cash is None for _day, _value, cash in values):
        return "date,value_yen\n" + "".join(f"{day},{value}\n" for day, value, _cash in values)
    return "date,value_yen,cash_yen\n" + "".join(f"{day},{value},{cash}\n" for day, value, cash in values)


def to_files(case: dict, folder) -> list[str]:
    """Write T.toml, V.csv and, with flows, F.csv; -> the arguments of `tsutsumi fees` for the case, with `--json`."""
    folder = Path(folder)
    (folder / "T.toml").write_text(toml_text(case["terms"]), encoding="utf-8")
    (folder / "V.csv").write_text(values_text(case["values"]), encoding="utf-8")
    argv = ["--terms", str(folder / "T.toml"), "--values", str(folder / "V.csv")]
    argv += ["--start", case["start"].isoformat(), "--through", case["through"].isoformat()]
    if case["terminated"]:
        argv += ["--terminated", case["terminated"].isoformat()]
    if case["flows"]:
        flows = "".join(f"{day},{amount}\n" for day, amount in case["flows"])
        (folder / "F.csv").write_text("date,amount_yen\n" + flows, encoding="utf-8")
        argv += ["--flows", str(folder / "F.csv")]
    return [*argv, "--json"]
