"""The slow close against itself: what must hold in any house, and small cases computed by hand."""

import random
from collections import Counter
from datetime import date

import pytest

from tests.oracles.day_oracle import House, simulate
from tests.oracles.day_oracle.money import largest_remainder, splitmix64, tie, weights
from tests.oracles.random_house import random_house

SEEDS = range(15)
MILLION = 1_000_000
EXTERNAL = {"deposit", "instalment", "withdrawal", "drawing", "transfer", "termination", "correction"}


@pytest.fixture(scope="module")
def runs() -> list[tuple[dict, House]]:
    """Some random houses and their days."""
    houses = [random_house(random.Random(seed)) for seed in SEEDS]
    return [(case, simulate(**case)) for case in houses]


# ------------------------------------------------------------------------------------------------- what holds in any house
def test_cash_is_flows_and_settled_trades(runs):
    """Every yen of cash came by a flow or by a trade that has settled."""
    for _case, house in runs:
        moves: dict[int, list[tuple[date, int]]] = {number: [] for number in house.sleeves}
        for day, sleeve_no, _kind, amount in house.flows:
            moves[sleeve_no].append((day, amount))
        for order in house.orders:
            if order.status == "settled":
                sign = 1 if order.side == "sell" else -1
                moves[order.sleeve_no].append((order.settlement_date, sign * order.filled_yen))
        for day, record in house.days.items():
            for number, row in record.values.items():
                assert row[1] == sum(amount for on, amount in moves[number] if on <= day)


def test_no_day_of_the_ladder_is_negative(runs):
    """No settled-cash day may go negative."""
    for _case, house in runs:
        for record in house.days.values():
            assert min(record.ladder_low.values(), default=0) >= 0
            assert all(row[1] >= 0 for row in record.values.values())


def test_value_identity_and_index(runs):
    """Value = positions + cash + receivable − payable; the index chains the value without the external flows."""
    for _case, house in runs:
        external = Counter()
        for day, sleeve_no, kind, amount in house.flows:
            external[day, sleeve_no] += amount if kind in EXTERNAL else 0
        before: dict[int, tuple[int, int]] = {}
        for day, record in house.days.items():
            for number, (positions, cash, coming, going, value) in record.values.items():
                assert value == positions + cash + coming - going
                last, index = before.get(number, (0, 10**12))
                if last > 0:
                    index = index * (value - external[day, number]) // last
                assert record.indices[number] == index
                before[number] = (value, index)


def test_sleeves_are_the_account(runs):
    """Σ sleeves of an account = the account, every day, in units; and no position is below zero."""
    for _case, house in runs:
        for record in house.days.values():
            units = Counter()
            for (number, instrument), (held, cost) in record.positions.items():
                assert held >= 0 and cost >= 0
                units[house.sleeves[number].account_no, instrument] += held
            assert +units == +Counter({key: held for key, (held, _cost) in record.account_positions.items()})


def test_units_are_the_fills(runs):
    """Where nothing was split or corrected, units are purchases less sales."""
    for case, house in runs:
        touched = {row["instrument_no"] for name in ("splits", "events") for row in case["tables"][name]}
        units = Counter()
        for order in house.orders:
            if order.status in ("priced", "settled"):
                sign = 1 if order.side == "buy" else -1
                units[order.sleeve_no, order.instrument_no] += sign * order.filled_units
        last = house.days[max(house.days)].positions
        for key, held in units.items():
            if key[1] not in touched:
                assert last.get(key, (0, 0))[0] == held


def test_orders_keep_the_calendar(runs):
    """Placed on the next business day, which is orderable; priced on instrument days; none while the sleeve is stopped."""
    for _case, house in runs:
        seen = set()
        for order in house.orders:
            number = order.instrument_no
            assert order.placed_date == house.dates.next(order.decided_date)
            assert house.dates.is_orderable(number, order.placed_date)
            assert house.dates.is_instrument_day(number, order.priced_date) and order.priced_date >= order.placed_date
            assert order.settlement_date == house.dates.settlement_date(number, order.priced_date, order.side)
            assert order.sleeve_no not in house.days[order.decided_date].stopped
            key = (order.sleeve_no, number, order.decided_date)
            assert key not in seen
            seen.add(key)
            if order.status in ("priced", "settled"):
                assert house.days[order.priced_date].statuses[number] == "fresh"


