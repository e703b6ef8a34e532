"""Tonight's fees (報酬の計上): what falls due for every contract, in the order of docs/close.md §7.

Periods that ended since the last close, then what begins and flows today, then periods and contracts that end today. What a fee
costs is `fee_book`; who pays it `dues`; the running base of fees in advance `advance`; the high-water marks `marks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tsutsumi.core.accrual import TermsInUse, accrue, contract_rows, daily_base, set_period_ends, terms_in_use
from tsutsumi.core.advance import Prepayment, balance_numbers
from tsutsumi.core.arrears import arrears_fees, period_bases
from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.crystallising import Crystallisation
from tsutsumi.core.dues import CHARGE, Bills, book_bills
from tsutsumi.core.fee_days import add_days, day_offsets, drop_days
from tsutsumi.core.flows import EXTERNAL_LAST
from tsutsumi.core.marks import flows_by
from tsutsumi.core.promises import P_TERMINATION
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty, length, own, stack


@dataclass(frozen=True)
class Charges:
    """The fees charged on one evening (計上した報酬): fee rows, their split among the parties, and how performance fees came;
    the terms that go on, and the contract row of each sleeve."""

    fees: Frame
    shares: Frame
    crystallisations: Frame
    used: TermsInUse
    contract_of: np.ndarray


class FeeEvening:
    """The contracts of one evening on their way through the fees: bases, flows, bills and marks."""

    def __init__(self, books: Books, before: Books, rules: Rules, flows: Frame) -> None:
        self.books, self.before, self.rules = books, before, rules
        self.contract_of = contract_rows(books)
        self.bills = Bills(books, rules, self.contract_of)
        outside = flows["kind_code"] <= EXTERNAL_LAST
        self.flow_sleeve, self.flow_yen = flows["sleeve_no"][outside], flows["amount_yen"][outside]
        self.look(terms_in_use(books, rules))

    def look(self, used: TermsInUse) -> None:
        """Take the terms in use, and the bases by them, of today and of the last close."""
        self.used = used
        numbers, before = self.books.contracts["contract_no"], self.before.sleeves
        self.base_today = daily_base(self.books, self.rules, used)
        excluded = used.flag(lambda terms: terms.cash == "excluded")
        cash = 0 if excluded is None else np.where(excluded[_row_of(numbers, before["contract_no"])], before["cash_yen"], 0)
        self.base_before = np.maximum(before["value_yen"] - cash, 0)
        self._today = self._last = None

    @property
    def today(self) -> np.ndarray:
        """The base of each contract tonight (本日の基準額)."""
        if self._today is None:
            self._today = self.per_contract(self.base_today)
        return self._today

    @property
    def last(self) -> np.ndarray:
        """The base of each contract at the last close (前営業日の基準額)."""
        if self._last is None:
            self._last = flows_by(self.books.contracts["contract_no"], self.before.sleeves["contract_no"], self.base_before)
        return self._last

    def per_contract(self, per_sleeve: np.ndarray) -> np.ndarray:
        """Return the sums by contract of a figure per sleeve."""
        total = np.zeros(length(self.books.contracts), np.int64)
        np.add.at(total, self.contract_of, per_sleeve)
        return total

    def timing(self, word: str) -> np.ndarray:
        """Return which contracts pay a balance fee in arrears or in advance."""
        found = self.used.flag(lambda terms: bool(terms.balance) and terms.timing == word)
        return np.zeros(length(self.books.contracts), bool) if found is None else found

    # ---- in arrears

    def charge_arrears(self, rows: np.ndarray, sums: np.ndarray, closed: np.ndarray, end: np.ndarray, point: np.ndarray) -> None:
        """Charge balance fees in arrears (後取り) of the contracts at `rows`, from their period's first day to `end`.

        Parameters
        ----------
        sums : Σ of the bases of each sleeve;  closed : of sleeves that have closed, per contract
        end, point : per contract: the last day priced, and the base of the period's last business day
        """
        rows = rows[self.timing("arrears")[rows]]
        contracts = self.books.contracts
        total = closed + self.per_contract(sums)
        keys = np.stack([self.used.of_contract[rows], contracts["period_start_date"][rows], end[rows]], axis=1)
        for number, start, until in np.unique(keys, axis=0).tolist():
            group = rows[(keys == (number, start, until)).all(axis=1)]
            terms = self.used.terms[number]
            bases = period_bases(self.books, terms, group, (start, until), total, point)
            prices = arrears_fees(self.books, self.rules, group, bases)
            for component, yen in zip(balance_numbers(terms), prices, strict=True):
                self.bills.add(CHARGE, component, group, (start, until), bases.base_yen, yen, sums)

    def _daily(self) -> np.ndarray:
        """Return the rows of the contracts that are priced day by day, in a period that has begun."""
        daily = self.used.flag(lambda terms: bool(terms.balance) and terms.measure == "daily")
        if daily is None:
            return np.zeros(0, np.int64)
        return np.flatnonzero(daily & (self.books.contracts["period_start_date"] <= self.books.day))

    def begin_days(self) -> None:
        """Write down the base of the periods that began on a day without a close: that of the last close."""
        books, start, rows = self.books, self.books.contracts["period_start_date"], self._daily()
        first, last = day_offsets(books.fee_days, books.contracts["contract_no"][rows])
        fresh = rows[(first == last) & (start[rows] < books.day)]
        for day in np.unique(start[fresh]).tolist():
            some = fresh[start[fresh] == day]
            books = replace(books, fee_days=add_days(books, some, day, self.last[some]))
        self.books = books

    def keep_days(self) -> None:
        """Write down today's base of the contracts that are priced day by day (日々の残高の控え)."""
        self.begin_days()
        rows = self._daily()
        self.books = replace(self.books, fee_days=add_days(self.books, rows, self.books.day, self.today[rows]))

    # ---- periods

    def roll(self, ended: np.ndarray) -> None:
        """Let the next period of the contracts whose period has ended begin (計算期間の更新); terms may change with it."""
        if not ended.any():
            return
        books, contracts = self.books, self.books.contracts
        names = np.array(self.used.names, object)[self.used.of_contract]
        contracts["period_start_date"][ended] = contracts["period_end_date"][ended] + 1
        contracts["period_end_date"][ended] = 0
        set_period_ends(books, self.rules)
        self.books = replace(self.books, fee_days=drop_days(books.fee_days, contracts["contract_no"][ended]))
        used = terms_in_use(self.books, self.rules)
        same = names == np.array(used.names, object)[used.of_contract]
        contracts["period_count"][ended] = np.where(same[ended], contracts["period_count"][ended] + 1, 1)
        own(contracts, "running_base_yen", "uncharged_yen")
        contracts["running_base_yen"][ended], contracts["uncharged_yen"][ended] = 0, 0
        self.look(used)


