"""The schedule of one contract: the fine points of the rules, and properties that hold for any terms."""

from datetime import date, timedelta
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_fee_terms import ADVANCE, ARREARS, changed
from tsutsumi.core.calendar import is_business_day
from tsutsumi.core.fee_engine import fee_schedule
from tsutsumi.core.fee_history import FeeInputError, FlowRow, ValueRow, contract_history
from tsutsumi.core.fee_terms import FeeTermsError, Terms, parse_terms

FLAT = [{"from": date(1990, 1, 1), "tiers": [[0, 36500]]}]  # 1/10,000 of the base a day: 10,000,000 pays 1,000 a day
TIERS = [{"from": date(1990, 1, 1), "tiers": [[0, 36500], [10_000_000, 18250]]}]


def charge(terms: Terms, values: dict, start: str, through: str, ended: str | None = None, flows: dict | None = None):
    """Return the schedule of a contract written with texts for dates."""
    history = contract_history(
        [
            ValueRow(date.fromisoformat(day), *(yen if isinstance(yen, tuple) else (yen,)))
            for day, yen in values.items()
        ],
        [FlowRow(date.fromisoformat(day), yen) for day, yen in (flows or {}).items()],
        date.fromisoformat(start),
        date.fromisoformat(through),
        date.fromisoformat(ended) if ended else None,
    )
    return fee_schedule(terms, history)


def shown(entries) -> list[tuple]:
    """Return (kind, first day, last day, base, yen) of each entry."""
    return [(e.kind, e.start.isoformat(), e.end.isoformat(), str(e.base), e.total_yen) for e in entries]


def arrears(*changes: tuple) -> Terms:
    """Return terms in arrears with one flat balance fee of 1/10,000 a day."""
    return parse_terms(changed(ARREARS, ("component/1", ...), ("component/0/rates", FLAT), *changes))


def advance(*changes: tuple, rates: list = TIERS) -> Terms:
    """Return monthly terms in advance with one balance fee, tax included, with refunds."""
    flat = [("component/1", ...), ("component/0/rates", rates), ("tax/kind", "included"), ("period/length", "month")]
    return parse_terms(changed(ADVANCE, *flat, ("advance/refund", "prorated"), *changes))


def test_the_business_average_of_a_period_without_a_business_day_takes_all_its_days():
    terms = arrears(("base/days", "business"), ("period/length", "month"))
    entries = charge(
        terms, {"2027-01-01": 10, "2027-01-02": 20, "2027-01-03": 60}, "2027-01-01", "2027-01-03", "2027-01-03"
    )
    assert shown(entries) == [("charge", "2027-01-01", "2027-01-03", "30", 0)]


def test_the_average_may_be_cut_first_and_the_base_stays_exact_otherwise():
    values = {"2027-01-01": 10, "2027-01-02": 21, "2027-01-03": 61}
    for average, base in (("none", "92/3"), ("down", "30")):
        (entry,) = charge(arrears(("rounding/average", average)), values, "2027-01-01", "2027-01-03", "2027-01-03")
        assert entry.as_json()["base_yen"] == base


def test_under_daily_the_base_shown_is_the_mean_and_the_cut_of_the_average_does_not_apply():
    terms = arrears(("base/measure", "daily"), ("rounding/average", "down"))
    (entry,) = charge(terms, {"2027-01-01": 10, "2027-01-03": 15}, "2027-01-01", "2027-01-03", "2027-01-03")
    assert str(entry.base) == "35/3"


def test_closing_is_the_last_business_day_of_the_cut_period():
    terms = arrears(("base/measure", "closing"), ("period/length", "month"))
    values = {"2026-09-01": 10_000_000, "2026-09-18": 20_000_000, "2026-09-23": 30_000_000, "2026-09-25": 40_000_000}
    (entry,) = charge(terms, values, "2026-09-01", "2026-09-30", "2026-09-23")
    assert shown([entry]) == [("charge", "2026-09-01", "2026-09-23", "20000000", 46_000)]


def test_a_contract_of_one_day_is_charged_one_day():
    entries = charge(arrears(), {"2026-09-30": 10_000_000}, "2026-09-30", "2026-09-30")
    assert shown(entries) == [("charge", "2026-09-30", "2026-09-30", "10000000", 1000)]


