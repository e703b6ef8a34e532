"""The slow close's performance fees, switches of terms and debits in small cases computed by hand."""

from datetime import date

from tests.oracles.day_oracle import House
from tests.oracles.day_oracle.fee_bases import accrued
from tests.oracles.day_oracle.fee_terms import anniversary, period_end, period_from, terms_named
from tests.oracles.test_day_oracle_by_hand import JUNE, MILLION, small_tables
from tests.oracles.test_day_oracle_fees import ADVANCE, SECOND, balance, fee_rows, gain, house_of, pay_in, terms

PROFIT = '[[component]]\nname = "profit"\nkind = "performance"\nrate_ppm = 200000\nevery = {every}\nmark = "{mark}"\n'
JULY, AUGUST = date(2026, 7, 31), date(2026, 8, 31)
HUNDRED = 100_000


def perform(last: date, *events: tuple, every: int = 1, mark: str = "scaled", scope: str = "contract", more: str = "",
            first: date = JUNE[0], **choices: str) -> House:
    """20 % of the profit; nothing is ever traded for its weight."""
    text = terms(more, PROFIT.format(every=every, mark=mark), **choices)
    return house_of(text, last, *events, first=first, rules={"performance_scope": scope, "band_absolute_ppm": 2 * MILLION})


def profits(house: House) -> list[tuple]:
    """(sleeve, first, last, base, yen) of the performance fees."""
    return [(fee.sleeve_no, str(fee.start_date)[5:], str(fee.end_date)[5:], int(fee.base_yen), fee.fee_yen)
            for fee in house.fees if fee.kind == "performance"]


def test_profit_over_the_mark_by_the_number_of_the_period():
    """100,000 in June and 50,000 in July: 20 % of each; or of both at the end of the second period."""
    events = pay_in(JUNE[0], MILLION), gain(JUNE[7], HUNDRED), gain(date(2026, 7, 10), 50_000)
    house = perform(JULY, *events)
    assert profits(house) == [(0, "06-01", "06-30", HUNDRED, 20_000), (0, "07-01", "07-31", 50_000, 10_000)]
    assert house.contracts[1].marks[0, 0].value == 1_120_000             # 1,080,000 + 50,000 − 10,000
    assert profits(perform(JULY, *events, every=2)) == [(0, "06-01", "07-31", 150_000, 30_000)]


def test_a_loss_leaves_the_mark():
    """1,080,000 after the fee of June; 50,000 are lost in July, 70,000 won in August: 20,000 above the mark."""
    events = pay_in(JUNE[0], MILLION), gain(JUNE[7], HUNDRED), gain(date(2026, 7, 10), -50_000), gain(date(2026, 8, 10), 70_000)
    assert profits(perform(AUGUST, *events))[1:] == [(0, "07-01", "07-31", 0, 0), (0, "08-01", "08-31", 20_000, 4_000)]


