"""The file of one closed day and one partition (日次ファイル): immutable columns of whole numbers and text, each with its SHA-256.

Layout: 8 bytes magic · 8 bytes length of the header (little-endian) · the header, JSON padded with spaces · the columns, raw,
little-endian, each at a multiple of 8 bytes. A column of whole numbers lies in the narrowest signed width that holds it (a
constant one as a single value) and comes back in its own dtype; text lies as int32 offsets followed by UTF-8. The same tables
give the same bytes. The hash of the header covers the hash of every column, so one line in the manifest vouches for the file.
"""

import hashlib
import json
import mmap
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

import numpy as np

from tsutsumi.store.database import HouseError

MAGIC = b"TSUTSU\x00\x01"
START = len(MAGIC) + 8
TEXT = "text"
READ_WHOLE_BYTES = 1 << 20  # smaller files are read at once, larger ones mapped
JOIN_BYTES = 1 << 23        # smaller files are written with one call
_SIGNED = ("int8", "int16", "int32", "int64")
_LIMITS = [(name, int(np.iinfo(name).min), int(np.iinfo(name).max)) for name in _SIGNED]
_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in (*_SIGNED, "uint8", "uint16", "uint32", "uint64", "bool")}
_KINDS = {dtype: name for name, dtype in _DTYPES.items()}
ENTRY = ("dtype", "stored", "offset", "bytes", "count", "sha256")
_PADDING = [b"", *(bytes(n) for n in range(1, 8))]
Tables = Mapping[str, Mapping[str, np.ndarray]]