def test_nothing_is_due_before_the_first_end_and_before_the_start():
    values = {"2026-10-01": 10_000_000}
    assert charge(arrears(), values, "2026-10-01", "2026-12-30") == []
    assert charge(arrears(), values, "2026-10-01", "2026-09-30") == []
    assert charge(advance(), values, "2026-10-01", "2026-09-30") == []


@pytest.mark.parametrize(
    ("rates_of", "yen"), [("day", 31_000 + 28_000 * 2), ("period-start", 59_000), ("period-end", 118_000)]
)
def test_the_rate_table_is_of_the_day_of_the_first_or_of_the_last_day_of_the_period(rates_of, yen):
    rates = [*FLAT, {"from": date(2027, 2, 1), "tiers": [[0, 73000]]}]
    terms = arrears(("rates_of", rates_of), ("component/0/rates", rates))
    (entry,) = charge(terms, {"2027-01-01": 10_000_000}, "2027-01-01", "2027-03-31", "2027-02-28")
    assert entry.total_yen == yen


def test_the_last_day_of_a_cut_period_in_arrears_is_the_end_of_the_contract():
    rates = [*FLAT, {"from": date(2027, 3, 1), "tiers": [[0, 73000]]}]
    terms = arrears(("rates_of", "period-end"), ("component/0/rates", rates))
    (entry,) = charge(terms, {"2027-01-01": 10_000_000}, "2027-01-01", "2027-03-31", "2027-02-28")
    assert entry.total_yen == 59_000


def test_a_refund_in_advance_is_priced_by_the_whole_end_of_the_period():
    rates = [*FLAT, {"from": date(2027, 1, 20), "tiers": [[0, 73000]]}]
    for rates_of, first, back in (
        ("period-end", 62_000, 42_000),
        ("period-start", 31_000, 21_000),
        ("day", 43_000, 33_000),
    ):
        terms = advance(("rates_of", rates_of), rates=rates)
        entries = charge(terms, {"2027-01-01": 10_000_000}, "2027-01-01", "2027-01-31", "2027-01-10")
        assert [entry.total_yen for entry in entries] == [first, back]


def test_no_rates_in_force_is_refused_only_where_a_day_is_priced():
    late = [{"from": date(2027, 2, 1), "tiers": [[0, 73000]]}]
    terms = arrears(("component/0/rates", late))
    assert charge(terms, {"2027-01-01": 1}, "2027-01-01", "2027-03-30") == []
    with pytest.raises(FeeTermsError, match="no rates in force on 2027-01-01"):
        charge(terms, {"2027-01-01": 1}, "2027-01-01", "2027-03-31")
    end = arrears(("component/0/rates", late), ("rates_of", "period-end"))
    assert len(charge(end, {"2027-01-01": 1}, "2027-01-01", "2027-03-31")) == 1


def test_cash_left_out_is_refused_even_where_nothing_is_due():
    terms = arrears(("base/cash", "excluded"))
    with pytest.raises(FeeInputError, match="left out"):
        charge(terms, {"2027-01-01": 10}, "2027-01-01", "2027-01-02")
    (entry,) = charge(terms, {"2027-01-01": (10, 4)}, "2027-01-01", "2027-01-02", "2027-01-02")
    assert str(entry.base) == "6"


def test_in_advance_a_period_is_charged_once_it_starts_and_not_after_the_contract_ended():
    values = {"2026-10-15": 10_000_000, "2026-10-30": 20_000_000, "2026-10-31": 5_000_000}
    entries = charge(advance(rates=FLAT), values, "2026-10-15", "2026-11-01")
    assert shown(entries) == [
        ("charge", "2026-10-15", "2026-10-31", "10000000", 17_000),
        ("charge", "2026-11-01", "2026-11-30", "20000000", 60_000),
    ]
    assert len(charge(advance(rates=FLAT), values, "2026-10-15", "2026-11-05", "2026-10-31")) == 1


def test_the_opening_is_never_before_the_first_day():
    entries = charge(advance(rates=FLAT), {"2026-10-30": 9, "2026-10-31": 10_000_000}, "2026-10-31", "2026-11-01")
    assert [str(entry.base) for entry in entries] == ["10000000", "10000000"]


def test_money_of_the_first_day_is_the_base_and_no_addition_or_reduction():
    for yen in (10_000_000, -5_000_000):
        entries = charge(advance(), {"2026-10-01": 10_000_000}, "2026-10-01", "2026-10-31", flows={"2026-10-01": yen})
        assert [entry.kind for entry in entries] == ["charge"]


