"""The published cases of the fee specification and of the research come out of the slow oracle."""

import random
import tomllib
from datetime import date
from fractions import Fraction

import pytest

from tests.oracles.fee_histories import random_case, to_files
from tests.oracles.fees_oracle import (
    charges,
    days_of,
    is_business_day,
    marginal_fee,
    opening_day,
    rounded,
    whole_fee,
    whole_periods,
)

MUFG = [[0, 13_090], [30_000_000, 12_155], [100_000_000, 9_350], [500_000_000, 6_545]]
NIKKO = [[0, 12_000], [50_000_000, 9_500], [100_000_000, 5_400]]
EARLY = date(1997, 4, 1)


def d(text: str) -> date:
    """A date from its ISO form, the year 2026 where it is left out."""
    return date.fromisoformat(text if len(text) == 10 else f"2026-{text}")


def balance(*tiers, name="fee", **more) -> dict:
    """A balance component with one rates row."""
    return {"name": name, "kind": "balance", "rates": [{"from": EARLY, "tiers": list(tiers)}], **more}


def performance(rate_ppm, every=1, mark="scaled") -> dict:
    """A performance component."""
    return {"name": "performance", "kind": "performance", "rate_ppm": rate_ppm, "every": every, "mark": mark}


def terms(*components, length="quarter", align="calendar", timing="arrears", measure=None, **more) -> dict:
    """Terms with the usual choices, changed by `more`: days, cash, year, to, average, tax, addition, refund."""
    measure = measure or ("average" if timing == "arrears" else "opening")
    return {
        "name": "Test",
        "rates_of": more.get("rates_of", "day"),
        "period": {"length": length, "align": align, "timing": timing},
        "base": {"measure": measure, "days": more.get("days", "calendar"), "cash": more.get("cash", "included")},
        "year": {"days": more.get("year", 365)},
        "rounding": {"to": more.get("to", "down"), "average": more.get("average", "none")},
        "tax": {"kind": more.get("tax", "included")},
        "advance": {"addition": more.get("addition", "own"), "refund": more.get("refund", "prorated")},
        "component": list(components),
    }


def run(terms: dict, values: dict, through: str, terminated: str | None = None, flows: dict | None = None) -> list:
    """The oracle on values {day: yen or (yen, cash)}, from the first of them."""
    rows = [(d(day), *(value if isinstance(value, tuple) else (value, None))) for day, value in values.items()]
    moved = [(d(day), amount) for day, amount in (flows or {}).items()]
    return charges(terms, rows, rows[0][0], d(through), terminated and d(terminated), moved)


def yen(*args, **more) -> list[int]:
    """The totals of a run."""
    return [one["total_yen"] for one in run(*args, **more)]


def bases(found: list) -> list[Fraction]:
    """The bases of a run."""
    return [Fraction(one["base_yen"]) for one in found]


def test_four_tiers_for_one_quarter():
    assert yen(terms(balance(*MUFG)), {"10-01": 120_000_000}, "12-31") == [360_576]


@pytest.mark.parametrize(("year", "fee"), [(365, 356_657), (366, 355_683), ("actual", 355_683)])
def test_leap_quarter(year, fee):
    assert yen(terms(balance(*MUFG), year=year), {"2028-01-01": 120_000_000}, "2028-03-31") == [fee]


@pytest.mark.parametrize(("measure", "fee"), [("average", 98_981), ("daily", 98_392)])
def test_tier_on_the_average_or_on_the_day(measure, fee):
    values = {"10-01": 25_000_000, "11-16": 35_000_000}
    found = run(terms(balance(*MUFG), measure=measure), values, "12-31")
    assert [one["total_yen"] for one in found] == [fee]
    assert bases(found) == [30_000_000]


