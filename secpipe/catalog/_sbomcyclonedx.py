"""CycloneDX 1.2 to 1.7, JSON: its components, however they are nested.

Properties of others that are read: those of Syft (`syft:location:0:path`) and Trivy (`aquasecurity:trivy:Class`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secpipe.catalog._sbomentries import Entry, Listing, first_values
from secpipe.model.limits import Limits
from secpipe.model.package import Distribution
from secpipe.model.sbom import PROBLEM

VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_NO_PACKAGE = frozenset(
    {"container", "cryptographic-asset", "data", "file", "machine-learning-model", "operating-system"}
)
"""Kinds of components that are no packages unless they have a package's URL."""
_TRIVY = "aquasecurity:trivy:"
_PATHS = ("syft:location:0:path", _TRIVY + "FilePath")


def read(document: Mapping[str, Any], listing: Listing, limits: Limits) -> None:
    """Fill the listing from a document of one of the `VERSIONS`."""
    metadata = listing.mapping(document, "metadata")
    root = listing.mapping(metadata, "component")
    listing.tools |= _tools(metadata, listing)
    pairs = _pairs(root, listing)
    listing.root = _entry(root, pairs, listing)
    listing.told += [value for name, value in [*pairs, *_pairs(metadata, listing)] if name == PROBLEM]
    listing.is_image = root.get("type") in ("container", "operating-system")
    for composition in listing.mappings(document, "compositions"):
        aggregate = listing.text(composition, "aggregate")
        # Only dependencies that are not known leave no package out.
        about = "assemblies" in composition or "dependencies" not in composition
        listing.incomplete |= about and aggregate.startswith("incomplete")
    pending = [
        (1, component)
        for holder in (document, root)
        for component in reversed(listing.mappings(holder, "components"))
    ]
    while pending:
        depth, component = pending.pop()
        if len(listing.entries) >= limits.packages:
            listing.full = True
            return
        _component(component, listing)
        if depth < limits.sbom_depth:
            nested = listing.mappings(component, "components")
            pending += ((depth + 1, one) for one in reversed(nested))
        elif component.get("components"):
            why = f"with components nested too deeply (limit sbom-depth: {limits.sbom_depth})"
            listing.fault("malformed-sbom", why, listing.text(component, "name"))


def _component(component: Mapping[str, Any], listing: Listing) -> None:
    kind = listing.text(component, "type")
    pairs = _pairs(component, listing)
    entry = _entry(component, pairs, listing)
    if kind == "operating-system":
        listing.systems.append(
            Distribution(entry.name, entry.version, listing.text(component, "description"))
        )
    elif kind == "container":
        return
    elif entry.purl:
        listing.entries.append(entry)
    elif kind not in _NO_PACKAGE and entry.properties.get(_TRIVY + "Class") != "lang-pkgs":
        listing.fault("unidentified-package", "without a package URL", entry.name or "(without a name)")


def _entry(component: Mapping[str, Any], pairs: list[tuple[str, str]], listing: Listing) -> Entry:
    properties = first_values(pairs)
    group, name = listing.text(component, "group"), listing.text(component, "name")
    purl = listing.text(component, "purl")
    if group:
        name = f"{group}{':' if purl.lower().startswith('pkg:maven') else '/'}{name}"
    occurrences = listing.mappings(listing.mapping(component, "evidence"), "occurrences")
    path = next(filter(None, (listing.text(one, "location") for one in occurrences)), "")
    path = path or next((properties[key] for key in _PATHS if key in properties), "")
    return Entry(name, listing.text(component, "version"), purl, path, properties)


def _pairs(value: Mapping[str, Any], listing: Listing) -> list[tuple[str, str]]:
    return [
        (listing.text(one, "name"), listing.text(one, "value"))
        for one in listing.mappings(value, "properties")
    ]


def _tools(metadata: Mapping[str, Any], listing: Listing) -> set[str]:
    """Their names in lower case; up to 1.4 `tools` is a list, since then an object with components."""
    tools = metadata.get("tools")
    holder = (
        {"tools": listing.mapping(metadata, "tools").get("components")}
        if isinstance(tools, dict)
        else metadata
    )
    return {listing.text(one, "name").lower() for one in listing.mappings(holder, "tools")}
