"""The state of a contract's fees: read, put back, and put right by an event; what cannot be corrected is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.core.build import books, day, rules, sleeve
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.charging import charge
from tsutsumi.core.dues import FEE_KINDS
from tsutsumi.core.fee_states import (
    CONTRACT_COLUMNS,
    MONEY,
    VALUE,
    corrected_yen,
    fee_state,
    in_force,
    money_for_fees,
    restored,
    sleeve_rows,
    with_last_values,
)
from tsutsumi.core.flows import CORRECTION
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.refusals import Refused
from tsutsumi.core.schema import frame, length


def house(**more):
    """Two contracts of an account; the first is priced by the day and has marks."""
    made = books("2026-12-02", sleeve(1), sleeve(2, contract_no=2, account_no=1), **more)
    first = int(made.contracts["contract_no"][0])
    days = frame("fee_days", [(1, first, day("2026-12-01"), 100), (1, first, day("2026-12-02"), 120), (1, 2, day("2026-12-01"), 7)])
    marks = frame("fee_marks", [(1, first, 0, 1, 0, day("2026-12-01"), 0, 1, 500), (1, first, 0, 1, 1, day("2026-12-02"), 3, 4, 0),
                                (1, 2, 0, 1, 0, day("2026-12-01"), 0, 1, 9)])
    return replace(made, fee_days=days, fee_marks=marks)


def event(contract: int = 1, yen: int = 100, number: int = 7, note: int = 1) -> dict:
    return {"event_no": number, "contract_no": contract, "amount_yen": yen, "note_count": note}


def states(rows: list[tuple], number: int = 7):
    return frame("fee_states", [(number, *row) for row in rows])


def test_a_state_that_is_put_back_changes_nothing():
    made = house()
    kept = fee_state(made, 1)
    assert len(kept) == len(CONTRACT_COLUMNS) + 1 + 2 + 2, "columns, one sleeve, two days, two steps of a mark"
    again = restored(house(), states(kept))
    for table in ("contracts", "sleeves", "fee_days", "fee_marks"):
        for name, column in getattr(again, table).items():
            assert column.tolist() == getattr(made, table)[name].tolist(), (table, name)


def test_a_state_takes_the_place_of_another_of_its_contract_alone():
    right, made = house(), house()
    for place, name in enumerate(CONTRACT_COLUMNS, 1):
        right.contracts[name][0] = place
    right.sleeves["base_sum_yen"][0] = 123
    first = day("2026-12-01")
    right = replace(right, fee_days=frame("fee_days", [(1, 1, first, 90), (1, 2, first, 7)]),
                    fee_marks=frame("fee_marks", [(1, 1, 0, 1, 0, first, 0, 1, 450), (1, 2, 0, 1, 0, first, 0, 1, 9)]))
    told = fee_state(right, 1)
    found = restored(made, states(told))
    assert fee_state(found, 1) == told and fee_state(found, 2) == fee_state(house(), 2)


def test_an_event_charges_a_contract_or_gives_back():
    for yen in (100, -100):
        assert corrected_yen(house(), rules("2026-12-02"), event(yen=yen), False, Alerts()) == yen
    assert corrected_yen(house(), rules("2026-12-02"), event(yen=0), True, Alerts()) == 0, "its state alone is put right"


@pytest.mark.parametrize(("told", "why"), [
    (event(note=0), "without a note"), (event(yen=0), "of 0 yen"), (event(contract=3), "is not open"),
])
def test_what_cannot_be_corrected_is_refused(told, why):
    with pytest.raises(Refused, match=why):
        corrected_yen(house(), rules("2026-12-02"), told, False, Alerts())


def test_a_contract_without_a_sleeve_has_nobody_to_pay():
    made = house()
    made = replace(made, sleeves={name: column[1:] for name, column in made.sleeves.items()})
    with pytest.raises(Refused, match="no sleeve to pay"):
        corrected_yen(made, rules("2026-12-02"), event(), False, Alerts())


@pytest.mark.parametrize(("yen", "kind"), [(100, "fee_shortfall"), (-100, "fee_credit"), (0, None)])
@pytest.mark.parametrize("ended", ["already", "paid out today"])
def test_of_a_contract_that_ends_the_amount_is_told_and_no_state_is_set(yen, kind, ended):
    alerts = Alerts()
    if ended == "already":
        made = house(ended=[{"account_no": 1, "contract_no": 1, "sleeve_no": 0, "closed_date": day("2026-12-01")}])
        made = replace(made, contracts={name: column[1:] for name, column in made.contracts.items()})
    else:
        today = day("2026-12-02")
        made = replace(house(), payouts=frame("payouts", [(1, 1, 1, 9, P_TERMINATION, 0, today, 0, 0, today, 0, 0, 0, 0, 0)]))
    assert corrected_yen(made, rules("2026-12-02"), event(yen=yen), True, alerts) == 0
    told = [(alert.kind, alert.subject_kind, alert.subject_no) for alert in alerts.rows]
    assert told == ([(kind, "contract", 1)] if kind else [])


def test_the_latest_event_of_a_contract_counts_and_only_of_those_named():
    rows = frame("fee_states", [(5, *fee_state(house(), 1)[0]), (6, *fee_state(house(), 1)[0]), (5, *fee_state(house(), 2)[0])])
    kept = in_force(rows, [1])
    assert kept["event_no"].tolist() == [6] and kept["contract_no"].tolist() == [1]
    assert length(in_force(rows, [])) == 0


def test_what_only_the_fees_see_is_a_value_of_the_last_close_and_a_flow_of_today():
    made = house()
    rows = states(sleeve_rows(made, VALUE, {1: 321}) + sleeve_rows(made, MONEY, {1: -5, 2: 6}))
    seen = with_last_values(made, rows)
    assert seen.sleeves["value_yen"].tolist() == [321, int(made.sleeves["value_yen"][1])]
    assert made.sleeves["value_yen"][0] != 321, "the books themselves stay"
    flows = money_for_fees(rows)
    assert flows["amount_yen"].tolist() == [-5, 6] and np.all(flows["kind_code"] == CORRECTION)
    assert with_last_values(made, states([])) is made


def test_what_past_fees_were_wrong_by_is_a_fee_or_a_credit_of_the_evening():
    before = books("2026-12-01", sleeve(1, value_yen=100), sleeve(2, value_yen=300), sleeve(4, value_yen=50))
    made = books("2026-12-02", sleeve(1, value_yen=100), sleeve(2, value_yen=300), sleeve(4, value_yen=50))
    none = frame("flows", [])
    found, told = charge(made, before, rules("2026-12-02", shares={1: [(2, 500_000)]}), np.zeros(0, np.int64), none,
                         corrections={1: 1_001, 3: -77})
    today = day("2026-12-02")
    names = ("contract_no", "component_no", "kind_code", "start_date", "end_date", "base_yen", "fee_yen", "collected_date")
    rows = list(zip(*(told.fees[name].tolist() for name in names), strict=True))
    assert rows == [(1, 0, FEE_KINDS.index("correction"), today, today, 0, 1_001, 0),
                    (3, 0, FEE_KINDS.index("correction_refund"), today, today, 0, 77, today)]
    assert found.dues["amount_yen"].tolist() == [250, 751], "by the bases of today: 1,001 × 100 / 400 and × 300 / 400"
    assert found.contracts["credit_yen"].tolist() == [0, 77]
    shares = list(zip(*(told.shares[name].tolist() for name in ("contract_no", "company_no", "share_yen")), strict=True))
    assert sorted(shares) == [(1, 1, 501), (1, 2, 500), (3, 1, 39), (3, 2, 38)]
