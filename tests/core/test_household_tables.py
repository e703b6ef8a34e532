"""The dated tables: every row has a day and a source, the one in force is taken, and a house's own products are checked."""

from datetime import date

import pytest

from tsutsumi.core.household import HouseholdError
from tsutsumi.core.household_tables import MARKETS, in_force, iso_date, product_rows, statute_rows, statute_tables

TABLES = statute_tables()
PRODUCTS = "class,ja,en,cost_pct,valid_from_date,source,verified\n"


def test_every_row_has_a_day_and_a_source_and_the_pairs_are_complete():
    for name in ("advice_assumptions", "market_assumptions", "market_correlations", "advice_markets", "advice_products"):
        for row in statute_rows(name):
            assert date.fromisoformat(row["valid_from_date"]) and len(row["source"]) > 10 and row["verified"] in ("0", "1")
    assert len(TABLES.correlations) == 6 and set(MARKETS) <= set(TABLES.assumptions)
    for movement in TABLES.movements.values():
        assert sum(share for _, share in movement.markets) == 100 and len(movement.markets) == 1 or not movement.own
    gpif = statute_tables("gpif").assumptions
    assert [str(float(gpif[market].risk_pct)) for market in MARKETS] == ["2.56", "11.87", "23.14", "24.85"]
    assert gpif["single-stock"] == TABLES.assumptions["single-stock"]


def test_the_row_in_force_is_the_latest_that_has_begun():
    rows = [{"k": "a", "v": v, "valid_from_date": d} for v, d in (("2", "2024-01-01"), ("1", "2020-01-01"), ("3", "2026-01-01"))]
    for day, value in ((None, "3"), (date(2025, 12, 31), "2"), (date(2026, 1, 1), "3"), (date(2020, 1, 1), "1")):
        assert [row["v"] for row in in_force(rows, lambda row: row["k"], day)] == [value]
    assert in_force(rows, lambda row: row["k"], date(2019, 12, 31)) == []
    for day in (date(2019, 12, 31), date(2020, 3, 31)):
        with pytest.raises(HouseholdError, match="in force on"):
            statute_tables(as_of=day)
    with pytest.raises(HouseholdError, match="'mine' is unknown"):
        statute_tables("mine")


def test_the_house_sells_its_own_products_the_cheapest_in_force_is_taken():
    text = PRODUCTS + (
        "domestic-equity,甲,A,0.3,2020-01-01,list,1\n"
        "domestic-equity,乙,B,0.1,2020-01-01,list,1\n"
        "domestic-equity,乙,B,0.4,2026-01-01,list,1\n"
        "domestic-equity,丙,C,0.3,2020-01-01,list,1\n"
    )
    rows = product_rows(text)
    for day, name in ((date(2025, 1, 1), "乙"), (None, "甲")):
        tables = statute_tables(as_of=day, products=rows)
        assert list(tables.products) == ["domestic-equity"] and tables.products["domestic-equity"].ja == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the first line must be"),
        ("class,ja\n", "the first line must be"),
        (PRODUCTS, "there is no product"),
        (PRODUCTS + "domestic-equity,甲,A,0.3,2020-01-01,list\n", "another number of cells"),
        (PRODUCTS + "domestic-equity,甲,A,0.3,2020-01-01,list,1,1\n", "another number of cells"),
        (PRODUCTS + "gold,甲,A,0.3,2020-01-01,list,1\n", "line 2: the class 'gold' is unknown"),
        (PRODUCTS + "deposit,,A,0.3,2020-01-01,list,1\n", "ja: a name is missing"),
        (PRODUCTS + "deposit,甲,A,-1,2020-01-01,list,1\n", "out of range"),
        (PRODUCTS + "deposit,甲,A,free,2020-01-01,list,1\n", "no number"),
        (PRODUCTS + "deposit,甲,A,0,2020-02-30,list,1\n", "no date"),
        (PRODUCTS + "deposit,甲,A,0,20200101,list,1\n", "no date"),
        (PRODUCTS + "deposit,甲,A,0,2020-01-01,list,yes\n", "neither 0 nor 1"),
        (PRODUCTS + 'deposit,"甲,A,0\n', "no CSV"),
    ],
)
def test_a_mistake_among_the_products_is_refused(text, says):
    with pytest.raises(HouseholdError) as told:
        product_rows(text)
    assert says in str(told.value) and "\n" not in str(told.value)


def test_a_date_is_written_in_full():
    assert iso_date("2026-10-01", "--date") == date(2026, 10, 1)
    for wrong in ("2026-1-1", "20261001", "2026-W01-1", "２０２６-10-01", ""):
        with pytest.raises(HouseholdError, match="no date"):
            iso_date(wrong, "--date")
