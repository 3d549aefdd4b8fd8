"""Counts what is read of an image where it comes in: the streams of its layers, a pipe, an engine's export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from msgspec.structs import replace

from secpipe.model.image import Image, Layer
from secpipe.model.progress import Progress
from secpipe.oci.image import Candidate

_DIGITS = 12
"""Of a digest; enough to find the layer by, and what Docker shows."""

Count = Callable[[int], object]
"""Told each number of bytes that was read."""


def counting(progress: Progress | None, what: str) -> AbstractContextManager[Count | None]:
    """What to tell of bytes that are read while the context lasts, of which nobody knows how many there will be."""
    return progress.reading(what, None) if progress else nullcontext()


def followed(candidate: Candidate, progress: Progress | None) -> Candidate:
    """The same image, whose layers tell `progress` when they are read. A root filesystem has no bytes to be counted."""
    return replace(candidate, open=partial(_watched, candidate.open, progress)) if progress else candidate


def _watched(open: Callable[[], Image], progress: Progress) -> Image:
    image = open()
    layers = tuple(
        layer if layer.folder is not None else _Followed(layer, progress).layer for layer in image.layers
    )
    progress.image(sum(layer.folder is None for layer in layers))
    return replace(image, layers=layers)


class _Followed:
    """A layer that may be read several times, of which the first counts."""

    def __init__(self, layer: Layer, progress: Progress) -> None:
        extent = layer.extent and replace(layer.extent, counting=self._counting)
        self.layer = replace(layer, open=self._open, known=self._known, extent=extent)
        self._open_layer, self._remote = layer.open, layer.remote
        self._progress = progress
        self._name = layer.descriptor.digest.partition(":")[2][:_DIGITS]
        self._size = layer.descriptor.size
        self._cached = self._told = False

    def _open(self) -> Iterator[bytes]:
        with self._progress.reading(self._name, self._size) as add:
            chunks = self._open_layer()
            try:
                for chunk in chunks:
                    add(len(chunk))
                    yield chunk
            finally:
                if close := getattr(chunks, "close", None):
                    close()
        self._done()

    @contextmanager
    def _counting(self) -> Iterator[Count]:
        with self._progress.reading(self._name, self._size) as add:
            yield add
        self._done()

    def _known(self) -> None:
        self._cached = True
        if self._remote:
            self._done()

    def _done(self) -> None:
        if not self._told:
            self._told = True
            self._progress.layer(self._cached)
