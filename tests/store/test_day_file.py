"""A day file gives back what was put in, is the same bytes each time, shows every changed byte, and is whole or absent."""

import errno
import hashlib
import os
import resource

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tsutsumi.store import day_file
from tsutsumi.store.database import HouseError
from tsutsumi.store.day_file import day_digest, read_day_file, table_digest, verify_day_file, write_day_file

WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
lengths = st.integers(0, 9)


def whole_columns(length):
    return st.sampled_from((*WHOLE, "bool")).flatmap(lambda dtype: arrays.arrays(dtype, length))


def text_columns(length):
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    return st.lists(texts, min_size=length, max_size=length).map(lambda values: np.array(values, dtype=object))


def frames(length):
    return st.dictionaries(st.text(min_size=1, max_size=8), st.one_of(whole_columns(length), text_columns(length)), max_size=4)


tables = st.dictionaries(st.text(min_size=1, max_size=8), lengths.flatmap(frames), max_size=4)
SAMPLE = {
    "sleeves": {"sleeve_no": np.arange(1, 301), "cash_yen": np.arange(300) * 10**9, "open": np.arange(300) % 2 == 0},
    "alerts": {"cause": np.array(["基準価額がない", ""], dtype=object), "cure": ["待つ", "調べる"]},
    "empty": {"order_id": np.empty(0, np.int64), "reason": np.empty(0, object)},
}


def same(left, right):
    return {name: list(frame) for name, frame in left.items()} == {name: list(frame) for name, frame in right.items()} and all(
        np.array_equal(values, right[name][column]) and len(values) == len(right[name][column])
        for name, frame in left.items() for column, values in frame.items()
    )


@settings(max_examples=60, deadline=None)
@given(tables)
def test_what_goes_in_comes_out(tmp_path_factory, tables):
    path = tmp_path_factory.mktemp("day") / "a.day"
    size, found = write_day_file(path, tables, durable=False)
    back = read_day_file(path, verify=True)
    assert same(tables, back) and verify_day_file(path) == found and path.stat().st_size == size
    assert all(values.dtype == back[name][column].dtype for name, frame in tables.items() for column, values in frame.items())
    assert day_digest(tables) == day_digest(back)


