"""The slow close in small cases computed by hand."""

from datetime import date

from tests.oracles.day_oracle import House, simulate
from tests.oracles.day_oracle.money import largest_remainder, splitmix64, tie, weights

MILLION = 1_000_000
TERMS = """[period]
length = "month"
align = "calendar"
timing = "arrears"
[base]
measure = "average"
days = "calendar"
cash = "included"
[year]
days = 365
[rounding]
to = "down"
[tax]
kind = "included"
[[component]]
name = "fee"
kind = "balance"
[[component.rates]]
from = 2020-01-01
tiers = [[0, RATE]]
"""
JUNE = [date(2026, 6, day) for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 22, 23, 24, 25, 26, 29, 30)]


def small_tables(prices: list[int], *, rate: int = 0, days: list[date] = JUNE, model=((1, MILLION),), **instrument) -> dict:
    """One account, one contract, two sleeves, one fund: lag 1, settled after 3, a price on every day (0: no row)."""
    early = date(2026, 1, 1)
    fund = {"instrument_no": 1, "currency": "JPY", "price_scale": 0, "price_base_units": 10000, "order_mode": "amount",
            "lot_units": 1, "order_margin_ppm": 50000, "price_lag_days": 1, "buy_settlement_days": 3, "sell_settlement_days": 3,
            "levy_ppm": 0, "daily_move_limit_ppm": 350000, "calendar_ids": "", **instrument}
    other = {**fund, "instrument_no": 2}                 # never priced, in no model: the fund's calendar is not alone
    rules = {"program_no": 1, "valid_from_date": early, "band_absolute_ppm": 50000, "band_relative_ppm": 0, "cooldown_days": 20,
             "rebalance_months": "", "minimum_trade_yen": 10000, "minimum_deposit_yen": 10000, "minimum_instalment_yen": 5000,
             "withdrawal_limit_ppm": 900000, "sale_margin_ppm": 50000, "collection_days": 2, "fee_terms_id": "F",
             "remainder_company_no": 1}
    return {
        "instruments": [fund, other],
        "prices": [{"instrument_no": 1, "date": day, "price": price} for day, price in zip(days, prices, strict=False) if price]
        + [{"instrument_no": 2, "date": day, "price": 1} for day in days],
        "model_versions": [{"model_no": 1, "version": 1, "effective_date": early, "approved_by": "b"}],
        "model_weights": [{"model_no": 1, "version": 1, "instrument_no": no, "child_model_no": None, "weight_ppm": weight}
                          for no, weight in model],
        "program_rules": [rules], "program_models": [],
        "program_shares": [{"program_no": 1, "valid_from_date": early, "company_no": 2, "share_ppm": 333_333}],
        "fee_terms": [{"fee_terms_id": "F", "valid_from_date": early, "terms_toml": TERMS.replace("RATE", str(rate))}],
        "contracts": [{"contract_no": 1, "account_no": 1, "program_no": 1}],
        "sleeves": [{"sleeve_no": no, "contract_no": 1, "model_no": 1} for no in (1, 2)],
        "events": [event(1, JUNE[0], "contract_opened", contract_no=1), event(2, JUNE[0], "sleeve_opened", sleeve_no=1)],
    }


def event(number: int, day: date, kind: str, **values) -> dict:
    """One row of the events table."""
    blank = {"contract_no": 0, "sleeve_no": 0, "target_sleeve_no": 0, "model_no": 0, "instrument_no": 0, "amount_yen": 0,
             "units": 0, "note": ""}
    return {"event_no": number, "event_id": f"E{number}", "date": day, "kind": kind, **blank, **values}


def deposit(tables: dict, amount: int, sleeve_no: int = 1) -> dict:
    """A first deposit on the first day."""
    if sleeve_no == 2:
        tables["events"].append(event(4, JUNE[0], "sleeve_opened", sleeve_no=2))
    tables["events"].append(event(2 * sleeve_no + 1, JUNE[0], "deposit", sleeve_no=sleeve_no, amount_yen=amount))
    return tables


