"""How the fees of a month are shared among companies beyond flat rates (報酬の月末精算): tiered shares and monthly fees.

The close shares every fee on the evening it is charged, by the flat shares in force; the rest is the program's remainder
company's. What depends on a whole month is settled at its end, as *moves* from the part of one company to another's: the parts
change, their sum stays the fee. Rules and cases: docs/rules/fee-split.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from tsutsumi.core.fee_periods import day_count
from tsutsumi.core.fee_pricing import slices
from tsutsumi.core.units import PPM, round_yen

FEE, BALANCE = "fee", "balance"                            # a tier's rate: ppm of the fee, or ppm a year of the balance
PROGRAM, DISTRIBUTOR, OWN = "program", "distributor", "own"  # whose balance finds the tier
AVERAGE, CLOSING = "average", "closing"
PER_PROGRAM, PER_CONTRACT = "program", "contract"
TIER_FEE, TIER_BALANCE, FIXED_PROGRAM, FIXED_CONTRACT = "tier_fee", "tier_balance", "fixed_program", "fixed_contract"
MOVES = (TIER_FEE, TIER_BALANCE, FIXED_PROGRAM, FIXED_CONTRACT)
RATE_KEY = ("company_id", "kind", "measure", "base", "year_days", "paid_by_id")

ByRate = Mapping[int, Fraction]  # consumption tax percent → exact yen, tax included


@dataclass(frozen=True)
class Segment:
    """The days of a month under one version of a program's tiered shares (適用区間), with what the tiers are applied to.

    Attributes
    ----------
    first, last : date, both included
    rows : rows of `share_tiers` of that version
    fees : distributor → consumption tax percent → yen charged in those days, refunds taken off
    balances : distributor → yen at the end of each calendar day
    """

    first: date
    last: date
    rows: Sequence[Mapping]
    fees: Mapping[str, ByRate]
    balances: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Move:
    """Yen that go at a month's end from the part of one company, the payer, to another's (月末の付替え).

    `by_rate` holds the yen by consumption tax percent, tax included; `count` says of how many (contracts, else 1).
    """

    program_id: str
    kind: str
    company_id: str
    payer_id: str
    count: int
    by_rate: tuple[tuple[int, int], ...]

    @property
    def yen(self) -> int:
        """The whole amount; below zero where more was refunded than charged."""
        return sum(yen for _, yen in self.by_rate)


def share_of_fee(fee: Fraction, balance: Fraction, tiers: Sequence[tuple[int, int]]) -> Fraction:
    """Return the part of a fee under tiers of the balance (残高段階別の配分率), exact, not rounded.

    Each yen of the balance carries the same fee, and each slice of the balance the share of its own tier:
    fee × Σ (slice × rate) / (balance × 10^6). Without a balance the tier of the first yen holds.

    Examples
    --------
    12,000 yen on 15 bn, 40 % to 10 bn and 55 % above: 12,000 × (10 × 40 % + 5 × 55 %) / 15:

    >>> share_of_fee(Fraction(12_000), Fraction(15 * 10**9), [(0, 400_000), (10**10, 550_000)])
    Fraction(5400, 1)
    """
    if balance <= 0:
        return fee * next((rate for floor, rate in tiers if floor == 0), 0) / Fraction(PPM)
    return fee * _weighted(balance, tiers) / (balance * PPM)


def share_of_balance(balance: Fraction, tiers: Sequence[tuple[int, int]], years: Fraction) -> Fraction:
    """Return what tiers of ppm a year of the balance come to in a part of a year (残高に対する年率の配分), exact.

    Examples
    --------
    0.365 % a year of 10,000,000 for 31 days of 365, 36,500 × 31 / 365:

    >>> share_of_balance(Fraction(10_000_000), [(0, 3_650)], Fraction(31, 365))
    Fraction(3100, 1)
    """
    return _weighted(max(balance, Fraction(0)), tiers) * years / PPM


def _weighted(balance: Fraction, tiers: Sequence[tuple[int, int]]) -> Fraction:
    return sum((yen * rate for yen, rate in slices(tuple(tiers), "marginal", Fraction(0), balance)), Fraction(0))


def rate_parts(exact: ByRate) -> tuple[tuple[int, int], ...]:
    """Return an amount by consumption tax rate in whole yen (税率別の円).

    The sum is cut once; of it each lower rate is cut too, the rest is at the highest. Toward zero, so that a refund undoes a
    charge; a rate without yen is left out.

    >>> rate_parts({8: Fraction(33, 10), 10: Fraction(69, 10)}), rate_parts({10: Fraction(-7, 2)})
    (((8, 3), (10, 7)), ((10, -3),))
    """
    total = round_yen(sum(exact.values(), Fraction(0)), "down")
    percents = sorted(exact)
    parts = {percent: round_yen(exact[percent], "down") for percent in percents[:-1]}
    if percents:
        parts[percents[-1]] = total - sum(parts.values())
    return tuple((percent, yen) for percent, yen in parts.items() if yen)


def part_and_owed(net_yen: int) -> tuple[int, int]:
    """Return (what a company gets, what it owes) of its month (受取額・支払超過額): never negative, their difference is the net.

    >>> part_and_owed(500), part_and_owed(-300)
    ((500, 0), (0, 300))
    """
    return max(net_yen, 0), max(-net_yen, 0)


def versions(rows: Iterable[Mapping], first: date, last: date) -> list[tuple[date, date, list[Mapping]]]:
    """Return the days first..last as runs of one version (適用中の版): the rows with the latest `valid_from_date` not after a day.

    Days before the first version are a run without rows.

    >>> rows = [{"valid_from_date": date(2018, 3, 11), "company_id": "a"}]
    >>> [(a.day, b.day, len(found)) for a, b, found in versions(rows, date(2018, 3, 1), date(2018, 3, 31))]
    [(1, 10, 0), (11, 31, 1)]
    """
    rows = list(rows)
    starts = sorted({first, *(row["valid_from_date"] for row in rows if first < row["valid_from_date"] <= last)})
    ends = [day - timedelta(days=1) for day in starts[1:]] + [last]
    return [(start, end, in_force(rows, start)) for start, end in zip(starts, ends, strict=True)]


def in_force(rows: Iterable[Mapping], day: date) -> list[Mapping]:
    """Return the rows of the version in force on a day (適用中の行): those with the latest `valid_from_date` not after it."""
    known = [row for row in rows if row["valid_from_date"] <= day]
    latest = max((row["valid_from_date"] for row in known), default=None)
    return [row for row in known if row["valid_from_date"] == latest]


def calendar_balances(closes: Sequence[tuple[date, Mapping[str, int]]], first: date, last: date) -> dict[str, list[int]]:
    """Return the balance of each name on every calendar day (暦日ごとの残高): of the last close not after it, 0 before any.

    `closes` are (day, name → yen), ascending; one before `first` is needed where the first days have no close.

    >>> calendar_balances([(date(2018, 3, 30), {"a": 5}), (date(2018, 4, 2), {"a": 7})], date(2018, 3, 31), date(2018, 4, 2))
    {'a': [5, 5, 7]}
    """
    names = sorted({name for _, yen in closes for name in yen})
    found: dict[str, list[int]] = {name: [] for name in names}
    at, now = 0, {}
    for offset in range(day_count(first, last)):
        while at < len(closes) and closes[at][0] <= first + timedelta(days=offset):
            now, at = closes[at][1], at + 1
        for name in names:
            found[name].append(now.get(name, 0))
    return found


def tier_moves(program_id: str, segments: Sequence[Segment], remainder_id: str, tax_percent: int) -> list[Move]:
    """Return what a program's tiered shares move in a month (残高段階別配分の精算).

    For each company, payer and kind the exact yen of all segments, ladders and groups are summed and cut once. A ladder is the
    rows that differ in their floor alone. `measure`: the program's balance and fees as a whole; each distributor's apart; or only
    what the company itself distributes. The payer is `paid_by_id`, else the remainder company.

    Parameters
    ----------
    tax_percent : int
        The consumption tax of shares of the balance, that of the month's last day; shares of a fee follow the fee's own rates.
    """
    exact: dict[tuple, dict[int, Fraction]] = {}
    for segment in segments:
        for (company, kind, measure, base, year_days, payer), tiers in _ladders(segment.rows).items():
            payer = payer or remainder_id
            if payer == company or not any(rate for _, rate in tiers):
                continue
            sums = exact.setdefault((TIER_FEE if kind == FEE else TIER_BALANCE, company, payer), {})
            for group in _groups(segment, measure, company):
                balance = _base(segment, group, base)
                if kind == FEE:
                    for name in group:
                        for percent, yen in segment.fees.get(name, {}).items():
                            sums[percent] = sums.get(percent, Fraction(0)) + share_of_fee(yen, balance, tiers)
                else:
                    part = share_of_balance(balance, tiers, _years(segment, year_days))
                    sums[tax_percent] = sums.get(tax_percent, Fraction(0)) + part
    moves = [Move(program_id, *key, 1, rate_parts(sums)) for key, sums in sorted(exact.items())]
    return [move for move in moves if move.by_rate]


def fixed_moves(
    program_id: str, rows: Iterable[Mapping], contract_count: int, remainder_id: str, tax_percent: int
) -> list[Move]:
    """Return the monthly fees of a program (月額料金): `amount_yen` once, or once a contract, out of the payer's part.

    Parameters
    ----------
    rows : rows of `share_fixed` in force on the first day of the month
    contract_count : contracts of the program with an open sleeve on at least one day of the month
    tax_percent : the consumption tax of the month's last day; the amounts include it
    """
    moves = []
    for row in sorted(rows, key=lambda row: (row["per"], row["company_id"], row["paid_by_id"])):
        payer, many = row["paid_by_id"] or remainder_id, row["per"] == PER_CONTRACT
        count = contract_count if many else 1
        yen = row["amount_yen"] * count
        if yen and payer != row["company_id"]:
            kind = FIXED_CONTRACT if many else FIXED_PROGRAM
            moves.append(Move(program_id, kind, row["company_id"], payer, count, ((tax_percent, yen),)))
    return moves


def _ladders(rows: Iterable[Mapping]) -> dict[tuple, list[tuple[int, int]]]:
    found: dict[tuple, list[tuple[int, int]]] = {}
    for row in sorted(rows, key=lambda row: row["floor_yen"]):
        found.setdefault(tuple(row[name] for name in RATE_KEY), []).append((row["floor_yen"], row["rate_ppm"]))
    return found


def _groups(segment: Segment, measure: str, company: str) -> list[list[str]]:
    """Return the distributors whose balances and fees are taken together, group by group."""
    names = sorted({*segment.fees, *segment.balances})
    if measure == PROGRAM:
        return [names] if names else []
    return [[name] for name in names if measure == DISTRIBUTOR or name == company]


def _base(segment: Segment, group: Sequence[str], base: str) -> Fraction:
    days = day_count(segment.first, segment.last)
    series = [segment.balances[name] for name in group if name in segment.balances]
    if base == CLOSING:
        return Fraction(sum(yen[-1] for yen in series))
    return Fraction(sum(sum(yen) for yen in series), days)


def _years(segment: Segment, year_days: str) -> Fraction:
    year = segment.first.year
    length = day_count(date(year, 1, 1), date(year, 12, 31)) if year_days == "actual" else int(year_days)
    return Fraction(day_count(segment.first, segment.last), length)
