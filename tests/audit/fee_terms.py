"""A fee in arrears from its terms, in fractions: the auditor's own reading of the terms file."""

import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from functools import cache

MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
TAXES = ((date(2019, 10, 1), 10), (date(2014, 4, 1), 8), (date(1997, 4, 1), 5))
DAY = timedelta(1)


def last_of_month(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - DAY


def tax_percent(day: date) -> int:
    return next((percent for start, percent in TAXES if day >= start), 0)


def rounded(number: Fraction, mode: str) -> int:
    below = number.numerator // number.denominator
    rest = number - below
    if mode == "down" or rest == 0:
        return below
    if mode == "up":
        return below + 1
    if rest == Fraction(1, 2):
        return below + 1 if mode == "half-up" else below + below % 2
    return below + int(rest > Fraction(1, 2))


class History:
    """Yen of a contract or sleeve by date; a day without a row repeats the last one, and before the first there is nothing."""

    def __init__(self, days: list[date], yen: list[int]):
        self.days, self.yen, self.sums = days, yen, [0]
        for index, amount in enumerate(yen[:-1]):
            self.sums.append(self.sums[-1] + amount * (days[index + 1] - days[index]).days)

    def on(self, day: date) -> int:
        index = bisect_right(self.days, day) - 1
        return self.yen[index] if index >= 0 else 0

    def through(self, day: date) -> int:
        """Σ over all calendar days up to and with `day`."""
        index = bisect_right(self.days, day) - 1
        return 0 if index < 0 else self.sums[index] + self.yen[index] * ((day - self.days[index]).days + 1)

    def total(self, start: date, end: date) -> int:
        return self.through(end) - self.through(start - DAY)


class Terms:
    def __init__(self, text: str):
        read = tomllib.loads(text)
        self.rates_of = read.get("rates_of", "day")
        self.length, self.align = MONTHS[read["period"]["length"]], read["period"]["align"]
        self.arrears = read["period"]["timing"] == "arrears"
        self.measure = read["base"]["measure"]
        self.business = read["base"].get("days") == "business"
        self.excluded = read["base"].get("cash") == "excluded"
        self.year = read["year"]["days"]
        self.mode, self.cut = read["rounding"]["to"], read["rounding"].get("average", "none") == "down"
        self.added = read["tax"]["kind"] == "added"
        self.components = {part["name"]: part for part in read["component"]}

    def is_like(self, other: "Terms | None") -> bool:
        """Whether other terms have the same periods and components."""
        mine, theirs = ((of.length, of.align, of.arrears, set(of.components)) if of else None for of in (self, other))
        return mine == theirs

    def period_ends(self, start: date) -> Iterator[date]:
        """The last days of the periods of a contract that starts on `start`."""
        count = 0
        while True:
            count += 1
            if self.align == "calendar":
                index = (start.month - 1) // self.length * self.length + count * self.length - 1
                yield last_of_month(start.year + index // 12, index % 12 + 1)
            else:
                index = start.month - 1 + count * self.length
                last = last_of_month(start.year + index // 12, index % 12 + 1)
                yield last if last.day < start.day else last.replace(day=start.day) - DAY

    def _rate_row(self, component: dict, day: date) -> dict:
        return max((row for row in component["rates"] if row["from"] <= day), key=lambda row: row["from"])

    def _year_days(self, day: date) -> int:
        leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
        return self.year if self.year != "actual" else 366 if leap else 365

    def _rate_day(self, day: date, start: date, end: date) -> date:
        return {"day": day, "period-start": start, "period-end": end}[self.rates_of]

    def _yearly(self, component: dict, base: Fraction, rate_day: date) -> Fraction:
        tiers = self._rate_row(component, rate_day)["tiers"]
        total = Fraction(0)
        if component.get("tiering", "marginal") == "whole":
            total = base * [rate for floor, rate in tiers if floor < base or floor == 0][-1]
        else:
            for index, (floor, rate) in enumerate(tiers):
                top = base if index + 1 == len(tiers) else min(base, tiers[index + 1][0])
                total += max(top - floor, Fraction(0)) * rate
        return total / 10**6 * (Fraction(100 + tax_percent(rate_day), 100) if self.added else 1)

    def bases(self, history: History, start: date, end: date,
              is_business: Callable[[date], bool]) -> tuple[Fraction, list[tuple[date, date, Fraction]]]:
        """The base of the period as it is shown, and the runs of days (first, last, base) that are priced."""
        days = [start + DAY * index for index in range((end - start).days + 1)]
        if self.measure == "daily":
            firsts = [start] + [day for day in history.days if start < day <= end]
            lasts = [day - DAY for day in firsts[1:]] + [end]
            runs = [(first, last, Fraction(history.on(first))) for first, last in zip(firsts, lasts, strict=True)]
            return Fraction(history.total(start, end), len(days)), runs
        entering = [day for day in days if is_business(day)] if self.business or self.measure == "closing" else days
        if self.measure == "closing":
            base = Fraction(history.on(max(entering, default=end)))
        elif self.business and entering:
            base = Fraction(sum(history.on(day) for day in entering), len(entering))
        else:
            base = Fraction(history.total(start, end), len(days))
        if self.cut and self.measure == "average":
            base = Fraction(base.numerator // base.denominator)
        return base, [(start, end, base)]

    @cache  # noqa: B019 (a few terms live as long as the audit)
    def _counted(self, name: str, first: date, last: date, start: date, end: date) -> list[tuple[date, int, int]]:
        """(rate day, year length, days) of the days first..last of the period start..end, put together where the price is one."""
        component, counted = self.components[name], {}
        for index in range((last - first).days + 1):
            rate_day = self._rate_day(first + DAY * index, start, end)
            year = self._year_days(first + DAY * index)
            key = (self._rate_row(component, rate_day)["from"], tax_percent(rate_day) if self.added else 0, year)
            counted[key] = (*counted.get(key, (rate_day, year, 0))[:2], counted.get(key, (0, 0, 0))[2] + 1)
        return list(counted.values())

    def fee(self, name: str, runs: list[tuple[date, date, Fraction]], start: date, end: date) -> int:
        total = Fraction(0)
        for first, last, base in runs:
            for rate_day, year, count in self._counted(name, first, last, start, end):
                total += self._yearly(self.components[name], base, rate_day) * count / year
        return rounded(total, self.mode)
