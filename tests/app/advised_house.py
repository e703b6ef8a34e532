"""What the tests of `tsutsumi advice` do with a house: run the command, look into its tables."""

from sqlalchemy import select

from tsutsumi.app.cli import run
from tsutsumi.store import audit
from tsutsumi.store.database import open_house, reading


def told(capsys, folder, *words: str) -> tuple[int, str, str]:
    """Run `tsutsumi advice` and return (exit code, stdout, stderr)."""
    capsys.readouterr()
    code = run(["advice", str(folder), *words])
    out, err = capsys.readouterr()
    return code, out, err


def rows(folder, table, *conditions) -> list:
    """Return rows of a relational table of a house whose audit chain holds."""
    house = open_house(folder)
    with reading(house) as connection:
        found = list(connection.execute(select(table).where(*conditions)))
        assert audit.verify(connection) == []
    house.engine.dispose()
    return found
