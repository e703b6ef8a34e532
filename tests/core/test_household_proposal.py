"""A proposal: every step helps, the parts add up, money is moved and never made, and the preferred share is an upper bound."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_household import TABLES, households, preferences
from tsutsumi.core.household import Holding, Preference, Product, risk_aversion, rough_figures, total_yen
from tsutsumi.core.household_advice import advise, used_products
from tsutsumi.core.household_file import Household
from tsutsumi.core.household_proposal import propose
from tsutsumi.core.household_tables import SAFE_CLASS

SAID = Preference(Fraction(5), Fraction(20), Fraction(50))


def holding(class_name: str, value_yen: int, cost: str = "0", name: str = "x") -> Holding:
    """Return a holding."""
    return Holding(name, class_name, value_yen, Fraction(cost))


def kinds(*held: Holding, tables=TABLES, said=SAID, threshold: Fraction = Fraction(1, 2)) -> list[str]:
    """Return the kinds of the steps of a proposal."""
    return [step.kind for step in propose(held, said, tables, threshold).steps]


def risky_yen(held: tuple[Holding, ...]) -> int:
    """Return the yen in classes whose risk is above zero."""
    return sum(row.value_yen for row in held if TABLES.risk_pct(row.class_name) > 0)


@given(households, preferences, st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(3)]))
def test_every_step_helps_and_the_parts_add_up(held, said, threshold):
    proposal = propose(held, said, TABLES, threshold)
    aversion = risk_aversion(said)
    before, after = (rough_figures(side, TABLES, aversion).utility for side in (held, proposal.after))
    assert all(step.gain_pct > 0 for step in proposal.steps)
    assert sum((step.gain_pct for step in proposal.steps), Fraction(0)) == after - before >= 0
    assert total_yen(proposal.after) == total_yen(held)
    assert all(row.value_yen >= 0 for row in proposal.after)
    advice = advise(Household("", said, held, None), TABLES, cost_threshold_pct=threshold)
    assert sum(part.gain_yen for part in advice.parts) == advice.gain_yen >= 0
    assert all(part.gain_yen >= 0 for part in advice.parts)


@given(households, preferences)
def test_risk_is_never_added_and_the_share_is_kept_where_that_helps(held, said):
    proposal = propose(held, said, TABLES)
    most = said.share_pct * Fraction(1, 100) * total_yen(held)
    assert risky_yen(proposal.after) <= risky_yen(held)
    if any(step.kind == "risky-share" for step in proposal.steps):
        assert risky_yen(proposal.after) >= min(most // 1, risky_yen(held))
    if risky_yen(proposal.after) > most:
        excess = risky_yen(proposal.after) - most // 1
        aversion = risk_aversion(said)
        now = rough_figures(proposal.after, TABLES, aversion).utility
        for n, row in enumerate(proposal.after):
            if TABLES.risk_pct(row.class_name) > 0 and row.value_yen:
                part = min(excess, row.value_yen)
                rest = [*proposal.after[:n], replace(row, value_yen=row.value_yen - part), *proposal.after[n + 1 :]]
                moved = [*rest, holding(SAFE_CLASS, part)]
                assert rough_figures(moved, TABLES, aversion).utility <= now


@given(households, preferences)
def test_a_second_proposal_finds_nothing_more(held, said):
    first = propose(held, said, TABLES)
    again = propose(first.after, said, TABLES)
    assert [step.kind for step in again.steps] == [] and again.after == first.after


def test_deposits_are_never_moved_into_risk():
    assert kinds(holding("deposit", 100)) == []
    advice = advise(Household("", SAID, (holding("deposit", 100),), None), TABLES)
    assert (advice.gain_yen, advice.fee_yen, advice.parts, advice.after.rough_best) == (0, 0, (), None)


def test_a_fund_without_return_goes_to_bonds_at_once_not_to_a_cheaper_fund_first():
    cheap = Product("foreign-bond", "外債", "foreign bonds", Fraction("0.1"), None, "a test", True)
    tables = replace(TABLES, products={**TABLES.products, "foreign-bond": cheap})
    held = holding("foreign-bond", 20, "1"), holding("deposit", 80)
    assert kinds(*held, tables=tables) == ["no-return"]
    paying = replace(TABLES.assumptions["foreign-bond"], return_pct=Fraction("0.4"))
    tables = replace(tables, assumptions={**TABLES.assumptions, "foreign-bond": paying})
    assert kinds(*held, tables=tables) == ["cost"]


def test_a_cheaper_fund_is_taken_only_where_it_costs_less():
    assert kinds(holding("domestic-equity", 40, "0.2"), holding("deposit", 60), threshold=Fraction(0)) == []
    assert kinds(holding("domestic-equity", 40, "0.21"), holding("deposit", 60), threshold=Fraction(0)) == ["cost"]


def test_two_stocks_become_one_line_and_two_steps():
    held = holding("single-stock", 10, name="a"), holding("single-stock", 10, name="b"), holding("deposit", 80)
    proposal = propose(held, SAID, TABLES)
    assert [(step.kind, step.holding.name) for step in proposal.steps] == [("single-stock", "a"), ("single-stock", "b")]
    assert [(row.class_name, row.value_yen) for row in proposal.after] == [("domestic-equity", 20), ("deposit", 80)]


def test_what_is_held_already_is_added_to():
    product = TABLES.products["domestic-equity"]
    own = Holding(product.ja, "domestic-equity", 10, product.cost_pct)
    proposal = propose((own, holding("single-stock", 10), holding("deposit", 80)), SAID, TABLES)
    assert [(row.name, row.value_yen) for row in proposal.after] == [(product.ja, 20), ("x", 80)]


def test_the_least_return_for_its_risk_goes_first():
    held = holding("domestic-equity", 50, "0.2", "shares"), holding("foreign-bond", 50, "0", "bonds")
    proposal = propose(held, SAID, TABLES)
    assert [(step.holding.name, step.value_yen) for step in proposal.steps] == [("bonds", 50)]


def test_a_reduction_that_does_not_help_is_not_made():
    golden = replace(TABLES.assumptions["domestic-equity"], return_pct=Fraction(60))
    tables = replace(TABLES, assumptions={**TABLES.assumptions, "domestic-equity": golden})
    assert kinds(holding("domestic-equity", 30, "0.2"), holding("deposit", 70), tables=tables,
                 said=replace(SAID, share_pct=Fraction(10))) == []


@pytest.mark.parametrize("missing", ["domestic-equity", SAFE_CLASS])
def test_without_a_product_its_steps_are_left_out(missing):
    tables = replace(TABLES, products={name: row for name, row in TABLES.products.items() if name != missing})
    held = holding("single-stock", 50), holding("foreign-bond", 50, "1")
    found = kinds(*held, tables=tables)
    assert found == (["no-return"] if missing == "domestic-equity" else ["single-stock"])


def test_a_class_like_a_single_stock_is_treated_as_one():
    tables = replace(
        TABLES,
        assumptions={**TABLES.assumptions, "my-firm": replace(TABLES.assumptions["single-stock"], class_name="my-firm")},
        movements={**TABLES.movements, "my-firm": replace(TABLES.movements["single-stock"], class_name="my-firm")},
    )
    assert kinds(holding("my-firm", 10), holding("deposit", 90), tables=tables) == ["single-stock"]


def test_a_costly_product_of_the_house_is_not_bought_and_sold_in_circles():
    dear = {name: replace(row, cost_pct=Fraction(2)) for name, row in TABLES.products.items()}
    tables = replace(TABLES, products=dear)
    safe = TABLES.products[SAFE_CLASS]
    held = (Holding(safe.ja, SAFE_CLASS, 50, Fraction(2)), holding("deposit", 30, "3"), holding("domestic-equity", 20, "4"))
    proposal = propose(held, SAID, tables)
    assert [(step.kind, step.product.class_name) for step in proposal.steps] == [
        ("cost", "domestic-equity"), ("no-return", SAFE_CLASS)]
    assert total_yen(proposal.after) == 100


def test_each_reason_names_the_holding_and_the_product_in_both_languages():
    held = (holding("single-stock", 40, name="持株会"), holding("foreign-bond", 40, "1", "分配型"), holding("deposit", 20))
    advice = advise(Household("", replace(SAID, share_pct=Fraction(10)), held, None), TABLES)
    assert [part.kind for part in advice.parts] == ["single-stock", "no-return", "risky-share"]
    for part in advice.parts:
        assert part.step.holding.name in part.reason_ja and part.step.product.ja in part.reason_ja
        assert part.step.holding.name in part.reason_en and part.step.product.en in part.reason_en
    assert [product.class_name for product in used_products(advice)] == ["domestic-equity", SAFE_CLASS]
