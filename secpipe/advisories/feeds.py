"""What is known of exploitation, kept beside the advisory database: CISA's KEV catalogue and FIRST's EPSS.

Each feed is one SQLite file, `<database>.kev` and `<database>.epss`, written whole and swapped in like the database: a
failure leaves the old one as it was. Both are optional, and a database is the same with and without them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace

from secpipe.advisories.store import timestamp
from secpipe.cache.paths import feed_path
from secpipe.errors import AdvisoryError, UsageError
from secpipe.model.limits import Limits
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.text import plural

if TYPE_CHECKING:
    import sqlite3

    from secpipe.advisories.download import Download
    from secpipe.advisories.exploitation import Listed

APPLICATION_ID = 0x5345434B
SCHEMA = 1
KEV, EPSS = "kev", "epss"
_AT_ONCE = 500  # SQLite before 3.32 takes 999 parameters
_TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA};
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (cve TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""


class Kind(NamedTuple):
    """A feed: what it is called, where it is published, and how many days may lie between two editions of it."""

    title: str
    url: str
    pause_days: int


KINDS = {
    KEV: Kind(
        "CISA's catalogue of known exploited vulnerabilities",
        "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
        30,
    ),
    EPSS: Kind("FIRST's EPSS", "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz", 1),
}


class FeedState(Struct, frozen=True):
    """A feed that is there. Times are RFC 3339 in UTC: `fetched` is ours, `released` the publisher's ('' for unknown)."""

    name: str
    entries: int
    released: str
    fetched: str
    url: str
    etag: str
    digest: str


class FeedUpdate(Struct, frozen=True):
    """A feed after an update, whether it changed, and what could not be read of it."""

    state: FeedState
    changed: bool
    problems: tuple[Problem, ...] = ()


def update_feed(
    name: str,
    database: Path,
    address: str = "",
    limits: Limits | None = None,
    now: datetime | None = None,
    pause: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
) -> FeedUpdate:
    """Fetch a feed (`kev`, `epss`) from an address or a file: by default from where it came last time, else its publisher.

    Raises `AdvisoryError` when it cannot be had or is no such feed; what is there then stays as it was.
    """
    from secpipe.advisories.download import absolute
    from secpipe.advisories.exploitation import read
    from secpipe.advisories.lock import locked

    limits = limits or Limits()
    path = feed_path(database, name)
    with locked(path, limits.lock_seconds):
        known = _known(database, name)
        address = absolute(address) or (known.url if known else "") or KINDS[name].url
        etag = known.etag if known and known.url == address else ""
        fetched = timestamp(now)
        download = _fetched(name, address, etag, limits, pause, progress)
        if download is None:
            if known is None or not etag:
                raise AdvisoryError(f"{address} answers 304 to who has nothing yet", "try again later")
            found = replace(known, fetched=fetched)
            _write(path, found, _every(database, name))
            return FeedUpdate(found, False)
        with download.file as file:
            listed = read(name, file, address, limits)
        found = FeedState(
            name, len(listed.entries), listed.released, fetched, address, download.etag, _digest(listed)
        )
        _write(path, found, listed.entries.items())
        changed = known is None or known.digest != found.digest
        return FeedUpdate(found, changed, tuple(_faults(listed, address)))


def state(database: Path, name: str) -> FeedState | None:
    """The feed of that name; None where there is none. Raises `AdvisoryError` for one that is damaged."""
    with _reading(database, name) as connection:
        if connection is None:
            return None
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        texts = (str(meta[key]) for key in ("released", "fetched", "url", "etag", "digest"))
        return FeedState(name, int(meta["entries"]), *texts)


def lookup(database: Path, name: str, cves: Iterable[str]) -> dict[str, float]:
    """What the feed has of these CVEs, in upper case; nothing where there is no such feed. Raises as `state` does."""
    wanted = sorted(set(cves))
    found: dict[str, float] = {}
    with _reading(database, name) as connection:
        for start in range(0, len(wanted), _AT_ONCE) if connection else ():
            some = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT cve, value FROM entry WHERE cve IN ({marks})"  # noqa: S608  # marks only
            rows = connection.execute(query, some).fetchall() if connection else ()
            found.update((cve, min(max(float(value), 0.0), 1.0)) for cve, value in rows)
    return found


