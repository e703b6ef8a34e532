"""The case table of docs/rules/saving-and-drawing.md on debits: what the bank is asked for when some of it fails or is skipped."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from tests.cases import cases
from tests.cases.fees import whole
from tests.core.build import books, day, event, rows, sleeve
from tsutsumi.core.alerts import Alert, Alerts
from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.debits import Debits
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.schema import check, empty
from tsutsumi.run.debits import plan_debits
from tsutsumi.run.reference import MARKET_TABLES, PROGRAM_NUMBERS, REFERENCE_TABLES, Reference

FIRST, LAST = date(2026, 5, 25), date(2026, 7, 31)


class FailingBank:
    """A bank at which the debits of some days fail; remembers what it was asked for."""

    def __init__(self, failing: Collection[int]) -> None:
        self.failing, self.asked = failing, []

    def collect(self, on: int, due: dict) -> dict:
        """Answer the debits of a day."""
        ok = np.full(due["sleeve_no"].size, on not in self.failing, np.int8)
        self.asked += [(on, *row) for row in zip(*(due[name].tolist() for name in due), ok.tolist(), strict=True)]
        return {**due, "ok": ok}


def reference(plans: list[dict], retry_days: int, retry_count: int) -> Reference:
    """The reference data of one program and sleeves 1 and 2 of one contract, with plans."""
    tables = {name: [] for name in (*REFERENCE_TABLES, *MARKET_TABLES)}
    rule = dict.fromkeys(PROGRAM_NUMBERS, 1) | {"retry_days": retry_days, "retry_count": retry_count}
    rule |= {"program_no": 1, "valid_from_date": date(2020, 1, 1), "rebalance_months": "", "fee_terms_id": "x"}
    tables |= {"programs": [{"program_no": 1}], "program_rules": [rule], "accounts": [{"account_no": 1, "custodian_no": 1}]}
    tables["contracts"] = [{"contract_no": 1, "account_no": 1, "program_no": 1}]
    tables["sleeves"] = [{"sleeve_no": number, "contract_no": 1, "model_no": 1} for number in (1, 2)]
    tables["plans"] = [{"sleeve_no": 1, "kind": "instalment", "day_of_month": 26} | plan for plan in plans]
    return Reference(tables, FIRST, LAST)


def opening() -> Books:
    """Sleeves 1 and 2, open since May."""
    return books("2026-05-22", *(sleeve(number, opened_date=day("2026-05-01")) for number in (1, 2)))


def one_day(of: Reference, before: Books, on: int, bank: FailingBank, said: list[dict] = ()) -> tuple[Books, list[Alert]]:
    """Ask the bank for the debits of a day and book what follows, as the close does; `said`: events of the day."""
    rules = of.rules_on(of.timeline.index_of(on))
    events = rows("events", *said) if said else empty("events")
    collected, outcomes = plan_debits(of, rules, before, events, bank)
    debits, alerts = Debits(before.debit_states, check("debit_states", outcomes), on), Alerts()
    for skip in said:
        debits.skip(1, skip["sleeve_no"], str(skip["sleeve_no"]))
    names = ("event_no", "kind_code", "sleeve_no", "amount_yen")
    for number, kind, sleeve_no, amount in zip(*(collected[name].tolist() for name in names), strict=True):
        if kind == EVENT_KINDS.index("debit_failed"):
            told = debits.failure({"event_no": number, "sleeve_no": sleeve_no, "amount_yen": amount})
            alerts.add("debit_failed", "sleeve", sleeve_no, *told)
    after = check("debit_states", debits.after(before, alerts))
    return replace(before, day=on, debit_states=after), alerts.rows


def epoch_days(text: str) -> list[int]:
    return [day(f"2026-{part}") for part in text.split("、") if part]


@cases("debit-retries")
def debit_retries(row: dict[str, str]) -> None:
    """Compare what the bank is asked for in June 2026."""
    plans = [{"valid_from_date": FIRST, "amount_yen": 10_000, "days_of_month": row["日"]}]
    if row["休止"]:
        plans.append({"valid_from_date": date.fromisoformat(f"2026-{row['休止']}"), "amount_yen": 0})
    of, books_of = reference(plans, *(whole(row[name]) for name in ("何営業日後", "回数"))), opening()
    bank, skips, dropped, on = FailingBank(epoch_days(row["不能の日"])), epoch_days(row["見送りの届"]), [], FIRST
    while on <= date(2026, 6, 30):
        number = epoch_day(on)
        if number in of.timeline.days:
            said = [event(7, "instalment_skipped", sleeve_no=1)] if number in skips else []
            books_of, alerts = one_day(of, books_of, number, bank, said)
            dropped += [f"{on:%m-%d}" for alert in alerts if "is not made" in alert.cause]
        on += timedelta(days=1)
    asked = [f"{from_epoch_day(on):%m-%d} {yen:,}{'' if ok else ' 不能'}" for on, _, yen, ok in bank.asked]
    assert asked == [part for part in row["銀行に請求する日と額"].split("、") if part]
    assert dropped == [part for part in row["再振替の取りやめ"].split("、") if part]
