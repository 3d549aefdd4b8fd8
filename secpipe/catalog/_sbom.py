"""Reads lists of packages (SBOMs), ours and other programs': from a document to an inventory.

CycloneDX 1.2 to 1.7 and SPDX 2.2 and 2.3, both as JSON. A package is what its URL says; what else the matching needs is
read from our properties, from Trivy's, and from the qualifiers that Syft adds (`distro`, `epoch`, `upstream`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from secpipe.catalog import _sbomcyclonedx, _sbomspdx
from secpipe.catalog._sbomdistro import OS_TYPES, named, same, system
from secpipe.catalog._sbomentries import Entry, Listing
from secpipe.catalog.rpm import SOURCE_PACKAGE
from secpipe.errors import ImageError, LimitExceeded, UndecidedError
from secpipe.model import sbom
from secpipe.model.image import Platform
from secpipe.model.limits import Limits
from secpipe.model.package import Distribution, Package, Source
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.purl import Purl, package_name, parse
from secpipe.model.text import plural, printable
from secpipe.oci import digests, document

_BY_SOURCE = frozenset({"apk", "deb"})
_TELL_SOURCES = frozenset({"secpipe", "syft", "trivy"})
_TRIVY = "aquasecurity:trivy:"
_MODULES = (sbom.MODULE, _TRIVY + "Modularitylabel", "syft:metadata:modularityLabel")
_READ = frozenset({"arch", "distro", "epoch", "rpmmod", "upstream"})
"""Qualifiers of a distribution's packages that have a place of their own in ours."""
_FOLD = lazy(r"[-_.]+")
_EPOCH = lazy(r"[0-9]+:")
_UPSTREAM = lazy(r"[?&]upstream=[^&#]*$")
"""What our lists add to a package's URL, for those who look for the source package there."""
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_WRAPPED = ("predicate", "sbom", "SPDX")
"""Where a list stands in an in-toto statement, in what GitHub exports and in what `docker buildx` shows."""
_HINT = "write the list as JSON, in CycloneDX 1.2 to 1.7 or SPDX 2.2 or 2.3"

_Reader = Callable[[Mapping[str, Any], Listing, Limits], None]


class Listed(Struct, frozen=True):
    """What a list says: an inventory as of an image, sorted. `digest` and `platform` are the image's where they are told.

    `is_image` is false for the list of an application, which has no distribution.
    """

    distribution: Distribution | None
    packages: tuple[Package, ...]
    problems: tuple[Problem, ...]
    digest: str
    platform: Platform
    is_image: bool
    bom: str = ""
    """the list itself, as BOM-Links have it"""


def read(data: bytes, what: str, limits: Limits) -> Listed:
    """The packages in the document, which messages call `what`. UndecidedError when it is no such list or too large.

    What cannot be understood of it is a problem. `Package.ecosystem` is left to the matcher.
    """
    if data.count(b"{") + data.count(b"[") > limits.sbom_objects:
        hint = "if you trust it, raise the limit with --limit sbom-objects=NUMBER"
        raise LimitExceeded(f"{what} has too many entries (limit sbom-objects: {limits.sbom_objects})", hint)
    whole = _unwrapped(_loaded(data, what))
    reader = _reader(whole, what)
    listing = Listing(what)
    reader(whole, listing, limits)
    purls = _parsed(listing)
    distribution = _distribution(listing, [purl for _, purl in purls])
    packages: set[Package] = set()
    for entry, purl in purls:
        other = named(purl)
        if distribution and other and not same(other, distribution):
            why = f"of another distribution than {distribution}, which were not examined"
            listing.fault("mixed-distributions", why, f"{entry.name} ({other})")
            continue
        packages.add(_package(entry, purl, listing.root.properties))
    root = listing.root
    own = sbom.problems_of(listing.told, what)
    problems = {*own, *listing.problems(), *_gaps(listing, packages, bool(own), limits)}
    return Listed(
        distribution,
        tuple(sorted(packages, key=lambda p: (p.type, p.name, p.version, p.arch, p.path, p.purl))),
        tuple(sorted(problems)),
        _digest(root),
        _platform(root, listing.is_image),
        listing.is_image,
        sbom.bom_link(whole.get("serialNumber"), whole.get("version")),
    )