def test_a_flow_moves_the_mark():
    """Of 1,100,000 half go: half of the mark is left, or 450,000. What comes is added. The first day's deposits are the mark."""
    start = pay_in(JUNE[0], 400_000), pay_in(JUNE[0], 600_000), gain(JUNE[7], HUNDRED)
    for mark, flow, base in (("scaled", -550_000, 50_000), ("subtracted", -550_000, HUNDRED), ("scaled", 550_000, HUNDRED)):
        assert profits(perform(JUNE[21], *start, pay_in(JUNE[10], flow), mark=mark)) == [(0, "06-01", "06-30", base, base // 5)]


def test_the_balance_fee_comes_first():
    """1,000,000 for 9 days and 1,100,000 for 21 are 1,070,000 on average: 3,210 yen; then 20 % of 96,790."""
    house = perform(JUNE[21], pay_in(JUNE[0], MILLION), gain(JUNE[7], HUNDRED), more=balance())
    assert [(fee.component_no, fee.fee_yen) for fee in house.fees] == [(0, 3_210), (1, 19_358)]
    assert house.contracts[1].marks[1, 0].value == 1_100_000 - 3_210 - 19_358
    assert [due.parts for due in house.all_dues] == [{1: 22_568}]        # one evening, one due


def test_tax_is_added_to_the_profit_fee():
    """20 % of 99,999 and 10 % tax on it: 21,999.78, rounded once, up."""
    house = perform(JUNE[21], pay_in(JUNE[0], MILLION), gain(JUNE[7], 99_999), tax='"added"', to='"up"')
    assert profits(house) == [(0, "06-01", "06-30", 99_999, 22_000)]


def test_per_sleeve_a_transfer_is_a_flow():
    """Sleeve 1 wins 100,000, sleeve 2 sends it 200,000. By sleeve: 100,000 and 0; together: 100,000, split 1,300 to 300."""
    transfer = JUNE[2], "transfer", {"sleeve_no": 2, "target_sleeve_no": 1, "amount_yen": 200_000}
    events = SECOND, pay_in(JUNE[0], MILLION), pay_in(JUNE[0], 500_000, 2), gain(JUNE[7], HUNDRED), transfer
    house = perform(JUNE[21], *events, scope="sleeve")
    assert profits(house) == [(1, "06-01", "06-30", HUNDRED, 20_000), (2, "06-01", "06-30", 0, 0)]
    assert house.contracts[1].marks[0, 2].value == 300_000 and [fee.parts for fee in house.fees] == [{1: 20_000}, {}]
    house = perform(JUNE[21], *events)
    assert profits(house) == [(0, "06-01", "06-30", HUNDRED, 20_000)] and house.fees[0].parts == {1: 16_250, 2: 3_750}


def test_a_sleeve_that_opens_later_has_its_own_mark():
    """Sleeve 2 opens on June 15 with 500,000: its first days are from there; it pays its own part of the balance fee first."""
    events = pay_in(JUNE[0], MILLION), (JUNE[10], "sleeve_opened", {"sleeve_no": 2}), pay_in(JUNE[10], 500_000, 2)
    house = perform(JUNE[21], *events, gain(JUNE[15], 10_000, 2), scope="sleeve", more=balance())
    # 1,000,000 for 30 days, 500,000 for 16, of these 510,000 for the 9 days from Monday 22 on: 3,000 and 809 yen
    assert house.fees[0].parts == {1: 3_000, 2: 809}
    assert profits(house) == [(1, "06-01", "06-30", 0, 0), (2, "06-15", "06-30", 9_191, 1_838)]


def test_a_flow_after_the_end_moves_the_mark_after_it_fell_due():
    """May ends on a Sunday: 20,000 on the profit of May. Half of what there is goes on Monday, with it half of 1,080,000."""
    may = date(2026, 5, 25)
    events = pay_in(may, MILLION), gain(date(2026, 5, 27), HUNDRED), gain(JUNE[0], 7), pay_in(JUNE[0], -550_000 - 7)
    house = perform(JUNE[21], *events, gain(JUNE[7], 30_000), first=may)
    # 530,000 after the fee, 560,000 after the gain; the mark is 1,080,000 × 550,000 / 1,100,007
    assert profits(house) == [(0, "05-25", "05-31", HUNDRED, 20_000), (0, "06-01", "06-30", 20_003, 4_000)]


def test_who_closes_owes_nothing_for_its_profit_if_the_contract_stays():
    """Sleeve 2 is asked to close on Monday June 29; its units settle on July 6: no row in June, nor later."""
    start = SECOND, pay_in(JUNE[0], MILLION), pay_in(JUNE[0], MILLION, 2), gain(JUNE[7], HUNDRED, 2)
    house = perform(date(2026, 7, 10), *start, (JUNE[20], "sleeve_closed", {"sleeve_no": 2}), scope="sleeve")
    assert profits(house) == [(1, "06-01", "06-30", 0, 0)] and house.sleeves[2].closed_date == date(2026, 7, 7)


def test_a_contract_that_ends_does_not_stay():
    """Terminated on June 29: the profit of June falls due on June 30 as ever, and once more with the final fee on July 6."""
    start = SECOND, pay_in(JUNE[0], MILLION), pay_in(JUNE[0], MILLION, 2), gain(JUNE[7], HUNDRED, 2)
    house = perform(date(2026, 7, 10), *start, (JUNE[20], "terminated", {"contract_no": 1}), scope="sleeve")
    assert profits(house) == [(1, "06-01", "06-30", 0, 0), (2, "06-01", "06-30", HUNDRED, 20_000),
                              (1, "07-01", "07-06", 0, 0), (2, "07-01", "07-06", 0, 0)]


def test_profit_falls_due_at_the_end_of_the_contract():
    """Of every third period: terminated on June 30, a period's end and the first. All is due on the next day."""
    events = pay_in(JUNE[0], MILLION), pay_in(JUNE[7], 5), (JUNE[21], "terminated", {"contract_no": 1})
    house = perform(date(2026, 7, 1), *events, every=3, more=balance())
    assert [(kind, yen) for kind, *_dates, yen in fee_rows(house)] == [("charge", 3_000), ("performance", 0)]
    assert [(due.due_date, due.collected_yen) for due in house.all_dues] == [(date(2026, 7, 1), 3_000)]


def test_terms_in_advance_have_a_mark_too():
    """In advance the profit falls due at the end of the period; the balance fee of June was paid in June."""
    house = perform(JUNE[21], pay_in(JUNE[0], MILLION), gain(JUNE[7], HUNDRED), more=balance(), **ADVANCE)
    assert fee_rows(house) == [("charge", 1, 30, MILLION, 3_000), ("performance", 1, 30, 97_000, 19_400)]


# ----------------------------------------------------------------------------------------------------------------- terms
def switching(*rows: tuple[date, str]) -> House:
    """A contract opened on June 1, 2026, with terms of its own; F, G and H are quarterly by the calendar, H has two versions."""
    tables = small_tables([100])
    versions = [("F", date(2026, 1, 1)), ("G", date(2026, 1, 1)), ("H", date(2026, 1, 1)), ("H", date(2027, 8, 1))]
    tables["fee_terms"] = [{"fee_terms_id": name, "valid_from_date": since, "terms_toml": terms(balance(), length='"quarter"')}
                           for name, since in versions]
    tables["fee_terms"][3]["terms_toml"] = terms(balance(), length='"month"', align='"contract"')
    tables["contract_fee_terms"] = [{"contract_no": 1, "valid_from_date": day, "fee_terms_id": name} for day, name in rows]
    house = House(tables)
    house.contracts[1].opened_date = JUNE[0]
    return house


def test_a_switch_takes_effect_with_the_first_period_after_an_anniversary():
    """Dated on or before the opening: from it on. A day later: from the first period that starts on or after June 1, 2027."""
    quarters = date(2026, 6, 1), date(2027, 4, 1), date(2027, 7, 1), date(2028, 7, 1)
    for rows, names in (
        ([], "FFFF"), ([(date(2026, 5, 1), "G")], "GGGG"), ([(date(2026, 6, 1), "G")], "GGGG"), ([(date(2026, 6, 2), "G")], "FFGG"),
        ([(date(2027, 6, 1), "G")], "FFGG"), ([(date(2027, 6, 2), "G")], "FFFG"),
        ([(date(2027, 5, 2), "H"), (date(2026, 6, 2), "G")], "FFHH"), ([(date(2026, 1, 1), "G"), (date(2028, 1, 1), "F")], "GGGF"),
    ):
        house = switching(*rows)
        assert "".join(terms_named(house, house.contracts[1], quarter) for quarter in quarters) == names


def test_periods_are_numbered_from_the_switch_on():
    """H begins on July 1, 2027; from October on its version of August makes months, counted from June 1, 2026."""
    house = switching((date(2026, 6, 2), "H"))
    contract, found, first = house.contracts[1], [], date(2027, 4, 1)
    for _ in range(4):
        contract.period = period_from(house, contract, first)
        period = contract.period
        found.append((period.terms_id, period.number, str(period.start_date), str(period.end_date)))
        first = date.fromordinal(contract.period.end_date.toordinal() + 1)
    assert found == [("F", 1, "2027-04-01", "2027-06-30"), ("H", 1, "2027-07-01", "2027-09-30"),
                     ("H", 2, "2027-10-01", "2027-10-31"), ("H", 3, "2027-11-01", "2027-11-30")]


def test_periods_of_the_contract_are_counted_from_its_opening():
    """Opened on January 31: the first period ends with February; from July 1 on the one in force ends on July 30."""
    own = {"period": {"length": "month", "align": "contract"}}
    opened = date(2026, 1, 31)
    ends = [period_end(own, opened, day) for day in (opened, date(2026, 3, 1), date(2026, 7, 1), date(2026, 7, 31))]
    assert ends == [date(2026, 2, 28), date(2026, 3, 30), date(2026, 7, 30), date(2026, 8, 30)]
    days = [anniversary(date(2024, 2, 29), years) for years in (0, 1, 4)]
    assert days == [date(2024, 2, 29), date(2025, 2, 28), date(2028, 2, 29)]


def test_a_mark_begins_with_the_terms():
    """From February 1, a Sunday, the program names terms with a profit fee: the mark is Friday's value, and Monday's deposit
    is added to it. What was won in January is not charged.
    """
    first, rules = date(2026, 1, 13), small_tables([100])["program_rules"][0]
    later = {**rules, "valid_from_date": date(2026, 1, 20), "fee_terms_id": "G", "band_absolute_ppm": 2 * MILLION}
    texts = {"F": terms(balance("[[0, 0]]")), "G": terms(PROFIT.format(every=1, mark="scaled"))}
    rows = [{"fee_terms_id": name, "valid_from_date": date(2026, 1, 1), "terms_toml": text} for name, text in texts.items()]
    paid = pay_in(first, MILLION), gain(date(2026, 1, 30), HUNDRED), pay_in(date(2026, 2, 2), 50_000)
    house = house_of("", date(2026, 2, 27), *paid,
                     gain(date(2026, 2, 10), 30_000), first=first, fee_terms=rows,
                     program_rules=[{**rules, "band_absolute_ppm": 2 * MILLION}, later])
    assert profits(house) == [] and house.contracts[1].marks[0, 0].value == 1_150_000
    assert house.contracts[1].marks[0, 0].start_date == date(2026, 2, 1)


def test_accrued_so_far():
    """On Monday June 15: 15 calendar days or 11 business days of a million, 500,000 more on the last; 3.65 % is the top rate."""
    for days, total in (("calendar", 15_500_000), ("business", 11_500_000)):
        text = terms(balance("[[0, 10000], [100, 36500], [200, 20000]]"), days=f'"{days}"')
        house = house_of(text, JUNE[10], pay_in(JUNE[0], MILLION), pay_in(JUNE[10], 500_000))
        assert accrued(house, house.sleeves[1], JUNE[10]) == total * 36_500 // (MILLION * 365)
    house = house_of(terms(balance(), **ADVANCE), JUNE[10], pay_in(JUNE[0], MILLION))
    assert accrued(house, house.sleeves[1], JUNE[10]) == 0


# ------------------------------------------------------------------------------------------------------------ collection
def test_a_fee_from_a_deposit():
    """3,000 yen are charged on June 30 and due on July 2: debited, a deposit of that day, paid at once; or paid from cash."""
    due = date(2026, 7, 2)
    for failures, flows in ((frozenset(), [("deposit", 3_000), ("fee", -3_000)]), ({(1, due)}, [("fee", -3_000)])):
        house = house_of(terms(balance()), due, pay_in(JUNE[0], MILLION), rules={"collection_kind": "deposit"}, failures=failures)
        assert [(kind, amount) for day, _sleeve, kind, amount in house.flows if day == due] == flows
        assert house.fees[0].collected_date == due
        assert ((due, "debit_failed", 1) in house.alerts) == bool(failures)


def test_a_debit_in_advance_is_an_addition():
    """What the bank debits is a flow like any deposit: 3,000 yen for the 28 days from June 3 on are 8.4 yen."""
    house = house_of(terms(balance(), **ADVANCE), JUNE[3], pay_in(JUNE[0], MILLION), rules={"collection_kind": "deposit"})
    assert fee_rows(house)[1:] == [("addition", 3, 30, 3_000, 8)]


def test_a_debit_is_no_need_until_its_day():
    """All is invested: on the evenings before its due date the fee sells nothing if the bank will be asked, and on its day
    it does only if the bank has refused.
    """
    last, due = date(2026, 7, 2), date(2026, 7, 2)
    found = []
    for kind, failures in (("cash", frozenset()), ("deposit", frozenset()), ("deposit", {(1, due)})):
        tables = {"model_weights": small_tables([100])["model_weights"]}
        rules = {"collection_kind": kind}
        house = house_of(terms(balance()), last, pay_in(JUNE[0], MILLION), rules=rules, failures=failures, **tables)
        found.append([order.decided_date for order in house.orders if order.side == "sell"])
    assert found == [[JUNE[21]], [], [due]]
