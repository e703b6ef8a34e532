"""Price files without a house: every shape is read exactly, every bad row is refused with line, cause and cure."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from tsutsumi.ports.nav_files import FxRow, NavRow, fund_code, parse_nav_file, read_nav_file
from tsutsumi.ports.table_files import TableFile

NAV = "date,fund_code,nav_yen\n"
ASSOCIATION = "年月日,基準価額(円),純資産総額（百万円）,分配金(円),決算期\n"
MONDAY, TUESDAY, WEDNESDAY = date(2026, 8, 3), date(2026, 8, 4), date(2026, 8, 5)


def read(tmp_path, text, name="nav.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_nav_file(path)


def refused(found):
    return [str(refusal) for refusal in found.refused]


def test_prices_of_several_funds(tmp_path):
    found = read(tmp_path, NAV + "2026-08-03,eq,10000\n2026-08-03,bond,9990\n2026-08-04,eq,10100\n")
    assert (found.kind, found.refused, found.lines) == ("nav", [], [2, 3, 4])
    assert found.rows == [(MONDAY, "eq", 10000, None), (MONDAY, "bond", 9990, None), (TUESDAY, "eq", 10100, None)]


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("brackets", ["()", "（）"])
def test_a_file_of_the_fund_association(tmp_path, encoding, brackets):
    header = "年月日,基準価額(円),純資産総額(百万円),分配金(円),決算期\r\n".replace("(", brackets[0]).replace(")", brackets[1])
    rows = "2026年08月03日,10000,12345,,\r\n2026年08月04日,9900,12300,100,3\r\n2026年8月5日,9950,12300,0,\r\n"
    found = read(tmp_path, header + rows, "0331418A.csv", encoding)
    assert (found.kind, found.refused) == ("association", [])
    assert found.rows == [
        NavRow(MONDAY, "0331418A", 10000, None), NavRow(TUESDAY, "0331418A", 9900, 100), NavRow(WEDNESDAY, "0331418A", 9950, 0),
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("03311187.csv", "03311187"), ("nav_9I31223A.csv", "9I31223A"), ("20260810_2931113C_nav.csv", "2931113C"),
        ("global equity.csv", "global equity"), ("EQUITIES.csv", "EQUITIES"), ("JP90C000GKC6.csv", "JP90C000GKC6"),
    ],
)
def test_the_fund_of_a_file_is_in_its_name(name, code):
    assert fund_code(Path(name)) == code


def test_a_known_fund_comes_first():
    assert fund_code(Path("20260810_2931113C.csv"), {"20260810"}) == "20260810"


def test_exchange_rates_are_exact_to_the_millionth(tmp_path):
    found = read(tmp_path, "date,usd_jpy,eur_jpy\n2026-08-08,105.6384,120\n2026-08-09,105.1234565,120.1234575\n")
    assert (found.kind, found.refused, found.lines) == ("fx", [], [2, 2, 3, 3])  # a Saturday and a Sunday: rates need no close
    saturday, sunday = date(2026, 8, 8), date(2026, 8, 9)
    assert found.fx == [
        FxRow(saturday, "USD", 105_638_400), FxRow(saturday, "EUR", 120_000_000),
        FxRow(sunday, "USD", 105_123_456), FxRow(sunday, "EUR", 120_123_458),
    ]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("2026-08-04,eq,", "line 3: the NAV of eq: it is missing: give it as it was published"),
        ("2026-08-04,eq,abc", "line 3: the NAV of eq: 'abc' is no number"),
        ("2026-08-04,eq,10000.5", "line 3: the NAV of eq: 10000.5 is not a whole number"),
        ("2026-08-04,eq,１００００", "is no number"),
        ("2026-08-04,eq,1e4", "is no number"),
        ("2026-08-04,eq,0", "line 3: the NAV of eq: 0 is not above zero"),
        ("2026-08-04,eq,-10000", "-10000 is not above zero"),
        ("2026-08-04,eq,10000000000000000000", "is above 9,000,000,000,000,000"),
        ("2026-08-04,eq,1000000", "1000000 after 10000 on 2026-08-03: 20 times or more apart (wrong unit?)"),
        ("2026-08-04,eq,200000", "wrong unit"),
        ("2026-08-04,eq,500", "wrong unit"),
        ("2026-08-04,eq,100", "wrong unit"),
        ("2026-08-04,,10000", "line 3: the fund: its code is missing"),
        ("2026-08-03,eq,10001", "line 3: the price of eq: the file has another one for 2026-08-03: 10000, now 10001"),
        ("2026-8-04,eq,10000", "line 3: the date of eq: '2026-8-04' is no date: write it like 2026-08-10"),
        ("20260804,eq,10000", "is no date"),
        ("2026-02-30,eq,10000", "is no date"),
        (",eq,10000", "line 3: the date of eq: it is missing"),
        ("2026-08-08,eq,10000", "2026-08-08 is no business day: no close on that day"),
        ("2026-08-11,eq,10000", "2026-08-11 is no business day"),
        ("2026-12-31,eq,10000", "2026-12-31 is no business day"),
        ("2027-01-03,eq,10000", "2027-01-03 is no business day"),
        ("1899-01-05,eq,10000", "1899 has no known holidays"),
        ("2026-08-04,eq", "line 3: nav.csv: 2 fields where the header has 3"),
    ],
)
def test_a_bad_row_is_refused_and_the_next_one_taken(tmp_path, row, line):
    found = read(tmp_path, f"{NAV}2026-08-03,eq,10000\n{row}\n2026-08-05,eq,10050\n")
    assert len(found.refused) == 1 and line in refused(found)[0]
    assert [row[2] for row in found.rows] == [10000, 10050] and found.lines == [2, 4]


@pytest.mark.parametrize("price", [199_999, 501])
def test_a_large_move_is_left_to_the_close(tmp_path, price):
    assert read(tmp_path, f"{NAV}2026-08-03,eq,10000\n2026-08-04,eq,{price}\n").refused == []


def test_a_row_said_twice_is_counted_once(tmp_path):
    found = read(tmp_path, NAV + "2026-08-03,eq,10000\n" * 3)
    assert (len(found.rows), found.duplicate_count, found.refused) == (1, 2, [])


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("2026年08月04日,,12345,,", "the NAV of 0331418A: it is missing"),
        ("2026年08月04日,10000,12345,1.5,", "the distribution of 0331418A: '1.5' is not a whole number of yen"),
        ("2026年08月04日,10000,12345,-5,", "the distribution of 0331418A: '-5' is not a whole number"),
        ("2026-08-04,10000,12345,,", "'2026-08-04' is no date: write it like 2026年08月10日"),
        ("2026年02月31日,10000,12345,,", "is no date"),
        ("2026年08月03日,10000,12345,100,", "the file has another one for 2026-08-03: 10000, now 10000"),
    ],
)
def test_a_bad_row_of_the_association_is_refused(tmp_path, row, line):
    found = read(tmp_path, f"{ASSOCIATION}2026年08月03日,10000,1,,\n{row}\n", "0331418A.csv")
    assert line.split(",")[0] in refused(found)[0] and len(found.rows) == 1


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("2026-08-04,", "line 3: the rate of USD: it is missing"),
        ("2026-08-04,0", "line 3: the rate of USD: 0 is out of range"),
        ("2026-08-04,-105", "out of range"),
        ("2026-08-04,one", "'one' is no number"),
        ("2026-08-04,1.05", "1050000 ppm after 105000000 on 2026-08-03: 20 times or more apart"),
        ("2026-08-03,106", "the file has another one for 2026-08-03"),
        ("2026/08/04,105", "is no date"),
    ],
)
def test_a_bad_rate_is_refused(tmp_path, row, line):
    found = read(tmp_path, f"date,usd_jpy\n2026-08-03,105\n{row}\n2026-08-05,105.5\n")
    assert line in refused(found)[0] and [row[2] for row in found.fx] == [105_000_000, 105_500_000]


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("date,fund,nav_yen\n2026-08-03,eq,1\n", "the nearest known header is nav: date,fund_code,nav_yen"),
        ("日付,基準価額(円),純資産総額(百万円),分配金(円),決算期\n", "known header is association: 年月日,基準価額(円)"),
        ("年月日,基準価額(千円),純資産総額(百万円),分配金(円),決算期\n", "the nearest known header is association"),
        ("date,usdjpy\n", "the nearest known header is fx: date,usd_jpy"),
        ("date,usd_jpy,usd_jpy\n", "the nearest known header is fx"),
        ('{"error":"missing parameter"}\n', "the nearest known header is"),
    ],
)
def test_a_wrong_header_is_refused_with_the_nearest_one(tmp_path, text, near):
    found = read(tmp_path, text)
    assert (found.kind, found.rows, found.fx) == ("unknown", [], [])
    assert refused(found)[0].startswith("line 1: nav.csv: its header") and near in refused(found)[0]


def test_an_empty_file_and_one_that_is_no_text(tmp_path):
    assert "it is empty" in refused(read(tmp_path, ""))[0]
    (tmp_path / "x.csv").write_bytes(b"\x81\xff\xfe")
    assert "neither UTF-8 nor CP932" in refused(read_nav_file(tmp_path / "x.csv"))[0]


def prices(*rows):
    texts = [list(row) for row in rows]
    return TableFile(Path("prices.csv"), ("date", "instrument_id", "price"), texts, list(range(2, 2 + len(texts))))


@pytest.mark.parametrize(
    ("text", "price"), [("512.34", 51234), ("512.3", 51230), ("512.", None), ("51234", 51234), ("512.340", 51234)]
)
def test_a_price_with_a_point_is_in_the_unit_of_the_currency(text, price):
    found = parse_nav_file(prices(("2026-08-03", "spy", text)), {"spy": 2})
    assert [row.price for row in found.rows] == ([] if price is None else [price])


def test_more_decimals_than_the_instrument_has_are_refused():
    found = parse_nav_file(prices(("2026-08-03", "spy", "512.345")), {"spy": 2})
    assert "512.345 has more than the 2 decimals of its instrument" in refused(found)[0]


def test_the_house_and_a_split_explain_a_jump():
    before = {"spy": (date(2026, 7, 31), Fraction(51234))}
    rows = prices(("2026-08-03", "spy", "512"))
    assert "512 after 51234 on 2026-07-31" in refused(parse_nav_file(rows, {"spy": 2}, lambda code, day: before[code]))[0]
    splits = {"spy": [(date(2026, 8, 3), Fraction(1, 100))]}
    assert parse_nav_file(rows, {"spy": 2}, lambda code, day: before[code], splits).rows[0].price == 512
