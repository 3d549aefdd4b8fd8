"""The digest of a long stream, by a thread of its own while its reader goes on, where a processor has nothing else to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from secpipe.model.limits import MIB
from secpipe.unpack.budget import Budget

_INLINE: Final = 4 * MIB
"""Until then a thread is not worth its while, and so many bytes pass before it is thought of again."""
_AHEAD: Final = 4
"""Chunks that wait for the thread at most."""


class Hasher:
    """As `hashlib`'s objects, for chunks that nobody changes. `close()` it when it is not needed any more."""

    def __init__(self, algorithm: str, budget: Budget) -> None:
        self.name = algorithm
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._budget = budget
        self._inline = 0
        self._beside: _Beside | None = None

    def update(self, data: bytes) -> None:
        """Count more bytes in."""
        if self._beside is not None:
            self._beside.put(data)
            return
        self._hash.update(data)
        self._inline += len(data)
        if self._inline > _INLINE:
            self._inline = 0
            if self._budget.spare_processor():
                self._beside = _Beside(self._hash.update)

    def hexdigest(self) -> str:
        """The digest of all that was counted in; nothing more can be then."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread, once it has done what it was given."""
        if self._beside is not None:
            self._beside.end()
            self._beside = None
            self._budget.release_processor()


class _Beside:
    """A thread that calls `update` with what it is given, in that order. `update` must not raise."""

    def __init__(self, update: Callable[[bytes], object]) -> None:
        import threading
        from queue import SimpleQueue

        self._full: SimpleQueue[bytes | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(_AHEAD):
            self._room.put(None)
        self._update = update
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        self._thread.start()

    def put(self, data: bytes) -> None:
        self._room.get()
        self._full.put(data)

    def end(self) -> None:
        self._full.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (data := self._full.get()) is not None:
            self._update(data)
            self._room.put(None)
