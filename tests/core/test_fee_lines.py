"""The printed arithmetic: worked by hand it gives the charge."""

import re
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_fee_engine import advance, arrears, arrears_terms, charge, performance, value_rows
from tsutsumi.core.fee_engine import fee_schedule
from tsutsumi.core.fee_history import contract_history
from tsutsumi.core.fee_lines import WORDS, fee_lines

TIERS = [{"from": date(2000, 1, 1), "tiers": [[0, 13090], [30_000_000, 12155]]}]


def test_both_languages_have_the_same_words():
    assert WORDS["ja"].keys() == WORDS["en"].keys()


def test_the_lines_of_a_charge():
    terms = arrears(("component/0/rates", TIERS), ("tax/kind", "added"))
    (entry,) = charge(terms, {"2026-10-01": 25_000_000, "2026-11-16": 45_000_001}, "2026-10-01", "2026-12-31")
    assert fee_lines(entry, terms, "en") == [
        "balance fee 2026-10-01 – 2026-12-31 (92 days)",
        "  base: average balance = (25,000,000 × 46 + 45,000,001 × 46) ÷ 92 days = 70,000,001/2 = 35,000,000.5",
        "  mandate fee: 30,000,000 × 1.309 % × 92/365 × 1.10",
        "    + 10,000,001/2 × 1.2155 % × 92/365 × 1.10",
        "    = 125,730.604… → 125,730 yen (rounded down)",
        "  total 125,730 yen",
    ]


def test_the_lines_of_a_performance_fee_without_profit_and_with_many_days():
    terms = performance()
    entries = charge(terms, {"2026-01-01": 100, "2026-01-31": 90}, "2026-01-01", "2026-01-31")
    assert fee_lines(entries[0], terms)[1:3] == [
        "  計算基準額: 評価額 90 − 残高報酬 0 − ハイウォーターマーク 100 = -10 → 0",
        "  performance fee: 0 × 11 %".replace("11", "10"),
    ]
    terms = arrears(("rounding/average", "down"))
    values = {f"2026-10-{day:02d}": day for day in range(1, 20)}
    (entry,) = charge(terms, values, "2026-10-01", "2026-10-19", "2026-10-18")
    assert "日々の残高の合計 171 ÷ 18日 = 19/2 = 9.5 → 9 (切り捨て)" in fee_lines(entry, terms)[1]


def test_the_lines_of_an_advance_charge_name_the_day_of_the_base():
    terms = advance()
    entries = charge(terms, {"2026-10-01": 0}, "2026-10-01", "2026-10-31", flows={"2026-10-11": 5, "2026-10-12": -5})
    bases = [fee_lines(entry, terms, "en")[1] for entry in entries]
    assert bases == [
        "  base: opening balance (2026-10-01) 0",
        "  base: added (2026-10-11) 5",
        "  base: taken out (2026-10-12) 5",
    ]
    assert fee_lines(entries[0], terms, "en")[2] == "  mandate fee: 0"


@pytest.mark.parametrize("language", ["ja", "en"])
@settings(max_examples=40, deadline=None)
@given(terms=arrears_terms(), data=st.data())
def test_the_printed_slices_sum_to_the_exact_fee(language, terms, data):
    start, last = date(2019, 9, 15), date(2019, 10, 20)
    history = contract_history(data.draw(value_rows(start, 30)), [], start, last, last)
    for entry in fee_schedule(terms, history):
        lines = fee_lines(entry, terms, language)
        total = Fraction(0)
        for line in lines[2:-1]:
            found = re.search(r"([\d,/]+) × ([\d.]+) % × (\d+)/(\d+)(?: × ([\d.]+))?$", line)
            if found:
                yen, rate, days, year, tax = found.groups()
                part = Fraction(yen.replace(",", "")) * Fraction(rate) / 100 * Fraction(int(days), int(year))
                total += part * Fraction(tax or 1)
        assert total == entry.workings[0].exact
        assert lines[-1].endswith(f" {entry.total_yen:,}{WORDS[language]['yen']}")
