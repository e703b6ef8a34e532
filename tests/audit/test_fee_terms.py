"""The auditor's reading of the fee terms against the published cases, and its calendar against days written by hand."""

from datetime import date

import pytest

from tests.audit import sample
from tests.audit.fee_terms import History, Terms
from tests.audit.tables import Calendar


def day(text: str) -> date:
    return date.fromisoformat(text)


TIERS = "[[0, 13090], [30_000_000, 12155], [100_000_000, 9350], [500_000_000, 6545]]"
PUBLISHED = [  # start, end, values, tiers, measure, days, rates_of, year, tax, align, yen
    ("2026-10-01", "2026-12-31", [("2026-10-01", 120_000_000)], TIERS, "average", "calendar", "day", "365", "included", 360_576),
    ("2028-01-01", "2028-03-31", [("2028-01-01", 120_000_000)], TIERS, "average", "calendar", "day", "365", "included", 356_657),
    (
        "2028-01-01",
        "2028-03-31",
        [("2028-01-01", 120_000_000)],
        TIERS,
        "average",
        "calendar",
        "day",
        '"actual"',
        "included",
        355_683,
    ),
    (
        "2026-10-01",
        "2026-12-31",
        [("2026-10-01", 25_000_000), ("2026-11-16", 35_000_000)],
        TIERS,
        "average",
        "calendar",
        "day",
        "365",
        "included",
        98_981,
    ),
    (
        "2026-10-01",
        "2026-12-31",
        [("2026-10-01", 25_000_000), ("2026-11-16", 35_000_000)],
        TIERS,
        "daily",
        "calendar",
        "day",
        "365",
        "included",
        98_392,
    ),
    (
        "2026-06-25",
        "2026-06-30",
        [("2026-06-25", 10_000_000), ("2026-06-26", 10_300_000), ("2026-06-29", 9_900_000), ("2026-06-30", 10_000_000)],
        TIERS,
        "average",
        "calendar",
        "day",
        "365",
        "included",
        2_180,
    ),
    (
        "2026-06-25",
        "2026-06-30",
        [("2026-06-25", 10_000_000), ("2026-06-26", 10_300_000), ("2026-06-29", 9_900_000), ("2026-06-30", 10_000_000)],
        TIERS,
        "average",
        "business",
        "day",
        "365",
        "included",
        2_162,
    ),
    (
        "2019-08-15",
        "2019-11-14",
        [("2019-08-15", 10_000_000)],
        "[[0, 12000]]",
        "average",
        "calendar",
        "day",
        "365",
        "added",
        32_962,
    ),
    (
        "2019-08-15",
        "2019-11-14",
        [("2019-08-15", 10_000_000)],
        "[[0, 12000]]",
        "average",
        "calendar",
        "period-end",
        "365",
        "added",
        33_271,
    ),
]


@pytest.mark.parametrize("case", PUBLISHED)
def test_published_fees(case):
    start, end, values, tiers, measure, days, rates_of, year, tax, yen = case
    text = (
        sample.TERMS.split("[[component]]")[0].replace('"average"', f'"{measure}"').replace('"calendar"\ncash', f'"{days}"\ncash')
    )
    text = f'rates_of = "{rates_of}"\n' + text.replace("days = 365", f"days = {year}").replace('"included"\n', f'"{tax}"\n', 2)
    text = text.replace(f'cash = "{tax}"', 'cash = "included"')
    terms = Terms(
        text + f'[[component]]\nname = "fee"\nkind = "balance"\n[[component.rates]]\nfrom = 2000-01-01\ntiers = {tiers}\n'
    )
    calendar = Calendar(day("2019-01-01"), day("2028-12-31"))
    history = History([day(when) for when, _ in values], [amount for _, amount in values])
    _, runs = terms.bases(history, day(start), day(end), lambda one: calendar.number[(one - calendar.first).days] >= 0)
    assert terms.fee("fee", runs, day(start), day(end)) == yen


def test_period_ends_of_the_civil_code():
    terms = Terms(sample.TERMS.replace('"quarter"', '"month"').replace('align = "calendar"', 'align = "contract"'))
    ends = terms.period_ends(day("2025-01-31"))
    assert [str(next(ends)) for _ in range(3)] == ["2025-02-28", "2025-03-30", "2025-04-30"]


def test_calendar_against_days_written_by_hand():
    calendar = Calendar(day("2024-12-16"), day("2025-01-31"))
    assert calendar.days == sample.DAYS
