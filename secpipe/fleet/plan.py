"""What has to be read of a fleet: each distinct layer once, each distinct image once. A pure function of who is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from secpipe.fleet.values import FleetImage, ImageKey
from secpipe.model.image import Layer

LayerKey = tuple[str, str]
"""Digest of the blob, and diff-id."""
_WAYS = 3
"""Repositories that a layer is looked for in, where the first cannot serve it."""


class Totals(Struct, frozen=True):
    """The plan in numbers: how many of what, and compressed bytes. Reading each name by itself would cost `named_bytes`,
    each image by itself `image_bytes`; all distinct layers have `layer_bytes`, of which `kept_bytes` are known."""

    names: int
    images: int
    known_images: int
    layers: int
    kept_layers: int
    named_bytes: int
    image_bytes: int
    layer_bytes: int
    kept_bytes: int
    read_bytes: int


class Plan(Struct, frozen=True):
    """`reads` are the layers to read, in an order that completes images early; each comes with the ways to it, the same
    layer of images in different repositories. `lists` are the images whose packages are not known yet, each with those
    of `reads` (by position) that it waits for; `known` those whose packages are."""

    reads: tuple[tuple[Layer, ...], ...]
    lists: tuple[tuple[FleetImage, frozenset[int]], ...]
    known: tuple[FleetImage, ...]
    totals: Totals


def layer_key(layer: Layer) -> LayerKey:
    """What is the same layer has the same."""
    return layer.descriptor.digest, layer.diff_id


def plan(
    images: Sequence[FleetImage],
    is_known: Callable[[ImageKey], bool],
    is_kept: Callable[[Layer], bool],
) -> Plan:
    """What to read of the images, which are distinct. `is_known` tells whose packages need not be listed again, `is_kept`
    which layers an earlier run left in the store; both are asked once for each."""
    known = tuple(image for image in images if is_known(image.key))
    those = {image.key for image in known}
    rest = [image for image in images if image.key not in those]
    ways = _ways(rest)
    kept = {key for key, layers in ways.items() if is_kept(layers[0])}
    order = [key for key in ways if key not in kept]
    position = {key: number for number, key in enumerate(order)}
    lists = tuple(
        (image, frozenset(position[k] for layer in image.layers if (k := layer_key(layer)) in position))
        for image in rest
    )
    return Plan(tuple(tuple(ways[key]) for key in order), lists, known, _totals(images, known, ways, kept))


def _ways(images: Iterable[FleetImage]) -> dict[LayerKey, list[Layer]]:
    """The distinct layers in the order in which images need them, each as the images of up to three repositories have it."""
    ways: dict[LayerKey, list[Layer]] = {}
    through: dict[LayerKey, set[str]] = {}
    for image in images:
        repository = image.image.reference.partition("@")[0]
        for layer in image.layers:
            key = layer_key(layer)
            there = through.setdefault(key, set())
            if repository not in there and len(there) < _WAYS:
                there.add(repository)
                ways.setdefault(key, []).append(layer)
    return ways


def _totals(
    images: Sequence[FleetImage],
    known: Sequence[FleetImage],
    ways: dict[LayerKey, list[Layer]],
    kept: set[LayerKey],
) -> Totals:
    everything = {layer_key(layer): layer.descriptor.size for image in images for layer in image.layers}
    sizes = [sum(layer.descriptor.size for layer in image.layers) for image in images]
    read = sum(layers[0].descriptor.size for key, layers in ways.items() if key not in kept)
    total = sum(everything.values())
    return Totals(
        names=len({name.reference for image in images for name in image.names}),
        images=len(images),
        known_images=len(known),
        layers=len(everything),
        kept_layers=len(everything) - (len(ways) - len(kept)),
        named_bytes=sum(size * len(image.names) for size, image in zip(sizes, images, strict=True)),
        image_bytes=sum(sizes),
        layer_bytes=total,
        kept_bytes=total - read,
        read_bytes=read,
    )
