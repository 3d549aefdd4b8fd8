"""From a name to an image: index → platform → manifest → configuration → layers, the same for every source.

Source: OCI image-spec 1.1. Everything below the first answer is asked for by digest, so that a tag that moves
meanwhile cannot mix two images, and every document and blob is held to its digest here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from secpipe.errors import ImageError, LimitExceeded
from secpipe.model.image import Descriptor, Extent, Image, Layer, Platform
from secpipe.model.limits import Limits
from secpipe.oci import config as configs
from secpipe.oci import digests, manifest, platform

_ABOUT = "vnd.docker.reference.digest"


class Source(Protocol):
    """Where an image's documents and blobs come from. Neither method verifies anything."""

    @property
    def where(self) -> str:
        """The source in messages: a registry's host or a path."""

    @property
    def remote(self) -> bool:
        """Whether blobs come over the network."""

    def manifest(self, identifier: str) -> tuple[bytes, str]:
        """The manifest or index of a tag or digest, as stored, and its Content-Type (empty when unknown)."""

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A new stream of the blob's bytes as stored, in chunks of any length."""

    def extent(self, descriptor: Descriptor) -> Extent | None:
        """Where the blob lies in a file of this machine, if it does."""


def open_blob(source: Source, descriptor: Descriptor) -> Iterator[bytes]:
    """The blob as a stream that raises DigestMismatch unless it is exactly what the descriptor promises."""
    return digests.verified(source.blob(descriptor), descriptor.digest, descriptor.size, source.where)


def resolve(
    source: Source,
    start: str | Sequence[Descriptor],
    *,
    reference: str,
    wanted: Platform | None,
    limits: Limits,
) -> Image:
    """The image that `start` leads to: a tag, a digest, or the entries of a layout's index.

    `reference` is the image's name in messages and reports. `wanted` is the platform asked for; None means
    this machine's where there is a choice, and whatever there is where there is none.
    """
    walk = _Walk(source, reference, limits)
    if isinstance(start, str):
        document, digest = walk.named(start)
    else:
        document, digest = manifest.Index(tuple(start)), ""
    entry = None
    if isinstance(document, manifest.Index):
        entry = walk.select(document, wanted or platform.host())
        chosen, digest = walk.image(entry), entry.digest
    else:
        chosen = document
    image = _assemble(source, chosen, digest, entry, reference, wanted, limits)
    return replace(image, attestations=walk.attestations(digest))


class Candidate(Struct, frozen=True):
    """One image that a target leads to; `platform` is what an index says of it, empty where there is none."""

    platform: str
    open: Callable[[], Image]


def find(
    source: Source,
    start: str | Sequence[Descriptor],
    *,
    reference: str,
    wanted: Platform | None,
    every: bool,
    limits: Limits,
) -> list[Candidate]:
    """As `resolve`, which has read the image already; or with `every` the images of all platforms, yet to be read.

    They stand in the order of the index, each once. LimitExceeded when they are more than `platforms`.
    """
    if not every:
        image = resolve(source, start, reference=reference, wanted=wanted, limits=limits)
        return [Candidate("", lambda: image)]
    walk = _Walk(source, reference, limits)
    document, digest = walk.named(start) if isinstance(start, str) else (manifest.Index(tuple(start)), "")
    if isinstance(document, manifest.Manifest):
        image = _assemble(source, document, digest, None, reference, None, limits)
        return [Candidate("", lambda: image)]
    leaves: dict[str, Descriptor] = {}
    for leaf in walk.leaves(document, None, 1):
        leaves.setdefault(leaf.digest, leaf)
    if not leaves:
        raise ImageError(f"{reference} is an index without any container image")
    if len(leaves) > limits.platforms:
        raise LimitExceeded(f"{reference} has {len(leaves)} images (limit platforms: {limits.platforms})")
    return [
        Candidate(
            str(platform.normalised(leaf.platform)) if leaf.platform else leaf.digest,
            partial(_leaf, walk, leaf, reference, limits),
        )
        for leaf in leaves.values()
    ]


def _leaf(walk: _Walk, leaf: Descriptor, reference: str, limits: Limits) -> Image:
    image = _assemble(walk.source, walk.image(leaf), leaf.digest, leaf, reference, None, limits)
    return replace(image, attestations=walk.attestations(leaf.digest))


