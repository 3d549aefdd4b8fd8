"""Images of a fleet that were never built: layers by their names, packages by layer, findings by package."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from secpipe.catalog import Inventory
from secpipe.fleet.values import FleetImage, FleetResult, Named
from secpipe.model.image import Descriptor, Image, Layer, Platform
from secpipe.model.package import Distribution, LayerRef, Package, Source
from secpipe.model.problem import Problem
from secpipe.model.scan import Evidence, Finding, ScanReport, Suppression, Target, Verdict
from secpipe.model.severity import Severity

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64", "v8")
DEBIAN = Distribution("debian", "12", "Debian GNU/Linux 12 (bookworm)")
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha256(text: str) -> str:
    """A digest that stands for whatever the text names."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def layer(name: str, index: int) -> Layer:
    """The layer of that name."""
    return Layer(
        index,
        Descriptor(GZIP, sha256(f"blob {name}"), 1000),
        sha256(f"diff {name}"),
        f"RUN {name}",
        open=lambda: iter(()),
    )


def deb(name: str, version: str, source: str = "", *, ecosystem: str | None = "Debian:12") -> Package:
    """A package of Debian."""
    return Package(
        name,
        version,
        "deb",
        "var/lib/dpkg/status",
        Source(source, version) if source else None,
        "amd64",
        f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12",
        ecosystem,
    )


def pypi(name: str, version: str, owner: str = "") -> Package:
    """A package of Python's index; `owner` is the package of the distribution that brought it."""
    path = f"usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA"
    return Package(
        name, version, "pypi", path, purl=f"pkg:pypi/{name}@{version}", ecosystem="PyPI", owner=owner
    )


def image(
    name: str,
    layers: Sequence[str],
    references: Iterable[str] = (),
    platform: Platform = AMD64,
    by: tuple[str, ...] = ("images.txt",),
) -> FleetImage:
    """An image of these layers."""
    digest = sha256(f"manifest {name} {platform}")
    found = Image(
        f"registry.example/{name}@{digest}",
        digest,
        platform,
        tuple(layer(one, index) for index, one in enumerate(layers)),
    )
    return FleetImage(found, tuple(Named(reference, by) for reference in sorted(references)))


def inventory(
    image: FleetImage,
    packages: Mapping[int, Iterable[Package]],
    distribution: Distribution | None = DEBIAN,
    problems: tuple[Problem, ...] = (),
) -> Inventory:
    """The packages, by the positions of the layers that brought them."""
    refs = {one.index: LayerRef(one.descriptor.digest, one.index, one.instruction) for one in image.layers}
    found = [replace(one, layer=refs[index]) for index, some in packages.items() for one in some]
    found.sort(key=lambda p: (p.type, p.name, p.version, p.arch, p.path))
    return Inventory(distribution, tuple(found), problems)


def finding(
    id: str,
    package: Package,
    fixed: str | None = None,
    severity: Severity = Severity.HIGH,
    aliases: tuple[str, ...] = (),
    suppression: Suppression | None = None,
    **more: object,
) -> Finding:
    """A vulnerability of a package."""
    return Finding(
        id,
        aliases,
        package,
        fixed,
        severity,
        7.5,
        "fixed" if fixed else "affected",
        Evidence(id, ">=0", "deb"),
        f"What is wrong: {id}",
        f"https://osv.dev/vulnerability/{id}",
        suppression,
        **more,  # type: ignore[arg-type]
    )


def result(
    image: FleetImage,
    inventory: Inventory,
    findings: Iterable[Finding] = (),
    problems: tuple[Problem, ...] = (),
    database: str = "sha256:0",
) -> FleetResult:
    """What came out of an image; findings, and after them problems, decide about it."""
    found = tuple(sorted(findings, key=lambda one: one.sort_key))
    counting = [one for one in found if one.suppression is None]
    verdict: Verdict = "failed" if counting else "undecided" if problems else "clean"
    code = {"failed": 1, "undecided": 3, "clean": 0}[verdict]
    target = Target(image.image.reference, image.digest, str(image.platform), inventory.distribution)
    report = ScanReport(
        target,
        inventory.packages,
        found,
        problems,
        verdict,
        code,
        f"{len(counting)} findings",
        database=database,
    )
    return FleetResult(image, inventory, report)
