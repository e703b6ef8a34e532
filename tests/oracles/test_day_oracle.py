"""The slow close against itself: what must hold in any house."""

import random
from collections import Counter
from datetime import date

import pytest

from tests.oracles.day_oracle import House, simulate
from tests.oracles.random_house import random_house

# together they reach everything that `test_everything_happens` and `test_fees_of_every_kind_happen` ask for
SEEDS = (6, 8, 10, 21, 34, 45, 49)
MILLION = 1_000_000
EXTERNAL = {"deposit", "instalment", "withdrawal", "drawing", "transfer", "termination", "correction"}


@pytest.fixture(scope="module")
def runs() -> list[tuple[dict, House]]:
    """Some random houses and their days."""
    houses = [random_house(random.Random(seed), failing_bank=True) for seed in SEEDS]
    return [(case, simulate(**case)) for case in houses]


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


def test_promises_are_kept_or_reissued(runs):
    """A payout is paid on its promised date, and in full unless it was cut; the date moves only by a re-issue, which is
    counted.
    """
    for case, house in runs:
        cuts = {(day, number) for day, kind, number in house.alerts if kind == "payout_cut"}
        for payout in house.payouts:
            assert (payout.promised_date > payout.promised_first) == bool(payout.causes)
            assert payout.promised_first > payout.requested_date
            if payout.paid_date:
                assert payout.paid_date == payout.promised_date
                assert payout.paid_yen == payout.amount or not payout.amount or (payout.paid_date, payout.sleeve_no) in cuts
            elif payout.lapsed_date is None:
                assert payout.promised_date > case["through"]


def test_a_split_leaves_no_order_unpriced(runs):
    """Orders in an instrument that is split are priced before it, or cancelled."""
    for case, house in runs:
        for row in case["tables"]["splits"]:
            for order in house.orders:
                if order.instrument_no == row["instrument_no"] and order.decided_date < row["date"]:
                    assert order.priced_date < row["date"] or order.status == "cancelled"


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
    """Shares of the parties and parts of the sleeves are the fee; dues are the parts less the credit, refunds are the credit;
    what was collected is what flowed.
    """
    for _case, house in runs:
        parts, refunds = Counter(), 0
        for fee in house.fees:
            refunds += fee.fee_yen if fee.kind.startswith("refund") else 0
            parts[fee.contract_no] += sum(fee.parts.values())
            assert sum(fee.shares.values()) == fee.fee_yen and all(share >= 0 for share in fee.shares.values())
            assert sum(fee.parts.values()) == (0 if fee.kind.startswith("refund") else fee.fee_yen)
            assert fee.collected_date is None or fee.collected_date >= fee.charged_date
        for due in house.all_dues:
            assert due.collected_yen + sum(due.unpaid.values()) <= sum(due.parts.values())
            assert not due.late or (due.collected_date - due.due_date).days >= 20
        owed = sum(sum(due.parts.values()) for due in house.all_dues)
        given = sum(amount for _day, _sleeve, kind, amount in house.flows if kind == "fee" and amount > 0)
        left = sum(contract.credit for contract in house.contracts.values())
        assert sum(parts.values()) - owed == refunds - given - left
        flowed = -sum(amount for _day, _sleeve, kind, amount in house.flows if kind == "fee")
        assert flowed == sum(due.collected_yen for due in house.all_dues) - given
        transfers = Counter()
        for day, _sleeve, kind, amount in house.flows:
            transfers[day] += amount if kind == "transfer" else 0
        assert not any(transfers.values())


def no_unit(house: House, order) -> bool:
    """A purchase by amount that was cancelled at its price: its yen bought no unit."""
    by_amount = order.side == "buy" and order.limit_price == 0
    fresh = order.priced_date in house.days and house.days[order.priced_date].statuses[order.instrument_no] == "fresh"
    return by_amount and order.status == "cancelled" and fresh


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
        states["late"] += sum(due.late for due in house.all_dues)
        states["no unit"] += sum(no_unit(house, order) for order in house.orders)
        kinds["final"] += sum(fee.final for fee in house.fees)
    rebalances = {(side, reason) for side in ("buy", "sell") for reason in ("strategy", "model", "calendar", "breach")}
    assert rebalances | {("buy", "invest"), ("sell", "payout"), ("sell", "fee"), ("sell", "closing")} == set(reasons)
    assert min(states[name] for name in ("settled", "priced", "placed", "cancelled", "waited", "late", "no unit")) > 0
    assert states["settled"] > 0.85 * sum(reasons.values())
    assert EXTERNAL | {"fee", "distribution", "final"} == set(kinds)
    assert {"price_missing", "price_refused", "calendar_holiday", "fx_missing", "order_waits", "order_cancelled", "event_refused",
            "debit_failed", "promise_reissued", "drawing_refused", "payout_cut", "target_closed"} <= set(alerts)
    assert {"market_data", "market_fall"} == set(causes)
    assert {(kind, "paid") for kind in ("withdrawal", "drawing", "transfer", "closing", "termination")} <= set(ends)


def test_fees_of_every_kind_happen(runs):
    """Every kind of fee, of the contract and of sleeves; credits that are set off or paid out; debits that are collected or
    refused; fees that a closing cuts; switched terms; periods that lie between two closes.
    """
    found = Counter()
    for _case, house in runs:
        for fee in house.fees:
            found[fee.kind] += 1
            found["profit", fee.sleeve_no > 0, fee.fee_yen > 0] += fee.kind == "performance"
            found["between closes"] += not any(fee.start_date <= close <= fee.end_date for close in house.days)
            found["nothing left"] += fee.fee_yen > 0 and fee.due is None and fee.kind == "charge"
        for due in house.all_dues:
            found["debited", due.by_deposit] += 1
            found["cut"] += sum(due.parts.values()) > due.collected_yen + sum(due.unpaid.values())
            found["set off"] += sum(due.parts.values()) < sum(sum(fee.parts.values()) for fee in house.fees if fee.due is due)
        found["paid out"] += sum(kind == "fee" and amount > 0 for _day, _sleeve, kind, amount in house.flows)
        for contract in house.contracts.values():
            found["switched"] += contract.period is not None and contract.period.terms_date > contract.opened_date
    names = ["charge", "addition", "refund", "refund at the end", "between closes", "nothing left", "cut", "set off", "paid out"]
    names += ["switched", ("debited", True), ("debited", False)]
    names += [("profit", sleeve, above) for sleeve in (True, False) for above in (True, False)]
    assert [name for name in names if not found[name]] == []


def test_order_of_rows_and_later_days_change_nothing(runs):
    """The tables are sets of rows, and a day knows nothing of the days after it."""
    for case, house in (runs[1], runs[4]):
        rng = random.Random(1)
        shuffled = {name: rng.sample(rows, len(rows)) for name, rows in case["tables"].items()}
        days = sorted(house.days)
        half = simulate(shuffled, case["first"], days[len(days) // 2], bank_failures=case["bank_failures"])
        assert half.days == {day: house.days[day] for day in days[: len(days) // 2 + 1]}
