"""The goals of the close and the slow oracle of docs/close.md §10, on the small house with goals of every kind added."""

import copy
from collections import defaultdict
from datetime import date as Date
from types import SimpleNamespace

import pytest

from tests.days.small_house import THROUGH, house_rows
from tests.oracles import goal_oracle as oracle
from tests.oracles.goal_oracle import Life
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import gather_house
from tsutsumi.store.database import create_house, transaction
from tsutsumi.store.rows import insert_rows

EXTERNAL = {"deposit", "instalment", "withdrawal", "drawing", "transfer", "termination", "correction"}
KINDS = {"goal_gate", "goal_behind", "goal_ended", "goal_untold", "floor_at_risk", "unsuitable"}
PARTS = ("market_ppm", "payment_ppm", "time_ppm", "assumption_ppm")
COURSE = ("value_yen", "monthly_yen", "target_yen", "target_date", "months_ppm", "mean_ppm", "risk_ppm", "floor_yen")
LAW = ("mean_ppm", "risk_ppm")
PROBABILITY_WITHIN, PART_WITHIN = 1_000, 1_500
FIRST_DAYS, WINTER, SPRING = Date(2018, 1, 4), Date(2018, 2, 14), Date(2018, 3, 6)


def goals_everywhere(rows: dict) -> None:
    """A near goal for every sleeve without one, of about what it holds: such goals cross the gates."""
    opened = {row["sleeve_no"]: row["date"] for row in rows["events"] if row["kind"] == "sleeve_opened"}
    paid: dict[int, int] = defaultdict(int)
    for row in rows["events"]:
        if row["kind"] == "deposit" and (row["date"] - opened[row["sleeve_no"]]).days < 10:
            paid[row["sleeve_no"]] += row["amount_yen"]
    taken = {row["sleeve_no"] for row in rows["goals"]}
    for sleeve in sorted(set(opened) - taken):
        number = len(rows["goals"]) + 1
        rows["goals"].append({
            "goal_no": number, "goal_id": f"G{number:06d}", "sleeve_no": sleeve, "name": "近い目標", "priority": 1,
        })
        since = max(opened[sleeve], (FIRST_DAYS, WINTER)[sleeve % 7 == 0])
        yen = paid[sleeve] * (950 + sleeve * 37 % 110) // 1000
        add_target(rows, number, since, yen, oracle.month_later(since, 3 + sleeve % 11))


def add_target(rows: dict, goal: int, since: Date, yen: int, until: Date, inflation_ppm: int = 0) -> None:
    """One row of goal_targets; real if prices rise."""
    rows["goal_targets"].append({
        "goal_no": goal, "valid_from_date": since, "target_yen": yen, "target_kind": "real" if inflation_ppm else "nominal",
        "target_date": until, "inflation_ppm": inflation_ppm, "want_ppm": 800_000, "floor_yen": 0, "source": "試験",
        "recorded_at": "",
    })


def targets_that_change(rows: dict) -> None:
    """Targets that are replaced, that come on a weekend, that end within the life and are followed by another."""
    for goal in (3, 5, 30):
        add_target(rows, goal, WINTER, 3_000_000 + goal, Date(2019, 2, 28), inflation_ppm=20_000)
    for goal in (6, 27, 28, 32):
        add_target(rows, goal, Date(2018, 1, 25), 2_000_000, Date(2018, 3, 10))  # a Saturday
    for goal in (24, 26):
        add_target(rows, goal, Date(2018, 1, 25), 100_000, Date(2018, 3, 14))    # a business day
    add_target(rows, 27, Date(2018, 3, 12), 9_000_000, Date(2018, 9, 30))        # replaced before the close that would end it
    add_target(rows, 28, Date(2018, 3, 22), 6_500_000, Date(2018, 8, 31))
    add_target(rows, 32, Date(2018, 3, 13), 1_500_000, Date(2018, 4, 30))        # replaced a day after it ended
    add_target(rows, 33, Date(2018, 3, 1), 0, Date(2018, 5, 31))
    add_target(rows, 34, Date(2018, 2, 20), 4_000_000, Date(2018, 2, 28))
    add_target(rows, 34, Date(2018, 2, 28), 4_000_000, Date(2018, 9, 30))        # replaced on its last day
    add_target(rows, 11, Date(2018, 2, 1), 14_000_000, Date(2218, 3, 5))         # 2,401 full months, and 2,400 from 02-06 on
    add_target(rows, 11, Date(2018, 2, 23), 5_000_000, Date(2028, 5, 1))
    add_target(rows, 12, Date(2018, 2, 1), 900_000_000_000, Date(2048, 5, 1), 1_000_000)   # prices that double each year
    add_target(rows, 12, Date(2018, 2, 23), 350_000, Date(2023, 5, 1), -10_000)


