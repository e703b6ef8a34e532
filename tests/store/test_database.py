"""A house is made, opened, refused when it is newer, and every transaction is whole or not at all."""

import sqlite3

import pytest
from sqlalchemy import select

from tsutsumi.store import database
from tsutsumi.store.database import HouseError, create_house, open_house, reading, transaction
from tsutsumi.store.rows import insert_rows
from tsutsumi.store.tables import SCHEMA_VERSION, companies, meta, metadata, program_rules

NEWER = str(SCHEMA_VERSION + 1)


@pytest.fixture
def house(tmp_path, database_url):
    """A house with a database of its own, whose tables the tests here change."""
    create_house(tmp_path / "house", database_url).engine.dispose()
    opened = open_house(tmp_path / "house")
    yield opened
    opened.engine.dispose()


def test_a_new_house_is_empty_and_opens(tmp_path, database_url):
    made = create_house(tmp_path / "house", database_url, partitions=4)
    opened = open_house(tmp_path / "house")
    assert (opened.partitions, opened.folder, opened.books) == (4, made.folder, made.folder / "books")
    with reading(opened) as connection:
        assert {name for name in metadata.tables if connection.execute(metadata.tables[name].select()).first()} == {"meta"}


def test_an_sqlite_house_can_be_moved(tmp_path):
    create_house(tmp_path / "before").engine.dispose()
    (tmp_path / "before").rename(tmp_path / "after")
    with reading(open_house(tmp_path / "after")) as connection:
        assert connection.execute(select(meta.c.value)).scalars().all() == [str(SCHEMA_VERSION)]


def test_sqlite_keeps_what_it_has_committed(tmp_path):
    with create_house(tmp_path / "house").engine.connect() as connection:
        names = ("journal_mode", "synchronous", "busy_timeout")
        assert [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names] == ["wal", 2, 30_000]


def test_a_house_is_not_made_twice(house, database_url, tmp_path):
    with pytest.raises(HouseError, match="holds a house already"):
        create_house(house.folder, database_url)
    if database_url:
        with pytest.raises(HouseError, match="holds a house already"):
            create_house(tmp_path / "another", database_url)


def test_an_interrupted_init_is_run_again(tmp_path, database_url, monkeypatch):
    def killed(connection, version):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(database, "_migrate", killed)
        create_house(tmp_path / "house", database_url)
    with pytest.raises(HouseError, match="run it again"):
        open_house(tmp_path / "house")
    create_house(tmp_path / "house", database_url)
    assert open_house(tmp_path / "house").partitions == 1


def test_a_house_of_a_newer_schema_is_refused_and_left_untouched(house):
    with transaction(house) as connection:
        connection.execute(meta.update().values(value=NEWER))
    house.engine.dispose()
    before = {path.name: path.read_bytes() for path in house.folder.iterdir() if path.name in ("house.toml", "house.sqlite")}
    told = f"schema is version {NEWER}, this program knows {SCHEMA_VERSION}: .* left untouched; install that release"
    with pytest.raises(HouseError, match=told):
        open_house(house.folder)
    assert before == {name: (house.folder / name).read_bytes() for name in before}
    with reading(house) as connection:
        assert connection.execute(select(meta.c.value)).scalars().all() == [NEWER]


def test_an_older_schema_is_brought_up_to_date(house, monkeypatch):
    def add_table(connection):
        connection.exec_driver_sql("CREATE TABLE wishes (wish_no INTEGER)")

    monkeypatch.setattr(database, "SCHEMA_VERSION", int(NEWER))
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, add_table))
    for _ in range(2):
        with reading(open_house(house.folder)) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM wishes").scalar() == 0
            assert connection.execute(select(meta.c.value)).scalars().all() == [NEWER]


