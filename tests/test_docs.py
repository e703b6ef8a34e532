"""The documents are true: the tour runs as it is printed, every table and file kind is described, every link leads somewhere."""

import csv
import io
import re
import shlex
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.store.files import FILES, load
from tsutsumi.app.cli import COMMANDS, main
from tsutsumi.core.alerts import alert_kinds
from tsutsumi.ports.nav_files import HEADERS, nav_kind
from tsutsumi.run.close_day import close_through
from tsutsumi.run.export import BUILDERS, gather_house
from tsutsumi.store.database import create_house
from tsutsumi.store.kinds import KINDS, kind_of
from tsutsumi.store.load_events import NEEDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CORE = ROOT / "src" / "tsutsumi" / "core"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
ALERT = re.compile(r"""alerts?(?:\.add)?\(\s*"(\w+)\"""")
REST = "…"


# ---- the tour


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield (what, body) of every fence, and of every command in a console fence with what it should print."""
    for info, body in FENCE.findall(text):
        if info != "console":
            yield info, body
            continue
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, _, told = part.partition("\n")
            yield f"$ {command}", told


def pattern(told: str) -> str:
    """Return the expression of what is printed: `…` in a line is anything, a line of `…` any lines; spaces count as one."""
    lines = (" ".join(line.split()) for line in told.splitlines())
    return "".join(r"(?:.*\n)*?" if line == REST else re.escape(line).replace(REST, ".*?") + "\n" for line in lines)


def run(command: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a command of the tour prints, its exit code as a last line if it is not 0."""
    words = shlex.split(command)
    if words[0] == "cat":
        return "".join(Path(name).read_text(encoding="utf-8") for name in words[1:])
    assert words[0] == "tsutsumi", f"{command!r}: the tour knows tsutsumi and cat"
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    code = ended.value.code or 0
    return told.out + told.err + (f"[exit {code}]\n" if code else "")


def test_the_tour_runs_as_it_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for what, body in steps((DOCS / "tour.md").read_text(encoding="utf-8")):
        if what.startswith("csv file="):
            Path(what.removeprefix("csv file=")).write_text(body, encoding="utf-8")
        elif what == "python":
            exec(compile(body, "tour", "exec"), {})
        elif what.startswith("$ "):
            printed = run(what.removeprefix("$ "), capsys, monkeypatch)
            normal = "".join(" ".join(line.split()) + "\n" for line in printed.splitlines() if line.strip())
            assert re.fullmatch(pattern(body), normal), f"{what}\nprinted:\n{printed}\nthe tour says:\n{body}"


# ---- the data page


def sections() -> dict[str, str]:
    """Return the text of every `## ` section of docs/data.md by the first word (or `export: table`) of its heading."""
    text = (DOCS / "data.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {part.splitlines()[0].split(" — ")[0]: part for part in parts}


def described(section: str) -> list[tuple[str, ...]]:
    """Return the rows of the first table of a section."""
    rows = []
    for line in section.splitlines():
        if line.startswith("|"):
            rows.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
        elif rows:
            break
    return rows[2:]


def test_every_file_kind_and_its_columns_are_described():
    known = {name: [(one.name, one.default) for one in kind.fields] for name, kind in KINDS.items()}
    known |= {name: [(column, None) for column in header] for name, header in HEADERS.items()}
    told = sections()
    for name, columns in known.items():
        rows = [(row[0], {"必須": None, "空": ""}.get(row[2], row[2])) for row in described(told[name])]
        assert rows == columns, f"docs/data.md, {name}"
    assert {name for name in told if ":" not in name and name != "共通の約束"} == set(known)


def test_every_file_kind_has_an_example_that_is_recognised():
    shown = {info.removeprefix("csv example="): body for info, body in FENCE.findall((DOCS / "data.md").read_text("utf-8"))}
    assert set(shown) == set(KINDS) | set(HEADERS)
    for name, body in shown.items():
        rows = list(csv.reader(io.StringIO(body)))
        header = tuple(rows[0])
        assert (nav_kind(header) if name in HEADERS else kind_of(header)) == name
        assert len(rows) > 1 and all(len(row) == len(header) for row in rows), name


def test_every_event_kind_is_described():
    kinds = re.findall(r"^\| (\w+) \| [^|]+ \| [^|]+ \|$", sections()["events"].split("| kind | 意味 | 要る列 |")[1], re.MULTILINE)
    assert set(kinds) == set(NEEDS)


def test_every_table_and_column_of_the_export_is_described(tmp_path):
    house = create_house(tmp_path / "house", None, 1)
    load(house, **FILES, nav="date,fund_code,nav_yen\n2026-08-03,eq,10000\n2026-08-03,bond,10000\n")
    close_through(house, date(2026, 8, 4))
    tables = gather_house(house, date(2026, 8, 4))
    told = {name.removeprefix("export: "): part for name, part in sections().items() if name.startswith("export: ")}
    assert list(told) == list(BUILDERS)
    for name, frame in tables.items():
        rows = [row[0] for row in described(told[name])]
        shares = [column for column in frame.columns if column.startswith("share_")]
        assert [row for row in rows if row != "share_<company_id>_yen"] == [c for c in frame.columns if c not in shares], name


def test_every_alert_kind_has_a_cause_and_a_cure_for_operations():
    raised = {kind for path in CORE.glob("*.py") for kind in ALERT.findall(path.read_text(encoding="utf-8"))}
    page = (DOCS / "close.ja.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert len(raised) > 12 and raised == told
    rows = {kind: (cause, cure) for kind, cause, cure in re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)}
    assert {kind: (row["cause_ja"], row["cure_ja"]) for kind, row in alert_kinds().items()} == rows
    assert all(row["ja"] and row["ja"] != kind for kind, row in alert_kinds().items())


def test_every_command_stands_in_both_readmes():
    for page in ("README.md", "README.ja.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [name for name in COMMANDS if f"`tsutsumi {name}" not in text] == [], page


# ---- links


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for found in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = (found[0] or found[1]).partition("#")
        if target.startswith(("http:", "https:")):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {target} does not exist"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target} has no heading #{anchor}"
