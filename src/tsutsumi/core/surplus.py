"""Surplus of sleeves (余剰の振替): what one that has enough passes on by a dated rule, judged by the books of the day before.

Instalments come into another sleeve instead; an excess becomes a transfer on the first business day of a month. Both are made
before the close, as events of the day, so that the close sees nothing else. Rules: docs/close.md §5.
"""

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.debits import CIRCLE, FREE, NO_LEVEL, NOT_OPEN, PAST, STAYS, TOO_SMALL
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.flows import surplus_no
from tsutsumi.core.promises import spare_yen
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, length, stack, take
from tsutsumi.core.units import PPM

NO_YEN = -1              # the level of a goal without an amount
NO_DATE = 10**9          # a level in yen has no last day
INSTALMENT, TRANSFER = EVENT_KINDS.index("instalment"), EVENT_KINDS.index("transfer")


def _rows(books: Books, sleeve_no: np.ndarray) -> np.ndarray:
    """Return the row of each sleeve that is open and not closing, else −1."""
    row_of = books.row_of_sleeve
    if row_of.size == 0:
        return np.full(sleeve_no.size, -1)
    row = np.where(sleeve_no < row_of.size, row_of[np.minimum(sleeve_no, row_of.size - 1)], -1)
    known = row >= 0
    row[known] = np.where(books.sleeves["status_code"][row[known]] == 0, row[known], -1)
    return row


