"""`tsutsumi init` and `tsutsumi load`: exit code 0, 1 or 2, and lines that say what, where, why, what to do."""

import json

import cyclopts
import pytest

from tests.store.files import FILES, write
from tsutsumi.app.cli.house import init, load
from tsutsumi.store import audit
from tsutsumi.store.database import open_house, reading, transaction
from tsutsumi.store.tables import meta


def run(arguments):
    """Run one of the two commands as the command line does."""
    app = cyclopts.App(name="tsutsumi", result_action="return_value")
    app.command(init)
    app.command(load)
    return app(arguments)


@pytest.fixture
def folder(tmp_path):
    assert run(["init", str(tmp_path / "house")]) == 0
    return tmp_path / "house"


def load_texts(folder, *options, **texts):
    return run(["load", str(folder), *map(str, write(folder.parent, **texts)), *options])


def test_init_makes_a_house_once(tmp_path, database_url, capsys):
    command = ["init", str(tmp_path / "house"), "--partitions", "2", *(["--database", database_url] if database_url else [])]
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"house": str(tmp_path / "house"), "database": "postgresql" if database_url else "sqlite", "partitions": 2}
    with reading(open_house(tmp_path / "house")) as connection:
        assert audit.verify(connection) == [] and connection.execute(audit.audit.select()).one().action == "init"
    assert run(command) == 2
    assert "holds a house already: open it as it is" in capsys.readouterr().err


def test_load_tells_what_it_took(folder, capsys):
    capsys.readouterr()
    assert load_texts(folder, **FILES) == 0
    assert f"{folder.parent / 'companies.csv'}: companies: 3 accepted, 0 known already, 0 refused" in capsys.readouterr().out
    assert load_texts(folder, "--json", companies=FILES["companies"] + "bank,別名\n") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["accepted"], told["known"], told["refused"]) == (0, 3, 1)
    assert told["files"][0]["refused"][0] == {
        "line": 5, "what": "bank", "why": "the key is taken by other content: name was '銀行', now '別名'",
        "cure": "a row is never edited; give the new row a key of its own",
    }


def test_load_lists_the_first_refusals(folder, capsys):
    rows = "".join(f"c{number},\n" for number in range(25))
    assert load_texts(folder, companies="company_id,name\n" + rows) == 1
    out = capsys.readouterr().out
    assert "  companies.csv: line 2: name: it is missing: fill it in\n" in out and "… and 15 more (all of them with --json)" in out


def test_prices_are_replaced_only_with_the_option(folder):
    first = "date,fund_code,nav_yen\n2026-08-03,eq,1\n"
    assert load_texts(folder, companies=FILES["companies"], instruments=FILES["instruments"], nav=first) == 0
    other = "date,fund_code,nav_yen\n2026-08-03,eq,2\n"
    assert (load_texts(folder, nav=other), load_texts(folder, "--replace", nav=other)) == (1, 0)


def test_bad_use_is_told_in_one_line(folder, tmp_path, capsys):
    files = write(tmp_path, companies=FILES["companies"])
    capsys.readouterr()
    for arguments, line in [
        (["load", str(tmp_path / "none"), str(files[0])], "no house here"),
        (["load", str(folder)], "no file was named"),
        (["load", str(folder), str(tmp_path / "none.csv")], "none.csv: cannot be read"),
        (["load", str(folder), str(tmp_path)], "Is a directory"),
    ]:
        assert run(arguments) == 2
        told = capsys.readouterr()
        assert told.out == "" and told.err.count("\n") == 1 and told.err.startswith("tsutsumi load: ") and line in told.err


def test_a_house_of_a_newer_release_is_bad_use(folder, capsys):
    house = open_house(folder)
    with transaction(house) as connection:
        connection.execute(meta.update().values(value="99"))
    house.engine.dispose()
    assert load_texts(folder, companies=FILES["companies"]) == 2
    assert "install that release or newer" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["init", "load"])
def test_help_shows_an_example(command, capsys):
    run([command, "--help"])
    assert f"tsutsumi {command} my-house" in capsys.readouterr().out
