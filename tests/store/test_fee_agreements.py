"""Files about agreements between companies: tiered shares, monthly fees, registration numbers."""

from datetime import date

import pytest
from sqlalchemy import select

from tests.store.files import FILES, load, refusals
from tsutsumi.run.fee_directory import directory_of
from tsutsumi.store import tables
from tsutsumi.store.database import reading
from tsutsumi.store.rows import insert_rows

TIERS = (
    "program_id,valid_from_date,company_id,kind,measure,floor_yen,rate_ppm,paid_by_id\n"
    "wrap,2026-01-01,manager,fee,distributor,0,400000,\nwrap,2026-01-01,manager,fee,distributor,10000000000,550000,\n"
    "wrap,2026-01-01,custodian,balance,program,0,300,bank\n"
)
FIXED = "program_id,valid_from_date,company_id,per,amount_yen,paid_by_id\nwrap,2026-01-01,custodian,contract,110,bank\n"
ISSUERS = "company_id,valid_from_date,registration_id,rounding\nbank,2026-01-01,T7000012050002,up\nmanager,2026-01-01,,\n"


@pytest.fixture
def filled(house):
    """A house with the reference data of the tests."""
    assert refusals(load(house, **FILES)) == []
    return house


def test_agreements_go_in_and_are_read_by_id(filled):
    report = load(filled, share_tiers=TIERS, share_fixed=FIXED, invoice_issuers=ISSUERS)
    assert refusals(report) == [] and report.accepted == 6
    directory = directory_of(filled)
    assert [(row["company_id"], row["kind"], row["floor_yen"], row["rate_ppm"], row["paid_by_id"], row["base"], row["year_days"])
            for row in directory.tiers["wrap"]] == [
        ("manager", "fee", 0, 400000, "", "average", "365"), ("manager", "fee", 10**10, 550000, "", "average", "365"),
        ("custodian", "balance", 0, 300, "bank", "average", "365"),
    ]
    (fixed,) = directory.fixed["wrap"]
    assert (fixed["per"], fixed["amount_yen"], fixed["company_id"], fixed["paid_by_id"]) == ("contract", 110, "custodian", "bank")
    assert [(row["company_id"], row["registration_id"], row["rounding"]) for row in directory.issuers] == [
        ("bank", "T7000012050002", "up"), ("manager", "", "down"),
    ]
    assert (directory.sales("wrap", date(2026, 8, 3)), directory.remainder("wrap", date(2026, 8, 3))) == ("bank", "manager")
    assert directory.sales("wrap", date(2019, 8, 3)) == directory.remainder("wrap", date(2019, 8, 3)) == ""
    assert load(filled, share_tiers=TIERS, share_fixed=FIXED, invoice_issuers=ISSUERS).known == 6


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"invoice_issuers": ISSUERS.replace("T7", "T8")}, "no registration number"),
        ({"invoice_issuers": ISSUERS.replace("manager", "nobody")}, "'nobody' is unknown in companies"),
        ({"invoice_issuers": ISSUERS.replace("up", "sideways")}, "'sideways' is unknown"),
        ({"share_tiers": TIERS.replace("400000", "1000001")}, "1000001 is out of range"),
        ({"share_tiers": TIERS.replace(",300,bank", ",300,nobody")}, "'nobody' is unknown in companies"),
        ({"share_tiers": TIERS.replace("distributor", "planet")}, "'planet' is unknown"),
        ({"share_fixed": FIXED.replace("110", "-1")}, "-1 is out of range"),
        ({"share_fixed": FIXED.replace("contract", "sleeve")}, "'sleeve' is unknown"),
    ],
)
def test_what_cannot_be_is_refused(filled, files, says):
    assert any(says in line for line in refusals(load(filled, **files)))


def test_an_agreement_of_a_closed_day_is_refused_but_a_number_may_come_later(filled):
    insert_rows(filled, "days", [{"date": date(2026, 1, 5), "digest": "d"}])
    report = load(filled, share_tiers=TIERS, share_fixed=FIXED, invoice_issuers=ISSUERS)
    assert sum("the day is closed" in line for line in refusals(report)) == 4
    with reading(filled) as connection:
        assert connection.execute(select(tables.share_tiers)).all() == connection.execute(select(tables.share_fixed)).all() == []
        assert len(connection.execute(select(tables.invoice_issuers)).all()) == 2
