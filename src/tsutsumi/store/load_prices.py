"""Prices and exchange rates into the house (価格の登録): one row for each instrument and day, and closed days stay closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Connection, Table, and_, select

from tsutsumi.core.refusals import Refusal
from tsutsumi.store.manifest import last_day
from tsutsumi.store.rows import Outcome, chunks, insert_rows
from tsutsumi.store.tables import distributions, fx_rates, instruments, prices, splits


@dataclass(frozen=True)
class PricedInstrument:
    """What an imported price needs of its instrument (銘柄): number, decimals of a price, units that it prices."""

    instrument_no: int
    price_scale: int
    price_base_units: int


class PriceRow(NamedTuple):
    """One price to be stored: at the instrument's price_scale; the distribution of the day at the same scale, if any."""

    line: int
    date: Date
    instrument_id: str
    price: int
    distribution: int | None


class RateRow(NamedTuple):
    """One exchange rate to be stored: yen per unit × 10^6."""

    line: int
    date: Date
    currency: str
    fx_ppm: int


def priced_instruments(connection: Connection) -> dict[str, PricedInstrument]:
    """Return what the prices of the house's instruments need (銘柄の価格単位), by id."""
    c = instruments.c
    query = select(c.instrument_id, c.instrument_no, c.price_scale, c.price_base_units)
    return {row[0]: PricedInstrument(*row[1:]) for row in connection.execute(query)}


def price_before(connection: Connection, instrument_no: int, day: Date) -> tuple[Date, int] | None:
    """Return the day and the price of the last stored one before a day (直前の価格)."""
    query = select(prices.c.date, prices.c.price).where(prices.c.instrument_no == instrument_no, prices.c.date < day)
    row = connection.execute(query.order_by(prices.c.date.desc()).limit(1)).one_or_none()
    return row and (row.date, row.price)


def split_ratios(connection: Connection) -> dict[int, list[tuple[Date, Fraction]]]:
    """Return, for each instrument that has any, its splits as (day, old units / new units), ascending (分割比率)."""
    found: dict[int, list[tuple[Date, Fraction]]] = {}
    for row in connection.execute(select(splits).order_by(splits.c.date)):
        found.setdefault(row.instrument_no, []).append((row.date, Fraction(row.old_units, row.new_units)))
    return found


def load_prices(
    connection: Connection, rows: Sequence[PriceRow], known: dict[str, PricedInstrument], source: str, recorded_at: str,
    replace: bool = False,
) -> Outcome:
    """Store prices, and the distributions that came with them (価格・分配金の登録), in the caller's transaction.

    Parameters
    ----------
    rows : PriceRow, no instrument and day twice
    known : from `priced_instruments`
    source : where the prices come from; kept with each
    replace : bool
        True lets a row take the place of another price of a day that is still open.
    """
    outcome = Outcome()
    unknown = [row for row in rows if row.instrument_id not in known]
    outcome.refused += [
        Refusal(row.line, "the fund", f"{row.instrument_id!r} is unknown in instruments", "load instruments, or mend the code")
        for row in unknown
    ]
    rows = [row for row in rows if row.instrument_id in known]
    wanted = {(known[row.instrument_id].instrument_no, row.date): row for row in rows}
    stored = _stored(connection, prices, "instrument_no", "price", wanted)
    gate = _Gate(last_day(connection), replace, outcome)
    new = []
    for key, row in wanted.items():
        if gate.passes(row.line, f"the price of {row.instrument_id}", row.date, row.price, stored.get(key)):
            new.append((key, {"price": row.price, "source": source, "recorded_at": recorded_at}))
    _write(connection, prices, "instrument_no", new, stored)
    _load_distributions(connection, wanted, known, recorded_at, gate)
    outcome.refused.sort()
    return outcome


def load_rates(
    connection: Connection, rows: Sequence[RateRow], source: str, recorded_at: str, replace: bool = False,
) -> Outcome:
    """Store exchange rates (為替の登録) in the caller's transaction; the parameters are those of `load_prices`."""
    outcome = Outcome()
    wanted = {(row.currency, row.date): row for row in rows}
    stored = _stored(connection, fx_rates, "currency", "fx_ppm", wanted)
    gate = _Gate(last_day(connection), replace, outcome)
    new = []
    for key, row in wanted.items():
        if gate.passes(row.line, f"the rate of {row.currency}", row.date, row.fx_ppm, stored.get(key)):
            new.append((key, {"fx_ppm": row.fx_ppm, "source": source, "recorded_at": recorded_at}))
    _write(connection, fx_rates, "currency", new, stored)
    outcome.refused.sort()
    return outcome


@dataclass
class _Gate:
    """Decides on each row: new, already known, or refused."""

    closed: Date | None
    replace: bool
    outcome: Outcome

    def passes(self, line: int, what: str, day: Date, value: int, earlier: int | None, counted: bool = True) -> bool:
        if earlier == value:
            self.outcome.known += counted
            return False
        if self.closed is not None and day <= self.closed:
            cure = "leave the row out: corrections come as events"
            self.outcome.refused.append(Refusal(line, what, f"{day}: the day is closed", cure))
            return False
        if earlier is not None and not self.replace:
            cure = "keep the stored one, or load the file with --replace: the day is still open"
            self.outcome.refused.append(Refusal(line, what, f"{day} has another one already: {earlier}, now {value}", cure))
            return False
        if earlier is not None:
            self.outcome.replaced.append([what, str(day), earlier, value])
        self.outcome.accepted += counted
        return True


def _load_distributions(
    connection: Connection, wanted: dict[tuple, PriceRow], known: dict[str, PricedInstrument], recorded_at: str, gate: _Gate,
) -> None:
    paid = {key: row for key, row in wanted.items() if row.distribution}
    stored = _stored(connection, distributions, "instrument_no", "amount", paid)
    new = []
    for key, row in paid.items():
        what = f"the distribution of {row.instrument_id}"
        if gate.passes(row.line, what, row.date, row.distribution, stored.get(key), counted=False):
            per_units = known[row.instrument_id].price_base_units
            new.append((key, {"amount": row.distribution, "per_units": per_units, "recorded_at": recorded_at}))
    _write(connection, distributions, "instrument_no", new, stored)


def _stored(connection: Connection, table: Table, owner: str, value: str, wanted: dict[tuple, NamedTuple]) -> dict[tuple, int]:
    """Return the stored values of the wanted owners and days."""
    if not wanted:
        return {}
    days = [day for _, day in wanted]
    query = select(table.c[owner], table.c.date, table.c[value]).where(table.c.date.between(min(days), max(days)))
    found = {}
    for part in chunks({key for key, _ in wanted}):
        found.update(((row[0], row[1]), row[2]) for row in connection.execute(query.where(table.c[owner].in_(part))))
    return found


def _write(connection: Connection, table: Table, owner: str, new: list[tuple[tuple, dict]], stored: dict[tuple, int]) -> None:
    for key, values in new:
        if key in stored:
            connection.execute(table.update().where(and_(table.c[owner] == key[0], table.c.date == key[1])).values(**values))
    insert_rows(connection, table.name, [{owner: key[0], "date": key[1]} | values for key, values in new if key not in stored])
