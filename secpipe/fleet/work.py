"""What a worker does, in a process of its own or on another machine: keep a layer in the store, or list an image's packages.

Both take and give values that travel, and let no error out: what cannot be read is a Problem.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from platform import node

from msgspec import Struct
from msgspec.structs import replace

from secpipe import __version__
from secpipe.cache.shared import Store, open_store
from secpipe.catalog import keep_layer, versions
from secpipe.errors import SecpipeError
from secpipe.fleet.parcel import Parcel, packed
from secpipe.fleet.reach import Access
from secpipe.model.image import Image, Layer
from secpipe.model.problem import Problem
from secpipe.pipeline.inventory import listed

_TRIM_SECONDS = 30.0


class Work(Struct, frozen=True):
    """What all tasks share: how registries are reached, and the store of what is known of layers, by path or URL."""

    access: Access
    store: str
    made_by: str = ""
    """the secpipe and the catalogers that the results are held to be of, '' for any"""


def maker() -> str:
    """This secpipe and its catalogers: what others make of the same layer may be something else."""
    return f"{__version__} {versions()}"


class Done(Struct, frozen=True):
    """What became of a task: the packages of an image, None for a layer; or why there is nothing. `bytes` were transferred
    for it, and `trouble` is why the store could not be used, '' when it could."""

    parcel: Parcel | None
    problem: Problem | None
    bytes: int
    trouble: str


def keep(layer: Layer, work: Work) -> Done:
    """Read a layer into the store, unless it is there."""
    counted = _Counted()
    what = f"layer {layer.descriptor.digest}"
    if problem := _unable(what, work):
        return Done(None, problem, 0, "")
    store, tidy = _store(work, os.getpid())
    try:
        keep_layer(counted.layer(replace(layer, index=0)), work.access.limits, store)
        tidy()
    except SecpipeError as error:
        problem = _problem(what, error)
    return Done(None, problem, counted.bytes, store.trouble)


def list_packages(image: Image, work: Work) -> Done:
    """List an image's packages. Layers that the store has lost meanwhile are read again."""
    counted = _Counted()
    if problem := _unable(image.reference, work):
        return Done(None, problem, 0, "")
    store, _ = _store(work, os.getpid())
    image = replace(image, layers=tuple(counted.layer(layer) for layer in image.layers))
    try:
        found = listed(image, work.access.limits, cache=True, store=store)
    except SecpipeError as error:
        return Done(None, _problem(image.reference, error), counted.bytes, store.trouble)
    return Done(packed(found), None, counted.bytes, store.trouble)


class _Counted:
    """Counts the bytes of layers as they are read."""

    def __init__(self) -> None:
        self.bytes = 0

    def layer(self, layer: Layer) -> Layer:
        """The layer, counted."""

        def read() -> Iterator[bytes]:
            for chunk in layer.open():
                self.bytes += len(chunk)
                yield chunk

        return replace(layer, open=read)


def _unable(what: str, work: Work) -> Problem | None:
    """Why this process cannot do the work: it has another secpipe than who asks, or nothing to open the store with."""
    if work.made_by and work.made_by != maker():
        message = (
            f"{what}: a worker on {node()} has another secpipe ({__version__}), whose results may be others"
        )
        hint = f"install secpipe {work.made_by.partition(' ')[0]} wherever there are workers"
        return Problem("another-version", what, message, hint, coverage=False)
    try:
        _store(work, os.getpid())
    except SecpipeError as error:
        return _problem(what, error)
    return None


def _problem(what: str, error: SecpipeError) -> Problem:
    return Problem("unreadable-image", what, error.message, error.hint, coverage=False)


@lru_cache(1)
def _store(work: Work, process: int) -> tuple[Store, Callable[[], None]]:
    """One for all tasks of a process, with its connections; and what keeps it small, now and then: to look through all of a
    folder costs as much as to read a small layer."""
    store = open_store(work.store, work.access.limits.cache_bytes)
    due = 0.0

    def tidy() -> None:
        nonlocal due
        if time.monotonic() >= due:
            store.trim()
            due = time.monotonic() + _TRIM_SECONDS

    return store, tidy
