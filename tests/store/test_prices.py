"""Price files into a house: converted exactly, stored once, never into a closed day, replaced only when asked."""

import json
from datetime import date

import pytest
from sqlalchemy import select

from tests.store.files import FILES, MOMENT, load, refusals, write
from tsutsumi.core.calendar import business_days
from tsutsumi.run.loading import load_files
from tsutsumi.store import tables
from tsutsumi.store.database import reading
from tsutsumi.store.rows import insert_rows

NAV = "date,fund_code,nav_yen\n"
PRICE = "date,instrument_id,price\n"
ASSOCIATION = "年月日,基準価額(円),純資産総額(百万円),分配金(円),決算期\n"
MONDAY, TUESDAY = date(2026, 8, 3), date(2026, 8, 4)


@pytest.fixture
def filled(house):
    load(house, companies=FILES["companies"], instruments=FILES["instruments"])
    return house


def stored(house, name="prices", *columns):
    table = tables.metadata.tables[name]
    columns = columns or ("instrument_no", "date", "price")
    with reading(house) as connection:
        query = select(*(table.c[column] for column in columns)).order_by(*table.primary_key.columns)
        return [tuple(row) for row in connection.execute(query)]


def test_prices_of_every_shape_are_stored_at_the_scale_of_the_instrument(filled):
    report = load(
        filled, nav=NAV + "2026-08-03,eq,10000\n2026-08-03,spy,512\n", price=PRICE + "2026-08-04,spy,513.07\n2026-08-04,eq,10050\n",
        fx="date,usd_jpy\n2026-08-03,150.25\n", bond=ASSOCIATION + "2026年08月03日,9990,1,,\n2026年08月04日,9900,1,90,\n",
    )
    assert (refusals(report), report.accepted) == ([], 7)
    assert stored(filled) == [
        (1, MONDAY, 10000), (1, TUESDAY, 10050), (2, MONDAY, 9990), (2, TUESDAY, 9900), (3, MONDAY, 51200), (3, TUESDAY, 51307),
    ]
    assert stored(filled, "fx_rates", "currency", "date", "fx_ppm", "source", "recorded_at") == [
        ("USD", MONDAY, 150_250_000, "fx.csv", MOMENT)
    ]
    assert stored(filled, "distributions", "instrument_no", "date", "amount", "per_units") == [(2, TUESDAY, 90, 10000)]
    assert stored(filled, "prices", "source")[0] == ("nav.csv",)


def test_prices_come_with_their_instruments_in_one_command(house):
    files = {"nav": NAV + "2026-08-03,eq,10000\n", "instruments": FILES["instruments"]}
    assert refusals(load(house, **files)) == []


def test_prices_loaded_again_are_known(filled):
    files = {"nav": NAV + "2026-08-03,eq,10000\n", "fx": "date,usd_jpy\n2026-08-03,150\n"}
    files |= {"bond": ASSOCIATION + "2026年08月03日,9990,1,5,\n"}
    assert load(filled, **files).accepted == 3
    report = load(filled, **files)
    assert (report.accepted, report.known, report.refused) == (0, 3, 0)


def test_another_price_for_a_day_is_refused_and_replaced_only_when_asked(filled):
    load(filled, nav=NAV + "2026-08-03,eq,10000\n", fx="date,usd_jpy\n2026-08-03,150\n")
    files = {"nav": NAV + "2026-08-03,eq,10001\n2026-08-04,eq,10002\n", "fx": "date,usd_jpy\n2026-08-03,151\n"}
    report = load(filled, **files)
    assert refusals(report)[0] == (
        "line 2: the price of eq: 2026-08-03 has another one already: 10000, now 10001: "
        "keep the stored one, or load the file with --replace: the day is still open"
    )
    assert report.accepted == 1 and stored(filled)[0][2] == 10000
    report = load_files(filled, write(filled.folder.parent, **files), MOMENT, replace_prices=True)
    assert (report.accepted, report.known, report.refused) == (2, 1, 0)
    assert stored(filled)[0][2] == 10001 and stored(filled, "fx_rates", "fx_ppm") == [(151_000_000,)]
    payloads = [json.loads(row[0]) for row in stored(filled, "audit", "payload")]
    assert [payload["replaced"] for payload in payloads if "replaced" in payload] == [
        [["the price of eq", "2026-08-03", 10000, 10001]], [["the rate of USD", "2026-08-03", 150_000_000, 151_000_000]],
    ]


