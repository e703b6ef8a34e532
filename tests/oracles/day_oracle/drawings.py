"""§5: the drawings of a sleeve, by a plan or by terms: which days, how much, and the payout that an evening makes."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cache

from tests.oracles.day_oracle.dates import ONE_DAY
from tests.oracles.day_oracle.paying import order_of, payers_tonight, shared
from tests.oracles.day_oracle.plans import bonus, days_of, plan_in_force
from tests.oracles.day_oracle.promises import open_payout, promise
from tests.oracles.day_oracle.state import MILLION, House, Payout, Sleeve
from tests.oracles.fees_oracle import last_of_month


@dataclass
class Part:
    """One plan day of a drawing: the day before it is moved, and the row of the plan or of the terms that is in force on it."""

    named: date
    row: dict
    by_terms: bool
    amount: int = 0                          # of a plan


def terms_in_force(house: House, sleeve_no: int, day: date) -> dict | None:
    """A row is in force for the days from `valid_from_date` to `until_date` (empty: without end), or to the day before the
    sleeve's next row if that is earlier.
    """
    rows = [row for row in house.tables.get("drawing_terms", []) if row["sleeve_no"] == sleeve_no and row["valid_from_date"] <= day]
    row = max(rows, key=lambda row: row["valid_from_date"]) if rows else None
    return row if row and (row["until_date"] is None or day <= row["until_date"]) else None


@cache
def named_day(month: date, day_of_month: int) -> date:
    """The day of the month, or the month's last day if it is shorter."""
    return month.replace(day=min(day_of_month, last_of_month(month).day))


def parts_of(house: House, sleeve: Sleeve, month: date) -> list[Part]:
    """The plan days that a month names: of terms one, of a plan those of its row on which no row of terms is in force, even if
    the terms are a pause. The day must lie after the day the sleeve opened.
    """
    found = []
    for row in house.tables.get("drawing_terms", []):
        named = named_day(month, row["day_of_month"]) if row["sleeve_no"] == sleeve.number else None
        if named and terms_in_force(house, sleeve.number, named) is row:
            found.append(Part(named, row, True))
    for row in house.tables.get("plans", []):
        if (row["sleeve_no"], row["kind"]) != (sleeve.number, "drawing") or row["amount_yen"] <= 0:
            continue
        for day_of_month in days_of(row):
            named = named_day(month, day_of_month)
            if plan_in_force(house, sleeve.number, "drawing", named) is row and not terms_in_force(house, sleeve.number, named):
                found.append(Part(named, row, False, row["amount_yen"] + bonus(row, month.month, day_of_month)))
    return [part for part in found if part.named > sleeve.opened_date]


def coming(house: House, sleeve: Sleeve, day: date, ahead: int, *, made: bool = False) -> list[tuple[date, list[Part]]]:
    """The plan days moved to the next business day that lie in the next days and are not yet payouts (or `made` ones too), the
    earlier first, each with its parts in the order of the plan days: plan days that come to one business day are one payout.
    """
    draws = [row for name in ("drawing_terms", "plans") for row in house.tables.get(name, []) if row["sleeve_no"] == sleeve.number]
    found: dict[date, list[Part]] = {}
    month = (day.replace(day=1) - ONE_DAY).replace(day=1)
    while draws and month <= day + timedelta(days=ahead):
        for part in parts_of(house, sleeve, month):
            due = house.dates.roll(part.named)
            if day < due <= day + timedelta(days=ahead) and (made or (sleeve.number, due) not in house.done_drawings):
                found.setdefault(due, []).append(part)
        month = last_of_month(month) + ONE_DAY
    return [(due, sorted(parts, key=lambda part: part.named)) for due, parts in sorted(found.items())]


# ------------------------------------------------------------------------------------------------------------- amounts
def days_left(row: dict, named: date) -> int:
    """`n` counts the row's plan days from this one to `until_date`, both included, whatever row comes after it."""
    count, month = 0, named.replace(day=1)
    while month <= row["until_date"]:
        count += named <= named_day(month, row["day_of_month"]) <= row["until_date"]
        month = last_of_month(month) + ONE_DAY
    return count


def months_between(before: date, after: date) -> int:
    """Calendar months, by month and year alone."""
    return (after.year - before.year) * 12 + after.month - before.month


