"""Compiles OSV records into the advisory database: one SQLite file, written beside the old one and swapped in.

Its layout stands in `advisories.schema`. Rows are keyed by names, not by numbers: the rows of a base ecosystem are the same
bytes whatever else is in the file, so its digest identifies the advisories themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe.advisories.blob import pack_advisory, pack_affected, pack_package
from secpipe.advisories.faults import Faults
from secpipe.advisories.names import base, normalise
from secpipe.advisories.osv import InvalidAdvisory, parse
from secpipe.advisories.schema import APPLICATION_ID, TABLES, sqlite_uri
from secpipe.advisories.sources import Found
from secpipe.errors import AdvisoryError, UsageError
from secpipe.model.advisory import Advisory, Affected
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    import sqlite3

_TAKE_OVER = """
BEGIN;
INSERT INTO advisory SELECT * FROM old.advisory WHERE base NOT IN (SELECT base FROM main.source);
INSERT INTO package SELECT * FROM old.package
    WHERE ecosystem IN (SELECT name FROM old.ecosystem WHERE base NOT IN (SELECT base FROM main.source));
INSERT INTO ecosystem SELECT * FROM old.ecosystem WHERE base NOT IN (SELECT base FROM main.source);
INSERT INTO unread SELECT * FROM old.unread WHERE base NOT IN (SELECT base FROM main.source)
    AND (base <> '' OR EXISTS (SELECT 1 FROM old.source WHERE url = '' AND base NOT IN (SELECT base FROM main.source)));
INSERT INTO source SELECT * FROM old.source WHERE base NOT IN (SELECT base FROM main.source);
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whence and when the records of a base ecosystem came: RFC 3339 time in UTC, address, ETag of the answer."""

    fetched: str
    url: str = ""
    etag: str = ""


@dataclass(slots=True)
class Shard:
    """The compiled records of one base ecosystem: blobs by id, and by (ecosystem, package name) pairs of id and blob."""

    advisories: dict[str, bytes] = field(default_factory=dict)
    packages: dict[tuple[str, str], list[tuple[str, bytes]]] = field(default_factory=dict)
    newest: str = ""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Base ecosystem → its shard; how many records could be read; ecosystem → how many could not be used (see `Faults`)."""

    shards: Mapping[str, Shard]
    records: int
    unread: Mapping[str, int]


def compile_records(found: Iterable[Found], problems: list[Problem], only: str | None = None) -> Compiled:
    """Compile the records; `only` keeps one base ecosystem. What cannot be used is added to `problems`.

    Withdrawn records are dropped. Where an id occurs more than once, the latest `modified` counts: separately for each
    ecosystem that it names, since sources publish one record a release under the same id. Records of the same time count
    together, since neither is known to be superseded.
    """
    entries: dict[tuple[str, str], tuple[str, list[tuple[str, bytes]]]] = {}
    heads: dict[tuple[str, str], tuple[str, bytes]] = {}
    gone: dict[str, str] = {}
    count = 0
    faults = Faults(problems, only)
    for where, value in found:
        if (advisory := _parse(where, value, faults)) is None:
            continue
        count += 1
        if advisory.withdrawn:
            gone[advisory.id] = max(gone.get(advisory.id, ""), advisory.modified)
            continue
        for ecosystem, group in _by_ecosystem(advisory).items():
            if faults.unmatchable(where, ecosystem) or (only is not None and base(ecosystem) != only):
                continue
            modified, before = entries.get((advisory.id, ecosystem), ("", []))
            if modified <= advisory.modified:
                packed = [(normalise(ecosystem, entry.name), pack_affected(entry)) for entry in group]
                if modified == advisory.modified:
                    known = set(before)
                    packed = [*before, *(pair for pair in packed if pair not in known)]
                entries[advisory.id, ecosystem] = (advisory.modified, packed)
            head = (base(ecosystem), advisory.id)
            if heads.get(head, ("",))[0] <= advisory.modified:
                heads[head] = (advisory.modified, pack_advisory(advisory))
    return Compiled(_shards(entries, heads, gone), count, faults.close())


def _by_ecosystem(advisory: Advisory) -> dict[str, list[Affected]]:
    found: dict[str, list[Affected]] = {}
    for entry in advisory.affected:
        found.setdefault(entry.ecosystem, []).append(entry)
    return found


def _shards(
    entries: Mapping[tuple[str, str], tuple[str, list[tuple[str, bytes]]]],
    heads: Mapping[tuple[str, str], tuple[str, bytes]],
    gone: Mapping[str, str],
) -> dict[str, Shard]:
    shards: dict[str, Shard] = {}
    for (identifier, ecosystem), (modified, packed) in entries.items():
        if identifier in gone and gone[identifier] >= modified:
            continue
        shard = shards.setdefault(base(ecosystem), Shard())
        shard.newest = max(shard.newest, modified)
        shard.advisories[identifier] = heads[base(ecosystem), identifier][1]
        for name, blob in packed:
            shard.packages.setdefault((ecosystem, name), []).append((identifier, blob))
    return shards


