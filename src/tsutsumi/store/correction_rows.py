"""Late corrections of fees in the house (報酬の訂正の登録): what closed days should have known, and the events that book it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date as Date

from sqlalchemy import Connection, select

from tsutsumi.store.audit import canonical
from tsutsumi.store.rows import chunks, insert_rows, next_number
from tsutsumi.store.tables import events, fee_corrections, fee_states

NAV, FLOW, START_DATE = "nav", "flow", "start_date"
KINDS = (NAV, FLOW, START_DATE)
EVENT_KIND = "fee_corrected"


@dataclass(frozen=True)
class Fact:
    """One correction (訂正): what the days closed before `booked_date` should have known; `price` is at its price_scale."""

    correction_id: str
    kind: str
    date: Date
    instrument_no: int = 0
    contract_no: int = 0
    sleeve_no: int = 0
    price: int = 0
    amount_yen: int = 0
    new_date: Date | None = None
    note: str = ""
    booked_date: Date | None = None


@dataclass(frozen=True)
class Booking:
    """What an event `fee_corrected` says (訂正の計上): contract, yen, corrections, and the state that its fees go on from."""

    event_id: str
    contract_no: int
    amount_yen: int
    note: str
    states: tuple[tuple, ...] = ()


def known_facts(connection: Connection, booked_by: Date | None = None) -> list[Fact]:
    """Return the corrections in the order in which they came (登録済みの訂正); with a date, those booked by then."""
    query = select(fee_corrections).order_by(fee_corrections.c.correction_no)
    if booked_by is not None:
        query = query.where(fee_corrections.c.booked_date <= booked_by)
    names = Fact.__dataclass_fields__
    return [Fact(**{name: row._mapping[name] for name in names}) for row in connection.execute(query)]


def pending_states(connection: Connection, event_numbers: Iterable[int]) -> dict[int, list[tuple]]:
    """Return event_no → rows of the frame `fee_states` of events that are still to be booked (計算状態の読み出し)."""
    found: dict[int, list[tuple]] = {}
    for part in chunks(event_numbers):
        for row in connection.execute(select(fee_states).where(fee_states.c.event_no.in_(part))):
            found[row.event_no] = [(row.event_no, *values) for values in json.loads(row.content)]
    return found


def automatic_events(connection: Connection) -> set[int]:
    """Return the numbers of the events that book corrections (訂正を計上するイベント), those loaded by hand apart."""
    batches = select(fee_corrections.c.batch_hash).distinct()
    query = select(events.c.event_no).where(events.c.kind == EVENT_KIND, events.c.content_hash.in_(batches))
    return set(connection.execute(query).scalars())


def keep_corrections(
    connection: Connection, facts: Sequence[tuple[Fact, str]], bookings: Sequence[Booking], batch_hash: str, booked: Date, by: str,
    recorded_at: str,
) -> None:
    """Store corrections, each with the hash of what its file said, and the events that book them (訂正の登録).

    Parameters
    ----------
    booked : the next open business day: the day of the events;  by : who corrects
    """
    first = next_number(connection, fee_corrections.c.correction_no)
    shared = {"batch_hash": batch_hash, "booked_date": booked, "made_by": by, "recorded_at": recorded_at}
    insert_rows(connection, "fee_corrections", [
        {"correction_no": first + place} | vars(fact) | {"content_hash": said} | shared for place, (fact, said) in enumerate(facts)
    ])
    first = next_number(connection, events.c.event_no)
    insert_rows(connection, "events", [
        {
            "event_no": first + place, "event_id": of.event_id, "date": booked, "kind": EVENT_KIND, "contract_no": of.contract_no,
            "amount_yen": of.amount_yen, "note": of.note, "content_hash": batch_hash, "recorded_at": recorded_at,
        }
        for place, of in enumerate(bookings)
    ])
    insert_rows(connection, "fee_states", [
        {"event_no": first + place, "content": canonical(of.states)} for place, of in enumerate(bookings) if of.states
    ])
