"""What reading one image may still cost, counted over all its layers, which are read by several threads at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from secpipe.errors import ImageError, LimitExceeded
from secpipe.model.limits import Limits

NO_LAYER = 1 << 62


def exceeded(limit: str, value: int, message: str) -> LimitExceeded:
    """The error that a limit of `model.limits` stopped the reading; `limit` is its name on the command line."""
    return LimitExceeded(
        f"{message} (limit {limit}={value})", f"if you trust this image, raise it with --limit {limit}=NUMBER"
    )


class Cancelled(ImageError):
    """Another layer of the image is broken already, so this one need not be read to its end."""


class Budget:
    """Counters of one image. Every method may be called from any thread."""

    def __init__(self, limits: Limits, most: int | None = None) -> None:
        """`most` is how many processors may work on it, by default all that this process may use."""
        self.limits = limits
        self._most = most
        self._lock = threading.Lock()
        self._bytes = self._entries = self._retained = self._names = 0
        self._stopped_from = NO_LAYER
        self._busy = 0

    def spend_bytes(self, layer: int, size: int) -> None:
        """Count uncompressed bytes; also the place where a layer notices that it need not go on."""
        if layer >= self._stopped_from:
            raise Cancelled(f"layer {layer} was not read to its end")
        with self._lock:
            self._bytes += size
            over = self._bytes > self.limits.image_bytes
        if over:
            raise exceeded(
                "image-bytes", self.limits.image_bytes, "the image's layers are too large uncompressed"
            )

    def spend_entries(self, count: int) -> None:
        """Count tar entries."""
        with self._lock:
            self._entries += count
            over = self._entries > self.limits.image_entries
        if over:
            raise exceeded(
                "image-entries", self.limits.image_entries, "the image's layers have too many entries"
            )

    def spend_names(self, size: int) -> None:
        """Count bytes of names that are longer than usual."""
        with self._lock:
            self._names += size
            over = self._names > self.limits.long_name_bytes
        if over:
            raise exceeded(
                "long-name-bytes", self.limits.long_name_bytes, "the names in the image's layers are too long"
            )

    def retain(self, size: int) -> bool:
        """Whether a file of `size` bytes may be kept in memory; if so it is counted."""
        with self._lock:
            if self._retained + size > self.limits.retained_bytes:
                return False
            self._retained += size
            return True

    def stop_from(self, layer: int) -> None:
        """Let the layers from this one on end early. Those below go on: the error of the lowest is what is told."""
        with self._lock:
            self._stopped_from = min(self._stopped_from, layer)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While a layer is read: its reader takes a processor, which there is for each."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            self.release_processor()

    def spare_processor(self) -> bool:
        """Whether a processor has nothing to do; if so it is taken until `release_processor()`."""
        with self._lock:
            if self._busy >= (self._most or processors()):
                return False
            self._busy += 1
            return True

    def release_processor(self) -> None:
        """Give a processor back."""
        with self._lock:
            self._busy -= 1


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
