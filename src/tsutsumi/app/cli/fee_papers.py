"""`tsutsumi fees statement`, `invoice` and `certificate`: the papers that follow a fee after it is charged."""

import json as json_text
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.app.cli.fee_layout import (
    certificate_content,
    certificate_lines,
    certificate_tables,
    invoice_content,
    invoice_lines,
    invoice_tables,
    statement_content,
    statement_lines,
    statement_tables,
    write_papers,
)
from tsutsumi.run.fee_directory import directory_of
from tsutsumi.run.fee_papers import certificate as certificate_paper
from tsutsumi.run.fee_papers import month_papers
from tsutsumi.run.fee_terms_book import UnsupportedTerms
from tsutsumi.store.database import HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]


def statement(house: Path, *, month: str, company: str = "", to: Path | None = None, json: Flag = False) -> int:
    """Print the month-end statement of every company (報酬分配の月次明細): fees, shares, what is not collected yet.

    Example: `tsutsumi fees statement my-house --month 2018-03 --to papers`

    Exit code 1: the shares are not the fees, to the yen.

    Parameters
    ----------
    house
        The folder of the house; the month must be closed to its last business day.
    month
        Such as 2018-03.
    company
        One company_id; without it, every company that has a part.
    to
        A folder for the statement as JSON and CSV.
    json
        Print it as JSON.
    """
    try:
        opened = open_house(house)
        companies = directory_of(opened).companies
        _check_company(companies, company)
        content = statement_content(month_papers(opened, month), companies, company)
        tables = statement_tables(content)
        _write(to, f"statement_{month}{'_' if company else ''}{company}", content, tables)
    except (HouseError, UnsupportedTerms) as error:
        return told("fees statement", error, json)
    _print(content, statement_lines(content), json)
    return FELL_SHORT if content["difference_yen"] else DONE


def invoice(house: Path, *, month: str, company: str = "", to: Path | None = None, json: Flag = False) -> int:
    """Print the invoices between companies of a month (報酬配分の請求書), the consumption tax rounded once per rate.

    Example: `tsutsumi fees invoice my-house --month 2018-03 --to papers`

    Parameters
    ----------
    house
        The folder of the house; the month must be closed to its last business day.
    month
        Such as 2018-03.
    company
        One company_id, issuer or recipient; without it, every invoice.
    to
        A folder for the invoices as JSON and CSV.
    json
        Print them as JSON.
    """
    try:
        opened = open_house(house)
        companies = directory_of(opened).companies
        _check_company(companies, company)
        content = invoice_content(month_papers(opened, month), companies, company)
        _write(to, f"invoice_{month}{'_' if company else ''}{company}", content, invoice_tables(content))
    except (HouseError, UnsupportedTerms) as error:
        return told("fees invoice", error, json)
    _print(content, invoice_lines(content), json)
    return DONE


def certificate(house: Path, *, customer: str, year: int, to: Path | None = None, json: Flag = False) -> int:
    """Print what a customer paid in a year (報酬の年間支払証明), by contract and component, with the tax inside.

    Example: `tsutsumi fees certificate my-house --customer C000001 --year 2018 --to papers`

    Exit code 1: what was paid is not the fee flows of the sleeves, to the yen.

    Parameters
    ----------
    house
        The folder of the house; of a year not closed to its end the certificate says so.
    customer
        The customer_id.
    year
        Such as 2018.
    to
        A folder for the certificate as JSON and CSV.
    json
        Print it as JSON.
    """
    try:
        opened = open_house(house)
        content = certificate_content(certificate_paper(opened, customer, year), directory_of(opened).companies)
        _write(to, f"certificate_{year}_{customer}", content, certificate_tables(content))
    except (HouseError, UnsupportedTerms) as error:
        return told("fees certificate", error, json)
    _print(content, certificate_lines(content), json)
    return FELL_SHORT if content["difference_yen"] else DONE


def _check_company(companies: Mapping, company: str) -> None:
    if company and company not in companies:
        raise HouseError(f"--company {company!r} is unknown: use one of {', '.join(sorted(companies))}")


def _write(folder: Path | None, name: str, content: dict, tables: Mapping[str, Sequence[Mapping]]) -> None:
    if folder is not None:
        write_papers(folder, name, content, tables)


def _print(content: dict, lines: Sequence[str], json: bool) -> None:
    print(json_text.dumps(content, ensure_ascii=False, indent=1) if json else "\n".join(lines))
