"""Layers whose bytes are still being hashed when all else is done: what comes of them waits until they prove to be sound."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from secpipe.unpack.budget import NO_LAYER


class Blob(Protocol):
    """What is being hashed."""

    def check(self) -> int:
        """Wait for its end and hold it to its digest; raises when it is another."""

    def close(self) -> None:
        """Let go of it."""


class Outstanding:
    """A context at whose end every layer that was added is held to its digest.

    The lowest that is not what it should be counts, also before another error that came of what was in it. Any thread may
    add layers. Nobody waits when the program is to end.
    """

    def __init__(self) -> None:
        self._blobs: dict[int, Blob] = {}
        self._then: dict[int, list[Callable[[], object]]] = {}
        self._below = NO_LAYER

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or issubclass(kind, Exception):
                self._settle()
        finally:
            for blob in self._blobs.values():
                blob.close()
            self._blobs.clear()

    def add(self, layer: int, blob: Blob, size: int = 0) -> Callable[[], int]:
        """Wait for a layer later on. Returns what takes its check for done, and tells how many bytes it has."""
        self._blobs[layer] = blob
        return lambda: size

    def then(self, layer: int, call: Callable[[], object]) -> None:
        """Call when the layer is known to be sound: now, unless it is waited for."""
        if layer in self._blobs:
            self._then.setdefault(layer, []).append(call)
        else:
            call()

    def broken(self, layer: int) -> None:
        """Wait for none above a layer that is broken: its own error is what is told."""
        self._below = min(self._below, layer)

    def _settle(self) -> None:
        for layer in sorted(layer for layer in self._blobs if layer < self._below):
            self._blobs[layer].check()
            for call in self._then.pop(layer, ()):
                call()
