"""The case tables of docs/rules/fee-split.md: shares, the month's settlement, invoices, registration numbers, certificates."""

import re
from datetime import date, timedelta
from fractions import Fraction

import numpy as np

from tests.cases import cases
from tests.cases.fees import CHOICES, example, parts, ppm, tiers, whole
from tsutsumi.core.dues import split_among_parties
from tsutsumi.core.fee_certificates import Issuer, contract_certificate
from tsutsumi.core.fee_invoices import is_registration_id, month_invoices
from tsutsumi.core.fee_rows import FeeRow, fee_row
from tsutsumi.core.fee_split import Segment, calendar_balances, fixed_moves, tier_moves, versions
from tsutsumi.core.fee_statements import Month, charges_of, month_statement
from tsutsumi.core.fee_terms import Terms, parse_terms
from tsutsumi.run.fee_papers import month_span

PROGRAM, CHANGE_DAY = "wrap", 11
TIER_KINDS = {"報酬比": "fee", "残高年率": "balance"}
MEASURES = {"商品": "program", "販売会社": "distributor", "自社": "own"}
PER = {"商品": "program", "契約": "contract"}
FEE_KINDS = {"計上": "charge", "増額": "addition", "返戻": "refund", "成功": "performance"}
FIGURES = (
    "opening_yen", "charged_yen", "refunded_yen", "cut_yen", "collected_yen", "set_off_yen", "paid_yen", "tax_yen", "closing_yen",
)


def row(number: int, distributor: str, charged: date, yen: int, company: str, period: tuple[date, date], **more) -> FeeRow:
    """Return a fee of which one company has all, a negative one as a refund."""
    record = {
        "contract_id": f"K{number}", "sleeve_id": None, "component": more.get("component", "fee"),
        "kind": more.get("kind") or ("charge" if yen >= 0 else "refund"), "start_date": period[0], "end_date": period[1],
        "fee_yen": abs(yen), "charged_date": charged, "collected_date": more.get("collected"), f"share_{company}_yen": abs(yen),
    }
    return fee_row(record, PROGRAM, distributor, more.get("terms"))


@cases("fee-share")
def fee_share(case: dict[str, str]) -> None:
    """Compare the split of one fee by flat shares."""
    names = dict.fromkeys(re.findall(r"[^\s\d,、%.]+", f"{case['配分率'].replace('なし', '')} {case['残余']}"))
    numbers = {name: number for number, name in enumerate(names, 1)}
    shares = [(numbers[name], ppm(rate)) for name, rate in (part.split() for part in parts(case["配分率"]))]
    split = split_among_parties(np.array([whole(case["報酬"])]), shares, numbers[case["残余"]])
    expected = {numbers[name]: whole(yen) for name, yen in (part.split() for part in parts(case["取り分"]))}
    assert {number: int(yen[0]) for number, yen in split.items()} == expected
    assert sum(expected.values()) == whole(case["報酬"])


def tier_rows(cell: str, since: date) -> list[dict]:
    """Return "運用 報酬比 商品 月末 40%、10,000,000,000超 55%" as rows of share_tiers; ladders stand between ／."""
    rows = []
    for ladder in (part.strip() for part in cell.split("／") if part.strip()):
        company, kind, measure, *words, _ = (first := ladder.split("、")[0]).split()
        own = {
            "valid_from_date": since, "company_id": company, "kind": TIER_KINDS[kind], "measure": MEASURES[measure],
            "base": "closing" if "月末" in words else "average", "year_days": "actual" if "実日数" in words else "365",
            "paid_by_id": "",
        }
        rates = ladder.replace(first, first.split()[-1], 1)
        rows += [own | {"floor_yen": floor, "rate_ppm": rate} for floor, rate in tiers(rates)]
    return rows


def balances_of(cell: str, first: date, last: date) -> dict[str, list[int]]:
    """Return "甲 10,000,000 2018-03-17 20,000,000" as the balance of each calendar day."""
    closes: dict[date, dict[str, int]] = {first: {}}
    for part in parts(cell):
        name, yen, *later = part.split()
        closes[first][name] = whole(yen)
        for day, changed in zip(later[::2], later[1::2], strict=True):
            closes.setdefault(date.fromisoformat(day), dict(closes[first]))[name] = whole(changed)
    return calendar_balances(sorted(closes.items()), first, last)


