"""Run every case table of docs/rules/*.md: a Markdown table under `<!-- cases: NAME -->`, one test for each row."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from tests import cases

RULES = Path(__file__).parents[1] / "docs" / "rules"
MARK = re.compile(r"<!--\s*cases:\s*(\S+)\s*-->")


def cells(line: str) -> list[str]:
    """Return the cells of a table line."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(text: str) -> list[tuple[str, int, list[tuple[int, dict[str, str]]]]]:
    """Return (name, line, rows) of each marked table, a row being (line, {column: cell})."""
    lines = text.splitlines()
    found = []
    for at, line in enumerate(lines):
        if not (mark := MARK.fullmatch(line.strip())):
            continue
        start = next((n for n in range(at + 1, len(lines)) if lines[n].strip()), at)
        end = start
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        header = cells(lines[start])
        rows = [(n + 1, cells(lines[n])) for n in range(start + 2, end)]
        assert all(len(row) == len(header) for _, row in rows), f"line {at + 1}: a row has another number of cells"
        found.append((mark[1], at + 1, [(n, dict(zip(header, row, strict=True))) for n, row in rows]))
    return found


def documents() -> list[tuple[str, str, int, list]]:
    """Return (file, name, line, rows) of every marked table."""
    return [(path.name, *table) for path in sorted(RULES.glob("*.md")) for table in tables(path.read_text("utf-8"))]


def rows() -> list:
    """Return one parameter for each row."""
    return [
        pytest.param(name, row, id=f"{file}:{line}:{name}")
        for file, name, _, table in documents()
        for line, row in table
    ]


for module in pkgutil.iter_modules(cases.__path__):
    importlib.import_module(f"tests.cases.{module.name}")


@pytest.mark.parametrize(("name", "row"), rows())
def test_case(name, row):
    assert name in cases.HANDLERS, f"no handler is registered for the cases {name!r} in tests/cases"
    cases.HANDLERS[name](row)


def test_every_marked_table_has_rows_and_every_handler_a_table():
    assert [f"{file}:{line}" for file, _, line, table in documents() if not table] == []
    assert set(cases.HANDLERS) == {name for _, name, _, _ in documents()}
