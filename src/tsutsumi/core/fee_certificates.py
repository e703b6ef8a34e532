"""What a customer paid in a year (報酬の年間支払証明): of each contract and component, with the consumption tax inside.

What was paid is the fee flows of the contract's sleeves, to the yen; credits that were set off are taken off it. Cases:
docs/rules/fee-split.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from tsutsumi.core.fee_invoices import tax_inside
from tsutsumi.core.fee_rows import REFUNDS, FeeRow, paid_by_row
from tsutsumi.core.fee_split import rate_parts


@dataclass(frozen=True)
class CertificateLine:
    """One component of a contract (明細行), all in yen.

    opening + charged − refunded + cut − paid = closing, where paid = collected − set off. `charged` are the fees of the year,
    `refunded` the refunds (返戻), `cut` what a closing could not pay (below zero), `collected` the fees paid, `set_off` the refunds
    that were set off against them or paid out. `tax` is inside `paid`.
    """

    component: str
    opening_yen: int
    charged_yen: int
    refunded_yen: int
    cut_yen: int
    collected_yen: int
    set_off_yen: int
    paid_yen: int
    closing_yen: int
    by_rate: tuple[tuple[int, int, int], ...]  # consumption tax percent, yen paid, tax inside
    tax_yen: int


@dataclass(frozen=True)
class ContractCertificate:
    """What was paid for one contract in a year (契約ごとの証明). `difference_yen`: fee flows − paid, 0 or something is wrong."""

    contract_id: str
    program_id: str
    issuer_id: str
    registration_id: str
    lines: tuple[CertificateLine, ...]
    rates: tuple[tuple[int, int, int], ...]
    paid_yen: int
    tax_yen: int
    flow_yen: int
    difference_yen: int


@dataclass(frozen=True)
class Issuer:
    """Who signs (発行者): the company that collects, its registration number, how it rounds the tax."""

    company_id: str
    registration_id: str
    rounding: str


def contract_certificate(
    contract_id: str, program_id: str, first: date, last: date, before: Sequence[FeeRow], after: Sequence[FeeRow],
    paid: tuple[int, int], issuer: Issuer,
) -> ContractCertificate:
    """Return the certificate of one contract for a year (契約ごとの年間支払証明).

    Parameters
    ----------
    first, last : date
        1 January, and 31 December or the last closed day.
    before, after : rows of the contract's fees as they stood on the evening before `first`, and on `last`
    paid : (Σ of its fee flows to the evening before, to `last`), the sign turned
    issuer : Issuer

    Returns
    -------
    ContractCertificate
        One line a component. The tax is rounded once per contract and rate, on the yen paid at that rate, and shared to the
        components by rounding their running sum, so that Σ lines = total.
    """
    eve = first - timedelta(days=1)
    earlier, to_date = paid_by_row(before, paid[0], eve)[0], paid_by_row(after, paid[1], last)[0]
    old = {row.key: row.fee_yen for row in before}
    sums: dict[str, list[int]] = {}
    exact: dict[str, dict[int, Fraction]] = {}
    for row in after:
        if row.charged_date > last:
            continue
        of = sums.setdefault(row.component, [0] * 6)  # opening, charged, refunded, cut, collected, set off
        now = to_date.get(row.key, 0) - earlier.get(row.key, 0)
        if row.charged_date >= first:
            of[2 if row.kind in REFUNDS else 1] += abs(row.fee_yen)
        else:
            was = old.get(row.key, row.fee_yen)
            of[0] += was - earlier.get(row.key, 0)
            of[3] += row.fee_yen - was
        of[5 if row.kind in REFUNDS else 4] += -now if row.kind in REFUNDS else now
        rates = exact.setdefault(row.component, {})
        for percent, yen in row.by_rate(now).items():
            rates[percent] = rates.get(percent, Fraction(0)) + yen
    lines = _lines(sums, {name: rate_parts(rates) for name, rates in exact.items()}, issuer.rounding)
    totals: dict[int, list[int]] = {}
    for line in lines:
        for percent, yen, tax in line.by_rate:
            of = totals.setdefault(percent, [0, 0])
            of[0], of[1] = of[0] + yen, of[1] + tax
    flow = paid[1] - paid[0]
    paid_yen = sum(line.paid_yen for line in lines)
    return ContractCertificate(
        contract_id, program_id, issuer.company_id, issuer.registration_id, tuple(lines),
        tuple((percent, *yen) for percent, yen in sorted(totals.items())), paid_yen, sum(line.tax_yen for line in lines), flow,
        flow - paid_yen,
    )


def _lines(sums: Mapping[str, list[int]], parts: Mapping[str, tuple[tuple[int, int], ...]], rounding: str) -> list[CertificateLine]:
    """Return the lines by component; the tax of a line is what its yen add to the tax of the running sum of its rate."""
    running: dict[int, int] = {}
    lines = []
    for component, (opening, charged, refunded, cut, collected, set_off) in sorted(sums.items()):
        by_rate = []
        for percent, yen in parts[component]:
            before = running.get(percent, 0)
            running[percent] = before + yen
            by_rate.append((percent, yen, tax_inside(before + yen, percent, rounding) - tax_inside(before, percent, rounding)))
        paid = collected - set_off
        lines.append(CertificateLine(
            component, opening, charged, refunded, cut, collected, set_off, paid, opening + charged - refunded + cut - paid,
            tuple(by_rate), sum(tax for _, _, tax in by_rate),
        ))
    return lines
