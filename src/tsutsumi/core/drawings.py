"""Regular drawings (定期取り崩し): made into payouts early enough that the money is there on the plan's day.

A plan names the yen; terms (取り崩し条件) name a rule, and the yen follow from the value of the evening that makes the payout.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books
from tsutsumi.core.drawing_order import Payers, Quotes
from tsutsumi.core.drawing_rules import MONTHS, next_payment_yen
from tsutsumi.core.plans import month_number
from tsutsumi.core.promises import P_DRAWING, Promiser, payout_row, spare_yen
from tsutsumi.core.rules import Rules, TermDrawing
from tsutsumi.core.schema import Frame, frame, length, sort, stack, take
from tsutsumi.core.units import percent

GUARDRAILS = "guardrails"


class Coming(NamedTuple):
    """A plan day that is no payout yet: its sleeve's row, the business day that pays, and the yen of a plan or the terms."""

    row: int
    date: int
    planned: int
    amount: int
    terms: TermDrawing | None = None


def _coming(books: Books, rules: Rules) -> list[Coming]:
    """Return the coming plan days of open sleeves that are no payout yet, of plans and of terms."""
    drawings, payouts = rules.drawings, books.payouts
    if length(drawings) == 0 and not rules.drawing_terms:
        return []
    mine = payouts["kind_code"] == P_DRAWING
    drawn = np.where(payouts["drawn_sleeve_no"] > 0, payouts["drawn_sleeve_no"], payouts["sleeve_no"])[mine]
    made = set(zip(drawn.tolist(), payouts["first_promised_date"][mine].tolist(), strict=True))
    names = ("sleeve_no", "amount_yen", "date", "planned_date")
    known = [(*row, None) for row in zip(*(drawings[name].tolist() for name in names), strict=True)]
    known += [(one.sleeve_no, 0, one.date, one.planned_date, one) for one in rules.drawing_terms]
    coming = []
    for sleeve, amount, date, planned, terms in known:
        row = int(books.row_of_sleeve[sleeve]) if sleeve < books.row_of_sleeve.size else -1
        if row < 0 or books.sleeves["status_code"][row] != 0 or (sleeve, date) in made:
            continue
        if planned > books.sleeves["opened_date"][row]:
            coming.append(Coming(row, date, planned, amount, terms))
    return coming


def by_contract(books: Books, rules: Rules, rows: Iterable[int]) -> set[int]:
    """Return the contracts of some sleeve rows whose drawings are paid by all of their sleeves (契約全体で払う取り崩し)."""
    if not any(order.by_contract for order in rules.drawing_orders.values()):
        return set()
    contracts = {int(books.sleeves["contract_no"][row]) for row in rows}
    return {number for number in contracts if number in rules.drawing_orders and rules.drawing_orders[number].by_contract}


def create_drawings(books: Books, rules: Rules, alerts: Alerts, quotes: Quotes | None = None) -> Books:
    """Return the books with a payout for each drawing that could not wait three more days (取り崩しの起票).

    What comes to one business day is one payout, or one of each sleeve that pays if the whole contract does. A plan above the
    program's limit is refused; terms are cut to it.
    """
    days: dict[tuple[int, int], list[Coming]] = defaultdict(list)
    for one in _coming(books, rules):
        days[one.row, one.date].append(one)
    if not days:
        return books
    promiser, in_time, states, there, made = Promiser(books, rules), {}, _states(books), spare_yen(books), []
    payers = Payers(books, rules, there, by_contract(books, rules, {row for row, _ in days}), quotes)
    for (row, date), parts in sorted(days.items()):
        contract = int(books.sleeves["contract_no"][row])
        together = contract in payers.rows
        paying = payers.rows[contract] if together else [row]
        for one in paying:
            if one not in in_time:
                in_time[one] = promiser.withdrawal(one, rules.day_index + 3)
        if date > rules.next_day and max(in_time[one] for one in paying) <= date:
            continue
        parts.sort(key=lambda one: one.planned)
        has, most = sum(max(int(there[one]), 0) for one in paying), sum(payers.most_yen(one) for one in paying)
        amount = _amount(books, rules, row, (has, most), parts, states, alerts)
        for one, yen in payers.share(contract, amount) if together else [(row, amount)] if amount else []:
            there[one] -= yen
            drawn = int(books.sleeves["sleeve_no"][row]) if one != row else 0
            made.append(payout_row(books, one, 0, P_DRAWING, yen, date, drawn=drawn))
    return replace(books, payouts=stack(books.payouts, frame("payouts", made)), drawing_states=_with_states(books, states))


