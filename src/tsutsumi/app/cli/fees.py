"""`tsutsumi fees`: charge one contract by its terms, as JSON or as a table that a clerk can check by hand."""

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.console import Group

from tsutsumi.app.cli.screen import width
from tsutsumi.core.fee_engine import FeeEntry, fee_schedule
from tsutsumi.core.fee_history import FeeInputError, contract_history, decode, read_date, read_flows, read_values
from tsutsumi.core.fee_lines import WORDS, decimals, fee_lines
from tsutsumi.core.fee_terms import FeeTermsError, Terms, parse_terms

DONE, BAD_INPUT = 0, 2
HELP = "Charge a contract by its fee terms (報酬の計算): every charge, addition, refund and performance fee."
EXAMPLE = """Example:
  tsutsumi fees --terms T.toml --values V.csv \\
    --start 2026-05-20 --through 2026-12-31 --json

T.toml  the terms: docs/rules/balance-fee.md; ready ones: examples/fees
V.csv   date,value_yen,cash_yen (cash_yen may be left out)
F.csv   date,amount_yen (negative for a reduction), given with --flows
Exit code 0: done. 2: bad input, one line says what; nothing is charged.
"""


def _usage_line(error: cyclopts.CycloptsError) -> Group:
    """Print a wrong use of the command as one line, however narrow the screen; return nothing more to print."""
    print(f"tsutsumi fees: {' '.join(str(error).split())} See tsutsumi fees --help.", file=sys.stderr)
    return Group()


app = cyclopts.App(
    name="fees",
    help=HELP,
    help_epilogue=EXAMPLE,
    help_format="plaintext",
    version_flags=[],
    error_formatter=_usage_line,
)
PAPERS = {  # read only when used: they need a house
    "statement": ("--month 2018-03", "The month-end statement of every company (月次明細): fees, shares, what is still open."),
    "invoice": ("--month 2018-03", "The invoices between companies of a month (請求書), the tax rounded once per rate."),
    "certificate": ("--customer C000001 --year 2018", "What a customer paid in a year (年間支払証明), with the tax inside."),
}
for _name, (_options, _help) in PAPERS.items():
    _example = f"Example:\n  tsutsumi fees {_name} my-house {_options} --to papers"
    app.command(f"tsutsumi.app.cli.fee_papers:{_name}", name=_name, help=_help, help_epilogue=_example)
_TERMS = "--terms-id standard --terms new.toml --from 2027-01-01"
CHANGES = {  # what comes before a fee is charged by other terms, and after one was charged on a wrong past
    "plan": ("fee_plan", _TERMS, "What a change of fee terms would mean for every contract (変更計画)."),
    "propose": ("fee_plan", f"{_TERMS} --by tanaka", "Propose a change of fee terms (変更の提案)."),
    "approve": ("fee_plan", "1 --by suzuki", "Approve a proposed change (変更の承認): another person than who proposed."),
    "proposals": ("fee_plan", "", "The proposed changes of fee terms (提案の一覧)."),
    "correct": ("fee_correction", "corrections.csv --by tanaka", "Correct the fees of closed days (過去の報酬の訂正)."),
}
for _name, (_file, _options, _help) in CHANGES.items():
    _example = f"Example:\n  tsutsumi fees {_name} my-house {_options}".rstrip()
    app.command(f"tsutsumi.app.cli.{_file}:{_name}", name=_name, help=_help, help_epilogue=_example)


@app.default
def fees(
    *,
    terms: Annotated[Path, Parameter(help="Fee terms, TOML (報酬条件).")],
    values: Annotated[Path, Parameter(help="Values by day, CSV (評価額).")],
    start: Annotated[str, Parameter(help="First day of the contract, such as 2026-05-20 (運用開始日).")],
    through: Annotated[str, Parameter(help="Last day known; an arrears period ending later is not yet charged.")],
    terminated: Annotated[str | None, Parameter(help="Last day of a contract that has ended (契約終了日).")] = None,
    flows: Annotated[Path | None, Parameter(help="Additions and reductions, CSV (増額・減額).")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON array instead of the table.", negative="")] = False,
) -> int:
    """Charge one contract and print what is due; return the exit code."""
    try:
        parsed = parse_terms(_read(terms, "terms"))
        history = contract_history(
            values=read_values(_read(values, "values")),
            flows=read_flows(_read(flows, "flows")) if flows is not None else [],
            start=read_date(start, "--start"),
            through=read_date(through, "--through"),
            terminated=None if terminated is None else read_date(terminated, "--terminated"),
        )
        entries = fee_schedule(parsed, history)
    except (FeeTermsError, FeeInputError) as error:
        print(f"tsutsumi fees: {error}", file=sys.stderr)
        return BAD_INPUT
    for warning in parsed.warnings:
        print(f"tsutsumi fees: warning: {warning}", file=sys.stderr)
    if json:
        print(json_text.dumps([entry.as_json() for entry in entries], ensure_ascii=False, indent=2))
    else:
        print("\n".join(fee_table(entries, parsed)))
    return DONE


def _read(path: Path, name: str) -> str:
    """Return the text of a file, or say why it cannot be read."""
    try:
        return decode(path.read_bytes(), name)
    except (OSError, ValueError) as error:
        if isinstance(error, FeeInputError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise FeeInputError(f"{name}: {str(path)!r} cannot be read: {reason}; check the path") from None


def fee_table(entries: list[FeeEntry], terms: Terms) -> list[str]:
    """Return the table of a schedule (報酬明細表) and, under it, the arithmetic of each line (計算過程)."""
    words = WORDS["ja"]
    lines = [f"報酬明細 fee schedule: {terms.name}"]
    if not entries:
        return [*lines, "請求はありません。 Nothing is due."]
    rows = [("番号 no.", "種類 kind", "計算期間 period", "計算基準額 base (円)", "金額 yen (円)")]
    for number, entry in enumerate(entries, 1):
        rows.append(
            (
                str(number),
                f"{words[entry.kind]} {entry.kind}",
                f"{entry.start} – {entry.end}",
                decimals(entry.base),
                f"{entry.total_yen:,}",
            )
        )
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines.append("")
    for row in rows:
        cells = [
            _pad(cell, wide, right=i in (0, 3, 4)) for i, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines += ["", "計算過程 arithmetic"]
    for number, entry in enumerate(entries, 1):
        first, *rest = fee_lines(entry, terms)
        lines += ["", f"{number}. {first}", *rest]
    return lines


def _pad(text: str, wide: int, right: bool) -> str:
    space = " " * (wide - width(text))
    return space + text if right else text + space
