"""core/surplus.py against its slow twin on random accounts; what is told once; and the events that come of it at the door."""

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.cases.surplus import rules_of
from tests.core.build import books, columns, day, event, registry, rows, rules, sleeve
from tests.core.test_events import book, house
from tests.oracles.surplus_oracle import Pot, end_of, excess, has_level, instalment, over
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.debits import CIRCLE, FREE, NO_LEVEL, NOT_OPEN, PAST, STAYS, TOO_SMALL, Debits
from tsutsumi.core.flows import INSTALMENT, Flows, surplus_no, surplus_of
from tsutsumi.core.journal import Journal
from tsutsumi.core.payouts import pay
from tsutsumi.core.promises import P_SLEEVE_CLOSE, P_TRANSFER, P_WITHDRAWAL, PAID, spare_yen
from tsutsumi.core.rules import Registry
from tsutsumi.core.schema import empty, frame
from tsutsumi.core.surplus import NO_DATE, NO_YEN, chain_ends, pass_on

WHY = {"": 0, "no level": NO_LEVEL, "past": PAST, "not open": NOT_OPEN, "too small": TOO_SMALL, "circle": CIRCLE}
NAMES = ("sleeve_no", "to_sleeve_no", "level_yen", "until_date", "instalments", "excess", "minimum_yen", "since_date")
TODAY, FIRST_OF_MONTH = "2027-01-12", "2027-01-04"


def random_pots(chance: random.Random, today: int) -> dict[int, Pot]:
    """Sleeves of two accounts, most with a rule, some in circles, some whose target is not even in the books."""
    count, pots = chance.randint(2, 12), {}
    for number in range(1, count + 1):
        pot = Pot(number, 1 + (chance.random() < 0.1), chance.choice((0, 999, 1_000, 5_000, 123_457)), chance.random() < 0.9,
                  least=chance.choice((0, 100, 1_000)), limit_ppm=chance.choice((1, 900_000, 1_000_000)))
        pot.owed = [chance.randint(1, 700) for _ in range(chance.choice((0, 0, 1, 2)))]
        if chance.random() < 0.8:
            pot.to = chance.choice([other for other in range(1, count + 2) if other != number])
            pot.level = chance.choice((None, 1, 1_000, 4_000, 123_457))
            pot.goal_date = None if chance.random() < 0.5 and pot.level else today + chance.choice((-1, 0, 1, 900))
            pot.kind, pot.minimum = chance.choice(("instalments", "excess", "both")), chance.choice((1, 500))
        pots[number] = pot
    return pots


def of_pots(pots: dict[int, Pot], today: str):
    """The same as books of the evening before and rules of the day."""
    size = max(pots) + 2
    numbers = np.arange(size)
    account = np.array([0] + [pots[number].account if number in pots else 1 for number in range(1, size)], np.int32)
    of = {"contract_no": account, "account_no": account, "program_no": numbers.astype(np.int32), "model_no": account}
    known = Registry(of, registry().contracts, registry().accounts)
    programs = {name: np.array([getattr(pots[number], of) if number in pots else 0 for number in range(size)], np.int64)
                for name, of in (("minimum_instalment_yen", "least"), ("withdrawal_limit_ppm", "limit_ppm"))}
    told = [(pot.number, pot.to, NO_YEN if pot.level is None else pot.level, NO_DATE if pot.goal_date is None else pot.goal_date,
             pot.kind != "excess", pot.kind != "instalments", pot.minimum, 0) for pot in pots.values() if pot.to]
    surplus = {name: np.array([row[k] for row in told], np.int64) for k, name in enumerate(NAMES)}
    lines = sorted((pot.account, pot.number, pot.value, 0 if pot.open else 1) for pot in pots.values())
    sleeves = [{"account_no": a, "contract_no": a, "sleeve_no": n, "value_yen": v, "status_code": s} for a, n, v, s in lines]
    owed = [(pot.number, yen) for pot in pots.values() for yen in pot.owed]
    payouts = [{"sleeve_no": number, "amount_yen": yen, "kind_code": P_WITHDRAWAL} for number, yen in owed[::2]]
    dues = [{"sleeve_no": number, "amount_yen": yen} for number, yen in owed[1::2]]
    payouts += [{"sleeve_no": number, "amount_yen": 0, "kind_code": P_SLEEVE_CLOSE} for number in pots if not pots[number].open]
    before = books("2026-12-30", *sleeves, payouts=payouts, dues=dues)
    return before, replace(rules(today, registry=known, surplus=surplus), programs=programs)


