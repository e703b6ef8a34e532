"""What rows of drawing terms must be (取り崩し条件の整合性): a rule that can be carried out, and a last day where it needs one."""

from sqlalchemy import Connection

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.drawing_rules import MOST_MONTHS, rule_of
from tsutsumi.core.plans import month_number
from tsutsumi.core.refusals import Refusal
from tsutsumi.store.rows import Row

NEEDS_RATE = ("fixed-percentage", "guardrails")
NEEDS_END = ("fixed-term", "annuity")


def check_drawing_terms(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse terms that are no rule, or that end before they begin, never, or too far away (取り崩し条件の矛盾)."""
    refused = []
    for row in rows:
        values = row.values
        try:
            rule_of(values)
        except ValueError as error:
            refused.append(row.refused("rule_kind", str(error), "mend the terms"))
        if values["rule_kind"] in NEEDS_RATE and values["rate_ppm"] == 0:
            refused.append(row.refused("rate_ppm", "it is 0: nothing would ever be drawn", "give the share of a year"))
        kind, since, until = values["rule_kind"], values["valid_from_date"], values["until_date"]
        if until is None:
            if kind in NEEDS_END:
                refused.append(row.refused("until_date", f"{kind} has no last day", "give the day until which it pays"))
        elif until < since:
            refused.append(row.refused("until_date", f"{until} is before {since}", "give a day on or after valid_from_date"))
        elif kind in NEEDS_END and month_number(epoch_day(until)) - month_number(epoch_day(since)) >= MOST_MONTHS:
            why = f"{until} is more than {MOST_MONTHS:,} months away"
            refused.append(row.refused("until_date", why, "give an earlier day"))
    return refused
