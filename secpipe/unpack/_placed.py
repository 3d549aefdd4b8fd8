"""A layer that lies in a file as it is, a plain tar: its headers are read at their places, past what nobody wants.

Its stream, which alone is verified, passes meanwhile: by a thread of its own where a processor has nothing else to do, as
reading and hashing all of it take longer than the walk. That both readers saw the same file is checked at the end.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Final

from secpipe.errors import ImageError
from secpipe.model.image import Extent
from secpipe.model.limits import KIB, MIB
from secpipe.unpack._blocks import Blocks
from secpipe.unpack.budget import Budget

_WINDOW: Final = 64 * KIB
"""Bytes that are read at once: many small files' headers, and little of a large file that is passed over."""
PLACED_FROM: Final = 4 * MIB
"""A smaller layer is read before a thread would have begun."""
_PATIENCE: Final = 1.0
"""Seconds to wait for a thread that nobody needs any more."""


class Placed(Blocks):
    """The blocks of a plain tar of `size` bytes, which is at its end only when all of `stream` has passed.

    Raises what the stream raises, and ImageError when the file cannot be read or was changed meanwhile. To be closed.
    """

    __slots__ = ("_descriptor", "_extent", "_identity", "_size", "_stream")

    def __init__(
        self, extent: Extent, size: int, stream: Iterator[bytes], subject: str, budget: Budget
    ) -> None:
        super().__init__(iter(()), subject)
        self._extent = extent
        self._size = size
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._descriptor = os.open(extent.path, os.O_RDONLY | flags)
        except OSError as error:
            raise self._unreadable(error) from error
        self._identity = _identity(os.fstat(self._descriptor))
        self._stream = _Stream(stream, budget)

    def _next(self) -> bool:
        self._stream.check()
        position = self._passed + self._end
        wanted = min(_WINDOW, self._size - position)
        try:
            data = os.pread(self._descriptor, wanted, self._extent.start + position) if wanted > 0 else b""
        except OSError as error:
            raise self._unreadable(error) from error
        if not data:
            # Behind the end it is for the stream to say what is wrong, if anything is.
            self._at = self._end
            self._finish()
            return False
        self._passed, self._data, self._at, self._end = position, data, 0, len(data)
        return True

    def _leap(self, size: int) -> None:
        if self._at + size <= self._end:
            self._at += size
            return
        to = self._passed + self._at + size
        if to > self._size:
            self._passed, self._data, self._at, self._end = self._size, b"", 0, 0
            self._finish()
            raise self.truncated()
        self._passed, self._data, self._at, self._end = to, b"", 0, 0

    def drain(self) -> None:
        self._finish()

    def _finish(self) -> None:
        """Wait for the stream, and look whether the file is still the one that both have read."""
        self._stream.finish()
        try:
            identities = _identity(os.fstat(self._descriptor)), _identity(os.stat(self._extent.path))  # noqa: PTH116 - as in fstat
        except OSError as error:
            raise self._unreadable(error) from error
        if any(identity != self._identity for identity in identities):
            raise ImageError(
                f"{self._extent.path} was changed while it was read", "scan it again once it has been written"
            )

    def close(self) -> None:
        """Let go of the file and of the thread."""
        self._stream.close()
        os.close(self._descriptor)

    def _unreadable(self, error: OSError) -> ImageError:
        return ImageError(
            f"cannot read {self._extent.path}: {error.strerror or error}", "check that the file may be read"
        )


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written or another one is put in its place."""
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode), status.st_size, *times


class _Stream:
    """Chunks that pass unseen, beside the reader or, where no processor is spare, before it."""

    def __init__(self, chunks: Iterator[bytes], budget: Budget) -> None:
        self._chunks = chunks
        self._budget = budget
        self._error: BaseException | None = None
        self._wanted = True
        self._thread = None
        if budget.spare_processor():
            import threading

            self._thread = threading.Thread(target=self._run, name="stream", daemon=True)
            self._thread.start()
        else:
            self._run()

    def check(self) -> None:
        """Raise what the chunks have raised so far."""
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Wait for the last chunk."""
        if self._thread is not None:
            self._thread.join()
        self.check()

    def close(self) -> None:
        """Let no more pass."""
        self._wanted = False
        if self._thread is not None:
            self._thread.join(_PATIENCE)
            self._budget.release_processor()
            self._thread = None

    def _run(self) -> None:
        try:
            for _ in self._chunks:
                if not self._wanted:
                    return
        except BaseException as error:  # noqa: BLE001  # it is raised where the tar is read
            self._error = error
