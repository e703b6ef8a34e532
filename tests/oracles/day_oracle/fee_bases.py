"""§7, "Base" and "Accrued so far": the daily values of a contract and of its sleeves."""

from datetime import date
from fractions import Fraction

from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.fee_terms import components, in_advance
from tests.oracles.day_oracle.state import MILLION, Contract, House, Period, Sleeve
from tests.oracles.fees_oracle import days_of, tiers_in_force


def record_close(house: House, contract: Contract, day: date) -> None:
    """The values of the open sleeves of a contract on a close."""
    values = {sleeve.number: (sleeve.value, sleeve.cash) for sleeve in house.contract_sleeves(contract.number)}
    contract.closes.append((day, values))


def close_of(contract: Contract, day: date) -> dict[int, tuple[int, int]]:
    """{sleeve: (value, cash)} of that day's close, or of the last close before it."""
    return [values for closed, values in contract.closes if closed <= day][-1]


def daily(contract: Contract, first: date, last: date) -> dict[date, dict[int, tuple[int, int]]]:
    """{calendar day: {sleeve: (value, cash)}}: of that day's close, or of the last close before it."""
    found, on_close, values = {}, dict(contract.closes), close_of(contract, first)
    for day in days_of(first, last):
        values = found[day] = on_close.get(day, values)
    return found


def own_base(terms: dict, row: tuple[int, int]) -> int:
    """Value, or value − cash if the terms exclude cash; never below zero per sleeve."""
    return max(row[0] if terms["base"]["cash"] == "included" else row[0] - row[1], 0)


def base_of(terms: dict, values: dict[int, tuple[int, int]]) -> Fraction:
    """The sum of the open sleeves' bases."""
    return Fraction(sum(own_base(terms, row) for row in values.values()))


def value_of(values: dict[int, tuple[int, int]], sleeve_no: int) -> int:
    """The value of a sleeve, or of the contract (0): Σ value_yen of its sleeves."""
    return values[sleeve_no][0] if sleeve_no else sum(value for value, _cash in values.values())


def days_that_enter(house: House, period: Period, first: date, last: date) -> list[date]:
    """The days that entered the average: calendar days; or, `business`, the house's business days of the period, if it has
    any (`daily` and `closing`: all days of the period).
    """
    base = period.terms["base"]
    days = days_of(first, last)
    if base["measure"] == "average" and base.get("days", "calendar") == "business":
        return [day for day in days if house.dates.is_business(day)] or days
    return days


def top_rate(terms: dict, day: date) -> int:
    """"Top tier rate": the highest rate of the table in force, Σ over balance components, without tax."""
    return sum(max(rate for _floor, rate in tiers_in_force(one, day)) for _number, one in components(terms, "balance"))


def accrued(house: House, sleeve: Sleeve, day: date) -> int:
    """Accrued so far: in arrears floor of Σ base so far × top tier rate in force / (10^6 × 365), the sleeve's own base, of
    the days that enter; in advance 0. Reading: the table in force on `d`.
    """
    contract = house.contracts[sleeve.contract_no]
    period = contract.period
    if in_advance(period.terms) or period.start_date > day:
        return 0
    total, entering = 0, set(days_that_enter(house, period, period.start_date, day))
    for place, (closed, values) in enumerate(contract.closes):
        until = contract.closes[place + 1][0] if place + 1 < len(contract.closes) else day + ONE_DAY
        if sleeve.number not in values or until <= period.start_date:
            continue
        count = sum(one in entering for one in days_of(closed, until - ONE_DAY))
        total += own_base(period.terms, values[sleeve.number]) * count
    return total * top_rate(period.terms, day) // (MILLION * 365)
