"""Goals of a close, slowly (目標の素朴な計算): docs/close.md §10 read again, one goal and one evening at a time.

The probability is worked out backward, month by month, on a grid of the logarithm of the money: `h_k(u)` is the chance of the goal
when e^u is there right after a payment and k months are left. Nothing here is taken from the code of the close.
"""

import math
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import timedelta
from functools import cache

import numpy as np

MILLION = 1_000_000
ZONES = ("alert", "below", "right", "above")
GATES = {
    "contract_ppm": 800_000, "right_low_ppm": 800_000, "right_high_ppm": 950_000, "alert_ppm": 650_000, "hysteresis_ppm": 50_000,
}
MOST_MONTHS, MOST_YEN = 2_400, 10 ** 15
STEPS, WIDTH = 8, 7  # grid points a standard deviation of one month, and how many deviations count


def normal_below(x: float) -> float:
    """The chance that a standard normal draw is below x."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def normal_many(x: np.ndarray) -> np.ndarray:
    """`normal_below` of many."""
    return np.array([normal_below(one) for one in x.tolist()])


def month_law(mean_ppm: int, risk_ppm: int) -> tuple[float, float]:
    """Drift and standard deviation of the logarithm of a month's growth."""
    growth = 1 + mean_ppm / MILLION
    variance = math.log1p((risk_ppm / MILLION / growth) ** 2)
    return (math.log(growth) - variance / 2) / 12, math.sqrt(variance / 12)


class Ladder:
    """The chances h_1, h_2, … of one monthly payment, target, mean and risk, as far as they were asked for."""

    def __init__(self, monthly: int, target: int, mean_ppm: int, risk_ppm: int, most: int):
        assert monthly and risk_ppm
        self.monthly, self.target = monthly, target
        self.drift, self.deviation = month_law(mean_ppm, risk_ppm)
        self.step = self.deviation / STEPS
        reach = abs(self.drift) * most + WIDTH * self.deviation * math.sqrt(most) + self.step * 4
        if monthly > 0:
            low, high = math.log(monthly) - 1, math.log(max(target, monthly)) + reach
        else:
            least = min(target, -monthly) if target else -monthly
            low, high = math.log(least) - 1 - 12 * self.deviation, math.log(target - monthly * most) + reach
        self.grid = np.arange(low, high, self.step)
        self.first = 1
        points = np.arange(-WIDTH * STEPS, WIDTH * STEPS + 1)
        weights = np.exp(-0.5 * (points / STEPS) ** 2)
        self.points, self.weights = points, weights / weights.sum()
        # where money stands after a month's growth from the grid, before its payment: the payment is added here
        count = len(self.grid) + len(points) - 1
        before = low + self.drift + self.step * (np.arange(count) - WIDTH * STEPS)
        paid = np.exp(before) + monthly
        self.after = np.where(paid > 0, np.log(np.maximum(paid, 1e-300)), -math.inf)
        if target > 0:
            self.tables = [normal_many((self.grid + self.drift - math.log(target)) / self.deviation)]
        elif monthly > 0:
            self.tables = [np.ones(len(self.grid))]
        else:  # the last payment must be there, and after it everything is well: begin with two months left
            self.first = 2
            self.tables = [normal_many((self.grid + self.drift - math.log(-monthly)) / self.deviation)]

    def table(self, months: int) -> np.ndarray:
        """h_months on the grid."""
        while len(self.tables) <= months - self.first:
            self.tables.append(np.convolve(self._read(self.tables[-1], self.after), self.weights, mode="valid"))
        return self.tables[months - self.first]

    def _read(self, table: np.ndarray, at: np.ndarray) -> np.ndarray:
        """A table between its points (a cubic through four of them); below and above it what stands at its ends."""
        place = (np.maximum(at, self.grid[0]) - self.grid[0]) / self.step
        index = np.clip(np.floor(place).astype(int), 1, len(table) - 3)
        t = np.clip(place - index, -1, 2)
        a, b, c, d = (table[index + shift] for shift in (-1, 0, 1, 2))
        cubic = (-t * (t - 1) * (t - 2) * a + 3 * (t + 1) * (t - 1) * (t - 2) * b
                 - 3 * (t + 1) * t * (t - 2) * c + (t + 1) * t * (t - 1) * d) / 6
        least = table[0] if self.monthly > 0 else 0.0
        return np.where(at <= self.grid[0], least, np.where(place >= len(table) - 1, table[-1], np.clip(cubic, 0, 1)))

    def chance(self, now: int, months: int, part: float) -> float:
        """The chance with `now` yen, a part of a month without a payment, then full months."""
        if part == 0:
            return float(self._paid(np.array([float(now)]), months)[0])
        draws = np.linspace(-8, 8, 20_001)  # fine: with one month left, ruin is a step
        weights = np.exp(-0.5 * draws ** 2)
        money = now * np.exp(self.drift * part + self.deviation * math.sqrt(part) * draws)
        return float((self._paid(money, months) * weights).sum() / weights.sum())

    def _paid(self, money: np.ndarray, months: int) -> np.ndarray:
        paid = money + self.monthly
        if months < self.first:
            return np.where(paid >= 0, 1.0, 0.0)
        table = self.table(months)
        if self.monthly > 0:
            return self._read(table, np.log(paid))
        return np.where(paid > 0, self._read(table, np.log(np.maximum(paid, 1e-300))), 0.0)


