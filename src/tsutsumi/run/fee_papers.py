"""Papers about fees, made from a house (報酬の書類): month-end statements, invoices between companies, customers' certificates.

The fees table is taken as it stood on the evening before the month or year and on its last evening, so that a paper of a past month
never changes with what came later.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta
from fractions import Fraction

import polars as pl

from tsutsumi.core.calendar import is_business_day
from tsutsumi.core.fee_certificates import ContractCertificate, Issuer, contract_certificate
from tsutsumi.core.fee_invoices import QUALIFIED_SINCE, Invoice, issuer_of, month_invoices
from tsutsumi.core.fee_split import Move, Segment, calendar_balances, fixed_moves, in_force, tier_moves, versions
from tsutsumi.core.fee_statements import Charge, Month, Statement, charges_of, month_statement
from tsutsumi.core.fee_terms import FeeTermsError, consumption_tax_percent
from tsutsumi.run.fee_directory import (
    Directory,
    Evenings,
    contract_counts,
    directory_of,
    distributor_balances,
    paid_by_contract,
    read_evenings,
)
from tsutsumi.store.database import House, HouseError

FIRST_YEAR, LAST_YEAR = 1950, 2099
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Notice:
    """One thing that a reader must know (注意): its kind, whom it is about, and what to do, in both languages."""

    kind: str
    subject_id: str
    ja: str
    en: str


@dataclass(frozen=True)
class MonthPapers:
    """The papers of a month (月次書類): the statement of every company, the invoices between them, what to look at."""

    statement: Statement
    invoices: tuple[Invoice, ...]
    statement_notices: tuple[Notice, ...]
    invoice_notices: tuple[Notice, ...]


@dataclass(frozen=True)
class Certificate:
    """The yearly certificate of a customer (年間支払証明), by contract; `provisional` where the year is not closed to its end.

    `rates` holds (consumption tax percent, yen paid, tax inside). `difference_yen` is fee flows − paid: 0, or something is wrong.
    """

    customer_id: str
    name: str
    first_date: Date
    last_date: Date
    provisional: bool
    contracts: tuple[ContractCertificate, ...]
    rates: tuple[tuple[int, int, int], ...]
    paid_yen: int
    tax_yen: int
    flow_yen: int
    difference_yen: int
    notices: tuple[Notice, ...]


def month_span(month: str) -> tuple[Date, Date]:
    """Return the first and last day of a month such as 2018-03 (月初・月末).

    >>> month_span("2018-02")[1]
    datetime.date(2018, 2, 28)
    """
    try:
        first = Date.fromisoformat(f"{month}-01")
    except ValueError:
        raise HouseError(f"--month {month!r} is no month: write it like 2018-03") from None
    _check_year("--month", first.year)
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def _check_year(option: str, year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise HouseError(f"{option}: the year {year} is out of range: give {FIRST_YEAR} to {LAST_YEAR}")


def last_business_day(last: Date) -> Date:
    """Return the last business day not after a day (最終営業日).

    >>> last_business_day(Date(2018, 3, 31))
    datetime.date(2018, 3, 30)
    """
    while not is_business_day(last):
        last -= ONE_DAY
    return last


def month_papers(house: House, month: str) -> MonthPapers:
    """Return the papers of a month (月次書類): statements, invoices, and what to look at.

    Raises
    ------
    HouseError
        The month is none, or not closed to its last business day: a paper that goes out is of a whole month.
    """
    first, last = month_span(month)
    evenings, final = read_evenings(house, first, last), last_business_day(last)
    if evenings.last_closed < final:
        raise HouseError(
            f"{house.folder}: {month} is not closed to its end: the last closed day up to it is {evenings.last_closed}: "
            f"close it first (tsutsumi close {house.folder} --through {final})"
        )
    return papers_of_month(evenings, directory_of(house), first, last)


def papers_of_month(evenings: Evenings, directory: Directory, first: Date, last: Date) -> MonthPapers:
    """Return the papers of a month from the exported tables (月次書類).

    Raises
    ------
    HouseError
        The terms of a fee cannot be read, or the consumption tax of a day is unknown.
    """
    try:
        before, after = (directory.fee_rows(_lively(tables["fees"], first)) for tables in (evenings.before, evenings.after))
        month = Month(first, last, before, after, ())
        charges = charges_of(month)
        month = replace(month, moves=_moves(evenings, directory, month, charges))
    except FeeTermsError as error:
        raise HouseError(f"the fees of {first:%Y-%m}: {error}") from error
    statement = month_statement(month)
    invoices = month_invoices(first, last, charges, month.moves, directory.issuers)
    return MonthPapers(
        statement, tuple(invoices), tuple(_statement_notices(statement, directory, charges)),
        tuple(_registration_notices({invoice.issuer_id for invoice in invoices}, directory, last)),
    )


def _lively(fees: pl.DataFrame, first: Date) -> pl.DataFrame:
    """Return the fees that a month from `first` on can still change or collect, and those charged in it."""
    collected = pl.col("collected_date")
    return fees.filter((pl.col("charged_date") >= first) | collected.is_null() | (collected >= first))


def _moves(evenings: Evenings, directory: Directory, month: Month, charges: Sequence[Charge]) -> list[Move]:
    """Return what the agreements between companies move at the month's end, program by program."""
    first, last = month.first, month.last
    balances, counts = distributor_balances(evenings, directory), contract_counts(evenings.after["sleeves"], first, last)
    percent = consumption_tax_percent(last)
    moves: list[Move] = []
    for program in sorted(directory.programs):
        remainder = directory.remainder(program, last)
        if not remainder:
            continue
        mine, segments = [charge for charge in charges if charge.row.program_id == program], []
        for start, end, rows in versions(directory.tiers.get(program, ()), first, last):
            if rows:
                held = calendar_balances(balances.get(program, []), start, end)
                segments.append(Segment(start, end, rows, _pools(mine, start, end, last), held))
        moves += tier_moves(program, segments, remainder, percent)
        fixed = in_force(directory.fixed.get(program, ()), first)
        moves += fixed_moves(program, fixed, counts.get(program, 0), remainder, percent)
    return moves


