"""The precise figures: by hand, against a slow covariance matrix, and between none and perfect correlation."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_household import TABLES, households, preferences
from tsutsumi.core.household import Holding, HouseholdError, Tables, decimal_text, risk_aversion, rough_figures, weights
from tsutsumi.core.household_precise import best_share, determinant, exposures, precise_figures, square_root
from tsutsumi.core.household_tables import MARKETS, pair_key, statute_tables

AVERSION = Fraction(1, 80)
HALF = Fraction(1, 2)


def holding(class_name: str, value_yen: int = 1, cost: str = "0") -> Holding:
    """Return a holding without a story."""
    return Holding(class_name, class_name, value_yen, Fraction(cost))


def correlated(tables: Tables, number: Fraction) -> Tables:
    """Return the tables with one correlation between every two markets."""
    return replace(tables, correlations={key: replace(row, correlation=number) for key, row in tables.correlations.items()})


def test_the_article_is_half_as_much_worth_with_what_offsets_what():
    before = [("single-stock", 10, "0"), ("foreign-bond", 20, "1"), ("domestic-equity", 10, "1"), ("foreign-equity", 20, "0.2"),
              ("deposit", 40, "0")]
    after = [("domestic-equity", 20, "0.2"), ("foreign-equity", 20, "0.2"), ("deposit", 60, "0")]
    one, two = (precise_figures([holding(*row) for row in side], TABLES, AVERSION) for side in (before, after))
    assert (one.variance, two.variance) == (Fraction("75.866"), Fraction("52.576"))
    assert two.utility - one.utility == Fraction("0.551125")
    assert f"{decimal_text(one.risk_pct):.4} {decimal_text(two.risk_pct):.4}" == "8.71 7.25"


@pytest.mark.parametrize(("number", "gain"), [(Fraction(1), "0.813"), (Fraction(0), "0.413")])
def test_the_article_with_perfect_and_with_no_correlation(number, gain):
    tables = correlated(TABLES, number)
    before = [holding("single-stock", 10), holding("foreign-bond", 20, "1"), holding("domestic-equity", 10, "1"),
              holding("foreign-equity", 20, "0.2"), holding("deposit", 40)]
    after = [holding("domestic-equity", 20, "0.2"), holding("foreign-equity", 20, "0.2"), holding("deposit", 60)]
    found = precise_figures(after, tables, AVERSION).utility - precise_figures(before, tables, AVERSION).utility
    assert abs(found - Fraction(gain)) <= Fraction(1, 2000) + Fraction(1, 10**6)


def test_a_quarter_of_each_market_has_the_risk_that_gpif_published():
    figures = precise_figures([holding(market) for market in MARKETS], statute_tables("gpif"), AVERSION)
    assert decimal_text(figures.risk_pct).startswith("12.319") and figures.return_pct == Fraction("4.025")


def test_a_single_stock_is_its_market_and_a_risk_of_its_own():
    assert exposures(holding("single-stock"), TABLES) == ({"domestic-equity": Fraction(20)}, Fraction(35**2 - 20**2))
    assert decimal_text(square_root(Fraction(825)))[:4] == "28.7"
    calm = replace(TABLES.assumptions["single-stock"], risk_pct=Fraction(15))
    tables = replace(TABLES, assumptions={**TABLES.assumptions, "single-stock": calm})
    assert exposures(holding("single-stock"), tables) == ({"domestic-equity": Fraction(15)}, 0)


def test_a_fund_of_markets_has_no_risk_of_its_own():
    parts, own = exposures(holding("balanced"), TABLES)
    assert own == 0 and sum(parts.values()) == 15 and parts["domestic-equity"] == 2 * parts["foreign-bond"] == 5


def test_a_risky_class_whose_markets_do_not_move_is_its_own_risk():
    still = {name: replace(row, risk_pct=Fraction(0)) for name, row in TABLES.assumptions.items() if name in MARKETS}
    tables = replace(TABLES, assumptions={**TABLES.assumptions, **still})
    assert exposures(holding("balanced"), tables) == ({}, 225)
    assert exposures(holding("single-stock"), tables) == ({}, 1225)
    assert exposures(holding("deposit"), tables) == ({}, 0)


@given(households, preferences)
def test_the_precise_risk_is_between_zero_and_the_rough_one(held, said):
    aversion = risk_aversion(said)
    rough, precise = rough_figures(held, TABLES, aversion), precise_figures(held, TABLES, aversion)
    assert 0 <= precise.variance <= rough.risk_pct**2
    assert precise.return_pct == rough.return_pct and precise.utility >= rough.utility
    assert precise.utility == precise.return_pct - aversion * precise.variance


@given(households)
def test_with_perfect_correlation_and_no_single_stock_the_two_methods_agree(held):
    funds = tuple(row for row in held if row.class_name != "single-stock") or (holding("deposit"),)
    funds = funds if sum(row.value_yen for row in funds) else (holding("deposit"),)
    tables = correlated(TABLES, Fraction(1))
    assert precise_figures(funds, tables, AVERSION).variance == rough_figures(funds, tables, AVERSION).risk_pct ** 2


@given(households)
def test_the_variance_is_that_of_a_covariance_matrix_of_the_holdings(held):
    """The same by pairs of holdings: Σ w·w·(Σ a·b·ρ), and the own risk of each with itself."""
    shares = [(exposures(row, TABLES), weight) for row, weight in zip(held, weights(held), strict=True)]
    total = Fraction(0)
    for i, ((first, own), w) in enumerate(shares):
        for j, ((second, _), v) in enumerate(shares):
            for a in first:
                for b in second:
                    rho = 1 if a == b else TABLES.correlations[pair_key(a, b)].correlation
                    total += w * v * first[a] * second[b] * rho
            total += w * w * own if i == j else 0
    assert precise_figures(held, TABLES, AVERSION).variance == total


@given(st.fractions(min_value=0, max_value=10**6, max_denominator=10**9))
def test_the_root_is_the_nearest_twelfth_decimal(number):
    root, half = square_root(number), Fraction(1, 2 * 10**12)
    assert (root * 10**12).denominator == 1
    assert max(Fraction(0), root - half) ** 2 <= number <= (root + half) ** 2


@given(st.fractions(min_value=0, max_value=1000, max_denominator=1000))
def test_the_root_of_a_square_of_few_decimals_is_exact(number):
    short = Fraction(int(number * 1000), 1000)
    assert square_root(short**2) == short


def test_a_half_of_the_last_decimal_goes_to_the_even_one():
    for whole in (4, 5):
        middle = Fraction(2 * whole + 1, 2 * 10**12)
        assert square_root(middle**2) == Fraction(4 if whole == 4 else 6, 10**12)


@given(households, preferences, st.booleans(), st.fractions(min_value=0, max_value=1, max_denominator=97))
def test_no_other_share_is_better_than_the_best_one(held, said, precise, other):
    aversion = risk_aversion(said)
    best = best_share(held, TABLES, aversion, precise)
    risky = [row for row in held if TABLES.risk_pct(row.class_name) > 0 and row.value_yen]
    if best is None:
        assert not risky
        return
    safe = [row for row in held if TABLES.risk_pct(row.class_name) == 0 and row.value_yen]
    parts = list(zip(risky, weights(risky), strict=True))
    gained = sum(w * TABLES.net_pct(r.class_name, r.cost_pct) for r, w in parts)
    rest = sum(w * TABLES.net_pct(r.class_name, r.cost_pct) for r, w in zip(safe, weights(safe), strict=True)) if safe else 0
    rough = rough_figures(risky, TABLES, aversion)
    variance = precise_figures(risky, TABLES, aversion).variance if precise else rough.risk_pct**2
    utility = other * gained + (1 - other) * rest - aversion * other**2 * variance
    assert 0 <= best.share_pct <= 100 and utility <= best.utility


def test_the_best_share_after_the_article_is_48():
    best = best_share([holding("domestic-equity", 2, "0.2"), holding("deposit", 3)], TABLES, AVERSION)
    assert (best.share_pct, best.utility) == (48, Fraction("1.152"))
    assert best_share([holding("deposit")], TABLES, AVERSION) is None


def test_without_variance_the_best_share_is_all_or_nothing():
    opposed = replace(TABLES, correlations={
        key: replace(row, correlation=Fraction(-1) if key == ("domestic-equity", "foreign-equity") else Fraction(0))
        for key, row in TABLES.correlations.items()
    })
    both = [holding("domestic-equity"), holding("foreign-equity"), holding("deposit")]
    assert best_share(both, opposed, AVERSION, precise=True).share_pct == 100
    costly = [holding("domestic-equity", 1, "6"), holding("foreign-equity", 1, "6"), holding("deposit")]
    assert best_share(costly, opposed, AVERSION, precise=True).share_pct == 0


def test_correlations_that_contradict_each_other_are_refused():
    rows = {key: replace(row, correlation=Fraction(0)) for key, row in TABLES.correlations.items()}
    for pair, number in ((MARKETS[:2], "0.9"), (MARKETS[1:3], "0.9"), ((MARKETS[0], MARKETS[2]), "-0.9")):
        rows[pair_key(*pair)] = replace(rows[pair_key(*pair)], correlation=Fraction(number))
    with pytest.raises(HouseholdError, match="contradict each other"):
        precise_figures([holding("deposit")], replace(TABLES, correlations=rows), AVERSION)


@given(st.lists(st.lists(st.integers(-9, 9).map(Fraction), min_size=3, max_size=3), min_size=3, max_size=3))
def test_the_determinant_is_that_of_sarrus(m):
    forward = sum(m[0][n] * m[1][(n + 1) % 3] * m[2][(n + 2) % 3] for n in range(3))
    backward = sum(m[0][n] * m[1][(n - 1) % 3] * m[2][(n - 2) % 3] for n in range(3))
    assert determinant(m) == forward - backward
