"""Advice for a customer whose contract pays its drawings as a whole: what is told comes out, and the order decides as before."""

import json
import shutil
from datetime import date as Date

import numpy as np
import pytest

from tests.app.advised_house import rows, told
from tests.store.files import FILES, write
from tsutsumi.core.calendar import business_days, epoch_day, next_business_day
from tsutsumi.core.goal_dates import months_left_ppm
from tsutsumi.core.goals.within import odds
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import gather_house
from tsutsumi.run.loading import load_files
from tsutsumi.store.database import create_house, open_house
from tsutsumi.store.day_tables import load_day
from tsutsumi.store.tables import plans

FIRST, TOLD, AFTER, DRAWN, LATER = Date(2026, 8, 3), Date(2026, 10, 1), Date(2026, 10, 2), Date(2026, 10, 15), Date(2026, 11, 30)
SLEEVES = {"steady": ("k1", "calm", 2_500_000), "growth": ("k1", "growth", 4_000_000), "free": ("k2", "growth", 3_000_000)}
GOALS = {  # goal, its sleeve, priority, target, date, essential amount
    "g1": ("growth", 1, 16_000_000, "2036-09-01", 6_000_000), "g2": ("steady", 2, 1_000_000, "2031-09-01", 0),
    "g3": ("free", 3, 5_000_000, "2033-09-01", 4_000_000),
}
DRAWN_YEN = 60_000
MOMENT = "2026-08-01T00:00:00+00:00"


def files(order: str) -> dict[str, str]:
    """One account with two contracts; the first draws by an order, from prices that stand still."""
    navs = [f"{day},{fund},10000" for day in business_days(FIRST, LATER) for fund in ("eq", "bond")]
    events = [f"o-{name},{FIRST},contract_opened,{name},,0" for name in ("k1", "k2")]
    for name, (contract, _, yen) in SLEEVES.items():
        events += [f"o-{name},{FIRST},sleeve_opened,{contract},{name},0", f"d-{name},{FIRST},deposit,,{name},{yen}"]
    lines = {
        "customers": ["customer_id,name", "c1,見本 花子"], "accounts": ["account_id,customer_id,custodian_id", "a1,c1,custodian"],
        "contracts": ["contract_id,account_id,customer_id,program_id", "k1,a1,c1,wrap", "k2,a1,c1,wrap"],
        "sleeves": ["sleeve_id,contract_id,name,model_id", *(f"{name},{of},,{model}" for name, (of, model, _) in SLEEVES.items())],
        "instruments": ["instrument_id,name,price_scale,price_base_units", "eq,株式,0,10000", "bond,債券,0,10000"],
        "models": ["model_id,name,manager_id", "growth,成長,manager", "calm,安定,manager"],
        "model_versions": ["model_id,version,effective_date,proposed_by,approved_by",
                           *(f"{name},1,2020-01-01,tanaka,suzuki" for name in ("calm", "growth"))],
        "model_weights": ["model_id,version,instrument_id,child_model_id,weight_ppm", "growth,1,eq,,950000", "growth,1,JPY,,50000",
                          "calm,1,bond,,950000", "calm,1,JPY,,50000"],
        "program_models": ["program_id,model_id,valid_from_date,offered",
                           *(f"wrap,{name},2020-01-01,true" for name in ("calm", "growth"))],
        "program_rules": ["program_id,valid_from_date,minimum_trade_yen,minimum_deposit_yen,minimum_instalment_yen,fee_terms_id,"
                          "remainder_company_id", "wrap,2020-01-01,1000,10000,10000,standard,manager"],
        "plans": ["sleeve_id,kind,valid_from_date,amount_yen,day_of_month,days_of_month,bonus_months,bonus_yen",
                  f"growth,drawing,2026-09-01,{DRAWN_YEN},15,,,0", "steady,instalment,2026-09-01,12000,26,,6;12,60000",
                  "free,instalment,2026-09-01,25000,26,5;20,,0"],
        "goals": ["goal_id,sleeve_id,priority", *(f"{name},{sleeve},{rank}" for name, (sleeve, rank, *_) in GOALS.items())],
        "goal_targets": ["goal_id,valid_from_date,target_yen,target_date,floor_yen",
                         *(f"{name},{TOLD},{yen},{on},{floor}" for name, (_, _, yen, on, floor) in GOALS.items())],
        "model_assumptions": ["model_id,valid_from_date,mean_ppm,risk_ppm", f"growth,{FIRST},30000,80000",
                              f"calm,{FIRST},10000,30000"],
        "drawing_orders": ["contract_id,valid_from_date,order_kind,sleeve_ids,drawings_kind", f"k1,{FIRST},{order}"],
        "events": ["event_id,date,kind,contract_id,sleeve_id,amount_yen", *events], "nav": ["date,fund_code,nav_yen", *navs],
    }
    shared = {name: FILES[name] for name in ("companies", "programs", "fee_terms", "program_shares")}
    return shared | {name: "\n".join(of) + "\n" for name, of in lines.items()}


