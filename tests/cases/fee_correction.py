"""The case tables of docs/rules/fee-correction.md: both pasts priced by the calculator."""

from datetime import date
from importlib.resources import files

from tests.cases import cases
from tests.cases.fees import dated, whole
from tsutsumi.core.fee_engine import fee_schedule
from tsutsumi.core.fee_history import FlowRow, ValueRow, contract_history
from tsutsumi.core.fee_terms import Terms, parse_terms
from tsutsumi.run.fee_facts import value_difference

START, END = date(2026, 10, 1), date(2026, 12, 31)
BALANCE, WRONG_DAY = 20_000_000, date(2026, 10, 28)


def terms(name: str) -> Terms:
    return parse_terms(files("tsutsumi").joinpath(f"examples/fees/{name}.toml").read_text(encoding="utf-8"))


def total(of: Terms, values: list[tuple[date, int]], flows: list[tuple[date, int]], start: date = START) -> int:
    """All that a contract is charged by the end of 2026; the next quarter has not begun."""
    history = contract_history([ValueRow(*row) for row in values], [FlowRow(*row) for row in flows], start, END)
    entries = fee_schedule(of, history)
    return sum(-entry.total_yen if entry.kind == "refund" else entry.total_yen for entry in entries)


def check(row: dict[str, str], before: int, after: int) -> None:
    assert (before, after, after - before) == (whole(row["訂正前"]), whole(row["訂正後"]), whole(row["差額"]))


@cases("fee-correction-nav")
def fee_correction_nav(row):
    """A price that was wrong for some days."""
    units, wrong, right = (whole(row[name]) for name in ("口数", "誤った価格", "正しい価格"))
    difference = value_difference(units, wrong, right, 10_000)
    assert difference == whole(row["評価額の差"])
    balance, days = whole(row["残高"]), whole(row["日数"])
    first = START if days == 92 else WRONG_DAY
    booked = [(START, balance), (first, balance - difference)]
    booked += [(date.fromordinal(first.toordinal() + days), balance)] if days < 92 else []
    of = terms("quarterly-arrears-average-four-tiers")
    check(row, total(of, booked, []), total(of, [(START, balance)], []))


def grown(flows: list[tuple[date, int]]) -> list[tuple[date, int]]:
    """The balance by day: what is there, and what came in by then."""
    values, balance = [(START, BALANCE)], BALANCE
    for day, yen in sorted(flows):
        balance += yen
        values = [pair for pair in values if pair[0] != day] + [(day, balance)]
    return values


@cases("fee-correction-flow")
def fee_correction_flow(row):
    """Money that the books do not know, or know of another day."""
    booked, facts = dated(row["帳簿の入出金"], START), dated(row["訂正"], START)
    by_day: dict[date, int] = {}
    for day, yen in booked + facts:
        by_day[day] = by_day.get(day, 0) + yen
    right = [(day, yen) for day, yen in by_day.items() if yen]
    of = terms(row["条件"])
    check(row, *(total(of, grown(flows), flows) for flows in (booked, right)))


@cases("fee-correction-start")
def fee_correction_start(row):
    """A contract that began on another day than the books know."""
    of = terms(row["条件"])
    days = (date.fromisoformat(row[name]) for name in ("帳簿の開始日", "正しい開始日"))
    check(row, *(total(of, [(day, BALANCE)], [], day) for day in days))
