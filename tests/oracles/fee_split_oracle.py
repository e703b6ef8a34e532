"""The settlement between companies of a month, written slowly from docs/rules/fee-split.md: one fee, one day, one slice at a time.

Everything is a Fraction until the one cut. Dates are dates, ids are texts, rows are dicts as they stand in the tables.
"""

from datetime import date, timedelta
from fractions import Fraction

MILLION = 10**6


def days_of(first: date, last: date) -> list[date]:
    """Every calendar day, both ends."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def version_on(rows: list[dict], day: date) -> list[dict]:
    """The rows in force on a day."""
    dates = [row["valid_from_date"] for row in rows if row["valid_from_date"] <= day]
    return [row for row in rows if dates and row["valid_from_date"] == max(dates)]


def sliced(balance: Fraction, ladder: list[dict]) -> Fraction:
    """Σ slice × rate: what lies above each floor and not above the next one."""
    total = Fraction(0)
    for row in ladder:
        above = [other["floor_yen"] for other in ladder if other["floor_yen"] > row["floor_yen"]]
        top = min(balance, Fraction(min(above))) if above else balance
        if top > row["floor_yen"]:
            total += (top - row["floor_yen"]) * row["rate_ppm"]
    return total


def ladder_of(rows: list[dict], like: dict) -> list[dict]:
    """The rows that differ from one in their floor alone."""
    names = ("company_id", "kind", "measure", "base", "year_days", "paid_by_id")
    return [row for row in rows if all(row[name] == like[name] for name in names)]


def settled(
    first: date, last: date, fees: list[tuple[date, str, int]], balances: dict[str, dict[date, int]], tiers: list[dict],
    fixed: list[dict], contracts: int, remainder: str,
) -> dict[tuple[str, str, str], int]:
    """(kind, who gets, who pays) → yen of one program in a month; what is 0 is left out.

    `fees` are (charged, distributor, yen), refunds below zero; `balances` distributor → day → yen for every calendar day.
    """
    exact: dict[tuple[str, str, str], Fraction] = {}
    everyone = sorted({name for _, name, _ in fees} | set(balances))
    days = days_of(first, last)
    for since in {version_on(tiers, day)[0]["valid_from_date"] for day in days if version_on(tiers, day)}:
        mine = [day for day in days if version_on(tiers, day) and version_on(tiers, day)[0]["valid_from_date"] == since]
        rows = version_on(tiers, mine[0])
        done = []
        for row in rows:
            ladder = ladder_of(rows, row)
            if ladder in done:
                continue
            done.append(ladder)
            payer = row["paid_by_id"] or remainder
            if payer == row["company_id"]:
                continue
            key = ("tier_fee" if row["kind"] == "fee" else "tier_balance", row["company_id"], payer)
            groups = {"program": [everyone], "distributor": [[name] for name in everyone], "own": [[row["company_id"]]]}
            for group in groups[row["measure"]]:
                exact[key] = exact.get(key, Fraction(0)) + part_of(row, ladder, group, mine, fees, balances)
    found = {key: int(yen) for key, yen in exact.items()}
    for row in version_on(fixed, first):
        payer = row["paid_by_id"] or remainder
        if payer != row["company_id"]:
            key = (f"fixed_{row['per']}", row["company_id"], payer)
            found[key] = found.get(key, 0) + row["amount_yen"] * (contracts if row["per"] == "contract" else 1)
    return {key: yen for key, yen in found.items() if yen}


def part_of(row: dict, ladder: list[dict], group: list[str], days: list[date], fees: list, balances: dict) -> Fraction:
    """What one ladder gives for one group of distributors in the days of one version."""
    def held(day: date) -> int:
        return sum(balances.get(name, {}).get(day, 0) for name in group)

    base = Fraction(held(days[-1])) if row["base"] == "closing" else Fraction(sum(held(day) for day in days), len(days))
    if row["kind"] == "balance":
        lengths = {"365": 365, "366": 366}
        total = Fraction(0)
        for day in days:
            leap = (date(day.year, 12, 31) - date(day.year - 1, 12, 31)).days
            total += sliced(base, ladder) / MILLION / lengths.get(row["year_days"], leap)
        return total
    total = Fraction(0)
    for charged, name, yen in fees:
        if name in group and charged in days:
            lowest = sum(rung["rate_ppm"] for rung in ladder if rung["floor_yen"] == 0)
            rate = sliced(base, ladder) / base if base else Fraction(lowest)
            total += yen * rate / MILLION
    return total


def shared(fee: int, shares: list[tuple[str, int]], remainder: str) -> dict[str, int]:
    """The flat shares of one fee: each cut to whole yen, the rest to the remainder company; a refund as the fee it undoes."""
    sign = 1 if fee >= 0 else -1
    parts: dict[str, int] = {}
    for company, ppm in shares:
        parts[company] = parts.get(company, 0) + sign * (abs(fee) * ppm // MILLION)
    parts[remainder] = parts.get(remainder, 0) + fee - sum(parts.values())
    return parts
