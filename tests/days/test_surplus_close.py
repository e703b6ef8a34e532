"""What surplus rules make are ordinary events: the slow oracle of the close, told them as such, closes the same days."""

import random
from collections import defaultdict
from itertools import pairwise, takewhile

import pytest

from tests.days import test_oracle_agrees as agree
from tests.days.simulation import simulate_house
from tests.oracles.day_oracle.simulate import simulate
from tests.oracles.random_house import random_house
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.flows import INSTALMENT
from tsutsumi.ports.paper import PaperBank

LEAST_MOVED = 4
MORE = (7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 28, 29)
BLANK = {"contract_no": 0, "sleeve_no": 0, "target_sleeve_no": 0, "model_no": 0, "instrument_no": 0, "amount_yen": 0, "units": 0,
         "note": ""}


def chains(tables: dict, chance: random.Random, first) -> list[dict]:
    """Rules from each sleeve of an account to the next one, with a low level or a high one."""
    account = {row["contract_no"]: row["account_no"] for row in tables["contracts"]}
    members = defaultdict(list)
    for row in tables["sleeves"]:
        members[account[row["contract_no"]]].append(row["sleeve_no"])
    return [
        {"sleeve_no": one, "valid_from_date": first, "level_kind": "yen", "level_yen": chance.choice((1_000, 300_000, 1_500_000)),
         "to_sleeve_no": other, "surplus_kind": chance.choice(("both", "both", "excess", "instalments")), "minimum_yen": 1}
        for sleeves in members.values() for one, other in pairwise(sleeves)
    ]


def as_events(results: list, told: list[dict]) -> list[dict]:
    """All that was told and made, as rows of the events table, numbered anew: of a day transfers, what was told, instalments."""
    known, found = {row["event_no"]: row for row in told}, []
    for result in results:
        day, events, flows = from_epoch_day(result.books.day), result.tables.get("inputs.events"), result.flows
        names = ("event_no", "kind_code", "sleeve_no", "target_sleeve_no", "amount_yen")
        for number, kind, sleeve, target, yen in zip(*(events[name].tolist() for name in names), strict=True) if events else ():
            if number < 0 and kind == EVENT_KINDS.index("transfer"):
                found.append({"kind": "transfer", "date": day, "sleeve_no": sleeve, "target_sleeve_no": target, "amount_yen": yen})
            elif number > 0 and known[number]["kind"] != "instalment_skipped":
                found.append(known[number] | {"date": day})
        planned = (flows["kind_code"] == INSTALMENT) & (flows["event_no"] <= 0)
        for sleeve, yen in zip(flows["sleeve_no"][planned].tolist(), flows["amount_yen"][planned].tolist(), strict=True):
            found.append({"kind": "instalment", "date": day, "sleeve_no": sleeve, "amount_yen": yen})
    return [BLANK | row | {"event_no": number, "event_id": f"e{number}"} for number, row in enumerate(found, 1)]


def kept_back(result) -> bool:
    """Whether a transfer of surplus was kept in its sleeve on its promised day: of an ordinary one the customer gets the money."""
    payouts = result.tables.get("payouts")
    return payouts is not None and bool(((payouts["event_no"] < 0) & (payouts["amount_yen"] == 0)).any())


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 6, 8, *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in MORE)])
def test_the_slow_oracle_closes_the_same_days_on_what_the_rules_made(seed, tmp_path):
    case, chance = random_house(random.Random(seed), failing_bank=True), random.Random(seed)
    tables, failures = case["tables"], case["bank_failures"]
    ruled = tables | {"surplus_rules": chains(tables, chance, case["first"])}
    bank = PaperBank(failures.failure_ppm, failures.seed)
    results = list(simulate_house(ruled, case["first"], case["through"], tmp_path, bank=bank))
    drawings = [row for row in tables["plans"] if row["kind"] == "drawing"]
    house = simulate(**case | {"tables": tables | {"events": as_events(results, tables["events"]), "plans": drawings}})
    ordinary = list(takewhile(lambda result: not kept_back(result), results))
    assert sum(int((result.flows["event_no"] < 0).sum()) for result in ordinary) > LEAST_MOVED
    for result in ordinary:
        books, day = result.books, from_epoch_day(result.books.day)
        theirs, where = house.days[day], f"seed {seed}, {day}"
        flows = agree.summed((sleeve, kind, yen) for on, sleeve, kind, yen in house.flows if on == day)
        assert agree.our_flows(result) == flows, f"{where}: flows"
        mine = agree.our_values(books)
        assert mine == {number: row for number, row in theirs.values.items() if number in mine or any(row)}, f"{where}: values"
        assert agree.our_positions(books) == theirs.positions, f"{where}: positions"
        assert agree.our_decisions(result) == agree.their_decisions(house, day), f"{where}: decisions"
