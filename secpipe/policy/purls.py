"""Which packages a package URL in an ignore file or a VEX document is about (purl-spec 1.0; the rules are OpenVEX's).

A URL without a version is about all versions, and every qualifier that it has must be one of the package's; the package may
have more. Names are compared as the types define them: in any case where they are case-insensitive.
"""

from __future__ import annotations

import re
from functools import lru_cache

from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.purl import Purl, parse

_ANY_CASE = frozenset(
    {"alpm", "apk", "bitbucket", "composer", "deb", "github", "golang", "hex", "npm", "nuget", "oci", "pypi"}
)
_RUNS = lazy(r"[-_.]+")


def pattern(text: str) -> Purl:
    """The parts of a URL, ready to compare. Raises `ValueError`, which says what is wrong with it."""
    if text.partition("#")[2]:
        raise ValueError("has a subpath, which no package of an image has")
    return _comparable(parse(text))


def about(wanted: Purl, package: Package) -> bool:
    """Whether the URL, as `pattern` gives it, is about the package."""
    found = _of(package.purl)
    return found is not None and covers(wanted, found, package)


def covers(wanted: Purl, found: Purl, package: Package | None = None) -> bool:
    """The same of another URL, which is that of `package` where there is one."""
    if (wanted.type, wanted.namespace, wanted.name) != (found.type, found.namespace, found.name):
        return False
    if wanted.version and wanted.version != found.version:
        return False
    return all(
        value == found.qualifiers.get(key) or value in _also(key, found, package)
        for key, value in wanted.qualifiers.items()
    )


def _also(key: str, found: Purl, package: Package | None) -> tuple[str, ...]:
    """What a qualifier may be besides, as other programs write it."""
    if key == "upstream":
        return _upstream(package)
    # Trivy writes Alpine's and its kin's releases without the distribution's name.
    return (found.qualifiers.get("distro", "").partition("-")[2],) if key == "distro" else ()


@lru_cache(1 << 15)
def _of(purl: str) -> Purl | None:
    try:
        return _comparable(parse(purl))
    except ValueError:
        return None


def _comparable(purl: Purl) -> Purl:
    namespace, name, version = purl.namespace, purl.name, purl.version
    if purl.type in _ANY_CASE:
        namespace, name = namespace.casefold(), name.casefold()
    elif purl.type == "rpm":
        namespace = namespace.casefold()
    if purl.type == "pypi":
        name = _RUNS.sub("-", name)
    if purl.type == "golang" and re.match(r"v\d", version):
        version = version[1:]
    return Purl(purl.type, namespace, name, version, purl.qualifiers)


def _upstream(package: Package | None) -> tuple[str, ...]:
    """The source package as Syft writes it into the URLs of binary ones; ours does not have it there."""
    source = package.source if package else None
    if source is None:
        return ()
    rpm = f"{source.name}-{source.version.rpartition(':')[2]}.src.rpm"
    return (source.name, f"{source.name}@{source.version}", rpm)
