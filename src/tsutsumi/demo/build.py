"""The demo house (見本の家): made once from a market and a seed, resumed ever after."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date as Date
from pathlib import Path

from sqlalchemy import select

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.demo.common_window import common_window, roles
from tsutsumi.demo.house import build_rows
from tsutsumi.demo.market_folder import read_market_folder
from tsutsumi.demo.series import FIRST_DATE, LAST_DATE, demo_market
from tsutsumi.run.close_day import CloseReport, close_through
from tsutsumi.run.day_run import DayResult
from tsutsumi.store.database import House, HouseError, create_house, open_house, reading, transaction
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import metadata

SETTINGS = "demo.json"
MOST_LISTED = 20


@dataclass
class DemoSettings:
    """What the demo house was made of (見本の設定); kept in `demo.json` so that a second run goes on with the first."""

    customers: int
    through: str
    first: str = ""
    market: str = ""
    notes: list[str] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)


@dataclass
class MarketOfDays:
    """Price series cut to the days of a house."""

    series: list
    fx: list


def build(folder: Path, customers: int | None, through: Date | None, market: Path | None) -> tuple[House, DemoSettings]:
    """Return the demo house in a folder and its settings: the one that is there, or a new one (見本の家の作成).

    Raises
    ------
    HouseError
        The folder is another house, or the market has fewer than four usable funds.
    """
    settings = _known(folder)
    if settings is None and (folder / "house.toml").exists():
        raise HouseError(f"{folder}: a house that the demo did not make: name another folder")
    if settings is None:
        try:
            settings, rows = _prepare(customers or 500, through, market)
        except ValueError as error:
            raise HouseError(str(error)) from error
    else:
        _check_same(folder, settings, customers, through, market)
        house = open_house(folder)
        if _is_filled(house):
            return house, settings
        settings, rows = _prepare(settings.customers, Date.fromisoformat(settings.through), Path(settings.market) if settings.market
                                  else None)
    house = open_house(folder) if (folder / "house.toml").exists() else create_house(folder)
    (folder / SETTINGS).write_text(json.dumps(asdict(settings), ensure_ascii=False, indent=1), encoding="utf-8")
    with transaction(house) as connection:
        for table in metadata.sorted_tables:
            if rows.get(table.name):
                insert_rows(connection, table.name, rows[table.name])
    return house, settings


def _known(folder: Path) -> DemoSettings | None:
    path = folder / SETTINGS
    return DemoSettings(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _is_filled(house: House) -> bool:
    with reading(house) as connection:
        return connection.execute(select(metadata.tables["instruments"].c.instrument_no).limit(1)).first() is not None


def _check_same(folder: Path, settings: DemoSettings, customers, through, market) -> None:
    told = []
    if customers and customers != settings.customers:
        told.append(f"customers {settings.customers}, not {customers}")
    if market and str(market.resolve()) != settings.market:
        told.append(f"market {settings.market or 'of the package'}, not {market}")
    if through and str(through) > settings.through:
        told.append(f"prices through {settings.through}, not {through}")
    if told:
        raise HouseError(f"{folder}: this demo house was made with {'; '.join(told)}: name another folder, or the same options")


def _prepare(customers: int, through: Date | None, market: Path | None) -> tuple[DemoSettings, dict[str, list[dict]]]:
    """Return settings and rows: from the package's market, or from a folder of price files."""
    if market is None:
        last = min(through or LAST_DATE, LAST_DATE)
        source = demo_market(FIRST_DATE, last)
        settings = DemoSettings(customers, str(last), str(FIRST_DATE))
        if through and through > LAST_DATE:
            settings.notes.append(f"価格は {LAST_DATE} まで prices end on {LAST_DATE}")
        series, fx, first = source.series, source.fx, FIRST_DATE
    else:
        folder = read_market_folder(market)
        window = common_window(folder.series, through)
        first, last = from_epoch_day(window.first), from_epoch_day(window.last)
        settings = DemoSettings(customers, str(last), str(first), str(market.resolve()), _notes(folder, window))
        series, fx = window.series, folder.fx
    settings.roles = {code: f"{role.kind} ({role.volatility_percent} %)" for code, role in roles(series).items()}
    rows = build_rows(MarketOfDays(series, fx), customers, first=first, through=last)
    return settings, rows


def _notes(folder, window) -> list[str]:
    """Return what was left out, refused or missing in a folder of price files, as lines to print."""
    notes = [window.note] if window.note else []
    notes += [f"読まなかったファイル left out: {name}: {why}" for name, why in folder.left_out]
    notes += [f"使わなかったファンド left out: {code}: {why}" for code, why in window.left_out]
    refused = [f"拒否した行 refused: {row.file}:{row.line}: {row.what}: {row.why}: {row.cure}" for row in folder.refused]
    notes += refused[:MOST_LISTED]
    if len(refused) > MOST_LISTED:
        notes.append(f"ほか {len(refused) - MOST_LISTED:,} 行を拒否 and more rows refused")
    common, single = folder.gap_counts()
    none = f"全ファンドに価格のない営業日 business days without any price {common:,}"
    notes.append(f"{none} ・ 一部のみ欠測 of some funds {single:,}")
    return notes


def close_demo(house: House, through: Date, progress: Callable[[int, int, DayResult], None]) -> tuple[CloseReport, list[tuple]]:
    """Close every day of the demo and return the report and (date, milliseconds) of each."""
    times: list[tuple[str, int]] = []
    begun = [time.perf_counter()]

    def closed(number: int, total: int, result: DayResult) -> None:
        now = time.perf_counter()
        times.append((str(from_epoch_day(result.books.day)), int((now - begun[0]) * 1000)))
        begun[0] = now
        progress(number, total, result)

    return close_through(house, through, closed), times