def _amount(
    books: Books, rules: Rules, row: int, has: tuple[int, int], parts: list[Coming], states: dict, alerts: Alerts
) -> int:
    """Return what a sleeve draws on one business day, 0 for nothing; writes what guardrails go on from into `states`.

    Parameters
    ----------
    has : what those who pay have together, and the most that they pay
    """
    sleeve, (there, most), total = int(books.sleeves["sleeve_no"][row]), has, 0
    limit = int(rules.programs["withdrawal_limit_ppm"][books.sleeves["program_no"][row]])
    by_terms = any(part.terms for part in parts)
    if not by_terms:
        total = sum(part.amount for part in parts)
    if total > most or not there:
        what = "the drawing by its terms finds nothing to draw from" if by_terms else (
            f"the drawing of {total:,} yen is above {percent(limit)} % of what the sleeve has")
        alerts.add("drawing_refused", "sleeve", sleeve, what, "lower the drawing, or close the sleeve")
        return 0
    if not by_terms:
        return total
    asked = 0
    for part in parts:
        wanted = _wanted(part, max(there - total, 0), states.get(sleeve))
        amount = min(wanted, most - total)
        asked, total = asked + wanted, total + amount
        if part.terms and part.terms.rule.kind == GUARDRAILS and amount:
            reviewed = _last_and_review(part.terms, states.get(sleeve))[1]
            states[sleeve] = amount, part.planned if reviewed else states[sleeve][1]
    if total < asked:
        alerts.add("drawing_cut", "sleeve", sleeve,
                   f"the terms draw {asked:,} yen, above {percent(limit)} % of what the sleeve has: {total:,} yen are drawn",
                   "nothing; close the sleeve to draw everything")
    return total


def _wanted(part: Coming, value_yen: int, state: tuple[int, int] | None) -> int:
    """Return what a plan day draws if its payout is made tonight and `value_yen` are there."""
    if part.terms is None:
        return part.amount
    last, review = _last_and_review(part.terms, state)
    return next_payment_yen(part.terms.rule, value_yen, part.terms.months_left, last, review and last is not None)


def _last_and_review(terms: TermDrawing, state: tuple[int, int] | None) -> tuple[int | None, bool]:
    """Return the payment that guardrails go on from, None for the first of a row, and whether a year begins with this one."""
    if state is None or state[1] < terms.since_date:
        return None, True
    return state[0], month_number(terms.planned_date) - month_number(state[1]) >= MONTHS


def next_by_terms(books: Books, rules: Rules, together: Payers) -> dict[int, int]:
    """Return sleeve_no → what its terms would draw next of tonight's value (次回の取り崩し額の見込み), of those on terms today.

    Parameters
    ----------
    together : who pays for the contracts whose drawings are paid by all of their sleeves: there the value is that of all of them
    """
    states, found = _states(books), {}
    for one in rules.drawing_terms:  # ascending: the next one of each sleeve comes first
        if one.since_date > rules.day:
            continue
        row = int(books.row_of_sleeve[one.sleeve_no]) if one.sleeve_no < books.row_of_sleeve.size else -1
        if row >= 0 and one.sleeve_no not in found:
            last, review = _last_and_review(one, states.get(one.sleeve_no))
            contract, value = int(books.sleeves["contract_no"][row]), max(int(books.sleeves["value_yen"][row]), 0)
            value = together.there_of(contract) if contract in together.rows else value
            found[one.sleeve_no] = next_payment_yen(one.rule, value, one.months_left, last, review and last is not None)
    return found


