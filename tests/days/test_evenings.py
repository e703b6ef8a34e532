"""Verify and the audit on every evening around the end of contracts (毎晩の検証): the final fee is charged on the eve."""

from datetime import date as Date

import polars as pl
import pytest
from polars import col

from tests.days.ending_house import ASKED, LAST, OWN_PERIODS, ending_house
from tests.days.evenings import every_evening

EVES = (Date(2026, 12, 28), Date(2026, 12, 29), Date(2026, 12, 30), Date(2027, 1, 4))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What was found short on each evening, and the export of the last one."""
    folder = tmp_path_factory.mktemp("evenings")
    house = ending_house(folder)
    found = dict(every_evening(house, folder, lambda day: day >= ASKED[0]))
    return found, {name: pl.read_parquet(folder / "export" / f"{name}.parquet") for name in ("fees", "sleeves", "payouts")}


def test_nothing_falls_short_on_any_evening(told):
    found, _ = told
    assert len(found) == 13 and max(found) == LAST
    assert {day: short for day, short in found.items() if short} == {}


def test_periods_end_before_between_on_and_after_the_payment(told):
    """The house has what it is for: finals on each eve, periods that end around them, closings that join or pass their cash on."""
    tables = told[1]
    kinds = tables["payouts"].group_by("kind").agg(col("paid_date").drop_nulls().unique().sort())
    paid = dict(kinds.iter_rows())
    assert paid["termination"] == [Date(2026, 12, 29), Date(2026, 12, 30), Date(2027, 1, 4), Date(2027, 1, 5)]
    assert EVES[0] in paid["withdrawal"] and paid["sleeve_close"] == [Date(2026, 12, 28)]
    charges = tables["fees"].filter(col("kind") == "charge")
    ends = charges.group_by("contract_id").agg(col("end_date").max(), col("charged_date").max())
    ended = dict(zip(ends["contract_id"], ends.select("end_date", "charged_date").iter_rows(), strict=True))
    for program in ("monthly", "average", "daily", "closing", "business", "profit", "pockets"):
        for asked, eve in zip(ASKED, EVES, strict=True):
            assert ended[f"{program}-16-{asked:%d}"] == (eve, eve)
    assert ended["anniversary-30-22"] == (EVES[0], EVES[0])      # its period would have ended on the day of the payment
    assert ended["anniversary-30-23"] == (EVES[1], EVES[1])      # on the eve
    assert ended["anniversary-01-24"] == (EVES[2], EVES[2])      # between the eve and the payment
    refunds = tables["fees"].filter(col("kind") == "refund", col("start_date") > col("charged_date"))
    assert {name.split("-")[0] for name in refunds["contract_id"]} == {"advance", OWN_PERIODS[1]}
