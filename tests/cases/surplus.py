"""The case table of docs/rules/surplus.md: where instalments come in, and what is transferred at the beginning of a month."""

from datetime import date
from types import SimpleNamespace

import numpy as np

from tests.cases import cases
from tests.cases.fees import whole
from tests.core.build import books, columns, day, event, rows, rules, sleeve
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.debits import CIRCLE, NO_LEVEL, NOT_OPEN, PAST, STAYS, TOO_SMALL
from tsutsumi.core.flows import surplus_no
from tsutsumi.core.promises import P_WITHDRAWAL
from tsutsumi.core.schema import check, empty
from tsutsumi.core.surplus import INSTALMENT, TRANSFER, pass_on
from tsutsumi.run.surplus_book import SurplusBook

WHY = {NO_LEVEL: "水準なし", PAST: "期日", NOT_OPEN: "閉鎖", TOO_SMALL: "最低積立", CIRCLE: "循環"}


def parts(text: str) -> list[list[str]]:
    """The words of each part of a cell."""
    return [part.split() for part in text.split("、") if part]


def cell(text: str) -> list[str]:
    """The parts of a cell."""
    return [part for part in text.split("、") if part]


def rule_rows(text: str) -> list[dict]:
    """The rows of `surplus_rules` that a cell says."""
    found = []
    for way, level, kind in parts(text):
        sleeve_no, to = (int(number) for number in way.split("→"))
        by_yen = level != "目標"
        found.append({
            "sleeve_no": sleeve_no, "valid_from_date": date(2026, 12, 1), "level_kind": "yen" if by_yen else "target",
            "level_yen": whole(level) if by_yen else 0, "to_sleeve_no": to, "surplus_kind": kind, "minimum_yen": 50_000,
        })
    return found


def rules_of(today: str, rule_text: str, goals: str = "", **changed):
    """The rules of a day with surplus rules, and goals where a cell says some."""
    told = [(int(number), whole(yen), epoch_day(date.fromisoformat(on))) for number, yen, on in parts(goals)]
    names = ("sleeve_no", "target_yen", "target_date")
    targets = {name: np.array([row[k] for row in told], np.int64) for k, name in enumerate(names)}
    return rules(today, surplus=SurplusBook(rule_rows(rule_text)).on(day(today), SimpleNamespace(goals=targets)), **changed)


@cases("surplus")
def surplus(row: dict[str, str]) -> None:
    """Compare the events that the rules make of the debits and the excess, and what is told to stay."""
    sleeves = [sleeve(int(number), value_yen=whole(yen), status_code=len(more)) for number, yen, *more in parts(row["残高"])]
    payouts = [{"sleeve_no": int(number), "amount_yen": whole(yen), "kind_code": P_WITHDRAWAL}
               for number, yen in parts(row["予定"])]
    before = books("2026-12-30", *sleeves, payouts=payouts)
    asked = [event(0, "instalment", account_no=1, sleeve_no=int(number), amount_yen=whole(yen))
             for number, yen in parts(row["積立"])]
    debited = rows("events", *asked) if asked else empty("events")
    made = pass_on(before, rules_of(row["日"], row["ルール"], row["目標"]), debited)
    transfers, passed, outcomes = map(check, ("events", "events", "debit_states"), made)
    assert [f"{number} {yen:,}" for number, yen in columns(passed, "sleeve_no", "amount_yen")] == cell(row["積立の入る運用口"])
    names = ("sleeve_no", "target_sleeve_no", "amount_yen")
    assert [f"{one}→{other} {yen:,}" for one, other, yen in columns(transfers, *names)] == cell(row["振替"])
    assert (passed["kind_code"] == INSTALMENT).all() and (transfers["kind_code"] == TRANSFER).all()
    moved = passed["sleeve_no"] != debited["sleeve_no"]
    assert passed["event_no"].tolist() == np.where(moved, surplus_no(debited["sleeve_no"], 1), 0).tolist()
    assert transfers["event_no"].tolist() == surplus_no(transfers["sleeve_no"], 1).tolist()
    told = columns(outcomes, "sleeve_no", "kind_code", "try_count")
    assert [f"{number} {WHY[why]}" for number, kind, why in told if kind == STAYS] == cell(row["残る理由"])
    assert {kind for _, kind, _ in told} <= {STAYS}, "nothing was told before: that it goes is no news"
