"""The tar that an image was exported to, as named files: an index of its members, read at their offsets.

The members are found by a small walk of its own rather than by `tarfile`, which reads headers of any size into
memory and can be made to loop (CVE-2025-8194, CVE-2024-6232). Source: POSIX.1-2001 ustar and pax, GNU long names.
A tar compressed with gzip or zstd cannot be read at an offset, nor can one that an engine exports: it is read once for the
index, and then again as members are asked for, going on where an earlier reader stopped; in the archive's order, that is one
more pass.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Literal, cast

from msgspec import Struct

from secpipe.errors import ImageError, LimitExceeded, SecpipeError
from secpipe.model.image import Extent
from secpipe.model.limits import KIB, MIB, Limits
from secpipe.model.progress import Progress
from secpipe.oci import tarindex
from secpipe.oci.media import Medium
from secpipe.oci.progress import Count, counting

Compression = Literal["", "gzip", "zstd"]
CHUNK = 256 * KIB
_RATIO_FROM = 256 * MIB
_SMALL_FILE, _SMALL_TOTAL = 256 * KIB, 32 * MIB
_IDLE, _BLOCK = 8, 512
_COMPRESSIONS: Mapping[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_OTHER_COMPRESSIONS = {b"\xfd7zX": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip"}


class _Found(Struct, frozen=True):
    offset: int
    size: int
    magic: bytes


class TarFiles:
    """The members of a tar, plain or compressed with gzip or zstd, by name; links lead to what they name."""

    def __init__(self, medium: Medium, limits: Limits, progress: Progress | None = None) -> None:
        self.where = medium.where
        self._medium, self._limits = medium, limits
        self._lock = threading.Lock()
        self._idle: list[_Handle] = []
        self._small: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._repeated: set[str] = set()
        self._compressed: Compression = _compression(medium) if medium.length >= 0 else ""
        self._seekable = medium.length >= 0 and not self._compressed
        self._members = self._index(None if self._seekable else progress)

    def flaw(self) -> str:
        """What may be why an expected member is not there, to follow the archive's name; empty when it is whole."""
        if not self._members and not self._links:
            return "is a tar without any file"
        # Any other would not have been read to its end.
        if self._seekable and not _has_end(self._medium):
            return "is truncated: it lacks the blocks that end a tar"
        return ""

    def close(self) -> None:
        """Close the readers that wait for more work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for handle in idle:
            handle.close()

    def size(self, name: str) -> int | None:
        found = self._members.get(self._target(name))
        return found.size if found else None

    def is_repeated(self, name: str) -> bool:
        return not self._repeated.isdisjoint(self._way(name))

    def magic(self, name: str) -> bytes:
        """The first bytes of a member: enough to tell its compression."""
        found = self._members.get(self._target(name))
        return found.magic if found else b""

    def extent(self, name: str) -> Extent | None:
        """Where a member lies in a file of this machine, as it is."""
        found = self._members.get(self._target(name))
        path = self._medium.path if self._seekable else None
        return Extent(path, found.offset) if found and path else None

    def stream(self, name: str) -> Iterator[bytes]:
        target = self._target(name)
        found = self._members.get(target)
        if found is None:
            raise ImageError(f"{self.where} has no {name}")
        if (kept := self._small.get(target)) is not None:
            yield kept
            return
        left = found.size
        with self._reader_at(found.offset) as handle:
            while left > 0:
                chunk = handle.read(min(CHUNK, left))
                left -= len(chunk)
                yield chunk

    def _target(self, name: str) -> str:
        return self._way(name)[-1]

    def _way(self, name: str) -> list[str]:
        """The name, and those that links lead it to."""
        way = [name]
        for _ in range(self._limits.links):
            if way[-1] not in self._links:
                return way
            way.append(self._links[way[-1]])
        raise LimitExceeded(f"{self.where}: {name} is a loop of links (limit links: {self._limits.links})")

    def _index(self, progress: Progress | None) -> dict[str, _Found]:
        members: dict[str, _Found] = {}
        kept = 0
        with self._reader_at(0) as handle, counting(progress, self.where) as handle.count:
            for member in tarindex.walk(handle, self.where, self._limits):
                for known in (members, self._links, self._small):
                    if known.pop(member.name, None) is not None:
                        self._repeated.add(member.name)
                if member.link:
                    self._links[member.name] = member.link
                    continue
                head = handle.read(min(8, member.size))
                members[member.name] = _Found(member.offset, member.size, head)
                if not self._seekable and member.size <= _SMALL_FILE and kept + member.size <= _SMALL_TOTAL:
                    self._small[member.name] = head + handle.read(member.size - len(head))
                    kept += member.size
            if not self._seekable:
                while handle.read_up_to(CHUNK):
                    pass  # gzip's checksum stands at its very end, and what says that an export was cut short.
            handle.count = None
        return members

    @contextmanager
    def _reader_at(self, offset: int) -> Iterator[_Handle]:
        """A reader that stands at `offset`: the one that waits closest before it, or a new one."""
        with self._lock:
            behind = [handle for handle in self._idle if handle.position <= offset or handle.seekable]
            handle = max(behind, key=lambda one: one.position, default=None)
            if handle:
                self._idle.remove(handle)
        handle = handle or _Handle(self._medium, self._compressed, self._limits)
        try:
            handle.seek(offset)
            yield handle
        except BaseException:
            handle.close()
            raise
        with self._lock:
            self._idle.append(handle)
            surplus = self._idle.pop(0) if len(self._idle) > _IDLE else None
        if surplus:
            surplus.close()


class _Handle:
    """One reader of the tar: a position, moved forward by reading where the tar cannot be read at an offset."""

    def __init__(self, medium: Medium, compressed: Compression, limits: Limits) -> None:
        self._where, self._length, self._limits = medium.where, medium.length, limits
        self.seekable = medium.length >= 0 and not compressed
        self._compressed = compressed
        self.position = 0
        self.count: Count | None = None
        self._raw = medium.open()
        self._file = self._raw
        if compressed:
            self._file = _inflating(self._raw) if compressed == "gzip" else _unpacking(self._raw, limits)

    def close(self) -> None:
        self._file.close()
        self._raw.close()

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; ImageError when the archive ends before."""
        data = self.read_up_to(count)
        if len(data) != count:
            raise _truncated(self._where)
        return data

    def read_up_to(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end of the archive."""
        parts, left = [], count
        while left > 0 and (data := self._read_some(left)):
            parts.append(data)
            left -= len(data)
        return b"".join(parts)

    def seek(self, position: int) -> None:
        """Go to an offset; backwards only in a plain file. ImageError when the archive ends before it."""
        if self.seekable:
            if position > self._length:
                raise _truncated(self._where)
            self._raw.seek(position)
            self.position = position
        while self.position < position:
            self.read(min(CHUNK, position - self.position))

    def _read_some(self, count: int) -> bytes:
        try:
            data = self._file.read(count) or b""
        except EOFError as error:
            raise _truncated(self._where) from error
        except SecpipeError:
            raise
        except Exception as error:  # isal raises errors of no common base
            raise ImageError(
                f"cannot read {self._where}: {error}", "the archive is corrupt: export it again"
            ) from error
        self.position += len(data)
        if self.count:
            self.count(len(data))
        if not self.seekable:
            self._check_growth()
        return data

    def _check_growth(self) -> None:
        limits, inflated = self._limits, self.position
        if inflated > limits.image_bytes:
            raise LimitExceeded(f"{self._where} holds more than limit image_bytes ({limits.image_bytes})")
        if (
            self._compressed
            and inflated > _RATIO_FROM
            and inflated > limits.layer_ratio * max(self._raw.tell(), 1)
        ):
            raise LimitExceeded(
                f"{self._where} inflates by more than limit layer_ratio ({limits.layer_ratio} : 1)"
            )


def _inflating(raw: IO[bytes]) -> IO[bytes]:
    try:
        gzip = import_module("isal.igzip")
    except ImportError:  # where isal has no wheel: half as fast
        gzip = import_module("gzip")
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw, mode="rb"))


def _unpacking(raw: IO[bytes], limits: Limits) -> IO[bytes]:
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    options = {zstd.DecompressionParameter.window_log_max: max(10, limits.window_bytes.bit_length() - 1)}
    return cast(IO[bytes], zstd.ZstdFile(raw, "rb", options=options))


def _compression(medium: Medium) -> Compression:
    with medium.open() as file:
        magic = file.read(4)
    if not magic:
        raise ImageError(
            f"{medium.where} is empty", "the copy or export was cut short: export the image again"
        )
    for start, kind in _OTHER_COMPRESSIONS.items():
        if magic.startswith(start):
            raise ImageError(
                f"{medium.where} is compressed with {kind}",
                "decompress it first: plain tars are read, and those in gzip or zstd",
            )
    return next((kind for start, kind in _COMPRESSIONS.items() if magic.startswith(start)), "")


def _has_end(medium: Medium) -> bool:
    """Whether a plain tar ends as POSIX has it, in blocks of zeros, rather than where a copy was cut."""
    with medium.open() as file:
        file.seek(max(0, medium.length - _BLOCK))
        return medium.length % _BLOCK == 0 and not file.read(_BLOCK).strip(b"\0")


def _truncated(where: str) -> ImageError:
    return ImageError(f"{where} is truncated: it ends within a member", "copy or export the archive again")
