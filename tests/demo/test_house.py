"""The rows of the sample house: they fit the schema and each other, obey the house's own rules, and repeat exactly."""

import tomllib
from collections import defaultdict
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import BigInteger, Boolean, Date, Integer, create_engine, func, select

from tsutsumi.core.calendar import business_days, epoch_day, is_business_day
from tsutsumi.core.drawing_order import ORDER_KINDS
from tsutsumi.core.drawing_rules import KINDS, rule_of
from tsutsumi.core.fee_terms import parse_terms
from tsutsumi.demo.common_window import roles
from tsutsumi.demo.drawing_terms import DEFAULTS
from tsutsumi.demo.house import build_rows, crisis_months
from tsutsumi.demo.life import REFUSED_NOTES
from tsutsumi.demo.price_series import FxSeries, Series
from tsutsumi.demo.programs import PROGRAMS, Life, Rulebook
from tsutsumi.demo.series import FIRST_DATE, LAST_DATE, demo_market
from tsutsumi.store.tables import metadata

FIRST, THROUGH = date(2018, 4, 2), date(2020, 9, 30)
REFERENCES = {          # column -> the table that it points to; 0 or none where nothing is meant
    "customer_no": "customers", "account_no": "accounts", "contract_no": "contracts", "sleeve_no": "sleeves",
    "target_sleeve_no": "sleeves", "program_no": "programs", "model_no": "models", "child_model_no": "models",
    "instrument_no": "instruments", "company_no": "companies", "custodian_no": "companies", "manager_no": "companies",
    "remainder_company_no": "companies",
}
KEYS = {table.name: [column.name for column in table.primary_key.columns] for table in metadata.sorted_tables}
NUMBERED = {name: keys[0] for name, keys in KEYS.items() if len(keys) == 1}


def fake_fund(code: str, swing_ppm: int, **terms) -> Series:
    """A fund whose price swings by so many ppm up and down from day to day."""
    days = np.array([epoch_day(day) for day in business_days(FIRST - timedelta(days=30), THROUGH)], dtype=np.int32)
    prices = np.where(np.arange(len(days)) % 2, 10_000_000 + 10 * swing_ppm, 10_000_000).astype(np.int64)
    values = {"currency": "JPY", "price_scale": 3, "price_base_units": 10_000, "kind": "fund", "real": False} | terms
    return Series(code, f"見本ファンド {code}", f"Sample fund {code}", "foreign-equity", provenance="generated: a swing",
                  dates=days, prices=prices, **values)


def fake_market(*swings_ppm: int, **terms) -> SimpleNamespace:
    return SimpleNamespace(series=[fake_fund(f"fund-{n}", swing, **terms) for n, swing in enumerate(swings_ppm)], fx=[])


@pytest.fixture(scope="module")
def market():
    return demo_market()


@pytest.fixture(scope="module")
def rows(market) -> dict[str, list[dict]]:
    return build_rows(market, first=FIRST_DATE, through=LAST_DATE)


def number_of(rows: dict, table: str) -> dict[int, dict]:
    return {row[NUMBERED[table]]: row for row in rows[table]}


def assert_fits_schema(rows: dict[str, list[dict]]) -> None:
    assert set(rows) == {table.name for table in metadata.sorted_tables}
    for table in metadata.sorted_tables:
        names = {column.name for column in table.columns}
        for row in rows[table.name]:
            assert set(row) == names, table.name
        for column in table.columns:
            kind = bool if isinstance(column.type, Boolean) else int if isinstance(column.type, Integer | BigInteger) else str
            kind = date if isinstance(column.type, Date) else kind
            wrong = [row[column.name] for row in rows[table.name] if type(row[column.name]) is not kind]
            assert not any(value is not None or not column.nullable for value in wrong), (table.name, column.name, wrong[:3])


def assert_references(rows: dict[str, list[dict]]) -> None:
    for table in ("companies", "instruments", "models", "programs", "customers", "accounts", "contracts", "sleeves", "events"):
        assert [row[NUMBERED[table]] for row in rows[table]] == list(range(1, len(rows[table]) + 1)), table
    for table, found in rows.items():
        for column, target in REFERENCES.items():
            least = 0 if table == "events" or (table, column) == ("model_weights", "instrument_no") else 1
            known = len(rows[target])
            named = {row[column] for row in found if row.get(column) is not None}
            assert all(least <= number <= known for number in named), (table, column)


