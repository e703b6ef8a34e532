"""Late corrections of fees: a house put right later charges what a house that was right from the beginning charged, fees only."""

import tomllib
from collections import defaultdict
from datetime import date as Date
from fractions import Fraction

import pytest

from tests.audit.export_audit import audit
from tests.days.still_house import (
    EVENTS,
    FIRST,
    IN_ARREARS,
    MISPRINTED,
    REFUNDS,
    close_to,
    contracts,
    correct,
    events,
    load,
    make,
    nav,
    passes,
    prices,
    terms_of,
    totals,
    wrong_house,
)
from tests.oracles.fees_oracle import charges
from tsutsumi.core.flows import EXTERNAL_LAST
from tsutsumi.run.export import export_house, gather_house
from tsutsumi.run.fee_papers import certificate, month_papers
from tsutsumi.run.history import ids_of, rows_of, walk
from tsutsumi.store.database import HouseError

RUNNING, CHARGED, END = Date(2026, 12, 10), Date(2027, 1, 20), Date(2027, 4, 15)
LATE = Date(2026, 8, 20)
MONTH_END = ("eq", Date(2026, 10, 30))


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """The house that was right from the beginning, closed to the end."""
    return totals(wrong_house(tmp_path_factory.mktemp("right"), END, None), END)


# ---- a price


@pytest.mark.parametrize("filed", [RUNNING, CHARGED], ids=["in the running quarter", "after the quarter was charged"])
def test_a_corrected_price_gives_the_fees_of_a_house_that_had_the_right_one(tmp_path, right, filed):
    house = wrong_house(tmp_path, filed)
    report = correct(house, nav())
    assert {of.contract_id for of in report.contracts} == set(contracts()), "every contract holds the fund"
    changed = {of.contract_id: of for of in report.contracts}
    assert changed["monthly1"].difference_yen < 0 and changed["monthly1"].changes
    assert (changed["average1"].difference_yen < 0) == (filed == CHARGED) and changed["average1"].running == (filed == RUNNING)
    close_to(house, END)
    found = totals(house, END)
    for contract, (program, _) in contracts().items():
        tolerance = 0 if program in IN_ARREARS else 2  # paid from cash: what was paid too much lowers the values by as much
        assert abs(found[contract] - right[contract]) <= tolerance, contract
    passes(house)


def test_without_the_correction_the_fees_would_differ(tmp_path, right):
    house = wrong_house(tmp_path, END)
    found = totals(house, END)
    assert [contract for contract in found if contracts()[contract][0] in ("average", "monthly", "daily") and
            found[contract] == right[contract]] == []


def test_the_difference_is_booked_once_as_a_credit_and_collected_like_any_fee(tmp_path):
    house = wrong_house(tmp_path, CHARGED)
    report = correct(house, nav())
    booked = report.booked_date
    assert booked == Date(2027, 1, 21)
    close_to(house, END)
    tables = gather_house(house, END)
    rows = [row for row in tables["fees"].rows(named=True) if row["kind"].startswith("correction")]
    expected = {of.contract_id: of.difference_yen for of in report.contracts if of.difference_yen}
    assert {row["contract_id"]: -row["fee_yen"] if row["kind"] in REFUNDS else row["fee_yen"] for row in rows} == expected
    for row in rows:
        assert row["charged_date"] == row["start_date"] == row["end_date"] == booked and row["base_yen"] == 0
        assert sum(row[name] for name in row if name.startswith("share_")) == row["fee_yen"] > 0
        assert row["collected_date"] is not None
    corrections = tables["fee_corrections"].rows(named=True)
    assert [(row["correction_id"], row["price"], row["booked_date"], row["made_by"]) for row in corrections] == [
        ("N1", prices()["eq"][MISPRINTED[1]], booked, "tanaka")]
    assert set(corrections[0]["contract_ids"].split(";")) == {of.contract_id for of in report.contracts if
                                                              of.difference_yen or of.states}