@cache
def ladder(monthly: int, target: int, mean_ppm: int, risk_ppm: int, most: int) -> Ladder:
    """One ladder for all evenings that ask with the same payment, target and law."""
    return Ladder(monthly, target, mean_ppm, risk_ppm, most)


def without_risk(now: int, monthly: int, target: int, months_ppm: int, mean_ppm: int) -> bool:
    """Whether a deposit at interest gets there."""
    growth = 1 + mean_ppm / MILLION
    full, part = divmod(months_ppm, MILLION)
    money = now * growth ** (part / MILLION / 12)
    for _ in range(full):
        money += monthly
        if money < -1e-6:
            return False
        money *= growth ** (1 / 12)
    return money >= target * (1 - 1e-12)


def probability_ppm(now: int, monthly: int, target: int, months_ppm: int, mean_ppm: int, risk_ppm: int) -> int:
    """The probability of a goal in ppm; 0 and 1,000,000 only where it is certain."""
    now = max(now, 0)
    full, part = divmod(months_ppm, MILLION)
    if months_ppm == 0:
        return MILLION if now > 0 and now >= target else 0
    if now == 0 and (monthly == 0 or full == 0):
        return 0
    if risk_ppm == 0:
        return MILLION if without_risk(now, monthly, target, months_ppm, mean_ppm) else 0
    paying = monthly if full else 0
    if paying >= 0 and target == 0:
        return MILLION
    if now == 0 and paying <= 0 or part == 0 and now + paying < 0:
        return 0
    if part == 0 and paying < 0 and now + paying == 0 and (full > 1 or target > 0):
        return 0
    if part == 0 and full == 1 and paying < 0 and target == 0:
        return MILLION
    if paying:
        # by whole years, so that the evenings of one goal share a ladder
        chance = ladder(paying, target, mean_ppm, risk_ppm, 12 * (full // 12 + 1)).chance(now, full, part / MILLION)
    else:
        drift, deviation = month_law(mean_ppm, risk_ppm)
        months = months_ppm / MILLION
        chance = normal_below((math.log(now / target) + drift * months) / (deviation * math.sqrt(months)))
    return min(max(math.floor(chance * MILLION + 0.5), 1), MILLION - 1)


def month_later(day: Date, months: int) -> Date:
    """The same day of the month some months later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return Date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months_left(day: Date, target_date: Date) -> int:
    """The months from a day to a date, times a million: full ones, then the days over the days of the month that begins there."""
    if target_date <= day:
        return 0
    full = 0
    while month_later(day, full + 1) <= target_date:
        full += 1
    begins = month_later(day, full)
    return full * MILLION + (target_date - begins).days * MILLION // (month_later(day, full + 1) - begins).days


def zone_of(before: str | None, ppm: int, gates: dict) -> str:
    """The zone of an evening, from the one of the evening before (none: it had none)."""
    alert, low, high, back = (gates[name] for name in ("alert_ppm", "right_low_ppm", "right_high_ppm", "hysteresis_ppm"))
    if before is None:
        return "alert" if ppm < alert else "below" if ppm < low else "above" if ppm > high else "right"
    zone = ZONES.index(before)
    if zone == 0 and ppm >= alert + back:
        zone = 1
    if zone == 1 and ppm >= low + back:
        zone = 2
    if zone == 2 and ppm > high:
        zone = 3
    if zone == 3 and ppm <= high - back:
        zone = 2
    if zone == 2 and ppm < low:
        zone = 1
    if zone == 1 and ppm < alert:
        zone = 0
    return ZONES[zone]


def in_force(rows: list[dict], day: Date) -> dict | None:
    """The row with the latest valid_from_date that is not after a day."""
    return max((row for row in rows if row["valid_from_date"] <= day), key=lambda row: row["valid_from_date"], default=None)


def monthly_of(plans: list[dict], day: Date, value: int) -> int:
    """Instalments less drawings of a sleeve's plans in force, a month; a twelfth of a year's bonuses.

    Terms of a fixed amount (`kind` "terms") draw it in place of the drawing plan, at most what the sleeve is worth; 0 is a pause.
    """
    total = 0
    terms = in_force([plan for plan in plans if plan["kind"] == "terms"], day)
    if terms and terms["until_date"] and terms["until_date"] < day:
        terms = None
    if terms:
        total -= min(terms["amount_yen"], max(value, 0))
    for kind, sign in (("instalment", 1), ("drawing", -1)):
        if terms and kind == "drawing":
            continue
        row = in_force([plan for plan in plans if plan["kind"] == kind], day)
        if row is None or row["amount_yen"] == 0:
            continue
        days = len((row.get("days_of_month") or "1").split(";"))
        bonuses = len([month for month in (row.get("bonus_months") or "").split(";") if month])
        total += sign * (row["amount_yen"] * days + (row.get("bonus_yen") or 0) * bonuses // 12)
    return total


def target_of(row: dict, name: str = "target_yen") -> int:
    """The target (or the essential amount) in yen of its date, at most a thousand trillion."""
    if row.get("target_kind", "nominal") == "nominal":
        return min(row[name], MOST_YEN)
    years = (row["target_date"] - row["valid_from_date"]).days / 365.25
    return min(math.floor(row[name] * (1 + row["inflation_ppm"] / MILLION) ** years + 0.5), MOST_YEN)


@dataclass
class Life:
    """What the close knew of one sleeve and its goal: rows of the reference tables, and what the export says day by day."""

    days: list[Date]
    opened: Date
    closing: Date | None                     # the first evening on which it is closing or closed
    models: list[dict]                       # valid_from_date, model_no
    plans: list[dict]
    targets: list[dict]
    gates: list[dict]
    limits: list[dict]
    assumptions: dict[int, list[dict]]
    values: dict[Date, int]
    flows: dict[Date, int] = field(default_factory=dict)

    def open_on(self, day: Date | None) -> bool:
        return day is not None and self.opened <= day and (self.closing is None or day < self.closing)

    def before(self, day: Date) -> Date | None:
        place = self.days.index(day)
        return self.days[place - 1] if place else None

    def assumption(self, day: Date) -> dict | None:
        model = in_force(self.models, day)
        return None if model is None else in_force(self.assumptions.get(model["model_no"], []), day)

    def followed(self, day: Date) -> bool:
        target, before = in_force(self.targets, day), self.before(day)
        if target is None or not self.open_on(day) or before is not None and target["target_date"] <= before:
            return False
        return self.values.get(day, 0) > 0 or monthly_of(self.plans, day, self.values.get(day, 0)) != 0

    def course(self, day: Date) -> dict:
        target, told = in_force(self.targets, day), self.assumption(day)
        return {
            "value_yen": self.values[day], "monthly_yen": monthly_of(self.plans, day, self.values[day]),
            "target_yen": target_of(target), "floor_yen": target_of(target, "floor_yen"),
            "target_date": target["target_date"], "months_ppm": months_left(day, target["target_date"]),
            "mean_ppm": told and told["mean_ppm"], "risk_ppm": told and told["risk_ppm"],
        }

    def gate(self, day: Date) -> dict:
        row = in_force(self.gates, day) or {}
        return {name: row.get(name, usual) for name, usual in GATES.items()}

    def unsuitable(self, day: Date | None) -> bool:
        if not self.open_on(day):
            return False
        limit, told = in_force(self.limits, day), self.assumption(day)
        return limit is not None and told is not None and told["risk_ppm"] > limit["most_risk_ppm"]


def beyond(course: dict) -> bool:
    """Whether months or money are more than the engine takes (docs/rules/goals.md): 2,400 full months, a thousand trillion yen."""
    money = max(abs(course[name]) for name in ("value_yen", "monthly_yen", "target_yen"))
    return course["months_ppm"] // MILLION > MOST_MONTHS or money > MOST_YEN


def chance_of(course: dict, **other) -> int:
    """The probability of a course, some of it otherwise."""
    mixed = course | other
    names = ("value_yen", "monthly_yen", "target_yen", "months_ppm", "mean_ppm", "risk_ppm")
    return probability_ppm(*(mixed[name] for name in names))


def floor_of(course: dict) -> int | None:
    """The probability of at least the essential amount; none without one, or where the goal cannot be told."""
    if not course["floor_yen"] or course["risk_ppm"] is None or beyond(course):
        return None
    return chance_of(course, target_yen=course["floor_yen"])


def floor_status_of(before: str | None, floor_yen: int, ppm: int | None, gates: dict) -> str | None:
    """The state of the essential amount, from that of the close before."""
    if not floor_yen:
        return None
    if ppm is None:
        return before
    back = gates["hysteresis_ppm"] if before == "at_risk" else 0
    return "safe" if ppm >= gates["right_low_ppm"] + back else "at_risk"


def asset_life_of(course: dict) -> int | None:
    """How many payments are made in full if every month earns its median; none where nothing is drawn or told, or above 1,200."""
    if course["monthly_yen"] >= 0 or course["risk_ppm"] is None or beyond(course):
        return None
    year = 1 + course["mean_ppm"] / MILLION
    growth = (year / math.sqrt(1 + (course["risk_ppm"] / MILLION / year) ** 2)) ** (1 / 12)
    growth = math.floor(growth * 1e12 + 0.5) / 1e12
    ratio, needed, made = max(course["value_yen"], 0) / -course["monthly_yen"], 1.0, 0
    while needed <= ratio:
        made += 1
        if made > 1_200:
            return None
        needed = 1 + needed / growth
    return made


def parts_of(was: dict, now: dict, day: Date, flow: int) -> list[int]:
    """Market, payment, time, assumption: why the probability moved from one close to the next, in ppm."""
    first = chance_of(was)
    market = chance_of(was, value_yen=max(now["value_yen"], 0) - flow)
    paid = chance_of(was, value_yen=now["value_yen"], monthly_yen=now["monthly_yen"])
    later = chance_of(
        was, value_yen=now["value_yen"], monthly_yen=now["monthly_yen"], months_ppm=months_left(day, was["target_date"]),
    )
    return [market - first, paid - market, later - paid, chance_of(now) - later]


def alerts_of(day: Date, row: dict, before: dict | None, life: Life) -> set[str]:
    """The alerts of a goal on an evening, by its row of the export and the one of the close before."""
    found, ppm, ends = set(), row["probability_ppm"], row["target_date"] <= day
    had = before["status"] if before else None
    if ppm is None:
        if had != "none":
            found.add("goal_untold")
    elif before is None and ppm < life.gate(day)["contract_ppm"] and not ends:
        found.add("goal_gate")
    if row["floor_status"] == "at_risk" and before and before["floor_status"] == "safe" and not ends:
        found.add("floor_at_risk")
    if row["status"] in ("alert", "below") and had is not None and not ends:
        better = had == "none" or ZONES.index(had) > ZONES.index(row["status"])
        found |= {"goal_behind"} if better else set()
    if ends:
        found.add("goal_ended")
    return found


def business_next(days: list[Date], day: Date) -> Date:
    """The first of the days that is not before a day; one after the last if there is none."""
    return next((one for one in days if one >= day), days[-1] + timedelta(1))
