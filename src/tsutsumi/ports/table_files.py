"""Tables from outside (表ファイル): a CSV in UTF-8 (BOM or not) or CP932, or a Parquet file, as rows of text with their lines.

Numbers stay text here, so that no value passes through a binary fraction; a floating-point column in Parquet is refused.
"""

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from tsutsumi.core.refusals import Refusal

PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class TableFile:
    """A table as it came (表ファイル): header, rows of text and the line of each; what could not be read is refused."""

    path: Path
    header: tuple[str, ...] = ()
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def read_table_file(path: Path) -> TableFile:
    """Return the rows of a CSV or Parquet file (表ファイルの読み込み); a row with too few or too many fields is refused.

    Lines count as in an editor: the header is line 1. In Parquet, line n is row n - 1.
    """
    path = Path(path)
    content = path.read_bytes()
    return _parquet(path) if content[:4] == PARQUET_MAGIC else _csv(path, content)


def nearest_header(header: Sequence[str], known: Mapping[str, Sequence[str]]) -> str:
    """Return the known header that shares most columns with this one, or spells most like it, as a cure (最も近い見出し).

    >>> nearest_header(["date", "fund", "nav_yen"], {"nav": ["date", "fund_code", "nav_yen"], "fx": ["date", "usd_jpy"]})
    'the nearest known header is nav: date,fund_code,nav_yen'
    """
    def likeness(kind: str) -> tuple[int, int, int]:
        columns = known[kind]
        shared = len(set(header) & set(columns))
        alike = sum(bool(get_close_matches(name, columns, 1, 0.6)) for name in header)
        return shared, alike, -len(columns)

    kind = max(known, key=likeness)
    return f"the nearest known header is {kind}: {','.join(known[kind])}"


def _csv(path: Path, content: bytes) -> TableFile:
    text = _decoded(content)
    if text is None:
        cure = "save the file as UTF-8 or CP932 (Shift-JIS) text, or as Parquet"
        return TableFile(path, refused=[Refusal(0, path.name, "its text is neither UTF-8 nor CP932", cure)])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    table = TableFile(path, tuple(normal(name) for name in next(reader, ())))
    if not any(table.header):
        return TableFile(path, refused=[Refusal(0, path.name, "it is empty", "give a file with a header line")])
    before = reader.line_num
    width = len(table.header)
    try:
        for row in reader:
            line, before = before + 1, reader.line_num
            if len(row) == width:
                table.rows.append(row)
                table.lines.append(line)
            elif row:
                why = f"{len(row)} fields where the header has {width}"
                table.refused.append(Refusal(line, path.name, why, "give every column, and quote a text that holds a comma"))
    except csv.Error as error:
        why = f"the text after it cannot be read as CSV ({error})"
        table.refused.append(Refusal(before + 1, path.name, why, "close the quotes; nothing after this line was read"))
    return table


def normal(name: str) -> str:
    """Return a column name without spaces around it and with half-width brackets and letters (見出しの正規化).

    >>> normal(" 純資産総額（百万円）")
    '純資産総額(百万円)'
    """
    return unicodedata.normalize("NFKC", name).strip()


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _parquet(path: Path) -> TableFile:
    import polars as pl  # slow to load, and only needed here

    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        why = f"it cannot be read as Parquet ({' '.join(str(error).split())[:120]})"
        return TableFile(path, refused=[Refusal(0, path.name, why, "write the file again")])
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    if floats:
        cure = "write it as integers, decimals or text, so that its value is exact"
        return TableFile(path, refused=[Refusal(0, path.name, f"column {floats[0]} is floating point", cure)])
    texts = [frame[name].cast(pl.String).fill_null("").to_list() for name in frame.columns]
    rows = [list(row) for row in zip(*texts, strict=True)]
    return TableFile(path, tuple(normal(name) for name in frame.columns), rows, list(range(2, len(rows) + 2)))