def _row_of(numbers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the row of each wanted number; 0 for one that is not there."""
    row_of = np.zeros(max(int(numbers.max(initial=0)), int(wanted.max(initial=0))) + 1, np.int64)
    row_of[numbers] = np.arange(numbers.size)
    return row_of[wanted]


MONTH_ENDS = ("month_end_1_yen", "month_end_2_yen", "month_end_3_yen")
NOTHING: Mapping[int, int] = MappingProxyType({})


def charge(
    books: Books, before: Books, rules: Rules, final: np.ndarray, flows: Frame, carried: Mapping[int, int] = NOTHING,
    corrections: Mapping[int, int] = NOTHING,
) -> tuple[Books, Charges]:
    """Return the books with today's accrual, and the fees charged tonight (報酬の計上).

    Parameters
    ----------
    final : int64, rows of `payouts` (terminations) whose contract ends today: it is charged to today, due on the next business day
    flows : the day's flows so far
    carried : contract_no → yen
        Bases of sleeves that closed today, of the days after a period end that lies before today: of the new period.
    corrections : contract_no → yen
        What past fees were wrong by: above zero it is charged tonight, below zero it is given back (報酬の訂正).

    Returns
    -------
    books : bases, fee periods, marks, dues and uncollected fees brought forward;  charges : what is new tonight
    """
    contracts = books.contracts
    contracts["period_count"][contracts["period_end_date"] == 0] = 1
    set_period_ends(books, rules)
    evening = FeeEvening(books, before, rules, flows)
    day, ends = books.day, contracts["period_end_date"].copy()
    ending, running, _ = accrue(books, before, rules, evening.used, evening.contract_of, evening.base_before, evening.base_today)
    closed, ended_now = contracts["closed_base_sum_yen"].copy(), ends == day
    contracts["closed_base_sum_yen"][ends <= day] = 0
    for contract, yen in carried.items():
        contracts["closed_base_sum_yen"][contracts["contract_no"] == contract] += yen
    finals = np.unique(books.payouts["contract_no"][final][books.payouts["kind_code"][final] == P_TERMINATION])
    last = np.isin(contracts["contract_no"], finals)
    crystallised = Crystallisation(evening)
    _shift_month_ends(evening)
    running = _end_past_periods(evening, crystallised, ending, running, closed)
    _begin(evening, crystallised, _begun(evening))
    crystallised.begin()
    _flow(evening, crystallised)
    evening.keep_days()
    evening.bills.begin()
    now = contracts["period_end_date"] == day
    at = np.flatnonzero(now | last)
    if at.size:
        sums = np.where(ended_now[evening.contract_of], ending, running)
        open_sum = np.where(ended_now, closed, contracts["closed_base_sum_yen"])
        contracts["closed_base_sum_yen"][now] = 0
        evening.charge_arrears(at, sums, open_sum, np.full(now.size, day), evening.today)
        crystallised.fall_due(now | last, last, np.full(now.size, day), today=True)
    rows = np.flatnonzero(evening.timing("advance") & last)
    if rows.size:
        Prepayment(evening.bills, evening.used, rows, evening.base_today).end(rows)
    marks = crystallised.marks.frame()
    evening.roll(now)
    books = replace(evening.books, fee_marks=marks)
    nothing_runs = evening.timing("advance") | now
    if nothing_runs.any():
        running = np.where(nothing_runs[evening.contract_of], 0, running)
    books.sleeves["base_sum_yen"][:] = running
    evening.bills.correct(corrections, evening.base_today)
    due = rules.timeline.days[rules.day_index + rules.programs["collection_days"][contracts["program_no"]]]
    books, fees = book_bills(books, evening.bills, due, finals, rules.next_day)
    shares = stack(empty("fee_shares"), *evening.bills.shares)
    return books, Charges(fees, shares, crystallised.rows(), evening.used, evening.contract_of)


def _end_past_periods(
    evening: FeeEvening, crystallised: Crystallisation, ending: np.ndarray, running: np.ndarray, closed: np.ndarray
) -> np.ndarray:
    """Charge the periods that ended since the last close (前営業日より後に終わった期間); return the sums of those that run now.

    Where the terms change, a whole period may lie between two closes: it has the base of the last close on each of its days.

    Parameters
    ----------
    ending, running : Σ of the bases of each sleeve in the period that ended, and in the next;  closed : of closed sleeves
    """
    contracts, of = evening.books.contracts, evening.contract_of
    past = contracts["period_end_date"] < evening.books.day
    if not past.any():
        return running
    nobody, rolled = np.zeros(closed.size, bool), np.zeros(closed.size, bool)
    _begin(evening, crystallised, past & _begun(evening))  # after a period that ended with the last close
    evening.begin_days()
    gone = contracts["closed_base_sum_yen"] // np.maximum(evening.books.day - 1 - contracts["period_end_date"], 1)
    while past.any():
        ends = contracts["period_end_date"].copy()
        days = ends.astype(np.int64) - contracts["period_start_date"] + 1
        whole = rolled & past
        sums = np.where(whole[of], _base_before(evening) * days[of], ending)
        evening.bills.begin()
        evening.charge_arrears(np.flatnonzero(past), sums, np.where(whole, gone * days, closed), ends, evening.last)
        contracts["closed_base_sum_yen"][whole] -= (gone * days)[whole]
        crystallised.fall_due(past, nobody, ends, today=False)
        evening.books = replace(evening.books, fee_marks=crystallised.marks.frame())
        evening.roll(past)
        crystallised.look()
        evening.begin_days()
        rolled |= past
        past = contracts["period_end_date"] < evening.books.day
        if past.any():
            _begin(evening, crystallised, past)
    return _running_anew(evening, running, rolled)


def _base_before(evening: FeeEvening) -> np.ndarray:
    """Return the base that each sleeve had at the last close; 0 for one of today."""
    sleeve_no, row_before = evening.books.sleeves["sleeve_no"], evening.before.row_of_sleeve
    at = np.where(sleeve_no < row_before.size, row_before[np.minimum(sleeve_no, row_before.size - 1)], -1)
    return np.where(at >= 0, evening.base_before[at], 0) if evening.base_before.size else np.zeros(sleeve_no.size, np.int64)


def _running_anew(evening: FeeEvening, running: np.ndarray, rolled: np.ndarray) -> np.ndarray:
    """Return the sums of the periods that began since the last close, by the terms that they began with."""
    books, of = evening.books, evening.contract_of
    business = evening.used.flag(lambda terms: terms.measure == "average" and terms.days == "business")
    days = books.day - books.contracts["period_start_date"].astype(np.int64)
    if business is not None:
        days[business] = 0
    return np.where(rolled[of], _base_before(evening) * days[of] + evening.base_today, running)


def _shift_month_ends(evening: FeeEvening) -> None:
    """Keep the net deposits of the last three month-ends (月末の累計入金額), on the first close of a month."""
    contracts, names = evening.books.contracts, MONTH_ENDS
    if from_epoch_day(evening.books.day).month != from_epoch_day(evening.before.day).month:
        for younger, older in ((names[1], names[2]), (names[0], names[1])):
            contracts[older] = contracts[younger].copy()
        contracts[names[0]] = contracts["net_deposit_yen"].copy()
        known = (contracts["month_end_count"] < 3) & (contracts["opened_date"] < evening.books.day)
        contracts["month_end_count"] = contracts["month_end_count"] + known.astype(np.int32)


def _begun(evening: FeeEvening) -> np.ndarray:
    """Return which contracts' periods began since the last close, or begin today."""
    start = evening.books.contracts["period_start_date"]
    return (start > evening.before.day) & (start <= evening.books.day)


def _begin(evening: FeeEvening, crystallised: Crystallisation, begun: np.ndarray) -> None:
    """Begin periods (計算期間の開始): the mean of the deposits, what is charged in advance, the marks of new terms."""
    if not begun.any():
        return
    contracts = evening.books.contracts
    count = contracts["month_end_count"][begun]
    kept = sum(np.where(count > k, contracts[name][begun], 0) for k, name in enumerate(MONTH_ENDS))
    own(contracts, "mean_deposit_yen")
    contracts["mean_deposit_yen"][begun] = np.where(count > 0, kept // np.maximum(count, 1), 0)
    rows = np.flatnonzero(evening.timing("advance") & begun)
    if rows.size:
        opening = np.where(contracts["opened_date"] == contracts["period_start_date"], evening.today, evening.last)
        Prepayment(evening.bills, evening.used, rows, evening.base_today).charge(rows, opening)
    crystallised.begin_terms(begun & (contracts["period_count"] == 1))


def _flow(evening: FeeEvening, crystallised: Crystallisation) -> None:
    """Let the day's flows move the running bases and the marks (入出金の反映)."""
    if evening.flow_yen.size == 0:
        return
    books, contracts = evening.books, evening.books.contracts
    flow = flows_by(contracts["contract_no"], evening.rules.registry.sleeves["contract_no"][evening.flow_sleeve], evening.flow_yen)
    contracts["net_deposit_yen"] = contracts["net_deposit_yen"] + flow
    flow = np.where(contracts["opened_date"] == books.day, 0, flow)
    rows = np.flatnonzero(evening.timing("advance"))
    if rows.size:
        Prepayment(evening.bills, evening.used, rows, evening.base_today).flow(flow)
    crystallised.flow(flow, flows_by(books.sleeves["sleeve_no"], evening.flow_sleeve, evening.flow_yen))
