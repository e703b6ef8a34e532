"""The fees table, row by row, as papers need it (報酬明細の行): signs, consumption tax by date, what is still open, what was paid.

Read from the exported tables, so that a paper needs nothing but what everybody can see.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from tsutsumi.core.fee_periods import day_count
from tsutsumi.core.fee_terms import CONSUMPTION_TAX, Terms, consumption_tax_percent

REFUNDS, PERFORMANCE = frozenset(("refund", "correction_refund")), "performance"
KEY = ("contract_id", "sleeve_id", "component", "kind", "start_date", "end_date", "charged_date")

Weights = tuple[tuple[int, int], ...]  # consumption tax percent → how much of the fee, out of their sum


@dataclass(frozen=True, slots=True)
class FeeRow:
    """One row of the fees table (報酬の行), a refund below zero.

    `shares` holds company → yen, `distributor_id` who collects (function A of the contract on the day of charging),
    `weights` the consumption tax rates inside.
    """

    key: tuple
    contract_id: str
    program_id: str
    distributor_id: str
    component: str
    kind: str
    charged_date: date
    collected_date: date | None
    fee_yen: int
    shares: tuple[tuple[str, int], ...]
    weights: Weights

    def by_rate(self, yen: int) -> dict[int, Fraction]:
        """Return an amount of this row by consumption tax percent (税率別), exact."""
        whole = sum(weight for _, weight in self.weights)
        return {percent: Fraction(yen * weight, whole) for percent, weight in self.weights}


def fee_row(record: Mapping, program_id: str, distributor_id: str, terms: Terms | None) -> FeeRow:
    """Return a record of the fees table as a row (報酬の行の読み取り).

    A refund (返戻) counts below zero whatever its sign in the table, its shares likewise. A column `share_<company>_yen` that is
    null is no share.
    """
    sign = -1 if record["kind"] in REFUNDS else 1
    amounts = {
        name.removeprefix("share_").removesuffix("_yen"): value
        for name, value in record.items() if name.startswith("share_") and name.endswith("_yen") and value
    }
    if sign < 0:
        amounts = {company: -abs(value) for company, value in amounts.items()}
    return FeeRow(
        key=tuple(record.get(name) for name in KEY),
        contract_id=record["contract_id"], program_id=program_id, distributor_id=distributor_id,
        component=record["component"], kind=record["kind"], charged_date=record["charged_date"],
        collected_date=record["collected_date"], fee_yen=-abs(record["fee_yen"]) if sign < 0 else record["fee_yen"],
        shares=tuple(sorted(amounts.items())),
        weights=tax_weights(terms, record["kind"], record["start_date"], record["end_date"]),
    )


def merged(rows: Iterable[FeeRow]) -> list[FeeRow]:
    """Return the rows with those of one key made one (同じ報酬の合算): the amounts added, open while any of them is."""
    found: dict[tuple, FeeRow] = {}
    for row in rows:
        old = found.get(row.key)
        if old is not None:
            shares = dict(old.shares)
            for company, yen in row.shares:
                shares[company] = shares.get(company, 0) + yen
            dates = (old.collected_date, row.collected_date)
            row = replace(
                row, fee_yen=old.fee_yen + row.fee_yen, shares=tuple(sorted(shares.items())),
                collected_date=None if None in dates else max(dates),
            )
        found[row.key] = row
    return list(found.values())


def tax_weights(terms: Terms | None, kind: str, start: date, end: date) -> Weights:
    """Return which consumption tax rates are inside a fee, and how much of it each has (報酬に含まれる消費税率).

    As the terms' `rates_of` priced it: `day`: the days under each rate, and with `tax = "added"` days × (100 + rate), since the
    later days paid more; `period-start`, `period-end`: the rate of that day. A performance fee, or one without known terms: that
    of its last day.

    Examples
    --------
    Without terms, by the last day of the period:

    >>> tax_weights(None, "charge", date(2019, 8, 15), date(2019, 11, 14))
    ((10, 1),)
    """
    by = terms.rates_of if terms is not None and kind != PERFORMANCE else "period-end"
    if by != "day":
        return ((consumption_tax_percent(start if by == "period-start" else end), 1),)
    changes = [since for since, _ in CONSUMPTION_TAX if start < since <= end]
    weights = []
    for first, after in pairwise([start, *changes, None]):
        percent = consumption_tax_percent(first)
        days = (after - first).days if after else day_count(first, end)
        weights.append((percent, days * (100 + percent) if terms.tax == "added" else days))
    return tuple(weights) if len(weights) > 1 else ((weights[0][0], 1),)


def paid_by_row(rows: Sequence[FeeRow], paid_yen: int, day: date) -> tuple[dict[tuple, int], int]:
    """Return what of each fee of one contract was paid by a day (行ごとの支払額), and what cannot be explained.

    A fee collected by then is paid whole. What was paid less than that is credit that was set off or paid out: it goes to the
    refunds, the oldest first, below zero. What was paid more is the part that some sleeves have paid of a fee still open: it goes
    to the open fees, the oldest first. So Σ = the fee flows of the contract's sleeves, to the yen.

    Parameters
    ----------
    rows : the rows of one contract
    paid_yen : int
        Σ of its `fee` flows to the day, the sign turned: paid is above zero.

    Returns
    -------
    by key : yen (refunds below zero);  difference : yen paid that no row explains, 0 where all is right
    """
    known = sorted((row for row in rows if row.charged_date <= day), key=_age)
    paid = {row.key: row.fee_yen for row in known if row.kind not in REFUNDS and _collected(row, day)}
    credit = sum(paid.values()) - paid_yen
    for row in known:
        if row.kind in REFUNDS and credit > 0:
            paid[row.key] = -min(credit, -row.fee_yen)
            credit += paid[row.key]
        elif row.kind not in REFUNDS and credit < 0 and row.key not in paid:
            paid[row.key] = min(-credit, row.fee_yen)
            credit += paid[row.key]
    return paid, -credit


def open_keys(rows: Iterable[FeeRow], day: date) -> set[tuple]:
    """Return the keys of the rows that are not collected at the end of a day (未収の行); a refund is settled when it is charged."""
    return {row.key for row in rows if row.charged_date <= day and not _collected(row, day)}


def _collected(row: FeeRow, day: date) -> bool:
    return row.collected_date is not None and row.collected_date <= day


def _age(row: FeeRow) -> tuple:
    return row.charged_date, row.component, row.kind, str(row.key)
