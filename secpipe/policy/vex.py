"""What VEX documents state about the findings of an image, whichever format they are in.

A statement is about a vulnerability in products. A product is a package, or an image with all its packages, or parts of
either. Of the statements about a finding the newest holds, across all documents; `not_affected` and `fixed` suppress.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from secpipe.model.named import NamedTuple
from secpipe.model.package import Distribution, Package
from secpipe.model.problem import Problem
from secpipe.model.purl import Purl
from secpipe.model.scan import Finding, Suppression, VexStatus
from secpipe.model.text import plural, printable
from secpipe.policy import cpe, purls
from secpipe.policy.suppress import Suppressed
from secpipe.policy.vers import Range

MAX_REASON = 4096
"""Characters of a reason that are kept."""
SUPPRESSING: tuple[VexStatus, ...] = ("not_affected", "fixed")
_OF_A_DISTRIBUTION = frozenset({"alpm", "apk", "deb", "rpm"})


class Component(Struct, frozen=True):
    """How a document names something: package URLs, CPEs, and other names (references and digests of images).

    `versions` narrow package URLs that have none: one of these, or in one of these ranges; empty for any.
    `bom` is the BOM that it is in (`urn:uuid:…/1`), where the statement is about that BOM alone.
    """

    purls: tuple[Purl, ...] = ()
    names: frozenset[str] = frozenset()
    cpes: tuple[str, ...] = ()
    versions: tuple[str | Range, ...] = ()
    bom: str = ""

    @property
    def known(self) -> bool:
        """Whether it is named by anything that we can look for."""
        return bool(self.purls or self.names or any(map(cpe.system, self.cpes)))


class Product(Struct, frozen=True):
    """Something that a statement is about; with `parts`, these in it, and not itself."""

    whole: Component
    parts: tuple[Component, ...] = ()

    @property
    def known(self) -> bool:
        """Whether we can tell what it is."""
        return self.whole.known and (not self.parts or any(part.known for part in self.parts))


class Statement(Struct, frozen=True):
    """A status of a vulnerability (under all its names) in products, as it was at a moment (UTC, '' where nobody says).

    `justification` is one of the format's words, `reason` what a person wrote.
    """

    ids: tuple[str, ...]
    products: tuple[Product, ...]
    status: VexStatus
    moment: str = ""
    justification: str = ""
    reason: str = ""


class Document(Struct, frozen=True):
    """The statements of one file in their order, and what of it could not be used."""

    source: str
    statements: tuple[Statement, ...]
    problems: tuple[Problem, ...] = ()


class Subject(Struct, frozen=True):
    """What is scanned, under all its names: package URLs (`oci`), references and digests; and its distribution.

    `places` are what the qualifier `repository_url` may be. `bom` is the list of packages that was scanned, `urn:uuid:…/1`.
    """

    purls: tuple[Purl, ...] = ()
    names: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    distribution: Distribution | None = None
    bom: str = ""


class _Place(NamedTuple):
    """Where a statement stands: the newest wins, then the last."""

    moment: str
    document: int
    statement: int


def judge(
    findings: Sequence[Finding],
    documents: Sequence[Document],
    subjects: Mapping[str, Subject],
    packages: Iterable[Package] = (),
) -> Suppressed:
    """Give findings that the documents state not to be affected, or fixed, their suppression.

    `subjects` are the images by the platform that packages are marked with. `packages` are all of them: what is in the
    same file as a finding's package may be the product that it is part of.
    """
    by_id: dict[str, list[_Place]] = {}
    for d, document in enumerate(documents):
        for s, statement in enumerate(document.statements):
            for id in {one.casefold() for one in statement.ids}:
                by_id.setdefault(id, []).append(_Place(statement.moment, d, s))
    around = _by_file(packages) if by_id else {}
    used: set[int] = set()
    judged: list[Finding] = []
    for finding in findings:
        package = finding.package
        names = {name.casefold() for name in (finding.id, *finding.aliases, finding.evidence.advisory)}
        places = sorted((place for name in names for place in by_id.get(name, ())), reverse=True)
        subject = subjects.get(package.platform) or subjects.get("") or Subject()
        others = around.get((package.platform, package.path), ())
        for place in places:
            statement = documents[place.document].statements[place.statement]
            if any(_concerns(product, package, subject, others) for product in statement.products):
                used.add(place.document)
                if statement.status in SUPPRESSING and finding.suppression is None:
                    finding = replace(finding, suppression=_suppression(statement, documents[place.document]))
                break
        judged.append(finding)
    told = [problem for document in documents for problem in document.problems]
    told += [_unused(one) for d, one in enumerate(documents) if d not in used]
    return Suppressed(tuple(judged), tuple(sorted(set(told))))


def moment(text: str) -> str:
    """A time in the form of RFC 3339 in UTC, so that it sorts; '' for what is none."""
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return ""
    return found.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0")


def unreadable(source: str, messages: Sequence[str], hint: str) -> tuple[Problem, ...]:
    """One warning about statements that are not heeded, with the first of the reasons."""
    if not messages:
        return ()
    count = plural(len(messages), "statement")
    words = f"{source}: {count} of it suppress nothing, the first because {printable(messages[0][:300])}"
    if len(messages) == 1:
        words = f"{source}: a statement of it suppresses nothing: {printable(messages[0][:300])}"
    return (Problem("unreadable-vex", source, words, hint),)


def _by_file(packages: Iterable[Package]) -> dict[tuple[str, str], tuple[Package, ...]]:
    found: dict[tuple[str, str], list[Package]] = {}
    for package in packages:
        if package.path and package.type not in _OF_A_DISTRIBUTION:
            found.setdefault((package.platform, package.path), []).append(package)
    return {place: tuple(members) for place, members in found.items()}


def _concerns(product: Product, package: Package, subject: Subject, others: Sequence[Package]) -> bool:
    if not product.parts:
        return _is_package(product.whole, package, subject) or _is_image(product.whole, subject)
    if not any(_is_package(part, package, subject) for part in product.parts):
        return False
    whole = product.whole
    return (
        _is_image(whole, subject)
        or cpe.names(whole.cpes, subject.distribution)
        or any(_is_package(whole, other, subject) for other in others)
    )


def _is_package(component: Component, package: Package, subject: Subject) -> bool:
    if component.bom and component.bom != subject.bom:
        return False
    if not any(_about(purl, package) for purl in component.purls):
        return False
    return not component.versions or any(
        one.holds(package.version) if isinstance(one, Range) else one == package.version
        for one in component.versions
    )


def _about(purl: Purl, package: Package) -> bool:
    if purl.type == "rpm" and purl.qualifiers.get("arch") == "src":
        return _is_source(purl, package)
    return purls.about(purl, package)


def _is_source(purl: Purl, package: Package) -> bool:
    """Whether the package was built from the source RPM that the URL names."""
    if package.type != "rpm" or package.source is None or package.source.name != purl.name:
        return False
    epoch, colon, version = package.source.version.rpartition(":")
    if purl.version and purl.version != version:
        return False
    return not (colon and "epoch" in purl.qualifiers) or purl.qualifiers["epoch"] == epoch


def _is_image(component: Component, subject: Subject) -> bool:
    if component.bom and component.bom != subject.bom:
        return False
    if not component.names.isdisjoint(subject.names):
        return True
    return any(_same_image(wanted, found, subject) for wanted in component.purls for found in subject.purls)


def _same_image(wanted: Purl, found: Purl, subject: Subject) -> bool:
    """The place of a repository is not part of its URL's identity in one spelling alone: it may lack the image's name."""
    place = wanted.qualifiers.get("repository_url")
    if place is not None and repository(place) not in subject.places:
        return False
    rest = {key: value for key, value in wanted.qualifiers.items() if key != "repository_url"}
    return purls.covers(wanted._replace(qualifiers=rest), found)


@lru_cache(1 << 10)
def repository(place: str) -> str:
    """A repository's address as we compare it: without scheme, Docker Hub under one name, in lower case."""
    place = place.casefold().removeprefix("https://").removeprefix("http://").rstrip("/")
    host, slash, rest = place.partition("/")
    hub = host in ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
    return f"{'docker.io' if hub else host}{slash}{rest}"


def _suppression(statement: Statement, document: Document) -> Suppression:
    return Suppression(
        "vex",
        statement.reason[:MAX_REASON],
        document.source,
        status=statement.status,
        justification=statement.justification,
    )


def _unused(document: Document) -> Problem:
    count = plural(len(document.statements), "statement")
    return Problem(
        "unused-vex",
        document.source,
        f"{document.source}: it states nothing about any finding here ({count})",
        "see whether its products have the names (package URLs) of this image or of its packages",
    )
