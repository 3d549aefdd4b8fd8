"""What Bitnami's images have unpacked below /opt/bitnami: an SPDX document a component (SPDX 2.3), or one list of them all.

Older images have `.bitnami_components.json` (name → version, architecture, distribution) and no documents, or both. Other
packages that a document lists are found by their own files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from secpipe.catalog._json import UnreadableError, document, text
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.purl import parse as parse_purl

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "bitnami"
VERSION = 1
TYPE = "bitnami"
_LIST = "opt/bitnami/.bitnami_components.json"
GLOBS = (_LIST, "opt/bitnami/**/.spdx-*.spdx")
# A component is removed with its folder.
KEPT = ()
COMPLETE = ()
ONCE = True


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The components; a file that is no such list or document, and an entry without a name or a version, is a problem."""
    try:
        found = document(file.data)
        yield from _listed(found, file.path) if file.path == _LIST else _documented(found, file.path)
    except UnreadableError as error:
        yield unreadable(file.path, None, str(error), "unreadable-metadata")


def _listed(found: object, path: str) -> Iterator[Package | Problem]:
    if not isinstance(found, dict):
        raise UnreadableError("no list of components")
    for name, one in found.items():
        known = one if isinstance(one, dict) else {}
        version = text(known.get("version"))
        values = {"arch": text(known.get("arch")), "distro": text(known.get("distro"))}
        yield _component(name, version, values, path)


def _documented(found: object, path: str) -> Iterator[Package | Problem]:
    packages = found.get("packages") if isinstance(found, dict) else None
    if not isinstance(packages, list):
        raise UnreadableError("no SPDX document with packages")
    for package in packages:
        references = package.get("externalRefs") if isinstance(package, dict) else None
        for reference in references if isinstance(references, list) else ():
            locator = text(reference.get("referenceLocator")) if isinstance(reference, dict) else ""
            if not locator.startswith("pkg:bitnami/"):
                continue
            try:
                purl = parse_purl(locator)
            except ValueError as error:
                raise UnreadableError(f"the package URL {locator[:80]!r} {error}") from error
            yield _component(purl.name, purl.version, purl.qualifiers, path)


def _component(name: str, version: str, values: Mapping[str, str], path: str) -> Package | Problem:
    if not (usable(name) and usable(version)):
        why = "a component has no valid name and version"
        return unreadable(path, None, why, "unreadable-metadata")
    told = {key: values[key] for key in ("arch", "distro") if usable(values.get(key, ""))}
    return Package(name, version, TYPE, path, qualifiers=tuple(told.items()))