def test_the_running_base_is_the_opening_and_the_charged_flows():
    flows = {"2026-10-11": 4_000_000, "2026-10-21": -6_000_000, "2026-10-26": -90_000_000, "2026-10-27": -1}
    entries = charge(
        advance(("advance/addition", "stacked")), {"2026-10-01": 8_000_000}, "2026-10-01", "2026-10-31", flows=flows
    )
    assert shown(entries) == [
        ("charge", "2026-10-01", "2026-10-31", "8000000", 24_800),
        ("addition", "2026-10-11", "2026-10-31", "4000000", 21 * 300),  # 2m at 1/10,000 and 2m at half of it
        ("refund", "2026-10-22", "2026-10-31", "6000000", 10 * 500),
        ("refund", "2026-10-27", "2026-10-31", "6000000", 5 * 600),  # no more than what is left
    ]


def test_a_later_period_starts_from_its_own_opening():
    flows = {"2026-10-11": 4_000_000, "2026-11-16": -5_000_000}
    values = {"2026-10-01": 8_000_000, "2026-10-11": 12_000_000, "2026-11-16": 7_000_000}
    for addition, kinds in (("none", "charge charge refund"), ("own", "charge addition charge refund")):
        terms = advance(("advance/addition", addition))
        entries = charge(terms, values, "2026-10-01", "2026-11-30", flows=flows)
        assert [entry.kind for entry in entries] == kinds.split()
        assert shown(entries)[-1] == ("refund", "2026-11-17", "2026-11-30", "5000000", 14 * 400)


def test_a_reduction_without_refund_leaves_the_base_that_was_paid_for():
    terms = advance(("advance/addition", "stacked"), ("advance/refund", "none"))
    flows = {"2026-10-11": -8_000_000, "2026-10-21": 1_000_000}
    entries = charge(terms, {"2026-10-01": 12_000_000}, "2026-10-01", "2026-10-31", "2026-10-25", flows=flows)
    assert shown(entries)[1:] == [("addition", "2026-10-21", "2026-10-31", "1000000", 11 * 50)]


def test_the_end_of_the_contract_refunds_what_the_flows_of_that_day_left():
    values = {"2026-10-01": 8_000_000}
    for flow, base in ((-3_000_000, ["3000000", "5000000"]), (-8_000_000, ["8000000"])):
        entries = charge(advance(), values, "2026-10-01", "2026-10-31", "2026-10-10", flows={"2026-10-10": flow})
        assert [str(entry.base) for entry in entries[1:]] == base
        assert {(entry.start.day, entry.end.day) for entry in entries[1:]} == {(11, 31)}
    assert len(charge(advance(), values, "2026-10-01", "2026-10-31", "2026-10-31")) == 1


def test_an_addition_of_a_few_yen_is_an_entry_of_0_yen():
    entries = charge(advance(), {"2026-10-01": 8_000_000}, "2026-10-01", "2026-10-31", flows={"2026-10-31": 5})
    assert shown(entries)[1:] == [("addition", "2026-10-31", "2026-10-31", "5", 0)]


def test_each_component_is_rounded_by_itself():
    terms = parse_terms(changed(ADVANCE))
    (entry,) = charge(terms, {"2026-11-10": 60_000_000}, "2026-11-10", "2026-11-10")
    assert entry.components == {"mandate fee": 81_490, "wrap fee": 27_424}
    assert entry.total_yen == 108_914


def performance(*changes: tuple) -> Terms:
    """Return terms with a performance fee of 10 % each month and no balance fee."""
    alone = [
        ("component/0", ...),
        ("period/length", "month"),
        ("component/0/every", 1),
        ("component/0/rate_ppm", 100_000),
    ]
    return parse_terms(changed(ARREARS, *alone, *changes))


def test_a_performance_fee_falls_due_every_so_many_periods_and_at_the_end():
    terms = performance(("component/0/every", 2))
    values = {"2026-01-10": 100, "2026-02-28": 200, "2026-04-30": 400, "2026-05-05": 500}
    spans = [entry[1:3] for entry in shown(charge(terms, values, "2026-01-10", "2026-05-31", "2026-05-05"))]
    assert spans == [("2026-01-10", "2026-02-28"), ("2026-03-01", "2026-04-30"), ("2026-05-01", "2026-05-05")]
    assert len(charge(terms, values, "2026-01-10", "2026-04-30", "2026-04-30")) == 2