def chain_ends(sleeve_no: np.ndarray, to_sleeve_no: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Return where the surplus of each rule comes in (連鎖の行き先): past every sleeve that is full; 0 where the chain comes back.

    Parameters
    ----------
    sleeve_no : int64, ascending, the sleeve of each rule;  to_sleeve_no : int64, the sleeve that it names
    full : bool, whether the rule's own sleeve has its level

    Examples
    --------
    1 passes on to 2, 2 to 3, 3 to 4; 2 is full and 3 is not:

    >>> chain_ends(np.array([1, 2, 3]), np.array([2, 3, 4]), np.array([True, True, False])).tolist()
    [3, 3, 4]
    >>> chain_ends(np.array([1, 2]), np.array([2, 1]), np.array([True, True])).tolist()
    [0, 0]
    """
    rules = np.arange(sleeve_no.size)
    at = np.minimum(np.searchsorted(sleeve_no, to_sleeve_no), max(sleeve_no.size - 1, 0))
    follows = np.where((sleeve_no[at] == to_sleeve_no) & full[at], at, rules)
    last, steps = follows, 1
    while steps < rules.size:  # each look doubles the steps
        last, steps = last[last], 2 * steps
    return np.where(follows[last] == last, to_sleeve_no[last], 0)


class Surplus:
    """The surplus rules in force on the books of the day before (余剰の判定), one element a rule."""

    def __init__(self, books: Books, rules: Rules) -> None:
        self.books, self.rules, self.of = books, rules, rules.surplus
        row = _rows(books, self.of["sleeve_no"])
        self.open = row >= 0
        self.spare = np.zeros(row.size, np.int64)
        self.spare[self.open] = spare_yen(books)[row[self.open]]
        self.program = rules.registry.sleeves["program_no"][self.of["sleeve_no"]]
        level = self.of["level_yen"]
        self.past, self.untold = self.of["until_date"] <= rules.day, level == NO_YEN
        self.reached = self.open & ~self.untold & (self.spare >= level)
        self.ends = chain_ends(self.of["sleeve_no"], self.of["to_sleeve_no"], self.reached & ~self.past)
        account = rules.registry.sleeves["account_no"]
        kin = (account[self.ends] == account[self.of["sleeve_no"]]) & (self.ends != self.of["sleeve_no"])
        self.reachable = kin & (_rows(books, self.ends) >= 0)

    def stays_because(self, at: np.ndarray) -> np.ndarray:
        """Return why the surplus of some rules has nowhere to go (行き先のない理由), 0 where it goes."""
        why = np.where(self.reachable[at], 0, NOT_OPEN)
        why = np.where(self.ends[at] == 0, CIRCLE, why)
        why = np.where(self.past[at], PAST, why)
        return np.where(self.untold[at], NO_LEVEL, why)

    def number(self, at: np.ndarray) -> np.ndarray:
        """Return the event numbers of what rules move today."""
        return surplus_no(self.of["sleeve_no"][at], from_epoch_day(self.rules.day).month)

    def outcomes(self, at: np.ndarray, amount: np.ndarray, why: np.ndarray) -> Frame:
        """Return what became of surplus (余剰の結果) as rows of `debit_states`: it went, or why it stays."""
        rows = empty("debit_states", at.size)
        rows["sleeve_no"][:], rows["amount_yen"][:], rows["try_count"][:] = self.of["sleeve_no"][at], amount, why
        rows["account_no"][:] = self.rules.registry.sleeves["account_no"][rows["sleeve_no"]]
        rows["kind_code"][:] = np.where(why == 0, FREE, STAYS)
        return rows


def pass_on(books: Books, rules: Rules, debited: Frame) -> tuple[Frame, Frame, Frame]:
    """Return the day's surplus as events (余剰の振替): what the rules in force make of the debits, and of the excess.

    Parameters
    ----------
    books : of the day closed before
    debited : events of the plans' debits, collected or failed, in their order

    Returns
    -------
    transfers : events `transfer` of an excess, on the first business day of a month, by sleeve; they come before all others
    debited : the same rows; an instalment that is passed on is one of the sleeve in which it comes in, its number (below 0,
        `flows.surplus_no`) names the sleeve whose plan it is
    outcomes : rows of `debit_states`: what stays that was not told yet, what goes again, what is forgotten
    """
    none, cleared = empty("events"), _cleared(books, rules)
    if rules.surplus is None or length(rules.surplus) == 0:
        return none, debited, cleared
    surplus = Surplus(books, rules)
    transfers, moved = _excess(surplus) if _first_of_month(rules) else (none, empty("debit_states"))
    debited, passed = _instalments(surplus, debited)
    return transfers, debited, stack(cleared, _news(books, cleared, stack(moved, passed)))


def _first_of_month(rules: Rules) -> bool:
    """Whether the day is the first business day of its month."""
    days, at = rules.timeline.days, rules.day_index
    return at == 0 or from_epoch_day(int(days[at - 1])).month != from_epoch_day(rules.day).month


def _cleared(books: Books, rules: Rules) -> Frame:
    """Return that what stayed is forgotten of sleeves without a rule, or with one that is new today: it may be told again."""
    states = take(books.debit_states, books.debit_states["kind_code"] == STAYS)
    if length(states) == 0:
        return states
    known = np.zeros(length(states), bool)
    if rules.surplus is not None:
        known = np.isin(states["sleeve_no"], rules.surplus["sleeve_no"][rules.surplus["since_date"] <= books.day])
    states = take(states, ~known)
    states["kind_code"][:], states["try_count"][:] = FREE, 0
    return states


def _news(books: Books, cleared: Frame, outcomes: Frame) -> Frame:
    """Return the outcomes that change what is known of a sleeve: another reason why surplus stays, or that it goes again.

    One after the other: what goes lets a reason that was told before be told again.
    """
    states = take(books.debit_states, books.debit_states["kind_code"] == STAYS)
    known = np.where(np.isin(states["sleeve_no"], cleared["sleeve_no"]), 0, states["try_count"])
    order = np.argsort(outcomes["sleeve_no"], kind="stable")
    sleeve, why = outcomes["sleeve_no"][order], outcomes["try_count"][order]
    first = np.flatnonzero(np.diff(sleeve, prepend=-1))
    before = np.roll(why, 1)
    at = np.searchsorted(states["sleeve_no"], sleeve[first])
    told = np.append(states["sleeve_no"], -1)[at] == sleeve[first]
    before[first] = np.where(told, np.append(known, 0)[at], 0)
    return take(outcomes, np.sort(order[why != before]))


def _instalments(surplus: Surplus, debited: Frame) -> tuple[Frame, Frame]:
    """Pass on the instalments of sleeves that have their level (積立の振替)."""
    of, rules = surplus.of, surplus.rules
    at = np.minimum(np.searchsorted(of["sleeve_no"], debited["sleeve_no"]), length(of) - 1)
    asked = (of["sleeve_no"][at] == debited["sleeve_no"]) & (debited["kind_code"] == INSTALMENT) & (of["instalments"][at] > 0)
    rows = np.flatnonzero(asked & (surplus.reached | surplus.untold & surplus.open)[at])
    at, amount = at[rows], debited["amount_yen"][rows]
    end = surplus.ends[at]
    least = rules.programs["minimum_instalment_yen"][rules.registry.sleeves["program_no"][end]]
    why = surplus.stays_because(at)
    why = np.where((why == 0) & (amount < least), TOO_SMALL, why)
    goes, debited = why == 0, {name: column.copy() for name, column in debited.items()}
    debited["sleeve_no"][rows[goes]], debited["event_no"][rows[goes]] = end[goes], surplus.number(at[goes])
    debited["contract_no"][rows[goes]] = rules.registry.sleeves["contract_no"][end[goes]]
    return debited, surplus.outcomes(at, amount, why)


def _excess(surplus: Surplus) -> tuple[Frame, Frame]:
    """Make the transfers of what sleeves have above their level (超過額の振替), at most what the program lets leave a sleeve."""
    of, rules = surplus.of, surplus.rules
    over = surplus.spare - of["level_yen"]
    much = surplus.reached & (over >= np.maximum(of["minimum_yen"], 1))
    at = np.flatnonzero((of["excess"] > 0) & (much | surplus.untold & surplus.open))
    most = surplus.spare[at] * rules.programs["withdrawal_limit_ppm"][surplus.program[at]] // PPM
    amount = np.where(surplus.untold[at], 0, np.minimum(over[at], most))
    kept = surplus.untold[at] | (amount > 0)
    at, amount = at[kept], amount[kept]
    why = surplus.stays_because(at)
    goes = at[why == 0]
    events, sleeves = empty("events", goes.size), rules.registry.sleeves
    events["event_no"][:], events["kind_code"][:] = surplus.number(goes), TRANSFER
    events["sleeve_no"][:], events["target_sleeve_no"][:] = of["sleeve_no"][goes], surplus.ends[goes]
    for name in ("account_no", "contract_no"):
        events[name][:] = sleeves[name][events["sleeve_no"]]
    events["amount_yen"][:] = amount[why == 0]
    return events, surplus.outcomes(at, amount, why)
