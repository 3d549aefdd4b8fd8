"""The advisory database as one file, for machines without a network: a tar (POSIX ustar) in one frame of zstd (RFC 8878).

It begins with the manifest, and the shards follow in its order, all of them below no folder and with no times or owners: the
same database is the same bytes, as long as the library that packs them is the same. Reading expects exactly that. A name is
compared and never used as it is written there, no more is unpacked than the manifest says, and everything is checked before
the database changes: digests of the files, SQLite's own checks, the layout, the digest over the rows.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from secpipe.advisories import manifest as manifests
from secpipe.advisories.lock import locked
from secpipe.advisories.manifest import MOST_BYTES, NAME, Manifest, Shard
from secpipe.advisories.names import base
from secpipe.advisories.rows import content_digest
from secpipe.advisories.schema import TABLES
from secpipe.advisories.shard import OpenShard
from secpipe.advisories.writer import Writer, refuse_foreign
from secpipe.errors import AdvisoryError, UsageError
from secpipe.model.limits import MIB, Limits

LEVEL = 10
"""A sixth of the size for half a second a hundred megabytes; the levels above cost several times that for little."""
_BLOCK = 512
_CHUNK = 256 << 10
_TRIES = 5
_MAKE = "have it exported again with: secpipe db export FILE"


class Bundle(Struct, frozen=True):
    """A file that holds a database: the digest of its bytes, how many there are, and what is in it."""

    sha256: str
    bytes: int
    manifest: Manifest


def export(database: Path, file: Path) -> Bundle:
    """Write the database to one file, which is replaced whole. Raises `AdvisoryError`, also for a shard that was changed."""
    if file.is_dir() or file.absolute().parent == database.absolute():
        raise UsageError(f"cannot export to {file}", "name a file outside the database")
    found, shards = _held(database)
    try:
        with contextlib.ExitStack() as stack:
            for shard in shards:
                stack.enter_context(shard)
            handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
            stack.callback(Path(name).unlink, missing_ok=True)
            with os.fdopen(handle, "wb") as out:
                sha256, size = _packed(out, _members(database, found, shards))
                out.flush()
                os.fsync(out.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(file)
    except OSError as error:
        raise AdvisoryError(f"cannot write {file}: {error.strerror or error}", "name another file") from error
    return Bundle(sha256, size, found)


def load(
    file: Path,
    database: Path,
    limits: Limits | None = None,
    verify: Callable[[IO[bytes]], object] | None = None,
) -> tuple[Bundle, Manifest]:
    """Make the database equal to that in a file; returns what was in the file, and what the database was before.

    `verify` is given the open file before anything else looks at it, and raises what it does not vouch for. Raises
    `AdvisoryError` for a file that is not as `export` writes it; the database then stays as it was.
    """
    limits = limits or Limits()
    refuse_foreign(database)
    try:
        with file.open("rb") as opened, locked(database, limits.lock_seconds):
            vouched = ""
            if verify:
                vouched = hashlib.file_digest(opened, "sha256").hexdigest()
                opened.seek(0)
                verify(opened)
                opened.seek(0)
            source = _Source(opened, file, limits.database_bytes)
            with Writer(database) as writer:
                found = _unpacked(source, writer)
                if vouched and source.sha256 != vouched:
                    raise AdvisoryError(f"{file} changed while it was read", "import it again")
                before = _before(database)
                writer.commit(found)
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {file}", "name a file that secpipe db export wrote") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = f"cannot write {database}: {error.strerror}"
            raise AdvisoryError(message, "is there room on the disk?") from error
        raise AdvisoryError(f"cannot read {file}: {error.strerror or error}") from error
    return Bundle(source.sha256, source.taken, found), before


def _before(database: Path) -> Manifest:
    try:
        return manifests.read(database)
    except AdvisoryError:
        return Manifest()


def _held(database: Path) -> tuple[Manifest, list[IO[bytes]]]:
    """The manifest and its files, open, so that they stay while the database is replaced."""
    for left in reversed(range(_TRIES)):
        found = manifests.read(database)
        files: list[IO[bytes]] = []
        try:
            for shard in found.shards:
                files.append(manifests.open_regular(database / shard.file))
            return found, files
        except OSError as error:
            for file in files:
                file.close()
            if not left or not isinstance(error, FileNotFoundError):
                message = f"the advisory database {database} is damaged: {error.filename}: {error.strerror}"
                raise AdvisoryError(message, manifests.HINT) from error
    raise AssertionError("the last look returns or raises")


def _members(database: Path, found: Manifest, files: list[IO[bytes]]) -> Iterator[bytes]:
    """The tar, in pieces."""
    yield from _member(NAME, manifests.encode(found))
    for shard, file in zip(found.shards, files, strict=True):
        yield _head(shard.file, shard.bytes)
        digest, size = hashlib.sha256(), 0
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        if (digest.hexdigest(), size) != (shard.sha256, shard.bytes):
            message = f"the advisory database {database} is damaged: {shard.file} was changed"
            raise AdvisoryError(message, manifests.HINT)
        yield bytes(-size % _BLOCK)
    yield bytes(2 * _BLOCK)


def _member(name: str, data: bytes) -> Iterator[bytes]:
    yield _head(name, len(data))
    yield data + bytes(-len(data) % _BLOCK)


def _head(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def _packed(out: IO[bytes], pieces: Iterator[bytes]) -> tuple[str, int]:
    zstd = _zstd()
    compressor = zstd.ZstdCompressor(level=LEVEL)
    digest, size = hashlib.sha256(), 0

    def put(data: bytes) -> None:
        nonlocal size
        digest.update(data)
        size += out.write(data)

    for piece in pieces:
        put(compressor.compress(piece))
    put(compressor.flush())
    return digest.hexdigest(), size


def _zstd() -> Any:
    """One of two modules with the same interface."""
    import sys

    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


class _Source:
    """The tar in a file, inflated as it is read. `sha256` is that of the file once it was read to its end."""

    def __init__(self, file: IO[bytes], path: Path, most: int) -> None:
        self.path = path
        self.taken = 0
        self._file = file
        self._most = most
        self._given = 0
        self._digest = hashlib.sha256()
        self._decoder = _zstd().ZstdDecompressor()
        self._rest = b""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def error(self, why: str) -> AdvisoryError:
        """What to raise for this file."""
        return AdvisoryError(f"{self.path} is no advisory database to import: {why}", _MAKE)

    def read(self, size: int) -> bytes:
        """So many bytes, not one less."""
        parts = [self._rest]
        have = len(self._rest)
        while have < size:
            part = self._more()
            if not part:
                raise self.error("it is cut short")
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]

    def end(self) -> None:
        """Nothing but zeros may follow, and nothing behind the frame."""
        rest = self._rest or self._more()
        while rest:
            if rest.strip(b"\0"):
                raise self.error("something follows its end")
            rest = self._more()
        if self._decoder.unused_data or self._file.read(1):
            raise self.error("something follows its end")

    def _more(self) -> bytes:
        zstd = _zstd()
        while not self._decoder.eof:
            data = b""
            if self._decoder.needs_input:
                data = self._file.read(_CHUNK)
                if not data:
                    raise self.error("it is cut short")
                self.taken += len(data)
                self._digest.update(data)
            try:
                out: bytes = self._decoder.decompress(data, MIB)
            except zstd.ZstdError as error:
                raise self.error(f"it is no sound zstd ({error})") from error
            self._given += len(out)
            if self._given > self._most:
                raise self.error(
                    f"it is larger than {self._most} bytes unpacked (limit database-bytes); if you trust it, "
                    f"raise it with --limit database-bytes=NUMBER"
                )
            if out:
                return out
        return b""


def _unpacked(source: _Source, writer: Writer) -> Manifest:
    """Put the shards into the database's folder, each whole and checked, and return the manifest that leads to them."""
    size = _expected(source, NAME)
    if size > MOST_BYTES:
        raise source.error(f"its {NAME} has {size} bytes")
    data = source.read(size)
    source.read(-size % _BLOCK)
    try:
        found = manifests.decode(data, str(source.path))
    except AdvisoryError as error:
        raise AdvisoryError(error.message, f"{_MAKE}, by the same version of secpipe") from error
    files = [shard.file for shard in found.shards]
    if len(set(files)) != len(files) or not all(
        shard.file.endswith(f"-{shard.sha256}.sqlite") for shard in found.shards
    ):
        raise source.error("files have names of others")
    for shard in found.shards:
        if _expected(source, shard.file) != shard.bytes:
            raise source.error(f"{shard.file} has another size than its manifest says")
        with writer.receiving() as path:
            digest, left = hashlib.sha256(), shard.bytes
            with path.open("wb") as out:
                while left:
                    chunk = source.read(min(left, MIB))
                    digest.update(chunk)
                    out.write(chunk)
                    left -= len(chunk)
            source.read(-shard.bytes % _BLOCK)
            if digest.hexdigest() != shard.sha256:
                raise source.error(f"{shard.file} is not what its name says")
            _check(source, path, shard)
            writer.adopt(path, shard.file)
    source.end()
    return found


