"""Files of the orders of paying, and withdrawals that name no sleeve: what goes in, what is in force, what is refused."""

from datetime import date

import pytest

from tests.store.files import FILES, load, refusals
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.rules import DrawingOrder
from tsutsumi.run.drawing_order_book import ORDER_TABLES, DrawingOrderBook
from tsutsumi.run.history import rows_of

HEAD = "contract_id,valid_from_date,order_kind,sleeve_ids,drawings_kind,source\n"
MORE = FILES["sleeves"] + "s4,k1,,growth\ns5,k1,,growth\n"
EVENT = "event_id,date,kind,sleeve_id,contract_id,account_id,customer_id,amount_yen\n"


@pytest.fixture
def filled(house):
    """A house with the reference data of the tests, and more sleeves of its first contract."""
    assert refusals(load(house, **(FILES | {"sleeves": MORE}))) == []
    return house


def test_orders_go_in_once_and_are_in_force_until_the_next_row(filled):
    text = HEAD + "k1,2026-09-01,listed,s4;s1,order,a\nk1,2027-09-01,above_target,,,b\nk2,2026-09-01,least_tax,,own,c\n"
    classes = "customer_id,valid_from_date,tax_classes\nc1,2026-09-01,nisa;specific\nc1,2027-09-01,\n"
    report = load(filled, drawing_orders=text, account_orders=classes)
    assert refusals(report) == [] and report.accepted == 5
    assert load(filled, drawing_orders=text, account_orders=classes).known == 5
    book = DrawingOrderBook(rows_of(filled, *ORDER_TABLES, "accounts", "contracts", "sleeves"))
    assert book.on(epoch_day(date(2026, 8, 31))) == {}
    assert book.on(epoch_day(date(2026, 9, 1))) == {1: DrawingOrder("listed", (4, 1), True), 2: DrawingOrder("least_tax")}
    assert book.on(epoch_day(date(2027, 9, 1)))[1] == DrawingOrder("above_target")
    assert book.on(epoch_day(date(2026, 9, 1)))[1].by_contract, "and again an earlier day"


@pytest.mark.parametrize(("line", "says"), [
    ("k9,2026-09-01,listed,s1,own,", "'k9' is unknown in contracts"),
    ("k1,2026-09-01,biggest,,own,", "'biggest' is unknown: use one of listed, proportional, above_target, least_tax"),
    ("k1,2026-09-01,listed,,own,", "names sleeves, and none is named"),
    ("k1,2026-09-01,proportional,s1,own,", "'s1' has no meaning for proportional"),
    ("k1,2026-09-01,least_tax,s1,own,", "'s1' has no meaning for least_tax"),
    ("k1,2026-09-01,listed,s1;s4;s1,own,", "s1;s4;s1 names one of them twice"),
    ("k1,2026-09-01,listed,s1;s9,own,", "'s9' is unknown in sleeves"),
    ("k2,2026-09-01,listed,s1,own,", "s1 is no sleeve of k2"),
    ("k1,2026-09-01,listed,s1,all,", "'all' is unknown: use one of own, order"),
])
def test_an_order_that_cannot_be_followed_is_refused(filled, line, says):
    found = refusals(load(filled, drawing_orders=HEAD + line + "\n"))
    assert len(found) == 1 and says in found[0]


@pytest.mark.parametrize(("classes", "says"), [
    ("nisa;nisa", "names one of them twice"), ("nisa;taxfree", "'nisa;taxfree' cannot be read"),
])
def test_tax_classes_are_known_and_named_once(filled, classes, says):
    found = refusals(load(filled, account_orders=f"customer_id,valid_from_date,tax_classes\nc1,2026-09-01,{classes}\n"))
    assert len(found) == 1 and says in found[0]


def test_a_withdrawal_names_one_who_pays(filled):
    good = ("w1,2026-08-03,withdrawal,s1,,,,5", "w2,2026-08-03,withdrawal,s1,k1,,,5", "w3,2026-08-03,withdrawal,,k1,,,5",
            "w4,2026-08-03,withdrawal,,,a1,,5", "w5,2026-08-03,withdrawal,,,,c1,5")
    assert refusals(load(filled, events=EVENT + "\n".join(good) + "\n")) == []
    for line, says in (
        ("n,2026-08-03,withdrawal,,,,,5", "it names nobody who pays"),
        ("n,2026-08-03,withdrawal,,k1,,c1,5", "it names several who pay"),
        ("n,2026-08-03,withdrawal,s1,,a1,,5", "it names several who pay"),
        ("n,2026-08-03,withdrawal,,k1,,,", "a withdrawal needs it"),
        ("n,2026-08-03,deposit,s1,,a1,,5", "'a1' has no meaning for a deposit"),
        ("n,2026-08-03,withdrawal,,,a9,,5", "'a9' is unknown in accounts"),
    ):
        found = refusals(load(filled, events=EVENT + line + "\n"))
        assert len(found) == 1 and says in found[0], line
