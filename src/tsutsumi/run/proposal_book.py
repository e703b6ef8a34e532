"""Advice on a household's money in a house (家計への提案と実績): recorded as it was given, and held against what came of it.

What came is told from the closed days: what all sleeves of the customer together earned, time-weighted, costs and fees off.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date as Date
from fractions import Fraction

import numpy as np
from sqlalchemy import Connection, select

from tsutsumi.core.books import Books
from tsutsumi.core.flows import EXTERNAL_LAST
from tsutsumi.core.household_later import LaterValue, as_later, later_values
from tsutsumi.core.household_promise import promised_against_realised
from tsutsumi.core.performance import INDEX_START, chain_index
from tsutsumi.core.schema import Frame
from tsutsumi.run.clock import day_in_japan
from tsutsumi.store.approvals import person
from tsutsumi.store.database import House, HouseError, reading, transaction
from tsutsumi.store.day_tables import load_books, read_closed_day, roll
from tsutsumi.store.manifest import ClosedDay, closed_days, last_day
from tsutsumi.store.proposal_rows import KeptProposal, keep_proposal, kept_proposals
from tsutsumi.store.rows import numbers_of
from tsutsumi.store.tables import contracts, customers, sleeves


@dataclass(frozen=True)
class Managed:
    """What the house's sleeves of a customer did between two closed days (運用の実績): yen, and the time-weighted growth of one.

    gain = value − value before − net flow; `growth` is None where they held nothing all the time.
    """

    sleeve_ids: tuple[str, ...]
    from_date: Date
    to_date: Date
    value_before_yen: int
    net_flow_yen: int
    value_yen: int
    growth: Fraction | None

    @property
    def gain_yen(self) -> int:
        """What was earned (損益), costs and fees off."""
        return self.value_yen - self.value_before_yen - self.net_flow_yen


@dataclass(frozen=True)
class Outcome:
    """A proposal and what came of it (提案と実績); `told` is None where no day has passed since."""

    proposal: KeptProposal
    managed: Managed
    holdings: tuple[LaterValue, ...]
    told: dict | None


@dataclass(frozen=True)
class _Evening:
    """The customer's sleeves together at the end of a closed day."""

    date: Date
    value_yen: int
    flow_yen: int
    index: int


def record_proposal(
    house: House, customer_id: str, content: dict, by: str, recorded_at: str, date: Date | None = None
) -> tuple[KeptProposal, bool]:
    """Record advice as it was given to a customer (提案の記録) and return it, and whether it is new.

    Parameters
    ----------
    content : what `household_record.as_record` returned
    by : who gave it
    recorded_at : the moment, from `run/clock.py`; its day in Japan is the day of the advice where no date is given

    Raises
    ------
    HouseError
        The customer is unknown, nobody is named, or the date is in the future; nothing is written then.
    """
    name, today = person(by), day_in_japan(recorded_at)
    with transaction(house) as connection:
        number = _customer(connection, customer_id, house)
        day, closed = date or today, last_day(connection)
        if day > max(today, closed or today):
            raise HouseError(f"--date: {day} is in the future: give the day on which the advice was given")
        return keep_proposal(connection, number, customer_id, day, content, name, recorded_at)


