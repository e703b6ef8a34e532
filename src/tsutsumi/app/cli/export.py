"""`tsutsumi export`: every table of the open format up to a date."""

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, read_date, told
from tsutsumi.run.export import export_house
from tsutsumi.store.database import HouseError, open_house


def export(
    house: Path, *, date: str, to: Path, format: str = "parquet", json: Annotated[bool, Parameter(negative=())] = False
) -> int:
    """Write every table of a house into a folder (エクスポート): an open format, one file a table.

    Example: `tsutsumi export my-house --date 2026-11-20 --to out --format csv`

    Parameters
    ----------
    house
        The folder of the house.
    date
        A closed business day: histories reach to it, positions are of it.
    to
        The folder to write into.
    format
        parquet or csv.
    json
        Print rows by table as JSON.
    """
    try:
        rows = export_house(open_house(house), read_date(date, "--date"), to, format)
    except HouseError as error:
        return told("export", error, json)
    if json:
        print(json_text.dumps({"to": str(to), "date": date, "rows": rows}, ensure_ascii=False))
        return DONE
    for name, count in rows.items():
        print(f"{name:<20}{count:>12,}")
    return DONE
