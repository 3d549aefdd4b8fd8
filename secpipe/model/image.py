"""A container image as the sources hand it on: descriptors, platform, configuration and layers as streams.

Source: OCI image-spec 1.1; Docker schema 2 is mapped to the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from secpipe.model.fields import PartlyCompared
from secpipe.model.problem import Problem


class Platform(Struct, frozen=True):
    """`os/architecture[/variant]`, in GOOS and GOARCH words."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class Descriptor(Struct, frozen=True):
    """A typed pointer to content: media type, digest (`algorithm:hex`, validated) and size in bytes."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = {}  # a new one each, as structs have it
    urls: tuple[str, ...] = ()
    artifact_type: str = ""


class Extent(PartlyCompared, frozen=True):
    """Where a blob lies as it is, in a regular file of this machine: from byte `start` on.

    Nobody verifies what is read there. While all of it is read, `counting()` is told how many bytes were.
    """

    ASIDE: ClassVar = frozenset({"counting"})
    path: Path
    start: int = 0
    counting: Callable[[], AbstractContextManager[Callable[[int], object]]] = lambda: nullcontext(
        lambda count: None
    )


class Layer(PartlyCompared, frozen=True):
    """One layer of an image.

    `open()` starts a new stream of the blob's bytes as stored (compressed or not), in chunks of any length;
    it raises `DigestMismatch` at the latest after the last chunk, so what was read counts only once the
    iterator has ended. It may be called again. `diff_id` is the digest of the uncompressed tar. `remote` when to open
    it is a transfer, which a layer that is known already can do without; whoever knows it calls `known()`. `folder` is
    what stands for the layer, without a digest, where a root filesystem is read as an image. `extent` is where the blob
    can be read at offsets instead of by its stream, None where it cannot.
    """

    ASIDE: ClassVar = frozenset({"open", "known", "extent"})
    index: int
    descriptor: Descriptor
    diff_id: str
    instruction: str | None
    open: Callable[[], Iterator[bytes]]
    remote: bool = False
    folder: Path | None = None
    known: Callable[[], None] = lambda: None
    extent: Extent | None = None


class Image(Struct, frozen=True):
    """One image of one platform. `digest` is the manifest's, empty where the source has no manifest.

    `warnings` are what a person should know though it leaves nothing unexamined, such as an index that promises
    another platform than the configuration has. `manifest` is the document (empty where the source has none),
    `attestations` are the index's entries about it, which are no images. `notes` tell how it was reached, and say nothing
    of what it is.
    """

    reference: str
    digest: str
    platform: Platform
    layers: tuple[Layer, ...]
    config: Mapping[str, Any] = {}  # a new one each, as structs have it
    warnings: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = {}  # a new one each, as structs have it
    attestations: tuple[Descriptor, ...] = ()
    notes: tuple[Problem, ...] = ()
