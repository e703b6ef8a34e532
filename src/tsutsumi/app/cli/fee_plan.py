"""`tsutsumi fees plan`, `propose`, `approve`, `proposals`: a change of fee terms, shown, proposed by one, approved by another."""

import json as json_text
from datetime import date as Date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, read_date, told
from tsutsumi.app.cli.fee_layout import table_lines, write_papers
from tsutsumi.core.fee_lines import WORDS
from tsutsumi.run import clock
from tsutsumi.run.fee_plan import FeePlan, PlannedContract, fee_plan
from tsutsumi.run.fee_proposals import TermsChange, approve_change, open_changes, propose_change
from tsutsumi.run.fee_terms_book import UnsupportedTerms
from tsutsumi.store.approvals import Proposal
from tsutsumi.store.audit import content_hash
from tsutsumi.store.database import HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]
Id = Annotated[str, Parameter(name="--terms-id")]
From = Annotated[str, Parameter(name="--from")]
MOST_SHOWN = 10
JA, EN = WORDS["ja"], WORDS["en"]


def plan(
    house: Path, *, terms_id: Id, since: From, terms: Path | None = None, program: str = "", to: Path | None = None,
    json: Flag = False,
) -> int:
    """Show what a change of fee terms would mean (変更計画): every contract touched, and the yen of the last four quarters.

    Example: `tsutsumi fees plan my-house --terms-id standard --terms new.toml --from 2027-01-01`

    Nothing is changed. What was charged stands beside what the proposed terms would have charged on the same values and flows.

    Parameters
    ----------
    house
        The folder of the house.
    terms_id
        The fee_terms_id: of terms that are to get a new version, or of those that a program is to be charged by.
    since
        The day from which it is to count: for every period that begins on it or later.
    terms
        The terms, TOML; may be left out where --program goes over to terms that the house knows.
    program
        A program_id that is to be charged by these terms from then on.
    to
        A folder for the plan as JSON and CSV.
    json
        Print it as JSON.
    """
    try:
        found = fee_plan(open_house(house), _change(terms_id, since, terms, program))
        if to is not None:
            write_papers(to, f"fee_plan_{terms_id}_{since}", content(found), tables(found))
    except (HouseError, UnsupportedTerms) as error:
        return told("fees plan", error, json)
    _print(content(found), lines(found), json)
    return DONE


def propose(
    house: Path, *, terms_id: Id, since: From, by: str, terms: Path | None = None, program: str = "", json: Flag = False,
) -> int:
    """Propose a change of fee terms (報酬条件の変更の提案), bound to the hash of its content; another person approves it.

    Example: `tsutsumi fees propose my-house --terms-id standard --terms new.toml --from 2027-01-01 --by tanaka`

    Parameters
    ----------
    house
        The folder of the house.
    terms_id
        The fee_terms_id.
    since
        The day from which it is to count.
    by
        Who proposes.
    terms
        The terms, TOML; may be left out where --program goes over to terms that the house knows.
    program
        A program_id that is to be charged by these terms from then on.
    json
        Print the proposal as JSON.
    """
    try:
        made = propose_change(open_house(house), _change(terms_id, since, terms, program), by, clock.now())
    except (HouseError, UnsupportedTerms) as error:
        return told("fees propose", error, json)
    number, found = made.approval_no, made.content_hash
    _print(_proposal(made, None), [
        f"提案 {number}: {made.subject}（{made.proposed_by}） proposed",
        f"内容のハッシュ content hash: {found}",
        f"次 next: tsutsumi fees approve {house} {number} --by OTHER --hash {found[:16]}",
    ], json)
    return DONE


def approve(
    house: Path, proposal: int, *, by: str, seen: Annotated[str, Parameter(name="--hash")] = "", json: Flag = False
) -> int:
    """Approve a proposed change of fee terms (変更の承認): its dated row is written in the same transaction.

    Example: `tsutsumi fees approve my-house 1 --by suzuki --hash 3f8a90b1c2d3e4f5`

    Parameters
    ----------
    house
        The folder of the house.
    proposal
        The number of the proposal.
    by
        Who approves: another person than the one who proposed.
    seen
        The hash, or how it begins, of what was read; if it is another one, nothing is approved.
    json
        Print the result as JSON.
    """
    try:
        found, written = approve_change(open_house(house), proposal, by, clock.now(), seen)
    except (HouseError, UnsupportedTerms) as error:
        return told("fees approve", error, json)
    approved = {"proposal": found.approval_no, "subject": found.subject, "content_hash": found.content_hash,
                "proposed_by": found.proposed_by, "approved_by": by, "written": written}
    _print(approved, [f"承認 {found.approval_no}: {found.subject}（提案 {found.proposed_by}、承認 {by}） approved",
                      f"書いた表 written: {', '.join(written)}"], json)
    return DONE