def essential_parts(rows: dict) -> None:
    """Most targets have an essential part, of a real one in the same yen; some rows come later with another or none."""
    for place, row in enumerate(rows["goal_targets"]):
        row["floor_yen"] = row["target_yen"] * (0, 85, 92, 95, 97, 98, 99)[(row["goal_no"] * 3 + place // 40) % 7] // 100


def plans_that_change(rows: dict) -> None:
    """Several days a month with a bonus, a pause, and drawings beside instalments."""
    def add(sleeve: int, kind: str, since: Date, yen: int, **more) -> None:
        rows["plans"].append({
            "sleeve_no": sleeve, "kind": kind, "valid_from_date": since, "amount_yen": yen, "day_of_month": 26,
        } | more)

    of = {row["goal_no"]: row["sleeve_no"] for row in rows["goals"]}
    many = {"days_of_month": "5;20", "bonus_months": "6;12", "bonus_yen": 100_001}
    for goal in (1, 7, 35):
        add(of[goal], "instalment", Date(2018, 1, 16), 20_000, **many)
    add(of[35], "instalment", Date(2018, 3, 15), 0, **many)
    for goal, yen in ((7, 60_000), (3, 50_000), (33, 20_000), (36, 70_000), (10, 15_000)):
        add(of[goal], "drawing", Date(2018, 1, 22), yen)
    rows["drawing_terms"].append({
        "sleeve_no": of[10], "valid_from_date": WINTER, "rule_kind": "fixed-amount", "day_of_month": 26, "until_date": None,
        "amount_yen": 25_000, "source": "試験", "recorded_at": "",
    })
    for goal, since, until in ((7, WINTER, None), (3, Date(2018, 2, 1), Date(2018, 2, 20)), (33, SPRING, Date(2018, 3, 15))):
        rows["drawing_terms"].append(rows["drawing_terms"][-1] | {
            "sleeve_no": of[goal], "valid_from_date": since, "until_date": until, "amount_yen": 0,
        })
    for row in rows["plans"]:
        for name, usual in (("days_of_month", ""), ("bonus_months", ""), ("bonus_yen", 0)):
            row.setdefault(name, usual)


def rules_that_change(rows: dict) -> None:
    """Gates of a program of its own, none at all, assumptions that change, come late, or never; limits that become lower."""
    rows["goal_gates"] = [oracle.GATES | row for row in rows["goal_gates"] if row["program_no"] not in (2, 4)]
    more = {"source": "試験", "recorded_at": ""}
    rows["goal_gates"].append({"program_no": 4, "valid_from_date": SPRING, **more} | dict(zip(
        oracle.GATES, (500_000, 300_000, 310_000, 290_000, 5_000), strict=True)))
    rows["goal_gates"].append({"program_no": 1, "valid_from_date": WINTER, **more} | dict(zip(
        oracle.GATES, (700_000, 600_000, 800_000, 450_000, 20_000), strict=True)))
    assumptions = [row for row in rows["model_assumptions"] if row["model_no"] not in (3, 9, 20)]
    assumptions += [
        {"model_no": 3, "valid_from_date": Date(2018, 2, 6), "mean_ppm": 14_980, "risk_ppm": 76_330, **more},
        {"model_no": 9, "valid_from_date": Date(2018, 2, 1), "mean_ppm": 20_000, "risk_ppm": 90_000, **more},
        {"model_no": 2, "valid_from_date": SPRING, "mean_ppm": -5_000, "risk_ppm": 70_000, **more},
        {"model_no": 4, "valid_from_date": SPRING, "mean_ppm": 40_000, "risk_ppm": 90_000, **more},
        {"model_no": 8, "valid_from_date": Date(2018, 3, 19), "mean_ppm": 12_000, "risk_ppm": 0, **more},
        {"model_no": 18, "valid_from_date": Date(2018, 3, 19), "mean_ppm": 30_000, "risk_ppm": 200_000, **more},
    ]
    rows["model_assumptions"] = assumptions
    rows["contract_limits"] = [row for row in rows["contract_limits"] if row["contract_no"] not in (3, 5, 6, 7, 8, 11, 24)]
    for contract, since, yen in (
        (3, FIRST_DAYS, 300_000), (3, WINTER, 10_000), (5, WINTER, 95_000), (6, WINTER, 10_000), (6, Date(2018, 2, 26), 250_000),
        (6, Date(2018, 3, 12), 20_000), (7, FIRST_DAYS, 10_000), (8, FIRST_DAYS, 100_000),
        (11, FIRST_DAYS, 50_000), (24, WINTER, 153_850),                         # its assumptions come later; just as much
    ):
        rows["contract_limits"].append({"contract_no": contract, "valid_from_date": since, "most_risk_ppm": yen, **more})


def strategies_that_change(rows: dict) -> None:
    """Some sleeves of each program follow another of its models from a day on; one a model without assumptions."""
    programs = {row["contract_no"]: row["program_no"] for row in rows["contracts"]}
    opened = {row["sleeve_no"]: row["date"] for row in rows["events"] if row["kind"] == "sleeve_opened"}
    offered = {1: 5, 2: 11, 3: 15, 4: 20}
    for program, model in offered.items():
        mine = [row for row in rows["sleeves"] if programs[row["contract_no"]] == program and row["model_no"] != model
                and opened.get(row["sleeve_no"], THROUGH) < Date(2018, 2, 1)]
        for row in mine[:3]:
            number = len(rows["events"]) + 1
            rows["events"].append(rows["events"][-1] | {
                "event_no": number, "event_id": f"change-{number}", "date": Date(2018, 2, 21), "kind": "strategy_changed",
                "contract_no": row["contract_no"], "sleeve_no": row["sleeve_no"], "model_no": model,
            })


def even(rows: list[dict]) -> list[dict]:
    """Rows of one table with the same columns."""
    names = {name for row in rows for name in row}
    assert all(set(row) == names for row in rows)
    return rows


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """The rows of the house, its export, and a Life for every sleeve."""
    rows = copy.deepcopy(house_rows())
    changes = (goals_everywhere, targets_that_change, essential_parts, plans_that_change, rules_that_change, strategies_that_change)
    for change in changes:
        change(rows)
    house = create_house(tmp_path_factory.mktemp("goals") / "house")
    with transaction(house) as connection:
        for name, table in rows.items():
            insert_rows(connection, name, even(table) if name.startswith(("goal", "plans", "model_a", "contract_l")) else table)
    close_through(house, THROUGH)
    tables = gather_house(house, THROUGH)
    house.engine.dispose()
    return house_of(rows, tables)


def house_of(rows: dict, tables: dict) -> SimpleNamespace:
    """What the tests read: lives by sleeve id, rows of goals by (goal, day), sleeves of goals, alerts."""
    days = sorted(set(tables["values"]["date"].to_list()))
    values, flows = defaultdict(dict), defaultdict(lambda: defaultdict(int))
    for row in tables["values"].iter_rows(named=True):
        values[row["sleeve_id"]][row["date"]] = row["value_yen"]
    for row in tables["flows"].iter_rows(named=True):
        if row["kind"] in EXTERNAL:
            flows[row["sleeve_id"]][row["date"]] += row["amount_yen"]
    refused = {row["subject_id"] for row in tables["alerts"].iter_rows(named=True) if row["kind"] == "event_refused"}
    events = [row | {"date": oracle.business_next(days, row["date"])} for row in rows["events"] if row["event_id"] not in refused]
    assumptions = grouped(rows["model_assumptions"], "model_no")
    gates, limits = grouped(rows["goal_gates"], "program_no"), grouped(rows["contract_limits"], "contract_no")
    terms = [{"kind": "terms"} | row for row in rows["drawing_terms"]]
    plans, targets = grouped(rows["plans"] + terms, "sleeve_no"), grouped(rows["goal_targets"], "goal_no")
    programs = {row["contract_no"]: row["program_no"] for row in rows["contracts"]}
    goal_of = {row["sleeve_no"]: row for row in rows["goals"]}
    opened = {row["sleeve_id"]: row["opened_date"] for row in tables["sleeves"].iter_rows(named=True)}
    lives, sleeve_of = {}, {}
    for row in rows["sleeves"]:
        name, sleeve, contract = row["sleeve_id"], row["sleeve_no"], row["contract_no"]
        if name not in opened:
            continue
        ends = [event["date"] for event in events if event["kind"] == "sleeve_closed" and event["sleeve_no"] == sleeve]
        ends += [event["date"] for event in events if event["kind"] == "terminated" and event["contract_no"] == contract]
        models = [{"valid_from_date": opened[name], "model_no": row["model_no"]}] + [
            {"valid_from_date": event["date"], "model_no": event["model_no"]}
            for event in events if event["kind"] == "strategy_changed" and event["sleeve_no"] == sleeve
        ]
        goal = goal_of.get(sleeve)
        if goal:
            sleeve_of[goal["goal_id"]] = name
        lives[name] = Life(
            days=days, opened=opened[name], closing=min(ends, default=None), models=models, plans=plans[sleeve],
            targets=targets[goal["goal_no"]] if goal else [], gates=gates[programs[contract]], limits=limits[contract],
            assumptions=assumptions, values=values[name], flows=flows[name],
        )
    told = {(row["goal_id"], row["date"]): row for row in tables["goals"].iter_rows(named=True)}
    return SimpleNamespace(days=days, lives=lives, sleeve_of=sleeve_of, goals=told, alerts=tables["alerts"], rows=rows)


def grouped(rows: list[dict], name: str) -> dict[object, list[dict]]:
    """Rows by one column."""
    found = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def each(closed):
    """Every row of the export with its life, its day and the row of the close before."""
    for (goal, day), row in sorted(closed.goals.items()):
        life = closed.lives[closed.sleeve_of[goal]]
        yield goal, day, row, closed.goals.get((goal, life.before(day))), life


@pytest.mark.parametrize(("now", "monthly", "target", "months", "mean", "risk", "ppm"), [
    (5_000_000, 0, 5_000_000, 12, 0, 0, 1_000_000),
    (120_000, -10_000, 0, 12, 0, 0, 1_000_000),
    (119_999, -10_000, 0, 12, 0, 0, 0),
    (9_999, -10_000, 0, 1, 50_000, 150_000, 0),
    (10_000, -10_000, 0, 1, 50_000, 150_000, 1_000_000),
    (10_000, -10_000, 0, 2, 50_000, 150_000, 0),            # nothing is left for the second payment
    (1_000_000, 10_000, 0, 12, 50_000, 150_000, 1_000_000),
    (0, 0, 0, 5, 50_000, 150_000, 0),
    (0, 0, 0, 0, 50_000, 150_000, 0),
    (1, 0, 0, 0, 50_000, 150_000, 1_000_000),
])
def test_certain_cases_by_hand(now, monthly, target, months, mean, risk, ppm):
    assert oracle.probability_ppm(now, monthly, target, months * oracle.MILLION, mean, risk) == ppm


def test_one_payment_by_hand():
    """One month: all is there at its start, so it is the closed form of a lump sum."""
    drift, deviation = oracle.month_law(50_000, 150_000)
    told = oracle.normal_below((drift - oracle.math.log(1_020_000 / 1_010_000)) / deviation)
    assert abs(oracle.probability_ppm(1_000_000, 10_000, 1_020_000, oracle.MILLION, 50_000, 150_000) - told * oracle.MILLION) <= 2


@pytest.mark.parametrize(("day", "until", "months"), [
    (Date(2018, 1, 31), Date(2018, 2, 28), 1_000_000), (Date(2018, 1, 31), Date(2018, 3, 30), 1_967_741),
    (Date(2018, 2, 28), Date(2018, 3, 27), 964_285), (Date(2018, 3, 10), Date(2018, 3, 10), 0),
    (Date(2018, 3, 12), Date(2018, 3, 10), 0),
])
def test_months_left_by_hand(day, until, months):
    assert oracle.months_left(day, until) == months


def test_zones_by_hand():
    """One after the other: back over a gate only with the hysteresis, down at once, and through several zones in one evening."""
    told = (640_000, 690_000, 700_000, 849_999, 850_000, 950_000, 950_001, 900_001, 900_000, 800_000, 799_999, 649_999, 999_999,
            100_000)
    zones, zone = [], None
    for ppm in told:
        zone = oracle.zone_of(zone, ppm, oracle.GATES)
        zones.append(zone)
    assert zones == ["alert", "alert", "below", "below", "right", "right", "above", "above", "right", "right", "below", "alert",
                     "above", "alert"]


def test_the_same_goals_are_followed(closed):
    ours = {(goal, day) for goal, name in closed.sleeve_of.items() for day in closed.days if closed.lives[name].followed(day)}
    assert set(closed.goals) == ours
    assert all(row["sleeve_id"] == closed.sleeve_of[goal] for (goal, _), row in closed.goals.items())


def test_courses(closed):
    for goal, day, row, _, life in each(closed):
        ours, law = life.course(day), LAW if row["probability_ppm"] is not None else ()
        names = [name for name in COURSE if name not in LAW or name in law]
        row = row | {"floor_yen": row["floor_yen"] or 0}
        assert {name: row[name] for name in names} == {name: ours[name] for name in names}, (goal, day)
        assert (row["probability_ppm"] is None) == (life.assumption(day) is None or oracle.beyond(ours)), (goal, day)


def test_probabilities_and_parts(closed):
    checked = {day for day in closed.days[::7]}
    count, found = 0, []
    for goal, day, row, before, life in each(closed):
        if row["probability_ppm"] is None or day not in checked and (before or {}).get("status") == row["status"]:
            continue
        ours = life.course(day)
        count += 1
        difference = oracle.chance_of(ours) - row["probability_ppm"]
        if abs(difference) > PROBABILITY_WITHIN:
            found.append((goal, day, row["probability_ppm"], difference, ours))
        if before is None or before["probability_ppm"] is None:
            continue
        parts = oracle.parts_of(life.course(life.before(day)), ours, day, life.flows.get(day, 0))
        if max(abs(one - row[name]) for one, name in zip(parts, PARTS, strict=True)) > PART_WITHIN:
            found.append((goal, day, parts, [row[name] for name in PARTS], ours))
    assert found == []
    assert 300 < count < 500


def test_essential_amounts(closed):
    """Their probability (the oracle is a second a law: some days), their state from day to day, with every case among them."""
    seen, count, found = set(), 0, []
    for goal, day, row, before, life in each(closed):
        ours, ppm = life.course(day), row["floor_ppm"]
        assert (ppm is None) == (not ours["floor_yen"] or row["probability_ppm"] is None), (goal, day)
        assert ppm is None or ppm >= row["probability_ppm"], (goal, day)
        had = before and before["floor_status"]
        status = oracle.floor_status_of(had, ours["floor_yen"], ppm, life.gate(day))
        assert row["floor_status"] == status, (goal, day, had, ppm)
        seen.add((had, status))
        if ppm is not None and (day in closed.days[::14] or had not in (None, status)):
            count += 1
            difference = oracle.floor_of(ours) - ppm
            found += [(goal, day, ppm, difference, ours)] if abs(difference) > PROBABILITY_WITHIN else []
    assert found == [] and count > 100
    assert seen >= {(None, None), (None, "safe"), (None, "at_risk"), ("safe", "at_risk"), ("at_risk", "safe")}


def test_asset_lives(closed):
    """Of every goal that is drawn on, whatever draws; and of no other."""
    told = [0, 0]
    for goal, day, row, _, life in each(closed):
        ours = life.course(day)
        assert row["asset_life_months"] == oracle.asset_life_of(ours), (goal, day)
        told[row["asset_life_months"] is None] += 1
    assert min(told) > 50


def test_parts_add_up(closed):
    for goal, day, row, before, _ in each(closed):
        both = before is not None and None not in (before["probability_ppm"], row["probability_ppm"])
        moved = row["probability_ppm"] - before["probability_ppm"] if both else 0
        assert sum(row[name] for name in PARTS) == moved, (goal, day)
        assert both or not any(row[name] for name in PARTS), (goal, day)


def test_zones(closed):
    for goal, day, row, before, life in each(closed):
        had = None if before is None or before["status"] == "none" else before["status"]
        ppm = row["probability_ppm"]
        assert row["status"] == ("none" if ppm is None else oracle.zone_of(had, ppm, life.gate(day))), (goal, day, had, ppm)


def test_alerts(closed):
    theirs = {
        (row["kind"], row["subject_id"], row["date"]) for row in closed.alerts.iter_rows(named=True) if row["kind"] in KINDS
    }
    ours = {
        (kind, closed.sleeve_of[goal], day) for goal, day, row, before, life in each(closed)
        for kind in oracle.alerts_of(day, row, before, life)
    }
    ours |= {
        ("unsuitable", name, day) for name, life in closed.lives.items() for day in closed.days
        if life.unsuitable(day) and not life.unsuitable(life.before(day))
    }
    assert theirs == ours
    assert {kind for kind, _, _ in ours} == KINDS
