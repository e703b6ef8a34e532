"""The prices of a whole book equal those of one contract in exact fractions, to the yen, under every choice of the terms.

Also of core/fee_amounts.py and core/fee_runs.py, which read and group what is priced.
"""

import random
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_fee_engine import advance, arrears, balance_rates, performance
from tests.oracles.fee_histories import PERIOD_DAYS, chance, random_start, random_terms
from tsutsumi.core import fee_pricing
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.fee_book import price_between, price_daily, price_performance
from tsutsumi.core.fee_runs import day_numbers, run_groups, span_of
from tsutsumi.core.fee_terms import FeeTermsError, Terms, consumption_tax_percent, parse_terms
from tsutsumi.core.units import round_yen

BLOCKS, CASES, FUZZ_CASES = 6, 480, 20_000
QUARTER = date(2026, 10, 1), date(2026, 12, 31)
ZERO = Fraction(0)


def exact(pieces) -> Fraction:
    """Return the sum of pieces."""
    return sum((piece.exact for piece in pieces), ZERO)


class Case:
    """A random terms file and period, rows to price, and what each is in exact fractions."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        start, length = random_start(rng), rng.choice(list(PERIOD_DAYS))
        self.period = start, start + timedelta(days=rng.randrange(PERIOD_DAYS[length]))
        timing = {"length": length, "align": "contract", "timing": rng.choice(["arrears", "advance"])}
        self.terms = parse_terms(random_terms(rng, timing, *self.period))
        self.floors = [low for one in self.terms.balance for row in one.rates for low, _ in row.tiers] or [0]
        self.rows = rng.randrange(9)
        self.spans = [self._span() for _ in range(self.rows)] if chance(rng, 50) else [self._span()] * self.rows
        self.largest = rng.choice([3, 3, 5])  # in a third of the cases an amount may be longer than compiled code takes
        self.factors, self.factor = self._factor()

    def _span(self) -> tuple[date, date]:
        start, end = self.period
        first = start + timedelta(days=self.rng.choice([0, self.rng.randint(0, (end - start).days)]))
        return first, end - timedelta(days=self.rng.choice([0, self.rng.randint(0, (end - first).days)]))

    def _factor(self) -> tuple[list[Fraction], object]:
        draw, rows = self.rng.randrange, self.rows
        kind = draw(5)
        if kind == 0:
            pair = draw(10**6), draw(10**6) + 1
            return [Fraction(*pair)] * rows, pair
        if kind < 4:
            most, den = [(4, 1 + draw(4)), (10**6, 10**6), (10**12, 10**12)][kind - 1]
            nums = [draw(most + 1) for _ in range(rows)]
            column = np.array(nums, np.int64)
            return [Fraction(num, den) for num in nums], column if den == 10**6 else (column, den)
        return [Fraction(1)] * rows, None

    def amount(self, divisor: int) -> int:
        """Return an amount on a floor or beside it, small, usual or as large as there are."""
        pick = self.rng.choice([0, 0, 1, 1, 2, 3, 3, 4, 4, self.largest])
        if pick == 0:
            return max(0, self.rng.choice(self.floors) * min(divisor, 366) + self.rng.randint(-2, 2))
        if pick == 1:
            return self.rng.randrange(10**13 * min(divisor, 366) + 1)
        return self.rng.randrange([10**3, 10**8 * min(divisor, 366), 10**10, 2**62][pick - 2])

    def days(self) -> tuple:
        """Return the days as the functions take them: dates, or columns where the rows differ."""
        columns = [np.array([epoch_day(day) for day in part], np.int32) for part in zip(*self.spans, strict=True)]
        if self.spans and len(set(self.spans)) == 1:
            columns = self.spans[0]
        return (*columns, *self.period) if self.spans else (*self.period, *self.period)

    def runs(self, component, row: int) -> list:
        """Return the runs of days of a row."""
        return fee_pricing.segments(self.terms, component, *self.spans[row], *self.period)

    def check(self, found: list[np.ndarray], pieces_of) -> None:
        """Compare every component and row with its pieces in exact fractions."""
        for component, yen in zip(self.terms.balance, found, strict=True):
            whole = [exact(pieces_of(component, row)) * self.factors[row] for row in range(self.rows)]
            assert yen.dtype == np.int64 and yen.tolist() == [round_yen(one, self.terms.rounding) for one in whole]

    def between(self) -> None:
        """Price amounts and differences, divided or not."""
        rng, terms = self.rng, self.terms
        each = [rng.randint(1, 366) for _ in range(self.rows)]
        divisors = rng.choice([[1], [rng.randint(1, 366)], each, each, [10 ** rng.randint(3, 16)]])
        of_row = divisors if len(divisors) == self.rows else divisors[:1] * self.rows
        high = [self.amount(divisor) for divisor in of_row]
        cut = terms.average == "down"
        whole = any(one.tiering == "whole" for one in terms.balance)
        from_zero = chance(rng, 40) or whole or (cut and max(divisors, default=1) > 1)
        low = [0] * self.rows if from_zero else [rng.randint(0, top) for top in high]
        divisor = np.array(divisors, np.int64) if len(divisors) == self.rows else divisors[0]
        lower = 0 if from_zero else np.array(low, np.int64)
        found = price_between(terms, *self.days(), lower, np.array(high, np.int64), divisor, self.factor)

        def pieces(component, row: int):
            top = Fraction(high[row] // of_row[row]) if cut else Fraction(high[row], of_row[row])
            return fee_pricing.price(self.runs(component, row), component.tiering, Fraction(low[row], of_row[row]), top)

        self.check(found, pieces)

    def daily(self) -> None:
        """Price run-length histories, some with rows after the last day, or before the first."""
        rng, histories = self.rng, []
        for first, last in self.spans:
            days = {-rng.choice([0, 0, 3]), *(rng.randint(1, (last - first).days + 5) for _ in range(rng.randrange(9)))}
            histories.append([(epoch_day(first) + day, self.amount(1)) for day in sorted(days)])
        order = rng.sample(range(self.rows), self.rows)
        offsets = np.cumsum([0, *(len(histories[k]) for k in order)])
        rows = [row for k in order for row in histories[k]]
        days, bases = np.array([day for day, _ in rows], np.int32), np.array([base for _, base in rows], np.int64)
        contracts = np.array([order.index(k) for k in range(self.rows)], np.int64)
        found = price_daily(self.terms, *self.days(), offsets, days, bases, self.factor, contracts)

        def pieces(component, row: int):
            first, last = (epoch_day(day) for day in self.spans[row])
            held = [[base for day, base in histories[row] if day <= today][-1] for today in range(first, last + 1)]
            return fee_pricing.price_daily(self.runs(component, row), component.tiering, held, self.spans[row][0])

        self.check(found, pieces)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_rows_are_priced_as_the_engine_prices_them(block):
    for seed in range(block, CASES, BLOCKS):
        Case(seed).between()
        Case(seed).daily()


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(40))
def test_many_random_rows_are_priced_as_the_engine_prices_them(block):
    for seed in range(10**6 + block, 10**6 + FUZZ_CASES, 40):
        Case(seed).between()
        Case(seed).daily()


def test_profits_pay_their_rate_and_a_loss_nothing_however_long_the_fraction():
    rng = random.Random(3)
    for case in range(200):
        rounding, tax = rng.choice(["down", "up", "half-up", "half-even"]), rng.choice(["included", "added"])
        terms = performance(("rounding/to", rounding), ("tax/kind", tax), ("component/0/rate_ppm", rng.randrange(10**6 + 1)))
        (component,) = terms.performance
        longest = 2 ** rng.choice([1, 20, 61, 200])
        den = [rng.choice([1, rng.randint(1, longest)]) for _ in range(9)]
        num = [rng.choice([1, 1, 1, -1]) * rng.randrange(10**13) * below // rng.randint(1, 3) for below in den]
        end = [date(2019, 9, 29) + timedelta(days=rng.randrange(4)) for _ in num]
        columns = [np.array(part, object if max(map(abs, part)) >= 2**63 else np.int64) for part in (num, den)]
        single = case % 2
        days = end[0] if single else np.array([epoch_day(day) for day in end])
        found = price_performance(terms, component, days, *columns)
        for k, yen in enumerate(found.tolist()):
            percent = 100 + (consumption_tax_percent(end[0 if single else k]) if tax == "added" else 0)
            profit = max(ZERO, Fraction(num[k], den[k]))
            assert yen == round_yen(profit * component.rate_ppm * percent / 10**8, rounding)
    with pytest.raises(ValueError, match="not above 0"):
        price_performance(terms, component, end[0], np.array([1]), np.array([0]))
    assert price_performance(terms, component, end[0], np.array([], np.int64), np.array([], np.int64)).size == 0


@st.composite
def marginal_terms(draw) -> Terms:
    """Draw terms with marginal tiers, every year, tax and rounding."""
    choice = st.sampled_from
    return advance(
        ("rates_of", draw(choice(["day", "period-start", "period-end"]))), ("year/days", draw(choice([365, 366, "actual"]))),
        ("rounding/to", draw(choice(["down", "up", "half-up", "half-even"]))), ("tax/kind", draw(choice(["included", "added"]))),
        rates=draw(balance_rates()),
    )  # fmt: skip


PERIOD = date(2019, 8, 15), date(2020, 2, 14)  # over the tax of October, the turn of a leap year, and changes of rates
bases = st.one_of(st.integers(0, 10**13), st.integers(0, 10**8), st.sampled_from([0, 10**9, 30_000_000, 10**13]))


@settings(max_examples=150, deadline=None)
@given(marginal_terms(), st.lists(bases, min_size=2, max_size=30), st.integers(1, 184))
def test_the_fee_never_falls_while_the_base_grows_and_has_no_cliff(terms, values, divisor):
    """A yen more of the base costs at most its share of the highest rate, and what one rounding may add."""
    amounts = np.unique(np.array([*values, *(value + 1 for value in values)])) * divisor
    (fees,) = price_between(terms, *PERIOD, *PERIOD, 0, amounts, divisor)
    assert (np.diff(fees) >= 0).all()
    dearest = max(rate for row in terms.components[0].rates for _, rate in row.tiers)
    for more, step in zip(np.diff(amounts).tolist(), np.diff(fees).tolist(), strict=True):
        assert step <= Fraction(more * dearest * 110 * 184, divisor * 10**8 * 365) + 1


@settings(max_examples=80, deadline=None)
@given(marginal_terms(), st.lists(bases, min_size=1, max_size=20), st.integers(1, 183))
def test_two_slices_or_two_spans_cost_what_the_whole_costs_but_for_a_rounding(terms, values, cut):
    high = np.array(values)
    low = high // 3
    middle = PERIOD[0] + timedelta(days=cut)
    (whole,) = price_between(terms, *PERIOD, *PERIOD, 0, high)
    (below,), (above,) = price_between(terms, *PERIOD, *PERIOD, 0, low), price_between(terms, *PERIOD, *PERIOD, low, high)
    assert (np.abs(whole - below - above) <= 1).all()
    (early,) = price_between(terms, PERIOD[0], middle - timedelta(days=1), *PERIOD, 0, high)
    (late,) = price_between(terms, middle, PERIOD[1], *PERIOD, 0, high)
    assert (np.abs(whole - early - late) <= 1).all()


@settings(max_examples=80, deadline=None)
@given(marginal_terms(), st.lists(bases, min_size=1, max_size=8))
def test_a_history_of_equal_bases_costs_what_one_base_costs_however_it_is_cut(terms, values):
    days = np.array([epoch_day(PERIOD[0]) + n for n in (0, 3, 47, 48, 100)], np.int32)
    offsets = np.arange(len(values) + 1)
    (once,) = price_daily(terms, *PERIOD, *PERIOD, offsets, np.full(len(values), days[0]), np.array(values))
    rows = np.tile(days, len(values)), np.repeat(np.array(values), days.size)
    (cut,) = price_daily(terms, *PERIOD, *PERIOD, offsets * days.size, *rows)
    (base,) = price_between(terms, *PERIOD, *PERIOD, 0, np.array(values))
    assert once.tolist() == cut.tolist() == base.tolist()


def test_rows_that_name_the_same_table_are_priced_together():
    rates = [{"from": day, "tiers": [[0, 10_000]]} for day in (date(2019, 1, 1), date(2019, 9, 1))]
    terms = arrears(("component/0/rates", rates), ("tax/kind", "added"), ("rates_of", "period-end"))
    ends = np.array([epoch_day(date(2019, month, day)) for month, day in ((8, 31), (9, 1), (9, 30), (10, 1), (12, 31))])
    span = span_of(5, ends - 10, ends, ends - 10, ends)
    groups = [(rows.tolist(), [run.tax_percent for run in runs]) for rows, runs in run_groups(terms, terms.components[0], span, 5)]
    assert groups == [([0], [8]), ([1, 2], [8]), ([3, 4], [10])]
    with pytest.raises(FeeTermsError, match="no rates in force on 2018-12-31"):
        price_between(terms, *[day_numbers(date(2018, 12, 31))] * 4, 0, np.array([5]))


def test_what_does_not_fit_is_refused():
    good, terms = np.array([10, 20]), advance()
    whole = arrears(("component/0/tiering", "whole"))
    cut = arrears(("rounding/average", "down"))
    refused = [
        ("within its period", lambda: price_between(terms, QUARTER[1], QUARTER[0], *QUARTER, 0, good)),
        ("within its period", lambda: price_between(terms, *QUARTER, date(2026, 10, 2), QUARTER[1], 0, good)),
        ("1 to 366", lambda: price_between(terms, *[date(2026, 1, 1), date(2027, 1, 2)] * 2, 0, good)),
        ("one day for each", lambda: price_between(terms, np.array([1, 2, 3]), *QUARTER[1:], *QUARTER, 0, good)),
        ("not int64", lambda: price_between(terms, *QUARTER, *QUARTER, 0, good.astype(object))),
        ("below 0", lambda: price_between(terms, *QUARTER, *QUARTER, 0, -good)),
        ("none above it", lambda: price_between(terms, *QUARTER, *QUARTER, good + 1, good)),
        ("none above it", lambda: price_between(terms, *QUARTER, *QUARTER, good[:1], good)),
        ("divisor", lambda: price_between(terms, *QUARTER, *QUARTER, 0, good, 0)),
        ("factor", lambda: price_between(terms, *QUARTER, *QUARTER, 0, good, 1, (1, 0))),
        ("factor", lambda: price_between(terms, *QUARTER, *QUARTER, 0, good, 1, np.array([1, 2, 3]))),
        ("whole tiers", lambda: price_between(whole, *QUARTER, *QUARTER, good, good)),
        ("cut first", lambda: price_between(cut, *QUARTER, *QUARTER, good, good, 92)),
    ]
    first = epoch_day(QUARTER[0])
    history = {"offsets": np.array([0, 2]), "days": np.array([first, first + 1], np.int32), "bases_yen": good}
    for text, change in (
        ("no base on its first day", {"days": np.array([first + 1, first + 2], np.int32)}),
        ("no base on its first day", {"offsets": np.array([0, 0])}),
        ("not in the order", {"days": np.array([first, first], np.int32)}),
        ("below 0", {"bases_yen": -good}),
        ("int64 yen", {"bases_yen": good.astype(np.int32)}),
        ("int64 yen", {"days": np.array([first], np.int32)}),
        ("none of the 1", {"contracts": np.array([1])}),
    ):
        refused.append((text, lambda change=change: price_daily(terms, *QUARTER, *QUARTER, **history | change)))
    for text, call in refused:
        with pytest.raises(ValueError, match=text):
            call()
    assert price_between(terms, *QUARTER, *QUARTER, 20, np.array([20, 20]))[0].tolist() == [0, 0]
    assert price_between(terms, *QUARTER, *QUARTER, 0, np.array([], np.int64))[0].size == 0
