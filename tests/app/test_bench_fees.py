"""`tsutsumi bench fees`: the whole house equals one contract at a time, and the figures are all there. Nothing here is timed."""

import json

import numpy as np
import pytest

from tsutsumi.app.bench.fee_house import THROUGH, build_house, house_terms
from tsutsumi.app.bench.fees import House, charge_book, compare, sample
from tsutsumi.app.cli import run
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.fee_histories import NEVER

CONTRACTS = 500
FIGURES = {
    "contracts", "terms", "rounds", "seconds", "fees_charged", "kinds", "fee_yen", "value_rows", "flows", "sample_contracts",
    "differences", "baseline", "baseline_seconds", "ratio",
}  # fmt: skip


@pytest.fixture(scope="module")
def house():
    """Return a small synthetic house."""
    terms = house_terms()
    return House(terms, *build_house(CONTRACTS, terms))


@pytest.fixture(scope="module")
def charged(house):
    """Return its fees."""
    return charge_book(house)


def test_the_terms_files_hold_every_choice(house):
    terms = house.terms
    assert len(terms) >= 60 and len({repr(file) for file in terms}) == len(terms)
    balance = [file for file in terms if file.balance]
    choices = {
        "rates_of": {"day", "period-start", "period-end"}, "length": {"month", "quarter", "year"},
        "align": {"calendar", "contract"}, "timing": {"arrears", "advance"}, "days": {"calendar", "business"},
        "measure": {"average", "daily", "closing", "opening"},
        "cash": {"included", "excluded"}, "year_days": {365, 366, "actual"}, "rounding": {"down", "up", "half-up", "half-even"},
        "average": {"none", "down"}, "tax": {"included", "added"},
    }  # fmt: skip
    for name, every in choices.items():
        assert {getattr(file, name) for file in balance} == every, name
    paid = [file for file in balance if file.timing == "advance"]
    assert {(file.addition, file.refund) for file in paid} >= {("own", "prorated"), ("stacked", "none"), ("none", "prorated")}
    assert {len(file.balance) for file in terms} == {0, 1, 2, 3}
    assert {one.mark for file in terms for one in file.performance} == {"scaled", "subtracted"}
    assert {one.tiering for file in balance for one in file.balance} == {"marginal", "whole"}


def test_the_house_has_contracts_of_every_kind(house):
    known = house.histories
    assert np.unique(house.number).size == len(house.terms)
    assert (known.start < epoch_day(THROUGH)).all() and np.unique(known.start).size > 20
    assert 0 < (known.ended < NEVER).sum() < CONTRACTS // 10
    flows = np.diff(known.flow_offsets)
    assert flows.max() == 3 and (known.flow_yen > 0).any() and (known.flow_yen < 0).any()
    daily = np.array([file.measure == "daily" for file in house.terms])[house.number]
    rows = np.diff(known.offsets)
    assert rows[daily].mean() > 30 > 12 > rows[~daily].mean()


def test_the_house_owes_what_its_contracts_owe_one_at_a_time_and_a_changed_fee_is_found(house, charged):
    kinds = {int(kind) for lines in charged for part in lines for kind in np.unique(part.kind)}
    assert kinds == {0, 1, 2, 3}
    figures = compare(house, charged)
    assert figures["differences"] == 0 and figures["sample_contracts"] == sum(chosen.size for _, chosen, _ in sample(house))
    assert sum(members for _, _, members in sample(house)) == CONTRACTS
    assert {number for number, _, _ in sample(house)} == set(range(len(house.terms)))
    part = charged[-1][-1]
    next(iter(part.yen.values()))[:] += 1
    assert compare(house, charged)["differences"] == part.contract.size
    del charged[0][-1]
    assert compare(house, charged)["differences"] > part.contract.size


def test_the_command(capsys):
    assert run(["bench", "fees", "--contracts", str(CONTRACTS), "--rounds", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert FIGURES <= set(figures) and figures["differences"] == 0 and figures["terms"] == 64
    assert sum(figures["kinds"].values()) == figures["fees_charged"] > CONTRACTS
    assert run(["bench", "fees", "--contracts", "200", "--rounds", "1"]) == 0
    assert "differences 0" in capsys.readouterr().out


def test_bad_use(capsys):
    assert run(["bench", "fees", "--contracts", "5"]) == 2
    assert run(["bench", "fees", "--rounds", "0"]) == 2
    assert "give at least 100 contracts" in capsys.readouterr().err
