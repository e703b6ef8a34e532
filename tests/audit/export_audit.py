"""Audit of an export by code of its own: `python tests/audit/export_audit.py FOLDER [--terms T.toml] [--date DATE] [--json]`.

Reads only the exported tables, rebuilds every figure that follows from others, and counts the differences. Exit 0: none; 1: some.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.audit import (  # noqa: E402
    extra_checks,
    fee_checks,
    fill_checks,
    journal_checks,
    order_checks,
    position_checks,
    reference_checks,
    value_checks,
)
from tests.audit.books import Books  # noqa: E402
from tests.audit.result import Audit, Check, stopped  # noqa: E402
from tests.audit.tables import Export  # noqa: E402

TOPICS = (("sleeves, prices, flows", reference_checks), ("values", value_checks), ("positions", position_checks),
          ("orders", order_checks), ("fills and blocks", fill_checks), ("journal", journal_checks),
          ("instruments and payouts", extra_checks))


def run(topic: str, parts: Iterable[tuple[str, Callable[[], list[Check]]]]) -> list[Check]:
    """A part that cannot be computed is one difference, and stops no other part."""
    checks = []
    for name, part in parts:
        try:
            checks += part()
        except Exception as error:
            checks.append(stopped(f"{topic}: {name.replace('_', ' ')}", error))
    return checks


def audit(folder: Path, terms: Path | None = None, date: str | None = None) -> Audit:
    """Every check on the export in `folder`. `terms`: one terms file for all contracts; `date`: if values end earlier."""
    try:
        export = Export(Path(folder), date)
    except Exception as error:
        return Audit(str(folder), date or "?", [stopped("export: the tables can be read", error)])
    books = Books(export)
    result = Audit(str(folder), str(export.date), list(export.checks), export.notes)
    for topic, module in TOPICS:
        result.checks += run(topic, [(part.__name__, lambda part=part: part(books)) for part in module.CHECKS])
    result.checks += run("fees", fee_checks.checks(books, terms))
    return result


def audit_house_export(folder: Path, terms: Path | None = None, date: str | None = None) -> int:
    """Differences in an export; raises AssertionError with the printed audit if there are any."""
    result = audit(folder, terms, date)
    assert result.differences == 0, result.as_text()
    return result.differences


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Audit an exported folder by independent code.",
                                     epilog="example: python tests/audit/export_audit.py export-2026-03-31 --json")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--terms", type=Path, help="fee terms (TOML) of all contracts, if the export has no table fee_terms")
    parser.add_argument("--date", help="exported date; the last day of `values` if left out")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    if not chosen.folder.is_dir():
        parser.error(f"{chosen.folder} is no folder")
    result = audit(chosen.folder, chosen.terms, chosen.date)
    print(json.dumps(result.as_dict(), ensure_ascii=False, indent=1) if chosen.json else result.as_text())
    return 1 if result.differences else 0


if __name__ == "__main__":
    sys.exit(main())
