"""Promised against realised (約束と実績) of the advice that was recorded: as JSON, and as a page for the customer's folder."""

from dataclasses import asdict
from datetime import date as Date

from tsutsumi.app.cli.screen import table
from tsutsumi.core.household import decimal_text
from tsutsumi.core.household_later import LaterValue
from tsutsumi.core.household_numbers import shown
from tsutsumi.core.household_promise import SIDES
from tsutsumi.run.proposal_book import Managed, Outcome
from tsutsumi.store.proposal_rows import KeptProposal

SIDE_WORDS = {"before": "相談前のまま had it stayed", "after": "ご提案どおり as advised"}
PLACE_WORDS = {"before": "相談前 before", "after": "ご提案 after"}
KNOWN_WORDS = {
    "given": "渡された評価額 given", "managed": "運用の実績 as managed", "unchanged": "元のまま unchanged",
    "unknown": "不明 unknown",
}
CURE = (
    "  「不明」の資産のその後の評価額を CSV（side,place,value_yen）で渡すと（--values）、",
    "  その側も比べられます。",
    "  Give the later values of what is unknown (--values FILE.csv: side,place,value_yen),",
    "  and that side is compared too.",
)


def kept_content(customer_id: str, kept: KeptProposal, new: bool | None = None) -> dict:
    """Return what says which proposal it is, as JSON has it."""
    told = {
        "proposal_no": kept.proposal_no, "customer_id": customer_id, "date": str(kept.date), "content_hash": kept.content_hash,
        "made_by": kept.made_by, "recorded_at": kept.recorded_at,
    }
    return told if new is None else told | {"new": new}


def kept_line(customer_id: str, kept: KeptProposal, new: bool) -> str:
    """Return what became of the record of a proposal in a line."""
    what = "記録しました recorded" if new else "同じ提案が記録済みです it was recorded already"
    return f"提案 {kept.proposal_no}（{customer_id}、{kept.date}、{kept.made_by}、{kept.content_hash[:16]}…）を{what}"


def report_content(customer_id: str, date: Date, outcomes: list[Outcome]) -> dict:
    """Return the report as JSON has it (約束と実績)."""
    return {"customer_id": customer_id, "date": str(date), "proposals": [_content(customer_id, one) for one in outcomes]}


def _content(customer_id: str, outcome: Outcome) -> dict:
    managed = outcome.managed
    return {
        **kept_content(customer_id, outcome.proposal),
        "gain_yen": outcome.proposal.content["gain_yen"],
        "precise_gain_yen": outcome.proposal.content["precise_gain_yen"],
        "fee_yen": outcome.proposal.content["fee_yen"],
        "managed": {
            "sleeve_ids": list(managed.sleeve_ids), "from_date": str(managed.from_date), "to_date": str(managed.to_date),
            "value_before_yen": managed.value_before_yen, "net_flow_yen": managed.net_flow_yen, "value_yen": managed.value_yen,
            "gain_yen": managed.gain_yen, "growth_pct": _growth(managed),
        },
        "holdings": [asdict(one) for one in outcome.holdings],
        "promised_against_realised": outcome.told,
    }


def _growth(managed: Managed) -> str | None:
    return None if managed.growth is None else decimal_text(100 * (managed.growth - 1))


def report_lines(customer_id: str, date: Date, outcomes: list[Outcome]) -> list[str]:
    """Return the report as lines, Japanese first, English beside it."""
    lines = [f"助言の約束と実績  Advice: promised against realised   {customer_id}   {date}"]
    for one in outcomes:
        kept = one.proposal
        lines += ["", f"■ 提案 proposal {kept.proposal_no}   {kept.date}   {kept.made_by}   {kept.content_hash[:16]}…"]
        lines += [f"  {line}" for line in _managed_lines(one.managed)]
        if one.told is None:
            lines.append("  まだ一日も経っていません。 No day has passed since.")
            continue
        lines += ["", *table(_holding_rows(one.holdings), right=(2, 3)), "", *table(_told_rows(one.told), right=(1, 2, 3))]
        lines += _gain_lines(one.told)
        lines += CURE if any(value.later_yen is None for value in one.holdings) else ()
    return lines


def _managed_lines(managed: Managed) -> list[str]:
    if managed.growth is None:
        return ["この家での運用はまだありません。 The house manages nothing for this customer yet."]
    gained = shown(100 * (managed.growth - 1), 2)
    return [
        f"運用 managed（{'、'.join(managed.sleeve_ids)}） {managed.from_date} → {managed.to_date}:",
        f"{managed.value_before_yen:,} 円 ＋ 入出金 net flow {managed.net_flow_yen:,} 円 ＋ 損益 gain {managed.gain_yen:,} 円"
        f" ＝ {managed.value_yen:,} 円", f"時間加重収益率 time-weighted return {gained} %",
    ]


def _holding_rows(values: tuple[LaterValue, ...]) -> list[tuple[str, ...]]:
    rows = [("", "資産 holding", "提案時 then", "その後 later", "")]
    for one in values:
        later = "–" if one.later_yen is None else f"{one.later_yen:,}"
        where = f"{PLACE_WORDS[one.side]} {one.place}"
        rows.append((where, one.name, f"{one.value_yen:,}", later, KNOWN_WORDS[one.known_kind]))
    return rows


def _told_rows(told: dict) -> list[tuple[str, ...]]:
    rows = [(f"{told['days']:,} 日で in days", "約束 promised 円", "実績 realised 円", "実績 %", "範囲 within 2 × risk")]
    for side in SIDES:
        one = told[side]
        came = ("–", "–", "–")
        if one["realised_yen"] is not None:
            inside = "はい yes" if one["within_two_risks"] else "いいえ no"
            came = (f"{one['realised_yen']:,}", one["realised_pct"], inside)
        rows.append((SIDE_WORDS[side], f"{one['promised_yen']:,}", *came))
    came = told["realised_difference_yen"]
    rows.append(("差 difference", f"{told['promised_difference_yen']:,}", "–" if came is None else f"{came:,}", "", ""))
    return rows


def _gain_lines(told: dict) -> list[str]:
    gain, calm = told["promised_gain_yen"], told["promised_risk_part_yen"]
    return [
        f"  約束した価値 {gain:,} 円のうち {calm:,} 円は安心の分で、円としては現れません。",
        f"  Of the promised worth of {gain:,} yen, {calm:,} yen were calm, which never shows as yen.",
    ]
