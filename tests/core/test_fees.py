"""The fees of the whole book at once: equal to the engine of one contract, to the yen."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_fee_engine import advance, arrears, balance_rates
from tsutsumi.core.fee_pricing import price, segments
from tsutsumi.core.fee_terms import Terms
from tsutsumi.core.fees import arrears_average_fees, average_days
from tsutsumi.core.units import round_yen


def one_by_one(sums: list[int], days: int, terms: Terms, start: date, end: date) -> list[int]:
    """Return the fees of the first component, one contract after another, in fractions."""
    component = terms.components[0]
    runs = segments(terms, component, start, end, start, end)
    fees = []
    for total in sums:
        base = Fraction(total, days)
        if terms.average == "down":
            base = Fraction(total // days)
        pieces = price(runs, component.tiering, Fraction(0), base)
        fees.append(round_yen(sum((piece.exact for piece in pieces), Fraction(0)), terms.rounding))
    return fees


@st.composite
def books(draw):
    """Draw terms, a period of up to a year, and sums on, beside and far from the floors."""
    choice = st.sampled_from
    terms = arrears(
        ("component/0/rates", draw(balance_rates())),
        ("component/0/tiering", draw(choice(["marginal", "whole"]))),
        ("rates_of", draw(choice(["day", "period-start", "period-end"]))),
        ("base/days", draw(choice(["calendar", "business"]))),
        ("year/days", draw(choice([365, 366, "actual"]))),
        ("rounding/to", draw(choice(["down", "up", "half-up", "half-even"]))),
        ("rounding/average", draw(choice(["none", "down"]))),
        ("tax/kind", draw(choice(["included", "added"]))),
    )
    start = draw(st.dates(date(2019, 1, 1), date(2020, 12, 31)))
    end = start + timedelta(days=draw(st.integers(0, 365)))
    days = average_days(terms, start, end)
    floors = [floor * days for row in terms.components[0].rates for floor, _ in row.tiers]
    near = st.builds(lambda floor, more: max(0, floor + more), choice(floors), st.integers(-2, 2))
    sums = draw(
        st.lists(st.one_of(near, st.integers(0, 10**9), st.integers(0, 10**13 * days)), min_size=1, max_size=20)
    )
    return terms, start, end, days, sums


@settings(max_examples=200, deadline=None)
@given(books())
def test_the_book_equals_the_engine(book):
    terms, start, end, days, sums = book
    fees = arrears_average_fees(np.array(sums, dtype=np.int64), days, terms, start, end)
    assert fees["mandate fee"].tolist() == one_by_one(sums, days, terms, start, end)


@settings(max_examples=50, deadline=None)
@given(books(), st.lists(st.integers(0, 10**13), min_size=2, max_size=20))
def test_the_fee_never_falls_while_the_balance_grows(book, values):
    terms, start, end, days, _ = book
    fees = arrears_average_fees(np.sort(np.array(values, dtype=np.int64)) * days, days, terms, start, end)
    assert terms.components[0].tiering == "whole" or (np.diff(fees["mandate fee"]) >= 0).all()


@pytest.mark.parametrize("rounding", ["down", "up", "half-up", "half-even"])
def test_the_largest_base_and_exact_halves_do_not_overflow(rounding):
    terms = arrears(
        ("component/0/rates", [{"from": date(1998, 1, 1), "tiers": [[0, 1_000_000], [10**13 - 1, 999_999]]}]),
        ("tax/kind", "added"),
        ("year/days", "actual"),
        ("period/length", "year"),
        ("period/align", "contract"),
        ("rounding/to", rounding),
    )
    start, end = date(2019, 3, 1), date(2020, 2, 29)
    sums = [10**12 * 366, 10**13 * 366, 10**13 * 366 - 183, 1, 0]
    fees = arrears_average_fees(np.array(sums), 366, terms, start, end)
    assert fees["mandate fee"].tolist() == one_by_one(sums, 366, terms, start, end)
    flat = arrears(
        ("component/0/rates", [{"from": date(1998, 1, 1), "tiers": [[0, 10_950]]}]), ("rounding/to", rounding)
    )
    halves = np.array([1_150_000, 1_250_000, 1_216_666, 1_216_667])
    expected = {
        "down": [34, 37, 36, 36],
        "up": [35, 38, 37, 37],
        "half-up": [35, 38, 36, 37],
        "half-even": [34, 38, 36, 37],
    }
    fees = arrears_average_fees(halves, 1, flat, date(2026, 12, 31), date(2026, 12, 31))
    assert fees["mandate fee"].tolist() == expected[rounding]


def test_several_components_and_an_empty_book():
    rates = [{"from": date(1998, 1, 1), "tiers": [[0, 13090]]}]
    terms = arrears(("component/0/rates", rates))
    other = arrears(("component/0/name", "other"))
    both = type(terms)(**{**terms.__dict__, "components": terms.components + other.components})
    period = date(2026, 10, 1), date(2026, 12, 31)
    fees = arrears_average_fees(np.array([10_000_000 * 92]), 92, both, *period)
    assert {name: yen.tolist() for name, yen in fees.items()} == {"mandate fee": [32993], "other": [92_000]}
    assert arrears_average_fees(np.array([], dtype=np.int64), 92, terms, *period)["mandate fee"].size == 0


def test_a_view_of_every_second_row_and_a_read_only_array_are_read():
    sums = np.arange(0, 10**9, 10**8) * 92
    sums.setflags(write=False)
    period = date(2026, 10, 1), date(2026, 12, 31)
    fees = arrears_average_fees(sums, 92, arrears(), *period)["mandate fee"]
    assert (arrears_average_fees(sums[::2], 92, arrears(), *period)["mandate fee"] == fees[::2]).all()


def test_what_does_not_fit_is_refused():
    period = date(2026, 10, 1), date(2026, 12, 31)
    good = np.array([1])
    with pytest.raises(ValueError, match="only arrears on the average"):
        arrears_average_fees(good, 92, arrears(("base/measure", "daily")), *period)
    with pytest.raises(ValueError, match="only arrears on the average"):
        arrears_average_fees(good, 92, advance(), *period)
    with pytest.raises(ValueError, match="holds 92"):
        arrears_average_fees(good, 91, arrears(), *period)
    with pytest.raises(ValueError, match="1 to 366"):
        arrears_average_fees(good, 367, arrears(), date(2026, 1, 1), date(2027, 1, 2))
    with pytest.raises(ValueError, match="1 to 366"):
        arrears_average_fees(good, 0, arrears(), date(2026, 1, 2), date(2026, 1, 1))
    with pytest.raises(ValueError, match="not int64"):
        arrears_average_fees(np.array([1.0]), 92, arrears(), *period)
    for bad in (-1, 10**13 * 92 + 1):
        with pytest.raises(ValueError, match="outside"):
            arrears_average_fees(np.array([1, bad]), 92, arrears(), *period)