ORDERS = ("listed,steady,order", "proportional,,order", "least_tax,,order", "above_target,growth,order")


@pytest.fixture(scope="module", params=ORDERS)
def closed(request, tmp_path_factory):
    """A house whose first contract pays by an order, closed to the evening of its advice."""
    folder = tmp_path_factory.mktemp("orders")
    house = create_house(folder / "house")
    report = load_files(house, write(folder, **files(request.param)), MOMENT)
    assert report.refused == 0, [str(refusal) for file in report.files for refusal in file.refused]
    close_through(house, TOLD)
    house.engine.dispose()
    return folder / "house", request.param


@pytest.fixture
def folder(closed, tmp_path):
    """A copy of the house."""
    shutil.copytree(closed[0], tmp_path / "house")
    return tmp_path / "house"


def close(folder, day: Date) -> dict[str, dict]:
    """Close a house to a day and return its rows of goals by goal_id."""
    house = open_house(folder)
    close_through(house, day)
    table = load_day(house, day)["goals"]
    house.engine.dispose()
    return {f"g{int(number)}": {name: int(column[k]) for name, column in table.items()}
            for k, number in enumerate(table["goal_no"])}


def payouts(folder) -> list[tuple]:
    """Who paid how much for whom until the second drawing."""
    house = open_house(folder)
    table = gather_house(house, DRAWN)["payouts"]
    house.engine.dispose()
    names = ("sleeve_id", "drawn_sleeve_id", "amount_yen", "promised_date")
    return sorted((tuple(row[name] or "" for name in names) for row in table.iter_rows(named=True)), key=str)


def chance(row: dict, monthly_yen: int, day: Date) -> int:
    """Return the probability of a row of the close with another payment a month, on a day."""
    course = row["value_yen"], monthly_yen, row["target_yen"], months_left_ppm(epoch_day(day), row["target_date"])
    return int(odds(*(np.array([figure]) for figure in (*course, row["mean_ppm"], row["risk_ppm"])))[0])


