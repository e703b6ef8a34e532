"""What the bank is asked for today, and what follows from its answers (口座振替): instalments, their retries, and fees.

What stands over to a later day is an input of the close (`inputs.debits`); `core/debits.py` books it. Rules: docs/close.md §5, §7.
"""

from collections import defaultdict

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.debits import PAUSED, PLAN_DAY, PLAN_FIRST, RETRY, SKIP, SKIPPED, SPENT
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, frame, length, take
from tsutsumi.ports import BankDebit
from tsutsumi.run.reference import Reference


def plan_debits(reference: Reference, rules: Rules, books: Books, events: Frame, bank: BankDebit) -> tuple[Frame, Frame]:
    """Return today's debits of plans as events, collected or failed, and what follows from them (口座振替の結果と再振替).

    Parameters
    ----------
    books : of the day closed before
    events : of today, for the instalments that they skip

    Returns
    -------
    events, `debit_states`: per failed debit, in the order of the debits, its retry or why there is none; retries that are
        dropped; instalments that are skipped.
    """
    day = rules.day
    planned = [(sleeve, amount) for sleeve, amount, on in reference.instalments.get(day, ()) if _is_open(books, sleeve, on)]
    skipped = _skipped(rules, books, events) & {sleeve for sleeve, _ in planned}
    asked = [(sleeve, amount, 0) for sleeve, amount in planned if sleeve not in skipped]
    outcomes = [(sleeve, SKIPPED, 0, 0, 0) for sleeve in sorted(skipped)]
    states, today = books.debit_states, {sleeve for sleeve, _ in planned}
    names = ("sleeve_no", "kind_code", "amount_yen", "due_date", "try_count")
    for sleeve, kind, amount, due, number in zip(*(states[name].tolist() for name in names), strict=True):
        if kind != RETRY or not _is_open(books, sleeve, day):
            continue
        if sleeve in today:
            outcomes.append((sleeve, PLAN_DAY, amount, 0, number))
        elif due == day and reference.instalment_paused(sleeve, day):
            outcomes.append((sleeve, PAUSED, amount, 0, number))
        elif due == day:
            asked.append((sleeve, amount, number))
    if not asked:
        return empty("events"), _states(outcomes, rules)
    asked.sort(key=lambda row: row[0])
    columns = zip(*((sleeve, amount) for sleeve, amount, _ in asked), strict=True)
    answer = bank.collect(day, {name: np.array(c, np.int64) for name, c in zip(("sleeve_no", "amount_yen"), columns, strict=True)})
    tries: dict[int, list[int]] = defaultdict(list)
    for sleeve, _, number in asked:
        tries[sleeve].append(number)
    for sleeve, amount, ok in zip(*(answer[name].tolist() for name in ("sleeve_no", "amount_yen", "ok")), strict=True):
        number = tries[sleeve].pop(0)
        if not ok and (found := _after_failure(reference, rules, sleeve, number)):
            outcomes.append((sleeve, found[0], amount, *found[1:]))
    return _debit_events(answer, rules, "instalment"), _states(outcomes, rules)


def _is_open(books: Books, sleeve: int, planned: int) -> bool:
    """Whether a sleeve is open, not closing, since before the plan day."""
    row = int(books.row_of_sleeve[sleeve]) if sleeve < books.row_of_sleeve.size else -1
    return row >= 0 and books.sleeves["status_code"][row] == 0 and planned > books.sleeves["opened_date"][row]


def _skipped(rules: Rules, books: Books, events: Frame) -> set[int]:
    """Return the sleeves whose next instalment is skipped, by an event of today or of an evening before."""
    of = events["kind_code"] == EVENT_KINDS.index("instalment_skipped")
    owners, states = rules.registry.sleeves["contract_no"], books.debit_states
    told = zip(events["sleeve_no"][of].tolist(), events["contract_no"][of].tolist(), strict=True)
    found = {sleeve for sleeve, contract in told if 0 < sleeve < owners.size and contract in (0, owners[sleeve])}
    return found | set(states["sleeve_no"][states["kind_code"] == SKIP].tolist())


def _after_failure(reference: Reference, rules: Rules, sleeve: int, number: int) -> tuple[int, int, int] | None:
    """Return what follows when retry `number` fails (0: the debit of the plan day): kind, day and number of the next retry."""
    program = rules.registry.sleeves["program_no"][sleeve]
    after, most = (int(rules.programs[name][program]) for name in ("retry_days", "retry_count"))
    if number >= most or not after:
        return (SPENT, 0, number) if number else None
    days = rules.timeline.days[rules.day_index + 1 : rules.day_index + after + 1].tolist()
    if any(sleeve in reference.instalment_sleeves(day) for day in days):
        return PLAN_FIRST, 0, number
    return RETRY, days[-1], number + 1


def _states(outcomes: list[tuple], rules: Rules) -> Frame:
    accounts = rules.registry.sleeves["account_no"]
    return frame("debit_states", [(int(accounts[sleeve]), sleeve, *rest) for sleeve, *rest in outcomes])


def _debit_events(answer: Frame, rules: Rules, kind: str) -> Frame:
    """Return the answers of the bank as events: money of a kind, or a failed debit."""
    events, sleeves = empty("events", length(answer)), rules.registry.sleeves
    events["sleeve_no"][:], events["amount_yen"][:] = answer["sleeve_no"], answer["amount_yen"]
    events["account_no"][:] = sleeves["account_no"][events["sleeve_no"]]
    events["contract_no"][:] = sleeves["contract_no"][events["sleeve_no"]]
    kinds = (EVENT_KINDS.index("debit_failed"), EVENT_KINDS.index(kind))
    events["kind_code"][:] = np.where(answer["ok"] == 1, kinds[1], kinds[0])
    return events


def fee_debits(rules: Rules, books: Books, bank: BankDebit) -> Frame:
    """Return today's debits of fees from the customers' own accounts as events: collected, or failed (特別預り金からの徴収)."""
    day, dues, sleeves = rules.day, books.dues, books.sleeves
    today = dues["due_date"] == day
    if not today.any():
        return empty("events")
    rows = books.row_of_sleeve[dues["sleeve_no"]]
    asked = take(dues, today & (rules.programs["collection_deposit"][sleeves["program_no"][rows]] > 0))
    numbers, inverse = np.unique(asked["sleeve_no"], return_inverse=True)
    if numbers.size == 0:
        return empty("events")
    amounts = np.zeros(numbers.size, np.int64)
    np.add.at(amounts, inverse, asked["amount_yen"])
    answer = bank.collect(day, {"sleeve_no": numbers.astype(np.int64), "amount_yen": amounts})
    return _debit_events(answer, rules, "fee_deposit")
