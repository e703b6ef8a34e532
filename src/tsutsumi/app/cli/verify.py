"""`tsutsumi verify`: every promise of a house, checked on what it stored, with a figure for each."""

import json as json_text
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.run.reference import UnsupportedTerms
from tsutsumi.run.verify import verify_house
from tsutsumi.run.verify_check import Check, Progress
from tsutsumi.store.database import HouseError, open_house

MARKS = {True: "合 holds", False: "否 short", None: "− nothing"}
HEADINGS = ("結果 result", "約束 promise", "差異 figure", "検査 checked")


def verify(
    house: Path, *, all_days: Annotated[bool, Parameter(name="--all", negative=())] = False, kills: int = 2,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Check every promise of a house on what it stored (検証), and print a figure for each.

    Example: `tsutsumi verify my-house`

    Conservation with the custodian, double entry, profit, allocations, cash, promised dates, fees, hashes; days are closed
    again, in one and in several partitions, and a copy of the last days is closed by processes that are killed. Nothing in the
    house is changed. Exit code 0: all hold; 1: something fell short.

    Parameters
    ----------
    house
        The folder of the house.
    all_days
        Close every day again; without it, of more than 130 days: the first, the last, each month's last, and every 11th.
    kills
        How many processes are killed in the copy; 0 leaves this check out.
    json
        Print the result as JSON.
    """
    try:
        if kills < 0:
            raise HouseError(f"--kills {kills} is below 0: give the number of processes to kill, or 0 for none")
        with _shown(hidden=json) as progress:
            checks = verify_house(open_house(house), progress, all_days, kills)
    except (HouseError, UnsupportedTerms) as error:
        return told("verify", error, json)
    short = [check for check in checks if check.passed is False]
    if json:
        content = {"house": str(house), "passed": not short, "checks": [asdict(check) for check in checks]}
        print(json_text.dumps(content, ensure_ascii=False, indent=1))
    else:
        print("\n".join(check_lines(checks)))
    return FELL_SHORT if short else DONE


def check_lines(checks: list[Check]) -> list[str]:
    """Return the checks as a table in Japanese with English beside, details under each, and the sum of it (検証結果)."""
    rows = [HEADINGS]
    rows += [
        (MARKS[check.passed], f"{check.ja} {check.en}", f"{check.figure:,} {check.unit}", f"{check.checked:,} {check.of}")
        for check in checks
    ]
    widths = [max(cell_len(row[k]) for row in rows) for k in range(len(HEADINGS))]
    lines = [_line(rows[0], widths), "─" * (sum(widths) + 2 * len(widths) - 2)]
    for check, row in zip(checks, rows[1:], strict=True):
        lines.append(_line(row, widths))
        if check.passed is None:
            lines.append("    検査の対象がありません there was nothing to check")
        lines += [f"    {detail}" for detail in check.details]
    counts = [sum(check.passed is kind for check in checks) for kind in (True, None, False)]
    lines += ["", f"合 hold {counts[0]}、対象なし nothing to check {counts[1]}、否 fell short {counts[2]}"]
    return lines


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)).rstrip()


@contextmanager
def _shown(hidden: bool) -> Iterator[Progress]:
    """Give a function that shows on stderr what is being checked; nothing where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), disable=hidden or not sys.stderr.isatty()) as bar:
        task = bar.add_task("検証 verify", total=None)

        def seen(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield seen
