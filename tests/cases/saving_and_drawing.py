"""The case tables of docs/rules/saving-and-drawing.md: when a row of a plan moves how much, and what terms draw."""

from datetime import date

from tests.cases import cases
from tests.cases.fees import whole
from tests.core.build import FIRST, LAST, NONE_APPROVED, books, columns, day, rules, sleeve
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.drawings import create_drawings
from tsutsumi.core.plans import PlanRow, numbers, plan_amounts
from tsutsumi.run.drawing_book import DrawingBook


@cases("plan-days")
def plan_days(row: dict[str, str]) -> None:
    """Compare the business days and amounts of a row of a plan."""
    plan = PlanRow(0, whole(row["額"]), numbers(row["日"]), frozenset(numbers(row["ボーナス月"])), whole(row["ボーナス"]))
    first, last = (epoch_day(date.fromisoformat(end)) for end in row["効く期間"].split(".."))
    terms = [epoch_day(date.fromisoformat(day)) for day in (row.get("条件の効く期間") or "").split("..") if day]
    without = (lambda planned: terms[0] <= planned <= terms[1]) if terms else None
    found = [f"{from_epoch_day(moved)} {yen:,}" for _, moved, yen in plan_amounts(plan, first, last, without)]
    assert found == [part for part in row["動く日と額"].split("、") if part]


@cases("drawing-terms")
def drawing_terms(row: dict[str, str]) -> None:
    """Compare the payout of 2026-12-07 that terms make on the evening of 2026-12-02."""
    said = dict(part.split("=") for part in row["設定"].split(";") if part)
    terms = {name: value if name == "timing" else int(value) for name, value in said.items()}
    until = date.fromisoformat(row["最後の日"]) if row["最後の日"] else None
    terms |= {"sleeve_no": 2, "rule_kind": row["条件"], "day_of_month": 7, "until_date": until}
    book = DrawingBook([terms | {"valid_from_date": date.fromisoformat(row["効き始め"])}], epoch_day(FIRST), epoch_day(LAST))
    state = []
    if row["前回"]:
        last, since = row["前回"].split()
        state = [{"account_no": 1, "sleeve_no": 2, "last_yen": whole(last), "review_date": day(since)}]
    before = books("2026-12-02", sleeve(2, value_yen=whole(row["残高"]), model_no=NONE_APPROVED), drawing_states=state)
    alerts, coming = Alerts(), book.coming(day("2026-12-02"), 100)
    after = create_drawings(before, rules("2026-12-02", drawing_terms=coming), alerts)
    wanted = whole(row["額"])
    assert columns(after.payouts, "amount_yen", "promised_date") == ([(wanted, day("2026-12-07"))] if wanted else [])
    kept = [(wanted, day(row["起点"]))] if row["起点"] else []
    assert columns(after.drawing_states, "last_yen", "review_date") == kept
    assert [alert.kind for alert in alerts.rows] == ([row["警告"]] if row["警告"] else [])
