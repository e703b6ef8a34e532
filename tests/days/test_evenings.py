"""Verify and the audit on every evening around the end of contracts (毎晩の検証): the final fee is charged on the eve."""

import random
import shutil
from dataclasses import replace
from datetime import date as Date

import polars as pl
import pytest
from polars import col

from tests.audit.export_audit import audit
from tests.days.ending_house import ASKED, LAST, contracts, ending_house
from tests.days.evenings import bench_of, every_evening, stored_house
from tests.days.fee_house import THROUGH as FEE_THROUGH
from tests.days.fee_house import make_fee_house
from tests.days.small_house import THROUGH, make_house
from tests.days.still_house import close_to, correct, misprint, nav, passes
from tests.oracles.random_choices import random_choices_house
from tests.oracles.random_house import random_house
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.schema import take
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import export_house
from tsutsumi.run.fee_reasons import fee_reasons
from tsutsumi.run.verify import _days
from tsutsumi.run.verify_fees import FeeCoverage
from tsutsumi.store.database import open_house

EVES = (Date(2026, 12, 28), Date(2026, 12, 29), Date(2026, 12, 30), Date(2027, 1, 4))
PAID = (Date(2026, 12, 29), Date(2026, 12, 30), Date(2027, 1, 4), Date(2027, 1, 5))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The house, what was found short on each evening, and the folder with the exports of an eve and of the last evening."""
    folder = tmp_path_factory.mktemp("evenings")
    house, found = ending_house(folder), {}
    for day, short in every_evening(house, folder, lambda day: day >= ASKED[0]):
        found[day] = short
        if day == EVES[2]:
            shutil.copytree(folder / "export", folder / "eve")
    return house, found, folder


def test_nothing_falls_short_on_any_evening(told):
    _, found, _ = told
    assert len(found) == 13 and max(found) == LAST
    assert {day: short for day, short in found.items() if short} == {}


def test_periods_end_before_between_on_and_after_the_payment(told):
    """The house has what it is for: finals on each eve, periods that end around them, closings that join or pass their cash on."""
    payouts, fees = (pl.read_parquet(told[2] / "export" / f"{name}.parquet") for name in ("payouts", "fees"))
    paid = dict(payouts.group_by("kind").agg(col("paid_date").drop_nulls().unique().sort()).iter_rows())
    assert paid["termination"] == list(PAID) and EVES[0] in paid["withdrawal"]
    closings = payouts.filter(col("kind") == "sleeve_close").select("sleeve_id", "paid_date")
    assert dict(closings.iter_rows()) == {"profit-stays-0": EVES[0], "profit-joins-0": None}
    charges = fees.filter(col("kind") == "charge").group_by("contract_id").agg(col("end_date", "charged_date").max())
    ended = {name: days for name, *days in charges.iter_rows()}
    for program in ("monthly", "average", "adjusted", "daily", "closing", "business", "profit", "pockets"):
        assert [ended[f"{program}-16-{asked:%d}"] for asked in ASKED[1:3]] == [[eve, eve] for eve in EVES[1:3]]
    assert ended["monthly-16-22"] == [EVES[0]] * 2 and ended["average-16-25"] == [EVES[3]] * 2
    assert ended["anniversary-27-22"] == ended["anniversary-30-22"] == [EVES[0]] * 2    # periods to 12-26 and to the payment
    assert ended["anniversary-30-23"] == [EVES[1]] * 2                                  # to the eve itself
    assert ended["anniversary-01-24"] == [EVES[2]] * 2                                  # to a day between eve and payment
    refunds = fees.filter(col("kind") == "refund", col("start_date") > col("charged_date"))
    assert {name.split("-")[0] for name in refunds["contract_id"]} == {"advance", "stacked"}


def test_a_final_fee_that_is_missing_or_came_too_early_is_found_on_the_eve(told):
    """By the audit, and by verify; a fee that is charged although the closing is not promised for tomorrow, too."""
    house, _, folder = told
    fees, payouts = (pl.read_parquet(folder / "eve" / f"{name}.parquet") for name in ("fees", "payouts"))
    final = (col("contract_id") == "monthly-16-24") & (col("charged_date") == EVES[2])
    over = "every period of the terms that is over is charged"
    assert fees.filter(final).height == 1
    fees.filter(~final).write_parquet(folder / "eve" / "fees.parquet")
    assert any(over in name for name in audit(folder / "eve").failed())
    fees.write_parquet(folder / "eve" / "fees.parquet")
    later = pl.when(col("sleeve_id") == "monthly-16-24-0").then(PAID[3]).otherwise("promised_date")
    payouts.with_columns(promised_date=later).write_parquet(folder / "eve" / "payouts.parquet")
    assert any(over in name for name in audit(folder / "eve").failed())
    bench = bench_of(house, folder)
    check = FeeCoverage(bench)
    for day in _days(bench):
        if day.date == EVES[2]:
            table = day.table("fees")
            check.add(replace(day, tables=day.tables | {"fees": take(table, table["end_date"] != table["charged_date"])}))
            break
        check.add(day)
    assert check.checks()[0].figure > 0


def test_the_final_fee_is_explained_on_the_eve_as_later(told):
    house, _, _ = told
    number = list(contracts()).index("monthly-16-24") + 1
    of_sleeve = bench_of(house, told[2]).reference.registry.sleeves["contract_no"]
    eve, later = (fee_reasons(house, number, {epoch_day(EVES[2])}, day, of_sleeve) for day in (EVES[2], LAST))
    assert eve == later and any("2026-12-30" in line for line in eve)


@pytest.mark.fuzz
@pytest.mark.parametrize("stop", [ASKED[3], *EVES])
def test_a_house_closed_to_an_eve_holds_and_can_be_corrected_there(stop, tmp_path):
    """Really closed to that evening: verified, audited, corrected on it, and closed to its end."""
    which = ("eq", Date(2026, 12, 9))
    house = ending_house(tmp_path, stop, misprint(which))
    export_house(house, stop, tmp_path / "export")
    assert audit(tmp_path / "export").failed() == []
    passes(house)
    correct(house, nav("N1", which))
    passes(house)
    close_to(house, LAST)
    passes(house)


@pytest.mark.fuzz
@pytest.mark.parametrize(("make", "through"), [(make_house, THROUGH), (make_fee_house, FEE_THROUGH)], ids=["small", "fees"])
def test_nothing_falls_short_on_any_evening_of_houses_with_everything(make, through, tmp_path):
    house = open_house(make(tmp_path / "house"))
    close_through(house, through)
    assert {day: short for day, short in every_evening(house, tmp_path) if short} == {}


SHORT = (0, 4, 5, 6, 8, 10, 12, 13, 16, 17, 20, 21, 27, 29, 31, 38, 39)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", SHORT)
def test_nothing_falls_short_on_any_evening_of_random_houses(seed, tmp_path):
    house = stored_house(random_house(random.Random(seed), failing_bank=True), tmp_path / "house")
    assert {day: short for day, short in every_evening(house, tmp_path) if short} == {}


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", [2001, 2010, 2011, 2012])
def test_nothing_falls_short_on_any_evening_whatever_a_program_chooses(seed, tmp_path):
    house = stored_house(random_choices_house(random.Random(seed)), tmp_path / "house")
    assert {day: short for day, short in every_evening(house, tmp_path) if short} == {}


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_nothing_falls_short_on_some_evenings_of_long_random_houses(seed, tmp_path):
    house = stored_house(random_house(random.Random(seed), failing_bank=True), tmp_path / "house")
    some = every_evening(house, tmp_path, lambda day: day.toordinal() % 5 == seed % 5)
    assert {day: short for day, short in some if short} == {}
