"""A house that draws by terms for two years, through a fall of a third: every kind, loaded, closed, replayed, in partitions.

Each amount is worked out again here from the evening that made the payout, with fractions, by docs/close.md §5.
"""

import random
from datetime import date as Date
from fractions import Fraction

import pytest

from tests.days.small_house import chain
from tests.days.still_house import closed_with_pauses, passes
from tests.store.files import FILES
from tsutsumi.core.alerts import Alert
from tsutsumi.core.calendar import business_days, epoch_day
from tsutsumi.core.promises import P_DRAWING, PAID
from tsutsumi.core.schema import empty, take
from tsutsumi.run.replay import replay

FIRST, LAST = Date(2026, 8, 3), Date(2028, 9, 29)
FALL = Date(2027, 6, 21), Date(2027, 8, 13)
SLEEVES = ("fixed", "share", "term", "annuity", "rails", "merton")
COLUMNS = (
    "sleeve_id,valid_from_date,rule_kind,day_of_month,until_date,amount_yen,rate_ppm,band_ppm,drift_ppm,risk_ppm,safe_ppm,"
    "impatience_ppm,aversion_ppm\n"
)
TERMS = COLUMNS + """\
fixed,2027-01-01,fixed-amount,15,2027-06-30,50000,0,0,0,0,0,0,0
share,2026-09-01,fixed-percentage,31,,0,60000,0,0,0,0,0,0
share,2027-09-01,fixed-amount,31,,0,0,0,0,0,0,0,0
share,2027-12-01,fixed-percentage,1,,0,50000,0,0,0,0,0,0
term,2026-09-01,fixed-term,15,2028-08-31,0,0,0,0,0,0,0,0
annuity,2026-09-10,annuity,10,2029-09-09,0,36000,0,0,0,0,0,0
rails,2026-09-01,guardrails,15,,0,40000,150000,0,0,0,0,0
merton,2026-09-01,merton,20,,0,0,0,50000,150000,10000,20000,3000000
"""


def navs() -> str:
    """Two funds: the shares fall by a hundredth a day for a month and a half of the first year."""
    chance, prices, lines = random.Random(11), {"eq": 10_000, "bond": 10_000}, ["date,fund_code,nav_yen"]
    for day in business_days(FIRST, LAST):
        lines += [f"{day},{fund},{price}" for fund, price in prices.items()]
        fall = -100 if FALL[0] <= day <= FALL[1] else 0
        prices["eq"] = prices["eq"] * (10_000 + (fall or chance.randint(-80, 88))) // 10_000
        prices["bond"] = prices["bond"] * (10_000 + chance.randint(-15, 17)) // 10_000
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """One contract, account and customer a sleeve; the first had a plan before its terms, and has it again after them."""
    def each(header, line):
        return header + "\n" + "".join(line.format(name) + "\n" for name in SLEEVES)

    openings = (("contract_opened", "{0},", 0), ("sleeve_opened", ",{0}", 0), ("deposit", ",{0}", 12_000_000))
    events = [f"{kind}-{name},{FIRST},{kind},{of.format(name)},{yen}" for name in SLEEVES for kind, of, yen in openings]
    return {name: FILES[name] for name in ("companies", "programs", "fee_terms", "program_rules", "program_shares")} | {
        "instruments": "instrument_id,name,price_scale,price_base_units\neq,株式,0,10000\nbond,債券,0,10000\n",
        "models": "model_id,name,manager_id\ngrowth,成長,manager\n",
        "model_versions": "model_id,version,effective_date,proposed_by,approved_by\ngrowth,1,2020-01-01,tanaka,suzuki\n",
        "model_weights": "model_id,version,instrument_id,child_model_id,weight_ppm\ngrowth,1,eq,,700000\ngrowth,1,bond,,250000\n"
                         "growth,1,JPY,,50000\n",
        "program_models": "program_id,model_id,valid_from_date,offered\nwrap,growth,2020-01-01,true\n",
        "customers": each("customer_id,name", "{0},見本"),
        "accounts": each("account_id,customer_id,custodian_id", "{0},{0},custodian"),
        "contracts": each("contract_id,account_id,customer_id,program_id", "{0},{0},{0},wrap"),
        "sleeves": each("sleeve_id,contract_id,name,model_id", "{0},{0},,growth"),
        "plans": "sleeve_id,kind,valid_from_date,amount_yen,day_of_month\nfixed,drawing,2026-08-03,20000,15\n",
        "drawing_terms": TERMS,
        "events": "event_id,date,kind,contract_id,sleeve_id,amount_yen\n" + "\n".join(events) + "\n",
        "nav": navs(),
    }