def test_the_papers_of_the_month_and_of_the_year_know_the_correction(tmp_path):
    house = wrong_house(tmp_path, CHARGED)
    report = {of.contract_id: of.difference_yen for of in correct(house, nav()).contracts}
    close_to(house, Date(2027, 1, 29))
    statement = month_papers(house, "2027-01").statement
    told = {(line.program_id, line.company_id): line.fee_yen for line in statement.lines if line.kind == "correction_refund"}
    assert told["average", "bank"] == report["average1"] + report["average2"] < 0 and statement.difference_yen == 0
    assert certificate(house, "c-average1", 2027).difference_yen == 0


def test_the_same_file_twice_changes_nothing(tmp_path):
    house = wrong_house(tmp_path, CHARGED)
    first = correct(house, nav())
    before = rows_of(house, "events", "fee_corrections", "fee_states", "audit")
    again = correct(house, nav())
    assert again.new_ids == () and again.known_ids == ("N1",) and again.contracts == ()
    assert rows_of(house, "events", "fee_corrections", "fee_states", "audit") == before
    close_to(house, Date(2027, 1, 22))
    assert correct(house, nav()).new_ids == () and first.new_ids == ("N1",)
    with pytest.raises(HouseError, match="N1.*known with other content"):
        correct(house, nav("N1", MONTH_END))


@pytest.mark.parametrize("apart", [
    pytest.param(False, id="before a close", marks=pytest.mark.fuzz), pytest.param(True, id="after a close"),
])
def test_a_correction_of_a_correction_gives_the_right_fees_too(tmp_path, right, apart):
    house = wrong_house(tmp_path, RUNNING)
    fund, day = MISPRINTED
    correct(house, f"bad,nav,{day},{fund},,,{prices()[fund][day] // 2},,,mistyped\n")
    if apart:
        close_to(house, Date(2027, 1, 15))
    correct(house, nav("good"))
    close_to(house, END)
    found = totals(house, END)
    assert {c: found[c] for c in found if contracts()[c][0] in IN_ARREARS} == {
        c: right[c] for c in right if contracts()[c][0] in IN_ARREARS}
    passes(house)


def corrected_values(house, through: Date, right_price: int = 0, day: Date | None = None) -> tuple[dict, dict]:
    """contract → day → (value, cash), with the right price on one day, and contract → day → flow: from the closed days, slowly."""
    rows = rows_of(house, "contracts", "sleeves", "instruments")
    names, owner = ids_of(rows)["contracts"], {row["sleeve_no"]: row["contract_no"] for row in rows["sleeves"]}
    fund = next(row["instrument_no"] for row in rows["instruments"] if row["instrument_id"] == "eq")
    values, flows = defaultdict(dict), defaultdict(lambda: defaultdict(int))
    for date, tables, books in walk(house, through):
        totals_of = defaultdict(lambda: [0, 0])
        names_of = ("contract_no", "value_yen", "cash_yen")
        for contract, value, cash in zip(*(books.sleeves[n].tolist() for n in names_of), strict=True):
            totals_of[contract][0] += value
            totals_of[contract][1] += cash
        if date == day:
            wrong_price = int(books.market.price[fund])
            held = zip(*(books.positions[n].tolist() for n in ("sleeve_no", "instrument_no", "held_units")), strict=True)
            for sleeve, instrument, units in held:
                if instrument == fund:
                    right_yen, wrong_yen = (Fraction(units * price, 10_000).__floor__() for price in (right_price, wrong_price))
                    totals_of[owner[sleeve]][0] += right_yen - wrong_yen
        for contract, (value, cash) in totals_of.items():
            values[names[contract]][date] = value, cash
        told = tables.get("flows", {})
        names_of = ("sleeve_no", "kind_code", "amount_yen")
        for sleeve, kind, yen in zip(*(told[n].tolist() for n in names_of), strict=True) if told else ():
            if kind <= EXTERNAL_LAST:
                flows[names[owner[sleeve]]][date] += yen
    return values, flows


