"""What a text takes on a screen (画面の幅): widths with Japanese letters, lines folded between words, columns under each other."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

WIDTH = 100
WORD = re.compile(r"[（「“]*(?:[ァ-ヶー]{1,16}|[!-~–−×…≈]+|.)[。、）」”]* ?")


def width(text: str) -> int:
    """Return the columns that a text takes on a screen; a Japanese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def folded(text: str, columns: int) -> list[str]:
    """Return a text in lines of so many columns, broken between words: Latin and katakana ones whole, no line starts with 。"""
    lines, line = [], ""
    for word in WORD.findall(text):
        if line and width(line + word.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += word if line else word.lstrip()
    return [*lines, line.rstrip()]


def fitted(lines: Iterable[str]) -> list[str]:
    """Return lines that fit on the screen (画面に収めた行): what is wider goes on in the next line, two columns further in.

    A command to be copied stays in one line.

    >>> [len(line) for line in fitted(["  " + "word " * 30])]
    [96, 58]
    """
    found = []
    for line in lines:
        if width(line) <= WIDTH or line.lstrip().startswith("tsutsumi "):
            found.append(line)
            continue
        indent = " " * (len(line) - len(line.lstrip(" ")))
        first, *rest = folded(line.strip(), WIDTH - len(indent) - 2)
        found += [indent + first, *(f"{indent}  {one}" for one in rest)]
    return found


def table(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """Return rows as lines whose columns stand under each other."""
    widths = [max(width(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = []
        for n, cell in enumerate(row):
            space = " " * (widths[n] - width(cell))
            cells.append(f"{space}{cell}" if n in right else f"{cell}{space}")
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines
