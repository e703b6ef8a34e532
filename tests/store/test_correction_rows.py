"""Corrections of fees on either database: facts, the events that book them, and the states that these bring."""

from datetime import date

from sqlalchemy import select

from tests.store.files import FILES, MOMENT, load
from tsutsumi.run.fee_correction import read_known
from tsutsumi.store.correction_rows import Booking, Fact, automatic_events, keep_corrections, known_facts, pending_states
from tsutsumi.store.database import reading, transaction
from tsutsumi.store.tables import days, events

AUGUST, NEXT = date(2026, 8, 3), date(2026, 8, 4)
FACTS = [
    Fact("N1", "nav", AUGUST, instrument_no=1, price=10_123, note="誤植"),
    Fact("F1", "flow", AUGUST, contract_no=1, sleeve_no=1, amount_yen=-5_000),
    Fact("S1", "start_date", AUGUST, contract_no=2, new_date=NEXT),
]
STATE = ((1, 1, 0, 0, 0, 1, 0, 0, 0, 20_668), (1, 1, 1, 0, 0, 2, 0, 0, 0, 10**15))


def test_what_is_stored_comes_back(house):
    load(house, **FILES)
    with transaction(house) as connection:
        before = [row.event_no for row in connection.execute(select(events))]
        bookings = [Booking("fee_corrected:k1:x", 1, -77, "訂正 N1 F1", STATE), Booking("fee_corrected:k2:x", 2, 5, "訂正 S1")]
        keep_corrections(connection, [(fact, "said") for fact in FACTS], bookings, "batch", NEXT, "tanaka", MOMENT)
    with reading(house) as connection:
        found = known_facts(connection)
        assert [fact.correction_id for fact in found] == ["N1", "F1", "S1"]
        assert all(fact.booked_date == NEXT for fact in found) and found[2].new_date == NEXT and found[0].price == 10_123
        assert known_facts(connection, AUGUST) == [] and known_facts(connection, NEXT) == found
        fresh = [row for row in connection.execute(select(events).order_by(events.c.event_no)) if row.event_no not in before]
        assert [(row.kind, row.contract_no, row.amount_yen, row.date, row.processed_date) for row in fresh] == [
            ("fee_corrected", 1, -77, NEXT, None), ("fee_corrected", 2, 5, NEXT, None)]
        first = fresh[0].event_no
        assert pending_states(connection, [first, first + 1]) == {first: [(first, *row) for row in STATE]}
        assert automatic_events(connection) == {first, first + 1}


def test_a_correction_by_hand_is_none_of_the_automatic_ones(house):
    by_hand = "event_id,date,kind,contract_id,amount_yen,note\nh1,2026-08-05,fee_corrected,k1,-300,goodwill\n"
    load(house, **FILES | {"events": by_hand})
    with transaction(house) as connection:
        assert automatic_events(connection) == set()
        booking = Booking("fee_corrected:k1:y", 1, 9, "訂正 N1")
        keep_corrections(connection, [(FACTS[0], "said")], [booking], "batch", NEXT, "ito", MOMENT)
        connection.execute(days.insert(), {"date": AUGUST, "digest": "", "chain_hash": "", "inputs_hash": "", "closed_at": ""})
    known = read_known(house)
    assert known.earlier == {1: 9} and known.pending == {1} and known.touched == {1: {"batch"}} and known.last == AUGUST
