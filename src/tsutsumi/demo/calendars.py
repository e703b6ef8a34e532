"""The holidays abroad that close a fund for orders (海外休業日): New York's exchange, England, Hong Kong."""

from datetime import date

from holidays import NYSE, country_holidays

CALENDAR_IDS = ("HK", "UK", "US")


def calendar_holidays_rows(first: date, last: date) -> list[dict]:
    """Return the rows of `calendar_holidays` from first to last: calendar_id, date, name; US is the New York exchange.

    >>> [row["name"] for row in calendar_holidays_rows(date(2026, 11, 26), date(2026, 11, 26))]
    ['Thanksgiving Day']
    """
    years = range(first.year, last.year + 1)
    tables = {
        "HK": country_holidays("HK", years=years, language="en_US"),
        "UK": country_holidays("GB", subdiv="ENG", years=years, language="en_GB"),
        "US": NYSE(years=years, language="en_US"),
    }
    return [
        {"calendar_id": calendar_id, "date": day, "name": name}
        for calendar_id in CALENDAR_IDS
        for day, name in sorted(tables[calendar_id].items())
        if first <= day <= last
    ]


def holiday_dates(first: date, last: date) -> dict[str, set[date]]:
    """Return calendar id -> its holidays from first to last."""
    dates: dict[str, set[date]] = {calendar_id: set() for calendar_id in CALENDAR_IDS}
    for row in calendar_holidays_rows(first, last):
        dates[row["calendar_id"]].add(row["date"])
    return dates
