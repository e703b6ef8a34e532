"""What companies bill each other for their shares of the fees (報酬配分の請求書): one a month for each issuer and recipient.

The customer pays the distributor (function A of the contract); every other company with a share bills the distributor for it.
What is moved at the month's end (tiered shares, monthly fees) is billed by the company that gets it to the one that pays it. A
company bills itself nothing. So of every company: its part of the month = fees it collects + what it bills − what it is billed.

Law: 消費税法 57条の4 (what an invoice holds, from 2023-10-01), 同施行令 70条の10 (the tax of the total of each rate, rounded once).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tsutsumi.core.fee_split import Move, in_force, rate_parts
from tsutsumi.core.fee_statements import Charge
from tsutsumi.core.units import round_fraction

QUALIFIED_SINCE = date(2023, 10, 1)
INVOICE, RETURN = "invoice", "return"
WEIGHTS = (1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2)  # of the twelve digits, from the right


@dataclass(frozen=True)
class InvoiceLine:
    """One line of an invoice (請求明細): tax-in yen of one program, component and kind at one tax rate."""

    program_id: str
    component: str
    kind: str
    tax_percent: int
    amount_yen: int


@dataclass(frozen=True)
class InvoiceRate:
    """The total of an invoice at one tax rate (税率ごとの合計): tax-in amount, the tax inside, what is left without it."""

    tax_percent: int
    amount_yen: int
    tax_yen: int
    net_yen: int


@dataclass(frozen=True)
class Invoice:
    """One invoice (請求書); `kind` is "return" (返還) where the total is below zero. `registration_id` may be empty."""

    invoice_id: str
    kind: str
    issuer_id: str
    recipient_id: str
    registration_id: str
    qualified: bool
    first_date: date
    last_date: date
    lines: tuple[InvoiceLine, ...]
    rates: tuple[InvoiceRate, ...]
    amount_yen: int
    tax_yen: int


def check_digit(digits: str) -> int:
    """Return the check digit of twelve digits of a corporate number (法人番号の検査用数字), the first of its thirteen.

    9 − (Σ of the digits from the right × 1, 2, 1, 2, …) mod 9 (法人番号の指定等に関する省令 2条).

    Examples
    --------
    The tax agency's own, 7000012050002: 2×1 + 5×1 + 2×1 + 1×2 = 11, 11 mod 9 = 2, 9 − 2:

    >>> check_digit("000012050002")
    7
    """
    return 9 - sum(int(digit) * weight for digit, weight in zip(reversed(digits), WEIGHTS, strict=True)) % 9


def is_registration_id(text: str) -> bool:
    """Tell whether a text is a registration number (適格請求書発行事業者の登録番号): T, the check digit, twelve digits.

    >>> is_registration_id("T7000012050002"), is_registration_id("T8000012050002"), is_registration_id("7000012050002")
    (True, False, False)
    """
    digits = text[1:]
    plain = len(text) == 14 and text[0] == "T" and digits.isascii() and digits.isdigit()
    return plain and int(digits[0]) == check_digit(digits[1:])


def tax_inside(amount_yen: int, percent: int, rounding: str) -> int:
    """Return the consumption tax inside a tax-in amount (内消費税額): amount × rate / (100 + rate), rounded once.

    Toward zero by `down`, so that a return undoes an invoice.

    >>> tax_inside(10_999, 10, "down"), tax_inside(10_999, 10, "half-up"), tax_inside(-10_999, 8, "down")
    (999, 1000, -814)
    """
    return round_fraction(amount_yen * percent, 100 + percent, rounding)


def issuer_of(rows: Iterable[Mapping], company_id: str, day: date) -> tuple[str, str]:
    """Return (registration number, rounding) of a company on a day (登録番号・税額の端数処理), ("", "down") where none is known.

    `rows` are those of `invoice_issuers`, with `company_id`.
    """
    known = in_force((row for row in rows if row["company_id"] == company_id), day)
    return (known[0]["registration_id"], known[0]["rounding"]) if known else ("", "down")


def month_invoices(
    first: date, last: date, charges: Sequence[Charge], moves: Sequence[Move], issuers: Sequence[Mapping]
) -> list[Invoice]:
    """Return the invoices between companies of a month (月次請求書), by issuer and recipient.

    Each line is cut to whole yen by rate (its sum is the company's share); the tax of each rate is rounded once, on the invoice's
    total of that rate, as the issuer rounds. An invoice without yen at any rate is not written.

    Parameters
    ----------
    charges : as `fee_statements.charges_of` gives them
    moves : as `fee_split.tier_moves` and `fixed_moves` give them
    issuers : rows of `invoice_issuers` with `company_id`; the one in force on `last` holds
    """
    exact: dict[tuple, dict[int, Fraction]] = {}
    for charge in charges:
        for company, yen in charge.shares:
            if company != charge.row.distributor_id:
                key = (company, charge.row.distributor_id, charge.row.program_id, charge.row.component, charge.kind)
                _add(exact, key, charge.row.by_rate(yen))
    for move in moves:
        key = (move.company_id, move.payer_id, move.program_id, "", move.kind)
        _add(exact, key, {percent: Fraction(yen) for percent, yen in move.by_rate})
    lines: dict[tuple[str, str], list[InvoiceLine]] = {}
    for (issuer, recipient, *what), sums in sorted(exact.items()):
        found = lines.setdefault((issuer, recipient), [])
        found += [InvoiceLine(*what, percent, yen) for percent, yen in rate_parts(sums)]
    made = [_invoice(first, last, *pair, found, issuer_of(issuers, pair[0], last)) for pair, found in lines.items()]
    return [invoice for invoice in made if invoice.rates]


def _add(exact: dict[tuple, dict[int, Fraction]], key: tuple, amounts: Mapping[int, Fraction]) -> None:
    sums = exact.setdefault(key, {})
    for percent, yen in amounts.items():
        sums[percent] = sums.get(percent, Fraction(0)) + yen


def _invoice(
    first: date, last: date, issuer: str, recipient: str, lines: Sequence[InvoiceLine], known: tuple[str, str]
) -> Invoice:
    registration, rounding = known
    totals: dict[int, int] = {}
    for line in lines:
        totals[line.tax_percent] = totals.get(line.tax_percent, 0) + line.amount_yen
    rates = []
    for percent, yen in sorted(totals.items()):
        tax = tax_inside(yen, percent, rounding)
        rates.append(InvoiceRate(percent, yen, tax, yen - tax))
    amount = sum(totals.values())
    return Invoice(
        f"{first:%Y-%m}_{issuer}_{recipient}", INVOICE if amount >= 0 else RETURN, issuer, recipient, registration,
        bool(registration) and last >= QUALIFIED_SINCE, first, last, tuple(lines), tuple(rates), amount,
        sum(rate.tax_yen for rate in rates),
    )
