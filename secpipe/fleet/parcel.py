"""Inventories on their way from a worker: what a layer brought is one value, which the receiver reads once.

Images share layers, and with them nearly all of their packages. To read these anew for each image would take the one process
that judges a fleet longer than judging, so the packages of one layer travel as bytes with a digest (see `codec`),
and who has met that already takes the packages from then: the very same values, by which others know them again, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from secpipe.catalog import Inventory
from secpipe.fleet import codec
from secpipe.model.package import Distribution, LayerRef, Package
from secpipe.model.problem import Problem

_MOST = 400_000
"""Packages that are remembered; beyond that all are forgotten."""


class Group(Struct, frozen=True):
    """The packages of one layer: digest of the bytes, these, and where in the inventory the packages stand."""

    key: bytes
    value: bytes
    places: bytes


class Parcel(Struct, frozen=True):
    """An inventory, its packages by the layers that brought them."""

    distribution: Distribution | None
    problems: tuple[Problem, ...]
    groups: tuple[Group, ...]


def packed(inventory: Inventory) -> Parcel:
    """The inventory, ready to travel."""
    groups: dict[LayerRef | None, tuple[list[int], list[bytes]]] = {}
    for place, package in enumerate(inventory.packages):
        places, values = groups.setdefault(package.layer, ([], []))
        places.append(place)
        values.append(codec.of_package(codec.facts(package)))
    return Parcel(
        inventory.distribution,
        inventory.problems,
        tuple(_group(layer, places, values) for layer, (places, values) in groups.items()),
    )


def _group(layer: LayerRef | None, places: Sequence[int], values: Sequence[bytes]) -> Group:
    import msgspec

    value = msgspec.msgpack.encode((codec.of_place(layer), values))
    return Group(codec.key(value), value, msgspec.msgpack.encode(places))


class Parcels:
    """Opens them, and remembers what was in those before."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Package, ...]] = {}
        self._size = 0

    def opened(self, parcel: Parcel) -> Inventory:
        """The inventory of which `packed` made the parcel."""
        import msgspec

        if self._size > _MOST:
            self._known.clear()
            self._size = 0
        placed: list[tuple[int, Package]] = []
        for group in parcel.groups:
            places = msgspec.msgpack.decode(group.places, type=list[int])
            placed += zip(places, self._packages(group), strict=True)
        # Each has a place of its own, so no two packages are compared.
        return Inventory(parcel.distribution, tuple(one for _, one in sorted(placed)), parcel.problems)

    def _packages(self, group: Group) -> tuple[Package, ...]:
        import msgspec

        if (known := self._known.get(group.key)) is None:
            place, values = msgspec.msgpack.decode(group.value, type=tuple[bytes, list[bytes]])
            layer = codec.to_place(place)
            known = self._known[group.key] = tuple(codec.to_package(value, layer) for value in values)
            self._size += len(known)
        return known
