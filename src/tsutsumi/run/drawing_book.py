"""The dated terms of drawing (取り崩し条件): which are in force on a plan day, and which drawings come."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.drawing_rules import DrawingRule, rule_of
from tsutsumi.core.plans import month_number, plan_dates
from tsutsumi.core.rules import TermDrawing

NO_END = 10**9


class DrawingBook:
    """The rows of `drawing_terms` of one house, for business days between two (取り崩し条件の台帳)."""

    def __init__(self, rows: Iterable[dict], first: int, last: int) -> None:
        self.first, self.last = first, last
        self.rows: dict[int, list[dict]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row["valid_from_date"]):
            self.rows[row["sleeve_no"]].append(row)
        self.since = {sleeve: [epoch_day(row["valid_from_date"]) for row in rows] for sleeve, rows in self.rows.items()}

    def in_force(self, sleeve_no: int, day: int) -> bool:
        """Return whether a sleeve draws by terms on a plan day, a pause among them: then its drawing plan does not count."""
        at = bisect_right(self.since.get(sleeve_no, ()), day) - 1
        return at >= 0 and day <= _until(self.rows[sleeve_no][at])

    @cached_property
    def drawings(self) -> list[TermDrawing]:
        """The drawings of every row that is no pause, ascending by business day and sleeve."""
        found: list[TermDrawing] = []
        for sleeve, rows in self.rows.items():
            ends = [since - 1 for since in self.since[sleeve][1:]] + [self.last]
            for row, end in zip(rows, ends, strict=True):
                rule = rule_of(row)
                if rule is not None:
                    found += self._of_row(sleeve, row, rule, end)
        return sorted(found, key=lambda one: one[:3])

    def _of_row(self, sleeve: int, row: dict, rule: DrawingRule, end: int) -> list[TermDrawing]:
        """Return the drawings of a row until a day, or its own last day if that is earlier."""
        since, until, day = epoch_day(row["valid_from_date"]), _until(row), row["day_of_month"]
        days = plan_dates(max(self.first, since), min(end, until, self.last), day)
        last = 0
        if until < NO_END:  # the month of the last plan day: that of until_date, or the one before it
            last = month_number(until) - (not plan_dates(until - (row["until_date"].day - 1), until, day))
        return [
            TermDrawing(moved, sleeve, planned, since, last - month_number(planned) + 1 if last else 0, rule)
            for planned, moved in days
        ]

    def coming(self, day: int, ahead: int) -> list[TermDrawing]:
        """Return the drawings on business days after a day, at most so many days ahead."""
        return self.drawings[bisect_right(self.drawings, (day + 1,)) : bisect_right(self.drawings, (day + ahead + 1,))]


def _until(row: dict) -> int:
    """Return the last day of a row, far away if it has none."""
    return epoch_day(row["until_date"]) if row["until_date"] else NO_END