def proposals(house: Path, *, json: Flag = False) -> int:
    """List the proposed changes of fee terms (提案の一覧): open ones, approved ones, and those whose day has been closed.

    Example: `tsutsumi fees proposals my-house`

    Parameters
    ----------
    house
        The folder of the house.
    json
        Print the list as JSON.
    """
    try:
        found, closed = open_changes(open_house(house))
    except HouseError as error:
        return told("fees proposals", error, json)
    rows = [_proposal(of, closed) for of in found]
    header = ("番号 no.", "内容 subject", "状態 state", "提案 proposed by", "承認 approved by", "ハッシュ hash")
    names = ("proposal", "subject", "state", "proposed_by", "approved_by")
    shown = [(*(str(row[name]) for name in names), row["content_hash"][:16]) for row in rows]
    if json:
        print(json_text.dumps(rows, ensure_ascii=False, indent=1))
    else:
        print("\n".join(table_lines(header, shown, len(header)) if rows else ["提案はありません。 No proposals."]))
    return DONE


def _print(value: dict, text: list[str], json: bool) -> None:
    print(json_text.dumps(value, ensure_ascii=False, indent=1) if json else "\n".join(text))


def _change(terms_id: str, since: str, terms: Path | None, program: str) -> TermsChange:
    """Return the change that the options say."""
    text = ""
    if terms is not None:
        try:
            text = terms.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise HouseError(f"--terms {terms}: this is no UTF-8: save the file as UTF-8") from error
        except OSError as error:
            raise HouseError(f"--terms {terms}: cannot be read: {error.strerror}: check the path") from error
        if not text:
            raise HouseError(f"--terms {terms}: the file is empty: write the terms, TOML")
    return TermsChange(terms_id.strip(), read_date(since, "--from"), text, program.strip())


def _proposal(of: Proposal, closed: Date | None) -> dict:
    """Return a proposal as plain values; it is overtaken when its day has been closed without an approval."""
    late = closed is not None and of.content.get("valid_from_date", "") <= str(closed)
    state = "approved 承認済み" if of.approved_by else "overtaken 期限切れ" if late else "open 承認待ち"
    return {
        "proposal": of.approval_no, "subject": of.subject, "state": state, "content_hash": of.content_hash,
        "proposed_by": of.proposed_by, "proposed_at": of.recorded_at, "approved_by": of.approved_by, "approved_at": of.approved_at,
    } | {name: of.content.get(name, "") for name in ("fee_terms_id", "valid_from_date", "program_id", "terms_toml")}


# ---- the plan


def content(of: FeePlan) -> dict:
    """Return a plan as plain values (変更計画の JSON)."""
    change = of.change
    return {
        "fee_terms_id": change.fee_terms_id, "valid_from_date": str(change.valid_from_date), "program_id": change.program_id,
        "content_hash": content_hash(change.content), "first_date": str(of.first_date), "last_date": str(of.last_date),
        "contract_count": len(of.contracts), "charged_yen": of.charged_yen, "proposed_yen": of.proposed_yen,
        "difference_yen": of.proposed_yen - of.charged_yen,
        "lines": [_line(key, *yen) for key, yen in of.by_kind().items()],
        "contracts": [_contract(contract) for contract in of.contracts],
        "cliffs": [vars(cliff) | {"fall_yen": cliff.fall_yen} for cliff in of.cliffs], "warnings": list(of.warnings),
    }


def _line(key: tuple[str, str], charged: int, proposed: int) -> dict:
    return {"component": key[0], "kind": key[1], "charged_yen": charged, "proposed_yen": proposed,
            "difference_yen": proposed - charged}


def _contract(of: PlannedContract) -> dict:
    keys = sorted(of.charged.keys() | of.proposed.keys())
    return {
        "contract_id": of.contract_id, "program_id": of.program_id, "effective_date": str(of.effective_date),
        **{name: getattr(of, name) for name in ("base_yen", "charged_yen", "proposed_yen", "difference_yen")},
        "lines": [_line(key, of.charged.get(key, 0), of.proposed.get(key, 0)) for key in keys],
        "cliffs": [vars(cliff) | {"fall_yen": cliff.fall_yen, "within": cliff.within(of.base_yen)} for cliff in of.cliffs],
    }


