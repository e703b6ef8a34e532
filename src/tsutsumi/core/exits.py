"""Money and contracts that leave (出金・振替・終了・解約): what is judged of such an event, and what it promises.

Rules: docs/close.md §5; the promised dates are those of §6.
"""

from dataclasses import replace

import numpy as np

from tsutsumi.core.door import CLOSING, NOT_OPEN, OPEN, Door
from tsutsumi.core.promises import P_SLEEVE_CLOSE, P_TERMINATION, P_TRANSFER, P_WITHDRAWAL
from tsutsumi.core.refusals import Refused
from tsutsumi.core.schema import frame, stack, take
from tsutsumi.core.units import PPM, percent


def _out(door: Door, event: dict, kind: int) -> None:
    """Refuse what is above the limit; else promise the amount."""
    row = door.open_row(event["sleeve_no"])
    limit, amount = door.rule(row, "withdrawal_limit_ppm"), event["amount_yen"]
    there = int(door.spare_yen[row] + door.money_in[row])
    if amount <= 0 or amount * PPM > limit * max(there, 0):
        sleeve = door.rules.name("sleeve", event["sleeve_no"])
        cause = f"{amount:,} yen is above {percent(limit)} % of the {there:,} yen available in {sleeve}"
        raise Refused(cause, "close the sleeve instead, or ask for less")
    promised = door.promiser().withdrawal(row, door.rules.day_index)
    door.add_payout(row, event, kind, amount, promised)


def withdraw(door: Door, event: dict) -> None:
    """Ask for money of one sleeve (出金の指図); what a contract cannot pay in all is refused here."""
    if not event["sleeve_no"]:  # of a contract or a customer, and not shared over sleeves
        raise Refused(f"{event['amount_yen']:,} yen is above what all sleeves can pay", "terminate the contract, or ask for less")
    _out(door, event | {"target_sleeve_no": 0}, P_WITHDRAWAL)


def _check_target(door: Door, event: dict) -> None:
    """Refuse a target that is not another open sleeve of the same account (振替先の確認)."""
    target, account_of = event["target_sleeve_no"], door.rules.registry.sleeves["account_no"]
    account = door.books.sleeves["account_no"][door.row(event["sleeve_no"])]
    if target == event["sleeve_no"] or not 0 < target < account_of.size or account_of[target] != account:
        raise Refused("the target is not another sleeve of the same account", "name another open sleeve of the account")
    door.open_row(target)


def transfer(door: Door, event: dict) -> None:
    """Ask for money of one sleeve for another (振替の指図)."""
    _check_target(door, event)
    _out(door, event, P_TRANSFER)


def close_sleeve(door: Door, event: dict) -> None:
    """Close one sleeve of a contract that keeps another (運用口の終了): all is sold, its cash goes out on the promised date."""
    row = door.open_row(event["sleeve_no"])
    if event["target_sleeve_no"]:
        _check_target(door, event)
    sleeves = door.books.sleeves
    own = door.sleeve_rows(int(sleeves["contract_no"][row]))
    if (sleeves["status_code"][own] == OPEN).sum() < 2:
        sleeve = door.rules.name("sleeve", event["sleeve_no"])
        raise Refused(f"{sleeve} is the last open one of its contract", "terminate the contract instead")
    sleeves["status_code"][row] = CLOSING
    door.add_payout(row, event, P_SLEEVE_CLOSE, 0, door.promiser().closing(row, door.rules.day_index))


def terminate(door: Door, event: dict) -> None:
    """End a contract with all its sleeves (解約), also one that was closing; one that is paid today apart."""
    contracts, sleeves = door.books.contracts, door.books.sleeves
    at = door.contract_row(event["contract_no"])
    if at < 0 or contracts["status_code"][at] != OPEN:
        raise Refused(f"{door.rules.name('contract', event['contract_no'])} is not open or ends already", "name an open contract")
    payouts = door.books.payouts
    own = (payouts["contract_no"] == event["contract_no"]) & (payouts["kind_code"] == P_SLEEVE_CLOSE)
    own &= payouts["pay_date"] != door.books.day
    leaving = payouts["sleeve_no"][(payouts["kind_code"] == P_SLEEVE_CLOSE) & ~own]
    rows = door.sleeve_rows(event["contract_no"])
    rows = rows[(sleeves["status_code"][rows] <= CLOSING) & ~np.isin(sleeves["sleeve_no"][rows], leaving)]
    contracts["status_code"][at] = CLOSING if rows.size else NOT_OPEN
    if rows.size == 0:
        ended = frame("ended", [(int(contracts["account_no"][at]), event["contract_no"], 0, door.books.day)])
        door.books = replace(door.books, ended=stack(door.books.ended, ended))
        return
    sleeves["status_code"][rows] = CLOSING
    if own.any():
        door.books = replace(door.books, payouts=take(payouts, ~own))
    promiser = door.promiser()
    promised = max(promiser.closing(int(row), door.rules.day_index) for row in rows)
    for row in rows:
        door.add_payout(int(row), event | {"target_sleeve_no": 0}, P_TERMINATION, 0, promised)