def test_a_house_of_the_first_schema_gets_the_fee_choices(house):
    """Version 1 had neither the terms of single contracts nor the two choices of the program rules."""
    with transaction(house) as connection:
        connection.exec_driver_sql("DROP TABLE contract_fee_terms")
        for column in ("performance_scope", "collection_kind"):
            connection.exec_driver_sql(f"ALTER TABLE program_rules DROP COLUMN {column}")
        connection.exec_driver_sql(
            "INSERT INTO program_rules (program_no, valid_from_date, remainder_company_no) VALUES (1, '2020-01-06', 1)"
        )
        connection.execute(meta.update().values(value="1"))
    with reading(open_house(house.folder)) as connection:
        chosen = connection.execute(select(program_rules.c.performance_scope, program_rules.c.collection_kind)).all()
        assert chosen == [("contract", "cash")]
        assert connection.exec_driver_sql("SELECT count(*) FROM contract_fee_terms").scalar() == 0
        assert connection.execute(select(meta.c.value)).scalars().all() == [str(SCHEMA_VERSION)]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("mysql://somewhere/house", "is no PostgreSQL"),
        ("sqlite://", "SQLite needs a file"),
        ("nonsense", "give a postgresql:// URL"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "the database refused"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_in_one_line(tmp_path, url, line):
    with pytest.raises(HouseError, match=line) as caught:
        create_house(tmp_path / "house", url)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_that_is_no_house_is_refused(tmp_path):
    with pytest.raises(HouseError, match="no house here"):
        open_house(tmp_path)
    (tmp_path / "house.toml").write_text("database = 3")
    with pytest.raises(HouseError, match="mend it"):
        open_house(tmp_path)
    (tmp_path / "house.toml").write_text("database = ")
    with pytest.raises(HouseError, match="cannot be read"):
        open_house(tmp_path)
    (tmp_path / "house.toml").write_text('database = "sqlite:///house.sqlite"\npartitions = 1\n')
    with pytest.raises(HouseError, match="the database of the house is missing"):
        open_house(tmp_path)
    assert not (tmp_path / "house.sqlite").exists()


def test_books_without_settings_are_not_taken_for_a_new_house(tmp_path):
    (tmp_path / "books").mkdir()
    with pytest.raises(HouseError, match="books without house.toml"):
        create_house(tmp_path)


@pytest.mark.parametrize("partitions", [0, -1, 4097])
def test_a_number_of_partitions_out_of_range_is_refused(tmp_path, partitions):
    with pytest.raises(HouseError, match="give 1 to 4096"):
        create_house(tmp_path / "house", partitions=partitions)
    assert not (tmp_path / "house").exists()


def test_a_transaction_is_whole_or_nothing(house):
    with pytest.raises(ZeroDivisionError), transaction(house) as connection:
        insert_rows(connection, "companies", [{"company_no": 1, "company_id": "a"}])
        raise ZeroDivisionError
    with pytest.raises(HouseError, match="the database refused"):
        insert_rows(house, "companies", [{"company_no": 1, "company_id": "a"}, {"company_no": 1, "company_id": "b"}])
    with reading(house) as connection:
        assert connection.execute(select(companies)).all() == []


def test_another_writer_of_sqlite_is_waited_for_and_then_named(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    house = create_house(tmp_path / "house")
    other = sqlite3.connect(tmp_path / "house" / "house.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HouseError, match="database is locked"), transaction(house):
        raise AssertionError("two writers at once")
    other.execute("ROLLBACK")
    with transaction(house) as connection:
        insert_rows(connection, "companies", [{"company_no": 1, "company_id": "a"}])


def test_a_full_database_keeps_what_it_had(tmp_path):
    house = create_house(tmp_path / "house")
    rows = [{"company_no": number, "company_id": f"c{number}", "name": "x" * 500} for number in range(1, 2000)]
    with pytest.raises(HouseError, match="disk is full: nothing of this step was kept"), transaction(house) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100")
        insert_rows(connection, "companies", rows)
    house.engine.dispose()
    with reading(open_house(house.folder)) as connection:
        assert connection.execute(select(companies)).all() == []


@pytest.mark.parametrize("count", [3, 1200])
def test_rows_go_in_with_their_defaults(house, count):
    rows = [{"instrument_no": number, "instrument_id": f"f{number}\t\\N", "name": "円 'x'"} for number in range(1, count + 1)]
    assert insert_rows(house, "instruments", rows) == count
    with reading(house) as connection:
        stored = connection.execute(metadata.tables["instruments"].select()).mappings().all()
    assert [(row["instrument_no"], row["instrument_id"], row["name"]) for row in stored] == [tuple(row.values()) for row in rows]
    assert {(row["currency"], row["price_base_units"]) for row in stored} == {("JPY", 10000)}


@pytest.mark.parametrize(
    ("table", "rows", "line"),
    [
        ("nothing", [{}], "unknown"),
        ("companies", [{"company": 1}], "column 'company' is unknown"),
        ("companies", [{"company_no": 1, "company_id": "a"}, {"company_no": 2}], "different columns"),
    ],
)
def test_rows_that_fit_no_table_are_refused(tmp_path, table, rows, line):
    with pytest.raises(HouseError, match=line):
        insert_rows(create_house(tmp_path / "house"), table, rows)
