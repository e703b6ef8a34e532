"""The audit finds nothing in the sound sample, and every one of these mutations, house bugs and damaged files."""

import copy
import json
from functools import cache

import polars as pl
import pytest

from tests.audit import sample, small_house, words
from tests.audit.export_audit import audit, audit_house_export, main
from tests.audit.mutations import BUGS, MUTATIONS, unfair
from tests.audit.tables import columns_of


@cache
def sound() -> dict[str, list[dict]]:
    return sample.build()


def tables() -> dict[str, list[dict]]:
    return copy.deepcopy(sound())


def some(names, every: int) -> list:
    """Return all names; but for one of `every`, they are left to `make fuzz`."""
    return [pytest.param(name, marks=pytest.mark.fuzz) if place % every else name for place, name in enumerate(names)]


def test_nothing_in_the_sound_sample(tmp_path):
    for form in ("parquet", "csv"):
        folder = sample.write(tables(), tmp_path / form, form)
        result = audit(folder)
        assert result.differences == 0, result.as_text()
        assert len(result.checks) > 90 and sum(check.rows for check in result.checks) > 3000
        assert result.notes == []
        assert audit_house_export(folder) == 0


@pytest.mark.parametrize("name", some(MUTATIONS, 3))
def test_every_mutation_is_found(name, tmp_path):
    mutate, expected = MUTATIONS[name]
    made = tables()
    mutate(made)
    result = audit(sample.write(made, tmp_path / "export"))
    assert any(expected in check for check in result.failed()), result.as_text()


@pytest.mark.parametrize("name", BUGS)
def test_every_bug_of_a_house_is_found(name, tmp_path, monkeypatch):
    """The tables of such a house agree with each other; only the rule is broken."""
    damage, expected = BUGS[name]
    if damage is None:
        monkeypatch.setattr(small_house, "shared", unfair)
    usual = sample.house

    def damaged():
        house = usual()
        if damage:
            damage(house)
        return house

    monkeypatch.setattr(sample, "house", damaged)
    result = audit(sample.write(sample.build(), tmp_path / "export"))
    assert any(expected in check for check in result.failed()), result.as_text()


@pytest.mark.parametrize("name", some(sorted(words.TABLES), 5))
def test_damaged_files_are_differences_not_crashes(name, tmp_path):
    """A column that is gone, a word in a column of numbers or dates, an empty file, no file."""
    folder = sample.write(tables(), tmp_path / "export")
    file = folder / f"{name}.parquet"
    whole, columns = pl.read_parquet(file), columns_of(words.TABLES[name])
    typed = [column for column, (kind, _) in columns.items() if kind != "text"]
    whole.with_columns(pl.lit("?").alias(column) for column in typed).write_parquet(file)
    assert any(f"{name}: columns" in check for check in audit(folder).failed())
    for column in columns:
        whole.drop(column).write_parquet(file)
        assert any(f"{name}: columns" in check for check in audit(folder).failed()), column
    whole.clear().write_parquet(file)
    assert audit(folder).differences or name in ("goals", "alerts")
    file.unlink()
    assert audit(folder).differences


def test_without_the_extra_tables_their_rules_are_inferred(tmp_path):
    made = {name: rows for name, rows in tables().items() if name in words.TABLES}
    result = audit(sample.write(made, tmp_path / "sound"))
    assert result.differences == 0, result.as_text()
    assert len(result.notes) == 5
    for number, name in enumerate(("a settlement a day late", "a sale with another levy", "a yen in a flow")):
        damaged = copy.deepcopy(made)
        mutate, expected = MUTATIONS[name]
        mutate(damaged)
        assert any(expected in check for check in audit(sample.write(damaged, tmp_path / str(number))).failed()), name


def test_days_closed_before_the_asset_life_was_kept_are_a_note(tmp_path):
    """No goal of the day has one: a note. One of the same day has it: the other one is missing. A life where none is drawn: too."""
    made = tables()
    for one in made["goals"]:
        one["asset_life_months"] = None
    earlier = [one | {"date": sample.DAYS[3]} for one in made["goals"]]
    for name, rows, notes, wrong in (
        ("none", made["goals"], 1, []), ("none on two days", made["goals"] + earlier, 1, []),
        ("one day", tables()["goals"] + earlier, 1, []),
        ("one of two", [tables()["goals"][0], made["goals"][1]], 0, ["goals: the asset life is that of the median return"]),
        ("not drawn", [one | {"monthly_yen": 0} for one in made["goals"]], 0, []),
    ):
        result = audit(sample.write(tables() | {"goals": rows}, tmp_path / name))
        assert result.failed() == wrong and len(result.notes) == notes, name
        assert not notes or "asset life" in result.notes[0]


def test_fractions_of_yen_are_refused(tmp_path):
    folder = sample.write(tables(), tmp_path / "export")
    flows = pl.read_parquet(folder / "flows.parquet")
    flows.with_columns(pl.col("amount_yen").cast(pl.Float64)).write_parquet(folder / "flows.parquet")
    assert "flows: columns, cells, ids and dates" in audit(folder).failed()


def test_command(tmp_path, capsys):
    folder = sample.write(tables(), tmp_path / "export")
    assert main([str(folder)]) == 0
    assert "0 differences" in capsys.readouterr().out
    made = tables()
    made["values"].pop()
    assert main([str(sample.write(made, tmp_path / "short")), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["differences"] > 0
    with pytest.raises(AssertionError, match="differences"):
        audit_house_export(tmp_path / "short")


def test_wide_numbers():
    """128-bit floors as Python's, also below zero."""
    cases = [(10**12 + 7, 123_456_789_012_345, 10**14 + 1), (-5, 3, 2), (7, 10**25, 3)]
    frame = pl.DataFrame(
        {"a": [c[0] for c in cases], "b": [c[1] for c in cases], "c": [c[2] for c in cases]}, schema=dict.fromkeys("abc", pl.Int128)
    )
    assert frame.select((pl.col("a") * pl.col("b")) // pl.col("c")).to_series().to_list() == [a * b // c for a, b, c in cases]
