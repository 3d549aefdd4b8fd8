"""Results by the digest of what they were made from: one SQLite file, shared by many processes at once.

A cache may be lost, locked, full or damaged at any time without changing a verdict, so every failure of it is a miss.
A value is kept behind the digest of its key and itself, for SQLite does not notice what changes within one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe.cache.folder import private

if TYPE_CHECKING:
    from sqlite3 import Connection

_MAX_ENTRIES = 200_000
_TO_DROP = 20_000
"""How many go, oldest first, when there are too many."""
_MAX_BYTES = 1 << 28
"""Of all values together; what stays is three quarters of it."""
_BATCH = 500
_BUSY_SECONDS = 2.0
_DIGEST = 20
_SCHEMA = "CREATE TABLE IF NOT EXISTS results (number INTEGER PRIMARY KEY, key BLOB UNIQUE, value BLOB)"


def key(*parts: bytes) -> bytes:
    """The digest of some parts, each told from the next."""
    from hashlib import blake2b

    digest = blake2b(digest_size=_DIGEST)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def own(path: Path) -> Path | None:
    """The path, None when others may write to its folder: they could put findings in, or take them out."""
    try:
        return path if private(path.parent) else None
    except OSError:
        # There is none yet.
        return path


def load(path: Path, keys: Collection[bytes]) -> dict[bytes, bytes]:
    """What is known of these keys."""
    try:
        if not keys or not path.is_file():
            return {}
    except OSError:
        return {}
    import sqlite3

    wanted = sorted(keys)
    found: dict[bytes, bytes] = {}
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
        try:
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                found.update(
                    connection.execute(f"SELECT key, value FROM results WHERE key IN ({marks})", batch)  # noqa: S608
                )
        finally:
            connection.close()
    except sqlite3.Error:
        return {}
    return {each: value[_DIGEST:] for each, value in found.items() if _is_whole(each, value)}


def save(path: Path, values: Mapping[bytes, bytes]) -> None:
    """Remember values, and forget the oldest when there are too many."""
    import sqlite3

    if not values:
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
        try:
            # Waiting for the disk would take longer than linting a file; what a power cut damages is begun anew.
            connection.execute("PRAGMA synchronous=OFF")
            with connection:
                connection.execute(_SCHEMA)
                connection.executemany(
                    "INSERT OR REPLACE INTO results (key, value) VALUES (?, ?)",
                    ((each, key(each, value) + value) for each, value in sorted(values.items())),
                )
                _trim(connection)
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        # Damaged, no database at all, or one of other tables.
        if getattr(error, "sqlite_errorcode", None) in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
            sqlite3.SQLITE_ERROR,
        ):
            with suppress(OSError):
                path.unlink()


def _trim(connection: Connection) -> None:
    """Drop the oldest values when there are too many, or too many bytes of them."""
    (count,) = connection.execute("SELECT COUNT(*) FROM results").fetchone()
    # The size as SQLite knows it, for to add up that of all values would take time with each use.
    (used,) = connection.execute(
        "SELECT (page_count - freelist_count) * page_size"
        " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    ).fetchone()
    entries = count - _MAX_ENTRIES + _TO_DROP if count > _MAX_ENTRIES else 0
    size = used - _MAX_BYTES * 3 // 4 if used > _MAX_BYTES else 0
    oldest = connection.execute("SELECT number, LENGTH(value) FROM results ORDER BY number")
    last = -1
    while (entries > 0 or size > 0) and (row := oldest.fetchone()):
        last, length = row
        entries, size = entries - 1, size - (length or 0)
    oldest.close()
    connection.execute("DELETE FROM results WHERE number <= ?", (last,))


def _is_whole(key_: bytes, value: object) -> bool:
    return isinstance(value, bytes) and value[:_DIGEST] == key(key_, value[_DIGEST:])
