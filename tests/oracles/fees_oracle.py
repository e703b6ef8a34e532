"""A slow, plain reading of the fee specification, to check fast code against: exact fractions, loops over days.

Every rule is one small function with the sentence that it reads quoted beside it.
The order of the list is the order in which the money is charged:

- a charge in arrears, and a performance fee, on the last day that they price;
- a charge in advance on the first day that it prices;
- an addition or the refund of a reduction on the day of the flow;
- the refund of a termination on the day of the termination.

Within one day: the balance charge, the element of the flow, the refund of the termination ("after the flows of that
day"), then the performance fees ("the period's own balance charge is subtracted first"), in the order of the file.
"""

from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from math import floor

import holidays

ONE_DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
MILLION = 1_000_000


def days_of(first: date, last: date) -> list[date]:
    """Both ends of a period count."""
    days = []
    while first <= last:
        days.append(first)
        first += ONE_DAY
    return days


@cache
def national_holidays(year: int):
    """The national holidays of one year."""
    return holidays.country_holidays("JP", years=[year])


def is_business_day(day: date) -> bool:
    """Business day: not Saturday, Sunday, a national holiday, 12-31, 1-1, 1-2, 1-3."""
    closed = (day.month, day.day) in {(12, 31), (1, 1), (1, 2), (1, 3)}
    return not (closed or day.weekday() >= 5 or day in national_holidays(day.year))


def is_leap_year(year: int) -> bool:
    """The Gregorian rule."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def filled(values: list, start: date, through: date) -> dict:
    """Any day without a row repeats the last one; rows before `--start` never fill the first day. -> {day: row}"""
    rows = {day: (value, cash) for day, value, cash in values}
    by_day = {}
    last = rows[start]
    for day in days_of(start, through):
        last = by_day[day] = rows.get(day, last)
    return by_day


def base_value(terms: dict, row: tuple) -> Fraction:
    """`value_yen` includes `cash_yen`; excluded = value − cash."""
    value, cash = row
    return Fraction(value if terms["base"]["cash"] == "included" else value - cash)


# ------------------------------------------------------------------------------------------------------------ periods
def last_of_month(day: date) -> date:
    """The last day of the month of a day."""
    while (day + ONE_DAY).month == day.month:
        day += ONE_DAY
    return day


def calendar_end(first: date, months: int) -> date:
    """calendar: the first period is short and ends with the calendar period (quarters end 3, 6, 9, 12)."""
    day = last_of_month(first)
    while day.month % months:
        day = last_of_month(day + ONE_DAY)
    return day


def contract_end(start: date, months: int) -> date:
    """contract: each ends the day before the same date, or, in a month that lacks the date, on its last day."""
    month = start.month - 1 + months
    last = last_of_month(date(start.year + month // 12, month % 12 + 1, 1))
    return last if start.day > last.day else last.replace(day=start.day) - ONE_DAY


def whole_periods(terms: dict, start: date, until: date) -> list[tuple[date, date]]:
    """The fee periods that begin on or before a day, to their full ends; contract: counted from the first day."""
    months = MONTHS[terms["period"]["length"]]
    by_contract = terms["period"]["align"] == "contract"
    periods = []
    first = start
    while first <= until:
        last = contract_end(start, months * (len(periods) + 1)) if by_contract else calendar_end(first, months)
        periods.append((first, last))
        first = last + ONE_DAY
    return periods


def cut_periods(terms: dict, start: date, through: date, terminated: date | None) -> list[tuple[date, date]]:
    """A contract that ends has its last period cut at the end date; one that ends after `--through` is not charged."""
    periods = whole_periods(terms, start, terminated or through)
    if terminated:
        periods[-1] = (periods[-1][0], terminated)
    return [(first, last) for first, last in periods if last <= through]


def pricing_day(terms: dict, day: date, period: tuple[date, date]) -> date:
    """`k(d)` is the day that `rates_of` names; `period-start` and `period-end` are those of the whole fee period."""
    return {"day": day, "period-start": period[0], "period-end": period[1]}[terms.get("rates_of", "day")]


def year_length(terms: dict, day: date) -> int:
    """365 | 366 | "actual" (366 for each day that lies in a leap year)."""
    days = terms["year"]["days"]
    return 365 + is_leap_year(day.year) if days == "actual" else days


def consumption_tax(day: date) -> Fraction:
    """Consumption tax by date: 5 % from 1997-04-01, 8 % from 2014-04-01, 10 % from 2019-10-01."""
    for since, percent in ((date(2019, 10, 1), 10), (date(2014, 4, 1), 8), (date(1997, 4, 1), 5)):
        if day >= since:
            return Fraction(percent, 100)
    raise LookupError(f"no consumption tax rate on {day}")


def with_tax(terms: dict, amount: Fraction, day: date) -> Fraction:
    """added: consumption tax of the day's rate table date is added before the one rounding."""
    return amount * (1 + consumption_tax(day)) if terms["tax"]["kind"] == "added" else amount


