"""A house on disk (ハウス): a folder with `house.toml`, a relational database and the books.

`house.toml` keeps the database URL (an SQLite file is named relative to the folder) and the number of partitions. SQLite runs
with a write-ahead log and `synchronous=FULL`: what a transaction has committed survives a power cut. PostgreSQL is named by URL.
"""

import json
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from tsutsumi.store.tables import SCHEMA_VERSION, meta, metadata

SETTINGS = "house.toml"
SQLITE_FILE = "house.sqlite"
BOOKS = "books"
BUSY_SECONDS = 30
MOST_PARTITIONS = 4096
WRITERS_LOCK = 0x54535554  # the advisory lock that PostgreSQL writers queue on


class HouseError(ValueError):
    """A house that cannot be used as asked: one line of what, where, why and what to do (CLI: exit 2)."""


@dataclass(frozen=True)
class House:
    """An open house (ハウス): its folder, its database and the number of partitions of its books."""

    folder: Path
    engine: Engine
    partitions: int

    @property
    def books(self) -> Path:
        """The folder of the day files (帳簿)."""
        return self.folder / BOOKS


def create_house(folder: Path, database_url: str | None = None, partitions: int = 1) -> House:
    """Return a new, empty house (ハウスの新設) in a folder, which is made if it is missing.

    Killed half-way, it can be run again: a house exists from the moment its database carries a schema version.

    Parameters
    ----------
    folder : Path
    database_url : str, optional
        `postgresql://user@host/name`, or none for the SQLite file `house.sqlite` inside the folder.
    partitions : int
        Into how many files by account the books of a day are cut, 1 to 4096.

    Raises
    ------
    HouseError
        The folder or the database holds a house already, or cannot be used.
    """
    folder = Path(folder)
    if not 1 <= partitions <= MOST_PARTITIONS:
        raise HouseError(f"partitions: {partitions} is out of range: give 1 to {MOST_PARTITIONS}")
    url = database_url or f"sqlite:///{SQLITE_FILE}"
    begun = (folder / SETTINGS).exists()
    if not begun and (folder / BOOKS).exists():
        raise HouseError(f"{folder / BOOKS}: books without {SETTINGS}: restore {SETTINGS} from a backup, or choose an empty folder")
    engine = _engine(folder, url, create=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _begun(engine, url) as connection:
            version = _schema_version(connection)
        if version is not None:
            where = folder if begun else _shown(url)
            raise HouseError(f"{where}: holds a house already: open it as it is, or name an empty folder and an empty database")
        _write_settings(folder, url, partitions)
        with _begun(engine, url, write=True) as connection:
            _migrate(connection, 0)
    except OSError as error:
        engine.dispose()
        raise HouseError(f"{folder}: cannot be made a house: {error.strerror}: choose a folder that you may write to") from error
    except BaseException:
        engine.dispose()
        raise
    return House(folder, engine, partitions)


def open_house(folder: Path) -> House:
    """Return the house (ハウス) in a folder; an older schema is brought up to date, a newer one is refused and left untouched.

    Raises
    ------
    HouseError
        There is no house, its settings cannot be read, its database does not answer, or its schema is newer than this program's.
    """
    folder = Path(folder)
    url, partitions = _read_settings(folder)
    engine = _engine(folder, url, create=False)
    try:
        with _begun(engine, url) as connection:
            version = _schema_version(connection)
        if version is None:
            raise HouseError(f"{folder}: its database holds no tables: `tsutsumi init` was cut short; run it again")
        if version > SCHEMA_VERSION:
            raise HouseError(
                f"{folder}: its schema is version {version}, this program knows {SCHEMA_VERSION}: the house was opened by a newer"
                " release and is left untouched; install that release or newer"
            )
        if version < SCHEMA_VERSION:
            with _begun(engine, url, write=True) as connection:
                _migrate(connection, _schema_version(connection) or 0)
    except BaseException:
        engine.dispose()
        raise
    return House(folder, engine, partitions)


@contextmanager
def transaction(house: House) -> Iterator[Connection]:
    """Give one writing transaction (トランザクション): all of it is kept, or nothing.

    Writers queue for one another, so that numbers are given without gaps or clashes.

    Raises
    ------
    HouseError
        The database refused: full disk, another writer for more than 30 seconds, no connection.
    """
    with _begun(house.engine, str(house.folder), write=True) as connection:
        yield connection


@contextmanager
def reading(house: House) -> Iterator[Connection]:
    """Give a connection that reads one consistent state (読み取り)."""
    with _begun(house.engine, str(house.folder)) as connection:
        yield connection


# ---- the schema and its history


def _create_tables(connection: Connection) -> None:
    known = set(inspect(connection).get_table_names())
    metadata.create_all(connection, [table for table in metadata.sorted_tables if table.name not in known], checkfirst=False)


def _add_what_is_new(connection: Connection) -> None:
    """Version 2: the fee choices; 3: approvals, fee corrections; 4: goals, advice, suitability, ways of rebalancing;
    5: surplus rules, essential amounts; 6: who pays first.

    A database made anew has all of it already.
    """
    _create_tables(connection)
    known = inspect(connection).get_multi_columns()
    for table in metadata.tables.values():
        names = {column["name"] for column in known[None, table.name]}
        for column in table.columns:
            if column.name not in names:
                kind, default = column.type.compile(connection.dialect), column.server_default.arg
                quoted = f"'{default}'" if isinstance(default, str) and not default.isdigit() else default
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind} NOT NULL DEFAULT {quoted}")


