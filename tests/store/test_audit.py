"""The audit log shows every change of a row, every missing and every swapped one."""

import pytest

from tsutsumi.store import audit
from tsutsumi.store.database import reading, transaction
from tsutsumi.store.tables import audit as table


@pytest.fixture
def filled(house):
    for number in range(1, 6):
        payload, moment = {"model": "成長", "version": number}, f"2026-08-1{number}T09:00:00+00:00"
        with transaction(house) as connection:
            audit.append(connection, "adviser", "approve", payload, moment)
    return house


def test_an_untouched_log_is_intact(filled):
    with reading(filled) as connection:
        rows = connection.execute(table.select().order_by(table.c.audit_no)).all()
        assert audit.verify(connection) == []
    assert [row.audit_no for row in rows] == [1, 2, 3, 4, 5]
    assert [row.previous_hash for row in rows] == ["", *(row.hash for row in rows[:4])]
    assert rows[0].payload == '{"model":"成長","version":1}'


@pytest.mark.parametrize("column", ["recorded_at", "actor", "action", "payload", "previous_hash", "hash"])
def test_a_changed_row_is_found(filled, column):
    with transaction(filled) as connection:
        connection.execute(table.update().where(table.c.audit_no == 3).values({column: "{}"}))
    with reading(filled) as connection:
        assert any("audit row 3" in problem or "audit row 4" in problem for problem in audit.verify(connection))


def test_a_dropped_row_is_found(filled):
    with transaction(filled) as connection:
        connection.execute(table.delete().where(table.c.audit_no == 3))
    with reading(filled) as connection:
        assert "row 3 should come here" in audit.verify(connection)[0]


def test_swapped_rows_are_found(filled):
    with transaction(filled) as connection:
        for before, after in ((2, 99), (4, 2), (99, 4)):
            connection.execute(table.update().where(table.c.audit_no == before).values(audit_no=after))
    with reading(filled) as connection:
        assert len(audit.verify(connection)) >= 3


def test_a_rolled_back_row_leaves_no_gap(filled):
    with pytest.raises(ZeroDivisionError), transaction(filled) as connection:
        audit.append(connection, "adviser", "approve", {}, "2026-08-20T09:00:00+00:00")
        raise ZeroDivisionError
    with transaction(filled) as connection:
        audit.append(connection, "adviser", "approve", {}, "2026-08-20T09:00:00+00:00")
        assert audit.verify(connection) == []