def tiers_in_force(component: dict, day: date) -> list:
    """The row in force on a day is the one with the latest `from` not after it, whatever the order in the file."""
    rows = [row for row in component["rates"] if row["from"] <= day]
    if not rows:
        raise LookupError(f"no rates in force on {day}")
    return max(rows, key=lambda row: row["from"])["tiers"]


def marginal_fee(tiers: list, base: Fraction) -> Fraction:
    """Marginal: each slice of the base pays its own tier."""
    fee = Fraction(0)
    for number, (low, ppm) in enumerate(tiers):
        high = tiers[number + 1][0] if number + 1 < len(tiers) else base
        if base > low:
            fee += (min(base, high) - low) * Fraction(ppm, MILLION)
    return fee


def whole_fee(tiers: list, base: Fraction) -> Fraction:
    """whole: its fee falls behind a floor; a base equal to a floor still pays the tier below it."""
    rate = tiers[0][1]
    for low, ppm in tiers:
        if base > low:
            rate = ppm
    return base * Fraction(rate, MILLION)


def yearly_fee(terms: dict, component: dict, base: Fraction, day: date) -> Fraction:
    """`T_k(x)`: the yearly fee of base `x` under the table (and the tax) in force on day `k`."""
    fee = whole_fee if component.get("tiering", "marginal") == "whole" else marginal_fee
    return with_tax(terms, fee(tiers_in_force(component, day), base), day)


def rounded(terms: dict, amount: Fraction) -> int:
    """down | up | half-up | half-even: once per component and charge, never per day."""
    below = floor(amount)
    rest = amount - below
    half = Fraction(1, 2)
    even = rest > half or (rest == half and below % 2 == 1)
    return below + {"down": False, "up": rest > 0, "half-up": rest >= half, "half-even": even}[terms["rounding"]["to"]]


def balance_components(terms: dict) -> list[dict]:
    """The components by balance."""
    return [component for component in terms["component"] if component["kind"] == "balance"]


def priced(terms: dict, kind: str, first: date, last: date, base: Fraction, yearly) -> dict:
    """component = round( Σ over the days d of T_k(d)(x_d) / Y(d) ), each rounded by itself.

    `yearly(component, day)` gives T_k(d)(x_d), or a difference of two of them.
    """
    components = {}
    for component in balance_components(terms):
        total = Fraction(0)
        for day in days_of(first, last):
            total += yearly(component, day) / year_length(terms, day)
        components[component["name"]] = rounded(terms, total)
    return element(kind, first, last, base, components)


def element(kind: str, first: date, last: date, base: Fraction, components: dict) -> dict:
    """One element of the `--json` array: `start`, `end` (dates priced), `base_yen` (a string, exact)."""
    named = {"kind": kind, "start": first.isoformat(), "end": last.isoformat(), "base_yen": str(base)}
    return {**named, "components": components, "total_yen": sum(components.values())}


# ---------------------------------------------------------------------------------------------------------- in arrears
def mean(amounts: list[Fraction]) -> Fraction:
    """The exact mean."""
    return sum(amounts, Fraction(0)) / len(amounts)


