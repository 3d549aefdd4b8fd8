"""SPDX 2.2 and 2.3, JSON: its packages.

A package may have any number of package URLs (§7.21, external references: cardinality 0..*), and none is said to come
first. So all count that name something else, as the same thing may have flaws under each of its names.

Trivy's `sourceInfo` (`built package from: glibc 2.36-9`) and our own annotations are read, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from secpipe.catalog._sbomentries import Entry, Listing, first_values
from secpipe.model.limits import Limits
from secpipe.model.package import Distribution
from secpipe.model.pattern import lazy
from secpipe.model.purl import parse
from secpipe.model.sbom import PATH, PREFIX, PROBLEM, SOURCE_NAME, SOURCE_VERSION

VERSIONS = ("SPDX-2.2", "SPDX-2.3")
_NO_PACKAGE = frozenset({"CONTAINER", "FILE", "SOURCE"})
_BUILT_FROM = lazy(r"built package from: (\S+) (\S+)")
_PATH = lazy(r"acquired package info from [^:]*: ([^,]+)")
_PURLS = frozenset({"purl", "http://spdx.org/rdf/references/purl"})
_TELLING = ("arch", "distro", "epoch", "rpmmod", "upstream")
"""Qualifiers that make another package of it."""
_LOCK_FILE = "Class: lang-pkgs"
"""Trivy's annotation of the file that it found packages in."""


def read(document: Mapping[str, Any], listing: Listing, limits: Limits) -> None:
    """Fill the listing from a document of one of the `VERSIONS`."""
    creators = listing.mapping(document, "creationInfo").get("creators")
    for creator in creators if isinstance(creators, list) else []:
        if isinstance(creator, str) and (tool := re.match(r"Tool:\s*(.+?)(?:-[v0-9][^-]*.*)?$", creator)):
            listing.tools.add(tool[1].lower())
    roots = _described(document, listing)
    for package in listing.mappings(document, "packages"):
        if len(listing.entries) >= limits.packages:
            listing.full = True
            break
        _package(package, listing, listing.text(package, "SPDXID") in roots)
    if len(listing.entries) > limits.packages:
        listing.full = True
        del listing.entries[limits.packages :]


def _described(document: Mapping[str, Any], listing: Listing) -> set[str]:
    """The ids of what the document is about."""
    listed = document.get("documentDescribes")
    found = {one for one in listed if isinstance(one, str)} if isinstance(listed, list) else set()
    for relationship in listing.mappings(document, "relationships"):
        kind = listing.text(relationship, "relationshipType")
        if kind == "DESCRIBES":
            found.add(listing.text(relationship, "relatedSpdxElement"))
        elif kind == "DESCRIBED_BY":
            found.add(listing.text(relationship, "spdxElementId"))
    return found


def _package(package: Mapping[str, Any], listing: Listing, described: bool) -> None:
    comments = [listing.text(one, "comment") for one in listing.mappings(package, "annotations")]
    pairs = [pair for comment in comments for pair in _ours(comment)]
    purls = _purls(package, listing)
    entry = _entry(package, pairs, purls[0] if purls else "", listing)
    # The schema has an underscore in it, the prose and Trivy a hyphen.
    purpose = listing.text(package, "primaryPackagePurpose").replace("_", "-")
    container = purpose == "CONTAINER" or any(purl.startswith("pkg:oci/") for purl in purls)
    if described and (container or not (entry.purl or listing.root.name)):
        # A list may also be about a package, or about several: these are among its packages.
        listing.told += [value for name, value in pairs if name == PROBLEM]
        listing.root, listing.is_image = entry, container
    elif purpose == "OPERATING-SYSTEM" and not entry.purl:
        listing.systems.append(Distribution(entry.name, entry.version, listing.text(package, "summary")))
    elif container:
        return
    elif entry.purl:
        listing.entries += (entry._replace(purl=purl) for purl in purls)
    elif purpose not in _NO_PACKAGE and _LOCK_FILE not in comments:
        listing.fault("unidentified-package", "without a package URL", entry.name or "(without a name)")


def _purls(package: Mapping[str, Any], listing: Listing) -> list[str]:
    """The first of the package URLs for each name and version: that a package is in two repositories tells nothing more."""
    found: dict[object, str] = {}
    for one in listing.mappings(package, "externalRefs"):
        if listing.text(one, "referenceType") not in _PURLS:
            continue
        text = listing.text(one, "referenceLocator")
        try:
            purl = parse(text)
        except ValueError:
            found.setdefault(text, text)
            continue
        version = purl.version or listing.text(package, "versionInfo")
        told = tuple(purl.qualifiers.get(name, "") for name in _TELLING)
        found.setdefault((purl.type, purl.namespace, purl.name, version, told), text)
    return [text for text in found.values() if text]


def _entry(package: Mapping[str, Any], pairs: list[tuple[str, str]], purl: str, listing: Listing) -> Entry:
    properties = first_values(pairs)
    info = listing.text(package, "sourceInfo")
    if SOURCE_NAME not in properties and (built := _BUILT_FROM.match(info)):
        properties |= {SOURCE_NAME: built[1], SOURCE_VERSION: built[2]}
    path = _PATH.match(info)
    return Entry(
        listing.text(package, "name"),
        listing.text(package, "versionInfo"),
        purl,
        properties.get(PATH, path[1] if path else ""),
        properties,
    )


def _ours(comment: str) -> list[tuple[str, str]]:
    """The properties in an annotation of ours, which is a list of pairs."""
    if not comment.startswith(f'[["{PREFIX}'):
        return []
    try:
        pairs = json.loads(comment)
    except (ValueError, RecursionError):
        return []
    return [
        (pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)
    ]
