"""Shards that SQLite can read and that have anything at all in their blobs: an error that says so, and never another."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.advisories.build import build
from secpipe.advisories.shard import OpenShard
from secpipe.advisories.store import Store
from secpipe.errors import AdvisoryError
from secpipe.match.matcher import match
from secpipe.model.package import Package
from tests.advisories.support import record, shard_files, write_zip

PACKAGE = Package("a", "1.0", "pypi", "x", purl="pkg:pypi/a", ecosystem="PyPI")
leaves = st.one_of(
    st.none(),
    st.integers(-3, 5),
    st.text(max_size=4),
    st.booleans(),
    st.binary(max_size=3),
    st.sampled_from(["1.0", "0", "X-1"]),
)
values: st.SearchStrategy[Any] = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4), max_leaves=12
)
flat = st.lists(st.one_of(st.integers(0, 2), st.sampled_from(["0", "1.0"])), max_size=5)
entries = st.one_of(values, st.tuples(st.lists(flat, max_size=2), values, values, values, values).map(list))
blobs = st.one_of(
    values,
    st.tuples(st.just([0]), st.just(["X-1"]), st.lists(entries, min_size=1, max_size=1)),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damage")
    feed = write_zip(folder / "all.zip", {"X-1.json": record("X-1", ("PyPI", "a"))})
    build([feed], folder / "db")
    return folder / "db"


@given(package=blobs, records=st.one_of(st.none(), values))
def test_anything_in_the_blobs(database: Path, package: Any, records: Any) -> None:
    import sqlite3

    import msgspec

    (file,) = shard_files(database)
    whole = file.read_bytes()
    try:
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE package SET entries = ?", (msgspec.msgpack.encode(package),))
            if records is not None:
                connection.execute("UPDATE record SET records = ?", (msgspec.msgpack.encode([records]),))
        with contextlib.suppress(AdvisoryError), Store.open(database) as store:
            match([PACKAGE], store)
    finally:
        file.write_bytes(whole)


def test_what_is_sound_is_found(database: Path) -> None:
    (file,) = shard_files(database)
    with Store.open(database) as store:
        assert [finding.id for finding in match([PACKAGE], store).findings] == ["X-1"]
    with contextlib.closing(OpenShard(file, file.stat().st_size)) as shard:
        assert shard.record(0).id == "X-1"
        with pytest.raises(AdvisoryError, match="is damaged"):
            shard.record(32)