def _pools(charges: Iterable[Charge], start: Date, end: Date, last: Date) -> dict[str, dict[int, Fraction]]:
    """Return the fees charged start..end by distributor and tax rate; a cut of an older fee counts on the month's last day."""
    pools: dict[str, dict[int, Fraction]] = {}
    for charge in charges:
        day = charge.row.charged_date if charge.kind == charge.row.kind else last
        if start <= day <= end and charge.fee_yen:
            of = pools.setdefault(charge.row.distributor_id, {})
            for rate, yen in charge.row.by_rate(charge.fee_yen).items():
                of[rate] = of.get(rate, Fraction(0)) + yen
    return pools


def certificate(house: House, customer_id: str, year: int) -> Certificate:
    """Return the yearly certificate of a customer (報酬の年間支払証明).

    Raises
    ------
    HouseError
        The customer is unknown, or no day up to the end of the year is closed.
    """
    _check_year("--year", year)
    directory = directory_of(house)
    if customer_id not in directory.customers:
        raise HouseError(f"--customer {customer_id!r} is unknown in {house.folder}: give the customer_id of one of its customers")
    return certificate_of(read_evenings(house, Date(year, 1, 1), Date(year, 12, 31)), directory, customer_id, year)


def certificate_of(evenings: Evenings, directory: Directory, customer_id: str, year: int) -> Certificate:
    """Return a customer's certificate from the exported tables (年間支払証明): the contracts that were charged, or paid, something.

    Raises
    ------
    HouseError
        The terms of a fee cannot be read, or the consumption tax of a day is unknown.
    """
    first, last = Date(year, 1, 1), Date(year, 12, 31)
    own = sorted(contract for contract, customer in directory.customer_of.items() if customer == customer_id)
    mine = pl.col("contract_id").is_in(own)
    try:
        before, after = (directory.fee_rows(tables["fees"].filter(mine)) for tables in (evenings.before, evenings.after))
    except FeeTermsError as error:
        raise HouseError(f"the fees of {customer_id}: {error}") from error
    paid = [paid_by_contract(evenings.after, day) for day in (first - ONE_DAY, last)]
    through, found = min(last, evenings.last_closed), []
    for contract in own:
        company = directory.distributor(contract, through)
        rows = [[row for row in of if row.contract_id == contract] for of in (before, after)]
        made = contract_certificate(
            contract, directory.program_of[contract], first, last, *rows, (paid[0].get(contract, 0), paid[1].get(contract, 0)),
            Issuer(company, *issuer_of(directory.issuers, company, last)),
        )
        if made.flow_yen or any(line.opening_yen or line.charged_yen or line.refunded_yen for line in made.lines):
            found.append(made)
    provisional = evenings.last_closed < last_business_day(last)
    notices = list(_registration_notices({made.issuer_id for made in found}, directory, last))
    if provisional:
        notices.insert(0, Notice(
            "provisional", customer_id, f"{through} までの途中の証明です。年末まで締めてから、あらためて発行してください。",
            f"of the days to {through} only: issue it again when the year is closed",
        ))
    sums = [sum(getattr(made, name) for made in found) for name in ("paid_yen", "tax_yen", "flow_yen", "difference_yen")]
    name = directory.customers[customer_id]["name"]
    return Certificate(customer_id, name, first, through, provisional, tuple(found), _rate_sums(found), *sums, tuple(notices))


