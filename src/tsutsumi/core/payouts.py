"""Promises and payments (払出し): when the cash will surely be there, and paying it on that day. Rules: docs/close.md §6."""

from dataclasses import replace

import numpy as np

from tsutsumi.core.alerts import Alerts
from tsutsumi.core.books import Books, order_offsets
from tsutsumi.core.debits import NOT_OPEN, STAYED
from tsutsumi.core.flows import DRAWING, FEE, FLOW_KINDS, TERMINATION, TRANSFER, WITHDRAWAL, Flows
from tsutsumi.core.journal import BY_FEE, BY_PAYOUT, CASH, LEDGERS, YEN, Journal
from tsutsumi.core.journal import FEE as FEE_LEDGER
from tsutsumi.core.ladder import payable_now
from tsutsumi.core.promises import (
    LAPSED,
    LATE_DAYS,
    P_DRAWING,
    P_SLEEVE_CLOSE,
    P_TERMINATION,
    P_TRANSFER,
    P_WITHDRAWAL,
    PAID,
    Promiser,
)
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, length, own, stack, take

FLOW_OF = {P_WITHDRAWAL: WITHDRAWAL, P_DRAWING: DRAWING, P_TRANSFER: TRANSFER}


def open_needs(books: Books, rules: Rules) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per sleeve row: yen of open payouts (closings apart) and unpaid dues; whether one is older than today; whether
    there is a payout among them. A due that the bank will debit is no need until the evening before."""
    rows = length(books.sleeves)
    needs, late, has_payout = np.zeros(rows, np.int64), np.zeros(rows, bool), np.zeros(rows, bool)
    payouts, dues = books.payouts, books.dues
    plain = payouts["kind_code"] < P_SLEEVE_CLOSE
    at = books.row_of_sleeve[payouts["sleeve_no"][plain]]
    np.add.at(needs, at, payouts["amount_yen"][plain])
    has_payout[at] = True
    late[at[payouts["requested_date"][plain] < books.day]] = True
    at = books.row_of_sleeve[dues["sleeve_no"]]
    debited = (rules.programs["collection_deposit"][books.sleeves["program_no"][at]] > 0) & (dues["due_date"] > books.day)
    at, amount, charged = at[~debited], dues["amount_yen"][~debited], dues["charged_date"][~debited]
    np.add.at(needs, at, amount)
    late[at[charged < books.day]] = True
    return needs, late, has_payout


def pay(books: Books, rules: Rules, flows: Flows, journal: Journal, alerts: Alerts) -> tuple[Books, Frame, Frame]:
    """Pay what is due today (支払): payouts, then dues, then the sleeves that close today.

    Returns
    -------
    books, payouts that changed today, fees collected today
        Writes into the books given. A payout that the cash cannot carry is promised anew with cause `market_fall`.
    """
    books, changed = _pay_payouts(books, rules, flows, journal, alerts)
    books, collected = _collect_dues(books, flows, journal)
    books, closed, forced = _pay_closings(books, flows, journal, alerts)
    return books, stack(changed, closed), stack(collected, forced)


def _move_out(books: Books, row: int, payout: Frame, amount: int, flows: Flows, journal: Journal, alerts: Alerts) -> None:
    """Take the cash of a payout out of its sleeve, to the customer or into the target sleeve."""
    sleeves = books.sleeves
    account, sleeve = int(sleeves["account_no"][row]), int(sleeves["sleeve_no"][row])
    event_no, target, kind = (int(payout[name][0]) for name in ("event_no", "target_sleeve_no", "kind_code"))
    sleeves["cash_yen"][row] -= amount
    target_row = int(books.row_of_sleeve[target]) if 0 < target < books.row_of_sleeve.size else -1
    to_sleeve = target_row >= 0 and sleeves["status_code"][target_row] == 0
    if target and not to_sleeve and event_no >= 0:
        alerts.add("target_closed", "sleeve", target, f"sleeve {target} is no longer open; {amount:,} yen went to the customer",
                   "nothing, or ask the customer for a new instruction")
    if amount == 0:
        return
    if to_sleeve:
        sleeves["cash_yen"][target_row] += amount
        flows.add(account, sleeve, TRANSFER, -amount, event_no)
        flows.add(account, target, TRANSFER, amount, event_no)
        journal.post(BY_PAYOUT, account, sleeve, event_no, [(CASH, YEN, -amount)])
        journal.post(BY_PAYOUT, account, target, event_no, [(CASH, YEN, amount)], entry_sleeve_no=sleeve)
        return
    flow = WITHDRAWAL if kind == P_TRANSFER else FLOW_OF.get(kind, TERMINATION)
    flows.add(account, sleeve, flow, -amount, event_no)
    journal.post(BY_PAYOUT, account, sleeve, event_no, [(CASH, YEN, -amount), (LEDGERS.index(FLOW_KINDS[flow]), YEN, amount)])


def _pay_payouts(books: Books, rules: Rules, flows: Flows, journal: Journal, alerts: Alerts) -> tuple[Books, Frame]:
    payouts = books.payouts
    due = np.flatnonzero((payouts["promised_date"] <= books.day) & (payouts["kind_code"] < P_SLEEVE_CLOSE))
    if due.size == 0:
        return books, take(payouts, due)
    offsets = order_offsets(books)
    drawing = payouts["event_no"][due] == 0  # made in the evening, after the day's events
    due = due[np.lexsort((payouts["event_no"][due], drawing, payouts["requested_date"][due], payouts["sleeve_no"][due]))]
    paid, promiser = np.zeros(length(payouts), bool), Promiser(books, rules)
    _keep_surplus(books, due[payouts["event_no"][due] < 0], alerts)
    for k in due:
        row = int(books.row_of_sleeve[payouts["sleeve_no"][k]])
        amount = int(payouts["amount_yen"][k])
        sure = int(payable_now(np.array([row]), books.sleeves["cash_yen"], offsets, books.orders, books.day)[0])
        if amount <= sure:
            _move_out(books, row, take(payouts, np.array([k])), amount, flows, journal, alerts)
            payouts["status_code"][k], payouts["paid_date"][k] = PAID, books.day
            paid[k] = True
            continue
        if _nothing_left(books, row, offsets):
            alerts.add("payout_cut", "sleeve", payouts["sleeve_no"][k],
                       f"{amount:,} yen were promised, the sleeve has {max(sure, 0):,} and nothing left to sell",
                       "tell the customer; close the sleeve if it is of no more use")
            payouts["amount_yen"][k] = max(sure, 0)
            _move_out(books, row, take(payouts, np.array([k])), max(sure, 0), flows, journal, alerts)
            payouts["status_code"][k], payouts["paid_date"][k] = PAID, books.day
            paid[k] = True
            continue
        new = max(promiser.withdrawal(row, rules.day_index), rules.next_day)
        alerts.add("promise_reissued", "sleeve", payouts["sleeve_no"][k],
                   f"market_fall: {amount:,} yen were promised for today, {max(sure, 0):,} are there",
                   "tell the customer the new date")
        payouts["promised_date"][k] = new
        payouts["reissue_count"][k] += 1
    return replace(books, payouts=take(payouts, ~paid)), take(payouts, due)


def _keep_surplus(books: Books, due: np.ndarray, alerts: Alerts) -> None:
    """Pay nothing of surplus whose target has closed (余剰の残留): it leaves the sleeves only when the customer asks."""
    payouts, row_of = books.payouts, books.row_of_sleeve
    for k in due:
        to = int(payouts["target_sleeve_no"][k])
        row = int(row_of[to]) if to < row_of.size else -1
        if row < 0 or books.sleeves["status_code"][row]:
            what = f"{int(payouts['amount_yen'][k]):,} yen of surplus stay in the sleeve: {STAYED[NOT_OPEN][0]}"
            alerts.add("surplus_stays", "sleeve", payouts["sleeve_no"][k], what, STAYED[NOT_OPEN][1])
            payouts["amount_yen"][k] = 0


def _carry_together(books: Books, rows_of_due: np.ndarray, sure: np.ndarray, late: np.ndarray) -> np.ndarray:
    """Share late dues anew among the sleeves of their contract, by what each can pay; return which rows are payable now."""
    dues, payable = books.dues, np.zeros(rows_of_due.size, bool)
    for contract in np.unique(dues["contract_no"][rows_of_due[late]]):
        mine = np.flatnonzero(dues["contract_no"][rows_of_due] == contract)
        mine = mine[np.argsort(dues["sleeve_no"][rows_of_due[mine]])]
        owed = int(dues["amount_yen"][rows_of_due[mine]].sum())
        if int(np.maximum(sure[mine], 0).sum()) < owed:
            continue
        for k in mine:
            part = min(max(int(sure[k]), 0), owed)
            dues["amount_yen"][rows_of_due[k]] = part
            owed -= part
        payable[mine] = True
    return payable


def _nothing_left(books: Books, row: int, offsets: np.ndarray) -> bool:
    """Return whether a sleeve has neither units nor a live order."""
    held = books.positions["held_units"][books.offsets[row] : books.offsets[row + 1]]
    return not held.any() and offsets[row] == offsets[row + 1]


def _beside_promises(books: Books, rows: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return what each sleeve at `rows` can pay today and still keep its open promises on their days."""
    orders, payouts, day = books.orders, books.payouts, books.day
    sure = payable_now(rows, books.sleeves["cash_yen"], offsets, orders, day)
    plain = payouts["kind_code"] < P_SLEEVE_CLOSE
    promising = np.isin(books.sleeves["sleeve_no"][rows], payouts["sleeve_no"][plain])
    for k in np.flatnonzero(promising):
        row = np.array([rows[k]])
        mine = plain & (payouts["sleeve_no"] == books.sleeves["sleeve_no"][rows[k]])
        promised, owed = payouts["promised_date"][mine], payouts["amount_yen"][mine]
        for date in np.unique(promised).tolist():
            then = int(payable_now(row, books.sleeves["cash_yen"], offsets, orders, max(date, day))[0])
            sure[k] = min(sure[k], then - int(owed[promised <= date].sum()))
    return sure