@pytest.mark.parametrize("seed", range(300))
def test_the_columns_equal_the_slow_twin(seed):
    chance, today = random.Random(seed), FIRST_OF_MONTH if seed % 2 else TODAY
    pots = random_pots(chance, day(today))
    before, of = of_pots(pots, today)
    collected = sorted((chance.choice([*pots]), chance.choice((50, 100, 1_000))) for _ in range(chance.randint(0, 8)))
    failed = [chance.random() < 0.2 for _ in collected]
    said = [event(0, "debit_failed" if no else "instalment", sleeve_no=number, amount_yen=yen)
            for (number, yen), no in zip(collected, failed, strict=True)]
    transfers, passed, outcomes = pass_on(before, of, rows("events", *said) if said else empty("events"))
    wanted, stays, moves = [], [], []
    for number in sorted(pots) if today == FIRST_OF_MONTH else ():
        to, amount, why = excess(pots, number, day(today))
        moves += [(number, to, amount)] if amount else []
        stays += [(number, WHY[why])] if why or amount else []
    for (number, yen), no in zip(collected, failed, strict=True):
        to, why = (number, "") if no else instalment(pots, number, yen, day(today))
        wanted.append((to, yen, int(surplus_no(number, 1)) if to != number else 0))
        stays += [(number, WHY[why])] if why or to != number else []
    assert columns(passed, "sleeve_no", "amount_yen", "event_no") == wanted
    assert columns(transfers, "sleeve_no", "target_sleeve_no", "amount_yen") == moves
    assert columns(outcomes, "sleeve_no", "try_count") == news_of(stays)