def _rate_sums(contracts: Iterable[ContractCertificate]) -> tuple[tuple[int, int, int], ...]:
    sums: dict[int, list[int]] = {}
    for made in contracts:
        for percent, yen, tax in made.rates:
            of = sums.setdefault(percent, [0, 0])
            of[0], of[1] = of[0] + yen, of[1] + tax
    return tuple((percent, *yen) for percent, yen in sorted(sums.items()))


# ---- what to look at


def _statement_notices(statement: Statement, directory: Directory, charges: Iterable[Charge]) -> Iterable[Notice]:
    """Yield a notice for every part that a company owes, and for every program that nobody sells."""
    for part in statement.parts:
        if part.owed_yen:
            owed, name = f"{part.owed_yen:,}", directory.companies[part.company_id]["name"]
            yield Notice(
                "owes", part.company_id, f"{name}は {part.program_id} について {owed} 円の支払超過です。差額を受け取ってください。",
                f"{part.company_id} owes {owed} yen for {part.program_id}: collect the difference",
            )
    asked = {(charge.row.program_id, charge.row.charged_date) for charge in charges if charge.row.contract_id not in directory.own}
    for program in sorted({program for program, day in asked if not directory.sales(program, day)}):
        yield Notice(
            "distributor_missing", program,
            f"{program} に販売会社（機能 A）の登録がなく、残余の会社が徴収するとしました。program_functions に登録してください。",
            f"{program} has no distributor (function A), its remainder company collects: load program_functions",
        )


def _registration_notices(companies: Iterable[str], directory: Directory, day: Date) -> Iterable[Notice]:
    """Yield a notice for every issuer without a registration number (登録番号のない発行者)."""
    for company in sorted(companies):
        if issuer_of(directory.issuers, company, day)[0]:
            continue
        ja, en = f"番号の記載は {QUALIFIED_SINCE} から", f"numbers are required from {QUALIFIED_SINCE} on"
        if day >= QUALIFIED_SINCE:
            ja, en = "受け取る側は仕入税額控除を受けられない", "no input tax credit for the recipient"
        name = directory.companies[company]["name"]
        yield Notice(
            "registration_missing", company,
            f"{name}に適格請求書発行事業者の登録番号がありません（{ja}）。invoice_issuers に登録してください。",
            f"{company} has no registration number ({en}): load invoice_issuers",
        )