def test_a_purchase_by_hand():
    """1,000,000 yen at 12,000 per 10,000: 833,333 units worth 999,999; decided Monday, priced Wednesday, paid Monday."""
    house = simulate(deposit(small_tables([12_000] * 22), MILLION), JUNE[0], JUNE[6])
    (order,) = house.orders
    assert (order.side, order.reason, order.asked_yen, order.filled_units) == ("buy", "invest", MILLION, 833_333)
    assert [order.placed_date, order.priced_date, order.settlement_date] == [JUNE[1], JUNE[2], JUNE[5]]
    assert house.days[JUNE[1]].values[1] == (0, MILLION, 0, 0, MILLION)
    assert house.days[JUNE[2]].values[1] == (999_999, MILLION, 0, MILLION, 999_999)
    assert house.days[JUNE[5]].values[1] == (999_999, 0, 0, 0, 999_999)
    assert house.days[JUNE[2]].indices[1] == 999_999_000_000


def test_a_withdrawal_and_a_closing_by_hand():
    """Withdrawal: priced Wed 10th, a second sale priced Fri 12th settles Wed 17th. All: sold at 12,000 less 0.3 %, paid a
    day after it has settled; the tax cost is `ceil(1,050,000 × 10,000 / 875,000)` = 12,000 per 10,000 units.
    """
    tables = deposit(deposit(small_tables([12_000] * 22, levy_ppm=3000), MILLION), 50_000, 2)
    tables["events"] += [event(8, JUNE[5], "withdrawal", sleeve_no=1, amount_yen=100_000),
                         event(9, JUNE[5], "withdrawal", sleeve_no=1, amount_yen=810_001),
                         event(10, JUNE[13], "terminated", contract_no=1)]
    house = simulate(tables, JUNE[0], JUNE[21])
    payout, one, two = house.payouts
    assert (payout.requested_date, payout.promised_first, payout.paid_date) == (JUNE[5], JUNE[12], JUNE[12])
    assert [number for _day, kind, number in house.alerts if kind == "event_refused"] == [9]   # 90 % of 900,000
    sale = next(order for order in house.orders if order.side == "sell")
    # x = ceil(100,000 / 0.95) = 105,264: 100,000 over the target, 83,334 units; then 5,264 yen, 4,387 units; at 11,964
    assert (sale.reason, sale.asked_units, sale.filled_units, sale.filled_yen) == ("payout", 87_721, 87_721, 104_949)
    held = 875_000 - 87_721                              # of the account: 1,050,000 yen bought 875,000 units at once
    assert house.days[sale.priced_date].account_positions[1, 1] == (held, -(-12_000 * held // 10_000))
    # Thursday 18th: decided; placed 19th; priced 22nd; settled 25th; paid 26th
    assert (one.promised_first, one.paid_date, two.paid_date) == (JUNE[19], JUNE[19], JUNE[19])
    assert one.paid_yen + two.paid_yen == held * 11_964 // 10_000 + 104_949 - 100_000


def test_prices_by_hand():
    """A hundredfold price is refused; a fall of 40 % is refused once and confirmed by the second day; zero is refused."""
    house = simulate(small_tables([100, 10_000, 101, 60, 61, 0, 0, 62]), JUNE[0], JUNE[7])
    states = [house.days[day].statuses[1] for day in JUNE[:8]]
    assert states == ["fresh", "refused", "fresh", "refused", "fresh", "missing", "missing", "fresh"]
    assert house.quotes[1].price == 62
    # the second day confirms a price of 19 times the last accepted one, but not one of 20 times or of a twentieth
    for price, state in ((1_900, "fresh"), (2_000, "refused"), (6, "fresh"), (5, "refused")):
        house = simulate(small_tables([100, price, price]), JUNE[0], JUNE[2])
        assert [house.days[day].statuses[1] for day in JUNE[:3]] == ["fresh", "refused", state]


def test_a_limit_by_hand():
    """By units: 1,000,000 at a limit of 10,500 (5 %) buys 95; at 10,501 it is cancelled, at 10,500 it costs 997,500; of
    997,500 yen only 94 are asked, since the remainder of the group may fall on the order.
    """
    tables = small_tables([10_000] * 22, price_base_units=1, order_mode="units")
    (order,) = simulate(deposit(tables, 997_500), JUNE[0], JUNE[0]).orders
    assert (order.asked_units, order.asked_yen) == (94, 987_001)
    for price, status, value in ((10_500, "settled", 997_500), (10_501, "cancelled", 0)):
        tables = small_tables([10_000, 10_000] + [price] * 20, price_base_units=1, order_mode="units")
        house = simulate(deposit(tables, MILLION), JUNE[0], JUNE[5])
        order = house.orders[0]
        assert (order.asked_units, order.asked_yen, order.status, order.filled_yen) == (95, 997_501, status, value)


def test_a_fee_by_hand():
    """600,000 and 400,000 yen of cash at 1.2 % for June: 986.30 -> 986 yen, 592 and 394; a third goes to company 2, floored."""
    tables = deposit(deposit(small_tables([100] * 22, rate=12_000, model=((0, MILLION),)), 600_000), 400_000, 2)
    days = JUNE + [date(2026, 7, 1), date(2026, 7, 2)]
    (fee,) = simulate(tables, JUNE[0], days[-1]).fees
    assert (fee.fee_yen, fee.parts, fee.shares) == (986, {1: 592, 2: 394}, {1: 658, 2: 328})
    assert (fee.charged_date, fee.due.due_date, fee.collected_date) == (JUNE[-1], days[-1], days[-1])


def test_a_fee_leaves_a_promise_alone():
    """900,000 of a million in cash are promised for July 3; the fee due on July 2 is paid from the rest, not if that is 500."""
    days = JUNE + [date(2026, 7, day) for day in (1, 2, 3, 6, 7)]
    for more, collected in ((0, days[23]), (99_500, None)):
        tables = deposit(small_tables([12_000] * 30, rate=12_000, days=days, model=((0, 999_999), (1, 1))), MILLION)
        tables["events"] += [event(8, JUNE[17], "withdrawal", sleeve_no=1, amount_yen=900_000),
                             event(9, JUNE[18], "correction", sleeve_no=1, amount_yen=-more, note="booked difference")]
        house = simulate(tables, JUNE[0], days[-1])
        (payout,), (fee,) = house.payouts, house.fees
        assert (fee.fee_yen > 900, fee.due.due_date, fee.collected_date) == (True, days[23], collected)
        assert payout.promised_first == payout.paid_date == days[24]


def test_a_split_and_a_distribution_by_hand():
    """Three units into two and a yen per 10,000 units: floors at the account, the rest by largest remainder."""
    tables = deposit(deposit(small_tables([12_000] * 4 + [18_000] * 18), MILLION), 500_000, 2)
    tables["splits"] = [{"instrument_no": 1, "date": JUNE[4], "old_units": 3, "new_units": 2}]
    tables["distributions"] = [{"instrument_no": 1, "date": JUNE[6], "amount": 7, "per_units": 10000}]
    house = simulate(tables, JUNE[0], JUNE[6])
    assert house.days[JUNE[3]].positions == {(1, 1): (833_333, MILLION), (2, 1): (416_667, 500_000)}    # .33 and .67
    assert sum(units for units, _cost in house.days[JUNE[4]].positions.values()) == 833_333
    assert house.days[JUNE[4]].statuses[1] == "fresh"    # 18,000 against 12,000 × 3 / 2
    paid = {sleeve: amount for _day, sleeve, kind, amount in house.flows if kind == "distribution"}
    assert paid == {1: 389, 2: 194}                      # floor(833,333 × 7 / 10,000) = 583: 388.67 and 194.33


def test_weights_by_hand():
    """A third of a model that is 50/30/20: sums floored to ppm, what is left to the largest fractions; unapproved is not there."""
    tables = small_tables([100] * 22)
    since = JUNE[0]
    tables["model_versions"] += [{"model_no": 2, "version": 1, "effective_date": since, "approved_by": "b"},
                                 {"model_no": 2, "version": 2, "effective_date": since, "approved_by": ""}]
    tables["model_weights"] = [
        {"model_no": no, "version": version, "instrument_no": instrument, "child_model_no": child, "weight_ppm": weight}
        for no, version, instrument, child, weight in (
            (1, 1, 0, None, 500_000), (1, 1, 1, None, 300_001), (1, 1, 2, None, 199_999),
            (2, 1, None, 1, 333_333), (2, 1, 2, None, 666_667), (2, 2, 0, None, MILLION))]
    # 0: 166,666.5; 1: 100,000.2333 (300,001 × 0.333333); 2: 66,666.2667 + 666,667
    assert weights(House(tables), 2, since) == {0: 166_667, 1: 100_000, 2: 733_333}


def test_largest_remainder_by_hand():
    """splitmix64(0) is its published first output; ties go by the hash of sleeve, instrument and day."""
    assert splitmix64(0) == 0xE220A8397B1DCDAF
    day = JUNE[0]
    shares = largest_remainder(100, [(1, number, None) for number in (1, 2, 3)], 5, day)
    first = min((1, 2, 3), key=lambda number: tie(number, 5, day))
    assert shares == [33 + (number == first) for number in (1, 2, 3)]
    assert largest_remainder(7, [(3, 1, None), (2, 2, None), (1, 3, None)], 1, day) == [4, 2, 1]   # 3.5, 2.33, 1.17


def test_a_split_of_an_order_by_hand():
    """Bought on June 3 in the middle of a split two for one: cancelled, and decided again that evening."""
    house = simulate(deposit(small_tables([12_000] * 2 + [6_000] * 20) | {"splits": [
        {"instrument_no": 1, "date": JUNE[2], "old_units": 1, "new_units": 2}]}, MILLION), JUNE[0], JUNE[4])
    first, second = house.orders
    assert (first.status, first.priced_date, second.decided_date) == ("cancelled", JUNE[2], JUNE[2])
    assert [(day, kind) for day, kind, _number in house.alerts if kind == "order_cancelled"] == [(JUNE[2], "order_cancelled")]
    assert house.days[JUNE[4]].positions == {(1, 1): (1_666_666, MILLION)}


def test_a_coarse_unit_by_hand():
    """Of a fund at 60,000 a unit: 59,999 yen order nothing, 60,000 yen order, and buy nothing at 60,001."""
    for amount, orders in ((59_999, 0), (60_000, 1)):
        tables = deposit(small_tables([60_000, 60_000, 60_001, 60_001, 60_001], price_base_units=1), amount)
        house = simulate(tables, JUNE[0], JUNE[3])
        assert [order.status for order in house.orders] == ["cancelled"] * orders
        assert house.days[JUNE[3]].values[1] == (0, amount, 0, 0, amount)


def test_a_cut_payout_by_hand():
    """810,000 of 900,000 are promised and the price falls by a third: everything is sold (in two sales of floored yen), and
    what there is is paid.
    """
    tables = deposit(small_tables([12_000] * 6 + [8_000] * 20), 900_000)
    tables["events"].append(event(8, JUNE[5], "withdrawal", sleeve_no=1, amount_yen=810_000))
    house = simulate(tables, JUNE[0], JUNE[19])
    (payout,) = house.payouts
    assert (payout.causes, payout.paid_date, payout.paid_yen) == ([], JUNE[12], 599_999)
    assert (JUNE[12], "payout_cut", 1) in house.alerts
    assert house.days[JUNE[12]].values[1] == (0, 0, 0, 0, 0)


def test_sure_money_by_hand():
    """The fund has no price for two days: a promise that cash covers stays, one that needs a sale is promised anew."""
    for amount, causes in ((400_000, []), (600_000, ["market_data"] * 2)):
        tables = small_tables([12_000] * 8 + [0] * 2 + [12_000] * 12, model=((0, 500_000), (1, 500_000)))
        tables = deposit(tables, MILLION)
        tables["events"].append(event(8, JUNE[6], "withdrawal", sleeve_no=1, amount_yen=amount))
        (payout,) = simulate(tables, JUNE[0], JUNE[21]).payouts
        assert (payout.causes, payout.paid_yen) == (causes, amount)
        assert (payout.promised_date > payout.promised_first) == bool(causes)


def test_a_late_due_by_hand():
    """Sleeve 2 holds a fund without a price for weeks and cannot pay its part: 20 days after its due date sleeve 1 does."""
    days = JUNE + [date(2026, 7, day) for day in (1, 2, 3, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 21, 22, 23, 24)]
    tables = small_tables([12_000] * 21, rate=12_000, days=days)
    cash = {"model_no": 2, "version": 1}
    tables["model_versions"].append({**cash, "effective_date": date(2026, 1, 1), "approved_by": "b"})
    tables["model_weights"].append({**cash, "instrument_no": 0, "child_model_no": None, "weight_ppm": MILLION})
    tables["sleeves"][0]["model_no"] = 2
    house = simulate(deposit(deposit(tables, 600_000), 400_000, 2), JUNE[0], days[-1])
    (fee,) = house.fees
    assert (fee.due.due_date, fee.parts, fee.due.late) == (date(2026, 7, 2), {1: 592, 2: 394}, True)
    assert fee.collected_date == date(2026, 7, 22)
    assert [(number, amount) for _day, number, kind, amount in house.flows if kind == "fee"] == [(1, -986)]