def test_fills_of_a_group_are_one_price(runs):
    """Σ of the sleeves = the yen and units of the group at the one price of the day, by the rule of its side."""
    for case, house in runs:
        prices = {(row["instrument_no"], row["date"]): row["price"] for row in case["tables"]["prices"]}
        groups: dict[tuple, list] = {}
        for order in house.orders:
            if order.status in ("priced", "settled"):
                groups.setdefault((order.account_no, order.instrument_no, order.side, order.priced_date), []).append(order)
        for (_account, number, side, day), orders in groups.items():
            row = house.instruments[number]
            fx = MILLION if row["currency"] == "JPY" else max(
                (one["date"], one["fx_ppm"]) for one in case["tables"]["fx_rates"] if one["date"] <= day)[1]
            below = 10 ** row["price_scale"] * row["price_base_units"] * MILLION
            units, yen = sum(order.filled_units for order in orders), sum(order.filled_yen for order in orders)
            if side == "sell":
                price = prices[number, day] * (MILLION - row["levy_ppm"]) // MILLION
                assert yen == units * price * fx // below
            elif row["order_mode"] == "units":
                assert yen == -(-units * prices[number, day] * fx // below)
                assert all(order.filled_yen <= order.asked_yen for order in orders)
            else:
                assert yen == sum(order.asked_yen for order in orders) and units == yen * below // (prices[number, day] * fx)


def moved_without_reissue(case: dict, house: House, payout) -> bool:
    """What the page does not re-issue: a closing stopped on an evening, or whose units were corrected upwards or split."""
    contract = house.sleeves[payout.sleeve_no].contract_no
    together = {number for number, sleeve in house.sleeves.items() if sleeve.contract_no == contract}
    stopped = any(record.stopped & together for day, record in house.days.items() if day >= payout.requested_date)
    corrected = any(event["units"] > 0 and event["sleeve_no"] in together and event["date"] >= payout.requested_date
                    for event in case["tables"]["events"])
    split = any(payout.requested_date <= row["date"] <= payout.promised_date for row in case["tables"]["splits"])
    return payout.kind in ("closing", "termination") and (stopped or corrected or split)


def test_promises_are_kept_or_reissued(runs):
    """A payout is paid on its promised date; the date moves only by a re-issue, which is counted."""
    for case, house in runs:
        for payout in house.payouts:
            assert (payout.promised_date > payout.promised_first) == bool(payout.causes)
            assert payout.promised_first > payout.requested_date
            if payout.paid_date is None and payout.lapsed_date is None:
                assert payout.promised_date > case["through"] or moved_without_reissue(case, house, payout)
            elif payout.paid_date and payout.paid_date != payout.promised_date:
                assert payout.paid_date > payout.promised_date and moved_without_reissue(case, house, payout)
            if payout.paid_date and payout.amount:
                assert payout.paid_yen == payout.amount


def test_closed_sleeves_are_empty(runs):
    """A closed sleeve ends at zero, on the day of its payment, and has no more rows."""
    closed = 0
    for _case, house in runs:
        for sleeve in house.sleeves.values():
            if sleeve.closed_date:
                closed += 1
                assert house.days[sleeve.closed_date].values[sleeve.number] == (0, 0, 0, 0, 0)
                assert not any(sleeve.number in record.values for day, record in house.days.items() if day > sleeve.closed_date)
                assert not any(sleeve.units.values()) and not sleeve.live and sleeve.cash == 0
        for contract in house.contracts.values():
            assert bool(contract.closed_date) <= bool(contract.terminated_date)
    assert closed > 20


def test_fees_add_up(runs):
    """Shares of the parties and parts of the sleeves are the fee; what was collected is what flowed."""
    for _case, house in runs:
        for fee in house.fees:
            assert sum(fee.shares.values()) == fee.fee_yen and all(share >= 0 for share in fee.shares.values())
            assert sum(fee.parts.values()) == fee.fee_yen
            assert fee.collected_yen + sum(fee.unpaid.values()) <= fee.fee_yen
            assert fee.collected_date is None or fee.collected_date >= min(fee.charged_date, fee.due_date)
        flowed = -sum(amount for _day, _sleeve, kind, amount in house.flows if kind == "fee")
        assert flowed == sum(fee.collected_yen for fee in house.fees)
        transfers = Counter()
        for day, _sleeve, kind, amount in house.flows:
            transfers[day] += amount if kind == "transfer" else 0
        assert not any(transfers.values())


def test_everything_happens(runs):
    """The random houses reach every kind of thing."""
    reasons, states, kinds, alerts, causes, ends = Counter(), Counter(), Counter(), Counter(), Counter(), Counter()
    for _case, house in runs:
        reasons.update((order.side, order.reason) for order in house.orders)
        states.update(order.status for order in house.orders)
        states["waited"] += sum(order.waits > 0 for order in house.orders)
        kinds.update(kind for _day, _sleeve, kind, _amount in house.flows)
        alerts.update(kind for _day, kind, _number in house.alerts)
        for payout in house.payouts:
            causes.update(payout.causes)
            ends[payout.kind, "paid" if payout.paid_date else "lapsed" if payout.lapsed_date else "open"] += 1
        kinds["final"] += sum(fee.kind == "final" for fee in house.fees)
    rebalances = {(side, reason) for side in ("buy", "sell") for reason in ("strategy", "model", "calendar", "breach")}
    assert rebalances | {("buy", "invest"), ("sell", "payout"), ("sell", "fee"), ("sell", "closing")} == set(reasons)
    assert {"settled", "priced", "placed", "cancelled", "waited"} <= set(states)
    assert states["settled"] > 0.9 * sum(reasons.values())
    assert EXTERNAL | {"fee", "distribution", "final"} == set(kinds)
    assert {"price_missing", "price_refused", "calendar_holiday", "fx_missing", "order_waits", "order_cancelled", "event_refused",
            "debit_failed", "promise_reissued", "drawing_refused"} <= set(alerts)
    assert {"market_data", "market_fall"} == set(causes)
    assert {(kind, "paid") for kind in ("withdrawal", "drawing", "transfer", "closing", "termination")} <= set(ends)


def test_order_of_rows_and_later_days_change_nothing(runs):
    """The tables are sets of rows, and a day knows nothing of the days after it."""
    for case, house in (runs[4], runs[8]):
        rng = random.Random(1)
        shuffled = {name: rng.sample(rows, len(rows)) for name, rows in case["tables"].items()}
        days = sorted(house.days)
        half = simulate(shuffled, case["first"], days[len(days) // 2], bank_failures=case["bank_failures"])
        assert half.days == {day: house.days[day] for day in days[: len(days) // 2 + 1]}


# ----------------------------------------------------------------------------------------------------------- by hand
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
    # 100,000 over the target: a breach sells 83,333 units, 99,999 yen; of x = ceil(100,000 / 0.95) = 105,264 are left 5,265:
    # 1 yen over the target, 1 unit; then 5,264 yen, 4,387 units; at 11,964
    assert (sale.reason, sale.asked_units, sale.filled_units, sale.filled_yen) == ("breach", 87_721, 87_721, 104_949)
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


def test_a_limit_by_hand():
    """By units: 1,000,000 at a limit of 10,500 (5 %) buys 95; at 10,501 it is cancelled, at 10,500 it costs 997,500."""
    for price, status, value in ((10_500, "settled", 997_500), (10_501, "cancelled", 0)):
        tables = small_tables([10_000, 10_000] + [price] * 20, price_base_units=1, order_mode="units")
        house = simulate(deposit(tables, MILLION), JUNE[0], JUNE[5])
        order = house.orders[0]
        assert (order.asked_units, order.asked_yen, order.status, order.filled_yen) == (95, 997_500, status, value)


def test_a_fee_by_hand():
    """600,000 and 400,000 yen of cash at 1.2 % for June: 986.30 -> 986 yen, 592 and 394; a third goes to company 2, floored."""
    tables = deposit(deposit(small_tables([100] * 22, rate=12_000, model=((0, MILLION),)), 600_000), 400_000, 2)
    days = JUNE + [date(2026, 7, 1), date(2026, 7, 2)]
    (fee,) = simulate(tables, JUNE[0], days[-1]).fees
    assert (fee.fee_yen, fee.parts, fee.shares) == (986, {1: 592, 2: 394}, {1: 658, 2: 328})
    assert (fee.charged_date, fee.due_date, fee.collected_date) == (JUNE[-1], days[-1], days[-1])


def test_a_fee_leaves_a_promise_alone():
    """900,000 of a million in cash are promised for July 3; the fee due on July 2 is paid from the rest, not if that is 500."""
    days = JUNE + [date(2026, 7, day) for day in (1, 2, 3, 6, 7)]
    for more, collected in ((0, days[23]), (99_500, None)):
        tables = deposit(small_tables([12_000] * 30, rate=12_000, days=days, model=((0, 999_999), (1, 1))), MILLION)
        tables["events"] += [event(8, JUNE[17], "withdrawal", sleeve_no=1, amount_yen=900_000),
                             event(9, JUNE[18], "correction", sleeve_no=1, amount_yen=-more, note="booked difference")]
        house = simulate(tables, JUNE[0], days[-1])
        (payout,), (fee,) = house.payouts, house.fees
        assert (fee.fee_yen > 900, fee.due_date, fee.collected_date) == (True, days[23], collected)
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