class _Walk:
    """Fetches the documents of one image; counts what an index may make it fetch."""

    def __init__(self, source: Source, name: str, limits: Limits) -> None:
        self.source, self._name, self._limits = source, name, limits
        self._entries = 0
        self._visited: set[str] = set()
        self._attestations: dict[str, Descriptor] = {}

    def named(self, identifier: str) -> tuple[manifest.Manifest | manifest.Index, str]:
        data, content_type = self.source.manifest(identifier)
        digest = identifier if ":" in identifier else digests.of(data)
        digests.check(data, digest, self.source.where)
        return manifest.parse(data, [content_type], self._name, self._limits), digest

    def image(self, entry: Descriptor) -> manifest.Manifest:
        document = self._fetch(entry)
        if isinstance(document, manifest.Index):
            raise ImageError(f"{self._name}: {entry.digest} is an index where its entry says manifest")
        return document

    def attestations(self, digest: str) -> tuple[Descriptor, ...]:
        """Those that the indexes walked so far hold about one of their images."""
        return tuple(
            entry for entry in self._attestations.values() if entry.annotations.get(_ABOUT) == digest
        )

    def select(self, index: manifest.Index, wanted: Platform) -> Descriptor:
        """The one entry, nested indexes included, for the platform."""
        leaves = list(self.leaves(index, wanted, 1))
        chosen = platform.choose(leaves, wanted)
        if not chosen:
            there = sorted({str(platform.normalised(leaf.platform)) for leaf in leaves if leaf.platform})
            if not there:
                raise ImageError(f"{self._name} is an index without any container image")
            raise ImageError(
                f"{self._name} has no image for {wanted}; there are: {', '.join(there[:40])}",
                f"choose one with --platform {there[0]}",
            )
        return chosen

    def leaves(self, index: manifest.Index, wanted: Platform | None, depth: int) -> Iterator[Descriptor]:
        """The images of an index and of those within it, but for indexes that are for other platforms than `wanted`."""
        self._entries += len(index.manifests)
        if self._entries > self._limits.index_entries:
            raise LimitExceeded(
                f"{self._name}: its indexes have too many entries (limit index_entries: {self._limits.index_entries})"
            )
        self._attestations |= {entry.digest: entry for entry in index.attestations}
        for entry in index.manifests:
            if entry.media_type not in manifest.INDEX_TYPES:
                yield entry
                continue
            if entry.digest in self._visited or (
                wanted and entry.platform and not platform.fits(entry.platform, wanted)
            ):
                continue
            if depth >= self._limits.index_depth:
                raise LimitExceeded(
                    f"{self._name}: indexes are nested too deeply (limit index_depth: {self._limits.index_depth})"
                )
            self._visited.add(entry.digest)
            nested = self._fetch(entry)
            if isinstance(nested, manifest.Index):
                yield from self.leaves(nested, wanted, depth + 1)

    def _fetch(self, entry: Descriptor) -> manifest.Manifest | manifest.Index:
        what = f"{self._name}: {entry.digest}"
        if entry.size > self._limits.manifest_bytes:
            raise LimitExceeded(
                f"{what} has {entry.size} bytes (limit manifest_bytes: {self._limits.manifest_bytes})"
            )
        data, content_type = self.source.manifest(entry.digest)
        b"".join(digests.verified([data], entry.digest, entry.size, self.source.where))
        return manifest.parse(data, [entry.media_type, content_type], what, self._limits)


def _assemble(
    source: Source,
    chosen: manifest.Manifest,
    digest: str,
    entry: Descriptor | None,
    reference: str,
    wanted: Platform | None,
    limits: Limits,
) -> Image:
    if chosen.config.size > limits.config_bytes:
        raise LimitExceeded(
            f"{reference}: its configuration has {chosen.config.size} bytes (limit config_bytes: {limits.config_bytes})"
        )
    data = b"".join(open_blob(source, chosen.config))
    config = configs.parse(data, f"{reference}, configuration {chosen.config.digest}")
    configs.check_layers(config, chosen.layers, reference)
    warnings = check_platform(config.platform, entry.platform if entry else None, reference, wanted)
    layers = tuple(
        Layer(
            index,
            descriptor,
            diff_id,
            instruction,
            partial(open_blob, source, descriptor),
            source.remote,
            extent=source.extent(descriptor),
        )
        for index, (descriptor, diff_id, instruction) in enumerate(
            zip(chosen.layers, config.diff_ids, config.instructions, strict=True)
        )
    )
    return Image(reference, digest, config.platform, layers, config.document, warnings, chosen.document)


def check_platform(
    actual: Platform, promised: Platform | None, reference: str, wanted: Platform | None
) -> tuple[str, ...]:
    """Warnings about an index that promises another platform than the configuration has.

    ImageError when the image's only platform is not the one that the user asked for.
    """
    if not actual.architecture:
        return ()
    if promised:
        if platform.fits(actual, Platform(promised.os, promised.architecture)):
            return ()
        return (f"the index promises {promised}, the image's configuration says {actual}",)
    if wanted and not platform.fits(actual, wanted):
        as_it_is = f"with --platform {platform.normalised(actual)}" if actual.os else "without --platform"
        raise ImageError(
            f"{reference} is an image for {actual} only, {wanted} was asked for",
            f"scan it as it is {as_it_is}",
        )
    return ()
