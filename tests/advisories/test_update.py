"""Updates from a feed: over HTTP from a server that misbehaves on demand, and from a mirror on disk."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from secpipe.advisories.build import build
from secpipe.advisories.lock import locked
from secpipe.advisories.store import Store
from secpipe.advisories.update import Updated, UpdateResult, update
from secpipe.errors import AdvisoryError, UsageError
from tests.advisories.conftest import Feed
from tests.advisories.support import LIMITS, content, record, shard_files, write_feed, write_zip

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def run(feed: Feed, database: Path, *names: str, url: str = "", **more: Any) -> UpdateResult:
    return update(
        names, url or feed.url, database, more.pop("limits", LIMITS), NOW, pause=lambda _: None, **more
    )


def test_only_what_was_asked_for(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    result = run(feed, database, "Debian:12", "Photon OS", "Debian")
    assert result.updated == (Updated("Debian", 2, True), Updated("Photon OS", 1, True))
    assert feed.requests == [("Debian/all.zip", 200), ("Photon OS/all.zip", 200)]
    with Store.open(database) as store:
        assert store.ecosystems() == {"Debian:12": 2, "Photon OS:5.0": 1}
        assert not store.has("PyPI"), (
            "a record of Debian's zip that also concerns PyPI does not make PyPI's data"
        )
        assert store.sources()["Debian"].url == f"{feed.url}/Debian/all.zip"
        assert store.sources()["Debian"].fetched == "2024-06-01T00:00:00Z"
        assert store.digest == result.digest


def test_the_others_are_kept(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    run(feed, database, "Debian")
    run(feed, database, "PyPI")
    write_feed(feed.folder, "PyPI", record("PYSEC-2", ("PyPI", "z")))
    run(feed, database, "PyPI")
    with Store.open(database) as store:
        assert store.ecosystems() == {"Debian:12": 2, "PyPI": 1}
        assert store.lookup("PyPI", "a") == ()
        assert [m.advisory.id for m in store.lookup("Debian:12", "a")] == ["DSA-1"]
    both = tmp_path / "both"
    assert run(feed, both, "PyPI", "Debian").digest == run(feed, database, "PyPI", "Debian").digest


def test_without_names_those_that_are_there(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    with pytest.raises(UsageError, match="no ecosystem to update") as caught:
        run(feed, database)
    assert "secpipe db update Debian" in caught.value.hint
    run(feed, database, "PyPI", "Debian")
    assert [one.base for one in run(feed, database).updated] == ["Debian", "PyPI"]


def test_what_has_not_changed_is_not_fetched(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    digest = run(feed, database, "Debian").digest
    result = update([], feed.url, database, LIMITS, NOW.replace(day=9))
    assert result.updated == (Updated("Debian", 2, False),)
    assert result.digest == digest
    assert feed.requests[-1] == ("Debian/all.zip", 304)
    with Store.open(database) as store:
        assert store.sources()["Debian"].fetched == "2024-06-09T00:00:00Z", "it is known to be current now"
    run(feed, database, "Debian", url=str(feed.folder))
    run(feed, database, "Debian")
    assert feed.requests[-1] == ("Debian/all.zip", 200), "the ETag of another address says nothing"


def test_an_unknown_ecosystem_and_its_neighbours(feed: Feed, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no ecosystem 'debain'") as caught:
        run(feed, tmp_path / "db", "debain")
    assert caught.value.hint == "did you mean Debian?"
    with pytest.raises(UsageError) as caught:
        run(feed, tmp_path / "db", "Qqqq")
    assert "Debian, Photon OS, PyPI" in caught.value.hint
    (feed.folder / "ecosystems.txt").unlink()
    with pytest.raises(UsageError, match="no ecosystem 'Qqqq'"):
        run(feed, tmp_path / "db", "Qqqq")
    with pytest.raises(UsageError, match="no ecosystem"):
        run(feed, tmp_path / "db", "../Debian", url=str(feed.folder))
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("statuses", [[503, 429], [500]])
def test_tries_again(feed: Feed, tmp_path: Path, statuses: list[int]) -> None:
    feed.answers["Debian/all.zip"] = list(statuses)
    run(feed, tmp_path / "db", "Debian")
    assert [status for _, status in feed.requests] == [*statuses, 200]


def test_waits_as_told_but_not_for_ever(feed: Feed, tmp_path: Path) -> None:
    waits: list[float] = []
    feed.headers["Retry-After"] = "7"
    feed.answers["Debian/all.zip"] = [429, 503]
    update(["Debian"], feed.url, tmp_path / "db", LIMITS, NOW, pause=waits.append)
    assert waits == [7.0, 7.0]
    feed.headers["Retry-After"] = "99999"
    feed.answers["PyPI/all.zip"] = [429]
    update(["PyPI"], feed.url, tmp_path / "db", LIMITS, NOW, pause=waits.append)
    assert waits[-1] == LIMITS.retry_seconds


@pytest.mark.parametrize(
    ("statuses", "message"),
    [([503, 503, 503], "answers 503"), ([403], "answers 403 Forbidden"), ([301], "answers 301")],
)
def test_a_failure_leaves_the_old_database(
    feed: Feed, tmp_path: Path, statuses: list[int], message: str
) -> None:
    database = tmp_path / "db"
    run(feed, database, "Debian")
    before = content(database)
    feed.answers["PyPI/all.zip"] = list(statuses)
    with pytest.raises(AdvisoryError, match=message):
        run(feed, database, "Debian", "PyPI")
    assert content(database) == before


@pytest.mark.parametrize("known", [False, True])
def test_an_answer_that_nothing_changed_to_who_did_not_ask_that(
    feed: Feed, tmp_path: Path, known: bool
) -> None:
    """As a cache in between may give it: taken at its word, an old database would pass for one of today."""
    database = tmp_path / "db"
    if known:
        run(feed, database, "Debian")
        (shard,) = shard_files(database)
        shard.write_bytes(shard.read_bytes()[:-1])  # so that it has to come again, whatever its ETag
    before = content(database) if known else {}
    feed.answers["Debian/all.zip"] = [304]
    with pytest.raises(AdvisoryError, match="answers 304"):
        run(feed, database, "Debian")
    assert (content(database) if known else {}) == before


def test_a_cut_is_tried_again_and_told(feed: Feed, tmp_path: Path) -> None:
    feed.cut = 50
    with pytest.raises(AdvisoryError, match=r"cannot fetch .*Debian/all\.zip"):
        run(feed, tmp_path / "db", "Debian")
    assert len(feed.requests) == 4, "three tries, and one for the rest of what came"


def test_a_cut_download_goes_on_where_it_was(feed: Feed, tmp_path: Path) -> None:
    feed.ranges, feed.cut = "yes", 150
    result = run(feed, tmp_path / "db", "Debian")
    assert result.updated == (Updated("Debian", 2, True),)
    size = (feed.folder / "Debian" / "all.zip").stat().st_size
    assert size > 300
    assert [asked.partition(" ")[0] for asked in feed.asked] == [
        f"bytes={at}-" for at in range(150, size, 150)
    ]
    assert [status for _, status in feed.requests] == [200, *[206] * len(feed.asked)]


@pytest.mark.parametrize("wrong", ["lie", "416"])
def test_a_server_that_is_wrong_about_parts(feed: Feed, tmp_path: Path, wrong: str) -> None:
    """What does not fit is never put together."""
    feed.ranges, feed.cut = wrong, 150
    with pytest.raises(AdvisoryError, match=r"cannot fetch .*Debian/all\.zip"):
        run(feed, tmp_path / "db", "Debian")
    assert not (tmp_path / "db").exists()


def test_a_feed_that_changes_between_two_parts(feed: Feed, tmp_path: Path) -> None:
    feed.ranges, feed.cut = "yes", 150

    def changed(_: float) -> None:
        if feed.cut is not None:
            feed.cut = None
            write_feed(feed.folder, "Debian", record("DSA-2", ("Debian:12", "z")))

    update(["Debian"], feed.url, tmp_path / "db", LIMITS, NOW, pause=changed)
    assert [status for _, status in feed.requests] == [200, 200]
    with Store.open(tmp_path / "db") as store:
        assert [m.advisory.id for m in store.lookup("Debian:12", "z")] == ["DSA-2"]


def test_many_updates_at_once_lose_nothing(feed: Feed, tmp_path: Path) -> None:
    names = ("Debian", "PyPI", "Photon OS")
    with ThreadPoolExecutor(3) as pool:
        for name in names:
            pool.submit(run, feed, tmp_path / "db", name)
    with Store.open(tmp_path / "db") as store:
        assert sorted(store.sources()) == sorted(names)


def test_a_writer_that_does_not_end(feed: Feed, tmp_path: Path) -> None:
    with (
        locked(tmp_path / "db", 0),
        pytest.raises(AdvisoryError, match="another process has been updating"),
    ):
        run(feed, tmp_path / "db", "PyPI", limits=LIMITS._replace(lock_seconds=0))


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match="cannot fetch"):
        update(["Debian"], "http://127.0.0.1:9/feed", tmp_path / "db", LIMITS, NOW, pause=lambda _: None)


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "https://:99999", "ftp://example.org", "/nowhere", "", "file:///nowhere"]
)
def test_a_wrong_address(tmp_path: Path, url: str) -> None:
    with pytest.raises((AdvisoryError, UsageError)):
        update(["Debian"], url, tmp_path / "db", LIMITS, NOW, pause=lambda _: None)


def test_what_is_no_zip(feed: Feed, tmp_path: Path) -> None:
    (feed.folder / "PyPI" / "all.zip").write_text("<html>sign in</html>")
    with pytest.raises(AdvisoryError, match="is no zip"):
        run(feed, tmp_path / "db", "PyPI")
    write_feed(feed.folder, "PyPI", record("X-1", ("npm", "a")))
    with pytest.raises(AdvisoryError, match="holds no advisory for PyPI"):
        run(feed, tmp_path / "db", "PyPI")


def test_too_large(feed: Feed, tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match="limit feed-bytes"):
        run(feed, tmp_path / "db", "Debian", limits=LIMITS._replace(feed_bytes=100))


def test_broken_records_are_told(feed: Feed, tmp_path: Path) -> None:
    write_zip(feed.folder / "PyPI" / "all.zip", {"1.json": b"{", "2.json": record("PYSEC-1", ("PyPI", "a"))})
    result = run(feed, tmp_path / "db", "PyPI")
    assert [problem.subject for problem in result.problems] == ["PyPI/all.zip/1.json"]
    assert result.updated == (Updated("PyPI", 1, True),)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_mirror_on_disk(feed: Feed, tmp_path: Path, scheme: str) -> None:
    moved = feed.folder.rename(tmp_path / "a mirror")
    url = moved.as_uri() if scheme else str(moved)
    result = update(["Photon OS"], url, tmp_path / "db", LIMITS, NOW)
    assert result.updated == (Updated("Photon OS", 1, True),)
    assert feed.requests == []


def test_a_broken_database_is_replaced_aloud(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    run(feed, database, "Debian", "PyPI")
    manifest = database / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:300])
    with pytest.raises(AdvisoryError, match="is damaged"):
        run(feed, database)
    (problem,) = run(feed, database, "PyPI").problems
    assert problem.code == "database-replaced"
    with Store.open(database) as store:
        assert list(store.sources()) == ["PyPI"]


def test_a_shard_that_is_damaged_is_fetched_again(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    whole = run(feed, database, "Debian", "PyPI").digest
    debian, _ = shard_files(database)
    debian.write_bytes(debian.read_bytes()[:5000])
    with pytest.raises(AdvisoryError, match="cut short"):
        Store.open(database)
    result = run(feed, database)
    assert (result.problems, result.digest) == ((), whole)
    debian.unlink()
    (problem,) = run(feed, database, "PyPI").problems
    assert (problem.code, problem.subject) == ("database-replaced", "Debian")
    with Store.open(database) as store:
        assert list(store.sources()) == ["PyPI"]


def test_other_files_are_never_overwritten(feed: Feed, tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    target.write_text("precious")
    with pytest.raises(UsageError, match="is no advisory database"):
        run(feed, target, "PyPI")
    assert target.read_text() == "precious"


def test_beside_a_build(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    write_zip(tmp_path / "own.zip", {"1.json": record("OWN-1", ("PyPI", "own"), ("Alpine:v3.18", "own"))})
    build([tmp_path / "own.zip"], database)
    with pytest.raises(UsageError, match="has none from a feed yet"):
        run(feed, database)
    run(feed, database, "PyPI")
    assert [one.base for one in run(feed, database).updated] == ["PyPI"]
    with Store.open(database) as store:
        assert len(store.lookup("PyPI", "own")) == len(store.lookup("PyPI", "a")) == 1
        assert len(store.lookup("Alpine:v3.18", "own")) == 1


def test_what_could_not_be_used_is_remembered_and_fetched_again(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    write_zip(
        feed.folder / "Debian" / "all.zip",
        {
            "1.json": record("DSA-1", ("Debian:12", "a")),
            "2.json": b"{",
            "3.json": {"id": "X", "affected": [{"package": {"name": "a"}}]},
            "4.json": record("DSA-4", ("Debian:11", "a"), ("PyPI", "a")) | {"severity": 7},
            "5.json": record("DSA-5", ("debian:13", "a"), ("Evil", "a")),
        },
    )
    run(feed, database, "Debian")
    run(feed, database, "PyPI")
    with Store.open(database) as store:
        assert store.unread() == {"Debian": 2, "Debian:11": 1, "Debian:13": 1}
        assert (store.unread_for("Debian:12"), store.unread_for("PyPI")) == (2, 0)
    run(feed, database)
    assert [one for one in feed.requests if "all.zip" in one[0]][-2:] == [
        ("Debian/all.zip", 200),
        ("PyPI/all.zip", 304),
    ]
    write_feed(feed.folder, "Debian", record("DSA-1", ("Debian:12", "a")))
    run(feed, database)
    with Store.open(database) as store:
        assert store.unread() == {}


def test_versions_of_no_package_count_for_the_whole_feed(feed: Feed, tmp_path: Path) -> None:
    commits = {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}], "versions": ["v1"]}
    lost = {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}
    good = record("X-1", ("PyPI", "a"))
    write_feed(feed.folder, "PyPI", good, {"id": "X-2", "affected": [commits, {}]})
    run(feed, tmp_path / "db", "PyPI")
    with Store.open(tmp_path / "db") as store:
        assert store.unread() == {}
    write_feed(feed.folder, "PyPI", good, {"id": "X-2", "affected": [commits, {"package": None, **lost}]})
    result = run(feed, tmp_path / "db", "PyPI")
    assert [problem.code for problem in result.problems] == ["faulty-advisory"]
    with Store.open(tmp_path / "db") as store:
        assert store.unread() == {"PyPI": 1}


def test_gaps_of_a_build_last_until_the_next(feed: Feed, tmp_path: Path) -> None:
    database = tmp_path / "db"
    (tmp_path / "1.json").write_text(json.dumps([record("X-1", ("npm", "a"), ("Debian:12", "a")), 7]))
    build([tmp_path / "1.json"], database)
    run(feed, database, "Debian")
    with Store.open(database) as store:
        assert store.unread() == {"": 1}
    (tmp_path / "1.json").write_text(json.dumps([record("X-1", ("npm", "a"))]))
    build([tmp_path / "1.json"], database)
    with Store.open(database) as store:
        assert (store.unread(), set(store.ecosystems())) == ({}, {"npm", "Debian:12"})


def test_a_feed_may_have_what_the_schema_does_not(feed: Feed, tmp_path: Path) -> None:
    write_feed(feed.folder, "Newcomer", record("N-1", ("Newcomer:1", "a")))
    write_feed(feed.folder, "Alpine", record("A-1", ("Alpine:v3.18", "a")), record("C-1", ("Alpine", "a")))
    result = run(feed, tmp_path / "db", "Newcomer", "Alpine")
    assert result.problems == (), "records of others under the bare name are none of Alpine's"
    with Store.open(tmp_path / "db") as store:
        assert store.ecosystems() == {"Alpine:v3.18": 1, "Newcomer:1": 1}
