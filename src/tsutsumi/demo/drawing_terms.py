"""Terms of drawing in the sample house (見本の取り崩し条件): retired customers who draw by a rule instead of a fixed plan.

Every kind of rule has its customers; some pause, some change to another rule, of some the rule ends and the plan goes on.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from tsutsumi.demo.life import Sleeve, month_after
from tsutsumi.demo.programs import Life, recorded

ONE_OF = 2                              # of the sleeves that draw by a plan and stay
MONTHS = 9                              # after the sleeve opened
PAUSE_AFTER, RESUME_AFTER = 18, 21      # months, of those who pause
SHARE_PER_MILLE, ROUND_YEN = 4, 10_000  # a month, of the first money, where the terms name the yen
DAYS = (15, 15, 25)
GUARDRAILS = {"rule_kind": "guardrails", "rate_ppm": 40_000, "band_ppm": 150_000, "step_ppm": 50_000, "rise_ppm": 10_000}
MERTON = {
    "rule_kind": "merton", "drift_ppm": 30_000, "risk_ppm": 90_000, "safe_ppm": 1_000, "impatience_ppm": 30_000,
    "aversion_ppm": 3_000_000,
}
WAYS = (                                # what is said first; for how many months; months later: what is said then
    ({"rule_kind": "fixed-amount"}, 0, {PAUSE_AFTER: {"rule_kind": "fixed-amount", "amount_yen": 0},
                                        RESUME_AFTER: {"rule_kind": "fixed-amount"}}),
    (GUARDRAILS, 0, {}),
    ({"rule_kind": "fixed-term"}, 15 * 12, {}),
    (MERTON, 0, {}),
    ({"rule_kind": "annuity", "rate_ppm": 10_000}, 20 * 12, {}),
    ({"rule_kind": "fixed-percentage", "rate_ppm": 48_000}, 24, {}),
    ({"rule_kind": "fixed-percentage", "rate_ppm": 36_000}, 0, {24: GUARDRAILS | {"rate_ppm": 36_000}}),
    ({"rule_kind": "annuity", "rate_ppm": 20_000, "timing": "end"}, 25 * 12, {}),
)
DEFAULTS = {
    "amount_yen": 0, "rate_ppm": 0, "timing": "start", "band_ppm": 200_000, "step_ppm": 100_000, "rise_ppm": 0, "drift_ppm": 0,
    "risk_ppm": 0, "safe_ppm": 0, "impatience_ppm": 0, "aversion_ppm": 0,
}


def drawing_term_rows(sleeves: Sequence[Sleeve], life: Life) -> list[dict]:
    """Return the rows of `drawing_terms` (取り崩し条件の登録行)."""
    rows = []
    for place, sleeve in enumerate(_drawing(sleeves)[::ONE_OF]):
        first, months, later = WAYS[place % len(WAYS)]
        since = month_after(sleeve.opened, MONTHS)
        for after, said in ({0: first} | later).items():
            day = month_after(since, after)
            if day <= life.through:
                until = month_after(since, months) - timedelta(days=1) if months else None
                rows.append(_row(sleeve, day, until, DAYS[place % len(DAYS)], said))
    return rows


def _row(sleeve: Sleeve, since: date, until: date | None, day_of_month: int, said: dict) -> dict:
    """Return a row of terms; a fixed amount follows from the first money unless it is said."""
    yen = max(sleeve.first_paid_yen * SHARE_PER_MILLE // 1000 // ROUND_YEN, 1) * ROUND_YEN
    amount = {"amount_yen": yen} if said["rule_kind"] == "fixed-amount" else {}
    told = {"sleeve_no": sleeve.number, "valid_from_date": since, "until_date": until, "day_of_month": day_of_month}
    return told | DEFAULTS | amount | said | {"source": "顧客の申込み（見本）", "recorded_at": recorded(since)}


def _drawing(sleeves: Sequence[Sleeve]) -> list[Sleeve]:
    """Return the sleeves that draw by a plan and stay, by number."""
    found = []
    for sleeve in sorted(sleeves, key=lambda one: one.number):
        plan = sleeve.plans.get("drawing")
        if plan and plan[max(plan)][0] and sleeve.closed is None and sleeve.contract.ended is None:
            found.append(sleeve)
    return found