def _collect_dues(books: Books, flows: Flows, journal: Journal) -> tuple[Books, Frame]:
    """Collect the fees due today (報酬の徴収): a contract's due only if every sleeve can pay its part."""
    dues, sleeves = books.dues, books.sleeves
    collected = [take(books.fees, np.zeros(0, np.int64))]
    gone = np.zeros(length(dues), bool)
    offsets = order_offsets(books)
    for charged in np.unique(dues["charged_date"][dues["due_date"] <= books.day]):
        rows_of_due = np.flatnonzero((dues["charged_date"] == charged) & (dues["due_date"] <= books.day))
        rows = books.row_of_sleeve[dues["sleeve_no"][rows_of_due]]
        sure = _beside_promises(books, rows, offsets)
        unable = np.unique(dues["contract_no"][rows_of_due][sure < dues["amount_yen"][rows_of_due]])
        able = ~np.isin(dues["contract_no"][rows_of_due], unable)
        late = ~able & (dues["due_date"][rows_of_due] + LATE_DAYS <= books.day)
        able |= _carry_together(books, rows_of_due, sure, late)
        rows_of_due, rows = rows_of_due[able], rows[able]
        amount = dues["amount_yen"][rows_of_due]
        sleeves["cash_yen"][rows] -= amount
        flows.add_columns(sleeves["account_no"][rows], sleeves["sleeve_no"][rows], FEE, -amount)
        journal.post(BY_FEE, sleeves["account_no"][rows], sleeves["sleeve_no"][rows], int(charged),
                     [(CASH, YEN, -amount), (FEE_LEDGER, YEN, amount)])
        gone[rows_of_due] = True
        paid = np.isin(books.fees["contract_no"], dues["contract_no"][rows_of_due]) & (books.fees["charged_date"] == charged)
        books.fees["collected_date"][paid] = books.day
        collected.append(take(books.fees, paid))
        books = replace(books, fees=take(books.fees, ~paid))
    return replace(books, dues=take(dues, ~gone)), stack(*collected)