def news_of(outcomes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What changes what is known of a sleeve, one after the other."""
    known, found = {}, []
    for sleeve_no, why in outcomes:
        if known.get(sleeve_no, 0) != why:
            found.append((sleeve_no, why))
        known[sleeve_no] = why
    return found


@pytest.mark.parametrize("seed", range(50))
def test_the_end_of_every_chain_is_that_of_a_walk(seed):
    pots = random_pots(random.Random(seed), day(TODAY))
    ruled = [pot for pot in pots.values() if pot.to]
    if ruled:
        full = np.array([has_level(pot) and not over(pot, day(TODAY)) for pot in ruled])
        found = chain_ends(np.array([pot.number for pot in ruled]), np.array([pot.to for pot in ruled]), full)
        ends = [end_of(pots, pot, day(TODAY)) for pot in ruled]
        told = zip(found.tolist(), ends, [pot.number for pot in ruled], strict=True)
        assert all((one or None) == other or (other is None and one == number) for one, other, number in told)


def test_spare_counts_neither_closings_nor_what_others_owe():
    before = books("2026-12-30", sleeve(1, value_yen=100), sleeve(2, value_yen=50), dues=[{"sleeve_no": 1, "amount_yen": 7}],
                   payouts=[{"sleeve_no": 2, "amount_yen": 60, "kind_code": P_TRANSFER},
                            {"sleeve_no": 1, "amount_yen": 99, "kind_code": P_SLEEVE_CLOSE}])
    assert spare_yen(before).tolist() == [93, -10]


# ---- told once


def stuck(why: int) -> list[dict]:
    return [{"account_no": 1, "sleeve_no": 1, "kind_code": STAYS, "try_count": why}]


def outcome_of(before, of) -> list[tuple]:
    saved = rows("events", event(0, "instalment", account_no=1, sleeve_no=1, amount_yen=30_000))
    return columns(pass_on(before, of, saved)[2], "sleeve_no", "kind_code", "try_count")


def test_the_same_reason_is_no_news_another_one_is_and_so_is_that_it_goes_again():
    shut = sleeve(1, value_yen=1_000_000), sleeve(2, status_code=1)
    of = rules_of(TODAY, "1→2 1,000,000 instalments")
    assert outcome_of(books("2027-01-08", *shut), of) == [(1, STAYS, NOT_OPEN)]
    assert outcome_of(books("2027-01-08", *shut, debit_states=stuck(NOT_OPEN)), of) == []
    assert outcome_of(books("2027-01-08", *shut, debit_states=stuck(TOO_SMALL)), of) == [(1, STAYS, NOT_OPEN)]
    opened = sleeve(1, value_yen=1_000_000), sleeve(2)
    assert outcome_of(books("2027-01-08", *opened, debit_states=stuck(NOT_OPEN)), of) == [(1, FREE, 0)]


def test_what_goes_lets_the_same_reason_be_told_again_on_the_same_day():
    both = rules_of(FIRST_OF_MONTH, "1→2 1,000,000 both")
    before = books("2026-12-30", sleeve(1, value_yen=2_000_000), sleeve(2), debit_states=stuck(TOO_SMALL))
    small = rows("events", event(0, "instalment", account_no=1, sleeve_no=1, amount_yen=1))
    both.programs["minimum_instalment_yen"][:] = 10_000
    assert columns(pass_on(before, both, small)[2], "kind_code", "try_count") == [(FREE, 0), (STAYS, TOO_SMALL)]


def test_what_was_told_is_forgotten_with_another_rule_or_none():
    shut = sleeve(1, value_yen=1_000_000), sleeve(2, status_code=1)
    before = books("2027-01-08", *shut, debit_states=stuck(NOT_OPEN))
    assert outcome_of(before, rules(TODAY)) == [(1, FREE, 0)]
    fresh = rules_of(TODAY, "1→2 1,000,000 instalments")
    fresh.surplus["since_date"][:] = day(TODAY)
    assert outcome_of(before, fresh) == [(1, FREE, 0), (1, STAYS, NOT_OPEN)]


def test_an_alert_says_what_stays_and_why_and_the_state_remembers_it():
    before, alerts = books(TODAY, sleeve(1), sleeve(2)), Alerts()
    twice = frame("debit_states", [(1, 1, STAYS, 30_000, 0, TOO_SMALL), (1, 1, STAYS, 20_000, 0, TOO_SMALL)])
    after = Debits(empty("debit_states"), twice, day(TODAY)).after(before, alerts)
    assert columns(after, "sleeve_no", "kind_code", "amount_yen", "try_count") == [(1, STAYS, 0, TOO_SMALL)]
    assert [alert.kind for alert in alerts.rows] == ["surplus_stays"] and alerts.rows[0].cause.startswith("30,000 yen of surplus")
    again = Debits(after, frame("debit_states", [(1, 1, FREE, 0, 0, 0)]), day(TODAY)).after(before, alerts)
    assert columns(again, "sleeve_no") == [] and len(alerts.rows) == 1
    closing = books(TODAY, sleeve(1, status_code=1), sleeve(2))
    assert columns(Debits(after, empty("debit_states"), day(TODAY)).after(closing, alerts), "sleeve_no") == []


# ---- at the door


def passed_instalment(amount: int = 30_000) -> dict:
    return event(int(surplus_no(1, 1)), "instalment", account_no=1, contract_no=1, sleeve_no=2, amount_yen=amount)


def test_an_instalment_that_is_passed_on_is_money_of_the_other_sleeve_and_names_its_own():
    after, marks, flows, _, alerts = book(house(), passed_instalment())
    assert flows == [(2, INSTALMENT, 30_000, -12)]
    assert surplus_of(-12) == (1, 1) and marks["refused"] == set() and list(alerts) == []
    assert columns(after.debit_states, "sleeve_no") == []


def test_it_stays_at_home_if_the_other_one_closes_by_an_event_before_it():
    after, marks, flows, _, alerts = book(house(), event(5, "sleeve_closed", sleeve_no=2), passed_instalment())
    assert flows == [(1, INSTALMENT, 30_000, 0)]
    assert [alert.kind for alert in alerts] == ["surplus_stays"] and marks["refused"] == set()
    assert columns(after.debit_states, "sleeve_no", "kind_code", "try_count") == [(1, STAYS, NOT_OPEN)]


def test_if_both_close_by_an_event_before_it_the_instalment_of_its_own_sleeve_is_refused():
    after, _, flows, _, alerts = book(house(), event(5, "terminated", account_no=1, contract_no=1), passed_instalment())
    assert flows == [] and columns(after.debit_states, "sleeve_no") == []
    assert [(alert.kind, alert.subject_no) for alert in alerts] == [("event_refused", 1), ("surplus_stays", 1)]


def test_what_was_judged_to_go_and_stays_after_all_is_not_forgotten():
    judged = rows("debit_states", {"account_no": 1, "sleeve_no": 1, "kind_code": FREE, "amount_yen": 30_000})
    debits, alerts = Debits(rows("debit_states", *stuck(NOT_OPEN)), judged, day(TODAY)), Alerts()
    closed = books(TODAY, sleeve(1), sleeve(2, status_code=1))
    assert debits.comes_in(closed, passed_instalment())["sleeve_no"] == 1
    assert columns(debits.after(closed, alerts), "sleeve_no", "try_count") == [(1, NOT_OPEN)] and alerts.rows == []


def test_a_transfer_of_surplus_is_a_payout_of_its_number():
    said = {"account_no": 1, "contract_no": 1, "sleeve_no": 1, "target_sleeve_no": 2, "amount_yen": 100_000}
    move = event(int(surplus_no(1, 1)), "transfer", **said)
    after, marks, *_ = book(house(), move)
    names = ("sleeve_no", "kind_code", "amount_yen", "target_sleeve_no", "event_no")
    assert columns(after.payouts, *names) == [(1, P_TRANSFER, 100_000, 2, -12)] and marks["refused"] == set()
    assert not columns(after.debit_states, "sleeve_no")


def paid_today(status: int):
    """What a transfer of surplus from sleeve 1 pays on its promised day, when sleeve 2 has a status."""
    due = {"sleeve_no": 1, "event_no": -12, "kind_code": P_TRANSFER, "amount_yen": 100_000, "requested_date": day("2027-01-04"),
           "promised_date": day(TODAY), "first_promised_date": day(TODAY), "target_sleeve_no": 2}
    before = books(TODAY, sleeve(1, cash_yen=400_000, value_yen=400_000), sleeve(2, status_code=status), payouts=[due])
    flows, alerts = Flows(), Alerts()
    after, changed, _ = pay(before, rules(TODAY), flows, Journal(), alerts)
    cash = dict(columns(after.sleeves, "sleeve_no", "cash_yen"))
    told = columns(changed, "amount_yen", "status_code")
    return cash, columns(flows.frame(), "sleeve_no", "amount_yen", "event_no"), told, [alert.kind for alert in alerts.rows]


def test_surplus_whose_target_has_closed_on_the_day_of_payment_stays_in_its_sleeve():
    assert paid_today(0) == ({1: 300_000, 2: 100_000}, [(1, -100_000, -12), (2, 100_000, -12)], [(100_000, PAID)], [])
    assert paid_today(1) == ({1: 400_000, 2: 0}, [], [(0, PAID)], ["surplus_stays"])
