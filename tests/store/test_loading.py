"""Files of reference data: everything good goes in once, everything bad is refused with line, cause and cure."""

import json
from datetime import date

import polars as pl
import pytest
from sqlalchemy import select

from tests.store.files import FILES, MOMENT, TERMS, load, refusals, write
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.run.loading import load_files
from tsutsumi.store import audit, tables
from tsutsumi.store.database import HouseError, open_house, reading, transaction
from tsutsumi.store.kinds import KINDS, kind_of
from tsutsumi.store.load_events import NEEDS
from tsutsumi.store.manifest import lock_house
from tsutsumi.store.rows import insert_rows


@pytest.fixture
def filled(house):
    assert refusals(load(house, **FILES)) == []
    return house


def rows(house, name, *columns):
    table = tables.metadata.tables[name]
    with reading(house) as connection:
        query = select(*(table.c[column] for column in columns)).order_by(*table.primary_key.columns)
        return [tuple(row) for row in connection.execute(query)]


def close_through(house, day):
    insert_rows(house, "days", [{"date": day, "digest": "d"}])


def test_a_whole_house_goes_in_whatever_the_order_of_its_files(house):
    report = load(house, **dict(reversed(FILES.items())))
    assert (refusals(report), report.known) == ([], 0)
    assert [file.kind for file in report.files] == list(reversed(FILES))
    sleeves = [(1, "s1", 1, 1), (2, "s2", 1, 3), (3, "s3", 2, 1)]
    assert rows(house, "sleeves", "sleeve_no", "sleeve_id", "contract_no", "model_no") == sleeves
    assert rows(house, "model_weights", "model_no", "version", "line", "instrument_no", "child_model_no", "weight_ppm") == [
        (1, 1, 1, 1, None, 700000), (1, 1, 2, 2, None, 250000), (1, 1, 3, 0, None, 50000), (2, 1, 1, 2, None, 1000000),
        (3, 1, 1, None, 1, 600000), (3, 1, 2, None, 2, 400000),
    ]
    assert rows(house, "customers", "name", "birth_date") == [("山田 花子", date(1980, 2, 29)), ("佐藤 一郎", None)]
    assert rows(house, "program_models", "model_no", "offered") == [(1, True), (3, True)]
    deposit = (3, "deposit", 1, 1000000, None)
    assert rows(house, "events", "event_no", "kind", "sleeve_no", "amount_yen", "processed_date")[2] == deposit
    assert rows(house, "fee_terms", "terms_toml") == [(TERMS.strip(),)]
    assert rows(house, "instruments", "instrument_no", "cut_off", "daily_move_limit_ppm")[2] == (3, "15:30", 350000)


def test_files_loaded_again_change_nothing(filled):
    before = {name: rows(filled, name, *(column.name for column in KINDS[name].table.columns)) for name in KINDS}
    report = load(filled, **FILES)
    assert (report.accepted, report.refused) == (0, 0) and report.known == sum(map(len, before.values()))
    assert before == {name: rows(filled, name, *(column.name for column in KINDS[name].table.columns)) for name in KINDS}


def test_a_house_loaded_in_parts_is_the_same(house):
    for name in [name for name in KINDS if name in FILES and name != "model_versions"]:
        also = {"model_versions": FILES["model_versions"]} if name == "model_weights" else {}
        assert refusals(load(house, **also, **{name: FILES[name]})) == []
    assert load(house, **FILES).accepted == 0


def test_every_load_is_audited(filled):
    with reading(filled) as connection:
        assert audit.verify(connection) == []
        last = connection.execute(select(tables.audit).order_by(tables.audit.c.audit_no.desc())).first()
    assert (last.actor, last.action, last.recorded_at) == ("load", "load", MOMENT)
    payload = json.loads(last.payload)
    assert len(payload.pop("sha256")) == 64
    assert payload == {"accepted": 3, "file": "events.csv", "kind": "events", "known": 0, "refused": 0}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_of_any_usual_encoding_is_read(house, encoding, newline):
    path = house.folder.parent / "companies.csv"
    path.write_bytes(FILES["companies"].replace("\n", newline).encode(encoding))
    assert refusals(load_files(house, [path], MOMENT)) == []
    assert rows(house, "companies", "name") == [("銀行",), ("運用会社",), ("信託銀行",)]


def test_parquet_is_read_and_floating_point_is_not(filled, tmp_path):
    days, kinds = [date(2026, 8, 4)] * 2, ["deposit"] * 2
    frame = pl.DataFrame({"event_id": ["p1", "p2"], "date": days, "kind": kinds, "sleeve_id": ["s1", None], "amount_yen": [5, 6]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.with_columns(pl.col("amount_yen").cast(pl.Float64)).write_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and nothing else")
    report = load_files(filled, [tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "c.parquet"], MOMENT)
    assert report.accepted == 1
    lines = refusals(report)
    assert lines[0] == "line 3: sleeve_id: a deposit needs it, and it is missing: fill it in"
    assert "column amount_yen is floating point" in lines[1] and "cannot be read as Parquet" in lines[2]


ACCOUNT = "account_id,customer_id,custodian_id"
OFFERED = "program_id,model_id,valid_from_date,offered"
DAYS = "sleeve_id,kind,valid_from_date,amount_yen,days_of_month,bonus_months,bonus_yen"
DRAWN = "sleeve_id,valid_from_date,rule_kind,until_date,rate_ppm"
PLAYERS = "program_id,function,valid_from_date,company_id"
BAD_ROWS = [  # kind, header and row, what is said
    ("companies", "company_id,name\nbank,別名", "line 2: bank: the key is taken by other content: name was '銀行', now '別名'"),
    ("companies", "company_id,name\nnew,a\nnew,b", "line 3: new: the key is taken by other content"),
    ("companies", "company_id,name\n,a", "line 2: company_id: it is missing"),
    ("companies", "company_id,name\na b,a", "line 2: company_id: 'a b' is no id"),
    ("companies", "company_id,name\nx", "line 2: companies.csv: 1 fields where the header has 2"),
    ("companies", 'company_id,name\nx,"a', "line 2: companies.csv: the text after it cannot be read as CSV"),
    ("accounts", f"{ACCOUNT}\na9,c9,custodian", "line 2: customer_id: 'c9' is unknown in customers"),
    ("accounts", f"{ACCOUNT}\na9,c1,custodien", "did you mean custodian?"),
    ("accounts", f"{ACCOUNT},tax_class\na9,c1,custodian,x", "line 2: tax_class: 'x' is unknown: use one of"),
    ("contracts", "contract_id,account_id,customer_id,program_id\nk9,a1,c2,wrap", "line 2: account_id: a1 is not an account of c2"),
    ("instruments", "instrument_id,name,price_scale\nx,x,1.5", "line 2: price_scale: '1.5' is no whole number"),
    ("instruments", "instrument_id,name,price_scale\nx,x,7", "line 2: price_scale: 7 is out of range: give 0 to 6"),
    ("instruments", "instrument_id,name,cut_off\nx,x,25:00", "line 2: cut_off: '25:00' cannot be read: write it like 15:30"),
    ("customers", "customer_id,name,birth_date\nc9,x,1981-02-29", "line 2: birth_date: '1981-02-29' is no date"),
    ("splits", "instrument_id,date,old_units,new_units\neq,2026-08-08,1,2", "line 2: date: 2026-08-08 is no business day"),
    ("splits", "instrument_id,date,old_units,new_units\neq,1926-08-10,1,2", "line 2: date: 1926-08-10 is out of range"),
    ("companies", "company_id,name\nx,a\0b", "line 2: name: it holds a NUL character"),
    ("accounts", f"{ACCOUNT}\na9,c\0,custodian", "line 2: customer_id: it holds a NUL character"),
    ("splits", "instrument_id,date,old_units,new_units\neq,2026-08-10,0,2", "line 2: old_units: 0 is out of range"),
    ("plans", "sleeve_id,kind,valid_from_date,amount_yen\ns1,instalment,2026-09-01,-1", "line 2: amount_yen: -1 is out of range"),
    ("plans", f"{DAYS}\ns1,instalment,2026-09-01,1000,5;5,,0", "line 2: days_of_month: 5;5 names one of them twice"),
    ("plans", f"{DAYS}\ns1,instalment,2026-09-01,1000,32,,0", "line 2: days_of_month: '32' cannot be read: write it like 5;20"),
    ("plans", f"{DAYS}\ns1,instalment,2026-09-01,1000,5,6,0", "line 2: bonus_yen: bonus_months and bonus_yen belong together"),
    ("drawing_terms", f"{DRAWN}\ns1,2026-09-01,fixed-term,,0", "line 2: until_date: fixed-term has no last day"),
    ("drawing_terms", f"{DRAWN}\ns1,2026-09-01,annuity,2126-09-01,0", "line 2: until_date: 2126-09-01 is"),
    ("drawing_terms", f"{DRAWN}\ns1,2026-09-01,guardrails,2026-08-31,40000", "line 2: until_date: 2026-08-31 is before 2026-09-01"),
    ("drawing_terms", f"{DRAWN}\ns1,2026-09-01,fixed-percentage,,0", "line 2: rate_ppm: it is 0: nothing would ever be drawn"),
    ("drawing_terms", f"{DRAWN}\ns1,2026-09-01,fixed-percentage,,-1", "line 2: rule_kind: drawing rule fixed-percentage: rate"),
    ("drawing_terms", f"{DRAWN}\ns1,2026-09-01,merton,,0", "line 2: rule_kind: drawing rule merton: risk_ppm and aversion_ppm"),
    ("drawing_terms", f"{DRAWN}\ns1,2026-09-01,buckets,,0", "line 2: rule_kind: 'buckets' is unknown"),
    ("fee_terms", "fee_terms_id,valid_from_date,terms_toml\nx,2020-01-01,name = 'x'", "line 2: terms_toml: terms: [period] is"),
    ("program_models", f"{OFFERED}\nwrap,mix,2021-01-01,maybe", "line 2: offered: 'maybe' is unknown"),
    ("program_functions", f"{PLAYERS}\nwrap,E,2020-01-01,bank", "line 2: function: 'E' is unknown"),
]


def test_a_bad_row_is_refused_and_the_good_ones_stay(filled):
    for kind, text, line in BAD_ROWS:
        report = load(filled, **{kind: text + "\n"})
        assert line in refusals(report)[0] and report.refused == 1, text
        assert report.accepted == text.count("new,a"), text


BAD_RULES = [
    ("wrap,2026-09-01,0,10000,1000,none,manager", "minimum_trade_yen: 0 is out of range"),
    ("wrap,2026-09-01,1000,10000,1000,other,manager", "fee_terms_id: 'other' is unknown in fee_terms"),
    ("wrap,2019-01-01,1000,10000,1000,standard,manager", "fee_terms_id: standard start on 2020-01-01, the rule on 2019-01-01"),
    ("wrap,2020-01-01,2000,10000,1000,standard,manager", "a row is never edited; give the new row a later date"),
]


def test_a_bad_rule_is_refused(filled):
    header = FILES["program_rules"].splitlines()[0].replace("rebalance_months,", "")
    for rule, line in BAD_RULES:
        assert line in refusals(load(filled, rules=f"{header}\n{rule}\n"))[0]


@pytest.mark.parametrize(("after", "most"), [(3, 0), (0, 2)])
def test_retries_of_a_debit_need_a_day_and_a_number(filled, after, most):
    header = FILES["program_rules"].splitlines()[0].replace("rebalance_months,", "")
    rule = f"{header},retry_days,retry_count\nwrap,2026-09-01,1000,10000,1000,standard,manager,"
    assert "retry_days and retry_count belong together" in refusals(load(filled, rules=f"{rule}{after},{most}\n"))[0]
    assert refusals(load(filled, rules=f"{rule}3,2\n")) == []
    assert rows(filled, "program_rules", "retry_days", "retry_count") == [(0, 0), (3, 2)]


def test_shares_above_the_whole_are_refused(filled):
    header = "program_id,valid_from_date,company_id,share_ppm\n"
    shares = "wrap,2026-09-01,manager,600000\nwrap,2026-10-01,custodian,1\nwrap,2027-01-01,bank,399999\n"
    report = load(filled, shares=header + shares)
    assert report.accepted == 2
    assert "on 2026-10-01 would sum to 1,000,001 ppm" in refusals(report)[0]


WEIGHTS = "model_id,version,instrument_id,child_model_id,weight_ppm\n"
VERSIONS = "model_id,version,effective_date,proposed_by,approved_by\n"


BAD_WEIGHTS = [
    ("growth,2,eq,,990000\n", "its weights sum to 990,000 ppm, not 1,000,000 (100 %): mend the weights"),
    ("growth,2,eq,,1000001\n", "weight_ppm: 1000001 is out of range"),
    ("growth,2,eq,,600000\ngrowth,2,gold,,400000\n", "'gold' is unknown in instruments"),
    ("growth,2,eq,,600000\ngrowth,2,eq,,400000\n", "it names an instrument or a model twice"),
    ("growth,2,eq,mix,1000000\n", "names both an instrument and a model"),
    ("growth,2,,,1000000\n", "names both an instrument and a model, or none"),
    ("growth,2,,growth,1000000\n", "the model would hold itself"),
    ("growth,2,,mix,1000000\n", "the model would hold itself, through the models in it"),
    ("growth,3,eq,,1000000\n", "the version is not registered, or was refused"),
    ("growth,1,eq,,1000000\n", "it has other weights already: a version is never edited: register the next version"),
]


def test_a_version_whose_weights_are_wrong_is_refused_whole(filled):
    for weights, line in BAD_WEIGHTS:
        report = load(filled, versions=VERSIONS + "growth,2,2026-09-01,tanaka,suzuki\n", weights=WEIGHTS + weights)
        assert any(line in refusal for refusal in refusals(report)), refusals(report)
        assert report.accepted == 0
        assert "growth version 2: it has no weights: load its model_weights in the same command" in refusals(report)[0]
        assert rows(filled, "model_versions", "version") == [(1,)] * 3
        assert len(rows(filled, "model_weights", "line")) == 6


def test_models_in_a_circle_of_one_file_are_refused_and_the_others_kept(filled):
    names = ("growth", "income", "mix")
    versions = VERSIONS + "".join(f"{name},2,2026-09-01,tanaka,suzuki\n" for name in names)
    weights = WEIGHTS + "mix,2,,growth,1000000\ngrowth,2,,income,1000000\nincome,2,,growth,1000000\n"
    report = load(filled, versions=versions, weights=weights)
    lines = refusals(report)
    assert sum("the model would hold itself" in line for line in lines) == 2
    assert report.files[1].accepted == 1 and report.files[0].accepted == 1  # mix holds growth as it is in version 1


def test_a_model_holds_only_models_in_force(filled):
    models = "model_id,name,manager_id\nlate,遅い,manager\nholder,親,manager\n"
    versions = VERSIONS + "late,1,2026-10-01,a,b\nholder,1,2026-09-01,a,b\n"
    report = load(filled, models=models, versions=versions, weights=WEIGHTS + "holder,1,,late,1000000\nlate,1,eq,,1000000\n")
    assert any("model late in it has no weights in force on 2026-09-01" in line for line in refusals(report))
    assert len(rows(filled, "model_versions", "version")) == 4


def test_a_version_needs_a_second_person(filled):
    report = load(filled, versions=VERSIONS + "growth,2,2026-09-01,tanaka,tanaka\n", weights=WEIGHTS + "growth,2,eq,,1000000\n")
    assert "line 2: approved_by: tanaka proposed it too: let a second person approve it" in refusals(report)
    report = load(filled, versions=VERSIONS + "growth,2,2026-09-01,tanaka,\n")
    assert "line 2: approved_by: it is missing: fill it in" in refusals(report)


def test_what_was_approved_has_a_hash(filled):
    hashes = rows(filled, "model_versions", "content_hash")
    assert len(set(hashes)) == 3 and all(len(one) == 64 for one, in hashes)


LATE = [
    ("versions", VERSIONS + "growth,2,2026-08-10,tanaka,suzuki\n"),
    ("holidays", "calendar_id,date,name\nUS,2026-07-03,x\n"),
    ("shares", "program_id,valid_from_date,company_id,share_ppm\nwrap,2026-08-10,bank,1\n"),
    ("events", "event_id,date,kind,sleeve_id,amount_yen\nlate,2026-08-10,deposit,s1,5\n"),
    ("splits", "instrument_id,date,old_units,new_units\neq,2026-08-10,1,2\n"),
]


def test_nothing_is_dated_into_a_closed_day(filled):
    close_through(filled, date(2026, 8, 10))
    for kind, text in LATE:
        report = load(filled, **{kind: text})
        assert report.accepted == 0 and "the day is closed: give a date after 2026-08-10" in refusals(report)[0]
    assert load(filled, **FILES).refused == 0  # what the days have used may come again


EVENTS = "event_id,date,kind,contract_id,sleeve_id,target_sleeve_id,model_id,instrument_id,amount_yen,units,note\n"


BAD_EVENTS = [
    ("e3,2026-08-03,deposit,,s1,,,,999,,", "e3: the key is taken by other content: amount_yen was 1000000, now '999'"),
    ("n,2026-08-03,gift,,s1,,,,5,,", "kind: 'gift' is unknown: use one of contract_opened, sleeve_opened"),
    ("n,2026-08-03,deposit,,s9,,,,5,,", "sleeve_id: 's9' is unknown in sleeves"),
    ("n,2026-08-03,deposit,,s1,,,,5.5,,", "amount_yen: '5.5' is no whole number"),
    ("n,2026-08-03,deposit,,s1,,,,0,,", "amount_yen: 0 is not above zero"),
    ("n,2026-08-03,deposit,,s1,,,,-5,,", "amount_yen: -5 is not above zero"),
    ("n,2026-08-03,deposit,,s1,,,,,,", "amount_yen: a deposit needs it, and it is missing"),
    ("n,2026-08-03,deposit,,s1,,,,５,,", "amount_yen: '５' is no whole number"),
    ("n,2026-08-03,deposit,,s1,,,,1000000000001,,", "amount_yen: 1000000000001 is out of range"),
    ("n,2026-08-03,deposit,,s1,,growth,,5,,", "model_id: 'growth' has no meaning for a deposit"),
    ("n,2026-08-03,deposit,k2,s1,,,,5,,", "contract_id: s1 is no sleeve of k2"),
    ("n,2026-02-30,deposit,,s1,,,,5,,", "date: '2026-02-30' is no date"),
    ("n,2026-08-03,transfer,,s1,,,,5,,", "target_sleeve_id: a transfer needs it"),
    ("n,2026-08-03,correction,,s1,,,,5,,", "note: a correction needs it"),
    ("n,2026-08-03,correction,,s1,,,eq,5,7,why", "correction: it corrects either yen or the units of one instrument"),
    ("n,2026-08-03,correction,,s1,,,eq,,,why", "correction: it corrects either yen or the units"),
]


def test_a_bad_event_is_refused(filled):
    for event, line in BAD_EVENTS:
        report = load(filled, events=f"{EVENTS}{event}\n")
        assert line in refusals(report)[0] and report.accepted == 0, event


def test_good_events_of_every_kind_are_taken(filled):
    says = {
        "contract_id": "k1", "sleeve_id": "s1", "target_sleeve_id": "s2", "model_id": "mix", "instrument_id": "eq",
        "amount_yen": "5", "units": "7", "note": "x",
    }
    lines = [EVENTS.strip()]
    for number, (kind, (must, _)) in enumerate(NEEDS.items()):
        must = must | {"correction": {"amount_yen"}, "withdrawal": {"sleeve_id"}}.get(kind, set())
        lines.append(",".join([f"n{number}", "2026-08-04", kind, *(text if name in must else "" for name, text in says.items())]))
    lines += ["m1,2026-08-04,correction,,s1,,,,-5,,down", "m2,2026-08-04,correction,k1,s1,,,eq,,-7,down"]
    report = load(filled, events="\n".join(lines))
    assert (refusals(report), report.accepted) == ([], len(NEEDS) + 2)


def test_the_same_event_twice_is_known(filled):
    report = load(filled, events="event_id,date,kind,sleeve_id,amount_yen\n" + "n,2026-08-03,deposit,s1,5\n" * 2)
    assert (report.accepted, report.known, report.refused) == (1, 1, 0)
    assert load(filled, events=EVENTS + "n,2026-08-03,deposit,,s1,,,,5,,\n").known == 1


def test_every_kind_of_event_is_known_to_the_close():
    assert set(NEEDS) == set(EVENT_KINDS) - {""}


def test_an_unknown_header_is_refused_with_the_nearest_one(filled):
    report = load(filled, bad="customer_id,nane,kana\nc9,x,y\n", twice="company_id,name,name\na,b,c\n", empty="")
    assert [file.kind for file in report.files] == ["unknown"] * 3 and report.accepted == 0
    lines = refusals(report)
    assert lines[0].startswith("line 1: bad.csv: its header 'customer_id,nane,kana' is none that can be loaded: ")
    assert "the nearest known header is customers: customer_id,name,kana" in lines[0]
    assert "nearest known header is companies" in lines[1] and "it is empty" in lines[2]


def test_bytes_that_are_no_text_are_refused(filled):
    path = filled.folder.parent / "x.csv"
    path.write_bytes(b"company_id,name\n\x81,\xff\xfe\n")
    assert "its text is neither UTF-8 nor CP932" in refusals(load_files(filled, [path], MOMENT))[0]


def test_every_header_is_recognised_in_any_order_with_or_without_its_options():
    for name, kind in KINDS.items():
        assert kind_of(tuple(reversed(kind.header))) == name == kind_of(tuple(kind.required))


def test_a_file_that_is_not_there_loads_nothing(house):
    paths = [*write(house.folder.parent, companies=FILES["companies"]), house.folder / "none.csv"]
    with pytest.raises(HouseError, match=r"none.csv: cannot be read: No such file .* nothing was loaded"):
        load_files(house, paths, MOMENT)
    assert rows(house, "companies", "name") == []


def test_a_load_waits_for_no_close(filled):
    with lock_house(filled.folder), pytest.raises(HouseError, match="close .* is at work in this house"):
        load(filled, companies="company_id,name\nx,x\n")


def test_two_houses_of_one_server_do_not_meet(filled):
    with transaction(open_house(filled.folder)) as connection:
        insert_rows(connection, "companies", [{"company_no": 4, "company_id": "x"}])
    assert len(rows(filled, "companies", "name")) == 4
