"""Random books of contracts under one terms file, as columns and as the slow oracle reads them."""

import random
from datetime import date

import numpy as np

from tests.oracles.fee_histories import chance, day_between, month_ends, random_case, random_flows, random_values
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_histories import NEVER, Histories
from tsutsumi.core.fee_schedules import KINDS, FeeLines


def random_contracts(rng: random.Random, most: int = 5) -> list[dict]:
    """Return contracts under the same terms, known through the same day: a random case and others that start after it."""
    case = random_case(rng)
    contracts = [case]
    for _ in range(rng.randrange(most)):
        start = day_between(rng, case["start"], case["through"])
        ends, terminated = month_ends(start, case["through"]), None
        if chance(rng, 50):
            terminated = rng.choice([day_between(rng, start, case["through"]), rng.choice(ends)])
        flows = random_flows(rng, ends, start, terminated or case["through"])
        values = random_values(rng, case["terms"], start, case["through"], flows)
        contracts.append(case | {"start": start, "terminated": terminated, "flows": flows, "values": values})
    return contracts


def columns(contracts: list[dict]) -> Histories:
    """Return the contracts as columns; rows before the first day are left out, as every reading of the rules leaves them out."""
    rows = [sorted(row for row in contract["values"] if row[0] >= contract["start"]) for contract in contracts]
    flows = [contract["flows"] for contract in contracts]
    no_cash = any(cash is None for part in rows for _day, _value, cash in part)
    return Histories(
        start=_whole(epoch_day(contract["start"]) for contract in contracts),
        ended=_whole(epoch_day(contract["terminated"]) if contract["terminated"] else NEVER for contract in contracts),
        offsets=_whole(np.cumsum([0, *map(len, rows)]).tolist()),
        days=_whole(epoch_day(day) for part in rows for day, _value, _cash in part).astype(np.int32),
        value_yen=_whole(value for part in rows for _day, value, _cash in part),
        cash_yen=None if no_cash else _whole(cash for part in rows for _day, _value, cash in part),
        flow_offsets=_whole(np.cumsum([0, *map(len, flows)]).tolist()),
        flow_days=_whole(epoch_day(day) for part in flows for day, _yen in part).astype(np.int32),
        flow_yen=_whole(yen for part in flows for _day, yen in part),
    )


def _whole(numbers) -> np.ndarray:
    return np.array(list(numbers), np.int64)


def entries(lines: list[FeeLines], contracts: int) -> list[list[dict]]:
    """Return the entries of each contract as the oracle writes them, without the base."""
    found: list[list[dict]] = [[] for _ in range(contracts)]
    for part in lines:
        for k, contract in enumerate(part.contract.tolist()):
            components = {name: int(yen[k]) for name, yen in part.yen.items()}
            start, end = (from_epoch_day(int(days[k])).isoformat() for days in (part.first, part.last))
            found[contract].append({
                "kind": KINDS[int(part.kind[k])], "start": start, "end": end, "components": components,
                "total_yen": sum(components.values()),
            })
    return found


def without_base(charged: list[dict]) -> list[dict]:
    """Return what the oracle charged without the bases, which the columns do not tell."""
    return [{key: value for key, value in entry.items() if key != "base_yen"} for entry in charged]


def some_days(rng: random.Random, first: date, last: date) -> list[date]:
    """Return a few days of a span in order, the last one among them."""
    return sorted({last, *(day_between(rng, first, last) for _ in range(rng.randrange(6)))})