@settings(max_examples=50, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_every_width_holds_its_limits(tmp_path_factory, one, other):
    path = tmp_path_factory.mktemp("day") / "a.day"
    write_day_file(path, {"t": {"a": np.array([one, other, one])}}, durable=False)
    assert read_day_file(path)["t"]["a"].tolist() == [one, other, one]


def test_the_same_tables_give_the_same_bytes(tmp_path):
    results = [write_day_file(tmp_path / name, SAMPLE) for name in ("a.day", "b.day")]
    assert results[0] == results[1] and (tmp_path / "a.day").read_bytes() == (tmp_path / "b.day").read_bytes()


@pytest.mark.parametrize(
    ("values", "stored"),
    [([0, 127], 1), ([0, -129], 2), ([0, 40_000], 4), ([0, 2**31], 8), ([2**40] * 9, 8), ([5] * 9, 1), ([0] * 9, 1)],
)
def test_a_column_takes_its_narrowest_width(tmp_path, values, stored):
    column = np.array(values)
    write_day_file(tmp_path / "a.day", {"t": {"a": column}})
    back = read_day_file(tmp_path / "a.day")["t"]["a"]
    content = (tmp_path / "a.day").read_bytes()
    body = len(content) - 16 - int.from_bytes(content[8:16], "little")
    count = 1 if len(set(values)) == 1 else len(values)
    assert body == -(-stored * count // 8) * 8 and back.dtype == column.dtype and back.tolist() == values


def test_a_large_file_is_mapped_and_stays_untouched(tmp_path):
    column = np.arange(400_000) * 10**10
    write_day_file(tmp_path / "a.day", {"t": {"a": column, "b": column}})
    before = hashlib.sha256((tmp_path / "a.day").read_bytes()).digest()
    back = read_day_file(tmp_path / "a.day", verify=True)["t"]
    back["a"][:] = 0
    assert (back["b"] == column).all() and hashlib.sha256((tmp_path / "a.day").read_bytes()).digest() == before


def test_only_what_is_wanted_is_read(tmp_path):
    path = tmp_path / "a.day"
    write_day_file(path, SAMPLE)
    some = read_day_file(path, only={"sleeves": ("cash_yen", "value_yen"), "alerts": ("cure",), "fees": ("fee_yen",)})
    assert {name: list(frame) for name, frame in some.items()} == {"sleeves": ["cash_yen"], "alerts": ["cure"]}
    whole = read_day_file(path)
    assert all(np.array_equal(some[name][column], whole[name][column]) for name in some for column in some[name])
    assert read_day_file(path, only={}) == {}


def test_every_changed_byte_is_found(tmp_path):
    path = tmp_path / "a.day"
    _, found = write_day_file(path, {"t": {"a": np.array([1, 2, 300]), "note": ["円", "x"]}})
    content = bytearray(path.read_bytes())
    for place in range(len(content)):
        changed = content.copy()
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            assert verify_day_file(path) != found, place
        except HouseError as error:
            assert "restore it from a backup" in str(error)


@pytest.mark.parametrize("cut", [0, 5, 15, 40, -1, -8])
def test_a_file_that_was_cut_is_refused(tmp_path, cut):
    path = tmp_path / "a.day"
    write_day_file(path, SAMPLE)
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    for read in (read_day_file, verify_day_file):
        with pytest.raises(HouseError, match="restore it from a backup"):
            read(path)
    path.write_bytes(content + bytes(8))
    with pytest.raises(HouseError, match="where its header says"):
        read_day_file(path)
    path.unlink()
    with pytest.raises(HouseError, match="cannot be read"):
        read_day_file(path)


def test_a_changed_column_is_named(tmp_path):
    path = tmp_path / "a.day"
    write_day_file(path, SAMPLE)
    content = bytearray(path.read_bytes())
    content[16 + int.from_bytes(content[8:16], "little")] ^= 4
    path.write_bytes(content)
    with pytest.raises(HouseError, match="column sleeves.sleeve_no does not give its hash"):
        read_day_file(path, verify=True)
    assert read_day_file(path)["sleeves"]["sleeve_no"][0] != 1  # not looked at unless asked


@pytest.mark.parametrize(
    "column", [np.array([1.5]), np.array([[1]]), np.array([1, None], dtype=object), np.array(["\ud800"], dtype=object), [1.5]]
)
def test_what_is_no_whole_number_and_no_text_is_refused(tmp_path, column):
    with pytest.raises(HouseError, match=r"column t\.a"):
        write_day_file(tmp_path / "a.day", {"t": {"a": column}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", ["write", "fsync", "replace", "open"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_leaves_nothing_half_there(tmp_path, monkeypatch, failing, existing):
    path = tmp_path / "2026" / "a.day"
    path.parent.mkdir()
    if existing:
        write_day_file(path, {"t": {"a": np.array([7])}})
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}

    def full(*args, **keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(HouseError, match="No space left on device: nothing of this day was saved"):
        patch.setattr(day_file.os, failing, full)
        write_day_file(path, SAMPLE)
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == before


def test_a_disk_that_fills_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    real, left = os.write, [1000]

    def filling(descriptor, content):
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real(descriptor, bytes(content[:left[0]]))
        left[0] -= taken
        return taken

    with monkeypatch.context() as patch, pytest.raises(HouseError, match="cannot be written"):
        patch.setattr(day_file.os, "write", filling)
        write_day_file(tmp_path / "a.day", SAMPLE)
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_the_system_leaves_nothing(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(HouseError, match="File too large: nothing of this day was saved"):
            write_day_file(tmp_path / "a.day", SAMPLE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_takes_few_bytes_at_a_time_still_gets_all(tmp_path, monkeypatch):
    real = os.write
    expected = write_day_file(tmp_path / "a.day", SAMPLE)
    monkeypatch.setattr(day_file.os, "write", lambda descriptor, content: real(descriptor, bytes(content[:100])))
    monkeypatch.setattr(day_file, "JOIN_BYTES", 0)
    assert write_day_file(tmp_path / "b.day", SAMPLE) == expected
    assert (tmp_path / "b.day").read_bytes() == (tmp_path / "a.day").read_bytes()


def test_the_digest_is_of_the_values_not_of_their_storage():
    frame = {"a_yen": np.array([1, 2]), "note": np.array(["円", ""], dtype=object)}
    assert table_digest(frame) == table_digest({"note": ["円", ""], "a_yen": np.array([1, 2])})
    others = [
        {**frame, "a_yen": np.array([2, 1])}, {**frame, "a_yen": np.array([1, 2], np.int32)}, {**frame, "note": ["", "円"]},
        {"b_yen": frame["a_yen"], "note": frame["note"]}, {"a_yen": frame["a_yen"]}, {**frame, "note": ["円円", ""]},
    ]
    assert len({table_digest(one) for one in (frame, *others)}) == 1 + len(others)
    assert day_digest({"t": frame, "u": {}}) == day_digest({"u": {}, "t": frame}) != day_digest({"t": frame})
