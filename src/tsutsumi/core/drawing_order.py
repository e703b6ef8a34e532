"""Which sleeve of a contract pays first (払出しの順序): an amount that leaves a contract, shared over its sleeves by a dated rule.

A withdrawal that names no sleeve (`withdrawals.py`) and drawings that the whole contract pays (`drawings.py`) ask here. Rules:
docs/close.md §5.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from tsutsumi.core.books import Books, account_place
from tsutsumi.core.rules import DrawingOrder, Rules
from tsutsumi.core.units import PPM, largest_remainder
from tsutsumi.core.wide import tie

LISTED, PROPORTIONAL, ABOVE_TARGET, LEAST_TAX = "listed", "proportional", "above_target", "least_tax"
ORDER_KINDS = (LISTED, PROPORTIONAL, ABOVE_TARGET, LEAST_TAX)
BY_VALUE = DrawingOrder(PROPORTIONAL)  # of a contract without a row
ABOVE = 1  # the status of a goal that has more than it needs, as `goal_status` writes it
Steps = Iterable[tuple[int, int]]  # sleeve row, the most that it pays in this step
Quotes = tuple[np.ndarray, np.ndarray]  # price and fx_ppm in force, by instrument number


def one_after_the_other(amount: int, steps: Steps, most: dict[int, int]) -> dict[int, int]:
    """Return what each pays if one pays after the other (順に充てる): in each step what is still asked, up to the step's limit.

    Parameters
    ----------
    amount : whole yen, at most Σ `most`
    steps : who pays how much at most in each step; one may come in several
    most : what each pays at most in all steps

    Examples
    --------
    Of 70 the first pays the 20 that it can spare; of the 50 left the second pays its 30, and the first the rest:

    >>> one_after_the_other(70, [(1, 20), (2, 30), (1, 90)], {1: 90, 2: 30})
    {1: 40, 2: 30}
    """
    paid: dict[int, int] = defaultdict(int)
    for who, limit in steps:
        part = min(amount, limit, most[who] - paid[who])
        if part > 0:
            paid[who] += part
            amount -= part
    return dict(paid)


class Payers:
    """The sleeves that pay for some contracts at one moment (払う運用口): what each has, what it may pay, in which order."""

    def __init__(
        self, books: Books, rules: Rules, there: np.ndarray, contracts: Iterable[int], quotes: Quotes | None = None
    ) -> None:
        """Take the moment: who writes to `there` afterwards changes what the sleeves can pay.

        Parameters
        ----------
        there : int64 per sleeve row, as `spare_yen` gives it
        contracts : the numbers of the contracts that are asked about
        quotes : the prices in force; without them those of the books
        """
        self.books, self.rules, self.there = books, rules, there
        self.price, self.fx_ppm = quotes or (books.market.price, books.market.fx_ppm)
        self.rows: dict[int, list[int]] = {number: [] for number in contracts}
        if not self.rows:
            return
        sleeves = books.sleeves
        rows = np.flatnonzero(np.isin(sleeves["contract_no"], list(self.rows)) & (sleeves["status_code"] == 0))
        rows = rows[np.argsort(sleeves["sleeve_no"][rows], kind="stable")]
        for row, contract in zip(rows.tolist(), sleeves["contract_no"][rows].tolist(), strict=True):
            self.rows[contract].append(row)

    def leave_out(self, row: int) -> None:
        """Let a sleeve pay nothing: it is about to close."""
        of = self.rows.get(int(self.books.sleeves["contract_no"][row]), [])
        if row in of:
            of.remove(row)

    def most_yen(self, row: int) -> int:
        """Return the most that a sleeve pays (支払の上限): the program's limit of what it has, floored."""
        limit = int(self.rules.programs["withdrawal_limit_ppm"][self.books.sleeves["program_no"][row]])
        return max(int(self.there[row]), 0) * limit // PPM

    def most_of(self, contract_no: int) -> int:
        """Return the most that the sleeves of a contract pay together."""
        return sum(self.most_yen(row) for row in self.rows[contract_no])

    def there_of(self, contract_no: int) -> int:
        """Return what the sleeves of a contract have, none below 0."""
        return sum(max(int(self.there[row]), 0) for row in self.rows[contract_no])

    def share(self, contract_no: int, amount: int) -> list[tuple[int, int]]:
        """Return (sleeve row, yen) of what each sleeve of a contract pays (払出しの配分), by sleeve number; who pays 0 is left out.

        proportional: by largest remainder with weights = what each may pay, which none exceeds. listed: one after the other.
        above_target: first what a sleeve has beyond its goal's target, the largest surplus first, then sleeves whose goal is in
        the zone `above`, in the same order, then as listed. least_tax: the least cost of a sale first.

        Parameters
        ----------
        amount : whole yen, at most `most_of(contract_no)`
        """
        rows = self.rows[contract_no]
        order = self.rules.drawing_orders.get(contract_no, BY_VALUE)
        most = {row: self.most_yen(row) for row in rows}
        if order.kind == PROPORTIONAL:
            numbers = [int(self.books.sleeves["sleeve_no"][row]) for row in rows]
            ties = [(int(tie(number, 0, self.rules.day)), number) for number in numbers]
            paid = dict(zip(rows, largest_remainder(amount, list(most.values()), ties), strict=True)) if amount else {}
        else:
            paid = one_after_the_other(amount, self._steps(rows, order, most), most)
        return [(row, paid[row]) for row in rows if paid.get(row)]

    def _steps(self, rows: list[int], order: DrawingOrder, most: dict[int, int]) -> Iterator[tuple[int, int]]:
        """Yield who pays how much at most, one after the other."""
        numbers = {row: int(self.books.sleeves["sleeve_no"][row]) for row in rows}
        place = {number: at for at, number in enumerate(order.sleeves)}
        if order.kind == LEAST_TAX:
            rows = sorted(rows, key=lambda row: (self.sale_cost_ppm(row), numbers[row]))
        else:
            rows = sorted(rows, key=lambda row: (place.get(numbers[row], len(place)), numbers[row]))
        if order.kind == ABOVE_TARGET:
            yield from self._surplus(numbers, most)
        for row in rows:
            yield row, most[row]

    def _surplus(self, numbers: dict[int, int], most: dict[int, int]) -> Iterator[tuple[int, int]]:
        """Yield what sleeves have beyond their goals' targets, then the sleeves whose goals are in the zone `above`."""
        of = self.books.goals
        names = ("sleeve_no", "target_yen", "status_code")
        told = {sleeve: (target, status) for sleeve, target, status in zip(*(of[name].tolist() for name in names), strict=True)}
        goals = {row: told[number] for row, number in numbers.items() if number in told}
        over = {row: int(self.there[row]) - target for row, (target, _) in goals.items()}
        ranked = sorted(goals, key=lambda row: (-over[row], numbers[row]))
        for row in ranked:
            if goals[row][0] > 0 and over[row] > 0:
                yield row, over[row]
        for row in ranked:
            if goals[row][1] == ABOVE:
                yield row, most[row]

    def sale_cost_ppm(self, row: int) -> int:
        """Return what tax and levy would take of a sale of all that a sleeve holds (売却の費用率), in ppm, floored; 0 of nothing.

        Σ yen(held) × sale cost / Σ yen(held), the sale cost of a position as in `sale_costs.py`: of the account's holding at the
        prices in force.
        """
        books, scale = self.books, self.rules.instruments
        first, last = int(books.offsets[row]), int(books.offsets[row + 1])
        held, account = books.positions["held_units"][first:last], int(books.sleeves["account_no"][row])
        instruments = books.positions["instrument_no"][first:last][held > 0]
        place = account_place(books.account_positions, np.full(instruments.size, account), instruments)
        rate = int(self.rules.tax_rate_ppm[account]) if account < self.rules.tax_rate_ppm.size else 0
        total = cost = 0
        for units, i, at in zip(held[held > 0].tolist(), instruments.tolist(), place.tolist(), strict=True):
            num = int(self.price[i]) * int(self.fx_ppm[i])
            den = 10 ** int(scale["price_scale"][i]) * int(scale["price_base_units"][i]) * PPM
            whole = int(books.account_positions["held_units"][at]) * num // den
            gain = whole - int(books.account_positions["tax_cost_yen"][at])
            taken = (rate * gain // whole if gain > 0 else 0) + int(scale["levy_ppm"][i])
            yen = units * num // den
            total, cost = total + yen, cost + yen * min(taken, PPM)
        return cost // total if total else 0
