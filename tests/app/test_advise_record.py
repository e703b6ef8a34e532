"""`tsutsumi advise --record` and `--report`: advice kept as it was given, and held against the closed days of the house."""

import json
from datetime import date as Date
from fractions import Fraction
from importlib.resources import files

import pytest
from sqlalchemy import select

from tests.days.small_house import FIRST, THROUGH, make_house
from tsutsumi.app.cli import run
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import gather_house
from tsutsumi.run.proposal_book import proposal_outcomes, record_proposal
from tsutsumi.store.audit import content_hash, verify
from tsutsumi.store.database import HouseError, open_house, reading, transaction
from tsutsumi.store.rows import insert_rows, next_number
from tsutsumi.store.tables import audit, customers, proposals

EXAMPLE = (files("tsutsumi") / "examples" / "advice" / "retired-employee.toml").read_text("utf-8")
GIVEN_ON = "2018-02-01"
OUTSIDE = ("deposit", "instalment", "withdrawal", "drawing", "transfer", "termination", "correction")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The small house, closed to its last day."""
    opened = open_house(make_house(tmp_path_factory.mktemp("proposals") / "house"))
    close_through(opened, THROUGH)
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def tables(house):
    """Its exported tables."""
    return gather_house(house, THROUGH)


@pytest.fixture
def file(tmp_path):
    """The article's household."""
    path = tmp_path / "household.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return str(path)


def customers_by(tables, wanted) -> list[str]:
    """Return the customers of whose sleeves (rows of the export) something is true."""
    grouped = {}
    for row in tables["sleeves"].to_dicts():
        grouped.setdefault(row["customer_id"], []).append(row)
    return sorted(name for name, rows in grouped.items() if wanted(rows))


