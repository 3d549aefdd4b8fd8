"""Updates by the records that changed: equal to a full build, and the zip wherever that is not certain."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from secpipe.advisories import increments
from secpipe.advisories.store import Store
from secpipe.advisories.update import UpdateResult, update
from tests.advisories.conftest import Feed
from tests.advisories.support import LIMITS, record, shard_files, write_feed

BASE = "Debian"
Records = dict[str, dict[str, Any]]


def at(second: int) -> str:
    return f"2024-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.25Z"


def publish(folder: Path, records: Records, lines: list[str] | None = None, zipped: bool = True) -> None:
    """The records as the public feed has them: the zip, the list, and each by itself."""
    if zipped:
        write_feed(folder, BASE, *records.values())
    for name in (folder / BASE).glob("*.json"):
        name.unlink()
    for key, value in records.items():
        (folder / BASE / f"{key}.json").write_text(json.dumps(value))
    newest = sorted(records.values(), key=lambda one: (one["modified"], one["id"]), reverse=True)
    listed = [f"{one['modified']},{one['id']}" for one in newest] if lines is None else lines
    (folder / BASE / "modified_id.csv").write_text("".join(f"{line}\n" for line in listed))


def some(number: int = 20) -> Records:
    return {
        f"D-{i}": record(f"D-{i}", ("Debian:12", f"p{i % 7}"), ("Debian:11", "shared"), modified=at(i))
        for i in range(number)
    }


def run(feed: Feed, database: Path) -> UpdateResult:
    feed.requests.clear()
    return update([BASE], feed.url, database, LIMITS, pause=lambda _: None)


def asked(feed: Feed) -> list[str]:
    return [path.removeprefix(f"{BASE}/") for path, _ in feed.requests]


def equals_a_full_build(feed: Feed, database: Path, folder: Path) -> None:
    """Byte for byte, times and addresses aside."""
    fresh = folder / f"fresh{random.random()}"  # a name
    update([BASE], feed.url, fresh, LIMITS)
    assert [file.name for file in shard_files(database)] == [file.name for file in shard_files(fresh)]
    with Store.open(database) as one, Store.open(fresh) as two:
        assert one.digest == two.digest
        (mine,), (theirs,) = one.shards, two.shards
        for name in ("records", "packages", "newest", "ecosystems", "unread", "url"):
            assert getattr(mine, name) == getattr(theirs, name), name


def test_what_changed_is_fetched_alone(feed: Feed, tmp_path: Path) -> None:
    database, records = tmp_path / "db", some()
    publish(feed.folder, records)
    run(feed, database)
    assert asked(feed) == ["all.zip"]
    records["D-3"] = record("D-3", ("Debian:12", "moved"), modified=at(500))
    records["D-4"] |= {"withdrawn": at(501), "modified": at(501)}
    records["D-5"] = record("D-5", ("PyPI", "gone"), modified=at(502))
    records["NEW-1"] = record("NEW-1", ("Debian:13", "n"), modified=at(1))
    publish(feed.folder, records)
    result = run(feed, database)
    assert sorted(asked(feed)) == ["D-3.json", "D-4.json", "D-5.json", "NEW-1.json", "modified_id.csv"]
    assert result.updated[0].changed
    equals_a_full_build(feed, database, tmp_path)
    assert not run(feed, database).updated[0].changed
    assert feed.requests == [(f"{BASE}/modified_id.csv", 304)]
    records["D-4"] = record("D-4", ("Debian:12", "back"), modified=at(600))
    publish(feed.folder, records)
    run(feed, database)
    assert sorted(asked(feed)) == ["D-4.json", "modified_id.csv"]
    equals_a_full_build(feed, database, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_any_changes_lead_to_what_a_full_build_has(feed: Feed, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    database, records = tmp_path / "db", some(30)
    publish(feed.folder, records)
    run(feed, database)
    for step in range(1, 5):
        for key in chance.sample(sorted(records), 5):
            places = [
                (chance.choice(["Debian:11", "Debian:12", "Debian", "PyPI"]), f"p{chance.randrange(5)}")
                for _ in range(chance.randrange(4))
            ]
            more = {"withdrawn": at(1)} if chance.random() < 0.3 else {}
            records[key] = record(key, *places, modified=at(1000 * step + chance.randrange(900)), **more)
        records[f"N-{step}"] = record(f"N-{step}", ("Debian:12", "p1"), modified=at(step))
        if chance.random() < 0.2:
            del records[chance.choice(sorted(records))]
        publish(feed.folder, records)
        run(feed, database)
        equals_a_full_build(feed, database, tmp_path)


def _change(records: Records) -> None:
    records["D-3"] = record("D-3", ("Debian:12", "moved"), modified=at(500))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["<html>"],
        ["yesterday,D-1"],
        [f"{at(1)},../D-1"],
        [f"{at(500)},D-3"],
        [f"{at(500)},D-3", f"{at(500)},D-3"],
        [f"{at(500)},{'x' * 5000}"],
    ],
)
def test_a_list_that_tells_nothing(feed: Feed, tmp_path: Path, lines: list[str]) -> None:
    database, records = tmp_path / "db", some()
    publish(feed.folder, records)
    run(feed, database)
    _change(records)
    publish(feed.folder, records, lines)
    run(feed, database)
    assert asked(feed) == ["modified_id.csv", "all.zip"]
    equals_a_full_build(feed, database, tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"id": "D-4"}', '{"id": "D-3", "affected": 7}', None])
def test_a_record_that_is_not_there(feed: Feed, tmp_path: Path, content: str | None) -> None:
    """An old copy of it in some cache, too: it is older than the list tells."""
    database, records = tmp_path / "db", some()
    publish(feed.folder, records)
    old = json.dumps(records["D-3"])
    run(feed, database)
    _change(records)
    publish(feed.folder, records)
    (feed.folder / BASE / "D-3.json").write_text(old if content is None else content)
    run(feed, database)
    assert asked(feed) == ["modified_id.csv", "D-3.json", "all.zip"]
    equals_a_full_build(feed, database, tmp_path)


def test_too_much_changed(feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(increments, "MOST", 3)
    database, records = tmp_path / "db", some()
    publish(feed.folder, records)
    run(feed, database)
    for i in range(4):
        records[f"D-{i}"] = record(f"D-{i}", ("Debian:12", "moved"), modified=at(500))
    publish(feed.folder, records)
    run(feed, database)
    assert asked(feed) == ["modified_id.csv", "all.zip"]


def test_a_list_without_fractions_of_a_second(feed: Feed, tmp_path: Path) -> None:
    database, records = tmp_path / "db", some()
    lines = [f"{one['modified'].replace('.25', '')},{key}" for key, one in records.items()]
    publish(feed.folder, records, lines)
    run(feed, database)
    run(feed, database)
    assert asked(feed) == ["modified_id.csv"]


def test_a_feed_of_which_ids_are_no_files(feed: Feed, tmp_path: Path) -> None:
    """Some sources have one file a release under one id: no list can say which of them changed."""
    from tests.advisories.support import write_zip

    database, records = tmp_path / "db", some()
    publish(feed.folder, records)
    files = {f"{i}/{key}.json": one for i, (key, one) in enumerate(records.items())}
    write_zip(feed.folder / BASE / "all.zip", files)
    run(feed, database)
    run(feed, database)
    assert feed.requests == [(f"{BASE}/all.zip", 304)]


def test_a_folder_is_read_whole(feed: Feed, tmp_path: Path) -> None:
    database, records = tmp_path / "db", some()
    publish(feed.folder, records)
    update([BASE], str(feed.folder), database, LIMITS)
    _change(records)
    publish(feed.folder, records, [])
    update([BASE], str(feed.folder), database, LIMITS)
    with Store.open(database) as store:
        assert len(store.lookup("Debian:12", "moved")) == 1
