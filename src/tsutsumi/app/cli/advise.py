"""`tsutsumi advise`: what advice on a household's money is worth; recorded in a house, and held against what came of it."""

import json as json_text
import sys
from datetime import date as Date
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.console import Group

from tsutsumi.app.cli.advise_page import advice_page
from tsutsumi.app.cli.advise_report import kept_content, kept_line, report_content, report_lines
from tsutsumi.core.household import HouseholdError, Tables
from tsutsumi.core.household_advice import Advice
from tsutsumi.core.household_advice import advise as advise_household
from tsutsumi.core.household_file import Household, decode, parse_household
from tsutsumi.core.household_later import given_values
from tsutsumi.core.household_numbers import number
from tsutsumi.core.household_record import as_record
from tsutsumi.core.household_tables import iso_date, product_rows, statute_tables
from tsutsumi.run import clock
from tsutsumi.run.proposal_book import proposal_outcomes, record_proposal
from tsutsumi.store.database import HouseError, open_house

DONE, BAD_INPUT = 0, 2
HELP = "What advice on a household's money is worth (助言の価値): before, after, the gain in yen a year, a fee, the reasons."
EXAMPLE = """Example:
  tsutsumi advise HOUSEHOLD.toml --fee-share 20 --json
  tsutsumi advise HOUSEHOLD.toml --record my-house --customer C000001 --by yamada
  tsutsumi advise --report my-house --customer C000001 --date 2026-10-30

HOUSEHOLD.toml  preference, what is held, what is advised: docs/rules/advice.md; ready ones: examples/advice.
                Without [[after]] the advice is proposed.
P.csv           class,ja,en,cost_pct,valid_from_date,source,verified: the products that a proposal may buy, given with --products
Exit code 0: done. 2: bad input, one line says what.
"""


def _usage_line(error: cyclopts.CycloptsError) -> Group:
    """Print a wrong use of the command as one line, however narrow the screen; return nothing more to print."""
    print(f"tsutsumi advise: {' '.join(str(error).split())} See tsutsumi advise --help.", file=sys.stderr)
    return Group()


app = cyclopts.App(
    name="advise",
    help=HELP,
    help_epilogue=EXAMPLE,
    help_format="plaintext",
    version_flags=[],
    error_formatter=_usage_line,
)


@app.default
def advise(
    household: Annotated[Path | None, Parameter(help="The household, TOML (家計ファイル).")] = None,
    *,
    fee_share: Annotated[str, Parameter(help="The fee as a share of the first year's gain, percent (報酬の割合).")] = "20",
    fee_due: Annotated[str, Parameter(help="once or yearly: when the fee is due (報酬の時期).")] = "once",
    cost_threshold: Annotated[str, Parameter(help="A fund that costs more a year is replaced, percent (費用の上限).")] = "0.5",
    assumptions: Annotated[str, Parameter(help="article or gpif: whose returns and risks of the four markets (前提).")] = "article",
    products: Annotated[Path | None, Parameter(help="The house's own products, CSV (取扱商品).")] = None,
    date: Annotated[str | None, Parameter(
        help="The day whose rows are in force, the latest ones if left out; the day of the advice; the day of the report (基準日)."
    )] = None,
    record: Annotated[Path | None, Parameter(help="A house that keeps the advice for --customer (提案の記録).")] = None,
    report: Annotated[Path | None, Parameter(help="A house: what it kept for --customer, what came of it (約束と実績).")] = None,
    customer: Annotated[str, Parameter(help="A customer_id of the house (顧客).")] = "",
    by: Annotated[str, Parameter(help="Who gave the advice that is recorded (担当者).")] = "",
    proposal: Annotated[int | None, Parameter(help="Of a report: one proposal only, by its number (提案の番号).")] = None,
    values: Annotated[Path | None, Parameter(
        help="Of a report: later values that the house does not know, CSV with side,place,value_yen (その後の評価額)."
    )] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object, complete enough to keep.", negative="")] = False,
) -> int:
    """Compare a household before and after advice and print what it is worth, or what came of it; return the exit code."""
    try:
        _one_use(household, record, report, customer, by, proposal is not None or values is not None)
        day = None if date is None else iso_date(date, "--date")
        if report is not None:
            given = given_values(_read(values)) if values is not None else None
            found = customer, *proposal_outcomes(open_house(report), customer, day, proposal, given)
            _print(report_content(*found), report_lines(*found), json)
            return DONE
        tables = statute_tables(
            assumptions, as_of=day, products=None if products is None else product_rows(_read(products)),
        )
        fee_share_pct = number(fee_share, "--fee-share", 0, 100)
        threshold_pct = number(cost_threshold, "--cost-threshold", 0, 100)
        parsed, own_tables = _household(household, tables)
        advice = advise_household(parsed, own_tables, fee_share_pct, fee_due, threshold_pct)
        _tell(advice, record, customer, by, day, json)
    except (HouseholdError, HouseError) as error:
        print(f"tsutsumi advise: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT
    return DONE


def _household(path: Path, tables: Tables) -> tuple[Household, Tables]:
    """Return the household of a file and the tables with its own rows; a refusal names the file."""
    text = _read(path)
    try:
        return parse_household(text, tables)
    except HouseholdError as error:
        raise HouseholdError(f"{path}: {error}") from None


def _one_use(
    household: Path | None, record: Path | None, report: Path | None, customer: str, by: str, of_report: bool
) -> None:
    """Refuse options that do not belong together."""
    if (household is None) == (report is None):
        raise HouseholdError("give the household's file, or --report HOUSE for what was recorded; see tsutsumi advise --help")
    if record is not None and report is not None:
        raise HouseholdError("--record and --report: give one of them")
    if (record is None and report is None) == bool(customer):
        raise HouseholdError("--customer belongs to --record HOUSE or --report HOUSE, and both need it; give them together")
    if (record is None) == bool(by):
        raise HouseholdError("--by belongs to --record HOUSE, which needs it: name who gave the advice")
    if of_report and report is None:
        raise HouseholdError("--proposal and --values belong to --report HOUSE; give them together")


def _tell(advice: Advice, record: Path | None, customer: str, by: str, day: Date | None, json: bool) -> None:
    """Print the advice, recorded first where a house is named: what is shown is what is kept."""
    content, lines = as_record(advice), advice_page(advice)
    if record is not None:
        kept, new = record_proposal(open_house(record), customer, content, by, clock.now(), day)
        content = content | {"recorded": kept_content(customer, kept, new)}
        lines = [*lines, "", kept_line(customer, kept, new)]
    _print(content, lines, json)


def _print(content: dict, lines: list[str], json: bool) -> None:
    print(json_text.dumps(content, ensure_ascii=False, indent=2) if json else "\n".join(lines))


def _read(path: Path) -> str:
    """Return the text of a file, or say why it cannot be read."""
    shown = " ".join(repr(str(path)).split())
    try:
        return decode(path.read_bytes())
    except HouseholdError as error:
        raise HouseholdError(f"{shown}: {error}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise HouseholdError(f"{shown} cannot be read: {reason}; check the path") from None