def told(capsys, *words: str) -> dict:
    """Return the JSON that a command prints."""
    assert run(["advise", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def expected_growth(tables, customer: str, start: Date) -> tuple[Fraction, int, int, int]:
    """-> growth, value before, net flow, value, from the exported values and flows, without an index"""
    own = {row["sleeve_id"] for row in tables["sleeves"].to_dicts() if row["customer_id"] == customer}
    worth, moved = {}, {}
    for row in tables["values"].to_dicts():
        worth[row["date"]] = worth.get(row["date"], 0) + (row["value_yen"] if row["sleeve_id"] in own else 0)
    for row in tables["flows"].to_dicts():
        if row["sleeve_id"] in own and row["kind"] in OUTSIDE:
            moved[row["date"]] = moved.get(row["date"], 0) + row["amount_yen"]
    days = sorted(day for day in worth if day >= max(day for day in worth if day <= start))
    growth = Fraction(1)
    for before, day in zip(days, days[1:], strict=False):
        if worth[before] > 0:
            growth *= Fraction(worth[day] - moved.get(day, 0), worth[before])
    return growth, worth[days[0]], sum(moved.get(day, 0) for day in days[1:]), worth[days[-1]]


def test_advice_is_kept_as_it_was_given_and_once(house, tables, file, capsys):
    customer = customers_by(tables, lambda rows: len(rows) == 1 and rows[0]["closed_date"] is None)[0]
    plain = told(capsys, file, "--date", "2024-04-01")
    words = (file, "--date", "2024-04-01", "--record", str(house.folder), "--customer", customer, "--by", "山田")
    first = told(capsys, *words)
    kept = first.pop("recorded")
    assert first == plain and kept["new"] and kept["content_hash"] == content_hash(plain)
    assert (kept["customer_id"], kept["date"], kept["made_by"]) == (customer, "2024-04-01", "山田")
    again = told(capsys, *words)["recorded"]
    assert again == kept | {"new": False}
    other = told(capsys, *words, "--fee-share", "10")["recorded"]
    assert other["new"] and other["proposal_no"] == kept["proposal_no"] + 1
    with reading(house) as connection:
        row = connection.execute(select(proposals).where(proposals.c.proposal_no == kept["proposal_no"])).one()
        logged = connection.execute(select(audit).order_by(audit.c.audit_no.desc())).first()
        assert verify(connection) == []
    assert json.loads(row.content) == plain
    payload = json.loads(logged.payload)
    assert (logged.actor, logged.action) == ("山田", "household advice") and payload["content_hash"] == other["content_hash"]
    assert payload["gain_yen"] == 1_113_125 and payload["customer_id"] == customer


@pytest.mark.parametrize("kind", ["one", "several", "closed"])
def test_the_report_is_what_the_export_says(kind, house, tables, file, capsys):
    wanted = {
        "one": lambda rows: len(rows) == 1 and rows[0]["closed_date"] is None and rows[0]["opened_date"] < Date(2018, 1, 20),
        "several": lambda rows: len(rows) > 1 and all(row["closed_date"] is None for row in rows),
        "closed": lambda rows: any(row["closed_date"] is not None for row in rows),
    }
    customer = customers_by(tables, wanted[kind])[-1]
    plain, start = told(capsys, file), Date.fromisoformat(GIVEN_ON)
    kept, new = record_proposal(house, customer, plain, "佐藤", "2018-02-01T03:00:00+00:00")
    assert new and kept.date == start
    growth, before, flow, value = expected_growth(tables, customer, start)
    found = told(capsys, "--report", str(house.folder), "--customer", customer)
    assert (found["customer_id"], found["date"]) == (customer, str(THROUGH))
    (one,) = found["proposals"]
    managed = one["managed"]
    assert (managed["value_before_yen"], managed["net_flow_yen"], managed["value_yen"]) == (before, flow, value)
    assert managed["gain_yen"] == value - before - flow
    assert abs(Fraction(managed["growth_pct"]) / 100 + 1 - growth) < Fraction(1, 10**9) and growth != 1
    assert one["content_hash"] == content_hash(plain) and one["gain_yen"] == 1_113_125
    index = Fraction(managed["growth_pct"]) / 100 + 1
    for row in one["holdings"]:
        if row["known_kind"] == "managed":
            assert abs(row["later_yen"] - row["value_yen"] * index) <= 1
    compared = one["promised_against_realised"]
    assert compared["days"] == (THROUGH - start).days and compared["before"]["realised_yen"] is None
    assert compared["after"]["realised_yen"] == sum(
        row["later_yen"] - row["value_yen"] for row in one["holdings"] if row["side"] == "after"
    )


def test_values_given_complete_the_comparison_and_a_day_can_be_chosen(house, tables, file, capsys, tmp_path):
    customer = customers_by(tables, lambda rows: len(rows) == 1 and rows[0]["closed_date"] is None)[2]
    kept, _ = record_proposal(house, customer, told(capsys, file), "佐藤", "2018-01-31T16:00:00+00:00")
    assert kept.date == Date(2018, 2, 1), "the day in Japan"
    values = tmp_path / "values.csv"
    values.write_text("side,place,value_yen\nbefore,1,9000000\nbefore,2,20500000\nbefore,3,10400000\nbefore,4,20900000\n")
    words = ["--report", str(house.folder), "--customer", customer, "--date", "2018-03-30"]
    one = told(capsys, *words, "--values", str(values))["proposals"][0]
    compared = one["promised_against_realised"]
    assert compared["before"]["realised_yen"] == 800_000 and compared["days"] == 57
    assert compared["realised_difference_yen"] == compared["after"]["realised_yen"] - 800_000
    assert run(["advise", *words, "--values", str(values)]) == 0
    page = capsys.readouterr().out
    assert "渡された評価額 given" in page and "不明" not in page and f"{compared['realised_difference_yen']:,}" in page
    assert run(["advise", *words]) == 0
    page = capsys.readouterr().out
    assert "不明 unknown" in page and "--values" in page and "安心の分" in page
    assert run(["advise", *words[:-1], "2018-02-01"]) == 0 and "まだ一日も経っていません" in capsys.readouterr().out
    assert run(["advise", *words[:-1], "2018-01-31"]) == 2 and "no proposal was recorded" in capsys.readouterr().err


def test_who_has_no_money_in_the_house_is_told_so(house, file, capsys, tables):
    known = {row["customer_id"] for row in tables["sleeves"].to_dicts()}
    with transaction(house) as connection:
        name = "C-without-sleeves"
        assert name not in known
        number = next_number(connection, customers.c.customer_no)
        insert_rows(connection, "customers", [{"customer_no": number, "customer_id": name}])
    record_proposal(house, name, told(capsys, file), "佐藤", "2017-12-31T03:00:00+00:00")
    (outcome,) = proposal_outcomes(house, name)[1]
    assert outcome.managed.growth is None and outcome.managed.from_date == FIRST and outcome.told["after"]["realised_yen"] is None
    assert run(["advise", "--report", str(house.folder), "--customer", name]) == 0
    assert "この家での運用はまだありません" in capsys.readouterr().out


def test_a_record_that_was_changed_is_refused(house, file, capsys, tables):
    customer = customers_by(tables, lambda rows: len(rows) == 1 and rows[0]["closed_date"] is None)[3]
    kept, _ = record_proposal(house, customer, told(capsys, file), "佐藤", "2018-02-01T03:00:00+00:00")
    mine = proposals.c.proposal_no == kept.proposal_no
    with transaction(house) as connection:
        connection.execute(proposals.update().where(mine).values(content='{"gain_yen":1}'))
    with pytest.raises(HouseError, match=f"proposal {kept.proposal_no}: its content is not what was recorded"):
        proposal_outcomes(house, customer)
    with transaction(house) as connection:
        connection.execute(proposals.update().where(mine).values(content="{"))
    with pytest.raises(HouseError, match="its hash differs"):
        proposal_outcomes(house, customer)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--report", "HOUSE"], "--customer belongs to"),
        (["FILE", "--record", "HOUSE", "--by", "x"], "--customer belongs to"),
        (["FILE", "--record", "HOUSE", "--customer", "C"], "--by belongs to"),
        (["FILE", "--customer", "C"], "--customer belongs to"),
        (["FILE", "--by", "x"], "--by belongs to"),
        (["FILE", "--values", "FILE"], "--proposal and --values belong to"),
        (["FILE", "--report", "HOUSE", "--customer", "C"], "give the household's file, or --report"),
        ([], "give the household's file, or --report"),
        (["--report", "HOUSE", "--customer", "C", "--record", "HOUSE", "--by", "x"], "give one of them"),
        (["--report", "HOUSE", "--customer", "nobody"], "customer 'nobody' is unknown"),
        (["FILE", "--record", "HOUSE", "--customer", "nobody", "--by", "x"], "customer 'nobody' is unknown"),
        (["FILE", "--record", "HOUSE", "--customer", "KNOWN", "--by", " "], "nobody is named"),
        (["FILE", "--record", "HOUSE", "--customer", "KNOWN", "--by", "x", "--date", "2999-01-01"], "in the future"),
        (["--report", "HOUSE", "--customer", "KNOWN", "--date", "2018-02-03"], "is not closed"),
        (["--report", "HOUSE", "--customer", "KNOWN", "--proposal", "999"], "no proposal 999"),
        (["FILE", "--date", "1990-01-01"], "the first row starts on 2020-01-01"),
        (["--report", "nowhere", "--customer", "C"], "no house here"),
    ],
)
def test_a_wrong_use_says_why_in_one_line(words, says, house, tables, file, capsys):
    known = {"HOUSE": str(house.folder), "FILE": file, "KNOWN": customers_by(tables, lambda rows: len(rows) == 1)[0]}
    assert run(["advise", *(known.get(word, word) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err and err.count("\n") == 1, err