def resolved(rows: dict, model_no: int, day: date, part: int = 1_000_000) -> dict[int, int]:
    """The weights of a model on a day down to instruments, exact or not at all."""
    in_force = max(row["version"] for row in rows["model_versions"] if row["model_no"] == model_no and row["effective_date"] <= day)
    found: dict[int, int] = defaultdict(int)
    for row in rows["model_weights"]:
        if (row["model_no"], row["version"]) != (model_no, in_force):
            continue
        assert (row["instrument_no"] is None) != (row["child_model_no"] is None)
        weight, rest = divmod(part * row["weight_ppm"], 1_000_000)
        assert rest == 0
        child = row["child_model_no"]
        inside = {row["instrument_no"]: weight} if child is None else resolved(rows, child, day, weight)
        for number, value in inside.items():
            found[number] += value
    return found


def assert_models(rows: dict) -> None:
    assert len(rows["models"]) == 20
    offered = {row["model_no"] for row in rows["program_models"]}
    for row in rows["model_versions"]:
        assert is_business_day(row["effective_date"]) and row["approved_by"] != row["proposed_by"]
        weights = resolved(rows, row["model_no"], row["effective_date"])
        assert sum(weights.values()) == 1_000_000 and min(weights.values()) > 0
        assert 10_000 <= weights[0] <= 30_000
    assert offered == {row["model_no"] for row in rows["models"]}


def refused(rows: dict) -> list[dict]:
    """The events that the rules of docs/close.md §5 refuse, the value of a sleeve taken as what was paid into it."""
    book = Rulebook(rows["program_rules"], rows["program_models"])
    contracts, sleeves = number_of(rows, "contracts"), number_of(rows, "sleeves")
    opened, closing, paid, found = set(), set(), defaultdict(int), []
    for row in rows["plans"]:       # an upper bound: every month of the house pays
        months = (LAST_DATE.year - FIRST_DATE.year + 1) * 12
        paid[row["sleeve_no"]] += row["amount_yen"] * months if row["kind"] == "instalment" else 0
    for row in rows["events"]:
        if row["kind"] == "withdrawal" and not row["sleeve_no"]:
            continue  # of a contract, an account or a customer: test_who_pays_first_is_ruled_for_those_who_draw
        contract, kind, sleeve_no = contracts[row["contract_no"]], row["kind"], row["sleeve_no"]
        rule = book.rule(contract["program_no"], row["date"])
        key = ("sleeve", sleeve_no) if sleeve_no else ("contract", row["contract_no"])
        good = not sleeve_no or sleeves[sleeve_no]["contract_no"] == row["contract_no"]
        if kind in ("contract_opened", "sleeve_opened"):
            good &= key not in opened and (kind == "contract_opened" or ("contract", row["contract_no"]) in opened)
            opened.add(key)
        else:
            good &= key in opened and key not in closing
        if row["model_no"]:
            good &= row["model_no"] in book.offered(contract["program_no"], row["date"])
        if kind == "deposit":
            good &= row["amount_yen"] >= rule["minimum_deposit_yen"]
        if row["target_sleeve_no"]:
            target = sleeves[row["target_sleeve_no"]]
            good &= ("sleeve", target["sleeve_no"]) in opened and ("sleeve", target["sleeve_no"]) not in closing
            good &= contracts[target["contract_no"]]["account_no"] == contract["account_no"]
        if kind in ("withdrawal", "transfer"):
            good &= 0 < row["amount_yen"] <= paid[sleeve_no] * 9 // 10
        if not good:
            found.append(row)
            continue
        own = [number for number, sleeve in sleeves.items() if sleeve["contract_no"] == row["contract_no"]]
        if kind in ("sleeve_closed", "terminated"):
            closing |= {key} | ({("sleeve", number) for number in own} if kind == "terminated" else set())
            if kind == "sleeve_closed":
                assert any(("sleeve", number) in opened and ("sleeve", number) not in closing for number in own)
        paid[sleeve_no] += {"deposit": 1, "withdrawal": -1, "transfer": -1}.get(kind, 0) * row["amount_yen"]
        if row["target_sleeve_no"]:
            paid[row["target_sleeve_no"]] += row["amount_yen"] if kind == "transfer" else max(0, paid[sleeve_no])
    return found


