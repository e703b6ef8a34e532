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
from tsutsumi.run.fee_terms_book import UnsupportedTerms
from tsutsumi.run.verify import verify_house
from tsutsumi.run.verify_check import Check, Progress
from tsutsumi.store.database import HouseError, open_house

MARKS = {True: "合 holds", False: "否 short", None: "− nothing"}


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
    """Return the checks as a table (検証結果): what holds, its figure, what was looked at; English and details under each."""
    marks = max(cell_len(mark) for mark in MARKS.values())
    names = max(cell_len(check.ja) for check in checks)
    figures = max(cell_len(_figure(check)) for check in checks)
    lines = [_line(("結果", marks), ("約束 promise", names), ("差異 figure", figures), ("検査 checked", 0))]
    for check in checks:
        looked = f"{check.checked:,} {check.of}"
        lines += ["", _line((MARKS[check.passed], marks), (check.ja, names), (_figure(check), figures), (looked, 0))]
        indent = " " * (marks + 2)
        lines.append(f"{indent}{check.en}")
        if check.passed is None:
            lines.append(f"{indent}検査の対象がありません there was nothing to check")
        lines += [f"{indent}{detail}" for detail in check.details]
    counts = [sum(check.passed is kind for check in checks) for kind in (True, None, False)]
    return [*lines, "", f"合 hold {counts[0]}、対象なし nothing to check {counts[1]}、否 fell short {counts[2]}"]


def _figure(check: Check) -> str:
    return f"{check.figure:,} {check.unit}"


def _line(*cells: tuple[str, int]) -> str:
    return "  ".join(text + " " * (width - cell_len(text)) for text, width in cells).rstrip()


@contextmanager
def _shown(hidden: bool) -> Iterator[Progress]:
    """Give a function that shows on stderr what is being checked; nothing where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), disable=hidden or not sys.stderr.isatty()) as bar:
        task = bar.add_task("検証 verify", total=None)

        def seen(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield seen
