"""How a worker reaches what it has to read: by values that travel between machines and have no secret in them.

Credentials are those that each worker finds by itself, in the files and the environment that a scan looks into.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from secpipe.model.image import Descriptor, Image, Layer
from secpipe.model.limits import Limits
from secpipe.oci import reference
from secpipe.oci.image import open_blob

if TYPE_CHECKING:
    from secpipe.oci.client import Registry
    from secpipe.oci.link import Links

_CONNECTIONS = 64
"""Images of which a worker remembers where they are; the one that was of no use for longest goes first."""
_SECONDS = 600.0
"""for which it does, and stays connected: it may live for weeks, and credentials and certificates are renewed beside it."""


class Access(Struct, frozen=True):
    """How registries are spoken to: the only file with credentials to look into (None: the usual ones), whether plain HTTP
    and certificates that nobody vouches for are allowed, and the bounds of what is read."""

    authfile: Path | None = None
    insecure: bool = False
    limits: Limits = Limits()


class FromRegistry(Struct, frozen=True):
    """Opens a blob of an image, on whatever machine it is called. `target` is the image, by its digest, to which a tag led
    if it is `tagged`."""

    target: str
    descriptor: Descriptor
    access: Access
    tagged: bool = False

    def __call__(self) -> Iterator[bytes]:
        yield from open_blob(
            _connected(self.target, self.tagged, self.access, os.getpid(), _period()), self.descriptor
        )


def portable(image: Image, target: str, access: Access, tagged: bool = False) -> Image:
    """The image, whose layers can be read on any machine that reaches the registry of `target`."""

    def layer(one: Layer) -> Layer:
        return replace(one, open=FromRegistry(target, one.descriptor, access, tagged), known=_nothing)

    return replace(image, reference=target, layers=tuple(layer(one) for one in image.layers))


def _nothing() -> None:
    """Nobody follows what a worker reads."""


@lru_cache(_CONNECTIONS)
def _connected(target: str, tagged: bool, access: Access, process: int, period: int) -> Registry:
    """Kept for the next blob of the `period`; a process that was forked has connections of its own."""
    from secpipe.oci.mirrors import connect

    return connect(
        reference.parse(target),
        limits=access.limits,
        authfile=access.authfile,
        insecure=access.insecure,
        tagged=tagged,
        links=_links(access, process, period),
    )


@lru_cache(1)
def _links(access: Access, process: int, period: int) -> Links:
    """What images of the same registries have in common."""
    from secpipe.oci.link import Links

    return Links()


def _period() -> int:
    return int(time.monotonic() // _SECONDS)
