"""Debits that failed or are skipped (口座振替の再振替・積立の見送り): what stands over to a later day, and what people are told.

The bank is asked before the close (`run/debits.py`), and what came in may be surplus (`core/surplus.py`); what follows is an
input of the day, like a price. Here it becomes the state of the books and the texts of the alerts. Rules: docs/close.md §5.
"""

from collections import defaultdict

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.flows import surplus_of
from tsutsumi.core.refusals import Refused
from tsutsumi.core.schema import Frame, frame, length, sort

RETRY, SKIP, SPENT, PLAN_FIRST, PAUSED, PLAN_DAY, SKIPPED, STAYS, FREE = range(1, 10)
NO_LEVEL, PAST, NOT_OPEN, TOO_SMALL, CIRCLE = range(1, 6)   # why surplus stays
FAILED = (RETRY, SPENT, PLAN_FIRST)                      # what follows from a debit that failed today
DROPPED = {                                              # a retry that the bank is not asked for: why, and what to do
    PAUSED: ("the plan is paused", "nothing, or ask the customer to pay the amount in"),
    PLAN_DAY: ("a plan day comes first", "nothing, or ask the customer to pay the amount in"),
}
STAYED = {                                               # why surplus stays in its sleeve, and what to do
    NO_LEVEL: ("its goal has no amount in force", "load goal_targets with an amount, or a rule with a level in yen"),
    PAST: ("the date of its goal has come", "ask the customer what comes next, and load a new target or the end of the rule"),
    NOT_OPEN: ("the sleeve that its rule leads to is not open", "load a rule that names an open sleeve, or the end of the rule"),
    TOO_SMALL: ("it is below the least instalment of the sleeve that its rule leads to", "raise the plan, or name another sleeve"),
    CIRCLE: ("its rule leads back to a sleeve before it", "load a rule that ends the circle"),
}
AGAIN = "the next plan day tries again; call the customer after the second failure"


class Debits:
    """The debits of a day while its events are booked (当日の口座振替).

    Parameters
    ----------
    states : `debit_states` of the books: a retry (再振替) that stands, with its day, yen and number; a skip (見送り) that waits
    outcomes : `debit_states` of the day: what follows from today's debits, one row each, in the order of the debits
    day : the day that is closed
    """

    def __init__(self, states: Frame, outcomes: Frame, day: int) -> None:
        self.states, self.outcomes, self.day = states, _rows(outcomes), day
        self.failed: dict[int, list[tuple]] = defaultdict(list)
        for row in self.outcomes:
            if row[2] in FAILED:
                self.failed[row[1]].append(row)
        self.before = {row[1] for row in _rows(states) if row[2] == SKIP}
        self.skips: dict[int, int] = {}
        self.retries: list[tuple] = []
        self.stays = [row for row in self.outcomes if row[2] in (STAYS, FREE)]

    def failure(self, event: dict) -> tuple[str, str]:
        """Return cause and cure of a debit that failed (振替不能の事由と対処); a retry of it stands from now on."""
        cause, mine = f"the debit of {event['amount_yen']:,} yen failed", self.failed[event["sleeve_no"]]
        if event["event_no"] or not mine:
            return cause, AGAIN
        row = mine.pop(0)
        _, _, kind, _, due, number = row
        if kind == RETRY:
            self.retries.append(row)
            return cause, f"nothing: retry {number} is on {from_epoch_day(due)}"
        if kind == SPENT:
            return f"{cause}, the last of {number} retries", f"call the customer; {AGAIN.partition(';')[0]}"
        return cause, f"no retry before the next plan day: {AGAIN}"

    def skip(self, account_no: int, sleeve_no: int, name: str) -> None:
        """Let the next instalment of a sleeve be skipped (次回積立の見送り); refused if it is skipped already."""
        if sleeve_no in self.before or sleeve_no in self.skips:
            raise Refused(f"the next instalment of {name} is skipped already", "wait for its plan day, or pause the plan")
        self.skips[sleeve_no] = account_no

    def comes_in(self, books: Books, event: dict) -> dict:
        """Return an instalment as it comes in (積立の入り先): surplus stays at home if the sleeve it goes to closed today.

        The event itself is changed, so that a refusal names the sleeve in which it stays.
        """
        if event["event_no"] >= 0 or _is_open(books, event["sleeve_no"]):
            return event
        own, _ = surplus_of(event["event_no"])
        went = event["account_no"], own, FREE, event["amount_yen"], 0, 0
        self.stays = [row for row in self.stays if row != went]  # judged before the close to go: it did not
        self.stays.append((event["account_no"], own, STAYS, event["amount_yen"], 0, NOT_OPEN))
        event |= {"sleeve_no": own, "contract_no": 0, "event_no": 0}
        return event

    def _stays(self, alerts: Alerts) -> list[tuple]:
        """Return the sleeves whose surplus has nowhere to go, with the reason (残った余剰); tells of those that are new."""
        told = {row[1]: row for row in _rows(self.states) if row[2] == STAYS}
        for account, sleeve, kind, amount, _, why in self.stays:
            if kind == FREE:
                told.pop(sleeve, None)
            elif told.get(sleeve, (0,))[-1] != why:
                told[sleeve] = account, sleeve, STAYS, 0, 0, why
                what = f"{amount:,} yen of surplus stay in the sleeve" if amount else "surplus stays in the sleeve"
                alerts.add("surplus_stays", "sleeve", sleeve, f"{what}: {STAYED[why][0]}", STAYED[why][1])
        return list(told.values())

    def after(self, books: Books, alerts: Alerts) -> Frame:
        """Return the state of the evening (締め後の再振替と見送り); tells of the retries that are not made."""
        if not (self.outcomes or self.skips or self.stays or length(self.states)):
            return self.states
        over = {(row[1], RETRY) for row in self.outcomes if row[2] in DROPPED}
        over |= {(row[1], SKIP) for row in self.outcomes if row[2] == SKIPPED}
        standing = [row for row in _rows(self.states) if row[2] == SKIP or row[4] > self.day]
        standing += [(account, sleeve, SKIP, 0, 0, 0) for sleeve, account in self.skips.items()]
        kept: dict[tuple[int, int], tuple] = {}
        for row in [*(row for row in standing if row[1:3] not in over), *self.retries, *self._stays(alerts)]:
            if _is_open(books, row[1]):
                same = kept.get(row[1:3])
                kept[row[1:3]] = row if same is None else (*row[:3], same[3] + row[3], *row[4:])
        for _, sleeve, kind, amount, _, _ in self.outcomes:
            if kind in DROPPED and _is_open(books, sleeve):
                why, cure = DROPPED[kind]
                alerts.add("debit_failed", "sleeve", sleeve, f"the retry of {amount:,} yen is not made: {why}", cure)
        return sort(frame("debit_states", list(kept.values())), "sleeve_no", "kind_code")


def _rows(of: Frame) -> list[tuple]:
    return list(zip(*(column.tolist() for column in of.values()), strict=True))


def _is_open(books: Books, sleeve_no: int) -> bool:
    row = int(books.row_of_sleeve[sleeve_no]) if 0 < sleeve_no < books.row_of_sleeve.size else -1
    return row >= 0 and books.sleeves["status_code"][row] == 0