def tables(of: FeePlan) -> dict[str, list[dict]]:
    """Return the CSV tables of a plan (変更計画の CSV): one row a contract, and one for each of its components and kinds."""
    contracts, parts, near = [], [], []
    for contract in map(_contract, of.contracts):
        contracts.append({name: value for name, value in contract.items() if name not in ("lines", "cliffs")})
        parts += [{"contract_id": contract["contract_id"]} | line for line in contract["lines"]]
        near += [{"contract_id": contract["contract_id"], "base_yen": contract["base_yen"]} | cliff for cliff in contract["cliffs"]]
    return {"_contracts": contracts, "_lines": parts, "_cliffs": near}


def lines(of: FeePlan) -> list[str]:
    """Return a plan as lines of text, Japanese first (変更計画の表示)."""
    change, count = of.change, len(of.contracts)
    what = change.fee_terms_id + (f" → {change.program_id}" if change.program_id else "")
    text = [
        f"報酬条件の変更計画 plan of fee terms: {what}, {change.valid_from_date} から from",
        f"内容のハッシュ content hash: {content_hash(change.content)}",
        f"対象契約 contracts touched: {count:,}、比べた期間 compared {of.first_date} – {of.last_date}",
        *(f"・注意 warning: {warning}" for warning in of.warnings),
    ]
    if not count:
        return [*text, "変わる契約はありません。 No contract is touched.", *_cliff_lines(of)]
    rows = [(f"{JA[kind]} {EN[kind]}", component, charged, proposed, f"{proposed - charged:+,}")
            for (component, kind), (charged, proposed) in of.by_kind().items()]
    rows.append(("計 total", "", of.charged_yen, of.proposed_yen, f"{of.proposed_yen - of.charged_yen:+,}"))
    header = ("種類 kind", "要素 component", "計上額 charged", "変更後 proposed", "差 difference (円)")
    text += ["", *table_lines(header, rows, 2)]
    ordered = sorted(of.contracts, key=lambda contract: (contract.difference_yen, contract.contract_id))
    rises, falls = [c for c in reversed(ordered) if c.difference_yen > 0], [c for c in ordered if c.difference_yen < 0]
    same = count - len(rises) - len(falls)
    text += ["", f"上がる契約 rise {len(rises):,}、下がる契約 fall {len(falls):,}、変わらない契約 same {same:,}"]
    for title, some in (("上がる契約 largest rises", rises), ("下がる契約 largest falls", falls)):
        if some:
            text += ["", title, *_contract_lines(some[:MOST_SHOWN])]
    return [*text, *_cliff_lines(of)]


def _contract_lines(contracts: list[PlannedContract]) -> list[str]:
    header = ("契約 contract", "適用 from", "基準額 base", "計上額 charged", "変更後 proposed", "差 difference (円)")
    rows = [(c.contract_id, str(c.effective_date), c.base_yen, c.charged_yen, c.proposed_yen, f"{c.difference_yen:+,}")
            for c in contracts]
    return table_lines(header, rows, 2)


def _cliff_lines(of: FeePlan) -> list[str]:
    """Tell where a fee falls as the balance rises, and which contracts are there."""
    if not of.cliffs:
        return []
    text = ["", "残高が増えると報酬が下がる境 where the fee falls as the balance rises (年額 a year)"]
    for cliff in of.cliffs:
        again = f"{cliff.again_yen:,} 円から元の額 as much again" if cliff.again_yen else "元の額には戻らない never again"
        text.append(f"  {cliff.component}: {cliff.before_yen:,} 円で {cliff.fee_before_yen:,} 円 → {cliff.after_yen:,} 円で "
                    f"{cliff.fee_after_yen:,} 円（−{cliff.fall_yen:,}）、{again}")
        near = [contract for contract in of.contracts if cliff in contract.cliffs]
        inside = sum(cliff.within(contract.base_yen) for contract in near)
        text.append(f"    境の中の契約 contracts in the gap {inside:,}、すぐ下 just below {len(near) - inside:,}")
        text += [f"    {contract.contract_id}: {contract.base_yen:,} 円{' ←' if cliff.within(contract.base_yen) else ''}"
                 for contract in near[:MOST_SHOWN]]
    return text
