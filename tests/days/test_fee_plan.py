"""The plan of a change of fee terms is what a house that was changed then charges; two people make the change."""

import csv
import json
from collections import defaultdict
from datetime import date as Date
from functools import cache

import pytest
from sqlalchemy import select, update

from tests.days.still_house import (
    MOMENT,
    PROGRAMS,
    close_to,
    contracts,
    correct,
    events,
    nav,
    terms_of,
    wrong_house,
)
from tsutsumi.app.cli import run
from tsutsumi.run.export import gather_house
from tsutsumi.run.fee_plan import fee_plan
from tsutsumi.run.fee_proposals import TermsChange, approve_change, propose_change
from tsutsumi.run.history import rows_of
from tsutsumi.store import audit
from tsutsumi.store.database import HouseError, open_house, reading, transaction
from tsutsumi.store.tables import approvals, fee_terms, program_rules

FIRST_DAY, LAST_DAY = Date(2026, 10, 1), Date(2027, 9, 30)     # the four quarters that are compared
CLOSED, NEXT = Date(2027, 10, 4), Date(2027, 11, 1)
YOUNG = Date(2026, 9, 29)
LINES = [*events(), "t1,2027-03-01,terminated,average2,,,"]
LOW = "tiers = [[0, 13090], [5_000_000, 9900], [20_000_000, 3300]]"
TIERS = "tiers = [[0, 13090], [10_000_000, 12155], [30_000_000, 9350]]"
OTHERS = {  # other terms with the same highest rate: what is kept back for a fee, and so every order, stays the same
    "lower tiers": {"of": "average", "tiers": LOW}, "day by day": {"of": "average", "tiers": LOW, "measure": "daily"},
    "closing balance": {"of": "average", "measure": "closing"}, "by the month": {"of": "average", "length": "month", "tiers": LOW},
    "by the quarter": {"of": "monthly", "length": "quarter"}, "calendar": {"of": "anniversary", "align": "calendar", "tiers": LOW},
    "from the contract's day": {"of": "monthly", "align": "contract"}, "with adjustments": {"of": "adjusted", "tiers": LOW},
}