@pytest.mark.parametrize(("days", "fee", "base"), [("calendar", 2_180, "30400000/3"), ("business", 2_162, "10050000")])
def test_days_of_the_average(days, fee, base):
    values = {"06-25": 10_000_000, "06-26": 10_300_000, "06-29": 9_900_000, "06-30": 10_000_000}
    found = run(terms(balance([0, 13_090]), days=days), values, "06-30")
    assert [(one["total_yen"], one["base_yen"]) for one in found] == [(fee, base)]


def test_reduction_in_advance():
    values = {"10-01": 20_000_000, "11-15": 15_000_000}
    found = run(terms(balance([0, 13_200]), timing="advance"), values, "12-31", flows={"11-15": -5_000_000})
    assert [(one["kind"], one["start"], one["total_yen"]) for one in found] == [
        ("charge", "2026-10-01", 66_542),
        ("refund", "2026-11-16", 8_317),
    ]
    kept = terms(balance([0, 13_200]), timing="advance", refund="none")
    assert yen(kept, values, "12-31", flows={"11-15": -5_000_000}) == [66_542]


@pytest.mark.parametrize(("rates_of", "fee"), [("day", 32_962), ("period-end", 33_271)])
def test_change_of_consumption_tax(rates_of, fee):
    by_contract = terms(balance([0, 12_000]), align="contract", tax="added", rates_of=rates_of)
    found = run(by_contract, {"2019-08-15": 10_000_000}, "2019-11-14")
    assert [(one["end"], one["total_yen"]) for one in found] == [("2019-11-14", fee)]


def test_wealthnavi_month_at_eight_percent():
    assert yen(terms(balance([0, 10_000]), length="month", tax="added"), {"2018-01-01": 1_000_000}, "2018-01-31") == [917]


def test_days_are_never_rounded():
    daily = terms(balance([0, 11_000]), length="month", measure="daily")
    assert yen(daily, {"06-01": 1_000_000}, "06-30") == [904]


@pytest.mark.parametrize(("last", "fee"), [(10_500_000, 5_750), (9_800_000, 5_712)])
def test_sbi_daily_month(last, fee):
    daily = terms(balance([0, 6_600]), length="month", measure="daily")
    assert yen(daily, {"05-01": 10_000_000, "05-16": 10_500_000, "05-29": last}, "05-31") == [fee]


def test_cash_outside_the_base():
    values = {"06-01": (10_000_000, 1_000_000)}
    month = balance([0, 6_600])
    assert yen(terms(month, length="month", cash="excluded"), values, "06-30") == [4_882]
    assert yen(terms(month, length="month"), values, "06-30") == [5_424]


def test_raku_wrap_year():
    assert yen(terms(balance([0, 7_020]), length="year"), {"01-01": 1_100_000}, "12-31") == [7_722]


def test_published_table_by_year():
    amounts = [30, 100, 500, 600, 1000]
    assert [marginal_fee(MUFG, million * 10**6) for million in amounts] == [392_700, 1_243_550, 4_983_550, 5_638_050, 8_256_050]


def test_whole_falls_behind_a_floor_and_marginal_does_not():
    assert whole_fee(MUFG, 30_000_000) == marginal_fee(MUFG, 30_000_000) == 392_700
    assert whole_fee(MUFG, 30_000_001) == Fraction("364650.012155")
    assert marginal_fee(MUFG, 30_000_001) == Fraction("392700.012155")


def test_two_components_are_rounded_apart():
    mandate = balance([0, 9_000], [50_000_000, 7_000], name="mandate")
    wrap = balance([0, 3_000], [50_000_000, 2_500], name="wrap")
    found = run(terms(mandate, wrap, timing="advance", tax="added"), {"11-10": 60_000_000}, "12-31")
    assert [(one["components"], one["total_yen"]) for one in found] == [({"mandate": 81_490, "wrap": 27_424}, 108_914)]
    assert yen(terms(balance(*NIKKO), timing="advance", tax="added"), {"11-10": 60_000_000}, "12-31") == [108_915]


