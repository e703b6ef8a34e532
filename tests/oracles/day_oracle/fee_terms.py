"""§7, "Which terms": the terms of a contract, and the periods that follow each other."""

import tomllib
from datetime import date
from functools import cache

from tests.oracles.day_oracle.state import Contract, House, Period
from tests.oracles.fees_oracle import MONTHS, calendar_end, contract_end, last_of_month


@cache
def read_terms(text: str) -> dict:
    """The terms file."""
    return tomllib.loads(text)


def components(terms: dict, kind: str) -> list[tuple[int, dict]]:
    """[(its place in the [[component]] list from 0, component)] of a kind, balance or performance."""
    return [(number, one) for number, one in enumerate(terms["component"]) if one["kind"] == kind]


def in_advance(terms: dict) -> bool:
    """In advance (前取り), or in arrears (後取り)."""
    return terms["period"]["timing"] == "advance"


def anniversary(opened: date, years: int) -> date:
    """29 February: 28 February in other years."""
    month_end = last_of_month(date(opened.year + years, opened.month, 1))
    return month_end.replace(day=min(opened.day, month_end.day))


def effect_date(row: dict, opened: date) -> date:
    """The first anniversary of the contract's opening that is not before the row's `valid_from_date` (a row dated on or
    before the opening: from the opening on).
    """
    years = 0
    while anniversary(opened, years) < row["valid_from_date"]:
        years += 1
    return anniversary(opened, years)


def terms_named(house: House, contract: Contract, first: date) -> str:
    """A contract is charged by the terms that its program's rules name, unless `contract_fee_terms` has rows for it: such a
    row takes effect with the first period that starts on or after that anniversary; of several in effect the latest
    `valid_from_date` counts.

    Reading: the rules are those of the first day of the period.
    """
    rows = [row for row in house.tables.get("contract_fee_terms", [])
            if row["contract_no"] == contract.number and effect_date(row, contract.opened_date) <= first]
    if rows:
        return max(rows, key=lambda row: row["valid_from_date"])["fee_terms_id"]
    return house.rules(contract.program_no, first)["fee_terms_id"]


def version_in_force(house: House, name: str, first: date) -> dict:
    """Of the terms named, the version with the latest `valid_from_date` ≤ the first day of the period."""
    rows = [row for row in house.tables["fee_terms"] if row["fee_terms_id"] == name and row["valid_from_date"] <= first]
    return read_terms(max(rows, key=lambda row: row["valid_from_date"])["terms_toml"])


def period_end(terms: dict, opened: date, first: date) -> date:
    """calendar: ends with the calendar period; aligned to the contract they are counted from the day it opened."""
    months = MONTHS[terms["period"]["length"]]
    if terms["period"]["align"] == "calendar":
        return calendar_end(first, months)
    count = 1
    while contract_end(opened, months * count) < first:
        count += 1
    return contract_end(opened, months * count)


def period_from(house: House, contract: Contract, first: date, last: Period | None = None) -> Period:
    """The period that starts on a day, after the contract's own or another one. The number of a period counts from 1 since
    the terms named (`fee_terms_id`) began for the contract.
    """
    last = last or contract.period
    name = terms_named(house, contract, first)
    terms = version_in_force(house, name, first)
    begun, number = first, 1
    if last is not None and last.terms_id == name:
        begun, number = last.terms_date, last.number + 1
    return Period(name, terms, begun, number, first, period_end(terms, contract.opened_date, first))
