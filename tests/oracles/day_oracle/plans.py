"""Plans: instalments that are debited and drawings that become payouts."""

from datetime import date, timedelta

from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.promises import open_payout, over_drawing_limit, promise
from tests.oracles.day_oracle.state import House, Payout, Sleeve
from tests.oracles.fees_oracle import last_of_month


def plan_in_force(house: House, sleeve_no: int, kind: str, day: date) -> dict | None:
    """In force: latest valid_from_date; amount 0 = stopped."""
    rows = [row for row in house.tables.get("plans", [])
            if (row["sleeve_no"], row["kind"]) == (sleeve_no, kind) and row["valid_from_date"] <= day]
    return max(rows, key=lambda row: row["valid_from_date"]) if rows else None


def plan_days(house: House, sleeve: Sleeve, kind: str, first: date, last: date) -> list[tuple[date, int]]:
    """The plan days from first to last with their amounts: the day of the month (the month's last day if it is shorter)
    before it is moved to the next business day decides which row is in force, and must lie after the day the sleeve opened.
    """
    found = []
    if not any((row["sleeve_no"], row["kind"]) == (sleeve.number, kind) for row in house.tables.get("plans", [])):
        return found
    month = first.replace(day=1) - ONE_DAY
    month = month.replace(day=1)
    while month <= last:
        end = last_of_month(month)
        for row in house.tables.get("plans", []):
            if (row["sleeve_no"], row["kind"]) != (sleeve.number, kind) or row["amount_yen"] <= 0:
                continue
            named = month.replace(day=min(row["day_of_month"], end.day))
            due = house.dates.roll(named)
            if plan_in_force(house, sleeve.number, kind, named) is row and named > sleeve.opened_date and first <= due <= last:
                found.append((due, row["amount_yen"]))
        month = end + ONE_DAY
    return sorted(found)


def instalments(house: House, day: date, take) -> None:
    """Debit on their day as an event of kind instalment, after the events of the events table of that day, in sleeve_no
    order, when the sleeve is open and not closing and its amount > 0; sleeves in `bank_failures` fail.
    """
    for sleeve in house.open_sleeves():
        if not sleeve.is_active:
            continue
        for _due, amount in plan_days(house, sleeve, "instalment", day, day):
            if (sleeve.number, day) in house.bank_failures:
                house.alert("debit_failed", sleeve.number)
            else:
                take(house, sleeve, amount, day)


def drawings(house: House, day: date) -> None:
    """A payout of a plan's amount with promised date = the plan's day (moved to the next business day), created on the
    first evening on which `promise(n(n(n(d))))` for that sleeve would be later than that day (or on the day's eve at the
    latest), refused with an alert (tried again each evening) if above the withdrawal limit.
    """
    third, eve_of = house.dates.after(day, 3), house.dates.next(day)
    for sleeve in house.open_sleeves():
        if not sleeve.is_active:
            continue
        for due, amount in plan_days(house, sleeve, "drawing", day + ONE_DAY, day + timedelta(days=100)):
            if (sleeve.number, due) in house.done_drawings or (promise(house, sleeve, third, day) <= due and due > eve_of):
                continue
            if over_drawing_limit(house, sleeve, amount, day):
                house.alert("drawing_refused", sleeve.number)
            else:
                house.done_drawings.add((sleeve.number, due))
                open_payout(house, sleeve, Payout("drawing", sleeve.number, amount, day, due, due))


def drawings_ahead(house: House, sleeve: Sleeve, day: date) -> int:
    """Drawings of the plan due within 60 calendar days after d that are not yet payouts."""
    ahead = plan_days(house, sleeve, "drawing", day + ONE_DAY, day + timedelta(days=60))
    return sum(amount for due, amount in ahead if (sleeve.number, due) not in house.done_drawings)