# ---------------------------------------------------------------- the document


def _loaded(data: bytes, what: str) -> dict[str, Any]:
    head = data[:1024].lstrip()
    encoding = next((name for mark, name in _BOMS.items() if data.startswith(mark)), "")
    try:
        # Some programs and shells put a byte order mark before it, PowerShell writes UTF-16.
        text = data.decode(encoding).encode() if encoding else data
        return document.load_object(text, what)
    except UnicodeError as error:
        raise UndecidedError(f"{what} is not valid UTF-16", _HINT) from error
    except ImageError as error:
        if head.startswith((b"<?xml", b"<bom")):
            raise UndecidedError(f"{what} is XML, which is not read", _HINT) from error
        if b"SPDXVersion:" in head:
            raise UndecidedError(f"{what} is SPDX's tag-value form, which is not read", _HINT) from error
        raise UndecidedError(error.message, f"is it whole? {_HINT}") from error


def _unwrapped(whole: dict[str, Any]) -> dict[str, Any]:
    for key in _WRAPPED:
        inner = whole.get(key)
        if isinstance(inner, dict) and "bomFormat" not in whole and "spdxVersion" not in whole:
            return inner
    return whole


def _reader(whole: Mapping[str, Any], what: str) -> _Reader:
    if whole.get("bomFormat") == "CycloneDX":
        kind, version = "CycloneDX", whole.get("specVersion")
        known: Sequence[str] = _sbomcyclonedx.VERSIONS
        reader: _Reader = _sbomcyclonedx.read
    elif "spdxVersion" in whole:
        kind, version, known = "SPDX", whole["spdxVersion"], _sbomspdx.VERSIONS
        reader = _sbomspdx.read
    elif "spdx" in str(whole.get("@context", ""))[:200]:
        raise UndecidedError(f"{what} is SPDX 3, which is not read", _HINT)
    elif "artifacts" in whole and "descriptor" in whole:
        raise UndecidedError(f"{what} is Syft's own format", f"syft convert FILE -o cyclonedx-json; {_HINT}")
    else:
        raise UndecidedError(f"{what} is no list of packages: neither CycloneDX nor SPDX", _HINT)
    if version not in known:
        raise UndecidedError(
            f"{what} is {kind} of the version {str(version)[:40]!r}, which is not read", _HINT
        )
    return reader


# ---------------------------------------------------------------- its packages


def _parsed(listing: Listing) -> list[tuple[Entry, Purl]]:
    found = []
    for entry in listing.entries:
        try:
            purl = parse(entry.purl)
        except ValueError as error:
            why = f"with a malformed package URL, which {error}"
            listing.fault("unidentified-package", why, entry.purl)
            continue
        name = package_name(purl)
        if name.isprintable() and name == name.strip():
            found.append((entry, purl))
        else:
            # No advisory has such a name, so it would pass for a package without flaws.
            listing.fault("unidentified-package", "whose name has blanks or control characters", entry.purl)
    return found


def _package(entry: Entry, purl: Purl, image: Mapping[str, str]) -> Package:
    own, ours = entry.properties, purl.type in OS_TYPES
    name = package_name(purl)
    # In the spelling of the list, where that is the same name: URLs have PyPI's in lower case and with hyphens.
    if entry.name != name and _FOLD.sub("-", entry.name).lower() == _FOLD.sub("-", name).lower():
        name = entry.name
    version, epoch = purl.version or entry.version, purl.qualifiers.get("epoch", "")
    if ours and epoch.isdecimal() and not _EPOCH.match(version):
        version = f"{epoch}:{version}"
    layer = sbom.layer_of(own, image)
    address = "pkg:" + entry.purl[entry.purl.index(":") + 1 :]
    return Package(
        name,
        version,
        purl.type,
        entry.path.removeprefix("/"),
        _source(entry, purl, version),
        own.get(sbom.ARCH, "") or (purl.qualifiers.get("arch", "") if ours else ""),
        _UPSTREAM.sub("", address) if sbom.SOURCE_NAME in own else address,
        layer=layer if layer and not digests.flaw(layer.digest) else None,
        owner=own.get(sbom.OWNER, ""),
        vendor=own.get(sbom.VENDOR, ""),
        module=next((own[key] for key in _MODULES if key in own), purl.qualifiers.get("rpmmod", "")),
        qualifiers=tuple(sorted(pair for pair in purl.qualifiers.items() if not (ours and pair[0] in _READ))),
        origin=sbom.origin_of(own),
        evidence=own.get(sbom.EVIDENCE, ""),
    )


