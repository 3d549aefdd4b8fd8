"""Brings the advisory database up to date from the public OSV feed, or from a mirror of it.

A feed is a place, on the web or on disk, with `<ECOSYSTEM>/all.zip` for each base ecosystem and `ecosystems.txt` with
their names (OSV's data sources documentation). Only what is asked for is fetched, an ETag spares what has not changed, and
the database is swapped in whole at the end: any failure leaves the old one as it was.
"""

from __future__ import annotations

import difflib
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from secpipe.advisories.compile import Compiled, Origin, Shard, compile_records, write
from secpipe.advisories.download import Feed, Unreachable, open_feed
from secpipe.advisories.lock import locked
from secpipe.advisories.names import base
from secpipe.advisories.sources import zip_records
from secpipe.advisories.store import Source, Store, timestamp
from secpipe.errors import AdvisoryError, SecpipeError, UsageError
from secpipe.model.limits import MIB, Limits
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress

DEFAULT_URL = "https://osv-vulnerabilities.storage.googleapis.com"
_EXAMPLE = "name what the images need, such as: secpipe db update Debian Alpine PyPI"


@dataclass(frozen=True, slots=True)
class Updated:
    """One base ecosystem after an update: its records, and whether they were fetched anew."""

    base: str
    records: int
    changed: bool


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What an update did, the digest of the database, and what could not be read."""

    updated: tuple[Updated, ...]
    digest: str
    problems: tuple[Problem, ...]


def update(
    ecosystems: Sequence[str],
    base_url: str,
    database: Path,
    limits: Limits | None = None,
    now: datetime | None = None,
    pause: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
) -> UpdateResult:
    """Fetch the named base ecosystems (a release as in `Debian:12` is ignored), or else those in the database already.

    `base_url` is http(s), file, or a directory. Raises `UsageError` when nothing is named and nothing is there, or for
    a name that the feed does not have; `AdvisoryError` when the feed cannot be read. The database then stays as it was.
    """
    limits = limits or Limits()
    with locked(database, limits.lock_seconds):
        return fetch(ecosystems, base_url, database, limits, now, pause, progress)


def fetch(
    ecosystems: Sequence[str],
    base_url: str,
    database: Path,
    limits: Limits,
    now: datetime | None = None,
    pause: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
    failures: dict[str, str] | None = None,
) -> UpdateResult:
    """What `update` does, for who holds the lock. With `failures`, one ecosystem that cannot be had is told there (name →
    reason) and does not stop the others; the database is left as it was when none can."""
    known, problems = _state(database, named=bool(ecosystems))
    wanted = sorted({base(name.strip()) for name in ecosystems} or known)
    if not wanted or not all(wanted):
        raise UsageError(f"no ecosystem to update: {database} has none yet", _EXAMPLE)
    shards: dict[str, tuple[Shard, Origin]] = {}
    unread: dict[str, int] = {}
    lost: dict[str, str] = {}
    fetched = timestamp(now)
    with open_feed(base_url, limits, pause, progress) as feed:
        for number, name in enumerate(list(wanted)):
            try:
                origin, compiled = _fetch(feed, name, known.get(name), limits, problems)
            except SecpipeError as error:
                if failures is None:
                    raise
                lost[name] = error.message
                if isinstance(error, Unreachable):
                    lost |= dict.fromkeys(wanted[number:], error.message)
                    break
                continue
            if compiled is not None:
                shards[name] = (compiled.shards[name], Origin(fetched, origin.url, origin.etag))
                unread |= compiled.unread
    if failures is not None:
        failures |= lost
        wanted = [name for name in wanted if name not in lost]
    if not wanted:
        return UpdateResult((), "", tuple(sorted(problems)))
    same = [name for name in wanted if name not in shards]
    keep = database if known else None
    digest = write(database, shards, unread, keep, touched=dict.fromkeys(same, fetched))
    with Store.open(database) as store:
        records = {name: source.records for name, source in store.sources().items()}
    done = tuple(Updated(name, records[name], name in shards) for name in wanted)
    return UpdateResult(done, digest, tuple(sorted(problems)))


def _state(database: Path, named: bool) -> tuple[dict[str, Source], list[Problem]]:
    """What the database holds now. One that cannot be read is as good as none, but not without a word.

    A source of which not everything could be read has no ETag here: it is worth fetching again, perhaps with other limits.
    """
    if not database.exists():
        return {}, []
    try:
        with Store.open(database) as store:
            gaps = {base(name) for name in store.unread()}
            sources = store.sources()
            return {n: replace(s, etag="") if n in gaps else s for n, s in sources.items()}, []
    except AdvisoryError as error:
        if not named:
            raise AdvisoryError(error.message, _EXAMPLE) from error
        message = f"{error.message}; it was replaced and holds only what was updated now"
        return {}, [
            Problem("database-replaced", str(database), message, "run secpipe db update for the others too")
        ]


def _fetch(
    feed: Feed, name: str, known: Source | None, limits: Limits, problems: list[Problem]
) -> tuple[Origin, Compiled | None]:
    """Where an ecosystem came from, and its compiled records; no records when they are those of the database."""
    path = f"{name}/all.zip"
    etag = known.etag if known and known.url == feed.url(path) else ""
    try:
        download = feed.open(path, etag)
    except FileNotFoundError as error:
        raise _unknown(feed, name) from error
    if download is None:
        return Origin("", feed.url(path), etag), None
    with download.file as file:
        if not zipfile.is_zipfile(file):
            raise AdvisoryError(
                f"{download.url} is no zip", "is this the address of an OSV feed or a mirror of it?"
            )
        file.seek(0)
        compiled = compile_records(zip_records(file, path, limits, problems), problems, only=name)
    if name not in compiled.shards:
        raise AdvisoryError(f"{download.url} holds no advisory for {name}", "the database was left as it was")
    return Origin("", download.url, download.etag), compiled


def _unknown(feed: Feed, name: str) -> UsageError:
    """The error for an ecosystem that the feed does not have, with the names it could have meant."""
    message = f"there is no ecosystem {name!r} at {feed.url('')}"
    try:
        text = _names(feed)
    except (AdvisoryError, FileNotFoundError):
        return UsageError(message, "names are as in https://osv.dev/list, upper and lower case included")
    names = sorted({base(line.strip()) for line in text.splitlines()} - {""})
    lower = {one.lower(): one for one in names}
    near = [lower[one] for one in difflib.get_close_matches(name.lower(), sorted(lower), n=3)]
    return UsageError(
        message, f"did you mean {', '.join(near)}?" if near else f"it has: {', '.join(names)[:400]}"
    )


def _names(feed: Feed) -> str:
    download = feed.open("ecosystems.txt", "")
    if download is None:
        return ""
    with download.file as file:
        return file.read(MIB).decode("utf-8", "replace")
