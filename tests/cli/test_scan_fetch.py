"""A scan that fetches the advisories it lacks: what it asks for, what it leaves, and what is said when it cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.advisories.support import amend, write_feed
from tests.cli.test_scan import DEBIAN, REQUESTS, ids, layer, layout, problems
from tests.support.advisories import RECORDS, build_database, record
from tests.support.cli import Result, secpipe
from tests.support.loopback import listening
from tests.support.packages import metadata


@dataclass
class Feed:
    """A served folder and the paths that were asked for."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    state = Feed(tmp_path / "feed")
    write_feed(state.folder, "Debian", RECORDS[1])
    write_feed(state.folder, "PyPI", *RECORDS[2:])
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)[1:]
            with lock:
                state.asked.append(path)
            file = state.folder / path
            body = file.read_bytes() if file.is_file() else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The requests are kept, not printed."""

    with listening(Handler) as address:
        state.url = f"http://{address}"
        yield state


@pytest.fixture
def target(tmp_path: Path) -> str:
    return layout(tmp_path, layer(DEBIAN), layer({REQUESTS: metadata("requests", "2.30.0")}))


def scan(target: str, feed: Feed | str, database: Path, *options: str) -> Result:
    url = feed if isinstance(feed, str) else feed.url
    env = {"SECPIPE_OFFLINE": "0", "SECPIPE_DB_URL": url}
    return secpipe("scan", target, "--db", database, "-f", "json", *options, env=env)


def test_what_is_missing_is_fetched_once(feed: Feed, target: str, tmp_path: Path) -> None:
    first = scan(target, feed, tmp_path / "new" / "db")
    assert (first.code, ids(first)) == (1, ["CVE-2023-32681", "CVE-2023-5363"]), first.stderr
    assert problems(first) == []
    assert feed.asked == ["Debian/all.zip", "PyPI/all.zip"]
    again = scan(target, feed, tmp_path / "new" / "db")
    assert (again.stdout, len(feed.asked)) == (first.stdout, 2)


def test_offline_nothing_is_fetched(feed: Feed, target: str, tmp_path: Path) -> None:
    refused = scan(target, feed, tmp_path / "db", "--offline")
    assert (refused.code, feed.asked) == (3, [])
    assert "there is no advisory database" in refused.stderr
    database = build_database(tmp_path / "own", RECORDS[1:2])
    partial = scan(target, feed, database, "--offline")
    assert (problems(partial), feed.asked) == (["no-advisories"], [])


def test_what_somebody_compiled_is_left_alone(feed: Feed, target: str, tmp_path: Path) -> None:
    own = record("OWN-1", "Debian:12", "zlib1g", None)
    database = build_database(tmp_path / "own", [own])
    result = scan(target, feed, database)
    assert ids(result) == ["CVE-2023-32681", "OWN-1"]
    assert feed.asked == ["PyPI/all.zip"]


def test_what_is_too_old_is_fetched_again(feed: Feed, target: str, tmp_path: Path) -> None:
    scan(target, feed, tmp_path / "db")
    amend(tmp_path / "db", "PyPI", fetched="2020-01-01T00:00:00Z")
    assert problems(scan(target, feed, tmp_path / "db", "--offline")) == ["stale-advisories"]
    result = scan(target, feed, tmp_path / "db")
    assert problems(result) == []
    assert [path for path in feed.asked[2:] if not path.endswith(".csv")] == ["PyPI/all.zip"]
    amend(tmp_path / "db", "PyPI", fetched="2020-01-01T00:00:00Z")
    stale = scan(target, "http://127.0.0.1:9", tmp_path / "db", "--limit", "retry-seconds=0")
    assert (problems(stale), ids(stale)) == (["stale-advisories"], ids(result))
    assert "cannot fetch http://127.0.0.1:9/PyPI/all.zip" in stale.json["problems"][0]["message"]


def test_one_that_cannot_be_had_does_not_stop_the_other(feed: Feed, target: str, tmp_path: Path) -> None:
    (feed.folder / "Debian" / "all.zip").unlink()
    result = scan(target, feed, tmp_path / "db")
    assert (ids(result), problems(result)) == (["CVE-2023-32681"], ["no-advisories"])
    assert "there is no ecosystem 'Debian'" in result.json["problems"][0]["message"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nowhere", "http://[", "/dev/null"])
def test_a_feed_that_is_not_there(target: str, tmp_path: Path, url: str) -> None:
    result = scan(target, url, tmp_path / "db", "--limit", "retry-seconds=0")
    assert (result.code, problems(result)) == (3, ["no-advisories", "no-advisories"]), result.stderr
    assert not (tmp_path / "db").exists()


def test_a_place_that_cannot_be_written(feed: Feed, target: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = scan(target, feed, tmp_path / "file" / "db")
    assert (result.code, problems(result)) == (3, ["no-advisories", "no-advisories"]), result.stderr
    assert "cannot write" in result.json["problems"][0]["message"]


def test_scans_at_once_fetch_once(feed: Feed, target: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: scan(target, feed, tmp_path / "db"), range(4)))
    assert {result.code for result in results} == {1}
    assert len({result.stdout for result in results}) == 1
    assert sorted(feed.asked) == ["Debian/all.zip", "PyPI/all.zip"]
