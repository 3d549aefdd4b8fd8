"""Where the bytes of an exported image come from, so that they can be read again and by several readers at once.

A file is read where it lies. What comes through a pipe comes once, and nothing of an image is written to a disk: it is
kept in memory, packed in blocks, up to `stream_bytes`.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, cast

from secpipe.errors import ImageError, LimitExceeded, SecpipeError, UsageError
from secpipe.model.limits import MIB, Limits
from secpipe.model.progress import Progress
from secpipe.oci.progress import Count, counting

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = "standard input"
_BLOCK = 1 * MIB
_GZIP = b"\x1f\x8b"
# Packing must keep up with a pipe: the levels above take half as long again for a tenth less.
_LEVEL = -5


class Stream(Protocol):
    """What is read once."""

    def read(self, count: int, /) -> bytes | None:
        """Up to `count` bytes, none at the end."""


class Medium(Protocol):
    """Bytes that can be read from their start as often as somebody wants."""

    @property
    def where(self) -> str:
        """What they are, for messages."""

    @property
    def length(self) -> int:
        """How many they are; -1 where nobody can go to an offset, but only read on to it."""

    @property
    def path(self) -> Path | None:
        """The file of this machine that they are, None where they are no file that others can open."""

    def open(self) -> IO[bytes]:
        """A new reader, without a buffer of its own."""


class File:
    """A regular file of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
        try:
            status = path.stat()
        except OSError as error:
            raise self.unreadable(error) from error
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(
                f"{path} is no regular file", f"name the tar that the image was exported to{_piped(status)}"
            )
        self.length = status.st_size

    def open(self) -> IO[bytes]:
        try:
            return _Told(self.path, self.unreadable)
        except OSError as error:
            raise self.unreadable(error) from error

    def unreadable(self, error: OSError) -> SecpipeError:
        """What to raise instead of that error."""
        if isinstance(error, FileNotFoundError):
            return UsageError(f"{self.path} does not exist", "check the path")
        return ImageError(
            f"cannot read {self.path}: {error.strerror or error}", "check that the file may be read"
        )


class _Told(io.FileIO):
    """A file that says which it is when a read of it fails: a disk may give up half-way."""

    def __init__(self, path: Path, unreadable: Callable[[OSError], SecpipeError]) -> None:
        super().__init__(path)
        self._unreadable = unreadable

    def read(self, size: int | None = -1) -> bytes:
        try:
            return super().read(-1 if size is None else size)
        except OSError as error:
            raise self._unreadable(error) from error

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise self._unreadable(error) from error


class Redirected:
    """A regular file that is open already, as `< FILE` makes standard input, from where it stands."""

    path: Path | None = None

    def __init__(self, descriptor: int, where: str) -> None:
        self.where = where
        self._descriptor = descriptor
        self._start = os.lseek(descriptor, 0, os.SEEK_CUR)
        self.length = max(0, os.fstat(descriptor).st_size - self._start)

    def open(self) -> IO[bytes]:
        return cast(IO[bytes], _Reader(self.read_at))

    def read_at(self, position: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, self._start + position)


class Kept:
    """What a stream brought, in memory. LimitExceeded when it is more than `stream_bytes`, packed, or `image_bytes`."""

    path: Path | None = None

    def __init__(self, stream: Stream, where: str, limits: Limits, progress: Progress | None = None) -> None:
        self.where = where
        self.length = 0
        self._blocks: list[bytes] = []
        with counting(progress, where) as count:
            self._keep(iter(lambda: _block(stream, where, count), b""), limits)

    def _keep(self, blocks: Iterator[bytes], limits: Limits) -> None:
        kept = 0
        for block in blocks:
            packed = self._pack(block)
            kept += len(packed)
            self.length += len(block)
            if kept > limits.stream_bytes:
                raise LimitExceeded(
                    f"{self.where} is too large to be kept in memory (limit stream_bytes: {limits.stream_bytes})",
                    "write it to a file and scan that, or raise the limit with --limit stream-bytes=NUMBER",
                )
            if self.length > limits.image_bytes:
                raise LimitExceeded(f"{self.where} is too large (limit image_bytes: {limits.image_bytes})")
            self._blocks.append(packed)

    def open(self) -> IO[bytes]:
        # Readers go through the blocks from one end to the other, in pieces.
        number, block = -1, b""

        def read_at(position: int, count: int) -> bytes:
            nonlocal number, block
            wanted, offset = divmod(position, _BLOCK)
            if wanted != number:
                number, block = wanted, self._unpacked(wanted)
            return block[offset : offset + count]

        return cast(IO[bytes], _Reader(read_at))

    def _unpacked(self, number: int) -> bytes:
        if number >= len(self._blocks):
            return b""
        block = self._blocks[number]
        full = _BLOCK if number < len(self._blocks) - 1 else self.length - number * _BLOCK
        # A block that does not become smaller is kept as it is.
        return block if len(block) == full else _zstd().decompress(block)

    def _pack(self, block: bytes) -> bytes:
        if self._blocks and self._blocks[0].startswith(_GZIP):
            return block
        if not self._blocks and block.startswith(_GZIP):
            return block
        packed = _zstd().compress(block, _LEVEL)
        return packed if len(packed) < len(block) else block


def standard_input(limits: Limits, progress: Progress | None = None) -> Medium:
    """What standard input brings. UsageError when that is a terminal or closed."""
    try:
        status = os.fstat(0)
    except OSError as error:
        raise UsageError("standard input is closed", _PIPE) from error
    if stat.S_ISREG(status.st_mode):
        return Redirected(0, STDIN)
    if stat.S_ISDIR(status.st_mode) or os.isatty(0):
        raise UsageError("there is no archive on standard input", _PIPE)
    with open(0, "rb", buffering=0, closefd=False) as stream:
        return Kept(stream, STDIN, limits, progress)


class _Reader(io.RawIOBase):
    """One reader of what can be read at any position."""

    def __init__(self, read_at: Callable[[int, int], bytes]) -> None:
        self._read_at, self._position = read_at, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        assert whence == os.SEEK_SET
        self._position = offset
        return offset

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._read_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def _block(stream: Stream, where: str, count: Count | None) -> bytes:
    """The next block, shorter only at the end."""
    data = bytearray()
    try:
        while len(data) < _BLOCK and (part := stream.read(_BLOCK - len(data))):
            data += part
            if count:
                count(len(part))
    except OSError as error:
        raise ImageError(f"cannot read {where}: {error.strerror or error}", _PIPE) from error
    return bytes(data)


class _Zstd(Protocol):
    def compress(self, data: bytes, level: int) -> bytes: ...
    def decompress(self, data: bytes) -> bytes: ...


def _zstd() -> _Zstd:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return cast(_Zstd, zstd)


def _piped(status: os.stat_result) -> str:
    return ", or `-` for one on standard input" if stat.S_ISFIFO(status.st_mode) else ""


_PIPE = "pipe one in, as in `docker save IMAGE | secpipe scan -`"
