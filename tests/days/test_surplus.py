"""One customer, ten goals, a chain of surplus through all of them, three years of months: loaded, closed, replayed, in partitions.

Every day is judged again by the slow twin from the books of the day before: where each yen comes in, and what is transferred.
"""

from collections import Counter
from datetime import date as Date

import numpy as np
import polars as pl
import pytest

from tests.days.small_house import chain
from tests.days.still_house import MOMENT, passes
from tests.oracles import surplus_oracle as oracle
from tests.store.files import FILES, write
from tsutsumi.core.calendar import business_days, epoch_day, from_epoch_day
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.flows import INSTALMENT, TRANSFER, surplus_no
from tsutsumi.core.promises import P_SLEEVE_CLOSE
from tsutsumi.core.schema import Frame
from tsutsumi.ports.paper import PaperBank
from tsutsumi.run.close_day import closing
from tsutsumi.run.explain import explain
from tsutsumi.run.export import gather_house
from tsutsumi.run.loading import load_files
from tsutsumi.run.replay import replay
from tsutsumi.store.database import create_house

FIRST, LAST = Date(2026, 8, 3), Date(2029, 8, 3)
GOALS = 10
NO, ALL = "instalments", "both"
LEAST_YEN, LIMIT_PPM = 1_000, 900_000
ENDING, ENDED, PAST = 8, Date(2028, 5, 15), Date(2027, 9, 1)  # goal 8 is closed; the date of goal 3 comes
PLANS = """sleeve_id,kind,valid_from_date,amount_yen,day_of_month,days_of_month,bonus_months,bonus_yen
s1,instalment,2026-08-03,30000,26,5;20,6;12,100000
s2,instalment,2026-08-03,10000,26,,,0
s6,instalment,2026-08-03,10000,10,,,0
s11,instalment,2026-08-03,5000,20,,,0
"""
RULES = (
    "sleeve_id,valid_from_date,level_kind,level_yen,to_sleeve_id,surplus_kind,minimum_yen,source\n"
    "s1,2026-09-01,target,,s2,both,20000,申込み\ns2,2026-09-01,target,,s3,both,20000,申込み\n"
    "s3,2026-09-01,target,,s4,instalments,,申込み\ns4,2026-09-01,yen,150000,s5,excess,5000,申込み\n"
    "s5,2026-09-01,target,,s6,both,20000,申込み\ns6,2026-09-01,target,,s7,both,20000,申込み\n"
    "s7,2026-09-01,target,,s8,both,20000,申込み\ns7,2028-07-03,target,,s9,both,20000,変更\n"
    "s8,2026-09-01,target,,s9,both,20000,申込み\ns9,2026-09-01,target,,s10,both,20000,申込み\n"
    "s9,2029-06-01,target,,,both,,終了\n"
)


def target_yen(number: int) -> int:
    """The target of a goal, in yen of its date."""
    return 60_000 + 20_000 * number


def files() -> dict[str, str]:
    """The customer of ten goals, and another one who saves without a rule."""
    names = [f"s{number}" for number in range(1, GOALS + 2)]
    dates = {3: PAST}
    events = ["o1,2026-08-03,contract_opened,k1,,,", "o2,2026-08-03,contract_opened,k2,,,"]
    events += [f"o-{name},2026-08-03,sleeve_opened,,{name},," for name in names]
    events += [f"close,{ENDED},sleeve_closed,,s{ENDING},,s{ENDING + 1}"]
    prices = {"eq": 10_000, "bond": 10_000}
    navs = ["date,fund_code,nav_yen"]
    for place, day in enumerate(business_days(FIRST, LAST)):
        navs += [f"{day},{fund},{price}" for fund, price in prices.items()]
        prices["eq"] = prices["eq"] * (10_004 + (-90, 70, 20, -30, 45)[place % 5]) // 10_000
        prices["bond"] = prices["bond"] * (10_001 if place % 3 else 9_999) // 10_000
    goals = range(1, GOALS + 1)
    kept = ("companies", "programs", "fee_terms", "program_shares", "program_models", "model_versions", "model_weights", "models")
    return {name: FILES[name] for name in (*kept, "customers", "accounts", "contracts")} | {
        "program_rules": FILES["program_rules"].replace("minimum_trade_yen", "retry_days,retry_count,minimum_trade_yen")
                                               .replace("2020-01-01,1000", "2020-01-01,3,2,1000"),
        "instruments": "instrument_id,name,price_scale,price_base_units\neq,株式,0,10000\nbond,債券,0,10000\n",
        "sleeves": "sleeve_id,contract_id,name,model_id\n"
                   + "".join(f"{name},{'k1' if name != names[-1] else 'k2'},,growth\n" for name in names),
        "goals": "goal_id,sleeve_id,name\n" + "".join(f"g{number},s{number},目標 {number}\n" for number in goals),
        "goal_targets": "goal_id,valid_from_date,target_yen,target_date\n"
                        + "".join(f"g{n},2026-08-03,{target_yen(n)},{dates.get(n, Date(2040, 4, 1))}\n" for n in goals),
        "plans": PLANS, "surplus_rules": RULES, "nav": "\n".join(navs) + "\n",
        "events": "event_id,date,kind,contract_id,sleeve_id,amount_yen,target_sleeve_id\n" + "\n".join(events) + "\n",
    }


