"""What the fees of a whole book cost (報酬の計測): every contract's schedule, column by column, against one contract at a time.

Timed is all from values, flows and terms to the yen of every entry: grouping by terms, averages, running bases, marks, prices.
Not timed are compilation and the making of the book. Seconds are processor seconds of this process, on one core; the median of
the rounds counts. A sample that covers every terms file is charged anew by `fee_schedule`, in exact fractions, from the same
values and flows, and compared entry by entry. The baseline is extrapolated: its seconds for a contract, apart for each terms file
and for contracts with and without flows or an end, times the contracts there are of each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time

import numpy as np

from tsutsumi.app.bench.fee_house import THROUGH, build_house, house_terms
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.fee_engine import FeeEntry, fee_schedule
from tsutsumi.core.fee_histories import NEVER, Histories
from tsutsumi.core.fee_history import FlowRow, History, ValueRow, contract_history
from tsutsumi.core.fee_schedules import KINDS, FeeLines, book_schedule
from tsutsumi.core.fee_terms import Terms
from tsutsumi.core.sorting import sorted_order
from tsutsumi.run.memory import keep_memory

SAMPLED, SEED = 20, 1  # contracts of each terms file, with flows or an end and without, that are charged both ways
Entry = tuple[str, int, int, dict[str, int]]


@dataclass(frozen=True, eq=False)
class House:
    """The synthetic house: its terms files, the terms number of each contract, and what is known of the contracts."""

    terms: list[Terms]
    number: np.ndarray
    histories: Histories


def charge_book(house: House) -> list[list[FeeLines]]:
    """Return all fees of the house (全契約の報酬計算), terms file by terms file."""
    order = sorted_order(house.number)
    ends = np.cumsum(np.bincount(house.number, minlength=len(house.terms)))
    groups = np.split(order, ends[:-1])
    return [book_schedule(terms, house.histories, THROUGH, group) for terms, group in zip(house.terms, groups, strict=True)]


def sample(house: House) -> list[tuple[int, np.ndarray, int]]:
    """Return (terms number, contracts, how many they stand for): of each terms file with and without flows or an end (標本)."""
    rng = np.random.default_rng(SEED)
    eventful = (np.diff(house.histories.flow_offsets) > 0) | (house.histories.ended < NEVER)
    strata = []
    for number in range(len(house.terms)):
        for some in (eventful, ~eventful):
            members = np.flatnonzero((house.number == number) & some)
            strata.append((number, np.sort(rng.permutation(members)[:SAMPLED]), members.size))
    return [stratum for stratum in strata if stratum[2]]


def history_of(histories: Histories, contract: int, cash_excluded: bool) -> History:
    """Return one contract of the house as `fee_schedule` reads it (契約の履歴)."""
    rows = slice(histories.offsets[contract], histories.offsets[contract + 1])
    columns = (histories.days[rows], histories.value_yen[rows], histories.cash_yen[rows])
    values = [
        ValueRow(from_epoch_day(day), value, cash if cash_excluded else None)
        for day, value, cash in zip(*(column.tolist() for column in columns), strict=True)
    ]
    rows = slice(histories.flow_offsets[contract], histories.flow_offsets[contract + 1])
    flows = zip(histories.flow_days[rows].tolist(), histories.flow_yen[rows].tolist(), strict=True)
    ended = int(histories.ended[contract])
    return contract_history(
        values, [FlowRow(from_epoch_day(day), yen) for day, yen in flows], from_epoch_day(histories.start[contract]), THROUGH,
        None if ended == NEVER else from_epoch_day(ended),
    )


def entries_of(lines: list[FeeLines], contracts: np.ndarray) -> dict[int, list[Entry]]:
    """Return the entries of some contracts (報酬明細), in the order in which they arise."""
    found: dict[int, list[Entry]] = {int(contract): [] for contract in contracts}
    for part in lines:
        for k in np.flatnonzero(np.isin(part.contract, contracts)).tolist():
            components = {name: int(yen[k]) for name, yen in part.yen.items()}
            found[int(part.contract[k])].append((KINDS[int(part.kind[k])], int(part.first[k]), int(part.last[k]), components))
    return found


def _as_entry(entry: FeeEntry) -> Entry:
    first, last = ((day - from_epoch_day(0)).days for day in (entry.start, entry.end))
    return entry.kind, first, last, entry.components


def compare(house: House, charged: list[list[FeeLines]]) -> dict:
    """Return how the sample came out both ways (突合): its contracts, the entries that differ, the seconds of the other way."""
    differing, contracts, seconds = 0, 0, 0.0
    for number, chosen, members in sample(house):
        terms = house.terms[number]
        ours = entries_of(charged[number], chosen)
        histories = [history_of(house.histories, contract, terms.cash == "excluded") for contract in chosen.tolist()]
        begun = process_time()
        theirs = [fee_schedule(terms, history) for history in histories]
        seconds += (process_time() - begun) * members / chosen.size
        contracts += chosen.size
        for mine, other in zip(ours.values(), theirs, strict=True):
            other = [_as_entry(entry) for entry in other]
            differing += abs(len(mine) - len(other)) + sum(a != b for a, b in zip(mine, other, strict=False))
    return {"sample_contracts": contracts, "differences": differing, "baseline_seconds": seconds}


def measure(contracts: int, rounds: int, tell: Callable[[str], None] = lambda text: None) -> dict:
    """Return the figures of `tsutsumi bench fees` (計測結果).

    Parameters
    ----------
    contracts, rounds : int
    tell : called with what is being done
    """
    tell(f"a book of {contracts:,} contracts")
    keep_memory()
    terms = house_terms()
    house = House(terms, *build_house(contracts, terms))
    tell("a round to warm up")
    charged = charge_book(house)
    tell("the sample, one contract at a time in exact fractions, and the comparison entry by entry")
    figures = {
        "contracts": contracts, "terms": len(terms), "rounds": rounds, "value_rows": house.histories.days.size,
        "flows": house.histories.flow_days.size, **_totals(charged), **compare(house, charged),
        "baseline": "fee_schedule, one contract at a time in exact fractions; extrapolated from the sample",
    }
    del charged
    seconds = []
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        begun = process_time()
        charge_book(house)
        seconds.append(process_time() - begun)
    figures["seconds"] = median(seconds)
    figures["ratio"] = figures["baseline_seconds"] / figures["seconds"]
    return figures


def _totals(charged: list[list[FeeLines]]) -> dict:
    """Return how many fees were charged, by kind, and their yen, refunds taken off."""
    counts, yen = dict.fromkeys(KINDS.values(), 0), 0
    for part in (part for lines in charged for part in lines):
        for code, kind in KINDS.items():
            members = part.kind == code
            counts[kind] += int(members.sum())
            yen += sum(int(amount[members].sum()) for amount in part.yen.values()) * (-1 if kind == "refund" else 1)
    return {"fees_charged": sum(counts.values()), "kinds": counts, "fee_yen": yen}
