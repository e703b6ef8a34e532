"""Proposals and approvals on either database: two people, one content."""

from datetime import date

import pytest

from tests.store.files import FILES, MOMENT, TERMS, load
from tsutsumi.run.fee_proposals import TermsChange, approve_change, open_changes, propose_change
from tsutsumi.run.history import rows_of
from tsutsumi.store.approvals import approve, person, proposals, propose
from tsutsumi.store.audit import verify
from tsutsumi.store.database import HouseError, reading, transaction

MARCH = date(2027, 3, 1)


def test_a_proposal_is_approved_once_by_another_person(house):
    with transaction(house) as connection:
        made = propose(connection, "a change", {"rate": 1, "name": "料率"}, " 田中  一郎", MOMENT)
        other = propose(connection, "another", {}, "ito", MOMENT)
    assert (made.approval_no, other.approval_no, made.proposed_by) == (1, 2, "田中 一郎")
    for name, why in (("田中　一郎", "another person"), ("", "nobody is named")):
        with pytest.raises(HouseError, match=why), transaction(house) as connection:
            approve(connection, 1, name, MOMENT)
    with transaction(house) as connection:
        assert approve(connection, 1, "鈴木", MOMENT, made.content_hash[:8].upper()).content == {"rate": 1, "name": "料率"}
    with pytest.raises(HouseError, match="approved by 鈴木"), transaction(house) as connection:
        approve(connection, 1, "ito", MOMENT)
    with reading(house) as connection:
        assert [(of.approval_no, of.approved_by, of.approved_at) for of in proposals(connection)] == [
            (1, "鈴木", MOMENT), (2, "", "")]
        assert [of.subject for of in proposals(connection, "an")] == ["another"]
        assert verify(connection) == []


def test_a_refused_approval_leaves_the_proposal_open_and_writes_nothing(house):
    load(house, **FILES)
    change = TermsChange("standard", MARCH, TERMS.replace("13090", "11000"))
    made = propose_change(house, change, "tanaka", MOMENT)
    load(house, fee_terms='fee_terms_id,valid_from_date,terms_toml\nstandard,2027-03-01,"' + TERMS.replace('"', '""') + '"\n')
    before = rows_of(house, "approvals", "audit", "fee_terms")
    with pytest.raises(HouseError, match="has a version of that date"):
        approve_change(house, made.approval_no, "suzuki", MOMENT)
    assert rows_of(house, "approvals", "audit", "fee_terms") == before


def test_an_approved_change_is_a_dated_row(house):
    load(house, **FILES)
    made = propose_change(house, TermsChange("low", MARCH, TERMS.replace("13090", "11000"), "wrap"), "tanaka", MOMENT)
    _, written = approve_change(house, made.approval_no, "suzuki", MOMENT)
    assert written == ["fee_terms", "program_rules"]
    found = rows_of(house, "fee_terms", "program_rules")
    assert [(row["fee_terms_id"], str(row["valid_from_date"]), row["approved_by"]) for row in found["fee_terms"]] == [
        ("standard", "2020-01-01", ""), ("low", "2027-03-01", "suzuki")]
    old, new = found["program_rules"]
    assert {name for name in old if old[name] != new[name]} == {"valid_from_date", "fee_terms_id", "source", "approved_by"}
    assert [of.approved_by for of in open_changes(house)[0]] == ["suzuki"]


def test_a_name_is_what_people_read():
    assert person("ＴＡＮＡＫＡ　Taro ") == "TANAKA Taro"
