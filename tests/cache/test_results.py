"""Results in one file: what is lost, damaged, foreign or out of reach is a miss, and no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.cache.results import key, load, save
from tests.support.cli import secpipe

KEY = key(b"a")
VALUE = b'[[1,5,1,9,"DL3008","pin it"]]'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "results.sqlite"


def run(path: Path, statement: str, *values: object) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


def test_what_is_saved_is_loaded(path: Path) -> None:
    values = {key(bytes([number])): bytes([number]) * number for number in range(200)}
    save(path, values)
    assert load(path, {*values, KEY}) == values


def test_the_oldest_go_when_there_are_too_many(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secpipe.cache.results._MAX_ENTRIES", 10)
    monkeypatch.setattr("secpipe.cache.results._TO_DROP", 4)
    keys = [key(bytes([number])) for number in range(11)]
    for each in keys[:10]:
        save(path, {each: each})
    assert load(path, keys) == {each: each for each in keys[:10]}
    save(path, {keys[10]: b"last"})
    assert load(path, keys) == {**{each: each for each in keys[5:10]}, keys[10]: b"last"}


def test_the_oldest_go_when_they_are_too_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 1 << 20
    monkeypatch.setattr("secpipe.cache.results._MAX_BYTES", most)
    keys = [key(bytes([number])) for number in range(100)]
    for each in keys:
        save(path, {each: each * 2000})
        assert load(path, [each]) == {each: each * 2000}
        assert path.stat().st_size < most + 2 * 40_000 + 16_384
    kept = list(load(path, keys))
    assert sorted(kept) == sorted(keys[-len(kept) :])
    assert most // 2 < len(kept) * 40_000 < most


def test_one_that_is_larger_than_all_may_be_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secpipe.cache.results._MAX_BYTES", 1 << 16)
    save(path, {KEY: bytes(1 << 17)})
    assert load(path, {KEY}) == {}
    save(path, {KEY: VALUE})
    assert load(path, {KEY}) == {KEY: VALUE}


@given(data=st.data())
def test_a_changed_byte_is_a_miss(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("results") / "results.sqlite"
    save(path, {KEY: VALUE})
    content = bytearray(path.read_bytes())
    start = content.index(VALUE)
    at = data.draw(st.integers(start - 60, start + len(VALUE) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert load(path, {KEY}) in ({}, {KEY: VALUE})


@pytest.mark.parametrize("value", [None, 5, "text", b"", VALUE])
def test_what_others_put_there_is_a_miss(path: Path, value: object) -> None:
    save(path, {KEY: VALUE})
    run(path, "UPDATE results SET value = ?", value)
    assert load(path, {KEY}) == {}


def test_the_value_of_another_key_is_a_miss(path: Path) -> None:
    other = key(b"b")
    save(path, {KEY: VALUE, other: b"[]"})
    run(path, "UPDATE results SET value = (SELECT value FROM results WHERE key = ?)", other)
    assert load(path, {KEY, other}) == {other: b"[]"}


def test_other_tables_are_replaced(path: Path) -> None:
    path.parent.mkdir()
    run(path, "CREATE TABLE results (digest BLOB, found TEXT, version INTEGER)")
    assert load(path, {KEY}) == {}
    save(path, {KEY: VALUE})
    save(path, {KEY: VALUE})
    assert load(path, {KEY}) == {KEY: VALUE}


def test_a_locked_file_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    save(path, {KEY: VALUE})
    monkeypatch.setattr("secpipe.cache.results._BUSY_SECONDS", 0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert load(path, {KEY}) == {}
    save(path, {key(b"b"): b""})
    holder.execute("ROLLBACK")
    holder.close()
    assert load(path, {KEY}) == {KEY: VALUE}


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000, "file/below"])
def test_a_folder_that_cannot_be(name: str, tmp_path: Path) -> None:
    """Out of reach, as another user's is: no command minds."""
    (tmp_path / "file").touch()
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian:12\nRUN cd /tmp\n")
    env = {"SECPIPE_CACHE": str(tmp_path / name)}
    done = secpipe("lint", file, env=env)
    assert (done.code, "DL3003" in done.stdout, "internal" in done.stderr) == (1, True, False)
    told = secpipe("cache", "info", env=env)
    assert (told.code, "lint        0 files" in told.stdout) == (0, True)
