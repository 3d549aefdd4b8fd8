"""Notes what a reading of images tells about itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Noted:
    """One thing that was read: how many bytes of how many, and in how many calls."""

    what: str
    size: int | None
    read: int = 0
    calls: int = 0
    ended: bool = False


class Notes:
    """A `secpipe.model.progress.Progress` for tests."""

    def __init__(self) -> None:
        self.images: list[int] = []
        self.layers: list[bool] = []
        self.readings: list[Noted] = []
        self._lock = threading.Lock()

    def image(self, layers: int) -> None:
        self.images.append(layers)

    def layer(self, cached: bool) -> None:
        with self._lock:
            self.layers.append(cached)

    @contextmanager
    def reading(self, what: str, size: int | None) -> Iterator[Callable[[int], object]]:
        noted = Noted(what, size)
        with self._lock:
            self.readings.append(noted)

        def add(count: int) -> None:
            assert not noted.ended
            noted.read += count
            noted.calls += 1

        try:
            yield add
        finally:
            noted.ended = True

    def told(self) -> list[tuple[str, int | None, int]]:
        """What was read to its end or not, sorted: its name, how many bytes there were to be and how many there were."""
        assert all(noted.ended for noted in self.readings)
        return sorted((noted.what, noted.size, noted.read) for noted in self.readings)
