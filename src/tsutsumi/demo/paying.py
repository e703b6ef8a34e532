"""Who pays first in the sample house (見本の払出しの順序): retired customers draw from the steady sleeve first, or otherwise."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from tsutsumi.demo.life import Contract, Event, month_after
from tsutsumi.demo.models import PLANS
from tsutsumi.demo.programs import Life, on_or_after, recorded

MONTHS = 6                              # after the last of the contract's sleeves opened
ASKED_DAYS = 75                         # later: a withdrawal that names no sleeve
SHARE_PERCENT, ROUND_YEN = 4, 10_000
CORE_LEVEL = 6                          # a model of models counts as one of this level
WAYS = (("listed", "order"), ("least_tax", "order"), ("above_target", "order"), ("proportional", "own"))
SOURCE = "顧客の申込み（見本）"


def order_rows(contracts: Sequence[Contract], life: Life) -> dict[str, list[dict]]:
    """Return the rows of `drawing_orders` and `account_orders` (払出しの順序の登録行)."""
    orders = []
    for place, (contract, since) in enumerate(_drawing(contracts, life)):
        kind, drawings = WAYS[place % len(WAYS)]
        steady = min(contract.open_sleeves(), key=lambda one: (PLANS[one.model_no - 1].level or CORE_LEVEL, one.number))
        named = f"S{steady.number:06d}" if kind in ("listed", "above_target") else ""
        orders.append({
            "contract_no": contract.number, "valid_from_date": since, "order_kind": kind, "sleeve_ids": named,
            "drawings_kind": drawings, "source": SOURCE, "recorded_at": recorded(since),
        })
    accounts = [
        {"customer_no": mine[0].person + 1, "valid_from_date": since, "tax_classes": "general;specific", "source": SOURCE,
         "recorded_at": recorded(since)}
        for mine, since in _with_two_accounts(contracts, life)
    ]
    return {"drawing_orders": orders, "account_orders": accounts}


def shared_withdrawals(contracts: Sequence[Contract], life: Life) -> list[Event]:
    """Return withdrawals that name a contract, and in turn an account or a customer (契約・口座・顧客あての払出し)."""
    asked = [([contract], since, "") for contract, since in _drawing(contracts, life)]
    for place, (mine, since) in enumerate(_with_two_accounts(contracts, life)):
        asked.append((mine[:1], since, "account") if place % 2 else (mine, since, "customer"))
    events = []
    for mine, since, payer in asked:
        day = on_or_after(since + timedelta(days=ASKED_DAYS))
        money = sum(sleeve.first_paid_yen for contract in mine for sleeve in contract.open_sleeves())
        amount = money * SHARE_PERCENT // 100 // ROUND_YEN * ROUND_YEN
        if amount and day <= life.through:
            events.append(Event(day, "withdrawal", mine[0], amount_yen=amount, note="生活費", payer=payer))
    return events


def _drawing(contracts: Sequence[Contract], life: Life) -> list[tuple[Contract, date]]:
    """Return the contracts of several sleeves that stay and of which one draws, and from when they have an order."""
    found = []
    for contract in sorted(contracts, key=lambda one: one.number):
        staying = contract.open_sleeves() if contract.ended is None else []
        drawing = [one for one in staying if (plan := one.plans.get("drawing")) and plan[max(plan)][0]]
        if len(staying) > 1 and drawing:
            since = month_after(max(one.opened for one in staying), MONTHS)
            found += [(contract, since)] if since <= life.through else []
    return found


def _with_two_accounts(contracts: Sequence[Contract], life: Life) -> list[tuple[list[Contract], date]]:
    """Return the contracts of every customer who stays with two accounts, and from when these have an order."""
    of: dict[int, list[Contract]] = defaultdict(list)
    for contract in sorted(contracts, key=lambda one: one.number):
        if contract.ended is None and contract.open_sleeves():
            of[contract.person].append(contract)
    found = []
    for mine in of.values():
        since = month_after(max(contract.opened for contract in mine), MONTHS)
        if len({contract.custodian_no for contract in mine}) > 1 and since <= life.through:
            found.append((mine, since))
    return found