def test_rows_fit_the_schema_and_each_other(rows):
    assert_fits_schema(rows)
    assert_references(rows)


def test_rows_can_be_inserted(rows):
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if rows[table.name]:
                connection.execute(table.insert(), rows[table.name])
        for table in metadata.sorted_tables:
            assert connection.execute(select(func.count()).select_from(table)).scalar() == len(rows[table.name])
    engine.dispose()


def test_the_house_is_large_and_varied(rows):
    kinds = {row["kind"] for row in rows["events"]}
    assert kinds == {
        "contract_opened", "sleeve_opened", "deposit", "withdrawal", "transfer", "strategy_changed", "sleeve_closed", "terminated",
    }
    assert len(rows["customers"]) == 500 and len(rows["companies"]) >= 6 and len(rows["programs"]) == 4
    assert len(rows["accounts"]) < len(rows["contracts"]) < len(rows["sleeves"])
    assert 125 <= len(rows["sleeves"]) * 100 // len(rows["contracts"]) <= 145
    opened = {row["sleeve_no"]: row["date"] for row in rows["events"] if row["kind"] == "sleeve_opened"}
    sleeves = defaultdict(set)
    for row in rows["sleeves"]:
        if opened[row["sleeve_no"]] == FIRST_DATE:
            sleeves[row["contract_no"]].add(row["sleeve_no"])
    assert sum(len(own) > 1 for own in sleeves.values()) >= 50 and max(map(len, sleeves.values())) == 3
    amounts = [row["amount_yen"] for row in rows["plans"] if row["kind"] == "instalment" and row["amount_yen"]]
    assert amounts.count(1_000) >= 5 and max(amounts) == 200_000
    assert any(row["kind"] == "drawing" for row in rows["plans"])
    assert len({row["custodian_no"] for row in rows["accounts"]}) == 2
    assert {row["instrument_no"] for row in rows["model_weights"]} >= set(range(len(rows["instruments"]) + 1))


def test_people_have_names_kana_and_plausible_ages(rows):
    for row in rows["customers"]:
        assert all("ァ" <= letter <= "ー" for part in row["kana"].split(" ") for letter in part), row["kana"]
        assert len(row["name"].split(" ")) == 2 and row["note"]
        born = row["birth_date"]
        age = FIRST_DATE.year - born.year - ((FIRST_DATE.month, FIRST_DATE.day) < (born.month, born.day))
        assert 22 <= age <= 88
    assert len({row["name"] for row in rows["customers"]}) > 300


def test_models_sum_exactly_and_are_approved_by_another(rows):
    assert_models(rows)
    assert any(row["child_model_no"] for row in rows["model_weights"])
    assert min(len([row for row in rows["model_versions"] if row["model_no"] == number]) for number in range(1, 21)) >= 5
    hashes = {row["content_hash"] for row in rows["model_versions"]}
    assert {row["content_hash"] for row in rows["approvals"]} == hashes and len(hashes) == len(rows["model_versions"])


def test_rules_change_inside_the_window_and_fee_terms_parse(rows):
    dates = defaultdict(list)
    for row in rows["program_rules"]:
        dates[row["program_no"]].append(row["valid_from_date"])
        shares = [r for r in rows["program_shares"] if r["program_no"] == row["program_no"]]
        for day in {r["valid_from_date"] for r in shares}:
            assert sum(r["share_ppm"] for r in shares if r["valid_from_date"] == day) <= 1_000_000
            assert row["remainder_company_no"] not in {r["company_no"] for r in shares if r["valid_from_date"] == day}
    assert all(own[0] < FIRST_DATE < own[1] <= LAST_DATE for own in dates.values())
    terms = [parse_terms(row["terms_toml"]) for row in rows["fee_terms"]]
    used = {row["fee_terms_id"] for table in ("program_rules", "contract_fee_terms") for row in rows[table]}
    assert {row["fee_terms_id"] for row in rows["fee_terms"]} == used
    assert {one.warnings for one in terms} == {()} and {one.measure for one in terms} == {"average", "daily"}
    assert sorted(one.tax for one in terms) == ["added", "included", "included", "included", "included"]
    assert [len(one.performance) for one in terms].count(1) == 1
    assert any(FIRST_DATE < rate.from_date <= LAST_DATE for one in terms for part in one.components for rate in part.rates)
    assert all(tomllib.loads(row["terms_toml"])["component"] for row in rows["fee_terms"])


def test_every_contract_names_its_companies(rows):
    parties = defaultdict(dict)
    for row in rows["contract_parties"]:
        parties[row["contract_no"]][row["function"]] = row["company_no"]
    accounts = number_of(rows, "accounts")
    for row in rows["contracts"]:
        own = parties[row["contract_no"]]
        assert tuple(own[function] for function in "ABCD") == PROGRAMS[row["program_no"] - 1].companies
        assert accounts[row["account_no"]]["custodian_no"] == own["B"]
        assert accounts[row["account_no"]]["customer_no"] == row["customer_no"]


def test_events_lie_on_business_days_in_order_and_only_the_planted_ones_are_refused(rows):
    days = [row["date"] for row in rows["events"]]
    assert days == sorted(days) and FIRST_DATE == days[0] and days[-1] <= LAST_DATE
    assert all(is_business_day(day) for day in set(days))
    assert len({row["event_id"] for row in rows["events"]}) == len(days)
    planted = [row["event_id"] for row in rows["events"] if row["note"] in REFUSED_NOTES]
    assert sorted(row["event_id"] for row in refused(rows)) == sorted(planted)
    assert 4 <= len(planted) <= 8
    assert any(row["event_id"] == f"deposit-S{row['sleeve_no']:06d}-{row['date']}" for row in rows["events"])


def test_who_pays_first_is_ruled_for_those_who_draw(rows):
    sleeves = {row["sleeve_id"]: row for row in rows["sleeves"]}
    drawing = {sleeves[f"S{row['sleeve_no']:06d}"]["contract_no"] for row in rows["plans"] if row["kind"] == "drawing"}
    orders = {row["contract_no"]: row for row in rows["drawing_orders"]}
    assert set(orders) <= drawing and {row["order_kind"] for row in orders.values()} == set(ORDER_KINDS)
    assert {row["drawings_kind"] for row in orders.values()} == {"own", "order"}
    named = {number: row["sleeve_ids"] for number, row in orders.items() if row["sleeve_ids"]}
    assert named and all(sleeves[name]["contract_no"] == number for number, name in named.items())
    assert 10 < len(rows["account_orders"]) < 100
    shared = [row for row in rows["events"] if row["kind"] == "withdrawal" and not row["sleeve_no"]]
    assert all(row["amount_yen"] > 0 and sum(row[name] > 0 for name in ("contract_no", "account_no", "customer_no")) == 1
               for row in shared)
    assert {name for row in shared for name in ("contract_no", "account_no", "customer_no") if row[name]} == {
        "contract_no", "account_no", "customer_no"}


def test_customers_draw_by_terms_of_every_kind_with_every_column_used(rows):
    terms = rows["drawing_terms"]
    assert {row["rule_kind"] for row in terms} == set(KINDS)
    used = {name for name in terms[0] for row in terms if row[name] not in (None, "", DEFAULTS.get(name, 0))}
    assert used == set(terms[0]) and {row["timing"] for row in terms} == {"start", "end"}
    plans = {row["sleeve_no"] for row in rows["plans"] if row["kind"] == "drawing"}
    assert {row["sleeve_no"] for row in terms} < plans, "others draw by their plan alone"
    by_sleeve = defaultdict(list)
    for row in terms:
        rule_of(row)
        by_sleeve[row["sleeve_no"]].append(row)
    assert any(rule_of(row) is None for row in terms), "some pause"
    assert any(len({row["rule_kind"] for row in of}) > 1 for of in by_sleeve.values()), "some change to another rule"
    ended = [row for row in terms if row["until_date"] and row["until_date"] <= LAST_DATE]
    assert ended and all(row["until_date"] is not None for row in terms if row["rule_kind"] in ("fixed-term", "annuity"))


def test_plans_obey_the_minimum_and_stop_with_the_sleeve(rows):
    book = Rulebook(rows["program_rules"], rows["program_models"])
    contracts, sleeves = number_of(rows, "contracts"), number_of(rows, "sleeves")
    ended = {row["contract_no"]: row["date"] for row in rows["events"] if row["kind"] == "terminated"}
    last = {}
    for row in rows["plans"]:
        contract_no = sleeves[row["sleeve_no"]]["contract_no"]
        least = book.rule(contracts[contract_no]["program_no"], row["valid_from_date"])["minimum_instalment_yen"]
        assert row["amount_yen"] == 0 or row["kind"] == "drawing" or row["amount_yen"] >= least
        last[row["sleeve_no"], row["kind"]] = (row["valid_from_date"], row["amount_yen"], contract_no)
    for day, amount, contract_no in last.values():
        assert contract_no not in ended or (amount == 0 and day <= ended[contract_no])