def proposal_outcomes(
    house: House, customer_id: str, through: Date | None = None, number: int | None = None,
    given: Mapping[tuple[str, int], int] | None = None,
) -> tuple[Date, list[Outcome]]:
    """Return a closed day, and the proposals to a customer up to it with what came of each (約束と実績).

    Parameters
    ----------
    through : a closed day; the last one if left out
    number : one proposal only
    given : later values of holdings of that one proposal, from `household_later.given_values`

    Raises
    ------
    HouseError
        The customer is unknown, nothing is closed, the day is not, there is no such proposal, or values are given for several.
    """
    with reading(house) as connection:
        customer = _customer(connection, customer_id, house)
        days = closed_days(connection, last=through)
        if not days or (through is not None and days[-1].date != through):
            raise HouseError(f"{house.folder}: {through or 'no day'} is not closed: choose a closed business day, or close first")
        last = days[-1].date
        every = [one for one in kept_proposals(connection, customer) if one.date <= last]
        kept = [one for one in every if number in (None, one.proposal_no)]
        query = select(sleeves.c.sleeve_no, sleeves.c.sleeve_id).join(contracts, contracts.c.contract_no == sleeves.c.contract_no)
        own = {row.sleeve_no: row.sleeve_id for row in connection.execute(query.where(contracts.c.customer_no == customer))}
    if not kept:
        which = "no proposal" if number is None else f"no proposal {number}"
        cure = "record one (tsutsumi advise HOUSEHOLD.toml --record HOUSE)"
        if every:
            cure = f"name one of {', '.join(str(one.proposal_no) for one in every)}"
        raise HouseError(f"customer {customer_id}: {which} was recorded up to {last}: {cure}")
    if given and len(kept) > 1:
        raise HouseError(f"--values: customer {customer_id} has {len(kept)} proposals: name one with --proposal NUMBER")
    evenings = list(_evenings(house, _from(days, kept[0].date), np.array(sorted(own), np.int64)))
    names = tuple(own[one] for one in sorted(own))
    return last, [_outcome(one, evenings, names, given or {}) for one in kept]


def _customer(connection: Connection, customer_id: str, house: House) -> int:
    number = numbers_of(connection, customers, [customer_id]).get(customer_id)
    if number is None:
        raise HouseError(f"customer {customer_id!r} is unknown in {house.folder}: correct --customer, or load customers first")
    return number


def _from(days: list[ClosedDay], date: Date) -> list[ClosedDay]:
    """Return the closed days from the last one not after a date, or all."""
    start = max((place for place, day in enumerate(days) if day.date <= date), default=0)
    return days[start:]


def _evenings(house: House, days: list[ClosedDay], own: np.ndarray) -> Iterator[_Evening]:
    """Yield the sleeves together, day by day; the index grows as that of one sleeve would (performance.chain_index)."""
    books = load_books(house, days[0].date)
    value, index = _value(books, own), INDEX_START
    yield _Evening(days[0].date, value, 0, index)
    for day in days[1:]:
        tables = read_closed_day(house, day)
        books, before = roll(books, day.date, tables), value
        value, flow = _value(books, own), _flow(tables, own)
        index = int(chain_index(*(np.array([number], np.int64) for number in (index, value, flow, before)))[0])
        yield _Evening(day.date, value, flow, index)


def _value(books: Books, own: np.ndarray) -> int:
    known = own[own < books.row_of_sleeve.size]
    rows = books.row_of_sleeve[known]
    return int(books.sleeves["value_yen"][rows[rows >= 0]].sum())


def _flow(tables: dict[str, Frame], own: np.ndarray) -> int:
    """Return the day's money from and to outside, of sleeves that closed that day too; moves between the sleeves cancel out."""
    flows = tables.get("flows")
    if not flows:
        return 0
    mine = np.isin(flows["sleeve_no"], own) & (flows["kind_code"] <= EXTERNAL_LAST)
    return int(flows["amount_yen"][mine].sum())


def _outcome(kept: KeptProposal, evenings: list[_Evening], names: tuple[str, ...], given: Mapping) -> Outcome:
    start = max((place for place, one in enumerate(evenings) if one.date <= kept.date), default=0)
    since, last = evenings[start:], evenings[-1]
    held = any(one.value_yen > 0 for one in since)
    growth = Fraction(last.index, since[0].index) if held and since[0].index > 0 else None
    flow = sum(one.flow_yen for one in since[1:])
    managed = Managed(names, since[0].date, last.date, since[0].value_yen, flow, last.value_yen, growth)
    values, passed = later_values(kept.content, growth, given), (last.date - kept.date).days
    told = promised_against_realised(kept.content, as_later(passed, values)) if passed > 0 else None
    return Outcome(kept, managed, values, told)