def test_the_mark_moves_with_flows_of_days_without_a_row_and_not_with_those_of_the_first_day():
    flows = {"2026-01-01": 50, "2026-01-15": -25}
    (entry,) = charge(
        performance(), {"2026-01-01": 100, "2026-01-10": 75, "2026-01-31": 90}, "2026-01-01", "2026-01-31", flows=flows
    )
    assert entry.base == 90 - 100 * Fraction(75, 100)


def test_a_mark_with_everything_taken_out_is_zero_and_a_subtracted_one_may_pass_below():
    flows = {"2026-01-15": -120, "2026-01-20": 30}
    values = {"2026-01-01": 100, "2026-01-15": 0, "2026-01-20": 30}
    for mark, base in (("scaled", 0), ("subtracted", 20)):
        (entry,) = charge(performance(("component/0/mark", mark)), values, "2026-01-01", "2026-01-31", flows=flows)
        assert entry.base == base


def test_the_performance_fee_bears_the_tax_of_its_last_day_and_is_rounded_once():
    terms = performance(("tax/kind", "added"), ("rates_of", "period-start"), ("component/0/every", 2))
    (entry,) = charge(terms, {"2019-09-01": 100_000, "2019-10-31": 200_009}, "2019-09-01", "2019-10-31")
    assert (entry.total_yen, entry.workings[0].exact) == (11_000, Fraction(1_100_099, 100))


def test_in_advance_the_charge_of_the_period_is_already_in_the_values():
    balance = {"name": "b", "kind": "balance", "rates": FLAT}
    document = changed(ADVANCE, ("tax/kind", "included"), ("period/length", "month"))
    document["component"] = [
        balance,
        {"name": "p", "kind": "performance", "rate_ppm": 100_000, "every": 1, "mark": "scaled"},
    ]
    entries = charge(
        parse_terms(document), {"2026-10-01": 10_000_000, "2026-10-31": 11_000_000}, "2026-10-01", "2026-10-31"
    )
    assert shown(entries)[-1] == ("performance", "2026-10-01", "2026-10-31", "1000000", 100_000)


def test_two_performance_components_bear_their_own_marks_each_the_value_after_its_own_fee():
    other = {"name": "other", "kind": "performance", "rate_ppm": 50_000, "every": 1, "mark": "subtracted"}
    document = changed(ARREARS, ("component/0", ...), ("period/length", "month"), ("component/0/every", 1))
    document["component"].append(other)
    entries = charge(parse_terms(document), {"2026-01-01": 1000, "2026-01-31": 2000}, "2026-01-01", "2026-02-28")
    assert [(entry.components, str(entry.base)) for entry in entries] == [
        ({"performance fee": 110}, "1000"),
        ({"other": 50}, "1000"),
        ({"performance fee": 12}, "110"),
        ({"other": 2}, "50"),
    ]


yen = st.one_of(st.integers(0, 10**9), st.integers(0, 10**13), st.sampled_from([0, 30_000_000, 10**12, 10**13]))
rate_rows = st.dictionaries(
    st.dates(date(2019, 1, 1), date(2021, 1, 1)),
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 60_000)), max_size=4, unique_by=lambda tier: tier[0]),
    max_size=3,
)


@st.composite
def balance_rates(draw):
    """Draw dated rate tables that are in force from 1998 on."""
    found = [{"from": date(1998, 1, 1), "tiers": [[0, draw(st.integers(0, 60_000))]]}]
    for since, tiers in draw(rate_rows).items():
        found.append({"from": since, "tiers": [[0, 13090], *([floor_yen, rate] for floor_yen, rate in sorted(tiers))]})
    return found


@st.composite
def arrears_terms(draw):
    """Draw any terms in arrears with one balance component."""
    choice = st.sampled_from
    return arrears(
        ("component/0/rates", draw(balance_rates())),
        ("component/0/tiering", draw(choice(["marginal", "marginal", "whole"]))),
        ("rates_of", draw(choice(["day", "period-start", "period-end"]))),
        ("period/length", draw(choice(["month", "quarter", "half-year", "year"]))),
        ("period/align", draw(choice(["calendar", "contract"]))),
        ("base/measure", draw(choice(["average", "average", "daily", "closing"]))),
        ("base/days", draw(choice(["calendar", "business"]))),
        ("year/days", draw(choice([365, 366, "actual"]))),
        ("rounding/to", draw(choice(["down", "up", "half-up", "half-even"]))),
        ("rounding/average", draw(choice(["none", "down"]))),
        ("tax/kind", draw(choice(["included", "added"]))),
    )


