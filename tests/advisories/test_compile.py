"""Records sorted in as they come, against a look at all of them at the end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secpipe.advisories.compile import compile_records
from secpipe.advisories.manifest import Manifest
from secpipe.advisories.names import base
from secpipe.advisories.osv import parse
from secpipe.advisories.plain import compact
from secpipe.advisories.rows import Rows
from secpipe.advisories.store import Store
from secpipe.advisories.writer import Origin, Writer
from secpipe.model.problem import Problem
from tests.advisories.support import record

places = st.lists(
    st.tuples(
        st.sampled_from(["Debian:11", "Debian:12", "Debian", "PyPI", "Alpine"]),
        st.sampled_from(["a", "b", "A"]),
    ),
    max_size=3,
)
times = st.sampled_from(["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z", "?"])
records = st.builds(
    lambda identifier, where, modified, more: record(identifier, *where, modified=modified, **more),
    st.sampled_from(["X-1", "X-2", "X-3"]),
    places,
    times,
    st.sampled_from([{}, {}, {"summary": "other"}, {"withdrawn": "2024-01-01T00:00:00Z"}]),
)
Entry = tuple[str, str, str, bytes]


def entries(rows: Rows) -> set[Entry]:
    return {
        (ecosystem, name, identifier, packed)
        for ecosystem, packages in rows.packages.items()
        for name, some in packages.items()
        for identifier, packed in zip(some[::2], some[1::2], strict=True)
    }


def expected(values: list[dict[str, Any]], general: str) -> tuple[set[Entry], dict[str, bytes]]:
    """The entries and the records of a base ecosystem."""
    told = [compact(parse(value)) for value in values]
    found: set[Entry] = set()
    heads: dict[str, bytes] = {}
    for identifier in {one.id for one in told}:
        mine = [one for one in told if one.id == identifier and not one.withdrawn]
        gone = [one.modified for one in told if one.id == identifier and one.withdrawn]
        here = [one for one in mine if any(base(ecosystem) == general for ecosystem in one.entries)]
        for ecosystem in {name for one in here for name in one.entries if base(name) == general}:
            latest = max(one.modified for one in here if ecosystem in one.entries)
            if ecosystem == "Alpine" or (gone and max(gone) >= latest):
                continue
            heads[identifier] = [
                one.record for one in here if one.modified == max(one.modified for one in here)
            ][-1]
            found |= {
                (ecosystem, name, identifier, packed)
                for one in here
                if one.modified == latest
                for name, packed in one.entries.get(ecosystem, ())
            }
    return found, heads


@given(st.lists(records, max_size=8))
def test_what_counts_of_records_of_one_id(values: list[dict[str, Any]]) -> None:
    problems: list[Problem] = []
    every = compile_records(((str(i), value) for i, value in enumerate(values)), problems)
    for general in ("Debian", "PyPI", "Alpine"):
        alone = compile_records(((str(i), value) for i, value in enumerate(values)), [], only=general)
        for compiled in (every, alone) if general != "Alpine" else (every,):
            rows = compiled.shards.get(general, Rows())
            assert (entries(rows), rows.advisories) == expected(values, general)
            assert all(some for packages in rows.packages.values() for some in packages.values())


@settings(max_examples=60)
@given(values=st.lists(records, max_size=8))
def test_where_own_records_count_instead_of_a_feeds(
    values: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As the shard tells it, from what time on, in each ecosystem for itself."""
    every = compile_records(((str(i), value) for i, value in enumerate(values)), [])
    told = [compact(parse(value)) for value in values]
    folder = tmp_path_factory.mktemp("own") / "db"
    with Writer(folder) as writer:
        shards = [writer.shard(name, rows, Origin(""), own=True) for name, rows in every.shards.items()]
        writer.commit(Manifest().having(shards))
    with Store.open(folder) as store:
        for shard, opened in zip(store.shards, store.all_open(), strict=True):
            kept = {(one[2], one[0]) for one in expected(values, shard.base)[0]}
            for place in {(one.id, name) for one in told for name in ("Debian:11", "Debian", "PyPI")}:
                here = [one.modified for one in told if one.id == place[0] and place[1] in one.entries]
                gone = [one.modified for one in told if one.id == place[0] and one.withdrawn]
                wanted = max(gone, default=None) if not shard.base else max(here) if place in kept else None
                assert opened.replaces(*place) == wanted
