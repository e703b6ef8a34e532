"""The file of late corrections (訂正ファイル): read row by row, held against what the house knows; one bad row refuses the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date as Date
from pathlib import Path

from sqlalchemy import select

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.ports.table_files import read_table_file
from tsutsumi.run.verify_check import rows_of
from tsutsumi.store.audit import content_hash
from tsutsumi.store.correction_rows import FLOW, KINDS, NAV, START_DATE, Fact
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.tables import events, metadata

HEADER = (
    "correction_id", "kind", "date", "instrument_id", "contract_id", "sleeve_id", "price", "amount_yen", "new_date", "note",
)
MUST = frozenset({"correction_id", "kind", "date"})
SAYS = {NAV: {"instrument_id", "price"}, FLOW: {"contract_id", "sleeve_id", "amount_yen"}, START_DATE: {"contract_id", "new_date"}}
MOST_YEN = 10**12
_ID = re.compile(r"[^\s,;+]{1,64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PRICE = re.compile(r"([0-9]{1,15})(?:\.([0-9]+))?")
_YEN = re.compile(r"[+-]?[0-9]{1,13}")


@dataclass(frozen=True)
class Registered:
    """What a correction can be about (登録と期間): public ids → numbers, and when contracts and sleeves began and ended."""

    closed: tuple[Date, ...]
    instruments: Mapping[str, dict]
    contracts: Mapping[str, int]
    sleeves: Mapping[str, dict]
    lives: Mapping[int, tuple[Date, Date | None]]
    sleeve_lives: Mapping[int, tuple[Date, Date | None]]

    def sleeves_on(self, contract_no: int, day: Date) -> list[int]:
        """Return the sleeves of a contract that were open on a day (その日の運用口), ascending."""
        mine = sorted(row["sleeve_no"] for row in self.sleeves.values() if row["contract_no"] == contract_no)
        return [number for number in mine if number in self.sleeve_lives and _within(day, self.sleeve_lives[number])]


def _within(day: Date, life: tuple[Date, Date | None]) -> bool:
    return life[0] <= day and (life[1] is None or day < life[1])


def registered(house: House, books: Books, closed: tuple[Date, ...], starts: Mapping[int, tuple[int, int]]) -> Registered:
    """Return what corrections can be about, as known at the last close; `starts` are first days that were corrected already."""
    with reading(house) as connection:
        rows = {name: [dict(row._mapping) for row in connection.execute(select(metadata.tables[name]))]
                for name in ("instruments", "contracts", "sleeves")}
        query = select(events.c.kind, events.c.contract_no, events.c.sleeve_no, events.c.processed_date)
        query = query.where(events.c.kind.in_(("contract_opened", "sleeve_opened")), events.c.processed_date.is_not(None))
        opened = list(connection.execute(query.order_by(events.c.event_no.desc())))
    firsts = {"contract_opened": {}, "sleeve_opened": {}}
    for kind, contract, sleeve, day in opened:
        firsts[kind][contract if kind == "contract_opened" else sleeve] = day
    contracts = firsts["contract_opened"] | _opened(books.contracts, "contract_no")
    contracts |= {number: from_epoch_day(new) for number, (_, new) in starts.items()}
    sleeves = firsts["sleeve_opened"] | _opened(books.sleeves, "sleeve_no")
    ended = {(contract, sleeve): from_epoch_day(day)
             for contract, sleeve, day in rows_of(books.ended, "contract_no", "sleeve_no", "closed_date")}
    of_sleeve = {sleeve: day for (_, sleeve), day in ended.items() if sleeve}
    return Registered(
        closed, {row["instrument_id"]: row for row in rows["instruments"]},
        {row["contract_id"]: row["contract_no"] for row in rows["contracts"]}, {row["sleeve_id"]: row for row in rows["sleeves"]},
        {number: (day, ended.get((number, 0))) for number, day in contracts.items()},
        {number: (day, of_sleeve.get(number)) for number, day in sleeves.items()},
    )


def _opened(of: Mapping, key: str) -> dict[int, Date]:
    return {number: from_epoch_day(day) for number, day in rows_of(of, key, "opened_date")}


def read_corrections(path: Path, known: Registered) -> list[tuple[Fact, str]]:
    """Return the corrections of a file, each with the hash of what it said (訂正ファイルの読み込み).

    Columns: correction_id, kind (nav, flow, start_date), date; by kind instrument_id and price, contract_id or sleeve_id and
    amount_yen, contract_id and new_date; note.

    Raises
    ------
    HouseError
        The file cannot be read, or a row cannot be taken: nothing is corrected then.
    """
    try:
        table = read_table_file(path)
    except OSError as error:
        raise HouseError(f"{path}: cannot be read: {error.strerror}: name a CSV or Parquet file; nothing was corrected") from error
    for refusal in table.refused[:1]:
        raise HouseError(f"{path.name}: {refusal}; nothing was corrected")
    header = table.header
    if not MUST <= set(header) <= set(HEADER) or len(set(header)) != len(header):
        raise HouseError(f"{path.name}: its header is {','.join(header)[:120]!r}: write {','.join(HEADER)}; nothing was corrected")
    found: list[tuple[Fact, str]] = []
    seen: dict[str, int] = {}
    for line, texts in zip(table.lines, table.rows, strict=True):
        given = dict.fromkeys(HEADER, "") | {name: text.strip() for name, text in zip(header, texts, strict=True)}
        try:
            fact = _fact(given, known)
            if fact.correction_id in seen:
                why = f"{fact.correction_id!r} stands on line {seen[fact.correction_id]} too"
                raise _Bad("correction_id", why, "give each its own")
        except _Bad as bad:
            raise HouseError(f"{path.name}: line {line}: {bad.what}: {bad.why}: {bad.cure}; nothing was corrected") from None
        seen[fact.correction_id] = line
        found.append((fact, content_hash(given)))
    if not found:
        raise HouseError(f"{path.name}: no correction is in it: write one a line under {','.join(HEADER)}")
    return found


class _Bad(Exception):
    def __init__(self, what: str, why: str, cure: str) -> None:
        super().__init__(what)
        self.what, self.why, self.cure = what, why, cure


def _fact(given: dict[str, str], known: Registered) -> Fact:
    if not _ID.fullmatch(given["correction_id"]):
        cure = "give 1 to 64 characters: no space, comma, semicolon, plus"
        raise _Bad("correction_id", f"{given['correction_id']!r} is no id", cure)
    kind = given["kind"]
    if kind not in KINDS:
        raise _Bad("kind", f"{kind!r} is unknown" if kind else "it is missing", f"use one of {', '.join(KINDS)}")
    for name in ("instrument_id", "price", "contract_id", "sleeve_id", "amount_yen", "new_date"):
        if given[name] and name not in SAYS[kind]:
            raise _Bad(name, f"{given[name]!r} has no meaning for a {kind}", "leave it empty, or mend the kind")
    day = _day(given, "date")
    if day > known.closed[-1]:
        cure = "correct what is still open before its close (load --replace, events)"
        raise _Bad("date", f"{day} is not closed yet: the last closed day is {known.closed[-1]}", cure)
    if day < known.closed[0]:
        raise _Bad("date", f"{day} is before {known.closed[0]}, the first closed day", "give a day that the house has closed")
    fact = Fact(given["correction_id"], kind, day, note=given["note"])
    return {NAV: _nav, FLOW: _flow, START_DATE: _start}[kind](fact, given, known)


def _day(given: dict[str, str], name: str) -> Date:
    text = given[name]
    try:
        day = Date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise _Bad(name, f"{text!r} is no date" if text else "it is missing", "write it like 2026-08-10")
    return day


def _known(given: dict[str, str], name: str, rows: Mapping):
    if not given[name]:
        raise _Bad(name, "it is missing", "fill it in")
    if given[name] not in rows:
        raise _Bad(name, f"{given[name]!r} is unknown in the house", "mend the id")
    return rows[given[name]]


def _nav(fact: Fact, given: dict[str, str], known: Registered) -> Fact:
    instrument = _known(given, "instrument_id", known.instruments)
    if fact.date not in set(known.closed):
        raise _Bad("date", f"{fact.date} is no closed business day", "give the day of the price")
    found, scale = _PRICE.fullmatch(given["price"]), instrument["price_scale"]
    if not found:
        why = f"{given['price']!r} is no price" if given["price"] else "it is missing"
        raise _Bad("price", why, "write it like 10123 or 512.34")
    whole, decimals = found[1], (found[2] or "").rstrip("0")
    if len(decimals) > scale:
        raise _Bad("price", f"{given['price']} has more than {scale} decimals", f"{given['instrument_id']} is priced with {scale}")
    price = int(whole) * 10**scale + int(decimals.ljust(scale, "0") or 0)
    if not 0 < price < 10**15:
        raise _Bad("price", f"{given['price']} is no price above zero", "give the price that was published")
    return replace(fact, instrument_no=instrument["instrument_no"], price=price)


def _flow(fact: Fact, given: dict[str, str], known: Registered) -> Fact:
    if not _YEN.fullmatch(given["amount_yen"]) or not 0 < abs(int(given["amount_yen"])) <= MOST_YEN:
        why = f"{given['amount_yen']!r} is no amount" if given["amount_yen"] else "it is missing"
        raise _Bad("amount_yen", why, "give whole yen that came in, below zero for what went out")
    if not given["sleeve_id"]:
        contract = _known(given, "contract_id", known.contracts)
        _alive(fact.date, given["contract_id"], known.lives.get(contract), "date")
        sleeves = known.sleeves_on(contract, fact.date)
        if not sleeves:
            raise _Bad("date", f"{given['contract_id']} had no open sleeve on {fact.date}", "give a day on which it had one")
        sleeve = sleeves[0]
    else:
        row = _known(given, "sleeve_id", known.sleeves)
        sleeve, contract = row["sleeve_no"], row["contract_no"]
        if given["contract_id"] and _known(given, "contract_id", known.contracts) != contract:
            why = f"{given['sleeve_id']} is no sleeve of {given['contract_id']}"
            raise _Bad("contract_id", why, "name its own, or leave it empty")
        _alive(fact.date, given["sleeve_id"], known.sleeve_lives.get(sleeve), "date")
    return replace(fact, contract_no=contract, sleeve_no=sleeve, amount_yen=int(given["amount_yen"]))


def _alive(day: Date, name: str, life: tuple[Date, Date | None] | None, what: str) -> None:
    if life is None:
        raise _Bad(what, f"{name} was never open", "mend the id")
    if day < life[0]:
        raise _Bad(what, f"{day} is before {name} opened on {life[0]}", "give a day of its life")
    if life[1] is not None and day >= life[1]:
        raise _Bad(what, f"{day} is not before {name} ended on {life[1]}", "give a day of its life")


def _start(fact: Fact, given: dict[str, str], known: Registered) -> Fact:
    contract, new = _known(given, "contract_id", known.contracts), _day(given, "new_date")
    life, name = known.lives.get(contract), given["contract_id"]
    if life is None:
        raise _Bad("contract_id", f"{name} was never open", "mend the id")
    if fact.date != life[0]:
        raise _Bad("date", f"{name} began on {life[0]}, not on {fact.date}", "give the first day that the house knows")
    if new == fact.date:
        raise _Bad("new_date", f"{new} is the first day already", "give the right first day")
    if new not in set(known.closed):
        raise _Bad("new_date", f"{new} is no closed business day", f"give one from {known.closed[0]} to {known.closed[-1]}")
    if life[1] is not None and new >= life[1]:
        raise _Bad("new_date", f"{new} is not before {name} ended on {life[1]}", "give a day of its life")
    return replace(fact, contract_no=contract, new_date=new)
