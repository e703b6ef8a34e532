"""The case table of docs/rules/goal-file.md: the next payment of a rule of drawing."""

from tests.cases import cases
from tests.cases.fees import ppm, whole
from tsutsumi.core.drawing_rules import DrawingRule, next_payment_yen


@cases("drawing-rule")
def next_payment(row: dict[str, str]) -> None:
    """Compare the next payment of a rule."""
    rule = DrawingRule(
        row["ルール"], amount_yen=whole(row["月額"]) if row["月額"] else 0, rate_ppm=ppm(row["年率"]) if row["年率"] else 0
    )
    left, last = (int(row[name].replace(",", "")) if row[name] else None for name in ("残り月数", "前月の額"))
    assert next_payment_yen(rule, whole(row["残高"]), left, last, row["見直し"] == "○") == whole(row["次回の額"])