def running_state(house: House, sleeve: Sleeve, row: dict) -> tuple[int, date] | None:
    """A state whose `review_date` is before the row's `valid_from_date` is of another row and does not count."""
    state = house.drawing_states.get(sleeve.number)
    return state if state and state[1] >= row["valid_from_date"] else None


def begins_year(state: tuple[int, date] | None, named: date) -> bool:
    """The row's first payment, then each whose plan day lies twelve calendar months or more after that of `review_date`."""
    return state is None or months_between(state[1], named) >= 12


def guardrails(state: tuple[int, date] | None, row: dict, named: date, there: int) -> Fraction:
    """The first of a row: `D × rate_ppm / (12 × 10^6)`; then the last payment `p`, unless a year begins: then
    `q = p × (10^6 + rise_ppm) / 10^6`, times `(10^6 − step_ppm) / 10^6` if `12 q > D × rate × (1 + band)`, or times
    `(10^6 + step_ppm) / 10^6` if `12 q < D × rate × (1 − band)`.
    """
    yearly, band, step = there * ppm(row, "rate_ppm"), ppm(row, "band_ppm"), ppm(row, "step_ppm")
    if state is None:
        return yearly / 12
    if not begins_year(state, named):
        return Fraction(state[0])
    risen = state[0] * (1 + ppm(row, "rise_ppm"))
    if 12 * risen > yearly * (1 + band):
        return risen * (1 - step)
    if 12 * risen < yearly * (1 - band):
        return risen * (1 + step)
    return risen


def ppm(row: dict, name: str) -> Fraction:
    """A number in ppm, over 10^6."""
    return Fraction(row[name], MILLION)


def merton(row: dict) -> Fraction:
    """`ν = (ρ − (1 − γ)(r + (μ − r)² / (2 γ σ²))) / γ`"""
    names = ("impatience_ppm", "aversion_ppm", "safe_ppm", "drift_ppm", "risk_ppm")
    impatience, aversion, safe, drift, risk = (ppm(row, name) for name in names)
    return (impatience - (1 - aversion) * (safe + (drift - safe) ** 2 / (2 * aversion * risk**2))) / aversion


def annuity(row: dict, named: date, there: int) -> Fraction:
    """With `i = rate_ppm / (12 × 10^6)`: `D × i / (1 − (1 + i)^−n)`, divided by `1 + i` unless `timing = end`, `D / n` where
    `i = 0`.
    """
    monthly, count = ppm(row, "rate_ppm") / 12, days_left(row, named)
    if monthly == 0:
        return Fraction(there, count)
    paid = there * monthly / (1 - (1 + monthly) ** -count)
    return paid if row["timing"] == "end" else paid / (1 + monthly)


