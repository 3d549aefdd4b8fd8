"""Feeds about exploitation beside the database: fetched, kept, asked, too old, damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.advisories.feeds import EPSS, KEV, FeedState, lookup, outdated, state, update_feed
from secpipe.cache.paths import feed_path
from secpipe.errors import AdvisoryError, SecpipeError, UsageError
from tests.advisories.support import epss, kev
from tests.support.loopback import listening

NOW = datetime(2025, 11, 21, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "db.sqlite"


def test_a_feed_is_fetched_from_a_file_and_asked(tmp_path: Path, database: Path) -> None:
    file = epss(tmp_path, {"CVE-2021-44228": 0.94358, "CVE-1999-0001": 0.01})
    done = update_feed(EPSS, database, str(file), now=NOW)
    assert done.changed
    assert done.problems == ()
    assert done.state == state(database, EPSS)
    assert (done.state.entries, done.state.url) == (2, str(file))
    assert (done.state.fetched, done.state.released) == (
        "2025-11-21T00:00:00Z",
        "2025-11-20T12:00:00.000000Z",
    )
    wanted = ["CVE-2021-44228", *(f"CVE-2020-{n:04}" for n in range(1200)), "CVE-1999-0001"]
    assert lookup(database, EPSS, wanted) == {"CVE-2021-44228": 0.94358, "CVE-1999-0001": 0.01}
    assert state(database, KEV) is None
    assert lookup(database, KEV, wanted) == {}


def test_where_it_came_from_is_remembered_and_found_from_elsewhere(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kev(tmp_path, "CVE-2014-0160")
    monkeypatch.chdir(tmp_path)
    first = update_feed(KEV, database, "kev.json", now=NOW)
    monkeypatch.chdir("/")
    again = update_feed(KEV, database, now=NOW + timedelta(days=1))
    assert (again.changed, again.state.digest) == (False, first.state.digest)
    assert again.state.fetched == "2025-11-22T00:00:00Z"
    kev(tmp_path, "CVE-2014-0160", "CVE-2021-44228")
    assert update_feed(KEV, database, (tmp_path / "kev.json").as_uri(), now=NOW).changed
    assert lookup(database, KEV, ["CVE-2021-44228"]) == {"CVE-2021-44228": 1.0}


def test_what_could_not_be_read_is_told(tmp_path: Path, database: Path) -> None:
    file = epss(tmp_path, {"CVE-2021-44228": 0.9, "CVE-x": 0.5})
    (problem,) = update_feed(EPSS, database, str(file), now=NOW).problems
    assert problem.code == "unreadable-entries"
    assert problem.message == f"{file}: 1 entry could not be read"


@dataclass
class Site:
    content: bytes = b""
    etag: str = '"1"'
    url: str = ""
    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            known = self.headers["If-None-Match"] == found.etag
            status = found.statuses.pop(0) if found.statuses else 304 if known else 200
            self.send_response(status)
            self.send_header("ETag", found.etag)
            body = found.content if status == 200 else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with listening(Handler) as address:
        found.url = f"http://{address}/feeds/current.csv.gz?edition=1%202"
        yield found


def test_over_http_an_etag_spares_what_has_not_changed(tmp_path: Path, database: Path, site: Site) -> None:
    site.content = epss(tmp_path, {"CVE-2021-44228": 0.9}).read_bytes()
    assert update_feed(EPSS, database, site.url, now=NOW).changed
    assert site.asked == ["/feeds/current.csv.gz?edition=1%202"], "an address is asked for as it is"
    later = update_feed(EPSS, database, now=NOW + timedelta(days=2))
    assert not later.changed
    assert later.state.fetched == "2025-11-23T00:00:00Z"
    assert lookup(database, EPSS, ["CVE-2021-44228"]) == {"CVE-2021-44228": 0.9}
    site.statuses = [503]
    site.etag = '"2"'
    site.content = epss(tmp_path, {"CVE-2021-44228": 0.8}).read_bytes()
    assert update_feed(EPSS, database, now=NOW, pause=lambda _: None).changed


@pytest.mark.parametrize("statuses", [[404], [403], [304], [500, 500, 500]])
def test_a_failure_leaves_what_was_there(
    tmp_path: Path, database: Path, site: Site, statuses: list[int]
) -> None:
    before = update_feed(EPSS, database, str(epss(tmp_path, {"CVE-2021-44228": 0.9})), now=NOW).state
    site.statuses = statuses
    with pytest.raises(AdvisoryError) as error:
        update_feed(EPSS, database, site.url, now=NOW, pause=lambda _: None)
    assert error.value.hint
    assert state(database, EPSS) == before


def test_what_is_not_there_or_no_feed_is_an_error(tmp_path: Path, database: Path) -> None:
    with pytest.raises(AdvisoryError, match=r"there is nothing at .*none\.json"):
        update_feed(KEV, database, str(tmp_path / "none.json"))
    with pytest.raises(AdvisoryError, match="cannot read"):
        update_feed(KEV, database, str(tmp_path))
    with pytest.raises(AdvisoryError, match="no columns"):
        update_feed(EPSS, database, str(kev(tmp_path, "CVE-2014-0160")))
    for address in ("http://[::1", "ftp://there/epss.csv"):
        with pytest.raises(UsageError, match="no address"):
            update_feed(EPSS, database, address)
    assert not feed_path(database, EPSS).exists()


def test_nothing_of_others_is_overwritten(tmp_path: Path, database: Path) -> None:
    file = kev(tmp_path, "CVE-2014-0160")
    database.parent.mkdir()
    feed_path(database, KEV).write_text("mine")
    with pytest.raises(UsageError, match="is nothing of secpipe's"):
        update_feed(KEV, database, str(file))
    assert feed_path(database, KEV).read_text() == "mine"


def test_a_damaged_feed_is_told_and_replaced(tmp_path: Path, database: Path) -> None:
    file = epss(tmp_path, {f"CVE-2021-{n:05}": 0.5 for n in range(5000)})
    update_feed(EPSS, database, str(file), now=NOW)
    path = feed_path(database, EPSS)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(AdvisoryError, match="damaged"):
        lookup(database, EPSS, [f"CVE-2021-{n:05}" for n in range(5000)])
    assert update_feed(EPSS, database, str(file), now=NOW).state.entries == 5000
    assert lookup(database, EPSS, ["CVE-2021-04999"]) == {"CVE-2021-04999": 0.5}


def test_a_feed_of_another_version_is_told(tmp_path: Path, database: Path) -> None:
    import sqlite3

    update_feed(KEV, database, str(kev(tmp_path, "CVE-2014-0160")), now=NOW)
    with sqlite3.connect(feed_path(database, KEV)) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(AdvisoryError, match="another version"):
        state(database, KEV)


@given(st.binary(max_size=200), st.integers(0, 8192), st.sampled_from([KEV, EPSS]))
def test_an_arbitrary_file_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int, name: str
) -> None:
    folder = tmp_path_factory.mktemp("feeds")
    database = folder / "db"
    file = kev(folder, "CVE-2014-0160") if name == KEV else epss(folder, {"CVE-2014-0160": 0.5})
    update_feed(name, database, str(file), now=NOW)
    path = feed_path(database, name)
    data = path.read_bytes()
    path.write_bytes(data[:at] + junk + data[at + len(junk) :])
    try:
        state(database, name)
        assert all(0 <= value <= 1 for value in lookup(database, name, ["CVE-2014-0160"]).values())
    except SecpipeError:
        pass


def feed(name: str, fetched: str, released: str) -> FeedState:
    return FeedState(name, 1, released, fetched, "there", "", "sha256:0")


@pytest.mark.parametrize(
    ("name", "fetched", "released", "why"),
    [
        (KEV, "2025-11-20T00:00:00Z", "2025-11-01T00:00:00Z", ""),
        (KEV, "2025-11-20T00:00:00Z", "", ""),
        (KEV, "2025-11-13T00:00:00Z", "2025-11-13T00:00:00Z", "fetched 8 days ago, more than 7"),
        (KEV, "2025-11-20T00:00:00Z", "2025-10-01T00:00:00Z", "published 51 days ago, more than 37"),
        (EPSS, "2025-11-20T00:00:00Z", "2025-11-13T00:00:00Z", ""),
        (EPSS, "2025-11-20T00:00:00Z", "2025-11-10T00:00:00Z", "published 11 days ago, more than 8"),
        (EPSS, "", "", "nobody knows how old"),
        (EPSS, "2025-11-25T00:00:00Z", "2025-11-20T00:00:00Z", "nobody knows how old"),
        (EPSS, "2025-11-20T00:00:00Z", "2026-01-01T00:00:00Z", "nobody knows how old"),
        (EPSS, "2025-11-20", "", "nobody knows how old"),
    ],
)
def test_age_counts_from_when_it_was_fetched_and_published(
    name: str, fetched: str, released: str, why: str
) -> None:
    found = outdated(feed(name, fetched, released), 7, NOW)
    assert found if why else not found
    assert why in found
