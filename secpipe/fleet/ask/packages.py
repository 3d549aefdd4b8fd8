"""Where a package is: `openssl`, `deb/openssl<3.0.11`, `log4j-core>=2.0,<2.17.1`.

Versions are compared by the scheme of the package's own ecosystem, never as texts; what that cannot order is told apart.
Names are compared as advisories' are: `PyYAML` is `pyyaml`. A distribution's package is found under the name of its source
package as well, and then by that one's version, and one of Maven under its artifact's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from secpipe.advisories.names import normalise
from secpipe.errors import UsageError
from secpipe.fleet import codec
from secpipe.fleet.ask.reading import IN_FLEET, PACKAGE, images, package_of
from secpipe.fleet.results.database import Database, Row
from secpipe.fleet.results.ids import selected
from secpipe.match.ecosystem import scheme_for
from secpipe.model.fleetreport import FleetPackage, Located, Place
from secpipe.versions import InvalidVersion, Ordered, scheme

_TERM = re.compile(r"(<=|>=|==|!=|<|>|=)\s*([^\s<>=!,]+)\s*")
_QUERY = re.compile(rf"([^<>=!,]+?)\s*((?:{_TERM.pattern})(?:,\s*(?:{_TERM.pattern}))*)?")
_SCHEMES = {
    **{type: type for type in ("deb", "apk", "rpm", "nuget", "maven", "pub", "cran", "hackage", "bitnami")},
    **dict.fromkeys(("npm", "cargo", "golang", "hex", "julia", "swift"), "semver"),
    **{"pypi": "pep440", "gem": "rubygems", "composer": "packagist"},
}
"""By type, the scheme of packages whose ecosystem is unknown."""
_TYPES = frozenset((*_SCHEMES, "alpm", "conan", "conda", "cpan", "generic", "github", "otp"))
"""Of package URLs: what stands before the first slash of a name is one of these, or part of the name."""
_ECOSYSTEMS = {"pypi": "PyPI", "nuget": "NuGet", "composer": "Packagist", "golang": "Go"}
"""By type, those whose names are more than their letters."""
_HOLDS: dict[str, Callable[[Ordered, Ordered], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: other < one,
    ">=": lambda one, other: other <= one,
    "==": lambda one, other: one <= other and other <= one,
    "!=": lambda one, other: one < other or other < one,
}


class Query(NamedTuple):
    """What is asked for; all of the terms must hold."""

    text: str
    type: str
    name: str
    terms: tuple[tuple[str, str], ...]


def parse(text: str) -> Query:
    """`[TYPE/]NAME[OP VERSION[,OP VERSION…]]`. Raises `UsageError`."""
    found = _QUERY.fullmatch(text.strip())
    if not found:
        raise UsageError(
            f"--package {text}: not a package",
            "write NAME, NAME<VERSION or TYPE/NAME>=VERSION,<VERSION, quoted",
        )
    name = found[1]
    if name.startswith("pkg:"):
        raise UsageError(
            f"--package {text}: a package URL",
            "write the type and the name that reports have, as in deb/openssl",
        )
    type, slash, rest = name.partition("/")
    if not slash or type not in _TYPES or not rest:
        type, rest = "", name
    terms = tuple((sign, version) for sign, version in _TERM.findall(found[2] or ""))
    return Query(text, type, rest, tuple(("==" if sign == "=" else sign, version) for sign, version in terms))


def located(database: Database, query: Query) -> Located:
    """The packages of the fleet that fit, by name and version."""
    name = codec.clean(query.name)
    fitting: dict[int, FleetPackage] = {}
    unordered: dict[int, FleetPackage] = {}
    for number, value, *columns in _rows(database, name):
        found = package_of(*columns)
        if query.type and found.type != query.type:
            continue
        version = found.version
        if not _is_called(found.type, found.name, name):
            source = codec.to_package(value, None).source
            if source is None or codec.clean(source.name) != name:
                continue
            version = source.version
        holds = _fits(found, version, query.terms)
        if holds is None:
            unordered[number] = found
        elif holds:
            fitting[number] = found
    return Located(query.text, _places(database, fitting), _places(database, unordered))


def _rows(database: Database, name: str) -> list[Row]:
    """Packages that may go by the name, in their own right or by their source: id, value and the columns of a package."""
    found: dict[int, Row] = {}
    for column in ("name", "source"):
        # Each name has many versions, so all of them are few.
        told = database.rows(f"SELECT DISTINCT {column} FROM packages")  # noqa: S608
        # The names of pypi are the most lenient ones.
        alike = [
            each for (each,) in told if _is_called("pypi", each, name) or _is_called("maven", each, name)
        ]
        sql = f"SELECT packages.id, value, {PACKAGE} FROM packages WHERE {column} IN (…)"  # noqa: S608
        found.update((row[0], row) for row in selected(database, sql, alike))
    return [row for _, row in sorted(found.items())]


def _is_called(type: str, name: str, asked: str) -> bool:
    """Whether a package of that type and name is meant."""
    ecosystem = _ECOSYSTEMS.get(type, "")
    if normalise(ecosystem, name) == normalise(ecosystem, asked):
        return True
    return type == "maven" and ":" not in asked and name.rpartition(":")[2] == asked


def _fits(package: FleetPackage, version: str, terms: Iterable[tuple[str, str]]) -> bool | None:
    """Whether all terms hold; None where nobody knows."""
    if not terms:
        return True
    name = scheme_for(package.ecosystem) or _SCHEMES.get(package.type, "")
    try:
        of = scheme(name)
        own = of.key(version)
        return all(_HOLDS[sign](own, of.key(bound)) for sign, bound in terms)
    except (InvalidVersion, LookupError):
        return None


def _places(database: Database, packages: dict[int, FleetPackage]) -> tuple[Place, ...]:
    """The packages that are in images of the fleet; those of which several rows tell the same, as one."""
    holders: dict[int, set[int]] = {}
    sql = f"""SELECT package, image FROM content_packages JOIN image_contents USING (content)
    WHERE package IN (…) AND image IN ({IN_FLEET})"""  # noqa: S608
    for package, image in selected(database, sql, packages):
        holders.setdefault(package, set()).add(image)
    merged: dict[FleetPackage, set[int]] = {}
    for package, found in holders.items():
        merged.setdefault(packages[package], set()).update(found)
    refs = images(database, {image for found in merged.values() for image in found})
    places = [
        Place(
            package, tuple(sorted((refs[image] for image in found), key=lambda ref: (ref.names, ref.digest)))
        )
        for package, found in merged.items()
    ]
    return tuple(sorted(places, key=lambda place: _order(place.package)))


def _order(package: FleetPackage) -> tuple[str, ...]:
    return package.type, package.name, package.version, package.ecosystem, package.purl, package.source
