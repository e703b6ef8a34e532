"""The slow close's fees in small cases computed by hand: every balance is cash, so that values are what was paid in."""

from datetime import date, timedelta

from tests.oracles.day_oracle import House, simulate
from tests.oracles.day_oracle.dues import set_off
from tests.oracles.fees_oracle import is_business_day
from tests.oracles.test_day_oracle_by_hand import JUNE, MILLION, event, small_tables

TERMS = {
    "rates_of": '"day"', "length": '"month"', "align": '"calendar"', "timing": '"arrears"', "measure": '"average"',
    "days": '"calendar"', "cash": '"included"', "year": "365", "to": '"down"', "average": '"none"', "tax": '"included"',
    "addition": '"own"', "refund": '"prorated"',
}
TEXT = """rates_of = {rates_of}
[period]
length = {length}
align = {align}
timing = {timing}
[base]
measure = {measure}
days = {days}
cash = {cash}
[year]
days = {year}
[rounding]
to = {to}
average = {average}
[tax]
kind = {tax}
[advance]
addition = {addition}
refund = {refund}
"""
TIERS = '[[component]]\nname = "{name}"\nkind = "balance"\n[[component.rates]]\nfrom = 2020-01-01\ntiers = {tiers}\n'
ADVANCE = {"timing": '"advance"', "measure": '"opening"'}


def business_days(first: date, last: date) -> list[date]:
    """Every day on which the house closes."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if is_business_day(day)]


def terms(*components: str, **choices: str) -> str:
    """A terms file: monthly by the calendar, in arrears, on the average of calendar days, 365 days, down, tax inside."""
    return TEXT.format(**TERMS | choices) + "".join(components)


def balance(tiers: str = "[[0, 36500]]", name: str = "fee") -> str:
    """By default 3.65 % a year: 100 yen a day for a million."""
    return TIERS.format(name=name, tiers=tiers)


def house_of(
    text: str, last: date, *events: tuple, first: date = JUNE[0], rules: dict | None = None, failures=frozenset(), **tables
) -> House:
    """A house of cash alone, closed on every business day; events are (date, kind, values)."""
    days = business_days(first, last)
    made = small_tables([100] * len(days), days=days, model=((0, MILLION),))
    made["fee_terms"][0]["terms_toml"] = text
    made["program_rules"][0] |= rules or {}
    opening = [(first, "contract_opened", {"contract_no": 1}), (first, "sleeve_opened", {"sleeve_no": 1})]
    made["events"] = [event(no, day, kind, **values) for no, (day, kind, values) in enumerate([*opening, *events], start=1)]
    return simulate(made | tables, first, last, bank_failures=failures)


def pay_in(day: date, amount: int, sleeve_no: int = 1) -> tuple:
    """Yen that come or go on the day itself."""
    if amount < 0:
        return day, "correction", {"sleeve_no": sleeve_no, "amount_yen": amount, "note": "booked difference"}
    return day, "deposit", {"sleeve_no": sleeve_no, "amount_yen": amount}


def gain(day: date, yen: int, sleeve_no: int = 1) -> tuple:
    """Profit: units worth so many yen that come (or go) without a flow of yen; nobody trades them."""
    values = {"sleeve_no": sleeve_no, "instrument_no": 2, "units": yen * 10_000, "note": "booked difference"}
    return day, "correction", values


SECOND = (JUNE[0], "sleeve_opened", {"sleeve_no": 2})


def fee_rows(house: House) -> list[tuple]:
    """(kind, first, last, base floored, yen) with the days as they are written in June: 5, 30."""
    return [(fee.kind, fee.start_date.day, fee.end_date.day, int(fee.base_yen), fee.fee_yen) for fee in house.fees]


# ------------------------------------------------------------------------------------------------------------ in arrears
def test_the_bases_of_terms_in_arrears():
    """A million from June 1 on, two from Monday 15 on, three on Tuesday 30: 14, 15 and 1 of 30 days, 10, 11 and 1 of 22."""
    paid = pay_in(JUNE[0], MILLION), pay_in(JUNE[10], MILLION), pay_in(JUNE[21], MILLION)
    two_tiers = balance("[[0, 36500], [1000000, 18250]]")
    found = {}
    for name, choices in (("average", {}), ("business", {"days": '"business"'}), ("daily", {"measure": '"daily"'}),
                          ("closing", {"measure": '"closing"'})):
        (fee,) = house_of(terms(two_tiers, **choices), JUNE[21], *paid).fees
        found[name] = int(fee.base_yen), fee.fee_yen
    assert found == {
        "average": (1_566_666, 3_850),                   # 47 / 30 millions: 30 × 100 + 30 × 0.5666... × 50
        "business": (1_590_909, 3_886),                  # 35 / 22 millions: 30 × 100 + 30 × 0.5909... × 50 = 3,886.36
        "daily": (1_566_666, 3_850),                     # linear above the first tier on every day, so the same
        "closing": (3_000_000, 6_000),                   # 30 × 200
    }


def test_daily_is_not_the_average():
    """Half a million for 14 days, two millions for 16: the days below the floor pay 50, those above it 100 + 50."""
    paid = pay_in(JUNE[0], MILLION // 2), pay_in(JUNE[10], 1_500_000)
    rows = [fee_rows(house_of(terms(balance("[[0, 36500], [1000000, 18250]]"), measure=measure), JUNE[21], *paid))[0]
            for measure in ('"daily"', '"average"')]
    assert rows[0] == ("charge", 1, 30, 1_300_000, 14 * 50 + 16 * 150)
    assert rows[1] == ("charge", 1, 30, 1_300_000, 30 * 115)


def test_a_period_that_ends_on_a_weekend():
    """May 2026 ends on a Sunday: charged on Monday June 1 on what there was on Friday 29, and not on that Monday's deposit."""
    may = date(2026, 5, 25)
    house = house_of(terms(balance()), JUNE[1], pay_in(may, MILLION), pay_in(JUNE[0], MILLION), first=may)
    (fee,) = house.fees
    assert (fee.start_date, fee.end_date, fee.charged_date) == (may, date(2026, 5, 31), JUNE[0])
    assert (fee.base_yen, fee.fee_yen, fee.due.due_date) == (MILLION, 700, JUNE[2])


