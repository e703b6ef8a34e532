"""The month-end statement of every company (報酬分配の月次明細): what was charged, its part, and what is not collected yet.

Per program, component and kind; tiered shares and monthly fees stand as lines of their own, one company's plus the other's minus.
Both ways it adds up: over the companies to the fees, over the lines to the fees table. Cases: docs/rules/fee-split.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tsutsumi.core.fee_rows import FeeRow, open_keys
from tsutsumi.core.fee_split import MOVES, Move, part_and_owed

CUT = "cut"
KINDS = ("charge", "addition", "performance", "refund", "correction", "correction_refund", CUT, *MOVES)
KIND_WORDS = {
    "charge": ("残高報酬", "balance fee"), "addition": ("増額分の報酬", "fee on an addition"),
    "performance": ("成功報酬", "performance fee"), "refund": ("返戻", "refund"),
    "correction": ("過去の訂正（追徴）", "correction of past fees"),
    "correction_refund": ("過去の訂正（返戻）", "past fees given back"), CUT: ("徴収不足の減額", "cut to the cash"),
    "tier_fee": ("段階配分（報酬比）", "tiered share of the fee"),
    "tier_balance": ("段階配分（残高年率）", "tiered share of the balance"),
    "fixed_program": ("月額（商品）", "monthly fee, program"), "fixed_contract": ("月額（契約）", "monthly fee, contracts"),
}


@dataclass(frozen=True)
class Line:
    """One line of a company's statement (明細行): of how many, the fee of all companies, this company's share."""

    company_id: str
    program_id: str
    component: str
    kind: str
    count: int
    fee_yen: int
    share_yen: int


@dataclass(frozen=True)
class Uncollected:
    """A company's share of fees not collected yet (未収残高): opening + charged + cut − collected = closing."""

    company_id: str
    program_id: str
    opening_yen: int
    charged_yen: int
    cut_yen: int
    collected_yen: int
    closing_yen: int


@dataclass(frozen=True)
class Part:
    """What a company gets of a program in the month, or owes (配分額・支払超過額): neither is below zero."""

    company_id: str
    program_id: str
    share_yen: int
    moved_yen: int
    part_yen: int
    owed_yen: int


@dataclass(frozen=True)
class Statement:
    """The statements of all companies for a month (月次明細), and the same sums from the fees table itself.

    `difference_yen` is what the companies' shares, and what they have open, differ from the fees: 0, or something is wrong.
    """

    first_date: date
    last_date: date
    lines: tuple[Line, ...]
    parts: tuple[Part, ...]
    uncollected: tuple[Uncollected, ...]
    fee_yen: int
    opening_yen: int
    closing_yen: int
    difference_yen: int


@dataclass(frozen=True)
class Month:
    """What a month's papers are made of (月次資料): the fees as they stood on the evening before it and on its last evening.

    Fees that were collected before the month may be left out of both.
    """

    first: date
    last: date
    before: Sequence[FeeRow]
    after: Sequence[FeeRow]
    moves: Sequence[Move]


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee of the month, or a change of an older one (当月の計上・減額): `kind` is the row's, or `cut`."""

    row: FeeRow
    kind: str
    fee_yen: int
    shares: tuple[tuple[str, int], ...]


def charges_of(month: Month) -> list[Charge]:
    """Return the fees charged in a month and the cuts of older ones (当月の計上と減額).

    A fee that met too little cash at a closing is cut to it; of an older month the difference stands in the month of the cut.
    """
    before = {row.key: row for row in month.before}
    found = [Charge(row, row.kind, row.fee_yen, row.shares) for row in month.after if row.charged_date >= month.first]
    for row in month.after:
        old = before.get(row.key)
        if old is None or (old.fee_yen, old.shares) == (row.fee_yen, row.shares):
            continue
        shares = dict(row.shares)
        for company, yen in old.shares:
            shares[company] = shares.get(company, 0) - yen
        found.append(Charge(row, CUT, row.fee_yen - old.fee_yen, tuple(sorted(shares.items()))))
    return found