@pytest.mark.parametrize("which", [
    pytest.param(MISPRINTED, id="in a month"), pytest.param(MONTH_END, id="month-end"),
    pytest.param(("eq", Date(2026, 9, 30)), id="quarter-end", marks=pytest.mark.fuzz),
    pytest.param(("eq", Date(2026, 12, 30)), id="last day of the year", marks=pytest.mark.fuzz),
])
def test_the_difference_is_what_the_page_says_written_slowly(tmp_path, which):
    house = wrong_house(tmp_path, CHARGED, which)
    report = {of.contract_id: of for of in correct(house, nav(which=which)).contracts}
    values, flows = corrected_values(house, CHARGED, prices()[which[0]][which[1]], which[1])
    charged, looked = totals(house, CHARGED), 0
    for contract, (program, _) in contracts().items():
        if program in ("adjusted", "pockets"):
            continue
        history = [(day, value, cash) for day, (value, cash) in values[contract].items()]
        moved = [(day, yen) for day, yen in sorted(flows[contract].items()) if day > FIRST]
        told = charges(tomllib.loads(terms_of(program)), history, FIRST, CHARGED, None, moved)
        expected = sum(-one["total_yen"] if one["kind"] == "refund" else one["total_yen"] for one in told)
        assert report[contract].difference_yen == expected - charged[contract], contract
        looked += report[contract].difference_yen != 0
    assert looked >= 3


def test_marks_per_sleeve_groups_and_factors_are_priced_again_too(tmp_path):
    house = wrong_house(tmp_path, CHARGED, ("eq", Date(2026, 12, 30)))
    report = {of.contract_id: of for of in correct(house, nav(which=("eq", Date(2026, 12, 30)))).contracts}
    pockets = [change for change in report["pockets1"].changes if change.kind == "performance"]
    assert len(pockets) == 2 and len({change.sleeve_no for change in pockets}) == 2
    assert all(change.new_yen < change.old_yen for change in pockets)
    assert report["adjusted1"].difference_yen < 0 and report["adjusted2"].difference_yen < 0
    assert "調整後" in "".join(report["adjusted2"].after[0]["ja"]), "the arithmetic says that it was adjusted"
    close_to(house, END)
    passes(house)


# ---- money


def late_deposit(contract: str, day: Date) -> list[str]:
    sleeve = contracts()[contract][1][0]
    return [*events(), f"late-{contract},{day},deposit,,{sleeve},900000,"]


ARRIVED, BOOKED = Date(2026, 11, 10), Date(2026, 11, 24)


def many(lines_of, day: Date) -> list[str]:
    return events() + [line for contract in contracts() for line in lines_of(contract, day)[len(events()):]]


@pytest.fixture(scope="module")
def right_money(tmp_path_factory):
    return totals(wrong_house(tmp_path_factory.mktemp("money"), END, None, many(late_deposit, ARRIVED)), END)


def compare(found: dict, expected: dict) -> None:
    """Cash left out of the base apart: here the money is never invested, and the page says that it was."""
    for contract, (program, _) in contracts().items():
        if program != "business":
            assert abs(found[contract] - expected[contract]) <= (0 if program in IN_ARREARS else 2), contract


def test_money_that_was_booked_late_is_moved_by_two_rows(tmp_path, right_money):
    house = wrong_house(tmp_path, RUNNING, None, many(late_deposit, BOOKED))
    rows = "".join(
        f"in-{name},flow,{ARRIVED},,{name},,,900000,,\nout-{name},flow,{BOOKED},,,{sleeves[0]},,-900000,,\n"
        for name, (_, sleeves) in contracts().items()
    )
    report = {of.contract_id: of for of in correct(house, rows).contracts}
    assert all(report[name].difference_yen > 0 for name in ("monthly1", "advance1", "stacked1"))
    kinds = {(change.kind, str(change.start_date), change.old_yen is None) for change in report["advance1"].changes}
    assert kinds == {("addition", str(ARRIVED), True), ("addition", str(BOOKED), False)}
    close_to(house, END)
    compare(totals(house, END), right_money)
    passes(house)


