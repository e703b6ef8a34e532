"""`tsutsumi explain`: why a sleeve's value is what it is on a day."""

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich import box
from rich.console import Console
from rich.table import Table

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, read_date, told
from tsutsumi.run.explain import Explanation, as_json
from tsutsumi.run.explain import explain as explain_day
from tsutsumi.store.database import HouseError, open_house


def explain(house: Path, sleeve: str, *, date: str, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Print how a sleeve's value on a day came to be (評価額の説明), line by line, adding up to the yen.

    Example: `tsutsumi explain demo-house S000001 --date 2020-03-19`

    Parameters
    ----------
    house
        The folder of the house.
    sleeve
        The sleeve_id.
    date
        A closed business day of the sleeve's life.
    json
        Print it as JSON.
    """
    try:
        explanation = explain_day(open_house(house), sleeve, read_date(date, "--date"))
    except HouseError as error:
        return told("explain", error, json)
    if json:
        print(json_text.dumps(as_json(explanation), ensure_ascii=False, indent=2))
    else:
        _show(explanation)
    return DONE if explanation.difference_yen == 0 else FELL_SHORT


def _show(explanation: Explanation) -> None:
    console = Console()
    console.print(f"[bold]{explanation.title}[/bold]\n{explanation.date}（前営業日 {explanation.date_before or '–'}）")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("項目 what", overflow="fold")
    table.add_column("根拠 how", overflow="fold")
    table.add_column("円 yen", justify="right", no_wrap=True)
    table.add_row("前日の評価額 value before", str(explanation.date_before or ""), f"{explanation.value_before_yen:,}")
    for line in explanation.lines:
        table.add_row(line.what, line.how, f"{line.yen:+,}")
    table.add_section()
    parts = explanation.parts
    how = (f"有価証券 {parts['positions_yen']:,} ＋ 現金 {parts['cash_yen']:,} ＋ 未収 {parts['receivable_yen']:,} "
           f"− 未払 {parts['payable_yen']:,}")
    table.add_row("[bold]評価額 value[/bold]", how, f"[bold]{explanation.value_yen:,}[/bold]")
    console.print(table)
    console.print(f"合計の差 difference: {explanation.difference_yen:,} 円")
    for note in explanation.notes:
        console.print(f"・{note}", soft_wrap=True)