def other_terms(of: str, tiers: str = TIERS, **more) -> str:
    return terms_of(of, **more).replace(TIERS, tiers)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The house as it is, closed for more than a year."""
    return wrong_house(tmp_path_factory.mktemp("plan"), CLOSED, None, LINES)


def charged_in(house, first: Date, last: Date) -> dict[str, dict[tuple, int]]:
    """contract → (component, kind) → yen that counts in some quarters, from the exported table."""
    found = defaultdict(lambda: defaultdict(int))
    for row in _fees(house):
        counted = min(row["end_date"], max(row["start_date"], row["charged_date"]))
        if first <= counted <= last:
            yen = -row["fee_yen"] if row["kind"] == "refund" else row["fee_yen"]
            found[row["contract_id"]][row["component"], row["kind"]] += yen
    return {contract: dict(sums) for contract, sums in found.items()}


@cache
def _fees(house) -> list[dict]:
    return gather_house(house, CLOSED)["fees"].rows(named=True)


# ---- the plan


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_plan_of_the_terms_that_are_in_force_changes_nothing(house, program):
    plan = fee_plan(house, TermsChange(program, NEXT, terms_of(program)))
    assert (plan.first_date, plan.last_date) == (FIRST_DAY, LAST_DAY)
    wanted = [name for name, (of, _) in contracts().items() if of == program and name != "average2"]
    assert [of.contract_id for of in plan.contracts] == wanted, "what has ended is touched no more"
    told = charged_in(house, FIRST_DAY, LAST_DAY)
    for of in plan.contracts:
        assert of.charged == told[of.contract_id] == of.proposed and of.difference_yen == 0 and of.charged_yen > 0


@pytest.mark.parametrize("name", [
    name if place == 0 else pytest.param(name, marks=pytest.mark.fuzz) for place, name in enumerate(OTHERS)
])
def test_the_plan_is_what_a_house_that_was_changed_a_year_ago_has_charged_since(house, tmp_path, name):
    said = dict(OTHERS[name])
    program = said.pop("of")
    text = other_terms(program, **said)
    plan = fee_plan(house, TermsChange(program, NEXT, text))
    changed = wrong_house(tmp_path, YOUNG, None, LINES)
    proposal = propose_change(changed, TermsChange(program, Date(2026, 9, 30), text), "tanaka", MOMENT)
    approve_change(changed, proposal.approval_no, "suzuki", MOMENT, proposal.content_hash)
    close_to(changed, CLOSED)
    told = charged_in(changed, FIRST_DAY, LAST_DAY)
    assert plan.contracts and any(of.difference_yen for of in plan.contracts)
    for of in plan.contracts:
        if said.get("align") or program == "anniversary":  # the first period by the new terms begins elsewhere
            assert abs(of.proposed_yen - sum(told[of.contract_id].values())) <= of.charged_yen // 10
        else:
            assert of.proposed == told[of.contract_id], of.contract_id


def test_a_program_that_goes_over_to_other_terms_is_planned_from_its_next_period_on(house):
    plan = fee_plan(house, TermsChange("daily", Date(2027, 10, 20), "", "average"))
    assert {of.contract_id: of.effective_date for of in plan.contracts} == {"average1": Date(2028, 1, 1)}
    back = fee_plan(house, TermsChange("closing", Date(2027, 10, 20), "", "daily"))
    daily, closing = (charged_in(house, FIRST_DAY, LAST_DAY)[name] for name in ("daily1", "closing1"))
    assert back.contracts[0].charged == daily and back.contracts[0].effective_date == Date(2027, 11, 1)
    assert back.contracts[0].proposed.keys() == closing.keys() == {("wrap", "charge")}
    assert back.proposed_yen != back.charged_yen


def test_a_fee_in_advance_can_be_planned_for_one_in_arrears(house):
    text = terms_of("advance")
    plan = fee_plan(house, TermsChange("average", NEXT, text))
    assert {kind for _, kind in plan.contracts[0].proposed} == {"charge", "addition", "refund"}, "its flows are priced too"
    assert abs(plan.proposed_yen - plan.charged_yen) < plan.charged_yen // 20, "four quarters either way"


def test_rates_that_begin_with_the_change_are_planned_on_the_past(house):
    text = other_terms("monthly", LOW).replace("from = 2020-01-01", "from = 2027-11-01")
    later = text + '[[component.rates]]\nfrom = 2029-01-01\ntiers = [[0, 20000]]\n'
    same = fee_plan(house, TermsChange("monthly", NEXT, other_terms("monthly", LOW)))
    assert fee_plan(house, TermsChange("monthly", NEXT, text)).contracts == same.contracts
    told = fee_plan(house, TermsChange("monthly", NEXT, later))
    assert told.contracts == same.contracts and "2029-01-01" in told.warnings[0]


def test_a_plan_on_a_corrected_past_stands_on_it(tmp_path):
    house = wrong_house(tmp_path, Date(2027, 1, 20))
    correct(house, nav())
    close_to(house, Date(2027, 2, 1))
    for program in ("monthly", "average", "advance"):
        plan = fee_plan(house, TermsChange(program, NEXT, terms_of(program)))
        assert plan.contracts and all(of.difference_yen == 0 for of in plan.contracts), program


def test_a_whole_table_shows_its_cliff_and_who_stands_at_it(house):
    base = fee_plan(house, TermsChange("monthly", NEXT, terms_of("monthly"))).contracts[0].base_yen
    floor = base - 100_000
    text = other_terms("monthly", f"tiers = [[0, 13090], [{floor}, 9900]]")
    text = text.replace('kind = "balance"', 'kind = "balance"\ntiering = "whole"')
    plan = fee_plan(house, TermsChange("monthly", NEXT, text))
    (cliff,) = plan.cliffs
    assert (cliff.before_yen, cliff.after_yen) == (floor, floor + 1)
    assert (cliff.fee_before_yen, cliff.fee_after_yen) == (floor * 13090 // 10**6, (floor + 1) * 9900 // 10**6)
    assert plan.contracts[0].cliffs == (cliff,) and cliff.within(base) and "whole" in plan.warnings[0]
    above = text.replace(str(floor), str(base * 2))
    assert fee_plan(house, TermsChange("monthly", NEXT, above)).contracts[0].cliffs == ()


def test_the_plan_changes_nothing_in_the_house(house, capsys, tmp_path):
    def content() -> tuple:
        tables = rows_of(house, "fee_terms", "program_rules", "events", "approvals", "audit", "days", "day_files")
        return tables, {path: path.read_bytes() for path in sorted(house.books.glob("*/*"))}

    before, path = content(), tmp_path / "new.toml"
    path.write_text(other_terms("average", LOW), encoding="utf-8")
    told = ["fees", "plan", str(house.folder), "--terms-id", "average", "--terms", str(path), "--from", str(NEXT)]
    assert run([*told, "--json", "--to", str(tmp_path / "plan")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert content() == before
    assert found["difference_yen"] == sum(of["difference_yen"] for of in found["contracts"]) < 0
    assert found["difference_yen"] == sum(line["difference_yen"] for line in found["lines"])
    rows = list(csv.DictReader((tmp_path / "plan" / f"fee_plan_average_{NEXT}_contracts.csv").open(encoding="utf-8")))
    assert [row["contract_id"] for row in rows] == ["average1"] and int(rows[0]["difference_yen"]) == found["difference_yen"]
    assert json.loads((tmp_path / "plan" / f"fee_plan_average_{NEXT}.json").read_text(encoding="utf-8")) == found
    assert run(told) == 0
    text = capsys.readouterr().out
    assert "変更計画" in text and "下がる契約 largest falls" in text and found["content_hash"] in text


BAD = [
    (["--terms-id", "nobody"], "is unknown on that day: name the --program"),
    (["--terms-id", "average", "--from", "2027-10-04"], "the day is closed: give a date after 2027-10-04"),
    (["--terms-id", "average", "--program", "gold"], "--program 'gold' is unknown"),
    (["--terms-id", "average", "--from", "soon"], "--from 'soon' is no date"),
    (["--terms-id", "average", "--terms", "none.toml"], "cannot be read"),
    (["--terms-id", "average", "--no-terms"], "--terms is missing"),
]


@pytest.mark.parametrize(("more", "why"), BAD, ids=[why[:30] for _, why in BAD])
@pytest.mark.parametrize("command", ["plan", "propose"])
def test_what_cannot_be_changed_is_refused_in_one_line(house, capsys, tmp_path, command, more, why):
    path = tmp_path / "new.toml"
    path.write_text(terms_of("average"), encoding="utf-8")
    said = ["fees", command, str(house.folder), *([] if command == "plan" else ["--by", "tanaka"])]
    if "--no-terms" in more:
        more = [word for word in more if word != "--no-terms"]
    elif "--terms" not in more:
        more = [*more, "--terms", str(path)]
    assert run([*said, *more, *([] if "--from" in more else ["--from", str(NEXT)])]) == 2
    text = capsys.readouterr().err
    assert why in text and text.count("\n") == 1, text


def test_terms_that_cannot_be_read_are_refused(house, capsys, tmp_path):
    path = tmp_path / "new.toml"
    path.write_text(terms_of("average").replace('to = "down"', 'to = "sideways"'), encoding="utf-8")
    assert run(["fees", "plan", str(house.folder), "--terms-id", "average", "--terms", str(path), "--from", str(NEXT)]) == 2
    assert "sideways" in capsys.readouterr().err


def test_a_house_without_a_charged_quarter_has_no_plan(tmp_path):
    house = wrong_house(tmp_path, YOUNG, None)
    with pytest.raises(HouseError, match="no quarter is charged to its end yet"):
        fee_plan(house, TermsChange("average", NEXT, terms_of("average")))


# ---- two people


@pytest.fixture
def young(tmp_path):
    """A house closed for two months."""
    return wrong_house(tmp_path, YOUNG, None)


CHANGE = TermsChange("average", FIRST_DAY, other_terms("average", LOW))


def test_two_people_make_a_change_and_the_house_charges_by_it(young):
    proposal = propose_change(young, CHANGE, "tanaka", MOMENT)
    before = rows_of(young, "fee_terms", "program_rules")
    for name in ("tanaka", " Tanaka ", "ＴＡＮＡＫＡ"):
        with pytest.raises(HouseError, match="another person must approve"):
            approve_change(young, proposal.approval_no, name, MOMENT)
    with pytest.raises(HouseError, match="nobody is named"):
        approve_change(young, proposal.approval_no, " ", MOMENT)
    with pytest.raises(HouseError, match="its hash is"):
        approve_change(young, proposal.approval_no, "suzuki", MOMENT, "0" * 16)
    assert rows_of(young, "fee_terms", "program_rules") == before, "a refused approval writes nothing"
    _, written = approve_change(young, proposal.approval_no, "suzuki", MOMENT, proposal.content_hash[:12])
    assert written == ["fee_terms"]
    with reading(young) as connection:
        row = connection.execute(select(fee_terms).where(fee_terms.c.valid_from_date == FIRST_DAY)).one()
        assert (row.fee_terms_id, row.terms_toml, row.approved_by) == ("average", CHANGE.terms_toml.strip(), "suzuki")
        assert "tanaka" in row.source and proposal.content_hash[:16] in row.source
        assert audit.verify(connection) == []
    told = [(row["actor"], row["action"]) for row in rows_of(young, "audit")["audit"]][-2:]
    assert told == [("tanaka", "propose"), ("suzuki", "approve")]
    with pytest.raises(HouseError, match="was approved by suzuki"):
        approve_change(young, proposal.approval_no, "ito", MOMENT)
    close_to(young, Date(2027, 1, 6))
    fees = [row for row in gather_house(young, Date(2027, 1, 6))["fees"].rows(named=True) if row["contract_id"] == "average1"]
    days = [(row["end_date"] - row["start_date"]).days + 1 for row in fees]
    rates = [row["fee_yen"] * 365 * 10**6 // row["base_yen"] // count for row, count in zip(fees, days, strict=True)]
    assert [str(row["start_date"]) for row in fees] == ["2026-08-03", "2026-10-01"] and rates[0] > 12_500 > 11_500 > rates[1]


def test_what_was_changed_after_it_was_proposed_is_refused(young):
    proposal = propose_change(young, CHANGE, "tanaka", MOMENT)
    with transaction(young) as connection:
        content = audit.canonical(proposal.content | {"terms_toml": terms_of("average")})
        connection.execute(update(approvals).where(approvals.c.approval_no == proposal.approval_no).values(content=content))
    with pytest.raises(HouseError, match="its content is not what was proposed"):
        approve_change(young, proposal.approval_no, "suzuki", MOMENT)


def test_a_change_that_comes_too_late_or_twice_is_refused(young):
    first = propose_change(young, CHANGE, "tanaka", MOMENT)
    with pytest.raises(HouseError, match="is the same and still open"):
        propose_change(young, CHANGE, "ito", MOMENT)
    other = propose_change(young, TermsChange("average", FIRST_DAY, terms_of("monthly")), "ito", MOMENT)
    approve_change(young, first.approval_no, "suzuki", MOMENT)
    with pytest.raises(HouseError, match="has a version of that date"):
        approve_change(young, other.approval_no, "suzuki", MOMENT)
    late = propose_change(young, TermsChange("daily", FIRST_DAY, terms_of("monthly")), "ito", MOMENT)
    close_to(young, Date(2026, 10, 2))
    with pytest.raises(HouseError, match="the day is closed: give a date after 2026-10-02"):
        approve_change(young, late.approval_no, "suzuki", MOMENT)
    with pytest.raises(HouseError, match="proposal 99 is unknown"):
        approve_change(young, 99, "suzuki", MOMENT)


def test_a_program_goes_over_to_other_terms_with_the_rest_of_its_rules(young, capsys):
    said = [str(young.folder), "--terms-id", "daily", "--from", "2026-10-01", "--program", "average"]
    assert run(["fees", "propose", *said, "--by", "tanaka", "--json"]) == 0
    number = json.loads(capsys.readouterr().out)["proposal"]
    assert run(["fees", "approve", str(young.folder), str(number), "--by", "suzuki"]) == 0
    with reading(young) as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(program_rules)) if row.program_no == 1]
    old, new = sorted(rows, key=lambda row: row["valid_from_date"])
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {"valid_from_date", "fee_terms_id", "source", "approved_by", "recorded_at"} - (
        set() if old["recorded_at"] != new["recorded_at"] else {"recorded_at"})
    assert (new["fee_terms_id"], new["approved_by"]) == ("daily", "suzuki")
    close_to(young, Date(2026, 11, 4))
    fees = [row for row in gather_house(young, Date(2026, 11, 4))["fees"].rows(named=True) if row["contract_id"] == "average1"]
    assert [(str(row["start_date"]), str(row["end_date"]), row["fee_terms_id"]) for row in fees] == [
        ("2026-08-03", "2026-09-30", "average"), ("2026-10-01", "2026-10-31", "daily")]


def test_the_list_tells_what_is_open_approved_and_overtaken(young, capsys):
    first = propose_change(young, CHANGE, "tanaka", MOMENT)
    propose_change(young, TermsChange("daily", FIRST_DAY, terms_of("monthly")), "ito", MOMENT)
    approve_change(young, first.approval_no, "suzuki", MOMENT)
    propose_change(young, TermsChange("closing", Date(2027, 1, 1), terms_of("monthly")), "ito", MOMENT)
    close_to(young, Date(2026, 10, 1))
    assert run(["fees", "proposals", str(young.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["state"].split()[0] for row in told] == ["approved", "overtaken", "open"]
    assert told[0]["approved_by"] == "suzuki" and told[0]["content_hash"] == first.content_hash
    assert run(["fees", "proposals", str(young.folder)]) == 0 and "承認済み" in capsys.readouterr().out


def test_a_house_of_the_version_before_gets_the_new_tables_and_columns(young):
    with transaction(young) as connection:
        for table in ("fee_corrections", "fee_states"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        for table, column in (("approvals", "content"), ("approvals", "approved_at"), ("fee_terms", "source")):
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.exec_driver_sql("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    young.engine.dispose()
    house = open_house(young.folder)
    proposal = propose_change(house, CHANGE, "tanaka", MOMENT)
    approve_change(house, proposal.approval_no, "suzuki", MOMENT)
    close_to(house, Date(2026, 10, 1))
    assert rows_of(house, "fee_corrections", "fee_states") == {"fee_corrections": [], "fee_states": []}