def drawn_a_month(books: Books, rules: Rules, sleeve_no: np.ndarray) -> np.ndarray:
    """Return what each of some sleeves draws a month (毎月の取り崩し額), as its goal counts it: by its plan, or its terms.

    Where the whole contract pays, the drawings of its sleeves are one sum, of which each sleeve draws what it would pay tonight.
    """
    of = rules.drawing_orders
    contracts = sorted(number for number, order in of.items() if order.by_contract)
    payers = Payers(books, rules, books.sleeves["value_yen"], contracts)
    drawn, terms = rules.goals.drawing_yen, next_by_terms(books, rules, payers)
    if not terms and not contracts:
        return drawn[sleeve_no]
    drawn = drawn.copy()
    drawn[list(terms)] = list(terms.values())
    for contract in contracts:
        numbers = books.sleeves["sleeve_no"][payers.rows[contract]]
        asked = min(int(drawn[numbers].sum()), payers.most_of(contract))
        drawn[numbers] = 0
        for row, yen in payers.share(contract, asked):
            drawn[books.sleeves["sleeve_no"][row]] = yen
    return drawn[sleeve_no]


def _states(books: Books) -> dict[int, tuple[int, int]]:
    """Return sleeve_no → (last payment, plan day that the running year of the guardrails began with)."""
    states = books.drawing_states
    pairs = zip(states["last_yen"].tolist(), states["review_date"].tolist(), strict=True)
    return dict(zip(states["sleeve_no"].tolist(), pairs, strict=True))


def _with_states(books: Books, states: dict[int, tuple[int, int]]) -> Frame:
    """Return the table of states, with what tonight's payouts changed in it."""
    known = _states(books)
    changed = {sleeve: state for sleeve, state in states.items() if known.get(sleeve) != state}
    if not changed:
        return books.drawing_states
    account = books.sleeves["account_no"]
    rows = [(int(account[books.row_of_sleeve[sleeve]]), sleeve, *state) for sleeve, state in changed.items()]
    kept = take(books.drawing_states, ~np.isin(books.drawing_states["sleeve_no"], list(changed)))
    return sort(stack(kept, frame("drawing_states", rows)), "sleeve_no")


def reserve_for_drawings(books: Books, rules: Rules, quotes: Quotes | None = None) -> np.ndarray:
    """Return per sleeve row the drawings of the next 60 days that are no payout yet: cash not to be invested.

    Of terms each is the amount that it would draw tonight. What the whole contract pays is shared as tonight's drawing would be,
    at most what its sleeves may pay.
    """
    reserve = np.zeros(length(books.sleeves), np.int64)
    coming = [one for one in _coming(books, rules) if one.date <= books.day + 60]
    together = by_contract(books, rules, {one.row for one in coming})
    there, states, asked = np.zeros(0, np.int64), _states(books), dict.fromkeys(sorted(together), 0)
    if together or rules.drawing_terms:
        there = spare_yen(books)
    payers = Payers(books, rules, there, together, quotes)
    for one in coming:
        sleeve, contract = (int(books.sleeves[name][one.row]) for name in ("sleeve_no", "contract_no"))
        has = 0
        if one.terms:
            has = payers.there_of(contract) if contract in asked else max(int(there[one.row]), 0)
        wanted = _wanted(one, has, states.get(sleeve))
        if contract in asked:
            asked[contract] += wanted
        else:
            reserve[one.row] += wanted
    for contract, wanted in asked.items():
        for row, yen in payers.share(contract, min(wanted, payers.most_of(contract))):
            reserve[row] += yen
    return reserve
