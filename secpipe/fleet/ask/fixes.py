"""Which update of a package removes most findings, in the whole fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from secpipe.advisories.names import normalise
from secpipe.fleet.ask.bases import order
from secpipe.fleet.ask.reading import IN_FLEET, SEVERITIES, counts
from secpipe.fleet.results.database import Database
from secpipe.match.ecosystem import scheme_for
from secpipe.match.ranges import key_of
from secpipe.model.fleetreport import BaseImage, Fixes, PackageFix


def fixes(database: Database, bases: Iterable[BaseImage], most: int) -> Fixes:
    """The updates with the largest effect, and the bases whose rebuild has it."""
    holders = _Holders(database)
    findings: dict[tuple[str, str], list[tuple[int, int, str, int]]] = {}
    sql = """SELECT ecosystem, subject, package, vulnerability, fixed_version, severity FROM findings
    JOIN packages ON packages.id = package WHERE until IS NULL AND fixed_version IS NOT NULL"""
    spelt: dict[tuple[str, str], str] = {}
    for ecosystem, subject, package, vulnerability, fixed, severity in database.rows(sql):
        if package not in holders:
            continue
        key = ecosystem, normalise(ecosystem, subject)
        spelt[key] = min(spelt.get(key, subject), subject)
        findings.setdefault(key, []).append((package, vulnerability, fixed, severity))
    found = []
    for key, some in findings.items():
        ecosystem = key[0]
        severities: Counter[int] = Counter()
        for package, vulnerability, _, severity in some:
            severities[severity] += holders.number(package) - holders.accepted[package, vulnerability]
        if total := severities.total():
            version = _highest({fixed for *_, fixed, _ in some}, ecosystem)
            images = holders.together({package for package, *_ in some})
            told = counts(severities[severity] for severity in SEVERITIES)
            found.append(PackageFix(spelt[key], ecosystem, version, total, images, told))
    found.sort(key=lambda fix: (-fix.findings, order(dict(fix.severities)), fix.package, fix.ecosystem))
    rebuilt = [base for base in bases if base.fixable]
    rebuilt.sort(key=lambda base: (-base.fixable, -base.layers, base.layer))
    return Fixes(tuple(found[:most]), tuple(rebuilt[:most]))


class _Holders:
    """Which images of the fleet have which packages, and how many of them accept which of their findings."""

    def __init__(self, database: Database) -> None:
        self._images: dict[int, list[int]] = {}
        sql = f"SELECT content, image FROM image_contents WHERE image IN ({IN_FLEET})"  # noqa: S608
        for content, image in database.rows(sql):
            self._images.setdefault(content, []).append(image)
        self._contents: dict[int, list[int]] = {}
        sql = """SELECT package, content FROM content_packages WHERE package IN (
          SELECT package FROM findings WHERE until IS NULL AND fixed_version IS NOT NULL)"""
        for package, content in database.rows(sql):
            if content in self._images:
                self._contents.setdefault(package, []).append(content)
        sql = f"""SELECT package, vulnerability, COUNT(*) FROM suppressions
        WHERE until IS NULL AND image IN ({IN_FLEET}) GROUP BY package, vulnerability"""  # noqa: S608
        self.accepted = Counter({(package, name): number for package, name, number in database.rows(sql)})

    def __contains__(self, package: int) -> bool:
        """Whether any image has the package: what is known of others stays in the history."""
        return package in self._contents

    def number(self, package: int) -> int:
        """How many images have the package."""
        return self._union(self._contents.get(package, ()))

    def together(self, packages: Iterable[int]) -> int:
        """How many images have any of the packages."""
        return self._union({content for package in packages for content in self._contents.get(package, ())})

    def _union(self, contents: Iterable[int]) -> int:
        lists = [self._images[content] for content in contents]
        return len(lists[0]) if len(lists) == 1 else len(set().union(*lists))


def _highest(versions: Iterable[str], ecosystem: str) -> str:
    """The highest of the versions, by the ecosystem's scheme; of those that it cannot order, the last by name."""
    scheme = scheme_for(ecosystem)
    keyed = [(key_of(version, scheme), version) for version in sorted(versions)] if scheme else []
    ordered = [(key, version) for key, version in keyed if key is not None]
    if not ordered:
        return max(versions)
    best, highest = ordered[0]
    for key, version in ordered[1:]:
        if best < key:
            best, highest = key, version
    return highest
