"""Writes what images consist of: layers, packages, and which layer brought which.

What a layer brought of what is still there is kept once for all images that have the same at the same place, so an image
costs no more rows than it has layers with packages of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from secpipe.catalog import Inventory
from secpipe.fleet import codec
from secpipe.fleet.recent import Recent
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import MOST, Ids, chunks, selected
from secpipe.fleet.values import FleetImage
from secpipe.match.identity import subject
from secpipe.model.package import LayerRef, Package
from secpipe.pipeline.inventory import managers

Facts = tuple[Any, ...]


class Listed(NamedTuple):
    """The ids of an inventory's packages, in its order, and those of them that advisories are held against."""

    ids: list[int]
    matched: set[int]


class Contents:
    """What is known to be in the database already."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._layers = Ids[bytes](database, "layers", "key", ("digest", "diff_id", "size"))
        self._chains = Ids[bytes](database, "chains", "key", ("parent", "layer", "depth"))
        self._packages = Ids[bytes](
            database,
            "packages",
            "key",
            (
                *("type", "name", "version", "ecosystem", "purl"),
                *("source", "subject", "subject_version", "matched", "value"),
            ),
        )
        self._contents = Ids[bytes](database, "contents", "key", ("position", "place", "packages"))
        self._facts: tuple[dict[Facts, int], dict[Facts, int]] = ({}, {})
        self._recent = Recent[Package, int](), Recent[Package, int]()

    def chains(self, images: Sequence[FleetImage]) -> list[int]:
        """The stack of each image's layers; 0 for an image without any."""
        layers: dict[bytes, tuple[object, ...]] = {}
        stacks: list[list[bytes]] = []
        for image in images:
            stack = []
            for layer in image.layers:
                digest = layer.descriptor.digest
                key = codec.key(digest.encode(), layer.diff_id.encode())
                layers[key] = digest, layer.diff_id, layer.descriptor.size
                stack.append(key)
            stacks.append(stack)
        ids, _ = self._layers.of(layers)
        chains: dict[bytes, tuple[bytes, bytes, int]] = {}
        tops: list[bytes] = []
        for stack in stacks:
            top = b""
            for depth, part in enumerate(stack, 1):
                below, top = top, codec.key(top, part)
                chains[top] = below, part, depth
            tops.append(top)
        found = {b"": 0}
        # A stack is written after the one below it, whose id it needs.
        for depth in range(1, max(map(len, stacks), default=0) + 1):
            rows = {
                key: (found[below], ids[layer], at)
                for key, (below, layer, at) in chains.items()
                if at == depth
            }
            found.update(self._chains.of(rows)[0])
        return [found[top] for top in tops]

    def packages(self, inventories: Sequence[Inventory]) -> list[Listed]:
        """Each inventory's packages, which are written where there are none."""
        told = [_told(inventory) for inventory in inventories]
        # Most are known as the very same value; to look others up by their facts takes longer than all the rest.
        found = [[self._recent[matched].get(package) for package, matched in packages] for packages in told]
        missing: dict[tuple[Facts, bool], Package] = {}
        for number, (package, matched) in zip(chain(*found), chain(*told), strict=True):
            if number is None and (fact := codec.facts(package)) not in self._facts[matched]:
                missing[fact, matched] = package
        keys: dict[bytes, tuple[Facts, bool]] = {}
        rows: dict[bytes, tuple[object, ...]] = {}
        for (fact, matched), package in missing.items():
            value = codec.of_package(fact)
            key = codec.key(value, b"1" if matched else b"")
            keys[key] = fact, matched
            rows[key] = _row(package, matched, value)
        for key, number in self._packages.of(rows)[0].items():
            fact, matched = keys[key]
            self._facts[matched][fact] = number
        listed = []
        for packages, numbers in zip(told, found, strict=True):
            ids = [
                self._number(package, matched) if number is None else number
                for number, (package, matched) in zip(numbers, packages, strict=True)
            ]
            listed.append(
                Listed(ids, {id for id, (_, matched) in zip(ids, packages, strict=True) if matched})
            )
        return listed

    def _number(self, package: Package, matched: bool) -> int:
        number = self._facts[matched][codec.facts(package)]
        self._recent[matched].put(package, number)
        return number

    def matched(self, package: Package) -> int | None:
        """The id of a package of the last `packages`, against which advisories are held; None where it was none."""
        number = self._recent[True].get(package)
        return self._facts[True].get(codec.facts(package)) if number is None else number

    def contents(self, inventories: Sequence[Inventory], ids: Sequence[Sequence[int]]) -> list[set[int]]:
        """What each inventory's layers brought, as ids."""
        rows: dict[bytes, tuple[object, ...]] = {}
        members: dict[bytes, list[int]] = {}
        found: list[list[bytes]] = []
        for inventory, numbers in zip(inventories, ids, strict=True):
            keys = []
            for layer, packages in _by_layer(inventory.packages, numbers):
                place = codec.of_place(layer)
                key = codec.key(place, b",".join(b"%d" % number for number in packages))
                rows[key] = -1 if layer is None else layer.index, place, len(packages)
                members[key] = packages
                keys.append(key)
            found.append(keys)
        known, new = self._contents.of(rows)
        insert = "INSERT INTO content_packages (content, package) VALUES (?, ?)"
        for some in chunks(new):
            self._database.many(insert, [(known[key], package) for key in some for package in members[key]])
        return [{known[key] for key in keys} for keys in found]

    def put(self, wanted: dict[int, set[int]], new: set[int]) -> None:
        """Say of images what is in them; `new` are those of which nothing is said yet."""
        stale: list[tuple[int, int]] = []
        present: dict[int, set[int]] = {}
        sql = "SELECT image, content FROM image_contents WHERE image IN (…)"
        for image, content in selected(self._database, sql, [i for i in wanted if i not in new]):
            present.setdefault(image, set()).add(content)
        for image, contents in present.items():
            stale += [(image, content) for content in contents - wanted[image]]
        self._database.many("DELETE FROM image_contents WHERE image = ? AND content = ?", stale)
        self._database.many(
            "INSERT INTO image_contents (image, content) VALUES (?, ?)",
            [
                (image, content)
                for image, contents in wanted.items()
                for content in sorted(contents - present.get(image, set()))
            ],
        )

    def trim(self) -> None:
        """Keep no more in memory than is good."""
        for ids in (self._layers, self._chains, self._packages, self._contents):
            ids.trim()
        if sum(map(len, self._facts)) > MOST:
            self._clear()

    def forget(self) -> None:
        """After a transaction that failed."""
        for ids in (self._layers, self._chains, self._packages, self._contents):
            ids.forget()
        self._clear()

    def _clear(self) -> None:
        for known in (*self._facts, *self._recent):
            known.clear()


