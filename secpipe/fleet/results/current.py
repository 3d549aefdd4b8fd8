"""Reads who is in the fleet, as of the last run: for who judges again what was read before."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import chunks, selected
from secpipe.fleet.values import FleetImage, Named
from secpipe.model.image import Descriptor, Image, Layer, Platform

_AT_ONCE = 500


def current(database: Database, only: Collection[int] | None = None) -> Iterator[FleetImage]:
    """The images that names lead to, or some of them. Their layers are known by digests and sizes, and cannot be read."""
    rows = database.rows("SELECT DISTINCT image FROM sightings WHERE until IS NULL ORDER BY image")
    wanted = [number for (number,) in rows if only is None or number in only]
    for some in chunks(wanted, _AT_ONCE):
        yield from _images(database, some)


def _images(database: Database, wanted: list[int]) -> Iterator[FleetImage]:
    names: dict[int, list[tuple[str, str]]] = {}
    sql = """SELECT image, reference, named_by FROM sightings JOIN names ON names.id = name
    WHERE until IS NULL AND image IN (…)"""
    for image, reference, by in selected(database, sql, wanted):
        names.setdefault(image, []).append((reference, by))
    rows = list(selected(database, "SELECT id, digest, platform, chain FROM images WHERE id IN (…)", wanted))
    stacks = _stacks(database, {chain for *_, chain in rows})
    for number, digest, platform, chain in sorted(rows):
        # The digest beside a tag says that the name may lead to other images at the same time.
        named = tuple(
            Named(reference if "@" in reference else f"{reference}@{digest}", tuple(by.splitlines()))
            for reference, by in sorted(names[number])
        )
        system, _, rest = platform.partition("/")
        architecture, _, variant = rest.partition("/")
        yield FleetImage(
            Image(named[0].reference, digest, Platform(system, architecture, variant), tuple(stacks[chain])),
            named,
        )


def _stacks(database: Database, chains: set[int]) -> dict[int, list[Layer]]:
    """The layers of stacks, from the base up."""
    below: dict[int, tuple[int, int]] = {}
    wanted = chains - {0}
    while wanted:
        rows = selected(database, "SELECT id, parent, layer FROM chains WHERE id IN (…)", sorted(wanted))
        fresh = {chain: (parent, layer) for chain, parent, layer in rows}
        below.update(fresh)
        wanted = {parent for parent, _ in fresh.values()} - below.keys() - {0}
    sql = "SELECT id, digest, diff_id, size FROM layers WHERE id IN (…)"
    layers = {
        number: told for number, *told in selected(database, sql, {layer for _, layer in below.values()})
    }

    def stack(chain: int) -> list[Layer]:
        numbers = []
        while chain:
            chain, layer = below[chain]
            numbers.append(layer)
        return [
            Layer(
                index,
                Descriptor("", layers[number][0], layers[number][2]),
                layers[number][1],
                None,
                lambda: iter(()),
            )
            for index, number in enumerate(reversed(numbers))
        ]

    return {chain: stack(chain) for chain in chains}
