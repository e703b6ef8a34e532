"""The plans that an answer to advice changes (回答で変わる計画): as they stand after the last close, and as they become."""

from collections.abc import Mapping
from datetime import date as Date

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.rules import DRAWING, INSTALMENT
from tsutsumi.run.dated_rows import in_force
from tsutsumi.run.goal_book import a_month, bonus_a_month, days_a_month, may_still_draw

TABLES = ("plans", "drawing_terms", "drawing_orders")


class AdvicePlans:
    """The plans in force on a day, each sleeve's own (運用口ごとの計画)."""

    def __init__(self, rows: Mapping[str, list[dict]], date: Date) -> None:
        day = epoch_day(date)
        self.plans = in_force(rows["plans"], day, "sleeve_no", "kind")
        self.on_terms = {row["sleeve_no"] for row in rows["drawing_terms"] if may_still_draw(row, day)}
        orders = in_force(rows["drawing_orders"], day, "contract_no")
        self.together = {contract for (contract,), row in orders.items() if row["drawings_kind"] == "order"}

    def plan(self, sleeve: Mapping, kind: str) -> dict:
        """Return a plan of a sleeve (運用口の計画), or one of nothing.

        A drawing plan is nothing where less on it would not be what the sleeve's goal counts: where terms rule what is drawn (a
        pause among them), or all sleeves of the contract pay.
        """
        number = sleeve["sleeve_no"]
        if kind == DRAWING and (number in self.on_terms or sleeve["contract_no"] in self.together):
            return {"kind": kind, "amount_yen": 0}
        return self.plans.get((number, kind), {"kind": kind, "amount_yen": 0})

    def drawing_yen(self, sleeve: Mapping) -> int:
        """Return what a sleeve's own drawing plan draws a month (毎月の取り崩し額), 0 where it does not count."""
        return a_month(self.plan(sleeve, DRAWING))


def changed_plan(plan: Mapping, yen: int) -> dict:
    """Return a plan that moves so many yen a month (月額を変えた計画), its days and bonuses as they are.

    Over several days an instalment is rounded up to whole yen a day, a drawing down. A plan that begins anew, or whose bonuses
    alone are more, has no bonuses from then on.

    Examples
    --------
    Bonuses of 60,000 yen twice a year are 10,000 a month; of 45,001 a month 35,001 are left for two days:

    >>> twice = {"kind": "instalment", "amount_yen": 15_000, "days_of_month": "5;20", "bonus_months": "6;12", "bonus_yen": 60_000}
    >>> changed_plan(twice, 45_001)["amount_yen"], changed_plan(twice, 0)["amount_yen"]
    (17501, 0)
    >>> changed_plan(twice | {"amount_yen": 0}, 20_000)
    {'kind': 'instalment', 'amount_yen': 10000, 'days_of_month': '5;20', 'bonus_months': '', 'bonus_yen': 0}
    """
    bonus, days = bonus_a_month(plan), days_a_month(plan)
    plain = yen > 0 and (not plan["amount_yen"] or yen <= bonus)
    rest = yen if plain else max(yen - bonus, 0)
    amount = -(-rest // days) if plan["kind"] == INSTALMENT else rest // days
    return {**plan, "amount_yen": amount} | ({"bonus_months": "", "bonus_yen": 0} if plain else {})