def month_statement(month: Month) -> Statement:
    """Return the statements of every company for a month (月次明細), from the fees table and the moves.

    Σ over the companies of `share_yen` = Σ `fee_yen` of each program, component and kind, the moves' lines sum to 0.

    Returns
    -------
    Statement
        `lines` by company, program, kind and component; every company that has a part in a program has a line for each of its
        groups, of 0 yen too. `parts`: shares and moves of each program, and which of them a company owes. `uncollected`: the
        customers' money only; moves are between companies.
    """
    charges = charges_of(month)
    open_before, open_after = open_keys(month.before, month.first - timedelta(days=1)), open_keys(month.after, month.last)
    lines = _fee_lines(charges, _parties(month, open_before)) + _move_lines(month.moves)
    lines.sort(key=lambda line: (line.company_id, line.program_id, KINDS.index(line.kind), line.component))
    rolls = _uncollected(month, charges, open_before, open_after)
    fee_yen = sum(charge.fee_yen for charge in charges)
    opening = sum(row.fee_yen for row in month.before if row.key in open_before)
    closing = sum(row.fee_yen for row in month.after if row.key in open_after)
    wrong = [
        sum(line.share_yen for line in lines) - fee_yen, sum(roll.opening_yen for roll in rolls) - opening,
        sum(roll.closing_yen for roll in rolls) - closing,
        *(roll.opening_yen + roll.charged_yen + roll.cut_yen - roll.collected_yen - roll.closing_yen for roll in rolls),
        *(sum(yen for _, yen in charge.shares) - charge.fee_yen for charge in charges),
    ]
    return Statement(
        month.first, month.last, tuple(lines), tuple(_parts(lines)), tuple(rolls), fee_yen, opening, closing,
        next((yen for yen in wrong if yen), 0),
    )


def _parties(month: Month, open_before: set[tuple]) -> dict[str, set[str]]:
    """Return the companies that have a part in each program: a share of a fee of this month or an open one, or a move."""
    found: dict[str, set[str]] = {}
    for row in month.after:
        if row.charged_date >= month.first or row.key in open_before:
            found.setdefault(row.program_id, set()).update(company for company, _ in row.shares)
    for move in month.moves:
        found.setdefault(move.program_id, set()).update((move.company_id, move.payer_id))
    return found


def _fee_lines(charges: Sequence[Charge], parties: Mapping[str, set[str]]) -> list[Line]:
    groups: dict[tuple[str, str, str], list] = {}
    for charge in charges:
        group = groups.setdefault((charge.row.program_id, charge.row.component, charge.kind), [0, 0, {}])
        group[0] += 1
        group[1] += charge.fee_yen
        for company, yen in charge.shares:
            group[2][company] = group[2].get(company, 0) + yen
    return [
        Line(company, program, component, kind, count, fee, shares.get(company, 0))
        for (program, component, kind), (count, fee, shares) in groups.items()
        for company in parties.get(program, set()) | shares.keys()
    ]


def _move_lines(moves: Iterable[Move]) -> list[Line]:
    sums: dict[tuple, list[int]] = {}
    for move in moves:
        for company, yen in ((move.company_id, move.yen), (move.payer_id, -move.yen)):
            of = sums.setdefault((company, move.program_id, "", move.kind), [0, 0])
            of[0] += move.count
            of[1] += yen
    return [Line(*key, count, 0, yen) for key, (count, yen) in sums.items()]


def _parts(lines: Iterable[Line]) -> list[Part]:
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        of = sums.setdefault((line.company_id, line.program_id), [0, 0])
        of[line.kind in MOVES] += line.share_yen
    return [Part(*key, share, moved, *part_and_owed(share + moved)) for key, (share, moved) in sorted(sums.items())]


def _uncollected(month: Month, charges: Sequence[Charge], open_before: set[tuple], open_after: set[tuple]) -> list[Uncollected]:
    """Return the roll of open shares: of each row its state on both evenings, opening + charged + cut − collected = closing."""
    sums: dict[tuple[str, str], list[int]] = {}

    def add(row: FeeRow, shares: Iterable[tuple[str, int]], place: int) -> None:
        for company, yen in shares:
            sums.setdefault((company, row.program_id), [0, 0, 0, 0, 0])[place] += yen

    for row in month.before:
        if row.key in open_before:
            add(row, row.shares, 0)
    for charge in charges:
        add(charge.row, charge.shares, 2 if charge.kind == CUT else 1)
    for row in month.after:
        if row.key in open_after:
            add(row, row.shares, 4)
        elif row.key in open_before or row.charged_date >= month.first:
            add(row, row.shares, 3)
    return [Uncollected(*key, *yen) for key, yen in sorted(sums.items()) if any(yen)]

