"""Brings the advisory database up to date from the public OSV feed, or from a mirror of it.

A feed is a place, on the web or on disk, with `<ECOSYSTEM>/all.zip` for each base ecosystem and `ecosystems.txt` with
their names (OSV's data sources documentation). Only what is asked for is fetched, an ETag spares what has not changed, and
the database is swapped in whole at the end: any failure leaves the old one as it was.
"""

from __future__ import annotations

import difflib
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from secpipe.advisories import manifest
from secpipe.advisories.compile import compile_records, uncollected
from secpipe.advisories.download import Feed, Unreachable, open_feed
from secpipe.advisories.increments import Increment, Ledger, increment
from secpipe.advisories.lock import locked
from secpipe.advisories.manifest import Manifest, Shard
from secpipe.advisories.names import base
from secpipe.advisories.plain import reader
from secpipe.advisories.shard import OpenShard
from secpipe.advisories.sources import zip_records
from secpipe.advisories.store import timestamp
from secpipe.advisories.writer import Origin, Writer, refuse_foreign
from secpipe.errors import AdvisoryError, SecpipeError, UsageError
from secpipe.model.limits import MIB, Limits
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress

DEFAULT_URL = "https://osv-vulnerabilities.storage.googleapis.com"
_EXAMPLE = "name what the images need, such as: secpipe db update Debian Alpine PyPI"


class Updated(Struct, frozen=True):
    """One base ecosystem after an update: its records, and whether they were fetched anew."""

    base: str
    records: int
    changed: bool


class UpdateResult(Struct, frozen=True):
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
    refuse_foreign(database)
    state = _state(database, named=bool(ecosystems))
    wanted = sorted({base(name.strip()) for name in ecosystems} or state.known)
    if not wanted or not all(wanted):
        raise UsageError(f"no ecosystem to update: {database} has none from a feed yet", _EXAMPLE)
    lost: dict[str, str] = {}
    fresh: dict[str, Shard] = {}
    with open_feed(base_url, limits, pause, progress) as feed, Writer(database) as writer, uncollected():
        for number, name in enumerate(wanted):
            try:
                fresh[name] = _fetch(
                    feed, name, state.known.get(name), writer, timestamp(now), limits, state.problems
                )
            except SecpipeError as error:
                if failures is None:
                    raise
                lost[name] = error.message
                if isinstance(error, Unreachable):
                    lost |= dict.fromkeys(wanted[number:], error.message)
                    break
        digest = ""
        if fresh:
            state.lose(fresh)
            digest = writer.commit(state.manifest.having(fresh.values())).digest
    if failures is not None:
        failures |= lost
    before = {name: shard.file for name, shard in state.known.items()}
    done = tuple(Updated(name, one.records, before.get(name) != one.file) for name, one in fresh.items())
    return UpdateResult(done, digest, tuple(sorted(state.problems)))


class _State(Struct):
    """The database before an update: what it has from a feed, by base ecosystem, and the shards that are damaged."""

    manifest: Manifest
    known: dict[str, Shard]
    damaged: dict[tuple[str, bool], str]
    problems: list[Problem]

    def lose(self, fresh: Iterable[str]) -> None:
        """Take out what is damaged, and tell of what was not fetched anew."""
        again = {(name, False) for name in fresh}
        for key, why in self.damaged.items():
            if key not in again:
                hint = "build your own records again" if key[1] else f"run: secpipe db update {key[0]}"
                self.problems.append(Problem("database-replaced", key[0], f"{why}; it was left out", hint))
        kept = tuple(shard for shard in self.manifest.shards if shard.key not in self.damaged)
        self.manifest = replace(self.manifest, shards=kept)


def _state(database: Path, named: bool) -> _State:
    """What the database holds now. One that cannot be read is as good as none, but not without a word.

    A source of which not everything could be read has no ETag here: it is worth fetching again, perhaps with other limits.
    """
    if not (database / manifest.NAME).exists() and not database.is_file():
        return _State(Manifest(), {}, {}, [])
    try:
        found = manifest.read(database)
    except AdvisoryError as error:
        if not named:
            raise AdvisoryError(error.message, _EXAMPLE) from error
        message = f"{error.message}; it was replaced and holds only what was updated now"
        hint = "run secpipe db update for the others too"
        return _State(Manifest(), {}, {}, [Problem("database-replaced", str(database), message, hint)])
    damaged: dict[tuple[str, bool], str] = {}
    known: dict[str, Shard] = {}
    for shard in found.shards:
        try:
            manifest.check_file(database / shard.file, shard.bytes)
        except AdvisoryError as error:
            damaged[shard.key] = error.message
        except FileNotFoundError:
            damaged[shard.key] = f"the advisory database {database} has no {shard.file}"
        if not shard.own:
            whole = not shard.unread and shard.key not in damaged
            known[shard.base] = shard if whole else replace(shard, etag="", listing="")
    return _State(found, known, damaged, [])


def _fetch(
    feed: Feed,
    name: str,
    known: Shard | None,
    writer: Writer,
    at: str,
    limits: Limits,
    problems: list[Problem],
) -> Shard:
    """The shard of an ecosystem, its file new or that of the database, fetched now in either case."""
    path = f"{name}/all.zip"
    if known and known.url != feed.url(path):
        known = None
    etag = known.etag if known else ""
    if known and known.listing and (changes := _changes(feed, known, writer, limits)):
        if changes.rows is None:
            return replace(known, fetched=at, listing=changes.listing)
        return writer.shard(name, changes.rows, Origin(at, known.url, "", changes.listing))
    try:
        download = feed.open(path, etag)
    except FileNotFoundError as error:
        raise _unknown(feed, name) from error
    if download is None:
        assert known is not None
        return replace(known, fetched=at)
    with download.file as file:
        if not zipfile.is_zipfile(file):
            raise AdvisoryError(
                f"{download.url} is no zip", "is this the address of an OSV feed or a mirror of it?"
            )
        file.seek(0)
        ledger = Ledger(path)
        found = ledger.noting(zip_records(file, path, limits, problems, reader()))
        compiled = compile_records(found, problems, only=name)
    if name not in compiled.shards:
        raise AdvisoryError(f"{download.url} holds no advisory for {name}", "the database was left as it was")
    rows = compiled.shards[name]
    # What has no ETag comes from a folder, and reading that again costs nothing, or from a server that keeps no account.
    listing = ledger.listing if download.etag else ""
    rows.listed = ledger.unused(rows) if listing else {}
    shard = writer.shard(name, rows, Origin(at, download.url, download.etag, listing))
    return replace(shard, unread=dict(sorted(compiled.unread.items())))


def _changes(feed: Feed, known: Shard, writer: Writer, limits: Limits) -> Increment | None:
    """What changed since, by the feed's list of changes; None where only the zip can tell."""
    try:
        shard = OpenShard(writer.path / known.file, known.bytes)
    except (AdvisoryError, FileNotFoundError):
        return None
    with closing(shard):
        try:
            return increment(feed, known.base, known.listing, shard, limits)
        except AdvisoryError:
            return None


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
