"""Reads inventories back, so that images which were read once need not be read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from secpipe.catalog import Inventory
from secpipe.fleet import codec
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import chunks, selected
from secpipe.fleet.values import ImageKey
from secpipe.model.package import Package

_AT_ONCE = 200
_MOST = 2_000
"""contents that are kept in memory, for the next images with the same base"""


def known(
    database: Database, keys: Iterable[ImageKey], catalogers: str
) -> Iterator[tuple[ImageKey, Inventory]]:
    """The inventories of those of the images that these catalogers read, in batches that share what they have in common."""
    contents: dict[int, list[Package]] = {}
    version = codec.digest(catalogers)
    for some in chunks(dict.fromkeys(keys), _AT_ONCE):
        by = {codec.key(*map(codec.raw, key)): key for key in some}
        sql = "SELECT id, key, head, catalogers FROM images WHERE key IN (…)"
        heads = {
            image: (by[key], head)
            for image, key, head, told in selected(database, sql, by)
            if told == version
        }
        members: dict[int, list[int]] = {}
        sql = "SELECT image, content FROM image_contents WHERE image IN (…)"
        for image, content in selected(database, sql, heads):
            members.setdefault(image, []).append(content)
        wanted = {content for found in members.values() for content in found}
        if len(contents) > _MOST:
            contents = {content: found for content, found in contents.items() if content in wanted}
        contents.update(_contents(database, sorted(wanted - contents.keys())))
        for image, (key, head) in heads.items():
            packages = [package for content in members.get(image, ()) for package in contents[content]]
            yield key, codec.to_inventory(head, packages)


def _contents(database: Database, wanted: list[int]) -> dict[int, list[Package]]:
    """The packages of contents, each in its layer."""
    layers = {
        content: codec.to_place(place)
        for content, place in selected(database, "SELECT id, place FROM contents WHERE id IN (…)", wanted)
    }
    found: dict[int, list[Package]] = {content: [] for content in wanted}
    sql = """SELECT content, value FROM content_packages JOIN packages ON packages.id = package
    WHERE content IN (…)"""
    for content, value in selected(database, sql, wanted):
        found[content].append(codec.to_package(value, layers[content]))
    return found