def test_money_that_is_booked_with_the_correction_counts_from_the_day_it_came(tmp_path, right_money):
    house = wrong_house(tmp_path, RUNNING, None)
    correct(house, "".join(f"in-{name},flow,{ARRIVED},,{name},,,900000,,\n" for name in contracts()))
    lines = [f"late-{name},2026-12-11,deposit,,{sleeves[0]},900000," for name, (_, sleeves) in contracts().items()]
    load(house, events=EVENTS + "\n".join(lines) + "\n")
    close_to(house, END)
    compare(totals(house, END), right_money)
    fees = gather_house(house, END)["fees"].rows(named=True)
    late = [row for row in fees if row["kind"] == "addition" and row["charged_date"] >= Date(2026, 12, 11)]
    assert late == [], "the day that books the money prices it no second time"
    passes(house)


# ---- the first day


@pytest.mark.parametrize(("booked", "true"), [
    pytest.param(LATE, FIRST, id="earlier than booked"), pytest.param(FIRST, LATE, id="later than booked", marks=pytest.mark.fuzz),
])
def test_a_contract_that_began_on_another_day_is_charged_from_the_right_one(tmp_path, booked, true):
    names = [name for name, (program, _) in contracts().items() if program not in ("adjusted",)]
    folders = [tmp_path / side for side in ("right", "wrong")]
    for folder in folders:
        folder.mkdir()
    first = make(folders[0], lines=events(dict.fromkeys(names, true)), still=False)
    close_to(first, END)
    house = make(folders[1], lines=events(dict.fromkeys(names, booked)), still=False)
    close_to(house, CHARGED)
    report = correct(house, "".join(f"S-{name},start_date,{booked},,{name},,,,{true},\n" for name in names))
    moved = {of.contract_id: of.difference_yen for of in report.contracts}
    assert all(moved[name] for name in ("average1", "monthly1", "anniversary1", "advance1"))
    values, flows = corrected_values(house, CHARGED)
    charged = totals(house, CHARGED)
    for name in names:
        if contracts()[name][0] != "pockets":
            expected = slowly(name, values[name], flows[name], true, booked)
            assert charged[name] + moved[name] == expected, name
    close_to(house, END)
    found, expected = totals(house, END), totals(first, END)
    same = [name for name in names if contracts()[name][0] in IN_ARREARS]  # of the others the fees themselves were cash
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}
    passes(house)


def slowly(contract: str, values: dict, flows: dict, true: Date, booked: Date) -> int:
    """What a contract owes if it began on another day: before the books know it, it held what it held on its first evening."""
    history = [(day, *row) for day, row in values.items() if day >= true]
    if true < booked:
        history.insert(0, (true, *values[booked]))
    moved = [(day, yen) for day, yen in sorted(flows.items()) if day > max(true, booked)]
    told = charges(tomllib.loads(terms_of(contracts()[contract][0])), history, true, CHARGED, None, moved)
    return sum(-one["total_yen"] if one["kind"] == "refund" else one["total_yen"] for one in told)


def test_the_audit_of_the_export_knows_corrections(tmp_path):
    """Prices, money and first days corrected while periods ran: everything else in the export still follows from itself."""
    house = wrong_house(tmp_path, RUNNING)
    flow = f"F1,flow,{ARRIVED},,daily1,,,900000,,\nF2,flow,{BOOKED},,daily1,,,-900000,,\n"
    correct(house, nav() + flow + f"S1,start_date,{FIRST},,monthly1,,,,2026-08-20,\n")
    close_to(house, END)
    export_house(house, END, tmp_path / "export")
    result = audit(tmp_path / "export")
    wrong = [example for check in result.checks if check.differences for example in check.examples]
    assert [example for example in wrong if "adjusted" not in example] == [], "adjustments are no table of the export"
    assert any(check.name.startswith("fees: collected") and check.rows > 20 for check in result.checks)
