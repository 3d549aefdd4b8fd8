"""The worst images, and the worst of the layers that images share from the bottom up.

A base is a stack of layers on which several images stand that differ above it: an image that all of them were built from, or
what is left of one that nobody names. What a base brought of an image's findings are those in packages of its layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from secpipe.fleet.ask.reading import IN_FLEET, SEVERITIES, counts, images
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import selected
from secpipe.model.fleetreport import BaseImage, WorstImage
from secpipe.model.severity import Severity

_FIXABLE = -1
"""Beside severities: how many findings have a fix."""
Tally = Counter[int]


def worst_images(database: Database, most: int) -> tuple[WorstImage, ...]:
    """The images with the most findings: critical ones first, then high ones and so on."""
    columns = ", ".join(map(str, SEVERITIES))
    order = ", ".join(f"{severity} DESC" for severity in SEVERITIES)
    sql = f"""SELECT id, distribution, verdict, {columns} FROM images
    WHERE id IN ({IN_FLEET}) ORDER BY {order}, digest, platform LIMIT ?"""  # noqa: S608
    rows = database.rows(sql, (most,))
    refs = images(database, [row[0] for row in rows])
    return tuple(WorstImage(refs[row[0]], row[1], row[2], counts(row[3:])) for row in rows)


def bases(database: Database) -> list[BaseImage]:
    """All bases, in no order."""
    sql = f"SELECT id, chain FROM images WHERE id IN ({IN_FLEET})"  # noqa: S608
    chain_of: dict[int, int] = dict(database.rows(sql))
    nodes = _nodes(database, chain_of.values())
    below = _below(nodes, chain_of.values())
    shared = _branching(nodes, below)
    found: dict[int, Tally] = {node: Counter() for node in shared}
    for image, tallies in _tallies(database).items():
        node = chain_of[image]
        while node:
            parent, _, depth = nodes[node]
            if node in found:
                for position, tally in tallies.items():
                    if position < depth:
                        found[node].update(tally)
            node = parent
    named = _named(database, shared)
    wanted = {nodes[node][1] for node in shared}
    layers: dict[int, str] = dict(selected(database, "SELECT id, digest FROM layers WHERE id IN (…)", wanted))
    return [
        BaseImage(
            named.get(node, ""),
            layers[nodes[node][1]],
            nodes[node][2],
            below[node],
            counts(tally[severity] for severity in SEVERITIES),
            tally[_FIXABLE],
        )
        for node, tally in found.items()
    ]


def order(found: Mapping[Severity, int]) -> tuple[int, ...]:
    """What sorts the worst first."""
    return tuple(-found.get(severity, 0) for severity in SEVERITIES)


def worst_bases(found: Iterable[BaseImage], most: int) -> tuple[BaseImage, ...]:
    """Those that bring most, critical findings first; of two that bring the same the one with more layers, whose rebuild
    is the nearer one."""
    some = (base for base in found if base.findings)
    return tuple(
        sorted(some, key=lambda base: (*order(dict(base.findings)), -base.layers, base.layer))[:most]
    )


def _nodes(database: Database, chains: Iterable[int]) -> dict[int, tuple[int, int, int]]:
    """Parent, layer and depth of stacks and all that are below."""
    nodes: dict[int, tuple[int, int, int]] = {}
    missing = set(chains) - {0}
    while missing:
        rows = selected(database, "SELECT id, parent, layer, depth FROM chains WHERE id IN (…)", missing)
        nodes.update((number, (parent, layer, depth)) for number, parent, layer, depth in rows)
        missing = {nodes[number][0] for number in missing} - nodes.keys() - {0}
    for parent, _, depth in nodes.values():
        if parent and nodes[parent][2] != depth - 1:
            raise ValueError("a stack of layers stands on one that is not below it")
    return nodes


def _below(nodes: Mapping[int, tuple[int, int, int]], chains: Iterable[int]) -> Counter[int]:
    """How many images stand on each stack, or are it."""
    below = Counter(chains)
    for node in sorted(nodes, key=lambda node: -nodes[node][2]):
        below[nodes[node][0]] += below[node]
    return below


def _branching(nodes: Mapping[int, tuple[int, int, int]], below: Mapping[int, int]) -> set[int]:
    """The stacks on which not all images go on alike; without those of a single image."""
    alike = {parent for node, (parent, _, _) in nodes.items() if below[parent] == below[node]}
    return {node for node in nodes if node not in alike and below[node] > 1}


def _tallies(database: Database) -> dict[int, dict[int, Tally]]:
    """Of each image of the fleet, what packages of the layer at each position have; what does not count is taken off."""
    contents: dict[int, tuple[int, Tally]] = {}
    sql = """SELECT contents.id, position, severity, COUNT(*), COUNT(fixed_version) FROM contents
    JOIN content_packages ON content = contents.id JOIN findings USING (package)
    WHERE until IS NULL AND position >= 0 GROUP BY contents.id, position, severity"""
    for content, position, severity, number, fixable in database.rows(sql):
        tally = contents.setdefault(content, (position, Counter()))[1]
        tally[severity] += number
        tally[_FIXABLE] += fixable
    found: dict[int, dict[int, Tally]] = {}
    sql = f"SELECT image, content FROM image_contents WHERE image IN ({IN_FLEET})"  # noqa: S608
    for image, content in database.rows(sql):
        if content in contents:
            position, tally = contents[content]
            positions = found.setdefault(image, {})
            positions[position] = positions[position] + tally if position in positions else tally
    sql = f"""SELECT image, position, severity, COUNT(*), COUNT(fixed_version) FROM suppressions
    JOIN image_contents USING (image) JOIN content_packages USING (content, package)
    JOIN contents ON contents.id = content JOIN findings USING (package, vulnerability)
    WHERE suppressions.until IS NULL AND findings.until IS NULL AND position >= 0 AND image IN ({IN_FLEET})
    GROUP BY image, position, severity"""  # noqa: S608
    for image, position, severity, number, fixable in database.rows(sql):
        positions = found[image]
        positions[position] = positions[position] - Counter({severity: number, _FIXABLE: fixable})
    return found


def _named(database: Database, chains: Iterable[int]) -> dict[int, str]:
    """The lowest reference of an image of the fleet that is just these layers."""
    sql = """SELECT chain, MIN(reference) FROM images JOIN sightings ON image = images.id
    JOIN names ON names.id = name WHERE until IS NULL AND chain IN (…) GROUP BY chain"""
    return dict(selected(database, sql, chains))
