"""How papers about fees look (報酬書類の体裁): JSON content, CSV rows and lines of text, Japanese first, English beside."""

import csv
import json as json_text
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date as Date
from pathlib import Path

from rich.cells import cell_len

from tsutsumi.core.fee_invoices import RETURN, Invoice
from tsutsumi.core.fee_split import part_and_owed
from tsutsumi.core.fee_statements import KIND_WORDS, Statement
from tsutsumi.run.fee_papers import Certificate, MonthPapers, Notice
from tsutsumi.store.database import HouseError

ROLL = ("opening_yen", "charged_yen", "cut_yen", "collected_yen", "closing_yen")
TITLES = {  # (return, qualified): what the paper is called
    (False, False): ("請求書", "invoice"), (False, True): ("適格請求書", "qualified invoice"),
    (True, False): ("返還請求書", "return invoice"), (True, True): ("適格返還請求書", "qualified return invoice"),
}
Names = Mapping[str, Mapping]


def plain(value: object) -> object:
    """Return a paper as JSON takes it: dates as text."""
    if isinstance(value, Date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def _named(companies: Names, company_id: str, word: str = "") -> dict:
    row = companies.get(company_id, {})
    ids = ("company_id", "name", "name_en")
    values = (company_id, row.get("name", ""), row.get("name_en", ""))
    return {f"{word}_{name.removeprefix('company_')}" if word else name: value for name, value in zip(ids, values, strict=True)}


# ---- statements


def statement_content(papers: MonthPapers, companies: Names, only: str = "") -> dict:
    """Return a month's statements (月次明細) as JSON content, company by company."""
    of = papers.statement
    ids = sorted({row.company_id for rows in (of.lines, of.parts, of.uncollected) for row in rows})
    return {
        "month": f"{of.first_date:%Y-%m}", "first_date": of.first_date.isoformat(), "last_date": of.last_date.isoformat(),
        "companies": [_company(of, companies, company) for company in ids if only in ("", company)],
        "fee_yen": of.fee_yen, "opening_yen": of.opening_yen, "closing_yen": of.closing_yen, "difference_yen": of.difference_yen,
        "notices": [asdict(notice) for notice in papers.statement_notices if only in ("", notice.subject_id)],
    }


def _company(of: Statement, companies: Names, company_id: str) -> dict:
    def own(rows: Iterable) -> list[dict]:
        mine = (asdict(row) for row in rows if row.company_id == company_id)
        return [{name: value for name, value in row.items() if name != "company_id"} for row in mine]

    lines, parts, rolls = own(of.lines), own(of.parts), own(of.uncollected)
    for line in lines:
        line["kind_ja"], line["kind_en"] = KIND_WORDS[line["kind"]]
    share, moved = (sum(part[name] for part in parts) for name in ("share_yen", "moved_yen"))
    part, owed = part_and_owed(share + moved)
    totals = {"share_yen": share, "moved_yen": moved, "part_yen": part, "owed_yen": owed}
    totals |= {name: sum(roll[name] for roll in rolls) for name in ROLL}
    return _named(companies, company_id) | {"lines": lines, "programs": parts, "uncollected": rolls} | totals


def statement_tables(content: dict) -> dict[str, list[dict]]:
    """Return the CSV tables of a month's statements (月次明細の表) by the end of their file's name."""
    tables: dict[str, list[dict]] = {"": [], "_programs": [], "_uncollected": [], "_notices": content["notices"]}
    for company in content["companies"]:
        own = {"month": content["month"]} | {name: company[name] for name in ("company_id", "name", "name_en")}
        for end, name in (("", "lines"), ("_programs", "programs"), ("_uncollected", "uncollected")):
            tables[end] += [own | row for row in company[name]]
    return tables


def statement_lines(content: dict) -> list[str]:
    """Return a month's statements as text (月次明細)."""
    lines = [f"報酬分配の月次明細 month-end fee statement  {content['first_date']} – {content['last_date']}"]
    if not content["companies"]:
        lines += ["", "計上も未収もありません。 Nothing was charged and nothing is open."]
    for company in content["companies"]:
        rows = [
            (line["program_id"], line["component"], f"{line['kind_ja']} {line['kind_en']}", line["count"], line["fee_yen"],
             line["share_yen"])
            for line in company["lines"]
        ]
        header = ("商品 program", "要素 component", "種類 kind", "件数 number", "報酬 fee (円)", "配分 share (円)")
        lines += ["", f"■ {company['name']} {company['name_en']} ({company['company_id']})", *table_lines(header, rows, 3)]
        net = f"受取 gets {company['part_yen']:,}" if not company["owed_yen"] else f"支払超過 owes {company['owed_yen']:,}"
        lines.append(f"  当月 month: 配分 share {company['share_yen']:,} ＋ 精算 moved {company['moved_yen']:,} → {net} 円")
        lines.append(
            "  未収 uncollected: 期首 opening {opening_yen:,} ＋ 計上 charged {charged_yen:,} ＋ 減額 cut {cut_yen:,} "
            "− 徴収 collected {collected_yen:,} ＝ 期末 closing {closing_yen:,} 円".format(**company)
        )
    totals = ("合計 total: 報酬 fees {fee_yen:,} 円、未収 uncollected {opening_yen:,} → {closing_yen:,} 円、"
              "会社の合計との差異 difference {difference_yen:,} 円")
    return [*lines, "", totals.format(**content), *_notices(content["notices"])]


# ---- invoices


def invoice_content(papers: MonthPapers, companies: Names, only: str = "") -> dict:
    """Return a month's invoices between companies (月次請求書) as JSON content."""
    of = papers.statement
    chosen = [invoice for invoice in papers.invoices if only in ("", invoice.issuer_id, invoice.recipient_id)]
    issuers = {invoice.issuer_id for invoice in chosen}
    return {
        "month": f"{of.first_date:%Y-%m}", "first_date": of.first_date.isoformat(), "last_date": of.last_date.isoformat(),
        "invoices": [_invoice(invoice, companies) for invoice in chosen],
        "amount_yen": sum(invoice.amount_yen for invoice in chosen), "tax_yen": sum(invoice.tax_yen for invoice in chosen),
        "notices": [asdict(notice) for notice in papers.invoice_notices if notice.subject_id in issuers],
    }


def _invoice(invoice: Invoice, companies: Names) -> dict:
    ja, en = TITLES[invoice.kind == RETURN, invoice.qualified]
    content = plain(asdict(invoice)) | {"title": ja, "title_en": en}
    content |= _named(companies, invoice.issuer_id, "issuer") | _named(companies, invoice.recipient_id, "recipient")
    for line in content["lines"]:
        line["kind_ja"], line["kind_en"] = KIND_WORDS[line["kind"]]
    return content


def invoice_tables(content: dict) -> dict[str, list[dict]]:
    """Return the CSV tables of a month's invoices (月次請求書の表): one row an invoice and tax rate; lines; notices."""
    tables: dict[str, list[dict]] = {"": [], "_lines": [], "_notices": content["notices"]}
    heads = ("invoice_id", "title", "title_en", "kind", "issuer_id", "issuer_name", "registration_id", "recipient_id",
             "recipient_name", "first_date", "last_date")
    for invoice in content["invoices"]:
        own = {name: invoice[name] for name in heads}
        tables[""] += [own | rate for rate in invoice["rates"]]
        tables["_lines"] += [{"invoice_id": invoice["invoice_id"]} | line for line in invoice["lines"]]
    return tables


def invoice_lines(content: dict) -> list[str]:
    """Return a month's invoices as text (月次請求書)."""
    lines = [f"報酬配分の請求書 invoices between companies  {content['first_date']} – {content['last_date']}"]
    if not content["invoices"]:
        lines += ["", "請求はありません。 Nothing is billed."]
    for invoice in content["invoices"]:
        number = invoice["registration_id"] or "なし none"
        lines += [
            "", f"■ {invoice['title']} {invoice['title_en']}  {invoice['invoice_id']}",
            f"  発行者 issuer: {invoice['issuer_name']} {invoice['issuer_name_en']}（登録番号 registration number {number}）",
            f"  宛先 recipient: {invoice['recipient_name']} {invoice['recipient_name_en']}",
        ]
        rows = [
            (line["program_id"], line["component"], f"{line['kind_ja']} {line['kind_en']}", f"{line['tax_percent']} %",
             line["amount_yen"])
            for line in invoice["lines"]
        ]
        lines += table_lines(("商品 program", "要素 component", "種類 kind", "税率 tax rate", "税込 tax-in (円)"), rows, 3)
        rows = [(f"{rate['tax_percent']} %", rate["net_yen"], rate["tax_yen"], rate["amount_yen"]) for rate in invoice["rates"]]
        lines += table_lines(("税率 tax rate", "税抜 net (円)", "消費税 tax (円)", "税込合計 total (円)"), rows, 0)
    return [*lines, *_notices(content["notices"])]


# ---- certificates


def certificate_content(of: Certificate, companies: Names) -> dict:
    """Return a customer's yearly certificate (年間支払証明) as JSON content."""
    content = plain(asdict(of))
    content["year"] = of.first_date.year
    for contract in content["contracts"]:
        contract |= _named(companies, contract["issuer_id"], "issuer")
        contract["rates"] = [_rate(row) for row in contract["rates"]]
        for line in contract["lines"]:
            line["by_rate"] = [_rate(row) for row in line["by_rate"]]
    content["rates"] = [_rate(row) for row in content["rates"]]
    return content


def _rate(row: Sequence[int]) -> dict[str, int]:
    return dict(zip(("tax_percent", "paid_yen", "tax_yen"), row, strict=True))


def certificate_tables(content: dict) -> dict[str, list[dict]]:
    """Return the CSV tables of a certificate (年間支払証明の表): components; the yen paid by tax rate; notices."""
    tables: dict[str, list[dict]] = {"": [], "_rates": [], "_notices": content["notices"]}
    for contract in content["contracts"]:
        own = {name: contract[name] for name in ("contract_id", "program_id", "issuer_id", "issuer_name", "registration_id")}
        for line in contract["lines"]:
            tables[""].append(own | {name: value for name, value in line.items() if name != "by_rate"})
            tables["_rates"] += [own | {"component": line["component"]} | rate for rate in line["by_rate"]]
    return tables


def certificate_lines(content: dict) -> list[str]:
    """Return a customer's yearly certificate as text (年間支払証明)."""
    lines = [
        f"報酬の年間支払証明 yearly fee certificate  {content['first_date']} – {content['last_date']}",
        f"{content['name']} 様 ({content['customer_id']})",
    ]
    if not content["contracts"]:
        lines += ["", "この期間の報酬はありません。 There were no fees."]
    header = ("要素 component", "期首未払 open before", "計上 charged", "返戻 refunded", "減額 cut", "徴収 collected",
              "相殺 set off", "支払 paid", "うち消費税 tax inside", "期末未払 open after")
    fields = ("opening_yen", "charged_yen", "refunded_yen", "cut_yen", "collected_yen", "set_off_yen", "paid_yen", "tax_yen",
              "closing_yen")
    for contract in content["contracts"]:
        number = contract["registration_id"] or "なし none"
        issuer = f"{contract['issuer_name']} {contract['issuer_name_en']}"
        lines += ["", f"■ 契約 contract {contract['contract_id']} ({contract['program_id']})",
                  f"  発行者 issuer: {issuer}（登録番号 registration number {number}）"]
        rows = [(line["component"], *(line[name] for name in fields)) for line in contract["lines"]]
        lines += table_lines(header, rows, 1)
        lines += [f"  {rate['tax_percent']} % 対象 taxed: {rate['paid_yen']:,} 円（うち消費税 tax inside {rate['tax_yen']:,} 円）"
                  for rate in contract["rates"]]
    totals = "合計 total: 支払 paid {paid_yen:,} 円（うち消費税 tax inside {tax_yen:,} 円）"
    flows = "報酬の出金 fee flows {flow_yen:,} 円、差異 difference {difference_yen:,} 円"
    return [*lines, "", totals.format(**content), flows.format(**content), *_notices(content["notices"])]


# ---- files and tables


def write_papers(folder: Path, name: str, content: dict, tables: Mapping[str, Sequence[Mapping]]) -> list[Path]:
    """Write a paper as JSON and its tables as CSV (UTF-8) and return the files; a table without rows is not written.

    Raises
    ------
    HouseError
        The folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.json"
        path.write_text(json_text.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written.append(path)
        for end, rows in tables.items():
            if rows:
                path = folder / f"{name}{end}.csv"
                with path.open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, list(rows[0]))
                    writer.writeheader()
                    writer.writerows(rows)
                written.append(path)
    except OSError as error:
        raise HouseError(f"{folder}: cannot be written: {error.strerror}: choose another folder or free space") from error
    return written


def _notices(notices: Iterable[Notice | Mapping]) -> list[str]:
    lines = [f"・{notice['ja']}\n  {notice['en']}" for notice in notices]
    return ["", "注意 notices", *lines] if lines else []


def table_lines(header: Sequence[str], rows: Iterable[Sequence], first_number: int) -> list[str]:
    """Return a table as lines of text (表の表示); the columns from `first_number` on stand to the right."""
    texts = [tuple(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) for row in [header, *rows]]
    widths = [max(cell_len(row[column]) for row in texts) for column in range(len(header))]
    lines = []
    for row in texts:
        cells = []
        for column, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(text))
            cells.append(space + text if column >= first_number else text + space)
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines
