"""CycloneDX 1.6 (ECMA-424), JSON: the list of an image's packages, and of a scan what is known of them.

Nothing in it changes from run to run: the serial number is made of the content, and there is a time only where
SOURCE_DATE_EPOCH says one. What could not be read is told by a composition that is incomplete, and by properties of the
image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secpipe import __version__
from secpipe.model.sbom import PLATFORM, Bom, Properties, of_image, of_package
from secpipe.report._bom import address, identity, references
from secpipe.report._text import json_text
from secpipe.report._vulnerabilities import MAX_VERSION, vulnerabilities

if TYPE_CHECKING:
    from secpipe.model.package import Package
    from secpipe.model.scan import ScanReport

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_SYSTEM = "operating-system"
_TRIVY = "aquasecurity:trivy:"


def sbom(bom: Bom, *, color: bool = False, width: int | None = None) -> str:
    """One document: the image, its operating system, its packages, and that it has them all."""
    return _document(bom, {})


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """The same, with the vulnerabilities of the packages; what is suppressed has its analysis (VEX)."""
    bom = Bom(report.target, report.packages, report.problems)
    found = vulnerabilities(report, references(bom))
    return _document(bom, {"vulnerabilities": found})


def _document(bom: Bom, more: dict[str, Any]) -> str:
    image = bom.purl or bom.target.digest or "image"
    refs = references(bom)
    components = [
        *_system(bom),
        *(_component(package, ref) for package, ref in zip(bom.packages, refs, strict=True)),
    ]
    content: dict[str, Any] = {
        "metadata": {
            **({"timestamp": bom.moment} if bom.moment else {}),
            "tools": {"components": [{"type": "application", "name": "secpipe", "version": __version__}]},
            "component": {
                "bom-ref": image,
                "type": "container",
                "name": bom.target.reference,
                **({"version": bom.target.digest} if bom.target.digest else {}),
                **({"purl": bom.purl} if bom.purl else {}),
                "properties": _properties(of_image(bom)),
            },
        },
        "components": components,
        # What they depend on among themselves is not known, and nothing is said of it.
        "dependencies": [{"ref": image, "dependsOn": sorted(one["bom-ref"] for one in components)}],
        **({"compositions": [{"aggregate": "incomplete", "assemblies": [image]}]} if bom.problems else {}),
        **more,
    }
    return json_text(
        {
            "$schema": SCHEMA,
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{identity(content)}",
            "version": 1,
            **content,
        }
    )


def _system(bom: Bom) -> list[dict[str, Any]]:
    system = bom.target.distribution
    if system is None:
        return []
    return [
        {
            "bom-ref": _SYSTEM,
            "type": _SYSTEM,
            "name": system.id,
            **({"version": system.version_id[:MAX_VERSION]} if system.version_id else {}),
            **({"description": system.name} if system.name else {}),
        }
    ]


def _component(package: Package, ref: str) -> dict[str, Any]:
    properties = of_package(package)
    if package.platform:
        properties.append((PLATFORM, package.platform))
    if source := package.source:
        # Trivy looks for the source package nowhere else, and finds nothing for the packages of Debian without it.
        properties += [(f"{_TRIVY}SrcName", source.name), (f"{_TRIVY}SrcVersion", source.version)]
    return {
        "bom-ref": ref,
        "type": "library",
        "name": package.name,
        **({"version": package.version[:MAX_VERSION]} if package.version else {}),
        "purl": address(package),
        **({"properties": _properties(properties)} if properties else {}),
        **({"evidence": {"occurrences": [{"location": package.path}]}} if package.path else {}),
    }


def _properties(pairs: Properties) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