def write_day_file(path: Path, tables: Tables, durable: bool = True) -> tuple[int, str]:
    """Write the tables of a day (日次ファイルの書き出し) and return the bytes written and the SHA-256 of the header.

    The file appears under its name whole or not at all: temporary name, fsync, rename, fsync of the folder.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    tables : table -> column -> one-dimensional array of integers, bools or text (str)
    durable : bool
        False leaves out the fsyncs, for a file that will be thrown away.

    Raises
    ------
    HouseError
        A column is no whole numbers and no text, or the file cannot be written (disk full): then nothing is left behind.
    """
    path = Path(path)
    header, pieces = _encoded(tables)
    head = MAGIC + len(header).to_bytes(8, "little") + header
    pieces.insert(0, head)
    size = len(head) + _end_of(pieces)
    partial = path.parent / f".{path.name}.partial"
    try:
        _make_folder(path.parent, durable)
        try:
            _write(partial, pieces, size, durable)
            os.replace(partial, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(partial)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise HouseError(
            f"{path}: {size:,} bytes cannot be written: {error.strerror}: nothing of this day was saved;"
            " free space or mend the folder, then close again"
        ) from error
    return size, hashlib.sha256(header).hexdigest()


def read_day_file(
    path: Path, verify: bool = False, only: Mapping[str, Collection[str]] | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Return the tables of a day file (日次ファイルの読み込み): table -> column -> array, in the dtypes that were written.

    A column stored in its own width is mapped, not copied; arrays may be changed without touching the file.

    Parameters
    ----------
    path : Path
    verify : bool
        True recomputes the hash of every column first.
    only : table -> the columns that are wanted
        Nothing else is read; a table or column that the file does not have is left out. None: everything.

    Raises
    ------
    HouseError
        The file is missing, is no day file, is cut short, or (verify) was changed.
    """
    content = _content(Path(path))
    header, start = _header(path, content)
    if verify:
        _check(path, content, header, start)
    tables: dict[str, dict[str, np.ndarray]] = {}
    try:
        for name, columns in header.items():
            wanted = columns if only is None else [column for column in only.get(name, ()) if column in columns]
            if only is None or name in only:
                tables[name] = {column: _decoded(content, start, *columns[column].values()) for column in wanted}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"its columns do not fit its header ({error})") from error
    return tables


def verify_day_file(path: Path) -> str:
    """Return the SHA-256 of the header after every byte of the file was checked against it (日次ファイルの検証).

    Raises
    ------
    HouseError
        The file is missing or one of its bytes differs; the line names the column.
    """
    content = _content(Path(path))
    header, start = _header(path, content)
    _check(path, content, header, start)
    return hashlib.sha256(content[START:start]).hexdigest()


def table_digest(frame: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of a table (表のダイジェスト): column names, dtypes and values, whatever their order or stored width.

    >>> table_digest({"a": np.array([1, 2])}) == table_digest({"a": np.array([1, 2], dtype=np.int8)})
    False
    >>> table_digest({"a": np.array([1, 2])})[:8]
    '1d2f03f0'
    """
    digest = hashlib.sha256()
    for column in sorted(frame):
        kind, values = _logical(column, frame[column])
        digest.update(f"{len(column.encode())}:{column}:{kind}:{len(values)}:".encode())
        if kind == TEXT:
            for part in _text_parts(column, values):
                digest.update(part)
        else:
            digest.update(np.ascontiguousarray(values, dtype=_DTYPES[kind]))
    return digest.hexdigest()


def day_digest(tables: Tables) -> str:
    """Return the SHA-256 of a day (日のダイジェスト) over its tables, sorted by name."""
    lines = (f"{name} {table_digest(tables[name])}\n" for name in sorted(tables))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


# ---- columns to bytes and back


def _logical(column: str, values: np.ndarray) -> tuple[str, np.ndarray | list[str]]:
    """Return the kind of a column and its values as an array, or as a list of str."""
    if not isinstance(values, np.ndarray):
        values = np.asarray(values) if len(values) and not isinstance(values[0], str) else np.array(values, dtype=object)
    kind = _KINDS.get(values.dtype)
    if kind is not None and values.ndim == 1:
        return kind, values
    if values.ndim == 1 and values.dtype.kind in "OU":
        return TEXT, values.tolist()
    given = f"{values.ndim} dimensions of {values.dtype}"
    raise HouseError(f"column {column}: {given} are not kept: give one dimension of integers, bools or text")


def _text_parts(column: str, values: list[str]) -> tuple[bytes, bytes]:
    """Return the int32 offsets and the UTF-8 of a text column."""
    try:
        parts = [value.encode() for value in values]
        offsets = np.fromiter(accumulate(map(len, parts), initial=0), dtype=_DTYPES["int32"], count=len(parts) + 1)
    except (AttributeError, UnicodeEncodeError) as error:
        raise HouseError(f"column {column}: holds a value that is no text ({error}): give str in every row") from error
    except OverflowError as error:
        raise HouseError(f"column {column}: more than 2 GiB of text: cut the house into more partitions") from error
    return offsets.tobytes(), b"".join(parts)


def _narrowed(kind: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the stored dtype and the stored values: narrowest signed width, one value if all are equal."""
    if len(values) == 0:
        return kind, values
    if kind == "bool":
        least, most = int(values.all()), int(values.any())
    else:
        least, most = int(np.minimum.reduce(values)), int(np.maximum.reduce(values))
        kind = next((name for name, lowest, highest in _LIMITS if lowest <= least and most <= highest), kind)
    return kind, values[:1] if least == most else values


def _encoded(tables: Tables) -> tuple[bytes, list]:
    """Return the header (JSON) and the pieces of the body."""
    header: dict[str, dict[str, dict]] = {}
    pieces: list = []
    offset = 0
    for name, columns in tables.items():
        entries = header[name] = {}
        for column, given in columns.items():
            kind, values = _logical(f"{name}.{column}", given)
            if kind == TEXT:
                stored, body = TEXT, b"".join(_text_parts(f"{name}.{column}", values))
                size = len(body)
            else:
                stored, kept = _narrowed(kind, values)
                body = np.ascontiguousarray(kept, dtype=_DTYPES[stored])
                size = body.nbytes
            entry = (kind, stored, offset, size, len(values), hashlib.sha256(body).hexdigest())
            entries[column] = dict(zip(ENTRY, entry, strict=True))
            padding = -size % 8
            pieces += (body, _PADDING[padding]) if padding else (body,)
            offset += size + padding
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-(START + len(text)) % 8), pieces


def _decoded(content, start: int, kind: str, stored: str, offset: int, size: int, count: int, _sha256: str) -> np.ndarray:
    if kind == TEXT:
        offsets = np.frombuffer(content, _DTYPES["int32"], count + 1, start + offset).tolist()
        first = start + offset + 4 * (count + 1)
        body = bytes(content[first:first + offsets[-1]])
        array = np.empty(count, dtype=object)
        array[:] = [body[a:b].decode() for a, b in zip(offsets, offsets[1:], strict=False)]
        return array
    dtype, logical = _DTYPES[stored], _DTYPES[kind]
    values = np.frombuffer(content, dtype, size // dtype.itemsize, start + offset)
    if len(values) != count:
        return np.full(count, values[0], dtype=logical)
    return values if stored == kind else values.astype(logical)


# ---- the file


def _content(path: Path):
    """Return the bytes of a file: a small one in memory, a large one mapped; changes stay private."""
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > READ_WHOLE_BYTES:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            content = bytearray(size)
            file.readinto(content)
            return content
    except OSError as error:
        raise HouseError(f"{path}: a closed day cannot be read: {error.strerror}: restore it from a backup, then verify") from error


def _damaged(path: Path, what: str) -> HouseError:
    return HouseError(f"{path}: {what}: the file was damaged after it was written; restore it from a backup, then verify")


def _header(path: Path, content) -> tuple[dict, int]:
    """Return the header and where the columns start."""
    length = int.from_bytes(content[len(MAGIC):START], "little")
    start = START + length
    if len(content) < START or content[:len(MAGIC)] != MAGIC or start > len(content):
        raise _damaged(path, "not a whole day file")
    try:
        header = json.loads(bytes(content[START:start]))
        entries = [entry for columns in header.values() for entry in columns.values()]
        end = max((entry["offset"] + entry["bytes"] for entry in entries), default=0)
        if any(tuple(entry) != ENTRY for entry in entries):
            raise KeyError("an entry of a column")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"its header cannot be read ({error})") from error
    if start + end + -end % 8 != len(content):
        raise _damaged(path, f"{len(content):,} bytes where its header says {start + end + -end % 8:,}")
    return header, start


def _check(path: Path, content, header: dict, start: int) -> None:
    """Refuse a column whose bytes do not give its hash, and anything between the columns."""
    with memoryview(content) as view:
        for name, columns in header.items():
            for column, entry in columns.items():
                first = start + entry["offset"]
                last = first + entry["bytes"]
                if hashlib.sha256(view[first:last]).hexdigest() != entry["sha256"]:
                    raise _damaged(path, f"column {name}.{column} does not give its hash")
                if any(view[last:last + -entry["bytes"] % 8]):
                    raise _damaged(path, f"something was written after column {name}.{column}")


def _end_of(pieces: list) -> int:
    return sum(piece.nbytes if isinstance(piece, np.ndarray) else len(piece) for piece in pieces[1:])


def _chunks(pieces: list, size: int) -> Iterator:
    if size <= JOIN_BYTES:
        yield b"".join(pieces)
    else:
        yield from (piece for piece in pieces if len(piece))


def _write(path: Path, pieces: list, size: int, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        for chunk in _chunks(pieces, size):
            view = memoryview(chunk).cast("B")
            while view:  # the system may take only a part at a time
                view = view[os.write(descriptor, view):]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path, durable: bool) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, durable)
    folder.mkdir(exist_ok=True)
    if durable:
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