def _pay_closings(books: Books, flows: Flows, journal: Journal, alerts: Alerts) -> tuple[Books, Frame, Frame]:
    """Pay out the sleeves that close today: their dues first, then the whole cash; each ends with value 0."""
    payouts, sleeves = books.payouts, books.sleeves
    today = np.flatnonzero((payouts["kind_code"] >= P_SLEEVE_CLOSE) & (payouts["pay_date"] == books.day))
    if today.size == 0:
        return books, take(payouts, today), take(books.fees, np.zeros(0, np.int64))
    _pay_credits(books, payouts, today, flows, journal)
    dues, shortfall = books.dues, {}
    gone = np.isin(dues["sleeve_no"], payouts["sleeve_no"][today])
    for k in np.flatnonzero(gone):
        row = int(books.row_of_sleeve[dues["sleeve_no"][k]])
        asked = int(dues["amount_yen"][k])
        amount = min(asked, int(sleeves["cash_yen"][row]))
        key = (int(dues["contract_no"][k]), int(dues["charged_date"][k]))
        if amount < asked:
            shortfall[key] = shortfall.get(key, 0) + asked - amount
            alerts.add("fee_shortfall", "contract", key[0], f"the fee of {asked:,} yen met {amount:,} yen of cash at the closing",
                       "bill the rest, or waive it")
        account, sleeve = int(sleeves["account_no"][row]), int(sleeves["sleeve_no"][row])
        sleeves["cash_yen"][row] -= amount
        if amount:
            flows.add(account, sleeve, FEE, -amount)
            journal.post(BY_FEE, account, sleeve, key[1], [(CASH, YEN, -amount), (FEE_LEDGER, YEN, amount)])
    books, collected = _close_fees(replace(books, dues=take(dues, ~gone)), take(dues, gone), shortfall)
    for k in today:
        row = int(books.row_of_sleeve[payouts["sleeve_no"][k]])
        payouts["amount_yen"][k] = sleeves["cash_yen"][row]
        _move_out(books, row, take(payouts, np.array([k])), int(sleeves["cash_yen"][row]), flows, journal, alerts)
        payouts["status_code"][k], payouts["paid_date"][k] = PAID, books.day
    lapsing = np.isin(payouts["sleeve_no"], payouts["sleeve_no"][today]) & (payouts["kind_code"] < P_SLEEVE_CLOSE)
    payouts["status_code"][lapsing] = LAPSED
    gone = lapsing.copy()
    gone[today] = True
    return replace(books, payouts=take(payouts, ~gone)), take(payouts, gone), collected


def _pay_credits(books: Books, payouts: Frame, today: np.ndarray, flows: Flows, journal: Journal) -> None:
    """Pay what a contract that ends today was refunded, and never owed again, into its first sleeve (返戻金の支払)."""
    contracts, sleeves = books.contracts, books.sleeves
    own(contracts, "credit_yen")
    ending = today[payouts["kind_code"][today] == P_TERMINATION]
    for k in np.flatnonzero((contracts["credit_yen"] > 0) & np.isin(contracts["contract_no"], payouts["contract_no"][ending])):
        mine = payouts["sleeve_no"][ending][payouts["contract_no"][ending] == contracts["contract_no"][k]]
        row, amount = int(books.row_of_sleeve[mine.min()]), int(contracts["credit_yen"][k])
        sleeves["cash_yen"][row] += amount
        contracts["credit_yen"][k] = 0
        account, sleeve = int(sleeves["account_no"][row]), int(sleeves["sleeve_no"][row])
        flows.add(account, sleeve, FEE, amount)
        journal.post(BY_FEE, account, sleeve, books.day, [(CASH, YEN, amount), (FEE_LEDGER, YEN, -amount)])


def _close_fees(books: Books, paid: Frame, shortfall: dict) -> tuple[Books, Frame]:
    """Mark the fees of the given dues as collected where no part of them is left; cut what the cash could not carry.

    Returns
    -------
    books, fees collected or cut today; a fee of which other sleeves still owe their part stays open, less what was cut
    """
    fees = books.fees
    left = set(zip(books.dues["contract_no"].tolist(), books.dues["charged_date"].tolist(), strict=True))
    done = set(zip(paid["contract_no"].tolist(), paid["charged_date"].tolist(), strict=True)) - left
    keys = list(zip(fees["contract_no"].tolist(), fees["charged_date"].tolist(), strict=True))
    mask, cut_today = np.array([key in done for key in keys], bool), np.zeros(len(keys), bool)
    for k in reversed([k for k, key in enumerate(keys) if key in shortfall]):
        cut = min(shortfall[keys[k]], int(fees["fee_yen"][k]))
        if cut:
            fees["fee_yen"][k] -= cut
            shortfall[keys[k]] -= cut
            cut_today[k] = True
    fees["collected_date"][mask] = books.day
    return replace(books, fees=take(fees, ~mask)), take(fees, mask | cut_today)


def reissue(books: Books, rules: Rules, stopped: np.ndarray, waited: np.ndarray, alerts: Alerts) -> Frame:
    """Promise anew, where that is later, for sleeves that market data stopped or made wait; return the payouts changed.

    `stopped` and `waited` are masks of sleeve rows; a stopped one cannot order tonight, so it is promised as if asked for
    tomorrow. Nothing moves where the money is sure anyway. All sleeves of a termination get the latest date of any of them.
    """
    payouts = books.payouts
    at = books.row_of_sleeve[payouts["sleeve_no"]]
    hit = np.flatnonzero((stopped | waited)[at] & (payouts["pay_date"] == 0))
    if hit.size == 0:
        return take(payouts, hit)
    promiser, changed = Promiser(books, rules), np.zeros(length(payouts), bool)
    plain = hit[payouts["kind_code"][hit] < P_SLEEVE_CLOSE]
    sure = [_is_sure(books, int(at[k]), int(payouts["promised_date"][k]), promiser.order_offsets) for k in plain]
    for k, is_sure in zip(plain, sure, strict=True):
        if not is_sure:
            row = int(at[k])
            changed |= _promise_later(payouts, k, promiser.withdrawal(row, rules.day_index + int(stopped[row])), alerts)
    closings = hit[payouts["kind_code"][hit] >= P_SLEEVE_CLOSE]
    return take(payouts, changed | _move_closings(books, rules, promiser, closings, stopped, 0, alerts))


