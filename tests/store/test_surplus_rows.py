"""Files of surplus rules: what goes in, what is in force, and what is refused at the door."""

from datetime import date

import pytest

from tests.store.files import FILES, load, refusals
from tsutsumi.core.calendar import epoch_day
from tsutsumi.run.goal_book import GOAL_TABLES, GoalBook
from tsutsumi.run.history import rows_of
from tsutsumi.run.surplus_book import SurplusBook

HEAD = "sleeve_id,valid_from_date,level_kind,level_yen,to_sleeve_id,surplus_kind,minimum_yen,source\n"
GOAL = {
    "goals": "goal_id,sleeve_id\ng1,s1\n",
    "goal_targets": "goal_id,valid_from_date,target_yen,target_kind,target_date,inflation_ppm\n"
                    "g1,2026-09-01,1000000,real,2036-09-01,10000\ng1,2030-01-01,0,nominal,2036-09-01,0\n",
}
MORE = FILES["sleeves"] + "s4,k1,,growth\ns5,k1,,growth\n"


@pytest.fixture
def filled(house):
    """A house with the reference data of the tests, sleeves s1, s2, s4, s5 of one account, and a goal of s1."""
    assert refusals(load(house, **(FILES | {"sleeves": MORE} | GOAL))) == []
    return house


def test_rules_go_in_once_and_are_in_force_until_the_next_row(filled):
    text = HEAD + "s1,2026-09-01,target,,s2,instalments,,a\ns2,2026-09-01,yen,500000,s4,excess,30000,b\n"
    text += "s1,2027-09-01,yen,200000,s4,both,,c\ns2,2028-09-01,yen,500000,,both,,d\n"
    report = load(filled, surplus_rules=text)
    assert refusals(report) == [] and report.accepted == 4 and load(filled, surplus_rules=text).known == 4
    told = rows_of(filled, *GOAL_TABLES, "surplus_rules", "plans", "sleeves", "programs", "models", "contracts")
    goals, book = GoalBook(told), SurplusBook(told["surplus_rules"])

    def on(day: date) -> list[tuple]:
        number = epoch_day(day)
        of = book.on(number, goals.on(number, number - 1))
        return list(zip(*(of[name].tolist() for name in of), strict=True))

    assert on(date(2026, 8, 31)) == []
    ten_years = int(1_000_000 * 1.01 ** ((date(2036, 9, 1) - date(2026, 9, 1)).days / 365.25) + 0.5)
    first, end = epoch_day(date(2026, 9, 1)), epoch_day(date(2036, 9, 1))
    assert on(date(2026, 9, 1)) == [(1, 2, ten_years, end, 1, 0, 10_000, first), (2, 4, 500_000, 10**9, 0, 1, 30_000, first)]
    assert [row[:3] for row in on(date(2027, 9, 1))] == [(1, 4, 200_000), (2, 4, 500_000)]
    assert [row[:2] for row in on(date(2028, 9, 1))] == [(1, 4)]


def test_a_target_that_loses_its_amount_is_no_level(filled):
    assert refusals(load(filled, surplus_rules=HEAD + "s1,2026-09-01,target,,s2,both,,\n")) == []
    told = rows_of(filled, *GOAL_TABLES, "surplus_rules", "plans", "sleeves", "programs", "models", "contracts")
    day = epoch_day(date(2030, 1, 1))
    assert SurplusBook(told["surplus_rules"]).on(day, GoalBook(told).on(day, day - 1))["level_yen"].tolist() == [-1]
    assert SurplusBook(()).on(day, None) is None


@pytest.mark.parametrize(("line", "says"), [
    ("s1,2026-09-01,target,,s9,both,,", "'s9' is unknown in sleeves"),
    ("s9,2026-09-01,target,,s1,both,,", "'s9' is unknown in sleeves"),
    ("s1,2026-09-01,target,,s1,both,,", "s1 would pass on to itself"),
    ("s1,2026-09-01,target,,s3,both,,", "s3 is of another account than s1"),
    ("s1,2026-09-01,yen,,s2,both,,", "a level in yen needs an amount, and it is missing"),
    ("s1,2026-09-01,yen,0,s2,both,,", "a level in yen needs an amount, and it is missing"),
    ("s1,2026-09-01,target,5000,s2,both,,", "'5000' has no meaning for the level target"),
    ("s2,2026-09-01,target,,s1,both,,", "s2 has no goal, and so no level"),
    ("s1,2026-08-31,target,,s2,both,,", "the goal of s1 has no amount in force on 2026-08-31"),
    ("s1,2030-01-01,target,,s2,both,,", "the goal of s1 has no amount in force on 2030-01-01"),
    ("s1,2026-09-01,goal,,s2,both,,", "'goal' is unknown"),
    ("s1,2026-09-01,target,,s2,all,,", "'all' is unknown"),
    ("s1,2026-09-01,target,,s2,both,0,", "0 is out of range"),
    ("s1,2026-13-01,target,,s2,both,,", "'2026-13-01' is no date"),
])
def test_what_cannot_be_is_refused_with_its_reason(filled, line, says):
    found = refusals(load(filled, surplus_rules=HEAD + line + "\n"))
    assert len(found) == 1 and says in found[0], found


def rule(sleeve: str, day: str, to: str) -> str:
    return f"{sleeve},{day},yen,1000,{to},both,,\n"


def test_a_circle_is_refused_whoever_closes_it_and_on_whatever_day(filled):
    chain = rule("s1", "2026-09-01", "s2") + rule("s2", "2026-09-01", "s4") + rule("s4", "2026-09-01", "s5")
    assert refusals(load(filled, surplus_rules=HEAD + chain)) == []
    found = refusals(load(filled, surplus_rules=HEAD + rule("s5", "2026-10-01", "s1")))
    assert len(found) == 1 and "on 2026-10-01 it would lead back to s5 by way of s1" in found[0]
    assert refusals(load(filled, surplus_rules=HEAD + rule("s2", "2027-01-01", "") + rule("s5", "2027-01-01", "s1"))) == []
    found = refusals(load(filled, surplus_rules=HEAD + rule("s2", "2028-01-01", "s5")))
    assert len(found) == 1 and "on 2028-01-01 it would lead back to s2" in found[0]


def test_a_later_row_of_another_sleeve_can_close_the_circle(filled):
    later = rule("s2", "2027-09-01", "s1")
    assert refusals(load(filled, surplus_rules=HEAD + later)) == []
    found = refusals(load(filled, surplus_rules=HEAD + rule("s1", "2026-09-01", "s2")))
    assert len(found) == 1 and "on 2027-09-01 it would lead back to s1 by way of s2" in found[0]
    both = rule("s1", "2026-09-01", "s2") + rule("s1", "2027-09-01", "")
    assert refusals(load(filled, surplus_rules=HEAD + both)) == []


def test_of_a_file_only_what_lies_on_the_circle_is_refused(filled):
    lines = rule("s4", "2026-09-01", "s1") + rule("s1", "2026-09-01", "s2") + rule("s2", "2026-09-01", "s1")
    found = refusals(load(filled, surplus_rules=HEAD + lines))
    assert len(found) == 2 and rows_of(filled, "surplus_rules")["surplus_rules"][0]["to_sleeve_no"] == 1


def test_a_sleeve_of_another_contract_of_the_same_account_will_do(house):
    more = {"contracts": FILES["contracts"] + "k3,a1,c1,wrap\n", "sleeves": FILES["sleeves"] + "s4,k3,,growth\n"}
    assert refusals(load(house, **(FILES | more))) == []
    assert refusals(load(house, surplus_rules=HEAD + rule("s1", "2026-09-01", "s4"))) == []
