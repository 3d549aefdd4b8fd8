"""A stream that is made ahead of its reader, by a thread of its own, where a processor has nothing else to do."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from secpipe.model.limits import KIB, MIB
from secpipe.unpack.budget import Budget

_INLINE: Final = 1 * MIB
"""Until then a thread is not worth its while, and so many bytes pass before it is thought of again."""
_BATCH: Final = 512 * KIB
"""Bytes that are handed over together: a layer may come in a great many small pieces."""
_AHEAD: Final = 4
"""Batches that wait for the reader at most."""
_PATIENCE: Final = 1.0
"""Seconds to wait for a thread that nobody needs any more. What a registry never sends ends with its connection."""


def ahead(chunks: Iterator[bytes], budget: Budget) -> Generator[bytes]:
    """The same chunks, and what making them raises. Close it when it is not read to its end."""
    passed = 0
    for chunk in chunks:
        yield chunk
        passed += len(chunk)
        if passed > _INLINE:
            passed = 0
            if budget.spare_processor():
                try:
                    yield from _beside(chunks)
                finally:
                    budget.release_processor()
                return


def _beside(chunks: Iterator[bytes]) -> Iterator[bytes]:
    maker = _Maker(chunks)
    try:
        while batch := maker.full.get():
            yield from batch
            maker.room.put(True)
    finally:
        maker.end()
    if maker.error is not None:
        raise maker.error


class _Maker:
    """The thread. `full` has the batches and ends with an empty one, `room` a token for each that may be made."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        import threading
        from queue import SimpleQueue

        self.full: SimpleQueue[list[bytes]] = SimpleQueue()
        self.room: SimpleQueue[bool] = SimpleQueue()
        self.error: BaseException | None = None
        self._chunks = chunks
        self._wanted = True
        for _ in range(_AHEAD):
            self.room.put(True)
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the thread make no more."""
        self._wanted = False
        self.room.put(False)
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        try:
            batch: list[bytes] = []
            size = 0
            for chunk in self._chunks:
                batch.append(chunk)
                size += len(chunk)
                if size >= _BATCH:
                    self.full.put(batch)
                    batch, size = [], 0
                    self.room.get()
                    if not self._wanted:
                        return
            if batch:
                self.full.put(batch)
        except BaseException as error:  # noqa: BLE001  # it is raised where the chunks are read
            self.error = error
        finally:
            self.full.put([])
