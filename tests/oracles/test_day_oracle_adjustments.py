"""The slow close's adjustments in small cases computed by hand: a million of cash is 100 yen a day, 3,000 yen for June."""

from datetime import date

from tests.oracles.day_oracle import House, simulate
from tests.oracles.day_oracle.fee_adjustments import mean_deposit, saved
from tests.oracles.day_oracle.state import Fee
from tests.oracles.test_day_oracle_by_hand import JUNE, MILLION, event, small_tables
from tests.oracles.test_day_oracle_fees import ADVANCE, balance, fee_rows, house_of, pay_in, terms
from tests.oracles.test_day_oracle_performance import PROFIT

EARLY, JULY = date(2026, 1, 1), date(2026, 7, 31)


def step(number: int, kind: str, since: date = EARLY, component: str = "", **values) -> dict:
    """One row of the adjustments of program 1."""
    return {"program_no": 1, "valid_from_date": since, "step_no": number, "kind": kind, "component": component, "threshold": 0,
            "factor_ppm": MILLION, "amount_yen": 0, **values}


def adjusted(*steps: dict, last: date = JUNE[21], more: tuple = (), first: date = JUNE[0], text: str = "") -> House:
    """A million that comes on the first day."""
    return house_of(text or terms(balance()), last, pay_in(first, MILLION), *more, first=first, fee_adjustments=list(steps))


def yen(house: House) -> list[int]:
    """The fees in their order."""
    return [fee.fee_yen for fee in house.fees]


def part_of_the_price(fee: Fee) -> float:
    """What was charged, over 100 yen a day for a million."""
    days = (fee.end_date - fee.start_date).days + 1
    return round(fee.fee_yen * MILLION / (int(fee.base_yen) * 100 * days), 2)


def test_steps_follow_each_other_without_rounding():
    """3,000 yen: a third and then a third of that is 333.33, not 333; at least 40,000 yen a year are 3,287.67 for 30 days."""
    third, least = {"factor_ppm": 333_333, "from_date": JUNE[0], "to_date": JUNE[0], "until_date": JUNE[0]}, {"amount_yen": 40_000}
    assert yen(adjusted(step(1, "campaign", **third), step(2, "campaign", **third))) == [333]            # 333.3326
    assert yen(adjusted(step(2, "minimum", **least), step(1, "campaign", **third))) == [3_287]
    assert yen(adjusted(step(1, "minimum", **least), step(2, "campaign", **third))) == [1_095]           # 3,287.67 / 3
    assert yen(adjusted(step(1, "maximum", amount_yen=365))) == [30]


def test_the_rows_of_the_first_day_of_the_period_count():
    """Rows of June 2 are for July; a later set of rows takes the place of the earlier one whole."""
    rows = step(1, "maximum", amount_yen=365), step(2, "maximum", since=JUNE[1], amount_yen=730)
    assert yen(adjusted(*rows, last=JULY)) == [30, 62]


def test_a_component_that_is_named():
    """Only the named component has a maximum; one by profit has none at all."""
    text = terms(balance(name="one"), balance(name="two"), PROFIT.format(every=1, mark="scaled"))
    house = adjusted(step(1, "maximum", component="two", amount_yen=365), text=text)
    assert [(fee.component, fee.fee_yen) for fee in house.fees] == [("one", 3_000), ("two", 30), ("profit", 0)]


def test_long_holding_counts_from_the_period_after_the_anniversary():
    """Opened on June 1, 2026: the period that begins on the first anniversary is not yet cheaper, the next one is."""
    rows = [step(1, "long_holding", threshold=years, factor_ppm=ppm) for years, ppm in ((1, 500_000), (2, 0))]
    house = adjusted(*rows, last=date(2027, 8, 2))
    assert [(str(fee.start_date), part_of_the_price(fee)) for fee in house.fees[-3:]] == [
        ("2027-05-01", 1.0), ("2027-06-01", 1.0), ("2027-07-01", 0.5)]


def test_deposit_steps_read_the_month_ends_before_the_period():
    """1,000,000 at the end of May, 1,400,000 of June, 700,000 of July: the means before June, July and August."""
    may = date(2026, 5, 20)
    flows = pay_in(JUNE[3], 400_000), pay_in(date(2026, 7, 10), -700_000)
    rows = [step(1, "deposit_step", threshold=least, factor_ppm=ppm) for least, ppm in (
        (0, 900_000), (MILLION, 800_000), (1_033_333, 700_000), (1_033_334, 600_000), (1_200_000, 500_000))]
    house = adjusted(*rows, last=date(2026, 8, 31), more=flows, first=may, text=terms(balance(), measure='"closing"'))
    contract = house.contracts[1]
    days = may, date(2026, 5, 29), date(2026, 5, 30), date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1)
    means = [mean_deposit(house, contract, day) for day in days]
    assert means == [0, 0, MILLION, MILLION, 1_200_000, 1_033_333]
    assert [part_of_the_price(fee) for fee in house.fees] == [0.9, 0.8, 0.5, 0.7]


