"""A layer that lies in a file as it is, a plain tar: its headers are read at their places, past what nobody wants.

All of it is hashed meanwhile, by a thread of its own where a processor has nothing else to do, as that takes longer than
the walk. Both read one open file; that nobody wrote to it in between is checked at the end.
"""

from __future__ import annotations

import hashlib
import os
from io import FileIO
from typing import Final

from secpipe.errors import DigestMismatch, ImageError
from secpipe.model.image import Extent, Layer
from secpipe.model.limits import KIB, MIB
from secpipe.unpack._blocks import Blocks
from secpipe.unpack.budget import Budget, Cancelled, exceeded

PLACED_FROM: Final = 4 * MIB
"""A smaller layer is read before a thread would have begun."""
_LEAST: Final = 16 * KIB
_MOST: Final = 256 * KIB
"""Bytes that are read at once: few behind a file that was passed over, more where everything is looked at."""
_HASHED: Final = 4 * MIB
"""Bytes that are hashed at once; between two of them the thread has to wait for its turn."""
_PATIENCE: Final = 1.0
"""Seconds to wait for a thread that nobody needs any more."""


class Placed(Blocks):
    """The blocks of a plain tar, the blob of a layer; at their end, and by `check()`, they are held to its digest.

    Raises ImageError when the file cannot be read, is too short or was changed meanwhile, and DigestMismatch. To be closed.
    """

    __slots__ = ("_descriptor", "_extent", "_hashing", "_identity", "_size", "_window")

    def __init__(self, extent: Extent, layer: Layer, subject: str, budget: Budget) -> None:
        super().__init__(iter(()), subject)
        self._extent = extent
        self._window = _LEAST
        self._size = layer.descriptor.size
        if self._size > budget.limits.layer_bytes:
            raise exceeded("layer-bytes", budget.limits.layer_bytes, f"{subject} is too large uncompressed")
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._descriptor = os.open(extent.path, os.O_RDONLY | flags)
            self._identity = _identity(self._descriptor)
        except OSError as error:
            raise _unreadable(extent, error) from error
        self._hashing = _Hashing(self._descriptor, extent, layer, subject, budget)

    def check(self) -> int:
        """Wait until all was hashed, and hold it to the digest. Returns how many bytes it has."""
        self._hashing.finish()
        if _identity(self._descriptor) != self._identity:
            raise ImageError(
                f"{self._extent.path} was changed while it was read", "scan it again once it has been written"
            )
        return self._size

    @property
    def busy(self) -> bool:
        """Whether a thread still hashes it."""
        return self._hashing.busy

    def close(self) -> None:
        """Let go of the file and of the thread."""
        if self._hashing.close():
            os.close(self._descriptor)

    def _next(self) -> bool:
        self._hashing.look()
        position = self._passed + self._end
        wanted = min(self._window, self._size - position)
        self._window = min(2 * self._window, _MOST)
        try:
            data = os.pread(self._descriptor, wanted, self._extent.start + position) if wanted > 0 else b""
        except OSError as error:
            raise _unreadable(self._extent, error) from error
        if not data:
            # A blob that is not what it should be is told before a tar that has no end.
            self._at = self._end
            self.check()
            return False
        self._passed, self._data, self._at, self._end = position, data, 0, len(data)
        return True

    def _leap(self, size: int) -> None:
        if self._at + size <= self._end:
            self._at += size
            return
        self._window = _LEAST
        to = self._passed + self._at + size
        self._passed, self._data, self._at, self._end = min(to, self._size), b"", 0, 0
        if to > self._size:
            self.check()
            raise self.truncated()

    def drain(self) -> None:
        """Nothing needs to be read here for the digest."""


class _Hashing:
    """The digest of the blob, computed beside the reader or, where no processor is spare, before it."""

    def __init__(self, descriptor: int, extent: Extent, layer: Layer, subject: str, budget: Budget) -> None:
        self._descriptor, self._extent, self._layer = descriptor, extent, layer
        self._subject, self._budget = subject, budget
        self._error: BaseException | None = None
        self._wanted = True
        self._thread = None
        if budget.spare_processor():
            import threading

            self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
            self._thread.start()
        else:
            self._run()

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def look(self) -> None:
        """Raise what has gone wrong so far."""
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Wait for the end, and raise what has gone wrong."""
        if self._thread is not None:
            self._thread.join()
        self.look()

    def close(self) -> bool:
        """End it. Whether nothing is read any more."""
        self._wanted = False
        if self._thread is not None:
            self._thread.join(_PATIENCE)
            self._budget.release_processor()
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._hash()
        except OSError as error:
            self._error = _unreadable(self._extent, error)
        except BaseException as error:  # noqa: BLE001  # it is raised where the tar is read
            self._error = error

    def _hash(self) -> None:
        promised = self._layer.descriptor
        hasher = hashlib.new(promised.digest.partition(":")[0], usedforsecurity=False)
        buffer = memoryview(bytearray(min(_HASHED, promised.size)))
        seen = 0
        # The walk reads at places and leaves this one alone.
        os.lseek(self._descriptor, self._extent.start, os.SEEK_SET)
        with FileIO(self._descriptor, closefd=False) as file, self._extent.counting() as count:
            while seen < promised.size:
                part = buffer[: promised.size - seen]
                got = file.readinto(part)
                if not got:
                    raise DigestMismatch(
                        f"{self._subject} is truncated: {self._extent.path} has {seen} of its {promised.size} bytes",
                        _HINT,
                    )
                hasher.update(part[:got])
                seen += got
                self._budget.spend_bytes(self._layer.index, got)
                count(got)
                if not self._wanted:
                    raise Cancelled(f"{self._subject} was not read to its end")
            if (found := f"{hasher.name}:{hasher.hexdigest()}") != promised.digest:
                raise DigestMismatch(
                    f"{self._subject} does not match its digest: {self._extent.path} holds {found}", _HINT
                )


def beginning(extent: Extent, size: int) -> bytes:
    """The first bytes of a blob."""
    try:
        with extent.path.open("rb", buffering=0) as file:
            file.seek(extent.start)
            return file.read(size)
    except OSError as error:
        raise _unreadable(extent, error) from error


def _identity(descriptor: int) -> tuple[int, int]:
    """What changes when a file is written."""
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns


def _unreadable(extent: Extent, error: OSError) -> ImageError:
    return ImageError(
        f"cannot read {extent.path}: {error.strerror or error}", "check that the file may be read"
    )


_HINT = (
    "the copy is corrupt or has been tampered with: fetch or export the image again and do not use this one"
)
