"""Tonight's fees: periods that end between two closes, dues to the sleeves, shares to the parties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import books, columns, day, nights, rules, sleeve
from tsutsumi.core.books import FEE_KEY
from tsutsumi.core.charging import charge
from tsutsumi.core.dues import FEE_KINDS, split_among_parties
from tsutsumi.core.fee_terms import parse_terms
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.schema import empty

NO_FINAL = np.zeros(0, np.int64)
CLOSING = 1


def worth(number, value, base=0, cash=0, **said):
    return sleeve(number, value_yen=value, cash_yen=cash, positions_yen=value - cash, base_sum_yen=base, **said)


def closed(today, of, before, final=NO_FINAL, carried=None, **said):
    return charge(of, before, rules(today, **said), final, empty("flows"), carried or {})


def test_a_months_fee_is_its_average_at_the_rate_over_the_days_of_the_year():
    # 29 days of 3,650,000 and a last one of 7,300,000: 31 such days at 1 % of 365: 3,100 yen
    of, before = books("2026-11-30", worth(1, 7_300_000, 29 * 3_650_000)), books("2026-11-27", worth(1, 3_650_000))
    of.sleeves["base_sum_yen"][:] = 27 * 3_650_000  # two days of the weekend come with the close
    of.contracts["period_start_date"][:], of.contracts["period_end_date"][:] = day("2026-11-01"), day("2026-11-30")
    after, charges = closed("2026-11-30", of, before)
    assert columns(charges.fees, "contract_no", "start_date", "end_date", "base_yen", "fee_yen", "charged_date") == [
        (1, day("2026-11-01"), day("2026-11-30"), 31 * 3_650_000 // 30, 3_100, day("2026-11-30"))]
    assert columns(after.contracts, "period_start_date", "period_end_date") == [(day("2026-12-01"), day("2026-12-31"))]
    assert columns(after.sleeves, "base_sum_yen") == [(0,)] and after.fees["fee_yen"].tolist() == [3_100]


def test_a_period_that_ended_in_the_holidays_is_charged_on_the_next_close():
    # 30 days of 3,650,000 until 12-30, the 31st repeats it: 3,100 yen; January starts with three days and today's close
    of, before = books("2027-01-04", worth(1, 1_000, 30 * 3_650_000)), books("2026-12-30", worth(1, 3_650_000))
    after, charges = closed("2027-01-04", of, before)
    assert columns(charges.fees, "end_date", "fee_yen", "charged_date") == [(day("2026-12-31"), 3_100, day("2027-01-04"))]
    assert columns(after.dues, "amount_yen", "charged_date", "due_date") == [(3_100, day("2027-01-04"), day("2027-01-07"))]
    assert columns(after.sleeves, "base_sum_yen") == [(3 * 3_650_000 + 1_000,)]


def test_a_fee_is_shared_to_the_open_sleeves_by_what_made_it():
    def dues(*given, **said):
        """The dues of a month's end; bases are those of 30 days, and of one more."""
        before = books("2026-12-30", *(worth(number, base // 30) for number, base, _ in given))
        of = books("2027-01-04", *(worth(number, 0, base, status_code=status) for number, base, status in given))
        after, charges = closed("2027-01-04", of, before, **said)
        return columns(after.dues, "sleeve_no", "amount_yen"), charges.fees["fee_yen"].tolist()

    part = 30 * 3_650_000
    assert dues((1, part, 0), (2, 3 * part, 0), (4, part, 0)) == ([(1, 3_100), (2, 9_300), (4, 3_100)], [12_400, 3_100])
    assert dues((1, part, 0), (2, 3 * part, CLOSING)) == ([(1, 12_400)], [12_400]), "a closing sleeve carries no part"
    assert dues((1, part, CLOSING), (2, 3 * part, CLOSING)) == ([(1, 3_100), (2, 9_300)], [12_400]), "unless all are closing"
    assert dues((1, 0, 0), (2, part, CLOSING)) == ([(1, 3_100)], [3_100]), "no weight at all: the first sleeve"
    assert dues((1, 0, 0)) == ([], [0])


def test_what_a_closed_sleeve_added_stays_with_its_contract():
    of, before = books("2027-01-04", worth(1, 0, 0)), books("2026-12-30", worth(1, 0))
    of.contracts["closed_base_sum_yen"][:] = 31 * 3_650_000
    after, charges = closed("2027-01-04", of, before)
    assert charges.fees["fee_yen"].tolist() == [3_100] and after.contracts["closed_base_sum_yen"].tolist() == [0]
    of.contracts["closed_base_sum_yen"][:] = 31 * 3_650_000
    of.contracts["period_end_date"][:] = day("2026-12-31")
    of.contracts["period_start_date"][:] = day("2026-12-01")
    after, charges = closed("2027-01-04", of, before, carried={1: 55})
    assert charges.fees["fee_yen"].tolist() == [3_100], "what was carried beyond the end is of the new period"
    assert after.contracts["closed_base_sum_yen"].tolist() == [55]


def test_a_termination_is_charged_to_today_and_due_tomorrow_and_older_dues_keep_their_date():
    # ten days of 3,650,000: 1,000 yen for the days from the 1st to the 10th
    ends = {"sleeve_no": 1, "kind_code": P_TERMINATION}
    old = {"sleeve_no": 1, "amount_yen": 7, "charged_date": day("2026-12-01"), "due_date": day("2026-12-28")}
    of = books("2026-12-10", worth(1, 3_650_000, 9 * 3_650_000, status_code=CLOSING), payouts=[ends], dues=[old])
    after, charges = closed("2026-12-10", of, books("2026-12-09", worth(1, 3_650_000)), np.array([0]))
    assert columns(charges.fees, "start_date", "end_date", "fee_yen") == [(day("2026-12-01"), day("2026-12-10"), 1_000)]
    assert columns(after.dues, "amount_yen", "due_date") == [(7, day("2026-12-28")), (1_000, day("2026-12-11"))]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=5), st.lists(st.integers(0, 250_000), max_size=4))
def test_shares_of_the_parties_are_floors_and_the_rest_goes_to_the_named_one(fees, ppm):
    fee_yen, shares = np.array(fees, np.int64), list(enumerate(ppm, start=2))
    split = split_among_parties(fee_yen, shares, 1)
    assert sum(split.values()).tolist() == fees
    for company, part in shares:
        assert split[company].tolist() == [yen * part // 1_000_000 for yen in fees]
    if shares:  # a party that also takes the remainder takes both
        assert sum(split_among_parties(fee_yen, shares, 2).values()).tolist() == fees


def test_the_shares_of_a_fee_are_told_by_company():
    of, before = books("2027-01-04", worth(1, 0, 30 * 3_650_000)), books("2026-12-30", worth(1, 3_650_000))
    _, charges = closed("2027-01-04", of, before, shares={1: [(2, 333_333), (3, 333_333)]})
    assert sorted(columns(charges.shares, "company_no", "share_yen")) == [(1, 1_034), (2, 1_033), (3, 1_033)]
    assert set(charges.shares["contract_no"]) == {1}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fees_of_a_house_are_their_shares_and_their_dues(seed):
    charged = 0
    for night in nights(seed):
        fees, shares = night.result.tables.get("fees"), night.result.tables.get("fee_shares")
        if fees is None or shares is None:
            continue
        totals = {}
        for *key, yen in columns(shares, *FEE_KEY, "share_yen"):
            totals[tuple(key)] = totals.get(tuple(key), 0) + yen
        by_key = {row[:5]: row[5:] for row in columns(fees, *FEE_KEY, "fee_yen", "charged_date")}
        assert totals == {key: by_key[key][0] for key in totals}, "shares of what was charged, or cut at a closing, today"
        fresh = [key for key, (_, charged_on) in by_key.items() if charged_on == night.result.books.day]
        assert set(fresh) <= set(totals)
        dues = night.result.books.dues
        new = dues["charged_date"] == night.result.books.day
        refunds = sum(by_key[key][0] for key in fresh if FEE_KINDS[key[3]] == "refund")
        credit = [books.contracts["credit_yen"].sum() for books in (night.before, night.result.books)]
        owed = sum(by_key[key][0] for key in fresh) - 2 * refunds
        if not refunds and not credit[0]:
            assert dues["amount_yen"][new].sum() == owed and not credit[1]
        charged += len(fresh)
    assert charged > 3


def test_a_sleeve_that_opens_after_a_period_ended_owes_nothing_for_it():
    """31 December ends a quarter; sleeve 2 opens on 4 January, the next close: only sleeve 1 has a mark to be charged on."""
    terms = parse_terms({
        "name": "t", "period": {"length": "quarter", "align": "calendar", "timing": "arrears"}, "rounding": {"to": "down"},
        "tax": {"kind": "included"},
        "component": [{"name": "p", "kind": "performance", "rate_ppm": 100_000, "every": 1, "mark": "scaled"}],
    })
    mark = {"account_no": 1, "contract_no": 1, "sleeve_no": 1, "start_date": day("2026-11-02"), "before_yen": 1}
    mark["amount_yen"] = 1_000
    before = books("2026-12-30", worth(1, 1_500), fee_marks=[mark])
    of = books("2027-01-04", worth(1, 1_500), worth(2, 700, opened_date=day("2027-01-04")), fee_marks=[mark])
    rule = rules("2027-01-04", program={"performance_sleeve": 1}, program_terms=lambda program, on: ("t", terms))
    after, charges = charge(of, before, rule, NO_FINAL, empty("flows"))
    assert columns(charges.fees, "sleeve_no", "end_date", "base_yen", "fee_yen") == [(1, day("2026-12-31"), 500, 50)]
    assert columns(after.fee_marks, "sleeve_no", "start_date", "amount_yen") == [
        (1, day("2027-01-01"), 1_450), (2, day("2027-01-04"), 700)]


def test_a_period_in_advance_between_two_closes_is_charged():
    """The arrears ended with the close of 30 December; the 31st is a period of its own, in advance, and then comes January."""
    text = {
        "name": "t", "period": {"length": "month", "align": "calendar", "timing": "advance"},
        "base": {"measure": "opening", "cash": "included"}, "year": {"days": 365}, "rounding": {"to": "down"},
        "tax": {"kind": "included"}, "advance": {"addition": "own", "refund": "none"},
        "component": [{"name": "fee", "kind": "balance", "rates": [{"from": "2020-01-01", "tiers": [[0, 36_500]]}]}],
    }
    terms = parse_terms(text)
    of, before = books("2027-01-04", worth(1, 2_000_000)), books("2026-12-30", worth(1, 1_000_000))
    of.contracts["period_start_date"][:] = of.contracts["period_end_date"][:] = day("2026-12-31")
    _, charges = charge(of, before, rules("2027-01-04", program_terms=lambda program, on: ("t", terms)), NO_FINAL, empty("flows"))
    assert columns(charges.fees, "start_date", "end_date", "base_yen", "fee_yen") == [
        (day("2026-12-31"), day("2026-12-31"), 1_000_000, 100), (day("2027-01-01"), day("2027-01-31"), 1_000_000, 3_100)]
