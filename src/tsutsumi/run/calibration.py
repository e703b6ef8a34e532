"""Goals told and goals that came true (達成確率の検証): of a house's own closed days."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date as Date

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.calibration import Calibration, calibration
from tsutsumi.core.goal_dates import moved_date
from tsutsumi.core.goal_status import NONE
from tsutsumi.core.schema import Frame
from tsutsumi.run.dated_rows import in_force
from tsutsumi.run.history import rows_of
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import load_books, read_closed_day
from tsutsumi.store.manifest import closed_days

HORIZONS = (0, 1, 3, 5, 10)  # years before the date; 0: when the goal began
EVERY_MONTH = -1             # of a simulated house, in the place of years: at the start of every month
TOLD_COLUMNS = (
    "goal_no", "sleeve_no", "target_yen", "target_date", "status_code", "probability_ppm", "months_ppm", "value_yen",
)


@dataclass(frozen=True)
class Told:
    """What was told of goals at one horizon (告知時点), and its report; `years` before the date, or `EVERY_MONTH`."""

    years: int
    report: Calibration


@dataclass(frozen=True)
class Uncounted:
    """Goals that were told and are in no band (数えない目標).

    Attributes
    ----------
    running_count : their date is still ahead
    closed_count : their sleeve was closed, or is closing, on their date or before
    changed_count : their money or date was changed; what was told before is no word on the new target
    """

    running_count: int
    closed_count: int
    changed_count: int


@dataclass
class _Followed:
    """A goal on its way to a target: what it was told, day by day."""

    sleeve_no: int
    target: tuple[int, int]  # yen, date
    told: list[tuple[Date, int]]


def house_calibration(house: House) -> tuple[list[Told], Uncounted]:
    """Return the report of a house's own goals that came to their date (自社の目標の検証), and the goals that are not in it.

    A goal is told at a horizon on the last closed day not after its date moved back so many years; at 0 on its first day. What was
    told of another target (money or date) is no word on this one: a goal whose target changed begins anew. It came true if it has
    money on its date, and not less than its target; a sleeve whose money has run out before did not. Goals of sleeves closed before
    are left out and counted. The intervals count goals, though all of them lived through one market: they are too narrow.
    """
    samples: dict[int, list[tuple[int, bool]]] = {years: [] for years in HORIZONS}
    goals: dict[int, _Followed] = {}
    closed = changed = 0
    for day, table in goal_days(house):
        seen, books = set(), None
        for number, sleeve, target, date, status, ppm, months, value in _rows(table):
            seen.add(number)
            known = goals.get(number)
            if known is not None and known.target != (target, date):
                changed, known = changed + 1, None
                del goals[number]
            if months > 0:
                if status != NONE:
                    goals.setdefault(number, _Followed(sleeve, (target, date), [])).told.append((day, ppm))
            elif known is not None:
                _count(samples, goals.pop(number), value > 0 and value >= target)
        for number in [n for n, goal in goals.items() if n not in seen and goal.target[1] <= epoch_day(day)]:
            goal = goals.pop(number)
            if _is_other(house, number, goal, day):
                changed += 1
                continue
            books = books or load_books(house, day)
            if _has_run_out(books, goal.sleeve_no):
                _count(samples, goal, False)
            else:
                closed += 1
    told = [Told(years, calibration([ppm for ppm, _ in rows], [true for _, true in rows])) for years, rows in samples.items()]
    books = load_books(house, day)
    gone = sum(not _is_open(books, goal.sleeve_no) for goal in goals.values())
    return told, Uncounted(len(goals) - gone, closed + gone, changed)


def goal_days(house: House) -> Iterator[tuple[Date, Frame | None]]:
    """Yield every closed day with its goals (締め日ごとの目標), and nothing else of it.

    Raises
    ------
    HouseError
        Nothing is closed yet.
    """
    with reading(house) as connection:
        days = closed_days(connection)
    if not days:
        raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
    for day in days:
        yield day.date, read_closed_day(house, day, {"goals": TOLD_COLUMNS}).get("goals")


def _rows(table) -> Iterable[tuple]:
    return zip(*(table[name].tolist() for name in TOLD_COLUMNS), strict=True) if table else ()


def _is_open(books: Books, sleeve_no: int) -> bool:
    row = books.row_of_sleeve[sleeve_no] if sleeve_no < books.row_of_sleeve.size else -1
    return row >= 0 and books.sleeves["status_code"][row] == 0


def _has_run_out(books: Books, sleeve_no: int) -> bool:
    """Return whether a sleeve is open and has no money: its goal is no longer followed, but it was not given up."""
    return _is_open(books, sleeve_no) and books.sleeves["value_yen"][books.row_of_sleeve[sleeve_no]] <= 0


def _is_other(house: House, number: int, goal: _Followed, day: Date) -> bool:
    """Return whether the target changed after the goal was last told, while it was not followed."""
    rows = [row for row in rows_of(house, "goal_targets")["goal_targets"] if row["goal_no"] == number]
    return in_force(rows, epoch_day(day), "goal_no") != in_force(rows, epoch_day(goal.told[-1][0]), "goal_no")


def _count(samples: dict[int, list[tuple[int, bool]]], goal: _Followed, true: bool) -> None:
    """Add what was told of a goal that came to its date, at each horizon that it had."""
    date, told = from_epoch_day(goal.target[1]), goal.told
    for years in HORIZONS:
        known = told[:1] if years == 0 else [row for row in told if row[0] <= moved_date(date, -12 * years)][-1:]
        samples[years] += [(ppm, true) for _, ppm in known]