@cases("fee-settlement")
def fee_settlement(case: dict[str, str]) -> None:
    """Settle the month and compare every company's part; what it owes is written as 支払超過."""
    first, last = month_span(case["月"])
    remainder = case["残余"]
    rows = [
        row(number, name, date.fromisoformat(day), whole(yen), remainder, (first, first))
        for number, (name, day, yen) in enumerate(part.split() for part in parts(case["報酬"]))
    ]
    rules = tier_rows(case["段階"], date(2000, 1, 1)) + tier_rows(case.get("後の段階", ""), first.replace(day=CHANGE_DAY))
    segments = []
    for start, end, own in versions(rules, first, last):
        fees: dict[str, dict[int, Fraction]] = {}
        for fee in rows:
            if start <= fee.charged_date <= end:
                of = fees.setdefault(fee.distributor_id, {})
                for percent, yen in fee.by_rate(fee.fee_yen).items():
                    of[percent] = of.get(percent, 0) + yen
        span = slice((start - first).days, (end - first).days + 1)
        balances = {name: yen[span] for name, yen in balances_of(case["残高"], first, last).items()}
        segments.append(Segment(start, end, own, fees, balances))
    fixed = [
        {"company_id": name, "per": PER[per], "amount_yen": whole(yen), "paid_by_id": payer[0] if payer else ""}
        for name, per, yen, *payer in (part.split() for part in parts(case["月額"]))
    ]
    moves = tier_moves(PROGRAM, segments, remainder, 10) + fixed_moves(PROGRAM, fixed, whole(case["契約数"]), remainder, 10)
    statement = month_statement(Month(first, last, (), rows, moves))
    expected = {}
    for part in parts(case["取り分"]):
        name, *words = part.split()
        expected[name] = (0, whole(words[1])) if words[0] == "支払超過" else (whole(words[0]), 0)
    assert {part.company_id: (part.part_yen, part.owed_yen) for part in statement.parts} == expected
    assert statement.difference_yen == 0 and statement.fee_yen == sum(fee.fee_yen for fee in rows)


def terms_of(case: dict[str, str]) -> Terms:
    """Return terms with the tax and the rates' day of a row."""
    document = example("quarterly-arrears-average-four-tiers")
    for column in ("消費税", "料率の日"):
        section, key, words = CHOICES[column]
        (document[section] if section else document)[key] = words[case[column]]
    document["component"][0]["rates"][0]["from"] = date(2010, 1, 1)
    return parse_terms(document)


@cases("fee-invoice")
def fee_invoice(case: dict[str, str]) -> None:
    """Bill the row's shares to the distributor 甲 and compare the total and the tax of each rate."""
    first, last = month_span(case["月"])
    rows = [
        row(number, "甲", last, whole(yen), name, (date.fromisoformat(start), date.fromisoformat(end)), terms=terms_of(case))
        for number, (name, yen, start, end) in enumerate(part.split() for part in parts(case["請求"]))
    ]
    rounding = CHOICES["端数"][2][case["端数"]]
    issuers = [{"company_id": "運用", "valid_from_date": date(2000, 1, 1), "registration_id": "", "rounding": rounding}]
    (invoice,) = month_invoices(first, last, charges_of(Month(first, last, (), rows, ())), (), issuers)
    found = [(rate.tax_percent, rate.amount_yen, rate.tax_yen) for rate in invoice.rates]
    told = [part.split() for part in parts(case["請求書"])]
    assert found == [(int(rate.removesuffix("%")), whole(yen), whole(tax)) for rate, yen, tax in told]
    assert (invoice.issuer_id, invoice.recipient_id, invoice.kind == "return") == ("運用", "甲", invoice.amount_yen < 0)
    assert all(rate.net_yen + rate.tax_yen == rate.amount_yen for rate in invoice.rates)


@cases("registration-id")
def registration_id(case: dict[str, str]) -> None:
    """Compare whether a number is a registration number."""
    assert is_registration_id(case["番号"]) == {"正": True, "誤": False}[case["判定"]]


@cases("fee-certificate")
def fee_certificate(case: dict[str, str]) -> None:
    """Compare every figure of a contract's certificate, component by component."""
    first, last = date(int(case["年"]), 1, 1), date(int(case["年"]), 12, 31)
    rows = []
    for component, kind, charged, yen, *collected in (part.split() for part in parts(case["報酬"])):
        day = date.fromisoformat(charged)
        rows.append(row(
            1, "甲", day, whole(yen), "甲", (day, day), component=component, kind=FEE_KINDS[kind],
            collected=date.fromisoformat(collected[0]) if collected else day if kind == "返戻" else None,
        ))
    eve = first - timedelta(days=1)
    paid = whole(case["前年までの出金"])
    made = contract_certificate(
        "K1", PROGRAM, first, last, [fee for fee in rows if fee.charged_date <= eve], rows, (paid, paid + whole(case["出金"])),
        Issuer("甲", "", "down"),
    )
    expected = {}
    for part in parts(case["証明"]):
        name, figures = part.split()
        expected[name] = tuple(whole(figure) for figure in figures.split("/"))
    assert {line.component: tuple(getattr(line, name) for name in FIGURES) for line in made.lines} == expected
    assert made.difference_yen == 0 and made.paid_yen == whole(case["出金"])