def test_crisis_months_follow_the_falls_and_bring_withdrawals(market, rows):
    wild = [one for one in market.series if roles([one])[one.code].kind in ("growth", "aggressive")]
    months = crisis_months(wild, Life(FIRST_DATE, LAST_DATE))
    assert date(2020, 4, 1) in months
    asked = [row["date"].replace(day=1) for row in rows["events"] if row["kind"] == "withdrawal"]
    in_crisis = sum(month in months for month in asked) * 10 // len(months)
    assert in_crisis > (len(asked) * 10) // 72


def test_same_seed_same_rows(market, rows):
    assert build_rows(market, 500, 20, first=FIRST_DATE, through=LAST_DATE) == rows
    other = build_rows(market, 500, 21, first=FIRST_DATE, through=LAST_DATE)
    assert other["events"] != rows["events"] and other["prices"] == rows["prices"]


@pytest.mark.parametrize(
    "fake",
    [
        fake_market(100, 2_000, 8_000, 15_000), fake_market(0, 0, 0, 0), fake_market(30_000, 30_000, 40_000, 50_000, 60_000),
        fake_market(100, 3_000, 9_000, 20_000, order_mode="units", lot_units=10, kind="etf", price_base_units=1),
    ],
    ids=["one of each", "all calm", "all wild", "all by units"],
)
def test_any_four_funds_will_do(fake):
    rows = build_rows(fake, 60, 3, first=FIRST, through=THROUGH)
    assert_fits_schema(rows)
    assert_references(rows)
    assert_models(rows)
    assert not rows["calendar_holidays"] and not rows["fx_rates"]


@pytest.mark.parametrize("through", [FIRST, FIRST + timedelta(days=9), FIRST + timedelta(days=200)])
@pytest.mark.parametrize("customers", [1, 7])
def test_a_short_life_and_few_customers_will_do(through, customers):
    rows = build_rows(fake_market(100, 2_000, 8_000, 15_000), customers, first=FIRST, through=through)
    assert_fits_schema(rows)
    assert_references(rows)
    assert all(FIRST <= row["date"] <= through for row in rows["events"]) and len(rows["customers"]) == customers


def test_what_cannot_make_a_house_is_refused():
    with pytest.raises(ValueError, match="4 are needed"):
        build_rows(fake_market(1, 2, 3), first=FIRST, through=THROUGH)
    with pytest.raises(ValueError, match="one or more"):
        build_rows(fake_market(1, 2, 3, 4), 0, first=FIRST, through=THROUGH)
    with pytest.raises(ValueError, match="at least one business day"):
        build_rows(fake_market(1, 2, 3, 4), first=date(2019, 5, 1), through=date(2019, 5, 6))
    with pytest.raises(ValueError, match="no rates for USD"):
        build_rows(fake_market(1, 2, 3, 4, currency="USD"), first=FIRST, through=THROUGH)


def test_foreign_money_and_calendars_come_with_their_rows():
    fake = fake_market(100, 2_000, 8_000)
    fake.series.append(fake_fund("usd", 9_000, currency="USD", calendar_ids="US", price_lag_days=1))
    days = fake.series[0].dates
    fake.fx.append(FxSeries("USD", True, "real: a rate", days, np.full(len(days), 110_000_000, dtype=np.int64)))
    rows = build_rows(fake, 10, first=FIRST, through=THROUGH)
    assert {row["calendar_id"] for row in rows["calendar_holidays"]} == {"US"}
    assert {row["fx_ppm"] for row in rows["fx_rates"]} == {110_000_000}
    assert {row["instrument_no"] for row in rows["no_order_days"]} == {4}


@pytest.mark.slow
def test_twenty_thousand_customers(market):
    rows = build_rows(market, 20_000, first=FIRST_DATE, through=LAST_DATE)
    assert_fits_schema(rows)
    assert_references(rows)
    assert len(rows["customers"]) == 20_000
