"""Packages of Maven in Java archives (jar, war, ear, Jenkins' hpi, ...), and in the archives within them.

What tells of a package, in this order:

1. `pom.properties` (or `pom.xml` where that is missing). The archive's own is the one that agrees with its file name or its
   manifest; the others are of what was merged into it, and are packages as well. Classes that were moved to other packages
   when they were merged are still those classes, with the same flaws, so that does not matter.
2. What the manifest declares (a group; `GROUP#ARTIFACT;VERSION`), and archives that are well known (`_jarnames`).
3. What the manifest lets conclude for sure: the vendor's id, or a bundle's symbolic name that ends in the artifact.

Artifact and version are those of the file name where nothing better is there, the version that of the manifest where the
file name has none. Where no group is certain, the name of the package is the artifact alone, without a colon, which no
advisory has: a guess would match another package or, more often, none, and nobody would know. An archive of which neither
file name nor manifest tells a version is no package (a problem if its name is certain).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from secpipe.catalog import _jarnames
from secpipe.catalog._jarnames import FileName
from secpipe.catalog._jarread import FORMAT, INSIDE, distil
from secpipe.catalog._text import unreadable, usable
from secpipe.model.named import NamedTuple
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

__all__ = ["TYPE", "distil", "packages"]

TYPE = "maven"

_STANDARD = lazy(r"(?:.*/)?META-INF/maven/([^/]+)/([^/]+)/pom\.(?:properties|xml)")
_PLACEHOLDER = lazy(r"[${}@%<>|,;:\\/?*\"']")
_GROUP = lazy(r"[A-Za-z_][\w-]*(?:\.[\w-]+)+")
_VENDORS = frozenset(
    {
        "com.google",
        "com.ibm",
        "com.oracle",
        "com.sun",
        "org.apache",
        "org.codehaus",
        "org.eclipse",
        "org.jboss",
    }
)
"""What stands for a vendor in manifests and is no group of any artifact."""
_DECLARED = lazy(r"([\w.-]+)[#:]([\w.-]+)(?:[;:][\w.+-]+)?")
_STAMP = lazy(r"\.v?[0-9]{8}[\w.-]*\Z")
_BUILD = lazy(r"-release-[0-9]+(?:\([\w.-]*\))?\Z")
_JETTY = "org.eclipse.jetty."
_STARTS = lazy(r"[vr]?[0-9]")
_NO_CODE = lazy(r"(?i)-(?:sources|javadoc|src)\.[a-z]+\Z")
_VERSIONS = ("Implementation-Version", "Plugin-Version", "Bundle-Version", "Specification-Version")
_ARTIFACTS = ("Short-Name", "Extension-Name", "Implementation-Title", "Bundle-SymbolicName")
_UNREADABLE = "unreadable-metadata"


class _Pom(NamedTuple):
    member: str
    group: str
    artifact: str
    version: str


class _Archive(NamedTuple):
    path: str
    manifest: dict[str, str]
    poms: list[_Pom]
    roots: list[str]

    @property
    def file_name(self) -> str:
        return self.path.rpartition("/")[2]


def packages(path: str, data: bytes) -> Iterator[Package | Problem]:
    """The packages of the archive at `path`, of which `data` is the `distil`led rest.

    `Package.path` is that of the archive that holds it, `app.jar!/BOOT-INF/lib/x.jar` for one within another; of what was
    merged into an archive, that of the member that says so, `x.jar!/META-INF/maven/GROUP/ARTIFACT/pom.properties`.
    """
    try:
        archives, unread = _loaded(path, data)
    except (ValueError, TypeError, KeyError, RecursionError):
        yield unreadable(path, None, "what was kept of it cannot be read", _UNREADABLE)
        return
    for where, why in unread:
        place = _within(path, where)
        yield unreadable(place, None, why, _UNREADABLE)
    for archive in archives:
        seen = set()
        for found in _packages(archive):
            if isinstance(found, Problem):
                yield found
            elif (found.name, found.version) not in seen:
                seen.add((found.name, found.version))
                yield found


def _loaded(path: str, data: bytes) -> tuple[list[_Archive], list[tuple[str, str]]]:
    found = json.loads(data)
    if found["format"] != FORMAT:
        raise ValueError("another format")
    archives = [
        _Archive(
            _within(path, str(archive["at"])),
            {str(name): str(value) for name, value in archive["manifest"].items()},
            [_Pom(*map(str, pom)) for pom in archive["poms"]],
            [str(root) for root in archive["roots"]],
        )
        for archive in found["archives"]
    ]
    return archives, [(str(where), str(why)) for where, why in found["unread"]]


def _within(path: str, at: str) -> str:
    return f"{path}{INSIDE}{at}" if at else path


def _packages(archive: _Archive) -> Iterator[Package | Problem]:
    if _NO_CODE.search(archive.file_name) and not archive.roots:
        return
    versions = _versions(archive.manifest)
    poms = [_completed(pom) for pom in archive.poms]
    told = [pom.version for pom in poms if _valid(pom.version)]
    name = _jarnames.read(archive.file_name, [*versions, *told], _artifacts(archive.manifest))
    own = _own(name, archive.manifest, poms) or _called(archive.file_name, poms)
    if own is None:
        yield from _unowned(archive, name, versions)
    else:
        version = next(filter(_valid, (own.version, name.version, *versions)), "")
        yield from _package(own, version, archive.path)
    for pom in poms:
        if pom is not own:
            yield from _package(pom, pom.version, _within(archive.path, pom.member))


def _package(pom: _Pom, version: str, path: str) -> Iterator[Package | Problem]:
    if all(map(_valid, (pom.group, pom.artifact, version))):
        yield Package(f"{pom.group}:{pom.artifact}", version, TYPE, path)
    elif _STANDARD.fullmatch(pom.member):
        yield unreadable(path, None, "no valid group, artifact and version", _UNREADABLE)


def _completed(pom: _Pom) -> _Pom:
    """With the group and artifact that its path tells where it does not."""
    standard = _STANDARD.fullmatch(pom.member)
    if not standard:
        return pom
    return pom._replace(
        group=pom.group if _valid(pom.group) else standard[1],
        artifact=pom.artifact if _valid(pom.artifact) else standard[2],
    )


def _called(file: str, poms: Sequence[_Pom]) -> _Pom | None:
    """The one whose artifact is all of the file's name, which is then no version: `x-3.0-spec.jar` is `x_3.0_spec`."""
    whole = _same(file.rpartition(".")[0])
    return next((pom for pom in poms if _same(pom.artifact) == whole and _valid(pom.version)), None)


