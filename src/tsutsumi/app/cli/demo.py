"""`tsutsumi demo`: a small house on real market history, every business day of several years closed."""

import json as json_text
from datetime import date as Date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, read_date, told
from tsutsumi.app.cli.progress import day_progress
from tsutsumi.demo.build import DemoSettings, build, close_demo
from tsutsumi.demo.report import demo_report
from tsutsumi.demo.summary import demo_summary
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.manifest import last_day


def demo(
    house: Path = Path("demo-house"), *, market: Path | None = None, customers: int | None = None, through: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Build a sample house and close every business day of it (見本の家); on an existing one it goes on where it stopped.

    Example: `tsutsumi demo my-demo --market my-nav-files --customers 500 --through 2021-11-05`

    Parameters
    ----------
    house
        The folder of the house.
    market
        A folder of NAV files of your own (fund association CSVs, or `date,fund_code,nav_yen` rows; `date,usd_jpy` is FX);
        four or more funds. Without it: the package's market, real where published figures allow, generated elsewhere.
    customers
        How many customers; 500 unless given.
    through
        The last day; the end of the prices unless given.
    json
        Print the summary as JSON.
    """
    try:
        last = read_date(through, "--through") if through else None
        if customers is not None and customers < 1:
            raise HouseError(f"--customers {customers}: give 1 or more")
        made, settings = build(house, customers, last, market)
        until = min(last or Date.max, Date.fromisoformat(settings.through))
        if not json:
            _show_market(settings)
        with day_progress(hidden=json) as progress:
            report, times = close_demo(made, until, progress)
        summary = demo_summary(made, settings, report, times, _last_closed(made))
    except HouseError as error:
        return told("demo", error, json)
    if json:
        print(json_text.dumps(summary | {"notes": settings.notes, "roles": settings.roles}, ensure_ascii=False))
    else:
        Console().print(demo_report(summary))
    checks = summary["checks"]
    fine = not checks["breaks_count"] and not checks["journal_difference_yen"]
    return DONE if fine and checks["payouts_kept_count"] == checks["payouts_count"] else FELL_SHORT


def _last_closed(house: House) -> Date:
    with reading(house) as connection:
        return last_day(connection)


def _show_market(settings: DemoSettings) -> None:
    console = Console()
    origin = settings.market or "内蔵 of the package"
    span = f"{settings.first} 〜 {settings.through} ・ 顧客 customers {settings.customers:,}"
    console.print(f"市場 market: {origin}  {span}", soft_wrap=True)
    for note in settings.notes:
        console.print(f"  ・{note}", soft_wrap=True)
    roles = " ・ ".join(f"{code} {role}" for code, role in sorted(settings.roles.items()))
    console.print(f"  役割（年率ボラティリティ） roles by volatility: {roles}", soft_wrap=True)
