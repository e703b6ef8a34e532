"""Regular drawings (定期取り崩し): made into payouts early enough that the money is there on the plan's day."""

from dataclasses import replace

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books
from tsutsumi.core.promises import P_DRAWING, Promiser, available, new_payout
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import length, stack
from tsutsumi.core.units import PPM, percent


def _coming(books: Books, rules: Rules) -> list[tuple[int, int, int]]:
    """Return (row, amount, date) of the coming plan days of open sleeves that are no payout yet."""
    drawings, payouts = rules.drawings, books.payouts
    if length(drawings) == 0:
        return []
    mine = payouts["kind_code"] == P_DRAWING
    made = set(zip(payouts["sleeve_no"][mine].tolist(), payouts["first_promised_date"][mine].tolist(), strict=True))
    coming = []
    names = ("sleeve_no", "amount_yen", "date", "planned_date")
    for sleeve, amount, date, planned in zip(*(drawings[name].tolist() for name in names), strict=True):
        row = int(books.row_of_sleeve[sleeve]) if sleeve < books.row_of_sleeve.size else -1
        if row < 0 or books.sleeves["status_code"][row] != 0 or (sleeve, date) in made:
            continue
        if planned > books.sleeves["opened_date"][row]:
            coming.append((row, amount, date))
    return coming


def create_drawings(books: Books, rules: Rules, alerts: Alerts) -> Books:
    """Return the books with a payout for each drawing that could not wait three more days (取り崩しの起票)."""
    coming = sorted((row, date, amount) for row, amount, date in _coming(books, rules))
    if not coming:
        return books
    promiser, in_time = Promiser(books, rules), {}
    for row, date, amount in coming:
        if row not in in_time:
            in_time[row] = promiser.withdrawal(row, rules.day_index + 3)
        if date > rules.next_day and in_time[row] <= date:
            continue
        limit = int(rules.programs["withdrawal_limit_ppm"][books.sleeves["program_no"][row]])
        if amount * PPM > limit * max(available(books, row, 0), 0):
            alerts.add("drawing_refused", "sleeve", books.sleeves["sleeve_no"][row],
                       f"the drawing of {amount:,} yen is above {percent(limit)} % of what the sleeve has",
                       "lower the drawing, or close the sleeve")
            continue
        books = replace(books, payouts=stack(books.payouts, new_payout(books, row, 0, P_DRAWING, amount, date)))
    return books


def reserve_for_drawings(books: Books, rules: Rules) -> np.ndarray:
    """Return per sleeve row the drawings of the next 60 days that are no payout yet: cash not to be invested."""
    reserve = np.zeros(length(books.sleeves), np.int64)
    for row, amount, date in _coming(books, rules):
        if date <= books.day + 60:
            reserve[row] += amount
    return reserve
