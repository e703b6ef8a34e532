"""A house on every evening (毎晩の検証): what verify and the audit would say of it if no later day were closed."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date as Date
from pathlib import Path

from tests.audit.export_audit import audit
from tsutsumi.core.calendar import epoch_day
from tsutsumi.ports.paper import PaperBank
from tsutsumi.run.close_day import closing, read_reference
from tsutsumi.run.export import BUILDERS
from tsutsumi.run.gathering import Gathering
from tsutsumi.run.verify import CHECKS, _days
from tsutsumi.run.verify_check import Bench
from tsutsumi.store.database import House, create_house, open_house, reading, transaction
from tsutsumi.store.manifest import closed_days
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import events


def bench_of(house: House, folder: Path) -> Bench:
    """Return what the checks of verify stand on."""
    with reading(house) as connection:
        rows = closed_days(connection)
        taken = [dict(row._mapping) for row in connection.execute(events.select())]
    return Bench(house, read_reference(house, rows[-1].date), taken, rows, folder)


def every_evening(
    house: House, folder: Path, wanted: Callable[[Date], bool] = lambda day: True
) -> Iterator[tuple[Date, list[str]]]:
    """Yield each closed day that is wanted, and what verify (on the books) and the audit (on the export) find short by then.

    Of a house without late corrections: these change what is right of days before they are booked.
    """
    bench = bench_of(house, folder)
    rows, taken = bench.days, bench.events
    checks, gathering = [make(bench) for make in CHECKS], Gathering(house)
    for number, day in enumerate(_days(bench), 1):
        gathering.add(day.date, day.tables, day.books)
        for check in checks:
            check.add(day)
        if wanted(day.date):
            of_day = replace(bench, days=rows[:number], events=[_as_known(row, day.date) for row in taken])
            yield day.date, _verified(checks, bench, of_day) + _audited(gathering, folder / "export", day.date)


def stored_house(case: dict, folder: Path) -> House:
    """Return a random house, in a folder, closed to its last day by its own bank; what corrects past fees needs files: left out."""
    with transaction(create_house(folder)) as connection:
        for name, rows in case["tables"].items():
            for row in rows:
                if row.get("kind") != "fee_corrected":
                    insert_rows(connection, name, [row])
    house, failures = open_house(folder), case["bank_failures"]
    with closing(house, case["through"]) as closer:
        closer.bank = PaperBank(failures.failure_ppm, failures.seed)
        while int(closer.reference.timeline.days[closer.next_index]) <= epoch_day(case["through"]):
            closer.close_next()
    return house


def _as_known(event: dict, day: Date) -> dict:
    """Return the row of an event as it stood on an evening."""
    later = event["processed_date"] is not None and event["processed_date"] > day
    return event | {"processed_date": None} if later else event


def _verified(checks: list, bench: Bench, of_day: Bench) -> list[str]:
    known = {id(bench): of_day, id(bench.reference): bench.reference, id(bench.house): bench.house}
    found = [one for check in copy.deepcopy(checks, known) for one in check.checks()]
    return [f"verify {one.key}: {one.details}" for one in found if one.passed is False]


def _audited(gathering: Gathering, folder: Path, day: Date) -> list[str]:
    folder.mkdir(exist_ok=True)
    for name, build in BUILDERS.items():
        build(gathering).write_parquet(folder / f"{name}.parquet")
    return [f"audit {one.name}: {one.examples}" for one in audit(folder, date=str(day)).checks if one.differences]
