"""The payments of a goal month by month (積立・取り崩しの段階): saving, drawing, bonus months, one-offs and growth as whole yen.

Time runs in months: boundary 0 is today, boundary m the start of the m-th calendar month after this one. A goal that does not start
on the first of a month has a shorter first month; a payment at its start was made already. Amounts are whole yen, grown exactly and
rounded half up, once.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from tsutsumi.core.goals.portfolio import MONTHS_A_YEAR, GoalError
from tsutsumi.core.units import PPM, round_yen

MOST_MONTHS = 1_200


@dataclass(frozen=True)
class Timeline:
    """Where months lie (時間軸): today, and whether payments are at the start or at the end of a month."""

    today: date
    at_end: bool = False

    @property
    def first_length(self) -> float:
        """Length of the first month: what is left of it, today counted."""
        days = monthrange(self.today.year, self.today.month)[1]
        return (days - self.today.day + 1) / days

    def month(self, day: date) -> int:
        """Return the calendar month of a day as a number; this month is 0.

        >>> Timeline(date(2026, 10, 15)).month(date(2027, 1, 31))
        3
        """
        return (day.year - self.today.year) * MONTHS_A_YEAR + day.month - self.today.month

    def boundary(self, day: date) -> int:
        """Return the boundary at which a goal of a day is due: the start of its month; of a month's last day, its end.

        >>> [Timeline(date(2026, 10, 15)).boundary(day) for day in (date(2027, 1, 1), date(2027, 1, 30), date(2027, 1, 31))]
        [3, 3, 4]
        """
        return self.month(day + timedelta(days=1)) if day.day == monthrange(day.year, day.month)[1] else self.month(day)


@dataclass(frozen=True)
class Phase:
    """A run of payments (入出金の段階).

    Attributes
    ----------
    amount_yen : of one payment, in (+) or out (−)
    first_month, last_month : numbers of the first and last month that may have one
    calendar_months : the months of the year that have one (1 to 12); empty: all
    growth_ppm : by how much the amount grows a year, in yearly steps
    since_month : the month from which full years are counted: 0 for amounts in today's yen, the first month for a raise a year
    """

    amount_yen: int
    first_month: int
    last_month: int
    calendar_months: tuple[int, ...] = ()
    growth_ppm: int = 0
    since_month: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no phase."""
        if self.last_month < self.first_month:
            raise GoalError("a phase ends before it starts: correct its dates")
        if self.growth_ppm <= -PPM:
            raise GoalError("growth of −100 % a year or less: give a yearly rate, such as 0.02")


def grown_yen(amount_yen: int, growth_ppm: int, years: int) -> int:
    """Return an amount after full years of growth (成長後の金額), half up to the yen.

    >>> grown_yen(10_000, 20_000, 2), grown_yen(-10_000, 20_000, 2)
    (10404, -10404)
    """
    return round_yen(amount_yen * Fraction(PPM + growth_ppm, PPM) ** max(years, 0), "half-up")


def phase_payments(timeline: Timeline, phases: Iterable[Phase], months: int) -> list[int]:
    """Return the payment of each month (月々の入出金), whole yen, summed over the phases.

    A payment at the start of a month that has begun was made before today and is not counted; one at its end is to come.

    Parameters
    ----------
    timeline : Timeline
    phases : of saving (+) and drawing (−)
    months : how many months, to the goal's date

    Examples
    --------
    30,000 a month from the middle of October on, 100,000 more in December, and a raise of 2 % each full year:

    >>> timeline = Timeline(date(2026, 10, 15))
    >>> saving = Phase(30_000, 0, 24, growth_ppm=20_000)
    >>> phase_payments(timeline, [saving, Phase(100_000, 0, 24, calendar_months=(12,))], 13)[:4]
    [0, 30000, 130000, 30000]
    >>> phase_payments(timeline, [saving], 13)[12]
    30600
    """
    payments = [0] * months
    begun = 1 if not timeline.at_end and timeline.today.day > 1 else 0
    for phase in phases:
        grown: dict[int, int] = {}
        for month in range(max(phase.first_month, begun), min(phase.last_month, months - 1) + 1):
            calendar_month = (timeline.today.month - 1 + month) % MONTHS_A_YEAR + 1
            if not phase.calendar_months or calendar_month in phase.calendar_months:
                years = (month - phase.since_month) // MONTHS_A_YEAR
                if years not in grown:
                    grown[years] = grown_yen(phase.amount_yen, phase.growth_ppm, years)
                payments[month] += grown[years]
    return payments


def with_once(payments: list[int], amount_yen: int, month: int) -> list[int]:
    """Return the payments with a one-off amount in a month (一時金); in the current month it is made today.

    >>> with_once([0, 0, 0], -500, 1)
    [0, -500, 0]
    """
    changed = list(payments)
    if 0 <= month < len(changed):
        changed[month] += amount_yen
    return changed


def target_then_yen(target_yen: int, inflation_ppm: int, months: int) -> int:
    """Return a target in today's yen as yen of its date (将来の円での目標額): target × (1 + inflation)^(months / 12), half up.

    Full years exactly, the rest of a year in proportion of its months.

    >>> target_then_yen(10_000_000, 20_000, 24), target_then_yen(10_000_000, 20_000, 6)
    (10404000, 10100000)
    """
    years, rest = divmod(months, MONTHS_A_YEAR)
    grown = Fraction(PPM + inflation_ppm, PPM) ** years * (1 + Fraction(inflation_ppm * rest, PPM * MONTHS_A_YEAR))
    return round_yen(target_yen * grown, "half-up")