@pytest.mark.parametrize(("addition", "fee"), [("own", [13_742]), ("stacked", [10_879]), ("none", [])])
def test_addition_in_advance(addition, fee):
    advance = terms(balance(*NIKKO), timing="advance", tax="added", addition=addition)
    found = run(advance, {"10-01": 60_000_000, "11-24": 70_000_000}, "12-31", flows={"11-24": 10_000_000})
    assert [one["total_yen"] for one in found if one["kind"] == "addition"] == fee
    assert [one["kind"] for one in found] == ["charge"] + ["addition"] * len(fee)


def test_uncharged_addition_is_cancelled_before_a_refund():
    advance = terms(balance([0, 13_200]), timing="advance", addition="none")
    flows = {"11-01": 5_000_000, "11-15": -8_000_000, "11-20": -99_000_000, "11-25": -1}
    found = run(advance, {"10-01": 20_000_000}, "12-31", flows=flows)
    assert bases(found) == [20_000_000, 3_000_000, 17_000_000]


def test_both_ends_count_and_the_first_performance_period():
    short = terms(balance([0, 36_500]), performance(0, every=4))
    found = run(short, {"05-20": 10_000_000}, "2027-03-31")
    first, *_middle, last = found
    assert (first["start"], first["end"], first["total_yen"]) == ("2026-05-20", "2026-06-30", 42_000)
    assert (last["kind"], last["start"], last["end"]) == ("performance", "2026-05-20", "2027-03-31")
    assert len(days_of(d("05-20"), d("2027-03-31"))) == 316


def test_mark_is_the_highest_value():
    values = {"01-01": 100, "01-31": 120, "02-28": 110, "03-31": 80, "04-30": 140}
    for every_month in (terms(performance(0), length="month"), terms(balance([0, 0]), performance(0), length="month")):
        found = [one for one in run(every_month, values, "04-30") if one["kind"] == "performance"]
        assert bases(found) == [20, 0, 0, 20]


def test_mark_is_taken_after_the_fee():
    values = {"01-01": 1_000_000, "01-31": 1_050_000, "02-28": 1_020_000, "03-31": 1_040_000}
    values |= {"04-30": 1_090_000, "05-31": 1_080_000, "06-30": 1_080_005}
    found = run(terms(performance(200_000), length="month"), values, "06-30")
    assert bases(found) == [50_000, 0, 0, 50_000, 0, 5]
    assert [one["total_yen"] for one in found] == [10_000, 0, 0, 10_000, 0, 1]


@pytest.mark.parametrize(("mark", "fee"), [("scaled", 44_000), ("subtracted", 22_000)])
def test_withdrawal_moves_the_mark(mark, fee):
    values = {"01-01": 12_000_000, "03-01": 11_000_000, "06-01": 8_800_000, "12-31": 10_000_000}
    yearly = terms(performance(110_000, mark=mark), length="year")
    assert yen(yearly, values, "12-31", flows={"06-01": -2_200_000}) == [fee]


def test_performance_is_measured_after_the_balance_charge():
    values = {"01-01": 10_000_000, "01-02": 11_000_000}
    found = run(terms(balance([0, 10_000]), performance(100_000), length="year", measure="closing"), values, "12-31")
    assert [(one["kind"], one["base_yen"], one["total_yen"]) for one in found] == [
        ("charge", "11000000", 110_000),
        ("performance", "890000", 89_000),
    ]


def test_termination_in_advance():
    advance = terms(balance([0, 36_500]), performance(100_000, every=8), timing="advance", length="month")
    values = {"04-01": 1_000_000, "04-10": 1_100_000}
    found = run(advance, values, "06-30", terminated="04-10", flows={"04-10": 50_000})
    assert [(one["kind"], one["start"], one["end"], one["base_yen"], one["total_yen"]) for one in found] == [
        ("charge", "2026-04-01", "2026-04-30", "1000000", 3_000),
        ("addition", "2026-04-10", "2026-04-30", "50000", 105),
        ("refund", "2026-04-11", "2026-04-30", "1050000", 2_100),
        ("performance", "2026-04-01", "2026-04-10", "50000", 5_000),
    ]