def _move_closings(
    books, rules: Rules, promiser: Promiser, closings: np.ndarray, stopped: np.ndarray, earliest: int, alerts: Alerts
) -> np.ndarray:
    """Promise closings anew, all of a termination together, not before `earliest`; return which payouts changed."""
    payouts = books.payouts
    changed, done = np.zeros(length(payouts), bool), np.zeros(length(payouts), bool)
    for k in closings:
        if done[k]:
            continue
        together = np.zeros(length(payouts), bool)
        together[k] = True
        if payouts["kind_code"][k] == P_TERMINATION:
            together = (payouts["contract_no"] == payouts["contract_no"][k]) & (payouts["kind_code"] == P_TERMINATION)
        done |= together
        rows = books.row_of_sleeve[payouts["sleeve_no"][together]].tolist()
        new = max(promiser.closing(row, rules.day_index + int(stopped[row])) for row in rows)
        for member in np.flatnonzero(together):
            changed |= _promise_later(payouts, member, max(new, earliest), alerts)
    return changed


def _promise_later(payouts: Frame, k: int, new: int, alerts: Alerts) -> np.ndarray:
    """Write a later promised date into a payout; return a mask of what changed."""
    changed = np.zeros(length(payouts), bool)
    if new > payouts["promised_date"][k]:
        payouts["promised_date"][k] = new
        payouts["reissue_count"][k] += 1
        changed[k] = True
        alerts.add("promise_reissued", "sleeve", payouts["sleeve_no"][k], "market_data: a price is missing or was refused",
                   "tell the customer the new date")
    return changed


def _is_sure(books: Books, row: int, promised: int, offsets: np.ndarray) -> bool:
    """Return whether the known cash carries all that a sleeve promised by a date, from that date on."""
    payouts = books.payouts
    mine = (payouts["sleeve_no"] == books.sleeves["sleeve_no"][row]) & (payouts["kind_code"] < P_SLEEVE_CLOSE)
    owed = int(payouts["amount_yen"][mine & (payouts["promised_date"] <= promised)].sum())
    day = max(promised, books.day)
    return int(payable_now(np.array([row]), books.sleeves["cash_yen"], offsets, books.orders, day)[0]) >= owed


def hold_closings(books: Books, rules: Rules, ready: np.ndarray, stopped: np.ndarray, alerts: Alerts) -> Frame:
    """Promise anew the closings that are not ready on the eve of their date (再約束); return the payouts changed."""
    payouts = books.payouts
    due = (payouts["kind_code"] >= P_SLEEVE_CLOSE) & (payouts["pay_date"] == 0) & (payouts["promised_date"] <= rules.next_day)
    due[ready] = False
    if not due.any():
        return take(payouts, due)
    earliest = rules.business_day(rules.day_index + 2)
    return take(payouts, _move_closings(books, rules, Promiser(books, rules), np.flatnonzero(due), stopped, earliest, alerts))


def ready_to_close(books: Books, rules: Rules) -> np.ndarray:
    """Return the rows of `payouts` (closings) whose sleeve is sold and settled on the eve of the promised date or later."""
    payouts, sleeves = books.payouts, books.sleeves
    closing = (payouts["kind_code"] >= P_SLEEVE_CLOSE) & (payouts["pay_date"] == 0)
    rows = np.flatnonzero(closing & (payouts["promised_date"] <= rules.next_day))
    if rows.size == 0:
        return rows
    offsets, ready = order_offsets(books), []
    for k in rows:
        row = int(books.row_of_sleeve[payouts["sleeve_no"][k]])
        held = books.positions["held_units"][books.offsets[row] : books.offsets[row + 1]]
        if not held.any() and offsets[row] == offsets[row + 1] and sleeves["cash_yen"][row] >= 0:
            ready.append(int(k))
    rows = np.array(ready, np.int64)
    for contract in np.unique(payouts["contract_no"][rows][payouts["kind_code"][rows] == P_TERMINATION]):
        members = np.flatnonzero(closing & (payouts["contract_no"] == contract) & (payouts["kind_code"] == P_TERMINATION))
        if not np.isin(members, rows).all():
            rows = rows[~np.isin(rows, members)]
    return rows