@st.composite
def value_rows(draw, start: date, days: int):
    """Draw values of some days, the first among them."""
    later = draw(st.dictionaries(st.integers(1, days + 1), yen, max_size=6))
    return [ValueRow(start + timedelta(days=n), value) for n, value in {0: draw(yen), **later}.items()]


def yearly(terms: Terms, day: date, base: Fraction) -> Fraction:
    """Return the fee of a year, tier by tier, with the tax of a day."""
    tiers = max((row for row in terms.components[0].rates if row.from_date <= day), key=lambda row: row.from_date).tiers
    if terms.components[0].tiering == "whole":
        fee = base * next((rate for floor_yen, rate in reversed(tiers) if base > floor_yen), 0)
    else:
        steps = zip(tiers, [(0, 0), *tiers], strict=False)
        fee = sum(max(Fraction(0), base - floor_yen) * (rate - before) for (floor_yen, rate), (_, before) in steps)
    tax = 0 if terms.tax == "included" else 10 if day >= date(2019, 10, 1) else 8 if day >= date(2014, 4, 1) else 5
    return fee * (100 + tax) / 10**8


def by_the_day(terms: Terms, history, first: date, last: date) -> Fraction:
    """Return the exact fee of a period in arrears, one day after another."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    open_days = [day for day in days if is_business_day(day)] or days
    entering = open_days if terms.days == "business" else days
    average = Fraction(sum(history.value(day) for day in entering), len(entering))
    if terms.average == "down":
        average = Fraction(floor(average))
    closing = (open_days if is_business_day(open_days[-1]) else days)[-1]
    total = Fraction(0)
    for day in days:
        base = {"average": average, "daily": history.value(day), "closing": history.value(closing)}[terms.measure]
        priced = {"day": day, "period-start": first, "period-end": last}[terms.rates_of]
        leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
        total += yearly(terms, priced, Fraction(base)) / (
            (366 if leap else 365) if terms.year_days == "actual" else terms.year_days
        )
    return total


@settings(max_examples=80, deadline=None)
@given(arrears_terms(), st.dates(date(2019, 1, 1), date(2020, 6, 1)), st.integers(0, 400), st.booleans(), st.data())
def test_arrears_equal_the_sum_over_the_days(terms, start, days, ends, data):
    last = start + timedelta(days=days)
    history = contract_history(data.draw(value_rows(start, days)), [], start, last, last if ends else None)
    for entry in fee_schedule(terms, history):
        exact = by_the_day(terms, history, entry.start, entry.end)
        assert entry.workings[0].exact == exact
        half, whole = exact - floor(exact), floor(exact)
        up = {"down": False, "up": half > 0, "half-up": 2 * half >= 1, "half-even": round(exact) > whole}[
            terms.rounding
        ]
        assert entry.total_yen == whole + up


@settings(max_examples=80, deadline=None)
@given(arrears_terms(), yen, st.integers(1, 10**6))
def test_marginal_tiers_never_fall_and_have_no_cliff(terms, base, more):
    start, last = date(2019, 8, 1), date(2019, 12, 31)
    parts = []
    for value in (base, base + more):
        history = contract_history([ValueRow(start, min(value, 10**13))], [], start, last, last)
        parts.append(sum(entry.workings[0].exact for entry in fee_schedule(terms, history)))
    if terms.components[0].tiering == "marginal":
        assert 0 <= parts[1] - parts[0] <= Fraction(more * 66_000 * 153, 10**6 * 365)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 10**9), st.sampled_from([1, 15, 29]), st.sampled_from(["own", "stacked"]))
def test_taking_out_at_once_what_was_stacked_gives_back_its_price_but_for_a_day(base, added, day, addition):
    flows = {f"2026-10-{day + 1:02d}": added, f"2026-10-{day + 2:02d}": -added}
    terms = advance(("advance/addition", addition), ("rounding/to", "half-even"))
    entries = charge(terms, {"2026-10-01": base}, "2026-10-01", "2026-10-31", flows=flows)
    added_entry, *taken = entries[1:]
    assert added_entry.base == added
    if taken and addition == "stacked":
        (refund,) = taken
        days = 31 - day
        assert abs(added_entry.workings[0].exact * (days - 2) - refund.workings[0].exact * days) == 0
    assert bool(taken) == (day < 29)