def test_weights_are_of_the_days_that_entered():
    """Sleeve 2 holds a million from Friday June 12 on: 19 of 30 days, 13 of 22 business days, and the closing alone."""
    paid = SECOND, pay_in(JUNE[0], MILLION), pay_in(JUNE[9], MILLION, 2)
    parts = {}
    for name, choices in (("calendar", {}), ("business", {"days": '"business"'}), ("closing", {"measure": '"closing"'})):
        (fee,) = house_of(terms(balance(), **choices), JUNE[21], *paid).fees
        parts[name] = fee.fee_yen, fee.parts
    assert parts == {
        "calendar": (4_900, {1: 3_000, 2: 1_900}),
        "business": (4_772, {1: 3_000, 2: 1_772}),       # 3,000 × 35 / 22 = 4,772.7; 4,772 × 22 / 35 = 2,999.54
        "closing": (6_000, {1: 3_673, 2: 2_327}),        # 6,000 × 30 / 49 = 3,673.47
    }


def test_shares_and_parts_of_a_closing_sleeve():
    """Sleeve 2 is closing when June is charged: sleeve 1 owes all."""
    closing = JUNE[20], "sleeve_closed", {"sleeve_no": 2}
    house = house_of(terms(balance()), JUNE[21], SECOND, pay_in(JUNE[0], MILLION), pay_in(JUNE[0], MILLION, 2), closing)
    (fee,) = house.fees
    assert (fee.fee_yen, fee.parts, fee.shares) == (5_900, {1: 5_900}, {1: 3_934, 2: 1_966})    # 1,966.66 of 333,333 ppm


# ------------------------------------------------------------------------------------------------------------ in advance
def test_an_addition_own_and_stacked():
    """In advance from Friday June 5: 26 days on a million. Two millions more on June 15, 16 days: from tier 1, or on top."""
    tiers = balance("[[0, 36500], [1000000, 18250], [2000000, 3650]]")
    paid = pay_in(JUNE[4], MILLION), pay_in(JUNE[10], 2 * MILLION), pay_in(JUNE[10], MILLION)
    for addition, yen in (("own", 16 * (100 + 50 + 10)), ("stacked", 16 * (50 + 10 + 10))):
        text = terms(tiers, **ADVANCE, addition=f'"{addition}"')
        house = house_of(text, JUNE[21], *paid, first=JUNE[4])
        assert fee_rows(house) == [("charge", 5, 30, MILLION, 2_600), ("addition", 15, 30, 3 * MILLION, yen)]
        assert house.fees[1].charged_date == JUNE[10] and house.fees[1].due.due_date == JUNE[12]


def test_a_new_period_opens_on_the_last_business_day_before_it():
    """June 2026 begins on Monday; the opening is Friday's million, and Monday's deposit is an addition. The old running base
    is forgotten.
    """
    may = date(2026, 5, 25)
    house = house_of(terms(balance(), **ADVANCE), JUNE[1], pay_in(may, MILLION), pay_in(JUNE[0], 500_000), first=may)
    # 7 days of May: 700 yen paid on Wednesday 27
    assert fee_rows(house) == [
        ("charge", 25, 31, MILLION, 700), ("charge", 1, 30, 999_300, 2_997), ("addition", 1, 30, 500_000, 1_500)]
    assert [fee.charged_date for fee in house.fees] == [may, JUNE[0], JUNE[0]]


