"""`tsutsumi close`: close every business day that is not closed yet."""

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, read_date, told
from tsutsumi.app.cli.progress import day_progress
from tsutsumi.run.close_day import CloseReport, close_through
from tsutsumi.run.fee_terms_book import UnsupportedTerms
from tsutsumi.store.database import HouseError, open_house


def close(house: Path, *, through: str, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Close every business day up to a date (日次締め); goes on where the last run ended, however it ended.

    Example: `tsutsumi close my-house --through 2026-11-20`

    Parameters
    ----------
    house
        The folder of the house.
    through
        The last day to close, such as 2026-11-20.
    json
        Print the result as JSON.
    """
    try:
        last = read_date(through, "--through")
        with day_progress(hidden=json) as progress:
            report = close_through(open_house(house), last, progress)
    except (HouseError, UnsupportedTerms) as error:
        return told("close", error, json)
    if json:
        print(json_text.dumps(asdict(report) | {"house": str(house)}, ensure_ascii=False))
        return DONE
    print(close_lines(report, through))
    return DONE


def close_lines(report: CloseReport, through: str) -> str:
    """Return what a run of closes did, in Japanese with English beside."""
    if not report.days:
        return f"締める日はありません（{through} まで締め済み）。 Nothing to close: closed through {through}."
    lines = [
        f"{report.first} 〜 {report.last}: {report.days:,} 営業日を締めました business days closed（{report.seconds:.1f} 秒 s）",
        f"  注文 orders {report.orders:,} ・ 書込 bytes {report.bytes:,} ・ 差異 breaks {report.breaks:,}",
    ]
    if report.alerts:
        counts = " ・ ".join(f"{kind} {count:,}" for kind, count in sorted(report.alerts.items()))
        lines.append(f"  警告 alerts: {counts}")
    return "\n".join(lines)