# version n = the first n have run; the first makes all that this program knows
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_create_tables, *(_add_what_is_new,) * 5)


def _migrate(connection: Connection, version: int) -> None:
    """Bring the schema from a version to the newest, in the caller's transaction."""
    steps = dict.fromkeys(MIGRATIONS[version:])  # what is missing is added once, and to a new database nothing
    for step in steps if version else (step for step in steps if step is not _add_what_is_new):
        step(connection)
    connection.execute(meta.delete().where(meta.c.key == "schema_version"))
    connection.execute(meta.insert(), {"key": "schema_version", "value": str(SCHEMA_VERSION)})


def _schema_version(connection: Connection) -> int | None:
    """Return the version that the database carries; none where there is no house."""
    if not inspect(connection).has_table(meta.name):
        return None
    found = connection.execute(select(meta.c.value).where(meta.c.key == "schema_version")).scalar_one_or_none()
    if found is not None and not found.isdigit():
        raise HouseError(f"meta.schema_version: {found!r} is no number: restore the database from a backup")
    return None if found is None else int(found)


# ---- the settings


def _write_settings(folder: Path, url: str, partitions: int) -> None:
    """Write house.toml whole or not at all; it may hold a password, so only its owner reads it."""
    lines = [
        "# A Tsutsumi house. An SQLite file is named relative to this folder.",
        f"database = {json.dumps(url)}",
        f"partitions = {partitions}",
    ]
    partial = folder / f".{SETTINGS}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(descriptor)
    os.replace(partial, folder / SETTINGS)


def _read_settings(folder: Path) -> tuple[str, int]:
    path = folder / SETTINGS
    if not path.is_file():
        raise HouseError(f"{folder}: no house here ({SETTINGS} is missing): name another folder, or run `tsutsumi init {folder}`")
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HouseError(f"{path}: cannot be read: {error}: mend it or restore it from a backup") from error
    url, partitions = settings.get("database"), settings.get("partitions")
    if not isinstance(url, str) or type(partitions) is not int or not 1 <= partitions <= MOST_PARTITIONS:
        raise HouseError(f'{path}: needs database = "…" and partitions = 1 to {MOST_PARTITIONS}: mend it or restore a backup')
    return url, partitions


# ---- the engine


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _engine(folder: Path, url: str, create: bool) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(folder, parsed, create)
        if parsed.get_backend_name() in ("postgresql", "postgres"):
            return create_engine(parsed.set(drivername="postgresql+psycopg"))
    except (ArgumentError, NoSuchModuleError) as error:
        raise HouseError(f"database: {error}: give a postgresql:// URL, or none for an SQLite file") from error
    except ImportError as error:
        raise HouseError("database: PostgreSQL needs its driver: pip install 'tsutsumi[postgres]'") from error
    raise HouseError(f"database: {_shown(url)} is no PostgreSQL: give a postgresql:// URL, or none for an SQLite file")


def _sqlite_engine(folder: Path, url: URL, create: bool) -> Engine:
    if not url.database or url.database == ":memory:":
        raise HouseError("database: a house is kept, so SQLite needs a file: leave the URL out for house.sqlite in the folder")
    path = folder / url.database  # an absolute path stays as it is
    if not create and not path.is_file():
        raise HouseError(f"{path}: the database of the house is missing: restore it from a backup (the books alone are not enough)")
    engine = create_engine(url.set(database=str(path)), connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection, _record):
        connection.isolation_level = None  # SQLAlchemy says BEGIN itself, below
        if create:
            connection.execute("PRAGMA journal_mode=WAL")  # kept in the file from then on
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")

    return engine


@contextmanager
def _begun(engine: Engine, where: str, write: bool = False) -> Iterator[Connection]:
    try:
        options = {"write": write}
        if engine.dialect.name == "postgresql" and not write:
            options["isolation_level"] = "REPEATABLE READ"  # every statement sees the same state, as in SQLite
        with engine.connect().execution_options(**options) as connection, connection.begin():
            if write and engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
            yield connection
    except DBAPIError as error:
        place = _shown(where) if "://" in where else where
        cause = " ".join(str(error.orig).split())
        raise HouseError(f"{place}: the database refused: {cause}: nothing of this step was kept; mend it and run again") from error
