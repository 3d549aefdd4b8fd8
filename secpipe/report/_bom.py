"""What the formats of package lists share: ids that stay the same, and what everything is about."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

if TYPE_CHECKING:
    from secpipe.model.package import Package
    from secpipe.model.sbom import Bom


def references(bom: Bom) -> list[str]:
    """An id for each package, in order: its URL, with a number where several have the same."""
    seen: Counter[str] = Counter()
    found = []
    for package in bom.packages:
        seen[package.purl] += 1
        again = seen[package.purl]
        found.append(f"{package.purl}#{again}" if again > 1 else package.purl)
    return found


def address(package: Package) -> str:
    """The package's URL with its source package in `upstream`, where Syft and Grype look for it.

    `upstream=util-linux%402.38.1-5`, for RPM `upstream=bash-5.2.26-3.src.rpm`.
    """
    source = package.source
    if source is None or (source.name, source.version) == (package.name, package.version):
        return package.purl
    told = source.name if source.version == package.version else f"{source.name}@{source.version}"
    if package.type == "rpm":
        told = f"{source.name}-{source.version.rpartition(':')[2]}.src.rpm"
    told = quote(told, safe=":~", errors="backslashreplace")
    return f"{package.purl}{'&' if '?' in package.purl else '?'}upstream={told}"


def identity(document: object) -> UUID:
    """An id of a document's content: the same for the same."""
    content = json.dumps(document, sort_keys=True).encode()
    return uuid5(NAMESPACE_URL, f"sha256:{hashlib.sha256(content).hexdigest()}")