class RememberingBank(PaperBank):
    """A bank at which every eighth debit fails; remembers what it collected by day."""

    def __init__(self) -> None:
        super().__init__(failure_ppm=125_000)
        self.collected: dict[int, list[tuple[int, int]]] = {}

    def collect(self, day: int, due: Frame) -> Frame:
        """Answer, and remember."""
        answer = super().collect(day, due)
        rows = zip(*(answer[name].tolist() for name in ("sleeve_no", "amount_yen", "ok")), strict=True)
        self.collected.setdefault(day, []).extend((sleeve, yen) for sleeve, yen, ok in rows if ok)
        return answer


def rule_of(number: int, day: Date) -> tuple[int, str]:
    """The rule of a sleeve in force: to which, and what; 0 for none."""
    if day < Date(2026, 9, 1) or number >= GOALS or (number == 9 and day >= Date(2029, 6, 1)):
        return 0, ALL
    to = 9 if number == 7 and day >= Date(2028, 7, 3) else number + 1
    return to, {3: "instalments", 4: "excess"}.get(number, ALL)


def pots_of(books, day: Date) -> dict[int, oracle.Pot]:
    """The slow twin's picture of the evening before a day."""
    pots = {}
    names = ("sleeve_no", "account_no", "value_yen", "status_code")
    for number, account, value, status in zip(*(books.sleeves[name].tolist() for name in names), strict=True):
        pot = pots[number] = oracle.Pot(number, account, value, status == 0, LEAST_YEN, LIMIT_PPM)
        pot.to, pot.kind = rule_of(number, day)
        pot.level = 150_000 if number == 4 else target_yen(number)
        pot.goal_date = None if number == 4 else epoch_day(PAST if number == 3 else Date(2040, 4, 1))
        pot.minimum = 5_000 if number == 4 else 20_000
    plain = books.payouts["kind_code"] < P_SLEEVE_CLOSE
    for frame, rows in ((books.payouts, plain), (books.dues, np.ones(books.dues["sleeve_no"].size, bool))):
        for number, yen in zip(frame["sleeve_no"][rows].tolist(), frame["amount_yen"][rows].tolist(), strict=True):
            pots[number].owed.append(yen)
    return pots


def closed(folder, partitions: int, through: Date = LAST):
    """Return the house closed through a day, its bank, and (books before, result) of every close."""
    house = create_house(folder / "house", None, partitions)
    report = load_files(house, write(folder, **files()), MOMENT)
    assert report.refused == 0, [str(refusal) for file in report.files for refusal in file.refused]
    bank, results = RememberingBank(), []
    with closing(house, through) as closer:
        closer.bank = bank
        while int(closer.reference.timeline.days[closer.next_index]) <= epoch_day(through):
            before = closer.books
            results.append((before, closer.close_next()))
    return house, bank, results


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The three years in one partition."""
    house, bank, results = closed(tmp_path_factory.mktemp("surplus"), 1)
    yield house, bank, results
    house.engine.dispose()


def instalments(result) -> list[tuple[int, int, int]]:
    """Sleeve, yen and number of the day's instalments."""
    of = result.flows["kind_code"] == INSTALMENT
    return sorted(zip(*(result.flows[name][of].tolist() for name in ("sleeve_no", "amount_yen", "event_no")), strict=True))


def test_every_instalment_comes_in_where_the_slow_twin_says(run):
    passed = Counter()
    for before, result in run[2]:
        day, wanted = from_epoch_day(result.books.day), []
        pots = pots_of(before, day)
        for number, yen in run[1].collected.get(result.books.day, ()):
            to, _ = oracle.instalment(pots, number, yen, result.books.day)
            wanted.append((to, yen, int(surplus_no(number, day.month)) if to != number else 0))
            passed[to] += to != number
        assert instalments(result) == sorted(wanted), day
    assert all(passed[number] for number in (2, 3, 4, 6, 7, 9, 10)) and sum(passed.values()) > 60


def test_every_yen_that_the_bank_collected_is_in_exactly_one_sleeve(run):
    for _, result in run[2]:
        collected = run[1].collected.get(result.books.day, [])
        assert sum(yen for _, yen, _ in instalments(result)) == sum(yen for _, yen in collected)
        of = result.flows["kind_code"] == TRANSFER
        assert int(result.flows["amount_yen"][of].sum()) == 0
    collected = sum(yen for of in run[1].collected.values() for _, yen in of)
    outside = sum(int(result.flows["amount_yen"][result.flows["kind_code"] <= TRANSFER].sum()) for _, result in run[2])
    assert outside == collected > 2_500_000


