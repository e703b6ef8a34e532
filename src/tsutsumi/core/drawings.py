"""Regular drawings (定期取り崩し): made into payouts early enough that the money is there on the plan's day.

A plan names the yen; terms (取り崩し条件) name a rule, and the yen follow from the value of the evening that makes the payout.
"""

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books
from tsutsumi.core.drawing_rules import MONTHS, next_payment_yen
from tsutsumi.core.plans import month_number
from tsutsumi.core.promises import P_DRAWING, P_SLEEVE_CLOSE, Promiser, new_payout
from tsutsumi.core.rules import Rules, TermDrawing
from tsutsumi.core.schema import Frame, frame, length, sort, stack, take
from tsutsumi.core.units import PPM, percent

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
    made = set(zip(payouts["sleeve_no"][mine].tolist(), payouts["first_promised_date"][mine].tolist(), strict=True))
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


def create_drawings(books: Books, rules: Rules, alerts: Alerts) -> Books:
    """Return the books with a payout for each drawing that could not wait three more days (取り崩しの起票).

    What comes to one business day is one payout. A plan above the program's limit is refused; terms are cut to it.
    """
    days: dict[tuple[int, int], list[Coming]] = defaultdict(list)
    for one in _coming(books, rules):
        days[one.row, one.date].append(one)
    if not days:
        return books
    promiser, in_time, states, there, made = Promiser(books, rules), {}, _states(books), drawable_yen(books), []
    for (row, date), parts in sorted(days.items()):
        if row not in in_time:
            in_time[row] = promiser.withdrawal(row, rules.day_index + 3)
        if date > rules.next_day and in_time[row] <= date:
            continue
        parts.sort(key=lambda one: one.planned)
        amount = _amount(books, rules, row, max(int(there[row]), 0), parts, states, alerts)
        if amount:
            there[row] -= amount
            made.append(new_payout(books, row, 0, P_DRAWING, amount, date))
    return replace(books, payouts=stack(books.payouts, *made), drawing_states=_with_states(books, states))


def _amount(books: Books, rules: Rules, row: int, there: int, parts: list[Coming], states: dict, alerts: Alerts) -> int:
    """Return what a sleeve draws on one business day, 0 for nothing; writes what guardrails go on from into `states`."""
    sleeve = int(books.sleeves["sleeve_no"][row])
    limit = int(rules.programs["withdrawal_limit_ppm"][books.sleeves["program_no"][row]])
    most, total = limit * there // PPM, 0
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


def next_by_terms(books: Books, rules: Rules) -> dict[int, int]:
    """Return sleeve_no → what its terms would draw next of tonight's value (次回の取り崩し額の見込み), of those on terms today."""
    states, found = _states(books), {}
    for one in rules.drawing_terms:  # ascending: the next one of each sleeve comes first
        if one.since_date > rules.day:
            continue
        row = int(books.row_of_sleeve[one.sleeve_no]) if one.sleeve_no < books.row_of_sleeve.size else -1
        if row >= 0 and one.sleeve_no not in found:
            last, review = _last_and_review(one, states.get(one.sleeve_no))
            value = max(int(books.sleeves["value_yen"][row]), 0)
            found[one.sleeve_no] = next_payment_yen(one.rule, value, one.months_left, last, review and last is not None)
    return found


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


def reserve_for_drawings(books: Books, rules: Rules) -> np.ndarray:
    """Return per sleeve row the drawings of the next 60 days that are no payout yet: cash not to be invested.

    Of terms each is the amount that it would draw tonight.
    """
    reserve = np.zeros(length(books.sleeves), np.int64)
    coming = [one for one in _coming(books, rules) if one.date <= books.day + 60]
    there, states = np.maximum(drawable_yen(books), 0).tolist() if rules.drawing_terms else [], _states(books)
    for one in coming:
        sleeve = int(books.sleeves["sleeve_no"][one.row])
        reserve[one.row] += _wanted(one, there[one.row], states.get(sleeve)) if one.terms else one.amount
    return reserve


def drawable_yen(books: Books) -> np.ndarray:
    """Return per sleeve row its value less its open payouts and dues (払出しの元), which drawings are held against."""
    there, payouts, dues = books.sleeves["value_yen"].copy(), books.payouts, books.dues
    plain = payouts["kind_code"] < P_SLEEVE_CLOSE
    np.subtract.at(there, books.row_of_sleeve[payouts["sleeve_no"][plain]], payouts["amount_yen"][plain])
    np.subtract.at(there, books.row_of_sleeve[dues["sleeve_no"]], dues["amount_yen"])
    return there