def _told(inventory: Inventory) -> list[tuple[Package, bool]]:
    """The packages, each with whether advisories are held against it."""
    managed = bool(managers(inventory))
    return [(package, not (managed and package.owner)) for package in inventory.packages]


def _by_layer(packages: Sequence[Package], ids: Sequence[int]) -> Iterable[tuple[LayerRef | None, list[int]]]:
    """By layer, the distinct ids of its packages, sorted."""
    # An inventory has one value for each layer, and to compare these costs more than all the rest.
    groups: dict[int, tuple[LayerRef | None, list[int]]] = {}
    for package, number in zip(packages, ids, strict=True):
        layer = package.layer
        group = groups.get(id(layer))
        if group is None:
            group = groups[id(layer)] = (layer, [])
        group[1].append(number)
    merged: dict[LayerRef | None, set[int]] = {}
    for layer, numbers in groups.values():
        merged.setdefault(layer, set()).update(numbers)
    return [(layer, sorted(numbers)) for layer, numbers in merged.items()]


def _row(package: Package, matched: bool, value: bytes) -> tuple[object, ...]:
    about, version = subject(package)
    texts = (
        package.type,
        package.name,
        package.version,
        package.ecosystem or "",
        package.purl,
        package.source.name if package.source else "",
        about,
        version,
    )
    return *map(codec.clean, texts), int(matched), value