def average_base(terms: dict, by_day: dict, days: list[date]) -> Fraction:
    """The days that enter the average: calendar | business (if a period holds no business day: all its days).
    down: the average itself cut to whole yen first.
    """
    if terms["base"]["days"] == "business":
        days = [day for day in days if is_business_day(day)] or days
    average = mean([base_value(terms, by_day[day]) for day in days])
    return Fraction(floor(average)) if terms["rounding"].get("average", "none") == "down" else average


def closing_base(terms: dict, by_day: dict, days: list[date]) -> Fraction:
    """The value of the period's last business day; in a period without a business day: the value of its last day."""
    business = [day for day in days if is_business_day(day)]
    return base_value(terms, by_day[(business or days)[-1]])


def arrears_charge(terms: dict, by_day: dict, first: date, last: date) -> dict:
    """`x_d` is the average of the period (`average`), the day's own value (`daily`), or the value of the period's
    last business day (`closing`). `base_yen` under `daily` is the mean of the daily bases.
    """
    measure = terms["base"]["measure"]
    days = days_of(first, last)
    if measure == "daily":
        bases = {day: base_value(terms, by_day[day]) for day in days}
        base = mean(list(bases.values()))
    else:
        base = {"average": average_base, "closing": closing_base}[measure](terms, by_day, days)
        bases = dict.fromkeys(days, base)

    def yearly(component: dict, day: date) -> Fraction:
        return yearly_fee(terms, component, bases[day], pricing_day(terms, day, (first, last)))

    return priced(terms, "charge", first, last, base, yearly)


# ---------------------------------------------------------------------------------------------------------- in advance
def opening_day(start: date, first: date) -> date:
    """The last business day before the period, not before the contract's first day; in a first period, that day."""
    day = first - ONE_DAY
    while day > start and not is_business_day(day):
        day -= ONE_DAY
    return max(day, start)


def difference(terms: dict, period: tuple, low: Fraction, high: Fraction):
    """The difference that an amount makes on top of what is there."""

    def yearly(component: dict, day: date) -> Fraction:
        named = pricing_day(terms, day, period)
        return yearly_fee(terms, component, high, named) - yearly_fee(terms, component, low, named)

    return yearly


class Running:
    """The running base is the opening plus the charged flows so far."""

    def __init__(self) -> None:
        self.base = Fraction(0)
        self.uncharged: list[list] = []  # [day, yen] of additions that no charge has held yet

    def open(self, opening: Fraction, named: date) -> None:
        """A new period: additions up to the day that the opening is taken from are inside it, and charged by it."""
        self.base = opening
        self.uncharged = [entry for entry in self.uncharged if entry[0] > named]

    def cancel(self, amount: int) -> int:
        """A reduction first cancels additions that were never charged (the latest first); -> what is left of it."""
        for entry in reversed(self.uncharged):
            taken = min(entry[1], amount)
            entry[1] -= taken
            amount -= taken
        return amount


def addition(terms: dict, period: tuple, day: date, amount: int, running: Running) -> list[dict]:
    """An addition on day t is charged for t..end.

    none | own (the added amount alone, from tier 1) | stacked (the difference that it makes on top of what is there).
    """
    mode = terms["advance"]["addition"]
    if mode == "none":
        running.uncharged.append([day, amount])
        return []
    low = Fraction(0) if mode == "own" else running.base
    running.base += amount
    yearly = difference(terms, period, low, low + amount)
    return [priced(terms, "addition", day, period[1], Fraction(amount), yearly)]


def reduction(terms: dict, period: tuple, day: date, amount: Fraction, running: Running) -> list[dict]:
    """A reduction is refunded for the days after t: prorated (the difference that it makes); at most the running
    base. Under `none`, on the period's last day, or with nothing left to reduce it gives no element.
    """
    amount = min(amount, running.base)
    if terms["advance"]["refund"] == "none" or amount == 0:
        return []
    high = running.base
    running.base -= amount
    if day == period[1]:
        return []
    yearly = difference(terms, period, running.base, high)
    return [priced(terms, "refund", day + ONE_DAY, period[1], amount, yearly)]