def test_campaigns_by_opening_and_by_the_start_of_the_period():
    """Opened in the campaign, free until a period that begins on or before June 30; the higher threshold of two counts."""
    dates = {"from_date": date(2026, 5, 1), "to_date": JUNE[0], "until_date": date(2026, 6, 30)}
    assert yen(adjusted(step(1, "campaign", factor_ppm=0, **dates), last=JULY)) == [0, 3_100]
    assert yen(adjusted(step(1, "campaign", factor_ppm=0, **dates | {"to_date": date(2026, 5, 31)}))) == [3_000]
    two = step(1, "campaign", threshold=1, factor_ppm=0, **dates), step(1, "campaign", threshold=2, factor_ppm=500_000, **dates)
    assert yen(adjusted(*two)) == [1_500]


def test_additions_and_refunds_take_the_factors_alone():
    """In advance at half price: of 3,000 yen 1,500, but at least 24,333 a year, 1,999.97; half of 1,040 more and of 800 back."""
    dates = {"from_date": JUNE[0], "to_date": JUNE[0], "until_date": JUNE[0]}
    rows = step(1, "campaign", factor_ppm=500_000, **dates), step(2, "minimum", amount_yen=2_000 * 365 // 30)
    flows = pay_in(JUNE[4], 400_000), pay_in(JUNE[7], -400_000)
    house = adjusted(*rows, more=flows, text=terms(balance(), **ADVANCE))
    assert yen(house) == [1_999, 520, 400] and [row[0] for row in fee_rows(house)] == ["charge", "addition", "refund"]


def family(groups: list[str], paid: list[int], text: str, *steps: dict) -> House:
    """One contract and sleeve a person, of one program, all opened on June 1."""
    tables = small_tables([100] * 22, model=((0, MILLION),))
    numbers = range(1, len(paid) + 1)
    tables["fee_terms"][0]["terms_toml"] = text
    tables["contracts"] = [{"contract_no": no, "account_no": no, "program_no": 1} for no in numbers]
    tables["sleeves"] = [{"sleeve_no": no, "contract_no": no, "model_no": 1} for no in numbers]
    tables["fee_groups"] = [{"contract_no": no, "valid_from_date": EARLY, "group_id": groups[no - 1]} for no in numbers]
    tables["fee_adjustments"] = [step(1, "group"), *steps]
    kinds = [(kind, no) for no in numbers for kind in ("contract_opened", "sleeve_opened", "deposit")]
    tables["events"] = [
        event(place, JUNE[0], kind, **{"contract_no": no} if kind == "contract_opened" else {"sleeve_no": no},
              **{"amount_yen": paid[no - 1]} if kind == "deposit" else {})
        for place, (kind, no) in enumerate(kinds, start=1)]
    return simulate(tables, JUNE[0], JUNE[21])


def test_a_family_is_charged_as_one():
    """Half price above a million: alone 3,000, 4,500 and 1,500 yen; three and a half millions as one 3,000 + 2.5 × 1,500 = 6,750.
    The 2,250 saved are shared 750, 1,125 and 375; without the second the 750 saved are 500 and 250.
    """
    tiers = "[[0, 36500], [1000000, 18250]]"
    for measure in ("average", "daily", "closing"):
        text = terms(balance(tiers), measure=f'"{measure}"')
        house = family(["G", "G", "G"], [MILLION, 2 * MILLION, 500_000], text)
        assert yen(house) == [2_250, 3_375, 1_125]
        assert yen(family(["G", "", "G"], [MILLION, 2 * MILLION, 500_000], text)) == [2_500, 4_500, 1_250]
        assert yen(family(["", "", "G"], [MILLION, 2 * MILLION, 500_000], text)) == [3_000, 4_500, 1_500]
    half = step(2, "campaign", factor_ppm=500_000, from_date=JUNE[0], to_date=JUNE[0], until_date=JUNE[0])
    assert yen(family(["G", "G", "G"], [MILLION, 2 * MILLION, 500_000], text, half)) == [1_125, 1_687, 562]
    assert yen(family(["G", "G"], [MILLION, 2 * MILLION], terms(balance(tiers), **ADVANCE))) == [3_000, 4_500]


def test_ties_of_a_saving_go_by_contract_number():
    """Two yen to three equals; nothing to share among fees of 0."""
    assert saved(2, {7: 10, 3: 10, 5: 10}) == {3: 1, 5: 1, 7: 0} and saved(0, {1: 0, 2: 0}) == {1: 0, 2: 0}
