"""SPDX 2.3 (ISO/IEC 5962:2021 is 2.2.1), JSON: the list of an image's packages.

The format wants to know when it was made. That is what SOURCE_DATE_EPOCH says, else when the image says that it was made,
else 1970: the time of the run would make another document of the same input. What could not be read, and what SPDX has no
field for, is in annotations.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from secpipe import __version__
from secpipe.model.sbom import PATH, Properties, of_image, of_package
from secpipe.model.text import plural, printable, wellformed
from secpipe.report._bom import address, identity, references
from secpipe.report._text import json_text

if TYPE_CHECKING:
    from secpipe.model.package import Package
    from secpipe.model.sbom import Bom

_DOCUMENT, _IMAGE, _SYSTEM = "SPDXRef-DOCUMENT", "SPDXRef-Image", "SPDXRef-OperatingSystem"
_TOOL = f"Tool: secpipe-{__version__}"
_UNKNOWN = {
    "downloadLocation": "NOASSERTION",
    "filesAnalyzed": False,
    "licenseConcluded": "NOASSERTION",
    "licenseDeclared": "NOASSERTION",
    "copyrightText": "NOASSERTION",
}
_EPOCH = "1970-01-01T00:00:00Z"


def sbom(bom: Bom, *, color: bool = False, width: int | None = None) -> str:
    """One document, which describes the image; the image contains its operating system and its packages."""
    created = bom.moment or bom.built or _EPOCH
    packages = [
        _image(bom, created),
        *_system(bom),
        *(
            _package(package, ref, created)
            for package, ref in zip(bom.packages, references(bom), strict=True)
        ),
    ]
    relationships = [_related(_DOCUMENT, "DESCRIBES", _IMAGE)]
    relationships += [_related(_IMAGE, "CONTAINS", package["SPDXID"]) for package in packages[1:]]
    name = printable(bom.target.reference)
    content: dict[str, Any] = {
        "name": name,
        "creationInfo": {"created": created, "creators": [_TOOL]},
        **({"comment": _gaps(bom)} if bom.problems else {}),
        "packages": packages,
        "relationships": relationships,
    }
    return json_text(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": _DOCUMENT,
            "documentNamespace": f"https://spdx.org/spdxdocs/{quote(name, safe='')}-{identity(content)}",
            **content,
        }
    )


def _image(bom: Bom, created: str) -> dict[str, Any]:
    return {
        "SPDXID": _IMAGE,
        "name": bom.target.reference,
        **({"versionInfo": bom.target.digest} if bom.target.digest else {}),
        "primaryPackagePurpose": "CONTAINER",
        **_UNKNOWN,
        **_located(bom.purl),
        **_annotated(of_image(bom), created),
    }


def _system(bom: Bom) -> list[dict[str, Any]]:
    system = bom.target.distribution
    if system is None:
        return []
    return [
        {
            "SPDXID": _SYSTEM,
            "name": system.id,
            **({"versionInfo": system.version_id} if system.version_id else {}),
            **({"summary": system.name} if system.name else {}),
            "primaryPackagePurpose": "OPERATING_SYSTEM",
            **_UNKNOWN,
        }
    ]


def _package(package: Package, ref: str, created: str) -> dict[str, Any]:
    source = package.source
    properties = [*of_package(package), *([(PATH, package.path)] if package.path else [])]
    identifier = hashlib.sha256(ref.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return {
        "SPDXID": f"SPDXRef-Package-{identifier}",
        "name": package.name,
        **({"versionInfo": package.version} if package.version else {}),
        **({"sourceInfo": f"built package from: {source.name} {source.version}"} if source else {}),
        **_UNKNOWN,
        **_located(address(package)),
        **_annotated(sorted(properties), created),
    }


def _located(purl: str) -> dict[str, Any]:
    if not purl:
        return {}
    category, kind = "PACKAGE-MANAGER", "purl"
    return {
        "externalRefs": [
            {"referenceCategory": category, "referenceType": kind, "referenceLocator": purl},
        ]
    }


def _annotated(pairs: Properties, created: str) -> dict[str, Any]:
    """What SPDX has no field for, as a list of names and values."""
    if not pairs:
        return {}
    return {
        "annotations": [
            {
                "annotator": _TOOL,
                "annotationDate": created,
                "annotationType": "OTHER",
                "comment": json.dumps([list(map(wellformed, pair)) for pair in pairs], ensure_ascii=False),
            }
        ]
    }


def _gaps(bom: Bom) -> str:
    told = "; ".join(f"{problem.code}: {problem.message}" for problem in bom.problems)
    return f"Incomplete, {plural(len(bom.problems), 'problem')}: {printable(told)}"


def _related(element: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": other}
