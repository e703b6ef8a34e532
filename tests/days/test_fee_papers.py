"""Statements, invoices and certificates of a house closed over five months: recomputed from its exported tables, to the yen."""

import csv
import json
from collections import defaultdict
from dataclasses import replace
from datetime import date as Date
from datetime import timedelta
from fractions import Fraction

import polars as pl
import pytest

from tests.days.fee_house import MONTHS, OF_THE_BROKER, THROUGH, fee_house_rows, make_fee_house
from tests.oracles.fee_split_oracle import days_of, settled
from tsutsumi.app.cli import run
from tsutsumi.app.cli.fee_layout import certificate_content, invoice_content, statement_content
from tsutsumi.app.cli.fee_papers import certificate as certificate_command
from tsutsumi.app.cli.fee_papers import invoice as invoice_command
from tsutsumi.app.cli.fee_papers import statement as statement_command
from tsutsumi.core.calendar import is_business_day
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import gather_house
from tsutsumi.run.fee_directory import directory_of, distributor_balances, read_evenings
from tsutsumi.run.fee_papers import certificate, certificate_of, month_papers, month_span, papers_of_month
from tsutsumi.store.database import HouseError, open_house

REFUND = "refund"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The house with agreements, closed to the end of May."""
    opened = open_house(make_fee_house(tmp_path_factory.mktemp("fees") / "house"))
    close_through(opened, THROUGH)
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def exports(house):
    """The exported tables at the end of every month, and of none before the first."""
    tables = {}
    for month in MONTHS:
        last = month_span(month)[1]
        while not is_business_day(last):
            last -= timedelta(days=1)
        tables[month] = {name: frame.rows(named=True) for name, frame in gather_house(house, last).items()
                         if name in ("fees", "flows", "sleeves", "values")}
    return tables


@pytest.fixture(scope="module")
def papers(house):
    """The papers of every month."""
    return {month: month_papers(house, month) for month in MONTHS}


def signed(row: dict, column: str = "fee_yen") -> int:
    """An amount of a fee row, a refund below zero."""
    return -row[column] if row["kind"] == REFUND else row[column]


def shares_of(row: dict) -> dict[str, int]:
    """Company → yen of a fee row."""
    names = [name for name in row if name.startswith("share_")]
    return {name.removeprefix("share_").removesuffix("_yen"): signed(row, name) for name in names}


def distributor_of(contract: str) -> str:
    """Who sells a contract, read from the rows that made the house."""
    rows = fee_house_rows()
    number = next(row["contract_no"] for row in rows["contracts"] if row["contract_id"] == contract)
    program = next(row["program_no"] for row in rows["contracts"] if row["contract_no"] == number)
    own = [row["company_no"] for row in rows["contract_parties"] if (row["contract_no"], row["function"]) == (number, "A")]
    default = [row["company_no"] for row in rows["program_functions"] if (row["program_no"], row["function"]) == (program, "A")]
    return next(row["company_id"] for row in rows["companies"] if row["company_no"] == (own or default)[0])


@pytest.fixture(scope="module")
def distributors(exports):
    """contract_id → distributor, and program."""
    return {row["contract_id"]: (distributor_of(row["contract_id"]), row["program_id"]) for row in exports[MONTHS[-1]]["sleeves"]}


def charged_in(month: str, exports) -> list[dict]:
    """The fee rows charged in a month, as they stood at its end."""
    first, last = month_span(month)
    return [row for row in exports[month]["fees"] if first <= row["charged_date"] <= last]


def test_the_house_holds_what_the_papers_are_about(exports):
    fees = exports[MONTHS[-1]]["fees"]
    assert {row["kind"] for row in fees} == {"charge", "addition", REFUND, "performance"}
    assert any(row["sleeve_id"] for row in fees if row["fee_yen"]), "a performance fee of one sleeve"
    refunded = [row for row in fees if row["kind"] == REFUND]
    assert len(refunded) > 10 and len({row["contract_id"] for row in refunded}) > 5
    assert any(row["kind"] == "fee" and row["amount_yen"] > 0 for row in exports[MONTHS[-1]]["flows"]), "a refund is paid out"


@pytest.mark.parametrize("month", MONTHS)
def test_the_lines_are_the_fees_table(month, exports, papers, distributors):
    statement = papers[month].statement
    groups = defaultdict(lambda: [0, 0, defaultdict(int)])
    for row in charged_in(month, exports):
        of = groups[distributors[row["contract_id"]][1], row["component"], row["kind"]]
        of[0] += 1
        of[1] += signed(row)
        for company, yen in shares_of(row).items():
            of[2][company] += yen
    told = defaultdict(dict)
    for line in statement.lines:
        if not line.kind.startswith(("tier_", "fixed_")):
            assert (line.count, line.fee_yen) == tuple(groups[line.program_id, line.component, line.kind][:2])
            told[line.program_id, line.component, line.kind][line.company_id] = line.share_yen
    assert told.keys() == groups.keys()
    for key, (_, fee, shares) in groups.items():
        assert {company: yen for company, yen in told[key].items() if yen} == {c: yen for c, yen in shares.items() if yen}
        assert sum(told[key].values()) == fee
    assert statement.fee_yen == sum(of[1] for of in groups.values()) and statement.difference_yen == 0
    assert sum(part.part_yen - part.owed_yen for part in statement.parts) == statement.fee_yen


def balance_by_day(tables: dict, program: str, distributors, first: Date, last: Date) -> dict[str, dict[Date, int]]:
    """Distributor → day → balance of a program, from the values table, one sleeve after another."""
    contract = {row["sleeve_id"]: row["contract_id"] for row in tables["sleeves"] if row["program_id"] == program}
    values = defaultdict(lambda: defaultdict(int))
    for row in tables["values"]:
        if row["sleeve_id"] in contract:
            values[row["date"]][distributors[contract[row["sleeve_id"]]][0]] += max(row["value_yen"], 0)
    closes = sorted({row["date"] for row in tables["values"]})
    found = defaultdict(dict)
    for day in days_of(first, last):
        known = [close for close in closes if close <= day]
        for name in {name for yen in values.values() for name in yen}:
            found[name][day] = values[known[-1]][name] if known else 0
    return found


@pytest.mark.parametrize("month", MONTHS)
def test_the_moves_are_those_of_the_slow_settlement(month, exports, papers, distributors):
    first, last = month_span(month)
    rows = fee_house_rows()
    company = {row["company_no"]: row["company_id"] for row in rows["companies"]} | {0: ""}
    found = defaultdict(int)
    for line in papers[month].statement.lines:
        if line.kind.startswith(("tier_", "fixed_")):
            found[line.program_id, line.kind, line.company_id] += line.share_yen
    expected = defaultdict(int)
    for program in rows["programs"]:
        number, name = program["program_no"], program["program_id"]
        agreed = [
            [row | {"company_id": company[row["company_no"]], "paid_by_id": company[row["paid_by_no"]]}
             for row in rows[table] if row["program_no"] == number] for table in ("share_tiers", "share_fixed")
        ]
        fees = [(row["charged_date"], distributors[row["contract_id"]][0], signed(row)) for row in charged_in(month, exports)
                if distributors[row["contract_id"]][1] == name]
        open_then = {row["contract_id"] for row in exports[month]["sleeves"] if row["program_id"] == name
                     and row["opened_date"] <= last and (row["closed_date"] is None or row["closed_date"] >= first)}
        remainder = company[next(row["remainder_company_no"] for row in rows["program_rules"] if row["program_no"] == number)]
        balances = balance_by_day(exports[month], name, distributors, first, last)
        moves = settled(first, last, fees, balances, *agreed, len(open_then), remainder)
        for (kind, gets, pays), yen in moves.items():
            expected[name, kind, gets] += yen
            expected[name, kind, pays] -= yen
    assert dict(found) == dict(expected)
    kinds = {kind for _, kind, _ in expected}
    assert {"tier_balance", "fixed_contract"} <= kinds and ("fixed_program" in kinds) == (month < "2018-04")


@pytest.mark.parametrize("month", MONTHS)
def test_what_is_open_rolls_from_month_to_month(month, exports, papers, distributors):
    last = month_span(month)[1]
    opening, closing = defaultdict(int), defaultdict(int)
    for row in exports[month]["fees"]:
        if row["collected_date"] is None:
            for company, yen in shares_of(row).items():
                closing[company, distributors[row["contract_id"]][1]] += yen
    if month != MONTHS[0]:
        for roll in papers[MONTHS[MONTHS.index(month) - 1]].statement.uncollected:
            opening[roll.company_id, roll.program_id] = roll.closing_yen
    statement = papers[month].statement
    for roll in statement.uncollected:
        key = (roll.company_id, roll.program_id)
        assert (roll.opening_yen, roll.closing_yen) == (opening.pop(key, 0), closing.pop(key, 0))
        assert roll.opening_yen + roll.charged_yen + roll.cut_yen - roll.collected_yen == roll.closing_yen
    assert not any(opening.values()) and not any(closing.values())
    open_fees = sum(signed(row) for row in exports[month]["fees"] if row["collected_date"] is None)
    assert statement.closing_yen == open_fees == sum(roll.closing_yen for roll in statement.uncollected)
    assert all(row["charged_date"] <= last for row in exports[month]["fees"])


@pytest.mark.parametrize("month", MONTHS)
def test_parts_are_fees_collected_and_invoices(month, exports, papers, distributors):
    statement, invoices = papers[month].statement, papers[month].invoices
    part = defaultdict(int)
    for one in statement.parts:
        part[one.company_id] += one.part_yen - one.owed_yen
    for row in charged_in(month, exports):
        part[distributors[row["contract_id"]][0]] -= signed(row)
    for invoice in invoices:
        part[invoice.issuer_id] -= invoice.amount_yen
        part[invoice.recipient_id] += invoice.amount_yen
    assert not any(part.values()), part
    assert {invoice.recipient_id for invoice in invoices} >= {"asagiri-sec"}
    for invoice in invoices:
        (rate,) = invoice.rates
        exact = Fraction(invoice.amount_yen * 8, 108)
        up = -int(-exact // 1) if month >= "2018-04" else int(exact)
        whole = {"shirakaba-trust": int(exact + Fraction(1, 2)), "hakobune-sec": up}
        assert (rate.tax_percent, rate.tax_yen) == (8, whole.get(invoice.issuer_id, int(exact)))
        assert invoice.registration_id == {
            "komorebi-am": "T7000012050002", "hakobune-sec": "T9000000000000" if month >= "2018-04" else "",
        }.get(invoice.issuer_id, "")
        assert not invoice.qualified, "qualified invoices are from 2023-10-01 on"
    missing = {notice.subject_id for notice in papers[month].invoice_notices}
    assert missing == {invoice.issuer_id for invoice in invoices if not invoice.registration_id} != set()


def test_a_distributor_of_its_own_collects_and_shares_its_sales(papers, exports, distributors):
    sold = {contract for contract, who in distributors.items() if who == ("asagiri-sec", "hibari-fund-wrap")}
    assert len(sold) > 5 and all(int(contract[1:]) in OF_THE_BROKER for contract in sold)
    pairs = {(invoice.issuer_id, invoice.recipient_id) for invoice in papers["2018-04"].invoices}
    assert {("komorebi-am", "asagiri-sec"), ("komorebi-am", "hibari-bank"), ("hibari-bank", "asagiri-sec")} <= pairs
    own = sum(signed(row) for row in charged_in("2018-04", exports) if row["contract_id"] in sold)
    (line,) = [line for line in papers["2018-04"].statement.lines
               if (line.company_id, line.program_id, line.kind) == ("asagiri-sec", "hibari-fund-wrap", "tier_fee")]
    assert line.share_yen == own * 30_000 // 1_000_000 > 0


def test_what_is_owed_is_said(papers):
    owes = {(part.company_id, part.program_id): part.owed_yen for part in papers["2018-01"].statement.parts if part.owed_yen}
    assert owes["hibari-bank", "hibari-fund-wrap"] == 11_000, "no fee in January, the monthly fee all the same"
    notices = papers["2018-01"].statement_notices
    assert {notice.subject_id for notice in notices if notice.kind == "owes"} == {company for company, _ in owes}


def test_a_statement_never_changes_with_what_comes_later(house, tmp_path):
    names = directory_of(house).companies
    early = open_house(make_fee_house(tmp_path / "early"))
    close_through(early, Date(2018, 3, 30))
    for month in MONTHS[:3]:
        assert statement_content(month_papers(early, month), names) == statement_content(month_papers(house, month), names)
        assert invoice_content(month_papers(early, month), names) == invoice_content(month_papers(house, month), names)


def test_the_evening_before_knows_nothing_of_the_first_day(house):
    first = Date(2018, 3, 1)
    evenings = read_evenings(house, first, Date(2018, 3, 31))
    assert evenings.before["fees"]["charged_date"].max() < first <= evenings.after["fees"]["charged_date"].max()
    assert evenings.before["flows"]["date"].max() < first <= evenings.after["flows"]["date"].max()
    assert (evenings.values["date"].min(), evenings.values["date"].max()) == (Date(2018, 2, 28), Date(2018, 3, 30))


def test_a_sleeve_below_zero_takes_nothing_from_the_balance_of_another(house):
    evenings = read_evenings(house, Date(2018, 3, 1), Date(2018, 3, 31))
    directory, whole = directory_of(house), distributor_balances(evenings, directory_of(house))
    sleeve = evenings.values.filter(pl.col("value_yen") > 0)["sleeve_id"][0]
    lost = pl.when(pl.col("sleeve_id") == sleeve).then(-pl.col("value_yen")).otherwise(pl.col("value_yen"))
    without = replace(evenings, values=evenings.values.filter(pl.col("sleeve_id") != sleeve))
    below = replace(evenings, values=evenings.values.with_columns(lost.alias("value_yen")))
    assert distributor_balances(below, directory) == distributor_balances(without, directory) != whole


def test_a_fee_cut_in_a_later_month_stands_there_as_a_cut(house):
    first, last = month_span("2018-04")
    evenings = read_evenings(house, first, last)
    fees = evenings.after["fees"].rows(named=True)
    known = [row for row in fees if row["collected_date"] is not None and row["collected_date"] >= first and row["fee_yen"] > 100]
    row = next(row for row in known if row["kind"] == "charge")
    key = ("contract_id", "component", "kind", "start_date")
    earlier = {**row, "charged_date": Date(2018, 3, 30), "collected_date": None}
    later = {**earlier, "collected_date": row["collected_date"]}
    company = max(shares_of(row), key=lambda name: shares_of(row)[name])
    for name in ("fee_yen", f"share_{company}_yen"):
        later[name] = later[name] - 40
    others = [one for one in fees if any(one[name] != row[name] for name in key)]
    schema = evenings.after["fees"].schema
    evenings.before["fees"] = pl.DataFrame([*evenings.before["fees"].rows(named=True), earlier], schema=schema)
    evenings.after["fees"] = pl.DataFrame([*others, later], schema=schema)
    statement = papers_of_month(evenings, directory_of(house), first, last).statement
    cuts = {line.company_id: (line.count, line.fee_yen, line.share_yen) for line in statement.lines if line.kind == "cut"}
    assert cuts[company] == (1, -40, -40) and sum(yen for _, _, yen in cuts.values()) == -40
    assert sum(roll.cut_yen for roll in statement.uncollected) == -40 and statement.difference_yen == 0


def test_every_certificate_is_the_fee_flows_of_the_year(house, exports):
    tables = exports[MONTHS[-1]]
    owner = {row["sleeve_id"]: (row["customer_id"], row["contract_id"]) for row in tables["sleeves"]}
    flows = defaultdict(int)
    for row in tables["flows"]:
        if row["kind"] == "fee":
            flows[owner[row["sleeve_id"]]] -= row["amount_yen"]
    paid, charged, refunded = defaultdict(int), 0, 0
    customers = sorted({customer for customer, _ in owner.values()})
    evenings, directory = read_evenings(house, Date(2018, 1, 1), Date(2018, 12, 31)), directory_of(house)
    assert certificate_of(evenings, directory, customers[0], 2018) == certificate(house, customers[0], 2018)
    for customer in customers:
        made = certificate_of(evenings, directory, customer, 2018)
        assert made.provisional and made.notices[0].kind == "provisional" and made.difference_yen == 0
        for contract in made.contracts:
            paid[customer, contract.contract_id] = contract.paid_yen
            charged += sum(line.charged_yen for line in contract.lines)
            refunded += sum(line.refunded_yen for line in contract.lines)
            assert contract.paid_yen == contract.flow_yen == sum(line.paid_yen for line in contract.lines)
            assert all(line.paid_yen == line.collected_yen - line.set_off_yen for line in contract.lines)
            assert contract.tax_yen == contract.paid_yen * 8 // 108 == sum(line.tax_yen for line in contract.lines)
    assert {key: yen for key, yen in paid.items() if yen} == {key: yen for key, yen in flows.items() if yen}
    fees = tables["fees"]
    assert charged == sum(row["fee_yen"] for row in fees if row["kind"] != REFUND)
    assert refunded == sum(row["fee_yen"] for row in fees if row["kind"] == REFUND) > 0


def test_a_year_before_the_house_and_a_customer_nobody_knows_are_refused(house):
    with pytest.raises(HouseError, match="no day up to 2017-12-31 is closed"):
        certificate(house, "C000001", 2017)
    with pytest.raises(HouseError, match="'C9' is unknown"):
        certificate(house, "C9", 2018)
    with pytest.raises(HouseError, match="2018-06 is not closed to its end: the last closed day up to it is 2018-05-31"):
        month_papers(house, "2018-06")
    for month in ("2018", "2018-13", "2018-3-1", "1900-01"):
        with pytest.raises(HouseError, match="--month"):
            month_papers(house, month)
    later = certificate(house, "C000001", 2019)
    assert later.provisional and later.paid_yen == 0


def test_the_commands_write_what_they_print(house, tmp_path, capsys):
    folder = tmp_path / "papers"
    assert statement_command(house.folder, month="2018-04", to=folder, json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((folder / "statement_2018-04.json").read_text(encoding="utf-8"))
    with (folder / "statement_2018-04.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(company["lines"]) for company in printed["companies"])
    assert sum(int(row["share_yen"]) for row in rows) == printed["fee_yen"]
    assert invoice_command(house.folder, month="2018-04", company="komorebi-am", to=folder) == 0
    assert "komorebi-am" in {line for line in (folder / "invoice_2018-04_komorebi-am.csv").read_text("utf-8").split(",")}
    assert certificate_command(house.folder, customer="C000001", year=2018, to=folder, json=True) == 0
    content = certificate_content(certificate(house, "C000001", 2018), directory_of(house).companies)
    assert content == json.loads((folder / "certificate_2018_C000001.json").read_text(encoding="utf-8"))
    assert (folder / "certificate_2018_C000001_rates.csv").exists()


def test_the_commands_say_why_in_one_line_and_leave_with_2(house, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    bad = [
        lambda: statement_command(house.folder, month="2018-07"), lambda: statement_command(house.folder, month="x"),
        lambda: statement_command(house.folder, month="2018-04", company="nobody"),
        lambda: invoice_command(tmp_path / "none", month="2018-04"),
        lambda: invoice_command(house.folder, month="2018-04", to=tmp_path / "file"),
        lambda: certificate_command(house.folder, customer="nobody", year=2018),
        lambda: certificate_command(house.folder, customer="C000001", year=1),
    ]
    for command in bad:
        assert command() == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("tsutsumi fees ") and err.count("\n") == 1


def test_the_commands_stand_under_fees(house, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["tsutsumi", "fees"])
    assert run(["fees", "statement", str(house.folder), "--month", "2018-05", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["month"] == "2018-05"
    assert run(["fees", "certificate", str(house.folder), "--customer", "C000001"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "--year" in err
    assert run(["fees", "invoice", "--help"]) == 0
    assert "tsutsumi fees invoice my-house --month 2018-03" in capsys.readouterr().out


def test_the_text_is_japanese_first_and_adds_up(house, capsys):
    assert statement_command(house.folder, month="2018-04", company="asagiri-sec") == 0
    text = capsys.readouterr().out
    assert text.startswith("報酬分配の月次明細 month-end fee statement  2018-04-01 – 2018-04-30")
    assert "見本あさぎり証券" in text and "ひばり銀行" not in text and "返戻 refund" in text
    assert invoice_command(house.folder, month="2018-04") == 0
    text = capsys.readouterr().out
    assert "登録番号 registration number T7000012050002" in text and "注意 notices" in text
    assert certificate_command(house.folder, customer="C000001", year=2018) == 0
    assert "年間支払証明" in capsys.readouterr().out