def closed(folder, partitions: int, *pauses: Date):
    """Return the house closed to its last day, with pauses after some days, and the result of every close."""
    return closed_with_pauses(folder, files(), LAST, partitions, pauses)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The house in one partition."""
    house, results = closed(tmp_path_factory.mktemp("terms"), 1)
    yield house, results
    house.engine.dispose()


def made(results) -> dict[str, list[tuple[Date, Date, int, int]]]:
    """sleeve → (evening, promised date, yen, what was there) of every drawing that an evening made."""
    found = {name: [] for name in SLEEVES}
    for result in results:
        books, day = result.books, result.books.day
        payouts = take(books.payouts, books.payouts["kind_code"] == P_DRAWING)
        for row in range(payouts["sleeve_no"].size):
            if payouts["requested_date"][row] != day:
                continue
            sleeve, yen = int(payouts["sleeve_no"][row]), int(payouts["amount_yen"][row])
            value = int(books.sleeves["value_yen"][books.row_of_sleeve[sleeve]])
            others = int(payouts["amount_yen"][payouts["sleeve_no"] == sleeve].sum()) - yen
            dues = int(books.dues["amount_yen"][books.dues["sleeve_no"] == sleeve].sum())
            dates = (Date.fromordinal(number + Date(1970, 1, 1).toordinal()) for number in (day, payouts["promised_date"][row]))
            found[SLEEVES[sleeve - 1]].append((*dates, yen, value - others - dues))
    return found


def alerts(results) -> list[tuple[int, Alert]]:
    """Every alert of a drawing or payout with its day."""
    kinds = ("drawing_refused", "drawing_cut", "payout_cut", "promise_reissued")
    return [(result.books.day, alert) for result in results for alert in result.alerts if alert.kind in kinds]


def test_the_money_is_there_on_every_promised_date(run):
    names, paid = ("status_code", "paid_date", "first_promised_date", "reissue_count"), []
    for result in run[1]:
        payouts = result.tables.get("payouts", empty("payouts"))
        paid += [row for row in zip(*(payouts[name].tolist() for name in names), strict=True) if row[0] == PAID]
    assert len(paid) > 120
    assert [row for row in paid if row[1] != row[2] or row[3]] == []
    assert [alert.kind for _, alert in alerts(run[1])] == ["drawing_cut"], "the last payment of the term"


def test_every_amount_follows_from_the_evening_that_made_it(run):
    found = made(run[1])
    assert all(yen == there * 60_000 // 12_000_000 for _, on, yen, there in found["share"] if on < Date(2027, 9, 1))
    assert all(yen == there * 50_000 // 12_000_000 for _, on, yen, there in found["share"] if on >= Date(2027, 9, 1))
    assert [on.isoformat() for _, on, _, _ in found["share"]][10:14] == ["2027-08-02", "2027-08-31", "2027-12-01", "2028-01-04"]
    assert all(yen == there * 43 // (2025 * 12) for _, _, yen, there in found["merton"]) and len(found["merton"]) == 25
    terms = found["term"]
    assert len(terms) == 24 and all(yen == there // (24 - number) for number, (_, _, yen, there) in enumerate(terms[:-1]))
    assert terms[-1][2] == terms[-1][3] * 900_000 // 1_000_000
    for number, (_, _, yen, there) in enumerate(found["annuity"]):  # 36 payments from 2026-09-10 to 2029-08-10, at 0.3 % a month
        worth = sum(Fraction(1_000, 1_003) ** month for month in range(36 - number))
        assert yen == Fraction(there) / worth // 1, number


def test_while_terms_are_in_force_the_plan_is_not_followed(run):
    found = [(on.strftime("%Y-%m"), yen) for _, on, yen, _ in made(run[1])["fixed"]]
    assert [yen for _, yen in found] == [20_000] * 5 + [50_000] * 6 + [20_000] * 15
    assert found[4:6] == [("2026-12", 20_000), ("2027-01", 50_000)] and found[10:12] == [("2027-06", 50_000), ("2027-07", 20_000)]


def test_the_guardrails_cut_after_the_fall_and_the_books_say_what_they_go_on_from(run):
    found = made(run[1])["rails"]
    first = found[0]
    assert first[1] == Date(2026, 9, 15) and first[2] == first[3] * 40_000 // 12_000_000
    assert {yen for _, _, yen, _ in found[:12]} == {first[2]}
    evening, on, yen, there = found[12]
    assert on == Date(2027, 9, 15) and first[2] * 12 * 100 > there * Fraction(4 * 115, 100), "above 4 % and 15 % of it"
    assert yen == first[2] * 9 // 10 and {row[2] for row in found[12:24]} == {yen}
    states = {}
    for result in run[1]:
        frame = result.books.drawing_states
        states[result.books.day] = list(zip(*(frame[name].tolist() for name in frame), strict=True))
    rails = SLEEVES.index("rails") + 1
    assert states[epoch_day(evening)] == [(rails, rails, yen, epoch_day(Date(2027, 9, 15)))]
    before = max(day for day in states if day < epoch_day(evening))
    assert states[before] == [(rails, rails, first[2], epoch_day(Date(2026, 9, 15)))]
    assert states[epoch_day(FIRST)] == []


@pytest.mark.fuzz
def test_partitions_pauses_and_replays_give_the_same_days(run, tmp_path):
    house, results = run
    other, again = closed(tmp_path, 3, Date(2027, 9, 2), Date(2027, 9, 14))
    assert [row[:3] for row in chain(other)] == [row[:3] for row in chain(house)] and len(again) == len(results)
    other.engine.dispose()
    chosen = [day for day in business_days(Date(2027, 8, 25), Date(2027, 9, 17))]
    assert replay(house, chosen, partitions=(1, 3)).differences == []


@pytest.mark.fuzz
def test_the_house_keeps_every_promise_when_it_is_verified(run):
    passes(run[0])
