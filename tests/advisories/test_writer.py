"""Writers that are killed, and readers that look while somebody writes: all of the old database, or all of the new one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from secpipe.advisories import shard
from secpipe.advisories.schema import sqlite_uri
from secpipe.advisories.store import Store
from secpipe.advisories.update import update
from secpipe.errors import AdvisoryError
from tests.advisories.support import LIMITS, record, shard_files, write_feed

LOOP = """
import sys
from pathlib import Path
from secpipe.advisories.update import update
database, *feeds = sys.argv[1:]
print("ready", flush=True)
while True:
    for feed in feeds:
        update(["Debian", "PyPI"], feed, Path(database))
"""


def feeds(folder: Path, size: int = 60) -> list[str]:
    """Two states of a feed, told by the name of the package that all of it is about."""
    for name in ("old", "new"):
        for base, place in (("Debian", "Debian:12"), ("PyPI", "PyPI")):
            write_feed(folder / name, base, *(record(f"{name}-{i}", (place, name)) for i in range(size)))
    return [str(folder / "old"), str(folder / "new")]


def state(database: Path) -> str:
    """Which of the two the database is, all of it."""
    with Store.open(database, ["Debian", "PyPI"]) as store:
        found = {
            (name, len(store.lookup(place, name)))
            for place in ("Debian:12", "PyPI")
            for name in ("old", "new")
            if store.lookup(place, name)
        }
    ((name, _),) = found
    return name


def test_killed_at_random(tmp_path: Path) -> None:
    both = feeds(tmp_path)
    database = tmp_path / "db"
    update(["Debian", "PyPI"], both[0], database)
    chance = random.Random(6)
    seen: set[str] = set()
    for _ in range(8):
        words = [sys.executable, "-c", LOOP, str(database), *both]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0, 0.2))
            process.kill()
        seen.add(state(database))
    assert seen <= {"old", "new"}
    update(["Debian", "PyPI"], both[1], database)
    assert len(list(database.iterdir())) == 3, "what the killed ones left is gone"


@pytest.mark.parametrize("fresh", [False, True])
def test_killed_at_every_step(tmp_path: Path, fresh: bool) -> None:
    """At every file that is opened, renamed or removed, in a process of its own."""
    both = feeds(tmp_path, 3)
    database = tmp_path / "db"
    seen: list[str] = []
    for step in range(1000):
        if fresh and database.exists():
            break  # it was whole when it appeared
        if not fresh:
            update(["Debian", "PyPI"], both[0], database)
        if not _killed(database, both[1], step):
            break
        if database.exists():
            seen.append(state(database))
        assert fresh or seen[-1] in ("old", "new")
    else:
        pytest.fail("it has no end")
    assert step > 20, "there are as many steps"
    if fresh:
        assert state(database) == "new"
        assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".db.new")] == []
    else:
        assert seen == sorted(seen, reverse=True), "it is the new one once and for all"
        assert {"old", "new"} == set(seen)


def _killed(database: Path, feed: str, step: int) -> bool:
    """Update in a process that is killed when it takes so many steps; whether it was before it ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        left = step

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "sqlite3.connect"):
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        try:
            sys.addaudithook(audit)
            update(["Debian", "PyPI"], feed, database)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_readers_beside_a_writer(tmp_path: Path) -> None:
    both = feeds(tmp_path)
    database = tmp_path / "db"
    update(["Debian", "PyPI"], both[0], database)
    words = [sys.executable, "-c", LOOP, str(database), *both]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            end = time.monotonic() + 1.5
            seen: set[str] = set()
            while time.monotonic() < end:
                seen.add(state(database))
        finally:
            process.kill()
    assert seen == {"old", "new"}


def test_a_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    both = feeds(tmp_path, 3)
    database = tmp_path / "db"
    update(["Debian", "PyPI"], both[0], database)
    with Store.open(database, ["Debian"]) as store:
        update(["Debian", "PyPI"], both[1], database)
        assert len(store.lookup("Debian:12", "old")) == 3
        with pytest.raises(AdvisoryError, match="was replaced while it was read"):
            store.lookup("PyPI", "old")


def test_only_the_shards_that_are_needed(tmp_path: Path) -> None:
    """Of the others no more than size and header is looked at."""
    database = tmp_path / "db"
    update(["Debian", "PyPI"], feeds(tmp_path, 3)[0], database)
    debian, _ = shard_files(database)
    data = bytearray(debian.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    debian.write_bytes(data)
    with Store.open(database) as store:
        assert len(store.lookup("PyPI", "old")) == 3
        with pytest.raises(AdvisoryError, match="is damaged"):
            store.lookup("Debian:12", "old")


def test_what_is_the_same_is_written_once(tmp_path: Path) -> None:
    database = tmp_path / "db"
    feed = feeds(tmp_path, 3)[0]
    update(["Debian", "PyPI"], feed, database)
    before = {file: file.stat().st_ino for file in shard_files(database)}
    write_feed(tmp_path / "old", "PyPI", record("X-1", ("PyPI", "other")))
    result = update(["Debian", "PyPI"], feed, database, LIMITS)
    assert [(one.base, one.changed) for one in result.updated] == [("Debian", False), ("PyPI", True)]
    assert set(shard_files(database)) & set(before) == {next(iter(before))}


def test_a_shard_that_goes_between_the_look_and_the_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = feeds(tmp_path, 3)
    database = tmp_path / "db"
    update(["Debian", "PyPI"], both[0], database)
    real = sqlite_uri

    def replaced(path: Path) -> str:
        monkeypatch.setattr(shard, "sqlite_uri", real)
        update(["Debian", "PyPI"], both[1], database)
        return real(path)

    monkeypatch.setattr(shard, "sqlite_uri", replaced)
    assert state(database) == "new"
