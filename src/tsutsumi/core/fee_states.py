"""What a contract's fees stand at (報酬の計算状態): period, bases, deposits, marks; put right by a late correction.

A corrected past cannot edit closed days. What was charged for it too much or too little comes as one amount; what runs on goes on
from the state that the right past would have led to, row by row as an input of the day. Rules: docs/rules/fee-correction.md.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books
from tsutsumi.core.flows import CORRECTION
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.refusals import Refused
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, length, own, sort, stack, take

CONTRACT_COLUMNS = (
    "opened_date", "period_start_date", "period_end_date", "period_count", "closed_base_sum_yen", "running_base_yen",
    "uncharged_yen", "net_deposit_yen", "month_end_count", "month_end_1_yen", "month_end_2_yen", "month_end_3_yen",
    "mean_deposit_yen",
)
CONTRACT, BASE_SUM, DAY, MARK, VALUE, MONEY = range(1, 7)  # what a row is of: kind_code
NOT_OPEN = 9
MARK_KEY = ("contract_no", "sleeve_no", "component_no", "step_no")


def fee_state(books: Books, contract_no: int) -> list[tuple]:
    """Return the state of a contract's fees (計算状態) as rows of `fee_states` without their event.

    A row is (account_no, contract_no, sleeve_no, component_no, step_no, kind_code, start_date, after_yen, before_yen, amount_yen).
    Of a contract: one row for each of `CONTRACT_COLUMNS`, its place in step_no; of its sleeves the sums of their bases; the bases
    of the days, if priced by the day; the steps of its marks.
    """
    contracts, sleeves = books.contracts, books.sleeves
    row = int(np.flatnonzero(contracts["contract_no"] == contract_no)[0])
    account = int(contracts["account_no"][row])
    values = [int(contracts[name][row]) for name in CONTRACT_COLUMNS]
    rows = [(account, contract_no, 0, 0, place, CONTRACT, 0, 0, 0, value) for place, value in enumerate(values)]
    mine = sleeves["contract_no"] == contract_no
    sums = zip(sleeves["sleeve_no"][mine].tolist(), sleeves["base_sum_yen"][mine].tolist(), strict=True)
    rows += [(account, contract_no, sleeve, 0, 0, BASE_SUM, 0, 0, 0, yen) for sleeve, yen in sums]
    days = take(books.fee_days, books.fee_days["contract_no"] == contract_no)
    held = zip(days["start_date"].tolist(), days["base_yen"].tolist(), strict=True)
    rows += [(account, contract_no, 0, 0, 0, DAY, start, 0, 0, yen) for start, yen in held]
    marks = take(books.fee_marks, books.fee_marks["contract_no"] == contract_no)
    names = ("sleeve_no", "component_no", "step_no", "start_date", "after_yen", "before_yen", "amount_yen")
    for sleeve, component, step, *rest in zip(*(marks[name].tolist() for name in names), strict=True):
        rows.append((account, contract_no, sleeve, component, step, MARK, *rest))
    return rows


def sleeve_rows(books: Books, kind: int, yen_of: dict[int, int]) -> list[tuple]:
    """Return rows of `fee_states` of some sleeves (運用口ごとの行), `yen_of` by sleeve_no.

    VALUE: what the last close should have valued it at;  MONEY: a flow of today that only the fees see.
    """
    sleeves, rows = books.sleeves, []
    for sleeve, yen in sorted(yen_of.items()):
        row = int(books.row_of_sleeve[sleeve])
        rows.append((int(sleeves["account_no"][row]), int(sleeves["contract_no"][row]), sleeve, 0, 0, kind, 0, 0, 0, yen))
    return rows


def in_force(states: Frame, contracts: Iterable[int]) -> Frame:
    """Return the rows that count of some contracts: those of the latest event of each (適用する計算状態)."""
    number = states["contract_no"]
    latest = np.zeros(int(number.max(initial=0)) + 1, np.int64)
    np.maximum.at(latest, number, states["event_no"])
    return take(states, (states["event_no"] == latest[number]) & np.isin(number, list(contracts)))


def restored(books: Books, states: Frame) -> Books:
    """Return the books with the fees of some contracts at another state (計算状態の置き換え); writes into the books given."""
    contracts = books.contracts
    states = take(states, np.isin(states["contract_no"], contracts["contract_no"]))
    kind, yen = states["kind_code"], states["amount_yen"]
    whole = kind == CONTRACT
    numbers = np.unique(states["contract_no"][whole])
    if numbers.size == 0:
        return books
    row_of = np.zeros(int(contracts["contract_no"].max()) + 1, np.int64)
    row_of[contracts["contract_no"]] = np.arange(length(contracts))
    own(contracts, *CONTRACT_COLUMNS)
    for place, name in enumerate(CONTRACT_COLUMNS):
        mine = whole & (states["step_no"] == place)
        contracts[name][row_of[states["contract_no"][mine]]] = yen[mine]
    sums = kind == BASE_SUM
    books.sleeves["base_sum_yen"][books.row_of_sleeve[states["sleeve_no"][sums]]] = yen[sums]
    days, marks = take(states, kind == DAY), take(states, kind == MARK)
    fresh = {name: days["amount_yen" if name == "base_yen" else name] for name in books.fee_days}
    fee_days = stack(take(books.fee_days, ~np.isin(books.fee_days["contract_no"], numbers)), fresh)
    moved = {name: marks[name] for name in books.fee_marks}
    fee_marks = stack(take(books.fee_marks, ~np.isin(books.fee_marks["contract_no"], numbers)), moved)
    return replace(books, fee_days=sort(fee_days, "contract_no", "start_date"), fee_marks=sort(fee_marks, *MARK_KEY))


def money_for_fees(states: Frame) -> Frame:
    """Return the flows of today that only the fees see (報酬だけが見る入出金), as rows of `flows`."""
    rows = take(states, states["kind_code"] == MONEY)
    flows = empty("flows", length(rows))
    for name in ("account_no", "sleeve_no", "amount_yen"):
        flows[name][:] = rows[name]
    flows["kind_code"][:] = CORRECTION
    return flows


def with_last_values(before: Books, states: Frame) -> Books:
    """Return the books of the last close with the values that its fees should have seen (報酬の基準となる前日の評価額)."""
    chosen = take(states, states["kind_code"] == VALUE)
    if length(chosen) == 0:
        return before
    sleeves = before.sleeves | {"value_yen": before.sleeves["value_yen"].copy()}
    sleeves["value_yen"][before.row_of_sleeve[chosen["sleeve_no"]]] = chosen["amount_yen"]
    return replace(before, sleeves=sleeves)


def corrected_yen(books: Books, rules: Rules, event: dict, has_state: bool, alerts: Alerts) -> int:
    """Return what a contract is charged tonight for a past that was wrong, below zero what it is given back (報酬の訂正).

    A contract that has ended has no cash here: the amount becomes an alert, to be settled outside.

    Raises
    ------
    Refused
        No note, nothing to correct, a contract that was never open, or one without a sleeve.
    """
    number, yen = event["contract_no"], event["amount_yen"]
    name = rules.name("contract", number)
    if not event["note_count"]:
        raise Refused("a fee correction without a note", "say in `note` what was wrong")
    if not yen and not has_state:
        raise Refused("a fee correction of 0 yen", "give the yen to charge, or to give back below zero")
    at = np.flatnonzero(books.contracts["contract_no"] == number)
    known = at.size > 0 and books.contracts["status_code"][at[0]] != NOT_OPEN
    payouts = books.payouts
    leaving = (payouts["contract_no"] == number) & (payouts["kind_code"] == P_TERMINATION) & (payouts["pay_date"] == books.day)
    if leaving.any() or (not known and number in books.ended["contract_no"][books.ended["sleeve_no"] == 0]):
        _tell_outside(alerts, name, number, yen)
        return 0
    if not known:
        raise Refused(f"{name} is not open", "name a contract that is open, or that has ended")
    if not (books.sleeves["contract_no"] == number).any():
        raise Refused(f"{name} has no sleeve to pay", "open a sleeve first")
    return yen


def _tell_outside(alerts: Alerts, name: str, contract_no: int, yen: int) -> None:
    if yen > 0:
        alerts.add("fee_shortfall", "contract", contract_no, f"{name} has ended; its fees were {yen:,} yen too low",
                   "bill the customer, or write it off")
    elif yen < 0:
        alerts.add("fee_credit", "contract", contract_no, f"{name} has ended; its fees were {-yen:,} yen too high",
                   "pay the customer back")