def _same(name: str) -> str:
    return name.lower().replace("_", "-")


def _own(name: FileName, manifest: dict[str, str], poms: Sequence[_Pom]) -> _Pom | None:
    """The one of the archive itself. None where they are all of what was merged into it."""
    artifacts = {name.artifact.lower(), *(artifact.lower() for artifact in _artifacts(manifest))}
    versions = {version for version in (name.version, *_versions(manifest)) if version}

    def agrees(pom: _Pom) -> tuple[bool, bool, bool]:
        called = pom.artifact.lower() == name.artifact.lower()
        meant = called or bool({pom.artifact.lower(), f"{pom.group}.{pom.artifact}".lower()} & artifacts)
        return meant and (not versions or pom.version in versions or not _valid(pom.version)), called, meant

    best = max(poms, key=agrees, default=None)
    if best is None:
        return None
    if any(agrees(best)):
        return best
    # A file that was renamed: it has one description, and nothing tells another version.
    same = [pom for pom in poms if pom.version in versions] if versions else poms
    return same[0] if len(same) == 1 else None


def _unowned(archive: _Archive, name: FileName, versions: Sequence[str]) -> Iterator[Package | Problem]:
    """The archive itself, of which no POM tells."""
    version = next(filter(_valid, (name.version, *versions)), "")
    named = list(_named(archive, FileName(name.artifact, version)))
    for group, artifact in named:
        if not _valid(version):
            why = f"{group}:{artifact} without its version, which neither manifest nor file name tells"
            yield unreadable(archive.path, None, why, _UNREADABLE)
            return
        yield Package(f"{group}:{artifact}", version, TYPE, archive.path)
    if not named and _valid(version) and _valid(name.artifact):
        yield Package(name.artifact, version, TYPE, archive.path)


def _named(archive: _Archive, name: FileName) -> Iterator[tuple[str, str]]:
    """Group and artifact, if they are certain."""
    manifest = archive.manifest
    declared = _DECLARED.fullmatch(manifest.get("Implementation-Title", ""))
    if declared and _GROUP.fullmatch(declared[1]):
        yield declared[1], declared[2]
        return
    plugin, group = manifest.get("Short-Name", ""), manifest.get("Group-Id", "")
    if _valid(plugin) and _GROUP.fullmatch(group):
        yield group, plugin
        return
    known = list(_jarnames.groups(name, archive.roots))
    if known:
        yield from known
        return
    vendor = manifest.get("Implementation-Vendor-Id", "")
    group = (
        vendor if _GROUP.fullmatch(vendor) and vendor not in _VENDORS else _bundled(manifest, name.artifact)
    )
    if group and _valid(name.artifact):
        yield group, name.artifact


def _bundled(manifest: dict[str, str], artifact: str) -> str:
    """The group in the symbolic name of a bundle, where the artifact follows it and cannot be a part of it."""
    symbolic = manifest.get("Bundle-SymbolicName", "").partition(";")[0].strip()
    group = symbolic.removesuffix(f".{artifact}")
    sure = "-" in artifact or group.endswith(f".{artifact}")
    return group if group != symbolic and sure and _GROUP.fullmatch(group) else ""


def _versions(manifest: dict[str, str]) -> list[str]:
    """The versions that a manifest tells, the likeliest first; of each the first word.

    A build's time or number at the end of a bundle's version is none of the artifact's, but for Jetty's.
    """
    found = []
    for attribute in _VERSIONS:
        word = _BUILD.sub("", manifest.get(attribute, "").partition(" ")[0])
        if attribute == "Bundle-Version" and not manifest.get("Bundle-SymbolicName", "").startswith(_JETTY):
            word = _STAMP.sub("", word)
        if _STARTS.match(word) and _valid(word):
            found.append(word)
    return found


def _artifacts(manifest: dict[str, str]) -> list[str]:
    found = [manifest.get(attribute, "").partition(";")[0].strip() for attribute in _ARTIFACTS]
    return [artifact for artifact in found if _valid(artifact)]


def _valid(text: str) -> bool:
    """Whether it can be a part of coordinates: one word, and nothing that somebody forgot to replace."""
    return usable(text) and not _PLACEHOLDER.search(text)
