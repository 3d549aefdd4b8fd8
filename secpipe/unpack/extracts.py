"""What was read of a layer, kept for the next image that has the same one.

An extract is known by the digest of its blob together with its diff-id: what an image claims of one alone is not
believed, as little as without a cache. A blob that is at hand is held to its digest all the same, one that would have
to be fetched is not fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from secpipe import __version__
from secpipe.model.image import Layer
from secpipe.model.limits import MIB, Limits
from secpipe.unpack.budget import Budget
from secpipe.unpack.layer import WHOLE, Distillers, LayerExtract, read_layer
from secpipe.unpack.outstanding import Outstanding

if TYPE_CHECKING:
    import msgspec

_FORMAT: Final = 3
"""Raised when `LayerExtract`, or what `read_layer` makes of a layer, becomes another one between two releases."""
_MOST: Final = 64 * MIB
"""Larger extracts are not kept: few layers have as much, and it would be in memory twice."""
_LIMITS: Final = (
    "file_bytes",
    "jar_bytes",
    "jar_depth",
    "jar_entries",
    "layer_bytes",
    "layer_entries",
    "layer_frames",
    "layer_ratio",
    "path_bytes",
    "path_components",
    "tar_header_bytes",
    "window_bytes",
)
"""Those of one layer: what was read within wider ones would be refused now. The image's are counted each time."""


class Store(Protocol):
    """Keeps bytes by keys of any length. It may forget, and never fails."""

    def load(self, key: bytes) -> bytes | None: ...
    def save(self, key: bytes, value: bytes) -> None: ...
    def has(self, key: bytes) -> bool: ...


class Extracts(Struct, frozen=True):
    """Reads layers, those that `store` knows from there. `readers` names who asks for files, with their versions."""

    store: Store
    readers: str

    def read(
        self,
        patterns: Sequence[str],
        layer: Layer,
        wanted: Callable[[bytes], bool],
        limits: Limits,
        only: Collection[int] | None,
        budget: Budget,
        distillers: Distillers = WHOLE,
        outstanding: Outstanding | None = None,
    ) -> LayerExtract:
        """As `read_layer` does; `patterns` are what `wanted` tests for. The same comes out, limits included."""
        new = partial(
            read_layer, layer, wanted, limits, only, budget, distillers=distillers, outstanding=outstanding
        )
        if not _named(layer):
            return new()
        key = self._key(patterns, layer, limits, only)
        value = self.store.load(key)
        known = _unpacked(value) if value is not None else None
        if known is None:
            extract = new()
            (outstanding or Outstanding()).then(layer.index, partial(self._keep, key, extract, limits))
            return extract
        layer.known()
        if not layer.remote:
            for _ in layer.open():
                budget.spend_bytes(layer.index, 0)
        return _again(replace(known, index=layer.index), budget)

    def knows(self, patterns: Sequence[str], layer: Layer, limits: Limits) -> bool:
        """Whether the store has what was read of the layer, as far as can be told without reading that."""
        return _named(layer) and self.store.has(self._key(patterns, layer, limits, None))

    def _key(
        self, patterns: Sequence[str], layer: Layer, limits: Limits, only: Collection[int] | None
    ) -> bytes:
        told = (
            _FORMAT,
            __version__,
            self.readers,
            sorted(patterns),
            [getattr(limits, name) for name in _LIMITS],
            layer.descriptor.digest,
            layer.diff_id,
            None if only is None else sorted(only),
        )
        return repr(told).encode()

    def _keep(self, key: bytes, extract: LayerExtract, limits: Limits) -> None:
        # What the other layers left no room for depends on them.
        crowded = any(size <= limits.file_bytes for size in extract.oversized.values())
        if not crowded and _size(extract) <= _MOST:
            import msgspec

            self.store.save(key, msgspec.msgpack.encode(replace(extract, index=0)))


def _named(layer: Layer) -> bool:
    """Whether the descriptor's digest is the blob's; a docker-archive may have no other name for one than the diff-id, and
    a folder has none at all."""
    return layer.folder is None and not (
        layer.descriptor.digest == layer.diff_id and layer.descriptor.media_type.endswith(("gzip", "zstd"))
    )


def _size(extract: LayerExtract) -> int:
    """About as many bytes as it takes."""
    names = sum(
        len(entry.names) + len(entry.parent) if not isinstance(entry, tuple) else len(entry.name) + 40
        for entry in extract.entries
    )
    marks = sum(map(len, extract.whiteouts)) + sum(map(len, extract.opaques))
    return names + marks + sum(map(len, extract.contents.values()))


_ONE_AT_A_TIME: Final = Lock()


@cache
def _new_decoder() -> msgspec.msgpack.Decoder[LayerExtract]:
    import msgspec

    return msgspec.msgpack.Decoder(LayerExtract)


def _unpacked(value: bytes) -> LayerExtract | None:
    import msgspec

    # msgspec notes what a type is made of before it knows all of it: another thread that reads it meanwhile crashes.
    with _ONE_AT_A_TIME:
        decoder = _new_decoder()
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None


def _again(extract: LayerExtract, budget: Budget) -> LayerExtract:
    """The extract, counted against what the image may still cost as if it were read now."""
    budget.spend_bytes(extract.index, extract.size)
    budget.spend_entries(extract.count)
    budget.spend_names(extract.long_names)
    left_out = {
        ordinal: len(data)
        for ordinal, data in sorted(extract.contents.items())
        if not budget.retain(len(data))
    }
    if not left_out:
        return extract
    contents = {ordinal: data for ordinal, data in extract.contents.items() if ordinal not in left_out}
    return replace(extract, contents=contents, oversized={**extract.oversized, **left_out})
