"""The file of corrections and its command: what is refused, what is shown, what has ended, and a correction made by hand."""

import json
from datetime import date as Date

import pytest

from tests.days.still_house import EVENTS, HEADER, close_to, correct, events, load, make, nav, passes, wrong_house
from tsutsumi.app.cli import run
from tsutsumi.run.export import gather_house
from tsutsumi.run.history import rows_of

CHARGED = Date(2027, 1, 20)



def test_a_contract_that_has_ended_is_told_to_be_settled_outside(tmp_path):
    lines = [*events(), "t1,2026-11-02,terminated,monthly1,,,", "t2,2026-11-02,terminated,average2,,,",
             "t3,2027-01-13,terminated,daily1,,,"]
    house = wrong_house(tmp_path, CHARGED, lines=lines)
    report = {of.contract_id: of for of in correct(house, nav()).contracts}
    assert report["monthly1"].outside and report["monthly1"].difference_yen < 0 and report["monthly1"].states == ()
    assert report["average2"].outside and not report["average1"].outside
    close_to(house, Date(2027, 2, 26))
    tables = gather_house(house, Date(2027, 2, 26))
    told = {row["subject_id"]: row for row in tables["alerts"].rows(named=True) if row["kind"] in ("fee_credit", "fee_shortfall")}
    assert set(told) == {name for name, of in report.items() if of.outside and of.difference_yen}
    assert told["monthly1"]["kind"] == "fee_credit" and f"{-report['monthly1'].difference_yen:,} yen" in told["monthly1"]["cause"]
    kinds = {row["contract_id"] for row in tables["fees"].rows(named=True) if row["kind"].startswith("correction")}
    assert not kinds & set(told)
    passes(house)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A house closed for a quarter, with a contract that has ended."""
    house = make(tmp_path_factory.mktemp("short"), lines=[*events(), "t1,2026-09-01,terminated,monthly1,,,"])
    close_to(house, Date(2026, 10, 16))
    return house


BAD = [
    ("N,nav,2026-09-01,gold,,,100,,,", "instrument_id: 'gold' is unknown"),
    ("N,flow,2026-09-01,,nobody,,,100,,", "contract_id: 'nobody' is unknown"),
    ("N,flow,2026-09-01,,,s9,,100,,", "sleeve_id: 's9' is unknown"),
    ("N,start_date,2026-08-03,,nobody,,,,2026-08-05,", "contract_id: 'nobody' is unknown"),
    ("N,nav,2026-10-19,eq,,,10000,,,", "date: 2026-10-19 is not closed yet: the last closed day is 2026-10-16"),
    ("N,flow,2027-10-19,,daily1,,,100,,", "is not closed yet"),
    ("N,nav,2026-07-01,eq,,,10000,,,", "is before 2026-08-03, the first closed day"),
    ("N,nav,2026-09-05,eq,,,10000,,,", "2026-09-05 is no closed business day"),
    ("N,nav,2026-09-04,eq,,,100.5,,,", "more than 0 decimals"),
    ("N,nav,2026-09-04,eq,,,0,,,", "no price above zero"),
    ("N,nav,2026-09-04,eq,,,,,,", "price: it is missing"),
    ("N,nav,2026-09-04,eq,daily1,,100,,,", "contract_id: 'daily1' has no meaning for a nav"),
    ("N,flow,2026-09-04,,daily1,,,0,,", "amount_yen: '0' is no amount"),
    ("N,flow,2026-09-04,,daily1,average1-1,,100,,", "average1-1 is no sleeve of daily1"),
    ("N,flow,2026-10-12,,monthly1,,,100,,", "is not before monthly1 ended"),
    ("N,start_date,2026-08-04,,daily1,,,,2026-08-05,", "daily1 began on 2026-08-03, not on 2026-08-04"),
    ("N,start_date,2026-08-03,,daily1,,,,2026-08-03,", "is the first day already"),
    ("N,start_date,2026-08-03,,daily1,,,,2026-08-08,", "no closed business day"),
    ("N,split,2026-08-03,,daily1,,,,,", "kind: 'split' is unknown"),
    ("a b,nav,2026-09-04,eq,,,100,,,", "correction_id: 'a b' is no id"),
    ("N,nav,2026-9-4,eq,,,100,,,", "date: '2026-9-4' is no date"),
    ("N,nav,2026-09-04,eq,,,100,,,\nN,nav,2026-09-07,eq,,,100,,,", "stands on line 2 too"),
]


@pytest.mark.parametrize(("row", "why"), BAD, ids=[why[:40] for _, why in BAD])
def test_a_bad_row_refuses_the_file_in_one_line(short, capsys, row, why):
    path = short.folder.parent / "bad.csv"
    path.write_text(HEADER + row + "\n", encoding="utf-8")
    before = rows_of(short, "events", "fee_corrections", "audit")
    assert run(["fees", "correct", str(short.folder), str(path), "--by", "tanaka"]) == 2
    said = capsys.readouterr().err
    assert why in said and said.count("\n") == 1 and "line" in said, said
    assert rows_of(short, "events", "fee_corrections", "audit") == before


NONE = [("date,price\n2026-09-04,100\n", "its header"), ("", "empty"), (HEADER, "no correction")]


@pytest.mark.parametrize(("text", "why"), NONE)
def test_a_file_that_is_none_is_refused(short, capsys, text, why):
    path = short.folder.parent / "bad.csv"
    path.write_text(text, encoding="utf-8")
    assert run(["fees", "correct", str(short.folder), str(path)]) == 2 and why in capsys.readouterr().err
    assert run(["fees", "correct", str(short.folder), str(path) + ".none"]) == 2 and "cannot be read" in capsys.readouterr().err


def test_the_command_shows_both_computations_in_both_languages(tmp_path, capsys):
    house = wrong_house(tmp_path, Date(2026, 11, 20))
    path = tmp_path / "n.csv"
    path.write_text(HEADER + nav(), encoding="utf-8")
    assert run(["fees", "correct", str(house.folder), str(path), "--by", "tanaka", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    by_id = {of["contract_id"]: of for of in told["contracts"]}
    monthly = by_id["monthly1"]
    assert monthly["difference_yen"] == monthly["right_yen"] - monthly["charged_yen"] < 0 and monthly["settled"] == "next close"
    assert [change["kind"] for change in monthly["changes"]] == ["charge"]
    for side, yen in (("before", monthly["changes"][0]["old_yen"]), ("after", monthly["changes"][0]["new_yen"])):
        assert f"{yen:,}円" in monthly[side][0]["ja"][-1] and f"{yen:,} yen" in monthly[side][0]["en"][-1]
    assert told["booked_date"] == "2026-11-24" and told["corrections"] == ["N1"]
    (tmp_path / "again").mkdir()
    other = wrong_house(tmp_path / "again", Date(2026, 11, 20))
    assert run(["fees", "correct", str(other.folder), str(path)]) == 0
    text = capsys.readouterr().out
    assert "訂正前 before" in text and "訂正後 after" in text and "balance fee" in text and "残高報酬" in text


def test_a_correction_by_hand_is_charged_and_given_back_like_any_other(tmp_path):
    house = wrong_house(tmp_path, Date(2026, 10, 16), None)
    load(house, events=EVENTS + "h1,2026-10-19,fee_corrected,daily1,,1000,goodwill\n"
                               "h2,2026-10-19,fee_corrected,profit1,,-700,goodwill\n")
    close_to(house, Date(2026, 11, 20))
    fees = [row for row in gather_house(house, Date(2026, 11, 20))["fees"].rows(named=True) if row["kind"].startswith("correction")]
    assert {(row["contract_id"], row["kind"], row["fee_yen"]) for row in fees} == {
        ("daily1", "correction", 1000), ("profit1", "correction_refund", 700)}
    passes(house)


def test_a_price_that_nobody_held_is_kept_on_record_and_moves_nobody(tmp_path, capsys):
    house = make(tmp_path, lines=[], still=False)
    load(house, events=EVENTS + "o1,2026-08-03,contract_opened,daily1,,,\no2,2026-08-03,sleeve_opened,,daily1-1,,\n"
                                "d1,2026-08-03,deposit,,daily1-1,5000000,\n")
    close_to(house, Date(2026, 9, 4))
    path = tmp_path / "n.csv"
    path.write_text(HEADER + "N,nav,2026-08-20,eq,,,9000,,,\n", encoding="utf-8")
    assert run(["fees", "correct", str(house.folder), str(path)]) == 0
    assert "No contract is concerned" in capsys.readouterr().out
    assert [row["correction_id"] for row in rows_of(house, "fee_corrections")["fee_corrections"]] == ["N"]
    path.write_text(HEADER + "F,flow,2026-08-20,,daily1,,,-5000001,,\n", encoding="utf-8")
    assert run(["fees", "correct", str(house.folder), str(path)]) == 2
    assert "daily1-1: with the corrections its value on 2026-08-20 would be -1 yen" in capsys.readouterr().err
    close_to(house, Date(2026, 9, 8))
    passes(house)
