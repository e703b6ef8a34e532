"""`tsutsumi fees correct`: what closed days should have known, and the one amount that each contract was charged wrong by."""

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, told
from tsutsumi.app.cli.house import user_name
from tsutsumi.core.fee_lines import WORDS
from tsutsumi.run import clock
from tsutsumi.run.fee_correction import Change, ContractCorrection, CorrectionReport, correct_file
from tsutsumi.run.fee_terms_book import UnsupportedTerms
from tsutsumi.store.database import HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]
MOST_SHOWN = 20
JA, EN = WORDS["ja"], WORDS["en"]


def correct(house: Path, file: Path, *, by: str = "", json: Flag = False) -> int:
    """Correct the fees of closed days by a file (報酬の訂正): both computations beside each other, one amount a contract.

    Example: `tsutsumi fees correct my-house corrections.csv --by tanaka`

    A corrected price (nav), money that came or went (flow), another first day (start_date): docs/rules/fee-correction.md. Closed
    days stay as they are; the next close charges the difference, or gives it back. The same file twice changes nothing.

    Parameters
    ----------
    house
        The folder of the house.
    file
        CSV or Parquet: correction_id,kind,date,instrument_id,contract_id,sleeve_id,price,amount_yen,new_date,note.
    by
        Who corrects; without it, the user of this system.
    json
        Print the result as JSON.
    """
    try:
        report = correct_file(open_house(house), file, by.strip() or user_name(), clock.now())
    except (HouseError, UnsupportedTerms) as error:
        return told("fees correct", error, json)
    print(json_text.dumps(content(report), ensure_ascii=False, indent=1) if json else "\n".join(lines(report)))
    return DONE


def content(report: CorrectionReport) -> dict:
    """Return a report as plain values (訂正結果の JSON)."""
    return {
        "corrections": list(report.new_ids), "known": list(report.known_ids),
        "first_date": str(report.first_date) if report.first_date else None,
        "booked_date": str(report.booked_date) if report.booked_date else None,
        "difference_yen": sum(of.difference_yen for of in report.contracts),
        "contracts": [_content(of) for of in report.contracts],
    }


def _content(of: ContractCorrection) -> dict:
    changes = [
        {name: str(value) if name.endswith("_date") else value for name, value in vars(change).items() if name != "sleeve_no"}
        for change in of.changes
    ]
    return {
        "contract_id": of.contract_id, "corrections": list(of.correction_ids), "charged_yen": of.charged_yen,
        "earlier_corrections_yen": of.earlier_yen, "right_yen": of.right_yen, "difference_yen": of.difference_yen,
        "settled": "outside" if of.outside else "next close", "running_period_changed": of.running, "changes": changes,
        "before": list(of.before), "after": list(of.after),
    }


def lines(report: CorrectionReport) -> list[str]:
    """Return a report as lines of text, Japanese first (訂正結果の表示)."""
    told = []
    if report.known_ids:
        told.append(f"登録済みの訂正 known already: {', '.join(report.known_ids)}")
    if not report.new_ids:
        return [*told, "新しい訂正はありません。何も変わりません。 No new correction: nothing changes."]
    if not report.contracts:
        return [*told, f"訂正 corrections: {', '.join(report.new_ids)}",
                "対象の契約はありません。記録だけ残しました。 No contract is concerned: kept on record only."]
    moved = [of for of in report.contracts if of.difference_yen or of.running]
    total = sum(of.difference_yen for of in report.contracts)
    told += [
        f"訂正 corrections: {', '.join(report.new_ids)}",
        f"対象契約 contracts concerned {len(report.contracts):,}、変わる契約 changed {len(moved):,}、"
        f"差額の計 difference {total:+,} 円",
        f"再計算 computed again from {report.first_date}、計上日 booked by the close of {report.booked_date}",
    ]
    for of in moved[:MOST_SHOWN]:
        told += ["", *_contract_lines(of)]
    if len(moved) > MOST_SHOWN:
        told += ["", f"ほか {len(moved) - MOST_SHOWN:,} 契約は --json に。 The other contracts: --json."]
    return told


def _contract_lines(of: ContractCorrection) -> list[str]:
    if of.outside:
        how = "契約は終了しています。帳簿の外で精算します to be settled outside, the contract has ended"
    elif of.difference_yen:
        how = "追徴 to be charged" if of.difference_yen > 0 else "返戻 to be given back"
    else:
        how = "計上済みの報酬は変わらず、進行中の期間だけが変わる only the period that runs changes"
    earlier = f"、これまでの訂正 earlier corrections {of.earlier_yen:+,}" if of.earlier_yen else ""
    told = [
        f"{of.contract_id}（{', '.join(of.correction_ids)}）: {of.difference_yen:+,} 円 — {how}",
        f"  計上済み charged {of.charged_yen:,}{earlier}、正しい額 right {of.right_yen:,}",
    ]
    told += [_change_line(change) for change in of.changes]
    for title, entries in (("訂正前 before", of.before), ("訂正後 after", of.after)):
        for entry in entries:
            told += [f"  {title}", *(f"    {line}" for language in ("ja", "en") for line in entry[language])]
    return told


def _change_line(change: Change) -> str:
    was, now = (0 if yen is None else yen for yen in (change.old_yen, change.new_yen))
    none = "なし none"
    old, new = (none if yen is None else f"{yen:,}" for yen in (change.old_yen, change.new_yen))
    what = f"{JA[change.kind]} {EN[change.kind]}, {change.component}, {change.start_date} – {change.end_date}"
    return f"  {what}: {old} → {new} 円（{now - was:+,}）"