def in_advance(terms: dict, by_day: dict, start: date, through: date, terminated: date | None, flows: list) -> list:
    """In advance a period is charged if it starts on or before `--through`, to its full end. -> [(day, element)]"""
    end = terminated or through
    amounts = {day: amount for day, amount in flows if day != start}  # the first day's own money is the base
    running = Running()
    charged = []
    for period in whole_periods(terms, start, end):
        named = opening_day(start, period[0])
        running.open(base_value(terms, by_day[named]), named)
        yearly = difference(terms, period, Fraction(0), running.base)
        charged.append((period[0], priced(terms, "charge", *period, running.base, yearly)))
        for day in days_of(period[0], min(period[1], end)):
            amount = amounts.get(day, 0)
            found = []
            if amount > 0:
                found = addition(terms, period, day, amount, running)
            elif amount < 0:
                found = reduction(terms, period, day, Fraction(running.cancel(-amount)), running)
            if day == terminated:  # the days end+1..period end on the running base, after the flows of that day
                found += reduction(terms, period, day, running.base, running)
            charged += [(day, one) for one in found]
    return charged


def moved_mark(component: dict, mark: Fraction, amount: int, value_after: int) -> Fraction:
    """A deposit adds to the mark; a withdrawal scales it by (value after)/(value before), the value on a flow day
    being after the flow (scaled), or is subtracted from it (subtracted).
    """
    if amount >= 0 or component["mark"] == "subtracted":
        return mark + amount
    return mark * Fraction(value_after, value_after - amount)


def performance_ends(component: dict, periods: list, terminated: date | None) -> list[date]:
    """The first runs from the start to the end of the 4th period counted from the first; also at termination."""
    ends = []
    for number, (_first, last) in enumerate(periods, start=1):
        if number % component["every"] == 0 or last == terminated:
            ends.append(last)
    return ends


def performance(terms: dict, component: dict, by_day: dict, ends: list, own_charge: dict, flows: list) -> list:
    """The base is the value of the period's last day over the mark; the mark starts at the first day's value and
    after a fee is the value after it; a loss leaves it. Tax and `rate_ppm` as on the period's last day.

    The period's own balance charge is subtracted first: `own_charge` {last day: yen} holds it where it is not
    already an earlier fee. -> [(day, element)]
    """
    start = first = min(by_day)
    amounts = {day: amount for day, amount in flows if day != start}  # already in the first day's value
    mark = Fraction(by_day[start][0])
    charged = []
    for day in days_of(start, ends[-1] if ends else start):
        if day in amounts:
            mark = moved_mark(component, mark, amounts[day], by_day[day][0])
        if day in ends:
            value = Fraction(by_day[day][0] - own_charge.get(day, 0))
            profit = max(Fraction(0), value - mark)
            fee = rounded(terms, with_tax(terms, profit * Fraction(component["rate_ppm"], MILLION), day))
            charged.append((day, element("performance", first, day, profit, {component["name"]: fee})))
            mark = value - fee if profit > 0 else mark
            first = day + ONE_DAY
    return charged


def charges(terms: dict, values: list, start: date, through: date, terminated: date | None, flows: list) -> list[dict]:
    """Everything charged and refunded up to `through`, in the order in which the money is charged (see the top).

    `values` [(date, value_yen, cash_yen or None)], `flows` [(date, amount_yen)], `terms` as TOML is read.
    """
    by_day = filled(values, start, through)
    periods = cut_periods(terms, start, through, terminated)
    charged = []  # [(the day on which it is charged, element)]
    if balance_components(terms) and terms["period"]["timing"] == "advance":
        charged = in_advance(terms, by_day, start, through, terminated, flows)
    elif balance_components(terms):
        charged = [(last, arrears_charge(terms, by_day, first, last)) for first, last in periods]
    in_arrears = terms["period"]["timing"] == "arrears"
    own_charge = {day: one["total_yen"] for day, one in charged if in_arrears}
    for component in terms["component"]:
        if component["kind"] == "performance":
            ends = performance_ends(component, periods, terminated)
            charged += performance(terms, component, by_day, ends, own_charge, flows)
    charged.sort(key=lambda pair: pair[0])  # a stable sort: within one day the order above holds
    return [one for _day, one in charged]