@pytest.mark.parametrize("replace", [False, True])
def test_a_closed_day_takes_no_other_price(filled, replace):
    load(filled, nav=NAV + "2026-08-03,eq,10000\n")
    insert_rows(filled, "days", [{"date": TUESDAY, "digest": "d"}])
    files = {
        "nav": NAV + "2026-08-03,eq,10000\n2026-08-04,eq,10001\n2026-08-05,eq,10002\n", "fx": "date,usd_jpy\n2026-08-04,151\n",
        "bond": ASSOCIATION + "2026年08月04日,9990,1,5,\n",
    }
    report = load_files(filled, write(filled.folder.parent, **files), MOMENT, replace_prices=replace)
    assert (report.accepted, report.known) == (1, 1)
    assert refusals(report)[0].endswith("of eq: 2026-08-04: the day is closed: leave the row out: corrections come as events")
    assert [line.split(":")[1].strip() for line in refusals(report)] == [
        "the price of eq", "the rate of USD", "the distribution of bond", "the price of bond",
    ]


def test_an_unknown_fund_is_refused(filled):
    report = load(filled, nav=NAV + "2026-08-03,gold,10000\n2026-08-03,eq,10000\n")
    assert refusals(report) == ["line 2: the fund: 'gold' is unknown in instruments: load instruments, or mend the code"]
    assert report.accepted == 1


@pytest.mark.parametrize("price", ["1000000", "100"])
def test_the_unit_is_checked_against_the_house(filled, price):
    load(filled, nav=NAV + "2026-08-03,eq,10000\n")
    report = load(filled, nav=f"{NAV}2026-08-04,eq,{price}\n")
    assert f"{price} after 10000 on 2026-08-03: 20 times or more apart (wrong unit?)" in refusals(report)[0]


def test_a_price_in_the_wrong_unit_of_its_scale(filled):
    load(filled, price=PRICE + "2026-08-03,spy,512.34\n")
    assert "512 after 51234 on 2026-08-03" in refusals(load(filled, price=PRICE + "2026-08-04,spy,512\n"))[0]
    assert "has more than the 2 decimals" in refusals(load(filled, price=PRICE + "2026-08-04,spy,512.345\n"))[0]
    assert "513 after 25617/50 on 2026-08-03" not in str(refusals(load(filled, nav=NAV + "2026-08-04,spy,513\n")))


def test_a_registered_split_explains_a_jump(filled):
    load(filled, price=PRICE + "2026-08-03,spy,512.34\n")
    splits = "instrument_id,date,old_units,new_units\nspy,2026-08-04,1,100\n"
    assert refusals(load(filled, price=PRICE + "2026-08-04,spy,5.12\n", splits=splits)) == []


def test_twelve_thousand_prices_take_seconds(filled):
    days = business_days(date(2021, 1, 1), date(2026, 7, 31))
    codes = [f"f{number}" for number in range(12_000 // len(days) + 1)]
    load(filled, instruments="instrument_id,name\n" + "".join(f"{code},x\n" for code in codes))
    rows = [f"{day},{code},{10_000 + place % 97}" for place, day in enumerate(days) for code in codes]
    report = load(filled, nav=NAV + "\n".join(rows))
    assert report.accepted == len(rows) > 12_000
    assert load(filled, nav=NAV + "\n".join(rows)).known == len(rows)
