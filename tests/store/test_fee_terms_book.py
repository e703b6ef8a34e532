"""Which terms charge whom on which day: the program's, a contract's own from an anniversary on, and the adjustments in force."""

from datetime import date

import pytest

from tests.store.files import TERMS
from tsutsumi.core.calendar import epoch_day
from tsutsumi.run.fee_terms_book import FeeTermsBook, UnsupportedTerms, anniversary


def on(text):
    return epoch_day(date.fromisoformat(text))


TABLES = {
    "programs": [{"program_no": 1, "program_id": "wrap"}],
    "program_rules": [
        {"program_no": 1, "valid_from_date": date(2025, 1, 1), "fee_terms_id": "old"},
        {"program_no": 1, "valid_from_date": date(2026, 1, 1), "fee_terms_id": "new"},
    ],
    "fee_terms": [
        {"fee_terms_id": name, "valid_from_date": date.fromisoformat(since),
         "terms_toml": TERMS.replace("name =", f"name = '{name} {since}' #", 1)}
        for name, since in (("old", "2025-01-01"), ("new", "2025-06-01"), ("new", "2026-07-01"), ("own", "2026-03-01"))
    ],
    "contract_fee_terms": [{"contract_no": 7, "valid_from_date": date(2026, 2, 1), "fee_terms_id": "own"}],
    "fee_adjustments": [
        {"program_no": 1, "valid_from_date": date.fromisoformat(since), "step_no": step, "row_no": 1, "kind": "long_holding",
         "component": "", "threshold": 2, "factor_ppm": ppm, "amount_yen": 0,
         "from_date": None, "to_date": None, "until_date": None}
        for since, step, ppm in (("2025-01-01", 1, 800_000), ("2025-01-01", 2, 700_000), ("2026-01-01", 1, 900_000))
    ],
}


@pytest.mark.parametrize(("day", "name"), [
    ("2025-12-31", "old 2025-01-01"), ("2026-01-01", "new 2025-06-01"), ("2026-07-01", "new 2026-07-01"),
])
def test_a_program_is_charged_by_the_version_in_force_of_the_terms_that_its_rule_names(day, name):
    found, terms = FeeTermsBook(TABLES).program_terms(1, on(day))
    assert (found, terms.name) == (name.split()[0], name)


@pytest.mark.parametrize(("opened", "day", "name"), [
    ("2025-03-10", "2026-03-09", "new"), ("2025-03-10", "2026-03-10", "own"),  # the first anniversary after 1 February 2026
    ("2025-02-01", "2026-03-01", "own"), ("2026-02-01", "2026-03-01", "own"), ("2026-04-01", "2026-04-01", "own"),
    ("2025-01-31", "2027-01-30", "new"), ("2025-01-31", "2027-01-31", "own"),
])
def test_a_contract_s_own_terms_begin_at_an_anniversary(opened, day, name):
    assert FeeTermsBook(TABLES).contract_terms(7, 1, on(opened), on(day))[0] == name
    assert FeeTermsBook(TABLES).contract_terms(8, 1, on(opened), on(day))[0] != "own"


def test_terms_that_are_not_in_force_are_named():
    with pytest.raises(UnsupportedTerms, match="program wrap has no fee terms in force on 2024-12-31: load fee_terms"):
        FeeTermsBook(TABLES).program_terms(1, on("2024-12-31"))
    with pytest.raises(UnsupportedTerms, match="fee terms own are not in force on 2026-02-10"):
        FeeTermsBook(TABLES).contract_terms(7, 1, on("2026-02-10"), on("2026-02-10"))


def test_of_the_adjustments_all_rows_of_the_latest_date_are_in_force():
    book = FeeTermsBook(TABLES)
    assert [step.factor_ppm for step in book.steps(1, on("2025-05-01"))] == [800_000, 700_000]
    assert [step.factor_ppm for step in book.steps(1, on("2026-01-01"))] == [900_000]
    assert book.steps(1, on("2024-01-01")) == () and book.steps(2, on("2026-01-01")) == ()


def test_the_anniversary_of_a_leap_day_is_the_28th_of_other_years():
    days = [anniversary(on("2024-02-29"), on(day)) for day in ("2024-02-29", "2024-03-01", "2027-03-01")]
    assert days == [on("2024-02-29"), on("2025-02-28"), on("2028-02-29")]
