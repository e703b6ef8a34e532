"""The house rules of docs/style.md, each held by a test: a finding says where, and what the rule is."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tsutsumi import __version__
from tsutsumi.core.schema import COLUMNS, KEYS, vocabulary

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tsutsumi"
CORE = SOURCE / "core"
DECISIONS = ROOT / "docs" / "decisions"
MOST_FILE_LINES, MOST_FUNCTION_LINES, MOST_COLUMNS = 400, 60, 132
BANNED_NAMES = re.compile(r"(^|_)(util|utils|manager|helper|helpers|service|services|process)(_|$)")
LEFT_OVER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w.~\]])/(?:home|root|Users|work|mnt|var/folders)/\w|\b[A-Z]:\\\\?Users")
ROUNDERS = {"round", "floor", "ceil", "rint", "trunc", "around", "quantize"}
MAY_ROUND = ("core/units.py", "core/wide.py", "core/fee_pricing.py")
UNITS = ("_no", "_yen", "_units", "_ppm", "_days", "_months", "_date", "_at", "_count", "_id", "_kind", "_code", "_index")
PLAIN_COLUMNS = {"price", "quantity", "status", "units", "limit_price", "fill_price"}  # what they are, with a scale beside them

# (file, function): the reason. Empty is the aim; nothing enters that can be split.
LONG_FUNCTIONS: dict[tuple[str, str], str] = {}
# (file, function): a figure that is shown and never booked.
FLOATS = {("core/performance.py", "money_weighted_ppm"): "the rate that a library solves, told in ppm"}

FLOAT_FOLDER = "core/goals/"  # a probability is no money; whole yen are searched there as integers, and nothing rounds


@cache
def python_files(folder: Path) -> tuple[Path, ...]:
    """Return the Python files of a folder and those below."""
    return tuple(sorted(folder.rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def own_files() -> list[Path]:
    """Return every text file that people write: code, tests, documents, settings."""
    kinds = ("*.py", "*.md", "*.toml", "*.csv", "*.svg", "*.txt")
    folders = [ROOT / folder for folder in ("src", "tests", "docs", "bench", "constraints")]
    found = [path for folder in folders for kind in kinds for path in folder.rglob(kind)]
    return sorted([*found, *ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "Makefile", ROOT / ".ci" / "run"])


def name(path: Path) -> str:
    """Return a file as it is named in a finding: below src/tsutsumi, or below the repository."""
    return str(path.relative_to(SOURCE if path.is_relative_to(SOURCE) else ROOT))


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function of a file with its name, compiled kernels and methods too."""
    nodes: list[ast.AST] = [tree(path)]
    while nodes:  # of statements only: no function stands inside an expression
        node = nodes.pop()
        nodes += [one for name in ("body", "orelse", "finalbody", "handlers", "cases") for one in _statements(node, name)]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node


def _statements(node: ast.AST, name: str) -> list[ast.AST]:
    found = getattr(node, name, [])
    return found if isinstance(found, list) else []