def test_the_transfers_of_a_month_are_those_of_the_slow_twin_on_its_first_business_day(run):
    count, month = 0, 0
    for before, result in run[2]:
        day = from_epoch_day(result.books.day)
        events = result.tables.get("inputs.events", {"kind_code": np.zeros(0), "event_no": np.zeros(0)})
        mine = (events["kind_code"] == EVENT_KINDS.index("transfer")) & (events["event_no"] < 0)
        names = ("sleeve_no", "target_sleeve_no", "amount_yen")
        made = list(zip(*(events[name][mine].tolist() for name in names), strict=True)) if mine.any() else []
        pots = pots_of(before, day) if day.month != month else {}
        wanted = [(number, *oracle.excess(pots, number, result.books.day)[:2]) for number in sorted(pots)]
        assert made == [row for row in wanted if row[2]], day
        count, month = count + len(made), day.month
    assert count > 20


def test_each_reason_is_told_once_and_none_of_the_events_is_refused(run):
    told = [(from_epoch_day(result.books.day), alert) for _, result in run[2] for alert in result.alerts]
    assert [alert for _, alert in told if alert.kind == "event_refused"] == []
    stays = [(day, alert.subject_no, alert.cause.partition(": ")[2]) for day, alert in told if alert.kind == "surplus_stays"]
    assert [(number, why) for _, number, why in stays if number == 3] in ([], [(3, "the date of its goal has come")])
    per_reason = Counter((number, why) for _, number, why in stays)
    assert per_reason and max(per_reason.values()) == 1, stays
    closed_on = [day for day, _, why in stays if why.endswith("is not open")]
    assert closed_on and all(ENDED < day < Date(2028, 7, 31) for day in closed_on)


def test_what_is_passed_on_is_ordered_on_the_same_evening(run):
    idle, booked = [], 0
    for _, result in run[2]:
        of = result.flows["event_no"] < 0
        came = set(result.flows["sleeve_no"][of & (result.flows["kind_code"] == INSTALMENT)].tolist())
        bought = (result.orders["decided_date"] == result.books.day) & (result.orders["asked_yen"] > 0)
        booked += len(came)
        for number in came - set(result.orders["sleeve_no"][bought].tolist()):
            row, of = result.books.row_of_sleeve[number], result.books.sleeves
            if of["cash_yen"][row] * 20 > of["value_yen"][row]:  # the model keeps 5 % in cash
                idle.append((result.books.day, number))
    assert idle == [] and booked > 60


@pytest.mark.fuzz
def test_partitions_and_replays_give_the_same_days(run, tmp_path):
    through = Date(2027, 12, 30)
    other, _, _ = closed(tmp_path, 3, through)
    mine = [row[:3] for row in chain(run[0]) if row[0] <= through]
    assert [row[:3] for row in chain(other)] == mine
    other.engine.dispose()
    days = [day for day in business_days(Date(2027, 8, 27), Date(2027, 9, 8))]
    assert replay(run[0], days, partitions=(1, 3)).differences == []


@pytest.mark.fuzz
def test_the_house_keeps_every_promise_when_it_is_verified(run):
    passes(run[0])


def test_flows_payouts_the_journal_and_explanations_say_where_the_money_came_from(run):
    tables = gather_house(run[0], LAST)
    flows = tables["flows"].filter(pl.col("event_id").str.starts_with("surplus_"))
    passed = flows.filter(pl.col("kind") == "instalment").row(0, named=True)
    assert passed["event_id"] == f"surplus_s1_{passed['date']:%Y-%m}" and passed["sleeve_id"] == "s2"
    lines = [line for line in explain(run[0], "s2", passed["date"]).lines if "the instalment of s1" in line.how]
    assert [line.yen for line in lines] == [passed["amount_yen"]]
    notes = explain(run[0], "s1", passed["date"]).notes
    assert [note for note in notes if "surplus" in note and f"{passed['amount_yen']:,}円 は s2" in note]
    moved = flows.filter((pl.col("kind") == "transfer") & (pl.col("amount_yen") > 0)).row(-1, named=True)
    source = moved["event_id"].split("_")[1]
    told = explain(run[0], moved["sleeve_id"], moved["date"]).lines
    assert [line.yen for line in told if f"what {source} has above its level" in line.how] == [moved["amount_yen"]]
    payouts = tables["payouts"].filter(pl.col("event_id") == moved["event_id"])
    assert payouts.select("sleeve_id", "target_sleeve_id", "kind").rows() == [(source, moved["sleeve_id"], "transfer")]
    entries = tables["journal"].filter((pl.col("event_id") == moved["event_id"]) & (pl.col("ledger_account") == "cash"))
    assert entries["quantity"].sum() == 0 and set(entries["sleeve_id"]) == {source, moved["sleeve_id"]}
    names = tables["payouts"].filter(pl.col("event_id").str.starts_with("surplus_"))
    assert names["event_id"].is_unique().all(), "never twice in a month"
    rules = tables["surplus_rules"]
    assert rules.height == 11 and rules.filter(pl.col("to_sleeve_id").is_null())["sleeve_id"].to_list() == ["s9"]
    assert rules.filter(pl.col("level_kind") == "yen")["level_yen"].to_list() == [150_000]