def test_a_reduction_and_its_credit():
    """200,000 of a million go on June 10: 20 yen a day for 20 days are refunded, and set off against the addition of the
    next day: 20 days of 30 yen, 200 yen of it are due. The fees and their shares are as they are.
    """
    paid = pay_in(JUNE[0], MILLION), pay_in(JUNE[7], -200_000), pay_in(JUNE[8], 300_000)
    house = house_of(terms(balance(), **ADVANCE), JUNE[11], *paid)
    charge, refund, addition = house.fees
    assert fee_rows(house)[1:] == [("refund", 11, 30, 200_000, 400), ("addition", 11, 30, 300_000, 600)]
    assert (house.days[JUNE[7]].credits, house.days[JUNE[8]].credits) == ({1: 400}, {1: 0})
    assert (refund.collected_date, refund.parts, refund.shares, refund.due) == (JUNE[7], {}, {1: 267, 2: 133}, None)
    assert (addition.parts, addition.due.parts, sum(addition.shares.values())) == ({1: 600}, {1: 200}, 600)
    assert (charge.collected_date, addition.collected_date) == (JUNE[2], JUNE[10])


def test_an_evening_of_which_nothing_is_left():
    """A refund of 400 yen covers an addition of 190 yen: no due, collected on the evening itself; 210 yen stay."""
    paid = pay_in(JUNE[0], MILLION), pay_in(JUNE[7], -200_000), pay_in(JUNE[9], 100_000)
    house = house_of(terms(balance(), **ADVANCE), JUNE[11], *paid)
    assert fee_rows(house)[2] == ("addition", 12, 30, 100_000, 190)
    assert (house.fees[2].due, house.fees[2].collected_date, house.days[JUNE[9]].credits) == (None, JUNE[9], {1: 210})


def test_uncharged_additions_are_cancelled_first():
    """`addition = none`: 300,000 come, 500,000 go: only 200,000 were charged for. In July the 300,000 are in the opening base."""
    paid = pay_in(JUNE[0], MILLION), pay_in(JUNE[3], 300_000), pay_in(JUNE[7], -500_000)
    text = terms(balance(), **ADVANCE, addition='"none"')
    assert fee_rows(house_of(text, JUNE[8], *paid))[1:] == [("refund", 11, 30, 200_000, 400)]
    july = date(2026, 7, 1)
    house = house_of(text, july, pay_in(JUNE[0], MILLION), pay_in(JUNE[3], 300_000), pay_in(july, -500_000))
    assert fee_rows(house)[1:] == [("charge", 1, 31, 1_297_000, 4_020), ("refund", 2, 31, 500_000, 1_500)]    # 4,020.7


def test_no_refund_on_the_last_day_and_none_without_terms():
    """On June 30 there is no day to refund, but the running base falls; under `none` nothing is refunded."""
    for day, refund in ((JUNE[21], "prorated"), (JUNE[7], "none")):
        text = terms(balance(), **ADVANCE, refund=f'"{refund}"')
        assert len(house_of(text, JUNE[21], pay_in(JUNE[0], MILLION), pay_in(day, -1)).fees) == 1


def test_a_reduction_is_at_most_the_running_base():
    """Terms without cash: a contract of cash alone opens on 0, its running base grows by what comes, and falls to 0 at most."""
    paid = pay_in(JUNE[0], MILLION), pay_in(JUNE[3], 300_000), pay_in(JUNE[7], -500_000)
    rows = fee_rows(house_of(terms(balance(), **ADVANCE, cash='"excluded"'), JUNE[8], *paid))
    assert rows == [("charge", 1, 30, 0, 0), ("addition", 4, 30, 300_000, 810), ("refund", 11, 30, 300_000, 600)]


def test_the_end_of_a_contract_in_advance():
    """Terminated on Wednesday June 10: ready that evening, paid on Thursday. 20 days of the million that was charged come back:
    2,000 yen are paid into the sleeve, and go out with its 997,000.
    """
    end = JUNE[7], "terminated", {"contract_no": 1}
    house = house_of(terms(balance(), **ADVANCE), JUNE[9], pay_in(JUNE[0], MILLION), end)
    assert fee_rows(house) == [("charge", 1, 30, MILLION, 3_000), ("refund at the end", 11, 30, MILLION, 2_000)]
    assert [(day, kind, amount) for day, _sleeve, kind, amount in house.flows[1:]] == [
        (JUNE[2], "fee", -3_000), (JUNE[8], "fee", 2_000), (JUNE[8], "termination", -999_000)]
    assert house.contracts[1].credit == 0


def test_a_flow_on_the_evening_of_the_end():
    """400,000 go on the evening of the final fee: refunded first, then the 600,000 that are left, both for 20 days."""
    end = JUNE[7], "terminated", {"contract_no": 1}
    house = house_of(terms(balance(), **ADVANCE), JUNE[8], pay_in(JUNE[0], MILLION), end, pay_in(JUNE[7], -400_000))
    assert fee_rows(house)[1:] == [("refund", 11, 30, 400_000, 800), ("refund at the end", 11, 30, 600_000, 1_200)]


def test_a_credit_is_shared_by_the_parts():
    """Parts of 700 and 300 and a credit of 101: 70.7 and 30.3 are taken off."""
    assert set_off({1: 700, 2: 300}, 101, JUNE[0]) == {1: 629, 2: 270}
    assert set_off({1: 700, 2: 300}, 1_000, JUNE[0]) == set_off({1: 700, 2: 300}, 5_000, JUNE[0]) == {}
