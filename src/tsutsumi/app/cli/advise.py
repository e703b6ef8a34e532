"""`tsutsumi advise`: what advice on a household's money is worth, as JSON or as a page to show to the customer."""

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.console import Group

from tsutsumi.app.cli.advise_page import advice_page
from tsutsumi.core.household import HouseholdError
from tsutsumi.core.household_advice import advise as advise_household
from tsutsumi.core.household_file import decode, parse_household
from tsutsumi.core.household_numbers import number
from tsutsumi.core.household_record import as_record
from tsutsumi.core.household_tables import iso_date, product_rows, statute_tables

DONE, BAD_INPUT = 0, 2
HELP = "What advice on a household's money is worth (助言の価値): before, after, the gain in yen a year, a fee, the reasons."
EXAMPLE = """Example:
  tsutsumi advise HOUSEHOLD.toml --fee-share 20 --json

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
    household: Annotated[Path, Parameter(help="The household, TOML (家計ファイル).")],
    *,
    fee_share: Annotated[str, Parameter(help="The fee as a share of the first year's gain, percent (報酬の割合).")] = "20",
    fee_due: Annotated[str, Parameter(help="once or yearly: when the fee is due (報酬の時期).")] = "once",
    cost_threshold: Annotated[str, Parameter(help="A fund that costs more a year is replaced, percent (費用の上限).")] = "0.5",
    assumptions: Annotated[str, Parameter(help="article or gpif: whose returns and risks of the four markets (前提).")] = "article",
    products: Annotated[Path | None, Parameter(help="The house's own products, CSV (取扱商品).")] = None,
    date: Annotated[str | None, Parameter(help="The day whose rows are in force; the latest rows if left out (基準日).")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object, complete enough to keep.", negative="")] = False,
) -> int:
    """Compare a household before and after advice and print what it is worth; return the exit code."""
    try:
        tables = statute_tables(
            assumptions,
            as_of=None if date is None else iso_date(date, "--date"),
            products=None if products is None else product_rows(_read(products)),
        )
        fee_share_pct = number(fee_share, "--fee-share", 0, 100)
        threshold_pct = number(cost_threshold, "--cost-threshold", 0, 100)
        parsed, own_tables = parse_household(_read(household), tables)
        advice = advise_household(parsed, own_tables, fee_share_pct, fee_due, threshold_pct)
    except HouseholdError as error:
        print(f"tsutsumi advise: {error}", file=sys.stderr)
        return BAD_INPUT
    if json:
        print(json_text.dumps(as_record(advice), ensure_ascii=False, indent=2))
    else:
        print("\n".join(advice_page(advice)))
    return DONE


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
