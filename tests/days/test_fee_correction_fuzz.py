"""Random corrections of random kinds, twice, in houses with everything in them: every promise still holds, to the yen."""

import random
from collections import Counter
from datetime import date as Date
from datetime import timedelta

import pytest

from tests.days.fee_house import THROUGH as FEE_THROUGH
from tests.days.fee_house import make_fee_house
from tests.days.small_house import THROUGH, make_house
from tests.days.still_house import correct, passes
from tsutsumi.run.close_day import close_through
from tsutsumi.run.history import rows_of
from tsutsumi.store.database import HouseError, open_house

HOUSES = {"small": (make_house, THROUGH), "in advance": (make_fee_house, FEE_THROUGH)}
STOPS = (Date(2018, 2, 9), Date(2018, 2, 28), Date(2018, 3, 8), Date(2018, 3, 15), Date(2018, 3, 30))


def random_facts(house, chance: random.Random, tag: str, count: int = 5) -> list[str]:
    """Lines of corrections of any kind; some cannot be, and are refused."""
    rows = rows_of(house, "days", "instruments", "prices", "contracts", "sleeves", "events")
    days = [row["date"] for row in rows["days"]]
    price = {(row["instrument_no"], row["date"]): row["price"] for row in rows["prices"]}
    opened = {row["contract_no"]: row["date"] for row in rows["events"] if row["kind"] == "contract_opened"}
    lines = []
    for number in range(count):
        kind, day, name = chance.choice(("nav", "flow", "start_date")), chance.choice(days), f"{tag}{number}"
        contract, sleeve = chance.choice(rows["contracts"]), chance.choice(rows["sleeves"])
        yen = chance.choice((1, -1)) * chance.randint(1, 800_000)
        if kind == "nav":
            one = chance.choice(rows["instruments"])
            units = 10 ** one["price_scale"]
            found = price.get((one["instrument_no"], day), 10_000) * chance.randint(700, 1300) // 1000
            text = f"{found // units}.{found % units:0{one['price_scale']}d}" if one["price_scale"] else str(found)
            lines.append(f"{name},nav,{day},{one['instrument_id']},,,{text},,,\n")
        elif kind == "flow":
            who = f"{contract['contract_id']}," if chance.random() < 0.5 else f",{sleeve['sleeve_id']}"
            lines.append(f"{name},flow,{day},,{who},,{yen},,\n")
        elif contract["contract_no"] in opened:
            lines.append(f"{name},start_date,{opened[contract['contract_no']]},,{contract['contract_id']},,,,{day},\n")
    return lines


def shake(folder, kind: str, seed: int) -> Counter:
    """Close, correct, close on, correct again, close to the end; return how many corrections were taken, and moved something."""
    chance, told = random.Random(seed), Counter()
    make, through = HOUSES[kind]
    house = open_house(make(folder / "house"))
    stop = chance.choice(STOPS)
    for tag, day in (("a", stop), ("b", stop + timedelta(days=chance.randint(1, 12)))):
        close_through(house, day)
        for line in random_facts(house, chance, tag):
            try:
                report = correct(house, line)
            except HouseError:
                told["refused"] += 1
                continue
            told["taken"] += 1
            told["moved"] += sum(bool(of.difference_yen or of.states) for of in report.contracts)
    close_through(house, through)
    passes(house)
    return told


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", HOUSES)
def test_every_promise_holds_after_random_corrections(tmp_path, kind):
    told = shake(tmp_path, kind, 7)
    assert told["taken"] > 4 and told["moved"] > 10


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", HOUSES)
@pytest.mark.parametrize("seed", range(100, 130))
def test_every_promise_holds_after_many_random_corrections(tmp_path, kind, seed):
    shake(tmp_path, kind, seed)