def within(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of a file with the name of the top function or class around it."""
    for top in tree(path).body:
        for node in ast.walk(top):
            yield getattr(top, "name", ""), node


def lines_of(function: ast.FunctionDef) -> int:
    """Return the lines of code of a function: the docstring does not count."""
    first = function.body[0]
    has_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if has_text else 0)


def called(node: ast.Call) -> str:
    """Return the last word of what is called: `floor` of `np.floor(x)`."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


# ---- size


def test_no_file_is_longer_than_400_lines():
    files = python_files(SOURCE) + python_files(ROOT / "tests")
    sizes = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {file: lines for file, lines in sizes.items() if lines > MOST_FILE_LINES} == {}


def test_no_function_is_longer_than_60_lines():
    found = {}
    for path in python_files(SOURCE) + python_files(ROOT / "tests"):
        found |= {(name(path), function): lines_of(node) for function, node in functions(path)}
    long = {where: lines for where, lines in found.items() if lines > MOST_FUNCTION_LINES}
    assert {where: lines for where, lines in long.items() if where not in LONG_FUNCTIONS} == {}
    assert set(LONG_FUNCTIONS) <= set(long), "an exception that is no longer needed: take it out"


def test_no_line_is_wider_than_132_columns():
    wide = []
    for path in python_files(SOURCE) + python_files(ROOT / "tests"):
        lines = path.read_text(encoding="utf-8").splitlines()
        wide += [f"{name(path)}:{number}" for number, line in enumerate(lines, 1) if len(line) > MOST_COLUMNS]
    assert wide == []


# ---- names and words


def test_files_are_nouns():
    every = [path for path in (*SOURCE.rglob("*"), *(ROOT / "tests").rglob("*")) if path.suffix in ("", ".py")]
    assert [name(path) for path in every if BANNED_NAMES.search(path.stem)] == []


def test_every_public_function_and_class_says_what_it_is():
    silent = []
    for path in python_files(SOURCE):
        silent += [f"{name(path)}: the file"] if not ast.get_docstring(tree(path)) else []
        for owner in [tree(path), *(node for node in tree(path).body if isinstance(node, ast.ClassDef))]:
            if isinstance(owner, ast.ClassDef) and owner.name.startswith("_"):
                continue
            for node in owner.body:
                public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
                if public and not ast.get_docstring(node):
                    silent.append(f"{name(path)}:{node.lineno} {node.name}")
    assert silent == []


def test_every_column_is_in_the_vocabulary_and_ends_with_its_unit():
    used = {column for columns in COLUMNS.values() for column in columns.split()}
    words = vocabulary()
    assert used - set(words) == set(), "a column without a line in vocabulary.csv"
    assert {column for columns in KEYS.values() for column in columns} <= used
    for word in words.values():
        assert word.ja and word.en and word.meaning and word.low <= word.high, word.column
    assert [column for column in words if not column.endswith(UNITS) and column not in PLAIN_COLUMNS] == []


def test_nothing_is_left_for_later():
    found = []
    for path in own_files():
        found += [f"{name(path)}: {match}" for match in LEFT_OVER.findall(path.read_text(encoding="utf-8"))]
    assert found == []


def test_no_path_of_a_machine():
    found = []
    for path in own_files():
        found += [f"{name(path)}: {match.group()}" for match in MACHINE_PATH.finditer(path.read_text(encoding="utf-8"))]
    assert found == []


# ---- money


def test_the_core_has_no_floats():
    found = []
    for path in python_files(CORE):
        if name(path).startswith(FLOAT_FOLDER):
            continue
        for owner, node in within(path):
            number = isinstance(node, ast.Constant) and isinstance(node.value, float)
            kind = (isinstance(node, ast.Name) and node.id == "float") or (
                isinstance(node, ast.Attribute) and node.attr.startswith("float")
            )
            divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant)
            if (number or kind or divided) and (name(path), owner) not in FLOATS:
                found.append(f"{name(path)}:{node.lineno} {owner}")
    assert found == []


def test_only_three_files_round():
    found = []
    for folder in ("core", "store", "ports", "run"):
        for path in python_files(SOURCE / folder):
            if name(path) in MAY_ROUND:
                continue
            calls = [(owner, node) for owner, node in within(path) if isinstance(node, ast.Call) and called(node) in ROUNDERS]
            found += [f"{name(path)}:{node.lineno} {owner}" for owner, node in calls if (name(path), owner) not in FLOATS]
    assert found == [], "round in core/units.py, core/wide.py or core/fee_pricing.py, under a name"


# ---- tests and documents


def core_name(path: Path) -> str:
    """Return a file of the core as it is imported below tsutsumi.core: `fees`, `goals.law`."""
    return ".".join(path.relative_to(CORE).with_suffix("").parts)


@pytest.mark.parametrize("path", [path for path in python_files(CORE) if path.stem != "__init__"], ids=core_name)
def test_every_file_of_the_core_is_named_in_a_test(path):
    folder, _, stem = f"tsutsumi.core.{core_name(path)}".rpartition(".")
    parts = re.escape(folder), re.escape(stem), re.escape(name(path))
    word = re.compile(r"{0}\.{1}\b|from {0} import .*\b{1}\b|{2}".format(*parts))
    assert any(word.search(test.read_text(encoding="utf-8")) for test in python_files(ROOT / "tests")), (
        f"no file in tests/ imports {folder}.{stem} or names {name(path)}"
    )


def test_the_changelog_knows_this_version():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", text, re.MULTILINE)
    assert versions[0] == settings["project"]["version"] == __version__
    entry = text.split(f"## {__version__}")[1].split("\n## ")[0]
    assert re.search(r"^- \w", entry, re.MULTILINE), "the version has no line"


def test_decisions_are_numbered_without_gaps_and_say_the_price_paid():
    pages = sorted(DECISIONS.glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]} "), page.name
        assert [part for part in ("## Context", "## Choice", "## Price paid") if part not in text] == [], page.name
        assert len(text.splitlines()) <= 60, f"{page.name}: one page"


def test_every_rule_of_the_style_page_names_a_test_that_exists():
    text = (ROOT / "docs" / "style.md").read_text(encoding="utf-8")
    known = {function for path in python_files(ROOT / "tests") for function, _ in functions(path)}
    named = set(re.findall(r"`(test_\w+)`", text)) - {path.stem for path in python_files(ROOT / "tests")}
    assert len(named) > 12 and named <= known, f"no such test: {sorted(named - known)}"
    here = {function for function, _ in functions(Path(__file__)) if function.startswith("test_")}
    own = "test_every_rule_of_the_style_page_names_a_test_that_exists"
    assert here - named - {own} == set(), "a rule that is held but not told"