def seen(capsys, folder, *words: str) -> dict:
    """Return what `tsutsumi advice --json` says."""
    code, out, err = told(capsys, folder, *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_goal_draws_what_its_sleeve_pays_by_the_order_and_its_savings_stay(capsys, closed):
    folder, order = closed
    found = {goal["sleeve_id"]: goal for goal in seen(capsys, folder, "--customer", "c1")["goals"]}
    stored = close(folder, TOLD)
    assert found["steady"]["drawn_yen"] + found["growth"]["drawn_yen"] == DRAWN_YEN and found["free"]["drawn_yen"] == 0
    assert {sleeve: goal["stays"] for sleeve, goal in found.items()} == {"steady": True, "growth": True, "free": False}
    assert told(capsys, folder, "--customer", "c1")[1].count("残高は振替案で動かしません") == 2
    if order.startswith("listed"):
        assert found["steady"]["drawn_yen"] == DRAWN_YEN, "the steady sleeve pays for the other one"
    for sleeve, paid, bonus in (("steady", 12_000, 10_000), ("growth", 0, 0), ("free", 50_000, 0)):
        goal = found[sleeve]
        assert goal["payment_yen"] == paid and goal["monthly_yen"] == paid + bonus - goal["drawn_yen"]
        assert goal["monthly_yen"] == stored[goal["goal_id"]]["monthly_yen"]
        assert goal["with_transfers"]["yen"] == goal["value_yen"], "who pays follows from what each has: nothing is moved"


def test_without_a_drawing_the_savings_of_such_a_contract_may_move(capsys, folder):
    house = open_house(folder)
    stop = "sleeve_id,kind,valid_from_date,amount_yen\ngrowth,drawing,2026-10-02,0\n"
    assert load_files(house, write(folder.parent, plans=stop), MOMENT).refused == 0
    house.engine.dispose()
    close(folder, AFTER)
    found = seen(capsys, folder, "--customer", "c1")
    moves = {(move["from_goal_id"], move["to_goal_id"]) for move in found["transfers"]}
    assert ("g2", "g1") in moves and all(goal["drawn_yen"] == 0 for goal in found["goals"])


def test_an_accepted_split_changes_what_is_saved_and_nothing_that_the_order_decides(capsys, closed, folder):
    before, stored = seen(capsys, folder, "--customer", "c1"), close(folder, TOLD)
    assert before["changed_count"] > 0 and before["total_yen"] == 62_000
    code, _, err = told(capsys, folder, "--customer", "c1", "--accept", "split", "--by", "tanaka")
    assert (code, err) == (0, "")
    written = rows(folder, plans, plans.c.valid_from_date == AFTER)
    assert len(written) == before["changed_count"] and {row.kind for row in written} == {"instalment"}
    twin = folder.parent / "twin"
    shutil.copytree(closed[0], twin)
    after, other = close(folder, AFTER), close(twin, AFTER)
    for goal in before["goals"]:
        name, moved = goal["goal_id"], goal["split"]["yen"] - goal["payment_yen"]
        assert goal["split"]["probability_ppm"] == chance(stored[name], goal["monthly_yen"] + moved, TOLD)
        assert after[name]["monthly_yen"] == other[name]["monthly_yen"] + moved
        assert after[name]["value_yen"] == stored[name]["value_yen"], "the market stands still"
        assert after[name]["probability_ppm"] == chance(stored[name], other[name]["monthly_yen"] + moved, AFTER)
    if not closed[1].startswith("above_target"):  # whose zones may change with what is saved
        close(folder, DRAWN), close(twin, DRAWN)
        assert payouts(folder) == payouts(twin) and sum(row[2] for row in payouts(folder)) == 2 * DRAWN_YEN


@pytest.mark.parametrize("goal_id", GOALS)
def test_an_option_of_such_a_sleeve_keeps_what_it_promises(capsys, closed, folder, goal_id):
    outlook, stored = seen(capsys, folder, "--goal", goal_id), close(folder, TOLD)[goal_id]
    options = {option["kind"]: option for option in outlook["options"]}
    given = {option["kind"]: option for option in outlook["advice"]["options"]}
    names = ("yen", "probability_ppm", "cost_yen", "cut_yen")
    assert {kind: [one[name] for name in names] for kind, one in options.items()} == {
        kind: [one[name] for name in names] for kind, one in given.items()}
    kind = next((name for name in ("pay_more", "pay_less") if name in options), None)
    assert kind, "each is behind or above"
    option, sign = options[kind], 1 if kind == "pay_more" else -1
    assert option["cut_yen"] == 0, "less on the sleeve's own drawing plan would not be what its goal counts"
    assert option["probability_ppm"] == chance(stored, stored["monthly_yen"] + sign * option["yen"], TOLD)
    code, out, err = told(capsys, folder, "--accept", goal_id, "--kind", kind, "--by", "tanaka")
    assert (code, err) == (0, "") and "取り崩しを" not in out
    (row,) = rows(folder, plans, plans.c.valid_from_date == AFTER)
    assert row.kind == "instalment" and (row.amount_yen >= 10_000 or row.amount_yen == 0)
    after = close(folder, AFTER)[goal_id]
    if not closed[1].startswith("above_target"):  # by the zone of this evening it may pay otherwise tomorrow
        assert after["monthly_yen"] == stored["monthly_yen"] + sign * option["yen"]
        assert after["probability_ppm"] == chance(stored, stored["monthly_yen"] + sign * option["yen"], AFTER)


def test_everything_can_be_stopped_with_its_bonuses(capsys, folder):
    house = open_house(folder)
    lower = "goal_id,valid_from_date,target_yen,target_date\ng2,2026-10-02,1000,2027-01-04\n"
    stop = "sleeve_id,kind,valid_from_date,amount_yen\ngrowth,drawing,2026-10-02,0\n"
    assert load_files(house, write(folder.parent, goal_targets=lower, plans=stop), MOMENT).refused == 0
    house.engine.dispose()
    before = close(folder, AFTER)["g2"]
    assert before["monthly_yen"] == 22_000
    option = next(one for one in seen(capsys, folder, "--goal", "g2")["advice"]["options"] if one["kind"] == "pay_less")
    assert option["yen"] == 22_000, "of the plan and of a twelfth of its bonuses"
    assert told(capsys, folder, "--accept", "g2", "--kind", "pay_less", "--by", "tanaka")[0] == 0
    assert close(folder, next_business_day(AFTER))["g2"]["monthly_yen"] == 0