def test_contract_periods_from_a_month_end():
    periods = whole_periods(terms(length="month", align="contract"), d("01-31"), d("04-30"))
    assert [last for _first, last in periods] == [d("02-28"), d("03-30"), d("04-30")]
    periods = whole_periods(terms(length="year", align="contract"), d("2024-02-29"), d("2028-01-01"))
    assert [last.isoformat() for _first, last in periods] == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-28"]


def test_business_days_of_the_years():
    years = {2019: 241, 2020: 243, 2021: 245, 2024: 245, 2025: 243, 2026: 242, 2027: 244, 2028: 245}
    for year, number in years.items():
        days = days_of(date(year, 1, 1), date(year, 12, 31))
        assert sum(is_business_day(day) for day in days) == number, year
    assert opening_day(d("2025-05-01"), d("01-01")) == d("2025-12-30")
    assert opening_day(d("10-31"), d("11-01")) == d("10-31")  # a Saturday, but the contract's first day


def test_closing_takes_the_last_business_day():
    closing = terms(balance([0, 36_500]), length="month", measure="closing")
    values = {"05-20": 1_000_000, "05-29": 2_000_000, "05-30": 3_000_000}
    assert bases(run(closing, values, "05-31")) == [2_000_000]
    assert bases(run(closing, {"05-30": 3_000_000, "05-31": 4_000_000}, "05-31")) == [4_000_000]


def test_opening_of_a_later_period():
    advance = terms(balance([0, 36_500]), length="month", timing="advance")
    values = {"05-20": 1_000_000, "05-29": 2_000_000, "05-30": 3_000_000}
    found = run(advance, values, "06-01")
    assert [(one["start"], one["end"]) for one in found] == [("2026-05-20", "2026-05-31"), ("2026-06-01", "2026-06-30")]
    assert bases(found) == [1_000_000, 2_000_000]


def test_addition_after_the_opening_day_was_never_charged():
    advance = terms(balance([0, 36_500]), length="month", timing="advance", addition="none")
    flows = {"05-30": 500_000, "06-10": -600_000}
    assert bases(run(advance, {"05-20": 2_000_000}, "06-30", flows=flows)) == [2_000_000, 2_000_000, 100_000]


@pytest.mark.parametrize(("rates_of", "fee"), [("day", 1_600), ("period-start", 3_100), ("period-end", 0)])
def test_rates_of(rates_of, fee):
    rates = [{"from": d("05-17"), "tiers": [[0, 0]]}, {"from": d("01-01"), "tiers": [[0, 36_500]]}]
    component = {"name": "fee", "kind": "balance", "rates": rates}
    assert yen(terms(component, length="month", rates_of=rates_of), {"05-01": 1_000_000}, "05-31") == [fee]


@pytest.mark.parametrize(
    ("to", "expected"),
    [("down", [1, 1, 2, 1, 0]), ("up", [2, 2, 3, 1, 1]), ("half-up", [1, 2, 3, 1, 0]), ("half-even", [1, 2, 2, 1, 0])],
)
def test_rounding_modes(to, expected):
    amounts = [Fraction(149, 100), Fraction(3, 2), Fraction(5, 2), Fraction(1), Fraction(1, 10**15)]
    assert [rounded({"rounding": {"to": to}}, amount) for amount in amounts] == expected


def test_random_terms_are_written_as_they_are(tmp_path):
    for seed in range(50):
        case = random_case(random.Random(seed))
        argv = to_files(case, tmp_path)
        assert tomllib.loads((tmp_path / "T.toml").read_text(encoding="utf-8")) == case["terms"]
        assert argv[-1] == "--json"
        assert all(case["start"] <= day <= (case["terminated"] or case["through"]) for day, _yen in case["flows"])