def _expected(source: _Source, name: str) -> int:
    """The size of the next member, which must be a plain file of that name."""
    block = source.read(_BLOCK)
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, UnicodeError, ValueError) as error:
        raise source.error(f"where {name} should be, there is no tar header ({error})") from error
    if info.name != name or info.type != tarfile.REGTYPE or info.size <= 0:
        raise source.error(f"where {name} should be, there is something else")
    return info.size


def _check(source: _Source, path: Path, shard: Shard) -> None:
    """Whether a file is a sound shard with the rows that the manifest tells of."""
    try:
        with contextlib.closing(OpenShard(path, shard.bytes)) as opened, opened.reading():
            connection = opened.connection
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                raise source.error(f"{shard.file} is damaged")
            layout = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema")}
            if layout != set(TABLES):
                raise source.error(f"{shard.file} has other tables than a shard")
            ecosystems = {name for (name,) in connection.execute("SELECT DISTINCT ecosystem FROM package")}
            heads = {identifier.partition("-")[0] for identifier in opened.identifiers()}
            if (
                content_digest(connection) != shard.digest
                or ecosystems != set(shard.ecosystems)
                or (shard.heads and heads != set(shard.heads))
            ):
                raise source.error(f"{shard.file} has other records than its manifest says")
            if {base(name) for name in ecosystems} - {shard.base}:
                raise source.error(f"{shard.file} has records of other ecosystems")
    except AdvisoryError as error:
        if str(path) in error.message:
            raise source.error(f"{shard.file} is damaged") from error
        raise