def asked(house: House, sleeve: Sleeve, part: Part, there: int) -> int:
    """What the rule asks of `D`, floored once, exact before; each at most `D`. Reading: never below 0."""
    row = part.row
    if not part.by_terms:
        return part.amount
    if row["rule_kind"] == "fixed-amount":
        exact = Fraction(row["amount_yen"])
    elif row["rule_kind"] == "fixed-percentage":
        exact = there * ppm(row, "rate_ppm") / 12
    elif row["rule_kind"] == "fixed-term":
        exact = Fraction(there, days_left(row, part.named))
    elif row["rule_kind"] == "annuity":
        exact = annuity(row, part.named, there)
    elif row["rule_kind"] == "merton":
        exact = there * merton(row) / 12
    else:
        exact = guardrails(running_state(house, sleeve, row), row, part.named, there)
    return max(0, min(exact.numerator // exact.denominator, there))


# ------------------------------------------------------------------------------------------------------------- payouts
def drawings(house: House, day: date) -> None:
    """A payout with promised date = the plan's day (moved to the next business day), created on the first evening on which
    `promise(n(n(n(d))))` for that sleeve (or of any sleeve that pays with it) would be later than that day (or on the day's eve at
    the latest). Of several drawings of an evening: by number of their sleeve, then by day; each leaves less to the next.

    One payout of each sleeve that pays, with the same promised date; `drawn_sleeve_no` is the sleeve whose drawing it is (0 if it
    pays itself).
    """
    third, eve_of = house.dates.after(day, 3), house.dates.next(day)
    for sleeve in house.open_sleeves():
        if not sleeve.is_active:
            continue
        for due, parts in coming(house, sleeve, day, 100):
            payers = payers_tonight(house, sleeve, day)
            if due > eve_of and all(promise(house, one.sleeve, third, day) <= due for one in payers):
                continue
            make = by_terms if any(part.by_terms for part in parts) else by_plan
            amount = make(house, sleeve, parts, day)
            if amount > 0:
                house.done_drawings.add((sleeve.number, due))
            for number, yen in shared(house, payers, amount, day).items():
                drawn_no = sleeve.number if number != sleeve.number else 0
                open_payout(house, house.sleeves[number], Payout("drawing", number, yen, day, due, due, drawn_no=drawn_no))


def together(house: House, sleeve: Sleeve, day: date) -> tuple[int, int]:
    """`D` = max(value of `d` − open payouts that are not closings − dues of the sleeve, 0), and the most that it may draw; where
    the whole contract pays Σ `D` and Σ `most` of its sleeves.
    """
    payers = payers_tonight(house, sleeve, day)
    return sum(one.there for one in payers), sum(one.most for one in payers)


def by_plan(house: House, sleeve: Sleeve, parts: list[Part], day: date) -> int:
    """Refused with an alert (tried again each evening) if above `withdrawal_limit_ppm` of (value of `d` − open payouts and
    dues). -> the sum of the parts, or 0
    """
    amount = sum(part.amount for part in parts)
    if amount > together(house, sleeve, day)[1]:
        house.alert("drawing_refused", sleeve.number)
        return 0
    return amount


def by_terms(house: House, sleeve: Sleeve, parts: list[Part], day: date) -> int:
    """What is asked is cut to `floor(D × withdrawal_limit_ppm / 10^6)`, with an alert `drawing_cut`; `D = 0`: an alert
    `drawing_refused`. Several plan days are one payout of the sum, each by `D` less those before; the limit holds for the sum.

    Reading: what the limit leaves goes to the earlier plan days first; a pause alone is no drawing that could be refused.
    """
    there, most = together(house, sleeve, day)
    if there == 0:
        if not all(is_pause(part) for part in parts):
            house.alert("drawing_refused", sleeve.number)
        return 0
    drawn, wanted = 0, 0
    for part in parts:
        want = asked(house, sleeve, part, max(there - drawn, 0))
        yen = min(want, most - drawn)
        wanted, drawn = wanted + want, drawn + yen
        if part.by_terms and part.row["rule_kind"] == "guardrails" and yen > 0:
            state = running_state(house, sleeve, part.row)
            begun = part.named if begins_year(state, part.named) else state[1]
            house.drawing_states[sleeve.number] = (yen, begun)
    if drawn < wanted:
        house.alert("drawing_cut", sleeve.number)
    return drawn


def is_pause(part: Part) -> bool:
    """`fixed-amount` with 0 yen."""
    return part.by_terms and part.row["rule_kind"] == "fixed-amount" and part.row["amount_yen"] == 0


def asked_ahead(house: House, sleeve: Sleeve, there: int, day: date) -> int:
    """What the drawings of a sleeve within 60 calendar days after d that are not yet payouts would ask, each of the whole `D`."""
    return sum(asked(house, sleeve, part, there) for _due, parts in coming(house, sleeve, day, 60) for part in parts)


def drawings_ahead(house: House, sleeve: Sleeve, day: date) -> int:
    """Drawings of the plan due within 60 calendar days after d that are not yet payouts (of terms each what it would ask tonight
    by §5, each of the whole `D` after tonight's payouts, by the states after them, not cut to the limit; where the whole contract
    pays, Σ of them, of the Σ `D`, at most Σ `most`, shared as tonight's drawing would be).
    """
    payers = payers_tonight(house, sleeve, day)
    there, most = together(house, sleeve, day)
    if order_of(house, sleeve.contract_no, day)["drawings_kind"] == "own":
        return asked_ahead(house, sleeve, there, day)
    whole = sum(asked_ahead(house, one.sleeve, there, day) for one in payers)
    return shared(house, payers, min(whole, most), day).get(sleeve.number, 0)