def outdated(feed: FeedState, max_age_days: int, now: datetime | None = None) -> str:
    """Why the feed is too old to rely on, '' when it is not: it was fetched too long ago, or published so long before
    that its publisher has had newer ones since."""
    now = now or datetime.now(UTC)
    kind = KINDS[feed.name]
    for verb, moment, most in (
        ("fetched", feed.fetched, max_age_days),
        ("published", feed.released, max_age_days + kind.pause_days),
    ):
        days = _days(moment, now)
        if days is None and (moment or verb == "fetched"):
            return f"nobody knows how old it is, for it has no plausible time ({verb} {moment or 'never'})"
        if days is not None and days > most:
            return f"what is here was {verb} {days:.0f} days ago, more than {most}"
    return ""


def age_days(feed: FeedState, now: datetime | None = None) -> float | None:
    """Days since the feed was fetched; None where nobody knows."""
    return _days(feed.fetched, now or datetime.now(UTC))


def _days(moment: str, now: datetime) -> float | None:
    """Days since that moment; None for what is none, or is more than a day ahead."""
    try:
        days = (now - datetime.fromisoformat(moment)).total_seconds() / 86400
    except (ValueError, TypeError):
        return None
    return max(0.0, days) if days >= -1 else None


def _known(database: Path, name: str) -> FeedState | None:
    """The feed that is there, if it can be read: one that cannot is replaced."""
    try:
        return state(database, name)
    except AdvisoryError:
        return None


def _fetched(
    name: str,
    address: str,
    etag: str,
    limits: Limits,
    pause: Callable[[float], None],
    progress: Progress | None,
) -> Download | None:
    from secpipe.advisories.download import fetch_file

    hint = f"check the address, the network and the proxy, or name a copy of it with --{name}-url"
    try:
        return fetch_file(address, etag, limits, pause, progress)
    except FileNotFoundError as error:
        raise AdvisoryError(f"there is nothing at {address}", hint) from error
    except AdvisoryError as error:
        raise AdvisoryError(error.message, hint) from error


def _digest(listed: Listed) -> str:
    import hashlib

    lines = "".join(f"{cve}\0{value!r}\n" for cve, value in sorted(listed.entries.items()))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def _faults(listed: Listed, address: str) -> Iterator[Problem]:
    if listed.faults:
        message = f"{address}: {plural(listed.faults, 'entry', 'entries')} could not be read"
        yield Problem("unreadable-entries", address, message, "the rest is used")


def _every(database: Path, name: str) -> list[tuple[str, float]]:
    with _reading(database, name) as connection:
        return connection.execute("SELECT cve, value FROM entry").fetchall() if connection else []


def _write(path: Path, feed: FeedState, entries: Iterable[tuple[str, float]]) -> None:
    import sqlite3
    import tempfile

    if path.exists() and not (path.is_file() and _is_ours(path)):
        raise UsageError(
            f"{path} exists and is nothing of secpipe's", "remove it, or choose another database with --db"
        )
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        new = Path(name)
        try:
            with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
                connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
                connection.execute("BEGIN")
                meta = {**asdict(feed), "entries": str(feed.entries)}
                connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
                connection.executemany("INSERT INTO entry VALUES (?, ?)", sorted(entries))
                connection.execute("COMMIT")
            os.fsync(handle)
            new.chmod(0o644)
            new.replace(path)
        finally:
            os.close(handle)
            new.unlink(missing_ok=True)
    except OSError as error:
        raise AdvisoryError(f"cannot write {path}: {error.strerror or error}") from error
    except (sqlite3.Error, UnicodeError) as error:
        raise AdvisoryError(f"cannot write {path}: {error}", "is there room on the disk?") from error


def _is_ours(path: Path) -> bool:
    """Whether it is a feed of ours, whole or not, or an empty file: told by SQLite's header (file format §1.3)."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise AdvisoryError(f"cannot read {path}: {error.strerror or error}") from error
    named = int.from_bytes(header[68:72], "big") == APPLICATION_ID
    return not header or (header.startswith(b"SQLite format 3\0") and named)


@contextlib.contextmanager
def _reading(database: Path, name: str) -> Iterator[sqlite3.Connection | None]:
    """The file of the feed, open for reading; None where there is none."""
    import sqlite3
    from urllib.parse import quote

    path = feed_path(database, name)
    if not path.exists():
        yield None
        return
    hint = f"run: secpipe db update --{name}"
    if not path.is_file() or not _is_ours(path):
        raise AdvisoryError(f"{path} is no feed of secpipe's", hint)
    try:
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            if schema != SCHEMA:
                raise AdvisoryError(f"{path} is of another version of secpipe", hint)
            yield connection
    except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
        raise AdvisoryError(f"{path} is damaged: {error}", hint) from error
