"""Surplus rules in force on a day (余剰の振替ルールの読み込み), as columns by sleeve, with the level that a goal gives."""

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.rules import GoalRules
from tsutsumi.core.schema import Frame
from tsutsumi.core.surplus import NO_DATE, NO_YEN
from tsutsumi.run.dated_rows import in_force

NAMES = ("sleeve_no", "to_sleeve_no", "level_yen", "until_date", "instalments", "excess", "minimum_yen", "since_date")


class SurplusBook:
    """The rows of `surplus_rules` of one house (余剰の振替ルールの台帳)."""

    def __init__(self, rows: Iterable[dict]) -> None:
        self.rows = list(rows)
        self.changes = sorted({epoch_day(row["valid_from_date"]) for row in self.rows})
        self._known: tuple[int, Frame | None, Frame] | None = None

    def on(self, day: int, goals: GoalRules | None) -> Frame | None:
        """Return the rules that pass something on from a day on (適用中のルール), by sleeve; None in a house without any."""
        if not self.rows:
            return None
        number, targets = bisect_right(self.changes, day), None if goals is None else goals.goals
        if self._known is None or self._known[0] != number or self._known[1] is not targets:
            self._known = number, targets, self._state_on(day, targets)
        return self._known[2]

    def _state_on(self, day: int, targets: Frame | None) -> Frame:
        names = ("sleeve_no", "target_yen", "target_date")
        known = zip(*(targets[name].tolist() for name in names), strict=True) if targets else ()
        levels = {sleeve: (yen or NO_YEN, date) for sleeve, yen, date in known}
        rows = []
        for (sleeve,), row in sorted(in_force(self.rows, day, "sleeve_no").items()):
            if row["to_sleeve_no"]:
                by_yen, kind = row["level_kind"] == "yen", row["surplus_kind"]
                level = (row["level_yen"], NO_DATE) if by_yen else levels.get(sleeve, (NO_YEN, NO_DATE))
                rows.append((sleeve, row["to_sleeve_no"], *level, kind != "excess", kind != "instalments", row["minimum_yen"],
                             epoch_day(row["valid_from_date"])))
        columns = zip(*rows, strict=True) if rows else ((),) * len(NAMES)
        return {name: np.array(column, np.int64) for name, column in zip(NAMES, columns, strict=True)}
