"""§1: calendars and the dates of an order."""

from datetime import date, timedelta

from tests.oracles.fees_oracle import is_business_day

ONE_DAY = timedelta(days=1)


class Dates:
    """Which days are days, for the house and for every instrument."""

    def __init__(self, tables: dict) -> None:
        self.instruments = {row["instrument_no"]: row for row in tables["instruments"]}
        self.holidays = {(row["calendar_id"], row["date"]) for row in tables.get("calendar_holidays", [])}
        self.closed_for_orders = {(row["instrument_no"], row["date"]) for row in tables.get("no_order_days", [])}
        self.known: dict[date, bool] = {}

    def is_business(self, day: date) -> bool:
        """Not Saturday, Sunday, national holiday of Japan, 12-31, 1-1, 1-2, 1-3."""
        if day not in self.known:
            self.known[day] = is_business_day(day)
        return self.known[day]

    def roll(self, day: date) -> date:
        """The day, or the next business day if it is none."""
        while not self.is_business(day):
            day += ONE_DAY
        return day

    def next(self, day: date) -> date:
        """`n(d)`, the next business day of the house."""
        return self.roll(day + ONE_DAY)

    def after(self, day: date, count: int) -> date:
        """The house business day that comes `count` house business days after a business day."""
        for _ in range(count):
            day = self.next(day)
        return day

    def calendars(self, number: int) -> list[str]:
        """`calendar_ids` (for example `US;UK`)."""
        return [name for name in self.instruments[number]["calendar_ids"].split(";") if name]

    def is_instrument_day(self, number: int, day: date) -> bool:
        """Instrument day = house business day that is not a holiday of any of its calendars."""
        return self.is_business(day) and not any((name, day) in self.holidays for name in self.calendars(number))

    def is_orderable(self, number: int, day: date) -> bool:
        """Orderable day = instrument day that is not one of its no-order days."""
        return self.is_instrument_day(number, day) and (number, day) not in self.closed_for_orders

    def next_instrument_day(self, number: int, day: date) -> date:
        """The next instrument day after a day."""
        day = self.next(day)
        while not self.is_instrument_day(number, day):
            day = self.next(day)
        return day

    def priced_date(self, number: int, placed: date) -> date:
        """The instrument day that comes `price_lag_days` instrument days after `placed_date` (lag 0: the placed date)."""
        for _ in range(self.instruments[number]["price_lag_days"]):
            placed = self.next_instrument_day(number, placed)
        return placed

    def settlement_date(self, number: int, priced: date, side: str) -> date:
        """The house business day that comes `buy_/sell_settlement_days` house business days after `priced_date`."""
        return self.after(priced, self.instruments[number][f"{side}_settlement_days"])

    def first_placed(self, number: int, evening: date) -> date:
        """The placed date of an order decided on the first evening `e ≥ d` whose `n(e)` is orderable."""
        placed = self.next(evening)
        while not self.is_orderable(number, placed):
            placed = self.next(placed)
        return placed

    def priced(self, number: int, evening: date) -> date:
        """§6: `priced(i, d)`: the priced date if decided on the first evening `e ≥ d` whose `n(e)` is orderable."""
        return self.priced_date(number, self.first_placed(number, evening))

    def settles(self, number: int, evening: date, side: str) -> date:
        """§6: `settles(i, d, side)`: the settlement date if decided on that evening."""
        return self.settlement_date(number, self.priced(number, evening), side)