def write(
    path: Path,
    shards: Mapping[str, tuple[Shard, Origin]],
    unread: Mapping[str, int],
    keep: Path | None = None,
    touched: Mapping[str, str] | None = None,
) -> str:
    """Write the database at `path` and return its digest; rows of other base ecosystems are taken over from `keep`,
    of which `touched` have a new `fetched` time. `unread` is as in `Compiled`.

    Folders are made as needed, and the old file stays in place until the new one is whole and on disk.
    Raises `AdvisoryError`; `UsageError` when `path` is some other file, which is never overwritten.
    """
    import sqlite3

    _refuse_foreign(path)
    try:
        with _beside(path) as new:
            with contextlib.closing(
                sqlite3.connect(sqlite_uri(new, "mode=rw"), uri=True, isolation_level=None)
            ) as connection:
                digest = _fill(connection, shards, unread, keep, touched or {})
            new.chmod(0o644)
            _to_disk(new)
            new.replace(path)
        return digest
    except OSError as error:
        reason = error.strerror or str(error)
        raise AdvisoryError(
            f"cannot write {path}: {reason}", "choose another file with --db or SECPIPE_DB"
        ) from error
    except (sqlite3.Error, UnicodeError) as error:
        raise AdvisoryError(f"cannot write {path}: {error}", "is there room on the disk?") from error


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """An empty file in the same folder, made if there is none; what is not moved to `path` in the end leaves no trace."""
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _parse(where: str, value: object, faults: Faults) -> Advisory | None:
    found: list[str] = []
    try:
        advisory = parse(value, found)
    except (InvalidAdvisory, UnicodeError) as error:
        faults.unreadable(where, value, error)
        return None
    if not advisory.withdrawn:  # of a record that was taken back, nothing is used anyway
        faults.faulty(where, value, advisory.id, found)
    return advisory


def _fill(
    connection: sqlite3.Connection,
    shards: Mapping[str, tuple[Shard, Origin]],
    unread: Mapping[str, int],
    keep: Path | None,
    touched: Mapping[str, str],
) -> str:
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + TABLES)
    connection.execute("BEGIN")
    for name in sorted(shards):
        shard, origin = shards[name]
        digest = _insert(connection, name, shard)
        row = (name, len(shard.advisories), shard.newest, origin.fetched, origin.url, origin.etag, digest)
        connection.execute("INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    lost = [(name, base(name), count) for name, count in sorted(unread.items())]
    connection.executemany("INSERT INTO unread VALUES (?, ?, ?)", lost)
    connection.execute("COMMIT")
    if keep is not None:
        _take_over(connection, keep)
    connection.executemany(
        "UPDATE source SET fetched = ? WHERE base = ?", [(at, name) for name, at in touched.items()]
    )
    rows = connection.execute("SELECT base, digest FROM source ORDER BY base")
    digest = (
        "sha256:" + hashlib.sha256("".join(f"{name}\0{one}\n" for name, one in rows).encode()).hexdigest()
    )
    connection.execute("INSERT INTO meta VALUES ('digest', ?)", (digest,))
    return digest


def _insert(connection: sqlite3.Connection, name: str, shard: Shard) -> str:
    """The shard's rows, sorted; returns the digest over them."""
    digest = hashlib.sha256()
    advisories = sorted(shard.advisories.items())
    for identifier, blob in advisories:
        digest.update(f"{identifier}\0{len(blob)}\0".encode() + blob)
    connection.executemany(
        "INSERT INTO advisory VALUES (?, ?, ?)", ((name, key, blob) for key, blob in advisories)
    )
    records: dict[str, set[str]] = {}
    packages: dict[str, int] = {}

    def rows() -> Iterator[tuple[str, str, bytes]]:
        for (ecosystem, package), entries in sorted(shard.packages.items()):
            records.setdefault(ecosystem, set()).update(identifier for identifier, _ in entries)
            packages[ecosystem] = packages.get(ecosystem, 0) + 1
            blob = pack_package(entries)
            digest.update(f"{ecosystem}\0{package}\0{len(blob)}\0".encode() + blob)
            yield ecosystem, package, blob

    connection.executemany("INSERT INTO package VALUES (?, ?, ?)", rows())
    counts = [(key, name, len(records[key]), packages[key]) for key in sorted(records)]
    connection.executemany("INSERT INTO ecosystem VALUES (?, ?, ?, ?)", counts)
    return "sha256:" + digest.hexdigest()


def _take_over(connection: sqlite3.Connection, old: Path) -> None:
    """Copy the rows of the base ecosystems that are not there yet from another database."""
    connection.execute("ATTACH ? AS old", (sqlite_uri(old),))
    connection.executescript(_TAKE_OVER)
    connection.execute("DETACH old")


def _refuse_foreign(path: Path) -> None:
    """Only a database of ours, whole or broken, or an empty file may be replaced: told by the header (file format §1.3)."""
    try:
        header = _head(path) if path.is_file() else b""
    except OSError as error:
        raise AdvisoryError(f"cannot read {path}: {error.strerror}") from error
    ours = header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72], "big") == APPLICATION_ID
    if (header and not ours) or (path.exists() and not path.is_file()):
        raise UsageError(
            f"{path} exists and is no advisory database", "remove it or choose another file with --db"
        )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
