"""Plans: which days they name, and the instalments that are debited."""

from datetime import date

from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.state import House, Sleeve
from tests.oracles.fees_oracle import last_of_month


def plan_in_force(house: House, sleeve_no: int, kind: str, day: date) -> dict | None:
    """In force: latest valid_from_date; amount 0 = stopped."""
    rows = [row for row in house.tables.get("plans", [])
            if (row["sleeve_no"], row["kind"]) == (sleeve_no, kind) and row["valid_from_date"] <= day]
    return max(rows, key=lambda row: row["valid_from_date"]) if rows else None


def plan_days(house: House, sleeve: Sleeve, kind: str, first: date, last: date) -> list[tuple[date, int]]:
    """The plan days from first to last with their amounts: the day of the month (the month's last day if it is shorter)
    before it is moved to the next business day decides which row is in force, and must lie after the day the sleeve opened.
    Days of one row that come to the same business day are one, of the sum.
    """
    found: dict[tuple[date, date], int] = {}
    if not any((row["sleeve_no"], row["kind"]) == (sleeve.number, kind) for row in house.tables.get("plans", [])):
        return []
    month = first.replace(day=1) - ONE_DAY
    month = month.replace(day=1)
    while month <= last:
        end = last_of_month(month)
        for row in house.tables.get("plans", []):
            if (row["sleeve_no"], row["kind"]) != (sleeve.number, kind) or row["amount_yen"] <= 0:
                continue
            for day_of_month in days_of(row):
                named = month.replace(day=min(day_of_month, end.day))
                due, amount = house.dates.roll(named), row["amount_yen"] + bonus(row, month.month, day_of_month)
                if plan_in_force(house, sleeve.number, kind, named) is row and named > sleeve.opened_date and first <= due <= last:
                    key = due, row["valid_from_date"]
                    found[key] = found.get(key, 0) + amount
        month = end + ONE_DAY
    return [(due, amount) for (due, _), amount in sorted(found.items())]


def numbers(text: str) -> list[int]:
    """The numbers of a list with semicolons."""
    return [int(part) for part in text.split(";") if part]


def days_of(row: dict) -> list[int]:
    """`days_of_month`, where given, takes the place of `day_of_month`: each of its days moves `amount_yen`."""
    return numbers(row.get("days_of_month", "")) or [row["day_of_month"]]


def bonus(row: dict, month: int, day_of_month: int) -> int:
    """In a month of `bonus_months` the lowest of the row's days moves `bonus_yen` besides."""
    return row["bonus_yen"] if day_of_month == min(days_of(row)) and month in numbers(row.get("bonus_months", "")) else 0


def bonus_of_year(row: dict) -> int:
    """A year's bonuses."""
    return len(numbers(row.get("bonus_months", ""))) * row.get("bonus_yen", 0)


def instalments(house: House, day: date, take) -> None:
    """Debit on their day as an event of kind instalment, after the events of the events table of that day, in sleeve_no
    order, when the sleeve was open and not closing at `y` and its amount > 0; sleeves in `bank_failures` fail. A retry and a
    waiting skip lapse on the evening after whose events the sleeve is closing.
    """
    for sleeve in house.sleeves.values():
        if sleeve.number in house.saving:
            debit(house, sleeve, day, take)
        if not sleeve.is_active:
            house.skips.discard(sleeve.number)
            house.retries.pop(sleeve.number, None)


def debit(house: House, sleeve: Sleeve, day: date, take) -> None:
    """What the bank is asked for from one sleeve: its plan days, or a retry that stands for today."""
    number = sleeve.number
    asked, tried = [amount for _due, amount in plan_days(house, sleeve, "instalment", day, day)], 0
    retry = house.retries.get(number)
    if asked and retry:                                  # a plan day takes the place of a retry
        house.alert("debit_failed", number)
        del house.retries[number]
    elif retry and retry[0] == day:
        del house.retries[number]
        plan, tried = plan_in_force(house, number, "instalment", day), retry[2]
        if plan is None or plan["amount_yen"] == 0:
            house.alert("debit_failed", number)
        else:
            asked = [retry[1]]
    if tried == 0 and asked and number in house.skips:
        house.skips.remove(number)
        return
    for amount in asked:
        if (number, day) in house.bank_failures:
            house.alert("debit_failed", number)
        else:
            take(house, sleeve, amount, day)
    if asked and (number, day) in house.bank_failures:
        try_again(house, sleeve, sum(asked), tried, day)


def try_again(house: House, sleeve: Sleeve, amount: int, tried: int, day: date) -> None:
    """With `retry_count > 0` retry 1 stands for the `retry_days`-th business day after `d`, but not if a plan day of the
    sleeve's instalments (moved; skipped or not) lies after `d` and not after that day; the next ones by the same rule, until
    `retry_count` of them have failed.
    """
    rules = house.rules_of(sleeve, day)
    if tried >= rules.get("retry_count", 0):
        return
    again = house.dates.after(day, rules["retry_days"])
    if not plan_days(house, sleeve, "instalment", day + ONE_DAY, again):
        house.retries[sleeve.number] = (again, amount, tried + 1)
