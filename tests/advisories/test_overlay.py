"""Own records beside a feed's: which of two with the same id counts, and that one's own stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from secpipe.advisories.build import build
from secpipe.advisories.store import Store
from secpipe.advisories.update import update
from tests.advisories.support import record, shard_files, write_feed

OLD, MIDDLE, NEW = "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
Found = Callable[..., list[str]]


def found(folder: Path, feed: list[dict[str, Any]], own: list[dict[str, Any]], turned: bool = False) -> Found:
    """Fetch and build, in either order; the answer tells the summaries of what concerns a package."""
    bases = {place["package"]["ecosystem"].partition(":")[0] for one in feed for place in one["affected"]}
    for base in bases:
        write_feed(folder / "feed", base, *feed)
    (folder / "own.json").write_text(json.dumps(own))
    steps: list[Callable[[], object]] = [
        lambda: update(sorted(bases), str(folder / "feed"), folder / "db"),
        lambda: build([folder / "own.json"], folder / "db"),
    ]
    for step in steps[::-1] if turned else steps:
        step()

    def of(ecosystem: str, name: str) -> list[str]:
        with Store.open(folder / "db") as store:
            return [match.advisory.summary for match in store.lookup(ecosystem, name)]

    return of


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("modified", "expected"), [(NEW, "own"), (MIDDLE, "own"), ("", "own"), ("soon", "own"), (OLD, "feed")]
)
def test_the_later_of_one_id_counts(tmp_path: Path, turned: bool, modified: str, expected: str) -> None:
    of = found(
        tmp_path,
        [record("X-1", ("PyPI", "a"), ("PyPI", "b"), modified=MIDDLE, summary="feed")],
        [record("X-1", ("PyPI", "a"), ("PyPI", "c"), modified=modified, summary="own")],
        turned,
    )
    assert of("PyPI", "a") == [expected]
    assert of("PyPI", "b") == (["feed"] if expected == "feed" else []), "the record counts as a whole"
    assert of("PyPI", "c") == (["own"] if expected == "own" else [])


@pytest.mark.parametrize(("modified", "left"), [(NEW, []), (MIDDLE, []), ("", []), (OLD, ["feed"])])
def test_an_own_record_withdraws_the_feeds(tmp_path: Path, modified: str, left: list[str]) -> None:
    withdrawn = {"id": "X-1", "modified": modified, "withdrawn": NEW}
    other = record("X-2", ("PyPI", "a"), modified=MIDDLE, summary="other")
    of = found(tmp_path, [record("X-1", ("PyPI", "a"), modified=MIDDLE, summary="feed"), other], [withdrawn])
    assert of("PyPI", "a") == [*left, "other"]


def test_one_release_does_not_speak_for_another(tmp_path: Path) -> None:
    feed = record("X-1", ("Debian:11", "a"), ("Debian:12", "a"), modified=MIDDLE, summary="feed")
    of = found(tmp_path, [feed], [record("X-1", ("Debian:12", "a"), modified=NEW, summary="own")])
    assert (of("Debian:11", "a"), of("Debian:12", "a")) == (["feed"], ["own"])
    of = found(
        tmp_path,
        [record("X-1", ("Debian:11", "a"), modified=MIDDLE, summary="feed")],
        [record("X-1", ("Debian:12", "a"), modified=OLD, summary="own")],
    )
    assert (of("Debian:11", "a"), of("Debian:12", "a")) == (["feed"], ["own"])


def test_ids_that_begin_alike(tmp_path: Path) -> None:
    of = found(
        tmp_path,
        [
            record("X-1", ("Debian:11", "a"), modified=NEW, summary="feed"),
            record("X-12", ("Debian:12", "a"), modified=NEW, summary="feed"),
        ],
        [record("X-1", ("Debian:12", "a"), modified=OLD, summary="own")],
    )
    assert of("Debian:12", "a") == ["own", "feed"]


def test_own_records_of_what_no_feed_has(tmp_path: Path) -> None:
    of = found(
        tmp_path,
        [record("X-1", ("PyPI", "a"), summary="feed")],
        [record("OWN-1", ("PyPI", "a"), ("npm", "b"), summary="own")],
    )
    assert (of("PyPI", "a"), of("npm", "b")) == (["own", "feed"], ["own"])
    update([], str(tmp_path / "feed"), tmp_path / "db")
    assert of("PyPI", "a") == ["own", "feed"]
    (tmp_path / "own.json").write_text(json.dumps(record("OWN-2", ("npm", "b"), summary="second")))
    build([tmp_path / "own.json"], tmp_path / "db")
    assert (of("PyPI", "a"), of("npm", "b")) == (["feed"], ["second"])
    assert len(shard_files(tmp_path / "db")) == 2


def test_what_is_on_top_does_not_stand_for_a_feed(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text(json.dumps(record("OWN-1", ("PyPI", "a"))))
    build([tmp_path / "own.json"], tmp_path / "db", on_top=True)
    with Store.open(tmp_path / "db") as store:
        assert len(store.lookup("PyPI", "a")) == 1
        assert (store.has("PyPI"), store.sources(), store.age_days("PyPI")) == (False, {}, float("inf"))
    write_feed(tmp_path / "feed", "PyPI", record("X-1", ("PyPI", "b")))
    update(["PyPI"], str(tmp_path / "feed"), tmp_path / "db")
    with Store.open(tmp_path / "db") as store:
        assert store.has("PyPI")
        assert len(store.lookup("PyPI", "a")) == len(store.lookup("PyPI", "b")) == 1