def _source(entry: Entry, purl: Purl, version: str) -> Source | None:
    if purl.type not in OS_TYPES:
        return None
    own = entry.properties
    if name := own.get(sbom.SOURCE_NAME):
        return Source(name, own.get(sbom.SOURCE_VERSION, "") or version)
    if name := own.get(_TRIVY + "SrcName"):
        parts = [own.get(f"{_TRIVY}Src{part}", "") for part in ("Epoch", "Version", "Release")]
        epoch = f"{parts[0]}:" if parts[0] not in ("", "0") else ""
        return Source(name, epoch + "-".join(filter(None, parts[1:])) if parts[1] else version)
    upstream = purl.qualifiers.get("upstream", "")
    if built := SOURCE_PACKAGE.fullmatch(upstream):
        return Source(built[1], built[2])
    name, _, told = upstream.partition("@")
    return Source(name, told or version) if name else None


# ---------------------------------------------------------------- what they are packages of


def _distribution(listing: Listing, purls: Iterable[Purl]) -> Distribution | None:
    """The operating system that the list names, else the one that most package URLs do."""
    systems = [system(one) for one in listing.systems if one.id not in ("", "none")]
    for other in systems[1:]:
        if not same(other, systems[0]):
            why = f"of another operating system than {systems[0]}"
            listing.fault("mixed-distributions", why, str(other))
    counts = Counter(found for found in map(named, purls) if found)
    most = sorted(counts, key=lambda one: (-counts[one], one.id, one.version_id))
    return next(iter([*systems, *most]), None)


def _gaps(listing: Listing, packages: Iterable[Package], told: bool, limits: Limits) -> Iterable[Problem]:
    what = listing.what
    if listing.full:
        message = (
            f"{what} was not read to its end: it has too many packages (limit packages: {limits.packages})"
        )
        yield Problem("too-many-packages", what, message, "raise it with --limit packages=NUMBER")
    if listing.incomplete and not told:
        hint = "make it again where everything can be read, or accept the gap with --allow-incomplete"
        yield Problem("incomplete-sbom", what, f"{what} says of itself that it is incomplete", hint)
    count = sum(package.type in _BY_SOURCE for package in packages)
    sources = any(package.source for package in packages) or listing.tools & _TELL_SOURCES
    if count and not sources:
        yield Problem(
            "unknown-source",
            what,
            f"{what} does not say which source packages its {plural(count, 'package')} of a distribution were "
            "built from, and advisories are about these",
            "make the list with secpipe sbom, syft or trivy, or scan the image itself",
        )


def _digest(root: Entry) -> str:
    candidates = [root.version]
    if root.purl.startswith("pkg:oci/"):
        with suppress(ValueError):
            candidates.append(parse(root.purl).version)
    return next((one for one in candidates if one and not digests.flaw(one)), "")


def _platform(root: Entry, is_image: bool) -> Platform:
    parts = printable(root.properties.get(sbom.PLATFORM, "")).split("/")
    if 2 <= len(parts) <= 3 and all(parts):
        return Platform(*parts)
    try:
        arch = parse(root.purl).qualifiers.get("arch", "") if is_image and root.purl else ""
    except ValueError:
        arch = ""
    return Platform("linux", arch) if arch and "/" not in arch else Platform("unknown", "unknown")
