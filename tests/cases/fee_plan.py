"""The case tables of docs/rules/fee-plan.md."""

from datetime import date

from tests.cases import cases
from tests.cases.fees import tiers
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_cliffs import cliffs
from tsutsumi.core.fee_terms import parse_terms
from tsutsumi.run.fee_plan import counted_on, last_quarters
from tsutsumi.run.fee_rerun import FeeLine
from tsutsumi.store.approvals import person

ROUNDING = {"切り捨て": "down", "切り上げ": "up"}


@cases("fee-plan-quarters")
def fee_plan_quarters(row):
    """Which quarters are compared."""
    closed = [date.fromisoformat(row[name]) for name in ("最初の締め日", "最後の締め日")]
    assert [str(day) for day in last_quarters(closed)] == [row["初日"], row["末日"]]


@cases("fee-plan-counted")
def fee_plan_counted(row):
    """Which quarter a fee is of."""
    start, end, charged = (epoch_day(date.fromisoformat(row[name])) for name in ("初日", "末日", "計上日"))
    assert str(from_epoch_day(counted_on(FeeLine(1, 0, 0, 1, start, end, 0, 0, charged)))) == row["帰属日"]


@cases("fee-plan-cliff")
def fee_plan_cliff(row):
    """Where a fee falls."""
    rates = [{"from": date(2020, 1, 1), "tiers": tiers(row["段階"])}]
    terms = parse_terms({
        "name": "whole", "rates_of": "day", "period": {"length": "quarter", "align": "calendar", "timing": "arrears"},
        "base": {"measure": "average", "days": "calendar", "cash": "included"}, "year": {"days": 365},
        "rounding": {"to": ROUNDING[row["端数"]]}, "tax": {"kind": "included"},
        "component": [{"name": "wrap", "kind": "balance", "tiering": "whole", "rates": rates}],
    })
    told = [
        f"{cliff.before_yen:,}円 {cliff.fee_before_yen:,}→{cliff.fee_after_yen:,}、"
        + (f"{cliff.again_yen:,}円から" if cliff.again_yen else "戻らない")
        for cliff in cliffs(terms, date(2026, 10, 1))
    ]
    assert "；".join(told or ["なし"]) == row["崖"]


@cases("fee-plan-person")
def fee_plan_person(row):
    """Who may approve."""
    proposer, approver = (person(row[name]).casefold() for name in ("提案者", "承認者"))
    assert (proposer != approver) == (row["承認"] == "できる")
