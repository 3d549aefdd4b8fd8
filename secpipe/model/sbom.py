"""The packages of an image as a list of them says it (SBOM), and the words for what its formats have no field for.

The words are ours, below `secpipe:`; CycloneDX keeps them as properties, SPDX in annotations. What is written under
them is all that a scan of the list needs to say the same as a scan of the image.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from msgspec import Struct

from secpipe.model.package import LayerRef, Origin, Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Target
from secpipe.model.text import wellformed

PREFIX = "secpipe:"
PATH = PREFIX + "path"
PLATFORM = PREFIX + "platform"
PROBLEM = PREFIX + "problem"
ARCH, MODULE, OWNER, VENDOR = PREFIX + "arch", PREFIX + "module", PREFIX + "owner", PREFIX + "vendor"
ORIGIN = PREFIX + "origin"
EVIDENCE = PREFIX + "evidence"
SOURCE_NAME, SOURCE_VERSION = PREFIX + "source:name", PREFIX + "source:version"
LAYER_DIGEST, LAYER_INDEX = PREFIX + "layer:digest", PREFIX + "layer:index"

Properties = list[tuple[str, str]]


class Bom(Struct, frozen=True):
    """One image: its packages (sorted) and what could not be read of it (sorted).

    `purl` is the image's own, empty where there is no digest. `moment` is when the list is to have been made, `built`
    when the image says that it was, both in UTC to the second (`2024-01-31T12:00:00Z`) and empty when nobody said.
    `notes` tell how the image was reached; no list has them.
    """

    kind: ClassVar[Literal["sbom"]] = "sbom"
    target: Target
    packages: tuple[Package, ...]
    problems: tuple[Problem, ...]
    purl: str = ""
    moment: str = ""
    built: str = ""
    notes: tuple[Problem, ...] = ()


def bom_link(serial: object, version: object) -> str:
    """`urn:uuid:…/1`, by which BOM-Links (CycloneDX) know a BOM; '' for one that cannot be linked to."""
    number = 1 if version is None else version
    if not isinstance(serial, str) or not isinstance(number, int):
        return ""
    return f"{serial.lower()}/{number}" if serial.lower().startswith("urn:uuid:") else ""


def of_package(package: Package) -> Properties:
    """What neither name, version nor purl tell of a package; its path is left to the format."""
    source, layer = package.source, package.layer
    found = [
        (ARCH, "" if "arch=" in package.purl else package.arch),
        (EVIDENCE, package.evidence),
        (LAYER_DIGEST, layer.digest if layer else ""),
        (LAYER_INDEX, str(layer.index) if layer else ""),
        (MODULE, package.module),
        (ORIGIN, package.origin),
        (OWNER, package.owner),
        (SOURCE_NAME, source.name if source else ""),
        (SOURCE_VERSION, source.version if source else ""),
        (VENDOR, package.vendor),
    ]
    return [(name, value) for name, value in found if value]


def of_image(bom: Bom) -> Properties:
    """What is to be kept of the image: its platform, the layers that brought packages, what could not be read."""
    found = [(PLATFORM, bom.target.platform)]
    for layer in sorted({p.layer for p in bom.packages if p.layer}, key=lambda layer: layer.index):
        if layer.instruction:
            found.append((instruction_of(layer.index), layer.instruction))
    return [*found, *((PROBLEM, _text(problem)) for problem in bom.problems)]


def instruction_of(index: int) -> str:
    """The property of the image that has the history line of one of its layers."""
    return f"{PREFIX}layer:{index}:instruction"


def layer_of(found: Mapping[str, str], of_image: Mapping[str, str]) -> LayerRef | None:
    """The layer in a package's properties; None when they tell of none."""
    digest, index = found.get(LAYER_DIGEST, ""), found.get(LAYER_INDEX, "")
    if not digest or not (index.isascii() and index.isdecimal() and len(index) < 6):
        return None
    return LayerRef(digest, int(index), of_image.get(instruction_of(int(index))))


def origin_of(found: Mapping[str, str]) -> Origin:
    """The origin in a package's properties; '' when they tell of none that we know."""
    told = found.get(ORIGIN)
    return "base" if told == "base" else "app" if told == "app" else ""


def problems_of(texts: Iterable[str], subject: str) -> set[Problem]:
    """The problems in the values of `PROBLEM`; one that is not in our form is told as it stands."""
    return {_problem(text) or Problem("incomplete-sbom", subject, text) for text in texts}


def _text(problem: Problem) -> str:
    fields = {
        name: wellformed(value) if isinstance(value, str) else value
        for name, value in problem._asdict().items()
    }
    return json.dumps(fields, ensure_ascii=False)


def _problem(text: str) -> Problem | None:
    try:
        fields = json.loads(text)
        found = Problem(**fields) if isinstance(fields, dict) else None
    except (ValueError, TypeError, RecursionError):
        return None
    texts = found is not None and all(isinstance(field, str) for field in found[:4])
    return found if found and texts and found.message and isinstance(found.coverage, bool) else None
